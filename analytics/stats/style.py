"""Length and style control: what the strengths would be between answers of equal length and style.

Longer answers are often preferred. Part of that is quality, so the adjusted strengths are no truth that the
others hide: they answer another question, "at equal length". Show both, and the coefficient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from analytics.stats._sandwich import Clustering
from analytics.stats.battles import Battles
from analytics.stats.bradley_terry import bradley_terry, davidson
from analytics.stats.results import Estimate, TestedEstimate
from analytics.stats.strengths import StrengthFit

Model = Literal["bradley_terry", "davidson"]


@dataclass(frozen=True, eq=False)
class StyleControl:
    """The same model with and without the features; `coefficients` by feature, in logits for each root mean
    square of the difference."""

    adjusted: StrengthFit
    unadjusted: StrengthFit

    @property
    def coefficients(self) -> dict[str, TestedEstimate]:
        return self.adjusted.effects

    def estimates(self) -> tuple[Estimate, ...]:
        return self.adjusted.strengths + self.unadjusted.strengths

    def to_dict(self) -> dict[str, Any]:
        return {"adjusted": self.adjusted.to_dict(), "unadjusted": self.unadjusted.to_dict()}


def style_control(
    data: Battles,
    features: Sequence[str] = (),
    *,
    model: Model = "bradley_terry",
    position: bool = False,
    clusters: Clustering = "prompts",
    level: float = 0.95,
) -> StyleControl:
    """Strengths adjusted for `features` (all of the data's if none are named) beside unadjusted ones.

    Features are differences between the two answers, divided by their root mean square and never centred, so
    that writing a judgment from its other side changes only signs. A feature that follows from the systems (each
    system always writes the same length) cannot be told apart from their strengths and is left out with a
    reason. Raises ValueError if the data have no features, or not the one named.
    Source: Dubois et al., Length-Controlled AlpacaEval, 2024 (arXiv 2404.04475); style control in Chatbot Arena,
    2024.
    """
    names = tuple(features) or data.feature_names
    if not names:
        raise ValueError("The judgments have no features: pass features={name: differences} to code_battles.")
    fit = bradley_terry if model == "bradley_terry" else davidson
    return StyleControl(
        adjusted=fit(data, position=position, features=names, clusters=clusters, level=level),
        unadjusted=fit(data, position=position, clusters=clusters, level=level),
    )
