"""The arithmetic of the measurements, and that their tables have a place to go to."""

from __future__ import annotations

import math
import os

import pytest

from bench import figures, machine
from bench.__main__ import PAGE, measurements
from bench.client import Reply, read


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.5, 50), (0.95, 95), (0.99, 99), (0.991, 100), (1.0, 100), (0.0, 1)],
)
def test_a_percentile_is_a_time_that_was_waited(share: float, expected: int) -> None:
    assert figures.percentile(list(range(100, 0, -1)), share) == expected


def test_a_percentile_of_few_is_not_kinder_than_the_slowest_of_them() -> None:
    assert figures.percentile([3.0, 1.0], 0.95) == 3.0
    assert figures.percentile([3.0, 1.0], 0.5) == 1.0
    assert math.isnan(figures.percentile([], 0.5))


def test_fairness_is_the_least_served_of_the_most_served() -> None:
    assert figures.fairness([8, 10, 9]) == 0.8
    assert figures.fairness([0, 4]) == 0.0
    assert math.isnan(figures.fairness([0, 0]))


@pytest.mark.parametrize(
    ("ours", "bare", "written"),
    [
        (7.45, 4.0, "7.45 (1.9)"),
        (1234.0, 100.0, "1,234 (12)"),
        (31.25, 0.0, "31.2 (–)"),
        (math.nan, 4.0, "– (–)"),
    ],
)
def test_a_figure_stands_beside_how_many_times_the_yardsticks_it_is(ours: float, bare: float, written: str) -> None:
    assert figures.beside(ours, bare) == written


def test_a_table_has_a_line_a_row() -> None:
    assert figures.table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    page = "before\n<!-- measured: x -->\nold\n<!-- end: x -->\nafter\n"
    assert figures.replaced(page, "x", "new\n") == "before\n<!-- measured: x -->\nnew\n<!-- end: x -->\nafter\n"
    with pytest.raises(ValueError, match="no place for “y”"):
        figures.replaced(page, "y", "new")


def test_the_page_has_a_place_for_every_measurement() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = list(measurements())
    assert "load" in names
    for name in names:
        assert figures.replaced(page, name, "table") != page


def test_the_cpu_time_of_a_family_counts_every_member() -> None:
    mine, init = machine.cpu_seconds([os.getpid()]), os.getppid()
    assert mine > 0
    assert os.getpid() in machine.family([init])
    assert machine.memory_mb([os.getpid()]) > 1


def test_the_fields_of_the_task_are_read_and_no_other_forms() -> None:
    body = (
        '<form><input type="hidden" name="task" value="other"></form><form id="answers">'
        '<input type="hidden" name="csrfmiddlewaretoken" value="t&amp;k">'
        '<input type="hidden" name="task" value="A1"><input name="key" value="K"></form>'
        '<form id="skip"><input type="hidden" name="task" value="later"></form>'
    )
    assert read(Reply(200, {}, body.encode())) == {"csrfmiddlewaretoken": "t&k", "task": "A1", "key": "K"}
    assert read(Reply(200, {}, b"<h1>Nothing to judge right now</h1>")) is None
    assert read(Reply(409, {}, body.encode())) is None
