"""Paths and cross-validation: equal to cold fits and to loops written out by hand."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit, TimeSeriesSplit

import linmtl
from helpers.data import generated
from linmtl import (
    GraphRegularizedClassifier,
    GraphRegularizedRegressor,
    L1RegressorCV,
    L21Classifier,
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    MultiTaskClassifier,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    TraceNormRegressor,
    TraceNormRegressorCV,
)
from linmtl.datafits._gram import GramFit
from linmtl.datafits._make import Join
from linmtl.datafits._moments import Moments
from linmtl.datasets import make_multitask_regression
from linmtl.losses import LOSSES
from linmtl.model_selection import (
    LeaveOneTaskOut,
    TaskKFold,
    TaskShuffleSplit,
    _held_out,
)
from linmtl.model_selection._folds import fold_of_observations
from linmtl.model_selection._held_out import Parts, held_out_path, training_and_test
from linmtl.path import alpha_grid, mtl_path
from linmtl.penalties import (
    L1,
    L21,
    FusedSparseGroup,
    MeanRegularized,
    Ridge,
    TraceNorm,
)

TIGHT = {"tol": 1e-11, "max_iter": 100_000}


def ragged(seed=0, classify=False):
    options = {"n_tasks": 4, "n_features": 6, "n_samples": (20, 45), "bias": 2.0}
    X, y, tasks = generated(classify, **options, random_state=seed)
    order = np.random.default_rng(seed).permutation(len(y))
    return X[order] + 1.0, y[order], tasks[order]


def wide(missing, seed=0):
    X, Y = make_multitask_regression(
        n_tasks=3,
        n_features=5,
        n_samples=40,
        shared_X=True,
        layout="wide",
        bias=2.0,
        random_state=seed,
    )
    hole = np.random.default_rng(seed).random(Y.shape) < missing
    return X + 1.0, np.where(hole, np.nan, Y), None


PENALTIES = [
    L21(),
    L1(positive=True),
    TraceNorm(),
    MeanRegularized(alpha_mean=0.01),
    L1(0.5) + L21(1.0),
    L21(1.0) + Ridge(0.1),
]


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_path_equals_cold_fits(penalty, loss):
    X, y, tasks = ragged(classify=loss == "logistic")
    given = {"penalty": penalty, "loss": loss}
    alphas, coefs, gaps, intercepts = mtl_path(
        X, y, tasks, alphas=6, eps=0.02, return_intercepts=True, **given, **TIGHT
    )
    np.testing.assert_allclose(
        alphas, alpha_grid(X, y, tasks, n_alphas=6, eps=0.02, **given)
    )
    model = MultiTaskRegressor if loss == "squared" else MultiTaskClassifier
    for i in (1, 3, 5):
        if hasattr(penalty, "first"):
            strong = {
                f"{name}__alpha": alphas[i] * getattr(penalty, name).alpha
                for name in ("first", "second")
            }
        else:
            strong = {"alpha": alphas[i]}
        cold = model(clone(penalty), **TIGHT)
        cold.set_params(**{f"penalty__{k}": v for k, v in strong.items()})
        cold.fit(X, y, tasks)
        np.testing.assert_allclose(coefs[:, :, i], cold.coef_, atol=2e-4)
        np.testing.assert_allclose(intercepts[:, i], cold.intercept_, atol=2e-3)
        assert gaps[i] <= cold.tol_ * (1 + 1e-9)


@pytest.mark.parametrize("n", [39, 40, 48, 56, 57])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_a_task_without_training_rows_is_not_judged(n, loss):
    """Weights of 1/n do not sum to one exactly: rows are counted instead."""
    rng = np.random.default_rng(0)
    tasks = np.repeat([0, 1, 2], n)
    X = rng.normal(size=(3 * n, 3))
    y = X.sum(axis=1) + rng.normal(size=3 * n) + 100 * tasks
    fold = np.arange(3 * n) % 4
    fold[tasks == 2] = 0
    cv = PredefinedSplit(fold)
    if loss == "squared":
        model = MeanRegularizedRegressorCV(alphas=[1.0, 0.1], cv=cv).fit(X, y, tasks)
        losses, judged = model.task_mse_path_, model.mse_path_
        assert model.mse_path_.max() < 3.0
    else:
        y = rng.random(3 * n) < 0.5
        model = L21ClassifierCV(alphas=[0.1, 0.01], cv=cv).fit(X, y, tasks)
        losses, judged = model.task_scores_path_, model.scores_path_
    assert np.isnan(losses[..., 2]).all()
    assert not np.isnan(losses[..., :2]).any()
    assert not np.isnan(judged).any()
    splitters = [GroupKFold(3)]
    if loss != "squared":  # there the mean model is judged
        splitters.append(LeaveOneTaskOut())
    for splitter in splitters:
        with pytest.raises(ValueError, match=r"judges no task.*LeaveOneTaskOut"):
            type(model)(alphas=3, cv=splitter).fit(X, y, tasks)


def test_a_fold_that_judges_no_task_does_not_count():
    X, y, tasks = ragged()
    fold = np.where(tasks == np.unique(tasks)[0], 0, 1 + np.arange(len(y)) % 2)
    model = L21RegressorCV(alphas=4, cv=PredefinedSplit(fold)).fit(X, y, tasks)
    assert np.isnan(model.mse_path_[:, 0]).all()
    best = np.argmin(model.mse_path_[:, 1:].mean(axis=1))
    assert model.alpha_ == model.alphas_[best]
    model.set_params(selection="1se").fit(X, y, tasks)
    error = model.mse_path_[best, 1:].std(ddof=1) / np.sqrt(2)
    mean = model.mse_path_[:, 1:].mean(axis=1)
    assert model.alpha_ == model.alphas_[np.argmax(mean <= mean[best] + error)]


@pytest.mark.parametrize(
    "cv", [TimeSeriesSplit(3), TaskShuffleSplit(1, test_size=0.2, train_size=0.3)]
)
def test_splits_that_leave_rows_out_of_both_parts_are_refused(cv):
    """Models are trained on all rows that are not held out, whatever cv says."""
    X, y, tasks = ragged()
    with pytest.raises(ValueError, match="rows are in neither part of fold 0"):
        L21RegressorCV(alphas=3, cv=cv).fit(X, y, tasks)
    L21RegressorCV(alphas=3, cv=TaskShuffleSplit(1, test_size=0.2)).fit(X, y, tasks)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("data", [ragged(), wide(0.0), wide(0.2)])
def test_fold_gram_matrices_by_subtraction(data, fit_intercept):
    model = MultiTaskRegressor(fit_intercept=fit_intercept)
    problem = model._read_problem(*data, None)
    assert isinstance(problem.objective.fit, GramFit)
    data, loss = problem.data, LOSSES["squared"]()
    fold = fold_of_observations(problem.given, data, 4)
    for k, (fit, _) in enumerate(training_and_test(data, loss, Join.SUM, fold)):
        rows = replace(data, weight=np.where(fold == k, 0.0, data.weight))
        direct = Moments.of(rows).times(data.total / rows.total)
        for name in ("total", "x", "y", "H", "C", "square"):
            np.testing.assert_allclose(
                getattr(fit.moments, name),
                getattr(direct, name),
                atol=1e-12,
                err_msg=name,
            )


@pytest.mark.parametrize("loss", ["logistic", "poisson"])
@pytest.mark.parametrize("data", [ragged(), wide(0.2)])
def test_models_are_judged_together_as_each_is_alone(data, loss, monkeypatch):
    """Also where tasks of one class in training learn from the others, in pieces."""
    monkeypatch.setattr("linmtl.model_selection._held_out._MAX_TOGETHER", 40)
    X, y, *tasks = data
    labels = np.where(np.isnan(y), np.nan, y > np.nanmedian(y))
    kind = MultiTaskClassifier if loss == "logistic" else MultiTaskRegressor
    options = {} if loss == "logistic" else {"loss": loss}
    given = kind(**options)._read_problem(X, labels, *tasks, None).given
    data = given.data
    fold = fold_of_observations(given, data, 4)
    if given.layout == "long":  # the first task has one class in a training part
        first = slice(0, data.task_ptr[1])
        fold[first] = np.where(data.y[first] > 0, 0, 1)
    rng = np.random.default_rng(0)
    shape = 5, data.design.n_features, data.design.n_tasks
    W, b = rng.normal(size=shape), rng.normal(size=(5, shape[2]))
    W[:, :, 0] = 0.0
    for _, judge in training_and_test(data, LOSSES[loss](), Join.SUM, fold):
        each = [judge.losses(*model) for model in zip(W, b, strict=True)]
        np.testing.assert_allclose(judge.losses(W, b), each, rtol=1e-12)
        assert not np.isnan(each).all()


@pytest.mark.slow
@pytest.mark.parametrize("join", [Join.SUM, Join.ROOTS])
@pytest.mark.parametrize("tasks", [None, np.array([0, 2])])
def test_parts_serve_one_path_after_another(join, tasks, monkeypatch):
    """Those that are kept, of all tasks or some, are as good as made anew."""
    data = MultiTaskRegressor()._read_problem(*ragged(), None)
    fold = fold_of_observations(data.given, data.data, 4)
    settings = {"join": join, "n_samples": data.given.n_samples}

    def losses(parts):
        found = []
        for mean in (1e-3, 1.0):
            here = parts if tasks is None else parts.of_tasks(tasks)
            penalties = [MeanRegularized(alpha, mean) for alpha in (10.0, 0.1, 1e-3)]
            labels = data.columns if tasks is None else data.columns[tasks]
            path = held_out_path(here, penalties, labels, tol=1e-9, max_iter=10_000)
            found.append(path.losses)
        return np.array(found)

    kept = Parts(data.data, LOSSES["squared"](), fold, **settings)
    list(kept)
    monkeypatch.setattr(_held_out, "_MAX_NUMBERS", 0)
    anew = Parts(data.data, LOSSES["squared"](), fold, **settings)
    np.testing.assert_allclose(losses(kept), losses(anew), rtol=1e-6)


def by_hand(model, alphas, splits, X, y, tasks, loss_of):
    """Mean over tasks of the mean held-out loss, (n_alphas, n_folds)."""
    out = np.empty((len(alphas), len(splits)))
    for i, alpha in enumerate(alphas):
        for k, (train, test) in enumerate(splits):
            fitted = model.set_params(alpha=alpha).fit(X[train], y[train], tasks[train])
            loss = loss_of(fitted, X[test], y[test], tasks[test])
            out[i, k] = np.mean([loss[tasks[test] == t].mean() for t in fitted.tasks_])
    return out


def squared(model, X, y, tasks):
    return (y - model.predict(X, tasks)) ** 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "plain"),
    [
        (L21RegressorCV, L21Regressor),
        (TraceNormRegressorCV, TraceNormRegressor),
        (
            partial(MeanRegularizedRegressorCV, alpha_mean=1e-3),
            MeanRegularizedRegressor,
        ),
    ],
)
@pytest.mark.parametrize("own", [False, True], ids=["int", "splitter"])
def test_cv_is_the_loop_written_out(chosen, plain, own):
    X, y, tasks = ragged()
    splitter = KFold(4) if own else TaskKFold(4, shuffle=True, random_state=0)
    groups = {} if own else {"groups": tasks}
    splits = list(splitter.split(X, y, **groups))
    model = chosen(alphas=5, eps=0.02, cv=splitter if own else 4, **TIGHT)
    model.fit(X, y, tasks)
    expected = by_hand(plain(**TIGHT), model.alphas_, splits, X, y, tasks, squared)
    np.testing.assert_allclose(model.mse_path_, expected, rtol=1e-4)
    assert model.alpha_ == model.alphas_[np.argmin(expected.mean(axis=1))]
    refit = plain(model.alpha_, **TIGHT).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, refit.coef_, atol=1e-4)


def test_classifier_cv_is_the_loop_written_out():
    X, y, tasks = ragged(classify=True)
    splits = list(
        TaskKFold(3, shuffle=True, random_state=0, stratify=True).split(X, y, tasks)
    )

    def log_likelihood(model, X, y, tasks):
        return -np.logaddexp(0.0, -(2 * y - 1) * model.decision_function(X, tasks))

    model = L21ClassifierCV(alphas=4, eps=0.05, cv=3, **TIGHT).fit(X, y, tasks)
    expected = by_hand(
        L21Classifier(**TIGHT), model.alphas_, splits, X, y, tasks, log_likelihood
    )
    np.testing.assert_allclose(model.scores_path_, expected, rtol=1e-4)
    assert model.task_scores_path_.shape == (model.alphas_.size, 3, 4)


def test_task_with_one_class_in_a_training_part_is_judged_by_its_odds():
    rng = np.random.default_rng(0)
    tasks = np.repeat([0, 1], [40, 4])
    X = rng.normal(size=(44, 2))
    y = (X[:, 0] + rng.normal(size=44) > 0).astype(int)
    y[40:] = [1, 0, 0, 0]
    test = np.append(np.arange(20), 40)
    rest = np.setdiff1d(np.arange(44), test)
    splits = [(rest, test), (test, rest)]
    model = L21ClassifierCV(alphas=[0.1], cv=splits, tol=1e-8)
    scores = model.fit(X, y, tasks).task_scores_path_[0, :, 1]
    with pytest.warns(UserWarning, match="single class"):
        plain = L21Classifier(0.1, tol=1e-8).fit(X[rest], y[rest], tasks[rest])
    # three samples of class 0: log-odds -log(2 * 3 + 1); then one of class 1
    mean = X[rest][tasks[rest] == 1].mean(axis=0, keepdims=True)
    assert plain.decision_function(mean, [1]) == pytest.approx(-np.log(7))
    assert np.any(plain.coef_[0] != 0)  # which it has from the other task
    np.testing.assert_allclose(plain.coef_[1], plain.coef_[0])
    eta = plain.decision_function(X[[40]], [1])[0]
    assert scores[0] == pytest.approx(-np.logaddexp(0, -eta), rel=1e-4)


@pytest.mark.slow
def test_jobs_do_not_change_the_result():
    X, y, tasks = ragged()
    one = L21RegressorCV(alphas=5, cv=3).fit(X, y, tasks)
    two = L21RegressorCV(alphas=5, cv=3, n_jobs=2).fit(X, y, tasks)
    np.testing.assert_allclose(one.mse_path_, two.mse_path_, rtol=1e-12)


def test_one_standard_error_rule_takes_the_strongest_within_it():
    X, y, tasks = ragged()
    best = L1RegressorCV(alphas=30, cv=4).fit(X, y, tasks)
    model = L1RegressorCV(alphas=30, cv=4, selection="1se").fit(X, y, tasks)
    mean = best.mse_path_.mean(axis=1)
    error = best.mse_path_[np.argmin(mean)].std(ddof=1) / 2
    good = np.flatnonzero(mean <= mean.min() + error)
    assert model.alpha_ == model.alphas_[good[0]]
    assert model.alpha_ >= best.alpha_


def test_second_parameter_is_chosen_too():
    X, y, tasks = ragged()
    grid = [0.0, 0.05, 5.0]
    model = MeanRegularizedRegressorCV(alphas=4, alpha_mean=grid, cv=3)
    model.fit(X, y, tasks)
    assert model.mse_path_.shape == (3, 4, 3)
    each = [
        MeanRegularizedRegressorCV(alphas=4, alpha_mean=a, cv=3).fit(X, y, tasks)
        for a in grid
    ]
    np.testing.assert_allclose(model.mse_path_, [m.mse_path_ for m in each])
    best = min(each, key=lambda m: m.mse_path_.mean(axis=1).min())
    assert model.best_params_ == best.best_params_
    mixed = MultiTaskRegressorCV(
        L1(1.0) + L21(1.0), param_grid={"first__alpha": [0.1, 1.0]}, alphas=3, cv=3
    ).fit(X, y, tasks)
    assert mixed.mse_path_.shape == (2, 3, 3)
    assert set(mixed.best_params_) == {"first__alpha", "alpha"}


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_more_features_than_samples_in_all(alpha):
    """Coupled systems are solved in the span of the samples."""
    X, y, tasks = make_multitask_regression(
        n_tasks=4, n_features=60, n_samples=8, random_state=0
    )
    chain = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
    for graph in (None, chain):
        model = GraphRegularizedRegressor(graph, alpha=alpha).fit(X, y, tasks)
        assert model.solver_ == "direct"
        assert model.dual_gap_ <= 1e-10 * np.mean(y**2)
        slow = GraphRegularizedRegressor(
            graph, alpha=alpha, solver="apg", tol=1e-10, max_iter=100_000
        ).fit(X, y, tasks)
        np.testing.assert_allclose(model.coef_, slow.coef_, atol=1e-4)
    classifier = GraphRegularizedClassifier(chain, alpha=0.1, tol=1e-9)
    classifier.fit(X, y > np.median(y), tasks)
    assert classifier.dual_gap_ <= classifier.tol_


def test_folds_of_whole_tasks_judge_nothing():
    X, y, tasks = make_multitask_regression(random_state=0)
    model = L21RegressorCV(alphas=3, cv=LeaveOneTaskOut())
    with pytest.raises(ValueError, match="cv judges no task"):
        model.fit(X, y, tasks)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("MCP", {"gamma": 2.0}),
        ("SCAD", {"alpha_ridge": 0.1}),
        ("CappedL1", {"threshold": [0.5, 1.0]}),
        ("SparseLowRank", {"max_trace": [1.0, 3.0]}),
        ("SparseLowRank", {}),
        ("Dirty", {"norm": ["l2", "linf"]}),
        ("GroupL21", {"groups": np.arange(20) // 4}),
        ("NonconvexFusedGroup", {"form": [1, 2], "l1_weight": 0.5}),
    ],
)
@pytest.mark.slow
def test_best_parameters_make_the_plain_estimator(name, options):
    X, y, tasks = make_multitask_regression(n_tasks=4, random_state=0)
    cv = getattr(linmtl, f"{name}RegressorCV")
    chosen = cv(alphas=3, eps=0.1, cv=3, tol=1e-8, **options).fit(X, y, tasks)
    plain = getattr(linmtl, f"{name}Regressor")(**chosen.best_params_, tol=1e-8)
    plain.fit(X, y, tasks)
    assert plain.objective_ == pytest.approx(chosen.objective_, rel=1e-7)


@pytest.mark.slow
def test_changes_are_penalised_as_the_data_say():
    """Tasks that have nothing in common are not drawn together, in any units of y."""
    rng = np.random.default_rng(0)
    X, tasks = rng.standard_normal((60, 2)), np.repeat([0, 1, 2], 20)
    W = np.array([[1.0, 0.0], [0.0, -1.0], [1.0, 0.0]])
    y = np.sum(X * W[tasks], axis=1) + 0.2 * rng.standard_normal(60)
    cv = linmtl.NonconvexFusedGroupRegressorCV(alphas=2, eps=0.1, cv=2)
    fused = []
    for scale in (1.0, 100.0):
        cv.fit(X, scale * y, tasks)
        np.testing.assert_allclose(cv.coef_ / scale, W, atol=0.3)
        fused.append(cv.best_params_["alpha_fused"])
    assert fused[1] == pytest.approx(100.0 * fused[0])


@pytest.mark.slow
def test_form_without_a_penalty_of_its_own_on_changes_is_tried_once():
    X, y, tasks = make_multitask_regression(n_tasks=3, random_state=0)
    cv = linmtl.NonconvexFusedGroupRegressorCV(form=[1, 2], alphas=2, cv=2)
    assert 3 + 1 <= len(cv.fit(X[:, :2], y, tasks).alphas_) <= 6 + 1
    cv.set_params(form=2).fit(X[:, :2], y, tasks)
    assert cv.alphas_.ndim == 1


def test_penalty_of_the_generic_estimator():
    X, y, tasks = make_multitask_regression(n_tasks=4, random_state=0)
    chosen = linmtl.MultiTaskRegressorCV(L21() + Ridge(0.1), alphas=3, tol=1e-8)
    chosen.fit(X, y, tasks)
    again = linmtl.MultiTaskRegressor(chosen.penalty_, tol=1e-8).fit(X, y, tasks)
    np.testing.assert_allclose(again.coef_, chosen.coef_, atol=1e-6)
    assert chosen.penalty_.second.alpha == pytest.approx(0.1 * chosen.alpha_)


def test_paths_of_penalties_of_ones_own():
    """Constructors with other parameters, and with a number of them that is open."""

    class Open(L21):
        def __init__(self, alpha=1.0, **options):
            super().__init__(alpha, **options)

    class Fixed(L21):
        def __init__(self, alpha=1.0):
            super().__init__(alpha)

    X, y, tasks = make_multitask_regression(random_state=0)
    expected = mtl_path(X, y, tasks, penalty=L21(), alphas=3)
    for penalty in (Open(), Fixed()):
        found = mtl_path(X, y, tasks, penalty=penalty, alphas=3)
        for array, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(array, other)


def test_paths_of_ordered_tasks():
    X, y, tasks = make_multitask_regression(n_tasks=3, random_state=0)
    names = np.array(["late", "early", "middle"])[tasks]
    penalty = FusedSparseGroup(0.1, 0.1, 0.1)
    given = {"penalty": penalty, "alphas": 3, "tol": 1e-8}
    with pytest.raises(ValueError, match="task_order"):
        mtl_path(X, y, names, **given)
    order = ["early", "middle", "late"]
    alphas, coefs, _ = mtl_path(X, y, names, task_order=order, **given)
    ranked = np.array([2, 0, 1])[tasks]
    expected = mtl_path(X, y, ranked, **given)
    np.testing.assert_allclose(alphas, expected[0])
    np.testing.assert_allclose(coefs, expected[1], atol=1e-5)
