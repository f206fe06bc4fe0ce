"""Refitting what a sparse model has chosen."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from helpers.problems import LAYOUTS, make_problem
from linmtl import (
    L1Classifier,
    L1Regressor,
    L21Classifier,
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
    MCPRegressor,
    MultiTaskRegressor,
    TraceNormRegressor,
)
from linmtl.penalties import L1, L21

every_layout = pytest.mark.parametrize("layout", LAYOUTS)


@every_layout
@pytest.mark.parametrize("make", [L21Regressor, L1Regressor])
def test_refit_is_least_squares_on_what_was_chosen(make, layout):
    problem = make_problem(**LAYOUTS[layout])
    given = problem.X, problem.y, problem.tasks, problem.sample_weight
    options = {**problem.options, "tol": 1e-10}
    alpha = 1.5 if layout == "sparse" else 0.4
    plain = make(alpha, **options).fit(*given)
    model = make(alpha, refit=True, **options).fit(*given)
    np.testing.assert_array_equal(model.coef_before_refit_, plain.coef_)
    assert model.objective_ == plain.objective_
    before, after = (np.atleast_2d(m.coef_) for m in (plain, model))
    assert not after[before == 0].any()
    assert (before == 0).any()
    for t, (X, y, weight) in enumerate(problem.blocks):
        chosen = np.flatnonzero(before[t])
        b = np.atleast_1d(model.intercept_)[t]
        used = weight > 0
        if chosen.size == 0:
            expected = np.average(y, weights=weight) if problem.fit_intercept else 0.0
            assert b == pytest.approx(expected)
        elif chosen.size < used.sum() - 1:
            reference = LinearRegression(fit_intercept=problem.fit_intercept)
            reference.fit(X[:, chosen], y, weight)
            np.testing.assert_allclose(after[t, chosen], reference.coef_, atol=1e-5)
            assert b == pytest.approx(reference.intercept_, abs=1e-5)


def test_number_is_the_strength_of_a_ridge():
    problem = make_problem()
    model = L21Regressor(0.4, refit=0.3, tol=1e-10)
    model.fit(problem.X, problem.y, problem.tasks)
    for t, (X, y, weight) in enumerate(problem.blocks):
        chosen = np.flatnonzero(model.coef_[t])
        reference = Ridge(0.3 * len(y)).fit(X[:, chosen], y, weight * len(y))
        np.testing.assert_allclose(model.coef_[t, chosen], reference.coef_, atol=1e-5)


@pytest.mark.parametrize("make", [L21Classifier, L1Classifier])
def test_classifier_is_nearly_unpenalised(make):
    problem = make_problem("logistic")
    model = make(0.1, refit=True, tol=1e-8)
    model.fit(problem.X, problem.y, problem.tasks)
    assert (model.coef_before_refit_ == 0).any()
    for t, (X, y, weight) in enumerate(problem.blocks):
        chosen = np.flatnonzero(model.coef_[t])
        if chosen.size:
            reference = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
            reference.fit(X[:, chosen], y, weight * len(y))
            np.testing.assert_allclose(
                model.coef_[t, chosen], reference.coef_[0], rtol=0.02, atol=0.01
            )


def test_separable_classes_stay_finite():
    X = np.random.default_rng(0).normal(size=(30, 4))
    model = L21Classifier(0.01, refit=True).fit(X, X[:, 0] > 0)
    assert np.isfinite(model.coef_).all()
    assert np.abs(model.coef_[0, 0]) > np.abs(model.coef_before_refit_[0, 0])


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_more_features_than_samples(scale):
    problem = make_problem(d=9, sizes=(4, 5, 6))
    model = L21Regressor(1e-3 * scale, refit=True).fit(
        problem.X, scale * problem.y, problem.tasks
    )
    prediction = model.predict(problem.X, problem.tasks)
    # more coefficients than samples: the data are interpolated
    np.testing.assert_allclose(prediction, scale * problem.y, atol=1e-6 * scale)


def test_shrinkage_is_undone_and_refit_can_be_switched_off():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 10))
    tasks = np.repeat(["a", "b", "c"], 100)
    y = 2.0 * X[:, 0] - X[:, 3] + 0.1 * rng.normal(size=300)
    model = L21Regressor(0.5, refit=True).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_[:, 0], 2.0, atol=0.05)
    assert np.all(model.coef_before_refit_[:, 0] < 1.9)
    model.set_params(refit=False).fit(X, y, tasks)
    assert not hasattr(model, "coef_before_refit_")
    assert np.all(model.coef_[:, 0] < 1.9)
    everywhere_zero = L21Regressor(100.0, refit=True).fit(X, y, tasks)
    assert not everywhere_zero.coef_.any()
    np.testing.assert_allclose(
        everywhere_zero.intercept_, [y[tasks == t].mean() for t in "abc"]
    )


def test_generic_cross_validated_and_nonconvex_estimators():
    problem = make_problem(sizes=(20, 24, 22))
    given = problem.X, problem.y, problem.tasks
    chosen = L21RegressorCV(alphas=5, refit=True).fit(*given)
    again = L21Regressor(chosen.alpha_, refit=True).fit(*given)
    np.testing.assert_allclose(chosen.coef_, again.coef_, atol=1e-6)
    sparse_group = L1(0.1) + L21(0.2)
    assert hasattr(
        MultiTaskRegressor(sparse_group, refit=True).fit(*given), "coef_before_refit_"
    )
    assert MCPRegressor(0.3, refit=1e-3).fit(*given).coef_.any()
    with pytest.raises(TypeError):
        TraceNormRegressor(refit=True)


@pytest.mark.parametrize("refit", [-1.0, np.nan, np.inf, "yes", None])
def test_wrong_values(refit):
    problem = make_problem()
    model = L21Regressor(0.1, refit=refit)
    with pytest.raises(ValueError, match="refit must be True, False or the strength"):
        model.fit(problem.X, problem.y, problem.tasks)


def test_single_precision():
    problem = make_problem()
    model = L21Regressor(0.4, refit=True)
    model.fit(problem.X.astype(np.float32), problem.y, problem.tasks)
    assert model.coef_.dtype == np.float32


@pytest.mark.parametrize("make", [L21Regressor, L1Regressor, L21Classifier])
def test_signs_are_kept(make):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    X[:, 1] = 0.9 * X[:, 0] + 0.1 * X[:, 1]
    tasks = np.arange(60) % 3
    y = X[:, :4] @ [1.0, 1.0, 0.05, -0.05] + rng.normal(size=60)
    y = y > 0 if make is L21Classifier else y
    model = make(0.01, positive=True, refit=True).fit(X, y, tasks)
    assert model.coef_before_refit_.min() == 0.0
    assert model.coef_.min() >= 0.0
    free = make(0.01, refit=True).fit(X, y, tasks)
    assert free.coef_.min() < 0.0


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["long", "wide", "single"])
def test_of_several_classes_what_a_task_uses_is_fitted_again(layout):
    """Equal to scikit-learn's multinomial regression on the features of each task."""
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(90, 4)), rng.normal(size=(4, 3)) * [[2], [1], [0.05], [0]]
    y = np.argmax(X @ W + rng.gumbel(size=(90, 3)), axis=1)
    Y = np.column_stack([y, np.argmax(X @ W[::-1] + rng.gumbel(size=(90, 3)), axis=1)])
    given = {
        "long": (np.vstack([X, X]), Y.T.ravel(), np.repeat([0, 1], 90)),
        "wide": (X, Y),
        "single": (X, y),
    }[layout]
    model = L1Classifier(0.05, refit=0.1, tol=1e-10).fit(*given)
    coef = model.coef_[None] if layout == "single" else model.coef_
    before = np.reshape(model.coef_before_refit_, coef.shape)
    assert not before.all(axis=1).all()
    for t, (of_task, chosen) in enumerate(zip(coef, before.any(axis=1), strict=True)):
        assert 0 < chosen.sum() < 4
        assert not of_task[:, ~chosen].any()
        plain = LogisticRegression(C=1 / (90 * 0.1), tol=1e-10, max_iter=1000)
        plain.fit(X[:, chosen], Y[:, t])
        np.testing.assert_allclose(of_task[:, chosen], plain.coef_, atol=1e-5)
    light = L21ClassifierCV(alphas=3, cv=3, refit=True).fit(*given)
    assert light.converged_
    if layout == "wide":  # a task of one class has nothing to fit
        with pytest.warns(UserWarning, match="a single class"):
            model.fit(X, np.column_stack([y, np.zeros(90)]))
        assert not np.nan_to_num(model.coef_[1]).any()
