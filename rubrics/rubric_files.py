"""A rubric in a file: alone, or as the `rubric` part of a study file or of one from the library."""

from __future__ import annotations

from dataclasses import dataclass

from projects.located import Path, Source, load
from rubrics.lints import Finding, lint
from rubrics.schema import rubric_from
from rubrics.specs import RubricSpec


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding and where it stands in the file."""

    finding: Finding
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Checked:
    spec: RubricSpec
    findings: tuple[Placed, ...]


def rubric_in(source: Source) -> tuple[RubricSpec, Path]:
    """The rubric and where it begins. Fails by line and column."""
    value = source.value
    if isinstance(value, dict) and "rubric" in value and "criteria" not in value:
        inner = value["rubric"]
        if isinstance(inner, str):
            source.fail(("rubric",), f"This file names the rubric “{inner}” and does not hold it. Check its own file.")
        return rubric_from(source, inner, ("rubric",)), ("rubric",)
    return rubric_from(source, value), ()


def rubric_check(text: str | bytes, name: str) -> Checked:
    """Read strictly (a SourceError says what is refused), then look for what often goes wrong."""
    source = load(text, name)
    spec, at = rubric_in(source)
    return Checked(spec, tuple(Placed(f, *source.where((*at, *f.path))) for f in lint(spec)))
