"""Losses by name, wherever a regressor takes one."""

from __future__ import annotations

import pickle

import cvxpy as cp
import numpy as np
import pytest
from scipy.special import huber, xlogy
from sklearn.base import clone
from sklearn.linear_model import (
    GammaRegressor,
    PoissonRegressor,
    QuantileRegressor,
    TweedieRegressor,
)
from sklearn.model_selection import GridSearchCV

from helpers.convex import least
from helpers.losses import DELTA, FORMULAS, POWER, loss_of, make_loss
from helpers.problems import LAYOUTS, make_problem
from linmtl import (
    CalibratedRegressor,
    IndependentRegressor,
    L1Regressor,
    L21Regressor,
    L21RegressorCV,
    MCPRegressor,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    MultiTaskClassifier,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    PooledRegressor,
    TraceNormRegressor,
)
from linmtl.model_selection import TaskKFold
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import L1, L21, MeanRegularized, Ridge
from linmtl.transfer import (
    SafeTransferRegressor,
    lookahead_affinity,
    negative_transfer_report,
    transfer_gain,
)

VALUES = {
    "huber": lambda y, p: huber(DELTA, y - p),
    "quantile": FORMULAS["quantile"],
    "poisson": lambda y, p: 2 * (xlogy(y, y) - y * np.log(p) - y + p),
    "gamma": lambda y, p: 2 * (y / p - np.log(y / p) - 1),
    "tweedie": lambda y, p: 2 * FORMULAS["tweedie"](y, np.log(p)),
}
LOG_LINKS = ["poisson", "gamma", "tweedie"]
SLOW = {"quantile": [pytest.mark.slow]}  # many steps
every_loss = pytest.mark.parametrize(
    "loss", [pytest.param(name, marks=SLOW.get(name, [])) for name in VALUES]
)


def data(loss, layout="ragged", **options):
    problem = make_problem(loss, **{**LAYOUTS[layout], **options})
    return problem.X, problem.y, problem.tasks


def of(cls, loss, *args, **options):
    return cls(*args, loss=loss, **make_loss(loss).settings(), **options)


# --- predictions


def test_predictions_of_counts_are_means():
    X, y, tasks = data("poisson")
    model = of(L21Regressor, "poisson", 0.01).fit(X, y, tasks)
    rows = np.searchsorted(model.tasks_, tasks)
    eta = np.sum(X * model.coef_[rows], axis=1) + model.intercept_[rows]
    np.testing.assert_allclose(model.predict(X, tasks), np.exp(eta))
    assert np.all(model.predict_all(X) > 0)
    # an intercept makes the mean of the predictions that of the counts, in each task
    for label in model.tasks_:
        mine = tasks == label
        mean = model.predict(X[mine], tasks[mine]).mean()
        assert mean == pytest.approx(y[mine].mean(), rel=1e-4)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X, tasks), model.predict(X, tasks))


def test_the_mean_of_unknown_tasks_is_of_linear_predictors():
    X, y, tasks = data("poisson")
    model = of(L21Regressor, "poisson", 0.01, handle_unknown="mean").fit(X, y, tasks)
    other = model.predict(X, np.full(len(y), "zz"))
    eta = X @ model.coef_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(other, np.exp(eta))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("poisson", PoissonRegressor()),
        ("gamma", GammaRegressor()),
        ("tweedie", TweedieRegressor(power=POWER, link="log")),
    ],
)
def test_one_task_is_scikit_learns_model(loss, kind):
    X, y, _ = data(loss, "one-task")
    ours = of(MultiTaskRegressor, loss, Ridge(0.1), tol=1e-10).fit(X, y)
    theirs = kind.set_params(alpha=0.1, tol=1e-10, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_quantiles_of_one_task_are_scikit_learns(level):
    X, y, _ = data("squared", "one-task", sizes=(80,))
    ours = L1Regressor(0.02, loss="quantile", quantile_level=level, tol=1e-6)
    ours.set_params(quantile_smoothing=1e-3).fit(X, y)
    theirs = QuantileRegressor(quantile=level, alpha=0.02).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=5e-3)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=2e-2)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.8])
@pytest.mark.slow
def test_quantiles_cover_their_share_of_every_task(level):
    X, y, tasks = data("squared", sizes=(50, 70, 60, 90))
    model = L21Regressor(0.05, loss="quantile", quantile_level=level)
    model.fit(X, y, tasks)
    below = y < model.predict(X, tasks)
    for label in model.tasks_:
        # as many rows as coefficients may lie within the window
        mine = tasks == label
        assert abs(below[mine].mean() - level) <= (X.shape[1] + 1) / mine.sum()


# --- equivalences


def test_a_huge_delta_is_the_squared_loss():
    X, y, tasks = data("huber")
    first = L21Regressor(0.05, loss="huber", huber_delta=1e6, tol=1e-9)
    second = L21Regressor(0.05, tol=1e-9).fit(X, y, tasks)
    np.testing.assert_allclose(first.fit(X, y, tasks).coef_, second.coef_, atol=1e-5)


def test_outliers_have_a_bounded_say():
    X, y, tasks = data("squared", sizes=(60,) * 4)
    spoilt = y.copy()
    spoilt[::15] += 1e6
    for cls in (L21Regressor, MeanRegularizedRegressor):
        clean = of(cls, "huber", 0.01).fit(X, y, tasks)
        robust = of(cls, "huber", 0.01).fit(X, spoilt, tasks)
        assert np.abs(robust.coef_ - clean.coef_).max() < 1.0
        assert robust.converged_


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_units_of_y_do_not_matter_to_the_huber_loss(scale):
    X, y, tasks = data("huber")
    first = L21Regressor(0.05, loss="huber", huber_delta=DELTA, tol=1e-8)
    second = L21Regressor(0.05 * scale, loss="huber", huber_delta=scale * DELTA)
    second.set_params(tol=1e-8)
    np.testing.assert_allclose(
        second.fit(X, scale * y + 7 * scale, tasks).coef_ / scale,
        first.fit(X, y, tasks).coef_,
        atol=1e-4,
    )


@every_loss
@pytest.mark.slow
def test_weights_are_repetitions(loss):
    X, y, tasks = data(loss)
    weight = np.random.default_rng(0).integers(0, 4, size=len(y))
    weight[np.unique(tasks, return_index=True)[1]] = 2
    rows = np.repeat(np.arange(len(y)), weight)
    model = of(MultiTaskRegressor, loss, L21(0.03), tol=1e-9)
    first = clone(model).fit(X, y, tasks, weight).coef_
    second = clone(model).fit(X[rows], y[rows], tasks[rows]).coef_
    np.testing.assert_allclose(first, second, atol=1e-5)


@every_loss
def test_zero_from_alpha_max_on(loss):
    X, y, tasks = data(loss)
    options = {"penalty": L21(), "loss": loss, **make_loss(loss).settings()}
    top = alpha_max(X, y, tasks, **options)
    assert not of(L21Regressor, loss, top * (1 + 1e-12)).fit(X, y, tasks).coef_.any()
    assert of(L21Regressor, loss, 0.98 * top).fit(X, y, tasks).coef_.any()


# --- paths and cross-validation


@every_loss
@pytest.mark.parametrize("penalty", [L21(), L1() + Ridge(0.1)], ids=repr)
def test_a_path_is_its_fits(loss, penalty):
    X, y, tasks = data(loss)
    options = {"loss": loss, **make_loss(loss).settings(), "tol": 1e-9}
    alphas, coefs, gaps = mtl_path(X, y, tasks, penalty=penalty, alphas=6, **options)
    assert np.all(gaps >= 0)
    search = MultiTaskRegressorCV(penalty, alphas=alphas, cv=3, **options)
    for k in (1, 4):
        strength = search._penalty_at({}, alphas[k])
        model = MultiTaskRegressor(strength, **options).fit(X, y, tasks)
        np.testing.assert_allclose(coefs[..., k], model.coef_, atol=1e-4)


@pytest.mark.product(
    loss=list(VALUES),
    layout=["ragged", "shared-missing"],
    cls=[L21RegressorCV, MeanRegularizedRegressorCV],
)
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*chose the null model")
def test_cross_validation_is_the_loop_written_out(loss, layout, cls):
    X, y, tasks = data(loss, layout)
    y = np.asarray(y)
    cv = TaskKFold(3, shuffle=True, random_state=0)
    splits = list(cv.split(X, y, tasks))
    search = of(cls, loss, alphas=3, eps=0.05, cv=splits, tol=1e-8)
    if cls is MeanRegularizedRegressorCV:
        search.set_params(alpha_mean=1e-3)  # as of the model without search
    search.fit(X, y, tasks)
    path = getattr(search, make_loss(loss).score.path)
    assert not hasattr(search, "mse_path_")
    plain = {L21RegressorCV: L21Regressor}.get(cls, MeanRegularizedRegressor)
    for i, alpha in enumerate(search.alphas_):
        for k, (train, test) in enumerate(splits):
            model = of(plain, loss, alpha, tol=1e-8)
            given = () if tasks is None else (tasks[train],)
            model.fit(X[train], y[train], *given)
            given = () if tasks is None else (tasks[test],)
            p = model.predict(X[test], *given)
            value = VALUES[loss](y[test], p)
            if tasks is None:
                means = np.nanmean(value, axis=0)
            else:
                means = [value[tasks[test] == t].mean() for t in model.tasks_]
            assert path[i, k] == pytest.approx(np.mean(means), rel=1e-3)
    # another loss leaves nothing of this one behind
    search.set_params(loss="squared").fit(X, y, tasks)
    assert hasattr(search, "mse_path_")
    assert not hasattr(search, "huber_path_")
    assert not hasattr(search, "task_deviance_path_")


@every_loss
def test_grid_search(loss):
    X, y, _ = data(loss, "one-task")
    search = GridSearchCV(of(L21Regressor, loss), {"alpha": [0.01, 0.1]}, cv=3)
    assert np.isfinite(search.fit(X, y).best_score_)


# --- other models


@pytest.mark.slow
@every_loss
def test_tasks_alone(loss):
    X, y, tasks = data(loss)
    model = of(IndependentRegressor, loss, "cv", tol=1e-9).fit(X, y, tasks)
    for t, label in enumerate(model.tasks_):
        mine = tasks == label
        alone = of(MultiTaskRegressor, loss, Ridge(model.alpha_[t]), tol=1e-9)
        alone.fit(X[mine], y[mine])
        np.testing.assert_allclose(model.coef_[t], alone.coef_, atol=1e-4)


@every_loss
@pytest.mark.parametrize("task_intercepts", [False, True])
@pytest.mark.parametrize("layout", ["ragged", "shared-missing", "shared"])
def test_one_model_for_all(loss, task_intercepts, layout):
    problem = make_problem(loss, **{**LAYOUTS[layout], "sample_weight": False})
    X, y, tasks = problem.X, problem.y, problem.tasks
    model = of(PooledRegressor, loss, 0.1, task_intercepts=task_intercepts, tol=1e-9)
    model.fit(X, y, tasks)
    w, b = cp.Variable(problem.n_features), cp.Variable(problem.n_tasks)
    total, count = 0.05 * cp.sum_squares(w), sum(len(y) for _, y, _ in problem.blocks)
    for t, (X_t, y_t, _) in enumerate(problem.blocks):
        share = np.full(len(y_t), 1 / count)
        total += loss_of(loss, y_t, X_t @ w + b[t], share)
    least(total, [] if task_intercepts else [b == b[0]])
    np.testing.assert_allclose(model.coef_[0], w.value, atol=1e-4)
    np.testing.assert_allclose(model.intercept_, b.value, atol=1e-4)


@every_loss
def test_penalties_that_are_not_convex(loss):
    X, y, tasks = data(loss, sizes=(60,) * 4)
    model = of(MCPRegressor, loss, 0.05, tol=1e-7).fit(X, y, tasks)
    assert model.converged_
    assert np.all(np.diff(model.stage_objectives_) <= 0)


@every_loss
@pytest.mark.parametrize("mode", ["null_loss", "minimax"])
def test_weights_that_follow_from_the_losses(loss, mode):
    X, y, tasks = data(loss)
    penalty = L21(0.02) if mode == "minimax" else MeanRegularized(0.1, 0.01)
    model = of(MultiTaskRegressor, loss, penalty, task_weight=mode, tol=1e-6)
    model.fit(X, y, tasks)
    assert model.converged_
    null = of(L21Regressor, loss, 1e6).fit(X, y, tasks)
    losses = VALUES[loss](y, null.predict(X, tasks))
    losses /= make_loss(loss).score.factor
    if mode == "null_loss":
        expected = [1 / losses[tasks == t].mean() for t in model.tasks_]
        np.testing.assert_allclose(model.task_weight_, expected, rtol=1e-6)


@every_loss
def test_refitting_without_the_penalty(loss):
    X, y, tasks = data(loss, sizes=(60,) * 4)
    model = of(L21Regressor, loss, 0.2, refit=True, tol=1e-9).fit(X, y, tasks)
    used = model.coef_before_refit_.any(axis=0)
    assert used.sum() > 0
    free = of(IndependentRegressor, loss, 0.0, tol=1e-9).fit(X[:, used], y, tasks)
    np.testing.assert_allclose(model.coef_[:, used], free.coef_, atol=1e-3)


@every_loss
def test_single_precision(loss):
    X, y, tasks = data(loss)
    first = of(L21Regressor, loss, 0.05).fit(X, y, tasks)
    second = of(L21Regressor, loss, 0.05).fit(X.astype(np.float32), y, tasks)
    assert second.coef_.dtype == np.float32
    assert second.converged_
    np.testing.assert_allclose(first.coef_, second.coef_, atol=0.02)


# --- between tasks


@every_loss
@pytest.mark.slow
def test_a_report_judges_by_the_loss(loss):
    X, y, tasks = data(loss, sizes=(60,) * 4)
    model = of(TraceNormRegressor, loss, 0.05)
    report = negative_transfer_report(model, X, y, tasks, cv=4)
    assert np.all(np.isfinite(report.to_frame().select_dtypes("number").to_numpy()))


@every_loss
@pytest.mark.slow
def test_gains_and_blends(loss):
    X, y, tasks = data(loss, sizes=(60,) * 4)
    gain = transfer_gain(of(L21Regressor, loss, 0.02), X, y, tasks, cv=3)
    assert np.all(np.isfinite(gain.values))
    alone = of(IndependentRegressor, loss, 0.1)
    model = SafeTransferRegressor(of(L21Regressor, loss, 0.02), alone)
    model.fit(X, y, tasks)
    assert np.all((model.weights_ >= 0) & (model.weights_ <= 1))
    for name, losses in model.held_out_loss_.items():
        assert np.all(np.isfinite(losses)), name
    if loss in LOG_LINKS:
        assert np.all(model.predict(X, tasks) > 0)


def test_a_blend_has_one_loss():
    X, y, tasks = data("poisson")
    model = SafeTransferRegressor(L21Regressor(loss="poisson"), IndependentRegressor())
    with pytest.raises(ValueError, match=r"loss='poisson'.*loss='squared'"):
        model.fit(X, y, tasks)


def test_lookahead_of_counts():
    X, y, tasks = data("poisson")
    values = lookahead_affinity(X, y, tasks, loss="poisson").values
    assert np.all(values.diagonal() >= 0)


# --- a new task


@every_loss
@pytest.mark.parametrize("alpha", [None, 0.3])
def test_a_new_task_by_its_loss(loss, alpha):
    X, y, tasks = data(loss, sizes=(60,) * 4)
    new = tasks == "d"
    model = of(L21Regressor, loss, 0.05).fit(X[~new], y[~new], tasks[~new])
    rows = np.flatnonzero(new)[:12]
    mean = model.coef_.mean(axis=0)
    model.fit_new_task(X[rows], y[rows], "d", how="mean", alpha=alpha)
    strength = model.new_tasks_["d"]["alpha"]
    v, b = cp.Variable(X.shape[1]), cp.Variable()
    eta = X[rows] @ (mean + v) + b
    value = loss_of(loss, y[rows], eta, np.full(len(rows), 1 / len(rows)))
    least(value + strength / 2 * cp.sum_squares(v))
    np.testing.assert_allclose(model.coef_[-1], mean + v.value, atol=2e-3)
    assert np.all(np.isfinite(model.predict(X[new], tasks[new])))


# --- what is not allowed


def test_counts_are_not_negative():
    X, y, tasks = data("poisson")
    y[3] = -2.0
    with pytest.raises(ValueError, match=r"1 negative values.*-2.0.*counts or rates"):
        of(L21Regressor, "poisson").fit(X, y, tasks)
    y[3] = np.nan  # a missing one is none
    of(L21Regressor, "poisson").fit(X, y, tasks)


@pytest.mark.parametrize("loss", ["gamma", "tweedie"])
def test_amounts_out_of_range(loss):
    X, y, tasks = data(loss)
    y[[3, 5]] = -2.0, 0.0
    message = {
        "gamma": r"2 values <= 0, the first -2.0; the gamma loss is for amounts > 0",
        "tweedie": r"1 negative values, the first -2.0; .* is for amounts >= 0",
    }
    with pytest.raises(ValueError, match=message[loss]):
        of(L21Regressor, loss).fit(X, y, tasks)
    y[[3, 5]] = np.nan  # missing ones are none
    of(L21Regressor, loss).fit(X, y, tasks)


@pytest.mark.parametrize("power", [1.0, 2.0, 0.0, np.nan, "1.5", None, True])
def test_a_wrong_power(power):
    X, y, tasks = data("tweedie")
    with pytest.raises(ValueError, match=r"tweedie_power must be a number in \(1, 2\)"):
        L21Regressor(loss="tweedie", tweedie_power=power).fit(X, y, tasks)


@pytest.mark.parametrize("unit", [1e-9, 1e15])
def test_units_of_amounts_are_all_in_the_intercept(unit):
    X, y, tasks = data("gamma")
    first = of(L21Regressor, "gamma", 0.02, tol=1e-9).fit(X, y, tasks)
    second = of(L21Regressor, "gamma", 0.02, tol=1e-9, task_weight="null_loss")
    third = clone(second).fit(X, unit * y, tasks)
    np.testing.assert_allclose(third.coef_, second.fit(X, y, tasks).coef_, atol=1e-5)
    first.fit(X, unit * y, tasks)
    means = first.predict(X, tasks)
    other = of(L21Regressor, "gamma", 0.02, tol=1e-9).fit(X, y, tasks)
    np.testing.assert_allclose(means, unit * other.predict(X, tasks), rtol=1e-4)


def test_a_task_without_counts():
    X, y, tasks = data("poisson")
    y[tasks == "b"] = 0.0
    with pytest.warns(UserWarning, match="counts of zero only.*'b'"):
        model = of(L21Regressor, "poisson", 0.01).fit(X, y, tasks)
    mine = tasks == "b"
    assert np.all(model.predict(X[mine], tasks[mine]) < 0.5)
    with pytest.raises(ValueError, match="counts of zero only in every task"):
        of(L21Regressor, "poisson").fit(X, 0 * y, tasks)


@pytest.mark.parametrize("delta", [0.0, -1.0, np.nan, np.inf, "1", None, True])
def test_a_wrong_delta(delta):
    X, y, tasks = data("huber")
    with pytest.raises(ValueError, match="huber_delta must be a finite number > 0"):
        L21Regressor(loss="huber", huber_delta=delta).fit(X, y, tasks)


@pytest.mark.parametrize("level", [0.0, 1.0, 50, np.nan, "0.5", None, True])
def test_a_wrong_level(level):
    X, y, tasks = data("quantile")
    message = r"quantile_level must be a number in \(0, 1\)"
    with pytest.raises(ValueError, match=message):
        L21Regressor(loss="quantile", quantile_level=level).fit(X, y, tasks)
    with pytest.raises(ValueError, match="quantile_smoothing must be a finite number"):
        L21Regressor(loss="quantile", quantile_smoothing=0.0).fit(X, y, tasks)


@every_loss
def test_losses_that_do_not_go_together(loss):
    X, y, tasks = data(loss)
    with pytest.raises(ValueError, match=r"'uncertainty' is for .*loss='squared'"):
        L21Regressor(loss=loss, task_weight="uncertainty").fit(X, y, tasks)
    with pytest.raises(ValueError, match="loss must be one of"):
        MultiTaskClassifier(loss=loss).fit(X, y > 1, tasks)
    with pytest.raises(TypeError):
        CalibratedRegressor(loss=loss)


def test_solvers_of_a_loss_without_a_bound():
    X, y, tasks = data("poisson")
    with pytest.raises(ValueError, match="curvature has a bound"):
        L21Regressor(loss="poisson", solver="apg").fit(X, y, tasks)
    first = L21Regressor(0.02, loss="poisson", solver="backtracking", tol=1e-8)
    second = L21Regressor(0.02, loss="poisson", tol=1e-8).fit(X, y, tasks)
    assert second.solver_ == "prox_newton"
    np.testing.assert_allclose(first.fit(X, y, tasks).coef_, second.coef_, atol=1e-4)
