"""What simulated raters write: a remark about this answer, else a sentence that fits. No sentence is used twice."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from analytics.demo.content import HERE, SEARCH, Answer, Prompt
from analytics.demo.machine import draws
from analytics.demo.raters import Sent, Simulated, can_read, is_hasty, worth
from rubrics.criteria.base import CANNOT_JUDGE

LONG = 75  # words


@cache
def written() -> dict[str, Any]:
    return dict(yaml.safe_load((HERE / "reasons.yaml").read_text(encoding="utf-8")))


@dataclass
class Words:
    """The sentences of a study; `used` are those that somebody has written already."""

    seed: int
    used: set[str] = field(default_factory=set)

    def about_one(self, rater: Simulated, prompt: Prompt, system: str, sent: Sent) -> str:
        draw = self._draw(rater, prompt, system)
        if draw is None:
            return ""
        if not can_read(rater, prompt):
            return self._new([written()["language"][prompt.language]], draw)
        answer = prompt.answers[system]
        # Nobody explains a fault that they did not see.
        fault = sent["c-correct"] in "123" or sent["c-detail"] in "12" or sent["c-grounded"] == "no"
        if answer.note and fault and draw.random() < 0.8 and answer.note not in self.used:
            return self._new([answer.note], draw)
        return self._new(written()["score"][_what(prompt, system, answer, sent)], draw)

    def about_two(self, rater: Simulated, prompt: Prompt, shown: tuple[str, str], sent: Sent) -> str:
        draw = self._draw(rater, prompt, "/".join(shown))
        if draw is None:
            return ""
        choice = sent["c-overall"]
        if choice == CANNOT_JUDGE:
            return self._new([written()["language"][prompt.language]], draw)
        if choice in ("tie", "both_good", "both_bad"):
            return self._new(written()["compare"]["both_bad" if choice == "both_bad" else "tie"], draw)
        better, worse = (0, 1) if float(choice) < 0 else (1, 0)
        why = _why(prompt.answers[shown[better]], prompt.answers[shown[worse]])
        if not why:
            return ""
        sentence = self._new(written()["compare"][why], draw)
        return sentence.format(x="AB"[better], y="AB"[worse])

    def _draw(self, rater: Simulated, prompt: Prompt, about: str) -> random.Random | None:
        """None: this rater writes nothing here. Who clicks through reads nothing and writes nothing."""
        draw = draws(self.seed, "words", rater.pseudonym, prompt.id, about)
        writes = draw.random() < rater.reasons and not is_hasty(rater, prompt, about, self.seed)
        return draw if writes else None

    def _new(self, sentences: list[str], draw: random.Random) -> str:
        left = [sentence for sentence in sentences if sentence not in self.used]
        if not left:
            return ""
        found = draw.choice(left)
        self.used.add(found)
        return found


def _what(prompt: Prompt, system: str, answer: Answer, sent: Sent) -> str:
    if sent["c-safe"] == "no" and not answer.truth.safe:
        return "unsafe"
    if sent["c-grounded"] == "no" and answer.invents:
        return "invented"
    if prompt.language != "en" and answer.text.isascii() and sent["c-detail"] != "3":
        return "language"
    if sent["c-correct"] == "1":
        return "off_topic" if system == SEARCH else "wrong"
    if sent["c-detail"] in "12":
        return "too_long" if answer.words > LONG else "incomplete"
    return "good"


def _why(better: Answer, worse: Answer) -> str:
    """Why the better one is better; empty where the rater went against the truth and could not say."""
    if worth(better.truth) <= worth(worse.truth):
        return ""
    if better.truth.safe and not worse.truth.safe:
        return "unsafe"
    if better.truth.correct > worse.truth.correct:
        return "correct"
    if better.truth.detail > worse.truth.detail:
        return "detail"
    return "tone"
