"""Square roots of l1 and fused norms: features selected, and few changes over time."""

from __future__ import annotations

import numpy as np

from linmtl.penalties._base import Penalty
from linmtl.penalties._chains import Ordered
from linmtl.penalties._fused import Fused, FusedSparseRows
from linmtl.penalties._l1 import L1
from linmtl.penalties._nonconvex import Nonconvex
from linmtl.penalties._parameters import check_strength

# A row of zeros has an infinite slope; this one keeps it at zero all the same.
_LEAST_NORM = 1e-10


class NonconvexFusedGroup(Ordered, Nonconvex):
    """Non-convex fused sparse group penalty over ordered tasks, in two forms.

    Form 1 is ``alpha sum_j sqrt(||W_j||_1) + alpha_fused sum_jt |W_jt - W_j,t+1|``;
    form 2 is
    ``alpha sum_j sqrt(l1_weight ||W_j||_1 + sum_t |W_jt - W_j,t+1|)``.
    Of more than two classes the changes are those of each class, from a task that has
    it to the next one that does.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the square roots, >= 0.
    alpha_fused : float, default=1.0
        Strength on the changes from task to task in form 1, >= 0.
    form : {1, 2}, default=1
        The form.
    l1_weight : float, default=1.0
        Weight of the absolute values beside the changes in form 2, > 0.

    References
    ----------
    Zhou, Liu, Narayan, Ye (2012), Modeling disease progression via fused sparse group
    lasso.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import NonconvexFusedGroup
    >>> W = np.array([[4.0, 5.0], [0.0, 0.0]])
    >>> float(NonconvexFusedGroup(alpha=1.0, alpha_fused=0.5).value(W))
    3.5
    """

    def __init__(
        self,
        alpha: float = 1.0,
        alpha_fused: float = 1.0,
        form: int = 1,
        l1_weight: float = 1.0,
    ):
        self.alpha = alpha
        self.alpha_fused = alpha_fused
        self.form = form
        self.l1_weight = l1_weight

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        check_strength(self, "l1_weight")
        name = type(self).__name__
        if self.form not in (1, 2) or isinstance(self.form, bool):
            raise ValueError(f"{name}: form must be 1 or 2, got {self.form!r}")
        if self.form == 2 and self.l1_weight == 0:
            raise ValueError(
                f"{name}: l1_weight must be > 0; without it the level of each feature "
                "would be free"
            )
        if self.form == 1 and self.alpha == 0 and self.alpha_fused > 0:
            raise ValueError(
                f"{name}: alpha must be > 0; without it the level of each feature "
                "would be free"
            )

    def _size(self, W):
        size = np.abs(W).sum(axis=1)
        return size if self.form == 1 else self.l1_weight * size + self._changes(W)

    def _changes(self, W):
        return self.chains_of(W.shape[1]).changes(W)

    def value(self, W):
        value = self.alpha * float(np.sqrt(self._size(W)).sum())
        if self.form == 1:
            value += self.alpha_fused * float(self._changes(W).sum())
        return value

    def _weighted(self, weight: np.ndarray | None) -> Penalty:
        """Return alpha times weighted sizes of the rows, plus what is convex."""
        if self.form == 1:
            l1, fused = L1(self.alpha, feature_weight=weight), Fused(self.alpha_fused)
        else:
            l1 = L1(self.alpha * self.l1_weight, feature_weight=weight)
            fused = Fused(self.alpha, feature_weight=weight)
        return FusedSparseRows(l1, fused.along(self.chains), None)

    def start(self) -> Penalty:
        return self._weighted(None)

    def majoriser(self, W):
        return self._weighted(0.5 / np.sqrt(np.maximum(self._size(W), _LEAST_NORM)))

    def free_rows(self, n_features):
        return np.full(n_features, self.alpha == 0)

    def alpha_max(self, G0):
        if self.form == 2:
            return (L1(self.l1_weight) + Fused(1.0).along(self.chains)).alpha_max(G0)
        out = np.empty_like(G0)
        # the prox of the sum is the soft threshold of the prox of the fused term
        Fused(self.alpha_fused).along(self.chains).prox(G0, 1.0, out)
        return float(np.abs(out).max(initial=0.0))
