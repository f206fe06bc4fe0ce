"""The sum of the singular values: tasks that share a subspace."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from linmtl.penalties._base import Penalty
from linmtl.penalties._spectral import scale_singular_values, smaller_gram

_RANK = 1e-10  # singular values below this fraction of the largest are rounding


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

    symmetric: ClassVar[bool] = False
    spectral: ClassVar[bool] = True
    takes_classes: ClassVar[bool] = True

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

    def tangent(self, W):
        # in the singular bases directions of a row or column in use; between two of
        # them what is antisymmetric bends, beyond them everything
        U, s, Vt = np.linalg.svd(W)
        r = int(np.count_nonzero(s > _RANK * s.max(initial=0.0)))
        i, j = np.nonzero(
            np.logical_or.outer(np.arange(len(U)) < r, np.arange(len(Vt)) < r)
        )
        basis = Vt[j].T[:, None, :] * U[:, i][None]
        size = np.append(s[:r], np.zeros(1))
        first, second = size[np.minimum(i, r)], size[np.minimum(j, r)]
        bend = self.alpha / (first + second)
        bend[i == j] = 0.0
        H = np.diag(bend)
        place = np.full((len(U), len(Vt)), -1)
        place[i, j] = np.arange(i.size)
        pairs = np.flatnonzero((i < r) & (j < r) & (i != j))
        H[pairs, place[j[pairs], i[pairs]]] = -bend[pairs]
        return basis, H

    def dual_norm(self, G):
        top = max(float(np.linalg.eigvalsh(smaller_gram(G))[-1]), 0.0)
        return float(np.sqrt(top)) / self.alpha

    def free_rows(self, n_features):
        return np.full(n_features, self.alpha == 0)
