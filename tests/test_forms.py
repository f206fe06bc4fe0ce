"""One problem, several ways to compute it: they must not differ in the result.

Working sets or all rows, Gram matrices or residuals, gathered features or X itself,
one thread or two.
"""

from contextlib import nullcontext

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from helpers.problems import LAYOUTS, make_problem
from linmtl import L21Regressor, MeanRegularizedRegressor, TraceNormRegressor
from linmtl.data import MultiTaskData
from linmtl.datafits._residual import ResidualFit
from linmtl.designs import _stacked
from linmtl.designs._stacked import StackedDesign
from linmtl.losses import LOSSES
from linmtl.penalties import L1, L21, Ridge, TraceNorm
from linmtl.solvers import SOLVERS, minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._working_set import RowChoice

PENALTIES = {
    "L1": lambda s: L1(s),
    "L21": lambda s: L21(s),
    "L1 + L21": lambda s: L1(0.3 * s) + L21(s),
    "L21 + ridge": lambda s: L21(s) + Ridge(0.2 * s),
    "positive": lambda s: L21(s, positive=True),
}
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


@pytest.mark.product(
    layout=LAYOUTS,
    penalty=PENALTIES,
    strength=[0.3, 0.05],
    loss=["squared", "logistic"],
)
def test_working_sets_and_all_rows(layout, penalty, strength, loss, monkeypatch):
    """Screened rows are zero in the solution: leaving them out changes nothing."""
    problem = make_problem(loss, **LAYOUTS[layout])
    objective = problem.objective(PENALTIES[penalty](strength), "residual")
    solver = "working_set" if loss == "squared" else "prox_newton"
    options = {"tol": 1e-9, "max_iter": 20_000, "solver": solver}
    chosen = minimise(objective, **options)
    sizes = []

    def everything(self, W, size, gap):
        sizes.append(len(W))
        self._stalled += 0.02  # ends some time where it makes no progress
        return np.arange(len(W)), True

    monkeypatch.setattr(RowChoice, "choose", everything)
    whole = minimise(objective, **options)
    assert sizes == [] or set(sizes) == {problem.n_features}
    assert chosen.converged
    assert whole.converged
    assert abs(chosen.objective - whole.objective) <= chosen.tol + whole.tol
    np.testing.assert_allclose(chosen.W, whole.W, atol=2e-4)


@every_layout
def test_gram_matrices_and_residuals(layout):
    """Same loss, gradient, intercepts and certificate at any point."""
    problem = make_problem("squared", **LAYOUTS[layout])
    rng = np.random.default_rng(0)
    gram = problem.objective(L21(0.1), "gram")
    rows = problem.objective(L21(0.1), "residual")
    assert gram.fit.square == pytest.approx(rows.fit.square)
    # zero, rows of zeros (which the Gram form skips), and no zeros
    points = [np.zeros(gram.shape), rng.normal(size=gram.shape)]
    points.append(points[1] * (np.arange(gram.shape[0]) % 3 == 0)[:, None])
    for W in points:
        values, gradients = [], []
        for objective in (gram, rows):
            G = np.empty(objective.shape)
            values.append(objective.fit.evaluate(W, G))
            gradients.append(G)
            assert objective.fit.loss_at(W) == pytest.approx(values[0])
        np.testing.assert_allclose(gradients[0], gradients[1], atol=1e-12)
        np.testing.assert_allclose(gram.fit.b, rows.fit.b, atol=1e-12)
        first, second = gram.certificate(W), rows.certificate(W)
        assert first.primal == pytest.approx(second.primal)
        assert first.dual == pytest.approx(second.dual)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_some_tasks_at_a_time_or_all(loss, dtype, monkeypatch):
    """Tasks that fit in the cache together: the same numbers, to the last bit."""
    rng = np.random.default_rng(0)
    sizes = [5, 0, 1, 40, 3, 0, 7, 0]
    task_ptr = np.r_[0, np.cumsum(sizes)]
    X = rng.standard_normal((56, 6)).astype(dtype)
    y, weight = np.sign(rng.standard_normal(56)), rng.random(56)
    W = rng.standard_normal((6, len(sizes)))
    found, counts = [], []
    for rows in (1000, 8, 1):
        monkeypatch.setattr(_stacked, "_CACHE_BYTES", rows * X[0].nbytes)
        design = StackedDesign(X, task_ptr)
        fit = ResidualFit(MultiTaskData(design, y, weight), LOSSES[loss]())
        for point in (np.zeros_like(W), W):
            G = np.full(W.shape, np.nan)
            value = fit.evaluate(point, G)
            assert value == fit.loss_at(point)
        found.append([value, G, fit.theta.copy(), fit.b, fit.task_loss.copy()])
        ranges = design._ranges
        counts.append(len(ranges))
        assert [first for first, _ in ranges] == [0, *(stop for _, stop in ranges[:-1])]
        assert ranges[-1][1] == len(sizes)
        for first, stop in ranges:
            assert stop == first + 1 or task_ptr[stop] - task_ptr[first] <= rows
    assert counts == [1, 4, 7]
    for other in found[1:]:
        for array, first in zip(other, found[0], strict=True):
            np.testing.assert_array_equal(array, first)


def test_evaluation_without_features():
    design = StackedDesign(np.empty((4, 0)), np.array([0, 2, 4]))
    data = MultiTaskData(design, np.array([1.0, -1.0, 1.0, 1.0]), np.ones(4), False)
    value = ResidualFit(data, LOSSES["squared"]()).evaluate(
        np.empty((0, 2)), np.empty((0, 2))
    )
    assert value == 2.0


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@every_layout
def test_gathered_features_are_the_features(layout, loss):
    """A working set has the values of the whole; its residuals serve for the whole."""
    problem = make_problem(loss, **LAYOUTS[layout])
    objective = problem.objective(L21(0.1), "residual")
    fit, (d, T) = objective.fit, objective.shape
    rng = np.random.default_rng(0)
    last = None
    for chosen in (np.array([0, 3]), np.array([3, 1, 4]), np.array([2]), np.arange(d)):
        part = fit.gather(chosen, last)
        W = np.zeros((d, T))
        W[chosen] = rng.normal(size=(chosen.size, T))
        G, G_part = np.empty((d, T)), np.empty((chosen.size, T))
        value = fit.evaluate(W, G)
        assert part.evaluate(W[chosen], G_part) == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(G_part, G[chosen], atol=1e-12)
        np.testing.assert_allclose(part.b, fit.b, atol=1e-8)
        centre, weight = fit.data.fit_intercept, fit.hessian_weight
        H = part.data.design.hessians(weight, centre)
        for t in range(T):
            A = fit.data.design.centred_block(np.array([t]), weight, centre, chosen)
            np.testing.assert_allclose(H[t], A.T @ A, atol=1e-12)
        # residuals of the part instead of predictions of the whole
        fresh = Objective(ResidualFit(fit.data, LOSSES[loss]()), objective.penalty)
        known, again = fresh.certificate(W, part.residuals), objective.certificate(W)
        assert known.primal == pytest.approx(again.primal)
        assert known.dual == pytest.approx(again.dual, abs=1e-12)
        np.testing.assert_allclose(fresh.fit.b, fit.b, atol=1e-8)
        last = part


@pytest.mark.parametrize("solver", ["admm", "apg"])
@pytest.mark.parametrize("ridge", [0.0, 0.05])
@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "sparse"])
def test_spectral_norms_by_every_form(layout, ridge, solver):
    problem = make_problem("squared", **LAYOUTS[layout])
    penalty = TraceNorm(0.2) + Ridge(ridge) if ridge else TraceNorm(0.2)
    results = [
        minimise(
            problem.objective(penalty, form), tol=1e-9, max_iter=50_000, solver=solver
        )
        for form in ("gram", "residual")
    ]
    for result in results:
        assert result.converged
        assert result.solver == solver
    assert abs(results[0].objective - results[1].objective) <= 2 * results[0].tol
    np.testing.assert_allclose(results[0].W, results[1].W, atol=2e-4)


def test_admm_needs_dense_rows_or_gram_matrices():
    problem = make_problem("squared", **LAYOUTS["sparse"])
    admm = SOLVERS["admm"]
    assert admm.missing(problem.objective(TraceNorm(0.1), "gram")) is None
    assert "dense X" in admm.missing(problem.objective(TraceNorm(0.1), "residual"))


@pytest.mark.parametrize(
    "model",
    [L21Regressor(0.1), TraceNormRegressor(0.1), MeanRegularizedRegressor(0.1)],
    ids=str,
)
@pytest.mark.parametrize("shape", [(3000, 400), (200, 600)])
@pytest.mark.slow
def test_one_thread_and_two(model, shape, monkeypatch):
    """Threads of BLAS may sum in another order, which is all that may differ."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal(shape)
    Y = X[:, :5] @ rng.standard_normal((5, 4)) + rng.standard_normal((shape[0], 4))
    for module in (
        "solvers._minimise",
        "datafits._gram",
    ):  # no product is too small for them
        monkeypatch.setattr(f"linmtl.{module}.blas_threads", lambda _: nullcontext())
    coefs = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            coefs.append(model.set_params(tol=1e-10).fit(X, Y).coef_.copy())
    np.testing.assert_allclose(coefs[0], coefs[1], atol=1e-6)


def test_rival_start_is_taken_where_it_is_lower():
    problem = make_problem("squared", **LAYOUTS["ragged"])
    objective = problem.objective(L21(0.1), "gram")
    options = {"tol": 1e-6, "max_iter": 1000}
    best = minimise(objective, **options)
    bad = best.W + 1.0
    rival = best.objective, best.W
    result = minimise(objective, W0=bad, rival=rival, **options)
    assert result.objective <= best.objective
    assert result.n_iter == 1  # nothing was left to do
    # and is not where it is higher
    rival = objective.value(bad), bad
    result = minimise(objective, W0=best.W, rival=rival, **options)
    assert result.n_iter == 1
