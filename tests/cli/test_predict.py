"""The command ``predict``: the predictions of the model, for a table as it is."""

import csv
import io
import json

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

import linmtl
from linmtl import L21Classifier, L21Regressor, TaskScaler
from linmtl import __main__ as command
from linmtl.export import from_json, to_json

HEADER = ["dose", "visit", "clinic", "site", "score"]


def rows(n=24, seed=0):
    rng = np.random.default_rng(seed)
    for i in range(n):
        dose = f"{rng.uniform(900, 2000):,.1f}"
        day = f"2024-01-{rng.integers(1, 29):02d}"
        clinic = ("north", "south", "west")[rng.integers(3)]
        yield [dose, day, clinic, "ab"[i % 2], f"{rng.normal():.3f}"]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "visits.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows()])
    return path


def saved(tmp_path, model):
    path = tmp_path / "model.json"
    path.write_text(to_json(model))
    return str(path)


def predicted(capsys):
    out, err = capsys.readouterr()
    return list(csv.DictReader(io.StringIO(out))), err


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--classify"]], ids=["numbers", "classes"])
def test_the_model_that_compare_has_saved(more, tmp_path, capsys):
    """Fitted to all rows; for the table as it is, with what is missing in it."""
    path, model = tmp_path / "visits.csv", tmp_path / "model.json"
    lines = list(rows(60))
    for line in lines:
        line[1] = "/".join(reversed(line[1].split("-")))  # 28/01/2024
    for line in lines[::9]:
        line[0] = ""
    if more:
        for line in lines:
            line[4] = "sick" if float(line[4]) > 0 else "well"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *lines])
    asked = ["--target", "score", "--task", "site", "--models", "independent,l21"]
    asked += ["--no-transfer", "--save", str(model), *more]
    assert command.main(["compare", str(path), *asked]) == 0
    assert f"wrote {model}" in capsys.readouterr().err
    assert command.main(["predict", str(model), str(path)]) == 0
    found, _ = predicted(capsys)

    X, _, tasks, _ = linmtl.prepare(path, "score", "site")
    content = json.loads(model.read_text())
    assert content["scalers"][0]["fill"] == X.median().tolist()
    read_so = {"decimal": ".", "day_first": {"visit": True}}
    assert content["table"] == {
        "task": "site",
        **read_so,
        "dates": ["visit"],
        "base": {},
        "offset": None,
    }
    again = from_json(model.read_text())
    expected = again.predict(X, tasks=tasks)
    assert [row["site"] for row in found] == tasks.tolist()
    assert [row["prediction"] for row in found] == [str(value) for value in expected]
    # a table of one row, whose number and date alone could be read either way
    with path.open("w", newline="") as file:
        row = ["1,234", "02/01/2024", *lines[0][2:4]]
        csv.writer(file).writerows([HEADER[:4], row])
    assert command.main(["predict", str(model), str(path)]) == 0
    day = np.datetime64("2024-01-02").astype(int)
    one = X.iloc[:1].assign(dose=1234.0, visit=float(day))
    expected = again.predict(one, tasks=tasks[:1])
    assert predicted(capsys)[0][0]["prediction"] == str(expected[0])


def test_the_columns_of_prepare_are_made_again(table, tmp_path, capsys):
    X, y, tasks, _ = linmtl.prepare(table, "score", "site")
    model = make_pipeline(TaskScaler(), L21Regressor(0.01))
    model.fit(X, y, l21regressor__tasks=tasks)
    path = saved(tmp_path, model)
    assert command.main(["predict", path, str(table), "--task", "site"]) == 0
    found, notes = predicted(capsys)
    assert [row["site"] for row in found] == tasks.tolist()
    expected = model.predict(X, tasks=tasks)
    assert [float(row["prediction"]) for row in found] == expected.tolist()
    assert "note: dates read as days since 1970-01-01: visit" in notes
    # and written to a file
    out = tmp_path / "out.csv"
    command.main(["predict", path, str(table), "--task", "site", "--output", str(out)])
    assert len(out.read_text().splitlines()) == 25
    assert "wrote" in capsys.readouterr().err


def test_a_task_column_and_probabilities(table, tmp_path, capsys):
    pd = pytest.importorskip("pandas")
    X, y, tasks, _ = linmtl.prepare(table, "score", "site")
    frame = pd.DataFrame(X).assign(site=tasks)
    model = L21Classifier(0.01, task_column="site")
    model.fit(frame, np.where(y > 0, "up", "down"))
    assert command.main(["predict", saved(tmp_path, model), str(table)]) == 0
    found, _ = predicted(capsys)
    assert [row["prediction"] for row in found] == model.predict(frame).tolist()
    p = [float(row["probability up"]) for row in found]
    assert p == model.predict_proba(frame)[:, 1].tolist()


def test_truth_values_are_called_alike_in_every_column(table, tmp_path, capsys):
    X, y, tasks, _ = linmtl.prepare(table, "score", "site")
    path = saved(tmp_path, L21Classifier(0.01).fit(X, y > 0, tasks))
    assert command.main(["predict", path, str(table), "--task", "site"]) == 0
    for row in predicted(capsys)[0]:
        other = {"True": "False", "False": "True"}[row["prediction"]]
        likely, rest = (
            float(row[f"probability {name}"]) for name in (row["prediction"], other)
        )
        assert likely >= rest


def test_models_without_names(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 2)), rng.normal(size=(20, 3))
    path = tmp_path / "t.csv"
    np.savetxt(path, X, delimiter=",", header="u,v", comments="", fmt="%.17g")
    wide = L21Regressor(0.01).fit(X, Y)
    assert command.main(["predict", saved(tmp_path, wide), str(path)]) == 0
    found, _ = predicted(capsys)
    assert list(found[0]) == [f"prediction {t}" for t in range(3)]
    assert [list(map(float, r.values())) for r in found] == wide.predict(X).tolist()
    options = ["--features", "v,u"]  # in this order
    assert command.main(["predict", saved(tmp_path, wide), str(path), *options]) == 0
    found, _ = predicted(capsys)
    swapped = wide.predict(X[:, ::-1])
    assert [list(map(float, r.values())) for r in found] == swapped.tolist()


def test_features_that_a_task_does_not_have_may_be_empty(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(20, 3)), np.array(["a", "b"] * 10)
    X[tasks == "b", 1] = np.nan
    model = L21Regressor(0.01).fit(X, X[:, 0], tasks)
    path = tmp_path / "t.csv"
    lines = [
        ["" if v != v else v for v in [*x, t]] for x, t in zip(X, tasks, strict=True)
    ]
    for gap, code in ((None, 0), (2, 2)):
        if gap is not None:
            lines[gap][1] = ""  # task a has it
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([["u", "v", "w", "site"], *lines])
        asked = ["predict", saved(tmp_path, model), str(path), "--task", "site"]
        assert command.main(asked) == code
        found, err = predicted(capsys)
        if gap is None:
            said = [float(row["prediction"]) for row in found]
            assert said == model.predict(X, tasks).tolist()
    assert "column 'v' has no number on line 4;" in err


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, [], "--task COLUMN says which column"),
        ({}, ["--task", "sitte"], "there is no column 'sitte'; did you mean 'site'?"),
        ({"site": "c"}, ["--task", "site"], "tasks that the model does not know: c"),
        ({"site": ""}, ["--task", "site"], "'site' has no label on line 2 and 23 more"),
        ({"dose": ""}, ["--task", "site"], "'dose' has no number on line 2"),
        (
            {"dose": "much"},
            ["--task", "site"],
            "'dose' holds text; the model needs numbers, 'much' on line 2 and 23 more",
        ),
    ],
)
def test_errors_take_one_line(table, tmp_path, capsys, change, options, message):
    X, y, tasks, _ = linmtl.prepare(table, "score", "site")
    path = saved(tmp_path, L21Regressor(0.01).fit(X, y, tasks))
    columns = dict(zip(HEADER, zip(*rows(), strict=True), strict=True))
    columns |= {name: (value,) * 24 for name, value in change.items()}
    columns = {k: v for k, v in columns.items() if v[0] is not None}
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *zip(*columns.values(), strict=True)])
    assert command.main(["predict", path, str(table), *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err.splitlines()[-1]


def test_models_that_are_none(table, tmp_path, capsys):
    other = tmp_path / "other.json"
    for text, message in (
        (None, "No such file"),
        ("{}", "no model written by linmtl.export.to_json"),
        (
            "a,b\n1,2\n",
            "this is no JSON: Expecting value: line 1 column 1 (char 0); the "
            "model stands first, then the table",
        ),
        (json.dumps({"format": "linmtl model", "format_version": 7}), "version 7"),
    ):
        if text is not None:
            other.write_text(text)
        assert command.main(["predict", str(other), str(table)]) == 2
        assert message in capsys.readouterr().err
    assert (
        command.main(["predict", str(other), str(table), "--output", str(table)]) == 2
    )
    assert "is the table itself" in capsys.readouterr().err


def test_levels_that_the_model_does_not_know(table, tmp_path, capsys):
    X, y, tasks, _ = linmtl.prepare(table, "score", "site")
    path = saved(tmp_path, L21Regressor(0.01).fit(X, y, tasks))
    table.write_text(table.read_text().replace("west", "east"))
    assert command.main(["predict", path, str(table), "--task", "site"]) == 0
    assert (
        "column clinic has levels without a coefficient: east" in predicted(capsys)[1]
    )


def test_a_column_of_text_that_is_missing_is_named_as_in_the_table(
    table, tmp_path, capsys
):
    X, y, tasks, _ = linmtl.prepare(table, "score", "site")
    path = saved(tmp_path, L21Regressor(0.01).fit(X, y, tasks))
    table.write_text(table.read_text().replace("clinic", "place", 1))
    assert command.main(["predict", path, str(table), "--task", "site"]) == 2
    assert predicted(capsys)[1].rstrip().endswith("not there: clinic")


def test_what_the_model_cannot_know_is_said(tmp_path, capsys):
    """Rows are predicted all the same, and nobody has to guess by what."""
    path, file = tmp_path / "visits.csv", tmp_path / "model.json"
    head = "dose,seen,sex,site,score"
    lines = [
        f"{3 * i % 11},2024-05-{i:02},{'fm'[i % 2]},{i % 3}.0,{i**2}"
        for i in range(1, 31)
    ]
    path.write_text("\n".join([head, *lines]))
    X, y, tasks, _ = linmtl.prepare(path, "score", "site")
    last = L21Regressor(0.1, handle_unknown="mean")
    model = make_pipeline(SimpleImputer(strategy="median"), last)
    model.fit(X, y, l21regressor__tasks=tasks)
    content = json.loads(to_json(model))
    table = {"task": "site", "dates": ["seen"], "base": {"sex": "f"}}
    file.write_text(json.dumps({**content, "table": table}))
    path.write_text(f"{head}\n3,7,x,1,\n,8,,2.0,\n3,9,m,7,\n")
    assert command.main(["predict", str(file), str(path)]) == 0
    found, notes = predicted(capsys)
    frame = X.iloc[:3].assign(dose=[3.0, np.nan, 3.0], seen=[7.0, 8.0, 9.0])
    frame["sex=m"] = [0.0, 0.0, 1.0]
    expected = model.predict(frame, tasks=np.array([1, 2, 7]))
    assert [float(row["prediction"]) for row in found] == expected.tolist()
    for note in (
        "tasks that the model does not know, predicted by what its tasks have in "
        "common (1 of 3): 7",
        "missing values replaced by the median of the rows in fit (1): dose",
        "dates in fit, here numbers, which are taken for days since 1970-01-01: seen",
        "column sex has levels without a coefficient, read as f: x",
        "missing values of text, read as no level that has a coefficient (1): sex",
    ):
        assert note in notes


@pytest.mark.parametrize("fitted", ["{}", "{}.0", "0{}", "{}.5"])
@pytest.mark.parametrize("asked", ["{}", "{}.0", "0{}"])
def test_numbers_of_tasks_are_known_however_they_are_written(
    fitted, asked, tmp_path, capsys
):
    """A column of whole numbers is written as 1.0 where some rows have none."""
    path, file = tmp_path / "visits.csv", tmp_path / "model.json"
    lines = [f"{fitted.format(i % 2) if i else '7.0'},{i},{i}" for i in range(9)]
    path.write_text("\n".join(["site,dose,score", *lines]))
    X, y, tasks, _ = linmtl.prepare(path, "score", "site")
    file.write_text(to_json(L21Regressor(0.01).fit(X, y, tasks)))
    path.write_text(f"site,dose\n{asked.format(7)},3\n")
    assert command.main(["predict", str(file), str(path), "--task", "site"]) == 0
    assert "does not know" not in predicted(capsys)[1]


def test_tasks_that_the_model_has_not_seen(tmp_path, capsys):
    path, file = tmp_path / "shops.csv", tmp_path / "model.json"
    path.write_text(
        "shop,u,y\n" + "\n".join(f"{'ab'[i % 2]},{i},{i}" for i in range(9))
    )
    X, y, tasks, _ = linmtl.prepare(path, "y", "shop")
    scaler = TaskScaler(within_task=True, task_column="shop")
    model = make_pipeline(scaler, L21Regressor(0.1, task_column="shop"))
    X = X.assign(shop=tasks)
    file.write_text(to_json(model.fit(X, y)))
    path.write_text("shop,u\nb,3\nc,4\n")
    asked = ["predict", str(file), str(path)]
    assert command.main(asked) == 2
    assert "does not know: c; --unknown-tasks mean" in capsys.readouterr().err
    assert command.main([*asked, "--unknown-tasks", "mean"]) == 0
    found, notes = predicted(capsys)
    assert "have in common (1 of 2): c" in notes
    for step in ("taskscaler", "l21regressor"):
        model.set_params(**{f"{step}__handle_unknown": "mean"})
    new = X.iloc[:2].assign(u=[3.0, 4.0], shop=["b", "c"])
    assert [float(row["prediction"]) for row in found] == model.predict(new).tolist()
    file.write_text(to_json(model))  # what the model says itself, and the option
    assert command.main(asked) == 0
    assert command.main([*asked, "--unknown-tasks", "error"]) == 2
    assert "does not know: c" in capsys.readouterr().err


def test_models_without_a_model_of_new_tasks_say_so(table, tmp_path, capsys):
    X, y, tasks, _ = linmtl.prepare(table, "score", "site")
    alone = L21Regressor(0.1).fit(X, y)
    ordered = linmtl.OrdinalClassifier().fit(X, np.arange(len(y)) % 3, tasks)
    asked = [str(table), "--task", "site", "--unknown-tasks", "mean"]
    for model, options, told in (
        (alone, [asked[0], *asked[3:]], "the model was fitted without tasks"),
        (ordered, asked, "have no model in common"),
    ):
        assert command.main(["predict", saved(tmp_path, model), *options]) == 2
        err = capsys.readouterr().err
        assert "--unknown-tasks mean: " in err
        assert told in err
