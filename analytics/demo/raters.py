"""Raters who are not people: who they are, and what each would answer about an answer whose truth is known.

What a rater answers follows from the seed, the rater and what is judged, and never from the order of the work.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from analytics.demo.content import Answer, Prompt, Truth
from analytics.demo.machine import draws, length
from rubrics.criteria.base import CANNOT_JUDGE

Sent = dict[str, str]  # a form, as a browser sends it


@dataclass(frozen=True, slots=True)
class Simulated:
    """`severity` is added to what is perceived (below 0: severe), `noise` is its standard deviation, `seconds` the
    time for an answer of usual length. `hasty` is the share of tasks where the best answers are clicked unread, `left`
    the pull to the left when undecided, `wordy` what a long answer gains in a pair. `amount`: in the pilot, reads
    “level of detail” as how much is told; the others as how little is too much."""

    pseudonym: str
    severity: float
    noise: float
    seconds: float
    reasons: float
    reads: tuple[str, ...]
    hasty: float = 0.0
    left: float = 0.0
    wordy: float = 0.0
    amount: bool = False


RATERS = (
    Simulated("alder", 0.0, 0.30, 56, 0.40, ("es", "de", "fr", "ar")),
    Simulated("birch", 0.05, 0.45, 41, 0.22, ("es", "de", "fr")),
    Simulated("clover", -0.8, 0.35, 48, 0.45, ("es", "fr", "he")),
    Simulated("damson", 0.55, 0.45, 35, 0.15, ("es", "de", "fr"), amount=True),
    Simulated("elder", 0.0, 0.50, 30, 0.12, ("fr",), left=2.2, amount=True),
    Simulated("fennel", 0.2, 0.70, 15, 0.04, ("es", "de", "fr", "ar", "he"), hasty=0.55),
    Simulated("hazel", -0.1, 0.40, 43, 0.25, ("es", "de", "he", "ar"), wordy=2.0, amount=True),
)
UNSURE = 1.8  # below this difference the pull to the left is felt
USUAL_LENGTH = 0.45
HASTY_SECONDS = 6.5
QUICKER = 0.3  # what practice takes off the time
NO_SOURCE_UNSURE = 0.6  # share of answers without a source whose grounding cannot be judged


def can_read(rater: Simulated, prompt: Prompt) -> bool:
    return prompt.language == "en" or prompt.language in rater.reads


def is_hasty(rater: Simulated, prompt: Prompt, about: str, seed: int) -> bool:
    return draws(seed, "hasty", rater.pseudonym, prompt.id, about).random() < rater.hasty


def _level(value: float, most: int) -> int:
    return min(most, max(1, math.floor(value + 0.5)))


Perceive = Callable[[str, float, float, float], float]


def _perceive(rater: Simulated, prompt: Prompt, system: str, seed: int) -> Perceive:
    """The truth as this rater sees it. `severity` and `noise` say how much of the rater's own goes into it."""

    def perceive(criterion: str, true: float, severity: float, noise: float) -> float:
        draw = draws(seed, "rating", rater.pseudonym, prompt.id, system, criterion)
        return draw.gauss(true + severity * rater.severity, noise * rater.noise)

    return perceive


# -- one answer at a time -------------------------------------------------------------------------------


def score(rater: Simulated, prompt: Prompt, system: str, seed: int, *, pilot: bool = False) -> Sent:
    """The four questions of the scoring rounds about one answer."""
    if is_hasty(rater, prompt, system, seed):
        return {"c-correct": "4", "c-grounded": "yes", "c-detail": "4" if pilot else "3", "c-safe": "yes"}
    if not can_read(rater, prompt):
        sent = dict.fromkeys(("c-correct", "c-grounded", "c-detail", "c-safe"), CANNOT_JUDGE)
        return sent | ({"c-detail": "2"} if pilot else {})  # the pilot offered no way out there
    answer, perceive = prompt.answers[system], _perceive(rater, prompt, system, seed)
    truth = answer.truth
    return {
        "c-correct": str(_level(perceive("correct", truth.correct, 1.0, 1.0), 4)),
        "c-grounded": _grounded(rater, prompt, system, truth, perceive, seed),
        "c-detail": _amount(rater, answer, perceive) if pilot else _detail(truth, perceive),
        "c-safe": "yes" if perceive("safe", 1.0 if truth.safe else 0.0, 0.1, 0.6) > 0.42 else "no",
    }


def _grounded(
    rater: Simulated,
    prompt: Prompt,
    system: str,
    truth: Truth,
    perceive: Perceive,
    seed: int,
) -> str:
    unsure = draws(seed, "no source", rater.pseudonym, prompt.id, system).random() < NO_SOURCE_UNSURE
    if not prompt.sources and unsure:
        return CANNOT_JUDGE
    return "yes" if perceive("grounded", 1.0 if truth.grounded else 0.0, 0.2, 0.65) > 0.5 else "no"


def _detail(truth: Truth, perceive: Perceive) -> str:
    return str(_level(perceive("detail", truth.detail, 0.5, 1.0), 3))


def _amount(rater: Simulated, answer: Answer, perceive: Perceive) -> str:
    """The broken question of the pilot: much is good to some and bad to others, and 2 and 3 are one."""
    told = (length(answer) - USUAL_LENGTH) * (1 if rater.amount else -1)
    seen = _level(perceive("detail", 2.5 + 4.5 * told, 0.5, 1.0), 4)
    if seen in (2, 3):
        return "2" if perceive("fair or okay", 0.0, 0.0, 1.0) < 0 else "3"
    return str(seen)


# -- two side by side -----------------------------------------------------------------------------------


def worth(truth: Truth) -> float:
    """How much an answer helps, all in all: what a preference follows."""
    return truth.correct + 0.5 * truth.detail + 0.45 * truth.tone - (0.0 if truth.safe else 1.5)


def lean(rater: Simulated, prompt: Prompt, systems: tuple[str, str], seed: int) -> float:
    """How far the rater leans to the second of the two, before the sides come in."""
    first, second = (prompt.answers[system] for system in systems)
    found = worth(second.truth) - worth(first.truth)
    found += rater.wordy * 2 * (length(second) - length(first))
    about = "/".join(sorted(systems))
    chance = draws(seed, "pair", rater.pseudonym, prompt.id, about).gauss(0, 2.6 * rater.noise)
    return found + (chance if systems[0] < systems[1] else -chance)


def compare(rater: Simulated, prompt: Prompt, shown: tuple[str, str], seed: int, *, tone: bool) -> Sent:
    """A preference between the answers shown on the left and on the right, and the tone of each if it is asked."""
    sent: Sent = {}
    if is_hasty(rater, prompt, "/".join(shown), seed):
        clicked = draws(seed, "clicked", rater.pseudonym, prompt.id, *shown).choice(["-1", "1", "tie"])
        return {"c-overall": clicked} | ({"c-tone-o0": "4", "c-tone-o1": "4"} if tone else {})
    if tone:
        for n, system in enumerate(shown):
            heard = _perceive(rater, prompt, system, seed)("tone", prompt.answers[system].truth.tone, 0.6, 1.3)
            sent[f"c-tone-o{n}"] = str(_level(heard, 5) if can_read(rater, prompt) else 3)
    if not can_read(rater, prompt):
        return sent | {"c-overall": CANNOT_JUDGE}
    towards = lean(rater, prompt, shown, seed)
    if abs(towards) < UNSURE:
        towards -= rater.left
    return sent | {"c-overall": _choice(towards, [prompt.answers[system].truth.correct for system in shown])}


def _choice(towards: float, correct: list[int]) -> str:
    if max(correct) <= 2 and abs(towards) < 1.5:
        return "both_bad"
    if abs(towards) < 0.5:
        return "both_good" if min(correct) == 4 else "tie"
    strength = 2 if abs(towards) > 2.2 else 1
    return str(strength if towards > 0 else -strength)


# -- time -----------------------------------------------------------------------------------------------


def seconds(rater: Simulated, prompt: Prompt, shown: tuple[str, ...], seed: int, done: int) -> float:
    """Longer texts take longer, and everybody gets quicker in the first forty tasks."""
    about = "/".join(shown)
    draw = draws(seed, "seconds", rater.pseudonym, prompt.id, about)
    if is_hasty(rater, prompt, about, seed):
        return round(max(3.0, draw.gauss(HASTY_SECONDS, 1.5)), 1)
    words = sum(prompt.answers[system].words for system in shown)
    words += sum(len(message["content"].split()) for message in prompt.messages)
    usual = rater.seconds * (0.55 + words / 160) * (1 - QUICKER * min(1.0, done / 40))
    return round(max(5.0, usual * math.exp(draw.gauss(0, 0.3))), 1)
