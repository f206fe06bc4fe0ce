"""Linear mixed models: linmtl, mixedlm-rs, statsmodels and lme4, the same likelihood.

``python -m benchmarks.mixed`` fits random intercepts and slopes by restricted maximum
likelihood on made data, every size and package in a process of its own, after a small
fit that compiles and loads. Packages that are not installed are left out, and so are
sizes that one of them does not reach within the time limit, and larger ones. Times are
those of the fit from arrays (lme4: from a data frame); a likelihood that is lower than
the best by more than 1e-3 is marked.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks import machine
from benchmarks.report import write_json

_AXES = ("tasks", "rows", "slopes")
_SCRIPT = Path(__file__).with_name("mixed.R")
PACKAGES = ("linmtl", "mixedlm-rs", "statsmodels", "lme4")


@dataclass(frozen=True)
class Size:
    """A table of rows with random intercepts and slopes."""

    tasks: int
    rows: int  # of each task
    slopes: int
    covariance: str


SIZES = (
    Size(100, 20, 1, "full"),
    Size(1000, 8, 1, "full"),
    Size(10_000, 8, 1, "full"),
    Size(125_066, 8, 1, "full"),
    Size(125_066, 8, 1, "diagonal"),
    Size(200, 30, 5, "full"),
    Size(200, 50, 20, "diagonal"),
    Size(1000, 150, 100, "diagonal"),
)


def make(size: Size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return X, y and tasks."""
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(size.tasks), size.rows)
    X = rng.standard_normal((task.size, size.slopes))
    spread = np.linspace(1.0, 0.2, size.slopes + 1)
    U = spread * rng.standard_normal((size.tasks, size.slopes + 1))
    y = 1.0 + U[task, 0] + rng.standard_normal(task.size)
    return X, y + np.sum(X * (0.5 + U[task, 1:]), axis=1), task


def fit(package: str, size: Size, folder: str) -> dict:
    """Return seconds and log-likelihood of a package in this process."""
    X, y, task = make(size)
    if package == "lme4":
        return _lme4(X, y, task, size, folder)
    fitted = {"linmtl": _linmtl, "mixedlm-rs": _mixedlm_rs, "statsmodels": _statsmodels}
    few = task < 50
    fitted[package](X[few], y[few], task[few], size.covariance)
    start = time.perf_counter()
    likelihood = fitted[package](X, y, task, size.covariance)
    return {"seconds": time.perf_counter() - start, "log_likelihood": likelihood}


def _linmtl(X, y, task, covariance):
    from linmtl import MixedEffectsRegressor

    model = MixedEffectsRegressor(covariance, shrink_mean=False)  # as the others
    return model.fit(X, y, task).log_likelihood_


def _mixedlm_rs(X, y, task, covariance):
    import mixedlm_rs

    A = np.column_stack([np.ones(len(y)), X])
    if covariance != "full":
        raise NotImplementedError("covariances other than full")
    return mixedlm_rs.MixedLM(y, A, groups=task, exog_re=A).fit(reml=True).llf


def _statsmodels(X, y, task, covariance):
    from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams

    A = np.column_stack([np.ones(len(y)), X])
    k = A.shape[1]
    free = None
    if covariance == "diagonal":
        free = MixedLMParams.from_components(np.ones(k), np.eye(k))
    return MixedLM(y, A, groups=task, exog_re=A).fit(reml=True, free=free).llf


def _lme4(X, y, task, size, folder):
    names = [f"x{j}" for j in range(size.slopes)]
    path = Path(folder, "table.csv")
    np.savetxt(
        path,
        np.column_stack([task, y, X]),
        delimiter=",",
        header=",".join(["task", "y", *names]),
        comments="",
    )
    fixed, bar = " + ".join(names), {"full": "|", "diagonal": "||"}[size.covariance]
    formula = f"y ~ {fixed} + (1 + {fixed} {bar} task)"
    command = ["Rscript", _SCRIPT, path, formula]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def run(package: str, size: Size, limit: float) -> dict | None:
    """Return what a process of its own finds, or None."""
    with tempfile.TemporaryDirectory() as folder:
        given = json.dumps([package, asdict(size), folder])
        command = [sys.executable, "-m", "benchmarks.mixed", "--one", given]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # R, too, which it may have started
            process.communicate()
            return None
    return json.loads(output.splitlines()[-1]) if process.returncode == 0 else None


def out_of_reach(package: str, size: Size, results: list[dict]) -> bool:
    """Whether a package has failed on a size that is smaller in every way."""
    return any(
        package in entry["found"]
        and entry["found"][package] is None
        and all(entry["size"][k] <= v for k, v in asdict(size).items() if k in _AXES)
        for entry in results
    )


def table(results: list[dict]) -> str:
    """Return the results as text, one line per size."""
    head = f"{'tasks':>8} {'rows':>5} {'slopes':>6} {'covariance':10}"
    lines = [head + "".join(f" {package + ', s':>16}" for package in PACKAGES)]
    for entry in results:
        size, found = entry["size"], entry["found"]
        likelihoods = [f["log_likelihood"] for f in found.values() if f]
        best = max(likelihoods, default=0.0)
        line = (
            f"{size['tasks']:8} {size['rows']:5} {size['slopes']:6} "
            f"{size['covariance']:10}"
        )
        for package in PACKAGES:
            one = found.get(package)
            if one is None:
                line += f" {'-':>16}"
                continue
            short = "" if one["log_likelihood"] > best - 1e-3 else " (lower)"
            line += f" {one['seconds']:.4g}{short}".rjust(17)
        lines.append(line)
    return "\n".join(lines)


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", default=",".join(PACKAGES))
    parser.add_argument("--time-limit", type=float, default=120.0)
    parser.add_argument("--most-tasks", type=int, default=10**9)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args(given)
    machine.limit_threads(1)
    if arguments.one:
        warnings.simplefilter("ignore")
        package, size, folder = json.loads(arguments.one)
        print(json.dumps(fit(package, Size(**size), folder)))
        return
    packages = [p for p in arguments.packages.split(",") if p in PACKAGES]
    if "lme4" in packages and shutil.which("Rscript") is None:
        packages.remove("lme4")
    results = []
    for size in SIZES:
        if size.tasks <= arguments.most_tasks:
            found = {
                p: None
                if out_of_reach(p, size, results)
                else run(p, size, arguments.time_limit)
                for p in packages
            }
            results.append({"size": asdict(size), "found": found})
            print(table(results[-1:]), flush=True)
    print(table(results))
    if arguments.output:
        out = machine.describe(1) | {"results": results}
        write_json(arguments.output, out)


if __name__ == "__main__":
    main()
