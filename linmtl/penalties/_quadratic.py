"""Penalties that are quadratic over the tasks: ridge, mean-regularised, graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from linmtl.data._kinds import plain
from linmtl.penalties._base import Penalty
from linmtl.penalties._blocks import Blocks
from linmtl.penalties._parameters import (
    check_feature_weight,
    check_free_intercepts,
    check_intercept_weight,
    check_strength,
    factors,
    is_positive,
    per_task,
    times,
)
from linmtl.penalties._quadratic_form import QuadraticForm


class QuadraticPenalty(Penalty):
    """Base of the penalties ``tr(W K W') / 2``; all follow from K."""

    smooth: ClassVar[bool] = True
    takes_classes: ClassVar[bool] = True

    def quadratic(self, tasks: np.ndarray) -> QuadraticForm:
        raise NotImplementedError

    def on_tasks(self, tasks: np.ndarray, some: np.ndarray) -> np.ndarray:
        """Return K over some of the tasks (positions), the same for all features.

        ``feature_weight`` are factors on it.
        """
        raise NotImplementedError

    def of_classes(self, classes):
        """Return the sum over the classes of this penalty on the tasks that have it."""
        weight: Any = getattr(self, "feature_weight", None)
        if weight is not None:
            check_feature_weight(self, len(weight), excludes=False)
        code = classes.code
        columns = [np.flatnonzero(code == k) for k in np.unique(code)]
        parts = [self.on_tasks(classes.tasks, classes.task[own]) for own in columns]
        return ClassQuadratic(Blocks(columns, parts), weight)

    def without_weights(self) -> Self:
        """Return the penalty with all features alike."""
        return type(self)(**self.get_params(deep=False) | {"feature_weight": None})

    def _form(self, W: np.ndarray) -> QuadraticForm:
        return self.quadratic(np.arange(W.shape[1]))

    def value(self, W):
        return self._form(W).value(W)

    def prox(self, V, step, out):
        form = self._form(V)
        out[...] = form.prox(V, float(step))
        return form.value(out)

    def prox_naive(self, V, step):
        K = self._form(V).dense()
        return np.linalg.solve(np.eye(K.shape[0]) + step * K, V.T).T


class Ridge(QuadraticPenalty):
    """``alpha / 2 * ||W||_F^2``, or ``sum_t alpha_t / 2 * ||w_t||^2``.

    Parameters
    ----------
    alpha : float, array-like of shape (n_tasks,) or dict, default=1.0
        Strength, >= 0; one for all tasks, or one per task in the order of ``tasks_``
        or by label.

    References
    ----------
    Hoerl, Kennard (1970), Ridge regression: biased estimation for nonorthogonal
    problems.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import Ridge
    >>> float(Ridge(alpha=2.0).value(np.array([[1.0, 2.0]])))
    5.0
    """

    def __init__(self, alpha: float | ArrayLike | Mapping[Any, float] = 1.0):
        self.alpha = alpha

    def check(self, n_features, tasks):
        if not isinstance(self.alpha, Mapping) and np.ndim(self.alpha) == 0:
            check_strength(self, "alpha")
            return
        alpha = self._per_task(tasks)
        if alpha.shape != (len(tasks),):
            raise ValueError(
                f"Ridge: alpha has shape {alpha.shape} but there are {len(tasks)} "
                "tasks; pass a number, one value per task, or a dict by task label"
            )
        if not (np.all(np.isfinite(alpha)) and np.all(alpha >= 0)):
            raise ValueError("Ridge: every alpha must be a finite number >= 0")

    def _per_task(self, tasks: np.ndarray) -> np.ndarray:
        return per_task(self.alpha, tasks, "Ridge: alpha")

    def quadratic(self, tasks):
        return QuadraticForm(len(tasks), ridge=self._per_task(tasks))

    def of_classes(self, classes):
        alpha = self._per_task(classes.tasks)
        return Ridge(alpha[classes.task]) if alpha.ndim else self


class MeanRegularized(QuadraticPenalty):
    """``alpha / 2 sum_t ||w_t - w_mean||^2 + alpha_mean / 2 * T ||w_mean||^2``.

    Draws the tasks towards their mean: pooled as alpha grows, independent as it
    vanishes. With ``alpha_mean = alpha`` it is the ridge penalty.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the pull to the mean, >= 0.
    alpha_mean : float, default=0.0
        Strength on the mean itself, >= 0; it may be positive only if alpha is.
    feature_weight : array-like of shape (n_features,), default=None
        A factor >= 0 on both strengths of each feature; 0 leaves it unpenalised. With
        infinity all tasks share its coefficient, which alpha_mean alone penalises.
    intercept_weight : float, default=0.0
        Factor >= 0 on ``alpha`` for the intercepts, which are drawn to their mean; the
        mean is free. 0 leaves each of them free, with infinity all tasks share one.

    Notes
    -----
    With ``alpha=1``, ``feature_weight = noise / variances`` it is the prior of a linear
    mixed model: coefficients of the tasks vary about a common one, each feature's with
    a variance of its own, and so do the intercepts.

    References
    ----------
    Evgeniou, Pontil (2004), Regularized multi-task learning.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import MeanRegularized
    >>> float(MeanRegularized(alpha=1.0).value(np.array([[1.0, 3.0]])))
    1.0
    """

    def __init__(
        self,
        alpha: float = 1.0,
        alpha_mean: float = 0.0,
        *,
        feature_weight: ArrayLike | None = None,
        intercept_weight: float = 0.0,
    ):
        self.alpha = alpha
        self.alpha_mean = alpha_mean
        self.feature_weight = feature_weight
        self.intercept_weight = intercept_weight

    def check(self, n_features, tasks):
        check_strength(self, "alpha")
        check_strength(self, "alpha_mean")
        check_feature_weight(self, n_features)
        check_intercept_weight(self)
        if self.alpha == 0 and self.alpha_mean > 0:
            raise ValueError(
                "MeanRegularized: alpha_mean is positive but alpha is 0, which would "
                "leave the differences between tasks free; give alpha a positive value"
            )

    def quadratic(self, tasks):
        weight = factors(self.feature_weight)
        # a feature that all tasks share has a mean as any other
        on_mean = np.where(np.isinf(weight), 1.0, weight) * self.alpha_mean
        return QuadraticForm(
            len(tasks), centred=times(self.alpha, weight), mean=on_mean
        )

    def on_tasks(self, tasks, some):
        form = QuadraticForm(some.size, centred=self.alpha, mean=self.alpha_mean)
        return form.dense()

    def of_classes(self, classes):
        check_free_intercepts(self)
        return super().of_classes(classes)

    @property
    def draws_intercepts(self) -> bool:
        return is_positive(self.alpha) and is_positive(self.intercept_weight)

    def intercept_form(self, tasks):
        strength = times(self.alpha, self.intercept_weight)
        return QuadraticForm(len(tasks), centred=np.array([strength]))


class GraphLaplacian(QuadraticPenalty):
    """``alpha / 2 * 1/2 sum_ij a_ij ||w_i - w_j||^2`` over the edges of a task graph.

    Parameters
    ----------
    graph : array-like or sparse matrix of shape (n_tasks, n_tasks), DataFrame, \
networkx graph or None, default=None
        Symmetric adjacency a_ij >= 0 between tasks; its diagonal is ignored. An array
        follows the order of ``tasks_``; a DataFrame, what
        :func:`linmtl.similarity.task_graph` returns or a networkx graph (edge
        attribute ``weight``, 1 where there is none) goes by task label, and may have
        more tasks than those fitted. None is the complete graph with weights
        1 / n_tasks, which equals ``MeanRegularized(alpha)``.
    alpha : float, default=1.0
        Strength, >= 0.
    feature_weight : array-like of shape (n_features,), default=None
        A finite factor >= 0 on the strength of each feature; 0 leaves it unpenalised.

    References
    ----------
    Evgeniou, Micchelli, Pontil (2005), Learning multiple tasks with kernel methods.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import GraphLaplacian
    >>> chain = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    >>> float(GraphLaplacian(chain, alpha=1.0).value(np.array([[1.0, 2.0, 4.0]])))
    2.5
    """

    def __init__(
        self,
        graph: Any = None,
        alpha: float = 1.0,
        *,
        feature_weight: ArrayLike | None = None,
    ):
        self.graph = graph
        self.alpha = alpha
        self.feature_weight = feature_weight

    def check(self, n_features, tasks):
        check_strength(self, "alpha")
        check_feature_weight(self, n_features, excludes=False)
        adjacency_of(self.graph, tasks)

    def quadratic(self, tasks):
        weight = factors(self.feature_weight)
        if self.graph is None:
            return QuadraticForm(len(tasks), centred=self.alpha * weight)
        adjacency: Any = adjacency_of(self.graph, tasks)
        return QuadraticForm(
            len(tasks), adjacency=self.alpha * adjacency, weight=weight
        )

    def on_tasks(self, tasks, some):
        if self.graph is None:
            return QuadraticForm(some.size, centred=self.alpha).dense()
        adjacency: Any = adjacency_of(self.graph, tasks)
        part = self.alpha * adjacency[some][:, some]
        return QuadraticForm(some.size, adjacency=part).dense()


class TaskQuadratic(QuadraticPenalty):
    """``alpha / 2 * tr(W K W')`` for a structure matrix K over the tasks.

    Parameters
    ----------
    K : array-like of shape (n_tasks, n_tasks) or DataFrame, default=None
        Symmetric positive semi-definite matrix: ``R @ R.T`` for ``||W R||_F^2``, the
        inverse of a covariance of the tasks for a Gaussian prior. An array follows the
        order of ``tasks_``; a DataFrame or TaskMatrix goes by task label, and may have
        more tasks than those fitted. None is the identity, which equals
        ``Ridge(alpha)``.
    alpha : float, default=1.0
        Strength, >= 0.
    feature_weight : array-like of shape (n_features,), default=None
        A finite factor >= 0 on the strength of each feature; 0 leaves it unpenalised.

    References
    ----------
    Evgeniou, Micchelli, Pontil (2005), Learning multiple tasks with kernel methods.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import TaskQuadratic
    >>> K = np.array([[2.0, -1.0], [-1.0, 2.0]])
    >>> float(TaskQuadratic(K).value(np.array([[1.0, 2.0]])))
    3.0
    """

    def __init__(
        self,
        K: Any = None,
        alpha: float = 1.0,
        *,
        feature_weight: ArrayLike | None = None,
    ):
        self.K = K
        self.alpha = alpha
        self.feature_weight = feature_weight

    def check(self, n_features, tasks):
        check_strength(self, "alpha")
        check_feature_weight(self, n_features, excludes=False)
        if self.K is None:
            return
        K, T = self._matrix(tasks), len(tasks)
        if K.shape != (T, T):
            raise ValueError(
                f"TaskQuadratic: K has shape {K.shape} but there are {T} tasks; pass "
                "an array of shape (n_tasks, n_tasks) in the order of tasks_, or a "
                "DataFrame by task label"
            )
        if not np.all(np.isfinite(K)):
            raise ValueError("TaskQuadratic: K must be finite")
        size = np.abs(K).max(initial=0.0)
        if np.abs(K - K.T).max(initial=0.0) > 1e-10 * size:
            raise ValueError("TaskQuadratic: K must be symmetric")
        least = np.linalg.eigvalsh(K)[0] if T else 0.0
        if least < -1e-10 * T * size:
            raise ValueError(
                "TaskQuadratic: K must be positive semi-definite, its least "
                f"eigenvalue is {least:.3g}"
            )

    def _matrix(self, tasks: np.ndarray) -> np.ndarray:
        labels = np.asarray(tasks).tolist()
        what = "TaskQuadratic: K has no entry"
        if hasattr(self.K, "reorder") and hasattr(self.K, "tasks"):  # a TaskMatrix
            _require_labels(what, labels, np.asarray(self.K.tasks).tolist())
            return self.K.reorder(tasks).values
        if hasattr(self.K, "loc") and hasattr(self.K, "columns"):
            K = _with_plain_labels(self.K)
            for available in (K.index, K.columns):
                _require_labels(what, labels, available)
            return K.loc[labels, labels].to_numpy(dtype=float)
        return np.asarray(self.K, dtype=float)

    def quadratic(self, tasks):
        weight = factors(self.feature_weight)
        if self.K is None and self.feature_weight is None:
            return QuadraticForm(len(tasks), ridge=self.alpha)
        if self.K is None:  # a ridge
            strength = self.alpha * weight
            return QuadraticForm(len(tasks), centred=strength, mean=strength)
        K = self._matrix(tasks)
        return QuadraticForm(
            len(tasks), matrix=self.alpha * (K + K.T) / 2, weight=weight
        )

    def on_tasks(self, tasks, some):
        if self.K is None:
            return self.alpha * np.eye(some.size)
        K = self._matrix(tasks)[np.ix_(some, some)]
        return self.alpha * (K + K.T) / 2


class ClassQuadratic(QuadraticPenalty):
    """``tr(W K W') / 2`` for a matrix with a block for the columns of each class."""

    def __init__(self, K: Blocks, feature_weight: ArrayLike | None = None):
        self.K = K
        self.feature_weight = feature_weight

    def quadratic(self, tasks):
        return QuadraticForm(
            len(tasks), matrix=self.K, weight=factors(self.feature_weight)
        )


def adjacency_of(
    graph: Any, tasks: np.ndarray, name: str = "GraphLaplacian"
) -> sparse.csr_array | None:
    """Return the adjacency of a graph in the order of the tasks, checked.

    Labels are matched for DataFrames, networkx graphs and what
    :func:`linmtl.similarity.task_graph` returns; an array must have one row per task.
    `name` is the penalty's, for messages.
    """
    if graph is None:
        return None
    labels = np.asarray(tasks).tolist()
    T = len(labels)
    if hasattr(graph, "reorder") and hasattr(graph, "tasks"):  # a TaskMatrix
        _require_labels(
            f"{name}: graph has no node", labels, np.asarray(graph.tasks).tolist()
        )
        graph = graph.reorder(tasks).values
    if hasattr(graph, "nodes") and hasattr(graph, "edges"):
        _require_labels(f"{name}: graph has no node", labels, map(plain, graph.nodes))
        A = _adjacency_of_edges(graph, labels)
    elif hasattr(graph, "loc") and hasattr(graph, "columns"):
        graph = _with_plain_labels(graph)
        _require_labels(f"{name}: graph has no node", labels, graph.index)
        _require_labels(f"{name}: graph has no node", labels, graph.columns)
        A = sparse.csr_array(graph.loc[labels, labels].to_numpy(dtype=float))
    else:
        if np.ndim(graph) == 0 and not sparse.issparse(graph):
            raise ValueError(
                f"{name}: graph is {graph!r}; pass an adjacency of shape "
                "(n_tasks, n_tasks), or the strength by name, alpha="
            )
        A = sparse.csr_array(graph, dtype=float, copy=True)
        if A.shape != (T, T):
            raise ValueError(
                f"{name}: graph has shape {A.shape} but there are {T} tasks; "
                "pass an adjacency of shape (n_tasks, n_tasks) in the order of "
                "tasks_, or a DataFrame or networkx graph by task label"
            )
    A.sum_duplicates()
    A.eliminate_zeros()  # an edge of weight zero joins nothing
    if A.nnz and not (np.all(np.isfinite(A.data)) and A.data.min() >= 0):
        raise ValueError(f"{name}: the weights of graph must be finite and >= 0")
    difference = abs(A - A.T)
    if difference.nnz and difference.max() > 1e-10 * A.data.max():
        raise ValueError(
            f"{name}: graph must be symmetric; pass (A + A.T) / 2 if its "
            "directions do not matter"
        )
    return A


def _adjacency_of_edges(graph: Any, labels: list[Any]) -> sparse.csr_array:
    """Return the adjacency of a networkx graph, parallel edges added up."""
    position = {label: i for i, label in enumerate(labels)}
    entries: dict[tuple[int, int], float] = {}
    for first, second, weight in graph.edges(data="weight", default=1.0):
        i, j = position.get(plain(first)), position.get(plain(second))
        if i is None or j is None:
            continue
        entries[i, j] = entries.get((i, j), 0.0) + weight
        if not graph.is_directed() and i != j:
            entries[j, i] = entries.get((j, i), 0.0) + weight
    rows, columns = np.array(list(entries), dtype=int).reshape(-1, 2).T
    values = np.array(list(entries.values()), dtype=float)
    shape = len(labels), len(labels)
    return sparse.csr_array((values, (rows, columns)), shape=shape)


def _with_plain_labels(frame: Any) -> Any:
    """Return a DataFrame by task labels as ``tasks_`` has them."""
    frame = frame.set_axis([plain(label) for label in frame.index], axis=0)
    return frame.set_axis([plain(label) for label in frame.columns], axis=1)


def _require_labels(what: str, labels: list, available: Any) -> None:
    available = set(available)
    missing = [label for label in labels if label not in available]
    if missing:
        raise ValueError(
            f"{what} for the tasks {missing[:5]}; add them, or drop these tasks"
        )
