"""The command with losses other than the squared one, and with offsets."""

import csv
import io
import json

import numpy as np
import pytest
from joblib import parallel_config
from scipy.optimize import minimize_scalar
from sklearn.metrics import mean_poisson_deviance

from linmtl import IndependentRegressor, PooledRegressor
from linmtl import __main__ as command
from linmtl.cli._compare import compare, transfer_report
from linmtl.cli._judge import constant_losses
from linmtl.cli._models import loss_named
from linmtl.cli._report import render
from linmtl.cli._suspicions import looks_like_counts
from linmtl.data._errors import InputError
from linmtl.losses import LOSSES
from linmtl.transfer import negative_transfer_report

COUNTS = ["--loss", "poisson"]


def visits(n_tasks=3, n=24, seed=0):
    """Return features, counts, tasks and the logarithm of days under observation."""
    rng = np.random.default_rng(seed)
    tasks = np.repeat(np.arange(n_tasks), n)
    X, days = rng.normal(size=(tasks.size, 2)), rng.integers(1, 60, tasks.size)
    y = rng.poisson(days * np.exp(0.5 * X[:, 0] - 2.0))
    return X, y, tasks, np.log(days)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "visits.csv"
    write(path)
    return path


def write(path, change=None, **size):
    X, y, tasks, offset = visits(**size)
    columns = {
        "a": X[:, 0].round(3),
        "b": X[:, 1].round(3),
        "site": [f"s{t}" for t in tasks],
        "days": np.exp(offset).round(),
        "log_days": offset,
        "visits": y,
    }
    columns = {name: [str(v) for v in values] for name, values in columns.items()}
    for name, text in (change or {}).items():
        columns[name][4] = text
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *zip(*columns.values(), strict=True)])


def run(path, *options):
    asked = ["--target", "visits", "--task", "site", "--models", "pooled"]
    return command.main(["compare", str(path), *asked, *options])


@pytest.mark.slow
def test_counts_are_judged_by_their_deviance():
    X, y, tasks, offset = visits()
    loss = loss_named("poisson")
    found = compare(X, y, tasks, models=["pooled", "mixed"], loss=loss, offset=offset)
    assert [model.name for model in found.models] == ["independent", "pooled"]
    assert "without mixed effects, which does not take the loss poisson" in found.notes
    data = found.data
    model = IndependentRegressor(
        "cv", cv=found.cv, per_task="auto", loss="poisson", tol=found.alone.tol
    )
    model.fit(data.X_train, data.y_train, data.tasks_train, offset=data.offset_train)
    predicted = model.predict(data.X_test, data.tasks_test, offset=data.offset_test)
    np.testing.assert_allclose(predicted, np.exp(found.alone.predicted), rtol=1e-6)
    alone = level = 0.0
    for t, by_hand in enumerate(found.alone.task_loss):
        rows = data.tasks_test == t
        rate = data.y_test[rows].sum() / np.exp(data.offset_test[rows]).sum()
        constant = rate * np.exp(data.offset_test[rows])
        each = mean_poisson_deviance(data.y_test[rows], predicted[rows])
        assert by_hand == pytest.approx(each)
        alone += rows.sum() * each
        level += rows.sum() * mean_poisson_deviance(data.y_test[rows], constant)
    assert found.alone.within == pytest.approx(1 - alone / level)
    # what a row is observed for is not explained, and is no feature
    assert found.levels.within < 0.05
    text = render(found, "title")
    assert "fitted and judged by the Poisson deviance (loss poisson)" in text
    assert "D2" in text
    assert "R2" not in text


@pytest.mark.slow
def test_the_offset_goes_with_the_model(table, tmp_path, capsys):
    model, told, page = (tmp_path / name for name in ("m.json", "o.json", "r.md"))
    options = ["--loss", "poisson", "--exposure", "days", "--drop", "log_days"]
    files = [
        "--save",
        str(model),
        "--output",
        str(told),
        "--report",
        str(page),
        "--no-transfer",
    ]
    assert run(table, *options, *files) == 0
    result = json.loads(told.read_text())
    assert result["settings"]["loss"] == "poisson"
    assert result["data"]["exposure"] == "days"
    assert result["data"]["features"] == ["a", "b"]
    assert "logarithm of the exposure, days" in page.read_text()
    capsys.readouterr()
    assert command.main(["predict", str(model), str(table)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    predicted = np.array([float(row["prediction"]) for row in rows])
    X, y, tasks, offset = visits()
    assert predicted.sum() == pytest.approx(y.sum(), rel=1e-3)  # of each task
    alpha = result["models"][1]["alpha"]
    by_hand = PooledRegressor(alpha, loss="poisson", task_intercepts=True)
    by_hand.fit(X, y, tasks, offset=offset)
    expected = by_hand.predict(X, tasks, offset=offset)
    assert np.corrcoef(predicted, expected)[0, 1] > 0.99
    # the same column on the scale of the linear predictor
    assert (
        command.main(["predict", str(model), str(table), "--offset", "log_days"]) == 0
    )
    again = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    values = [float(row["prediction"]) for row in again]
    np.testing.assert_allclose(values, predicted)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, ["--loss", "poison"], "did you mean 'poisson'?"),
        (
            {},
            ["--loss", "logistic"],
            "the losses of numbers are squared, huber[:delta]",
        ),
        ({}, ["--loss", "huber:-1"], "huber_delta must be a finite number > 0"),
        ({}, ["--loss", "huber:1:2"], "it is huber[:delta]"),
        ({}, ["--loss", "poisson", "--classify"], "--classify has the log-loss"),
        ({"visits": "-3"}, ["--loss", "poisson"], "1 negative values, the first -3.0"),
        ({"log_days": ""}, ["--offset", "log_days"], "no finite number on line 6"),
        ({"log_days": "inf"}, ["--offset", "log_days"], "no finite number on line 6"),
        ({"days": "0"}, [*COUNTS, "--exposure", "days"], "must be > 0, and is not on"),
        ({}, ["--exposure", "days"], "is for losses of means exp(eta)"),
        ({}, ["--loss", "huber", "--exposure", "days"], "means exp(eta)"),
        ({}, ["--classify", "--offset", "b"], "an offset is for numbers and two"),
        ({}, ["--offset", "site"], "--task and --offset are both 'site'"),
        ({"days": "x"}, ["--offset", "days"], "column 'days' holds no numbers"),
        ({}, ["--offset", "hours"], "--offset: there is no column 'hours'"),
        ({}, ["--offset", "days", "--exposure", "days"], "not allowed with"),
        ({}, ["--offset", "days", "--drop", "days"], "the task or the offset column"),
    ],
)
def test_errors_take_one_line(tmp_path, capsys, change, options, message):
    path = tmp_path / "t.csv"
    write(path, change)
    assert run(path, *options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    "name", [name for name, loss in LOSSES.items() if not loss.classify]
)
def test_the_best_constant_of_each_task(name):
    rng = np.random.default_rng(0)
    loss, code = loss_named(name), np.repeat([0, 2], [9, 6])
    y, offset = rng.gamma(2.0, size=15), rng.normal(size=15)
    weight = rng.integers(0, 3, 15).astype(float)
    found = constant_losses(loss, y, offset, weight, code, 3)
    assert found[1] == 0.0  # no rows
    for t in (0, 2):
        rows = code == t

        def mean(b, rows=rows):
            value = loss.value(y[rows], offset[rows] + b)
            return loss.score.factor * np.average(value, weights=weight[rows])

        assert found[t] == pytest.approx(minimize_scalar(mean).fun, rel=1e-6)


def test_counts_of_zero_have_no_loss_about_their_constant():
    y, code = np.array([0.0, 0.0, 1.0, 3.0]), np.array([0, 0, 1, 1])
    found = constant_losses(loss_named("poisson"), y, 0 * y, y * 0 + 1, code, 2)
    assert found[0] == 0.0
    assert found[1] == pytest.approx(mean_poisson_deviance(y[2:], [2.0, 2.0]))


@pytest.mark.parametrize(
    ("draw", "counts"),
    [
        (lambda rng: rng.poisson(1.5, 200), True),
        (lambda rng: rng.poisson(rng.gamma(1.0, 9.0, 300)), True),
        (lambda rng: rng.binomial(100, 0.6, 300), False),  # marks
        (lambda rng: rng.integers(0, 11, 300), False),  # a scale from 0 to 10
        (lambda rng: rng.integers(1, 6, 300), False),
        (lambda rng: rng.normal(size=50), False),
        (lambda rng: rng.integers(0, 2, 50), False),
    ],
)
def test_targets_that_look_like_counts(draw, counts):
    rng = np.random.default_rng(0)
    assert looks_like_counts(draw(rng).astype(float)) == counts


def test_losses_are_for_numbers(table):
    text = table.read_text().replace("visits", "seen")
    lines = text.splitlines()
    named = [f"{line},{'no' if i % 2 else 'yes'}" for i, line in enumerate(lines[1:])]
    table.write_text("\n".join([f"{lines[0]},visits", *named]))
    assert run(table, "--loss", "poisson") == 2


@pytest.mark.slow
def test_jobs_give_the_same_numbers(tmp_path):
    """In threads here: processes take seconds to start."""
    table, found = tmp_path / "t.csv", []
    write(table, n_tasks=2, n=12)
    for jobs in ("1", "2"):
        path = tmp_path / f"{jobs}.json"
        with parallel_config(backend="threading"):
            assert run(table, "--jobs", jobs, "--output", str(path)) == 0
        result = json.loads(path.read_text())
        del result["data"]["command"]
        for model in result["models"]:
            del model["seconds"]
        found.append(result)
    assert found[0] == found[1]
    assert found[0]["transfer"] is not None


@pytest.mark.slow
def test_offsets_are_in_the_report_on_transfer(monkeypatch):
    X, y, tasks, offset = visits(n_tasks=2, n=12)
    loss, seen = loss_named("poisson"), {}
    found = compare(X, y, tasks, models=["pooled"], loss=loss, offset=offset)

    def spy(model, X, y, tasks, **settings):
        return seen.update(settings, model=model, y=y) or report

    report = negative_transfer_report(
        PooledRegressor(), X, y, tasks, baseline=PooledRegressor(), cv=2, n_repeats=1
    )
    monkeypatch.setattr("linmtl.cli._compare.negative_transfer_report", spy)
    transfer_report(found)
    assert seen["model"].loss == seen["pooled"].loss == "poisson"
    both = [
        sorted(zip(*pair, strict=True))
        for pair in ((y, offset), (seen["y"], seen["offset"]))
    ]
    assert both[0] == both[1]


def test_names_of_losses_are_read_with_their_parameters():
    assert loss_named("huber:2.5").delta == 2.5
    loss = loss_named("quantile:0.9:0.01")
    assert (loss.level, loss.smoothing) == (0.9, 0.01)
    with pytest.raises(InputError, match="could not convert"):
        loss_named("tweedie:x")
