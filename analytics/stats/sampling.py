"""How the outputs that people rated were chosen, and what may be said about the others because of it."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from analytics.stats._rows import numbers
from analytics.stats.coding import FloatArray

# As a round declares it, and "chosen": picked by somebody for a reason.
SampleDesign = Literal["census", "random", "stratified", "weighted", "unknown", "chosen"]
DESIGNS: tuple[SampleDesign, ...] = get_args(SampleDesign)

_CHOSEN = (
    "The rated outputs were chosen, not drawn by chance, so they say nothing certain about the others: draw a random "
    "sample, or report the rated outputs only."
)
_UNKNOWN = (
    "How the rated outputs were chosen is not known. If they are no random sample the figure is wrong by an amount "
    "that no interval shows, so none is claimed."
)
_CENSUS = (
    "The design says that every output was rated, yet there are others: they belong to another population, about which "
    "these ratings say nothing."
)


class Standing(NamedTuple):
    """`refusal`: no figure at all; `doubt`: a figure without an interval. Both empty: a random sample."""

    refusal: str
    doubt: str


def standing(design: SampleDesign, probability: ArrayLike | None, *, others: bool = True) -> Standing:
    """What a sample design allows. `others`: the figure speaks of outputs that nobody rated.

    Raises ValueError for a design that is not one of DESIGNS.
    """
    if design not in DESIGNS:
        raise ValueError(f"Unknown sample design {design!r}: use {', '.join(DESIGNS)}.")
    if design == "chosen":
        return Standing(_CHOSEN, "")
    if design == "census" and others:
        return Standing(_CENSUS, "")
    if design == "weighted" and probability is None:
        return Standing(
            "A sample with unequal chances can be used only with the inclusion probability of each rated output.", ""
        )
    return Standing("", _UNKNOWN if design == "unknown" else "")


def design_weights(probability: ArrayLike | None, size: int) -> FloatArray | None:
    """1 / inclusion probability of each rated output, or None where all are the same.

    Raises ValueError unless every probability lies in (0, 1] and there is one for each output.
    """
    if probability is None:
        return None
    found = numbers("inclusion probability", probability)
    if len(found) != size:
        raise ValueError(f"There are {len(found)} inclusion probabilities for {size} rated outputs.")
    wrong = np.flatnonzero(~((found > 0) & (found <= 1)))
    if wrong.size:
        raise ValueError(
            f"An inclusion probability is above 0 and at most 1; number {wrong[0] + 1} is {found[wrong[0]]:g}. An "
            "output that could not be drawn says nothing about the others."
        )
    return None if size and np.ptp(found) == 0 else 1 / found
