"""Many quadratic problems at once: the solutions are those of each alone."""

import numpy as np
import pytest

from linmtl import MeanRegularizedRegressorCV, MultiTaskRegressor
from linmtl.datasets import make_multitask_regression
from linmtl.path import mtl_path
from linmtl.penalties import GraphLaplacian, MeanRegularized, Ridge, TaskQuadratic
from linmtl.penalties import compose as composed
from linmtl.solvers import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._quadratic_path import QuadraticPath, quadratic_forms

CHAIN = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
LAPLACIAN = np.diag(CHAIN.sum(axis=1)) - CHAIN
STRENGTHS = (10.0, 0.3, 1e-3)


def problem(layout, constant=False, fit_intercept=True):
    shared = layout != "ragged"
    X, y, *tasks = make_multitask_regression(
        n_tasks=4,
        n_features=3,
        n_informative=3,
        n_samples=20 if shared else (8, 25),
        shared_X=shared,
        layout="wide" if shared else "long",
        random_state=0,
    )
    if layout == "missing":
        y[np.random.default_rng(0).random(y.shape) < 0.3] = np.nan
    if constant:
        X[:, 1] = 2.0
    model = MultiTaskRegressor(fit_intercept=fit_intercept)
    posed = model._read_problem(X + 1.0, y, *(tasks or [None]), None)
    columns, objective = posed.columns, posed.objective
    return objective.base_fit, columns


PENALTIES = {
    "ridge": Ridge,
    "ridge of each": lambda alpha: Ridge(alpha * np.array([1.0, 2.0, 0.5, 1.0])),
    "mean": lambda alpha: MeanRegularized(alpha, 1e-3),
    "mean free": MeanRegularized,
    "complete graph": lambda alpha: GraphLaplacian(None, alpha) + Ridge(0.01),
    "graph": lambda alpha: GraphLaplacian(CHAIN, alpha) + Ridge(0.01),
    "matrix": lambda alpha: TaskQuadratic(LAPLACIAN + np.eye(4), alpha),
    "weights": lambda alpha: MeanRegularized(alpha, 1e-3, feature_weight=[0.5, 2, 4]),
}
WITH_INTERCEPTS = {
    "intercepts": lambda alpha: MeanRegularized(alpha, 1e-3, intercept_weight=0.3),
    "intercepts alike": lambda alpha: MeanRegularized(alpha, intercept_weight=1.0),
    "all": lambda alpha: MeanRegularized(
        alpha, 2.0, feature_weight=[0.5, 2, 4], intercept_weight=5.0
    ),
}


@pytest.mark.product(
    fit_intercept=[True, False],
    layout=["ragged", "shared", "missing"],
    name=[*PENALTIES, *WITH_INTERCEPTS],
    where=lambda fit_intercept, name, **_: fit_intercept or name in PENALTIES,
)
def test_solutions_are_those_of_each_alone(name, layout, fit_intercept):
    fit, columns = problem(layout, fit_intercept=fit_intercept)
    make = (PENALTIES | WITH_INTERCEPTS)[name]
    penalties = [make(alpha) for alpha in STRENGTHS]
    forms = quadratic_forms(penalties, fit.n_features, columns)
    path = QuadraticPath.of(fit, forms)
    points, good = path.solutions(slice(None), 1e-10)
    assert good.all()
    for penalty, W, b in zip(penalties, *path.coefficients(points), strict=True):
        objective = Objective(fit, composed(penalty, fit.n_features, columns))
        alone = minimise(objective, tol=1e-12, max_iter=100)
        np.testing.assert_allclose(W, alone.W, atol=1e-8)
        np.testing.assert_allclose(b, alone.b, atol=1e-7)


def test_what_is_kept_of_one_path_serves_another():
    """The mean of the resolvents does not depend on the pull of the mean to zero."""
    fit, columns = problem("ragged")
    for mean in (0.0, 1e-3, 10.0):
        penalties = [MeanRegularized(alpha, mean) for alpha in (1e6, *STRENGTHS, 1e-6)]
        forms = quadratic_forms(penalties, fit.n_features, columns)
        W, good = QuadraticPath(fit, forms).solutions(slice(None), 1e-10)
        assert good.all()
        anew, _ = QuadraticPath(problem("ragged")[0], forms).solutions(
            slice(None), 1e-10
        )
        np.testing.assert_allclose(W, anew, rtol=1e-10)


@pytest.mark.parametrize("name", PENALTIES)
def test_features_that_do_not_vary_are_zero(name):
    fit, columns = problem("ragged", constant=True)
    forms = quadratic_forms([PENALTIES[name](1.0)], fit.n_features, columns)
    W, good = QuadraticPath(fit, forms).solutions(slice(None), 1e-10)
    assert good.all()
    np.testing.assert_allclose(W[0, 1], 0.0, atol=1e-12)


def test_a_point_that_is_no_solution_is_told():
    """As where eigenvectors lack the digits."""
    fit, columns = problem("ragged")
    forms = quadratic_forms([Ridge(1e-3)], fit.n_features, columns)
    path = QuadraticPath(fit, forms)
    path.Q = path.Q * 1.01
    assert not path.solutions(slice(None), 1e-4)[1].any()


def test_what_is_not_served_is_solved_one_by_one():
    X, y, tasks = make_multitask_regression(n_tasks=3, random_state=0)
    alphas = [1.0, 0.1, 0.0]
    _, coefs, gaps = mtl_path(X, y, tasks, penalty=MeanRegularized(), alphas=alphas)
    expected = MultiTaskRegressor(MeanRegularized(0.0)).fit(X, y, tasks)
    np.testing.assert_allclose(coefs[:, :, 2], expected.coef_, atol=1e-8)
    assert np.all(gaps <= 1e-8)
    model = MeanRegularizedRegressorCV(alphas=alphas, alpha_mean=0.0, cv=3)
    model.fit(X, y, tasks)
    each = MeanRegularizedRegressorCV(alphas=alphas[:2], alpha_mean=0.0, cv=3)
    each.fit(X, y, tasks)
    np.testing.assert_allclose(model.mse_path_[:2], each.mse_path_, rtol=1e-8)
