"""The order of a round's disagreements, kept in rows: worked out anew when what it rests on has changed.

Nothing on a rater's way writes here. Whoever looks at the disagreements asks `order_for`, which compares what the
stored order was worked out from with what is there now, by a few small questions. A small round is put in order within
the request; a large one by a worker, and until then people see the order that stands, and since when.

Rows are staged in a generation of their own, in short transactions that raters never wait for, and one more makes that
generation the one that stands. The generation before is kept until the next: a page may just be reading it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, F, Max
from django.utils import timezone

from annotation.adjudication_cases import Case, Place, cases
from annotation.models import Adjudication, Disagreement, DisagreementOrder, Judgment, RaterExclusion, Round
from config.background.tasks import enqueue_once
from projects.models import ImportBatch

AT_ONCE = 1_000  # judgments of a round that is put in order within the request
_CHUNK = 2_000
# PostgreSQL commits in another order than it numbers: a judgment with a lower number may come to sight later, of a
# transaction that was under way. So the last numbers are counted and not only the highest compared.
_RECENT = 10_000


class _Basis(NamedTuple):
    """What an order is worked out from, as far as two moments can be told apart by it."""

    last_judgment: int
    n_recent: int
    rest: str


def order_for(round: Round) -> tuple[DisagreementOrder, bool]:
    """The order that stands, and whether it is of now. If not, a worker has been told to work it out anew."""
    order = _order_of(round)
    if _is_of_now(order):
        return order, True
    if Judgment.objects.filter(seat__round=round)[: AT_ONCE + 1].count() <= AT_ONCE:
        return order_make(round=round), True
    from annotation.services.disagreement_tasks import make_order

    enqueue_once(make_order, f"disagreements {round.pk}, {order.generation}, {order.failures}", round.pk)
    return order, False


def order_make(*, round: Round) -> DisagreementOrder:
    """Work the order out and let it stand. Run twice at once, the one that began later wins. What it rests on is noted
    before anything is read: what changes meanwhile makes it outdated."""
    mine = _generation_for(_order_of(round))
    order = _order_of(round)
    basis = _basis(order)
    finals = Adjudication.objects.filter(task__round=round).aggregate(last=Max("pk"))["last"] or 0
    _stage(round, mine, cases(Round.objects.get(pk=round.pk)))
    before = _flip(order, mine, basis, finals)
    _forget(round, min(before, mine))
    return _order_of(round)


def order_give_up(round_id: int, sentence: str) -> None:
    """A worker has tried three times. The next one who looks asks again."""
    DisagreementOrder.objects.filter(round=round_id).update(failures=F("failures") + 1, problem=sentence[:300])


def order_outdated(round: Round) -> None:
    """Other judgments are wanted than were: a task may be complete now, or no longer."""
    DisagreementOrder.objects.filter(round=round).update(changes=F("changes") + 1)


def order_settled(place: Place, round: Round, *, settled: bool) -> None:
    """A final answer was given or taken back, in the same transaction. Called with the order locked."""
    rows = Disagreement.objects.filter(round=round, task_id=place.task, criterion_id=place.criterion)
    rows.filter(target=place.target).update(settled=settled)


def order_lock(round: Round) -> DisagreementOrder | None:
    """Whoever settles waits for the moment in which a new order takes the old one’s place, and the other way round."""
    return DisagreementOrder.objects.select_for_update().filter(round=round).first()


def _order_of(round: Round) -> DisagreementOrder:
    found = DisagreementOrder.objects.select_related("round__rubric_version").filter(round=round).first()
    return found or DisagreementOrder.objects.get_or_create(round=round)[0]


@transaction.atomic
def _generation_for(order: DisagreementOrder) -> int:
    locked = DisagreementOrder.objects.select_for_update().get(pk=order.pk)
    locked.last_generation += 1
    locked.save(update_fields=["last_generation"])
    return locked.last_generation


def _is_of_now(order: DisagreementOrder) -> bool:
    if order.made_at is None:
        return False
    return (order.last_judgment, order.n_recent, order.rest) == _basis(order, order.last_judgment)


def _basis(order: DisagreementOrder, last: int | None = None) -> _Basis:
    """`last`: the highest number of a judgment to count back from; without it, the highest there is."""
    judged = Judgment.objects.filter(seat__round=order.round_id)
    if last is None:
        last = judged.aggregate(last=Max("pk"))["last"] or 0
    recent = judged.filter(pk__gt=last - _RECENT)
    excluded = RaterExclusion.objects.filter(seat__round=order.round_id)
    left_out = excluded.aggregate(n=Count("pk"), lifted=Count("lifted_at"), last=Max("pk"))
    # An import may put items into one cluster, and with it change what share of a figure rests on each.
    imported = ImportBatch.objects.filter(project=order.round.project_id).aggregate(last=Max("finished_at"))["last"]
    rest = [order.round.state, order.changes, left_out["n"], left_out["lifted"], left_out["last"] or 0, imported or ""]
    return _Basis(last, recent.count(), " ".join(str(each) for each in rest))


def _stage(round: Round, generation: int, found: Iterable[Case]) -> None:
    rows = (
        Disagreement(
            round=round,
            generation=generation,
            rank=rank,
            task_id=case.place.task,
            criterion_id=case.place.criterion,
            target=case.place.target,
            settled=case.final is not None,
            distance=case.distance,
            share=case.share,
            values=list(case.values),
        )
        for rank, case in enumerate(found, start=1)
    )
    while part := list(islice(rows, _CHUNK)):
        Disagreement.objects.bulk_create(part)


@transaction.atomic
def _flip(order: DisagreementOrder, mine: int, basis: _Basis, finals: int) -> int:
    """Let the staged rows stand, with the final answers given meanwhile. Returns the generation that stood."""
    locked = DisagreementOrder.objects.select_for_update().get(pk=order.pk)
    if locked.generation > mine:
        return mine  # somebody who began later was faster
    for place in _decided_since(order, finals):
        stands = Adjudication.objects.filter(
            task_id=place.task, criterion_id=place.criterion, target=place.target, current=True
        )
        order_settled(place, order.round, settled=stands.exists())
    before, locked.generation, locked.made_at, locked.problem = locked.generation, mine, timezone.now(), ""
    locked.last_judgment, locked.n_recent, locked.rest = basis
    locked.save(update_fields=["generation", "made_at", "problem", "last_judgment", "n_recent", "rest"])
    return before


def _decided_since(order: DisagreementOrder, finals: int) -> Sequence[Place]:
    rows = Adjudication.objects.filter(task__round=order.round_id, pk__gt=finals - _CHUNK)
    return [Place(*row) for row in rows.values_list("task_id", "criterion_id", "target").distinct()]


def _forget(round: Round, generation: int) -> None:
    """Rows of before that generation, some of them at a time."""
    old = Disagreement.objects.filter(round=round, generation__lt=generation)
    while chosen := list(old.values_list("pk", flat=True)[:_CHUNK]):
        Disagreement.objects.filter(pk__in=chosen).delete()
