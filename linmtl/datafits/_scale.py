"""The loss as a function of coefficients divided by factors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.datafits._gram import GramFit
from linmtl.datafits._moments import LARGEST_SPREAD
from linmtl.designs._scaled import ScaledDesign


def scale_coefficients(fit: Any, scale: np.ndarray) -> Datafit | None:
    """Return the loss of V where the coefficients are ``scale * V``.

    None where tasks share a column of W. ``scale`` is (n_features, n_tasks).
    """
    if fit.n_columns < fit.b.size:
        return None
    if fit.holds_rows:
        return fit.on(ScaledDesign(fit.data.design, scale))
    factor, rows = scale.T, fit.rows
    if fit.moments.shared and fit.C.size * fit.n_features > LARGEST_SPREAD and rows:
        return scale_coefficients(fit.of_rows, scale)
    moments = fit.moments.spread()
    if rows is not None:
        rows = replace(rows, design=ScaledDesign(rows.design, scale))
    moments = replace(
        moments,
        x=moments.x * factor,
        H=moments.H * factor[:, :, None] * factor[:, None],
        C=moments.C * factor,
    )
    return GramFit(moments, fit.loss, rows)
