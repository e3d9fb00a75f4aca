"""What a lead does about words that tell which system answered: let them stay, take them out, or leave items out."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from annotation import leaks
from annotation.leaks import Finder
from annotation.models import LeakDecision, Round
from annotation.services.leak_scan import CHUNK, GONE, Material, Shown, chunks
from annotation.services.rounds import round_open
from projects import audit
from projects.errors import ServiceError
from projects.models import ItemRevision, OutputRevision
from projects.services.redaction import item_redact, item_unredact, output_redact, output_unredact


@transaction.atomic
def terms_set(*, round: Round, text: str, actor: Any) -> Round:
    """The lead's own words to look for, a term a line."""
    try:
        terms = leaks.own_terms(text)
    except ValueError as error:
        raise ServiceError(str(error), field="terms") from error
    row = Round.objects.select_for_update().get(pk=round.pk)
    row.options = {**row.options, "leak_terms": [term.text for term in terms]}
    row.save(update_fields=["options"])
    audit.record(project=row.project, actor=actor, verb="leak.terms", target=f"round:{row.pk}")
    return row


@transaction.atomic
def leak_accept(*, round: Round, key: str, actor: Any) -> int:
    """The word stays wherever it stands now. Returns how many texts that is."""
    return _decide(Material(round), key, LeakDecision.Decision.ACCEPT, actor)


@transaction.atomic
def leak_exclude(*, round: Round, key: str, actor: Any) -> int:
    """Leave the items out of a round that has not opened. Returns how many."""
    if round.state != Round.State.DRAFT:
        raise ServiceError(
            gettext("The items of a round are fixed when it opens. Take the word out of the texts, or let it stay.")
        )
    material = Material(round)
    _decide(material, key, LeakDecision.Decision.EXCLUDE, actor)
    return material.left_out()


@transaction.atomic
def leak_accept_all(*, round: Round, actor: Any) -> int:
    """Everything found stays, as when a round is opened all the same. Returns how many terms."""
    material = Material(round)
    found = material.undecided()
    for key in found:
        _decide(material, key, LeakDecision.Decision.ACCEPT, actor)
    return len(found)


@transaction.atomic
def round_open_as_it_is(*, round: Round, actor: Any) -> Round:
    """Open the round with everything that was found: it is on record that the lead let it stay."""
    leak_accept_all(round=round, actor=actor)
    return round_open(round=round, actor=actor)


@transaction.atomic
def leak_undo(*, round: Round, key: str, actor: Any) -> int:
    """Decide anew about a word that was to stay."""
    undone, _ = LeakDecision.objects.filter(round=round, key=key, decision=LeakDecision.Decision.ACCEPT).delete()
    audit.record(project=round.project, actor=actor, verb="leak.undo", target=f"round:{round.pk}")
    return undone


@transaction.atomic
def leak_take_back(*, round: Round, actor: Any) -> int:
    """Take items that were left out into the round again, while it has not opened."""
    if round.state != Round.State.DRAFT:
        raise ServiceError(gettext("The items of a round are fixed when it opens."))
    back, _ = LeakDecision.objects.filter(round=round, decision=LeakDecision.Decision.EXCLUDE).delete()
    audit.record(project=round.project, actor=actor, verb="leak.take_back", target=f"round:{round.pk}")
    return back


@transaction.atomic
def leak_redact(*, round: Round, key: str, actor: Any) -> int:
    """Replace the word by “[removed]” in every text of the round. The texts before stay as earlier revisions.
    Returns how many texts have a new revision."""
    material = Material(round)
    found = list(material.with_term(key))
    if not found:
        raise ServiceError(GONE)
    reason = (
        f"“{material.finder.terms[key].text if key in material.finder.terms else key}” tells which system answered."
    )
    for shown in found:
        _redact(shown, material.finder, frozenset({key}), reason, actor)
    audit.record(project=round.project, actor=actor, verb="leak.redact", target=f"round:{round.pk}")
    return len(found)


@transaction.atomic
def leak_unredact(*, round: Round, actor: Any) -> int:
    """Bring back what redactions took out of the texts of this round. Returns how many texts."""
    material = Material(round)
    outputs, items = material.redacted_outputs(), material.redacted_items()
    for output in outputs:
        output_unredact(output=output, actor=actor)
    for item in items:
        item_unredact(item=item, actor=actor)
    return len(outputs) + len(items)


def _redact(shown: Shown, finder: Finder, keys: frozenset[str], reason: str, actor: Any) -> None:
    if shown.output is None:
        row = ItemRevision.objects.select_related("item").get(item=shown.item, current=True)
        parts = [leaks.redact_within(part, finder, keys) for part in (row.messages, row.context, row.reference)]
        item_redact(item=row.item, messages=parts[0], context=parts[1], reference=parts[2], reason=reason, actor=actor)
        return
    answer = OutputRevision.objects.select_related("output").get(output=shown.output, current=True)
    output_redact(
        output=answer.output,
        text=leaks.redact_within(answer.text, finder, keys),
        messages=leaks.redact_within(answer.messages, finder, keys),
        reason=reason,
        actor=actor,
    )


def _decide(material: Material, key: str, decision: str, actor: Any) -> int:
    """Write the decision for every text in which the word stands undecided."""
    round = material.round
    new = {
        (shown.item, shown.output): LeakDecision(
            round=round,
            item_id=shown.item,
            output_id=shown.output,
            key=key,
            digest=shown.digest,
            decision=decision,
            decided_by=actor,
        )
        for shown in material.with_term(key)
        if (shown.item, shown.output, key, shown.digest) not in material.accepted
    }
    if not new:
        raise ServiceError(GONE)
    # What was decided about earlier words of the same text is history.
    outputs = [output for _, output in new if output is not None]
    items = [item for item, output in new if output is None]
    old = LeakDecision.objects.filter(round=round, key=key)
    for chunk in chunks(outputs):
        old.filter(output__in=chunk).delete()
    for chunk in chunks(items):
        old.filter(item__in=chunk, output=None).delete()
    LeakDecision.objects.bulk_create(new.values(), batch_size=CHUNK)
    payload = {"key": key, "decision": str(decision), "texts": len(new)}
    audit.record(
        project=round.project, actor=actor, verb=f"leak.{decision}", target=f"round:{round.pk}", payload=payload
    )
    return len(new)
