"""How well models predict: mixed models, tuned multi-task models, lme4, automatic ones.

``python -m benchmarks.models`` fits every model on the same part of the rows of every
task, and shows the mean squared error on all others (of classes the log loss), with its
standard error over splits. Parkinson's and the heart disease data come with linmtl;
those of MathAchieve, sleepstudy, Orthodont and Exam are taken from the R packages lme4,
nlme and mlmRev where Rscript finds them, and so are the models of lme4 (restricted
likelihood); others are drawn, one of each kind of tasks that `linmtl.datasets` makes.
Models in an output file that are not run again are kept there: with the same number of
splits the rows are the same.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import machine
from benchmarks.report import write_json

_SCRIPT = Path(__file__).with_name("models.R")
_STRUCTURES = "row_sparse", "low_rank", "clustered", "mean_deviation", "independent"
ALONE = "ridge per task, CV"
WAYS = "best", "1se", "stack"  # in which an automatic model is made of others


@dataclass(frozen=True)
class Problem:
    """Rows of tasks, and the part of each task's rows that models are fitted on.

    Attributes
    ----------
    X, y, tasks : ndarray
        Long data.
    train : float
        The share of each task's rows, or their number.
    relative : bool
        Whether the error of a task is divided by the variance of its target.
    lmer : int
        The number of splits that lme4 is run on: with many slopes it takes minutes.
    classify : bool
        Whether y are the classes 0 and 1.
    most : int
        The number of splits at most.
    """

    X: np.ndarray
    y: np.ndarray
    tasks: np.ndarray
    train: float
    relative: bool = False
    lmer: int = 100
    classify: bool = False
    most: int = 100

    def splits(self, n_splits: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield rows to train on and rows to test."""
        for seed in range(min(n_splits, self.most)):
            rng = np.random.default_rng(seed)
            train = []
            for label in np.unique(self.tasks):
                rows = np.flatnonzero(self.tasks == label)
                size = self.train if self.train >= 1 else round(self.train * rows.size)
                train.append(rng.permutation(rows)[: max(int(size), 2)])
            train = np.sort(np.concatenate(train))
            yield train, np.setdiff1d(np.arange(self.y.size), train)

    def turned(self, share: float, seed: int) -> Problem:
        """Return the same with the targets of some tasks turned about their mean.

        Their coefficients are the opposite of what they were. Classes change places.
        """
        labels = np.unique(self.tasks)
        size = max(round(share * labels.size), 1)
        chosen = np.random.default_rng(seed).choice(labels, size, replace=False)
        y = self.y.copy()
        for label in chosen:
            rows = self.tasks == label
            y[rows] = (1 if self.classify else 2 * y[rows].mean()) - y[rows]
        return replace(self, y=y)

    def error(self, test: np.ndarray, prediction: np.ndarray) -> float:
        """Return the mean squared error over all rows, or over tasks relative to it.

        Of classes the log loss, the prediction being the probability of the class 1.
        """
        if self.classify:
            of_class = np.where(self.y[test] > 0, prediction, 1 - prediction)
            return float(-np.log(np.maximum(of_class, 1e-15)).mean())
        square = (self.y[test] - prediction) ** 2
        if not self.relative:
            return float(square.mean())
        each = [
            square[self.tasks[test] == t].mean() / self.y[self.tasks == t].var()
            for t in np.unique(self.tasks)
        ]
        return float(np.mean(each))


def problems(folder: Path | None) -> dict[str, Problem]:
    """Return the problems, those of R from CSV files in a folder."""
    out = {}
    shares = {"MathAchieve": 0.25, "sleepstudy": 3, "Orthodont": 3, "Exam": 0.25}
    for name, share in shares.items():
        path = None if folder is None else folder / f"{name}.csv"
        if path is not None and path.exists():
            with path.open() as file:
                _, *rows = csv.reader(file)
            tasks = np.array([row[0] for row in rows])
            numbers = np.array([row[1:] for row in rows], dtype=float)
            out[name] = Problem(numbers[:, 1:], numbers[:, 0], tasks, share)
    from linmtl.datasets import (
        load_heart_disease,
        load_parkinsons,
        make_multitask_classification,
        make_multitask_regression,
    )

    data = load_parkinsons()
    X, y, tasks = data.data, data.target, data.tasks
    few = ["test_time", "Jitter(%)", "Shimmer", "HNR", "PPE"]
    chosen = [list(data.feature_names).index(name) for name in few]
    out["Parkinson's, 5 features"] = Problem(X[:, chosen], y, tasks, 0.25, lmer=5)
    out["Parkinson's, 10 %"] = Problem(X, y, tasks, 0.1, relative=True, lmer=0)
    out["Parkinson's, 25 %"] = Problem(X, y, tasks, 0.25, relative=True, lmer=0)
    size = {"n_tasks": 15, "n_features": 30, "n_samples": 160, "random_state": 0}
    for kind in _STRUCTURES:
        drawn = make_multitask_regression(**size, structure=kind, noise=4.0, bias=1.0)
        out[f"drawn, {kind.replace('_', ' ')}"] = Problem(*drawn, 0.25, lmer=0, most=4)
    X, y, tasks = load_heart_disease(complete=True, return_X_y=True)
    classes = {"lmer": 0, "classify": True}
    out["heart disease"] = Problem(X, y, tasks, 0.25, **classes)
    for kind in _STRUCTURES:
        drawn = make_multitask_classification(**size, structure=kind)
        name = f"drawn classes, {kind.replace('_', ' ')}"
        out[name] = Problem(*drawn, 0.25, most=4, **classes)
    return out


def classifiers() -> dict[str, Callable]:
    """Return the same as `models` of classes."""
    from linmtl import (
        AutoClassifier,
        ClusteredClassifierCV,
        IndependentClassifier,
        L21ClassifierCV,
        MeanRegularizedClassifierCV,
        MixedEffectsClassifier,
        PooledClassifier,
        TraceNormClassifierCV,
    )

    common = {"around": "mean", "alpha_mean": 1e-2}
    return {
        "MixedEffectsClassifier()": MixedEffectsClassifier,
        ALONE: lambda: IndependentClassifier("cv"),
        "pooled, task intercepts": lambda: PooledClassifier("cv", task_intercepts=True),
        "pooled, one intercept": lambda: PooledClassifier("cv"),
        "MeanRegularizedClassifierCV": MeanRegularizedClassifierCV,
        "TraceNormClassifierCV": TraceNormClassifierCV,
        "L21ClassifierCV": L21ClassifierCV,
        "L21ClassifierCV, around the mean": lambda: L21ClassifierCV(**common),
        "ClusteredClassifierCV": ClusteredClassifierCV,
    } | {
        f"AutoClassifier({way})": lambda way=way: AutoClassifier(selection=way)
        for way in WAYS
    }


def models() -> dict[str, Callable]:
    """Return estimators without settings of their own, by the name in the table."""
    from linmtl import (
        AdaptiveRobustRegressorCV,
        AutoRegressor,
        ClusteredRegressorCV,
        IndependentRegressor,
        L21RegressorCV,
        MeanRegularizedRegressorCV,
        MixedEffectsRegressor,
        PooledRegressor,
        TaskRelationshipRegressorCV,
        TraceNormRegressorCV,
    )

    common = {"around": "mean", "alpha_mean": 1e-2}
    return {
        "MixedEffectsRegressor()": MixedEffectsRegressor,
        "MixedEffectsRegressor(shrunk)": lambda: MixedEffectsRegressor("shrunk"),
        'covariance="full"': lambda: MixedEffectsRegressor("full"),
        'covariance="scalar"': lambda: MixedEffectsRegressor("scalar"),
        'noise="task"': lambda: MixedEffectsRegressor(noise="task"),
        ALONE: lambda: IndependentRegressor("cv"),
        "pooled, task intercepts": lambda: PooledRegressor(task_intercepts=True),
        "pooled, one intercept": PooledRegressor,
        "MeanRegularizedRegressorCV": MeanRegularizedRegressorCV,
        "TraceNormRegressorCV": TraceNormRegressorCV,
        "TaskRelationshipRegressorCV": TaskRelationshipRegressorCV,
        "L21RegressorCV": L21RegressorCV,
        "L21RegressorCV, around the mean": lambda: L21RegressorCV(**common),
        "TraceNormRegressorCV, around the mean": lambda: TraceNormRegressorCV(**common),
        "ClusteredRegressorCV": ClusteredRegressorCV,
        "AdaptiveRobustRegressorCV": AdaptiveRobustRegressorCV,
    } | {
        f"AutoRegressor({way})": lambda way=way: AutoRegressor(selection=way)
        for way in WAYS
    }


def run(
    problem: Problem, n_splits: int, wanted: str, lmer: bool, outliers: float = 0.0
) -> dict[str, dict]:
    """Return errors and seconds of every model, one for each split.

    ``outliers`` is the share of tasks that are turned, others in each split.
    """
    out: dict[str, dict] = {}
    splits = list(problem.splits(n_splits))
    problems = [problem] * len(splits)
    if outliers:
        problems = [problem.turned(outliers, 100 + k) for k in range(len(splits))]
    for name, make in (classifiers() if problem.classify else models()).items():
        many = "full" in name and problem.X.shape[1] > 10  # 210 parameters
        if wanted not in name or many:
            continue
        errors, seconds = [], []
        for posed, (train, test) in zip(problems, splits, strict=True):
            mean = posed.X[train].mean(axis=0)
            scale = posed.X[train].std(axis=0)
            X = (posed.X - mean) / np.where(scale > 0, scale, 1.0)
            start = time.perf_counter()
            model = make().fit(X[train], posed.y[train], posed.tasks[train])
            seconds.append(time.perf_counter() - start)
            asked = X[test], posed.tasks[test]
            if posed.classify:
                predicted = model.predict_proba(*asked)[:, 1]
            else:
                predicted = model.predict(*asked)
            errors.append(posed.error(test, predicted))
        out[name] = {"error": errors, "seconds": seconds}
    if lmer and problem.lmer:
        out |= lmer_models(problem, splits[: problem.lmer])
    return out


def lmer_models(problem: Problem, splits: list) -> dict[str, dict]:
    """Return errors and seconds of lme4's models."""
    names = [f"x{j}" for j in range(problem.X.shape[1])]
    with tempfile.TemporaryDirectory() as folder:
        for k, (train, test) in enumerate(splits):
            mean, scale = problem.X[train].mean(axis=0), problem.X[train].std(axis=0)
            X = (problem.X - mean) / np.where(scale > 0, scale, 1.0)
            for part, rows in (("train", train), ("test", test)):
                with Path(folder, f"{k}.{part}.csv").open("w", newline="") as file:
                    writer = csv.writer(file)
                    writer.writerow(["task", "y", *names])
                    for row in rows:
                        numbers = [repr(float(v)) for v in (problem.y[row], *X[row])]
                        writer.writerow([f"t{problem.tasks[row]}", *numbers])
        subprocess.run(["Rscript", _SCRIPT, "fit", folder], check=True)
        out = {}
        for form in ("intercept", "diagonal", "full"):
            errors, seconds = [], []
            for k, (_, test) in enumerate(splits):
                path = Path(folder, f"{k}.{form}.csv")
                if path.exists():
                    table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
                    errors.append(problem.error(test, table[:, 0]))
                    seconds.append(float(table[0, 1]))
            if errors:
                out[f"lmer, {form}"] = {"error": errors, "seconds": seconds}
    return out


def table(results: dict[str, dict[str, dict]]) -> str:
    """Return the results as text, one line per model."""
    names = list(dict.fromkeys(name for found in results.values() for name in found))
    lines = []
    for problem, found in results.items():
        best = min(np.mean(entry["error"]) for entry in found.values())
        lines += [
            problem,
            f"  {'model':32} {'error':>9} {'+-':>8} {'over best':>9} {'s':>8}",
        ]
        for name in names:
            if name in found:
                errors = np.array(found[name]["error"])
                noise = (
                    errors.std(ddof=1) / errors.size**0.5 if errors.size > 1 else 0.0
                )
                lines.append(
                    f"  {name:32} {errors.mean():9.4g} {noise:8.2g} "
                    f"{errors.mean() / best - 1:9.1%} "
                    f"{np.median(found[name]['seconds']):8.3f}"
                )
    return "\n".join(lines)


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--problems", default="", help="part of their names")
    parser.add_argument("--models", default="", help="part of their names")
    parser.add_argument("--no-lmer", action="store_true")
    parser.add_argument(
        "--outliers",
        type=float,
        default=0.0,
        help="share of tasks whose coefficients are turned into their opposite; "
        "without lme4, and results have a place of their own",
    )
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args(given)
    machine.limit_threads(1)
    warnings.simplefilter("ignore")
    rscript = shutil.which("Rscript") is not None
    with tempfile.TemporaryDirectory() as folder:
        if rscript:
            done = subprocess.run(["Rscript", _SCRIPT, "data", folder], check=False)
            rscript = done.returncode == 0
        chosen = {
            name: problem
            for name, problem in problems(Path(folder) if rscript else None).items()
            if arguments.problems in name
        }
    for name, problem in chosen.items():
        lmer = rscript and not (arguments.no_lmer or arguments.outliers)
        found = run(
            problem, arguments.splits, arguments.models, lmer, arguments.outliers
        )
        print(table({name: found}), flush=True)
        if arguments.output:
            write(arguments, name, found)


def write(arguments: argparse.Namespace, name: str, found: dict[str, dict]) -> None:
    """Add what was found for a problem to the file, which keeps all else."""
    path, share = arguments.output, arguments.outliers
    known = json.loads(path.read_text()) if path.exists() else {}
    place = f"outliers {share:g}" if share else "results"
    results = known.get(place, {})
    results[name] = results.get(name, {}) | found
    out = machine.describe(1) | {"splits": arguments.splits}
    if share and known:  # what describes the other results stays
        out = {}
    write_json(path, known | out | {place: results})


if __name__ == "__main__":
    main()
