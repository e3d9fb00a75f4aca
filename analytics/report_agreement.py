"""Agreement on the page: three figures a criterion, warnings beside them, and all other coefficients behind a fold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from analytics.charts import Axis, interval
from analytics.charts.axis import coefficient_axis
from analytics.report_parts import Figures, Line, ends, figures, grouped, warnings_of
from analytics.report_words import Said, level_name, say
from analytics.sections.answer import RELIABLE, TENTATIVE, is_skewed

NAMES = {
    "krippendorff_alpha": "Krippendorff’s α",
    "krippendorff_alpha_with_excluded": "Krippendorff’s α with the excluded raters",
    "gwet_ac1": "Gwet’s AC1",
    "gwet_ac2": "Gwet’s AC2",
    "percent_agreement": "Same answer",
    "fleiss_kappa": "Fleiss’ kappa",
    "conger_kappa": "Conger’s kappa",
    "brennan_prediger": "Brennan-Prediger",
    "fleiss_kappa_weighted": "Fleiss’ kappa, weighted",
    "conger_kappa_weighted": "Conger’s kappa, weighted",
    "brennan_prediger_weighted": "Brennan-Prediger, weighted",
    "cohen_kappa": "Cohen’s kappa",
    "cohen_kappa_weighted": "Cohen’s kappa, weighted",
    "icc_2_1": "ICC(2,1), one rating",
    "icc_2_k": "ICC(2,k), mean rating",
    "icc_3_1": "ICC(3,1), severity ignored",
    "icc_3_k": "ICC(3,k), severity ignored",
}
# Those that a level of measurement has no room for: left out there without a word, as nobody misses them.
_NEED_DISTANCES = ("icc_2_1", "icc_2_k", "icc_3_1", "icc_3_k")
_UNFIT = {"nominal": (*_NEED_DISTANCES, "gwet_ac2"), "ordinal": _NEED_DISTANCES}
_BANDS = {"reliable": "reliable", "tentative": "fit for tentative conclusions", "not reliable": "not reliable"}


@dataclass(frozen=True)
class LevelLine:
    name: str
    count: int
    share: Said
    agreement: Said | None


@dataclass(frozen=True)
class AgreementMore:
    """What stands behind the fold of one criterion."""

    key: str
    coefficients: Figures
    these_raters: Figures
    levels: list[LevelLine]
    benchmark: str


@dataclass(frozen=True)
class Agreement:
    lines: list[Line] = field(default_factory=list)
    axis: Axis = field(default_factory=lambda: coefficient_axis([]))
    band: tuple[str, str] = ("", "")
    # Warnings about the figures in the table, each with the criteria it is about.
    warnings: list[tuple[str, str]] = field(default_factory=list)
    more: list[AgreementMore] = field(default_factory=list)


def agreement_part(body: dict[str, Any]) -> Agreement:
    found = body["agreement"]
    criteria = [c for c in body["criteria"] if c["key"] in found]
    if not criteria:
        return Agreement()
    axis = coefficient_axis(
        end for c in criteria for end in ends(found[c["key"]]["krippendorff_alpha"], found[c["key"]]["gwet_ac1"])
    )
    lines = [_line(c, found[c["key"]], axis) for c in criteria]
    warnings = grouped((c["key"], _warnings(found[c["key"]])) for c in criteria)
    more = [_more(c, found[c["key"]]) for c in criteria if "specific_agreement" in found[c["key"]]]
    band = (axis.at(TENTATIVE), axis.width(TENTATIVE, RELIABLE))
    return Agreement(lines, axis, band, warnings, more)


def _line(criterion: dict[str, Any], found: dict[str, Any], axis: Axis) -> Line:
    alpha = found["krippendorff_alpha"]
    chosen, name = _gwet(found)
    gwet, same = say(chosen), say(found["percent_agreement"])
    return Line(
        name=criterion["key"],
        mark=interval(alpha, axis),
        said=say(alpha),
        tags=("skewed",) if is_skewed(found) else (),
        cells=(
            gwet.value if gwet.is_known else "not estimable",
            f"{name} {gwet.interval}",
            same.value if same.is_known else "not estimable",
            same.interval,
            str(found["n_ratings"]),
            criterion["question"],
            population(alpha),
        ),
    )


def _gwet(found: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """AC2 counts near misses as the criterion's level does; at the nominal level there are none."""
    return (found["gwet_ac2"], "AC2") if found["ac2_weights"] else (found["gwet_ac1"], "AC1")


def population(estimate: dict[str, Any]) -> str:
    """Whom an interval speaks of, as its method says."""
    if estimate["status"] != "ok":
        return ""
    return "raters like these" if "raters like these" in estimate["method"] else "these raters"


def _warnings(found: dict[str, Any]) -> list[str]:
    """About the figures in sight only: those of the others stand beside them."""
    shown = [found["krippendorff_alpha"], _gwet(found)[0], found["percent_agreement"]]
    skewed = [text for text in found["warnings"] if text.startswith("Skewed categories")]
    return [*skewed, *warnings_of(*shown)]


def _more(criterion: dict[str, Any], found: dict[str, Any]) -> AgreementMore:
    unfit = _UNFIT.get(found["level_of_measurement"], ())
    named = [(NAMES[name], found[name]) for name in NAMES if name in found and name not in unfit]
    fixed = found["these_raters"]
    return AgreementMore(
        key=criterion["key"],
        coefficients=figures(named),
        these_raters=figures((NAMES[name], fixed[name]) for name in NAMES if name in fixed),
        levels=_levels(criterion, found),
        benchmark=_benchmark(found),
    )


def _levels(criterion: dict[str, Any], found: dict[str, Any]) -> list[LevelLine]:
    specific = {str(x["level"]): x for x in found["specific_agreement"]["levels"]}
    rows = []
    for entry in found["shares"]["levels"] if specific else ():
        own = specific.get(str(entry["level"]))
        agreement = say(own["agreement"]) if own else None
        rows.append(LevelLine(level_name(criterion, entry["level"]), entry["count"], say(entry["share"]), agreement))
    return rows


def _benchmark(found: dict[str, Any]) -> str:
    scale = found["benchmark"]
    if not scale["bands"]:
        return f"No word for this agreement: {scale['reason']}"
    chances = ", ".join(f"{_BANDS[band['name']]} {100 * band['probability']:.0f} %" for band in scale["bands"])
    low = say(found["krippendorff_alpha"]).interval.strip("[]").split(", ")[0]
    return (
        f"By its lower limit, {low}, α is {_BANDS[scale['by_limit']]} on Krippendorff’s scale. "
        f"The chances of each word: {chances}."
    )
