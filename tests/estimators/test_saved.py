"""Models that are saved know the version that saved them."""

import copy
import pickle

import numpy as np
import pytest

import linmtl.estimators._task_model as task_model
from linmtl import AutoRegressor, IndependentRegressor, L21Regressor
from linmtl.datasets import make_multitask_regression

X, y, tasks = make_multitask_regression(n_tasks=3, n_samples=10, random_state=0)
MODELS = [
    L21Regressor(0.1),
    AutoRegressor([("alone", IndependentRegressor(0.1))], cv=2),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_saved_model_predicts_the_same(model):
    model.fit(X, y, tasks)
    before = dict(vars(model))
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(again.predict(X, tasks), model.predict(X, tasks))
        assert vars(again).keys() == before.keys()
    assert vars(model).keys() == before.keys()


def test_a_model_of_another_version_warns(monkeypatch):
    model = L21Regressor(0.1).fit(X, y, tasks)
    monkeypatch.setattr(task_model, "__version__", "0.0.9")
    saved = pickle.dumps(model)
    monkeypatch.undo()
    with pytest.warns(UserWarning, match=r"saved by linmtl 0\.0\.9; .*fit it again"):
        again = pickle.loads(saved)
    np.testing.assert_array_equal(again.coef_, model.coef_)
