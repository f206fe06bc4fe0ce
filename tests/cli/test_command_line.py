"""The command: tables it reads, what it prints, errors in one line."""

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import linmtl
from helpers.processes import python
from linmtl import __main__ as command
from linmtl.cli._files import read_table
from linmtl.cli._html import to_html
from linmtl.cli._markdown import to_markdown
from linmtl.cli._page import Heading, Picture, Table, Text
from linmtl.cli._report import percent
from linmtl.cli._table import make_problem
from linmtl.data._errors import InputError
from linmtl.datasets import load_heart_disease, load_parkinsons


def rows_of(n_tasks=3, n=16, seed=0):
    """Return a header and rows of text: two features, a target, a task."""
    rng = np.random.default_rng(seed)
    rows = [["a", "b", "score", "site"]]
    for t in range(n_tasks):
        for _ in range(n):
            a, b = rng.normal(size=2).round(3)
            y = round(a + t * b + 0.1 * rng.normal(), 3)
            rows.append([str(a), str(b), str(y), f"s{t}"])
    return rows


def write(path, rows, delimiter=",", encoding="utf-8", opener=open):
    with opener(path, "wt", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return str(path)


def run(path, *options, target="score", task="site", models="l21"):
    return command.main(
        [
            "compare",
            str(path),
            "--target",
            target,
            "--task",
            task,
            "--models",
            models,
            *options,
        ]
    )


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "table.csv", rows_of())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fits in cross-validation")
def test_main_job():
    """The bundled comparison, in a process of its own."""
    done = python("-m", "linmtl")
    assert done.returncode == 0, done.stderr
    steps = [line.split(":")[0] for line in done.stderr.splitlines()]
    assert steps == [f"model {i} of 6" for i in range(1, 7)]  # no terminal
    text = done.stdout
    assert max(map(len, text.splitlines())) <= 80
    line, table = {}, text.split("\nBest:")[0]
    for name in ("pooled", "independent", "mean-regularised", "L21", "trace norm"):
        (line[name],) = re.findall(rf"^{name} .* \d\.\d\d\d .*$", table, re.MULTILINE)
        assert "!" not in line[name]
    assert "certified to 1e-6" in text
    assert text.count(" <\n") == 1
    assert "one value per task in training: age, sex" in " ".join(text.split())
    assert "42 tasks, 17 features; 1456 rows to train" in text

    alpha, r2 = line["pooled"].split()[1:3]
    X, y, tasks = load_parkinsons(return_X_y=True)
    X = X[:, 2:]  # age and sex are constant within a task
    splitter = linmtl.model_selection.TaskShuffleSplit(
        1, train_size=0.25, stratify=False, random_state=0
    )
    train, test = next(splitter.split(X, y, groups=tasks))
    scaler = linmtl.TaskScaler().fit(X[train])
    X_train, X_test = scaler.transform(X[train]), scaler.transform(X[test])
    model = linmtl.PooledRegressor(float(alpha), task_intercepts=True)
    model.fit(X_train, y[train], tasks[train])
    assert model.score(X_test, y[test], tasks[test]) == pytest.approx(
        float(r2), abs=2e-3
    )
    model = linmtl.L21RegressorCV(alphas=20, tol=1e-6)
    model.fit(X_train, y[train], tasks[train])
    assert line["L21"].split()[1:3] == [
        f"{model.alpha_:.2g}",
        f"{model.score(X_test, y[test], tasks[test]):.3f}",
    ]
    model = linmtl.IndependentRegressor("cv", cv=5, tol=1e-6)
    model.fit(X_train, y[train], tasks[train])
    residual = y[test] - model.predict(X_test, tasks[test])
    mean = {t: y[test][tasks[test] == t].mean() for t in model.tasks_}
    about = y[test] - [mean[t] for t in tasks[test]]
    explained = 1 - residual @ residual / (about @ about)
    score, within = re.findall(r"-?\d\.\d{3}", line["independent"])
    assert float(within) == pytest.approx(explained, abs=1e-3)
    assert float(score) == pytest.approx(
        model.score(X_test, y[test], tasks[test]), abs=1e-3
    )


@pytest.mark.slow
def test_table_and_json_agree(table, tmp_path, capsys):
    output = tmp_path / "out.json"
    assert run(table, "--output", str(output), models="pooled,mean,l21") == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        "model 1 of 4: independent",
        "model 2 of 4: pooled",
        "model 3 of 4: mean-regularised",
        "model 4 of 4: L21",
        "which tasks are helped and hurt",
        f"wrote {output}",
    ]
    result = json.loads(output.read_text(encoding="utf-8"))
    assert result["linmtl"] == linmtl.__version__
    assert result["data"]["features"] == ["a", "b"]
    assert result["settings"]["seed"] == 0
    labels = {"pooled": "pooled", "mean": "mean-regularised", "l21": "L21"}
    alone = next(m for m in result["models"] if m["model"] == "independent")
    assert alone["alpha"] is None
    mean = next(m for m in result["models"] if m["model"] == "mean")
    (told,) = re.findall(r"alpha_mean\s+=\s+(\S+),", printed.out)
    assert float(told) == pytest.approx(mean["alpha_mean"], rel=0.05)
    for model in result["models"]:
        mse = [task["mse"] for task in model["tasks"]]
        ratio = np.array(mse) / [task["mse"] for task in alone["tasks"]]
        assert model["tasks_better"] == np.sum(ratio < 0.99)
        assert model["tasks_worse"] == np.sum(ratio > 1.01)
        assert model["certified"]
        if model["model"] in labels:
            r2, saved, count = r" +(-?\d\.\d{3})", r" +([-+]\S+) %", r" +(\d+)/(\d+) "
            pattern = f"^{labels[model['model']]} .*?{r2}{r2}{saved}{count}"
            found = re.search(pattern, printed.out, re.MULTILINE)
            assert found[1] == f"{model['r2']:.3f}"
            assert found[2] == f"{model['r2_within']:.3f}"
            assert f"{found[3]} %" == percent(model["median_saved"])
            assert int(found[4]) == model["tasks_better"]
            assert int(found[5]) == model["tasks_worse"]


@pytest.mark.slow
def test_heart_disease_from_csv(tmp_path, capsys):
    bunch = load_heart_disease()
    rows = [[*bunch.feature_names, "disease", "hospital"]]
    for x, y, task in zip(bunch.data, bunch.target, bunch.tasks, strict=True):
        features = ["?" if np.isnan(v) else f"{v:g}" for v in x]
        rows.append([*features, "sick" if y else "well", task])
    path = write(tmp_path / "heart.csv", rows)
    output = tmp_path / "heart.json"
    options = ("--output", str(output), "--train", "0.6", "--no-transfer")
    assert run(path, *options, target="disease", task="hospital", models="trace") == 0
    printed = capsys.readouterr().out
    assert "two values that are not numbers: classification" in printed
    assert "1759" in printed  # missing values
    assert "predict disease (sick or well)" in printed
    result = json.loads(output.read_text(encoding="utf-8"))
    assert result["data"]["kind"] == "classification"
    assert {m["model"] for m in result["models"]} == {"independent", "trace"}
    for model in result["models"]:
        assert 0.7 < model["accuracy"] < 0.95
        losses = [task["log_loss"] for task in model["tasks"]]
        assert model["mean_log_loss"] == pytest.approx(np.mean(losses))
        assert model["certified"]


@pytest.mark.slow
def test_deterministic_for_a_seed(table, tmp_path):
    results = []
    for seed in ("3", "3", "4"):
        output = tmp_path / "out.json"
        assert run(table, "--seed", seed, "--output", str(output)) == 0
        result = json.loads(output.read_text(encoding="utf-8"))
        for model in result["models"]:
            model.pop("seconds")
        results.append(result)
    assert results[0] == results[1]
    assert results[0]["models"] != results[2]["models"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("opener", [open, gzip.open])
def test_csv_variants(tmp_path, delimiter, encoding, opener):
    rows = [
        ["größe, cm", "note", "y", "task"],
        ["1.5", 'say "a; b"', "2", "01"],
        ["", "plain", "3", "1"],
        ["-2e3", "two\nlines", "4", "1"],
    ]
    path = write(tmp_path / "t.csv", rows, delimiter, encoding, opener)
    table = read_table(path)
    assert list(table.columns) == rows[0]
    assert table.columns["note"] == ['say "a; b"', "plain", "two\nlines"]
    problem = make_problem(table, "y", "task")
    assert problem.tasks.tolist() == ["01", "1", "1"]  # not the same number
    assert problem.feature_names[0] == "größe, cm"
    np.testing.assert_array_equal(problem.X[:, 0], [1.5, np.nan, -2000])
    assert problem.X.shape == (3, 4)  # one indicator for each of three notes


def test_what_is_made_of_the_columns(tmp_path):
    rows = [["", "x", "kind", "sex", "free", "void", "y", "task"]]
    for i in range(30):
        kind = "" if i == 0 else ("low", "mid", "high")[i % 3]
        sex = ("f", "m")[i % 2]
        rows.append(
            [str(i), f"{i},5", kind, sex, f"text {i}", "NA", str(i % 7), str(i // 15)]
        )
    rows[1][-2] = ""  # no target
    rows[2][-1] = "?"  # no task
    rows.append([])  # a blank line
    problem = make_problem(
        read_table(write(tmp_path / "t.csv", rows, ";")), "y", "task"
    )
    names = ["x", "kind=high", "kind=low", "kind=mid", "sex=m"]
    assert problem.feature_names == names
    assert problem.X.shape == (28, 5)
    assert problem.X[0, 0] == 2.5  # a decimal comma
    assert problem.tasks.dtype.kind == "i"
    text = "\n".join(problem.notes)
    for part in (
        "no target (column y): 1",
        "no task (column task): 1",
        "indicator per level: kind, sex",
        "more than 20 levels, dropped: free",
        "without any number, dropped: void",
        "column 1 dropped",
    ):
        assert part in text


def test_numeric_target_of_two_values(tmp_path):
    rows = rows_of()
    for i, row in enumerate(rows[1:]):
        row[2] = str(i % 2)
    table = read_table(write(tmp_path / "t.csv", rows))
    problem = make_problem(table, "score", "site")
    assert problem.classes is None
    assert "add --classify" in problem.notes[0]
    problem = make_problem(table, "score", "site", classify=True)
    assert problem.classes == ("0", "1")
    assert problem.notes == []


def _edited(column, values):
    rows = rows_of()
    for i, row in enumerate(rows[1:]):
        row[column] = values[i % len(values)]
    return rows


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (rows_of(), {"target": "scores"}, "did you mean 'score'? the columns are a, b"),
        (rows_of(), {"task": "patient"}, "--task: there is no column 'patient'"),
        (rows_of(), {"target": "site"}, "both 'site'"),
        (rows_of(), {"models": "l211"}, "did you mean 'l21'?"),
        (rows_of(1), {}, "needs two or more tasks"),
        (rows_of(20, 1), {}, "tasks has a single row"),
        (_edited(2, ["7"]), {}, "'score' is 7 in every row"),
        (_edited(2, ["inf", "1"]), {}, "infinite on line 2"),
        (_edited(2, ["1", "x", "3"]), {}, "not numeric: 16 of 48 rows"),
        (rows_of(), {"options": ["--classify"]}, "which tell nothing of each"),
        (_edited(2, [""]), {}, "no row has both"),
        ([["score", "site"], ["1", "a"], ["2", "b"]], {}, "no column is left"),
        ([["a", "a", "score"], ["1", "2", "3"]], {}, "several columns named a"),
        ([["a", "score"], ["1", "2"], ["1", "2", "3"]], {}, "line 3 has 3 fields"),
        ([["a", "score", "site"]], {}, "no rows"),
        ([["1.5", "2", ""], ["2", "3", "1"]], {}, "first line must name the columns"),
        ([], {}, "is empty"),
        (rows_of(), {"options": ["--train", "1.5"]}, "--train must be between"),
        (rows_of(), {"options": ["--train", "half"]}, "invalid float value: 'half'"),
        (rows_of(), {"options": ["--seed", "-1"]}, "--seed must be from 0"),
        (rows_of(), {"options": ["--nonsense"]}, "unrecognized arguments"),
        (rows_of(), {"options": ["--output", "."]}, "is a folder"),
        (rows_of(), {"options": ["--report", "."]}, "is a folder"),
        (rows_of(), {"options": ["--report", "no/such/x.html"]}, "no folder no/such"),
        (
            rows_of(),
            {"options": ["--report", "x", "--output", "x"]},
            "name the same file",
        ),
        (
            rows_of(),
            {"options": ["--report", "./x", "--output", "X"]},
            "--output and --report name the same file",
        ),
        (rows_of(), {"options": ["--drop", "c"]}, "--drop: there is no column 'c'"),
        (rows_of(), {"options": ["--features", "bb"]}, "did you mean 'b'?"),
        (rows_of(), {"options": ["--drop", "score"]}, "'score' is the target or"),
        (rows_of(), {"options": ["--drop", "a,b"]}, "no column is left"),
        (rows_of(), {"options": ["--decimal", ";"]}, "invalid choice: ';'"),
        (rows_of(), {"options": ["--output", "no/such/x.json"]}, "no folder no/such"),
    ],
)
def test_errors_take_one_line(tmp_path, capsys, rows, options, message):
    path = write(tmp_path / "t.csv", rows)
    options = dict(options)
    assert run(path, *options.pop("options", ()), **options) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("linmtl: error: ")
    assert printed.err.count("\n") == 1
    assert message in printed.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file"),
        (b"PK\x03\x04rest", "save the table as CSV"),
        (b"a,b\0", "not a text file"),
        (b"\x1f\x8bnot gzip", "cannot be read"),
        (b"", "is empty"),
        (b'a,b\n1,"2\n3,4\n', "a quote is not closed"),
    ],
)
def test_files_that_are_no_tables(tmp_path, capsys, content, message):
    path = tmp_path / "file.csv"
    if content is not None:
        path.write_bytes(content)
    assert run(path) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_folder_and_own_input(tmp_path, table):
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="name of the file is empty"):
        read_table("")
    assert run(table, "--output", table) == 2
    assert read_table(table).columns.keys() == {"a", "b", "score", "site"}


def planted_rows():
    """Five tasks that are alike and one that is their opposite."""
    rng = np.random.default_rng(0)
    rows = [[*(f"x{j}" for j in range(20)), "score", "site"]]
    w = rng.normal(size=20)
    for t in range(6):
        sign = -3.0 if t == 5 else 1.0
        for _ in range(120):
            x = rng.normal(size=20)
            y = sign * (x @ w) + 3.0 * rng.normal()
            rows.append([*(f"{v:.4f}" for v in x), f"{y:.4f}", f"site <{t}>"])
    return rows


@pytest.mark.slow
def test_tasks_helped_and_hurt(tmp_path, capsys):
    table = write(tmp_path / "planted.csv", planted_rows())
    output, page = tmp_path / "out.json", tmp_path / "page.html"
    options = "--output", str(output), "--report", str(page)
    assert run(table, *options, models="pooled") == 0
    out = capsys.readouterr().out
    result = json.loads(output.read_text(encoding="utf-8"))["transfer"]
    assert result["model"] == "PooledRegressor"
    assert " ".join(result["summary"].split()) in " ".join(out.split())
    verdicts = {row["task"]: row["verdict_alone"] for row in result["tasks"]}
    assert len(verdicts) == 6
    effects = {row["task"]: row["effect_alone"] for row in result["tasks"]}
    assert min(effects, key=effects.get) == "site <5>"
    assert verdicts["site <5>"] == "hurt"
    text = page.read_text(encoding="utf-8")
    # labels are text, and nothing is fetched
    assert "site &lt;5&gt;" in text
    assert "site <5>" not in text
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert "http" not in text
    assert result["summary"].split(":")[0] in text
    pictures = re.findall(r"data:image/png;base64,", text)
    assert len(pictures) == 1


def test_a_picture_that_could_not_be_drawn_is_told():
    blocks = [Heading("title", 1), Picture(None, "Savings of 4 tasks.")]
    assert "Savings of 4 tasks. Install matplotlib" in to_html(blocks)
    assert "Savings of 4 tasks." in to_markdown(blocks)


def test_formats_show_text_as_it_is():
    row = ("best", ("<i>|*", "1"))
    blocks = [Heading("a_b", 1), Text("# 1 < 2 & `x`"), Table("c", ["m", "n"], [row])]
    page, text = to_html(blocks), to_markdown(blocks)
    assert "<p># 1 &lt; 2 &amp; `x`</p>" in page
    assert '<th scope="row" class="word">&lt;i&gt;|*</th><td>1</td>' in page
    assert '<th scope="col">n</th>' in page
    assert "<caption>c</caption>" in page
    assert "\n\n\\# 1 &lt; 2 &amp; \\`x\\`\n\n" in text
    assert "| m | n |\n| :-- | --: |\n| &lt;i&gt;\\|\\* | 1 |" in text


@pytest.mark.slow
def test_report_and_table_agree_on_pooled(tmp_path, capsys):
    """Equal tasks at different levels: nothing is better than one model for all."""
    rng = np.random.default_rng(0)
    rows = [[*(f"x{j}" for j in range(5)), "score", "site"]]
    for t in range(6):
        for _ in range(40):
            x = rng.normal(size=5)
            y = x.sum() + 20 * t + rng.normal()
            rows.append([*(f"{v:.4f}" for v in x), f"{y:.4f}", f"s{t}"])
    table = write(tmp_path / "pool.csv", rows)
    output, page = tmp_path / "out.json", tmp_path / "page.html"
    options = "--output", str(output), "--report", str(page)
    assert run(table, *options, models="pooled,mean") == 0
    out = capsys.readouterr().out
    assert "both tuned on others" in " ".join(out.split())
    result = json.loads(output.read_text(encoding="utf-8"))
    within = {m["model"]: m["r2_within"] for m in result["models"]}
    assert within["pooled"] > within["independent"]
    rows = result["transfer"]["tasks"]
    assert "helped" not in {row["verdict_pooled"] for row in rows}
    # plus is good wherever the page or the command says it
    text = page.read_text(encoding="utf-8")
    assert '<th scope="col">saved</th>' in text
    assert "hange" not in text.split("</style>")[1].split("base64")[0]
    assert "change" not in out
    best = max(rows, key=lambda row: row["effect_alone"])
    assert best["effect_alone"] > 0
    assert f"<td>{100 * best['effect_alone']:+.1f} %</td>" in text


@pytest.mark.slow
def test_a_task_spoilt_by_sharing_is_hurt_on_the_page(tmp_path, capsys):
    rows = [row for row in planted_rows() if row[-1] != "site <5>"]
    for row in rows[1:]:
        if row[-1] == "site <0>":
            row[-2] = "1.5"
    table = write(tmp_path / "spoilt.csv", rows)
    page = tmp_path / "page.html"
    assert run(table, "--report", str(page), models="pooled") == 0
    out = capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "nan" not in out + re.sub('base64,[^"]*"', "", text)
    cells = "site &lt;0&gt;</th><td>120</td><td>-</td><td>-</td>"
    assert re.search(cells + r"<td>&lt;?0.0\d\d</td><td[^>]*>hurt</td>", text)
    one_split, many_splits = out.split("held out in turn")
    line = r"site <0> +60 +0\.0+ +\d+\.\d+ +-\n"  # no percentage of rounding
    assert re.search(line, one_split + "\n")
    assert re.search(r"hurt +site <0> +120 +- +-\n", many_splits)


def test_report_of_the_tasks_alone(tmp_path, capsys, table):
    page = tmp_path / "page.html"
    assert run(table, "--report", str(page), models="independent") == 0
    assert "held out in turn" not in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "<h2>Leaderboard</h2>" in text
    assert "<h2>Who is helped" not in text


@pytest.mark.slow
def test_output_that_fails_late(table, tmp_path, capsys, monkeypatch):
    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    output = tmp_path / "x.json"
    output.write_text("as it was")
    monkeypatch.setattr("linmtl.cli._write.os.fsync", refuse)
    assert run(table, "--output", str(output)) == 2
    printed = capsys.readouterr()
    assert "No space left" in printed.err
    assert "L21" in printed.out  # the table is not lost
    assert output.read_text() == "as it was"
    assert sorted(tmp_path.iterdir()) == sorted([output, Path(table)])


@pytest.mark.slow
def test_two_rows_a_task_are_not_celebrated(tmp_path, capsys):
    """Tasks that overfit alone are no evidence for a model without coefficients."""
    rng = np.random.default_rng(1)
    rows = [["reaction", "days", "subject"]]
    for subject in range(18):
        level, slope = 250 + 25 * rng.normal(), 10 + 6 * rng.normal()
        for day in range(10):
            value = level + slope * day + 25 * rng.normal()
            rows.append([f"{value:.2f}", str(day), str(subject)])
    table = write(tmp_path / "sleep.csv", rows)
    columns = {"target": "reaction", "task": "subject"}
    assert run(table, "--train", "0.2", models="l21", **columns) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "is null, its coefficients are zero: it is the task means" in printed
    assert "saves what learning alone overfits" in printed
    assert "Best: L21" not in printed


@pytest.mark.slow
def test_files_that_are_replaced_are_named(table, tmp_path, capsys):
    output, page = tmp_path / "x.json", tmp_path / "x.html"
    page.write_text("old")
    options = "--no-transfer", "--output", str(output), "--report", str(page)
    assert run(table, *options) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[-2:] == [f"wrote {output}", f"replaced {page}"]
    assert json.loads(output.read_text(encoding="utf-8"))["transfer"] is None
    assert "helped and hurt" not in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_columns_are_dropped_and_chosen(tmp_path, capsys):
    rows = rows_of()
    rows[0][1] = "size, cm"
    rows = [[str(i), *row] for i, row in enumerate(rows)]
    rows[0][0] = "id"
    table = write(tmp_path / "t.csv", rows)
    output = tmp_path / "x.json"
    options = "--no-transfer", "--output", str(output)

    def features(*chosen):
        assert run(table, *options, *chosen) == 0
        return json.loads(output.read_text(encoding="utf-8"))["data"]["features"]

    assert features() == ["a", "size, cm"]
    assert "ids, dropped (--features keeps them): id" in capsys.readouterr().out
    assert features("--features", "*") == ["id", "a", "size, cm"]
    assert "an id? --drop leaves it out: id" in capsys.readouterr().out
    assert features("--drop", "id") == ["a", "size, cm"]
    assert "columns left out as asked: id" in capsys.readouterr().out
    assert features("--drop", "id,a") == ["size, cm"]
    assert features("--drop", "size, cm", "--drop", "id") == ["a"]
    assert features("--features", "size*,a") == ["a", "size, cm"]
    assert features("--features", "*", "--drop", "i?") == ["a", "size, cm"]


@pytest.mark.slow
def test_table_from_standard_input(table, monkeypatch, capsys):
    stdin = io.TextIOWrapper(io.BytesIO(Path(table).read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run("-", "--no-transfer") == 0
    piped = capsys.readouterr().out
    assert piped.startswith("standard input: predict score; a task is a site\n")
    assert run(table, "--no-transfer") == 0
    direct = capsys.readouterr().out
    seconds = re.compile(r"\d+\.\d( <)?$", re.MULTILINE)  # the last column
    assert (
        seconds.sub("", piped).split("\n", 1)[1]
        == (seconds.sub("", direct).split("\n", 1)[1])
    )


@pytest.mark.slow
def test_notes_on_reading_are_printed(tmp_path, capsys):
    rows = rows_of()
    for i, row in enumerate(rows[1:]):
        row[0] = f"{i + 1},{100 + i:03}.5"
        row[3] = {"s0": "é"}.get(row[3], row[3])
    path = write(tmp_path / "t.csv", rows, ";", "latin-1")
    assert run(path, "--no-transfer") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "byte 0xE9 on line 2 is not UTF-8" in printed
    assert "thousands separators, 1,100.5 read as 1100.5: a" in printed


@pytest.mark.slow
def test_decimal_marks(tmp_path, capsys):
    rows = rows_of()
    for i, row in enumerate(rows[1:]):
        row[0], row[2] = f"{i + 1},{100 + i:03}", str(i % 5)
        row[1] = str(i % 7)
    path = write(tmp_path / "t.csv", rows, ";")
    assert run(path, "--no-transfer") == 0
    assert "1,100 read as 1.1 (a guess;" in " ".join(capsys.readouterr().out.split())
    assert run(path, "--no-transfer", "--decimal", ".") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "1,100 read as 1100: a" in printed
    assert "guess" not in printed


@pytest.mark.slow
def test_table_is_shown_before_the_report(table, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "transfer_report", interrupt)
    assert run(table) == 130
    assert "R2 within" in capsys.readouterr().out
    assert run(table, "--no-transfer") == 0


def test_missing_arguments(capsys):
    assert command.main(["compare"]) == 2
    assert "required: FILE.csv, --target, --task" in capsys.readouterr().err
    assert command.main(["contrast"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--version", f"linmtl {linmtl.__version__}"),
        ("--help", "linmtl compare visits.csv --target score --task patient"),
        ("--help", "exit codes: 0 done; 1 doctor found something to mend; 2 what"),
        ("--help", "Do your patients, sites or sensors predict better together"),
    ],
)
def test_version_and_help(capsys, option, text):
    with pytest.raises(SystemExit) as done:
        command.main([option])
    assert done.value.code == 0
    assert text in capsys.readouterr().out


@pytest.mark.slow
def test_progress_on_a_terminal(table, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert run(table) == 0
    said = capsys.readouterr().err
    assert "\rmodel 2 of 2: L21, fold 5 of 5" in said
    assert "\n" not in said
    assert said.endswith(" \r")  # wiped out


def test_ctrl_c_is_quiet(table, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "compare", interrupt)
    assert run(table) == 130
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="signals differ")
@pytest.mark.parametrize("to_write", [False, True])
@pytest.mark.slow
def test_reader_that_leaves_early(table, tmp_path, to_write):
    output = tmp_path / "x.json"
    option = ["--output", str(output)] * to_write
    process = subprocess.Popen(
        [sys.executable, "-m", "linmtl", "compare", table, "--target", "score"]
        + ["--task", "site", "--models", "l21", *option],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    steps = ["model 1 of 2: independent", "model 2 of 2: L21"]
    if to_write:
        steps += ["which tasks are helped and hurt", f"wrote {output}"]
        assert json.loads(output.read_text(encoding="utf-8"))["transfer"]
    assert error.splitlines() == steps


def test_test_parts_of_one_row_are_an_error_not_a_verdict(table, capsys):
    assert run(table, "--train", "0.99") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no task has two different targets in its test part" in printed.err
    assert "nan" not in printed.err


@pytest.mark.slow
def test_names_stay_on_their_line(tmp_path, capsys):
    rows = planted_rows()
    names = {"site <0>": "north\nwing", "site <1>": "a\tb", "site <5>": "<i>\x1b[1m"}
    rows = [[names.get(field, field) for field in row] for row in rows]
    rows[0] = ["feature\none", *rows[0][1:-2], "the\nscore", "the\tsite"]
    rows[0][1:3] = ["word\nx", "<b>words</b>"]
    for i, row in enumerate(rows[1:]):
        row[1:3] = [f"w{i}", "xy"[i % 2]]
    table = write(tmp_path / "names.csv", rows)
    page = tmp_path / "page.html"
    options = "--report", str(page)
    columns = {"target": "the\nscore", "task": "the\tsite"}
    assert run(table, *options, models="pooled", **columns) == 0
    out = capsys.readouterr().out
    title = out.split("\n")[0]
    assert title.endswith(r"predict 'the\nscore'; a task is a 'the\tsite'")
    assert not set(out) & set("\t\x1b")
    assert r"levels, dropped: 'word\nx'" in out
    helped = out[out.index("Tasks that pooled helps and hurts") :].split("\n\n")[0]
    lines = helped.split("\n")[1:]
    assert len({len(line) for line in lines}) == 1  # aligned to the right
    assert sum(r"'north\nwing'  " in line for line in lines) == 1
    text = page.read_text(encoding="utf-8")
    assert ">&#x27;north\\nwing&#x27;</th>" in text
    assert "&lt;i&gt;\\x1b[1m" in text
    assert "text encoded by an indicator per level: &lt;b&gt;words&lt;/b&gt;" in text
    assert not set(text) & set("\t\x1b")
    assert "<i>" not in text
    assert "<b>" not in text
