"""Scores of each task: loops by hand, missing labels, weights, searches."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    explained_variance_score,
    f1_score,
    get_scorer,
    max_error,
    mean_absolute_error,
    mean_squared_error,
    precision_score,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.frames import with_tasks
from helpers.loops import looped
from linmtl import L21Classifier, L21Regressor, L21RegressorCV, TaskScaler
from linmtl.datasets import make_multitask_classification, make_multitask_regression
from linmtl.metrics import (
    average_precision,
    brier_score,
    explained_variance,
    log_loss,
    make_task_scorer,
    normalized_mse,
    per_task,
    roc_auc,
)
from linmtl.model_selection import TaskKFold

nan = float("nan")
SIZES = [30, 12, 7, 21]


def long_data(seed=0, classes=False):
    """Rows of four tasks in random order, and what a model might say of them."""
    rng = np.random.default_rng(seed)
    tasks = rng.permutation(np.repeat(["d", "a", "c", "b"], SIZES))
    shift = np.array([10.0 * "abcd".index(t) for t in tasks])
    signal = rng.normal(size=len(tasks))
    y = signal + rng.normal(size=len(tasks))
    if classes:
        return (y > 0.3).astype(int), 1 / (1 + np.exp(-signal)), tasks
    return shift + y, shift + signal + 0.3, tasks


def wide_of(tasks, *columns):
    """The same numbers, one column per task and NaN where there is none."""
    out = []
    for values in columns:
        Y = np.full((len(tasks), 4), nan)
        for t, task in enumerate("abcd"):
            Y[tasks == task, t] = values[tasks == task]
        out.append(Y)
    return out


def by_hand(metric, y, p, tasks, **more):
    return np.array([metric(y[tasks == t], p[tasks == t], **more) for t in "abcd"])


COUNTS = np.array([12, 21, 7, 30])  # of a, b, c, d

FUNCTIONS = [
    pytest.param(mean_squared_error, False, "neg_mean_squared_error", id="mse"),
    pytest.param(mean_absolute_error, False, "neg_mean_absolute_error", id="mae"),
    pytest.param(r2_score, False, "r2", id="r2"),
    pytest.param(explained_variance_score, False, "explained_variance", id="ev"),
    pytest.param(roc_auc_score, True, "roc_auc", id="auc"),
    pytest.param(average_precision_score, True, "average_precision", id="ap"),
    pytest.param(sklearn_log_loss, True, "neg_log_loss", id="log-loss"),
]


@pytest.mark.parametrize(("metric", "classes", "name"), FUNCTIONS)
@pytest.mark.parametrize("layout", ["long", "wide"])
def test_each_task_is_scored_as_by_hand(metric, classes, name, layout):
    y, p, tasks = long_data(classes=classes)
    expected = by_hand(metric, y, p, tasks)
    data = (y, p, tasks) if layout == "long" else wide_of(tasks, y, p)
    scores = per_task(metric, *data)
    np.testing.assert_allclose(scores.values, expected, rtol=1e-12)
    assert scores.tasks.tolist() == (list("abcd") if layout == "long" else [0, 1, 2, 3])
    np.testing.assert_array_equal(scores.n_samples, COUNTS)
    # a scorer is to be maximised
    named = per_task(name, *data)
    sign = -1 if name.startswith("neg_") else 1
    np.testing.assert_allclose(named.values, sign * expected, rtol=1e-12)
    assert named.greater_is_better is True
    assert scores.greater_is_better is (sign == 1)


def test_averages():
    y, p, tasks = long_data()
    scores = per_task(mean_squared_error, y, p, tasks)
    v = scores.values
    assert scores.average() == pytest.approx(v.mean())
    assert scores.average("samples") == pytest.approx(np.sum(COUNTS * v) / COUNTS.sum())
    # the mean weighted by labels of a mean is the mean over all labels
    assert scores.average("samples") == pytest.approx(mean_squared_error(y, p))
    assert scores.average("worst") == v.max()
    assert per_task("neg_mean_squared_error", y, p, tasks).average("worst") == -v.max()
    assert per_task(r2_score, y, p, tasks).average("worst") == pytest.approx(
        by_hand(r2_score, y, p, tasks).min()
    )
    # MALSAR's error of School: the mean of the tasks' root mean squared errors
    rmse = by_hand(root_mean_squared_error, y, p, tasks)
    assert per_task(root_mean_squared_error, y, p, tasks).average(
        "samples"
    ) == pytest.approx(rmse @ COUNTS / COUNTS.sum())


def test_the_direction_of_an_unknown_metric_is_asked_for():
    y, p, tasks = long_data()

    def bias(y, p):
        return float(abs(np.mean(p - y)))

    scores = per_task(bias, y, p, tasks)
    assert scores.greater_is_better is None
    with pytest.raises(ValueError, match="pass greater_is_better=True or False"):
        scores.average("worst")
    with pytest.raises(ValueError, match="pass greater_is_better=True or False"):
        make_task_scorer(bias)
    scores = per_task(bias, y, p, tasks, greater_is_better=False)
    assert scores.average("worst") == by_hand(bias, y, p, tasks).max()
    # names tell of scikit-learn's functions
    assert per_task(max_error, y, p, tasks).greater_is_better is False


TASK_METRICS = [
    pytest.param(
        metric, classes, {"average": average}, id=f"{metric.__name__}-{average}"
    )
    for metric, classes, averages in [
        (normalized_mse, False, ["macro", "samples", "worst", "pooled", "within"]),
        (explained_variance, False, ["macro", "samples", "worst", "pooled", "within"]),
        (roc_auc, True, ["macro", "samples", "worst"]),
        (average_precision, True, ["macro", "samples", "worst"]),
        (log_loss, True, ["macro", "samples", "worst"]),
        (brier_score, True, ["macro", "samples", "worst"]),
    ]
    for average in averages
]


def nmse(y, p):
    return np.mean((y - p) ** 2) / np.var(y)


def test_conventions_of_the_normalised_error():
    y, p, tasks = long_data()
    each = by_hand(nmse, y, p, tasks)
    np.testing.assert_allclose(
        normalized_mse(y, p, tasks, average=None).values, each, rtol=1e-12
    )
    np.testing.assert_allclose(each, 1 - by_hand(r2_score, y, p, tasks), rtol=1e-9)
    assert normalized_mse(y, p, tasks) == pytest.approx(each.mean())
    weighted = each @ COUNTS / len(y)
    assert normalized_mse(y, p, tasks, average="samples") == pytest.approx(weighted)
    assert normalized_mse(y, p, tasks, average="worst") == pytest.approx(each.max())
    with_ddof = np.mean(each * (COUNTS - 1) / COUNTS)
    assert normalized_mse(y, p, tasks, ddof=1) == pytest.approx(with_ddof)
    sse = np.sum((y - p) ** 2)
    pooled = sse / np.sum((y - y.mean()) ** 2)
    assert normalized_mse(y, p, tasks, average="pooled") == pytest.approx(pooled)
    sst = sum(np.sum((y[tasks == t] - y[tasks == t].mean()) ** 2) for t in "abcd")
    within = normalized_mse(y, p, tasks, average="within")
    assert within == pytest.approx(sse / sst)
    assert pooled < 0.1 * within  # the tasks lie apart


def test_conventions_of_the_explained_variance():
    y, p, tasks = long_data()
    each = by_hand(explained_variance_score, y, p, tasks)
    assert explained_variance(y, p, tasks) == pytest.approx(each.mean())
    assert explained_variance(y, p, tasks, average="samples") == pytest.approx(
        each @ COUNTS / len(y)
    )
    assert explained_variance(y, p, tasks, average="worst") == pytest.approx(each.min())
    for average in ("pooled", "within"):
        assert explained_variance(y, p, tasks, average=average) == pytest.approx(
            1 - normalized_mse(y, p, tasks, average=average)
        )
    pooled = explained_variance(y, p, tasks, average="pooled")
    assert pooled == pytest.approx(r2_score(y, p))
    # a constant error in a task costs nothing in scikit-learn's sense only
    shifted = p + 5.0 * (tasks == "a")
    assert explained_variance(y, shifted, tasks) == pytest.approx(each.mean())
    assert explained_variance(y, shifted, tasks, average="pooled") < pooled


def test_predicting_the_mean_of_each_task_explains_nothing_within():
    y, _, tasks = long_data()
    p = np.array([y[tasks == t].mean() for t in tasks])
    for average in ("macro", "samples", "worst", "within"):
        assert normalized_mse(y, p, tasks, average=average) == pytest.approx(1.0)
        assert abs(explained_variance(y, p, tasks, average=average)) < 1e-12
    assert explained_variance(y, p, tasks, average="pooled") > 0.9


@pytest.mark.slow
def test_metrics_of_two_classes():
    y, p, tasks = long_data(classes=True)
    for ours, theirs in [
        (roc_auc, roc_auc_score),
        (average_precision, average_precision_score),
        (log_loss, sklearn_log_loss),
        (brier_score, mean_squared_error),
    ]:
        each = by_hand(theirs, y, p, tasks)
        assert ours(y, p, tasks) == pytest.approx(each.mean())
        np.testing.assert_allclose(ours(y, p, tasks, average=None).values, each)
        # two columns, other labels, the other class
        both = np.column_stack([1 - p, p])
        assert ours(y, both, tasks) == pytest.approx(each.mean())
        names = np.where(y == 1, "yes", "no")
        assert ours(names, p, tasks) == pytest.approx(each.mean())
        other = ours(names, 1 - p, tasks, pos_label="no")
        assert other == pytest.approx(by_hand(theirs, 1 - y, 1 - p, tasks).mean())


@pytest.mark.parametrize(("metric", "classes", "options"), TASK_METRICS)
def test_layouts_and_orders_agree(metric, classes, options):
    y, p, tasks = long_data(classes=classes)
    score = metric(y, p, tasks, **options)
    assert metric(*wide_of(tasks, y, p), **options) == pytest.approx(score)
    order = np.random.default_rng(1).permutation(len(y))
    shuffled = metric(y[order], p[order], tasks[order], **options)
    assert shuffled == pytest.approx(score, rel=1e-12)
    numbers = np.array([{"a": 7, "b": -1, "c": 3, "d": 5}[t] for t in tasks])
    assert metric(y, p, numbers, **options) == pytest.approx(score, rel=1e-12)
    # rows without a label, whatever is predicted there
    gaps = np.r_[y, nan, nan]
    assert metric(gaps, np.r_[p, nan, 0.5], np.r_[tasks, ["a", "b"]], **options) == (
        pytest.approx(score)
    )
    objects = np.r_[y.astype(object), None]
    assert metric(objects, np.r_[p, 0.5], np.r_[tasks, ["a"]], **options) == (
        pytest.approx(score)
    )


@pytest.mark.parametrize(("metric", "classes", "options"), TASK_METRICS)
@looped("layout", ["long", "wide", "wide-shaped"])
def test_weights_are_repetitions(metric, classes, options, layout):
    y, p, tasks = long_data(classes=classes)
    times = np.random.default_rng(2).integers(0, 4, len(y))
    expected = metric(y.repeat(times), p.repeat(times), tasks.repeat(times), **options)
    data, weight = (y, p, tasks), times
    if layout != "long":
        data = tuple(wide_of(tasks, y, p))
    if layout == "wide-shaped":
        weight = np.repeat(times[:, None], 4, axis=1)
    assert metric(*data, sample_weight=weight, **options) == pytest.approx(expected)


def test_weights_are_repetitions_with_ddof():
    y, p, tasks = long_data()
    times = np.random.default_rng(2).integers(0, 4, len(y))
    assert normalized_mse(y, p, tasks, sample_weight=times, ddof=1) == pytest.approx(
        normalized_mse(y.repeat(times), p.repeat(times), tasks.repeat(times), ddof=1)
    )


@pytest.mark.parametrize("metric", [mean_squared_error, "r2", "neg_log_loss", "f1"])
def test_weights_of_any_metric(metric):
    classes = metric in ("neg_log_loss", "f1")
    y, p, tasks = long_data(classes=classes)
    p = (p > 0.5).astype(int) if metric == "f1" else p
    times = np.random.default_rng(2).integers(0, 4, len(y))
    weighted = per_task(metric, y, p, tasks, sample_weight=times)
    repeated = per_task(metric, y.repeat(times), p.repeat(times), tasks.repeat(times))
    np.testing.assert_allclose(weighted.values, repeated.values)
    for average in ("macro", "samples", "worst"):
        assert weighted.average(average) == pytest.approx(repeated.average(average))
    np.testing.assert_array_equal(weighted.weight, repeated.n_samples)


def test_a_metric_without_weights_says_so():
    y, p, tasks = long_data()
    with pytest.raises(ValueError, match="max_error takes no sample_weight"):
        per_task(max_error, y, p, tasks, sample_weight=np.ones(len(y)))


# --- tasks whose labels do not define a metric

ONE_CLASS = ([0, 1, 0, 1, 1, 1], [0.1, 0.8, 0.6, 0.4, 0.3, 0.2], list("aabbcc"))


@pytest.mark.parametrize("metric", [roc_auc, average_precision])
def test_one_class(metric):
    y, p, tasks = ONE_CLASS
    values = metric(y, p, tasks, average=None).values
    np.testing.assert_array_equal(np.isnan(values), [False, False, True])
    assert metric(y, p, tasks) == values[:2].mean()
    assert metric(y, p, tasks, average="samples") == values[:2].mean()
    expected = (values[0] + values[1] + 0.25) / 3
    assert metric(y, p, tasks, undefined=0.25) == pytest.approx(expected)
    with pytest.raises(ValueError, match="is not defined for the tasks 'c'"):
        metric(y, p, tasks, undefined="raise")
    by_name = per_task(metric.__name__, y, p, tasks)
    np.testing.assert_array_equal(by_name.values, values)
    assert np.isnan(metric([1, 1], [0.1, 0.2], ["a", "b"]))


def test_one_class_has_a_log_loss():
    y, p, tasks = ONE_CLASS
    expected = -np.mean(np.log([0.3, 0.2]))
    assert log_loss(y, p, tasks, average=None).values[2] == pytest.approx(expected)
    assert per_task("neg_log_loss", y, p, tasks).values[2] == pytest.approx(-expected)
    assert per_task(sklearn_log_loss, y, p, tasks).values[2] == pytest.approx(expected)
    assert brier_score(y, p, tasks, average=None).values[2] == pytest.approx(
        (0.7**2 + 0.8**2) / 2
    )
    with pytest.raises(ValueError, match="single class"):
        log_loss([1, 1], [0.2, 0.3])
    assert log_loss([1, 1], [0.2, 0.3], pos_label=1) == pytest.approx(expected)
    assert log_loss([1, 1], [0.8, 0.7], pos_label=0) == pytest.approx(expected)
    with pytest.raises(ValueError, match="single class"):
        per_task("neg_brier_score", [1, 1], [0.2, 0.3])


@pytest.mark.parametrize("metric", ["r2", r2_score, "explained_variance"])
def test_a_constant_target_has_no_explained_variance(metric):
    y, p, tasks = [0.1, 0.1, 0.1, 1, 2], [0.1, 0.1, 0.1, 1, 2], list("aaabb")
    np.testing.assert_array_equal(per_task(metric, y, p, tasks).values, [nan, 1.0])
    for ours, best in [(normalized_mse, 0.0), (explained_variance, 1.0)]:
        np.testing.assert_array_equal(
            ours(y, p, tasks, average=None).values, [nan, best]
        )
        for average in ("macro", "samples", "worst", "pooled", "within"):
            assert ours(y, p, tasks, average=average) == pytest.approx(best)
        for average in ("macro", "pooled", "within"):
            assert np.isnan(ours(y[:3], p[:3], tasks[:3], average=average))
            filled = ours(y[:3], p[:3], tasks[:3], average=average, undefined=0.25)
            assert filled == 0.25
            with pytest.raises(ValueError, match="is not defined"):
                ours(y[:3], p[:3], tasks[:3], average=average, undefined="raise")


def test_what_scikit_learn_warns_of_is_undefined():
    y, p, tasks = [0, 1, 0, 1], [0, 1, 0, 0], list("aabb")
    np.testing.assert_array_equal(
        per_task(precision_score, y, p, tasks).values, [1.0, nan]
    )
    # unless the metric is told what to give
    told = per_task(precision_score, y, p, tasks, zero_division=0)
    np.testing.assert_array_equal(told.values, [1.0, 0.0])
    # a warning of another kind it gives with one class
    one = per_task(balanced_accuracy_score, [1, 1, 0, 1], [0, 1, 0, 1], tasks)
    np.testing.assert_array_equal(one.values, [nan, 1.0])


def test_a_task_without_labels_is_left_out_in_any_case():
    Y = np.array([[0.0, nan, 1.0], [1.0, nan, 0.0]])
    P = np.array([[0.1, nan, 0.9], [0.8, 0.3, 0.2]])
    for undefined in ("nan", "raise", 0.0):
        scores = roc_auc(Y, P, average=None, undefined=undefined)
        np.testing.assert_array_equal(scores.values, [1.0, nan, 1.0])
        np.testing.assert_array_equal(scores.n_samples, [2, 0, 2])
        assert roc_auc(Y, P, undefined=undefined) == 1.0
    zero = per_task("accuracy", [1, 0], [0, 0], list("ab"), sample_weight=[0, 1])
    np.testing.assert_array_equal(zero.values, [nan, 1.0])


# --- the table


def test_tables():
    y, p, tasks = long_data()
    Y, P = wide_of(tasks, y, p)
    columns = ["w", "x", "y", "z"]
    scores = per_task("r2", pd.DataFrame(Y, columns=columns), P)
    assert scores.tasks.tolist() == columns
    frame = scores.to_frame()
    assert frame.columns.tolist() == ["task", "score", "n_samples"]
    assert frame["task"].tolist() == columns
    np.testing.assert_array_equal(frame["score"], scores.values)
    assert len(scores) == 4
    assert repr(per_task("accuracy", [1, 0], [1, 0])) == (
        "TaskScores(accuracy of 1 task: 1)"
    )
    y, p, tasks = ONE_CLASS
    assert repr(per_task("roc_auc", y, p, tasks)) == (
        "TaskScores(roc_auc of 3 tasks: 0 to 1, 1 undefined)"
    )
    with pytest.raises(ValueError, match="average is 'micro'; pass one of 'macro'"):
        scores.average("micro")


def test_pandas_input():
    y, p, tasks = long_data(classes=True)
    expected = roc_auc(y, p, tasks)
    missing = pd.Series([*y, None], dtype="Int64")
    found = roc_auc(missing, pd.Series([*p, 0.5]), pd.Series([*tasks, "a"]))
    assert found == pytest.approx(expected)
    names = pd.Series([*np.where(y, "yes", "no"), None])
    assert roc_auc(names, [*p, 0.5], [*tasks, "a"]) == pytest.approx(expected)
    # a list of strings and NaN is not a list of strings
    labels = [*np.where(y, "yes", "no").tolist(), nan]
    assert roc_auc(labels, [*p, 0.5], [*tasks, "a"]) == pytest.approx(expected)


def test_metric_of_this_module_by_per_task():
    y, p, tasks = long_data()
    direct = normalized_mse(y, p, tasks, average=None, ddof=1)
    again = per_task(normalized_mse, y, p, tasks, ddof=1)
    np.testing.assert_array_equal(again.values, direct.values)
    assert again.greater_is_better is False


# --- wrong arguments

Y2 = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
WRONG = [
    (lambda: roc_auc([], []), "y_true is empty"),
    (lambda: roc_auc([0, 1], [0.1]), r"y_pred has shape \(1,\) but y_true has \(2,\)"),
    (lambda: roc_auc(Y2, Y2[:, :1]), r"y_pred has shape \(3, 1\)"),
    (lambda: roc_auc(Y2, Y2, ["a"] * 3), "y_true has 2 columns, one per task"),
    (lambda: roc_auc([0, 1], [0, 1], ["a"]), "tasks has 1 labels but y_true has 2"),
    (lambda: roc_auc([0, 1], [0, 1], ["a", None]), "tasks has 1 missing label"),
    (lambda: roc_auc([0, 1], [0, 1], ["a", 1]), "tasks mixes strings and numbers"),
    (lambda: roc_auc([0, 1, 2], [0, 1, 2]), "y_true has 3 classes, 0, 1, 2"),
    (lambda: roc_auc([0, "a"], [0, 1]), "y_true mixes strings and other values"),
    (lambda: roc_auc([nan, nan], [0, 1]), "no observed label"),
    (lambda: roc_auc([0, 1], [0.1, nan]), "y_pred has 1 values that are NaN"),
    (lambda: roc_auc(1, 1), "y_true is the single value 1"),
    (lambda: roc_auc(np.zeros((2, 2, 2)), 1), r"y_true has shape \(2, 2, 2\)"),
    (lambda: roc_auc([0, 1], np.zeros((2, 3))), "y_score has 3 columns"),
    (lambda: roc_auc([0, 1], [0, 1], pos_label=2), "pos_label is 2 but y_true has"),
    (lambda: roc_auc([0, 1], [0, 1], average="micro"), "average is 'micro'"),
    (lambda: roc_auc([0, 1], [0, 1], average="pooled"), "average is 'pooled'"),
    (lambda: roc_auc([0, 1], [0, 1], undefined="no"), "undefined is 'no'; pass 'nan'"),
    (lambda: roc_auc([0, 1], [0, 1], undefined=True), "undefined is True"),
    (lambda: roc_auc([0, 1], [0, 1], sample_weight=[1, -1]), "negative"),
    (lambda: roc_auc([0, 1], [0, 1], sample_weight=[1]), "sample_weight.shape"),
    (lambda: log_loss([0, 1], [0, 1.1]), r"y_prob has values outside \[0, 1\]"),
    (lambda: normalized_mse(["a", "b"], ["a", "b"]), "y_true holds 'a', 'b'"),
    (lambda: normalized_mse([1, 2], np.zeros((2, 4))), "y_pred has several columns"),
    (lambda: normalized_mse([1, 2], [1, 2], ddof=2), "ddof is 2; pass 0 or 1"),
    (
        lambda: normalized_mse([1, 2], [1, 2], ddof=1, average="pooled"),
        "ddof=1 has no effect on average='pooled'",
    ),
    (lambda: per_task("no_such", [1, 2], [1, 2]), "no_such"),
    (lambda: per_task(3, [1, 2], [1, 2]), "metric is 3; pass the name of a scorer"),
    (lambda: per_task("f1", [0, 1], [0, 1], beta=2), "'beta' was passed with the"),
    (
        lambda: per_task("f1", [0, 1], [0, 1], greater_is_better=False),
        "of f1 greater values are better",
    ),
    (
        lambda: per_task(normalized_mse, [0, 1], [0, 1], greater_is_better=True),
        "of normalized_mse smaller values are better",
    ),
    (
        lambda: per_task(accuracy_score, [0, 1], [0, 1], greater_is_better="yes"),
        "greater_is_better is 'yes'",
    ),
    (
        lambda: per_task("accuracy", [0, 1, 1], [0, 0.5, 1], list("aba")),
        "accuracy of task 'b': ",
    ),
    (
        lambda: per_task(lambda y, p: [1, 2], [0, 1], [0, 1]),
        "of task 0: ",
    ),
]


@looped("call, message", WRONG)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- scorers


@pytest.fixture(scope="module")
def regression():
    X, y, tasks = make_multitask_regression(
        n_tasks=4, n_samples=25, n_features=5, random_state=0
    )
    tasks = np.array(list("zxyw"))[tasks]
    return X, y, tasks, with_tasks(X, tasks, 2)


@pytest.fixture(scope="module")
def classification():
    X, y, tasks = make_multitask_classification(
        n_tasks=4, n_samples=40, n_features=5, random_state=0
    )
    tasks = np.array(list("zxyw"))[tasks]
    y = np.where(y == np.unique(y)[1], "yes", "no")
    return X, y, tasks, with_tasks(X, tasks, 2)


SCORERS = [
    (make_task_scorer(normalized_mse), normalized_mse, "predict", -1),
    (
        make_task_scorer(normalized_mse, average="pooled"),
        lambda *data: normalized_mse(*data, average="pooled"),
        "predict",
        -1,
    ),
    (
        make_task_scorer(mean_absolute_error, average="worst"),
        lambda *data: per_task(mean_absolute_error, *data).average("worst"),
        "predict",
        -1,
    ),
    (
        make_task_scorer("r2", average="samples"),
        lambda *data: per_task("r2", *data).average("samples"),
        "predict",
        1,
    ),
    (make_task_scorer(roc_auc), roc_auc, "decision_function", 1),
    (
        make_task_scorer(roc_auc, response_method="predict_proba"),
        roc_auc,
        "decision_function",
        1,
    ),
    (make_task_scorer("roc_auc"), roc_auc, "decision_function", 1),
    (make_task_scorer(log_loss), log_loss, "predict_proba", -1),
    (make_task_scorer("neg_log_loss"), log_loss, "predict_proba", -1),
    (
        make_task_scorer(f1_score, pos_label="no", average="worst"),
        None,
        "predict",
        1,
    ),
]


def model_and_data(method, score, request):
    is_regression = method == "predict" and score is not None
    name = "regression" if is_regression else "classification"
    model = L21Regressor(0.05) if is_regression else L21Classifier(0.01)
    return model, request.getfixturevalue(name)


@pytest.mark.parametrize(("scorer", "score", "method", "sign"), SCORERS)
def test_scorers_in_every_layout(scorer, score, method, sign, request):
    model, (X, y, tasks, frame) = model_and_data(method, score, request)
    if score is None:

        def score(y, p, tasks):
            f1 = per_task(f1_score, y, p, tasks, pos_label="no")
            return f1.average("worst")

    fitted = model.fit(X, y, tasks)
    expected = sign * score(y, getattr(fitted, method)(X, tasks), tasks)
    assert scorer(fitted, X, y, tasks) == pytest.approx(expected)
    assert scorer(fitted, X, y, tasks=tasks) == pytest.approx(expected)
    held = clone(model).set_params(task_column="task").fit(frame, y)
    assert scorer(held, frame, y) == pytest.approx(expected)
    array = frame.to_numpy()
    by_position = clone(model).set_params(task_column=2).fit(array, y)
    assert scorer(by_position, array, y) == pytest.approx(expected)
    table = scorer.per_task(held, frame, y)
    assert table.tasks.tolist() == list("wxyz")
    again = pickle.loads(pickle.dumps(scorer))
    assert again(held, frame, y) == pytest.approx(expected)
    assert clone(scorer, safe=False)(held, frame, y) == pytest.approx(expected)


@pytest.mark.parametrize("average", ["macro", "worst", "samples"])
@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.slow
def test_scorers_of_wide_data_with_missing_labels(classes, average, request):
    X, y, tasks, _ = request.getfixturevalue(
        "classification" if classes else "regression"
    )
    Y = np.full((len(y), 4), None) if classes else np.full((len(y), 4), nan)
    for t, task in enumerate("wxyz"):
        Y[tasks == task, t] = y[tasks == task]
    if classes:
        model = L21Classifier(0.01).fit(X, Y)
        scorers = [
            (make_task_scorer(roc_auc, average=average), roc_auc, 1),
            (make_task_scorer("roc_auc", average=average), roc_auc, 1),
            (make_task_scorer("neg_log_loss", average=average), log_loss, -1),
        ]
        answer = model.predict_proba(X)
    else:
        model = L21Regressor(0.05).fit(X, Y)
        scorers = [
            (make_task_scorer(normalized_mse, average=average), normalized_mse, -1)
        ]
        answer = model.predict(X)
    for scorer, score, sign in scorers:
        expected = sign * score(Y, answer, average=average)
        assert scorer(model, X, Y) == pytest.approx(expected)
    cv = TaskKFold(3)
    found = cross_val_score(model, X, Y, cv=cv, scoring=scorers[0][0])
    by_loop = [
        scorers[0][0](clone(model).fit(X[train], Y[train]), X[test], Y[test])
        for train, test in cv.split(X, Y)
    ]
    np.testing.assert_allclose(found, by_loop)
    assert np.all(np.isfinite(found))


def search_by_hand(model, alphas, splits, fit, score):
    return [
        np.mean(
            [score(fit(clone(model).set_params(alpha=a), tr), te) for tr, te in splits]
        )
        for a in alphas
    ]


ALPHAS = [3.0, 0.05, 0.01]


def test_grid_search_with_a_task_column(regression):
    X, y, tasks, frame = regression
    search = GridSearchCV(
        L21Regressor(task_column="task"),
        {"alpha": ALPHAS},
        cv=TaskKFold(3, task_column="task"),
        scoring=make_task_scorer(normalized_mse, average="worst"),
    ).fit(frame, y)
    means = search_by_hand(
        L21Regressor(),
        ALPHAS,
        list(TaskKFold(3).split(X, y, tasks)),
        lambda model, rows: model.fit(X[rows], y[rows], tasks[rows]),
        lambda model, rows: (
            -max(
                nmse(y[r], model.predict(X[r], tasks[r]))
                for r in (rows[tasks[rows] == t] for t in "wxyz")
            )
        ),
    )
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], means)
    assert search.best_params_["alpha"] == ALPHAS[int(np.argmax(means))] < 3.0


@pytest.mark.slow
def test_several_scorers_at_once(classification):
    X, y, tasks, frame = classification
    scoring = {
        "auc": make_task_scorer(roc_auc),
        "log_loss": make_task_scorer("neg_log_loss"),
        "worst": make_task_scorer("accuracy", average="worst"),
    }
    model = L21Classifier(0.01, task_column="task")
    cv = TaskKFold(3, task_column="task")
    found = cross_validate(model, frame, y, cv=cv, scoring=scoring)
    for k, (train, test) in enumerate(TaskKFold(3).split(X, y, tasks)):
        fitted = L21Classifier(0.01).fit(X[train], y[train], tasks[train])
        p = fitted.predict_proba(X[test], tasks[test])[:, 1]
        positive = (y[test] == "yes").astype(int)
        assert found["test_auc"][k] == pytest.approx(roc_auc(positive, p, tasks[test]))
        assert found["test_log_loss"][k] == pytest.approx(
            -log_loss(positive, p, tasks[test])
        )
        right = (p > 0.5) == positive
        assert found["test_worst"][k] == min(
            right[tasks[test] == t].mean() for t in "wxyz"
        )


@pytest.mark.slow
@pytest.mark.usefixtures("routing")
def test_grid_search_with_routing(regression):
    X, y, tasks, _ = regression
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    scorer = make_task_scorer(normalized_mse)
    model = L21Regressor().set_fit_request(tasks=True, sample_weight=False)
    cv = TaskKFold(3).set_split_request(groups="tasks")
    splits = list(TaskKFold(3).split(X, y, tasks))

    def means(weighted):
        return search_by_hand(
            L21Regressor(),
            ALPHAS,
            splits,
            lambda model, rows: model.fit(X[rows], y[rows], tasks[rows]),
            lambda model, rows: (
                -normalized_mse(
                    y[rows],
                    model.predict(X[rows], tasks[rows]),
                    tasks[rows],
                    sample_weight=weight[rows] if weighted else None,
                )
            ),
        )

    search = GridSearchCV(model, {"alpha": ALPHAS}, cv=cv, scoring=scorer)
    search.fit(X, y, tasks=tasks)
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], means(False))
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        search.fit(X, y, tasks=tasks, sample_weight=weight)
    weighted = clone(search)
    weighted.scoring.set_score_request(sample_weight=True)
    weighted.fit(X, y, tasks=tasks, sample_weight=weight)
    np.testing.assert_allclose(weighted.cv_results_["mean_test_score"], means(True))
    # under another name
    model = L21Regressor().set_fit_request(tasks="site")
    named = make_task_scorer(normalized_mse).set_score_request(tasks="site")
    cv = TaskKFold(3).set_split_request(groups="site")
    other = GridSearchCV(
        model, {"alpha": ALPHAS}, cv=cv, scoring={"a": named}, refit="a"
    )
    other.fit(X, y, site=tasks)
    np.testing.assert_allclose(other.cv_results_["mean_test_a"], means(False))


@pytest.mark.usefixtures("routing")
def test_pipelines_with_routing(regression):
    X, y, tasks, _ = regression
    scaler = (
        TaskScaler(within_task=True)
        .set_fit_request(tasks=True)
        .set_transform_request(tasks=True)
    )
    model = (
        L21Regressor(0.05).set_fit_request(tasks=True).set_predict_request(tasks=True)
    )
    pipe = Pipeline([("scale", scaler), ("model", model)]).fit(X, y, tasks=tasks)
    expected = -normalized_mse(y, pipe.predict(X, tasks=tasks), tasks)
    assert make_task_scorer(normalized_mse)(pipe, X, y, tasks) == pytest.approx(
        expected
    )


@pytest.mark.usefixtures("routing")
def test_a_pipeline_that_hands_no_tasks_on(classification):
    X, y, tasks, _ = classification
    model = L21Classifier(0.05).set_fit_request(tasks=True)
    pipe = make_pipeline(StandardScaler(), model).fit(X, y, tasks=tasks)
    scorer = make_task_scorer("roc_auc")
    with pytest.raises(ValueError, match=r"set_decision_function_request\(tasks=True"):
        scorer(pipe, X, y, tasks)
    model.set_decision_function_request(tasks=True)
    assert 0.5 < scorer(pipe, X, y, tasks) <= 1.0


def test_weights_of_a_scorer(regression):
    _, y, tasks, frame = regression
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    model = L21Regressor(0.05, task_column="task").fit(frame, y)
    p = model.predict(frame)
    for metric in (normalized_mse, "neg_mean_squared_error", mean_squared_error):
        found = make_task_scorer(metric)(model, frame, y, sample_weight=weight)
        each = per_task(metric, y, p, tasks, sample_weight=weight)
        sign = 1 if isinstance(metric, str) else -1
        assert found == pytest.approx(sign * each.average())
        assert found != pytest.approx(sign * per_task(metric, y, p, tasks).average())


def test_models_that_know_nothing_of_tasks(regression, classification):
    """Tell the scorer the column, and it compares them on the same scale."""
    X, y, tasks, frame = regression
    numbers = frame.assign(task=np.unique(tasks, return_inverse=True)[1])
    scorer = make_task_scorer(normalized_mse, task_column="task")
    ridge = Ridge().fit(numbers, y)
    expected = -normalized_mse(y, ridge.predict(numbers), tasks)
    assert scorer(ridge, numbers, y) == pytest.approx(expected)
    # tasks beside X go to the metric only
    other = Ridge().fit(X, y)
    found = make_task_scorer(normalized_mse)(other, X, y, tasks)
    assert found == pytest.approx(-normalized_mse(y, other.predict(X), tasks))
    pipe = make_pipeline(
        TaskScaler(task_column="task"), L21Regressor(task_column="task")
    )
    pipe.fit(frame, y)
    expected = -normalized_mse(y, pipe.predict(frame), tasks)
    assert scorer(pipe, frame, y) == pytest.approx(expected)
    X, y, tasks, _ = classification
    plain = RidgeClassifier().fit(X, y)
    auc = by_tasks(roc_auc_score, y == "yes", plain.decision_function(X), tasks)
    for metric in ("roc_auc", roc_auc):
        assert make_task_scorer(metric)(plain, X, y, tasks) == pytest.approx(auc)


def by_tasks(metric, y, p, tasks):
    return np.mean([metric(y[tasks == t], p[tasks == t]) for t in np.unique(tasks)])


def test_one_task_is_scikit_learns_scorer(regression):
    X, y, *_ = regression
    model = L21Regressor(0.05).fit(X, y)
    found = make_task_scorer("r2")(model, X, y)
    assert found == pytest.approx(get_scorer("r2")(model, X, y))


class Counting(L21Classifier):
    """Counts how often it is asked."""

    asked = 0

    def decision_function(self, X, tasks=None):
        type(self).asked += 1
        return super().decision_function(X, tasks)


@pytest.mark.parametrize("metric", ["roc_auc", roc_auc])
def test_a_model_is_asked_once_for_all_tasks(metric, classification):
    X, y, tasks, _ = classification
    model = Counting(0.01).fit(X, y, tasks)
    Counting.asked = 0
    make_task_scorer(metric)(model, X, y, tasks)
    assert Counting.asked == 1


def test_undefined_folds(classification):
    X, y, tasks, _ = classification
    model = L21Classifier(0.01).fit(X, y, tasks)
    rows = np.flatnonzero((tasks != "w") | (y == "yes"))
    data = (X[rows], y[rows], tasks[rows])
    table = make_task_scorer(roc_auc).per_task(model, *data)
    np.testing.assert_array_equal(np.isnan(table.values), [True, False, False, False])
    assert make_task_scorer(roc_auc)(model, *data) == pytest.approx(
        np.nanmean(table.values)
    )
    half = make_task_scorer(roc_auc, undefined=0.5)
    assert half(model, *data) == pytest.approx((np.nansum(table.values) + 0.5) / 4)
    for metric in (roc_auc, "roc_auc"):
        with pytest.raises(ValueError, match="not defined for the tasks 'w'"):
            make_task_scorer(metric, undefined="raise")(model, *data)
    only = np.flatnonzero(y == "yes")
    # the class that is left over is known from the model
    loss = make_task_scorer(log_loss)(model, X[only], y[only], tasks[only])
    p = model.predict_proba(X[only], tasks[only])[:, 1]
    assert loss == pytest.approx(
        by_tasks(lambda _, p: np.mean(np.log(p)), y[only], p, tasks[only])
    )
    named = make_task_scorer("neg_log_loss")(model, X[only], y[only], tasks[only])
    assert named == pytest.approx(loss)


def test_repr_of_a_scorer():
    assert repr(make_task_scorer(roc_auc)) == (
        "make_task_scorer(roc_auc, average='macro')"
    )
    assert repr(make_task_scorer("r2", average="worst")) == (
        "make_task_scorer(r2, average='worst')"
    )


WRONG_SCORERS = [
    (lambda: make_task_scorer(roc_auc, average="pooled"), "average is 'pooled'"),
    (lambda: make_task_scorer("r2", average="micro"), "average is 'micro'"),
    (lambda: make_task_scorer("r2", average=None), "average is None"),
    (lambda: make_task_scorer(roc_auc, undefined="zero"), "undefined is 'zero'"),
    (
        lambda: make_task_scorer("r2", response_method="predict"),
        "response_method was passed with the scorer 'r2'",
    ),
    (
        lambda: make_task_scorer(roc_auc_score, response_method="transform"),
        "response_method is 'transform'; pass one of",
    ),
    (
        lambda: make_task_scorer(normalized_mse, greater_is_better=True),
        "smaller values are better",
    ),
    (lambda: make_task_scorer("r2", force_finite=False), "'force_finite' was passed"),
    (lambda: make_task_scorer(None), "metric is None"),
]


@pytest.mark.parametrize(("call", "message"), WRONG_SCORERS)
def test_wrong_parameters_of_a_scorer(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_scorer_says_what_it_lacks(regression):
    X, y, tasks, frame = regression
    scorer = make_task_scorer(normalized_mse)
    model = L21Regressor(0.05).fit(X, y, tasks)
    with pytest.raises(ValueError, match="pass task_column= to make_task_scorer"):
        scorer(model, X, y)
    with pytest.raises(ValueError, match="does not know the tasks"):
        scorer(make_pipeline(L21Regressor(task_column="task")).fit(frame, y), frame, y)
    held = L21Regressor(0.05, task_column="task").fit(frame, y)
    with pytest.raises(ValueError, match="use one of the two"):
        scorer(held, frame, y, tasks)
    with pytest.raises(ValueError, match="L21Regressor has none of the methods"):
        make_task_scorer(roc_auc)(model, X, y, tasks)
    with pytest.raises(ValueError, match=r"tasks has 3 labels but .* has 100 rows"):
        scorer(model, X, y, tasks[:3])
    with pytest.raises(ValueError, match="is not a column"):
        make_task_scorer("r2", task_column="site")(held, frame, y)


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss"])
def test_a_regression_has_no_probabilities(scoring):
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(24, 2)), np.repeat([0, 1], 12)
    y = (X[:, 0] > 0).astype(float)
    model = L21RegressorCV(alphas=2, cv=2, scoring=scoring)
    with pytest.raises(ValueError, match="of which a regression has none"):
        model.fit(X, y, tasks)
    with pytest.raises(ValueError, match="of which a regression has none"):
        make_task_scorer(scoring)(L21Regressor().fit(X, y, tasks), X, y, tasks=tasks)
