"""Targets that a loss is not for: one clear line each."""

from __future__ import annotations

import numpy as np
import pytest

from linmtl import (
    L21Classifier,
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
    MixedEffectsClassifier,
    MixedTaskEstimator,
    MultiTaskClassifier,
    OrdinalClassifier,
    TaskThresholdClassifier,
)
from linmtl.path import mtl_path
from linmtl.penalties import L21


def rows(n=30):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3)), np.arange(n) % 3


def refused(call, what):
    with pytest.raises(ValueError, match=what) as error:
        call()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("loss", ["poisson", "tweedie", "gamma"])
def test_negative_counts_and_amounts(loss):
    X, tasks = rows()
    y = np.ones(30)
    y[4] = -2.0
    what = r"y has 1 (negative values|values <= 0), the first -2\.0; the \w+ loss is"
    for model in (
        L21Regressor(loss=loss),
        L21RegressorCV(loss=loss),
        MixedTaskEstimator(loss=loss),
    ):
        refused(lambda model=model: model.fit(X, y, tasks), what)
    refused(lambda: mtl_path(X, y, tasks, penalty=L21(), loss=loss), what)


@pytest.mark.parametrize(
    "model",
    [
        L21Classifier(),
        L21ClassifierCV(),
        MultiTaskClassifier(),
        MixedEffectsClassifier(),
        OrdinalClassifier(),
        TaskThresholdClassifier(),
        MixedTaskEstimator(loss="logistic"),
    ],
)
def test_fractions_are_no_classes(model):
    X, tasks = rows()
    y = np.where(tasks == 0, np.arange(30) % 2, 0.25)
    what = r"Unknown label type: y holds fractions, such as 0\.25, .*; use a regressor"
    refused(lambda: model.fit(X, y, tasks), what)
    refused(lambda: model.fit(X, np.column_stack([y, y])), what)


@pytest.mark.slow
def test_a_class_of_one_row_is_learned_and_held_out_never():
    X, tasks = rows()
    y = np.zeros(30, dtype=int)
    y[[0, 1, 2, 3, 4]] = 1  # of task 2 a single row
    assert L21Classifier(0.01).fit(X, y, tasks).predict(X, tasks).shape == (30,)
    search = L21ClassifierCV(alphas=[0.1, 0.01], cv=3).fit(X, y, tasks)
    assert np.isfinite(search.scores_path_).all()
    several = np.where(np.arange(30) == 7, 2, y)
    assert MultiTaskClassifier(L21(0.01)).fit(X, several, tasks).classes_.size == 3
    ordered = OrdinalClassifier(L21(0.01)).fit(X, several, tasks)
    assert np.isfinite(ordered.thresholds_).all()  # not shown, but by other tasks
    y = (np.arange(30) == 2).astype(int)
    model = TaskThresholdClassifier(L21Classifier(0.01))
    with pytest.warns(UserWarning, match="single class"):
        refused(lambda: model.fit(X, y, tasks), "held-out labels have a single class")
