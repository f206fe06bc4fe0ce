"""Projections of the residuals, so that the gradient vanishes along some directions."""

import numpy as np
import pytest
from scipy import sparse

from linmtl import MultiTaskClassifier, MultiTaskRegressor
from linmtl.data import MultiTaskData
from linmtl.datafits import _residual as residual
from linmtl.datafits._base import FreePart
from linmtl.designs import _base as designs
from linmtl.designs._stacked import StackedDesign
from linmtl.losses import LOSSES
from linmtl.penalties import GraphLaplacian, MeanRegularized, NetworkLasso


def fit(loss, intercept=True, make=np.asarray):
    rng = np.random.default_rng(0)
    task_ptr = np.array([0, 9, 20, 31, 45])
    X = rng.normal(size=(45, 6)) * 10.0 ** np.arange(-2, 4)
    y = rng.normal(size=45)
    y = np.where(y > 0, 1.0, -1.0) if loss == "logistic" else y
    weight = rng.random(45) * (rng.random(45) < 0.9)
    data = MultiTaskData(StackedDesign(make(X), task_ptr), y, weight, intercept)
    made = residual.ResidualFit(data, LOSSES[loss]())
    G = np.empty((6, 4))
    made.evaluate(1e-4 * rng.normal(size=G.shape), G)
    return made, G


@pytest.mark.parametrize("loss", ["squared", "logistic", "huber"])
@pytest.mark.parametrize("rows", [slice(None), [0, 2, 5]])
@pytest.mark.parametrize("columns", [[0, 1, 2, 3], [0, 1, 3]])
def test_two_ways_to_project_along_one_direction(loss, rows, columns, monkeypatch):
    rows, columns = np.arange(6)[rows], np.array(columns)
    vector = np.linspace(0.5, 2.0, columns.size)[:, None]
    target = np.zeros(rows.size)
    found = []
    for collinear in (residual._COLLINEAR, np.inf):
        monkeypatch.setattr(residual, "_COLLINEAR", collinear)
        made, G = fit(loss)
        part = FreePart(rows, columns, target, vector)
        for _ in range(2):
            made.project([part], G)
            made.refresh(G)
        size = made.feature_scale()[rows] * made.residual_norm()
        assert np.all(np.abs(G[rows][:, columns] @ vector)[:, 0] <= 1e-12 * size)
        found.append(made.theta.copy())
    np.testing.assert_allclose(*found, rtol=1e-8, atol=1e-12)


def test_what_is_kept_of_one_projection_serves_no_other():
    made, _ = fit("logistic")
    for columns in ([0, 1, 2, 3], [1, 2, 3]):
        for size in (1e-4, 1e-2):
            G = np.empty((6, 4))
            made.evaluate(np.full(G.shape, size / 100), G)
            part = FreePart(np.arange(6), np.array(columns), np.zeros(6))
            for _ in range(2):
                made.project([part], G)
                made.refresh(G)
            scale = made.feature_scale() * made.residual_norm()
            assert np.all(np.abs(G[:, columns].sum(axis=1)) <= 1e-12 * scale)


@pytest.mark.parametrize("loss", ["squared", "logistic", "huber"])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_sparse_design_is_projected_without_a_dense_copy(
    loss, intercept, monkeypatch
):
    monkeypatch.setattr(designs, "_SMALL_BYTES", 0)
    parts = [  # one direction of three tasks, two of all in other features
        FreePart(np.array([0, 2]), np.array([0, 1, 3]), np.zeros(2)),
        FreePart(np.array([3, 4]), np.arange(4), np.zeros(2), np.eye(4)[:, :2]),
    ]
    found = []
    for make in (np.asarray, sparse.csr_array):
        made, G = fit(loss, intercept, make)
        if make is not np.asarray:
            monkeypatch.setattr(made.data.design, "centred_block", None)
        for _ in range(2):
            made.project(parts, G)
            made.refresh(G)
        size = made.feature_scale()[:, None] * made.residual_norm()
        assert np.all(
            np.abs(G[[0, 2]][:, [0, 1, 3]].sum(axis=1)) <= 1e-11 * size[[0, 2], 0]
        )
        assert np.all(np.abs(G[[3, 4], :2]) <= 1e-11 * size[[3, 4]])
        found.append(made.theta.copy())
    np.testing.assert_allclose(*found, rtol=1e-7, atol=1e-10)


# --- what nothing penalises and tells classes apart


def told_apart(kind):
    """Four tasks; the first has rows whose class their first feature tells."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(120, 5)), np.repeat(np.arange(4), 30)
    noise = np.where(tasks > 0, rng.logistic(size=120), 0.0)
    if kind == "counts":
        return X, np.where(X[:, 0] + noise > 0, rng.poisson(2.0, 120) + 1, 0), tasks
    y = (X[:, 0] + 0.1 + noise > 0).astype(int)
    if kind == "classes":
        y[(tasks == 0) & (X[:, 0] > 1)] = 2
    return X, y, tasks


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("logistic", "two"),
        ("logistic", "classes"),
        ("squared_hinge", "two"),
        ("poisson", "counts"),
        ("tweedie", "counts"),
    ],
)
@pytest.mark.parametrize("penalty", ["mean", "graph", "network"])
def test_rows_without_an_error_are_certified(loss, kind, penalty):
    X, y, tasks = told_apart(kind)
    model = MultiTaskRegressor if kind == "counts" else MultiTaskClassifier
    alone = np.ones((4, 4)) - np.eye(4)
    alone[0] = alone[:, 0] = 0.0  # the first task has no edge
    chosen = {
        "mean": MeanRegularized(0.1, alpha_mean=0.0),
        "graph": GraphLaplacian(alone, alpha=0.1),
        "network": NetworkLasso(alone, alpha=0.01),
    }[penalty]
    rough, fine = (
        model(chosen, loss=loss, tol=tol).fit(X, y, tasks) for tol in (1e-4, 2e-5)
    )
    assert rough.n_iter_ <= 600
    for one, other in ((rough, fine), (fine, rough)):
        assert one.objective_ - one.dual_gap_ <= other.objective_
