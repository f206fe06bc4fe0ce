"""The report on transfer: what it says of itself and of its tasks."""

import numpy as np
import pytest

from linmtl import L21Classifier, L21Regressor, PooledRegressor
from linmtl.data import MultiTaskData
from linmtl.datasets import make_multitask_classification, make_multitask_regression
from linmtl.designs._shared import SharedDesign
from linmtl.transfer import detect_sources, negative_transfer_report


def two_classes():
    X, y, tasks = make_multitask_classification(
        n_tasks=4, n_samples=20, n_features=5, random_state=0
    )
    return X, (y == y.max()).astype(int), tasks


def test_results_introduce_themselves_in_one_line():
    data = make_multitask_regression(n_tasks=4, n_samples=20, random_state=0)
    report = negative_transfer_report(L21Regressor(), *data, cv=2)
    found = detect_sources(PooledRegressor(), *data, target=data[2][0])
    held = MultiTaskData(SharedDesign(np.eye(2), 3), np.zeros(6), np.ones(6))
    for result in (report, report.alone, found, held):
        assert repr(result).startswith(f"<{type(result).__name__}: ")
        assert len(repr(result)) < 100
        assert result == result  # no element-wise comparison of arrays
    assert "L21Regressor on 4 tasks, 0 helped" in repr(report)


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_a_task_of_one_class_has_its_rows(layout):
    X, y, tasks = two_classes()
    if layout == "wide":
        X, tasks = X[:20], None
        y = y.reshape(4, 20).T.astype(float)
        y[:, 1], y[:3, 1] = 1.0, np.nan
        expected = [20, 17, 20, 20]
    else:
        y[tasks == np.unique(tasks)[1]] = 1
        expected = [20, 20, 20, 20]
    report = negative_transfer_report(L21Classifier(), X, y, tasks, cv=2)
    assert report.n_samples.tolist() == expected


@pytest.mark.slow
def test_savings_of_what_is_no_better_than_no_features_are_not_celebrated():
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(8), 20)
    X, y = rng.normal(size=(160, 3)), rng.normal(size=160)
    null = negative_transfer_report(L21Regressor(1e6), X, y, tasks, cv=3)
    np.testing.assert_allclose(null.losses["model"], null.losses["levels"])
    assert "In the median task L21Regressor and learning alone do no" in null.summary
    assert "loss_levels" in null.to_frame()
    shared = X @ [1.0, 2.0, 0.0] + 0.1 * y
    good = negative_transfer_report(PooledRegressor(), X, shared, tasks, cv=3)
    assert "median task" not in good.summary
    good = negative_transfer_report(
        PooledRegressor(), X, shared, tasks, cv=3, baseline=L21Regressor(1e6)
    )
    assert "learning alone does no better than its level" in good.summary


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_levels_are_the_means_of_the_training_rows(fit_intercept):
    X, y, tasks = make_multitask_regression(n_tasks=3, n_samples=10, random_state=0)
    y = y + 5.0
    train = np.arange(30) % 2 == 0
    report = negative_transfer_report(
        L21Regressor(fit_intercept=fit_intercept),
        X,
        y,
        tasks,
        cv=[(np.flatnonzero(train), np.flatnonzero(~train))] * 2,
    )
    for t, label in enumerate(report.tasks):
        own = tasks == label
        mean = y[own & train].mean() if fit_intercept else 0.0
        expected = np.mean((y[own & ~train] - mean) ** 2)
        assert report.losses["levels"][0, t] == pytest.approx(expected)
