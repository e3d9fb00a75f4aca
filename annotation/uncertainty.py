"""Which tasks would narrow an interval most if they were judged next: pure functions of what was judged so far.

Both rankings are greedy: the task that promises most is taken, what its judgment would do to the interval is reckoned
in, and so on, so that the front of the order is not one system, nor one pair, only. See docs/algorithms/adaptive.md.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

_WITHIN_PRIOR = 4.0  # judgments' worth of the pooled spread in the spread of one task
_BETWEEN_PRIOR = 2.0  # tasks' worth of the spread of all in the spread of a group
_RIDGE = 0.5  # a prior of strengths that keeps systems which always won finite: half a comparison or so


@dataclass(frozen=True, slots=True)
class Judged:
    """A task with its answers so far (perhaps none), and whether more are wanted."""

    task: int
    group: str  # the system, or the pair of systems, whose mean it belongs to
    n: int = 0
    mean: float = 0.0
    squares: float = 0.0  # sum of squared deviations from the mean
    open: bool = True


@dataclass(slots=True)
class _Mean:
    """The mean of a group: over tasks, of each task's mean."""

    between: float
    within: float
    tasks: int
    variance: float
    fresh: list[Judged] = field(default_factory=list)  # in the order they would be taken
    begun: list[tuple[float, int, Judged]] = field(default_factory=list)  # (−what one more answer takes off, …)

    def best(self) -> tuple[float, bool]:
        """(how much narrower the half width gets, by a fresh task or not), in standard errors."""
        m, v = self.tasks, self.variance
        options = [(-1.0, False)]
        if self.fresh:
            if m < 2:
                return math.inf, True
            later = (m * m * v + self.between + self.within) / (m + 1) ** 2
            options.append((math.sqrt(v) - math.sqrt(later), True))
        if self.begun and m:
            later = max(0.0, v + self.begun[0][0] / m**2)
            options.append((math.sqrt(v) - math.sqrt(later), False))
        return max(options)

    def take(self, fresh: bool) -> Judged:
        m = self.tasks
        if fresh:
            self.variance = (m * m * self.variance + self.between + self.within) / (m + 1) ** 2
            self.tasks += 1
            return self.fresh.pop(0)
        gain, _, task = heapq.heappop(self.begun)
        self.variance = max(0.0, self.variance + gain / m**2)
        return task


def by_means(tasks: Sequence[Judged], size: int) -> list[int]:
    """The tasks whose next judgment promises to narrow the interval of their group's mean most."""
    groups = _means(tasks)
    return list(islice(_greedy(groups), size))


def widest_mean(tasks: Sequence[Judged]) -> tuple[str, float] | None:
    """(the group whose mean is least sure, its standard error); None where there is nothing to tell it by."""
    found = [(math.sqrt(mean.variance), group) for group, mean in _means(tasks).items() if mean.tasks >= 2]
    return (max(found)[1], max(found)[0]) if found else None


def _greedy(groups: Mapping[str, _Mean]) -> Iterator[int]:
    # Groups with too little to estimate by take turns, the least judged first.
    heap = [(-mean.best()[0], mean.tasks, group) for group, mean in groups.items()]
    heapq.heapify(heap)
    while heap:
        gain, _, group = heapq.heappop(heap)
        mean = groups[group]
        if gain > 0:  # −1: nothing of it is open
            continue
        yield mean.take(mean.best()[1]).task
        heapq.heappush(heap, (-mean.best()[0], mean.tasks, group))


def _means(tasks: Sequence[Judged]) -> dict[str, _Mean]:
    by_group: dict[str, list[Judged]] = {}
    for task in tasks:
        by_group.setdefault(task.group, []).append(task)
    judged = [t for t in tasks if t.n]
    if not judged:
        return {group: _Mean(0, 0, 0, 0, [t for t in members if t.open]) for group, members in by_group.items()}
    whole = _variance([t.mean for t in judged]) or 1.0
    # Without a second answer anywhere half of what differs is put down to raters.
    freedom = sum(t.n - 1 for t in judged)
    within = (sum(t.squares for t in judged) + whole / 2) / (freedom + 1)
    return {group: _mean(members, within, whole) for group, members in by_group.items()}


def _mean(members: list[Judged], within: float, whole: float) -> _Mean:
    judged = [t for t in members if t.n]
    m = len(judged)
    # Few answers that happen to be alike are not sure: a group starts from what all answers differ.
    spread = (_BETWEEN_PRIOR * whole + max(m - 1, 0) * _variance([t.mean for t in judged])) / (
        _BETWEEN_PRIOR + max(m - 1, 0)
    )
    share = sum(1 / t.n for t in judged) / m if m else 1.0  # of the raters' spread that is in a task's mean
    freedom = sum(t.n - 1 for t in judged)
    within = (_WITHIN_PRIOR * within + sum(t.squares for t in judged)) / (_WITHIN_PRIOR + freedom)
    within = min(within, 0.9 * spread / share)  # no more than the tasks' means differ in all
    between = spread - within * share
    variance, begun = 0.0, []
    for place, t in enumerate(judged):
        own = (_WITHIN_PRIOR * within + t.squares) / (_WITHIN_PRIOR + t.n - 1)  # raters differ more on some
        variance += (between + own / t.n) / m**2
        if t.open:
            begun.append((-own / (t.n * (t.n + 1)), place, t))
    heapq.heapify(begun)
    return _Mean(between, within, m, variance, [t for t in members if t.open and not t.n], begun)


def _variance(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return sum((v - mean) ** 2 for v in values) / (len(values) - 1)


# --- Strengths: which pair next --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Strengths:
    """Bradley-Terry strengths with a weak prior, and the inverse of their information."""

    systems: tuple[int, ...]
    value: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]

    def widest(self) -> tuple[int, float]:
        """(the system whose strength is least sure, its standard error)."""
        variance, system = max((self.covariance[n][n], s) for n, s in enumerate(self.systems))
        return system, math.sqrt(variance)


def strengths(wins: Mapping[tuple[int, int], tuple[float, float]], systems: Sequence[int]) -> Strengths:
    """From (a, b) → (wins of a, wins of b), ties counted half each; by Newton's method."""
    place = {system: n for n, system in enumerate(systems)}
    value = [0.0] * len(systems)
    covariance: list[list[float]] = []
    for _ in range(50):
        slope = [-_RIDGE * v for v in value]
        information = [[_RIDGE if i == j else 0.0 for j in range(len(systems))] for i in range(len(systems))]
        for (a, b), (won, lost) in wins.items():
            i, j, n = place[a], place[b], won + lost
            p = 1 / (1 + math.exp(value[j] - value[i]))
            slope[i] += won - n * p
            slope[j] -= won - n * p
            _add(information, i, j, n * p * (1 - p))
        covariance = _inverse(information)
        step = [sum(c * s for c, s in zip(row, slope, strict=True)) for row in covariance]
        value = [v + max(-2.0, min(2.0, d)) for v, d in zip(value, step, strict=True)]
        if max(map(abs, step), default=0.0) < 1e-9:
            break
    return Strengths(tuple(systems), tuple(value), tuple(tuple(row) for row in covariance))


def by_strengths(found: Strengths, open_tasks: Mapping[tuple[int, int], Sequence[int]], size: int) -> list[int]:
    """Tasks of the pairs that narrow the widest interval of a strength most, one after the other. Every comparison
    taken is reckoned in as if it had been made: it adds p(1 − p) of information about its pair."""
    place = {system: n for n, system in enumerate(found.systems)}
    covariance = [list(row) for row in found.covariance]
    left = {pair: list(tasks) for pair, tasks in sorted(open_tasks.items()) if tasks}
    chosen: list[int] = []
    while left and len(chosen) < size:
        widest = max(range(len(covariance)), key=lambda n: covariance[n][n])
        gains = {}
        for a, b in left:
            i, j = place[a], place[b]
            p = 1 / (1 + math.exp(found.value[j] - found.value[i]))
            w = p * (1 - p)
            reach = covariance[widest][i] - covariance[widest][j]
            gains[a, b] = w * reach**2 / (1 + w * _difference(covariance, i, j))
        pair = max(gains, key=lambda each: gains[each])
        chosen.append(left[pair].pop(0))
        if not left[pair]:
            del left[pair]
        i, j = place[pair[0]], place[pair[1]]
        p = 1 / (1 + math.exp(found.value[j] - found.value[i]))
        _learn(covariance, i, j, p * (1 - p))
    return chosen


def _difference(covariance: Sequence[Sequence[float]], i: int, j: int) -> float:
    return covariance[i][i] + covariance[j][j] - 2 * covariance[i][j]


def _learn(covariance: list[list[float]], i: int, j: int, w: float) -> None:
    """One more comparison of i and j, by the formula of Sherman and Morrison."""
    reach = [row[i] - row[j] for row in covariance]
    factor = w / (1 + w * _difference(covariance, i, j))
    for a, row in enumerate(covariance):
        for b in range(len(row)):
            row[b] -= factor * reach[a] * reach[b]


def _add(information: list[list[float]], i: int, j: int, w: float) -> None:
    information[i][i] += w
    information[j][j] += w
    information[i][j] -= w
    information[j][i] -= w


def _inverse(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """Of a positive definite matrix, by Gauss and Jordan: as many rows as a round has systems."""
    size = len(matrix)
    rows = [[*row, *(1.0 if i == j else 0.0 for j in range(size))] for i, row in enumerate(matrix)]
    for i in range(size):
        head = rows[i][i]
        rows[i] = [v / head for v in rows[i]]
        for k in range(size):
            if k != i and rows[k][i]:
                times = rows[k][i]
                rows[k] = [v - times * w for v, w in zip(rows[k], rows[i], strict=True)]
    return [row[size:] for row in rows]
