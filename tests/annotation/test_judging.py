"""What raters do with a task, below the page: answers, drafts, skips, flags, comments, revisions."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation import claims
from annotation.claims import Outcome
from annotation.models import Assignment, Comment, Flag, FreeText, Judgment, Rating, Round, Seat, Slot
from annotation.services import judging, rounds
from annotation.services.judging import AnswersRefused, questions, read_answers, saved_values
from annotation.services.seats import member_remove, seat_for
from projects.errors import ServiceError
from projects.models import Membership
from rubrics.criteria import CRITERIA
from rubrics.specs import CriterionSpec, RubricSpec
from tests.factories import CORRECT, OVERALL, member, round_factory

pytestmark = pytest.mark.django_db

EACH = replace(CORRECT, scope="output")
FAIR = CRITERIA["yes_no"].normalise(CriterionSpec("fair", "yes_no", "Is it fair?", "nominal"))
WHY = CriterionSpec("why", "text", "Why?", "text", required=False, shown_if={"criterion": "fair", "is": "no"})
HARM = CriterionSpec(
    "harm", "number", "How bad?", "ratio", config={"min": 0}, shown_if={"criterion": "fair", "is": ["no"]}
)


def a_seat(round: Round) -> Seat:
    return seat_for(round=round, user=member(round.project, "rater"))


def task(seat: Seat) -> str:
    outcome = claims.claim(seat.pk)
    assert outcome.presentation is not None
    return outcome.presentation.public_id


def submit(seat: Seat, public_id: str, key: str = "", **answers: str) -> Outcome:
    data = {re.sub(r"^c_", "c-", name).replace("__", "-"): value for name, value in answers.items()}
    return judging.judgment_submit(
        seat=seat, round=seat.round, data=data, public_id=public_id, key=key or secrets.token_hex(8)
    )


# --- Questions ----------------------------------------------------------------------------------------------
def names(*criteria: CriterionSpec, outputs: int = 1, only: list[str] | None = None) -> list[tuple[str, str, str]]:
    return [(q.name, q.target, q.letter) for q in questions(RubricSpec("R", criteria), outputs, only)]


def test_one_output_is_asked_about_in_the_order_of_the_rubric() -> None:
    assert names(FAIR, EACH) == [("c-fair", "", ""), ("c-correct", "o0", "")]


def test_of_two_outputs_each_is_asked_about_first_and_the_pair_last() -> None:
    assert names(OVERALL, EACH, outputs=2) == [
        ("c-correct-o0", "o0", "A"), ("c-correct-o1", "o1", "B"), ("c-overall", "", ""),
    ]  # fmt: skip


def test_a_round_over_some_criteria_asks_only_those() -> None:
    assert names(FAIR, EACH, only=["correct"]) == [("c-correct", "o0", "")]


# --- Answers ------------------------------------------------------------------------------------------------
def read(data: dict[str, str], *criteria: CriterionSpec) -> dict[str, Any]:
    asked = list(questions(RubricSpec("R", criteria), 1))
    return {name: answer for name, answer in read_answers(asked, data).items() if not answer.is_empty}


def test_every_missing_or_wrong_answer_is_named_at_once() -> None:
    with pytest.raises(AnswersRefused) as refused:
        read({"c-correct": "9"}, CORRECT, FAIR, WHY)
    assert refused.value.fields.keys() == {"c-correct", "c-fair"}
    assert "Accepted: 1, 2, 3" in refused.value.fields["c-correct"]
    assert refused.value.fields["c-fair"] == "“Is it fair?” has no answer yet."
    assert refused.value.message == "2 questions need an answer first."


def test_a_question_shown_only_sometimes_is_needed_only_then() -> None:
    assert read({"c-fair": "yes"}, FAIR, HARM).keys() == {"c-fair"}
    with pytest.raises(AnswersRefused) as refused:
        read({"c-fair": "no"}, FAIR, HARM)
    assert refused.value.fields.keys() == {"c-harm"}
    assert read({"c-fair": "no", "c-harm": "2"}, FAIR, HARM)["c-harm"].number == 2


def test_an_answer_to_a_question_that_is_not_shown_is_dropped() -> None:
    assert read({"c-fair": "yes", "c-harm": "2"}, FAIR, HARM).keys() == {"c-fair"}


def test_an_optional_answer_may_stay_out_but_not_be_nonsense() -> None:
    number = CriterionSpec("n", "number", "How many?", "ratio", required=False)
    assert read({}, number) == {}
    with pytest.raises(AnswersRefused):
        read({"c-n": "many"}, number)


# --- Submitting ---------------------------------------------------------------------------------------------
def test_a_judgment_keeps_each_answer_where_it_was_given() -> None:
    round = round_factory(mode="compare", criteria=(EACH, OVERALL, replace(WHY, shown_if=None)))
    seat = a_seat(round)
    answers = {"c_correct__o0": "1", "c_correct__o1": "x", "c_overall": "-2", "c_why": "Because B errs."}
    submit(seat, task(seat), comment=" Odd. ", **answers)
    rows = Rating.objects.order_by("criterion__position", "target")
    assert list(rows.values_list("criterion__key", "target", "number", "label", "cannot_judge")) == [
        ("correct", "o0", 1.0, "", False),
        ("correct", "o1", None, "", True),
        ("overall", "", -2.0, "a", False),
    ]
    assert set(FreeText.objects.values_list("kind", "text")) == {("answer", "Because B errs."), ("comment", "Odd.")}


def test_a_refused_judgment_changes_nothing() -> None:
    seat = a_seat(round_factory())
    with pytest.raises(AnswersRefused):
        submit(seat, task(seat), c_correct="")
    assert not Judgment.objects.exists()
    assert Assignment.objects.get().state == Assignment.State.LIVE


@pytest.mark.parametrize("key", ["", "short", "k" * 65])
def test_a_submit_needs_a_usable_key(key: str) -> None:
    seat = a_seat(round_factory())
    with pytest.raises(ServiceError, match="no usable key"):
        judging.judgment_submit(seat=seat, round=seat.round, data={"c-correct": "1"}, public_id=task(seat), key=key)
    assert not Judgment.objects.exists()


def test_somebody_elses_task_is_not_judged() -> None:
    round = round_factory()
    mine, theirs = a_seat(round), a_seat(round)
    for act in (
        lambda public_id: submit(mine, public_id, c_correct="1"),
        lambda public_id: judging.skip(seat=mine, public_id=public_id, reason="unsure"),
        lambda public_id: judging.flag_raise(seat=mine, public_id=public_id, reason="broken", note=""),
        lambda public_id: judging.comment_add(seat=mine, public_id=public_id, text="x"),
        lambda public_id: judging.draft_save(seat=mine, public_id=public_id, data={}, version=0),
    ):
        with pytest.raises(ServiceError, match="not yours"):
            act(task(theirs))
    assert not Judgment.objects.exists()
    assert not Flag.objects.exists()
    assert not Comment.objects.exists()


@pytest.mark.parametrize(
    ("said", "kept"),
    [("12.5", 12.5), ("1e9", 600.0), ("-1", None), ("nan", None), ("", None), ("soon", None), ("inf", 600.0)],
)
def test_a_time_measured_in_the_page_is_kept_if_it_is_believable(said: str, kept: float | None) -> None:
    seat = a_seat(round_factory())
    public_id = task(seat)
    Assignment.objects.update(created_at=timezone.now() - timedelta(minutes=10))
    submit(seat, public_id, c_correct="1", active_seconds=said)
    judgment = Judgment.objects.get()
    assert judgment.seconds == pytest.approx(600, abs=30)
    assert judgment.active_seconds == (pytest.approx(kept, abs=30) if kept else kept)


def test_use_of_the_word_diff_is_recorded() -> None:
    seat = a_seat(round_factory())
    judging.judgment_submit(
        seat=seat, round=seat.round, data={"c-correct": "1", "used_diff": "1"}, public_id=task(seat), key="k" * 16
    )
    assert Judgment.objects.get().events == {"diff": True}


# --- Drafts -------------------------------------------------------------------------------------------------
def test_a_draft_is_kept_shown_again_and_renews_the_lease() -> None:
    seat = a_seat(round_factory(lease_seconds=600))
    public_id = task(seat)
    past = timezone.now() - timedelta(minutes=5)
    Slot.objects.filter(state=Slot.State.LEASED).update(lease_until=past)
    assert judging.draft_save(seat=seat, public_id=public_id, data={"c-correct": "2"}, version=0) == 1
    assignment = Assignment.objects.get()
    asked = list(questions(judging.rubric_of(seat.round), 1))
    assert saved_values(assignment, asked) == {"c-correct": "2"}
    slot = Slot.objects.get(holder=assignment.pk)
    assert slot.lease_until is not None
    assert slot.lease_until > timezone.now() + timedelta(minutes=9)


def test_two_windows_do_not_overwrite_each_others_draft() -> None:
    seat = a_seat(round_factory())
    public_id = task(seat)
    judging.draft_save(seat=seat, public_id=public_id, data={"c-correct": "2"}, version=0)
    with pytest.raises(ServiceError, match="open in another window") as refused:
        judging.draft_save(seat=seat, public_id=public_id, data={"c-correct": "3"}, version=0)
    assert refused.value.field == "version"
    assert Assignment.objects.get().draft == {"c-correct": "2"}


def test_a_draft_has_its_measure_and_its_time() -> None:
    seat = a_seat(round_factory())
    public_id = task(seat)
    with pytest.raises(ServiceError, match="too long"):
        judging.draft_save(seat=seat, public_id=public_id, data={"c-why": "w" * 200_001}, version=0)
    submit(seat, public_id, c_correct="1")
    with pytest.raises(ServiceError, match="not open any more"):
        judging.draft_save(seat=seat, public_id=public_id, data={}, version=0)


# --- Looking back -------------------------------------------------------------------------------------------
def test_a_revision_starts_from_what_was_said_and_both_are_kept() -> None:
    round = round_factory(criteria=(CORRECT, replace(WHY, shown_if=None)))
    seat = a_seat(round)
    public_id = task(seat)
    submit(seat, public_id, c_correct="1", c_why="First.", comment="Hm.")
    assignment = Assignment.objects.get(public_id=public_id)
    asked = list(questions(judging.rubric_of(round), 1))
    assert saved_values(assignment, asked) == {"c-correct": "1", "c-why": "First.", "comment": "Hm."}
    submit(seat, public_id, c_correct="3")
    assert saved_values(assignment, asked) == {"c-correct": "3", "comment": ""}
    ratings = Rating.objects.order_by("judgment__revision").values_list("judgment__current", "number")
    assert list(ratings) == [(False, 1.0), (True, 3.0)]


def test_the_last_judged_are_the_raters_own_newest_first() -> None:
    round = round_factory(items=4, systems=1)
    seat, other = a_seat(round), a_seat(round)
    mine = []
    for _ in range(3):
        mine.append(task(seat))
        submit(seat, mine[-1], c_correct="1")
    submit(other, task(other), c_correct="1")
    assert [a.public_id for a in judging.last_judged(seat, 2)] == mine[:0:-1]


# --- Skip, flag, comment ------------------------------------------------------------------------------------
def test_a_skip_says_why_and_frees_the_slot() -> None:
    seat = a_seat(round_factory())
    public_id = task(seat)
    with pytest.raises(ServiceError, match="Say why"):
        judging.skip(seat=seat, public_id=public_id, reason="bored")
    assert judging.skip(seat=seat, public_id=public_id, reason="language").status == "task"
    skipped = Assignment.objects.get(public_id=public_id)
    assert (skipped.state, skipped.skip_reason) == (Assignment.State.SKIPPED, "language")
    assert skipped.slot is not None
    assert skipped.slot.lease_until is not None
    assert skipped.slot.lease_until < timezone.now()  # free at once: its lease lies in the past


def test_a_second_flag_on_a_task_replaces_the_open_one() -> None:
    seat = a_seat(round_factory())
    public_id = task(seat)
    with pytest.raises(ServiceError, match="Choose what is wrong"):
        judging.flag_raise(seat=seat, public_id=public_id, reason="ugly", note="")
    judging.flag_raise(seat=seat, public_id=public_id, reason="broken", note="a")
    judging.flag_raise(seat=seat, public_id=public_id, reason="private", note="b" * 9_000)
    flag = Flag.objects.get()
    assert (flag.reason, len(flag.note)) == ("private", judging.MAX_COMMENT)
    Flag.objects.update(resolved_at=timezone.now())
    judging.flag_raise(seat=seat, public_id=public_id, reason="broken", note="again")
    assert Flag.objects.count() == 2


def test_a_comment_says_something() -> None:
    seat = a_seat(round_factory())
    public_id = task(seat)
    with pytest.raises(ServiceError, match="Write something"):
        judging.comment_add(seat=seat, public_id=public_id, text="  ")
    judging.comment_add(seat=seat, public_id=public_id, text=" Same text twice. ")
    comment = Comment.objects.get()
    assert (comment.text, comment.from_rater) == ("Same text twice.", True)


# --- Seats --------------------------------------------------------------------------------------------------
def test_a_seat_is_made_once_and_opens_again_for_who_comes_back() -> None:
    round = round_factory()
    user = member(round.project, "rater")
    seat = seat_for(round=round, user=user)
    assert seat_for(round=round, user=user) == seat
    member_remove(membership=Membership.objects.get(user=user), actor=None)
    seat.refresh_from_db()
    assert seat.state == Seat.State.CLOSED
    Membership.objects.create(project=round.project, user=user, role="rater")
    seat_for(round=round, user=user)
    seat.refresh_from_db()
    assert seat.state == Seat.State.ACTIVE


def test_a_paused_round_takes_what_is_in_hand() -> None:
    seat = a_seat(round_factory())
    public_id = task(seat)
    rounds.round_pause(round=seat.round, actor=None)
    assert submit(seat, public_id, c_correct="2").status == "not_open"
    assert Rating.objects.get().number == 2.0
