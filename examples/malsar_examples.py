"""MALSAR's worked examples with linmtl, on data whose coefficients are known.

Six models, each on a problem of the kind it is made for: a line says what was planted
and what was found, and how far the coefficients W are from the planted ones, beside a
ridge fitted task by task (its strengths by cross-validation); a plot shows both. Run::

    python -m pip install ".[plot]" && python examples/malsar_examples.py
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linmtl import (
    ClusteredRegressorCV,
    DirtyRegressor,
    FusedSparseGroupRegressor,
    IndependentRegressor,
    L21Regressor,
    RobustFeaturesRegressor,
    TraceNormRegressor,
    stack_tasks,
)
from linmtl.datasets import make_multitask_regression
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import L21, Dirty, FusedSparseGroup, RobustFeatures, TraceNorm

Data = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass
class Finding:
    """What an example found: descriptions of the structure, errors of W, the plot."""

    title: str
    planted: str
    found: str
    error: float
    error_alone: float
    figure: Figure

    def __str__(self) -> str:
        return (
            f"{self.title}: planted {self.planted}; found {self.found}; "
            f"error of W {self.error:.3f}, task by task {self.error_alone:.3f}"
        )


# --- the examples -------------------------------------------------------------------


def joint_features() -> Finding:
    """All tasks use the same few features (L21)."""
    X, y, tasks, truth = make_multitask_regression(
        10, 30, (20, 40), n_informative=5, noise=0.5, return_coef=True, random_state=0
    )
    share = 0.15  # of the strength at which all coefficients are zero
    top = alpha_max(X, y, tasks, penalty=L21())
    model = L21Regressor(share * top).fit(X, y, tasks)
    alphas, path, _ = mtl_path(X, y, tasks, penalty=L21(), alphas=40, eps=0.02)

    figure, (left, *maps) = panels("Joint feature selection: L21", 3)
    norms = np.linalg.norm(path, axis=0)
    for planted, colour, label in (
        (truth.support, "tab:red", "planted"),
        (~truth.support, "0.6", "others"),
    ):
        lines = left.plot(alphas / top, norms[planted].T, color=colour)
        lines[0].set_label(label)
    strength_axis(left, "norm of a row of W", chosen=share)
    heat_maps(
        figure,
        maps,
        {"planted W: 5 rows": truth.coef, "found W: the same rows": model.coef_},
    )
    return Finding(
        "joint features",
        numbers(np.flatnonzero(truth.support)),
        numbers(np.flatnonzero((model.coef_ != 0).any(axis=0))),
        *errors(truth.coef, model.coef_, fitted_alone(X, y, tasks)),
        figure,
    )


def low_rank() -> Finding:
    """All tasks mix the same two directions (trace norm)."""
    X, y, tasks, truth = make_multitask_regression(
        20,
        30,
        (20, 40),
        structure="low_rank",
        rank=2,
        noise=0.5,
        return_coef=True,
        random_state=0,
    )
    share = 0.1
    top = alpha_max(X, y, tasks, penalty=TraceNorm())
    model = TraceNormRegressor(share * top).fit(X, y, tasks)
    alphas, path, _ = mtl_path(X, y, tasks, penalty=TraceNorm(), alphas=40, eps=0.02)

    figure, (left, *maps) = panels("Low rank: trace norm", 3)
    values = np.linalg.svd(path.transpose(2, 0, 1), compute_uv=False)
    for part, colour, label in (
        (slice(truth.rank), "tab:red", "first two"),
        (slice(truth.rank, None), "0.6", "others"),
    ):
        lines = left.plot(alphas / top, values[:, part], color=colour)
        lines[0].set_label(label)
    strength_axis(left, "singular values of W", chosen=share)
    heat_maps(
        figure,
        maps,
        {"planted W: rank 2": truth.coef, "found W: rank 2": model.coef_},
    )
    return Finding(
        "low rank",
        str(truth.rank),
        str(np.linalg.matrix_rank(model.coef_)),
        *errors(truth.coef, model.coef_, fitted_alone(X, y, tasks)),
        figure,
    )


def clustered() -> Finding:
    """Two groups of ten tasks, nearly the same model within each (clustered MTL)."""
    X, y, tasks, truth = make_multitask_regression(
        20,
        30,
        (25, 40),
        structure="clustered",
        n_clusters=2,
        deviation=0.3,
        noise=2.0,
        return_coef=True,
        random_state=0,
    )
    model = ClusteredRegressorCV(n_clusters=2, eta=0.1, alphas=10).fit(X, y, tasks)
    alone = fitted_alone(X, y, tasks)

    figure, axes = panels("Two clusters of ten tasks: clustered MTL", 3, rows=2)
    order = np.argsort(truth.labels, kind="stable")
    found = {
        "planted": truth.coef[order],
        "task by task": alone[order],
        "clustered": model.coef_[order],
    }
    heat_maps(
        figure,
        axes[:3],
        {f"W, {name}": coef for name, coef in found.items()},
        tasks="task, sorted by planted cluster",
    )
    image = None
    for axis, (name, coef) in zip(axes[3:], found.items(), strict=True):
        image = axis.imshow(np.corrcoef(coef), cmap="RdBu_r", vmin=-1, vmax=1)
        axis.set(
            title=f"correlation of tasks, {name}",
            xlabel="task, sorted by planted cluster",
            ylabel="task",
        )
        axis.yaxis.get_major_locator().set_params(integer=True)
    figure.colorbar(image, ax=axes[3:], shrink=0.8, label="correlation")
    return Finding(
        "clusters",
        clusters(truth.labels),
        clusters(model.labels_),
        *errors(truth.coef, model.coef_, alone),
        figure,
    )


def outlier_tasks() -> Finding:
    """Five shared features, but for two tasks that use any (robust MTFL)."""
    rng = np.random.default_rng(0)
    shape, features, outliers = (24, 30), [2, 7, 11, 19, 26], [4, 11]
    coef = np.zeros(shape)
    coef[:, features] = rng.choice([-1, 1], (24, 5)) * rng.uniform(0.7, 1.3, (24, 5))
    coef[outliers] = 0.5 * rng.standard_normal((2, 30))
    X, y, tasks = observed(coef, 35, 0.5, rng)
    ratio = 1.4  # of the strength on outlier tasks to that on shared features
    alpha = 0.1 * alpha_max(X, y, tasks, penalty=RobustFeatures(1.0, ratio))
    model = RobustFeaturesRegressor(alpha, ratio * alpha).fit(X, y, tasks)

    parts = model.coef_components_
    figure, axes = panels("Outlier tasks: robust multi-task feature learning", 4)
    heat_maps(
        figure,
        axes,
        {
            "planted W: outliers 4 and 11": coef,
            "found W = P + Q": model.coef_,
            "P: shared features": parts["shared"],
            "Q: outlier tasks": parts["outlier"],
        },
    )
    return Finding(
        "outlier tasks",
        numbers(outliers),
        numbers(model.outlier_tasks_),
        *errors(coef, model.coef_, fitted_alone(X, y, tasks)),
        figure,
    )


def dirty() -> Finding:
    """Four shared features, and ten coefficients of single tasks (dirty model)."""
    rng = np.random.default_rng(3)
    shape, features = (24, 30), [3, 8, 15, 22]
    coef = np.zeros(shape)
    coef[:, features] = rng.choice([-1, 1], 4) * rng.uniform(0.8, 1.2, (24, 4))
    own = np.zeros(shape)
    others = np.setdiff1d(range(30), features)
    own[rng.permutation(24)[:10], rng.choice(others, 10)] = 2.0
    own *= rng.choice([-1, 1], shape)
    coef += own
    X, y, tasks = observed(coef, 30, 0.5, rng)
    ratio = 0.15  # of the strength on single coefficients to that on shared features
    alpha = 0.15 * alpha_max(X, y, tasks, penalty=Dirty(1.0, ratio))
    model = DirtyRegressor(alpha, ratio * alpha).fit(X, y, tasks)

    parts = model.coef_components_
    figure, axes = panels("Shared features and single coefficients: dirty model", 4)
    heat_maps(
        figure,
        axes,
        {
            "planted W": coef,
            "found W = P + Q": model.coef_,
            "P: features of all tasks": parts["shared"],
            "Q: single coefficients": parts["own"],
        },
    )
    return Finding(
        "dirty",
        f"features {numbers(features)} and single {pairs(own != 0)}",
        f"features {numbers(np.flatnonzero(parts['shared'].any(axis=0)))} and single "
        f"{pairs(parts['own'] != 0)}",
        *errors(coef, model.coef_, fitted_alone(X, y, tasks)),
        figure,
    )


def change_points() -> Finding:
    """Tasks are points in time; coefficients jump now and then (fused sparse group)."""
    rng = np.random.default_rng(2)
    coef = np.zeros((24, 20))
    coef[:8, 2], coef[8:, 2] = 1.5, -0.5
    coef[:, 5] = 1.0
    coef[12:, 9] = -1.2
    coef[6:16, 14] = 1.3
    X, y, times = observed(coef, 20, 0.5, rng)
    ratios = np.array([0.2, 1.0, 0.2])  # of entries, changes, rows
    factor = 0.1 * alpha_max(X, y, times, penalty=FusedSparseGroup(*ratios))
    model = FusedSparseGroupRegressor(*(factor * ratios)).fit(X, y, times)

    figure, (*maps, right) = panels("Change points: fused sparse group lasso", 3)
    heat_maps(
        figure,
        maps,
        {"planted W": coef, "found W: the same large changes": model.coef_},
        tasks="task (time)",
    )
    alone = fitted_alone(X, y, times)
    for values, style, label in (
        (alone, {"color": "0.6"}, "task by task"),
        (coef, {"color": "black", "linestyle": "--"}, "planted"),
        (model.coef_, {"color": "tab:red"}, "fused sparse group"),
    ):
        right.plot(values[:, 14], drawstyle="steps-mid", label=label, **style)
    right.set(title="feature 14 over time", xlabel="task (time)", ylabel="coefficient")
    right.legend()
    return Finding(
        "change points",
        changes(coef),
        changes(model.coef_),
        *errors(coef, model.coef_, alone),
        figure,
    )


EXAMPLES: dict[str, Callable[[], Finding]] = {
    example.__name__: example
    for example in (
        joint_features,
        low_rank,
        clustered,
        outlier_tasks,
        dirty,
        change_points,
    )
}


# --- data, and what is said of them --------------------------------------------------


def observed(
    coef: np.ndarray, n_samples: int, noise: float, rng: np.random.Generator
) -> Data:
    """Draw standard normal samples for each task, and targets with noise."""
    n_tasks, n_features = coef.shape
    Xs = [rng.standard_normal((n_samples, n_features)) for _ in range(n_tasks)]
    ys = [
        X @ w + noise * rng.standard_normal(n_samples)
        for X, w in zip(Xs, coef, strict=True)
    ]
    return stack_tasks(Xs, ys)


def fitted_alone(X: np.ndarray, y: np.ndarray, tasks: np.ndarray) -> np.ndarray:
    return IndependentRegressor("cv").fit(X, y, tasks).coef_


def errors(planted: np.ndarray, *found: np.ndarray) -> list[float]:
    """Return the relative errors of coefficients."""
    size = np.linalg.norm(planted)
    return [float(np.linalg.norm(coef - planted) / size) for coef in found]


def numbers(values: Sequence[int] | np.ndarray) -> str:
    return " ".join(str(value) for value in values)


def clusters(labels: np.ndarray) -> str:
    """Return the tasks of each cluster, the cluster of task 0 first."""
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    members.sort(key=lambda tasks: tasks[0])
    return " | ".join(numbers(tasks) for tasks in members)


def pairs(mask: np.ndarray) -> str:
    """Return task and feature of each True."""
    return " ".join(f"{t}:{j}" for t, j in zip(*np.nonzero(mask), strict=True))


def changes(coef: np.ndarray) -> str:
    """Return the features in use, and the tasks at which they change by over 0.5.

    (A fused penalty may take one large change in two steps, the second small.)
    """
    return ", ".join(
        f"{j} at " + numbers(np.flatnonzero(np.abs(np.diff(coef[:, j])) > 0.5) + 1)
        if np.ptp(coef[:, j]) > 0.5
        else f"{j} never"
        for j in np.flatnonzero(coef.any(axis=0))
    )


# --- plots --------------------------------------------------------------------------


def panels(title: str, columns: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(4.0 * columns, 4.2 * rows), layout="constrained")
    figure.suptitle(title, fontsize="x-large")
    return figure, list(np.ravel(figure.subplots(rows, columns)))


def strength_axis(axis: Axes, label: str, chosen: float) -> None:
    """Label a plot of a path; a line shows the strength chosen."""
    axis.axvline(chosen, color="k", ls=":", label="strength chosen")
    axis.set(
        title="along the path of strengths",
        xscale="log",
        xlabel="alpha / alpha_max",
        ylabel=label,
    )
    axis.invert_xaxis()
    axis.set_ylim(top=1.35 * axis.get_ylim()[1])  # room for the legend
    axis.legend(loc="upper left")


def heat_maps(
    figure: Figure,
    axes: Sequence[Axes],
    matrices: dict[str, np.ndarray],
    tasks: str = "task",
) -> None:
    """Show matrices (n_tasks, n_features) on one scale, symmetric about zero."""
    limit = max(np.abs(coef).max() for coef in matrices.values())
    image: Any = None
    for axis, (title, coef) in zip(axes, matrices.items(), strict=True):
        image = axis.imshow(
            coef.T,
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            aspect="auto",
            interpolation="nearest",
        )
        axis.set(title=title, xlabel=tasks, ylabel="feature")
        for side in (axis.xaxis, axis.yaxis):
            side.get_major_locator().set_params(integer=True)
    figure.colorbar(image, ax=list(axes), label="coefficient")


def main(arguments: Sequence[str] | None = None) -> list[Finding]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(__file__).parent / "output",
        help="folder for the plots (default: examples/output)",
    )
    folder = parser.parse_args(arguments).output
    folder.mkdir(parents=True, exist_ok=True)
    findings = []
    for name, example in EXAMPLES.items():
        finding = example()
        finding.figure.savefig(folder / f"{name}.png", dpi=100)
        print(finding, flush=True)
        findings.append(finding)
    return findings


if __name__ == "__main__":
    main()
