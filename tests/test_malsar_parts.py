"""MALSAR's decompositions and non-convex models, through the documented conversions.

Its `Least_*` of these models sum full squared errors, without 1/2 and without intercept
(NCFGLasso: with 1/2); the `_patched` runs are those of the repaired code.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from linmtl import MultiTaskClassifier, MultiTaskRegressor, stack_tasks
from linmtl.penalties import (
    CappedL1,
    Dirty,
    NonconvexFusedGroup,
    RobustFeatures,
    RobustLowRank,
    SparseLowRank,
)


def rows_linf(W):
    return np.abs(W).max(axis=1).sum()


def rows_l2(W):
    return np.linalg.norm(W, axis=1).sum()


def columns_l2(W):
    return np.linalg.norm(W, axis=0).sum()


def entries(W):
    return np.abs(W).sum()


def trace(W):
    return np.linalg.svd(W, compute_uv=False).sum()


def changes(W):
    return np.abs(np.diff(W, axis=1))


# kind: the parts' names, MALSAR's penalty on them, our penalty with strengths times c
PARTS = {
    "Dirty": (
        ("shared", "own"),
        lambda P, Q, p: p["rho1"] * rows_linf(P) + p["rho2"] * entries(Q),
        lambda p, c: Dirty(c * p["rho1"], c * p["rho2"]),
    ),
    "rMTFL": (
        ("shared", "outlier"),
        lambda P, Q, p: p["rho1"] * rows_l2(P) + p["rho2"] * columns_l2(Q),
        lambda p, c: RobustFeatures(c * p["rho1"], c * p["rho2"]),
    ),
    "RMTL": (
        ("low_rank", "outlier"),
        lambda L, S, p: p["rho1"] * trace(L) + p["rho2"] * columns_l2(S),
        lambda p, c: RobustLowRank(c * p["rho1"], c * p["rho2"]),
    ),
    "SparseTrace": (
        ("sparse", "low_rank"),
        lambda P, Q, p: p["gamma"] * entries(P),
        lambda p, c: SparseLowRank(c * p["gamma"], max_trace=p["tau"]),
    ),
}
# kind: factor of the squared errors, MALSAR's penalty, ours with strengths times c
NONCONVEX = {
    "msmtfl_capL1": (
        1.0,
        lambda W, p: p["lambda"] * np.minimum(np.abs(W).sum(axis=1), p["theta"]).sum(),
        lambda p, c: CappedL1(c * p["lambda"], p["theta"]),
    ),
    "NCFGLassoF1": (
        0.5,
        lambda W, p: (
            p["rho1"] * np.sqrt(np.abs(W).sum(axis=1)).sum()
            + p["rho2"] * changes(W).sum()
        ),
        lambda p, c: NonconvexFusedGroup(c * p["rho1"], c * p["rho2"]),
    ),
    "NCFGLassoF2": (
        0.5,
        lambda W, p: (
            p["rho1"]
            * np.sqrt(p["rho2"] * np.abs(W).sum(axis=1) + changes(W).sum(axis=1)).sum()
        ),
        lambda p, c: NonconvexFusedGroup(c * p["rho1"], form=2, l1_weight=p["rho2"]),
    ),
}


class Run:
    """One run of MALSAR."""

    def __init__(self, path):
        self.logistic = path.stem.startswith("Logistic")
        run = loadmat(path)
        self.X = [np.ascontiguousarray(x) for x in run["X"].ravel()]
        self.y = [y.ravel().astype(float) for y in run["Y"].ravel()]
        given = run["params"][0, 0]
        self.params = {name: float(given[name].item()) for name in given.dtype.names}
        self.objective = float(run["objective"].item())
        self.W, self.C = run["W"], run["C"].ravel()
        self.extra = run["extra"]

    def loss_at(self, W, c, factor=1.0):
        total = 0.0
        for t, (X, y) in enumerate(zip(self.X, self.y, strict=True)):
            if self.logistic:
                total += np.logaddexp(0, -y * (X @ W[:, t] + c[t])).mean()
            else:
                total += factor * np.sum((X @ W[:, t] - y) ** 2)
        return total

    def fit(self, make, factor=1.0):
        """Return the model; strengths are those of MALSAR by our scale of the loss."""
        if self.logistic:
            model = MultiTaskClassifier(make(self.params, 1.0), tol=1e-12)
        else:
            scale = 1.0 / (2.0 * factor * np.mean([len(y) for y in self.y]))
            model = MultiTaskRegressor(
                make(self.params, scale),
                tol=1e-12,
                task_weight="n_samples",
                fit_intercept=False,
            )
        return model.fit(*stack_tasks(self.X, self.y))


def paths(kinds):
    folder = Path(__file__).parent / "fixtures"
    found = [
        (kind, path)
        for kind in kinds
        for path in sorted(folder.glob(f"*_{kind}_*.mat"))
    ]
    return pytest.mark.parametrize(
        ("kind", "path"), found, ids=[path.stem for _, path in found]
    )


@paths(PARTS)
def test_optimum_of_malsar(kind, path):
    run = Run(path)
    names, penalty, make = PARTS[kind]
    theirs = [run.extra[0, 0][name] for name in run.extra.dtype.names]
    value = run.loss_at(run.W, run.C) + penalty(*theirs, run.params)
    np.testing.assert_allclose(value, run.objective, rtol=1e-8)
    model = run.fit(make)
    assert model.converged_
    parts = [model.coef_components_[name].T for name in names]
    np.testing.assert_allclose(sum(parts), model.coef_.T, atol=1e-14)
    ours = run.loss_at(model.coef_.T, model.intercept_) + penalty(*parts, run.params)
    assert ours <= run.objective * (1 + 1e-8)
    np.testing.assert_allclose(ours, run.objective, rtol=1e-6)
    if kind == "SparseTrace":
        assert trace(parts[1]) <= run.params["tau"] * (1 + 1e-9)


@paths(NONCONVEX)
def test_no_worse_than_malsar(kind, path):
    run = Run(path)
    factor, penalty, make = NONCONVEX[kind]
    value = run.loss_at(run.W, run.C, factor) + penalty(run.W, run.params)
    np.testing.assert_allclose(value, run.objective, rtol=1e-8)
    model = run.fit(make, factor)
    assert model.converged_
    ours = run.loss_at(model.coef_.T, model.intercept_, factor)
    ours += penalty(model.coef_.T, run.params)
    assert ours <= run.objective * (1 + 1e-8)
    stages = model.stage_objectives_
    assert np.all(np.diff(stages) <= 1e-13 * stages[0])
    assert stages[-1] < stages[0]
    size = 2 * factor * np.mean([len(y) for y in run.y])
    np.testing.assert_allclose(size * model.objective_, ours, rtol=1e-10)
    assert model.stage_objectives_[-1] == model.objective_
