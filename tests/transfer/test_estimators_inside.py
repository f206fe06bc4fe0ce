"""Estimators of transfer around others: whose folds and whose order of tasks."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.transfer import make_data, random_W
from linmtl import (
    AutoRegressor,
    L21RegressorCV,
    MixedEffectsRegressor,
    PooledRegressor,
    TemporalGroupRegressor,
)
from linmtl.model_selection import TaskKFold
from linmtl.transfer import (
    GroupedMultiTaskRegressor,
    SafeTransferRegressor,
    detect_sources,
    negative_transfer_report,
    transfer_gain,
)

AROUND = [
    transfer_gain,
    negative_transfer_report,
    lambda model, *data: detect_sources(model, *data, target="t0"),
    lambda model, *data: SafeTransferRegressor(model).fit(*data),
    lambda model, *data: GroupedMultiTaskRegressor(model).fit(*data),
]


@pytest.mark.parametrize(
    "call", [*AROUND, lambda model, *data: AutoRegressor([model]).fit(*data)]
)
def test_a_pipeline_is_refused_in_one_line(call):
    """Which says what to pass; its steps would fill many."""
    pipeline = make_pipeline(StandardScaler(), PooledRegressor())
    with pytest.raises(
        TypeError, match="its last step alone, PooledRegressor"
    ) as error:
        call(pipeline, *make_data(random_W(3), 20))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("call", AROUND)
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


@pytest.mark.parametrize(
    "make",
    [
        lambda m: SafeTransferRegressor(m, cv=2).fit,
        lambda m: SafeTransferRegressor(PooledRegressor(), m, cv=2).fit,
        lambda m: GroupedMultiTaskRegressor(m).fit,
        lambda m: partial(negative_transfer_report, m, cv=3, n_repeats=1),
        lambda m: partial(transfer_gain, m, cv=2),
        lambda m: partial(detect_sources, m, target=0),
        lambda m: AutoRegressor([m, PooledRegressor()], cv=2).fit,
    ],
)
@pytest.mark.filterwarnings("ignore:MixedEffectsRegressor")
@pytest.mark.slow
def test_features_have_their_names_inside(make):
    """In parameters, and in what is said about them."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 2)), columns=["height", "age"])
    table["height"] += 1e3
    tasks = np.repeat(np.arange(3), 20)
    y = table["age"] + rng.normal(size=60)
    fit = make(MixedEffectsRegressor(random_features=["age"]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(table, y, tasks)
        make(MixedEffectsRegressor())(table, y, tasks)
    told = [str(w.message) for w in caught if "far from zero" in str(w.message)]
    assert all("within tasks, height:" in each for each in told)


def test_a_parameter_makes_another_loss():
    X, y, tasks = make_data(random_W(3), 20)
    low, high = (
        PooledRegressor(loss="quantile", quantile_level=level) for level in (0.2, 0.8)
    )
    with pytest.raises(ValueError, match=r"quantile_level=0\.2.* and baseline loss="):
        SafeTransferRegressor(low, high).fit(X, y, tasks)
    with pytest.raises(ValueError, match=r"pooled has .*0\.8.* and estimator .*0\.2"):
        negative_transfer_report(low, X, y, tasks, baseline=low, pooled=high)
