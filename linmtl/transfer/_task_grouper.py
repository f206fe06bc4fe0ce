"""Groups of tasks, found in a matrix of similarities or distances between them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from linmtl.data._checks import check_choice, check_count
from linmtl.similarity._read import median_of
from linmtl.similarity._result import TaskMatrix, labels_of

_RULES = ("eigengap", "silhouette", "cv")
_KINDS = ("similarity", "distance")
_MEDIAN_EXPONENT = 2.0  # a distance of the median makes an affinity of exp(-2)


class TaskGrouper(BaseEstimator):
    """Find groups of tasks in a matrix of similarities or distances.

    Parameters
    ----------
    n_groups : int or {"eigengap", "silhouette", "cv"}, default="eigengap"
        The number of groups. ``"eigengap"``: where the eigenvalues of the normalised
        Laplacian of the affinities, in increasing order, make their largest step;
        one group, and every task on its own, are possible outcomes. ``"silhouette"``:
        at least two groups, with the largest mean silhouette. ``"cv"``: for
        `GroupedMultiTaskRegressor` or its classifier, which have data to judge by.
    method : {"spectral", "hierarchical"}, default="spectral"
        Spectral clustering of the affinities (k-means on the leading eigenvectors,
        rows of length 1), or average linkage on the distances.
    kind : {"similarity", "distance"}, default="similarity"
        What the numbers of an array or a DataFrame are; a `TaskMatrix` says it itself.
    max_groups : int, default=10
        The largest number of groups to consider.
    random_state : int, RandomState instance or None, default=0
        Seed of the starts of k-means.

    Attributes
    ----------
    labels_ : ndarray of shape (n_tasks,)
        The group of each task, numbered in the order in which they appear.
    n_groups_ : int
        The number of groups.
    groups_ : dict of int -> list
        The tasks of each group.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    affinity_ : ndarray of shape (n_tasks, n_tasks)
        Affinities from 0 to 1.
    eigenvalues_ : ndarray of shape (n_tasks,)
        Eigenvalues of the normalised Laplacian, increasing.
    silhouettes_ : dict of int -> float
        The mean silhouette by number of groups; only with ``n_groups="silhouette"``.

    Notes
    -----
    Entries (i, j) and (j, i) are replaced by their mean. Negative similarities and
    gains count as 0, and so do distances of a `TaskMatrix` whose mean is negative
    (unbiased estimates can be). Affinities are:

    * similarities divided by the roots of the two diagonal entries and squared, 1 at
      most: of a cosine, the variance that one task explains of the other;
    * gains, graphs, and a `TaskMatrix` with a zero diagonal, divided by the largest
      entry;
    * of distances ``exp(-2 (d / median)^2)``, 0 of infinite ones;
    * 0 of what is NaN in both directions.

    Average linkage and silhouettes use distances as they are (one that is NaN as the
    largest), and for the others 1 less the affinity. There and in the median an
    infinite distance is twice the largest other.

    An array with a zero diagonal and positive values off it cannot hold similarities,
    and is refused unless ``kind="distance"``; pass gains and graphs as a `TaskMatrix`.

    References
    ----------
    Ng, Jordan, Weiss (2001), On spectral clustering: analysis and an algorithm.
    von Luxburg (2007), A tutorial on spectral clustering.
    Rousseeuw (1987), Silhouettes: a graphical aid to the interpretation and validation
    of cluster analysis.

    Examples
    --------
    >>> from linmtl.transfer import TaskGrouper
    >>> near = [[1.0, 0.9, 0.1], [0.9, 1.0, 0.0], [0.1, 0.0, 1.0]]
    >>> TaskGrouper().fit(near).labels_
    array([0, 0, 1])
    """

    def __init__(
        self,
        n_groups: int | str = "eigengap",
        *,
        method: str = "spectral",
        kind: str = "similarity",
        max_groups: int = 10,
        random_state: Any = 0,
    ):
        self.n_groups = n_groups
        self.method = method
        self.kind = kind
        self.max_groups = max_groups
        self.random_state = random_state

    def fit(self, similarity: TaskMatrix | ArrayLike, y: Any = None) -> Self:
        """Find the groups.

        Parameters
        ----------
        similarity : TaskMatrix, DataFrame or array-like of shape (n_tasks, n_tasks)
            A number for each pair of tasks.
        y : object
            Ignored.

        Returns
        -------
        self : object
            The fitted grouper.
        """
        self._check()
        if isinstance(self.n_groups, str) and self.n_groups == "cv":
            raise ValueError(
                "n_groups='cv' needs data to judge by; pass this grouper to "
                "GroupedMultiTaskRegressor or GroupedMultiTaskClassifier, or use "
                "'eigengap', 'silhouette' or a number"
            )
        affinity, distance, tasks = _read_pairs(similarity, self.kind)
        T = len(tasks)
        laplacian = _laplacian(affinity)
        values, vectors = np.linalg.eigh(laplacian)
        if hasattr(self, "silhouettes_"):
            del self.silhouettes_  # of an earlier fit
        most = min(int(self.max_groups), T)
        if self.n_groups == "eigengap":
            k = _eigengap(values, most)
            labels = self._labels(k, vectors, distance)
        elif self.n_groups == "silhouette":
            labels = self._by_silhouette(most, vectors, distance)
        else:
            k = int(self.n_groups)
            if k > T:
                raise ValueError(
                    f"n_groups is {k} but there are {T} tasks; pass at "
                    "most as many groups as tasks"
                )
            labels = self._labels(k, vectors, distance)
        self.labels_ = labels
        self.n_groups_ = int(labels.max()) + 1
        self.tasks_ = tasks
        self.groups_ = {g: tasks[labels == g].tolist() for g in range(self.n_groups_)}
        self.affinity_ = affinity
        self.eigenvalues_ = values
        return self

    def fit_predict(
        self, similarity: TaskMatrix | ArrayLike, y: Any = None
    ) -> np.ndarray:
        """Find the groups and return the group of each task.

        Parameters
        ----------
        similarity : TaskMatrix, DataFrame or array-like of shape (n_tasks, n_tasks)
            A number for each pair of tasks.
        y : object
            Ignored.

        Returns
        -------
        ndarray of shape (n_tasks,)
            ``labels_``.
        """
        return self.fit(similarity).labels_

    def _check(self) -> None:
        n = self.n_groups
        if isinstance(n, str):
            check_choice("n_groups", n, _RULES)
        else:
            check_count("n_groups", n, 1)
        check_choice("method", self.method, ("spectral", "hierarchical"))
        check_choice("kind", self.kind, _KINDS)
        check_count("max_groups", self.max_groups, 1)

    def _labels(self, k, vectors, distance):
        """Return the labels of k groups, numbered in order of appearance."""
        T = len(distance)
        if k == 1 or k == T:
            return np.arange(T) if k == T else np.zeros(T, dtype=int)
        if self.method == "hierarchical":
            tree = AgglomerativeClustering(k, metric="precomputed", linkage="average")
            return in_order(tree.fit(distance).labels_)
        rows = vectors[:, :k]
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(length > 0, length, 1.0)
        means: Any = KMeans(k, random_state=self.random_state).set_params(n_init=10)
        with threadpool_limits(1):  # in a forked process OpenMP may wait forever
            return in_order(means.fit(rows).labels_)

    def _by_silhouette(self, most, vectors, distance):
        T = len(distance)
        found = {}
        for k in range(2, min(most, T - 1) + 1):
            labels = self._labels(k, vectors, distance)
            if labels.max() > 0:
                score = silhouette_score(distance, labels, metric="precomputed")
                found[k] = (float(score), labels)
        self.silhouettes_ = {k: score for k, (score, _) in found.items()}
        if not found:  # two tasks, or fewer, have no silhouette
            return np.zeros(T, dtype=int)
        return max(found.values(), key=lambda pair: pair[0])[1]


def in_order(labels: np.ndarray) -> np.ndarray:
    """Number groups in the order in which they appear."""
    _, first, code = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[code]


def read_matrix(
    similarity: TaskMatrix | ArrayLike, kind: str, tasks: np.ndarray | None = None
) -> TaskMatrix:
    """Return similarities or distances with their task labels.

    `kind` says what an array or a DataFrame holds, and `tasks` labels an array.
    """
    if isinstance(similarity, TaskMatrix):
        return similarity
    labels = labels_of(similarity)
    values = np.asarray(similarity)
    if (
        values.dtype.kind not in "biuf"
        or values.ndim != 2
        or (values.shape[0] != values.shape[1] or values.size == 0)
    ):
        raise ValueError(
            f"similarity has shape {values.shape} and dtype {values.dtype}; pass "
            "numbers of shape (n_tasks, n_tasks)"
        )
    if kind == "distance" and np.any(values < 0):
        raise ValueError(
            "similarity holds distances, but some are negative; pass the TaskMatrix of "
            "a measure, whose estimates may be, or distances >= 0"
        )
    if kind == "similarity" and not np.any(values.diagonal()) and np.any(values > 0):
        raise ValueError(
            "similarity has a zero diagonal and positive values off it, as distances, "
            "gains and graphs have, and no similarities; pass the TaskMatrix, which "
            "says what it holds, or for distances TaskGrouper(kind='distance')"
        )
    if labels is None:
        labels = np.arange(len(values)) if tasks is None else tasks
    return TaskMatrix(np.asarray(values, dtype=float), labels, kind, directed=True)


def _read_pairs(similarity, kind):
    """Return affinities from 0 to 1, distances, and task labels."""
    matrix = read_matrix(similarity, kind)
    values, tasks, kind = matrix.values, matrix.tasks, matrix.kind
    if kind == "p-value":
        raise ValueError(
            "similarity holds p-values, which say how sure a difference is, not how "
            "large; pass a TaskMatrix of similarities, distances or gains"
        )
    if np.any(np.isneginf(values) if kind == "distance" else np.isposinf(values)):
        raise ValueError(
            "similarity has infinite values; only distances may be +inf, between tasks "
            "that nothing connects"
        )
    values = np.where(np.isnan(values), values.T, values)
    own = np.eye(len(values), dtype=bool)
    if kind == "distance":
        # the mean first, as in task_graph: estimates err to both sides of 0
        values = np.maximum((values + values.T) / 2, 0.0)  # NaN stays
        values = np.where(own, 0.0, values)
        largest = values[np.isfinite(values)].max()
        distance = np.where(np.isinf(values), 2.0 * largest or 1.0, values)
        # infinite ones count in the median, or tasks that are near would seem apart
        scale = median_of(distance[~own])
        affinity = np.exp(-_MEDIAN_EXPONENT * np.square(values / scale))
        affinity = np.where(np.isnan(affinity), 0.0, affinity)
        return affinity, np.where(np.isnan(distance), largest, distance), tasks
    values = np.maximum(values, 0.0)
    values = (values + values.T) / 2
    values = np.where(np.isnan(values), 0.0, values)
    if kind in ("gain", "adjacency") or not np.any(values.diagonal()):
        largest = values[~own].max(initial=0.0)
        affinity = values / (largest if largest > 0 else 1.0)
    else:
        size = np.where(values.diagonal() > 0, values.diagonal(), 1.0)
        # squared: a cosine of 0.3 between unrelated tasks is nothing unusual
        affinity = np.minimum(values**2 / (size[:, None] * size), 1.0)
    affinity[own] = 1.0
    return affinity, 1.0 - affinity, tasks


def _laplacian(affinity):
    root = np.sqrt(affinity.sum(axis=1))
    laplacian = np.eye(len(affinity)) - affinity / (root[:, None] * root)
    return (laplacian + laplacian.T) / 2


def _eigengap(values, most):
    """Return the number of eigenvalues before the largest step, `most` at most.

    After the last one a step to 1 is counted: with no affinity at all every eigenvalue
    is 0, and every task a group.
    """
    steps = np.diff(np.append(values, 1.0))[:most]
    # of equal steps the last: tasks that have nothing in common are kept apart
    return int(np.flatnonzero(steps >= steps.max() - 1e-9)[-1]) + 1
