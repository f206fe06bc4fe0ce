"""SafeTransfer: the blend is the one that held-out rows ask for, and does no harm."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from helpers.transfer import around_a_centre, linear_predictor, wide_and_long
from linmtl import (
    AutoClassifier,
    AutoRegressor,
    IndependentClassifier,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    PooledRegressor,
)
from linmtl.datasets import make_multitask_regression
from linmtl.model_selection import TaskKFold
from linmtl.transfer import (
    SafeTransfer,
    SafeTransferClassifier,
    SafeTransferRegressor,
    negative_transfer_report,
)


def regressor(**options):
    shared, alone = MeanRegularizedRegressor(3.0), IndependentRegressor(0.01)
    return SafeTransferRegressor(shared, alone, **options)


def classifier(**options):
    shared, alone = MeanRegularizedClassifier(0.3), IndependentClassifier(0.01)
    return SafeTransferClassifier(shared, alone, **options)


BOTH = pytest.mark.parametrize("make", [regressor, classifier])


def problem(classify=False, seed=0, n=24, n_tasks=5, outlier=None):
    options = {"n_tasks": n_tasks, "n_features": 6, "n_samples": n}
    turned = [] if outlier is None else [outlier]
    return around_a_centre(classify, turned, **options, random_state=seed)


def parts(X, y, tasks, cv):
    splitter = TaskKFold(cv, shuffle=True, random_state=0)
    return list(splitter.split(X, y, tasks))


def out_of_fold(model, X, y, tasks, splits, weight):
    eta = np.empty(len(y))
    for train, test in splits:
        fitted = clone(model).fit(X[train], y[train], tasks[train], weight[train])
        eta[test] = linear_predictor(fitted, X[test], tasks[test])
    return eta


# --- what is computed


@pytest.mark.parametrize("shrinkage", [0.0, 4.0])
@pytest.mark.parametrize("weighted", [False, True])
@BOTH
def test_weights_minimise_the_held_out_loss(make, weighted, shrinkage):
    """By a loop over folds and a grid of weights, task by task."""
    model = make(shrinkage=shrinkage, cv=4)
    classify = is_classifier(model)
    X, y, tasks = problem(classify, seed=1, outlier=2)
    rng = np.random.default_rng(0)
    weight = rng.integers(1, 4, len(y)).astype(float) if weighted else np.ones(len(y))
    model.fit(X, y, tasks, weight if weighted else None)
    splits = parts(X, y, tasks, 4)
    own, shared = (
        out_of_fold(m, X, y, tasks, splits, weight)
        for m in (model.baseline, model.estimator)
    )
    grid = np.linspace(0, 1, 4001)
    for t, label in enumerate(model.tasks_):
        mine = tasks == label
        eta = own[mine] + grid[:, None] * (shared - own)[mine]
        if classify:
            loss = np.logaddexp(0, -np.where(y[mine] == 1, 1, -1) * eta)
        else:
            loss = (y[mine] - eta) ** 2
        total = loss @ weight[mine]
        mean = total / weight[mine].sum()
        objective = total if classify else total / (2 * mean.min())
        objective = objective + shrinkage / 2 * grid**2
        best = grid[np.argmin(objective)]
        assert abs(model.weights_[t] - best) <= 2.6e-4
        at = int(np.argmin(np.abs(grid - model.weights_[t])))
        for name, a in (("baseline", 0), ("estimator", -1), ("blend", at)):
            np.testing.assert_allclose(
                model.held_out_loss_[name][t], mean[a], rtol=1e-3
            )
    inside = (model.weights_ > 0) & (model.weights_ < 1)
    assert inside.any()  # the grid would find corners by itself


@BOTH
def test_the_weights_are_those_of_a_stack_of_two(make):
    model = make(cv=4)
    classify = is_classifier(model)
    X, y, tasks = problem(classify, outlier=2)
    model.fit(X, y, tasks)
    kind = AutoClassifier if classify else AutoRegressor
    stack = kind([("own", model.baseline), ("shared", model.estimator)], cv=4)
    stack.set_params(selection="stack").fit(X, y, tasks)
    np.testing.assert_allclose(model.weights_, stack.weights_[:, 1], atol=1e-6)
    np.testing.assert_allclose(model.coef_, stack.coef_, atol=1e-6)


@BOTH
def test_the_model_is_the_blend_of_its_parts(make):
    model = make()
    X, y, tasks = problem(is_classifier(model), seed=2, outlier=0)
    model.fit(X, y, tasks)
    a = model.weights_[:, None]
    coef = a * model.estimator_.coef_ + (1 - a) * model.baseline_.coef_
    np.testing.assert_allclose(model.coef_, coef, rtol=1e-12, atol=1e-12)
    method = "decision_function" if is_classifier(model) else "predict"
    code = np.searchsorted(model.tasks_, tasks)
    a = model.weights_[code]
    expected = a * getattr(model.estimator_, method)(X, tasks)
    expected += (1 - a) * getattr(model.baseline_, method)(X, tasks)
    found = getattr(model, method)(X, tasks)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    for part, whole in (
        (model.estimator, model.estimator_),
        (model.baseline, model.baseline_),
    ):
        alone = clone(part).fit(X, y, tasks)
        np.testing.assert_allclose(whole.coef_, alone.coef_, rtol=1e-12)
        assert not hasattr(part, "coef_")


def test_probabilities_follow_the_linear_predictor():
    X, y, tasks = problem(True)
    model = classifier().fit(X, y, tasks)
    eta = model.decision_function(X, tasks)
    np.testing.assert_allclose(
        model.predict_proba(X, tasks)[:, 1], 1 / (1 + np.exp(-eta))
    )
    np.testing.assert_array_equal(
        model.predict(X, tasks), model.classes_[(eta > 0) * 1]
    )
    assert model.score(X, y, tasks) == np.mean(model.predict(X, tasks) == y)
    assert model.predict_all(X).shape == (len(y), 5)


def test_a_model_blended_with_itself_is_itself():
    X, y, tasks = problem()
    alone = IndependentRegressor(0.1)
    model = SafeTransferRegressor(alone, alone).fit(X, y, tasks)
    np.testing.assert_array_equal(model.weights_, 0.0)
    np.testing.assert_array_equal(model.coef_, alone.fit(X, y, tasks).coef_)


@pytest.mark.slow
@BOTH
def test_shrinkage_leads_to_the_baseline(make):
    model = make()
    X, y, tasks = problem(is_classifier(model), outlier=1)
    weights = [
        clone(model).set_params(shrinkage=s).fit(X, y, tasks).weights_
        for s in (0.0, 1.0, 10.0, 1e9)
    ]
    assert np.all(np.diff(weights, axis=0) <= 1e-12)
    assert np.ptp(weights[0]) > 0.1
    np.testing.assert_allclose(weights[-1], 0.0, atol=1e-6)


# --- what it is for


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("shrinkage", "most"), [("auto", 0.7), (4.0, 0.8)])
@BOTH
@pytest.mark.slow
def test_related_tasks_share_and_an_outlier_does_not(make, shrinkage, most, seed):
    """Nine small tasks, almost the same, and the opposite with more rows."""
    model = make(shrinkage=shrinkage)
    classify = is_classifier(model)
    sizes = [30 if classify else 10] * 10
    sizes[3] = 150 if classify else 60
    options = {"n_tasks": 10, "n_features": 6, "n_samples": sizes, "deviation": 0.1}
    X, y, tasks = around_a_centre(classify, [3], **options, random_state=seed)
    model.set_params(baseline=None).fit(X, y, tasks)
    related = np.delete(model.weights_, 3)
    assert model.weights_[3] < 0.1
    assert np.median(related) > 0.5
    assert related.max() > most


@pytest.mark.slow
def test_no_task_is_much_worse_than_alone():
    """Expected squared errors, against the truth; sharing alone fails the bounds."""
    blend, shared = [], []
    for seed in range(12):
        X, y, tasks, truth = make_multitask_regression(
            n_tasks=8,
            n_features=10,
            n_samples=15,
            structure="mean_deviation",
            return_coef=True,
            random_state=seed,
        )
        coef = truth.coef.copy()
        coef[0] *= -1
        y = np.where(tasks == 0, -y, y)
        model = SafeTransferRegressor(MeanRegularizedRegressor(0.3), shrinkage=4.0)
        model.fit(X, y, tasks)
        error = [
            1.0 + np.sum((m.coef_ - coef) ** 2, axis=1) + np.square(m.intercept_)
            for m in (model, model.baseline_, model.estimator_)
        ]
        blend.append(error[0] / error[1])
        shared.append(error[2] / error[1])
    blend, shared = np.array(blend), np.array(shared)
    assert shared[:, 0].mean() > 2  # what the outlier is to be kept from
    assert blend[:, 0].mean() < 1.1
    assert blend[:, 0].max() < 1.5
    assert shared[:, 1:].max() > 1.3
    assert blend[:, 1:].max() < 1.2
    assert blend[:, 1:].mean() < 0.75  # most of the gain of the others is kept


# --- invariances


@pytest.mark.slow
@BOTH
def test_names_of_tasks_do_not_matter(make):
    model = make()
    X, y, tasks = problem(is_classifier(model), outlier=1)
    splits = parts(X, y, tasks, 5)
    model.set_params(cv=splits)
    first = clone(model).fit(X, y, tasks)
    names = np.array(["e", "d", "c", "b", "a"])[tasks]
    second = clone(model).fit(X, y, names)
    np.testing.assert_allclose(second.weights_, first.weights_[::-1], atol=1e-5)
    np.testing.assert_allclose(second.coef_, first.coef_[::-1], atol=1e-5)
    order = ["c", "a", "e", "b", "d"]
    third = clone(model).set_params(task_order=order).fit(X, y, names)
    np.testing.assert_array_equal(third.tasks_, order)
    place = [4 - "edcba".index(name) for name in order]
    np.testing.assert_allclose(third.weights_, second.weights_[place], atol=1e-5)


def test_the_unit_of_y_does_not_matter():
    X, y, tasks = problem(outlier=1)
    first = regressor().fit(X, y, tasks)
    second = regressor().fit(X, 1e-6 * y + 3.0, tasks)
    np.testing.assert_allclose(second.weights_, first.weights_, rtol=1e-5)


@BOTH
def test_weights_are_repetitions(make):
    model = make()
    X, y, tasks = problem(is_classifier(model), outlier=1)
    rng = np.random.default_rng(0)
    weight = rng.integers(1, 4, len(y))
    rows, fold = np.repeat(np.arange(len(y)), weight), rng.integers(0, 3, len(y))
    fits = []
    for chosen, given in ((np.arange(len(y)), weight), (rows, None)):
        cv = [(fold[chosen] != k, fold[chosen] == k) for k in range(3)]
        fits.append(
            clone(model)
            .set_params(cv=cv)
            .fit(X[chosen], y[chosen], tasks[chosen], given)
        )
    np.testing.assert_allclose(fits[0].weights_, fits[1].weights_, atol=1e-5)
    np.testing.assert_allclose(fits[0].coef_, fits[1].coef_, atol=1e-5)


@pytest.mark.slow
@BOTH
def test_layouts_agree(make):
    """Wide, long, a column of X, sparse: the same rows, folds and result."""
    model = make()
    (X, Y, folds), (X_long, y, tasks, cv, _) = wide_and_long(is_classifier(model), [2])
    wide = clone(model).set_params(cv=folds).fit(X, Y)
    assert wide.predict(X).shape == (40, 3)
    long = clone(model).set_params(cv=cv).fit(X_long, y, tasks)
    np.testing.assert_allclose(long.weights_, wide.weights_, atol=1e-5)
    np.testing.assert_allclose(long.coef_, wide.coef_, atol=1e-5)
    frame = pd.DataFrame(X_long, columns=list("abcd")).assign(site=tasks)
    column = clone(model).set_params(cv=cv, task_column="site").fit(frame, y)
    np.testing.assert_allclose(column.weights_, long.weights_, atol=1e-8)
    np.testing.assert_allclose(column.predict(frame), long.predict(X_long, tasks))
    assert column.coef_feature_names_.tolist() == list("abcd")
    assert column.n_features_in_ == 5
    one = clone(model).set_params(cv=cv).fit(sparse.coo_array(X_long), y, tasks)
    np.testing.assert_allclose(one.weights_, long.weights_, atol=1e-5)
    # labels of columns are labels of tasks
    named = (
        clone(model).set_params(cv=wide.cv).fit(X, pd.DataFrame(Y, columns=list("uvw")))
    )
    assert named.tasks_.tolist() == list("uvw")
    np.testing.assert_allclose(named.coef_, wide.coef_, atol=1e-10)


def test_iterators_and_single_precision():
    X, y, tasks = problem()
    expected = regressor().fit(X, y, tasks)
    found = regressor().fit(X, iter(y.tolist()), iter(tasks.tolist()))
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    small = regressor().fit(X.astype(np.float32), y, tasks)
    assert small.coef_.dtype == np.float32
    np.testing.assert_allclose(small.coef_, expected.coef_, atol=1e-3)


def test_one_task():
    X, y, _ = problem(n_tasks=1)
    model = regressor().fit(X, y)
    assert model.coef_.shape == (6,)
    assert isinstance(model.intercept_, float)
    assert model.predict(X).shape == y.shape


# --- in scikit-learn


CHECKED = [
    SafeTransferRegressor(L21Regressor(0.01), IndependentRegressor(0.01)),
    SafeTransferClassifier(L21Classifier(0.01), IndependentClassifier(0.01)),
]


@parametrize_with_checks(CHECKED)
@pytest.mark.slow
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
def test_parameters_of_the_parts_are_reached_by_name():
    model = SafeTransferRegressor(L21Regressor(0.3), IndependentRegressor(0.2))
    model.set_params(estimator__alpha=0.7, baseline__alpha=0.6)
    copy = clone(model)
    assert copy.estimator is not model.estimator
    assert copy.estimator.alpha == 0.7
    assert copy.get_params()["baseline__alpha"] == 0.6
    assert "tol" not in model.get_params(deep=False)
    X, y, tasks = problem()
    X = np.column_stack([X, tasks])
    model.set_params(task_column=6)
    cv = TaskKFold(3, task_column=6)
    search = GridSearchCV(model, {"estimator__alpha": [100.0, 0.01]}, cv=cv)
    assert search.fit(X, y).best_params_ == {"estimator__alpha": 0.01}


@BOTH
@pytest.mark.slow
def test_pickle_and_determinism(make):
    model = make()
    X, y, tasks = problem(is_classifier(model), outlier=1)
    model.fit(X, y, tasks)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X, tasks), model.predict(X, tasks))
    again = clone(model).set_params(n_jobs=2).fit(X, y, tasks)
    np.testing.assert_array_equal(again.coef_, model.coef_)
    other = clone(model).set_params(random_state=1).fit(X, y, tasks)
    assert np.any(other.weights_ != model.weights_)


def test_factory():
    model = SafeTransfer(L21Classifier(), IndependentClassifier(), cv=3)
    assert isinstance(model, SafeTransferClassifier)
    assert model.cv == 3
    assert isinstance(SafeTransfer(L21Regressor()), SafeTransferRegressor)
    with pytest.raises(TypeError, match="one of linmtl's"):
        SafeTransfer("ridge")


@pytest.mark.slow
def test_it_can_be_reported_on():
    """It is an estimator like any other, also for what measures transfer."""
    X, y, tasks = problem(n=40, outlier=0)
    report = negative_transfer_report(
        regressor(cv=3), X, y, tasks, baseline=IndependentRegressor(0.01), cv=3
    )
    assert report.verdict[0] != "hurt"
    assert report.model == "SafeTransferRegressor"


def test_unknown_tasks():
    X, y, tasks = problem()
    model = regressor().fit(X, y, tasks)
    with pytest.raises(ValueError, match="has the labels 9"):
        model.predict(X[:1], [9])
    model = regressor(handle_unknown="mean").fit(X, y, tasks)
    expected = X[:1] @ model.coef_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(model.predict(X[:1], [9]), expected)


# --- hostile input


def test_a_task_too_small_to_be_judged_stays_with_the_baseline():
    X, y, tasks = problem()
    keep = (tasks != 2) | (np.cumsum(tasks == 2) <= 3)
    model = regressor(cv=5, shrinkage=4.0).fit(X[keep], y[keep], tasks[keep])
    assert model.weights_[2] == 0
    assert np.isnan(model.held_out_loss_["blend"][2])
    np.testing.assert_array_equal(model.coef_[2], model.baseline_.coef_[2])


def test_a_task_too_small_to_be_judged_does_as_all_others_do():
    """It gains most where sharing helps: learning two rows alone is no safe choice."""
    X, y, tasks = problem(n=30)
    keep = (tasks != 2) | (np.cumsum(tasks == 2) <= 3)
    X, y, tasks = X[keep], y[keep], tasks[keep]
    model = regressor().fit(X, y, tasks)
    others = [model.weights_[t] for t in (0, 1, 3, 4)]
    assert min(others) - 1e-9 <= model.weights_[2] <= max(others) + 1e-9
    assert model.weights_[2] > 0


def test_a_fold_that_takes_a_whole_task_judges_the_others():
    X, y, tasks = problem()
    fold = np.where(tasks == 2, 0, np.arange(len(y)) % 2)
    model = regressor(cv=[(fold != k, fold == k) for k in range(2)], shrinkage=4.0)
    assert model.fit(X, y, tasks).weights_[2] == 0
    assert np.isnan(model.held_out_loss_["baseline"][2])
    assert np.all(np.isfinite(np.delete(model.held_out_loss_["baseline"], 2)))


def test_a_task_with_a_single_class():
    X, y, tasks = problem(True)
    y = np.where(tasks == 1, 1, y)
    with pytest.warns(UserWarning, match="single class: 1;") as said:
        model = classifier().fit(X, y, tasks)
    assert len(said) == 1
    assert said[0].filename == __file__
    assert model.weights_[1] == 0
    assert np.all(model.predict(X[tasks == 1], tasks[tasks == 1]) == 1)
    assert np.all(np.isfinite(model.coef_))


def test_a_constant_target():
    X, _, tasks = problem()
    model = regressor().fit(X, np.ones(len(X)), tasks)
    np.testing.assert_allclose(model.predict(X, tasks), 1.0)
    assert np.all((model.weights_ >= 0) & (model.weights_ <= 1))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"estimator": "l21"}, TypeError, "estimator must be one of linmtl's"),
        ({"baseline": 3}, TypeError, "baseline must be one of linmtl's"),
        ({"estimator": L21Classifier()}, ValueError, "must be a regressor"),
        ({"baseline": IndependentClassifier()}, ValueError, "must be a regressor"),
        ({"shrinkage": -1.0}, ValueError, "shrinkage must be a finite number >= 0"),
        ({"shrinkage": "1se"}, ValueError, "shrinkage must be a finite number >= 0"),
        ({"cv": 1}, ValueError, "cv must be at least 2 folds"),
        ({"cv": True}, ValueError, "cv must be a number of folds"),
        ({"cv": "five"}, ValueError, "cv must be a number of folds"),
        ({"handle_unknown": "guess"}, ValueError, "handle_unknown must be one of"),
        (
            {"estimator": PooledRegressor(task_column=0)},
            ValueError,
            "set task_column=0 here",
        ),
        ({"estimator": L21Regressor(-1.0)}, ValueError, "alpha"),
    ],
)
def test_wrong_parameters(options, error, message):
    X, y, tasks = problem()
    with pytest.raises(error, match=message):
        regressor().set_params(**options).fit(X, y, tasks)


def test_wrong_data():
    X, y, tasks = problem()
    with pytest.raises(ValueError, match="holds out no row"):
        regressor(cv=[(np.ones(len(y), bool), np.zeros(len(y), bool))]).fit(X, y, tasks)
    with pytest.raises(ValueError, match="sample_weight"):
        regressor().fit(X, y, tasks, -np.ones(len(y)))
    with pytest.raises(ValueError, match="pass tasks="):
        regressor().fit(X, y, tasks).predict(X)


@pytest.mark.parametrize("make", [regressor, classifier])
@pytest.mark.parametrize(("n", "cv"), [(3, 2), (3, 3), (4, 3)])
@pytest.mark.slow
def test_few_rows_a_task(make, n, cv):
    """The default baseline is tuned in as many folds as its rows allow."""
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(10), n)
    X = rng.normal(size=(10 * n, 2))
    y = X.sum(axis=1) + 0.1 * rng.normal(size=10 * n)
    classify = make is classifier
    shared = L21Classifier(0.01) if classify else L21Regressor(0.01)
    model = SafeTransfer(shared, cv=cv)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*these tasks have a single class")
        model.fit(X, y > 0 if classify else y, tasks)
    assert model.baseline_.alpha != "cv" or model.baseline_.cv <= n
    assert np.all((model.weights_ >= 0) & (model.weights_ <= 1))
