"""The benchmark judges solvers by formulas of its own: they agree with the package."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.files import ROOT
from helpers.processes import python
from linmtl import MultiTaskClassifier, MultiTaskRegressor, stack_tasks
from linmtl.path import alpha_max
from linmtl.penalties import L1, L21, MeanRegularized, TraceNorm

PENALTIES = {"l21": L21, "trace": TraceNorm, "l1": L1}


@pytest.fixture
def bench(monkeypatch):
    """Import modules of the benchmarks, which are not installed, from the checkout."""
    monkeypatch.syspath_prepend(ROOT)
    return lambda name: importlib.import_module(f"benchmarks.{name}")


def make_data(bench, layout, loss):
    problems = bench("problems")
    rng = np.random.default_rng(0)
    W = problems.row_sparse(rng, 8, 3, 3)
    if layout == "shared":
        return problems.shared_regression(30, W, rng)
    if loss == "logistic":
        return problems.ragged_classification([25, 30, 40], W, rng)
    return problems.ragged_regression([15, 20, 25], W, rng)


def fit(data, layout, loss, penalty, **options):
    kind = MultiTaskClassifier if loss == "logistic" else MultiTaskRegressor
    model = kind(penalty, **options)
    if layout == "shared":
        return model.fit(data.X, data.Y)
    return model.fit(*stack_tasks(data.Xs, data.targets))


CASES = [
    ("shared", "squared", "l21", False, True),
    ("shared", "squared", "trace", True, True),
    ("ragged", "squared", "l21", True, True),
    ("ragged", "squared", "trace", False, False),
    ("ragged", "squared", "l1", True, False),
    ("ragged", "logistic", "l21", True, True),
    ("ragged", "logistic", "l1", True, True),
    ("ragged", "logistic", "trace", False, True),
]


@pytest.mark.parametrize(("layout", "loss", "penalty", "intercept", "mean"), CASES)
def test_objective_and_gap_agree_with_those_of_the_package(
    bench, layout, loss, penalty, intercept, mean
):
    data = make_data(bench, layout, loss)
    objective = bench("objective").Objective(data, loss, penalty, intercept, mean)
    # sums of losses are means with weights, times the mean number of rows
    unit = 1.0 if mean else np.mean(data.n_rows)
    alpha = 0.2 * objective.alpha_max
    options = {"fit_intercept": intercept, "task_weight": None if mean else "n_samples"}
    make_penalty = PENALTIES[penalty]

    given = (
        (data.X, data.Y) if layout == "shared" else stack_tasks(data.Xs, data.targets)
    )
    top = alpha_max(*given, penalty=make_penalty(), loss=loss, **options)
    assert objective.alpha_max == pytest.approx(top * unit, rel=1e-7)

    model = fit(data, layout, loss, make_penalty(alpha / unit), tol=1e-7, **options)
    primal, dual = objective.bounds(model.coef_.T, model.intercept_, alpha)
    assert primal == pytest.approx(model.objective_ * unit, rel=1e-10)
    # both lower bounds lie below the one objective, and hold for both
    assert dual <= model.objective_ * unit * (1 + 1e-12)
    assert (model.objective_ - model.dual_gap_) * unit <= primal * (1 + 1e-12)
    assert 0 <= primal - dual <= 1e-4 * objective.null_value
    best = objective.bounds(model.coef_.T, None, alpha)[0]
    assert best <= primal * (1 + 1e-12)


@pytest.mark.parametrize(("layout", "loss", "penalty", "intercept", "mean"), CASES)
def test_the_gap_bounds_the_suboptimality_of_any_point(
    bench, layout, loss, penalty, intercept, mean
):
    data = make_data(bench, layout, loss)
    objective = bench("objective").Objective(data, loss, penalty, intercept, mean)
    alpha = 0.2 * objective.alpha_max
    unit = 1.0 if mean else np.mean(data.n_rows)
    model = fit(
        data,
        layout,
        loss,
        PENALTIES[penalty](alpha / unit),
        tol=1e-9,
        fit_intercept=intercept,
        task_weight=None if mean else "n_samples",
    )
    rng = np.random.default_rng(1)
    for scale in (1e-3, 1e-1, 1.0):
        W = model.coef_.T + scale * rng.standard_normal(model.coef_.T.shape)
        primal, dual = objective.bounds(W, model.intercept_, alpha)
        assert dual <= model.objective_ * unit * (1 + 1e-10) <= primal * (1 + 1e-10)


def test_the_null_model_is_certified_at_alpha_max(bench):
    data = make_data(bench, "ragged", "logistic")
    objective = bench("objective").Objective(data, "logistic", "l21")
    W = np.zeros((8, 3))
    primal, dual = objective.bounds(W, None, objective.alpha_max)
    assert primal == pytest.approx(objective.null_value, rel=1e-12)
    assert primal - dual <= 1e-10 * primal


def test_the_exact_optimum_of_mean_regularisation_is_that_of_the_package(bench):
    data = make_data(bench, "ragged", "squared")
    module = bench("objective")
    objective = module.Objective(data, "squared", "mean")
    optimum = module.mean_regularised_optimum(objective, 0.3)
    penalty = MeanRegularized(0.3, alpha_mean=0.0)
    model = fit(data, "ragged", "squared", penalty, tol=1e-10)
    assert optimum == pytest.approx(model.objective_, rel=1e-8)


@pytest.mark.parametrize("kind", ["l21", "l1", "trace", "mean"])
def test_the_naive_prox_is_that_of_the_package(bench, kind):
    penalties = {**PENALTIES, "mean": MeanRegularized}
    V = np.random.default_rng(0).standard_normal((6, 4))
    expected = penalties[kind](0.7).prox_naive(V, 1.0)
    prox = bench("solvers.numpy_fista").prox
    np.testing.assert_allclose(prox(kind, V, 0.7), expected, atol=1e-12)


def run_benchmarks(*arguments, folder):
    """Run the command, where neither R nor Octave is found whatever is installed."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": str(Path(sys.executable).parent)}
    return python("-m", "benchmarks", *arguments, folder=folder, **environment)


@pytest.mark.slow
def test_the_command_prints_a_table_and_writes_json(tmp_path):
    path = tmp_path / "results" / "out.json"
    done = run_benchmarks(
        *("--size", "small", "--problems", "l21-wide", "--repeats", "1"),
        *("--solvers", "linmtl,sklearn,glmnet", "--output", str(path)),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "l21-wide" in done.stdout
    content = json.loads(path.read_text())
    assert {"date", "machine", "versions", "threads"} <= set(content)
    (problem,) = content["problems"]
    results = {result["solver"]: result for result in problem["results"]}
    assert set(results) == {"linmtl", "sklearn", "glmnet"}
    assert results["glmnet"]["skipped"] == "no Rscript"
    for name in ("linmtl", "sklearn"):
        assert results[name]["gap"] <= problem["target"]
        assert results[name]["seconds"] > 0


@pytest.mark.slow
def test_the_list_names_problems_and_solvers(tmp_path):
    done = run_benchmarks("--list", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "trace-ragged" in done.stdout
    assert "numpy_fista" in done.stdout


@pytest.mark.slow
def test_an_unknown_problem_is_named(tmp_path):
    done = run_benchmarks("--problems", "nonsense", folder=tmp_path)
    assert done.returncode != 0
    assert "nonsense" in done.stderr


@pytest.mark.parametrize(
    "name",
    [
        *("speed", "start_up", "growth", "formulations", "models", "mixed"),
        *("intervals", "parts", "large", "choosing", "losses"),
    ],
)
def test_the_tables_are_the_results(bench, name):
    summary = bench("summary")
    page = (ROOT / "benchmarks" / "RESULTS.md").read_text()
    content = summary.read(name)
    assert summary.TABLES[name](content) in page
    assert name != "speed" or summary.machine(content) in page


def test_the_tables_of_the_docs_are_the_results(bench):
    calibration = bench("calibration")
    tables = json.loads(calibration._RESULTS.read_text())["tables"]
    assert set(tables) == set(calibration.DESIGNS)
    for table in tables.values():
        page = (ROOT / table["page"]).read_text()
        _, _, *rows = str(calibration.Table(**table)).splitlines()
        assert all(row in page for row in rows)


def test_speed_in_the_readme_is_that_of_the_results(bench):
    summary, text = bench("summary"), " ".join((ROOT / "README.md").read_text().split())
    ratios = []
    for record in summary.read("speed")["problems"]:
        own, others, _ = summary._times(record)
        if record["problem"].startswith("l21") and own and others:
            ratios.append(min(others.values()) / own)
    low, high = min(ratios), max(ratios)
    assert f"1e-6: {low:.0f} to {high:.0f} times faster" in text
    (record,) = [
        record["found"]
        for record in summary.read("mixed")["results"]
        if record["size"]["tasks"] == 125_066 and record["size"]["covariance"] == "full"
    ]
    own, lme4 = (record[name]["seconds"] for name in ("linmtl", "lme4"))
    assert f"in {own:.2f} s, {lme4 / own:.0f} times faster than lme4" in text


def test_certificates_in_the_readme(bench):
    text = " ".join((ROOT / "README.md").read_text().split())
    rows = [r for r in bench("summary").read("formulations")["rows"] if r["convex"]]
    ends = [row["linmtl"]["gap"] for row in rows]
    worst = max(end["gap"] for end in ends)
    assert f"of {len(ends)} convex problems" in text
    assert f"the worst duality gap is {worst:.2e}".replace("e-0", "e-") in text
    assert all(end["excess"] <= end["gap"] for end in ends)
    solutions = list((ROOT / "tests" / "fixtures").glob("*_[12].mat"))
    assert f"on {len(solutions)} solutions that MALSAR found" in text


def test_accuracy_verdicts_and_intervals_in_the_readme(bench):
    summary, text = bench("summary"), " ".join((ROOT / "README.md").read_text().split())
    ratios = []
    for found in summary.read("models")["results"].values():
        error = {name: np.mean(entry["error"]) for name, entry in found.items()}
        peers = [value for name, value in error.items() if name.startswith("lmer")]
        ratios += [error["MixedEffectsRegressor()"] / min(peers)] if peers else []
    assert max(ratios) < 1.02
    assert len(ratios) == 5
    assert "best model to 2 % on five grouped data sets" in text

    path = bench("calibration")._RESULTS
    table = json.loads(path.read_text())["tables"]["verdicts"]
    rows = [dict(zip(table["head"], row, strict=True)) for row in table["rows"]]
    wrong = max(float(row["wrong sign"].removesuffix(" %")) for row in rows)
    opposite = {r["rows"]: r["hurt"] for r in rows[:6] if r["tasks"] == "opposite"}
    assert f"called hurt in {opposite['100']} of data sets" in text
    assert f"by the wrong sign in {wrong:g} % at most" in text
    assert f"is found in {opposite['40']} of data sets" in text

    found = summary.read("intervals")["results"]["normal"]
    ours = [found["linmtl, cv+"], found["linmtl, split"]]
    low, high = min(r["worst"] for r in ours), max(r["best"] for r in ours)
    assert f"{100 * low:.0f} to {100 * high:.0f} % held in every task" in text
    low, high = (100 * (r["width"][0] - 1) for r in ours)
    assert f"{low:.0f} to {high:.0f} % wider than the best possible" in text


@pytest.mark.parametrize("penalty", ["l21", "trace", "mean"])
def test_large_measures_a_fit(bench, monkeypatch, penalty):
    large = bench("large")
    monkeypatch.setitem(large._MAKERS, "small", lambda _: large._stacked(3, 20, 60))
    row = large.measure(large.Case("small", penalty, "logistic", 1.0))
    assert row["converged"]
    assert "small" in large.line(row)


def test_summary_shows_where_linmtl_loses(bench, capsys):
    summary = bench("summary")
    solvers = {"linmtl": 2.0, "sklearn": 1.0, "adelie": None, "celer": 3.0}
    results = [
        {"solver": name, "seconds": seconds, "skipped": None}
        for name, seconds in solvers.items()
    ]
    results.append({"solver": "rmtl", "seconds": None, "skipped": "no Rscript"})
    record = {
        "title": "a title",
        "samples": 7,
        "rows_per_task": [7, 7],
        "features": 3,
        "tasks": 2,
        "results": results,
    }
    row = summary.speed({"problems": [record]}).splitlines()[-1]
    assert row == (
        "| a title (n 7, d 3, T 2) | 2 | scikit-learn 1 | 0.5 | "
        "celer 3, adelie not reached |"
    )
    summary.main()
    assert capsys.readouterr().out.count("|---") >= 4


def test_draws_are_other_data_and_the_worst_of_them_is_shown(bench):
    problems, summary = bench("problems"), bench("summary")
    for problem in problems.PROBLEMS.values():
        if not problem.needs_school:
            first, other = (problems.Instance(problem, "small", draw=k) for k in (0, 2))
            for own, varied in (
                (first.data.n_features, other.data.n_features),
                (first.data.n_tasks, other.data.n_tasks),
            ):
                assert 0.79 * own - 1 <= varied <= 1.21 * own
            ours = first.data.targets[0][:20]
            assert not np.allclose(ours, other.data.targets[0][: ours.size])
    shape = {"title": "t", "samples": 7, "rows_per_task": [7, 7], "features": 3}
    shape["tasks"] = 2
    records = [
        shape
        | {
            "draw": k,
            "results": [
                {"solver": "linmtl", "seconds": 1.0, "skipped": None},
                {"solver": "celer", "seconds": time, "skipped": None},
            ],
        }
        for k, time in enumerate([4.0, 2.0, 6.0])
    ]
    lines = summary.speed({"problems": records}).splitlines()
    assert len(lines) == 3
    assert "| 4 (worst of 3: 2) |" in lines[-1]


def contest(bench, name, loss):
    return bench("formulations").Contest(name, loss, "small", 10.0)


# every penalty and loss once: the others are the same formulas with the other loss
@pytest.mark.parametrize(
    ("name", "loss"),
    [
        *(("linf1", loss) for loss in ("squared", "logistic")),
        ("group", "logistic"),
        ("tree", "squared"),
        ("fused", "squared"),
        ("temporal", "logistic"),
        ("graph", "squared"),
        ("dirty", "logistic"),
        ("robust-features", "squared"),
        ("robust-low-rank", "squared"),
        ("sparse-low-rank", "logistic"),
        ("max-trace", "squared"),
        ("clustered", "squared"),
        ("relationship", "squared"),
        ("network", "squared"),
        ("square-root", "sqrt"),
        ("capped", "squared"),
        ("nonconvex-fused", "squared"),
        ("go-mtl", "squared"),
        ("factored", "squared"),
    ],
)
def test_a_page_of_numpy_comes_to_the_same_optimum(bench, name, loss):
    duel = contest(bench, name, loss)
    # bounds of other points count for `tol`, the gap below is that at the point itself
    tol = 1e-8 if duel.case.convex else 1e-5
    model = duel.case.make(tol).fit(*duel.stacked)
    value = duel.value_of_model(model)
    # the objective that is written out in the benchmark is that of the package
    assert value == pytest.approx(model.objective_, rel=1e-9)
    duel.best = {"linmtl": value, "numpy": value}
    count, _, lowest = duel._walk("objective")
    assert count < 5000
    assert lowest <= value + 1e-6 * duel.problem.scale
    if duel.case.convex:
        gap = duel.gap(model._solution[1], value)
        assert gap <= 1e-6
        assert lowest >= value - (gap + 1e-12) * duel.problem.scale


@pytest.mark.parametrize("name", ["dirty", "fused", "network", "clustered"])
def test_the_prox_of_the_benchmark_is_that_of_the_package(bench, name):
    duel = contest(bench, name, "squared")
    penalty = duel.case.make(1e-4).penalty
    V = np.random.default_rng(0).standard_normal(duel.problem.W.shape)
    parts = penalty.parts() if name == "dirty" else [penalty]
    for part, term in zip(parts, duel.case.terms, strict=True):
        expected = part.prox_naive(V, 0.7)
        np.testing.assert_allclose(term.prox(V, 0.7), expected, atol=1e-5)
        assert term.value(V) == pytest.approx(part.value(V), rel=1e-9)


@pytest.mark.slow
def test_tests_and_verdicts_are_counted(bench):
    calibration = bench("calibration")
    different = (12, 20, np.ones(5), 0, 2.0, "unequal")
    pairs, features = calibration.share_of_small_p_values(*different)
    assert pairs > 0.8
    assert features > 0.8
    found = calibration.verdicts_on("opposite", False, 60, 1.5, 3)
    (alike, opposite) = calibration._rows_of_verdicts(found, "opposite", ["a", "b"])
    assert float(alike[3].split()[0]) > 0  # the saving, in percent
    assert float(opposite[3].split()[0]) < -20
    table = calibration.Table("page", ["a", "b"], [["1", "2"]])
    assert str(table) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


@pytest.mark.slow
def test_formulations_write_what_the_summary_reads(bench, tmp_path, capsys):
    path = tmp_path / "out.json"
    arguments = ["--size", "small", "--repeats", "1", "--models", "capped,factored"]
    bench("formulations").main([*arguments, "--output", str(path)])
    assert "CappedL1" in capsys.readouterr().out
    content = json.loads(path.read_text())
    capped, factored = content["rows"]
    for row in (capped, factored):
        assert row["linmtl"]["objective"]["seconds"] > 0
        assert row["numpy"]["objective"]["seconds"] > 0
    assert capped["linmtl"]["gap"]["gap"] <= content["target"]
    assert "gap" not in factored["linmtl"]
    assert {row["operator"] for row in content["operators"]} == {
        "FusedSparseGroup",
        "TraceNorm",
        "Clustered",
    }
    row = bench("summary").formulations(content).splitlines()[-1]
    assert row.startswith("| Clustered | 500 | 5 |")


@pytest.mark.slow
def test_models_are_compared_on_the_same_rows(bench, tmp_path, capsys):
    path = tmp_path / "out.json"
    arguments = ["--splits", "2", "--problems", "5 features", "--models", "Effects"]
    bench("models").main([*arguments, "--no-lmer", "--output", str(path)])
    assert "MixedEffectsRegressor()" in capsys.readouterr().out
    (found,) = json.loads(path.read_text())["results"].values()
    errors = found["MixedEffectsRegressor()"]["error"]
    assert len(errors) == 2
    assert (
        1.5 < np.mean(errors) < 3.0
    )  # that of ridge of each patient alone is above 2.2


def test_turned_tasks_have_opposite_coefficients(bench):
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(50, 2)), np.repeat(np.arange(5), 10)
    problem = bench("models").Problem(X, X @ [1.0, -2.0] + tasks, tasks, 0.5)
    turned, signs = problem.turned(0.4, seed=0), []
    for t in range(5):
        A = np.column_stack([X[tasks == t], np.ones(10)])
        w = np.linalg.lstsq(A, turned.y[tasks == t], rcond=None)[0]
        signs.append(np.sign(w[0]))
        np.testing.assert_allclose(w[:2], [w[0], -2.0 * w[0]])
    assert signs.count(-1.0) == 2


@pytest.mark.slow
def test_mixed_models_are_timed(bench, tmp_path):
    path = tmp_path / "out.json"
    arguments = ["--packages", "linmtl", "--most-tasks", "100", "--output", str(path)]
    bench("mixed").main(arguments)
    (row,) = json.loads(path.read_text())["results"]
    assert row["found"]["linmtl"]["seconds"] > 0
    assert np.isfinite(row["found"]["linmtl"]["log_likelihood"])


@pytest.mark.slow
def test_leave_one_out_is_compared_with_fits_without_each_row(bench, capsys):
    arguments = ["--small", "--only", "loo", "--alphas", "8", "--repeats", "1"]
    bench("choosing").main(arguments)
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines()]
    rows = [row for row in rows if len(row) > 3 and "RegressorCV" in row[2]]
    errors = {row[2].strip(): float(row[3]) for row in rows}
    assert errors["MeanRegularizedRegressorCV"] == pytest.approx(0.0, abs=0.01)
    assert abs(errors["L21RegressorCV"]) < 1.0


def test_what_many_workers_would_take_is_computed_from_what_was_measured(bench):
    parts = bench("parts")
    row = {"seconds_1": 2.0, "rounds": 3, "asked": 0, "said": 125_000_000}
    assert parts.extrapolated(row, 8) == pytest.approx(250 + 3 * 3 * 1.002)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:these tasks have a single class")
def test_hospitals_that_share_no_row_have_the_model_of_all_rows(bench):
    found = bench("parts").hospitals((0.1,))
    # the benchmark's own best is .7314
    assert found["four processes, alpha=0.1"] > 0.8
    assert found["difference of the objective, alpha=0.1"] < 1e-8
