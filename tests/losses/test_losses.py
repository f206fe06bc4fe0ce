"""Losses: derivative, conjugate, intercepts, extreme predictors, weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, xlogy

from helpers.loops import looped
from helpers.losses import FORMULAS, make_loss
from linmtl.losses import LOSSES, Logistic

TASK_PTR = np.array([0, 7, 7, 15, 16])  # one task has no row, one has a single row
N = TASK_PTR[-1]
pytestmark = pytest.mark.kernel
LOG_LINKS = {"poisson", "gamma", "tweedie"}
every_loss = pytest.mark.parametrize("name", list(LOSSES))


def test_every_loss_has_a_formula():
    assert FORMULAS.keys() == LOSSES.keys()


def data(name, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=N)
    if LOSSES[name].classify:
        y = np.where(rng.uniform(size=N) < 0.5, -1.0, 1.0)
        y[:2] = y[7:9] = -1, 1  # both classes where there is room
    if name == "poisson":
        y = rng.poisson(2.0, size=N).astype(float)
        y[-1] = 3.0  # the only row of its task
    if name in ("gamma", "tweedie"):
        y = rng.gamma(2.0, size=N)
    if name == "tweedie":
        y[[1, 4, 8]] = 0.0
    return y, rng.normal(size=N), rng.uniform(0.1, 2.0, size=N)


def evaluate(name, y, eta, weight, intercept=False, b=None):
    loss = make_loss(name)
    total = per_task(weight)
    b = np.zeros(total.size) if b is None else b.copy()
    theta, task_loss = np.full(y.size, np.nan), np.full(total.size, np.nan)
    loss.residual(y, eta, weight, TASK_PTR, total, intercept, b, theta, task_loss)
    return b, theta, task_loss


def per_task(values):
    return np.array([part.sum() for part in np.split(values, TASK_PTR[1:-1])])


@every_loss
def test_value_is_the_formula(name):
    y, eta, weight = data(name)
    b, _, task_loss = evaluate(name, y, eta, weight, b=np.full(4, 3.0))
    np.testing.assert_allclose(task_loss, per_task(weight * FORMULAS[name](y, eta)))
    np.testing.assert_array_equal(b, 0.0)  # none asked for, none left over


@every_loss
def test_residual_is_minus_the_derivative(name):
    y, eta, weight = data(name)
    _, theta, _ = evaluate(name, y, eta, weight)
    h = 1e-6
    for i in range(N):
        step = h * (np.arange(N) == i)
        above = evaluate(name, y, eta + step, weight)[2].sum()
        below = evaluate(name, y, eta - step, weight)[2].sum()
        np.testing.assert_allclose(theta[i], -(above - below) / (2 * h), atol=1e-8)


@every_loss
def test_hessian_is_the_derivative_of_the_residual(name):
    y, eta, weight = data(name)
    loss = make_loss(name)
    hessian = loss.hessian(y, evaluate(name, y, eta, weight)[1], weight)
    h = 1e-6
    above = evaluate(name, y, eta + h, weight)[1]
    below = evaluate(name, y, eta - h, weight)[1]
    np.testing.assert_allclose(hessian, -(above - below) / (2 * h), atol=1e-8)
    if loss.curvature is not None:
        assert np.all(hessian <= loss.curvature * weight * (1 + 1e-12))
    if loss.quadratic:
        np.testing.assert_array_equal(hessian, weight)


def test_the_third_derivative_is_that_of_the_second():
    y, eta, _ = data("logistic")
    loss, h = Logistic(), 1e-5
    above, at, below = (-loss.derivative(y, eta + step) for step in (h, 0.0, -h))
    slope = (
        (loss.second_derivative(y, above) - loss.second_derivative(y, below)) / 2 / h
    )
    np.testing.assert_allclose(loss.third_derivative(y, at), slope, atol=1e-9)


@every_loss
@pytest.mark.parametrize("size", [1.0, 30.0])
def test_fenchel_young_holds_with_equality_at_the_residual(name, size):
    # loss(eta) + conjugate(-theta) + theta eta = 0 at theta = -derivative, and >= 0
    # at any other multiple of it
    y, eta, weight = data(name)
    eta = size * eta
    loss = make_loss(name)
    _, theta, task_loss = evaluate(name, y, eta, weight)
    value = task_loss.sum()
    dual = loss.dual_value(y, theta, weight, 1.0)
    np.testing.assert_allclose(value, dual - theta @ eta, rtol=1e-10)
    limit = min(loss.dual_limit(y, theta, weight), 5.0)
    for scale in np.linspace(0.0, limit, 11):
        dual = loss.dual_value(y, theta, weight, scale)
        assert dual - scale * theta @ eta <= value * (1 + 1e-12)


@every_loss
def test_dual_value_is_concave_and_zero_at_zero(name):
    y, eta, weight = data(name)
    loss = make_loss(name)
    _, theta, _ = evaluate(name, y, eta, weight)
    assert loss.dual_value(y, theta, weight, 0.0) == 0.0
    s = np.linspace(0, min(loss.dual_limit(y, theta, weight), 3.0), 9)
    values = [loss.dual_value(y, theta, weight, scale) for scale in s]
    assert np.all(np.diff(values, 2) < 0)


def test_dual_limit_is_the_edge_of_the_domain():
    y, eta, weight = data("logistic")
    loss = make_loss("logistic")
    _, theta, _ = evaluate("logistic", y, eta, weight)
    limit = loss.dual_limit(y, theta, weight)
    p = y * theta / weight
    np.testing.assert_allclose((limit * p).max(), 1.0)
    theta[3] *= -1.0  # of the wrong sign: only the origin is left
    assert loss.dual_limit(y, theta, weight) == 0.0
    assert make_loss("squared").dual_limit(y, theta, weight) == np.inf


@every_loss
@looped("size", [0.0, 1.0, 30.0, 1e3, 1e6])
@looped("start", [0.0, -5.0, 2e3])
def test_intercepts_are_best(name, size, start):
    # The residuals of each task must sum to zero, or they are no point of the dual
    # problem; from any start and for any predictor.
    y, eta, weight = data(name)
    eta = size * eta
    if name == "tweedie":  # beyond, the least loss of a task is no number
        eta = np.clip(eta, -500.0, 500.0)
    if LOSSES[name].classify:  # a task with one row has no best intercept
        weight[15] = 0.0
    b, theta, task_loss = evaluate(name, y, eta, weight, True, np.full(4, start))
    assert np.all(np.isfinite(b))
    ulp = np.spacing(np.abs(eta).max() + np.abs(b).max() + 1.0)
    bound = (1e-14 + 4 * ulp) * np.maximum(per_task(weight), 1.0)
    if name == "tweedie":  # whose residuals grow exponentially both ways
        bound *= np.maximum(per_task(np.abs(theta)), 1.0)
    assert np.all(np.abs(per_task(theta)) <= bound)
    shifted = eta + np.repeat(b, np.diff(TASK_PTR))
    np.testing.assert_allclose(
        task_loss, per_task(weight * FORMULAS[name](y, shifted)), rtol=1e-8, atol=1e-10
    )
    for shift in (-1e-2, 1e-2):
        other = per_task(weight * FORMULAS[name](y, shifted + shift))
        assert np.all(other >= task_loss * (1 - 1e-9))


def test_logistic_intercept_against_a_search():
    y, eta, weight = data("logistic", seed=5)
    weight[15] = 0.0
    b, _, _ = evaluate("logistic", y, 3 * eta, weight, True)
    for t in (0, 2):
        rows = slice(TASK_PTR[t], TASK_PTR[t + 1])

        def value(b, rows=rows):
            return weight[rows] @ FORMULAS["logistic"](y[rows], 3 * eta[rows] + b)

        best = minimize_scalar(value, bracket=(-1.0, 1.0), tol=1e-12)
        np.testing.assert_allclose(b[t], best.x, atol=1e-6)


def test_logistic_intercept_is_at_its_root_again_and_again():
    # A start at the root must stay there: a bracket that closes on it by rounding
    # errors is not to be halved.
    rng = np.random.default_rng(1)
    for _ in range(300):
        y, _, weight = data("logistic")
        weight[15] = 0.0
        eta = 10.0 ** rng.uniform(-3, 2) * rng.normal(size=N)
        b = rng.normal(size=4)
        for _ in range(4):
            b, theta, _ = evaluate("logistic", y, eta, weight, True, b)
            assert np.abs(per_task(theta)).max() <= 1e-13


@every_loss
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("size", [1e3, -1e3, 1e8])
def test_extreme_predictors_stay_finite(name, intercept, size):
    y, eta, weight = data(name)
    eta = size * np.sign(eta)
    loss = make_loss(name)
    with np.errstate(all="raise", under="ignore"):
        b, theta, task_loss = evaluate(name, y, eta, weight, intercept)
        hessian = loss.hessian(y, theta, weight)
        dual = loss.dual_value(y, theta, weight, 1.0)
    for values in (b, theta, task_loss, hessian, dual):
        assert np.all(np.isfinite(values))
    if not intercept and name not in LOG_LINKS:  # means are no numbers
        expected = per_task(weight * FORMULAS[name](y, eta))
        np.testing.assert_allclose(task_loss, expected, rtol=1e-12)
        if name == "logistic":
            assert np.all(np.abs(theta) <= weight)


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 600])
@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0, 30.0, 700.0])
def test_logistic_loss_is_exact_to_rounding(rows, size):
    # whole tasks are worked off in pieces, with series instead of the library's exp
    rng = np.random.default_rng(rows)
    y = rng.choice([-1.0, 1.0], rows)
    eta, weight = size * rng.normal(size=rows), rng.uniform(0.1, 2.0, rows)
    eta[0] = 0.0
    margin, scale = y * eta, 0.7
    b, theta, value = np.zeros(1), np.empty(rows), np.empty(1)
    ends, total = np.array([0, rows]), np.array([weight.sum()])
    loss = make_loss("logistic")
    loss.residual(y, eta, weight, ends, total, False, b, theta, value)
    p = expit(-margin)
    exact = {"rtol": 4e-15, "atol": 1e-300}
    np.testing.assert_allclose(value, weight @ np.logaddexp(0.0, -margin), **exact)
    near = np.abs(margin) < 700  # beyond, a probability of 1e-304 is as good as none
    np.testing.assert_allclose(theta[near], (weight * y * p)[near], **exact)
    np.testing.assert_allclose(theta[~near], (weight * y * p)[~near], atol=1e-303)
    p = scale * p
    entropy = -xlogy(p, p) - xlogy(1 - p, 1 - p)
    dual = loss.dual_value(y, theta, weight, scale)
    np.testing.assert_allclose(dual, weight @ entropy, **exact)


@pytest.mark.parametrize("rows", [1, 300])
def test_logistic_loss_of_what_is_no_number(rows):
    loss = make_loss("logistic")
    ends, total = np.array([0, rows]), np.array([float(rows)])
    y, weight = np.ones(rows), np.ones(rows)
    for bad, expected in ((np.nan, np.nan), (-np.inf, np.inf), (np.inf, 0.0)):
        eta = np.full(rows, np.inf)
        eta[-1] = bad
        b, theta, value = np.zeros(1), np.empty(rows), np.empty(1)
        with np.errstate(invalid="ignore"):
            loss.residual(y, eta, weight, ends, total, False, b, theta, value)
            dual = loss.dual_value(y, theta, weight, 1.0)
        np.testing.assert_allclose(value[0], expected, atol=1e-300)
        assert np.isnan(theta[-1]) == np.isnan(dual) == np.isnan(bad)


@every_loss
@pytest.mark.parametrize("intercept", [False, True])
def test_weight_zero_removes_an_observation(name, intercept):
    # whatever its label: a missing one is held as 0
    y, eta, weight = data(name)
    weight[[2, 9, 15]] = 0.0
    first = evaluate(name, y, eta, weight, intercept)
    other_y, other_eta = y.copy(), eta.copy()
    other_y[[2, 9, 15]], other_eta[[2, 9, 15]] = 0.0, 1e3
    second = evaluate(name, other_y, other_eta, weight, intercept)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)  # see below
    loss, theta = make_loss(name), first[1]
    assert np.all(theta[[2, 9, 15]] == 0.0)
    assert np.all(loss.hessian(y, theta, weight)[[2, 9, 15]] == 0.0)
    # a dot product may be summed in another order where arrays are aligned otherwise
    np.testing.assert_allclose(
        loss.dual_value(y, theta, weight, 0.7),
        loss.dual_value(other_y, theta, weight, 0.7),
        rtol=1e-14,
    )
    assert loss.dual_limit(y, theta, weight) == loss.dual_limit(other_y, theta, weight)


@every_loss
def test_task_without_weight_costs_nothing(name):
    y, eta, weight = data(name)
    weight[7:15] = 0.0
    b, theta, task_loss = evaluate(name, y, eta, weight, True)
    assert task_loss[2] == 0.0
    assert b[2] == 0.0
    assert np.all(np.isfinite(theta))


@every_loss
def test_mean_is_the_expected_response(name):
    eta = np.array([-1e3, -1.0, 0.0, 1.0, 1e3])
    mean = make_loss(name).mean(eta)
    if name in LOG_LINKS:
        np.testing.assert_allclose(mean, np.exp(np.minimum(eta, 700)))
    elif name != "logistic":
        np.testing.assert_array_equal(mean, eta)
    else:
        # -derivative of the loss of a positive label is 1 - P(positive)
        np.testing.assert_allclose(
            mean, 1 / (1 + np.exp(np.minimum(-eta, 700))), atol=1e-300
        )
        np.testing.assert_allclose(mean + mean[::-1], 1.0)
