"""Clustered estimators: tasks in clusters, which are learned."""

from __future__ import annotations

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._around import Around, around
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.penalties import Clustered


class _Clustered(Around, Alias):
    """Tasks of a cluster are drawn to their mean; the clusters are not given. Minimises
    over W (n_features, n_tasks) and b::

        {loss}
            + alpha / 2 * min over M of trace(W (eta I + M)^-1 W')

    {symbols}

    Parameters
    ----------
    n_clusters : int, default={n_clusters}
        Number of clusters, from 1 to the number of tasks. With a single task it is 1
        whatever is given.
    alpha : float, default={alpha}
        Strength, >= 0.
    eta : float, default={eta}
        Freedom within clusters, > 0: differences within cost ``(1 + eta) / eta`` times
        what the means do.

    Attributes
    ----------
    labels_ : ndarray of shape (n_tasks,)
        The cluster of each task, by k-means on the leading eigenvectors of M. Of more
        than two classes (n_tasks, n_classes): each has clusters of its own, of the
        tasks that have it; others are -1.
    task_relation_ : ndarray of shape (n_tasks, n_tasks)
        The matrix M; of more than two classes (n_classes, n_tasks, n_tasks), NaN for
        tasks that do not have a class.

    Notes
    -----
    The minimum is over matrices M, (n_tasks, n_tasks), with eigenvalues between 0 and 1
    and trace ``n_clusters``, which relax the projection on the means of clusters.
    MALSAR has it as CMTL.

    References
    ----------
    Jacob, Bach, Vert (2009), Clustered multi-task learning: a convex formulation.
    Zhou, Chen, Ye (2011), Clustered multi-task learning via alternating structure
    optimization.

    Examples
    --------
    model.labels_.shape -> (10,)
    """

    _penalty = around(Clustered)


@estimator
class ClusteredRegressor(_Clustered, Regressor):
    """Regression with tasks in clusters, which are learned."""

    n_clusters: int = 2
    alpha: float = 1.0
    eta: float = 1.0


@estimator
class ClusteredClassifier(_Clustered, Classifier):
    """Logistic regression with tasks in clusters, which are learned."""

    n_clusters: int = 2
    alpha: float = 0.01
    eta: float = 1.0


@parameters
class _ClusteredCV(_Clustered, AliasCV):
    eta: float | ArrayLike = 1.0

    _grid = ("n_clusters", "eta")


@estimator
class ClusteredRegressorCV(_ClusteredCV, Regressor):
    """`ClusteredRegressor` with ``alpha`` chosen by cross-validation."""

    n_clusters: int | ArrayLike = 2


@estimator
class ClusteredClassifierCV(_ClusteredCV, Classifier):
    """`ClusteredClassifier` with ``alpha`` chosen by cross-validation."""

    n_clusters: int | ArrayLike = 2
