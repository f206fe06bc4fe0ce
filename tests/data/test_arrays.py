"""Parameters that are numbers: what is none is refused, and labels are heeded."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from helpers.loops import looped
from linmtl import (
    GraphRegularizedRegressor,
    GroupL21Regressor,
    IndependentRegressor,
    L21Regressor,
    L21RegressorCV,
    MultiTaskRegressor,
    TaskQuadraticRegressor,
)
from linmtl.data._arrays import as_numbers
from linmtl.penalties import L1, Ridge

NAMES, TASKS = list("abcd"), list("pqr")
rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(36, 4)), columns=NAMES)
tasks = np.repeat(TASKS, 12)
y = X.to_numpy() @ [1.0, -1.0, 0.5, 0.0] + rng.normal(size=36)

NO_NUMBERS = {
    "spans": np.array([1, 2, 3], dtype="m8[D]"),
    "a list of spans": [timedelta(1), timedelta(2), timedelta(3)],
    "dates": np.array(["2024-01-01"] * 3, dtype="M8[D]"),
    "complex": np.array([1, 2, 3j]),
    "text": ["1", "2", "3"],
}
MODELS = {
    "task_weight": lambda v: L21Regressor(0.1, task_weight=v),
    "feature_weight": lambda v: L21Regressor(0.1, feature_weight=np.resize(v, 4)),
    "alphas": lambda v: L21RegressorCV(alphas=v),
    "alpha": lambda v: IndependentRegressor(v),
    "group_weight": lambda v: GroupL21Regressor(["x", "y", "z", "z"], group_weight=v),
    "K": lambda v: TaskQuadraticRegressor(np.resize(v, (3, 3))),
    "graph": lambda v: GraphRegularizedRegressor(np.resize(v, (3, 3))),
}


@looped("kind", NO_NUMBERS)
@pytest.mark.parametrize("name", MODELS)
def test_what_is_no_number_is_refused(name, kind):
    with pytest.raises(ValueError, match=f"{name}.*(holds|number)"):
        MODELS[name](NO_NUMBERS[kind]).fit(X, y, tasks)


def test_numbers_below_a_mask_are_missing():
    found = as_numbers(np.ma.array([1, 2], mask=[True, False]), "it")
    assert np.array_equal(found, [np.nan, 2], equal_nan=True)


def test_a_start_in_another_order_is_refused():
    start = pd.DataFrame(0.0, index=TASKS, columns=NAMES)
    model = L21Regressor(0.1).fit(X, y, tasks, coef_init=start)
    for other in (start[NAMES[::-1]], start[::-1], start.rename(index={"p": "z"})):
        with pytest.raises(ValueError, match=r"coef_init has the labels .* order"):
            model.fit(X, y, tasks, coef_init=other)


WEIGHT = pd.Series([1.0, 2.0, 3.0, 4.0], index=NAMES)
GROUPS = pd.Series([0, 0, 1, 1], index=NAMES)


@looped(
    "model",
    [
        L21Regressor(0.1, feature_weight=WEIGHT[::-1]),
        GroupL21Regressor(GROUPS[["a", "c", "b", "d"]]),
        L21RegressorCV(alphas=2, feature_weight=WEIGHT[::-1]),
    ],
)
def test_features_in_another_order_are_refused(model):
    with pytest.raises(ValueError, match=r"(feature_weight|groups) has the labels"):
        model.fit(X, y, tasks)


def test_positions_in_their_order_are_no_other_order():
    by_name = L21Regressor(0.1, feature_weight=WEIGHT).fit(X, y, tasks).coef_
    for index in (range(4), [2, 3, 5, 9]):  # the latter as after a selection
        weight = WEIGHT.set_axis(index)
        plain = L21Regressor(0.1, feature_weight=weight).fit(X, y, tasks)
        assert np.array_equal(plain.coef_, by_name)
    with pytest.raises(ValueError, match="labels 3, 2, 1, 0"):
        L21Regressor(feature_weight=WEIGHT.set_axis(range(4))[::-1]).fit(X, y, tasks)


def test_a_series_by_task_or_group_is_read_by_label():
    strength = {"r": 10.0, "q": 1.0, "p": 0.1}
    one, other = (
        Ridge(v).quadratic(np.array(TASKS)) for v in (strength, pd.Series(strength))
    )
    W = np.ones((2, 3))
    assert one.value(W) == other.value(W)
    weight = {"y": 3.0, "x": 1.0}
    models = [
        GroupL21Regressor(list("xxyy"), alpha=0.5, group_weight=v)
        for v in (weight, pd.Series(weight))
    ]
    first, second = (model.fit(X, y, tasks).coef_ for model in models)
    assert np.array_equal(first, second)


def test_penalties_that_are_passed_are_checked_too():
    penalty = L1(0.1, feature_weight=WEIGHT[::-1]) + Ridge(0.1)
    with pytest.raises(ValueError, match="feature_weight has the labels"):
        MultiTaskRegressor(penalty).fit(X, y, tasks)
