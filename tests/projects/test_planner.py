from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects.models import Item, System
from projects.planner import ENOUGH_ROWS, note_growth

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("rows", "told"), [(ENOUGH_ROWS, True), (ENOUGH_ROWS - 1, False)])
def test_only_a_large_load_is_told_to_the_planner_and_only_on_postgresql(rows: int, told: bool) -> None:
    with CaptureQueriesContext(connection) as caught:
        note_growth(rows, System, Item)
    said = [query["sql"] for query in caught]
    wanted = ['ANALYZE "projects_item", "projects_system"'] if told and connection.vendor == "postgresql" else []
    assert said == wanted
