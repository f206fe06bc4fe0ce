"""Rows left out one by one, and degrees of freedom: those of fits without the rows."""

from functools import partial

import numpy as np
import pytest

import linmtl.model_selection._leave_one_out as module
import linmtl.model_selection._refits as refits
import linmtl.model_selection._row_race as race
from helpers.loops import looped
from linmtl import (
    ClusteredRegressorCV,
    GraphRegularizedRegressorCV,
    IndependentRegressor,
    L1ClassifierCV,
    L1RegressorCV,
    L21ClassifierCV,
    L21RegressorCV,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    MultiTaskClassifierCV,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    TaskQuadraticRegressorCV,
    TraceNormClassifierCV,
    TraceNormRegressorCV,
)
from linmtl.datasets import make_multitask_classification, make_multitask_regression
from linmtl.model_selection import LeaveOneTaskOut
from linmtl.model_selection._directions import Eigenvectors
from linmtl.model_selection._one_fit import one_fit
from linmtl.penalties import L1, L21, Linf1, MeanRegularized, Ridge, TraceNorm
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers._path import with_strength

pytestmark = pytest.mark.filterwarnings(  # of three strengths the best may be an end
    "ignore:.*the best strength is|.*chose the null model:UserWarning"
)
CHAIN = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
ALPHAS = [1.0, 0.1, 0.01]
EXACT = {"alphas": ALPHAS, "cv": "loo", "tol": 1e-10, "scale_features": False}
QUADRATIC = {
    "mean": partial(MeanRegularizedRegressorCV, alpha_mean=0.01),
    "mean free": partial(MeanRegularizedRegressorCV, alpha_mean=0.0),
    "mean strong": partial(MeanRegularizedRegressorCV, alpha_mean=2.0),
    "intercepts": partial(
        MeanRegularizedRegressorCV, alpha_mean=0.01, intercept_weight=0.3
    ),
    "intercepts, mean strong": partial(
        MeanRegularizedRegressorCV, alpha_mean=2.0, intercept_weight=1.0
    ),
    "graph": partial(GraphRegularizedRegressorCV, CHAIN, alpha_ridge=0.01),
    "ridge": TaskQuadraticRegressorCV,
    "form": partial(TaskQuadraticRegressorCV, np.eye(4) + CHAIN / 4),
}

OF_ROWS = {
    "L1": L1(),
    "positive": L1(positive=True),
    "L21": L21(),
    "both": L1(0.5) + L21(),
    "with ridge": L21() + Ridge(0.5),
    "L1 with ridge": L1() + Ridge(0.5),
}


def data(layout, n=(6, 14), d=3, seed=0, **options):
    shared = layout == "wide"
    options = {"n_informative": min(d, 3), "noise": 2.0, "bias": 2.0} | options
    return make_multitask_regression(
        n_tasks=4,
        n_features=d,
        n_samples=max(np.atleast_1d(n)) if shared else n,
        shared_X=shared,
        layout="wide" if shared else "long",
        random_state=seed,
        **options,
    )


def by_fits(model, monkeypatch):
    """Make a search fit models without each row, whatever the penalty."""
    monkeypatch.setattr(module, "lacks_curvature", lambda *_: "nothing")
    return model


@pytest.mark.product(
    name=list(QUADRATIC),
    layout=["long", "wide"],
    d=[3, 70],
    weights=[False, True],
    fit_intercept=[True, False],
    # with more features than rows a free mean explains them all
    where=lambda name, d, fit_intercept, **_: (
        (name != "mean free" or d == 3) and (fit_intercept or "intercepts" not in name)
    ),
    slow=lambda d, **_: d == 70,
)
def test_quadratic_penalties_are_exact(
    name, layout, d, weights, fit_intercept, monkeypatch
):
    X, y, *tasks = data(layout, d=d)
    weight = None
    if weights and layout == "long":
        weight = np.random.default_rng(1).uniform(0.5, 2.0, y.shape)
    model = QUADRATIC[name](**EXACT, fit_intercept=fit_intercept)
    arguments = X, y, *(tasks or [None]), weight
    model.fit(*arguments)
    found, freedom = model.task_mse_path_, model.degrees_of_freedom_
    expected = by_fits(model, monkeypatch).fit(*arguments).task_mse_path_
    assert found.shape == (3, 1, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert 0 < freedom < y.size


@pytest.mark.slow
def test_the_loop_written_out():
    X, y, tasks = data("long")
    model = MeanRegularizedRegressorCV(**EXACT, alpha_mean=0.01).fit(X, y, tasks)
    expected = np.empty((3, 4))
    for i, alpha in enumerate(ALPHAS):
        squares = np.empty(len(y))
        for k in range(len(y)):
            rest = np.arange(len(y)) != k
            plain = MeanRegularizedRegressor(alpha, 0.01, tol=1e-10)
            plain.fit(X[rest], y[rest], tasks[rest])
            squares[k] = (y[k] - plain.predict(X[[k]], tasks[[k]])[0]) ** 2
        expected[i] = [squares[tasks == t].mean() for t in model.tasks_]
    np.testing.assert_allclose(model.task_mse_path_[:, 0], expected, rtol=1e-7)
    assert model.alpha_ == ALPHAS[int(np.argmin(expected.mean(axis=1)))]


@pytest.mark.product(
    name=["mean", "mean free", "mean strong", "ridge"],
    d=[3, 20],
    fit_intercept=[True, False],
    where=lambda name, d, **_: name != "mean free" or d == 3,
)
def test_missing_labels_take_no_fits(name, d, fit_intercept, monkeypatch):
    X, Y = data("wide", d=d, n=14)
    Y[np.random.default_rng(0).random(Y.shape) < 0.3] = np.nan
    model = QUADRATIC[name](**EXACT, fit_intercept=fit_intercept)
    offset = np.linspace(0.0, 1.0, len(X))
    found = model.fit(X, Y, offset=offset).task_mse_path_
    assert hasattr(model, "degrees_of_freedom_")  # of one fit
    by_fits(model, monkeypatch)
    expected = model.fit(X, Y, offset=offset).task_mse_path_
    np.testing.assert_allclose(found, expected, rtol=1e-7)


@pytest.mark.slow
def test_degrees_of_freedom_with_missing_labels():
    """What the predictors change by with their labels."""
    X, Y = data("wide", d=2, n=8)
    Y[np.random.default_rng(0).random(Y.shape) < 0.3] = np.nan
    model = MeanRegularizedRegressorCV(**EXACT | {"alphas": [0.1]}, alpha_mean=0.02)
    plain = MeanRegularizedRegressor(0.1, 0.02, tol=1e-12)
    before, freedom = plain.fit(X, Y).predict(X), 0.0
    for i, t in np.argwhere(np.isfinite(Y)):
        moved = Y.copy()
        moved[i, t] += 1.0
        freedom += plain.fit(X, moved).predict(X)[i, t] - before[i, t]
    found = model.fit(X, Y).degrees_of_freedom_
    np.testing.assert_allclose(found, freedom, rtol=1e-6)


@pytest.mark.parametrize("missing", ["label", "weight"])
def test_rows_that_lack_labels_are_fitted_without(missing):
    X, Y = data("wide")
    weight = np.ones(Y.shape)
    if missing == "label":
        Y[3, 1] = np.nan
    else:
        weight[3, 1] = 2.0
    model = TaskQuadraticRegressorCV(**EXACT).fit(X, Y, None, weight)
    assert hasattr(model, "degrees_of_freedom_") == (missing == "label")
    alone = TaskQuadraticRegressorCV(**EXACT)
    column, kept = Y[:, 1], np.isfinite(Y[:, 1])
    alone.fit(X[kept], column[kept], None, weight[kept, 1])
    np.testing.assert_allclose(
        model.task_mse_path_[..., 1], alone.task_mse_path_[..., 0], rtol=1e-7
    )


NORMS = {
    "L21": L21RegressorCV,
    "L1": L1RegressorCV,
    "both": partial(MultiTaskRegressorCV, L1(0.5) + L21(1.0)),
    "ridge": partial(MultiTaskRegressorCV, L21(1.0) + Ridge(0.1)),
    "trace": TraceNormRegressorCV,
    "trace and ridge": partial(MultiTaskRegressorCV, TraceNorm(1.0) + Ridge(0.1)),
}


@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("name", NORMS)
@pytest.mark.slow
def test_norms_are_near(name, layout, monkeypatch):
    """Within a percent of fits without each row, where few features are in use."""
    given = data(layout, n=80, d=12)
    options = EXACT | {"alphas": [2.0, 1.0, 0.5], "tol": 1e-8}
    model = NORMS[name](**options).fit(*given)
    found = model.mse_path_[:, 0]
    expected = by_fits(model, monkeypatch).fit(*given).mse_path_[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0.01)


@pytest.mark.parametrize("name", ["L21", "both", "with ridge"])
@pytest.mark.slow
def test_where_one_step_is_sure_it_leads_to_the_fit_without_the_row(name, monkeypatch):
    X, y, tasks = data("long", (20, 30), 8, noise=4.0)
    alphas, told = [0.3, 0.1, 0.03], []

    def kept(*args, **options):
        told.append(one_fit(*args, **options))
        return told[-1]

    monkeypatch.setattr(module, "one_fit", kept)
    search = {"alphas": alphas, "cv": "loo", "tol": 1e-8, "scale_features": False}
    MultiTaskRegressorCV(OF_ROWS[name], **search).fit(X, y, tasks)
    order, errors = np.argsort(tasks, kind="stable"), []
    for k, alpha in enumerate(alphas):
        penalty = with_strength(OF_ROWS[name], alpha)
        rows = np.flatnonzero(told[0].sure[k])[::5]
        for row in order[rows]:
            rest = np.arange(len(y)) != row
            model = MultiTaskRegressor(penalty, tol=1e-8)
            model.fit(X[rest], y[rest], tasks[rest])
            exact = (y[row] - model.predict(X[[row]], tasks[[row]])[0]) ** 2
            step = (y[row] - told[0].eta[k, np.flatnonzero(order == row)[0]]) ** 2
            errors.append((step - exact) / np.mean((y - y.mean()) ** 2))
    assert len(errors) > 10
    assert np.max(np.abs(errors)) < 0.1
    assert abs(np.mean(errors)) < 0.005


def test_rows_that_one_step_is_sure_of_are_not_fitted(monkeypatch):
    X, y, tasks = make_multitask_regression(12, 5, 30, noise=2.0, random_state=0)
    rows = []

    def counted(self, problem, k, start=None):
        rows.append(k)
        return predictions(self, problem, k, start)

    predictions = refits.RowRefits.predictions
    monkeypatch.setattr(refits.RowRefits, "predictions", counted)
    model = L21RegressorCV(alphas=10, cv="loo").fit(X, y, tasks)
    assert model.alpha_ < model.alphas_[0]
    assert len(rows) < len(y) / 4


@pytest.mark.parametrize("cls", [L21RegressorCV, TraceNormRegressorCV])
@pytest.mark.slow
def test_norms_around_the_mean_are_near(cls, monkeypatch):
    given = data("long", n=20, d=2)
    options = EXACT | {"alphas": [1.0], "tol": 1e-6, "around": "mean"}
    model = cls(**options).fit(*given)
    found = model.mse_path_[:, 0]
    expected = by_fits(model, monkeypatch).fit(*given).mse_path_[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0.01)


@pytest.mark.parametrize(
    "cls",
    [
        L21ClassifierCV,
        partial(MeanRegularizedClassifierCV, alpha_mean=0.01),
        partial(MeanRegularizedClassifierCV, alpha_mean=0.01, intercept_weight=0.5),
    ],
)
@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.slow
def test_other_losses_are_near(cls, layout, monkeypatch):
    given = make_multitask_classification(
        n_tasks=3,
        n_features=4,
        n_informative=3,
        n_samples=50,
        shared_X=layout == "wide",
        layout=layout,
        random_state=0,
    )
    options = EXACT | {"alphas": [0.1, 0.03], "tol": 1e-8}
    model = cls(**options).fit(*given)
    found = model.scores_path_[:, 0]
    expected = by_fits(model, monkeypatch).fit(*given).scores_path_[:, 0]
    np.testing.assert_allclose(found, expected, rtol=0.01)


@pytest.mark.slow
def test_strengths_with_many_features_in_use_are_fitted_where_they_may_be_best(
    monkeypatch,
):
    given = data("long", n=12, d=10)
    options = EXACT | {"alphas": np.geomspace(2.0, 0.05, 8), "tol": 1e-7}
    model = L21RegressorCV(**options).fit(*given)
    found, alpha = model.mse_path_[:, 0], model.alpha_
    expected = by_fits(model, monkeypatch).fit(*given).mse_path_[:, 0]
    best = int(np.argmin(expected))
    np.testing.assert_allclose(found[best], expected[best], rtol=1e-3)
    assert alpha == model.alpha_


def test_of_few_rows_the_best_strength_is_the_best_of_fits(monkeypatch):
    """One step may be wrong by half at one strength, and right at the one beside it."""
    rng = np.random.default_rng(2)
    tasks = np.repeat(np.arange(3), rng.integers(4, 9, 3))
    X = rng.normal(size=(len(tasks), 3)) * [1.0, 10.0, 0.1]
    y = np.einsum("ij,ij->i", X, rng.normal(size=(3, 3))[tasks])
    y += rng.normal(size=len(y))
    options = EXACT | {"alphas": np.geomspace(3.0, 0.01, 12), "tol": 1e-7}
    model = L1RegressorCV(**options).fit(X, y, tasks)
    found, alpha = model.mse_path_[:, 0], model.alpha_
    expected = by_fits(model, monkeypatch).fit(X, y, tasks).mse_path_[:, 0]
    np.testing.assert_allclose(found.min(), expected.min(), rtol=1e-3)
    assert alpha == model.alpha_


@pytest.mark.product(
    penalty=list(OF_ROWS),
    layout=["long", "wide"],
    d=[3, 30],
    weights=[False, True],
    fit_intercept=[True, False],
)
def test_sweeps_from_the_fit_of_all_lead_to_those_without_each_row(
    penalty, layout, d, weights, fit_intercept, monkeypatch
):
    X, y, *tasks = data(layout, n=(5, 8), d=d)
    rng = np.random.default_rng(0)
    s = rng.uniform(0.5, 2.0, len(X)) if weights else None
    options = EXACT | {"alphas": [0.4, 0.1], "fit_intercept": fit_intercept}
    model = MultiTaskRegressorCV(OF_ROWS[penalty], **options)
    monkeypatch.setattr(module, "_MAX_IN_USE", -1.0)
    monkeypatch.setattr(race, "_FEW", 100)  # rows, that all are left out
    found = model.fit(X, y, *tasks, sample_weight=s).task_mse_path_
    expected = by_fits(model, monkeypatch).fit(X, y, *tasks, sample_weight=s)
    np.testing.assert_allclose(found, expected.task_mse_path_, rtol=1e-3)


CURVED = {
    "L1": L1(),
    "positive": L1(positive=True),
    "L21": L21(),
    "both": L1(0.5) + L21(),
    "L1 with ridge": L1() + Ridge(0.5),
    "ridge": Ridge(),
    "mean": MeanRegularized(1.0, 0.1),
}


def targets(loss, y, tasks=None):
    """Return targets that a loss takes, in the order of these in each task."""
    if tasks is not None:
        y = y - np.array([y[tasks == t].mean() for t in tasks])
    y = (y - y.mean(axis=0)) / y.std()
    if loss in ("logistic", "squared_hinge"):
        return (y > 0).astype(float)
    if loss == "poisson":
        return np.floor(np.exp(y / 2 + 1))
    return y + 3 * (y > 1)


@pytest.mark.product(
    penalty=list(CURVED),
    loss=["logistic", "squared_hinge", "poisson", "huber"],
    layout=["long", "wide"],
    d=[3, 12],
    fit_intercept=[True, False],
    where=lambda loss, d, fit_intercept, **_: (
        loss == "logistic" or (d == 3 and fit_intercept)
    ),
    slow=lambda loss, d, **_: loss != "logistic" or d == 12,
)
def test_curved_losses_of_few_rows_are_fitted_without_each(
    penalty, loss, layout, d, fit_intercept, monkeypatch
):
    X, y, *tasks = data(layout, n=(6, 8), d=d)
    y = targets(loss, y, *tasks)
    classify = loss in ("logistic", "squared_hinge")
    cls = MultiTaskClassifierCV if classify else MultiTaskRegressorCV
    options = EXACT | {"alphas": [0.1, 0.02], "tol": 1e-7, "loss": loss}
    model = cls(CURVED[penalty], **options, fit_intercept=fit_intercept)
    found = task_path(model.fit(X, y, *tasks))
    assert hasattr(model, "degrees_of_freedom_")
    expected = task_path(by_fits(model, monkeypatch).fit(X, y, *tasks))
    np.testing.assert_allclose(found, expected, rtol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("several", [False, True])
def test_few_rows_of_classes_are_fitted_without_each(several, monkeypatch):
    """Where no steps lead there, too."""
    X, y, tasks = three_classes(10)
    model = L21ClassifierCV(**EXACT | {"alphas": [0.1, 0.05], "tol": 1e-6})
    if not several:
        model = TraceNormClassifierCV(**EXACT | {"alphas": [0.1, 0.05], "tol": 1e-6})
        y = y > 0
    found = task_path(model.fit(X, y, tasks))
    expected = task_path(by_fits(model, monkeypatch).fit(X, y, tasks))
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_row_says_nothing_of_what_only_it_knows(monkeypatch):
    """More features than rows, and a mean without a penalty: models are not unique."""
    X, y, tasks = data("long", n=(4, 5), d=12)
    y = np.exp(targets("gamma", y, tasks) / 2)
    options = EXACT | {"alphas": [0.1], "loss": "gamma", "fit_intercept": False}
    model = MultiTaskRegressorCV(MeanRegularized(), **options | {"tol": 1e-6})
    found = task_path(model.fit(X, y, tasks))
    expected = task_path(by_fits(model, monkeypatch).fit(X, y, tasks))
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("loss", ["squared", "poisson"])
@pytest.mark.parametrize("penalty", [L21(), TraceNorm(), Linf1()])
def test_tasks_of_one_row_are_not_judged(penalty, loss):
    X, y = np.eye(3), np.arange(1.0, 4.0)
    model = MultiTaskRegressorCV(penalty, cv="loo", loss=loss, alphas=[0.1, 0.01])
    with pytest.raises(ValueError, match="cv judges no task"):
        model.fit(X, y, np.arange(3))


def test_quadratic_refits_are_for_strengths_that_may_be_best(monkeypatch):
    X, Y = data("wide", n=14)
    Y[np.random.default_rng(0).random(Y.shape) < 0.2] = np.nan
    options = EXACT | {"alphas": np.geomspace(3.0, 0.01, 40)}
    model = GraphRegularizedRegressorCV(CHAIN, alpha_ridge=0.01, **options)
    found, alpha = model.fit(X, Y).mse_path_, model.alpha_
    monkeypatch.setattr(module, "far_apart", lambda a: np.ones(a.size, dtype=bool))
    expected = model.fit(X, Y).mse_path_
    best = int(np.argmin(expected))
    assert alpha == model.alpha_
    np.testing.assert_allclose(found[best], expected[best], rtol=1e-6)
    np.testing.assert_allclose(found, expected, rtol=0.01)
    assert not np.allclose(found, expected, rtol=1e-12)


def task_path(model):
    """Return the losses of tasks along the path, or minus the scores."""
    [name] = [n for n in vars(model) if n.startswith("task_") and "_path_" in n]
    return getattr(model, name)


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_rows_that_move_most_say_what_all_do(layout, monkeypatch):
    """Some are fitted until that changes little; the others are as one step has it."""
    given = data(layout, n=16 if layout == "wide" else 9, d=12)
    options = EXACT | {"alphas": [0.5]}
    model = L21RegressorCV(**options)
    monkeypatch.setattr(module, "_MAX_IN_USE", -1.0)
    monkeypatch.setattr(race, "_FEW", 0)
    monkeypatch.setattr(race, "_FIRST", 2)
    without, fitted = refits.Problem.without, []

    def counted(*args):
        fitted.append(0)
        return without(*args)

    monkeypatch.setattr(refits.Problem, "without", counted)
    expected, n_rows = model.fit(*given).mse_path_, len(fitted)
    fitted.clear()
    monkeypatch.setattr(refits, "_LEAST_ROWS", 1)
    found = model.fit(*given).mse_path_
    assert 0 < len(fitted) < n_rows
    np.testing.assert_allclose(found, expected, rtol=0.01)


def test_penalties_without_second_derivatives_are_fitted_without_each_row():
    X, y, tasks = data("long", n=5)
    model = ClusteredRegressorCV(**EXACT | {"tol": 1e-6}).fit(X, y, tasks)
    assert model.mse_path_.shape == (3, 1)
    assert not hasattr(model, "degrees_of_freedom_")


@pytest.mark.parametrize("criterion", ["aic", "bic", "gcv"])
@pytest.mark.filterwarnings("ignore:.*tells no strength from another")
def test_targets_that_are_fitted_exactly_have_a_criterion(criterion):
    X, y, tasks = data("long", n=5)
    model = MeanRegularizedRegressorCV(alphas=ALPHAS, criterion=criterion)
    model.fit(X, np.ones(len(y)), tasks)
    np.testing.assert_allclose(model.predict(X, tasks), 1.0)


def test_a_task_of_one_row_is_not_judged():
    X, y, tasks = data("long")
    X, y, tasks = np.vstack([X, X[:1]]), np.append(y, 1.0), np.append(tasks, 9)
    model = MeanRegularizedRegressorCV(**EXACT, alpha_mean=0.01).fit(X, y, tasks)
    assert np.isnan(model.task_mse_path_[..., 4]).all()
    assert np.isfinite(model.mse_path_).all()


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("n", [(6, 14), (2, 4)])
@pytest.mark.parametrize("alpha_mean", [0.0, 0.01, 2.0])
# of tasks that share their rows the mean is that of models alone, at any strength
@pytest.mark.filterwarnings("ignore:.*tells no strength from another")
def test_tasks_left_out_are_predicted_by_the_mean_of_the_others(
    alpha_mean, n, layout, fit_intercept
):
    X, y, *tasks = data(layout, n=n)
    if layout == "wide":
        X, tasks = np.tile(X, (4, 1)), np.repeat(np.arange(4), len(X))
        y = y.T.ravel()
    else:
        tasks = tasks[0]
    options = {"fit_intercept": fit_intercept, "tol": 1e-10}
    cv = LeaveOneTaskOut()
    model = MeanRegularizedRegressorCV(
        alphas=ALPHAS, alpha_mean=alpha_mean, cv=cv, scale_features=False, **options
    ).fit(X, y, tasks)
    expected = np.empty((3, 4))
    for i, alpha in enumerate(ALPHAS):
        for t in range(4):
            rest = tasks != t
            plain = MeanRegularizedRegressor(
                alpha, alpha_mean, handle_unknown="mean", **options
            ).fit(X[rest], y[rest], tasks[rest])
            expected[i, t] = np.mean((y - plain.predict(X, tasks))[~rest] ** 2)
    np.testing.assert_allclose(model.task_mse_path_[:, 0], expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:.*tells no strength from another")
def test_tasks_of_a_wide_y_are_left_out_too():
    X, Y = data("wide")
    options = EXACT | {"alpha_mean": 0.01, "cv": LeaveOneTaskOut()}
    wide = MeanRegularizedRegressorCV(**options).fit(X, Y)
    X, tasks = np.tile(X, (4, 1)), np.repeat(np.arange(4), len(X))
    long = MeanRegularizedRegressorCV(**options).fit(X, Y.T.ravel(), tasks)
    np.testing.assert_allclose(wide.task_mse_path_, long.task_mse_path_)
    with pytest.raises(ValueError, match="judges no task"):
        L21RegressorCV(cv=LeaveOneTaskOut(), alphas=2).fit(*data("wide"))


@pytest.mark.parametrize("search", [{"cv": "loo"}, {"cv": LeaveOneTaskOut()}])
@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.filterwarnings("ignore:.*tells no strength from another")
def test_weights_of_features_are_squares_of_scales(search, layout):
    X, y, *tasks = data(layout)
    weight = np.array([0.5, 2.0, 4.0])
    options = EXACT | {"alpha_mean": 0.01} | search
    model = MeanRegularizedRegressorCV(**options, feature_weight=weight)
    found = model.fit(X, y, *tasks).mse_path_
    plain = MeanRegularizedRegressorCV(**options).fit(X / np.sqrt(weight), y, *tasks)
    np.testing.assert_allclose(found, plain.mse_path_)


def test_scorers_score_tasks_left_out():
    X, y, tasks = data("long")
    options = {"alphas": ALPHAS, "alpha_mean": 0.01, "cv": LeaveOneTaskOut()}
    by_loss = MeanRegularizedRegressorCV(**options).fit(X, y, tasks)
    scoring = "neg_mean_squared_error"
    model = MeanRegularizedRegressorCV(**options, scoring=scoring).fit(X, y, tasks)
    np.testing.assert_allclose(
        -model.task_scores_path_, by_loss.task_mse_path_, rtol=1e-8
    )


def test_scorers_score_rows_left_out():
    X, y, tasks = data("long")
    options = EXACT | {"alpha_mean": 0.01}
    model = MeanRegularizedRegressorCV(**options, scoring="neg_mean_squared_error")
    by_loss = MeanRegularizedRegressorCV(**options).fit(X, y, tasks)
    model.fit(X, y, tasks)
    np.testing.assert_allclose(
        -model.task_scores_path_, by_loss.task_mse_path_, rtol=1e-10
    )


@pytest.mark.parametrize("criterion", ["aic", "bic", "gcv"])
@pytest.mark.slow
def test_degrees_of_freedom_are_those_of_the_fitted_values(criterion):
    """Stein: the sum of the derivatives of fitted values in their targets."""
    X, y, tasks = data("long", n=8)
    options = {"alphas": [0.3], "tol": 1e-11, "scale_features": False}
    model = L21RegressorCV(criterion=criterion, **options).fit(X, y, tasks)
    step, total = 1e-5, 0.0
    for k in range(len(y)):
        moved = y.copy()
        moved[k] += step
        other = L21RegressorCV(criterion=criterion, **options).fit(X, moved, tasks)
        ends = [m.predict(X[[k]], tasks[[k]])[0] for m in (other, model)]
        total += (ends[0] - ends[1]) / step
    assert model.degrees_of_freedom_ == pytest.approx(total, rel=1e-3)
    n, f = len(y), model.degrees_of_freedom_
    mse = np.mean((y - model.predict(X, tasks)) ** 2)
    expected = {
        "aic": n * np.log(mse) + 2 * f,
        "bic": n * np.log(mse) + f * np.log(n),
        "gcv": mse / 2 / (1 - f / n) ** 2,
    }
    assert model.criterion_path_ == pytest.approx([expected[criterion]])
    assert not hasattr(model, "mse_path_")


@pytest.mark.parametrize("criterion", ["aic", "bic", "gcv"])
@pytest.mark.parametrize("cls", [L21RegressorCV, MeanRegularizedRegressorCV])
@pytest.mark.slow
def test_criteria_choose_well(cls, criterion):
    """The error on rows never seen is near the least of all strengths."""
    X, y, tasks = data("long", n=400, d=8, noise=5.0)
    train = np.arange(len(y)) % 8 == 0
    model = cls(criterion=criterion).fit(X[train], y[train], tasks[train])

    def error(fitted):
        return np.mean((y - fitted.predict(X, tasks))[~train] ** 2)

    by_folds = cls().fit(X[train], y[train], tasks[train])
    assert error(model) <= 1.15 * error(by_folds)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (L21RegressorCV, {"criterion": "cp"}, "criterion must be"),
        (L21RegressorCV, {"cv": "loo", "selection": "1se"}, "1se.* needs folds"),
        (L21RegressorCV, {"criterion": "aic", "scoring": "r2"}, "both choose"),
        (ClusteredRegressorCV, {"criterion": "aic"}, "aic.* needs a quadratic penalty"),
        (L21RegressorCV, {"criterion": "aic", "loss": "huber"}, "of a likelihood"),
        (
            L21RegressorCV,
            {"criterion": "aic", "task_weight": "minimax"},
            "sum of the tasks",
        ),
        (L21RegressorCV, {"cv": "all"}, "for the ...CV estimators also 'loo'"),
    ],
)
def test_what_is_not_allowed(cls, options, message):
    with pytest.raises(ValueError, match=message):
        cls(**options).fit(*data("long"))


# --- many tasks on the same rows

FORMS = {
    "ridge": QuadraticForm(5, ridge=0.3),
    "ridge by task": QuadraticForm(5, ridge=np.arange(5.0)),
    "mean": QuadraticForm(5, ridge=0.1, centred=2.0, mean=0.5),
    "one task": QuadraticForm(1, ridge=0.1, mean=0.5),
}


@looped("kind", FORMS)
def test_eigenvectors_that_are_known_are_those(kind):
    basis = Eigenvectors.of([FORMS[kind]] * 2)
    K, T = FORMS[kind].dense(), FORMS[kind].n_tasks
    V = basis.along(np.eye(T))
    found = (V * basis.eigenvalue[:, None]) @ V.transpose(0, 2, 1)
    np.testing.assert_allclose(found, [K, K], atol=1e-12)
    np.testing.assert_allclose(basis.back(V), [np.eye(T)] * 2, atol=1e-12)
    value = np.random.default_rng(0).uniform(size=(2, T))
    diagonal = np.einsum("ftk,fk->ft", V**2, value)
    np.testing.assert_allclose(basis.of_tasks(value), diagonal, atol=1e-12)


@pytest.mark.parametrize(
    "model",
    [
        IndependentRegressor("cv"),
        MeanRegularizedRegressorCV(alphas=3, alpha_mean=0.1, cv="loo"),
    ],
)
def test_no_matrix_of_the_tasks_where_all_are_alike(model, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    monkeypatch.delattr(QuadraticForm, "dense")
    model.fit(X, X[:, :1] + rng.normal(size=(20, 4)))


def three_classes(n, n_tasks=2, d=3):
    """Return tasks that are alike, with three classes that overlap."""
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(n_tasks), n)
    X = rng.normal(size=(tasks.size, d)) + 1.0
    W = rng.normal(size=(d, 3)) + 0.3 * rng.normal(size=(n_tasks, d, 3))
    eta = np.einsum("nd,ndk->nk", X, W[tasks]) + 2.5 * rng.gumbel(size=(tasks.size, 3))
    return X, (eta - eta.mean(axis=0)).argmax(axis=1), tasks


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_two_of_several_classes_are_two_classes(fit_intercept, monkeypatch):
    """Two columns of opposite sign are one of twice the size, and half the strength."""
    monkeypatch.setattr(module, "_FEW_UNITS", 0)  # one step for both
    monkeypatch.setattr(module, "_MAX_IN_USE", np.inf)
    X, y, tasks = three_classes(25)
    y = np.where(tasks == 0, y % 2, 1 + y % 2)  # 0 and 1, 1 and 2
    options = {"cv": "loo", "tol": 1e-10, "scale_features": False}
    options |= {"fit_intercept": fit_intercept}
    several, two = (
        MultiTaskClassifierCV(Ridge(), alphas=[alpha], **options)
        for alpha in (0.1, 0.05)
    )
    several.fit(X, y, tasks)
    assert several.classes_.size == 3
    freedom = 0.0
    for t, score in enumerate(several.task_scores_path_[0, 0]):
        two.fit(X[tasks == t], y[tasks == t])
        assert score == pytest.approx(two.scores_path_[0, 0], rel=1e-5)
        freedom += two.degrees_of_freedom_
    assert several.degrees_of_freedom_ == pytest.approx(freedom, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "alpha"),
    [
        (partial(MultiTaskClassifierCV, Ridge()), 0.1),
        (partial(MeanRegularizedClassifierCV, alpha_mean=0.01), 0.1),
        (L21ClassifierCV, 0.06),
        (L1ClassifierCV, 0.05),
        (TraceNormClassifierCV, 0.08),
    ],
)
def test_several_classes_are_near_refits(kind, alpha, monkeypatch):
    X, y, tasks = three_classes(60)
    monkeypatch.setattr(module, "_unsure", lambda *_: np.zeros(1, dtype=bool))
    model = kind(alphas=[alpha], cv="loo", tol=1e-9).fit(X, y, tasks)
    rows = np.arange(y.size)
    loo = [(np.delete(rows, i), rows[[i]]) for i in rows]
    exact = kind(alphas=[alpha], cv=loo, tol=1e-9).fit(X, y, tasks)
    one, all_ = (np.nanmean(m.task_scores_path_, axis=1) for m in (model, exact))
    np.testing.assert_allclose(one, all_, rtol=0.01)
    assert model.coef_.any()


def test_criteria_of_several_classes():
    """By the likelihood of a row, and the parameters of all classes but one."""
    X, y, tasks = three_classes(60)
    kind = partial(MultiTaskClassifierCV, Ridge(), alphas=[1e-7], tol=1e-10)
    found = {c: kind(criterion=c).fit(X, y, tasks) for c in ("aic", "bic", "gcv")}
    free = found["aic"].degrees_of_freedom_
    assert free == pytest.approx(2 * 2 * (3 + 1), rel=1e-3)
    p = found["aic"].predict_proba(X, tasks)[np.arange(y.size), y]
    loss = -np.log(p).mean()
    expected = {
        "aic": 2 * y.size * loss + 2 * free,
        "bic": 2 * y.size * loss + np.log(y.size) * free,
        "gcv": loss / (1 - free / y.size) ** 2,
    }
    for name, value in expected.items():
        assert found[name].criterion_path_[0] == pytest.approx(value, rel=1e-6)


@pytest.mark.slow
def test_what_one_fit_does_not_tell_of_classes_is_refitted():
    """Rows that tasks share, and weights of features."""
    X, y, _ = three_classes(12)
    Y = np.column_stack([y, y[::-1]]).astype(float)
    model = MeanRegularizedClassifierCV(alphas=[0.1], alpha_mean=0.1, cv="loo")
    assert np.isfinite(model.fit(X, Y).scores_path_).all()
    with pytest.raises(ValueError, match="criterion='aic' needs positive and finite"):
        model.set_params(criterion="aic", feature_weight=[1, 2, 3]).fit(X, Y)
    assert model.set_params(feature_weight=None).fit(X, Y).degrees_of_freedom_ > 0


def test_the_only_row_of_its_class_is_not_left_out():
    """Nothing would be known of the class without it."""
    X, y, tasks = three_classes(20)
    y[tasks == 1] %= 2
    model = MeanRegularizedClassifierCV(alphas=[0.1], alpha_mean=0.1, cv="loo")
    before = model.fit(X, y, tasks).scores_path_[0, 0]
    y[-1] = 2
    after = model.fit(X, y, tasks)
    assert after.scores_path_[0, 0] == pytest.approx(before, abs=0.1)


@pytest.mark.filterwarnings("error")
def test_several_classes_may_have_nothing_in_use():
    X, y, tasks = three_classes(12)
    model = L21ClassifierCV(alphas=[1e3, 0.1], cv="loo", fit_intercept=False)
    model.fit(X, y, tasks)
    # without features and intercepts all classes are alike
    np.testing.assert_allclose(model.task_scores_path_[0], -np.log(3))


def many_features(layout, seed, noise, n, d):
    """Return data with about as many features as rows."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    Y = X[:, :6] @ rng.standard_normal((6, 2)) + noise * rng.standard_normal((n, 2))
    if layout == "wide":
        return X, Y
    tasks = np.arange(n) % 2
    return X, Y[np.arange(n), tasks], tasks


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("L1", ("wide", 0, 0.5, 30, 30)),
        ("L21", ("wide", 2, 2.0, 30, 30)),
        ("both", ("wide", 1, 2.0, 30, 30)),
        ("L1", ("long", 0, 0.5, 40, 30)),
    ],
)
def test_of_many_features_the_best_strength_is_that_of_fits(name, given, monkeypatch):
    """One step is far too high at the strengths that are best there."""
    data = many_features(*given)
    options = EXACT | {"alphas": 10, "tol": 1e-4}
    model = NORMS[name](**options).fit(*data)
    found, alpha = model.mse_path_[:, 0], model.alpha_
    exact = by_fits(model, monkeypatch).fit(*data).mse_path_[:, 0]
    at = int(np.flatnonzero(model.alphas_ == alpha)[0])
    assert exact[at] <= 1.01 * exact.min()
    np.testing.assert_allclose(found[at], exact[at], rtol=0.01)


@pytest.mark.slow
def test_fits_without_some_rows_tell_most_strengths(monkeypatch):
    """What is far from the best is not fitted without each row."""
    given, fitted = many_features("wide", 0, 0.5, 60, 60), []
    fit = race.RowRace._fit

    def counted(self, alive, rows):
        fitted.append(alive.size * rows.size)
        fit(self, alive, rows)

    monkeypatch.setattr(race.RowRace, "_fit", counted)
    L1RegressorCV(**EXACT | {"alphas": 30, "tol": 1e-3}).fit(*given)
    assert 0 < sum(fitted) < 7 * 60


def test_beyond_what_is_known_values_stay():
    values, known = np.array([0.0, 2.0, 0.0, 4.0, 0.0]), np.array([0, 1, 0, 1, 0]) > 0
    found = race.on_lines(values, known, np.array([5.0, 4.0, 3.0, 2.0, 1.0]))
    np.testing.assert_array_equal(found, [2.0, 2.0, 3.0, 4.0, 4.0])


@pytest.mark.parametrize("seed", [4, 26])
def test_losses_do_not_seem_to_fall_beyond_the_best(seed):
    """Of strengths that a few rows rule out, these rows do not say how bad they are.

    The grid went on where the losses of two such strengths fell by chance.
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(120, 40)) * np.logspace(0, -2, 40)
    y, tasks = X[:, :5].sum(axis=1) + 2.0 * rng.normal(size=120), np.arange(120) // 40
    model = L21RegressorCV(cv="loo", alphas=20, scale_features=False).fit(X, y, tasks)
    assert model.alphas_.size == 20
    beyond = model.mse_path_[np.argmin(model.mse_path_) :]
    assert np.all(beyond >= np.maximum.accumulate(beyond) * (1 - 0.05))
