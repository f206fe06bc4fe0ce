"""Features that some tasks do not have: NaN in every row of the task, or by a mask."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from helpers.convex import least
from helpers.losses import loss_of
from linmtl import (
    AdaptiveRobustRegressor,
    AutoRegressor,
    DescriptorRegressor,
    IndependentRegressor,
    L1Classifier,
    L1ClassifierCV,
    L1Regressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedRegressor,
    MixedEffectsClassifier,
    MixedEffectsRegressor,
    MixedTaskEstimator,
    MultiTaskClassifier,
    MultiTaskRegressor,
    PooledRegressor,
    RobustLowRankRegressor,
    TaskScaler,
    TaskThresholdClassifier,
    TraceNormRegressor,
    stack_tasks,
)
from linmtl.conformal import TaskConformalRegressor
from linmtl.distributed import fit_chunks
from linmtl.path import alpha_max, mtl_path
from linmtl.penalties import L21, Ridge
from linmtl.statistics import TaskStatistics
from linmtl.transfer import SafeTransferRegressor, negative_transfer_report

COLUMNS = {"a": "xyz", "b": "zw", "c": "xyw"}
TIGHT = {"tol": 1e-9}


def frames(seed=0, n=24):
    """Return DataFrames with different columns, and targets."""
    rng = np.random.default_rng(seed)
    w = dict(zip("wxyz", rng.normal(size=4), strict=True))
    Xs = {
        task: pd.DataFrame(rng.normal(size=(n, len(names))) + 1.0, columns=list(names))
        for task, names in COLUMNS.items()
    }
    ys = {
        task: sum(w[name] * X[name] for name in X).to_numpy() + rng.normal(size=n) / 2
        for task, X in Xs.items()
    }
    return Xs, ys


def data():
    return stack_tasks(*frames())


def own(coef, names):
    """Return the rows of coefficients of each task, its own features only."""
    return [
        row[[names.index(c) for c in columns]]
        for row, columns in zip(coef, COLUMNS.values(), strict=True)
    ]


def test_frames_are_stacked_by_the_names_of_their_columns():
    Xs, ys = frames()
    X, y, tasks = stack_tasks(Xs, ys)
    assert list(X.columns) == list("xyzw")
    for task, columns in COLUMNS.items():
        mine = X[tasks == task]
        assert list(mine.columns[mine.notna().all()]) == sorted(
            columns, key="xyzw".index
        )
        assert mine.isna().all().sum() == 4 - len(columns)
        np.testing.assert_array_equal(mine[list(columns)], Xs[task])
    np.testing.assert_array_equal(y, np.concatenate(list(ys.values())))


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.parametrize("weight", [None, [1.0, 1.0, 1.0, 1.0]])
def test_optimum_is_that_of_the_features_that_tasks_have(classify, weight):
    Xs, ys = frames()
    X, y, tasks = stack_tasks(Xs, ys)
    names, loss = list(X.columns), "logistic" if classify else "squared"
    cls = L21Classifier if classify else L21Regressor
    model = cls(0.05, feature_weight=weight, **TIGHT)
    model.fit(X, y > 0 if classify else y, tasks)
    b, total, rows = cp.Variable(3), 0, {name: [] for name in names}
    for t, (X_t, y_t) in enumerate(zip(Xs.values(), ys.values(), strict=True)):
        w = cp.Variable(X_t.shape[1])
        for k, name in enumerate(X_t):
            rows[name].append(w[k])
        y_t = np.where(y_t > 0, 1.0, -1.0) if classify else y_t
        eta = X_t.to_numpy() @ w + b[t]
        total += loss_of(loss, y_t, eta, np.full(len(y_t), 1 / len(y_t)))
    for row in rows.values():  # of two tasks each, out of three
        factor = np.sqrt(2 / 3) if weight is None else 1.0
        total += 0.05 * factor * cp.norm(cp.hstack(row))
    assert model.objective_ == pytest.approx(least(total), rel=1e-6)
    present = np.array([[c in columns for c in names] for columns in COLUMNS.values()])
    np.testing.assert_array_equal(model.feature_mask_, present)
    assert np.all(model.coef_[~present] == 0)


@pytest.mark.parametrize(
    "model",
    [L1Regressor(0.1, **TIGHT), IndependentRegressor(0.1), IndependentRegressor("cv")],
)
def test_what_shares_nothing_fits_each_task_on_its_own_features(model):
    Xs, ys = frames()
    X, y, tasks = stack_tasks(Xs, ys)
    together = clone(model).fit(X, y, tasks)
    for row, task in zip(own(together.coef_, list("xyzw")), COLUMNS, strict=True):
        alone = clone(model).fit(Xs[task], ys[task], np.full(len(ys[task]), task))
        np.testing.assert_allclose(row, alone.coef_[0], atol=1e-4)


@pytest.mark.parametrize(
    "model",
    [
        L21Regressor(0.1, **TIGHT),
        L21Regressor(0.1, refit=True, **TIGHT),
        TraceNormRegressor(0.1),
        MeanRegularizedRegressor(0.1, 0.01),
        L21RegressorCV(alphas=4, cv=3),
        MultiTaskRegressor(L21(0.1) + Ridge(0.1), loss="huber"),
    ],
)
def test_coefficients_are_zero_and_predictions_need_no_value(model):
    X, y, tasks = data()
    model.fit(X, y, tasks)
    assert np.all(model.coef_[~model.feature_mask_] == 0)
    mean = model.predict(X, tasks)
    np.testing.assert_allclose(model.predict(X.fillna(77.0), tasks), mean)
    assert model.score(X, y, tasks) > 0.5
    one = X[tasks == "b"]
    np.testing.assert_allclose(model.predict(one, ["b"] * len(one)), mean[tasks == "b"])
    with pytest.raises(ValueError, match="NaN in features that rows of the tasks 'b'"):
        model.predict(one.assign(z=np.nan), ["b"] * len(one))
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict_all(X)
    assert not hasattr(clone(model).fit(X.fillna(0.0), y, tasks), "feature_mask_")


def test_parts_add_up_without_what_is_absent():
    X, y, tasks = data()
    for model in (
        RobustLowRankRegressor(0.1, 0.1),
        L21Regressor(0.1, around="mean"),
        AdaptiveRobustRegressor(),
    ):
        model.fit(X, y, tasks)
        assert np.any(model.coef_ == 0)
        total = sum(model.coef_components_.values())
        np.testing.assert_allclose(total, model.coef_, atol=1e-12)


def test_tasks_of_a_single_class_learn_what_others_have():
    X, y, tasks = data()
    labels = np.where(tasks == "a", True, y > 1.0)
    model = L1Classifier(0.01)
    with pytest.warns(UserWarning, match="a single class"):
        model.fit(X, labels, tasks)
    # of x and y task c alone, of z task b
    np.testing.assert_array_equal(model.coef_[0, :2], model.coef_[2, :2])
    assert model.coef_[0, 2] == model.coef_[1, 2] != 0


def test_what_is_absent_has_no_say_in_scales_and_centres():
    X, y, tasks = data()
    for change in (lambda x: 1000 * x, lambda x: x + 1e6):
        changed = X.assign(w=change(X["w"]))
        fits = [
            L21RegressorCV(alphas=[0.1], cv=3, scale_features=True, **TIGHT).fit(
                table, y, tasks
            )
            for table in (X, changed)
        ]
        means = [m.predict(t, tasks) for m, t in zip(fits, (X, changed), strict=True)]
        np.testing.assert_allclose(*means, atol=1e-3)
    spread = np.mean([X.loc[tasks == t, "z"].std(ddof=0) ** 2 for t in "ab"])
    assert fits[0].feature_scale_[2] == pytest.approx(np.sqrt(spread))


def test_scaled_within_tasks_they_stay_absent():
    X, y, tasks = data()
    table = X.assign(task=tasks)
    model = make_pipeline(
        TaskScaler(within_task=True, task_column="task"),
        L21Regressor(0.1, task_column="task"),
    ).fit(table, y)
    mask = model[-1].feature_mask_
    assert mask.sum() == 8
    scaler = model[0]
    for t, task in enumerate("abc"):
        for j, name in enumerate("xyzw"):
            if mask[t, j]:
                mine = X.loc[tasks == task, name]
                assert scaler.mean_[t, j] == pytest.approx(mine.mean())
                assert scaler.scale_[t, j] == pytest.approx(mine.std(ddof=0))
    assert model.score(table, y) > 0.5


def test_paths_several_classes_kinds_and_unknown_tasks():
    X, y, tasks = data()
    top = alpha_max(X, y, tasks, penalty=L21())
    assert not L21Regressor(top * (1 + 1e-10)).fit(X, y, tasks).coef_.any()
    assert L21Regressor(0.95 * top, **TIGHT).fit(X, y, tasks).coef_.any()
    alphas, coefs, _ = mtl_path(X, y, tasks, penalty=L21(), alphas=3, **TIGHT)
    model = L21Regressor(alphas[1], handle_unknown="mean", **TIGHT).fit(X, y, tasks)
    np.testing.assert_allclose(coefs[:, :, 1], model.coef_, atol=1e-4)
    shared = model.coef_.mean(axis=0) * 3 / 2  # of two tasks each
    eta = X.fillna(0.5) @ shared + model.intercept_.mean()
    found = model.predict(X.fillna(0.5), ["new"] * len(X))
    np.testing.assert_allclose(found, eta)
    new = X[:3].fillna(0.5), y[:3]  # of no say at this strength
    near = clone(model).fit(X, y, tasks)
    near.fit_new_task(*new, "new", how="mean", alpha=1e9)
    np.testing.assert_allclose(near.coef_[-1], shared, atol=1e-6)
    classes = np.digitize(y, [0.0, 2.0])
    several = MultiTaskClassifier(L21(0.01), handle_unknown="mean")
    several.fit(X, classes, tasks)
    assert not several.coef_[0, :, 3].any()
    assert several.predict_proba(X, tasks).shape == (len(X), 3)
    lacking = np.isnan(several.intercept_)  # a task that has not shown a class
    np.testing.assert_array_equal(np.isnan(several.coef_).all(axis=2), lacking)
    known = several.feature_mask_[:, None] & ~lacking[:, :, None]
    shared = np.nansum(several.coef_, axis=0) / known.sum(axis=0)
    eta = X.fillna(0.5) @ shared.T + np.nanmean(several.intercept_, axis=0)
    found = several.decision_function(X.fillna(0.5), ["new"] * len(X))
    np.testing.assert_allclose(found, eta)
    kinds = {"a": "squared", "b": "huber", "c": "squared"}
    mixed = MixedTaskEstimator(L21(0.05), loss=kinds).fit(X, y, tasks)
    assert np.all(mixed.coef_[~mixed.feature_mask_] == 0)
    assert mixed.score(X, y, tasks) > 0.5


def test_errors_say_which_feature_and_task():
    X, y, tasks = data()
    model = L21Regressor()
    some = X.copy()
    some.loc[2, "z"] = np.nan
    for wrong, what in (
        (some, "feature 'z' in some rows of task 'a' only; impute it"),
        (X.assign(z=np.nan), "NaN in every row of the features 'z'"),
        (
            X.assign(z=np.nan, w=np.nan)[["x", "y", "z", "w"]],
            "every row of the features",
        ),
        (X.where(np.tile(tasks[:, None] != "b", 4)), "the tasks 'b' have no feature"),
    ):
        with pytest.raises(ValueError, match=what):
            model.fit(wrong, y, tasks)
    with pytest.raises(ValueError, match="PooledRegressor, or what is made of it"):
        PooledRegressor().fit(X, y, tasks)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.fit(X, np.column_stack([y, y]))
    Xs, ys = frames()
    twice = Xs["a"].set_axis(list("xxz"), axis=1)
    with pytest.raises(ValueError, match="task 'a' repeats a column name"):
        stack_tasks(Xs | {"a": twice}, ys)


MASK = pd.DataFrame({t: [c in own for c in "xyzw"] for t, own in COLUMNS.items()})
MASK.index = pd.Index(list("xyzw"))


def wide():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 4)) + 1.0
    Y = X @ rng.normal(size=(4, 3)) + rng.normal(size=(30, 3))
    Y[rng.random(Y.shape) < 0.2] = np.nan
    return X, Y


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, pd.DataFrame])
def test_a_mask_says_what_missing_values_say(form):
    X, y, tasks = data()
    known = L21Regressor(0.1, **TIGHT).fit(X, y, tasks)
    if form is pd.DataFrame:  # by label, in any order, tasks that are not there too
        mask = MASK.iloc[::-1, ::-1].assign(d=True)
        table = X.fillna(77.0)
    else:
        mask, table = MASK.to_numpy(), form(X.fillna(77.0).to_numpy())
    model = L21Regressor(0.1, feature_mask=mask, **TIGHT).fit(table, y, tasks)
    np.testing.assert_array_equal(model.feature_mask_, known.feature_mask_)
    np.testing.assert_allclose(model.coef_, known.coef_, atol=1e-7)
    np.testing.assert_allclose(
        model.predict(table, tasks), known.predict(X, tasks), atol=1e-6
    )
    if form is pd.DataFrame:  # what is missing may stay so, and more may be
        both = clone(model).fit(X, y, tasks)
        np.testing.assert_allclose(both.coef_, known.coef_, atol=1e-7)
        more = MASK.assign(a=[True, True, False, False])
        fewer = clone(model).set_params(feature_mask=more).fit(X, y, tasks)
        assert fewer.feature_mask_.sum() == known.feature_mask_.sum() - 1


@pytest.mark.parametrize(
    "model",
    [
        L21Regressor(0.1, **TIGHT),
        L21RegressorCV(alphas=3, cv=3, scale_features=True),
        TraceNormRegressor(0.1, **TIGHT),
        L21Classifier(0.02, **TIGHT),
        MultiTaskRegressor(Ridge(0.1), loss="huber"),
        MixedTaskEstimator(L21(0.05), loss={0: "squared", 1: "huber", 2: "squared"}),
    ],
)
def test_a_mask_of_a_wide_table_is_that_of_its_rows(model):
    X, Y = wide()
    if isinstance(model, L21Classifier):
        Y = np.where(np.isnan(Y), np.nan, Y > 1.0)
    n, T = Y.shape
    cv = [(np.arange(n) % 3 != k, np.arange(n) % 3 == k) for k in range(3)]
    rows = X[np.tile(np.arange(n), T)], Y.T.ravel(), np.repeat(np.arange(T), n)
    long = clone(model)
    if hasattr(model, "cv"):
        model.set_params(cv=cv)
        long.set_params(cv=[tuple(np.tile(part, T) for part in pair) for pair in cv])
    mask = MASK.to_numpy()
    model.set_params(feature_mask=mask).fit(X, Y)
    long.set_params(feature_mask=mask).fit(*rows)
    np.testing.assert_array_equal(model.feature_mask_.T, mask)
    assert np.all(model.coef_[~model.feature_mask_] == 0)
    np.testing.assert_allclose(model.coef_, long.coef_, atol=1e-6)
    thin = (
        clone(model).fit(sparse.csr_array(X), Y) if not hasattr(model, "cv") else model
    )
    np.testing.assert_allclose(thin.coef_, model.coef_, atol=1e-3)
    assert model.predict(X).shape == Y.shape
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict(np.where(X > 2, np.nan, X))


@pytest.mark.slow
def test_a_mask_goes_through_searches_thresholds_and_statistics():
    X, y, tasks = data()
    table = X.fillna(0.5).assign(task=tasks)
    model = L21Regressor(feature_mask=MASK, task_column="task")
    grid = {"alpha": [0.1, 0.01], "feature_mask": [None, MASK]}
    search = GridSearchCV(model, grid, cv=3, scoring="r2")
    search.set_params(cv=[(np.arange(72) % 3 != 0, np.arange(72) % 3 == 0)])
    assert np.isfinite(search.fit(table, y).best_score_)
    sums = clone(model).fit_statistics(TaskStatistics.of(table, y, task_column="task"))
    whole = clone(model).fit(table, y)
    np.testing.assert_allclose(sums.coef_, whole.coef_, atol=1e-3)
    labels = y > 1.0
    cut = TaskThresholdClassifier(L21Classifier(0.02), cv=3).fit(X, labels, tasks)
    masked = L21Classifier(0.02, feature_mask=MASK)
    other = TaskThresholdClassifier(masked, cv=3).fit(X.fillna(9.0), labels, tasks)
    np.testing.assert_allclose(cut.thresholds_, other.thresholds_, atol=1e-6)
    np.testing.assert_array_equal(
        cut.predict(X, tasks), other.predict(X.fillna(9.0), tasks)
    )


def test_held_out_tasks_of_a_single_class_learn_from_those_that_have_a_feature():
    # held out, task b has one class in training, and x is of task a alone
    X = np.array([[1.0, 0.0]] * 6 + [[-1.0, 0.0]] * 6 + [[1.0, 0.0], [-1.0, 0.0]] * 3)
    X[:, 1] = np.random.default_rng(0).normal(size=18)
    y = np.r_[np.ones(6), np.zeros(6), np.ones(5), 0] > 0
    tasks = np.array(["a"] * 12 + ["b"] * 6 + ["c"] * 12)
    X, y = np.vstack([X, X[:12]]), np.r_[y, X[:12, 1] > 0]
    table = X.copy()
    table[18:, 0] = np.nan
    test = np.arange(30) == 17
    model = L1ClassifierCV(alphas=[0.01], cv=[(~test, test)], **TIGHT)
    model.fit(table, y, tasks)
    part = L1Classifier(0.01, **TIGHT)
    with pytest.warns(UserWarning, match="single class"):
        part.fit(table[~test], y[~test], tasks[~test])
    assert part.coef_[1, 0] == part.coef_[0, 0] != 0
    held_out = part.predict_log_proba(table[test], ["b"])[0, 0]
    assert model.task_scores_path_[0, 0, 1] == pytest.approx(held_out, rel=1e-4)


@pytest.mark.parametrize(
    ("mask", "what"),
    [
        (MASK.to_numpy().T, r"shape \(3, 4\), but there are 4 features and 3 tasks"),
        (MASK.assign(b=False), "leaves the tasks 'b' without a feature; drop these"),
        (MASK.mul(MASK.index != "x", axis=0), "gives the features 'x' to no task"),
        (MASK.drop(columns="b"), "has no column for the tasks 'b'"),
        (MASK.drop(index="w"), "has no row for the features 'w'"),
        (MASK * 0.5, "must hold True"),
        ([[True], [True, False]], "feature_mask"),
    ],
)
def test_errors_of_masks_are_one_line(mask, what):
    X, y, tasks = data()
    model = L21Regressor(feature_mask=mask)
    with pytest.raises(ValueError, match=what) as error:
        model.fit(X, y, tasks)
    assert "\n" not in str(error.value)


def test_masks_are_refused_where_they_cannot_count():
    X, y, tasks = data()
    X = X.fillna(0.0)
    with pytest.raises(ValueError, match="feature_mask says which task"):
        L21Regressor(feature_mask=MASK[["a"]]).fit(X, y)
    with pytest.raises(ValueError, match="feature_mask is not for this model"):
        PooledRegressor(feature_mask=MASK).fit(X, y, tasks)
    model = L21Regressor(feature_mask=MASK, loss="huber")
    with pytest.raises(ValueError, match="feature_mask"):
        fit_chunks(model, [(X, y, tasks)])


def test_models_put_together_know_the_mask_of_those_inside():
    X, y, tasks = data()
    table, names = X.fillna(1.0), list(X.columns)
    mask = MASK.loc[names].to_numpy()
    inner = L21Regressor(0.1, feature_mask=mask)
    for model in (
        SafeTransferRegressor(inner, cv=2),
        AutoRegressor([inner, L1Regressor(0.1, feature_mask=mask)], cv=2),
    ):
        assert not model.fit(table, y, tasks).coef_.T[~mask].any()


@pytest.mark.slow
def test_auto_conformal_and_blends_take_features_that_differ():
    X, y, tasks = data()
    models = [L21Regressor(0.05), IndependentRegressor(0.1), PooledRegressor()]
    auto = AutoRegressor(models, cv=2, handle_unknown="mean")
    with pytest.warns(UserWarning, match="'Pooled' is left out: Input X contains NaN"):
        auto.fit(X, y, tasks)
    np.testing.assert_array_equal(auto.feature_mask_.T, MASK)
    assert np.all(auto.coef_[~auto.feature_mask_] == 0)
    parts = zip(auto.weights_.T, auto.estimators_.values(), strict=False)
    blend = sum(weight[:, None] * model.coef_ for weight, model in parts)
    np.testing.assert_allclose(auto.coef_, blend)
    assert auto.score(X, y, tasks) > 0.3
    assert np.isfinite(auto.predict(X.fillna(0.0), ["new"] * len(X))).all()
    safe = SafeTransferRegressor(L21Regressor(0.05), cv=2).fit(X, y, tasks)
    assert np.all(safe.coef_[~safe.feature_mask_] == 0)
    around = TaskConformalRegressor(L21Regressor(0.05), cv=2).fit(X, y, tasks)
    low, high = around.predict_interval(X, tasks).T
    assert np.mean((low <= y) & (y <= high)) > 0.8


@pytest.mark.slow
def test_auto_tries_what_takes_features_that_differ():
    X, y, tasks = data()
    model = AutoRegressor(cv=2).fit(X, y, tasks)
    assert "pooled" not in model.held_out_.models
    assert {"mixed effects", "pooled, task intercepts"} <= {*model.held_out_.models}
    assert len(model.held_out_.models) > 5


def marginal_likelihood(model, X, y, tasks):
    """Return the restricted log-likelihood at the variances of a mixed model.

    And the common intercept and coefficients, by generalised least squares: a task has
    random effects of its own features alone.
    """
    S, d = model.covariance_, X.shape[1]
    A, b, value = np.zeros((1 + d, 1 + d)), np.zeros(1 + d), 0.0
    each = []
    for t in np.unique(tasks):
        own = np.append(True, ~np.isnan(X[tasks == t][0]))
        n = np.sum(tasks == t)
        Z = np.column_stack([np.ones(n), X[tasks == t]])[:, own]
        V = Z @ S[np.ix_(own, own)] @ Z.T + model.noise_**2 * np.eye(n)
        F = np.zeros((n, 1 + d))
        F[:, own] = Z
        A += F.T @ np.linalg.solve(V, F)
        b += F.T @ np.linalg.solve(V, y[tasks == t])
        each.append((F, V, y[tasks == t]))
    common = np.linalg.solve(A, b)
    for F, V, target in each:
        rest = target - F @ common
        value -= np.linalg.slogdet(V)[1] + rest @ np.linalg.solve(V, rest)
    value -= np.linalg.slogdet(A)[1] + (len(y) - 1 - d) * np.log(2 * np.pi)
    return value / 2, common


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_mixed_effects_are_of_the_features_that_a_task_has(covariance):
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(8), 12)
    X = rng.normal(size=(96, 3))
    own = rng.normal(size=(8, 3)) / 2 + [1.0, -1.0, 0.5]
    X[tasks == 0, 2] = X[tasks == 3, 1] = X[tasks == 5, 1] = np.nan
    y = np.nansum(X * own[tasks], axis=1) + rng.normal(size=8)[tasks]
    y += rng.normal(size=96)
    model = MixedEffectsRegressor(covariance=covariance, shrink_mean=False, tol=1e-9)
    model.fit(X, y, tasks)
    value, common = marginal_likelihood(model, X, y, tasks)
    np.testing.assert_allclose(model.log_likelihood_, value, rtol=1e-9)
    np.testing.assert_allclose(model.coef_mean_, common[1:], atol=1e-9)
    absent = np.isnan(X[::12])
    np.testing.assert_array_equal(model.coef_ == 0, absent)
    np.testing.assert_array_equal(model.coef_std_ == 0, absent)
    V = model.coef_covariance(3)
    assert not V[2].any()
    assert not V[:, 2].any()
    filled = np.nan_to_num(X, nan=7.0)
    mean, std = model.predict(X, tasks, return_std=True)
    masked = clone(model).set_params(feature_mask=~absent.T).fit(filled, y, tasks)
    for found, expected in zip(
        masked.predict(filled, tasks, return_std=True), (mean, std), strict=True
    ):
        np.testing.assert_allclose(found, expected)
    new = model.fit_new_task(filled[:6], y[:6], 99)
    assert new.coef_std_[-1].all()
    assert new.coef_covariance(99).all()


@pytest.mark.slow
def test_labels_of_tasks_that_lack_features_have_mixed_effects():
    X, y, tasks = data()
    model = MixedEffectsClassifier().fit(X, y > np.median(y), tasks)
    np.testing.assert_array_equal(model.coef_ != 0, MASK.T)
    report = negative_transfer_report(model, X, y > np.median(y), tasks)
    assert len(report.verdict) == len(model.tasks_)


@pytest.mark.parametrize(
    "fit",
    [
        PooledRegressor().fit,
        DescriptorRegressor().fit,
        lambda *given: negative_transfer_report(PooledRegressor(), *given),
    ],
)
def test_what_is_for_tasks_with_all_features_says_so(fit):
    with pytest.raises(ValueError, match="is for tasks that all have all features"):
        fit(*data())
