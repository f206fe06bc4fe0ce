"""TableEncoder: tables of every kind as numbers, in pipelines, on rows not seen."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import linmtl
from linmtl import L21Regressor, MultiTaskRegressor, TaskScaler
from linmtl.model_selection import TaskKFold
from linmtl.penalties import GroupL21
from linmtl.preprocessing import TableEncoder, TargetScaler

BY_NAME = {
    "check_dataframe_column_names_consistency": "columns are found by their names, in "
    "any order and among others"
}


@parametrize_with_checks([TableEncoder()], expected_failed_checks=lambda _: BY_NAME)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def visits(n=24):
    rng = np.random.default_rng(0)
    dose = rng.normal(size=n)
    dose[[3, 7]] = np.nan
    return pd.DataFrame(
        {
            "age": rng.normal(size=n),
            "patient": np.repeat(list("abcd"), n // 4),
            "drug": [*["none", "old", "new"] * 7, None, "old", "new"],
            "dose": dose,
            "day": pd.date_range("2024-01-01", periods=n)[::-1],
            "left": [True, False] * (n // 2),
            "visit_id": np.arange(n) * 3 + 100,
            "remark": [f"free text {i}" for i in range(n)],
        },
        index=np.arange(n) + 1000,
    )


NAMES = ["age", "patient", "drug=new", "drug=none", "drug=old", "drug missing"]
NAMES += ["dose", "dose missing", "day", "left=True"]


def test_what_it_makes_of_a_table():
    table = visits()
    encoder = TableEncoder(task_column="patient").fit(table)
    out = encoder.transform(table)
    assert out.columns.tolist() == NAMES
    assert encoder.get_feature_names_out().tolist() == NAMES
    assert out.index.equals(table.index)
    assert out["patient"].equals(table["patient"])
    kinds = ["age", *["drug"] * 4, "dose", "dose", "day", "left"]
    assert encoder.groups_.tolist() == kinds
    assert encoder.levels_ == {"drug": ["new", "none", "old"], "left": ["True"]}
    np.testing.assert_array_equal(out["dose missing"], table["dose"].isna())
    np.testing.assert_array_equal(
        out["dose"], table["dose"].fillna(table["dose"].median())
    )
    np.testing.assert_array_equal(out["drug=old"], table["drug"] == "old")
    assert out["drug missing"].sum() == 1
    assert out["day"].iloc[-1] == (pd.Timestamp("2024-01-01") - pd.Timestamp(0)).days
    notes = "\n".join(encoder.notes_)
    for text in ("ids, dropped", "visit_id", "dates read as days", "remark"):
        assert text in notes


def test_it_does_what_prepare_does():
    """Beside the ids, and what is missing."""
    table = visits().assign(score=np.random.default_rng(1).normal(size=24))
    X, _, tasks, _ = linmtl.prepare(table, "score", "patient", drop="visit_id")
    encoder = TableEncoder(task_column="patient").fit(table.drop(columns="score"))
    out = encoder.transform(table.drop(columns="score"))
    np.testing.assert_array_equal(tasks, out.pop("patient"))
    known = X.drop(columns="dose")
    pd.testing.assert_frame_equal(out[known.columns], known, check_dtype=False)


@pytest.mark.parametrize("kind", ["nullable", "arrow", "categories", "table", "text"])
def test_every_kind_of_column_is_read_alike(kind):
    table = visits()
    expected = TableEncoder(task_column="patient").fit_transform(table)
    if kind == "nullable":
        other = table.convert_dtypes()
    elif kind == "categories":
        other = table.assign(drug=table["drug"].astype("category"))
    elif kind == "text":
        other = table.astype({"dose": str, "age": str, "day": str})
    else:
        pa = pytest.importorskip("pyarrow")
        other = table.convert_dtypes(dtype_backend="pyarrow")
        if kind == "table":
            other = pa.Table.from_pandas(other, preserve_index=False)
    encoder = TableEncoder(task_column="patient").fit(other)
    out = encoder.transform(other)
    assert list(out.columns) == NAMES
    for name in NAMES:
        np.testing.assert_array_equal(np.asarray(out[name]), expected[name])
    # and one is read by what was fitted to the other
    for first, second in ((table, other), (other, table)):
        crossed = TableEncoder(task_column="patient").fit(first).transform(second)
        np.testing.assert_array_equal(crossed["dose"], expected["dose"])


@pytest.mark.parametrize("lazy", [False, True])
def test_polars(lazy):
    pl = pytest.importorskip("polars")
    table = pl.from_pandas(visits())
    out = TableEncoder(task_column="patient").fit_transform(
        table.lazy() if lazy else table
    )
    assert out.columns == NAMES
    expected = TableEncoder(task_column="patient").fit_transform(visits())
    np.testing.assert_array_equal(out["dose"], expected["dose"])


def test_rows_not_seen():
    table = visits()
    encoder = TableEncoder(task_column="patient").fit(table)
    row = table.iloc[[0]].assign(drug="other", dose=None, day="2025-02-01")
    out = encoder.transform(row)
    assert out.filter(like="drug").to_numpy().tolist() == [[0, 0, 0, 0]]
    assert out["dose missing"].item() == 1.0
    strict = TableEncoder(task_column="patient", handle_unknown="error").fit(table)
    strict.transform(table)
    with pytest.raises(ValueError, match="'drug' has levels that were not in fit"):
        strict.transform(row)
    with pytest.raises(ValueError, match="'dose' holds 'much', and was read as num"):
        encoder.transform(row.assign(dose="much"))
    with pytest.raises(ValueError, match="was read as dates in fit"):
        encoder.transform(row.assign(day=3.0))
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(row.drop(columns="age"))


def of_types(table):
    """Yield the table in other types and orders, by what is done to it."""
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    yield "int", table.astype({"left": int})
    yield "float", table.astype({"left": "float32", "count": "float32"})
    yield "text", table.assign(left=["TRUE", "false"] * 12, count=table["count"] + 0.0)
    yield "strings", table.astype({"left": str, "grade": str, "drug": "string"})
    yield "numbers", table.assign(grade=table["grade"].astype(float))
    yield "categories", table.astype({"left": "category", "drug": "category"})
    yield "objects", table.astype(dict.fromkeys(["left", "age", "grade"], object))
    yield "nullable", table.convert_dtypes()
    yield "arrow", table.convert_dtypes(dtype_backend="pyarrow")
    yield "order", table[table.columns[::-1]].assign(new=3.0)
    yield "polars", pl.from_pandas(table[table.columns[::-1]])
    yield "lazy", pl.from_pandas(table).lazy()
    yield "pyarrow", pa.Table.from_pandas(table)


def typed():
    table = visits().drop(columns=["remark", "visit_id"])
    grade = np.arange(24) % 3 / 2
    table["grade"] = pd.Categorical(grade)
    return table.assign(count=np.arange(24) % 2)


@pytest.mark.parametrize("at_fit", [0, 3, 7, 8, 10])
def test_types_and_order_may_change_after_fit(at_fit):
    """Predictions are those of the values, however a table holds them."""
    table = typed()
    expected = TableEncoder(task_column="patient").fit_transform(table)
    expected = expected.drop(columns="patient").to_numpy(float)
    forms = list(of_types(table))
    encoder = TableEncoder(task_column="patient").fit(forms[at_fit][1])
    columns = encoder.get_feature_names_out().tolist()
    for name, form in forms:
        out = encoder.transform(form)
        assert list(out.columns) == columns, name
        assert np.asarray(out["patient"]).tolist() == table["patient"].tolist()
        found = np.column_stack([out[c] for c in columns if c != "patient"])
        if at_fit == 0:
            np.testing.assert_allclose(found.astype(float), expected, err_msg=name)
        own = encoder.transform(forms[at_fit][1])
        own = np.column_stack([own[c] for c in columns if c != "patient"])
        np.testing.assert_allclose(found.astype(float), own.astype(float), atol=1e-6)


def test_truth_values_and_numbers_are_one_another():
    """A column of 0 and 1 and one of truth values are told from levels of text."""
    flag = np.array([True, False, False, True])
    forms = [flag, flag.astype(int), flag.astype(str), np.where(flag, "TRUE", "false")]
    for fitted in forms:
        encoder = TableEncoder(handle_unknown="error").fit(pd.DataFrame({"x": fitted}))
        for passed in forms:
            found = encoder.transform(pd.DataFrame({"x": passed}))[:, 0]
            first = "x=false" in encoder.get_feature_names_out()  # FALSE comes before
            np.testing.assert_array_equal(found, flag != first)
    words = TableEncoder().fit(pd.DataFrame({"x": ["yes", "no", "true"]}))
    found = words.transform(pd.DataFrame({"x": ["true", "1", "no"]}))
    np.testing.assert_array_equal(found, [[0, 1, 0], [0, 0, 0], [1, 0, 0]])


@pytest.mark.parametrize("levels", [["TRUE", "true"], ["True", "true", "TRUE"]])
def test_truth_values_spelled_in_several_ways_are_levels(levels):
    table = pd.DataFrame({"x": levels * 4})
    found = TableEncoder().fit_transform(table)
    expected = pd.get_dummies(table["x"])[sorted(levels)].to_numpy(dtype=float)
    np.testing.assert_array_equal(found, expected[:, -found.shape[1] :])


def test_columns_that_lack_or_repeat_are_said():
    table = visits()
    encoder = TableEncoder().fit(table)
    for wrong, what in (
        (table.drop(columns="age"), "feature names should match"),
        (table[[*table.columns, "age"]], "age"),
    ):
        with pytest.raises(ValueError, match=what):
            encoder.transform(wrong)


def test_numbers_are_read_as_in_fit():
    """A batch alone would not say which mark divides thousands."""
    table = {"x": ["1,234.5", "12,000", "7"], "y": ["0.5", "1.5", "2"]}
    encoder = TableEncoder().fit(pd.DataFrame(table))
    row = pd.DataFrame({"x": ["2,500"], "y": ["3"]})
    np.testing.assert_array_equal(encoder.transform(row), [[2500.0, 3.0]])
    comma = TableEncoder(decimal=",").fit(row)
    np.testing.assert_array_equal(comma.transform(row), [[2.5, 3.0]])


def test_dates_are_read_as_in_fit():
    """A batch alone would not say which is the day and which the month."""
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0], "day": ["3/4/24", "25/4/24", "1/5/24"]})
    encoder = TableEncoder().fit(table)
    assert "years of two digits read as 1969 to 2068: day" in encoder.notes_
    whole = encoder.transform(table)
    for row in range(3):
        one = encoder.transform(table.iloc[[row]])
        np.testing.assert_array_equal(one, whole[[row]])
    days = np.array(["2024-04-03", "2024-04-25", "2024-05-01"], dtype="datetime64[D]")
    np.testing.assert_array_equal(whole[:, 1], days.astype(int))
    # of a column that needed no order in fit, the other columns say
    both = TableEncoder().fit(table.assign(seen=pd.to_datetime(days)))
    found = both.transform(table.assign(seen=["3/4/24", "4/5/24", "5/6/24"]).iloc[:1])
    np.testing.assert_array_equal(found[0], [1.0, *whole[0, 1:], whole[0, 1]])
    alone = TableEncoder().fit(pd.DataFrame({"seen": days}))
    with pytest.raises(
        ValueError, match="day and month cannot be told apart in 3/4/24"
    ):
        alone.transform(pd.DataFrame({"seen": ["3/4/24", "4/5/24"]}))


def test_arrays():
    X = np.array([[1.5, "u"], [2.5, "v"], [None, "w"], [0.0, "u"]], dtype=object)
    encoder = TableEncoder().fit(X)
    names = ["x0", "x0 missing", "x1=u", "x1=v", "x1=w"]
    assert encoder.get_feature_names_out().tolist() == names
    np.testing.assert_array_equal(encoder.transform(X)[2], [1.5, 1, 0, 0, 1])
    with_tasks = TableEncoder(task_column=1).fit(X)
    out = with_tasks.transform(X)
    assert out[:, 2].tolist() == ["u", "v", "w", "u"]
    assert with_tasks.get_feature_names_out().tolist() == ["x0", "x0 missing", "x1"]


@pytest.mark.parametrize("output", ["pandas", "default"])
def test_set_output(output):
    table = visits().drop(columns="patient")
    encoder = TableEncoder().set_output(transform=output)
    out = encoder.fit_transform(table)
    if output == "default":
        assert isinstance(out, np.ndarray)
    else:
        assert out.columns.tolist() == encoder.get_feature_names_out().tolist()
        assert out.index.equals(table.index)


def test_in_a_pipeline_its_groups_are_those_of_a_penalty():
    table, rng = visits(), np.random.default_rng(1)
    y = 2.0 * (table["drug"] == "old") + 0.1 * rng.normal(size=len(table))
    groups = TableEncoder(task_column="patient").fit(table).groups_
    pipeline = make_pipeline(
        TableEncoder(task_column="patient"),
        TaskScaler(task_column="patient"),
        MultiTaskRegressor(GroupL21(groups, 0.3), task_column="patient"),
    ).fit(table, y)
    used = np.abs(pipeline[-1].coef_).max(axis=0) > 0
    assert set(groups[used]) == {"drug"}
    pipeline = make_pipeline(
        TableEncoder(task_column="patient"), L21Regressor(task_column="patient")
    )
    search = GridSearchCV(
        pipeline,
        {"l21regressor__alpha": [0.01, 1.0]},
        cv=TaskKFold(2, task_column="patient"),
    ).fit(table, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_parameters_are_checked_and_ids_may_stay():
    table = visits()
    for options, message in (
        ({"handle_unknown": "mean"}, "handle_unknown must be"),
        ({"max_levels": 0}, "max_levels must be"),
        ({"decimal": ";"}, "decimal must be"),
        ({"task_column": "site"}, "site"),
    ):
        with pytest.raises(ValueError, match=message):
            TableEncoder(**options).fit(table)
    with pytest.raises(ValueError, match="no column is left"):
        TableEncoder(max_levels=3).fit(table[["remark"]])
    kept = clone(TableEncoder(drop_ids=False, max_levels=24)).fit(table)
    assert {"visit_id", "remark"} <= set(kept.groups_)


def test_marks_of_missing_values_among_numbers():
    """In a row to predict alone, too, where nothing else tells numbers."""
    fields = [f"{i}.5" for i in range(12)]
    fields[4] = "-"
    frame = pd.DataFrame({"dose": fields, "kind": ["a", "-", "b"] * 4})
    encoder = TableEncoder().fit(frame)
    names = ["dose", "dose missing", "kind=-", "kind=a", "kind=b"]
    assert encoder.get_feature_names_out().tolist() == names
    assert "read as missing, '-': dose" in encoder.notes_
    fields[4] = ""
    expected = TableEncoder().fit_transform(frame.assign(dose=fields))
    np.testing.assert_array_equal(encoder.transform(frame), expected)
    for mark in ("-", "?", "missing"):
        row = encoder.transform(pd.DataFrame({"dose": [mark], "kind": ["b"]}))
        assert row.tolist() == [[6.5, 1.0, 0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    "value",
    [[1, 2], (1,), {1}, {"a": 1}, np.arange(2), 1j, object(), np.ma.masked_array([1])],
)
def test_values_that_are_no_cells_are_refused(value):
    table = pd.DataFrame({"task": ["a", "b"] * 3, "x": np.arange(6.0)})
    table["odd"] = pd.Series([None, value] * 3, dtype=object)
    with pytest.raises(ValueError, match="column 'odd' of X holds values of type") as e:
        TableEncoder(task_column="task").fit(table)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("model", [TableEncoder(), TaskScaler(), TargetScaler()])
def test_columns_of_one_name_are_refused(model):
    x = pd.DataFrame({"x": np.arange(6.0), "z": np.arange(6.0)})
    with pytest.raises(ValueError, match="X has several columns named x; rename"):
        model.fit(pd.concat([x, x[["x"]]], axis=1))
