"""Estimators of transfer around others: whose folds and whose order of tasks."""

import pytest

from helpers.transfer import make_data, random_W
from linmtl import L21RegressorCV, TemporalGroupRegressor
from linmtl.model_selection import TaskKFold
from linmtl.transfer import (
    GroupedMultiTaskRegressor,
    SafeTransferRegressor,
    detect_sources,
    negative_transfer_report,
    transfer_gain,
)


@pytest.mark.parametrize(
    "call",
    [
        transfer_gain,
        negative_transfer_report,
        lambda model, *data: detect_sources(model, *data, target="t0"),
        lambda model, *data: SafeTransferRegressor(model).fit(*data),
        lambda model, *data: GroupedMultiTaskRegressor(model).fit(*data),
    ],
)
def test_folds_by_row_number_are_refused_inside(call):
    """They count the rows as passed, and inner fits have others."""
    X, y, tasks = make_data(random_W(3), 20)
    folds = list(TaskKFold(2).split(X, y, tasks))
    model = L21RegressorCV(alphas=3, cv=folds)
    model.fit(X, y, tasks)
    with pytest.raises(ValueError, match="L21RegressorCV lists row numbers"):
        call(model, X, y, tasks)


@pytest.mark.parametrize("kind", [SafeTransferRegressor, GroupedMultiTaskRegressor])
@pytest.mark.slow
def test_the_order_of_tasks_is_set_outside(kind):
    X, y, tasks = make_data(random_W(3), 20)
    inside = TemporalGroupRegressor(task_order=["t2", "t0", "t1"])
    with pytest.raises(ValueError, match="set task_order here, and it is passed on"):
        kind(inside).fit(X, y, tasks)
    kind(inside, task_order=["t2", "t0", "t1"]).fit(X, y, tasks)
