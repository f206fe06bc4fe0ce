"""Convex problems written out for a general solver."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import cvxpy as cp
import numpy as np

from helpers.losses import loss_of
from linmtl import MultiTaskClassifier, MultiTaskRegressor
from linmtl.penalties import Penalty


def least(expression, constraints: Sequence[Any] = (), **options) -> float:
    """Return the minimum by an interior-point method; variables hold the point."""
    problem = cp.Problem(cp.Minimize(expression), list(constraints))
    with warnings.catch_warnings():
        # some stop at its reduced accuracy, 5e-5; the tests then say whether it was
        # enough
        warnings.filterwarnings("ignore", "Solution may be inaccurate")
        return float(problem.solve(solver=cp.CLARABEL, **options))


def fit_and_optimum(
    signal: np.ndarray,
    penalty: Penalty,
    loss: str,
    layout: str,
    cost: tuple[Any, Any],
    constraints: Sequence[Any],
    tol: float,
) -> tuple[Any, float]:
    """Return a model fitted to random data, and the optimum by a general solver.

    Parameters
    ----------
    signal : ndarray of shape (n_features, n_tasks)
        Coefficients of the targets, to which noise is added.
    penalty : Penalty
        Of the model.
    loss : {"squared", "sqrt", "huber", "logistic"}
        Its loss.
    layout : {"wide", "missing", "long"}
        How the data are passed; with some labels missing.
    cost : tuple
        W and the penalty in cvxpy.
    constraints : sequence
        On W, in cvxpy.
    tol : float
        Of the model.
    """
    (W, total), (d, T), n = cost, signal.shape, 40
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, d))
    Y = X @ signal + rng.normal(size=(n, T))
    observed = np.ones((n, T), dtype=bool)
    if layout == "missing":
        observed = rng.random((n, T)) < 0.8
    if loss == "logistic":
        Y = np.where(Y > 0, 1.0, -1.0)
        model = MultiTaskClassifier(penalty, tol=tol)
    else:
        model = MultiTaskRegressor(penalty, loss=loss, huber_delta=0.7, tol=tol)
    if layout == "long":
        model.fit(np.tile(X, (T, 1)), Y.T.ravel(), np.repeat(np.arange(T), n))
    else:
        model.fit(X, np.where(observed, Y, np.nan))
    b = cp.Variable(T)
    for t, rows in enumerate(observed.T):
        y, eta = Y[rows, t], X[rows] @ W[:, t] + b[t]
        w = np.full(rows.sum(), 1 / rows.sum())
        root = cp.norm(cp.multiply(np.sqrt(w), y - eta))
        total += root if loss == "sqrt" else loss_of(loss, y, eta, w)
    return model, least(total, constraints)
