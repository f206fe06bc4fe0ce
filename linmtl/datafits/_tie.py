"""The loss of one model that all tasks share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.datafits._gram import GramFit
from linmtl.designs._tied import TiedDesign


def tie(fit: Any) -> Datafit:
    """Return the loss as a function of a single column of W, for all tasks."""
    if fit.holds_rows:
        return fit.on(TiedDesign(fit.data.design))
    moments = fit.moments
    times = len(moments.C) if moments.shared else 1
    moments = replace(
        moments,
        H=times * moments.H.sum(axis=0, keepdims=True),
        C=moments.C.sum(axis=0, keepdims=True),
        column=np.zeros_like(moments.column),
    )
    rows = fit.rows
    if rows is not None:
        rows = replace(rows, design=TiedDesign(rows.design))
    return GramFit(moments, fit.loss, rows)
