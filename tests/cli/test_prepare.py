"""`linmtl.prepare`, and what the command makes of a table in the same way."""

import numpy as np
import pandas as pd
import pytest

import linmtl
from linmtl.cli._files import read_table
from linmtl.cli._table import make_problem, split_names


def table(n=24, **columns):
    rng = np.random.default_rng(0)
    return {
        "age": rng.normal(size=n),
        "dose": rng.normal(size=n),
        "score": rng.normal(size=n),
        "site": np.arange(n) % 3,
        **columns,
    }


def prepare(columns, **options):
    return linmtl.prepare(columns, "score", "site", **options)


def test_what_it_returns():
    frame = pd.DataFrame(table(kind=list("abc") * 8), index=np.arange(24) + 100)
    frame.loc[105, "score"] = np.nan
    frame.loc[107, "age"] = np.nan
    prepared = prepare(frame)
    X, y, tasks, notes = prepared
    assert prepared.X is X
    kept = frame.drop(index=105)
    names = ["age", "dose", "kind=a", "kind=b", "kind=c"]
    assert X.columns.tolist() == names
    assert X.index.equals(kept.index)
    np.testing.assert_array_equal(X["age"], kept["age"])  # NaN is left to the user
    np.testing.assert_array_equal(y, kept["score"])
    np.testing.assert_array_equal(tasks, kept["site"])
    assert "rows dropped, no target (column score): 1" in notes
    assert "missing values left as NaN (1), SimpleImputer fills them in: age" in notes
    assert repr(prepared) == "<PreparedTable: 23 rows, 5 features, 3 tasks>"
    model = linmtl.L21Regressor().fit(X.fillna(X.median()), y, tasks)
    assert model.feature_names_in_.tolist() == names


def test_a_frame_a_dict_and_a_file_are_one(tmp_path):
    columns = table(visit=[f"2024-01-{i + 1:02}" for i in range(24)])
    frame = pd.DataFrame(columns)
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    dates = frame.assign(visit=pd.to_datetime(frame["visit"]))
    first = prepare(columns)
    for other in (frame, dates, path, str(path)):
        X, y, tasks, notes = prepare(other)
        np.testing.assert_array_equal(X, first.X)
        assert list(X.columns) == list(first.X.columns)
        np.testing.assert_array_equal(y, first.y)
        np.testing.assert_array_equal(tasks, first.tasks)
        assert notes == first.notes
    problem = make_problem(read_table(path), "score", "site")
    np.testing.assert_array_equal(problem.X, first.X)


@pytest.mark.usefixtures("without_pandas")
def test_without_pandas():
    X, _, _, notes = prepare(table())
    assert isinstance(X, np.ndarray)
    assert notes == ["columns of X: age, dose"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["no", "yes"], ["no", "yes"]),
        ([False, True], ["False", "True"]),
        ([1, 2], [1, 2]),
        (["1", "2"], [1, 2]),
    ],
)
def test_classes_keep_their_labels(values, expected):
    prepared = prepare(table(score=values * 12), classify=True)
    assert np.unique(prepared.y).tolist() == expected
    model = linmtl.L21Classifier().fit(prepared.X, prepared.y, prepared.tasks)
    assert model.classes_.tolist() == expected


def test_categories_are_no_numbers():
    frame = pd.DataFrame(table(kind=pd.Categorical([1, 2, 3] * 8)))
    X = prepare(frame).X
    assert X.columns.tolist() == ["age", "dose", "kind=1", "kind=2", "kind=3"]


def test_notes_and_errors_speak_python():
    notes = prepare(table(score=[0, 1] * 12)).notes
    assert "add classify if they are classes" in notes[0]
    with pytest.raises(ValueError, match=r"^task: there is no column 'sites'; did"):
        linmtl.prepare(table(), "score", "sites")
    with pytest.raises(ValueError, match=r"^drop: there is no column 'doze'; did"):
        prepare(table(), drop="doze")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"features": "age"}, ["age"]),
        ({"features": ["x*", "age"]}, ["age", "x1", "x2"]),
        ({"drop": ["x?"]}, ["age", "dose"]),
        ({"drop": "*s*"}, ["age", "x1", "x2"]),  # target and task are not meant
        ({"features": ["x*"], "drop": ["x2"]}, ["x1"]),
        ({"drop": "[!a]*"}, ["age"]),
    ],
)
def test_columns_are_chosen_by_name_and_pattern(options, names):
    x = np.random.default_rng(1).normal(size=(2, 24))
    prepared = prepare(table(x1=x[0], x2=x[1]), **options)
    assert prepared.X.columns.tolist() == names
    assert prepared.notes[0].startswith("columns left out as asked: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drop": "score"}, "drop: 'score' is the target or the task column"),
        ({"features": ["age", "site"]}, "features: 'site' is the target or the task"),
        ({"features": "agee"}, "did you mean 'age'"),
        ({"drop": "z*"}, "there is no column 'z*'"),
        ({"drop": "*"}, "no column is left"),
        ({"features": []}, "no column is left"),
        ({"decimal": ";"}, "decimal must be '.' or ',', got ';'"),
    ],
)
def test_columns_that_cannot_be_chosen(options, message):
    with pytest.raises(ValueError, match=message.replace("*", r"\*")):
        prepare(table(), **options)


def test_columns_named_by_numbers():
    columns = {3: [1.0, 2.0] * 4, 4: [0.5, 1.5, 2.5, 1.0] * 2, 5: ["a", "b"] * 4}
    prepared = linmtl.prepare({**columns, 6: range(8)}, 4, 5, drop=[6])
    assert prepared.X.columns.tolist() == ["3"]


def test_a_name_with_an_asterisk_is_itself():
    x = np.random.default_rng(1).normal(size=(2, 24))
    X = prepare(table(**{"a*b": x[0], "aab": x[1]}), features="a*b").X
    assert X.columns.tolist() == ["a*b"]


def test_lists_on_the_command_line():
    names = ["size, cm", "a", "b", "c d"]
    assert split_names(None, names) is None
    assert split_names(["a,b", " c d "], names) == ["a", "b", "c d"]
    assert split_names(["size, cm"], names) == ["size, cm"]
    assert split_names(['a,"size, cm"'], names) == ["a", "size, cm"]
    assert split_names(["a,,"], names) == ["a"]


SHUFFLED = np.random.default_rng(0).permutation(99)[:24]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("row", np.arange(24) + 7),
        ("record", 24 - np.arange(24)),
        ("patient_id", SHUFFLED),
        ("patientId", SHUFFLED),
        ("ID", SHUFFLED.astype(str)),
        ("site_id", np.array([31, 7, 19])[np.arange(24) % 3]),
    ],
)
def test_ids_are_dropped_unless_asked_for(name, values):
    columns = table(**{name: values})
    prepared = prepare(columns)
    assert f"ids, dropped (features keeps them): {name}" in prepared.notes
    assert name not in prepared.X.columns
    assert name in prepare(columns, features=["age", name]).X.columns


@pytest.mark.parametrize(
    ("name", "values", "noted"),
    [
        ("when", np.sort(SHUFFLED), True),
        ("record no", SHUFFLED, True),
        ("day", np.arange(24), True),
        ("rank", np.random.default_rng(0).permutation(24), True),
        ("number of steps", SHUFFLED, True),
        ("income", SHUFFLED, False),
        ("paid", SHUFFLED, False),
        ("id", np.arange(24) % 5, False),
        ("altitude", np.array([31, 7, 19])[np.arange(24) % 3], False),
        ("number", np.arange(24) + 0.5, False),
        ("id", np.arange(24) + 0.5, False),
    ],
)
def test_what_may_be_a_number_is_kept_and_noted(name, values, noted):
    prepared = prepare(table(**{name: values}))
    text = f"a number of its own in every row, an id? drop leaves it out: {name}"
    assert (text in prepared.notes) == noted
    assert name in prepared.X.columns


def test_dates_are_no_ids():
    days = [f"2024-01-{i + 1:02}" for i in range(24)]
    assert not any("an id?" in note for note in prepare(table(visit=days)).notes)


def test_one_line_on_dates_that_may_be_two():
    days = [f"{1 + i % 12:02}/04/2024" for i in range(24)]
    prepared = prepare(table(visit=days))
    assert prepared.notes == [
        "column visit dropped: day and month cannot be told apart in 01/04/2024; write "
        "dates as 2024-05-26"
    ]


@pytest.mark.parametrize("classify", [False, True])
def test_leaks_are_noted(classify):
    columns = table(200)
    rng = np.random.default_rng(2)
    if classify:
        columns["score"] = (columns["score"] > 0).astype(int)
    score = columns["score"]
    columns["copy"] = -3.0 * score + 5.0 * columns["site"]  # another level per task
    columns["copy"][:5] = np.nan
    columns["near"] = score + 0.5 * rng.normal(size=200)
    columns["level"] = columns["site"] * 2.0
    notes = prepare(columns, classify=classify).notes
    leaks = [note for note in notes if "a leak?" in note]
    assert len(leaks) == 1
    assert leaks[0].endswith("drop leaves it out: copy")
    # no correlation is a sign where there are as many tasks as rows
    columns = table(24, site=np.arange(24) // 2)
    columns["near"] = 2 * columns["score"]
    columns["site"] = np.arange(24) // 2
    assert any("near" in n for n in prepare(columns).notes)
    columns["site"][5:] = np.arange(19) // 2 + 10
    few = {name: values[:8] for name, values in columns.items()}
    assert not any("a leak?" in note for note in prepare(few).notes)


def test_classes_beside_numbers_are_noted():
    columns = table(60)
    columns["score"][columns["site"] == 1] = np.arange(20) % 2
    (note,) = prepare(columns).notes
    assert note == (
        "target score has only two values in these tasks, classes that are taken for "
        "numbers (1): 1"
    )


@pytest.mark.parametrize(
    ("form", "odd"),
    [
        ("{:02}/05/2024 03:00", "31/02/2024 03:00"),
        ("05/{:02}/2024", "05/32/2024"),
        ("2024-05-{:02}", "unknown"),
        ("{} May 2024", "31 June 2024"),
    ],
)
def test_what_keeps_a_column_from_being_dates(form, odd):
    days = [form.format(day) for day in range(1, 25)]
    days[1], days[2] = odd, ""
    notes = "\n".join(prepare(table(seen=days)).notes)
    assert f"1 of 24 fields are no dates, the first '{odd}' on row 2" in notes


def test_what_keeps_a_column_from_being_numeric():
    columns = table(
        most=["1", "2", "unknown", *["3"] * 21],
        many=[*map(str, range(22)), "x", "y"],
        two=["1,5", "2.5", *map(str, range(22))],
        free=[f"text {i}" for i in range(24)],
    )
    notes = "\n".join(prepare(columns).notes)
    text = "{} of 24 fields are no numbers, the first {} on row {}"
    assert f"column most is text: {text.format(1, repr('unknown'), 3)}" in notes
    assert f"column many is text: {text.format(2, repr('x'), 23)}" in notes
    assert "column two is text: its numbers differ in notation" in notes
    assert "column free" not in notes
    assert "more than 20 levels, dropped: many, two, free" in notes


@pytest.mark.parametrize("form", ["{} mg", "{}°C", "<{}", "({})"])
def test_signs_beside_numbers_are_named(form):
    few = [form.format(1)] * 10  # levels of a class, if there were no others
    notes = "\n".join(
        prepare(
            table(
                dose=[form.format(i) for i in range(24)],
                some=[*few, *map(str, range(14))],
                code=[f"P{i:03}" for i in range(24)],
            )
        ).notes
    )
    text = "is text: some of its numbers have signs beside them, such as"
    assert f"column dose {text} {form.format(0)!r}" in notes
    assert f"column some {text}" not in notes  # 15 levels: indicators
    assert "column code" not in notes


def test_leading_zeros_are_said():
    prepared = prepare(table(zip=[f"{i:05}" for i in range(100, 148, 2)]))
    assert "leading zeros, 00100 read as 100 (a code?): zip" in prepared.notes
    assert "zip" in prepared.X


def test_numbers_of_rows_are_ids_where_some_rows_are_left_out():
    columns = table(line=np.arange(40.0, 64.0))
    columns["score"] = np.where(np.arange(24) % 7 == 2, np.nan, columns["score"])
    prepared = prepare(columns)
    assert len(prepared.y) < 24
    assert "ids, dropped (features keeps them): line" in prepared.notes


def test_infinite_features_are_missing_ones():
    columns = table()
    columns["age"][[2, 4]] = np.inf, -np.inf
    prepared = prepare(columns)
    assert np.isnan(prepared.X["age"]).sum() == 2
    assert prepared.notes[0] == "infinite values taken for missing ones (2): age"


def test_targets():
    columns = table(score=[f"{i},{i:03}.5" for i in range(1, 25)])
    prepared = prepare(columns)
    assert prepared.y[:2].tolist() == [1001.5, 2002.5]
    assert prepared.notes == ["thousands separators, 1,001.5 read as 1001.5: score"]
    with pytest.raises(ValueError, match="'score' is not numeric: 24 of 24 rows"):
        prepare(table(score=[f"2024-01-{i + 1:02}" for i in range(24)]))
    with pytest.raises(ValueError, match="infinite on row 3"):
        prepare(table(score=[1.0, 2.0, np.inf, *range(21)]))
    with pytest.raises(ValueError, match="is 1 in every row"):
        prepare(table(score=[1] * 24))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1.0, 2.0, 3.0], [1, 2, 3]),
        ([1.5, 2.0, 3.0], [1.5, 2, 3]),
        (["1", "2", "03"], [1, 2, 3]),
        (["1", "01", "3"], ["01", "1", "3"]),
        (["2024-01-01", "b", "c"], ["2024-01-01", "b", "c"]),
        ([2**60 + 1, 2**60, 3], [3, 2**60, 2**60 + 1]),
    ],
)
def test_labels_of_tasks(labels, expected):
    assert np.unique(prepare(table(site=labels * 8)).tasks).tolist() == expected


@pytest.mark.parametrize("name", ["x", "score"])
def test_numbers_that_stand_for_missing_ones_are_said(name):
    def said(values):
        notes = prepare(columns | {name: values}).notes
        return [note for note in notes if "stand for missing ones" in note]

    columns = table(30, x=np.random.default_rng(0).normal(size=30))
    values = columns[name].copy()
    assert not said(values)
    assert not said(np.arange(-999.0, -969.0))  # one of many
    values[::7] = -999
    (note,) = said(values)
    assert note.startswith("-999 (5 times)")
    assert note.endswith(f": {name}")


def test_dates_without_marks_are_said():
    days = [20240101 + 100 * (i % 12) + i for i in range(24)]
    notes = prepare(table(visit=days)).notes
    assert any("such as 20240101; written as 2024-01-01" in n for n in notes)
    days[3] = 20241301
    assert not any("look like dates" in n for n in prepare(table(visit=days)).notes)


def test_tasks_that_may_be_one_and_totals_are_said():
    sites = ["north", "North ", "south"] * 8
    notes = prepare(table(site=sites)).notes
    assert any(n.endswith("for different ones: North, north") for n in notes)
    sites[-1] = "Total"
    assert any("last row, task Total" in n for n in prepare(table(site=sites)).notes)
    assert not any("total" in n for n in prepare(table(site=sites[::-1])).notes)


def test_why_no_column_is_left():
    columns = table(visit=["01/02/2024", "03/04/2024"] * 12)
    with pytest.raises(ValueError, match=r"no column is left.*cannot be told apart"):
        prepare(columns, drop=["age", "dose"])


MARKS = ["-", "--", "–", "?", ".", "n/a", "N/A", "NA", "na", "null", "None", "Missing"]


@pytest.mark.parametrize("mark", MARKS)
def test_marks_of_missing_values_among_numbers(mark):
    forms = {"half": "{}.5", "share": "{} %", "cost": "€{},25", "day": "2024-05-{:02}"}
    columns = {
        name: [form.format(i) for i in range(24, 0, -1)] for name, form in forms.items()
    }
    found = {}
    for written in (mark, ""):
        for fields in columns.values():
            fields[3] = written
        found[written] = prepare(table(**columns))
    marked, empty = found[mark], found[""]
    np.testing.assert_array_equal(marked.X, empty.X)
    assert (np.isnan(marked.X).sum()[list(forms)] == 1).all()
    told = f"read as missing, {mark!r}: {', '.join(forms)}"
    assert told in marked.notes
    assert [note for note in marked.notes if note != told] == empty.notes


def test_marks_are_levels_of_other_text():
    kinds = ["+", "-", "missing"] * 8
    prepared = prepare(table(kind=kinds, none=["-", "?"] * 12))
    names = ["age", "dose", "kind=+", "kind=-"]
    assert prepared.X.columns.tolist()[:4] == names
    assert not any("read as missing" in note for note in prepared.notes)


def test_rows_whose_target_is_marked_as_missing_are_dropped():
    score = [f"{i / 7:.3f}" for i in range(24)]
    score[5] = "-"
    prepared = prepare(table(score=score))
    assert len(prepared.y) == 23
    assert "rows dropped, no target (column score): 1" in prepared.notes


@pytest.mark.parametrize("index", [False, True])
def test_periods_are_dates(index):
    months = pd.period_range("2024-01", periods=24, freq="M")
    seen = months if index else pd.Series(months)
    X = prepare(table(seen=seen)).X
    assert X["seen"].tolist()[:2] == [19723.0, 19754.0]
