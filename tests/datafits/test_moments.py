"""Moments: sums of parts, differences, factors; and fits that see nothing else."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pytest
from scipy import sparse

from cases import PENALTIES
from helpers.problems import LAYOUTS, make_problem
from helpers.quick import first
from linmtl import DescriptorRegressor
from linmtl.data import MultiTaskData
from linmtl.datafits._gram import GramFit
from linmtl.datafits._moments import Moments
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import StackedDesign
from linmtl.designs._tied import TiedDesign
from linmtl.losses import Squared
from linmtl.penalties import L21
from linmtl.solvers import minimise
from linmtl.solvers._objective import Objective

FIELDS = ("total", "x", "y", "H", "C", "square")
KINDS = ("ragged", "shared", "shared-missing", "tied", "sparse")


def data_of(kind, *, fit_intercept=True, far=0.0, n=60, T=3, d=4, seed=0):
    rng = np.random.default_rng(seed)
    if kind.startswith("shared"):
        X = rng.normal(size=(n, d)) + far
        design = SharedDesign(X, T)
        weight = np.full(n * T, 1.0 / n)
        if kind == "shared-missing":
            weight *= rng.integers(0, 3, size=n * T)
        size = n * T
    else:
        sizes = [n, n + 11, n // 2][:T]
        size = sum(sizes)
        X = rng.normal(size=(size, d)) + far
        if kind == "sparse":
            X = sparse.csr_array(np.where(rng.uniform(size=X.shape) < 0.5, X, 0.0))
        design = StackedDesign(X, np.concatenate([[0], np.cumsum(sizes)]))
        if kind == "tied":
            design = TiedDesign(design)
        weight = rng.uniform(0.1, 1.0, size=size)
    return MultiTaskData(design, rng.normal(size=size) + far, weight, fit_intercept)


def chunks(data, size=50):
    """Parts of so many rows; of a shared X, of so many samples."""
    if data.design.is_shared():
        n = data.task_ptr[1]
        starts = np.arange(0, n, size)
        rows = [np.arange(a, min(a + size, n)) for a in starts]
        return [
            data.take(np.concatenate([t * n + r for t in range(data.design.n_tasks)]))
            for r in rows
        ]
    n = data.y.size
    return [data.take(np.arange(a, min(a + size, n))) for a in range(0, n, size)]


def assert_alike(first, second, tol=1e-12):
    for name in FIELDS:
        a, b = getattr(first, name), getattr(second, name)
        scale = max(np.abs(b).max(), 1.0)
        np.testing.assert_allclose(a, b, atol=tol * scale, err_msg=name)


every_kind = pytest.mark.parametrize("kind", KINDS)
intercepts = pytest.mark.parametrize("fit_intercept", [True, False])


@every_kind
@intercepts
@pytest.mark.parametrize("far", [0.0, 1000.0])
def test_the_sum_of_the_parts_is_the_whole(kind, fit_intercept, far):
    data = data_of(kind, fit_intercept=fit_intercept, far=far)
    whole = Moments.of(data)
    parts = [Moments.of(part) for part in chunks(data, 17)]
    assert_alike(reduce(add, parts), whole)
    # in any grouping
    assert_alike(parts[0] + reduce(add, parts[1:]), reduce(add, parts[::-1]))


@every_kind
@intercepts
@pytest.mark.parametrize("far", [0.0, 1000.0])
def test_a_difference_is_the_rest(kind, fit_intercept, far):
    data = data_of(kind, fit_intercept=fit_intercept, far=far)
    first, *rest = (Moments.of(part) for part in chunks(data, 17))
    # what is left of large sums has their rounding
    assert_alike(Moments.of(data) - first, reduce(add, rest), tol=1e-10)


@every_kind
@intercepts
def test_a_factor_is_one_on_the_weights(kind, fit_intercept):
    data = data_of(kind, fit_intercept=fit_intercept)
    factor = np.array([0.5, 2.0, 3.0]) if kind != "tied" else np.full(3, 2.5)
    size = np.diff(data.task_ptr)
    weighted = replace(data, weight=data.weight * np.repeat(factor, size))
    expected = Moments.of(weighted).spread()
    assert_alike(Moments.of(data).times(factor).spread(), expected)


def test_tasks_of_one_model_have_one_factor_and_stay_together():
    moments = Moments.of(data_of("tied"))
    with pytest.raises(ValueError, match="one factor"):
        moments.times(np.array([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="told apart"):
        moments.of_tasks(np.array([0]))


@pytest.mark.parametrize("kind", ["ragged", "shared", "shared-missing", "sparse"])
@intercepts
def test_some_tasks_and_some_features(kind, fit_intercept):
    data = data_of(kind, fit_intercept=fit_intercept)
    moments, tasks, features = Moments.of(data), np.array([2, 0]), np.array([3, 1])
    part = Moments.of(data.of_tasks(tasks).restrict(features))
    assert_alike(moments.of_tasks(tasks).restrict(features), part)


@pytest.mark.parametrize("kind", ["ragged", "shared", "shared-missing", "sparse"])
@intercepts
def test_losses_are_those_of_the_rows(kind, fit_intercept):
    data = data_of(kind, fit_intercept=fit_intercept, far=3.0)
    rng = np.random.default_rng(1)
    W, b = rng.normal(size=(4, 3)), fit_intercept * rng.normal(size=3)
    eta = np.empty(data.y.size)
    data.design.predict(W, eta)
    eta += np.repeat(b, np.diff(data.task_ptr))
    expected = data.task_sum(data.weight * (data.y - eta) ** 2 / 2)
    np.testing.assert_allclose(Moments.of(data).losses(W, b), expected, rtol=1e-10)


def test_a_task_without_rows_in_a_part():
    data = data_of("ragged")
    first = data.take(np.arange(60))  # all of the first task, nothing of the others
    rest = data.take(np.arange(60, data.y.size))
    assert_alike(Moments.of(first) + Moments.of(rest), Moments.of(data))
    left = Moments.of(data) - Moments.of(first)
    np.testing.assert_array_equal(left.total[0], 0.0)
    assert np.all(np.isfinite(left.H))


@pytest.mark.parametrize(
    "layout", first(["ragged", "shared", "ragged-weights", "sparse"], 1)
)
@pytest.mark.parametrize("case", PENALTIES, ids=lambda c: c.name)
def test_fits_from_parts_are_those_from_all_rows(case, layout):
    options = LAYOUTS[layout]
    sizes = (120,) * 4 if options.get("layout") == "wide" else (130, 190, 160, 110)
    problem = make_problem("squared", **{**options, "sizes": sizes})
    posed = problem.posed(problem.penalty(case))
    moments = reduce(add, (Moments.of(part) for part in chunks(posed.data)))
    penalty = posed.objective.penalty
    results = [
        minimise(Objective(GramFit(m, Squared()), penalty), tol=1e-12, max_iter=20_000)
        for m in (moments, Moments.of(posed.data))
    ]
    first, second = (result.objective for result in results)
    assert first == pytest.approx(second, rel=1e-12, abs=1e-13 * results[1].scale)


def test_descriptors_contract_the_moments_of_the_tasks():
    problem = make_problem("squared")
    rng = np.random.default_rng(0)
    Z = dict(
        zip(np.unique(problem.tasks).tolist(), rng.normal(size=(4, 2)), strict=True)
    )
    model = DescriptorRegressor(Z)
    posed = model._read_problem(problem.X, problem.y, problem.tasks, None)
    assert isinstance(posed.objective.fit, GramFit)
    contracted, direct = posed.data.design.moments(posed.data), Moments.of(posed.data)
    assert_alike(contracted, direct)


def test_moments_are_what_a_gram_form_holds():
    problem = make_problem("squared")
    fit = problem.objective(L21(0.1), "gram").fit
    assert not fit.holds_rows
    assert not hasattr(fit, "data")
