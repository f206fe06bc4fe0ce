"""The sum of the singular values: tasks that share a subspace."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from linmtl.penalties._base import Penalty
from linmtl.penalties._spectral import scale_singular_values, smaller_gram


class TraceNorm(Penalty):
    """``alpha * sum of the singular values of W`` (nuclear norm).

    The tasks' coefficients are drawn towards a common low-dimensional subspace.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0.

    See Also
    --------
    L21 : Shares a set of features instead of a subspace.

    References
    ----------
    Argyriou, Evgeniou, Pontil (2008), Convex multi-task feature learning.
    Ji, Ye (2009), An accelerated gradient method for trace norm minimization.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import TraceNorm
    >>> float(TraceNorm(alpha=0.5).value(np.diag([3.0, 4.0])))
    3.5
    """

    spectral: ClassVar[bool] = True

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def value(self, W):
        if not W.any():  # the null model
            return 0.0
        return self.alpha * float(np.linalg.svd(W, compute_uv=False).sum())

    def prox(self, V, step, out):
        threshold = float(step) * self.alpha

        def rule(s):
            factor = np.maximum(s - threshold, 0.0) / s
            return factor, self.alpha * float(s @ factor)

        return scale_singular_values(V, rule, out, above=threshold)

    def prox_naive(self, V, step):
        U, s, Vt = np.linalg.svd(V, full_matrices=False)
        return (U * np.maximum(s - step * self.alpha, 0.0)) @ Vt

    def dual_norm(self, G):
        top = max(float(np.linalg.eigvalsh(smaller_gram(G))[-1]), 0.0)
        return float(np.sqrt(top)) / self.alpha

    def free_rows(self, n_features):
        return np.full(n_features, self.alpha == 0)
