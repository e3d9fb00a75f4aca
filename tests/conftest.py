"""What every test stands on: one suite for both databases (DATABASE_URL), nothing written into the clone."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.postgresql.operations import DatabaseOperations as PostgresqlOperations
from django.db.backends.sqlite3.base import DatabaseOperations  # .operations alone is circular
from django.utils import translation

from tests.prepared_database import prepared_postgresql, prepared_sqlite

# Measured at over two seconds each on two cores. `make test` runs them; `make quick` does not wait for them.
LONG = (
    "test_summeval_gives_its_interval_alpha_on_all_units",
    "test_newsroom_gives_its_published_alphas",
    "test_migrate_alone_makes_the_cache_table",
    "test_production_settings_pass_the_deployment_checks",
    "test_a_local_start_needs_nothing_and_keeps_its_key",
    "test_layout_changes_no_value",
    "test_a_bomb_is_shown_and_costs_no_more_than_a_page_may",
    "test_a_rubric_written_as_yaml_reads_back_the_same",
    "test_processes_lose_no_increment",
    "test_a_cluster_runs_unprivileged_and_goes_away_after_a_failure",
    "test_random_rows",
    "test_random_promptfoo",
    "test_memory_does_not_grow_with_the_file",
    "test_every_planted_effect_is_found",
    "test_a_backup_taken_under_load_restores_on_an_empty_machine",
    "test_a_restore_that_is_stopped_changes_nothing",
    "test_ctrl_c_leaves_everything_or_nothing",
    "test_every_block_prints_what_stands_below_it",
    "test_any_order_of_acts_keeps_every_promise",
    "test_racing_raters_fill_every_place_once_and_lose_nothing_to_a_kill",
)


# Sweeps over the whole product: many small tests that change rarely.
SWEEPS = (
    *("test_permissions.py", "test_constraints.py", "test_docs.py", "test_report_pages.py", "test_responses.py"),
    *("test_manners.py", "test_stopping.py", "test_startup.py"),  # every command in processes of its own
    *("test_registry.py", "test_registry_preference.py"),  # every statistic under every change that it declares
    *("test_reports.py", "test_report_sections.py", "test_final_answers.py"),  # whole reports of whole rounds
    *("test_blindness_numbers.py", "test_canaries.py"),  # hundreds of tasks; every address as a rater
    *("test_architecture.py", "test_settings.py"),  # every file; settings in processes of their own
    *("test_rubric_files.py", "test_schema.py", "test_fuzz.py"),  # every way in which a file can be wrong
    *("test_verification.py", "test_bad_input.py", "test_report_forms.py", "test_builds.py", "test_earlier.py"),
    *(
        "test_drawings.py",
        "test_gate.py",
        "test_doctor.py",
        "test_ranking.py",
        "test_reference_judges.py",
    ),  # reports again, in all their forms
    *("test_rubric_checks.py", "test_strategies.py"),  # hundreds of simulated pilots; every draw of every order
    *("test_check_rules.py", "test_worker.py", "test_backup.py", "test_run.py"),  # processes, some of them killed
    *("test_raw_values.py", "test_writing_back.py"),  # whole files of other tools
    *("test_hostile.py", "test_reading.py"),  # every text that could harm; every address of the API that reads
)

# Figures of large studies: what is read for them is read on both databases by others, and then it is arithmetic.
FIGURES = ("test_summeval_gives_its_interval_alpha_on_all_units", "test_every_planted_effect_is_found")

# What a report prints of what test_reports.py and test_verification.py have read from both databases.
DRAWN = (
    "test_report_pages.py",
    "test_report_sections.py",
    "test_report_forms.py",
    "test_bad_input.py",
    "test_drawings.py",
    "test_reference_judges.py",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if getattr(item, "originalname", item.name) in LONG or item.path.name in SWEEPS:
            item.add_marker(pytest.mark.long)
    if os.environ.get("PYTEST_SECOND_DATABASE"):
        config.hook.pytest_deselected(items=[item for item in items if not _tells_more(item)])
        items[:] = [item for item in items if _tells_more(item)]


def _tells_more(item: pytest.Item) -> bool:
    """Whether a test can say something on the second database that it has not said on the first.

    pytest-django blocks the database in all tests that do not ask for it. And what a page does in the browser does
    not depend on what is behind it: one whole path shows that the parts fit together here too."""
    if item.path.parent.name == "browser":
        return item.name == "test_from_a_file_to_a_report[promptfoo]"
    if getattr(item, "originalname", item.name) in FIGURES or item.path.name in DRAWN:
        return False
    asked = {"db", "transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    return bool(asked) or item.get_closest_marker("django_db") is not None


def pytest_configure(config: pytest.Config) -> None:
    settings.WHITENOISE_AUTOREFRESH = True  # looks for a file when asked, not for all of them at every client
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # 1 ms, not 300
    # The same examples in every run, however busy the machine; `make slow` draws new ones each time.
    drawn = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.register_profile("new", drawn)
    hypothesis.settings.register_profile("same", drawn, derandomize=True, database=None)
    hypothesis.settings.load_profile("new" if config.getoption("markexpr") == "slow" else "same")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
) -> Iterator[None]:
    """SQLite tests use a file: threads and processes must meet in it, as they do in production."""
    folder = tempfile.mkdtemp(prefix="adjudge-tests-")
    patch = pytest.MonkeyPatch()
    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["TEMPLATE"] = prepared_postgresql(connection.settings_dict)
        patch.setattr(type(connection.creation), "_destroy_test_db", _drop_whoever_is_connected)
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = f"{folder}/test.sqlite3"
        shutil.copyfile(prepared_sqlite(), f"{folder}/test.sqlite3")
        # Only a power cut could tell the difference, and a busy disk makes the tests wait.
        connection.settings_dict["OPTIONS"]["init_command"] = "PRAGMA synchronous=OFF"
    yield
    patch.undo()
    shutil.rmtree(folder, ignore_errors=True)


def _drop_whoever_is_connected(self: Any, test_database_name: str, verbosity: int) -> None:
    """The pool may still be opening a connection for threads that are gone when it is told to close, and then
    keeps it open: seen when the last test of a worker was one that races threads."""
    self.connection.close_pool()
    with self._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {self.connection.ops.quote_name(test_database_name)} WITH (FORCE)")


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """On SQLite the copy is there before Django looks; it must not make a new one. It goes with its folder."""
    return connection.vendor == "sqlite"


@pytest.fixture(autouse=True, scope="session")
def flush_past_triggers() -> Iterator[None]:
    """Transactional tests empty every table; on SQLite by DELETE, which our guards on frozen rows refuse.

    They are put back in the same transaction. PostgreSQL would truncate, which makes new files for some sixty
    tables; deleting the few rows of a test takes a tenth of that.
    """
    original = DatabaseOperations.execute_sql_flush

    def execute_sql_flush(self: Any, sql_list: list[str]) -> None:
        with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f"DROP TRIGGER {self.quote_name(name)}")
            original(self, sql_list)
            for _, sql in triggers:
                cursor.execute(sql)

    def execute_postgresql_flush(self: Any, sql_list: list[str]) -> None:
        with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
            tables = [t for t in self.connection.introspection.table_names(cursor) if t != "django_migrations"]
            names = [self.quote_name(table) for table in tables]
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            if not cursor.fetchone()[0]:  # a server that DATABASE_URL names
                cursor.execute(f"TRUNCATE {', '.join(names)} CASCADE")
                return
            # A replica asks neither guards nor foreign keys.
            cursor.execute("SET LOCAL session_replication_role = replica")
            for name in names:
                cursor.execute(f"DELETE FROM {name}")  # noqa: S608 - a name from the catalogue, quoted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", execute_sql_flush)
        patch.setattr(PostgresqlOperations, "execute_sql_flush", execute_postgresql_flush)
        yield


@pytest.fixture(autouse=True, scope="session")
def private_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "DATA_DIR", folder)
        patch.setattr(settings, "MEDIA_ROOT", folder / "media")
        yield


@pytest.fixture(autouse=True)
def forget_the_language() -> Iterator[None]:
    """What a test spoke, the next must not hear."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def forget_rubrics() -> Iterator[None]:
    """Tests reuse primary keys after a rollback, so specs of one test must not serve the next."""
    yield
    from rubrics.selectors import forget_specs

    forget_specs()
