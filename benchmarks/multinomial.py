"""Several classes: time until the objective is within 1e-6 of its optimum.

``python -m benchmarks.multinomial`` prints a table; ``--output FILE.json`` keeps it.
Objectives are NumPy of the benchmark, relative to those of the null model; the optimum
is the lowest of all runs. A solver's time is that of its loosest tolerance, from a
ladder of half decades, that gets there: seconds of the processor, with one thread, the
least of several runs, compilation apart. scikit-learn is looped over the tasks; adelie
and glmnet (in R, where Rscript finds it) are fitted to one.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp, xlogy
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from benchmarks import machine, report
from linmtl import MultiTaskClassifier
from linmtl.path import alpha_max
from linmtl.penalties import L21, Penalty, Ridge, TraceNorm

TARGET = 1e-6
LADDER = 10.0 ** -np.arange(2.0, 11.5, 0.5)
Model = tuple[np.ndarray, np.ndarray]  # coef (n_tasks, n_classes, n_features) and b
Timed = Callable[["Problem", float], tuple[float, Model]]  # seconds, and the model


@dataclass(frozen=True)
class Problem:
    """Data of tasks in order, and a penalty by its name and strength.

    Attributes
    ----------
    title : str
        What a table says.
    X, y, tasks : ndarray
        Rows sorted by task, classes as integers.
    kind : {"ridge", "l21", "trace"}
        The penalty.
    alpha : float
        Its strength.
    """

    title: str
    X: np.ndarray
    y: np.ndarray
    tasks: np.ndarray
    kind: str
    alpha: float

    def objective(self, coef: np.ndarray, b: np.ndarray) -> float:
        """Return the mean losses of the tasks and the penalty; NaN is no class."""
        total = 0.0
        for t, (W, level) in enumerate(zip(coef, b, strict=True)):
            own, shown = self.tasks == t, ~np.isnan(level)
            eta = self.X[own] @ W[shown].T + level[shown]
            place = np.searchsorted(np.flatnonzero(shown), self.y[own])
            at = eta[np.arange(len(eta)), place]
            total += float(np.mean(logsumexp(eta, axis=1) - at))
        W = np.nan_to_num(coef).reshape(-1, coef.shape[-1])
        if self.kind == "ridge":
            return total + self.alpha / 2 * float(np.sum(W**2))
        if self.kind == "l21":
            return total + self.alpha * float(np.linalg.norm(W, axis=0).sum())
        return total + self.alpha * float(np.linalg.norm(W, "nuc"))

    def null(self) -> float:
        """Return the objective without coefficients."""
        total = 0.0
        for t in np.unique(self.tasks):
            share = np.unique(self.y[self.tasks == t], return_counts=True)[1]
            share = share / share.sum()
            total -= float(xlogy(share, share).sum())
        return total


def make(n_tasks: int, n: int, d: int, n_classes: int, used: int = 10) -> tuple:
    """Return rows of tasks that use some of the features."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(n_tasks * n, d)), np.repeat(np.arange(n_tasks), n)
    for j in range(1, d):
        X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
    y = np.empty(len(X), dtype=int)
    chosen = rng.choice(d, min(used, d), replace=False)
    for t in range(n_tasks):
        own = tasks == t
        eta = X[own][:, chosen] @ rng.normal(size=(chosen.size, n_classes))
        y[own] = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)
    return X, y, tasks


def problems(small: bool) -> list[Problem]:
    """Return the problems; ``small`` ones for a quick look."""
    part = 5 if small else 1
    sizes = {
        "one task": (1, 20_000 // part, 100, 10),
        "wide, one task": (1, 500, 2000 // part, 5),
        "50 tasks": (50, 500 // part, 50, 5),
        "200 small tasks": (200, 60, 20, 4),
    }
    out = []
    for name, size in sizes.items():
        X, y, tasks = make(*size)
        for kind, penalty in (("ridge", None), ("l21", L21()), ("trace", TraceNorm())):
            alpha = 0.01
            if penalty is not None:
                top = alpha_max(X, y, tasks, penalty=penalty, loss="logistic")
                alpha = 0.05 * top
            n_tasks, n, d, k = size
            title = f"{kind}, {name} (n {n}, d {d}, K {k}, T {n_tasks})"
            out.append(Problem(title, X, y, tasks, kind, alpha))
    return out


def linmtl(problem: Problem, tol: float) -> Model:
    penalty: Penalty = {"ridge": Ridge, "l21": L21, "trace": TraceNorm}[problem.kind](
        problem.alpha
    )
    model = MultiTaskClassifier(penalty, tol=tol)
    model.fit(problem.X, problem.y, problem.tasks)
    return model.coef_, model.intercept_


def sklearn(solver: str) -> Callable[[Problem, float], Model]:
    def fit(problem: Problem, tol: float) -> Model:
        n_classes, T = problem.y.max() + 1, problem.tasks.max() + 1
        coef = np.full((T, n_classes, problem.X.shape[1]), np.nan)
        b = np.full((T, n_classes), np.nan)
        for t in range(T):
            own = problem.tasks == t
            C = 1.0 / (problem.alpha * own.sum())
            model = LogisticRegression(C=C, solver=solver, tol=tol, max_iter=10_000)
            model.fit(problem.X[own], problem.y[own])
            coef[t, model.classes_], b[t, model.classes_] = (
                model.coef_,
                model.intercept_,
            )
        return coef, b

    return fit


def adelie(problem: Problem, tol: float) -> Model:
    """One task: a feature of all classes is a group of adelie's."""
    import adelie as ad

    K = int(problem.y.max()) + 1
    Y, d = np.eye(K)[problem.y], problem.X.shape[1]
    found = ad.grpnet(
        np.asfortranarray(problem.X),
        ad.glm.multinomial(Y),
        penalty=np.ones(d),
        lmda_path=np.array([problem.alpha / K]),  # its loss is divided by the classes
        tol=tol,
        irls_tol=tol,
        max_iters=10_000_000,
        irls_max_iters=100_000,
        early_exit=False,
        progress_bar=False,
        n_threads=1,
    )
    return found.betas.toarray()[-1].reshape(d, K).T[None], found.intercepts[-1:]


_GLMNET = """
suppressMessages(library(glmnet))
at <- commandArgs(TRUE); given <- as.numeric(at[-1])
n <- given[1]; d <- given[2]; tol <- given[3]; strengths <- given[-(1:4)]
file <- file(file.path(at[1], "data"), "rb")
X <- matrix(readBin(file, "double", n * d), ncol = d); y <- readBin(file, "double", n)
clock <- proc.time()
model <- glmnet(X, factor(y), family = "multinomial", type.multinomial = "grouped",
    alpha = given[4], lambda = strengths, thresh = tol, standardize = FALSE,
    maxit = 1e8)
took <- proc.time() - clock
last <- length(model$lambda)
W <- sapply(model$beta, function(B) B[, last])
file <- file(file.path(at[1], "model"), "wb")
writeBin(c(took[[1]] + took[[2]], as.vector(W), model$a0[, last]), file)
close(file)
"""
_GLMNET_PATH = 10  # strengths that it comes to the last one by, as its authors advise


def has_glmnet() -> bool:
    """Return whether Rscript finds glmnet."""
    if shutil.which("Rscript") is None:
        return False
    asked = ["Rscript", "-e", "library(glmnet)"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def glmnet(problem: Problem, tol: float) -> tuple[float, Model]:
    """One task, in R: its seconds, and the model."""
    K, (n, d) = int(problem.y.max()) + 1, problem.X.shape
    ridge = problem.kind == "ridge"
    top = problem.alpha * (100.0 if ridge else 20.0)
    strengths = np.geomspace(top, problem.alpha, _GLMNET_PATH).tolist()
    with tempfile.TemporaryDirectory() as folder:
        columns = np.concatenate([problem.X.T.ravel(), problem.y])
        columns.astype(float).tofile(Path(folder, "data"))
        numbers = map(repr, [n, d, tol, 0.0 if ridge else 1.0, *strengths])
        subprocess.run(["Rscript", "-e", _GLMNET, folder, *numbers], check=True)
        seconds, *found = np.fromfile(Path(folder, "model")).tolist()
    coef = np.reshape(found[: K * d], (1, K, d))
    return seconds, (coef, np.reshape(found[K * d :], (1, K)))


def timed(fit: Callable[[Problem, float], Model]) -> Timed:
    """Return a fit in this process with its seconds."""

    def run(problem: Problem, tol: float) -> tuple[float, Model]:
        began = time.process_time()
        model = fit(problem, tol)
        return time.process_time() - began, model

    return run


def peers(problem: Problem) -> dict[str, Timed]:
    """Return what is compared: the seconds of a fit, and the model."""
    found = {"linmtl": timed(linmtl)}
    if problem.kind == "ridge":
        found["scikit-learn, lbfgs"] = timed(sklearn("lbfgs"))
        found["scikit-learn, newton-cg"] = timed(sklearn("newton-cg"))
    one = problem.tasks.max() == 0
    if problem.kind == "l21" and one and importlib.util.find_spec("adelie"):
        found["adelie"] = timed(adelie)
    if problem.kind in ("ridge", "l21") and one and has_glmnet():
        found["glmnet"] = glmnet
    return found


def measure(problem: Problem, repeats: int, limit: float) -> dict[str, Any]:
    """Return the seconds of each solver, None for one that does not get there."""
    runs = {}
    for name, fit in peers(problem).items():
        fit(problem, 0.1)  # what is compiled
        ladder = []
        for tol in LADDER.tolist():
            took, model = fit(problem, tol)
            ladder.append((tol, problem.objective(*model), took))
            if took > limit:
                break
        runs[name] = ladder
    best = min(value for ladder in runs.values() for _, value, _ in ladder)
    enough = best + TARGET * problem.null()
    seconds: dict[str, float | None] = {}
    for name, fit in peers(problem).items():
        good = [(tol, took) for tol, value, took in runs[name] if value <= enough]
        seconds[name] = None
        if good:
            tol, least = good[0]
            again = [fit(problem, tol)[0] for _ in range(repeats - 1)]
            seconds[name] = min([least, *again])
    return {"title": problem.title, "optimum": best, "seconds": seconds}


def table(content: dict) -> str:
    """Return the table of results."""
    lines = ["| problem | linmtl, s | the others, s | ratio |", "|---|---|---|---|"]
    for record in content["problems"]:
        times = dict(record["seconds"])
        own = times.pop("linmtl")
        shown = [
            f"{name} {'not reached' if s is None else f'{s:.2g}'}"
            for name, s in times.items()
        ]
        known = [s for s in times.values() if s is not None]
        ratio = f"{min(known) / own:.3g}" if known and own else ""
        cells = record["title"], f"{own:.2g}" if own else "", ", ".join(shown), ratio
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("small", "full"), default="full")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=30.0, help="seconds of a run")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    content = machine.describe(1) | {"size": options.size, "problems": []}
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for problem in problems(options.size == "small"):
            record = measure(problem, options.repeats, options.limit)
            content["problems"].append(record)
            print(record["title"], record["seconds"], flush=True)
    print(table(content))
    if options.output:
        report.write_json(options.output, content)


if __name__ == "__main__":
    main()
