"""Every other formulation: seconds to the same accuracy, against a page of NumPy.

``python -m benchmarks.formulations`` fits each model on ragged tasks with coefficients
that it was made for. The objective is written out here, in NumPy. There are two goals,
relative to the objective of the null model: a duality gap of at most 1e-6 (the lower
bound is that of the package at the coefficients returned), and an objective within 1e-6
of the best known.

linmtl's time is that of its loosest tolerance that reaches the goal. The other side is
the proximal gradient method that one would write: accelerated, with a restart, the
textbook prox. Its time is that of its first iterate at the goal, found by a run before:
it does not have to know when to stop.

Models that are not convex have several optima: there each side is to come within 1e-6
of its own, and the table says how far those are from the better one. Their gap is that
of the solution in the convex problem of its own tangent, for linmtl only.

A second part is about single proximal operators: total variation over many tasks, and
functions of singular values of tall matrices.
"""

from __future__ import annotations

import argparse
import gc
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit
from threadpoolctl import threadpool_limits

from benchmarks import machine, report
from benchmarks.objective import Objective, Ragged
from benchmarks.problems import low_rank, ragged_classification, ragged_regression
from benchmarks.solvers.numpy_fista import _squared_norm

TARGET = 1e-6
LOSSES = ("squared", "logistic")
GOALS = ("gap", "objective")
_MANY = 1_000_000
_LADDER = [10.0 ** (-k / 2) for k in range(2, 21)]  # tolerances of linmtl
_BEST_TOL = 1e-9, 1e-7  # of the best known objective; where a model is not convex
_ROUND_SECONDS, _ROUND_RUNS = 0.2, 10  # a round repeats quick runs up to this
_UNTIMED = {"seconds": None, "process_seconds": None}
_STILL = 1e-7  # NumPy: a point that moves by less of its size has converged
_INNER, _INNER_STILL = 500, 1e-6  # NumPy: iterations and end of the dual loop
_BISECTIONS = 50


# -- proximal operators, as one would write them --------------------------------------


class Term(NamedTuple):
    """A norm or the like: its value, and its prox at (V, step)."""

    value: Callable[[np.ndarray], float]
    prox: Callable[[np.ndarray, float], np.ndarray]


def soft(V: np.ndarray, c: float | np.ndarray) -> np.ndarray:
    return np.sign(V) * np.maximum(np.abs(V) - c, 0.0)


def shrink(V: np.ndarray, c: float | np.ndarray, axis: int = 1) -> np.ndarray:
    """Shrink the norms of the rows, or with ``axis=0`` of the columns."""
    norms = np.linalg.norm(V, axis=axis, keepdims=True)
    return V * np.maximum(1.0 - c / np.maximum(norms, 1e-300), 0.0)


def clip_rows(V: np.ndarray, c: float) -> np.ndarray:
    """Take the projection of each row onto an l1 ball, by sorting, from the row."""
    top = -np.sort(-np.abs(V), axis=1)
    excess = np.cumsum(top, axis=1) - c
    count = np.arange(1, V.shape[1] + 1)
    used = np.maximum(np.sum(top * count > excess, axis=1, keepdims=True), 1)
    level = np.take_along_axis(excess, used - 1, axis=1) / used
    return np.clip(V, -np.maximum(level, 0.0), np.maximum(level, 0.0))


def spectral(V: np.ndarray, rule: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    U, s, Vt = np.linalg.svd(V, full_matrices=False)
    return (U * rule(s)) @ Vt


def simplex(s: np.ndarray, size: float) -> np.ndarray:
    """Project descending, non-negative numbers to a sum of at most ``size``."""
    excess = np.cumsum(s) - size
    if excess[-1] <= 0:
        return s
    count = np.arange(1, len(s) + 1)
    used = np.count_nonzero(s * count > excess)
    return np.maximum(s - excess[used - 1] / used, 0.0)


def eigenvalues(s: np.ndarray, k: int, shift: float) -> np.ndarray:
    """Return ``clip(mu s - shift, 0, 1)`` with the sum k, by bisection."""
    low, high = 0.0, (1.0 + shift) / max(s[-1], 1e-12 * s[0], 1e-300)
    for _ in range(_BISECTIONS):
        mu = (low + high) / 2
        m = np.clip(mu * s - shift, 0.0, 1.0)
        low, high = (mu, high) if m.sum() < k else (low, mu)
    return m


def l1(alpha: float | np.ndarray) -> Term:
    return Term(
        lambda W: float(np.sum(alpha * np.abs(W))),
        lambda V, step: soft(V, step * alpha),
    )


def l21(alpha: float) -> Term:
    return Term(
        lambda W: alpha * float(np.linalg.norm(W, axis=1).sum()),
        lambda V, step: shrink(V, step * alpha),
    )


def task_l21(alpha: float) -> Term:
    return Term(
        lambda W: alpha * float(np.linalg.norm(W, axis=0).sum()),
        lambda V, step: shrink(V, step * alpha, axis=0),
    )


def linf1(alpha: float) -> Term:
    return Term(
        lambda W: alpha * float(np.abs(W).max(axis=1).sum()),
        lambda V, step: clip_rows(V, step * alpha),
    )


def trace(alpha: float) -> Term:
    return Term(
        lambda W: alpha * float(np.linalg.norm(W, "nuc")),
        lambda V, step: spectral(V, lambda s: np.maximum(s - step * alpha, 0.0)),
    )


def trace_ball(size: float) -> Term:
    def value(W):
        return 0.0 if np.linalg.norm(W, "nuc") <= size * (1.0 + 1e-8) else np.inf

    return Term(value, lambda V, step: spectral(V, lambda s: simplex(s, size)))


def cluster_norm(alpha: float, k: int, eta: float) -> Term:
    def value(W):
        s = np.linalg.svd(W, compute_uv=False)
        if s[0] == 0:
            return 0.0
        return alpha / 2 * float(np.sum(s**2 / (eta + eigenvalues(s, k, eta))))

    def prox(V, step):
        c = step * alpha

        def rule(s):
            m = eta + eigenvalues(s, k, eta + c)
            return s * m / (m + c)

        return spectral(V, rule)

    return Term(value, prox)


def squared_trace(alpha: float) -> Term:
    def prox(V, step):
        c = step * alpha

        def rule(s):
            total = np.max(np.cumsum(s) / (1.0 + c * np.arange(1, len(s) + 1)))
            return np.maximum(s - c * total, 0.0)

        return spectral(V, rule)

    return Term(lambda W: alpha / 2 * float(np.linalg.norm(W, "nuc")) ** 2, prox)


def group_l21(alpha: float, code: np.ndarray, weight: np.ndarray) -> Term:
    def norms(W):
        return np.sqrt(np.bincount(code, weights=np.sum(W**2, axis=1)))

    def prox(V, step):
        factor = 1.0 - step * alpha * weight / np.maximum(norms(V), 1e-300)
        return V * np.maximum(factor, 0.0)[code][:, None]

    return Term(lambda W: alpha * float(weight @ norms(W)), prox)


def tree(alpha: float, groups: list[tuple[list[int], float]]) -> Term:
    """Groups of tasks, the smaller before the larger."""

    def value(W):
        sizes = [w * np.linalg.norm(W[:, g], axis=1).sum() for g, w in groups]
        return alpha * float(sum(sizes))

    def prox(V, step):
        W = V.copy()
        for group, weight in groups:
            W[:, group] = shrink(W[:, group], step * alpha * weight)
        return W

    return Term(value, prox)


def differences(alpha: float, B: np.ndarray, lengths: bool) -> Term:
    """Differences of tasks along edges, with the incidence B (n_tasks, n_edges).

    Entries, or with ``lengths`` vectors. The prox is projected gradient on the dual
    problem, accelerated, and starts from the last solution.
    """
    top = float(np.linalg.eigvalsh(B @ B.T)[-1])
    last: list[np.ndarray] = []

    def value(W):
        D = W @ B
        return alpha * float(
            np.linalg.norm(D, axis=0).sum() if lengths else abs(D).sum()
        )

    def project(U, c):
        if lengths:
            return U / np.maximum(np.linalg.norm(U, axis=0) / c, 1.0)
        return np.clip(U, -c, c)

    def prox(V, step):
        c = step * alpha
        U = project(last.pop(), c) if last else np.zeros((len(V), B.shape[1]))
        Y, momentum = U, 1.0
        for _ in range(_INNER):
            new = project(Y + (V - Y @ B.T) @ B / top, c)
            move = new - U
            if np.sum((Y - new) * move) > 0:
                momentum = 1.0
            following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
            Y = new + (momentum - 1.0) / following * move
            U, momentum = new, following
            if np.abs(move).max() <= _INNER_STILL * c:
                break
        last.append(U)
        return V - U @ B.T

    return Term(value, prox)


def chain(n_tasks: int) -> np.ndarray:
    """Return the incidence of consecutive tasks."""
    return -np.diff(np.eye(n_tasks), axis=0).T


def one_after_the_other(*terms: Term) -> Term:
    """Return the sum of terms whose prox is one after the other."""

    def prox(V, step):
        for term in terms:
            V = term.prox(V, step)
        return V

    return Term(lambda W: sum(term.value(W) for term in terms), prox)


# -- the models -----------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A model with strengths that suit its data.

    Attributes
    ----------
    make : callable
        ``make(tol)`` returns the estimator.
    terms : tuple of Term
        The penalty on W, or on each of the parts that W is the sum of.
    form : ndarray of shape (n_tasks, n_tasks), default=None
        M of another term ``tr(W M W') / 2``.
    stage : callable, default=None
        For a penalty that is not convex: the term of the stage at W. Its value is then
        that of the penalty itself.
    factors : tuple (ridge of A, ridge of B, l1 of B), default=None
        For a product W = A B': there are no terms.
    n_components : int, default=0
        Columns of A and B.
    """

    make: Callable[[float], Any]
    terms: tuple[Term, ...] = ()
    form: np.ndarray | None = None
    stage: Callable[[np.ndarray], Term] | None = None
    factors: tuple[float, float, float] | None = None
    n_components: int = 0

    @property
    def convex(self) -> bool:
        return self.stage is None and self.factors is None

    def penalty(self, *parts: np.ndarray) -> float:
        """Return the penalty at W, at the parts P and Q, or at the factors A and B."""
        if self.factors is not None:
            A, B = parts
            ridge_A, ridge_B, entries = self.factors
            value = ridge_A / 2 * np.sum(A**2) + ridge_B / 2 * np.sum(B**2)
            return float(value + entries * np.abs(B).sum())
        total = sum(t.value(P) for t, P in zip(self.terms, parts, strict=True))
        if self.form is not None:
            W = sum(parts)
            total += float(np.sum((W @ self.form) * W)) / 2
        return total


@dataclass(frozen=True)
class Problem:
    """Data, and what the strengths of a model are made from.

    `G` is minus the gradient of the loss at zero, (n_features, n_tasks).
    """

    data: Ragged
    W: np.ndarray  # the truth
    loss: str

    @cached_property
    def smooth(self) -> Objective:
        loss = "squared" if self.loss == "sqrt" else self.loss
        return Objective(self.data, loss, "l1")

    def loss_at(self, W: np.ndarray, b: np.ndarray | None = None) -> float:
        """Return the loss; by default at the best intercepts."""
        if self.loss != "sqrt":
            return self.smooth.value(W, b, 0.0)
        eta = self.data.predict(W)
        b = self.smooth.intercepts(eta) if b is None else b
        terms = zip(self.data.targets, eta, b, strict=True)
        return float(sum(np.sqrt(np.mean((y - e - c) ** 2)) for y, e, c in terms))

    @cached_property
    def scale(self) -> float:
        """The objective of the null model."""
        return self.loss_at(np.zeros_like(self.W))

    @cached_property
    def G(self) -> np.ndarray:
        thetas = []
        for y in self.data.targets:
            theta = y - y.mean() if self.loss != "logistic" else (y - y.mean()) / 2
            size = np.sqrt(np.mean(theta**2)) if self.loss == "sqrt" else 1.0
            thetas.append(theta / (len(y) * size))
        return self.data.adjoint(thetas)

    @cached_property
    def entry(self) -> float:
        """The strength of L1 from which on zero is a solution; and so on."""
        return float(np.abs(self.G).max())

    @cached_property
    def row(self) -> float:
        return float(np.linalg.norm(self.G, axis=1).max())

    @cached_property
    def column(self) -> float:
        return float(np.linalg.norm(self.G, axis=0).max())

    @cached_property
    def spectrum(self) -> float:
        return float(np.linalg.norm(self.G, 2))

    def penalised(self, penalty: Any) -> Callable[[float], Any]:
        """Return the factory of an estimator with this penalty."""
        from linmtl import MultiTaskClassifier, MultiTaskRegressor

        options = {"max_iter": _MANY}
        if self.loss == "logistic":
            return lambda tol: MultiTaskClassifier(penalty, tol=tol, **options)
        return lambda tol: MultiTaskRegressor(
            penalty, loss=self.loss, tol=tol, **options
        )


def rows_of(rng: np.random.Generator, d: int, T: int) -> np.ndarray:
    """Return where a tenth of the features are, which matter to every task."""
    mask = np.zeros((d, 1))
    mask[rng.choice(d, max(d // 10, 2), replace=False)] = 1.0
    return mask


def plant_rows(rng, d, T):
    return rows_of(rng, d, T) * rng.standard_normal((d, T))


def plant_equal(rng, d, T):
    signs = rng.choice([-1.0, 1.0], (d, T))
    return rows_of(rng, d, T) * rng.uniform(0.5, 1.5, (d, 1)) * signs


def plant_blocks(rng, d, T):
    code = np.arange(d) // 5
    used = rng.choice(code.max() + 1, max(d // 25, 1), replace=False)
    return np.isin(code, used)[:, None] * rng.standard_normal((d, T))


def plant_branches(rng, d, T):
    branch = np.arange(T) * 3 // T
    used = np.hstack([rows_of(rng, d, T) for _ in range(3)])
    return used[:, branch] * rng.standard_normal((d, T))


def plant_steps(rng, d, T):
    change = rng.random((d, T)) < 3.0 / T
    change[:, 0] = True
    steps = np.where(change, rng.standard_normal((d, T)), 0.0)
    return rows_of(rng, d, T) * np.cumsum(steps, axis=1)


def plant_walk(rng, d, T):
    walk = np.cumsum(rng.standard_normal((d, T)), axis=1) / np.sqrt(T)
    return rows_of(rng, d, T) * (rng.standard_normal((d, 1)) + walk)


def plant_dirty(rng, d, T):
    own = (rng.random((d, T)) < 0.03) * rng.standard_normal((d, T))
    return plant_equal(rng, d, T) + own


def with_outliers(plant):
    def planted(rng, d, T):
        W = plant(rng, d, T)
        W[:, :: max(T // 3, 2)] += 0.3 * rng.standard_normal((d, 1))
        return W

    return planted


def plant_low_rank(rng, d, T):
    return low_rank(rng, d, T, min(3, d, T))


def plant_sparse_low_rank(rng, d, T):
    return plant_low_rank(rng, d, T) + plant_dirty(rng, d, T)


def plant_clusters(rng, d, T, deviation=0.2):
    centres = rng.standard_normal((d, _CLUSTERS))
    return centres[:, np.arange(T) % _CLUSTERS] + deviation * rng.standard_normal(
        (d, T)
    )


def plant_few_codes(rng, d, T):
    A, B = rng.standard_normal((d, _COMPONENTS)), rng.standard_normal((_COMPONENTS, T))
    return A @ (B * (rng.random(B.shape) < 0.5))


_CLUSTERS, _COMPONENTS, _ETA = 4, 3, 0.1


def make_linf1(p: Problem) -> Case:
    from linmtl.penalties import Linf1

    alpha = 0.1 * float(np.abs(p.G).sum(axis=1).max())
    return Case(p.penalised(Linf1(alpha)), (linf1(alpha),))


def make_group(p: Problem) -> Case:
    from linmtl.penalties import GroupL21

    code = np.arange(len(p.W)) // 5
    weight = np.sqrt(np.bincount(code))
    norms = np.sqrt(np.bincount(code, weights=np.sum(p.G**2, axis=1)))
    alpha = 0.1 * float(np.max(norms / weight))
    return Case(p.penalised(GroupL21(code, alpha)), (group_l21(alpha, code, weight),))


def make_tree(p: Problem) -> Case:
    from linmtl.penalties import TreeGroupL21

    tasks = np.arange(p.W.shape[1])
    branch = tasks * 3 // len(tasks)
    groups = [([t], 0.3) for t in tasks.tolist()]
    groups += [(tasks[branch == k].tolist(), 1.0) for k in range(3)]
    groups += [(tasks.tolist(), 1.0)]
    alpha = 0.03 * p.row
    return Case(p.penalised(TreeGroupL21(groups, alpha)), (tree(alpha, groups),))


def make_fused(p: Problem) -> Case:
    from linmtl.penalties import FusedSparseGroup

    a, f, g = 0.03 * p.entry, 0.1 * p.entry, 0.05 * p.row
    steps = differences(f, chain(p.W.shape[1]), lengths=False)
    term = one_after_the_other(steps, l1(a), l21(g))
    return Case(p.penalised(FusedSparseGroup(a, f, g)), (term,))


def make_temporal(p: Problem) -> Case:
    from linmtl.penalties import TemporalGroup

    alpha, smooth, ridge = 0.05 * p.row, 0.3, 0.01
    B, T = chain(p.W.shape[1]), p.W.shape[1]
    form = smooth * B @ B.T + ridge * np.eye(T)
    penalty = TemporalGroup(alpha, smooth, ridge)
    return Case(p.penalised(penalty), (l21(alpha),), form)


def make_dirty(p: Problem) -> Case:
    from linmtl.penalties import Dirty

    shared, own = 0.1 * float(np.abs(p.G).sum(axis=1).max()), 0.2 * p.entry
    return Case(p.penalised(Dirty(shared, own)), (linf1(shared), l1(own)))


def make_robust_features(p: Problem) -> Case:
    from linmtl.penalties import RobustFeatures

    shared, outlier = 0.1 * p.row, 0.3 * p.column
    penalty = RobustFeatures(shared, outlier)
    return Case(p.penalised(penalty), (l21(shared), task_l21(outlier)))


def make_robust_low_rank(p: Problem) -> Case:
    from linmtl.penalties import RobustLowRank

    rank = 0.1 * p.spectrum
    outlier = 0.6 * rank
    penalty = RobustLowRank(rank, outlier)
    return Case(p.penalised(penalty), (trace(rank), task_l21(outlier)))


def make_sparse_low_rank(p: Problem) -> Case:
    from linmtl.penalties import SparseLowRank

    sparse, rank = 0.15 * p.entry, 0.1 * p.spectrum
    return Case(p.penalised(SparseLowRank(sparse, rank)), (l1(sparse), trace(rank)))


def make_max_trace(p: Problem) -> Case:
    from linmtl.penalties import SparseLowRank

    sparse, size = 0.15 * p.entry, 0.5 * float(np.linalg.norm(p.W, "nuc"))
    penalty = SparseLowRank(sparse, max_trace=size)
    return Case(p.penalised(penalty), (l1(sparse), trace_ball(size)))


def make_clustered(p: Problem) -> Case:
    from linmtl.penalties import Clustered

    penalty = Clustered(_CLUSTERS, _ETA, _ETA)
    return Case(p.penalised(penalty), (cluster_norm(_ETA, _CLUSTERS, _ETA),))


def make_shared_structure(p: Problem) -> Case:
    from linmtl.penalties import SharedStructure

    penalty = SharedStructure(_COMPONENTS, _ETA, _ETA)
    return Case(p.penalised(penalty), (cluster_norm(_ETA, _COMPONENTS, _ETA),))


def make_relationship(p: Problem) -> Case:
    from linmtl.penalties import TaskRelationship

    alpha = 0.1 * p.spectrum / float(np.linalg.norm(p.W, "nuc"))
    return Case(p.penalised(TaskRelationship(alpha)), (squared_trace(alpha),))


def make_network(p: Problem) -> Case:
    from linmtl.penalties import NetworkLasso

    T = p.W.shape[1]
    i, j = np.triu_indices(T, 1)
    # within clusters, and a few edges that are wrong
    joined = (i % _CLUSTERS == j % _CLUSTERS) | ((i + 3 * j) % 13 == 0)
    i, j = i[joined], j[joined]
    A = np.zeros((T, T))
    A[i, j] = A[j, i] = 1.0
    B = np.zeros((T, i.size))
    B[i, np.arange(i.size)], B[j, np.arange(i.size)] = 1.0, -1.0
    alpha = 0.03 * p.column
    term = differences(alpha, B, lengths=True)
    return Case(p.penalised(NetworkLasso(A, alpha)), (term,))


def make_square_root(p: Problem) -> Case:
    from linmtl.penalties import L21

    alpha = 0.2 * p.row
    return Case(p.penalised(L21(alpha)), (l21(alpha),))


def make_graph(p: Problem) -> Case:
    from linmtl.penalties import L1, GraphLaplacian

    alpha, smooth, B = 0.1 * p.entry, 0.3, chain(p.W.shape[1])
    form = smooth * B @ B.T
    adjacency = np.where(np.eye(len(B), dtype=bool), 0.0, -B @ B.T)
    penalty = L1(alpha) + GraphLaplacian(adjacency, smooth)
    return Case(p.penalised(penalty), (l1(alpha),), form)


def make_capped(p: Problem) -> Case:
    from linmtl.penalties import CappedL1

    alpha = 0.1 * p.entry
    sizes = np.abs(p.W).sum(axis=1)
    threshold = 0.2 * float(np.median(sizes[sizes > 0]))

    def value(W):
        return alpha * float(np.minimum(np.abs(W).sum(axis=1), threshold).sum())

    def stage(W):
        weight = alpha * (np.abs(W).sum(axis=1, keepdims=True) < threshold)
        return Term(value, l1(weight).prox)

    make = p.penalised(CappedL1(alpha, threshold))
    return Case(make, (Term(value, l1(alpha).prox),), stage=stage)


def make_nonconvex_fused(p: Problem) -> Case:
    from linmtl.penalties import NonconvexFusedGroup

    alpha, f = 0.1 * p.entry, 0.1 * p.entry
    steps = differences(f, chain(p.W.shape[1]), lengths=False)

    def value(W):
        return alpha * float(np.sqrt(np.abs(W).sum(axis=1)).sum()) + steps.value(W)

    def weighted(weight):
        return Term(value, one_after_the_other(steps, l1(weight)).prox)

    def stage(W):
        size = np.maximum(np.abs(W).sum(axis=1, keepdims=True), 1e-10)
        return weighted(alpha / (2.0 * np.sqrt(size)))

    make = p.penalised(NonconvexFusedGroup(alpha, f))
    return Case(make, (weighted(alpha),), stage=stage)


def make_gomtl(p: Problem) -> Case:
    from linmtl import GOMTLRegressor

    basis, entries = 0.05, 0.05
    make = partial(GOMTLRegressor, _COMPONENTS, basis, entries, max_iter=_MANY)
    return Case(
        lambda tol: make(tol=tol),
        factors=(basis, 0.0, entries),
        n_components=_COMPONENTS,
    )


def make_factored(p: Problem) -> Case:
    from linmtl import FactoredRegressor

    alpha = 0.1 * p.spectrum
    make = partial(FactoredRegressor, _COMPONENTS, alpha, max_iter=_MANY)
    return Case(
        lambda tol: make(tol=tol),
        factors=(alpha, alpha, 0.0),
        n_components=_COMPONENTS,
    )


class Model(NamedTuple):
    """A formulation: its title, the coefficients it suits, and how it is set up."""

    title: str
    plant: Callable[[np.random.Generator, int, int], np.ndarray]
    make: Callable[[Problem], Case]
    losses: tuple[str, ...] = LOSSES


_SQUARED = ("squared",)
MODELS = {
    "linf1": Model("Linf1", plant_equal, make_linf1),
    "group": Model("GroupL21", plant_blocks, make_group),
    "tree": Model("TreeGroupL21", plant_branches, make_tree),
    "fused": Model("FusedSparseGroup", plant_steps, make_fused),
    "temporal": Model("TemporalGroup", plant_walk, make_temporal),
    "graph": Model("GraphLaplacian + L1", plant_walk, make_graph),
    "dirty": Model("Dirty, linf", plant_dirty, make_dirty),
    "robust-features": Model(
        "RobustFeatures", with_outliers(plant_rows), make_robust_features
    ),
    "robust-low-rank": Model(
        "RobustLowRank", with_outliers(plant_low_rank), make_robust_low_rank
    ),
    "sparse-low-rank": Model(
        "SparseLowRank", plant_sparse_low_rank, make_sparse_low_rank
    ),
    "max-trace": Model(
        "SparseLowRank, max_trace", plant_sparse_low_rank, make_max_trace
    ),
    "clustered": Model("Clustered", plant_clusters, make_clustered),
    "shared-structure": Model("SharedStructure", plant_low_rank, make_shared_structure),
    "relationship": Model("TaskRelationship", plant_low_rank, make_relationship),
    "network": Model("NetworkLasso", plant_clusters, make_network),
    "square-root": Model("L21", plant_rows, make_square_root, ("sqrt",)),
    "capped": Model("CappedL1", plant_rows, make_capped, _SQUARED),
    "nonconvex-fused": Model(
        "NonconvexFusedGroup", plant_steps, make_nonconvex_fused, _SQUARED
    ),
    "go-mtl": Model("GO-MTL", plant_few_codes, make_gomtl, _SQUARED),
    "factored": Model("Factored", plant_low_rank, make_factored, _SQUARED),
}


def make_problem(model: Model, loss: str, size: str) -> Problem:
    """Return ragged tasks; coefficients of a task have about the length 2."""
    T, d, low, high = (30, 100, 60, 120) if size == "full" else (6, 12, 20, 30)
    rng = np.random.default_rng(0)
    W = model.plant(rng, d, T)
    W *= 2.0 / np.sqrt(np.mean(np.sum(W**2, axis=0)))
    rows = rng.integers(low, high + 1, T).tolist()
    make = ragged_classification if loss == "logistic" else ragged_regression
    return Problem(make(rows, W, rng), W, loss)


# -- the page of NumPy ----------------------------------------------------------------


class Slope:
    """Gradient and curvature of loss and quadratic form, from raw data.

    The variable is W, or the parts of W one above the other. Intercepts of squared
    losses are removed by centring, those of the logistic loss are a last row.
    """

    def __init__(self, problem: Problem, case: Case):
        Xs, ys = problem.data.Xs, problem.data.targets
        self.loss = problem.loss
        self.bias = self.loss == "logistic"
        if self.bias:
            self.Xs = [np.column_stack([X, np.ones(len(X))]) for X in Xs]
            self.ys = ys
        else:
            self.Xs = [X - X.mean(axis=0) for X in Xs]
            self.ys = [y - y.mean() for y in ys]
        self.d, self.n_parts = problem.W.shape[0], max(len(case.terms), 1)
        self.form = case.form
        tops = [_squared_norm(X) / len(X) for X in self.Xs]
        self.tops = self.n_parts * np.array(tops) * (0.25 if self.bias else 1.0)
        self.extra = 0.0
        if self.form is not None:
            top = np.linalg.eigvalsh(self.form)[-1]
            self.extra = self.n_parts * float(top)
        self.shape = self.n_parts * self.d + self.bias, problem.W.shape[1]

    def parts(self, Z: np.ndarray) -> list[np.ndarray]:
        """Return the parts of W, and the row of intercepts."""
        cuts = self.d * np.arange(1, self.n_parts + 1)
        return np.split(Z, cuts) if self.bias else [*np.split(Z, cuts[:-1]), Z[:0]]

    def __call__(self, Z: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the gradient and a bound of the curvature."""
        *parts, b = self.parts(Z)
        W = np.vstack([sum(parts), b])
        G, tops = np.empty_like(W), self.tops
        if self.loss == "sqrt":
            tops = tops.copy()
        for t, (X, y) in enumerate(zip(self.Xs, self.ys, strict=True)):
            eta = X @ W[:, t]
            theta = eta - y if not self.bias else -y * expit(-y * eta)
            if self.loss == "sqrt":  # sqrt(q) <= q / (2 s) + s / 2, s = sqrt(q) here
                noise = max(np.linalg.norm(theta) / np.sqrt(len(y)), 1e-12)
                theta, tops[t] = theta / noise, tops[t] / noise
            G[:, t] = X.T @ theta / len(y)
        rows = G[: self.d]
        if self.form is not None:
            rows = rows + W[: self.d] @ self.form
        gradient = np.vstack([rows] * self.n_parts + [G[self.d :]])
        return gradient, float(tops.max()) + self.extra


def fista(
    slope: Slope, terms: Sequence[Term], Z: np.ndarray, still: float
) -> Iterator[np.ndarray]:
    """Yield the iterates of the accelerated proximal gradient method, with restarts.

    They end where one moves by no more than the part ``still`` of its size.
    """
    V, momentum = Z, 1.0
    while True:
        G, bound = slope(V)
        *parts, b = slope.parts(V - G / bound)
        moved = [t.prox(P, 1.0 / bound) for t, P in zip(terms, parts, strict=True)]
        new = np.vstack([*moved, b])
        step = new - Z
        if np.sum((V - new) * step) > 0:  # the momentum points uphill
            momentum = 1.0
        following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        V = new + (momentum - 1.0) / following * step
        Z, momentum = new, following
        yield Z
        if np.linalg.norm(step) <= still * np.linalg.norm(Z):
            return


def descend(problem: Problem, case: Case) -> Iterator[list[np.ndarray]]:
    """Yield the parts of W and the intercepts, in stages where it is not convex."""
    slope = Slope(problem, case)
    Z, terms = np.zeros(slope.shape), case.terms
    still = 0.0 if case.stage is None else _STILL  # where a stage ends
    while True:
        before = Z
        for Z in fista(slope, terms, Z, still):  # noqa: B020
            yield slope.parts(Z)
        if case.stage is None:
            return
        if np.linalg.norm(Z - before) <= _STILL * np.linalg.norm(Z):
            return
        terms = (case.stage(Z),)


def alternate(problem: Problem, case: Case) -> Iterator[list[np.ndarray]]:
    """Yield factors of W, each the best for the other one in turn; squared loss.

    From the singular value decomposition of a light ridge for each task.
    """
    Xs = [X - X.mean(axis=0) for X in problem.data.Xs]
    ys = [y - y.mean() for y in problem.data.targets]
    H = np.array([X.T @ X / len(X) for X in Xs])
    C = np.array([X.T @ y / len(y) for X, y in zip(Xs, ys, strict=True)])
    (T, d), k = C.shape, case.n_components
    ridge_A, ridge_B, entries = case.factors
    top = max(np.linalg.norm(h, 2) for h in H)
    start = np.linalg.solve(H + 0.01 * top * np.eye(d), C[:, :, None])[:, :, 0]
    U, s, Vt = np.linalg.svd(start.T, full_matrices=False)
    A, B = U[:, :k] * np.sqrt(s[:k]), Vt[:k].T * np.sqrt(s[:k])
    for _ in range(_MANY):
        last = A @ B.T
        M, q = A.T @ H @ A, C @ A
        if entries:
            B = sparse_codes(M, q, B, entries)
        else:
            B = np.linalg.solve(M + ridge_B * np.eye(k), q[:, :, None])[:, :, 0]
        system = np.einsum("tk,tij,tl->ikjl", B, H, B, optimize=True)
        system = system.reshape(d * k, d * k) + ridge_A * np.eye(d * k)
        A = np.linalg.solve(system, (C.T @ B).ravel()).reshape(d, k)
        yield [A, B, np.zeros((0, T))]
        if np.linalg.norm(A @ B.T - last) <= _STILL * np.linalg.norm(last):
            return


def sparse_codes(M, q, B, entries):
    """Return the rows b of B with ``b M b' / 2 - q b' + entries |b|_1`` least."""
    top = np.maximum(np.linalg.eigvalsh(M)[:, -1:], 1e-300)
    V, momentum = B, 1.0
    for _ in range(_INNER):
        G = (M @ V[:, :, None])[:, :, 0] - q
        new = soft(V - G / top, entries / top)
        step = new - B
        if np.sum((V - new) * step) > 0:
            momentum = 1.0
        following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        V = new + (momentum - 1.0) / following * step
        B, momentum = new, following
        if np.linalg.norm(step) <= _STILL * np.linalg.norm(B):
            break
    return B


# -- the contest ----------------------------------------------------------------------


@dataclass
class Contest:
    """linmtl against NumPy on one problem."""

    name: str
    loss: str
    size: str
    time_limit: float
    best: dict[str, float] = field(default_factory=dict)  # the lowest of each side
    record: dict = field(default_factory=dict)

    def __post_init__(self):
        from linmtl import stack_tasks

        model = MODELS[self.name]
        self.problem = make_problem(model, self.loss, self.size)
        self.case = model.make(self.problem)
        data = self.problem.data
        self.stacked = stack_tasks(data.Xs, data.targets)
        self.record = {
            "model": self.name,
            "title": model.title,
            "loss": self.loss,
            "convex": self.case.convex,
            "samples": sum(data.n_rows),
            "rows_per_task": [min(data.n_rows), max(data.n_rows)],
            "features": data.n_features,
            "tasks": data.n_tasks,
            "linmtl": {},
            "numpy": {},
        }

    # -- what is reached ----

    def value(self, parts: Sequence[np.ndarray], b: np.ndarray | None) -> float:
        """Return the objective at the parts or factors of W."""
        factored = self.case.factors is not None
        W = parts[0] @ parts[1].T if factored else sum(parts)
        return self.problem.loss_at(W, b) + self.case.penalty(*parts)

    def value_of_model(self, model: Any) -> float:
        if self.case.factors is not None:
            parts = model.components_.T, model.task_codes_
        elif len(self.case.terms) > 1:
            parts = [P.T for P in model.coef_components_.values()]
        else:
            parts = [model.coef_.T]
        return self.value(parts, model.intercept_)

    @cached_property
    def objective(self):
        """The objective of the package, for its lower bound."""
        return self.case.make(TARGET)._read_problem(*self.stacked, None).objective

    def gap(self, point: np.ndarray, value: float) -> float:
        """Return the relative duality gap at W, or at the parts one above the other.

        Of a model that is not convex in the problem of its tangent, solved for that.
        """
        from linmtl.solvers import minimise
        from linmtl.solvers._stages import tangent

        if self.case.convex:
            lower = self.objective.certificate(point).dual
        else:
            convex = tangent(self.objective, point)
            value = convex.value(point)
            options = {"max_iter": _MANY, "scale": self.problem.scale}
            found = minimise(convex, tol=TARGET / 10, W0=point, **options)
            lower = found.objective - found.gap
        return (value - lower) / self.problem.scale

    def excess(self, value: float) -> float:
        return (value - min(self.best.values())) / self.problem.scale

    def target(self, side: str) -> float:
        """Return the objective to come down to."""
        best = self.best.values() if self.case.convex else [self.best[side]]
        return min(best) + TARGET * self.problem.scale

    # -- how long it takes ----

    def run(self, repeats: int) -> dict:
        """Find tolerances and numbers of iterations, then take the times."""
        self._settle_best()
        runs = {}
        for goal, tol in self._choose_tolerances().items():
            runs["linmtl", goal] = partial(self._fit, tol)
        for goal, count in self._count_iterations().items():
            runs["numpy", goal] = partial(self._iterate, count)
        times: dict[tuple, list] = {key: [] for key in runs}
        for _ in range(repeats):
            for key, run in runs.items():
                times[key].append(take_time(run))
        for (side, goal), pairs in times.items():
            wall, process = zip(*pairs, strict=True)
            row = self.record[side][goal]
            row["seconds"], row["process_seconds"] = median(wall), median(process)
        return self.record

    def _fit(self, tol: float) -> Any:
        return self.case.make(tol).fit(*self.stacked)

    def _points(self) -> Iterator[list[np.ndarray]]:
        method = descend if self.case.factors is None else alternate
        return method(self.problem, self.case)

    def _iterate(self, count: int) -> None:
        for _, _ in zip(range(count), self._points(), strict=False):
            pass

    def _settle_best(self) -> None:
        """Solve far beyond the target; where it is not convex, the other way too."""
        tol = _BEST_TOL[0] if self.case.convex else _BEST_TOL[1]
        self.best["linmtl"] = self.value_of_model(self._fit(tol))
        if not self.case.convex:
            self._walk(None)

    def _choose_tolerances(self) -> dict[str, float]:
        """Return the loosest tolerance that reaches each goal."""
        goals = set(GOALS) if self.case.factors is None else {"objective"}
        rows, tolerances = self.record["linmtl"], {}
        for tol in _LADDER:
            model = self._fit(tol)
            value = self.value_of_model(model)
            gap = self.gap(model._solution[1], value) if "gap" in goals else None
            row = {
                "tol": tol,
                "iterations": int(model.n_iter_),
                "solver": model.solver_,
                "gap": gap,
                "excess": self.excess(value),
            }
            for goal in sorted(goals):
                rows[goal] = {**_UNTIMED, **row}
                if self._is_at(goal, "linmtl", gap, value):
                    tolerances[goal] = tol
            goals -= tolerances.keys()
            if not goals:
                break
        return tolerances

    def _count_iterations(self) -> dict[str, int]:
        """Return the number of NumPy's iterates down to each goal."""
        counts = {}
        for goal in GOALS if self.case.convex else ("objective",):
            count, gap, value = self._walk(goal)
            excess = self.excess(value)
            row = {"iterations": count, "gap": gap, "excess": excess}
            self.record["numpy"][goal] = {**_UNTIMED, **row}
            if self._is_at(goal, "numpy", gap, value):
                counts[goal] = count
        return counts

    def _is_at(self, goal: str, side: str, gap: float | None, value: float) -> bool:
        if goal == "gap":
            return gap is not None and gap <= TARGET
        return value <= self.target(side)

    def _walk(self, goal: str | None) -> tuple[int, float | None, float]:
        """Return the number of NumPy's iterates, the last gap and lowest objective."""
        began, lowest, gap = time.perf_counter(), np.inf, None
        for count, (*parts, b) in enumerate(self._points(), 1):  # noqa: B007
            value = self.value(parts, b[0] if len(b) else None)
            lowest = min(lowest, value)
            if goal == "gap":
                gap = self.gap(np.vstack(parts), value)
            if goal is not None and self._is_at(goal, "numpy", gap, lowest):
                break
            if time.perf_counter() - began > self.time_limit:
                break
        self.best["numpy"] = min(self.best.get("numpy", np.inf), lowest)
        return count, gap, lowest


def take_time(run: Callable[[], Any]) -> tuple[float, float]:
    """Return wall and process seconds of a run, the medians of quick ones."""
    wall: list[float] = []
    process: list[float] = []
    gc.collect()
    while not wall or (sum(wall) < _ROUND_SECONDS and len(wall) < _ROUND_RUNS):
        began, began_process = time.perf_counter(), time.process_time()
        run()
        wall.append(time.perf_counter() - began)
        process.append(time.process_time() - began_process)
    return median(wall), median(process)


# -- single proximal operators --------------------------------------------------------


def measure_operators(size: str, repeats: int) -> list[dict]:
    """Return times of a prox over many tasks, and on tall matrices against an SVD."""
    from linmtl.penalties import Clustered, FusedSparseGroup, TraceNorm

    rng = np.random.default_rng(0)
    entries, counts = 1_000_000, (100, 1000, 10_000, 100_000)
    d, T = 20_000, 20
    if size == "small":
        entries, counts, d, T = 10_000, (100, 1000), 500, 5
    rows = []
    for n_tasks in counts:
        shape = entries // n_tasks, n_tasks
        V = plant_steps(rng, *shape) + rng.standard_normal(shape)
        penalty = FusedSparseGroup(0.1, 2.0, 0.1)
        rows.append(_operator("FusedSparseGroup", penalty, V, repeats))
    V = low_rank(rng, d, T, 3) + 0.1 * rng.standard_normal((d, T))
    top = float(np.linalg.norm(V, 2))
    svd = median(
        take_time(lambda: np.linalg.svd(V, full_matrices=False))[0]
        for _ in range(repeats)
    )
    for name, penalty in (
        ("TraceNorm", TraceNorm(0.1 * top)),
        ("Clustered", Clustered(3, 1.0, _ETA)),
    ):
        rows.append(_operator(name, penalty, V, repeats) | {"svd_seconds": svd})
    return rows


def _operator(name: str, penalty: Any, V: np.ndarray, repeats: int) -> dict:
    out = np.empty_like(V)
    penalty.prox(V, 1.0, out)  # compiles
    times = [take_time(lambda: penalty.prox(V, 1.0, out)) for _ in range(repeats)]
    seconds, process = (median(values) for values in zip(*times, strict=True))
    return {
        "operator": name,
        "rows": V.shape[0],
        "tasks": V.shape[1],
        "seconds": seconds,
        "process_seconds": process,
        "ns_per_entry": 1e9 * seconds / V.size,
        "svd_seconds": None,
    }


# -- the tables -----------------------------------------------------------------------

_HEADING = (
    f"{'model':26s}{'loss':10s}"
    f"{'gap: linmtl':>12s}{'NumPy':>9s}{'ratio':>7s}{'steps':>12s}"
    f"{'obj.: linmtl':>14s}{'NumPy':>9s}{'ratio':>7s}{'steps':>12s}{'linmtl at':>11s}"
    f"{'NumPy at':>10s}"
)


def line(row: dict) -> str:
    """Return a line of the table of models; ratios are of process times."""
    text = f"{row['title']:26s}{row['loss']:10s}"
    for goal, width in zip(GOALS, (12, 14), strict=True):
        own, other = (row[side].get(goal, _UNTIMED) for side in ("linmtl", "numpy"))
        times = own["process_seconds"], other["process_seconds"]
        ratio = None if None in times else times[1] / times[0]
        text += f"{_show(own['seconds'], '.4f'):>{width}s}"
        text += f"{_show(other['seconds'], '.4f'):>9s}{_show(ratio, '.3g'):>7s}"
        for side in (own, other):
            text += f"{_show(side.get('iterations'), 'd'):>6s}"
    own, other = (row[side]["objective"]["excess"] for side in ("linmtl", "numpy"))
    return f"{text}{own:>11.0e}{other:>10.0e}"


def _show(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def operator_line(row: dict) -> str:
    text = f"{row['operator']:20s}{row['rows']:>8d}{row['tasks']:>8d}"
    text += f"{row['seconds']:>10.4f}{row['ns_per_entry']:>10.1f}"
    svd = row["svd_seconds"]
    return text if svd is None else text + f"{svd:>12.4f}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formulations")
    add = parser.add_argument
    add("--size", choices=("small", "full"), default="full")
    add("--models", default=",".join(MODELS), help="separated by commas")
    add("--repeats", type=int, default=3)
    add("--time-limit", type=float, default=60.0, help="seconds of one NumPy run")
    add("--output", type=Path, help="JSON file to write")
    options = parser.parse_args(arguments)
    names = [name for name in options.models.split(",") if name]
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        parser.error(f"no such model: {', '.join(unknown)}; there are {list(MODELS)}")
    warnings.simplefilter("ignore")  # of convergence: the benchmark judges that
    machine.limit_threads(1)  # of libraries that are loaded later
    content = machine.describe(threads=1)
    content |= {"size": options.size, "target": TARGET, "rows": [], "operators": []}
    with threadpool_limits(1):
        print(_HEADING)
        for name in names:
            for loss in MODELS[name].losses:
                contest = Contest(name, loss, options.size, options.time_limit)
                content["rows"].append(contest.run(options.repeats))
                print(line(content["rows"][-1]), flush=True)
        print(
            f"\n{'prox':20s}{'rows':>8s}{'tasks':>8s}{'seconds':>10s}{'ns/entry':>10s}"
            f"{'full SVD s':>12s}"
        )
        for row in measure_operators(options.size, options.repeats):
            content["operators"].append(row)
            print(operator_line(row), flush=True)
    print(
        "seconds to a gap and to an objective; ratio: NumPy's process time over "
        "linmtl's;\nat: objective above the best known"
    )
    if options.output:
        report.write_json(options.output, content)


if __name__ == "__main__":
    main()
