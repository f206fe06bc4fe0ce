"""NetworkLasso estimators: tasks that are equal over parts of a graph."""

from __future__ import annotations

from typing import Any

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator
from linmtl.penalties import NetworkLasso


class _NetworkLasso(Alias):
    """Tasks joined by an edge have exactly the same coefficients, or differ: clusters
    along the graph. Minimises over W (n_features, n_tasks) and b::

        {loss}
            + alpha * sum over edges (i, j) of a_ij ||w_i - w_j||_2

    {symbols}

    Parameters
    ----------
    graph : array-like or sparse matrix of shape (n_tasks, n_tasks), DataFrame, \
networkx graph or None, default=None
        Symmetric adjacency a_ij >= 0, in the order of ``tasks_`` or by task label; None
        is the complete graph with weights 1 / n_tasks.
    alpha : float, default={alpha}
        Strength, >= 0.

    Attributes
    ----------
    labels_ : ndarray of shape (n_tasks,)
        The cluster of each task: those with equal coefficients along the edges.

    Notes
    -----
    What all tasks of a connected component share is not penalised.

    References
    ----------
    Hallac, Leskovec, Boyd (2015), Network lasso: clustering and optimization in large
    graphs.
    """

    _penalty = NetworkLasso


@estimator
class NetworkLassoRegressor(_NetworkLasso, Regressor):
    """Regression with tasks that are equal over parts of a graph."""

    graph: Any = None
    alpha: float = 1.0


@estimator
class NetworkLassoClassifier(_NetworkLasso, Classifier):
    """Logistic regression with tasks that are equal over parts of a graph."""

    graph: Any = None
    alpha: float = 0.01


@estimator
class NetworkLassoRegressorCV(_NetworkLasso, AliasCV, Regressor):
    """`NetworkLassoRegressor` with ``alpha`` chosen by cross-validation."""

    graph: Any = None


@estimator
class NetworkLassoClassifierCV(_NetworkLasso, AliasCV, Classifier):
    """`NetworkLassoClassifier` with ``alpha`` chosen by cross-validation."""

    graph: Any = None
