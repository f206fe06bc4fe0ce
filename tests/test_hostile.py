"""Bad data and bad parameters: a right answer, or an error that says how to mend it.

Never NaN in silence, never an error of NumPy's that names no argument.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge as SklearnRidge

import linmtl
from helpers.layouts import label_of
from helpers.loops import looped
from linmtl import (
    GraphRegularizedRegressor,
    IndependentClassifier,
    IndependentRegressor,
    L1Regressor,
    L21Classifier,
    L21Regressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MixedEffectsRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    PooledClassifier,
    PooledRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)
from linmtl.inference import debiased_coefficients
from linmtl.path import alpha_grid, alpha_max
from linmtl.penalties import L1, L21, GraphLaplacian, MeanRegularized, Ridge, TraceNorm
from linmtl.transfer import (
    SafeTransferRegressor,
    lookahead_affinity,
    negative_transfer_report,
    transfer_gain,
)

REGRESSORS = [
    L21Regressor(0.1),
    L1Regressor(0.1),
    TraceNormRegressor(0.1),
    MeanRegularizedRegressor(),
    GraphRegularizedRegressor(),
    IndependentRegressor(),
    PooledRegressor(),
    PooledRegressor(task_intercepts=True),
    MultiTaskRegressor(L1(0.01) + L21(0.01) + Ridge(0.01)),
]
CLASSIFIERS = [
    L21Classifier(),
    TraceNormClassifier(),
    MeanRegularizedClassifier(),
    IndependentClassifier(),
    PooledClassifier(),
]


regressors = pytest.mark.parametrize("model", REGRESSORS, ids=label_of)
every = pytest.mark.parametrize("model", REGRESSORS + CLASSIFIERS, ids=label_of)


def data(classify=False, n=30, d=4, n_tasks=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    tasks = np.resize([f"t{t}" for t in range(n_tasks)], n)
    y = X @ rng.standard_normal(d) + 0.5 * rng.standard_normal(n)
    return X, ((y > 0).astype(int) if classify else y), tasks


def assert_sound(model, X, tasks):
    """Finite numbers, and a certificate that holds what it promises."""
    assert np.all(np.isfinite(model.coef_))
    assert np.all(np.isfinite(model.intercept_))
    assert np.isfinite(model.objective_)
    assert model.converged_ == (model.dual_gap_ <= model.tol_)
    assert model.dual_gap_ >= 0
    if not is_classifier(model):
        assert np.all(np.isfinite(model.predict(X, tasks)))


# --- numbers that are none


@every
@looped("value", [np.nan, np.inf, -np.inf])
@looped("container", [np.asarray, sparse.csr_array, pd.DataFrame])
def test_nan_and_infinity_in_x(model, value, container):
    X, y, tasks = data(is_classifier(model))
    bad = X.copy()
    bad[3, 1] = value
    word = "NaN" if np.isnan(value) else "infinity"
    with pytest.raises(ValueError, match=f"Input X contains {word}"):
        clone(model).fit(container(bad), y, tasks)
    fitted = clone(model).fit(container(X), y, tasks)
    for method in ("predict", "predict_all"):
        args = (tasks,) if method == "predict" else ()
        with pytest.raises(ValueError, match=f"Input X contains {word}"):
            getattr(fitted, method)(container(bad), *args)


@pytest.mark.parametrize("model", [L21Regressor(), L21Classifier()], ids=label_of)
@pytest.mark.parametrize("layout", ["single", "long", "wide"])
def test_infinity_in_y(model, layout):
    X, y, tasks = data(is_classifier(model))
    y = y.astype(float)
    Y = np.column_stack([y, y])
    y[2] = Y[2, 1] = np.inf
    args = {"single": (X, y), "long": (X, y, tasks), "wide": (X, Y)}[layout]
    with pytest.raises(ValueError, match="Input y contains infinity"):
        model.fit(*args)


@pytest.mark.parametrize("model", [L21Regressor(), L21Classifier()], ids=label_of)
def test_a_task_without_any_label_is_named(model):
    X, y, tasks = data(is_classifier(model))
    y = y.astype(float)
    message = "no observed label with a positive weight for the tasks {}; drop these"
    with pytest.raises(ValueError, match=message.format("'t1'")):
        model.fit(X, np.where(tasks == "t1", np.nan, y), tasks)
    with pytest.raises(ValueError, match=message.format("'t1'")):
        model.fit(X, y, tasks, sample_weight=(tasks != "t1"))
    Y = np.column_stack([y, np.full(len(y), np.nan)])
    with pytest.raises(ValueError, match=message.format("1")):
        model.fit(X, Y)
    frame = pd.DataFrame(Y, columns=["yes", "never"])
    with pytest.raises(ValueError, match=message.format("'never'")):
        model.fit(X, frame)


@pytest.mark.parametrize("model", [L21Regressor(), L21Classifier()], ids=label_of)
def test_missing_labels_of_a_single_task(model):
    X, y, _ = data(is_classifier(model))
    y = y.astype(float)
    y[[1, 5]] = np.nan
    with pytest.raises(ValueError, match="Input y contains NaN: 2 labels are missing"):
        model.fit(X, y)


@every
@looped(
    "weight, message",
    [
        (lambda n: np.r_[-1.0, np.ones(n - 1)], "sample_weight has 1 negative values"),
        (lambda n: np.r_[np.nan, np.ones(n - 1)], "sample_weight contains NaN or inf"),
        (lambda n: np.r_[np.inf, np.ones(n - 1)], "sample_weight contains NaN or inf"),
        (lambda n: np.ones(n - 1), r"expected \(30,\); pass one weight per row"),
        (lambda n: np.ones((n, 2)), r"expected \(30,\); pass one weight per row"),
        (lambda n: np.full(n, "1"), "sample_weight has dtype .*; pass numbers"),
        (lambda n: np.array(["x"] * n, dtype=object), "sample_weight.*pass numbers"),
        (lambda n: np.ones(n, dtype=complex), "sample_weight has dtype complex128"),
        (lambda n: np.zeros(n), "no observed label with a positive weight"),
    ],
)
def test_sample_weights(model, weight, message):
    X, y, tasks = data(is_classifier(model))
    with pytest.raises(ValueError, match=message):
        clone(model).fit(X, y, tasks, sample_weight=weight(len(y)))


def test_all_weights_zero_with_one_task():
    X, y, _ = data()
    with pytest.raises(ValueError, match="sample_weight must not be all zero"):
        L21Regressor().fit(X, y, sample_weight=np.zeros(len(y)))


def test_sample_weights_of_a_wide_y():
    X, y, _ = data()
    Y = np.column_stack([y, y])
    with pytest.raises(ValueError, match=r"expected \(30,\) or \(30, 2\)"):
        L21Regressor().fit(X, Y, sample_weight=np.ones((30, 3)))


# --- shapes


@every
@looped(
    "shape, message",
    [
        ((0, 4), "0 sample"),
        ((30, 0), "0 feature"),
        ((30,), "Expected 2D array"),
        ((30, 2, 2), "dim 3|3 dim|expected <= 2"),
    ],
)
def test_shapes_of_x(model, shape, message):
    _, y, tasks = data(is_classifier(model))
    n = shape[0]
    with pytest.raises(ValueError, match=message):
        clone(model).fit(np.ones(shape), y[:n], tasks[:n])


@pytest.mark.parametrize("model", [L21Regressor(), L21Classifier()], ids=label_of)
@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.zeros((30, 2, 2)), ValueError, r"dim 3|y has shape \(30, 2, 2\)"),
        (np.zeros((30, 0)), ValueError, r"y has shape \(30, 0\)"),
        (np.zeros(29), ValueError, "inconsistent numbers of samples"),
        (3.0, ValueError, "y is the single value 3.0; pass an array"),
        ("abc", ValueError, "y is the single value 'abc'; pass an array"),
        (sparse.csr_array(np.ones((30, 2))), TypeError, "y is a sparse matrix"),
        (None, ValueError, "requires y to be passed"),
    ],
)
def test_shapes_of_y(model, y, error, message):
    X, _, _ = data()
    with pytest.raises(error, match=message):
        model.fit(X, y)


@regressors
@pytest.mark.filterwarnings("ignore:.*R\\^2 score:UserWarning")
def test_one_row(model):
    X = np.array([[1.0, 2.0]])
    if isinstance(model, GraphRegularizedRegressor):
        model = GraphRegularizedRegressor(alpha=0.0)
    for args in [(X, [3.0]), (X, [3.0], ["a"]), (X, [[3.0]])]:
        fitted = clone(model).fit(*args)
        # the intercept explains a single row
        np.testing.assert_array_equal(fitted.coef_, 0.0)
        np.testing.assert_allclose(fitted.intercept_, 3.0)


@regressors
def test_tasks_of_one_row(model):
    X, y, _ = data(n=5)
    fitted = clone(model).fit(X, y, list("abcde"))
    assert_sound(fitted, X, list("abcde"))


@every
def test_one_feature(model):
    X, y, tasks = data(is_classifier(model), d=1)
    assert_sound(clone(model).fit(X, y, tasks), X, tasks)


@every
@pytest.mark.parametrize("value", [0.0, 1.0, -1e6])
def test_a_constant_feature_has_no_coefficient(model, value):
    X, y, tasks = data(is_classifier(model))
    fitted = clone(model).set_params(tol=1e-8).fit(X, y, tasks)
    X_more = np.insert(X, 2, value, axis=1)
    more = clone(model).set_params(tol=1e-8).fit(X_more, y, tasks)
    np.testing.assert_allclose(more.coef_[:, 2], 0.0, atol=1e-8)
    np.testing.assert_allclose(
        np.delete(more.coef_, 2, axis=1), fitted.coef_, atol=1e-3
    )


@pytest.mark.parametrize("penalty", [L21(), TraceNorm(), MeanRegularized()])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e5])
def test_grids_of_constant_features_are_not_of_their_rounding(penalty, size):
    """Ages and the like, which no task has two values of: strengths are of order one.

    They had been 1e-13, at which fits went on to their last iteration.
    """
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(4), [7, 9, 13, 30])
    X = size * rng.normal(60.0, 9.0, size=(4, 2))[tasks]
    grid = alpha_grid(X, rng.normal(size=len(tasks)), tasks, penalty=penalty)
    assert 1.0 <= grid[0] <= 100.0


@pytest.mark.parametrize("cls", [IndependentRegressor, IndependentClassifier])
def test_a_task_of_equal_rows_has_strengths_of_order_one(cls):
    X, y, tasks = data(is_classifier(cls()))
    X = X.copy()
    X[tasks == tasks[0]] = 1e3 / 7
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # nothing tells strengths apart
        fitted = cls("cv", cv=3).fit(X, y, tasks)
    assert np.all(fitted.alpha_ > 1e-12)
    own = fitted.coef_[fitted.tasks_ == tasks[0]]
    np.testing.assert_allclose(own, 0.0, atol=1e-12)


@regressors
def test_only_constant_features(model):
    _, y, tasks = data()
    X = np.ones((30, 2))
    fitted = clone(model).fit(X, y, tasks)
    np.testing.assert_allclose(fitted.coef_, 0.0, atol=1e-12)
    assert_sound(fitted, X, tasks)


@every
def test_duplicated_columns_share_their_coefficient(model):
    """Not an invertible problem; the prediction is that of one column all the same."""
    X, y, tasks = data(is_classifier(model))
    fitted = clone(model).set_params(tol=1e-9).fit(X[:, [0, 0, 1, 1, 2]], y, tasks)
    assert_sound(fitted, X[:, [0, 0, 1, 1, 2]], tasks)
    assert fitted.converged_
    if "L1" in repr(model) or "L21" in repr(model):
        return  # any split of the coefficient is a solution
    np.testing.assert_allclose(fitted.coef_[:, 0], fitted.coef_[:, 1], atol=1e-4)


@every
def test_features_of_very_different_scale(model):
    """Converged, or a warning with the gap that was left; both true."""
    X, y, tasks = data(is_classifier(model))
    X = X * [1e-8, 1.0, 1e8, 1.0]
    fitted = clone(model).set_params(max_iter=500)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted.fit(X, y, tasks)
    assert_sound(fitted, X, tasks)
    messages = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    assert len(messages) == len(caught)
    assert bool(messages) == (not fitted.converged_)
    if messages:
        text = str(messages[0].message)
        assert f"duality gap of {fitted.dual_gap_:.3e}" in text
        assert f"tolerance of {fitted.tol_:.3e}" in text
        assert f"after {fitted.n_iter_} iterations" in text
        assert "increase max_iter" in text


@regressors
def test_x_with_a_large_mean(model):
    """The intercept takes the mean: the solution is that of centred features."""
    X, y, tasks = data()
    model = clone(model).set_params(tol=1e-6)
    centred = clone(model).fit(X, y, tasks)
    shifted = clone(model).fit(X + 1e6, y, tasks)
    np.testing.assert_allclose(shifted.coef_, centred.coef_, atol=1e-3)
    np.testing.assert_allclose(
        shifted.predict(X + 1e6, tasks), centred.predict(X, tasks), atol=1e-2
    )


@regressors
@pytest.mark.parametrize("scale", [1e12, 1e-12])
def test_huge_and_tiny_targets(model, scale):
    """Nothing absolute in the stopping rule: scaled targets, scaled solution."""
    X, y, tasks = data()
    # a norm is linear where the loss is quadratic
    names = [
        name
        for name in model.get_params()
        if name.split("__")[-1] == "alpha" and repr(model).count("Regularized") == 0
    ]
    base = clone(model).set_params(tol=1e-8)
    scaled = clone(base)
    if isinstance(model, (L21Regressor, L1Regressor, TraceNormRegressor)):
        scaled.set_params(alpha=base.alpha * scale)
    elif isinstance(model, MultiTaskRegressor):
        for name in names:
            if "first" in name:
                scaled.set_params(**{name: base.get_params()[name] * scale})
    base.fit(X, y, tasks)
    scaled.fit(X, y * scale, tasks)
    assert scaled.converged_
    np.testing.assert_allclose(scaled.coef_ / scale, base.coef_, atol=1e-3)
    np.testing.assert_allclose(scaled.objective_ / scale**2, base.objective_, rtol=1e-6)


@regressors
@pytest.mark.parametrize("value", [0.0, 1.0, 1e9])
def test_a_constant_target_is_its_intercept(model, value):
    X, _, tasks = data()
    fitted = clone(model).fit(X, np.full(30, value), tasks)
    np.testing.assert_allclose(fitted.coef_, 0.0, atol=1e-9 * max(value, 1.0))
    np.testing.assert_allclose(fitted.intercept_, value)
    assert fitted.converged_


# --- labels of classes


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["no", "yes"], ["no", "yes"]),
        ([False, True], [False, True]),
        ([0, 1], [0, 1]),
        ([-1, 1], [-1, 1]),
        ([1.0, 7.0], [1, 7]),
        ([10, 2], [2, 10]),
    ],
)
@looped("missing", [False, True])
@looped("container", [np.array, "object", pd.Series, list])
def test_labels_of_two_classes(labels, classes, missing, container):
    X, y, tasks = data(classify=True)
    expected = MeanRegularizedClassifier().fit(X[4:], y[4:], tasks[4:])
    order = np.argsort(np.argsort(labels, kind="stable"))
    named = [labels[int(np.flatnonzero(order == value)[0])] for value in y]
    start = 0 if missing else 4
    if missing:
        named[:4] = [None] * 4 if isinstance(labels[0], (str, bool)) else [np.nan] * 4
    make = (lambda v: np.array(v, dtype=object)) if container == "object" else container
    if container is np.array and missing and isinstance(labels[0], (str, bool)):
        make = lambda v: np.array(v, dtype=object)
    fitted = MeanRegularizedClassifier().fit(
        X[start:], make(named[start:]), tasks[start:]
    )
    assert fitted.classes_.tolist() == classes
    np.testing.assert_allclose(fitted.coef_, expected.coef_, atol=1e-10)
    assert set(fitted.predict(X, tasks).tolist()) <= set(classes)


@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1], "y has only 1 class, 1; a classifier needs both"),
        (["a"], "y has only 1 class, 'a'; a classifier needs both"),
        ([0.5, 1.5, 2.25, 3.125], "Unknown label type|continuous|4 classes"),
        ([0.0, 1e300, 0.0, 1e300], "Unknown label type|continuous"),
    ],
)
def test_not_two_classes(values, message, layout):
    X, _, tasks = data()
    y = np.resize(values, 30)
    args = (X, y, tasks) if layout == "long" else (X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match=message):
        L21Classifier().fit(*args)


@pytest.mark.parametrize("values", [[0, 1, 2], ["a", "b", "c"]])
@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize(
    "model",
    [L21Classifier(loss="squared_hinge"), linmtl.MixedEffectsClassifier()],
    ids=lambda model: type(model).__name__,
)
def test_more_than_two_classes_where_there_may_be_two(model, values, layout):
    X, _, tasks = data()
    y = np.resize(values, 30)
    args = (X, y, tasks) if layout == "long" else (X, np.column_stack([y, y]))
    known = ", ".join(map(repr, values))
    message = f"Only binary classification.*3 classes, {known}"
    with pytest.raises(ValueError, match=message):
        model.fit(*args)


def test_strings_and_numbers_as_classes():
    X, _, tasks = data()
    y = np.array([1, "a"] * 15, dtype=object)
    with pytest.raises(ValueError, match=r"mixes labels|mix of string|Unknown label"):
        L21Classifier().fit(X, y, tasks)


def test_every_task_with_one_class():
    """Both classes occur, but no task has both: nothing could be learned."""
    X, _, tasks = data()
    y = np.where(tasks == "t0", 0, 1)
    with pytest.raises(ValueError, match="only 1 class in every task"):
        L21Classifier().fit(X, y, tasks)
    # without intercepts the loss has an optimum
    assert_sound(L21Classifier(fit_intercept=False).fit(X, y, tasks), X, tasks)


def test_weights_that_leave_one_class():
    X, y, _ = data(classify=True)
    with pytest.raises(ValueError, match=r"1 class in the data .labels of weight zero"):
        L21Classifier().fit(X, y, sample_weight=y)


@pytest.mark.parametrize("model", REGRESSORS + CLASSIFIERS[:1], ids=label_of)
def test_strings_as_targets_of_a_regression(model):
    X, _, tasks = data()
    if is_classifier(model):
        return
    with pytest.raises(ValueError, match=r"labels of classes, such as '[ab]'"):
        clone(model).fit(X, np.resize(["a", "b"], 30), tasks)


# --- task labels


@every
@looped(
    "tasks, message",
    [
        (["a", None] * 15, "tasks has 15 missing labels"),
        ([1.0, np.nan] * 15, "tasks has 15 missing labels"),
        (pd.Series(["a", pd.NA] * 15), "tasks has 15 missing labels"),
        (["a", 1] * 15, "tasks mixes strings and numbers"),
        (["a", "b"] * 14, "tasks has 28 labels but X has 30 rows"),
        ("a", "tasks is the name 'a'; pass one label per row"),
        ([["a", 1]] * 30, r"tasks has shape \(30, 2\)"),
        ([1.0, np.inf] * 15, "tasks has an infinite label at row 1"),
        ({"a": 1}, "tasks is a dict"),
    ],
)
def test_labels_of_tasks(model, tasks, message):
    X, y, good = data(is_classifier(model))
    with pytest.raises(ValueError, match=message):
        clone(model).fit(X, y, tasks)
    fitted = clone(model).fit(X, y, good)
    with pytest.raises(ValueError, match=message):
        fitted.predict(X, tasks)


@every
def test_tasks_not_seen_in_fit(model):
    X, y, tasks = data(is_classifier(model))
    fitted = clone(model).fit(X, y, tasks)
    with pytest.raises(ValueError, match=r"labels 'x', which .* has not seen"):
        fitted.predict(X, ["x"] * 30)
    # numbers are no strings
    for handle_unknown in ("error", "mean"):
        fitted.set_params(handle_unknown=handle_unknown)
        with pytest.raises(ValueError, match="labels 0, which are of another type"):
            fitted.predict(X, [0] * 30)


@pytest.mark.parametrize("model", [L21Regressor(), L21Classifier()], ids=label_of)
def test_tasks_and_a_wide_y(model):
    X, y, tasks = data(is_classifier(model))
    with pytest.raises(
        ValueError, match=r"tasks has 30 labels but y has 2 columns; .*drop tasks"
    ):
        model.fit(X, np.column_stack([y, y]), tasks)


def test_columns_of_a_wide_y_with_one_name():
    """Two tasks of one name could not be told apart at predict."""
    X, y, _ = data()
    Y = pd.DataFrame(np.column_stack([y, y, y]), columns=["a", "b", "a"])
    with pytest.raises(
        ValueError, match=r"columns of y repeat 'a'|unique column names, got"
    ):
        L21Regressor().fit(X, Y)


@pytest.mark.parametrize("model", [L21Regressor(), L21Classifier()], ids=label_of)
@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("nowhere", "task_column.*'nowhere'"),
        (9, "task_column is 9 but X has 5 columns"),
        (-6, "task_column is -6 but X has 5 columns"),
        (1.5, "task_column"),
        (True, "task_column is True"),
    ],
)
def test_a_task_column_that_is_not_there(model, column, message):
    X, y, tasks = data(is_classifier(model))
    frame = pd.DataFrame(X).add_prefix("x").assign(site=tasks)
    with pytest.raises(ValueError, match=message):
        model.set_params(task_column=column).fit(frame, y)
    array = np.column_stack([X, np.unique(tasks, return_inverse=True)[1]])
    with pytest.raises(ValueError, match=r"task_column.*"):
        model.fit(array, y)


def test_a_task_column_by_name_of_an_array():
    X, y, _ = data()
    with pytest.raises(ValueError, match=r"task_column.*'site'.*(DataFrame|integer)"):
        L21Regressor(task_column="site").fit(X, y)


def test_tasks_and_a_task_column():
    X, y, tasks = data()
    frame = pd.DataFrame(X).add_prefix("x").assign(site=tasks)
    model = L21Regressor(task_column="site")
    with pytest.raises(
        ValueError, match="tasks was passed although task_column='site'"
    ):
        model.fit(frame, y, tasks)
    model.fit(frame, y)
    with pytest.raises(
        ValueError, match="tasks was passed although task_column='site'"
    ):
        model.predict(frame, tasks)


def test_a_task_column_and_a_wide_y():
    X, y, tasks = data()
    frame = pd.DataFrame(X).add_prefix("x").assign(site=tasks)
    with pytest.raises(ValueError, match="tasks has 30 labels but y has 2 columns"):
        L21Regressor(task_column="site").fit(frame, np.column_stack([y, y]))


def test_a_task_column_alone():
    _, y, tasks = data()
    with pytest.raises(ValueError, match=r"0 feature\(s\) beside the task column"):
        L21Regressor(task_column="site").fit(pd.DataFrame({"site": tasks}), y)


def test_strings_beside_the_task_column():
    X, y, tasks = data()
    frame = pd.DataFrame(X).add_prefix("x").assign(site=tasks, colour="red")
    with pytest.raises(ValueError, match="could not convert string to float: 'red'"):
        L21Regressor(task_column="site").fit(frame, y)


@pytest.mark.parametrize("column", [None, "site"])
def test_other_columns_at_predict(column):
    X, y, tasks = data()
    frame = pd.DataFrame(X).add_prefix("x")
    args = (tasks,)
    if column:
        frame, args = frame.assign(site=tasks), ()
    model = L21Regressor(task_column=column).fit(frame, y, *args)
    with pytest.raises(ValueError, match=r"(?s)feature names.*same order"):
        model.predict(frame[frame.columns[::-1]], *args)
    with pytest.raises(ValueError, match=r"(?s)feature names.*missing"):
        model.predict(frame.drop(columns="x1"), *args)
    with pytest.raises(ValueError, match=r"(?s)feature names.*unseen"):
        model.predict(frame.rename(columns={"x1": "other"}), *args)
    if column is None:
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            model.predict(X, tasks)
        model = L21Regressor().fit(X, y, tasks)
        with pytest.raises(ValueError, match="X has 3 features, but L21Regressor is"):
            model.predict(X[:, :3], tasks)


# --- parameters


@pytest.mark.parametrize(
    "model",
    [
        L21Regressor(),
        L1Regressor(),
        TraceNormRegressor(),
        MeanRegularizedRegressor(),
        GraphRegularizedRegressor(),
        IndependentRegressor(),
        PooledRegressor(),
        L21Classifier(),
        PooledClassifier(),
    ],
    ids=label_of,
)
@looped(
    "alpha, error",
    [
        (-1.0, ValueError),
        (np.nan, ValueError),
        (np.inf, ValueError),
        ("much", (TypeError, ValueError)),
        (None, TypeError),
        (True, TypeError),
        (1j, TypeError),
    ],
)
def test_a_wrong_alpha(model, alpha, error):
    X, y, tasks = data(is_classifier(model))
    with pytest.raises(error, match=r"alpha must be a.* number.*>= 0"):
        clone(model).set_params(alpha=alpha).fit(X, y, tasks)


@regressors
def test_alpha_zero_is_least_squares(model):
    X, y, tasks = data()
    names = [
        name
        for name, value in model.get_params().items()
        if name.split("__")[-1].startswith("alpha") and not isinstance(value, bool)
    ]
    model = clone(model).set_params(**dict.fromkeys(names, 0.0), tol=1e-10)
    model.fit(X, y, tasks)
    assert model.converged_
    if isinstance(model, PooledRegressor):
        if not model.task_intercepts:
            expected = SklearnRidge(0.0).fit(X, y)
            np.testing.assert_allclose(model.coef_[0], expected.coef_, atol=1e-5)
        return
    for t, name in enumerate(model.tasks_):
        rows = tasks == name
        expected = SklearnRidge(0.0).fit(X[rows], y[rows])
        np.testing.assert_allclose(model.coef_[t], expected.coef_, atol=1e-4)
        np.testing.assert_allclose(model.intercept_[t], expected.intercept_, atol=1e-4)


@looped(
    "params, message",
    [
        ({"tol": -1.0}, r"tol must be a number in \[0, 1\), got -1.0"),
        ({"tol": np.nan}, "tol must be a number"),
        ({"tol": 1.0}, "tol must be a number"),
        ({"tol": "small"}, "tol must be a number.*got 'small'"),
        ({"tol": None}, "tol must be a number.*got None"),
        ({"max_iter": 0}, "max_iter must be an integer >= 1, got 0"),
        ({"max_iter": 1.5}, "max_iter must be an integer >= 1, got 1.5"),
        ({"max_iter": True}, "max_iter must be an integer"),
        ({"solver": "sag"}, "solver must be one of 'auto', 'apg'.*got 'sag'"),
        ({"solver": None}, "solver must be"),
        ({"handle_unknown": "ignore"}, "handle_unknown must be one of 'error', 'mean'"),
        ({"handle_unknown": None}, "handle_unknown must be one of"),
        ({"fit_intercept": "yes"}, "fit_intercept must be a bool, got 'yes'"),
        ({"fit_intercept": 1}, "fit_intercept must be a bool, got 1"),
        ({"warm_start": None}, "warm_start must be a bool, got None"),
        ({"task_weight": "rows"}, "task_weight must be None, 'n_samples'.*got 'rows'"),
        ({"task_weight": [1.0, 2.0]}, r"shape \(2,\) but there are 3 tasks"),
        ({"task_weight": {"t0": 1.0}}, "no entry for the tasks 't1', 't2'"),
        ({"task_weight": [1.0, -1.0, 1.0]}, "task_weight must be finite and > 0"),
        ({"task_weight": [1.0, 0.0, 1.0]}, "task_weight must be finite and > 0"),
        ({"task_weight": [1.0, np.nan, 1.0]}, "task_weight must be finite and > 0"),
        ({"task_weight": ["a", "b", "c"]}, "task_weight: .*; pass one number per task"),
        ({"task_order": ["t0"]}, "task_order lacks the labels 't1', 't2'"),
        ({"task_order": ["t0", "t0", "t1", "t2"]}, "task_order repeats 't0'"),
    ],
)
@every
def test_wrong_parameters(model, params, message):
    X, y, tasks = data(is_classifier(model))
    with pytest.raises(ValueError, match=message):
        clone(model).set_params(**params).fit(X, y, tasks)


@pytest.mark.parametrize("loss", ["absolute", None, 3, "logistic"])
def test_a_wrong_loss(loss):
    X, y, tasks = data()
    with pytest.raises(ValueError, match="loss must be one of 'squared'"):
        MultiTaskRegressor(loss=loss).fit(X, y, tasks)


@pytest.mark.parametrize(
    "fit",
    [
        lambda model, rows: debiased_coefficients(*rows, estimator=model),
        lambda model, rows: linmtl.AutoRegressor([model]).fit(*rows),
        lambda model, rows: SafeTransferRegressor(model).fit(*rows),
        lambda model, rows: model.partial_fit(*rows),
    ],
)
def test_a_wrong_loss_inside(fit):
    rows = np.eye(6), np.arange(6.0), [0, 0, 0, 1, 1, 1]
    with pytest.raises(ValueError, match="L21Regressor: loss must be one of"):
        fit(L21Regressor(0.1, loss="square"), rows)


@pytest.mark.parametrize(
    ("penalty", "error", "message"),
    [
        ("l21", TypeError, r"must be a penalty.*got 'l21'; pass an instance"),
        (L21, TypeError, "must be a penalty.*pass an instance, such as L21"),
        (0.1, TypeError, "must be a penalty from linmtl.penalties, got 0.1"),
        (L21(-0.1), ValueError, "L21: alpha must be a finite number >= 0, got -0.1"),
        (L1(0.1) + TraceNorm(0.1), ValueError, r"sum L1 \+ TraceNorm has no known"),
        (L21(feature_weight=[1.0]), ValueError, r"feature_weight has shape \(1,\)"),
        (
            L21(feature_weight=[1, 1, 1, -1]),
            ValueError,
            "feature_weight must be >= 0",
        ),
        (MeanRegularized(0.1, -1.0), ValueError, "alpha_mean must be a finite number"),
        (GraphLaplacian(np.ones((2, 2))), ValueError, "graph|shape"),
        (L21(0.1) + Ridge("x"), TypeError, "Ridge: alpha must be a number"),
    ],
)
def test_a_wrong_penalty(penalty, error, message):
    X, y, tasks = data()
    with pytest.raises(error, match=message):
        MultiTaskRegressor(penalty).fit(X, y, tasks)


def test_adding_what_is_no_penalty():
    with pytest.raises(TypeError, match="unsupported operand"):
        L21(0.1) + 0.1


@pytest.mark.parametrize(
    "model",
    [
        L21Regressor(solver="direct"),
        TraceNormRegressor(solver="direct"),
        MeanRegularizedClassifier(solver="direct"),
        L21Classifier(solver="newton"),
    ],
    ids=label_of,
)
def test_a_solver_that_does_not_apply(model):
    X, y, tasks = data(is_classifier(model))
    with pytest.raises(
        ValueError, match=f"solver='{model.solver}' needs .*solver='auto"
    ):
        model.fit(X, y, tasks)


@pytest.mark.parametrize("alpha", [[0.1, 0.2], {"t0": 0.1}, [0.1, -1.0, 0.1]])
def test_wrong_strengths_per_task(alpha):
    X, y, tasks = data()
    with pytest.raises((ValueError, TypeError), match="alpha"):
        IndependentRegressor(alpha).fit(X, y, tasks)


@pytest.mark.parametrize("cv", [1, 0, 2.5, "5"])
def test_wrong_number_of_folds(cv):
    X, y, tasks = data()
    with pytest.raises(ValueError, match="cv must be a"):
        IndependentRegressor("cv", cv=cv).fit(X, y, tasks)


@pytest.mark.parametrize("wide", [False, True])
def test_too_many_folds_are_those_of_cv(wide):
    """Users pass no n_splits, which a splitter inside has."""
    X, y, tasks = data()
    labels = (np.column_stack([y, -y]),) if wide else (y, tasks)
    with pytest.raises(ValueError, match=r"cv=100 leaves a fold .*lower cv"):
        IndependentRegressor("cv", cv=100).fit(X, *labels)


@pytest.mark.parametrize("which", ["X", "y"])
def test_numbers_without_squares(which):
    """They vanish with a warning, or are refused, with a model of any kind."""
    X, y, tasks = data()
    for model in (MixedEffectsRegressor(), L21Regressor(0.1), PooledRegressor(0.1)):
        tiny = {"X": X, "y": y} | {which: {"X": X, "y": y}[which] * 1e-170}
        with pytest.warns(UserWarning, match=f"numbers in {which} are so small"):
            model.fit(tiny["X"], tiny["y"], tasks)
        huge = {"X": X, "y": y} | {which: {"X": X, "y": y}[which] * 1e160}
        with pytest.raises(ValueError, match=f"numbers in {which} are too large"):
            model.fit(huge["X"], huge["y"], tasks)
    L21Regressor(0.1).fit(X * 1e-100, y * 1e-100, tasks)  # and no warning
    L21Regressor(0.1).fit(0.0 * X, y, tasks)


def test_task_intercepts_must_be_a_bool():
    X, y, tasks = data()
    with pytest.raises(ValueError, match="task_intercepts must be a bool, got 'no'"):
        PooledRegressor(task_intercepts="no").fit(X, y, tasks)


@pytest.mark.parametrize("penalty", [L21(0.0), TraceNorm(0.0), L21(2.0)])
def test_the_grid_leaves_the_penalty_alone(penalty):
    """Its alpha does not matter, and is not touched."""
    X, y, tasks = data()
    before = repr(penalty)
    top = alpha_max(X, y, tasks, penalty=penalty)
    assert top == alpha_max(X, y, tasks, penalty=clone(penalty).set_params(alpha=5.0))
    assert alpha_grid(X, y, tasks, penalty=penalty, n_alphas=3)[0] == top
    assert repr(penalty) == before


# --- types


@pytest.mark.parametrize(
    "convert",
    [
        lambda X: X.astype(object),
        lambda X: X.tolist(),
        lambda X: tuple(map(tuple, X)),
        lambda X: pd.DataFrame(X),
        lambda X: pd.DataFrame(X).convert_dtypes(),
        lambda X: pd.DataFrame(X).astype("Float64"),
    ],
)
def test_other_containers_of_x(convert):
    X, y, tasks = data()
    expected = L21Regressor(0.1).fit(X, y, tasks)
    actual = L21Regressor(0.1).fit(convert(X), y, tasks)
    np.testing.assert_array_equal(actual.coef_, expected.coef_)
    np.testing.assert_array_equal(
        actual.predict(convert(X), tasks), expected.predict(X, tasks)
    )


def test_integers_as_x_and_y():
    rng = np.random.default_rng(0)
    X, y = rng.integers(-3, 4, (30, 3)), rng.integers(0, 9, 30)
    tasks = np.resize([0, 1], 30)
    expected = L21Regressor(0.1).fit(X.astype(float), y.astype(float), tasks)
    for kind in (np.int64, np.int8, np.uint8):
        X_kind = X.astype(kind) if kind is not np.uint8 else X
        actual = L21Regressor(0.1).fit(X_kind, y.astype(kind), tasks)
        np.testing.assert_array_equal(actual.coef_, expected.coef_)


@pytest.mark.parametrize(
    "convert",
    [
        lambda y: y.astype(object),
        lambda y: y.tolist(),
        lambda y: pd.Series(y),
        lambda y: pd.Series(y, dtype="Float64"),
        lambda y: pd.Series(y, dtype=object),
        lambda y: y[:, None],
    ],
)
@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_other_containers_of_y(convert):
    X, y, tasks = data()
    expected = L21Regressor(0.1).fit(X, y, tasks)
    actual = L21Regressor(0.1).fit(X, convert(y), tasks)
    np.testing.assert_array_equal(actual.coef_, expected.coef_)
    assert actual.score(X, convert(y), tasks) == expected.score(X, y, tasks)


@pytest.mark.parametrize("kind", ["Int64", "Float64", "boolean"])
@pytest.mark.parametrize("classify", [False, True])
def test_nullable_pandas_targets(kind, classify):
    """NA is a missing label, as NaN is."""
    X, _, tasks = data()
    if kind == "boolean" and not classify:
        pytest.skip("a regression on truth values is no use")
    y = (X[:, 0] + X[:, 1] > 0).astype(float)
    missing = np.arange(30) % 7 == 0
    nullable = pd.Series(y).astype(kind)
    nullable[missing] = pd.NA
    model = MeanRegularizedClassifier() if classify else MeanRegularizedRegressor()
    expected = clone(model).fit(X[~missing], y[~missing], tasks[~missing])
    actual = clone(model).fit(X, nullable, tasks)
    np.testing.assert_allclose(actual.coef_, expected.coef_, atol=1e-10)
    np.testing.assert_allclose(
        actual.score(X, nullable, tasks),
        expected.score(X[~missing], y[~missing], tasks[~missing]),
    )
    # wide as well
    Y = pd.DataFrame({"a": nullable, "b": nullable[::-1].to_numpy()})
    wide = clone(model).fit(X, Y)
    floats = clone(model).fit(X, Y.astype("Float64").to_numpy(float, na_value=np.nan))
    np.testing.assert_allclose(wide.coef_, floats.coef_)
    assert wide.score(X, Y) == floats.score(
        X, Y.astype("Float64").to_numpy(float, na_value=np.nan)
    )


@every
def test_generators(model):
    X, y, tasks = data(is_classifier(model))
    with pytest.raises((TypeError, ValueError), match=r"(?i)expected|generator|array"):
        clone(model).fit((row for row in X), y, tasks)
    # labels can be read once, and are
    expected = clone(model).fit(X, y, tasks)
    actual = clone(model).fit(X, y, (label for label in tasks))
    np.testing.assert_array_equal(actual.coef_, expected.coef_)


@pytest.mark.parametrize("model", [L21Regressor(), L21Classifier()], ids=label_of)
def test_a_generator_as_y_is_read(model):
    X, y, tasks = data(is_classifier(model))
    expected = clone(model).fit(X, y, tasks)
    actual = clone(model).fit(X, (value for value in y), tasks)
    np.testing.assert_array_equal(actual.coef_, expected.coef_)


@every
def test_complex_numbers(model):
    X, y, tasks = data(is_classifier(model))
    with pytest.raises(ValueError, match=r"(?i)complex data not supported"):
        clone(model).fit(X + 1j, y, tasks)
    message = "(?i)complex data not supported|Unknown label type|complex"
    with pytest.raises(ValueError, match=message):
        clone(model).fit(X, y + 1j, tasks)


def test_strings_as_x():
    X, y, tasks = data()
    with pytest.raises(ValueError, match="could not convert string to float"):
        L21Regressor().fit(X.astype(str).astype(object) + "x", y, tasks)


# --- size


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [L21Regressor(0.05), MeanRegularizedRegressor(), TraceNormRegressor(0.05)],
    ids=label_of,
)
def test_ten_thousand_tasks_of_three_rows(model):
    rng = np.random.default_rng(0)
    n_tasks, d = 10_000, 20
    X = rng.standard_normal((3 * n_tasks, d))
    tasks = np.repeat(np.arange(n_tasks), 3)
    # the tasks share a subspace of three dimensions
    W = rng.standard_normal((d, 3)) @ rng.standard_normal((3, n_tasks))
    y = np.einsum("ij,ji->i", X, W[:, tasks]) + rng.standard_normal(len(X))
    scale = np.sqrt(n_tasks) if not isinstance(model, MeanRegularizedRegressor) else 1
    model = clone(model).set_params(alpha=model.alpha * scale)
    model.fit(X, y, tasks)
    assert model.coef_.shape == (n_tasks, d)
    assert model.converged_
    assert model.dual_gap_ <= model.tol_
    assert_sound(model, X, tasks)
    assert np.any(model.coef_ != 0)


def test_every_public_name_exists():
    for name in linmtl.__all__:
        assert getattr(linmtl, name).__doc__


def test_a_classifier_with_a_wide_frame_of_mixed_types():
    X, y, _ = data(classify=True)
    Y = pd.DataFrame({"a": np.where(y, "x", "z"), "b": y})
    with pytest.raises(ValueError, match=r"mixes labels|mix of string|Unknown label"):
        MultiTaskClassifier().fit(X, Y)


def test_strength_in_the_place_of_the_graph():
    X, y, tasks = np.arange(12.0).reshape(6, 2), np.arange(6.0), [0, 1] * 3
    with pytest.raises(ValueError, match=r"graph is 0\.1; pass an adjacency"):
        linmtl.GraphRegularizedRegressor(0.1).fit(X, y, tasks)


@pytest.mark.parametrize(
    "call",
    [
        lambda *data: L21Regressor().fit(*data),
        lambda *data: transfer_gain(L21Regressor(), *data),
        lambda *data: negative_transfer_report(L21Regressor(), *data),
        lambda *data: SafeTransferRegressor().fit(*data),
        lambda *data: lookahead_affinity(*data),
    ],
)
def test_words_are_no_targets(call):
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(40, 3)), np.repeat(["a", "b"], 20)
    y = np.where(rng.random(40) < 0.5, "sick", "well")
    with pytest.raises(ValueError, match=r"labels of classes, such as '(sick|well)'"):
        call(X, y, tasks)
    numbers = rng.normal(size=40)
    digits = L21Regressor().fit(X, numbers.astype(str), tasks)
    np.testing.assert_allclose(
        digits.coef_, L21Regressor().fit(X, numbers, tasks).coef_, atol=1e-8
    )
