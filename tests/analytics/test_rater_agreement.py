"""How often raters answer as the others do: the column of the round's page."""

from __future__ import annotations

import pytest

from analytics.rater_agreement import WithOthers, _figures, agreement_of
from annotation import kept_figures
from annotation.models import RaterExclusion, Round
from annotation.services.seats import seat_for
from tests.annotation.round_pages import judge
from tests.factories import member, round_factory

Row = tuple[int, int, str, str, str, int, float | None, str, str]


def preference(task: int, seat: int, number: float, order: str = "01") -> Row:
    return (7, task, f"prompt-{task}", order, "", seat, number, "", "preference")


def test_the_same_answer_counts_whichever_side_it_was_shown_on() -> None:
    """Three raters; the third differs on every third of 30 pairs, and saw all of them the other way round."""
    rows = [preference(task, seat, -1.0) for task in range(30) for seat in (1, 2)]
    rows += [preference(task, 3, -1.0 if task % 3 == 0 else 1.0, "10") for task in range(30)]
    found = _figures(rows)
    assert (found[3].n, found[3].percent) == (30, pytest.approx(200 / 3))
    assert found[3].low is not None
    assert found[3].high is not None
    assert 45 < found[3].low < found[3].percent < found[3].high < 85
    assert found[1] == found[2]


def test_few_answers_say_nothing_and_never_zero() -> None:
    rows = [preference(task, seat, float(seat)) for task in range(9) for seat in (1, 2)]
    assert _figures(rows) == {1: WithOthers(9), 2: WithOthers(9)}
    assert not WithOthers(9).known
    assert _figures([]) == {}


@pytest.mark.django_db
def test_what_is_read_of_a_round() -> None:
    row = round_factory(items=2, systems=1, overlap=2)
    seats = [seat_for(round=row, user=member(row.project, "rater")) for _ in range(2)]
    for seat in seats:
        judge(seat, 2, c_correct="2")
    found = agreement_of(row, 4)
    assert found is not None
    assert (found.by_seat, found.read_percent) == ({seat.pk: WithOthers(2) for seat in seats}, None)
    part = agreement_of(row, 4_000)
    assert part is not None
    assert part.read_percent == 50
    RaterExclusion.objects.create(seat=seats[0], reason="A trial.")
    assert agreement_of(row, 4).by_seat == {}  # type: ignore[union-attr]
    row.overlap = 1
    assert agreement_of(row, 4) is None


@pytest.mark.django_db
def test_figures_of_many_judgments_are_kept_a_while_and_those_of_few_are_not() -> None:
    row, worked = Round(pk=1, state="open"), []

    def work_out() -> int:
        worked.append(1)
        return len(worked)

    assert [kept_figures.kept("n", row, 10, work_out) for _ in range(2)] == [1, 2]
    assert [kept_figures.kept("n", row, kept_figures.MANY, work_out) for _ in range(2)] == [3, 3]
    row.state = "closed"
    assert kept_figures.kept("n", row, kept_figures.MANY, work_out) == 4
