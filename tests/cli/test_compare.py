"""The comparison of models: what it chooses and what it counts."""

import json
from dataclasses import replace

import numpy as np
import pytest

import linmtl
from helpers.data import generated
from linmtl import (
    IndependentRegressor,
    L21ClassifierCV,
    L21Regressor,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    MixedEffectsRegressor,
    PooledClassifier,
    PooledRegressor,
    TaskScaler,
    TraceNormClassifier,
)
from linmtl.auto._leaderboard import Units
from linmtl.auto._weights import Rows
from linmtl.cli._auto import _honest, auto_choice
from linmtl.cli._compare import compare, transfer_report
from linmtl.cli._html import to_html
from linmtl.cli._json import plain, to_json
from linmtl.cli._models import EPS, MODELS, N_ALPHAS, TOL, make_model
from linmtl.cli._page import Origin, blocks_of
from linmtl.cli._prepare import split_rows
from linmtl.cli._report import number, percent, render, verdict
from linmtl.cli._results import Comparison, ModelResult
from linmtl.data._errors import InputError
from linmtl.datasets import (
    load_heart_disease,
    make_multitask_classification,
    make_multitask_regression,
)
from linmtl.losses import Logistic, Squared
from linmtl.model_selection import TaskKFold, TaskShuffleSplit
from linmtl.path import alpha_grid
from linmtl.penalties import MeanRegularized
from linmtl.transfer import negative_transfer_report


@pytest.fixture(scope="module")
def regression():
    return make_multitask_regression(
        n_tasks=5, n_samples=(20, 40), n_features=6, random_state=0
    )


@pytest.fixture(scope="module")
def compared(regression):
    return compare(*regression, models=MODELS)


@pytest.fixture(scope="module")
def classified():
    X, y, tasks = load_heart_disease(return_X_y=True)
    return compare(X, y, tasks, models=("trace", "pooled"), classify=True)


def split(X, y, tasks, stratify=False):
    splitter = TaskShuffleSplit(1, train_size=0.5, stratify=stratify, random_state=0)
    return next(splitter.split(X, y, groups=tasks))


@pytest.mark.parametrize(
    ("name", "estimator", "settings"),
    [
        ("pooled", PooledRegressor, {"task_intercepts": True}),
        ("l21", L21Regressor, {}),
        ("mean", MeanRegularizedRegressor, {}),
        ("independent", IndependentRegressor, {}),
    ],
)
@pytest.mark.slow
def test_regression_is_what_the_public_estimators_give(
    regression, compared, name, estimator, settings
):
    X, y, tasks = regression
    train, test = split(X, y, tasks)
    scaler = TaskScaler().fit(X[train])
    found = next(m for m in compared.models if m.name == name)
    assert found.estimator == estimator.__name__
    model = estimator(alpha=found.alpha, tol=TOL, **found.second, **settings)
    model.fit(scaler.transform(X[train]), y[train], tasks[train])
    prediction = model.predict(scaler.transform(X[test]), tasks[test])
    residual = y[test] - prediction
    r2 = 1 - np.mean(residual**2) / np.var(y[test])
    assert found.score == pytest.approx(r2, rel=1e-4)
    total = 0.0
    for t, label in enumerate(compared.tasks):
        rows = tasks[test] == label
        assert compared.n_test[t] == rows.sum()
        assert found.task_loss[t] == pytest.approx(
            np.mean(residual[rows] ** 2), rel=1e-3
        )
        total += rows.sum() * np.var(y[test][rows])
    assert found.within == pytest.approx(1 - residual @ residual / total, rel=1e-3)


@pytest.mark.slow
def test_classification_is_what_the_public_estimators_give():
    X, y, tasks = make_multitask_classification(
        n_tasks=4, n_samples=40, n_features=5, random_state=1
    )
    y = (y == np.unique(y)[1]).astype(int)
    found = compare(X, y, tasks, models=["trace"], classify=True).sharing
    assert found.name == "trace"
    train, test = split(X, y, tasks, stratify=True)
    scaler = TaskScaler().fit(X[train])
    model = TraceNormClassifier(alpha=found.alpha, tol=TOL)
    model.fit(scaler.transform(X[train]), y[train], tasks[train])
    p = model.predict_proba(scaler.transform(X[test]), tasks[test])
    loss = -np.log(p[np.arange(len(test)), y[test]])
    mean = [np.mean(loss[tasks[test] == label]) for label in np.unique(tasks)]
    assert found.within == pytest.approx(np.mean(mean), rel=1e-3)
    accuracy = np.mean(p.argmax(axis=1) == y[test])
    assert found.score == pytest.approx(accuracy)


def training_rows(X, y, tasks, classify=False):
    """Return the training part as the comparison prepares it."""
    data = split_rows(
        X, y, tasks, classify=classify, train_size=0.5, random_state=0, cv=5
    )
    return data.X_train, data.y_train, data.tasks_train


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.parametrize(
    ("name", "estimator"),
    [
        ("l21", "L21"),
        ("l1", "L1"),
        ("trace", "TraceNorm"),
        ("mean", "MeanRegularized"),
        ("graph", "GraphRegularized"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*the best alpha_mean is the largest tried")
@pytest.mark.slow
def test_strengths_are_those_of_the_cv_estimators(name, estimator, classify):
    options = {"n_tasks": 4, "n_samples": (30, 50), "n_features": 5}
    X, y, tasks = generated(classify, **options, random_state=2)
    found = compare(X, y, tasks, models=[name], classify=classify).sharing
    kind = "ClassifierCV" if classify else "RegressorCV"
    # their second strengths too, which go on where the best one ends them
    model = getattr(linmtl, estimator + kind)(alphas=N_ALPHAS, eps=EPS, cv=5, tol=TOL)
    model.fit(*training_rows(X, y, tasks, classify))
    assert found.name == name
    assert {"alpha": found.alpha, **found.second}.items() <= model.best_params_.items()
    assert model.alphas_.min() <= found.alpha < model.alphas_.max()  # no second grid


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.slow
def test_pooled_strength_is_that_of_a_loop(classify):
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(4), [12, 20, 40, 60])
    X = rng.normal(size=(tasks.size, 8))
    y = X[:, 0] + tasks % 2 + 2 * rng.normal(size=tasks.size)
    y = (y > 0.5).astype(int) if classify else y
    found = compare(X, y, tasks, models=["pooled"], classify=classify).sharing
    assert found.estimator == ("PooledClassifier" if classify else "PooledRegressor")
    X, y, tasks = training_rows(X, y, tasks, classify)
    folds = TaskKFold(5, shuffle=True, random_state=0, stratify=classify)

    def held_out(alpha):
        kind = PooledClassifier if classify else PooledRegressor
        model = kind(alpha, task_intercepts=True, tol=TOL)
        means = []
        for train, test in folds.split(X, y, tasks):
            model.fit(X[train], y[train], tasks[train])
            if classify:
                sign = np.where(y[test] > 0, -1, 1)
                eta = model.decision_function(X[test], tasks[test])
                loss = np.logaddexp(0.0, sign * eta)
            else:
                loss = (y[test] - model.predict(X[test], tasks[test])) ** 2
            means.append(np.mean([loss[tasks[test] == t].mean() for t in model.tasks_]))
        return np.mean(means)

    step = 10 ** (6 / (N_ALPHAS - 1))
    best = held_out(found.alpha)
    assert best <= held_out(found.alpha * step)
    assert best <= held_out(found.alpha / step)


@pytest.mark.slow
def test_report_tunes_every_model_in_each_split(regression, monkeypatch):
    """Strengths chosen in the comparison have seen rows that are tested here."""
    compared = compare(*regression, models=["mean"])
    seen = {}

    def spy(model, *data, **settings):
        seen.update(settings, model=model)
        return negative_transfer_report(model, *data, **settings)

    monkeypatch.setattr("linmtl.cli._compare.negative_transfer_report", spy)
    report = transfer_report(compared, n_repeats=1)
    assert isinstance(seen["model"], MeanRegularizedRegressorCV)
    assert isinstance(seen["pooled"], PooledRegressor)
    assert seen["pooled"].task_intercepts
    assert hasattr(seen["pooled"], "alphas")  # to choose from
    assert "baseline" not in seen  # the default is tuned
    assert report.model == "MeanRegularizedRegressor"
    assert len(report.losses["model"]) == 5
    assert report.method == "clt"


@pytest.mark.slow
def test_second_strength_follows_the_data():
    """Weak on the mean where the tasks are alike, strong where their mean is zero."""
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(6), 40)
    X = rng.normal(size=(240, 5))
    noise = 0.1 * rng.normal(size=240)
    w = rng.normal(size=5)
    alike = compare(X, X @ w + noise, tasks, models=["mean"]).sharing
    sign = np.where(tasks % 2 == 0, 1.0, -1.0)
    opposed = compare(X, sign * (X @ w) + noise, tasks, models=["mean"]).sharing
    assert opposed.second["alpha_mean"] > 100 * alike.second["alpha_mean"]


@pytest.mark.slow
def test_second_strength_is_told(compared):
    mean = next(m for m in compared.models if m.name == "mean")
    graph = next(m for m in compared.models if m.name == "graph")
    text = " ".join(render(compared, "title").split())
    for model, parameter in ((mean, "alpha_mean"), (graph, "alpha_ridge")):
        chosen = number(model.second[parameter])
        assert f"({parameter} = {chosen}, chosen with alpha)" in text
    result = {m["model"]: m for m in to_json(compared, {})["models"]}
    assert result["mean"]["alpha_mean"] == mean.second["alpha_mean"]
    assert "alpha_mean" not in result["l21"]


@pytest.mark.slow
def test_every_model_is_certified(compared, classified):
    for comparison in (compared, classified):
        for model in comparison.models:
            assert model.certified
            assert 0 <= model.gap <= model.tol * (1 + 1e-6)


@pytest.mark.slow
def test_models_and_counts(compared):
    assert [m.name for m in compared.models] == list(MODELS)
    for model in compared.models:
        better, equal, worse = compared.against_alone(model)
        assert better + equal + worse == 5
    assert compared.against_alone(compared.alone) == (0, 5, 0)


@pytest.mark.slow
def test_heart_disease(classified):
    assert [m.name for m in classified.models] == ["independent", "trace", "pooled"]
    assert any("replaced by the median" in note for note in classified.notes)
    assert all(m.within < 0.6 for m in classified.models)
    text = render(classified, "title")
    assert "loss within" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.slow
def test_same_numbers_for_the_same_seed(regression, compared):
    again = compare(*regression, models=["l21"])
    other = compare(*regression, models=["l21"], random_state=1)
    first = next(m for m in compared.models if m.name == "l21")
    assert again.sharing.alpha == first.alpha
    assert again.sharing.score == first.score
    assert other.sharing.score != first.score


@pytest.mark.slow
def test_missing_constant_and_empty_features(regression):
    X, y, tasks = regression
    X = X.copy()
    X[::7, 0] = np.nan
    X[:, 1] = 3.0
    X[:, 2] = np.nan
    X[:, 3] = np.searchsorted(np.unique(tasks), tasks)  # one value per task
    names = list("abcdef")
    found = compare(X, y, tasks, models=["l21"], feature_names=names)
    assert found.feature_names == ["a", "e", "f"]
    text = "\n".join(found.notes)
    assert "no value in training: c" in text
    assert "one value in training: b" in text
    assert "one value per task in training: d; an intercept" in text
    assert "'global', which has none, would use them (--models)" in text
    assert f"({len(X[::7])}): a" in text


@pytest.mark.slow
def test_small_tasks(regression):
    X, y, tasks = regression
    labels = np.unique(tasks)
    rows = np.concatenate(
        [np.flatnonzero(tasks == label)[:5] for label in labels[:-1]]
        + [np.flatnonzero(tasks == labels[-1])[:1]]
    )
    found = compare(X[rows], y[rows], tasks[rows], models=["mean"])
    assert found.cv == 2
    text = "\n".join(found.notes)
    assert f"in training only (1): {labels[-1]}" in text
    assert "with 2 folds" in text
    assert sum(found.against_alone(found.sharing)) == len(labels) - 1
    result = to_json(found, {})
    assert result["models"][0]["tasks"][-1]["mse"] is None


@pytest.mark.slow
def test_task_with_one_class():
    X, y, tasks = make_multitask_classification(
        n_tasks=4, n_samples=30, n_features=10, random_state=0
    )
    y = (y == np.unique(y)[1]).astype(int)
    y[tasks == tasks[0]] = 1
    found = compare(X, y, tasks, models=["l21", "pooled"], classify=True)
    assert any(f"predict (1): {tasks[0]}" in note for note in found.notes)
    assert all(np.isfinite(m.within) for m in found.models)


@pytest.mark.slow
def test_progress_names_models_and_folds(regression):
    said = []
    compare(*regression, models=["l21"], cv=2, progress=said.append)
    assert said[0] == "model 1 of 2: independent"
    assert "model 2 of 2: L21, fold 2 of 2" in said
    said.clear()
    compare(*regression, models=["mean"], cv=2, progress=said.append)
    at = [text for text in said if text.endswith("fold 2 of 2")]
    assert len(at) >= 3
    for text in at:
        assert text.startswith("model 2 of 2: mean-regularised, alpha_mean = ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": ["l2,1"]}, r"no model 'l2,1'; did you mean 'l21'\?"),
        ({"models": ["svm"]}, "the models are pooled, independent"),
        ({"train_size": 1.0}, "between 0 and 1, got 1"),
        ({"classify": True}, "classes must be numbered, 0, 1 and so on"),
        ({"tasks": np.zeros(12)}, "a single task"),
        ({"tasks": np.arange(12)}, "tasks has a single row"),
        ({"y": np.ones(11)}, "one target per row"),
        ({"y": np.r_[np.nan, np.ones(11)]}, "missing or infinite"),
        ({"y": np.arange(12) * 1e300}, "targets have values beyond 1e"),
        ({"y": np.repeat([1.0, 2.0], 6)}, "one value in each task"),
        (
            {"y": np.repeat([0, 1], 6), "classify": True},
            "no task has two classes among",
        ),
        ({"X": np.ones((12, 2))}, "no feature varies"),
        ({"train_size": 0.1}, "enough training rows"),
    ],
)
def test_errors(change, message):
    rng = np.random.default_rng(0)
    given = {
        "X": rng.normal(size=(12, 2)),
        "y": rng.normal(size=12),
        "tasks": np.repeat([1, 2], 6),
    }
    given.update(change)
    with pytest.raises(InputError, match=message):
        compare(**given)


@pytest.mark.slow
def test_a_further_grid_finds_what_one_long_grid_does():
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(3), 40)
    X = rng.normal(size=(120, 4))
    y = np.sum(X * rng.normal(size=(3, 4))[tasks], axis=1)
    y += 1e-3 * rng.normal(size=120)
    found = compare(X, y, tasks, models=["mean"]).sharing
    rows = training_rows(X, y, tasks)
    second = found.second["alpha_mean"]
    model = MeanRegularizedRegressorCV(alphas=N_ALPHAS, alpha_mean=second)
    grid = {"penalty": MeanRegularized(alpha_mean=second)}
    first = alpha_grid(*rows, n_alphas=N_ALPHAS, **grid)
    assert found.alpha < first[-1]
    assert not found.at_end
    long = first[0] * (first[1] / first[0]) ** np.arange(N_ALPHAS + 18)
    model.set_params(alphas=long).fit(*rows)
    loss = model.mse_path_.mean(axis=1)
    at = np.argmin(np.abs(np.log(model.alphas_ / found.alpha)))
    assert model.alphas_[at] == pytest.approx(found.alpha)
    assert loss[at] <= 1.01 * loss.min()


@pytest.mark.slow
def test_searches_are_rough_and_what_they_find_is_not():
    """Models far from the best strength do not need the tolerance of the fit."""
    X, y, tasks = make_multitask_classification(n_tasks=3, n_samples=25, random_state=0)
    model = make_model("l21", Logistic(), cv=3)
    found = model.fit(X, y, tasks)
    exact = L21ClassifierCV(**model.get_params()).fit(X, y, tasks)
    assert found.alpha_ == exact.alpha_
    assert found.tol == TOL
    assert found.dual_gap_ <= found.tol_
    np.testing.assert_allclose(found.coef_, exact.coef_, atol=1e-3)
    # at other strengths they are indeed not the same
    assert np.any(found.scores_path_ != exact.scores_path_)


def test_intervals_of_explained_variance_are_relative():
    """A target far from the others makes most of both its error and the variance."""
    rng = np.random.default_rng(0)
    tasks = np.repeat([0, 1, 2], 60)
    X = rng.normal(size=(180, 2))
    y = X @ [2.0, 1.0] + rng.normal(size=180)
    y[10] += 3000.0
    model = PooledRegressor(1e-3).fit(np.delete(X, 10, 0), np.delete(y, 10))
    predicted = np.column_stack([model.predict(X), 0.9 * model.predict(X)])
    rows = Rows(predicted, y, np.ones(180), tasks, tasks, 3, Squared())
    errors = Units((y - predicted.T) ** 2, np.ones(180))
    honest = _honest(errors, rows, classify=False)
    mean = np.array([y[tasks == t].mean() for t in range(3)])
    low, high = 1.0 - np.array(honest.interval)[::-1] / np.mean((y - mean[tasks]) ** 2)
    # 0 of all rows, 5/6 of those without the one
    assert -0.02 < low < 0.01
    assert 0.8 < high < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["compared", "classified"])
def test_auto_is_chosen_by_held_out_rows_alone(kind, request):
    found = request.getfixturevalue(kind)
    auto, data, c = found.auto, found.data, found.classify
    losses = [model.task_loss @ found.n_test for model in found.models]
    assert auto.best is found.models[int(np.argmin(losses))]
    lowest = min(losses) / found.n_test.sum()
    assert auto.best_loss.loss >= lowest * (1 - 1e-9)
    for honest in (auto.best_loss, auto.stack_loss):
        low, high = honest.interval
        assert low < honest.loss < high
    # weights are not negative and sum to one, in each task and so on average
    assert auto.weights.sum() == pytest.approx(1.0)
    predicted = np.array([model.predicted for model in found.models])
    stack = auto.stack.predicted
    assert np.all(stack <= predicted.max(axis=0) + 1e-9)
    assert np.all(stack >= predicted.min(axis=0) - 1e-9)
    # no row has a say in its own prediction
    y = data.y_test.copy()
    y[0] = 1 - y[0] if c else y[0] + 100.0
    again = auto_choice(found.models, replace(data, y_test=y), found.variance, c, 0)
    assert again.stack.predicted[0] == pytest.approx(stack[0], rel=1e-12)
    assert np.abs(again.stack.predicted - stack).max() > 0
    # and it is told
    assert auto.best.label in render(found, "y").partition("takes ")[2]
    told = to_json(found, {})["auto"]
    assert told["best"]["model"] == auto.best.name
    assert told["stack"]["loss"] == auto.stack_loss.loss


def test_of_one_model_there_is_no_choice(regression):
    found = compare(*regression, models=["independent"])
    assert found.auto is None
    assert to_json(found, {})["auto"] is None


def _made(losses, null_tasks=(0, 0)):
    return Comparison(
        classify=False,
        tasks=np.arange(len(losses[0])),
        n_train=np.full(len(losses[0]), 5),
        n_test=np.array([5] * (len(losses[0]) - 1) + [0]),
        variance=np.array([2.0] * (len(losses[0]) - 1) + [0.0]),
        feature_names=["a"],
        models=tuple(map(made_model, ("independent", "l21"), losses, null_tasks)),
        levels=made_model("levels", np.full(len(losses[0]), 2.0), len(losses[0])),
        train_size=0.5,
        random_state=0,
        cv=5,
        notes=[],
        data=None,
    )


def made_model(name, loss, null_tasks=0):
    loss = np.array(loss)
    return ModelResult(
        name=name,
        label=name,
        shares="",
        estimator="",
        alpha=1.0,
        second={},
        at_end=name == "l21",
        score=0.5,
        within=1 - np.nanmean(loss) / 2,
        task_loss=loss,
        task_score=1 - loss / 2,
        null_tasks=null_tasks,
        gap=1e-3,
        tol=1e-6,
        certified=False,
        n_iter=1,
        seconds=0.0,
        predicted=np.zeros(0),
    )


def test_counts_by_hand():
    alone, l21 = [1.0, 1.0, 1.0, 1.0, np.nan], [0.98, 0.995, 1.005, 1.02, np.nan]
    made = _made([alone, l21])
    assert made.against_alone(made.sharing) == (1, 2, 1)
    text = render(made, "title")
    assert "1*" in text  # the end of the grid
    assert "1e-3!" in text  # above the tolerance
    assert "4 tasks 1 are better, 1 worse, 2 equal" in " ".join(text.split())


def test_savings_and_difference_by_hand():
    made = _made(
        [[1.0, 4.0, 1.0, 0.0, 1e-30, np.nan], [0.5, 5.0, 1.0, 0.0, 3.0, np.nan]]
    )
    saved = made.saved(made.sharing)
    np.testing.assert_allclose(saved, [0.5, -0.25, 0, 0, -np.inf, np.nan])
    assert made.median_saved(made.sharing) == 0
    assert made.median_saved(made.alone) == 0
    made = _made([[1.0, 2.0, 1.0, np.nan], [0.4, 1.8, 1.2, np.nan]])
    difference, error = made.difference(made.sharing)
    change = 5 * np.array([0.6, 0.2, -0.2])
    ratio = change.sum() / 30
    assert difference == pytest.approx(ratio)
    assert difference == pytest.approx(made.sharing.within - made.alone.within)
    rest = change - ratio * 10
    assert error == pytest.approx(np.sqrt(3 / 2 * rest @ rest) / 30)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.slow
def test_the_headline_is_the_summed_error(seed):
    """Tasks whose test targets hardly vary have no say beyond their squares."""
    rng = np.random.default_rng(seed)
    tasks = np.repeat(np.arange(5), rng.integers(4, 12, 5))
    X = rng.normal(size=(tasks.size, 2))
    spread = np.exp(3 * rng.normal(size=5))[tasks]
    y = spread * (X[:, 0] + rng.normal(size=tasks.size)) + 10 * tasks
    found = compare(X, y, tasks, models=["pooled", "l21"], random_state=seed)
    shown = [*found.models, found.levels]
    error = [np.nansum(found.n_test * m.task_loss) for m in shown]
    total = found.n_test @ found.variance
    for model, squares in zip(shown, error, strict=True):
        assert model.within == pytest.approx(1 - squares / total)
    best = shown[int(np.argmin(error))]
    assert found.best is best or best.is_null
    by = np.argsort(error)
    assert np.all(np.diff([shown[i].score for i in by]) <= 1e-12)
    assert found.sharing.name != "independent"
    text = render(found, "title")
    (marked,) = [line for line in text.splitlines() if line.endswith(" <")]
    assert marked.startswith(found.best.label)


@pytest.mark.slow
def test_pooled_may_be_the_best():
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(6), 12)
    X = rng.normal(size=(72, 4))
    y = X.sum(axis=1) + rng.normal(size=72)
    found = compare(X, y, tasks, models=["pooled", "l21"])
    assert found.best is found.sharing
    assert found.best.name == "pooled"
    assert verdict(found).startswith("Best: pooled, explained variance")


@pytest.mark.slow
def test_learning_alone_may_be_the_best():
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(4), 60)
    X = rng.normal(size=(240, 4))
    y = np.sum(X * rng.normal(size=(4, 4))[tasks], axis=1) + 0.1 * rng.normal(size=240)
    found = compare(X, y, tasks, models=["pooled"])
    assert found.best is found.alone
    assert "On these data sharing does not help" in verdict(found)
    assert to_json(found, {})["best"] == "independent"


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.slow
def test_levels_are_the_means_of_the_training_rows(compared, classified, classify):
    found = classified if classify else compared
    data = found.data
    for t, label in enumerate(found.tasks):
        train, test = data.tasks_train == label, data.tasks_test == label
        mean, y = data.y_train[train].mean(), data.y_test[test]
        if classify:
            loss = -np.mean(y * np.log(mean) + (1 - y) * np.log(1 - mean))
        else:
            loss = np.mean((y - mean) ** 2)
        assert found.levels.task_loss[t] == pytest.approx(loss, rel=1e-4)
    assert found.levels.is_null
    assert "task rates" if classify else "task means" in render(found, "title")
    assert to_json(found, {})["levels"]["model"] == "levels"


def noise(n_tasks=8, n=6, n_features=2):
    rng = np.random.default_rng(3)
    tasks = np.repeat(np.arange(n_tasks), n)
    return rng.normal(size=(tasks.size, n_features)), rng.normal(size=tasks.size), tasks


@pytest.mark.slow
def test_models_that_are_null_are_no_winners():
    X, y, tasks = noise()
    found = compare(X, y, tasks, models=["l21"])
    assert found.sharing.is_null
    assert found.best in (found.levels, found.alone)
    said = verdict(found)
    assert "L21 is null, its coefficients are zero: it is the task means" in said
    text = render(found, "title")
    assert " null " in text
    assert "null: all coefficients are zero" in " ".join(text.split())
    assert to_json(found, {})["models"][-1]["null_tasks"] == 8
    assert "is null" in to_html(blocks_of(found, None, Origin("title")))


def test_a_null_baseline_is_said():
    alone, l21 = [1.0, 1.0, 1.0, np.nan], [0.5, 0.5, 0.5, np.nan]
    made = _made([alone, l21], null_tasks=(4, 0))
    assert "Alone, the features count in no task: a saving is one against" in verdict(
        made
    )
    made = _made([alone, l21], null_tasks=(4, 4))
    said = verdict(made)
    assert said.startswith("No model is better than the levels")
    assert "Both are null" in said
    made = _made([alone, l21], null_tasks=(3, 0))
    assert "Alone, the features count in 1 of 4 tasks only" in verdict(made)
    made = _made([[3.0, 3.0, 3.0, np.nan], l21])
    assert "Learning alone is worse than the levels, 0.000" in verdict(made)
    made = _made([alone, l21])
    assert verdict(made).endswith("of 3 tasks 3 are better, 0 worse, 0 equal.")


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_without_noise_the_best_is_that_of_the_least_error(scale):
    """Where all explain everything but for the last digits."""
    tasks = np.repeat(np.arange(3), 20)
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = scale * (X @ [2.0, 1.0] + tasks)
    models = ["l21", "mixed", "pooled"]
    found = compare(X, y, tasks, models=models)
    error = [np.nansum(found.n_test * m.task_loss) for m in found.models]
    for models in (found.models, found.models[::-1]):
        assert replace(found, models=models).best is found.models[np.argmin(error)]
    report = render(found, "title")
    assert max(map(len, report.splitlines())) <= 88


def test_shares_are_short():
    texts = [percent(share) for share in (-1.28e12, -123.4, -0.051, 0.5, -np.inf)]
    assert texts == ["-1e14 %", "-12340 %", "-5.1 %", "+50.0 %", "-"]


@pytest.mark.slow
def test_features_with_one_value_per_task_predict_the_level():
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(20), 4)
    age = rng.normal(size=20)[tasks]
    X = np.column_stack([rng.normal(size=(80, 2)), age])
    y = X @ [1.0, -1.0, 5.0] + 0.5 * rng.normal(size=80)
    found = compare(X, y, tasks, models=["global", "pooled"], feature_names=list("abc"))
    assert found.feature_names == ["a", "b"]
    assert found.data.level_names == ["c"]
    model, pooled = (found.models[i] for i in (1, 2))
    assert found.best is model
    assert model.within > pooled.within > 0.5
    (note,) = [note for note in found.notes if "one value per task" in note]
    assert note.endswith("only the model 'global', which has none, uses them")
    train, test = split(X, y, tasks)
    scaler = TaskScaler().fit(X[train])
    direct = PooledRegressor(model.alpha, tol=TOL)
    direct.fit(scaler.transform(X[train]), y[train], tasks[train])
    rest = y[test] - direct.predict(scaler.transform(X[test]), tasks[test])
    assert model.score == pytest.approx(1 - rest @ rest / 40 / np.var(y[test]))
    assert "all others  have an intercept" in render(found, "title")
    report = transfer_report(found, n_repeats=1)
    assert report.model == "PooledRegressor"
    assert np.median(report.alone.effect) > 0


@pytest.mark.slow
def test_mixed_effects_are_compared_without_a_search(regression):
    X, y, tasks = regression
    found = compare(X, y, tasks)
    (model,) = [m for m in found.models if m.name == "mixed"]
    train, test = split(X, y, tasks)
    scaler = TaskScaler().fit(X[train])
    direct = MixedEffectsRegressor(tol=TOL)
    direct.fit(scaler.transform(X[train]), y[train], tasks[train])
    rest = y[test] - direct.predict(scaler.transform(X[test]), tasks[test])
    assert model.score == pytest.approx(1 - np.mean(rest**2) / np.var(y[test]))
    assert model.certified
    text = render(found, "title")
    assert "REML: variances by the restricted likelihood" in " ".join(text.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("features", "values", "why"),
    [
        (21, 2, "takes long with over 20 features (--models mixed)"),
        (3, 3, "is for two classes"),
    ],
)
def test_mixed_effects_are_left_out_where_they_must_be(features, values, why):
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(60, features)), np.repeat([0, 1], 30)
    y = np.arange(60) % values
    found = compare(X, y, tasks, classify=True, cv=2)
    assert "mixed" not in [model.name for model in found.models]
    assert f"without mixed effects, which {why}" in found.notes
    if values > 2:
        with pytest.raises(InputError, match="'mixed' is for two classes, and there"):
            compare(X, y, tasks, models=["mixed"], classify=True, cv=2)


@pytest.mark.slow
def test_results_introduce_themselves(compared):
    assert repr(compared).startswith("<Comparison: 9 models on 5 tasks, best is ")
    assert repr(compared.alone).startswith("<ModelResult: independent, 0.")
    assert repr(compared.data).startswith("<Split: 5 tasks, ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (np.inf, "-"),
        (0.012345, "0.012"),
        (0.0012345, "1.2e-3"),
        (9.96, "10"),
        (123.4, "123"),
        (9949.0, "9949"),
        (123456.0, "1.2e5"),
    ],
)
def test_number(value, text):
    assert number(value) == text


def test_plain_is_json():
    value = {"a": np.arange(2), "b": (np.nan, np.float64(1.5), [np.str_("x"), None])}
    text = json.dumps(plain(value), allow_nan=False)
    assert json.loads(text) == {"a": [0, 1], "b": [None, 1.5, ["x", None]]}
