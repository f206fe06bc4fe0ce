"""The sum of absolute values: sparse coefficients, each task on its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from linmtl.penalties._l21 import L21
from linmtl.penalties._parameters import (
    check_feature_weight,
    check_positive,
    row_strength,
)
from linmtl.penalties._row_separable import RowSeparable
from linmtl.penalties._sparse_group import SparseGroup


class L1(RowSeparable):
    """``alpha * sum_j weight_j * sum_t |W_jt|`` (lasso).

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0.
    feature_weight : array-like of shape (n_features,) or (n_features, n_tasks), \
default=None
        A factor >= 0 on the strength of each feature; 0 leaves it unpenalised,
        infinity leaves it out. With a column for each task, in the order of ``tasks_``,
        a factor > 0 for each coefficient, or 0 for all of a feature.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.

    See Also
    --------
    L21 : Selects features for all tasks together.

    References
    ----------
    Tibshirani (1996), Regression shrinkage and selection via the lasso.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import L1
    >>> float(L1(alpha=0.5).value(np.array([[1.0, -2.0], [0.0, 3.0]])))
    3.0
    """

    joins = "L21"

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        feature_weight: ArrayLike | None = None,
        positive: bool = False,
    ):
        self.alpha = alpha
        self.feature_weight = feature_weight
        self.positive = positive

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        check_feature_weight(self, n_features, n_tasks=len(tasks))
        check_positive(self)

    def joined(self, others):
        if len(others) == 1 and type(others[0]) is L21:
            return SparseGroup(self, others[0])
        return super().joined(others)

    def strengths(self, n_features):
        strength = row_strength(self, n_features)
        return strength, np.zeros(n_features)

    def prox_naive(self, V, step):
        by_entry = self.by_entry()
        if by_entry is not None:
            return by_entry.prox_naive(V, step)
        threshold = step * row_strength(self, V.shape[0])[:, None]
        if self.positive:
            return np.maximum(V - threshold, 0.0)
        return np.sign(V) * np.maximum(np.abs(V) - threshold, 0.0)
