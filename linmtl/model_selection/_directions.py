"""Leave-one-out where tasks share their rows, and all is quadratic.

In the eigenvectors V of the penalty ``tr(W K W') / 2`` the targets Y V have nothing to
do with each other: each is a ridge regression with an eigenvalue of K as its strength.
A row leaves all of them, its residual divided by one less its leverage. The loss stays
a mean, so that all other rows count c times as much, or the strength 1 / c of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import centred_targets
from linmtl.datafits._moments import Moments
from linmtl.penalties._quadratic_form import QuadraticForm


def left_out_of_directions(
    data: MultiTaskData,
    forms: Sequence[QuadraticForm],
    c: np.ndarray,
    least_rest: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return predictors without each row, losses with it and degrees of freedom.

    Of the shapes (n_forms, n_observations) and twice (n_forms, n_tasks).

    Parameters
    ----------
    data : MultiTaskData
        Tasks of the same rows and weights.
    forms : sequence of QuadraticForm
        The penalties, each the same for all features.
    c : ndarray of shape (n_rows,)
        How many times as much the others count without a row; NaN if there are none.
    least_rest : float
        One less a leverage, below which a row is fitted whatever it is: it has no
        prediction.
    """
    T = data.design.n_tasks
    weight = data.weight[: data.task_ptr[1]]
    total = data.total[0]
    y = centred_targets(data)[1].reshape(T, -1).T
    moments = Moments.of(data)
    h, Q = np.linalg.eigh(moments.H[0])
    h[h <= h.size * np.finfo(float).eps * h.max(initial=0.0)] = 0.0
    X = (data.design.block(0) - moments.x[0]) @ Q
    K, V = np.linalg.eigh(np.array([form.dense() for form in forms]))
    Y, C = y @ V, (Q.T @ moments.C.T) @ V  # (n_forms, n, T), (n_forms, k, T)
    K = np.maximum(K, 0.0)

    def inverses(factor):
        curvature = h[:, None] + (K / factor)[:, None, :]
        out = np.zeros(curvature.shape)
        return np.divide(1.0, curvature, out=out, where=curvature > 0)

    def turned_back(residual):  # flat, task after task
        return (residual @ V.transpose(0, 2, 1)).transpose(0, 2, 1)

    move = np.full(Y.shape, np.nan)
    for factor in np.unique(c[~np.isnan(c)]):
        rows = np.flatnonzero(c == factor)
        inverse, x, w = inverses(factor), X[rows], weight[rows, None]
        leverage = w * (x**2 @ inverse)
        if data.fit_intercept:
            leverage += w / total
        rest = 1.0 - leverage
        rest[rest <= least_rest] = np.nan
        move[:, rows] = (Y[:, rows] - x @ (inverse * C)) / rest
    inverse = inverses(1.0)
    residual = turned_back(Y - X @ (inverse * C))
    losses = residual**2 @ weight / (2.0 * total)
    freedom = (V**2 @ (h @ inverse)[:, :, None])[:, :, 0] + data.fit_intercept
    return data.y - turned_back(move).reshape(len(forms), -1), losses, freedom
