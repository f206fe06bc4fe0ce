"""From data, a loss and a join of the tasks to the datafit in its cheapest form."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import Datafit
from linmtl.datafits._cox import CoxFit
from linmtl.datafits._gram import additive_fit
from linmtl.datafits._minimax import MinimaxFit
from linmtl.datafits._multinomial import MultinomialFit
from linmtl.datafits._ordinal import OrdinalFit
from linmtl.datafits._residual import about_zero
from linmtl.datafits._root import RootFit
from linmtl.losses import Loss, Score


class Join(StrEnum):
    """How the losses of the tasks become one number."""

    SUM = "sum"
    ROOTS = "roots"  # the sum of the roots of twice the mean losses
    MAXIMUM = "maximum"  # a smooth maximum

    def task_loss(self, mean: np.ndarray) -> np.ndarray:
        """Return what a task counts with, from its mean loss."""
        return np.sqrt(2.0 * mean) if self is Join.ROOTS else mean

    def score(self, loss: Loss) -> Score:
        """Return how the losses of the tasks are reported."""
        if self is Join.ROOTS:
            return Score("root mean squared error", 1.0, "rmse_path_", 1.0)
        return loss.score


def make_datafit(data: MultiTaskData, loss: Loss, join: Join = Join.SUM) -> Datafit:
    """Return the loss of all tasks, in the cheaper form where there are two.

    Raises
    ------
    ValueError
        If the roots of this loss are not convex.
    """
    several = data.design.group_ptr is not None
    if several and join is not Join.SUM:
        raise ValueError("task_weight='minimax' is for two classes; pass 'null_loss'")
    if join is Join.MAXIMUM:
        return MinimaxFit(data, loss)
    if join is Join.SUM:
        if several:
            return about_zero(data, loss, MultinomialFit)
        if loss.ordered:
            return about_zero(data, loss, OrdinalFit)
        if loss.ranked:
            return about_zero(data, loss, CoxFit)
        if loss.quadratic or not data.fit_intercept:
            return additive_fit(data, loss)
        return about_zero(data, loss)
    if not loss.convex_root:
        raise ValueError(
            f"the root of a mean {loss.name} loss is not convex; the sum of roots is "
            "for the squared loss"
        )
    return RootFit(data, loss)
