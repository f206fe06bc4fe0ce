"""The comparison of models: what it chooses and what it counts."""

import json

import numpy as np
import pytest

from linmtl import (
    IndependentRegressor,
    L21Regressor,
    PooledRegressor,
    TaskScaler,
    TraceNormClassifier,
)
from linmtl._compare import (
    MODELS,
    TOL,
    Comparison,
    ModelResult,
    _search,
    compare,
)
from linmtl._report import number, plain, render, to_json
from linmtl._table import InputError
from linmtl.datasets import (
    load_heart_disease,
    make_multitask_classification,
    make_multitask_regression,
)
from linmtl.model_selection import TaskShuffleSplit


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
        ("independent", IndependentRegressor, {}),
    ],
)
def test_regression_is_what_the_public_estimators_give(
    regression, compared, name, estimator, settings
):
    X, y, tasks = regression
    train, test = split(X, y, tasks)
    scaler = TaskScaler().fit(X[train])
    found = next(m for m in compared.models if m.name == name)
    model = estimator(alpha=found.alpha, tol=TOL, **settings)
    model.fit(scaler.transform(X[train]), y[train], tasks[train])
    prediction = model.predict(scaler.transform(X[test]), tasks[test])
    residual = y[test] - prediction
    r2 = 1 - np.mean(residual**2) / np.var(y[test])
    assert found.score == pytest.approx(r2, rel=1e-4)
    explained = []
    for t, label in enumerate(compared.tasks):
        rows = tasks[test] == label
        assert compared.n_test[t] == rows.sum()
        assert found.task_loss[t] == pytest.approx(
            np.mean(residual[rows] ** 2), rel=1e-3
        )
        explained.append(1 - np.mean(residual[rows] ** 2) / np.var(y[test][rows]))
    assert found.within == pytest.approx(np.mean(explained), rel=1e-3)


def test_classification_is_what_the_public_estimators_give():
    X, y, tasks = make_multitask_classification(
        n_tasks=4, n_samples=40, n_features=5, random_state=1
    )
    y = (y == np.unique(y)[1]).astype(int)
    found = compare(X, y, tasks, models=["trace"], classify=True).best
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


def test_every_model_is_certified(compared, classified):
    for comparison in (compared, classified):
        for model in comparison.models:
            assert model.certified
            assert 0 <= model.gap <= model.tol * (1 + 1e-6)


def test_models_and_counts(compared):
    assert [m.name for m in compared.models] == list(MODELS)
    for model in compared.models:
        better, equal, worse = compared.against_alone(model)
        assert better + equal + worse == 5
    assert compared.against_alone(compared.alone) == (0, 5, 0)
    assert compared.best.name not in ("pooled", "independent")


def test_heart_disease(classified):
    assert [m.name for m in classified.models] == ["independent", "trace", "pooled"]
    assert any("replaced by the median" in note for note in classified.notes)
    assert all(m.within < 0.6 for m in classified.models)
    text = render(classified, "title")
    assert "loss within" in text
    assert max(map(len, text.splitlines())) <= 80


def test_same_numbers_for_the_same_seed(regression, compared):
    again = compare(*regression, models=["l21"])
    other = compare(*regression, models=["l21"], random_state=1)
    first = next(m for m in compared.models if m.name == "l21")
    assert again.best.alpha == first.alpha
    assert again.best.score == first.score
    assert other.best.score != first.score


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
    assert "one value per task in training: b, d" in text
    assert f"({len(X[::7])}): a" in text


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
    assert sum(found.against_alone(found.best)) == len(labels) - 1
    result = to_json(found, {})
    assert result["models"][0]["tasks"][-1]["mse"] is None
    assert "left out" in render(found, "title")


def test_task_with_one_class():
    X, y, tasks = make_multitask_classification(
        n_tasks=4, n_samples=30, n_features=10, random_state=0
    )
    y = (y == np.unique(y)[1]).astype(int)
    y[tasks == tasks[0]] = 1
    found = compare(X, y, tasks, models=["l21", "pooled"], classify=True)
    assert any(f"predict (1): {tasks[0]}" in note for note in found.notes)
    assert all(np.isfinite(m.within) for m in found.models)


def test_progress_names_models_and_folds(regression):
    said = []
    compare(*regression, models=["l21"], cv=2, progress=said.append)
    assert said[0] == "model 1 of 2: independent"
    assert "model 2 of 2: L21, fold 2 of 2" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": ["l2,1"]}, r"no model 'l2,1'; did you mean 'l21'\?"),
        ({"models": ["svm"]}, "the models are pooled, independent"),
        ({"train_size": 1.0}, "between 0 and 1, got 1"),
        ({"classify": True}, "classes must be 0 and 1"),
        ({"tasks": np.zeros(12)}, "a single task"),
        ({"tasks": np.arange(12)}, "tasks has a single row"),
        ({"y": np.ones(11)}, "one target per row"),
        ({"y": np.r_[np.nan, np.ones(11)]}, "missing or infinite"),
        ({"y": np.arange(12) * 1e300}, "targets have values beyond 1e"),
        ({"y": np.repeat([1.0, 2.0], 6)}, "one value in each task"),
        ({"y": np.repeat([0, 1], 6), "classify": True}, "both classes among"),
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


@pytest.mark.parametrize(
    ("best", "bounded", "expected", "at_end"),
    [
        (0.1, False, 0.1, False),
        (1e-5, False, 1e-5, False),  # found by going down
        (1e5, False, 1e5, False),  # found by going up
        (1e5, True, 1.0, True),  # nothing above alpha_max
        (1e-30, False, None, True),  # out of reach
    ],
)
def test_the_grid_grows_where_its_end_is_best(best, bounded, expected, at_end):
    def losses(alphas):
        return 1 + np.log10(alphas / best) ** 2

    alpha, end = _search(np.geomspace(1, 0.01, 5), losses, bounded)
    assert end is at_end
    if expected is not None:
        assert abs(np.log10(alpha / expected)) <= 0.26


def test_a_flat_loss_is_no_end():
    alpha, end = _search(np.geomspace(1, 0.01, 5), np.ones_like, False)
    assert (alpha, end) == (1.0, False)


def _made(losses):
    return Comparison(
        classify=False,
        tasks=np.arange(len(losses[0])),
        n_train=np.full(len(losses[0]), 5),
        n_test=np.array([5] * (len(losses[0]) - 1) + [0]),
        feature_names=["a"],
        models=tuple(
            ModelResult(
                name=name,
                label=name,
                shares="",
                estimator="",
                alpha=1.0,
                at_end=name == "l21",
                score=0.5,
                within=0.5,
                task_loss=np.array(loss),
                task_score=1 - np.array(loss),
                gap=1e-3,
                tol=1e-6,
                certified=False,
                n_iter=1,
                seconds=0.0,
            )
            for name, loss in zip(("independent", "l21"), losses, strict=True)
        ),
        train_size=0.5,
        random_state=0,
        cv=5,
        notes=[],
    )


def test_counts_by_hand():
    alone, l21 = [1.0, 1.0, 1.0, 1.0, np.nan], [0.98, 0.995, 1.005, 1.02, np.nan]
    made = _made([alone, l21])
    assert made.against_alone(made.best) == (1, 2, 1)
    text = render(made, "title")
    assert "1*" in text  # the end of the grid
    assert "1e-3!" in text  # above the tolerance
    assert "4 tasks 1 are better, 1 worse, 2 equal" in " ".join(text.split())


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
