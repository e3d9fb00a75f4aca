"""The rows of levels and examples in the designer: parallel fields, one of each a row."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

MAX_ROWS = 200


def lines(text: str) -> str:
    """Browsers send CR LF; files and digests have LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


@dataclass
class LevelRow:
    value: str = ""
    label: str = ""
    anchor: str = ""
    example: str = ""
    error: str = ""

    @property
    def is_blank(self) -> bool:
        return not (self.value or self.label or self.anchor or self.example)


@dataclass
class ExampleRow:
    text: str = ""
    why: str = ""
    positive: bool = True
    error: str = ""


def level_rows(data: QueryDict) -> list[LevelRow]:
    columns = [[lines(v) for v in data.getlist(f"level_{c}")] for c in ("value", "label", "anchor", "example")]
    return [LevelRow(*row) for row in zip(*columns, strict=False)][:MAX_ROWS]


def example_rows(data: QueryDict) -> list[ExampleRow]:
    columns = [[lines(v) for v in data.getlist(f"example_{c}")] for c in ("text", "why", "positive")]
    return [ExampleRow(text, why, positive != "0") for text, why, positive in zip(*columns, strict=False)][:MAX_ROWS]
