"""Features without a penalty are eliminated, whatever their scale and rank."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from helpers.convex import least
from helpers.losses import loss_of, make_loss
from linmtl import (
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MultiTaskClassifier,
    MultiTaskRegressor,
)
from linmtl.data import MultiTaskData
from linmtl.datafits._eliminate import eliminate
from linmtl.datafits._profiled import ProfiledFit
from linmtl.datafits._residual import ResidualFit
from linmtl.datafits._task_newton import secant
from linmtl.designs._stacked import StackedDesign
from linmtl.losses import Logistic
from linmtl.path import mtl_path
from linmtl.penalties import L1, L21, Fused, GroupL21, Linf1, MeanRegularized, Ridge
from linmtl.solvers._quadratic_system import _span, symmetric_inverse

N, D, T, ALPHA = 40, 6, 3, 0.05


def free_columns(kind, rng):
    age = rng.uniform(20, 80, N)
    if kind == "powers":
        return np.column_stack([age**k for k in range(1, 6)])
    F = rng.normal(size=(N, 3))
    if kind == "twice":
        F[:, 2] = 3.0 * F[:, 0]
    elif kind == "scales":
        F *= [1e-4, 1.0, 1e5]
    elif kind == "constant":
        F[:, 1] = 7.3
    elif kind == "levels":
        F = np.eye(3)[rng.integers(0, 3, N)]
    return F


def orthonormal(F):
    """A basis of what centred columns span."""
    C = F - F.mean(axis=0)
    norm = np.linalg.norm(C, axis=0)
    U, s, _ = np.linalg.svd(C / np.where(norm > 0, norm, 1.0), full_matrices=False)
    return U[:, s > 1e-11 * s[0]] * np.sqrt(N)


def problem(kind, loss, seed=0):
    rng = np.random.default_rng(seed)
    F = free_columns(kind, rng)
    X = rng.normal(size=(N, D)) + orthonormal(F)[:, :1]
    eta = X[:, :3] @ rng.normal(size=(3, T)) + orthonormal(F).sum(axis=1)[:, None]
    if loss == "logistic":
        Y = np.where(eta + 3 * rng.normal(size=eta.shape) > 0, 1.0, -1.0)
    elif loss == "poisson":
        Y = rng.poisson(np.exp(eta / 4)).astype(float)
    else:
        Y = eta + rng.normal(size=eta.shape)
    observed = rng.random((N, T)) < 0.9
    return F, X, Y, observed


def penalties(free):
    weight = np.r_[np.zeros(free), np.linspace(0.5, 2, D)]
    groups = [list(range(free))] if free else []
    groups += [[free + i, free + i + 1] for i in range(0, D, 2)]
    group_weight = np.r_[[0.0] * bool(free), 1.0, 1.5, 2.0]
    return {
        "L21": L21(ALPHA, feature_weight=weight),
        "L1": L1(ALPHA, feature_weight=weight),
        "both": L1(ALPHA, feature_weight=weight) + L21(ALPHA, feature_weight=weight),
        "largest": Linf1(ALPHA, feature_weight=weight),
        "fused": L1(ALPHA, feature_weight=weight) + Fused(ALPHA, feature_weight=weight),
        "groups": GroupL21(groups, ALPHA, group_weight=group_weight),
    }


def in_cvxpy(name, W):
    weight = np.linspace(0.5, 2, D)
    rows = ALPHA * weight @ cp.norm(W, 2, axis=1)
    entries = ALPHA * cp.sum(weight @ cp.abs(W))
    if name == "groups":
        blocks = zip((1.0, 1.5, 2.0), range(0, D, 2), strict=True)
        return ALPHA * cp.sum([s * cp.norm(W[i : i + 2], "fro") for s, i in blocks])
    largest = ALPHA * weight @ cp.max(cp.abs(W), axis=1)
    steps = ALPHA * cp.sum(weight @ cp.abs(W[:, 1:] - W[:, :-1]))
    return {
        "L21": rows,
        "L1": entries,
        "both": rows + entries,
        "largest": largest,
        "fused": entries + steps,
    }[name]


@pytest.mark.product(
    kind=("powers", "twice", "scales", "constant", "levels"),
    loss=("squared", "sqrt", "huber", "quantile", "logistic", "poisson"),
    penalty=("L21", "L1", "both", "largest", "fused", "groups"),
    layout=("wide", "missing", "sparse"),
    slow=lambda loss, **_: loss in ("sqrt", "huber", "quantile"),
)
def test_the_optimum_is_that_of_the_span(kind, loss, penalty, layout):
    F, X, Y, observed = problem(kind, loss)
    if layout != "missing":
        observed = np.ones_like(observed)
    norm = penalties(F.shape[1])[penalty]
    if loss == "logistic":
        model = MultiTaskClassifier(norm, tol=1e-7)
    else:
        of_loss = {} if loss == "sqrt" else make_loss(loss).settings()
        model = MultiTaskRegressor(norm, loss=loss, **of_loss, tol=1e-7)
    A = np.column_stack([F, X])
    A = sparse.csr_array(A) if layout == "sparse" else A
    labels = (Y > 0).astype(float) if loss == "logistic" else Y
    model.fit(A, np.where(observed, labels, np.nan))
    B = np.column_stack([orthonormal(F), X])
    W, b = cp.Variable((B.shape[1], T)), cp.Variable(T)
    weight = observed / observed.sum(axis=0)
    total = 0.0
    for t in range(T):
        rows = observed[:, t]
        y, eta, w = Y[rows, t], B[rows] @ W[:, t] + b[t], weight[rows, t]
        root = cp.norm(cp.multiply(np.sqrt(w), y - eta))
        total += root if loss == "sqrt" else loss_of(loss, y, eta, w)
    best = least(total + in_cvxpy(penalty, W[B.shape[1] - D :]))
    assert model.converged_
    assert model.n_iter_ < (1000 if loss == "quantile" else 200)
    assert -1e-6 * best <= model.objective_ - best <= model.dual_gap_ + 1e-6 * best


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("shared", [True, False])
def test_a_ridge_on_them_as_well(loss, shared):
    F, X, Y, _ = problem("scales", loss)
    F /= [1e-4, 1.0, 1e5]
    weight = np.r_[np.zeros(3), np.ones(D)]
    penalty = L21(ALPHA, feature_weight=weight) + Ridge(0.1)
    model = (MultiTaskClassifier if loss == "logistic" else MultiTaskRegressor)(
        penalty, tol=1e-8
    )
    A = np.column_stack([F, X])
    if shared:
        model.fit(A, Y)
    else:
        model.fit(np.concatenate([A] * T), Y.T.ravel(), np.repeat(np.arange(T), N))
    W, b = cp.Variable((D + 3, T)), cp.Variable(T)
    total = ALPHA * cp.sum(cp.norm(W[3:], 2, axis=1)) + 0.05 * cp.sum_squares(W)
    for t in range(T):
        total += loss_of(loss, Y[:, t], A @ W[:, t] + b[t], np.full(N, 1 / N))
    best = least(total)
    assert model.converged_
    assert model.n_iter_ < 100
    assert model.objective_ == pytest.approx(best, rel=1e-6)


def test_more_features_than_samples():
    rng = np.random.default_rng(3)
    F, X = rng.normal(size=(30, 2)), rng.normal(size=(30, 200))
    Y = X[:, :4] @ rng.normal(size=(4, T)) + F.sum(axis=1)[:, None]
    weight = np.r_[np.zeros(2), np.ones(200)]
    model = L21Regressor(0.1, feature_weight=weight, tol=1e-7)
    model.fit(np.column_stack([F, X]), Y)
    C = np.column_stack([np.ones(30), F])
    P = np.eye(30) - C @ np.linalg.pinv(C)
    rest = L21Regressor(0.1, fit_intercept=False, tol=1e-9).fit(P @ X, P @ Y)
    assert model.n_iter_ < 200
    assert model.objective_ == pytest.approx(rest.objective_, rel=1e-6)
    np.testing.assert_allclose(model.coef_[:, 2:], rest.coef_, atol=1e-3)


@pytest.mark.slow
def test_paths_and_cross_validation():
    F, X, Y, _ = problem("powers", "squared")
    A = np.column_stack([F, X])
    weight = np.r_[np.zeros(5), np.ones(D)]
    U = np.column_stack([orthonormal(F), X])
    penalty = L21(feature_weight=weight)
    (alphas, coefs, _), (same, turned, _) = (
        mtl_path(Z, Y, penalty=penalty, tol=1e-8)[:3] for Z in (A, U)
    )
    np.testing.assert_allclose(alphas, same, rtol=1e-5)
    np.testing.assert_allclose(coefs[:, 5:], turned[:, 5:], atol=1e-4)
    model = L21RegressorCV(feature_weight=weight, cv=3, scale_features=False)
    models = [clone(model).fit(Z, Y) for Z in (A, U)]
    assert models[0].alpha_ == pytest.approx(models[1].alpha_, rel=1e-4)


def test_rank_is_a_matter_of_scale():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(20, 3)) * [1e-7, 1.0, 1e6]
    w = np.array([1e7, 1.0, 1e-6])
    H = A.T @ A
    np.testing.assert_allclose(symmetric_inverse(H)(H @ w), w, rtol=1e-6)
    A = np.column_stack([A, 2.0 * A[:, 0]])
    H = A.T @ A
    w = np.linalg.lstsq(A / 1e-7, A @ np.r_[w, 0.0] / 1e-7, rcond=1e-15)[0]
    found = symmetric_inverse(H)(H @ w)
    np.testing.assert_allclose(A @ found, A @ w, rtol=1e-6)
    np.testing.assert_allclose(found[3], 2.0 * found[0], rtol=1e-6)


@pytest.mark.parametrize("d", [6, 60])
def test_models_with_a_ridge_on_free_features_are_exact(d):
    """By residuals where features are many, and then in few Newton steps as well."""
    rng = np.random.default_rng(0)
    tasks = np.repeat([0, 1, 2], 20)
    X = rng.normal(size=(60, d + 2)) * np.r_[1.0, 10.0, np.ones(d)]
    y = X[:, 0] + X[:, 2] + rng.normal(size=60) > 0
    penalty = L21(0.02, feature_weight=np.r_[0.0, 0.0, np.ones(d)]) + Ridge(0.1)
    model = MultiTaskClassifier(penalty, tol=1e-8, max_iter=60).fit(X, y, tasks)
    assert model.solver_ == "prox_newton"
    assert model.converged_


@pytest.mark.slow
def test_scales_of_free_features_do_not_matter_to_the_worst_task():
    rng = np.random.default_rng(1)
    tasks = np.repeat([0, 1, 2], 40)
    X = rng.normal(size=(120, 3))
    y = X[:, 0] + X[:, 1] + 2.0 * rng.normal(size=120) > 0
    values = []
    for scale in (1.0, [1.0, 30.0, 0.03]):
        model = L21Classifier(
            0.1, feature_weight=[0.0] * 3, task_weight="minimax", tol=1e-9
        )
        values.append(model.fit(X * scale, y, tasks).objective_)
    assert values[0] == pytest.approx(values[1], rel=1e-9)


@pytest.mark.parametrize("noise", [0.0, 1e-17, 1e-6, 1.0])
def test_the_span_of_rows_has_no_direction_of_rounding(noise):
    rng = np.random.default_rng(0)
    A = rng.normal(size=(6, 15))
    A[5] = A[:5].sum(axis=0) + noise * A[5]  # as centred rows
    rank = 6 if noise > 1e-10 else 5
    for rows in ([A], [A[:2], A[2:]]):
        Q = _span(rows)
        assert Q.shape == (15, rank)
        np.testing.assert_allclose(Q.T @ Q, np.eye(rank), atol=1e-14)
        np.testing.assert_allclose(A @ Q @ Q.T, A, atol=1e-13)


def profiled(loss, seed=0):
    """A loss without its first three features, and X as blocks of four tasks."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(120, 8))
    y = X[:, 0] + X[:, 4] + rng.standard_t(2, size=120)
    if loss in ("logistic", "squared_hinge"):
        y = np.where(y > 0, 1.0, -1.0)
    elif loss in ("poisson", "gamma", "tweedie"):
        y = np.exp(y / 4.0).round() + 1.0
    design = StackedDesign(X, np.arange(0, 121, 30))
    fit = ResidualFit(MultiTaskData(design, y, np.full(120, 1 / 30)), make_loss(loss))
    return eliminate(fit, np.arange(8) < 3, 0.0).fit, X.reshape(4, 30, 8)


@pytest.mark.parametrize("loss", ["logistic", "huber", "squared_hinge"])
def test_what_is_known_is_known_of_all_tasks(loss):
    """Also of those that come to their end before others."""
    (fit, X), rng = profiled(loss), np.random.default_rng(1)
    F = X[:, :, :3] - X[:, :, :3].mean(axis=1, keepdims=True)
    for size in (1.0, 0.1, 30.0, 1e-3):
        W = size * rng.normal(size=(5, 4)) * [1.0, 1e-6, 0.1, 1.0]
        fit.loss_at(W)
        eta = np.einsum("tij,jt->ti", F, fit.others())
        eta += np.einsum("tij,jt->ti", X[:, :, 3:], W)
        at = np.ravel(eta + fit.coefficients[:, -1:])  # of weights that sum to one
        theta = -fit.data.weight * fit.loss.derivative(fit.y, at)
        np.testing.assert_allclose(fit.theta, theta, atol=1e-9)
        np.testing.assert_allclose(
            fit.curved_weight(0.0), curvature(fit, at), atol=1e-7
        )


@pytest.mark.parametrize(
    "loss",
    ["logistic", "huber", "squared_hinge", "quantile", "poisson", "gamma", "tweedie"],
)
def test_steps_that_lead_far_leave_nothing_behind(loss):
    """The best of what is free is found again from wherever the last W left it."""
    W = np.random.default_rng(1).normal(size=(5, 4))
    fit, _ = profiled(loss)
    with np.errstate(all="ignore"):  # predictions of a log link overflow there
        for far in (1e3, -1e8, 1e16):
            fit.loss_at(far * W)
            for point in (0.0 * W, 0.1 * W):
                expected = profiled(loss)[0].loss_at(point)
                np.testing.assert_allclose(fit.loss_at(point), expected, rtol=1e-6)
                assert fit.dual_limit() > 0.0


@pytest.mark.parametrize("seed", range(3))
def test_newton_steps_by_products_where_a_loss_is_linear(seed):
    """Residuals beyond the bend have no curvature; steps stay short all the same."""
    rng = np.random.default_rng(seed)
    X, tasks = rng.normal(size=(30, 12)), np.repeat(np.arange(3), 10)
    y = 10.0 * X[:, 0] + rng.standard_t(2, size=30)
    weight = np.r_[np.zeros(3), np.ones(9)]
    for penalty in (MeanRegularized(0.1, feature_weight=weight), Ridge(0.1)):
        given = {"loss": "huber", "huber_delta": 0.1, "tol": 1e-8, "max_iter": 2000}
        fits = [
            MultiTaskRegressor(penalty, solver=solver, **given).fit(X, y, tasks)
            for solver in ("cg", "newton")
        ]
        assert all(fit.converged_ for fit in fits)
        one, other = (fit.objective_ for fit in fits)
        np.testing.assert_allclose(one, other, atol=2.0 * fits[0].tol_)


def curvature(fit, at):
    """The weights of Hessians at linear predictors."""
    weight = fit.data.weight
    theta = -weight * fit.loss.derivative(fit.y, at)
    h = fit.loss.hessian(fit.y, theta, weight)
    if fit.loss.location:
        h = np.maximum(h, 0.1 * secant(fit.loss, fit.y, at, theta, weight))
    return h


def test_newton_steps_take_few_evaluations(monkeypatch):
    """Free features move with the others; they are not fitted at each point."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(600, 12)), np.repeat(np.arange(20), 30)
    y = X[:, 0] + X[:, 4] + rng.normal(size=600) > 0
    rows, points = [], []
    residual, loss_at = Logistic.residual, ProfiledFit.loss_at
    monkeypatch.setattr(
        Logistic,
        "residual",
        lambda self, y, *rest: (rows.append(y.size), residual(self, y, *rest))[1],
    )
    monkeypatch.setattr(
        ProfiledFit,
        "loss_at",
        lambda self, W: (points.append(1), loss_at(self, W))[1],
    )
    weight = np.r_[np.zeros(3), np.ones(9)]
    model = L21Classifier(0.01, feature_weight=weight, tol=1e-8).fit(X, y, tasks)
    assert model.converged_
    assert sum(rows) < 3 * 600 * len(points)
