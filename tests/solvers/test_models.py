"""Models for scores: near the optimum, and nearer where it matters."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from linmtl import (
    IndependentRegressor,
    L1RegressorCV,
    L21ClassifierCV,
    L21RegressorCV,
    MeanRegularizedClassifierCV,
    MultiTaskClassifier,
    MultiTaskRegressor,
    TraceNormRegressorCV,
)
from linmtl.datasets import make_multitask_classification, make_multitask_regression
from linmtl.penalties import (
    L1,
    L21,
    MCP,
    SCAD,
    CappedL1,
    Clustered,
    MeanRegularized,
    NonconvexFusedGroup,
    Ridge,
    TraceNorm,
    compose,
)
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers._minimise import minimise
from linmtl.solvers._models import far_apart, models
from linmtl.solvers._objective import Objective
from linmtl.solvers._path import follow, top_strength
from linmtl.solvers._plain_path import Point
from linmtl.solvers._quadratic_system import Block, _consensus, small_systems
from linmtl.solvers._root_path import RootPath
from linmtl.solvers._stage_path import StagePath

TOL = 1e-4
PENALTIES = {
    "L1": L1,
    "L21": L21,
    "trace norm": TraceNorm,
    "clustered": lambda alpha: Clustered(alpha=alpha),
    "mean": lambda alpha: MeanRegularized(alpha, 1e-3),
}
KINDS = [(name, "squared") for name in list(PENALTIES)[:4]] + [
    (name, "logistic") for name in ("L21", "mean")
]
KINDS += [(name, "sqrt") for name in ("L1", "L21")]


def problem(name, loss, n_alphas=30):
    if loss == "logistic":
        make, model = make_multitask_classification, MultiTaskClassifier()
    else:
        make, model = make_multitask_regression, MultiTaskRegressor(loss=loss)
    X, y, tasks = make(n_tasks=4, n_features=5, n_samples=25, random_state=0)
    posed = model._read_problem(X, y, tasks, None)
    columns, objective = posed.columns, posed.objective
    fit, penalty = objective.base_fit, PENALTIES[name]
    start = Objective(fit, compose(penalty(1.0), fit.n_features, columns))
    top = min(top_strength(start), 1.0)
    strengths = np.geomspace(top, 0.02 * top, n_alphas)
    return fit, columns, strengths, [penalty(alpha) for alpha in strengths]


def found(fit, columns, strengths, penalties, score=None, tol=TOL, kept=None):
    options = {"strengths": strengths, "tol": tol, "max_iter": 10_000}
    options |= {"score": score, "kept": kept}
    parts = list(models(fit, penalties, columns, None, **options))
    assert not any(part.unconverged for part in parts)
    W, b = (np.concatenate([getattr(part, n) for part in parts]) for n in "Wb")
    return W, b


def excesses(fit, columns, penalties, W):
    """Return how far above the optimum points without components are at most."""
    out = []
    for penalty, w in zip(penalties, W, strict=True):
        objective = Objective(fit, compose(penalty, fit.n_features, columns))
        least = minimise(objective, tol=1e-7, max_iter=10_000, W0=w)
        out.append(objective.value(w) - (least.objective - least.gap))
    return np.array(out)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "loss"), KINDS)
def test_models_are_solutions(name, loss):
    fit, columns, strengths, penalties = problem(name, loss)
    options = {"strengths": strengths, "tol": 1e-9, "max_iter": 10_000}
    expected = list(follow(fit, penalties, columns, **options))
    for score in (None, lambda model: 0.0):
        W, b = found(fit, columns, strengths, penalties, score, 1e-9)
        np.testing.assert_allclose(W, [r.W for r in expected], atol=5e-4)
        np.testing.assert_allclose(b, [r.b for r in expected], atol=5e-4)


def test_paths_of_other_strengths_on_the_mean_have_systems_in_common(monkeypatch):
    fit, columns, strengths, penalties = problem("mean", "logistic", 8)
    small_hessians, made, kept = fit.small_hessians, [], {}

    def counted(size):
        made.append(size)
        return small_hessians(size)

    monkeypatch.setattr(fit, "small_hessians", counted)
    scale = fit.loss_at(np.zeros((fit.n_features, fit.n_columns)))
    found(fit, columns, strengths, penalties, kept=kept)
    first = len(made)
    other = [MeanRegularized(alpha, 3e-3) for alpha in strengths]
    W, _ = found(fit, columns, strengths, other, kept=kept)
    assert len(made) - first < first / 2
    assert excesses(fit, columns, other, W).max() <= (1 + 1e-9) * TOL * scale


def test_roots_of_little_noise_are_not_told_by_moments():
    X, y, tasks = make_multitask_regression(4, 5, 25, noise=1.0, random_state=0)
    y[tasks == 1] = X[tasks == 1] @ np.ones(5)  # nothing is left of it
    posed = MultiTaskRegressor(loss="sqrt")._read_problem(X, y, tasks, None)
    fit, penalties = posed.objective.base_fit, [L21(0.3), L21(0.01)]
    assert RootPath.serves(fit, penalties[0], posed.columns)
    W, _ = found(fit, posed.columns, [0.3, 0.01], penalties)
    allowed = TOL * fit.loss_at(np.zeros(W[0].shape))
    for penalty, w in zip(penalties, W, strict=True):
        objective = Objective(fit, compose(penalty, fit.n_features, posed.columns))
        least = minimise(objective, tol=1e-6, max_iter=10_000).objective
        assert objective.value(w) <= least + allowed
    np.testing.assert_allclose(W[-1][:, 1], 1.0, rtol=1e-3)


@pytest.mark.parametrize(("name", "loss"), KINDS)
def test_rough_models_are_on_lines_between_solutions(name, loss):
    fit, columns, strengths, penalties = problem(name, loss)
    W, _ = found(fit, columns, strengths, penalties, lambda model: 0.0)
    scale = fit.loss_at(np.zeros(W[0].shape))
    solved = np.flatnonzero(far_apart(strengths))
    off = excesses(fit, columns, penalties, W) / scale
    assert off[solved].max() <= (1 + 1e-9) * TOL
    # residuals have to be scaled to bound a root, which costs it more than a square
    assert off.max() <= (0.25 if loss == "sqrt" else 0.05)
    for i, j in pairwise(solved.tolist()):
        share = (strengths[i] - strengths[i : j + 1]) / (strengths[i] - strengths[j])
        line = W[i] + share[:, None, None] * (W[j] - W[i])
        np.testing.assert_allclose(W[i : j + 1], line, atol=1e-12)


@pytest.mark.parametrize(("name", "loss"), KINDS)
def test_less_will_do_where_a_score_is_worse(name, loss):
    fit, columns, strengths, penalties = problem(name, loss)
    seen = []

    def rising(model):
        seen.append(model)
        return 1.0 + len(seen)

    W, _ = found(fit, columns, strengths, penalties, rising)
    solved = far_apart(strengths)
    assert len(seen) == solved.sum() < len(penalties)
    scale = fit.loss_at(np.zeros(W[0].shape))
    assert excesses(fit, columns, penalties, W)[solved].max() <= 50 * TOL * scale


def test_strengths_between_others_are_near_them():
    rng = np.random.default_rng(0)
    grids = [np.geomspace(1.0, 1e-3, n) for n in (1, 2, 3, 5, 40, 100, 300)]
    grids += [np.array([5.0, 5.0, 5.0]), np.array([1.0, 0.9, 0.0])]
    grids += [np.sort(rng.lognormal(size=50))[::-1]]
    for strengths in grids:
        solved = np.flatnonzero(far_apart(strengths))
        assert solved[0] == 0
        assert solved[-1] == len(strengths) - 1
        for i, j in pairwise(solved.tolist()):
            assert j - i == 1 or (j - i <= 8 and strengths[i] <= 2.5 * strengths[j])
    assert far_apart(np.geomspace(1.0, 1e-3, 100)).sum() == 14
    assert far_apart(np.array([8.0, 4.0, 1.0, 0.1])).all()


SEARCHES = {
    "L1": L1RegressorCV,
    "L21": L21RegressorCV,
    "scores": partial(L21RegressorCV, scoring="r2"),
    "trace norm": TraceNormRegressorCV,
    "labels": L21ClassifierCV,
    "two": partial(MeanRegularizedClassifierCV, alpha_mean=[1e-3, 0.1]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SEARCHES)
def test_the_strength_chosen_is_best_among_solutions(name):
    """Its losses are exact, and so are those of the strengths beside it."""
    make, noise = make_multitask_regression, {"noise": 4.0}
    if name in ("labels", "two"):
        make, noise = make_multitask_classification, {}
    shape = {"n_tasks": 4, "n_features": 6, "n_samples": 20, "n_informative": 3}
    given = make(**shape, random_state=0, **noise)
    model = SEARCHES[name](alphas=60, cv=3).fit(*given)
    grid = np.atleast_2d(model.alphas_)[0]
    exact = SEARCHES[name](alphas=grid, cv=3, tol=1e-8).fit(*given)
    found, expected = (
        np.atleast_2d(getattr(fitted, model._paths[0]).mean(axis=-1))
        * (1.0 if "mse" in model._paths[0] else -1.0)
        for fitted in (model, exact)
    )
    best = np.unravel_index(found.argmin(), found.shape)
    assert model.best_params_ == {**model.best_params_, "alpha": grid[best[1]]}
    assert expected[best] <= expected.min() + 2e-3 * abs(expected.min())
    beside = best[0], slice(max(best[1] - 1, 0), best[1] + 2)
    np.testing.assert_allclose(found[beside], expected[beside], rtol=1e-4)
    near = expected <= expected.min() + 0.02 * abs(expected.min())
    np.testing.assert_allclose(found[near], expected[near], rtol=0.02)


@pytest.mark.parametrize(("a", "m"), [(0.3, 0.01), (0.01, 0.3), (10.0, 0.0)])
def test_small_systems_at_once_are_those_one_by_one(a, m):
    rng = np.random.default_rng(0)
    A = rng.normal(size=(4, 12, 3)) * [1.0, 1e3, 1e-3]
    H, C = A.transpose(0, 2, 1) @ A, rng.normal(size=(3, 4))
    form = QuadraticForm(4, centred=a, mean=m)
    solve = small_systems(H, form)
    assert solve is not None
    W = solve(C)
    looped = _consensus([Block(H=h) for h in H], form)(C)
    np.testing.assert_allclose(W, looped, rtol=1e-8)
    product = np.column_stack([h @ w for h, w in zip(H, W.T, strict=True)])
    np.testing.assert_allclose(product + form.gradient(W), C, rtol=1e-6, atol=1e-8)
    H[1, :, 2] = H[1, 2] = 0.0
    assert small_systems(H, QuadraticForm(4, mean=m)) is None


def test_newton_steps_for_labels_are_the_same_for_few_and_many_features():
    """Small Hessians are factored together, large ones one by one."""
    X, y, tasks = make_multitask_classification(
        n_tasks=3, n_features=5, n_samples=100, random_state=0
    )
    wide = np.hstack([X, np.zeros((len(X), 66))])
    few, many = (
        MultiTaskClassifier(MeanRegularized(0.1, 0.01), tol=1e-10).fit(Z, y, tasks)
        for Z in (X, wide)
    )
    np.testing.assert_allclose(few.coef_, many.coef_[:, :5], atol=1e-6)
    assert few.converged_


@pytest.mark.parametrize("search", [L21RegressorCV, L1RegressorCV])
def test_a_strength_of_zero_in_a_grid(search):
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(30, 3)), np.repeat([0, 1, 2], 10)
    y = X @ [1.0, -1.0, 0.5] + 0.01 * rng.normal(size=30)
    model = search(alphas=[0.0, 1.0], cv=2).fit(X, y, tasks)
    assert model.alpha_ == 0
    alone = IndependentRegressor(0.0).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, alone.coef_, atol=1e-3)


NONCONVEX = {
    "MCP": lambda alpha: MCP(alpha, 2.0),
    "SCAD and ridge": lambda alpha: SCAD(alpha) + Ridge(0.01),
    "capped": lambda alpha: CappedL1(alpha, 0.5),
    "fused": lambda alpha: NonconvexFusedGroup(alpha, 0.02),
    "fused, form 2": lambda alpha: NonconvexFusedGroup(alpha, form=2),
}


@pytest.mark.parametrize("name", NONCONVEX)
@pytest.mark.slow
def test_stages_without_certificates(name, monkeypatch):
    """They end as low as those with them, and no general solver is asked."""
    fit, columns, *_ = problem("L1", "squared")
    strengths, scale = np.array([0.5, 0.2, 0.05]), fit.loss_at(np.zeros((5, 4)))
    penalties = [NONCONVEX[name](alpha) for alpha in strengths]
    assert StagePath.serves(fit, penalties[0], columns)
    with monkeypatch.context() as patch:
        patch.setattr("linmtl.solvers._stage_path.minimise", None)
        path = StagePath(fit, columns, tol=1e-7, max_iter=1000)
        found = list(path.follow(penalties, strengths, None))
    for penalty, point in zip(penalties, found, strict=True):
        assert isinstance(point, Point)
        objective = Objective(fit, compose(penalty, 5, columns))
        least = minimise(objective, tol=1e-8, max_iter=1000)
        assert objective.value(point.W) <= least.objective + 1e-6 * scale
        np.testing.assert_allclose(point.b, fit.moments.intercepts(point.W))


def test_stages_where_coordinates_creep(monkeypatch):
    """Of nearly the same features, which the general solver tells apart."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 1))
    X, tasks = x + 1e-4 * rng.standard_normal((60, 6)), np.repeat([0, 1], 30)
    y = x[:, 0] + rng.standard_normal(60) + 1e4 * (X[:, 0] - X[:, 1])
    posed = MultiTaskRegressor()._read_problem(X, y, tasks, None)
    fit, columns = posed.objective.base_fit, posed.columns
    for penalty in (SCAD(1e-3), NonconvexFusedGroup(1e-3, 1e-4)):
        point = StagePath(fit, columns, tol=1e-4, max_iter=1000).solution(penalty, None)
        objective = Objective(fit, compose(penalty, 6, columns))
        least = minimise(objective, tol=1e-6, max_iter=1000)
        assert objective.value(point.W) <= least.objective + 2e-4 * least.scale
