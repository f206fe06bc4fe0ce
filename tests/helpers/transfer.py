"""Tasks that may learn from each other, and some that should not."""

import numpy as np

from helpers.data import generated


def make_data(W, n=40, noise=1.0, seed=0, classify=False):
    """Return X, y and tasks for W (n_tasks, d); the mean of y differs by task."""
    rng = np.random.default_rng(seed)
    T, d = W.shape
    sizes = np.broadcast_to(n, T)
    code = rng.permutation(np.repeat(np.arange(T), sizes))
    X = rng.normal(size=(code.size, d))
    eta = np.einsum("nd,nd->n", X, W[code]) + code
    y = eta + noise * rng.normal(size=code.size)
    if classify:
        y = np.where(y > code, "yes", "no")
    return X, y, np.array([f"t{t}" for t in range(T)])[code]


def random_W(T=4, d=5, seed=1, shared=1.0, own=0.5):
    """Return coefficients around a shared vector, (n_tasks, d)."""
    rng = np.random.default_rng(seed)
    return shared * rng.normal(size=d) + own * rng.normal(size=(T, d))


def around_a_centre(classify=False, turned=(), **options):
    """Return data of tasks around a centre, some of them turned into the opposite."""
    X, y, tasks = generated(classify, structure="mean_deviation", **options)
    return X, np.where(np.isin(tasks, turned), 1 - y if classify else -y, y), tasks


def linear_predictor(model, X, tasks):
    """Return the linear predictor of each row by the coefficients of its task."""
    every = dict(zip(model.tasks_.tolist(), range(len(model.tasks_)), strict=True))
    code = [every[label] for label in tasks.tolist()]
    return np.sum(X * model.coef_[code], axis=1) + model.intercept_[code]


def wide_and_long(classify=False, turned=()):
    """Return X, Y with missing labels and folds, and the same with tasks and rows.

    Those are X, y, tasks, folds, and the row of the wide X that each row is.
    """
    rng = np.random.default_rng(3)
    X = rng.standard_normal((40, 4))
    Y = X @ (rng.standard_normal(4) + 0.3 * rng.standard_normal((3, 4))).T
    Y += rng.standard_normal(Y.shape)
    Y[:, list(turned)] *= -1
    Y = (Y > 0).astype(float) if classify else Y
    Y[rng.random(Y.shape) < 0.2] = np.nan
    rows, fold = np.tile(np.arange(40), 3), np.arange(40) % 4
    wide, long = ([(f != k, f == k) for k in range(4)] for f in (fold, fold[rows]))
    tasks = np.repeat([0, 1, 2], 40)
    return (X, Y, wide), (X[rows], Y.T.ravel(), tasks, long, rows)
