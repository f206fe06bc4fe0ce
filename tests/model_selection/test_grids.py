"""Strengths: grids that grow, features on scales of their own, and what is warned."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import linmtl
from helpers.data import generated
from linmtl import (
    AdaptiveRobustRegressorCV,
    DirtyRegressorCV,
    GraphRegularizedRegressorCV,
    IndependentClassifier,
    IndependentRegressor,
    L1RegressorCV,
    L21Classifier,
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedRegressorCV,
    MultiTaskRegressorCV,
    TraceNormRegressorCV,
)
from linmtl.metrics import make_task_scorer
from linmtl.model_selection import TaskKFold
from linmtl.model_selection._grid import falling_end, further_strengths, open_end
from linmtl.penalties import L21
from linmtl.transfer import negative_transfer_report

TIGHT = {"tol": 1e-10, "max_iter": 100_000}


def data(seed=0, n=40, T=4, d=6, scale=None, noise=1.0, classify=False):
    rng = np.random.default_rng(seed)
    tasks = np.repeat(np.arange(T), n)
    X = rng.normal(size=(T * n, d))
    W = rng.normal(size=(T, d)) + 1
    y = np.sum(X * W[tasks], axis=1) + noise * rng.normal(size=T * n)
    return X * (1.0 if scale is None else scale), y > 0 if classify else y, tasks


# ----------------------------------------------------------------- where grids end


@pytest.mark.parametrize("best", [1e-9, 1e-5, 1e-2, 0.1, 1.0, 1e4])
def test_a_grid_grows_until_the_best_is_inside(best):
    def loss(strengths):
        return 1 + np.log10(strengths / best) ** 2

    first = strengths = np.geomspace(1, 0.01, 5)
    while (end := open_end(strengths, loss(strengths))) is not None:
        beyond = further_strengths(strengths, end, first)
        if beyond is None:
            break
        pair = (strengths, beyond) if end == "low" else (beyond, strengths)
        strengths = np.concatenate(pair)
    np.testing.assert_allclose(np.diff(np.log10(strengths)), -0.5)
    reach = np.log10(first[[0, -1]]) + [6, -6]
    assert np.all(np.log10(strengths[[0, -1]]) <= reach + [1e-9, np.inf])
    assert np.log10(strengths[-1]) >= reach[1] - 1e-9
    found = strengths[np.argmin(loss(strengths))]
    if best >= 1e-8:
        assert open_end(strengths, loss(strengths)) is None
        assert abs(np.log10(found / best)) <= 0.26
    else:
        assert open_end(strengths, loss(strengths)) == "low"


@pytest.mark.parametrize(
    "losses",
    [
        [1.0, 1.0, 1.0],  # flat
        [2.0, 1.0, 1.0 - 1e-5],  # as good as flat
        [2.0, 1.0, 3.0],
        [1.0, 1e-9, 1e-10],  # nothing is left
    ],
)
def test_what_is_no_open_end(losses):
    assert open_end(np.array([1.0, 0.1, 0.01]), np.array(losses)) is None
    assert open_end(np.array([1.0]), np.array([1.0])) is None


def test_a_loss_that_falls_at_weak_strengths_is_followed():
    """Though the null model is better so far, as where noise comes in first."""
    strengths = np.array([1.0, 0.1, 0.01, 0.001])
    assert falling_end(strengths, np.array([1.0, 1.2, 1.3, 1.25])) == "low"
    assert falling_end(strengths, np.array([1.0, 1.2, 1.3, 1.299])) == "high"
    assert falling_end(strengths, np.array([1.2, 1.0, 1.1, np.inf])) is None
    to_none = strengths * [1, 1, 1, 0]
    assert falling_end(to_none, np.array([1.2, 1.0, 1.3, 1.2])) is None
    assert falling_end(strengths, np.array([1.0, 1.1, 1.2, 1.3])) == "high"


def test_nothing_is_weaker_than_no_penalty():
    assert open_end(np.array([1.0, 0.1, 0.0]), np.array([3.0, 2.0, 1.0])) is None
    assert open_end(np.array([1.0, 0.1, 0.0]), np.array([1.0, 2.0, 3.0])) == "high"


@pytest.mark.parametrize(
    "model",
    [
        L21RegressorCV(alphas=6, scale_features=False),
        TraceNormRegressorCV(alphas=6, scale_features=False),
        MeanRegularizedRegressorCV(
            alphas=4, alpha_mean=[1e-9, 1e-3], scale_features=False
        ),
        DirtyRegressorCV(alphas=4, scale_features=False),
        MultiTaskRegressorCV(L21(), alphas=6, scale_features=False, loss="huber"),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.slow
def test_further_strengths_are_those_of_a_longer_grid(model):
    """What is found beyond a grid is what passing the strengths finds."""
    X, y, tasks = data(noise=1e-2, scale=10.0 ** np.linspace(-1, 1, 6))
    model.set_params(tol=1e-8, max_iter=50_000, cv=3)
    model.fit(X, y, tasks)
    losses, grids = model.mse_path_ if model.loss == "squared" else model.huber_path_, 0
    grids = np.atleast_2d(model.alphas_)
    assert grids.shape[1] > model.alphas
    assert not model.at_bound_
    if len(grids) == 1:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.set_params(alphas=model.alphas_).fit(X, y, tasks)
        again = model.mse_path_ if model.loss == "squared" else model.huber_path_
        np.testing.assert_allclose(again, losses, rtol=2e-3, atol=1e-5)


def test_extension_goes_on_where_the_best_model_is_pooled():
    """There is no strongest: the tasks are the same up to noise."""
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(8), 10)
    X = rng.normal(size=(80, 3))
    y = X.sum(axis=1) + 0.5 * rng.normal(size=80)
    weak = MeanRegularizedRegressorCV(alphas=5, alpha_mean=0.0, eps=1e-3).fit(
        X, y, tasks
    )
    spread = np.ptp(weak.coef_, axis=0)
    assert not weak.at_bound_
    assert np.all(spread < 0.1)


def test_strengths_passed_are_not_extended_but_warned_about_once():
    X, y, tasks = data(noise=0.01)
    given = [1.0, 0.5, 0.2]
    with pytest.warns(UserWarning, match="smallest tried.*reach beyond") as caught:
        model = L21RegressorCV(alphas=given, cv=3).fit(X, y, tasks)
    assert len(caught) == 1
    np.testing.assert_array_equal(model.alphas_, given)
    assert model.at_bound_
    noisy = X[:, 0] + 3 * np.random.default_rng(0).normal(size=len(y))
    weak = L1RegressorCV(alphas=[0.02, 0.01, 0.001], cv=3)
    with pytest.warns(UserWarning, match="largest tried"):
        weak.fit(X, noisy, tasks)
    # of one or two strengths the best is always an end
    model.set_params(alphas=[1.0, 0.5]).fit(X, y, tasks)
    assert not model.at_bound_


@pytest.mark.parametrize(
    ("alpha_mean", "said"),
    [
        ([10.0, 1.0, 0.1], "best alpha_mean is the smallest tried"),
        ([10.0, 1.0], None),  # of two values the best is always an end
        ([10.0, 0.1, 0.0], None),  # nothing is weaker
        ([10.0, 0.01, 0.001, 1e-4], None),  # all the same, as good as none
    ],
)
def test_other_parameters_whose_best_ends_their_values_are_warned_about(
    alpha_mean, said
):
    X, y, tasks = data(noise=0.01)
    search = MeanRegularizedRegressorCV(alphas=[1.0, 0.1, 0.01], alpha_mean=alpha_mean)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(X, y, tasks)
    texts = [str(w.message) for w in caught if "alpha_mean" in str(w.message)]
    assert len(texts) == (said is not None)
    assert all(said in text for text in texts)


@pytest.mark.filterwarnings("ignore:.*the best strength is")
def test_fits_that_do_not_converge_are_counted_once():
    X, y, tasks = data()
    model = L21RegressorCV(
        alphas=[0.3, 0.1, 0.03], cv=3, max_iter=1, tol=1e-12, solver="apg"
    )
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, y, tasks)
    texts = [str(w.message) for w in caught]
    assert sum("of the 9 fits in cross-validation" in text for text in texts) == 1


def test_a_null_model_is_said():
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(3), 30)
    X, y = rng.normal(size=(90, 4)), rng.normal(size=90)
    with pytest.warns(UserWarning, match="chose the null model"):
        model = L21RegressorCV(alphas=10).fit(X, y, tasks)
    assert not model.coef_.any()
    assert not model.at_bound_


# ------------------------------------------------------------ features on scales


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("form", ["dense", "sparse", "wide"])
@pytest.mark.parametrize("refit", [False, True])
def test_scaled_features_are_those_of_scaled_data(form, refit, fit_intercept):
    scale = 10.0 ** np.linspace(-3, 3, 6)
    X, y, tasks = data(scale=scale)
    X += 2 * scale
    given = (X, y, tasks)
    if form == "sparse":
        given = (sparse.csr_array(X), y, tasks)
    elif form == "wide":
        Y = X[:40] / scale @ np.linspace(1, 2, 24).reshape(6, 4)
        Y += np.random.default_rng(1).normal(size=Y.shape)
        given = (X[:40], Y, None)
    options = {"alphas": 5, "cv": 3, "refit": refit, "fit_intercept": fit_intercept}
    model = L21RegressorCV(**options, **TIGHT, scale_features=True).fit(*given)
    spread = model.feature_scale_
    if form != "wide":
        rows = [X[tasks == t] for t in range(4)]
        centred = [x - fit_intercept * x.mean(axis=0) for x in rows]
        expected = np.sqrt(np.mean([(x**2).mean(axis=0) for x in centred], axis=0))
        np.testing.assert_allclose(spread, expected, rtol=1e-9)
    by_hand = given[0] @ sparse.diags_array(1 / spread)
    if form != "sparse":
        by_hand = given[0] / spread
    plain = L21RegressorCV(**options, **TIGHT, scale_features=False)
    plain.fit(by_hand, *given[1:])
    np.testing.assert_allclose(model.alphas_, plain.alphas_, rtol=1e-9)
    np.testing.assert_allclose(model.coef_ * spread, plain.coef_, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, plain.intercept_, atol=1e-5)
    again = L21Regressor(model.alpha_, fit_intercept=fit_intercept, **TIGHT)
    again.fit(by_hand, *given[1:])
    assert again.objective_ == pytest.approx(model.objective_, rel=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        AdaptiveRobustRegressorCV(),
        L21RegressorCV(around="mean", alpha_mean=0.01),
        TraceNormRegressorCV(around="mean", alpha_mean=0.01, intercept_weight=1.0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_strengths_of_deviations_are_in_the_units_of_the_targets(model):
    X, y, tasks = data(n=15, T=3, d=3)
    model = clone(model).set_params(alphas=5, cv=3)
    expected = model.fit(X, y, tasks).alphas_
    found = model.fit(X, 1e3 * y, tasks).alphas_
    np.testing.assert_allclose(found, 1e3 * expected, rtol=1e-4)


@pytest.mark.slow
def test_units_do_not_matter_with_scaled_features():
    X, y, tasks = data()
    units = 10.0 ** np.array([3, -3, 0, 2, -2, 1])
    for kind in (L21RegressorCV, TraceNormRegressorCV, DirtyRegressorCV):
        model = kind(alphas=4, cv=3, scale_features=True, tol=1e-8, max_iter=50_000)
        one = model.fit(X, y, tasks).coef_
        other = model.fit(X * units, y, tasks).coef_ * units
        np.testing.assert_allclose(one, other, atol=1e-4)
    parts = sum(model.coef_components_.values())
    np.testing.assert_allclose(parts, model.coef_, rtol=1e-6, atol=1e-9)


def test_features_are_scaled_where_their_spreads_differ():
    X, y, tasks = data()
    X[:, 5] = tasks  # no spread within tasks
    model = L21RegressorCV(alphas=3, cv=3).fit(X, y, tasks)
    np.testing.assert_array_equal(model.feature_scale_, 1.0)
    model.fit(X * 10.0 ** np.arange(6), y, tasks)
    assert np.ptp(np.log10(model.feature_scale_[:5])) > 3
    assert model.feature_scale_[5] == 1.0
    model.fit(sparse.csr_array(X * 10.0 ** np.arange(6)), y, tasks)
    np.testing.assert_array_equal(model.feature_scale_, 1.0)
    for wrong in ("yes", None, 2):
        with pytest.raises(ValueError, match="scale_features must be"):
            model.set_params(scale_features=wrong).fit(X, y, tasks)
        with pytest.raises(ValueError, match="scale_features must be"):
            IndependentRegressor("cv", scale_features=wrong).fit(X, y, tasks)


@pytest.mark.parametrize(
    "model",
    [
        IndependentRegressor("cv"),
        IndependentRegressor("cv", scale_features=False),
        MeanRegularizedRegressorCV(alphas=20, cv=3),
        GraphRegularizedRegressorCV(np.ones((3, 3)) - np.eye(3), alphas=20, cv=3),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*did not converge")
def test_what_collinear_features_differ_by_is_found(model):
    """Unrelated tasks, whose signal is in directions of a hundredth of the spread."""
    rng = np.random.default_rng(0)
    T, n, d = 3, 40, 6
    tasks = np.tile(np.repeat(np.arange(T), n), 2)
    W = rng.normal(scale=100, size=(T, d))
    W -= W.mean(axis=1, keepdims=True)
    X = rng.normal(size=(tasks.size, 1)) + 0.01 * rng.normal(size=(tasks.size, d))
    y = np.sum(X * W[tasks], axis=1) + 0.3 * rng.normal(size=tasks.size)
    train = np.arange(tasks.size) < T * n
    model = clone(model).fit(X[train], y[train], tasks[train])
    error = np.mean((y - model.predict(X, tasks))[~train] ** 2)
    assert error < 1.4 * 0.3**2
    assert not np.any(model.at_bound_)


# ---------------------------------------------------------------------- baselines


@pytest.mark.parametrize("kind", ["inverse", "raw", "unit", "correlated"])
@pytest.mark.slow
def test_tasks_alone_are_no_worse_than_ridge_of_each(kind):
    """Whatever the scales; the mean over tasks and data sets of relative errors."""
    ratios = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        T, n, d = 4, 60, 12
        scale = 1.0 if kind == "unit" else 10.0 ** rng.uniform(-3, 3, d)
        X = rng.normal(size=(2 * T * n, d))
        if kind == "correlated":
            X = X @ rng.normal(size=(d, d))
        W = rng.normal(size=(T, d)) / (1.0 if kind == "raw" else scale)
        X = X * scale
        tasks = np.tile(np.repeat(np.arange(T), n), 2)
        eta = np.sum(X * W[tasks], axis=1)
        y = eta + 0.3 * eta.std() * rng.normal(size=eta.size)
        train = np.arange(len(y)) < T * n
        model = IndependentRegressor("cv").fit(X[train], y[train], tasks[train])
        assert not model.at_bound_.any()
        error = (y - model.predict(X, tasks)) ** 2
        alphas = np.logspace(-8, 8, 33)
        for t in range(T):
            mine = train & (tasks == t)
            test = ~train & (tasks == t)
            for ridge in (
                RidgeCV(alphas),
                make_pipeline(StandardScaler(), RidgeCV(alphas)),
            ):
                other = ridge.fit(X[mine], y[mine]).predict(X[test])
                ratios.append(error[test].mean() / np.mean((y[test] - other) ** 2))
    assert np.mean(ratios[::2]) <= 1.02
    assert np.mean(ratios[1::2]) <= 1.02


@pytest.mark.parametrize("classify", [False, True])
def test_the_strength_of_all_tasks_or_of_each(classify):
    X, y, tasks = data(n=30, classify=classify)
    kind = IndependentClassifier if classify else IndependentRegressor
    common = kind("cv", cv=5, per_task=False).fit(X, y, tasks)
    each = kind("cv", cv=5).fit(X, y, tasks)
    curvature = [
        np.linalg.eigvalsh(np.cov(X[tasks == t].T, bias=True))[-1] for t in range(4)
    ]
    relative = common.alpha_ / curvature
    np.testing.assert_allclose(relative, relative[0], rtol=1e-6)
    either = kind("cv", cv=5, per_task="auto").fit(X, y, tasks)
    assert any(np.array_equal(either.alpha_, model.alpha_) for model in (common, each))
    with pytest.raises(ValueError, match="per_task must be"):
        kind("cv", per_task="all").fit(X, y, tasks)


@pytest.mark.slow
def test_a_common_strength_is_chosen_where_rows_are_few():
    """Choosing for each task is noise there: the other has the lower error."""
    better = []
    for seed in range(6):
        X, y, tasks = data(seed, n=12, T=15, d=8, noise=4.0)
        either = IndependentRegressor("cv", per_task="auto").fit(X, y, tasks)
        each = IndependentRegressor("cv").fit(X, y, tasks)
        new = data(seed, n=12, T=15, d=8, noise=0.0)[1]
        errors = [np.mean((new - m.predict(X, tasks)) ** 2) for m in (either, each)]
        better.append(errors[0] / errors[1])
    assert np.mean(better) < 0.97


@pytest.mark.slow
def test_unrelated_tasks_are_not_helped_by_a_short_grid():
    """Features of scales 1 to 1000: the grid of the baseline once ended too early."""
    rng = np.random.default_rng(0)
    T, n, d = 7, 60, 12
    s = np.logspace(3, 0, d)
    w = rng.normal(size=(T, d)) / s * np.r_[np.full(6, 0.1), np.full(6, 1.0)]
    X = rng.normal(size=(T * n, d)) * s
    tasks = np.repeat(np.arange(T), n)
    y = (X * w[tasks]).sum(axis=1) + 0.3 * rng.normal(size=T * n)
    model = L21RegressorCV(alphas=20)
    reports = [
        negative_transfer_report(model, X, y, tasks, cv=6, baseline=baseline)
        for baseline in (None, IndependentRegressor(1e-6))
    ]
    for report in reports:
        assert report.alone.count("helped") == 0
        assert not report.alone.refused.any()
    alone = [report.losses["alone"].mean() for report in reports]
    assert alone[0] <= 1.02 * alone[1]


def test_a_baseline_at_the_end_of_its_grid_judges_nothing():
    X, y, tasks = data(noise=0.01)
    short = L1RegressorCV(alphas=[3.0, 2.0, 1.0])
    with pytest.raises(ValueError, match="end of its grid in most splits"):
        negative_transfer_report(L21Regressor(0.1), X, y, tasks, cv=4, baseline=short)


# ------------------------------------------------------------------------ scoring


@pytest.mark.parametrize(
    "scoring", ["roc_auc", roc_auc_score, make_task_scorer("roc_auc")]
)
@pytest.mark.parametrize("form", ["long", "wide"])
@pytest.mark.filterwarnings("ignore:.*the best strength is")
@pytest.mark.slow
def test_scores_are_of_the_held_out_rows_of_all_folds(scoring, form):
    if callable(scoring) and scoring is roc_auc_score:
        scoring = make_task_scorer(roc_auc_score, response_method="decision_function")
    X, y, tasks = generated(True, n_tasks=3, n_features=5, n_samples=30, random_state=1)
    folds = TaskKFold(3, shuffle=True, random_state=0, stratify=True)
    splits = list(folds.split(X, y, tasks))
    given = (X, y, tasks)
    if form == "wide":
        X = X[:30]
        y = np.asarray(y).reshape(3, 30).T
        k = np.arange(30) % 3
        splits = [(np.flatnonzero(k != i), np.flatnonzero(k == i)) for i in range(3)]
        given = (X, y)
    model = L21ClassifierCV(
        alphas=[0.1, 0.03, 0.01], cv=splits, scoring=scoring, **TIGHT
    ).fit(*given)
    assert model.scores_path_.shape == (3, 1)
    assert model.task_scores_path_.shape == (3, 1, 3)
    for i, alpha in enumerate(model.alphas_):
        eta = np.empty(np.shape(y))
        for train, test in splits:
            parts = [a[train] for a in given]
            fitted = L21Classifier(alpha, **TIGHT).fit(*parts)
            labels = {} if form == "wide" else {"tasks": tasks[test]}
            eta[test] = fitted.decision_function(X[test], **labels)
        for t in range(3):
            mine = (slice(None), t) if form == "wide" else tasks == t
            assert model.task_scores_path_[i, 0, t] == pytest.approx(
                roc_auc_score(y[mine], eta[mine]), abs=0.01
            )
    np.testing.assert_allclose(
        model.scores_path_[:, 0], model.task_scores_path_[:, 0].mean(axis=-1)
    )
    assert model.alpha_ == model.alphas_[np.argmax(model.scores_path_)]


@pytest.mark.filterwarnings("ignore:.*the best strength is")
def test_a_score_that_the_null_model_does_not_define():
    X, y, tasks = generated(True, n_tasks=2, n_features=5, n_samples=20, random_state=1)
    y = X[:, 0] > 1.0  # a rare class, which is not predicted
    options = {"cv": TaskKFold(2, stratify=True), "scoring": "precision", "tol": 1e-2}
    model = L21ClassifierCV(alphas=[9.0, 1e-3, 1e-4], **options).fit(X, y, tasks)
    assert np.isnan(model.task_scores_path_[0]).all()
    assert np.all(np.isfinite(model.scores_path_))
    assert model.alpha_ < 9.0
    with pytest.raises(ValueError, match="not defined for what is held out"):
        L21ClassifierCV(alphas=[9.0, 8.0], **options).fit(X, y, tasks)


@pytest.mark.filterwarnings("ignore:.*the best strength is")
def test_errors_are_minimised_and_scores_are_not_by_fold():
    X, y, tasks = data()
    options = {"alphas": [1.0, 0.3, 0.1, 0.03, 0.01], "cv": 3}
    loss = L21RegressorCV(**options).fit(X, y, tasks)
    error = L21RegressorCV(**options, scoring="neg_mean_squared_error")
    error.fit(X, y, tasks)
    assert error.alpha_ == loss.alpha_
    assert not hasattr(error, "mse_path_")
    error.set_params(scoring=None).fit(X, y, tasks)
    assert not hasattr(error, "scores_path_")
    with pytest.raises(ValueError, match="1se"):
        error.set_params(scoring="r2", selection="1se").fit(X, y, tasks)
    with pytest.raises(ValueError, match="scoring must be"):
        error.set_params(scoring=3, selection="min").fit(X, y, tasks)


# ----------------------------------------------------------------- rare classes


@pytest.mark.parametrize("kind", ["L21", "TraceNorm", "TaskRelationship", "Dirty"])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.slow
def test_a_task_of_one_class_is_ranked_by_what_the_others_share(kind, scaled):
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(6), 40)
    X = rng.normal(size=(240, 4)) + 3.0
    truth = (X - 3.0) @ np.array([1, -1, 0.5, 0])
    y = truth + 0.3 * rng.normal(size=240) > 0
    seen = y.copy()
    seen[tasks == 5] = False
    model = getattr(linmtl, f"{kind}ClassifierCV")(
        alphas=5, cv=3, scale_features=scaled
    )
    with pytest.warns(UserWarning, match="single class.*: 5;"):
        model.fit(X, seen, tasks)
    mine = tasks == 5
    eta = model.decision_function(X[mine], tasks[mine])
    assert roc_auc_score(y[mine], eta) > 0.95
    # about the mean of its rows it predicts what it has seen
    assert eta.mean() == pytest.approx(-np.log(2 * 40 + 1))
    np.testing.assert_allclose(model.coef_[5], model.coef_[:5].mean(axis=0), rtol=1e-9)
    if kind == "Dirty":
        parts = sum(model.coef_components_.values())
        np.testing.assert_allclose(parts, model.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["Regressor", "Classifier"])
@pytest.mark.parametrize("name", ["MeanRegularized", "GraphRegularized"])
def test_features_that_are_constant_within_tasks_choose_nothing(name, kind):
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(6), 10)
    X = rng.normal(60.0, 10.0, size=(6, 2))[tasks]
    model = getattr(linmtl, f"{name}{kind}CV")(alphas=10)
    with pytest.warns(UserWarning, match="tells no strength from another"):
        model.fit(X, rng.normal(size=60) > 0, tasks)
    assert model.alpha_ > 1e-3
    assert np.abs(model.coef_).max() < 1e-6
