"""Checks of the parameters that all estimators share."""

from __future__ import annotations

from typing import Any

from linmtl.data._checks import check_choice, check_count, check_flag, is_number
from linmtl.solvers import SOLVERS

UNKNOWN = ("error", "mean")  # what handle_unknown may be


def check_settings(estimator: Any, losses: tuple[str, ...]) -> None:
    """Check the parameters that all estimators share."""
    name = type(estimator).__name__
    check_choice(f"{name}: handle_unknown", estimator.handle_unknown, UNKNOWN)
    check_losses(estimator, losses)
    if isinstance(estimator.solver, str):
        check_choice(f"{name}: solver", estimator.solver, ("auto", *SOLVERS))
    elif not isinstance(estimator.solver, type):
        raise ValueError(f"{name}: solver must be a string, got {estimator.solver!r}")
    for parameter in ("fit_intercept", "warm_start"):
        check_flag(f"{name}: {parameter}", getattr(estimator, parameter))
    check_stopping(estimator)


def check_losses(estimator: Any, losses: tuple[str, ...]) -> None:
    """Check the names of losses of an estimator."""
    for loss in estimator._losses_given():
        check_choice(f"{type(estimator).__name__}: loss", loss, losses)


def check_stopping(estimator: Any) -> None:
    """Check the tolerance and the number of iterations of an estimator."""
    name = type(estimator).__name__
    if not (is_number(estimator.tol) and 0 <= estimator.tol < 1):
        raise ValueError(
            f"{name}: tol must be a number in [0, 1), got {estimator.tol!r}"
        )
    check_count(f"{name}: max_iter", estimator.max_iter)
