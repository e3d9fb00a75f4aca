"""Final answers: hardest first, blind, apart from raters' own, revisable with history, by reviewers and leads."""

from __future__ import annotations

import secrets
import threading
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from annotation import claims
from annotation.adjudication_cases import Place, as_shown, canonical, canonical_target, cases, page_order
from annotation.adjudication_page import final_words
from annotation.exporters.finals import FINAL_COLUMNS, final_rows
from annotation.exporters.tables import rating_rows
from annotation.models import Adjudication, Assignment, RevisionRequest, Round, Seat
from annotation.services import rounds
from annotation.services.adjudication import Ruling, adjudicate, adjudication_withdraw
from annotation.services.exclusion import seat_exclude
from annotation.services.judging import judgment_submit
from annotation.services.unblinding import round_unblind
from projects.errors import Conflict, ServiceError
from projects.models import AuditEvent
from rubrics.specs import Answer, CriterionSpec, LevelSpec
from tests.annotation.round_pages import as_, main, url
from tests.annotation.test_claims import a_seat
from tests.api.conftest import caller_of
from tests.factories import CORRECT, OVERALL, member, project_factory, round_factory

pytestmark = pytest.mark.django_db
SAFE = CriterionSpec("safe", "yes_no", "Is it safe?", "nominal", weight=3.0)
WHY = CriterionSpec("why", "text", "Why?", "text", required=False)


def judge_all(seat: Seat, **answers: Any) -> None:
    """Every task of the rater, each question answered by its item's number: `c_correct=["1", "3"]`."""
    outcome = claims.claim(seat.pk)
    while outcome.status == "task":
        assert outcome.presentation is not None
        task = seat.assignments.get(pk=outcome.assignment).task
        data = {name.replace("_", "-"): said[task.ordinal % len(said)] for name, said in answers.items()}
        outcome = judgment_submit(
            seat=seat, round=seat.round, data=data, public_id=outcome.presentation.public_id, key=secrets.token_hex(8)
        )


def disagreed(**settings: Any) -> Round:
    """Two raters over two outputs: apart by two levels on one, by one on the other, and about safety on one."""
    round = round_factory(items=2, systems=1, overlap=2, criteria=(CORRECT, SAFE, WHY), **settings)
    ann, ben = a_seat(round), a_seat(round)
    judge_all(ann, c_correct=["1", "1"], c_safe=["yes", "yes"], c_why=["It is wrong."])
    judge_all(ben, c_correct=["2", "3"], c_safe=["yes", "no"])
    return round


def decide(round: Round, place: Place, value: str = "2", *, actor: Any = None, **more: Any) -> Adjudication:
    return adjudicate(
        round=round, place=place, ruling=Ruling(**{"value": value, "reason": "So.", "revision": 0} | more), actor=actor
    )


def first(round: Round, key: str = "correct") -> Place:
    return next(case.place for case in cases(round) if case.key == key)


def test_what_matters_most_comes_first() -> None:
    found = [(case.key, round_(case.distance), round_(case.importance)) for case in cases(disagreed())]
    # Safety weighs three times as much; then two levels apart; then one. Each of two prompts is half of the figure.
    assert found == [("safe", 1.0, 1.5), ("correct", 1.0, 0.5), ("correct", 0.5, 0.25)]


def round_(value: float) -> float:
    return round(value, 6)


def test_an_output_of_a_system_with_few_prompts_weighs_more() -> None:
    wide = disagreed()
    assert {case.share for case in cases(wide)} == {0.5}
    narrow = round_factory(items=1, systems=1, overlap=2)
    for level in ("1", "3"):
        judge_all(a_seat(narrow), c_correct=[level])
    assert [case.share for case in cases(narrow)] == [1.0]


def test_agreement_words_and_cannot_judge_are_no_disagreement() -> None:
    round = round_factory(items=1, systems=1, overlap=3, criteria=(CORRECT, WHY))
    for level, why in (("2", "One."), ("2", "Two."), ("x", "Three.")):
        judge_all(a_seat(round), c_correct=[level], c_why=[why])
    assert cases(round) == []


def test_an_open_round_shows_a_task_when_all_its_raters_have_judged_it() -> None:
    round = round_factory(items=1, systems=1, overlap=3)
    for level in ("1", "3"):
        judge_all(a_seat(round), c_correct=[level])
    assert cases(round) == []
    rounds.round_close(round=round, actor=None)
    assert len(cases(round)) == 1


def test_work_left_out_is_not_disagreed_with() -> None:
    round = disagreed()
    rounds.round_close(round=round, actor=None)
    seat_exclude(seat=round.seats.order_by("pk")[0], reason="Asleep.", actor=None)
    assert cases(round) == []


def test_answers_that_figures_do_not_count_are_not_disagreed_with() -> None:
    round = disagreed()
    last = round.seats.order_by("-pk")[0]
    last.assignments.update(purpose=Assignment.Purpose.EXTRA, slot=None)
    assert cases(round) == []


def test_sides_are_turned_to_the_order_of_the_outputs() -> None:
    """Two raters who chose the same answer on different sides agree."""
    round = round_factory(mode="compare", items=1, systems=2, overlap=2)
    for _ in range(2):
        seat = a_seat(round)
        shown = claims.claim(seat.pk)
        order = seat.assignments.get(pk=shown.assignment).shown_order
        assert shown.presentation is not None
        data = {"c-overall": "-2" if order == "01" else "2"}
        judgment_submit(seat=seat, round=round, data=data, public_id=shown.presentation.public_id, key="k" * 12)
    assert cases(round) == []
    assert canonical(OVERALL, Answer(2.0, "b"), "10") == Answer(-2.0, "a")
    assert as_shown(OVERALL, canonical(OVERALL, Answer(-1.0, "a"), "10"), "10") == Answer(-1.0, "a")
    assert canonical(OVERALL, Answer(0.0, "tie"), "10") == Answer(0.0, "tie")
    assert [canonical_target(target, "10") for target in ("", "o0", "o1t2")] == ["", "o1", "o0t2"]


def test_a_final_answer_settles_it_and_stays_apart_from_ratings() -> None:
    round = disagreed()
    before = list(rating_rows(round))
    made = decide(round, first(round))
    assert (made.number, made.revision, made.current) == (2.0, 1, True)
    assert list(rating_rows(round)) == before
    assert [case.final for case in cases(round) if case.place == first(round)] == [made]
    assert AuditEvent.objects.filter(verb="adjudication.make").count() == 1


def test_a_change_of_mind_is_a_new_revision_and_can_be_taken_back() -> None:
    round, actor = disagreed(), member(project_factory(), "reviewer")
    place = first(round)
    decide(round, place, actor=actor)
    decide(round, place, "3", revision=1, reason="On reflection.", actor=actor)
    adjudication_withdraw(round=round, place=place, reason="Ask the raters.", revision=2, actor=actor)
    rows = Adjudication.objects.order_by("revision").values_list("revision", "number", "current", "withdrawn")
    assert list(rows) == [(1, 2.0, False, False), (2, 3.0, False, False), (3, None, False, True)]
    assert all(case.final is None for case in cases(round))
    assert decide(round, place, "1", revision=3).revision == 4
    with pytest.raises(ServiceError, match="no final answer to take back"):
        adjudication_withdraw(round=round, place=first(round, "safe"), reason="x", revision=0, actor=actor)


def test_it_may_be_said_that_it_cannot_be_settled() -> None:
    round = disagreed()
    made = decide(round, first(round), "unsettled")
    assert (made.number, made.label, made.unsettled, made.current) == (None, "", True, True)


def test_the_same_again_changes_nothing_and_another_in_the_meantime_is_a_conflict() -> None:
    round = disagreed()
    place = first(round)
    made = decide(round, place)
    assert decide(round, place) == made
    with pytest.raises(Conflict, match="Somebody else"):
        decide(round, place, "3")
    with pytest.raises(Conflict, match="Somebody else"):
        decide(round, place, "3", revision=7)  # of a page that never was
    assert Adjudication.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"value": ""}, "has no final answer yet"),
        ({"value": "7"}, "is not a level"),
        ({"value": "x"}, "has no final answer yet"),
        ({"reason": " "}, "Say why"),
        ({"reason": "x" * 5001}, "at most 5,000"),
    ],
)
def test_what_is_missing_or_wrong_is_said(change: dict[str, str], why: str) -> None:
    round = disagreed()
    with pytest.raises(ServiceError, match=why):
        decide(round, first(round), **{"value": "2"} | change)
    assert not Adjudication.objects.exists()


def test_what_nobody_judged_cannot_be_settled() -> None:
    round, other = disagreed(), round_factory(items=1, systems=1)
    place = first(round)
    with pytest.raises(ServiceError, match="Nobody has judged this"):
        decide(round, replace_task(place, other.tasks.get().pk))
    with pytest.raises(ServiceError, match="no such question"):
        decide(other, place)
    Round.objects.filter(pk=round.pk).update(state="draft")
    with pytest.raises(ServiceError, match="never opened"):
        decide(round, place)


def replace_task(place: Place, task: int) -> Place:
    return place._replace(task=task)


# --- the export --------------------------------------------------------------------------------------------------


def exported(round: Round) -> list[dict[str, Any]]:
    return [dict(zip((c.name for c in FINAL_COLUMNS), row, strict=True)) for row in final_rows(round)]


def test_final_answers_are_exported_in_columns_of_their_own() -> None:
    round = disagreed()
    reviewer = member(round.project, "reviewer")
    decide(round, first(round), actor=reviewer)
    rounds.round_close(round=round, actor=None)
    round_unblind(round=round, actor=None)
    decide(round, first(round, "safe"), "no", actor=reviewer)
    one, two = exported(round)
    assert (one["criterion"], one["final_value"], one["blind"], one["revision"]) == ("correct", 2.0, True, 1)
    assert (two["criterion"], two["final_label"], two["blind"]) == ("safe", "no", False)
    assert one["reviewer"].startswith("r-")
    assert one["reviewer"] == two["reviewer"]
    assert one["system"] == round.round_systems.get().system.name
    adjudication_withdraw(round=round, place=first(round), reason="No.", revision=1, actor=reviewer)
    assert [row["criterion"] for row in exported(round)] == ["safe"]


# --- the page ----------------------------------------------------------------------------------------------------


def pair_round() -> Round:
    round = round_factory(mode="compare", items=3, systems=2, overlap=2, criteria=(OVERALL,))
    for value in ("-2", "both_bad"):
        judge_all(a_seat(round), c_overall=[value])
    return round


def case_url(round: Round, place: Place, address: str = "overall") -> str:
    return url(round, "case", place.task, address)


@pytest.mark.parametrize("role", ["reviewer", "lead"])
def test_a_reviewer_decides_case_after_case(role: str) -> None:
    round = disagreed()
    user = member(round.project, role)
    client: Client = as_(user)
    page = main(client.get(url(round, "adjudication")))
    assert "3 disagreements to settle" in page
    assert page.index("Is it safe?") < page.index("Is every claim true?")
    place = first(round, "safe")
    shown = main(client.get(case_url(round, place, "safe")))
    assert "Disagreement 1 of 3" in shown
    assert "It is wrong." in shown  # what a rater wrote stands beside the answer
    refused = client.post(case_url(round, place, "safe"), {"revision": "0", "value": "no", "reason": ""})
    assert refused.status_code == 422
    assert "Say why" in main(refused)
    went = client.post(case_url(round, place, "safe"), {"revision": "0", "value": "no", "reason": "A dose is named."})
    assert went["Location"] == case_url(round, first(round, "correct"), "correct")
    made = Adjudication.objects.get()
    assert (made.label, made.reviewer) == ("no", user)
    assert "A dose is named." in main(client.get(case_url(round, place, "safe")))
    again = client.post(case_url(round, place, "safe"), {"revision": "0", "value": "yes", "reason": "No."}, follow=True)
    assert "Somebody else has decided this" in main(again)
    client.post(case_url(round, place, "safe"), {"revision": "1", "act": "withdraw", "reason": "Wrong."})
    client.post(case_url(round, place, "safe"), {"revision": "2", "act": "unsettled", "reason": "The rule is silent."})
    assert Adjudication.objects.get(current=True).unsettled
    assert "Cannot be settled" in main(client.get(url(round, "adjudication")))


def test_answers_are_sent_back_to_the_raters_ticked_and_nothing_is_decided() -> None:
    round = disagreed()
    client = as_(member(round.project, "reviewer"))
    place = first(round, "safe")
    address = case_url(round, place, "safe")
    shown = main(client.get(address))
    ann, ben = Assignment.objects.filter(task=place.task).order_by("seat")
    assert all(f'name="back" value="{each.pk}" data-back checked' in shown for each in (ann, ben))
    sent = {"act": "send_back", "revision": "0", "reason": "Read the dose again."}
    elsewhere = Assignment.objects.exclude(task=place.task)[0]
    assert "Choose whose answer" in main(client.post(address, sent | {"back": [elsewhere.pk, "x"]}))
    assert "Say what the rater" in main(client.post(address, sent | {"back": ann.pk, "reason": " "}))
    system = round.round_systems.get().system.name
    assert "may tell the rater" in main(
        client.post(address, sent | {"back": [ann.pk, ben.pk], "reason": f"As {system}."})
    )
    assert not RevisionRequest.objects.exists(), "both or none"
    went = client.post(address, sent | {"back": ben.pk})
    assert went["Location"] == case_url(round, first(round), "correct"), "the next one"
    assert (RevisionRequest.objects.get().assignment, Adjudication.objects.exists()) == (ben, False)
    shown = main(client.get(address))
    assert (f'value="{ann.pk}" data-back' in shown, f'value="{ben.pk}" data-back' in shown) == (True, False)
    assert "Sent back" in shown
    rounds.round_close(round=round, actor=None)
    assert "data-back" not in main(client.get(address))


def test_the_page_is_as_blind_as_a_raters() -> None:
    round = pair_round()
    client = as_(member(round.project, "reviewer"))
    names = [each.system.name for each in round.round_systems.select_related("system")]
    for page in (url(round, "adjudication"), *(case_url(round, case.place) for case in cases(round))):
        shown = main(client.get(page))
        assert not any(name in shown for name in names)
        assert "r-" in shown or page == url(round, "adjudication")


def test_a_place_on_the_page_tells_no_system() -> None:
    round = round_factory(mode="compare", items=40, systems=2, overlap=1)
    turnedround = [page_order(round, task, 2) for task in round.tasks.values_list("pk", flat=True)]
    assert 8 <= turnedround.count("10") <= 32
    assert turnedround == [page_order(round, task, 2) for task in round.tasks.values_list("pk", flat=True)]


def test_what_is_chosen_on_the_page_is_stored_in_canonical_order() -> None:
    round = pair_round()
    client = as_(member(round.project, "reviewer"))
    for case in cases(round):
        client.post(case_url(round, case.place), {"revision": "0", "value": "1", "reason": "B."})
        made = Adjudication.objects.get(task=case.place.task)
        expected = (1.0, "b") if page_order(round, case.place.task, 2) == "01" else (-1.0, "a")
        assert (made.number, made.label) == expected
        assert 'value="1" data-key="→" checked' in client.get(case_url(round, case.place)).content.decode()


@pytest.mark.parametrize("order", ["01", "10"])
def test_labels_called_as_sides_are_turned_by_nothing(order: str) -> None:
    kinds = (LevelSpec("a", "Amount"), LevelSpec("b", "Basis"))
    kind = CriterionSpec("kind", "one_of", "What do they differ in?", "nominal", levels=kinds)
    round = round_factory(mode="compare", items=1, systems=2, overlap=2, criteria=(OVERALL, kind))
    for label in ("a", "b"):
        judge_all(a_seat(round), c_overall=["1"], c_kind=[label])
    place = first(round, "kind")
    made = decide(round, place, "a", order=order)
    assert made.label == "a"
    [case] = [each for each in cases(round) if each.key == "kind"]
    assert final_words(case, kind, order) == "Amount"


def test_who_judged_it_is_told_so() -> None:
    round = disagreed()
    reviewer = member(round.project, "reviewer")
    assert "You judged this" not in main(as_(reviewer).get(case_url(round, first(round), "correct")))
    seat = round.seats.order_by("pk")[0]
    type(seat.rater).objects.filter(pk=seat.rater_id).update(user=reviewer)
    assert "You judged this task yourself" in main(as_(reviewer).get(case_url(round, first(round), "correct")))


@pytest.mark.parametrize("address", ["nothing", "correct.o7", "why", "correct.x"])
def test_there_is_no_page_for_what_was_not_asked(address: str) -> None:
    round = disagreed()
    client = as_(member(round.project, "lead"))
    assert client.get(case_url(round, first(round), address)).status_code == 404


# --- programs ----------------------------------------------------------------------------------------------------


def test_programs_read_and_give_final_answers() -> None:
    round = disagreed()
    program = caller_of(member(round.project, "reviewer"))
    path = f"projects/{round.project.slug}/rounds/{round.slug}/final_answers/"
    assert program.get(path).json() == []
    case = next(case for case in cases(round) if case.key == "correct")
    task = round.tasks.get(pk=case.place.task)
    sent = {"task": task.key, "criterion": "correct", "value": "3", "reason": "So."}
    if case.place.target:
        sent["canonical_target"] = case.place.target
    made = program.post(path, sent)
    assert (made.status_code, made.json()["final_value"]) == (200, 3.0)
    assert program.get(path).json() == [made.json()]
    assert program.post(path, sent).json() == made.json()
    assert program.post(path, {**sent, "value": "1"}).status_code == 409
    for wrong in ({"task": "none"}, {"criterion": "none"}, {"value": "9"}, {"reason": ""}):
        refused = program.post(path, {**sent, **wrong})
        assert refused.status_code == 400
    assert Adjudication.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_is_told() -> None:
    round = disagreed()
    place, said = first(round), []

    def send(value: str) -> None:
        try:
            said.append(decide(round, place, value).number)
        except Conflict as refusal:
            said.append(refusal.message)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[value]) for value in ("1", "2", "3", "2", "1")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Adjudication.objects.count() == 1
    stands = Adjudication.objects.get().number
    assert {each for each in said if isinstance(each, float)} == {stands}
    assert sum(isinstance(each, str) for each in said) >= 3


def test_orders_of_three_are_left_as_they_are() -> None:
    assert canonical(OVERALL, replace(Answer(), number=2.0), "102").number == 2.0
