"""Fits of data that is large beside the machine: seconds and memory, against goals.

``python -m benchmarks.large`` fits each case in a process of its own, to the default
tolerance, at a tenth of the largest strength (mean-regularised models: at 0.1). Memory
is the largest resident set during the fit beyond what was resident before it, as in
`benchmarks.growth`; that of a file mapped into memory counts what the fit has read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from benchmarks import machine, report

_WIDE, _SHORT = "139 x 100,000", "10,000 x 200"
_MAPPED, _SPARSE = "memmap 1e6 x 500", "sparse 20,000 x 50,000"


class Data(NamedTuple):
    """Rows, linear targets, task labels, and the bytes that X takes."""

    X: Any
    y: np.ndarray
    tasks: np.ndarray
    size: int


@dataclass(frozen=True)
class Case:
    """A fit.

    Attributes
    ----------
    data : str
        What is fitted, a key of `_MAKERS`.
    penalty : {"l21", "trace", "mean"}
        What the model shares.
    loss : {"squared", "logistic"}
        Its loss.
    seconds, memory : float or None
        The goals: seconds, and bytes beyond the data over the bytes of the data.
    """

    data: str
    penalty: str = "l21"
    loss: str = "squared"
    seconds: float | None = None
    memory: float | None = 1.5

    @property
    def name(self) -> str:
        return f"{self.data}, {self.penalty}, {self.loss}"


def short(folder: Path) -> Data:
    """Return 10,000 tasks of 100 rows and 200 features: more features than rows."""
    return _stacked(10_000, 100, 200)


def wide(folder: Path) -> Data:
    """Return 139 tasks of 10 rows and 100,000 features."""
    return _stacked(139, 10, 100_000)


def mapped(folder: Path) -> Data:
    """Return 1e6 rows of 500 features in single precision, in a file."""
    rng, n, d, T = np.random.default_rng(0), 1_000_000, 500, 20
    X = np.memmap(folder / "X", dtype=np.float32, mode="w+", shape=(n, d))
    y, w = np.empty(n), _coefficients(rng, d, T)
    tasks = np.repeat(np.arange(T), n // T)
    for t in range(T):
        rows = slice(t * n // T, (t + 1) * n // T)
        X[rows] = rng.standard_normal((n // T, d), dtype=np.float32)
        y[rows] = X[rows] @ w[:, t]
    X.flush()
    size = X.nbytes
    del X
    X = np.memmap(folder / "X", dtype=np.float32, mode="r", shape=(n, d))
    return Data(X, y + rng.standard_normal(n), tasks, size)


def few_entries(folder: Path) -> Data:
    """Return 20 tasks of 1000 sparse rows, 45 of whose 50,000 entries are not zero."""
    rng, n, d, T = np.random.default_rng(0), 20_000, 50_000, 20
    X = sparse.random_array(
        (n, d), density=45 / d, format="csr", rng=rng, data_sampler=rng.standard_normal
    )
    tasks = np.repeat(np.arange(T), n // T)
    w = 3 * _coefficients(rng, d, T)
    y = np.concatenate([X[tasks == t] @ w[:, t] for t in range(T)])
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    return Data(X, y + rng.standard_normal(n), tasks, size)


def _stacked(n_tasks: int, rows: int, features: int) -> Data:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_tasks * rows, features))
    w = _coefficients(rng, features, n_tasks)
    tasks = np.repeat(np.arange(n_tasks), rows)
    y = rng.standard_normal(len(X))
    for t in range(n_tasks):
        part = slice(t * rows, (t + 1) * rows)
        y[part] += X[part] @ w[:, t]
    return Data(X, y, tasks, X.nbytes)


def _coefficients(rng, features: int, n_tasks: int) -> np.ndarray:
    w = np.zeros((features, n_tasks))
    used = rng.permutation(features)[: max(5, features // 50)]
    w[used] = rng.standard_normal((len(used), 1)) + rng.standard_normal(n_tasks) / 2
    return w


_MAKERS: dict[str, Callable[[Path], Data]] = {
    _SHORT: short,
    _WIDE: wide,
    _MAPPED: mapped,
    _SPARSE: few_entries,
}
CASES = [
    Case(_SHORT, seconds=5.0),
    Case(_MAPPED, seconds=3.0),
    Case(_WIDE, seconds=3.0),
    *(
        Case(_SPARSE, penalty, loss, goal, 3.0)
        for loss, goal in (("squared", 3.0), ("logistic", 15.0))
        for penalty in ("l21", "trace", "mean")
    ),
]


def estimator(case: Case, data: Data, y: np.ndarray) -> Any:
    """Return the model of a case, not fitted."""
    import linmtl
    from linmtl.path import alpha_max
    from linmtl.penalties import L21, TraceNorm

    kind = "Classifier" if case.loss == "logistic" else "Regressor"
    if case.penalty == "mean":
        return getattr(linmtl, f"MeanRegularized{kind}")(0.1)
    name, penalty = {"l21": ("L21", L21()), "trace": ("TraceNorm", TraceNorm())}[
        case.penalty
    ]
    alpha = 0.1 * alpha_max(data.X, y, data.tasks, penalty=penalty, loss=case.loss)
    return getattr(linmtl, f"{name}{kind}")(alpha)


def measure(case: Case) -> dict[str, Any]:
    """Time one fit in this process, and its memory beyond the data."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        data = _MAKERS[case.data](Path(folder))
        y = (data.y > 0).astype(int) if case.loss == "logistic" else data.y
        model = estimator(case, data, y)
        # compile on few rows of the same kind, so that libraries and code are resident
        few = np.concatenate(
            [np.flatnonzero(data.tasks == t)[:10] for t in data.tasks[[0, -1]]]
        )
        small = type(model)(0.1).fit(data.X[few][:, :50], y[few], data.tasks[few])
        small.predict(data.X[few][:, :50], data.tasks[few])
        before = machine.reset_peak()
        began, busy = time.perf_counter(), time.process_time()
        model.fit(data.X, y, data.tasks)
        busy = time.process_time() - busy
        seconds = time.perf_counter() - began
        peak = machine.resident("VmHWM")
        return {
            "case": case.name,
            "seconds": seconds,
            "processor_seconds": busy,  # without what other programs took
            "goal_seconds": case.seconds,
            "data_bytes": data.size,
            "extra_over_data": None if before is None else (peak - before) / data.size,
            "goal_extra": case.memory,
            "iterations": int(model.n_iter_),
            "solver": model.solver_,
            "converged": bool(model.converged_),
            "active_features": int((model.coef_ != 0).any(axis=0).sum()),
        }


def measure_apart(case: Case, limit: float) -> dict[str, Any]:
    """Return what :func:`measure` finds in a new process."""
    command = [sys.executable, "-m", "benchmarks.large", "--job", case.name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"case": case.name, "failed": f"more than {limit:g} s"}
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["killed"])[-1]
        return {"case": case.name, "failed": last[:200]}
    return json.loads(done.stdout.splitlines()[-1])


def line(row: dict[str, Any]) -> str:
    """Return a line of the table."""
    if "failed" in row:
        return f"{row['case']:42s}  failed: {row['failed']}"
    extra = row["extra_over_data"]
    return (
        f"{row['case']:42s}{row['seconds']:>9.2f}{row['processor_seconds']:>9.2f}"
        f"{row['goal_seconds']:>7g}"
        f"{row['data_bytes'] / 1e6:>9.0f}"
        + (f"{'':8s}" if extra is None else f"{extra:>8.2f}")
        + f"{row['goal_extra']:>7g}{row['active_features']:>9d}  {row['solver']}"
        + ("" if row["converged"] else ", not converged")
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large")
    parser.add_argument("--only", default="", help="part of the names of the cases")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--time-limit", type=float, default=600.0, help="of one fit")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    parser.add_argument("--job", help=argparse.SUPPRESS)  # one measurement, as JSON
    options = parser.parse_args(arguments)
    if options.job:
        (case,) = [case for case in CASES if case.name == options.job]
        print(json.dumps(measure(case)))
        return
    machine.limit_threads(options.threads)
    rows = []
    print(
        f"{'case':42s}{'seconds':>9s}{'of CPU':>9s}{'goal':>7s}{'data MB':>9s}"
        f"{'extra':>8s}{'goal':>7s}{'active':>9s}"
    )
    for case in CASES:
        if options.only in case.name:
            rows.append(measure_apart(case, options.time_limit))
            print(line(rows[-1]), flush=True)
    print("extra: resident beyond the data, over it")
    if options.output:
        content = machine.describe(options.threads) | {"rows": rows}
        report.write_json(options.output, content)


if __name__ == "__main__":
    main()
