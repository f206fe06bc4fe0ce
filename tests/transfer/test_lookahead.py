"""Affinities by a step of each task: what they are, and what they find."""

import numpy as np
import pytest

from helpers.transfer import make_data, random_W
from linmtl import PooledRegressor
from linmtl.transfer import lookahead_affinity


def test_lookahead_is_a_step_of_each_gradient():
    X, y, tasks = make_data(random_W(3), [20, 30, 40])
    affinity = lookahead_affinity(X, y, tasks, alpha=0.1, step=0.05)
    w = PooledRegressor(0.1).fit(X, y, tasks).coef_[0]
    parts = []
    for t in np.unique(tasks):
        A = X[tasks == t] - X[tasks == t].mean(axis=0)
        r = y[tasks == t] - y[tasks == t].mean()
        parts.append((A, r))

    def loss(j, w):
        A, r = parts[j]
        return np.mean((r - A @ w) ** 2) / 2

    for i in range(3):
        A, r = parts[i]
        moved = w + 0.05 * A.T @ (r - A @ w) / len(r)
        for j in range(3):
            expected = 1 - loss(j, moved) / loss(j, w)
            np.testing.assert_allclose(affinity.values[i, j], expected, atol=1e-6)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_lookahead_finds_groups(loss):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 10))
    W = np.array([a, a, b, b])
    X, y, tasks = make_data(W, 200, classify=loss == "logistic")
    affinity = lookahead_affinity(X, y, tasks, loss=loss).values
    assert np.all(affinity.diagonal() > 0)  # its own step does not go too far
    group = np.repeat([0, 1], 2)
    same = (group[:, None] == group) & ~np.eye(4, dtype=bool)
    assert affinity[same].min() > affinity[group[:, None] != group].max()
    with pytest.raises(ValueError, match="step must be"):
        lookahead_affinity(X, y, tasks, loss=loss, step=0.0)
    with pytest.raises(ValueError, match="loss must be one of"):
        lookahead_affinity(X, y, tasks, loss="hinge")
