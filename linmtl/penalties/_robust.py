"""Robust models: what the tasks share, plus whole tasks that deviate from it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from linmtl.penalties._decomposition import Decomposition
from linmtl.penalties._l21 import L21
from linmtl.penalties._task_l21 import TaskL21
from linmtl.penalties._trace_norm import TraceNorm


class _Robust(Decomposition):
    """Base: the second part is zero but for outlier tasks."""

    def fitted_attributes(self, W, parts, tasks):
        outlier = parts["outlier"].any(axis=0)
        return {
            **super().fitted_attributes(W, parts, tasks),
            "outlier_tasks_": np.asarray(tasks)[outlier],
        }


class RobustFeatures(_Robust):
    """``alpha_shared * sum_j ||P_j||_2 + alpha_outlier * sum_t ||q_t||_2``, W = P + Q.

    P has the features that the tasks share, Q is zero but for the columns of outlier
    tasks. The penalty at W is the least over all such P and Q.

    Parameters
    ----------
    alpha_shared : float, default=1.0
        Strength on the rows of the shared part, > 0.
    alpha_outlier : float, default=1.0
        Strength on the columns of the outlier part, > 0.

    Notes
    -----
    ``coef_components_`` of a fitted estimator holds the parts, under "shared" and
    "outlier"; ``outlier_tasks_`` the labels of the tasks whose outlier part is not
    zero.

    References
    ----------
    Gong, Ye, Zhang (2012), Robust multi-task feature learning.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import RobustFeatures
    >>> penalty = RobustFeatures(alpha_shared=1.0, alpha_outlier=1.0)
    >>> float(round(penalty.value(np.array([[3.0, 4.0], [0.0, 0.0]])), 6))
    5.0
    """

    part_names: ClassVar[tuple[str, str]] = ("shared", "outlier")

    def __init__(self, alpha_shared: float = 1.0, alpha_outlier: float = 1.0):
        self.alpha_shared = alpha_shared
        self.alpha_outlier = alpha_outlier

    def parts(self):
        return L21(self.alpha_shared), TaskL21(self.alpha_outlier)


class RobustLowRank(_Robust):
    """``alpha_rank * ||L||_* + alpha_outlier * sum_t ||s_t||_2`` with W = L + S.

    L has low rank (tasks in a common subspace), S is zero but for the columns of
    outlier tasks. The penalty at W is the least over all such L and S.

    Parameters
    ----------
    alpha_rank : float, default=1.0
        Strength on the trace norm of the low-rank part, > 0.
    alpha_outlier : float, default=1.0
        Strength on the columns of the outlier part, > 0. The low-rank part is zero
        where it is at most ``alpha_rank / sqrt(n_tasks)``, the outlier part where it
        is above ``alpha_rank``.

    Notes
    -----
    ``coef_components_`` of a fitted estimator holds the parts, under "low_rank" and
    "outlier"; ``outlier_tasks_`` the labels of the tasks whose outlier part is not
    zero.

    References
    ----------
    Chen, Zhou, Ye (2011), Integrating low-rank and group-sparse structures for robust
    multi-task learning.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import RobustLowRank
    >>> penalty = RobustLowRank(alpha_rank=1.0, alpha_outlier=0.5)
    >>> float(round(penalty.value(np.array([[3.0, 0.0], [4.0, 0.0]])), 6))
    2.5
    """

    part_names: ClassVar[tuple[str, str]] = ("low_rank", "outlier")

    def __init__(self, alpha_rank: float = 1.0, alpha_outlier: float = 1.0):
        self.alpha_rank = alpha_rank
        self.alpha_outlier = alpha_outlier

    def parts(self):
        return TraceNorm(self.alpha_rank), TaskL21(self.alpha_outlier)
