"""Leave-one-out where tasks share rows but for missing labels, and all is quadratic.

Without a row each task that has its label loses a term of its Hessian, and its other
rows count c times as much; the other tasks stay. Columns that are coupled by their mean
alone leave one system for the mean (see `linmtl.solvers._quadratic_system`), a sum over
the tasks of terms of three kinds: with the label, without it, and of the row itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import centred_targets
from linmtl.datafits._moments import Moments
from linmtl.penalties._quadratic_form import QuadraticForm

_MAX_NUMBERS = 8_000_000  # numbers that are held at a time


def lacks_missing_labels(data: MultiTaskData, form: QuadraticForm) -> str | None:
    """Return what a problem lacks for :func:`left_out_with_missing`, None if nothing.

    Parameters
    ----------
    data : MultiTaskData
        Tasks of the same rows.
    form : QuadraticForm
        The first penalty.
    """
    T, d = data.design.n_tasks, data.design.n_features
    weight = data.weight.reshape(T, -1)
    there = weight > 0
    if T * d * max(weight.shape[1], d) > _MAX_NUMBERS:
        return "fewer numbers"
    if np.any(there & (weight != weight.max(axis=1, keepdims=True))):
        return "equal weights of all labels of a task"
    if np.any(there.sum(axis=1) == 1):
        return "two labels of every task"
    if form.varies or form.is_coupled:
        return "tasks that are coupled by their mean alone"
    if not (form.is_diagonal or form.equal_ridge):
        return "tasks that are penalised alike"
    own = form.diagonal if form.is_diagonal else form.ridge + form.centred
    if not np.all(own > 0):
        return "a penalty on each task"
    free = not form.is_diagonal and form.ridge + form.mean == 0
    if free and there.sum(axis=1).max() <= d + 2:
        return "a penalty on the mean"
    return None


def left_out_with_missing(
    data: MultiTaskData,
    forms: Sequence[QuadraticForm],
    c: np.ndarray,
    least_rest: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return predictors without each row, losses with it and degrees of freedom.

    Parameters and results are those of
    :func:`linmtl.model_selection._directions.left_out_of_directions`, of ``c`` one for
    each observation.
    """
    T, centre = data.design.n_tasks, data.fit_intercept
    moments = Moments.of(data).spread()
    h, Q = np.linalg.eigh(moments.H)
    h[h <= h.shape[1] * np.finfo(float).eps * h.max(axis=1, keepdims=True)] = 0.0
    back = Q.transpose(0, 2, 1)
    C = (back @ moments.C[:, :, None])[:, :, 0]
    weight = data.weight.reshape(T, -1)
    there = weight > 0
    y = np.where(there, centred_targets(data)[1].reshape(T, -1), 0.0)
    X = (data.design.block(0) - moments.x[:, None]) @ Q  # (T, n, d), in eigenvectors
    X[~there] = 0.0
    total = np.where(data.total > 0, data.total, 1.0)[:, None]
    c = np.where(there, c.reshape(T, -1), 0.0).max(axis=1)[:, None]
    c[c == 0] = 1.0  # of tasks without labels
    less = c * weight * (c if centre else 1.0)  # of the row's term
    moved = c * weight / total if centre else np.zeros(weight.shape)

    def terms(value):  # matrices with these eigenvalues
        return ((Q * value[:, None]) @ back).reshape(T, -1)

    def turned(V):  # from eigenvectors, (T, k)
        return (Q @ V[:, :, None])[:, :, 0]

    def solution(h, C, a):
        curvature = h + a
        inverse = np.zeros(h.shape)
        np.divide(1.0, curvature, out=inverse, where=curvature > 0)
        return inverse, inverse * C

    eta = np.full((len(forms), data.y.size), np.nan)
    losses, freedom = np.empty((2, len(forms), T))
    shape = h.shape[1], h.shape[1]
    for i, form in enumerate(forms):
        apart = form.is_diagonal
        a = form.diagonal[:, None] if apart else form.ridge + form.centred
        m = a if apart else form.ridge + form.mean
        whole, alone = solution(h, C, a)
        part, rest = solution(c * h, c * C, a)
        Z = X * part[:, None]
        fitted, leverage = (X @ rest[:, :, None])[:, :, 0], np.sum(Z * X, axis=2)
        free = 1.0 - less * leverage
        free[free <= least_rest] = np.nan
        W = alone
        freedom[i] = np.sum(h * whole, axis=1)
        if not apart:
            pull, n = a - m, weight.shape[1]
            own = np.where(there, less / free, 0.0)
            lost = np.isnan(own)
            own[lost] = 0.0
            V = (Z @ back).transpose(1, 0, 2)  # (n, T, d)
            has, lacks = there.T.astype(float), 1.0 - there.T
            P, R = terms((h + m) * whole), terms((c * h + m) * part)
            systems = (lacks @ P + has @ R).reshape(n, *shape)
            scaled = own.T[:, :, None] * V
            systems -= pull * (scaled.transpose(0, 2, 1) @ V)
            right = lacks @ turned(alone) + has @ turned(rest)
            right += np.sum(scaled * (fitted - y).T[:, :, None], axis=1)
            means = np.linalg.solve(systems, right[:, :, None])
            fitted = fitted + pull * (V @ means)[:, :, 0].T
            system = P.sum(axis=0).reshape(shape)
            mean = np.linalg.solve(system, turned(alone).sum(axis=0))
            W = alone + pull * whole * (back @ mean)
            bend = terms(h * whole**2).reshape(T, *shape)
            inverse = np.linalg.inv(system)
            freedom[i] += pull * np.einsum("jk,tkj->t", inverse, bend)
        product = (fitted - less * leverage * y) / free
        move = (1.0 + moved) * (y - product)  # from the target, with its offset
        eta[i] = np.where(there, data.y.reshape(T, -1) - move, np.nan).ravel()
        residual = y - (X @ W[:, :, None])[:, :, 0]
        losses[i] = np.sum(weight * residual**2, axis=1) / (2.0 * total[:, 0])
    return eta, losses, freedom + (data.total > 0) * centre
