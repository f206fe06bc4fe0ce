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

from linmtl.penalties import (
    L1,
    L21,
    GraphLaplacian,
    MeanRegularized,
    Penalty,
    Ridge,
    Sum,
    TraceNorm,
)

# The labels of n tasks; the only task of data without labels is called 0.
LETTERS = list("abcdefgh")


def task_labels(T: int) -> list:
    return LETTERS[:T] if T > 1 else [0]


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
        (W, s) -> the same as an expression of a cvxpy variable W of shape (d, T).
    positive : bool
        Whether W >= 0 is a part of the penalty.
    free : bool
        Whether some direction of W is not penalised: a logistic loss then has an
        optimum only where that direction does not separate the classes.
    """

    name: str
    make: Callable[[float, int, int], Penalty]
    formula: Callable[[Any, float], Any]
    positive: bool = False
    free: bool = False

    def expression(self, W: cp.Variable, s: float = 1.0) -> tuple[Any, list]:
        """Return the cvxpy expression and the constraints of the penalty."""
        return self.formula(W, s), [W >= 0] if self.positive else []


# --- what the penalties are made of -------------------------------------------------


def weights(d: int) -> np.ndarray:
    return np.resize([1.0, 0.5, 2.0, 0.7, 1.3], d)


def weights_with_zeros(d: int) -> np.ndarray:
    return np.resize([1.0, 0.0, 2.0, 0.7, 1.3, 1.1, 0.9], d)


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


# --- formulas -----------------------------------------------------------------------


def l1(W, weight=None):
    rows = cp.sum(cp.abs(W), axis=1)
    return cp.sum(rows if weight is None else cp.multiply(weight, rows))


def l21(W, weight=None):
    rows = cp.norm(W, 2, axis=1)
    return cp.sum(rows if weight is None else cp.multiply(weight, rows))


def ridge(W, alpha=1.0):
    alpha = np.broadcast_to(alpha, W.shape[1])
    return sum(a / 2 * cp.sum_squares(W[:, t]) for t, a in enumerate(alpha))


def mean_regularized(W, alpha, alpha_mean=0.0):
    T = W.shape[1]
    mean = cp.sum(W, axis=1) / T
    deviations = sum(cp.sum_squares(W[:, t] - mean) for t in range(T))
    return alpha / 2 * deviations + alpha_mean / 2 * T * cp.sum_squares(mean)


def graph(W, adjacency):
    T = W.shape[1]
    edges = [(i, j) for i in range(T) for j in range(i) if adjacency[i, j]]
    # each edge occurs twice in 1/2 sum_ij
    terms = [adjacency[i, j] / 2 * cp.sum_squares(W[:, i] - W[:, j]) for i, j in edges]
    return sum(terms, cp.Constant(0.0))


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


def trace(W):
    return cp.normNuc(W)


# --- wrong parameters ---------------------------------------------------------------


@dataclass(frozen=True)
class Wrong:
    """A penalty that a fit with 5 features and the tasks a, b, c, d must refuse."""

    name: str
    make: Callable[[], Any]
    error: type[Exception]
    match: str


ONE_STRENGTH = (L1, L21, TraceNorm, Ridge, MeanRegularized)
BAD_STRENGTHS = [
    (-0.1, ValueError, "alpha must be a finite number >= 0, got -0.1"),
    (np.nan, ValueError, "alpha must be a finite number >= 0, got nan"),
    (np.inf, ValueError, "alpha must be a finite number >= 0, got inf"),
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
    Wrong(f"Graph-{value!r}", partial(GraphLaplacian, None, value), error, match)
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
            "feature_weight must be finite and >= 0",
        ),
        Wrong(
            f"{kind.__name__}-nan-feature_weight",
            partial(kind, feature_weight=[1, 1, 1, 1, np.nan]),
            ValueError,
            "feature_weight must be finite and >= 0",
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


def names(rows: list) -> list[str]:
    """Names of the rows of a table, for pytest's ids."""
    return [row.name for row in rows]
