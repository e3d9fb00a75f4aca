"""How far raters mark the same passages of a text."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from analytics.stats._rows import codes, same_lengths
from analytics.stats.coding import weighted_count
from analytics.stats.intervals import Scope, mean_over_clusters
from analytics.stats.results import Estimate

Mark = tuple[int, int, Hashable]  # from, to, and what it is called


def span_f1(
    unit: ArrayLike,
    cluster: ArrayLike,
    rater: ArrayLike,
    marks: Sequence[Sequence[Mark]],
    *,
    same_label: bool = False,
    level: float = 0.95,
) -> Estimate:
    """Pairwise F1 of marked characters: twice what two raters both marked over what each of them marked; 0 to 1.

    One entry per rating in every argument; `marks` are (from, to, label), half open, and overlapping marks of one rater
    count each character once. With `same_label` a character counts as marked alike only under the same label. Two
    raters who both mark nothing agree: 1. Mean over the pairs of raters of a unit, over the units of a prompt, over
    prompts. Nothing corrects for chance, which is small where little is marked. Interval: sd/sqrt(G), t(G-1), over
    prompts, within 0..1. No unit with two ratings: not estimable. Raises ValueError: lengths, a missing entry.
    Source: Hripcsak & Rothschild, Journal of the American Medical Informatics Association 12, 2005.
    """
    of_unit, units = codes("unit", unit)
    of_cluster, _ = codes("cluster", cluster)
    of_rater, raters = codes("rater", rater)
    same_lengths(unit=of_unit, cluster=of_cluster, rater=of_rater, marks=marks)
    sums, pairs = np.zeros(len(units)), np.zeros(len(units), dtype=np.int64)
    rows = np.argsort(of_unit, kind="stable")
    starts = np.flatnonzero(np.diff(of_unit[rows], prepend=-1))
    for group in np.split(rows, starts[1:]) if len(rows) else []:
        covered = [_covered(marks[row], same_label) for row in group]
        for a, b in combinations(covered, 2):
            sums[of_unit[group[0]]] += _f1(a, b)
            pairs[of_unit[group[0]]] += 1
    used = np.flatnonzero(pairs)
    prompt_of = np.zeros(len(units), dtype=np.int64)
    prompt_of[of_unit] = of_cluster
    name = "pairwise F1 of marked characters" + (", same label" if same_label else "")
    judged = int(np.isin(of_unit, used).sum())
    prompts = len(np.unique(prompt_of[used]))
    scope = Scope(f"{name}; mean over prompts", "share", level, len(used), prompts, len(raters), judged)
    if not len(used):
        return Estimate.not_estimable(reason="No output was marked by two raters.", **scope.fields())
    _, place = np.unique(prompt_of[used], return_inverse=True)
    means = weighted_count(place, sums[used] / pairs[used], prompts) / np.bincount(place)
    return mean_over_clusters(means, scope, share=True)


def _covered(marks: Sequence[Mark], same_label: bool) -> Mapping[Hashable, list[tuple[int, int]]]:
    """By label (or under one) the marked stretches, without overlaps, in order."""
    found: dict[Hashable, list[tuple[int, int]]] = {}
    for start, end, label in sorted(marks, key=lambda mark: (mark[0], mark[1])):
        own = found.setdefault(label if same_label else "", [])
        if own and start <= own[-1][1]:
            own[-1] = (own[-1][0], max(own[-1][1], end))
        else:
            own.append((start, end))
    return found


def _f1(a: Mapping[Hashable, list[tuple[int, int]]], b: Mapping[Hashable, list[tuple[int, int]]]) -> float:
    sizes = sum(end - start for side in (a, b) for own in side.values() for start, end in own)
    if not sizes:
        return 1.0
    both = sum(
        max(0, min(x[1], y[1]) - max(x[0], y[0])) for label, own in a.items() for x in own for y in b.get(label, ())
    )
    return 2 * both / sizes
