"""Single precision: half the memory, the same model up to its rounding.

X is kept in single precision and every sum is in double, so that the model of X is the
model of the same numbers in double precision, rounded once at the end.
"""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier

from helpers.layouts import EVERY, every, fit, long, wide
from helpers.quick import first
from linmtl import (
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    PooledRegressor,
    TraceNormRegressor,
)
from linmtl.designs import _base
from linmtl.path import mtl_path
from linmtl.penalties import L21

UNIT = float(np.finfo(np.float32).eps)
FORMS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "csr": sparse.csr_array,
    "csc": sparse.csc_array,
}


@pytest.fixture(params=[False, True], ids=["one piece", "pieces"])
def _pieces(request, monkeypatch):
    """Convert a few numbers at a time, as for large data."""
    if request.param:
        monkeypatch.setattr(_base, "_PIECE_SIZE", 20)


def assert_rounded(single, double):
    """The same solution, rounded; what is certified is what is rounded."""
    assert single.coef_.dtype == np.float32
    assert double.coef_.dtype == np.float64
    scale = np.abs(double.coef_).max()
    np.testing.assert_allclose(single.coef_, double.coef_, atol=4 * UNIT * scale + 1e-7)
    # targets are centred in double precision: no digits of an intercept are lost
    np.testing.assert_allclose(single.intercept_, double.intercept_, atol=1e-5)
    np.testing.assert_allclose(single.objective_, double.objective_, rtol=1e-5)
    assert single.converged_
    assert single.dual_gap_ <= single.tol_
    slack = 1e-13 * abs(double.objective_)
    assert single.objective_ - double.objective_ <= single.dual_gap_ + slack


@every
@pytest.mark.parametrize("layout", ["wide", "long"])
@pytest.mark.parametrize("shape", first([(40, 6), (15, 30)], 1))
@pytest.mark.usefixtures("_pieces")
def test_the_model_of_the_same_numbers(model, layout, shape):
    X, Y = wide(model, *shape)
    X = X.astype(np.float32)
    single = (X, Y) if layout == "wide" else long(X, Y)
    double = (X.astype(float), Y) if layout == "wide" else long(X.astype(float), Y)
    if shape[1] > shape[0]:  # flat directions: coefficients agree less than objectives
        model = clone(model).set_params(tol=1e-12)
    assert_rounded(fit(model, *single), fit(model, *double))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(40, 6), (15, 30)])
@pytest.mark.parametrize("model", [EVERY[0], EVERY[2], EVERY[9]], ids=str)
@pytest.mark.usefixtures("_pieces")
def test_every_form_of_x(model, shape, form):
    X, Y = wide(model, *shape)
    X = X.astype(np.float32)
    single = fit(model, FORMS[form](X), Y)
    assert_rounded(single, fit(model, X.astype(float), Y))


@pytest.mark.parametrize("model", EVERY, ids=str)
def test_predictions(model):
    X, Y = wide(model)
    single, double = fit(model, X.astype(np.float32), Y), fit(model, X, Y)
    name = "decision_function" if is_classifier(model) else "predict"
    for data in (X, X.astype(np.float32)):
        np.testing.assert_allclose(
            getattr(single, name)(data), getattr(double, name)(data), atol=1e-4
        )


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_predictions_on_features_far_from_zero(layout):
    rng = np.random.default_rng(0)
    X = (1e5 + rng.normal(size=(100, 60))).astype(np.float32)
    Y = (X.astype(float) - 1e5) @ rng.normal(size=(60, 2))
    data = (X, Y) if layout == "wide" else long(X, Y, ["a", "b"])
    model = L21Regressor(1e-4, tol=1e-6, max_iter=100).fit(*data)
    W = np.asarray(model.coef_, dtype=float)
    expected = X.astype(float) @ W.T + model.intercept_
    np.testing.assert_allclose(model.predict_all(X), expected, atol=1e-8)
    if layout == "wide":
        np.testing.assert_allclose(model.predict(X), expected, atol=1e-8)


def test_targets_far_from_zero_keep_their_digits():
    X, Y = wide(EVERY[0])
    X = X.astype(np.float32)
    near = L21Regressor(0.1, tol=1e-10).fit(X, Y)
    far = L21Regressor(0.1, tol=1e-10).fit(X, Y + 1e6)
    np.testing.assert_allclose(far.coef_, near.coef_, atol=1e-6)
    np.testing.assert_allclose(far.intercept_ - 1e6, near.intercept_, atol=1e-6)


def test_convergence_is_what_the_tolerance_says():
    """That of single precision, not the one that the solver stopped short of."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 6)).astype(np.float32)
    Y = (X @ rng.standard_normal((6, 3)) + rng.standard_normal((80, 3))).astype("f4")
    model = L21Regressor(0.1, solver="apg", tol=1e-15, max_iter=18)
    model.fit(X, Y)
    assert 1e-12 < model.dual_gap_ <= model.tol_
    assert model.converged_


def test_path_and_cross_validation():
    X, Y = wide(EVERY[0])
    X = X.astype(np.float32)
    _, single, _ = mtl_path(X, Y, penalty=L21(), alphas=10, tol=1e-10)
    _, double, _ = mtl_path(X.astype(float), Y, penalty=L21(), alphas=10, tol=1e-10)
    np.testing.assert_allclose(single, double, atol=1e-6)
    models = [
        L21RegressorCV(alphas=10, cv=3, tol=1e-10).fit(data, Y)
        for data in (X, X.astype(float))
    ]
    np.testing.assert_allclose(models[0].mse_path_, models[1].mse_path_, rtol=1e-6)
    assert models[0].alpha_ == pytest.approx(models[1].alpha_)
    assert_rounded(*models)


@pytest.mark.parametrize(
    ("model", "tall"),
    [
        (L21Regressor(0.1), True),
        (L21Regressor(0.5), False),
        (TraceNormRegressor(0.1), True),
        (L21Classifier(0.05), True),
        (PooledRegressor(0.1), True),
    ],
    ids=str,
)
def test_no_copy_in_double_precision(model, tall):
    """Beside X, less memory than X would take in double precision."""
    shape = (20_000, 100) if tall else (400, 5000)
    rng = np.random.default_rng(0)
    X = rng.standard_normal(shape, dtype=np.float32)
    Y = X[:, :3] @ rng.standard_normal((3, 3)) + rng.standard_normal((shape[0], 3))
    if is_classifier(model):
        Y = (Y > 0).astype(int)
    fit(model, X[:50], Y[:50])  # compiled
    tracemalloc.start()
    fit(model, X, Y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * X.nbytes
