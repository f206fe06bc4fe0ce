"""TaskRelationship estimators: a covariance of the tasks that is learned."""

from __future__ import annotations

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._around import Around, around
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator
from linmtl.penalties import TaskRelationship


class _TaskRelationship(Around, Alias):
    """Tasks share as much as the data say, also with opposite signs. Minimises over W
    (n_features, n_tasks) and b::

        {loss}
            + alpha / 2 * min over Omega of trace(W Omega^-1 W')

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength, >= 0.

    Attributes
    ----------
    task_covariance_ : ndarray of shape (n_tasks, n_tasks)
        The matrix Omega.
    task_correlation_ : ndarray of shape (n_tasks, n_tasks)
        The correlations that belong to it.

    Notes
    -----
    The minimum is over positive semi-definite matrices Omega, (n_tasks, n_tasks), with
    trace 1; it is ``alpha / 2`` times the square of the trace norm of W.

    References
    ----------
    Zhang, Yeung (2010), A convex formulation for learning task relationships in
    multi-task learning.

    Examples
    --------
    model.task_correlation_.shape -> (10, 10)
    """

    _penalty = around(TaskRelationship)


@estimator
class TaskRelationshipRegressor(_TaskRelationship, Regressor):
    """Regression with a covariance of the tasks that is learned."""

    alpha: float = 1.0


@estimator
class TaskRelationshipClassifier(_TaskRelationship, Classifier):
    """Logistic regression with a covariance of the tasks that is learned."""

    alpha: float = 0.01


@estimator
class TaskRelationshipRegressorCV(_TaskRelationship, AliasCV, Regressor):
    """`TaskRelationshipRegressor` with ``alpha`` chosen by cross-validation."""


@estimator
class TaskRelationshipClassifierCV(_TaskRelationship, AliasCV, Classifier):
    """`TaskRelationshipClassifier` with ``alpha`` chosen by cross-validation."""
