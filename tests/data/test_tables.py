"""What stands for a missing value in tables and arrays of other libraries."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import r2_score

from linmtl import L21Classifier, L21Regressor, TaskScaler, stack_tasks, unstack_tasks
from linmtl.data._tables import missing_as_nan
from linmtl.metrics import per_task
from linmtl.preprocessing import TargetScaler

N = 24
TASKS = np.repeat([0, 1, 2], N // 3)
X = np.random.default_rng(0).normal(size=(N, 3))
Y = X[:, 0] + np.arange(N) % 3
GONE = np.arange(N) % 7 == 0
MASKED = np.ma.array(np.where(GONE, -999.0, Y), mask=GONE)


def test_masked_labels_are_missing():
    expected = L21Regressor(0.1).fit(X, np.where(GONE, np.nan, Y), TASKS).coef_
    assert_array_equal(L21Regressor(0.1).fit(X, MASKED, TASKS).coef_, expected)
    Xs, ys = unstack_tasks(X, MASKED, TASKS)
    stacked = stack_tasks(Xs, ys)
    assert_array_equal(L21Regressor(0.1).fit(*stacked).coef_, expected)
    masked = [MASKED[t == TASKS] for t in range(3)]
    assert_array_equal(np.isnan(stack_tasks(list(Xs.values()), masked)[1]), GONE)
    wide = L21Regressor(0.1).fit(X, np.ma.stack([MASKED, MASKED[::-1]], axis=1))
    assert np.abs(wide.coef_).max() < 10
    classes = np.ma.array(np.where(GONE, 7, X[:, 0] > 0), mask=GONE)
    assert L21Classifier().fit(X, classes, TASKS).classes_.tolist() == [0, 1]
    scaled = TargetScaler().fit_transform(MASKED)
    assert_array_equal(np.isnan(np.ravel(scaled)), GONE)
    # of integers without a masked one the type stays
    assert missing_as_nan(np.ma.array([1, 2])).dtype.kind == "i"


def test_masked_labels_in_metrics():
    expected = per_task(r2_score, np.where(GONE, np.nan, Y), Y + X[:, 1], tasks=TASKS)
    found = per_task(r2_score, MASKED, Y + X[:, 1], tasks=TASKS)
    assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize(
    "table",
    [
        np.ma.array(X, mask=[[i == 3, False, False] for i in range(N)]),
        pd.DataFrame(np.where(np.arange(N)[:, None] == 3, pd.NA, X.astype(object))),
        np.where(np.arange(N)[:, None] == 3, pd.NA, X.astype(object)),
        np.where(np.arange(N)[:, None] == 3, pd.NaT, X.astype(object)),
    ],
    ids=["masked", "DataFrame", "NA", "NaT"],
)
def test_missing_features_are_said(table):
    with pytest.raises(ValueError, match="contains NaN: feature 0 in some rows"):
        L21Regressor(0.1).fit(table, Y, TASKS)
    model = L21Regressor(0.1).fit(X, Y, TASKS)
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict(table, TASKS)
    assert np.isnan(TaskScaler().fit_transform(table, tasks=TASKS)[3, 0])


def test_masked_weights_are_refused():
    for name in ("sample_weight", "offset"):
        with pytest.raises(ValueError, match=f"{name} contains NaN"):
            L21Regressor().fit(X, Y, TASKS, **{name: MASKED})
        times = np.array([np.datetime64("2024-01-31")] * N, dtype=object)
        with pytest.raises(ValueError, match=f"{name} holds dates"):
            L21Regressor().fit(X, Y, TASKS, **{name: times})


@pytest.mark.parametrize("value", [pd.Interval(0, 1), 1 + 2j, object])
def test_objects_are_named(value):
    y, table = Y.astype(object), X.astype(object)
    y[3] = table[3, 1] = value
    with pytest.raises(ValueError, match="y holds objects, such as"):
        L21Regressor().fit(X, y, TASKS)
    with pytest.raises(TypeError, match="in column 1 of X; encode the column"):
        L21Regressor().fit(table, Y, TASKS)


def test_categories_are_named_with_their_column():
    """pandas has a message of its own for them, without either."""
    X = pd.DataFrame({"age": [1.0, 2.0], "sex": pd.Categorical(["f", "m"])})
    with pytest.raises(ValueError, match="'f' in column 'sex' of X; encode the column"):
        L21Regressor().fit(X, [0.0, 1.0], ["a", "b"])
