"""Network lasso: tasks joined by an edge become identical, which gives clusters."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from linmtl.kernels._jit import kernel, readonly, reduction
from linmtl.penalties._base import DualTerms, Penalty
from linmtl.penalties._quadratic import adjacency_of
from linmtl.penalties._quadratic_form import QuadraticForm

_SAME = 1e-6  # tasks this close, relative to the largest, are one cluster
# The augmented Lagrangian method: its tolerance relative to the point, and from where
# on steps without progress mean that rounding is all there is; its parameter sigma,
# which grows while steps are slow and Newton's method finds them easily.
_TOL, _NEAR, _MAX_STALLED = 1e-12, 1e-9, 3
_SIGMA, _LARGEST_SIGMA, _GROWTH, _SLOW, _MANY_STEPS = 100.0, 1e4, 5.0, 0.02, 8
_MAX_NEWTON, _MAX_CG, _MAX_HALVINGS = 30, 200, 30
_EFFORT = 200, 500  # steps of projected gradient, then of the augmented Lagrangian
_CG_TOL = 1e-3  # residual of a Newton system, relative
_DENSE_TASKS = 1000  # up to this many, systems over the tasks are dense
# the dual norm is known closely enough where its error is below this part of what it
# is above 1, for a certificate, or of itself; the prox there is all but zero, which
# projected gradients approach slowly
_CLOSE, _EXACT = 0.1, 1e-10
_MAX_STEPS, _CERTIFY_STEPS = 100, 6
_EXACT_EFFORT, _FIRST_EFFORT, _CERTIFY_EFFORT = (0, 500), (0, 8), (50, 0)


class NetworkLasso(Penalty):
    """``alpha * sum_{i<j} a_ij ||w_i - w_j||_2`` over the edges of a task graph.

    A sum of norms, not of squares: tasks joined by an edge become identical where that
    costs little, and the graph falls into clusters of tasks with one model each.

    Parameters
    ----------
    graph : array-like or sparse matrix of shape (n_tasks, n_tasks), DataFrame, \
networkx graph or None, default=None
        Symmetric adjacency a_ij >= 0 between tasks; its diagonal is ignored. An array
        follows the order of ``tasks_``; a DataFrame or a networkx graph (edge
        attribute ``weight``, 1 where there is none) goes by task label, and may have
        more tasks than those fitted. None is the complete graph with weights
        1 / n_tasks.
    alpha : float, default=1.0
        Strength, >= 0.

    See Also
    --------
    GraphLaplacian : Squares of the differences: tasks are alike, never identical.
    Clustered : A number of clusters, and no graph.

    Notes
    -----
    Tasks that are likely to be alike need strong edges: with equal weights on all
    pairs, differences shrink long before clusters form.

    A shift of all tasks of a connected component costs nothing: as alpha grows, the
    solution is one model for each component, not zero. `alpha_max` is infinite; grids
    of strengths start where all tasks of a component agree.

    A fitted estimator has ``labels_``, (n_tasks,), the cluster of each task in order
    of first appearance: tasks with equal coefficients along the edges of the graph.

    References
    ----------
    Hallac, Leskovec, Boyd (2015), Network lasso: clustering and optimization in large
    graphs.
    Sun, Toh, Yuan (2021), Convex clustering: model, theoretical guarantee and efficient
    algorithm.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import NetworkLasso
    >>> chain = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    >>> float(NetworkLasso(chain, alpha=0.5).value(np.array([[1.0, 2.0, 4.0]])))
    1.5
    """

    _edges: _Edges  # of a bound penalty

    def __init__(self, graph: Any = None, alpha: float = 1.0):
        self.graph = graph
        self.alpha = alpha

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        adjacency_of(self.graph, tasks, type(self).__name__)

    def bind(self, tasks):
        adjacency = adjacency_of(self.graph, tasks, type(self).__name__)
        bound = NetworkLasso(adjacency, self.alpha)
        bound._edges = _Edges(adjacency, len(tasks))
        return bound

    def _network(self, n_tasks: int) -> _Edges:
        """Return the edges; those of a bound penalty carry what is known of flows."""
        if hasattr(self, "_edges"):
            return self._edges
        return self.bind(np.arange(n_tasks))._edges

    def value(self, W):
        return self.alpha * self._network(W.shape[1]).length(W)

    def prox(self, V, step, out):
        edges = self._network(V.shape[1])
        strength = float(step) * self.alpha
        Wt, edges.flow = edges.shrink(V, strength, edges.flow)
        out[...] = Wt.T
        return self.alpha * edges.length(out)

    def prox_naive(self, V, step):
        # alternating directions on W and the differences Z along the edges
        edges = self._network(V.shape[1])
        B = edges.incidence.toarray()
        strength = step * self.alpha * edges.weight
        inverse = np.linalg.inv(np.eye(V.shape[1]) + B @ B.T)
        W, Z = V.copy(), V @ B
        U = np.zeros_like(Z)
        for _ in range(100_000):
            before = W
            W = (V + (Z - U) @ B.T) @ inverse
            Z = W @ B + U
            size = np.linalg.norm(Z, axis=0)
            Z = Z * np.maximum(1.0 - strength / np.maximum(size, 1e-300), 0.0)
            U += W @ B - Z
            move = max(np.abs(W - before).max(), np.abs(W @ B - Z).max(initial=0.0))
            if move <= 1e-15 * np.abs(V).max():
                break
        return W

    def dual_norm(self, G):
        """Return the smallest s for which G is the net of a flow within s times alpha.

        Infinite where the columns of G do not sum to zero over each component.
        """
        edges = self._network(G.shape[1])
        sums = edges.component_sums(G)
        if np.abs(sums).max(initial=0.0) > 1e-9 * np.abs(G).sum(axis=1).max(initial=0):
            return np.inf
        return edges.dual_norm(G) / self.alpha

    def dual_terms(self, D):
        """Return the conjugate at the multiples of D, whose columns sum to zero."""
        return DualTerms(norm=self._network(D.shape[1]).certify(D, self.alpha))

    def alpha_max(self, G0):
        return np.inf

    def free_rows(self, n_features):
        edges = getattr(self, "_edges", None)
        joins_nothing = edges is not None and edges.weight.size == 0
        return np.full(n_features, self.alpha == 0 or joins_nothing)

    def null_form(self, n_tasks):
        return self._network(n_tasks).potential

    def fitted_attributes(self, W, parts, tasks):
        return {"labels_": self._network(W.shape[1]).clusters(W)}


class _Edges:
    """The edges of a graph over tasks by position, and problems on its flows.

    A flow has a vector u_e, (n_features,), for each edge e from task i to j; with the
    incidence B its net is ``U B'``: what leaves each task less what arrives there.
    Flows and coefficients are held with one row per edge or task.

    Parameters
    ----------
    adjacency : sparse array of shape (n_tasks, n_tasks) or None
        The graph, symmetric; None is the complete graph with weights 1 / n_tasks.
    n_tasks : int
        Number of tasks.

    Attributes
    ----------
    flow, dual_flow : ndarray of shape (n_edges, n_features) or None
        Flows of the last prox and the last certificate relative to the strength, to
        start from.
    """

    def __init__(self, adjacency: sparse.csr_array | None, n_tasks: int):
        if adjacency is None:
            i, j = np.triu_indices(n_tasks, 1)
            weight = np.full(i.size, 1.0 / n_tasks)
        else:
            upper = sparse.coo_array(sparse.triu(adjacency, 1))
            i, j, weight = upper.row, upper.col, upper.data
        self.ends = readonly(i.astype(np.int64)), readonly(j.astype(np.int64))
        self.weight = np.ascontiguousarray(weight, dtype=float)
        self.n_tasks, self.n_edges = n_tasks, i.size
        ends = np.concatenate(self.ends)
        edge = np.tile(np.arange(self.n_edges), 2)
        sign = np.repeat([1.0, -1.0], self.n_edges)
        shape = (n_tasks, self.n_edges)
        self.incidence = sparse.csr_array((sign, (ends, edge)), shape=shape)
        self.flow: np.ndarray | None = None
        self.dual_flow: np.ndarray | None = None
        self._sigma = _SIGMA

    def _joined(self, chosen: np.ndarray) -> tuple[int, np.ndarray]:
        """Return number and label of the components that these edges make."""
        ends = tuple(end[chosen] for end in self.ends)
        graph = sparse.coo_array(
            (np.ones(ends[0].size), ends), shape=(self.n_tasks, self.n_tasks)
        )
        return connected_components(graph, directed=False)

    @cached_property
    def _component(self) -> tuple[int, np.ndarray]:
        return self._joined(np.ones(self.n_edges, dtype=bool))

    @cached_property
    def components(self) -> list[np.ndarray]:
        """The tasks of each connected component."""
        count, label = self._component
        return [np.flatnonzero(label == c) for c in range(count)]

    def component_sums(self, G: np.ndarray) -> np.ndarray:
        """Return the sums of the columns of G over each component."""
        return np.add.reduceat(
            G[:, np.concatenate(self.components)],
            np.cumsum([0, *map(len, self.components[:-1])]),
            axis=1,
        )

    @cached_property
    def potential(self) -> QuadraticForm:
        """The form ``sum_e a_e^2 ||w_i - w_j||^2 / 2``."""
        # of the flows with a given net, that with the smallest sum of the squares of
        # ||u_e|| / a_e is a_e^2 times the differences of potentials
        A = sparse.coo_array((self.weight**2, self.ends), (self.n_tasks,) * 2)
        return QuadraticForm(self.n_tasks, adjacency=sparse.csr_array(A + A.T))

    def length(self, W: np.ndarray) -> float:
        """Return ``sum_e a_e ||w_i - w_j||``."""
        return float(self._distances(np.ascontiguousarray(W.T)) @ self.weight)

    def _distances(self, Wt):
        out = np.empty(self.n_edges)
        edge_lengths(readonly(Wt), *self.ends, out)
        return out

    def clusters(self, W: np.ndarray) -> np.ndarray:
        """Return the label of each task: those joined by equal coefficients."""
        distance = self._distances(np.ascontiguousarray(W.T))
        largest = np.linalg.norm(W, axis=0).max(initial=0.0)
        return self._joined(distance <= _SAME * largest)[1]

    @cached_property
    def _step_sizes(self) -> np.ndarray:
        """Step of each edge for a gradient method on flows, as long as it may be."""
        # with B and the degrees k of the edges, B'B <= top diag(k)
        degree = np.bincount(np.concatenate(self.ends), minlength=self.n_tasks)
        k = (degree[self.ends[0]] + degree[self.ends[1]]).astype(float)
        top = 1.0
        if self.n_tasks <= _DENSE_TASKS:
            B = self.incidence
            scaled = (B @ sparse.diags_array(1.0 / k) @ B.T).toarray()
            top = float(np.linalg.eigvalsh(scaled)[-1])
        return readonly(1.0 / (top * k))

    # --- prox ---------------------------------------------------------------------

    def shrink(
        self,
        V: np.ndarray,
        strength: float,
        flow: np.ndarray | None,
        effort: tuple[int, int] = _EFFORT,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the prox, transposed, and the flow relative to the strength.

        Over flows u_e of length at most ``c_e = strength a_e``: accelerated projected
        gradient, and where that is slow the augmented Lagrangian method with a
        semismooth Newton method for the steps. Exact up to rounding, and fast from a
        flow near the solution. `flow` is such a flow.
        """
        Vt = np.array(V.T, order="C")
        size = float(np.abs(Vt).max(initial=0.0))
        if strength == 0.0 or self.n_edges == 0 or size == 0.0 or not np.isfinite(size):
            return Vt, flow
        c = strength * self.weight
        if flow is None or flow.shape[1] != Vt.shape[1]:
            U = np.zeros((self.n_edges, Vt.shape[1]))
        else:
            U = strength * flow
        c, inside = readonly(c), np.empty(self.n_edges, dtype=bool)
        work = np.empty_like(U), np.empty_like(U), np.empty_like(Vt)
        edges = *self.ends, c, self._step_sizes
        flow_descent(readonly(Vt), *edges, _TOL * size, effort[0], U, *work)
        last, best, stalled, steps = np.inf, np.inf, 0, 0
        for outer in range(effort[1] + 1):
            Wt = Vt - self.incidence @ U
            residual = optimality(readonly(Wt), readonly(U), *self.ends, c, inside)
            near = residual <= _NEAR * size
            stalled = stalled + 1 if near and residual > 0.5 * best else 0
            best = min(residual, best)
            close = residual <= _TOL * size or stalled == _MAX_STALLED
            if close or outer == effort[1]:
                break
            if steps > _MANY_STEPS:
                self._sigma = max(self._sigma / _GROWTH, 1.0)
            elif residual > _SLOW * last:
                self._sigma = min(_GROWTH * self._sigma, _LARGEST_SIGMA)
            # differences along edges are rounded, and multiplied by sigma
            rounding = np.finfo(float).eps * size / residual
            sigma = min(self._sigma, max(0.01 / rounding, 1.0))
            last = residual
            tol = max(0.02 * residual, 0.1 * _TOL * size)
            U, steps = self._step(Vt, Wt, U, c, sigma, tol)
        if inside.any():  # what is joined is equal up to rounding: make it so
            count, label = self._joined(inside)
            if count < self.n_tasks:
                mean = np.zeros((count, Wt.shape[1]))
                np.add.at(mean, label, Wt)
                Wt = (mean / np.bincount(label)[:, None])[label]
        return Wt, U / strength

    def _step(self, Vt, Wt, U, c, sigma, tol):
        """Return the flow after one step of the method, and Newton's steps in it."""
        arguments = readonly(Vt), readonly(U), *self.ends, c, float(sigma)

        def evaluate(Wt):
            P, factor, G = np.empty_like(U), np.empty(len(c)), np.empty_like(Vt)
            value = lagrangian(readonly(Wt), *arguments, P, factor, G)
            return value, float(np.abs(G).max()), P, factor, G

        at, steps = evaluate(Wt), 0
        while steps < _MAX_NEWTON:
            value, size, P, factor, G = at
            if size <= tol:
                break
            D = self._direction(P, factor, c, sigma, G)
            slope, t = float(np.vdot(G, D)), 1.0
            visible = -slope > 1e-14 * value  # and not only in the gradient
            for _ in range(_MAX_HALVINGS):
                trial = evaluate(Wt + t * D)
                lower = visible and trial[0] <= value + 1e-4 * t * slope
                if lower or trial[1] <= 0.5 * size:
                    break
                t /= 2
            else:  # nothing left but rounding
                break
            Wt, at, steps = Wt + t * D, trial, steps + 1
        return at[2], steps

    def _direction(self, P, factor, c, sigma, G):
        """Return the Newton step, by conjugate gradients over the tasks."""
        solve = self._preconditioner(factor, sigma, P.shape[1])
        arguments = readonly(P), readonly(factor), c, *self.ends, float(sigma)
        D, R = np.zeros_like(G), -G
        Z = solve(R)
        Q, H = Z, np.empty_like(G)
        product = float(np.vdot(R, Z))
        stop = _CG_TOL**2 * product
        for _ in range(_MAX_CG):
            hessian_product(readonly(Q), *arguments, H)
            t = product / float(np.vdot(Q, H))
            D += t * Q
            R -= t * H
            Z = solve(R)
            following = float(np.vdot(R, Z))
            if following <= stop:
                break
            Q = Z + (following / product) * Q
            product = following
        return D

    def _preconditioner(self, factor, sigma, d):
        """Return a solver with the mean curvature of each edge for its matrix."""
        T, (i, j) = self.n_tasks, self.ends
        w = sigma * np.where(factor < 1.0, factor * (1.0 - 1.0 / d), 1.0)
        if T <= _DENSE_TASKS:
            A = np.zeros((T, T))
            A[i, j] = -w
            A[j, i] = -w
            A[np.diag_indices(T)] = 1.0 - A.sum(axis=1)
            L = linalg.cho_factor(A, lower=True, overwrite_a=True, check_finite=False)
            return lambda R: linalg.cho_solve(L, R, check_finite=False)
        B = self.incidence
        A = sparse.eye_array(T) + B @ sparse.diags_array(w) @ B.T
        return splu(sparse.csc_array(A)).solve

    # --- dual norm ----------------------------------------------------------------

    def dual_norm(self, G: np.ndarray) -> float:
        """Return the smallest s with ``G = U B'`` for a flow with ||u_e|| <= s a_e.

        The columns of G sum to zero over each component.
        """
        potential = self.potential.pseudo_inverse(G)
        length = self.length(potential)
        if length == 0.0:
            return 0.0
        start = float(np.vdot(G, potential)) / length
        return self._squeeze(
            G, start, [], _MAX_STEPS, _EXACT_EFFORT, lambda low, high: _EXACT * high
        )

    def certify(self, D: np.ndarray, alpha: float) -> float:
        """Return the same over alpha, or an upper bound that is close near 1."""
        flows = [flow for flow in (self.flow, self.dual_flow) if flow is not None]
        # in a solver, flows of its proxes tend to the solution and close the gap
        effort = _FIRST_EFFORT if self.flow is None else _CERTIFY_EFFORT
        bound = self._squeeze(
            D,
            alpha,
            [flow for flow in flows if flow.shape[1] == len(D)],
            _CERTIFY_STEPS,
            effort,
            lambda low, high: max(_CLOSE * (high - alpha), _EXACT * alpha),
            enough=alpha,
        )
        return bound / alpha

    def _squeeze(self, G, s, flows, max_steps, effort, allowed, enough=0.0):
        """Return an upper bound of the dual norm, near enough to a lower bound.

        The dual norm is the largest ``<G, W> / length(W)``. Dinkelbach's method: from
        s, the prox W gives a larger s, until it is zero; its flow, mended to have the
        net G, gives an upper bound. Where W is nothing but rounding, s is halfway.
        """
        low, high, best = 0.0, np.inf, None
        for flow in flows:
            bound, mended = self._mended(G, s * flow)
            if bound < high:
                high, best = bound, mended
        for _ in range(max_steps):
            if high <= enough:
                break
            Wt, flow = self.shrink(G, s, best, effort)  # any flow gives a bound
            if flow is None:  # G is zero, or not finite
                return float(np.abs(G).max(initial=0.0))
            bound, mended = self._mended(G, s * flow)
            if bound < high:
                high, best = bound, mended
            W = Wt.T
            length = self.length(W)
            ratio = float(np.vdot(G, W)) / length if length > 0.0 else 0.0
            low = max(low, ratio)
            if high - low <= allowed(low, high):
                break
            s = ratio if s < ratio < high else (low + high) / 2
        self.dual_flow = best
        return high

    def _mended(self, G, U):
        """Return the most that a flow with the net G, made of U, has relative to a_e.

        And that flow, relative to it.
        """
        rest = self.potential.pseudo_inverse(G - (self.incidence @ U).T).T
        i, j = self.ends
        flow = U + (rest[i] - rest[j]) * self.weight[:, None] ** 2
        bound = float((np.linalg.norm(flow, axis=1) / self.weight).max())
        return bound, flow / bound if bound > 0.0 else flow


@kernel
def edge_lengths(Wt, i, j, out):
    """out_e = ||w_i - w_j||."""
    for e in range(i.size):
        square = 0.0
        for k in range(Wt.shape[1]):
            difference = Wt[i[e], k] - Wt[j[e], k]
            square += difference * difference
        out[e] = np.sqrt(square)


@kernel
def optimality(Wt, U, i, j, c, inside):
    """The largest entry of ``u_e - projection of (u_e + w_i - w_j)``.

    The projection is onto the ball of radius c_e; `inside` says where it moves nothing.
    """
    largest = 0.0
    for e in range(i.size):
        square = 0.0
        for k in range(Wt.shape[1]):
            y = U[e, k] + Wt[i[e], k] - Wt[j[e], k]
            square += y * y
        length = np.sqrt(square)
        inside[e] = length <= c[e]
        factor = 1.0 if inside[e] else c[e] / length
        for k in range(Wt.shape[1]):
            y = U[e, k] + Wt[i[e], k] - Wt[j[e], k]
            largest = max(largest, abs(U[e, k] - factor * y))
    return largest


@reduction
def flow_descent(Vt, i, j, c, step, tol, max_steps, U, Y, P, Wt):
    """Accelerated projected gradient on flows, with restarts; returns the steps taken.

    U goes from a flow to one of least ``||V - net||`` with ``||u_e|| <= c_e``, until no
    edge moves by more than `tol` times its `step`; Y, P and Wt are work space. Restarts
    are decided in the metric of the steps.
    """
    d = Vt.shape[1]
    for e in range(i.size):
        for k in range(d):
            Y[e, k] = U[e, k]
    momentum = 1.0
    for taken in range(1, max_steps + 1):
        for t in range(Vt.shape[0]):
            for k in range(d):
                Wt[t, k] = Vt[t, k]
        for e in range(i.size):
            for k in range(d):
                Wt[i[e], k] -= Y[e, k]
            for k in range(d):
                Wt[j[e], k] += Y[e, k]
        uphill = largest = 0.0
        for e in range(i.size):
            square = 0.0
            for k in range(d):
                y = Y[e, k] + step[e] * (Wt[i[e], k] - Wt[j[e], k])
                P[e, k] = y
                square += y * y
            factor = 1.0 if square <= c[e] * c[e] else c[e] / np.sqrt(square)
            along = square = 0.0
            for k in range(d):
                P[e, k] *= factor
                back = Y[e, k] - P[e, k]
                along += back * (P[e, k] - U[e, k])
                square += back * back
            uphill += along / step[e]
            largest = max(largest, square / (step[e] * step[e]))
        if uphill > 0.0:
            momentum = 1.0
        following = (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum)) / 2.0
        beta = (momentum - 1.0) / following
        momentum = following
        for e in range(i.size):
            for k in range(d):
                Y[e, k] = P[e, k] + beta * (P[e, k] - U[e, k])
                U[e, k] = P[e, k]
        if largest <= tol * tol:
            return taken
    return max_steps


@kernel
def lagrangian(Wt, Vt, U, i, j, c, sigma, P, factor, G):
    """Value, gradient G and projected flows P of the augmented Lagrangian at W.

    ``||W - V||^2 / 2 + sum_e (||y_e||^2 - (||y_e|| - c_e)_+^2) / (2 sigma)`` with
    ``y_e = u_e + sigma (w_i - w_j)``; P_e = factor_e y_e is no longer than c_e.
    """
    value = 0.0
    for t in range(Wt.shape[0]):
        for k in range(Wt.shape[1]):
            difference = Wt[t, k] - Vt[t, k]
            G[t, k] = difference
            value += difference * difference / 2
    for e in range(i.size):
        square = 0.0
        for k in range(Wt.shape[1]):
            y = U[e, k] + sigma * (Wt[i[e], k] - Wt[j[e], k])
            P[e, k] = y
            square += y * y
        length = np.sqrt(square)
        factor[e] = 1.0
        if length > c[e]:
            factor[e] = c[e] / length
            value += c[e] * (length - c[e] / 2) / sigma
        else:
            value += square / (2 * sigma)
        for k in range(Wt.shape[1]):
            P[e, k] *= factor[e]
            G[i[e], k] += P[e, k]
            G[j[e], k] -= P[e, k]
    return value


@kernel
def hessian_product(D, P, factor, c, i, j, sigma, out):
    """out = the generalised Hessian of `lagrangian` times D."""
    for t in range(D.shape[0]):
        for k in range(D.shape[1]):
            out[t, k] = D[t, k]
    for e in range(i.size):
        along = 0.0
        if factor[e] < 1.0:
            for k in range(D.shape[1]):
                along += P[e, k] * (D[i[e], k] - D[j[e], k])
            along /= c[e] * c[e]
        for k in range(D.shape[1]):
            move = D[i[e], k] - D[j[e], k] - along * P[e, k]
            move *= sigma * factor[e]
            out[i[e], k] += move
            out[j[e], k] -= move
