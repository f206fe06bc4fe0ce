"""Classifiers of a wide Y inside scikit-learn, as its own of several outputs."""

import numpy as np
import pytest
from sklearn.base import is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multioutput import MultiOutputClassifier

import linmtl
from helpers.quick import first, is_second
from linmtl import IndependentClassifier, L21Classifier, TaskThresholdClassifier
from linmtl.metrics import brier_score, make_task_scorer, per_task
from linmtl.metrics import log_loss as task_log_loss
from linmtl.transfer import GroupedMultiTaskClassifier, SafeTransferClassifier

# which scikit-learn's log loss says of any indicator matrix
pytestmark = pytest.mark.filterwarnings("ignore:The y_prob values do not sum to one")
TASKS = pytest.mark.parametrize("n_tasks", first([1, 2, 3, 6], 2))
CLASSIFIERS = [
    cls
    for cls in (getattr(linmtl, name) for name in linmtl.__all__)
    if hasattr(cls, "predict_all") and is_classifier(cls())
]
ALPHA = 0.01


def make(n_tasks=6, n=150):
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(n, 5)), rng.normal(size=(5, 6))
    Y = (X @ W + rng.normal(size=(n, 6)) > 0).astype(int)
    return X, Y[:, :n_tasks]


def pair(n_train):
    """Two estimators of one problem, ours and scikit-learn's."""
    theirs = LogisticRegression(C=1 / (ALPHA * n_train), tol=1e-10, max_iter=1000)
    ours = IndependentClassifier(ALPHA, tol=1e-12)
    return ours, MultiOutputClassifier(theirs)


@pytest.mark.slow
@TASKS
@pytest.mark.parametrize(
    "scoring",
    first(
        ["neg_log_loss", "f1_macro", "roc_auc", "average_precision"]
        + ["neg_brier_score", "accuracy"],
        2,
    ),
)
def test_scorers_score_all_tasks(n_tasks, scoring):
    X, Y = make(n_tasks)
    ours, theirs = (
        cross_val_score(model, X, Y, cv=KFold(3), scoring=scoring, error_score="raise")
        for model in pair(100)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@pytest.mark.slow
@TASKS
def test_predictions_of_folds(n_tasks):
    X, Y = make(n_tasks)
    ours, theirs = pair(100)
    p = cross_val_predict(ours, X, Y, cv=KFold(3), method="predict_proba")
    expected = cross_val_predict(theirs, X, Y, cv=KFold(3), method="predict_proba")
    assert isinstance(p, list)
    np.testing.assert_allclose(p, expected, atol=1e-4)
    log_p = cross_val_predict(ours, X, Y, cv=KFold(3), method="predict_log_proba")
    np.testing.assert_allclose(log_p, np.log(p))
    eta = cross_val_predict(ours, X, Y, cv=KFold(3), method="decision_function")
    assert eta.shape == Y.shape
    np.testing.assert_allclose(eta.T, [np.log(q[:, 1] / q[:, 0]) for q in p])


def test_a_search_by_log_loss_asks_every_task():
    X, Y = make(2)
    grid = {"alpha": [0.3, 0.1, 0.03, 0.01]}
    by_name = GridSearchCV(
        L21Classifier(), grid, cv=KFold(3), scoring="neg_log_loss"
    ).fit(X, Y)

    def both(model, X, Y):  # what scikit-learn makes of an indicator matrix
        return -log_loss(Y, np.column_stack([p[:, 1] for p in model.predict_proba(X)]))

    expected = GridSearchCV(L21Classifier(), grid, cv=KFold(3), scoring=both).fit(X, Y)
    np.testing.assert_allclose(
        by_name.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


@pytest.mark.product(
    cls=[*CLASSIFIERS, GroupedMultiTaskClassifier, SafeTransferClassifier],
    dear=lambda cls: is_second(cls.__name__),
)
@pytest.mark.slow
def test_every_classifier_says_it_alike(cls):
    n_tasks = 3
    X, Y = make(n_tasks)
    names = np.array(["no", "yes"])[Y]
    quick = {"alphas": 2, "eps": 0.1, "cv": 2}
    model = cls()
    model.set_params(**{k: quick[k] for k in quick.keys() & model.get_params()})
    model.fit(X, names)
    assert isinstance(model.classes_, list)
    assert [c.tolist() for c in model.classes_] == [["no", "yes"]] * n_tasks
    p, log_p = model.predict_proba(X), model.predict_log_proba(X)
    assert isinstance(p, list)
    assert isinstance(log_p, list)
    assert np.shape(p) == np.shape(log_p) == (n_tasks, len(X), 2)
    np.testing.assert_allclose(np.sum(p, axis=2), 1.0)
    np.testing.assert_allclose(np.exp(log_p), p)
    assert model.predict(X).shape == model.decision_function(X).shape == Y.shape
    assert set(model.predict(X).ravel()) <= {"no", "yes"}


def test_log_probabilities_far_out_are_finite():
    X, Y = make(2)
    model = L21Classifier(1e-3).fit(X, Y)
    far = 1e6 * X
    log_p = np.array(model.predict_log_proba(far))
    eta = np.abs(model.decision_function(far)).T
    assert np.all(np.isfinite(log_p))
    np.testing.assert_allclose(log_p.min(axis=2), -eta)


def test_thresholds_leave_probabilities_as_they_are():
    X, Y = make(3)
    model = TaskThresholdClassifier(L21Classifier(0.02), cv=3).fit(X, Y)
    np.testing.assert_array_equal(
        model.predict_proba(X), model.estimator_.predict_proba(X)
    )
    np.testing.assert_array_equal(
        model.predict_log_proba(X), model.estimator_.predict_log_proba(X)
    )
    p = np.column_stack([q[:, 1] for q in model.predict_proba(X)])
    np.testing.assert_array_equal(model.predict(X), p > model.thresholds_)


def test_a_new_task_has_its_classes():
    X, Y = make(3)
    model = L21Classifier(0.02).fit(X, Y[:, :2]).fit_new_task(X, Y[:, 2], 7)
    assert len(model.classes_) == len(model.predict_proba(X)) == 3


def test_metrics_take_the_list():
    X, Y = make(3)
    model = L21Classifier(0.02).fit(X, Y)
    p = model.predict_proba(X)
    second = np.column_stack([q[:, 1] for q in p])
    for metric in (brier_score, task_log_loss):
        assert metric(Y, p) == metric(Y, second)
    values = per_task("roc_auc", Y, p).values
    np.testing.assert_array_equal(values, per_task("roc_auc", Y, second).values)
    three = [np.column_stack([q, q[:, 1]]) for q in p]
    with pytest.raises(ValueError, match="has 3 columns; pass the score of the pos"):
        brier_score(Y, three)
    with pytest.raises(ValueError, match="arrays with 3, 2, 2 columns"):
        brier_score(Y, [three[0], *p[1:]])
    theirs = MultiOutputClassifier(LogisticRegression()).fit(X, Y)
    scorer = make_task_scorer(brier_score)
    expected = -brier_score(Y, theirs.predict_proba(X))
    assert scorer(theirs, X, Y) == pytest.approx(expected)
