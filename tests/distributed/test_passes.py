"""Rows in parts with more features than cross-products have room for."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from helpers.parts import data, pieces
from linmtl import (
    L1Classifier,
    L1Regressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    RobustLowRankRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)
from linmtl.datafits._moments import Moments
from linmtl.distributed import _fit, fit_chunks
from linmtl.federated import Site, fit_sites
from linmtl.penalties import L1, L21, Ridge
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


CURVED = [
    (L21Classifier(0.03), True),
    (L1Classifier(0.03, task_weight="n_samples"), True),
    (L21Classifier(0.05, fit_intercept=False), True),
    (L21Classifier(0.03, loss="squared_hinge"), True),
    (MultiTaskClassifier(L1(0.04) + L21(0.02) + Ridge(0.05)), True),
    (L21Regressor(0.1, loss="huber"), False),
    (L21Regressor(0.1, loss="poisson"), False),
]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "classify"), CURVED, ids=repr)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_so_is_one_of_a_curved_loss(model, classify, kind):
    X, y, tasks = data(n_features=300)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, y.size)
    y = y > 0 if classify else np.round(np.exp(y / y.std() / 2))
    X, passes = kind(X), []

    def chunks():
        passes.append(1)
        return pieces(X, y, tasks, 5, weight)

    model = clone(model).set_params(tol=1e-6)
    fit_chunks(model, chunks)
    objective, gap = model.objective_, model.dual_gap_
    assert model.converged_
    assert len(passes) == model.n_iter_ <= 12
    model.set_params(tol=1e-9).fit(X, y, tasks, weight)
    assert -model.dual_gap_ - 1e-12 <= objective - model.objective_ <= gap + 1e-12


@pytest.mark.slow
def test_every_round_of_a_curved_loss_has_a_true_gap():
    X, y, tasks = data(True, n_features=100, n_samples=15)
    best = L21Classifier(0.05, tol=1e-8).fit(X, y, tasks)
    for rounds in range(1, 6):
        model = L21Classifier(0.05, tol=1e-10, max_iter=rounds)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit_chunks(model, pieces(X, y, tasks, 2))
        excess = model.objective_ - best.objective_
        assert -best.dual_gap_ - 1e-12 <= excess <= model.dual_gap_ + 1e-12


@pytest.mark.slow
def test_sites_answer_in_passes_too():
    X, y, tasks = data(n_features=300)
    sites = [Site(X[tasks == t], y[tasks == t], t) for t in np.unique(tasks)]
    model = fit_sites(L21Regressor(0.4), sites)
    whole = L21Regressor(0.4).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-6)
    sites = [Site(X[tasks == t], y[tasks == t] > 0, t) for t in np.unique(tasks)]
    model = fit_sites(L21Classifier(0.1), sites)
    assert (
        model.objective_ - model.dual_gap_
        <= L21Classifier(0.1).fit(X, y > 0, tasks).objective_
    )


def test_what_has_no_room_is_said():
    rows = data(n_features=300)
    labels = rows[0], rows[1] > 0, rows[2]
    with pytest.raises(ValueError, match="cross-products take"):
        fit_chunks(L21Regressor(1e-3), pieces(*rows))
    dense = MultiTaskClassifier(L1(1e-4) + Ridge(0.5))
    with pytest.raises(ValueError, match="no room; use larger strengths"):
        fit_chunks(dense, pieces(*labels))


@pytest.mark.parametrize(
    ("model", "classify"),
    [
        (TraceNormRegressor(0.4), False),
        (TraceNormClassifier(0.1), True),
        (MeanRegularizedRegressor(0.1, loss="huber"), False),
        (L21Classifier(0.1, feature_weight=[0.0, *[1.0] * 299]), True),
        (RobustLowRankRegressor(0.1, 0.1), False),
        (L21RegressorCV(cv=3), False),
    ],
    ids=lambda given: type(given).__name__,
)
def test_nobody_works_for_what_has_no_room(model, classify, monkeypatch):
    def never(*given):
        raise AssertionError("cross-products have been made")

    monkeypatch.setattr(Moments, "of", never)
    monkeypatch.setattr(_fit, "_MANY_FEATURES", 200)
    X, y, tasks = data(n_features=300)
    with pytest.raises(
        ValueError, match=r"take \d+ GiB; fit the rows in one place, or"
    ):
        fit_chunks(model, pieces(X, y > 0 if classify else y, tasks))
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize("once", [False, True])
def test_many_features_whose_products_have_room(once, monkeypatch):
    monkeypatch.setattr(_fit, "_MANY_FEATURES", 4)
    X, y, tasks = data()
    listed = pieces(X, y, tasks)
    model = fit_chunks(L21Regressor(0.1), iter(listed) if once else listed)
    whole = L21Regressor(0.1).fit_statistics(TaskStatistics.of(X, y, tasks))
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-8)
    if not once:
        sites = [Site(X[tasks == t], y[tasks == t], t) for t in np.unique(tasks)]
        model = fit_sites(L21Regressor(0.1), sites)
        np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-8)


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
