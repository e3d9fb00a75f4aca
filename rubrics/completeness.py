"""What a draft still lacks before it can be published: no advice, but what raters could not answer. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rubrics.criteria.base import PLACEHOLDERS
from rubrics.lints import lint
from rubrics.specs import CriterionSpec, RubricSpec


@dataclass(frozen=True, slots=True)
class Missing:
    """`field` is the part of the criterion's form that lacks it; without a criterion it is the rubric itself."""

    criterion: str
    field: str
    sentence: str

    @property
    def anchor(self) -> str:
        """Where that part stands on the page."""
        return {"levels": "levels", "shown_after": "condition"}.get(self.field, "")


def missing(spec: RubricSpec) -> list[Missing]:
    """Everything at once, in the order of the rubric, so that nobody publishes five times to hear of five things."""
    if not spec.criteria:
        return [Missing("", "", "A rubric needs at least one criterion before it can be published.")]
    found = [gap for criterion in spec.criteria for gap in _of(criterion)]
    found += [
        Missing(f.criterion, "shown_after", f"{f.sentence} {f.why}") for f in lint(spec) if f.code == "broken-condition"
    ]
    places = {c.key: n for n, c in enumerate(spec.criteria)}
    return sorted(found, key=lambda gap: places[gap.criterion])


def _of(criterion: CriterionSpec) -> Iterator[Missing]:
    left = [level.label for level in criterion.levels if level.label in PLACEHOLDERS]
    if left:
        words = " and ".join(f"“{label}”" for label in left)
        yield Missing(
            criterion.key,
            "levels",
            f"“{criterion.question}” still has {words} as labels. Write the labels that raters choose from.",
        )
