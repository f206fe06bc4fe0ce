"""Tasks that are not there in fit: from a few rows, or from a descriptor alone."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import softmax

from helpers.classes import CLASSES, log_loss_of, several_classes
from helpers.convex import least
from helpers.losses import loss_of
from linmtl import (
    DescriptorClassifier,
    DescriptorRegressor,
    DirtyRegressor,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    PooledRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
    stack_tasks,
)
from linmtl.estimators._new_task import make_prior
from linmtl.export import from_json, to_json
from linmtl.penalties import Ridge, TaskQuadratic


def planted(classify=False, d=6, used=6, rank=2, T=8, n=40, seed=0):
    """Coefficients around a mean, in a subspace of a few features."""
    rng = np.random.default_rng(seed)
    basis = np.zeros((d, rank))
    basis[:used] = rng.normal(size=(used, rank))
    mean = np.zeros(d)
    mean[:used] = rng.normal(size=used)
    W = mean[:, None] + basis @ rng.normal(size=(rank, T + 1))
    Xs = [rng.normal(size=(n, d)) for _ in range(T + 1)]
    ys = [X @ w + 0.5 * rng.normal(size=n) + 1.0 for X, w in zip(Xs, W.T, strict=True)]
    if classify:
        ys = [np.where(y > 1.0, "yes", "no") for y in ys]
    X, y, tasks = stack_tasks(Xs[:-1], ys[:-1])
    return X, y, tasks, Xs[-1], ys[-1], W[:, -1]


def optimum(prior, X, y, alpha, weight, classify=False, intercept=True):
    """The objective of the docstring, by an interior-point method."""
    v, b = cp.Variable(prior.basis.shape[1]), cp.Variable()
    w = prior.mean + prior.basis @ v
    eta = X @ w + b
    weight = weight / weight.sum()
    loss = loss_of("logistic" if classify else "squared", y, eta, weight)
    least(
        loss + alpha / 2 * cp.sum_squares(v),
        [] if intercept else [b == 0],
        **{"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12},
    )
    return w.value, b.value


HOWS = ["mean", "subspace", "support"]


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("classify", [False, True], ids=["squared", "logistic"])
@pytest.mark.parametrize("how", HOWS)
def test_a_new_task_is_optimal(how, classify, intercept):
    X, y, tasks, X_new, y_new, _ = planted(classify, used=4)
    cls = L21Classifier if classify else L21Regressor
    model = cls(0.1, fit_intercept=intercept).fit(X, y, tasks)
    prior = make_prior(model.coef_.copy(), how)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, 12)
    model.fit_new_task(
        X_new[:12], y_new[:12], 99, how=how, alpha=0.2, sample_weight=weight
    )
    target = np.where(y_new[:12] == "yes", 1.0, -1.0) if classify else y_new[:12]
    w, b = optimum(prior, X_new[:12], target, 0.2, weight, classify, intercept)
    np.testing.assert_allclose(model.coef_[-1], w, atol=2e-5)
    assert model.intercept_[-1] == pytest.approx(b if intercept else 0.0, abs=2e-5)


def test_the_other_tasks_stay_and_the_new_one_is_predicted():
    X, y, tasks, X_new, y_new, _ = planted()
    model = L21Regressor(0.1).fit(X, y, tasks)
    coef, intercept = model.coef_.copy(), model.intercept_.copy()
    before = model.predict(X, tasks)
    assert model.fit_new_task(X_new[:9], y_new[:9], 42) is model
    assert model.tasks_.tolist() == [*range(8), 42]
    np.testing.assert_array_equal(model.coef_[:-1], coef)
    np.testing.assert_array_equal(model.intercept_[:-1], intercept)
    np.testing.assert_array_equal(model.predict(X, tasks), before)
    expected = X_new @ model.coef_[-1] + model.intercept_[-1]
    np.testing.assert_allclose(model.predict(X_new, np.full(40, 42)), expected)
    np.testing.assert_allclose(model.predict_all(X_new)[:, -1], expected)
    model.fit(X, y, tasks)
    assert len(model.tasks_) == 8
    assert not hasattr(model, "new_tasks_")


def test_a_second_new_task_does_not_depend_on_the_first():
    X, y, tasks, X_new, y_new, _ = planted()
    one = L21Regressor(0.1).fit(X, y, tasks).fit_new_task(X_new[:9], y_new[:9], 10)
    two = L21Regressor(0.1).fit(X, y, tasks)
    two.fit_new_task(X_new[9:30], -100 * y_new[9:30], 9)
    two.fit_new_task(X_new[:9], y_new[:9], 10)
    np.testing.assert_array_equal(one.coef_[-1], two.coef_[-1])
    assert list(two.new_tasks_) == [9, 10]


@pytest.mark.parametrize("how", HOWS)
def test_limits_of_the_strength(how):
    X, y, tasks, X_new, y_new, _ = planted(used=4)
    model = L21Regressor(0.1).fit(X, y, tasks)
    prior = make_prior(model.coef_.copy(), how)
    far = L21Regressor(0.1).fit(X, y, tasks)
    far.fit_new_task(X_new, y_new, 9, how=how, alpha=1e12)
    np.testing.assert_allclose(far.coef_[-1], prior.mean, atol=1e-9)
    assert far.intercept_[-1] == pytest.approx(np.mean(y_new - X_new @ prior.mean))
    near = model.fit_new_task(X_new, y_new, 9, how=how, alpha=0.0)
    A = np.column_stack([np.ones(40), X_new @ prior.basis])
    fitted = np.linalg.lstsq(A, y_new - X_new @ prior.mean, rcond=None)[0]
    np.testing.assert_allclose(
        near.coef_[-1], prior.mean + prior.basis @ fitted[1:], atol=1e-9
    )


def test_without_penalty_fewer_rows_than_features_take_the_shortest_move():
    X, y, tasks, X_new, y_new, _ = planted()
    model = L21Regressor(0.1, fit_intercept=False).fit(X, y, tasks)
    mean = model.coef_.mean(axis=0)
    model.fit_new_task(X_new[:3], y_new[:3], 9, how="mean", alpha=0)
    expected = mean + np.linalg.pinv(X_new[:3]) @ (y_new[:3] - X_new[:3] @ mean)
    np.testing.assert_allclose(model.coef_[-1], expected, atol=1e-9)


def test_priors_by_hand():
    rng = np.random.default_rng(2)
    coef = rng.normal(size=(5, 3)) @ np.diag([3.0, 1.0, 0.0])
    mean = coef.mean(axis=0)
    prior = make_prior(coef, "subspace")
    covariance = (coef - mean).T @ (coef - mean)
    top = np.linalg.eigvalsh(covariance)[-1]
    np.testing.assert_allclose(
        prior.basis @ prior.basis.T, covariance / top, atol=1e-12
    )
    prior = make_prior(coef, "support")
    np.testing.assert_array_equal(prior.basis, np.eye(3)[:, :2])
    np.testing.assert_allclose(make_prior(coef, "mean").mean, mean)
    same = make_prior(np.ones((4, 3)), "subspace")  # no direction at all
    assert same.basis.shape == (3, 0)


@pytest.mark.parametrize(
    ("model", "used", "expected"),
    [
        (TraceNormRegressor(0.2), 6, "subspace"),
        (L21Regressor(0.3), 3, "support"),
        (MeanRegularizedRegressor(1.0), 6, "mean"),
        (IndependentRegressor(0.01), 6, "mean"),
        (PooledRegressor(), 6, "mean"),
        (L21Regressor(1e6), 6, "mean"),
    ],
)
def test_auto_follows_the_coefficients(model, used, expected):
    rank = 2 if expected == "subspace" else 5
    X, y, tasks, X_new, y_new, _ = planted(used=used, rank=rank)
    model.fit(X, y, tasks).fit_new_task(X_new[:8], y_new[:8], 9)
    assert model.new_tasks_[9]["how"] == expected


@pytest.mark.slow
def test_the_subspace_is_found_from_fewer_rows_than_features():
    errors = {"own": 0.0, "mean": 0.0, "subspace": 0.0}
    for seed in range(5):
        X, y, tasks, X_new, y_new, w = planted(d=20, used=20, T=15, n=60, seed=seed)
        model = TraceNormRegressor(0.1)
        for how in ("mean", "subspace"):
            model.fit(X, y, tasks)
            model.fit_new_task(X_new[:10], y_new[:10], 99, how=how)
            errors[how] += np.sum((model.coef_[-1] - w) ** 2)
        own = IndependentRegressor("cv").fit(X_new[:10], y_new[:10])
        errors["own"] += np.sum((own.coef_ - w) ** 2)
    assert errors["subspace"] < 0.5 * errors["mean"]
    assert errors["subspace"] < 0.2 * errors["own"]


def test_the_strength_is_the_best_of_leaving_one_out():
    X, y, tasks, X_new, y_new, _ = planted()
    weight = np.random.default_rng(3).uniform(0.5, 2.0, 12)
    share = weight / weight.sum()
    model = L21Regressor(0.1).fit(X, y, tasks)
    mean = model.coef_.mean(axis=0)
    A, r = X_new[:12], y_new[:12] - X_new[:12] @ mean
    centred = np.sqrt(share)[:, None] * (A - share @ A)
    grid = np.logspace(4, -4, 17) * np.linalg.norm(centred, 2) ** 2
    losses = []
    for alpha in grid:
        total = 0.0
        for i in range(12):  # the weights of the others as they are
            kept = np.delete(np.arange(12), i)
            s = share[kept]
            x_mean, r_mean = s @ A[kept] / s.sum(), s @ r[kept] / s.sum()
            B = A[kept] - x_mean
            H = B.T @ (s[:, None] * B) + alpha * np.eye(6)
            v = np.linalg.solve(H, B.T @ (s * (r[kept] - r_mean)))
            total += share[i] * (r[i] - r_mean - (A[i] - x_mean) @ v) ** 2
        losses.append(total)
    model.fit_new_task(A, y_new[:12], 9, how="mean", sample_weight=weight)
    assert model.new_tasks_[9]["alpha"] == pytest.approx(grid[np.argmin(losses)])
    assert 0 < np.argmin(losses) < 16


def test_a_task_like_the_mean_gets_a_large_strength():
    X, y, tasks, X_new, _, _ = planted(seed=4)
    model = MeanRegularizedRegressor(0.1).fit(X, y, tasks)
    mean = model.coef_.mean(axis=0)
    noise = np.random.default_rng(5).normal(size=40)
    model.fit_new_task(X_new, X_new @ mean + noise, 9, how="mean")
    model.fit_new_task(X_new, X_new @ (mean + 30.0) + noise, 10, how="mean")
    assert model.new_tasks_[9]["alpha"] > 100 * model.new_tasks_[10]["alpha"]


@pytest.mark.parametrize("classify", [False, True], ids=["squared", "logistic"])
@pytest.mark.parametrize("n", [1, 2])
def test_too_few_rows_for_a_search(n, classify):
    X, y, tasks, X_new, y_new, _ = planted(classify)
    cls = L21Classifier if classify else L21Regressor
    model = cls(0.05).fit(X, y, tasks)
    rows = [np.argmax(y_new == "yes"), np.argmax(y_new == "no")] if classify else [0, 1]
    rows = rows[:n]
    if classify and n == 1:
        with pytest.warns(UserWarning, match="9 has a single class"):
            model.fit_new_task(X_new[rows], y_new[rows], 9)
        assert np.all(model.predict(X_new, np.full(40, 9)) == "yes")
        assert model.new_tasks_[9]["alpha"] is None
        return
    model.fit_new_task(X_new[rows], y_new[rows], 9, how="mean")
    A = X_new[rows] - X_new[rows].mean(axis=0)
    top = np.linalg.norm(A, 2) ** 2 / n * (0.25 if classify else 1.0)
    expected = top if n > 1 else 1.0
    assert model.new_tasks_[9]["alpha"] == pytest.approx(expected)
    if n == 1:  # the intercept takes it all
        np.testing.assert_allclose(model.coef_[-1], model.coef_[:-1].mean(axis=0))


def test_every_layout():
    rng = np.random.default_rng(6)
    X, X_new = rng.normal(size=(40, 5)), rng.normal(size=(10, 5))
    Y = X @ rng.normal(size=(5, 3)) + rng.normal(size=(40, 3))
    y_new = X_new @ rng.normal(size=5)
    wide = L21Regressor(0.05).fit(X, pd.DataFrame(Y, columns=list("abc")))
    wide.fit_new_task(X_new, y_new, "d")
    assert wide.predict(X).shape == (40, 4)
    tasks = np.repeat(list("abc"), 40)
    long = L21Regressor(0.05).fit(np.tile(X, (3, 1)), Y.T.ravel(), tasks)
    long.fit_new_task(X_new, y_new, "d")
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-3)
    table = pd.DataFrame(np.tile(X, (3, 1)), columns=list("vwxyz")).assign(task=tasks)
    column = L21Regressor(0.05, task_column="task").fit(table, Y.T.ravel())
    new = pd.DataFrame(X_new, columns=list("vwxyz")).assign(task="d")
    column.fit_new_task(new, y_new, "d")
    np.testing.assert_allclose(column.coef_, long.coef_, atol=1e-12)
    assert column.predict(new).shape == (10,)
    new.loc[3, "task"] = "a"
    with pytest.raises(ValueError, match=r"has the labels 'a', 'd' beside"):
        column.fit_new_task(new, y_new, "e")
    thin = L21Regressor(0.05).fit(
        sparse.csr_array(np.tile(X, (3, 1))), Y.T.ravel(), tasks
    )
    thin.fit_new_task(sparse.csr_array(X_new), y_new, "d")
    np.testing.assert_allclose(thin.coef_, long.coef_, atol=1e-3)
    single = L21Regressor(0.05).fit(
        np.tile(X, (3, 1)).astype(np.float32), Y.T.ravel(), tasks
    )
    single.fit_new_task(X_new.astype(np.float32), y_new, "d")
    assert single.coef_.dtype == np.float32
    np.testing.assert_allclose(single.coef_, long.coef_, atol=1e-2)


def test_missing_targets_and_zero_weights_are_left_out():
    X, y, tasks, X_new, y_new, _ = planted()
    holes, weight = y_new[:14].copy(), np.ones(14)
    holes[12], weight[13] = np.nan, 0.0
    model = L21RegressorCV(alphas=3).fit(X, y, tasks)
    model.fit_new_task(X_new[:14], holes, 9, sample_weight=weight)
    model.fit_new_task(X_new[:12], y_new[:12], 10)
    np.testing.assert_allclose(model.coef_[-1], model.coef_[-2], rtol=1e-10)


def test_a_search_for_classes():
    X, y, tasks, X_new, y_new, _ = planted(True, n=60)
    model = TraceNormClassifier(0.02).fit(X, y, tasks)
    model.fit_new_task(X_new[:30], y_new[:30], 9)
    assert model.new_tasks_[9]["alpha"] > 0
    accuracy = np.mean(model.predict(X_new[30:], np.full(30, 9)) == y_new[30:])
    assert accuracy > 0.7
    p = model.predict_proba(X_new, np.full(60, 9))
    np.testing.assert_allclose(p.sum(axis=1), 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": 3}, "is a task already"),
        ({"name": "new"}, "another type than the labels of the tasks, which are num"),
        ({"name": None}, "name"),
        ({"name": np.nan}, "name"),
        ({"how": "best"}, "how must be one of 'auto', 'mean'"),
        ({"how": None}, "how must be one of"),
        ({"alpha": -1.0}, "alpha must be a finite number >= 0"),
        ({"alpha": np.inf}, "alpha must be a finite"),
        ({"alpha": "cv"}, "alpha must be a finite"),
        ({"alpha": True}, "alpha must be a finite"),
        ({"y": [np.nan] * 40}, "no observed label"),
        ({"y": [1.0] * 39}, "inconsistent numbers of samples"),
        ({"y": np.ones((40, 2))}, "one target per row"),
        ({"X": np.ones((40, 5))}, "features"),
        ({"X": np.full((40, 6), np.nan)}, "NaN"),
        ({"sample_weight": -np.ones(40)}, "negative"),
        ({"sample_weight": np.zeros(40)}, "no observed label"),
    ],
)
def test_wrong_arguments(arguments, message):
    X, y, tasks, X_new, y_new, _ = planted()
    model = L21Regressor(0.1).fit(X, y, tasks)
    arguments = {"X": X_new, "y": y_new, "name": 9, **arguments}
    with pytest.raises(ValueError, match=message):
        model.fit_new_task(**arguments)
    assert len(model.tasks_) == len(model.coef_) == 8  # left as it was


def test_wrong_classes_and_models():
    X, y, tasks, X_new, y_new, _ = planted(True)
    model = L21Classifier(0.1).fit(X, y, tasks)
    with pytest.raises(ValueError, match="labels 'maybe', but the classes are 'no'"):
        model.fit_new_task(X_new[:2], ["maybe", "yes"], 9)
    with pytest.raises(ValueError, match="must be > 0 for a logistic loss"):
        model.fit_new_task(X_new, y_new, 9, alpha=0)
    with pytest.raises(ValueError, match="fitted without tasks"):
        L21Classifier().fit(X, y).fit_new_task(X_new, y_new, 9)


# --- descriptors


def described(T=6, n=25, d=3, k=2, classify=False, seed=0):
    rng = np.random.default_rng(seed)
    M, Z = rng.normal(size=(d, k)), rng.normal(size=(T, k))
    Xs = [rng.normal(size=(n + t, d)) for t in range(T)]
    ys = [
        X @ (M @ z) + 0.3 * rng.normal(size=len(X)) + t
        for t, (X, z) in enumerate(zip(Xs, Z, strict=True))
    ]
    if classify:
        ys = [np.where(y > t, 1, 0) for t, y in enumerate(ys)]
    return *stack_tasks(Xs, ys), M, Z


@pytest.mark.parametrize("classify", [False, True], ids=["squared", "logistic"])
@pytest.mark.parametrize("intercept", [True, False])
def test_descriptors_are_optimal(classify, intercept):
    X, y, tasks, _, Z = described(classify=classify)
    cls = DescriptorClassifier if classify else DescriptorRegressor
    model = cls(Z, alpha=0.1, fit_intercept=intercept, tol=1e-9).fit(X, y, tasks)
    M, b = cp.Variable((3, 2)), cp.Variable(6)
    total = 0.05 * cp.sum_squares(M)
    for t in range(6):
        r = tasks == t
        eta = X[r] @ (M @ Z[t]) + b[t]
        share = np.full(r.sum(), 1 / r.sum())
        if classify:
            total += loss_of("logistic", 2 * y[r] - 1, eta, share)
        else:
            total += loss_of("squared", y[r], eta, share)
    optimum = least(total, [] if intercept else [b == 0])
    assert model.objective_ == pytest.approx(optimum, rel=1e-7)
    np.testing.assert_allclose(model.descriptor_coef_, M.value, atol=1e-4)
    np.testing.assert_allclose(model.coef_, Z @ model.descriptor_coef_.T)
    assert model.dual_gap_ <= model.tol_
    assert model.solver_ == ("newton" if classify else "direct")


@pytest.mark.parametrize("form", ["long", "csr", "wide"])
def test_descriptors_of_several_classes(form):
    """A map for each class, of all tasks."""
    X, y, tasks = several_classes()
    order = np.argsort(tasks, kind="stable")
    X, y, tasks = X[order], y[order], tasks[order]
    Z = {"t0": [1.0, 0.0], "t1": [1.0, 1.0], "t2": [1.0, 2.0], "t3": [1.0, 0.5]}
    model = DescriptorClassifier(Z, alpha=0.1, tol=1e-8)
    if form == "wide":
        names = np.unique(tasks)
        Y = np.where(tasks[:, None] == names, y[:, None], None)
        model.set_params(descriptors=[Z[name] for name in names]).fit(X, Y)
    else:
        model.fit(sparse.csr_array(X) if form == "csr" else X, y, tasks)
    M, b = [cp.Variable((4, 2)) for _ in range(4)], cp.Variable((3, 4))
    total = 0.05 * sum(map(cp.sum_squares, M))
    for t, name in enumerate(np.unique(tasks)):
        r = tasks == name
        own = [k for k, label in enumerate(CLASSES) if label in y[r]]
        eta = [X[r] @ (M[k] @ np.array(Z[name])) + b[t, k] for k in own]
        eta = cp.vstack(eta).T
        hot = y[r][:, None] == CLASSES[own]
        each = cp.log_sum_exp(eta, axis=1) - cp.sum(cp.multiply(hot, eta), axis=1)
        total += cp.sum(each) / r.sum()
    assert model.objective_ == pytest.approx(least(total), rel=1e-6)
    assert model.dual_gap_ <= model.tol_
    assert model.descriptor_coef_.shape == (4, 4, 2)
    assert model.coef_.shape == (3, 4, 4)
    np.testing.assert_allclose(
        model.coef_[2, 1], model.descriptor_coef_[1] @ Z["t2"], atol=1e-12
    )
    assert np.isnan(model.coef_[2, 0]).all()
    if form == "long":  # of a task without rows
        eta = X @ (model.descriptor_coef_ @ Z["t3"]).T
        eta += np.nanmean(model.intercept_, axis=0)
        p = model.predict_proba(X, np.repeat("t3", len(y)))
        np.testing.assert_allclose(p, softmax(eta, axis=1))


def test_independent_descriptors_are_a_quadratic_penalty_over_the_tasks():
    """||M||^2 with W = M Z', Z square and regular, is tr(W (ZZ')^-1 W')."""
    rng = np.random.default_rng(1)
    X, y, tasks, _, _ = described(T=3, k=3)
    Z = rng.normal(size=(3, 3))
    model = DescriptorRegressor(Z, alpha=0.1, tol=1e-12).fit(X, y, tasks)
    penalty = TaskQuadratic(np.linalg.inv(Z @ Z.T), 0.1)
    other = MultiTaskRegressor(penalty, tol=1e-12).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-8)
    alone = DescriptorRegressor(np.eye(3), alpha=0.1, tol=1e-12).fit(X, y, tasks)
    ridge = MultiTaskRegressor(Ridge(0.1), tol=1e-12).fit(X, y, tasks)
    np.testing.assert_allclose(alone.coef_, ridge.coef_, atol=1e-10)


def test_without_descriptors_all_tasks_have_the_same_coefficients():
    X, y, tasks, _, _ = described()
    model = DescriptorRegressor(alpha=0.6, tol=1e-12).fit(X, y, tasks)
    pooled = PooledRegressor(
        0.1, task_intercepts=True, task_weight=np.ones(6), tol=1e-12
    )
    np.testing.assert_allclose(model.coef_, pooled.fit(X, y, tasks).coef_, atol=1e-10)


def test_few_rows_and_many_descriptors():
    """Then by residuals, and not by Gram matrices."""
    rng = np.random.default_rng(2)
    X, y, tasks, _, _ = described(n=5)
    Z = rng.normal(size=(6, 20))
    model = DescriptorRegressor(Z, alpha=0.1, tol=1e-10).fit(X, y, tasks)
    big = np.array([np.kron(Z[t], x) for x, t in zip(X, tasks, strict=True)])
    root = np.sqrt(1 / np.bincount(tasks)[tasks])
    for t in range(6):
        r = tasks == t
        big[r] -= big[r].mean(axis=0)
    A = root[:, None] * big
    centred = y - np.bincount(tasks, y)[tasks] / np.bincount(tasks)[tasks]
    v = np.linalg.solve(A.T @ A + 0.1 * np.eye(60), A.T @ (root * centred))
    np.testing.assert_allclose(model.descriptor_coef_, v.reshape(20, 3).T, atol=1e-8)


def test_tasks_never_seen_are_predicted_from_their_descriptor():
    X, y, tasks, _, Z = described()
    names = np.array(list("abcdef"))
    seen = tasks != 4
    table = pd.DataFrame(Z, index=names)
    model = DescriptorRegressor(table, alpha=1e-3).fit(
        X[seen], y[seen], names[tasks[seen]]
    )
    assert model.tasks_.tolist() == list("abcdf")
    prediction = model.predict(X, names[tasks])
    expected = X[~seen] @ (model.descriptor_coef_ @ Z[4]) + model.intercept_.mean()
    np.testing.assert_allclose(prediction[~seen], expected)
    rest = model.predict(X[seen], names[tasks[seen]])
    np.testing.assert_allclose(prediction[seen], rest)
    residual = y[~seen] - prediction[~seen]
    assert np.var(residual) < 0.3 * np.var(y[~seen])  # the intercept is a guess
    assert len(model.tasks_) == 5
    by_label = {label: z for label, z in zip(names.tolist(), Z, strict=True)}
    same = DescriptorRegressor(by_label, alpha=1e-3)
    same.fit(X[seen], y[seen], names[tasks[seen]])
    np.testing.assert_array_equal(same.predict(X, iter(names[tasks])), prediction)
    with pytest.raises(ValueError, match=r"the labels 'z'.*has not seen"):
        model.predict(X[:2], ["z", "e"])
    model.set_params(handle_unknown="mean")
    assert np.isfinite(model.predict(X[:2], ["z", "e"])).all()


def test_descriptors_in_other_layouts():
    rng = np.random.default_rng(3)
    X, Z = rng.normal(size=(30, 3)), rng.normal(size=(4, 2))
    Y = X @ rng.normal(size=(3, 2)) @ Z.T + rng.normal(size=(30, 4))
    Y[::4, 1] = np.nan
    wide = DescriptorRegressor(Z, alpha=0.1, tol=1e-12).fit(X, Y)
    seen = ~np.isnan(Y.T.ravel())
    long_X, y = np.tile(X, (4, 1))[seen], Y.T.ravel()[seen]
    tasks = np.repeat(np.arange(4), 30)[seen]
    long = DescriptorRegressor(Z, alpha=0.1, tol=1e-12).fit(long_X, y, tasks)
    np.testing.assert_allclose(wide.coef_, long.coef_, atol=1e-10)
    assert wide.predict(X).shape == (30, 4)
    column = DescriptorRegressor({9: [1, 1]} | dict(enumerate(Z)), 0.1, task_column=0)
    both = np.column_stack([tasks, long_X])
    column.fit(both, y)
    both[:, 0] = 9
    expected = long_X @ column.descriptor_coef_.sum(axis=1) + column.intercept_.mean()
    np.testing.assert_allclose(column.predict(both), expected)
    for cls in (DescriptorRegressor, DescriptorClassifier):
        target = y if cls is DescriptorRegressor else y > 0
        thin = cls(Z, 0.1, tol=1e-10).fit(sparse.csr_array(long_X), target, tasks)
        dense = cls(Z, 0.1, tol=1e-10).fit(long_X, target, tasks)
        np.testing.assert_allclose(thin.coef_, dense.coef_, atol=1e-6)
    small = DescriptorRegressor(Z, 0.1).fit(long_X.astype(np.float32), y, tasks)
    assert small.coef_.dtype == np.float32


@pytest.mark.parametrize("mode", ["null_loss", "minimax", "uncertainty"])
def test_descriptors_with_task_weights(mode):
    X, y, tasks, _, Z = described()
    model = DescriptorRegressor(Z, 0.01, task_weight=mode).fit(X, y, tasks)
    assert model.converged_
    fixed = DescriptorRegressor(Z, 0.01, task_weight=model.task_weight_)
    fixed.fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, fixed.coef_, atol=2e-2)


def test_a_described_model_learns_a_new_task_too():
    X, y, tasks, _, Z = described()
    model = DescriptorRegressor(Z, 0.01).fit(X, y, tasks)
    model.fit_new_task(X[:9], y[:9], 7)
    assert model.coef_.shape == (7, 3)
    assert model.predict(X[:2], [7, 0]).shape == (2,)


@pytest.mark.parametrize(
    ("descriptors", "message"),
    [
        (np.ones((5, 2)), r"shape \(5, 2\) but there are 6 tasks|no entry|has shape"),
        (np.ones((6, 0)), "has shape"),
        (np.ones((6, 2, 2)), "has shape"),
        ("abc", "descriptors: could not convert"),
        ({t: [1.0] for t in range(5)}, "no entry for the tasks 5"),
        ({t: [1.0] * (1 + t) for t in range(6)}, "as many for every task"),
        (np.full((6, 2), np.nan), "NaN or infinity"),
        (pd.DataFrame(np.ones((7, 2)), index=[0, 1, 2, 3, 4, 5, 5]), "repeats the ta"),
        ({str(t): [1.0] for t in range(6)}, "no entry for the tasks 0"),
        ({}, "the labels of descriptors is empty"),
    ],
)
def test_wrong_descriptors(descriptors, message):
    X, y, tasks, _, _ = described()
    with pytest.raises(ValueError, match=message):
        DescriptorRegressor(descriptors).fit(X, y, tasks)


# --- unknown tasks, after new ones


def test_new_tasks_are_no_part_of_the_consensus():
    X, y, tasks, X_new, y_new, _ = planted()
    model = MeanRegularizedRegressor(handle_unknown="mean").fit(X, y, tasks)
    before = model.predict(X[:5], [98] * 5)
    model.fit_new_task(X_new, y_new + 1000, 99)
    np.testing.assert_array_equal(model.predict(X[:5], [98] * 5), before)

    X, y, tasks, _, Z = described()
    table = dict(enumerate(np.vstack([Z, Z[:1]])))
    model = DescriptorRegressor(table).fit(X, y, tasks)
    before = model.predict(X[:5], [len(Z)] * 5)
    model.fit_new_task(X[:10], y[:10] + 1000, 99)
    np.testing.assert_array_equal(model.predict(X[:5], [len(Z)] * 5), before)


def test_a_row_that_outweighs_all_others():
    X, y, tasks, X_new, y_new, _ = planted()
    weight = np.where(np.arange(len(y_new)) == 0, 1e17, 1.0)
    model = L21Regressor(0.1).fit(X, y, tasks)
    model.fit_new_task(X_new, y_new, 99, sample_weight=weight)
    assert np.isfinite(model.coef_).all()


def test_parts_of_a_decomposition_are_of_the_tasks_in_fit():
    from linmtl.plotting import CoefficientDisplay

    X, y, tasks, X_new, y_new, _ = planted()
    model = DirtyRegressor(0.1, 0.1).fit(X, y, tasks)
    T = len(model.tasks_)
    model.fit_new_task(X_new, y_new, 99)
    total = sum(model.coef_components_.values())
    np.testing.assert_allclose(total, model.coef_[:T])
    CoefficientDisplay.from_estimator(model, components=True)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("how", ["mean", "subspace"])
def test_optimum_of_several_classes(how, fit_intercept):
    model = L21Classifier(0.02, fit_intercept=fit_intercept).fit(*several_classes())
    rng = np.random.default_rng(0)
    X_new, y_new = rng.normal(size=(12, 4)), np.repeat(["a", "b", "d"], 4)
    weight = rng.uniform(0.5, 2, size=12)
    before = model.coef_.copy()
    model.fit_new_task(X_new, y_new, "t9", how=how, alpha=0.3, sample_weight=weight)
    np.testing.assert_array_equal(model.coef_[:3], before)
    own = [0, 1, 3]
    mean = np.nanmean(before, axis=0)
    U, s, _ = np.linalg.svd((before - mean)[~np.isnan(before[..., 0])].T)
    basis = np.eye(4) if how == "mean" else U * (s / s[0])
    V, b = cp.Variable((4, 3)), cp.Variable((1, 3))
    eta = X_new @ (mean[own].T + basis @ V)
    if fit_intercept:
        eta = eta + np.ones((12, 1)) @ b
    hot = y_new[:, None] == CLASSES[own]
    each = cp.log_sum_exp(eta, axis=1) - cp.sum(cp.multiply(hot, eta), axis=1)
    optimum = least(weight @ each / weight.sum() + 0.15 * cp.sum_squares(V))
    loss = weight @ log_loss_of(model, X_new, y_new, np.repeat("t9", 12))
    v = np.linalg.solve(basis, (model.coef_[3, own] - mean[own]).T)
    found = loss / weight.sum() + 0.15 * np.sum(v**2)
    assert found == pytest.approx(optimum, abs=1e-7)
    assert np.isnan(model.coef_[3, 2]).all()
    assert np.isnan(model.intercept_[3, 2])
    assert model.new_tasks_ == {"t9": {"how": how, "alpha": 0.3}}


@pytest.mark.filterwarnings("ignore:these tasks have a single class")
@pytest.mark.parametrize("alpha", [0.2, None])
@pytest.mark.slow
def test_a_new_task_of_two_of_three_classes_is_one_of_two(alpha):
    X, y, _ = several_classes()
    y, tasks = np.where(np.isin(y, ["a", "b"]), "a", "c"), np.arange(len(y)) % 3
    binary = MultiTaskClassifier(Ridge(0.05), tol=1e-10).fit(X, y, tasks)
    third = X[:5], np.repeat("b", 5), np.repeat(9, 5)
    rows = (np.concatenate(pair) for pair in zip((X, y, tasks), third, strict=True))
    model = MultiTaskClassifier(Ridge(0.1), tol=1e-10).fit(*rows)
    binary.fit_new_task(X[:20], y[:20], 7, alpha=None if alpha is None else alpha / 2)
    model.fit_new_task(X[:20], y[:20], 7, alpha=alpha)
    assert model.new_tasks_[7]["alpha"] == pytest.approx(
        2 * binary.new_tasks_[7]["alpha"]
    )
    difference = model.coef_[-1, 2] - model.coef_[-1, 0]
    np.testing.assert_allclose(difference, binary.coef_[-1], atol=1e-4)
    level = model.intercept_[-1, 2] - model.intercept_[-1, 0]
    assert level == pytest.approx(binary.intercept_[-1], abs=1e-4)


@pytest.mark.slow
def test_predictions_of_a_new_task_of_several_classes():
    X, y, tasks = several_classes()
    model = L21Classifier(0.02, handle_unknown="mean").fit(X, y, tasks)
    unknown, new = np.repeat("t8", len(y)), np.repeat("t9", len(y))
    before = model.predict_proba(X, unknown)
    rows = tasks == "t0"
    model.fit_new_task(X[rows], y[rows], "t9")
    np.testing.assert_array_equal(model.predict_proba(X, unknown), before)
    assert np.mean(model.predict(X[rows], new[rows]) == y[rows]) > 0.5
    again = from_json(to_json(model))
    p = model.predict_proba(X, new)
    np.testing.assert_array_equal(again.predict_proba(X, new), p)
    with pytest.warns(UserWarning, match="'t7' has a single class"):
        model.fit_new_task(X[:2], ["b", "b"], "t7")
    assert set(model.predict(X, np.repeat("t7", len(y)))) == {"b"}
    model.fit_new_task(X[:3], ["a", "c", "d"], "t6")  # too few for folds
    assert model.coef_.shape == (6, 4, 4)
    with pytest.raises(ValueError, match="y has the labels 'z', but the classes are"):
        model.fit_new_task(X[:2], ["a", "z"], "t5")
    with pytest.raises(ValueError, match="alpha must be > 0"):
        model.fit_new_task(X[:2], ["a", "b"], "t5", alpha=0)
