"""Sparse plus low-rank coefficients."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from linmtl.kernels._jit import readonly
from linmtl.kernels._spectral import threshold
from linmtl.penalties._base import DualTerms, Penalty
from linmtl.penalties._decomposition import Decomposition
from linmtl.penalties._l1 import L1
from linmtl.penalties._parameters import check_strength
from linmtl.penalties._spectral import scale_singular_values, smaller_gram
from linmtl.penalties._trace_norm import TraceNorm

# of a point on the surface the trace norm is rounded, to single precision at worst
_ON_THE_BALL = 1e-6


class SparseLowRank(Decomposition):
    """``alpha_sparse * sum_jt |P_jt| + alpha_rank * ||Q||_*`` with W = P + Q.

    P has few entries, Q low rank: tasks in a common subspace, up to single
    coefficients. The penalty at W is the least over all such P and Q.

    Parameters
    ----------
    alpha_sparse : float, default=1.0
        Strength on the entries of the sparse part, > 0.
    alpha_rank : float, default=1.0
        Strength on the trace norm of the low-rank part, > 0. Not used with
        ``max_trace``.
    max_trace : float, default=None
        Bound on the trace norm of the low-rank part, > 0, in place of a penalty on it
        (the formulation of the paper and of MALSAR).

    Notes
    -----
    ``coef_components_`` of a fitted estimator holds the parts, under "sparse" and
    "low_rank".

    References
    ----------
    Chen, Liu, Ye (2010), Learning incoherent sparse and low-rank patterns from
    multiple tasks.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import SparseLowRank
    >>> penalty = SparseLowRank(alpha_sparse=1.0, alpha_rank=2.0)
    >>> float(round(penalty.value(np.ones((3, 3))), 6))
    6.0
    """

    part_names: ClassVar[tuple[str, str]] = ("sparse", "low_rank")
    takes_classes: ClassVar[bool] = True

    def __init__(
        self,
        alpha_sparse: float = 1.0,
        alpha_rank: float = 1.0,
        max_trace: float | None = None,
    ):
        self.alpha_sparse = alpha_sparse
        self.alpha_rank = alpha_rank
        self.max_trace = max_trace

    def check(self, n_features, tasks):
        if self.max_trace is not None:
            check_strength(self, "max_trace")
            if self.max_trace == 0:
                raise ValueError(
                    "SparseLowRank: max_trace must be > 0; without a low-rank part, "
                    "use L1"
                )
        super().check(n_features, tasks)

    def parts(self):
        if self.max_trace is None:
            return L1(self.alpha_sparse), TraceNorm(self.alpha_rank)
        return L1(self.alpha_sparse), TraceBall(self.max_trace)


class TraceBall(Penalty):
    """Zero where the trace norm is at most ``max_trace``, infinite elsewhere."""

    symmetric: ClassVar[bool] = False
    spectral: ClassVar[bool] = True

    def __init__(self, max_trace: float):
        self.max_trace = max_trace

    def value(self, W):
        trace = float(np.linalg.svd(W, compute_uv=False).sum())
        return 0.0 if trace <= self.max_trace * (1 + _ON_THE_BALL) else np.inf

    def prox(self, V, step, out):
        return scale_singular_values(V, self._factors, out)

    def _factors(self, s):
        return _on_simplex(s, self.max_trace) / s, 0.0

    def prox_naive(self, V, step):
        U, s, Vt = np.linalg.svd(V, full_matrices=False)
        return (U * _on_simplex(s, self.max_trace)) @ Vt

    def dual_norm(self, G):
        return 0.0

    def dual_terms(self, D):
        top = np.linalg.eigvalsh(smaller_gram(D))[-1] if D.size else 0.0
        return DualTerms(support=self.max_trace * float(np.sqrt(max(top, 0.0))))


def _on_simplex(s: np.ndarray, size: float) -> np.ndarray:
    """Return the nearest non-negative point with a sum of at most ``size``."""
    return np.maximum(s - threshold(readonly(s), float(size), 0.0), 0.0)
