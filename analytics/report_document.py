"""The report as a printed document: the same parts as the page, as blocks of plain values.

`analytics/printed/report.typ` sets them. It gets them as JSON and writes every text as text, so that no name of a
system can be read as markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from analytics.charts import Axis, Interval
from analytics.report_page import Page
from analytics.report_parts import Figures, Line
from analytics.report_picture import Row
from analytics.report_preference import Cell, Preference, Ranking
from analytics.report_words import Said
from projects.templatetags.numbers import number, times

Block = dict[str, Any]


def document_of(page: Page, *, number: int, built_at: datetime, digest: str) -> dict[str, Any]:
    body = page.body
    return {
        "title": f"{body['round']['name']}, report {number}",
        "headline": body["answer"]["headline"],
        "lead": " ".join(body["answer"]["lead"]),
        "interim": body["round"]["interim"],
        "state": body["round"]["state"],
        "about": f"Built {built_at:%Y-%m-%d %H:%M} UTC. {body['provenance']['rubric']['name']}, version "
        f"{body['provenance']['rubric']['version']}. Digest {digest}.",
        "blocks": list(_blocks(page, digest)),
    }


def _blocks(page: Page, digest: str) -> Iterator[Block]:
    yield from _stats(page)
    yield from _preferences(page)
    yield from _scores(page)
    yield from _agreement(page)
    yield from _metrics(page)
    yield from _powered(page)
    yield from _slices(page)
    yield from _picture(page)
    yield from _raters(page)
    yield from _reading(page)
    yield from _method(page, digest)


# --- blocks ----------------------------------------------------------------------------------------------


def heading(text: str, level: int = 1) -> Block:
    return {"kind": "heading", "level": level, "text": text}


def text(*parts: str) -> Iterator[Block]:
    said = " ".join(part for part in parts if part)
    if said:
        yield {"kind": "text", "text": said}


def note(*parts: str) -> Iterator[Block]:
    yield from ({"kind": "note", "text": part} for part in parts if part)


def table(columns: Iterable[str], rows: Iterable[Iterable[str]], caption: str = "") -> Iterator[Block]:
    """Texts; all columns but the first are set to the right."""
    listed = [list(row) for row in rows]
    if listed:
        yield {"kind": "table", "caption": caption, "columns": list(columns), "rows": listed}


def forest(
    lines: Iterable[Line], axis: Axis | None, *, caption: str = "", value: str = "", cells: tuple[str, ...] = (),
    reference: float | None = None, band: tuple[float, float] | None = None, suffix: str = "",
) -> Iterator[Block]:  # fmt: skip
    """A row a line, with its interval drawn; `cells` names the further columns."""
    listed = list(lines)
    if not listed or axis is None:
        return
    yield {
        "kind": "forest",
        "caption": caption,
        "value": value,
        "cells": list(cells),
        "ticks": [{"x": _place(tick.x), "label": tick.label} for tick in axis.ticks],
        "suffix": suffix,
        "reference": None if reference is None else _place(axis.at(reference)),
        "band": None if band is None else [_place(axis.at(band[0])), _place(axis.at(band[1]))],
        "rows": [
            {**_told(line.name, line.said), "mark": _mark(line.mark), "cells": list(line.cells[: len(cells)])}
            for line in listed
        ],
    }


def bars(lines: Iterable[Line], legend: Iterable[tuple[str, str]], *, caption: str = "", value: str = "") -> Block:
    return {
        "kind": "bars",
        "caption": caption,
        "value": value,
        "legend": [{"css": css, "label": label} for css, label in legend],
        "rows": [
            {
                **_told(line.name, line.said),
                "segments": [{"x": _place(s.x), "w": _place(s.width), "css": s.css} for s in line.segments],
            }
            for line in lines
        ],
    }


def figures(found: Figures, caption: str = "") -> Iterator[Block]:
    rows = [(f.name, f"{f.said.value} {f.said.interval}".strip(), f.said.counts) for f in found.lines]
    yield from table(("Figure", "Value", "From"), rows, caption)
    yield from note(*(f"All of these: {each}" for each in found.notes))
    yield from note(*(f"Not there: {each.names}. {each.reason}" for each in found.missing))


def _told(name: str, said: Said) -> Block:
    value = said.value or "not estimable"
    return {"name": name, "value": value, "interval": said.interval, "note": said.note, "counts": said.counts}


def _mark(mark: Interval) -> dict[str, float | None]:
    return {side: _place(at) if at else None for side, at in vars(mark).items()}


def _place(share: str) -> float:
    return float(share.removesuffix("%")) / 100


def _short(said: Said) -> str:
    return f"{said.value} {said.interval}".strip() if said.is_known else f"not estimable: {said.note}"


# --- parts -----------------------------------------------------------------------------------------------


def _stats(page: Page) -> Iterator[Block]:
    rows = [(s.label, _short(s.said), s.said.counts) for s in page.stats]
    yield from table(("What it rests on", "Value [interval]", "From"), rows)


def _preferences(page: Page) -> Iterator[Block]:
    if page.preferences:
        yield heading("Preference")
    for p in page.preferences:
        yield heading(p.question, 2)
        yield {
            "kind": "matrix",
            "caption": "How often the row was preferred to the column, per cent of prompts, ties as half",
            "columns": [f"over {name}" for name in p.systems],
            "rows": [{"name": name, "cells": [_matrix_cell(cell) for cell in cells]} for name, cells in p.matrix],
        }
        legend = [("wl-win", "first wins"), ("wl-tie", "tie"), ("wl-loss", "second wins")]
        yield bars(p.pairs, legend, caption="Won, tied, lost", value="Win rate")
        yield from _around(p)
        if p.ranking:
            yield from _ranking(p.ranking, page.share_axis)
        yield from note(*p.warnings)


def _matrix_cell(cell: Cell) -> Block:
    if cell.said is None:
        return {"css": "self", "value": "–", "interval": "", "n": ""}
    if not cell.said.is_known:
        return {"css": "self", "value": "not estimable", "interval": cell.said.note, "n": ""}
    return {"css": cell.css, "value": cell.said.value, "interval": cell.said.interval, "n": f"n = {cell.n}"}


def _around(p: Preference) -> Iterator[Block]:
    counts = p.tie_counts
    kinds = f"{counts['tie']} tie, {counts['both_good']} both good, {counts['both_bad']} both bad"
    ties = f"{_short(p.ties)} of judgments: {kinds}." if p.ties.is_known else f"Not estimable: {p.ties.note}"
    yield from text(f"Ties. {ties}")
    sides = f"Not estimable: {p.position.note}"
    if p.position.is_known:
        chance = f" (p = {number(p.position_p, 3)} for no preference of a side)" if p.position_p is not None else ""
        judged = times(p.position_n, "judgment,judgments")
        sides = f"The output shown first was chosen in {_short(p.position)} of {judged} that were not ties{chance}."
    yield from text(f"Sides. {sides}")
    if p.n_cannot_judge:
        yield from text(f"Cannot judge. {p.n_cannot_judge:,} answers, counted apart.")


def _ranking(r: Ranking, axis: Axis) -> Iterator[Block]:
    caption = f"Chance to be preferred to an average one of these systems, for {r.population}"
    yield from forest(r.lines, axis, caption=caption, value="Chance", cells=("Rank",), reference=0.5, suffix=" %")
    yield from text(*r.sentences)
    yield from note(*r.warnings)


_MEASURES = {"mean": "Mean", "median": "Median"}


def _scores(page: Page) -> Iterator[Block]:
    if page.scores:
        yield heading("Scores")
        yield from text("Every prompt has equal weight. Intervals are for other prompts, judged by these raters.")
    for s in page.scores:
        yield heading(s.question, 2)
        yield from text(f"{s.key}, {s.level}.")
        name = _MEASURES.get(s.measure) or (f"Share of “{s.legend[-1].label}”" if s.legend else "Share")
        if s.legend:
            yield bars(s.lines, [(each.css, each.label) for each in s.legend], value=name)
        if s.axis:
            yield from forest(s.lines, s.axis, value=name)
        cells = ("Difference",) if any(line.cells[0] for line in s.differences) else ()
        caption = "Chance that the first is above the second"
        yield from forest(
            s.differences, s.difference_axis, caption=caption, value="Chance", cells=cells, reference=0.5, suffix=" %"
        )
    if page.totals:
        yield heading("Weighted total", 2)
        yield from text(f"Each criterion from 0 to 1, times its weight: {page.totals.weights}.")
        yield from forest(page.totals.lines, page.total_axis, value="Total")
        yield from forest(page.totals.differences, page.totals.gap_axis, caption="Totals compared", reference=0.0)
        yield from note(*page.totals.warnings)
        yield from note(*(f"“{key}” is left out: {reason}" for key, reason in page.totals.left_out))


def _agreement(page: Page) -> Iterator[Block]:
    found = page.agreement
    if not found.lines:
        return
    yield heading("Agreement")
    yield from text("How far raters give the same answer to the same thing, beyond what chance would give.")
    yield from forest(found.lines, found.axis, value="Krippendorff’s α", band=(0.667, 0.8))
    rows = [(x.name, f"{x.cells[0]} ({x.cells[1]})", f"{x.cells[2]} {x.cells[3]}", x.cells[4]) for x in found.lines]
    yield from table(("Criterion", "Gwet’s AC", "Same answer", "Ratings"), rows)
    yield from note("The band from .667 to .80 is Krippendorff’s “tentative”.")
    yield from note(*(f"{names}. {said}" if names else said for names, said in found.warnings))
    for more in found.more:
        yield heading(f"{more.key}: level by level", 3)
        levels = [(x.name, _short(x.share), _short(x.agreement) if x.agreement else "–") for x in more.levels]
        yield from table(("Level", "Share", "If one rater says it, so does another"), levels)
        yield from figures(more.coefficients, "Other coefficients")


def _metrics(page: Page) -> Iterator[Block]:
    if page.automated:
        yield heading("Metrics against humans")
        yield from text("How each automated metric follows the mean human result. Zero is no relation.")
    for a in page.automated:
        yield heading(a.question, 2)
        yield from text(*a.sentences)
        yield from forest(a.lines, page.correlation_axis, value="Kendall’s τ-b", reference=0.0)
        rows = [(line.name, *line.cells[:2]) for line in a.lines]
        yield from table(("Metric", "Spearman’s ρ", "Same answer as most raters"), rows)
        for more in a.more:
            columns = (f"Where a rater says ({more.key})", "it says more", "another", "it says less", "another", "Lean")
            errors = [(f"{x.level} ({x.lean.counts})", *map(_short, (*x.more, *x.less, x.lean))) for x in more.errors]
            yield from table(columns, errors, f"Errors of {more.key} by level")


def _powered(page: Page) -> Iterator[Block]:
    if not page.powered:
        return
    yield heading("People and judge together")
    yield from text(
        "Of all items that could have been drawn: people’s ratings of those that were, with a judge’s scores."
    )
    yield from note(page.powered.reason)
    for c in page.powered.criteria:
        yield heading(c.question, 2)
        at = 0.5 if c.reference else None
        yield from forest(c.lines, c.axis, value=c.measure, suffix=c.suffix, reference=at)
        columns = (c.measure, "People alone", "Judge alone", "Rated outputs count like")
        yield from table(columns, [(line.name, *line.cells) for line in c.lines])
        yield from note(*c.warnings)
    yield from note(*page.powered.left_out)


def _slices(page: Page) -> Iterator[Block]:
    if not page.slices:
        return
    yield heading("Slices")
    yield from text(page.slices.sentence)
    rows = [
        (f"{x.tag} ({x.n})", f"{x.name}, {x.criterion}", _short(x.inside), _short(x.gap), x.p)
        for x in page.slices.found or page.slices.lines[:20]
    ]
    yield from table(("Tag (prompts)", "Comparison", "On these prompts", "Minus the rest, points", "Adjusted p"), rows)


def _picture(page: Page) -> Iterator[Block]:
    if not page.picture:
        return
    yield heading("The whole picture")
    yield from text(*page.picture.sentences)
    yield from text("In brackets after each figure: the prompts it comes from.")
    for title, rows in page.picture.groups:
        listed = [[f"{row.title} ({row.about})", *_beside(row)] for row in rows]
        yield from table((title, *page.picture.systems), listed)
    for chart in page.picture.charts:
        yield from note(f"{chart.title}. {chart.description}")
    yield from note(*page.picture.warnings)


def _beside(row: Row) -> Iterator[str]:
    for said, prompts in zip(row.cells, row.prompts, strict=True):
        yield f"{_short(said)} ({prompts})" if said else "not recorded"


def _raters(page: Page) -> Iterator[Block]:
    if not page.raters.lines:
        return
    yield heading("Raters")
    yield from text("Known raters by pseudonym. Who stands out is somebody to talk to; it is no verdict.")
    rows = [
        (
            f"{x.name} (excluded)" if x.excluded else x.name,
            f"{x.n:,}",
            "not recorded" if x.seconds is None else number(x.seconds, 1),
            f"{x.n_cannot_judge:,}",
            "; ".join(x.stands_out) or "–",
        )
        for x in page.raters.lines
    ]
    yield from table(("Rater", "Judgments", "Median seconds", "Cannot judge", "Stands out"), rows)


def _reading(page: Page) -> Iterator[Block]:
    if not page.reading:
        return
    yield heading("Worth reading")
    rows = [
        (f"{x.name} ({x.about})" if x.about else x.name, x.criterion, x.told, x.figure)
        for x in page.reading.disagreement
    ]
    yield from table(("Item", "Criterion", "Answers", "Apart, %"), rows, "Where raters are furthest apart")
    upsets = [(x.name, x.criterion, x.told, x.figure) for x in page.reading.upsets]
    yield from table(
        ("Prompt", "Criterion", "What is unusual here", "For the one ahead, %"), upsets, "Against the lead"
    )
    parted = [(f"{x.name} ({x.about})", x.criterion, x.told, x.figure) for x in page.reading.judges]
    yield from table(("Item", "Criterion", "Answers", "Apart, %"), parted, "Where a judge and people part")


def _method(page: Page, digest: str) -> Iterator[Block]:
    yield heading("Method")
    for paragraph in page.body["method"]:
        yield from text(paragraph)
    yield from note(*page.body["warnings"])
    sources = page.body.get("references", [])
    yield from table(
        ("Figure", "Source"), [(each["figure"], each["source"]) for each in sources], "Sources of the formulas"
    )
    made = page.body["provenance"]
    rows = [("Seed", str(made["seed"])), ("Report", digest), ("Data", made["data_digest"])]
    rows += [("Rubric", made["rubric"]["digest"]), *made["packages"].items()]
    yield from table(("To make it again", ""), [*rows, *(("Command", each) for each in made.get("commands", []))])
