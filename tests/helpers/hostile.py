"""Random problems as hard as life makes them: scales, ranks, weights, few rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from cases import PENALTIES, Case, task_labels
from helpers.problems import Problem

LOSSES = ["squared", "squared", "squared", "huber", "poisson", "logistic", "logistic"]


def features(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Features on scales of their own, far from zero, constant, twice or sums."""
    X = rng.normal(size=(n, d))
    if rng.uniform() < 0.3:  # a category
        level = rng.integers(0, min(d, 4), size=n)
        X[:, : min(d, 4)] = np.eye(min(d, 4))[level]
    if rng.uniform() < 0.3:
        X[:, -1] = X[:, 0] if rng.uniform() < 0.5 else X.sum(axis=1)
    if rng.uniform() < 0.1:
        X[:, rng.integers(d)] = 1.0
    if rng.uniform() < 0.3:
        X *= 10.0 ** rng.uniform(-2, 2, size=d)
    if rng.uniform() < 0.2:
        X += np.abs(X).max() * 10.0 ** rng.uniform(0, 3) * rng.choice([-1, 0, 1], d)
    return X


def targets(rng: np.random.Generator, X: np.ndarray, T: int, loss: str) -> np.ndarray:
    """Targets of all tasks, (n_samples, n_tasks), from none to much noise."""
    scale = np.abs(X - X.mean(axis=0)).max(axis=0)
    scale[scale == 0] = 1.0
    Z = (X - X.mean(axis=0)) / scale
    W = rng.normal(size=(X.shape[1], 1)) + rng.choice([0.0, 0.3, 2.0]) * rng.normal(
        size=(X.shape[1], T)
    )
    eta = Z @ W + rng.normal(size=T)
    if loss in ("squared", "huber"):
        noise = rng.choice([0.0, 0.1, 1.0, 1.0]) * rng.normal(size=eta.shape)
        return 10.0 ** rng.uniform(-2, 2) * (eta + noise + rng.choice([0.0, 30.0]))
    if loss == "poisson":
        counts = rng.poisson(np.exp(0.5 + np.tanh(eta))).astype(float)
        counts[0] += 1.0  # of zeros only there is no best intercept
        return counts
    flip = rng.uniform(size=eta.shape) < rng.choice([0.1, 0.3])
    Y = np.where((eta > 0) ^ flip, 1.0, -1.0)
    Y[0], Y[-1] = 1.0, -1.0  # both classes
    return Y


def hostile_problem(number: int) -> tuple[Problem, Case, float]:
    """Return the problem of this number, a penalty and its strength."""
    rng = np.random.default_rng([20, number])
    loss = str(rng.choice(LOSSES))
    layout = str(rng.choice(["long", "long", "wide", "single"]))
    T = 1 if layout == "single" else int(rng.integers(2, 6))
    d = int(rng.integers(2, 11))
    sizes = rng.integers(4 if loss == "logistic" else 2, 40, size=T)
    labels, fit_intercept = task_labels(T), bool(rng.uniform() < 0.7)
    n = int(sizes[0] if layout == "wide" else sizes.sum())
    X = features(rng, n, d)
    as_sparse = bool(rng.uniform() < 0.15)
    if as_sparse:
        X[rng.uniform(size=X.shape) < 0.5] = 0.0
    weighted = bool(rng.uniform() < 0.3)
    if layout == "wide":
        Y = targets(rng, X, T, loss)
        observed = np.ones(Y.shape, dtype=bool)
        if rng.uniform() < 0.4:
            observed = rng.uniform(size=Y.shape) < 0.8
            observed[[0, -1]] = True
        S = rng.integers(1, 4, size=Y.shape) / 2 if weighted else np.ones(Y.shape)
        rows = [np.flatnonzero(observed[:, t]) for t in range(T)]
        parts = [(X[r], Y[r, t], S[r, t]) for t, r in enumerate(rows)]
        y, tasks = pd.DataFrame(np.where(observed, Y, np.nan), columns=labels), None
    else:
        code = np.repeat(np.arange(T), sizes)
        y = np.concatenate(
            [targets(rng, X[code == t], T, loss)[:, t] for t in range(T)]
        )
        S = rng.integers(1, 4, size=n) / 2 if weighted else np.ones(n)
        parts = [(X[code == t], y[code == t], S[code == t]) for t in range(T)]
        tasks = np.array(labels)[code] if layout == "long" else None
    task_weight = "n_samples" if rng.uniform() < 0.3 else None
    mass = np.array([s.sum() for _, _, s in parts])
    factor = mass / mass.mean() if task_weight else np.ones(T)
    blocks = [
        (X_t, y_t, f * s_t / m)
        for (X_t, y_t, s_t), f, m in zip(parts, factor, mass, strict=True)
    ]
    problem = Problem(
        loss,
        sparse.csr_array(X) if as_sparse else X,
        y,
        tasks,
        S if weighted else None,
        fit_intercept,
        task_weight,
        blocks,
    )
    # Directions without a penalty may separate classes or counts.
    curved = loss in ("logistic", "poisson")
    cases = [c for c in PENALTIES if not (c.free and curved)]
    if T == 2:  # the tree of `cases` has an empty group then
        cases = [c for c in cases if not c.name.startswith("Tree")]
    case = cases[rng.integers(len(cases))]
    gradient = max(
        np.abs(X_t.T @ (w * (y_t - y_t.mean()))).max() for X_t, y_t, w in blocks
    )
    strength = 10.0 ** rng.uniform(-4, 1) * max(float(gradient), 1e-3)
    return problem, case, strength
