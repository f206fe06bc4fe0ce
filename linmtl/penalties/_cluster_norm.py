"""The squared cluster norm: clustered tasks, and a shared low-dimensional structure."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from scipy import linalg

from linmtl.data._checks import is_number, is_whole
from linmtl.kernels._jit import kernel, readonly
from linmtl.penalties._base import DualTerms, Penalty
from linmtl.penalties._by_class import ByClass
from linmtl.penalties._spectral import scale_singular_values, smaller_gram

# Two tasks at this distance, relative to their size, are one for k-means, which sees
# the squares of distances.
_SAME = 1e-6
_RUNS, _MAX_MOVES = 30, 300  # of k-means, and in each
_RANK = 1e-12  # a singular value relative to the largest that is rounding
_MAX_PIECES = 500  # of Newton's method on pieces,
_LAST_MOVE = 1e-15  # and its last move relative to where it is
_NEGLIGIBLE = 1e-100  # a singular value relative to the largest: its inverse is finite


class _ClusterNorm(Penalty):
    """``alpha/2 min_m sum_i s_i^2 / (eta + m_i)``, 0 <= m_i <= 1, sum m_i = k.

    The minimum is at ``m_i = clip(mu s_i - eta, 0, 1)`` for some mu; a subclass gives
    k, which is more than a matrix of full rank can use where it is above the smaller
    side.
    """

    symmetric: ClassVar[bool] = False
    spectral: ClassVar[bool] = True
    _size_name: ClassVar[str]
    alpha: float
    eta: float

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        name, size = type(self).__name__, getattr(self, self._size_name)
        if not is_whole(size):
            raise TypeError(
                f"{name}: {self._size_name} must be an integer >= 1, got {size!r}"
            )
        if size < 1:
            raise ValueError(
                f"{name}: {self._size_name} must be an integer >= 1, got {size!r}"
            )
        if not is_number(self.eta):
            raise TypeError(f"{name}: eta must be a number > 0, got {self.eta!r}")
        if not (self.eta > 0 and np.isfinite(self.eta)):
            raise ValueError(
                f"{name}: eta must be a finite number > 0, got {self.eta!r}; the "
                "smaller, the more the penalty is like a constraint on the rank"
            )

    def _size(self, shape):
        """Return k, at most the number of singular values of such a matrix."""
        return min(getattr(self, self._size_name), *shape)

    def value(self, W):
        if not W.any():  # the null model
            return 0.0
        s = np.linalg.svd(W, compute_uv=False)
        m = _eigenvalues(s, self._size(W.shape), self.eta)
        return self.alpha / 2 * float(np.sum(s**2 / (self.eta + m)))

    def prox(self, V, step, out):
        # With W = V Q diag(x / s) Q', the condition of optimality is
        # x (1 + c / (eta + m)) = s, and m = clip(mu x - eta, 0, 1) then becomes
        # clip(mu s - eta - c, 0, 1) for another mu.
        k, eta, c = self._size(V.shape), float(self.eta), float(step) * self.alpha
        if k == min(V.shape):  # every m is 1: a ridge
            np.multiply(V, (1.0 + eta) / (1.0 + eta + c), out=out)
            return self.alpha / 2 * float(np.sum(out**2)) / (1.0 + eta)

        def rule(s):
            m = eta + _eigenvalues(s, k, eta + c)
            factor = m / (m + c)
            return factor, self.alpha / 2 * float(np.sum((s * factor) ** 2 / m))

        return scale_singular_values(V, rule, out, rest=eta / (eta + c))

    def prox_naive(self, V, step):
        U, s, Vt = np.linalg.svd(V, full_matrices=False)
        k, c = self._size(V.shape), step * self.alpha
        m = np.where(s > 0, 1.0, 0.0)
        if m.sum() > k:
            low, high = 0.0, (1 + self.eta + c) / s[s > 0].min()
            for _ in range(200):
                mu = (low + high) / 2
                m = np.clip(mu * s - self.eta - c, 0.0, 1.0)
                low, high = (mu, high) if m.sum() < k else (low, mu)
        return (U * (s * (self.eta + m) / (self.eta + m + c))) @ Vt

    def dual_norm(self, G):
        """Return infinity: near zero a square is below every linear function."""
        return np.inf if G.any() else 0.0

    def dual_terms(self, D):
        squares = np.maximum(np.linalg.eigvalsh(smaller_gram(D)), 0.0)
        largest = squares[squares.size - self._size(D.shape) :]
        total = self.eta * float(squares.sum()) + float(largest.sum())
        return DualTerms(square=total / (2 * self.alpha))

    def free_rows(self, n_features):
        return np.full(n_features, self.alpha == 0)


class Clustered(_ClusterNorm):
    """``alpha/2 min_M tr(W (eta I + M)^-1 W')``: tasks in clusters.

    The minimum is over matrices M, (n_tasks, n_tasks), with eigenvalues between 0 and 1
    and trace `n_clusters`. Such an M relaxes the projection that replaces the
    coefficients of each task by their mean over the task's cluster: the part of W that
    is the same within clusters costs ``alpha / (2 (1 + eta))`` times its square, and
    the differences within clusters cost ``alpha / (2 eta)`` times theirs.

    Parameters
    ----------
    n_clusters : int, default=2
        Number of clusters, from 1 to the number of tasks. With a single task it is 1
        whatever is given.
    alpha : float, default=1.0
        Strength, >= 0.
    eta : float, default=1.0
        Freedom within clusters, > 0: the differences within cost
        ``(1 + eta) / eta`` times what the means do.

    See Also
    --------
    SharedStructure : The same value, read as a subspace of the features.
    TaskRelationship : Learns a covariance of the tasks without a number of clusters.

    Notes
    -----
    The value depends on the singular values s of W only, as
    ``alpha/2 min_m sum_i s_i^2 / (eta + m_i)`` over 0 <= m_i <= 1 with the sum
    `n_clusters`; its square root is a norm. Value, proximal operator and conjugate are
    exact, and no M is held while solving.

    A fitted estimator has ``task_relation_``, the M of the solution, (n_tasks,
    n_tasks), and ``labels_``, (n_tasks,), the cluster of each task, in order of first
    appearance. Labels are found by k-means on the tasks' coefficients in the space of
    the `n_clusters` leading eigenvectors of M. Tasks with equal coefficients are in
    one cluster; where fewer than `n_clusters` tasks differ, some clusters are missing.

    Of more than two classes the penalty is a sum over the classes, each with clusters
    of the tasks that have it: tasks may be alike in one class and not in another.
    ``labels_`` then is (n_tasks, n_classes), -1 where a task does not have a class, and
    ``task_relation_`` (n_classes, n_tasks, n_tasks), NaN there.

    References
    ----------
    Jacob, Bach, Vert (2009), Clustered multi-task learning: a convex formulation.
    Zhou, Chen, Ye (2011), Clustered multi-task learning via alternating structure
    optimization.
    McDonald, Pontil, Stamos (2016), New perspectives on k-support and cluster norms.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import Clustered
    >>> penalty = Clustered(n_clusters=1, alpha=1.0, eta=0.5)
    >>> float(round(penalty.value(np.array([[3.0, 3.0], [3.0, 3.0]])), 6))  # 36/1.5/2
    12.0
    >>> float(round(penalty.value(np.array([[3.0, -3.0], [3.0, 3.0]])), 6))
    18.0
    """

    _size_name = "n_clusters"

    takes_classes: ClassVar[bool] = True

    def __init__(self, n_clusters: int = 2, alpha: float = 1.0, eta: float = 1.0):
        self.n_clusters = n_clusters
        self.alpha = alpha
        self.eta = eta

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        if self.n_clusters > len(tasks) > 1:
            raise ValueError(
                f"Clustered: n_clusters={self.n_clusters} but there are {len(tasks)} "
                "tasks; ask for as many clusters as tasks at most"
            )

    def of_classes(self, classes):
        return ByClass(self, classes)

    def fitted_attributes(self, W, parts, tasks):
        k, T = self._size((W.shape[1],)), W.shape[1]
        _, s, Qt = linalg.svd(W, full_matrices=False)
        rank = np.count_nonzero(s > _RANK * s.max(initial=0.0))
        s, Q = s[:rank], Qt[:rank].T
        m = _eigenvalues(s, k, float(self.eta))
        relation = (Q * m) @ Q.T
        if rank < k:  # the rest of the trace is of no use: no direction is preferred
            relation += (k - rank) / (T - rank) * (np.eye(T) - Q @ Q.T)
        relation = (relation + relation.T) / 2
        return {
            "task_relation_": relation,
            "labels_": _clusters(Q[:, :k] * s[:k], k),
        }


class SharedStructure(_ClusterNorm):
    """``alpha/2 min_M tr(W' (eta I + M)^-1 W)``: tasks that share a subspace.

    The minimum is over matrices M, (n_features, n_features), with eigenvalues between 0
    and 1 and trace `n_components`: convex alternating structure optimisation (ASO).
    Such an M relaxes the projection onto a subspace: within it the coefficients cost
    ``alpha / (2 (1 + eta))`` times their square, outside ``alpha / (2 eta)``.

    Parameters
    ----------
    n_components : int, default=2
        Dimension of the subspace, >= 1. More than n_features or n_tasks are as good as
        the smaller of them.
    alpha : float, default=1.0
        Strength, >= 0.
    eta : float, default=1.0
        Freedom outside the subspace, > 0: coefficients outside cost
        ``(1 + eta) / eta`` times what those inside do.

    See Also
    --------
    Clustered : The same value, read as clusters of the tasks.
    TraceNorm : Draws towards a subspace without a dimension given.

    Notes
    -----
    The value is that of :class:`Clustered` with as many clusters. A fitted estimator
    has ``components_``, (k, n_features), an orthonormal basis of the subspace: the
    leading eigenvectors of M, which are the leading left singular vectors of W, each
    with a positive entry of largest size. k is the smallest of `n_components`,
    n_features and n_tasks.

    References
    ----------
    Ando, Zhang (2005), A framework for learning predictive structures from multiple
    tasks and unlabeled data.
    Chen, Tang, Liu, Ye (2009), A convex formulation for learning shared structures from
    multiple tasks.

    Examples
    --------
    >>> from linmtl import MultiTaskRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.penalties import SharedStructure
    >>> X, y, tasks = make_multitask_regression(structure="low_rank", random_state=0)
    >>> penalty = SharedStructure(n_components=2, alpha=0.1, eta=0.1)
    >>> model = MultiTaskRegressor(penalty).fit(X, y, tasks)
    >>> bool(model.converged_)
    True
    """

    _size_name = "n_components"

    takes_classes: ClassVar[bool] = True

    def __init__(self, n_components: int = 2, alpha: float = 1.0, eta: float = 1.0):
        self.n_components = n_components
        self.alpha = alpha
        self.eta = eta

    def fitted_attributes(self, W, parts, tasks):
        U, _, _ = linalg.svd(W, full_matrices=False)
        components = U[:, : self._size(W.shape)].T
        largest = np.abs(components).argmax(axis=1)[:, None]
        signs = np.sign(np.take_along_axis(components, largest, axis=1))
        return {"components_": components * signs}


def _clusters(points: np.ndarray, k: int) -> np.ndarray:
    """Return the clusters of the rows by k-means, in order of first appearance."""
    # Rows that are alike are one point, with a weight: they get one label whatever
    # k-means does, and it is not asked for more clusters than there are points.
    distance = _SAME * np.linalg.norm(points, axis=1).max(initial=0.0)
    which = np.full(len(points), -1)
    first = []
    for i in range(len(points)):
        if which[i] < 0:
            near = np.linalg.norm(points - points[i], axis=1) <= distance
            which[near & (which < 0)] = len(first)
            first.append(i)
    if len(first) <= k:
        return which
    labels = _means(points[first], np.bincount(which), k)[which]
    _, position = np.unique(labels, return_index=True)
    return np.argsort(np.argsort(position))[labels]


def _means(points: np.ndarray, weight: np.ndarray, k: int) -> np.ndarray:
    """Return the best labels of some runs of k-means, all at once.

    They start from points drawn far from each other (k-means++). A cluster that loses
    its last point keeps its mean.
    """
    rng = np.random.default_rng(0)
    points = points - points.mean(axis=0)
    size = np.einsum("ij,ij->i", points, points)

    def squares(means):  # of distances, (n_runs, n_means, n_points)
        own = np.einsum("rkj,rkj->rk", means, means)
        return np.maximum(own[:, :, None] - 2.0 * means @ points.T + size, 0.0)

    means = np.empty((_RUNS, k, points.shape[1]))
    nearest = np.ones((_RUNS, len(points)))
    for i in range(k):
        total = np.cumsum(weight * nearest, axis=1)
        drawn = total <= rng.random((_RUNS, 1)) * total[:, -1:]
        means[:, i] = points[np.minimum(drawn.sum(axis=1), len(points) - 1)]
        from_it = squares(means[:, i : i + 1])[:, 0]
        nearest = np.minimum(nearest, from_it) if i else from_it
    labels = np.full(nearest.shape, -1)
    for _ in range(_MAX_MOVES):
        distance = squares(means)
        last, labels = labels, distance.argmin(axis=1)
        if np.array_equal(labels, last):
            break
        member = weight * (labels[:, None] == np.arange(k)[:, None])
        count = member.sum(axis=2, keepdims=True)
        np.divide(member @ points, count, out=means, where=count > 0)
    best = (weight * distance.min(axis=1)).sum(axis=1).argmin()
    return labels[best]


def _eigenvalues(s: np.ndarray, k: int, shift: float) -> np.ndarray:
    """Return ``m = clip(mu s - shift, 0, 1)`` with the sum k.

    Where no more than k of s are positive, there is no such mu: those have m = 1.
    """
    m = np.zeros_like(s)
    largest = s.max(initial=0.0)
    used = s > _NEGLIGIBLE * largest
    if np.count_nonzero(used) <= k:
        m[used] = 1.0
        return m
    scaled = s[used] / largest
    mu = clipped_sum_root(readonly(np.sort(scaled)), float(k), float(shift))
    m[used] = np.clip(mu * scaled - shift, 0.0, 1.0)
    return m


@kernel
def clipped_sum_root(s, k, shift):
    """Return mu such that the sum of ``clip(mu s - shift, 0, 1)`` is k.

    s is positive and ascends. As a function of mu the sum is linear between the points
    where a term leaves 0 or reaches 1: Newton's method goes from piece to piece,
    between bounds that close in.
    """
    low, high = shift / s[s.size - 1], (1.0 + shift) / s[0]
    mu = high
    for _ in range(_MAX_PIECES):
        ones = 0
        count = 0
        total = 0.0  # of terms that are not full: large ones would swamp the small
        for i in range(s.size):
            at = mu * s[i]
            if at >= 1.0 + shift:
                ones += 1
            elif at > shift:
                count += 1
                total += s[i]
        if count == 0 and ones == k:
            return mu
        if ones + mu * total - count * shift < k:
            low = mu
        else:
            high = mu
        new = (k - ones + count * shift) / total if count else 0.0
        if abs(new - mu) <= _LAST_MOVE * mu:
            return new
        if not low < new < high:
            new = math.sqrt(low) * math.sqrt(high) if low > 0.0 else 0.5 * high
            if not low < new < high:
                break
        mu = new
    return mu
