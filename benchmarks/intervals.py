"""Prediction intervals by task: how often they hold, and how wide they are.

``python -m benchmarks.intervals`` draws data sets of tasks with many rows, with few and
with none at all in training, whose noise differs, and asks for intervals of 90 %:
linmtl's, those of MAPIE around the same predictors (ridge regression with the features
of each task), for all rows together and task by task, and those of a normal model.
Widths are relative to the shortest interval about the same predictions that holds 90 %
of a task, which the truth tells.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import machine
from benchmarks.report import write_json

COVERAGE = 0.9
MANY, FEW, NEW = 10, 20, 10  # tasks
ROWS = 300  # of each task, to see what intervals hold


class Data:
    """Tasks around a common model, each with noise of its own size.

    Attributes
    ----------
    X, y, task
        To learn from: ``MANY`` tasks with 40 to 150 rows, ``FEW`` with 3 to 20.
    X_new, y_new, task_new
        To judge by: all these and ``NEW`` others.
    """

    def __init__(self, seed: int, kind: str):
        rng = np.random.default_rng(seed)
        T, d = MANY + FEW + NEW, 5
        W = rng.normal(size=d) + 0.3 * rng.normal(size=(T, d))
        level, noise = rng.normal(size=T), np.exp(0.5 * rng.normal(size=T))
        sizes = np.concatenate([rng.integers(40, 150, MANY), rng.integers(3, 21, FEW)])

        def draw(task):
            X = rng.normal(size=(task.size, d))
            e = rng.normal(size=task.size)
            if kind == "heavy":
                e = rng.standard_t(3, size=task.size) / np.sqrt(3)
            return X, level[task] + np.sum(X * W[task], axis=1) + noise[task] * e, task

        self.X, self.y, self.task = draw(np.repeat(np.arange(MANY + FEW), sizes))
        self.X_new, self.y_new, self.task_new = draw(np.repeat(np.arange(T), ROWS))

    def design(self, X: np.ndarray, task: np.ndarray) -> np.ndarray:
        """Return X beside the features of each task, for models that know of none."""
        T = MANY + FEW
        known = np.where(task < T, task, T)
        one = np.eye(T + 1)[known][:, :T]
        A = np.column_stack([np.ones(len(X)), X])
        own = (one[:, :, None] * A[:, None, :]).reshape(len(X), -1)
        return np.column_stack([X, own])


Answer = tuple[np.ndarray, np.ndarray, np.ndarray]  # prediction, low, high


def linmtl_cv(data: Data) -> Answer:
    return _linmtl(data, "cv+")


def linmtl_split(data: Data) -> Answer:
    return _linmtl(data, "split")


def _linmtl(data, method):
    from linmtl.conformal import TaskConformalRegressor

    model = TaskConformalRegressor(method=method, handle_unknown="mean")
    model.fit(data.X, data.y, data.task)
    ends = model.predict_interval(data.X_new, data.task_new)
    return model.predict(data.X_new, data.task_new), ends[:, 0], ends[:, 1]


def normal_model(data: Data) -> Answer:
    from linmtl import MixedEffectsRegressor

    model = MixedEffectsRegressor(noise="task").fit(data.X, data.y, data.task)
    mean, std = model.predict(data.X_new, data.task_new, return_std=True)
    return mean, mean - 1.6449 * std, mean + 1.6449 * std


def mapie_all_rows(data: Data) -> Answer:
    return _mapie(
        data, np.ones(data.task.size, bool), np.ones(data.task_new.size, bool)
    )


def mapie_each_task(data: Data) -> Answer:
    """MAPIE fitted to each task alone, which it refuses below eleven rows."""
    out = np.full((3, data.task_new.size), np.nan)
    for t in np.unique(data.task):
        train, test = data.task == t, data.task_new == t
        if train.sum() > 10:
            out[:, test] = _mapie(data, train, test)
    return tuple(out)


def _mapie(data, train, test):
    from mapie.regression import CrossConformalRegressor
    from sklearn.linear_model import RidgeCV

    A = data.design(data.X[train], data.task[train])
    ridge = RidgeCV(np.logspace(-3, 3, 13))
    cv = int(min(10, train.sum()))
    model = CrossConformalRegressor(ridge, confidence_level=COVERAGE, cv=cv)
    model.fit_conformalize(A, data.y[train])
    B = data.design(data.X_new[test], data.task_new[test])
    mean, ends = model.predict_interval(B)
    return mean, ends[:, 0, 0], ends[:, 1, 0]


METHODS: dict[str, Callable[[Data], Answer]] = {
    "linmtl, cv+": linmtl_cv,
    "linmtl, split": linmtl_split,
    "linmtl, normal model": normal_model,
    "MAPIE, all rows": mapie_all_rows,
    "MAPIE, each task alone": mapie_each_task,
}


def judge(data: Data, answer: Answer) -> tuple[np.ndarray, np.ndarray]:
    """Return the cover in each task, and the width relative to the best."""
    mean, low, high = (each.reshape(-1, ROWS) for each in answer)
    y = data.y_new.reshape(-1, ROWS)
    error = np.abs(y - mean)
    known = ~np.isnan(low).any(axis=1)
    best = 2 * np.quantile(np.where(np.isnan(error), 0, error), COVERAGE, axis=1)
    cover = np.where(known, np.mean((low <= y) & (y <= high), axis=1), np.nan)
    return cover, np.where(known, np.mean(high - low, axis=1) / best, np.nan)


def run(name: str, kind: str, sets: int) -> dict:
    cover, width, seconds = [], [], []
    for seed in range(sets):
        data = Data(seed, kind)
        start = time.process_time()
        answer = METHODS[name](data)
        seconds.append(time.process_time() - start)
        found = judge(data, answer)
        cover.append(found[0])
        width.append(found[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a method without new tasks
        by_task = np.nanmean(cover, axis=0)
        widths = np.nanmean(np.where(np.isinf(width), np.nan, width), axis=0)
        parts = np.split(np.arange(by_task.size), [MANY, MANY + FEW])
        many, few, new = (float(np.nanmean(by_task[part])) for part in parts)
        wide = [float(np.nanmean(widths[part])) for part in parts]
    share = float(np.mean(np.isinf(np.array(width)[:, : MANY + FEW])))
    return {
        "many": many,
        "worst": float(by_task[parts[0]].min()),
        "best": float(by_task[parts[0]].max()),
        "worst_of_all_sets": float(np.min(np.array(cover)[:, parts[0]])),
        "few": few,
        "new": new,
        "width": wide,
        "infinite": share,
        "seconds": float(np.median(seconds)),
    }


def table(found: dict[str, dict]) -> str:
    lines = [
        "| | 40 rows and more: mean | by task | fewer rows | new tasks | width: many "
        "| few | new | infinite | s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, r in found.items():
        cells = [f"{r['many']:.3f}", f"{r['worst']:.3f} to {r['best']:.3f}"]
        cells += [_number(r[part], 3) for part in ("few", "new")]
        cells += [_number(w, 2) for w in r["width"]]
        cells += [f"{100 * r['infinite']:.0f} %", f"{r['seconds']:.2f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float | None, digits: int) -> str:
    """Write a number; a dash for NaN, and for None, as JSON has it."""
    return "-" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=60)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args(given)
    warnings.simplefilter("ignore")
    names = dict(METHODS)
    try:
        import mapie  # noqa: F401
    except ImportError:
        names = {name: f for name, f in names.items() if "MAPIE" not in name}
    results = {}
    for kind in ("normal", "heavy"):
        results[kind] = {name: run(name, kind, arguments.sets) for name in names}
        print(f"{kind} errors, {arguments.sets} data sets\n\n{table(results[kind])}\n")
    if arguments.output:
        out = machine.describe(1) | {"sets": arguments.sets, "results": results}
        write_json(arguments.output, out)


if __name__ == "__main__":
    main()
