"""What a worker does for rounds whose disagreements are too many to be put in order within a request."""

from __future__ import annotations

from annotation.models import Round
from annotation.services.disagreement_order import order_give_up, order_make
from config.background.tasks import durable


def _gave_up(sentence: str, round_id: int) -> None:
    order_give_up(round_id, sentence)


@durable(gave_up=_gave_up)
def make_order(round_id: int) -> None:
    row = Round.objects.filter(pk=round_id).first()
    if row is not None:
        order_make(round=row)
