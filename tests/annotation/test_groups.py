"""Required groups and who is eligible: places are kept exactly for whom they are meant; raters see nothing of it."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotation import claims
from annotation.lanes import Asked, Lane, Requirements, eligibility, lanes_for, reads
from annotation.models import Assignment, GoldAnswer, Judgment, Round, Seat, Slot, Task, TaskOutput
from annotation.services import eligibility as eligible
from annotation.services import rounds, seats
from annotation.services.eligibility import groups_progress, lanes_of, member_qualify
from annotation.services.exclusion import seat_exclude, seat_include
from annotation.services.round_plans import round_plan
from annotation.services.seats import seat_for, seat_place
from annotation.services.study import study_apply
from projects.errors import ServiceError
from projects.located import load
from projects.models import Item, ItemTag, Membership, Project
from tests.annotation.round_pages import alice, as_, lead, main, plan, project, stocked, text, url
from tests.annotation.test_claims import send
from tests.annotation.test_strategies import race
from tests.factories import item_factory, member, output_factory, round_factory

__all__ = ["alice", "lead", "project"]  # fixtures

TWO_AND_ONE = Requirements(groups=(("expert", 2), ("layperson", 1)))


# --- Pure -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("languages", "language", "may"),
    [(["de"], "de", True), (["de"], "de-AT", True), (["pt_BR"], "PT", True), (["de"], "en", False), ([], "", True)],
)
def test_a_language_is_read_by_its_main_part(languages: list[str], language: str, may: bool) -> None:
    assert reads(languages, language) is may


def test_lanes_take_turns_by_their_size_and_ones_own_come_first() -> None:
    known = {"own": [["1.0", 300], ["1.1", 100]], "any": [["", 50]]}
    orders = [lanes_for(known, n) for n in range(400)]
    assert {tuple(sorted(order)) for order in orders} == {("", "1.0", "1.1")}
    assert all(order[-1] == "" for order in orders)
    assert Counter(order[0] for order in orders)["1.1"] == pytest.approx(100, abs=3)
    assert lanes_for({}, 3) == [""]
    assert lanes_for({"own": [], "any": []}, 3) == []


def test_the_group_is_the_first_to_which_a_rater_belongs_unless_another_was_chosen() -> None:
    lanes = [Lane(Asked(), 10)]
    assert eligibility(TWO_AND_ONE, lanes, 3, ["layperson", "expert"], [])[0] == "expert"
    assert eligibility(TWO_AND_ONE, lanes, 3, ["layperson", "expert"], [], group="layperson")[0] == "layperson"
    assert eligibility(TWO_AND_ONE, lanes, 3, ["layperson"], [], group="expert")[0] == "layperson"
    assert eligibility(TWO_AND_ONE, lanes, 3, ["other"], []) == ("", {"own": [], "any": []})
    assert eligibility(TWO_AND_ONE, lanes, 4, ["other"], []) == ("", {"own": [], "any": [["", 10]]})


# --- In the claim ---------------------------------------------------------------------------------------------

in_database = pytest.mark.django_db


def a_seat(round: Round, *qualifications: str, languages: tuple[str, ...] = ()) -> Seat:
    user = member(round.project, "rater")
    Membership.objects.filter(user=user).update(qualifications=list(qualifications), languages=list(languages))
    return seat_for(round=round, user=user)


def work(seat: Seat, at_most: int = 1000) -> str:
    outcome = claims.claim(seat.pk)
    while outcome.status == "task" and at_most:
        outcome = send(seat, outcome)
        at_most -= 1
    return outcome.status


def judged_by(round: Round) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = {}
    for task, group in Assignment.objects.filter(seat__round=round, state=1, purpose="normal").values_list(
        "task", "seat__group"
    ):
        found.setdefault(task, Counter())[group] += 1
    return found


@in_database
def test_two_experts_and_one_layperson_for_each_task() -> None:
    round = round_factory(items=3, systems=2, overlap=3, requirements=TWO_AND_ONE)
    for _ in range(3):
        assert work(a_seat(round, "layperson")) == "finished"
    for n in range(3):
        assert work(a_seat(round, "expert")) == ("finished", "complete", "complete")[n]
    assert all(counts == {"expert": 2, "layperson": 1} for counts in judged_by(round).values())
    assert Judgment.objects.count() == 6 * 3


@in_database
def test_places_for_anybody_are_taken_by_all_and_ones_own_first() -> None:
    round = round_factory(items=2, systems=1, overlap=2, requirements=Requirements(groups=(("expert", 1),)))
    expert, other = a_seat(round, "expert"), a_seat(round)
    work(expert)
    assert set(Slot.objects.filter(state=2).values_list("group", flat=True)) == {"1.0"}
    work(other)
    assert set(Slot.objects.filter(state=2).values_list("group", flat=True)) == {"1.0", ""}
    assert Judgment.objects.count() == 4


@in_database
def test_who_belongs_to_no_group_is_told_plainly(client: Client) -> None:
    round = round_factory(items=1, systems=1, overlap=3, requirements=TWO_AND_ONE)
    seat = a_seat(round)
    assert claims.claim(seat.pk).status == "not_for_you"
    client.force_login(seat.rater.user)  # type: ignore[arg-type]
    page = client.get(reverse("annotation:rate", args=[round.public_id]))
    assert page.status_code == 200
    shown = text(page)
    assert "There is nothing for you in this round" in shown
    system = round.round_systems.get().system
    for secret in ("expert", "layperson", system.name, "strategy", "probability", "balanced"):
        assert secret not in shown


@in_database
def test_a_page_of_a_rater_tells_neither_group_nor_strategy_nor_chance(client: Client) -> None:
    wants = Requirements(groups=(("zebra", 2), ("layperson", 1)))
    round = round_factory(items=3, systems=2, overlap=3, requirements=wants, strategy="uncertain")
    seat = a_seat(round, "zebra")
    client.force_login(seat.rater.user)  # type: ignore[arg-type]
    for name in ("annotation:rate", "annotation:history", "annotation:home"):
        page = client.get(reverse(name, args=[] if name.endswith("home") else [round.public_id]))
        shown = page.content.decode() + str(page.headers)
        for secret in ("zebra", "uncertain", "probability", "draw_", "eligib", "qualif"):
            assert secret not in shown, name


@in_database
def test_items_go_to_raters_who_read_them() -> None:
    round = round_factory(items=4, systems=1, overlap=1, opened=False, requirements=Requirements(language=True))
    for item, language in zip(Item.objects.order_by("pk"), ("de-AT", "de", "en", ""), strict=True):
        Item.objects.filter(pk=item.pk).update(language=language)
    round = rounds.round_open(round=round, actor=None)
    german, english = a_seat(round, languages=("de",)), a_seat(round, languages=("en",))
    assert work(german) == "finished"
    assert set(Assignment.objects.values_list("task__item__language", flat=True)) == {"de-AT", "de", ""}
    assert work(english) == "complete"


@in_database
def test_items_with_a_tag_go_to_raters_with_the_qualification() -> None:
    wants = Requirements(tags={"domain:medicine": "medicine"}, qualification="trained")
    round = round_factory(items=3, systems=2, overlap=1, opened=False, requirements=wants)
    first = Item.objects.order_by("pk")[0]
    ItemTag.objects.create(item=first, tag="domain:medicine")
    round = rounds.round_open(round=round, actor=None)
    assert [(lane.asked, lane.tasks) for lane in lanes_of(Round.objects.get())] == [
        (Asked(), 4),
        (Asked("", ("medicine",)), 2),
    ]
    assert claims.claim(a_seat(round).pk).status == "not_for_you"
    assert claims.claim(a_seat(round, "medicine").pk).status == "not_for_you"
    assert work(a_seat(round, "trained")) == "finished"
    assert not Assignment.objects.filter(task__item=first).exists()
    assert work(a_seat(round, "trained", "medicine")) == "complete"


@in_database
def test_gold_that_asks_for_more_than_a_rater_can_is_not_given() -> None:
    wants = Requirements(tags={"hard": "expert"}, language=True)
    round = round_factory(items=6, systems=1, overlap=2, gold_rate=0.5, requirements=wants, seed=1)
    output = TaskOutput.objects.filter(task__round=round).first()
    assert output is not None
    for n, (language, tag) in enumerate((("fr", ""), ("", "hard"), ("de", "easy"))):
        item = item_factory(round.project, f"gold-{n}")
        Item.objects.filter(pk=item.pk).update(language=language)
        if tag:
            ItemTag.objects.create(item=item, tag=tag)
        known = output_factory(item, output.output.system)
        task = Task.objects.create(round=round, item=item, kind="gold", key=f"gold-{n}", ordinal=100 + n)
        TaskOutput.objects.create(task=task, position=0, output=known)
        GoldAnswer.objects.create(task=task, criterion=round.rubric_version.criteria.get(), number=2)
    work(a_seat(round, languages=("de",)))
    work(a_seat(round, "expert", languages=("fr",)))
    given: dict[int, set[str]] = {}
    for seat, key in Assignment.objects.filter(purpose="gold").order_by("seat").values_list("seat", "task__key"):
        given.setdefault(seat, set()).add(key)
    assert list(given.values()) == [{"gold-2"}, {"gold-0", "gold-1"}]


@in_database
def test_what_a_member_can_do_counts_from_the_next_task_on() -> None:
    round = round_factory(items=2, systems=1, overlap=3, requirements=TWO_AND_ONE)
    seat = a_seat(round)
    assert claims.claim(seat.pk).status == "not_for_you"
    membership = Membership.objects.get(user=seat.rater.user)
    member_qualify(membership=membership, qualifications=["layperson", " ", "layperson"], languages=["de"], actor=None)
    assert membership.qualifications == ["layperson"]
    assert claims.claim(seat.pk).status == "task"
    seat.refresh_from_db()
    assert seat.group == "layperson"
    for given, said in (({"languages": ["Deutsch!"]}, "not a language"), ({"qualifications": ["x" * 31]}, "too long")):
        with pytest.raises(ServiceError, match=said):
            member_qualify(membership=membership, **{"qualifications": [], "languages": [], **given}, actor=None)


@in_database
def test_work_of_an_expert_left_out_is_wanted_from_an_expert_again() -> None:
    round = round_factory(items=2, systems=1, overlap=3, requirements=TWO_AND_ONE)
    first = a_seat(round, "expert")
    work(first)
    seat_exclude(seat=first, reason="Too quick.", actor=None)
    assert work(a_seat(round, "layperson")) == "finished"
    assert work(a_seat(round, "layperson")) == "finished"
    second, third = a_seat(round, "expert"), a_seat(round, "expert")
    work(second)
    assert groups_progress(round)[0].left == 2
    seat_include(seat=first, actor=None)  # its places are free still
    assert groups_progress(round)[0].left == 0
    assert work(third) == "complete"
    assert all(counts == {"expert": 2, "layperson": 1} for counts in judged_by(round).values())


@in_database
def test_a_raised_overlap_is_for_anybody_and_new_items_are_for_the_groups() -> None:
    round = round_factory(items=1, systems=1, overlap=3, requirements=TWO_AND_ONE)
    other = a_seat(round)
    assert claims.claim(other.pk).status == "not_for_you"
    rounds.round_extend(round=round, overlap=4, actor=None)
    assert work(other) == "finished"
    output_factory(item_factory(round.project), round.round_systems.get().system)
    assert rounds.round_extend(round=Round.objects.get(), add_items=True, actor=None) == 4
    assert work(other) == "finished"
    assert Counter(Slot.objects.values_list("group", flat=True)) == {"1.0": 4, "2.0": 2, "": 2}


@in_database
@pytest.mark.parametrize("taken", [0, 1])
def test_groups_keep_the_budget_of_statements(taken: int) -> None:
    """As without groups while one's own group has places; one or two more for each lane that is used up."""
    round = round_factory(items=6, systems=1, overlap=2, requirements=Requirements(groups=(("expert", 1),)))
    if taken:
        work(a_seat(round, "expert"))
    seat = a_seat(round, "expert")
    outcome = send(seat, claims.claim(seat.pk))
    claims._last_asked[round.pk] = float("inf")
    outcome = send(seat, outcome)
    with CaptureQueriesContext(connection) as caught:
        send(seat, outcome)
    ours = [q["sql"] for q in caught.captured_queries if "SAVEPOINT" not in q["sql"] and "rubrics_" not in q["sql"]]
    assert len(ours) == {"sqlite": 10, "postgresql": 4}[connection.vendor] + 2 * taken


@pytest.mark.django_db(transaction=True)
def test_racing_raters_of_two_groups_fill_each_place_once() -> None:
    round = round_factory(items=6, systems=1, overlap=3, requirements=TWO_AND_ONE)
    race(round, [a_seat(round, group) for group in ("expert", "layperson", "expert", "layperson", "expert")])
    assert all(counts == {"expert": 2, "layperson": 1} for counts in judged_by(round).values())
    assert Judgment.objects.count() == 18


# --- Through the doors ----------------------------------------------------------------------------------------


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", main(answer)).split())


def test_the_page_and_the_api_show_what_is_missing_by_group(lead: Client, project: Project) -> None:
    stocked(project, items=2)
    answer = plan(
        lead, project, overlap="3", groups="expert 2\nlayperson 1", qualification="trained", match_language="on",
        tag_rules="domain:medicine = medicine",
    )  # fmt: skip
    assert answer.status_code == 302
    row = Round.objects.get()
    member(project, "rater")
    Membership.objects.filter(role="rater").update(qualifications=["expert", "trained"])
    page = words(lead.get(url(row)))
    assert "Each task wants 2 of the group “expert”, and the project has 1: the round cannot finish" in page
    assert "Each task wants 1 of the group “layperson”, and the project has 0" in page
    assert "2 of the group expert for each task" in page
    row = rounds.round_open(round=row, actor=None)
    work(seat_for(round=row, user=Membership.objects.get(role="rater").user), at_most=3)
    page = words(lead.get(url(row)))
    assert "expert 3 of 8 1 5 1 layperson 0 of 4 0 4 0" in page
    assert "group expert" in page
    told = lead.get(f"/api/v1/projects/{project.slug}/rounds/{row.slug}/").json()
    assert told["groups"][1] == {"name": "layperson", "wanted": 4, "judged": 0, "leased": 0, "left": 4, "people": 0}
    assert told["eligible"] == {"qualification": "trained", "language": True, "tags": {"domain:medicine": "medicine"}}


def test_the_page_refuses_what_is_no_group(lead: Client, project: Project) -> None:
    stocked(project)
    for changes, said in (
        ({"groups": "two experts"}, "“two experts” is not a group and a number"),
        ({"groups": "expert 3"}, "The groups ask for 3 raters for each task, and the round for 2."),
        ({"groups": "expert 1\nexpert 1"}, "A group is named twice"),
        ({"groups": "expert 0"}, "at least one rater"),
        ({"tag_rules": "medicine"}, "“medicine” is not a tag and a qualification"),
    ):
        answer = plan(lead, project, **changes)
        assert answer.status_code in (200, 422)
        assert said in words(answer)
    assert not Round.objects.exists()


def test_the_lead_notes_what_people_can_judge(lead: Client, project: Project) -> None:
    bob = member(project, "rater", "Bob")
    pk = Membership.objects.get(user=bob).pk
    change = reverse("annotation:member_change", args=[project.slug, pk])
    said = text(
        lead.post(change, {"role": "rater", "qualifications": "expert, medicine", "languages": "de"}, follow=True)
    )
    assert "What Bob can judge is noted." in said
    kept = Membership.objects.get(pk=pk)
    assert (kept.qualifications, kept.languages, kept.role) == (["expert", "medicine"], ["de"], "rater")
    assert 'value="expert, medicine"' in text(lead.get(reverse("projects:people", args=[project.slug])))
    said = text(lead.post(change, {"role": "viewer", "qualifications": "expert", "languages": "12345!"}, follow=True))
    assert "is not a language" in said
    kept = Membership.objects.get(pk=pk)
    assert (kept.qualifications, kept.role) == (["expert", "medicine"], "rater")  # all of it or none
    assert as_(bob).post(change, {"role": "lead"}).status_code == 404


STUDY = """
project: Desk
rubric: {name: R, criteria: [{key: good, question: "Good?", type: yes_no}]}
round:
  name: pilot
  mode: score
  overlap: 3
%s
"""


def test_a_study_file_names_groups_and_who_is_eligible(project: Project) -> None:
    stocked(project)

    def apply(more: str) -> list[str]:
        return study_apply(source=load(STUDY % more, "study.yaml")).changes

    asked = "  groups: {expert: 2}\n  eligible: {qualification: trained, language: true, tags: {hard: expert}}"
    assert "round pilot: made" in apply(asked)
    assert apply(asked) == []
    row = Round.objects.get()
    assert row.options["requirements"]["groups"] == [["expert", 2]]
    assert apply("  groups: {expert: 1, layperson: 2}") == ["round pilot: options set"]
    rounds.round_open(round=row, actor=None)
    assert Counter(Slot.objects.values_list("group", flat=True)) == {"1.0": 6, "2.0": 12}
    assert apply("  groups: {expert: 1, layperson: 2}") == []
    for more, said in (
        (asked, "so its groups and who is eligible cannot change"),
        ("  groups: {expert: 4}", r"line 8, .*ask for 4 raters"),
        ("  groups: [expert]", "needs a number of raters for each group"),
        ("  groups: {expert: many}", "must be a whole number from 1 to 100"),
        ("  eligible: {age: 18}", "Accepted: qualification, language, tags"),
        ("  eligible: {tags: hard}", "needs a qualification for each tag"),
    ):
        with pytest.raises(ServiceError, match=said):
            apply(more)


def test_the_command_notes_what_a_member_can_judge(project: Project) -> None:
    bob = member(project, "rater", "Bob")
    out = StringIO()
    call_command(
        "qualify", project.slug, bob.email, "--qualifications", "expert", "--languages", "de,en", "--json", stdout=out
    )
    assert json.loads(out.getvalue())["languages"] == ["de", "en"]
    call_command("qualify", project.slug, bob.email, "--languages", "", stdout=StringIO())
    kept = Membership.objects.get(user=bob)
    assert (kept.qualifications, kept.languages) == (["expert"], [])
    with pytest.raises(CommandError, match="is not a member of a project"):
        call_command("qualify", project.slug, "nobody@example.org")


def test_a_plan_says_which_tasks_nobody_can_judge(project: Project) -> None:
    round = round_factory(
        project, items=3, systems=1, overlap=2, opened=False, requirements=Requirements(language=True)
    )
    Item.objects.filter(pk=Item.objects.order_by("pk")[0].pk).update(language="is")
    said = " ".join(round_plan(round).warnings)
    assert "1 tasks ask for the language is, and 0 can judge them; each wants 2 raters." in said


def test_the_lead_says_how_much_a_rater_gets_and_of_which_group(lead: Client, project: Project) -> None:
    round = round_factory(project, items=4, systems=1, overlap=3, requirements=TWO_AND_ONE)
    seat = a_seat(round, "expert", "layperson")
    assert "At most (tasks)" in words(lead.get(url(round, "exclusion", seat.pk)))
    place = url(round, "seat_place", seat.pk)
    assert lead.post(place, {"cap": "2", "group": "layperson"}).status_code == 302
    assert work(seat) == "cap"
    seat.refresh_from_db()
    assert (seat.group, seat.cap, seat.n_judged) == ("layperson", 2, 2)
    page = words(lead.get(url(round)))
    assert "group layperson at most 2 tasks" in page
    lead.post(place, {"cap": "", "group": "expert"})
    assert work(seat) == "finished"  # the two that are left; nobody gets a task twice
    assert all(sum(counts.values()) == 1 for counts in judged_by(round).values())
    for sent, said in (
        ({"cap": "0", "group": "expert"}, "greater than or equal to 1"),
        ({"group": "zebra"}, "valid choice"),
    ):
        assert said in text(lead.post(place, sent, follow=True))
    one = a_seat(round, "expert")
    with pytest.raises(ServiceError, match="does not belong to the group"):
        seat_place(seat=one, cap=None, group="layperson", actor=None)


@in_database
def test_the_home_page_says_so_before_a_round_is_opened(client: Client) -> None:
    round = round_factory(items=1, systems=1, overlap=3, requirements=TWO_AND_ONE)
    seat = a_seat(round)
    client.force_login(seat.rater.user)  # type: ignore[arg-type]
    shown = text(client.get(reverse("annotation:home")))
    assert "Its tasks ask for a qualification or a language" in shown
    assert ">Start<" not in shown
    member_qualify(
        membership=Membership.objects.get(user=seat.rater.user), qualifications=["expert"], languages=[], actor=None
    )
    assert ">Start<" in text(client.get(reverse("annotation:home")))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["round grows", "first visit"])
def test_a_qualification_noted_while_seats_are_made_is_not_lost(act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read what people can do and write what their seats may take: the one that comes second sees the first."""
    round = round_factory(items=2, systems=1, overlap=3, requirements=TWO_AND_ONE)
    user = member(round.project, "rater")
    if act == "round grows":
        seat_for(round=round, user=user)
    worked_out = eligible.settle_seat
    threads: list[threading.Thread] = []

    def qualify() -> None:
        try:
            eligible.member_qualify(
                membership=Membership.objects.get(user=user), qualifications=["expert"], languages=[], actor=None
            )
        finally:
            connection.close()

    def meanwhile(seat: Seat, row: Round, membership: Membership | None) -> None:
        worked_out(seat, row, membership)
        if not threads:
            threads.append(threading.Thread(target=qualify))
            threads[0].start()
            threads[0].join(0.3)  # what would cross is through by then; what waits goes on when we are done

    monkeypatch.setattr(eligible, "settle_seat", meanwhile)
    monkeypatch.setattr(seats, "settle_seat", meanwhile)
    if act == "round grows":
        with transaction.atomic():
            eligible.seats_settle(Round.objects.select_for_update().get(pk=round.pk))
    else:
        seat_for(round=round, user=user)
    threads[0].join()
    assert Seat.objects.get(rater__user=user).group == "expert"
