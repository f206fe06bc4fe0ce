"""Which tasks belong together, by what is known of them beside their data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra, laplacian
from scipy.sparse.linalg import splu
from scipy.spatial.distance import pdist
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels
from sklearn.utils import check_array

from linmtl.data._checks import check_choice, is_number
from linmtl.data._labels import some
from linmtl.data._times import refuse_times
from linmtl.similarity._read import median_of
from linmtl.similarity._result import TaskMatrix, as_distinct_labels, symmetric


def graph_similarity(
    graph: Any,
    tasks: ArrayLike,
    method: str = "shortest_path",
    *,
    weights: str = "strength",
    kind: str = "similarity",
) -> TaskMatrix:
    """Compare tasks by how near they are in a graph, for instance an ontology.

    Parameters
    ----------
    graph : networkx graph or iterable of edges
        Edges are pairs or triples (node, node, weight), weight > 0; of a networkx graph
        the edge attribute ``weight``, 1 where there is none. Nodes that are no tasks
        are allowed. Directions are ignored; of several edges between two nodes the
        strongest (shortest) counts.
    tasks : array-like of labels
        The nodes to compare, each once.
    method : {"shortest_path", "resistance"}, default="shortest_path"
        The length of the shortest path, or the resistance between two nodes of a
        network of resistors, which falls with every further path.
    weights : {"strength", "length"}, default="strength"
        What the weights are: an edge of strength a has the length 1 / a.
    kind : {"similarity", "distance"}, default="similarity"
        The distance d, or ``1 / (1 + d)``.

    Returns
    -------
    TaskMatrix
        Similarities, 1 on the diagonal and 0 between tasks that no path joins, or
        distances, 0 and infinite there.

    References
    ----------
    Rada, Mili, Bicknell, Blettner (1989), Development and application of a metric on
    semantic nets.
    Klein, Randić (1993), Resistance distance.

    Examples
    --------
    >>> from linmtl.similarity import graph_similarity
    >>> edges = [("cats", "mammals"), ("dogs", "mammals"), ("mammals", "animals")]
    >>> graph_similarity(edges, ["cats", "dogs", "animals"], kind="distance").values
    array([[0., 2., 2.],
           [2., 0., 2.],
           [2., 2., 0.]])
    """
    check_choice("method", method, ("shortest_path", "resistance"))
    check_choice("weights", weights, ("strength", "length"))
    check_choice("kind", kind, ("similarity", "distance"))
    labels = as_distinct_labels(tasks)
    nodes, lengths = _read_graph(graph, weights)
    names = labels.tolist()
    missing = [name for name in names if name not in nodes]
    if missing:
        raise ValueError(
            f"graph has no node for the tasks {some(missing)}; add them, or drop these "
            "tasks"
        )
    place = np.array([nodes[name] for name in names])
    if method == "shortest_path":
        distance = dijkstra(lengths, directed=False, indices=place)[:, place]
    else:
        distance = _resistance(lengths, place)
    if kind == "similarity":
        distance = 1.0 / (1.0 + distance)
    values = symmetric(distance, 1.0 if kind == "similarity" else 0.0)
    return TaskMatrix(values, labels, kind, method.replace("_", " "))


def _read_graph(graph, weights):
    """Return the position of each node and the lengths of edges, one direction each."""
    nodes: dict[Any, int] = {}
    if hasattr(graph, "nodes") and hasattr(graph, "edges"):
        for node in graph.nodes:
            nodes.setdefault(node, len(nodes))
        edges = graph.edges(data="weight", default=1.0)
    elif isinstance(graph, Iterable) and not isinstance(graph, (str, bytes, Mapping)):
        edges = graph
    else:
        raise ValueError(
            f"graph is a {type(graph).__name__}; pass a networkx graph or edges, pairs "
            "or triples (node, node, weight)"
        )
    shortest: dict[tuple[int, int], float] = {}
    for edge in edges:
        if isinstance(edge, (str, bytes)) or not isinstance(edge, Iterable):
            raise ValueError(f"graph has the edge {edge!r}; pass pairs or triples")
        edge = tuple(v.item() if isinstance(v, np.generic) else v for v in edge)
        if len(edge) not in (2, 3):
            raise ValueError(f"graph has the edge {edge!r}; pass pairs or triples")
        weight = edge[2] if len(edge) == 3 else 1.0
        if not (is_number(weight) and 0 < weight < np.inf):
            raise ValueError(
                f"graph has an edge of weight {weight!r} between {edge[0]!r} and "
                f"{edge[1]!r}; weights must be finite numbers > 0, drop edges without"
            )
        i, j = (nodes.setdefault(node, len(nodes)) for node in edge[:2])
        if i == j:
            continue
        length = 1.0 / weight if weights == "strength" else float(weight)
        key = (min(i, j), max(i, j))
        shortest[key] = min(length, shortest.get(key, np.inf))
    ends = np.array(list(shortest), dtype=int).reshape(-1, 2).T
    values = np.array(list(shortest.values()), dtype=float)
    shape = (len(nodes), len(nodes))
    return nodes, sparse.csr_array((values, (ends[0], ends[1])), shape=shape)


def _resistance(lengths, place):
    """Return the resistance between nodes; an edge has that of its length."""
    conductance = lengths.copy()
    conductance.data = 1.0 / conductance.data
    conductance = conductance + conductance.T
    component = connected_components(conductance, directed=False)[1]
    out = np.full((len(place), len(place)), np.inf)
    for c in np.unique(component[place]):
        here = np.flatnonzero(component[place] == c)
        members = np.flatnonzero(component == c)
        if here.size == 1:
            out[here, here] = 0.0
            continue
        part = sparse.csr_array(conductance[members][:, members])
        # one node at potential zero makes the Laplacian invertible
        grounded = sparse.csc_array(laplacian(part))[1:, 1:]
        at = np.searchsorted(members, place[here])
        currents = np.zeros((members.size, here.size))
        currents[at, np.arange(here.size)] = 1.0
        potential = np.zeros_like(currents)
        potential[1:] = splu(sparse.csc_array(grounded)).solve(currents[1:])
        G = potential[at]
        level = np.diag(G)
        out[np.ix_(here, here)] = np.maximum(level[:, None] + level - G - G.T, 0.0)
    return out


def descriptor_similarity(
    Z: Any,
    tasks: ArrayLike | None = None,
    kernel: str | Callable[[np.ndarray, np.ndarray], float] = "rbf",
    *,
    kernel_params: Mapping[str, Any] | None = None,
) -> TaskMatrix:
    """Compare tasks by descriptors: numbers that describe them, embeddings of names.

    Parameters
    ----------
    Z : array-like or DataFrame of shape (n_tasks, n_descriptors)
        One row per task.
    tasks : array-like of shape (n_tasks,), default=None
        Task labels of the rows; of a DataFrame, the labels of its index that are
        wanted. None is the index of a DataFrame, 0, 1, ... for an array.
    kernel : str or callable, default="rbf"
        The name of a kernel of ``sklearn.metrics.pairwise`` ("cosine", "laplacian",
        "polynomial", ...), or a symmetric function of two rows.
    kernel_params : dict, default=None
        Parameters of the kernel. Without a ``gamma``, that of ``"rbf"`` is 1 / the
        median squared distance between tasks.

    Returns
    -------
    TaskMatrix
        Similarities: the values of the kernel.

    Examples
    --------
    >>> from linmtl.similarity import descriptor_similarity
    >>> Z = [[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]]
    >>> descriptor_similarity(Z, ["a", "b", "c"], "cosine").values.round(3)
    array([[1.   , 0.707, 0.   ],
           [0.707, 1.   , 0.707],
           [0.   , 0.707, 1.   ]])
    """
    if not callable(kernel):
        names = sorted(PAIRWISE_KERNEL_FUNCTIONS)
        if not isinstance(kernel, str) or kernel not in names:
            raise ValueError(
                f"kernel is {kernel!r}; pass a function of two rows or one of "
                f"{some(names, 20)}"
            )
    if hasattr(Z, "loc") and hasattr(Z, "index"):
        index = as_distinct_labels(list(Z.index))
        labels = index if tasks is None else as_distinct_labels(tasks)
        known = set(index.tolist())
        missing = [label for label in labels.tolist() if label not in known]
        if missing:
            raise ValueError(
                f"Z has no row for the tasks {some(missing)}; its index must have the "
                "task labels, or pass an array"
            )
        Z = Z.loc[labels.tolist()]
    else:
        labels = None if tasks is None else as_distinct_labels(tasks)
    refuse_times(Z, "Z")
    Z = check_array(Z, dtype="float64", input_name="Z")
    if labels is None:
        labels = np.arange(len(Z))
    if len(labels) != len(Z):
        raise ValueError(
            f"tasks has {len(labels)} labels but Z has {len(Z)} rows; pass one row per "
            "task"
        )
    params = {**(kernel_params or {}), "metric": kernel}
    if kernel == "rbf" and params.get("gamma") is None and len(Z) > 1:
        params["gamma"] = 1.0 / median_of(pdist(Z, "sqeuclidean"))
    values = np.asarray(pairwise_kernels(Z, **params), dtype=float)
    if not np.all(np.isfinite(values)):
        raise ValueError("the kernel gave NaN or infinity for some pairs of tasks")
    values = (values + values.T) / 2
    name = getattr(kernel, "__name__", kernel) if callable(kernel) else kernel
    return TaskMatrix(values, labels, "similarity", f"{name} kernel")
