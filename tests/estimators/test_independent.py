"""Tasks that are learned alone."""

import numpy as np
import pytest

from helpers.transfer import make_data, random_W
from linmtl import IndependentClassifier, IndependentRegressor


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
