"""Pooled models: one for all tasks, of a given strength or one that is searched for."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier

from linmtl import IndependentRegressor, PooledClassifier, PooledRegressor
from linmtl.model_selection import TaskKFold
from linmtl.statistics import TaskStatistics


def problem(classify=False, seed=0, n=30, n_tasks=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n * n_tasks, 4)) * [1.0, 1.0, 1.0, 1e3]
    tasks = np.repeat(np.arange(n_tasks), n)
    y = X @ [1.0, -1.0, 0.0, 1e-3] + tasks + rng.normal(size=len(X))
    return X, y > np.median(y) if classify else y, tasks


@pytest.mark.parametrize("cls", [PooledRegressor, PooledClassifier])
@pytest.mark.parametrize("task_intercepts", [False, True])
@pytest.mark.slow
def test_the_strength_has_the_lowest_held_out_loss(cls, task_intercepts):
    X, y, tasks = problem(is_classifier(cls()))
    model = cls("cv", cv=3, task_intercepts=task_intercepts, tol=1e-7)
    model.fit(X, y, tasks)
    given = clone(model).set_params(scale_features=True, tol=1e-7)
    splits = list(TaskKFold(3, shuffle=True, random_state=0).split(X, y, tasks))
    losses = []
    for alpha in model.alphas_:
        loss = 0.0
        for train, test in splits:
            part = X[train], y[train], tasks[train]
            # in a fold features have the scale of all rows
            scaled = [part[0] / model.feature_scale_, *part[1:]]
            given.set_params(alpha=float(alpha), scale_features=False).fit(*scaled)
            held = X[test] / model.feature_scale_, y[test], tasks[test]
            if is_classifier(given):
                p = given.predict_proba(held[0], held[2])
                each = -np.log(p[np.arange(len(test)), held[1].astype(int)])
            else:
                each = (held[1] - given.predict(held[0], held[2])) ** 2
            loss += each.mean()
        losses.append(loss)
    assert model.alpha_ == model.alphas_[np.argmin(losses)]
    given.set_params(alpha=model.alpha_, scale_features=True).fit(X, y, tasks)
    np.testing.assert_allclose(given.coef_, model.coef_, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(given.feature_scale_, model.feature_scale_)


def test_a_given_strength_forgets_the_search():
    X, y, tasks = problem()
    model = PooledRegressor("cv", cv=3).fit(X, y, tasks)
    assert model.alphas_.size >= 13
    assert not model.at_bound_
    assert repr(model) == "PooledRegressor(alpha='cv', cv=3)"
    given = PooledRegressor(0.1).fit(X, y, tasks)
    model.set_params(alpha=0.1, cv=5).fit(X, y, tasks)
    assert vars(model).keys() - vars(given).keys() <= {"_found"}
    np.testing.assert_array_equal(model.coef_, given.coef_)
    assert model.alpha_ == given.alpha_ == 0.1


def test_statistics_of_folds_choose_the_strength():
    X, y, tasks = problem()
    cv = [
        (np.flatnonzero(np.arange(90) % 3 != k), np.arange(k, 90, 3)) for k in (0, 1, 2)
    ]
    model = PooledRegressor("cv", cv=cv).fit(X, y, tasks)
    folds = [TaskStatistics().update(X[r], y[r], tasks[r]) for _, r in cv]
    sums = PooledRegressor("cv").fit_statistics(folds)
    assert sums.alpha_ == pytest.approx(model.alpha_)
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = sums.partial_fit


@pytest.mark.parametrize("cls", [PooledRegressor, IndependentRegressor])
def test_wrong_words(cls):
    with pytest.raises(
        ValueError, match=f"{cls.__name__}: alpha must be a number >= 0"
    ):
        cls("loo").fit(*problem())
    with pytest.raises(ValueError, match=f"{cls.__name__}: scale_features must be"):
        cls("cv", scale_features="no").fit(*problem())


def test_one_row_at_a_time():
    X, y, tasks = problem()
    long = PooledRegressor("cv", cv="loo", task_intercepts=True).fit(X, y, tasks)
    assert long.alpha_ > 0
    Y = y.reshape(3, -1).T
    assert PooledRegressor("cv", cv="loo").fit(X[:30], Y).alpha_ > 0
    with pytest.raises(ValueError, match="cv='loo' is not for a wide y with task_in"):
        PooledRegressor("cv", cv="loo", task_intercepts=True).fit(X[:30], Y)
