"""Weights of models in each task by held-out rows, drawn to common ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy.optimize import nnls
from scipy.special import softmax

from linmtl.losses import Loss

# rows of all tasks that count as much as a task's own; those of equal worth: the first
STRENGTHS = (np.inf, 256.0, 64.0, 16.0, 4.0)
_STEPS = 30
_HALVINGS = 12
_LEAST_GAIN = 1e-10  # of a step, relative to the objective
_LEAST_CURVATURE = 1e-3  # of the largest: where it vanishes a Newton step has no end


@dataclass(frozen=True, eq=False)
class Rows:
    """What models predict for rows that they were not fitted to.

    Attributes
    ----------
    eta : ndarray of shape (n_rows, n_models) or (n_rows, n_classes, n_models)
        Linear predictors.
    y, weight : ndarray of shape (n_rows,)
        Targets as the loss takes them, and sample weights > 0.
    task : ndarray of int of shape (n_rows,)
        The task of each row; in ascending order.
    fold : ndarray of int of shape (n_rows,)
        The fold in which each row was held out.
    n_tasks : int
        The number of tasks; some may have no rows.
    loss : Loss
        The loss.
    """

    eta: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    task: np.ndarray
    fold: np.ndarray
    n_tasks: int
    loss: Loss

    def part(self, rows: np.ndarray | slice) -> Self:
        """Return some of the rows."""
        return type(self)(
            self.eta[rows],
            self.y[rows],
            self.weight[rows],
            self.task[rows],
            self.fold[rows],
            self.n_tasks,
            self.loss,
        )

    def of_tasks(self) -> list[Self]:
        """Return the rows of each task."""
        ptr = np.searchsorted(self.task, np.arange(self.n_tasks + 1))
        return [self.part(slice(*pair)) for pair in pairwise(ptr)]

    def value(self, a: np.ndarray) -> float:
        """Return the sum of the losses at some weights."""
        return float(self.weight @ self.loss.value(self.y, self.eta @ a))

    def form(self, a: np.ndarray) -> np.ndarray:
        """Return A such that ``a' A a / 2`` is the loss to second order about `a`.

        But for a constant, for weights that sum to one: then a squared error against
        targets that Newton's method works with has no linear part.
        """
        eta = self.eta @ a
        u = -self.loss.derivative(self.y, eta)
        if eta.ndim == 2:
            return self._form_of_classes(eta, u)
        curvature = self.loss.second_derivative(self.y, u)
        least = _LEAST_CURVATURE * (self.loss.curvature or curvature.max(initial=1.0))
        curvature = np.maximum(curvature, least)
        residual = self.eta - (eta + u / curvature)[:, None]
        return residual.T @ ((self.weight * curvature)[:, None] * residual)

    def _form_of_classes(self, eta, u):
        """Return the form of several classes, of curvature ``diag(p) - p p'``.

        A little of the identity is added, for the curvature to have an inverse.
        """
        least = _LEAST_CURVATURE * (self.loss.curvature or 1.0)
        p = softmax(eta, axis=1)
        diagonal = p + least
        share = p / diagonal
        # the inverse of a diagonal less a product of rank one, times u
        rest = np.sum(share * u, axis=1) / (least * share.sum(axis=1))
        target = eta + u / diagonal + share * rest[:, None]
        residual = self.eta - target[..., None]
        mean = np.einsum("nk,nkm->nm", p, residual)
        square = np.einsum(
            "nk,nkm,nkl->ml",
            diagonal * self.weight[:, None],
            residual,
            residual,
            optimize=True,
        )
        return square - mean.T @ (self.weight[:, None] * mean)

    def blended(self, weights: np.ndarray) -> np.ndarray:
        """Return linear predictors with weights by task, (n_tasks, n_models)."""
        own = weights[self.task]
        return np.sum(self.eta * (own if self.eta.ndim == 2 else own[:, None]), axis=-1)


def best_weights(rows: Rows, prior: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the minimiser on the simplex of ``rows.value(a) + a' prior a / 2``.

    Parameters
    ----------
    rows : Rows
        What to predict.
    prior : ndarray of shape (n_models, n_models)
        A positive semidefinite form.
    start : ndarray of shape (n_models,)
        Weights to start from, and to return where all are equally good.
    """
    if not rows.y.size and not prior.any():
        return start
    a = start
    value = rows.value(a) + a @ prior @ a / 2
    for _ in range(_STEPS):
        target = _least_on_simplex(rows.form(a) + prior, a)
        if rows.loss.quadratic:
            return target
        step, last = 1.0, value
        for _ in range(_HALVINGS):
            trial = a + step * (target - a)
            value = rows.value(trial) + trial @ prior @ trial / 2
            if value <= last:
                break
            step /= 2
        if value >= last - _LEAST_GAIN * abs(last):
            return trial if value < last else a
        a = trial
    return a


def _least_on_simplex(A, start):
    """Return the minimiser of ``a' A a`` over the simplex, A positive semidefinite.

    With ``A = L'L`` it is proportional to the u >= 0 that minimises
    ``||L u||^2 + (1'u - 1)^2``: for each direction the best length of u has a value
    that grows with ``a' A a``.
    """
    values, vectors = np.linalg.eigh(A)
    if values[-1] <= 0:
        return start
    root = np.sqrt(np.maximum(values, 0.0) / values[-1])[:, None] * vectors.T
    M = np.vstack([root, np.ones(len(A))])
    u, _ = nnls(M, np.append(np.zeros(len(A)), 1.0))
    return u / u.sum()


class Common:
    """What all tasks say of the weights, and how far a task is drawn to it.

    A strength of s adds to the rows of a task s more, which stand for the rows of all
    tasks (to second order about the weights that are best for these): on the scale of
    the task's own loss, where the loss has a scale.
    """

    def __init__(self, rows: Rows):
        K = rows.eta.shape[-1]
        self.tasks = rows.of_tasks()
        nothing = np.zeros((K, K))
        self.weights = best_weights(rows, nothing, np.full(K, 1.0 / K))
        self.total = rows.weight.sum()
        self.form = rows.form(self.weights) / self.total
        self.scales = rows.loss.quadratic

    def of_tasks(self, strength: float) -> np.ndarray:
        """Return the weights of each task, (n_tasks, n_models)."""
        if np.isinf(strength):
            return np.tile(self.weights, (len(self.tasks), 1))
        return np.array([self._of_task(rows, strength) for rows in self.tasks])

    def _of_task(self, rows, strength):
        size, ratio = rows.weight.sum(), 1.0
        if size == 0:
            return self.weights
        if self.scales:
            own = np.diag(rows.form(self.weights)).min()
            overall = np.diag(self.form).min()
            # the scale of few rows is drawn to that of all as their weights are
            level = (own + strength * overall) / (size + strength)
            ratio = level / overall if overall > 0 else 1.0
        return best_weights(rows, strength * ratio * self.form, self.weights)


@dataclass(frozen=True, eq=False)
class Stack:
    """Weights of the models in each task.

    Attributes
    ----------
    weights : ndarray of shape (n_tasks, n_models)
        Not negative; rows sum to one.
    common : ndarray of shape (n_models,)
        The weights that a task without rows has.
    strength : float
        How strongly tasks are drawn to these, in rows.
    strengths : ndarray of shape (n_strengths,)
        The strengths tried.
    eta : ndarray of shape (n_strengths, n_rows) or (n_strengths, n_rows, n_classes)
        What the stack predicts for each row with weights from the other folds.
    """

    weights: np.ndarray
    common: np.ndarray
    strength: float
    strengths: np.ndarray
    eta: np.ndarray


def stacked(rows: Rows, strengths: Sequence[float] = STRENGTHS) -> Stack:
    """Return the weights that held-out rows ask for.

    The strength is the one whose weights predict each fold best when they are found on
    the others.
    """
    eta: Any = np.zeros((len(strengths), *rows.eta.shape[:-1]))
    for k in np.unique(rows.fold):
        held = rows.fold == k
        if held.all():  # a single fold: there are no others to learn from
            eta[:] = rows.eta.mean(axis=-1)
            break
        common = Common(rows.part(~held))
        for strength, predicted in zip(strengths, eta, strict=True):
            weights = common.of_tasks(strength)
            predicted[held] = rows.part(held).blended(weights)
    losses = [rows.weight @ rows.loss.value(rows.y, e) for e in eta]
    strength = strengths[int(np.argmin(losses))]
    common = Common(rows)
    weights = common.of_tasks(strength)
    return Stack(weights, common.weights, strength, np.array(strengths), eta)
