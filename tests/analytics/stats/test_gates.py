"""Gates: no significant difference is no pass, and insufficient says how much is needed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from analytics.stats import scores
from analytics.stats.coding import code_ratings
from analytics.stats.gates import GateDecision, combined, equivalence, non_inferiority


def spread(mean: float, n: int, sd: float = 1.0) -> np.ndarray:
    """n numbers with exactly this mean and standard deviation."""
    values = np.linspace(-1, 1, n)
    return mean + sd * values / values.std(ddof=1)


def test_pass_fail_and_insufficient():
    passed = non_inferiority(spread(0.0, 400), range(400), margin=0.2)
    assert (passed.verdict, passed.p_value < 0.05) == ("pass", True)
    assert passed.estimate.low > -0.2
    failed = non_inferiority(spread(-0.5, 400), range(400), margin=0.2)
    assert (failed.verdict, failed.p_value > 0.95) == ("fail", True)
    small = non_inferiority(spread(0.0, 30), range(30), margin=0.2)
    assert small.verdict == "insufficient"
    assert "about 156 prompts" in small.reason
    assert json.loads(json.dumps(small.to_dict(), allow_nan=False))


def test_no_significant_difference_is_no_pass():
    """The old and the new do not differ significantly, and a loss of the margin is quite possible."""
    result = non_inferiority(spread(-0.1, 50), range(50), margin=0.2)
    assert result.estimate.low < 0 < result.estimate.high
    assert result.verdict == "insufficient"


def test_the_number_needed_gives_the_power_it_promises():
    rng = np.random.default_rng(0)
    needed = non_inferiority(spread(0, 30), range(30), margin=0.5).n_needed
    assert needed == 27
    draws = rng.normal(size=(2000, needed))
    t = 1.7056 * draws.std(axis=1, ddof=1) / np.sqrt(needed)  # t of 26 df at .95
    assert np.mean(draws.mean(axis=1) - t > -0.5) == pytest.approx(0.8, abs=0.03)


def test_lower_is_better_turns_the_sign():
    errors = spread(0.5, 400)
    assert non_inferiority(errors, range(400), margin=0.2, higher_is_better=False).verdict == "fail"
    assert non_inferiority(-errors, range(400), margin=0.2, higher_is_better=False).verdict == "pass"


def test_rows_of_a_prompt_are_averaged():
    values = spread(0.0, 60)
    once = non_inferiority(values, range(60), margin=0.2)
    again = non_inferiority(np.repeat(values, 5), np.repeat(range(60), 5), margin=0.2)
    assert (again.verdict, again.n_prompts) == (once.verdict, 60)
    assert (again.estimate.low, again.p_value) == pytest.approx((once.estimate.low, once.p_value))


def test_all_prompts_alike_need_the_span_of_the_scale():
    without = non_inferiority([0] * 100, range(100), margin=0.1)
    assert (without.verdict, without.p_value) == ("insufficient", None)
    with_span = non_inferiority([0] * 100, range(100), margin=0.1, span=1.0)
    assert with_span.verdict == "pass"
    # The rule of three: up to 3 % of other prompts may be lost, each by the whole scale.
    assert with_span.estimate.low == pytest.approx(-(1 - 0.05**0.01))
    few = non_inferiority([0] * 20, range(20), margin=0.1, span=1.0)
    assert few.verdict == "insufficient"
    for decision in (with_span, few):
        assert (decision.p_value < 0.05) == (decision.verdict == "pass")
    assert equivalence([0] * 100, range(100), margin=0.1, span=1.0).verdict == "pass"


def test_equivalence_passes_inside_fails_outside_and_is_open_between():
    assert equivalence(spread(0.0, 500), range(500), margin=0.2).verdict == "pass"
    assert equivalence(spread(0.5, 500), range(500), margin=0.2).verdict == "fail"
    assert equivalence(spread(-0.5, 500), range(500), margin=0.2).verdict == "fail"
    open_ = equivalence(spread(0.15, 100), range(100), margin=0.2)
    assert open_.verdict == "insufficient"
    assert open_.n_needed > non_inferiority(spread(0.15, 100), range(100), margin=0.2).n_needed


def test_nothing_is_decided_on_few_prompts():
    few = non_inferiority(spread(5.0, 9), range(9), margin=0.2)
    assert (few.verdict, few.estimate.status) == ("insufficient", "insufficient")
    none = non_inferiority([], [], margin=0.2)
    assert (none.verdict, none.estimate.status, none.n_needed) == ("insufficient", "not_estimable", None)
    assert non_inferiority([None, 1.0], [1, 2], margin=0.2).n_prompts == 1


def test_a_planned_loss_beyond_the_margin_has_no_number():
    result = non_inferiority(spread(0.0, 30), range(30), margin=0.2, planned_difference=-0.3)
    assert result.n_needed is None


def gates(**p: float | None) -> dict[str, GateDecision]:
    """Decisions with chosen p values at alpha .05."""
    made = {}
    for name, value in p.items():
        verdict = "pass" if value is not None and value < 0.05 else "insufficient"
        base = non_inferiority(spread(0, 30), range(30), margin=0.2)
        made[name] = GateDecision(**{**vars(base), "verdict": verdict, "p_value": value})
    return made


def test_all_required_needs_no_correction_and_any_is_corrected_by_holm():
    both = gates(correct=0.03, clear=0.04)
    assert combined(both, "all").verdict == "pass"
    any_ = combined(both, "any")
    assert (any_.verdict, any_.adjusted["correct"]) == ("insufficient", pytest.approx(0.06))
    assert combined(gates(correct=0.01, clear=0.9), "any").verdict == "pass"
    assert combined(gates(correct=0.01, clear=None), "all").verdict == "insufficient"
    failed = {"correct": non_inferiority(spread(-1, 100), range(100), margin=0.2)}
    assert combined(failed, "all").verdict == combined(failed, "any").verdict == "fail"
    assert combined(both | failed, "all").reason == "Failed: correct."


def test_differences_come_from_coded_ratings():
    new = code_ratings([1, 2, 3], None, list("xxx"), [3, 2, 1], [1, 2, 3])
    old = code_ratings([1, 2, 4], None, list("xxx"), [1, 2, 1], [1, 2, 3])
    gap, prompts = scores.prompt_differences(new, old)
    assert (gap.tolist(), prompts.tolist()) == ([2.0, 0.0], ["1", "2"])
    better, _ = scores.prompt_superiority(new, old)
    assert better.tolist() == [1.0, 0.5]


def test_bad_input_is_refused():
    for options, message in (
        ({"margin": 0}, "margin must be a finite number above 0"),
        ({"margin": 0.2, "alpha": 0.5}, "alpha must lie"),
        ({"margin": 0.2, "power": 1}, "power must lie"),
        ({"margin": 0.2, "span": 0}, "span of differences"),
    ):
        with pytest.raises(ValueError, match=message):
            non_inferiority([1, 2], [1, 2], **options)
    with pytest.raises(ValueError, match="at least one decision"):
        combined({}, "all")
    alphas = {"a": non_inferiority([1], [1], margin=1), "b": non_inferiority([1], [1], margin=1, alpha=0.01)}
    with pytest.raises(ValueError, match="different alphas"):
        combined(alphas, "all")
