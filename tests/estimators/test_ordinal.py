"""Classes that have an order: proportional odds, certified."""

from __future__ import annotations

import pickle

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict

from helpers.convex import least
from linmtl import (
    MultiTaskClassifier,
    MultiTaskClassifierCV,
    OrdinalClassifier,
    OrdinalClassifierCV,
)
from linmtl.conformal import TaskConformalClassifier
from linmtl.data import MultiTaskData
from linmtl.datafits._ordinal import OrdinalFit
from linmtl.datasets import make_multitask_regression
from linmtl.designs._stacked import StackedDesign
from linmtl.losses import Ordinal
from linmtl.model_selection import LeaveOneTaskOut, TaskKFold
from linmtl.penalties import L1, L21, Deviation, MeanRegularized, Ridge, TraceNorm

TIGHT = {"tol": 1e-9}


def data(seed=0, n=60, T=3):
    """Return rows of some tasks, one of which has never shown a class."""
    rng = np.random.default_rng(seed)
    X, tasks = rng.normal(size=(n, 4)), np.arange(n) % T
    eta = X @ rng.normal(size=(4, T)) + rng.logistic(size=(n, T))
    y = np.digitize(eta[np.arange(n), tasks], [-1.0, 0.5, 1.5])
    y[(tasks == 1) & (y == 1)] = 2
    return X, y, tasks


def ordinal_loss(eta, k, cuts, constraints):
    """Return minus the log-probability of class k, of increasing cuts, in cvxpy."""
    out, last = 0, cuts.size
    if k < last:
        out += cp.logistic(eta - cuts[k])
    if k > 0:
        out += cp.logistic(cuts[k - 1] - eta)
    if 0 < k < last:  # the barrier -log(1 - exp(-gap))
        barrier = cp.Variable()
        constraints.append(cp.exp(-barrier) + cp.exp(cuts[k - 1] - cuts[k]) <= 1)
        out += barrier
    return out


@pytest.mark.slow
@pytest.mark.parametrize(("weighted", "shifted"), [(False, False), (True, True)])
def test_optimum_is_that_of_a_conic_solver(weighted, shifted):
    X, y, tasks = data()
    rng = np.random.default_rng(1)
    weight = rng.integers(1, 4, len(y)) if weighted else None
    w = np.ones(len(y)) if weight is None else weight
    offset = rng.normal(size=len(y)) if shifted else None
    o = np.zeros(len(y)) if offset is None else offset
    W, total, constraints = cp.Variable((4, 3)), 0, []
    for t in range(3):
        rows = tasks == t
        shown, codes = np.unique(y[rows], return_inverse=True)
        cuts = cp.Variable(len(shown) - 1)
        for i, k in zip(np.flatnonzero(rows), codes.tolist(), strict=True):
            part = ordinal_loss(X[i] @ W[:, t] + o[i], k, cuts, constraints)
            total += w[i] / w[rows].sum() * part
    total += 0.05 * cp.sum(cp.norm(W, 2, axis=1))
    best = least(total, constraints)
    model = OrdinalClassifier(L21(0.05), **TIGHT)
    model.fit(X, y, tasks, weight, offset=offset)
    assert model.objective_ == pytest.approx(best, rel=1e-6)
    assert model.dual_gap_ <= model.tol_
    loose = OrdinalClassifier(L21(0.05), tol=0.05)
    loose.fit(X, y, tasks, weight, offset=offset)
    suboptimality = loose.objective_ - model.objective_
    assert -1e-9 <= suboptimality <= loose.dual_gap_ + 1e-9


@pytest.mark.slow
def test_an_offset_of_the_features_moves_the_coefficients():
    """What a common column is worth may be said by an offset or found."""
    X, y, tasks = data()
    known = X @ [1.0, -0.5, 0.0, 0.3]
    free = L21(0.0)
    plain = OrdinalClassifier(free, **TIGHT).fit(X, y, tasks)
    for order in (None, [3, 2, 1, 0]):
        sign = 1.0 if order is None else -1.0
        model = OrdinalClassifier(free, class_order=order, **TIGHT)
        model.fit(X, y, tasks, offset=sign * known)
        moved = sign * model.coef_ + [1.0, -0.5, 0.0, 0.3]
        np.testing.assert_allclose(moved, plain.coef_, atol=1e-3)
        p = model.predict_proba(X, tasks, offset=sign * known)
        np.testing.assert_allclose(p, plain.predict_proba(X, tasks), atol=1e-4)
        found = model.predict(X, tasks, offset=sign * known)
        np.testing.assert_array_equal(found, plain.predict(X, tasks))
    two = OrdinalClassifier(L21(0.05), class_order=[True, False], **TIGHT)
    two.fit(X, y > 1, tasks, offset=known)
    logistic = MultiTaskClassifier(L21(0.05), **TIGHT)
    logistic.fit(X, y > 1, tasks, offset=-known)
    np.testing.assert_allclose(
        two.predict_proba(X, tasks, offset=known),
        logistic.predict_proba(X, tasks, offset=-known),
        atol=1e-5,
    )
    with pytest.raises(ValueError, match="fitted with an offset; pass offset="):
        two.predict_proba(X, tasks)


@pytest.mark.slow
def test_offsets_of_ordered_classes_are_one_model_in_every_layout():
    X, y, _ = data()
    Y = np.column_stack([y, y[::-1]]).astype(float)
    Y[::7, 1] = np.nan
    shift = np.random.default_rng(2).normal(size=Y.shape)
    settings = {"task_weight": "null_loss", **TIGHT}
    wide = OrdinalClassifier(L21(0.05), **settings).fit(X, Y, offset=shift)
    rows = np.vstack([X, X]), Y.T.ravel(), np.repeat([0, 1], len(X))
    long = OrdinalClassifier(L21(0.05), **settings).fit(*rows, offset=shift.T.ravel())
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-6)
    p = np.concatenate(wide.predict_proba(X, offset=shift))
    q = long.predict_proba(rows[0], rows[2], offset=shift.T.ravel())
    np.testing.assert_allclose(p, q, atol=1e-6)
    assert wide.predict_all(X, offset=shift).shape == Y.shape
    free = OrdinalClassifier(L21(1e3), **TIGHT).fit(X, Y, offset=shift)
    null = [
        log_loss(Y[seen, t], free.predict_proba(X, offset=shift)[t][seen])
        for t, seen in enumerate(~np.isnan(Y.T))
    ]
    np.testing.assert_allclose(wide.task_weight_, 1 / np.array(null), rtol=1e-6)


def test_one_task_without_a_penalty_is_statsmodels():
    X, y, _ = data()
    y = np.array(["low", "mid", "high", "top"])[y]
    order = ["low", "mid", "high", "top"]
    model = OrdinalClassifier(Ridge(0.0), class_order=order, tol=1e-10).fit(X, y)
    # OrderedModel of statsmodels 0.15, whose own search ends about 1e-6 from there
    known = [0.22344653, 0.65768773, 0.35982888, -0.51667045]
    np.testing.assert_allclose(model.coef_[0], known, atol=1e-5)
    cuts = [-1.20325352, -0.18608896, 0.61898004]
    np.testing.assert_allclose(model.thresholds_[0], cuts, atol=1e-5)
    assert model.objective_ * len(y) == pytest.approx(74.18419122868, abs=1e-9)
    below = expit(np.subtract.outer(cuts, X @ known)).T
    expected = np.diff(below, prepend=0.0, append=1.0)
    in_order = model.predict_proba(X)[:, np.argsort(np.argsort(order))]
    np.testing.assert_allclose(in_order, expected, atol=1e-5)
    series = pd.Series(y).astype(pd.CategoricalDtype(order, ordered=True))
    again = OrdinalClassifier(Ridge(0.0), tol=1e-10).fit(X, series)
    np.testing.assert_array_equal(again.class_order_, order)
    np.testing.assert_array_equal(again.classes_, sorted(order))
    np.testing.assert_allclose(again.coef_, model.coef_)


def test_two_classes_are_those_of_the_logistic_loss():
    X, y, tasks = data()
    ordered = OrdinalClassifier(L21(0.02), **TIGHT).fit(X, y > 1, tasks)
    plain = MultiTaskClassifier(L21(0.02), **TIGHT).fit(X, y > 1, tasks)
    assert ordered.objective_ == pytest.approx(plain.objective_, rel=1e-8)
    np.testing.assert_allclose(ordered.coef_, plain.coef_, atol=1e-5)
    np.testing.assert_allclose(-ordered.thresholds_[:, 0], plain.intercept_, atol=1e-5)
    np.testing.assert_allclose(
        ordered.predict_proba(X, tasks), plain.predict_proba(X, tasks), atol=1e-5
    )


def test_turned_around_the_model_is_the_same():
    X, y, tasks = data()
    up = OrdinalClassifier(TraceNorm(0.05), **TIGHT).fit(X, y, tasks)
    down = OrdinalClassifier(TraceNorm(0.05), class_order=[3, 2, 1, 0], **TIGHT)
    down.fit(X, y, tasks)
    np.testing.assert_allclose(down.coef_, -up.coef_, atol=1e-5)
    np.testing.assert_allclose(
        down.predict_proba(X, tasks), up.predict_proba(X, tasks), atol=1e-5
    )
    np.testing.assert_allclose(down.thresholds_[:, ::-1], -up.thresholds_, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("order", [["low", "high"], ["low", "mid", "high"]])
def test_answers_are_in_the_order_of_scikit_learn(order):
    """Its scorers, and `cross_val_predict`, take columns for those of sorted labels."""
    X, y, tasks = data()
    y = np.minimum(y, len(order) - 1)
    named = np.array(order)[y]
    numbers = OrdinalClassifier(L21(0.03), **TIGHT).fit(X, y, tasks)
    texts = OrdinalClassifier(L21(0.03), class_order=order, **TIGHT).fit(
        X, named, tasks
    )
    np.testing.assert_array_equal(texts.class_order_, order)
    np.testing.assert_array_equal(texts.classes_, sorted(order))
    p = numbers.predict_proba(X, tasks)
    q = texts.predict_proba(X, tasks)
    assert log_loss(named, q) == pytest.approx(log_loss(y, p))
    np.testing.assert_array_equal(
        texts.classes_[q.argmax(axis=1)], texts.predict(X, tasks)
    )
    np.testing.assert_array_equal(texts.predict(X, tasks), np.array(order)[p.argmax(1)])
    np.testing.assert_allclose(q, np.exp(texts.predict_log_proba(X, tasks)))
    sets = TaskConformalClassifier(texts, cv=3).fit(X, named, tasks)
    inside = sets.predict_set(X, tasks)[named[:, None] == sets.classes_]
    assert inside.mean() > 0.8


@pytest.mark.slow
def test_cross_val_predict_of_probabilities_keeps_the_order():
    """It replaces labels by their positions in sorted order."""
    X, y, _ = data()
    order = ["low", "mid", "high", "top"]
    named = np.array(order)[y]
    codes = np.searchsorted(np.unique(named), order)
    asked = {"cv": list(KFold(3).split(X)), "method": "predict_proba"}
    expected = cross_val_predict(OrdinalClassifier(L21(0.03)), X, y, **asked)
    typed = pd.Series(pd.Categorical(named, order, ordered=True))
    for labels, given in (
        (named, codes.tolist()),
        (named, order),
        (named, ["none", *order]),
        (typed, None),
        (y + 1, [1, 2, 3, 4]),
    ):
        model = OrdinalClassifier(L21(0.03), class_order=given)
        found = cross_val_predict(model, X, labels, **asked)
        columns = np.arange(4) if given == [1, 2, 3, 4] else codes
        np.testing.assert_allclose(found[:, columns], expected, atol=1e-6)
    wide = pd.DataFrame({"a": named, "b": named[::-1]})
    model = OrdinalClassifier(L21(0.03), class_order=order)
    with pytest.raises(ValueError, match="puts numbers in place of labels"):
        cross_val_predict(model, X, wide, **asked)


def test_a_wide_table_of_ordered_categories_has_their_order():
    X, y, _ = data()
    order = ["low", "mid", "high", "top"]
    kind = pd.CategoricalDtype(order, ordered=True)
    Y = pd.DataFrame({"a": np.array(order)[y], "b": np.array(order)[y[::-1]]})
    Y.loc[::7, "b"] = None
    expected = OrdinalClassifier(L21(0.03), class_order=order).fit(X, Y)
    for columns in (["a", "b"], ["b"]):  # one is enough
        typed = Y.astype(dict.fromkeys(columns, kind))
        model = OrdinalClassifier(L21(0.03)).fit(X, typed)
        np.testing.assert_array_equal(model.class_order_, order)
        np.testing.assert_array_equal(model.coef_, expected.coef_)
    other = pd.CategoricalDtype(order[::-1], ordered=True)
    with pytest.raises(ValueError, match="categories of y have several orders"):
        OrdinalClassifier(L21(0.03)).fit(X, Y.astype({"a": kind, "b": other}))


def test_tasks_unknown_are_refused_without_advice_that_is_refused_too():
    X, y, tasks = data()
    model = OrdinalClassifier(L21(0.03)).fit(X, y, tasks)
    with pytest.raises(ValueError, match="has not seen in fit") as error:
        model.predict(X[:1], [99])
    assert "handle_unknown" not in str(error.value)


@pytest.mark.parametrize(
    "penalty",
    [
        L21(0.05, feature_weight=[1.0, 0.0, 1.0, 1.0]),
        MeanRegularized(0.1, 0.0),
        Deviation(L21(0.05)),
        L21(0.02) + Ridge(0.1),
    ],
)
def test_what_is_free_is_certified_or_refused(penalty):
    X, y, tasks = data()
    model = OrdinalClassifier(penalty, tol=1e-7)
    model.fit(X, y, tasks)
    assert model.dual_gap_ <= model.tol_
    rough = clone(model).set_params(tol=1e-2).fit(X, y, tasks)
    assert rough.objective_ - model.objective_ <= rough.dual_gap_ + 1e-9


def test_layouts_are_one_model():
    X, y, _ = data()
    Y = np.column_stack([y, y[::-1], np.where(y == 3, 2, y)]).astype(float)
    Y[::7, 0] = np.nan
    wide = OrdinalClassifier(L21(0.03), **TIGHT).fit(X, Y)
    n, T = Y.shape
    rows = X[np.tile(np.arange(n), T)], Y.T.ravel(), np.repeat(np.arange(T), n)
    long = OrdinalClassifier(L21(0.03), **TIGHT).fit(*rows)
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-6)
    np.testing.assert_allclose(wide.thresholds_, long.thresholds_, atol=1e-6)
    assert np.isfinite(long.thresholds_).all()
    wide_p, long_p = wide.predict_proba(X), long.predict_proba(rows[0], rows[2])
    np.testing.assert_allclose(np.concatenate(wide_p), long_p, atol=1e-6)
    np.testing.assert_allclose(long_p.sum(axis=1), 1.0)
    assert np.sum(long_p[rows[2] == 2, 3]) <= 0.51
    assert wide.predict(X).shape == wide.predict_all(X).shape == Y.shape
    sparse_X = sparse.csr_array(rows[0])
    thin = OrdinalClassifier(L21(0.03), **TIGHT).fit(sparse_X, *rows[1:])
    np.testing.assert_allclose(thin.coef_, long.coef_, atol=1e-5)
    single = OrdinalClassifier(L21(0.03)).fit(X.astype(np.float32), y)
    assert (single.coef_.dtype, single.coef_.shape) == (np.float32, (1, 4))
    far = OrdinalClassifier(L21(0.03), **TIGHT).fit(rows[0] + 1e7, *rows[1:])
    np.testing.assert_allclose(
        far.predict_proba(rows[0] + 1e7, rows[2]), long_p, atol=1e-4
    )


@pytest.mark.slow
def test_searches_pipelines_and_pickles():
    X, y, tasks = data()
    table = pd.DataFrame(X, columns=list("abcd")).assign(task=tasks)
    model = OrdinalClassifier(task_column="task")
    cv = TaskKFold(3, task_column="task")
    grid = {"penalty": [L21(0.3), L21(0.03)]}
    search = GridSearchCV(model, grid, cv=cv, scoring="neg_log_loss").fit(table, y)
    assert np.isfinite(search.best_score_)
    assert cross_val_predict(search.best_estimator_, table, y, cv=cv).shape == y.shape
    best = search.best_estimator_
    again = pickle.loads(pickle.dumps(best))
    np.testing.assert_array_equal(again.predict_proba(table), best.predict_proba(table))
    assert best.score(table, y) > 0.4
    warm = clone(best).set_params(warm_start=True).fit(table, y).fit(table, y)
    assert warm.n_iter_ == 1


@pytest.mark.parametrize("k", [0, 1, 3])
def test_a_task_of_one_class_has_what_the_others_share(k):
    """Their mean coefficients, and thresholds around its class."""
    X, y, tasks = data()
    mine = tasks == 2
    model = OrdinalClassifier(L21(0.03))
    with pytest.warns(UserWarning, match="these tasks have a single class: 2"):
        model.fit(X, np.where(mine, k, y), tasks)
    np.testing.assert_allclose(model.coef_[2], model.coef_[:2].mean(axis=0))
    middle, n = X[mine].mean(axis=0), mine.sum()
    [p] = model.predict_proba([middle], [2])
    sides = (k > 0) + (k < 3)
    assert p[k] == pytest.approx(1 - sides * 0.5 / (n + 1))
    # the thresholds beyond are as far apart as those of the others
    gaps = np.diff(model.thresholds_, axis=1)
    apart = [j for j in (0, 1) if k not in (j + 1,)]
    np.testing.assert_allclose(gaps[2, apart], gaps[:2, apart].mean(axis=0))
    # as without an order, where that is not needed
    ordered = OrdinalClassifier(L21(0.03), **TIGHT)
    plain = MultiTaskClassifier(L21(0.03), **TIGHT)
    with pytest.warns(UserWarning, match="single class"):
        pair = [m.fit(X, np.where(mine, 1, y > 1), tasks) for m in (ordered, plain)]
    p, q = (m.predict_proba(X, tasks) for m in pair)
    np.testing.assert_allclose(p, q, atol=1e-6)


@pytest.mark.parametrize("lacking", [0, 3])
def test_a_class_at_an_end_that_a_task_has_not_shown_is_possible(lacking):
    """As far away as in the others, and half a row of its own at most."""
    X, y, tasks = data()
    mine = tasks == 1
    y = np.where(mine & (y == lacking), abs(lacking - 1), y)
    weight = np.where(mine, 2.0, 1.0)
    model = OrdinalClassifier(L21(0.03)).fit(X, y, tasks, weight)
    p = model.predict_proba(X[mine], tasks[mine])[:, lacking]
    assert 0 < 2 * p.sum() <= 0.5
    end = 0 if lacking == 0 else 1
    gap = np.diff(model.thresholds_, axis=1)[:, end]
    assert gap[1] >= gap[[0, 2]].mean() - 1e-9
    known = model.predict(X[mine], tasks[mine]) != lacking
    assert known.all()
    turned = OrdinalClassifier(L21(0.03), class_order=[3, 2, 1, 0], tol=1e-8)
    straight = clone(turned).set_params(class_order=None)
    p, q = (m.fit(X, y, tasks).predict_proba(X, tasks) for m in (turned, straight))
    np.testing.assert_allclose(p, q, atol=1e-5)


@pytest.mark.parametrize(
    ("parameters", "fitting", "what"),
    [
        ({"fit_intercept": False}, {}, "fit_intercept must be True"),
        ({"handle_unknown": "mean"}, {}, "handle_unknown must be 'error'"),
        ({"class_order": [0, 1, 2]}, {}, "class_order must name each class once"),
        ({"class_order": [[0, 1], [2, 3]]}, {}, "class_order must name each class"),
        ({"class_order": 3}, {}, "class_order must name each class once"),
        ({"task_weight": "minimax"}, {}, "task_weight='minimax' is not for"),
        ({"solver": "newton"}, {}, "solver='newton' needs"),
        ({}, {"offset": np.ones(3)}, "offset has shape"),
        ({}, {"y": np.full(60, 2)}, "only 1 class"),
        ({}, {"y": np.arange(60) / 4}, "holds fractions"),
    ],
)
def test_errors_are_one_line(parameters, fitting, what):
    X, y, tasks = data()
    given = {"X": X, "y": y, "tasks": tasks} | fitting
    with pytest.raises(ValueError, match=what) as error:
        OrdinalClassifier(**{"penalty": Ridge(0.1)} | parameters).fit(**given)
    assert "\n" not in str(error.value)
    assert not hasattr(OrdinalClassifier(), "fit_new_task")


def held_out_by_hand(alpha, X, y, tasks, cv, offset):
    """Return minus the log-likelihood of held-out rows, folds x tasks."""
    out = []
    for train, test in cv.split(X, y, tasks):
        model = OrdinalClassifier(L21(alpha), **TIGHT)
        model.fit(X[train], y[train], tasks[train], offset=offset[train])
        log_p = model.predict_log_proba(X[test], tasks[test], offset=offset[test])
        each = -log_p[np.arange(len(test)), y[test]]
        out.append([each[tasks[test] == t].mean() for t in range(3)])
    return np.array(out)


@pytest.mark.slow
def test_a_search_judges_by_models_of_the_training_parts():
    X, y, tasks = data(n=120)
    cv = TaskKFold(3, stratify=True)
    alphas = [0.2, 0.05, 0.01]
    offset = X @ np.random.default_rng(1).normal(size=4)
    search = OrdinalClassifierCV(alphas=alphas, cv=cv, **TIGHT)
    search.fit(X, y, tasks, offset=offset)
    given = X, y, tasks, cv, offset
    expected = [held_out_by_hand(alpha, *given) for alpha in alphas]
    np.testing.assert_allclose(-search.task_scores_path_, expected, rtol=1e-5)
    mean = np.mean(expected, axis=2)
    np.testing.assert_allclose(-search.scores_path_, mean, rtol=1e-5)
    assert search.alpha_ == alphas[int(mean.mean(axis=1).argmin())]
    chosen = OrdinalClassifier(search.penalty_, **TIGHT)
    chosen.fit(X, y, tasks, offset=offset)
    np.testing.assert_allclose(search.coef_, chosen.coef_, atol=1e-6)
    np.testing.assert_allclose(search.thresholds_, chosen.thresholds_, atol=1e-6)


@pytest.mark.slow
def test_a_search_is_the_same_in_every_layout_and_direction():
    X, y, _ = data(1, T=1)
    Y = np.column_stack([y, np.minimum(y, 2)]).astype(float)
    Y[::7, 0] = np.nan
    n, T = Y.shape
    cv = [(np.flatnonzero(np.arange(n) % 3 != k), np.arange(k, n, 3)) for k in range(3)]
    both = [
        (np.r_[a, a + n], np.r_[b, b + n]) for a, b in cv
    ]  # the same rows, one after the other
    options = {"alphas": 6, "eps": 0.02, **TIGHT}
    wide = OrdinalClassifierCV(cv=cv, **options).fit(X, Y)
    rows = X[np.tile(np.arange(n), T)], Y.T.ravel(), np.repeat(np.arange(T), n)
    long = OrdinalClassifierCV(cv=both, **options).fit(*rows)
    np.testing.assert_allclose(wide.scores_path_, long.scores_path_, rtol=1e-6)
    down = OrdinalClassifierCV(cv=both, class_order=[3, 2, 1, 0], **options).fit(*rows)
    np.testing.assert_allclose(down.scores_path_, long.scores_path_, rtol=1e-6)
    np.testing.assert_allclose(down.coef_, -long.coef_, atol=1e-5)
    far = OrdinalClassifierCV(cv=both, **options).fit(1e5 + rows[0], *rows[1:])
    np.testing.assert_allclose(far.scores_path_, long.scores_path_, rtol=1e-4)


@pytest.mark.slow
def test_a_search_of_two_classes_is_that_of_the_logistic_loss():
    X, y, tasks = data()
    options = {"alphas": [0.1, 0.02], "cv": 3, **TIGHT}
    for scoring in (None, "roc_auc", "neg_log_loss"):
        ordered = OrdinalClassifierCV(L21(), scoring=scoring, **options)
        plain = MultiTaskClassifierCV(L21(), scoring=scoring, **options)
        ordered.fit(X, y > 1, tasks)
        plain.fit(X, y > 1, tasks)
        np.testing.assert_allclose(ordered.scores_path_, plain.scores_path_, rtol=1e-5)
    assert ordered.alpha_ == plain.alpha_


@pytest.mark.slow
def test_a_search_by_a_score_takes_the_labels_as_passed():
    X, y, tasks = data(n=120)
    order = ["low", "mid", "high", "top"]
    named = pd.Series(np.array(order)[y]).astype(pd.CategoricalDtype(order, True))
    options = {"alphas": [0.1, 0.02], "cv": 3}
    for scoring in ("accuracy", "roc_auc_ovr"):
        numbers = OrdinalClassifierCV(scoring=scoring, **options).fit(X, y, tasks)
        texts = OrdinalClassifierCV(scoring=scoring, **options).fit(X, named, tasks)
        np.testing.assert_allclose(texts.scores_path_, numbers.scores_path_)
        assert numbers.scores_path_.shape == (2, 1)
    grid = {"alpha_mean": [0.0, 0.1]}
    search = OrdinalClassifierCV(MeanRegularized(), param_grid=grid, **options)
    assert search.fit(X, y, tasks).scores_path_.shape == (2, 2, 3)


@pytest.mark.slow
def test_a_search_keeps_classes_that_show_once():
    X, y, tasks = data()
    y = np.where(y == 3, 2, y)
    y[0] = 3
    weight = np.where(np.arange(60) == 4, 0.0, 1.0)
    y[4] = 7
    search = OrdinalClassifierCV(alphas=[0.1, 0.02], cv=3).fit(X, y, tasks, weight)
    assert np.all(np.isfinite(search.scores_path_))
    assert search.scores_path_.shape == (2, 3)


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"cv": "loo"}, "cv='loo' and criterion are for models with one intercept"),
        ({"criterion": "aic"}, "cv='loo' and criterion are for models with one"),
        ({"cv": LeaveOneTaskOut()}, "cv holds out no row of a class that its task"),
        ({"cv": 1}, "cv must be at least 2 folds"),
        ({"alphas": [0.1], "class_order": [0]}, "class_order must name each class"),
        ({"fit_intercept": False}, "fit_intercept must be True"),
        ({"task_weight": "minimax"}, "task_weight='minimax' is not for"),
        ({"scoring": "r3", "alphas": [0.1]}, "scoring"),
    ],
)
def test_errors_of_a_search_are_one_line(parameters, what):
    X, y, tasks = data()
    with pytest.raises(ValueError, match=what) as error:
        OrdinalClassifierCV(**parameters).fit(X, y, tasks)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_separable_classes_are_certified():
    """Where all rows are on their side, slopes and curvatures vanish together."""
    X = 3 * np.random.RandomState(0).uniform(size=(20, 3))
    y = X[:, 0].astype(int)
    search = OrdinalClassifierCV(alphas=[0.1, 0.03, 0.0003], cv=2)
    with pytest.warns(UserWarning, match="the best strength is"):
        search.fit(X, y)
    for alpha in (1e-3, 1e-5):
        model = OrdinalClassifier(L21(alpha)).fit(X, y)
        assert model.dual_gap_ <= model.tol_
        assert model.score(X, y) == 1.0


@pytest.mark.parametrize("scale", [0.0, 3.0, 100.0, -10.0])
def test_cuts_are_the_best_from_wherever_they_start(scale):
    """Those of other predictors may be far away, where the loss is flat."""
    X, y, tasks = data(n=120)
    model = OrdinalClassifier(L21(0.01)).fit(X, y, tasks)
    given = model._read_problem(X, y, tasks, None).data
    W = model.coef_.T
    fresh, moved = model._make_fit(given), model._make_fit(given)
    moved.cuts(W)
    np.testing.assert_allclose(moved.cuts(scale * W), fresh.cuts(scale * W), rtol=1e-6)
    np.testing.assert_allclose(moved.cuts(W), model.thresholds_, atol=1e-8)


@pytest.mark.slow
def test_a_search_finds_what_an_exact_one_does():
    """Its models start from others far away, in folds that were at the weakest."""
    X, y, tasks = make_multitask_regression(n_samples=25, random_state=0)
    stage = np.digitize(y, [-2.0, 0.0, 2.0])
    rough = OrdinalClassifierCV(alphas=12, cv=2).fit(X, stage, tasks)
    exact = OrdinalClassifierCV(alphas=12, cv=2, tol=1e-6).fit(X, stage, tasks)
    best = int(exact.scores_path_.mean(axis=1).argmax())
    near = slice(max(best - 1, 0), best + 2)
    np.testing.assert_allclose(
        rough.scores_path_[near], exact.scores_path_[near], rtol=0.01
    )
    assert rough.alpha_ in exact.alphas_[near]


def test_the_alphabet_is_no_order_of_words():
    rng = np.random.default_rng(0)
    X, place = rng.normal(size=(30, 1)), np.arange(30) % 3
    words = np.array(["low", "mid", "high"])
    with pytest.warns(UserWarning, match="order of the alphabet, 'high', 'low', 'mid'"):
        OrdinalClassifier(L21(0.1)).fit(X, words[place])
    OrdinalClassifier(L21(0.1), class_order=words).fit(X, words[place])
    OrdinalClassifier(L21(0.1)).fit(X, np.array([*"abc"])[place])  # grades


def test_features_far_from_zero_take_no_more_steps(monkeypatch):
    """Thresholds far from zero have too few digits for slopes of nothing."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(120, 4)), np.repeat(np.arange(4), 30)
    y = np.digitize(X.sum(axis=1) + rng.logistic(size=120), [-1.0, 1.0])
    solve, steps = OrdinalFit._solve, []
    monkeypatch.setattr(
        OrdinalFit, "_solve", lambda *given: steps.append(1) or solve(*given)
    )
    counts, thresholds = [], []
    for far in (0.0, 1e4):
        steps.clear()
        model = OrdinalClassifier(L21(0.01)).fit(X + far, y, tasks)
        counts.append(len(steps))
        thresholds.append(model.thresholds_ - far * model.coef_.sum(axis=1)[:, None])
    assert counts[1] <= 1.5 * counts[0]
    np.testing.assert_allclose(*thresholds, atol=1e-6)


@pytest.mark.parametrize("penalty", [L21(1e-3), L1(1e-3), L21(1e-3) + Ridge(1e-3)])
def test_weak_strengths_take_few_steps(penalty):
    """Newton's on the features in use, where gradients take hundreds."""
    X, y, tasks = correlated()
    model = OrdinalClassifier(penalty, tol=1e-8).fit(X, y, tasks)
    assert (model.solver_, model.n_iter_ < 60) == ("prox_newton", True)
    assert model.dual_gap_ <= model.tol_
    slow = OrdinalClassifier(penalty, tol=1e-8, solver="apg").fit(X, y, tasks)
    assert slow.n_iter_ > 4 * model.n_iter_
    assert slow.objective_ >= model.objective_ - model.dual_gap_
    assert model.objective_ >= slow.objective_ - slow.dual_gap_


@pytest.mark.parametrize("penalty", [Ridge(1e-3), MeanRegularized(1e-2)])
def test_quadratic_penalties_take_newton_steps_by_products(penalty):
    X, y, tasks = correlated()
    model = OrdinalClassifier(penalty, tol=1e-8).fit(X, y, tasks)
    assert model.solver_ == "cg"
    assert model.dual_gap_ <= model.tol_
    slow = OrdinalClassifier(penalty, tol=1e-8, solver="apg").fit(X, y, tasks)
    np.testing.assert_allclose(
        model.objective_, slow.objective_, rtol=0, atol=model.tol_
    )


def correlated():
    """Features that are alike, for which gradients are slow."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(120, 8)) @ rng.normal(size=(8, 8)), np.arange(120) % 3
    y = np.digitize(X[:, 0] + X[:, 1] + rng.logistic(size=120), [-2.0, 0.0, 2.0])
    return X, y, tasks


def test_hessians_are_the_slopes_of_gradients():
    X, y, tasks = correlated()
    order = np.argsort(tasks, kind="stable")
    design = StackedDesign(X[order], np.arange(4) * 40)
    data = MultiTaskData(design, y[order].astype(float), np.full(120, 1 / 40))
    fit = OrdinalFit(data, Ordinal(4))
    rng, features, step = np.random.default_rng(1), np.array([1, 4]), 1e-5
    W, G = 0.1 * rng.normal(size=(8, 3)), np.empty((2, 8, 3))
    expected = np.empty((3, 2, 2))
    for k, j in enumerate(features):
        for sign, out in zip((1, -1), G, strict=True):
            V = W.copy()
            V[j] += sign * step
            fit.evaluate(V, out)
        expected[:, k] = ((G[1] - G[0]) / (2 * step))[features].T
    fit.evaluate(W, G[0])
    np.testing.assert_allclose(fit.hessians(features), expected, atol=1e-6)
