"""Sums of products over rows, and what stands on them, beside the plain matrix forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from analytics.stats import _latent_shares
from analytics.stats._cross_products import cross_products
from analytics.stats._em import Fitted, fit
from analytics.stats._vote_patterns import Patterns, vote_patterns
from analytics.stats.coding import CodedRatings, code_ratings


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rows_of_any_length_give_the_plain_product(seed: int):
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(40, 7)) * (rng.random((40, 7)) < rng.random((40, 1)))
    dense[[0, 17, 39]] = 0
    weights = rng.random((40, 2))
    found = cross_products(csr_array(dense), weights)
    want = [dense.T @ (dense * weight[:, None]) for weight in weights.T]
    assert found == pytest.approx(np.array(want), abs=1e-12)


def test_cells_in_parts_are_added_up():
    rng = np.random.default_rng(4)
    column, value = rng.integers(0, 4, 60), rng.normal(size=60)
    table = csr_array((value, column, np.arange(0, 61, 6)), shape=(10, 4))  # six parts a row in four columns
    dense = table.toarray()
    assert cross_products(table)[0] == pytest.approx(dense.T @ dense, abs=1e-12)


def test_a_table_without_numbers_has_no_products():
    assert cross_products(csr_array((5, 3)), np.ones((5, 1))).tolist() == np.zeros((1, 3, 3)).tolist()


def votes(seed: int) -> CodedRatings:
    """Outputs with one to six votes of five raters on three levels, repeats and a nameless rater among them."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(60), rng.integers(1, 7, 60))
    truth = rng.integers(0, 3, 60)[unit]
    said = np.where(rng.random(len(unit)) < 0.7, truth, rng.integers(0, 3, len(unit)))
    rater = [None if r == 4 else f"r{r}" for r in rng.integers(0, 5, len(unit))]
    return code_ratings(unit, None, rater, said, [0, 1, 2], keep_repeats=True)


def plain_scores(patterns: Patterns, found: Fitted, one_coin: bool) -> np.ndarray:
    """T_uk (n_urc - n_ur pi^r_kc), or for one accuracy a rater sum_k T_uk n_urk - n_ur pi^r, in a loop."""
    codes = len(found.prevalence)
    said = patterns.votes.toarray().reshape(len(patterns.weight), patterns.n_raters, codes)
    columns = []
    for rater in range(patterns.n_raters):
        given = said[:, rater].sum(axis=1)
        if one_coin:
            right = (found.posterior * said[:, rater]).sum(axis=1)
            columns.append(right - given * found.confusion[rater, 0, 0])
            continue
        columns += [
            found.posterior[:, true] * (said[:, rater, code] - given * found.confusion[rater, true, code])
            for true in range(codes)
            for code in range(codes - 1)
        ]
    return np.column_stack(columns)


@pytest.mark.parametrize("one_coin", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.01, 1.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_influence_of_an_output_on_the_shares_is_that_of_the_plain_scores(one_coin: bool, smoothing: float, seed: int):
    data = votes(seed)
    patterns = vote_patterns(data)
    found = fit(patterns, 3, smoothing=smoothing, one_coin=one_coin, max_iterations=200, tolerance=1e-8)
    scores = np.hstack([(found.posterior - found.prevalence)[:, :-1], plain_scores(patterns, found, one_coin)])
    information = scores.T @ (scores * patterns.weight[:, None])
    if not one_coin:
        for row, chance in enumerate(found.confusion.reshape(-1, 3)[:, :-1]):
            at = slice(2 + 2 * row, 4 + 2 * row)
            information[at, at] += 3 * smoothing * (np.diag(chance) - np.outer(chance, chance))
    p = found.prevalence
    slope = (np.diag(p) - np.outer(p, p))[:-1]
    want = scores @ np.linalg.pinv(information, rcond=1e-10, hermitian=True)[:, :2] @ slope
    got, with_rates = _latent_shares.share_influence(patterns, found, one_coin=one_coin, smoothing=smoothing)
    assert with_rates
    assert got == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("limit", ["_MAX_PARAMETERS", "_MAX_PRODUCTS"])
def test_beyond_what_is_affordable_error_rates_count_as_known(limit: str, monkeypatch: pytest.MonkeyPatch):
    patterns = vote_patterns(votes(3))
    found = fit(patterns, 3, smoothing=0.01, one_coin=False, max_iterations=200, tolerance=1e-8)
    monkeypatch.setattr(_latent_shares, limit, 10)
    got, with_rates = _latent_shares.share_influence(patterns, found, one_coin=False, smoothing=0.01)
    assert not with_rates
    # Were the true labels seen, an output's influence on a share would be its deviation over their number; seen
    # through the posterior the information is less, so it is more.
    seen = (found.posterior - found.prevalence) / patterns.weight.sum()
    assert (np.abs(got) >= np.abs(seen) - 1e-12).mean() > 0.9
