"""Intervals and sets that cover: against loops by hand, and on data of known truth."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator

from helpers.data import generated
from linmtl import (
    AutoRegressor,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    PooledRegressor,
)
from linmtl.conformal import TaskConformalClassifier, TaskConformalRegressor
from linmtl.conformal._calibration import Scales, share_at_least, upper_ends
from linmtl.model_selection import TaskKFold


def folds_of(X, y, tasks, k=5):
    return list(TaskKFold(k, shuffle=True, random_state=0).split(X, y, tasks))


def several(sizes, seed=0, spread=0.4, kind="normal"):
    """Return a function that draws X, y, tasks with so many rows of each task."""
    rng, T = np.random.default_rng(seed), len(sizes)
    W = rng.normal(size=4) + 0.3 * rng.normal(size=(T, 4))
    noise = np.exp(spread * rng.normal(size=T))

    def draw(sizes=sizes):
        code = np.repeat(np.arange(T), sizes)
        X = rng.normal(size=(code.size, 4))
        e = (
            rng.normal(size=code.size)
            if kind == "normal"
            else rng.laplace(size=code.size)
        )
        return X, np.sum(X * W[code], axis=1) + code + noise[code] * e, code

    return draw


def covered(model, draw, rows=300):
    """Return how often the intervals of each task hold new targets."""
    T = len(model.tasks_)
    X, y, code = draw([rows] * T)
    low, high = model.predict_interval(X, code).T
    inside = (low <= y) & (y <= high)
    return np.bincount(code, weights=inside) / rows


def test_cross_conformal_ends_are_those_of_a_loop():
    X, y, tasks = generated(n_tasks=3, n_samples=30, random_state=0)
    folds, inner = folds_of(X, y, tasks), MeanRegularizedRegressor(0.5)
    model = TaskConformalRegressor(inner, cv=folds, min_rows=1, coverage=0.8)
    model.fit(X, y, tasks)
    task = model.tasks_[1]
    new = np.random.default_rng(1).normal(size=(4, X.shape[1]))
    up, down = [], []
    for train, test in folds:
        one = MeanRegularizedRegressor(0.5).fit(X[train], y[train], tasks[train])
        mine = test[tasks[test] == task]
        error = np.abs(y[mine] - one.predict(X[mine], tasks[mine]))
        said = one.predict(new, np.full(4, task))
        up += list(said + error[:, None])
        down += list(said - error[:, None])
    k = int(np.ceil(0.8 * 31))  # of 30 rows
    expected = np.sort(down, axis=0)[-k], np.sort(up, axis=0)[k - 1]
    found = model.predict_interval(new, np.full(4, task))
    np.testing.assert_allclose(found, np.column_stack(expected), rtol=1e-9)
    np.testing.assert_array_equal(model.n_calibration_, [30, 30, 30])


def test_a_split_gives_one_width_for_each_task():
    X, y, tasks = generated(n_tasks=3, n_samples=80, random_state=0)
    model = TaskConformalRegressor(
        L21Regressor(0.1), method="split", min_rows=10, calibration_size=0.5
    ).fit(X, y, tasks)
    assert len(model.estimators_) == 1
    assert model.estimator_ is model.estimators_[0]
    low, high = model.predict_interval(X, tasks).T
    np.testing.assert_allclose((low + high) / 2, model.predict(X, tasks), atol=1e-9)
    for task in model.tasks_:
        width = (high - low)[tasks == task]
        np.testing.assert_allclose(width, width[0])


def test_sets_are_those_of_a_loop():
    X, y, tasks = generated(True, n_tasks=3, n_samples=30, random_state=0)
    folds, inner = folds_of(X, y, tasks), L21Classifier(0.02)
    model = TaskConformalClassifier(inner, cv=folds, min_rows=1).fit(X, y, tasks)
    task = model.tasks_[2]
    new = np.random.default_rng(1).normal(size=(40, X.shape[1]))
    worse = np.ones((40, 2))
    for train, test in folds:
        one = L21Classifier(0.02).fit(X[train], y[train], tasks[train])
        mine = test[tasks[test] == task]
        p = one.predict_proba(X[mine], tasks[mine])
        score = 1 - p[np.arange(mine.size), np.searchsorted(one.classes_, y[mine])]
        asked = 1 - one.predict_proba(new, np.full(40, task))
        worse += np.sum(score[:, None, None] >= asked - 1e-12, axis=0)
    expected = worse / 31 > 0.1 + 1e-12
    found = model.predict_set(new, np.full(40, task))
    np.testing.assert_array_equal(found, expected)
    assert 0 < found.sum() < found.size
    np.testing.assert_array_equal(
        model.predict_log_proba(new, np.full(40, task)),
        model.estimator_.predict_log_proba(new, np.full(40, task)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cv+", "split"])
@pytest.mark.parametrize("kind", ["normal", "laplace"])
def test_every_task_with_many_rows_is_covered(method, kind):
    rates = []
    for seed in range(16):
        draw = several([60] * 4, seed, kind=kind)
        model = TaskConformalRegressor(
            MeanRegularizedRegressor(0.3),
            method=method,
            calibration_size=0.5,
            min_rows=20,
            random_state=seed,
        )
        rates.append(covered(model.fit(*draw()), draw))
    rates = np.mean(rates, axis=0)
    assert np.all((rates > 0.87) & (rates < 0.94)), rates


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.8])
def test_tasks_with_few_rows_are_covered_on_average(spread):
    rates = []
    for seed in range(14):
        sizes = [3, 4, 5, 6, 8, 12] * 3
        draw = several(sizes, seed, spread)
        model = TaskConformalRegressor(random_state=seed)
        rates.append(covered(model.fit(*draw()), draw).mean())
    assert 0.88 < np.mean(rates) < 0.92, np.mean(rates)


@pytest.mark.slow
def test_tasks_never_seen_are_covered_on_average():
    inside = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        W, b = 1 + 0.4 * rng.normal(size=(26, 3)), rng.normal(size=26)
        code = np.repeat(np.arange(26), 12)
        X = rng.normal(size=(code.size, 3))
        y = b[code] + np.sum(X * W[code], axis=1) + rng.normal(size=code.size)
        old = code < 20
        model = TaskConformalRegressor(
            MeanRegularizedRegressor(1.0), handle_unknown="mean", random_state=seed
        ).fit(X[old], y[old], code[old])
        low, high = model.predict_interval(X[~old], code[~old]).T
        inside.append(np.mean((low <= y[~old]) & (y[~old] <= high)))
    # on average 0.9 to 0.9 + 1 / 21: a new task counts as one of 21
    assert 0.87 < np.mean(inside) < 0.97, np.mean(inside)


def test_units_of_y_are_those_of_the_intervals():
    X, y, tasks = several([5, 8, 11, 6])()
    one = TaskConformalRegressor(IndependentRegressor(1.0)).fit(X, y, tasks)
    two = TaskConformalRegressor(IndependentRegressor(1.0)).fit(X, 100 * y - 7, tasks)
    np.testing.assert_allclose(
        two.predict_interval(X, tasks),
        100 * one.predict_interval(X, tasks) - 7,
        rtol=1e-6,
        atol=1e-6,
    )


def test_more_coverage_holds_less():
    X, y, tasks = several([25] * 4)()
    model = TaskConformalRegressor(MeanRegularizedRegressor(1.0)).fit(X, y, tasks)
    narrow, wide = (
        model.predict_interval(X, tasks, coverage=coverage) for coverage in (0.5, 0.8)
    )
    assert np.all(wide[:, 0] <= narrow[:, 0])
    assert np.all(wide[:, 1] >= narrow[:, 1])


def test_a_task_column_is_the_same_as_tasks():
    X, y, tasks = several([20] * 3)()
    inner = MeanRegularizedRegressor(1.0)
    plain = TaskConformalRegressor(inner).fit(X, y, tasks)
    column = TaskConformalRegressor(inner, task_column=-1)
    column.fit(np.column_stack([X, tasks]), y)
    np.testing.assert_allclose(
        column.predict_interval(np.column_stack([X, tasks])),
        plain.predict_interval(X, tasks),
    )


@pytest.mark.parametrize("classify", [False, True])
def test_wide_targets_have_an_answer_for_every_task(classify):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    Y = X @ rng.normal(size=(3, 4)) + rng.normal(size=(50, 4))
    if classify:
        Y = (Y > 0).astype(float)
    Y[:10, 2] = np.nan
    if classify:
        model = TaskConformalClassifier(MeanRegularizedClassifier(0.1)).fit(X, Y)
        every = model.predict_set(X)
        one = model.predict_set(X[:3], model.tasks_[[2, 0, 1]])
    else:
        model = TaskConformalRegressor(MeanRegularizedRegressor(0.1)).fit(X, Y)
        every = model.predict_interval(X)
        one = model.predict_interval(X[:3], model.tasks_[[2, 0, 1]])
        there = ~np.isnan(Y)
        inside = (every[..., 0] <= Y) & (every[..., 1] >= Y)
        assert 0.85 < inside[there].mean() <= 1.0
    assert every.shape == (50, 4, 2)
    np.testing.assert_array_equal(one, every[[0, 1, 2], [2, 0, 1]])
    np.testing.assert_array_equal(model.n_calibration_, [50, 50, 40, 50])


def test_one_task_needs_no_label():
    X, y, _ = several([50])()
    model = TaskConformalRegressor(MeanRegularizedRegressor(0.1)).fit(X, y)
    assert model.predict_interval(X[:5]).shape == (5, 2)


def test_missing_labels_and_rows_of_no_weight_are_not_there():
    X, y, tasks = several([20] * 3)()
    keep = np.arange(y.size) % 5 > 0
    cv = TaskKFold(4)
    inner = MeanRegularizedRegressor(1.0)
    expected = TaskConformalRegressor(inner, cv=cv).fit(X[keep], y[keep], tasks[keep])
    expected = expected.predict_interval(X, tasks)
    missing = TaskConformalRegressor(inner).fit(X, np.where(keep, y, np.nan), tasks)
    weighted = TaskConformalRegressor(inner).fit(X, y, tasks, keep.astype(float))
    for model in (missing, weighted):
        np.testing.assert_array_equal(model.n_calibration_, [16] * 3)
        found = model.predict_interval(X, tasks)
        width = np.diff(found).mean() / np.diff(expected).mean()
        assert 0.8 < width < 1.25


def test_too_few_rows_say_nothing_and_that_is_said():
    X, y, tasks = several([2, 3, 2])()
    with pytest.warns(UserWarning, match="of 3 tasks nothing can be said"):
        model = TaskConformalRegressor(MeanRegularizedRegressor(1.0)).fit(X, y, tasks)
    assert np.all(np.isinf(model.predict_interval(X, tasks)))
    assert np.all(np.isfinite(model.predict_interval(X, tasks, coverage=0.5)))


def test_few_tasks_say_nothing_of_a_new_one():
    X, y, tasks = several([40, 40, 40])()
    model = TaskConformalRegressor(MeanRegularizedRegressor(1.0), handle_unknown="mean")
    with pytest.warns(UserWarning, match="of tasks not seen in fit nothing can"):
        model.fit(X, y, tasks)
    found = model.predict_interval(X[:4], [0, 9, 1, 9])
    np.testing.assert_array_equal(np.isinf(found[:, 0]), [False, True, False, True])
    assert np.all(np.isfinite(model.predict_interval(X[:4], [9] * 4, coverage=0.7)))


@pytest.mark.parametrize("column", [None, "site"])
def test_models_are_asked_for_the_rows_that_they_speak_for(column, monkeypatch):
    """Those of the folds for known tasks, those without some tasks for new ones."""
    X, y, tasks = generated(n_tasks=12, n_samples=12, random_state=0)
    frame, labels = pd.DataFrame(X).add_prefix("x"), np.asarray(tasks)
    model = TaskConformalRegressor(
        MeanRegularizedRegressor(1.0), handle_unknown="mean", task_column=column, cv=3
    )
    if column is None:
        model.fit(frame, y, labels)
    else:
        model.fit(frame.assign(site=labels), y)
    new = labels.copy()
    new[::4] = 99
    asked = []
    inner = type(model)._statements

    def counted(self, model, X, tasks, offset):
        asked.append(len(X))
        return inner(self, model, X, tasks, offset)

    monkeypatch.setattr(type(model), "_statements", counted)
    if column is None:
        found = model.predict_interval(frame, new)
        alone = model.predict_interval(frame[new == 99], new[new == 99])
    else:
        found = model.predict_interval(frame.assign(site=new))
        alone = model.predict_interval(frame.assign(site=new)[new == 99])
    n_new = int(np.sum(new == 99))
    assert asked == [len(y) - n_new] * 3 + [n_new] * 6
    np.testing.assert_allclose(found[new == 99], alone)


def test_errors_name_the_estimator_and_not_the_one_inside():
    X, y, tasks = several([12, 12])()
    regressor = TaskConformalRegressor(L21Regressor(0.1), cv=2).fit(X, y, tasks)
    answers = [regressor.predict, regressor.predict_interval]
    answers.append(lambda X, tasks: regressor.score(X, y, tasks))
    classifier = TaskConformalClassifier(L21Classifier(0.1), cv=2)
    classifier.fit(X, y > np.median(y), tasks)
    answers += [classifier.predict_proba, classifier.predict_log_proba]
    for answer in (*answers, classifier.predict_set):
        for passed in ((X, tasks + 5), (X, None), (X[:, :2], tasks)):
            with pytest.raises(
                ValueError, match=r"TaskConformal(Regressor|Classifier)"
            ):
                answer(*passed)


def test_unknown_tasks_are_refused_where_none_were_expected():
    X, y, tasks = several([20] * 3)()
    model = TaskConformalRegressor(MeanRegularizedRegressor(1.0)).fit(X, y, tasks)
    # the one to set is that of the model which the user called
    says = "which TaskConformalRegressor has not seen in fit; set handle_unknown='mean'"
    for ask in model.predict_interval, model.predict:
        with pytest.raises(ValueError, match=says):
            ask(X[:2], [0, 7])


def test_constant_targets_leave_no_width():
    X, _, tasks = several([20] * 3)()
    model = TaskConformalRegressor(MeanRegularizedRegressor(1.0))
    model.fit(X, np.full(60, 4.0), tasks)
    np.testing.assert_allclose(model.predict_interval(X, tasks), 4.0)


def test_a_task_of_one_class_is_served_by_the_others():
    X, y, tasks = generated(True, n_tasks=4, n_samples=30, random_state=0)
    first = tasks == np.unique(tasks)[0]
    model = TaskConformalClassifier(MeanRegularizedClassifier(0.1))
    with pytest.warns(UserWarning, match="single class"):
        model.fit(X, np.where(first, y[0], y), tasks)
    assert model.n_calibration_[0] == 0
    assert model.predict_set(X[first], tasks[first]).any()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"method": "jackknife"}, "method must be one of"),
        ({"coverage": 1.0}, "coverage must be between 0 and 1"),
        ({"coverage": "90"}, "coverage must be a number"),
        ({"calibration_size": 1.0}, "calibration_size must be between"),
        ({"min_rows": 0}, "min_rows must be"),
        ({"estimator": L21Classifier()}, "must be a regressor"),
        ({"estimator": L21Regressor(task_column=0)}, "set task_column=0 here"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    X, y, tasks = several([20] * 2)()
    with pytest.raises(ValueError, match=message):
        TaskConformalRegressor(**parameters).fit(X, y, tasks)


def test_other_estimators_are_refused():
    X, y, tasks = several([20] * 2)()
    with pytest.raises(TypeError, match="one of linmtl's estimators"):
        TaskConformalRegressor(object()).fit(X, y, tasks)


def test_errors_are_moved_by_their_rank_and_keep_it():
    rng = np.random.default_rng(0)
    code = np.repeat(np.arange(8), 5)
    error = np.abs(rng.normal(size=40)) * np.exp(rng.normal(size=8))[code]
    scales = Scales(error, code, 8)
    rows = np.arange(40)
    one, two = scales.errors_in(0, rows), scales.errors_in(3, rows)
    np.testing.assert_array_equal(np.argsort(one), np.argsort(two))
    np.testing.assert_allclose(two / one, scales.value[3] / scales.value[0])


def test_ends_of_one_model_and_of_many_that_agree_are_the_same():
    rng = np.random.default_rng(0)
    error, weight = rng.exponential(size=20), np.full(20, 1 / 21)
    centre = rng.normal(size=7)
    one = upper_ends(centre[None], error, np.zeros(20, int), weight, 0.8)
    many = upper_ends(np.tile(centre, (3, 1)), error, np.arange(20) % 3, weight, 0.8)
    np.testing.assert_allclose(one, many)
    np.testing.assert_allclose(one, centre + np.sort(error)[16])
    assert np.all(
        np.isinf(upper_ends(centre[None], error, np.zeros(20, int), weight, 0.99))
    )


def test_shares_count_ties_and_the_row_itself():
    score = np.array([0.1, 0.2, 0.2, 0.9])
    asked = np.array([[0.2, 0.95, 0.0]])
    found = share_at_least(asked, score, np.zeros(4, int), np.full(4, 0.2))
    np.testing.assert_allclose(found, [0.8, 0.2, 1.0])


@pytest.mark.slow
@pytest.mark.parametrize("cls", [TaskConformalRegressor, TaskConformalClassifier])
@pytest.mark.filterwarnings("ignore:.*nothing can be said")
@pytest.mark.filterwarnings("ignore:.*single class")
@pytest.mark.filterwarnings("ignore:.*two values only")
def test_checks_of_scikit_learn(cls):
    inner = (
        MeanRegularizedClassifier(0.1)
        if cls is TaskConformalClassifier
        else MeanRegularizedRegressor(0.1)
    )
    for model, check in estimator_checks_generator(cls(inner, cv=3)):
        check(model)


@pytest.mark.slow
@pytest.mark.parametrize("inside", ["models", "loss"])
def test_a_choice_of_models_has_the_loss_of_these(inside):
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(60, 2)), np.repeat(np.arange(2), 30)
    y = rng.poisson(np.exp(X[:, 0]))
    model = AutoRegressor([PooledRegressor(loss="poisson")], cv=2)
    if inside == "loss":
        model.set_params(loss="poisson")
    outer = TaskConformalRegressor(model, method="split").fit(X, y, tasks)
    assert (outer.predict(X, tasks) > 0).all()
    with pytest.raises(ValueError, match="negative"):
        clone(outer).fit(X, -y, tasks)
    TaskConformalRegressor(AutoRegressor([PooledRegressor()], cv=2)).fit(X, y, tasks)
