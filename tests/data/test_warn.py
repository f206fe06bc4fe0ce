"""Warnings name the line of the user, not one of linmtl."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from linmtl import (
    AutoRegressor,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MixedEffectsRegressor,
    PooledClassifier,
)
from linmtl.model_selection import TaskKFold

rng = np.random.default_rng(0)
X, tasks = rng.normal(size=(40, 3)), np.arange(40) % 2
y = X[:, 0] + rng.normal(size=40)
FRAME = pd.DataFrame(X, index=np.arange(40) + 5)
ONE_CLASS = np.where(tasks == 0, "no", np.where(y > 0, "yes", "no"))
TABLE = np.column_stack([tasks, X])
SHORT = L21Regressor(1e-4, max_iter=1, tol=1e-12, solver="apg", task_column=0)
CALLS = {
    "the gap": lambda: SHORT.fit(TABLE, y),
    "inside a pipeline": lambda: make_pipeline("passthrough", SHORT).fit(TABLE, y),
    "inside cross-validation": lambda: cross_val_score(
        SHORT, TABLE, y, cv=TaskKFold(2, task_column=0)
    ),
    "weights in place of tasks": lambda: L21Regressor(0.1).fit(X, y, y),
    "another order": lambda: L21Regressor(0.1).fit(
        FRAME, pd.Series(y, FRAME.index[::-1]), tasks
    ),
    "tiny numbers": lambda: L21Regressor(0.1).fit(1e-200 * X, y, tasks),
    "a bound": lambda: L21RegressorCV(alphas=[0.6, 0.5, 0.4], cv=2).fit(X, X[:, 0]),
    "a single class": lambda: L21Classifier(0.01).fit(X, ONE_CLASS, tasks),
    "pooled": lambda: PooledClassifier(0.01).fit(X, ONE_CLASS, tasks),
    "mixed effects": lambda: MixedEffectsRegressor(max_iter=1).fit(X, y, tasks),
    "a model that fails": lambda: AutoRegressor(
        [L21Regressor(0.1), IndependentRegressor(alpha=-1.0)], cv=2
    ).fit(X, y, tasks),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_line_is_that_of_the_call(call):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        call()
    assert said
    assert {warning.filename for warning in said} == {__file__}


def test_scalers_are_no_reason_to_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_pipeline(StandardScaler(), L21Regressor(0.1)).fit(X, y)
