"""Penalties over the whole table: prox, dual norm, quadratic forms, parameters."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from cases import PENALTIES, WRONG, chain, names, pairs, task_labels, weights_with_zeros
from helpers.loops import looped
from helpers.matrices import normal, prox
from linmtl import MultiTaskClassifier, MultiTaskRegressor
from linmtl.penalties import (
    L1,
    L21,
    GraphLaplacian,
    MeanRegularized,
    Ridge,
    TraceNorm,
    _quadratic_form,
    compose,
)
from linmtl.penalties._quadratic_form import QuadraticForm

D, T = 5, 4
SHAPES = [(5, 4), (3, 6), (6, 1)]


def build(case, shape=(D, T), s=1.0):
    return compose(case.make(s, *shape), shape[0], np.array(task_labels(shape[1])))


def over(cases):
    return pytest.mark.parametrize("case", cases, ids=names(cases))


def is_square(norm):
    """Whether a penalty is the square of a norm: it then has no dual norm."""
    return norm.dual_terms(np.ones((D, T))).square > 0


# those on W itself; decompositions have tests of their own
DIRECT = [case for case in PENALTIES if build(case).decomposition is None]
NORMS = [
    case
    for case in DIRECT
    # a semi-norm (network lasso) has tests of its own
    if (norm := build(case).norm) is not None and norm.null_form(T) is None
]
SQUARES = [case for case in NORMS if is_square(build(case).norm)]
SEPARABLE = [case for case in NORMS if build(case).norm.row_separable]
QUADRATICS = [case for case in DIRECT if not build(case).quadratic.is_zero]
BY_LABEL = (
    "TaskQuadratic-frame+Ridge",
    "Ridge-dict",
    "Graph-frame",
    "Graph-networkx",
    "TreeGroupL21-labels",
)
every_penalty, every_norm = over(DIRECT), over(NORMS)
every_square = over(SQUARES)
every_norm_itself = over([case for case in NORMS if case not in SQUARES])
every_separable_norm, every_quadratic = over(SEPARABLE), over(QUADRATICS)
every_shape = looped("shape", SHAPES)


def restricted(W, case):
    return case.allowed(W)


def domain(W, case):
    """The nearest point where the penalty is finite."""
    return case.allowed(np.maximum(W, 0.0) if case.positive else W)


# --- values -------------------------------------------------------------------------


@every_penalty
@every_shape
def test_value_is_the_formula(case, shape):
    W = restricted(normal(shape), case)
    expected = case.value(W)
    # that of the general solver
    rtol, atol = (1e-6, 1e-8) if case.minimised else (1e-12, 0.0)
    composite = build(case, shape)
    np.testing.assert_allclose(composite.value(W), expected, rtol=rtol, atol=atol)
    np.testing.assert_allclose(
        build(case, shape, 3.0).value(W), 3 * expected, rtol=rtol, atol=3 * atol
    )
    assert composite.value(np.zeros(shape)) == 0.0
    if case.positive:
        assert composite.value(-W) == np.inf
    if case.excluded(shape[0]).any():
        assert composite.value(W + 1e-9) == np.inf


@over([case for case in DIRECT if case.name not in BY_LABEL])
def test_value_of_the_object_itself(case):
    # those that need no labels can be evaluated on their own
    W = restricted(normal((D, T)), case)
    np.testing.assert_allclose(
        case.make(1.0, D, T).value(W), build(case).value(W), rtol=1e-12
    )


@every_penalty
@every_shape
def test_free_features_are_those_whose_norm_is_zero(case, shape):
    composite = build(case, shape)
    for j in range(shape[0]):
        row = np.zeros(shape)
        row[j] = np.abs(normal(shape[1]))
        value = 0.0 if composite.norm is None else composite.norm.value(row)
        assert composite.free[j] == (value == 0.0)


# --- prox ---------------------------------------------------------------------------


@pytest.mark.product(case=NORMS, shape=SHAPES, step=[1e-6, 0.5, 3.0, 1e3])
def test_prox_minimises_its_objective(case, shape, step):
    norm = build(case, shape).norm
    rng = np.random.default_rng(1)
    for size in (0.1, 1.0, 10.0):
        V = normal(shape, size=size)
        out, _ = prox(norm, V, step)

        def objective(W, V=V):
            return np.sum((W - V) ** 2) / 2 + step * norm.value(W)

        least = objective(out)
        assert np.isfinite(least)
        candidates = [
            np.zeros(shape),
            V,
            0.5 * out,
            1.5 * out,
            norm.prox_naive(V, step),
        ]
        for scale in (1e-5, 1e-3, 1e-1, 1.0):
            candidates += [out + scale * rng.normal(size=shape) for _ in range(5)]
        for W in candidates:
            W = domain(W, case)
            # the objective is strongly convex: it grows by half the squared distance
            margin = np.sum((W - out) ** 2) / 2
            assert objective(W) >= least + margin - 1e-12 * (1 + least)


@pytest.mark.product(case=NORMS, shape=SHAPES, step=[1e-6, 0.5, 3.0, 1e3])
def test_prox_is_its_textbook_formula_and_returns_the_value(case, shape, step):
    norm = build(case, shape).norm
    for size in (0.1, 1.0, 100.0):
        V = normal(shape, size=size)
        before = V.copy()
        out, value = prox(norm, V, step)
        np.testing.assert_array_equal(V, before)
        np.testing.assert_allclose(
            out, norm.prox_naive(V, step), rtol=1e-9, atol=1e-11 * size
        )
        np.testing.assert_allclose(value, norm.value(out), rtol=1e-9, atol=1e-11 * size)
        in_place = V.copy()
        norm.prox(in_place, step, in_place)
        np.testing.assert_array_equal(in_place, out)


@pytest.mark.parametrize(
    "penalty",
    [Ridge(0.3), Ridge([0.3, 0.1, 0.0, 2.0]), MeanRegularized(0.5, 0.1)]
    + [MeanRegularized(0.5), GraphLaplacian(chain(T), 0.4), GraphLaplacian(pairs(T))],
    ids=repr,
)
@pytest.mark.parametrize("step", [1e-6, 1.0, 1e3])
def test_prox_of_a_quadratic_penalty(penalty, step):
    V = normal((D, T))
    out, value = prox(penalty, V, step)
    np.testing.assert_allclose(out, penalty.prox_naive(V, step), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(value, penalty.value(out), rtol=1e-12)
    gradient = penalty.quadratic(np.arange(T)).gradient(out)
    np.testing.assert_allclose(out + step * gradient, V, atol=1e-11 * max(step, 1))


@every_norm
@every_shape
def test_prox_is_nonexpansive(case, shape):
    norm = build(case, shape).norm
    for seed in range(5):
        U, V = normal(shape, seed), normal(shape, seed + 100)
        a, b = prox(norm, U, 1.0)[0], prox(norm, V, 1.0)[0]
        # firmly: the inner product bounds the square of the distance
        assert np.sum((a - b) ** 2) <= np.sum((a - b) * (U - V)) + 1e-12


@every_norm
def test_prox_with_a_step_of_zero_is_the_projection_onto_the_domain(case):
    norm = build(case).norm
    V = normal((D, T))
    expected = domain(V, case)
    np.testing.assert_allclose(prox(norm, V, 0.0)[0], expected, atol=1e-14)


@every_separable_norm
@every_shape
def test_row_separable_prox_takes_one_step_per_row(case, shape):
    norm = build(case, shape).norm
    V = normal(shape)
    step = np.linspace(0.0, 6.0, shape[0])
    out, value = prox(norm, V, step)
    for j in range(shape[0]):
        np.testing.assert_array_equal(out[j], prox(norm, V, float(step[j]))[0][j])
    np.testing.assert_allclose(value, norm.value(out), rtol=1e-12, atol=1e-14)


@every_separable_norm
def test_prox_keeps_nan_visible(case):
    norm = build(case).norm
    for step in (0.1, 1e3):
        V = normal((D, T))
        V[2, 1] = np.nan
        out, _ = prox(norm, V, step)
        assert np.isnan(out[2]).any()
        rows = np.arange(D) != 2
        clean = normal((D, T))
        np.testing.assert_array_equal(out[rows], prox(norm, clean, step)[0][rows])


def test_trace_norm_prox_keeps_the_digits_of_small_singular_values():
    # both branches: by the Gram matrix, and where its digits would not do
    U, _ = np.linalg.qr(normal((7, 3)))
    Q, _ = np.linalg.qr(normal((3, 3), 1))
    for s, threshold in [([5, 3, 1], 2.0), ([1e6, 1.0, 1e-2], 1e-3)]:
        V = (U * s) @ Q.T
        expected = (U * np.maximum(np.array(s) - threshold, 0)) @ Q.T
        for M, W in ((V, expected), (V.T.copy(), expected.T)):
            out, value = prox(TraceNorm(threshold / 2), M, 2.0)
            np.testing.assert_allclose(out, W, rtol=0, atol=1e-14 * max(s))
            np.testing.assert_allclose(value, TraceNorm(threshold / 2).value(W))


# --- dual norm ----------------------------------------------------------------------


@every_norm_itself
@every_shape
def test_dual_norm_bounds_the_inner_product(case, shape):
    composite = build(case, shape)
    norm = build(case, shape).norm
    rng = np.random.default_rng(2)
    for seed in range(5):
        G = normal(shape, seed)
        G[composite.free] = 0.0
        bound = norm.dual_norm(G)
        for _ in range(20):
            W = restricted(rng.normal(size=shape), case)
            W *= rng.uniform(size=(shape[0], 1)) < 0.5
            assert np.sum(G * W) <= bound * norm.value(W) * (1 + 1e-12) + 1e-12


@every_norm_itself
@every_shape
def test_dual_norm_is_attained(case, shape):
    # prox(G, s) is zero exactly when s >= dual_norm(G); where it is not, it is a W with
    # <G, W> >= s * norm(W) > 0
    composite = build(case, shape)
    norm = build(case, shape).norm
    for seed in range(5):
        G = normal(shape, seed)
        G[composite.free] = 0.0
        s = norm.dual_norm(G)
        assert s > 0
        np.testing.assert_allclose(norm.dual_norm(3.0 * G), 3.0 * s, rtol=1e-12)
        assert not prox(norm, G, s * (1 + 1e-12))[0].any()
        W, value = prox(norm, G, s * (1 - 1e-6))
        assert value > 0
        assert np.sum(G * W) >= s * (1 - 1e-6) * value


@every_norm_itself
def test_dual_norm_leaves_out_free_features(case):
    composite = build(case)
    norm = build(case).norm
    G = normal((D, T))
    with_free = norm.dual_norm(G)
    G[composite.free] = 1e9
    assert norm.dual_norm(G) == with_free
    assert norm.dual_norm(np.zeros((D, T))) == 0.0


def test_dual_norm_of_positive_penalties_ignores_negative_directions():
    G = -np.abs(normal((D, T)))
    for norm in (L1(positive=True), L21(positive=True)):
        assert norm.dual_norm(G) == 0.0
    assert build_sum(L1(positive=True) + L21()).dual_norm(G) == 0.0


def build_sum(penalty):
    return compose(penalty, D, np.arange(T)).norm


def test_sparse_group_is_between_its_terms():
    G = normal((D, T))
    l1, l21 = L1(0.3), L21(0.2)
    both = build_sum(l1 + l21).dual_norm(G)
    assert both < min(l1.dual_norm(G), l21.dual_norm(G))
    np.testing.assert_allclose(build_sum(l1 + L21(0.0)).dual_norm(G), l1.dual_norm(G))
    np.testing.assert_allclose(build_sum(L1(0.0) + l21).dual_norm(G), l21.dual_norm(G))


@every_penalty
def test_alpha_max_is_the_dual_norm_at_unit_strength(case):
    labels = np.array(task_labels(T))
    penalty = case.make(1.0, D, T).bind(labels)
    norm = build(case).norm
    G = normal((D, T))
    top = penalty.alpha_max(G)
    if norm is None or is_square(norm):
        assert top == np.inf
    elif not hasattr(penalty, "alpha"):  # a sum: of all its strengths
        np.testing.assert_allclose(top, norm.dual_norm(G))
    else:
        np.testing.assert_allclose(top, penalty.alpha * norm.dual_norm(G))
        # of the strength that the penalty happens to have it does not depend
        nothing = case.make(0.0, D, T).bind(labels)
        assert nothing.alpha_max(G) == pytest.approx(top)


# --- conjugates of squared norms ----------------------------------------------------


@every_square
@every_shape
def test_conjugate_of_a_squared_norm(case, shape):
    norm = build(case, shape).norm
    rng = np.random.default_rng(3)
    for seed in range(5):
        G = normal(shape, seed)
        support_and_norm, square = norm.dual_terms(G)[:2], norm.dual_terms(G).square
        assert support_and_norm == (0.0, 0.0)
        np.testing.assert_allclose(norm.dual_terms(3.0 * G).square, 9.0 * square)
        for size in (0.1, 1.0, 10.0):
            W = size * rng.normal(size=shape)
            value = norm.value(W)
            np.testing.assert_allclose(norm.value(3.0 * W), 9.0 * value)
            assert np.sum(G * W) <= value + square + 1e-12 * (1 + square)
        # with equality where G is a subgradient, which the prox makes it
        for step in (1e-3, 1.0, 1e3):
            W, value = prox(norm, G, step)
            square = norm.dual_terms((G - W) / step).square
            inner = np.sum(W * (G - W)) / step
            np.testing.assert_allclose(value + square, inner, rtol=1e-10)
    assert norm.dual_terms(np.zeros(shape)).square == 0.0


# --- quadratic forms ----------------------------------------------------------------


def dense_rows(quadratic, n_rows):
    """The matrix of each row."""
    matrices = [None] * n_rows
    for rows, form in quadratic.kinds(n_rows):
        for row in rows:
            matrices[row] = form.dense()
    return matrices


def times_rows(quadratic, W):
    matrices = dense_rows(quadratic, len(W))
    return np.stack([w @ K for w, K in zip(W, matrices, strict=True)])


@every_quadratic
@every_shape
def test_gradient_of_the_quadratic_form(case, shape):
    quadratic = build(case, shape).quadratic
    W, direction = normal(shape, 3), normal(shape, 4)
    slope = np.sum(quadratic.gradient(W) * direction)
    # exact for a quadratic form, up to rounding
    above, below = quadratic.value(W + direction), quadratic.value(W - direction)
    np.testing.assert_allclose(slope, (above - below) / 2, rtol=1e-10, atol=1e-12)
    product = times_rows(quadratic, W)
    np.testing.assert_allclose(quadratic.gradient(W), product, atol=1e-12)
    np.testing.assert_allclose(quadratic.value(W), np.sum(W * product) / 2, rtol=1e-12)
    for _, form in quadratic.kinds(shape[0]):
        assert np.linalg.eigvalsh(form.dense())[-1] <= quadratic.top * (1 + 1e-12)
    if quadratic.is_diagonal:
        np.testing.assert_allclose(
            quadratic.dense(), np.diag(quadratic.diagonal), atol=1e-14
        )


# a graph is inverted by eigenvectors, or by a sparse factor of a large one
@pytest.mark.product(case=QUADRATICS, shape=SHAPES, dense_tasks=[0, 2000])
def test_conjugate_of_the_quadratic_form(monkeypatch, case, shape, dense_tasks):
    monkeypatch.setattr(_quadratic_form, "_DENSE_TASKS", dense_tasks)
    quadratic = build(case, shape).quadratic
    W = normal(shape, 5)
    G = quadratic.gradient(W)
    # q*(q'(W)) = q(W): Fenchel-Young with equality
    np.testing.assert_allclose(
        quadratic.conjugate(G), quadratic.value(W), rtol=1e-9, atol=1e-12
    )
    # and with an inequality elsewhere
    for seed in range(5):
        V = normal(shape, seed + 10)
        assert quadratic.value(V) + quadratic.conjugate(G) >= np.sum(G * V) - 1e-10
    np.testing.assert_allclose(
        quadratic.conjugate(0.5 * G), quadratic.conjugate(G) / 4, rtol=1e-9, atol=1e-12
    )


@pytest.mark.product(
    case=QUADRATICS, shape=SHAPES, step=[1e-6, 1.0, 1e6], dense_tasks=[0, 2000]
)
def test_prox_of_the_quadratic_form(monkeypatch, case, shape, step, dense_tasks):
    monkeypatch.setattr(_quadratic_form, "_DENSE_TASKS", dense_tasks)
    quadratic = build(case, shape).quadratic
    V = normal(shape, 6)
    out = quadratic.prox(V, step)
    for rows, form in quadratic.kinds(shape[0]):
        system = np.eye(shape[1]) + step * form.dense()
        expected = np.linalg.solve(system, V[rows].T).T
        np.testing.assert_allclose(out[rows], expected, rtol=1e-7, atol=1e-8)


# by eigenvectors, by sparse factors, by conjugate gradients where those fill up
INVERSES = {
    "dense": {},
    "factors": {"_DENSE_TASKS": 0},
    "gradients": {"_DENSE_TASKS": 0, "_MOST_FILL": 0, "_FEW_FACTORS": 0},
}


@pytest.mark.product(case=QUADRATICS, shape=SHAPES, how=list(INVERSES))
def test_resolvent_of_the_quadratic_form(monkeypatch, case, shape, how):
    for name, value in INVERSES[how].items():
        monkeypatch.setattr(_quadratic_form, name, value)
    quadratic = build(case, shape).quadratic
    V = quadratic.gradient(normal(shape, 6))  # in its range, for a shift of zero
    shift = np.resize([0.0, 1e-3, 1.0, 1.0, 1e3], shape[0])
    for rows, form in quadratic.kinds(shape[0]):
        apply, K = form.resolvent(shift[rows]), form.dense()
        for _ in range(2):  # what is kept serves again
            out = apply(V[rows])
            for v, s, w in zip(V[rows], shift[rows], out, strict=True):
                np.testing.assert_allclose(w @ K + s * w, v, atol=1e-10)


@every_penalty
@every_shape
def test_null_space_is_that_of_the_matrix(case, shape):
    composite = build(case, shape)
    triples = composite.quadratic.null_space(shape[0])
    for row, K in enumerate(dense_rows(composite.quadratic, shape[0])):
        pairs = [pair for rows, *pair in triples if rows[row]]
        basis = [np.zeros((shape[1], 0))]
        for columns, vectors in pairs:
            basis.append(np.zeros((shape[1], vectors.shape[1])))
            basis[-1][columns] = vectors
        basis = np.hstack(basis)
        np.testing.assert_allclose(K @ basis, 0.0, atol=1e-12)
        nullity = shape[1] - np.linalg.matrix_rank(K, tol=1e-10)
        assert basis.shape[1] == nullity
        assert np.linalg.matrix_rank(basis) == nullity
        every_column = np.concatenate([columns for columns, _ in pairs] or [[]])
        assert len(set(every_column.tolist())) == every_column.size


def test_an_edge_of_weight_zero_is_no_edge():
    # Sparse matrices and networkx graphs can hold them; they must join nothing, or
    # the conjugate and the null space disagree and certificates are wrong.
    graph = nx.Graph()
    graph.add_nodes_from("abcd")
    graph.add_edge("a", "b", weight=1.0)
    graph.add_edge("b", "c", weight=0.0)
    graph.add_edge("c", "d", weight=1.0)
    rows, columns = np.array([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    stored = sparse.csr_array(([1.0, 1, 0, 0, 1, 1], (rows, columns)), shape=(4, 4))
    for held in (graph, stored):
        quadratic = GraphLaplacian(held).quadratic(np.array(list("abcd")))
        groups = [columns.tolist() for _, columns, _ in quadratic.null_space(1)]
        assert groups == [[0, 1], [2, 3]]


def test_diagonal_of_a_graph_is_ignored():
    W = normal((D, T))
    penalty = GraphLaplacian(chain(T) + 7.0 * np.eye(T))
    np.testing.assert_allclose(penalty.value(W), GraphLaplacian(chain(T)).value(W))


def test_quadratic_forms_add_up():
    W = normal((D, T))
    terms = [
        QuadraticForm(T, ridge=0.3),
        QuadraticForm(T, ridge=np.arange(4.0)),
        QuadraticForm(T, centred=0.7, mean=0.2),
        QuadraticForm(T, adjacency=sparse.csr_array(chain(T))),
        QuadraticForm(T, adjacency=sparse.csr_array(pairs(T))),
    ]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    np.testing.assert_allclose(total.value(W), sum(term.value(W) for term in terms))
    np.testing.assert_allclose(total.dense(), sum(term.dense() for term in terms))
    assert QuadraticForm(T).is_zero
    assert not total.is_zero


def test_one_task_has_no_deviation_from_the_mean():
    assert MeanRegularized(5.0).quadratic(np.array([0])).is_zero
    quadratic = MeanRegularized(5.0, 2.0).quadratic(np.array([0]))
    np.testing.assert_allclose(quadratic.dense(), [[2.0]])


# --- parameters ---------------------------------------------------------------------


@pytest.mark.slow
@looped("wrong", WRONG)
def test_wrong_parameters_raise_at_fit(wrong):
    X, tasks = normal((20, D)), np.repeat(list("abcd"), 5)
    y = np.tile([0, 1, 0, 1, 0], 4)
    penalty = wrong.make()  # not here: constructors check nothing
    for kind in (MultiTaskClassifier, MultiTaskRegressor):
        model = kind(penalty, task_order=list("abcd"))  # some penalties need an order
        with pytest.raises(wrong.error, match=wrong.match):
            model.fit(X, y, tasks)
        assert not hasattr(model, "coef_")


@every_penalty
def test_penalties_are_estimators(case):
    penalty = case.make(1.0, D, T)
    copy = clone(penalty)
    assert copy is not penalty
    W = restricted(normal((D, T)), case)
    labels = np.array(task_labels(T))
    assert compose(copy, D, labels).value(W) == compose(penalty, D, labels).value(W)
    assert repr(penalty).startswith(type(penalty).__name__ + "(")
    for name in penalty.get_params():
        if name.split("__")[-1] == "alpha":
            copy.set_params(**{name: 0.125})
            assert copy.get_params()[name] == 0.125


def test_repr_of_a_sum():
    penalty = L21(alpha=0.1) + Ridge(alpha=0.01)
    assert repr(penalty) == "Sum(first=L21(alpha=0.1), second=Ridge(alpha=0.01))"


def test_parameters_of_a_sum_are_reached_by_name():
    first, second = L21(0.1), Ridge(0.2)
    penalty = first + second
    assert penalty.first is first
    assert penalty.second is second
    assert penalty.get_params()["first__alpha"] == 0.1
    penalty.set_params(second__alpha=5.0)
    assert second.alpha == 5.0


def test_sum_of_a_list():
    penalties = [L21(0.1), Ridge(0.2), L1(0.3)]
    assert repr(sum(penalties)) == repr(penalties[0] + penalties[1] + penalties[2])
    with pytest.raises(TypeError, match="unsupported operand"):
        1 + L21(0.1)


def test_nested_sums_are_flattened_in_any_order():
    a, b, c, d = L1(0.1), Ridge(0.2), L21(0.3), MeanRegularized(0.4)
    W = normal((D, T))
    for penalty in [((a + b) + c) + d, a + (b + (c + d)), (d + c) + (b + a)]:
        assert {id(term) for term in penalty.terms()} == {id(x) for x in (a, b, c, d)}
        composite = compose(penalty, D, np.arange(T))
        np.testing.assert_allclose(composite.value(W), penalty.value(W))
        np.testing.assert_allclose(
            penalty.value(W), sum(term.value(W) for term in (a, b, c, d))
        )
        np.testing.assert_allclose(
            composite.quadratic.dense(),
            (b + d).second.quadratic(range(T)).dense() + b.quadratic(range(T)).dense(),
        )


def test_only_penalties_are_added():
    with pytest.raises(TypeError, match="unsupported operand"):
        L21() + 1.0
    with pytest.raises(TypeError, match="unsupported operand"):
        L21() + "Ridge"


def test_strength_zero_is_no_norm():
    for penalty in (L1(0.0), L21(0.0), TraceNorm(0.0), L1(0.0) + L21(0.0)):
        composite = compose(penalty, D, np.arange(T))
        assert composite.norm is None
        assert composite.free.all()
    # but its signs stay
    for penalty in (L1(0.0, positive=True), L1(0.0) + L21(0.0, positive=True)):
        composite = compose(penalty, D, np.arange(T))
        assert composite.positive
        assert composite.free.all()


def test_feature_is_free_in_a_sum_only_if_it_is_in_both():
    w = weights_with_zeros(D)
    free = compose(L1(1.0, feature_weight=w) + L21(1.0), D, np.arange(T)).free
    assert not free.any()
    both = L1(1.0, feature_weight=w) + L21(1.0, feature_weight=w)
    np.testing.assert_array_equal(compose(both, D, np.arange(T)).free, w == 0)
