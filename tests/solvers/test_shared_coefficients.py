"""Coefficients that all tasks share, beside norms on the others."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from helpers.convex import least
from helpers.losses import loss_of
from helpers.problems import make_problem
from linmtl import MultiTaskRegressor
from linmtl.penalties import (
    L1,
    L21,
    SCAD,
    Deviation,
    Fused,
    GroupL21,
    Linf1,
    MeanRegularized,
    Ridge,
    RobustLowRank,
    TaskL21,
    TaskRelationship,
    TraceNorm,
    TreeGroupL21,
)

ALPHA, ON_MEAN, STRENGTH = 0.4, 0.05, 0.06
WEIGHT = np.array([1.0, np.inf, 0.3, 2.0, np.inf])
SHARED = np.isinf(WEIGHT)
FREE = [0.0, 0.0, 1.0, 2.0, 1.0]
BY_ENTRY = np.array([[1.0, 2.0, 0.5, 1.0], [0.3, 1.0, 2.0, 1.0]])[[0, 1, 0, 1, 0]]
GROUPS = [[0, 1], [2, 3, 4]]
TREE = ["abc", "ab", "d"]


def rows_of(W, weight=None):
    sizes = cp.norm(W, axis=1)
    return cp.sum(sizes if weight is None else cp.multiply(weight, sizes))


def groups_of(W):
    return sum(np.sqrt(4 * len(g)) * cp.norm(W[g], "fro") for g in GROUPS) / 2


# a norm and the same, times the strength, written out for a general solver
NORMS = {
    "l1": (L1(STRENGTH), lambda W: cp.sum(cp.abs(W))),
    "l21": (L21(STRENGTH), rows_of),
    "free": (L21(STRENGTH, feature_weight=FREE), lambda W: rows_of(W, FREE)),
    "both": (
        L1(STRENGTH) + L21(STRENGTH),
        lambda W: cp.sum(cp.abs(W)) + rows_of(W),
    ),
    "by entry": (
        L21(STRENGTH, feature_weight=BY_ENTRY),
        lambda W: rows_of(cp.multiply(BY_ENTRY, W)),
    ),
    "groups": (GroupL21(GROUPS, STRENGTH), groups_of),
    "linf": (Linf1(STRENGTH), lambda W: cp.sum(cp.max(cp.abs(W), axis=1))),
    "trace": (TraceNorm(STRENGTH), cp.normNuc),
    "tasks": (TaskL21(STRENGTH), lambda W: cp.sum(cp.norm(W, axis=0))),
    "tree": (
        TreeGroupL21([list(g) for g in TREE], STRENGTH),
        lambda W: sum(rows_of(W[:, ["abcd".index(t) for t in g]]) for g in TREE),
    ),
    "positive": (L1(STRENGTH, positive=True), lambda W: cp.sum(W)),
    "positive free": (
        L21(STRENGTH, feature_weight=FREE, positive=True),
        lambda W: rows_of(W, FREE),
    ),
    "fused": (
        L1(STRENGTH) + Fused(STRENGTH),
        lambda W: cp.sum(cp.abs(W)) + cp.sum(cp.abs(W[:, 1:] - W[:, :-1])),
    ),
}


def optimum(problem, norm, positive, ridge):
    d, T = problem.n_features, problem.n_tasks
    W, b = cp.Variable((d, T)), cp.Variable(T)
    mean = cp.sum(W, axis=1) / T
    total = STRENGTH * norm(W)
    for t, (X, y, w) in enumerate(problem.blocks):
        total += loss_of(problem.loss, y, X @ W[:, t] + b[t], w)
        total += ridge[t] / 2 * cp.sum_squares(W[:, t])
    constraints = [W >= 0] if positive else []
    for j, weight in enumerate(WEIGHT):
        if np.isinf(weight):
            constraints.append(W[j] == mean[j])
            weight = 1.0
        total += ALPHA / 2 * weight * cp.sum_squares(W[j] - mean[j])
        total += ON_MEAN / 2 * T * weight * cp.square(mean[j])
    return least(total, constraints)


@pytest.mark.product(
    name=list(NORMS),
    loss=["squared", "logistic"],
    ridge=["no", "by task"],
    slow=lambda name, loss, ridge: (
        loss == "logistic" or (ridge == "by task") != ("free" in name)
    ),
)
def test_solutions_are_optimal_and_certified(name, loss, ridge):
    problem = make_problem(loss)
    norm, written_out = NORMS[name]
    penalty = MeanRegularized(ALPHA, ON_MEAN, feature_weight=WEIGHT) + norm
    strengths = np.zeros(4)
    if ridge == "by task":
        strengths = np.array([0.1, 0.2, 0.3, 0.4])
        penalty = penalty + Ridge(strengths)
    model = problem.fit(penalty, tol=1e-8)
    assert model.converged_
    assert np.all(model.coef_[:, SHARED] == model.coef_[:1, SHARED])
    best = optimum(problem, written_out, "positive" in name, strengths)
    assert abs(model.objective_ - best) <= 1e-6 * best
    # at the default tolerance, too, within what it says
    rough = problem.fit(penalty)
    assert rough.converged_
    assert rough.objective_ - best <= rough.dual_gap_ + 1e-7 * best


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize(
    "norm",
    [
        TaskRelationship(0.1),
        Deviation(TraceNorm(0.1)),
        Deviation(L21(0.1)),
        SCAD(0.1),
        TraceNorm(10.0),
    ],
    ids=lambda norm: str(norm).partition("(")[0],
)
def test_other_norms_are_certified(norm, loss):
    problem = make_problem(loss)
    model = problem.fit(MeanRegularized(ALPHA, feature_weight=WEIGHT) + norm)
    assert model.converged_
    assert np.all(model.coef_[:, SHARED] == model.coef_[:1, SHARED])


def test_parts_that_tell_tasks_apart_are_refused():
    problem = make_problem()
    penalty = MeanRegularized(feature_weight=WEIGHT) + RobustLowRank(0.1, 0.1)
    with pytest.raises(ValueError, match="does not go with RobustLowRank"):
        MultiTaskRegressor(penalty).fit(problem.X, problem.y, problem.tasks)
