"""More than two classes in all that is built around fits: the same as by hand."""

from __future__ import annotations

import csv
import json

import cvxpy as cp
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.metrics import get_scorer

from helpers.classes import CLASSES, log_loss_of, several_classes
from helpers.convex import least
from linmtl import (
    AutoClassifier,
    IndependentClassifier,
    L21Classifier,
    L21ClassifierCV,
    MixedEffectsClassifier,
    OrdinalClassifier,
    PooledClassifier,
)
from linmtl.__main__ import main
from linmtl.auto._weights import Rows, best_weights, stacked
from linmtl.conformal import TaskConformalClassifier
from linmtl.export import from_json, to_json, to_onnx
from linmtl.losses import Logistic, MultinomialOfRows
from linmtl.metrics import make_task_scorer
from linmtl.transfer import (
    SafeTransferClassifier,
    negative_transfer_report,
    transfer_gain,
)
from linmtl.transfer._rows import Rows as LabelledRows

MODELS = [IndependentClassifier(0.1), L21Classifier(0.02), PooledClassifier(0.1)]


def wide(X, y, tasks):
    """The same rows as a Y with a column for each task, None where not observed."""
    Y = np.full((len(y), 3), None, dtype=object)
    for t, name in enumerate(np.unique(tasks)):
        Y[tasks == name, t] = y[tasks == name]
    return Y


def held_out_rows(n=60, K=3, M=3, seed=0):
    rng = np.random.default_rng(seed)
    eta = rng.normal(size=(n, K, M))
    y = (eta @ [0.6, 0.4, 0.0] + rng.gumbel(size=(n, K))).argmax(axis=1)
    task, fold = np.repeat([0, 1], n // 2), np.arange(n) % 3
    weight = rng.uniform(0.5, 2, size=n)
    return Rows(eta, y.astype(float), weight, task, fold, 2, MultinomialOfRows())


@pytest.mark.slow
def test_weights_of_a_stack_are_best():
    rows = held_out_rows()
    found = best_weights(rows, np.zeros((3, 3)), np.full(3, 1 / 3))
    a = cp.Variable(3, nonneg=True)
    each = [
        w * (cp.log_sum_exp(e @ a) - e[int(k)] @ a)
        for w, e, k in zip(rows.weight, rows.eta, rows.y, strict=True)
    ]
    optimum = least(sum(each), [cp.sum(a) == 1])
    assert rows.value(found) == pytest.approx(optimum, rel=1e-7)


@pytest.mark.slow
def test_two_columns_stack_as_log_odds():
    rows = held_out_rows(K=2)
    odds = rows.eta[:, 1] - rows.eta[:, 0]
    sign = 2 * rows.y - 1
    two = Rows(odds, sign, rows.weight, rows.task, rows.fold, 2, Logistic())
    for a, b in zip(stacked(rows).weights, stacked(two).weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert stacked(rows).strength == stacked(two).strength


@pytest.mark.slow
@pytest.mark.parametrize("selection", ["stack", "best"])
def test_auto(selection):
    X, y, tasks = several_classes()
    fold = np.arange(len(y)) % 3
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]
    model = AutoClassifier(MODELS, selection=selection, cv=splits).fit(X, y, tasks)
    for k, (train, test) in enumerate(splits):
        for m, one in enumerate(MODELS):
            one.fit(X[train], y[train], tasks[train])
            loss = log_loss_of(one, X[test], y[test], tasks[test])
            found = model.held_out_
            order = np.argsort(found.row[found.fold == k])
            np.testing.assert_allclose(
                found.losses[m, found.fold == k][order], loss, atol=1e-3
            )
    parts = [
        model.weights_[:, m, None, None] * model.estimators_[name].coef_
        for m, name in enumerate(model.held_out_.models)
        if name in model.estimators_
    ]
    np.testing.assert_allclose(model.coef_, sum(parts))
    assert np.isnan(model.coef_[1, 1]).all()
    proba = model.predict_proba(X, tasks)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert model.score(X, y, tasks) > 0.5
    same = AutoClassifier(MODELS, selection="best", cv=3).fit(X, wide(X, y, tasks))
    assert same.coef_.shape == (3, 4, 4)


@pytest.mark.slow
def test_default_models_of_auto_are_those_for_several_classes():
    X, y, tasks = several_classes(20, 2)
    model = AutoClassifier(cv=2).fit(X, y, tasks)
    assert "mean-regularised" in model.leaderboard_.models
    assert "mixed effects" not in model.leaderboard_.models
    with pytest.warns(UserWarning, match="'MixedEffects' is left out: Only binary"):
        AutoClassifier([MixedEffectsClassifier(), MODELS[0]]).fit(X, y, tasks)


@pytest.mark.slow
def test_blends():
    X, y, tasks = several_classes()
    model = SafeTransferClassifier(MODELS[1], MODELS[0]).fit(X, y, tasks)
    a = model.weights_[:, None, None]
    blend = a * model.estimator_.coef_ + (1 - a) * model.baseline_.coef_
    np.testing.assert_allclose(model.coef_, blend)
    worst = np.maximum(*(model.held_out_loss_[k] for k in ("baseline", "estimator")))
    assert np.all(model.held_out_loss_["blend"] <= worst + 1e-12)
    y = np.where(tasks == "t1", "a", y)
    with pytest.warns(UserWarning, match="have a single class: 't1'"):
        model.fit(X, y, tasks)
    assert model.weights_[1] == 0


@pytest.mark.slow
def test_report_and_gain():
    X, y, tasks = several_classes()
    report = negative_transfer_report(
        MODELS[1], X, y, tasks, baseline=MODELS[0], pooled=MODELS[2], cv=3
    )
    assert report.loss == "log loss"
    assert np.all(np.isfinite(report.mean_losses["model"]))
    assert report.to_frame().shape[0] == 3
    rows = LabelledRows(MODELS[1], X, y, tasks, None)
    train = np.arange(len(y)) % 3 > 0
    model = clone(MODELS[1])
    found = rows.held_out_loss(model, train, ~train)
    given = (rows.X[train], rows.y[train], rows.tasks[rows.code[train]])
    held_out = rows.X[~train], rows.y[~train], rows.tasks[rows.code[~train]]
    loss = log_loss_of(model.fit(*given), *held_out)
    by_task = [loss[rows.code[~train] == t].mean() for t in range(3)]
    np.testing.assert_allclose(found, by_task, rtol=1e-6)
    gain = transfer_gain(MODELS[1], X, y, tasks, cv=3)
    assert np.all(np.isfinite(gain.values))
    alone = transfer_gain(MODELS[0], X, y, tasks, cv=3)
    # they share nothing; alone the third has two classes, and so one column
    np.testing.assert_allclose(alone.values[:, :2], 0, atol=2e-2)
    y = np.where(tasks == "t1", "a", y)  # no task of which a verdict could be
    gain = transfer_gain(MODELS[1], X, y, tasks, cv=3)
    assert np.isnan(gain.values[1, [0, 2]]).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:L21ClassifierCV")  # of a short grid
@pytest.mark.parametrize("name", ["roc_auc_ovr", "roc_auc_ovo", "neg_brier_score"])
def test_scorers_see_the_classes_of_each_task(name):
    X, y, tasks = several_classes()
    model = MODELS[1].fit(X, y, tasks)
    found = make_task_scorer(name).per_task(model, X, y, tasks)
    for t, task in enumerate(model.tasks_):
        own = tasks == task
        alone = clone(MODELS[1]).fit(X[own], y[own])  # knows only these classes
        p = model.predict_proba(X[own], tasks[own])
        p = p[:, np.isin(CLASSES, alone.classes_)]
        code = np.searchsorted(alone.classes_, y[own])
        score = get_scorer(name)(Says(p, np.unique(code)), X[own], code)
        assert found.values[t] == pytest.approx(score)
    search = L21ClassifierCV(alphas=2, cv=2, scoring=name, tol=1e-2)
    assert np.all(np.isfinite(search.fit(X, y, tasks).scores_path_))


@pytest.mark.parametrize("name", ["roc_auc_ovr", "roc_auc_ovo_weighted"])
def test_areas_are_undefined_without_labels_of_a_class(name):
    X, y, tasks = several_classes()
    model = clone(MODELS[1]).set_params(tol=1e-2).fit(X, y, tasks)
    whole = make_task_scorer(name).per_task(model, X, y, tasks)
    assert np.all(np.isfinite(whole.values))
    task = whole.tasks[0]
    there = np.unique(y[tasks == task])
    for gone in (there[:1], there[1:]):  # a rare class, and all but one
        kept = (tasks != task) | ~np.isin(y, gone)
        parts = X[kept], y[kept], tasks[kept]
        found = make_task_scorer(name).per_task(model, *parts)
        assert np.isnan(found.values[0])
        np.testing.assert_array_equal(found.values[1:], whole.values[1:])


@pytest.mark.parametrize("name", ["accuracy", "neg_log_loss", "roc_auc_ovr"])
def test_scorers_take_a_wide_table(name):
    X, y, tasks = several_classes()
    Y = np.where(tasks[:, None] == np.unique(tasks), y[:, None], None)
    scorer = make_task_scorer(name)
    long = clone(MODELS[1]).set_params(tol=1e-8).fit(X, y, tasks)
    wide = clone(MODELS[1]).set_params(tol=1e-8).fit(X, Y)
    expected = scorer.per_task(long, X, y, tasks).values
    np.testing.assert_allclose(scorer.per_task(wide, X, Y).values, expected, rtol=1e-4)


class Says(ClassifierMixin, BaseEstimator):
    """A fitted classifier that says what it is told."""

    def __init__(self, predict_proba=None, classes_=None):
        self.said, self.classes_ = predict_proba, classes_

    def predict_proba(self, X):
        return self.said


def written(path, X, y, tasks):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["x0", "x1", "x2", "x3", "kind", "site"])
        writer.writerows([*x, k, t] for x, k, t in zip(X, y, tasks, strict=True))
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["html", "md"])
def test_compare(tmp_path, capsys, form):
    X, y, tasks = several_classes(20)
    if form == "md":
        y = np.searchsorted(CLASSES, y)
    table = written(tmp_path / "table.csv", X, y, tasks)
    out, page = tmp_path / "out.json", tmp_path / f"page.{form}"
    command = ["compare", table, "--target", "kind", "--task", "site"]
    command += ["--models", "pooled,global", "--output", str(out)]
    command += ["--report", str(page), "--no-transfer"]
    assert main(command + ["--classify"] * (form == "md")) == 0
    said = capsys.readouterr().out
    assert "predict kind (" in said
    assert "all 4 classes alike: 1.386" in said
    found = json.loads(out.read_text())
    assert found["data"]["classes"] == [*map(str, np.unique(y))]
    for model in [*found["models"], found["levels"]]:
        assert 0 < model["accuracy"] <= 1
        assert model["certified"]
    assert "accuracy" in page.read_text()


def test_classes_that_have_an_order_are_refused_in_words():
    X, y, tasks = several_classes()
    model = OrdinalClassifier()
    for fit in (
        lambda: transfer_gain(model, X, y, tasks),
        lambda: AutoClassifier([model]).fit(X, y, tasks),
        lambda: SafeTransferClassifier(model).fit(X, y, tasks),
    ):
        with pytest.raises(ValueError, match="OrdinalClassifier: classes that have an"):
            fit()


def test_sets_of_classes():
    X, y, tasks = several_classes(150)
    train, test = np.arange(450) % 2 == 0, np.arange(450) % 2 == 1
    model = TaskConformalClassifier(MODELS[1], cv=3, coverage=0.8)
    model.fit(X[train], y[train], tasks[train])
    sets = model.predict_set(X[test], tasks[test])
    assert sets.shape == (225, 4)
    held = sets[np.arange(225), np.searchsorted(CLASSES, y[test])]
    for name in model.tasks_:
        assert 0.65 < held[tasks[test] == name].mean() < 0.95
    assert not sets[tasks[test] == "t1", 1].any()  # a class it has never shown
    larger = model.predict_set(X[test], tasks[test], coverage=0.95)
    assert np.all(larger >= sets)
    other = TaskConformalClassifier(MODELS[1], cv=3, coverage=0.8)
    other.fit(X[train], wide(X, y, tasks)[train])
    every = other.predict_set(X[test])
    assert every.shape == (225, 3, 4)


@pytest.mark.parametrize("layout", ["long", "wide", "single"])
def test_export(layout):
    X, y, tasks = several_classes()
    given = {"long": (y, tasks), "wide": (wide(X, y, tasks),), "single": (y,)}[layout]
    model = L21Classifier(0.02, handle_unknown="mean").fit(X, *given)
    again = from_json(to_json(model))
    labels = given[1:]
    np.testing.assert_array_equal(again.predict(X, *labels), model.predict(X, *labels))
    p = np.array(model.predict_proba(X, *labels))
    np.testing.assert_array_equal(np.array(again.predict_proba(X, *labels)), p)
    if layout == "long":
        new = np.repeat("t9", 5)
        p_new = model.predict_proba(X[:5], new)
        np.testing.assert_array_equal(again.predict_proba(X[:5], new), p_new)
    pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    feed = {"X": X.astype(np.float32)}
    if labels:
        feed["tasks"] = tasks.astype(object)
    label, _, probability = ReferenceEvaluator(to_onnx(model)).run(None, feed)
    p = p.swapaxes(0, 1) if layout == "wide" else p
    np.testing.assert_allclose(probability, p, atol=1e-6)
    assert np.mean(label == model.predict(X, *labels)) > 0.98


@pytest.mark.parametrize("name", ["coef", "intercept", "consensus", "classes"])
def test_damaged_models_are_refused(name):
    content = json.loads(to_json(L21Classifier(0.02).fit(*several_classes())))
    part = content[name] if name == "consensus" else content
    key = "intercept" if name == "consensus" else name
    part[key] = (
        part[key][:-1]
        if isinstance(part[key], list)
        else {**part[key], "values": part[key]["values"][:-1]}
    )
    with pytest.raises(ValueError, match="the model is damaged"):
        from_json(json.dumps(content))
