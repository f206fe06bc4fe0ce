"""Which name was meant, where one is not known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import get_scorer_names

from linmtl import L21Regressor, L21RegressorCV, MixedEffectsRegressor
from linmtl.data._suggestions import closest
from linmtl.penalties import TraceNorm

SCORERS = get_scorer_names()
COLUMNS = ["age", "total_UPDRS", "dose_mg_per_day", "visit", "visit_date", "site"]


@pytest.mark.parametrize(
    ("name", "names", "meant"),
    [
        ("mse", SCORERS, "neg_mean_squared_error"),
        ("rmse", SCORERS, "neg_root_mean_squared_error"),
        ("mae", SCORERS, "neg_mean_absolute_error"),
        ("mean_squared_error", SCORERS, "neg_mean_squared_error"),
        ("auc", SCORERS, "roc_auc"),
        ("rocauc", SCORERS, "roc_auc"),
        ("acc", SCORERS, "accuracy"),
        ("accurcy", SCORERS, "accuracy"),
        ("r2_score", SCORERS, "r2"),
        ("updrs", COLUMNS, "total_UPDRS"),
        ("dose", COLUMNS, "dose_mg_per_day"),
        ("visits", COLUMNS, "visit"),
        ("SITE", COLUMNS, "site"),
    ],
)
def test_the_name_meant(name, names, meant):
    assert closest(name, names) == f"; did you mean {meant!r}?"


def test_no_name_is_alike():
    assert closest("income", COLUMNS) == ""


@pytest.mark.parametrize(
    ("make", "meant"),
    [
        (lambda: L21Regressor(apha=1), "'apha'; did you mean 'alpha'"),
        (lambda: L21RegressorCV(alpha=1), "'alpha'; did you mean 'alphas'"),
        (lambda: TraceNorm(alfa=1), "'alfa'; did you mean 'alpha'"),
        (lambda: TraceNorm(x=1), "'x'; it has alpha"),
    ],
)
def test_keywords(make, meant):
    with pytest.raises(TypeError, match=f"unexpected keyword argument {meant}"):
        make()


def test_what_a_subclass_takes_is_its_own():
    class Named(L21Regressor):
        def __init__(self, label, **more):
            super().__init__(**more)
            self.label = label

    assert Named(label="a", alpha=0.5).alpha == 0.5


X, y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12.0)
FRAME = pd.DataFrame(X, columns=["age", "dose"]).assign(site=list("ab") * 6)


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (lambda: L21Regressor(loss="hubr").fit(X, y), "did you mean 'huber'"),
        (lambda: MixedEffectsRegressor("diag").fit(X, y), "did you mean 'diagonal'"),
        (
            lambda: L21RegressorCV(scoring="mse").fit(X, y),
            "did you mean 'neg_mean_squared_error'",
        ),
        (lambda: L21Regressor(task_column="Site").fit(FRAME, y), "mean 'site'"),
        (
            lambda: L21Regressor().fit(FRAME, y),
            "'a' in column 'site' .* pass it as tasks=, or name it as task_column=",
        ),
        (
            lambda: L21Regressor().fit(FRAME.to_numpy(), y),
            "pass it as tasks=, or name it as task_column=",
        ),
        (
            lambda: L21Regressor().fit(FRAME, y, "site"),
            "tasks is the name 'site'; pass one label per row, or .* task_column=",
        ),
    ],
)
def test_errors_that_say_what_to_write(fit, message):
    with pytest.raises(ValueError, match=message):
        fit()


def test_the_column_of_tasks_that_was_meant():
    X = pd.DataFrame({"site": ["a", "b"] * 5, "age": range(10)})
    says = r"'age'; did you mean 'site'\? pass one of these names or an integer"
    with pytest.raises(ValueError, match=says):
        L21Regressor(task_column="sit").fit(X, range(10))
