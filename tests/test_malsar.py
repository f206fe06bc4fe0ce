"""Optima of MALSAR 1.1, reached through the conversions that the guide documents.

MALSAR's `Least_*` sum squared errors and have no intercept; its `Logistic_*` take task
means and have one. `rho_L2 ||W||_F^2` has no factor 1/2.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from linmtl import MultiTaskClassifier, MultiTaskRegressor, stack_tasks
from linmtl.penalties import (
    L1,
    L21,
    GraphLaplacian,
    MeanRegularized,
    Ridge,
    TraceNorm,
)

FIXTURES = sorted(
    path
    for kind in ("Lasso", "L21", "Trace", "SRMTL")
    for path in (Path(__file__).parent / "fixtures").glob(f"*_{kind}_?.mat")
)
NORMS = {
    "Lasso": lambda W: np.abs(W).sum(),
    "L21": lambda W: np.linalg.norm(W, axis=1).sum(),
    "Trace": lambda W: np.linalg.svd(W, compute_uv=False).sum(),
}


class Reference:
    """One run of MALSAR."""

    def __init__(self, path):
        loss, self.kind, _ = path.stem.split("_")
        self.logistic = loss == "Logistic"
        run = loadmat(path)
        self.X = [np.ascontiguousarray(x) for x in run["X"].ravel()]
        self.y = [y.ravel().astype(float) for y in run["Y"].ravel()]
        params = run["params"][0, 0]
        self.R = params["R"] if "R" in params.dtype.names else None
        self.rho1, self.rho2, self.rho_L2 = (
            float(params[name].item()) if name in params.dtype.names else 0.0
            for name in ("rho1", "rho2", "rho_L2")
        )
        self.objective = float(run["objective"].item())
        self.W, self.C = run["W"], run["C"].ravel()

    def objective_at(self, W, c):
        """MALSAR's objective in its own scale."""
        total = self.rho_L2 * np.sum(W**2)
        if self.kind == "SRMTL":
            total += self.rho1 * np.sum((W @ self.R) ** 2)
            total += self.rho2 * np.abs(W).sum()
        else:
            total += self.rho1 * NORMS[self.kind](W)
        for t, (X, y) in enumerate(zip(self.X, self.y, strict=True)):
            if self.logistic:
                total += np.logaddexp(0, -y * (X @ W[:, t] + c[t])).mean()
            else:
                total += np.sum((X @ W[:, t] - y) ** 2) / 2
        return total

    def penalty(self):
        size = 1.0 if self.logistic else np.mean([len(y) for y in self.y])
        if self.kind == "SRMTL":
            penalty = structure(self.R, 2 * self.rho1 / size)
            if self.rho2:
                penalty = penalty + L1(self.rho2 / size)
        else:
            kind = {"Lasso": L1, "L21": L21, "Trace": TraceNorm}[self.kind]
            penalty = kind(self.rho1 / size)
        if self.rho_L2:
            penalty = penalty + Ridge(2 * self.rho_L2 / size)
        return penalty

    def fit(self):
        if self.logistic:
            model = MultiTaskClassifier(self.penalty(), tol=1e-12)
        else:
            model = MultiTaskRegressor(
                self.penalty(),
                tol=1e-12,
                task_weight="n_samples",
                fit_intercept=False,
            )
        return model.fit(*stack_tasks(self.X, self.y))


def structure(R, strength):
    """``strength / 2 ||W R||_F^2`` for MALSAR's two usual structure matrices."""
    K = R @ R.T
    T = len(K)
    if np.allclose(K, np.eye(T) - 1 / T):
        return MeanRegularized(strength)
    adjacency = np.diag(np.diag(K)) - K
    assert np.all(adjacency >= 0)
    np.testing.assert_allclose(K.sum(axis=1), 0.0, atol=1e-12)
    return GraphLaplacian(adjacency, strength)


def test_all_references_are_here():
    kinds = {path.stem for path in FIXTURES}
    assert kinds == {
        f"{loss}_{kind}_{k}"
        for loss in ("Least", "Logistic")
        for kind in ("Lasso", "L21", "Trace", "SRMTL")
        for k in (1, 2)
    }


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_optimum_of_malsar(path):
    reference = Reference(path)
    # the formula is the one that was minimised
    np.testing.assert_allclose(
        reference.objective_at(reference.W, reference.C), reference.objective, rtol=1e-9
    )
    model = reference.fit()
    assert model.converged_
    ours = reference.objective_at(model.coef_.T, model.intercept_)
    assert ours <= reference.objective * (1 + 1e-8)
    # theirs is optimal as well, by our certificate in their scale
    size = 1.0 if reference.logistic else np.mean([len(y) for y in reference.y])
    np.testing.assert_allclose(ours, size * model.objective_, rtol=1e-10)
    np.testing.assert_allclose(ours, reference.objective, rtol=1e-6)
    if not reference.logistic:
        np.testing.assert_array_equal(model.intercept_, 0.0)
