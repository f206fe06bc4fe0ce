"""Ordinal loss: the proportional odds of classes that have an order."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from scipy.special import log_expit

from linmtl.losses._base import Loss, Score

NOT_LINEAR = (
    "classes that have an order have thresholds in each task, and this is for linear "
    "predictors alone; use MultiTaskClassifier"
)


class Ordinal(Loss):
    """Minus the log-likelihood of ordered classes, ``P(y <= k) = expit(c_k - eta)``.

    The cuts c of a task increase. They belong to all of its observations, so that the
    formulas are those of :class:`linmtl.datafits._ordinal.OrdinalFit`; this says what
    else is asked of a loss.

    Parameters
    ----------
    n_classes : int
        Number of classes of all tasks; targets are positions among them.

    References
    ----------
    McCullagh (1980), Regression models for ordinal data.
    """

    name = "ordinal"
    score = Score("log loss", 1.0, "scores_path_", -1.0)
    curvature = 0.5
    link = "logit"
    likelihood = True
    classify = ordered = True
    of_rows = False
    one_sided = "a single class"

    n_classes: int

    def __init__(self, n_classes: int):
        object.__setattr__(self, "n_classes", n_classes)  # the base is frozen

    def size(self, y):
        return np.ones_like(y)

    @staticmethod
    def log_probabilities(eta: np.ndarray, cuts: np.ndarray) -> np.ndarray:
        """Return the log-probability of each class, (..., n_classes).

        Of linear predictors (...,) and cuts (..., n_classes - 1).
        """
        eta, none = eta[..., None], np.full((*cuts.shape[:-1], 1), np.inf)
        high = np.concatenate([cuts, none], axis=-1)
        low = np.concatenate([-none, cuts], axis=-1)
        gap = Ordinal.log_gaps(low, high)
        return log_expit(high - eta) + log_expit(eta - low) + gap

    @staticmethod
    def log_gaps(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return ``log(1 - exp(low - high))`` of the cuts beside classes."""
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.log(-np.expm1(low - high))  # of no width: minus infinity
        gap[low >= high] = -np.inf  # of infinities, too
        return gap

    def _of_rows(self, *arguments: Any) -> NoReturn:
        raise ValueError(NOT_LINEAR)

    value: Any = _of_rows
    derivative: Any = _of_rows
    second_derivative: Any = _of_rows
    conjugate: Any = _of_rows
    domain: Any = _of_rows
    mean: Any = _of_rows
    settings: Any = _of_rows
