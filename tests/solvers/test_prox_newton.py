"""Proximal Newton: models, line search, damping, and the choice of the rows."""

import numpy as np
import pytest
from joblib import parallel_config
from scipy import sparse
from sklearn.base import clone

from linmtl import L21ClassifierCV, MultiTaskClassifier, MultiTaskRegressor
from linmtl.data import MultiTaskData
from linmtl.datafits._multinomial import MultinomialFit
from linmtl.datafits._residual import ResidualFit
from linmtl.designs._base import Design
from linmtl.designs._classes import ClassesDesign
from linmtl.designs._stacked import HessianDesign, StackedDesign
from linmtl.losses import LOSSES, Multinomial
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import (
    L1,
    L21,
    GraphLaplacian,
    GroupL21,
    MeanRegularized,
    Ridge,
    TaskQuadratic,
    compose,
)
from linmtl.solvers import _prox_newton as newton
from linmtl.solvers._objective import Objective


def labels(seed=0, d=40, n_tasks=4, rows=(30, 80), far=0.0, size=1.0):
    """Ragged tasks with labels from logistic models."""
    rng = np.random.default_rng(seed)
    W = np.zeros((d, n_tasks))
    W[rng.choice(d, 6, replace=False)] = size * rng.normal(size=(6, n_tasks))
    sizes = rng.integers(*rows, size=n_tasks)
    tasks = np.repeat(np.arange(n_tasks), sizes)
    X = rng.normal(size=(tasks.size, d))
    eta = np.sum(X * W[:, tasks].T, axis=1) + rng.normal(size=n_tasks)[tasks]
    y = rng.random(tasks.size) < 1 / (1 + np.exp(-eta))
    return X + far, y.astype(int), tasks


def problem(penalty, data=None, fit_intercept=True):
    X, y, tasks = labels() if data is None else data
    task_ptr = np.searchsorted(tasks, np.arange(tasks.max() + 2))
    weight = 1 / np.diff(task_ptr)[tasks]
    design = StackedDesign(X, task_ptr)
    data = MultiTaskData(design, 2.0 * y - 1, weight, fit_intercept)
    names = np.arange(design.n_tasks)
    penalty = compose(penalty, design.n_features, names)
    return Objective(ResidualFit(data, LOSSES["logistic"]()), penalty)


# --- which rows


@pytest.mark.parametrize(
    "penalty", [L21(0.02), L1(0.02), L21(0.02, positive=True), L1(0.01) + L21(0.02)]
)
@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("far", [0.0, 100.0])
def test_all_rows_or_working_sets(penalty, ridge, far, monkeypatch):
    """Whether working sets give way to all rows changes nothing but the time."""
    X, y, tasks = labels(far=far)
    weight = np.random.default_rng(1).random(y.size)
    models = []
    for most in (0.0, 0.5, np.inf):
        monkeypatch.setattr(newton, "_ALL_FROM", most)
        monkeypatch.setattr(newton, "_LEAST_GROWTH", 4)
        penalties = penalty + Ridge(ridge) if ridge else penalty
        model = MultiTaskClassifier(penalties, tol=1e-8)
        models.append(model.fit(X, y, tasks, sample_weight=weight))
        assert model.solver_ == "prox_newton"
        assert model.converged_
    for model in models[1:]:
        assert model.objective_ == pytest.approx(models[0].objective_, rel=2e-8)
        np.testing.assert_allclose(model.coef_, models[0].coef_, atol=2e-3)


@pytest.mark.parametrize("estimator", [MultiTaskRegressor, MultiTaskClassifier])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("entry", [0.0, 0.01])
def test_groups_of_rows(estimator, positive, entry, monkeypatch):
    """Descent on groups finds what steps of first order find, on few rows or all."""
    X, y, tasks = labels()
    y = y if estimator is MultiTaskClassifier else y + X[:, 0]
    names = np.arange(40) * 7 % 12  # not side by side
    penalty = GroupL21(names, 0.06, positive=positive) + Ridge(0.01)
    if entry:
        penalty = penalty + L1(entry, positive=positive)
    make = lambda **options: estimator(penalty, tol=1e-9, **options).fit(X, y, tasks)
    other = make(solver="apg", max_iter=100_000)
    for growth in (4, 100):
        monkeypatch.setattr(newton, "_LEAST_GROWTH", growth)
        model = make()
        assert model.solver_ == "prox_newton"
        assert model.converged_
        assert model.n_iter_ < 30
        assert model.objective_ == pytest.approx(other.objective_, rel=2e-9)
        assert not all(model.coef_[:, names == k].any() for k in range(12))


@pytest.mark.parametrize("estimator", [MultiTaskRegressor, MultiTaskClassifier])
def test_groups_that_are_all_but_the_same_go_to_other_methods(estimator):
    """Where descent on groups creeps, what follows does not."""
    X, y, tasks = labels(d=12, n_tasks=2, rows=(40, 60))
    X = 0.03 * X + X[:, :1]
    penalty = GroupL21(np.arange(12) // 2, 1e-3)
    model = estimator(penalty, tol=1e-8).fit(X, y, tasks)
    assert model.converged_
    assert model.n_iter_ > 8


def test_large_groups_are_not_for_descent():
    X, y, tasks = labels()
    model = MultiTaskRegressor(GroupL21(np.zeros(40), 0.01)).fit(X, y, tasks)
    assert model.solver_ == "admm"


def test_every_row_where_hessians_would_be_too_large():
    """More features than samples, and all of them in use."""
    X, y, tasks = labels(seed=1, d=150, rows=(8, 12), n_tasks=6)
    fast = MultiTaskClassifier(Ridge(0.1) + L21(1e-5), tol=1e-7).fit(X, y, tasks)
    slow = MultiTaskClassifier(Ridge(0.1) + L21(1e-5), tol=1e-7, solver="apg")
    slow.fit(X, y, tasks)
    assert fast.solver_ == "prox_newton"
    assert np.all(np.any(fast.coef_ != 0, axis=0))
    np.testing.assert_allclose(fast.coef_, slow.coef_, atol=1e-3)
    assert abs(fast.objective_ - slow.objective_) <= fast.tol_ + slow.tol_


def test_working_sets_grow_to_all_rows():
    one, two = np.arange(3), np.array([1, 5])
    widened = lambda chosen, needed, most: newton._widened(chosen, needed, most, 6)
    np.testing.assert_array_equal(widened(one, two, 6), [0, 1, 2, 5])
    assert widened(one, one, 6) is one
    np.testing.assert_array_equal(widened(one, np.arange(4), 3), np.arange(6))
    np.testing.assert_array_equal(widened(np.array([5, 2]), np.array([2]), 6), [5, 2])
    np.testing.assert_array_equal(widened(np.arange(5), np.array([0, 5]), 6), [0, 5])
    whole = np.arange(6)
    assert widened(whole, two, 6) is whole
    # the last missing row: in order, as the problem of all rows is
    got = widened(np.array([5, 4, 3, 2, 1]), np.array([0, 1, 2, 3]), 6)
    np.testing.assert_array_equal(got, whole)


@pytest.mark.parametrize(("share", "at_once"), [(0.1, True), (0.9, False)])
def test_all_rows_at_once_where_most_are_far_beyond_their_bounds(
    share, at_once, monkeypatch
):
    entered, enter = [], newton._enter

    def record(objective, chosen, *rest):
        entered.append(chosen.size)
        return enter(objective, chosen, *rest)

    monkeypatch.setattr(newton, "_enter", record)
    monkeypatch.setattr(newton, "_LEAST_GROWTH", 4)
    X, y, tasks = labels()
    top = alpha_max(X, y, tasks, penalty=L21(), loss="logistic")
    model = MultiTaskClassifier(L21(share * top), tol=1e-6).fit(X, y, tasks)
    assert model.converged_
    assert (entered[0] == X.shape[1]) == at_once


def test_a_model_takes_the_worst_rows(monkeypatch):
    objective = problem(L21(0.15))
    W = np.zeros(objective.shape)
    objective.certificate(W)
    size = objective.row_sizes
    monkeypatch.setattr(newton, "_LEAST_GROWTH", 5)
    model = newton.SecondOrderModel(objective, W, grams=True, few=True)
    assert model.lacks_rows
    np.testing.assert_array_equal(model.rows, np.sort(np.argsort(-size)[:5]))
    model = newton.SecondOrderModel(objective, W, grams=True)
    assert not model.lacks_rows
    np.testing.assert_array_equal(
        model.rows, np.flatnonzero(size > newton._CANDIDATE_BOUND)
    )
    assert model.holds(objective, W)
    used = W.copy()
    used[np.setdiff1d(np.arange(len(W)), model.rows)[0]] = 1.0
    assert not model.holds(objective, used)


# --- steps


def test_a_step_never_leads_up():
    objective = problem(L21(0.02), labels(rows=(100, 200), size=5.0))
    rng = np.random.default_rng(0)
    lengths = []
    for scale in (0.0, 0.1, 1.0, 10.0):
        W = scale * rng.normal(size=objective.shape)
        before = objective.certificate(W)
        G = objective.D.copy()
        model = newton.SecondOrderModel(objective, W, grams=True)
        new = model.minimum(objective, W, G)
        norm = objective.penalty.norm
        promise = np.sum(G * (new - W)) + norm.value(W) - norm.value(new)
        trial, after = newton._line_search(objective, W, new, before, promise, 1e-12)
        assert after.primal < before.primal
        again = objective.certificate(trial)
        assert (after.primal, after.dual) == pytest.approx((again.primal, again.dual))
        full = objective.certificate(new).primal
        assert after.primal <= full + 1e-12 or scale >= 1.0
        lengths.append(np.linalg.norm(trial - W) / np.linalg.norm(new - W))
    assert lengths[0] > newton._LEAST_STRETCH  # from zero the model is too short
    assert lengths[-1] < 1.0  # where samples are saturated, much too long


def test_zero_rows_and_signs_survive_a_longer_step():
    objective = problem(L21(0.02, positive=True))
    rng = np.random.default_rng(0)
    W = np.abs(rng.normal(size=objective.shape))
    new = np.abs(0.3 * rng.normal(size=objective.shape))
    new[::2] = 0.0
    start, end = (objective.loss_and_penalty(V) for V in (W, new))
    longer = newton._longer(objective, W, new, start, end)
    if longer is not None:
        assert np.all(longer >= 0)
        assert not longer[::2].any()
    # lower all the way to the double of it: as far as that
    near = W + 1e-3 * (new - W)
    start, end = (objective.loss_and_penalty(V) for V in (W, near))
    longer = newton._longer(objective, W, near, start, end)
    np.testing.assert_allclose(longer[1::2], (W + 2e-3 * (new - W))[1::2], rtol=1e-12)


@pytest.mark.parametrize("correlation", [0.0, 0.95])
@pytest.mark.parametrize("fraction", [1e-2, 1e-3, 1e-4])
@pytest.mark.slow
def test_nearly_separable_tasks(correlation, fraction):
    """Models of saturated samples promise what the loss does not keep."""
    X, y, tasks = labels(d=60, rows=(40, 80), n_tasks=6)
    rng = np.random.default_rng(0)
    X = X + np.sqrt(correlation / (1 - correlation)) * rng.normal(size=(len(X), 1))
    top = alpha_max(X, y, tasks, penalty=L21(1.0), loss="logistic")
    model = MultiTaskClassifier(L21(fraction * top), tol=1e-6).fit(X, y, tasks)
    assert model.solver_ == "prox_newton"
    assert model.converged_
    assert model.n_iter_ <= 60


def test_hessians_serve_twice(monkeypatch):
    made = []
    original = newton.SecondOrderModel.__init__

    def counted(self, *arguments, **options):
        made.append(1)
        original(self, *arguments, **options)

    monkeypatch.setattr(newton.SecondOrderModel, "__init__", counted)
    X, y, tasks = labels(rows=(100, 200))
    steps = 0
    for tol in 10.0 ** -np.arange(2, 9, 0.5):
        model = MultiTaskClassifier(L21(0.02), tol=tol).fit(X, y, tasks)
        assert model.dual_gap_ <= model.tol_
        steps += model.n_iter_
    assert len(made) < steps


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_step_limit(limit):
    X, y, tasks = labels()
    model = MultiTaskClassifier(L21(0.001), tol=1e-12, max_iter=limit)
    with pytest.warns(Warning, match="max_iter"):
        model.fit(X, y, tasks)
    assert model.n_iter_ == limit


def test_paths_share_what_hessians_need():
    X, y, tasks = labels()
    arguments = {"penalty": L21(1.0), "loss": "logistic", "tol": 1e-8}
    alphas, coefs, gaps = mtl_path(X, y, tasks, alphas=8, eps=0.02, **arguments)
    for alpha, W in zip(alphas, np.moveaxis(coefs, 2, 0), strict=True):
        cold = MultiTaskClassifier(L21(alpha), tol=1e-8).fit(X, y, tasks)
        np.testing.assert_allclose(W, cold.coef_, atol=2e-4)
    assert np.all(gaps <= 1e-8 * cold.tol_ / 1e-8 * 1.001)


@pytest.mark.slow
def test_fits_in_threads_do_not_share_hessians():
    """Folds share a design; each descends on Hessians of its own."""
    X, y, tasks = labels(n_tasks=6, rows=(50, 80))
    scores = []
    for n_jobs in (1, 4):
        for _ in range(n_jobs):
            model = L21ClassifierCV(alphas=12, eps=0.01, cv=4, n_jobs=n_jobs)
            with parallel_config(backend="threading"):
                scores.append(model.fit(X, y, tasks).scores_path_)
    for path in scores[1:]:
        np.testing.assert_array_equal(path, scores[0])
    task_ptr = np.searchsorted(tasks, np.arange(7))
    data = MultiTaskData(StackedDesign(X, task_ptr), 2.0 * y - 1, np.ones(y.size), True)
    fits = [ResidualFit(data, LOSSES["logistic"]()) for _ in range(2)]
    one, again, other = (fits[i].with_hessians().data.design for i in (0, 0, 1))
    assert one is again
    weight = np.ones(y.size)
    H = one.hessians(weight, True, None, np.float32)
    assert not np.shares_memory(H, other.hessians(weight, True, None, np.float32))


# --- designs for Hessians


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("centre", "far"), [(True, 0.0), (True, 1e5), (False, 1.0)])
def test_hessians_in_single_precision(dtype, centre, far):
    rng = np.random.default_rng(0)
    task_ptr = np.array([0, 30, 30, 31, 80])
    X = rng.normal(size=(80, 37)) + (far if dtype == np.float64 else 0.0)
    design = StackedDesign(X.astype(dtype), task_ptr)
    weight = rng.random(80)
    weight[3] = 0.0
    single = design.with_hessians(centre)
    assert isinstance(single, HessianDesign)
    for features in (None, np.array([5, 2, 30]), np.arange(0)):
        exact = Design.hessians(design, weight, centre, features)
        size = max(np.abs(exact).max(initial=0.0), 1.0)
        H = single.hessians(weight, centre, features, np.float32)
        assert H.dtype == np.float32
        np.testing.assert_allclose(H, exact, atol=2e-6 * size)
        np.testing.assert_array_equal(H, H.transpose(0, 2, 1))
        H = single.hessians(weight, centre, features)
        np.testing.assert_allclose(H, exact, atol=1e-12 * size)
        H = single.hessians(weight, not centre, features, np.float32)
        other = Design.hessians(design, weight, not centre, features)
        np.testing.assert_allclose(H, other, rtol=1e-3, atol=1e-5 * size)
    rows = np.array([1, 4, 40])
    np.testing.assert_array_equal(single.take(rows).X, X[rows].astype(dtype))


def test_sparse_rows_need_no_transpose():
    design = StackedDesign(sparse.random_array((20, 5), rng=0), np.array([0, 8, 20]))
    assert design.with_hessians(True) is design


@pytest.mark.parametrize("layout", ["sparse", "wide", "float32"])
def test_other_layouts_in_which_most_rows_are_needed(layout):
    X, y, tasks = labels(d=20, rows=(60, 100))
    given = {"sparse": sparse.csr_array(X), "float32": X.astype(np.float32), "wide": X}
    if layout == "wide":
        Y = np.column_stack([y, 1 - y, X[:, 0] > 0.2])
        models = [
            MultiTaskClassifier(L21(0.003), tol=1e-6, solver=solver).fit(X, Y)
            for solver in ("auto", "apg")
        ]
    else:
        models = [
            MultiTaskClassifier(L21(0.003), tol=1e-6).fit(data, y, tasks)
            for data in (given[layout], X)
        ]
    assert models[0].solver_ == "prox_newton"
    assert all(model.converged_ for model in models)
    np.testing.assert_allclose(models[0].coef_, models[1].coef_, atol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("penalty", [L1, L21])
def test_features_of_low_rank_and_hardly_a_penalty(penalty):
    """Beyond the digits of models in single precision."""
    for seed in (5, 11, 14):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(160, 4)) @ rng.normal(size=(4, 16))
        tasks = np.repeat(np.arange(4), 40)
        noise = 2.0 * np.std(X[:, 0]) * rng.normal(size=160)
        y = X[:, 0] + noise > 0
        top = alpha_max(X, y, tasks, penalty=penalty(), loss="logistic")
        model = MultiTaskClassifier(penalty(1e-6 * top)).fit(X, y, tasks)
        assert model.converged_
        assert model.solver_ == "prox_newton"


CHAIN = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("layout", ["ragged", "shared", "moments"])
@pytest.mark.parametrize(
    "penalty",
    [
        L21(0.02) + GraphLaplacian(CHAIN, 0.1),
        L1(0.01) + MeanRegularized(0.05) + Ridge(0.01),
        L21(0.01, positive=True) + TaskQuadratic(np.diag([0.1, 0.0, 0.2, 0.3])),
    ],
    ids=["graph", "mean", "matrix"],
)
def test_coupled_tasks(penalty, layout, loss):
    X, y, tasks = labels(d=15, rows=(60, 80))
    model = MultiTaskClassifier if loss == "logistic" else MultiTaskRegressor
    if layout == "shared":
        X, tasks = X[:80], None
        y = (X @ np.random.default_rng(1).normal(size=(15, 4)) > 0).astype(int)
    if layout == "moments":
        X, y, tasks = (np.concatenate([a] * 5) for a in (X, y, tasks))
    fits = [
        model(penalty, solver=solver, tol=1e-9).fit(X, y, tasks)
        for solver in ("auto", "apg")
    ]
    assert [fit.solver_ for fit in fits] == ["prox_newton", "apg"]
    np.testing.assert_allclose(fits[0].coef_, fits[1].coef_, atol=1e-4)


@pytest.mark.parametrize(
    "coupling",
    [
        GraphLaplacian(CHAIN, 100.0),
        MeanRegularized(100.0) + Ridge(1e-3),
        MeanRegularized(50.0, feature_weight=np.geomspace(0.2, 5.0, 15)),
    ],
    ids=["graph", "mean", "weights"],
)
@pytest.mark.parametrize("loss", ["squared", "logistic", "poisson"])
def test_tightly_coupled_tasks(coupling, loss):
    """Norms of rows are minimised exactly in each of them: steps are few."""
    X, y, tasks = labels(d=15, rows=(60, 80))
    penalty = L21(0.02) + coupling
    if loss == "logistic":
        model = MultiTaskClassifier(penalty, tol=1e-9)
    else:
        model = MultiTaskRegressor(penalty, loss=loss, tol=1e-9)
    model.fit(X, y, tasks)
    assert (model.solver_, model.n_iter_ <= 12) == ("prox_newton", True)
    assert model.dual_gap_ <= model.tol_
    if loss == "logistic":  # the same by many more steps
        slow = clone(model).set_params(solver="apg", tol=1e-5).fit(X, y, tasks)
        assert slow.n_iter_ > 10 * model.n_iter_
        np.testing.assert_allclose(model.coef_, slow.coef_, atol=1e-3)


@pytest.mark.parametrize("pays", [True, False])
def test_which_tightly_coupled_tasks_are_left_to_gradients(pays, monkeypatch):
    monkeypatch.setattr(newton, "_hessians_pay", lambda fit, d: pays)
    coupling = GraphLaplacian(CHAIN, 1.0), GraphLaplacian(CHAIN, 1e3)
    for norm, known in ((L21(0.02), (pays, True)), (L1(0.02), (pays, False))):
        for form, expected in zip(coupling, known, strict=True):
            missing = newton.ProxNewton.missing(problem(norm + form))
            assert (missing is None) == expected


def test_moderate_forms_need_no_eigenvectors(monkeypatch):
    """To decompose the curvature of each row takes longer than some more sweeps."""
    monkeypatch.setattr(newton, "coupled_exactly", None)
    X, y, tasks = labels(d=15, rows=(60, 80))
    y = y.astype(float)
    for strength in (0.5, 2.0):
        form = GraphLaplacian(CHAIN, strength)
        found = MultiTaskRegressor(L21(0.02) + form).fit(X, y, tasks)
        assert found.solver_ == "prox_newton"
        assert found.converged_


def test_working_sets_of_tightly_coupled_tasks(monkeypatch):
    """Hessians of some of the features only, though they are larger than X."""
    X, y, tasks = labels(d=80, rows=(30, 31))
    monkeypatch.setattr(newton, "_hessians_pay", lambda fit, d: False)
    monkeypatch.setattr(newton, "_LEAST_GROWTH", 4)
    weight = np.linspace(1.0, 2.0, 80)
    penalty = L21(0.2) + MeanRegularized(100.0, feature_weight=weight)
    model = MultiTaskClassifier(penalty, tol=1e-8).fit(X, y, tasks)
    slow = clone(model).set_params(solver="apg", tol=1e-5).fit(X, y, tasks)
    assert model.solver_ == "prox_newton"
    assert 0 < np.count_nonzero(model.coef_.any(axis=0)) < 60
    assert model.dual_gap_ <= model.tol_
    np.testing.assert_allclose(model.coef_, slow.coef_, atol=1e-3)


# --- several classes


def classes(seed=0, d=8):
    """Tasks of two to four classes, one of them with features far from zero."""
    rng = np.random.default_rng(seed)
    tasks = np.repeat(np.arange(4), 40)
    X = rng.normal(size=(tasks.size, d)) + 30.0 * (tasks == 1)[:, None]
    y = (X[:, :1] - X[:, :1].mean() + rng.gumbel(size=(tasks.size, 4))).argmax(axis=1)
    y = np.minimum(y + (X[:, 2] > X[:, 3]), np.array([1, 2, 3, 2])[tasks])
    return X, y, tasks


def problem_of_classes(penalty, fit_intercept=True):
    X, y, tasks = classes()
    count = np.array([2, 3, 4, 3])
    design = ClassesDesign(
        StackedDesign(X, np.arange(5) * 40), np.repeat(range(4), count)
    )
    of_pairs = [y[tasks == t] == c for t in range(4) for c in range(count[t])]
    weight = np.full(design.task_ptr[-1], 1 / 40)
    weight[design.task_ptr[2] : design.task_ptr[5]] *= np.tile(np.arange(40.0) % 3, 3)
    data = MultiTaskData(design, np.concatenate(of_pairs) * 1.0, weight, fit_intercept)
    fit = MultinomialFit(data, Multinomial(design.group_ptr))
    return Objective(fit, compose(penalty, X.shape[1], np.arange(design.n_columns)))


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_hessians_of_classes(fit_intercept):
    """All blocks together are the Hessian, intercepts eliminated."""
    objective = problem_of_classes(L21(0.1), fit_intercept)
    rng, features = np.random.default_rng(1), np.array([0, 2, 5])
    W, V = 0.01 * rng.normal(size=(2, *objective.shape))
    V[np.setdiff1d(np.arange(len(V)), features)] = 0.0
    objective.certificate(W)
    H, siblings, between = objective.fit.hessians_of_classes(features)
    P = V[features].T
    product = np.matmul(H, P[:, :, None])[:, :, 0]
    for c, i in np.argwhere(siblings >= 0):
        product[siblings[c, i]] += P[c] @ between[c, i]
    expected = objective.fit.hessian_product(V)[features].T
    np.testing.assert_allclose(product, expected, atol=1e-9 * np.abs(expected).max())
    assert (
        np.sum(siblings >= 0, axis=1) == np.repeat([1, 2, 3, 2], [2, 3, 4, 3])
    ).all()


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.slow
def test_classes_of_tightly_coupled_tasks(fit_intercept):
    """A few Newton steps, where gradients take hundreds."""
    X, y, tasks = classes()
    X = X if fit_intercept else X % 3.0
    penalty = L21(0.03) + MeanRegularized(100.0, feature_weight=np.arange(1.0, 9.0))
    model = MultiTaskClassifier(penalty, fit_intercept=fit_intercept, tol=1e-8)
    model.fit(X, y, tasks)
    assert (model.solver_, model.n_iter_ <= 12) == ("prox_newton", True)
    assert model.dual_gap_ <= model.tol_
    slow = clone(model).set_params(solver="apg", tol=1e-5).fit(X, y, tasks)
    assert slow.n_iter_ > 10 * model.n_iter_
    assert slow.objective_ >= model.objective_ - model.dual_gap_
    assert model.objective_ >= slow.objective_ - slow.dual_gap_


def test_classes_that_are_loosely_coupled_are_left_to_gradients():
    tight, loose = (L21(0.1) + MeanRegularized(c) for c in (1e5, 0.1))
    assert newton.ProxNewton.missing(problem_of_classes(tight)) is None
    for penalty in (loose, L21(0.1) + Ridge(1e5), L1(0.1) + MeanRegularized(1e5)):
        assert newton.ProxNewton.missing(problem_of_classes(penalty)) is not None
