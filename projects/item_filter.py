"""Which items a list is about: what an address or a form says, and the query it makes. Reads only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Length
from django.http import QueryDict

from projects.models import AutomatedScore, Item, ItemRevision, ItemTag, Output, OutputRevision, Project

MORE = ("system", "batch", "language", "metric", "above", "below", "longer", "shorter", "work")


@dataclass(frozen=True, slots=True)
class Work:
    """A question about the judging of items. Apps that know of judging put theirs into `WORK`; this one knows none."""

    label: str
    of: Callable[[QuerySet[Item]], QuerySet[Item]]


WORK: dict[str, Work] = {}


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Empty fields ask nothing. `text`: words of the question or of an answer. `above` and `below` are of a score that
    `metric` gave to an output of the item; `longer` and `shorter` count the characters of an answer: at least, at most.
    All are of the system where one is named. `work`: how the judging of the item stands, a key of `WORK`."""

    q: str = ""
    text: str = ""
    tag: str = ""
    system: int | None = None
    batch: int | None = None
    language: str = ""
    metric: int | None = None
    above: float | None = None
    below: float | None = None
    longer: int | None = None
    shorter: int | None = None
    work: str = ""

    @property
    def asks(self) -> bool:
        return bool(self.query())

    @property
    def more(self) -> bool:
        """Whether something beyond id, words and tag is asked."""
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
            # Asked of each item in the order of the list: a page is full long before all outputs were gone through.
            rows = rows.filter(Exists(Output.objects.filter(item=OuterRef("pk"), system=self.system)))
        if self.text:
            rows = rows.filter(Exists(self._asked()) | Exists(self._answers().filter(_says(self.text))))
        if self.longer is not None or self.shorter is not None:
            rows = rows.filter(Exists(self._of_length()))
        if self.work:
            rows = WORK[self.work].of(rows) if self.work in WORK else rows.none()
        return rows

    def _asked(self) -> QuerySet[ItemRevision]:
        return ItemRevision.objects.filter(item=OuterRef("pk"), current=True, messages__says=self.text)

    def _answers(self) -> QuerySet[OutputRevision]:
        rows = OutputRevision.objects.filter(output__item=OuterRef("pk"), current=True)
        return rows if self.system is None else rows.filter(output__system=self.system)

    def _of_length(self) -> QuerySet[OutputRevision]:
        rows = self._answers().exclude(text="").annotate(length=Length("text"))
        if self.longer is not None:
            rows = rows.filter(length__gte=self.longer)
        return rows if self.shorter is None else rows.filter(length__lte=self.shorter)

    def _scores(self) -> QuerySet[AutomatedScore]:
        rows = AutomatedScore.objects.filter(metric=self.metric, output__isnull=False, missing_reason="")
        if self.system is not None:
            rows = rows.filter(output__system=self.system)
        if self.above is not None:
            rows = rows.filter(number__gte=self.above)
        if self.below is not None:
            rows = rows.filter(number__lte=self.below)
        return rows


def _says(words: str) -> Q:
    return Q(text__icontains=words) | Q(messages__says=words)


def read_filter(data: Mapping[str, Any]) -> ItemFilter:
    """From an address or a form. What is not known finds nothing; a number that is none asks nothing."""
    return ItemFilter(
        q=data.get("q", "").strip()[:300],
        text=data.get("text", "").strip()[:300],
        tag=data.get("tag", "")[:300],
        system=_key(data.get("system", "")),
        batch=_key(data.get("batch", "")),
        language=data.get("language", "")[:35],
        metric=_key(data.get("metric", "")),
        above=_number(data.get("above", "")),
        below=_number(data.get("below", "")),
        longer=_key(data.get("longer", "")),
        shorter=_key(data.get("shorter", "")),
        work=data.get("work", "")[:30],
    )


def chosen(project: Project, data: QueryDict) -> tuple[QuerySet[Item], ItemFilter]:
    """The items that a form of the list is about: all that were found, or those ticked; and what was asked."""
    asked, rows = read_filter(data), Item.objects.filter(project=project)
    if "all" in data:
        return asked.of(rows), asked
    return rows.filter(pk__in=[key for each in data.getlist("items") if (key := _key(each)) is not None]), asked


def _key(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
