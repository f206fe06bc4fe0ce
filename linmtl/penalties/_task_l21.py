"""The sum of the norms of the columns: whole tasks that are zero."""

from __future__ import annotations

import numpy as np

from linmtl.penalties._base import Penalty


class TaskL21(Penalty):
    """``alpha * sum_t ||w_t||_2`` over the columns (tasks) of W.

    As one part of a decomposition it picks the tasks that deviate from the other part.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0.

    See Also
    --------
    L21 : The same over the rows (features).
    RobustFeatures, RobustLowRank : Decompositions with it.

    References
    ----------
    Yuan, Lin (2006), Model selection and estimation in regression with grouped
    variables.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import TaskL21
    >>> float(TaskL21(alpha=0.5).value(np.array([[3.0, 0.0], [4.0, 0.0]])))
    2.5
    """

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def value(self, W):
        return self.alpha * float(np.linalg.norm(W, axis=0).sum())

    def prox(self, V, step, out):
        norm = np.linalg.norm(V, axis=0)
        kept = np.maximum(norm - float(step) * self.alpha, 0.0)
        factor = np.divide(kept, norm, out=np.zeros_like(norm), where=norm > 0)
        factor[np.isnan(norm)] = np.nan
        np.multiply(V, factor, out=out)
        return self.alpha * float(kept.sum())

    def prox_naive(self, V, step):
        norm = np.linalg.norm(V, axis=0)
        return V * np.maximum(0.0, 1.0 - step * self.alpha / np.maximum(norm, 1e-300))

    def dual_norm(self, G):
        return float(np.linalg.norm(G, axis=0).max(initial=0.0)) / self.alpha

    def free_rows(self, n_features):
        return np.full(n_features, self.alpha == 0)
