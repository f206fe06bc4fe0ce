"""Operations of designs, whatever the way in which X is held."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from helpers.loops import looped
from linmtl.data import MultiTaskData
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import StackedDesign
from linmtl.designs._tied import TiedDesign
from linmtl.estimators._descriptors import DescriptorDesign

SIZES = (4, 0, 7, 3)
X = np.random.default_rng(0).normal(size=(sum(SIZES), 3))
PTR = np.concatenate([[0], np.cumsum(SIZES)])
Z = np.random.default_rng(1).normal(size=(4, 2))
DESIGNS = {
    "shared": SharedDesign(X, 4),
    "shared sparse": SharedDesign(sparse.csr_array(X), 4),
    "stacked": StackedDesign(X, PTR),
    "stacked sparse": StackedDesign(sparse.csr_array(X), PTR),
    "hessians": StackedDesign(X, PTR).with_hessians(True),
    "tied": TiedDesign(StackedDesign(X, PTR)),
    "tied shared": TiedDesign(SharedDesign(X, 4)),
    "descriptors": DescriptorDesign(StackedDesign(X, PTR), Z),
}


@looped("chosen", [[2], [3, 0], [0, 1, 2, 3], [1, 3], [2, 0, 3]])
@pytest.mark.parametrize("name", DESIGNS)
def test_some_tasks_predict_as_among_all(name, chosen):
    design, chosen = DESIGNS[name], np.array(chosen)
    rng = np.random.default_rng(2)
    n = design.task_ptr[-1]
    data = MultiTaskData(design, rng.normal(size=n), rng.uniform(size=n))
    part = data.of_tasks(chosen)
    rows = design.observations(chosen)
    W = rng.normal(size=(design.n_features, design.n_columns))
    own = W if design.n_columns == 1 else W[:, chosen]
    assert part.design.n_columns == own.shape[1]  # tied tasks stay tied
    assert part.design.n_tasks == len(chosen)
    assert_array_equal(part.y, data.y[rows])
    assert_array_equal(part.total, data.total[chosen])
    eta, found = np.empty(n), np.empty(rows.size)
    design.predict(W, eta)
    part.design.predict(np.ascontiguousarray(own), found)
    assert_allclose(found, eta[rows], atol=1e-12)
    # what the other tasks add to the adjoint is left out
    r = np.zeros(n)
    r[rows] = data.y[rows]
    G, G_part = np.empty(W.shape), np.empty(own.shape)
    design.adjoint(r, G)
    part.design.adjoint(part.y, G_part)
    expected = G if design.n_columns == 1 else G[:, chosen]
    assert_allclose(G_part, expected, atol=1e-12)
    for k, t in enumerate(chosen):
        same, block = part.design.block(k), design.block(t)
        assert_array_equal(
            same.toarray() if sparse.issparse(same) else same,
            block.toarray() if sparse.issparse(block) else block,
        )


def test_few_of_many_features_predict_as_all():
    rng, d = np.random.default_rng(3), 12_000
    rows = rng.normal(size=(PTR[-1], d))
    design, W = StackedDesign(rows, PTR), np.zeros((d, len(SIZES)))
    W[[7, d - 1]] = rng.normal(size=(2, len(SIZES)))
    code = np.repeat(np.arange(len(SIZES)), SIZES)
    expected = np.sum(rows * W.T[code], axis=1)
    eta, theta, G = np.empty(PTR[-1]), np.empty(PTR[-1]), np.empty(W.shape)
    design.predict(W, eta)
    assert_allclose(eta, expected, atol=1e-12)

    def residual(first, stop):
        own = slice(PTR[first], PTR[stop])
        theta[own] = -eta[own]

    eta[...] = 0.0
    design.evaluate(W, eta, residual, theta, G)
    assert_allclose(theta, -expected, atol=1e-12)
    design.adjoint(theta, W)
    assert_array_equal(G, W)


@looped("centre", [True, False])
@pytest.mark.parametrize("name", ["stacked", "stacked sparse", "hessians", "shared"])
def test_hessians_are_those_of_centred_rows(name, centre):
    design = DESIGNS[name]
    weight = np.random.default_rng(4).uniform(size=design.task_ptr[-1])
    weight[::3] = 0.0  # left out
    weight[design.task_ptr[2] : design.task_ptr[3]] = 0.0
    blocks = [
        design.centred_block(tasks, weight, centre) for _, tasks in design.columns()
    ]
    expected = np.array([A.T @ A for A in blocks])
    assert_allclose(design.hessians(weight, centre), expected, atol=1e-14)
    chosen = np.array([2, 0])
    some = design.hessians(weight, centre, chosen)
    assert_allclose(some, expected[:, chosen][..., chosen], atol=1e-14)
    scale = np.einsum("tjj->tj", expected).max(axis=0)
    assert_allclose(design.column_scale(weight, centre), scale, atol=1e-14)


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("name", ["tied", "tied shared"])
def test_hessian_of_tied_tasks_is_the_sum_of_theirs(name, centre):
    design = DESIGNS[name]
    weight = np.random.default_rng(2).uniform(size=design.task_ptr[-1])
    A = design.centred_block(np.arange(design.n_tasks), weight, centre)
    for features in (None, np.array([2, 0])):
        own = A if features is None else A[:, features]
        H = design.hessians(weight, centre, features)
        assert_allclose(H, (own.T @ own)[None], atol=1e-12)


@pytest.mark.parametrize("name", DESIGNS)
def test_several_models_predict_as_each_does(name):
    design = DESIGNS[name]
    W = np.random.default_rng(2).normal(size=(3, design.n_features, design.n_columns))
    eta = np.empty((3, design.task_ptr[-1]))
    design.predict_several(W, eta)
    one = np.empty(design.task_ptr[-1])
    for each, row in zip(W, eta, strict=True):
        design.predict(each, one)
        assert_allclose(row, one, atol=1e-12)


@looped("centre", [False, True])
@pytest.mark.parametrize("n", [(4, 0, 7, 3), (1, 2, 0, 1)])
def test_curvatures_of_small_tasks_at_once_are_those_one_by_one(n, centre):
    rng = np.random.default_rng(0)
    X, metric = rng.normal(size=(sum(n), 3)), rng.uniform(0.5, 2.0, 3)
    weight = rng.uniform(size=len(X))
    design = StackedDesign(X, np.concatenate([[0], np.cumsum(n)]))
    expected = [
        np.linalg.norm(
            design.centred_block(np.array([t]), weight, centre) / np.sqrt(metric), 2
        )
        ** 2
        for t in range(4)
        if n[t]
    ]
    found = design.column_eigenvalues(weight, centre, metric)
    assert_allclose(found[np.array(n) > 0], expected, atol=1e-12)
    assert not found[np.array(n) == 0].any()


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_many_coefficients_are_transposed_in_tiles(make, monkeypatch):
    rng = np.random.default_rng(0)
    task_ptr, W = np.array([0, 3, 7, 7, 12]), rng.normal(size=(70, 4))
    design = StackedDesign(make(rng.normal(size=(12, 70))), task_ptr)
    design._parts = [(0, 3), (3, 4)]  # as of many more features
    found = []
    for large in (10**6, 0):
        monkeypatch.setattr("linmtl.designs._stacked._LARGE", large)
        eta, G = np.full(12, np.nan), np.full((70, 4), np.nan)
        design.predict(W, eta)
        design.adjoint(eta, G)
        found.append((eta, G))
    assert_array_equal(found[0][0], found[1][0])
    assert_array_equal(found[0][1], found[1][1])
