"""How time and peak memory grow with rows, tasks and features.

``python -m benchmarks.growth`` fits L21 on ragged tasks, every size in a process of its
own, and then the large problems of :mod:`benchmarks.large`. Memory is the largest
resident set during the fit beyond what was resident before it (the data and the loaded
libraries), as the kernel of Linux counts it; elsewhere that column is empty.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks import large, machine, report


@dataclass(frozen=True)
class Size:
    """One point of a sweep."""

    sweep: str
    rows: int  # of all tasks
    tasks: int
    features: int


def sizes(scale: str) -> list[Size]:
    """Return the sweeps: rows, tasks of 100 rows, features."""
    if scale == "small":
        rows, tasks, features = (1000, 4000), (10, 40), (20, 80)
    else:
        rows = (10_000, 100_000, 1_000_000)
        tasks = (10, 100, 1000, 10_000)
        features = (100, 1000, 5000, 20_000)
    return [
        *(Size("rows", n, 100 if scale == "full" else 10, 50) for n in rows),
        *(Size("tasks", 100 * T, T, 50) for T in tasks),
        *(Size("features", 1000, 10, d) for d in features),
    ]


def make_data(size: Size, loss: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ragged data in place, without copies that would hide the fit's own."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((size.rows, size.features))
    W = np.zeros((size.features, size.tasks))
    W[: max(5, size.features // 20)] = rng.standard_normal(size.tasks)
    tasks = np.repeat(np.arange(size.tasks), size.rows // size.tasks)
    y = rng.standard_normal(size.rows)
    step = size.rows // size.tasks
    for t in range(size.tasks):
        rows = slice(t * step, (t + 1) * step)
        y[rows] += X[rows] @ W[:, t]
    return X, (np.where(y > 0, 1, 0) if loss == "logistic" else y), tasks


def fit(X, y, tasks, loss: str, alpha: float, tol: float):
    from linmtl import L21Classifier, L21Regressor

    kind = L21Classifier if loss == "logistic" else L21Regressor
    return kind(alpha, tol=tol).fit(X, y, tasks)


def measure(size: Size, loss: str, tol: float) -> dict:
    """Time one fit in this process, and its memory beyond the data."""
    from linmtl.path import alpha_max
    from linmtl.penalties import L21

    warnings.simplefilter("ignore")
    # compile on few rows of the same shape, so that libraries and code are resident
    small = make_data(Size("rows", 40, 2, min(size.features, 50)), loss)
    fit(*small, loss, 0.1, tol)
    X, y, tasks = make_data(size, loss)
    alpha = 0.1 * alpha_max(X, y, tasks, penalty=L21(), loss=loss)
    before = machine.reset_peak()
    began = time.perf_counter()
    model = fit(X, y, tasks, loss, alpha, tol)
    seconds = time.perf_counter() - began
    peak = machine.resident("VmHWM")
    extra = None if before is None else peak - before
    return {
        **asdict(size),
        "seconds": seconds,
        "data_bytes": X.nbytes,
        "extra_bytes": extra,
        "extra_over_data": None if extra is None else extra / X.nbytes,
        "iterations": int(model.n_iter_),
        "converged": bool(model.converged_),
        "active_features": int((model.coef_ != 0).any(axis=0).sum()),
    }


def measure_apart(size: Size, loss: str, tol: float, limit: float) -> dict:
    """Return what :func:`measure` finds in a new process."""
    job = json.dumps({"size": asdict(size), "loss": loss, "tol": tol})
    command = [sys.executable, "-m", "benchmarks.growth", "--job", job]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {**asdict(size), "failed": f"more than {limit:g} s"}
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["killed"])[-1]
        return {**asdict(size), "failed": last[:200]}
    return json.loads(done.stdout.splitlines()[-1])


def power(row: dict, previous: dict | None) -> float | None:
    """Return p where the time grew as size^p since the row before."""
    if previous is None or previous["sweep"] != row["sweep"]:
        return None
    if "failed" in row or "failed" in previous:
        return None
    sweep = row["sweep"]
    growth = np.log(row["seconds"] / previous["seconds"])
    return float(growth / np.log(row[sweep] / previous[sweep]))


def line(row: dict) -> str:
    """Return a line of the table."""
    growth = row["power"]
    text = f"{row['sweep']:10s}{row['rows']:>9d}{row['tasks']:>7d}{row['features']:>9d}"
    if "failed" in row:
        return f"{text}  failed: {row['failed']}"
    extra = row["extra_over_data"]
    text += f"{row['seconds']:>10.3f}" + (f"{growth:>8.2f}" if growth else f"{'':8s}")
    text += f"{row['data_bytes'] / 1e6:>10.0f}"
    text += f"{'':8s}" if extra is None else f"{extra:>8.2f}"
    return (
        text
        + f"{row['active_features']:>8d}"
        + ("" if row["converged"] else "  not converged")
    )


_HEADING = (
    f"{'sweep':10s}{'rows':>9s}{'tasks':>7s}{'features':>9s}{'seconds':>10s}"
    f"{'power':>8s}{'data MB':>10s}{'extra':>8s}{'active':>8s}"
)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    add = parser.add_argument
    add("--size", choices=("small", "full"), default="full")
    add("--loss", choices=("squared", "logistic"), default="squared")
    add("--sweeps", default="rows,tasks,features,large", help="separated by commas")
    add("--tol", type=float, default=1e-4)
    add("--threads", type=int, default=1)
    add("--time-limit", type=float, default=600.0, help="seconds of one fit")
    add("--output", type=Path, help="JSON file to write")
    add("--job", help=argparse.SUPPRESS)  # one measurement, as JSON
    options = parser.parse_args(arguments)
    if options.job:
        job = json.loads(options.job)
        row = measure(Size(**job["size"]), job["loss"], job["tol"])
        print(json.dumps(row))
        return
    machine.limit_threads(options.threads)
    content = machine.describe(options.threads)
    content |= {"loss": options.loss, "tol": options.tol, "rows": []}
    print(_HEADING)
    previous: dict | None = None
    for size in sizes(options.size):
        if size.sweep not in options.sweeps.split(","):
            continue
        row = measure_apart(size, options.loss, options.tol, options.time_limit)
        row["power"] = power(row, previous)
        print(line(row), flush=True)
        content["rows"].append(row)
        previous = row
    print("power: time grew as size^power; extra: resident beyond the data, over it")
    if options.output:
        report.write_json(options.output, content)
    if options.size == "full" and "large" in options.sweeps.split(","):
        print()
        limits = ["--threads", str(options.threads)]
        large.main([*limits, "--time-limit", str(options.time_limit)])


if __name__ == "__main__":
    main()
