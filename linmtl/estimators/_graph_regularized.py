"""GraphRegularized estimators: tasks drawn to their neighbours in a graph."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._likely import Likely
from linmtl.penalties import L1, GraphLaplacian, Penalty, Ridge, TaskQuadratic


class _GraphRegularized(Alias):
    """Tasks joined by an edge of the graph share their coefficients. Minimises over W
    (n_features, n_tasks) and b::

        {loss}
            + alpha / 2 * 1/2 sum_ij a_ij ||w_i - w_j||^2
            + alpha_ridge / 2 * ||W||_F^2 + alpha_l1 * sum_jt |W_jt|

    {symbols}

    Parameters
    ----------
    graph : array-like or sparse matrix of shape (n_tasks, n_tasks), DataFrame, \
networkx graph or None, default=None
        Symmetric adjacency a_ij >= 0, in the order of ``tasks_`` or by task label; None
        is the complete graph with weights 1 / n_tasks.
    alpha : float or "reml", default={alpha}
        Strength of the graph, >= 0. "reml": the one of highest restricted likelihood,
        as for `MeanRegularizedRegressor`; without ``alpha_l1``.
    alpha_ridge : float, default={alpha_ridge}
        Strength of the ridge penalty, >= 0.
    alpha_l1 : float, default={alpha_l1}
        Strength of the L1 penalty, >= 0.
    feature_weight : array-like of shape (n_features,), default=None
        A finite factor >= 0 on the strengths of each feature; 0 leaves it unpenalised.

    Notes
    -----
    MALSAR has it as SRMTL (sparse graph-regularised multi-task learning).

    References
    ----------
    Evgeniou, Micchelli, Pontil (2005), Learning multiple tasks with kernel methods.
    """

    graph: Any

    @staticmethod
    def _penalty(graph, alpha, alpha_ridge, alpha_l1, feature_weight) -> Penalty:
        weight = {"feature_weight": feature_weight}
        ridge: Penalty = Ridge(alpha_ridge)
        if feature_weight is not None:
            ridge = TaskQuadratic(None, alpha_ridge, **weight)
        return GraphLaplacian(graph, alpha, **weight) + ridge + L1(alpha_l1, **weight)


@estimator
class GraphRegularizedRegressor(Likely, _GraphRegularized, Regressor):
    """Regression with tasks drawn to their neighbours in a graph.

    Attributes
    ----------
    alpha_ : float
        The strength found; only with ``alpha="reml"``.
    """

    graph: Any = None
    alpha: float | str = 1.0
    alpha_ridge: float = 1e-3
    alpha_l1: float = 0.0
    _: KW_ONLY
    feature_weight: ArrayLike | None = None


@estimator
class GraphRegularizedClassifier(Likely, _GraphRegularized, Classifier):
    """Logistic regression with tasks drawn to their neighbours in a graph.

    Attributes
    ----------
    alpha_ : float
        The strength found; only with ``alpha="reml"``.
    """

    graph: Any = None
    alpha: float | str = 0.1
    alpha_ridge: float = 1e-3
    alpha_l1: float = 0.0
    _: KW_ONLY
    feature_weight: ArrayLike | None = None


@parameters
class _GraphRegularizedCV(_GraphRegularized, AliasCV):
    alpha_ridge: float | ArrayLike | None = None
    alpha_l1: float | ArrayLike = 0.0
    feature_weight: ArrayLike | None = None

    _grid = ("alpha_ridge", "alpha_l1")
    _second = "alpha_ridge"

    def _part_with_strength(self, setting: dict[str, Any]) -> Penalty:
        # the others do not grow with alpha
        return GraphLaplacian(self.graph, feature_weight=self.feature_weight)


@estimator
class GraphRegularizedRegressorCV(_GraphRegularizedCV, Regressor):
    """`GraphRegularizedRegressor` with ``alpha`` chosen by cross-validation."""

    graph: Any = None


@estimator
class GraphRegularizedClassifierCV(_GraphRegularizedCV, Classifier):
    """`GraphRegularizedClassifier` with ``alpha`` chosen by cross-validation."""

    graph: Any = None
