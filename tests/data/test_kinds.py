"""Labels that are dates, tuples or ordered, and tables of other libraries."""

import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import MultiTaskLasso

import linmtl
from linmtl import (
    FusedSparseGroupRegressor,
    GraphRegularizedRegressor,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    TaskScaler,
    TaskThresholdClassifier,
    TemporalGroupRegressor,
    TemporalGroupRegressorCV,
)
from linmtl.metrics import make_task_scorer, per_task
from linmtl.model_selection import TaskKFold
from linmtl.similarity import chow_test
from linmtl.transfer import GroupedMultiTaskRegressor

N = 90
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 4))
y = X[:, 0] + 0.1 * rng.normal(size=N)
CODES = np.repeat([0, 1, 2], N // 3)
DAYS = np.array(["2024-01-31", "2024-02-29", "2024-11-05"])
ISO = DAYS.tolist()


def same(model, tasks, expected=CODES):
    """The models of these labels and of their numbers are one, in one order."""
    ours, theirs = model.fit(X, y, tasks), type(model)(0.1).fit(X, y, expected)
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    np.testing.assert_array_equal(ours.predict(X, tasks), theirs.predict(X, expected))
    return ours.tasks_.tolist()


# --- tasks in time

DATES = {
    "numpy": DAYS.astype("datetime64[D]")[CODES],
    "nanoseconds": DAYS.astype("datetime64[ns]")[CODES],
    "Series": pd.Series(pd.to_datetime(DAYS[CODES])),
    "index": pd.DatetimeIndex(DAYS[CODES]),
    "UTC": pd.Series(pd.to_datetime(DAYS[CODES])).dt.tz_localize("UTC"),
    "strings": pd.Series(DAYS[CODES]),
    "date": [datetime.date.fromisoformat(ISO[c]) for c in CODES],
    "datetime": [datetime.datetime.fromisoformat(ISO[c]) for c in CODES],
    "objects": pd.Series(pd.to_datetime(DAYS[CODES])).astype(object),
    "categories": pd.Series(pd.to_datetime(DAYS[CODES])).astype("category"),
}


@pytest.mark.parametrize("tasks", DATES.values(), ids=DATES)
@pytest.mark.parametrize("model", [TemporalGroupRegressor, FusedSparseGroupRegressor])
def test_dates_are_ordered_tasks(model, tasks):
    assert same(model(0.1), tasks) == ISO


def test_other_times():
    hours = np.array(["2024-01-31T12:00", "2024-01-31T12:00:30.5"], "datetime64[ms]")
    visits = np.concatenate([[np.datetime64("2024-01-31", "ms")], hours])[CODES]
    assert same(TemporalGroupRegressor(0.1), visits) == [
        "2024-01-31",
        "2024-01-31T12:00:00",
        "2024-01-31T12:00:30.5",
    ]
    months = ["2024-01", "2024-02", "2024-11"]
    periods = pd.PeriodIndex(months, freq="M")[CODES]
    assert same(TemporalGroupRegressor(0.1), periods) == months
    rome = pd.DatetimeIndex(DAYS[CODES]).tz_localize("Europe/Rome")
    assert same(TemporalGroupRegressor(0.1), rome)[0] == "2024-01-30T23:00:00"
    spans = np.array([0, 36, 240], "timedelta64[h]")[CODES]
    assert same(TemporalGroupRegressor(0.1), spans) == [0.0, 1.5, 10.0]
    with pytest.raises(ValueError, match="tasks has 1 missing label"):
        L21Regressor().fit(X, y, pd.Series(visits).mask(np.arange(N) == 4))


def test_strings_that_are_no_dates_need_an_order():
    names = np.array(["v1", "v2", "v10"])[CODES]
    with pytest.raises(ValueError, match="or numbers, dates or an ordered categorical"):
        TemporalGroupRegressor(0.1).fit(X, y, names)


STAGES = ["screening", "baseline", "month 12"]


def stages(ordered=True, categories=STAGES):
    return pd.Series(
        pd.Categorical(np.array(STAGES)[CODES], categories=categories, ordered=ordered)
    )


def test_an_ordered_categorical_has_its_order():
    assert same(TemporalGroupRegressor(0.1), stages()) == STAGES
    more = stages(categories=["never", *STAGES])
    assert same(TemporalGroupRegressor(0.1), more) == STAGES
    assert L21Regressor().fit(X, y, stages()).tasks_.tolist() == STAGES
    unordered = L21Regressor().fit(X, y, stages(ordered=False))
    assert unordered.tasks_.tolist() == sorted(STAGES)
    with pytest.raises(ValueError, match="labels are strings"):
        TemporalGroupRegressor(0.1).fit(X, y, stages(ordered=False))
    given = TemporalGroupRegressor(0.1, task_order=STAGES[::-1]).fit(X, y, stages())
    assert given.tasks_.tolist() == STAGES[::-1]


def test_intervals_are_ordered_tasks():
    ages = np.array([5.0, 15.0, 105.0])[CODES]
    bands = pd.cut(ages, [0, 10, 100, 110])  # as text (100 would be before (10
    names = ["(0, 10]", "(10, 100]", "(100, 110]"]
    assert same(TemporalGroupRegressor(0.1), bands) == names
    assert same(TemporalGroupRegressor(0.1), pd.Series(bands)) == names
    plain = [pd.IntervalIndex(bands), np.asarray(bands), list(bands)]
    for tasks in [*plain, pd.Series(pd.IntervalIndex(bands))]:
        assert L21Regressor(0.1).fit(X, y, tasks).tasks_.tolist() == sorted(names)
    weighted = L21Regressor(0.1, task_weight={b: 2.0 for b in bands.categories})
    assert weighted.fit(X, y, bands).tasks_.tolist() == names
    with pytest.raises(ValueError, match="90 missing labels"):
        L21Regressor(0.1).fit(X, y, pd.cut(ages, [200, 300]))


@pytest.mark.slow
@pytest.mark.parametrize("labels", [stages(), DATES["Series"]], ids=["stages", "dates"])
def test_as_a_column(labels):
    frame = pd.DataFrame(X, columns=list("abcd")).assign(visit=labels)
    expected = TemporalGroupRegressor(0.1).fit(X, y, CODES)
    model = TemporalGroupRegressor(0.1, task_column="visit").fit(frame, y)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    by_cv = TemporalGroupRegressorCV(alphas=3, cv=2, task_column="visit").fit(frame, y)
    np.testing.assert_array_equal(by_cv.tasks_, model.tasks_)
    grouped = GroupedMultiTaskRegressor(
        TemporalGroupRegressor(0.1), groups=[0, 0, 1], task_column="visit"
    ).fit(frame, y)
    np.testing.assert_array_equal(grouped.tasks_, model.tasks_)


# --- tuples


def pivoted():
    rows = {"sample": np.repeat(np.arange(N), 4), "assay": np.tile(list("aabb"), N)}
    long = pd.DataFrame({**rows, "dose": np.tile([1, 2], 2 * N)})
    long["ic50"] = np.repeat(y, 4) + rng.normal(size=4 * N)
    return long.pivot(index="sample", columns=["assay", "dose"], values="ic50")


def test_columns_with_several_levels():
    Y = pivoted()
    model = L21Regressor(0.1, tol=1e-10).fit(X, Y)
    assert model.tasks_.tolist() == ["a / 1", "a / 2", "b / 1", "b / 2"]
    expected = MultiTaskLasso(0.1, tol=1e-10).fit(X, Y)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-6)
    own = model.predict(X, [("a", 2), ("b", 1.0)] * (N // 2))
    both = model.predict(X)[:, [1, 2]]
    np.testing.assert_allclose(own, both[np.arange(N), np.arange(N) % 2])
    assert per_task("r2", Y, model.predict(X)).tasks.tolist() == model.tasks_.tolist()


@pytest.mark.parametrize("make", [list, pd.MultiIndex.from_tuples, pd.Series])
def test_tuples_as_labels(make):
    tuples = [("south" if c else "north", c) for c in CODES.tolist()]
    expected = IndependentRegressor(0.1).fit(X, y, CODES)
    model = IndependentRegressor(dict.fromkeys(tuples, 0.1))
    model.set_params(task_weight=dict.fromkeys(tuples, 1.0))
    model.fit(X, y, make(tuples))
    assert model.tasks_.tolist() == ["north / 0", "south / 1", "south / 2"]
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    np.testing.assert_array_equal(
        model.predict(X, make(tuples)), expected.predict(X, CODES)
    )
    names = sorted(set(tuples))
    graph = pd.DataFrame(1.0 - np.eye(3), pd.Index(names), pd.Index(names))
    np.testing.assert_array_equal(
        GraphRegularizedRegressor(graph).fit(X, y, make(tuples)).coef_,
        GraphRegularizedRegressor(graph.to_numpy()).fit(X, y, CODES).coef_,
    )


def test_tuples_that_cannot_be_told_apart():
    with pytest.raises(ValueError, match="are one when written as text"):
        L21Regressor().fit(X[:2], y[:2], [("a / b", "c"), ("a", "b / c")])
    with pytest.raises(ValueError, match="tasks has 1 missing label"):
        L21Regressor().fit(X[:2], y[:2], [("a", 1), ("a", None)])


# --- tables of other libraries


def frame():
    names = np.array(["n", "s", "w"])[CODES]
    return pd.DataFrame(X, columns=list("abcd")).assign(site=names, target=y)


def lazy(data):
    return pytest.importorskip("polars").DataFrame(dict(data)).lazy()


def arrow(data):
    return pytest.importorskip("pyarrow").Table.from_pandas(data)


def polars(data):
    return pytest.importorskip("polars").DataFrame(dict(data))


@pytest.mark.parametrize("make", [lazy, arrow, polars])
def test_tables_by_name(make):
    data = frame().drop(columns="target")
    given = make(data)
    for model in (
        L21Regressor(0.1, task_column="site"),
        TaskScaler(task_column="site"),
        GroupedMultiTaskRegressor(groups=[0, 0, 1], task_column="site"),
    ):
        expected = model.fit(data, y)
        names, n = expected.feature_names_in_.tolist(), expected.n_features_in_
        ask = "transform" if isinstance(model, TaskScaler) else "predict"
        answer = np.asarray(getattr(expected, ask)(data))
        ours = model.fit(given, y)
        assert (ours.feature_names_in_.tolist(), ours.n_features_in_) == (names, n)
        np.testing.assert_array_equal(np.asarray(getattr(ours, ask)(given)), answer)
    ours = L21Regressor(0.1, task_column="site").fit(given, y)
    scorer = make_task_scorer("r2")
    assert scorer(ours, given, y) == scorer(ours, data, y)
    folds = TaskKFold(3, task_column="site")
    for one, other in zip(folds.split(given, y), folds.split(data, y), strict=True):
        np.testing.assert_array_equal(one[1], other[1])
    thresholds = TaskThresholdClassifier(L21Classifier(0.1, task_column="site"), cv=2)
    thresholds.fit(given, y > 0)
    Y = pd.DataFrame({"u": y, "v": -y})
    wide = L21Regressor(0.1).fit(X, make(Y))
    assert wide.tasks_.tolist() == ["u", "v"]
    numbers = data.drop(columns="site")
    found, expected = (chow_test(t, y, CODES) for t in (make(numbers), numbers))
    np.testing.assert_array_equal(found.statistic, expected.statistic)


@pytest.mark.parametrize("make", [lazy, arrow, polars])
def test_prepare_takes_tables(make):
    tables = make(frame()), frame()
    ours, theirs = (linmtl.prepare(table, "target", "site") for table in tables)
    np.testing.assert_array_equal(ours.X, theirs.X)
    np.testing.assert_array_equal(ours.y, theirs.y)
    np.testing.assert_array_equal(ours.tasks, theirs.tasks)
    assert list(ours.X.columns) == list("abcd")


@pytest.mark.parametrize("levels", [["site"], ["site", "target"]])
def test_prepare_takes_levels_of_the_index(levels):
    expected = linmtl.prepare(frame(), "target", "site")
    indexed = frame().assign(row=np.arange(N)).set_index(["row", *levels])
    ours = linmtl.prepare(indexed, "target", "site")
    np.testing.assert_array_equal(ours.X, expected.X)
    np.testing.assert_array_equal(ours.tasks, expected.tasks)
    np.testing.assert_array_equal(ours.y, expected.y)
