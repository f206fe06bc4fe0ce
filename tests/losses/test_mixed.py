"""Tasks of different kinds in one model."""

from __future__ import annotations

import pickle

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from sklearn.base import clone
from sklearn.metrics import d2_log_loss_score, d2_tweedie_score, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.convex import least
from helpers.losses import DELTA, FORMULAS, loss_of
from linmtl import (
    AutoRegressor,
    MixedTaskEstimator,
    MixedTaskEstimatorCV,
    MultiTaskRegressor,
)
from linmtl.conformal import TaskConformalRegressor
from linmtl.datafits._residual import ResidualFit
from linmtl.model_selection import TaskKFold
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import L21, MeanRegularized, Ridge, TraceNorm
from linmtl.transfer import SafeTransferRegressor

KINDS = {
    "bp": "squared",
    "stroke": "logistic",
    "visits": "poisson",
    "weight": "squared",
}
MIXES = [KINDS, KINDS | {"visits": "huber"}, KINDS | {"bp": "logistic"}]


def table(n=40, d=4, seed=0):
    """Return X, Y as a DataFrame; strokes are strings."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    eta = X @ (rng.normal(size=d) + 0.3 * rng.normal(size=(4, d))).T
    Y = pd.DataFrame(
        {
            "bp": 120 + 10 * eta[:, 0] + 5 * rng.normal(size=n),
            "stroke": np.where(eta[:, 1] + rng.logistic(size=n) > 0, "yes", "no"),
            "visits": rng.poisson(np.exp(eta[:, 2] / 2)),
            "weight": 70 + eta[:, 3] + rng.normal(size=n),
        }
    )
    return X, Y


def numbers(Y, kinds=KINDS):
    """Return targets as the formulas take them."""
    Y = Y.assign(stroke=np.where(Y["stroke"] == "yes", 1.0, -1.0))
    if kinds["bp"] == "logistic":
        Y["bp"] = np.where(Y["bp"] > 120, 1.0, -1.0)
    return Y.astype(float)


def long(X, Y):
    """Return the same rows with a task each, in any order."""
    order = np.random.default_rng(1).permutation(Y.size)
    rows = np.tile(np.arange(len(X)), Y.shape[1])[order]
    tasks = np.repeat(Y.columns.to_numpy(str), len(X))[order]
    y = np.concatenate([Y[name].to_numpy(object) for name in Y])[order]
    return X[rows], y, tasks


# --- the optimum


def null_loss(kind, y):
    return minimize_scalar(lambda b: FORMULAS[kind](y, np.full(y.shape, b)).mean()).fun


@pytest.mark.parametrize("task_weight", ["null_loss", None])
@pytest.mark.parametrize("kinds", MIXES)
def test_optimum_is_that_of_the_formulas(kinds, task_weight):
    X, Y = table()
    Y = numbers(Y, kinds)
    options = {"task_weight": task_weight, "huber_delta": DELTA, "tol": 1e-6}
    model = MixedTaskEstimator(L21(0.05), loss=kinds, **options).fit(X, Y)
    W, b, n = cp.Variable((4, 4)), cp.Variable(4), len(X)
    total, found = 0.05 * cp.sum(cp.norm(W, 2, axis=1)), 0.0
    for t, name in enumerate(Y):
        y, kind = Y[name].to_numpy(), kinds[name]
        factor = 1.0 if task_weight is None else 1 / null_loss(kind, y)
        total += loss_of(kind, y, X @ W[:, t] + b[t], np.full(n, factor / n))
        eta = X @ model.coef_[t] + model.intercept_[t]
        found += factor * FORMULAS[kind](y, eta).mean()
    found += 0.05 * np.linalg.norm(model.coef_, axis=0).sum()
    assert model.objective_ == pytest.approx(found, rel=1e-6)
    assert model.dual_gap_ <= model.tol_
    assert found - least(total) <= model.dual_gap_ + 1e-5 * found


@pytest.mark.parametrize("penalty", [TraceNorm(0.1), MeanRegularized(0.1, 0.01)])
@pytest.mark.parametrize("kinds", MIXES)
def test_the_gap_is_above_the_distance_to_the_optimum(kinds, penalty):
    X, Y = table()
    best, rough = (
        MixedTaskEstimator(penalty, loss=kinds, tol=tol).fit(X, numbers(Y, kinds))
        for tol in (1e-8, 3e-2)
    )
    assert best.dual_gap_ <= best.tol_
    assert rough.objective_ - best.objective_ <= rough.dual_gap_ + 1e-12


@pytest.mark.parametrize("loss", ["squared", "poisson"])
def test_one_kind_for_all_is_the_model_of_that_loss(loss):
    X, Y = table()
    Y = Y[["visits"]].assign(again=Y["visits"] + 1).astype(float)
    options = {"loss": loss, "task_weight": None, "tol": 1e-9}
    mixed = MixedTaskEstimator(L21(0.05), **options).fit(X, Y)
    plain = MultiTaskRegressor(L21(0.05), **options).fit(X, Y)
    np.testing.assert_allclose(mixed.coef_, plain.coef_, atol=1e-4)
    np.testing.assert_allclose(mixed.predict(X), plain.predict(X), rtol=1e-3)


def test_a_ridge_learns_each_task_alone():
    X, Y = table()
    mixed = MixedTaskEstimator(Ridge(0.1), loss=KINDS, tol=1e-13).fit(X, Y)
    for t, name in enumerate(Y):
        alone = MixedTaskEstimator(Ridge(0.1), loss=KINDS, tol=1e-13)
        alone.fit(X, Y[[name]])
        np.testing.assert_allclose(mixed.coef_[t], alone.coef_[0], atol=1e-6)


def test_units_do_not_matter_by_default():
    X, Y = table()
    model = MixedTaskEstimator(L21(0.05), loss=KINDS, tol=1e-8).fit(X, Y)
    scaled = clone(model).fit(X, Y.assign(weight=1000 * Y["weight"]))
    assert scaled.task_weight_[3] == pytest.approx(1e-6 * model.task_weight_[3])
    again = clone(model).fit(X, Y.assign(bp=Y["bp"]))
    np.testing.assert_allclose(again.coef_, model.coef_)


# --- layouts


def test_long_and_wide_are_the_same_model():
    X, Y = table()
    model = MixedTaskEstimator(L21(0.05), loss=KINDS, tol=1e-8)
    wide = clone(model).fit(X, Y)
    rows, y, tasks = long(X, Y)
    model.fit(rows, y, tasks)
    order = [list(model.tasks_).index(name) for name in Y]
    np.testing.assert_allclose(model.coef_[order], wide.coef_, atol=1e-5)
    score = model.score(rows, y, tasks)
    np.testing.assert_allclose(score, wide.score(X, Y), atol=1e-5)
    assert model.score(rows, np.asarray(y)[:, None], tasks) == score
    for name, mean in zip(Y, wide.predict(X).T, strict=True):
        of_task = model.predict(X, [name] * len(X))
        np.testing.assert_allclose(of_task, mean, atol=1e-4)
    every = model.predict_all(X)
    np.testing.assert_allclose(every[:, order], wide.predict(X), atol=1e-4)
    column = pd.DataFrame(rows, columns=list("abcd")).assign(task=tasks)
    by_column = clone(model).set_params(task_column="task").fit(column, y)
    np.testing.assert_array_equal(by_column.coef_, model.coef_)


def test_missing_labels_and_weights():
    X, Y = table()
    Y = Y.astype(object)
    Y.iloc[::3, 1], Y.iloc[::4, 0] = None, np.nan
    wide = MixedTaskEstimator(L21(0.05), loss=KINDS, tol=1e-8).fit(X, Y)
    rows, y, tasks = long(X, Y)
    seen = ~pd.isna(y)
    dropped = clone(wide).fit(rows[seen], y[seen], tasks[seen])
    assert wide.objective_ == pytest.approx(dropped.objective_, rel=1e-6)
    doubled = clone(wide).fit(X, Y, sample_weight=np.full(len(X), 2.0))
    np.testing.assert_allclose(doubled.coef_, wide.coef_, atol=1e-5)
    # a task that would be left out of a mixed model is one without classes
    Y["stroke"] = "yes"
    with pytest.raises(ValueError, match=r"only 1 class.*\(task 'stroke'\)"):
        clone(wide).fit(X, Y)


def test_predictions_are_means_and_scores_are_shares():
    X, Y = table()
    model = MixedTaskEstimator(L21(0.05), loss=KINDS).fit(X, Y)
    np.testing.assert_array_equal(model.task_classes_["stroke"], ["no", "yes"])
    mean = dict(zip(Y, model.predict(X).T, strict=True))
    assert np.all((mean["stroke"] > 0) & (mean["stroke"] < 1))
    assert np.all(mean["visits"] > 0)
    scores = model.task_scores(X, Y)
    expected = [
        r2_score(Y["bp"], mean["bp"]),
        d2_log_loss_score(Y["stroke"], mean["stroke"], labels=["no", "yes"]),
        d2_tweedie_score(Y["visits"], mean["visits"], power=1),
        r2_score(Y["weight"], mean["weight"]),
    ]
    np.testing.assert_allclose(scores.values, expected)
    assert model.score(X, Y) == pytest.approx(np.mean(expected))
    one = Y.head(6).assign(stroke="no", bp=1.0)  # undefined for these two
    assert list(np.isnan(model.task_scores(X[:6], one).values)) == [1, 1, 0, 0]


def test_it_is_searched_saved_and_cloned():
    X, Y = table()
    rows, y, tasks = long(X, numbers(Y))
    X = pd.DataFrame(rows, columns=list("abcd")).assign(task=tasks)
    model = MixedTaskEstimator(L21(), loss=KINDS, task_column="task")
    cv = TaskKFold(3, task_column="task")
    search = GridSearchCV(model, {"penalty__alpha": [2.0, 0.1]}, cv=cv).fit(X, y)
    assert search.best_params_ == {"penalty__alpha": 0.1}
    best = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(best.predict(X), search.predict(X))


def test_an_offset_is_for_all_kinds():
    X, Y = table()
    model = MixedTaskEstimator(L21(0.05), loss=KINDS, tol=1e-8).fit(X, Y)
    shifted = clone(model).fit(X, Y, offset=0.5)
    np.testing.assert_allclose(shifted.coef_, model.coef_, atol=1e-4)
    np.testing.assert_allclose(shifted.intercept_ + 0.5, model.intercept_, atol=1e-4)
    assert shifted.score(X, Y, offset=0.5) == pytest.approx(model.score(X, Y), abs=1e-4)


def test_a_part_of_the_tasks_keeps_their_losses():
    X, Y = table()
    problem = MixedTaskEstimator(L21(0.05), loss=KINDS)._read_problem(X, Y, None, None)
    fit, W = problem.objective.base_fit, np.ones((4, 4))
    fit.loss_at(W)
    parts = [fit.of_tasks(np.array([t])) for t in range(4)]
    for t, part in enumerate(parts):
        assert isinstance(part, ResidualFit)
        assert part.loss_at(W[:, [t]]) == pytest.approx(fit.task_loss[t])


# --- errors


def test_errors_say_what_is_wrong():
    X, Y = table()
    rows, y, tasks = long(X, Y)
    few = {name: KINDS[name] for name in ("bp", "stroke")}
    for options, passed, what in (
        ({"loss": few}, (X, Y), "loss has no entry for the tasks 'visits', 'weight'"),
        ({"loss": KINDS | {"bp": "hinge"}}, (X, Y), "loss must be one of 'squared'"),
        ({"loss": "squared_hinge"}, (X, Y), "loss must be one of 'squared'"),
        ({"loss": KINDS}, (X, Y.assign(visits=-1)), r"negative.*\(task 'visits'\)"),
        ({"loss": KINDS}, (X, Y.assign(bp="high")), r"labels of.*\(task 'bp'\)"),
        ({"loss": KINDS, "handle_unknown": "mean"}, (X, Y), "have no mean model"),
        ({"loss": KINDS}, (X, Y[:-1]), "inconsistent numbers of samples"),
        ({"loss": KINDS}, (rows, y, tasks[:-1]), "tasks"),
    ):
        with pytest.raises(ValueError, match=what):
            MixedTaskEstimator(**options).fit(*passed)
    drawn = MeanRegularized(0.1, 0.1, intercept_weight=0.1)
    with pytest.raises(ValueError, match="tasks are of different kinds"):
        MixedTaskEstimator(drawn, loss=KINDS).fit(X, Y)
    model = MixedTaskEstimator(loss=KINDS).fit(X, Y)
    assert not hasattr(model, "fit_new_task")
    with pytest.raises(ValueError, match=r"labels 'maybe'.*\(task 'stroke'\)"):
        model.score(X, Y.assign(stroke="maybe"))
    with pytest.raises(ValueError, match="has a loss for each task"):
        MixedTaskEstimator(loss=KINDS)._loss()


# --- strengths by cross-validation


def without_some(Y, seed=3):
    """Return the table with a fifth of the labels missing."""
    gone = np.random.default_rng(seed).random(Y.shape) < 0.2
    return Y.astype(object).mask(gone)


def test_held_out_losses_are_those_of_models_without_the_fold():
    X, Y = table()
    Y = without_some(Y)
    rows = np.arange(len(X)) % 3
    cv = [(rows != k, rows == k) for k in range(3)]
    model = MixedTaskEstimatorCV(loss=KINDS, alphas=[0.2, 0.02], cv=cv, tol=1e-9)
    model.fit(X, Y)
    weight = dict(zip(KINDS, model.task_weight_, strict=True))
    for i, alpha in enumerate(model.alphas_):
        for k in range(3):
            part = MixedTaskEstimator(L21(alpha), loss=KINDS, task_weight=weight)
            part.set_params(tol=1e-9).fit(X[rows != k], Y[rows != k])
            eta = X[rows == k] @ part.coef_.T + part.intercept_
            for t, name in enumerate(KINDS):
                y = Y[name][rows == k]
                used = y.notna().to_numpy()
                values = np.where(y == "yes", 1.0, -1.0) if name == "stroke" else y
                loss = part._mixed.of_task(t)
                each = loss.value(np.asarray(values[used], dtype=float), eta[used, t])
                found = model.task_losses_path_[i, k, t]
                assert found == pytest.approx(each.mean(), rel=1e-4)
    mean = np.average(model.task_losses_path_, axis=2, weights=model.task_weight_)
    np.testing.assert_allclose(model.losses_path_, mean)
    best = np.argmin(mean.mean(axis=1))
    assert model.alpha_ == model.penalty_.alpha == model.alphas_[best]
    chosen = MixedTaskEstimator(model.penalty_, loss=KINDS, tol=1e-9).fit(X, Y)
    np.testing.assert_allclose(chosen.coef_, model.coef_, atol=1e-6)


def test_a_search_beats_a_strength_that_is_too_strong():
    X, Y = table(n=80)
    search = MixedTaskEstimatorCV(loss=KINDS, alphas=6, eps=0.01, cv=3).fit(X, Y)
    null = MixedTaskEstimator(L21(1.0), loss=KINDS).fit(X, Y)
    assert search.score(X, Y) > null.score(X, Y) + 0.1


@pytest.mark.slow
def test_searches_in_pipelines_grids_and_every_layout():
    X, Y = table()
    wide = make_pipeline(
        StandardScaler(), MixedTaskEstimatorCV(loss=KINDS, alphas=3, eps=0.1, cv=3)
    ).fit(X, without_some(Y))
    assert wide[-1].losses_path_.shape == (wide[-1].alphas_.size, 3)
    assert wide.predict(X).shape == Y.shape
    assert wide.score(X, Y) > 0.1
    rows, y, tasks = long(X, Y)
    frame = pd.DataFrame(rows, columns=list("abcd")).assign(task=tasks)
    model = MixedTaskEstimatorCV(
        loss=KINDS, alphas=[0.1, 0.01], cv=3, task_column="task"
    )
    grid = {"penalty": [L21(), Ridge() + L21()]}
    search = GridSearchCV(model, grid, cv=TaskKFold(2, task_column="task"))
    assert search.fit(frame, y).best_score_ > 0.0
    absent = frame.assign(d=frame["d"].mask(tasks == "bp"))
    lacking = clone(model).fit(absent, y)
    assert lacking.coef_[0, 3] == 0
    again = pickle.loads(pickle.dumps(lacking))
    np.testing.assert_array_equal(again.predict(absent), lacking.predict(absent))
    one = MixedTaskEstimatorCV(alphas=[0.1, 0.01], cv=3).fit(X, Y[["bp", "weight"]])
    assert one.losses_path_.shape == (2, 3)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"cv": "loo"}, "cv='loo' is for models with one loss"),
        ({"criterion": "aic"}, "criterion is for models with one loss"),
        ({"scoring": "r2"}, "scoring is for models with one loss"),
    ],
)
def test_searches_say_what_is_for_one_loss(options, what):
    X, Y = table()
    with pytest.raises(ValueError, match=what):
        MixedTaskEstimatorCV(loss=KINDS, **options).fit(X, Y)


def test_what_is_for_models_with_one_loss_says_so():
    X, Y = table()
    model = MixedTaskEstimator(loss=KINDS)
    for fit in (
        lambda: TaskConformalRegressor(model).fit(X, Y),
        lambda: SafeTransferRegressor(model).fit(X, Y),
        lambda: AutoRegressor([model]).fit(X, Y),
    ):
        with pytest.raises(ValueError, match="MixedTaskEstimator has a loss for each"):
            fit()


@pytest.mark.slow
def test_paths_are_those_of_the_estimator():
    X, Y = table()
    given = {"penalty": L21(), "loss": KINDS}
    top = alpha_max(X, Y, **given)
    assert not MixedTaskEstimator(L21(1.001 * top), loss=KINDS).fit(X, Y).coef_.any()
    assert MixedTaskEstimator(L21(0.98 * top), loss=KINDS).fit(X, Y).coef_.any()
    alphas, coefs, _, b = mtl_path(
        X, Y, alphas=3, eps=0.1, tol=1e-8, return_intercepts=True, **given
    )
    for k, alpha in enumerate(alphas):
        model = MixedTaskEstimator(L21(alpha), loss=KINDS, tol=1e-8).fit(X, Y)
        np.testing.assert_allclose(coefs[:, :, k], model.coef_, atol=1e-3)
        np.testing.assert_allclose(b[:, k], model.intercept_, atol=1e-3)
    with pytest.raises(ValueError, match="loss has no entry for the tasks"):
        mtl_path(X, Y, penalty=L21(), loss={"none": "squared"})
