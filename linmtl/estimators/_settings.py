"""Checks of the parameters that all estimators share."""

from __future__ import annotations

import numbers

import numpy as np
from sklearn.base import BaseEstimator

from linmtl.data._labels import (
    some,
)
from linmtl.solvers import SOLVERS


def check_settings(estimator: BaseEstimator, losses: tuple[str, ...]) -> None:
    """Check the parameters that all estimators share."""
    name = type(estimator).__name__

    def choice(parameter, value, allowed):
        if not (isinstance(value, str) and value in allowed):
            raise ValueError(
                f"{name}: {parameter} must be one of {some(allowed, 10)}, got {value!r}"
            )

    choice("handle_unknown", estimator.handle_unknown, ("error", "mean"))
    if hasattr(estimator, "loss"):
        choice("loss", estimator.loss, losses)
    if isinstance(estimator.solver, str):
        choice("solver", estimator.solver, ("auto", *SOLVERS))
    elif not isinstance(estimator.solver, type):
        raise ValueError(f"{name}: solver must be a string, got {estimator.solver!r}")
    for parameter in ("fit_intercept", "warm_start"):
        value = getattr(estimator, parameter)
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{name}: {parameter} must be a bool, got {value!r}")
    tol = estimator.tol
    if isinstance(tol, bool) or not isinstance(tol, numbers.Real) or not 0 <= tol < 1:
        raise ValueError(f"{name}: tol must be a number in [0, 1), got {tol!r}")
    max_iter = estimator.max_iter
    if (
        isinstance(max_iter, bool)
        or not isinstance(max_iter, numbers.Integral)
        or max_iter < 1
    ):
        raise ValueError(f"{name}: max_iter must be an integer >= 1, got {max_iter!r}")
