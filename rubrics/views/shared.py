"""What the pages of a rubric have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.shortcuts import get_object_or_404

from projects.models import Project
from rubrics.changes import KIND_TITLES, TITLES, Change, Piece, Verdict, verdicts, word_diff
from rubrics.criteria import CRITERIA
from rubrics.models import Rubric, RubricVersion
from rubrics.selectors import spec_of
from rubrics.specs import CriterionSpec, RubricSpec

GONE = (
    "This draft was published or dropped after you opened it, so nothing was saved. What you wrote is still here: "
    "make a new version in another window, then save again."
)
CHANGED = (
    "Somebody else saved this draft after you opened it, so nothing of yours is saved yet. "
    "What you wrote is still here."
)


def rubric_of(project: Project, slug: str) -> Rubric:
    return get_object_or_404(Rubric.objects.select_related("project"), project=project, slug=slug)


def draft_of(rubric: Rubric) -> RubricVersion | None:
    return rubric.versions.select_related("rubric__project").filter(status=RubricVersion.Status.DRAFT).first()


def newest_of(rubric: Rubric) -> RubricVersion:
    version = rubric.versions.select_related("rubric__project", "published_by").order_by("-number").first()
    if version is None:
        raise RubricVersion.DoesNotExist(f"Rubric {rubric.pk} has no version.")
    return version


def versions_of(rubric: Rubric) -> list[Any]:
    """Newest first, each with the number of rounds that use it."""
    return list(
        rubric.versions.select_related("published_by")
        .annotate(n_rounds=Count("rounds"), n_open=Count("rounds", filter=Q(rounds__state__in=["open", "paused"])))
        .order_by("-number")
    )


def context_of(rubric: Rubric, tab: str, **more: Any) -> dict[str, Any]:
    return {"project": rubric.project, "nav": "rubrics", "rubric": rubric, "tab": tab, **more}


def summary(spec: CriterionSpec) -> str:
    """“Scale with anchors, 5 levels, optional”."""
    words = [CRITERIA[spec.type].title]
    words += CRITERIA[spec.type].summary(spec)
    if spec.scope != "task":
        words.append("each output")
    if not spec.required:
        words.append("optional")
    return ", ".join(words)


def listed(spec: RubricSpec) -> list[tuple[CriterionSpec, str]]:
    return [(c, summary(c)) for c in spec.criteria]


def shown_version(version: RubricVersion) -> dict[str, Any]:
    """What a read-only page of a version shows."""
    spec = spec_of(version)
    return {"version": version, "spec": spec, "listed": listed(spec)}


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change with its words, for the page."""

    change: Change
    kind: str
    pieces: list[Piece]

    @property
    def title(self) -> str:
        return TITLES[self.change.meaning]


@dataclass(frozen=True, slots=True)
class ShownCriterion:
    question: str
    verdict: Verdict
    changes: list[ShownChange]


def shown_changes(older: RubricSpec, newer: RubricSpec) -> dict[str, Any]:
    """What a page of changes shows: each criterion that differs, and how many do not."""
    asked = {c.key: c.question for c in (*older.criteria, *newer.criteria)}
    every = verdicts(older, newer)
    differ = [
        ShownCriterion(
            asked[v.criterion],
            v,
            [ShownChange(c, KIND_TITLES[c.kind], word_diff(c.before, c.after)) for c in v.changes],
        )
        for v in every
        if v.changes
    ]
    return {"differ": differ, "same": len(every) - len(differ), "verdicts": every}
