"""Models tuned on features of different scales, against scikit-learn's RidgeCV.

``python -m benchmarks.scales`` prints, for several kinds of data, the held-out mean
squared error of each model over that of a ``RidgeCV`` for each task, on the features as
they are and standardised: the mean over tasks and data sets.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import machine
from benchmarks.report import Printed, write_json
from linmtl import (
    IndependentRegressor,
    L21RegressorCV,
    MeanRegularizedRegressorCV,
    TraceNormRegressorCV,
)

ALPHAS = np.logspace(-8, 8, 65)
MODELS: dict[str, Any] = {
    "independent": IndependentRegressor("cv"),
    "L21": L21RegressorCV(alphas=30),
    "trace norm": TraceNormRegressorCV(alphas=30),
    "mean-regularised": MeanRegularizedRegressorCV(alphas=30),
}
N_TASKS, N_FEATURES = 6, 21


def make_data(kind: str, seed: int) -> tuple[np.ndarray, ...]:
    """Return X, y, tasks and the mask of the training rows.

    "robot": positions, velocities and accelerations of seven joints, which resemble
    those of a robot arm in scale and correlation; "inverse": scales from 1e-3 to 1e3,
    which the coefficients undo; "raw": which they do not; "correlated"; and "unit".
    """
    rng = np.random.default_rng(seed)
    n = 2 * int(rng.choice([50, 100, 150]))
    tasks = np.repeat(np.arange(N_TASKS), n)
    W = rng.normal(size=(N_TASKS, N_FEATURES))
    X = rng.normal(size=(tasks.size, N_FEATURES))
    scale = 10.0 ** rng.uniform(-3, 3, N_FEATURES)
    if kind == "robot":
        position, velocity, acceleration = np.split(X, 3, axis=1)
        velocity = position + 3 * velocity
        X = np.hstack([position / 2, velocity, 3 * velocity + 30 * acceleration])
        W = W / X.std(axis=0)
    elif kind == "correlated":
        X, W = X @ rng.normal(size=(N_FEATURES, N_FEATURES)) * scale, W / scale
    elif kind != "unit":
        X, W = X * scale, W if kind == "raw" else W / scale
    signal = np.sum(X * W[tasks], axis=1)
    noise = signal.std() * rng.choice([0.03, 0.3, 2.0])
    y = signal + noise * rng.normal(size=signal.size)
    return X, y, tasks, np.arange(tasks.size) % 2 == 0


def errors(kind: str, seed: int) -> dict[str, np.ndarray]:
    """Return the held-out mean squared error of each task, by model."""
    X, y, tasks, train = make_data(kind, seed)
    predicted = {
        name: model.fit(X[train], y[train], tasks[train]).predict(X, tasks)
        for name, model in MODELS.items()
    }
    ridges: dict[str, Any] = {
        "RidgeCV": RidgeCV(ALPHAS),
        "standardised": make_pipeline(StandardScaler(), RidgeCV(ALPHAS)),
    }
    for name, ridge in ridges.items():
        predicted[name] = np.empty(y.size)
        for t in range(N_TASKS):
            mine = tasks == t
            ridge.fit(X[mine & train], y[mine & train])
            predicted[name][mine] = ridge.predict(X[mine])
    return {
        name: np.array(
            [np.mean((y - p)[(tasks == t) & ~train] ** 2) for t in range(N_TASKS)]
        )
        for name, p in predicted.items()
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", type=int, default=10, help="data sets of each kind")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args(arguments)
    table = Printed(
        {"data": "", "model": "", "/ RidgeCV": ".3f", "/ standardised": ".3f"}
    )
    for kind in ("robot", "inverse", "raw", "correlated", "unit"):
        found = [errors(kind, seed) for seed in range(options.sets)]
        for name in MODELS:
            ratios = [
                float(np.mean([each[name] / each[base] for each in found]))
                for base in ("RidgeCV", "standardised")
            ]
            table.add(kind, name, *ratios)
    if options.output:
        out = machine.describe(1) | {"sets": options.sets, "results": table.rows}
        write_json(options.output, out)


if __name__ == "__main__":
    main()
