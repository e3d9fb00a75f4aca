"""Training: before the first task and with feedback; passed, failed and let through; and never counted anywhere."""

from __future__ import annotations

import re
import secrets
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from analytics.frames import round_frames
from annotation import claims
from annotation.models import Adjudication, Assignment, GoldAnswer, Judgment, Round, Seat, Slot, Task, TrainingTry
from annotation.selectors import progress_of, rounds_for_rater
from annotation.services import known_answers, training
from annotation.services.exclusion import seat_exclude, seat_include
from annotation.services.gold_sets import gold_import
from annotation.services.known_finals import known_from_finals
from annotation.services.rounds import round_close, round_create, round_open
from annotation.services.seats import seat_for
from annotation.training import Rule, rule_of
from projects.errors import ServiceError
from projects.models import AuditEvent, ItemRevision, Membership, Role
from projects.services.media import File, media_add
from tests.annotation.test_gold import csv
from tests.factories import item_factory, member, output_factory, round_factory
from tests.projects.test_media import png

pytestmark = pytest.mark.django_db
ONCE = Rule(tries=1)


def practised(*, tasks: int = 2, opened: bool = True, rule: Rule = ONCE, **settings: Any) -> Round:
    """A round over three items, whose first `tasks` are practised with: the right level is 2."""
    row = round_factory(items=3, systems=1, overlap=1, opened=False, **settings)
    names = list(row.project.items.order_by("id").values_list("external_id", flat=True))[:tasks]
    lines = (f"{name},{row.project.systems.get().name},correct,2,It is so." for name in names)
    if tasks:
        file = csv(*lines, header="item,system,criterion,value,explanation")
        gold_import(round=row, stream=file, name="t.csv", kind="training")
    row = training.training_set(round=row, rule=rule, actor=None)
    return round_open(round=row, actor=None) if opened else row


def a_rater(round: Round) -> tuple[Client, Seat]:
    user = member(round.project, Role.RATER)
    client = Client()
    client.force_login(user)
    return client, seat_for(round=round, user=user)


def go_through(seat: Seat, *answers: str) -> None:
    training.try_begin(seat=seat)
    for answer in answers:
        standing = training.standing(seat)
        shown = Assignment.objects.get(pk=standing.assignment)
        training.step_submit(seat=seat, data={"c-correct": answer}, public_id=shown.public_id, key=secrets.token_hex(8))
    seat.refresh_from_db()


def test_training_comes_before_any_task_and_takes_no_slot() -> None:
    round = practised()
    client, seat = a_rater(round)
    assert claims.claim(seat.pk).status == "seat_training"
    address = reverse("annotation:rate", args=[round.public_id])
    assert "Practice first" in client.get(address).content.decode()
    assert client.post(reverse("annotation:practice", args=[round.public_id])).status_code == 302
    page = client.get(address).content.decode()
    assert "Practice 1 of 2" in page
    assert "It is so." not in page
    assert 'data-hotkey="s"' not in page  # it cannot be skipped
    shown = Assignment.objects.get(seat=seat)
    sent = {"task": shown.public_id, "key": secrets.token_hex(8), "c-correct": "1"}
    refused = client.post(
        reverse("annotation:skip", args=[round.public_id]), {"task": shown.public_id, "reason": "unsure"}
    )
    assert "cannot be skipped" in refused.content.decode()
    for _ in range(2):  # once more, as when the answer was lost on the way
        told = client.post(reverse("annotation:submit", args=[round.public_id]), sent, headers={"X-Rate": "1"})
        assert told.status_code == 200
    words = told.content.decode()
    assert "Not quite" in words
    assert "1 Level 1" in words
    assert "2 Level 2" in words
    assert "It is so." in words
    assert Judgment.objects.count() == 1
    assert Slot.objects.filter(state=Slot.State.OPEN).count() == 1
    assert progress_of(round).judged == 0


def test_nothing_of_it_is_counted() -> None:
    round = practised()
    client, seat = a_rater(round)
    go_through(seat, "2", "2")
    frame = round_frames(round).ratings
    assert len(frame) == 2
    assert not frame["counts"].any()
    assert rounds_for_rater(seat.rater.user)[0].judged == 0
    assert (seat.n_judged, seat.n_assigned) == (0, 0)
    page = client.get(reverse("annotation:history", args=[round.public_id])).content.decode()
    assert "again/" not in page
    outcome = claims.claim(seat.pk)
    assert outcome.status == "task"
    assert Assignment.objects.get(pk=outcome.assignment).purpose == "normal"


@pytest.mark.parametrize(
    ("answers", "state", "passed"),
    [(("2", "2"), "active", "passed"), (("2", "1"), "failed", "failed"), (("x", "2"), "failed", "failed")],
)
def test_the_pass_mark_decides(answers: tuple[str, ...], state: str, passed: str) -> None:
    round = practised(rule=Rule(pass_mark=0.7, tries=1))
    client, seat = a_rater(round)
    go_through(seat, *answers)
    assert seat.state == state
    assert seat.training_tries.get().state == passed
    page = client.get(reverse("annotation:rate", args=[round.public_id])).content.decode()
    assert ("The practice was not passed" in page) is (state == "failed")


def test_a_second_try_begins_anew() -> None:
    round = practised(rule=Rule(tries=2), one_task_per_item=True)
    client, seat = a_rater(round)
    go_through(seat, "1", "1")
    assert seat.state == "training"
    assert "Not passed yet" in client.get(reverse("annotation:rate", args=[round.public_id])).content.decode()
    go_through(seat, "2", "2")
    assert seat.state == "active"
    assert list(seat.training_tries.values_list("n", "state", "right")) == [(1, "failed", 0), (2, "passed", 2)]


def test_passing_gives_a_qualification_that_other_rounds_ask_for() -> None:
    round = practised(rule=Rule(tries=1, grants="expert"))
    _, seat = a_rater(round)
    user = seat.rater.user
    go_through(seat, "2", "2")
    assert Membership.objects.get(user=user).qualifications == ["expert"]
    again = practised(rule=Rule(grants="expert"))
    Membership.objects.create(project=again.project, user=user, role="rater", qualifications=["expert"])
    assert seat_for(round=again, user=user).state == "active"  # it need not be earned twice


def test_a_lead_gives_another_try_or_lets_through_and_it_is_recorded() -> None:
    round = practised()
    _, seat = a_rater(round)
    go_through(seat, "1", "1")
    with pytest.raises(ServiceError, match="is over"):
        training.try_begin(seat=seat)
    training.seat_retry(seat=seat, actor=None)
    go_through(seat, "1", "1")
    assert seat.state == "failed"
    training.seat_wave_through(seat=seat, actor=None)
    seat.refresh_from_db()
    assert seat.state == "active"
    assert [each.state for each in seat.training_tries.all()] == ["failed", "failed", "waved"]
    verbs = AuditEvent.objects.filter(verb__startswith="training.").values_list("verb", flat=True)
    assert {"training.retry", "training.wave"} <= set(verbs)


def test_who_is_let_through_in_the_middle_loses_the_practice_and_not_the_round() -> None:
    round = practised()
    client, seat = a_rater(round)
    training.try_begin(seat=seat)
    shown = Assignment.objects.get(seat=seat)
    training.seat_wave_through(seat=seat, actor=None)
    sent = {"task": shown.public_id, "key": secrets.token_hex(8), "c-correct": "2"}
    answer = client.post(reverse("annotation:submit", args=[round.public_id]), sent)
    assert answer.status_code == 409
    assert "Your practice is over" in answer.content.decode()
    assert not Judgment.objects.exists()


def test_training_in_an_open_round_concerns_those_who_have_not_begun_and_ends_when_it_is_taken_out() -> None:
    round = practised(tasks=0)
    _, began = a_rater(round)
    claims.claim(began.pk)
    _, fresh = a_rater(round)
    item = item_factory(round.project, "late")
    output = output_factory(item, round.project.systems.get())
    criterion = round.rubric_version.criteria.get()
    known = [known_answers.Known(criterion.pk, "", known_answers.Answer(number=2.0), 0.0, "")]
    known_answers.known_set(round=round, kind="training", outputs=[output], known=known, actor=None)
    assert list(Seat.objects.order_by("pk").values_list("state", flat=True)) == ["active", "training"]
    training.try_begin(seat=fresh)
    with pytest.raises(ServiceError, match="have met"):
        known_answers.known_remove(task=round.tasks.get(kind="training"), actor=None)
    round.refresh_from_db()
    assert rule_of(round) is not None


def test_a_task_taken_out_is_work_again() -> None:
    round = practised(tasks=1)
    slots = Slot.objects.count()
    _, seat = a_rater(round)
    known_answers.known_remove(task=round.tasks.get(kind="training"), actor=None)
    assert Slot.objects.count() == slots + 1
    seat.refresh_from_db()
    assert seat.state == "active"


def test_an_explanation_that_names_a_system_is_refused() -> None:
    row = round_factory(items=1, systems=1, opened=False)
    name, system = row.project.items.get().external_id, row.project.systems.get().name
    file = csv(f"{name},{system},correct,2,As {system.upper()} says.", header="item,system,criterion,value,explanation")
    with pytest.raises(ServiceError, match="names the system"):
        gold_import(round=row, stream=file, name="t.csv", kind="training")
    assert not Task.objects.exists()


def test_sides_of_a_practised_pair_are_marked_as_they_were_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "side_coin", lambda seed, seat, task: task // 100 % 2 == 0)
    row = round_factory(mode="compare", items=6, systems=2, overlap=1, opened=False)
    names = list(row.project.items.order_by("id").values_list("external_id", flat=True))[:5]
    one, two = row.project.systems.order_by("id")
    file = csv(*(f"{n},{one.name},{two.name},overall,-2" for n in names), header="item,system,system_b,criterion,value")
    gold_import(round=row, stream=file, name="t.csv", kind="training")
    round = round_open(round=row, actor=None)
    _, seat = a_rater(round)
    training.try_begin(seat=seat)
    orders = set()
    for _ in names:
        shown = Assignment.objects.get(pk=training.standing(seat).assignment)
        orders.add(shown.shown_order)
        answer = "-2" if shown.shown_order == "01" else "2"
        training.step_submit(seat=seat, data={"c-overall": answer}, public_id=shown.public_id, key=secrets.token_hex(8))
    assert orders == {"01", "10"}
    assert seat.training_tries.get().right == 5
    assert not seat.tallies.exists()


def test_final_answers_become_known_answers_of_a_later_round() -> None:
    before = round_factory(items=2, systems=1, overlap=1)
    task = before.tasks.order_by("pk")[0]
    criterion = before.rubric_version.criteria.get()
    Adjudication.objects.create(task=task, criterion=criterion, number=3, label="3", reason="Because.")
    round_close(round=before, actor=None)
    later = round_create(
        project=before.project, name="Later", mode="score", rubric_version=before.rubric_version,
        systems=list(before.project.systems.all()), overlap=1, actor=None,
    )  # fmt: skip
    taken = known_from_finals(round=later, source=before, kind="gold", actor=None)
    assert (taken.done.tasks, taken.done.answers, taken.met, taken.other) == (1, 1, 0, 0)
    assert GoldAnswer.objects.get(task__round=later).number == 3
    again = known_from_finals(round=later, source=before, kind="gold", actor=None)
    assert (again.done.tasks, again.done.answers, again.done.unchanged) == (0, 0, 1)


def test_the_form_sets_changes_and_refuses() -> None:
    round = practised(tasks=0, opened=False)
    lead = Client()
    lead.force_login(member(round.project, Role.LEAD))
    item = round.project.items.order_by("id")[0]
    output = item.outputs.get()
    place = [round.project.slug, round.slug]
    found = lead.get(reverse("annotation:gold", args=place), {"q": item.external_id}).content.decode()
    assert f"outputs={output.pk}" in found
    address = f"{reverse('annotation:gold_task', args=place)}?outputs={output.pk}"
    assert lead.post(address, {}).status_code == 422
    bad = lead.post(address, {"c-correct": "2", "tolerance-c-correct": "much", "why-c-correct": "Kept words."})
    assert bad.status_code == 422
    assert "is not accepted: a number, 0 or more" in bad.content.decode()
    assert "Kept words." in bad.content.decode()
    good = lead.post(address, {"c-correct": "2", "tolerance-c-correct": "1", "why-c-correct": "So."})
    assert good.status_code == 302
    assert GoldAnswer.objects.values_list("number", "tolerance", "explanation").get() == (2.0, 1.0, "So.")
    assert "Level 2" in lead.get(reverse("annotation:gold", args=place)).content.decode()
    elsewhere = output_factory(item_factory(round_factory(opened=False).project), output.system)
    assert lead.get(f"{reverse('annotation:gold_task', args=place)}?outputs={elsewhere.pk}").status_code == 404


def test_who_is_paused_in_training_comes_back_to_it() -> None:
    round = practised()
    _, seat = a_rater(round)
    seat_exclude(seat=seat, reason="Why.", actor=None)
    assert claims.claim(seat.pk).status == "seat_paused"
    seat_include(seat=seat, actor=None)
    assert claims.claim(seat.pk).status == "seat_training"
    assert not TrainingTry.objects.exists()


def test_pictures_are_in_training_tasks_their_feedback_and_the_form_of_right_answers() -> None:
    round = practised(tasks=1)
    ItemRevision.objects.update(html='<p><data value="kite.png">[image: a kite]</data></p>')
    media_add(project=round.project, files=[File("kite.png", png)], actor=None)
    client, seat = a_rater(round)
    training.try_begin(seat=seat)
    assert "a kite" in images(client.get(reverse("annotation:rate", args=[round.public_id])))
    task = seat.assignments.get()
    training.step_submit(seat=seat, data={"c-correct": "2"}, public_id=task.public_id, key=secrets.token_hex(8))
    feedback = client.get(reverse("annotation:feedback", args=[round.public_id, task.public_id]))
    address = images(feedback)["a kite"]
    assert address == reverse("annotation:shown_file", args=[round.public_id, task.public_id, 1])
    assert b"PNG" in b"".join(client.get(address))
    lead = Client()
    lead.force_login(member(round.project, Role.LEAD))
    output = task.task.task_outputs.get().output_id
    form = lead.get(reverse("annotation:training_task", args=[round.project.slug, round.slug]), {"outputs": output})
    assert images(form)["a kite"].startswith(f"/p/{round.project.slug}/files/")


def images(answer: Any) -> dict[str, str]:
    """Addresses of pictures by their descriptions."""
    return {
        alt: src for src, alt in re.findall(r'<img class="media" src="([^"]+)" alt="([^"]+)"', answer.content.decode())
    }
