"""What a seat meets beside the round's order: gold, repeats, and the side of a pair. Pure; drawn by the round's seed.

The order itself is of `annotation.strategies`.
"""

from __future__ import annotations

import hashlib


def check_due(seed: int, seat: int, n: int, gold_rate: float, repeat_rate: float) -> tuple[str, float]:
    """What the n-th assignment of a seat is to be, counted from 0: ("gold", chance), ("repeat", chance) or ("", 1).

    Each block of round(1 / rate) assignments holds one, at a place that the seed draws: the rate is exact, and
    nobody can tell the moment. Repeats are drawn among the places that gold leaves."""
    if n in _gold_places(seed, seat, n, n + 1, gold_rate):
        return "gold", 1 / _block(gold_rate)
    if repeat_rate > 0:
        size = _block(repeat_rate)
        start = n - n % size
        gold = _gold_places(seed, seat, start, start + size, gold_rate)
        free = [place for place in range(start, start + size) if place not in gold]
        if free and free[_drawn(seed, seat, n // size, "repeat") % len(free)] == n:
            return "repeat", 1 / size
    return "", 1.0


def _block(rate: float) -> int:
    return max(2, round(1 / rate))


def _gold_places(seed: int, seat: int, start: int, stop: int, rate: float) -> set[int]:
    """Places of gold in every block that touches start…stop."""
    if rate <= 0:
        return set()
    size = _block(rate)
    blocks = range(start // size, (stop - 1) // size + 1)
    return {block * size + _drawn(seed, seat, block, "gold") % size for block in blocks}


def _drawn(seed: int, seat: int, block: int, what: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{seat}:{block}:{what}".encode(), digest_size=8).digest())


def check_key(seed: int, seat: int, task: int) -> bytes:
    """In which order a seat meets gold tasks, and which of its tasks is repeated: the smallest key first."""
    return hashlib.blake2b(f"{seed}:{seat}:{task}:check".encode(), digest_size=8).digest()


def side_coin(seed: int, seat: int, task: int) -> bool:
    """The seeded coin that decides the first side of a pair for a rater: True swaps."""
    return hashlib.blake2b(f"{seed}:{seat}:{task}:side".encode(), digest_size=1).digest()[0] & 1 == 1


def order_shown(seed: int, seat: int, nth: int, width: int) -> list[int]:
    """The order in which the `nth` task of a seat shows three outputs or more: a row of a Williams square, whose rows
    are shuffled and whose letters are dealt anew for each block. In every block of a seat's tasks each system stands
    at each position equally often, and each comes directly behind each other equally often.
    Williams, Australian Journal of Scientific Research A 2, 1949."""
    square = _williams(width)
    block, place = divmod(nth, len(square))
    rows = _shuffled(len(square), f"{seed}:{seat}:{block}:rows")
    dealt = _shuffled(width, f"{seed}:{seat}:{block}:letters")
    return [dealt[column] for column in square[rows[place]]]


def _williams(width: int) -> list[list[int]]:
    """Rows 0, 1, n−1, 2, n−2, … and what follows by adding one; for an odd number also each of them backwards."""
    first = [(step + 1) // 2 if step % 2 else (width - step // 2) % width for step in range(width)]
    rows = [[(each + shift) % width for each in first] for shift in range(width)]
    return rows + [row[::-1] for row in rows] if width % 2 else rows


def _shuffled(n: int, key: str) -> list[int]:
    return sorted(range(n), key=lambda i: hashlib.blake2b(f"{key}:{i}".encode(), digest_size=8).digest())


def with_checks(normal: int, gold: int, gold_rate: float, repeat_rate: float) -> int:
    """How many tasks a rater meets in all. Gold tasks and repeats are counted like any task: a total without them would
    give them away."""
    among = normal / (1 - gold_rate - repeat_rate) if gold_rate + repeat_rate < 1 else normal
    return normal + min(gold, int(among * gold_rate + 0.5)) + int(among * repeat_rate)


def capped(total: int, cap: int | None) -> int:
    return min(total, cap) if cap else total
