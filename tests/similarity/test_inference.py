"""Tests of equal coefficients: textbook cases, calibration, power, hostile input."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression

from linmtl.similarity import (
    TaskMatrix,
    chow_test,
    coefficient_similarity,
    heterogeneity,
    mantel,
)


def sample(sizes, d, rng, noise=1.0, effect=0.0, rows=None, classify=False):
    """Tasks with the same coefficients, but for feature 0 of the last one."""
    sizes, T = np.array(sizes), len(sizes)
    tasks = np.repeat(np.arange(T), sizes)
    X = rng.normal(size=(sizes.sum(), d)) * (1.0 + tasks[:, None] / T)
    eta = X @ np.linspace(1.0, -1.0, d) / 2 + tasks
    eta += effect * X[:, 0] * (tasks == T - 1)
    if classify:
        return X, (rng.random(len(X)) < 1 / (1 + np.exp(T / 2 - eta))), tasks
    spread = np.broadcast_to(noise, T)[tasks]
    if rows is not None:
        spread = spread * rows(X)
    return X, eta + spread * rng.normal(size=len(X)), tasks


def uniform(p, level=0.01):
    return stats.kstest(p, "uniform").pvalue > level


# --- textbook cases


def test_chow_is_the_classical_f_test():
    """Residual sums of squares with common and with separate coefficients."""
    rng = np.random.default_rng(0)
    X, y, tasks = sample([12, 20], 3, rng, effect=0.3)
    found = chow_test(X, y, tasks, variance="equal")

    def rss(Z, y):
        return np.sum((y - LinearRegression().fit(Z, y).predict(Z)) ** 2)

    common = rss(np.c_[X, tasks], y)
    separate = sum(rss(X[tasks == t], y[tasks == t]) for t in (0, 1))
    F = (common - separate) / 3 / (separate / (32 - 8))
    assert_allclose(found.statistic[0, 1] / 3, F)
    assert found.df[0, 1] == pytest.approx(3)
    assert_allclose(found.df_residual[0, 1], 24)
    assert_allclose(found.p_values[0, 1], stats.f.sf(F, 3, 24))


def test_one_feature_is_welchs_test():
    rng = np.random.default_rng(0)
    X, y, tasks = sample([12, 20], 1, rng, noise=[1.0, 3.0], effect=0.5)
    found = chow_test(X, y, tasks)
    slope, error = [], []
    for t in (0, 1):
        fit = stats.linregress(X[tasks == t, 0], y[tasks == t])
        slope.append(fit.slope)
        error.append(fit.stderr**2)
    square = (slope[0] - slope[1]) ** 2 / sum(error)
    nu = sum(error) ** 2 / (error[0] ** 2 / 10 + error[1] ** 2 / 18)
    assert_allclose(found.statistic[0, 1], square)
    assert_allclose(found.df_residual[0, 1], nu)
    assert_allclose(found.p_values[0, 1], 2 * stats.t.sf(np.sqrt(square), nu))


@pytest.mark.slow
def test_the_moments_of_the_wald_statistic():
    """Its scale and degrees of freedom, from the covariances of the two tasks.

    And that with these it has the moments that it should have, for known covariances.
    """
    rng = np.random.default_rng(0)
    X, y, tasks = sample([12, 14], 3, rng)
    X[tasks == 1] *= [0.1, 1.0, 10.0]
    found = chow_test(X, y, tasks)
    coef, V, f = [], [], [8, 10]
    for t in (0, 1):
        Z = np.c_[X[tasks == t], np.ones(np.sum(tasks == t))]
        w, rss, *_ = np.linalg.lstsq(Z, y[tasks == t])
        coef.append(w[:3])
        V.append((rss / f[t] * np.linalg.inv(Z.T @ Z))[:3, :3])
    gap, S = coef[0] - coef[1], V[0] + V[1]
    parts = [np.linalg.solve(S, v) for v in V]
    squares = sum(2 / k * np.trace(M @ M) for M, k in zip(parts, f, strict=True))
    traces = sum(2 / k * np.trace(M) ** 2 for M, k in zip(parts, f, strict=True))
    nu = 2 * 3 * 5 / (2 * squares + traces)
    scale = 1 + squares / 3 - 2 / nu
    assert scale > 1.01
    assert_allclose(found.df_residual[0, 1], nu)
    assert_allclose(found.statistic[0, 1], gap @ np.linalg.solve(S, gap) / scale)

    z = rng.multivariate_normal(np.zeros(3), S, size=200_000)
    f = [60, 80]
    noise = [rng.chisquare(k, 200_000) / k for k in f]
    drawn = sum(n[:, None, None] * v for n, v in zip(noise, V, strict=True))
    wald = np.sum(z * np.linalg.solve(drawn, z[:, :, None])[:, :, 0], axis=1)
    squares = sum(2 / k * np.trace(M @ M) for M, k in zip(parts, f, strict=True))
    traces = sum(2 / k * np.trace(M) ** 2 for M, k in zip(parts, f, strict=True))
    nu = 2 * 3 * 5 / (2 * squares + traces)
    scaled = wald / 3 / (1 + squares / 3 - 2 / nu)
    assert_allclose(scaled.mean(), stats.f.mean(3, nu), rtol=0.01)
    assert_allclose(scaled.var(), stats.f.var(3, nu), rtol=0.03)


@pytest.mark.parametrize(
    ("n", "trust"), [(3, 0.0), (4, 0.0), (5, 1 / 6), (7, 0.5), (10, 1.0), (15, 1.0)]
)
def test_few_rows_have_the_fewest_degrees_of_freedom(n, trust):
    """Not those that the estimated noise suggests, but for Welch's in proportion."""
    rng = np.random.default_rng(0)
    X, y, tasks = sample([n, 40], 1, rng, noise=[1.0, 8.0])
    error = [
        stats.linregress(X[tasks == t, 0], y[tasks == t]).stderr ** 2 for t in (0, 1)
    ]
    welch = sum(error) ** 2 / (error[0] ** 2 / (n - 2) + error[1] ** 2 / 38)
    assert welch > n - 1.9
    expected = n - 2 + trust * (welch - (n - 2))
    for test in (chow_test, heterogeneity):
        found = np.ravel(test(X, y, tasks).df_residual)
        assert_allclose(found[found < np.inf], expected)


def test_tasks_of_one_design_have_the_pooled_degrees_of_freedom():
    rng = np.random.default_rng(0)
    X = np.tile(rng.normal(size=(15, 3)), (2, 1))
    y = rng.normal(size=15)
    found = chow_test(X, np.r_[y, X[:15, 0] - y], np.repeat([0, 1], 15))
    # up to the noise, which the two tasks share here but for a sign
    assert_allclose(found.df_residual[0, 1], 22)


def test_the_robust_variance_is_hc3():
    rng = np.random.default_rng(0)
    X, y, tasks = sample([20, 25], 2, rng)
    found = chow_test(X, y, tasks, variance="robust")
    coef, V = [], []
    for t in (0, 1):
        Z = np.c_[X[tasks == t], np.ones(np.sum(tasks == t))]
        inverse = np.linalg.inv(Z.T @ Z)
        w = inverse @ Z.T @ y[tasks == t]
        e = (y[tasks == t] - Z @ w) / (1 - np.sum((Z @ inverse) * Z, axis=1))
        coef.append(w[:2])
        V.append((inverse @ (Z.T * e**2) @ Z @ inverse)[:2, :2])
    gap = coef[0] - coef[1]
    wald = gap @ np.linalg.solve(V[0] + V[1], gap)
    # rows few: the statistic is scaled, by its moments, a little
    assert_allclose(found.statistic[0, 1], wald, rtol=0.05)


def test_logistic_is_the_wald_test():
    rng = np.random.default_rng(0)
    X, y, tasks = sample([80, 120, 90], 2, rng, classify=True)
    found = chow_test(X, y, tasks, loss="logistic")
    coef, V = [], []
    for t in range(3):
        Z, own = X[tasks == t], y[tasks == t]
        model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(Z, own)
        p = model.predict_proba(Z)[:, 1]
        Z = np.c_[Z, np.ones(len(Z))]
        coef.append(model.coef_[0])
        V.append(np.linalg.inv((Z.T * (p * (1 - p))) @ Z)[:2, :2])
    for i in range(3):
        for j in range(i):
            gap = coef[i] - coef[j]
            wald = gap @ np.linalg.solve(V[i] + V[j], gap)
            assert_allclose(found.statistic[i, j], wald, rtol=1e-4)
            assert_allclose(found.p_values[i, j], stats.chi2.sf(wald, 2), rtol=1e-3)
    assert np.all(np.isinf(found.df_residual))


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("variance", ["unequal", "equal", "robust"])
def test_chow_does_not_depend_on_the_units_of_features(loss, variance):
    rng = np.random.default_rng(0)
    X, y, tasks = sample([50, 60, 70], 3, rng, classify=loss == "logistic")
    mixed = X @ np.array([[1e4, 2.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1e-4]]) + 7.0
    kwargs = {"loss": loss, "variance": variance}
    found = chow_test(mixed, y, tasks, **kwargs)
    assert_allclose(
        found.p_values, chow_test(X, y, tasks, **kwargs).p_values, rtol=1e-6
    )
    labels = np.array(["b", "c", "a"])[tasks]
    renamed = chow_test(X, y, labels, **kwargs).matrix("p_values")
    assert_array_equal(renamed.tasks, ["a", "b", "c"])
    assert_allclose(
        renamed.reorder(["b", "c", "a"]).values,
        chow_test(X, y, tasks, **kwargs).p_values,
        atol=1e-9,
    )


def test_heterogeneity_is_cochrans_q():
    rng = np.random.default_rng(0)
    X, y, tasks = sample([15, 20, 30, 25], 2, rng, effect=0.5)
    found = heterogeneity(X, y, tasks)
    coef, v, f = np.zeros((4, 2)), np.zeros((4, 2)), np.zeros(4)
    for t in range(4):
        Z = np.c_[X[tasks == t], np.ones(np.sum(tasks == t))]
        w, rss, *_ = np.linalg.lstsq(Z, y[tasks == t])
        f[t] = len(Z) - 3
        coef[t], v[t] = w[:2], (rss / f[t] * np.diag(np.linalg.inv(Z.T @ Z)))[:2]
    for k in range(2):
        weight = 1 / v[:, k]
        mean = np.sum(weight * coef[:, k]) / weight.sum()
        Q = np.sum(weight * (coef[:, k] - mean) ** 2)
        assert_allclose(found.statistic[k], Q)
        assert_allclose(found.estimate[k], mean)
        assert_allclose(found.standard_error[k], 1 / np.sqrt(weight.sum()))
        assert_allclose(found.i_squared[k], max(0, (Q - 3) / Q))
        assert_allclose(found.p_values[k], normal_scores(coef[:, k], v[:, k], f))
        # with many rows it is the chi-squared test of Q
        assert_allclose(found.p_values[k], stats.chi2.sf(Q, 3), rtol=0.35)
    assert_allclose(found.coef, coef)
    assert_allclose(found.standard_errors, np.sqrt(v))
    assert_array_equal(found.df, 3)
    assert_array_equal(found.df_residual, np.nan)


def normal_scores(coef, v, f):
    """p-value of equal coefficients; the smallest sum of squares on fine grids."""
    low, high = coef.min(), coef.max()
    for _ in range(4):
        grid = np.linspace(low, high, 4001)
        t = (coef - grid[:, None]) / np.sqrt(v)
        sums = np.sum(stats.norm.ppf(stats.t.cdf(-np.abs(t), f)) ** 2, axis=1)
        best = np.argmin(sums)
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 4000)]
    return stats.chi2.sf(sums.min(), len(coef) - 1)


@pytest.mark.slow
def test_the_smallest_sum_of_scores_is_found():
    """With few rows it has many local minima, with many tasks not all are tried."""
    rng = np.random.default_rng(0)
    for T, low, high in ((8, 3, 5), (30, 3, 5), (150, 3, 12)):
        for _ in range(3):
            sizes = rng.integers(low, high, T)
            X, y, tasks = sample(sizes, 1, rng, effect=1.0)
            found = heterogeneity(X, y, tasks)
            v = found.standard_errors[:, 0] ** 2
            expected = normal_scores(found.coef[:, 0], v, sizes - 2)
            assert_allclose(found.p_values[0], expected, rtol=1e-6)


def test_copies_of_a_task_do_not_differ():
    rng = np.random.default_rng(0)
    X, y, _ = sample([8, 8], 2, rng)
    both = np.tile(X[:8], (3, 1)), np.tile(y[:8], 3), np.repeat([0, 1, 2], 8)
    assert_allclose(heterogeneity(*both).p_values, 1.0)
    assert_allclose(chow_test(*both).p_values, 1.0)


def test_heterogeneity_of_many_rows_is_the_test_of_q():
    rng = np.random.default_rng(0)
    X, y, tasks = sample([3000] * 4, 2, rng, effect=0.05)
    found = heterogeneity(X, y, tasks)
    assert_allclose(found.p_values, stats.chi2.sf(found.statistic, 3), rtol=0.02)


def test_heterogeneity_with_equal_variance_is_an_f_test():
    """Of one common against several slopes, with a single feature."""
    rng = np.random.default_rng(0)
    X, y, tasks = sample([8, 10, 12], 1, rng, effect=0.5)
    found = heterogeneity(X, y, tasks, variance="equal")
    dummies = np.eye(3)[tasks]

    def rss(Z):
        return np.linalg.lstsq(Z, y)[1][0]

    common, separate = rss(np.c_[X, dummies]), rss(np.c_[X * dummies, dummies])
    F = (common - separate) / 2 / (separate / 24)
    assert_allclose(found.p_values[0], stats.f.sf(F, 2, 24))


def test_two_tasks_and_one_feature_are_one_test():
    rng = np.random.default_rng(0)
    for loss in ("squared", "logistic"):
        X, y, tasks = sample([40, 60], 1, rng, classify=loss == "logistic")
        for variance in ("unequal", "equal", "robust"):
            kwargs = {"loss": loss, "variance": variance}
            pair = chow_test(X, y, tasks, **kwargs).p_values[0, 1]
            both = heterogeneity(X, y, tasks, **kwargs).p_values[0]
            assert_allclose(pair, both)


# --- calibration and power


@pytest.mark.parametrize(
    ("variance", "sizes", "d", "noise"),
    [
        ("equal", (8, 12), 3, 1.0),
        ("unequal", (10, 30), 4, (3.0, 1.0)),
        ("unequal", (10, 30), 4, (1.0, 3.0)),
    ],
)
@pytest.mark.slow
def test_p_values_of_equal_tasks_are_uniform(variance, sizes, d, noise):
    rng = np.random.default_rng(0)
    pair, feature = [], []
    for _ in range(200):
        X, y, tasks = sample(sizes, d, rng, noise)
        pair.append(chow_test(X, y, tasks, variance=variance).p_values[0, 1])
        feature.append(heterogeneity(X, y, tasks, variance=variance).p_values[0])
    assert uniform(pair)
    assert uniform(feature)


@pytest.mark.slow
@pytest.mark.parametrize("left", [1, 2, 4])
@pytest.mark.parametrize(
    ("T", "d", "spread", "more"), [(2, 3, 1.0, 10), (5, 5, 3.0, 0), (20, 3, 1.0, 0)]
)
def test_few_rows_do_not_make_equal_tasks_differ(T, d, spread, more, left):
    """With 1, 2 or 4 degrees of freedom left, and more in the last task.

    Large differences are found all the same.
    """
    rng = np.random.default_rng(0)
    reps = {2: 200, 5: 100, 20: 40}[T]
    noise = np.geomspace(1 / spread, spread, T)
    upper = np.triu_indices(T, 1)
    pair, feature, found = [], [], []
    for _ in range(reps):
        sizes = [left + d + 1] * (T - 1) + [left + d + 1 + more]
        X, y, tasks = sample(sizes, d, rng, noise)
        pair.append(np.mean(chow_test(X, y, tasks).p_values[upper] < 0.05))
        feature.append(np.mean(heterogeneity(X, y, tasks).p_values < 0.05))
        y += 1e4 * rng.normal(size=T)[tasks] * X[:, 0]
        found.append(heterogeneity(X, y, tasks).p_values[0] < 0.05)
    for level in (pair, feature):
        # tests of one sample depend on each other
        chance = np.std(level) / np.sqrt(reps)
        assert np.mean(level) <= min(0.055 + 3 * chance, 0.075)
    assert np.mean(found) >= 0.95


@pytest.mark.slow
def test_unequal_noise_needs_the_unequal_variance():
    """Or the calibration above would say nothing."""
    rng = np.random.default_rng(0)
    pair = []
    for _ in range(200):
        X, y, tasks = sample((10, 30), 4, rng, (3.0, 1.0))
        pair.append(chow_test(X, y, tasks, variance="equal").p_values[0, 1])
    assert not uniform(pair)


@pytest.mark.slow
def test_noise_that_varies_over_rows_needs_the_robust_variance():
    rng = np.random.default_rng(0)
    p = {"robust": [], "unequal": []}
    for _ in range(150):
        X, y, tasks = sample((150, 200), 2, rng, rows=lambda X: np.abs(X[:, 0]))
        for variance, values in p.items():
            found = chow_test(X, y, tasks, variance=variance)
            values.append(found.p_values[0, 1])
    assert uniform(p["robust"])
    assert not uniform(p["unequal"])


@pytest.mark.parametrize("variance", ["unequal", "robust"])
@pytest.mark.slow
def test_p_values_of_equal_logistic_tasks_are_uniform(variance):
    rng = np.random.default_rng(1)
    pair, feature = [], []
    for _ in range(150):
        X, y, tasks = sample((250, 250, 300), 2, rng, classify=True)
        kwargs = {"loss": "logistic", "variance": variance}
        pair.append(chow_test(X, y, tasks, **kwargs).p_values[0, 2])
        feature.append(heterogeneity(X, y, tasks, **kwargs).p_values[1])
    assert uniform(pair)
    assert uniform(feature)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.slow
def test_ridge_p_values_of_equal_tasks(loss):
    """Approximate: not far from uniform, never far too small."""
    rng = np.random.default_rng(0)
    pair, feature = [], []
    for _ in range(200):
        sizes = (20, 40, 30) if loss == "squared" else (60, 90, 70)
        X, y, tasks = sample(sizes, 6, rng, classify=loss == "logistic")
        kwargs = {"loss": loss, "ridge": 0.1}
        pair.append(chow_test(X, y, tasks, **kwargs).p_values[0, 1])
        feature.append(heterogeneity(X, y, tasks, **kwargs).p_values[0])
    for p in (pair, feature):
        assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.1
        assert 0.4 <= np.mean(p) <= 0.6


@pytest.mark.slow
def test_more_features_than_rows():
    rng = np.random.default_rng(0)
    quiet, loud = [], []
    for _ in range(60):
        for effect, p in ((0.0, quiet), (3.0, loud)):
            X, y, tasks = sample((20, 40, 40, 40), 25, rng, effect=effect)
            kwargs = {"ridge": 0.5, "adjust": None}
            p.append(
                [
                    chow_test(X, y, tasks, **kwargs).p_values[1, 3],
                    heterogeneity(X, y, tasks, **kwargs).p_values[0],
                ]
            )
    assert np.all(np.mean(np.array(quiet) < 0.05, axis=0) <= 0.12)
    assert np.all(np.mean(np.array(loud) < 0.05, axis=0) >= 0.8)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_a_small_ridge_is_no_ridge(loss):
    rng = np.random.default_rng(0)
    X, y, tasks = sample([50, 60, 70], 3, rng, classify=loss == "logistic")
    for test in (chow_test, heterogeneity):
        with_ridge = test(X, y, tasks, loss=loss, ridge=1e-9)
        without = test(X, y, tasks, loss=loss)
        assert_allclose(with_ridge.p_values, without.p_values, rtol=1e-3)
        assert_allclose(with_ridge.statistic, without.statistic, rtol=1e-3, atol=1e-9)
    assert_allclose(with_ridge.coef, without.coef, rtol=1e-3, atol=1e-5)


def test_ridge_by_hand():
    """One feature: the shrinkage is undone, and the noise has fractional freedom."""
    rng = np.random.default_rng(0)
    X, y, tasks = sample([8, 12, 20], 1, rng, effect=0.7)
    X[tasks == 1] *= 0.01
    ridge = 0.5
    found = heterogeneity(X, y, tasks, ridge=ridge)
    xs = [X[tasks == t, 0] - X[tasks == t, 0].mean() for t in range(3)]
    ys = [y[tasks == t] - y[tasks == t].mean() for t in range(3)]
    moment = sum(u @ v for u, v in zip(xs, ys, strict=True))
    centre = moment / (sum(u @ u for u in xs) + ridge / 3 * 40)
    slope, v, f = np.empty(3), np.empty(3), np.empty(3)
    for t, (u, target) in enumerate(zip(xs, ys, strict=True)):
        n, rest = u.size, target - centre * u
        slope[t] = u @ target / (u @ u)
        C = np.eye(n) - 1 / n
        A = C - np.outer(u, u) / (u @ u + ridge * n)
        left = np.trace(A @ A)
        f[t] = left**2 / np.trace(A @ A @ A @ A)
        v[t] = np.sum((A @ rest) ** 2) / left / (u @ u)
    assert_allclose(found.coef[:, 0], slope)
    assert_allclose(found.standard_errors[:, 0], np.sqrt(v))
    share = (1 / v) / np.sum(1 / v)
    Q = np.sum((slope - share @ slope) ** 2 / v)
    assert_allclose(found.statistic, Q)
    assert_allclose(found.p_values, normal_scores(slope, v, f))


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_what_differs_is_found(loss):
    rng = np.random.default_rng(0)
    X, y, tasks = sample([400] * 5, 4, rng, effect=1.5, classify=loss == "logistic")
    pairs = chow_test(X, y, tasks, loss=loss)
    expected = np.zeros((5, 5), dtype=bool)
    expected[4, :4] = expected[:4, 4] = True
    assert_array_equal(pairs.adjusted_p_values < 0.01, expected)
    features = heterogeneity(X, y, tasks, loss=loss)
    assert_array_equal(features.adjusted_p_values < 0.01, [True, False, False, False])
    assert features.i_squared[0] > 0.5


# --- adjustment, tables, layouts


def test_adjustments_are_those_of_the_textbook():
    rng = np.random.default_rng(0)
    X, y, tasks = sample([30] * 5, 2, rng, effect=1.0)
    upper = np.triu_indices(5, 1)
    raw = chow_test(X, y, tasks, adjust=None)
    p = raw.p_values[upper]
    assert_array_equal(raw.adjusted_p_values, raw.p_values)
    m, order = p.size, np.argsort(p)
    bh, holm = np.empty(m), np.empty(m)
    for rank, k in enumerate(order):
        bh[k] = min(1, *(p[order[r]] * m / (r + 1) for r in range(rank, m)), 1)
        holm[k] = min(1, max(p[order[r]] * (m - r) for r in range(rank + 1)))
    found = chow_test(X, y, tasks)
    assert_allclose(found.adjusted_p_values[upper], bh)
    found = chow_test(X, y, tasks, adjust="holm")
    assert_allclose(found.adjusted_p_values[upper], holm)
    assert_array_equal(np.diag(found.adjusted_p_values), 1.0)


def test_results_are_tables_and_matrices():
    rng = np.random.default_rng(0)
    X, y, tasks = sample([30] * 4, 2, rng, effect=1.0)
    labels = np.array(["north", "south", "east", "west"])[tasks]
    table = pd.DataFrame(X, columns=["age", "dose"])
    found = chow_test(table, y, labels)
    frame = found.to_frame()
    assert len(frame) == 6
    assert frame["p_value"].is_monotonic_increasing
    assert "west" in frame.loc[0, ["task_i", "task_j"]].tolist()
    assert "6 pairs of tasks" in repr(found)
    assert found.matrix().kind == "p-value"
    assert found.matrix("statistic").kind == "distance"
    assert_array_equal(found.matrix("statistic").values, found.statistic)
    with pytest.raises(ValueError, match=r"which must be .*, got 'p'"):
        found.matrix("p")
    features = heterogeneity(table, y, labels)
    assert list(features.to_frame().index) == ["age", "dose"]
    assert "2 features" in repr(features)


def test_wide_and_long_data_agree():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 2)), rng.normal(size=(30, 3))
    Y[rng.random(Y.shape) < 0.2] = np.nan
    row, column = np.nonzero(~np.isnan(Y))
    wide = chow_test(X, pd.DataFrame(Y, columns=["a", "b", "c"]))
    long = chow_test(X[row], Y[row, column], column)
    assert_array_equal(wide.tasks, ["a", "b", "c"])
    assert_allclose(wide.p_values, long.p_values)
    both = chow_test(np.tile(X, (3, 1)), Y.T.ravel(), np.repeat([0, 1, 2], 30))
    assert_allclose(both.p_values, long.p_values)


# --- hostile input


@pytest.mark.parametrize("test", [chow_test, heterogeneity])
def test_hostile_data(test):
    rng = np.random.default_rng(0)
    X, y, tasks = sample([6, 30, 30], 5, rng)
    with pytest.raises(ValueError, match=r"tasks 0 have 6 rows; .* pass ridge="):
        test(X, y, tasks)
    assert np.all(np.isfinite(test(X, y, tasks, ridge=0.1).p_values))
    X, y, tasks = sample([20, 30, 30], 2, rng)
    still = X.copy()
    still[tasks == 1, 1] = 3.3
    with pytest.raises(ValueError, match=r"task 1 the features 'x1' are constant"):
        test(still, y, tasks)
    assert np.all(np.isfinite(test(still, y, tasks, ridge=0.1).p_values))
    double = np.c_[X, X[:, 0] + X[:, 1]]
    with pytest.raises(ValueError, match="combinations of others"):
        test(double, y, tasks)
    exact = np.where(tasks == 0, X[:, 0], y)
    with pytest.raises(ValueError, match="task 0 is fitted exactly"):
        test(X, exact, tasks)
    with pytest.raises(ValueError, match="leaves no rows for its noise"):
        test(rng.normal(size=(20, 40)), y[:20], np.repeat([0, 1], 10), ridge=1e-6)
    lonely = np.r_[3, tasks[1:]]
    for loss, target in (("squared", y), ("logistic", y > 0)):
        with pytest.raises(ValueError, match=r"ridge needs at least 2 .* tasks 3 have"):
            test(X, target, lonely, loss=loss, ridge=0.1)
        with pytest.raises(ValueError, match="the tasks 3 have 1 rows"):
            test(X, target, lonely, loss=loss)
    with pytest.raises(ValueError, match="only 1 task"):
        test(X, y, np.zeros(len(X)))
    with pytest.raises(ValueError, match="tasks is None"):
        test(X, y)
    with pytest.raises(ValueError, match="infinity"):
        test(X, np.where(y > 1, np.inf, y), tasks)
    wrong = [{"loss": "hinge"}, {"variance": True}, {"adjust": "fdr"}, {"ridge": -1}]
    for parameter in wrong:
        with pytest.raises(ValueError, match=next(iter(parameter))):
            test(X, y, tasks, **parameter)


@pytest.mark.parametrize("test", [chow_test, heterogeneity])
def test_hostile_classes(test):
    rng = np.random.default_rng(0)
    X, y, tasks = sample([40, 50, 60], 2, rng, classify=True)
    apart = np.where(tasks == 2, X[:, 0] > 0, y)
    with pytest.raises(ValueError, match="task 2 a combination of the features"):
        test(X, apart, tasks, loss="logistic")
    found = test(X, apart, tasks, loss="logistic", ridge=0.1)
    assert np.all(np.isfinite(found.p_values))
    one = np.where(tasks == 2, True, y)
    with pytest.raises(ValueError, match="tasks 2 have only 1 class"):
        test(X, one, tasks, loss="logistic")
    with pytest.raises(ValueError, match="3 classes"):
        test(X, tasks, tasks, loss="logistic")


@pytest.mark.parametrize("test", [chow_test, heterogeneity])
def test_labels_of_classes_need_the_logistic_loss(test):
    rng = np.random.default_rng(0)
    X, y, tasks = sample([40, 50, 60], 2, rng, classify=True)
    words = np.where(y, "sick", "well")
    expected = test(X, ~y, tasks, loss="logistic").p_values
    for labels in (words, words.tolist(), pd.Series(words), iter(words)):
        with pytest.raises(ValueError, match=r"labels of classes.* loss=\"logistic\""):
            test(X, labels, tasks)
    found = test(X, iter(words), tasks, loss="logistic")
    assert_allclose(found.p_values, expected)
    numbers = test(X, y.astype(int).astype(str), tasks).p_values
    assert_allclose(numbers, test(X, y.astype(int), tasks).p_values)


def test_a_feature_that_varies_nowhere_is_not_heterogeneous():
    rng = np.random.default_rng(0)
    X, y, tasks = sample([20, 30, 30], 3, rng)
    X[:, 1] = 2.0
    X[tasks == 0, 2] = 1.0
    found = heterogeneity(X, y, tasks, ridge=0.1)
    assert found.p_values[1] == 1.0
    assert np.isinf(found.standard_error[1])
    assert_array_equal(found.df, [2, 0, 1])
    assert np.isinf(found.standard_errors[0, 2])


# --- mantel


def test_mantel_is_the_correlation_off_the_diagonal():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(2, 6, 6))
    off = ~np.eye(6, dtype=bool)
    found = mantel(A, B, random_state=0)
    assert_allclose(found.correlation, np.corrcoef(A[off], B[off])[0, 1])
    S, R = A + A.T, B + B.T
    found = mantel(S, R, method="spearman", random_state=0)
    upper = np.triu_indices(6, 1)
    assert_allclose(found.correlation, stats.spearmanr(S[upper], R[upper])[0])


def test_mantel_by_hand():
    """All permutations of four tasks, by the same drawing."""
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(2, 4, 4))
    A, B = A + A.T, B + B.T
    upper = np.triu_indices(4, 1)
    found = mantel(A, B, n_permutations=50, random_state=3)
    draw, above = np.random.RandomState(3), 1
    for _ in range(50):
        order = draw.permutation(4)
        r = np.corrcoef(A[upper], B[np.ix_(order, order)][upper])[0, 1]
        above += abs(r) >= abs(found.correlation) - 1e-9
    assert found.p_value == above / 51


@pytest.mark.slow
def test_mantel_is_calibrated_and_has_power():
    rng = np.random.default_rng(0)
    p = []
    for seed in range(200):
        place, other = rng.normal(size=(2, 12))
        A, B = (np.abs(v[:, None] - v) for v in (place, other))
        p.append(mantel(A, B, n_permutations=99, random_state=seed).p_value)
    assert uniform(np.array(p) - 0.01 * rng.random(200))
    noisy = A + 0.2 * np.abs(rng.normal(size=A.shape))
    assert mantel(A, noisy + noisy.T, random_state=0).p_value == 0.001
    assert mantel(A, -A, alternative="greater", random_state=0).p_value > 0.9
    assert mantel(A, -A, alternative="less", random_state=0).p_value == 0.001


def test_mantel_matches_labels():
    coef = np.random.default_rng(0).normal(size=(8, 4))
    names = list("hgfedcba")
    near = coefficient_similarity(coef, tasks=names)
    other = coefficient_similarity(coef[::-1], tasks=names[::-1])
    assert mantel(near, other, random_state=0).correlation == pytest.approx(1.0)
    with pytest.raises(ValueError, match="only one of the matrices has the tasks 'a'"):
        mantel(near, other.reorder(names[:-1]))
    # a table has labels too, on either side
    for a, b in (
        (near, other.to_frame()),
        (near.to_frame(), other),
        (near.to_frame(), other.to_frame()),
    ):
        assert mantel(a, b, random_state=0).correlation == pytest.approx(1.0)
    # an array has none, and follows the other
    for b in (near.values, near.values.tolist()):
        found = mantel(near.to_frame(), b, random_state=0)
        assert found.correlation == pytest.approx(1.0)
    assert mantel(near, other.values, random_state=0).correlation < 0.9
    with pytest.raises(ValueError, match="only one of the matrices has the tasks 'a'"):
        mantel(near, other.to_frame().iloc[1:, 1:])
    with pytest.raises(ValueError, match="b has other columns than rows"):
        mantel(near, other.to_frame()[names])


def test_hostile_mantel():
    A = np.random.default_rng(0).normal(size=(4, 4))
    with pytest.raises(ValueError, match="all equal"):
        mantel(A, np.ones((4, 4)))
    with pytest.raises(ValueError, match="b contains NaN or infinity"):
        mantel(A, A * np.inf)
    with pytest.raises(ValueError, match=r"b has shape \(4, 3\)"):
        mantel(A, A[:, :3])
    with pytest.raises(ValueError, match="at least three"):
        mantel(A[:2, :2], A[:2, :2])
    with pytest.raises(ValueError, match=r"alternative must be .*, got 'both'"):
        mantel(A, A, alternative="both")
    inf = np.where(np.eye(4, dtype=bool), np.nan, A)  # the diagonal does not count
    matrix = TaskMatrix(inf, list("abcd"), "distance", directed=True)
    assert mantel(matrix, A, random_state=0).correlation == pytest.approx(1.0)
