"""Weak penalties on collinear features: the loss is flat where coordinates creep."""

from __future__ import annotations

import numpy as np
import pytest

from linmtl import MultiTaskClassifier, MultiTaskRegressor
from linmtl.path import alpha_max
from linmtl.penalties import L1, L21, Dirty, Linf1, Ridge, TraceNorm
from linmtl.solvers._feature_sign import lasso_of_tasks

PENALTIES = {
    "L1": L1,
    "L21": L21,
    "both": lambda alpha: L1(alpha / 2) + L21(alpha),
    "ridge": lambda alpha: L1(alpha) + Ridge(alpha),
}


def features(kind, n, rng):
    if kind == "dummies":
        levels = [np.eye(4)[rng.integers(0, 4, n)] for _ in range(5)]
        return np.column_stack([*levels, levels[0] @ [1.0, 2.0, 3.0, 4.0]])
    if kind == "low rank":
        return rng.normal(size=(n, 6)) @ rng.normal(size=(6, 25))
    return rng.normal(size=(n, 60))  # more than samples


@pytest.mark.product(
    kind=("dummies", "low rank", "wide"),
    penalty=tuple(PENALTIES),
    layout=("long", "shared", "missing"),
    strength=(1e-2, 1e-6),
    tol=(1e-4, 1e-8),
)
def test_a_weak_penalty_is_certified(kind, penalty, layout, strength, tol):
    rng = np.random.default_rng(0)
    T, n = 5, 30
    X = features(kind, n * T if layout == "long" else n, rng)
    W = rng.normal(size=(X.shape[1], T))
    weight = rng.uniform(0.5, 2.0, len(X))
    tasks = np.repeat(np.arange(T), n)
    if layout == "long":
        y = np.einsum("ij,ij->i", X, W.T[tasks]) + rng.normal(size=len(X))
        arguments = {"y": y, "tasks": tasks}
    else:
        Y = X @ W + rng.normal(size=(n, T))
        if layout == "missing":
            Y[rng.random(Y.shape) < 0.2] = np.nan
        arguments = {"y": Y}
    size = np.abs(X.T @ X @ W).max() / n
    model = MultiTaskRegressor(PENALTIES[penalty](strength * size), tol=tol)
    model.fit(X, **arguments, sample_weight=weight)
    assert model.converged_
    assert model.n_iter_ < 5000


NORMS = {
    "trace": TraceNorm,
    "linf1": Linf1,
    "dirty": lambda alpha: Dirty(alpha, alpha),
    "L21": L21,
}


def few_rows(n, shift, n_features, seed=0):
    """Return ragged tasks of ``n`` rows, whose features have a common large mean."""
    rng = np.random.default_rng(seed)
    X, tasks = rng.normal(size=(5 * n, n_features)), np.repeat(np.arange(5), n)
    W = rng.normal(size=(5, n_features)) * (np.arange(n_features) < 4)
    y = np.einsum("ij,ij->i", X, W[tasks]) + rng.normal(size=len(X))
    return X + shift, y, tasks


@pytest.mark.parametrize(
    ("norm", "loss", "n", "strength"),
    [
        ("trace", "squared", 20, 1e-4),
        ("dirty", "squared", 20, 1e-4),
        ("L21", "huber", 60, 1e-4),
        ("L21", "logistic", 60, 1e-4),
    ],
)
def test_features_far_from_zero_without_an_intercept(norm, loss, n, strength):
    # one direction in which the loss bends some 1e9 times as much as in others
    X, y, tasks = few_rows(n, 1e4, 30 if n == 20 else 10)
    y = y if loss != "logistic" else (y > 0).astype(int)
    given: dict = {"loss": loss, "fit_intercept": False}
    top = alpha_max(X, y, tasks, penalty=L21(), **given)
    kind = MultiTaskClassifier if loss == "logistic" else MultiTaskRegressor
    model = kind(NORMS[norm](strength * top), max_iter=1000, **given)
    assert model.fit(X, y, tasks).converged_


@pytest.mark.parametrize("norm", ["linf1", "dirty"])
def test_fewer_rows_than_features_at_a_small_tol(norm):
    X, y, tasks = few_rows(20, 0.0, 50, seed=1)
    top = alpha_max(X, y, tasks, penalty=Linf1())
    model = MultiTaskRegressor(NORMS[norm](1e-3 * top), tol=1e-6, max_iter=1000)
    assert model.fit(X, y, tasks).converged_


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("rank", [3, 8, 20])
def test_the_lasso_of_one_task_is_exact(rank, positive):
    rng = np.random.default_rng(rank)
    A = rng.normal(size=(30, rank)) @ rng.normal(size=(rank, 12))
    A[:, 3] = A[:, 2]
    y = rng.normal(size=30)
    strength = rng.uniform(0.5, 1.5, 12)
    for size in (1.0, 1e-6):
        a = size * strength
        for start in (np.zeros(12), rng.normal(size=12)):
            w = np.abs(start) if positive else start
            W, G = w[:, None].copy(), A.T @ (y - A @ w)[:, None]
            steps = lasso_of_tasks((A.T @ A)[None], G, W, a, positive)
            w = W[:, 0]
            slope = A.T @ (y - A @ w)
            assert steps < 1000
            np.testing.assert_allclose(slope[w != 0], (a * np.sign(w))[w != 0], 1e-6)
            assert np.all((slope if positive else np.abs(slope)) <= a * (1 + 1e-6))
            assert not positive or np.all(w >= 0)
