"""The sum of the singular values: tasks that share a subspace."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import linalg

from linmtl.penalties._base import Penalty

# Eigenvalues of the Gram matrix lose the digits of singular values that are smaller
# than this fraction of the largest; a threshold below it needs the full SVD.
_GRAM_IS_ACCURATE = 1e-4
_LARGE = 150  # side of a Gram matrix whose full set of eigenvectors is dear


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
        return self.alpha * float(linalg.svdvals(W).sum())

    def prox(self, V, step, out):
        # V Q diag(1 - threshold / s) Q', from the eigenvectors Q of the smaller Gram
        # matrix, whose eigenvalues are the squared singular values
        threshold = float(step) * self.alpha
        tall = V.shape[0] >= V.shape[1]
        gram = V.T @ V if tall else V @ V.T
        if len(gram) >= _LARGE:  # of many eigenvectors few are kept
            eigenvalue, Q = linalg.eigh(
                gram, subset_by_value=(threshold**2, np.inf), driver="evr"
            )
        else:
            eigenvalue, Q = np.linalg.eigh(gram)
        s = np.sqrt(np.maximum(eigenvalue, 0.0))
        if s.size and threshold < _GRAM_IS_ACCURATE * s[-1]:
            U, s, Vt = linalg.svd(V, full_matrices=False)
            s = np.maximum(s - threshold, 0.0)
            np.matmul(U * s, Vt, out=out)
            return self.alpha * float(s.sum())
        kept = s > threshold
        Q, s = Q[:, kept], s[kept]
        scaled = Q * (1.0 - threshold / s)
        if tall:
            np.matmul(V @ scaled, Q.T, out=out)
        else:
            np.matmul(Q, scaled.T @ V, out=out)
        return self.alpha * float(np.sum(s - threshold))

    def prox_naive(self, V, step):
        U, s, Vt = np.linalg.svd(V, full_matrices=False)
        return (U * np.maximum(s - step * self.alpha, 0.0)) @ Vt

    def dual_norm(self, G):
        gram = G.T @ G if G.shape[0] >= G.shape[1] else G @ G.T
        return float(np.sqrt(max(np.linalg.eigvalsh(gram)[-1], 0.0))) / self.alpha

    def free_rows(self, n_features):
        return np.full(n_features, self.alpha == 0)
