"""Robust models: what the tasks share, plus whole tasks that deviate from it."""

from __future__ import annotations

from copy import copy
from typing import ClassVar

import numpy as np

from linmtl.data._classes import ClassColumns
from linmtl.penalties._base import Penalty
from linmtl.penalties._decomposition import Decomposition
from linmtl.penalties._l21 import L21
from linmtl.penalties._task_l21 import TaskL21
from linmtl.penalties._trace_norm import TraceNorm


class _Robust(Decomposition):
    """Base: the second part is zero but for outlier tasks."""

    takes_classes: ClassVar[bool] = True
    classes: ClassColumns | None = None  # of the columns, where tasks have several

    def _of_tasks(self) -> tuple[Penalty, Penalty]:
        """Return the penalties of the two parts, for one column a task."""
        raise NotImplementedError

    def parts(self):
        first, second = self._of_tasks()
        if self.classes is None:
            return first, second
        return first.of_classes(self.classes), second.of_classes(self.classes)

    def of_classes(self, classes):
        out = copy(self)
        out.classes = classes
        return out

    def fitted_attributes(self, W, parts, tasks):
        outlier = parts["outlier"].any(axis=0)
        if self.classes is not None:
            tasks, own = self.classes.tasks, self.classes.task[outlier]
            outlier = np.isin(np.arange(len(tasks)), own)
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

    def _of_tasks(self):
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

    def _of_tasks(self):
        return TraceNorm(self.alpha_rank), TaskL21(self.alpha_outlier)
