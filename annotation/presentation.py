"""What a rater is shown for an assignment: texts by position, and nothing that tells which system answered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from annotation.turns import turns_in
from rubrics.criteria.base import LETTERS as LETTERS  # also by its place here


@dataclass(frozen=True, slots=True)
class ShownOutput:
    """One output as shown. `target` is how its ratings name it."""

    letter: str
    target: str
    html: str
    text: str
    digest: str = ""  # of the revision shown

    @property
    def turns(self) -> int:
        return turns_in(self.html)


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
    live: bool = True
    draft: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """The texts of a task in canonical order, before anybody's order of showing."""

    language: str
    prompt_html: str
    prompt_digest: str
    reference: Any  # a JSON column as raw SQL gives it
    outputs: tuple[tuple[str, str, str], ...]  # html, text, digest

    def digest(self, order: str) -> str:
        """Of all that is shown, in the order shown."""
        shown = (self.outputs[int(position)][2] for position in order)
        return hashlib.sha256("\n".join([self.prompt_digest, *shown]).encode()).hexdigest()


# The texts of a task `c`, one row an output. Used in `claim_sql` as well, where `c` is the task that was found.
CONTENT_COLUMNS = """i.language, COALESCE(r.html, ''), COALESCE(r.digest, ''), r.reference,
       o.position, COALESCE(v.html, ''), COALESCE(v.text, ''), COALESCE(v.digest, '')"""
CONTENT_TABLES = """JOIN annotation_task t ON t.id = c.task_id
JOIN projects_item i ON i.id = t.item_id
LEFT JOIN projects_itemrevision r ON r.item_id = i.id AND r.current
LEFT JOIN annotation_taskoutput o ON o.task_id = t.id
LEFT JOIN projects_outputrevision v ON v.output_id = o.output_id AND v.current"""

_ASSIGNMENT = f"""
SELECT c.public_id, c.version, c.shown_order, c.state, c.draft, {CONTENT_COLUMNS}
FROM annotation_assignment c {CONTENT_TABLES}
WHERE c.id = %s ORDER BY o.position"""  # noqa: S608 - our own parts


_TASK = f"""
WITH c AS (SELECT id AS task_id FROM annotation_task WHERE id = %s)
SELECT {CONTENT_COLUMNS} FROM c {CONTENT_TABLES} ORDER BY o.position"""  # noqa: S608 - our own parts


def content_of(rows: Sequence[Sequence[Any]]) -> Content:
    """From rows that end with CONTENT_COLUMNS."""
    language, html, digest, reference = rows[0][-8:-4]
    outputs = tuple((row[-3], row[-2], row[-1]) for row in rows if row[-4] is not None)
    return Content(language or "", html, digest, reference, outputs)


def present(
    content: Content,
    *,
    assignment: int,
    public_id: str,
    order: str,
    version: int = 0,
    live: bool = True,
    draft: dict[str, Any] | None = None,
) -> Presentation:
    shown = [content.outputs[int(position)] for position in order]
    outputs = tuple(
        ShownOutput(LETTERS[n] if len(shown) > 1 else "", f"o{n}", html, text, digest)
        for n, (html, text, digest) in enumerate(shown)
    )
    return Presentation(
        assignment=assignment,
        public_id=public_id,
        version=version,
        prompt_html=content.prompt_html,
        language=content.language,
        outputs=outputs,
        digest=content.digest(order),
        reference=_texts(content.reference),
        live=live,
        draft=draft,
    )


def read_presentation(assignment: int) -> Presentation:
    """One statement, whatever the size of the round."""
    with connection.cursor() as cursor:
        cursor.execute(_ASSIGNMENT, [assignment])
        rows = cursor.fetchall()
    public_id, version, order, state, draft = rows[0][:5]
    return present(
        content_of(rows),
        assignment=assignment,
        public_id=public_id,
        order=order,
        version=version,
        live=state == 0,
        draft=_json(draft),
    )


def read_task(task: int, order: str) -> Presentation:
    """A task as a reviewer sees it: as blind as a rater, and nobody's assignment."""
    with connection.cursor() as cursor:
        cursor.execute(_TASK, [task])
        rows = cursor.fetchall()
    return present(content_of(rows), assignment=0, public_id="", order=order, live=False)


def _texts(stored: Any) -> tuple[str, ...]:
    return tuple(str(v) for v in _json(stored) or ())


def _json(stored: Any) -> Any:
    """A JSON column as raw SQL gives it: text on both databases, or nothing."""
    return json.loads(stored) if isinstance(stored, str) else stored
