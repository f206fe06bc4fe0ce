"""TemporalGroup estimators: shared features, smooth over ordered tasks."""

from __future__ import annotations

from dataclasses import KW_ONLY

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import TemporalGroup


class _TemporalGroup(Refitted, Alias):
    """The features are selected for all tasks together, and their coefficients differ
    little from a task to the next. Minimises over W (n_features, n_tasks) and b::

        {loss}
            + alpha * sum_j ||W_j||_2 + alpha_smooth / 2 * sum_t ||w_t - w_t+1||^2
                + alpha_ridge / 2 * ||W||_F^2

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength of the norms of the rows, >= 0.
    alpha_smooth : float, default={alpha_smooth}
        Strength of the squared differences between consecutive tasks, >= 0.
    alpha_ridge : float, default={alpha_ridge}
        Strength of the ridge penalty, >= 0.

    Notes
    -----
    The tasks are ordered by their labels, which must be numbers, or by ``task_order``;
    for wide Y by its columns. Of more than two classes each has an order of
    its own, of the tasks that have it. MALSAR has it as TGL.

    References
    ----------
    Zhou, Yuan, Liu, Ye (2011), A multi-task learning formulation for predicting disease
    progression.
    """

    _penalty = TemporalGroup


@estimator
class TemporalGroupRegressor(_TemporalGroup, Regressor):
    """Regression with shared features, smooth over ordered tasks."""

    alpha: float = 1.0
    alpha_smooth: float = 1.0
    alpha_ridge: float = 0.0


@estimator
class TemporalGroupClassifier(_TemporalGroup, Classifier):
    """Logistic regression with shared features, smooth over ordered tasks."""

    alpha: float = 0.01
    alpha_smooth: float = 0.01
    alpha_ridge: float = 0.0


@parameters
class _TemporalGroupCV(_TemporalGroup, AliasCV):
    _: KW_ONLY
    alpha_smooth: float | ArrayLike | None = None
    alpha_ridge: float | ArrayLike = 0.0

    _grid = ("alpha_smooth", "alpha_ridge")
    _second = "alpha_smooth"


@estimator
class TemporalGroupRegressorCV(_TemporalGroupCV, Regressor):
    """`TemporalGroupRegressor` with ``alpha`` chosen by cross-validation."""


@estimator
class TemporalGroupClassifierCV(_TemporalGroupCV, Classifier):
    """`TemporalGroupClassifier` with ``alpha`` chosen by cross-validation."""
