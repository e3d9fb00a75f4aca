"""How the columns of a table are read, for the next table like it: mappings saved under a name, and earlier imports."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from projects import audit
from projects.errors import Conflict, ServiceError
from projects.importers import GENERIC, IMPORTERS
from projects.importers.roles import ROLES
from projects.models import ImportBatch, ImportMapping, Project
from projects.services.import_preview import options_with
from projects.services.importing import Folder, Upload, recognise

_LOOKED_AT = 50
_ALIKE = 0.6  # of all the columns of both
MAX_NAME = 100
MAX_SAVED = 200  # in one project


@dataclass(frozen=True)
class Likeness:
    """A saved mapping, or an earlier import, whose columns are much like those of a table."""

    title: str
    columns: dict[str, str]  # column → role
    defaults: dict[str, str]
    mapping: ImportMapping | None = None
    batch: ImportBatch | None = None


def columns_of(batch: ImportBatch) -> dict[str, str]:
    """column → role, of an import that was confirmed."""
    columns = batch.mapping.get("options", {}).get("mapping", {}).get("columns", {})
    return {column: told.get("role", "") for column, told in columns.items()}


def defaults_of(batch: ImportBatch) -> dict[str, str]:
    return dict(batch.mapping.get("options", {}).get("mapping", {}).get("options", {}))


def template_for(batch: ImportBatch) -> Likeness | None:
    """What reads a header most alike, if this table is read otherwise now. A name that people gave comes first."""
    here = {each["column"]: each["role"] for each in batch.mapping.get("fields", [])}
    if batch.format not in GENERIC or not here:
        return None
    saved = (Likeness(each.name, each.columns, each.defaults, mapping=each) for each in _saved(batch.project_id))
    if (named := _most_alike(list(saved), here, batch)) is not None:
        return named if _differs(named, here, batch) else None
    done = ImportBatch.objects.filter(
        project_id=batch.project_id, state=ImportBatch.State.DONE, format__in=list(GENERIC)
    ).exclude(pk=batch.pk)
    earlier = [Likeness(each.file_name, columns_of(each), defaults_of(each), batch=each)
               for each in done.order_by("-pk")[:_LOOKED_AT]]  # fmt: skip
    return _most_alike([each for each in earlier if _differs(each, here, batch)], here, batch)


def _saved(project_id: int) -> Any:
    return ImportMapping.objects.filter(project_id=project_id)[:MAX_SAVED]


def _most_alike(found: list[Likeness], here: dict[str, str], batch: ImportBatch) -> Likeness | None:
    """The first of those that share the most columns."""
    best, most = None, 0.0
    for each in found:
        alike = _alike(here, each.columns)
        if alike >= _ALIKE and alike > most:
            best, most = each, alike
    return best


def _alike(here: Collection[str], there: Collection[str]) -> float:
    together = set(here) | set(there)
    return len(set(here) & set(there)) / len(together) if together else 0.0


def _differs(found: Likeness, here: dict[str, str], batch: ImportBatch) -> bool:
    shared = here.keys() & found.columns.keys()
    return any(here[column] != found.columns[column] for column in shared) or found.defaults != defaults_of(batch)


# Mappings under a name


@transaction.atomic
def mapping_save(
    *, batch: ImportBatch, name: str, chosen: dict[str, str], defaults: dict[str, str], actor: Any
) -> ImportMapping:
    """Keep how the preview reads its columns, with the roles that a person just chose for some. A name that is there
    already stands for these columns from now on."""
    name = _checked(name)
    shown = {each["column"]: each["role"] for each in batch.mapping.get("fields", []) if each.get("role")}
    columns = {column: chosen.get(column, role) for column, role in shown.items()}
    if unknown := sorted(set(columns.values()) - ROLES.keys()):
        raise ServiceError(f"No column can be read as “{unknown[0]}”. Choose from the list.")
    if batch.format not in GENERIC or not columns:
        raise ServiceError("Only how a table's columns are read can be saved; this format says itself what they mean.")
    others = ImportMapping.objects.filter(project_id=batch.project_id).exclude(name=name)
    if others.count() >= MAX_SAVED:
        raise ServiceError(f"A project keeps at most {MAX_SAVED} mappings. Delete one that is not used any more.")
    kept, _ = ImportMapping.objects.update_or_create(
        project_id=batch.project_id,
        name=name,
        defaults={"columns": columns, "defaults": defaults, "created_by": actor or None},
    )
    _record(kept, actor, "import.mapping_save")
    return kept


@transaction.atomic
def mapping_rename(*, mapping: ImportMapping, name: str, actor: Any) -> None:
    name = _checked(name)
    try:
        with transaction.atomic():
            changed = ImportMapping.objects.filter(pk=mapping.pk).exclude(name=name).update(name=name)
    except IntegrityError as error:
        raise Conflict(f"There is a mapping “{name}” in this project already. Choose another name.") from error
    if changed:
        _record(mapping, actor, "import.mapping_rename")


@transaction.atomic
def mapping_delete(*, mapping: ImportMapping, actor: Any) -> None:
    """What was imported with it stays as it is."""
    _record(mapping, actor, "import.mapping_delete")
    mapping.delete()


def mapping_named(project: Project, name: str) -> ImportMapping:
    found = ImportMapping.objects.filter(project_id=project.pk, name=name).first() if project.pk else None
    if found is None:
        names = [each.name for each in _saved(project.pk)] if project.pk else []
        there = f"There are: {', '.join(names)}." if names else "None is saved there."
        raise ServiceError(f"The project “{project.slug}” has no mapping “{name}”. {there}")
    return found


def options_like(*, mapping: ImportMapping, upload: Upload | Folder, format: str) -> dict[str, Any]:
    """The options that read this table as the mapping says. `ServiceError` where it cannot be meant for it."""
    if isinstance(upload, Folder):
        raise ServiceError(f"{upload.name}: a mapping is for a table; this is a folder.")
    key = recognise(upload, format)
    if key not in GENERIC:
        raise ServiceError(
            f"{upload.name}: a mapping is for a table. This file is read as {IMPORTERS[key].title}, which says itself "
            "what its fields mean."
        )
    options = options_with(stream=upload.stream, file_name=upload.name, options={}, chosen=mapping.columns,
                           defaults=mapping.defaults)  # fmt: skip
    upload.stream.seek(0)
    if not mapping.columns.keys() & options["mapping"]["columns"].keys():
        raise ServiceError(
            f"{upload.name}: the mapping “{mapping.name}” fits none of its columns. It is for "
            f"{', '.join(list(mapping.columns)[:10])}."
        )
    return options


def _checked(name: str) -> str:
    name = " ".join("".join(c for c in name if c.isprintable()).split())
    if not 0 < len(name) <= MAX_NAME:
        raise ServiceError(f"Give the mapping a name of 1 to {MAX_NAME} characters.", field="mapping_name")
    return name


def _record(mapping: ImportMapping, actor: Any, verb: str) -> None:
    audit.record(project=mapping.project, actor=actor, verb=verb, target=f"mapping:{mapping.pk}")
