"""K-means of several tasks that share a subspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from linmtl.data._checks import check_choice, check_count, check_number
from linmtl.data._frames import column_named
from linmtl.data._labels import (
    as_task_labels,
    codes_of,
    encode_tasks,
    some,
    split_task_column,
)
from linmtl.data._tables import as_table
from linmtl.data._warn import warn
from linmtl.kernels._jit import kernel, readonly

_MAX_SWEEPS = 1000
_SWEEP_TOL = 1e-12


@kernel
def nonnegative_rows(G, which, B, U, tol, max_sweeps):
    """Minimise u'Gu/2 - b'u over u >= 0 for every row b of B, from the rows of U.

    Coordinate descent: no step goes up. Row i uses the matrix ``G[which[i]]`` and
    ends when no coordinate changes its gradient by more than tol max|b|.
    """
    k = B.shape[1]
    for i in range(B.shape[0]):
        g = which[i]
        largest = 0.0
        for a in range(k):
            largest = max(largest, abs(B[i, a]))
        for _ in range(max_sweeps):
            moved = 0.0
            for a in range(k):
                curvature = G[g, a, a]
                slope = B[i, a]
                for c in range(k):
                    slope -= G[g, a, c] * U[i, c]
                new = 0.0
                if curvature > 0.0:
                    new = max(0.0, U[i, a] + slope / curvature)
                elif B[i, a] >= 0.0:
                    # the objective does not depend on this coordinate
                    new = U[i, a]
                moved = max(moved, abs(new - U[i, a]) * curvature)
                U[i, a] = new
            if moved <= tol * largest:
                break


def _solve_nonnegative(
    G: np.ndarray, which: np.ndarray, B: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Return the rows u >= 0 that minimise u'Gu/2 - b'u, b a row of B."""
    U = np.array(start, dtype=np.float64, order="C")
    nonnegative_rows(
        readonly(np.ascontiguousarray(G)),
        readonly(np.ascontiguousarray(which, dtype=np.int64)),
        readonly(np.ascontiguousarray(B)),
        U,
        _SWEEP_TOL,
        _MAX_SWEEPS,
    )
    return U


@dataclass(frozen=True)
class _Data:
    """Rows sorted by task."""

    X: np.ndarray
    codes: np.ndarray
    n_tasks: int

    def slices(self) -> list[slice]:
        ends = np.cumsum(np.bincount(self.codes, minlength=self.n_tasks))
        return [
            slice(a, b) for a, b in zip([0, *ends[:-1].tolist()], ends, strict=True)
        ]


@dataclass(frozen=True)
class _Model:
    """Centres and subspace."""

    own: np.ndarray  # (n_tasks, k, d)
    pooled: np.ndarray  # (k, d), of all tasks
    components: np.ndarray  # (l, d)
    share: float

    @property
    def shared(self) -> np.ndarray:
        """The pooled centres within the subspace, (k, l)."""
        return self.pooled @ self.components.T

    def costs(self, data: _Data) -> tuple[np.ndarray, np.ndarray]:
        """Return what each row would cost in each cluster, and the shared part."""
        shared = (1 - self.share) * cdist(
            data.X @ self.components.T, self.shared, "sqeuclidean"
        )
        total = shared.copy()
        for t, rows in enumerate(data.slices()):
            total[rows] += self.share * cdist(data.X[rows], self.own[t], "sqeuclidean")
        return total, shared

    def value(self, data: _Data, P: np.ndarray) -> float:
        """Return the objective at assignments P (n, k)."""
        shared = data.X @ self.components.T - P @ self.shared
        total = (1 - self.share) * np.sum(shared**2)
        for t, rows in enumerate(data.slices()):
            total += self.share * np.sum((data.X[rows] - P[rows] @ self.own[t]) ** 2)
        return float(total)

    def soft(self, data: _Data, start: np.ndarray) -> np.ndarray:
        """Return the optimal non-negative assignments."""
        shared = self.shared
        G = self.share * self.own @ self.own.transpose(0, 2, 1)
        G += (1 - self.share) * shared @ shared.T
        B = (1 - self.share) * (data.X @ self.components.T) @ shared.T
        for t, rows in enumerate(data.slices()):
            B[rows] += self.share * data.X[rows] @ self.own[t].T
        return _solve_nonnegative(G, data.codes, B, start)

    def rescaled(self, scale: np.ndarray) -> _Model:
        by_row = scale[:, None]
        return _Model(
            self.own * by_row, self.pooled * by_row, self.components, self.share
        )


@dataclass(frozen=True)
class _Run:
    model: _Model
    history: list[float]
    converged: bool


def _one_hot(labels: np.ndarray, k: int) -> np.ndarray:
    return (labels[:, None] == np.arange(k)).astype(np.float64)


def _centres(P: np.ndarray, X: np.ndarray, absent: np.ndarray) -> np.ndarray:
    """Return the centres that fit X best for assignments P; ``absent`` if unused."""
    weight = P.sum(axis=0)
    # a product with its own transpose is diagonal where clusters do not overlap
    if np.array_equal(P.T @ P, np.diag(weight)):
        out = (P.T @ X) / np.where(weight > 0, weight, 1.0)[:, None]
    else:
        out = np.linalg.lstsq(P, X, rcond=None)[0]
    return np.where(weight[:, None] > 0, out, absent)


def _best_model(
    data: _Data, P: np.ndarray, n_components: int, share: float, absent: np.ndarray
) -> _Model:
    """Return the model that is optimal, all parts at once, for assignments P.

    Given the subspace its centres are the projected centres of all tasks, and what
    remains is least along the smallest eigenvalues of the scatter about those.
    """
    pooled = _centres(P, data.X, absent)
    residual = data.X - P @ pooled
    _, vectors = eigh(residual.T @ residual, subset_by_index=[0, n_components - 1])
    components = vectors.T
    # the sign of an eigenvector is arbitrary
    top = np.abs(components).argmax(axis=1)
    components = components * np.sign(components[np.arange(len(top)), top])[:, None]
    own = np.array([_centres(P[rows], data.X[rows], pooled) for rows in data.slices()])
    return _Model(own, pooled, components, share)


def _seed_labels(
    data: _Data, k: int, within_tasks: bool, random_state: np.random.RandomState
) -> np.ndarray:
    """Return the nearest of k rows chosen by k-means++, perhaps of centred tasks."""
    X = data.X
    if within_tasks:
        X = np.vstack([X[rows] - X[rows].mean(axis=0) for rows in data.slices()])
    seeds, _ = kmeans_plusplus(X, k, random_state=random_state)
    return cdist(X, seeds, "sqeuclidean").argmin(axis=1)


def _escape(
    data: _Data, labels: np.ndarray, model: _Model, floor: float
) -> np.ndarray | None:
    """Return labels of a lower objective where assigning rows one by one ends.

    Names of clusters are exchanged within a task, so that they fit the shared centres,
    or else single rows are moved. None if nothing gains more than ``floor``.
    """
    total, shared = model.costs(data)
    k = total.shape[1]
    out = labels.copy()
    for rows in data.slices():
        exchange = _one_hot(labels[rows], k).T @ shared[rows]
        old, new = linear_sum_assignment(exchange)
        if np.trace(exchange) - exchange[old, new].sum() > floor:
            out[rows] = new[labels[rows]]
    if not np.array_equal(out, labels):
        return out
    value = total[np.arange(len(labels)), labels].sum()
    for by_task in (True, False):
        moved = _single_moves(data, labels, total - shared, shared, floor, by_task)
        if moved is None:
            break
        P = _one_hot(moved, k)
        after = _best_model(data, P, len(model.components), model.share, model.pooled)
        if after.value(data, P) < value - floor:
            return moved
    return None


def _single_moves(
    data: _Data,
    labels: np.ndarray,
    own: np.ndarray,
    shared: np.ndarray,
    floor: float,
    by_task: bool,
) -> np.ndarray | None:
    """Return labels with single rows moved where that gains more than ``floor``.

    Costs count the centres' own moves: leaving a cluster of n rows saves n / (n - 1)
    of the cost, joining one costs n / (n + 1) of it, nothing if it was empty. No two
    moves touch the same cluster; ``by_task`` it may be touched once in every task,
    which is faster, but then the gains in the shared part are estimates.
    """
    n, k = shared.shape
    here = np.arange(n), labels
    size = np.empty((n, k))
    for rows in data.slices():
        size[rows] = np.bincount(labels[rows], minlength=k)
    everywhere = np.broadcast_to(np.bincount(labels, minlength=k), (n, k))
    # a row that is alone is its own centre
    leaves: Any = sum(
        cost[here] * count[here] / np.maximum(count[here] - 1, 1)
        for cost, count in ((own, size), (shared, everywhere))
    )
    joins: Any = sum(
        cost * count / (count + 1)
        for cost, count in ((own, size), (shared, everywhere))
    )
    joins[here] = np.inf
    gain = leaves - joins.min(axis=1)
    target = joins.argmin(axis=1)
    out = labels.copy()
    touched = np.zeros((data.n_tasks if by_task else 1, k), dtype=bool)
    for i in np.argsort(-gain, kind="stable")[: np.count_nonzero(gain > floor)]:
        clusters = touched[data.codes[i] if by_task else 0]
        if not (clusters[labels[i]] or clusters[target[i]]):
            out[i] = target[i]
            clusters[[labels[i], target[i]]] = True
    return None if np.array_equal(out, labels) else out


class MultiTaskKMeans(ClusterMixin, BaseEstimator):
    """K-means of several tasks with a subspace in which they share their centres.

    A task has centres of its own, and the tasks together have centres within a
    subspace of all features. Both belong to the same clusters, so that cluster j means
    the same in every task. Over the assignment of every row x to a cluster j and the
    orthonormal rows of ``components_``, minimised is::

        sum over tasks t and rows x of t:
            task_share ||x - cluster_centers_[t, j]||^2
            + (1 - task_share) ||components_ x - shared_centers_[j]||^2

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters, in every task.
    n_components : int, default=None
        Dimension of the shared subspace. ``None`` is the smaller of the number of
        clusters and the number of features.
    task_share : float, default=0.5
        Weight of the tasks' own centres, from 0 to 1. At 1 every task is clustered by
        itself and the clusters of different tasks have nothing in common.
    assignment : {"hard", "soft"}, default="hard"
        Whether a row belongs to one cluster, or is fitted by a non-negative
        combination of the centres, as in [1]_; ``labels_`` are then the clusters of
        the largest coefficients. Soft assignments need data that are not centred and
        fewer clusters than features, or everything is fitted exactly.
    n_init : int, default=10
        Number of random starts, the best of which counts.
    max_iter : int, default=300
        Most iterations for one start (with soft assignments after as many hard ones).
    tol : float, default=1e-6
        Stop when an iteration lowers the objective by no more than this part of it.
    random_state : int, RandomState instance or None, default=None
        Seed of the starts, which are made by k-means++.
    task_column : str or int, default=None
        The column of X that holds the tasks: a name (DataFrames only) or a position.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        The cluster of each row.
    cluster_centers_ : ndarray of shape (n_tasks, n_clusters, n_features)
        The centres of each task. A cluster without rows in a task has the centre of
        its rows in all tasks.
    shared_centers_ : ndarray of shape (n_clusters, n_components)
        The shared centres, in the coordinates of ``components_``.
    components_ : ndarray of shape (n_components, n_features)
        Orthonormal basis of the shared subspace.
    assignments_ : ndarray of shape (n_samples, n_clusters)
        Coefficients of the centres: one 1 a row if hard; if soft, scaled such that
        the mean of each column is 1 when weighted by the column itself.
    inertia_ : float
        The objective.
    history_ : ndarray
        The objective after each iteration of the best start. It never goes up.
    n_iter_ : int
        Number of iterations of the best start.
    converged_ : bool
        Whether the best start ended before ``max_iter``.
    tasks_ : ndarray of shape (n_tasks,)
        The sorted task labels; [0] if there were none.
    n_features_in_ : int
        Number of columns of X, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X. Only if X is a DataFrame with string names.

    Raises
    ------
    ValueError
        If a parameter is wrong, if there are fewer rows than clusters, or in predict
        if the tasks are missing, superfluous or unknown.

    See Also
    --------
    sklearn.cluster.KMeans : One task and all features.

    Notes
    -----
    An iteration computes all centres and the subspace at their joint optimum (means,
    and eigenvectors of the pooled scatter within the clusters), then the assignments
    at theirs. Where hard assignments do not change any more, names of clusters are
    exchanged within tasks, or single rows are moved together with their centres, if
    that lowers the objective.

    The subspace is where the clusters of all tasks are tightest, whatever lies between
    them: a direction in which X hardly varies at all is chosen first. Unless features
    are of one scale, apply :class:`~sklearn.decomposition.PCA` with ``whiten=True``;
    then tight within clusters is far apart between them.

    References
    ----------
    .. [1] Q. Gu, J. Zhou. Learning the shared subspace for multi-task clustering and
       transductive transfer classification. ICDM 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.unsupervised import MultiTaskKMeans
    >>> rng = np.random.default_rng(0)
    >>> cluster = rng.integers(2, size=60)
    >>> tasks = np.repeat(["a", "b"], 30)
    >>> X = rng.normal(scale=0.3, size=(60, 2))
    >>> X[:, 0] += 4 * cluster  # the same in both tasks
    >>> X[:, 1] += 9 * (tasks == "b")  # the tasks differ here
    >>> model = MultiTaskKMeans(2, n_components=1, random_state=0).fit(X, tasks=tasks)
    >>> bool(abs(np.mean(model.labels_ == cluster) - 0.5) == 0.5)
    True
    >>> first, second = model.predict([[4.0, 0.0], [4.0, 9.0]], tasks=["a", "b"])
    >>> bool(first == second)
    True
    """

    labels_: np.ndarray
    cluster_centers_: np.ndarray
    shared_centers_: np.ndarray
    components_: np.ndarray
    assignments_: np.ndarray
    inertia_: float
    history_: np.ndarray
    n_iter_: int
    converged_: bool
    tasks_: np.ndarray

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        n_components: int | None = None,
        task_share: float = 0.5,
        assignment: Literal["hard", "soft"] = "hard",
        n_init: int = 10,
        max_iter: int = 300,
        tol: float = 1e-6,
        random_state: int | np.random.RandomState | None = None,
        task_column: str | int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.task_share = task_share
        self.assignment = assignment
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.task_column = task_column

    def fit(self, X: Any, y: Any = None, tasks: ArrayLike | None = None) -> Self:
        """Find the clusters.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            The data, with or without a task column.
        y : None
            Ignored.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row; ``None`` is one task. Not together with
            ``task_column``.

        Returns
        -------
        self : MultiTaskKMeans
            The fitted estimator.
        """
        X, labels = self._read(X, tasks, reset=True)
        self._check(X)
        self._single = labels is None
        if labels is None:
            labels = np.zeros(len(X), dtype=np.int64)
        self.tasks_, codes = encode_tasks(labels)
        order = np.argsort(codes, kind="stable")
        data = _Data(X[order], codes[order], len(self.tasks_))
        random_state = check_random_state(self.random_state)
        runs = (self._run(data, i % 2 == 1, random_state) for i in range(self.n_init))
        best = min(runs, key=lambda run: run.history[-1])
        self._model = best.model
        P = self._assignments(data)
        if self.assignment == "soft":
            weight = P.sum(axis=0)
            alive = weight > 0
            scale = np.ones(len(weight))
            scale[alive] = np.sum(P**2, axis=0)[alive] / weight[alive]
            self._model = best.model.rescaled(scale)
            P = self._assignments(data)
        self.assignments_ = np.empty_like(P)
        self.assignments_[order] = P
        self.labels_ = self.assignments_.argmax(axis=1)
        self.cluster_centers_ = self._model.own
        self.shared_centers_ = self._model.shared
        self.components_ = self._model.components
        self.history_ = np.array(best.history)
        self.inertia_ = best.history[-1]
        self.n_iter_ = len(best.history)
        self.converged_ = best.converged
        if not best.converged:
            warn(
                f"{type(self).__name__} did not converge in max_iter={self.max_iter} "
                "iterations; raise max_iter or tol",
                ConvergenceWarning,
            )
        return self

    def fit_predict(
        self, X: Any, y: Any = None, tasks: ArrayLike | None = None
    ) -> np.ndarray:
        """Find the clusters and return the cluster of each row.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            The data, with or without a task column.
        y : None
            Ignored.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row. Not together with ``task_column``.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            ``labels_``.
        """
        return self.fit(X, y, tasks=tasks).labels_

    def predict(self, X: Any, tasks: ArrayLike | None = None) -> np.ndarray:
        """Return the cluster of each row.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            The data, with the columns of the data in fit.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row, one of ``tasks_``. Needed if fit had tasks.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            The cluster of each row.
        """
        check_is_fitted(self)
        X, labels = self._read(X, tasks, reset=False)
        name = type(self).__name__
        if labels is None and not self._single:
            raise ValueError(
                f"{name} was fitted with tasks; pass tasks= with one label per row, or "
                "fit with task_column= so that X carries them"
            )
        if labels is None:
            codes = np.zeros(len(X), dtype=np.int64)
        elif self._single:
            raise ValueError(f"{name} was fitted without tasks; drop tasks=")
        else:
            codes = codes_of(labels, self.tasks_)
            unknown = codes < 0
            if unknown.any():
                raise ValueError(
                    f"tasks has the labels {some(np.unique(labels[unknown]))}, which "
                    f"{name} has not seen in fit; it knows {some(self.tasks_)}: drop "
                    "these rows, or fit with them"
                )
        order = np.argsort(codes, kind="stable")
        P = self._assignments(_Data(X[order], codes[order], len(self.tasks_)))
        out = np.empty(len(X), dtype=np.int64)
        out[order] = P.argmax(axis=1)
        return out

    def _assignments(self, data: _Data) -> np.ndarray:
        k = len(self._model.pooled)
        if self.assignment == "soft":
            return self._model.soft(data, np.zeros((len(data.X), k)))
        return _one_hot(self._model.costs(data)[0].argmin(axis=1), k)

    def _run(
        self, data: _Data, within_tasks: bool, random_state: np.random.RandomState
    ) -> _Run:
        k, share = self.n_clusters, float(self.task_share)
        n_components = self.n_components
        if n_components is None:
            n_components = min(k, data.X.shape[1])
        labels = _seed_labels(data, k, within_tasks, random_state)
        absent = np.broadcast_to(data.X.mean(axis=0), (k, data.X.shape[1]))
        history: list[float] = []
        rounding = np.finfo(np.float64).eps * np.sum(data.X**2)
        converged = False
        while not converged and len(history) < self.max_iter:
            P = _one_hot(labels, k)
            model = _best_model(data, P, n_components, share, absent)
            absent = model.pooled
            total, _ = model.costs(data)
            new = total.argmin(axis=1)
            history.append(float(total.min(axis=1).sum()))
            floor = self.tol * history[-1] + rounding
            slow = len(history) > 1 and history[-2] - history[-1] <= floor
            if slow or np.array_equal(new, labels):
                better = _escape(data, new, model, floor)
                if better is None:
                    converged = True
                else:
                    new = better
            labels = new
        if self.assignment == "hard":
            return _Run(model, history, converged)
        return self._soften(data, _one_hot(labels, k), n_components, absent, history)

    def _soften(
        self,
        data: _Data,
        P: np.ndarray,
        n_components: int,
        absent: np.ndarray,
        history: list[float],
    ) -> _Run:
        """Go on from hard assignments with non-negative ones."""

        def best(P: np.ndarray) -> tuple[float, np.ndarray, _Model]:
            model = _best_model(data, P, n_components, float(self.task_share), absent)
            return model.value(data, P), P, model

        rounding = np.finfo(np.float64).eps * np.sum(data.X**2)
        value, P, model = best(P)
        converged = False
        reach = 1.0
        limit = len(history) + self.max_iter
        while not converged and len(history) < limit:
            near = model.soft(data, P)
            # a longer step the same way, if that is lower still
            far = np.maximum(near + reach * (near - P), 0.0)
            before = value
            value, P, model = min(best(near), best(far), key=lambda point: point[0])
            reach *= 1.5 if P is far else 0.5
            history.append(value)
            converged = before - value <= self.tol * value + rounding
        history.append(model.value(data, model.soft(data, P)))
        return _Run(model, history, converged)

    def _read(
        self, X: Any, tasks: Any, reset: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the features and the task labels, if there are any."""
        X = as_table(X)
        if self.task_column is None:
            with column_named(X, may_be_tasks=reset and tasks is None):
                X = validate_data(self, X, reset=reset, dtype=np.float64)
            return X, None if tasks is None else as_task_labels(tasks, X.shape[0])
        if tasks is not None:
            raise ValueError(
                f"tasks was passed although task_column={self.task_column!r} names a "
                "column of X; use one of the two"
            )
        validate_data(self, X, reset=reset, skip_check_array=True)
        rest, labels, _ = split_task_column(X, self.task_column)
        with column_named(rest):
            X = check_array(rest, estimator=self, input_name="X", dtype="float64")
        return X, labels

    def _check(self, X: np.ndarray) -> None:
        """Check the parameters."""
        name = type(self).__name__
        for parameter in ("n_clusters", "n_init", "max_iter"):
            check_count(f"{name}: {parameter}", getattr(self, parameter))
        check_number(f"{name}: task_share", self.task_share, 0.0, 1.0)
        check_number(f"{name}: tol", self.tol, 0.0, 1.0)
        check_choice(f"{name}: assignment", self.assignment, ("hard", "soft"))
        n, d = X.shape
        if n < self.n_clusters:
            raise ValueError(
                f"n_samples={n} should be >= n_clusters={self.n_clusters}; pass more "
                "rows, or fewer clusters"
            )
        if self.n_components is not None:
            check_count(f"{name}: n_components", self.n_components)
            if self.n_components > d:
                raise ValueError(
                    f"{name}: n_components={self.n_components} but X has {d} features; "
                    f"pass at most {d}"
                )
