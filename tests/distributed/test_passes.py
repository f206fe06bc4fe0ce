"""Rows in parts with more features than cross-products have room for."""

import numpy as np
import pytest
from scipy import sparse

from helpers.parts import data, pieces
from linmtl import (
    L1Regressor,
    L21Classifier,
    L21Regressor,
    MultiTaskRegressor,
    TraceNormRegressor,
)
from linmtl.distributed import fit_chunks
from linmtl.federated import Site, fit_sites
from linmtl.penalties import L21, Ridge
from linmtl.statistics import TaskStatistics, _task_statistics


@pytest.fixture(autouse=True)
def room_for_little(monkeypatch):
    monkeypatch.setattr(_task_statistics, "_MOST_NUMBERS", 4 * 140**2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        L21Regressor(0.4),
        L1Regressor(0.3),
        L21Regressor(0.4, fit_intercept=False),
        L21Regressor(0.4, task_weight="n_samples"),
        MultiTaskRegressor(L21(0.4) + Ridge(0.1)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_a_fit_in_passes_is_that_of_all_rows(model, kind):
    X, y, tasks = data(n_features=300)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, y.size)
    X, passes = kind(X), []

    def chunks():
        passes.append(1)
        return pieces(X, y, tasks, 5, weight)

    model.set_params(tol=1e-9)
    found = fit_chunks(model, chunks).coef_
    b, objective, gap = model.intercept_, model.objective_, model.dual_gap_
    assert model.converged_
    assert len(passes) < 20
    model.fit(X, y, tasks, weight)
    np.testing.assert_allclose(found, model.coef_, atol=1e-6)
    np.testing.assert_allclose(b, model.intercept_, atol=1e-6)
    assert objective - model.objective_ + model.dual_gap_ >= 0
    assert objective - model.objective_ <= gap + 1e-12


def test_sites_answer_in_passes_too():
    X, y, tasks = data(n_features=300)
    sites = [Site(X[tasks == t], y[tasks == t], t) for t in np.unique(tasks)]
    model = fit_sites(L21Regressor(0.4), sites)
    whole = L21Regressor(0.4).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-6)


def test_what_has_no_room_is_said():
    rows = data(n_features=300)
    with pytest.raises(ValueError, match="with so many features need an L1, L21"):
        fit_chunks(TraceNormRegressor(0.4), pieces(*rows))
    with pytest.raises(ValueError, match="cross-products take"):
        fit_chunks(L21Regressor(1e-3), pieces(*rows))
    with pytest.raises(ValueError, match="cross-products take"):
        fit_chunks(L21Classifier(0.1), pieces(rows[0], rows[1] > 0, rows[2]))


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"tol": -1.0}, "tol must be"),
        ({"max_iter": 0}, "max_iter must be"),
        ({"refit": True}, "needs its rows in one place"),
        ({"task_weight": "uncertainty"}, "cross-products take"),
    ],
)
def test_settings_are_checked(parameters, what):
    model = L21Regressor(0.4, **parameters)
    with pytest.raises(ValueError, match=what):
        fit_chunks(model, pieces(*data(n_features=300)))


def test_statistics_that_are_too_many_together_are_refused():
    X, y, tasks = data(n_features=150)
    one, two = (
        TaskStatistics.of(X[tasks == t], y[tasks == t], tasks[tasks == t])
        for t in np.unique(tasks)[:2]
    )
    three = one.merge(two)
    with pytest.raises(ValueError, match="for 4 tasks, whose cross-products"):
        three.merge(TaskStatistics.of(X[tasks > 1], y[tasks > 1], tasks[tasks > 1]))
