"""What an import would do, for a person to confirm: nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from projects.errors import ServiceError
from projects.importers import GENERIC, archive, generic, roles, tables, values
from projects.importers.mapping import Mapping, preview
from projects.importers.records import ImportFileError, ItemRecord, Problem, RunRecord
from projects.importers.tables import Sample
from projects.models import Project
from projects.selectors import excerpt
from projects.services.import_plan import KINDS
from projects.services.import_questions import questions_of
from projects.services.import_stage import Progress, Staged
from projects.services.importing import Upload, counts_of, imagine, problems_of, recognise, stage_file

_EXAMPLE = 80


@dataclass(frozen=True)
class Field:
    """One row of “How the fields are read”. `role` is '' where the format itself says what a field means."""

    column: str
    becomes: str
    example: str
    role: str = ""


@dataclass(frozen=True)
class Preview:
    format: str
    options: dict[str, Any] = field(default_factory=dict)  # give these to `import_file` to get what was shown
    fields: list[Field] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    run: RunRecord = field(default_factory=lambda: RunRecord(""))
    questions: list[dict[str, Any]] = field(default_factory=list)  # what the file does not say of its metrics
    error: str = ""  # the mapping does not do: the person can change it and look again

    @property
    def brings_nothing(self) -> bool:
        changes = (self.counts.get(key, {}).get(kind, 0) for key in ("new", "changed") for kind in KINDS)
        return not any(changes)


def preview_file(
    *,
    project: Project,
    stream: BinaryIO,
    file_name: str,
    format: str = "auto",
    options: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Preview:
    """`ServiceError` when the file cannot be read whatever its columns are taken for."""
    upload = _unpacked(stream, file_name)
    key = recognise(upload, format)
    fields: list[Field] = []
    given = options or {}
    if key in GENERIC:
        try:
            sample = _sample(upload)
            mapping = _mapping(sample, given)
        except ImportFileError as error:
            raise ServiceError(str(error), field="file") from error
        given, fields = {"mapping": mapping.to_dict()}, list(_mapped(mapping, sample))
    try:
        staged = stage_file(project=project, upload=upload, format=key, options=given, progress=progress)
    except ServiceError as error:
        if not fields and error.field != "system":
            raise
        return Preview(key, given, fields, error=error.message)
    plan = imagine(project=project, staged=staged)
    problems = problems_of(staged)
    fields = fields or list(_told(staged))
    counts, asked = counts_of(plan, problems), questions_of(project, staged)
    return Preview(key, given, fields, counts, problems, staged.run, asked)


def options_with(
    *, stream: BinaryIO, file_name: str, options: dict[str, Any], chosen: dict[str, str], defaults: dict[str, str]
) -> dict[str, Any]:
    """The options with a person's choice of a role for each column, and of what the file does not say."""
    try:
        sample = _sample(_unpacked(stream, file_name))
        before = _mapping(sample, options)
        columns = {
            column: _column(column, chosen.get(column, given.role), given.role, given.name)
            for column, given in before.columns.items()
        }
        layout = "long" if any(column["role"] == "value" for column in columns.values()) else "wide"
        kinds = dict(before.kinds)
        for column, given in columns.items():
            if given["role"] == "metric_column" and given["name"] not in before.kinds:
                kind = values.common_kind([row.get(column) for _, row in sample.rows])
                if kind:
                    kinds[given["name"]] = kind
        mapping = {"layout": layout, "columns": columns, "kinds": kinds, "options": defaults}
        return {"mapping": Mapping.from_dict(mapping).to_dict()}
    except ImportFileError as error:
        raise ServiceError(str(error)) from error


def _unpacked(stream: BinaryIO, file_name: str) -> Upload:
    """The file, or what gzip packed in it: here the columns are looked at before an importer is."""
    try:
        return Upload(*archive.gunzipped(stream, file_name))
    except ImportFileError as error:
        raise ServiceError(str(error), field="file") from error


def _mapping(sample: Sample, options: dict[str, Any]) -> Mapping:
    """The mapping in the order of the file's columns: PostgreSQL keeps JSON objects in an order of its own."""
    mapping = generic.mapping_for(sample, options)
    ordered = {column: mapping.columns[column] for column in sample.columns if column in mapping.columns}
    return replace(mapping, columns={**ordered, **mapping.columns})


def _column(column: str, role: str, before: str, name: str) -> dict[str, Any]:
    if role == before:
        return {"role": role, "name": name, "known": True}
    return {"role": role, "name": column if role in {"metric_column", "output_column"} else "", "known": True}


def _sample(upload: Upload) -> Sample:
    upload.stream.seek(0)
    skipped: list[Problem] = []  # reported when the whole file is read
    sample, _ = tables.sample(tables.read_rows(upload.stream, upload.name, skipped.append))
    upload.stream.seek(0)
    return sample


def _mapped(mapping: Mapping, sample: Sample) -> Iterator[Field]:
    for column, becomes, example in preview(mapping, [row for _, row in sample.rows]):
        yield Field(column, becomes, example, mapping.columns[column].role)


def _told(staged: Staged) -> Iterator[Field]:
    """For formats that name their own fields: what each thing became, with the first example."""
    record = next((each.record for each in staged.items.values() if each.record.messages), None)
    if record is not None:
        yield from _told_of_item(record)
    outputs = [each.record for each in staged.outputs.values()]
    if staged.systems:
        name, version = next(iter(staged.systems))
        yield Field("System", "System: name and version", f"{name}@{version}" if version else name)
    first = next((each for each in outputs if each.text or each.messages), None)
    if first is not None:
        what = f"Output: {len(first.messages)} messages" if first.messages else "Output: text"
        yield Field("Answer", what, _short(first.text or excerpt(first.messages)))
    timed = next((each for each in outputs if each.latency_ms is not None or each.cost is not None), None)
    if timed is not None:
        parts = [f"{timed.latency_ms:,.0f} ms"] if timed.latency_ms is not None else []
        parts += [f"{timed.cost:g} {timed.currency}".strip()] if timed.cost is not None else []
        yield Field("Latency, cost", "Output: latency, cost", " · ".join(parts))
    yield from _told_of_scores(staged)


def _told_of_item(record: ItemRecord) -> Iterator[Field]:
    content = record.messages[-1].get("content", "")
    yield Field("Prompt", "Item: prompt", _short(content if isinstance(content, str) else values.dump(content)))
    if record.context:
        yield Field("Sources", "Item: sources", f"{len(record.context)} in the first item")
    if record.reference:
        yield Field("Reference", "Item: reference answer", _short(record.reference[0]))
    if record.tags:
        yield Field("Tags", "Item: tags", _short(", ".join(record.tags)))


def _told_of_scores(staged: Staged) -> Iterator[Field]:
    shown: set[str] = set()
    for metric, each in staged.scores:
        shape = each.shape
        if metric in shown or shape.missing_reason:
            continue
        shown.add(metric)
        known_scale = shape.minimum is not None and shape.maximum is not None
        scale = f", {shape.minimum:g} to {shape.maximum:g}" if known_scale else ""
        sides = {"a": shape.system, "b": each.target_b and each.target_b[1]} if shape.kind == "preference" else {}
        chosen = sides.get(shape.label)
        example = f"{shape.label}: {chosen[0]}" if chosen else shape.label or f"{each.number:g}"
        yield Field(metric, f"Automated score: {_kind_word(shape.kind)}{scale}", _short(example))


def _kind_word(kind: str) -> str:
    return {"number": "number", "bool": "yes or no", "label": "label", "preference": "preference"}[kind]


def _short(text: str) -> str:
    line = " ".join(text[: _EXAMPLE * 4].split())
    return line if len(line) <= _EXAMPLE else line[: _EXAMPLE - 1] + "…"


def role_choices() -> list[tuple[str, str]]:
    return [(role, words[0].upper() + words[1:]) for role, words in roles.ROLES.items()]
