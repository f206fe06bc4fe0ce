"""The capped l1 norm: features beyond a threshold are no longer penalised."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from linmtl.penalties._base import Penalty
from linmtl.penalties._l1 import L1
from linmtl.penalties._nonconvex import Nonconvex
from linmtl.penalties._parameters import check_strength


class CappedL1(Nonconvex):
    """``alpha * sum_j min(||W_j||_1, threshold)``, not convex.

    Features that are large enough are not shrunk at all (multi-stage multi-task
    feature learning).

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0.
    threshold : float, default=1.0
        The sum of absolute values of a row beyond which it costs no more, > 0.

    See Also
    --------
    MCP, SCAD : The same idea on the Euclidean norms of the rows.

    References
    ----------
    Gong, Ye, Zhang (2013), Multi-stage multi-task feature learning.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import CappedL1
    >>> W = np.array([[3.0, -4.0], [0.5, 0.0]])
    >>> float(CappedL1(alpha=1.0, threshold=2.0).value(W))
    2.5
    """

    takes_classes: ClassVar[bool] = True

    def __init__(self, alpha: float = 1.0, threshold: float = 1.0):
        self.alpha = alpha
        self.threshold = threshold

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        check_strength(self, "threshold")
        if self.threshold == 0:
            raise ValueError("CappedL1: threshold must be > 0, got 0")

    def value(self, W):
        size = np.abs(W).sum(axis=1)
        return self.alpha * float(np.minimum(size, self.threshold).sum())

    def start(self) -> Penalty:
        return L1(self.alpha)

    def majoriser(self, W):
        small = np.abs(W).sum(axis=1) < self.threshold
        return L1(self.alpha, feature_weight=small.astype(float))
