"""Columns of a DataFrame that are not numbers are named in the error."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from linmtl import (
    IncompleteSourcesRegressor,
    L21Regressor,
    MixedEffectsRegressor,
    TaskScaler,
)
from linmtl.unsupervised import MultiTaskKMeans, TemporalMatrixCompletion

MODELS = [
    L21Regressor(),
    TaskScaler(),
    IncompleteSourcesRegressor([[0], [1]]),
    MultiTaskKMeans(2),
    TemporalMatrixCompletion(),
]


def frame(**columns):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age": rng.normal(size=12)}).assign(**columns)


def fit(model, X):
    y = np.arange(12.0)
    takes_y = isinstance(model, (L21Regressor, IncompleteSourcesRegressor))
    return clone(model).fit(X, y) if takes_y else clone(model).fit(X)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("dtype", [object, "str", "category"])
def test_text(model, dtype):
    X = frame(smoker=pd.Series(["1", None, *["No", "Yes"] * 5], dtype=dtype))
    with pytest.raises(ValueError, match="float: 'No' in column 'smoker' of X"):
        fit(model, X)


@pytest.mark.parametrize("model", [L21Regressor(), TaskScaler(), MultiTaskKMeans(2)])
def test_beside_a_task_column(model):
    X = frame(smoker=["No", "Yes"] * 6, site=[1, 2] * 6)
    with pytest.raises(ValueError, match="column 'smoker' of X"):
        fit(model.set_params(task_column="site"), X)


def test_at_predict():
    model = fit(L21Regressor(), frame())
    with pytest.raises(ValueError, match="column 'age' of X"):
        model.predict(frame(age=["old"] * 12))


@pytest.mark.parametrize("kind", [None, object, np.float64, sparse.csr_array])
def test_missing_values_at_predict(kind):
    X = frame(size=np.arange(12.0))
    X.loc[[4, 7], "size"] = np.nan
    name, values = ("'size'", X) if kind is None else (1, X.to_numpy())
    if kind is not None:
        values = kind(values) if kind is sparse.csr_array else values.astype(kind)
    model = fit(L21Regressor(), X.fillna(0) if kind is None else X.fillna(0).to_numpy())
    with pytest.raises(ValueError, match=f"NaN, first at row 4 in column {name};"):
        model.predict(values)


def test_text_of_numbers_and_nullable_columns_are_numbers():
    X = frame(b=pd.Series(range(12), dtype="Int64"), c=[str(i) for i in range(12)])
    assert fit(L21Regressor(), X).coef_.shape == (3,)


def test_other_errors_stay():
    X = frame(smoker=["No", "Yes"] * 6)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        L21Regressor().fit(X.drop(columns="smoker"), np.arange(11.0))
    with pytest.raises(ValueError, match="could not convert string to float: 'No'"):
        fit(L21Regressor(), X.to_numpy())


@pytest.mark.parametrize("sizes", [(10, 20), (15, 15)])
@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_a_table_for_each_task_says_what_stacks_them(kind, sizes):
    tables = [np.ones((n, 3)) for n in sizes]
    Xs = kind(enumerate(tables)) if kind is dict else kind(tables)
    for model in (L21Regressor(), MixedEffectsRegressor()):
        with pytest.raises(ValueError, match=r"2 tables; .* stack_tasks\(Xs, ys\)"):
            model.fit(Xs, [np.ones(n) for n in sizes])


@pytest.mark.parametrize(
    "column", [["a", "b"] * 5, pd.date_range("2024-01-01", periods=10)]
)
def test_what_encodes_a_column_is_said_of_tables(column):
    table = pd.DataFrame({"x": range(10), "other": column})
    with pytest.raises(ValueError, match="TableEncoder does so in a pipeline"):
        L21Regressor().fit(table, np.ones(10))


def test_series_in_another_order_are_said():
    """Rows are taken as they stand, which is seldom meant then."""
    X = pd.DataFrame({"age": np.arange(8.0)}, index=list("hgfedcba"))
    y, tasks = pd.Series(np.arange(8.0) % 3, X.index), pd.Series([0, 1] * 4, X.index)
    wide = pd.DataFrame({"a": y, "b": -y})
    model = L21Regressor(0.1)
    model.fit(X, y, tasks, sample_weight=y + 1)
    model.fit(X, y.set_axis(range(8)), tasks)  # of other rows, or of none
    for name, given in (
        ("y", (y.sort_index(), tasks)),
        ("tasks", (y, tasks.sort_index())),
        ("sample_weight", (y, tasks, (y + 1).sort_index())),
        ("y", (wide.sort_index(),)),
    ):
        with pytest.warns(UserWarning, match=rf"pass {name}\.loc\[X\.index\]"):
            model.fit(X, *given)
    model.fit(X, y.sort_index().to_numpy(), tasks)


@pytest.mark.parametrize("model", [L21Regressor(0.1), MixedEffectsRegressor()])
def test_weights_in_the_place_of_tasks_are_said(model):
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(12, 2)), rng.normal(size=12), rng.random(12)
    with pytest.warns(UserWarning, match="12 labels in 12 rows, .* weights or targets"):
        clone(model).fit(X, y, weight)
    clone(model).fit(X, y, np.arange(12) % 4 / 2)  # labels may be such


@pytest.mark.parametrize("model", [L21Regressor(), TaskScaler(), MultiTaskKMeans(2)])
def test_text_may_be_the_tasks(model):
    """So that nobody encodes them as features."""
    with pytest.raises(ValueError, match="name it as task_column="):
        fit(model, frame(site=list("ab") * 6))
