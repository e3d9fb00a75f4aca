"""What a worker does for rounds whose order follows their judgments: work it out, and come back in a minute."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django_tasks import task

from annotation.models import Round
from annotation.services.renewing import EVERY, order_renew, renews, turn_claimed


@task()
def renew_order(round_id: int) -> None:
    """Running it again, or twice at once, is harmless: who does not get the turn leaves, and is not enqueued again."""
    now = timezone.now()
    row = Round.objects.filter(pk=round_id).first()
    if row is None or row.state != Round.State.OPEN or not renews(row):
        return
    # First the next turn: if this one fails, the order is a minute old and not for ever as it was. Both or neither: who
    # took a turn and was killed before the next was put down would have been the last.
    with transaction.atomic():
        if not turn_claimed(round_id, now):
            return
        renew_order.using(run_after=now + EVERY).enqueue(round_id)
    order_renew(round=row, now=now)


def renew_while_open(row: Round) -> None:
    """From now on, if the round's order follows its judgments. In the transaction that opens the round, so that neither
    comes without the other."""
    if renews(row):
        renew_order.enqueue(row.pk)
