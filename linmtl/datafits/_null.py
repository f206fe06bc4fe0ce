"""The loss of each task without coefficients."""

from __future__ import annotations

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.losses import Loss

_ROUNDING = 1e-28  # losses relative to the size of y that are all rounding


def null_losses(data: MultiTaskData, loss: Loss) -> np.ndarray:
    """Return the mean loss of each task at W = 0 with the best intercept, (n_tasks,).

    Zero where it is nothing but rounding; weights may have any scale. Of several
    classes of a task together.
    """
    group_ptr = data.design.group_ptr
    loss = loss.on(data)
    total = np.where(data.total > 0, data.total, 1.0)
    weight = data.weight / np.repeat(total, np.diff(data.task_ptr))
    task_loss = level_losses(
        loss,
        data.y,
        data.null_predictor(),
        weight,
        data.task_ptr,
        (data.total > 0).astype(float),
        data.fit_intercept,
    )
    task_loss[task_loss <= _ROUNDING * data.task_sum(weight * loss.size(data.y))] = 0.0
    return (
        task_loss if group_ptr is None else np.add.reduceat(task_loss, group_ptr[:-1])
    )


def level_losses(
    loss: Loss,
    y: np.ndarray,
    eta: np.ndarray,
    weight: np.ndarray,
    task_ptr: np.ndarray,
    total: np.ndarray,
    fit_intercept: bool = True,
) -> np.ndarray:
    """Return the loss of each task at ``eta`` plus the best intercept, (n_tasks,).

    Arguments are as those of :meth:`Loss.residual`.
    """
    b, task_loss, theta = np.zeros(total.size), np.empty(total.size), np.empty(y.size)
    loss.residual(y, eta, weight, task_ptr, total, fit_intercept, b, theta, task_loss)
    return task_loss
