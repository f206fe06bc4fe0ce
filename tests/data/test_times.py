"""Dates and spans of time are refused in X and y; NaT among numbers is missing."""

import datetime

import numpy as np
import pandas as pd
import pytest

from linmtl import (
    DescriptorRegressor,
    IncompleteSourcesRegressor,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    TaskScaler,
    TaskThresholdClassifier,
)
from linmtl.metrics import per_task
from linmtl.model_selection import TaskKFold
from linmtl.path import mtl_path
from linmtl.penalties import L21
from linmtl.preprocessing import TargetScaler
from linmtl.similarity import chow_test, coral_distance
from linmtl.unsupervised import MultiTaskKMeans, TemporalMatrixCompletion

N = 12
DAYS = np.arange(N, dtype="timedelta64[D]").astype("timedelta64[ns]")
DATES = np.datetime64("2024-01-31", "ns") + DAYS
TASKS = np.arange(N) % 2
X = np.random.default_rng(0).normal(size=(N, 3))

# kind and container of the same numbers
TIMES = {
    "spans": (DAYS, "spans of time"),
    "dates": (DATES, "dates"),
    "spans, Series": (pd.Series(DAYS), "spans of time"),
    "dates, Series": (pd.Series(DATES), "dates"),
    "time zone": (pd.Series(DATES).dt.tz_localize("Europe/Rome"), "dates"),
    "periods": (pd.Series(DATES).dt.to_period("M"), "dates"),
    "categories": (pd.Series(DATES).astype("category"), "dates"),
    "objects": (np.array([None, *pd.Series(DATES)[1:]], dtype=object), "dates"),
    "object spans": (pd.Series(DAYS).astype(object), "spans of time"),
    "list": ([datetime.date(2024, 1, 1 + i) for i in range(N)], "dates"),
    "list of spans": ([datetime.timedelta(i) for i in range(N)], "spans of time"),
    "clock": ([datetime.time(i) for i in range(N)], "dates"),
}
try:
    import pyarrow as pa
except ImportError:
    pass
else:
    TIMES |= {
        f"arrow {kind}": (pd.Series(values).astype(pd.ArrowDtype(kind)), what)
        for kind, values, what in [
            (pa.timestamp("ns"), DATES, "dates"),
            (pa.duration("ns"), DAYS, "spans of time"),
            (pa.date32(), DATES, "dates"),
        ]
    }
try:
    import polars as pl
except ImportError:
    pass
else:
    TIMES |= {
        "polars dates": (pl.Series(DATES), "dates"),
        "polars spans": (pl.Series(DAYS), "spans of time"),
        "polars days": (pl.Series(DATES).cast(pl.Date), "dates"),
    }
times = pytest.mark.parametrize(("values", "kind"), TIMES.values(), ids=TIMES)


@times
@pytest.mark.parametrize("model", [L21Regressor(), L21Classifier()], ids=str)
def test_as_targets(values, kind, model):
    with pytest.raises(ValueError, match=f"^y holds {kind}, which are no numbers"):
        model.fit(X, values, TASKS)


@times
def test_as_features(values, kind):
    frame = pd.DataFrame({"a": X[:, 0], "when": list(values)})
    if hasattr(values, "array"):  # of a type that a list would lose
        frame["when"] = values.array
    for model in (L21Regressor(), IncompleteSourcesRegressor([[0], [1]])):
        with pytest.raises(ValueError, match=f"column 'when' of X holds {kind}"):
            model.fit(frame, X[:, 1])
    with pytest.raises(ValueError, match=f"X holds {kind}"):
        L21Regressor().fit(np.asarray(values).reshape(-1, 1), X[:, 1])


@pytest.mark.parametrize(
    "call",
    [
        lambda: TaskScaler().fit(DATES[:, None]),
        lambda: MultiTaskKMeans(2).fit(DAYS[:, None]),
        lambda: TemporalMatrixCompletion().fit([np.array([DAYS, DAYS])]),
        lambda: coral_distance(np.column_stack([DAYS, DAYS]), TASKS),
        lambda: L21Regressor().fit(X, X[:, 0]).predict(np.column_stack([DAYS] * 3)),
        lambda: TargetScaler().fit(DAYS),
        lambda: TargetScaler().fit(X[:, 0]).transform(pd.Series(DATES)),
    ],
)
def test_features_elsewhere(call):
    with pytest.raises(ValueError, match=r"X holds (dates|spans of time)"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda y: L21Regressor().fit(X, y, TASKS),
        lambda y: L21Regressor().fit(X, pd.DataFrame({"a": y, "b": y})),
        lambda y: IndependentRegressor("cv").fit(X, y, TASKS),
        lambda y: TaskThresholdClassifier().fit(X, y, TASKS),
        lambda y: L21Regressor().fit(X, X[:, 0], TASKS).score(X, y, TASKS),
        lambda y: L21Regressor().fit(X, X[:, 0], TASKS).fit_new_task(X, y, 2),
        lambda y: mtl_path(X, y, TASKS, penalty=L21()),
        lambda y: chow_test(X, y, TASKS),
        lambda y: per_task("r2", y, X[:, 0], TASKS),
    ],
)
@pytest.mark.parametrize("gap", [False, True])
def test_targets_elsewhere(call, gap):
    with pytest.raises(ValueError, match=r"(y|y_true) holds spans of time"):
        call(pd.Series(DAYS).mask(np.arange(N) == 3 if gap else np.zeros(N, bool)))


def test_the_way_that_the_message_shows():
    y = pd.Series(DAYS).mask(np.arange(N) == 3)
    days = y / np.timedelta64(1, "D")
    expected = np.where(np.arange(N) == 3, np.nan, np.arange(N))
    np.testing.assert_array_equal(days, expected)
    ours = L21Regressor(0.1).fit(X, days, TASKS)
    np.testing.assert_array_equal(
        ours.coef_, L21Regressor(0.1).fit(X, expected, TASKS).coef_
    )


@pytest.mark.parametrize("gap", [pd.NaT, np.timedelta64("NaT"), np.datetime64("NaT")])
def test_nat_among_numbers_is_missing(gap):
    y = X[:, 0].astype(object)
    y[3] = gap
    number = np.where(np.arange(N) == 3, np.nan, X[:, 0])
    ours, theirs = (L21Regressor(0.1).fit(X, values, TASKS) for values in (y, number))
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)


def test_folds_of_times_know_what_is_missing():
    Y = np.column_stack([DAYS, DAYS])
    Y[::2, 1] = np.timedelta64("NaT")
    numbers = np.where(np.isnat(Y), np.nan, Y.astype(float))
    for ours, theirs in zip(
        TaskKFold(3).split(X, Y), TaskKFold(3).split(X, numbers), strict=True
    ):
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_descriptors():
    with pytest.raises(ValueError, match="descriptors holds dates"):
        DescriptorRegressor(descriptors=DATES[:2, None]).fit(X, X[:, 0], TASKS)
