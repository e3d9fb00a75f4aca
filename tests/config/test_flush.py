from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

GUARD = """
CREATE TRIGGER keep_users BEFORE DELETE ON accounts_user BEGIN SELECT RAISE(ABORT, 'Users are kept.'); END
"""


@pytest.mark.django_db(transaction=True)
def test_transactional_tests_empty_guarded_tables_and_keep_the_guards() -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL truncates, which fires no row triggers.")
    with connection.cursor() as cursor:
        cursor.execute(GUARD)
        try:
            get_user_model().objects.create_user("alice@example.org")
            call_command("flush", interactive=False, verbosity=0)
            assert not get_user_model().objects.exists()
            cursor.execute("SELECT count(*) FROM sqlite_master WHERE name = 'keep_users'")
            assert cursor.fetchone()[0] == 1
        finally:
            cursor.execute("DROP TRIGGER keep_users")
