"""What a rater is shown for an assignment: texts by position, and nothing that tells which system answered."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection

LETTERS = "ABCDEFGHI"


@dataclass(frozen=True, slots=True)
class ShownOutput:
    """One output as shown. `target` is how its ratings name it."""

    letter: str
    target: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Presentation:
    assignment: int
    public_id: str
    version: int
    prompt_html: str
    language: str
    outputs: tuple[ShownOutput, ...]
    digest: str
    # Raw texts; the page renders them only where the round shows reference answers.
    reference: tuple[str, ...] = ()


_HEAD = """
SELECT a.public_id, a.version, a.shown_order, a.task_id, r.html, i.language, r.digest, r.reference
FROM annotation_assignment a
JOIN annotation_task t ON t.id = a.task_id
JOIN projects_item i ON i.id = t.item_id
LEFT JOIN projects_itemrevision r ON r.item_id = i.id AND r.current
WHERE a.id = %s"""
_OUTPUTS = """
SELECT o.position, COALESCE(v.html, ''), COALESCE(v.text, ''), COALESCE(v.digest, '')
FROM annotation_taskoutput o
LEFT JOIN projects_outputrevision v ON v.output_id = o.output_id AND v.current
WHERE o.task_id = %s"""


def read_presentation(assignment: int) -> Presentation:
    """Two statements, whatever the size of the round."""
    with connection.cursor() as cursor:
        cursor.execute(_HEAD, [assignment])
        public_id, version, order, task, prompt, language, item_digest, reference = cursor.fetchone()
        cursor.execute(_OUTPUTS, [task])
        rows = {position: rest for position, *rest in cursor.fetchall()}
    shown = [rows[int(position)] for position in order]
    digest = hashlib.sha256("\n".join([item_digest or "", *(d for _, _, d in shown)]).encode()).hexdigest()
    outputs = tuple(
        ShownOutput(LETTERS[n] if len(shown) > 1 else "", f"o{n}", html, text)
        for n, (html, text, _) in enumerate(shown)
    )
    return Presentation(
        assignment, public_id, version, prompt or "", language or "", outputs, digest, _texts(reference)
    )


def _texts(stored: Any) -> tuple[str, ...]:
    """A JSON column as raw SQL gives it: text on both databases, or nothing."""
    values = json.loads(stored) if isinstance(stored, str) else stored
    return tuple(str(v) for v in values or ())
