"""The problems: data from a seed, objective, strengths of the penalty, target."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.io import loadmat
from scipy.signal import lfilter

from benchmarks.objective import (
    Data,
    Objective,
    Ragged,
    Shared,
    mean_regularised_optimum,
)

SCHOOL_VARIABLE = "LINMTL_SCHOOL"
CORRELATION = 0.5


def ar_design(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Return Gaussian rows with correlation 0.5^|i - j| between features i and j."""
    Z = rng.standard_normal((n, d))
    Z[:, 1:] *= np.sqrt(1.0 - CORRELATION**2)
    return lfilter([1.0], [1.0, -CORRELATION], Z, axis=1)


def row_sparse(rng: np.random.Generator, d: int, T: int, n_true: int) -> np.ndarray:
    """Return coefficients with ``n_true`` Gaussian rows and zeros elsewhere."""
    W = np.zeros((d, T))
    W[rng.choice(d, n_true, replace=False)] = rng.standard_normal((n_true, T))
    return W


def low_rank(rng: np.random.Generator, d: int, T: int, rank: int) -> np.ndarray:
    """Return coefficients of a given rank, with entries of about unit variance."""
    U, V = rng.standard_normal((d, rank)), rng.standard_normal((rank, T))
    return U @ V / np.sqrt(rank)


def shared_regression(n: int, W: np.ndarray, rng: np.random.Generator) -> Shared:
    """Return centred data with noise of unit variance."""
    X = np.asfortranarray(ar_design(rng, n, len(W)))
    X -= X.mean(axis=0)
    signal = X @ W
    Y = signal + rng.standard_normal(signal.shape)
    return Shared(X, np.asfortranarray(Y - Y.mean(axis=0)))


def ragged_regression(rows: list[int], W: np.ndarray, rng) -> Ragged:
    """Return data of tasks with designs of their own, each task centred."""
    Xs, ys = [], []
    for n, w in zip(rows, W.T, strict=True):
        X = ar_design(rng, n, len(w))
        X -= X.mean(axis=0)
        signal = X @ w
        y = signal + rng.standard_normal(n)
        Xs.append(X)
        ys.append(y - y.mean())
    return Ragged(Xs, ys)


def ragged_classification(rows: list[int], W: np.ndarray, rng) -> Ragged:
    """Return labels -1 and +1 drawn from a logistic model, with intercepts."""
    Xs, ys = [], []
    for n, w in zip(rows, W.T, strict=True):
        X = ar_design(rng, n, len(w))
        eta = X @ w
        Xs.append(X)
        ys.append(np.where(rng.random(n) < 1.0 / (1.0 + np.exp(-eta)), 1.0, -1.0))
    return Ragged(Xs, ys)


def ragged_counts(rows: list[int], W: np.ndarray, rng) -> Ragged:
    """Return counts drawn from a Poisson model of mean rate 2."""
    Xs, ys = [], []
    for n, w in zip(rows, W.T, strict=True):
        X = ar_design(rng, n, len(w))
        eta = X @ w
        eta *= 0.5 / max(eta.std(), 1e-12)
        Xs.append(X)
        ys.append(rng.poisson(2.0 * np.exp(eta)).astype(float))
    return Ragged(Xs, ys)


def ragged_times(rows: list[int], W: np.ndarray, rng) -> Ragged:
    """Return times to an event, all different, negative where they are censored."""
    Xs, ys = [], []
    for n, w in zip(rows, W.T, strict=True):
        X = ar_design(rng, n, len(w))
        eta = X @ w
        eta /= max(eta.std(), 1e-12)
        time, end = rng.exponential(np.exp(-eta)), rng.exponential(2.0, n)
        Xs.append(X)
        ys.append(np.where(time < end, time, -end))
    return Ragged(Xs, ys)


def ragged_outliers(rows: list[int], W: np.ndarray, rng) -> Ragged:
    """Return data with noise from a t distribution of two degrees of freedom."""
    Xs, ys = [], []
    for n, w in zip(rows, W.T, strict=True):
        X = ar_design(rng, n, len(w))
        Xs.append(X)
        ys.append(X @ w + rng.standard_t(2, n))
    return Ragged(Xs, ys)


@dataclass(frozen=True)
class Sizes:
    """Rows (per task where ragged), features, tasks, true rows or rank."""

    n: int | tuple[int, int]
    d: int
    T: int
    true: int

    def varied(self, rng: np.random.Generator) -> Sizes:
        """Return sizes that differ by up to a fifth, each by a factor of its own."""

        def vary(size):
            return max(int(size * rng.uniform(0.8, 1.2)), 2)

        n = self.n
        rows = vary(n) if isinstance(n, int) else (vary(n[0]), max(vary(n[1]), n[0]))
        if not isinstance(rows, int):
            rows = min(rows), max(rows)
        return Sizes(rows, vary(self.d), vary(self.T), vary(self.true))


def _shared(sizes: Sizes, seed: int) -> Shared:
    rng = np.random.default_rng(seed)
    W = row_sparse(rng, sizes.d, sizes.T, sizes.true)
    return shared_regression(sizes.n, W, rng)


def _shared_low_rank(sizes: Sizes, seed: int) -> Shared:
    rng = np.random.default_rng(seed)
    W = low_rank(rng, sizes.d, sizes.T, sizes.true)
    return shared_regression(sizes.n, W, rng)


def _ragged_low_rank(sizes: Sizes, seed: int) -> Ragged:
    rng = np.random.default_rng(seed)
    W = low_rank(rng, sizes.d, sizes.T, sizes.true)
    return ragged_regression([sizes.n] * sizes.T, W, rng)


def _ragged(draw: Callable[..., Ragged]) -> Callable[[Sizes, int], Ragged]:
    def data(sizes: Sizes, seed: int) -> Ragged:
        rng = np.random.default_rng(seed)
        W = row_sparse(rng, sizes.d, sizes.T, sizes.true)
        low, high = sizes.n
        rows = rng.integers(low, high + 1, sizes.T).tolist()
        return draw(rows, W, rng)

    return data


def _read_school(path: str | None) -> Ragged:
    """Read the tasks of school.mat: the last column of each X is constant."""
    if not path:
        raise FileNotFoundError(
            f"no school.mat; pass --school PATH or set {SCHOOL_VARIABLE}"
        )
    content = loadmat(path)
    Xs = [np.asarray(X, dtype=float) for X in content["X"][0]]
    ys = [np.asarray(y, dtype=float).ravel() for y in content["Y"][0]]
    return Ragged(Xs, ys)


def standardise(data: Ragged) -> Ragged:
    """Drop the constant column; zero mean and unit variance over all rows."""
    X, y = np.concatenate(data.Xs)[:, :-1], np.concatenate(data.targets)
    centre, scale = X.mean(axis=0), X.std(axis=0)
    return Ragged(
        [(X_t[:, :-1] - centre) / scale for X_t in data.Xs],
        [(y_t - y.mean()) / y.std() for y_t in data.targets],
    )


@dataclass(frozen=True)
class Problem:
    """What to solve, and how well.

    Attributes
    ----------
    name, title : str
        For the command line and for readers.
    make : callable
        ``make(size, school, draw)`` returns the data.
    loss, penalty, fit_intercept, mean_loss
        As for :class:`benchmarks.objective.Objective`.
    fractions : tuple of float
        Strengths as fractions of alpha_max (absolute if ``absolute``).
    kind : {"fit", "path", "cv"}
        One strength, all of them, or all of them on each of five folds.
    target : float, default=1e-6
        Relative accuracy, ``gap / F0``, at every strength.
    criterion : {"gap", "suboptimality"}, default="gap"
        What is compared with the target.
    relative_to : {"null", "optimum"}, default="null"
        What the accuracy is relative to: the null model or the optimum.
    optimum : float, default=None
        The known minimum, or None.
    """

    name: str
    title: str
    make: Callable[[str, str | None, int], Data]
    loss: str
    penalty: str
    fractions: tuple[float, ...]
    kind: str = "fit"
    fit_intercept: bool = False
    mean_loss: bool = True
    absolute: bool = False
    target: float = 1e-6
    criterion: str = "gap"
    relative_to: str = "null"
    optimum: float | None = None
    needs_school: bool = False


class Instance:
    """A problem with its data.

    Parameters
    ----------
    problem : Problem
        What to solve.
    size : {"full", "small"}
        How large.
    school : str, default=None
        Path of school.mat.
    draw : int, default=0
        The problem's own data, or others: another seed, and sizes varied by a fifth.
    """

    def __init__(
        self, problem: Problem, size: str, school: str | None = None, draw: int = 0
    ):
        self.problem = problem
        self.size = size
        self.data = problem.make(size, school, draw)
        self.objective = Objective(
            self.data,
            problem.loss,
            problem.penalty,
            problem.fit_intercept,
            problem.mean_loss,
        )

    @cached_property
    def alphas(self) -> np.ndarray:
        """The strengths, decreasing."""
        top = 1.0 if self.problem.absolute else self.objective.alpha_max
        return top * np.array(self.problem.fractions)

    @property
    def shared(self) -> bool:
        return isinstance(self.data, Shared)

    @property
    def optimum(self) -> float | None:
        """The minimum where it is known without a solver."""
        if self.problem.penalty == "mean":
            return mean_regularised_optimum(self.objective, self.alphas[0])
        return self.problem.optimum if self.size == "full" else None

    def folds(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Five folds of consecutive rows, as (train, test)."""
        n = len(self.data.X)
        parts = np.array_split(np.arange(n), 5)
        return [(np.setdiff1d(np.arange(n), test), test) for test in parts]

    def describe(self) -> dict:
        """Return the sizes and the scale for the report."""
        rows = self.data.n_rows
        return {
            "samples": rows[0] if self.shared else int(sum(rows)),
            "rows_per_task": [min(rows), max(rows)],
            "features": self.data.n_features,
            "tasks": self.data.n_tasks,
            "alphas": self.alphas.tolist(),
            "null_value": self.objective.null_value,
            "optimum": self.optimum,
        }


def _sized(make, full: Sizes, small: Sizes, seed: int):
    def data(size: str, school: str | None, draw: int) -> Data:
        sizes = full if size == "full" else small
        if draw:
            sizes = sizes.varied(np.random.default_rng([seed, draw]))
        return make(sizes, seed + 1000 * draw)

    return data


def _school(standard: bool):
    def data(size: str, school: str | None, draw: int) -> Ragged:
        tasks = _read_school(school or os.environ.get(SCHOOL_VARIABLE))
        if size == "small":
            tasks = Ragged(tasks.Xs[:20], tasks.targets[:20])
        return standardise(tasks) if standard else tasks

    return data


def _grid(n: int, low: float) -> tuple[float, ...]:
    return tuple(np.geomspace(1.0, low, n).tolist())


_TALL = _sized(_shared, Sizes(20_000, 300, 30, 50), Sizes(400, 30, 5, 5), 0)
_WIDE = _sized(_shared, Sizes(300, 5000, 20, 30), Sizes(50, 120, 5, 5), 1)
_MIDDLE = _sized(_shared, Sizes(5000, 500, 30, 50), Sizes(200, 30, 5, 5), 2)
_MANY = _sized(
    _ragged(ragged_classification),
    Sizes((100, 300), 200, 20, 20),
    Sizes((40, 80), 20, 5, 4),
    3,
)
_FEW = _sized(
    _ragged(ragged_classification),
    Sizes((1000, 2000), 200, 10, 20),
    Sizes((80, 160), 20, 4, 4),
    4,
)
_FLAT = _sized(_shared_low_rank, Sizes(5000, 400, 200, 5), Sizes(200, 20, 10, 2), 5)
_FLAT_RAGGED = _sized(_ragged_low_rank, Sizes(200, 500, 100, 5), Sizes(30, 20, 8, 2), 6)
_COUNTS, _OUTLIERS, _TIMES = (
    _sized(_ragged(draw), Sizes((100, 300), 200, 20, 20), Sizes((40, 80), 20, 5, 4), k)
    for k, draw in ((7, ragged_counts), (8, ragged_outliers), (9, ragged_times))
)

PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem(
            "l21-tall",
            "L21, tall shared X, .02 alpha_max",
            _TALL,
            "squared",
            "l21",
            (0.02,),
        ),
        Problem(
            "l21-wide",
            "L21, wide shared X, .1 alpha_max",
            _WIDE,
            "squared",
            "l21",
            (0.1,),
        ),
        Problem(
            "l21-wide-weak",
            "L21, wide shared X, .02 alpha_max",
            _WIDE,
            "squared",
            "l21",
            (0.02,),
        ),
        Problem(
            "l21-path-wide",
            "L21 path of 50 to .01 alpha_max, wide shared X",
            _WIDE,
            "squared",
            "l21",
            _grid(50, 0.01),
            kind="path",
            target=1e-5,
        ),
        Problem(
            "l21-path-tall",
            "L21 path of 50 to .01 alpha_max, tall shared X",
            _MIDDLE,
            "squared",
            "l21",
            _grid(50, 0.01),
            kind="path",
            target=1e-5,
        ),
        Problem(
            "l21-cv",
            "L21 cross-validation, 5 folds x 50 alphas",
            _MIDDLE,
            "squared",
            "l21",
            _grid(50, 0.01),
            kind="cv",
            fit_intercept=True,
            target=1e-5,
        ),
        Problem(
            "logistic-many",
            "L21 logistic, many ragged tasks, .1 alpha_max",
            _MANY,
            "logistic",
            "l21",
            (0.1,),
            fit_intercept=True,
        ),
        Problem(
            "logistic-few",
            "L21 logistic, few long ragged tasks, .1 alpha_max",
            _FEW,
            "logistic",
            "l21",
            (0.1,),
            fit_intercept=True,
        ),
        Problem(
            "logistic-path-many",
            "L21 logistic path of 30 to .02 alpha_max, many tasks",
            _MANY,
            "logistic",
            "l21",
            _grid(30, 0.02),
            kind="path",
            fit_intercept=True,
        ),
        Problem(
            "logistic-path-few",
            "L21 logistic path of 30 to .02 alpha_max, few tasks",
            _FEW,
            "logistic",
            "l21",
            _grid(30, 0.02),
            kind="path",
            fit_intercept=True,
        ),
        Problem(
            "logistic-l1",
            "L1 logistic (tasks independent), .1 alpha_max",
            _MANY,
            "logistic",
            "l1",
            (0.1,),
            fit_intercept=True,
        ),
        Problem(
            "poisson-many",
            "L21 Poisson, many ragged tasks, .1 alpha_max",
            _COUNTS,
            "poisson",
            "l21",
            (0.1,),
            fit_intercept=True,
        ),
        Problem(
            "poisson-l1",
            "L1 Poisson (tasks independent), .1 alpha_max",
            _COUNTS,
            "poisson",
            "l1",
            (0.1,),
            fit_intercept=True,
        ),
        Problem(
            "cox-l1",
            "L1 Cox (tasks independent), .1 alpha_max",
            _TIMES,
            "cox",
            "l1",
            (0.1,),
            fit_intercept=True,
        ),
        Problem(
            "huber-many",
            "L21 Huber, many ragged tasks, .1 alpha_max",
            _OUTLIERS,
            "huber",
            "l21",
            (0.1,),
            fit_intercept=True,
        ),
        Problem(
            "trace-shared",
            "trace norm, shared X, .1 alpha_max",
            _FLAT,
            "squared",
            "trace",
            (0.1,),
        ),
        Problem(
            "trace-ragged",
            "trace norm, ragged tasks, .1 alpha_max",
            _FLAT_RAGGED,
            "squared",
            "trace",
            (0.1,),
        ),
        *(
            Problem(
                f"school-{penalty}",
                f"School, standardised, mean losses, {penalty}, alpha .05",
                _school(standard=True),
                "squared",
                penalty,
                (0.05,),
                fit_intercept=True,
                absolute=True,
                criterion="suboptimality",
                relative_to="optimum",
                needs_school=True,
            )
            for penalty in ("l21", "trace", "mean")
        ),
        *(
            Problem(
                f"school-raw-{penalty}",
                f"School, raw, sums of losses, {penalty}, rho {rho:g}",
                _school(standard=False),
                "squared",
                penalty,
                (rho,),
                mean_loss=False,
                absolute=True,
                criterion="suboptimality",
                relative_to="optimum",
                optimum=optimum,
                needs_school=True,
            )
            for penalty, rho, optimum in (
                ("l21", 200.0, 783909.2025),
                ("trace", 100.0, 725844.6778),
            )
        ),
    )
}
