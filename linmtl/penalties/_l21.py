"""The sum of the norms of the rows: features selected for all tasks together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import block_diag

from linmtl.penalties._parameters import (
    check_feature_weight,
    check_positive,
    row_strength,
)
from linmtl.penalties._row_separable import RowSeparable


class L21(RowSeparable):
    """``alpha * sum_j weight_j * ||W_j||_2`` over the rows (features) of W.

    A feature is used by all tasks or by none (group lasso over the tasks, joint
    feature selection).

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0.
    feature_weight : array-like of shape (n_features,) or (n_features, n_tasks), \
default=None
        A factor >= 0 on the strength of each feature; 0 leaves it unpenalised,
        infinity leaves it out. With a column for each task, in the order of ``tasks_``,
        a factor > 0 for each coefficient, or 0 for all of a feature. The
        norm of a row is then that of its entries times their weights. Where tasks lack
        features, None stands for the roots of the shares of the tasks that have them.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.

    See Also
    --------
    L1 : Selects features for each task on its own.
    TraceNorm : Shares a subspace instead of a set of features.

    References
    ----------
    Obozinski, Taskar, Jordan (2010), Joint covariate selection and joint subspace
    selection for multiple classification problems.
    Argyriou, Evgeniou, Pontil (2008), Convex multi-task feature learning.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import L21
    >>> float(L21(alpha=0.5).value(np.array([[3.0, 4.0], [0.0, 0.0]])))
    2.5
    """

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

    def on_present(self, share):
        if self.feature_weight is not None:
            return self
        weight = np.sqrt(share)
        return L21(self.alpha, feature_weight=weight, positive=self.positive)

    def strengths(self, n_features):
        strength = row_strength(self, n_features)
        return np.zeros(n_features), strength

    def tangent(self, W):
        # rows in use; all of one bends but itself
        if self.positive:
            return None
        T, strength = W.shape[1], row_strength(self, len(W))
        used = np.flatnonzero(W.any(axis=1) | (strength == 0))
        basis = np.zeros((T, len(W), used.size, T))
        basis[:, used, np.arange(used.size)] = np.eye(T)[:, None]
        length = np.linalg.norm(W[used], axis=1)
        length[length == 0] = np.inf  # a row without a penalty
        V = W[used] / length[:, None]
        blocks = np.eye(T) - V[:, :, None] * V[:, None]
        blocks *= (strength[used] / length)[:, None, None]
        none = np.zeros((0, 0))
        return basis.reshape(T, len(W), -1), block_diag(none, *blocks)

    def prox_naive(self, V, step):
        by_entry = self.by_entry()
        if by_entry is not None:
            return by_entry.prox_naive(V, step)
        V = np.maximum(V, 0.0) if self.positive else V
        threshold = step * row_strength(self, V.shape[0])
        norm = np.linalg.norm(V, axis=1)
        factor = np.maximum(0.0, 1.0 - threshold / np.maximum(norm, 1e-140))
        return factor[:, None] * V
