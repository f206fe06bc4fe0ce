"""The cheapest form of a loss for the data at hand."""

from __future__ import annotations

import numpy as np

from linmtl.data import MultiTaskData
from linmtl.datafits._base import Datafit
from linmtl.datafits._gram import GramFit
from linmtl.datafits._residual import ResidualFit
from linmtl.kernels._threads import blas_threads
from linmtl.losses import Loss


def make_datafit(data: MultiTaskData, loss: Loss) -> Datafit:
    """Return the cheaper form: Gram matrices for squared loss on tall data."""
    if loss.name == "sqrt":
        from linmtl.datafits._root import RootFit  # which is made of what is here

        return RootFit(data, loss)
    if not loss.quadratic:
        from linmtl.datafits._minimax import Minimax, MinimaxFit

        if isinstance(loss, Minimax):
            return MinimaxFit(data, loss)
        return ResidualFit(data, loss)
    design = data.design
    d = design.n_features
    alike = design.columns_alike(data.weight)
    grams = 1 if alike else design.n_columns
    rows = design.task_ptr[1] if design.is_shared() else design.task_ptr[-1]
    if grams * d > rows:
        return ResidualFit(data, loss)
    with blas_threads(float(np.diff(design.task_ptr).max()) * d * d):
        return GramFit(data, loss)
