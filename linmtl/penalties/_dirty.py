"""The dirty model: features shared by the tasks plus each task's own."""

from __future__ import annotations

from typing import ClassVar

from linmtl.penalties._decomposition import Decomposition
from linmtl.penalties._l1 import L1
from linmtl.penalties._l21 import L21
from linmtl.penalties._linf1 import Linf1
from linmtl.penalties._parameters import check_positive

_SHARED = {"linf": Linf1, "l2": L21}


class Dirty(Decomposition):
    """``alpha_shared * sum_j ||P_j|| + alpha_own * sum_jt |Q_jt|`` with W = P + Q.

    P holds the features that all tasks use, Q what single tasks add. The penalty at W
    is the least over all such P and Q.

    Parameters
    ----------
    alpha_shared : float, default=1.0
        Strength on the rows of the shared part, > 0.
    alpha_own : float, default=0.5
        Strength on the entries of the tasks' own part, > 0. With the "linf" norm the
        shared part is zero unless ``alpha_shared < n_tasks * alpha_own``, and the own
        part unless ``alpha_own < alpha_shared``; with the "l2" norm
        ``sqrt(n_tasks)`` takes the place of ``n_tasks``.
    norm : {"linf", "l2"}, default="linf"
        Norm of the rows of the shared part: largest absolute value (as in the paper
        and in MALSAR), or Euclidean.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.

    Notes
    -----
    ``coef_components_`` of a fitted estimator holds the parts, under "shared" and
    "own".

    References
    ----------
    Jalali, Ravikumar, Sanghavi, Ruan (2010), A dirty model for multi-task learning.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import Dirty
    >>> penalty = Dirty(alpha_shared=1.5, alpha_own=1.0)
    >>> float(round(penalty.value(np.array([[2.0, 2.0], [0.0, 1.0]])), 6))
    4.0
    """

    part_names: ClassVar[tuple[str, str]] = ("shared", "own")
    takes_classes: ClassVar[bool] = True

    def __init__(
        self,
        alpha_shared: float = 1.0,
        alpha_own: float = 0.5,
        norm: str = "linf",
        *,
        positive: bool = False,
    ):
        self.alpha_shared = alpha_shared
        self.alpha_own = alpha_own
        self.norm = norm
        self.positive = positive

    def check(self, n_features, tasks):
        check_positive(self)
        super().check(n_features, tasks)

    def parts(self):
        if self.norm not in _SHARED:
            raise ValueError(
                f"Dirty: norm must be one of {list(_SHARED)}, got {self.norm!r}"
            )
        # P and Q of opposite signs cost more than their sum: a W >= 0 needs none
        shared = _SHARED[self.norm](self.alpha_shared, positive=self.positive)
        return shared, L1(self.alpha_own, positive=self.positive)
