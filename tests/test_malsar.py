"""Optima of MALSAR 1.1, reached through the conversions that the guide documents.

Each kind has MALSAR's penalty, written out, and ours with strengths times c, which
takes MALSAR's scale of the loss to ours. The `_patched` runs are those of the repaired
code.
"""

from __future__ import annotations

import numpy as np

from helpers.files import FIXTURES
from helpers.malsar import Run, runs_of
from linmtl.penalties import (
    L1,
    L21,
    CappedL1,
    Dirty,
    Fused,
    FusedSparseGroup,
    GraphLaplacian,
    MeanRegularized,
    NonconvexFusedGroup,
    Ridge,
    RobustFeatures,
    RobustLowRank,
    SparseLowRank,
    TemporalGroup,
    TraceNorm,
)


def rows_l1(W):
    return np.abs(W).sum(axis=1)


def rows_l2(W):
    return np.linalg.norm(W, axis=1)


def rows_linf(W):
    return np.abs(W).max(axis=1)


def columns_l2(W):
    return np.linalg.norm(W, axis=0)


def trace(W):
    return np.linalg.svd(W, compute_uv=False).sum()


def changes(W):
    return np.abs(np.diff(W, axis=1)).sum(axis=1)


def squares(W):
    return np.sum(W**2)


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


def fused_sparse_group(W, p):
    differences = np.sum(np.ravel(p["rho2"]) * changes(W))
    entries = np.sum(np.ravel(p["rho1"]) * rows_l1(W))
    return entries + differences + p.get("rho3", 0.0) * rows_l2(W).sum()


def fused_with_weights(p, c):
    first, second = (np.ravel(p[name]) for name in ("rho1", "rho2"))
    d = max(first.size, second.size)
    return L1(c, feature_weight=np.broadcast_to(first, d)) + Fused(
        c, feature_weight=np.broadcast_to(second, d)
    )


# with the squares that may be added to each
NORMS = {
    "Lasso": (
        lambda W, p: p["rho1"] * rows_l1(W).sum(),
        lambda p, c: L1(c * p["rho1"]),
    ),
    "L21": (
        lambda W, p: p["rho1"] * rows_l2(W).sum(),
        lambda p, c: L21(c * p["rho1"]),
    ),
    "Trace": (
        lambda W, p: p["rho1"] * trace(W),
        lambda p, c: TraceNorm(c * p["rho1"]),
    ),
    "SRMTL": (
        lambda W, p: p["rho1"] * squares(W @ p["R"]) + p["rho2"] * rows_l1(W).sum(),
        lambda p, c: structure(p["R"], 2 * c * p["rho1"]) + L1(c * p["rho2"]),
    ),
    "CFGLasso": (
        fused_sparse_group,
        lambda p, c: FusedSparseGroup(c * p["rho1"], c * p["rho2"], c * p["rho3"]),
    ),
    "FGLasso": (
        fused_sparse_group,
        lambda p, c: FusedSparseGroup(c * p["rho1"], c * p["rho2"], 0.0),
    ),
    "Weight1FGLasso": (fused_sparse_group, fused_with_weights),
    "Weight2FGLasso": (fused_sparse_group, fused_with_weights),
    "TGL": (
        lambda W, p: (
            p["rho1"] * squares(W)
            + p["rho2"] * squares(np.diff(W, axis=1))
            + p["rho3"] * rows_l2(W).sum()
        ),
        lambda p, c: TemporalGroup(c * p["rho3"], 2 * c * p["rho2"], 2 * c * p["rho1"]),
    ),
}
# names of the parts come first
PARTS = {
    "Dirty": (
        ("shared", "own"),
        lambda P, Q, p: p["rho1"] * rows_linf(P).sum() + p["rho2"] * rows_l1(Q).sum(),
        lambda p, c: Dirty(c * p["rho1"], c * p["rho2"]),
    ),
    "rMTFL": (
        ("shared", "outlier"),
        lambda P, Q, p: p["rho1"] * rows_l2(P).sum() + p["rho2"] * columns_l2(Q).sum(),
        lambda p, c: RobustFeatures(c * p["rho1"], c * p["rho2"]),
    ),
    "RMTL": (
        ("low_rank", "outlier"),
        lambda L, S, p: p["rho1"] * trace(L) + p["rho2"] * columns_l2(S).sum(),
        lambda p, c: RobustLowRank(c * p["rho1"], c * p["rho2"]),
    ),
    "SparseTrace": (
        ("sparse", "low_rank"),
        lambda P, Q, p: p["gamma"] * rows_l1(P).sum(),
        lambda p, c: SparseLowRank(c * p["gamma"], max_trace=p["tau"]),
    ),
}
# the factor of the squared errors comes first
NONCONVEX = {
    "msmtfl_capL1": (
        1.0,
        lambda W, p: p["lambda"] * np.minimum(rows_l1(W), p["theta"]).sum(),
        lambda p, c: CappedL1(c * p["lambda"], p["theta"]),
    ),
    "NCFGLassoF1": (
        0.5,
        lambda W, p: (
            p["rho1"] * np.sqrt(rows_l1(W)).sum() + p["rho2"] * changes(W).sum()
        ),
        lambda p, c: NonconvexFusedGroup(c * p["rho1"], c * p["rho2"]),
    ),
    "NCFGLassoF2": (
        0.5,
        lambda W, p: p["rho1"] * np.sqrt(p["rho2"] * rows_l1(W) + changes(W)).sum(),
        lambda p, c: NonconvexFusedGroup(c * p["rho1"], form=2, l1_weight=p["rho2"]),
    ),
}


def test_all_runs_are_here():
    both = ("Lasso", "L21", "Trace", "SRMTL", "CFGLasso", "TGL", "Dirty", "rMTFL")
    both += ("CMTL_patched", "CASO_patched", "iMSF")
    least = ("FGLasso", "Weight1FGLasso", "Weight2FGLasso", "RMTL", "msmtfl_capL1")
    least += ("SparseTrace_patched", "NCFGLassoF1_patched", "NCFGLassoF2_patched")
    names = [f"{loss}_{kind}" for kind in both for loss in ("Least", "Logistic")]
    names += [f"Least_{kind}" for kind in least] + ["MTFLC_ADMM", "MTFLCd_ADMM"]
    found = {path.stem for path in FIXTURES.glob("*.mat")}
    assert found == {f"{name}_{k}" for name in names for k in (1, 2)}


@runs_of(*NORMS)
def test_optimum(path):
    run = Run(path)
    penalty, make = NORMS[run.kind]
    ridge = run.params.get("rho_L2", 0.0)

    def objective(W, b):
        return run.loss_at(W, b) + penalty(W, run.params) + ridge * squares(W)

    # the formula is the one that was minimised
    np.testing.assert_allclose(objective(run.W, run.C), run.objective, rtol=1e-9)
    ours = make(run.params, 1 / run.size)
    model = run.fit(ours + Ridge(2 * ridge / run.size) if ridge else ours)
    assert model.converged_
    value = objective(model.coef_.T, model.intercept_)
    assert value <= run.objective * (1 + 1e-8)
    # theirs is optimal as well, by our certificate in their scale
    np.testing.assert_allclose(value, run.size * model.objective_, rtol=1e-10)
    np.testing.assert_allclose(value, run.objective, rtol=1e-6)
    if not run.logistic:
        np.testing.assert_array_equal(model.intercept_, 0.0)


@runs_of(*PARTS)
def test_optimum_of_two_parts(path):
    run = Run(path)
    names, penalty, make = PARTS[run.kind]
    theirs = [run.extra[0, 0][name] for name in run.extra.dtype.names]
    value = run.loss_at(run.W, run.C, 1.0) + penalty(*theirs, run.params)
    np.testing.assert_allclose(value, run.objective, rtol=1e-8)
    size = 1.0 if run.logistic else 2 * run.size
    model = run.fit(make(run.params, 1 / size))
    assert model.converged_
    parts = [model.coef_components_[name].T for name in names]
    np.testing.assert_allclose(sum(parts), model.coef_.T, atol=1e-14)
    ours = run.loss_at(model.coef_.T, model.intercept_, 1.0)
    ours += penalty(*parts, run.params)
    assert ours <= run.objective * (1 + 1e-8)
    np.testing.assert_allclose(ours, run.objective, rtol=1e-6)
    if run.kind == "SparseTrace":
        assert trace(parts[1]) <= run.params["tau"] * (1 + 1e-9)


@runs_of(*NONCONVEX)
def test_no_worse_than_a_stationary_point(path):
    run = Run(path)
    factor, penalty, make = NONCONVEX[run.kind]
    value = run.loss_at(run.W, run.C, factor) + penalty(run.W, run.params)
    np.testing.assert_allclose(value, run.objective, rtol=1e-8)
    size = 2 * factor * run.size
    model = run.fit(make(run.params, 1 / size))
    assert model.converged_
    ours = run.loss_at(model.coef_.T, model.intercept_, factor)
    ours += penalty(model.coef_.T, run.params)
    assert ours <= run.objective * (1 + 1e-8)
    stages = model.stage_objectives_
    assert np.all(np.diff(stages) <= 1e-13 * stages[0])
    assert stages[-1] < stages[0]
    np.testing.assert_allclose(size * model.objective_, ours, rtol=1e-10)
    assert stages[-1] == model.objective_
