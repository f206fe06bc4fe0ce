"""How often tests and verdicts are right, on data whose truth is known.

``python -m benchmarks.calibration`` prints the two tables of docs/similarity.md (tests
of equal coefficients) and docs/transfer.md (the negative-transfer report), and the
ratio of the standard errors of ``transfer_gain`` to the true ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from scipy import stats

from linmtl import MeanRegularizedRegressor
from linmtl.similarity import chow_test, heterogeneity
from linmtl.transfer import negative_transfer_report, transfer_gain

LEVEL = 0.05


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


def table_of_tests(sets: int) -> str:
    """Return the table of docs/similarity.md."""
    lines = [
        "| rows per task | rows - features - 1 | equal, `chow_test` | equal, "
        "`heterogeneity` | different, `chow_test` | different, `heterogeneity` |",
        "|---|---|---|---|---|---|",
    ]
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
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def opposite_task(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return six tasks with 10 features, five of them alike and one their opposite.

    Only the rows depend on the seed, not the coefficients.
    """
    fixed, rng = np.random.default_rng(99), np.random.default_rng(seed)
    w = fixed.normal(size=10) / np.sqrt(10)
    own = 0.15 * fixed.normal(size=(5, 10)) / np.sqrt(10)
    W = np.vstack([w + np.arange(5)[:, None] * own, -w])
    tasks = np.repeat(np.arange(6), n)
    X = rng.normal(size=(tasks.size, 10))
    return X, np.sum(X * W[tasks], axis=1) + rng.normal(size=tasks.size), tasks


def row_of_the_report(n: int, alpha: float, sets: int) -> str:
    """Return a row of the table of docs/transfer.md."""
    difference, error, base, hurt = [], [], [], []
    for seed in range(sets):
        report = negative_transfer_report(
            MeanRegularizedRegressor(alpha), *opposite_task(n, seed), random_state=seed
        ).alone
        loss = report.difference / report.effect  # of the tasks alone
        wide = (report.effect - report.low) * loss  # bounds end at 100 % saved
        error.append(wide / stats.t.ppf(1 - LEVEL / 2, 29))
        difference.append(report.difference)
        base.append(loss)
        hurt.append(report.verdict[-1] == "hurt")
    difference, error = np.array(difference), np.array(error)
    true = difference.mean(axis=0)
    ratio = error.mean(axis=0) / difference.std(axis=0, ddof=1)
    inside = np.abs(difference - true) <= stats.t.ppf(1 - LEVEL / 2, 29) * error
    cover = inside.mean(axis=0)
    cells = [
        str(n),
        str(alpha),
        f"{-100 * true[-1] / np.mean(base, axis=0)[-1]:.0f} %",
        f"{100 * np.mean(hurt):.0f} %",
        f"{ratio.min():.1f} to {ratio.max():.1f}",
        f"{cover.min():.2f} to {cover.max():.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def table_of_the_report(sets: int) -> str:
    """Return the table of docs/transfer.md."""
    head = (
        "| rows of each task | strength `alpha` | harm to the opposite task | called "
        "hurt | standard error / true one | cover of 95 % intervals |"
    )
    settings = [(40, 0.5), (100, 0.5), (250, 0.5), (40, 1.5), (100, 1.5)]
    rows = [row_of_the_report(n, alpha, sets) for n, alpha in settings]
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def errors_of_gains(sets: int) -> str:
    """Return the range of the standard errors of gains over the true ones."""
    ratios = []
    for n in (40, 100, 250):
        gains = [
            transfer_gain(MeanRegularizedRegressor(0.5), *opposite_task(n, seed))
            for seed in range(sets)
        ]
        said = np.mean([gain.standard_errors for gain in gains], axis=0)
        true = np.std([gain.values for gain in gains], axis=0, ddof=1)
        off = ~np.eye(6, dtype=bool)
        ratios.append(said[off] / true[off])
    return f"{np.min(ratios):.1f} to {np.max(ratios):.1f}"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration",
        description="How often tests and verdicts are right, on simulated data.",
    )
    parser.add_argument("--tests", type=int, default=1000, help="data sets per test")
    parser.add_argument("--reports", type=int, default=60, help="data sets per report")
    options = parser.parse_args(argv)
    print(table_of_tests(options.tests), end="\n\n", flush=True)
    print(table_of_the_report(options.reports), end="\n\n", flush=True)
    ratio = errors_of_gains(options.reports)
    print(f"standard errors of transfer_gain over the true ones: {ratio}")


if __name__ == "__main__":
    main()
