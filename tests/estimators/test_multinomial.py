"""More than two classes: optima, certificates, tasks with classes of their own."""

from __future__ import annotations

import pickle
import warnings
from itertools import pairwise

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.multiclass import OneVsRestClassifier

import linmtl
from helpers.classes import CLASSES
from helpers.classes import several_classes as data
from helpers.convex import least
from linmtl import (
    AdaptiveRobustClassifier,
    FactoredClassifier,
    GOMTLClassifier,
    IndependentClassifier,
    L21Classifier,
    L21ClassifierCV,
    MeanRegularizedClassifier,
    MixedEffectsClassifier,
    MultiTaskClassifier,
    MultiTaskClassifierCV,
    PooledClassifier,
    TraceNormClassifier,
)
from linmtl.designs._classes import ClassesDesign
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import StackedDesign
from linmtl.estimators._base import Classifier
from linmtl.metrics import make_task_scorer
from linmtl.model_selection import TaskKFold
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import (
    L1,
    L21,
    Clustered,
    Deviation,
    FusedSparseGroup,
    GraphLaplacian,
    MeanRegularized,
    NetworkLasso,
    NonconvexFusedGroup,
    Penalty,
    Ridge,
    RobustLowRank,
    TaskL21,
    TaskQuadratic,
    TaskRelationship,
    TemporalGroup,
    TraceNorm,
    TreeGroupL21,
)
from linmtl.plotting import CoefficientDisplay
from linmtl.preprocessing import SelectFeatures
from linmtl.similarity import coefficient_similarity
from linmtl.transfer import GroupedMultiTaskClassifier, TaskGrouper

HALVES = np.sqrt(0.5)  # the norm of two halves of a number
CHAIN = np.array([[0, 2, 0], [2, 0, 1], [0, 1, 0.0]])


def multinomial(X, y, tasks, weight=None, fit_intercept=True):
    """Return the loss in cvxpy, its W and what column each task and class has."""
    names, shown = np.unique(tasks), []
    for t, name in enumerate(names):
        shown += [(t, k) for k, c in enumerate(CLASSES) if c in y[tasks == name]]
    W, b = cp.Variable((X.shape[1], len(shown))), cp.Variable(len(shown))
    weight = np.ones(len(y)) if weight is None else weight
    loss = 0
    for t, name in enumerate(names):
        rows, own = tasks == name, [j for j, pair in enumerate(shown) if pair[0] == t]
        eta = X[rows] @ W[:, own]
        if fit_intercept:
            eta = eta + np.ones((rows.sum(), 1)) @ cp.reshape(
                b[own], (1, len(own)), order="C"
            )
        hot = CLASSES[[shown[j][1] for j in own]] == y[rows][:, None]
        each = cp.log_sum_exp(eta, axis=1) - cp.sum(cp.multiply(hot, eta), axis=1)
        loss = loss + weight[rows] @ each / weight[rows].sum()
    return loss, W, shown


def within_classes(W, shown, K):
    """Return half the sum over the classes of tr(W K W') on the tasks that have it."""
    total = 0
    for k in range(len(CLASSES)):
        own = [j for j, pair in enumerate(shown) if pair[1] == k]
        if own:
            part = K([shown[j][0] for j in own])
            root = np.linalg.cholesky(part + 1e-12 * np.eye(len(own)))
            total = total + cp.sum_squares(W[:, own] @ root) / 2
    return total


def of_mean(alpha, alpha_mean):
    def K(tasks):
        n = len(tasks)
        return alpha * np.eye(n) + (alpha_mean - alpha) * np.ones((n, n)) / n

    return K


def about_means(W, shown):
    """Return W less a column for each class, and the squares of these columns."""
    M, code = cp.Variable((W.shape[0], len(CLASSES))), [k for _, k in shown]
    return W - M[:, code], cp.sum_squares(M[:, code])


def around(norm, alpha_mean):
    def value(W, shown):
        U, squares = about_means(W, shown)
        return norm(U, shown) + alpha_mean / 2 * squares

    return value


def of_columns(W, shown, tasks):
    return W[:, [j for j, (t, _) in enumerate(shown) if t in tasks]]


def by_task(W, shown):
    """Return the sum of the norms of all columns of a task."""
    return sum(cp.norm(cp.vec(of_columns(W, shown, [t]), "F"), 2) for t in range(3))


def with_outliers(W, shown):
    Q = cp.Variable(W.shape)
    return 0.02 * cp.norm(W - Q, "nuc") + 0.04 * by_task(Q, shown)


def along_edges(W, shown):
    """Return the norms of the differences of a class along the chain of tasks."""
    pairs = [
        CHAIN[s, t] * cp.norm(W[:, i] - W[:, j], 2)
        for i, (s, k) in enumerate(shown)
        for j, (t, m) in enumerate(shown)
        if k == m and s < t
    ]
    return sum(pairs)


def steps(shown):
    """Yield the columns of a class in a task and in the next one that has it."""
    for k in range(len(CLASSES)):
        yield from pairwise([j for j, pair in enumerate(shown) if pair[1] == k])


def smooth(W, shown):
    squares = [cp.sum_squares(W[:, i] - W[:, j]) for i, j in steps(shown)]
    return 0.02 * cp.sum(cp.norm(W, 2, axis=1)) + 0.1 * sum(squares)


def in_pieces(W, shown):
    changes = [cp.norm(W[:, i] - W[:, j], 1) for i, j in steps(shown)]
    rows = cp.sum(cp.norm(W, 2, axis=1))
    return 0.005 * cp.sum(cp.abs(W)) + 0.01 * sum(changes) + 0.01 * rows


def clustered(W, shown):
    """Each class by itself: the value, and what the matrices have to be."""
    total, bounds = 0, []
    for k in range(len(CLASSES)):
        own = [j for j, pair in enumerate(shown) if pair[1] == k]
        n = len(own)
        M = cp.Variable((n, n), symmetric=True)
        bounds += [M >> 0, np.eye(n) - M >> 0, cp.trace(M) == min(n, 2)]
        total += 0.05 * cp.matrix_frac(W[:, own].T, 0.5 * np.eye(n) + M)
    return total, bounds


def tree(W, shown):
    groups = [([0, 1, 2], 0.5), ([0, 1], 1.0), ([2], 1.0)]
    return sum(
        w * cp.sum(cp.norm(of_columns(W, shown, some), 2, axis=1)) for some, w in groups
    )


def of_chain(tasks):
    A = CHAIN[np.ix_(tasks, tasks)]
    return 0.05 * (np.diag(A.sum(axis=0)) - A) + 0.01 * np.eye(len(tasks))


PENALTIES = {
    "L21": (L21(0.02), lambda W, _: 0.02 * cp.sum(cp.norm(W, 2, axis=1))),
    "free-feature": (
        L21(0.02, feature_weight=[0, 1, 1, 2]),
        lambda W, _: 0.02 * cp.norm(W, 2, axis=1) @ [0, 1, 1, 2],
    ),
    "by-entry": (
        L21(0.02, feature_weight=np.arange(1, 13).reshape(4, 3) / 4),
        lambda W, shown: (
            0.02
            * cp.sum(
                cp.norm(
                    cp.multiply(
                        np.arange(1, 13).reshape(4, 3)[:, [t for t, _ in shown]] / 4, W
                    ),
                    2,
                    axis=1,
                )
            )
        ),
    ),
    "L1": (L1(0.01), lambda W, _: 0.01 * cp.sum(cp.abs(W))),
    "L1-positive": (L1(0.01, positive=True), lambda W, _: 0.01 * cp.sum(W)),
    "TraceNorm": (TraceNorm(0.02), lambda W, _: 0.02 * cp.norm(W, "nuc")),
    "L21+Ridge": (
        L21(0.02) + Ridge(0.1),
        lambda W, _: 0.02 * cp.sum(cp.norm(W, 2, axis=1)) + 0.05 * cp.sum_squares(W),
    ),
    "MeanRegularized": (
        MeanRegularized(0.1, 0.02),
        lambda W, shown: within_classes(W, shown, of_mean(0.1, 0.02)),
    ),
    "free-mean": (
        MeanRegularized(0.1),
        lambda W, shown: within_classes(W, shown, of_mean(0.1, 0.0)),
    ),
    "graph": (
        GraphLaplacian(CHAIN, 0.05) + Ridge(0.01),
        lambda W, shown: within_classes(W, shown, of_chain),
    ),
    "around-the-means": (
        Deviation(L21(0.02)),
        around(lambda U, _: 0.02 * cp.sum(cp.norm(U, 2, axis=1)), 0.0),
    ),
    "outlier-tasks": (
        Deviation(TaskL21(0.04), 0.01),
        around(lambda U, shown: 0.04 * by_task(U, shown), 0.01),
    ),
    "RobustLowRank": (RobustLowRank(0.02, 0.04), with_outliers),
    "NetworkLasso": (
        NetworkLasso(CHAIN, 0.02) + Ridge(0.01),
        lambda W, shown: 0.02 * along_edges(W, shown) + 0.005 * cp.sum_squares(W),
    ),
    "TreeGroupL21": (
        TreeGroupL21([(["t0", "t1", "t2"], 0.5), ["t0", "t1"], ["t2"]], 0.02),
        lambda W, shown: 0.02 * tree(W, shown),
    ),
    "TemporalGroup": (TemporalGroup(0.02, 0.2), smooth),
    "FusedSparseGroup": (FusedSparseGroup(0.005, 0.01, 0.01), in_pieces),
    "Clustered": (Clustered(2, 0.1, 0.5), clustered),
    "TaskRelationship": (
        TaskRelationship(0.02),
        lambda W, _: 0.01 * cp.square(cp.norm(W, "nuc")),
    ),
    "by-task": (
        Ridge([0.1, 0.2, 0.3]),
        lambda W, shown: sum(
            (0.1 + 0.1 * t) / 2 * cp.sum_squares(W[:, j])
            for j, (t, _) in enumerate(shown)
        ),
    ),
}


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", PENALTIES)
def test_optimum_and_gap(name, fit_intercept):
    X, y, tasks = data()
    penalty, formula = PENALTIES[name]
    loss, W, shown = multinomial(X, y, tasks, fit_intercept=fit_intercept)
    value, bounds = formula(W, shown), [W >= 0] if "positive" in name else []
    if isinstance(value, tuple):
        value, bounds = value
    optimum = least(loss + value, bounds)
    given = {"fit_intercept": fit_intercept, "task_order": np.unique(tasks)}
    for tol in (1e-2, 1e-7):
        model = MultiTaskClassifier(penalty, tol=tol, **given).fit(X, y, tasks)
        assert model.converged_
        above = model.objective_ - optimum
        assert -1e-7 <= above <= model.dual_gap_ + 1e-7
        assert model.dual_gap_ <= model.tol_


@pytest.mark.parametrize(
    "penalty", [Ridge(0.1), TemporalGroup(0.0, 1.0, 0.1), Clustered(1, 0.15, 0.5)]
)
def test_one_task_is_scikit_learns_model(penalty):
    X, y, _ = data()
    model = MultiTaskClassifier(penalty, tol=1e-12).fit(X, y)
    theirs = LogisticRegression(C=1 / (0.1 * len(y)), tol=1e-10, max_iter=10_000)
    theirs.fit(X, y)
    assert model.coef_.shape == theirs.coef_.shape == (4, 4)
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=2e-5)
    level = theirs.intercept_ - theirs.intercept_.mean()
    np.testing.assert_allclose(model.intercept_, level, atol=2e-5)
    proba = theirs.predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X), proba, atol=2e-5)
    np.testing.assert_array_equal(model.predict(X), theirs.predict(X))


def test_tasks_with_classes_of_their_own():
    X, y, tasks = data()
    model = MultiTaskClassifier(L21(0.02)).fit(X, y, tasks)
    assert model.classes_.tolist() == CLASSES.tolist()
    assert model.coef_.shape == (3, 4, 4)
    assert model.intercept_.shape == (3, 4)
    shown = np.array([[1, 1, 1, 1], [1, 0, 1, 1], [0, 1, 0, 1]], dtype=bool)
    np.testing.assert_array_equal(~np.isnan(model.coef_).any(axis=2), shown)
    np.testing.assert_array_equal(~np.isnan(model.intercept_), shown)
    # the parametrisation is symmetric
    np.testing.assert_allclose(np.nansum(model.intercept_, axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.nansum(model.coef_, axis=1), 0, atol=1e-12)
    proba, code = model.predict_proba(X, tasks), np.searchsorted(model.tasks_, tasks)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert np.all((proba > 0) == shown[code])
    np.testing.assert_array_equal(
        model.predict(X, tasks), CLASSES[proba.argmax(axis=1)]
    )
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(model.predict_log_proba(X, tasks), np.log(proba))
    every = model.predict_all(X)
    assert every.shape == (90, 3)
    np.testing.assert_array_equal(every[np.arange(90), code], model.predict(X, tasks))
    assert model.score(X, y, tasks) == np.mean(model.predict(X, tasks) == y)
    unknown = model.set_params(handle_unknown="mean")
    assert np.all(unknown.predict_proba(X, np.repeat("new", 90)) > 0)


def test_rows_of_zeros_are_of_all_tasks_and_classes():
    X, y, tasks = data()
    top = alpha_max(X, y, tasks, penalty=L21(), loss="logistic")
    model = MultiTaskClassifier(L21(top * (1 + 1e-12))).fit(X, y, tasks)
    assert np.nanmax(np.abs(model.coef_)) == 0
    model = MultiTaskClassifier(L21(0.5 * top)).fit(X, y, tasks)
    used = np.nan_to_num(model.coef_).any(axis=(0, 1))
    assert 0 < used.sum() < 4
    _, coefs, _, b = mtl_path(
        X,
        y,
        tasks,
        penalty=L21(),
        loss="logistic",
        alphas=[top, 0.5 * top],
        return_intercepts=True,
        tol=1e-8,
    )
    assert coefs.shape == (3, 4, 4, 2)
    assert b.shape == (3, 4, 2)
    tight = clone(model).set_params(tol=1e-8).fit(X, y, tasks)
    np.testing.assert_allclose(coefs[..., 1], tight.coef_, atol=1e-3)


def test_order_of_classes_and_tasks():
    X, y, tasks = data()
    model = MultiTaskClassifier(TraceNorm(0.02), tol=1e-9).fit(X, y, tasks)
    names, order = np.array(["z", "x", "y", "w"]), [3, 1, 2, 0]
    renamed = names[np.searchsorted(CLASSES, y)]
    other = clone(model).fit(X, renamed, np.char.add("t", tasks))
    np.testing.assert_allclose(other.coef_, model.coef_[:, order], atol=1e-3)
    np.testing.assert_array_equal(other.classes_, np.sort(names))
    moved = clone(model).set_params(task_order=["t2", "t0", "t1"]).fit(X, y, tasks)
    np.testing.assert_allclose(moved.coef_, model.coef_[[2, 0, 1]], atol=1e-3)


def test_two_of_three_classes_are_two():
    """Tasks with two classes each have half the difference of their columns."""
    X, y, tasks = data()
    keep = tasks == "t2"
    X, y = X[keep], y[keep]
    y_other = np.where(y == "b", "a", "c")
    both, names = np.concatenate([y, y_other]), np.repeat([0, 1], len(y))
    model = MultiTaskClassifier(Ridge(0.1), tol=1e-12)
    model.fit(np.vstack([X, X]), both, names)
    # ||w||^2 of the difference is twice that of its two halves together
    binary = MultiTaskClassifier(Ridge(0.05), tol=1e-12).fit(X, y)
    coef, level = model.coef_, model.intercept_
    np.testing.assert_allclose(coef[0, 3] - coef[0, 1], binary.coef_[0], atol=1e-5)
    np.testing.assert_allclose(level[0, 3] - level[0, 1], binary.intercept_, atol=1e-5)
    np.testing.assert_allclose(coef[1, 2], coef[0, 3], atol=1e-5)


@pytest.mark.filterwarnings("ignore:these tasks have a single class")
@pytest.mark.parametrize(
    ("model", "same"),
    [
        (TemporalGroup(0.02, 0.2), TemporalGroup(0.02 * HALVES, 0.1)),
        (
            FusedSparseGroup(0.005, 0.01, 0.01),
            FusedSparseGroup(0.005, 0.01, 0.01 * HALVES),
        ),
        (NonconvexFusedGroup(0.02, 0.01), NonconvexFusedGroup(0.02, 0.01)),
        pytest.param(
            NonconvexFusedGroup(0.02, form=2),
            NonconvexFusedGroup(0.02, form=2),
            marks=pytest.mark.slow,
        ),
        (Clustered(2, 0.1, 0.5), Clustered(2, 0.05, 0.5)),
        (
            FactoredClassifier(2, alpha=0.02),
            FactoredClassifier(2, alpha=0.02 * HALVES),
        ),
        (GOMTLClassifier(2), GOMTLClassifier(2)),
    ],
)
def test_tasks_of_two_classes_are_those_of_a_model_of_two(model, same):
    """Each class of a task has half of its log-odds, up to the sign."""
    X, y, _ = data()
    y, tasks = np.where(np.isin(y, ["a", "b"]), "a", "c"), np.arange(len(y)) % 3
    if isinstance(model, Penalty):
        model, same = map(MultiTaskClassifier, (model, same))
    binary = same.set_params(tol=1e-10).fit(X, y, tasks)
    third = X[:5], np.repeat("b", 5), np.repeat(9, 5)  # of another task
    rows = (np.concatenate(pair) for pair in zip((X, y, tasks), third, strict=True))
    several = model.set_params(tol=1e-10).fit(*rows)
    assert several.objective_ == pytest.approx(binary.objective_, rel=1e-7)
    half = binary.coef_ / 2
    np.testing.assert_allclose(several.coef_[:3, 0], -half, atol=1e-4)
    np.testing.assert_allclose(several.coef_[:3, 2], half, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csr", "float32", "wide"])
def test_layouts(form):
    X, y, tasks = data()
    order = np.argsort(tasks, kind="stable")
    X, y, tasks = X[order], y[order], tasks[order]
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    model = MultiTaskClassifier(L21(0.02), tol=1e-8).fit(X, y, tasks, weight)
    loss, W, _ = multinomial(X, y, tasks, weight)
    optimum = least(loss + 0.02 * cp.sum(cp.norm(W, 2, axis=1)))
    assert model.objective_ == pytest.approx(optimum, abs=1e-6)
    other = clone(model)
    if form == "wide":
        Y = np.full((len(y), 3), None, dtype=object)
        weights = np.repeat(weight[:, None], 3, axis=1)
        for t, name in enumerate(model.tasks_):
            Y[tasks == name, t] = y[tasks == name]
        other.fit(X, Y, sample_weight=weights)
        assert len(other.classes_) == 3
        proba = other.predict_proba(X)
        assert [p.shape for p in proba] == [(len(y), 4)] * 3
        assert other.predict(X).shape == (len(y), 3)
        right = model.predict(X, tasks) == y
        of_tasks = [np.mean(right[tasks == name]) for name in model.tasks_]
        assert other.score(X, Y) == pytest.approx(np.mean(of_tasks))
    elif form == "csr":
        other.fit(sparse.csr_array(X), y, tasks, weight)
    else:
        other.set_params(tol=1e-5).fit(X.astype(np.float32), y, tasks, weight)
        assert other.coef_.dtype == np.float32
    assert other.converged_
    np.testing.assert_allclose(
        other.coef_, model.coef_, atol=0.05 if form == "float32" else 1e-3
    )


@pytest.mark.parametrize(
    "penalty",
    [
        TemporalGroup(0.02, 0.1),
        FusedSparseGroup(0.005, 0.01, 0.01),
        pytest.param(NonconvexFusedGroup(0.05, 0.01), marks=pytest.mark.slow),
        Clustered(2, 0.1, 0.5),
        Deviation(Clustered(2, 0.1, 0.5), 0.1),
    ],
)
def test_orders_and_clusters_in_other_layouts(penalty):
    X, y, tasks = data()
    names = ["t2", "t0", "t1"]
    model = MultiTaskClassifier(penalty, task_order=names, tol=1e-6)
    model.fit(X, y, tasks)
    Y = np.where(tasks[:, None] == names, y[:, None], None)
    wide = MultiTaskClassifier(penalty, tol=1e-6).fit(X, Y)
    np.testing.assert_allclose(wide.coef_, model.coef_, atol=1e-3)
    again = pickle.loads(pickle.dumps(model))
    p = model.predict_proba(X, tasks)
    np.testing.assert_array_equal(again.predict_proba(X, tasks), p)
    if hasattr(model, "labels_"):
        present = ~np.isnan(model.intercept_)
        np.testing.assert_array_equal(model.labels_ >= 0, present)
        relation = model.task_relation_
        assert relation.shape == (4, 3, 3)
        np.testing.assert_array_equal(
            ~np.isnan(relation[:, range(3), range(3)]), present.T
        )
    grid = [getattr(penalty, "alpha", 1.0)]
    search = MultiTaskClassifierCV(penalty, task_order=names, alphas=grid, cv=2)
    assert np.all(np.isfinite(search.fit(X, y, tasks).scores_path_))
    np.testing.assert_allclose(search.coef_, model.coef_, atol=0.05)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_design(shared, tied):
    """It is that of rows repeated for each class."""
    rng = np.random.default_rng(0)
    X, ptr = rng.normal(size=(12, 3)), np.array([0, 12, 24] if shared else [0, 5, 12])
    base = SharedDesign(X, 2) if shared else StackedDesign(X, ptr)
    task, column = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 0, 2])
    design = ClassesDesign(base, task, column if tied else None)
    repeated = StackedDesign(
        np.concatenate([base.block(t) for t in task]), design.task_ptr
    )
    n, columns = int(design.task_ptr[-1]), design.column
    W, r = rng.normal(size=(3, design.n_columns)), rng.normal(size=n)
    eta, expected = np.empty(n), np.empty(n)
    design.predict(W, eta)
    repeated.predict(np.ascontiguousarray(W[:, columns]), expected)
    np.testing.assert_allclose(eta, expected)
    G, apart = np.empty_like(W), np.empty((3, 5))
    design.adjoint(r, G)
    repeated.adjoint(r, apart)
    whole = np.zeros_like(W)
    np.add.at(whole.T, columns, apart.T)
    np.testing.assert_allclose(G, whole)
    w, metric = np.abs(rng.normal(size=base.task_ptr[-1])), np.ones(3)
    weight = design.spread(w)
    for centre in (True, False):
        H, of_pairs = design.hessians(weight, centre), repeated.hessians(weight, centre)
        whole = np.zeros_like(H)
        np.add.at(whole, columns, of_pairs)
        np.testing.assert_allclose(H, whole)
        top = design.column_eigenvalues(weight, centre, metric)
        np.testing.assert_allclose(top, np.linalg.eigvalsh(H)[:, -1])
        scale = design.column_scale(weight, centre)
        np.testing.assert_allclose(scale, np.einsum("cjj->cj", H).max(axis=0))
    part = design.restrict(np.array([2, 0]))
    part.predict(W[[2, 0]], eta)
    repeated.restrict(np.array([2, 0])).predict(
        np.ascontiguousarray(W[[2, 0]][:, columns]), expected
    )
    np.testing.assert_allclose(eta, expected)


def test_a_class_seen_once():
    X, y, tasks = data()
    y[np.flatnonzero((tasks == "t0") & (y == "c"))[1:]] = "a"
    model = L21ClassifierCV(alphas=4, cv=3).fit(X, y, tasks)
    assert np.all(np.isfinite(model.scores_path_))
    assert model.task_scores_path_.shape == (4, 3, 3)
    proba = model.predict_proba(X, tasks)
    assert np.all(proba[:, 2][tasks == "t0"] > 0)


def test_a_task_with_one_class():
    X, y, tasks = data()
    y = np.where(tasks == "t2", "b", y)
    with pytest.warns(UserWarning, match="have a single class: 't2'"):
        model = MeanRegularizedClassifier(tol=1e-8).fit(X, y, tasks)
    proba = model.predict_proba(X, np.repeat("t2", len(y)))
    np.testing.assert_array_equal(proba, np.tile([0.0, 1.0, 0.0, 0.0], (len(y), 1)))


@pytest.mark.slow
@pytest.mark.parametrize("scoring", [None, "accuracy", "neg_log_loss"])
def test_strength_by_cross_validation(scoring):
    X, y, tasks = data()
    model = MultiTaskClassifierCV(TraceNorm(), alphas=4, cv=3, scoring=scoring)
    model.fit(X, y, tasks)
    assert model.alpha_ in model.alphas_
    assert np.all(np.isfinite(model.scores_path_))
    same = MultiTaskClassifier(TraceNorm(model.alpha_)).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, same.coef_, atol=0.05)


def test_held_out_losses_are_those_of_models_without_the_fold():
    X, y, tasks = data()
    fold = np.arange(len(y)) % 3
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    model = L21ClassifierCV(alphas=[0.02], cv=splits, tol=1e-8, scale_features=False)
    model.fit(X, y, tasks)
    for k, (train, test) in enumerate(splits):
        part = L21Classifier(0.02, tol=1e-8).fit(X[train], y[train], tasks[train])
        p = part.predict_proba(X[test], tasks[test])
        own = p[np.arange(len(test)), np.searchsorted(CLASSES, y[test])]
        for t, name in enumerate(model.tasks_):
            loss = -np.log(own[tasks[test] == name]).mean()
            assert -model.task_scores_path_[0, k, t] == pytest.approx(loss, abs=1e-3)


@pytest.mark.slow
def test_tasks_alone_and_pooled():
    X, y, tasks = data()
    alone = IndependentClassifier(alpha=0.1, tol=1e-10).fit(X, y, tasks)
    for t, name in enumerate(alone.tasks_):
        own = tasks == name
        one = MultiTaskClassifier(Ridge(0.1 if t < 2 else 0.05), tol=1e-10)
        one.fit(X[own], y[own])
        p = one.predict_proba(X[own])
        shown = ~np.isnan(alone.intercept_[t])
        q = alone.predict_proba(X[own], tasks[own])[:, shown]
        np.testing.assert_allclose(q, p, atol=1e-4)
    assert IndependentClassifier(alpha="cv").fit(X, y, tasks).alpha_.shape == (3,)
    pooled = PooledClassifier(0.1, tol=1e-10).fit(X, y, tasks)
    one = MultiTaskClassifier(Ridge(0.1), tol=1e-10).fit(X, y)
    np.testing.assert_allclose(pooled.coef_[2], one.coef_, atol=1e-5)
    np.testing.assert_allclose(pooled.intercept_[0], one.intercept_, atol=1e-5)
    own = PooledClassifier(0.1, task_intercepts=True).fit(X, y, tasks)
    assert np.isnan(own.intercept_[2, 0])
    np.testing.assert_array_equal(own.coef_[0, 1], own.coef_[2, 1])


def test_weights():
    X, y, tasks = data()
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    X_repeated, y_repeated = np.repeat(X, weight, axis=0), np.repeat(y, weight)
    model = TraceNormClassifier(0.02, tol=1e-10).fit(X, y, tasks, weight)
    other = clone(model).fit(X_repeated, y_repeated, np.repeat(tasks, weight))
    np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-4)
    balanced = L21Classifier(0.02, class_weight="balanced", tol=1e-9).fit(X, y, tasks)
    by_row = np.empty(len(y))
    for name in np.unique(tasks):
        labels, size = np.unique(y[tasks == name], return_counts=True)
        share = dict(zip(labels, size.sum() / (len(labels) * size), strict=True))
        own = tasks == name
        by_row[own] = [share[label] for label in y[own]]
    other = L21Classifier(0.02, tol=1e-9).fit(X, y, tasks, by_row)
    np.testing.assert_allclose(balanced.coef_, other.coef_, atol=1e-4)
    by_label = L21Classifier(0.02, class_weight={"a": 2.0}, tol=1e-9).fit(X, y, tasks)
    other = L21Classifier(0.02, tol=1e-9).fit(X, y, tasks, np.where(y == "a", 2.0, 1.0))
    np.testing.assert_allclose(by_label.coef_, other.coef_, atol=1e-4)
    # a mean loss relative to that without coefficients
    null = L21Classifier(100.0).fit(X, y, tasks, sample_weight=weight)
    relative = L21Classifier(100.0, task_weight="null_loss")
    relative.fit(X, y, tasks, sample_weight=weight)
    assert relative.objective_ == pytest.approx(3)
    np.testing.assert_allclose(relative.task_weight_.size, null.task_weight_.size)


def test_starts():
    X, y, tasks = data()
    model = L21Classifier(0.02, tol=1e-8).fit(X, y, tasks)
    again = clone(model).fit(X, y, tasks, coef_init=model.coef_)
    assert again.n_iter_ < model.n_iter_
    warm = model.set_params(warm_start=True).fit(X, y, tasks)
    assert warm.n_iter_ == 1
    single = L21Classifier(0.02, tol=1e-8).fit(X, y)
    assert single.fit(X, y, coef_init=single.coef_).n_iter_ < 20


@pytest.mark.slow
def test_one_class_against_the_others_by_scikit_learn():
    """For models of two classes: what the refusal of more points to."""
    X, y, tasks = data()
    inner = MixedEffectsClassifier(task_column="site")
    frame = pd.DataFrame(X).rename(columns=str).assign(site=tasks)
    with pytest.raises(ValueError, match=r"OneVsRestClassifier fits each .*task_c"):
        inner.fit(frame, y)
    p = OneVsRestClassifier(inner).fit(frame, y).predict_proba(frame)
    classes = np.unique(y)
    each = [MixedEffectsClassifier().fit(X, y == name, tasks) for name in classes]
    own = np.column_stack([model.predict_proba(X, tasks)[:, 1] for model in each])
    np.testing.assert_allclose(p, own / own.sum(axis=1, keepdims=True))


class OfTwo(Penalty):
    """One that does not say what it makes of several columns a task."""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (MultiTaskClassifier(OfTwo()), "OfTwo is for two classes"),
        (MixedEffectsClassifier(), "MeanRegularizedClassifier and others"),
        (L21Classifier(loss="squared_hinge"), "loss='logistic' take more"),
        (
            L21Classifier(around="mean", intercept_weight=1),
            "Deviation: intercept_weight is for two classes; set it to 0",
        ),
        (
            MultiTaskClassifier(MeanRegularized(0.1, intercept_weight=1)),
            "intercept_weight is for two classes; set it to 0",
        ),
        (
            L21Classifier(task_weight="minimax"),
            "'minimax' is for two classes; pass 'null_loss'",
        ),
        (
            MultiTaskClassifier(TaskQuadratic(np.eye(4))),
            r"K has shape \(4, 4\) but there are 3 tasks",
        ),
        (L21Classifier(solver="newton"), "use solver='auto'"),
    ],
)
def test_what_is_for_two_classes(model, message):
    with pytest.raises(ValueError, match=message) as error:
        model.fit(*data())
    assert "\n" not in str(error.value)


def test_what_tags_say():
    for kind in (getattr(linmtl, name) for name in linmtl.__all__):
        if isinstance(kind, type) and issubclass(kind, Classifier):
            tags = kind().__sklearn_tags__().classifier_tags
            assert tags.multi_class == kind()._takes_classes
            hinge = kind(loss="squared_hinge").__sklearn_tags__().classifier_tags
            assert not hinge.multi_class


def test_models_of_several_classes_where_two_are_expected():
    X, y, tasks = data()
    model = L21Classifier(0.02).fit(X, y, tasks)
    with pytest.raises(ValueError, match="has an axis for classes"):
        CoefficientDisplay.from_estimator(model)
    with pytest.raises(ValueError, match=r"coefficients have shape \(3, 4, 4\)"):
        coefficient_similarity(model)
    with pytest.raises(ValueError, match="offset is for two classes"):
        model.fit(X, y, tasks, offset=np.ones(len(y)))


def test_features_are_selected_by_all_tasks_and_classes():
    X, y, tasks = data()
    top = alpha_max(X, y, tasks, penalty=L21(), loss="logistic")
    selector = SelectFeatures(L21Classifier(0.5 * top)).fit(X, y, tasks=tasks)
    used = np.nan_to_num(selector.estimator_.coef_).any(axis=(0, 1))
    np.testing.assert_array_equal(selector.get_support(), used)


def test_a_class_whose_rows_have_no_weight_is_never_predicted():
    X, y, tasks = data()
    model = L21Classifier(0.02).fit(X, y, tasks, sample_weight=y != "a")
    place = model.classes_.tolist().index("a")
    assert np.isnan(model.coef_[:, place]).all()
    probability = model.predict_proba(X, tasks)
    np.testing.assert_array_equal(probability[:, place], 0.0)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)


def test_scorers_of_several_classes_by_name():
    X, y, tasks = data()
    model = L21Classifier(0.02).fit(X, y, tasks)
    with pytest.raises(ValueError, match=r"roc_auc of task 't0': multi_class must"):
        make_task_scorer("roc_auc")(model, X, y, tasks)
    X, y, tasks = X[tasks == "t0"], y[tasks == "t0"], tasks[tasks == "t0"]
    model = L21Classifier(0.02).fit(X, y, tasks)
    found = make_task_scorer("roc_auc_ovr")(model, X, y, tasks)
    expected = roc_auc_score(y, model.predict_proba(X, tasks), multi_class="ovr")
    assert found == pytest.approx(expected)


def test_what_is_found_beside_coefficients():
    """Of the tasks, with entries for classes where these have them."""
    X, y, tasks = data()
    model = L21Classifier(0.02, around="mean", alpha_mean=0.01).fit(X, y, tasks)
    assert model.coef_mean_.shape == (4, 4)
    mean, deviation = (model.coef_components_[k] for k in ("mean", "deviation"))
    np.testing.assert_allclose(mean + deviation, model.coef_)
    shown = ~np.isnan(mean)
    np.testing.assert_array_equal(mean[shown], np.stack([model.coef_mean_] * 3)[shown])
    # outliers in all of their classes: a task whose classes are in another order
    moved = np.where(tasks == "t0", CLASSES[3 - np.searchsorted(CLASSES, y)], y)
    model = MultiTaskClassifier(RobustLowRank(0.02, 0.02)).fit(X, moved, tasks)
    assert set(model.outlier_tasks_) < {"t0", "t1", "t2"}
    model = MultiTaskClassifier(NetworkLasso(alpha=1.0) + Ridge(0.01)).fit(X, y, tasks)
    present = ~np.isnan(model.intercept_)
    np.testing.assert_array_equal(model.labels_, np.where(present, 0, -1))
    robust = AdaptiveRobustClassifier().fit(X, y, tasks)
    assert robust.coef_.shape == (3, 4, 4)


def of_two_kinds(n=40):
    """Return rows of four tasks, alike in pairs, of three classes or two."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(4 * n, 4)), np.arange(4 * n) % 4
    W = 2 * rng.normal(size=(2, 4, 3))
    eta = np.einsum("nd,ndk->nk", X, W[tasks // 2]) + rng.gumbel(size=(4 * n, 3))
    y = np.array(list("abc"))[eta.argmax(axis=1)]
    return X, np.where((tasks < 2) & (y == "c"), "a", y), tasks


def test_groups_of_tasks_are_models_of_their_own_classes():
    """A loop over the groups gives the same probabilities, zero for other classes."""
    X, y, tasks = of_two_kinds()
    inner = L21Classifier(0.02, tol=1e-8)
    model = GroupedMultiTaskClassifier(inner, groups=[0, 0, 1, 1]).fit(X, y, tasks)
    assert model.coef_.shape == (4, 3, 4)
    assert np.isnan(model.coef_[:2, 2]).all()
    p = model.predict_proba(X, tasks)
    for members, own in ((tasks < 2, ["a", "b"]), (tasks >= 2, ["a", "b", "c"])):
        alone = clone(inner).fit(X[members], y[members], tasks[members])
        part = p[members][:, np.isin(model.classes_, own)]
        np.testing.assert_allclose(
            part, alone.predict_proba(X[members], tasks[members]), atol=1e-9
        )
    assert not p[tasks < 2, 2].any()


@pytest.mark.slow
def test_groups_of_tasks_are_found_by_all_classes():
    X, y, tasks = of_two_kinds(24)
    inner = MeanRegularizedClassifier(0.1)
    found = GroupedMultiTaskClassifier(inner).fit(X, y, tasks)
    assert found.labels_.tolist() == [0, 0, 1, 1]
    folds = list(TaskKFold(2).split(X, y, tasks))
    grouper, alike = TaskGrouper("cv", max_groups=1), np.ones((4, 4))
    tuned = GroupedMultiTaskClassifier(inner, grouper, similarity=alike, cv=folds)
    tuned.fit(X, y, tasks)
    losses = np.empty(len(y))
    for train, test in folds:
        part = clone(inner).fit(X[train], y[train], tasks[train])
        log_p = part.predict_log_proba(X[test], tasks[test])
        at = np.searchsorted(part.classes_, y[test])
        losses[test] = -log_p[np.arange(len(test)), at]
    mean = np.mean([losses[tasks == t].mean() for t in range(4)])
    assert tuned.cv_loss_[0] == pytest.approx(mean, rel=1e-4)
    y[tasks == 3] = "a"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        grouped = GroupedMultiTaskClassifier(inner, groups=[0, 0, 1, 1])
        grouped.fit(X, y, tasks)
        with pytest.raises(ValueError, match="the tasks 3 of group 1 have a single"):
            grouped.set_params(groups=[0, 0, 0, 1]).fit(X, y, tasks)
    said = [str(w.message) for w in caught if "a single class: 3" in str(w.message)]
    assert len(said) == 2  # once for each, and not by the models inside
