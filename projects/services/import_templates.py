"""How the columns of an earlier table were read, offered again for a table with a similar header."""

from __future__ import annotations

from projects.importers import GENERIC
from projects.models import ImportBatch

_LOOKED_AT = 50
_ALIKE = 0.6  # of all the columns of both


def columns_of(batch: ImportBatch) -> dict[str, str]:
    """column → role, of an import that was confirmed."""
    columns = batch.mapping.get("options", {}).get("mapping", {}).get("columns", {})
    return {column: told.get("role", "") for column, told in columns.items()}


def defaults_of(batch: ImportBatch) -> dict[str, str]:
    return dict(batch.mapping.get("options", {}).get("mapping", {}).get("options", {}))


def template_for(batch: ImportBatch) -> ImportBatch | None:
    """The newest import of the project whose header is most alike, if it was read otherwise than this one is now."""
    here = {each["column"]: each["role"] for each in batch.mapping.get("fields", [])}
    if batch.format not in GENERIC or not here:
        return None
    done = ImportBatch.objects.filter(
        project_id=batch.project_id, state=ImportBatch.State.DONE, format__in=list(GENERIC)
    ).exclude(pk=batch.pk)
    best, most = None, _ALIKE
    for each in done.order_by("-pk")[:_LOOKED_AT]:
        there = columns_of(each)
        shared = here.keys() & there.keys()
        alike = len(shared) / len(here.keys() | there.keys())
        differs = any(here[column] != there[column] for column in shared) or defaults_of(each) != defaults_of(batch)
        if differs and (alike > most or (best is None and alike >= most)):
            best, most = each, alike
    return best
