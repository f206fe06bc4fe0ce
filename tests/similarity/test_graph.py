"""Similarities from graphs and descriptors, and task graphs for penalties."""

from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics.pairwise import laplacian_kernel

from linmtl import (
    IndependentRegressor,
    L21Regressor,
    MultiTaskRegressor,
    NetworkLassoRegressor,
    TaskQuadraticRegressor,
)
from linmtl.datasets import make_multitask_regression
from linmtl.penalties import GraphLaplacian, NetworkLasso, Ridge
from linmtl.similarity import (
    TaskMatrix,
    chow_test,
    coefficient_similarity,
    descriptor_similarity,
    excess_risk,
    graph_similarity,
    prediction_disagreement,
    task_graph,
)


def random_graph(seed=0, n=14, extra=8):
    rng = np.random.default_rng(seed)
    graph = nx.random_labeled_tree(n, seed=seed)
    while graph.number_of_edges() < n - 1 + extra:
        graph.add_edge(*rng.choice(n, 2, replace=False).tolist())
    for _, _, edge in graph.edges(data=True):
        edge["weight"] = float(rng.uniform(0.5, 3.0))
    return graph


# --- graphs over tasks


@pytest.mark.parametrize("weights", ["strength", "length"])
def test_shortest_paths_are_those_of_networkx(weights):
    graph, tasks = random_graph(), [9, 2, 5, 11]
    found = graph_similarity(graph, tasks, weights=weights, kind="distance")

    def length(i, j, edge):
        return 1 / edge["weight"] if weights == "strength" else edge["weight"]

    for i, a in enumerate(tasks):
        for j, b in enumerate(tasks):
            expected = nx.shortest_path_length(graph, a, b, weight=length)
            assert_allclose(found.values[i, j], expected)
    near = graph_similarity(graph, tasks, weights=weights)
    assert_allclose(near.values, 1 / (1 + found.values))
    assert (near.kind, found.kind) == ("similarity", "distance")
    assert_array_equal(near.tasks, tasks)


@pytest.mark.parametrize("weights", ["strength", "length"])
def test_resistances_are_those_of_networkx(weights):
    graph, tasks = random_graph(), [9, 2, 5, 11]
    found = graph_similarity(
        graph, tasks, "resistance", weights=weights, kind="distance"
    )
    for (i, a), (j, b) in combinations(enumerate(tasks), 2):
        expected = nx.resistance_distance(
            graph, a, b, weight="weight", invert_weight=weights == "length"
        )
        assert_allclose(found.values[i, j], expected)
    assert_array_equal(np.diag(found.values), 0.0)
    assert_array_equal(found.values, found.values.T)


def test_on_a_tree_both_distances_agree():
    graph = random_graph(extra=0)
    for weights in ("strength", "length"):
        kwargs = {"weights": weights, "kind": "distance"}
        assert_allclose(
            graph_similarity(graph, range(14), "resistance", **kwargs),
            graph_similarity(graph, range(14), "shortest_path", **kwargs),
            atol=1e-12,
        )


def test_further_paths_only_lower_resistance():
    square = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")]
    kwargs = {"tasks": ["a", "c"], "kind": "distance"}
    assert graph_similarity(square, **kwargs).values[0, 1] == 2.0
    by_resistance = graph_similarity(square, method="resistance", **kwargs)
    assert_allclose(by_resistance.values[0, 1], 1.0)


@pytest.mark.parametrize("method", ["shortest_path", "resistance"])
def test_edges_of_any_form_are_one_graph(method):
    edges = [("root", "a", 2.0), ("root", "b", 0.5), ("b", "c", 1.0), ("a", "a", 9.0)]
    tasks = ["a", "b", "c"]
    expected = graph_similarity(edges, tasks, method).values
    undirected, directed = nx.Graph(), nx.DiGraph()
    for graph in (undirected, directed):
        graph.add_weighted_edges_from(edges)
    multi = nx.MultiGraph(undirected)
    multi.add_edge("b", "c", weight=0.1)  # weaker than what is there
    swapped = [(j, i, w) for i, j, w in edges]
    for given in (undirected, directed, multi, iter(edges), swapped, edges + swapped):
        assert_allclose(graph_similarity(given, tasks, method).values, expected)
    pairs = graph_similarity([edge[:2] for edge in edges], tasks, method)
    ones = graph_similarity([(*edge[:2], 1) for edge in edges], tasks, method)
    assert_array_equal(pairs.values, ones.values)


@pytest.mark.parametrize("method", ["shortest_path", "resistance"])
def test_tasks_that_no_path_joins(method):
    edges = [(1, 2), (2, 3), (4, 5)]
    distance = graph_similarity(edges, [1, 3, 4], method, kind="distance")
    assert_array_equal(
        distance.values, [[0, 2, np.inf], [2, 0, np.inf], [np.inf] * 2 + [0]]
    )
    near = graph_similarity(edges, np.array([1.0, 3.0, 4.0]), method)
    assert_allclose(near.values, [[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 1]])


def test_hostile_graphs():
    with pytest.raises(ValueError, match="no node for the tasks 'z'"):
        graph_similarity([("a", "b")], ["a", "z"])
    with pytest.raises(ValueError, match="no node for the tasks '1'"):
        graph_similarity([(1, 2)], ["1"])
    for weight in (0.0, -1.0, np.nan, np.inf, "heavy", None):
        with pytest.raises(ValueError, match="an edge of weight"):
            graph_similarity([("a", "b", weight)], ["a", "b"])
    for edges in (["ab"], [("a",)], [("a", "b", 1.0, 2.0)], [3]):
        with pytest.raises(ValueError, match="has the edge"):
            graph_similarity(edges, ["a", "b"])
    for graph in (None, "ab", 3, {"a": "b"}):
        with pytest.raises(ValueError, match="graph is a"):
            graph_similarity(graph, ["a", "b"])
    with pytest.raises(ValueError, match="repeats 'a'"):
        graph_similarity([("a", "b")], ["a", "a"])
    for wrong in ({"method": "commute"}, {"weights": "none"}, {"kind": "gain"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            graph_similarity([("a", "b")], ["a", "b"], **wrong)


# --- descriptors


def test_descriptor_kernels():
    Z = np.random.default_rng(0).normal(size=(5, 3))
    squares = np.sum((Z[:, None] - Z) ** 2, axis=2)
    gamma = 1 / np.median(squares[np.triu_indices(5, 1)])
    rbf = descriptor_similarity(Z, list("edcba"))
    assert_allclose(rbf.values, np.exp(-gamma * squares))
    assert_array_equal(rbf.tasks, list("edcba"))
    given = descriptor_similarity(Z, kernel_params={"gamma": 0.3})
    assert_allclose(given.values, np.exp(-0.3 * squares))
    named = descriptor_similarity(Z, kernel="laplacian", kernel_params={"gamma": 0.2})
    assert_allclose(named.values, laplacian_kernel(Z, gamma=0.2))
    called = descriptor_similarity(Z, kernel=lambda a, b: float(a @ b) ** 2)
    assert_allclose(called.values, (Z @ Z.T) ** 2)
    assert_allclose(descriptor_similarity(np.ones((3, 2))).values, 1.0)


def test_descriptors_are_matched_by_label():
    table = pd.DataFrame(
        {"u": [1.0, 2.0, 3.0], "v": [0.0, 1.0, 0.0]}, index=list("cab")
    )
    every = descriptor_similarity(table, kernel="linear")
    assert_array_equal(every.tasks, list("cab"))
    some = descriptor_similarity(table, ["b", "c"], kernel="linear")
    assert_array_equal(some.values, every.reorder(["b", "c"]).values)
    with pytest.raises(ValueError, match="no row for the tasks 'z'"):
        descriptor_similarity(table, ["z"])


def test_hostile_descriptors():
    with pytest.raises(ValueError, match="kernel is 'gaussian'"):
        descriptor_similarity(np.eye(2), kernel="gaussian")
    with pytest.raises(ValueError, match="3 labels but Z has 2 rows"):
        descriptor_similarity(np.eye(2), ["a", "b", "c"])
    with pytest.raises(ValueError, match="NaN"):
        descriptor_similarity([[np.nan], [1.0]])
    with pytest.raises(ValueError, match="the kernel gave NaN"):
        descriptor_similarity(np.eye(2), kernel=lambda a, b: np.nan)


# --- task graphs


def similarity(n=9, seed=0):
    coef = np.random.default_rng(seed).normal(size=(n, 4))
    return coefficient_similarity(coef, tasks=[f"t{k}" for k in range(n)])


def test_neighbours_by_hand():
    near = similarity()
    graph = task_graph(near, n_neighbors=2)
    S = near.values
    wanted = np.zeros((9, 9), dtype=bool)
    for i in range(9):
        others = sorted((j for j in range(9) if j != i), key=lambda j: -S[i, j])
        wanted[i, others[:2]] = True
    expected = np.where(wanted | wanted.T, np.maximum(S, 0), 0)
    assert_allclose(graph.values, expected)
    assert graph.kind == "adjacency"
    assert_array_equal(graph.tasks, near.tasks)
    every = task_graph(near, n_neighbors=100, weighted=False)
    assert_array_equal(every.values, 1 - np.eye(9))


def test_thresholds_are_in_the_unit_of_the_matrix():
    near = similarity()
    off = ~np.eye(9, dtype=bool)
    graph = task_graph(near, "threshold", threshold=0.4)
    assert_array_equal(graph.values > 0, off & (near.values >= 0.4))
    far = 1 - near.values
    graph = task_graph(far, "threshold", threshold=0.6, kind="distance")
    assert_array_equal(graph.values > 0, off & (far <= 0.6))


def test_the_tree_is_that_of_networkx():
    near = similarity()
    S = near.values + 1.0  # networkx takes the tree of positive and negative alike
    tree = nx.maximum_spanning_tree(nx.from_numpy_array(S - np.diag(np.diag(S))))
    found = task_graph(S, "mst")
    assert {*zip(*np.nonzero(np.triu(found.values)), strict=True)} == {
        tuple(sorted(edge)) for edge in tree.edges
    }
    far = np.exp(-S) + 0.0
    by_distance = task_graph((far + far.T) / 2, "mst", kind="distance")
    assert_array_equal(by_distance.values > 0, found.values > 0)
    assert np.count_nonzero(found.values) == 16


def test_distances_become_weights():
    D = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 4.0], [2.0, 4.0, 0.0]])
    graph = task_graph(D, n_neighbors=2, kind="distance")
    assert_allclose(graph.values, np.exp(-D / 2) - np.eye(3))
    D[0, 1] = D[1, 0] = -0.5  # an unbiased estimate can be
    D[0, 2] = D[2, 0] = np.inf
    graph = task_graph(D, n_neighbors=2, kind="distance")
    assert_allclose(graph.values[0], [0, 1, 0])
    same = task_graph(np.zeros((3, 3)), n_neighbors=2, kind="distance")
    assert_array_equal(same.values, 1 - np.eye(3))


@pytest.mark.parametrize(
    "kwargs", [{}, {"method": "mst"}, {"method": "threshold", "threshold": 0.2}]
)
def test_a_permutation_of_the_tasks_permutes_the_graph(kwargs):
    near = similarity()
    order = np.random.default_rng(1).permutation(near.tasks)
    permuted = task_graph(near.reorder(order), **kwargs)
    assert_allclose(
        permuted.reorder(near.tasks).values, task_graph(near, **kwargs).values
    )


def test_directions_are_averaged():
    S = np.array([[0.0, 0.9, 0.1], [0.1, 0.0, 0.3], [0.3, 0.4, 0.0]])
    graph = task_graph(S, n_neighbors=2)
    assert_allclose(graph.values, (S + S.T) / 2)
    assert not graph.directed


def test_a_table_keeps_its_labels():
    near = similarity()
    order = np.random.default_rng(1).permutation(near.tasks)
    expected = task_graph(near, n_neighbors=2)
    for tasks in (near.tasks, order):
        found = task_graph(near.reorder(tasks).to_frame(), n_neighbors=2)
        assert_array_equal(found.tasks, tasks)
        assert_allclose(found.reorder(near.tasks).values, expected.values)
    numbers = pd.DataFrame(np.eye(3) + 1, index=[30, 10, 20], columns=[30, 10, 20])
    assert_array_equal(task_graph(numbers).tasks, [30, 10, 20])
    with pytest.raises(ValueError, match="other columns than rows"):
        task_graph(numbers[[10, 20, 30]])
    with pytest.raises(ValueError, match="the DataFrame has task labels; drop tasks"):
        task_graph(numbers, tasks=[10, 20, 30])
    twice = pd.DataFrame(np.eye(2), index=["a", "a"], columns=["a", "a"])
    with pytest.raises(ValueError, match="repeats 'a'"):
        task_graph(twice)


def regression(seed=0):
    rng = np.random.default_rng(seed)
    tasks = np.repeat(["d", "a", "c", "b"], 25)
    slope = {"a": 1.0, "b": 1.1, "c": -1.0, "d": -1.1}
    X = rng.normal(size=(100, 3))
    y = X[:, 0] * np.array([slope[t] for t in tasks]) + 0.1 * rng.normal(size=100)
    return X, y, tasks


@pytest.mark.slow
def test_graphs_go_into_penalties():
    """As an array in the order of tasks_, and by label."""
    X, y, tasks = regression()
    model = L21Regressor(0.01).fit(X, y, tasks)
    for near in (
        coefficient_similarity(model),
        prediction_disagreement(model, X),
        excess_risk(model, X, y, tasks),
    ):
        graph = task_graph(near, n_neighbors=1)
        table = graph.to_frame()
        assert table.loc["a", "b"] > 0
        assert table.loc["c", "d"] > 0
        assert table.loc["a", "c"] == table.loc["b", "d"] == 0
        shuffled = table.loc[list("cadb"), list("cadb")]
        for Penalty in (GraphLaplacian, NetworkLasso):
            fits = [
                MultiTaskRegressor(Penalty(g, alpha=0.3), tol=1e-10).fit(X, y, tasks)
                for g in (graph, np.asarray(graph), table, shuffled)
            ]
            for other in fits[1:]:
                assert_allclose(other.coef_, fits[0].coef_, atol=1e-6)
    found = NetworkLassoRegressor(graph=graph, alpha=0.5).fit(X, y, tasks)
    assert_array_equal(found.labels_, [0, 0, 1, 1])


def test_hostile_similarities():
    near = similarity()
    with pytest.raises(ValueError, match="pass threshold="):
        task_graph(near, "threshold")
    for threshold in (np.nan, "low"):
        with pytest.raises(ValueError, match="threshold must be a finite number"):
            task_graph(near, "threshold", threshold=threshold)
    for k in (0, 1.5, True):
        with pytest.raises(ValueError, match="n_neighbors must be an integer >= 1"):
            task_graph(near, n_neighbors=k)
    with pytest.raises(ValueError, match="a TaskMatrix has both"):
        task_graph(near, kind="distance")
    with pytest.raises(ValueError, match=r"shape \(9, 3\)"):
        task_graph(near.values[:, :3])
    with pytest.raises(ValueError, match="2 labels but similarity 9 rows"):
        task_graph(near.values, tasks=["a", "b"])
    broken = near.values.copy()
    broken[1, 2] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity, for instance for 1 and 2"):
        task_graph(broken)
    with pytest.raises(ValueError, match="only 1 task"):
        task_graph([[1.0]])
    with pytest.raises(ValueError, match=r"kind must be .*, got 'near'"):
        task_graph(near.values, kind="near")
    with pytest.raises(ValueError, match=r"method must be .*, got 'all'"):
        task_graph(near, "all")
    X, y, tasks = regression()
    with pytest.raises(ValueError, match="how sure a difference is"):
        task_graph(chow_test(X, y, tasks).matrix())
    diagonal = TaskMatrix(np.diag([np.nan] * 3) + 1.0, list("abc"), "similarity")
    assert_array_equal(task_graph(diagonal).values, 1 - np.eye(3))


def test_task_graphs_go_by_label_into_penalties():
    X, y, tasks = make_multitask_regression(n_tasks=5, random_state=0)
    near = coefficient_similarity(IndependentRegressor("cv").fit(X, y, tasks))
    graph = task_graph(near, method="knn", n_neighbors=1)
    shuffled = graph.reorder([2, 0, 4, 3, 1])
    coefs = [
        MultiTaskRegressor(GraphLaplacian(g, 0.5) + Ridge(0.1)).fit(X, y, tasks).coef_
        for g in (graph, shuffled, graph.to_frame(), np.asarray(graph))
    ]
    for coef in coefs[1:]:
        np.testing.assert_allclose(coef, coefs[0], atol=1e-8)
    without = graph.reorder([0, 1, 2])
    with pytest.raises(ValueError, match="no node for the tasks"):
        MultiTaskRegressor(GraphLaplacian(without)).fit(X, y, tasks)


def test_quadratic_forms_go_by_label():
    X, y, tasks = make_multitask_regression(n_tasks=4, random_state=0)
    A = np.random.default_rng(0).normal(size=(4, 4))
    K = TaskMatrix(A @ A.T, [0, 1, 2, 3], "similarity")
    coefs = [
        TaskQuadraticRegressor(form, 0.5).fit(X, y, tasks).coef_
        for form in (K.values, K, K.reorder([2, 0, 3, 1]), K.to_frame())
    ]
    for coef in coefs[1:]:
        np.testing.assert_allclose(coef, coefs[0], atol=1e-8)
    with pytest.raises(ValueError, match="K has no entry for the tasks"):
        TaskQuadraticRegressor(K.reorder([0, 1, 2])).fit(X, y, tasks)
