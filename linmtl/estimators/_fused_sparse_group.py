"""FusedSparseGroup estimators: few features that change at few of the ordered tasks."""

from __future__ import annotations

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import FusedSparseGroup


class _FusedSparseGroup(Refitted, Alias):
    """Few features are used at all, each with few changes from a task to the next, and
    possibly not by all tasks. Minimises over W (n_features, n_tasks) and b::

        {loss}
            + alpha_l1 * sum_jt |W_jt| + alpha_fused * sum_jt |W_j,t - W_j,t+1|
                + alpha_group * sum_j ||W_j||_2

    {symbols}

    Parameters
    ----------
    alpha_l1 : float, default={alpha_l1}
        Strength of the entries, >= 0.
    alpha_fused : float, default={alpha_fused}
        Strength of the differences between consecutive tasks, >= 0; it may be positive
        only if one of the other two is.
    alpha_group : float, default={alpha_group}
        Strength of the norms of the rows, >= 0.

    Notes
    -----
    The tasks are ordered by their labels, which must be numbers, or by ``task_order``;
    for wide Y by its columns. Of more than two classes each has an order of
    its own, of the tasks that have it. MALSAR has it as cFSGL (``Least_CFGLasso``).

    References
    ----------
    Zhou, Liu, Narayan, Ye (2012), Modeling disease progression via fused sparse group
    lasso.
    """

    _penalty = FusedSparseGroup


@estimator
class FusedSparseGroupRegressor(_FusedSparseGroup, Regressor):
    """Regression with few features that change at few of the ordered tasks."""

    alpha_l1: float = 0.1
    alpha_fused: float = 0.1
    alpha_group: float = 0.1


@estimator
class FusedSparseGroupClassifier(_FusedSparseGroup, Classifier):
    """Logistic regression with few features that change at few of the ordered tasks."""

    alpha_l1: float = 0.01
    alpha_fused: float = 0.01
    alpha_group: float = 0.01


@parameters
class _FusedSparseGroupCV(_FusedSparseGroup, AliasCV):
    alpha_l1: float = 1.0
    alpha_fused: float | ArrayLike = 1.0
    alpha_group: float | ArrayLike = 1.0

    _grid = ("alpha_fused", "alpha_group")


@estimator
class FusedSparseGroupRegressorCV(_FusedSparseGroupCV, Regressor):
    """`FusedSparseGroupRegressor` with the strengths chosen by cross-validation."""


@estimator
class FusedSparseGroupClassifierCV(_FusedSparseGroupCV, Classifier):
    """`FusedSparseGroupClassifier` with the strengths chosen by cross-validation."""
