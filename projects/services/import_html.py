"""Render what an import brings, once, before it is written. Equal content is rendered once."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
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
        self._html: dict[tuple[str, str], str] = {}
        self._progress = progress

    def fill(self, items: Sequence[ItemRevision], outputs: Sequence[OutputRevision]) -> None:
        """Set `html` on every revision."""
        jobs = {("item", i.digest): _item_job(i.messages, i.context) for i in items}
        jobs |= {("output", o.digest): ("output", o.text, o.messages, [], []) for o in outputs}
        self._fill(jobs)
        for item in items:
            item.html = self._html["item", item.digest]
        for output in outputs:
            output.html = self._html["output", output.digest]

    def fill_staged(self, staged: Staged) -> None:
        """Render all that a file brings, before anything else is known about it."""
        jobs: dict[tuple[str, str], Job] = {}
        for item in (each.record for each in staged.items.values()):
            digest = item_digest(item.messages, item.context, item.reference, item.choices)
            jobs["item", digest] = _item_job(item.messages, item.context)
        for output in staged.outputs.values():
            if output.digest:
                job: Job = ("output", output.record.text or "", list(output.record.messages), [], [])
                jobs["output", output.digest] = job
        self._fill(jobs)

    def _fill(self, jobs: dict[tuple[str, str], Job]) -> None:
        todo = {key: job for key, job in jobs.items() if key not in self._html}
        self._html.update(zip(todo, self._render(list(todo.values())), strict=True))

    def _render(self, jobs: list[Job]) -> Iterator[str]:
        portions = [jobs[start : start + _PORTION] for start in range(0, len(jobs), _PORTION)]
        helpers = min(_MAX_HELPERS, os.cpu_count() or 1, len(portions)) if _size(jobs) > _ALONE else 1
        done = 0
        for rendered in _portions(portions, helpers):
            done += len(rendered)
            if self._progress:
                self._progress("Rendering", done, len(jobs))
            yield from rendered


def sources_of(context: Iterable[Any]) -> list[str]:
    return [source if isinstance(source, str) else str(source.get("content", "")) for source in context]


def _item_job(messages: Iterable[Any], context: Iterable[Any]) -> Job:
    """What every rater may see of an item. Reference answers are not in it: a round shows them or does not."""
    sources = sources_of(context)
    return "item", "", list(messages), sources, []


def _size(jobs: list[Job]) -> int:
    return sum(len(text) + sum(len(str(m)) for m in messages) + sum(map(len, (*context, *reference)))
               for _, text, messages, context, reference in jobs)  # fmt: skip


def _portions(portions: list[list[Job]], helpers: int) -> Iterator[list[str]]:
    done = 0
    if helpers > 1:
        try:
            for rendered in render_with_helpers(portions, helpers):
                yield rendered
                done += 1
        except (HelperError, OSError):
            _log.warning("Helper processes for rendering stopped; rendering goes on without them.")
    yield from map(render_jobs, portions[done:])
