"""Tasks that are learned alone."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from helpers.data import generated
from helpers.transfer import make_data, random_W
from linmtl import IndependentClassifier, IndependentRegressor
from linmtl.estimators._independent import _Tuned
from linmtl.model_selection._grid import falling_end, open_end


@pytest.mark.slow
@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.parametrize("mode", ["null_loss", "minimax", "n_samples"])
def test_tasks_alone_are_tuned_alone_whatever_their_weight(classify, mode):
    """Each has the strength and the model that it has in data of its own."""
    n = [30, 60, 45]
    X, y, tasks = make_data(random_W(3), n, classify=classify)
    kind = IndependentClassifier if classify else IndependentRegressor
    if not classify:
        y = y * np.repeat([1.0, 10.0, 0.1], n)
    settings = {"tol": 1e-10, "max_iter": 100_000}
    model = kind("cv", task_weight=mode, **settings).fit(X, y, tasks)
    plain = kind("cv", **settings).fit(X, y, tasks)
    np.testing.assert_allclose(model.alpha_ / model.task_weight_, plain.alpha_)
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-4, atol=1e-6)
    for t, label in enumerate(plain.tasks_):
        mine = tasks == label
        alone = kind(plain.alpha_[t], **settings).fit(X[mine], y[mine])
        np.testing.assert_allclose(
            model.coef_[t], np.ravel(alone.coef_), rtol=1e-4, atol=1e-6
        )


def test_each_row_alone_is_predicted_as_by_a_fit_without_it():
    X, y, tasks = generated(n_tasks=3, n_samples=14, n_features=5, random_state=0)
    model = IndependentRegressor("cv", scale_features=False).fit(X, y, tasks)
    for t, task in enumerate(model.tasks_):
        A, b = X[tasks == task], y[tasks == task]
        strengths = model.alpha_[t] * np.array([0.1, 1.0, 10.0])
        errors = []
        for alpha in strengths:
            left = []
            for i in range(len(b)):
                keep = np.arange(len(b)) != i
                # one row less has less weight against the same strength
                ridge = Ridge(alpha * len(b)).fit(A[keep], b[keep])
                left.append(b[i] - ridge.predict(A[[i]])[0])
            errors.append(np.mean(np.square(left)))
        assert errors[1] <= 1.001 * min(errors)  # of nearly equal ones the strongest


def test_leaving_one_out_is_for_the_squared_loss():
    X, y, tasks = generated(n_tasks=3, n_samples=14, random_state=0)
    with pytest.raises(ValueError, match="cv='loo' is for the squared loss"):
        IndependentRegressor("cv", cv="loo", loss="huber").fit(X, y, tasks)


@pytest.mark.parametrize("end_of", [falling_end, open_end])
def test_tasks_whose_grids_end_early_are_those_looked_at_one_by_one(end_of):
    rng, relative = np.random.default_rng(0), np.logspace(3, -5, 17)
    x = np.linspace(-1, 1, relative.size)[:, None]
    losses = np.maximum(2.0 + rng.normal(size=60) * x + rng.normal(size=60) * x**2, 0.0)
    losses[-3:, ::4] = losses[:2, ::3] = np.inf  # not tried
    losses[:, 7], losses[:, 8] = np.nan, 1.0
    tuned: Any = _Tuned(*[None, None], relative, losses[:, None], 0)
    for end in ("low", "high"):
        one_by_one = [
            t for t in range(60) if t != 7 and end_of(relative, losses[:, t]) == end
        ]
        assert len(one_by_one) > 3
        assert tuned._where(end_of, end).tolist() == one_by_one
