"""Where an interval is known to hold the truth less often than it says, in one place.

The rules come from the simulations of docs/algorithms/coverage-agreement.md and coverage-automated.md. Each reads what
an estimate says of itself: its raters, prompts, outputs, and whom it speaks of. A note is a warning beside the figure,
never a correction of it. Correlations between systems, win rates, ranks and slices carry their own warnings from where
they are computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analytics.stats.coding import Measurement
from analytics.stats.results import Estimate

# The largest numbers at which the simulations fell short; beyond them the intervals held.
FEW_RATERS = 5
SHORT_PROMPTS = 50
VERY_FEW_PROMPTS = 30
SHORT_OUTPUTS = 200
# Mean ratings an output above this share of the raters: nearly everybody rated everything.
CROSSED = 0.9
# Above this the outputs of a prompt are several.
SEVERAL = 1.5

CHANCE_CORRECTED = ("gwet_ac1", "fleiss_kappa", "conger_kappa", "brennan_prediger")
PARTIAL_CREDIT = ("gwet_ac2", "brennan_prediger_weighted")
INTRACLASS = ("icc_2_1", "icc_2_k", "icc_3_1", "icc_3_k")


@dataclass(frozen=True)
class Shortfall:
    """Statistics, the case in which their 95 % interval fell short, how often it held then, and the case in words."""

    statistics: tuple[str, ...]
    met: Callable[[Estimate], bool]
    held: str
    case: Callable[[Estimate], str]
    levels: tuple[Measurement, ...] = ()  # empty: all

    def note(self, estimate: Estimate) -> str:
        return (
            f"{self.case(estimate)}, such a 95 % interval held the true value in {self.held} of simulated studies: "
            "take it as somewhat too narrow."
        )


def _for_raters_like_these(estimate: Estimate) -> bool:
    return "raters like these" in estimate.method


def _few_raters(estimate: Estimate) -> bool:
    return _for_raters_like_these(estimate) and 0 < estimate.n_raters <= FEW_RATERS


def _several_outputs(estimate: Estimate) -> bool:
    return estimate.n_units > SEVERAL * estimate.n_clusters


def _crossed(estimate: Estimate) -> bool:
    return estimate.n_judgments >= CROSSED * estimate.n_raters * estimate.n_units


def _few_of_several(estimate: Estimate) -> bool:
    return _few_raters(estimate) and _crossed(estimate) and _several_outputs(estimate)


def _few_anyhow(estimate: Estimate) -> bool:
    return _few_raters(estimate) and (_crossed(estimate) or _several_outputs(estimate))


def _few_of_prompts_with_several(estimate: Estimate) -> bool:
    # Consistency speaks of these raters and falls short as well.
    return 0 < estimate.n_raters <= FEW_RATERS and _several_outputs(estimate)


def _few_outputs(estimate: Estimate) -> bool:
    return not _for_raters_like_these(estimate) and estimate.n_units < SHORT_OUTPUTS


def _few_prompts(estimate: Estimate) -> bool:
    return not _for_raters_like_these(estimate) and estimate.n_clusters < SHORT_PROMPTS


def _very_few_prompts(estimate: Estimate) -> bool:
    return estimate.n_clusters < VERY_FEW_PROMPTS


def _few_lone_outputs(estimate: Estimate) -> bool:
    return _few_prompts(estimate) and not _several_outputs(estimate)


def _raters(estimate: Estimate) -> str:
    each = " who rated nearly everything" if _crossed(estimate) else ""
    return f"With {estimate.n_raters} raters{each}"


def _raters_and_outputs(estimate: Estimate) -> str:
    return f"With {estimate.n_raters} raters and several outputs a prompt"


def _outputs(estimate: Estimate) -> str:
    return f"With {estimate.n_units} outputs"


def _prompts(estimate: Estimate) -> str:
    return f"With {estimate.n_clusters} prompts"


SHORTFALLS: tuple[Shortfall, ...] = (
    Shortfall(("percent_agreement", *CHANCE_CORRECTED), _few_of_several, "89 to 94 %", _raters),
    Shortfall(("krippendorff_alpha",), _few_of_several, "91 %", _raters, ("nominal",)),
    Shortfall(PARTIAL_CREDIT, _few_anyhow, "85 to 93 %", _raters),
    Shortfall(PARTIAL_CREDIT, _few_outputs, "91 to 92 %", _outputs),
    Shortfall(("krippendorff_alpha",), _few_lone_outputs, "92 %", _prompts, ("interval", "ratio")),
    Shortfall(("specific_agreement",), _few_prompts, "89 to 92 %", _prompts),
    Shortfall(("cohen_kappa_weighted",), _few_lone_outputs, "90 %", _prompts),
    Shortfall(INTRACLASS, _few_of_prompts_with_several, "90 to 92 %", _raters_and_outputs),
    Shortfall(("pearson",), _few_prompts, "92 to 94 %", _prompts),
    Shortfall(("human_ceiling",), _very_few_prompts, "92 to 94 %", _prompts),
)


def coverage_notes(statistic: str, estimate: Estimate, measurement: Measurement | None = None) -> tuple[str, ...]:
    """What must be said beside this interval, by the statistic's name; nothing where there is no interval."""
    if estimate.status != "ok":
        return ()
    return tuple(
        rule.note(estimate)
        for rule in SHORTFALLS
        if statistic in rule.statistics and (not rule.levels or measurement in rule.levels) and rule.met(estimate)
    )


def noted(statistic: str, estimate: Estimate, measurement: Measurement | None = None) -> Estimate:
    """The same estimate with the notes of its case among its warnings."""
    return estimate.with_warnings(*coverage_notes(statistic, estimate, measurement))
