"""Runs of MALSAR 1.1 on disk, and their models as ours.

MALSAR's `Least_*` sum squared errors and have no intercept; its `Logistic_*` take task
means and have one. Strengths of the former are ours times the mean number of rows.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import loadmat

from helpers.files import FIXTURES
from linmtl import MultiTaskClassifier, MultiTaskRegressor, stack_tasks


def kind_of(path):
    """Return the name of the function without `Least_` or `Logistic_`."""
    name = path.stem.rsplit("_", 1)[0].removesuffix("_patched")
    return name.removeprefix("Least_").removeprefix("Logistic_")


def runs_of(*kinds):
    """Parametrise a test by the paths of all runs of some of MALSAR's functions."""
    found = [path for path in sorted(FIXTURES.glob("*.mat")) if kind_of(path) in kinds]
    return pytest.mark.parametrize("path", found, ids=[path.stem for path in found])


class Run:
    """One run: its data, parameters and solution."""

    def __init__(self, path):
        self.kind, self.logistic = kind_of(path), path.stem.startswith("Logistic")
        run = loadmat(path)
        self.X = [np.ascontiguousarray(x) for x in run["X"].ravel()]
        self.y = [y.ravel().astype(float) for y in run["Y"].ravel()]
        self.size = 1.0 if self.logistic else np.mean([len(y) for y in self.y])
        given = run["params"][0, 0]
        values = {name: given[name] for name in given.dtype.names}
        self.params = {n: v.item() if v.size == 1 else v for n, v in values.items()}
        self.objective = float(run["objective"].ravel()[-1])
        self.W = run["W"]
        self.C = run["C"].ravel() if self.logistic else np.zeros(len(self.X))
        self.extra = run.get("extra")

    def loss_at(self, W, c, factor=0.5):
        """Return MALSAR's loss in its own scale; its squared errors have a factor."""
        total = 0.0
        for X, y, w_t, c_t in zip(self.X, self.y, W.T, c, strict=True):
            if self.logistic:
                total += np.logaddexp(0, -y * (X @ w_t + c_t)).mean()
            else:
                total += factor * np.sum((X @ w_t - y) ** 2)
        return total

    def fit(self, penalty):
        if self.logistic:
            model = MultiTaskClassifier(penalty, tol=1e-12, max_iter=100_000)
        else:
            model = MultiTaskRegressor(
                penalty,
                tol=1e-12,
                max_iter=100_000,
                task_weight="n_samples",
                fit_intercept=False,
            )
        return model.fit(*stack_tasks(self.X, self.y))
