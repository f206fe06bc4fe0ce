"""SelectFeatures, and scikit-learn's selectors on a model with a task column."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import (
    RFE,
    RFECV,
    SelectFromModel,
    SequentialFeatureSelector,
)
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor

from linmtl import L21Classifier, L21Regressor, TaskScaler
from linmtl.model_selection import TaskKFold
from linmtl.preprocessing import SelectFeatures

N = 120
rng = np.random.default_rng(0)
TASKS = rng.permutation(np.repeat([0, 1, 2], N // 3))
X = rng.normal(size=(N, 5))
y = 2 * X[:, 0] + X[:, 3] * (1 + TASKS) + 0.1 * rng.normal(size=N)


def frame(place=2):
    table = pd.DataFrame(X, columns=list("abcde"))
    table.insert(place, "site", np.array(["n", "s", "w"])[TASKS])
    return table


def model(**options):
    return L21Regressor(0.3, **options)


def test_without_a_task_column_it_is_scikit_learns():
    ours = SelectFeatures(model()).fit(X, y, TASKS)
    theirs = SelectFromModel(model(), threshold=1e-10)
    with sklearn.config_context(enable_metadata_routing=True):
        theirs.set_params(estimator=model().set_fit_request(tasks=True))
        theirs.fit(X, y, tasks=TASKS)
    np.testing.assert_array_equal(ours.get_support(), theirs.get_support())
    np.testing.assert_array_equal(ours.transform(X), theirs.transform(X))
    assert ours.get_support().tolist() == [True, False, False, True, False]
    np.testing.assert_allclose(
        ours.scores_, np.linalg.norm(ours.estimator_.coef_, axis=0)
    )


@pytest.mark.parametrize("place", [0, 2, 5])
def test_the_task_column_stays_in_its_place(place):
    table = frame(place)
    select = SelectFeatures(model(task_column="site")).fit(table, y)
    kept = [name for name in table.columns if name in ("a", "d", "site")]
    assert select.get_feature_names_out().tolist() == kept
    assert select.n_features_in_ == 6
    pd.testing.assert_frame_equal(select.transform(table), table[kept])
    codes = table.assign(site=TASKS)
    for made in (codes.to_numpy(), sparse.csr_array(codes.to_numpy())):
        by_place = SelectFeatures(model(task_column=place)).fit(made, y)
        np.testing.assert_array_equal(by_place.get_support(), select.get_support())
        out = by_place.transform(made)
        assert type(out) is type(made)
        out = out.toarray() if sparse.issparse(out) else out
        np.testing.assert_array_equal(out, codes[kept].to_numpy())
    objects = SelectFeatures(model(task_column=place)).fit(table.to_numpy(), y)
    np.testing.assert_array_equal(
        objects.transform(table.to_numpy()), table[kept].to_numpy()
    )


@pytest.mark.slow
def test_in_a_pipeline_that_is_searched():
    table = frame()
    pipe = make_pipeline(
        TaskScaler(task_column="site"),
        SelectFeatures(model(task_column="site")),
        L21Regressor(0.01, task_column="site"),
    )
    search = GridSearchCV(
        pipe,
        {"selectfeatures__max_features": [1, 2]},
        cv=TaskKFold(3, task_column="site"),
    ).fit(table, y)
    assert search.best_params_ == {"selectfeatures__max_features": 2}
    assert search.best_estimator_[-1].coef_.shape == (3, 2)
    assert search.best_estimator_[-1].coef_feature_names_.tolist() == ["a", "d"]
    assert search.predict(table).shape == (N,)


def test_thresholds():
    select = SelectFeatures(L21Regressor(1e-3, task_column="site")).fit(frame(), y)
    score = select.scores_
    assert select.get_support().all()
    for threshold, cut in [
        ("mean", score.mean()),
        ("median", np.median(score)),
        (0.5, 0.5),
    ]:
        other = clone(select).set_params(threshold=threshold).fit(frame(), y)
        assert other.threshold_ == pytest.approx(cut)
        assert other.get_support().sum() == 1 + np.sum(score > cut)
    one = clone(select).set_params(max_features=1).fit(frame(), y)
    best = list("abcde")[np.argmax(score)]
    assert set(one.get_feature_names_out()) == {best, "site"}


def test_classifiers_weights_and_wide_targets():
    weight = rng.uniform(0.5, 2.0, N)
    ours = SelectFeatures(L21Classifier(0.1)).fit(X, y > 0, TASKS, weight)
    inner = L21Classifier(0.1).fit(X, y > 0, TASKS, weight)
    np.testing.assert_array_equal(ours.estimator_.coef_, inner.coef_)
    wide = SelectFeatures(model()).fit_transform(X, np.column_stack([y, -y]))
    assert wide.shape == (N, 2)
    routed = SelectFeatures(model()).fit_transform(X, y, tasks=TASKS)
    np.testing.assert_array_equal(routed, X[:, [0, 3]])


def test_nothing_selected():
    table = frame()
    select = SelectFeatures(L21Regressor(100.0, task_column="site")).fit(table, y)
    with pytest.warns(UserWarning, match="no feature was selected"):
        assert select.transform(table).columns.tolist() == ["site"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"threshold": "most"}, "threshold must be a number, 'mean' or 'median'"),
        ({"threshold": -1.0}, "threshold must be a finite number >= 0, got -1"),
        ({"max_features": 0}, "max_features must be an integer >= 1, got 0"),
    ],
)
def test_wrong_parameters(options, match):
    with pytest.raises(ValueError, match=f"SelectFeatures: {match}"):
        SelectFeatures(model(), **options).fit(X, y)


def test_wrong_use():
    with pytest.raises(TypeError, match="DecisionTreeRegressor has no coef_"):
        SelectFeatures(DecisionTreeRegressor()).fit(X, y)
    with pytest.raises(NotFittedError):
        SelectFeatures(model()).transform(X)
    select = SelectFeatures(model()).fit(X, y)
    with pytest.raises(ValueError, match="X has 4 features"):
        select.transform(X[:, :4])
    copied = pickle.loads(pickle.dumps(select))
    np.testing.assert_array_equal(copied.transform(X), select.transform(X))
    assert repr(select) == "SelectFeatures(estimator=L21Regressor(alpha=0.3))"


# --- scikit-learn's own


@pytest.mark.parametrize("column", ["site", 2])
@pytest.mark.parametrize("selector", [SelectFromModel, RFE, RFECV])
def test_selectors_of_scikit_learn_are_refused(selector, column):
    """They take coefficients for columns: RFE drops others than it means."""
    table = frame().assign(site=TASKS)
    with pytest.raises(ValueError, match=r"use linmtl\.preprocessing\.SelectFeatures"):
        selector(model(task_column=column)).fit(table, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_sequential_selection_is_refused():
    table = frame().assign(site=TASKS)
    with pytest.raises(ValueError, match=r"use linmtl\.preprocessing\.SelectFeatures"):
        SequentialFeatureSelector(model(task_column=2), cv=2).fit(table, y)


def test_selectors_of_scikit_learn_without_a_task_column():
    Y = np.column_stack([y, y])
    assert RFE(model(), n_features_to_select=2).fit(X, Y).support_.sum() == 2
    assert SelectFromModel(model()).fit(X, Y).transform(X).shape[0] == N
