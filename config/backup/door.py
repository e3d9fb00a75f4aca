"""How the three commands say what they did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from config.backup.services import TITLES, Outcome


def lines(outcome: Outcome, verb: str) -> Iterator[str]:
    """The outcome for people; `verb` is what the command did."""
    manifest = outcome.manifest
    state = manifest.state
    yield f"{outcome.path}: {verb}."
    yield f"  Adjudge {manifest.adjudge}, {TITLES[manifest.kind]} {manifest.database_version}, made {manifest.made_at}"
    yield (
        f"  {sum(state.rows.values()):,} rows in {len(state.rows)} tables, {len(manifest.files):,} files, "
        f"{manifest.size:,} bytes"
    )
    for each in state.audit:
        fits = "fit" if each.broken_at is None else f"BREAK at {each.broken_at}"
        yield f"  audit chain {each.chain}: {each.events:,} events {fits}, head {each.head}"
    if outcome.missing_migrations:
        yield f"  It lacks {outcome.missing_migrations} migration(s) of this version: after a restore run migrate."


def plain(outcome: Outcome) -> dict[str, Any]:
    """The outcome for programs."""
    manifest = outcome.manifest
    return {
        "file": str(outcome.path),
        "adjudge": manifest.adjudge,
        "made_at": manifest.made_at,
        "database": {"kind": manifest.kind, "version": manifest.database_version},
        "bytes": manifest.size,
        "files": len(manifest.files),
        "rows": manifest.state.rows,
        "audit": [
            {"chain": each.chain, "events": each.events, "head": each.head, "broken_at": each.broken_at}
            for each in manifest.state.audit
        ],
        "missing_migrations": outcome.missing_migrations,
    }
