"""Sources that a target can be learned with: the rule, and what it finds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import KFold

from helpers.transfer import around_a_centre
from linmtl import (
    IndependentRegressor,
    MeanRegularizedRegressor,
    PooledClassifier,
    PooledRegressor,
)
from linmtl.model_selection import TaskKFold
from linmtl.transfer import detect_sources


def problem(classify=False, seed=0, n=40):
    """Six tasks around a centre, of which 2 and 5 are turned round."""
    options = {"n_tasks": 6, "n_features": 8, "n_samples": n, "deviation": 0.1}
    return around_a_centre(classify, [2, 5], **options, random_state=seed)


MODELS = [
    (PooledRegressor(task_intercepts=True), False),
    (PooledClassifier(task_intercepts=True), True),
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("model", "classify"), MODELS)
@pytest.mark.slow
def test_planted_sources_are_found(model, classify, seed):
    X, y, tasks = problem(classify, seed, n=60 if classify else 40)
    found = detect_sources(model, X, y, tasks, target=0)
    assert found.sources.tolist() == [1, 3, 4]
    found = detect_sources(model, X, y, tasks, target=2)
    assert found.sources.tolist() == [5]
    assert found.target == 2


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("model", "classify"), MODELS)
def test_the_rule_by_hand(model, classify, weighted):
    """A loop over the folds of the target and the sources, and the threshold."""
    X, y, tasks = problem(classify)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(y))
    X, y, tasks = X[order], y[order], tasks[order]
    weight = rng.integers(1, 4, len(y)) if weighted else np.ones(len(y))
    model = clone(model).set_params(tol=1e-8)
    found = detect_sources(
        model, X, y, tasks, target=3, margin=1.5, cv=4, sample_weight=weight
    )
    own = np.flatnonzero(tasks == 3)
    folds = TaskKFold(4, shuffle=True, random_state=0, stratify=classify)

    def loss(train, test):
        fitted = clone(model).fit(X[train], y[train], tasks[train], weight[train])
        if classify:
            sign = np.where(y[test] == 1, 1, -1)
            each = np.logaddexp(
                0, -sign * fitted.decision_function(X[test], tasks[test])
            )
        else:
            each = (y[test] - fitted.predict(X[test], tasks[test])) ** 2
        return np.average(each, weights=weight[test])

    alone, losses = [], []
    for train, test in folds.split(X[own], y[own]):
        train, test = own[train], own[test]
        alone.append(loss(train, test))
        losses.append(
            [
                loss(np.concatenate([train, np.flatnonzero(tasks == k)]), test)
                for k in (0, 1, 2, 4, 5)
            ]
        )
    np.testing.assert_allclose(found.alone, alone, rtol=1e-4)
    np.testing.assert_allclose(found.losses, losses, rtol=1e-4)
    mean = np.mean(alone)
    threshold = mean + 1.5 * max(np.std(alone, ddof=1), 0.01 * mean)
    assert found.threshold == pytest.approx(threshold, rel=1e-4)
    kept = np.mean(losses, axis=0) <= threshold
    np.testing.assert_array_equal(found.kept, kept)
    assert found.sources.tolist() == np.array([0, 1, 2, 4, 5])[kept].tolist()
    assert "of 5 sources kept for task 3" in str(found)
    table = found.to_frame()
    assert table.index.tolist() == [0, 1, 2, 4, 5]
    np.testing.assert_allclose(table["change"], found.loss - found.alone.mean())


@pytest.mark.slow
def test_the_margin():
    """Large, everything is kept; and a source that changes nothing is always."""
    X, y, tasks = problem()
    model = PooledRegressor(task_intercepts=True)
    found = detect_sources(model, X, y, tasks, target=0, margin=1e6)
    assert found.sources.tolist() == [1, 2, 3, 4, 5]
    counts = [
        detect_sources(model, X, y, tasks, target=0, margin=m).sources.size
        for m in (0.0, 1.0, 5.0, 50.0, 1e6)
    ]
    assert counts == sorted(counts)
    found = detect_sources(IndependentRegressor(), X, y, tasks, target=0, margin=0.01)
    assert found.sources.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(found.losses, found.alone[:, None].repeat(5, axis=1))


@pytest.mark.slow
def test_the_unit_of_y_and_the_names_of_tasks_do_not_matter():
    X, y, tasks = problem()
    first = detect_sources(None, X, y, tasks, target=0)
    small = detect_sources(None, X, 1e-4 * y, tasks, target=0)
    np.testing.assert_allclose(small.losses, 1e-8 * first.losses, rtol=1e-3)
    assert small.sources.tolist() == first.sources.tolist() == [1, 3, 4]
    names = np.array(list("fedcba"))[tasks]
    second = detect_sources(None, X, y, names, target="f")
    assert second.sources.tolist() == ["b", "c", "e"]
    np.testing.assert_allclose(second.loss, first.loss[::-1], rtol=1e-4)


def test_layouts_and_splitters():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 4))
    w = rng.standard_normal(4)
    Y = X @ np.array([w, w, -w]).T + 0.3 * rng.standard_normal((50, 3))
    Y[rng.random(Y.shape) < 0.1] = np.nan
    wide = detect_sources(None, X, Y, target=0, cv=KFold(4))
    tasks = np.repeat([0, 1, 2], 50)
    long = detect_sources(
        None, np.tile(X, (3, 1)), Y.T.ravel(), tasks, target=0, cv=KFold(4)
    )
    np.testing.assert_allclose(wide.losses, long.losses, rtol=1e-6)
    assert wide.losses.shape == (4, 2)
    assert wide.sources.tolist() == [1]
    XT = np.column_stack([np.tile(X, (3, 1)), tasks])
    model = PooledRegressor(task_intercepts=True, task_column=4)
    column = detect_sources(model, XT, Y.T.ravel(), target=0, cv=KFold(4))
    np.testing.assert_allclose(column.losses, long.losses, rtol=1e-6)


def test_any_estimator_can_judge():
    X, y, tasks = problem()
    found = detect_sources(MeanRegularizedRegressor(1.0), X, y, tasks, target=0)
    assert set(found.sources) >= {1, 3, 4}
    again = detect_sources(MeanRegularizedRegressor(1.0), X, y, tasks, target=0)
    np.testing.assert_array_equal(found.losses, again.losses)


def test_sources_with_a_single_class_are_not_kept():
    X, y, tasks = problem(True)
    y = np.where(tasks == 1, 1, y)
    model = PooledClassifier(task_intercepts=True)
    found = detect_sources(model, X, y, tasks, target=0)
    assert np.isnan(found.loss[0])
    assert 1 not in found.sources
    with pytest.raises(ValueError, match="target 1 has a single class"):
        detect_sources(model, X, y, tasks, target=1)


def test_a_training_part_with_zero_counts_only_is_predicted_by_its_odds():
    rng = np.random.default_rng(0)
    X, tasks = rng.standard_normal((60, 2)), np.repeat([0, 1], 30)
    y = rng.poisson(2.0, 60) + 1
    y[:20] = 0  # one of three folds of the target trains on these
    model = PooledRegressor(loss="poisson", task_intercepts=True)
    found = detect_sources(model, X, y, tasks, target=0, cv=KFold(3))
    mean = 1.0 / 41.0  # as if half of one count in twenty rows had been there
    held_out = y[20:30]
    deviance = 2.0 * (mean - held_out + held_out * np.log(held_out / mean))
    assert found.alone[2] == pytest.approx(deviance.mean())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"target": 9}, ValueError, "target is 9, which is no task; the tasks are 0"),
        ({"target": "a"}, ValueError, "target is 'a', which is no task"),
        ({"target": None}, ValueError, "target has 1 missing label"),
        ({"margin": -1.0}, ValueError, "margin must be a finite number >= 0"),
        ({"margin": "C0"}, ValueError, "margin must be a finite number >= 0"),
        ({"cv": 1}, ValueError, "number of folds from 2 to 40"),
        ({"cv": 41}, ValueError, "number of folds from 2 to 40"),
        ({"cv": "three"}, ValueError, "cv must be a number of folds or a splitter"),
        ({"estimator": "lasso"}, TypeError, "estimator must be one of linmtl's"),
    ],
)
def test_wrong_arguments(options, error, message):
    X, y, tasks = problem()
    with pytest.raises(error, match=message):
        detect_sources(
            **{"estimator": None, "X": X, "y": y, "tasks": tasks, "target": 0} | options
        )


def test_one_task_has_no_sources():
    X, y, tasks = problem()
    with pytest.raises(ValueError, match="the data have one task"):
        detect_sources(None, X[:40], y[:40], tasks[:40], target=0)


@pytest.mark.slow
def test_labels_of_classes_need_a_classifier():
    X, y, tasks = problem(True)
    words = np.where(y == 1, "sick", "well")
    for estimator in (None, MeanRegularizedRegressor(1.0)):
        for labels in (words, words.tolist(), iter(words)):
            with pytest.raises(ValueError, match=r"labels of classes.* a classifier"):
                detect_sources(estimator, X, labels, tasks, target=0)
    model = PooledClassifier(task_intercepts=True)
    found = detect_sources(model, X, words, tasks, target=0)
    expected = detect_sources(model, X, 1 - y, tasks, target=0)
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-4)
    wide = pd.DataFrame({"p": words[:40], "q": words[40:80]})
    with pytest.raises(ValueError, match=r"labels of classes"):
        detect_sources(None, X[:40], wide, target="p")
    wide = (wide == "sick").astype(float)
    assert detect_sources(None, X[:40], wide, target="p").tasks.tolist() == ["q"]
