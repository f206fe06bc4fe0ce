"""The squared trace norm: a covariance of the tasks, learned with the coefficients."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import linalg

from linmtl.kernels._jit import readonly
from linmtl.kernels._spectral import threshold
from linmtl.penalties._base import DualTerms, Penalty
from linmtl.penalties._spectral import scale_singular_values, smaller_gram


class TaskRelationship(Penalty):
    """``alpha/2 min_Omega tr(W Omega^-1 W')``: tasks with a covariance to be learned.

    The minimum is over the covariances Omega of the tasks, (n_tasks, n_tasks), positive
    semi-definite with trace 1. It is ``alpha/2`` times the square of the sum of the
    singular values of W, at ``Omega = (W'W)^(1/2) / tr (W'W)^(1/2)``.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0.

    See Also
    --------
    TraceNorm : The sum of the singular values itself.
    Clustered : Tasks in a given number of clusters.

    Notes
    -----
    A fitted estimator has ``task_covariance_``, the Omega of the solution, and
    ``task_correlation_``, both (n_tasks, n_tasks). A task whose coefficients are all
    zero has the variance 0 and the correlation 0 with the others. Where all are zero,
    any Omega is as good: it is then ``I / n_tasks``. Of more than two classes both are
    of the columns of W: the classes of the first task, then those of the next.

    Solutions are those of :class:`TraceNorm` with ``alpha`` times their trace norm as
    its strength. Tasks may be negatively correlated.

    References
    ----------
    Zhang, Yeung (2010), A convex formulation for learning task relationships in
    multi-task learning.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import TaskRelationship
    >>> float(TaskRelationship(alpha=0.5).value(np.diag([3.0, 1.0])))
    4.0
    """

    symmetric: ClassVar[bool] = False
    spectral: ClassVar[bool] = True
    takes_classes: ClassVar[bool] = True

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def value(self, W):
        if not W.any():  # the null model
            return 0.0
        return self.alpha / 2 * float(np.linalg.svd(W, compute_uv=False).sum()) ** 2

    def prox(self, V, step, out):
        # that of the trace norm, with the threshold c times the trace norm there
        c = float(step) * self.alpha

        def rule(s):
            # with t = c S, S being what is left, the sum of the result
            t = threshold(readonly(s), 0.0, 1.0 / c) if c > 0.0 else 0.0
            factor = np.maximum(s - t, 0.0) / s
            return factor, self.alpha / 2 * float(s @ factor) ** 2

        return scale_singular_values(V, rule, out)

    def prox_naive(self, V, step):
        U, s, Vt = np.linalg.svd(V, full_matrices=False)
        low, high = 0.0, float(s.sum())
        for _ in range(200):  # the sum of the result is the one that it was made with
            total = (low + high) / 2
            x = np.maximum(s - step * self.alpha * total, 0.0)
            low, high = (total, high) if x.sum() > total else (low, total)
        return (U * x) @ Vt

    def dual_norm(self, G):
        """Return infinity: near zero a square is below every linear function."""
        return np.inf if G.any() else 0.0

    def dual_terms(self, D):
        top = max(float(np.linalg.eigvalsh(smaller_gram(D))[-1]), 0.0)
        return DualTerms(square=top / (2 * self.alpha))

    def free_rows(self, n_features):
        return np.full(n_features, self.alpha == 0)

    def fitted_attributes(self, W, parts, tasks):
        T = W.shape[1]
        used = W.any(axis=0)  # the rows of the others are to be zero, not rounding
        covariance = np.eye(T) / T
        if used.any():
            _, s, Qt = linalg.svd(W[:, used], full_matrices=False)
            root = Qt.T * np.sqrt(s / s.sum())
            covariance = np.zeros((T, T))
            covariance[np.ix_(used, used)] = root @ root.T
        deviation = np.sqrt(np.diag(covariance))
        deviation[deviation == 0] = 1.0
        correlation = np.clip(covariance / np.outer(deviation, deviation), -1.0, 1.0)
        np.fill_diagonal(correlation, 1.0)
        return {"task_covariance_": covariance, "task_correlation_": correlation}
