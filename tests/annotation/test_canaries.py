"""Nothing that a rater can reach names a system, a gold answer, another rater or a file: every address of the
permission matrix, as page and over the API, with headers, cookies, errors, e-mails and static files.

The browser's side of it (scripts, storage, what a page does) is in tests/browser/test_blind.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import token_create
from annotation.models import Adjudication, GoldAnswer, Round
from annotation.services import rounds
from annotation.services.unblinding import round_unblind
from annotation.views import rater as rater_views
from config import errors
from projects.errors import ServiceError
from projects.models import AutomatedScore, ImportBatch, Item, Metric, Output, OutputRevision, Project, Role, System
from tests.factories import member, project_factory, user_factory
from tests.permission_world import World, stock
from tests.test_permissions import API, PAGES, ROUTES, SCHEMA, Row, ask, parameters

MARK = "zqcanary"
CANARY = re.compile(MARK, re.IGNORECASE)
ROWS = [*PAGES, *API, SCHEMA]


def build() -> World:
    """A project with one of everything, in which all that a rater must not learn carries the mark."""
    project = project_factory("Plain")
    lead = member(project, Role.LEAD, f"{MARK} lead")
    person, other = member(project, Role.RATER, "Bob"), member(project, Role.RATER, f"{MARK} other")
    world = World(own=stock(project, lead, person, "one"), foreign={})
    mark(project, other)
    for name, user in (("rater", person), ("lead", lead)):
        client = Client()
        client.force_login(user)
        world.sessions[name] = client.cookies["adjudge_session"].value
        world.tokens[name] = token_create(user=user, name=name, can_write=True, days=1)[1]
    return world


def mark(project: Project, other: User) -> None:
    marked = Value(f"{MARK}-")
    System.objects.filter(project=project).update(name=Concat(marked, F("name")), version=f"{MARK}-v1")
    Item.objects.filter(project=project).update(
        external_id=Concat(marked, F("external_id")), cluster=f"{MARK}-family", metadata={"model": MARK}
    )
    Metric.objects.filter(project=project).update(key=Concat(marked, F("key")))
    AutomatedScore.objects.filter(metric__project=project).update(explanation=MARK, judge=MARK)
    ImportBatch.objects.filter(project=project).update(file_name=f"{MARK}.csv", tool=MARK, run_id=MARK)
    Output.objects.filter(item__project=project).update(variant=MARK, currency="ZQC")
    OutputRevision.objects.filter(output__item__project=project).update(html="<p>An answer.</p>")
    round = Round.objects.get(project=project)
    Round.objects.filter(pk=round.pk).update(name=f"{MARK} 4.1 against 4.0")
    criterion = round.rubric_version.criteria.get()
    task = round.tasks.order_by("pk")[0]
    GoldAnswer.objects.create(task=task, criterion=criterion, number=2, explanation=f"{MARK} is right.")
    Adjudication.objects.create(task=task, criterion=criterion, number=1, reason=MARK, reviewer=other)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)


Received = list[tuple[str, str]]


def told(where: str, answer: Any) -> Received:
    body = b"".join(answer.streaming_content) if answer.streaming and not hasattr(answer, "kept") else b""
    body = body or getattr(answer, "kept", b"") or (b"" if answer.streaming else answer.content)
    return [
        (f"body of {where}", body.decode(errors="replace")),
        (f"headers of {where}", repr(dict(answer.items()))),
        (f"cookies of {where}", str(answer.cookies)),
    ]


def crawl(world: World, rows: list[Row]) -> Received:
    """Every address with every method of the matrix, as the rater; and once with what is not there."""
    found: Received = []
    for row in rows:
        found += told(str(row), ask(world, row, "rater", world.own))
        for name in parameters(row.name):
            absent = world.own[name] + 100_000 if isinstance(world.own[name], int) else "zzzzzzzz"
            found += told(f"{row} without {name}", ask(world, row, "rater", {**world.own, name: absent}))
    return found


def with_script(world: World) -> Received:
    """The rater's pages as their script asks for them, and forms that are wrong."""
    found: Received = []
    client = world.client("rater")
    for row in PAGES:
        if row.name.startswith("annotation:") and "rater" in row.who:
            path = reverse(row.name, kwargs={name: world.own[name] for name in parameters(row.name)})
            for data in ({}, {"task": "nonsense", "key": "x" * 12, "version": "99", "reason": "?"}):
                with transaction.atomic():
                    answer = getattr(client, row.method.lower())(path, data, headers={"X-Rate": "1"})
                    found += told(f"{row} by script", answer)
                    transaction.set_rollback(True)
    with transaction.atomic():  # an act that is accepted without the script leads back to the task
        said = {"task": world.own["task"], "text": "Hm."}
        answer = client.post(reverse("annotation:comment", args=[world.own["public_id"]]), said)
        assert answer.status_code == 302
        found += [*told("comment", answer), *told("after it", client.get(answer["Location"]))]
        transaction.set_rollback(True)
    return found


def error_pages(world: World) -> Received:
    client = world.client("rater")
    found = told("nowhere", client.get("/nowhere/"))
    for name in ("bad_request", "permission_denied", "page_not_found", "server_error"):
        handler = getattr(errors, name, None)
        if handler is not None:
            request = HttpRequest()
            request.META = {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000"}
            request.user = User.objects.get(name="Bob")
            answer = handler(request) if name == "server_error" else handler(request, Exception(MARK))
            found += told(name, answer)
    return found


def e_mails(world: World) -> Received:
    mail.outbox.clear()
    email = User.objects.get(name="Bob").email
    world.client("").post("/accounts/password/reset/", {"email": email})
    assert mail.outbox, "no e-mail was sent, so this would see nothing"
    return [(f"e-mail {each.subject}", f"{each.subject} {each.body} {each.extra_headers}") for each in mail.outbox]


def static_files() -> Received:
    paths = [path for path in Path(settings.BASE_DIR, "static").rglob("*") if path.suffix in {".js", ".css", ".svg"}]
    return [(f"static {path.name}", path.read_text(encoding="utf-8")) for path in paths]


def leaks(received: Received) -> list[str]:
    return [f"{where}: …{text[max(0, m.start() - 60) : m.end() + 40]}…" for where, text in received
            for m in CANARY.finditer(text)]  # fmt: skip


def everything(world: World) -> Received:
    return [*crawl(world, ROWS), *with_script(world), *error_pages(world), *e_mails(world), *static_files()]


pytestmark = pytest.mark.django_db


def test_nothing_a_rater_can_reach_holds_a_mark(world: World) -> None:
    received = everything(world)
    assert leaks(received) == []
    for_raters = {row.name for row in ROWS if "rater" in row.who}
    assert len(for_raters) >= 18
    visited = {where.split()[3] for where, _ in received if where.startswith("body of GET") or "POST" in where}
    assert for_raters <= visited
    assert {row.name for row in ROWS} <= visited  # and those that refuse raters, for what they say
    assert len(received) > 3 * len(ROUTES)


def test_nor_after_closing_unblinding_and_reporting(world: World) -> None:
    round = Round.objects.get(slug=world.own["round"])
    with transaction.atomic():
        rounds.round_close(round=round, actor=None)
        round_unblind(round=round, actor=None)
        of_raters = [row for row in ROWS if "rater" in row.who or row.name in ("annotation:key", "api:key")]
        received = [*crawl(world, of_raters), *with_script(world)]
        transaction.set_rollback(True)
    assert leaks(received) == []


def test_who_reads_figures_does_see_the_marks(world: World) -> None:
    """Else the crawl would look for what is nowhere."""
    for name in ("projects:items", "annotation:round", "api:systems", "api:judgments", "analytics:report"):
        row = next(row for row in ROWS if row.name == name)
        assert leaks(told(name, ask(world, row, "lead", world.own))) or name == "analytics:report"


# --- planted leaks -----------------------------------------------------------------------------------------------


def in_title(patch: pytest.MonkeyPatch) -> None:
    Round.objects.update(title=f"Is {MARK} better?")


def in_text(patch: pytest.MonkeyPatch) -> None:
    OutputRevision.objects.update(html=f"<p>As {MARK}, I cannot.</p>")


def in_header(patch: pytest.MonkeyPatch) -> None:
    rendered = rater_views._render

    def with_header(*arguments: Any) -> HttpResponse:
        response = rendered(*arguments)
        response["X-Served"] = MARK
        return response

    patch.setattr(rater_views, "_render", with_header)


def in_cookie(patch: pytest.MonkeyPatch) -> None:
    rendered = rater_views._render

    def with_cookie(*arguments: Any) -> HttpResponse:
        response = rendered(*arguments)
        response.set_cookie("side", MARK)
        return response

    patch.setattr(rater_views, "_render", with_cookie)


def in_refusal(patch: pytest.MonkeyPatch) -> None:
    def refuse(**named: Any) -> None:
        raise ServiceError(f"That task of {MARK} is not yours.")

    patch.setattr(rater_views.judging, "judgment_submit", refuse)


def in_missing_page(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(errors.SENTENCES, 404, f"There is no such page of {MARK}.")


def in_program_answer(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(errors.SENTENCES, 404, MARK)


def in_mail(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settings, "ACCOUNT_EMAIL_SUBJECT_PREFIX", f"[{MARK}] ", raising=False)


def in_history(patch: pytest.MonkeyPatch) -> None:
    shown = rater_views.judging.last_judged

    def named(seat: Any) -> Any:
        found = shown(seat)
        for each in found:
            each.public_id = f"{MARK}{each.public_id}"[:24]
        return found

    patch.setattr(rater_views.judging, "last_judged", named)


def in_address(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        rater_views, "redirect", lambda *arguments: HttpResponse(status=302, headers={"Location": f"/{MARK}"})
    )


PLANTS = [
    in_title, in_text, in_header, in_cookie, in_refusal, in_missing_page, in_program_answer, in_mail, in_history,
    in_address,
]  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_leak_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    of_raters = [row for row in ROWS if "rater" in row.who and row.name.startswith("annotation:")]
    refused = [row for row in ROWS if row.name in ("annotation:round", "api:project")]
    with transaction.atomic():
        plant(monkeypatch)
        parts = {
            in_mail: lambda: e_mails(world),
            in_program_answer: lambda: crawl(world, [row for row in refused if row.name.startswith("api:")]),
            in_missing_page: lambda: crawl(world, [row for row in refused if not row.name.startswith("api:")]),
        }
        received = parts.get(plant, lambda: [*crawl(world, of_raters), *with_script(world)])()
        transaction.set_rollback(True)
    assert leaks(received)


def test_an_unrelated_person_gets_no_mark_either() -> None:
    project = project_factory(f"{MARK} project")
    client = Client()
    client.force_login(user_factory("Charlie"))
    assert leaks(told("project", client.get(f"/p/{project.slug}/"))) == []
