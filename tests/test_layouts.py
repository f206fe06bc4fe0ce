"""One problem, many forms of data: every layout must give the same model.

Two ways to write down the same problem are compared at a tolerance so tight that
only rounding is left.
"""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.linear_model import Lasso, LogisticRegression, MultiTaskLasso, Ridge

import linmtl
from helpers.layouts import NAMES, REGRESSORS, TIGHT, every, fit, label_of, long, wide
from helpers.loops import looped
from helpers.processes import output_of
from linmtl import (
    IndependentClassifier,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    PooledRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
    stack_tasks,
    unstack_tasks,
)
from linmtl.datasets import make_multitask_regression
from linmtl.model_selection import TaskKFold
from linmtl.penalties import L1, L21, TraceNorm

# for what is decided before the penalty is known, one of each kind is enough
TWO = [L21Regressor(0.1, **TIGHT), MeanRegularizedClassifier(0.1, 0.01, **TIGHT)]
two = pytest.mark.parametrize("model", TWO, ids=["regressor", "classifier"])


def observed(y):
    return np.array([value == value for value in y])


def assert_same(first, second):
    """Same models: to rounding where a system is solved exactly.

    Elsewhere a duality gap of 1e-14 bounds the error of the coefficients by about
    its square root; the objective is flat at the optimum.
    """
    tol = 1e-10 if first.solver_ in ("direct", "newton") else 1e-7
    np.testing.assert_allclose(first.coef_, second.coef_, atol=tol)
    np.testing.assert_allclose(first.intercept_, second.intercept_, atol=tol)
    np.testing.assert_allclose(first.objective_, second.objective_, rtol=1e-11)


def assert_equal_predictions(first, second):
    """Equal labels, or numbers that differ by rounding."""
    if np.asarray(first).dtype.kind == "f":
        np.testing.assert_allclose(first, second, rtol=1e-6, atol=1e-6)
    else:
        np.testing.assert_array_equal(first, second)


# --- one problem in every layout


@every
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_long_is_wide(model, missing):
    X, Y = wide(model, missing=missing)
    shared = fit(model, X, Y)
    X_long, y, tasks = long(X, Y)
    ragged = fit(model, X_long, y, tasks)
    if label_of(model) == "PooledRegressor":
        # averaged labels of a row lack their variance, as the docstring says
        ragged.objective_ = shared.objective_
    assert_same(shared, ragged)
    assert shared.tasks_.tolist() == [0, 1, 2, 3]
    assert ragged.tasks_.tolist() == NAMES
    assert_equal_predictions(shared.predict_all(X), ragged.predict_all(X))


def with_column(X, labels, kind):
    """X with its labels in a column, and the task_column that finds them."""
    columns = [f"x{j}" for j in range(X.shape[1])]
    codes = np.unique(labels, return_inverse=True)[1]
    if kind.startswith("frame"):
        frame = pd.DataFrame(X, columns=columns)
        frame.insert(2, "site", labels)
        if kind == "frame categorical":
            frame["site"] = pd.Categorical(labels, categories=NAMES[::-1])
        column = {"frame position": 2, "frame negative": -X.shape[1] + 1}
        return frame, column.get(kind, "site")
    if kind == "objects":
        return np.column_stack([np.asarray(labels, dtype=object), X]), 0
    if kind == "lists":
        return [[*row, label] for row, label in zip(X, labels, strict=True)], -1
    stacked = np.insert(X, 2, codes, axis=1)
    if kind == "array":
        return stacked, 2
    return sparse.csr_array(stacked).asformat(kind), 2


KINDS = [
    "frame name",
    "frame position",
    "frame negative",
    "frame categorical",
    "objects",
    "lists",
    "array",
    "csr",
    "csc",
]


@two
@pytest.mark.parametrize("kind", KINDS)
def test_a_task_column_is_tasks(model, kind):
    X, y, tasks = long(*wide(model, missing=0.2))
    expected = fit(model, X, y, tasks)
    X_column, column = with_column(X, tasks, kind)
    actual = fit(model, X_column, y, task_column=column)
    assert_same(expected, actual)
    assert actual.n_features_in_ == X.shape[1] + 1
    assert actual.coef_.shape == (4, X.shape[1])
    assert_equal_predictions(actual.predict(X_column), expected.predict(X, tasks))
    np.testing.assert_allclose(
        actual.score(X_column, y), expected.score(X, y, tasks), rtol=1e-7
    )
    if kind.startswith("frame"):
        names = ["x0", "x1", "x2", "x3", "x4", "x5"]
        assert actual.coef_feature_names_.tolist() == names
        assert actual.feature_names_in_.tolist() == names[:2] + ["site"] + names[2:]
    else:
        assert not hasattr(actual, "coef_feature_names_")
        assert not hasattr(actual, "feature_names_in_")


@two
def test_lists_of_tasks_are_the_wide_layout(model):
    X, Y = wide(model)
    stacked = stack_tasks([X] * 4, list(Y.T), names=NAMES)
    assert_same(fit(model, X, Y), fit(model, *stacked))


@every
def test_one_task_with_a_label_is_one_task_without(model):
    if "Graph" in type(model).__name__:  # a single node has no edge
        model = clone(model).set_params(alpha=0.0)
    X, Y = wide(model)
    y = Y[:, 0]
    plain = fit(model, X, y)
    labelled = fit(model, X, y, np.full(len(y), "only"))
    column = fit(model, X, y[:, None])
    first = np.atleast_2d(plain.coef_)
    # another design, so not the same rounding
    np.testing.assert_allclose(labelled.coef_, first, atol=1e-7)
    np.testing.assert_allclose(column.coef_, first, atol=1e-7)
    np.testing.assert_allclose(labelled.intercept_, plain.intercept_, atol=1e-7)
    assert labelled.predict(X, ["only"] * len(y)).shape == plain.predict(X).shape
    assert column.predict(X).shape == (len(y), 1)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_regressors_of_scikit_learn(fit_intercept):
    X, Y = wide(REGRESSORS[0])
    options = {"fit_intercept": fit_intercept, "tol": 1e-12, "max_iter": 100_000}
    expected = MultiTaskLasso(0.1, **options).fit(X, Y)
    for data in [(X, Y), long(X, Y)]:
        actual = fit(REGRESSORS[0], *data, fit_intercept=fit_intercept)
        np.testing.assert_allclose(actual.coef_, expected.coef_, atol=1e-6)
        np.testing.assert_allclose(actual.intercept_, expected.intercept_, atol=1e-6)
    lasso = Lasso(0.05, **options).fit(X, Y[:, 3])
    single = fit(L21Regressor(0.05, **TIGHT), X, Y[:, 3], fit_intercept=fit_intercept)
    np.testing.assert_allclose(single.coef_, lasso.coef_, atol=1e-6)
    np.testing.assert_allclose(single.intercept_, lasso.intercept_, atol=1e-6)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_logistic_regression_of_scikit_learn_task_by_task(fit_intercept):
    model = IndependentClassifier(0.1, fit_intercept=fit_intercept, **TIGHT)
    X, Y = wide(model)
    for data in [(X, Y), long(X, Y)]:
        actual = fit(model, *data)
        for t in range(4):
            expected = LogisticRegression(
                C=1 / (0.1 * len(X)),
                tol=1e-10,
                fit_intercept=fit_intercept,
                solver="newton-cg",
            ).fit(X, Y[:, t].astype(str))
            np.testing.assert_allclose(actual.coef_[[t]], expected.coef_, atol=1e-6)
            np.testing.assert_allclose(
                actual.intercept_[[t]], expected.intercept_, atol=1e-6
            )


@every
def test_without_intercept_in_every_layout(model):
    X, Y = wide(model, missing=0.2)
    shared = fit(model, X, Y, fit_intercept=False)
    ragged = fit(model, *long(X, Y), fit_intercept=False)
    np.testing.assert_array_equal(shared.intercept_, 0.0)
    np.testing.assert_array_equal(ragged.intercept_, 0.0)
    np.testing.assert_allclose(shared.coef_, ragged.coef_, atol=1e-7)


# --- rows, weights, order


@every
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_a_missing_label_is_a_row_removed(model, layout):
    X, Y = wide(model, missing=0.25)
    X_long, y, tasks = long(X, Y)
    keep = observed(y)
    removed = fit(model, X_long[keep], y[keep], tasks[keep])
    kept = fit(model, X, Y) if layout == "wide" else fit(model, X_long, y, tasks)
    removed.objective_ = kept.objective_  # of Pooled, see test_long_is_wide
    assert_same(removed, kept)


@two
def test_a_row_without_any_label_of_a_wide_y_is_a_row_removed(model):
    X, Y = wide(model)
    Y = Y.astype(object) if is_classifier(model) else Y
    Y[[3, 7]] = None if is_classifier(model) else np.nan
    keep = np.setdiff1d(np.arange(len(X)), [3, 7])
    assert_same(fit(model, X, Y), fit(model, X[keep], Y[keep]))


@every
@pytest.mark.parametrize("layout", ["single", "long", "wide"])
def test_integer_weights_are_repetitions_and_zeros_are_removals(model, layout):
    if layout == "single" and "Graph" in type(model).__name__:
        model = clone(model).set_params(alpha=0.0)
    X, Y = wide(model)
    if layout == "wide":
        arrays = [X, Y]
    elif layout == "long":
        arrays = [*long(X, Y)]
    else:
        arrays = [X, Y[:, 1]]
    weight = np.random.default_rng(5).integers(0, 4, size=len(arrays[0]))
    repeated = fit(model, *[np.repeat(a, weight, axis=0) for a in arrays])
    weighted = clone(model).fit(*arrays, sample_weight=weight)
    assert_same(repeated, weighted)
    # only proportions within a task matter, for each task contributes its mean
    if "Pooled" not in type(model).__name__:
        assert_same(weighted, clone(model).fit(*arrays, sample_weight=0.1 * weight))


@two
def test_weights_of_the_shape_of_a_wide_y(model):
    X, Y = wide(model)
    weight = np.random.default_rng(0).integers(0, 3, size=Y.shape)
    X_long = np.repeat(np.tile(X, (4, 1)), weight.T.ravel(), axis=0)
    y = np.repeat(Y.T.ravel(), weight.T.ravel())
    tasks = np.repeat(np.repeat(NAMES, len(X)), weight.T.ravel())
    assert_same(
        fit(model, X_long, y, tasks), clone(model).fit(X, Y, sample_weight=weight)
    )


@two
def test_a_weight_of_zero_hides_whatever_the_label_is(model):
    X, Y = wide(model)
    weight = np.ones(Y.shape)
    weight[:5, 2] = 0.0
    other = Y.copy()
    other[:5, 2] = "no" if is_classifier(model) else 1e6
    assert_same(
        clone(model).fit(X, Y, sample_weight=weight),
        clone(model).fit(X, other, sample_weight=weight),
    )


@every
def test_the_order_of_rows_tasks_and_features_only_permutes(model):
    X, y, tasks = long(*wide(model, missing=0.3))
    rng = np.random.default_rng(3)
    base = fit(model, X, y, tasks)
    rows = rng.permutation(len(y))
    assert_same(base, fit(model, X[rows], y[rows], tasks[rows]))

    place = np.array([2, 0, 3, 1])
    renamed = dict(zip(NAMES, np.array(NAMES)[place], strict=True))
    permuted = fit(model, X, y, [renamed[label] for label in tasks])
    np.testing.assert_allclose(permuted.coef_[place], base.coef_, atol=1e-7)
    np.testing.assert_allclose(permuted.intercept_[place], base.intercept_, atol=1e-7)

    features = rng.permutation(X.shape[1])
    swapped = fit(model, X[:, features], y, tasks)
    np.testing.assert_allclose(swapped.coef_, base.coef_[:, features], atol=1e-7)


@two
def test_columns_of_a_wide_y_permute_the_tasks(model):
    X, Y = wide(model)
    place = [2, 0, 3, 1]
    base, permuted = fit(model, X, Y), fit(model, X, Y[:, place])
    np.testing.assert_allclose(permuted.coef_, base.coef_[place], atol=1e-7)


def test_task_order():
    model = L21Regressor(0.1, **TIGHT)
    X, y, tasks = long(*wide(model))
    base = fit(model, X, y, tasks)
    order = ["west", "absent", "east", "south", "north"]
    ordered = fit(model, X, y, tasks, task_order=order)
    assert ordered.tasks_.tolist() == ["west", "east", "south", "north"]
    place = [NAMES.index(name) for name in ordered.tasks_]
    np.testing.assert_allclose(ordered.coef_, base.coef_[place], atol=1e-7)
    np.testing.assert_allclose(
        ordered.predict(X, tasks), base.predict(X, tasks), atol=1e-6
    )
    with pytest.raises(ValueError, match="task_order lacks the labels 'west'"):
        fit(model, X, y, tasks, task_order=NAMES[:3])
    with pytest.raises(ValueError, match="task_order is for data with tasks="):
        fit(model, *wide(model), task_order=[0, 1, 2, 3])


# --- weights of tasks


@pytest.mark.parametrize("model", TWO + [PooledRegressor(0.1, **TIGHT)], ids=label_of)
def test_every_form_of_task_weight(model):
    X, y, tasks = long(*wide(model, missing=0.3))
    weights = [0.5, 1.0, 2.0, 3.0]
    by_name = dict(zip(NAMES, weights, strict=True))
    base = fit(model, X, y, tasks, task_weight=weights)
    for form in (
        np.array(weights),
        by_name,
        {**by_name, "elsewhere": 7.0},
        pd.Series(by_name)[::-1],
    ):
        assert_same(base, fit(model, X, y, tasks, task_weight=form))
    # all weights equal: the problem is that of no weights, except for Pooled, which
    # then weighs tasks instead of samples
    if "Pooled" not in type(model).__name__:
        assert_same(
            fit(model, X, y, tasks), fit(model, X, y, tasks, task_weight=np.ones(4))
        )


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_task_weight_n_samples_lets_every_sample_count_the_same(layout):
    """One pooled mean loss: compare with the weights written out."""
    model = MeanRegularizedRegressor(0.3, 0.01, **TIGHT)
    X, Y = wide(model, missing=0.4)
    data = (X, Y) if layout == "wide" else long(X, Y)
    count = (~np.isnan(Y)).sum(axis=0)
    assert len(set(count.tolist())) > 1  # or the test could not fail
    assert_same(
        fit(model, *data, task_weight="n_samples"),
        fit(model, *data, task_weight=count / count.mean()),
    )


def test_the_scale_of_sample_weights_enters_n_samples():
    model = MeanRegularizedRegressor(0.3, 0.01, task_weight="n_samples", **TIGHT)
    X, y, tasks = long(*wide(model))
    weight = np.where(tasks == "north", 3.0, 1.0)
    lambdas = np.array([1.0, 3.0, 1.0, 1.0]) / 1.5
    assert_same(
        clone(model).fit(X, y, tasks, sample_weight=weight),
        fit(model, X, y, tasks, task_weight=lambdas),
    )


# --- containers


@every
@pytest.mark.parametrize("layout", ["single", "long", "wide"])
def test_sparse_is_dense(model, layout):
    if layout == "single" and "Graph" in type(model).__name__:
        model = clone(model).set_params(alpha=0.0)
    X, Y = wide(model)
    X = np.where(np.abs(X) > 0.7, X, 0.0)
    X, *rest = {
        "wide": (X, Y),
        "long": long(X, Y),
        "single": (X, Y[:, 1]),
    }[layout]
    dense = fit(model, X, *rest)
    for container in (sparse.csr_array, sparse.csc_array, sparse.csr_matrix):
        X_sparse = container(X)
        actual = fit(model, X_sparse, *rest)
        assert_same(dense, actual)
        tasks = rest[1:]
        np.testing.assert_allclose(
            actual._linear_predictor(X_sparse, *(tasks or [None]), False),
            dense._linear_predictor(X, *(tasks or [None]), False),
            atol=1e-6,
        )


@two
@pytest.mark.parametrize(
    "labels",
    [
        ["a", "b", "c", "d"],
        [3, 10, 20, 100],
        [-1.5, 0.0, 2.5, 10.25],
        [10, 20, 30, 40],
    ],
)
@looped(
    "container",
    [
        list,
        np.array,
        lambda v: np.array(v, dtype=object),
        lambda v: pd.Series(v, index=range(len(v), 0, -1)),
        pd.Categorical,
        lambda v: pd.Series(v).astype("category"),
        lambda v: pd.Series(v).convert_dtypes(),
        lambda v: (label for label in v),
    ],
)
def test_labels_of_every_kind(model, labels, container):
    X, Y = wide(model, n=20)
    expected = fit(model, X, Y, tol=1e-6)
    X, y, tasks = long(X, Y, names=np.array(labels))
    actual = fit(model, X, y, container(tasks.tolist()), tol=1e-6)
    # sorted, numbers by value and not by name
    assert actual.tasks_.tolist() == labels
    np.testing.assert_allclose(actual.coef_, expected.coef_, atol=1e-4)
    np.testing.assert_array_equal(
        actual.predict(X, container(tasks.tolist())), actual.predict(X, tasks)
    )


@two
def test_the_index_of_pandas_objects_is_not_used(model):
    """Rows belong together by position, as everywhere in scikit-learn."""
    X, y, tasks = long(*wide(model))
    frame = pd.DataFrame(X).add_prefix("x")
    moved = fit(
        model,
        frame.set_index(np.arange(len(y))[::-1]),
        pd.Series(y, index=np.arange(len(y)) + 5),
        pd.Series(tasks),
    )
    assert_same(fit(model, X, y, tasks), moved)


@two
def test_names_of_a_wide_frame(model):
    X, Y = wide(model)
    X_frame = pd.DataFrame(X).add_prefix("x")
    model = fit(model, X_frame, pd.DataFrame(Y, columns=NAMES[::-1]))
    assert model.tasks_.tolist() == NAMES[::-1]  # the order of the columns
    assert model.feature_names_in_.tolist() == X_frame.columns.tolist()
    assert model.coef_feature_names_.tolist() == X_frame.columns.tolist()
    tasks = np.resize(NAMES, len(X))
    place = [NAMES[::-1].index(name) for name in tasks]
    expected = model.predict(X_frame)[np.arange(len(X)), place]
    assert_equal_predictions(model.predict(X_frame, tasks), expected)


@every
@pytest.mark.parametrize("layout", ["single", "long", "wide"])
def test_read_only_fortran_and_strided_input(model, layout):
    if layout == "single" and "Graph" in type(model).__name__:
        model = clone(model).set_params(alpha=0.0)
    X, Y = wide(model)
    arrays = [np.array(a) for a in {
        "wide": (X, Y), "long": long(X, Y), "single": (X, Y[:, 1])
    }[layout]]  # fmt: skip
    before = [a.copy() for a in arrays]
    expected = fit(model, *arrays)
    forms = [np.asfortranarray(arrays[0]), np.repeat(arrays[0], 2, axis=1)[:, ::2]]
    for form in forms:
        others = [form, *(a.copy() for a in arrays[1:])]
        for a in others:
            a.flags.writeable = False
        assert_same(expected, fit(model, *others))
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)  # nothing was written into


# --- stack_tasks, unstack_tasks


@pytest.mark.parametrize("kind", ["array", "frame", "sparse"])
@pytest.mark.parametrize("mapping", [False, True])
def test_stacking_and_unstacking_are_inverse(kind, mapping):
    rng = np.random.default_rng(0)
    sizes = [3, 1, 4]
    names = ["a", "b", "c"]
    Xs = [rng.standard_normal((n, 2)) for n in sizes]
    ys = [rng.standard_normal(n) for n in sizes]
    wrap = {
        "array": np.asarray,
        "sparse": sparse.csr_array,
        "frame": lambda X: pd.DataFrame(X, columns=["u", "v"]),
    }[kind]
    given = [wrap(X) for X in Xs]
    if mapping:
        stacked = stack_tasks(
            dict(zip(names, given, strict=True)), dict(zip(names, ys, strict=True))
        )
    else:
        stacked = stack_tasks(given, ys, names=names)
    X, y, tasks = stacked
    assert X.shape == (8, 2)
    assert tasks.tolist() == ["a"] * 3 + ["b"] + ["c"] * 4
    assert type(X) is type(given[0])
    order = [6, 3, 0, 4, 1, 5, 2, 7]  # rows of a task keep their order
    by_task = {"a": [0, 1, 2], "b": [0], "c": [2, 0, 1, 3]}
    X_mixed = X.iloc[order] if kind == "frame" else X[order]
    Xs_back, ys_back = unstack_tasks(X_mixed, y[order], tasks[order])
    assert list(Xs_back) == list(ys_back) == names
    for t, name in enumerate(names):
        rows = Xs_back[name]
        rows = rows.toarray() if kind == "sparse" else np.asarray(rows)
        np.testing.assert_array_equal(rows, Xs[t][by_task[name]])
        np.testing.assert_array_equal(ys_back[name], ys[t][by_task[name]])


def test_stacked_frames_are_aligned_by_name():
    first = pd.DataFrame({"u": [1.0], "v": [2.0]})
    second = pd.DataFrame({"v": [4.0], "u": [3.0]})
    X, _, tasks = stack_tasks([first, second], [[0.0], [1.0]])
    assert X.columns.tolist() == ["u", "v"]
    np.testing.assert_array_equal(X.to_numpy(), [[1.0, 2.0], [3.0, 4.0]])
    assert tasks.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X, y: stack_tasks([X], [y, y]), "Xs has 1 tasks, ys 2"),
        (lambda X, y: stack_tasks([], []), "Xs has no tasks"),
        (lambda X, y: stack_tasks({"a": X}, [y]), "both dicts or both sequences"),
        (lambda X, y: stack_tasks({"a": X}, {"b": y}), r"different keys: \['a', 'b'\]"),
        (lambda X, y: stack_tasks([X, X], [y, y], ["a", "a"]), "repeats a label"),
        (lambda X, y: stack_tasks([X, X[:, :1]], [y, y]), "task 1 has shape"),
        (lambda X, y: stack_tasks([X, X], [y, y[:2]]), "3 rows in X but 2 targets"),
        (lambda X, y: stack_tasks([X[:, 0]], [y]), "2-D X"),
        (lambda X, y: unstack_tasks(X, y[:2], ["a"] * 3), "X has 3"),
        (lambda X, y: unstack_tasks(X, y, ["a"] * 2), "X has 3 rows"),
    ],
)
def test_wrong_lists_of_tasks(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.ones((3, 2)), np.zeros(3))


# --- fitted attributes and predictions


@every
def test_shapes_of_the_fitted_attributes(model):
    X, Y = wide(model)
    X_long, y, tasks = long(X, Y)
    d = X.shape[1]
    one_of_four = clone(model)
    if "Graph" in type(model).__name__:
        one_of_four.set_params(alpha=0.0)
    fits = {
        "wide": fit(model, X, Y),
        "long": fit(model, X_long, y, tasks),
        "single": fit(one_of_four, X, Y[:, 1]),
        "wide of one": fit(one_of_four, X, Y[:, [1]]),
        "long of one": fit(one_of_four, X, Y[:, 1], ["x"] * len(X)),
    }
    for layout, fitted in fits.items():
        n_tasks = 4 if layout in ("wide", "long") else 1
        assert fitted.tasks_.shape == (n_tasks,)
        if layout == "single":
            assert fitted.coef_.shape == ((1, d) if is_classifier(model) else (d,))
            assert np.shape(fitted.intercept_) == ((1,) if is_classifier(model) else ())
        else:
            assert fitted.coef_.shape == (n_tasks, d)
            assert fitted.intercept_.shape == (n_tasks,)
        assert fitted.n_features_in_ == d
        assert fitted.n_iter_ >= 1
        assert isinstance(fitted.n_iter_, int)
        assert fitted.converged_ is True
        assert isinstance(fitted.objective_, float)
        assert 0 <= fitted.dual_gap_ <= fitted.tol_
        assert not hasattr(fitted, "feature_names_in_")
        assert not hasattr(fitted, "coef_feature_names_")
        assert hasattr(fitted, "classes_") == is_classifier(model)
        if is_classifier(model):
            wide_y = layout.startswith("wide")
            assert isinstance(fitted.classes_, list) == wide_y
            for pair in fitted.classes_ if wide_y else [fitted.classes_]:
                assert pair.tolist() == ["no", "yes"]
            assert not wide_y or len(fitted.classes_) == n_tasks


@two
def test_predictions_are_the_linear_models(model):
    X, Y = wide(model)
    X_long, y, tasks = long(X, Y)
    fitted = fit(model, X_long, y, tasks)
    eta = X_long @ fitted.coef_.T + fitted.intercept_
    own = eta[np.arange(len(y)), [NAMES.index(label) for label in tasks]]
    everyone = fitted.predict_all(X_long)
    if is_classifier(model):
        np.testing.assert_allclose(fitted.decision_function(X_long, tasks), own)
        np.testing.assert_array_equal(
            fitted.predict(X_long, tasks), np.where(own > 0, "yes", "no")
        )
        np.testing.assert_array_equal(everyone, np.where(eta > 0, "yes", "no"))
    else:
        np.testing.assert_allclose(fitted.predict(X_long, tasks), own)
        np.testing.assert_allclose(everyone, eta)


def test_probabilities_of_every_layout():
    model = TWO[1]
    X, Y = wide(model)
    X_long, y, tasks = long(X, Y)
    shared = fit(model, X, Y)
    ragged = fit(model, X_long, y, tasks)
    single = fit(model, X, Y[:, 0])
    sigmoid = lambda eta: 1 / (1 + np.exp(-eta))

    assert shared.decision_function(X).shape == (len(X), 4)
    for t, proba in enumerate(shared.predict_proba(X)):
        eta = shared.decision_function(X)[:, t]
        np.testing.assert_allclose(
            proba, np.column_stack([sigmoid(-eta), sigmoid(eta)])
        )
        np.testing.assert_allclose(shared.predict_log_proba(X)[t], np.log(proba))
    assert ragged.decision_function(X_long, tasks).shape == (len(y),)
    for fitted, args in [(ragged, (X_long, tasks)), (single, (X,))]:
        proba = fitted.predict_proba(*args)
        assert proba.shape == (len(args[0]), 2)
        np.testing.assert_allclose(fitted.predict_log_proba(*args), np.log(proba))
        np.testing.assert_allclose(proba.sum(axis=1), 1.0)
        np.testing.assert_allclose(
            proba[:, 1], sigmoid(fitted.decision_function(*args))
        )
        np.testing.assert_array_equal(
            fitted.classes_[proba.argmax(axis=1)], fitted.predict(*args)
        )
    # a wide model asked for the task of each row answers as a long one
    rows = np.resize(np.arange(4), len(X))
    proba = shared.predict_proba(X, rows)
    assert proba.shape == (len(X), 2)
    of_all = np.stack(shared.predict_proba(X))
    np.testing.assert_allclose(proba, of_all[rows, np.arange(len(X))])


@two
def test_a_task_never_seen_is_predicted_by_the_mean_model(model):
    X, y, tasks = long(*wide(model))
    fitted = fit(model, X, y, tasks, handle_unknown="mean")
    labels = tasks.astype("<U8")
    labels[::3] = "new"
    eta = fitted._linear_predictor(X, labels, every_task=False)
    w, b = fitted.coef_.mean(axis=0), fitted.intercept_.mean()
    np.testing.assert_allclose(eta[::3], X[::3] @ w + b)
    known = labels != "new"
    np.testing.assert_array_equal(
        eta[known], fitted._linear_predictor(X, tasks, every_task=False)[known]
    )
    np.testing.assert_array_equal(fitted.predict(X, ["new"] * len(X)).shape, (len(X),))
    fitted.set_params(handle_unknown="error")
    with pytest.raises(ValueError, match=r"'new', which .* has not seen in fit"):
        fitted.predict(X, labels)


@pytest.mark.parametrize("label", ["no", "yes"])
@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize(
    "model",
    [
        L21Classifier(0.03, **TIGHT),
        TraceNormClassifier(0.03, **TIGHT),
        MeanRegularizedClassifier(0.1, 0.01, **TIGHT),
        IndependentClassifier(0.1, **TIGHT),
    ],
    ids=lambda m: type(m).__name__,
)
def test_a_task_of_a_single_class(model, layout, label):
    """It leaves the loss, and takes its coefficients from the others.

    At the mean of its rows its log-odds are those of half a sample of the other class.
    """
    X, Y = wide(model)
    Y[:, 2] = label
    weight = np.random.default_rng(0).uniform(0.5, 2.0, size=len(X))
    if layout == "wide":
        data, kwargs, name = (X, Y), {"sample_weight": weight}, 2
    else:
        X_tiled = np.tile(X, (4, 1))
        data = (X_tiled, Y.T.ravel(), np.repeat(NAMES, len(X)))
        kwargs, name = {"sample_weight": np.tile(weight, 4)}, "south"
    with pytest.warns(UserWarning, match=f"a single class.*: {name!r};"):
        fitted = clone(model).fit(*data, **kwargs)
    sign = 1 if label == "yes" else -1
    expected = sign * np.log(2 * weight.sum() + 1)
    tasks, others = np.full(len(X), name), [0, 1, 3]
    if isinstance(model, (L21Classifier, TraceNormClassifier)):
        consensus = fitted.coef_[others].mean(axis=0)
        np.testing.assert_allclose(fitted.coef_[2], consensus, rtol=1e-9)
        at_mean = np.average(X, axis=0, weights=weight) @ consensus
        np.testing.assert_allclose(fitted.intercept_[2], expected - at_mean)
    else:
        np.testing.assert_allclose(fitted.intercept_[2], expected)
        assert set(fitted.predict(0 * X, tasks)) == {label}
    if isinstance(model, IndependentClassifier):
        np.testing.assert_allclose(fitted.coef_[2], 0.0, atol=1e-10)
        assert set(fitted.predict(X, tasks)) == {label}
    if "MeanRegularized" not in type(model).__name__:
        # what is not in the loss does not change the others
        alone = clone(model).fit(X, Y[:, others], sample_weight=weight)
        np.testing.assert_allclose(fitted.coef_[others], alone.coef_, atol=1e-7)
    else:
        # the best for the penalty alone, given the others: towards their mean
        a, m, T = 0.1, 0.01, 4
        mean = fitted.coef_.mean(axis=0)
        np.testing.assert_allclose(
            a * (fitted.coef_[2] - mean) + m * mean * T / T, 0.0, atol=1e-7
        )


def test_a_single_class_without_intercept_stays_in_the_loss():
    model = IndependentClassifier(0.1, fit_intercept=False, **TIGHT)
    X, Y = wide(model)
    Y[:, 2] = "yes"
    alone = np.column_stack([Y[:, 2], Y[:, 0]])
    for data in [(X, Y), long(X, Y)]:
        fitted = clone(model).fit(*data)  # and no warning
        assert np.abs(fitted.coef_[2]).max() > 0.01
        expected = clone(model).fit(X, alone)
        np.testing.assert_allclose(fitted.coef_[2], expected.coef_[0], atol=1e-7)


# --- baselines


@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("task_intercepts", [False, True])
def test_pooled_is_ridge_on_all_rows(layout, task_intercepts):
    model = PooledRegressor(0.1, task_intercepts=task_intercepts, **TIGHT)
    X, Y = wide(model, missing=0.3)
    X_long, y, tasks = long(X, Y)
    keep = observed(y)
    X_kept, y_kept, kept = X_long[keep], y[keep], tasks[keep]
    if task_intercepts:
        groups = [kept == name for name in NAMES]
        X_kept, y_kept = X_kept.copy(), y_kept.copy()
        for rows in groups:
            X_kept[rows] -= X_kept[rows].mean(axis=0)
            y_kept[rows] -= y_kept[rows].mean()
    expected = Ridge(0.1 * len(y_kept)).fit(X_kept, y_kept)
    fitted = fit(model, X, Y) if layout == "wide" else fit(model, X_long, y, tasks)
    for t in range(4):
        np.testing.assert_allclose(fitted.coef_[t], expected.coef_, atol=1e-8)
    same = np.ptp(fitted.intercept_) < 1e-12
    assert same == (not task_intercepts)
    if not task_intercepts:
        np.testing.assert_allclose(fitted.intercept_[0], expected.intercept_)


@pytest.mark.slow
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_independent_chooses_each_alpha_as_a_loop_over_tasks(missing):
    """The same grid and folds, but scikit-learn's ridge and a loop by hand."""
    X, Y = wide(REGRESSORS[0], n=30, missing=missing)
    X, y, tasks = long(X, Y)
    keep = observed(y)
    order = np.argsort(tasks[keep], kind="stable")
    X, y, tasks = X[keep][order], y[keep][order], tasks[keep][order]
    model = IndependentRegressor(alpha="cv", cv=4, **TIGHT).fit(X, y, tasks)
    folds = TaskKFold(4, shuffle=True, random_state=0, stratify=False)
    splits = list(folds.split(X, groups=tasks))
    chosen = []
    for name in NAMES:
        centred = X[tasks == name] - X[tasks == name].mean(axis=0)
        curvature = np.linalg.norm(centred, 2) ** 2 / len(centred)
        grid = np.logspace(2, -5, 15) * curvature
        losses = []
        for alpha in grid:
            total = 0.0
            for train, test in splits:
                train, test = train[tasks[train] == name], test[tasks[test] == name]
                ridge = Ridge(alpha * len(train), tol=1e-12).fit(X[train], y[train])
                total += np.mean((y[test] - ridge.predict(X[test])) ** 2)
            losses.append(total)
        best = np.argmin(losses[:13])
        if best == 12 and losses[10] > 1.001 * losses[12]:  # the grid goes on
            best = np.argmin(losses)
        chosen.append(grid[best])
    np.testing.assert_allclose(model.alpha_, chosen, rtol=1e-10)
    assert len({round(float(np.log(a)), 6) for a in chosen}) > 1
    # and the models are those of the chosen strengths
    assert_same(model, IndependentRegressor(chosen, **TIGHT).fit(X, y, tasks))


@pytest.mark.parametrize("model", [IndependentRegressor, IndependentClassifier])
def test_independent_takes_a_strength_per_task(model):
    X, y, tasks = long(*wide(model()))
    strengths = [0.01, 0.1, 1.0, 10.0]
    by_name = dict(zip(NAMES, strengths, strict=True))
    fitted = model(by_name, **TIGHT).fit(X, y, tasks)
    np.testing.assert_array_equal(fitted.alpha_, strengths)
    for t, name in enumerate(NAMES):
        rows = tasks == name
        alone = model(strengths[t], **TIGHT).fit(X[rows], y[rows])
        np.testing.assert_allclose(fitted.coef_[t], np.ravel(alone.coef_), atol=1e-7)


# --- repetition


@pytest.mark.parametrize(
    "model",
    [
        L21Regressor(0.1, tol=1e-8),
        TraceNormRegressor(0.1, tol=1e-8),
        MultiTaskClassifier(L1(0.01) + L21(0.01), tol=1e-8),
    ],
    ids=lambda m: type(m).__name__,
)
def test_a_warm_start_goes_on_where_the_last_fit_stopped(model):
    X, y, tasks = long(*wide(model))
    model = clone(model).set_params(warm_start=True).fit(X, y, tasks)
    first, needed = model.coef_.copy(), model.n_iter_
    assert needed > 1
    # tasks are matched by label: another order of the tasks is no cold start
    model.set_params(task_order=NAMES[::-1]).fit(X, y, tasks)
    # alternating directions had another point for the bound
    assert model.n_iter_ == 1 or model.n_iter_ < min(needed, 6)
    np.testing.assert_allclose(model.coef_[::-1], first, atol=1e-5)
    # neither are fewer tasks, nor more
    some = tasks != "west"
    model.set_params(task_order=None, max_iter=100_000)
    model.fit(X[some], y[some], tasks[some])
    assert model.tasks_.tolist() == NAMES[:3]
    model.fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, first, atol=1e-3)
    # another number of features is a cold start
    model.fit(X[:, :3], y, tasks)
    assert model.coef_.shape == (4, 3)
    cold = clone(model).set_params(warm_start=False).fit(X[:, :3], y, tasks)
    np.testing.assert_array_equal(model.coef_, cold.coef_)


@two
def test_fitting_twice_gives_the_same_numbers(model):
    X, y, tasks = long(*wide(model))
    model = fit(model, X, y, tasks)
    coef, intercept = model.coef_.copy(), model.intercept_.copy()
    model.fit(X, y, tasks)
    np.testing.assert_array_equal(model.coef_, coef)
    np.testing.assert_array_equal(model.intercept_, intercept)


def test_a_refit_forgets_the_last_layout():
    model = L21Regressor(0.1)
    X, Y = wide(model)
    frame = pd.DataFrame(X).add_prefix("x")
    frame["site"] = np.resize(NAMES, len(X))
    model.set_params(task_column="site").fit(frame, Y[:, 0])
    model.set_params(task_column=None).fit(X, Y[:, 0])
    assert model.predict(X).shape == (len(X),)
    assert not hasattr(model, "feature_names_in_")
    assert not hasattr(model, "coef_feature_names_")
    assert model.coef_.shape == (X.shape[1],)


_PROCESS = """
    import json
    import numpy as np
    from linmtl import {name}
    from linmtl.datasets import make_multitask_{kind}

    X, y, tasks = make_multitask_{kind}(random_state=0)
    model = {name}().fit(X, y, tasks)
    print(json.dumps([model.coef_.tolist(), model.intercept_.tolist()]))
"""


@pytest.mark.parametrize(
    ("name", "kind"),
    [("L21Regressor", "regression"), ("TraceNormClassifier", "classification")],
)
@pytest.mark.slow
def test_a_new_process_gives_the_same_numbers(name, kind):
    coef, intercept = json.loads(output_of(_PROCESS.format(name=name, kind=kind)))
    from linmtl import datasets

    X, y, tasks = getattr(datasets, f"make_multitask_{kind}")(random_state=0)
    model = getattr(linmtl, name)().fit(X, y, tasks)
    # not exactly: the number of threads of BLAS may differ
    np.testing.assert_allclose(model.coef_, coef, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, intercept, rtol=1e-9, atol=1e-12)


def test_no_layout_warns():
    """Under the strictest filter: a warning in a plain fit would be noise."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for model in [MultiTaskRegressor(TraceNorm(0.1)), MultiTaskClassifier()]:
            X, Y = wide(model)
            fit(model, X, Y)
            fit(model, *long(X, Y))
            fit(model, X, Y[:, 0])


def test_predict_all_does_not_ask_which_task_a_row_belongs_to():
    X, y, tasks = make_multitask_regression(n_tasks=3, n_features=6, random_state=0)
    table = np.column_stack([tasks, X])
    model = L21Regressor(0.1, task_column=0).fit(table, y)
    elsewhere = np.column_stack([np.full(len(X), 99), X])
    np.testing.assert_array_equal(
        model.predict_all(elsewhere), model.predict_all(table)
    )
