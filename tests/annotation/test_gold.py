"""Gold tasks and repeats: at their rate, beside the slots, unlike nothing else; scored, and a pause that can end."""

from __future__ import annotations

import json
import re
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from annotation import claims
from annotation.gold import gold_results, shown_target
from annotation.models import Assignment, GoldAnswer, Round, Seat, Task
from annotation.selection import check_due
from annotation.selectors import progress_of
from annotation.services import rounds
from annotation.services.gold_sets import gold_import
from annotation.services.round_plans import round_plan
from annotation.services.seats import seat_for, seat_resume
from projects.errors import ServiceError
from rubrics.specs import CriterionSpec, LevelSpec
from tests.annotation.test_claims import a_seat, send
from tests.factories import CORRECT, OVERALL, item_factory, member, output_factory, round_factory

RATE = 0.25


def csv(*rows: str, header: str = "item,system,criterion,value") -> BytesIO:
    return BytesIO("\n".join([header, *rows]).encode())


def gold_round(*, items: int = 20, gold: int = 6, value: str = "2", opened: bool = True, **settings: Any) -> Round:
    """Scores of one system; the first `gold` items have a known answer."""
    row = round_factory(items=items, systems=1, overlap=1, opened=False, gold_rate=RATE, **settings)
    names = list(row.project.items.order_by("id").values_list("external_id", flat=True))[:gold]
    system = row.project.systems.get().name
    gold_import(round=row, stream=csv(*(f"{n},{system},correct,{value}" for n in names)), name="gold.csv")
    return rounds.round_open(round=row, actor=None) if opened else row


def purposes(seat: Seat) -> list[str]:
    return list(Assignment.objects.filter(seat=seat).order_by("id").values_list("purpose", flat=True))


def work(seat: Seat, at_most: int = 10_000, number: float = 2.0) -> str:
    outcome = claims.claim(seat.pk)
    while outcome.status == "task" and at_most:
        outcome = send(seat, outcome, number=number)
        at_most -= 1
    return outcome.status


# --- When ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.5, 0.25, 0.1, 0.05])
def test_every_block_holds_exactly_one_of_each(rate: float) -> None:
    size, n = round(1 / rate), 2000
    for seat in range(1, 6):
        drawn = [check_due(7, seat, i, rate, 0.0)[0] for i in range(n)]
        assert [drawn[i : i + size].count("gold") for i in range(0, n, size)] == [1] * (n // size)
        both = [check_due(7, seat, i, rate, 0.1)[0] for i in range(n)]
        assert [i for i, what in enumerate(both) if what == "gold"] == [i for i, w in enumerate(drawn) if w == "gold"]
        assert [both[i : i + 10].count("repeat") for i in range(0, n, 10)] == [1] * (n // 10)


def test_the_moment_differs_between_raters_and_is_no_fixed_place() -> None:
    places = [[i for i in range(200) if check_due(7, seat, i, 0.1, 0.0)[0] == "gold"] for seat in range(8)]
    assert len({tuple(p) for p in places}) == 8
    assert len({i % 10 for p in places for i in p}) == 10


def test_without_a_rate_nothing_is_due() -> None:
    assert {check_due(7, 1, i, 0.0, 0.0) for i in range(100)} == {("", 1.0)}


# --- Serving ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_gold_comes_at_its_exact_rate_and_takes_no_slot() -> None:
    round = gold_round(items=18, gold=6)
    seat = a_seat(round)
    assert work(seat) == "complete"
    given = purposes(seat)
    assert given.count("normal") == 12
    assert [given[i : i + 4].count("gold") for i in range(0, 12, 4)] == [1, 1, 1]
    gold = Assignment.objects.filter(seat=seat, purpose="gold")
    assert set(gold.values_list("slot", "probability")) == {(None, RATE)}
    assert len(set(gold.values_list("task", flat=True))) == len(gold)
    progress = progress_of(round)
    assert (progress.wanted, progress.judged) == (12, 12)


@pytest.mark.django_db
def test_a_round_whose_gold_is_used_up_goes_on_without() -> None:
    seat = a_seat(gold_round(items=14, gold=2))
    assert work(seat) == "complete"
    assert purposes(seat).count("gold") == 2
    assert purposes(seat).count("normal") == 12


@pytest.mark.django_db
def test_a_repeat_is_a_task_of_ones_own_with_others_in_between() -> None:
    round = round_factory(mode="compare", items=40, systems=2, overlap=1, repeat_rate=0.2)
    seat = a_seat(round)
    assert work(seat, number=1.0) == "complete"
    rows = list(Assignment.objects.filter(seat=seat).order_by("id").values_list("task", "purpose", "occasion", "slot"))
    first = {task: i for i, (task, purpose, _, _) in enumerate(rows) if purpose == "normal"}
    repeats = [(i, *row) for i, row in enumerate(rows) if row[1] == "repeat"]
    assert len(repeats) >= 6
    for i, task, _, occasion, slot in repeats:
        assert (occasion, slot) == (1, None)
        assert sum(purpose == "normal" for _, purpose, _, _ in rows[first[task] + 1 : i]) >= 5
    assert len({task for _, task, *_ in repeats}) == len(repeats)
    assert progress_of(round).judged == 40


@pytest.mark.django_db
def test_nothing_on_the_page_tells_gold_from_other_tasks(client: Client) -> None:
    """Two pages of the same answer, one as gold and one as an ordinary task, differ in random names only."""
    round = gold_round(items=10, gold=4)
    rater = member(round.project, "rater")
    seat = seat_for(round=round, user=rater)
    client.force_login(rater)
    pages: dict[str, set[str]] = {"gold": set(), "normal": set()}
    totals = set()
    for _ in range(8):
        page = client.get(reverse("annotation:rate", args=[round.public_id])).content.decode()
        live = Assignment.objects.get(seat=seat, state=0)
        totals.add(re.search(r"\d+ of (\d+)", page)[1])  # type: ignore[index]
        for secret in (live.public_id, *re.findall(r'name="(?:key|csrfmiddlewaretoken)" value="([^"]+)"', page)):
            page = page.replace(secret, "X")
        page = re.sub(r'nonce="[^"]+"|nonce-[\w+/=-]+|\b\d+ of \d+|value="\d+"|>\d+ <|csrf[^>]*|saved.*?<', "", page)
        pages[live.purpose].add(page)
        send(seat, claims.claim(seat.pk))
    assert pages["gold"]
    assert pages["gold"] <= pages["normal"] | pages["gold"]
    assert len(pages["gold"] | pages["normal"]) <= 2  # the first page has nothing to look back on
    assert totals == {"8"}  # 6 ordinary and their two gold


# --- Scoring ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_rater_below_the_mark_is_paused_and_can_go_on() -> None:
    options = {"gold": {"pause_below": 0.6, "at_least": 2}}
    round = gold_round(items=24, gold=12, options=options)
    seat = a_seat(round)
    assert work(seat, number=1.0) == "seat_paused"
    seat.refresh_from_db()
    assert (seat.state, seat.paused_reason) == ("paused", "0 of 2 gold tasks were right, below the mark of 60%.")
    assert purposes(seat).count("gold") == 2
    assert claims.claim(seat.pk).status == "seat_paused"
    seat_resume(seat=seat, actor=None)
    assert work(seat, number=2.0) in {"complete", "finished"}
    assert gold_results([seat.pk])[seat.pk][-1].passed
    with pytest.raises(ServiceError, match="not paused"):
        seat_resume(seat=seat, actor=None)


@pytest.mark.django_db
def test_a_rater_who_is_right_is_never_paused() -> None:
    options = {"gold": {"pause_below": 1.0, "at_least": 1}}
    seat = a_seat(gold_round(items=16, gold=6, options=options))
    assert work(seat, number=2.0) == "complete"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("tolerance", "given", "right"), [("", 2.0, True), ("", 3.0, False), ("1", 3.0, True), ("0.5", 3.0, False)]
)
def test_a_number_is_right_within_its_tolerance(tolerance: str, given: float, right: bool) -> None:
    row = round_factory(items=1, systems=1, overlap=1, opened=False)
    item, system = row.project.items.get().external_id, row.project.systems.get().name
    stream = csv(f"{item},{system},correct,2,{tolerance}", header="item,system,criterion,value,tolerance")
    gold_import(round=row, stream=stream, name="g.csv")
    assert results_after(row, given) == ([1] if right else [0])


def results_after(row: Round, given: float, order: str = "") -> list[int]:
    """The gold task judged by hand of the claim path, whatever the rate says."""
    seat = a_seat(row)
    task = row.tasks.get(kind="gold")
    width = task.task_outputs.count()
    assignment = Assignment.objects.create(
        seat=seat,
        task=task,
        item_key=task.pk,
        purpose="gold",
        shown_order=order or "01"[:width],
        created_at=row.created_at,
    )
    Round.objects.filter(pk=row.pk).update(state="open")
    criterion = row.rubric_version.criteria.get()
    label = {1: "b", -1: "a"}.get((given > 0) - (given < 0), "tie") if width == 2 else ""
    rating = claims.NewRating(criterion.pk, "" if criterion.scope == "task" else "o0", given, label)
    claims.submit(seat.pk, claims.Submission(assignment.public_id, "k" * 12, "d", [rating]))
    return [each.right for each in gold_results([seat.pk])[seat.pk]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("named_first", "value", "order", "given", "right"),
    [
        (0, "a", "01", -1.0, 1),
        (0, "a", "10", 1.0, 1),  # the better one was shown on the right
        (0, "a", "10", -1.0, 0),
        (1, "b", "01", -1.0, 1),  # the file names the later output first
        (1, "b", "10", -1.0, 0),
        (0, "tie", "10", 0.0, 1),
    ],
)
def test_a_preference_is_right_whichever_side_was_shown_first(
    named_first: int, value: str, order: str, given: float, right: int
) -> None:
    row = round_factory(mode="compare", items=1, systems=2, overlap=1, opened=False)
    item = row.project.items.get().external_id
    names = [o.system.name for o in row.project.items.get().outputs.order_by("id")]
    a, b = names[named_first], names[1 - named_first]
    stream = csv(f"{item},{a},{b},overall,{value}", header="item,system,system_b,criterion,value")
    gold_import(round=row, stream=stream, name="g.csv")
    assert results_after(row, given, order) == [right]


@pytest.mark.django_db
@pytest.mark.parametrize("named_first", [0, 1])
def test_what_is_no_preference_has_no_side(named_first: int) -> None:
    kind = CriterionSpec(
        "kind", "one_of", "In what?", "nominal", levels=(LevelSpec("a", "Amount"), LevelSpec("b", "B"))
    )
    row = round_factory(mode="compare", items=1, systems=2, opened=False, criteria=(OVERALL, CORRECT, kind))
    item = row.project.items.get().external_id
    names = [o.system.name for o in row.project.items.get().outputs.order_by("id")]
    a, b = names[named_first], names[1 - named_first]
    rows = [f"{item},{a},{b},{each}" for each in ("correct,3", "kind,a")]
    gold_import(round=row, stream=csv(*rows, header="item,system,system_b,criterion,value"), name="g.csv")
    known = dict(GoldAnswer.objects.values_list("criterion__key", "number"))
    assert known["correct"] == 3
    assert GoldAnswer.objects.get(criterion__key="kind").label == "a"


def test_a_target_is_named_as_it_was_shown() -> None:
    assert [shown_target(t, "10") for t in ("o0", "o1", "o1t2", "")] == ["o1", "o0", "o0t2", ""]
    assert shown_target("o0", "0") == "o0"


# --- Gold from a file ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_same_file_again_changes_nothing_and_another_answer_replaces() -> None:
    row = gold_round(opened=False)
    again = gold_import(round=row, stream=_same(row, "2"), name="g.csv")
    assert (again.tasks, again.answers, again.changed, again.unchanged) == (0, 0, 0, 6)
    other = gold_import(round=row, stream=_same(row, "3"), name="g.csv")
    assert (other.changed, other.unchanged) == (6, 0)
    assert set(GoldAnswer.objects.values_list("number", flat=True)) == {3.0}


def _same(row: Round, value: str) -> BytesIO:
    names = list(row.project.items.order_by("id").values_list("external_id", flat=True))[:6]
    return csv(*(f"{n},{row.project.systems.get().name},correct,{value}" for n in names))


@pytest.mark.django_db
def test_gold_may_come_to_an_open_round_where_nobody_has_met_it() -> None:
    row = round_factory(items=3, systems=1, overlap=2, gold_rate=0.5)
    seat = a_seat(row)
    held = Assignment.objects.get(pk=claims.claim(seat.pk).assignment).task
    free = row.tasks.exclude(pk=held.pk).first()
    assert free is not None
    system = row.project.systems.get().name
    done = gold_import(round=row, stream=csv(f"{free.item.external_id},{system},correct,2"), name="g.csv")
    assert done.tasks == 1
    assert progress_of(row).wanted == 4
    with pytest.raises(ServiceError, match="raters have met this task"):
        gold_import(round=row, stream=csv(f"{held.item.external_id},{system},correct,2"), name="g.csv")
    assert Task.objects.get(pk=held.pk).kind == "normal"
    item = item_factory(row.project, "fresh")
    output_factory(item, row.project.systems.get())
    assert gold_import(round=row, stream=csv(f"fresh,{system},correct,2"), name="g.csv").tasks == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nowhere,SYSTEM,correct,2", "g.csv, row 2, column system: The item “nowhere” has no answer of"),
        ("ITEM,SYSTEM,correct,9", "g.csv, row 2, column value:"),
        ("ITEM,SYSTEM,wrong,2", "g.csv, row 2, column criterion: “wrong” is not a criterion"),
        ("ITEM,SYSTEM,correct,", "g.csv, row 2, column value: A gold task needs an answer."),
        ("ITEM,SYSTEM,correct,2,much", "g.csv, row 2, column tolerance: “much” is not accepted"),
    ],
)
def test_a_wrong_row_refuses_the_file(line: str, said: str) -> None:
    row = round_factory(items=1, systems=1, opened=False)
    line = line.replace("ITEM", row.project.items.get().external_id).replace("SYSTEM", row.project.systems.get().name)
    header = "item,system,criterion,value" + (",tolerance" if line.count(",") == 4 else "")
    with pytest.raises(ServiceError, match=re.escape(said)):
        gold_import(round=row, stream=csv(line, header=header), name="g.csv")
    assert not Task.objects.exists()
    assert not GoldAnswer.objects.exists()


@pytest.mark.django_db
def test_the_command_takes_gold(tmp_path: Path) -> None:
    row = round_factory(items=1, systems=1, opened=False)
    path = tmp_path / "gold.csv"
    path.write_bytes(csv(f"{row.project.items.get().external_id},{row.project.systems.get().name},correct,2").read())
    out = StringIO()
    call_command("import_gold", f"{row.project.slug}/{row.slug}", str(path), "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"rows": 1, "tasks": 1, "answers": 1, "changed": 0, "unchanged": 0}
    path.write_text("item,system,criterion,value,colour\nx,y,z,1,red\n")
    with pytest.raises(CommandError, match="'colour' is not known") as refused:
        call_command("import_gold", f"{row.project.slug}/{row.slug}", str(path))
    assert refused.value.returncode == 2
    rounds.round_open(round=round_factory(row.project, opened=False), actor=None)


@pytest.mark.django_db
def test_the_lead_sees_gold_and_lets_a_rater_go_on(client: Client) -> None:
    round = gold_round(items=24, gold=12, options={"gold": {"pause_below": 0.6, "at_least": 2}})
    seat = a_seat(round)
    work(seat, number=1.0)
    client.force_login(member(round.project, "lead"))
    address = reverse("annotation:round", args=[round.project.slug, round.slug])
    page = client.get(address).content.decode()
    assert "0 of 2 gold tasks were right" in page
    resume = reverse("annotation:seat_resume", args=[round.project.slug, round.slug, seat.pk])
    assert "The rater can go on." in client.post(resume, follow=True).content.decode()
    assert "is not paused" in client.post(resume, follow=True).content.decode()


@pytest.mark.django_db
def test_a_plan_without_gold_says_so() -> None:
    row = round_factory(opened=False, gold_rate=0.1)
    assert any("the round has none" in warning for warning in round_plan(row).warnings)
    assert round_plan(gold_round(opened=False)).judgments == 14


@pytest.mark.django_db
def test_a_lead_plans_gold_repeats_and_a_mark_on_the_page(client: Client) -> None:
    row = round_factory(opened=False)
    client.force_login(member(row.project, "lead"))
    address = reverse("annotation:round_new", args=[row.project.slug])
    given = {
        "name": "Checked",
        "mode": "score",
        "rubric_version": row.rubric_version_id,
        "systems": list(row.project.systems.values_list("pk", flat=True)),
        "overlap": 1,
        "strategy": "balanced",
        "lease_minutes": 30,
        "planned_seconds": 45,
        "gold_rate": "10",
        "gold_pause_below": "60",
        "repeat_rate": "5",
    }
    assert client.post(address, given | {"gold_rate": "80"}).status_code == 200
    assert client.post(address, given).status_code == 302
    made = Round.objects.get(name="Checked")
    assert (made.gold_rate, made.repeat_rate, made.options["gold"]) == (0.1, 0.05, {"pause_below": 0.6})
