"""MCP and SCAD on the norms of the rows: selection without shrinkage."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from linmtl.penalties._base import Penalty
from linmtl.penalties._l21 import L21
from linmtl.penalties._nonconvex import Nonconvex
from linmtl.penalties._parameters import check_strength


class _FoldedConcave(Nonconvex):
    """Base: a function of the row norms whose slope falls from alpha to zero."""

    alpha: float
    gamma: float
    _least: float  # of gamma

    takes_classes: ClassVar[bool] = True

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        check_strength(self, "gamma")
        if self.gamma <= self._least:
            raise ValueError(
                f"{type(self).__name__}: gamma must be > {self._least:g}, got "
                f"{self.gamma!r}"
            )

    def _slope(self, size: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def start(self) -> Penalty:
        return L21(self.alpha)

    def majoriser(self, W):
        if self.alpha == 0:
            return L21(0.0)
        slope = self._slope(np.linalg.norm(W, axis=1))
        return L21(self.alpha, feature_weight=slope / self.alpha)


class MCP(_FoldedConcave):
    """Minimax concave penalty on the norms of the rows of W, not convex.

    ``sum_j f(||W_j||_2)`` with ``f(r) = alpha r - r^2 / (2 gamma)`` up to
    ``r = gamma alpha`` and constant beyond: features that are large enough are not
    shrunk.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0: the slope at zero.
    gamma : float, default=3.0
        How slowly the slope falls, > 1.

    References
    ----------
    Zhang (2010), Nearly unbiased variable selection under minimax concave penalty.
    Breheny, Huang (2015), Group descent algorithms for nonconvex penalized linear and
    logistic regression models with grouped predictors.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import MCP
    >>> float(MCP(alpha=1.0, gamma=3.0).value(np.array([[3.0, 4.0], [1.0, 0.0]])))
    2.3333333333333335
    """

    _least = 1.0

    def __init__(self, alpha: float = 1.0, gamma: float = 3.0):
        self.alpha = alpha
        self.gamma = gamma

    def value(self, W):
        size = np.minimum(np.linalg.norm(W, axis=1), self.gamma * self.alpha)
        return float(np.sum(self.alpha * size - size**2 / (2.0 * self.gamma)))

    def _slope(self, size):
        return np.maximum(self.alpha - size / self.gamma, 0.0)


class SCAD(_FoldedConcave):
    """Smoothly clipped absolute deviation on the norms of the rows of W, not convex.

    ``sum_j f(||W_j||_2)`` where the slope of f is alpha up to ``r = alpha``, then falls
    linearly to zero at ``r = gamma alpha``: features that are large enough are not
    shrunk.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0: the slope at zero.
    gamma : float, default=3.7
        Where the slope reaches zero, in units of alpha, > 2.

    References
    ----------
    Fan, Li (2001), Variable selection via nonconcave penalized likelihood and its
    oracle properties.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import SCAD
    >>> float(SCAD(alpha=1.0, gamma=4.0).value(np.array([[3.0, 4.0], [1.0, 0.0]])))
    3.5
    """

    _least = 2.0

    def __init__(self, alpha: float = 1.0, gamma: float = 3.7):
        self.alpha = alpha
        self.gamma = gamma

    def value(self, W):
        size = np.linalg.norm(W, axis=1)
        flat = np.minimum(size, self.alpha)
        falling = np.clip(size, self.alpha, self.gamma * self.alpha) - self.alpha
        width = (self.gamma - 1.0) * self.alpha
        value = self.alpha * flat + self.alpha * falling
        if width > 0:
            value -= self.alpha * falling**2 / (2.0 * width)
        return float(value.sum())

    def _slope(self, size):
        return np.clip(
            (self.gamma * self.alpha - size) / (self.gamma - 1.0), 0, self.alpha
        )
