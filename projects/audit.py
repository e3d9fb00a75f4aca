"""The audit chain: append-only, hash-chained per project, opaque ids only."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.utils import timezone

from projects.models import AuditEvent, Project

GENESIS = "0" * 64
TABLE = AuditEvent._meta.db_table


def _digest(previous: str, chain: str, seq: int, at: str, actor: str, verb: str, target: str, payload: str) -> str:
    text = "\n".join([previous, chain, str(seq), at, actor, verb, target, payload])
    return hashlib.sha256(text.encode()).hexdigest()


def payload_digest(payload: dict[str, Any]) -> str:
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def actor_of(user: Any) -> str:
    return f"user:{user.pk}" if user is not None and getattr(user, "pk", None) else "system"


def record(
    *, project: Project | None, actor: Any, verb: str, target: str, payload: dict[str, Any] | None = None
) -> AuditEvent:
    """Append one event. Call it inside the transaction of the act, so that both stand or fall together.

    The last row is locked (PostgreSQL) or the write gate is held (SQLite), so two writers never fork the
    chain; the unique (chain, previous) is the last line."""
    chain = f"project:{project.pk}" if project else "site"
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                # A lock by name: the first event of a chain has no row to lock.
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"audit {chain}"])
        last = AuditEvent.objects.filter(chain=chain).order_by("-seq").first()
        previous, seq = (last.digest, last.seq + 1) if last else (GENESIS, 1)
        at = timezone.now()
        event = AuditEvent(
            chain=chain,
            seq=seq,
            at=at,
            actor=actor_of(actor),
            verb=verb,
            target=target,
            payload_digest=payload_digest(payload or {}),
            previous=previous,
        )
        event.digest = _event_digest(event)
        event.save(force_insert=True)
    return event


def _event_digest(event: AuditEvent) -> str:
    return _digest(
        event.previous,
        event.chain,
        event.seq,
        event.at.isoformat(timespec="microseconds"),
        event.actor,
        event.verb,
        event.target,
        event.payload_digest,
    )


@dataclass(frozen=True)
class ChainState:
    chain: str
    events: int
    head: str
    broken_at: int | None


def verify(chain: str, *, using: str = DEFAULT_DB_ALIAS) -> ChainState:
    """Walk the chain and recompute every digest. `broken_at` is the first seq that does not fit."""
    previous, count = GENESIS, 0
    for event in AuditEvent.objects.using(using).filter(chain=chain).order_by("seq").iterator():
        count += 1
        if event.seq != count or event.previous != previous or event.digest != _event_digest(event):
            return ChainState(chain, count, previous, event.seq)
        previous = event.digest
    return ChainState(chain, count, previous, None)


def verify_all(*, using: str = DEFAULT_DB_ALIAS) -> list[ChainState]:
    names = AuditEvent.objects.using(using).order_by("chain").values_list("chain", flat=True).distinct()
    return [verify(name, using=using) for name in list(names)]


def departure(noted: ChainState) -> str:
    """How the chain departs from a head that was noted earlier, in words; empty when it goes on from there.

    A chain whose last events were cut off fits in itself: only a head kept elsewhere shows it."""
    event = AuditEvent.objects.filter(chain=noted.chain, seq=noted.events).first()
    if noted.events == 0 or (event is not None and event.digest == noted.head):
        return ""
    if event is None:
        return f"{noted.chain}: event {noted.events}, whose digest was noted, is not there."
    return f"{noted.chain}: event {noted.events} is not the one whose digest was noted."
