"""Where a fit starts: coefficients that are passed."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier

from linmtl import (
    DescriptorRegressor,
    DirtyRegressor,
    FactoredRegressor,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    PooledRegressor,
    TraceNormRegressor,
)
from linmtl.datasets import make_multitask_regression

X, y, TASKS = make_multitask_regression(
    n_tasks=4, n_features=12, n_samples=30, random_state=0
)
MODELS = [
    L21Regressor(0.1, solver="apg"),
    L21Classifier(0.01, solver="apg"),
    L21RegressorCV(alphas=[0.1], cv=2, solver="apg", scale_features=False),
    TraceNormRegressor(0.3, solver="apg"),
    FactoredRegressor(2, 0.1),
]
by_name = pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)


def fit(model, **options):
    return model.fit(X, y > 0 if is_classifier(model) else y, TASKS, **options)


@by_name
def test_at_the_solution_there_is_nothing_left_to_do(model):
    model.set_params(tol=1e-9)
    cold = fit(model)
    steps, coef, objective = cold.n_iter_, cold.coef_.copy(), cold.objective_
    warm = fit(model, coef_init=coef)
    assert warm.n_iter_ < steps / 2
    assert warm.objective_ == pytest.approx(objective, rel=1e-8)
    np.testing.assert_allclose(warm.coef_, coef, atol=1e-3)


def test_units_are_those_of_x():
    model = L21RegressorCV(alphas=[0.1], cv=2, solver="apg", scale_features=True)
    model.set_params(tol=1e-9)
    scaled = X * 10.0 ** np.arange(-6, 6)
    steps = model.fit(scaled, y, TASKS).n_iter_
    assert model.fit(scaled, y, TASKS, coef_init=model.coef_.copy()).n_iter_ < steps / 2


def test_every_layout():
    for data, shape in [
        ((X, y), (12,)),
        ((X, np.column_stack([y, -y])), (2, 12)),
        ((X, y, TASKS), (4, 12)),
    ]:
        model = L21Regressor(0.1, tol=1e-10)
        expected = model.fit(*data).coef_
        assert expected.shape == shape
        start = np.random.default_rng(0).normal(size=shape)
        found = model.fit(*data, coef_init=start).coef_
        np.testing.assert_allclose(found, expected, atol=1e-5)
    table = pd.DataFrame(X).add_prefix("x").assign(site=TASKS)
    model = L21Regressor(0.1, task_column="site").fit(table, y)
    model.fit(table, y, coef_init=model.coef_)


@pytest.mark.parametrize(
    "model",
    [IndependentRegressor(0.1), PooledRegressor(0.1), DirtyRegressor(0.1, 0.1)],
    ids=lambda m: type(m).__name__,
)
def test_the_optimum_does_not_depend_on_it(model):
    expected = fit(model.set_params(tol=1e-10)).coef_.copy()
    start = np.random.default_rng(0).normal(size=(4, 12))
    np.testing.assert_allclose(fit(model, coef_init=start).coef_, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("start", "match"),
    [
        (np.zeros((12, 4)), r"has shape \(12, 4\), but there are 4 tasks and 12"),
        (np.zeros(12), r"pass an array of shape \(4, 12\), as coef_ has"),
        (np.full((4, 12), np.nan), "contains NaN or infinity"),
        ("zeros", "pass numbers"),
    ],
)
def test_what_is_no_start(start, match):
    with pytest.raises(ValueError, match=f"L21Regressor: coef_init.*{match}"):
        fit(L21Regressor(), coef_init=start)


def test_a_model_of_other_unknowns():
    Z = np.arange(8.0).reshape(4, 2)
    with pytest.raises(ValueError, match="DescriptorRegressor takes no coef_init"):
        fit(DescriptorRegressor(Z), coef_init=np.zeros((4, 12)))
