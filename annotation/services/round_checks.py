"""What a round's settings must be. Refusals are full sentences that say what is accepted."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext

from annotation.lanes import Requirements
from annotation.models import Round
from annotation.pairing import PAIRINGS, Pairs
from annotation.ranked_sets import MOST, Sets
from annotation.sampling import ALLOCATIONS, Sample
from annotation.services.renewing import INTERVALS, MEAN, STRENGTH, Narrow, criterion_to_narrow
from annotation.strategies import STRATEGIES, WIN
from projects.abilities import MAX_WORD
from projects.errors import ServiceError
from projects.models import Project, System
from rubrics.criteria import CRITERIA
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of

MOST_SETS = 100  # of one item


def check_round(
    project: Project,
    name: str,
    mode: str,
    version: RubricVersion,
    systems: Sequence[System],
    overlap: int,
    strategy: str,
) -> None:
    if not name.strip():
        raise ServiceError(gettext("A round needs a name."), field="name")
    if mode not in Round.Mode.values:
        raise ServiceError(
            gettext("“%(mode)s” is not a mode. Accepted: %(join)s.")
            % {"mode": mode, "join": ", ".join(Round.Mode.values)},
            field="mode",
        )
    if strategy not in STRATEGIES:
        raise ServiceError(
            gettext("“%(strategy)s” is not a strategy. Accepted: %(join)s.")
            % {"strategy": strategy, "join": ", ".join(STRATEGIES)},
            field="strategy",
        )
    if not 1 <= overlap <= 100:
        raise ServiceError(gettext("Raters for each task must be a whole number from 1 to 100."), field="overlap")
    if not version.is_frozen:
        raise ServiceError(
            gettext("Publish the rubric version before a round uses it, so that it cannot change."),
            field="rubric_version",
        )
    if version.status == RubricVersion.Status.ARCHIVED:
        raise ServiceError(
            gettext("Version %(number)s of “%(name)s” is archived. Bring it back, or choose another.")
            % {"number": version.number, "name": version.rubric.name},
            field="rubric_version",
        )
    if version.rubric.project_id not in (None, project.pk) or any(s.project_id != project.pk for s in systems):
        raise ServiceError(gettext("The rubric and the systems must belong to this project."))
    if mode != Round.Mode.SCORE and len(systems) == 1:
        wanted = (
            gettext("Choose at least two systems to compare.")
            if mode == Round.Mode.COMPARE
            else gettext("Choose at least two systems to rank.")
        )
        raise ServiceError(wanted, field="systems")
    _check_criteria(version, mode)


def check_sample(sample: Sample) -> None:
    """What a sample design needs is there, and nothing that it does not know."""
    if problem := _sample_problem(sample):
        raise ServiceError(problem, field="sample")


def _sample_problem(sample: Sample) -> str:
    design = sample.design
    if design not in Round.Design.values:
        return gettext("“%(design)s” is not a sample design. Accepted: %(join)s.") % {
            "design": design,
            "join": ", ".join(Round.Design.values),
        }
    if sample.size is not None and sample.size < 1:
        return gettext("A sample needs at least one item.")
    if sample.allocation not in ALLOCATIONS:
        return gettext("“%(allocation)s” is not an allocation. Accepted: %(join)s.") % {
            "allocation": sample.allocation,
            "join": ", ".join(ALLOCATIONS),
        }
    if sample.size is not None and sample.sizes:
        return gettext("Say how many to draw in all, or how many of each stratum, but not both.")
    if sample.sizes and design != Round.Design.STRATIFIED:
        return gettext("Sizes of strata belong to a stratified sample.")
    if sample.weight and design != Round.Design.WEIGHTED:
        return gettext("A weight belongs to a weighted sample.")
    if sample.draws and design == Round.Design.STRATIFIED and not sample.strata:
        return gettext("A stratified sample needs its strata: language, or what the tags begin with, such as topic.")
    if sample.draws and design == Round.Design.WEIGHTED and not sample.weight:
        return gettext("A weighted sample needs its weight: the name of the items’ metadata that holds a number.")
    if sample.population is not None and sample.draws and design in (Round.Design.STRATIFIED, Round.Design.WEIGHTED):
        return gettext(
            "A population is for a simple random sample: with strata or weights its chances would not be known."
        )
    return ""


def _check_criteria(version: RubricVersion, mode: str) -> None:
    for criterion in spec_of(version).criteria:
        modes = CRITERIA[criterion.type].modes
        if mode not in modes:
            shown = gettext("several answers") if "rank" in modes else gettext("two answers")
            raise ServiceError(
                gettext("The criterion “%(key)s” needs %(shown)s side by side, so the round's mode must be %(join)s.")
                % {"key": criterion.key, "shown": shown, "join": " or ".join(modes)},
                field="mode",
            )


def blind_title(title: str, systems: Sequence[System]) -> str:
    """Raters see the title, so it must name no system."""
    for system in systems:
        for word in (system.name, system.label):
            if len(word) > 1 and word.casefold() in title.casefold():
                raise ServiceError(
                    gettext(
                        "The title raters see names the system “%(word)s”. Give the round a title for raters "
                        "without it."
                    )
                    % {"word": word},
                    field="title",
                )
    return title


def check_pairs(pairs: Pairs, mode: str, baseline: System | None, strategy: str) -> None:
    if problem := _pairs_problem(pairs, mode, baseline, strategy):
        raise ServiceError(problem, field="pairs")


def _pairs_problem(pairs: Pairs, mode: str, baseline: System | None, strategy: str) -> str:
    if pairs.design not in PAIRINGS:
        return gettext("“%(design)s” is not a design of pairs. Accepted: %(join)s.") % {
            "design": pairs.design,
            "join": ", ".join(PAIRINGS),
        }
    if pairs != Pairs() and mode != Round.Mode.COMPARE:
        return gettext("A design of pairs belongs to a round that compares two outputs.")
    if pairs.design == "baseline" and baseline is None:
        return gettext("Say which system is the baseline.")
    if pairs.per_item is not None and pairs.design != "balanced":
        return gettext("A number of pairs of an item belongs to the balanced design.")
    if pairs.per_item is not None and pairs.per_item < 1:
        return gettext("An item needs at least one pair.")
    if pairs.design == "adaptive" and STRATEGIES[strategy].take != WIN:
        return gettext("Adaptive pairs need the order “Most uncertain first” (uncertain).")
    return ""


def check_sets(sets: Sets, mode: str) -> None:
    if sets != Sets() and mode != Round.Mode.RANK:
        raise ServiceError(
            gettext("How many outputs are ranked at a time belongs to a round that ranks."), field="sets"
        )
    if sets.size is not None and not 2 <= sets.size <= MOST:
        raise ServiceError(
            gettext("From 2 to %(most)s outputs can be ranked at a time, not %(size)s.")
            % {"most": MOST, "size": sets.size},
            field="sets",
        )
    if sets.per_item is not None and not 1 <= sets.per_item <= MOST_SETS:
        raise ServiceError(
            gettext("An item gives 1 to %(most)s sets, not %(per_item)s.")
            % {"most": MOST_SETS, "per_item": sets.per_item},
            field="sets",
        )


def check_narrow(
    narrow: Narrow | None, version: RubricVersion, mode: str, strategy: str, pairs: Pairs
) -> Narrow | None:
    """Which interval the round narrows; None where its order does not ask."""
    if STRATEGIES[strategy].take != WIN:
        if narrow is not None:
            raise ServiceError(
                gettext("An interval to narrow belongs to the order “Most uncertain first”."), field="strategy"
            )
        return None
    if mode == Round.Mode.RANK:
        why = "A round that ranks has no order that follows its judgments. Choose another order."
        raise ServiceError(why, field="strategy")
    found = narrow or Narrow(interval=STRENGTH if pairs.design == "adaptive" else MEAN)
    if problem := _narrow_problem(found, mode, pairs):
        raise ServiceError(problem, field="strategy")
    criterion_to_narrow(spec_of(version), mode, found.criterion)
    return found


def _narrow_problem(narrow: Narrow, mode: str, pairs: Pairs) -> str:
    if narrow.interval not in INTERVALS:
        return gettext("“%(interval)s” is not an interval. Accepted: %(join)s.") % {
            "interval": narrow.interval,
            "join": ", ".join(INTERVALS),
        }
    if narrow.interval == STRENGTH and mode != Round.Mode.COMPARE:
        return gettext("Only a round that compares two outputs gives strengths.")
    if pairs.design == "adaptive" and narrow.interval != STRENGTH:
        return gettext("Adaptive pairs narrow the interval of strengths: leave the interval out, or write strength.")
    return ""


def check_requirements(wants: Requirements, overlap: int) -> None:
    if problem := _requirements_problem(wants, overlap):
        raise ServiceError(problem, field="groups")


def _requirements_problem(wants: Requirements, overlap: int) -> str:
    names = [name for name, _ in wants.groups]
    if len(set(names)) < len(names):
        return gettext("A group is named twice. Name each once, with how many of its raters each task gets.")
    words = [*names, wants.qualification, *wants.tags.values()]
    if any(not name.strip() for name in [*names, *wants.tags.values()]):
        return gettext("A group and a qualification need a name.")
    if long := next((word for word in words if len(word) > MAX_WORD), ""):
        return gettext("“%(long)s” is too long for a qualification: at most %(most)s characters.") % {
            "long": long[:40],
            "most": MAX_WORD,
        }
    if any(n < 1 for _, n in wants.groups):
        return gettext("Each task needs at least one rater of a group that is named.")
    if wants.reserved > overlap:
        return gettext(
            "The groups ask for %(reserved)s raters for each task, and the round for %(overlap)s. "
            "Raise the raters for each task, or ask for fewer."
        ) % {"reserved": wants.reserved, "overlap": overlap}
    return ""
