"""How often tests and verdicts are right, on data whose truth is known.

``python -m benchmarks.calibration`` prints the tables of docs/similarity.md,
docs/transfer.md and docs/intervals.md, a function for each design, and writes them to
``results/calibration.json``. Everything follows from the seeds 0, 1, ... of the data.
hidimstat (``pip install hidimstat``) is a reference where it is installed.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from benchmarks import machine
from benchmarks.report import write_json
from linmtl import (
    IndependentClassifier,
    IndependentRegressor,
    L1RegressorCV,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    PooledClassifier,
    PooledRegressor,
)
from linmtl.inference import debiased_coefficients
from linmtl.similarity import chow_test, heterogeneity
from linmtl.transfer import negative_transfer_report, transfer_gain
from linmtl.transfer._paired import compare_losses, compare_rows

LEVEL = 0.05
_RESULTS = Path(__file__).with_name("results") / "calibration.json"
_FRESH = 5000  # rows of each task that nothing was learned from


class Table(NamedTuple):
    """A table of a page of the documentation."""

    page: str
    head: list[str]
    rows: list[list[str]]

    def __str__(self) -> str:
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _range(values: np.ndarray) -> str:
    ends = [f"{end:.1f}" for end in (values.min(), values.max())]
    return " to ".join(dict.fromkeys(ends))


# --- tests of equal coefficients ----------------------------------------------------


def share_of_small_p_values(
    n: int, sets: int, noise: Sequence[float], extra: int, deviation: float, kind: str
) -> tuple[float, float]:
    """Return how many p-values of the two tests are at most 0.05.

    Five tasks with three features and ``n`` rows each, the first with ``extra`` more;
    ``noise`` has the standard deviation in each task, ``deviation`` that of the
    coefficients between tasks. For the pairs of tasks and for the features.
    """
    sizes = np.full(5, n)
    sizes[0] += extra
    tasks = np.repeat(np.arange(5), sizes)
    small = np.zeros(2)
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        W = deviation * rng.normal(size=(5, 3))
        X = rng.normal(size=(tasks.size, 3))
        y = np.sum(X * W[tasks], axis=1)
        y += np.asarray(noise)[tasks] * rng.normal(size=tasks.size)
        pairs = chow_test(X, y, tasks, variance=kind).p_values[np.triu_indices(5, 1)]
        features = heterogeneity(X, y, tasks, variance=kind).p_values
        small += np.mean(pairs <= LEVEL), np.mean(features <= LEVEL)
    return tuple(small / sets)


def equal_coefficients(quick: bool) -> Table:
    """Level and power of the tests of equal coefficients."""
    sets = 100 if quick else 1000
    head = [
        "rows per task",
        "rows - features - 1",
        "equal, `chow_test`",
        "equal, `heterogeneity`",
        "different, `chow_test`",
        "different, `heterogeneity`",
    ]
    rows = []
    even, uneven = np.ones(5), np.geomspace(0.2, 5.0, 5)
    for n in (5, 6, 8, 12):
        null = np.array(
            [
                share_of_small_p_values(n, sets, noise, extra, 0.0, "unequal")
                for noise in (even, uneven)
                for extra in (0, 10)
            ]
        )
        found = [
            share_of_small_p_values(n, sets, even, 0, 2.0, kind)
            for kind in ("unequal", "equal")
        ]
        cells = [str(n), str(n - 4)]
        cells += [f"{column.min():.3f} to {column.max():.3f}" for column in null.T]
        note = '`"equal"`: ' if n == 5 else ""
        for own, other in zip(*found, strict=True):
            cells.append(f"{own:.2f} ({note}{other:.2f})")
            note = ""
        rows.append(cells)
    return Table("docs/similarity.md", head, rows)


# --- verdicts -----------------------------------------------------------------------


def related_tasks(
    n: int, seed: int, design: str = "opposite", classify: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return six tasks with 10 features and as much noise as signal.

    "opposite": five alike and the opposite of one of them. "mild": each with half of
    its coefficients its own. Only the rows depend on the seed, not the coefficients.
    """
    fixed, rng = np.random.default_rng(99), np.random.default_rng(seed)
    w = fixed.normal(size=10) / np.sqrt(10)
    if design == "opposite":
        own = 0.15 * fixed.normal(size=(5, 10)) / np.sqrt(10)
        W = np.vstack([w + np.arange(5)[:, None] * own, -w])
    else:
        W = w + fixed.normal(size=(6, 10)) / np.sqrt(10)
    tasks = np.repeat(np.arange(6), n)
    X = rng.normal(size=(tasks.size, 10))
    eta = np.sum(X * W[tasks], axis=1)
    if classify:
        return X, (rng.uniform(size=eta.size) < 1 / (1 + np.exp(-2 * eta))) + 0, tasks
    return X, eta + rng.normal(size=eta.size), tasks


class Verdicts(NamedTuple):
    """What the reports on some data sets say, arrays of shape (sets, 6)."""

    difference: np.ndarray
    loss: np.ndarray  # alone
    error: np.ndarray
    reach: np.ndarray
    verdict: np.ndarray
    corrected: np.ndarray  # verdicts of the corrected resampled t-test, same splits
    fresh: np.ndarray  # of the same t-test on rows that nothing was learned from


def _losses(model: Any, X: np.ndarray, y: np.ndarray, tasks: np.ndarray) -> np.ndarray:
    """Return the squared error or the log loss on each row."""
    if not hasattr(model, "decision_function"):
        return (y - model.predict(X, tasks)) ** 2
    eta = model.decision_function(X, tasks)
    return np.logaddexp(0.0, np.where(y == 1, -eta, eta))


def verdicts_on(
    design: str, classify: bool, n: int, alpha: float, sets: int
) -> Verdicts:
    """Return the verdicts on data sets of a design."""
    kinds: tuple[Any, Any, Any] = (
        (MeanRegularizedClassifier, IndependentClassifier, PooledClassifier)
        if classify
        else (MeanRegularizedRegressor, IndependentRegressor, PooledRegressor)
    )
    model, alone = kinds[0](alpha), kinds[1]("cv", per_task="auto")
    found = []
    for seed in range(sets):
        data = related_tasks(n, seed, design, classify)
        report = negative_transfer_report(
            model, *data, pooled=kinds[2](), random_state=seed
        )
        losses = report.losses["alone"], report.losses["model"]
        corrected = compare_losses(*losses, name="alone", share=0.25, level=LEVEL)
        X, y, tasks = related_tasks(_FRESH, sets + seed, design, classify)
        fresh = compare_rows(
            *(_losses(m.fit(*data), X, y, tasks) for m in (alone, model)),
            tasks,
            6,
            name="alone",
            weight=np.ones(y.size),
            level=LEVEL,
        )
        compared, base = report.alone, report.mean_losses["alone"]
        reach = (compared.effect - compared.low) * base  # bounds end at 100 % saved
        error = reach / stats.t.ppf(1 - LEVEL / 2, n - 1)
        found.append(
            Verdicts(
                compared.difference,
                base,
                error,
                reach,
                compared.verdict,
                corrected.verdict,
                fresh.verdict,
            )
        )
    return Verdicts(*map(np.array, zip(*found, strict=True)))


def _wrong(found: Verdicts) -> np.ndarray:
    """Return which tasks are called helped or hurt and are, on average, not."""
    true = found.difference.mean(axis=0)
    return ((found.verdict == "helped") & (true <= 0)) | (
        (found.verdict == "hurt") & (true >= 0)
    )


def _rows_of_verdicts(
    found: Verdicts, design: str, cells: list[str]
) -> list[list[str]]:
    """Return a row of the table for each kind of task."""
    opposite = np.arange(6) == 5
    kinds = {"alike": ~opposite, "opposite": opposite}
    if design == "mild":
        kinds = {"mildly different": np.ones(6, dtype=bool)}
    true = found.difference.mean(axis=0)
    inside = np.abs(found.difference - true) <= found.reach
    ratio = found.error.mean(axis=0) / found.difference.std(axis=0, ddof=1)
    called = np.isin(found.verdict, ("helped", "hurt"))
    wrong = _wrong(found)
    false = np.mean(wrong.sum(axis=1) / np.maximum(called.sum(axis=1), 1))
    rows = []
    for kind, mine in kinds.items():
        shares = [
            f"{100 * np.mean(found.verdict[:, mine] == word):.0f} %"
            for word in ("helped", "hurt", "equivalent")
        ]
        word = "hurt" if kind == "opposite" else "helped"
        others = [
            f"{100 * np.mean(verdict[:, mine] == word):.0f} %"
            for verdict in (found.corrected, found.fresh)
        ]
        effect = true[mine].sum() / found.loss.mean(axis=0)[mine].sum()
        rows.append(
            [
                *cells,
                kind,
                f"{100 * effect:+.0f} %",
                *shares,
                f"{word}: {others[0]}",
                others[1],
                f"{100 * np.mean(wrong[:, mine]):.1f} %",
                f"{100 * false:.1f} %",
                _range(ratio[mine]),
                f"{np.mean(inside[:, mine]):.2f}",
            ]
        )
    return rows


def verdicts(quick: bool) -> Table:
    """Power, errors and cover of the report on negative transfer."""
    head = [
        "data",
        "rows",
        "`alpha`",
        "tasks",
        "true saving",
        "helped",
        "hurt",
        "equivalent",
        "corrected t-test",
        "5,000 fresh rows",
        "wrong sign",
        "false discoveries",
        "standard error / true one",
        "cover",
    ]
    settings = [
        ("opposite", False, 40, 0.5),
        ("opposite", False, 100, 0.5),
        ("opposite", False, 250, 0.5),
        ("opposite", False, 40, 1.5),
        ("opposite", False, 100, 1.5),
        ("mild", False, 40, 0.5),
        ("mild", False, 100, 0.5),
        ("opposite", True, 100, 0.1),
        ("opposite", True, 250, 0.1),
        ("mild", True, 100, 0.1),
    ]
    rows = []
    for design, classify, n, alpha in settings[:2] if quick else settings:
        sets = 20 if quick else 40
        found = verdicts_on(design, classify, n, alpha, sets)
        cells = ["classes" if classify else "numbers", str(n), f"{alpha:g}"]
        rows += _rows_of_verdicts(found, design, cells)
    return Table("docs/transfer.md", head, rows)


# --- gains --------------------------------------------------------------------------


def gains(quick: bool) -> Table:
    """Standard errors of ``transfer_gain`` over the true ones."""
    rows = []
    for n in (40, 100, 250)[: 1 if quick else 3]:
        found = [
            transfer_gain(MeanRegularizedRegressor(0.5), *related_tasks(n, seed))
            for seed in range(20 if quick else 60)
        ]
        said = np.mean([gain.standard_errors for gain in found], axis=0)
        true = np.std([gain.values for gain in found], axis=0, ddof=1)
        off = ~np.eye(6, dtype=bool)
        ratio = said[off] / true[off]
        rows.append([str(n), _range(ratio)])
    return Table("docs/transfer.md", ["rows", "standard error / true one"], rows)


# --- features -----------------------------------------------------------------------


def _separate(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return p-values of debiased lassos of each task, combined as Fisher did."""
    each = [
        debiased_coefficients(X, y, estimator=L1RegressorCV()).feature_p_value
        for y in Y.T
    ]
    logs = np.log(np.maximum(each, np.finfo(float).tiny))
    return stats.chi2.sf(-2 * logs.sum(axis=0), 2 * len(each))


def _hidimstat(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return p-values of hidimstat's desparsified multi-task lasso, NaN if it fails."""
    from hidimstat import DesparsifiedLasso
    from sklearn.linear_model import MultiTaskLassoCV

    model = DesparsifiedLasso(MultiTaskLassoCV(cv=5, alphas=30), noise_method="median")
    try:
        with redirect_stdout(None):
            model.fit(X, Y)
            model.importance(X, Y)
    except ValueError:  # of some noise it finds no covariance
        return np.full(X.shape[1], np.nan)
    return np.asarray(model.pvalues_)


def features(quick: bool) -> Table:
    """Level and power of tests of a feature over all tasks."""
    tests: dict[str, Any] = {
        "adaptive": lambda X, Y: debiased_coefficients(X, Y).feature_p_value,
        "chi-square": lambda X, Y: (
            debiased_coefficients(X, Y, test="chi2").feature_p_value
        ),
        "separate lassos": _separate,
    }
    if find_spec("hidimstat"):
        tests["hidimstat"] = _hidimstat
    settings = [
        (4, 0.0, "none"),
        (4, 0.2, "of any sign"),
        (4, 0.2, "alike"),
        (4, 0.1, "alike"),
        (10, 0.1, "of any sign"),
        (10, 0.1, "alike"),
    ]
    rows = []
    n, d = 100, 40
    for n_tasks, size, kind in settings:
        found = {name: [] for name in tests}
        for seed in range(10 if quick else 50):
            rng = np.random.default_rng(seed)
            X = rng.normal(size=(n, d)) + 0.6 * rng.normal(size=(n, 1))
            W = np.zeros((d, n_tasks))
            signs = (4, 1 if kind == "alike" else n_tasks)
            W[:4] = size * rng.choice([-1, 1], size=signs)
            Y = X @ W + rng.normal(size=(n, n_tasks))
            for name, test in tests.items():
                p = test(X, Y)
                small = np.where(np.isnan(p), np.nan, p <= LEVEL)
                found[name].append((small[4:].mean(), small[:4].mean()))
        shares = {name: np.nanmean(each, axis=0) for name, each in found.items()}
        cells = [f"{level:.3f}" for level, _ in shares.values()]
        cells += [f"{power:.2f}" if size else "" for _, power in shares.values()]
        rows.append([str(n_tasks), f"{size:g} {kind}" if size else kind, *cells])
    head = ["tasks", "coefficients"]
    head += [f"level, {name}" for name in tests] + [f"power, {name}" for name in tests]
    return Table("docs/intervals.md", head, rows)


DESIGNS: dict[str, Callable[[bool], Table]] = {
    "equal_coefficients": equal_coefficients,
    "verdicts": verdicts,
    "gains": gains,
    "features": features,
}


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables, and write them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration",
        description="How often tests and verdicts are right, on simulated data.",
    )
    parser.add_argument(
        "--designs",
        default=",".join(DESIGNS),
        metavar="LIST",
        help="which (default: %(default)s)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer data sets; writes nothing"
    )
    options = parser.parse_args(argv)
    machine.limit_threads(1)
    warnings.simplefilter("ignore")  # of null models, which may be the truth here
    known = json.loads(_RESULTS.read_text()) if _RESULTS.exists() else {}
    tables = known.get("tables", {})
    for name in options.designs.split(","):
        table = DESIGNS[name](options.quick)
        print(f"{name}: {DESIGNS[name].__doc__}\n\n{table}\n", flush=True)
        tables[name] = table._asdict()
        if not options.quick:
            out = machine.describe(1) | {"tables": tables}
            write_json(_RESULTS, out)


if __name__ == "__main__":
    main()
