"""Task graphs for penalties, made of similarities or distances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.stats import rankdata

from linmtl.data._checks import check_choice, check_count
from linmtl.data._labels import some
from linmtl.similarity._read import median_of
from linmtl.similarity._result import (
    KINDS,
    TaskMatrix,
    as_distinct_labels,
    labels_of,
)


def task_graph(
    similarity: TaskMatrix | ArrayLike,
    method: str = "knn",
    *,
    n_neighbors: int = 3,
    threshold: float | None = None,
    weighted: bool = True,
    kind: str | None = None,
    tasks: ArrayLike | None = None,
) -> TaskMatrix:
    """Join tasks that are alike: a graph for ``GraphLaplacian`` or ``NetworkLasso``.

    Parameters
    ----------
    similarity : TaskMatrix, DataFrame or array-like of shape (n_tasks, n_tasks)
        Numbers of any kind but p-values; of a directed matrix the mean of both
        directions counts. A DataFrame has the task labels on both sides.
    method : {"knn", "threshold", "mst"}, default="knn"
        Each task is joined to the ``n_neighbors`` that are nearest to it (an edge that
        one of the two wants; of equally near ones the first); or all pairs at least as
        alike as `threshold`; or the maximum spanning tree.
    n_neighbors : int, default=3
        For ``"knn"``; at most all others are taken.
    threshold : float, default=None
        For ``"threshold"``, in the unit of `similarity`: a similarity of at least this,
        a distance of at most this.
    weighted : bool, default=True
        Whether edges are weighted by the similarity; otherwise they have weight 1. A
        distance d becomes ``exp(-d / m)`` with m the median over all pairs, and
        negative ones count as 0. Edges of weight <= 0 are left out.
    kind : str, default=None
        What an array or a DataFrame holds, "similarity" (the default) or "distance";
        see TaskMatrix.
    tasks : array-like of shape (n_tasks,), default=None
        Task labels of an array; 0, 1, ... by default.

    Returns
    -------
    TaskMatrix
        Symmetric weights >= 0 of the kind "adjacency", 0 on the diagonal. As an array
        it follows the order of its own ``tasks``; ``to_frame()`` goes by label.

    See Also
    --------
    linmtl.penalties.GraphLaplacian : Tasks that are joined are alike.
    linmtl.penalties.NetworkLasso : Tasks that are joined can become identical.

    Examples
    --------
    >>> from linmtl.penalties import GraphLaplacian
    >>> from linmtl.similarity import coefficient_similarity, task_graph
    >>> coef = [[1.0, 0.0], [2.0, 0.1], [0.0, 1.0]]
    >>> near = coefficient_similarity(coef, tasks=["a", "b", "c"])
    >>> graph = task_graph(near, n_neighbors=1)
    >>> graph.values.round(2)
    array([[0.  , 1.  , 0.  ],
           [1.  , 0.  , 0.05],
           [0.  , 0.05, 0.  ]])
    >>> penalty = GraphLaplacian(graph.to_frame(), alpha=0.1)
    """
    check_choice("method", method, ("knn", "threshold", "mst"))
    check_choice("weighted", weighted, (True, False))
    S, labels, kind = _read(similarity, kind, tasks)
    T = len(S)
    distance = kind == "distance"
    # the order of nearness alone decides on edges; diagonal and infinity are far
    far = ~np.isfinite(S) | np.eye(T, dtype=bool)
    cost = np.where(far, np.inf, S if distance else -S)
    if method == "threshold":
        if threshold is None:
            raise ValueError("method='threshold' needs a threshold; pass threshold=")
        limit = _number(threshold)
        joined = cost <= (limit if distance else -limit)
    elif method == "knn":
        k = min(check_count("n_neighbors", n_neighbors, 1), T - 1)
        nearest = np.argsort(cost, axis=1, kind="stable")[:, :k]
        joined = np.zeros((T, T), dtype=bool)
        np.put_along_axis(joined, nearest, True, axis=1)
    else:
        # ranks, since the tree takes 0 for no edge
        ranks = np.zeros((T, T))
        pairs = np.nonzero(np.triu(~far, 1))
        ranks[pairs] = rankdata(cost[pairs], method="ordinal")
        tree = minimum_spanning_tree(sparse.csr_array(ranks))
        joined = tree.toarray() > 0
    joined = (joined | joined.T) & ~far
    if not weighted:
        weight = np.ones((T, T))
    elif distance:
        d = np.where(far, np.inf, np.maximum(S, 0.0))
        weight = np.exp(-d / median_of(d[np.triu_indices(T, 1)]))
    else:
        weight = np.maximum(np.where(far, 0.0, S), 0.0)
    name = f"{method} graph"
    return TaskMatrix(np.where(joined, weight, 0.0), labels, "adjacency", name)


def _read(similarity, kind, tasks):
    if isinstance(similarity, TaskMatrix):
        if kind is not None or tasks is not None:
            raise ValueError("kind and tasks are for arrays; a TaskMatrix has both")
        S, labels = similarity.values, similarity.tasks
        kind = similarity.kind
    else:
        kind = "similarity" if kind is None else kind
        check_choice("kind", kind, KINDS)
        labels = labels_of(similarity)
        S = np.asarray(similarity, dtype=np.float64)
        if S.ndim != 2 or S.shape[0] != S.shape[1]:
            raise ValueError(
                f"similarity has shape {S.shape}; pass a TaskMatrix, a DataFrame "
                "or an array of shape (n_tasks, n_tasks)"
            )
        if labels is None:
            labels = np.arange(len(S)) if tasks is None else as_distinct_labels(tasks)
        elif tasks is not None:
            raise ValueError(
                "tasks was passed although the DataFrame has task labels; drop tasks "
                "(TaskMatrix.reorder selects and orders the tasks of a result)"
            )
        if len(labels) != len(S):
            raise ValueError(
                f"tasks has {len(labels)} labels but similarity {len(S)} rows; pass "
                "one label per row"
            )
    if kind == "p-value":
        raise ValueError(
            "similarity holds p-values, which say how sure a difference is and not how "
            "large; pass a measure, or an array of zeros and ones for the pairs to join"
        )
    if len(labels) < 2:
        raise ValueError(f"there is only 1 task, {some(labels)}; a graph needs two")
    off = ~np.eye(len(S), dtype=bool)
    infinite = np.isposinf(S) if kind == "distance" else np.zeros(S.shape, dtype=bool)
    bad = off & ~np.isfinite(S) & ~infinite
    if bad.any():
        i, j = (labels.tolist()[k] for k in np.argwhere(bad)[0])
        raise ValueError(
            f"similarity has NaN or infinity, for instance for {i!r} and {j!r}; only "
            "distances may be infinite"
        )
    return (S + S.T) / 2, labels, kind


def _number(threshold: Any) -> float:
    try:
        limit = float(threshold)
    except (TypeError, ValueError):
        limit = np.nan
    if not np.isfinite(limit):
        raise ValueError(f"threshold must be a finite number, got {threshold!r}")
    return limit
