"""What a strategy is: a named pure function from candidates to an order, and how a claim takes from that order.

A strategy never touches the database. It orders the tasks once, when the round opens; a claim then takes from the order
in one of three ways, each bounded whatever the size of the round:

- *walk*: the next open task behind the rater's own cursor. Nothing is drawn, so the chance is 1.
- *jump*: the first open task at or behind a uniformly drawn place. The chance is the gap to the open task before it, as
  a share of all places.
- *window*: one of the first `WINDOW` open tasks, drawn by rank. The chance is the rank's share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WALK, JUMP, WIN = "walk", "jump", "window"
WINDOW = 32


@dataclass(frozen=True, slots=True)
class Candidate:
    task: int
    ordinal: int
    pair: str  # the pair of systems, or the system of a single output
    stratum: str = ""


Order = Callable[[Sequence[Candidate], int], list[int]]


def never(u: float, k: int) -> tuple[int, float]:
    raise NotImplementedError("Only a strategy that takes from a window draws a rank.")


@dataclass(frozen=True, slots=True)
class Strategy:
    key: str
    title: str
    rater: str  # what raters notice of it, in words for the lead
    report: str  # what it means for the figures
    order: Order
    take: str = WALK
    # For a window: from u in [0, 1) and the number of tasks in the window, the rank taken (from 1) and its chance.
    draw: Callable[[float, int], tuple[int, float]] = never


def shuffle_key(seed: int, task: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{task}".encode(), digest_size=8).digest()


def drawn(seed: int, seat: int, n: int, attempt: int = 0) -> float:
    """A number in [0, 1) for the n-th assignment of a seat, by the round's seed: anybody can draw it again."""
    digest = hashlib.blake2b(f"{seed}:{seat}:{n}:{attempt}:take".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def gap_chance(pos: int, before: int, top: int) -> float:
    """The chance that a place drawn uniformly from 1…top leads to the open task at `pos`: that it falls behind the
    open task `before`. Before the first comes the last, round the start: its place less `top`."""
    return (pos - before) / top
