"""Every kernel against a NumPy formula, on small sizes.

They pass with and without compilation: `NUMBA_DISABLE_JIT=1 pytest -m kernel` runs
the same code as plain Python, where a debugger and coverage can follow it.
"""

import ast
import itertools
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import brentq, lsq_linear, minimize, nnls
from scipy.special import entr, expit, softmax

import linmtl
from helpers.files import ROOT
from helpers.processes import python
from linmtl.kernels import _layouts as kernels
from linmtl.kernels import _mixed as mixed
from linmtl.kernels import _rows as rows
from linmtl.kernels import _spectral as spectral
from linmtl.kernels import _survival as survival
from linmtl.kernels._jit import readonly
from linmtl.losses import LOSSES
from linmtl.losses import _log_odds as logistic
from linmtl.losses._clipped import clipped_residual
from linmtl.losses._log_odds import (
    logistic_dual,
    logistic_hessian,
    logistic_range,
    logistic_residual,
)
from linmtl.losses._squared import squared_residual
from linmtl.penalties import _cluster_norm as cluster
from linmtl.penalties import _edges as network
from linmtl.penalties import _fused as fused
from linmtl.penalties import _tree_group_l21 as tree
from linmtl.penalties._linf1 import clip_rows
from linmtl.solvers import _feature_sign
from linmtl.unsupervised._kmeans import nonnegative_rows

pytestmark = pytest.mark.kernel

# the second and the last task are empty
TASK_PTR = readonly(np.array([0, 4, 4, 5, 9, 9], dtype=np.int64))
SIZES = np.diff(TASK_PTR)
TASK = np.repeat(np.arange(5), SIZES)
PENALTIES = [(0.3, 0.0), (0.0, 0.5), (0.3, 0.5), (0.0, 0.0)]  # entry, row


def normal(*shape, seed=0):
    return readonly(np.random.default_rng(seed).standard_normal(shape))


def empty(*shape):
    """An output full of NaN: whatever is not written shows."""
    return np.full(shape, np.nan)


@pytest.mark.slow
def test_every_kernel_is_tested_here():
    """A new kernel is named in this file, or called by one that is."""
    calls = {}
    for path in Path(linmtl.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(d, ast.Name) and d.id in ("kernel", "reduction", "inlined")
                for d in node.decorator_list
            ):
                calls.setdefault(node.name, set()).update(names_in(node))
    assert len(calls) > 20
    tested = calls.keys() & names_in(ast.parse(Path(__file__).read_text()))
    more = tested
    while more:
        more = calls.keys() & set().union(*(calls[name] for name in more)) - tested
        tested |= more
    assert calls.keys() <= tested, calls.keys() - tested


def names_in(tree):
    nodes = list(ast.walk(tree))
    found = {node.id for node in nodes if isinstance(node, ast.Name)}
    return found | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


# --- times to an event


def test_who_is_at_risk_and_what_is_expected_of_them():
    rng = np.random.default_rng(0)
    time, event = np.abs(rng.integers(1, 5, 9)) * 1.0, rng.random(9) < 0.6
    order, ptr = np.array([7, 2, 0, 4, 1, 5, 8, 3]), np.array([0, 3, 8])  # no row 6
    for start, stop in pairwise(ptr):
        order[start:stop] = order[start:stop][np.argsort(time[order[start:stop]])]
    weight, eta, v = rng.uniform(0.5, 2.0, 9), rng.normal(size=9), rng.normal(size=9)
    known = [readonly(a) for a in (order, ptr, time, event, weight, eta)]
    at_risk, hazard, loss = empty(8), empty(8), empty(2)
    survival.risk_sets(*known, at_risk, hazard, loss)
    written = mean, past, highest = empty(8), empty(8), empty(8)
    survival.risk_means(*known, at_risk, hazard, readonly(v), *written)
    for s, (start, stop) in enumerate(pairwise(ptr)):
        mine, total = order[start:stop], 0.0
        for m, row in enumerate(mine, start):
            risk = mine[time[mine] >= time[row]]
            size = weight[risk] * np.exp(eta[risk])
            np.testing.assert_allclose(at_risk[m], np.log(size.sum()))
            np.testing.assert_allclose(mean[m], np.average(v[risk], weights=size))
            steps, means = [], []
            for t in np.unique(time[mine[event[mine] & (time[mine] <= time[row])]]):
                risk = mine[time[mine] >= t]
                size = weight[risk] * np.exp(eta[risk])
                events = mine[event[mine] & (time[mine] == t)]
                steps.append(weight[events].sum() / size.sum())
                means.append(np.average(v[risk], weights=size))
            if steps:
                np.testing.assert_allclose(hazard[m], np.log(np.sum(steps)))
                np.testing.assert_allclose(past[m], np.average(means, weights=steps))
                np.testing.assert_allclose(highest[m], max(means))
            else:
                assert (hazard[m], highest[m]) == (-np.inf, -np.inf)
        for t in np.unique(time[mine[event[mine]]]):
            events = mine[event[mine] & (time[mine] == t)]
            risk = mine[time[mine] >= t]
            share = weight[risk] @ np.exp(eta[risk]) / weight[events].sum()
            total += weight[events] @ (np.log(share) - eta[events])
        np.testing.assert_allclose(loss[s], total)


# --- data layouts


def test_stacked_products():
    X, Wt, r = normal(9, 3), normal(5, 3, seed=1), normal(9, seed=2)
    eta, Gt = empty(9), empty(5, 3)
    kernels.stacked_predict(X, TASK_PTR, Wt, eta)
    np.testing.assert_allclose(eta, np.sum(X * Wt[TASK], axis=1))
    kernels.stacked_adjoint(X, TASK_PTR, r, Gt)
    expected = np.zeros((5, 3))
    np.add.at(expected, TASK, X * r[:, None])
    np.testing.assert_allclose(Gt, expected)  # zero, not NaN, for empty tasks


def test_predictors_of_several_models():
    X, Wt, eta = normal(9, 3), normal(5, 2, 3, seed=1), empty(2, 9)
    kernels.several_predict(X, TASK_PTR, Wt, empty(2 * 9), eta)
    np.testing.assert_allclose(eta, np.sum(X * Wt[TASK].swapaxes(0, 1), axis=2))


def test_products_of_rows_in_any_order():
    X, Wt, eta = normal(9, 3), normal(5, 3, seed=1), empty(9)
    codes = readonly(np.random.default_rng(2).permutation(TASK))
    kernels.mixed_predict(X, codes, Wt, eta)
    np.testing.assert_allclose(eta, np.sum(X * Wt[codes], axis=1))


def test_products_with_several_models_of_a_task():
    groups = readonly(np.array([0, 2, 3, 6, 7, 9]))  # 2, 1, 3, 1 and 2 models
    X, Wt = normal(9, 3), normal(9, 3, seed=1)
    sizes = SIZES * np.diff(groups)
    r, eta, Gt = normal(sizes.sum(), seed=2), empty(sizes.sum()), empty(9, 3)
    kernels.classes_predict(X, TASK_PTR, groups, Wt, eta)
    kernels.classes_adjoint(X, TASK_PTR, groups, r, Gt)
    parts = zip(*(np.split(v, np.cumsum(sizes)[:-1]) for v in (eta, r)), strict=True)
    for t, (eta_t, r_t) in enumerate(parts):
        X_t, rows = X[t == TASK], slice(groups[t], groups[t + 1])
        np.testing.assert_allclose(eta_t, (Wt[rows] @ X_t.T).ravel())
        np.testing.assert_allclose(
            Gt[rows], r_t.reshape(len(Wt[rows]), -1) @ X_t, atol=1e-14
        )


def test_task_products():
    A, B, out = normal(2, 9), normal(3, 9, seed=1), empty(5, 2, 3)
    kernels.task_products(A, B, TASK_PTR, out)
    for (start, stop), product in zip(pairwise(TASK_PTR), out, strict=True):
        np.testing.assert_allclose(product, A[:, start:stop] @ B[:, start:stop].T)
    H = empty(5, 3, 3)
    H[...] = 1.0
    C = normal(2, 5, 3, seed=2)
    kernels.take_products(C, H)
    np.testing.assert_allclose(H, 1.0 - np.einsum("kti,ktj->tij", C, C))


def test_task_squares():
    X, weight, out = normal(9, 4), np.abs(normal(9, seed=1)), empty(5, 4)
    kernels.task_squares(X, TASK_PTR, weight, out)
    for (start, stop), square in zip(pairwise(TASK_PTR), out, strict=True):
        np.testing.assert_allclose(square, weight[start:stop] @ X[start:stop] ** 2)


def test_features_in_rows():
    X, W, r = normal(9, 4), normal(3, 5, seed=1).copy(), normal(9, seed=2)
    W[1, 2] = 0.0
    A = np.zeros((3, 9))
    chosen, where = readonly(np.array([3, 0])), readonly(np.array([0, 2]))
    kernels.gather_features(X, chosen, where, A)
    np.testing.assert_array_equal(A, np.array([X[:, 3], np.zeros(9), X[:, 0]]))
    A = normal(3, 9, seed=3)
    eta, G = empty(9), empty(3, 5)
    kernels.feature_predict(A, TASK_PTR, readonly(W), eta)
    np.testing.assert_allclose(eta, np.sum(A.T * W[:, TASK].T, axis=1))
    kernels.feature_adjoint(A, TASK_PTR, r, G)
    expected = np.zeros((3, 5))
    np.add.at(expected.T, TASK, (A * r).T)
    np.testing.assert_allclose(G, expected)  # zero, not NaN, for empty tasks


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("centre", [True, False])
def test_weighted_features(centre, dtype):
    A, features = normal(3, 9), readonly(np.array([2, 0]))
    weight = np.abs(normal(9, seed=1))
    weight[2] = 0.0
    out = np.full((2, 4), np.nan, dtype=dtype)
    zero = readonly(np.zeros(9))
    root = np.sqrt(weight)
    for single in (False, True):  # the features themselves
        A_in, root_in = (B.astype(np.float32) if single else B for B in (A, root))
        arrays = readonly(A_in.ravel()), 5, 9, features
        rows = readonly(weight[5:]), readonly(root_in[5:])
        kernels.weight_features(*arrays, *rows, centre, out)
        X = A[features, 5:]
        if centre:
            X = X - np.average(X, axis=1, weights=weight[5:])[:, None]
        exact = dtype == np.float64 and not single
        expected = root[5:] * X
        np.testing.assert_allclose(
            out, expected, rtol=1e-12 if exact else 1e-6, atol=0 if exact else 1e-7
        )
        nothing = zero[5:], readonly(0 * root_in[5:])
        kernels.weight_features(*arrays, *nothing, centre, out)
        np.testing.assert_array_equal(out, 0.0)


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_transposed_tasks(dtype, centre):
    """Far from zero, what distinguishes the samples survives single precision."""
    far = 2.0**20 if centre and dtype == np.float64 else 0.0
    rng = np.random.default_rng(0)
    sizes = [300, 0, 1, 17, 128]  # more than a part, none, less than a rough mean
    task_ptr = readonly(np.r_[0, np.cumsum(sizes)])
    X = readonly((far + rng.standard_normal((446, 3))).astype(dtype))
    A = np.full(3 * 446, np.nan, dtype=np.float32)
    shift, tile = np.empty(3), np.empty((64, 3), dtype=np.float32)
    kernels.transpose_tasks(X, task_ptr, centre, shift, tile, A)
    for begin, end in pairwise(task_ptr.tolist()):
        if begin < end:
            X_t, A_t = X[begin:end], A[3 * begin : 3 * end].reshape(3, -1)
            shift = X_t[:16].mean(axis=0, dtype=float) if centre else 0.0
            np.testing.assert_allclose(A_t, (X_t - shift).T, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size", [0, 1, 2, 31, 32, 33, 64, 70])
def test_mirror(size):
    H = normal(size, size).copy() if size else np.empty((0, 0))
    expected = np.tril(H) + np.tril(H, -1).T
    kernels.mirror(H)
    np.testing.assert_array_equal(H, expected)


def test_sparse_products():
    dense = np.where(np.abs(normal(9, 3)) > 0.5, normal(9, 3), 0.0)
    dense[6] = 0.0  # an empty row
    X = sparse.csr_array(dense)
    csr = (
        readonly(X.data),
        readonly(X.indices.astype(np.int64)),
        readonly(X.indptr.astype(np.int64)),
    )
    Wt, r = normal(5, 3, seed=1), normal(9, seed=2)
    eta, Gt = empty(9), empty(5, 3)
    kernels.sparse_predict(*csr, TASK_PTR[:-1], TASK_PTR, Wt, eta)
    np.testing.assert_allclose(eta, np.sum(dense * Wt[TASK], axis=1))
    kernels.sparse_adjoint(*csr, TASK_PTR[:-1], TASK_PTR, r, Gt)
    expected = np.zeros((5, 3))
    np.add.at(expected, TASK, dense * r[:, None])
    np.testing.assert_allclose(Gt, expected)
    first, bounds = readonly(np.array([1, 1])), readonly(np.array([0, 3, 6]))
    kernels.sparse_predict(*csr, first, bounds, Wt[:2], eta)  # rows of two models
    np.testing.assert_allclose(eta[:6], (Wt[:2] @ dense[1:4].T).ravel())
    kernels.sparse_adjoint(*csr, first, bounds, r, Gt[:2])
    np.testing.assert_allclose(Gt[:2], r[:6].reshape(2, 3) @ dense[1:4])


def test_no_task_at_all():
    task_ptr = readonly(np.zeros(1, dtype=np.int64))
    eta, Gt = empty(0), empty(0, 3)
    kernels.stacked_predict(normal(0, 3), task_ptr, normal(0, 3), eta)
    kernels.stacked_adjoint(normal(0, 3), task_ptr, normal(0), Gt)
    assert eta.size == Gt.size == 0


def test_gram_adjoint():
    H, C, Wt = normal(5, 3, 3), normal(5, 3, seed=1), normal(5, 3, seed=2).copy()
    H = readonly(H + H.transpose(0, 2, 1))
    Wt[1, 0] = 0.0  # a coefficient that is skipped
    Gt = empty(5, 3)
    kernels.gram_adjoint(H, C, Wt, Gt)
    np.testing.assert_allclose(Gt, C - np.einsum("tij,tj->ti", H, Wt))


# --- the accelerated loop


def test_loop():
    V, W_new, W0, G = (normal(4, 3, seed=s) for s in range(4))
    step = readonly(np.array([0.5, 1.0, 2.0, 0.1]))
    out = empty(4, 3)
    kernels.gradient_step(V, step, G, out)
    np.testing.assert_allclose(out, V + step[:, None] * G)
    np.testing.assert_allclose(
        kernels.restart_test(V, W_new, W0, step),
        np.sum((V - W_new) * (W_new - W0) / step[:, None]),
    )
    W, out = W0.copy(), empty(4, 3)
    past, move, change = G.copy(), W_new - W0, G - V
    slope, square = kernels.secant(W_new, W0, V, step, past)
    np.testing.assert_allclose(slope, np.sum(move * change))
    np.testing.assert_allclose(square, np.sum(change**2 / step[:, None]))
    np.testing.assert_array_equal(past, V)
    kernels.extrapolate(W_new, W, 0.7, out)
    np.testing.assert_allclose(out, W_new + 0.7 * (W_new - W0))
    np.testing.assert_array_equal(W, W_new)


def test_reordered_sums_keep_nan_and_infinity():
    """A licence to reorder is none to assume finite numbers."""
    for bad in (np.nan, np.inf):
        A = normal(40, 3).copy()
        A[17, 1] = bad
        ones = readonly(np.ones((3, 40)))
        zeros = np.zeros((3, 40))
        terms = rows.model_terms(readonly(A), ones, zeros, ones, 1.0, zeros.T.copy())
        assert not np.isfinite(terms).any()


def test_row_with_a_task_without_curvature():
    out = empty(3)
    for h in ([0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1e-320, 1.0, 1.0]):
        a = readonly(np.array([1.0, 0.5, 0.2]))
        rows.solve_row(a, readonly(np.array(h)), 0.0, 0.1, False, out)
        assert np.all(np.isfinite(out))


# --- losses


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_squared_residual(fit_intercept):
    y, eta = normal(9), normal(9, seed=1)
    weight = readonly(np.abs(normal(9, seed=2)))
    total = readonly(np.bincount(TASK, weights=weight, minlength=5))
    b, theta, task_loss = np.full(5, 7.0), empty(9), empty(5)
    squared_residual(
        y, eta, weight, TASK_PTR, total, fit_intercept, b, theta, task_loss
    )
    expected = np.zeros(5)
    if fit_intercept:
        sums = np.bincount(TASK, weights=weight * (y - eta), minlength=5)
        expected = np.divide(sums, total, out=expected, where=total > 0)
    np.testing.assert_allclose(b, expected, atol=1e-15)
    r = y - eta - expected[TASK]
    np.testing.assert_allclose(theta, weight * r)
    losses = np.bincount(TASK, weights=weight * r**2 / 2, minlength=5)
    np.testing.assert_allclose(task_loss, losses)


def test_logistic_dual_terms():
    y = readonly(np.array([1.0, -1.0, 1.0, 1.0, -1.0]))
    weight = readonly(np.array([0.5, 2.0, 1.0, 0.0, 1.0]))
    p = np.array([0.2, 0.9, 0.0, 5.0, 0.7])
    theta = readonly(p * y * np.array([0.5, 2.0, 1.0, 1.0, 1.0]))
    used = weight > 0
    for scale in (1.0, 0.5, 1.25):  # 1.25 goes past the end, as rounding does
        q = np.clip(scale * p[used], 0.0, 1.0)
        expected = weight[used] @ (entr(q) + entr(1.0 - q))
        value = logistic_dual(y, theta, weight, scale)
        np.testing.assert_allclose(value, expected)
    assert logistic_range(y, theta, weight) == (0.0, 0.9)
    nothing = readonly(np.zeros(5))
    assert logistic_range(y, theta, nothing) == (np.inf, -np.inf)
    assert logistic_dual(y, theta, nothing, 1.0) == 0.0
    out = empty(5)
    logistic_hessian(y, theta, weight, out)
    np.testing.assert_allclose(out, np.where(used, weight * p * (1.0 - p), 0.0))
    unknown = readonly(np.where(np.arange(5) == 1, np.nan, theta))
    assert np.isnan(logistic_dual(y, unknown, weight, 1.0))
    assert np.isnan(logistic_range(y, unknown, weight)).all()


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_logistic_residual(fit_intercept):
    # both classes in each task that is not empty: the third has a row of each
    task_ptr = readonly(np.array([0, 4, 4, 6, 9, 9], dtype=np.int64))
    task = np.repeat(np.arange(5), np.diff(task_ptr))
    y = readonly(np.array([1.0, -1, 1, 1, -1, 1, 1, -1, -1]))
    eta = readonly(3 * normal(9, seed=1))
    weight = readonly(np.abs(normal(9, seed=2)) + 0.1)
    total = readonly(np.bincount(task, weights=weight, minlength=5))
    b, theta, task_loss = np.zeros(5), empty(9), empty(5)
    logistic_residual(
        y, eta, weight, task_ptr, total, fit_intercept, b, theta, task_loss
    )
    slope = lambda b, t: np.sum((weight * y / (1 + np.exp(y * (eta + b))))[task == t])
    for t in range(5):
        if fit_intercept and total[t] > 0:
            root = brentq(slope, -50, 50, args=(t,), xtol=1e-13)
            np.testing.assert_allclose(b[t], root, atol=1e-9)
        else:
            assert b[t] == 0.0
    margin = y * (eta + b[task])
    np.testing.assert_allclose(theta, weight * y / (1 + np.exp(margin)))
    losses = np.bincount(task, weights=weight * np.log1p(np.exp(-margin)), minlength=5)
    np.testing.assert_allclose(task_loss, losses)


@pytest.mark.parametrize("start", [0.0, 30.0, -500.0])
@pytest.mark.parametrize("shift", [0.0, 700.0, -1e6])
def test_best_intercept_from_afar(start, shift):
    """Newton's method alone would leave for infinity from some of these points."""
    y = readonly(np.array([1.0, 1.0, 1.0, -1.0]))
    eta = readonly(np.full(4, shift))
    weight = readonly(np.full(4, 0.25))
    work = empty(256), empty(256), np.zeros(256, dtype=np.int64)
    b = logistic._intercept(y, eta, weight, 0, 4, start, *work)
    np.testing.assert_allclose(b + shift, np.log(3.0), atol=1e-6)


@pytest.mark.parametrize("start", [0.0, 1e3])
@pytest.mark.parametrize("name", ["huber", "quantile", "squared_hinge"])
def test_clipped_residual(name, start):
    loss = LOSSES[name]()
    y, eta, weight = normal(9), normal(9, seed=1), readonly(np.linspace(0.1, 2, 9))
    if name == "squared_hinge":
        y = readonly(np.resize([1.0, -1.0], 9))
    total = readonly(np.array([weight[t == TASK].sum() for t in range(5)]))
    b, theta, task_loss = np.full(5, start), empty(9), empty(5)
    given = y, eta, weight, TASK_PTR, total, True
    clipped_residual(*given, b, theta, task_loss, *loss.kernel_parameters)
    at = eta + b[TASK]
    np.testing.assert_allclose(theta, -weight * loss.derivative(y, at), atol=1e-14)
    sums = [theta[t == TASK].sum() for t in range(5)]
    several = [len(set(y[t == TASK])) > 1 for t in range(5)]
    np.testing.assert_allclose(np.array(sums)[several], 0.0, atol=1e-14)
    values = weight * loss.value(y, at)
    expected = [values[t == TASK].sum() for t in range(5)]
    np.testing.assert_allclose(task_loss, expected, atol=1e-14)


@pytest.mark.parametrize("n", [6, 300])
@pytest.mark.parametrize("start", [0.0, 50.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_multinomial_residual(fit_intercept, start, n):
    """Two tasks of three and two classes; of the second the first has no rows."""
    rng = np.random.default_rng(0)
    sizes, group_ptr = np.repeat([n, n + 2], [3, 2]), np.array([0, 3, 5])
    task_ptr = np.concatenate([[0], np.cumsum(sizes)])
    eta = 5 * rng.normal(size=task_ptr[-1])
    code = np.resize([0, 1, 2], n), np.ones(n + 2, dtype=int)
    y = np.concatenate([(code[int(j > 2)] == j - 3 * (j > 2)) for j in range(5)])
    y, w = y.astype(float), [rng.uniform(size=n), rng.uniform(size=n + 2)]
    w[0][0] = 0.0
    weight = np.concatenate([w[0]] * 3 + [w[1]] * 2)
    b, theta, loss = start * np.arange(5.0), empty(task_ptr[-1]), empty(5)
    arrays = map(readonly, (y, eta, weight, task_ptr, group_ptr))
    logistic.multinomial_residual(*arrays, fit_intercept, b, theta, loss)
    for t, own in enumerate((slice(0, 3), slice(3, 5))):
        rows, k = slice(task_ptr[own.start], task_ptr[own.stop]), own.stop - own.start
        at = eta[rows].reshape(k, -1) + b[own, None]
        if t == 1 and fit_intercept:  # as if half a row had been of the class
            assert b[3] - b[4] == pytest.approx(-np.log(2 * (n + 2) + 1))
            at[0] = -np.inf
        p, hot = softmax(at, axis=0), y[rows].reshape(k, -1)
        np.testing.assert_allclose(
            theta[rows].reshape(k, -1), w[t] * (hot - p), atol=1e-14
        )
        own_p = (p * hot).sum(axis=0)
        np.testing.assert_allclose(loss[own].sum(), -w[t] @ np.log(own_p), atol=1e-12)
        if fit_intercept:
            sums = theta[rows].reshape(k, -1).sum(axis=1)
            np.testing.assert_allclose(sums, 0.0, atol=1e-14 * n)
    if fit_intercept:
        assert b[:3].sum() == pytest.approx(0.0, abs=1e-10)
    else:
        assert not b.any()


def test_exponentials_and_logarithms():
    """The series, and what brings any number to where they hold."""
    reach = np.log(2) / 2
    for r in np.linspace(-reach, reach, 21):
        np.testing.assert_allclose(logistic._exp_series(r), np.exp(r), rtol=5e-16)
    for ratio in np.geomspace(np.sqrt(0.5), np.sqrt(2), 20):
        log = logistic._log_series((ratio - 1) / (ratio + 1))
        np.testing.assert_allclose(log, np.log(ratio), rtol=1e-15)
    x = np.concatenate([np.geomspace(1e-300, 1e300, 601), np.linspace(0.5, 1.5, 101)])
    exponent, out = empty(x.size), empty(x.size)
    logistic._logs(x, exponent, out)
    np.testing.assert_allclose(out, np.log(x), rtol=1e-15, atol=1e-15)


def test_pieces_of_the_logistic_loss():
    n = 50
    y = readonly(np.sign(normal(n)))
    eta = np.array(normal(n, seed=1)) * 20
    eta[:8] = 0, 800, -800, 708, -709, 710, 36, 1e300
    weight = readonly(np.abs(normal(n, seed=2)))
    some = slice(3, 43)  # rows somewhere in the middle
    b = 0.25
    m = y[some] * (eta[some] + b)
    margin, e, bits = empty(40), empty(40), np.zeros(40, dtype=np.int64)
    logistic._margins(y[some], eta[some], b, margin, e, bits)
    np.testing.assert_array_equal(margin, m)
    np.testing.assert_allclose(e, np.exp(-np.abs(m)), rtol=1e-15, atol=1e-307)
    p = expit(-m)
    derivatives = logistic._slope(y[some], weight[some], margin, e)
    expected = np.sum(weight[some] * y[some] * p), np.sum(weight[some] * p * (1 - p))
    np.testing.assert_allclose(derivatives, expected)
    theta = empty(n)
    value = logistic._value(y[some], weight[some], margin, e, theta[some])
    np.testing.assert_allclose(value, weight[some] @ np.logaddexp(0, -m))
    np.testing.assert_allclose(theta[some], (weight * y)[some] * p, atol=1e-307)
    assert np.all(np.isnan(np.delete(theta, np.arange(3, 43))))


# --- penalties that are sums over the rows


def soft(v, threshold, positive):
    out = np.sign(v) * np.maximum(np.abs(v) - threshold, 0.0)
    return np.maximum(v - threshold, 0.0) if positive else out


@pytest.mark.parametrize("positive", [False, True])
def test_soft(positive):
    for v in [-2.0, -0.5, 0.0, 0.5, 2.0]:
        assert rows.soft(v, 0.5, positive) == soft(v, 0.5, positive)
    assert np.isnan(rows.soft(np.nan, 0.5, positive))


def test_transposing_some_columns_and_back():
    W, Wt = normal(130, 5), empty(2, 130)  # more rows than two tiles
    kernels.columns_to_rows(W, 1, Wt)
    np.testing.assert_array_equal(Wt, W[:, 1:3].T)
    G = empty(130, 5)
    for first, stop in [(0, 3), (3, 5)]:
        kernels.rows_to_columns(readonly(W.T[first:stop].copy()), first, G)
    np.testing.assert_array_equal(G, W)


def test_shrinking_the_columns_of_each_task():
    V, task, strength = normal(4, 3), readonly(np.array([1, 0, 1])), np.array([0.5, 9])
    out = empty(4, 3)
    for step in (0.0, 0.1, 0.2):
        value = rows.shrink_columns(V, task, step, readonly(strength), out)
        norm = np.sqrt(np.bincount(task, np.sum(V**2, axis=0)))
        factor = np.maximum(1.0 - step * strength / norm, 0.0)
        np.testing.assert_allclose(out, V * factor[task], rtol=1e-12)
        np.testing.assert_allclose(value, strength @ (norm * factor))
    bad = np.where(np.arange(3) == 1, np.nan, V)
    rows.shrink_columns(readonly(bad), task, 0.1, readonly(strength), out)
    assert np.isnan(out[:, 1]).all()
    assert np.isfinite(out[:, [0, 2]]).all()


def test_shrinking_the_means_of_each_class():
    V, code, step = normal(5, 4), readonly(np.array([2, 0, 2, 2])), 0.3
    size = np.bincount(code).astype(float)  # none of one class
    ridge, l1 = np.array([[0.0, 0.0, 0.4, 0.0, 2.0], [0.0, 0.2, 0.0, 99.0, 0.0]])
    out = empty(5, 4)
    given = map(readonly, (size, ridge, l1))
    value = rows.shrink_means(V, code, *given, step, out)
    total = 0.0
    for k in (0, 2):
        mean = V[:, code == k].mean(axis=1)
        m = soft(mean, step * l1 / size[k], False) / (1.0 + step * ridge)
        for t in np.flatnonzero(code == k):
            np.testing.assert_allclose(out[:, t], m)
        total += size[k] / 2 * ridge @ m**2 + l1 @ np.abs(m)
    np.testing.assert_allclose(value, total)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("entry", "row"), PENALTIES)
def test_shrink_is_the_prox(entry, row, positive):
    """Soft thresholds, then shrunk rows; the value returned is that of the result."""
    V = normal(6, 3)
    step = readonly(np.linspace(0.2, 2.0, 6))
    entries, strengths = readonly(np.full(6, entry)), readonly(np.full(6, row))
    out = empty(6, 3)
    value = rows.shrink(V, step, entries, strengths, positive, out)
    C = soft(V, step[:, None] * entry, positive)
    norm = np.linalg.norm(C, axis=1)
    expected = C * np.maximum(1 - step * row / np.maximum(norm, 1e-300), 0.0)[:, None]
    np.testing.assert_allclose(out, expected, atol=1e-15)
    penalty = entry * np.abs(out).sum() + row * np.linalg.norm(out, axis=1).sum()
    np.testing.assert_allclose(value, penalty)
    np.testing.assert_allclose(
        rows.penalty_value(readonly(out), entries, strengths), penalty
    )


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("entry", "row"), PENALTIES[:3])
def test_row_dual_is_the_root(entry, row, positive):
    G = normal(6, 3, seed=4).copy()
    G[2] = 0.0
    G[3] = -np.abs(G[3])  # nothing to the dual norm of the positive cone
    entries, strengths = readonly(np.full(6, entry)), readonly(np.full(6, row))
    out = empty(6)
    rows.row_duals(readonly(G), entries, strengths, positive, out)
    for j in range(6):
        g = G[j] if positive else np.abs(G[j])
        excess = lambda s, g=g: np.linalg.norm(np.maximum(g - s * entry, 0.0)) - s * row
        if row == 0.0:
            expected = max(g.max(), 0.0) / entry
        elif excess(0.0) <= 0:
            expected = 0.0
        else:
            expected = brentq(excess, 0.0, 1e3, xtol=1e-15, rtol=1e-14)
        np.testing.assert_allclose(out[j], expected, rtol=1e-9, atol=1e-12)
        assert rows.row_dual(readonly(G), j, entry, row, positive) == out[j]


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("entry", "row"), PENALTIES)
@pytest.mark.parametrize("h", [[1.0, 1.0, 1.0], [0.5, 2.0, 7.0]])
def test_solve_row_minimises(entry, row, positive, h):
    a, h = normal(3, seed=5).copy() * 2, np.array(h)

    def objective(v):
        norm = np.linalg.norm(v)
        return np.sum(h * v**2 / 2 - a * v) + entry * np.abs(v).sum() + row * norm

    out = empty(3)
    rows.solve_row(a, h, entry, row, positive, out)
    if positive:
        assert np.all(out >= 0)
    best = objective(out)
    rng = np.random.default_rng(0)
    for scale in (1e-5, 1e-3, 0.1, 1.0):
        for _ in range(100):
            v = out + scale * rng.standard_normal(3)
            v = np.maximum(v, 0.0) if positive else v
            assert objective(v) >= best - 1e-13
    # and no smooth optimiser does better
    bounds = [(0, None)] * 3 if positive else None
    found = minimize(objective, out + 0.1, bounds=bounds, method="L-BFGS-B")
    assert found.fun >= best - 1e-9


def test_solve_row_sets_to_zero_at_the_threshold():
    a = np.array([3.0, 4.0])
    for h in ([1.0, 1.0], [1.0, 2.0]):
        out = empty(2)
        rows.solve_row(a, np.array(h), 0.0, 5.0, False, out)
        np.testing.assert_array_equal(out, 0.0)
        rows.solve_row(a, np.array(h), 0.0, 4.999, False, out)
        assert np.all(out > 0)


def model(seed=0, shared=True, k=5, T=3):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((1 if shared else T, 20, k))
    H = np.einsum("tij,tik->tjk", A, A) / 20
    Y = rng.standard_normal((20, T))
    C = np.stack([A[0 if shared else t].T @ Y[:, t] / 20 for t in range(T)], axis=1)
    return readonly(H), readonly(C), float(np.sum(Y**2) / 20)


def transposed(A):
    return readonly(np.ascontiguousarray(A.T))


def gradient(H, C, W):
    index = np.zeros(W.shape[1], int) if len(H) == 1 else np.arange(W.shape[1])
    return C - np.einsum("tij,jt->it", H[index], W)


def penalty_of(W, entry, row):
    return entry * np.abs(W).sum() + row * np.linalg.norm(W, axis=1).sum()


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("entry", "row"), PENALTIES[:3])
def test_model_gap(entry, row, positive):
    H, C, square = model()
    W = 0.1 * normal(5, 3)
    W = readonly(np.maximum(W, 0.0) if positive else W)
    G = readonly(gradient(H, C, W))
    entries, strengths = readonly(np.full(5, entry)), readonly(np.full(5, row))
    start = transposed(normal(5, 3, seed=8))  # where the moves began
    moved = readonly(start - transposed(G))
    out = empty(5, 3)
    linear, residual = rows.model_terms(W, start, moved, transposed(C), square, out)
    np.testing.assert_allclose(out, G)
    np.testing.assert_allclose(linear, square - np.sum(W * C))
    np.testing.assert_allclose(residual, linear - np.sum(W * G))
    primal = square / 2 - np.sum(W * C) + np.sum(W * (C - G)) / 2
    np.testing.assert_allclose(residual / 2, primal)
    primal += penalty_of(W, entry, row)
    gap = rows.gap_of(linear, residual, W, G, entries, strengths, positive)
    # a dual point: the best multiple of the residuals that is feasible
    duals = empty(5)
    rows.row_duals(G, entries, strengths, positive, duals)
    s = min(1 / max(duals.max(), 1.0), linear / residual)
    np.testing.assert_allclose(gap, primal - (s * linear - s**2 * residual / 2))


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("entry", "row"), [(0.05, 0.0), (0.0, 0.1), (0.05, 0.1)])
def test_gram_descent_solves_the_model(shared, positive, entry, row):
    H, C, square = model(shared=shared)
    entries, strengths = readonly(np.full(5, entry)), readonly(np.full(5, row))
    Ct = transposed(C)
    start = lambda: (np.zeros((5, 3)), np.zeros((3, 5)))
    descend = lambda W, Et, target, final, free, limit: rows.gram_descent(
        H,
        None,
        None,
        W,
        Ct,
        Et,
        Ct,
        square,
        entries,
        strengths,
        positive,
        target,
        final,
        free,
        0.0,
        limit,
        rows.workspace(W, Et),
    )

    def gap_at(W, Et):
        G = empty(5, 3)
        terms = rows.model_terms(W, Ct, Et, Ct, square, G)
        return rows.gap_of(*terms, W, G, entries, strengths, positive)

    W, Et = start()
    assert 1 <= descend(W, Et, 1e-13, 0.0, 0, 10_000) < 10_000
    assert gap_at(W, Et) <= 1e-13
    G = (Ct - Et).T
    np.testing.assert_allclose(G, gradient(H, C, W), atol=1e-12)  # kept up to date
    assert_optimal(W, G, entry, row, positive)
    # a budget of one sweep is one sweep
    W1, E1 = start()
    assert descend(W1, E1, 0.0, 0.0, 0, 1) == 1
    gap1 = gap_at(W1, E1)
    value = lambda W: (
        square / 2
        - np.sum(W * C)
        + np.sum(W * (C - gradient(H, C, W))) / 2
        + penalty_of(W, entry, row)
    )
    assert gap1 >= value(W1) - value(W) - 1e-14  # a gap bounds the distance
    # past the target as long as sweeps are free, and no further than the final gap
    W2, E2 = start()
    assert descend(W2, E2, 1e3, 0.0, 0, 100) <= 3
    W2, E2 = start()
    few = descend(W2, E2, 1e3, -np.inf, 7, 100)
    assert few == 7 or gap_at(W2, E2) <= 1e-13
    W2, E2 = start()
    assert descend(W2, E2, 1e3, 1e-10, 10_000, 10_000) < 10_000
    assert gap_at(W2, E2) <= 1e-10


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("entry", "row"), [(0.05, 0.0), (0.0, 0.1), (0.05, 0.1)])
def test_gram_descent_with_coupled_tasks(shared, positive, entry, row):
    H, C, square = model(shared=shared)
    entries, strengths = readonly(np.full(5, entry)), readonly(np.full(5, row))
    B = normal(3, 2)
    K, Ct = B @ B.T, transposed(C)
    W, Et = np.zeros((5, 3)), np.zeros((3, 5))
    stop = -np.inf, -np.inf, 0, 1e-12, 10_000
    penalty = entries, strengths, positive
    work = rows.workspace(W, Et)
    sweeps = rows.gram_descent(
        H, rows.coupled(K), None, W, Ct, Et, Ct, square, *penalty, *stop, work
    )
    assert sweeps < 10_000
    G = gradient(H, C, W) - W @ K
    np.testing.assert_allclose((Ct - Et).T, G, atol=1e-12)
    assert_optimal(W, G, entry, row, positive)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("strength", [0.0, 0.1, 1.0, 100.0])
@pytest.mark.parametrize("size", [1.0, 1e5])
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_gram_descent_with_tightly_coupled_tasks(shared, strength, size, precision):
    """The step of a row is exact, however tightly tasks are coupled in it."""
    H, C, square = model(shared=shared)
    entries, strengths = readonly(np.zeros(5)), readonly(np.full(5, strength))
    K = size * np.arange(1.0, 6.0)[:, None, None] * (np.eye(3) - np.ones((3, 3)) / 3)
    H, Ct = readonly(H.astype(precision)), transposed(C)
    W, Et = np.zeros((5, 3)), np.zeros((3, 5), dtype=precision)
    accuracy = 1e-9 if precision is np.float64 else 1e-5
    stop = -np.inf, -np.inf, 0, accuracy, 1000
    tight = rows.coupled_exactly(K, H)
    work = rows.workspace(W, Et)
    sweeps = rows.gram_descent(
        H, None, tight, W, Ct, Et, Ct, square, entries, strengths, False, *stop, work
    )
    assert sweeps < 300  # on bounds of K: thousands
    G = gradient(H.astype(float), C, W) - np.einsum("js,jst->jt", W, K)
    error = 1e-6 if precision is np.float64 else 1e-4
    np.testing.assert_allclose((Ct - Et).T, G, atol=error * max(1.0, size * 1e-4))
    for w, g in zip(W, G, strict=True):
        norm = np.linalg.norm(w)
        if norm:
            bound = error * max(1.0, size * 1e-4)
            np.testing.assert_allclose(g, strength * w / norm, atol=bound)
        else:
            assert np.linalg.norm(g) <= strength * (1 + 1e-5)


def test_fall_of_a_model():
    H, C, square = model(shared=False)
    W, new = 0.3 * normal(5, 3), 0.3 * normal(5, 3, seed=1)
    value = lambda W: square / 2 - np.sum(W * (C + gradient(H, C, W))) / 2
    Ct = transposed(C)
    moved = [readonly(Ct - transposed(gradient(H, C, V))) for V in (W, new)]
    fall = rows.model_fall(W, moved[0], new, moved[1], Ct)
    np.testing.assert_allclose(fall, value(W) - value(new))


@pytest.mark.parametrize("far", [0.0, 10.0])
def test_gram_descent_in_single_precision(far):
    """What is lost is a part of the moves, not of the gradient they started from."""
    H, C, square = model(shared=False)
    entries, strengths = readonly(np.zeros(5)), readonly(np.full(5, 0.1))
    best = np.zeros((5, 3))
    Ct = transposed(C)
    work = np.zeros((3, 5))
    stop = 1e-14, 0.0, 0, 0.0, 10_000
    arguments = square, entries, strengths, False
    rows.gram_descent(
        H, None, None, best, Ct, work, Ct, *arguments, *stop, rows.workspace(best, work)
    )
    W = best + far * 1e-6 * normal(5, 3)
    move = np.abs(W - best).max()
    start = transposed(gradient(H, C, W))
    Et = np.zeros((3, 5), dtype=np.float32)
    single = readonly(H.astype(np.float32))
    stop = -np.inf, -np.inf, 0, 1e-7, 200
    rows.gram_descent(
        single,
        None,
        None,
        W,
        start,
        Et,
        start,
        *arguments,
        *stop,
        rows.workspace(W, Et),
    )
    np.testing.assert_allclose(W, best, atol=1e-5 * move + 1e-12)


def assert_optimal(W, G, entry, row, positive):
    """The conditions of optimality, from the definition of a subgradient."""
    for w, g in zip(W, G, strict=True):
        if np.any(w != 0):
            force = g - row * w / np.linalg.norm(w)
            active = w != 0
            np.testing.assert_allclose(
                force[active], entry * np.sign(w[active]), atol=1e-5
            )
            rest = force[~active] if positive else np.abs(force[~active])
            assert np.all(rest <= entry + 1e-5)
        else:
            excess = np.maximum((g if positive else np.abs(g)) - entry, 0.0)
            assert np.linalg.norm(excess) <= row + 1e-5


GROUPS = [np.array([3, 0]), np.array([1]), np.array([6, 2, 5, 8, 4]), np.array([7])]


def descend_on_groups(H, C, W, entry, group, positive, accuracy, limit):
    ptr = readonly(np.cumsum([0, *map(len, GROUPS)]))
    Et = np.zeros(W.shape[::-1], dtype=H.dtype)
    sweeps = rows.group_descent(
        H,
        readonly(np.concatenate(GROUPS)),
        ptr,
        W,
        transposed(C),
        Et,
        readonly(np.linspace(0.5, 1.5, len(W)) * entry),
        readonly(np.array([1.0, 2.0, 1.5, 1.0]) * group),
        positive,
        accuracy,
        limit,
        np.empty((3, 5, W.shape[1])),
        rows.workspace(W, Et),
    )
    return sweeps, Et


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("entry", "group"), [(0.0, 0.2), (0.05, 0.1), (0.05, 0.0)])
def test_group_descent_solves_the_model(shared, positive, entry, group):
    H, C, _ = model(shared=shared, k=9)
    W = np.zeros((9, 3))
    sweeps, Et = descend_on_groups(H, C, W, entry, group, positive, 1e-10, 10_000)
    assert 1 < sweeps < 10_000
    G = gradient(H, C, W)
    np.testing.assert_allclose(C - Et.T, G, atol=1e-12)  # kept up to date
    strengths = np.linspace(0.5, 1.5, 9) * entry
    for g, members in enumerate(GROUPS):
        # a group is a row whose entries have strengths of their own
        w, pull = W[members].ravel(), G[members].ravel()
        own = np.repeat(strengths[members], 3)
        pull = (
            pull
            - np.clip(pull - (w > 0) * own + (w < 0) * own, -own, own) * (w == 0)
            - own * np.sign(w) * (w != 0)
        )
        pull = np.where((w == 0) & positive, np.maximum(pull, 0.0), pull)
        strength = group * [1.0, 2.0, 1.5, 1.0][g]
        if w.any():
            np.testing.assert_allclose(
                pull, strength * w / np.linalg.norm(w), atol=1e-7
            )
        else:
            assert np.linalg.norm(pull) <= strength + 1e-7


def test_group_descent_says_soon_that_it_creeps():
    """Two features of different groups that are all but the same."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((30, 9)) * 0.01 + rng.standard_normal((30, 1))
    H = readonly((A.T @ A / 30)[None])
    C = readonly(A.T @ rng.standard_normal((30, 3)) / 30)
    W = np.zeros((9, 3))
    assert descend_on_groups(H, C, W, 0.0, 1e-6, False, 1e-8, 40)[0] == 40
    W[:], C = 0.0, readonly(np.full((9, 3), np.nan))
    descend_on_groups(H, C, W, 0.0, 0.1, False, 1e-2, 40)
    assert np.isnan(W).all()  # bad numbers stay visible


def sweep_by_hand(H, C, W, entry, row, positive):
    """One pass of exact minimisation over the rows, gradients from scratch."""
    W = W.copy()
    length = 0.0
    for j in range(W.shape[0]):
        h = np.array([H[t if len(H) > 1 else 0, j, j] for t in range(W.shape[1])])
        a = gradient(H, C, W)[j] + h * W[j]
        v = np.empty(W.shape[1])
        rows.solve_row(a, h, entry, row, positive, v)
        length += np.sum(h * (v - W[j]) ** 2)
        W[j] = v
    return W, length


@pytest.mark.parametrize("shift", [0.1, 30.0])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_root_of_a_clipped_sum(shift, k):
    for s in (np.arange(1.0, 9.0), np.ones(8), np.geomspace(1e-9, 1.0, 8)):
        mu = cluster.clipped_sum_root(readonly(s), float(k), shift)
        assert np.clip(mu * s - shift, 0, 1).sum() == pytest.approx(k, rel=1e-12)


def test_what_couples_tasks_is_held_as_kernels_take_it():
    K = 2.0 * np.eye(4) - np.ones((4, 4)) / 4
    tight = rows.coupled_exactly(K, np.eye(3)[None])
    for part in (*rows.coupled(K), *tight):
        assert part.flags.c_contiguous
        assert not part.flags.writeable


@pytest.mark.parametrize("shared", [True, False])
def test_sweeps(shared):
    H, C, _ = model(shared=shared)
    W = 0.3 * normal(5, 3)
    entries, strengths = readonly(np.full(5, 0.05)), readonly(np.full(5, 0.1))
    expected, length = sweep_by_hand(H, C, W, 0.05, 0.1, False)
    actual, G = W.copy(), gradient(H, C, W)
    work = [np.empty(3) for _ in range(3)]
    Gt, Et = transposed(G), np.zeros((3, 5))
    moved = rows.sweep(H, None, actual, Gt, Et, entries, strengths, False, *work)
    np.testing.assert_allclose(actual, expected)
    np.testing.assert_allclose(moved, length)
    np.testing.assert_allclose((Gt - Et).T, gradient(H, C, actual), atol=1e-14)


def test_sweep_of_a_block():
    H, C, _ = model()
    L, ridge = H[0], 0.2
    W = 0.3 * normal(5, 3)
    entries, strengths = readonly(np.full(5, 0.05)), readonly(np.full(5, 0.1))
    H_ridge = (L + ridge * np.eye(5))[None]
    expected, _ = sweep_by_hand(H_ridge, C, W, 0.05, 0.1, False)
    actual, change = W.copy(), empty(5, 3)
    G = C - L @ W  # the ridge is not in it: the row's own part joins its curvature
    work = [np.empty(3) for _ in range(3)]
    rows.sweep_block(L, ridge, actual, G, entries, strengths, False, *work, change)
    np.testing.assert_allclose(actual, expected)
    np.testing.assert_allclose(change, actual - W)


def task_problem(shared, intercept):
    """Uncentred features in rows, tasks of four samples, one of them without weight."""
    k, n, T = 7, 4, 3
    task_ptr = readonly(np.arange(T + 1) * n)
    A = normal(k, n if shared else n * T) + 2.0
    start = readonly(np.zeros(T, dtype=np.int64) if shared else task_ptr[:-1].copy())
    weight = np.random.default_rng(2).uniform(0.5, 2.0, n * T)
    weight[5] = 0.0
    A_t = [A[:, s : s + n] for s in start]
    w_t = np.split(weight, T)
    y_t = np.split(normal(n * T, seed=1), T)
    if intercept:
        A_t = [x - ((x @ w) / w.sum())[:, None] for x, w in zip(A_t, w_t, strict=True)]
        y_t = [y - (y @ w) / w.sum() for y, w in zip(y_t, w_t, strict=True)]
    return readonly(A), start, task_ptr, readonly(weight), A_t, w_t, y_t


def task_theta(W, A_t, w_t, y_t):
    parts = zip(W.T, A_t, w_t, y_t, strict=True)
    return np.concatenate([w * (y - v @ x) for v, x, w, y in parts])[None]


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_pieces_of_a_descent_on_tasks(shared, intercept):
    A, start, task_ptr, weight, A_t, w_t, y_t = task_problem(shared, intercept)
    W = normal(7, 3, seed=3)
    theta = task_theta(W, A_t, w_t, y_t)
    mean, curvature = empty(7, 3), empty(7, 3)
    rows.task_moments(A, start, task_ptr, weight, intercept, mean, curvature)
    for t in range(3):
        raw = A[:, start[t] : start[t] + 4]
        shift = np.broadcast_to(mean[:, t, None], raw.shape)
        np.testing.assert_allclose(shift, raw - A_t[t], atol=1e-12)
        np.testing.assert_allclose(curvature[:, t], A_t[t] ** 2 @ w_t[t])
    out = empty(3)
    rows.task_gradient(A, start, task_ptr, mean, theta, 4, out)
    expected = [x[4] @ r for x, r in zip(A_t, np.split(theta[0], 3), strict=True)]
    np.testing.assert_allclose(out, expected, atol=1e-12)
    moved = theta.copy()
    rows.task_move(A, start, task_ptr, weight, mean[4, 1], moved, 4, 1, 0.7)
    W_moved = W.copy()
    W_moved[4, 1] += 0.7
    np.testing.assert_allclose(moved, task_theta(W_moved, A_t, w_t, y_t), atol=1e-12)
    used = weight > 0
    square = np.sum(theta[0, used] ** 2 / weight[used]) + 0.3 * np.sum(W**2)
    np.testing.assert_allclose(rows.weighted_square(theta, weight, W, 0.3), square)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize(("shared", "intercept"), [(False, True), (True, False)])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("entry", "row"), [(0.5, 0.0), (0.0, 1.0), (0.5, 1.0)])
def test_task_descent_solves_the_problem(
    entry, row, positive, shared, intercept, ridge
):
    A, start, task_ptr, weight, A_t, w_t, y_t = task_problem(shared, intercept)
    entries, strengths = readonly(np.full(7, entry)), readonly(np.full(7, row))

    def descend(target, final=0.0, free=0, relative=0.0):
        W = np.zeros((7, 3))
        theta = task_theta(W, A_t, w_t, y_t)
        fixed = A, start, task_ptr, weight, intercept, ridge
        goal = target, final, free, relative, 50_000
        epochs = rows.task_descent(
            *fixed,
            W,
            theta,
            entries,
            strengths,
            positive,
            *goal,
            rows.workspace(W, theta),
        )
        G, mean = empty(7, 3), empty(7, 3)
        rows.task_moments(A, start, task_ptr, weight, intercept, mean, empty(7, 3))
        problem = A, start, task_ptr, weight, mean, ridge
        gap = rows.task_gap(*problem, W, G, theta, entries, strengths, positive)
        value = rows.weighted_square(theta, weight, W, ridge) / 2
        return W, theta, G, epochs, gap, value + penalty_of(W, entry, row)

    W, theta, G, epochs, gap, optimum = descend(1e-12)
    assert gap <= 1e-12
    assert 1 <= epochs < 50_000
    np.testing.assert_allclose(theta, task_theta(W, A_t, w_t, y_t), atol=1e-10)
    assert_optimal(W, G, entry, row, positive)
    *_, early, gap, value = descend(1e3)
    assert early <= 3
    assert gap >= value - optimum - 1e-13
    assert descend(1e3, -np.inf, 7)[3] == 7 or descend(1e3, -np.inf, 7)[4] <= 1e-12
    # by the length of the sweeps
    assert descend(-np.inf, -np.inf, 0, 1e-5)[4] <= 1e-4


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize(("entry", "row"), [(0.5, 0.0), (0.0, 1.0), (0.5, 1.0)])
def test_residual_descent_solves_the_problem(ridge, positive, entry, row):
    """More rows of W than samples; blocks that do not divide the rows evenly."""
    k, n, T, B = 7, 5, 3, 3
    A, Y = normal(k, n), normal(n, T, seed=1)
    L = np.zeros((3, B, B))
    for block in range(3):
        part = A[block * B : (block + 1) * B]
        L[block, : len(part), : len(part)] = part @ part.T
    entries, strengths = readonly(np.full(k, entry)), readonly(np.full(k, row))
    W, R = np.zeros((k, T)), Y.copy()
    descend = lambda W, R, target, final, free: rows.residual_descent(
        A,
        readonly(L),
        ridge,
        W,
        R,
        entries,
        strengths,
        positive,
        target,
        final,
        free,
        50_000,
        rows.workspace(W, R),
    )
    assert 1 <= descend(W, R, 1e-12, 0.0, 0) < 50_000
    np.testing.assert_allclose(R, Y - A.T @ W, atol=1e-11)
    assert_optimal(W, A @ R - ridge * W, entry, row, positive)
    G = empty(k, T)
    gap_at = lambda W, R: rows.residual_gap(
        A, ridge, W, G, R, entries, strengths, positive
    )
    assert gap_at(W, R) <= 1e-12
    square = np.sum(R**2) + ridge * np.sum(W**2)
    np.testing.assert_allclose(rows.square_of(W, R, ridge), square)
    value = lambda W, R: rows.square_of(W, R, ridge) / 2 + penalty_of(W, entry, row)
    optimum = value(W, R)
    # elsewhere the gap bounds the distance; past the target where sweeps are free
    W, R = np.zeros((k, T)), Y.copy()
    assert descend(W, R, 1e3, 0.0, 0) == 3
    assert gap_at(W, R) >= value(W, R) - optimum - 1e-14
    W, R = np.zeros((k, T)), Y.copy()
    assert descend(W, R, 1e3, -np.inf, 7) == 7


def test_extrapolation_ends_a_linear_iteration():
    """The iterates of a linear map in three dimensions: four differences suffice."""
    rng = np.random.default_rng(0)
    A = 0.3 * rng.standard_normal((3, 3))
    fixed = rng.standard_normal(3)
    past = np.empty((6, 3, 1))
    past[0] = 0.0
    for i in range(5):
        past[i + 1, :, 0] = fixed + A @ (past[i, :, 0] - fixed)
    gram, c = empty(5, 5), empty(5)
    assert rows.anderson(past, gram, c)
    np.testing.assert_allclose(c.sum(), 1.0)
    out = empty(3, 1)
    lowest = rows.combine(past, c, out)
    np.testing.assert_allclose(out, np.tensordot(c, past[1:], 1))
    assert lowest == out.min()
    left = np.linalg.norm(past[5, :, 0] - fixed)
    assert np.linalg.norm(out[:, 0] - fixed) < 1e-2 * left
    # what is linear in it goes along
    new_W, new_E = empty(3, 1), empty(1, 3)
    past_E = np.ascontiguousarray(2.0 * past.transpose(0, 2, 1))
    assert rows.extrapolated(past, past_E, False, gram, c, new_W, new_E)
    np.testing.assert_array_equal(new_W, out)
    np.testing.assert_allclose(new_E, 2.0 * out.T)
    for sign, allowed in ((1.0, lowest >= 0.0), (-1.0, out.max() <= 0.0)):
        at = np.ascontiguousarray(sign * past), past_E, True, gram, c, new_W, new_E
        assert rows.extrapolated(*at) == allowed
    # nothing moves: nothing to extrapolate
    still = np.ones((6, 3, 1))
    assert not rows.anderson(still, gram, c)
    assert not rows.extrapolated(still, past_E, False, gram, c, new_W, new_E)


def test_extrapolation_solves_its_system():
    past = normal(6, 4, 2)
    steps = np.diff(past, axis=0).reshape(5, -1)
    M = steps @ steps.T
    M += 1e-12 * np.trace(M) * np.eye(5)
    c = empty(5)
    assert rows.anderson(past, empty(5, 5), c)
    expected = np.linalg.solve(M, np.ones(5))
    np.testing.assert_allclose(c, expected / expected.sum(), rtol=1e-6)


def test_nonnegative_rows():
    A, C = normal(2, 6, 3), normal(5, 6, seed=1)
    which = readonly(np.array([0, 1, 1, 0, 1]))
    G = readonly(np.einsum("gia,gib->gab", A, A))
    B = readonly(np.einsum("ria,ri->ra", A[which], C))
    U = np.ones((5, 3))
    nonnegative_rows(G, which, B, U, 1e-12, 1000)
    expected = np.array([nnls(A[g], c)[0] for g, c in zip(which, C, strict=True)])
    assert np.any(expected == 0)
    assert np.any(expected > 0)
    np.testing.assert_allclose(U, expected, atol=1e-9)
    # no curvature: down to zero if that is lower, else left alone
    U = np.ones((2, 3))
    B = readonly(np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]))
    flat, same = readonly(np.zeros((1, 3, 3))), readonly(which[:2] * 0)
    nonnegative_rows(flat, same, B, U, 0.0, 1)
    np.testing.assert_array_equal(U, [[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])


def test_moving_matrices():
    A = normal(2, 3)
    copied = empty(2, 3)
    rows.copy(A, copied)
    np.testing.assert_array_equal(copied, A)
    difference = A.copy()
    rows.subtract(difference, A)
    np.testing.assert_array_equal(difference, 0.0)


# --- other penalties of rows


def test_clipping_takes_the_radius_off_each_row():
    V = normal(6, 5).copy()
    V[4] = 0.0
    step = readonly(np.array([1.0, 0.3, 0.0, 50.0, 1.0, 1.0]))
    strength = readonly(np.array([1.0, 2.0, 1.0, 1.0, 1.0, 0.0]))
    out = empty(6, 5)
    value = clip_rows(readonly(V), step, strength, out)
    for v, radius, w in zip(V, step * strength, out, strict=True):
        taken = np.abs(v - w)
        np.testing.assert_allclose(taken.sum(), min(radius, np.abs(v).sum()))
        np.testing.assert_allclose(np.abs(w)[taken > 0], np.abs(w).max())
    np.testing.assert_array_equal(out[3:], [np.zeros(5), np.zeros(5), V[5]])
    np.testing.assert_allclose(value, strength @ np.abs(out).max(axis=1))


# tasks 0 and 1, task 2, both and task 3 (weight 0), all of them and task 4
BRANCHES = [([0, 1], 0.7), ([2], 0.2), ([0, 1, 2, 3], 0.0), ([0, 1, 2, 3, 4], 0.5)]
NESTED = [
    readonly(np.array([2, 2, 3, -1])),
    readonly(np.array([0, 0, 1, 2, 3])),
    readonly(np.array([0.7, 0.2, 0.0, 0.5])),
]


def shrink_by_hand(v, step):
    out = v.copy()
    for members, weight in BRANCHES:
        norm = np.linalg.norm(out[members])
        out[members] *= max(0.0, 1.0 - step * weight / norm) if norm else 0.0
    value = sum(weight * np.linalg.norm(out[members]) for members, weight in BRANCHES)
    return out, value


def test_shrinking_the_branches_of_a_tree():
    V = normal(4, 5)
    step = readonly(np.array([0.0, 0.5, 1.5, 100.0]))
    work = [empty(4), empty(4)]
    out, total = empty(4, 5), 0.0
    for v, s, row in zip(V, step, out, strict=True):
        value = tree.shrink_branches(v, s, *NESTED, *work, row)
        expected, expected_value = shrink_by_hand(v, s)
        np.testing.assert_allclose(row, expected, atol=1e-15)
        np.testing.assert_allclose(value, expected_value)
        total += value
    again = empty(4, 5)
    np.testing.assert_allclose(tree.shrink_trees(V, step, *NESTED, *work, again), total)
    np.testing.assert_array_equal(again, out)


@pytest.mark.slow
def test_dual_norm_of_a_tree_by_root_finding():
    for seed in range(5):
        G = normal(3, 5, seed=seed)
        s = tree.tree_dual(G, *NESTED, empty(4), empty(4), empty(5))
        # the norms that are left over are positive exactly below it
        left = lambda s, G=G: sum(shrink_by_hand(g, s)[1] for g in G)
        low, high = 0.0, 10.0 * np.abs(G).sum()
        while high - low > 1e-13 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if left(middle) > 0 else (low, middle)
        np.testing.assert_allclose(s, high, rtol=1e-12)
    assert tree.tree_dual(0.0 * G, *NESTED, empty(4), empty(4), empty(5)) == 0.0


def variation_work(n):
    """The work space of a row, with nothing in it."""
    return empty(n + 1), np.full(n + 1, -9), np.full(n + 1, -9)


def least_squares_of_variation(y, strength):
    """The prox by its dual, a least-squares problem in a box."""
    if y.size == 1:
        return y
    D = np.diff(np.eye(y.size), axis=0)
    fit = lsq_linear(D.T, y, (-strength, strength), method="bvls", tol=1e-14)
    return y - D.T @ fit.x


@pytest.mark.parametrize("n", [2, 3, 9])
@pytest.mark.parametrize("strength", [1e-3, 0.3, 2.0, 100.0])
def test_taut_strings(n, strength):
    for seed in range(5):
        y = normal(n, seed=seed)
        out = empty(n)
        fused.taut_string(y, strength, *variation_work(n), out)
        expected = least_squares_of_variation(y, strength)
        np.testing.assert_allclose(out, expected, atol=1e-9)


def test_strings_that_are_not_pulled():
    y, one = normal(6), normal(1)
    out = empty(6)
    fused.taut_string(y, 0.0, *variation_work(6), out)
    np.testing.assert_array_equal(out, y)
    out = empty(1)
    fused.taut_string(one, 3.0, *variation_work(1), out)
    np.testing.assert_array_equal(out, one)
    # a segment rises by the sum of y and by what its ends are apart
    out = empty(6)
    fused.emit(y, 1, 4, 0.6, 0.1, out)
    np.testing.assert_allclose(out[1:4], (y[1:4].sum() + 0.6) / 3)
    assert np.isnan(out[[0, 4, 5]]).all()


@pytest.mark.parametrize("strengths", [(0.3, 0.5, 0.2), (0.0, 0.5, 0.4), (0.3, 0, 0)])
@pytest.mark.parametrize("bounds", [[0, 6], [0, 2, 3, 6]])
def test_composition_with_taut_strings(strengths, bounds):
    work = readonly(np.array(bounds)), *variation_work(6)
    chains = [slice(*pair) for pair in itertools.pairwise(bounds)]
    entry, change, row = strengths
    V = normal(4, 6)
    step = readonly(np.array([0.0, 0.5, 1.0, 50.0]))
    arrays = [readonly(np.full(4, a)) for a in (entry, float(change), float(row))]
    out, total = empty(4, 6), 0.0
    for v, s, x in zip(V, step, out, strict=True):
        scaled = (s * a[0] for a in arrays)
        fused.fused_row(v, *scaled, *work, x)
        w = v.copy()
        for part in chains if s * change > 0 else []:
            w[part] = least_squares_of_variation(v[part], s * change)
        w = np.sign(w) * np.maximum(np.abs(w) - s * entry, 0.0)
        norm = np.linalg.norm(w)
        w = w * max(0.0, 1.0 - s * row / norm) if norm else w
        np.testing.assert_allclose(x, w, atol=1e-9)
        value = entry * np.abs(x).sum() + row * np.linalg.norm(x)
        value += change * sum(np.abs(np.diff(x[part])).sum() for part in chains)
        found = fused.fused_value(x, entry, change, row, work[0])
        np.testing.assert_allclose(found, value)
        total += value
    again = empty(4, 6)
    value = fused.fused_rows(V, step, *arrays, *work, again)
    np.testing.assert_allclose(value, total)
    np.testing.assert_array_equal(again, out)
    s = fused.fused_dual(V, *arrays, *work, empty(6))
    steps = [readonly(np.full(4, s * factor)) for factor in (1.0, 1 - 1e-12)]
    values = [fused.fused_rows(V, step, *arrays, *work, again) for step in steps]
    assert values[0] == 0.0
    assert values[1] > 0.0


def test_descent_with_taut_strings():
    k, T = 3, 6
    A = normal(T, 10, k)
    H, C = np.einsum("tni,tnj->tij", A, A) / 10, normal(k, T, seed=1)
    strengths = tuple(readonly(np.full(k, a)) for a in (0.1, 0.2, 0.05))
    ptr = readonly(np.array([0, 2, 6]))

    def gradient(W):
        return C - np.einsum("tij,jt->it", H, W)

    def objective(W):
        inner, fitted, value = fused.fused_terms(W, gradient(W), C, *strengths, ptr)
        np.testing.assert_allclose(inner, np.sum(W * gradient(W)), atol=1e-12)
        np.testing.assert_allclose(fitted, np.sum(W * C))
        return value - (inner + fitted) / 2

    # along a line, to its least
    last, W = empty(2, k, T), normal(k, T, seed=2).copy()
    last[0], before = 1.01 * W, objective(W)
    last[1], G, new = gradient(last[0]), gradient(W), empty(2, k, T)
    fused.extrapolate(W, G, C, *strengths, ptr, *last, *new)
    assert objective(W) < before
    np.testing.assert_allclose(G, gradient(W), atol=1e-12)

    W = np.zeros((k, T))
    G = gradient(W)
    square = float(np.sum(C * np.linalg.solve(H, C.T[:, :, None])[:, :, 0].T)) + 1.0
    work = variation_work(T), empty(T), empty(T), last, new
    shared = readonly(H), W, G, readonly(C), square, strengths, ptr
    assert fused.fused_descent(*shared, 1e-12, 1, *work) == 2
    assert fused.fused_descent(*shared, 1e-12, 500, *work) <= 500
    np.testing.assert_allclose(G, gradient(W), atol=1e-10)
    step, again = readonly(np.full(k, 0.1)), empty(k, T)
    strings = *strengths, ptr, *variation_work(T)
    fused.fused_rows(readonly(W + 0.1 * G), step, *strings, again)
    np.testing.assert_allclose(again, W, atol=1e-5)


def flows(T=5, d=3):
    """Coefficients, flows on either side of their capacity, and edges with them."""
    i, j = (readonly(end.astype(np.int64)) for end in np.triu_indices(T, 1))
    c = readonly(np.linspace(0.1, 4.0, i.size))
    return normal(T, d), normal(i.size, d, seed=1), i, j, c


def test_kernels_of_edges():
    Wt, U, i, j, c = flows()
    difference = Wt[i] - Wt[j]
    out, inside = empty(i.size), np.zeros(i.size, dtype=bool)
    network.edge_lengths(Wt, i, j, out)
    np.testing.assert_allclose(out, np.linalg.norm(difference, axis=1))
    moved = U + difference
    length = np.linalg.norm(moved, axis=1)
    projected = moved * np.minimum(1.0, c / length)[:, None]
    residual = network.optimality(Wt, U, i, j, c, inside)
    np.testing.assert_allclose(residual, np.abs(U - projected).max())
    np.testing.assert_array_equal(inside, length <= c)
    assert 0 < inside.sum() < i.size
    net, expected = np.zeros(Wt.shape), np.zeros(Wt.shape)
    network.add_net(U, i, j, net)
    np.add.at(expected, i, U)
    np.subtract.at(expected, j, U)
    np.testing.assert_allclose(net, expected)
    label = np.zeros(5, dtype=np.int64)
    for pairs, labels in (([], [0, 1, 2, 3, 4]), ([(1, 4), (2, 4)], [0, 1, 1, 2, 1])):
        chosen = np.isin(5 * i + j, [5 * a + b for a, b in pairs])
        assert network.join(i, j, chosen, label) == max(labels) + 1
        np.testing.assert_array_equal(label, labels)


def test_descent_of_flows():
    Vt, U, i, j, c = flows()
    step = readonly(np.linspace(0.05, 0.1, i.size))  # B'B <= 5

    def project(Y):
        length = np.linalg.norm(Y, axis=1)
        return Y * np.minimum(1.0, c / length)[:, None]

    U = project(U)

    def net(Y):
        out = np.zeros_like(Vt)
        np.add.at(out, i, Y)
        np.subtract.at(out, j, Y)
        return out

    def descend(n_steps, tol):
        last, Y, momentum = U, U, 1.0
        for taken in range(1, n_steps + 1):  # noqa: B007
            W = Vt - net(Y)
            new = project(Y + step[:, None] * (W[i] - W[j]))
            back = Y - new
            if np.sum(back * (new - last) / step[:, None]) > 0:
                momentum = 1.0
            following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            Y = new + (momentum - 1) / following * (new - last)
            last, momentum = new, following
            if (np.linalg.norm(back, axis=1) / step).max() <= tol:
                break
        return last, taken

    for n_steps, tol in [(1, 0.0), (2, 0.0), (30, 0.0), (5000, 1e-11)]:
        expected, taken = descend(n_steps, tol)
        got, work = U.copy(), (empty(*U.shape), empty(*U.shape), empty(*Vt.shape))
        found = network.flow_descent(Vt, i, j, c, step, tol, n_steps, got, *work)
        assert abs(found - taken) <= 2  # rounding decides the last steps
        np.testing.assert_allclose(got, expected, atol=1e-9)
    assert 30 < found < 5000
    W = Vt - net(got)
    np.testing.assert_allclose(got, project(got + W[i] - W[j]), atol=1e-10)


def test_augmented_lagrangian_of_flows():
    Wt, U, i, j, c = flows()
    Vt, D = normal(5, 3, seed=2), normal(5, 3, seed=3)
    sigma = readonly(np.linspace(1.0, 2.0, i.size))

    def terms(Wt):
        P, factor, G = empty(*U.shape), empty(i.size), Wt - Vt
        value = network.lagrangian(readonly(Wt), U, i, j, c, sigma, P, factor, G)
        value += np.sum((Wt - Vt) ** 2) / 2
        return value, P, factor, G

    value, P, factor, G = terms(Wt)
    y = U + sigma[:, None] * (Wt[i] - Wt[j])
    length = np.linalg.norm(y, axis=1)
    np.testing.assert_allclose(factor, np.minimum(1.0, c / length))
    assert 0 < np.sum(factor < 1) < i.size
    np.testing.assert_allclose(P, y * factor[:, None])
    expected = np.sum((Wt - Vt) ** 2) / 2
    expected += np.sum((length**2 - np.maximum(length - c, 0) ** 2) / (2 * sigma))
    np.testing.assert_allclose(value, expected)
    # gradient and Hessian are those of the value and the gradient
    h = 1e-6
    before, after = terms(Wt - h * D), terms(Wt + h * D)
    np.testing.assert_allclose(np.vdot(G, D), (after[0] - before[0]) / (2 * h), 1e-7)
    out = D.copy()
    network.hessian_product(D, readonly(P), readonly(factor), c, i, j, sigma, out)
    np.testing.assert_allclose(out, (after[3] - before[3]) / (2 * h), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="is what this test starts"
)
def test_kernels_as_plain_python():
    command = ("-m", "pytest", "-q", "-m", "kernel and not slow", __file__)
    done = python(*command, folder=ROOT, NUMBA_DISABLE_JIT="1")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("weight", [0.0, 0.8])
def test_feature_signs(positive, weight):
    """The lasso of each task: slopes within the strengths, at them on the support."""
    A, C = normal(4, 5), 10.0 * normal(3, 5, seed=1)  # four directions
    H = readonly((A.T @ A)[None])
    strength, Wt = readonly(np.linspace(1.0, 2.0, 5)), np.zeros((3, 5))
    work = np.empty((5, 5)), np.empty((4, 5)), np.empty(5, dtype=np.int64)
    x = readonly(A[1] if weight else np.zeros(5))  # a row that is left out
    A = (A.T * np.where(np.arange(4) == 1, 1.0 - weight, 1.0)) @ A
    A += weight * np.eye(5)
    C = readonly(C @ A)
    at = H, x, weight, weight, C, strength
    _feature_sign.feature_signs(*at, Wt, positive, 1000, *work)
    slope = (C - Wt @ A) / strength
    assert np.any(Wt != 0, axis=1).all()
    np.testing.assert_allclose(slope[Wt != 0], np.sign(Wt[Wt != 0]), atol=1e-8)
    assert np.all((slope if positive else np.abs(slope)) <= 1 + 1e-8)
    assert not positive or np.all(Wt >= 0)


# --- sums over tasks


def test_task_deviations():
    X, weight = normal(9, 3), readonly(np.abs(normal(9, seed=1)))
    found, mean = empty(5, 3), empty(5, 3)
    kernels.task_deviations(X, TASK_PTR, weight, mean, found)
    total = np.maximum(np.bincount(TASK, weight, 5), 1e-300)
    expected = np.array([(weight * x) @ (TASK[:, None] == range(5)) for x in X.T]).T
    np.testing.assert_allclose(mean, expected / total[:, None])
    squares = weight[:, None] * (X - mean[TASK]) ** 2
    sums = [squares[t == TASK].sum(axis=0) for t in range(5)]
    np.testing.assert_allclose(found, sums, atol=1e-12)


def test_take_explained():
    A, U, share = normal(4, 9), normal(2, 9, seed=1), normal(5, 2, seed=2)
    root = np.abs(normal(9, seed=3))
    root[2] = 0.0
    out = empty(4, 9)
    kernels.take_explained(A, U, readonly(root), share, TASK_PTR, out)
    along = np.where(root > 0, U / np.where(root > 0, root, 1.0), 0.0)
    for t in range(5):
        own = t == TASK
        found = (A[:, own] * root[own]) @ U[:, own].T * share[t]
        expected = A[:, own] - found @ along[:, own]
        np.testing.assert_allclose(out[:, own], expected, atol=1e-12)


@pytest.mark.parametrize("centre", [True, False])
def test_small_hessians(centre):
    A, weight = normal(4, 9), readonly(np.abs(normal(9, seed=1)))
    features, root = np.array([2, 0]), readonly(np.sqrt(weight))
    first, stride = TASK_PTR[:-1], np.full(5, 9)
    H = empty(5, 2, 2)
    kernels.small_hessians(
        readonly(A.ravel()),
        first,
        stride,
        features,
        TASK_PTR,
        weight,
        root,
        centre,
        empty(8),
        H,
    )
    for t in range(5):
        own = t == TASK
        X, w = A[features][:, own], weight[own]
        mean = X @ w / w.sum() if centre and w.size else np.zeros(2)
        X = X - mean[:, None]
        np.testing.assert_allclose(H[t], (X * w) @ X.T, atol=1e-12)


# --- mixed models


@pytest.mark.parametrize("centre", [True, False])
def test_small_moments(centre):
    X, weight = normal(9, 3), readonly(np.abs(normal(9, seed=1)))
    total = np.maximum(np.bincount(TASK, weight, 5), 1e-300)
    y = normal(9, seed=2)
    m, H, C = empty(5, 3), empty(5, 3, 3), empty(5, 3)
    if centre:
        y = readonly(y - (np.bincount(TASK, weight * y, 5) / total)[TASK])
    mixed.small_moments(X, TASK_PTR, weight, y, centre, m, H, C)
    for t in range(5):
        own = t == TASK
        mean = weight[own] @ X[own] / total[t] if centre else np.zeros(3)
        A = X[own] - mean
        np.testing.assert_allclose(m[t], mean)
        np.testing.assert_allclose(H[t], A.T @ (weight[own, None] * A), atol=1e-12)
        np.testing.assert_allclose(C[t], A.T @ (weight[own] * y[own]), atol=1e-12)


@pytest.mark.parametrize("n_rows", [3, 4, 11])
def test_small_moments_of_any_number_of_rows(n_rows):
    X, weight = normal(n_rows, 6), readonly(np.abs(normal(n_rows, seed=1)))
    y, task_ptr = normal(n_rows, seed=2), readonly(np.array([0, n_rows]))
    H, C = empty(1, 6, 6), empty(1, 6)
    mixed.small_moments(X, task_ptr, weight, y, False, empty(1, 6), H, C)
    np.testing.assert_allclose(H[0], X.T @ (weight[:, None] * X), atol=1e-12)
    np.testing.assert_allclose(C[0], X.T @ (weight * y), atol=1e-12)


def test_slopes_of_fit():
    A, theta, eta, at = normal(2, 7), normal(7), normal(7, seed=1), normal(7, seed=2)
    ridge, c = np.abs(normal(3, 2)), normal(3, 2, seed=1)
    root, bounds = np.abs(normal(7, seed=3)), np.array([0, 4, 4, 7])
    root[[0, 5]] = 0.0
    slope, size, spread = empty(3, 2), empty(3), empty(3)
    inputs = A, bounds, root, theta, eta, at, ridge, c
    kernels.slopes_of_fit(*map(readonly, inputs), slope, size, spread)
    for t, part in enumerate((slice(0, 4), slice(4, 4), slice(4, 7))):
        r, used = theta[part], root[part] > 0
        np.testing.assert_allclose(slope[t], A[:, part] @ r - ridge[t] * c[t])
        norm = np.linalg.norm(r[used] / root[part][used])
        assert size[t] == pytest.approx(norm)
        total = np.abs(r) @ (np.abs(eta[part]) + np.abs(at[part]))
        assert spread[t] == pytest.approx(total)


def test_newton_moves():
    A, h, slope = normal(3, 12), np.abs(normal(12)), normal(3, 3, seed=1)
    ridge, bounds = np.abs(normal(3, 3)), np.array([0, 5, 7, 12])
    chosen, damping = np.array([True, False, True]), 0.1
    move, reach = empty(3, 3), empty(3)
    given = A, bounds, h, ridge
    more = readonly(slope), readonly(chosen), empty(3, 3), empty(5)
    kernels.newton_moves(*map(readonly, given), damping, *more, move, reach)
    assert not move[1].any()
    assert reach[1] == 0.0
    for t in (0, 2):
        part = slice(*bounds[t : t + 2])
        H = A[:, part] * h[part] @ A[:, part].T + np.diag(ridge[t])
        H += damping * max(np.diag(H).max(), 1.0) * np.eye(3)
        np.testing.assert_allclose(move[t], np.linalg.solve(H, slope[t]))
        assert reach[t] == pytest.approx(np.abs(move[t] @ A[:, part]).max())


@pytest.mark.parametrize(("n", "d"), [(1, 1), (3, 4), (2, 9)])
def test_factor_solve(n, d):
    A, B = normal(n, d + 2, d), normal(n, d, seed=1)
    H = A.transpose(0, 2, 1) @ A
    Z = B.copy()
    kernels.factor_solve(readonly(np.linalg.cholesky(H)), Z)
    np.testing.assert_allclose(np.einsum("tij,tj->ti", H, Z), B, atol=1e-9)


@pytest.mark.parametrize(("less", "more"), [(2.0, 0.0), (0.0, 0.7), (100.0, 0.0)])
def test_threshold(less, more):
    s = readonly(np.abs(normal(9)))
    t = spectral.threshold(s, less, more)
    left = np.maximum(s - t, 0.0).sum()
    if t > 0.0:
        assert left == pytest.approx(less + more * t, rel=1e-12)
    else:
        assert t == 0.0
        assert left <= less


def test_factor_solve_by_rows():
    """Of tasks with fewer rows than features, with more and with none."""
    d, shift, sizes = 4, 0.3, [2, 0, 7, 1]
    blocks = [normal(n, d, seed=n) for n in sizes]
    few = [A if len(A) < d else A[:0] for A in blocks]
    grams = [A @ A.T if len(A) < d else A.T @ A for A in blocks]
    factors = [np.linalg.cholesky(K + shift * np.eye(len(K))) for K in grams]
    B = normal(len(sizes), d)
    Z = B.copy()
    kernels.factor_solve_by_rows(
        readonly(np.concatenate(few)),
        readonly(np.cumsum([0, *map(len, few)])),
        readonly(np.concatenate([L.ravel() for L in factors])),
        readonly(np.cumsum([0, *(L.size for L in factors)])),
        shift,
        Z,
    )
    for A, z, b in zip(blocks, Z, B, strict=True):
        np.testing.assert_allclose((A.T @ A + shift * np.eye(d)) @ z, b, atol=1e-9)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (3, 4), (8, 2), (11, 5)])
def test_small_inverses(n, d):
    A, scale = normal(n, d + 2, d), np.logspace(-3, 3, d)
    H = readonly(A.transpose(0, 2, 1) @ A * np.outer(scale, scale))
    ridge = readonly(np.abs(normal(n, seed=1)))
    out, condition = empty(n, d, d), empty(n)
    mixed.small_inverses(H, ridge, empty(d + 3, d, 8), out, condition)
    system = H + ridge[:, None, None] * np.eye(d)
    np.testing.assert_allclose(out @ system, np.tile(np.eye(d), (n, 1, 1)), atol=1e-7)
    size = np.sqrt(np.einsum("tjj->tj", system))
    scaled = system / size[:, :, None] / size[:, None]
    np.testing.assert_allclose(condition, np.linalg.cond(scaled, 1))


def test_small_inverses_of_singular_matrices():
    H = np.array([np.zeros((2, 2)), np.ones((2, 2)), np.eye(2)])
    out, condition = empty(3, 2, 2), empty(3)
    given = readonly(H), readonly(np.zeros(3)), empty(5, 2, 8)
    with np.errstate(all="ignore"):
        mixed.small_inverses(*given, out, condition)
    assert not np.any(condition[:2] < 1e13)
    assert condition[2] == pytest.approx(1.0)


def test_marginal():
    A, F, c = normal(4, 5, 3), normal(3, 2, seed=1), normal(4, 3, seed=2)
    K, Sigma = readonly(A.transpose(0, 2, 1) @ A), readonly(F @ F.T)
    N, a = empty(4, 3, 3), empty(4, 3)
    log_det = mixed.marginal(K, c, Sigma, empty(3, 7), N, a)
    M = np.eye(3) + K @ Sigma
    np.testing.assert_allclose(N, np.linalg.solve(M, K), atol=1e-12)
    np.testing.assert_allclose(a, np.linalg.solve(M, c[:, :, None])[:, :, 0])
    assert log_det == pytest.approx(np.linalg.slogdet(M)[1].sum())
