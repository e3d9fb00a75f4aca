"""Which items a list is about: what an address or a form says, and the query it makes. Reads only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import QuerySet

from projects.models import AutomatedScore, Item, ItemTag, Output

MORE = ("system", "batch", "language", "metric", "above", "below")


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Empty fields ask nothing. `above` and `below` are of a score that `metric` gave to an output of the item, and of
    the system where one is named: at least, and at most."""

    q: str = ""
    tag: str = ""
    system: int | None = None
    batch: int | None = None
    language: str = ""
    metric: int | None = None
    above: float | None = None
    below: float | None = None

    @property
    def asks(self) -> bool:
        return bool(self.query())

    @property
    def more(self) -> bool:
        """Whether something beyond id and tag is asked."""
        return any(name in MORE for name in self.query())

    def query(self) -> dict[str, str]:
        """As an address says it."""
        return {name: str(value) for name, value in asdict(self).items() if value not in (None, "")}

    def of(self, rows: QuerySet[Item]) -> QuerySet[Item]:
        if self.q:
            rows = rows.filter(external_id__icontains=self.q)
        if self.tag:
            rows = rows.filter(pk__in=ItemTag.objects.filter(tag=self.tag).values("item"))
        if self.batch is not None:
            rows = rows.filter(batch=self.batch)
        if self.language:
            rows = rows.filter(language=self.language)
        if self.metric is not None:
            # One list of items, worked out once: an EXISTS would go through the scores of the metric for each item.
            rows = rows.filter(pk__in=self._scores().values("output__item"))
        elif self.system is not None:
            rows = rows.filter(pk__in=Output.objects.filter(system=self.system).values("item"))
        return rows

    def _scores(self) -> QuerySet[AutomatedScore]:
        rows = AutomatedScore.objects.filter(metric=self.metric, output__isnull=False, missing_reason="")
        if self.system is not None:
            rows = rows.filter(output__system=self.system)
        if self.above is not None:
            rows = rows.filter(number__gte=self.above)
        if self.below is not None:
            rows = rows.filter(number__lte=self.below)
        return rows


def read_filter(data: Mapping[str, Any]) -> ItemFilter:
    """From an address or a form. What is not known finds nothing; a number that is none asks nothing."""
    return ItemFilter(
        q=data.get("q", "").strip()[:300],
        tag=data.get("tag", "")[:300],
        system=_key(data.get("system", "")),
        batch=_key(data.get("batch", "")),
        language=data.get("language", "")[:35],
        metric=_key(data.get("metric", "")),
        above=_number(data.get("above", "")),
        below=_number(data.get("below", "")),
    )


def _key(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
