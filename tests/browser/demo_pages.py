"""The pages that the demonstration study shows its lead: rounds in every state, disagreements, full reports, changes
of a rubric, who answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from accounts.models import User
from analytics.demo.load import PEOPLE, load
from analytics.models import Report
from analytics.report_file import report_html
from analytics.services import report_build
from annotation.adjudication_cases import cases
from annotation.models import Round
from annotation.services.adjudication import Ruling, adjudicate
from annotation.services.rounds import round_create, round_open, round_pause
from annotation.services.unblinding import round_unblind
from projects.models import Project
from rubrics.criteria import CRITERIA
from rubrics.models import RubricVersion
from rubrics.services import draft_open, rubric_share

OF_THE_PROJECT = (
    "analytics:overview", "annotation:rounds", "annotation:round_new", "projects:import", "projects:items",
    "projects:metrics", "projects:people", "projects:settings", "rubrics:guidelines", "rubrics:list", "rubrics:new",
)  # fmt: skip
OF_NO_PROJECT = (
    "analytics:home", "analytics:search", "projects:new", "accounts:profile", "accounts:tokens",
    "account_change_password", "account_email", "mfa_index", "mfa_activate_totp", "account_logout",
)  # fmt: skip
OF_NOBODY = ("account_login", "account_reset_password", "account_reset_password_done", "account_signup")
REPORTED = ("pilot", "quality", "side-by-side", "preference")


def demo_lead() -> User:
    """The study, and its lead, who looks after the site as well and so may share rubrics with all."""
    load(lambda what: None)
    User.objects.filter(email=PEOPLE[0][2]).update(is_superuser=True)
    return User.objects.get(email=PEOPLE[0][2])


def demo_rater() -> User:
    return User.objects.get(email=next(email for role, _, email in PEOPLE if role == "rater"))


def report_files() -> Iterator[str]:
    """Each report as the file that is sent around."""
    yield from (report_html(report) for report in Report.objects.order_by("pk"))


def rater_addresses() -> Iterator[str]:
    yield reverse("annotation:home")
    row = Round.objects.get(slug="second-look")
    for name in ("rate", "guidelines", "history"):
        yield reverse(f"annotation:{name}", args=[row.public_id])


def addresses(lead: User) -> Iterator[str]:
    """One after another: what stands between two of them makes the later ones different."""
    project = Project.objects.get(slug="brambleway")
    rounds = {row.slug: row for row in Round.objects.filter(project=project)}
    yield from (reverse(name) for name in OF_NO_PROJECT)
    yield from _rubrics(project, rounds, lead)
    for slug in REPORTED:
        yield reverse("analytics:report", args=[project.slug, report_build(round=rounds[slug], actor=lead).pk])
    yield reverse("analytics:reports", args=[project.slug])
    yield from (reverse(name, args=[project.slug]) for name in OF_THE_PROJECT)
    yield reverse("projects:item", args=[project.slug, project.items.order_by("pk")[0].pk])
    yield from _disagreements(rounds["quality"], lead)
    yield from _disagreements(rounds["side-by-side"], lead)
    yield from _rounds(project, rounds, lead)
    yield f"/p/{project.slug}/rounds/none/"  # the page that says there is none


def _of(row: Round, name: str, *more: Any) -> str:
    return reverse(f"annotation:{name}", args=[row.project.slug, row.slug, *more])


def _rubrics(project: Project, rounds: dict[str, Round], lead: User) -> Iterator[str]:
    used: RubricVersion = rounds["quality"].rubric_version
    rubric, shared = used.rubric, rubric_share(version=used, actor=lead).rubric
    yield reverse("rubrics:library", args=[project.slug])
    yield reverse("rubrics:library_shared", args=[project.slug, shared.slug])
    for name in ("versions", "changes", "yaml", "edit"):
        yield reverse(f"rubrics:{name}", args=[project.slug, rubric.slug])
    for name in ("version", "judge", "copy", "share"):
        yield reverse(f"rubrics:{name}", args=[project.slug, rubric.slug, used.number])
    draft_open(rubric=rubric, actor=lead)
    for name in ("edit", "publish", "drop"):
        yield reverse(f"rubrics:{name}", args=[project.slug, rubric.slug])
    yield from (reverse("rubrics:edit", args=[project.slug, rubric.slug]) + f"?new={kind}" for kind in CRITERIA)


def _disagreements(row: Round, lead: User) -> Iterator[str]:
    case = cases(row)[0]
    place = [case.place.task, case.address]
    yield _of(row, "adjudication")
    yield _of(row, "case", *place)
    adjudicate(round=row, place=case.place, ruling=Ruling("unsettled", "The rule is silent.", 0), actor=lead)
    yield _of(row, "adjudication")
    yield _of(row, "case", *place)


def _rounds(project: Project, rounds: dict[str, Round], lead: User) -> Iterator[str]:
    yield from (_of(row, "round") for row in rounds.values())
    yield _of(rounds["pilot"], "round_succeed")
    yield _of(rounds["quality"], "round_reopen")
    yield _of(rounds["quality"], "exclusion", rounds["quality"].seats.order_by("pk")[0].pk)
    for slug in ("quality", "side-by-side"):
        yield _of(rounds[slug], "key")
        round_unblind(round=rounds[slug], actor=lead)
        yield _of(rounds[slug], "key")
    yield _of(rounds["quality"], "round")
    yield _of(rounds["preference"], "key")
    round_pause(round=rounds["preference"], actor=lead)
    for name in ("round", "round_open", "round_close"):
        yield _of(rounds["preference"], name)
    round_open(round=rounds["preference"], actor=lead)  # for the raters
    planned = round_create(
        project=project, name="Planned", mode="score", rubric_version=rounds["quality"].rubric_version,
        systems=list(project.systems.all()), overlap=2, actor=lead,
    )  # fmt: skip
    for name in ("leaks", "round", "round_open", "round_drop"):
        yield _of(planned, name)
