"""Lengths of differences along the edges of a task graph (network lasso).

Accelerated proximal gradient steps, their prox no more exact than the steps are long:
a few steps on flows, from the last flow. Where features are badly conditioned an
augmented Lagrangian method with semismooth Newton steps takes over.

Schmidt, Le Roux, Bach (2011), Convergence rates of inexact proximal-gradient methods;
Sun, Toh, Yuan (2021), Convex clustering: model, theoretical guarantee and efficient
algorithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from linmtl.penalties._accelerated import extrapolation
from linmtl.penalties._edges import Edges, Operator, Smooth, inverse_of
from linmtl.solvers._apg import curvature_along, eased, first_curvature
from linmtl.solvers._monitor import iterations_left
from linmtl.solvers._objective import Objective

_LEAST_EIGENVALUE = 1e-6  # that counts, relative to the largest
_INEXACT = 0.1  # the error of a prox, as a part of the last step
_FLOW_STEPS = 200  # on flows, for one prox
_ROUNDING = 1e-14
# Iterations between two looks at the gap: at first, at least and at most.
_FIRST_CHECK, _LEAST_CHECK, _MOST_CHECK = 16, 4, 10
_HOPE = 0.2  # the gap as a part of what it is taken for, as far as is known
_PATIENCE, _LEFT = 50, 250  # iterations done and to do, from which steps are too slow
_ROOM = 1.001  # times the longest flow: one this long may have room to spare
_MAX_STALLED = 3  # steps without a move
_MOST_ENTRIES = 4_000_000  # of the Hessians of all tasks
_FEW_TASKS = 100  # whose coupling is diagonalised
_ALIKE = 4.0  # times each other: eigenvalues that share a factor over the tasks


class NetworkDescent:
    """Inexact proximal gradients, then the augmented Lagrangian."""

    name = "network"

    @staticmethod
    def missing(objective: Objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        if getattr(objective.penalty.norm, "edges", None) is None:
            return "a NetworkLasso penalty"
        if not (objective.fit.bounded and objective.fit.additive):
            return "a sum of losses of bounded curvature"
        return None

    def solve(self, objective, W, stop, max_iter, monitor):
        norm: Any = objective.penalty.norm
        run = _Run(objective, norm.edges, norm.alpha, stop, max_iter, monitor)
        slow = run.descend(np.ascontiguousarray(W.T))
        if slow is not None:
            run.augment(*slow)
        W[:] = monitor.best_W


class _Run:
    """One run of the solver. Arrays have one row per task or per edge."""

    def __init__(self, objective, edges: Edges, alpha: float, stop, max_iter, monitor):
        self.objective, self.edges, self.alpha = objective, edges, alpha
        self.stop, self.max_iter, self.monitor = stop, max_iter, monitor
        self.longest = alpha * edges.weight
        self.loss = _Loss(objective)
        self.iteration = 0

    def descend(self, Wt: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Take proximal gradient steps; return W and the flow if they are too slow."""
        edges, Vt = self.edges, Wt
        value, G = self.loss.evaluate(Vt)
        found = first_curvature(lambda V: self.loss.evaluate(V)[1], Vt, value, G)
        if not 0.0 < found < np.inf:  # the loss may not depend on W
            found = 1.0
        bound = self.curvature = found
        U = np.zeros((edges.n_edges, Vt.shape[1]))
        size = float(np.abs(Vt - G / bound).max(initial=0.0))
        tol, momentum, due = 1e-3 * size, 1.0, _FIRST_CHECK
        hope, gaps = _HOPE, []
        while self.iteration < self.max_iter:
            self.iteration += 1
            target, flow = Vt - G / bound, U / bound
            edges.descend(target, self.longest / bound, tol, _FLOW_STEPS, flow)
            new, U = target - edges.net(flow), bound * flow
            step = new - Wt
            tol = max(_INEXACT * float(np.abs(step).max()), _ROUNDING * size)
            if np.vdot(Vt - new, step) > 0:
                momentum = 1.0
            beta, momentum = extrapolation(momentum)
            before, Vt, Wt = Vt, new + beta * step, new
            if self.iteration in (due, self.max_iter):
                gap = self._gap(Wt, U)
                if not hope * gap > self.stop or self.iteration == self.max_iter:
                    if self._done(Wt, U):
                        return None
                    hope = min(self.monitor.gap / gap, 1.0) if gap > 0.0 else 1.0
                gaps.append((self.iteration, hope * gap))
                left = iterations_left(gaps, self.stop)
                slow = self.iteration >= _PATIENCE and left > _LEFT
                if slow and Wt.size * Wt.shape[1] <= _MOST_ENTRIES:
                    return Wt, U
                due += int(np.clip(left, _LEAST_CHECK, _MOST_CHECK))
            last = G
            _, G = self.loss.evaluate(Vt)
            found = curvature_along(Vt - before, G - last)
            self.curvature = max(found, self.curvature)
            bound = float(eased(bound, found, self.curvature))
        return None

    def augment(self, Wt: np.ndarray, U: np.ndarray) -> None:
        """Take steps of the augmented Lagrangian method."""
        floor = _ROUNDING * float(np.abs(self.loss.evaluate(0.0 * Wt)[1]).max())
        stalled = 0
        for Wt, U, steps in self.edges.augmented(  # noqa: B020
            self.loss, Wt, U, self.longest, self.curvature, floor
        ):
            self.iteration += max(steps, 1)
            stalled = 0 if steps else stalled + 1
            ended = self.iteration >= self.max_iter or stalled == _MAX_STALLED
            if self._done(Wt, U) or ended:
                return

    def _gap(self, Wt, U):
        """Return about the gap of W, at a part of what a certificate costs.

        As if the net of a flow were all that the gradient has to be.
        """
        edges = self.edges
        inside = edges.residual(self.curvature * Wt, U, _ROOM * self.longest)[1]
        Wt = edges.merged(Wt, inside)
        _, G = self.loss.evaluate(Wt)
        longest = max(edges.mended(-G.T, U)[0] / self.alpha, 1.0)
        length = self.alpha * edges.length(Wt.T)
        return length + float(np.vdot(G, Wt)) / longest

    def _done(self, Wt, U):
        """Certify W with this flow; return whether the gap is small enough.

        Tasks whose flows have room to spare are made identical, and those whose flows
        nearly have where that is no worse.
        """
        edges = self.edges
        edges.flow = U / self.alpha
        candidates = []
        for room in (_ROOM, 1.0):
            inside = edges.residual(self.curvature * Wt, U, room * self.longest)[1]
            candidates.append(np.array(edges.merged(Wt, inside).T, order="C"))
        W = min(candidates, key=self.objective.loss_and_penalty)
        return self.monitor.done(W, min(self.iteration, self.max_iter), self.stop)


class _Loss(Smooth):
    """Loss and quadratic form of an objective."""

    def __init__(self, objective: Objective):
        self.objective = objective
        self._quadratic = objective.penalty.base_quadratic  # no sum P + Q has edges
        self._G = np.empty(objective.shape)
        self._known = False  # the Hessian of a quadratic
        self._centre, self._strength = np.zeros(0), 0.0

    def hold(self, Wt, strength):
        self._centre, self._strength = Wt, strength

    def evaluate(self, Wt):
        value = self.objective.smooth(np.ascontiguousarray(Wt.T), self._G)
        G = -np.ascontiguousarray(self._G.T)
        if self._strength:
            move = Wt - self._centre
            value += self._strength / 2 * float(np.vdot(move, move))
            G += self._strength * move
        return value, G

    def newton(self, laplacian):
        fit, form = self.objective.fit, self._quadratic
        if not self._known:
            self._H = fit.hessians(np.arange(fit.n_features))
            self._eigenvalue, self._Q = np.linalg.eigh(self._H.mean(axis=0))
            self._known = fit.quadratic
        H, diagonal = self._H, self._strength + form.centred + form.ridge
        K = laplacian + sparse.diags_array(np.zeros(form.n_tasks) + diagonal)
        if form.laplacian is not None:
            K = K + form.laplacian
        together = self._in_eigenbasis(K, self._eigenvalue, self._Q)
        each = np.linalg.inv(H + K.diagonal()[:, None, None] * np.eye(H.shape[1]))

        def times(D):
            out = np.matmul(H, D[:, :, None])[:, :, 0] + self._strength * D
            return out if form.is_zero else out + form.gradient(D.T).T

        return times, lambda R: together(R) + np.matmul(each, R[:, :, None])[:, :, 0]

    @staticmethod
    def _in_eigenbasis(K: Any, h: np.ndarray, Q: np.ndarray) -> Operator:
        """Return the solver for Hessians ``Q diag(h) Q'``, coupled by K."""
        h = np.maximum(h, max(_LEAST_EIGENVALUE * h[-1], np.finfo(float).tiny))
        if K.shape[0] <= _FEW_TASKS:
            k, S = np.linalg.eigh(K.toarray())
            inverse = 1.0 / (h + np.maximum(k, 0.0)[:, None])
            return lambda R: S @ ((S.T @ R @ Q) * inverse) @ Q.T
        one, solvers = sparse.eye_array(K.shape[0]), []
        start = 0
        while start < h.size:
            stop = int(np.searchsorted(h, _ALIKE * h[start], "right"))
            shift = float(np.sqrt(h[start] * h[stop - 1]))
            solvers.append((slice(start, stop), inverse_of(K + shift * one)))
            start = stop

        def solve(R):
            R = R @ Q
            for chosen, inverse in solvers:
                R[:, chosen] = inverse(np.ascontiguousarray(R[:, chosen]))
            return R @ Q.T

        return solve
