"""Weights of tasks that follow from their losses, and weights of classes."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from helpers.convex import least
from helpers.losses import loss_of
from linmtl import (
    CalibratedRegressor,
    FactoredRegressor,
    IndependentRegressor,
    L21Classifier,
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
    MultiTaskClassifier,
    MultiTaskRegressor,
    PooledClassifier,
    PooledRegressor,
    stack_tasks,
)
from linmtl.datafits._minimax import MU, MinimaxFit
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import L1, L21, CappedL1, Dirty, MeanRegularized, Ridge, TraceNorm

PENALTIES = {
    "L1": (L1(0.02), lambda W: 0.02 * cp.sum(cp.abs(W))),
    "L21": (L21(0.02), lambda W: 0.02 * cp.sum(cp.norm(W, 2, axis=1))),
    "L21-free": (
        L21(0.03, feature_weight=[0.0, 0.0, 1, 1, 1]),
        lambda W: 0.03 * cp.sum(cp.norm(W[2:], 2, axis=1)),
    ),
    "TraceNorm": (TraceNorm(0.05), lambda W: 0.05 * cp.normNuc(W)),
    "Ridge": (Ridge(0.1), lambda W: 0.05 * cp.sum_squares(W)),
    "Mean": (
        MeanRegularized(0.2),
        lambda W: 0.1 * cp.sum_squares(W - cp.sum(W, axis=1, keepdims=True) / 4),
    ),
    "L21+Ridge": (
        L21(0.02) + Ridge(0.1),
        lambda W: 0.02 * cp.sum(cp.norm(W, 2, axis=1)) + 0.05 * cp.sum_squares(W),
    ),
    "weak": (Ridge(1e-3), lambda W: 5e-4 * cp.sum_squares(W)),
}


def ragged(classify=False, noise=(0.3, 0.5, 1.0, 4.0), seed=0):
    """Four tasks of different sizes; the last one is much harder."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=5)
    Xs, ys = [], []
    for n, s in zip((30, 25, 35, 28), noise, strict=True):
        X = rng.normal(size=(n, 5))
        y = X @ (shared + 0.5 * rng.normal(size=5)) + s * rng.normal(size=n) + 1.0
        Xs.append(X)
        ys.append(np.where(y > 0.7, 1.0, -1.0) if classify else y)
    return stack_tasks(Xs, ys, names=list("abcd"))


def losses_at(model, X, y, tasks, classify, weight=None):
    """Mean loss of each task, and of its null model, written out."""
    weight = np.ones(len(y)) if weight is None else weight
    loss, null = [], []
    for t, label in enumerate(model.tasks_):
        r = tasks == label
        w = weight[r] / weight[r].sum()
        eta = X[r] @ model.coef_[t] + model.intercept_[t]
        if classify:
            p = w @ (y[r] > 0)
            loss.append(w @ np.logaddexp(0.0, -y[r] * eta))
            null.append(-p * np.log(p) - (1 - p) * np.log(1 - p))
        else:
            loss.append(w @ (y[r] - eta) ** 2 / 2)
            null.append(w @ (y[r] - w @ y[r]) ** 2 / 2)
    return np.array(loss), np.array(null)


# --- null losses


@pytest.mark.parametrize("intercept", [True, False])
def test_null_loss_of_regression_is_half_the_variance(intercept):
    X, y, tasks = ragged()
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    model = L21Regressor(0.05, task_weight="null_loss", fit_intercept=intercept)
    model.fit(X, y, tasks, weight)
    for t, label in enumerate(model.tasks_):
        r = tasks == label
        mean = np.average(y[r], weights=weight[r]) if intercept else 0.0
        null = np.average((y[r] - mean) ** 2, weights=weight[r]) / 2
        assert model.task_weight_[t] == pytest.approx(1 / null, rel=1e-12)


@pytest.mark.parametrize("intercept", [True, False])
def test_null_loss_of_classes_is_their_entropy(intercept):
    X, y, tasks = ragged(classify=True)
    model = L21Classifier(0.05, task_weight="null_loss", fit_intercept=intercept)
    model.fit(X, y, tasks)
    for t, label in enumerate(model.tasks_):
        p = np.mean(y[tasks == label] > 0) if intercept else 0.5
        entropy = -p * np.log(p) - (1 - p) * np.log(1 - p)
        assert model.task_weight_[t] == pytest.approx(1 / entropy, rel=1e-9)


def test_null_loss_is_the_same_as_these_weights_by_hand():
    X, y, tasks = ragged()
    model = L21Regressor(0.05, task_weight="null_loss", tol=1e-14).fit(X, y, tasks)
    same = L21Regressor(0.05, task_weight=model.task_weight_, tol=1e-14)
    same.fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, same.coef_, atol=1e-7)


def test_null_loss_makes_the_units_of_the_targets_irrelevant():
    X, y, tasks = ragged()
    unit = np.select([tasks == "a", tasks == "b"], [1e3, 1e-3], 1.0)
    mean = np.where(tasks == "a", 1e6, 0.0)
    model = IndependentRegressor(0.1, task_weight="null_loss").fit(X, y, tasks)
    other = IndependentRegressor(0.1, task_weight="null_loss")
    other.fit(X, unit * y + mean, tasks)
    assert not np.allclose(model.coef_[0], other.coef_[0])  # a ridge has units
    factor = np.array([1e3, 1e-3, 1.0, 1.0])
    np.testing.assert_allclose(
        model.task_weight_, other.task_weight_ * factor**2, rtol=1e-9
    )


@pytest.mark.parametrize("mode", ["null_loss", "minimax"])
@pytest.mark.parametrize("constant", [0.0, 0.1, -1e8 / 3])
def test_a_constant_target_has_no_relative_loss(mode, constant):
    X, y, tasks = ragged()
    y = np.where(tasks == "b", constant, y)
    with pytest.raises(ValueError, match=r"zero for the tasks 'b'.*constant"):
        L21Regressor(task_weight=mode).fit(X, y, tasks)


@pytest.mark.parametrize("mode", ["null_loss", "minimax"])
def test_a_task_with_a_single_class_is_left_out(mode):
    X, y, tasks = ragged(classify=True)
    y = np.where(tasks == "b", 1.0, y)
    with pytest.warns(UserWarning, match="single class.*'b'"):
        model = L21Classifier(0.02, task_weight=mode, tol=1e-8).fit(X, y, tasks)
    assert model.task_weight_[1] == 0
    consensus = model.coef_[[0, 2, 3]].mean(axis=0)
    np.testing.assert_allclose(model.coef_[1], consensus, rtol=1e-12)
    rest = tasks != "b"
    other = L21Classifier(0.02, task_weight=mode, tol=1e-8)
    other.fit(X[rest], y[rest], tasks[rest])
    np.testing.assert_allclose(model.coef_[[0, 2, 3]], other.coef_, atol=1e-5)
    assert model.objective_ == pytest.approx(other.objective_, rel=1e-7)


# --- the smoothed worst task


def minimax_optimum(X, y, tasks, expression, classify, intercept=True, weight=None):
    weight = np.ones(len(y)) if weight is None else weight
    labels = np.unique(tasks)
    W, b = cp.Variable((X.shape[1], len(labels))), cp.Variable(len(labels))
    relative = []
    for t, label in enumerate(labels):
        r = tasks == label
        w = weight[r] / weight[r].sum()
        eta = X[r] @ W[:, t] + b[t]
        if classify:
            p = w @ (y[r] > 0) if intercept else 0.5
            null = -p * np.log(p) - (1 - p) * np.log(1 - p)
        else:
            mean = w @ y[r] if intercept else 0.0
            null = w @ (y[r] - mean) ** 2 / 2
        loss = loss_of("logistic" if classify else "squared", y[r], eta, w)
        relative.append(loss / null)
    total = MU * (cp.log_sum_exp(cp.hstack(relative) / MU) - np.log(len(labels)))
    return least(total + expression(W), [] if intercept else [b == 0])


@pytest.mark.parametrize("classify", [False, True], ids=["squared", "logistic"])
@pytest.mark.parametrize("name", PENALTIES)
def test_minimax_is_optimal(name, classify):
    penalty, expression = PENALTIES[name]
    X, y, tasks = ragged(classify)
    cls = MultiTaskClassifier if classify else MultiTaskRegressor
    model = cls(penalty, task_weight="minimax", tol=1e-7).fit(X, y, tasks)
    best = minimax_optimum(X, y, tasks, expression, classify)
    assert model.objective_ == pytest.approx(best, abs=2e-6)
    assert model.solver_ == "backtracking"
    assert model.dual_gap_ <= model.tol_ < 2e-7
    assert model.objective_ - model.dual_gap_ <= best + 2e-6


@pytest.mark.parametrize("classify", [False, True], ids=["squared", "logistic"])
@pytest.mark.parametrize("intercept", [True, False])
def test_minimax_with_weights_and_without_intercept(classify, intercept):
    X, y, tasks = ragged(classify)
    weight = np.random.default_rng(2).uniform(0.2, 3.0, len(y))
    weight[::7] = 0.0
    penalty, expression = PENALTIES["L21"]
    cls = MultiTaskClassifier if classify else MultiTaskRegressor
    model = cls(penalty, task_weight="minimax", fit_intercept=intercept, tol=1e-7)
    model.fit(X, y, tasks, weight)
    best = minimax_optimum(X, y, tasks, expression, classify, intercept, weight)
    assert model.objective_ == pytest.approx(best, abs=2e-6)


@pytest.mark.parametrize("classify", [False, True], ids=["squared", "logistic"])
def test_the_worst_task_fares_better(classify):
    X, y, tasks = ragged(classify)
    cls = PooledClassifier if classify else PooledRegressor
    plain, fair = (
        cls(1e-4, task_intercepts=True, task_weight=mode).fit(X, y, tasks)
        for mode in ("null_loss", "minimax")
    )
    worst = []
    for model in (plain, fair):
        loss, null = losses_at(model, X, y, tasks, classify)
        worst.append((loss / null).max())
    assert worst[1] < worst[0] - 0.01


def test_weights_of_minimax_are_a_softmax_and_reproduce_the_solution():
    X, y, tasks = ragged()
    model = L21Regressor(0.02, task_weight="minimax", tol=1e-10).fit(X, y, tasks)
    loss, null = losses_at(model, X, y, tasks, False)
    share = np.exp(loss / null / MU)
    share /= share.sum()
    np.testing.assert_allclose(model.task_weight_, share / null, rtol=1e-6)
    same = L21Regressor(0.02, task_weight=model.task_weight_, tol=1e-10)
    same.fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, same.coef_, atol=1e-4)


def test_one_task_has_nothing_to_share():
    X, y, _ = ragged()
    model = L21Regressor(0.02, task_weight="minimax", tol=1e-9).fit(X, y)
    plain = L21Regressor(0.02, task_weight="null_loss", tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.coef_, plain.coef_, atol=1e-5)
    assert model.objective_ == pytest.approx(plain.objective_, rel=1e-7)


def test_minimax_in_every_layout():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 5))
    Y = X @ rng.normal(size=(5, 3)) + rng.normal(size=(40, 3)) * [0.2, 1.0, 3.0]
    options = {"task_weight": "minimax", "tol": 1e-9}
    wide = L21Regressor(0.02, **options).fit(X, Y)
    long_X, y = np.tile(X, (3, 1)), Y.T.ravel()
    tasks = np.repeat([0, 1, 2], 40)
    long = L21Regressor(0.02, **options).fit(long_X, y, tasks)
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-6)
    table = pd.DataFrame(long_X).assign(task=tasks)
    table.columns = table.columns.astype(str)
    column = L21Regressor(0.02, task_column="task", **options).fit(table, y)
    np.testing.assert_allclose(column.coef_, long.coef_, atol=1e-12)
    thin = L21Regressor(0.02, **options).fit(sparse.csr_array(X), Y)
    np.testing.assert_allclose(wide.coef_, thin.coef_, atol=1e-6)
    Y[::3, 1] = np.nan
    holes = L21Regressor(0.02, **options).fit(X, Y)
    seen = ~np.isnan(Y.T.ravel())
    long = L21Regressor(0.02, **options).fit(
        long_X[seen], Y.T.ravel()[seen], tasks[seen]
    )
    np.testing.assert_allclose(holes.coef_, long.coef_, atol=1e-6)
    single = L21Regressor(0.02, task_weight="minimax").fit(
        X.astype(np.float32), Y.astype(np.float32)
    )
    np.testing.assert_allclose(holes.coef_, single.coef_, atol=2e-2)


@pytest.mark.parametrize(
    "penalty", [CappedL1(0.05, 0.5), Dirty(0.02, 0.02)], ids=lambda p: type(p).__name__
)
def test_minimax_with_stages_and_decompositions(penalty):
    X, y, tasks = ragged()
    model = MultiTaskRegressor(penalty, task_weight="minimax", tol=1e-5)
    model.fit(X, y, tasks)
    assert model.converged_
    loss, null = losses_at(model, X, y, tasks, False)
    value = MU * np.log(np.mean(np.exp(loss / null / MU)))
    assert value < model.objective_ <= 1.0


def test_minimax_with_more_features_than_rows():
    rng = np.random.default_rng(4)
    Xs = [rng.normal(size=(12, 40)) for _ in range(3)]
    ys = [
        X[:, 0] + s * rng.normal(size=12) for X, s in zip(Xs, (0.1, 1, 2), strict=True)
    ]
    model = L21Regressor(0.05, task_weight="minimax").fit(*stack_tasks(Xs, ys))
    assert model.converged_
    assert 0 < np.count_nonzero(model.coef_[0]) < 40


def test_minimax_from_a_far_warm_start():
    X, y, tasks = ragged()
    model = L21Regressor(1e-4, task_weight="minimax", warm_start=True)
    model.fit(X, 1e6 * y, tasks)
    model.fit(X, y, tasks)  # from losses of 1e12
    cold = L21Regressor(1e-4, task_weight="minimax").fit(X, y, tasks)
    assert model.converged_
    assert model.objective_ == pytest.approx(cold.objective_, abs=2e-4)


@pytest.mark.slow
def test_minimax_of_a_loss_that_is_linear_at_the_start():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), 100.0 + rng.normal(size=30)
    tasks = np.repeat([0, 1], 15)
    model = L21Regressor(
        0.001, loss="quantile", fit_intercept=False, task_weight="minimax", tol=1e-3
    ).fit(X, y, tasks)
    assert model.converged_
    assert model.coef_.any()


@pytest.mark.filterwarnings("ignore:.*the best strength is")
@pytest.mark.slow
def test_minimax_over_a_path_and_with_a_search():
    X, y, tasks = ragged()
    penalty = L21()
    top = alpha_max(X, y, tasks, penalty=penalty, task_weight="minimax")
    above = L21Regressor(1.0001 * top, task_weight="minimax", tol=1e-9)
    below = L21Regressor(0.98 * top, task_weight="minimax", tol=1e-9)
    assert not above.fit(X, y, tasks).coef_.any()
    assert below.fit(X, y, tasks).coef_.any()
    alphas, coefs, gaps = mtl_path(
        X, y, tasks, penalty=penalty, task_weight="minimax", alphas=4
    )
    assert np.all(gaps < 2e-4)
    for alpha, coef in zip(alphas, np.moveaxis(coefs, -1, 0), strict=True):
        alone = L21Regressor(alpha, task_weight="minimax", tol=1e-8).fit(X, y, tasks)
        np.testing.assert_allclose(coef, alone.coef_, atol=0.05)
    chosen = L21RegressorCV(alphas=4, cv=3, task_weight="minimax", scale_features=False)
    chosen.fit(X, y, tasks)
    assert chosen.mse_path_.shape == (len(chosen.alphas_), 3)
    alone = L21Regressor(chosen.alpha_, task_weight="minimax").fit(X, y, tasks)
    np.testing.assert_allclose(chosen.coef_, alone.coef_, atol=1e-6)
    Xc, yc, tasks = ragged(classify=True)
    chosen = L21ClassifierCV(alphas=3, eps=0.1, cv=3, task_weight="minimax")
    assert chosen.fit(Xc, yc, tasks).scores_path_.shape == (len(chosen.alphas_), 3)


def test_minimax_refits_and_factors():
    X, y, tasks = ragged()
    model = L21Regressor(0.3, task_weight="minimax", refit=True).fit(X, y, tasks)
    for t, label in enumerate(model.tasks_):  # nothing shared: each its own optimum
        r, used = tasks == label, model.coef_[t] != 0
        A = np.column_stack([np.ones(r.sum()), X[r][:, used]])
        expected = np.linalg.lstsq(A, y[r], rcond=None)[0][1:]
        np.testing.assert_allclose(model.coef_[t, used], expected, rtol=2e-2, atol=2e-2)
    convex = MultiTaskRegressor(TraceNorm(0.05), task_weight="minimax", tol=1e-8)
    convex.fit(X, y, tasks)
    factored = FactoredRegressor(4, 0.05, task_weight="minimax", tol=1e-6)
    factored.fit(X, y, tasks)
    assert factored.objective_ == pytest.approx(convex.objective_, abs=1e-6)


def test_minimax_of_one_model_for_all_tasks():
    X, y, tasks = ragged()
    model = PooledRegressor(0.1, task_intercepts=True, task_weight="minimax", tol=1e-8)
    model.fit(X, y, tasks)
    w, b = cp.Variable(5), cp.Variable(4)
    relative = []
    for t, label in enumerate("abcd"):
        r = tasks == label
        r2 = cp.sum_squares(y[r] - X[r] @ w - b[t])
        relative.append(r2 / r.sum() / y[r].var())
    total = MU * (cp.log_sum_exp(cp.hstack(relative) / MU) - np.log(4))
    optimum = least(total + 0.05 * cp.sum_squares(w))
    assert model.objective_ == pytest.approx(optimum, abs=1e-6)
    for mode in ("minimax", "uncertainty"):
        with pytest.raises(ValueError, match="task_intercepts=True"):
            PooledRegressor(task_weight=mode).fit(X, y, tasks)


def test_gradient_and_bound_of_the_fit():
    """By differences; and no shares of the tasks give a higher bound than the value."""
    X, y, tasks = ragged(classify=True)
    model = MultiTaskClassifier(L21(0.02), task_weight="minimax")
    fit = model._read_problem(X, y, tasks, None).objective.fit
    assert isinstance(fit, MinimaxFit)
    rng = np.random.default_rng(5)
    W, D = rng.normal(size=(2, 5, 4))
    G = np.empty_like(W)
    value = fit.evaluate(W, G)
    fit.dual_limit()
    slope = (fit.loss_at(W + 1e-6 * D) - fit.loss_at(W - 1e-6 * D)) / 2e-6
    assert -np.sum(G * D) == pytest.approx(slope, rel=1e-6)
    # the conjugate: at W itself Fenchel's inequality is an equality
    fit.evaluate(W, G)
    assert fit.dual_value(1.0) == pytest.approx(value + np.sum(G * W), rel=1e-12)


def test_the_dual_value_bounds_the_loss_at_every_other_point():
    X, y, tasks = ragged()
    problem = MultiTaskRegressor(task_weight="minimax")._read_problem(X, y, tasks, None)
    fit, rng = problem.objective.fit, np.random.default_rng(6)
    for _ in range(20):
        W, V = rng.normal(size=(2, 5, 4))
        G = np.empty_like(W)
        fit.evaluate(W, G)
        bound = fit.dual_value(1.0) - np.sum(G * V)
        assert fit.loss_at(V) >= bound - 1e-10 * abs(bound)


def test_other_solvers_are_refused_by_name():
    X, y, tasks = ragged()
    for solver in ("apg", "working_set", "prox_newton", "newton", "concomitant"):
        with pytest.raises(ValueError, match=f"solver='{solver}' needs .*'auto'"):
            L21Regressor(task_weight="minimax", solver=solver).fit(X, y, tasks)
    with pytest.raises(ValueError, match="not for loss='sqrt'"):
        CalibratedRegressor(task_weight="minimax").fit(X, y, tasks)


def test_it_says_when_it_stops_too_early():
    X, y, tasks = ragged()
    model = L21Regressor(1e-3, task_weight="minimax", max_iter=2, tol=1e-8)
    with pytest.warns(ConvergenceWarning, match="'backtracking' stopped after 2"):
        model.fit(X, y, tasks)
    assert model.dual_gap_ > model.tol_


# --- noise levels


def test_uncertainty_is_the_square_root_loss():
    X, y, tasks = ragged()
    model = MultiTaskRegressor(L21(0.1), task_weight="uncertainty", tol=1e-8)
    model.fit(X, y, tasks)
    root = MultiTaskRegressor(L21(0.1), loss="sqrt", tol=1e-8).fit(X, y, tasks)
    np.testing.assert_array_equal(model.coef_, root.coef_)
    np.testing.assert_allclose(model.task_weight_, 1 / model.noise_)
    loss, _ = losses_at(model, X, y, tasks, False)
    np.testing.assert_allclose(model.noise_, np.sqrt(2 * loss))
    # where the weights stay what they are, it is a squared loss
    same = L21Regressor(0.1, task_weight=model.task_weight_, tol=1e-10)
    np.testing.assert_allclose(same.fit(X, y, tasks).coef_, model.coef_, atol=1e-4)
    searched = L21RegressorCV(alphas=3, cv=3, task_weight="uncertainty")
    assert searched.fit(X, y, tasks).rmse_path_.shape == (3, 3)


@pytest.mark.parametrize("cls", [L21Classifier, PooledClassifier, L21ClassifierCV])
def test_uncertainty_is_for_regression(cls):
    X, y, tasks = ragged(classify=True)
    with pytest.raises(ValueError, match=f"{cls.__name__}.*is for regression"):
        cls(task_weight="uncertainty").fit(X, y, tasks)


# --- all modes


def test_weights_as_used_are_reported():
    X, y, tasks = ragged()
    size = np.array([30, 25, 35, 28])
    fitted = [
        L21Regressor(0.1, task_weight=weight).fit(X, y, tasks).task_weight_
        for weight in (None, "n_samples", {"a": 1, "b": 2, "c": 3, "d": 4})
    ]
    np.testing.assert_allclose(fitted, [np.ones(4), size / size.mean(), [1, 2, 3, 4]])
    pooled = PooledRegressor().fit(X, y, tasks).task_weight_
    np.testing.assert_allclose(pooled, size / size.sum())
    pooled = PooledRegressor(task_weight=[1, 1, 1, 5]).fit(X, y, tasks).task_weight_
    np.testing.assert_allclose(pooled, np.array([1, 1, 1, 5]) / 8)


def test_a_second_fit_forgets_the_weights_of_the_first():
    X, y, tasks = ragged()
    model = L21Regressor(0.1, task_weight="uncertainty").fit(X, y, tasks)
    model.set_params(task_weight=None).fit(X, y, tasks)
    np.testing.assert_allclose(model.task_weight_, np.ones(4))
    assert not hasattr(model, "noise_")


@pytest.mark.parametrize("wrong", ["nullloss", "", "mean", "balanced"])
def test_unknown_modes_are_refused(wrong):
    X, y, tasks = ragged()
    with pytest.raises(
        ValueError, match="task_weight must be None, 'n_samples', 'null"
    ):
        L21Regressor(task_weight=wrong).fit(X, y, tasks)


# --- classes


def test_balanced_classes_are_sample_weights():
    X, y, tasks = ragged(classify=True)
    base = np.random.default_rng(7).uniform(0.5, 2.0, len(y))
    by_hand = base.copy()
    for label in "abcd":
        for sign in (-1, 1):
            task, cell = tasks == label, (tasks == label) & (y == sign)
            by_hand[cell] *= base[task].sum() / (2 * base[cell].sum())
    model = L21Classifier(0.02, class_weight="balanced", tol=1e-9)
    model.fit(X, y, tasks, base)
    other = L21Classifier(0.02, tol=1e-9).fit(X, y, tasks, by_hand)
    # weights are equal but for rounding, fits within their tolerance
    np.testing.assert_allclose(model.coef_, other.coef_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(model.intercept_, other.intercept_, rtol=1e-8)
    plain = L21Classifier(0.02).fit(X, y, tasks, base)
    assert not np.allclose(plain.intercept_, model.intercept_, atol=0.05)


def test_class_weights_by_label():
    X, y, tasks = ragged(classify=True)
    names = np.where(y > 0, "yes", "no")
    model = L21Classifier(0.02, class_weight={"yes": 3.0}, tol=1e-9)
    model.fit(X, names, tasks)
    other = L21Classifier(0.02, tol=1e-9).fit(
        X, names, tasks, np.where(y > 0, 3.0, 1.0)
    )
    np.testing.assert_allclose(model.coef_, other.coef_, rtol=1e-10, atol=1e-12)


def test_balanced_classes_of_wide_labels_and_of_one_task():
    rng = np.random.default_rng(8)
    X = rng.normal(size=(60, 4))
    Y = np.where(X @ rng.normal(size=(4, 2)) + rng.normal(size=(60, 2)) > 1, 1.0, 0.0)
    Y[::5, 1] = np.nan
    wide = L21Classifier(0.02, class_weight="balanced", tol=1e-9).fit(X, Y)
    seen = ~np.isnan(Y.T.ravel())
    long = L21Classifier(0.02, class_weight="balanced", tol=1e-9)
    long.fit(np.tile(X, (2, 1))[seen], Y.T.ravel()[seen], np.repeat([0, 1], 60)[seen])
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-7)
    one = L21Classifier(0.02, class_weight="balanced", tol=1e-9).fit(X, Y[:, 0])
    p = Y[:, 0].mean()
    weight = np.where(Y[:, 0] > 0, 0.5 / p, 0.5 / (1 - p))
    other = L21Classifier(0.02, tol=1e-9).fit(X, Y[:, 0], sample_weight=weight)
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("balance", "None, 'balanced' or a dict"),
        (2.0, "None, 'balanced' or a dict"),
        ([1.0, 2.0], "None, 'balanced' or a dict"),
        ({"x": 2.0}, "the classes 'x'.*-1.0, 1.0"),
        ({1: -1.0}, "finite numbers >= 0"),
        ({1: np.nan}, "finite numbers >= 0"),
        ({1: "2"}, "finite numbers >= 0"),
        ({1: True}, "finite numbers >= 0"),
        ({1: 0.0}, "only 1 class"),
    ],
)
def test_wrong_class_weights(wrong, message):
    X, y, tasks = ragged(classify=True)
    with pytest.raises(ValueError, match=message):
        L21Classifier(class_weight=wrong).fit(X, y, tasks)
