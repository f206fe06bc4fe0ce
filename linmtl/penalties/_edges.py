"""The edges of a task graph, and problems on the flows along them.

A sum of lengths of the differences along edges has a dual in flows, vectors on the
edges that are no longer than allowed. Its prox, its dual norm and solvers are found
through them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from linmtl.kernels._jit import kernel, readonly, reduction
from linmtl.penalties._quadratic_form import QuadraticForm, is_dense

_SAME = 1e-6  # tasks this close, relative to the largest, are one cluster
# Steps for a prox: of projected gradient, then of the augmented Lagrangian; and for a
# certificate, if a solver brings a flow, which tends to close the gap.
_EFFORT, _LITTLE = (200, 500), (50, 0)
# The prox: its tolerance relative to the point, and from where on steps without
# progress mean that rounding is all there is.
_TOL, _STALL_TOL, _MAX_STALLED = 1e-12, 1e-9, 3
# The augmented Lagrangian: its parameter, in units of the curvature, which grows where
# the differences that a step leaves have not fallen to a part, and shrinks where a step
# takes many Newton steps; the weight of the distance that a step moves; what a step
# may leave of the gradient, as a part of the change of the flow; the noise that
# rounding of the differences may bring into the flow, likewise.
_SIGMA, _LARGEST_SIGMA, _GROWTH, _SLOW, _MANY_STEPS = 10.0, 1e6, 5.0, 0.1, 8
_HOLD, _LEAST_HOLD, _GRADIENT_LEFT, _NOISE = 1e-3, 1e-11, 0.1, 0.01
_MAX_NEWTON, _MAX_CG, _MAX_HALVINGS = 30, 200, 30
_CG_TOL = 1e-3  # residual of a Newton system, relative
# the dual norm: relative error; steps; up to where a certificate needs it
_EXACT, _MAX_STEPS, _NEEDED = 1e-10, 100, 2.0


class Edges:
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
        self._work: tuple[np.ndarray, ...] | None = None

    def _joined(self, chosen: np.ndarray) -> tuple[int, np.ndarray]:
        """Return number and label of the components that these edges make."""
        label = np.empty(self.n_tasks, dtype=np.int64)
        count = join(*self.ends, readonly(chosen), label)
        return int(count), label

    @cached_property
    def _component(self) -> tuple[int, np.ndarray]:
        return self._joined(np.ones(self.n_edges, dtype=bool))

    @cached_property
    def components(self) -> list[np.ndarray]:
        """The tasks of each connected component."""
        count, label = self._component
        return [np.flatnonzero(label == c) for c in range(count)]

    @cached_property
    def isolated(self) -> np.ndarray:
        """Which tasks have no edge, (n_tasks,)."""
        label = self._component[1]
        return np.bincount(label)[label] == 1

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

    def net(self, U: np.ndarray) -> np.ndarray:
        """Return what leaves each task less what arrives there."""
        out = np.zeros((self.n_tasks, U.shape[1]))
        add_net(readonly(U), *self.ends, out)
        return out

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
        scaled = self._laplacian(1.0 / k)
        if is_dense(scaled):
            top = float(np.linalg.eigvalsh(scaled.toarray())[-1])
        return readonly(1.0 / (top * k))

    def _laplacian(self, weight: np.ndarray) -> sparse.csr_array:
        """Return the Laplacian of the graph with these weights of the edges."""
        B = self.incidence
        return B @ sparse.diags_array(weight) @ B.T

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
        gradient, and where that is slow the augmented Lagrangian method. Exact up to
        rounding, and fast from a flow near the solution. `flow` is such a flow.
        """
        moves = strength > 0.0 and self.n_edges > 0
        if not (moves and V.any() and np.isfinite(V).all()):
            return np.array(V.T, order="C"), flow
        if flow is None or flow.shape[1] != len(V):
            flow = np.zeros((self.n_edges, len(V)))
        Wt, U = self._shrink(V, strength, flow, effort)
        return Wt, U / strength

    def _shrink(self, V, strength, flow, effort=_EFFORT):
        Vt, U = np.array(V.T, order="C"), strength * flow
        size = float(np.abs(Vt).max(initial=0.0))
        c = readonly(strength * self.weight)
        self.descend(Vt, c, _TOL * size, effort[0], U)
        Wt = Vt - self.net(U)
        residual, inside = self.residual(Wt, U, c)
        best, stalled = residual, 0
        steps = self.augmented(_Distance(self, Vt), Wt, U, c, 1.0, 0.1 * _TOL * size)
        for _ in range(effort[1]):
            if residual <= _TOL * size or stalled == _MAX_STALLED:
                break
            _, U, _ = next(steps)
            Wt = Vt - self.net(U)
            residual, inside = self.residual(Wt, U, c)
            near = residual <= _STALL_TOL * size
            stalled = stalled + 1 if near and residual > 0.5 * best else 0
            best = min(residual, best)
        return self.merged(Wt, inside), U

    def descend(
        self, Vt: np.ndarray, c: np.ndarray, tol: float, max_steps: int, U: np.ndarray
    ) -> int:
        """Move flows U, no longer than c, towards those of the prox at V, in place.

        Until no difference of tasks is moved by more than ``tol``. Returns the steps.
        """
        if self._work is None or self._work[0].shape != U.shape:
            self._work = np.empty_like(U), np.empty_like(U), np.empty_like(Vt)
        edges = *self.ends, readonly(c), self._step_sizes
        return flow_descent(readonly(Vt), *edges, tol, max_steps, U, *self._work)

    def residual(
        self, Wt: np.ndarray, U: np.ndarray, c: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Return how far W and the flow U are from optimal for each other.

        And the mask of the edges with room to spare, whose tasks tend to be identical.
        """
        inside = np.empty(self.n_edges, dtype=bool)
        size = optimality(readonly(Wt), readonly(U), *self.ends, readonly(c), inside)
        return size, inside

    def merged(self, Wt: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Return W with the mean of those joined by these edges in place of each."""
        count, label = self._joined(inside)
        if count == self.n_tasks:
            return Wt
        mean = np.zeros((count, Wt.shape[1]))
        np.add.at(mean, label, Wt)
        return (mean / np.bincount(label)[:, None])[label]

    # --- augmented Lagrangian -----------------------------------------------------

    def augmented(
        self,
        smooth: Smooth,
        Wt: np.ndarray,
        U: np.ndarray,
        c: np.ndarray,
        curvature: float,
        tol: float,
    ) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """Yield W, the flow and the Newton steps that each step took, without end.

        For ``smooth(W)`` plus ``c_e`` times the length of edge e. In a step W minimises
        the augmented Lagrangian, up to a gradient of ``tol``, and the flow follows.
        """
        # the stronger an edge, the less its ends differ for the same flow
        unit = curvature * c / c.mean()
        sigma, hold, last = _SIGMA, _HOLD, np.inf
        while True:
            before = U
            scale = readonly(sigma * unit)
            smooth.hold(Wt, hold * curvature)
            hold = max(hold / _GROWTH, _LEAST_HOLD)
            relative = _GRADIENT_LEFT / np.sqrt(sigma)
            Wt, U, steps = self._minimised(smooth, Wt, before, c, scale, tol, relative)
            yield Wt, U, steps
            move = np.abs(U - before).max(axis=1)
            apart = float((move / scale).max())
            if steps > _MANY_STEPS:
                sigma = max(sigma / _GROWTH, 1.0)
            elif apart > _SLOW * last:
                sigma = min(_GROWTH * sigma, _LARGEST_SIGMA)
            rounding = np.finfo(float).eps * np.abs(Wt).max() * float(unit.max())
            if rounding > 0.0:
                sigma = min(sigma, max(_NOISE * float(move.max()) / rounding, 1.0))
            last = apart

    def _minimised(self, smooth, Wt, U, c, sigma, tol, relative):
        """Minimise the augmented Lagrangian by a semismooth Newton method."""
        arguments = readonly(U), *self.ends, readonly(c), sigma

        def evaluate(Wt):
            value, G = smooth.evaluate(Wt)
            P, factor = np.empty_like(U), np.empty(len(c))
            value += lagrangian(readonly(Wt), *arguments, P, factor, G)
            return value, float(np.abs(G).max()), P, factor, G

        at, steps = evaluate(Wt), 0
        while steps < _MAX_NEWTON:
            value, size, P, factor, G = at
            if size <= max(tol, relative * float(np.abs(P - U).max())):
                break
            D = self._direction(smooth, P, factor, c, sigma, G)
            slope, t = float(np.vdot(G, D)), 1.0
            visible = -slope > 1e-14 * abs(value)  # and not only in the gradient
            for _ in range(_MAX_HALVINGS):
                trial = evaluate(Wt + t * D)
                lower = visible and trial[0] <= value + 1e-4 * t * slope
                if lower or trial[1] <= 0.5 * size:
                    break
                t /= 2
            else:  # nothing left but rounding
                break
            Wt, at, steps = Wt + t * D, trial, steps + 1
        return Wt, at[2], steps

    def _direction(self, smooth, P, factor, c, sigma, G):
        """Return the Newton step, by conjugate gradients over the tasks."""
        spread = 1.0 - 1.0 / P.shape[1]  # mean curvature across the difference
        weight = sigma * np.where(factor < 1.0, factor * spread, 1.0)
        times, solve = smooth.newton(self._laplacian(weight))
        edges = readonly(c), *self.ends, sigma
        D, R = np.zeros_like(G), -G
        Z = solve(R)
        Q = Z
        product = float(np.vdot(R, Z))
        stop = _CG_TOL**2 * product
        for _ in range(_MAX_CG):
            H = times(Q)
            hessian_product(readonly(Q), readonly(P), readonly(factor), *edges, H)
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

    # --- dual norm ----------------------------------------------------------------

    def dual_norm(self, G: np.ndarray) -> float:
        """Return the smallest s with ``G = U B'`` for a flow with ||u_e|| <= s a_e.

        The columns of G sum to zero over each component. Dinkelbach's method: the dual
        norm is the largest ``<G, W> / length(W)``; from an s below it, the prox W gives
        a larger one, until it is zero. Its flow, mended to have the net G, is an upper
        bound.
        """
        high, flow = self.mended(G, np.zeros((self.n_edges, len(G))))
        s = low = self._ratio(G, self.potential.pseudo_inverse(G))
        for _ in range(_MAX_STEPS):
            if not high - low > _EXACT * high:  # or it is not a number
                break
            Wt, U = self._shrink(G, s, flow)
            bound, mended = self.mended(G, U)
            if bound < high:
                high, flow = bound, mended
            ratio = self._ratio(G, Wt.T)
            low = max(low, ratio)
            s = ratio if s < ratio < high else (low + high) / 2  # W may be rounding
        return high

    def certify(self, D: np.ndarray, alpha: float) -> float:
        """Return the same over alpha, or an upper bound that is close near 1."""
        bounds = [self.mended(D, np.zeros((self.n_edges, len(D))))]
        for flow in (self.flow, self.dual_flow):
            if flow is not None and flow.shape[1] == len(D):
                bounds.append(self.mended(D, alpha * flow))
        bound, best = min(bounds, key=lambda pair: pair[0])
        least = self._ratio(D, self.potential.pseudo_inverse(D))
        if alpha < bound < np.inf and least <= _NEEDED * alpha:
            effort = _EFFORT if self.flow is None else _LITTLE
            _, U = self._shrink(D, alpha, best, effort)
            bound, best = min(
                (bound, best), self.mended(D, U), key=lambda pair: pair[0]
            )
        self.dual_flow = best
        return bound / alpha

    def _ratio(self, G, W):
        """Return ``<G, W>`` over the length of W, a lower bound of the dual norm."""
        length = self.length(W)
        return float(np.vdot(G, W)) / length if length > 0.0 else 0.0

    def mended(self, G, U):
        """Return the most that a flow with the net G, made of U, has relative to a_e.

        And that flow, relative to it.
        """
        flow = U + self.least_flow(G.T - self.net(U))
        bound = float((np.linalg.norm(flow, axis=1) / self.weight).max(initial=0.0))
        return bound, flow / bound if bound > 0.0 else flow

    def least_flow(self, D: np.ndarray) -> np.ndarray:
        """Return the flow with the net D and the least squares relative to a_e.

        D has one row per task; what it sums to over a component is left out.
        """
        i, j = self.ends
        potential = self.potential.pseudo_inverse(D.T).T
        return (potential[i] - potential[j]) * self.weight[:, None] ** 2


class Smooth:
    """A smooth convex function of coefficients, for the augmented Lagrangian method.

    Arrays have one row per task.
    """

    def evaluate(self, Wt: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the value at W and a new array with the gradient."""
        raise NotImplementedError

    def hold(self, Wt: np.ndarray, strength: float) -> None:
        """Add ``strength / 2`` times the squared distance to W, if need be."""

    def newton(self, laplacian: sparse.csr_array) -> tuple[Operator, Operator]:
        """Return two functions: the Hessian at the last point evaluated times D,

        and about the inverse of this Hessian plus a form over the tasks.
        """
        raise NotImplementedError


Operator = Callable[[np.ndarray], np.ndarray]


class _Distance(Smooth):
    """Half the squared distance to a point."""

    def __init__(self, edges: Edges, Vt: np.ndarray):
        self.edges, self.Vt = edges, Vt

    def evaluate(self, Wt):
        G = Wt - self.Vt
        return float(np.vdot(G, G)) / 2, G

    def newton(self, laplacian):
        return np.copy, inverse_of(laplacian + sparse.eye_array(len(self.Vt)))


def inverse_of(A: sparse.csr_array) -> Operator:
    """Return the solver of a positive definite system over the tasks."""
    if not is_dense(A):
        return splu(sparse.csc_array(A)).solve
    factor = linalg.cho_factor(A.toarray(), lower=True, check_finite=False)
    # LAPACK refuses what is empty
    return lambda R: linalg.cho_solve(factor, R, check_finite=False) if R.size else R


@kernel
def add_net(U, i, j, out):
    """Add ``U B'`` to out, with one row per edge and task."""
    for e in range(i.size):
        # of an unsigned index it is known that it does not count from the end
        m, n = np.uint64(i[e]), np.uint64(j[e])
        for k in range(U.shape[1]):
            u = U[e, k]
            out[m, k] += u
            out[n, k] -= u


@kernel
def join(i, j, chosen, label):
    """Number the components that the chosen edges make; returns how many there are."""
    for t in range(label.size):
        label[t] = t
    for e in range(i.size):
        if chosen[e]:
            a, b = i[e], j[e]
            while label[a] != a:  # up to the first of its component
                label[a] = label[label[a]]
                a = label[a]
            while label[b] != b:
                label[b] = label[label[b]]
                b = label[b]
            label[max(a, b)] = min(a, b)
    count = 0
    for t in range(label.size):  # the first of a component comes first
        if label[t] == t:
            label[t] = count
            count += 1
        else:
            label[t] = label[label[t]]
    return count


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
            m, n = np.uint64(i[e]), np.uint64(j[e])  # as in `add_net`
            for k in range(d):
                y = Y[e, k]
                Wt[m, k] -= y
                Wt[n, k] += y
        uphill = largest = 0.0
        for e in range(i.size):
            m, n = np.uint64(i[e]), np.uint64(j[e])
            s = step[e]
            square = 0.0
            for k in range(d):
                v = Y[e, k] + s * (Wt[m, k] - Wt[n, k])
                P[e, k] = v
                square += v * v
            factor = 1.0 if square <= c[e] * c[e] else c[e] / np.sqrt(square)
            along = square = 0.0
            for k in range(d):
                v = factor * P[e, k]
                P[e, k] = v
                back = Y[e, k] - v
                along += back * (v - U[e, k])
                square += back * back
            uphill += along / s
            largest = max(largest, square / (s * s))
        if uphill > 0.0:
            momentum = 1.0
        # as `extrapolation`, which a kernel cannot call
        following = (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum)) / 2.0
        beta = (momentum - 1.0) / following
        momentum = following
        for e in range(i.size):
            for k in range(d):
                v = P[e, k]
                Y[e, k] = v + beta * (v - U[e, k])
                U[e, k] = v
        if largest <= tol * tol:
            return taken
    return max_steps


@kernel
def lagrangian(Wt, U, i, j, c, sigma, P, factor, G):
    """The edges' part of the augmented Lagrangian at W; its gradient is added to G.

    ``sum_e (||y_e||^2 - (||y_e|| - c_e)_+^2) / (2 sigma_e)`` with
    ``y_e = u_e + sigma_e (w_i - w_j)``; the projected flow P_e = factor_e y_e is no
    longer than c_e.
    """
    value = 0.0
    for e in range(i.size):
        square = 0.0
        for k in range(Wt.shape[1]):
            y = U[e, k] + sigma[e] * (Wt[i[e], k] - Wt[j[e], k])
            P[e, k] = y
            square += y * y
        length = np.sqrt(square)
        factor[e] = 1.0
        if length > c[e]:
            factor[e] = c[e] / length
            value += c[e] * (length - c[e] / 2) / sigma[e]
        else:
            value += square / (2 * sigma[e])
        for k in range(Wt.shape[1]):
            P[e, k] *= factor[e]
            G[i[e], k] += P[e, k]
            G[j[e], k] -= P[e, k]
    return value


@kernel
def hessian_product(D, P, factor, c, i, j, sigma, out):
    """Add the generalised Hessian of `lagrangian` times D to out."""
    for e in range(i.size):
        along = 0.0
        if factor[e] < 1.0:
            for k in range(D.shape[1]):
                along += P[e, k] * (D[i[e], k] - D[j[e], k])
            along /= c[e] * c[e]
        for k in range(D.shape[1]):
            move = D[i[e], k] - D[j[e], k] - along * P[e, k]
            move *= sigma[e] * factor[e]
            out[i[e], k] += move
            out[j[e], k] -= move
