"""Say what raters of a round are paid an hour."""

from __future__ import annotations

import math
import re
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from annotation.models import Round
from projects import audit
from projects.errors import ServiceError

MAX_PER_HOUR = 100_000
_CURRENCY = re.compile(r"[A-Z]{3}")


@transaction.atomic
def pay_set(*, round: Round, per_hour: float | None, currency: str, actor: Any) -> Round:
    """Nothing for `per_hour` takes the rate away. It may change at any time: judgments do not depend on it."""
    row = Round.objects.select_for_update(of=("self",)).select_related("project").get(pk=round.pk)
    kept = {name: value for name, value in row.options.items() if name != "pay"}
    if per_hour is not None:
        currency = currency.strip().upper()
        if not math.isfinite(per_hour) or not 0 < per_hour <= MAX_PER_HOUR:
            raise ServiceError(
                gettext("The pay an hour is a number above 0, at most %(most)s; or nothing.")
                % {"most": f"{MAX_PER_HOUR:,}"},
                field="per_hour",
            )
        if not _CURRENCY.fullmatch(currency):
            raise ServiceError(gettext("A currency is three letters, such as EUR or USD."), field="currency")
        kept["pay"] = {"per_hour": round_to_cents(per_hour), "currency": currency}
    row.options = kept
    row.save(update_fields=["options"])
    audit.record(
        project=row.project, actor=actor, verb="round.pay", target=f"round:{row.pk}", payload=kept.get("pay", {})
    )
    return row


def round_to_cents(amount: float) -> float:
    return float(f"{amount:.2f}") or 0.01
