"""Orders of several outputs in a file of judgments: the systems a row names, and its value in their names.

`system` holds all that were ranked, as a JSON list (what an export writes) or with “|” between; `value` their order,
"cobalt > amber = basalt" or a JSON list of lists of names, best first. Nothing here touches the database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rubrics.criteria.base import LETTERS


def systems_named(cell: Any) -> list[str]:
    """The names in one cell; one of them where it is no list."""
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        try:
            cell = json.loads(cell)
        except ValueError:
            return [str(cell).strip()]
    if isinstance(cell, list):
        return [str(each).strip() for each in cell]
    return [part.strip() for part in str(cell if cell is not None else "").split("|")]


def in_letters(value: Any, systems: Sequence[str]) -> Any:
    """The value with the letter of each system in the place of its name, as criterion types read it. A name that is
    none of the systems stays, and is refused there."""
    letters = {name.casefold(): LETTERS[n] for n, name in enumerate(systems)}

    def letter(name: Any) -> str:
        return letters.get(str(name).strip().casefold(), "?")

    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    if isinstance(value, dict):
        return {key: letter(name) for key, name in value.items()}
    if isinstance(value, list):
        return [[letter(name) for name in (each if isinstance(each, list) else [each])] for each in value]
    groups = [[letter(name) for name in group.split("=")] for group in str(value).split(">")]
    return " > ".join(" = ".join(group) for group in groups)
