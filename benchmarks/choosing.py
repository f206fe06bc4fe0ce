"""What it costs to choose a strength, and how near leave-one-out from one fit is.

``python -m benchmarks.choosing`` times the CV estimators against their own paths of as
many strengths and against the closest of scikit-learn (its estimators of one task are
looped over the tasks), and compares ``cv="loo"`` with fits without each row. Times are
of the processor, with one thread, the least of several runs. Where Rscript finds lme4,
which chooses strengths by restricted likelihood, a table has its seconds (elapsed, of
one run) beside those of linmtl's models of the same kind.
"""

from __future__ import annotations

import argparse
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import (
    LassoCV,
    LogisticRegressionCV,
    MultiTaskLassoCV,
    RidgeCV,
)
from sklearn.model_selection import PredefinedSplit
from threadpoolctl import threadpool_limits

import linmtl
from benchmarks import machine, models
from benchmarks.report import Printed, write_json
from linmtl import penalties
from linmtl.datasets import (
    load_parkinsons,
    make_multitask_classification,
    make_multitask_regression,
)
from linmtl.path import mtl_path

Data = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Search:
    """A CV estimator, the penalty of its path and what scikit-learn has."""

    name: str
    penalty: penalties.Penalty
    options: dict[str, Any]
    peer: Callable[[Data, int], None] | None = None
    peer_name: str = ""

    @property
    def classify(self) -> bool:
        return self.name.endswith("ClassifierCV")

    def fit(self, data: Data, **options: Any) -> Any:
        return getattr(linmtl, self.name)(**self.options, **options).fit(*data)

    def losses(self, model: Any, prefix: str = "") -> np.ndarray:
        """Return the held-out losses along the strengths."""
        if self.classify:
            return -getattr(model, f"{prefix}scores_path_")
        return getattr(model, f"{prefix}mse_path_")


def by_task(make: Callable[[int], Any]) -> Callable[[Data, int], None]:
    """Return the loop over the tasks of an estimator for one."""

    def fit(data: Data, n_alphas: int) -> None:
        X, y, tasks = data
        for t in np.unique(tasks):
            make(n_alphas).fit(X[tasks == t], y[tasks == t])

    return fit


def whole(make: Callable[[int], Any]) -> Callable[[Data, int], None]:
    """Return the fit of an estimator for all tasks that share X."""
    return lambda data, n_alphas: make(n_alphas).fit(*data)


RIDGE = by_task(lambda n: RidgeCV(np.logspace(2, -4, n)))
LASSO = by_task(lambda n: LassoCV(alphas=n))
LOGISTIC = by_task(
    lambda n: LogisticRegressionCV(
        Cs=n, l1_ratios=(0,), use_legacy_attributes=False, scoring="neg_log_loss"
    )
)
MULTITASK = whole(lambda n: MultiTaskLassoCV(alphas=n))

FORMS = "intercept", "diagonal"
MEAN = {"alpha_mean": 1e-3}
SEARCHES = {
    "long": [
        Search(
            "MeanRegularizedRegressorCV",
            penalties.MeanRegularized(alpha_mean=1e-3),
            MEAN,
            RIDGE,
            "RidgeCV per task",
        ),
        Search(
            "TaskQuadraticRegressorCV",
            penalties.TaskQuadratic(),
            {},
            RIDGE,
            "RidgeCV per task",
        ),
        Search("L1RegressorCV", penalties.L1(), {}, LASSO, "LassoCV per task"),
        Search("L21RegressorCV", penalties.L21(), {}),
        Search("TraceNormRegressorCV", penalties.TraceNorm(), {}),
        Search("ClusteredRegressorCV", penalties.Clustered(), {}),
    ],
    "wide": [
        Search("L21RegressorCV", penalties.L21(), {}, MULTITASK, "MultiTaskLassoCV"),
        Search("TraceNormRegressorCV", penalties.TraceNorm(), {}),
        Search(
            "MeanRegularizedRegressorCV",
            penalties.MeanRegularized(alpha_mean=1e-3),
            MEAN,
        ),
    ],
    "classes": [
        Search(
            "MeanRegularizedClassifierCV",
            penalties.MeanRegularized(alpha_mean=1e-3),
            MEAN,
            LOGISTIC,
            "LogisticRegressionCV per task",
        ),
        Search(
            "L21ClassifierCV",
            penalties.L21(),
            {},
            LOGISTIC,
            "LogisticRegressionCV per task",
        ),
        Search("TraceNormClassifierCV", penalties.TraceNorm(), {}),
    ],
}
BUDGET = 2.0  # times the path, for a search; and no more than scikit-learn
LEFT_OUT = [
    Search("MeanRegularizedRegressorCV", penalties.MeanRegularized(1.0, 1e-3), MEAN),
    Search("L21RegressorCV", penalties.L21(), {}),
    Search("L1RegressorCV", penalties.L1(), {}),
]
LEFT_OUT_CLASSES = [Search("L21ClassifierCV", penalties.L21(), {})]


def patients(n_rows: int | None = None) -> Data:
    """Return Parkinson's data with features of one scale, or some of the rows."""
    X, y, tasks = (np.asarray(part) for part in load_parkinsons(return_X_y=True))
    rows = np.random.default_rng(0).permutation(len(y))[:n_rows]
    return X[rows] / X.std(axis=0), y[rows], tasks[rows]


def wide(n: int, d: int, n_tasks: int, noise: float = 2.0, seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    W = np.zeros((d, n_tasks))
    W[:8] = rng.normal(size=(8, n_tasks))
    X = rng.normal(size=(n, d))
    return X, X @ W + noise * rng.normal(size=(n, n_tasks))


def left_out_problems(small: bool) -> Iterator[tuple[str, Data, list[Search]]]:
    """Yield ten data sets and what is chosen on them."""
    made = {"n_informative": 5, "noise": 3.0}
    if small:
        data = make_multitask_regression(3, 5, 20, random_state=0, **made)
        yield "long 3 x 20, 5", data, LEFT_OUT
        return
    yield "Parkinson's, 1000 rows", patients(1000), LEFT_OUT
    for n, d, T, noise in (
        (100, 200, 5, 2.0),
        (150, 60, 8, 2.0),
        (80, 400, 4, 2.0),
        (400, 30, 6, 4.0),
    ):
        yield f"wide {n} x {d}, {T} tasks", wide(n, d, T, noise), LEFT_OUT
    for n, d, T in ((40, 20, 6), (100, 40, 5), ((20, 60), 15, 8)):
        data = make_multitask_regression(T, d, n, random_state=0, **made)
        yield f"long {T} x {n}, {d}", data, LEFT_OUT
    for layout in ("long", "wide"):
        data = make_multitask_classification(
            4, 10, 120, random_state=0, shared_X=layout == "wide", layout=layout
        )
        yield f"classes, {layout} 4 x 120, 10", data, LEFT_OUT_CLASSES


def seconds(repeats: int, run: Callable[..., Any], *args: Any, **options: Any) -> float:
    """Return the processor time of a call, after one to warm up."""
    run(*args, **options)
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run(*args, **options)
        times.append(time.process_time() - start)
    return min(times)


def path(search: Search, data: Data, alphas: Any, scale: Any = 1.0) -> None:
    X, *rest = data
    loss = "logistic" if search.classify else "squared"
    mtl_path(X / scale, *rest, penalty=search.penalty, alphas=alphas, loss=loss)


def times(n_alphas: int, repeats: int, small: bool) -> list[dict[str, Any]]:
    made = {"n_informative": 5, "random_state": 0}
    problems = {
        "long": ("Parkinson's, 42 tasks", patients(500 if small else None)),
        "wide": ("shared X, 300 x 50, 20 tasks", wide(60 if small else 300, 50, 20)),
        "classes": (
            "classes, 20 tasks x 100, 20 features",
            make_multitask_classification(3 if small else 20, 20, 100, **made),
        ),
    }
    table = Printed(
        {"data": "", "estimator": "", "CV [s]": ".3f", "its path [s]": ".3f"}
        | {"ratio": ".1f", "scikit-learn": "", "[s]": ".3f", "within budget": ""}
    )
    for kind, (name, data) in problems.items():
        for search in SEARCHES[kind]:
            model = search.fit(data, alphas=n_alphas)
            own = seconds(repeats, search.fit, data, alphas=n_alphas)
            grid = model.alphas_, model.feature_scale_
            alone = seconds(repeats, path, search, data, *grid)
            theirs, within = None, own <= BUDGET * alone
            if search.peer is not None:
                theirs = seconds(1, search.peer, data, n_alphas)
                within = within and own <= theirs
            said = search.peer_name or "-", theirs, "yes" if within else "no"
            table.add(name, search.name, own, alone, own / alone, *said)
    return table.rows


def beside_lmer(repeats: int, small: bool) -> list[dict[str, Any]]:
    if shutil.which("Rscript") is None:
        return []
    rows = 500 if small else None
    names = "MixedEffectsRegressor", "MeanRegularizedRegressorCV"
    timed = [*(f"lmer, {form}" for form in FORMS), *names]
    table = Printed({"Parkinson's": ""} | {f"{name} [s]": ".3f" for name in timed})
    for d in (2,) if small else (2, 5):
        X, y, tasks = patients(rows)
        problem = models.Problem(X[:, :d], y, tasks, train=1.0)
        every = np.arange(y.size)
        theirs = models.lmer_models(problem, [(every, every)])
        slopes = [theirs[f"lmer, {form}"]["seconds"][0] for form in FORMS]
        ours = [
            seconds(repeats, getattr(linmtl, name)().fit, X[:, :d], y, tasks)
            for name in names
        ]
        table.add(f"{d} features", *slopes, *ours)
    return table.rows


def exact(search: Search, data: Data, alphas: np.ndarray) -> np.ndarray:
    """Return the mean losses of fits without each row."""
    units = PredefinedSplit(np.arange(len(data[0])))
    options = {"alphas": alphas, "cv": units, "tol": 1e-7, "scale_features": False}
    losses = search.losses(search.fit(data, **options), "task_")
    return np.nanmean(losses, axis=1).mean(axis=1)


def left_out(n_alphas: int, repeats: int, small: bool) -> list[dict[str, Any]]:
    table = Printed(
        {"data": "", "estimator": "", "error at the choice [%]": "+.2f"}
        | {"at stronger ones [%]": ".2f", "same choice": "", "loo [s]": ".3f"}
        | {"path [s]": ".3f", "ratio": ".1f", "fits without each row [s]": ".1f"}
    )
    options = {"alphas": n_alphas, "cv": "loo", "scale_features": False}
    for name, data, searches in left_out_problems(small):
        for search in searches:
            model = search.fit(data, **options)
            own = seconds(repeats, search.fit, data, **options)
            alone = seconds(repeats, path, search, data, model.alphas_)
            found = search.losses(model)[:, 0]
            best = int(np.flatnonzero(model.alphas_ == model.alpha_)[0])
            near = np.arange(max(best - 3, 0), min(best + 4, len(found)))
            far = np.arange(max(best - 24, 0), best, 6)
            chosen = np.unique(np.concatenate([near, far]))
            start = time.process_time()
            truth = exact(search, data, model.alphas_[chosen])
            each = (time.process_time() - start) / chosen.size * len(found)
            error = 100 * (found[chosen] / truth - 1)
            again = int(chosen[np.argmin(truth)])
            at, others = error[chosen == best][0], error[np.isin(chosen, far)]
            same = "yes" if again == best else f"{again - best:+d} strengths"
            worst = np.abs(others).max(initial=0.0)
            table.add(name, search.name, at, worst, same, own, alone, own / alone, each)
    return table.rows


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alphas", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=("times", "lmer", "loo"))
    parser.add_argument("--small", action="store_true", help="a quick look")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args(arguments)
    out = machine.describe(1)
    print(out)
    size = options.alphas, options.repeats, options.small
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if options.only in (None, "times"):
            out["times"] = times(*size)
        if options.only in (None, "lmer"):
            out["lmer"] = beside_lmer(options.repeats, options.small)
        if options.only in (None, "loo"):
            out["loo"] = left_out(*size)
    if options.output:
        write_json(options.output, out)


if __name__ == "__main__":
    main()
