"""Reference values of consensus: published where there are any, else worked by hand."""

from __future__ import annotations

from collections.abc import Callable

from analytics.stats.coding import CodedRatings, code_ratings
from analytics.stats.consensus import majority_vote
from analytics.stats.dawid_skene import LatentLabels, dawid_skene, one_coin
from analytics.stats.rater_adjusted import rater_adjusted_mean
from tests.analytics.stats.reference import Reference

# Dawid & Skene, Applied Statistics 28, 1979, table 1: five anaesthetists' assessments of 45 patients, the first
# one's three times.
ASSESSMENTS = (
    ("1", "131222132242121111222222112111131224223111212"),
    ("1", "131222232342122111222222113111131223233112322"),
    ("1", "132222232242121111222221112112131223123111212"),
    ("2", "142333232243131211212232112111131234233112212"),
    ("3", "131123142243121111232222112111121223224111212"),
    ("4", "132222132244111111222222112112131234333111212"),
    ("5", "142122133343121111122122112111131223232111212"),
)


def anaesthetists() -> CodedRatings:
    patient = [number for _, line in ASSESSMENTS for number in range(len(line))]
    observer = [name for name, line in ASSESSMENTS for _ in line]
    grade = [int(digit) for _, line in ASSESSMENTS for digit in line]
    return code_ratings(patient, None, observer, grade, [1, 2, 3, 4], keep_repeats=True)


def three_raters() -> CodedRatings:
    """Three raters of accuracy .9, .8 and .7 on 2000 outputs with two equally frequent labels, in exactly the
    expected numbers: .9 x .8 x .7 + .1 x .2 x .3 = .51 of the outputs get three equal votes, and so on. The table
    is saturated, so the maximum of the likelihood is at these accuracies."""
    counts = {"aaa": 510, "bbb": 510, "aab": 230, "bba": 230, "aba": 150, "bab": 150, "baa": 110, "abb": 110}
    votes = [pattern for pattern, count in counts.items() for _ in range(count)]
    unit = [number for number in range(len(votes)) for _ in range(3)]
    return code_ratings(unit, None, list("xyz") * len(votes), list("".join(votes)), ["a", "b"])


def fitted(
    model: Callable[..., LatentLabels], data: Callable[[], CodedRatings], read: Callable[[LatentLabels], float | None]
) -> Callable[[], float | None]:
    return lambda: read(model(data(), smoothing=0.0, tolerance=1e-14, max_iterations=20_000))


def votes_of_three() -> CodedRatings:
    """Majority a with 2 of 3; a tie; a single vote for b: two of three outputs have a majority label."""
    return code_ratings([1, 1, 1, 2, 2, 3], None, list("xyzxyx"), list("aababb"), ["a", "b"])


def severe_and_mild() -> CodedRatings:
    """Two raters, two outputs that both judged, and one that each judged alone."""
    return code_ratings([1, 1, 2, 3, 4, 4], None, list("smsmsm"), [3, 5, 2, 6, 1, 4])


D_S = "Dawid & Skene 1979, p. 26, to two digits"
REFIT = "Dawid & Skene 1979, fitted again without smoothing from the vote shares"
SATURATED = "by hand: the expected counts of accuracies .9, .8, .7 are saturated"
TWO_RATERS = "by hand: b = -+ 1.25, RSS .25 on 1 degree of freedom, C = 1/4 [1 -1; -1 1]"

CONSENSUS_REFERENCES: dict[str, list[Reference]] = {
    "majority_vote": [
        Reference("decided", lambda: majority_vote(votes_of_three()).decided.value, 2 / 3, "by hand"),
        Reference(
            "share behind the most frequent label",
            lambda: majority_vote(votes_of_three()).majority.value,
            (2 / 3 + 1 / 2 + 1) / 3,
            "by hand: 2 of 3, 1 of 2, 1 of 1",
        ),
    ],
    "dawid_skene": [
        *(
            Reference(
                f"prevalence {grade + 1}",
                fitted(dawid_skene, anaesthetists, lambda found, grade=grade: found.shares.shares[grade].value),
                expected,
                D_S,
                0.005,
            )
            for grade, expected in enumerate([0.40, 0.42, 0.11, 0.07])
        ),
        Reference(
            "log-likelihood", fitted(dawid_skene, anaesthetists, lambda f: f.log_likelihood), -192.89088121, REFIT
        ),
        Reference(
            "patient 7 is a 1", fitted(dawid_skene, anaesthetists, lambda f: f.posterior[6, 0]), 0.98102, REFIT, 1e-5
        ),
        Reference(
            "observer 3 says 2 of a 2",
            fitted(dawid_skene, anaesthetists, lambda f: f.confusion[2, 1, 1]),
            0.7883,
            REFIT,
            1e-5,
        ),
    ],
    "one_coin": [
        *(
            Reference(
                f"accuracy of {'xyz'[rater]}",
                fitted(one_coin, three_raters, lambda found, rater=rater: found.confusion[rater, 0, 0]),
                expected,
                SATURATED,
            )
            for rater, expected in enumerate([0.9, 0.8, 0.7])
        ),
        Reference(
            "posterior of two against the best",
            fitted(one_coin, three_raters, lambda found: found.posterior[-220, 0]),
            0.1 * 0.8 * 0.7 / (0.1 * 0.8 * 0.7 + 0.9 * 0.2 * 0.3),
            "by hand: votes b, a, a",
            1e-5,
        ),
    ],
    "rater_adjusted_mean": [
        *(
            Reference(
                f"output {unit + 1}",
                lambda unit=unit: rater_adjusted_mean(severe_and_mild(), "interval").adjusted[unit],
                expected,
                TWO_RATERS,
            )
            for unit, expected in enumerate([4.0, 3.25, 4.75, 2.5])
        ),
        Reference(
            "low of output 2",
            lambda: rater_adjusted_mean(severe_and_mild(), "interval").estimate(1).low,
            3.25 - 12.7062047 * 0.5 * 1.25**0.5,
            TWO_RATERS,
        ),
    ],
}
