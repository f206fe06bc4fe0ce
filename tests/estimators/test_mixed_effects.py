"""Mixed-effects models: lme4's answers, the penalised problem, invariances."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from helpers.files import ROOT
from linmtl import (
    MeanRegularizedRegressor,
    MixedEffectsClassifier,
    MixedEffectsRegressor,
    PooledClassifier,
)
from linmtl.data import stack_tasks
from linmtl.datasets import make_multitask_regression
from linmtl.mixed import _fit
from linmtl.mixed._covariance import Structure
from linmtl.mixed._laplace import Laplace, LogisticRows
from linmtl.transfer import negative_transfer_report

CASES = json.loads((ROOT / "tests/fixtures/lme4.json").read_text())


def made(seed=0, tasks=12, rows=9, d=3, noise=1.0):
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(tasks), rows)
    X = rng.standard_normal((task.size, d))
    U = rng.standard_normal((tasks, d + 1)) * np.linspace(1.0, 0.3, d + 1)
    y = 1.0 + U[task, 0] + np.sum(X * (1.0 + U[task, 1:]), axis=1)
    return X, y + noise * rng.standard_normal(task.size), task


# --- what says nothing


@pytest.mark.parametrize("value", [1.0, 0.1, 1e6 / 3])
@pytest.mark.parametrize("kind", [MixedEffectsRegressor, MixedEffectsClassifier])
@pytest.mark.slow
def test_a_constant_feature_changes_nothing(kind, value):
    # its means are alike but for their last digits, which were taken for a feature
    for seed in range(4):
        X, y, tasks = made(seed, tasks=5, rows=11, d=2)
        y = 100.0 * tasks + y if kind is MixedEffectsRegressor else (y > 1).astype(int)
        weight = np.random.default_rng(seed).uniform(0.1, 3.0, len(y))
        known = kind().fit(X, y, tasks, weight)
        more = np.column_stack([X, np.full(len(X), value)])
        model = kind().fit(more, y, tasks, weight)
        np.testing.assert_allclose(model.coef_[:, :2], known.coef_, atol=1e-6)
        np.testing.assert_allclose(model.coef_[:, 2] * value, 0.0, atol=1e-9)
        np.testing.assert_allclose(model.intercept_, known.intercept_, atol=1e-6)


# --- against lme4


def estimator_of(case):
    """Return the model of a formula."""
    random = case["formula"].partition("(")[2].rstrip(")")
    slopes = [j for j in range(len(case["x"])) if f"x{j + 1}" in random]
    return MixedEffectsRegressor(
        "diagonal" if "||" in random or random.startswith("1 |") else "full",
        random_intercept=not random.startswith("0"),
        random_features=slopes,
        method=case["method"],
        fit_intercept="~ 0 + x" not in case["formula"],
    )


@pytest.mark.filterwarnings("ignore:.* lie far from zero")
@pytest.mark.parametrize("name", [n for n in CASES if "labels" not in n])
def test_the_answers_of_lme4(name):
    case = CASES[name]
    X, y, tasks = np.array(case["x"]).T, np.array(case["y"]), np.array(case["task"])
    model = estimator_of(case).fit(X, y, tasks)
    theirs = case["lme4"]
    assert model.log_likelihood_ >= theirs["log_likelihood"] - 1e-6
    if name == "far away":  # features around 700: there lme4 stops short
        assert model.log_likelihood_ > theirs["log_likelihood"] + 1
        return
    assert model.log_likelihood_ <= theirs["log_likelihood"] + 1e-4
    assert model.noise_ == pytest.approx(theirs["noise"], rel=1e-3)
    fitted = model.predict(X, tasks)
    np.testing.assert_allclose(fitted, theirs["fitted"], atol=2e-3 * y.std())
    summary = model.summary()
    k = len(summary.names)
    fixed, errors = (np.atleast_1d(theirs[n])[-k:] for n in ("fixed", "std_error"))
    np.testing.assert_allclose((summary.estimate - fixed) / errors, 0.0, atol=2e-3)
    np.testing.assert_allclose(summary.std_error, errors, rtol=2e-3)
    random = np.diag(model.covariance_) > 0
    if name not in ("no variance", "three slopes"):
        ours = model.covariance_[np.ix_(random, random)]
        whole = np.array(theirs["covariance"])
        np.testing.assert_allclose(ours, whole, atol=5e-3 * np.abs(whole).max())


@pytest.mark.parametrize("name", [n for n in CASES if "labels" in n])
def test_the_answers_of_lme4_for_labels(name):
    """With nAGQ = 0: but for a prior that keeps separated tasks finite."""
    case = CASES[name]
    X, y, tasks = np.array(case["x"]).T, np.array(case["y"]), np.array(case["task"])
    plain = estimator_of(case)
    model = MixedEffectsClassifier(
        plain.covariance, random_features=plain.random_features, method="ml"
    ).fit(X, y, tasks)
    theirs = case["lme4"]
    assert model.log_likelihood_ == pytest.approx(theirs["log_likelihood"], abs=0.02)
    probability = model.predict_proba(X, tasks)[:, 1]
    np.testing.assert_allclose(probability, theirs["fitted"], atol=5e-3)
    summary = model.summary()
    errors = np.array(theirs["std_error"])
    np.testing.assert_allclose(
        (summary.estimate - theirs["fixed"]) / errors, 0, atol=0.03
    )
    random = np.sqrt(np.diag(np.array(theirs["covariance"])))
    std = summary.std[summary.std > 0]
    np.testing.assert_allclose(std[: len(random)], random, rtol=0.01, atol=0.02)


def test_a_variance_of_zero_is_an_answer():
    case = CASES["no variance"]
    X, y, tasks = np.array(case["x"]).T, np.array(case["y"]), np.array(case["task"])
    model = MixedEffectsRegressor().fit(X, y, tasks)
    assert model.converged_
    variance = np.diag(model.covariance_)
    shared = variance < 1e-10 * y.var()
    assert shared.any()
    models = np.column_stack([model.intercept_, model.coef_])
    np.testing.assert_allclose(np.ptp(models, axis=0)[shared], 0.0, atol=1e-4)


# --- correlations drawn to zero


def test_correlations_are_between_none_and_those_of_the_likelihood():
    X, y, tasks = made(4, tasks=20, d=2)
    X = X + 1.0  # intercepts and slopes are correlated there

    def correlations(covariance):
        model = MixedEffectsRegressor(covariance).fit(X, y, tasks)
        std = np.sqrt(np.diag(model.covariance_))
        return (model.covariance_ / np.outer(std, std))[np.tril_indices(3, -1)]

    free, shrunk = correlations("full"), correlations("shrunk")
    assert np.abs(free).max() > 0.3
    assert np.sum(shrunk**2) < np.sum(free**2)
    assert shrunk @ free > 0
    assert np.all(correlations("diagonal") == 0)


def test_shrunk_correlations_do_not_depend_on_order_or_units():
    X, y, tasks = made(5)
    scale, order = np.array([1e2, 1e-2, 1.0]), np.array([2, 0, 1])
    plain = MixedEffectsRegressor("shrunk").fit(X, y, tasks)
    other = MixedEffectsRegressor("shrunk").fit(X[:, order] * scale, y, tasks)
    np.testing.assert_allclose(other.coef_ * scale, plain.coef_[:, order], rtol=1e-4)
    assert other.log_likelihood_ == pytest.approx(plain.log_likelihood_, abs=1e-3)


def test_what_does_not_vary_is_correlated_with_nothing():
    case = CASES["no variance"]
    X, y, tasks = np.array(case["x"]).T, np.array(case["y"]), np.array(case["task"])
    model = MixedEffectsRegressor("shrunk").fit(X, y, tasks)
    covariance = model.covariance_
    still = np.diag(covariance) < 1e-10 * y.var()
    assert still.any()
    assert np.abs(covariance[still]).max() < 1e-8 * y.var()


@pytest.mark.parametrize("noise", ["shared", "task"])
def test_few_correlations_are_halved_and_many_are_none(noise):
    """Unless the likelihood insists; there are as many as pairs of coefficients."""
    X, y, tasks = made(6, tasks=7, d=2)

    def fit(covariance, X):
        return MixedEffectsRegressor(covariance, noise=noise).fit(X, y, tasks)

    diagonal, full, shrunk = (fit(c, X) for c in ("diagonal", "full", "shrunk"))
    mean = (diagonal.covariance_ + full.covariance_) / 2
    if noise == "shared":  # whose level is found again
        ours = shrunk.covariance_ * mean[0, 0] / shrunk.covariance_[0, 0]
        np.testing.assert_allclose(ours, mean, rtol=1e-3, atol=1e-6)
    assert diagonal.log_likelihood_ < shrunk.log_likelihood_ < full.log_likelihood_
    more = np.column_stack([X, X**2])
    shrunk, diagonal = fit("shrunk", more), fit("diagonal", more)
    np.testing.assert_array_equal(shrunk.coef_, diagonal.coef_)


def test_correlations_that_the_likelihood_insists_on_stay():
    rng = np.random.default_rng(0)
    X, tasks = rng.standard_normal((600, 1)), np.repeat(np.arange(60), 10)
    u = rng.standard_normal((60, 1))
    y = u[tasks, 0] * (1.0 + X[:, 0]) + 0.1 * rng.standard_normal(600)
    C = MixedEffectsRegressor("shrunk").fit(X, y, tasks).covariance_
    assert C[0, 1] > 0.95 * np.sqrt(C[0, 0] * C[1, 1])


# --- the penalised problem


def test_given_its_strengths_it_is_a_mean_regularised_model():
    """With one variance for all slopes, and intercepts of the tasks' own."""
    X, y, tasks = made()
    mixed = MixedEffectsRegressor("scalar", random_intercept=False).fit(X, y, tasks)
    alpha = mixed.noise_**2 / mixed.covariance_[0, 0] / 9  # 9 rows a task
    plain = MeanRegularizedRegressor(alpha, 0.0, task_weight="n_samples", tol=1e-12)
    plain.fit(X, y, tasks)
    np.testing.assert_allclose(mixed.coef_, plain.coef_, rtol=1e-6)
    np.testing.assert_allclose(mixed.intercept_, plain.intercept_, rtol=1e-6)
    assert mixed.objective_ == pytest.approx(plain.objective_, rel=1e-6)
    np.testing.assert_allclose(mixed.coef_mean_, plain.coef_.mean(axis=0), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("covariance", ["diagonal", "scalar", "full", "low_rank"])
@pytest.mark.parametrize("random_intercept", [True, False])
def test_the_likelihood_is_at_its_maximum(covariance, random_intercept):
    """Written out with dense matrices, and lower wherever one looks."""
    X, y, tasks = made(1)
    model = MixedEffectsRegressor(
        covariance, n_components=1, random_intercept=random_intercept
    ).fit(X, y, tasks)
    own = np.equal.outer(tasks, np.arange(12)).astype(float)
    common = np.ones((len(y), 1)) if random_intercept else own
    F = np.column_stack([common, X])
    A = np.column_stack([np.ones(len(y)), X]) if random_intercept else X

    def likelihood(Sigma, noise):
        V = noise**2 * np.eye(len(y)) + (A @ Sigma @ A.T) * (own @ own.T)
        P = np.linalg.solve(V, F)
        r = y - F @ np.linalg.solve(F.T @ P, P.T @ y)
        logs = np.linalg.slogdet(V)[1] + np.linalg.slogdet(F.T @ P)[1]
        rest = (len(y) - F.shape[1]) * np.log(2 * np.pi) + r @ np.linalg.solve(V, r)
        return -(logs + rest) / 2

    best = likelihood(model.covariance_, model.noise_)
    assert model.log_likelihood_ == pytest.approx(best, abs=1e-7)
    for factor in (0.98, 1.02):
        assert likelihood(factor * model.covariance_, model.noise_) < best
        assert likelihood(model.covariance_, factor * model.noise_) < best
    for k in range(len(A.T)):
        scale = np.ones(len(A.T))
        scale[k] = 1.05
        if covariance != "scalar":
            moved = model.covariance_ * np.outer(scale, scale)
            assert likelihood(moved, model.noise_) <= best + 1e-9


@pytest.mark.parametrize("noise", ["shared", "task"])
@pytest.mark.parametrize("shrink_mean", [True, False])
def test_the_gap_of_the_penalised_problem(noise, shrink_mean):
    X, y, tasks = made(2)
    model = MixedEffectsRegressor(noise=noise, shrink_mean=shrink_mean)
    model.fit(X, y, tasks)
    assert model.converged_
    assert 0.0 <= model.dual_gap_ <= 1e-12 * model.objective_


# --- invariances and layouts


def test_units_and_origins_of_features():
    """A diagonal covariance depends on the origin, a full one on nothing."""
    X, y, tasks = made(3)
    scale, shift = np.array([1e3, 1e-3, 1.0]), np.array([5e3, 0.0, -20.0])
    new = np.arange(5) + 100
    for covariance, move in (("diagonal", 0.0 * shift), ("full", shift)):
        plain = MixedEffectsRegressor(covariance).fit(X, y, tasks)
        moved = MixedEffectsRegressor(covariance).fit(scale * X + move, y, tasks)
        np.testing.assert_allclose(moved.coef_ * scale, plain.coef_, rtol=1e-3)
        for labels in (tasks[:5], new):
            ours = moved.predict(scale * X[:5] + move, labels, return_std=True)
            theirs = plain.predict(X[:5], labels, return_std=True)
            np.testing.assert_allclose(ours, theirs, rtol=1e-3)


@pytest.mark.parametrize(
    ("cls", "shift"),
    [
        (MixedEffectsRegressor, 1e2),
        (MixedEffectsRegressor, 1e4),
        (MixedEffectsRegressor, 1e6),
        pytest.param(MixedEffectsClassifier, 1e6, marks=pytest.mark.slow),
    ],
)
def test_a_full_covariance_is_one_at_any_origin(cls, shift):
    X, y, tasks = made(3, d=2)
    y = y if cls is MixedEffectsRegressor else y > 0
    plain = cls("full").fit(X, y, tasks)
    moved = cls("full").fit(X + shift, y, tasks)
    np.testing.assert_allclose(moved.coef_, plain.coef_, atol=1e-6)
    np.testing.assert_allclose(
        moved.covariance_[1:, 1:], plain.covariance_[1:, 1:], atol=1e-6
    )
    assert abs(moved.log_likelihood_ - plain.log_likelihood_) < 1e-6


@pytest.mark.slow
def test_correlations_are_drawn_alike_far_from_the_origin():
    # where the prior of variances would have a say in it
    X, y, tasks = made(5, d=2)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* lie far from zero")
        far, further = (
            MixedEffectsRegressor("shrunk").fit(X + shift, y, tasks)
            for shift in (1e4, 1e6)
        )
    np.testing.assert_allclose(further.coef_, far.coef_, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("covariance", ["diagonal", "scalar", "shrunk"])
def test_features_far_from_zero_are_named(covariance):
    """Slopes are drawn together there, and nothing else would say so."""
    X, y, tasks = made(3, tasks=20)
    far = pd.DataFrame(X + [0.0, 1000.0, -2.0], columns=["dose", "year", "age"])
    model = MixedEffectsRegressor(covariance)
    with pytest.warns(UserWarning, match=r"far from zero .*, year: .*centre") as caught:
        model.fit(far, y, tasks)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "tasks, year: a random" in " ".join(str(model.summary()).split())
    for fine in (
        MixedEffectsRegressor("full"),
        MixedEffectsRegressor(covariance, random_intercept=False),
        MixedEffectsRegressor(covariance, random_features=["dose"]),
    ):
        assert fine.fit(far, y, tasks).summary().cautions == []
    with pytest.warns(UserWarning, match="far from zero"):
        MixedEffectsClassifier(covariance).fit(far, y > 1, tasks)


def test_one_variance_for_features_in_different_units():
    X, y, tasks = made(3)
    with pytest.warns(UserWarning, match=r"different units, x0, x1, x2: .*scale"):
        MixedEffectsRegressor("scalar").fit(X * [1.0, 1000.0, 1.0], y, tasks)


def test_layouts_agree():
    X, y, tasks = made(4, tasks=5)
    X, Y = X[:9], y.reshape(5, 9).T.copy()
    Y[2, 1] = Y[5, 3] = np.nan
    wide = MixedEffectsRegressor().fit(X, Y)
    seen = [~np.isnan(column) for column in Y.T]
    parts = (
        [X[s] for s in seen],
        [column[s] for column, s in zip(Y.T, seen, strict=True)],
    )
    X_long, y_long, tasks = stack_tasks(*parts)
    long = MixedEffectsRegressor().fit(X_long, y_long, tasks)
    thin = MixedEffectsRegressor().fit(sparse.csr_array(X_long), y_long, tasks)
    for other in (long, thin):
        np.testing.assert_allclose(other.coef_, wide.coef_, rtol=1e-6)
        assert other.log_likelihood_ == pytest.approx(wide.log_likelihood_, abs=1e-8)
    prediction, std = wide.predict(X, return_std=True)
    assert prediction.shape == std.shape == (9, 5)
    ours = long.predict(X, np.repeat(long.tasks_[1], 9), return_std=True)
    np.testing.assert_allclose(ours, (prediction[:, 1], std[:, 1]), rtol=1e-6)


def test_weights_are_repetitions():
    X, y, tasks = made(5)
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    weight[::9] = 1
    weighted = MixedEffectsRegressor().fit(X, y, tasks, weight)
    repeated = MixedEffectsRegressor().fit(
        *(np.repeat(a, weight, 0) for a in (X, y, tasks))
    )
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-6)
    assert weighted.noise_ == pytest.approx(repeated.noise_, rel=1e-8)


# --- task features


def test_task_features_explain_what_tasks_differ_by():
    rng = np.random.default_rng(6)
    z = rng.standard_normal(30)
    task = np.repeat(np.arange(30), 8)
    x = rng.standard_normal(240)
    y = 1 + 2 * z[task] + (1 - z[task]) * x + 0.1 * rng.standard_normal(240)
    table = {t: [z[t]] for t in range(25)} | {99: [2.0]}
    seen = task < 25
    model = MixedEffectsRegressor(task_features=table)
    model.fit(x[seen, None], y[seen], task[seen])
    assert model.task_coef_[0, 0] == pytest.approx(-1, abs=0.05)
    assert model.task_intercept_[0] == pytest.approx(2, abs=0.05)
    mean, std = model.predict([[1.0], [0.0]], [99, 99], return_std=True)
    np.testing.assert_allclose(mean, [1 + 4 + (1 - 2), 5], atol=0.2)
    assert std.max() < 0.3
    # without the table a new task is what tasks are on average, and far less is known
    plain = MixedEffectsRegressor().fit(x[seen, None], y[seen], task[seen])
    assert plain.predict([[1.0]], [99], return_std=True)[1][0] > 1


def test_a_feature_of_tasks_among_those_of_rows():
    """It has no slope of its own in a task, and explains the level of a new one."""
    rng = np.random.default_rng(7)
    X, _, task = made(7, tasks=40)
    level = rng.standard_normal(40)
    y = 3 * level[task] + X[:, 0] + 0.3 * rng.standard_normal(len(task))
    model = MixedEffectsRegressor().fit(np.column_stack([X, level[task]]), y, task)
    assert model.coef_mean_[-1] == pytest.approx(3, abs=0.1)
    assert model.covariance_[-1, -1] == 0
    assert model.predict([[0, 0, 0, 2.0]], [99])[0] == pytest.approx(6, abs=0.4)


# --- uncertainty


@pytest.mark.parametrize("random_intercept", [True, False])
@pytest.mark.slow
def test_cover_of_intervals(random_intercept):
    """Of rows of known tasks, of new ones, and of ones learned from a few rows."""
    inside = {"known": [], "new": [], "few": []}
    for seed in range(30):
        X, y, tasks = made(seed, tasks=60, rows=12, d=2)
        train = (np.arange(len(y)) % 12 < 6) & (tasks < 40)
        model = MixedEffectsRegressor(random_intercept=random_intercept)
        model.fit(X[train], y[train], tasks[train])
        few = (tasks >= 50) & (np.arange(len(y)) % 12 < 4)
        for t in range(50, 60):
            rows = few & (tasks == t)
            model.fit_new_task(X[rows], y[rows], t)
        for name, rows in (
            ("known", ~train & (tasks < 40)),
            ("new", (tasks >= 40) & (tasks < 50)),
            ("few", ~few & (tasks >= 50)),
        ):
            mean, std = model.predict(X[rows], tasks[rows], return_std=True)
            inside[name].append(np.abs(y[rows] - mean) <= 1.96 * std)
    for name, hits in inside.items():
        assert 0.93 <= np.mean(hits) <= 0.97, name


def test_a_task_learned_later_is_one_of_the_fit():
    """Where its rows say little of what all tasks share."""
    X, y, tasks = made(8, tasks=300, rows=5, d=2)
    whole = MixedEffectsRegressor().fit(X, y, tasks)
    rest = tasks != 7
    later = MixedEffectsRegressor().fit(X[rest], y[rest], tasks[rest])
    later.fit_new_task(X[~rest], y[~rest], 7)
    np.testing.assert_allclose(later.coef_[-1], whole.coef_[7], atol=0.05)
    ours = later.predict(X[:3], [7] * 3, return_std=True)[1]
    np.testing.assert_allclose(ours, whole.predict(X[:3], [7] * 3, True)[1], rtol=0.02)
    assert later.coef_std_.shape == (300, 2)
    errors = np.sqrt(np.diag(whole.coef_covariance(7)))[1:]
    np.testing.assert_allclose(whole.coef_std_[7], errors)


# --- noise, many features, words


def test_noise_of_each_task():
    X, y, tasks = made(9, tasks=30, rows=20)
    loud = tasks % 3 == 0
    y += 3 * loud * np.random.default_rng(1).standard_normal(len(y))
    model = MixedEffectsRegressor(noise="task").fit(X, y, tasks)
    assert model.noise_[0::3].min() > model.noise_[1::3].max()
    np.testing.assert_allclose(np.median(model.noise_[1::3]), 1.0, atol=0.15)
    # tasks that are alike have the common level
    same = MixedEffectsRegressor(noise="task").fit(*made(10, tasks=30))
    np.testing.assert_allclose(same.noise_, same.noise_.mean(), rtol=0.25)


def test_more_features_than_rows():
    rng = np.random.default_rng(11)
    X = rng.standard_normal((60, 90))
    w = np.zeros(90)
    w[:3] = 2.0
    y, tasks = X @ w + 0.1 * rng.standard_normal(60), np.repeat(np.arange(6), 10)
    model = MixedEffectsRegressor("scalar").fit(X, y, tasks)
    assert np.all(np.isfinite(model.coef_))
    assert model.score(X, y, tasks) > 0.5
    assert np.mean((y - y.mean()) ** 2) > model.noise_**2 > 0


def test_one_task_is_least_squares():
    X, y, _ = made(12)
    model = MixedEffectsRegressor().fit(X, y)
    A = np.column_stack([np.ones(len(y)), X])
    expected = np.linalg.lstsq(A, y, rcond=None)[0]
    np.testing.assert_allclose(model.coef_, expected[1:])
    assert np.all(model.covariance_ == 0)


def test_columns_that_others_determine():
    X, y, tasks = made(13)
    twice = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(len(y))])
    model = MixedEffectsRegressor(random_features=[0, 1, 2]).fit(twice, y, tasks)
    plain = MixedEffectsRegressor().fit(X, y, tasks)
    np.testing.assert_allclose(
        model.predict(twice, tasks), plain.predict(X, tasks), rtol=1e-5
    )
    assert np.isnan(model.summary().estimate[-2:]).all()


def test_constants_of_tasks_beside_their_own_intercepts():
    """What is left of them is rounding, and no coefficient is made of it."""
    X, y, tasks = made(16)
    level = 1e3 * np.random.default_rng(0).standard_normal(12)[tasks] / 3
    more = np.column_stack([level, X])
    for noise in ("shared", "task"):
        model = MixedEffectsRegressor(random_intercept=False, noise=noise)
        coef = model.fit(X, y, tasks).coef_
        with_more = model.fit(more, y, tasks).coef_
        np.testing.assert_allclose(with_more[:, 1:], coef, rtol=1e-6)
        assert np.all(with_more[:, 0] == 0)


def test_summary():
    X, y, tasks = made(14)
    names = ["height", "a\nb", "c"]
    model = MixedEffectsRegressor().fit(pd.DataFrame(X, columns=names), y, tasks)
    text = str(model.summary())
    assert "108 rows, 12 tasks" in text
    assert "'a\\nb'" in text
    frame = model.summary().to_frame()
    assert list(frame.index) == ["(intercept)", "height", "'a\\nb'", "c"]
    np.testing.assert_allclose(frame["z"], frame["estimate"] / frame["std_error"])


def test_summary_has_the_correlations_of_random_effects():
    X, y, tasks = made(14)
    names, some = ["height", "width", "c"], ["height", "c"]
    X = pd.DataFrame(X, columns=names)
    model = MixedEffectsRegressor("full", random_features=some).fit(X, y, tasks)
    summary, std = model.summary(), np.sqrt(np.diag(model.covariance_))
    among = [0, 1, 3]
    found = summary.correlation[np.ix_(among, among)]
    np.testing.assert_allclose(
        found * np.outer(std, std)[np.ix_(among, among)],
        model.covariance_[np.ix_(among, among)],
    )
    assert np.isnan(summary.correlation[2]).all()
    frame = summary.to_frame()
    columns = [f"corr {name}" for name in ["(intercept)", *some]]
    assert frame.columns[5:].tolist() == columns
    np.testing.assert_array_equal(frame[columns], summary.correlation[:, among])
    text = str(summary)
    r = found[2]
    assert f"{std[3]:10.4g}  {r[0]:5.2f} {r[1]:5.2f}\n" in text
    many = replace(
        summary,
        random=[f"x{j}" for j in range(30)],
        std=np.ones(30),
        correlation=np.eye(30),
    )
    assert "correlations of 30 effects: see to_frame()" in str(many)
    plain = MixedEffectsRegressor().fit(X, y, tasks).summary()
    assert plain.correlation is None
    assert "corr" not in str(plain)


def test_summary_of_fractions_and_of_no_noise():
    """Rows are whole, and columns as wide as ever."""
    X, y, tasks = made(14)
    weight = np.linspace(0.5, 1.2, y.size)
    model = MixedEffectsRegressor().fit(X, X[:, 0], tasks, sample_weight=weight)
    text = str(model.summary()).splitlines()
    assert text[0].startswith("rows of a total weight of 91.8, 12 tasks")
    assert len({len(line) for line in text[2 : text.index("", 2)]}) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"covariance": "banded"}, "covariance must be"),
        ({"noise": "row"}, "noise must be"),
        ({"method": "em"}, "method must be"),
        ({"random_features": ["age"]}, "random_features has 'age'"),
        ({"task_features": {0: [1.0]}}, "no entry for the tasks 1"),
        ({"n_components": 0}, "n_components"),
        ({"shrink_mean": "yes"}, "shrink_mean must be"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        MixedEffectsRegressor(**parameters).fit(*made())


def test_unknown_tasks_are_an_error_where_asked():
    X, y, tasks = made()
    model = MixedEffectsRegressor(handle_unknown="error").fit(X, y, tasks)
    with pytest.raises(ValueError, match="99"):
        model.predict(X[:1], [99])
    with pytest.raises(ValueError, match="99"):
        model.coef_covariance(99)


def test_a_report_of_what_sharing_does():
    X, y, tasks = made(15, tasks=6, rows=12)
    z = np.arange(6.0)
    model = MixedEffectsRegressor(random_features=[], task_features=z)
    report = negative_transfer_report(model, X, y, tasks, cv=4)
    assert report.verdict.shape == (6,)
    assert np.all(np.isfinite(report.losses["model"]))


# --- labels


def labelled(seed=0, tasks=15, rows=20, d=2):
    X, y, task = made(seed, tasks, rows, d, noise=0.0)
    chance = np.random.default_rng(seed).random(len(y))
    return X, chance < 1 / (1 + np.exp(1 - y)), task


@pytest.mark.parametrize("covariance", ["diagonal", "scalar", "full", "low_rank"])
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_approximate_likelihood_is_at_its_maximum(covariance, method):
    """Written out: the penalised loss at the mode, and determinants of Hessians."""
    X, y, tasks = labelled(1)
    model = MixedEffectsClassifier(covariance, n_components=1, method=method)
    model.fit(X, y, tasks)
    A = np.column_stack([np.ones(len(y)), X])
    sign = np.where(y, 1.0, -1.0)
    Sigma = model.covariance_
    mean = np.append(model.intercept_mean_, model.coef_mean_)
    W = np.column_stack([model.intercept_, model.coef_])
    eta = np.sum(A * W[tasks], axis=1)
    curvature = 1 / (2 + np.exp(eta) + np.exp(-eta))
    value, precision = 2 * np.sum(np.logaddexp(0, -sign * eta)), np.zeros((3, 3))
    for t in range(15):
        own = tasks == t
        K = A[own].T @ (curvature[own, None] * A[own])
        u = W[t] - mean
        value += u @ np.linalg.pinv(Sigma, rcond=1e-9) @ u
        value += np.linalg.slogdet(np.eye(3) + K @ Sigma)[1]
        precision += np.linalg.solve(np.eye(3) + K @ Sigma, K)
    if method == "reml":
        value += np.linalg.slogdet(precision)[1] - 3 * np.log(2 * np.pi)
    assert model.log_likelihood_ == pytest.approx(-value / 2, abs=1e-2)
    assert model.converged_
    assert 0 <= model.dual_gap_ <= 1e-6 * model.objective_


def test_gradient_of_the_approximate_likelihood():
    """The mode moves with the covariance, and Hessians with the mode."""
    rng = np.random.default_rng(2)
    X, y, _ = labelled(2, tasks=6)
    A = np.column_stack([np.ones(len(y)), X])
    sign, offset = np.where(y, 1.0, -1.0), rng.standard_normal(len(y))
    rows = LogisticRows(A, sign, np.ones(len(y)), np.arange(0, 121, 20), offset)
    for covariance in ("full", "low_rank"):
        structure = Structure.of(covariance, 3, True, np.arange(3), 1)
        Z = np.column_stack([np.ones(6), rng.standard_normal(6)])
        model = Laplace(rows, Z, structure, np.eye(3), True, np.full(6, 1e-3))
        theta = rng.standard_normal(structure.n_parameters)
        point = model.at(theta)
        gradient = model.gradient(point, model.slope(point))
        for k, step in enumerate(1e-4 * np.eye(theta.size)):
            ends = [model.at(theta + s * step).deviance for s in (1, -1)]
            assert gradient[k] == pytest.approx(
                (ends[0] - ends[1]) / 2e-4, rel=1e-4, abs=1e-4
            )


def test_a_task_of_one_class_is_served_by_the_others():
    X, y, tasks = labelled(3)
    y = y | (tasks == 4)
    model = MixedEffectsClassifier().fit(X, y, tasks)
    odds = model.decision_function(X[tasks == 4], tasks[tasks == 4])
    assert np.ptp(odds) > 1  # it ranks its rows by what all tasks share
    assert np.mean(odds) > np.mean(
        model.decision_function(X[tasks == 5], np.full(20, 5))
    )
    with pytest.raises(ValueError, match="1 class"):
        MixedEffectsClassifier().fit(X, np.ones(len(y)), tasks)


@pytest.mark.slow
def test_labels_in_other_layouts():
    X, y, tasks = labelled(4, tasks=5)
    X, Y = X[:20], y.reshape(5, 20).T
    wide = MixedEffectsClassifier().fit(X, Y)
    long = MixedEffectsClassifier().fit(np.tile(X, (5, 1)), y, tasks)
    np.testing.assert_allclose(wide.coef_, long.coef_, rtol=1e-4, atol=1e-6)
    assert len(wide.predict_proba(X)) == 5
    thin = MixedEffectsClassifier().fit(sparse.csr_array(np.tile(X, (5, 1))), y, tasks)
    np.testing.assert_allclose(thin.coef_, long.coef_, rtol=1e-4, atol=1e-6)


def test_weights_of_labels_are_repetitions():
    X, y, tasks = labelled(5)
    weight = np.random.default_rng(0).integers(1, 3, len(y))
    weighted = MixedEffectsClassifier().fit(X, y, tasks, weight)
    repeated = MixedEffectsClassifier().fit(
        *(np.repeat(a, weight, 0) for a in (X, y, tasks))
    )
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_new_tasks_of_labels():
    X, y, tasks = labelled(6, tasks=60)
    seen = tasks < 50
    model = MixedEffectsClassifier().fit(X[seen], y[seen], tasks[seen])
    common = model.decision_function(X[:5], [99] * 5)
    np.testing.assert_allclose(common, X[:5] @ model.coef_mean_ + model.intercept_mean_)
    whole = MixedEffectsClassifier().fit(X, y, tasks)
    for t in range(50, 60):
        model.fit_new_task(X[tasks == t], y[tasks == t], t)
    np.testing.assert_allclose(model.coef_[50:], whole.coef_[50:], atol=0.15)
    assert model.coef_std_.shape == (60, 2)


def test_tasks_that_are_alike_are_pooled():
    rng = np.random.default_rng(7)
    X, tasks = rng.standard_normal((400, 3)), np.repeat(np.arange(20), 20)
    y = rng.random(400) < 1 / (1 + np.exp(-X @ [1.0, -1.0, 0.5]))
    model = MixedEffectsClassifier().fit(X, y, tasks)
    pooled = PooledClassifier(1e-6).fit(X, y, tasks)
    assert np.median(np.abs(model.coef_ - pooled.coef_)) < 0.1
    assert np.abs(model.coef_mean_ - pooled.coef_[0]).max() < 0.15


@pytest.mark.parametrize("covariance", ["diagonal", "scalar", "shrunk"])
def test_effects_along_what_collinear_features_differ_by(covariance):
    """Near no variances, where lme4 stops, the likelihood has another maximum."""
    rng = np.random.default_rng(0)
    T, n, d = 6, 40, 5
    tasks = np.tile(np.repeat(np.arange(T), n), 2)
    W = rng.normal(scale=100, size=(T, d))
    W -= W.mean(axis=1, keepdims=True)
    X = rng.normal(size=(tasks.size, 1)) + 0.01 * rng.normal(size=(tasks.size, d))
    y = np.sum(X * W[tasks], axis=1) + 0.3 * rng.normal(size=tasks.size)
    train = np.arange(tasks.size) < T * n
    model = MixedEffectsRegressor(covariance=covariance)
    model.fit(X[train], y[train], tasks[train])
    assert np.mean((y - model.predict(X, tasks))[~train] ** 2) < 1.4 * 0.3**2


@pytest.mark.parametrize("every", [4, 30])
@pytest.mark.parametrize("cls", [MixedEffectsRegressor, MixedEffectsClassifier])
def test_where_the_search_starts_does_not_matter(cls, every, monkeypatch):
    """Of many tasks some are looked at first, be they as few as two."""
    X, y, tasks = made(tasks=60, rows=8, d=2)
    y = y if cls is MixedEffectsRegressor else (y > 1.0).astype(int)
    expected = cls().fit(X, y, tasks)
    monkeypatch.setattr(_fit, "_MANY_TASKS", 60)
    monkeypatch.setattr(_fit, "_EVERY", every)
    found = cls().fit(X, y, tasks)
    assert found.converged_
    assert found.log_likelihood_ == pytest.approx(expected.log_likelihood_, abs=1e-6)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-3)


@pytest.mark.slow
def test_the_prior_of_many_labels_is_at_its_fixed_point():
    """Whichever way the variances went while it was sought."""
    X, y, tasks = labelled(tasks=10, rows=30, d=12)
    found = MixedEffectsClassifier(shrink_mean=True).fit(X, y, tasks)._model
    like, point = found.likelihood, found.point
    slopes = like.ridge[like.kept] > 1e-2  # the least one of intercepts is below
    precision = like.ridge[like.kept][slopes][0]
    known = slopes.sum() - precision * np.diag(point.C)[slopes].sum()
    expected = known / np.sum(point.beta[slopes] ** 2)
    assert precision == pytest.approx(expected, rel=0.02)


def test_a_prior_of_coefficients_that_are_noise_gets_to_its_bound():
    """The fixed point is far away, and its steps become ever shorter before."""
    X, y, tasks = make_multitask_regression(
        n_tasks=30, n_samples=20, n_features=12, random_state=2
    )
    y = y + 3.0 * np.random.default_rng(2).standard_normal(len(y))
    found = MixedEffectsRegressor().fit(X, y, tasks)._model
    precision = found.likelihood.ridge[1:]
    np.testing.assert_allclose(np.log(precision), _fit._MAX_LOG_PRECISION, rtol=1e-9)


@pytest.mark.parametrize("covariance", ["scalar", "diagonal", "full"])
def test_the_likelihood_of_labels_is_that_of_present_features(covariance):
    """Laplace's approximation written out, of a model without the absent ones."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(150, 2)), np.arange(150) // 25
    slopes = 1.0 + rng.normal(size=(6, 2))
    y = np.einsum("ij,ij->i", X, slopes[tasks]) + rng.logistic(size=150) > 0
    X[np.isin(tasks, [1, 4]), 1] = np.nan
    model = MixedEffectsClassifier(covariance, method="ml").fit(X, y, tasks)
    assert np.array_equal(
        model.coef_ == 0, np.isin(np.arange(6), [1, 4])[:, None] * [0, 1]
    )
    mean = np.append(model.intercept_mean_, model.coef_mean_)
    expected = 0.0
    for t in range(6):
        present = [0, 1] if t in (1, 4) else [0, 1, 2]
        mine = tasks == t
        A = np.column_stack([np.ones(25), X[mine]])[:, present]
        Sigma = model.covariance_[np.ix_(present, present)] + 1e-12 * np.eye(
            len(present)
        )
        root = np.linalg.cholesky(Sigma)
        sign, B = np.where(y[mine], 1.0, -1.0), A @ root

        def loss(z, A=A, B=B, sign=sign, m=mean[present]):
            return np.logaddexp(0.0, -sign * (A @ m + B @ z)).sum() + z @ z / 2

        best = minimize(loss, np.zeros(len(present)), tol=1e-12)
        p = expit(A @ mean[present] + B @ best.x)
        H = np.eye(len(present)) + (B.T * (p * (1 - p))) @ B
        expected -= best.fun + np.linalg.slogdet(H)[1] / 2
    # but for a ridge that is of no account
    assert model.log_likelihood_ == pytest.approx(expected, abs=5e-3)
