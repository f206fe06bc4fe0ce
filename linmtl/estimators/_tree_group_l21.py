"""TreeGroupL21 estimators: features selected along a tree of groups of tasks."""

from __future__ import annotations

from typing import Any

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator
from linmtl.estimators._refit import Refitted
from linmtl.penalties import TreeGroupL21


class _TreeGroupL21(Refitted, Alias):
    """Tasks of one branch of the tree tend to use the same features. Minimises over W
    (n_features, n_tasks) and b::

        {loss}
            + alpha * sum_j sum_v weight_v * ||W_j,v||_2

    {symbols}

    Parameters
    ----------
    tree : list or ndarray of shape (n_tasks - 1, 4), default=None
        A list of groups, each a list of task labels (weight 1) or a pair
        ``(labels, weight)``, any two nested or disjoint; or the linkage matrix of
        ``scipy.cluster.hierarchy.linkage`` on the tasks in the order of ``tasks_``,
        with the weights that `linmtl.penalties.TreeGroupL21` describes. None is one
        group of all tasks.
    alpha : float, default={alpha}
        Strength, >= 0.

    Notes
    -----
    W_j,v are the coefficients of feature j in the tasks of group v.

    References
    ----------
    Kim, Xing (2010), Tree-guided group lasso for multi-task regression with structured
    sparsity.
    """

    _penalty = TreeGroupL21


@estimator
class TreeGroupL21Regressor(_TreeGroupL21, Regressor):
    """Regression with features selected along a tree of groups of tasks."""

    tree: Any = None
    alpha: float = 1.0


@estimator
class TreeGroupL21Classifier(_TreeGroupL21, Classifier):
    """Logistic regression with features selected along a tree of groups of tasks."""

    tree: Any = None
    alpha: float = 0.01


@estimator
class TreeGroupL21RegressorCV(_TreeGroupL21, AliasCV, Regressor):
    """`TreeGroupL21Regressor` with ``alpha`` chosen by cross-validation."""

    tree: Any = None


@estimator
class TreeGroupL21ClassifierCV(_TreeGroupL21, AliasCV, Classifier):
    """`TreeGroupL21Classifier` with ``alpha`` chosen by cross-validation."""

    tree: Any = None
