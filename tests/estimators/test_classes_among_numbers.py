"""A regression whose targets are classes in some tasks says so."""

import numpy as np
import pandas as pd
import pytest

from linmtl import (
    CalibratedRegressor,
    FactoredRegressor,
    IndependentRegressor,
    L21Regressor,
    L21RegressorCV,
    PooledRegressor,
)
from linmtl.transfer import GroupedMultiTaskRegressor, SafeTransferRegressor


def of_two_kinds(n=40, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, 3))
    return X, X @ [1.0, -1.0, 0.5]


@pytest.mark.parametrize("codes", [(0, 1), (-1, 1), (1, 2), (False, True)])
@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_a_column_of_classes_beside_numbers(codes, loss):
    X, y = of_two_kinds()
    frame = pd.DataFrame({"dose": y, "ill": np.where(y > 0, *codes[::-1])})
    frame.loc[3, "dose"] = np.nan
    with pytest.warns(UserWarning, match="two values only, .* have more: 'ill';"):
        L21Regressor(0.1, loss=loss).fit(X, frame)


@pytest.mark.parametrize(
    "model",
    [
        L21Regressor(0.1),
        L21RegressorCV(alphas=3, eps=0.1, cv=2),
        IndependentRegressor("cv"),
        PooledRegressor(),
        CalibratedRegressor(0.1),
        FactoredRegressor(),
        SafeTransferRegressor(cv=2),
        GroupedMultiTaskRegressor(cv=2),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_task_of_classes_is_said_once(model):
    X, y = of_two_kinds(60)
    tasks = np.repeat(["a", "b", "c"], 20)
    y = np.where(tasks == "b", y > 0, y)
    with pytest.warns(UserWarning, match="two values only, .* have more: 'b';") as said:
        model.fit(X, y, tasks)
    assert len(said) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda y: np.c_[y > 0, y > 0.5],  # all of them: probabilities, for instance
        lambda y: np.c_[y, np.ones(len(y))],
        lambda y: np.c_[y, np.where(np.arange(len(y)) < 9, y > 0, np.nan)],
    ],
)
def test_nothing_is_said_of_other_columns(make):
    X, y = of_two_kinds()
    L21Regressor(0.1).fit(X, make(y))


def test_counts_may_be_none_or_one():
    X, y = of_two_kinds()
    L21Regressor(0.1, loss="poisson").fit(X, np.c_[np.round(np.exp(y)), y > 0])
