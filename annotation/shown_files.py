"""Images and sounds in a task as it is shown. A rater gets them by the assignment's own random name and their number in
it: the same file shown to two raters, or twice to one, has nothing in common that a rater could see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from annotation.presentation import Presentation, ShownOutput
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
    prompt, outputs, shown = placed(task.prompt_html, task.outputs, project, address)
    return replace(task, prompt_html=prompt, outputs=outputs), shown


def placed(
    prompt: str, outputs: Sequence[ShownOutput], project: int, address: Address
) -> tuple[str, tuple[ShownOutput, ...], list[Media]]:
    """A prompt and what answered it with their files in place, and these files."""
    fragments = [prompt, *(output.html for output in outputs)]
    if not any(MARK in html for html in fragments):
        return prompt, tuple(outputs), []
    showing = Showing(project, fragments, address)
    prompt = showing.html(prompt)
    written = Shelf(project, (name for output in outputs for name in names_written(output.text)))
    shown = tuple(
        replace(output, html=showing.html(output.html), text=hidden(output.text, written.names)) for output in outputs
    )
    return prompt, shown, showing.shown
