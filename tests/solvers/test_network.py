"""The network lasso: certified on every graph, whichever method ends the search."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse

from helpers.problems import make_problem
from helpers.quick import first
from linmtl import MultiTaskClassifier, MultiTaskRegressor
from linmtl.penalties import L21, GraphLaplacian, NetworkLasso, Penalty, Ridge
from linmtl.solvers import _network, minimise
from linmtl.solvers._network import NetworkDescent

KINDS = ("ring", "random", "complete", "isolated", "star", "grid")
ESTIMATORS = {"squared": MultiTaskRegressor, "logistic": MultiTaskClassifier}


def adjacency(kind, T, rng):
    A = np.zeros((T, T))
    if kind == "ring":
        t = np.arange(T)
        A[t, (t + 1) % T] = 1.0
    elif kind == "random":
        A = rng.uniform(0.1, 2.0, (T, T)) * (rng.random((T, T)) < 3 / T)
    elif kind == "complete":
        A += 1.0 / T
    elif kind == "isolated":  # every third task
        A += rng.random((T, T)) < 0.5
        A[::3] = A[:, ::3] = 0.0
    elif kind == "star":
        A[0] = 1.0
    else:  # weights that differ by a factor of a thousand
        side = max(int(np.sqrt(T)), 1)
        for t in range(T - 1):
            A[t, t + 1] = rng.choice([0.01, 1.0, 10.0])
            if t + side < T:
                A[t, t + side] = rng.choice([0.01, 1.0, 10.0])
    A = np.triu(A, 1)
    return A + A.T


@dataclass(frozen=True)
class Drawn:
    """A problem drawn at random."""

    loss: str
    X: np.ndarray
    y: np.ndarray
    tasks: np.ndarray
    A: np.ndarray
    alpha: float
    ridge: float

    @property
    def penalty(self) -> Penalty:
        penalty = NetworkLasso(self.A, self.alpha)
        return penalty + Ridge(self.ridge) if self.ridge else penalty

    @property
    def objective(self):
        model = ESTIMATORS[self.loss](self.penalty)
        return model._read_problem(self.X, self.y, self.tasks, None).objective

    def cvxpy_optimum(self) -> float:
        T = len(self.A)
        W, b = cp.Variable((self.X.shape[1], T)), cp.Variable(T)
        total = self.ridge / 2 * cp.sum_squares(W)
        for i, j in zip(*np.nonzero(np.triu(self.A)), strict=True):
            total += self.alpha * self.A[i, j] * cp.norm(W[:, i] - W[:, j])
        for t in range(T):
            X, y = self.X[self.tasks == t], self.y[self.tasks == t]
            eta = X @ W[:, t] + b[t]
            if self.loss == "squared":
                total += cp.sum_squares(y - eta) / (2 * len(y))
            else:
                total += cp.sum(cp.logistic(-cp.multiply(2 * y - 1, eta))) / len(y)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Solution may be inaccurate")
            return float(cp.Problem(cp.Minimize(total)).solve(solver=cp.CLARABEL))


def draw(seed, most_tasks=30, most_features=20) -> Drawn:
    """Clusters of tasks, some with fewer rows than features, on scaled features."""
    rng = np.random.default_rng(seed)
    T = int(rng.choice([t for t in (2, 3, 5, 8, 15, 30) if t <= most_tasks]))
    d = int(rng.choice([d for d in (1, 3, 8, 20) if d <= most_features]))
    loss = rng.choice(["squared", "logistic"])
    size = rng.integers(2, 2 * int(rng.choice([3, 8, 20, 60])), T)
    W = rng.normal(size=(d, max(1, T // 4)))[:, np.arange(T) // 4 % max(1, T // 4)]
    tasks = np.repeat(np.arange(T), size)
    scale = np.exp(rng.normal(size=d) * rng.choice([0.0, 1.0, 2.0]))
    X = rng.normal(size=(tasks.size, d)) + rng.choice([0.0, 3.0])
    y = np.sum(X * W.T[tasks], axis=1) + rng.choice([0.1, 1.0]) * rng.normal(
        size=tasks.size
    )
    y -= (np.bincount(tasks, y) / size)[tasks]
    if loss == "logistic":
        y = (y > 0).astype(int)
        first = np.cumsum(size) - size  # both classes in every task
        y[first], y[first + 1] = 0, 1
    A = adjacency(rng.choice(KINDS), T, rng)
    slope = np.abs(X.T @ (y - y.mean())).max() / tasks.size * scale.max()
    alpha = 10 ** rng.uniform(-3, 0.5) * slope / max(A.max(), 1e-9)
    # nearly separable tasks have no optimum without
    ridge = 1e-2 if loss == "logistic" else rng.choice([0.0, 1e-2])
    return Drawn(str(loss), X * scale, y, tasks, A, float(alpha), float(ridge))


@pytest.mark.parametrize("seed", first(range(60), 15))
def test_random_problems_converge(seed):
    objective = draw(seed).objective
    if objective.penalty.norm is None:  # a graph without edges
        return
    result = minimise(objective, tol=1e-4, max_iter=2000)
    assert result.solver == "network"
    assert result.converged
    better = minimise(draw(seed).objective, tol=1e-7, max_iter=10_000)
    rounding = 1e-12 * result.scale
    assert result.objective - result.gap <= better.objective + rounding
    assert better.objective - better.gap <= result.objective + rounding
    assert better.objective <= result.objective + better.tol


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1040))
def test_random_problems_against_a_general_solver(seed):
    problem = draw(seed, most_tasks=8, most_features=3)
    objective = problem.objective
    result = minimise(objective, tol=1e-6, max_iter=10_000)
    optimum = problem.cvxpy_optimum()
    assert result.converged
    # theirs is an upper bound up to its own tolerance
    assert result.objective <= optimum + result.tol + 1e-6 * result.scale
    assert result.objective - result.gap <= optimum + 1e-7 * result.scale


@pytest.fixture
def newton_at_once(monkeypatch):
    """Take alternating directions from the first look at the gap on."""
    monkeypatch.setattr(_network, "_PATIENCE", 0)
    monkeypatch.setattr(_network, "_LEFT", -1)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("few_tasks", [0, 100])
@pytest.mark.parametrize("layout", ["ragged", "shared"])
@pytest.mark.parametrize("tried", [10_000, -1], ids=["alternating", "augmented"])
def test_each_method_from_the_start(
    loss, few_tasks, layout, tried, newton_at_once, monkeypatch
):
    monkeypatch.setattr(_network, "_TRIED", tried)
    options = {"layout": "wide"} if layout == "shared" else {"sizes": (4, 30, 9, 20)}
    problem = make_problem(loss, d=12, **options)
    penalty = NetworkLasso(None, 0.2) + Ridge(0.01) + GraphLaplacian(None, 0.05)
    monkeypatch.setattr(_network, "_FEW_TASKS", few_tasks)
    expected = minimise(problem.objective(penalty), tol=1e-9, max_iter=10_000)
    forms = ["residual", "gram"] if loss == "squared" else ["residual"]
    for form in forms:
        result = minimise(problem.objective(penalty, form), tol=1e-9, max_iter=10_000)
        assert result.converged
        assert abs(result.objective - expected.objective) <= 2 * expected.tol
        np.testing.assert_allclose(result.W, expected.W, atol=1e-3)


def test_steps_on_losses_that_are_nearly_flat_go_no_further_than_they_fall(
    newton_at_once,
):
    # weakly joined tasks that are separable alone: far from the optimum whole steps
    # of Newton's method lead ever further away
    rng = np.random.default_rng(0)
    T, d = 30, 10
    tasks = np.repeat(np.arange(T), 8)
    X = rng.normal(size=(tasks.size, d))
    y = rng.integers(0, 2, tasks.size)
    y[::8], y[1::8] = 0, 1
    t = np.arange(T)
    ring = sparse.csr_array((np.ones(T), (t, (t + 1) % T)), shape=(T, T))
    penalty = NetworkLasso(ring + ring.T, 1e-4)
    model = MultiTaskClassifier(penalty, max_iter=200, tol=1e-6).fit(X, y, tasks)
    assert model.converged_


def test_a_loss_that_is_flat_along_the_way():
    # Fewer rows than features, and an edge that cannot hold: the Newton systems of the
    # augmented Lagrangian have no curvature there without the distance that they hold.
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 8)), rng.normal(size=6)
    tasks = np.repeat([0, 1], 3)
    penalty = NetworkLasso(alpha=1e-3)
    model = MultiTaskRegressor(penalty, tol=1e-6).fit(X, y, tasks)
    assert model.converged_


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_products_are_derivatives_of_the_gradient(loss):
    problem = make_problem(loss, d=6, sizes=(30, 20, 4))
    penalty = NetworkLasso(None, 0.2) + Ridge(0.1) + GraphLaplacian(None, 0.3)
    smooth = _network._Loss(problem.objective(penalty))
    rng = np.random.default_rng(0)
    smooth.hold(rng.normal(size=(3, 6)), 0.7)
    Wt, D = rng.normal(size=(2, 3, 6))
    h = 1e-5
    above, below = smooth.evaluate(Wt + h * D), smooth.evaluate(Wt - h * D)
    _, G = smooth.evaluate(Wt)
    np.testing.assert_allclose((above[0] - below[0]) / (2 * h), np.vdot(G, D), 1e-6)
    times, _ = smooth.newton(sparse.eye_array(3))
    change = (above[1] - below[1]) / (2 * h)
    np.testing.assert_allclose(times(D), change, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_many_features_take_no_hessians(loss, newton_at_once, monkeypatch):
    def hessians(*_):
        raise AssertionError("Hessians of too many features")

    problem = make_problem(loss, d=60)  # wide: no Gram matrices either
    penalty = NetworkLasso(None, 0.05) + Ridge(1e-3)
    expected = problem.fit(penalty, tol=1e-6)
    monkeypatch.setattr(_network, "_MOST_ENTRIES", 0)
    monkeypatch.setattr(_network._Loss, "newton", hessians)
    model = problem.estimator(penalty, tol=1e-6)
    model.fit(sparse.csr_array(problem.X), problem.y, problem.tasks)
    assert model.solver_ == "network"
    assert model.converged_
    assert abs(model.objective_ - expected.objective_) <= 2 * expected.tol_


def test_a_constant_loss():
    X, y = np.ones((6, 2)), np.arange(6.0)
    model = MultiTaskRegressor(NetworkLasso()).fit(X, y, np.repeat([0, 1, 2], 2))
    assert model.converged_
    np.testing.assert_array_equal(model.coef_, 0.0)


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
@pytest.mark.parametrize("size", [1.0, 1e3])
def test_losses_of_unbounded_curvature(loss, size):
    """Far features, large targets: tens of iterations on the loss itself."""
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(8), 15)
    X = 5.0 * rng.normal(size=(tasks.size, 12))
    y = size * rng.gamma(2.0, np.exp(0.05 * X[:, :4].sum(axis=1)))
    y = np.round(y) if loss == "poisson" else y + 0.01
    model = MultiTaskRegressor(NetworkLasso(alpha=1e-3 * size), loss=loss)
    model.fit(X, y, tasks)
    assert (model.solver_, model.converged_) == ("network", True)
    assert model.n_iter_ <= 100
    assert model.dual_gap_ <= model.tol_


def test_what_the_solver_needs(monkeypatch):
    problem = make_problem()
    with pytest.raises(ValueError, match="'network' needs a NetworkLasso penalty"):
        problem.fit(L21(0.1), solver="network")
    joined = MultiTaskRegressor(NetworkLasso(), task_weight="minimax", solver="network")
    with pytest.raises(ValueError, match="needs a loss that is the sum of the tasks'"):
        joined.fit(problem.X, problem.y, problem.tasks)
    counts = MultiTaskRegressor(NetworkLasso(), loss="poisson", solver="network")
    monkeypatch.setattr(_network, "_MOST_ENTRIES", 10)
    with pytest.raises(ValueError, match="needs a loss of bounded curvature, or fewer"):
        counts.fit(problem.X, np.abs(problem.y), problem.tasks)
    assert NetworkDescent.missing(problem.objective(NetworkLasso(None, 0.1))) is None


@pytest.mark.parametrize(("T", "d", "alpha"), [(6, 5, 0.05), (8, 12, 0.01)])
def test_several_classes_are_certified_together(T, d, alpha):
    # what all tasks share is free in each class, and their residuals are coupled
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(T), 20)
    X = rng.normal(size=(tasks.size, d))
    W = rng.normal(size=(2, d, 3))
    y = np.einsum("nd,ndk->nk", X, W[tasks % 2]) + rng.gumbel(size=(tasks.size, 3))
    penalty = NetworkLasso(alpha=alpha)
    model = MultiTaskClassifier(penalty, max_iter=150).fit(X, y.argmax(axis=1), tasks)
    assert model.converged_
    assert model.solver_ == "network"


def test_steps_on_flows_of_several_classes_give_way_to_exact_ones(monkeypatch):
    monkeypatch.setattr(_network, "_PATIENCE", 1)
    monkeypatch.setattr(_network, "_MUCH_LEFT", 0)
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(3), 12)
    X = rng.normal(size=(tasks.size, 3))
    y = (X @ rng.normal(size=(3, 3)) + rng.gumbel(size=(tasks.size, 3))).argmax(axis=1)
    model = MultiTaskClassifier(NetworkLasso(alpha=0.02), tol=1e-6).fit(X, y, tasks)
    assert model.converged_
    assert model.n_iter_ > _network._FIRST_CHECK


@pytest.mark.parametrize("alpha", [0.02, 0.001])
def test_several_classes_of_tasks_that_show_some(alpha):
    """Newton steps on all classes of a task; one class is of one task only."""
    rng = np.random.default_rng(0)
    sets, n, d = ("abc", "abcd", "bd", "acde", "ab"), 40, 6
    X, tasks = rng.normal(size=(5 * n, d)), np.repeat(np.arange(5), n)
    own = rng.normal(size=(26, d))
    eta = X @ own.T + rng.gumbel(size=(5 * n, 26))
    shown = [[ord(c) - ord("a") for c in sets[t]] for t in tasks]
    y = np.array([s[np.argmax(e[s])] for s, e in zip(shown, eta, strict=True)])
    rough, fine = (
        MultiTaskClassifier(NetworkLasso(alpha=alpha), tol=tol).fit(X, y, tasks)
        for tol in (1e-4, 1e-6)
    )
    assert rough.n_iter_ < 800
    assert fine.n_iter_ < 3000
    assert rough.objective_ - fine.objective_ <= rough.dual_gap_
