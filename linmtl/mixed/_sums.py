"""What a linear mixed model knows of its rows: moments of each task in one frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from linmtl.data import MultiTaskData
from linmtl.datafits._moments import Moments

_ROUNDING = 1e-12  # share of its square that the variance of a constant is
_LAST_DIGITS = 16 * np.finfo(float).eps  # of a number, which means of it get wrong


@dataclass(frozen=True)
class Frame:
    """Where numbers are well conditioned: features about their mean, on one scale.

    Attributes
    ----------
    mean : ndarray of shape (n_features,)
        What is subtracted from the features; zero without intercept.
    scale : ndarray of shape (n_features,)
        What they are divided by then.
    level : float
        What is subtracted from the targets.
    intercept : bool
        Whether the first column of the frame is one of ones.
    """

    mean: np.ndarray
    scale: np.ndarray
    level: float
    intercept: bool

    def rows(self, X: np.ndarray) -> np.ndarray:
        """Return samples in the frame, a one in front with an intercept."""
        A = (X - self.mean) / self.scale
        return np.column_stack([np.ones(len(A)), A]) if self.intercept else A

    @property
    def there(self) -> np.ndarray:
        """Coefficients in the frame, from an intercept and coefficients of X."""
        S = self.scaled
        if self.intercept:
            S[0, 1:] = self.mean
        return S

    @property
    def scaled(self) -> np.ndarray:
        """The same from the intercept where the features have their means."""
        first = np.ones(int(self.intercept))
        return np.diag(np.concatenate([first, self.scale]))

    @property
    def back(self) -> np.ndarray:
        """An intercept and coefficients of X, from coefficients in the frame."""
        if not self.intercept:
            return np.diag(1.0 / self.scale)
        S = np.diag(np.concatenate([[1.0], 1.0 / self.scale]))
        S[0, 1:] = -self.mean / self.scale
        return S


@dataclass(frozen=True)
class Sums:
    """Sums over the rows of each task.

    Attributes
    ----------
    K : ndarray of shape (n_tasks, n_columns, n_columns)
        Sums of ``w a a'``, a having the features in the frame, and a one in front with
        a random intercept.
    c : ndarray of shape (n_tasks, n_columns)
        Sums of ``w a y``.
    square : ndarray of shape (n_tasks,)
        Sums of ``w y^2``.
    count : ndarray of shape (n_tasks,)
        The sum of the weights, less one where the task has an intercept of its own.
    """

    K: np.ndarray
    c: np.ndarray
    square: np.ndarray
    count: np.ndarray

    @property
    def n_tasks(self) -> int:
        return len(self.count)

    @property
    def n_columns(self) -> int:
        return self.c.shape[1]

    def of_tasks(self, tasks: np.ndarray) -> Sums:
        """Return the sums of some of the tasks (positions)."""
        parts = self.K, self.c, self.square, self.count
        return Sums(*(part[tasks] for part in parts))

    def times(self, factor: np.ndarray) -> Sums:
        """Return the sums with the weights of each task times a factor."""
        return replace(
            self,
            K=factor[:, None, None] * self.K,
            c=factor[:, None] * self.c,
            square=factor * self.square,
        )


def sums_of(data: MultiTaskData, random_intercept: bool) -> tuple[Frame, Sums, Moments]:
    """Return the frame of data, the sums in it, and the moments they are made of.

    The intercept of a task is a column of the model, or what sums about the means of
    the task are free of.
    """
    moments = Moments.of(data).spread()
    T, d = moments.x.shape
    total, x, y = moments.total, moments.x, moments.y
    share = total / total.sum()
    within = np.einsum("tjj->j", moments.H)
    mean, level = np.zeros(d), 0.0
    if random_intercept:
        mean, level = share @ x, float(share @ y)
    # means of a constant are alike up to their rounding only
    constant = np.ptp(x, axis=0) <= _LAST_DIGITS * np.abs(x).max(axis=0, initial=0.0)
    x = np.where(constant, mean, x) if random_intercept else x
    between = total @ (x - mean) ** 2
    varies = within > np.maximum(_ROUNDING * between, _LAST_DIGITS**2 * (total @ x**2))
    spread = np.where(varies, within, between)
    scale = np.sqrt(spread / total.sum())
    scale = np.where(scale > 0, scale, np.maximum(np.abs(mean), 1.0))
    frame = Frame(mean, scale, level, random_intercept)
    # of a feature that is constant within tasks nothing but rounding is left
    inverse = np.where(varies, 1.0 / scale, 0.0)
    H = moments.H * np.outer(inverse, inverse)
    C = moments.C * inverse
    if not random_intercept:
        count = total - float(data.fit_intercept)
        return frame, Sums(H, C, moments.square, count), moments
    x, y = (x - mean) / scale, y - level
    K = np.empty((T, d + 1, d + 1))
    K[:, 0, 0] = total
    K[:, 0, 1:] = K[:, 1:, 0] = total[:, None] * x
    K[:, 1:, 1:] = H + K[:, 1:, :1] * x[:, None, :]
    c = np.empty((T, d + 1))
    c[:, 0] = total * y
    c[:, 1:] = C + c[:, :1] * x
    return frame, Sums(K, c, moments.square + total * y**2, total), moments


def varies_within(sums: Sums, intercept: bool) -> np.ndarray:
    """Return the columns, ones included, that a task can have an effect of its own of.

    A feature that is constant within every task tells tasks apart as an intercept does.
    """
    if not intercept:
        return np.einsum("tjj->j", sums.K) > 0
    n = np.maximum(sums.K[:, 0, 0], 1e-300)
    whole = np.einsum("tjj->tj", sums.K)
    within = whole - sums.K[:, 0] ** 2 / n[:, None]
    varies = within.sum(axis=0) > 1e-12 * whole.sum(axis=0)
    varies[0] = True
    return varies
