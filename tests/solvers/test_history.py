"""The history of gaps ends with the gap that is reported, whoever judged it last."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.quick import first
from linmtl import (
    DirtyRegressor,
    GroupL21Regressor,
    L1Regressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedRegressor,
    SCADRegressor,
    TraceNormRegressor,
)
from linmtl.datasets import make_multitask_regression

FREE = [0.0, *[1.0] * 5]
MODELS = {
    "moments": TraceNormRegressor(0.1),
    "rows": L21Regressor(0.1, fit_intercept=False),
    "free": L1Regressor(0.1, feature_weight=FREE),
    "free, other losses": L21Classifier(0.02, feature_weight=FREE),
    "weights of entries": L1Regressor(0.1, feature_weight=np.full((6, 3), 2.0)),
    "shared groups": GroupL21Regressor([[0, 1, 2], [2, 3, 4, 5]], 0.1),
    "parts": DirtyRegressor(0.1, 0.1),
    "direct": MeanRegularizedRegressor(0.1),
    "stages": SCADRegressor(0.1),
    "path": L21RegressorCV(alphas=[0.1, 0.05], cv=3),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("offset", [0.0, 1e5])
@pytest.mark.parametrize("dtype", first([np.float64, np.float32], 1))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_last_gap_is_the_one_reported(name, offset, dtype):
    X, y, tasks = make_multitask_regression(3, 6, 15, random_state=0)
    y = y > y.mean() if isinstance(MODELS[name], L21Classifier) else y
    model = MODELS[name].fit((X + offset).astype(dtype), y, tasks)
    iterations, gaps = model.gap_history_.T
    assert gaps[-1] == model.dual_gap_
    assert np.all(np.diff(iterations) >= 0)
    assert iterations[-1] <= model.n_iter_
    assert model.converged_ == (model.dual_gap_ <= model.tol_)
