"""Lets simulated raters work through a round, by the same claims and answers that people's browsers send.

They work side by side on the clock of the study: whoever is done first submits first, in sittings of some minutes a
day. Leases must outlast the nights between, or the wall clock would decide who gets a lapsed task.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.demo.content import Prompt, prompts
from analytics.demo.raters import RATERS, Sent, Simulated, compare, score, seconds
from analytics.demo.words import Words, written
from annotation import claims
from annotation.claims import Outcome
from annotation.models import Flag, Round, Seat
from annotation.presentation import Presentation
from annotation.services.judging import flag_raise, questions, read_answers, rubric_of, submission
from projects.models import ItemRevision, Project, Rater

SITTING = timedelta(minutes=16)
WAIT = timedelta(minutes=9)  # before asking again when others hold the rest


@dataclass
class _Desk:
    """A rater at work: the task in hand, since when, and until when this sitting lasts."""

    rater: Simulated
    seat: Seat
    sittings: Iterator[datetime]
    until: datetime
    outcome: Outcome
    since: datetime
    hand: tuple[Prompt, tuple[str, ...]] | None = None  # the prompt in hand, and the systems in the order shown
    done: int = 0

    @property
    def about(self) -> tuple[Prompt, tuple[str, ...]]:
        if self.hand is None:
            raise ValueError("There is no task on this desk.")
        return self.hand


@dataclass
class Work:
    """One round being worked through. `apart`: minutes between the hours of two raters; `only` keeps the round to that
    many judgments in all."""

    round: Round
    start: datetime
    words: Words
    raters: Sequence[Simulated] = RATERS
    apart: int = 67
    only: int | None = None
    judged: int = 0

    def __post_init__(self) -> None:
        self.seed = self.words.seed
        self._prompts = {prompt.id: prompt for prompt in prompts()}
        self._shown = _shown(self.round.project)
        self._asked = {n: list(questions(rubric_of(self.round), n)) for n in (1, 2)}
        self._remarks = _remarks() if self.round.mode == "score" and not self.round.is_pilot else {}

    def run(self) -> int:
        """Returns how many judgments were made."""
        queue: list[tuple[datetime, int]] = []
        desks = [self._sit_down(number, rater) for number, rater in enumerate(self.raters)]
        for number, desk in enumerate(desks):
            self._plan(queue, number, desk)
        while queue and (self.only is None or self.judged < self.only):
            now, number = heapq.heappop(queue)
            desk = desks[number]
            self._take(desk, self._next(desk, now), now)
            self._plan(queue, number, desk)
        return self.judged

    def _sit_down(self, number: int, rater: Simulated) -> _Desk:
        row, _ = Rater.objects.get_or_create(project=self.round.project, pseudonym=rater.pseudonym)
        seat, _ = Seat.objects.get_or_create(round=self.round, rater=row)
        days = _sittings(self.start, number * self.apart % 400)
        begin = next(days)
        desk = _Desk(rater, seat, days, begin + SITTING, Outcome("nothing_now"), begin)
        self._take(desk, claims.claim(seat.pk, now=begin), begin)
        return desk

    def _take(self, desk: _Desk, outcome: Outcome, now: datetime) -> None:
        desk.outcome, desk.since, desk.hand = outcome, now, None
        if outcome.presentation is not None:
            # Raters are told no system, these neither: they know the texts again.
            prompt = self._prompts[self._shown[outcome.presentation.prompt_html]]
            by_text = {answer.text: system for system, answer in prompt.answers.items()}
            desk.hand = (prompt, tuple(by_text[output.text] for output in outcome.presentation.outputs))

    def _plan(self, queue: list[tuple[datetime, int]], number: int, desk: _Desk) -> None:
        """When this rater will be done with what is in hand, or will ask again."""
        if desk.outcome.status == "nothing_now":
            heapq.heappush(queue, (desk.since + WAIT, number))
            return
        if desk.outcome.status != "task":
            return  # finished, at the cap, or nothing is left
        begin = desk.since
        if begin >= desk.until:  # the next task stays on the desk until the next sitting
            begin = next(desk.sittings)
            desk.until = begin + SITTING
        heapq.heappush(queue, (begin + timedelta(seconds=self._seconds(desk)), number))

    def _seconds(self, desk: _Desk) -> float:
        prompt, shown = desk.about
        return seconds(desk.rater, prompt, shown, self.seed, desk.done)

    def _next(self, desk: _Desk, now: datetime) -> Outcome:
        task = desk.outcome.presentation
        if task is None:
            return claims.claim(desk.seat.pk, now=now)
        prompt, shown = desk.about
        asked = self._asked[len(shown)]
        sent = self._sent(desk.rater, prompt, shown)
        judged = submission(
            asked,
            read_answers(asked, sent),
            public_id=task.public_id,
            key=f"demo-{task.assignment:08d}",
            comment=self._remark(desk, prompt, shown, task, now),
            # As a browser measures it: the night on the desk counts, but not as active time.
            seconds=round((now - desk.since).total_seconds(), 1),
            active_seconds=self._seconds(desk),
        )
        desk.done += 1
        self.judged += 1
        return claims.submit(desk.seat.pk, judged, now=now)

    def _sent(self, rater: Simulated, prompt: Prompt, shown: tuple[str, ...]) -> Sent:
        if len(shown) == 1:
            sent = score(rater, prompt, shown[0], self.seed, pilot=self.round.is_pilot)
            why = self.words.about_one(rater, prompt, shown[0], sent)
        else:
            both = (shown[0], shown[1])
            tone = any(q.criterion.key == "tone" for q in self._asked[2])
            sent = compare(rater, prompt, both, self.seed, tone=tone)
            why = self.words.about_two(rater, prompt, both, sent)
        return sent | {"c-why": why}

    def _remark(self, desk: _Desk, prompt: Prompt, shown: tuple[str, ...], task: Presentation, now: datetime) -> str:
        """A flag or a comment for the lead, by whoever comes to this answer first."""
        if desk.rater.hasty or (prompt.id, shown[0]) not in self._remarks:
            return ""
        remark = self._remarks.pop((prompt.id, shown[0]))
        if "reason" not in remark:
            return remark["text"]
        flag = flag_raise(seat=desk.seat, public_id=task.public_id, reason=remark["reason"], note=remark["note"])
        Flag.objects.filter(pk=flag.pk).update(created_at=now)
        return ""


def _remarks() -> dict[tuple[str, str], dict[str, str]]:
    return {(row["item"], row["system"]): row for row in [*written()["flags"], *written()["comments"]]}


def _shown(project: Project) -> dict[str, str]:
    """Which prompt it is, by what raters see of it."""
    rows = ItemRevision.objects.filter(item__project=project, current=True)
    return dict(rows.values_list("html", "item__external_id"))


def _sittings(start: datetime, minutes: int) -> Iterator[datetime]:
    """A sitting on each working day, every rater at an hour of their own."""
    day = 0
    while True:
        begin = start + timedelta(days=day, minutes=minutes)
        if begin.weekday() < 5:
            yield begin
        day += 1
