"""Auto: models judged on the same rows, and put together as these say."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.special
from sklearn.base import clone, is_classifier

from helpers.transfer import around_a_centre, linear_predictor, wide_and_long
from linmtl import (
    AutoClassifier,
    AutoRegressor,
    IndependentClassifier,
    IndependentRegressor,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MixedEffectsRegressor,
    PooledClassifier,
    PooledRegressor,
)
from linmtl.auto._candidates import default_models
from linmtl.auto._held_out import _folds_of_groups
from linmtl.auto._leaderboard import Units, lowest, simplest
from linmtl.estimators._pooled import PooledClassifierCV
from linmtl.losses import LOSSES
from linmtl.model_selection import TaskKFold

REGRESSORS = [
    ("pooled", PooledRegressor(task_intercepts=True)),
    ("alone", IndependentRegressor(0.01)),
    ("mean", MeanRegularizedRegressor(1.0)),
]
CLASSIFIERS = [
    ("pooled", PooledClassifier(task_intercepts=True)),
    ("alone", IndependentClassifier(0.01)),
    ("mean", MeanRegularizedClassifier(0.1)),
]


def regressor(**options):
    return AutoRegressor(REGRESSORS, **options)


def classifier(**options):
    return AutoClassifier(CLASSIFIERS, **options)


BOTH = pytest.mark.parametrize("make", [regressor, classifier])
SELECTIONS = pytest.mark.parametrize("selection", ["best", "stack"])


def problem(classify=False, seed=0, n=24, n_tasks=5, outlier=None):
    turned = [] if outlier is None else [outlier]
    options = {"n_tasks": n_tasks, "n_features": 4, "n_samples": n}
    return around_a_centre(classify, turned, **options, random_state=seed)


# --- what is computed


@pytest.mark.parametrize("weighted", [False, True])
@BOTH
@pytest.mark.slow
def test_the_leaderboard_is_a_loop(make, weighted):
    model = make(cv=4)
    classify = is_classifier(model)
    X, y, tasks = problem(classify, outlier=1)
    weight = np.random.default_rng(0).integers(1, 4, len(y)) if weighted else None
    used = np.ones(len(y)) if weight is None else weight.astype(float)
    model.fit(X, y, tasks, weight)
    splits = TaskKFold(4, shuffle=True, random_state=0).split(X, y, tasks)
    losses = {name: np.empty(len(y)) for name, _ in model.models}
    for train, test in splits:
        for name, part in model.models:
            fitted = clone(part).fit(X[train], y[train], tasks[train], used[train])
            eta = linear_predictor(fitted, X[test], tasks[test])
            if classify:
                sign = np.where(y[test] == model.classes_[1], 1, -1)
                losses[name][test] = np.logaddexp(0, -sign * eta)
            else:
                losses[name][test] = (y[test] - eta) ** 2
    mean = {name: np.average(each, weights=used) for name, each in losses.items()}
    table = model.leaderboard_.to_frame()
    assert list(table.index) == sorted(mean, key=mean.get)
    best = table.index[0]
    for name, each in losses.items():
        gap = each - losses[best]
        row = table.loc[name]
        for value, error, values in (
            ("loss", "std_error", each),
            ("difference", "difference_error", gap),
        ):
            expected = np.average(values, weights=used)
            np.testing.assert_allclose(row[value], expected, rtol=1e-4, atol=1e-6)
            rest = used * (values - expected)
            n = len(y)
            expected = np.sqrt(np.sum(rest**2) * n / (n - 1)) / used.sum()
            np.testing.assert_allclose(row[error], expected, rtol=1e-3, atol=1e-6)
    found = model.held_out_
    for name, each in zip(found.models, found.losses, strict=True):
        np.testing.assert_allclose(each, losses[name][found.row], rtol=1e-3, atol=1e-4)
    simple = [
        m for m in found.models if table.difference[m] <= table.difference_error[m]
    ]
    assert model.best_ == simple[0]
    assert str(model.leaderboard_).count("\n") == len(table) + 1
    assert "first" in repr(model.leaderboard_)


@SELECTIONS
@BOTH
def test_the_model_is_made_of_its_parts(make, selection):
    model = make(selection=selection)
    X, y, tasks = problem(is_classifier(model), outlier=0)
    model.fit(X, y, tasks)
    assert model.weights_.shape == (5, 3)
    assert np.all(model.weights_ >= 0)
    np.testing.assert_allclose(model.weights_.sum(axis=1), 1.0)
    expected = np.zeros_like(model.coef_)
    for name, part in model.models:
        weight = model.weights_[:, model.held_out_.models.index(name)]
        fitted = clone(part).fit(X, y, tasks)
        expected += weight[:, None] * fitted.coef_
        if name in model.estimators_:
            np.testing.assert_allclose(model.estimators_[name].coef_, fitted.coef_)
        else:
            assert not weight.any()
        assert not hasattr(part, "coef_")
    np.testing.assert_allclose(model.coef_, expected)
    np.testing.assert_allclose(
        linear_predictor(model, X, tasks),
        getattr(model, "decision_function" if make is classifier else "predict")(
            X, tasks
        ),
    )
    if selection == "best":
        np.testing.assert_array_equal(model.coef_, model.best_estimator_.coef_)
        assert not hasattr(model, "shrinkage_")
    low, high = model.loss_interval_
    assert low < model.loss_ < high


@SELECTIONS
@BOTH
def test_one_model_is_that_model(make, selection):
    model = make(selection=selection)
    model.set_params(models=model.models[1:2])
    X, y, tasks = problem(is_classifier(model))
    model.fit(X, y, tasks)
    alone = clone(model.models[0][1]).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, alone.coef_, rtol=1e-12)
    np.testing.assert_array_equal(model.weights_, 1.0)
    assert model.loss_ == pytest.approx(model.leaderboard_.loss[0])


@BOTH
def test_what_is_held_out_says_nothing_of_its_predictions(make):
    """Targets of a fold are replaced, and what is predicted for it stays."""
    model = make(selection="stack")
    classify = is_classifier(model)
    X, y, tasks = problem(classify, seed=3)
    fold = np.arange(len(y)) % 4
    model.set_params(cv=[(fold != k, fold == k) for k in range(4)])
    first = clone(model).fit(X, y, tasks).held_out_
    changed = np.where(fold == 2, 1 - y if classify else 7.0 - y, y)
    second = clone(model).fit(X, changed, tasks).held_out_
    held = first.fold == 2
    np.testing.assert_array_equal(first.eta[:, held], second.eta[:, held])
    assert np.all(np.any(first.eta[:, ~held] != second.eta[:, ~held], axis=0))


def test_progress_is_told_where_asked(capsys):
    X, y, tasks = problem()
    regressor(cv=2).fit(X, y, tasks)
    assert capsys.readouterr().err == ""
    regressor(cv=2, verbose=1).fit(X, y, tasks)
    assert "Done" in capsys.readouterr().err


def test_models_may_be_named_by_their_class():
    X, y, tasks = problem()
    models = [PooledRegressor(), PooledRegressor(0.1), MixedEffectsRegressor()]
    model = AutoRegressor(models).fit(X, y, tasks)
    assert model.held_out_.models == ["Pooled", "Pooled 2", "MixedEffects"]


def test_task_losses():
    X, y, tasks = problem()
    found = regressor().fit(X, y, tasks).held_out_
    each = found.task_losses()
    mine = found.task == 3
    np.testing.assert_allclose(each[:, 3], found.losses[:, mine].mean(axis=1))


# --- what it is for


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.slow
def test_a_stack_shares_where_tasks_are_alike_and_not_elsewhere(seed):
    """Close to the best model or better, with two opposite tasks among ten."""
    options = {"n_tasks": 10, "n_features": 6, "n_samples": 300, "deviation": 0.1}
    X, y, tasks = around_a_centre(False, [3, 5], **options, random_state=seed)
    rank = np.array([np.sum(tasks[:i] == t) for i, t in enumerate(tasks)])
    train, test = rank < 20, rank >= 20
    rows, model = (X[train], y[train], tasks[train]), AutoRegressor(REGRESSORS)
    model.fit(*rows)
    assert np.all(model.weights_[[3, 5], 1] > 0.8)
    errors = [
        np.mean((y[test] - m.predict(X[test], tasks[test])) ** 2)
        for m in (model, *(clone(m).fit(*rows) for _, m in REGRESSORS))
    ]
    assert errors[0] < 1.02 * min(errors[1:])


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("selection", ["best", "1se", "stack"])
def test_held_out_losses_are_of_choices_by_the_other_folds(make, selection):
    data = problem(make is classifier, outlier=1)
    model = make(selection=selection).fit(*data)
    row, loss = model.held_out_losses(*data)
    found = model.held_out_
    np.testing.assert_array_equal(row, found.row)
    if (
        selection == "stack"
    ):  # weights from others: no row is predicted as well as can be
        assert loss.mean() > found.losses.mean(axis=1).min() * 0.8
        assert loss.mean() <= model.loss_ * (1 + 1e-9)
        return
    choose = simplest if selection == "1se" else lowest
    for k in range(5):
        others, held = found.fold != k, found.fold == k
        size = np.ones(others.sum())
        chosen = choose(Units(found.losses[:, others], size))
        np.testing.assert_array_equal(loss[held], found.losses[chosen, held])


def test_the_simpler_of_equal_models_is_taken():
    X, y, tasks = problem()
    same = [("first", L21Regressor(0.01)), ("second", L21Regressor(0.01))]
    model = AutoRegressor(same, selection="best").fit(X, y, tasks)
    assert model.best_ == "first"
    model.set_params(models=[("bad", PooledRegressor(1e6)), *same])
    assert model.fit(X, y, tasks).best_ == "first"
    assert model.weights_[0].tolist() == [0, 1, 0]


@pytest.mark.slow
def test_which_model_is_taken():
    """The lowest loss, or the first of those that are within one standard error."""
    X, y, tasks = problem(n=40)
    models = [("bad", PooledRegressor(1e6))]
    for alpha in (1.0, 0.1, 0.09):
        models.append((f"mean {alpha}", MeanRegularizedRegressor(alpha)))
    best, near = (
        AutoRegressor(models, selection=selection).fit(X, y, tasks)
        for selection in ("best", "1se")
    )
    loss = best.held_out_.losses.mean(axis=1)
    lowest = int(np.argmin(loss))
    assert best.best_ == models[lowest][0]
    apart = best.held_out_.losses - best.held_out_.losses[lowest]
    error = apart.std(axis=1, ddof=1) / np.sqrt(apart.shape[1])
    first = int(np.argmax(loss - loss[lowest] <= error))
    assert 0 < first < lowest
    assert near.best_ == models[first][0]
    assert near.weights_[0].tolist() == np.eye(4)[first].tolist()


# --- groups


def test_folds_do_not_part_groups():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 30, 120)
    task = groups % 3
    seen = np.zeros(120, dtype=int)
    for train, test in _folds_of_groups(task, groups, 5, 0):
        assert not set(groups[train]) & set(groups[test])
        seen[test] += 1
        sizes = [len(set(groups[test[task[test] == t]])) for t in range(3)]
        assert max(sizes) - min(sizes) <= 1
    assert np.all(seen == 1)


@pytest.mark.slow
@pytest.mark.parametrize("wide", [False, True])
def test_groups_are_held_out_together(wide):
    """Here and within: with copies of rows apart, no penalty would be the best."""
    rng = np.random.default_rng(1)
    rows = np.repeat(np.arange(40), 4)
    X = rng.standard_normal((40, 15))[rows]
    Y = X @ np.full((15, 2), 0.1) + rng.standard_normal((40, 2))[rows]
    model = AutoRegressor([("l21", L21RegressorCV(alphas=10))])
    alphas = []
    for groups in (None, rows):
        if wide:
            model.fit(X, Y, groups=groups)
        else:
            twice = None if groups is None else np.tile(groups, 2)
            tasks = np.repeat([0, 1], 160)
            model.fit(np.tile(X, (2, 1)), Y.T.ravel(), tasks, groups=twice)
        alphas.append(model.best_estimator_.alpha_)
        error = model.leaderboard_.std_error[0]
    assert alphas[1] > 3 * alphas[0]
    found = model.held_out_
    for unit in range(40):
        assert len(set(found.fold[found.unit == unit])) == 1
    one = found.losses[0].std() / np.sqrt(found.row.size)
    assert error > 1.5 * one
    with pytest.raises(ValueError, match="groups has shape"):
        model.fit(X, Y, groups=rows[1:])
    with pytest.raises(ValueError, match="cannot be 5 folds"):
        model.fit(X, Y, groups=rows % 3)


# --- layouts


@pytest.mark.slow
@SELECTIONS
@BOTH
def test_layouts_agree(make, selection):
    model = make(selection=selection)
    (X, Y, cv), (X_long, y, tasks, cv_long, rows) = wide_and_long(is_classifier(model))
    wide = clone(model).set_params(cv=cv).fit(X, Y)
    assert wide.predict(X).shape == (40, 3)
    long = clone(model).set_params(cv=cv_long).fit(X_long, y, tasks, groups=rows)
    np.testing.assert_allclose(long.leaderboard_.loss, wide.leaderboard_.loss, 1e-4)
    np.testing.assert_allclose(
        long.leaderboard_.difference_error,
        wide.leaderboard_.difference_error,
        atol=1e-3,
    )
    np.testing.assert_allclose(long.coef_, wide.coef_, atol=2e-2)
    frame = pd.DataFrame(X_long, columns=list("abcd")).assign(site=tasks)
    column = clone(model).set_params(cv=cv_long, task_column="site")
    column.fit(frame, y, groups=rows)
    np.testing.assert_allclose(column.weights_, long.weights_, atol=1e-8)
    np.testing.assert_allclose(column.predict(frame), long.predict(X_long, tasks))
    assert column.coef_feature_names_.tolist() == list("abcd")


@pytest.mark.slow
def test_unknown_tasks_have_what_the_models_say_of_them():
    X, y, tasks = problem()
    with pytest.raises(ValueError, match="has the labels 9"):
        regressor().fit(X, y, tasks).predict(X[:1], [9])
    model = AutoRegressor(
        [MixedEffectsRegressor()], handle_unknown="mean", selection="stack"
    ).fit(X, y, tasks)
    alone = MixedEffectsRegressor().fit(X, y, tasks)
    np.testing.assert_allclose(model.predict(X[:1], [9]), alone.predict(X[:1], [9]))


@BOTH
@pytest.mark.slow
def test_pickle_and_determinism(make):
    model = make(selection="stack")
    X, y, tasks = problem(is_classifier(model))
    model.fit(X, y, tasks)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X, tasks), model.predict(X, tasks))
    again = clone(model).set_params(n_jobs=2).fit(X, y, tasks)
    np.testing.assert_array_equal(again.coef_, model.coef_)


@pytest.mark.slow
@pytest.mark.parametrize("cls", [AutoRegressor, AutoClassifier])
@pytest.mark.parametrize("n_tasks", [1, 2])
def test_the_default_models(cls, n_tasks):
    """All of them can be fitted, long and wide."""
    X, y, tasks = problem(cls is AutoClassifier, n=20, n_tasks=n_tasks)
    model = cls(selection="best", cv=2)
    if n_tasks == 1:
        model.fit(X, y)
        assert len(model.leaderboard_.models) == 2
        assert model.predict(X).shape == y.shape
        return
    model.fit(X, y, tasks)
    assert len(model.leaderboard_.models) == 12
    Y = y.reshape(n_tasks, -1).T
    model.fit(X[: len(Y)], Y)
    assert len(model.leaderboard_.models) == 11


def test_pooled_classifiers_tune_themselves_with_one_intercept():
    """As on the rows of a single task."""
    X, y, tasks = problem(True, n=30)
    cv = [(np.arange(len(y)) % 3 != k, np.arange(len(y)) % 3 == k) for k in range(3)]
    model = PooledClassifierCV(task_intercepts=False, alphas=5, cv=cv)
    alone = clone(model).fit(X, y)
    model.fit(X, y, tasks)
    assert model.alpha_ == pytest.approx(alone.alpha_)
    np.testing.assert_allclose(model.coef_, np.tile(alone.coef_, (5, 1)), atol=1e-3)


# --- hostile input


@pytest.mark.slow
def test_a_model_that_fails_is_left_out():
    X, y, tasks = problem()
    bad = ("bad", L21Regressor(-1.0))
    with pytest.warns(UserWarning, match=r"'bad' is left out: .*alpha") as said:
        model = AutoRegressor([bad, *REGRESSORS]).fit(X, y, tasks)
    assert len(said) == 1
    assert said[0].filename == __file__
    assert "bad" not in model.leaderboard_.models
    slow = ("slow", L21Regressor(1e-3, max_iter=1, solver="apg"))
    with pytest.warns(UserWarning, match="'slow' is left out: it did not converge"):
        AutoRegressor([slow, *REGRESSORS]).fit(X, y, tasks)
    with pytest.raises(ValueError, match=r"no model could be fitted: bad: .*alpha"):
        AutoRegressor([bad]).fit(X, y, tasks)


@SELECTIONS
@BOTH
def test_few_rows_a_task(make, selection):
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(10), 3)
    X = rng.normal(size=(30, 2))
    y = X.sum(axis=1) + 0.1 * rng.normal(size=30)
    classify = make is classifier
    model = make(selection=selection, cv=2 if classify else 5)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*these tasks have a single class")
        model.fit(X, y > 0 if classify else y, tasks)
    assert np.all(np.isfinite(model.coef_))
    np.testing.assert_allclose(model.weights_.sum(axis=1), 1.0)


@SELECTIONS
def test_a_task_with_a_single_class(selection):
    X, y, tasks = problem(True)
    y = np.where(tasks == 1, 1, y)
    with pytest.warns(UserWarning, match="single class: 1;") as said:
        model = classifier(selection=selection).fit(X, y, tasks)
    assert len(said) == 1
    assert said[0].filename == __file__
    assert model.predict(X[tasks == 1].mean(axis=0)[None], [1]) == 1
    with pytest.raises(ValueError, match="1 class"):
        classifier().fit(X, np.ones(len(y)), tasks)


@SELECTIONS
def test_a_constant_target(selection):
    X, _, tasks = problem()
    model = regressor(selection=selection).fit(X, np.ones(len(X)), tasks)
    np.testing.assert_allclose(model.predict(X, tasks), 1.0)


def test_a_task_that_is_never_held_out():
    X, y, tasks = problem()
    fold = np.where(tasks == 2, 0, np.arange(len(y)) % 2)
    cv = [(fold != k, fold == k) for k in range(2)]
    model = regressor(cv=cv, selection="stack").fit(X, y, tasks)
    assert np.all(np.isnan(model.held_out_.task_losses()[:, 2]))
    np.testing.assert_allclose(model.weights_[2], model._common)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"models": []}, ValueError, "models is empty"),
        ({"models": ["l21"]}, TypeError, "such as L21RegressorCV.. or L21Classif"),
        ({"models": ["mean_regularized"]}, TypeError, "such as MeanRegularizedReg"),
        ({"models": ["best"]}, TypeError, "got 'best'; pass an object, such as"),
        ({"models": [PooledRegressor]}, TypeError, "call it, PooledRegressor..$"),
        ({"models": "l21"}, TypeError, "AutoRegressor: models must be a list of est"),
        ({"models": {"l": L21Regressor()}}, TypeError, "pairs, got a dict"),
        ({"models": L21Regressor()}, TypeError, "pairs, got a L21Regressor"),
        ({"models": [PooledClassifier()]}, ValueError, "must be a regressor"),
        ({"models": [(3, PooledRegressor())]}, ValueError, "must be strings"),
        ({"models": [REGRESSORS[0]] * 2}, ValueError, "differ, got 'pooled'"),
        (
            {"models": [PooledRegressor(), PooledRegressor(loss="huber")]},
            ValueError,
            "models must have the same loss",
        ),
        (
            {"models": [L21Regressor(loss="huber", huber_delta=d) for d in (1, 2)]},
            ValueError,
            "'L21' has loss='huber', huber_delta=1, 'L21 2' has loss='huber'",
        ),
        ({"loss": "poisson"}, ValueError, "has loss='poisson' and its models have"),
        ({"loss": "deviance"}, ValueError, "loss must be one of 'squared', 'huber'"),
        ({"models": None, "loss": "huber", "huber_delta": 0}, ValueError, "huber_del"),
        ({"models": [PooledRegressor(task_column=0)]}, ValueError, "task_column=0 her"),
        ({"selection": "all"}, ValueError, "selection must be one of"),
        ({"handle_unknown": "guess"}, ValueError, "handle_unknown must be one of"),
        ({"cv": 1}, ValueError, "cv must be at least 2 folds"),
    ],
)
def test_wrong_parameters(options, error, message):
    X, y, tasks = problem()
    with pytest.raises(error, match=message):
        regressor().set_params(**options).fit(X, y, tasks)


def test_another_loss():
    """Counts: linear in the logarithm of the mean."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(120, 3)), np.repeat(np.arange(3), 40)
    y = rng.poisson(np.exp(0.5 * X[:, 0] + 0.2))
    models = [PooledRegressor(loss="poisson"), L21Regressor(0.01, loss="poisson")]
    model = AutoRegressor(models, selection="stack").fit(X, y, tasks)
    expected = np.exp(linear_predictor(model, X, tasks))
    np.testing.assert_allclose(model.predict(X, tasks), expected)


@pytest.mark.parametrize("name", AutoRegressor._losses[1:])
def test_the_default_models_take_the_loss(name):
    """Those that do, with its parameters; the others are not tried."""
    parameters = LOSSES[name].parameters()
    auto = AutoRegressor(loss=name, **{p: 0.3 for p in parameters})
    models = default_models(auto._loss(), "long", 3, offset=True)
    assert "mixed effects" not in models
    assert len(models) == 10
    for model in models.values():
        assert model.loss == name
        assert all(getattr(model, p) == 0.3 for p in parameters)


def test_a_loss_of_its_own_with_an_offset():
    """What is judged is the score of the loss, about the known part."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(120, 3)), np.repeat(np.arange(3), 40)
    offset = rng.normal(size=120)
    y = rng.poisson(np.exp(0.5 * X[:, 0] + 0.2 + offset))
    models = [PooledRegressor(loss="poisson"), L21Regressor(0.01, loss="poisson")]
    model = AutoRegressor(models, loss="poisson", selection="best", cv=2)
    model.fit(X, y, tasks, offset=offset)
    assert model.leaderboard_.loss_name == "Poisson deviance"
    found = model.held_out_
    mean = np.exp(found.eta)
    deviance = 2 * (mean - y[found.row] + scipy.special.rel_entr(y[found.row], mean))
    np.testing.assert_allclose(found.losses, deviance, rtol=1e-6, atol=1e-6)
    twice = model.predict(X, tasks, offset=offset + np.log(2.0))
    np.testing.assert_allclose(twice, 2 * model.predict(X, tasks, offset=offset))
