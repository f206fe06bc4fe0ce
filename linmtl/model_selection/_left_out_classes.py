"""Leave-one-out predictions and degrees of freedom of several classes, from one fit.

As :mod:`linmtl.model_selection._one_fit` has it for one linear predictor of a row; of K
classes a row has K. With B the block of task t in the inverse of the Hessian, over all
classes of the task and their intercepts, H and g the Hessian and gradient of its loss,
and J the derivative of the predictors of a row, the step needs
``N = (I + (c - 1) B H)^-1 B``, ``Q = J N J'`` and ``S = diag(p) - p p'``:

    eta - (I - c w Q S)^-1 ((c - 1) J N g - c w Q (p - y)).

Predictors that all grow by the same change nothing: intercepts, and coefficients that
the penalty leaves free along it, are kept from doing so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp, softmax

from linmtl.data._canonical import MultiTaskData
from linmtl.model_selection._curvature import PenalisedCurvature

_LEAST_REST = 1e-10  # what is left of a row that a model fits whatever it is
_LEAST_OTHERS = 1e-12  # of the weight of a task, that is left without a row
_HELD = 1e-9  # how much coefficients of all classes are kept from growing alike


def losses_of_classes(data: MultiTaskData, eta: np.ndarray) -> np.ndarray:
    """Return the log loss of each row, NaN where a predictor is.

    Parameters
    ----------
    data : MultiTaskData
        A class of a task is a task.
    eta : ndarray of shape (n_observations,)
        Linear predictors.

    Returns
    -------
    ndarray of shape (n_observations,)
        The same for each class of a row.
    """
    out = np.empty(eta.size)
    for rows, K in _tasks(data):
        each, y = eta[rows].reshape(K, -1), data.y[rows].reshape(K, -1)
        out[rows] = np.tile(logsumexp(each, axis=0) - np.sum(y * each, axis=0), K)
    return out


def _tasks(data: MultiTaskData):
    """Yield the observations of each task, a slice, and how many classes it has."""
    group: Any = data.design.group_ptr
    for first, stop in zip(group[:-1].tolist(), group[1:].tolist(), strict=True):
        yield slice(data.task_ptr[first], data.task_ptr[stop]), stop - first


class LeftOutClasses:
    """The observations of data whose tasks have several classes.

    Parameters
    ----------
    data : MultiTaskData
        A class of a task is a task of its `ClassesDesign`.
    """

    def __init__(self, data: MultiTaskData):
        self.data = data

    def left_out(
        self, fit: Any, W: np.ndarray, b: np.ndarray, curved: PenalisedCurvature
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return predictors without each row, losses with it and degrees of freedom.

        And that none of the predictors is sure.

        Of one strength, (1, n_observations) and (1, n_tasks).
        """
        data = self.data
        centre, group = data.fit_intercept, np.asarray(data.design.group_ptr)
        eta = np.empty((1, data.y.size))
        data.design.predict_several(W, eta)
        eta += np.repeat(b, np.diff(data.task_ptr), axis=1)
        data.add_offset(eta)
        of_row = losses_of_classes(data, eta[0])
        k = int(curved.used.sum())
        tasks, A = [], curved.dense(centre)
        for t, (rows, K) in enumerate(_tasks(data)):
            p = softmax(eta[0, rows].reshape(K, -1), axis=0)
            w = data.weight[rows].reshape(K, -1)[0]
            X = data.design.block(int(group[t]))[:, curved.used]
            if centre:
                X = X - (w @ X) / max(w.sum(), 1e-300)
                X = np.column_stack([X, np.ones(w.size)])
            H = _hessian(X, w, p)
            m = X.shape[1]
            span = slice(int(group[t]) * m, int(group[t + 1]) * m)
            A[span, span] += H
            held = np.zeros(m)
            held[:k] = _HELD * np.diag(H).mean() if k else 0.0
            held[k:] = max(w.sum(), 1e-300)
            for j in range(m):
                A[span, span][j::m, j::m] += held[j]
            tasks.append((rows, K, X, w, p, H, span))
        B = curved.dense_inverse(A, centre)
        move = np.full(data.y.size, np.nan)
        in_sample, freedom = np.zeros((2, 1, len(tasks)))
        for t, (rows, K, X, w, p, H, span) in enumerate(tasks):
            total = w.sum()
            if not total > 0:
                continue
            own = of_row[rows].reshape(K, -1)[0]
            in_sample[0, t] = (w @ own) / total
            block = B[span, span]
            freedom[0, t] = np.sum(block * H)
            r = p - data.y[rows].reshape(K, -1)
            move[rows] = _moved(X, w, p, r, H, block).ravel()
        return eta + move, in_sample, freedom, np.zeros(eta.shape, dtype=bool)


def _hessian(X, w, p):
    """Return that of the loss of a task, over the columns of X for each class."""
    K, m = len(p), X.shape[1]
    H = np.empty((K, m, K, m))
    for i in range(K):
        for j in range(i, K):
            weight = w * p[i] * ((i == j) - p[j])
            H[i, :, j] = (X.T * weight) @ X
            H[j, :, i] = H[i, :, j]
    return H.reshape(K * m, K * m)


def _moved(X, w, p, r, H, B):
    """Return how predictors change where their row is left out, (n_classes, n_rows)."""
    K, m = len(p), X.shape[1]
    out = np.full(p.shape, np.nan)
    left = w.sum() - w
    judged = (left > _LEAST_OTHERS * w.sum()) & (w > 0)
    c = np.divide(w.sum(), left, out=np.full(w.size, np.nan), where=judged)
    gradient = ((w * r) @ X).ravel()
    one = np.eye(K)
    for factor in np.unique(c[judged]):
        some = np.flatnonzero(judged & (c == factor))
        N = np.linalg.solve(np.eye(K * m) + (factor - 1.0) * (B @ H), B)
        x = X[some]
        part = np.tensordot(x, N.reshape(K, m, K, m), (1, 1))  # row, class, class, m
        Q = np.einsum("rklb,rb->rkl", part, x)
        along = x @ (N @ gradient).reshape(K, m).T
        weight = (factor * w[some])[:, None]
        P = p[:, some].T
        S = P[:, :, None] * (one - P[:, None, :])
        step = (factor - 1.0) * along
        step -= weight * (Q @ r[:, some].T[:, :, None])[:, :, 0]
        system = one - weight[:, :, None] * (Q @ S)
        there = np.linalg.det(system) > _LEAST_REST
        step[there] = np.linalg.solve(system[there], step[there][:, :, None])[:, :, 0]
        step[~there] = np.nan
        out[:, some] = -step.T
    return out
