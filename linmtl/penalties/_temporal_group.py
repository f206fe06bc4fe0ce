"""Ordered tasks: shared features whose coefficients change smoothly."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from linmtl.penalties._chains import Ordered
from linmtl.penalties._l21 import L21
from linmtl.penalties._quadratic import GraphLaplacian, Ridge


class TemporalGroup(Ordered):
    """``alpha ||W||_21 + alpha_smooth/2 ||W D||_F^2 + alpha_ridge/2 ||W||_F^2``.

    For tasks in the order of time, with ``(W D)_t = w_t - w_t+1``: the features are
    selected for all tasks together, and their coefficients differ little from a task to
    the next. It is the sum of `L21`, a `GraphLaplacian` along the chain of the tasks
    and a `Ridge` (temporal group lasso).
    Of more than two classes the changes are those of each class, from a task that has
    it to the next one that does.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the norms of the rows, >= 0.
    alpha_smooth : float, default=1.0
        Strength of the squared differences between consecutive tasks, >= 0.
    alpha_ridge : float, default=0.0
        Strength of the squared coefficients, >= 0.

    See Also
    --------
    FusedSparseGroup : Absolute instead of squared differences.

    References
    ----------
    Zhou, Yuan, Liu, Ye (2011), A multi-task learning formulation for predicting disease
    progression.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import TemporalGroup
    >>> penalty = TemporalGroup(alpha=1.0, alpha_smooth=2.0, alpha_ridge=2.0)
    >>> float(penalty.value(np.array([[3.0, 4.0]])))
    31.0
    """

    def __init__(
        self, alpha: float = 1.0, alpha_smooth: float = 1.0, alpha_ridge: float = 0.0
    ):
        self.alpha = alpha
        self.alpha_smooth = alpha_smooth
        self.alpha_ridge = alpha_ridge

    def expand(self, tasks):
        T = len(tasks)
        steps = self.chains_of(T).steps()
        step = sparse.coo_array((np.ones(steps[0].size), steps), shape=(T, T))
        chain = GraphLaplacian(step + step.T, self.alpha_smooth)
        return [L21(self.alpha), chain, Ridge(self.alpha_ridge)]

    def value(self, W):
        return sum(term.value(W) for term in self.expand(np.arange(W.shape[1])))

    def alpha_max(self, G0):
        # at zero the quadratic terms have no gradient
        return L21(self.alpha).alpha_max(G0)
