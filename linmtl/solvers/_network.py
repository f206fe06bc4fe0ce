"""Lengths of differences along the edges of a task graph (network lasso).

Accelerated proximal gradient steps, their prox no more exact than the steps are long:
a few steps on flows, from the last flow. Where features are badly conditioned, or the
curvature of the loss has no bound, alternating directions take over, with Newton steps
on the loss; and where those creep an augmented Lagrangian method with semismooth Newton
steps.

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
from linmtl.solvers._admm import balance, is_time_to_balance
from linmtl.solvers._apg import (
    AcceleratedProximalGradient,
    curvature_along,
    eased,
    first_curvature,
)
from linmtl.solvers._monitor import iterations_left
from linmtl.solvers._objective import Objective

_LEAST_EIGENVALUE = 1e-6  # that counts, relative to the largest
_INEXACT = 0.1  # the error of a prox, as a part of the last step
_FLOW_STEPS = 200  # on flows, for one prox
_ROUNDING = 1e-14
_TINY = np.finfo(float).tiny
_RELAXATION = 1.7  # of alternating directions
_SHORTEST, _FAR = 1e-3, 1e-8  # steps on the loss, and where it may grow beyond bounds
_RHO_KEPT = 2.0  # times the best: so near rho stays, as inverses are dear
# Iterations between two looks at the gap: at first, at least and at most.
_FIRST_CHECK, _LEAST_CHECK, _MOST_CHECK = 16, 4, 10
_LOOKS = 4  # over which it has to fall: from one to the next it may rise
_HOPE = 0.2  # the gap as a part of what it is taken for, as far as is known
_PATIENCE, _LEFT = 50, 100  # iterations done and to do, from which steps are too slow
_MUCH_LEFT = 1000  # the same where what follows is no faster
_TRIED = 40  # iterations done and to do of alternating directions, likewise
_MOST_WRONG = 5  # guesses of a closed gap that are none
# How much of rho holds back what has no edge, and after how many steps its Hessian is
# renewed: it may become smaller and smaller.
_HELD_ALONE, _RENEWED = 1e-4, 3
_ROOM = 1.001  # times the longest flow: one this long may have room to spare
_MAX_STALLED = 3  # steps without a move
_MOST_ENTRIES = 10_000_000  # of the Hessians of all tasks
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
        fit, (d, T) = objective.fit, objective.shape
        if not (fit.additive or fit.bounded):
            return (
                "a loss that is the sum of the tasks' losses, or of bounded curvature"
            )
        if not fit.bounded and T * d**2 > _MOST_ENTRIES:
            return "a loss of bounded curvature, or fewer features"
        return None

    def solve(self, objective, W, stop, max_iter, monitor):
        norm: Any = objective.penalty.norm
        run = _Run(objective, norm.edges, norm.alpha, stop, max_iter, monitor)
        Wt = np.ascontiguousarray(W.T)
        slow = run.descend(Wt) if objective.fit.bounded else run.begin(Wt)
        if slow is not None and run.has_hessians:
            slow = run.alternate(*slow)
        if slow is not None and not objective.fit.additive:  # no Hessian of each column
            start, W[:] = run.iteration, monitor.best_W
            left, exact = max_iter - start, AcceleratedProximalGradient()
            exact.solve(objective, W, stop, left, monitor, start=start)
            return
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
        self.has_hessians = self.loss.n_entries <= _MOST_ENTRIES
        # else nothing but dearer steps of the same kind is left
        self.most_left = _LEFT if self.has_hessians else _MUCH_LEFT
        self.iteration = 0

    def begin(self, Wt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return W and a flow, the curvature there being known."""
        value, G = self.loss.evaluate(Wt)
        found = first_curvature(lambda V: self.loss.evaluate(V)[1], Wt, value, G)
        # the loss may not depend on W
        self.curvature = found if 0.0 < found < np.inf else 1.0
        return Wt, np.zeros((self.edges.n_edges, Wt.shape[1]))

    def descend(self, Wt: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Take proximal gradient steps; return W and the flow if they are too slow."""
        edges, (Vt, U) = self.edges, self.begin(Wt)
        bound = self.curvature
        G = self.loss.evaluate(Vt)[1]
        size = float(np.abs(Vt - G / bound).max(initial=0.0))
        tol, momentum, watch = 1e-3 * size, 1.0, _Watch(self)
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
            if watch.is_due():
                left = watch.look(Wt, U)
                if left == 0.0:
                    return None
                slow = self.iteration >= _PATIENCE and left > self.most_left
                if slow and (self.has_hessians or not self.objective.fit.additive):
                    return Wt, U
            last = G
            _, G = self.loss.evaluate(Vt)
            found = curvature_along(Vt - before, G - last)
            self.curvature = max(found, self.curvature)
            bound = float(eased(bound, found, self.curvature))
        return None

    def alternate(
        self, Wt: np.ndarray, U: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Take alternating directions; return W and the flow if they are too slow."""
        edges, loss, start = self.edges, self.loss, self.iteration
        most_left: float = _TRIED
        if not self.objective.fit.additive:  # what follows is of little help
            most_left = np.inf if edges.isolated.any() else _MUCH_LEFT
        net, size = edges.net(U), float(np.abs(Wt).max(initial=0.0))
        # where the steps of both sides are about as long
        rho = float(np.linalg.norm(net) / max(np.linalg.norm(Wt), _TINY)) or 1.0
        step = _LossStep(loss, Wt, edges.isolated)
        step.prepare(rho)
        Zt, Y, U = Wt, net / rho, U / rho
        tol, watch = 1e-3 * size, _Watch(self)
        while self.iteration < self.max_iter:
            self.iteration += 1
            Wt = step.take(Zt - Y)
            relaxed = _RELAXATION * Wt + (1.0 - _RELAXATION) * Zt
            target, before = relaxed + Y, Zt
            edges.descend(target, self.longest / rho, tol, _FLOW_STEPS, U)
            Zt = target - edges.net(U)
            Y, move = target - Zt, Zt - before
            tol = max(_INEXACT * float(np.abs(move).max()), _ROUNDING * size)
            if watch.is_due():
                left = watch.look(Zt, rho * U)
                if left == 0.0:
                    return None
                if self.iteration - start >= _TRIED and left > most_left:
                    return Zt, rho * U
            if is_time_to_balance(self.iteration - start):
                factor = balance(Wt - Zt, rho * move, Wt, Zt, rho * Y)
                if not 1 / _RHO_KEPT < factor < _RHO_KEPT:
                    rho, Y, U = rho * factor, Y / factor, U / factor
                step.prepare(rho)
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
            if self.done(Wt, U) or ended:
                return

    def about_gap(self, Wt, U):
        """Return about the gap of W, at a part of what a certificate costs.

        As if the net of a flow were all that the gradient has to be.
        """
        edges = self.edges
        inside = edges.residual(self.curvature * Wt, U, _ROOM * self.longest)[1]
        Wt = edges.merged(Wt, inside)
        _, G = self.loss.evaluate(Wt)
        longest = max(edges.mended(-G.T, U)[0] / self.alpha, 1.0)
        length = self.alpha * edges.length(Wt.T)
        # far from the optimum tasks may pull to one side, of which no flow knows
        return abs(length + float(np.vdot(G, Wt)) / longest)

    def done(self, Wt, U):
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


class _Watch:
    """Looks at the gap of a run, and certifies where that can succeed."""

    def __init__(self, run: _Run):
        self._run, self._due = run, run.iteration + _FIRST_CHECK
        self._hope = _HOPE
        self._gaps: list[tuple[int, float]] = []
        self._wrong = 0

    def is_due(self) -> bool:
        return self._run.iteration in (self._due, self._run.max_iter)

    def look(self, Wt: np.ndarray, U: np.ndarray) -> float:
        """Return about how many iterations are left, zero if the gap is closed."""
        run = self._run
        gap = run.about_gap(Wt, U)
        if not self._hope * gap > run.stop or run.iteration == run.max_iter:
            if run.done(Wt, U):
                return 0.0
            self._hope = min(run.monitor.gap / gap, 1.0) if gap > 0.0 else 1.0
        self._gaps.append((run.iteration, gap))
        stop = run.stop / self._hope
        left = iterations_left(self._gaps, stop)
        self._due += int(np.clip(left, _LEAST_CHECK, _MOST_CHECK))
        if gap > stop:
            return iterations_left(self._gaps, stop, _LOOKS)
        self._wrong += 1  # small, and no certificate: nearly there, or a wrong guess
        return float(_LEAST_CHECK) if self._wrong <= _MOST_WRONG else np.inf


class _LossStep:
    """Steps of Newton's method on the loss plus ``rho / 2`` times a squared distance.

    By Hessians that are renewed now and then; no longer than the sum falls. What no
    edge joins to others is hardly held back.
    """

    def __init__(self, loss: _Loss, Wt: np.ndarray, isolated: np.ndarray):
        self._loss, self._Wt = loss, Wt
        self._hold = np.where(isolated, _HELD_ALONE, 1.0)[:, None]
        self._steps, self._renew = 0, bool(isolated.any())
        self._value, self._G = loss.evaluate(Wt)
        self._H = loss.hessians()
        # curvature of nearly nothing makes long steps, and classes share theirs
        steady = loss.bounded and loss.one_each and not self._renew
        self._rho, self._shortest = 0.0, _SHORTEST if steady else _FAR

    def prepare(self, rho: float) -> None:
        """Make ready for steps with this rho, from here."""
        loss = self._loss
        if self._rho == rho and loss.quadratic:
            return
        if self._rho and not loss.quadratic:
            loss.evaluate(self._Wt)
            self._H = loss.hessians()
        self._rho = rho
        held = np.full((1, 1), rho)
        if self._renew:
            held = np.broadcast_to(rho * self._hold, self._Wt.shape)
            held = loss.by_matrix(held, rho)
        self._inverse = np.linalg.inv(
            self._H + held[:, :, None] * np.eye(self._H.shape[1])
        )

    def take(self, target: np.ndarray) -> np.ndarray:
        """Return the point after a step, towards the least sum for this target."""
        loss, Wt, rho, size = self._loss, self._Wt, self._rho, 1.0
        apart = Wt - target
        G = self._G + rho * self._hold * apart
        D = loss.times(self._inverse, G)
        most = self._value + rho / 2 * float(np.vdot(self._hold * apart, apart))
        while True:
            self._Wt = Wt - size * D
            self._value, self._G = loss.evaluate(self._Wt)
            apart = self._Wt - target
            total = self._value + rho / 2 * float(np.vdot(self._hold * apart, apart))
            if loss.quadratic or total <= most or size < self._shortest:
                break
            size /= 2
        self._steps += 1
        if size < 1.0 or (self._renew and self._steps % _RENEWED == 0):
            self.prepare(rho)
        return self._Wt


class _Loss(Smooth):
    """Loss and quadratic form of an objective."""

    def __init__(self, objective: Objective):
        self.objective, fit = objective, objective.fit
        self.quadratic, self.bounded = fit.quadratic, fit.bounded
        self._quadratic = objective.penalty.base_quadratic  # no sum P + Q has edges
        self._G = np.empty(objective.shape)
        self._known = False  # the Hessian of a quadratic
        self._centre, self._strength = np.zeros(0), 0.0
        self._place: np.ndarray | None = None  # of columns that are classes of tasks
        d, T = objective.shape
        self.n_entries: float = T * d**2  # of Hessians
        if fit.column_groups is not None:
            sizes = np.diff(fit.column_groups)
            self._n_tasks, self._most = sizes.size, int(sizes.max(initial=0))
            within = np.arange(T) - np.repeat(fit.column_groups[:-1], sizes)
            self._place = np.repeat(np.arange(sizes.size), sizes) * self._most + within
            self.n_entries = sizes.size * (self._most * d) ** 2
        elif not fit.additive:
            self.n_entries = np.inf

    @property
    def one_each(self) -> bool:
        """Whether columns have a Hessian each."""
        return self._place is None

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

    def hessians(self) -> np.ndarray:
        """Return matrices at least as large as the Hessian at the last point.

        One for each column, or for all columns of a task that are its classes: with
        room for as many as any task has.
        """
        fit, form = self.objective.fit, self._quadratic
        features = np.arange(fit.n_features)
        if self._place is None:
            H = fit.hessians(features)
        else:
            own, _, blocks = fit.hessians_of_classes(features)
            d, k = fit.n_features, self._most
            task, at = divmod(self._place, k)
            blocks[np.arange(len(own)), at] = own
            H = np.zeros((self._n_tasks, k, d, k, d))
            H[task, at] = blocks.transpose(0, 2, 1, 3)
            H = H.reshape(len(H), k * d, k * d)
        diagonal = np.arange(H.shape[1])
        H[:, diagonal, diagonal] += form.top
        return H

    def times(self, matrices: np.ndarray, Rt: np.ndarray) -> np.ndarray:
        """Return the products of matrices as those of `hessians` with rows of R."""
        out = np.matmul(matrices, self.by_matrix(Rt)[:, :, None])[:, :, 0]
        if self._place is None:
            return out
        return out.reshape(-1, Rt.shape[1])[self._place]

    def by_matrix(self, Rt: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """Return rows of R with a row for each matrix of `hessians`."""
        if self._place is None:
            return Rt
        out = np.full((self._n_tasks * self._most, Rt.shape[1]), fill)
        out[self._place] = Rt
        return out.reshape(self._n_tasks, -1)

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
