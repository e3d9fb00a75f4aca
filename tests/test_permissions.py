"""Who may do what: every address × method × kind of person, against the table below.

The addresses come from the URL resolver: one that has no row here fails. Every row is run as allowed and as
refused. What belongs to another project must answer exactly as what does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.permission_world import PEOPLE, TOKENS, World, build

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OUTSIDE = {"anonymous", "deactivated"}  # for a page both have to log in

# --- who may ----------------------------------------------------------------------------------------------
EVERYBODY = frozenset(PEOPLE)
SIGNED_IN = EVERYBODY - OUTSIDE
LEADS = frozenset({"lead", "superuser"})
REVIEWERS = LEADS | {"reviewer"}
VIEWERS = REVIEWERS | {"viewer"}
RATERS = REVIEWERS | {"rater"}
MAKERS = LEADS | {"other"}  # who leads a project may make another


@dataclass(frozen=True)
class Row:
    """`who` gets `status` (or what `but` says); everybody else is sent to log in, or finds nothing."""

    name: str
    method: str
    who: frozenset[str]
    status: int
    but: dict[str, int] = field(default_factory=dict)
    data: Callable[[dict[str, Any]], dict[str, Any]] = lambda own: {}

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


def get(name: str, who: frozenset[str], status: int = 200, **but: int) -> Row:
    return Row(name, "GET", who, status, but)


def post(name: str, who: frozenset[str], status: int, **but: int) -> Row:
    """With nothing in it: refused in words, or carried out and rolled back."""
    return Row(name, "POST", who, status, but)


PAGES = [
    get("healthz", EVERYBODY),
    get("readyz", EVERYBODY),
    # accounts
    post("language", EVERYBODY, 302),
    get("accounts:profile", SIGNED_IN),
    post("accounts:profile", SIGNED_IN, 200),
    get("accounts:tokens", SIGNED_IN),
    post("accounts:tokens", SIGNED_IN, 200),
    post("accounts:token_revoke", frozenset({"lead"}), 302),  # the token in the address is the lead's
    # projects
    get("analytics:home", SIGNED_IN, 200, rater=302),
    get("analytics:search", SIGNED_IN, 200, rater=302, removed=302),
    get("projects:help", SIGNED_IN),
    get("projects:new", MAKERS),
    post("projects:new", MAKERS, 200),
    get("projects:invitation", EVERYBODY),  # the link is the right
    post("projects:invitation", EVERYBODY, 302, anonymous=200, deactivated=200),
    get("projects:import", LEADS),
    post("projects:import", LEADS, 200),
    get("projects:import_preview", LEADS),
    post("projects:import_preview", LEADS, 302),
    post("projects:import_mapping", LEADS, 302),
    get("projects:items", VIEWERS),
    get("projects:item", VIEWERS),
    post("projects:items_tag", LEADS, 302),
    post("annotation:items_act", LEADS, 302),
    get("annotation:media_change", LEADS),
    post("annotation:media_change", LEADS, 422),
    get("projects:media", VIEWERS),
    post("projects:media", LEADS, 422),
    get("projects:media_file", VIEWERS),
    get("projects:metrics", VIEWERS),
    get("projects:checks", LEADS),
    post("projects:checks", LEADS, 422),
    post("projects:checks_stop", LEADS, 404),  # what is named is an import
    get("projects:metric", LEADS),
    post("projects:metric", LEADS, 200),
    get("projects:people", LEADS),
    post("projects:people", LEADS, 200),
    post("projects:invitation_revoke", LEADS, 302),
    get("projects:invite_list", LEADS),
    post("projects:invite_list", LEADS, 422),
    post("projects:invite_file", LEADS, 200),
    get("projects:settings", LEADS),
    post("projects:settings", LEADS, 200),
    # rubrics
    get("rubrics:list", VIEWERS),
    get("rubrics:new", LEADS),
    post("rubrics:new", LEADS, 200),
    get("rubrics:edit", VIEWERS),
    post("rubrics:edit", LEADS, 302),
    post("rubrics:preview", LEADS, 200),
    post("rubrics:autosave", LEADS, 200),
    get("rubrics:screen", VIEWERS),
    get("rubrics:criterion_delete", LEADS),
    post("rubrics:criterion_delete", LEADS, 302),
    get("rubrics:library", VIEWERS),
    get("rubrics:library_entry", VIEWERS),
    post("rubrics:library_entry", LEADS, 302),
    get("rubrics:changes", VIEWERS),
    post("rubrics:archive", LEADS, 302),
    post("rubrics:restore", LEADS, 302),  # it is not archived, which is said
    get("rubrics:copy", LEADS),
    post("rubrics:copy", LEADS, 200),
    get("rubrics:share", frozenset({"superuser"})),
    post("rubrics:share", frozenset({"superuser"}), 302),
    get("rubrics:library_shared", VIEWERS),
    post("rubrics:library_shared", LEADS, 302),
    get("rubrics:judge", VIEWERS),
    get("rubrics:judge_file", VIEWERS),
    post("rubrics:judge_answers", LEADS, 302),
    get("rubrics:yaml", VIEWERS),
    post("rubrics:yaml", LEADS, 422),
    get("rubrics:versions", VIEWERS),
    get("rubrics:version", VIEWERS),
    post("rubrics:draft", LEADS, 302),
    get("rubrics:publish", LEADS),
    post("rubrics:publish", LEADS, 302),
    get("rubrics:drop", LEADS),
    post("rubrics:drop", LEADS, 302),
    get("rubrics:guidelines", VIEWERS),
    post("rubrics:guidelines", LEADS, 200),
    get("rubrics:guideline", VIEWERS),
    # rounds, for those who run or read them
    post("annotation:member_change", LEADS, 302),
    get("annotation:member_remove", LEADS),
    post("annotation:member_remove", LEADS, 302),
    get("annotation:rounds", VIEWERS),
    get("annotation:round_new", LEADS),
    post("annotation:round_new", LEADS, 200),
    get("annotation:round", VIEWERS),
    get("annotation:round_succeed", LEADS, 302),  # no newer version is published
    post("annotation:round_succeed", LEADS, 302),
    post("annotation:round_extend", LEADS, 422),
    get("annotation:exclusion", LEADS),
    post("annotation:exclusion", LEADS, 422),
    post("annotation:seat_resume", LEADS, 302),
    get("annotation:adjudication", REVIEWERS),
    get("annotation:case", REVIEWERS),
    post("annotation:case", REVIEWERS, 422),
    get("annotation:key", VIEWERS, 409),  # the round is open, so it stays blind
    post("annotation:key", LEADS, 409),
    get("annotation:export", VIEWERS),
    get("annotation:export_file", VIEWERS),
    post("annotation:seat_place", LEADS, 302),
    post("annotation:task_free", LEADS, 302),
    get("annotation:gold", LEADS),
    post("annotation:gold", LEADS, 404),  # no act is named
    get("annotation:gold_task", LEADS, 404),  # no outputs are named
    post("annotation:gold_task", LEADS, 404),
    post("annotation:gold_remove", LEADS, 404),  # the task in the address has no known answer
    get("annotation:training", LEADS),
    post("annotation:training", LEADS, 404),
    get("annotation:training_task", LEADS, 404),
    post("annotation:training_task", LEADS, 404),
    post("annotation:training_remove", LEADS, 404),
    post("annotation:training_decide", LEADS, 302),
    get("annotation:assign", LEADS),
    post("annotation:assign", LEADS, 422),
    post("annotation:place_move", LEADS, 302),
    get("annotation:participants", LEADS),
    post("annotation:participants", LEADS, 422),
    post("annotation:participant_erase", LEADS, 302),
    get("annotation:pay", LEADS),
    post("annotation:pay", LEADS, 302),
    get("annotation:raters", LEADS),
    post("annotation:raters", LEADS, 404),  # no act is named
    post("annotation:round_link_revoke", LEADS, 302),
    get("annotation:round_link", EVERYBODY, 404),  # the key in the address is of an invitation
    post("annotation:round_link", EVERYBODY, 404),
    post("annotation:message", REVIEWERS, 302),
    get("annotation:leaks", LEADS),
    post("annotation:leak_terms", LEADS, 302),
    post("annotation:leak_act", LEADS, 404),  # no act is named
    get("annotation:round_open", LEADS, 302),  # it is open
    post("annotation:round_open", LEADS, 302),
    get("annotation:round_pause", LEADS),
    post("annotation:round_pause", LEADS, 302),
    get("annotation:round_close", LEADS),
    post("annotation:round_close", LEADS, 302),
    get("annotation:round_reopen", LEADS, 302),
    post("annotation:round_reopen", LEADS, 302),
    get("annotation:round_drop", LEADS, 302),
    post("annotation:round_drop", LEADS, 302),
    post("annotation:flag_resolve", REVIEWERS, 302),
    # rating
    get("annotation:join", EVERYBODY, 409, anonymous=400, deactivated=400),  # no account wanted; nobody is named
    post("annotation:join", EVERYBODY, 409, anonymous=400, deactivated=400),
    get("annotation:home", SIGNED_IN),
    get("annotation:rate", RATERS),
    post("annotation:begin", RATERS, 302),
    post("annotation:practice", RATERS, 302),
    get("annotation:feedback", RATERS, 404),  # the task in the address was no practice
    post("annotation:submit", RATERS, 409),
    post("annotation:draft", RATERS, 409),
    post("annotation:skip", RATERS, 422),
    post("annotation:flag", RATERS, 422),
    post("annotation:comment", RATERS, 422),
    get("annotation:history", RATERS),
    get("annotation:guidelines", RATERS),
    get("annotation:review", REVIEWERS),
    get("annotation:review_one", REVIEWERS),
    post("annotation:review_one", REVIEWERS, 422),
    get("annotation:shown_file", frozenset({"rater"})),  # of one's own tasks only
    get("annotation:again", frozenset({"rater"})),  # one's own judgments only
    # reports
    get("analytics:overview", VIEWERS),
    get("analytics:doctor", VIEWERS),
    post("analytics:doctor_suggest", LEADS, 302),  # no change is named, which is said
    get("analytics:gate", VIEWERS),
    Row("analytics:gate", "POST", LEADS, 422, data=lambda own: {"definition": "new: [1]"}),
    post("analytics:report_look", LEADS, 302),  # no such items are named, which is said
    get("analytics:reports", VIEWERS),
    Row("analytics:report_build", "POST", REVIEWERS, 302, data=lambda own: {"round": own["round"]}),
    get("analytics:report", VIEWERS),
    get("analytics:report_run", REVIEWERS, 302),  # to the report that it has built
    post("analytics:report_run", REVIEWERS, 302),
    get("analytics:report_json", VIEWERS),
    get("analytics:report_html", VIEWERS),
    get("analytics:report_pdf", VIEWERS),
    get("analytics:report_xlsx", VIEWERS),
    get("analytics:report_figures", VIEWERS),
    get("analytics:report_parquet", VIEWERS),
    get("analytics:report_csv", VIEWERS),
]
API = [
    get("api:projects", SIGNED_IN),  # filtered: see the lists below
    get("api:project", VIEWERS),
    get("api:items", VIEWERS),
    get("api:systems", VIEWERS),
    get("api:metrics", VIEWERS),
    post("api:outputs", LEADS, 400),
    get("api:checks", VIEWERS),
    post("api:checks", LEADS, 400),
    get("api:rounds", VIEWERS),
    get("api:round", VIEWERS),
    get("api:final_answers", VIEWERS),
    post("api:final_answers", REVIEWERS, 400),
    get("api:key", VIEWERS, 409),
    post("api:key", LEADS, 409),
    get("api:export", VIEWERS),
    get("api:judgments", VIEWERS),
    post("api:judgments", LEADS, 400),
    get("api:raters", LEADS),
    get("api:rater", LEADS),
    post("api:rater", LEADS, 400),
    get("api:doctor", VIEWERS),
    get("api:report", VIEWERS),
    post("api:report", REVIEWERS, 200),  # nothing has changed since the report that is there
    get("api:report_file", VIEWERS),
    get("api:gate", VIEWERS, 404),
    post("api:gate", VIEWERS, 400),
    Row("api:gate", "PUT", LEADS, 400),
]
# Open to all; a token that is no good is refused even here.
SCHEMA = get("api:schema", EVERYBODY)
ROWS = [*PAGES, *API, SCHEMA]
# Not ours: whoever asks, they answer with one of these, and never say a word of a project.
THIRD_PARTY = {"accounts/": ("allauth", {200, 302, 401, 404, 405, 429})}
# No objects of a project: a key that lets its bearer in, a word within the draft, which the answer repeats, which
# question of a task is meant, which of a task's files, a rubric of the library, which is everybody's, one that is
# shared with all, and the form or kind of a file.
NO_OBJECTS = {"token", "join", "key", "question", "n", "name", "shared_rubric", "form", "file", "kind"}


@dataclass(frozen=True)
class Route:
    name: str
    pattern: str
    module: str

    @property
    def third_party(self) -> bool:
        return any(self.pattern.startswith(prefix) and self.module.startswith(module)
                   for prefix, (module, _) in THIRD_PARTY.items())  # fmt: skip


def walk(patterns: list[Any], namespace: str = "", prefix: str = "") -> Iterator[Route]:
    for entry in patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from walk(entry.url_patterns, inner, pattern)
        elif isinstance(entry, URLPattern):
            yield Route(f"{namespace}{entry.name or pattern}", pattern, entry.callback.__module__)


FOUND = list(walk(get_resolver("config.urls").url_patterns))
ROUTES = {route.name: route for route in FOUND}
OURS = [route for route in ROUTES.values() if not route.third_party]


def parameters(name: str) -> list[str]:
    return re.findall(r"<(?:\w+:)?(\w+)>", ROUTES[name].pattern)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)


def ask(world: World, row: Row, person: str, place: dict[str, Any], data: Any = None) -> Any:
    """One request whose effects are undone. Programs come with a token, people with a session."""
    path = reverse(row.name, kwargs={name: place[name] for name in parameters(row.name)})
    options: dict[str, Any] = {"data": row.data(world.own) if data is None else data}
    client = world.client("" if row.name.startswith("api:") else person)
    if row.name.startswith("api:"):
        if person in world.tokens:
            options["headers"] = {"Authorization": f"Token {world.tokens[person]}"}
        if row.method != "GET":
            options["content_type"] = "application/json"
    with transaction.atomic():
        answer = getattr(client, row.method.lower())(path, **options)
        if answer.streaming:  # read while the rows are there; kept for the comparison
            answer.kept = answer.getvalue()
        transaction.set_rollback(True)
    return answer


# --- the matrix -----------------------------------------------------------------------------------------


def test_every_route_has_a_row() -> None:
    assert len(ROUTES) == len(FOUND), "two addresses of one name: a row could only speak of one"
    rows = {row.name for row in ROWS}
    assert not {route.name for route in OURS} - rows, "an address without a row: say who may ask it"
    assert not rows - {route.name for route in OURS}, "a row without an address"
    assert len(ROWS) == len({(row.name, row.method) for row in ROWS})


def expected(row: Row, person: str) -> int:
    if person in row.who:
        return row.but.get(person, row.status)
    return 302 if person in OUTSIDE else 404


@pytest.mark.parametrize("row", PAGES, ids=str)
def test_pages(world: World, row: Row) -> None:
    wrong = {}
    for person in PEOPLE:
        answer = ask(world, row, person, world.own)
        to_login = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
        may = person in row.who
        if (
            answer.status_code != expected(row, person)
            or (to_login and may)
            or (not may and to_login != (person in OUTSIDE))
        ):
            wrong[person] = f"{answer.status_code}, expected {expected(row, person)}"
    assert not wrong


def expected_of_token(row: Row, person: str) -> int:
    if person in {"deactivated", "revoked", "expired"} or (person == "anonymous" and row is not SCHEMA):
        return 401
    if person == "reader":
        return 403 if row.method != "GET" else expected_of_token(row, "lead")
    return row.status if person in row.who else 404


@pytest.mark.parametrize("row", [*API, SCHEMA], ids=str)
def test_api(world: World, row: Row) -> None:
    wrong = {}
    for person in (*PEOPLE, *TOKENS):
        answer = ask(world, row, person, world.own)
        if answer.status_code != expected_of_token(row, person):
            wrong[person] = f"{answer.status_code}, expected {expected_of_token(row, person)}"
    assert not wrong


@pytest.mark.parametrize("route", OURS, ids=lambda route: route.name)
def test_no_other_method_is_answered(world: World, route: Route) -> None:
    rows = {row.method for row in ROWS if row.name == route.name}
    for method in METHODS:
        if method not in rows:
            answer = ask(world, Row(route.name, method, LEADS, 405), "superuser", world.own)
            assert answer.status_code == 405, method


@pytest.mark.parametrize(("person", "seen"), [
    ("rater", set()), ("viewer", {"one"}), ("lead", {"one"}), ("other", {"two"}), ("removed", set()),
    ("superuser", {"one", "two"}),
])  # fmt: skip
def test_lists_hold_ones_own(world: World, person: str, seen: set[str]) -> None:
    listed = ask(world, get("api:projects", SIGNED_IN), person, world.own).json()["results"]
    assert {row["name"] for row in listed} == {f"Canary {word}" for word in seen}
    page = ask(world, get("analytics:home", SIGNED_IN), person, world.own).content.decode()
    assert {word for word in ("one", "two") if f"Canary {word}" in page} == seen


# --- other projects' objects ------------------------------------------------------------------------------


def missing(value: Any) -> Any:
    return value + 100_000 if isinstance(value, int) else "zzzzzzzzzzzzzzzz"


def told(answer: Any) -> tuple[int, bytes, dict[str, str], str]:
    """All of an answer but what is new in every one of them."""
    headers = {name: value for name, value in answer.items() if name not in {"X-Request-ID", "Date"}}
    for name in headers:
        headers[name] = re.sub(r"nonce-[^' ]+", "nonce", headers[name])
    return answer.status_code, answer.kept if answer.streaming else answer.content, headers, str(answer.cookies)


WITH_OBJECTS = [row for row in ROWS if set(parameters(row.name)) - NO_OBJECTS]


@pytest.mark.parametrize("row", WITH_OBJECTS, ids=str)
def test_another_projects_object_is_as_one_that_does_not_exist(world: World, row: Row) -> None:
    person = "lead" if "lead" in row.who else "rater"
    for name in set(parameters(row.name)) - NO_OBJECTS:
        foreign = ask(world, row, person, {**world.own, name: world.foreign[name]})
        absent = ask(world, row, person, {**world.own, name: missing(world.own[name])})
        assert told(foreign) == told(absent), name
        assert absent.status_code == 404, name
    whole = ask(world, row, person, world.foreign)
    assert told(whole) == told(absent)


def test_another_projects_round_in_a_body_is_as_one_that_does_not_exist(world: World) -> None:
    row = next(row for row in ROWS if row.name == "analytics:report_build")
    foreign = ask(world, row, "lead", world.own, {"round": world.foreign["round"]})
    absent = ask(world, row, "lead", world.own, {"round": "zzz"})
    assert told(foreign) == told(absent)
    assert absent.status_code == 404


# --- routes of others -------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", [r for r in ROUTES.values() if r.third_party], ids=lambda route: route.name)
def test_third_party_pages_know_nothing_of_projects(world: World, route: Route) -> None:
    values = {"key": "zzz", "uidb36": "1"}
    path = reverse(route.name, kwargs={k: values[k] for k in re.findall(r"\?P<(\w+)>", route.pattern)})
    for person in ("anonymous", "lead"):
        for method in ("get", "post"):
            with transaction.atomic():
                answer = getattr(world.client(person), method)(path)
                transaction.set_rollback(True)
            assert answer.status_code in THIRD_PARTY["accounts/"][1], (person, method)
            assert b"Canary" not in answer.content
