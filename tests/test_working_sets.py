"""Working sets: they must reach the certificate wherever the rows come and go."""

import numpy as np
import pytest

from linmtl import L1Classifier, L1Regressor, L21Classifier, L21Regressor


def many_features(seed, n=100, d=1000, n_tasks=5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    signal = X[:, :5].sum(axis=1) + rng.normal(size=n)
    return X, signal, np.arange(n) % n_tasks


# Rows that leave the set and violate their bound again once made the set go round in
# circles: these draws, with more features than rows in a task, did so.
@pytest.mark.parametrize("tol", [1e-3, 1e-4, 1e-6])
@pytest.mark.parametrize("alpha", [0.5, 0.1, 0.02])
@pytest.mark.parametrize("seed", range(6))
def test_every_layout_reaches_the_certificate(seed, alpha, tol):
    X, y, tasks = many_features(seed)
    # a lasso with as many coefficients as samples has flat directions: not to 1e-6
    sparse = L1Regressor(alpha, tol=max(tol, 1e-5))
    for model in (L21Regressor(alpha, tol=tol), sparse):
        model.fit(X, y, tasks)
        assert model.solver_ == "working_set"
        assert model.dual_gap_ <= model.tol_
    wide = L21Regressor(alpha, tol=tol).fit(X, np.column_stack([y, y[::-1]]))
    assert wide.dual_gap_ <= wide.tol_


@pytest.mark.parametrize("model", [L21Classifier, L1Classifier])
@pytest.mark.parametrize("seed", range(4))
def test_classifiers_reach_the_certificate(seed, model):
    X, y, tasks = many_features(seed)
    fitted = model(0.01, tol=1e-5).fit(X, y > 0, tasks)
    assert fitted.solver_ == "prox_newton"
    assert fitted.dual_gap_ <= fitted.tol_


@pytest.mark.parametrize("seed", range(3))
def test_same_solution_as_the_accelerated_gradient(seed):
    X, y, tasks = many_features(seed, d=300)
    fast = L21Regressor(0.1, tol=1e-9).fit(X, y, tasks)
    slow = L21Regressor(0.1, tol=1e-9, solver="apg").fit(X, y, tasks)
    assert abs(fast.objective_ - slow.objective_) <= fast.tol_ + slow.tol_
    np.testing.assert_allclose(fast.coef_, slow.coef_, atol=1e-4)
