"""TaskQuadratic estimators: a given quadratic form over the tasks."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator
from linmtl.estimators._likely import Likely
from linmtl.penalties import TaskQuadratic


class _TaskQuadratic(Alias):
    """What the tasks share is given by a matrix. Minimises over W (n_features, n_tasks)
    and b::

        {loss}
            + alpha / 2 * trace(W K W')

    {symbols}

    Parameters
    ----------
    K : array-like of shape (n_tasks, n_tasks) or DataFrame, default=None
        Symmetric positive semi-definite matrix, in the order of ``tasks_`` or by task
        label: ``R @ R.T`` for ``||W R||_F^2``, the inverse of a covariance of the
        tasks for a Gaussian prior. None is the identity.
    alpha : float or "reml", default={alpha}
        Strength, >= 0. "reml": the one of highest restricted likelihood, as for
        `MeanRegularizedRegressor`.
    feature_weight : array-like of shape (n_features,), default=None
        A finite factor >= 0 on the strength of each feature; 0 leaves it unpenalised.

    References
    ----------
    Evgeniou, Micchelli, Pontil (2005), Learning multiple tasks with kernel methods.
    """

    _penalty = TaskQuadratic


@estimator
class TaskQuadraticRegressor(Likely, _TaskQuadratic, Regressor):
    """Regression with a given quadratic form over the tasks.

    Attributes
    ----------
    alpha_ : float
        The strength found; only with ``alpha="reml"``.
    """

    K: Any = None
    alpha: float | str = 1.0
    _: KW_ONLY
    feature_weight: ArrayLike | None = None


@estimator
class TaskQuadraticClassifier(Likely, _TaskQuadratic, Classifier):
    """Logistic regression with a given quadratic form over the tasks.

    Attributes
    ----------
    alpha_ : float
        The strength found; only with ``alpha="reml"``.
    """

    K: Any = None
    alpha: float | str = 0.01
    _: KW_ONLY
    feature_weight: ArrayLike | None = None


@estimator
class TaskQuadraticRegressorCV(_TaskQuadratic, AliasCV, Regressor):
    """`TaskQuadraticRegressor` with ``alpha`` chosen by cross-validation."""

    K: Any = None
    _: KW_ONLY
    feature_weight: ArrayLike | None = None


@estimator
class TaskQuadraticClassifierCV(_TaskQuadratic, AliasCV, Classifier):
    """`TaskQuadraticClassifier` with ``alpha`` chosen by cross-validation."""

    K: Any = None
    _: KW_ONLY
    feature_weight: ArrayLike | None = None
