"""The tables that every property test runs over: penalties, right and wrong.

A new penalty is one row in `PENALTIES`: its name, the penalty, and the same formula
in cvxpy, written from the documentation and not from the code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import cvxpy as cp
import networkx as nx
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.cluster.hierarchy import linkage

from helpers.convex import least
from linmtl.penalties import (
    L1,
    L21,
    Clustered,
    Deviation,
    Dirty,
    Fused,
    FusedSparseGroup,
    GraphLaplacian,
    GroupL21,
    InfimalConvolution,
    Linf1,
    MeanRegularized,
    NetworkLasso,
    Penalty,
    Ridge,
    RobustFeatures,
    RobustLowRank,
    SharedStructure,
    SparseLowRank,
    Sum,
    TaskL21,
    TaskQuadratic,
    TaskRelationship,
    TemporalGroup,
    TraceNorm,
    TreeGroupL21,
)

# The labels of n tasks; the only task of data without labels is called 0.
LETTERS = list("abcdefgh")


def task_labels(T: int) -> list:
    return LETTERS[:T] if T > 1 else [0]


def nothing(d: int) -> np.ndarray:
    return np.zeros(d, dtype=bool)


@dataclass(frozen=True)
class Case:
    """A penalty and its formula.

    Attributes
    ----------
    name : str
        Its name in test reports.
    make : callable
        (s, d, T) -> the penalty on d features and T tasks, all strengths times s.
    formula : callable
        (W, s) -> the same as an expression of a cvxpy variable W of shape (d, T), or
        the expression and constraints; it is minimised over variables of its own.
    positive : bool
        Whether W >= 0 is a part of the penalty.
    excluded : callable
        d -> mask of the features that the penalty leaves out.
    free : bool
        Whether some direction of W is not penalised: a logistic loss then has an
        optimum only where that direction does not separate the classes.
    """

    name: str
    make: Callable[[float, int, int], Penalty]
    formula: Callable[[Any, float], Any]
    positive: bool = False
    excluded: Callable[[int], np.ndarray] = nothing
    free: bool = False

    def expression(self, W: cp.Variable, s: float = 1.0) -> tuple[Any, list]:
        """Return the cvxpy expression and the constraints of the penalty."""
        out = self.formula(W, s)
        expression, constraints = out if isinstance(out, tuple) else (out, [])
        if self.positive:
            constraints = [*constraints, W >= 0]
        if (left_out := self.excluded(W.shape[0])).any():
            constraints = [*constraints, W[left_out] == 0]
        return expression, constraints

    def allowed(self, W: np.ndarray) -> np.ndarray:
        """Return a point like W where the penalty is finite."""
        W = np.abs(W) if self.positive else W.copy()
        W[self.excluded(len(W))] = 0.0
        return W

    @property
    def minimised(self) -> bool:
        """Whether the formula has variables of its own, over which it is minimised."""
        W = cp.Variable((3, 3))
        return any(v is not W for v in self.expression(W)[0].variables())

    def value(self, W: np.ndarray, s: float = 1.0) -> float:
        """Return the formula at W (signs are not checked)."""
        variable = cp.Variable(W.shape)
        variable.value = W
        expression, constraints = self.expression(variable, s)
        if self.minimised:
            constraints = [*constraints, variable == W]
            return least(expression, constraints)
        return float(np.asarray(expression.value).sum())


# --- what the penalties are made of -------------------------------------------------


def weights(d: int) -> np.ndarray:
    return np.resize([1.0, 0.5, 2.0, 0.7, 1.3], d)


def weights_with_zeros(d: int) -> np.ndarray:
    return np.resize([1.0, 0.0, 2.0, 0.7, 1.3, 1.1, 0.9], d)


def uneven_weights(d: int) -> np.ndarray:
    return np.resize([1.0, 0.02, 30.0, 0.7, 1.3], d)


def infinite(d: int) -> np.ndarray:
    """The second and the fifth feature, of which weights may be infinite."""
    return np.arange(d) % 3 == 1


def weights_with_infinity(d: int) -> np.ndarray:
    return np.where(infinite(d), np.inf, weights(d))


def strengths(T: int) -> np.ndarray:
    return np.resize([0.3, 0.1, 0.7, 0.2], T)


def chain(T: int) -> np.ndarray:
    """A path through the tasks, edges of different weights."""
    weight = np.resize([1.0, 0.5, 2.0], T - 1)
    return np.diag(weight, 1) + np.diag(weight, -1)


def pairs(T: int) -> np.ndarray:
    """Tasks joined two by two: one component each, and a task alone if T is odd."""
    return np.kron(np.eye(T // 2 + 1), [[0.0, 1.0], [1.0, 0.0]])[:T, :T]


def networkx_chain(T: int) -> nx.Graph:
    """`chain` by label, with a task that is not in the data and shuffled nodes."""
    labels = task_labels(T)
    graph = nx.Graph()
    graph.add_nodes_from(["not fitted", *reversed(labels)])
    for i, j in zip(*np.nonzero(np.triu(chain(T))), strict=True):
        graph.add_edge(labels[i], labels[j], weight=chain(T)[i, j])
    graph.add_edge(labels[0], "not fitted", weight=7.0)
    return graph


def frame_chain(T: int) -> pd.DataFrame:
    """`chain` as a DataFrame in another order of the labels."""
    labels = task_labels(T)
    return pd.DataFrame(chain(T), labels, labels).iloc[::-1]


def feature_groups(d: int) -> list[str]:
    return [str(label) for label in np.resize(list("babbca"), d)]


def group_weights(d: int) -> dict[str, float]:
    """By label; one of the groups is free."""
    return {label: {"a": 1.5, "b": 0.7, "c": 0.0}[label] for label in feature_groups(d)}


def task_tree(T: int) -> list:
    """Nested groups of labels, some with weights, the last task in none."""
    labels = task_labels(T)
    if T == 1:
        return []
    return [(labels[::-1], 0.5), labels[1 : T - 1], ([labels[0]], 0.4)]


def task_linkage(T: int) -> np.ndarray:
    """A hierarchical clustering of the tasks; of one task it has no merge."""
    points = np.resize([0.0, 3.0, 0.5, 1.7, 3.9, 5.0, 0.1, 2.2], T)[:, None]
    return linkage(points, "average") if T > 1 else np.empty((0, 4))


def structure(T: int) -> np.ndarray:
    """A matrix R of the penalty ||W R||^2 with two directions that cost nothing."""
    R = np.random.default_rng(5).normal(size=(T, max(T - 2, 1)))
    return R if T > 1 else np.ones((1, 1))


def frame_structure(T: int) -> pd.DataFrame:
    labels = task_labels(T)
    return pd.DataFrame(structure(T) @ structure(T).T, labels, labels).iloc[::-1]


# --- formulas -----------------------------------------------------------------------


def l1(W, weight=None):
    rows = cp.sum(cp.abs(W), axis=1)
    return cp.sum(rows if weight is None else cp.multiply(weight, rows))


def l21(W, weight=None):
    rows = cp.norm(W, 2, axis=1)
    return cp.sum(rows if weight is None else cp.multiply(weight, rows))


def linf1(W, weight=1.0):
    return cp.sum(cp.multiply(weight, cp.max(cp.abs(W), axis=1)))


def group_l21(W, labels, weight=None):
    """By default a group is weighted with the square root of its size."""
    total = 0.0
    for label in sorted(set(labels)):
        rows = [j for j, other in enumerate(labels) if other == label]
        factor = len(rows) ** 0.5 if weight is None else weight[label]
        total += factor * cp.norm(W[rows], "fro")
    return total


def fused(W, weight=1.0):
    change = cp.abs(W[:, 1:] - W[:, :-1]) if W.shape[1] > 1 else 0.0 * cp.abs(W)
    return cp.sum(cp.multiply(weight, cp.sum(change, axis=1)))


def tree_l21(W, tree):
    """Groups by label; a task in none has one of its own, of weight 1."""
    labels = task_labels(W.shape[1])
    groups = [group if isinstance(group, tuple) else (group, 1.0) for group in tree]
    rest = set(labels).difference(*(names for names, _ in groups))
    groups += [([label], 1.0) for label in rest]
    position = [[labels.index(name) for name in names] for names, _ in groups]
    terms = zip(position, groups, strict=True)
    return sum(weight * l21(W[:, columns]) for columns, (_, weight) in terms)


def linkage_l21(W, Z):
    """A node costs s times its children and 1 - s times the norm over its tasks."""
    T = W.shape[1]

    def node(v):
        if v < T:
            return [v], l1(W[:, [v]])
        (left, first), (right, second) = (node(int(child)) for child in Z[v - T, :2])
        s = Z[v - T, 2] / Z[-1, 2]
        columns = left + right
        return columns, s * (first + second) + (1 - s) * l21(W[:, columns])

    return node(2 * T - 2)[1]


def ridge(W, alpha=1.0):
    alpha = np.broadcast_to(alpha, W.shape[1])
    return sum(a / 2 * cp.sum_squares(W[:, t]) for t, a in enumerate(alpha))


def mean_regularized(W, alpha, alpha_mean=0.0, weight=None):
    T = W.shape[1]
    W = weighted_rows(W, weight)
    mean = cp.sum(W, axis=1) / T
    deviations = sum(cp.sum_squares(W[:, t] - mean) for t in range(T))
    return alpha / 2 * deviations + alpha_mean / 2 * T * cp.sum_squares(mean)


def deviation(W, penalty, alpha_mean=0.0, l1_mean=0.0):
    """A penalty on W - m 1', minimised over m."""
    d, T = W.shape
    m = cp.Variable((d, 1))
    on_mean = alpha_mean / 2 * T * cp.sum_squares(m) + l1_mean * cp.sum(cp.abs(m))
    return penalty(W - m @ np.ones((1, T))) + on_mean


def weighted_rows(W, weight):
    """W with its rows times the roots of weights, for forms quadratic in each."""
    return W if weight is None else cp.multiply(np.sqrt(weight)[:, None], W)


def graph(W, adjacency, weight=None):
    T = W.shape[1]
    W = weighted_rows(W, weight)
    edges = [(i, j) for i in range(T) for j in range(i) if adjacency[i, j]]
    # each edge occurs twice in 1/2 sum_ij
    terms = [adjacency[i, j] / 2 * cp.sum_squares(W[:, i] - W[:, j]) for i, j in edges]
    return sum(terms, cp.Constant(0.0))


def network(W, adjacency):
    T = W.shape[1]
    edges = [(i, j) for i in range(T) for j in range(i) if adjacency[i, j]]
    terms = [adjacency[i, j] * cp.norm(W[:, i] - W[:, j], 2) for i, j in edges]
    return sum(terms, cp.Constant(0.0))


def cluster_norm(W, alpha, k, eta, over_tasks=True):
    """Minimised over a matrix M by the general solver; at a point by bisection."""
    if W.value is not None:
        s = np.linalg.svd(W.value, compute_uv=False)
        low, high = 0.0, (1 + eta) / max(s[-1], 1e-300)
        while (mu := (low + high) / 2) not in (low, high):
            m = np.clip(mu * s - eta, 0.0, 1.0)
            low, high = (mu, high) if m.sum() < k else (low, mu)
        m = np.clip(high * s - eta, 0.0, 1.0)
        return cp.Constant(alpha / 2 * np.sum(s**2 / (eta + m)))
    A = W.T if over_tasks else W
    M = cp.Variable((A.shape[0],) * 2, symmetric=True)
    identity = np.eye(A.shape[0])
    bounds = [M >> 0, identity - M >> 0, cp.trace(M) == min(k, *W.shape)]
    return alpha / 2 * cp.matrix_frac(A, eta * identity + M), bounds


# --- right parameters ---------------------------------------------------------------

PENALTIES = [
    Case("L1", lambda s, d, T: L1(0.1 * s), lambda W, s: 0.1 * s * l1(W)),
    Case(
        "L1-weights",
        lambda s, d, T: L1(0.1 * s, feature_weight=weights(d)),
        lambda W, s: 0.1 * s * l1(W, weights(W.shape[0])),
    ),
    Case(
        "L1-zeros",
        lambda s, d, T: L1(0.1 * s, feature_weight=weights_with_zeros(d)),
        lambda W, s: 0.1 * s * l1(W, weights_with_zeros(W.shape[0])),
        free=True,
    ),
    Case(
        "L1-positive",
        lambda s, d, T: L1(0.1 * s, positive=True),
        lambda W, s: 0.1 * s * l1(W),
        positive=True,
    ),
    Case("L21", lambda s, d, T: L21(0.2 * s), lambda W, s: 0.2 * s * l21(W)),
    Case(
        "L21-weights",
        lambda s, d, T: L21(0.2 * s, feature_weight=weights(d)),
        lambda W, s: 0.2 * s * l21(W, weights(W.shape[0])),
    ),
    Case(
        "L21-zeros",
        lambda s, d, T: L21(0.2 * s, feature_weight=weights_with_zeros(d)),
        lambda W, s: 0.2 * s * l21(W, weights_with_zeros(W.shape[0])),
        free=True,
    ),
    Case(
        "L21-positive",
        lambda s, d, T: L21(0.2 * s, positive=True),
        lambda W, s: 0.2 * s * l21(W),
        positive=True,
    ),
    Case(
        "L21-zeros-positive",
        lambda s, d, T: L21(
            0.2 * s, feature_weight=weights_with_zeros(d), positive=True
        ),
        lambda W, s: 0.2 * s * l21(W, weights_with_zeros(W.shape[0])),
        positive=True,
        free=True,
    ),
    Case(
        "TraceNorm", lambda s, d, T: TraceNorm(0.2 * s), lambda W, s: 0.2 * s * trace(W)
    ),
    Case(
        "Clustered",
        lambda s, d, T: Clustered(min(2, T), 0.3 * s, 0.5),
        lambda W, s: cluster_norm(W, 0.3 * s, 2, 0.5),
    ),
    Case(
        "SharedStructure",
        lambda s, d, T: SharedStructure(3, 0.3 * s, 0.1),
        lambda W, s: cluster_norm(W, 0.3 * s, 3, 0.1, over_tasks=False),
    ),
    Case(
        "TaskRelationship",
        lambda s, d, T: TaskRelationship(0.1 * s),
        lambda W, s: 0.1 * s / 2 * cp.square(trace(W)),
    ),
    Case("Ridge", lambda s, d, T: Ridge(0.3 * s), lambda W, s: 0.3 * s * ridge(W)),
    Case(
        "Ridge-array",
        lambda s, d, T: Ridge(s * strengths(T)),
        lambda W, s: s * ridge(W, strengths(W.shape[1])),
    ),
    Case(
        "Ridge-dict",
        lambda s, d, T: Ridge(
            dict(zip(reversed(task_labels(T)), s * strengths(T)[::-1], strict=True))
        ),
        lambda W, s: s * ridge(W, strengths(W.shape[1])),
    ),
    Case(
        "MeanRegularized",
        lambda s, d, T: MeanRegularized(0.5 * s),
        lambda W, s: mean_regularized(W, 0.5 * s),
        free=True,
    ),
    Case(
        "MeanRegularized-weights",
        lambda s, d, T: MeanRegularized(
            0.5 * s, 0.1 * s, feature_weight=uneven_weights(d)
        ),
        lambda W, s: mean_regularized(W, 0.5 * s, 0.1 * s, uneven_weights(W.shape[0])),
    ),
    Case(
        "MeanRegularized-zeros",
        lambda s, d, T: MeanRegularized(0.5 * s, feature_weight=weights_with_zeros(d)),
        lambda W, s: mean_regularized(W, 0.5 * s, 0.0, weights_with_zeros(W.shape[0])),
        free=True,
    ),
    Case(
        "MeanRegularized-alpha_mean",
        lambda s, d, T: MeanRegularized(0.5 * s, 0.1 * s),
        lambda W, s: mean_regularized(W, 0.5 * s, 0.1 * s),
    ),
    Case(
        "Graph-None",
        lambda s, d, T: GraphLaplacian(None, 0.4 * s),
        lambda W, s: mean_regularized(W, 0.4 * s),
        free=True,
    ),
    Case(
        "Graph-array",
        lambda s, d, T: GraphLaplacian(chain(T), 0.4 * s),
        lambda W, s: 0.4 * s * graph(W, chain(W.shape[1])),
        free=True,
    ),
    Case(
        "Graph-sparse",
        lambda s, d, T: GraphLaplacian(sparse.coo_array(chain(T)), 0.4 * s),
        lambda W, s: 0.4 * s * graph(W, chain(W.shape[1])),
        free=True,
    ),
    Case(
        "Graph-frame",
        lambda s, d, T: GraphLaplacian(frame_chain(T), 0.4 * s),
        lambda W, s: 0.4 * s * graph(W, chain(W.shape[1])),
        free=True,
    ),
    Case(
        "Graph-networkx",
        lambda s, d, T: GraphLaplacian(networkx_chain(T), 0.4 * s),
        lambda W, s: 0.4 * s * graph(W, chain(W.shape[1])),
        free=True,
    ),
    Case(
        "Graph-disconnected",
        lambda s, d, T: GraphLaplacian(pairs(T), 0.4 * s),
        lambda W, s: 0.4 * s * graph(W, pairs(W.shape[1])),
        free=True,
    ),
    Case(
        "Ridge-array+Graph-disconnected",
        # penalises the tasks of one component only
        lambda s, d, T: (
            Ridge(s * (np.arange(T) == 0)) + GraphLaplacian(pairs(T), 0.4 * s)
        ),
        lambda W, s: (
            s * ridge(W, 1.0 * (np.arange(W.shape[1]) == 0))
            + 0.4 * s * graph(W, pairs(W.shape[1]))
        ),
        free=True,
    ),
    Case(
        "Graph-weights",
        lambda s, d, T: GraphLaplacian(
            pairs(T), 0.4 * s, feature_weight=uneven_weights(d)
        ),
        lambda W, s: 0.4 * s * graph(W, pairs(W.shape[1]), uneven_weights(W.shape[0])),
        free=True,
    ),
    Case(
        "Graph-zeros+Ridge",
        lambda s, d, T: (
            GraphLaplacian(chain(T), 0.4 * s, feature_weight=weights_with_zeros(d))
            + Ridge(0.1 * s)
        ),
        lambda W, s: (
            0.4 * s * graph(W, chain(W.shape[1]), weights_with_zeros(W.shape[0]))
            + ridge(W, 0.1 * s)
        ),
    ),
    Case(
        "L21+MeanRegularized-weights",
        lambda s, d, T: (
            L21(0.1 * s) + MeanRegularized(0.5 * s, feature_weight=uneven_weights(d))
        ),
        lambda W, s: (
            0.1 * s * l21(W)
            + mean_regularized(W, 0.5 * s, 0.0, uneven_weights(W.shape[0]))
        ),
    ),
    Case(
        "Ridge-array+MeanRegularized",
        lambda s, d, T: Ridge(s * strengths(T)) + MeanRegularized(0.5 * s),
        lambda W, s: s * ridge(W, strengths(W.shape[1])) + mean_regularized(W, 0.5 * s),
    ),
    Case(
        "L21+Ridge",
        lambda s, d, T: L21(0.2 * s) + Ridge(0.1 * s),
        lambda W, s: 0.2 * s * l21(W) + ridge(W, 0.1 * s),
    ),
    Case(
        "L1+L21",
        lambda s, d, T: L1(0.05 * s) + L21(0.1 * s),
        lambda W, s: 0.05 * s * l1(W) + 0.1 * s * l21(W),
    ),
    Case(
        "L21+L1-zeros-positive",
        # features 1 and 2 are free in one of the terms, no feature in both
        lambda s, d, T: (
            L21(0.1 * s, feature_weight=weights_with_zeros(d), positive=True)
            + L1(0.05 * s, feature_weight=weights_with_zeros(d)[::-1])
        ),
        lambda W, s: (
            0.1 * s * l21(W, weights_with_zeros(W.shape[0]))
            + 0.05 * s * l1(W, weights_with_zeros(W.shape[0])[::-1])
        ),
        positive=True,
    ),
    Case(
        "TraceNorm+Ridge",
        lambda s, d, T: TraceNorm(0.2 * s) + Ridge(0.1 * s),
        lambda W, s: 0.2 * s * trace(W) + ridge(W, 0.1 * s),
    ),
    Case(
        "TaskRelationship+Ridge",
        lambda s, d, T: TaskRelationship(0.1 * s) + Ridge(0.1 * s),
        lambda W, s: 0.1 * s / 2 * cp.square(trace(W)) + ridge(W, 0.1 * s),
    ),
    Case(
        "L1+Graph",
        lambda s, d, T: L1(0.1 * s) + GraphLaplacian(chain(T), 0.4 * s),
        lambda W, s: 0.1 * s * l1(W) + 0.4 * s * graph(W, chain(W.shape[1])),
    ),
    Case(
        "L21-zeros+Graph",
        lambda s, d, T: (
            L21(0.2 * s, feature_weight=weights_with_zeros(d))
            + GraphLaplacian(chain(T), 0.4 * s)
        ),
        lambda W, s: (
            0.2 * s * l21(W, weights_with_zeros(W.shape[0]))
            + 0.4 * s * graph(W, chain(W.shape[1]))
        ),
        free=True,
    ),
    Case(
        "L1-zeros-positive+MeanRegularized",
        lambda s, d, T: (
            L1(0.1 * s, feature_weight=weights_with_zeros(d), positive=True)
            + MeanRegularized(0.5 * s)
        ),
        lambda W, s: (
            0.1 * s * l1(W, weights_with_zeros(W.shape[0]))
            + mean_regularized(W, 0.5 * s)
        ),
        positive=True,
        free=True,
    ),
    Case(
        "TraceNorm+MeanRegularized",
        lambda s, d, T: TraceNorm(0.2 * s) + MeanRegularized(0.5 * s),
        lambda W, s: 0.2 * s * trace(W) + mean_regularized(W, 0.5 * s),
    ),
    Case(
        "L1+L21+Ridge+MeanRegularized",
        lambda s, d, T: (
            (L1(0.05 * s) + L21(0.1 * s)) + (Ridge(0.1 * s) + MeanRegularized(0.2 * s))
        ),
        lambda W, s: (
            0.05 * s * l1(W)
            + 0.1 * s * l21(W)
            + ridge(W, 0.1 * s)
            + mean_regularized(W, 0.2 * s)
        ),
    ),
]

PENALTIES += [
    Case(
        "TaskQuadratic",
        lambda s, d, T: TaskQuadratic(structure(T) @ structure(T).T, 0.4 * s),
        lambda W, s: 0.2 * s * cp.sum_squares(W @ structure(W.shape[1])),
        free=True,
    ),
    Case(
        "TaskL21-weights",
        lambda s, d, T: TaskL21(0.3 * s, task_weight=strengths(T)),
        lambda W, s: (
            0.3 * s * cp.sum(cp.multiply(strengths(W.shape[1]), cp.norm(W, 2, axis=0)))
        ),
    ),
    Case(
        "TaskQuadratic-weights",
        lambda s, d, T: TaskQuadratic(
            structure(T) @ structure(T).T, 0.4 * s, feature_weight=weights_with_zeros(d)
        ),
        lambda W, s: (
            0.2
            * s
            * cp.sum_squares(
                weighted_rows(W, weights_with_zeros(W.shape[0])) @ structure(W.shape[1])
            )
        ),
        free=True,
    ),
    Case(
        "TaskQuadratic-frame+Ridge",
        lambda s, d, T: TaskQuadratic(frame_structure(T), 0.4 * s) + Ridge(0.1 * s),
        lambda W, s: (
            0.2 * s * cp.sum_squares(W @ structure(W.shape[1])) + ridge(W, 0.1 * s)
        ),
    ),
    Case(
        "L21-zeros+TaskQuadratic",
        lambda s, d, T: (
            L21(0.2 * s, feature_weight=weights_with_zeros(d))
            + TaskQuadratic(structure(T) @ structure(T).T, 0.4 * s)
        ),
        lambda W, s: (
            0.2 * s * l21(W, weights_with_zeros(W.shape[0]))
            + 0.2 * s * cp.sum_squares(W @ structure(W.shape[1]))
        ),
        free=True,
    ),
    Case(
        "TaskL21",
        lambda s, d, T: TaskL21(0.3 * s),
        lambda W, s: 0.3 * s * cp.sum(cp.norm(W, 2, axis=0)),
    ),
    Case(
        "InfimalConvolution",
        lambda s, d, T: InfimalConvolution(L21(0.2 * s), L1(0.15 * s)),
        lambda W, s: split(W, lambda P: 0.2 * s * l21(P), lambda Q: 0.15 * s * l1(Q)),
    ),
    Case(
        "InfimalConvolution-weights+Ridge",
        lambda s, d, T: (
            InfimalConvolution(
                L21(0.2 * s, feature_weight=weights(d)), TraceNorm(0.3 * s)
            )
            + Ridge(0.1 * s)
        ),
        lambda W, s: (
            split(
                W,
                lambda P: 0.2 * s * l21(P, weights(W.shape[0])),
                lambda Q: 0.3 * s * trace(Q),
            )
            + ridge(W, 0.1 * s)
        ),
    ),
    Case(
        "Dirty",
        lambda s, d, T: Dirty(0.3 * s, 0.15 * s),
        lambda W, s: split(
            W,
            lambda P: 0.3 * s * cp.sum(cp.max(cp.abs(P), axis=1)),
            lambda Q: 0.15 * s * l1(Q),
        ),
    ),
    Case(
        "Deviation-L21",
        lambda s, d, T: Deviation(L21(0.1 * s)),
        lambda W, s: deviation(W, lambda U: 0.1 * s * l21(U)),
        free=True,
    ),
    Case(
        "Deviation-L1-l1",
        lambda s, d, T: Deviation(L1(0.05 * s), alpha_mean_l1=0.1 * s),
        lambda W, s: deviation(W, lambda U: 0.05 * s * l1(U), l1_mean=0.1 * s),
    ),
    Case(
        "Deviation-TraceNorm-alpha_mean",
        lambda s, d, T: Deviation(TraceNorm(0.1 * s), 0.05 * s),
        lambda W, s: deviation(W, lambda U: 0.1 * s * cp.norm(U, "nuc"), 0.05 * s),
    ),
    Case(
        "Deviation-TaskL21",
        lambda s, d, T: Deviation(TaskL21(0.1 * s, task_weight=strengths(T))),
        lambda W, s: deviation(
            W,
            lambda U: (
                0.1
                * s
                * cp.sum(cp.multiply(strengths(U.shape[1]), cp.norm(U, 2, axis=0)))
            ),
        ),
        free=True,
    ),
    Case(
        "Deviation-TraceNorm+MeanRegularized-weights",
        lambda s, d, T: (
            Deviation(TraceNorm(0.1 * s))
            + MeanRegularized(0.2 * s, 0.1 * s, feature_weight=uneven_weights(d))
        ),
        lambda W, s: (
            deviation(W, lambda U: 0.1 * s * cp.norm(U, "nuc"))
            + mean_regularized(W, 0.2 * s, 0.1 * s, uneven_weights(W.shape[0]))
        ),
    ),
    Case(
        "Dirty-l2",
        lambda s, d, T: Dirty(0.2 * s, 0.15 * s, norm="l2"),
        lambda W, s: split(W, lambda P: 0.2 * s * l21(P), lambda Q: 0.15 * s * l1(Q)),
    ),
    Case(
        "Dirty+MeanRegularized",
        lambda s, d, T: Dirty(0.3 * s, 0.15 * s) + MeanRegularized(0.2 * s),
        lambda W, s: (
            split(
                W,
                lambda P: 0.3 * s * cp.sum(cp.max(cp.abs(P), axis=1)),
                lambda Q: 0.15 * s * l1(Q),
            )
            + mean_regularized(W, 0.2 * s)
        ),
    ),
    Case(
        "RobustFeatures",
        lambda s, d, T: RobustFeatures(0.2 * s, 0.3 * s),
        lambda W, s: split(
            W,
            lambda P: 0.2 * s * l21(P),
            lambda Q: 0.3 * s * cp.sum(cp.norm(Q, 2, axis=0)),
        ),
    ),
    Case(
        "RobustLowRank",
        lambda s, d, T: RobustLowRank(0.3 * s, 0.2 * s),
        lambda W, s: split(
            W,
            lambda P: 0.3 * s * trace(P),
            lambda Q: 0.2 * s * cp.sum(cp.norm(Q, 2, axis=0)),
        ),
    ),
    Case(
        "SparseLowRank",
        lambda s, d, T: SparseLowRank(0.1 * s, 0.2 * s),
        lambda W, s: split(W, lambda P: 0.1 * s * l1(P), lambda Q: 0.2 * s * trace(Q)),
    ),
]

PENALTIES += [
    Case(
        "L1-infinite",
        lambda s, d, T: L1(0.1 * s, feature_weight=weights_with_infinity(d)),
        lambda W, s: 0.1 * s * l1(W, weights(W.shape[0])),
        excluded=infinite,
    ),
    Case(
        "L21-infinite+L1-positive+Ridge",
        lambda s, d, T: (
            L21(0.1 * s, feature_weight=weights_with_infinity(d))
            + L1(0.05 * s, positive=True)
            + Ridge(0.1 * s)
        ),
        lambda W, s: (
            0.1 * s * l21(W, weights(W.shape[0])) + 0.05 * s * l1(W) + ridge(W, 0.1 * s)
        ),
        positive=True,
        excluded=infinite,
    ),
    Case(
        "L21-infinite+Fused",
        lambda s, d, T: (
            L21(0.1 * s, feature_weight=weights_with_infinity(d)) + Fused(0.15 * s)
        ),
        lambda W, s: 0.1 * s * l21(W, weights(W.shape[0])) + 0.15 * s * fused(W),
        excluded=infinite,
    ),
    Case(
        "Linf1-infinite",
        lambda s, d, T: Linf1(0.2 * s, feature_weight=weights_with_infinity(d)),
        lambda W, s: 0.2 * s * linf1(W, weights(W.shape[0])),
        excluded=infinite,
    ),
    Case(
        "Linf1-zeros-positive",
        lambda s, d, T: Linf1(
            0.2 * s, feature_weight=weights_with_zeros(d), positive=True
        ),
        lambda W, s: 0.2 * s * linf1(W, weights_with_zeros(W.shape[0])),
        positive=True,
        free=True,
    ),
    Case(
        "Dirty-positive",
        lambda s, d, T: Dirty(0.3 * s, 0.15 * s, positive=True),
        lambda W, s: split(
            W,
            lambda P: 0.3 * s * cp.sum(cp.max(cp.abs(P), axis=1)),
            lambda Q: 0.15 * s * l1(Q),
        ),
        positive=True,
    ),
    Case(
        "GroupL21-zeros-positive",
        lambda s, d, T: GroupL21(
            feature_groups(d), 0.2 * s, group_weight=group_weights(d), positive=True
        ),
        lambda W, s: (
            0.2
            * s
            * group_l21(W, feature_groups(W.shape[0]), group_weights(W.shape[0]))
        ),
        positive=True,
        free=True,
    ),
    Case(
        "GroupL21+L1",
        lambda s, d, T: GroupL21(feature_groups(d), 0.1 * s) + L1(0.05 * s),
        lambda W, s: (
            0.1 * s * group_l21(W, feature_groups(W.shape[0])) + 0.05 * s * l1(W)
        ),
    ),
    Case(
        "L1-zeros-positive+GroupL21-zeros+MeanRegularized",
        # a feature is free only if it is in both terms
        lambda s, d, T: (
            L1(0.05 * s, feature_weight=weights_with_zeros(d), positive=True)
            + GroupL21(feature_groups(d), 0.1 * s, group_weight=group_weights(d))
            + MeanRegularized(0.2 * s)
        ),
        lambda W, s: (
            0.05 * s * l1(W, weights_with_zeros(W.shape[0]))
            + 0.1
            * s
            * group_l21(W, feature_groups(W.shape[0]), group_weights(W.shape[0]))
            + mean_regularized(W, 0.2 * s)
        ),
        positive=True,
        free=True,
    ),
    Case("Linf1", lambda s, d, T: Linf1(0.2 * s), lambda W, s: 0.2 * s * linf1(W)),
    Case(
        "Linf1-zeros",
        lambda s, d, T: Linf1(0.2 * s, feature_weight=weights_with_zeros(d)),
        lambda W, s: 0.2 * s * linf1(W, weights_with_zeros(W.shape[0])),
        free=True,
    ),
    Case(
        "Linf1+Ridge",
        lambda s, d, T: Linf1(0.2 * s, feature_weight=weights(d)) + Ridge(0.1 * s),
        lambda W, s: 0.2 * s * linf1(W, weights(W.shape[0])) + ridge(W, 0.1 * s),
    ),
    Case(
        "GroupL21",
        lambda s, d, T: GroupL21(feature_groups(d), 0.2 * s),
        lambda W, s: 0.2 * s * group_l21(W, feature_groups(W.shape[0])),
    ),
    Case(
        "GroupL21-None",
        lambda s, d, T: GroupL21(None, 0.2 * s),
        lambda W, s: 0.2 * s * l21(W),
    ),
    Case(
        "GroupL21-lists",
        lambda s, d, T: GroupL21([range(1, d), [0]], 0.2 * s, group_weight=[2.0, 0.5]),
        lambda W, s: (
            0.2 * s * (2 * cp.norm(W[1:], "fro") + 0.5 * cp.norm(W[:1], "fro"))
        ),
    ),
    Case(
        "GroupL21-zeros",
        lambda s, d, T: GroupL21(
            feature_groups(d), 0.2 * s, group_weight=group_weights(d)
        ),
        lambda W, s: (
            0.2
            * s
            * group_l21(W, feature_groups(W.shape[0]), group_weights(W.shape[0]))
        ),
        free=True,
    ),
    Case(
        "GroupL21+Graph",
        lambda s, d, T: (
            GroupL21(feature_groups(d), 0.2 * s) + GraphLaplacian(chain(T), 0.4 * s)
        ),
        lambda W, s: (
            0.2 * s * group_l21(W, feature_groups(W.shape[0]))
            + 0.4 * s * graph(W, chain(W.shape[1]))
        ),
    ),
    Case(
        "TreeGroupL21-labels",
        lambda s, d, T: TreeGroupL21(task_tree(T), 0.2 * s),
        lambda W, s: 0.2 * s * tree_l21(W, task_tree(W.shape[1])),
    ),
    Case(
        "TreeGroupL21-linkage",
        lambda s, d, T: TreeGroupL21(task_linkage(T), 0.2 * s),
        lambda W, s: 0.2 * s * linkage_l21(W, task_linkage(W.shape[1])),
    ),
    Case(
        "TreeGroupL21-None+Ridge",
        lambda s, d, T: TreeGroupL21(None, 0.2 * s) + Ridge(0.1 * s),
        lambda W, s: 0.2 * s * l21(W) + ridge(W, 0.1 * s),
    ),
    Case(
        "L1+Fused",
        lambda s, d, T: L1(0.1 * s) + Fused(0.15 * s),
        lambda W, s: 0.1 * s * l1(W) + 0.15 * s * fused(W),
    ),
    Case(
        "Fused-weights+L21",
        lambda s, d, T: (
            Fused(0.15 * s, feature_weight=weights_with_zeros(d)) + L21(0.1 * s)
        ),
        lambda W, s: (
            0.15 * s * fused(W, weights_with_zeros(W.shape[0])) + 0.1 * s * l21(W)
        ),
    ),
    Case(
        "L1+Fused+L21+Ridge",
        lambda s, d, T: (
            L1(0.05 * s, feature_weight=weights(d))
            + Fused(0.1 * s)
            + (L21(0.1 * s) + Ridge(0.1 * s))
        ),
        lambda W, s: (
            0.05 * s * l1(W, weights(W.shape[0]))
            + 0.1 * s * fused(W)
            + 0.1 * s * l21(W)
            + ridge(W, 0.1 * s)
        ),
    ),
    Case(
        "L1+Fused-zeros",
        # features without any penalty
        lambda s, d, T: (
            L1(0.1 * s, feature_weight=weights_with_zeros(d))
            + Fused(0.15 * s, feature_weight=weights_with_zeros(d))
        ),
        lambda W, s: (
            0.1 * s * l1(W, weights_with_zeros(W.shape[0]))
            + 0.15 * s * fused(W, weights_with_zeros(W.shape[0]))
        ),
        free=True,
    ),
    Case(
        "FusedSparseGroup",
        lambda s, d, T: FusedSparseGroup(0.05 * s, 0.15 * s, 0.1 * s),
        lambda W, s: 0.05 * s * l1(W) + 0.15 * s * fused(W) + 0.1 * s * l21(W),
    ),
    Case(
        "TemporalGroup",
        lambda s, d, T: TemporalGroup(0.2 * s, 0.3 * s, 0.1 * s),
        lambda W, s: (
            0.2 * s * l21(W)
            + 0.3 * s / 2 * sum_of_squared_changes(W)
            + ridge(W, 0.1 * s)
        ),
    ),
    Case(
        "NetworkLasso",
        lambda s, d, T: NetworkLasso(None, 0.3 * s),
        lambda W, s: 0.3 * s * network(W, np.ones((W.shape[1],) * 2)) / W.shape[1],
        free=True,
    ),
    Case(
        "NetworkLasso-chain",
        lambda s, d, T: NetworkLasso(chain(T), 0.1 * s),
        lambda W, s: 0.1 * s * network(W, chain(W.shape[1])),
        free=True,
    ),
    Case(
        "NetworkLasso-disconnected+Ridge-array",
        # leaves the shift of one component free
        lambda s, d, T: (
            NetworkLasso(pairs(T), 0.1 * s) + Ridge(0.2 * s * (np.arange(T) == 0))
        ),
        lambda W, s: (
            0.1 * s * network(W, pairs(W.shape[1]))
            + s * ridge(W, 0.2 * (np.arange(W.shape[1]) == 0))
        ),
        free=True,
    ),
]


def sum_of_squared_changes(W):
    return cp.sum_squares(W[:, 1:] - W[:, :-1]) if W.shape[1] > 1 else cp.Constant(0.0)


def trace(W):
    return cp.normNuc(W)


def split(W, first, second):
    """The least of first(P) + second(Q) over P + Q = W."""
    P = cp.Variable(W.shape)
    return first(P) + second(W - P)


# --- wrong parameters ---------------------------------------------------------------


@dataclass(frozen=True)
class Wrong:
    """A penalty that a fit with 5 features and the tasks a, b, c, d must refuse."""

    name: str
    make: Callable[[], Any]
    error: type[Exception]
    match: str


ONE_STRENGTH = (L1, L21, TraceNorm, TaskRelationship, Ridge, MeanRegularized)
BAD_STRENGTHS = [
    (-0.1, ValueError, "alpha must be a finite number >= 0, got -0.1"),
    (np.nan, ValueError, "alpha must be a finite number >= 0, got nan"),
    (10**400, ValueError, "alpha must be a finite number >= 0, got 1000"),
    (np.inf, ValueError, "alpha must be a finite number >= 0, got inf"),
    ("cv", TypeError, "got 'cv'; Auto... and models ...CV choose it"),
    ("0.1", TypeError, "alpha must be a number >= 0, got '0.1'"),
    (True, TypeError, "alpha must be a number >= 0, got True"),
    (None, TypeError, "alpha must be a number >= 0, got None"),
    (1j, TypeError, "alpha must be a number >= 0, got 1j"),
]

WRONG = [
    Wrong(f"{kind.__name__}-{value!r}", partial(kind, value), error, match)
    for kind in ONE_STRENGTH
    for value, error, match in BAD_STRENGTHS
]
WRONG += [
    Wrong(f"{kind.__name__}-{value!r}", partial(kind, None, value), error, match)
    for kind in (GraphLaplacian, NetworkLasso)
    for value, error, match in BAD_STRENGTHS
]
WRONG += [
    Wrong(
        f"MeanRegularized-alpha_mean-{value!r}",
        partial(MeanRegularized, 1.0, value),
        error,
        match.replace("alpha", "alpha_mean"),
    )
    for value, error, match in BAD_STRENGTHS
]
WRONG += [
    Wrong(f"{kind.__name__}-array", partial(kind, [0.1, 0.2]), TypeError, "number >= 0")
    for kind in (L1, L21, TraceNorm, MeanRegularized)
]
WRONG += [
    Wrong(
        f"{kind.__name__}-positive-{value!r}",
        partial(kind, positive=value),
        TypeError,
        "positive must be True or False, got",
    )
    for kind in (L1, L21, Linf1, GroupL21, Dirty)
    for value in ("False", None, np.nan, 1)
]
WRONG += [
    row
    for kind in (L1, L21)
    for row in (
        Wrong(
            f"{kind.__name__}-short-feature_weight",
            partial(kind, feature_weight=[1.0, 2.0]),
            ValueError,
            r"feature_weight has shape \(2,\) but there are 5 features",
        ),
        Wrong(
            f"{kind.__name__}-2d-feature_weight",
            partial(kind, feature_weight=np.ones((5, 1))),
            ValueError,
            r"feature_weight has shape \(5, 1\)",
        ),
        Wrong(
            f"{kind.__name__}-negative-feature_weight",
            partial(kind, feature_weight=[1, 1, 1, 1, -1]),
            ValueError,
            "feature_weight must be >= 0",
        ),
        Wrong(
            f"{kind.__name__}-nan-feature_weight",
            partial(kind, feature_weight=[1, 1, 1, 1, np.nan]),
            ValueError,
            "feature_weight must be >= 0",
        ),
    )
]
WRONG += [
    Wrong(
        "Ridge-length",
        lambda: Ridge([1.0, 2.0]),
        ValueError,
        r"alpha has shape \(2,\) but there are 4 tasks",
    ),
    Wrong(
        "Ridge-negative-entry",
        lambda: Ridge([1.0, 1.0, 1.0, -1.0]),
        ValueError,
        "every alpha must be a finite number >= 0",
    ),
    Wrong(
        "Ridge-nan-entry",
        lambda: Ridge({"a": 1.0, "b": 1.0, "c": 1.0, "d": np.nan}),
        ValueError,
        "every alpha must be a finite number >= 0",
    ),
    Wrong(
        "Ridge-dict-lacks-task",
        lambda: Ridge({"a": 1.0, "b": 1.0}),
        ValueError,
        r"alpha has no value for the tasks \['c', 'd'\]",
    ),
    Wrong(
        "MeanRegularized-mean-only",
        lambda: MeanRegularized(0.0, 1.0),
        ValueError,
        "alpha_mean is positive but alpha is 0",
    ),
    Wrong(
        "Graph-shape",
        lambda: GraphLaplacian(chain(3)),
        ValueError,
        r"graph has shape \(3, 3\) but there are 4 tasks",
    ),
    Wrong(
        "NetworkLasso-shape",
        lambda: NetworkLasso(chain(3)),
        ValueError,
        r"NetworkLasso: graph has shape \(3, 3\) but there are 4 tasks",
    ),
    Wrong(
        "NetworkLasso-part",
        lambda: InfimalConvolution(NetworkLasso(), L1()),
        ValueError,
        "NetworkLasso on the first part leaves shifts of all tasks free",
    ),
    Wrong(
        "Graph-asymmetric",
        lambda: GraphLaplacian(np.triu(chain(4))),
        ValueError,
        "graph must be symmetric",
    ),
    Wrong(
        "Graph-asymmetric-sparse",
        lambda: GraphLaplacian(sparse.csr_array(np.triu(chain(4)))),
        ValueError,
        "graph must be symmetric",
    ),
    Wrong(
        "Graph-directed",
        lambda: GraphLaplacian(nx.DiGraph([("a", "b"), ("c", "d")])),
        ValueError,
        "graph must be symmetric",
    ),
    Wrong(
        "Graph-negative",
        lambda: GraphLaplacian(-chain(4)),
        ValueError,
        "weights of graph must be finite and >= 0",
    ),
    Wrong(
        "Graph-nan",
        lambda: GraphLaplacian(np.where(chain(4) == 2, np.nan, chain(4))),
        ValueError,
        "weights of graph must be finite and >= 0",
    ),
    Wrong(
        "Graph-networkx-lacks-task",
        lambda: GraphLaplacian(nx.Graph([("a", "b"), ("b", "c")])),
        ValueError,
        r"graph has no node for the tasks \['d'\]",
    ),
    Wrong(
        "Graph-frame-lacks-task",
        lambda: GraphLaplacian(frame_chain(3)),
        ValueError,
        r"graph has no node for the tasks \['d'\]",
    ),
    Wrong(
        "Clustered-more-than-tasks",
        lambda: Clustered(5),
        ValueError,
        "n_clusters=5 but there are 4 tasks",
    ),
    *(
        Wrong(f"{kind.__name__}-size-{k!r}", partial(kind, k), error, ">= 1, got")
        for kind in (Clustered, SharedStructure)
        for k, error in [(0, ValueError), (-1, ValueError), (2.0, TypeError)]
        + [(True, TypeError), (None, TypeError)]
    ),
    *(
        Wrong(
            f"{kind.__name__}-eta-{eta!r}",
            partial(kind, 2, 1.0, eta),
            error,
            "eta must",
        )
        for kind in (Clustered, SharedStructure)
        for eta, error in [(0.0, ValueError), (-1, ValueError), (np.nan, ValueError)]
        + [(np.inf, ValueError), ("1", TypeError), (True, TypeError)]
    ),
    *(
        Wrong(f"{kind.__name__}-{value!r}", partial(kind, 2, value), error, message)
        for kind in (Clustered, SharedStructure)
        for value, error, message in BAD_STRENGTHS
    ),
    Wrong(
        "two-norms",
        lambda: L21() + TraceNorm(),
        ValueError,
        "L21 \\+ TraceNorm has no known proximal operator",
    ),
    Wrong(
        "two-norms-in-a-nested-sum",
        lambda: (L1() + Ridge()) + (Ridge() + TraceNorm()),
        ValueError,
        "L1 \\+ TraceNorm has no known proximal operator",
    ),
    Wrong(
        "the-same-norm-twice",
        lambda: L21() + L21(),
        ValueError,
        "L21 \\+ L21 has no known proximal operator",
    ),
    Wrong(
        "three-norms",
        lambda: L1() + L21() + L21(),
        ValueError,
        "L1 \\+ L21 \\+ L21 has no known proximal operator",
    ),
    Wrong(
        "a-wrong-term",
        lambda: L21() + Ridge(-1.0),
        ValueError,
        "Ridge: alpha must be a finite number >= 0",
    ),
    Wrong("a-class", lambda: L21, TypeError, "pass an instance"),
    Wrong("a-string", lambda: "l21", TypeError, "pass an instance"),
    Wrong("a-number", lambda: 0.1, TypeError, "penalty must be a penalty from"),
    Wrong(
        "a-number-in-a-sum",
        lambda: Sum(L21(), 0.1),
        TypeError,
        "penalty must be a penalty from",
    ),
    Wrong("a-class-in-a-sum", lambda: Sum(L21(), Ridge), TypeError, "pass an instance"),
]
WRONG += [
    Wrong(f"{kind.__name__}-{value!r}", partial(kind, value), error, match)
    for kind in (Linf1, Fused, TemporalGroup)
    for value, error, match in BAD_STRENGTHS
]
WRONG += [
    Wrong(f"{kind.__name__}-{value!r}", partial(kind, None, value), error, match)
    for kind in (GroupL21, TreeGroupL21)
    for value, error, match in BAD_STRENGTHS
]
WRONG += [
    Wrong(
        f"{kind.__name__}-{name}-{value!r}",
        partial(kind, **{name: value}),
        error,
        match.replace("alpha", name),
    )
    for kind, name in [
        (FusedSparseGroup, "alpha_l1"),
        (FusedSparseGroup, "alpha_fused"),
        (FusedSparseGroup, "alpha_group"),
        (TemporalGroup, "alpha_smooth"),
        (TemporalGroup, "alpha_ridge"),
    ]
    for value, error, match in BAD_STRENGTHS
]
LEVEL = "Fused alone leaves the level of each feature free; add L1 or L21"
WRONG += [
    Wrong(name, make, ValueError, match)
    for name, make, match in [
        (
            "Linf1-feature_weight",
            lambda: Linf1(feature_weight=[1.0]),
            r"feature_weight has shape \(1,\)",
        ),
        (
            "Fused-feature_weight",
            lambda: L1() + Fused(feature_weight=-np.ones(5)),
            "feature_weight must be >= 0",
        ),
        (
            "Fused-infinite-feature_weight",
            lambda: L1() + Fused(feature_weight=[1, 1, np.inf, 1, 1]),
            "Fused: feature_weight must be finite",
        ),
        ("Fused-alone", lambda: Fused(0.1), LEVEL),
        ("Fused-and-Ridge", lambda: Fused(0.1) + Ridge(0.1), LEVEL),
        ("Fused-and-nothing", lambda: Fused(0.1) + L1(0.0), LEVEL),
        (
            "Fused-and-nothing-for-a-feature",
            lambda: Fused(0.1) + L21(0.1, feature_weight=[1, 1, 0, 1, 0]),
            "strength 0 for 2 of 5 features",
        ),
        (
            "FusedSparseGroup-alone",
            lambda: FusedSparseGroup(0.0, 0.1, 0.0),
            "alpha_fused is positive but alpha_l1 and alpha_group are 0",
        ),
        (
            "Fused-positive",
            lambda: Fused(0.1) + L21(0.1, positive=True),
            r"L21\(positive=True\) is not available together with Fused",
        ),
        (
            "Fused-and-trace-norm",
            lambda: Fused() + TraceNorm(),
            r"Fused \+ TraceNorm has no known proximal operator",
        ),
        ("GroupL21-alpha", lambda: GroupL21(0.1), r"groups has shape \(\)"),
        (
            "GroupL21-short",
            lambda: GroupL21(["a", "b"]),
            r"groups has shape \(2,\) but there are 5 features",
        ),
        (
            "GroupL21-missing-label",
            lambda: GroupL21([0.0, 1.0, np.nan, 1.0, 0.0]),
            "groups has missing labels",
        ),
        (
            "GroupL21-missing-feature",
            lambda: GroupL21([[0, 1], [4]]),
            r"the features \[2, 3\] are in no group",
        ),
        (
            "GroupL21-repeated-feature",
            lambda: GroupL21([[0, 1], [2, 3, 2], [4]]),
            "group 1 has a feature twice",
        ),
        (
            "GroupL21-unknown-feature",
            lambda: GroupL21([[0, 1, 2], [3, 4, 5]]),
            "groups has the feature 5 but there are 5 features",
        ),
        (
            "GroupL21-empty-group",
            lambda: GroupL21([[0, 1, 2, 3, 4], []]),
            "group 1 is empty",
        ),
        (
            "GroupL21-lists-and-labels",
            lambda: GroupL21([[0, 1, 2, 3], "a"]),
            "lists of features beside 'a'",
        ),
        (
            "GroupL21-short-group_weight",
            lambda: GroupL21(list("aabbb"), group_weight=[1.0]),
            r"group_weight has shape \(1,\) but there are 2 groups",
        ),
        (
            "GroupL21-negative-group_weight",
            lambda: GroupL21(list("aabbb"), group_weight=[1.0, -1.0]),
            "group_weight must be >= 0",
        ),
        (
            "GroupL21-dict-lacks-group",
            lambda: GroupL21(list("aabbb"), group_weight={"a": 1.0}),
            r"group_weight has no value for the groups \['b'\]",
        ),
        (
            "TreeGroupL21-unknown-task",
            lambda: TreeGroupL21([["a", "b"], ["c", "z"]]),
            r"tree names the tasks \['z'\], which are not among",
        ),
        (
            "TreeGroupL21-overlap",
            lambda: TreeGroupL21([["a", "b"], ["b", "c"]]),
            r"the groups \['a', 'b'\] and \['b', 'c'\] in tree overlap",
        ),
        (
            "TreeGroupL21-repeated-task",
            lambda: TreeGroupL21([["a", "b", "a"]]),
            "needs at least one task, and each only once",
        ),
        (
            "TreeGroupL21-empty-group",
            lambda: TreeGroupL21([["a", "b"], []]),
            "needs at least one task",
        ),
        (
            "TreeGroupL21-negative-weight",
            lambda: TreeGroupL21([(["a", "b"], -1.0)]),
            r"the weight of the group \['a', 'b'\] must be finite and >= 0, got -1.0",
        ),
        (
            "TreeGroupL21-no-weight-for-a-task",
            lambda: TreeGroupL21([(["a", "b"], 0.0), ["b"]]),
            r"the tasks \['a'\] are in groups of weight 0 only",
        ),
        (
            "TreeGroupL21-linkage-of-more-tasks",
            lambda: TreeGroupL21(task_linkage(6)),
            "the linkage matrix joins 6 tasks but there are 4",
        ),
        (
            "TreeGroupL21-no-linkage",
            lambda: TreeGroupL21(np.ones((3, 4))),
            "tree is not a linkage matrix",
        ),
    ]
]
WRONG += [
    Wrong(name, make, TypeError, match)
    for name, make, match in [
        (
            "GroupL21-fractional-position",
            lambda: GroupL21([[0.0, 1.0], [2, 3, 4]]),
            "a list in groups holds positions of features, got 0.0",
        ),
        (
            "GroupL21-mixed-labels",
            lambda: GroupL21(np.array(["a", "b", 3, "a", None], dtype=object)),
            "the labels in groups mix strings and other objects",
        ),
        (
            "TreeGroupL21-alpha",
            lambda: TreeGroupL21(0.1),
            "tree is 0.1; pass a list of groups",
        ),
        (
            "TreeGroupL21-labels-only",
            lambda: TreeGroupL21(["a", "b"]),
            "tree has the entry 'a'",
        ),
        (
            "TreeGroupL21-text-weight",
            lambda: TreeGroupL21([(["a", "b"], "2")]),
            "must be a number >= 0, got '2'",
        ),
        (
            "TreeGroupL21-nested-lists",
            lambda: TreeGroupL21([["a", "b", ["c", "d"]]]),
            r"a group in tree holds \['c', 'd'\], which is no task label",
        ),
    ]
]


def names(rows: list) -> list[str]:
    """Names of the rows of a table, for pytest's ids."""
    return [row.name for row in rows]
