"""The squared hinge loss, wherever a classifier takes one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.svm import LinearSVC

import linmtl
from helpers.problems import LAYOUTS, make_problem
from linmtl import (
    AutoClassifier,
    IndependentClassifier,
    L21Classifier,
    L21ClassifierCV,
    MultiTaskClassifier,
    PooledClassifier,
    TaskThresholdClassifier,
)
from linmtl.estimators._base import Classifier
from linmtl.model_selection import TaskKFold
from linmtl.path import mtl_path
from linmtl.penalties import L21, Ridge
from linmtl.transfer import (
    GroupedMultiTaskClassifier,
    SafeTransferClassifier,
    negative_transfer_report,
)

HINGE = {"loss": "squared_hinge"}
CLASSIFIERS = [
    kind
    for kind in (getattr(linmtl, name) for name in linmtl.__all__)
    if isinstance(kind, type) and issubclass(kind, Classifier)
]


def data(layout="ragged", **options):
    problem = make_problem("squared_hinge", **{**LAYOUTS[layout], **options})
    return problem.X, problem.y, problem.tasks


def test_one_task_is_scikit_learns_model():
    X, y, _ = data("one-task")
    model = MultiTaskClassifier(Ridge(0.1), **HINGE, fit_intercept=False, tol=1e-10)
    # its penalty is a half and its loss a sum without one
    theirs = LinearSVC(C=1 / (2 * 0.1 * len(y)), fit_intercept=False, tol=1e-10)
    theirs.set_params(max_iter=100_000).fit(X, y)
    np.testing.assert_allclose(model.fit(X, y).coef_, theirs.coef_, atol=1e-6)
    decision = model.decision_function(X)
    np.testing.assert_allclose(decision, theirs.decision_function(X), atol=1e-5)
    np.testing.assert_array_equal(model.predict(X), theirs.predict(X))


def test_every_classifier_takes_it():
    assert len(CLASSIFIERS) > 20
    for kind in CLASSIFIERS:
        assert kind().loss == "logistic"
        assert hasattr(kind(), "predict_proba")
        assert not hasattr(kind(**HINGE), "predict_proba")
        assert '"squared_hinge"}, default="logistic"' in kind.__doc__


@pytest.mark.parametrize("layout", ["ragged", "shared-missing", "one-task"])
def test_there_are_no_probabilities(layout):
    X, y, tasks = data(layout)
    model = L21Classifier(0.02, **HINGE).fit(X, y, tasks)
    assert model.converged_
    assert model.score(X, y, tasks) > 0.6
    for method in ("predict_proba", "predict_log_proba"):
        assert not hasattr(model, method)
        with pytest.raises(AttributeError) as error:
            getattr(model, method)(X, tasks)
        assert "knows no probabilities; use" in str(error.value.__cause__)
    model.set_params(loss="logistic").fit(X, y, tasks)
    assert hasattr(model, "predict_proba")


@pytest.mark.slow
def test_models_around_it_have_none_either():
    X, y, tasks = data()
    inside = L21Classifier(0.05, **HINGE)
    for model in (
        TaskThresholdClassifier(inside, cv=3),
        SafeTransferClassifier(inside, cv=3),
        GroupedMultiTaskClassifier(inside, groups=[0, 0, 1, 1]),
    ):
        model.fit(X, y, tasks)
        assert model.score(X, y, tasks) > 0.5
        assert not hasattr(model, "predict_proba")


def test_a_search_over_models_has_what_they_have():
    X, y, tasks = data()
    assert hasattr(AutoClassifier(), "predict_proba")
    models = [L21Classifier(0.05, **HINGE), PooledClassifier(0.1, **HINGE)]
    model = AutoClassifier(models=models, cv=3).fit(X, y, tasks)
    assert model.score(X, y, tasks) > 0.5
    assert not hasattr(model, "predict_proba")


def test_a_path_is_its_fits():
    X, y, tasks = data()
    options = {**HINGE, "tol": 1e-9}
    alphas, coefs, gaps = mtl_path(X, y, tasks, penalty=L21(), alphas=5, **options)
    assert np.all(gaps >= 0)
    model = L21Classifier(alphas[3], **options).fit(X, y, tasks)
    np.testing.assert_allclose(coefs[..., 3], model.coef_, atol=1e-4)


@pytest.mark.slow
def test_cross_validation_is_the_loop_written_out():
    X, y, tasks = data()
    splits = list(TaskKFold(3, shuffle=True, random_state=0).split(X, y, tasks))
    search = L21ClassifierCV(alphas=4, eps=0.05, cv=splits, tol=1e-8, **HINGE)
    search.fit(X, y, tasks)
    for i, alpha in enumerate(search.alphas_):
        for k, (train, test) in enumerate(splits):
            model = L21Classifier(alpha, tol=1e-8, **HINGE)
            model.fit(X[train], y[train], tasks[train])
            short = 1 - y[test] * model.decision_function(X[test], tasks[test])
            value = np.maximum(short, 0) ** 2
            means = [value[tasks[test] == t].mean() for t in model.tasks_]
            expected = pytest.approx(np.mean(means), rel=1e-3)
            assert search.hinge_path_[i, k] == expected
    search.set_params(scoring="roc_auc").fit(X, y, tasks)
    assert search.scores_path_.max() > 0.6
    with pytest.raises(ValueError, match="knows no probabilities, which this scoring"):
        search.set_params(scoring="neg_log_loss").fit(X, y, tasks)


@pytest.mark.slow
def test_baselines_have_its_loss():
    X, y, tasks = data()
    report = negative_transfer_report(L21Classifier(0.05, **HINGE), X, y, tasks, cv=3)
    assert report.loss == "squared hinge loss"
    assert np.all(np.isfinite(report.to_frame().select_dtypes("number").to_numpy()))


def test_a_task_of_one_class_and_a_new_task():
    X, y, tasks = data()
    y[tasks == "b"] = 1.0
    with pytest.warns(UserWarning, match="a single class.*'b'"):
        model = L21Classifier(0.02, **HINGE).fit(X, y, tasks)
    mine = tasks == "b"
    assert np.all(model.predict(X[mine].mean(axis=0)[None], ["b"]) == 1.0)
    rows = np.flatnonzero(tasks == "c")
    model.fit_new_task(X[rows], y[rows], "new")
    new = model.predict(X[rows], np.full(len(rows), "new"))
    assert np.mean(new == y[rows]) > 0.6


@pytest.mark.parametrize("kind", [IndependentClassifier, PooledClassifier])
def test_baselines_are_certified(kind):
    X, y, tasks = data()
    model = kind(0.1, **HINGE, tol=1e-8).fit(X, y, tasks)
    assert model.dual_gap_ <= model.tol_
    again = clone(model).fit(X, np.where(y > 0, "yes", "no"), tasks)
    np.testing.assert_allclose(again.coef_, model.coef_)
