"""Other words for what is shown of an item or an output: a new revision, and the way back.

The earlier revision stays, so whoever undoes a redaction brings back exactly what was there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext

from projects import audit
from projects.errors import ServiceError
from projects.models import Item, ItemRevision, Output, OutputRevision
from projects.services.import_html import HtmlCache
from projects.services.import_stage import item_digest, output_digest

REASON_MAX = 500


@transaction.atomic
def output_redact(*, output: Output, text: str, messages: Sequence[Any], reason: str, actor: Any) -> OutputRevision:
    """Show these words from now on. What was judged before stays known by the digest of what was shown."""
    row = Output.objects.select_for_update(of=("self",)).select_related("item__project").get(pk=output.pk)
    revision = OutputRevision(
        output=row,
        kind=OutputRevision.Kind.REDACTION,
        text=text,
        messages=list(messages),
        digest=output_digest(text, messages),
        reason=_reason(reason),
        created_by=actor,
    )
    _append(row, revision)
    audit.record(project=row.item.project, actor=actor, verb="output.redact", target=f"output:{row.pk}")
    return revision


@transaction.atomic
def item_redact(
    *, item: Item, messages: Sequence[Any], context: Sequence[Any], reference: Sequence[Any], reason: str, actor: Any
) -> ItemRevision:
    """The same for a prompt with its sources and reference answers."""
    row = Item.objects.select_for_update(of=("self",)).select_related("project").get(pk=item.pk)
    current = row.revisions.get(current=True)
    revision = ItemRevision(
        item=row,
        kind=ItemRevision.Kind.REDACTION,
        messages=list(messages),
        context=list(context),
        reference=list(reference),
        choices=current.choices,
        digest=item_digest(messages, context, reference, current.choices),
        reason=_reason(reason),
        created_by=actor,
    )
    _append(row, revision)
    audit.record(project=row.project, actor=actor, verb="item.redact", target=f"item:{row.pk}")
    return revision


@transaction.atomic
def output_unredact(*, output: Output, actor: Any) -> OutputRevision:
    """Bring back the words that stood before the redaction, as a new revision."""
    row = Output.objects.select_for_update(of=("self",)).select_related("item__project").get(pk=output.pk)
    kinds = OutputRevision.Kind
    before = _before_redaction(row.revisions.all(), kinds.REDACTION, "output")
    revision = OutputRevision(
        output=row,
        kind=kinds.CORRECTION,
        text=before.text,
        messages=before.messages,
        digest=before.digest,
        reason=f"Redaction undone: as in revision {before.revision}.",
        created_by=actor,
    )
    _append(row, revision)
    audit.record(project=row.item.project, actor=actor, verb="output.unredact", target=f"output:{row.pk}")
    return revision


@transaction.atomic
def item_unredact(*, item: Item, actor: Any) -> ItemRevision:
    """The same for an item."""
    row = Item.objects.select_for_update(of=("self",)).select_related("project").get(pk=item.pk)
    kinds = ItemRevision.Kind
    before = _before_redaction(row.revisions.all(), kinds.REDACTION, "item")
    revision = ItemRevision(
        item=row,
        kind=kinds.CORRECTION,
        messages=before.messages,
        context=before.context,
        reference=before.reference,
        choices=before.choices,
        digest=before.digest,
        reason=f"Redaction undone: as in revision {before.revision}.",
        created_by=actor,
    )
    _append(row, revision)
    audit.record(project=row.project, actor=actor, verb="item.unredact", target=f"item:{row.pk}")
    return revision


def _before_redaction(revisions: Any, redaction: str, what: str) -> Any:
    """The newest revision that is older than the redactions in a row that end with the current one."""
    newest_first = list(revisions.order_by("-revision"))
    if not newest_first or newest_first[0].kind != redaction:
        raise ServiceError(
            gettext("This %(what)s is not redacted, so there is nothing to bring back.") % {"what": what}
        )
    before = next((r for r in newest_first if r.kind != redaction), None)
    if before is None:
        raise ServiceError(
            gettext("The words of this %(what)s before its redaction are no longer kept.") % {"what": what}
        )
    return before


def _append(row: Item | Output, revision: ItemRevision | OutputRevision) -> None:
    items, outputs = ([revision], []) if isinstance(revision, ItemRevision) else ([], [revision])
    HtmlCache().fill(items, outputs)
    revision.revision = (row.revisions.aggregate(last=Max("revision"))["last"] or 0) + 1
    row.revisions.filter(current=True).update(current=False)
    revision.save(force_insert=True)


def _reason(reason: str) -> str:
    if not reason.strip():
        raise ServiceError(gettext("Say why these words are taken out."), field="reason")
    return reason.strip()[:REASON_MAX]
