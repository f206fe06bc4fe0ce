"""A decision threshold for each task."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import logit, softmax
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    fbeta_score,
    matthews_corrcoef,
)

from linmtl import (
    DescriptorClassifier,
    L21Classifier,
    TaskThresholdClassifier,
    TraceNormClassifier,
)
from linmtl.estimators._cuts import (
    METRICS,
    best_cuts,
    best_threshold,
    score_of_classes,
)
from linmtl.model_selection import TaskKFold

FUNCTIONS = {
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "f1": f1_score,
    "matthews_corrcoef": matthews_corrcoef,
}


def rare(n=150, T=3, seed=0):
    """Tasks whose second class is ever rarer."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n * T, 4))
    tasks = np.repeat(np.arange(T), n)
    eta = X @ np.array([1.0, -1.0, 0.5, 0.0]) - 0.8 * tasks + rng.logistic(size=n * T)
    return X, np.where(eta > 0, "yes", "no"), tasks


def model(**options):
    return TaskThresholdClassifier(L21Classifier(0.005), **options)


def test_every_metric_has_its_function():
    assert FUNCTIONS.keys() == METRICS.keys()


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.slow
def test_the_best_threshold_beats_all_others(name, seed):
    rng = np.random.default_rng(seed)
    eta = np.round(rng.normal(size=40), 1)  # with ties
    positive = eta + rng.normal(size=40) > 0.5
    weight = rng.uniform(0.5, 2.0, 40)
    cut = best_threshold(eta, positive, weight, name, 0.3)
    function = FUNCTIONS[name]

    def score(threshold):
        return function(positive, eta > threshold, sample_weight=weight)

    candidates = np.linspace(-4, 4, 161)  # between all ties
    scores = np.array([score(c) for c in candidates])
    assert score(cut) == pytest.approx(scores.max(), abs=1e-12)
    same = best_threshold(eta, positive, weight, function, 0.3)
    assert cut == pytest.approx(same)


def test_a_threshold_that_is_best_already_stays():
    eta = np.array([-2.0, -1.0, 1.0, 3.0])
    positive = eta > 0
    for near in (-0.9, 0.0, 0.7):
        assert best_threshold(eta, positive, np.ones(4), "f1", near) == near
    assert best_threshold(eta, positive, np.ones(4), "f1", 2.0) == 0.0
    assert best_threshold(eta, eta > 2, np.ones(4), "accuracy", 0.0) == 2.0


def held_out(X, y, tasks, folds=5):
    """The log-odds of each row from a model that has not seen it."""
    eta = np.full(len(y), np.nan)
    cv = TaskKFold(folds, shuffle=True, random_state=0, stratify=True)
    for train, test in cv.split(X, y, tasks):
        part = L21Classifier(0.005).fit(X[train], y[train], tasks[train])
        eta[test] = part.decision_function(X[test], tasks[test])
    return eta


def test_thresholds_are_those_of_held_out_predictions():
    X, y, tasks = rare()
    own = model(shrinkage=0.0).fit(X, y, tasks)
    far = model(shrinkage=1e12).fit(X, y, tasks)
    some = model(shrinkage=30.0).fit(X, y, tasks)
    eta, ones = held_out(X, y, tasks), np.ones(len(y))
    common = best_threshold(eta, y == "yes", ones, "balanced_accuracy", 0.0)
    assert logit(own.threshold_) == pytest.approx(common)
    np.testing.assert_allclose(far.thresholds_, own.threshold_, rtol=1e-6)
    for t in range(3):
        r = tasks == t
        best = best_threshold(
            eta[r], y[r] == "yes", ones[r], "balanced_accuracy", common
        )
        assert logit(own.thresholds_[t]) == pytest.approx(best)
        shrunk = (150 * best + 30 * common) / 180
        assert logit(some.thresholds_[t]) == pytest.approx(shrunk)


def test_rare_classes_are_found():
    X, y, tasks = rare()
    X_test, y_test, tasks_test = rare(n=2000, seed=1)
    tuned = model().fit(X, y, tasks)
    plain = tuned.estimator_
    scores = [
        balanced_accuracy_score(y_test[r], m.predict(X_test[r], tasks_test[r]))
        for m in (plain, tuned)
        for r in [tasks_test == 2]
    ]
    assert scores[1] > scores[0] + 0.03


def test_predictions_follow_the_thresholds():
    X, y, tasks = rare()
    tuned = model().fit(X, y, tasks)
    p = tuned.predict_proba(X, tasks)[:, 1]
    np.testing.assert_array_equal(
        tuned.predict(X, tasks) == "yes", p > tuned.thresholds_[tasks]
    )
    np.testing.assert_array_equal(
        tuned.decision_function(X, tasks) > 0, tuned.predict(X, tasks) == "yes"
    )
    np.testing.assert_array_equal(p, tuned.estimator_.predict_proba(X, tasks)[:, 1])
    accuracy = np.mean(tuned.predict(X, tasks) == y)
    assert tuned.score(X, y, tasks) == pytest.approx(accuracy)


def test_every_task_has_its_threshold_in_predict_all():
    X, y, tasks = rare()
    fitted = model().fit(X, y, tasks)
    every = fitted.predict_all(X)
    assert every.shape == (len(X), 3)
    own = every[np.arange(len(X)), tasks]
    np.testing.assert_array_equal(own, fitted.predict(X, tasks))
    # thresholds differ by more than the models do
    assert np.any(every != fitted.estimator_.predict_all(X))
    Y = np.where(rare(50)[1].reshape(3, 50).T == "yes", 1, 0)
    wide = model().fit(X[:50], Y)
    np.testing.assert_array_equal(wide.predict_all(X), wide.predict(X))


def test_small_tasks_and_unknown_ones_have_the_common_threshold():
    X, y, tasks = rare()
    few = np.flatnonzero(tasks == 2)
    yes = few[y[few] == "yes"]
    kept = np.setdiff1d(np.arange(len(y)), yes[2:])  # two are left
    tuned = model(min_class_size=3).fit(X[kept], y[kept], tasks[kept])
    assert tuned.thresholds_[2] == tuned.threshold_ != tuned.thresholds_[0]
    single = np.setdiff1d(np.arange(len(y)), yes)
    with pytest.warns(UserWarning, match="single class"):
        tuned = model().fit(X[single], y[single], tasks[single])
    assert tuned.thresholds_[2] == tuned.threshold_
    with pytest.raises(ValueError, match="has the labels 9"):
        tuned.predict(X[:2], [9, 0])
    base = L21Classifier(0.005, handle_unknown="mean")
    tuned = TaskThresholdClassifier(base).fit(X, y, tasks)
    eta = tuned.estimator_.decision_function(X[:9], np.full(9, 9))
    np.testing.assert_allclose(
        tuned.decision_function(X[:9], np.full(9, 9)), eta - logit(tuned.threshold_)
    )


@pytest.mark.slow
def test_layouts():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(90, 4))
    Y = np.where(X @ rng.normal(size=(4, 3)) + rng.logistic(size=(90, 3)) > 0.8, 1.0, 0)
    Y[::6, 1] = np.nan
    fold = np.arange(90) % 3
    folds = [(np.flatnonzero(fold != k), fold == k) for k in range(3)]
    base = L21Classifier(0.01, tol=1e-10)
    wide = TaskThresholdClassifier(base, cv=folds).fit(X, Y)
    assert wide.predict(X).shape == wide.decision_function(X).shape == (90, 3)
    assert 0.5 < wide.score(X, Y) <= 1
    long_X, y, tasks = np.tile(X, (3, 1)), Y.T.ravel(), np.repeat([0, 1, 2], 90)
    triple = np.tile(fold, 3)
    folds = [(triple != k, np.flatnonzero(triple == k)) for k in range(3)]
    long = TaskThresholdClassifier(base, cv=folds).fit(long_X, y, tasks)
    np.testing.assert_allclose(wide.thresholds_, long.thresholds_, atol=1e-6)
    np.testing.assert_array_equal(
        wide.predict(X).T.ravel(), long.predict(long_X, tasks)
    )
    column = clone(base).set_params(task_column="task")
    table = pd.DataFrame(long_X, columns=list("abcd")).assign(task=tasks)
    inside = TaskThresholdClassifier(column, cv=folds).fit(table, y)
    np.testing.assert_allclose(inside.thresholds_, long.thresholds_, atol=1e-6)
    np.testing.assert_array_equal(inside.predict(table), long.predict(long_X, tasks))
    assert inside.feature_names_in_.tolist() == [*"abcd", "task"]
    thin = TaskThresholdClassifier(base, cv=folds)
    thin.fit(sparse.csc_array(long_X), y, iter(tasks.tolist()))
    np.testing.assert_allclose(thin.thresholds_, long.thresholds_, atol=1e-5)
    one = TaskThresholdClassifier(base, shrinkage=0).fit(X, Y[:, 0].astype(int))
    assert one.thresholds_.shape == (1,)
    # there is one best threshold, and a second search near it stays
    assert one.thresholds_[0] == pytest.approx(one.threshold_)
    default = TaskThresholdClassifier(base).fit(X, pd.DataFrame(Y, columns=list("xyz")))
    assert default.tasks_.tolist() == list("xyz")


def test_rows_without_a_weight_are_not_there():
    X, y, tasks = rare(n=60)
    weight = np.random.default_rng(3).uniform(0.5, 2.0, len(y))
    weight[::5] = 0.0
    tuned = model().fit(X, y, tasks, weight)
    kept = weight > 0
    other = model().fit(X[kept], y[kept], tasks[kept], weight[kept])
    np.testing.assert_allclose(tuned.thresholds_, other.thresholds_, rtol=1e-9)


@pytest.mark.slow
def test_a_metric_of_ones_own_and_other_splitters():
    X, y, tasks = rare(n=80)

    def f2(y_true, y_pred, sample_weight):
        return fbeta_score(y_true, y_pred, beta=2, sample_weight=sample_weight)

    generous = model(scoring=f2).fit(X, y, tasks)
    strict = model(scoring="accuracy", cv=TaskKFold(3)).fit(X, y, tasks)
    assert generous.threshold_ < strict.threshold_
    trace = TaskThresholdClassifier(TraceNormClassifier(0.01), cv=3).fit(X, y, tasks)
    assert np.all((trace.thresholds_ > 0) & (trace.thresholds_ < 1))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"estimator": LogisticRegression()}, "classifier of this package"),
        ({"estimator": L21Classifier}, "classifier of this package"),
        ({"scoring": "roc_auc"}, "scoring must be one of accuracy, balanced"),
        ({"scoring": None}, "scoring must be one of"),
        ({"scoring": lambda *_, **__: np.nan}, "scoring returned NaN"),
        ({"cv": 1}, "at least 2 folds"),
        ({"cv": "five"}, "a number of folds, a splitter or"),
        ({"cv": None}, "a number of folds, a splitter or"),
        ({"cv": True}, "a number of folds, a splitter or"),
        ({"shrinkage": -1.0}, "shrinkage must be a finite number >= 0"),
        ({"shrinkage": np.inf}, "shrinkage must be a finite number >= 0"),
        ({"shrinkage": "20"}, "shrinkage must be a finite number"),
        ({"min_class_size": 0}, "min_class_size must be an integer >= 1"),
        ({"min_class_size": 2.5}, "min_class_size must be an integer >= 1"),
    ],
)
def test_wrong_parameters(parameters, message):
    X, y, tasks = rare(n=30)
    with pytest.raises(ValueError, match=message):
        TaskThresholdClassifier(**parameters).fit(X, y, tasks)


def test_held_out_labels_of_one_class():
    X, y, tasks = rare(n=30)
    test = np.flatnonzero(y == "no")[:9]
    train = np.setdiff1d(np.arange(len(y)), test)
    with pytest.raises(ValueError, match="held-out labels have a single class"):
        model(cv=[(train, test)]).fit(X, y, tasks)


def test_a_task_known_by_its_descriptor_has_the_common_threshold():
    X, y, tasks = rare()
    inside = DescriptorClassifier({t: [1.0, t] for t in range(4)})
    fitted = TaskThresholdClassifier(inside).fit(X, y, tasks)
    p = fitted.predict_proba(X, [3] * len(X))[:, 1]
    expected = np.where(p > fitted.threshold_, *fitted.classes_[::-1])
    np.testing.assert_array_equal(fitted.predict(X, [3] * len(X)), expected)
    with pytest.raises(ValueError, match="has not seen in fit"):
        fitted.predict(X, [4] * len(X))


# --- more than two classes


def graded(n=60, T=2, seed=0):
    """Tasks of three classes, the last of which is ever rarer."""
    rng = np.random.default_rng(seed)
    X, tasks = rng.normal(size=(n * T, 3)), np.repeat(np.arange(T), n)
    eta = X @ rng.normal(size=(3, 3)) + rng.gumbel(size=(n * T, 3)) - [0.0, 0.5, 1.0]
    return X, np.array(["a", "b", "c"])[eta.argmax(axis=1)], tasks


@pytest.mark.parametrize("name", METRICS)
def test_scores_of_classes_are_those_of_scikit_learn(name):
    rng = np.random.default_rng(0)
    label, said = rng.integers(0, 3, 40), rng.integers(0, 4, 40)
    weight = rng.uniform(1, 2, 40)
    table = np.zeros((4, 4))
    np.add.at(table, (label, said), weight)
    more = {"average": "macro"} if name == "f1" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a class without labels
        expected = FUNCTIONS[name](label, said, sample_weight=weight, **more)
    assert score_of_classes(table, name) == pytest.approx(expected)


@pytest.mark.parametrize("name", METRICS)
def test_no_cut_alone_could_be_better(name):
    rng = np.random.default_rng(1)
    eta, label = np.round(rng.normal(size=(30, 3)), 1), rng.integers(0, 3, 30)
    weight = rng.uniform(1, 2, 30)

    def score(cuts):
        table = np.zeros((3, 3))
        np.add.at(table, (label, np.argmax(eta - cuts, axis=1)), weight)
        return score_of_classes(table, name)

    cuts = best_cuts(eta, label, weight, name, np.zeros(3), np.ones(3, dtype=bool))
    assert cuts.mean() == pytest.approx(0.0, abs=1e-12)
    best = score(cuts)
    assert best > score(np.zeros(3))
    for k in range(3):
        for move in np.linspace(-4, 4, 81):
            assert score(cuts + move * (np.arange(3) == k)) <= best + 1e-9
    fixed = best_cuts(eta, label, weight, name, cuts, np.zeros(3, dtype=bool))
    np.testing.assert_array_equal(fixed, cuts)


@pytest.mark.slow
def test_cuts_of_classes_are_those_of_held_out_predictions():
    X, y, tasks = graded()
    folds = list(TaskKFold(3, shuffle=True, random_state=0).split(X, y, tasks))
    model = TaskThresholdClassifier(L21Classifier(0.02), cv=folds, shrinkage=10.0)
    model.fit(X, y, tasks)
    eta = np.empty((len(y), 3))
    for train, test in folds:
        part = L21Classifier(0.02).fit(X[train], y[train], tasks[train])
        eta[test] = part.decision_function(X[test], tasks[test])
    code, name = np.unique(y, return_inverse=True)[1], "balanced_accuracy"
    free, one = np.ones(3, dtype=bool), np.ones(len(y))
    common = best_cuts(eta, code, one, name, np.zeros(3), free)
    np.testing.assert_allclose(model.threshold_, softmax(common))
    for t in range(2):
        mine = tasks == t
        enough = np.bincount(code[mine], minlength=3) >= 3
        own = best_cuts(eta[mine], code[mine], one[mine], name, common, enough)
        cuts = (60 * own + 10 * common) / 70
        np.testing.assert_allclose(model.thresholds_[t], softmax(cuts))
    p = model.predict_proba(X, tasks)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    relative = p / model.thresholds_[tasks]
    found = model.predict(X, tasks)
    np.testing.assert_array_equal(found, model.classes_[relative.argmax(axis=1)])
    every = model.predict_all(X)
    np.testing.assert_array_equal(every[np.arange(len(y)), tasks], found)


@pytest.mark.slow
def test_cuts_of_classes_in_every_layout():
    X, y, _ = graded(T=1)
    Y = np.column_stack([y, np.where(y == "c", "b", y)])
    half = np.arange(60) % 3 == 0
    folds = [(np.flatnonzero(~half), np.flatnonzero(half))]
    wide = TaskThresholdClassifier(L21Classifier(0.02), cv=folds).fit(X, Y)
    rows = np.vstack([X, X]), Y.T.ravel(), np.repeat([0, 1], 60)
    parts = [tuple(np.concatenate([p, p + 60]) for p in folds[0])]
    inner = L21Classifier(0.02, handle_unknown="mean")
    long = TaskThresholdClassifier(inner, cv=parts).fit(*rows)
    np.testing.assert_allclose(wide.thresholds_, long.thresholds_, atol=1e-6)
    np.testing.assert_array_equal(
        wide.predict(X).T.ravel(), long.predict(rows[0], rows[2])
    )
    far = long.decision_function(X, [9] * 60)
    mean = long.estimator_.decision_function(X, [9] * 60)
    shift = np.log(long.threshold_)
    found = far - mean + shift
    np.testing.assert_allclose(found - found[:, :1], 0.0, atol=1e-9)
    one = TaskThresholdClassifier(L21Classifier(0.02), cv=3).fit(X, y)
    assert one.thresholds_.shape == (1, 3)
    assert one.predict(X).shape == (60,)


@pytest.mark.slow
def test_a_metric_of_classes_of_ones_own():
    X, y, tasks = graded()

    def rare(true, said, sample_weight):
        return np.average((said == 2) == (true == 2), weights=sample_weight)

    model = TaskThresholdClassifier(L21Classifier(0.02), cv=2, scoring=rare)
    assert model.fit(X, y, tasks).thresholds_.shape == (2, 3)
    model.set_params(scoring=lambda *a, **k: np.nan)
    with pytest.raises(ValueError, match="scoring returned NaN or infinity"):
        model.fit(X, y, tasks)
