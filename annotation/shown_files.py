"""Images and sounds in a task as it is shown. A rater gets them by the assignment's own random name and their number in
it: the same file shown to two raters, or twice to one, has nothing in common that a rater could see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from annotation.presentation import Presentation
from projects.models import Media
from projects.rendering import render_prompt
from projects.rendering.references import MARK, hidden, names_written
from projects.shown_media import Shelf, Showing

Address = Callable[[Media, int], str]


def with_reference(task: Presentation) -> Presentation:
    """The reference answers stand beneath the prompt."""
    if not task.reference:
        return task
    return replace(task, prompt_html=task.prompt_html + render_prompt([], (), task.reference), reference=())


def with_files(task: Presentation, project: int, address: Address) -> Presentation:
    """The task with its files in place; one without any costs nothing."""
    shown, _ = _show(task, project, address)
    return shown


def files_of(task: Presentation, project: int) -> list[Media]:
    """The files a task shows, in the order of their numbers, from 1."""
    _, files = _show(task, project, lambda _, n: str(n))
    return files


def _show(task: Presentation, project: int, address: Address) -> tuple[Presentation, list[Media]]:
    fragments = [task.prompt_html, *(output.html for output in task.outputs)]
    if not any(MARK in html for html in fragments):
        return task, []
    showing = Showing(project, fragments, address)
    prompt = showing.html(task.prompt_html)
    written = Shelf(project, (name for output in task.outputs for name in names_written(output.text)))
    outputs = tuple(
        replace(output, html=showing.html(output.html), text=hidden(output.text, written.names))
        for output in task.outputs
    )
    return replace(task, prompt_html=prompt, outputs=outputs), showing.shown
