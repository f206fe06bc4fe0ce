"""Tests and intervals of coefficients: their level, and least squares as a case."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from linmtl import L21Classifier, L21Regressor, L21RegressorCV, MeanRegularizedRegressor
from linmtl.inference import debiased_coefficients, stable_features
from linmtl.inference._debiased import _weights_by_others, weighted_p_values


def sparse_tasks(seed, n=60, d=12, T=5, k=3, size=0.4):
    """Return tasks that need the first k features."""
    rng = np.random.default_rng(seed)
    W = np.zeros((T, d))
    W[:, :k] = size * rng.choice([-1, 1], size=(T, k)) * rng.uniform(0.5, 1.5, (T, k))
    tasks = np.repeat(np.arange(T), n)
    mix = np.linalg.cholesky(0.4 ** np.abs(np.subtract.outer(range(d), range(d))))
    X = rng.normal(size=(tasks.size, d)) @ mix.T
    return X, np.sum(X * W[tasks], axis=1) + 1 + rng.normal(size=tasks.size), tasks, W


def test_with_many_rows_the_estimates_are_least_squares():
    X, y, tasks, _ = sparse_tasks(0, n=50, d=6)
    found = debiased_coefficients(X, y, tasks, estimator=MeanRegularizedRegressor(0.3))
    for t in range(5):
        A = np.column_stack([X[tasks == t], np.ones(50)])
        w, squares, *_ = np.linalg.lstsq(A, y[tasks == t], rcond=None)
        np.testing.assert_allclose(found.coef[t], w[:-1], atol=1e-9)
        spread = np.sqrt(squares[0] / 43 * np.diag(np.linalg.inv(A.T @ A))[:-1])
        np.testing.assert_allclose(found.standard_error[t], spread, rtol=1e-6)
        p = 2 * stats.t.sf(np.abs(w[:-1] / spread), 43)
        np.testing.assert_allclose(found.p_value[t], p, rtol=1e-5)


def test_units_of_features_change_units_only():
    X, y, tasks, _ = sparse_tasks(1)
    scale = np.geomspace(1e-3, 1e3, X.shape[1])
    one = debiased_coefficients(X, y, tasks, estimator=L21Regressor(0.0))
    two = debiased_coefficients(X * scale, y, tasks, estimator=L21Regressor(0.0))
    np.testing.assert_allclose(two.coef * scale, one.coef, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(two.feature_p_value, one.feature_p_value, rtol=1e-3)


@pytest.mark.parametrize("freedom", [1, 3, 41])
def test_a_sum_of_two_chi_squares_has_its_tail(freedom):
    rng = np.random.default_rng(0)
    drawn = rng.chisquare([1, freedom], size=(200_000, 2))
    for weights in ([0.2, 1.0], [1.0, 0.3], [1.0, 0.01]):
        value = np.quantile(drawn @ weights, [0.5, 0.95, 0.99])
        n = np.ones(3)
        p = weighted_p_values(
            value / weights[0], 0 * n, np.full(3, freedom), *np.outer(weights, n)
        )
        np.testing.assert_allclose(p, [0.5, 0.05, 0.01], rtol=0.05)
    value = np.array([1.0, 20.0, 60.0])
    of_one = np.full(3, freedom), np.ones(3), np.ones(3)
    whole = stats.chi2.sf(value, freedom + 1)
    np.testing.assert_allclose(
        weighted_p_values(value / 2, value / 2, *of_one), whole, rtol=1e-4
    )
    only = np.full(3, freedom), np.ones(3), np.zeros(3)
    np.testing.assert_allclose(
        weighted_p_values(value, value, *only), stats.chi2.sf(value, 1), rtol=1e-12
    )
    only = np.full(3, freedom), np.zeros(3), np.ones(3)
    np.testing.assert_allclose(
        weighted_p_values(value, value, *only), stats.chi2.sf(value, freedom)
    )


def adaptive_test(alike, sets=40, size=0.9, d=40, T=6):
    """Return level and power of the adaptive test, and of the whole chi-square."""
    found = []
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=(d, T))
        z[:4] += size * rng.choice([-1, 1], size=(4, 1 if alike else T))
        common = z.sum(axis=1) ** 2 / T
        parts = common, np.sum(z**2, axis=1) - common, np.full(d, T - 1)
        p = weighted_p_values(*parts, *_weights_by_others(*parts))
        for each in (p, stats.chi2.sf(np.sum(z**2, axis=1), T)):
            found.append((np.mean(each[4:] <= 0.05), np.mean(each[:4] <= 0.05)))
    return np.mean(found[::2], axis=0), np.mean(found[1::2], axis=0)


@pytest.mark.slow
def test_coefficients_that_are_alike_are_found_sooner_and_others_no_later():
    (level, power), (_, of_whole) = adaptive_test(alike=True)
    assert power > 1.5 * of_whole
    assert 0.04 < level < 0.06
    (level, power), (_, of_whole) = adaptive_test(alike=False)
    assert power > 0.9 * of_whole
    assert 0.04 < level < 0.06


def test_a_feature_does_not_weigh_itself():
    rng = np.random.default_rng(0)
    common, rest = rng.chisquare([1, 5], size=(30, 2)).T
    before = _weights_by_others(common, rest, np.full(30, 5))
    common[7] = 1e4
    after = _weights_by_others(common, rest, np.full(30, 5))
    np.testing.assert_array_equal(before[:, 7], after[:, 7])
    assert np.abs(before - after).max() > 0.01


def test_the_common_part_is_that_of_the_mean_weighed_by_precision():
    X, y, tasks, _ = sparse_tasks(4, n=50, d=6)
    found = debiased_coefficients(X, y, tasks, test="chi2")
    precision = found.standard_error**-2.0
    mean = np.sum(precision * found.coef, axis=0) / precision.sum(axis=0)
    rough = mean**2 * precision.sum(axis=0)  # of normal, not of t, variables
    np.testing.assert_allclose(found.common, rough, rtol=0.2, atol=0.1)
    assert np.all(found.common <= found.statistic)
    np.testing.assert_allclose(
        found.feature_p_value, stats.chi2.sf(found.statistic, 5), rtol=1e-12
    )
    alone = debiased_coefficients(X[tasks == 0], y[tasks == 0])
    np.testing.assert_allclose(
        alone.feature_p_value, stats.chi2.sf(alone.statistic, 1), rtol=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d"), [(60, 12), (40, 30)])
def test_levels_and_cover(n, d):
    small, inside, power, covered = [], [], [], []
    for seed in range(20):
        X, y, tasks, W = sparse_tasks(seed, n=n, d=d)
        found = debiased_coefficients(X, y, tasks, estimator=L21RegressorCV(alphas=20))
        small.append(np.mean(found.feature_p_value[3:] <= 0.05))
        power.append(np.mean(found.adjusted[:3] <= 0.05))
        hit = (found.low <= W) & (found.high >= W)
        inside.append(hit[:, 3:].mean())
        covered.append(hit[:, :3].mean())
    assert 0.02 < np.mean(small) < 0.09, np.mean(small)
    assert np.mean(power) > 0.85, np.mean(power)
    assert 0.93 < np.mean(inside) < 0.98, np.mean(inside)
    assert np.mean(covered) > 0.88, np.mean(covered)


@pytest.mark.slow
def test_correlated_noise_of_a_wide_y_keeps_the_level():
    small = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(80, 8))
        common = rng.normal(size=(80, 1))
        Y = X[:, :1] + common + 0.5 * rng.normal(size=(80, 6))
        found = debiased_coefficients(X, Y, estimator=L21Regressor(0.1))
        small.append(np.mean(found.feature_p_value[1:] <= 0.05))
    assert 0.01 < np.mean(small) < 0.09, np.mean(small)


def test_frames_have_names_and_the_surest_first():
    X, y, tasks, _ = sparse_tasks(2, size=1.0)
    frame = pd.DataFrame(X, columns=[f"gene{j}" for j in range(X.shape[1])])
    found = debiased_coefficients(frame, y, tasks)
    table = found.to_frame()
    assert set(table.index[:3]) == {"gene0", "gene1", "gene2"}
    assert table.p_value.is_monotonic_increasing
    assert "12 features, 3 with" in repr(found)
    np.testing.assert_array_equal(found.degrees_of_freedom, 5)


def test_tasks_and_features_without_a_say_have_none():
    X, y, tasks, _ = sparse_tasks(3)
    keep = (tasks != 4) | (np.cumsum(tasks == 4) <= 2)
    X = X.copy()
    X[tasks == 1, 5] = 3.0  # constant there
    found = debiased_coefficients(X[keep], y[keep], tasks[keep])
    assert np.isnan(found.coef[4]).all()
    assert np.isnan(found.coef[1, 5])
    np.testing.assert_array_equal(found.degrees_of_freedom, [4] * 5 + [3] + [4] * 6)
    assert np.all(np.isfinite(found.feature_p_value))


def test_columns_that_are_sums_of_others_are_not_told_apart():
    X, y, tasks, _ = sparse_tasks(0, n=40, d=6, T=3)
    level = np.random.default_rng(0).integers(0, 3, len(y))
    indicators = (level[:, None] == np.arange(3)).astype(float)
    plain = debiased_coefficients(np.hstack([X, indicators[:, :2]]), y, tasks)
    assert not np.isnan(plain.feature_p_value).any()
    twice = np.hstack([X, X[:, :1], indicators])
    found = debiased_coefficients(twice, y, tasks)
    unknown = np.array([0, 6, 7, 8, 9])
    assert np.isnan(found.coef[:, unknown]).all()
    assert np.isnan(found.feature_p_value[unknown]).all()
    np.testing.assert_allclose(
        found.coef[:, 1:6], plain.coef[:, 1:6], rtol=1e-6, atol=1e-8
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"estimator": L21Classifier()}, "must be a regressor"),
        ({"estimator": L21Regressor(loss="huber")}, "loss='huber'"),
        ({"confidence_level": 95}, "between 0 and 1"),
        ({"test": "fisher"}, "'adaptive', 'chi2'"),
    ],
)
def test_bad_arguments_are_named(options, message):
    X, y, tasks, _ = sparse_tasks(0, n=10)
    with pytest.raises(ValueError, match=message):
        debiased_coefficients(X, y, tasks, **options)


@pytest.mark.slow
def test_stable_features_are_those_that_matter():
    X, y, tasks, _ = sparse_tasks(0, n=40, d=30, size=0.8)
    found = stable_features(X, y, tasks, n_pairs=12)
    assert found.n_first == 3
    assert found.selected[:3].all()
    assert found.frequency.sum() <= found.n_first + 1e-9
    again = stable_features(X, y, tasks, n_pairs=12)
    np.testing.assert_array_equal(found.frequency, again.frequency)
    assert found.to_frame().index[0] in {"x0", "x1", "x2"}
    assert "at most 1 of them false" in repr(found)


@pytest.mark.slow
def test_false_selections_stay_below_the_bound():
    false = []
    for seed in range(4):
        X, _, tasks, _ = sparse_tasks(seed, n=20, d=30)
        y = np.random.default_rng(seed).normal(size=tasks.size)
        found = stable_features(X, y, tasks, n_pairs=10, random_state=seed)
        false.append(found.selected.sum())
    assert np.mean(false) <= 1.0


@pytest.mark.slow
def test_stable_features_of_classes_and_wide_targets():
    X, y, tasks, _ = sparse_tasks(0, n=60, d=20, size=1.5)
    found = stable_features(X, y > 1, tasks, n_pairs=8, classify=True)
    assert found.selected[:3].sum() >= 2
    Y = X[:, :2] @ np.ones((2, 3)) + np.random.default_rng(0).normal(size=(300, 3))
    wide = stable_features(X, Y, n_pairs=8)
    assert wide.selected[:2].all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_false": 0}, "max_false must be"),
        ({"threshold": 0.5}, "threshold must be"),
        ({"max_false": 0.01}, "no feature to choose"),
        ({"n_pairs": 0}, "n_pairs must be"),
    ],
)
def test_bad_settings_of_stability_are_named(options, message):
    X, y, tasks, _ = sparse_tasks(0, n=10)
    with pytest.raises(ValueError, match=message):
        stable_features(X, y, tasks, **options)
