"""Norms of rows and groups: Linf1, GroupL21, TreeGroupL21, Fused and its sums."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage

from helpers.convex import least
from helpers.matrices import normal, prox
from linmtl import MultiTaskRegressor
from linmtl.penalties import (
    L1,
    L21,
    Fused,
    FusedSparseGroup,
    GraphLaplacian,
    GroupL21,
    Linf1,
    Ridge,
    TemporalGroup,
    TreeGroupL21,
    compose,
)
from linmtl.penalties._fused import FusedSparseRows

TREE = [([0, 1, 2, 3], 0.5), ([0, 1], 0.8), ([2, 3], 0.0), [2], ([3], 0.3), [0]]
# weight 0 around groups, and a task beside the largest one
FOREST = [([0, 1, 2], 0.0), ([0, 1], 0.7), [2]]
COMPOSITIONS = [
    FusedSparseRows(L1(0.3), Fused(0.4), L21(0.2)),
    FusedSparseRows(L1(0.3), Fused(0.4), None),
    FusedSparseRows(None, Fused(0.4), L21(0.2)),
    FusedSparseRows(L1(1e-6), Fused(4.0), None),
    FusedSparseRows(L1(0.0), Fused(0.0), L21(0.2)),
]
LINES = np.array([[0.1, 0.9, 0.5, 2.0, 0.4]]).T
TREES = [
    TreeGroupL21(alpha=0.7),
    TreeGroupL21(TREE, 0.7),
    TreeGroupL21(FOREST, 0.7),
    TreeGroupL21(linkage(LINES, "average"), 0.7),
]


def difficult(shape, rng):
    """Points with ties, zeros, trends and entries of any size."""
    for k in range(40):
        V = rng.normal(size=shape) * 10.0 ** rng.uniform(-3, 3)
        if k % 2:
            V = np.round(V / np.abs(V).max() * 3) * 2.0 ** rng.integers(-5, 5)
        if k % 3 == 0:
            V = np.cumsum(V, axis=1)
        if k % 5 == 0:
            V[rng.uniform(size=shape) < 0.5] = 0.0
        yield V


def every(penalties):
    return pytest.mark.parametrize("penalty", penalties, ids=repr)


# --- the largest entry of a row -----------------------------------------------------


@pytest.mark.parametrize("T", [1, 2, 7, 60])
def test_what_the_prox_of_linf1_takes_off_is_a_projection(T):
    rng = np.random.default_rng(0)
    weight = np.array([1.0, 0.0, 2.5, 0.7])
    for V in difficult((4, T), rng):
        size = np.abs(V).max() + 1e-300
        alpha = size * rng.choice([1e-6, 0.5, 3.0])
        penalty = Linf1(alpha, feature_weight=weight)
        out, value = prox(penalty, V)
        taken = V - out
        radius = alpha * weight
        taken_size = np.abs(taken).sum(axis=1)
        expected = np.minimum(radius, np.abs(V).sum(axis=1))
        np.testing.assert_allclose(taken_size, expected, rtol=1e-9, atol=1e-14 * size)
        # of the rows that are left every entry taken from is at the largest of the row
        top = np.abs(out).max(axis=1, keepdims=True)
        at_top = np.isclose(np.abs(out), top, rtol=1e-14, atol=0)
        assert np.all(at_top[taken != 0])
        assert np.all(taken * V >= 0)
        np.testing.assert_allclose(value, penalty.value(out), rtol=1e-14)


def test_linf1_of_one_task_is_l1():
    V = normal((6, 1))
    np.testing.assert_allclose(prox(Linf1(0.3), V)[0], prox(L1(0.3), V)[0])
    assert Linf1(0.3).dual_norm(V) == L1(0.3).dual_norm(V)


def test_linf1_of_extreme_rows():
    V = np.array([[np.nan, 1.0], [np.inf, 1.0], [3.0, 3.0], [1e-320, 0.0]])
    out, _ = prox(Linf1(1.0), V)
    assert np.isnan(out[0]).all()
    np.testing.assert_array_equal(out[1:], [[np.inf, 1.0], [2.5, 2.5], [0.0, 0.0]])
    assert not prox(Linf1(1.0), V[2:], np.inf)[0].any()


# --- groups of features -------------------------------------------------------------


def test_groups_of_features_in_every_form():
    W = normal((5, 3))
    labels = ["b", "a", "b", "a", "c"]  # sorted: a, b, c
    lists = [[1, 3], (0, 2), np.array([4])]
    weight = np.array([0.5, 2.0, 0.0])
    by_label = dict(zip("abc", weight, strict=True))
    penalties = [
        GroupL21(labels, 0.3, group_weight=weight),
        GroupL21(labels, 0.3, group_weight={**by_label, "more": 9.0}),
        GroupL21(np.array(labels, dtype=object), 0.3, group_weight=by_label),
        GroupL21([7, 3, 7, 3, 11], 0.3, group_weight=weight),
        GroupL21(lists, 0.3, group_weight=weight),
        GroupL21(lists, 0.3, group_weight=dict(enumerate(weight))),
    ]
    norms = [np.linalg.norm(W[list(g)]) for g in lists]
    expected = 0.3 * (0.5 * norms[0] + 2.0 * norms[1])
    for penalty in penalties:
        for form in (penalty, penalty.bind(np.arange(3))):
            form.check(5, np.arange(3))
            np.testing.assert_allclose(form.value(W), expected)
            np.testing.assert_array_equal(form.free_rows(5), np.arange(5) == 4)
            np.testing.assert_allclose(
                form.dual_norm(W), max(norms[0] / 0.15, norms[1] / 0.6)
            )
            out, value = prox(form, W)
            np.testing.assert_array_equal(out, prox(penalties[0], W)[0])
            np.testing.assert_allclose(value, form.value(out))


def test_group_weights_are_square_roots_of_sizes_by_default():
    W = normal((5, 3))
    expected = np.sqrt(3) * np.linalg.norm(W[:3]) + np.sqrt(2) * np.linalg.norm(W[3:])
    np.testing.assert_allclose(GroupL21([0, 0, 0, 1, 1]).value(W), expected)


@pytest.mark.parametrize("groups", [None, [[0], [1], [2], [3], [4]], list("abcde")])
def test_groups_of_one_feature_are_l21(groups):
    V = normal((5, 3))
    penalty = GroupL21(groups, 0.8)
    np.testing.assert_allclose(penalty.value(V), L21(0.8).value(V))
    np.testing.assert_allclose(prox(penalty, V)[0], prox(L21(0.8), V)[0])
    np.testing.assert_allclose(penalty.dual_norm(V), L21(0.8).dual_norm(V))


def test_groups_are_used_or_not_as_a_whole():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(60, 6)), rng.normal(size=(60, 3))
    Y += X[:, :2] @ rng.normal(size=(2, 3))
    groups = ["signal", "signal", "noise", "noise", "noise", "noise"]
    penalty = GroupL21(groups, 0.35)
    coef = MultiTaskRegressor(penalty, tol=1e-10).fit(X, Y).coef_
    assert np.all(coef[:, :2] != 0)
    assert not coef[:, 2:].any()
    # the groups move along with the columns
    order = rng.permutation(6)
    moved = GroupL21([groups[j] for j in order], 0.35)
    model = MultiTaskRegressor(moved, tol=1e-10).fit(X[:, order], Y)
    np.testing.assert_allclose(model.coef_, coef[:, order], atol=1e-5)


# --- trees of tasks -----------------------------------------------------------------


def test_trees_with_one_level_are_l21_and_l1():
    V = normal((6, 5))
    for tree, norm in [
        (None, L21(0.7)),
        ([range(5)], L21(0.7)),
        ([], L1(0.7)),  # every task gets a group of its own
        ([[0], [1], [2], [3], [4]], L1(0.7)),
    ]:
        penalty = TreeGroupL21(tree, 0.7)
        np.testing.assert_allclose(penalty.value(V), norm.value(V))
        np.testing.assert_allclose(prox(penalty, V)[0], prox(norm, V)[0], atol=1e-15)
        np.testing.assert_allclose(penalty.dual_norm(V), norm.dual_norm(V))
    # all tasks and each on its own: the sparse group lasso
    both = compose(L1(0.2) + L21(0.5), 6, np.arange(5)).norm
    tree = [(range(5), 0.5), *[([t], 0.2) for t in range(5)]]
    np.testing.assert_allclose(prox(TreeGroupL21(tree), V)[0], prox(both, V)[0])
    np.testing.assert_allclose(TreeGroupL21(tree).dual_norm(V), both.dual_norm(V))


@every(TREES)
def test_prox_over_a_tree_is_optimal(penalty):
    V = normal((3, 5))
    for step in (0.1, 1.0, 3.0):
        W = cp.Variable(V.shape)
        formula = sum(
            weight * cp.sum(cp.norm(W[:, sorted(members)], 2, axis=1))
            for members, weight in written_out(penalty.tree)
        )
        optimum = least(cp.sum_squares(W - V) / 2 + step * 0.7 * formula)
        out, value = prox(penalty, V, step)
        ours = np.sum((out - V) ** 2) / 2 + step * value
        assert abs(ours - optimum) <= 1e-7 * optimum
        np.testing.assert_allclose(out, W.value, atol=1e-3)


def written_out(tree, n_tasks=5):
    """Groups and weights as the documentation has them."""
    if tree is None:
        return [(set(range(n_tasks)), 1.0)]
    if isinstance(tree, np.ndarray):
        return by_recursion(tree)
    groups = [g if isinstance(g, tuple) else (g, 1.0) for g in tree]
    rest = set(range(n_tasks)).difference(*(members for members, _ in groups))
    return groups + [({t}, 1.0) for t in rest]


def by_recursion(Z):
    """From the root: (1 - s) on the node, s on the sum over its children."""
    T = len(Z) + 1

    def below(v, factor):
        if v < T:
            return [({v}, factor)]
        s = Z[v - T, 2] / Z[-1, 2]
        children = below(int(Z[v - T, 0]), factor * s)
        children += below(int(Z[v - T, 1]), factor * s)
        members = set().union(*(m for m, _ in children))
        return [*children, (members, factor * (1 - s))]

    return below(2 * T - 2, 1.0)


@pytest.mark.parametrize("method", ["average", "complete", "single", "centroid"])
def test_weights_of_a_linkage_add_up_to_one_over_each_task(method):
    Z = linkage(normal((7, 3)), method)
    penalty = TreeGroupL21(Z)
    # of a row with one entry every group of its task is the absolute value
    np.testing.assert_allclose(
        [penalty.value(row[None]) for row in 3.0 * np.eye(7)], 3.0, rtol=1e-12
    )
    # groups of tasks that merge early share their features
    assert penalty.value(np.ones((1, 7))) < 7.0


def test_identical_tasks_have_one_group():
    Z = linkage(np.zeros((4, 2)))
    V = normal((3, 4))
    np.testing.assert_allclose(TreeGroupL21(Z).value(V), L21().value(V))


def test_trees_go_by_task_label():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 4)), rng.normal(size=80)
    tasks = np.resize(["d", "b", "a", "c"], 80)
    tree = [(["a", "c", "b"], 0.5), (("c", "a"), 0.6)]
    positions = [([0, 2, 1], 0.5), ([2, 0], 0.6)]
    penalty = TreeGroupL21(tree, 0.03)
    composed = compose(penalty, 4, np.array(list("abcd"))).norm
    W = normal((4, 4))
    assert composed.value(W) == TreeGroupL21(positions, 0.03).value(W)
    fits = [
        MultiTaskRegressor(penalty, tol=1e-10).fit(X, y, labels).coef_
        for penalty, labels in [
            (penalty, tasks),
            (TreeGroupL21(positions, 0.03), np.char.find("abcd", tasks)),
        ]
    ]
    np.testing.assert_array_equal(*fits)
    with pytest.raises(ValueError, match="tree names the tasks"):
        penalty.value(W)  # it has no labels


# --- differences of consecutive tasks -----------------------------------------------


@pytest.mark.parametrize("T", [1, 2, 3, 8, 31])
def test_total_variation_satisfies_its_optimality_conditions(T):
    rng = np.random.default_rng(T)
    for V in difficult((6, T), rng):
        size = np.abs(V).max() + 1e-300
        for strength in size * np.array([0.0, 1e-5, 0.1, 1.0, 30.0]):
            x, value = prox(Fused(strength), V)
            # the running sums of V - x stay within the strength, on the side where x
            # changes, and end at zero
            dual = np.cumsum(V - x, axis=1)
            slack = 1e-13 * T * (size + strength)
            np.testing.assert_allclose(dual[:, -1], 0.0, atol=slack)
            change = np.diff(x, axis=1)
            moving = np.abs(change) > slack
            assert np.all(np.abs(dual[:, :-1]) <= strength + slack)
            side = -strength * np.sign(change)
            np.testing.assert_allclose(
                dual[:, :-1][moving], side[moving], atol=slack, rtol=0
            )
            np.testing.assert_allclose(value, Fused(strength).value(x))


@every(COMPOSITIONS)
def test_prox_of_compositions_is_optimal(penalty):
    V = normal((4, 6))
    entry, fused, row = (strength[0] for strength in penalty.strengths(4))
    for step in (0.1, 1.0, 3.0):
        W = cp.Variable(V.shape)
        formula = (
            entry * cp.sum(cp.abs(W))
            + fused * cp.sum(cp.abs(cp.diff(W, axis=1)))
            + row * cp.sum(cp.norm(W, 2, axis=1))
        )
        optimum = least(cp.sum_squares(W - V) / 2 + step * formula)
        out, value = prox(penalty, V, step)
        ours = np.sum((out - V) ** 2) / 2 + step * value
        assert abs(ours - optimum) <= 1e-7 * optimum
        np.testing.assert_allclose(out, W.value, atol=1e-3)


@every([FusedSparseRows(L1(0.3), Fused(0.4), L21(0.2)), Fused(0.4)])
def test_a_long_row(penalty):
    # knots of many segments, in time that grows with the length only
    V = np.cumsum(normal((2, 20_000), seed=3), axis=1)
    out, value = prox(penalty, V)
    np.testing.assert_allclose(value, penalty.value(out))
    assert np.sum(np.diff(out, axis=1) != 0) > 1000
    short = V[:, :300]
    np.testing.assert_allclose(
        prox(penalty, short)[0], penalty.prox_naive(short, 1.0), atol=1e-10
    )


@every([*COMPOSITIONS, *TREES[:1], TREES[-1], Fused(0.4), Linf1(0.4)])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_ends_and_harms_no_other(penalty, bad):
    V = normal((3, 5))
    clean, _ = prox(penalty, V)
    for t in range(5):
        for step in (1e-3, 1.0, 1e6):
            broken = V.copy()
            broken[1, t] = bad
            with np.errstate(invalid="ignore"):
                out, _ = prox(penalty, broken, np.array([1.0, step, 1.0]))
            np.testing.assert_array_equal(out[[0, 2]], clean[[0, 2]])
            if np.isnan(bad):
                assert np.isnan(out[1]).any()
        if not isinstance(penalty, Fused):
            with np.errstate(invalid="ignore"):
                s = penalty.dual_norm(broken)
            # infinite or not a number: the certificate is void, but not wrong
            assert not np.isfinite(s)


# --- dual norms found by iteration --------------------------------------------------


@every([*COMPOSITIONS, *TREES])
def test_dual_norm_is_the_end_of_the_bracket_at_which_the_prox_is_zero(penalty):
    rng = np.random.default_rng(0)
    for n_rows in (1, 7):
        for G in difficult((n_rows, 5), rng):
            s = penalty.dual_norm(G)
            W, value = prox(penalty, G, s)
            assert not W.any()
            assert value == 0.0
            if G.any():
                assert prox(penalty, G, s * (1 - 1e-12))[1] > 0.0
                # the norm is attained: <G, W> = s * penalty(W)
                W, value = prox(penalty, G, s * (1 - 1e-9))
                np.testing.assert_allclose(np.sum(G * W), s * value, rtol=1e-5)
    assert penalty.dual_norm(np.zeros((3, 5))) == 0.0


@every([*COMPOSITIONS[:3], TREES[1], TREES[3]])
def test_dual_norm_by_a_general_solver(penalty):
    for seed in range(3):
        G = normal((1, 5), seed=seed)
        W = cp.Variable(G.shape)
        if isinstance(penalty, TreeGroupL21):
            formula = sum(
                0.7 * weight * cp.norm(W[0, sorted(members)])
                for members, weight in written_out(penalty.tree)
            )
        else:
            entry, fused, row = (a[0] for a in penalty.strengths(1))
            formula = entry * cp.norm1(W) + row * cp.norm(W[0])
            formula += fused * cp.norm1(cp.diff(W, axis=1))
        expected = -least(-cp.sum(cp.multiply(G, W)), [formula <= 1])
        np.testing.assert_allclose(penalty.dual_norm(G), expected, rtol=1e-6)


def test_rows_without_a_penalty_are_left_out():
    used = [0.0, 1.0, 0.0]
    penalty = FusedSparseRows(
        L1(0.3, feature_weight=used), Fused(0.4, feature_weight=used), None
    )
    penalty.check(3, np.arange(4))
    np.testing.assert_array_equal(penalty.free_rows(3), [True, False, True])
    G = normal((3, 4))
    expected = FusedSparseRows(L1(0.3), Fused(0.4), None).dual_norm(G[1:2])
    assert penalty.dual_norm(G) == expected
    # where nothing penalises the level, no multiple of the penalty bounds it
    level = FusedSparseRows(L1(0.0), Fused(0.4), None)
    assert level.dual_norm(G) == np.inf


# --- the compositions under their names ---------------------------------------------


def test_fused_sparse_group_is_the_sum():
    V, tasks = normal((5, 4)), np.arange(4)
    named = FusedSparseGroup(0.1, 0.2, 0.3)
    total = L1(0.1) + Fused(0.2) + L21(0.3)
    norm = compose(total, 5, tasks).norm
    np.testing.assert_allclose(named.value(V), total.value(V))
    assert [type(part) for part in named.expand(tasks)] == [L1, Fused, L21]
    np.testing.assert_array_equal(prox(named, V)[0], prox(norm, V)[0])
    np.testing.assert_array_equal(named.prox_naive(V, 1.0), norm.prox_naive(V, 1.0))
    assert named.dual_norm(V) == norm.dual_norm(V) == named.alpha_max(V)
    np.testing.assert_array_equal(
        prox(compose(named, 5, tasks).norm, V)[0], prox(norm, V)[0]
    )


@pytest.mark.parametrize("terms", [[L21], [L1], [Fused, L1], [L21, L1, Fused]])
def test_order_of_the_terms_does_not_matter(terms):
    V, tasks = normal((5, 4)), np.arange(4)
    terms = [kind(0.1 * (k + 1)) for k, kind in enumerate(terms)]
    if not any(isinstance(term, Fused) for term in terms):
        terms.insert(0, Fused(0.4))
    sums = [sum(order[1:], order[0]) for order in (terms, terms[::-1])]
    first, second = (compose(total, 5, tasks).norm for total in sums)
    np.testing.assert_array_equal(prox(first, V)[0], prox(second, V)[0])


def test_compositions_at_their_limits():
    V = normal((5, 4))
    for l1, fused, l21, norm in [
        (0.3, 0.0, 0.2, compose(L1(0.3) + L21(0.2), 5, np.arange(4)).norm),
        (0.3, 0.0, 0.0, L1(0.3)),
        (0.0, 0.0, 0.2, L21(0.2)),
    ]:
        penalty = FusedSparseGroup(l1, fused, l21)
        np.testing.assert_allclose(prox(penalty, V)[0], prox(norm, V)[0], atol=1e-15)
        np.testing.assert_allclose(penalty.dual_norm(V), norm.dual_norm(V), rtol=1e-13)
    # differences that cost much more than anything else leave one level
    out, _ = prox(FusedSparseGroup(0.1, 1e6, 0.0), V)
    level = V.mean(axis=1)
    level = np.sign(level) * np.maximum(np.abs(level) - 0.1, 0.0)
    np.testing.assert_allclose(out, level[:, None] * np.ones(4))


def test_temporal_group_is_its_formula():
    W, tasks = normal((5, 4)), np.arange(4)
    penalty = TemporalGroup(0.3, 0.7, 0.2)
    expected = (
        0.3 * np.linalg.norm(W, axis=1).sum()
        + 0.7 / 2 * np.sum(np.diff(W, axis=1) ** 2)
        + 0.2 / 2 * np.sum(W**2)
    )
    np.testing.assert_allclose(penalty.value(W), expected)
    composite = compose(penalty, 5, tasks)
    np.testing.assert_allclose(composite.value(W), expected)
    assert composite.norm.alpha == 0.3
    chain = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
    same = L21(0.3) + GraphLaplacian(chain, 0.7) + Ridge(0.2)
    np.testing.assert_allclose(same.value(W), expected)
    assert penalty.alpha_max(W) == L21(1.0).dual_norm(W)
    single = compose(penalty, 5, np.array([0])).quadratic  # no difference to penalise
    np.testing.assert_allclose(single.dense(), [[0.2]])


@pytest.mark.parametrize(
    "penalty",
    [FusedSparseGroup(0.01, 0.02, 0.03), L21(0.1) + Fused(0.1), TemporalGroup(0.1)],
    ids=repr,
)
def test_strings_have_no_order_unless_it_is_given(penalty):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.normal(size=60)
    tasks = np.resize(["t2", "t10", "t9"], 60)
    with pytest.raises(ValueError, match="depends on the order of the tasks"):
        MultiTaskRegressor(penalty).fit(X, y, tasks)
    order = ["t2", "t9", "t10"]
    model = MultiTaskRegressor(penalty, tol=1e-10, task_order=order).fit(X, y, tasks)
    numbers = np.array([2, 10, 9])[np.arange(60) % 3]
    again = MultiTaskRegressor(penalty, tol=1e-10).fit(X, y, numbers)
    np.testing.assert_allclose(model.coef_, again.coef_, atol=1e-12)
