"""The network lasso: its prox and dual norm, clusters, limits, and graphs by label.

Optimality in every layout is tested by the rows of `cases.PENALTIES`.
"""

from __future__ import annotations

import cvxpy as cp
import networkx as nx
import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from cases import chain, frame_chain, network, networkx_chain, pairs, task_labels
from helpers.convex import least
from helpers.data import data_of
from helpers.loops import looped
from helpers.matrices import normal, prox
from helpers.problems import make_problem
from linmtl import (
    IndependentRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    PooledRegressor,
)
from linmtl.path import alpha_grid, alpha_max, mtl_path
from linmtl.penalties import L1, GraphLaplacian, NetworkLasso, Ridge, compose
from linmtl.penalties import _edges as module
from linmtl.penalties._agreement import Agreement

SHAPES = [(5, 4), (3, 7), (1, 6), (8, 3)]


def random_graph(T, seed=0):
    rng = np.random.default_rng(seed)
    A = np.triu(rng.uniform(0.2, 2.0, (T, T)) * (rng.uniform(size=(T, T)) < 0.5), 1)
    return A + A.T


GRAPHS = {
    "complete": lambda T: None,
    "chain": chain,
    "disconnected": pairs,
    "random": random_graph,
}


def dense(graph, T):
    return np.full((T, T), 1.0 / T) if graph is None else graph


every_graph = pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def bound(graph, T, alpha=1.0):
    return NetworkLasso(graph, alpha).bind(np.arange(T))


def balanced(norm, G):
    """G with columns that sum to zero over each component."""
    return G - Agreement(norm.null_form(G.shape[1])).project(G)


# --- prox ---------------------------------------------------------------------------


@every_graph
@every_shape
@looped("step", [1e-6, 0.1, 0.5, 2.0, 1e3])
def test_prox_is_the_textbook_algorithm(make, shape, step):
    for size in (0.1, 1.0, 100.0):
        norm = bound(make(shape[1]), shape[1], 0.7)
        V = normal(shape, size=size)
        before = V.copy()
        out, value = prox(norm, V, step)
        np.testing.assert_array_equal(V, before)
        np.testing.assert_allclose(out, norm.prox_naive(V, step), atol=2e-11 * size)
        np.testing.assert_allclose(value, norm.value(out), rtol=1e-9, atol=1e-11 * size)
        in_place = V.copy()
        norm.prox(in_place, step, in_place)
        np.testing.assert_allclose(in_place, out, rtol=1e-12, atol=1e-13 * size)


@every_graph
@every_shape
@pytest.mark.parametrize("step", [0.1, 0.5, 2.0])
def test_prox_minimises_its_objective(make, shape, step):
    norm = bound(make(shape[1]), shape[1])
    V, rng = normal(shape), np.random.default_rng(1)
    out, _ = prox(norm, V, step)

    def objective(W):
        return np.sum((W - V) ** 2) / 2 + step * norm.value(W)

    for scale in (1e-6, 1e-4, 1e-2, 1.0):
        for _ in range(5):
            W = out + scale * rng.normal(size=shape)
            # strongly convex: it grows by half the squared distance
            grown = objective(W) - objective(out) - np.sum((W - out) ** 2) / 2
            assert grown >= -1e-11


@every_graph
def test_prox_from_a_solution_nearby_is_that_from_nothing(make):
    # flows of the last prox start the next, at whatever step and point
    T = 6
    warm = bound(make(T), T)
    for seed, step in enumerate([0.1, 1.0, 1.0, 3.0, 0.3, 1e-3, 1e2]):
        V = normal((4, T)) + 0.1 * normal((4, T), seed + 1)
        expected, _ = prox(bound(make(T), T), V, step)
        np.testing.assert_allclose(prox(warm, V, step)[0], expected, atol=1e-10)
    V = normal((2, T))  # and another number of features
    expected, _ = prox(bound(make(T), T), V, 0.5)
    np.testing.assert_allclose(prox(warm, V, 0.5)[0], expected, atol=1e-10)


def test_prox_joins_columns_exactly():
    centres = normal((6, 3), size=3.0)
    V = centres[:, [0, 1, 2, 0, 1, 2, 0, 1]] + 0.05 * normal((6, 8), 1)
    norm = bound(None, 8)
    out, _ = prox(norm, V, 1.0)
    assert len(np.unique(out, axis=1).T) == 3
    np.testing.assert_array_equal(out[:, 0], out[:, 6])
    labels = norm.fitted_attributes(out, {}, np.arange(8))["labels_"]
    np.testing.assert_array_equal(labels, [0, 1, 2, 0, 1, 2, 0, 1])


@pytest.mark.slow
@every_graph
@every_shape
@looped("effort", [(100_000, 0), (0, 500)])
@looped("step", [1e-6, 0.1, 0.5, 2.0, 1e3])
def test_each_method_alone_is_the_textbook_algorithm(make, shape, effort, step):
    norm, V = bound(make(shape[1]), shape[1]), normal(shape)
    Wt, flow = norm.edges.shrink(V, step, None, effort)
    np.testing.assert_allclose(Wt.T, norm.prox_naive(V, step), atol=2e-11)
    # and its flow is a certificate: no longer than allowed, with this net
    assert np.all(np.linalg.norm(flow, axis=1) <= norm.edges.weight * (1 + 1e-12))
    net = step * (norm.edges.incidence @ flow)
    np.testing.assert_allclose(V.T - net, Wt, atol=2e-11)


@pytest.mark.parametrize("effort", [(200, 500), (0, 500)], ids=["both", "newton"])
def test_prox_of_many_tasks_by_sparse_factors(monkeypatch, effort):
    graph = random_graph(12)
    V = normal((4, 12))
    expected, _ = prox(bound(graph, 12), V, 0.4)
    monkeypatch.setattr(module, "is_dense", lambda A: False)
    Wt, _ = bound(graph, 12).edges.shrink(V, 0.4, None, effort)
    np.testing.assert_allclose(Wt.T, expected, atol=1e-11)


@every_graph
@pytest.mark.parametrize("T", [2, 7])
@pytest.mark.parametrize("dense", [False, True])
def test_steps_of_edges_are_no_longer_than_convergence_allows(
    make, T, dense, monkeypatch
):
    monkeypatch.setattr(module, "is_dense", lambda A: dense)
    edges = bound(make(T), T).edges
    if edges.n_edges == 0:
        assert edges._step_sizes.size == 0
        return
    root = np.sqrt(edges._step_sizes)
    B = edges.incidence.toarray() * root
    top = np.linalg.eigvalsh(B.T @ B)[-1]
    assert top <= 1 + 1e-12
    if dense:
        assert top >= 1 - 1e-12


@pytest.mark.slow
def test_prox_of_a_long_chain_needs_both_methods():
    T = 150
    V = normal((3, T)) + 5.0 * np.sin(np.arange(T) / 20)
    edges = bound(chain(T), T).edges
    alone, _ = edges.shrink(V, 20.0, None, (200, 0))
    Wt, flow = edges.shrink(V, 20.0, None)
    assert np.abs(alone - Wt).max() > 1e-6
    # the gap of the prox bounds the squared distance to the solution
    slack = edges._distances(Wt) * 20.0 * edges.weight
    i, j = edges.ends
    slack -= 20.0 * np.sum(flow * (Wt[i] - Wt[j]), axis=1)
    assert -1e-13 <= slack.sum() <= 1e-8
    np.testing.assert_allclose(V.T - 20.0 * (edges.incidence @ flow), Wt, atol=1e-9)


def test_prox_keeps_nan_visible():
    V = normal((3, 4))
    V[1, 2] = np.nan
    assert np.isnan(prox(bound(None, 4), V, 1.0)[0]).any()


@every_graph
def test_prox_does_not_move_a_shift_and_is_equivariant(make):
    T, norm = 5, None
    V, shift = normal((4, T)), normal((4, 1), 1)
    Q, _ = np.linalg.qr(normal((4, 4), 2))
    expected, _ = prox(bound(make(T), T), V, 0.5)
    for transform in (lambda W: W + shift, lambda W: Q @ W, lambda W: W[::-1]):
        norm = bound(make(T), T)
        out, _ = prox(norm, transform(V), 0.5)
        np.testing.assert_allclose(out, transform(expected), atol=1e-10)


# --- dual norm ----------------------------------------------------------------------


def smallest_flow(G, A):
    """The dual norm by a general solver: the least congestion of a flow."""
    T = G.shape[1]
    edges = [(i, j) for i in range(T) for j in range(i + 1, T) if A[i, j]]
    B = np.zeros((T, len(edges)))
    for e, (i, j) in enumerate(edges):
        B[i, e], B[j, e] = 1.0, -1.0
    U = cp.Variable((len(G), len(edges)))
    weight = np.array([A[i, j] for i, j in edges])
    most = cp.max(cp.multiply(1.0 / weight, cp.norm(U, 2, axis=0)))
    return least(most, [U @ B.T == G])


@every_graph
@every_shape
@pytest.mark.slow
def test_dual_norm_is_the_least_congestion(make, shape):
    T = shape[1]
    norm = bound(make(T), T, 0.3)
    for seed in range(2):
        G = balanced(norm, normal(shape, seed))
        expected = smallest_flow(G, dense(make(T), T)) / 0.3
        np.testing.assert_allclose(norm.dual_norm(G), expected, rtol=1e-6)
        np.testing.assert_allclose(norm.dual_norm(3 * G), 3 * norm.dual_norm(G))


@every_graph
def test_dual_norm_bounds_the_inner_product_and_is_attained(make):
    T = 6
    norm = bound(make(T), T)
    G = balanced(norm, normal((3, T)))
    s = norm.dual_norm(G)
    for seed in range(20):
        W = normal((3, T), seed + 1)
        assert np.sum(G * W) <= s * norm.value(W) * (1 + 1e-12)
    W, value = prox(norm, G, s * (1 - 1e-4))
    assert np.sum(G * W) >= s * (1 - 1e-4) * value > 0
    # from there on all that is left is the mean of each component, zero
    assert np.abs(prox(norm, G, s * (1 + 1e-6))[0]).max() <= 1e-9


@pytest.mark.slow
@every_graph
@pytest.mark.parametrize("factor", [0.2, 0.999, 1.0, 1.001, 1.3, 30.0])
def test_certificate_is_a_bound_that_is_close_near_one(make, factor):
    T = 6
    norm = bound(make(T), T, 0.4)
    G = balanced(norm, normal((3, T)))
    G *= factor / norm.dual_norm(G)
    bound_of = norm.dual_terms(G).norm
    # nothing is gained by knowing how far below 1 it is, or how far beyond 2
    most = factor + 0.2 * (factor - 1) if factor < 2 else 2 * factor
    assert factor * (1 - 1e-9) <= bound_of <= max(most, 1 + 1e-4)


@every_graph
@pytest.mark.parametrize("step", [0.01, 0.3, 3.0])
@pytest.mark.slow
def test_certificate_by_the_flow_of_a_prox(make, step):
    # where the prox is the solution the flow closes the gap; elsewhere it is a bound
    T = 6
    norm, V = bound(make(T), T, 0.7), normal((3, T))
    out, _ = prox(norm, V, step)
    D = (V - out) / step
    found = norm.dual_terms(D).norm
    assert found <= 1 + 1e-8
    assert found >= 1 - 1e-8 or norm.value(out) <= 1e-9  # all tasks joined
    for seed, factor in enumerate([0.5, 1.0, 1.1, 3.0]):
        G = balanced(norm, factor * D + 0.3 * normal((3, T), seed + 1))
        exact = bound(make(T), T, 0.7).dual_norm(G)
        found = norm.dual_terms(G).norm
        assert exact * (1 - 1e-9) <= found
        assert found <= max(1.0, exact + 0.5 * (exact - 1.0))


def test_dual_norm_of_an_unbalanced_gradient_is_infinite():
    norm = bound(pairs(4), 4)
    G = normal((3, 4))
    assert norm.dual_norm(G) == np.inf
    assert norm.dual_norm(G - G.mean(axis=1, keepdims=True)) == np.inf
    assert norm.dual_norm(balanced(norm, G)) < np.inf
    assert norm.dual_norm(np.zeros((3, 4))) == 0.0


# --- models -------------------------------------------------------------------------


def test_value_counts_every_edge_once():
    W = normal((3, 5))
    for graph in (None, chain(5), random_graph(5)):
        A = dense(graph, 5)
        expected = 0.7 * network(cp.Constant(W), A).value
        np.testing.assert_allclose(NetworkLasso(graph, 0.7).value(W), expected)
    loops = chain(5) + np.diag(np.arange(5.0))
    assert NetworkLasso(loops).value(W) == NetworkLasso(chain(5)).value(W)


@pytest.mark.parametrize("make", [networkx_chain, frame_chain], ids=["nx", "frame"])
def test_graphs_go_by_task_label(make):
    problem = make_problem()
    first = problem.fit(NetworkLasso(make(4), 0.1))
    second = problem.fit(NetworkLasso(chain(4), 0.1))
    third = problem.fit(NetworkLasso(sparse.coo_array(chain(4)), 0.1))
    np.testing.assert_allclose(first.coef_, second.coef_, atol=1e-6)
    np.testing.assert_allclose(third.coef_, second.coef_, atol=1e-6)


def test_messages_name_the_penalty():
    problem = make_problem()
    with pytest.raises(ValueError, match="NetworkLasso: graph has no node for"):
        problem.fit(NetworkLasso(nx.Graph([("a", "b")])))
    with pytest.raises(ValueError, match="NetworkLasso: graph must be symmetric"):
        problem.fit(NetworkLasso(np.triu(chain(4))))
    with pytest.raises(ValueError, match="GraphLaplacian: graph must be symmetric"):
        problem.fit(GraphLaplacian(np.triu(chain(4))))
    with pytest.raises(ValueError, match=r"NetworkLasso: graph is 0\.5; pass an"):
        problem.fit(NetworkLasso(0.5))
    with pytest.raises(ValueError, match=r"L1 \+ NetworkLasso has no known proximal"):
        problem.fit(L1(0.1) + NetworkLasso())


def planted(n_tasks=12, n_clusters=3, d=6, n=40, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    label = np.arange(n_tasks) % n_clusters
    W = rng.normal(size=(d, n_clusters))[:, label]
    return *data_of(W, n, noise, seed + 1), label


def likely(label):
    """A graph that joins tasks of one cluster strongly and all others weakly."""
    A = np.where(label[:, None] == label, 0.25, 0.005)
    return A - np.diag(np.diag(A))


def test_labels_are_planted_clusters():
    X, y, tasks, label = planted()
    penalty = NetworkLasso(likely(label), alpha=0.5)
    model = MultiTaskRegressor(penalty, tol=1e-6).fit(X, y, tasks)
    np.testing.assert_array_equal(model.labels_, label)
    for k in range(3):
        members = model.coef_[label == k]
        np.testing.assert_array_equal(members, np.repeat(members[:1], 4, axis=0))
    # tasks that no edge joins are apart, though their coefficients be alike
    alone = MultiTaskRegressor(NetworkLasso(pairs(12), 0.2), tol=1e-6).fit(X, y, tasks)
    assert len(np.unique(alone.labels_)) == 12


def test_labels_of_a_classifier_and_of_a_sum():
    X, y, tasks, label = planted(n=60)
    penalty = NetworkLasso(likely(label), alpha=0.2) + Ridge(1e-3)
    model = MultiTaskClassifier(penalty, tol=1e-6).fit(X, y > 0, tasks)
    assert model.converged_
    np.testing.assert_array_equal(model.labels_, label)
    same = model.fit(X, y > 0, tasks).set_params(penalty=Ridge(1e-3))
    assert not hasattr(same.fit(X, y > 0, tasks), "labels_")


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_without_strength_tasks_are_independent(loss):
    problem = make_problem(loss)
    model = problem.fit(NetworkLasso(None, 0.0))
    np.testing.assert_allclose(
        model.coef_, problem.fit(Ridge(0.0)).coef_, rtol=1e-6, atol=1e-8
    )
    np.testing.assert_array_equal(model.labels_, np.arange(4))
    if loss == "squared":
        options = {"alpha": 0.0, "tol": 1e-10}
        alone = IndependentRegressor(**options).fit(problem.X, problem.y, problem.tasks)
        np.testing.assert_allclose(model.coef_, alone.coef_, rtol=1e-6)


def test_without_edges_tasks_are_independent():
    problem = make_problem()
    model = problem.fit(NetworkLasso(np.zeros((4, 4)), 1.0))
    np.testing.assert_allclose(model.coef_, problem.fit(Ridge(0.0)).coef_, rtol=1e-6)


def test_strong_enough_it_pools_each_component():
    problem = make_problem()
    X, y, tasks = problem.X, problem.y, problem.tasks
    model = problem.fit(NetworkLasso(pairs(4), 1e3), tol=1e-12)
    np.testing.assert_array_equal(model.labels_, [0, 0, 1, 1])
    for members in (["a", "b"], ["c", "d"]):
        rows = np.isin(tasks, members)
        pooled = PooledRegressor(
            alpha=0.0, task_intercepts=True, task_weight=[1.0, 1.0], tol=1e-12
        ).fit(X[rows], y[rows], tasks[rows])
        chosen = np.isin(model.tasks_, members)
        np.testing.assert_allclose(model.coef_[chosen], pooled.coef_, atol=1e-5)
        np.testing.assert_allclose(
            model.intercept_[chosen], pooled.intercept_, atol=1e-5
        )


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("make", [chain, pairs], ids=["chain", "pairs"])
def test_grid_starts_where_tasks_agree(loss, make):
    problem = make_problem(loss)
    data = problem.X, problem.y, problem.tasks
    penalty = NetworkLasso(make(4), 5.0)
    assert alpha_max(*data, penalty=penalty, loss=loss) == np.inf
    top = alpha_grid(*data, penalty=penalty, loss=loss)[0]
    components = [0, 0, 0, 0] if make is chain else [0, 0, 1, 1]
    above = problem.fit(NetworkLasso(make(4), 1.001 * top))
    np.testing.assert_array_equal(above.labels_, components)
    below = problem.fit(NetworkLasso(make(4), 0.99 * top))
    assert below.labels_.max() > max(components)


@pytest.mark.slow
def test_path_goes_from_one_model_to_one_for_each_task():
    X, y, tasks, label = planted(n_tasks=6)
    penalty = NetworkLasso(likely(label))
    _, coefs, gaps = mtl_path(
        X, y, tasks, penalty=penalty, alphas=10, eps=1e-4, tol=1e-8
    )
    distinct = [len(np.unique(coefs[:, :, k].round(5), axis=0)) for k in range(10)]
    assert distinct[0] == 1
    assert 3 in distinct
    assert distinct[-1] == 6
    assert np.all(gaps >= 0)


@pytest.mark.slow
def test_strength_by_cross_validation_finds_the_clusters():
    X, y, tasks, label = planted(n=20, noise=1.5)
    model = MultiTaskRegressorCV(NetworkLasso(likely(label)), alphas=10, tol=1e-5)
    np.testing.assert_array_equal(model.fit(X, y, tasks).labels_, label)


def test_warm_start_and_refit_give_the_same_solution():
    problem = make_problem()
    penalty = NetworkLasso(chain(4), 0.1)
    first = problem.fit(penalty)
    second = problem.fit(penalty)
    np.testing.assert_array_equal(first.coef_, second.coef_)
    warm = problem.estimator(penalty, warm_start=True)
    for _ in range(2):
        warm.fit(problem.X, problem.y, problem.tasks)
    assert warm.n_iter_ <= first.n_iter_
    np.testing.assert_allclose(warm.objective_, first.objective_, rtol=1e-8)


def test_order_of_tasks_does_not_matter():
    problem = make_problem()
    labels = task_labels(4)
    order = [2, 0, 3, 1]
    A = chain(4)
    first = problem.fit(NetworkLasso(A, 0.1))
    second = problem.fit(
        NetworkLasso(A[np.ix_(order, order)], 0.1),
        task_order=[labels[t] for t in order],
    )
    np.testing.assert_allclose(second.coef_, first.coef_[order], atol=1e-5)


def test_large_and_small_targets():
    problem = make_problem()
    expected = problem.fit(NetworkLasso(chain(4), 0.1))
    for scale in (1e-6, 1e6):
        model = problem.estimator(NetworkLasso(chain(4), 0.1 * scale))
        model.fit(problem.X, scale * problem.y, problem.tasks)
        assert model.converged_
        np.testing.assert_allclose(model.coef_ / scale, expected.coef_, atol=1e-5)
        np.testing.assert_array_equal(model.labels_, expected.labels_)


def test_solver_admm_says_what_it_lacks():
    problem = make_problem()
    with pytest.raises(ValueError, match="admm' needs a norm that is zero at zero"):
        problem.fit(NetworkLasso(), solver="admm")


def test_composed_penalty_is_free_where_no_edge_is():
    labels = np.arange(3)
    assert compose(NetworkLasso(), 4, labels).norm is not None
    assert compose(NetworkLasso(np.eye(3)), 4, labels).norm is None
    assert compose(NetworkLasso(), 4, labels[:1]).norm is None


def test_components_are_those_of_scipy():
    rng = np.random.default_rng(0)
    for _ in range(30):
        n = int(rng.integers(2, 12))
        A = np.triu(rng.random((n, n)) < rng.uniform(0.05, 0.3), 1)
        edges = module.Edges(sparse.csr_array(A + A.T + 0.0), n)
        chosen = rng.random(edges.n_edges) < 0.7
        graph = np.zeros((n, n))
        graph[edges.ends[0][chosen], edges.ends[1][chosen]] = 1.0
        count, label = connected_components(graph, directed=False)
        found = edges._joined(chosen)
        assert found[0] == count
        np.testing.assert_array_equal(found[1], label)
