"""The sum of the norms of the columns: whole tasks that are zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from linmtl.kernels._jit import readonly
from linmtl.kernels._rows import shrink_columns
from linmtl.penalties._base import Penalty
from linmtl.penalties._parameters import check_task_weight, task_weights


class TaskL21(Penalty):
    """``alpha * sum_t weight_t * ||w_t||_2`` over the columns (tasks) of W.

    As one part of a decomposition it picks the tasks that deviate from the other part.
    Of more than two classes the norm of a task is that of all its columns.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0.
    task_weight : array-like of shape (n_tasks,) or dict, default=None
        A finite factor > 0 on the strength of each task, in the order of ``tasks_`` or
        by label.

    See Also
    --------
    L21 : The same over the rows (features).
    RobustFeatures, RobustLowRank : Decompositions with it.
    Deviation : Any penalty on what tasks have beside a common model.

    References
    ----------
    Yuan, Lin (2006), Model selection and estimation in regression with grouped
    variables.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import TaskL21
    >>> float(TaskL21(alpha=0.5).value(np.array([[3.0, 0.0], [4.0, 0.0]])))
    2.5
    """

    symmetric: ClassVar[bool] = False
    takes_classes: ClassVar[bool] = True
    task: np.ndarray | None = None  # of each column, where tasks have several

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        task_weight: ArrayLike | Mapping[Any, float] | None = None,
    ):
        self.alpha = alpha
        self.task_weight = task_weight

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        if self.task is None:
            check_task_weight(self, tasks)

    def bind(self, tasks):
        if self.task_weight is None or self.task is not None:
            return self
        return TaskL21(self.alpha, task_weight=task_weights(self, tasks))

    def of_classes(self, classes):
        weight = None if self.task_weight is None else task_weights(self, classes.tasks)
        out = TaskL21(self.alpha, task_weight=weight)
        out.task = classes.task
        return out

    def _strength(self, norm):
        return self.alpha * task_weights(self, np.arange(norm.size))

    def _norms(self, W):
        if self.task is None:
            return np.linalg.norm(W, axis=0)
        return np.sqrt(np.bincount(self.task, np.sum(W**2, axis=0)))

    def _times(self, W, factor):
        return W * (factor if self.task is None else factor[self.task])

    def value(self, W):
        norm = self._norms(W)
        return float(self._strength(norm) @ norm)

    def prox(self, V, step, out):
        task = np.arange(V.shape[1]) if self.task is None else self.task
        strength = self._strength(np.empty(task.max(initial=-1) + 1))
        V, task, strength = map(readonly, (np.ascontiguousarray(V), task, strength))
        return shrink_columns(V, task, float(step), strength, out)

    def prox_naive(self, V, step):
        norm = np.maximum(self._norms(V), 1e-300)
        return self._times(V, np.maximum(0.0, 1.0 - step * self._strength(norm) / norm))

    def dual_norm(self, G):
        norm = self._norms(G)
        return float((norm / self._strength(norm)).max(initial=0.0))

    def free_rows(self, n_features):
        return np.full(n_features, self.alpha == 0)
