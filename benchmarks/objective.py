"""Objective, duality gap and strongest alpha, by NumPy in float64 from raw data.

No solver is asked how good its result is: everything that the tables say about accuracy
comes from here. The objective is

    sum_t c_t sum_{i in t} loss(y_i, x_i . w_t + b_t) + alpha * penalty(W)

with ``c_t = 1 / n_t`` (mean losses) or ``c_t = 1`` (sums).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import entr, expit, xlogy

Columns = Sequence[np.ndarray]  # one flat array per task
HUBER_DELTA = 1.35  # residuals beyond it count linearly


@dataclass(frozen=True)
class Shared:
    """All tasks have the same samples.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Samples, in Fortran order.
    Y : ndarray of shape (n_samples, n_tasks)
        Targets.
    """

    X: np.ndarray
    Y: np.ndarray

    n_features = property(lambda self: self.X.shape[1])
    n_tasks = property(lambda self: self.Y.shape[1])
    n_rows = property(lambda self: [len(self.X)] * self.n_tasks)
    nbytes = property(lambda self: self.X.nbytes + self.Y.nbytes)

    @cached_property
    def targets(self) -> Columns:
        return list(self.Y.T)

    def predict(self, W: np.ndarray) -> Columns:
        return list((self.X @ W).T)

    def adjoint(self, thetas: Columns) -> np.ndarray:
        return self.X.T @ np.column_stack(thetas)


@dataclass(frozen=True)
class Ragged:
    """Each task has samples of its own.

    Parameters
    ----------
    Xs : sequence of n_tasks arrays of shape (n_samples_t, n_features)
        Samples of each task.
    targets : sequence of n_tasks arrays of shape (n_samples_t,)
        Targets of each task; -1 and +1 for the logistic loss.
    """

    Xs: Columns
    targets: Columns

    n_features = property(lambda self: self.Xs[0].shape[1])
    n_tasks = property(lambda self: len(self.Xs))
    n_rows = property(lambda self: [len(y) for y in self.targets])
    nbytes = property(lambda self: sum(X.nbytes for X in self.Xs))

    def predict(self, W: np.ndarray) -> Columns:
        return [X @ w for X, w in zip(self.Xs, W.T, strict=True)]

    def adjoint(self, thetas: Columns) -> np.ndarray:
        pairs = zip(self.Xs, thetas, strict=True)
        return np.column_stack([X.T @ theta for X, theta in pairs])


Data = Shared | Ragged


def penalty_value(kind: str, W: np.ndarray) -> float:
    """Return the penalty at strength 1."""
    if kind == "l21":
        return float(np.linalg.norm(W, axis=1).sum())
    if kind == "trace":
        return float(np.linalg.norm(W, "nuc"))
    if kind == "l1":
        return float(np.abs(W).sum())
    if kind == "mean":
        return float(((W - W.mean(axis=1, keepdims=True)) ** 2).sum() / 2)
    raise ValueError(f"unknown penalty {kind!r}")


def dual_norm(kind: str, G: np.ndarray) -> float:
    """Return the dual norm of the penalty; infinite where it is not a norm."""
    if kind == "l21":
        return float(np.linalg.norm(G, axis=1).max())
    if kind == "trace":
        return float(np.linalg.norm(G, 2))
    if kind == "l1":
        return float(np.abs(G).max())
    return np.inf


@dataclass(frozen=True)
class Objective:
    """An objective up to the strength of its penalty.

    Parameters
    ----------
    data : Shared or Ragged
        Samples and targets.
    loss : {"squared", "logistic", "huber", "poisson", "cox"}
        The loss; the squared one has the factor 1/2, the Poisson loss is half the
        deviance, and that of distinct times (negative where censored) the partial
        likelihood.
    penalty : {"l21", "trace", "l1", "mean"}
        Row norms, nuclear norm, entries, or half the squared distance to the mean.
    fit_intercept : bool, default=True
        Whether each task has an intercept, never penalised.
    mean_loss : bool, default=True
        Whether a task contributes its mean loss rather than its sum.
    """

    data: Data
    loss: str
    penalty: str
    fit_intercept: bool = True
    mean_loss: bool = True
    scales: np.ndarray = field(init=False)

    def __post_init__(self):
        rows = np.array(self.data.n_rows, dtype=float)
        scales = 1.0 / rows if self.mean_loss else np.ones_like(rows)
        object.__setattr__(self, "scales", scales)

    def value(self, W: np.ndarray, b: np.ndarray | None, alpha: float) -> float:
        """Return the objective; with ``b=None`` at the best intercepts."""
        eta = self.data.predict(W)
        if b is None:
            b = self.intercepts(eta)
        total = alpha * penalty_value(self.penalty, W)
        terms = zip(self.scales, self.data.targets, eta, b, strict=True)
        for scale, y, eta_t, b_t in terms:
            total += scale * float(_values(self.loss, y, eta_t + b_t).sum())
        return total

    def bounds(
        self, W: np.ndarray, b: np.ndarray | None, alpha: float
    ) -> tuple[float, float]:
        """Return the objective and a lower bound of its minimum.

        The dual point is the residual at the best intercepts (so that it sums to zero
        in each task), scaled into the dual ball of the penalty.
        """
        primal = self.value(W, b, alpha)
        thetas = self._residuals(W)
        size = dual_norm(self.penalty, self.data.adjoint(thetas))
        if not np.isfinite(size):
            return primal, -np.inf
        limit = alpha / size if size > 0 else np.inf
        if self.loss == "cox":
            return primal, self._dual_of_times(W, min(limit, 1.0))
        return primal, self._dual(thetas, limit)

    def intercepts(self, eta: Columns) -> np.ndarray:
        """Return the best intercept of each task for given linear predictors."""
        if not self.fit_intercept:
            return np.zeros(self.data.n_tasks)
        pairs = zip(self.data.targets, eta, strict=True)
        best = _INTERCEPTS[self.loss]
        return np.array([best(y, eta_t) for y, eta_t in pairs])

    @cached_property
    def _null(self) -> tuple[float, float]:
        W = np.zeros((self.data.n_features, self.data.n_tasks))
        size = dual_norm(self.penalty, self.data.adjoint(self._residuals(W)))
        return self.value(W, None, 0.0), size

    @property
    def null_value(self) -> float:
        """The objective at W = 0 with the best intercepts."""
        return self._null[0]

    @property
    def alpha_max(self) -> float:
        """The smallest alpha with the solution zero."""
        return self._null[1]

    def _residuals(self, W: np.ndarray) -> list[np.ndarray]:
        """Return minus the derivatives of the loss at the best intercepts."""
        eta = self.data.predict(W)
        b = self.intercepts(eta)
        thetas = []
        terms = zip(self.scales, self.data.targets, eta, b, strict=True)
        for scale, y, eta_t, b_t in terms:
            thetas.append(scale * falls(self.loss, y, eta_t + b_t))
        return thetas

    def _dual_of_times(self, W: np.ndarray, s: float) -> float:
        """Return the dual objective at s times the residuals, of times to an event.

        At each event the dual point is a distribution over those at risk: s times that
        of the model, and the rest on the one that had the event.
        """
        total = 0.0
        eta = self.data.predict(W)
        for scale, y, eta_t in zip(self.scales, self.data.targets, eta, strict=True):
            log_size, order = _at_risk(y, eta_t), np.argsort(-np.abs(y))
            mean = np.empty_like(eta_t)
            size = np.exp(eta_t - log_size.max())
            moment = np.cumsum((size * eta_t)[order]) / np.cumsum(size[order])
            mean[order] = moment - log_size[order]  # of the logarithm of p
            own = np.exp(eta_t - log_size)
            mixed = (1.0 - s) + s * own
            terms = xlogy(s, s) * (1.0 - own) + s * (mean - own * (eta_t - log_size))
            total -= scale * float(np.sum((y > 0) * (terms + xlogy(mixed, mixed))))
        return total

    def _dual(self, thetas: Columns, limit: float) -> float:
        """Return the dual objective at the best multiple up to ``limit``."""
        terms = list(zip(self.scales, self.data.targets, thetas, strict=True))
        if self.loss == "squared":
            linear = sum(float(theta @ y) for _, y, theta in terms)
            square = sum(float(theta @ theta) / scale for scale, _, theta in terms)
            s = min(linear / square, limit) if square > 0 else 0.0
            return s * linear - s**2 * square / 2
        s = min(1.0, limit)
        total = 0.0
        for scale, y, theta in terms:
            total -= scale * float(_conjugates(self.loss, y, s * theta / scale).sum())
        return total


def _values(loss: str, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return the loss of each observation."""
    if loss == "cox":
        return (y > 0) * (_at_risk(y, eta) - eta)
    if loss == "squared":
        return (y - eta) ** 2 / 2
    if loss == "logistic":
        return np.logaddexp(0.0, -y * eta)
    if loss == "huber":
        size = np.minimum(np.abs(y - eta), HUBER_DELTA)
        return size * (np.abs(y - eta) - size / 2)
    return np.exp(eta) - y * eta + xlogy(y, y) - y


def _at_risk(y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return the logarithm of the sum of exponentials of those at risk with each."""
    out, order = np.empty_like(eta), np.argsort(-np.abs(y))
    out[order] = np.logaddexp.accumulate(eta[order])
    return out


def falls(loss: str, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return minus the derivative of the loss of each observation."""
    if loss == "squared":
        return y - eta
    if loss == "cox":
        past = np.argsort(np.abs(y))
        hazard = np.empty_like(eta)
        hazard[past] = np.cumsum(((y > 0) * np.exp(-_at_risk(y, eta)))[past])
        return (y > 0) - np.exp(eta) * hazard
    if loss == "logistic":
        return y * expit(-y * eta)
    if loss == "huber":
        return np.clip(y - eta, -HUBER_DELTA, HUBER_DELTA)
    return y - np.exp(eta)


def _conjugates(loss: str, y: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Return the conjugate of each loss at -theta; theta is in its domain."""
    if loss == "logistic":
        u = np.clip(theta * y, 0.0, 1.0)
        return -entr(u) - entr(1.0 - u)
    if loss == "huber":
        return theta**2 / 2 - theta * y
    rate = np.maximum(y - theta, 0.0)
    return xlogy(rate, rate) - rate - xlogy(y, y) + y


def _logistic_intercept(y: np.ndarray, eta: np.ndarray) -> float:
    """Newton's method in one dimension, kept inside a bracket."""
    low, high = -_bracket(eta), _bracket(eta)
    b = 0.0
    for _ in range(200):
        p = expit(-y * (eta + b))
        slope = float(y @ p)  # positive while b is too small
        low, high = (b, high) if slope > 0 else (low, b)
        if abs(slope) <= 1e-15 * len(y):
            break
        new = b + slope / max(float(p @ (1.0 - p)), 1e-300)
        if not low < new < high:
            new = (low + high) / 2
        if new == b:
            break
        b = new
    return b


def _huber_intercept(y: np.ndarray, eta: np.ndarray) -> float:
    """Newton's method on a piecewise linear slope, kept inside a bracket."""
    r = y - eta
    low, high = float(r.min()), float(r.max())
    b = float(np.median(r))
    for _ in range(200):
        slope = float(np.clip(r - b, -HUBER_DELTA, HUBER_DELTA).sum())
        low, high = (b, high) if slope > 0 else (low, b)
        inside = np.count_nonzero(np.abs(r - b) < HUBER_DELTA)
        new = b + slope / max(inside, 1)
        if new == b or abs(slope) <= 1e-14 * len(y):
            break
        b = new if low <= new <= high else (low + high) / 2
    return b


def _bracket(eta: np.ndarray) -> float:
    """An intercept beyond this has a slope of known sign, if both classes occur."""
    return float(np.abs(eta).max(initial=0.0)) + np.log(2.0 * len(eta) + 1.0) + 1.0


_INTERCEPTS = {
    "squared": lambda y, eta: float(np.mean(y - eta)),
    "logistic": _logistic_intercept,
    "huber": _huber_intercept,
    "poisson": lambda y, eta: float(np.log(y.sum()) - np.log(np.exp(eta).sum())),
    "cox": lambda y, eta: 0.0,
}


def mean_regularised_optimum(objective: Objective, alpha: float) -> float:
    """Return the exact minimum for the squared loss with the "mean" penalty.

    Each task is a ridge towards the mean of the tasks, so the mean solves a linear
    system of the size of the features.
    """
    data = objective.data
    d, T = data.n_features, data.n_tasks
    inverses, constants = [], []
    for X, y, scale in zip(data.Xs, data.targets, objective.scales, strict=True):
        if objective.fit_intercept:
            X, y = X - X.mean(axis=0), y - y.mean()
        inverse = np.linalg.inv(scale * X.T @ X + alpha * np.eye(d))
        inverses.append(inverse)
        constants.append(inverse @ (scale * X.T @ y))
    system = np.eye(d) - alpha * sum(inverses) / T
    mean = np.linalg.lstsq(system, sum(constants) / T, rcond=1e-12)[0]
    W = np.column_stack(
        [c + alpha * inv @ mean for c, inv in zip(constants, inverses, strict=True)]
    )
    return objective.value(W, None, alpha)
