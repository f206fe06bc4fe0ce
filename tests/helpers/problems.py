"""Small random problems in every layout, and their optimum by a general solver.

The blocks of a problem are its objective written out from the documentation (mean loss
of each task, weights); nothing here uses the package's own evaluation of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cvxpy as cp
import numpy as np
import pandas as pd
from scipy import sparse

from cases import task_labels
from helpers.convex import least
from helpers.losses import FORMULAS, loss_of, make_loss
from linmtl import MultiTaskClassifier, MultiTaskRegressor
from linmtl.datafits._gram import GramFit
from linmtl.datafits._moments import Moments
from linmtl.datafits._residual import ResidualFit
from linmtl.losses import LOSSES
from linmtl.solvers._objective import Objective

ESTIMATORS = {
    name: partial(
        MultiTaskClassifier if LOSSES[name].classify else MultiTaskRegressor,
        loss=name,
        **make_loss(name).settings(),
    )
    for name in FORMULAS
}
FORMS = {"gram": GramFit, "residual": ResidualFit}


@dataclass(frozen=True)
class Problem:
    """Arguments of `fit`, and what they mean.

    Attributes
    ----------
    blocks : list of (X_t, y_t, weight_t)
        The observed rows of each task; the loss of task t is
        ``sum_i weight_i loss(y_i, x_i . w_t + b_t)``.
    """

    loss: str
    X: Any
    y: Any
    tasks: Any
    sample_weight: Any
    fit_intercept: bool
    task_weight: Any
    blocks: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]

    @property
    def n_features(self) -> int:
        return self.X.shape[1]

    @property
    def n_tasks(self) -> int:
        return len(self.blocks)

    @property
    def options(self) -> dict[str, Any]:
        return {"fit_intercept": self.fit_intercept, "task_weight": self.task_weight}

    def penalty(self, case, s=1.0):
        return case.make(s, self.n_features, self.n_tasks)

    def labels(self, penalty):
        """Return the task of each row: a number where the order of tasks matters."""
        if self.tasks is None or not getattr(penalty, "ordered", False):
            return self.tasks
        return np.unique(self.tasks, return_inverse=True)[1]

    def estimator(self, penalty, **options):
        options = {"tol": 1e-10, "max_iter": 100_000, **self.options, **options}
        return ESTIMATORS[self.loss](penalty, **options)

    def fit(self, penalty, **options):
        """Return the estimator of this loss, fitted."""
        model = self.estimator(penalty, **options)
        return model.fit(self.X, self.y, self.labels(penalty), self.sample_weight)

    def posed(self, penalty):
        """Return the package's reading of the problem."""
        return self.estimator(penalty)._read_problem(
            self.X, self.y, self.labels(penalty), self.sample_weight
        )

    def objective(self, penalty, form="residual") -> Objective:
        """Return the package's objective with this form of the datafit."""
        problem = self.posed(penalty)
        data, loss = problem.data, make_loss(self.loss)
        if form == "residual":
            fit = ResidualFit(data, loss)
        else:
            fit = GramFit(Moments.of(data), loss, data)
        return Objective(fit, problem.objective.penalty)

    def loss_at(self, coef, intercept) -> float:
        """Return the loss of all tasks, written out."""
        W, b = np.atleast_2d(coef), np.atleast_1d(intercept)
        total = 0.0
        for (X, y, weight), w_t, b_t in zip(self.blocks, W, b, strict=True):
            eta = X @ w_t + b_t
            total += weight @ FORMULAS[self.loss](y, eta)
        return float(total)

    def value_at(self, case, coef, intercept, s=1.0) -> float:
        """Return the objective, written out (signs are not checked)."""
        return self.loss_at(coef, intercept) + case.value(np.atleast_2d(coef).T, s)

    def cvxpy_optimum(self, case, s=1.0) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the optimum, coef and intercept found by an interior-point method."""
        W = cp.Variable((self.n_features, self.n_tasks))
        b = cp.Variable(self.n_tasks)
        penalty, constraints = case.expression(W, s)
        total = penalty
        for t, (X, y, weight) in enumerate(self.blocks):
            eta = X @ W[:, t] + b[t]
            total += loss_of(self.loss, y, eta, weight)
        if not self.fit_intercept:
            constraints = [*constraints, b == 0]
        return least(total, constraints), W.value.T, b.value


def _targets(rng, X, T, loss):
    """Related tasks; labels noisy enough that no direction separates them."""
    d = X.shape[1]
    common = rng.normal(size=d) * (np.arange(d) % 3 > 0)
    W = common + 0.4 * rng.normal(size=(T, d))
    eta = X @ W.T + rng.normal(size=T)
    eta -= eta.mean(axis=0)
    if loss in ("squared", "huber", "quantile"):
        noise = rng.normal(size=eta.shape)
        if loss == "huber":
            noise *= rng.choice([1.0, 20.0], p=[0.8, 0.2], size=eta.shape)
        return eta + 3.0 + 0.3 * noise
    if loss in ("poisson", "gamma", "tweedie"):
        mean = np.exp(1.0 + eta / (1.0 + np.abs(eta)))
        if loss == "gamma":
            return mean * rng.gamma(8.0, 1 / 8, size=eta.shape)
        count = rng.poisson(mean).astype(float)
        return count if loss == "poisson" else rng.gamma(2.0 * count)
    flip = rng.uniform(size=eta.shape) < 0.2
    return np.where((eta > 0) ^ flip, 1.0, -1.0)


def make_problem(
    loss: str = "squared",
    layout: str = "long",
    *,
    sizes: Sequence[int] = (13, 19, 16, 11),
    d: int = 5,
    fit_intercept: bool = True,
    sample_weight: bool = False,
    task_weight: Any = None,
    missing: bool = False,
    as_sparse: bool = False,
    seed: int = 0,
) -> Problem:
    """Return a problem; `sizes` are the rows per task, equal for the layout "wide"."""
    rng = np.random.default_rng(seed)
    T = len(sizes)
    if LOSSES[loss].classify and d < min(sizes):  # enough rows for classes that overlap
        sizes = tuple(3 * n for n in sizes)
    labels = task_labels(T)
    n = sizes[0] if layout == "wide" else sum(sizes)
    # features of different scale, centre and correlation
    X = rng.normal(size=(n, d)) @ (np.eye(d) + 0.4 * rng.normal(size=(d, d)))
    X += np.resize([0.5, -1.0, 0.0], d)
    if as_sparse:
        X[rng.uniform(size=X.shape) < 0.5] = 0.0
    Y = _targets(rng, X, T, loss)
    if layout == "wide":
        observed = np.ones(Y.shape, dtype=bool)
        if missing:
            observed = rng.uniform(size=Y.shape) < 0.8
        S = rng.integers(0, 4, size=Y.shape) / 2 if sample_weight else np.ones(Y.shape)
        rows = [np.flatnonzero(observed[:, t]) for t in range(T)]
        parts = [(X[r], Y[r, t], S[r, t]) for t, r in enumerate(rows)]
        y = pd.DataFrame(np.where(observed, Y, np.nan), columns=labels)
        tasks = None
    else:
        code = rng.permutation(np.repeat(np.arange(T), sizes))
        y = Y[np.arange(n), code]
        S = rng.integers(0, 4, size=n) / 2 if sample_weight else np.ones(n)
        parts = [(X[code == t], y[code == t], S[code == t]) for t in range(T)]
        tasks = np.array(labels)[code] if layout == "long" else None
    mass = np.array([s.sum() for _, _, s in parts])
    if task_weight is None:
        factor = np.ones(T)
    elif isinstance(task_weight, str):
        factor = mass / mass.mean()
    else:
        factor = np.asarray(task_weight, dtype=float)
    blocks = [
        (X_t, y_t, f * s_t / m)
        for (X_t, y_t, s_t), f, m in zip(parts, factor, mass, strict=True)
    ]
    return Problem(
        loss,
        sparse.csr_array(X) if as_sparse else X,
        y,
        tasks,
        S if sample_weight else None,
        fit_intercept,
        task_weight,
        blocks,
    )


# Every way in which data come. Tests over all penalties run over all of these.
LAYOUTS: dict[str, dict[str, Any]] = {
    "ragged": {},
    "ragged-no-intercept": {"fit_intercept": False},
    "ragged-weights": {"sample_weight": True, "task_weight": [1.0, 0.5, 2.0, 1.5]},
    "n_samples": {"task_weight": "n_samples", "seed": 3},
    "shared": {"layout": "wide", "sizes": (17,) * 4},
    "shared-no-intercept": {
        "layout": "wide",
        "sizes": (17,) * 4,
        "fit_intercept": False,
    },
    "shared-missing": {
        "layout": "wide",
        "sizes": (21,) * 4,
        "missing": True,
        "sample_weight": True,
    },
    "one-task": {"layout": "single", "sizes": (26,)},
    "d-above-n": {"sizes": (4, 5, 6), "d": 9},
    "shared-d-above-n": {"layout": "wide", "sizes": (6,) * 3, "d": 9},
    "sparse": {"as_sparse": True},
}
# More features than rows separate the classes: without a penalty on every direction
# the logistic loss then has no finite optimum, nor the Poisson loss with its zeros.
SEPARABLE = {"d-above-n", "shared-d-above-n"}


def has_optimum(case, loss: str, layout: str) -> bool:
    separable = loss in ("logistic", "squared_hinge", "poisson", "tweedie")
    separable &= layout in SEPARABLE
    return not (separable and case.free)
