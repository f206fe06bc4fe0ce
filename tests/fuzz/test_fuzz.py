"""Random problems: the objective is the one reported, the gap never too small.

``pytest tests/fuzz --fuzz 5000`` tries so many, ``--fuzz-from 20000`` others; the
number in the name of a test makes its problem again.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from helpers.hostile import hostile_problem
from helpers.quick import first
from linmtl import MultiTaskRegressorCV, TaskThresholdClassifier
from linmtl.model_selection import TaskKFold

_SHARE = 10  # one problem in so many goes to a general solver
_MAX_ITER = 3000


def pytest_generate_tests(metafunc):
    if "number" in metafunc.fixturenames:
        start = metafunc.config.getoption("fuzz_from")
        numbers = range(start, start + metafunc.config.getoption("fuzz"))
        metafunc.parametrize("number", first(numbers, 12))


def fitted(problem, penalty, **options):
    """Return the fitted estimator and whether it warned of not converging."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = problem.fit(penalty, **{"max_iter": _MAX_ITER, **options})
    return model, any(w.category is ConvergenceWarning for w in caught)


def size_of(problem, model):
    """Return the size of what the objective is a sum of."""
    size = 0.0
    rows = zip(
        problem.blocks,
        np.atleast_2d(model.coef_),
        np.atleast_1d(model.intercept_),
        strict=True,
    )
    for (X, y, weight), w, b in rows:
        eta = np.abs(X) @ np.abs(w) + abs(b) + np.abs(y)
        size += weight @ (eta**2 if problem.loss == "squared" else 1.0 + eta)
    return float(size)


def test_objective_and_gap(number):
    problem, case, strength = hostile_problem(number)
    penalty = problem.penalty(case, strength)
    model, warned = fitted(problem, penalty, tol=1e-4)
    assert warned == (not model.converged_)
    assert model.converged_ == (model.dual_gap_ <= model.tol_)
    value = problem.value_at(case, model.coef_, model.intercept_, strength)
    rounding = 1e-13 * size_of(problem, model)
    rtol = 1e-4 if case.minimised else 1e-12  # by the general solver
    rounding *= 100 if case.minimised else 1
    close = 1e-3 * model.tol_ + rounding + rtol * abs(value)
    # of a sum of parts the formula takes the best ones, the solver its own
    apart = model.dual_gap_ if case.minimised else 0.0
    assert -close <= model.objective_ - value <= close + apart
    best, _ = fitted(problem, penalty, tol=1e-9)
    assert model.objective_ - best.objective_ <= model.dual_gap_ + close
    assert best.objective_ <= model.objective_ + best.dual_gap_ + close
    if number % _SHARE == 0:
        try:
            _, coef, intercept = problem.cvxpy_optimum(case, strength)
        except Exception:  # it gives up on some of these
            return
        theirs = problem.value_at(case, case.allowed(coef.T).T, intercept, strength)
        assert model.objective_ - theirs <= model.dual_gap_ + close


def in_folds(number, losses, share):
    """Return a long problem with rows enough for folds, None where it has not."""
    problem, case, strength = hostile_problem(number)
    rows = min(len(y) for _, y, _ in problem.blocks)
    suits = problem.tasks is not None and problem.loss in losses and rows >= 6
    if number % share or not suits or problem.sample_weight is not None:
        return None
    return replace(problem, task_weight=None), case, strength


@pytest.mark.filterwarnings("ignore")
def test_cross_validation_by_hand(number):
    found = in_folds(number, ["squared"], 5)
    if found is None:
        return
    problem, case, strength = found
    penalty, folds = problem.penalty(case, strength), TaskKFold(2)
    X, y, tasks = problem.X, problem.y, problem.labels(penalty)
    options = {
        "fit_intercept": problem.fit_intercept,
        "tol": 1e-6,
        "max_iter": _MAX_ITER,
    }
    model = MultiTaskRegressorCV(
        penalty, alphas=[0.1, 1.0, 10.0], cv=folds, scale_features=False, **options
    ).fit(X, y, tasks)
    again = problem.estimator(model.penalty_, **options).fit(X, y, tasks)
    slack = model.dual_gap_ + again.dual_gap_
    assert abs(model.objective_ - again.objective_) <= slack + 1e-9 * abs(
        again.objective_
    )
    best = int(np.flatnonzero(model.alphas_ == model.alpha_)[0])
    mean = model.mse_path_.mean(axis=1)
    assert mean[best] <= mean.min() * (1 + 1e-6)
    for k, (train, test) in enumerate(folds.split(X, y, tasks)):
        part = problem.estimator(model.penalty_, **options)
        part.fit(X[train], y[train], tasks[train])
        if not part.converged_:
            continue
        error = (y[test] - part.predict(X[test], tasks[test])) ** 2
        held_out = np.mean([error[tasks[test] == t].mean() for t in np.unique(tasks)])
        far = 1e-3 * np.mean(y**2)  # what 1e-6 of the loss may move predictions by
        assert model.mse_path_[best, k] == pytest.approx(held_out, rel=0.05, abs=far)


@pytest.mark.filterwarnings("ignore")
def test_thresholds_decide(number):
    found = in_folds(number, ["logistic"], 1)
    if found is None:
        return
    problem, case, strength = found
    penalty = problem.penalty(case, strength)
    X, y, tasks = problem.X, problem.y, problem.labels(penalty)
    base = problem.estimator(penalty, tol=1e-4, max_iter=_MAX_ITER)
    model = TaskThresholdClassifier(base, cv=2).fit(X, y, tasks)
    position = np.searchsorted(model.tasks_, tasks)
    above = model.predict_proba(X, tasks)[:, 1] - model.thresholds_[position]
    clear = np.abs(above) > 1e-9
    expected = np.where(above > 0, model.classes_[1], model.classes_[0])
    assert np.array_equal(model.predict(X, tasks)[clear], expected[clear])
    assert np.all((model.thresholds_ >= 0) & (model.thresholds_ <= 1))
