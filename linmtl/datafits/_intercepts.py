"""Intercepts that are penalised: coefficients of a feature of ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.datafits._gram import GramFit
from linmtl.designs._ones import WithOnes


@dataclass(frozen=True)
class Carried:
    """A loss whose intercepts are the coefficients of a last feature of ones.

    Attributes
    ----------
    fit : Datafit
        The loss.
    shift : float
        What was subtracted from the targets.
    start : float
        The best common intercept where all other coefficients are zero.
    """

    fit: Datafit
    shift: float
    start: float


def carry_intercepts(fit: Any) -> Carried:
    """Return a loss whose intercepts are coefficients.

    Where the loss allows it, the best common intercept is subtracted from the targets:
    the mean of the intercepts is free. The result is kept on the loss.

    Raises
    ------
    ValueError
        If it has no intercepts, or tasks share a column of W.
    """
    if fit.carried is None:
        fit.carried = _of_rows(fit) if fit.holds_rows else _of_moments(fit)
    return fit.carried


def _check(fit_intercept: bool, tied: bool) -> None:
    if not fit_intercept:
        raise ValueError(
            "intercept_weight is positive but fit_intercept is False; set one of them"
        )
    if tied:
        raise ValueError(
            "intercept_weight is for models with coefficients of each task; set it to 0"
        )


def _of_rows(fit) -> Carried:
    data, loss = fit.given, fit.loss
    _check(data.fit_intercept, fit.n_columns < fit.b.size)
    if data.kind is not None:
        raise ValueError(
            "intercept_weight is positive, but the tasks are of different kinds, whose "
            "intercepts have no common level; set it to 0"
        )
    common, n = np.zeros(1), data.y.size
    loss.residual(
        data.y,
        data.null_predictor(),
        data.weight,
        np.array([0, n]),
        np.array([data.total.sum()]),
        True,
        common,
        np.empty(n),
        np.empty(1),
    )
    best = float(common[0])
    shift, start = (best, 0.0) if loss.location else (0.0, best)
    data = replace(
        data, design=WithOnes(data.design), y=data.y - shift, fit_intercept=False
    )
    return Carried(type(fit)(data, loss), shift, start)


def _of_moments(fit) -> Carried:
    moments = fit.moments
    _check(moments.centred, moments.tied)
    total = float(moments.total.sum())
    shift = float(moments.total @ moments.y) / total if total > 0 else 0.0
    rows = None if fit.rows is None else lambda: _of_rows(fit.of_rows).fit.data
    return Carried(GramFit(moments.with_ones(shift), fit.loss, rows), shift, 0.0)
