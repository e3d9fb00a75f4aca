"""Rogan-Gladen: the interval knows that se and sp are estimates, and nothing is clipped in silence."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.stats.misclassification import corrected_share, rogan_gladen


def answers(hits: int, n: int) -> list[int]:
    return [1] * hits + [0] * (n - hits)


def screened(judged: list[int], yes: tuple[int, int], no: tuple[int, int], **options):
    """`yes`: said yes of people's yes; `no`: said yes of people's no."""
    judge = answers(*yes) + answers(*no)
    human = [1] * yes[1] + [0] * no[1]
    return rogan_gladen(judged, judge, human, **{"design": "random", **options})


def test_the_textbook_value_and_what_it_refuses():
    assert corrected_share(0.7, 0.9, 0.8) == pytest.approx(0.714286, abs=1e-6)
    with pytest.raises(ValueError, match="knows nothing"):
        corrected_share(0.7, 0.5, 0.5)
    with pytest.raises(ValueError, match="sensitivity must lie between 0 and 1"):
        corrected_share(0.7, 90, 0.8)


def test_both_intervals_contain_the_uncertainty_of_the_judges_errors():
    judged = answers(7000, 10_000)
    delta = screened(judged, (45, 50), (10, 50))
    bootstrap = screened(judged, (45, 50), (10, 50), interval="bootstrap")
    known = 2 * 1.96 * np.sqrt(0.21 / 10_000) / 0.7
    for result in (delta, bootstrap):
        assert result.estimate.value == pytest.approx(0.714286, abs=1e-6)
        assert result.estimate.high - result.estimate.low > 5 * known
    assert bootstrap.estimate.low == pytest.approx(delta.estimate.low, abs=0.03)
    assert (delta.estimate.seed, bootstrap.estimate.seed) == (None, 0)
    assert delta.youden == pytest.approx(0.7)


def test_outputs_of_one_prompt_are_one_observation():
    judged, judge, human = answers(14, 20), answers(9, 10) + answers(2, 10), answers(10, 10) + answers(0, 10)
    once = rogan_gladen(judged, judge, human, design="random", cluster=range(20), validated_cluster=range(20))
    five = [np.repeat(column, 5) for column in (judged, judge, human, range(20), range(20))]
    again = rogan_gladen(*five[:3], design="random", cluster=five[3], validated_cluster=five[4])
    assert (again.estimate.low, again.estimate.high) == pytest.approx((once.estimate.low, once.estimate.high))
    apart = rogan_gladen(*five[:3], design="random")
    assert apart.estimate.high - apart.estimate.low < 0.6 * (once.estimate.high - once.estimate.low)


def test_a_judge_who_was_never_wrong_so_far_is_not_taken_for_infallible():
    perfect = screened(answers(300, 1000), (20, 20), (0, 20))
    assert (perfect.sensitivity.value, perfect.estimate.value) == (1.0, pytest.approx(0.3))
    sure = 2 * 1.96 * np.sqrt(0.21 / 1000)
    assert perfect.estimate.high - perfect.estimate.low > 1.5 * sure


def test_a_value_outside_0_to_1_is_shown_at_the_edge_and_told():
    result = screened(answers(10, 1000), (45, 50), (10, 50))
    assert (result.estimate.value, result.estimate.low) == (0.0, 0.0)
    assert any("came out at -0.271" in text for text in result.estimate.warnings)
    assert "clipped to 0..1" in result.estimate.method


def test_a_judge_near_chance_is_unstable_and_at_chance_of_no_use():
    weak = screened(answers(500, 1000), (60, 100), (40, 100))
    assert any("tells yes from no badly" in text for text in weak.estimate.warnings)
    useless = screened(answers(500, 1000), (50, 100), (50, 100))
    assert useless.estimate.status == "not_estimable"
    assert "no more often" in useless.estimate.reason
    assert useless.youden == pytest.approx(0)


def test_another_systems_errors_are_doubted():
    result = screened(answers(700, 1000), (45, 50), (10, 50), same_system=False)
    assert any("another system" in text for text in result.estimate.warnings)


def test_a_sample_that_follows_the_judges_answer_needs_its_probabilities():
    """All of the judge's yes were validated and a tenth of its no: unweighted, sensitivity is far too high."""
    rng = np.random.default_rng(0)
    truth = rng.random(20_000) < 0.4
    judge = np.where(truth, rng.random(20_000) < 0.7, rng.random(20_000) < 0.1).astype(int)
    chance = np.where(judge == 1, 1.0, 0.1)
    drawn = rng.random(20_000) < chance
    sample = (judge, judge[drawn], truth[drawn])
    naive = rogan_gladen(*sample, design="random")
    weighted = rogan_gladen(*sample, design="weighted", inclusion_probability=chance[drawn])
    assert naive.sensitivity.value > 0.9
    assert weighted.sensitivity.value == pytest.approx(0.7, abs=0.03)
    assert weighted.estimate.low < 0.4 < weighted.estimate.high
    assert not naive.estimate.low < 0.4 < naive.estimate.high
    assert rogan_gladen(*sample, design="weighted").estimate.status == "not_estimable"


@pytest.mark.parametrize(("design", "status"), [("chosen", "not_estimable"), ("unknown", "insufficient")])
def test_a_sample_that_is_not_random_is_refused_or_flagged(design: str, status: str):
    assert screened(answers(700, 1000), (45, 50), (10, 50), design=design).estimate.status == status


def test_too_little_says_why():
    assert "no answers of the judge" in screened([], (45, 50), (10, 50)).estimate.reason
    assert "said yes on 0" in screened([1, 0], (0, 0), (10, 50)).estimate.reason
    few = screened(answers(7, 10), (3, 3), (0, 3))
    assert (few.estimate.status, few.estimate.low) == ("insufficient", None)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="judged answers are 1 .yes., 0 .no. or missing; found 2"):
        rogan_gladen([1, 2], [1], [1], design="random")
    with pytest.raises(ValueError, match="Lengths differ: validated_judge 1, validated_human 2"):
        rogan_gladen([1, 0], [1], [1, 0], design="random")
    with pytest.raises(ValueError, match="clusters of both"):
        rogan_gladen([1, 0], [1], [1], design="random", cluster=[1, 2])
    with pytest.raises(ValueError, match="Unknown sample design"):
        rogan_gladen([1, 0], [1], [1], design="lucky")
    with pytest.raises(ValueError, match="delta or bootstrap"):
        screened(answers(700, 1000), (45, 50), (10, 50), interval="wald")
