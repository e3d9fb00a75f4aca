from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from annotation.models import Round
from rubrics.models import RubricVersion
from tests.factories import round_factory

TRIGGERS = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'",
}


def triggers() -> int:
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS[connection.vendor])
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_transactional_tests_empty_guarded_tables_and_keep_the_guards() -> None:
    before = triggers()
    round_factory()
    assert RubricVersion.objects.filter(status="published").exists()
    call_command("flush", interactive=False, verbosity=0)
    assert not RubricVersion.objects.exists()
    assert not Round.objects.exists()
    assert triggers() == before > 0
