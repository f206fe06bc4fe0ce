"""Tasks of few rows: what is held out of them must tell strengths apart, or be said."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from linmtl import (
    GraphRegularizedRegressorCV,
    IndependentRegressor,
    L21RegressorCV,
    MeanRegularizedRegressorCV,
    TraceNormRegressorCV,
)
from linmtl.datasets import make_multitask_regression
from linmtl.model_selection._folds import fold_of_observations
from linmtl.model_selection._grid import is_flat

SLOPE = 2.0


def visits(n, T=30, seed=0):
    """Tasks on levels of their own, with one slope."""
    rng = np.random.default_rng(seed)
    tasks = np.repeat(np.arange(T), n)
    x = np.tile(np.linspace(0.0, 1.0, n), T)[:, None]
    level = rng.normal(0, 3, T)[tasks]
    return x, SLOPE * x[:, 0] + level + rng.normal(0, 0.3, n * T), tasks


def folds(X, y, tasks, cv, **options):
    model = MeanRegularizedRegressorCV(**options)
    given = model._read_fit(X, y, tasks, None)
    return fold_of_observations(given, given.data, cv), given.code


@pytest.mark.parametrize("cv", [2, 3, 5])
@pytest.mark.parametrize("n", [3, 4, 6])
def test_tasks_keep_two_rows_in_training(n, cv):
    fold, task = folds(*visits(n), cv)
    assert set(fold) - {-1} == set(range(cv))
    for k in range(cv):
        assert np.bincount(task[fold != k], minlength=30).min() >= 2
    tested = np.bincount(task[fold >= 0], minlength=30)
    assert tested.min() >= min(n, cv) - 1


@pytest.mark.parametrize("cv", [2, 3, 5])
def test_of_tasks_of_two_rows_few_are_tested_at_a_time(cv):
    fold, task = folds(*visits(2), cv)
    for k in range(cv):
        left = np.bincount(task[fold != k])
        assert left.min() >= 1
        assert np.sum(left == 2) >= 15
    assert np.all(np.bincount(task[fold >= 0]) == 1)


def test_tasks_of_two_rows_are_in_training_where_others_have_more():
    X, y, tasks = visits(4)
    few = (tasks % 2 == 0) & (X[:, 0] > 0.5)
    fold, task = folds(X[~few], y[~few], tasks[~few], 2)
    assert np.all(fold[task % 2 == 0] == -1)
    assert np.all(fold[task % 2 == 1] >= 0)


def test_without_an_intercept_one_row_is_something_to_learn_from():
    fold, task = folds(*visits(2), 2, fit_intercept=False)
    assert np.all(np.bincount(task[fold == 0]) == 1)
    assert np.all(fold >= 0)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("cv", [2, 5])
def test_a_common_slope_is_found(n, cv):
    X, y, tasks = visits(n)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MeanRegularizedRegressorCV(cv=cv).fit(X, y, tasks)
    levels = y.reshape(-1, n).mean(axis=1)
    pooled = LinearRegression().fit(X, y - levels[tasks]).coef_[0]
    assert model.coef_.mean() == pytest.approx(pooled, abs=0.05)


@pytest.mark.parametrize("cls", [L21RegressorCV, TraceNormRegressorCV])
def test_a_flat_curve_is_warned_about(cls):
    """One row of a task in training: its intercept explains it, at any strength."""
    with pytest.warns(UserWarning, match="tells no strength from another") as caught:
        model = cls(cv=2).fit(*visits(2))
    assert len(caught) == 1
    assert is_flat(model.mse_path_.mean(axis=1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = cls(cv=2).fit(*visits(3))
    assert model.coef_.mean() > SLOPE / 2


def test_tasks_whose_curve_is_flat_are_named():
    with pytest.warns(UserWarning, match="no strength from another for 30 of 30 tasks"):
        IndependentRegressor("cv", cv=2).fit(*visits(2))


def test_a_constant_target_has_nothing_to_tell():
    X, y, tasks = visits(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = L21RegressorCV(cv=2).fit(X, np.ones_like(y), tasks)
    assert np.all(model.coef_ == 0)


@pytest.mark.parametrize(
    "cls", [MeanRegularizedRegressorCV, GraphRegularizedRegressorCV]
)
@pytest.mark.slow
def test_the_second_strength_is_searched(cls):
    """Far fewer rows than features: the mean itself has to be shrunk."""
    X, y, tasks = make_multitask_regression(
        n_tasks=4, n_features=40, n_samples=8, noise=3.0, random_state=0
    )
    second = "alpha_mean" if cls is MeanRegularizedRegressorCV else "alpha_ridge"
    chosen = cls(alphas=10, cv=4).fit(X, y, tasks)
    assert chosen.mse_path_.shape[0] >= 3
    weak = cls(alphas=10, cv=4, **{second: 1e-3}).fit(X, y, tasks)
    assert chosen.mse_path_.mean(axis=-1).min() < weak.mse_path_.mean(axis=-1).min()
    assert chosen.best_params_[second] > 1e-2
