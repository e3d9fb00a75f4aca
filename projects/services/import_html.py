"""Render what an import brings, once, before it is written. Equal content is rendered once."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice
from typing import Any

from projects.models import ItemRevision, OutputRevision
from projects.services.import_render import HelperError, Job, render_jobs, render_with_helpers
from projects.services.import_stage import Progress, Staged, item_digest

_log = logging.getLogger(__name__)

# Rendering takes 0.5 to 1.5 ms a thousand characters; from some seconds on, helpers pay for their start.
_ALONE = 2_000_000
_PORTION = 200
_MAX_HELPERS = 4


class HtmlCache:
    """Rendered HTML by kind and digest of the content."""

    def __init__(self, progress: Progress | None = None) -> None:
        self._html: dict[str, dict[str, str]] = {"item": {}, "output": {}}
        self._progress = progress

    def fill(self, items: Sequence[ItemRevision], outputs: Sequence[OutputRevision]) -> None:
        """Set `html` on every revision."""
        self._fill({each.digest: each for each in items}, {each.digest: each for each in outputs})
        for item in items:
            item.html = self._html["item"][item.digest]
        for output in outputs:
            output.html = self._html["output"][output.digest]

    def fill_staged(self, staged: Staged) -> None:
        """Render all that a file brings, before anything else is known about it."""
        items = {
            item_digest(item.messages, item.context, item.reference, item.choices): item
            for item in (each.record for each in staged.items.values())
        }
        self._fill(items, {each.digest: each.record for each in staged.outputs.values() if each.digest})

    def _fill(self, items: dict[str, Any], outputs: dict[str, Any]) -> None:
        """What has the texts, by digest. Jobs are made of it a portion at a time."""
        kinds = {"item": items, "output": outputs}
        todo = [(kind, key) for kind, given in kinds.items() for key in given if key not in self._html[kind]]
        jobs = (_job(kind, kinds[kind][key]) for kind, key in todo)
        helpers = min(_MAX_HELPERS, os.cpu_count() or 1, -(-len(todo) // _PORTION))
        sizes = accumulate(_size(_job(kind, kinds[kind][key])) for kind, key in todo)
        large = helpers > 1 and any(size > _ALONE for size in sizes)
        rendered = self._render(jobs, len(todo), helpers if large else 1)
        for (kind, key), html in zip(todo, rendered, strict=True):
            self._html[kind][key] = html

    def _render(self, jobs: Iterator[Job], count: int, helpers: int) -> Iterator[str]:
        done = 0
        for rendered in _portions(jobs, helpers):
            done += len(rendered)
            if self._progress:
                self._progress("Rendering", done, count)
            yield from rendered


def _job(kind: str, source: Any) -> Job:
    """Of an item, what every rater may see. Reference answers are not in it: a round shows them or does not."""
    if kind == "output":
        return kind, source.text or "", list(source.messages), [], []
    return kind, "", list(source.messages), sources_of(source.context), []


def sources_of(context: Iterable[Any]) -> list[str]:
    return [source if isinstance(source, str) else str(source.get("content", "")) for source in context]


def _size(job: Job) -> int:
    _, text, messages, context, reference = job
    return len(text) + sum(len(str(message)) for message in messages) + sum(map(len, (*context, *reference)))


def _portions(jobs: Iterator[Job], helpers: int) -> Iterator[list[str]]:
    waiting: deque[list[Job]] = deque()  # given to helpers, and not back yet
    portions = iter(lambda: list(islice(jobs, _PORTION)), [])
    if helpers > 1:
        try:
            for rendered in render_with_helpers(_noted(portions, waiting), helpers):
                yield rendered
                waiting.popleft()
        except (HelperError, OSError):
            _log.warning("Helper processes for rendering stopped; rendering goes on without them.")
    yield from map(render_jobs, chain(waiting, portions))


def _noted(portions: Iterator[list[Job]], waiting: deque[list[Job]]) -> Iterator[list[Job]]:
    for portion in portions:
        waiting.append(portion)
        yield portion
