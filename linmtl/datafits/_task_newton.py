"""Newton's method for a few coefficients of each task, of all tasks at once."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from linmtl.datafits._base import UNIT
from linmtl.designs._eliminated import products_of_tasks
from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import (
    feature_adjoint,
    feature_predict,
    newton_moves,
    slopes_of_fit,
)
from linmtl.losses import Loss

_MAX_TRIALS = 300
_MAX_HALVINGS = 50
_LEAST_CURVATURE = 1e-8  # of an observation, where the loss is linear in places
_DAMPING = 1e-12  # of the largest curvature or 1, for models to be bounded
# What is left of a constraint, relative to the residuals, is rounding.
_CONSTRAINT_ROUNDING = 1e-12
_ROUNDING = 1e-14
_FEW_VECTORS = 12  # whose products are no work for a library
_PERFECT = 1e-15  # mean loss of a task whose classes are separated
# The last step is not evaluated if it moves no linear predictor by more, and promises
# no more of the loss of its task; if that is roughly enough, or little of the mean.
_LAST_REACH = 0.5
_ROUGHLY, _OF_MEAN = 1e-3, 0.1
# A move of linear predictors that no model is right for; of losses whose curvature has
# no bound, which are flat for all targets but on one side.
_FAR, _FAR_UNBOUNDED = 30.0, 3.0


@dataclass
class _State:
    """Where the tasks are, a row of each array for each.

    Attributes
    ----------
    a, value : ndarray
        Coefficients, and the loss there with the ridge.
    slope, size, spread : ndarray
        Minus its slope, the norm of the residuals, and what the loss is rounded with.
    move, length : ndarray
        The step to try.
    halvings : ndarray of int
        How often it has been shortened.
    last : ndarray
        The step that is left to the model.
    left, taken, stale : ndarray of bool
        Tasks that go on; those that have come to a new point; and those whose
        residuals are not those of their point.
    """

    a: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    size: np.ndarray
    spread: np.ndarray
    move: np.ndarray
    length: np.ndarray
    halvings: np.ndarray
    last: np.ndarray
    left: np.ndarray
    taken: np.ndarray
    stale: np.ndarray

    def of(self, tasks: np.ndarray) -> _State:
        """Return that of some tasks."""
        return _State(*(getattr(self, field.name)[tasks] for field in fields(self)))


@dataclass
class TaskNewton:
    """The loss of each task as a function of a few coefficients of its own.

    Parameters
    ----------
    loss : Loss
        The loss of each observation.
    V : ndarray of shape (n_vectors, n_observations)
        What the coefficients multiply.
    ridge : ndarray of shape (n_tasks, n_vectors)
        The strengths of a ridge on them.
    stiffness : ndarray of shape (n_tasks, n_vectors)
        The same, and anything above zero where V is zero.
    y, weight, root : ndarray of shape (n_observations,)
        Targets, weights and their roots.
    task_ptr : ndarray of shape (n_tasks + 1,)
        Bounds of the tasks.
    total : ndarray of shape (n_tasks,)
        Their weights.
    eta : ndarray of shape (n_observations,)
        The known part of the linear predictor, which may be written anew.
    at, theta, h : ndarray of shape (n_observations,)
        The linear predictor, residuals and curvatures where it has been evaluated.
    task_loss : ndarray of shape (n_tasks,)
        The losses there.
    roughly : bool, default=False
        Whether to stop where a Newton step gets near enough for a bound of the loss.
    """

    loss: Loss
    V: np.ndarray
    ridge: np.ndarray
    stiffness: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    root: np.ndarray
    task_ptr: np.ndarray
    total: np.ndarray
    eta: np.ndarray
    at: np.ndarray
    theta: np.ndarray
    h: np.ndarray
    task_loss: np.ndarray
    roughly: bool = False

    def __post_init__(self):
        self._curved = False
        self._b = np.zeros(len(self.total))
        self._work = np.empty(int(np.diff(self.task_ptr).max(initial=0)))
        self._secants = np.empty(self.theta.size if self.loss.location else 0)

    def minimise(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move to the best coefficients of each task.

        Smooth losses are evaluated where a last step is short enough to be one of
        their second-order model; the residuals are those at its end.

        Parameters
        ----------
        a : ndarray of shape (n_tasks, n_vectors)
            Where to start.

        Returns
        -------
        a : ndarray of shape (n_tasks, n_vectors)
            The best coefficients.
        at_limit : ndarray of bool of shape (n_tasks,)
            Tasks whose infimum, zero, is at infinity; their residuals are zero.
        """
        part, now = self, self._begin(a.copy())
        every, tasks = now, np.arange(len(a))
        for _ in range(_MAX_TRIALS):
            part._choose(now)
            n_left = int(np.count_nonzero(now.left))
            if not n_left:
                break
            if 2 * n_left <= now.left.size:  # leave the others behind
                part._settle(now)
                self._take(part, now, tasks, every)
                chosen = np.flatnonzero(now.left)
                part, now, tasks = part.of(chosen), now.of(chosen), tasks[chosen]
            part._advance(now)
        now.stale |= now.left & ~now.taken
        part._settle(now)
        self._take(part, now, tasks, every)
        at_limit = every.value <= _PERFECT * self.total
        if part is not self or not self._curved:
            self.curve(slice(None))
        if every.last.any():
            self.theta -= self.h * self.predicted(every.last)
        if at_limit.any():
            self.theta[np.repeat(at_limit, np.diff(self.task_ptr))] = 0.0
        return every.a + every.last, at_limit

    def _take(self, part, now, tasks, every):
        """Take over where some tasks are."""
        if part is not self:
            rows = _rows_of(tasks, self.task_ptr)
            self.at[rows], self.theta[rows] = part.at, part.theta
            self.task_loss[tasks] = part.task_loss
        if now is not every:
            every.a[tasks], every.value[tasks] = now.a, now.value
            every.last[tasks] = now.last

    def of(self, tasks: np.ndarray) -> TaskNewton:
        """Return that of some tasks."""
        rows = _rows_of(tasks, self.task_ptr)
        sizes = np.diff(self.task_ptr)[tasks]
        part = TaskNewton(
            self.loss,
            np.ascontiguousarray(self.V[:, rows]),
            self.ridge[tasks],
            self.stiffness[tasks],
            self.y[rows],
            self.weight[rows],
            self.root[rows],
            np.concatenate([[0], np.cumsum(sizes)]),
            self.total[tasks],
            self.eta[rows],
            self.at[rows],
            self.theta[rows],
            self.h[rows],
            self.task_loss[tasks],
            self.roughly,
        )
        if self.loss.location:
            part._secants = self._secants[rows]
        return part

    def guess(self, a: np.ndarray, change: np.ndarray) -> np.ndarray:
        """Return where the best coefficients are after a change of ``eta``.

        By the second-order model where ``a`` were the best, and the residuals are.
        """
        slope = np.empty(a.T.shape)
        given = readonly(self.V), readonly(self.task_ptr), readonly(-self.h * change)
        feature_adjoint(*given, slope)
        every = np.ones(len(a), dtype=bool)
        move, reach = self._moves(self.h, np.ascontiguousarray(slope.T), every)
        far = _FAR if self.loss.curvature is not None else _FAR_UNBOUNDED
        if self.loss.location:  # parabolas in places, of any unit
            far = np.finfo(float).max
        return np.where((reach <= far)[:, None], a + move, a)

    def predicted(self, a: np.ndarray) -> np.ndarray:
        """Return what the coefficients predict."""
        c, out = readonly(np.ascontiguousarray(a.T)), np.empty_like(self.theta)
        feature_predict(readonly(self.V), readonly(self.task_ptr), c, out)
        return out

    def slopes(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return minus the slopes for the residuals as they are.

        Also the norm of these in each task, and the sum of the terms that values are
        rounded with.
        """
        slope, size, spread = np.empty(a.shape), *np.empty((2, len(a)))
        inputs = self.root, self.theta, self.eta, self.at, self.ridge, a
        given = map(readonly, (self.V, self.task_ptr, *inputs))
        slopes_of_fit(*given, slope, size, spread)
        return slope, size, spread

    def _begin(self, a):
        """Return the state of all tasks at these coefficients."""
        every, T = np.ones(len(a), dtype=bool), len(a)
        zero, none = np.zeros(a.shape), np.zeros(T, dtype=bool)
        steps = zero, np.ones((T, 1)), np.zeros(T, dtype=int), zero.copy()
        return _State(a, *self._try(a), *steps, every, every.copy(), none)

    def _settle(self, now):
        """Evaluate anew where the last step tried has not been taken."""
        if now.stale.any():
            self._try(now.a)
            now.stale[:] = False

    def _try(self, a):
        """Evaluate at these coefficients; return values and slopes."""
        np.add(self.predicted(a), self.eta, out=self.at)
        given = self.y, self.at, self.weight, self.task_ptr, self.total
        written = self._b, self.theta, self.task_loss
        self.loss.residual(*given, False, *written)
        self._curved = False
        value = self.task_loss + np.sum(self.ridge * a**2, axis=1) / 2
        return value, *self.slopes(a)

    def _choose(self, now):
        """Find the next steps of tasks that have come to a new point, or their end."""
        steep = np.abs(now.slope).max(axis=1, initial=0.0)
        now.left &= steep > _CONSTRAINT_ROUNDING * now.size
        now.left &= now.value > _PERFECT * self.total
        new = now.taken & now.left
        if not new.any():
            return
        loss = self.loss
        rows = slice(None)
        if not new.all():
            rows = np.repeat(new, np.diff(self.task_ptr))
        self.curve(rows)
        move, reach = self._moves(self.h, now.slope, new)
        now.move[new] = move[new]
        now.length[new] = 1.0
        now.halvings[new] = 0
        if loss.location:
            given = self.y, self.at, self.theta, self.weight
            self._secants[rows] = secant(loss, *given)[rows]
        if not loss.likelihood:
            return  # where there are kinks a step may leave the dual domain
        enough, least = _ROUNDING, now.value
        if self.roughly:
            mean = float(self.task_loss.mean())
            enough, least = _ROUGHLY, np.maximum(least, _OF_MEAN * mean)
        end = new & (np.einsum("tk,tk->t", now.slope, now.move) <= enough * least)
        end &= reach <= _LAST_REACH
        now.last[end] = now.move[end]
        now.left &= ~end

    def _advance(self, now):
        """Try the next steps, and shorten those that lead up."""
        # values are rounded with the predictions, which may be far from zero
        noise = _ROUNDING * now.value + UNIT * now.spread
        steep = np.abs(now.slope).max(axis=1, initial=0.0)
        left = now.left
        trial = np.where(left[:, None], now.a + now.length * now.move, now.a)
        value, slope, size, spread = self._try(trial)
        now.taken = left & (value <= now.value + noise)
        up, taken = left & ~now.taken, now.taken[:, None]
        better = value < now.value - noise
        better |= np.abs(slope).max(axis=1, initial=0.0) < steep / 2.0
        now.a = np.where(taken, trial, now.a)
        now.value = np.where(now.taken, value, now.value)
        now.slope = np.where(taken, slope, now.slope)
        now.size = np.where(now.taken, size, now.size)
        now.spread = np.where(now.taken, spread, now.spread)
        now.left = up | (now.taken & better)
        now.stale = up & False
        if not up.any():
            return
        first = up & (now.halvings == 0)
        now.halvings[up] += 1
        if self.loss.location and first.any():
            move, _ = self._moves(self._secants, now.slope, first)
            now.move[first] = move[first]
            up = up & ~first
        now.length[up] /= 2.0
        now.stale = up & (now.halvings > _MAX_HALVINGS)
        now.left &= ~now.stale

    def curve(self, rows: slice | np.ndarray) -> None:
        """Write curvatures at the residuals of some rows, (n_observations,) or all."""
        weight = self.weight[rows]
        h = self.loss.hessian(self.y[rows], self.theta[rows], weight)
        if self.loss.location:
            h = np.maximum(h, _LEAST_CURVATURE * weight)
        self.h[rows] = h
        self._curved = isinstance(rows, slice)

    def _moves(self, h, slope, chosen):
        """Return Newton steps in some tasks, zero in the others, for curvatures h.

        Also the largest change of a linear predictor in each task.
        """
        V, ptr = self.V, self.task_ptr
        if h.size and len(V) <= _FEW_VECTORS:
            k, move, reach = len(V), np.empty(slope.shape), np.empty(len(slope))
            arrays = map(readonly, (V, ptr, h, self.stiffness))
            given = readonly(slope), readonly(chosen), np.empty((k, k)), self._work
            newton_moves(*arrays, _DAMPING, *given, move, reach)
            return move, reach
        H = damped(products_of_tasks(h * V, V, ptr), self.stiffness)
        move, reach = np.zeros_like(slope), np.zeros(len(slope))
        move[chosen] = np.linalg.solve(H[chosen], slope[chosen][:, :, None])[:, :, 0]
        filled = np.diff(ptr) > 0
        change = np.abs(self.predicted(move))
        reach[filled] = np.maximum.reduceat(change, ptr[:-1][filled])
        return move, reach


def damped(H: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """Return Hessians with a ridge, and a little more for them to have an inverse.

    Parameters
    ----------
    H : ndarray of shape (n_tasks, n_vectors, n_vectors)
        The Hessians, which are written over.
    ridge : ndarray of shape (n_tasks, n_vectors)
        The ridge.
    """
    diagonal = np.diag_indices(H.shape[1])
    H[:, *diagonal] += ridge
    damping = _DAMPING * np.einsum("tkk->tk", H).max(axis=1, initial=1.0)
    H[:, *diagonal] += damping[:, None]
    return H


def secant(loss, y, at, theta, weight) -> np.ndarray:
    """Return the curvature of parabolas that touch the loss at both signs of r.

    With the slope at a residual r of zero added, they lie above a loss that bends
    less the larger r is, and lead down where Newton's model, of a loss that is
    linear in places, leads far.
    """
    r, out = y - at, loss.curvature * weight
    return np.divide(theta + weight * loss.derivative(y, y), r, out=out, where=r != 0)


def _rows_of(tasks: np.ndarray, task_ptr: np.ndarray) -> np.ndarray:
    """Return the observations of some tasks."""
    bounds = zip(task_ptr[tasks].tolist(), task_ptr[tasks + 1].tolist(), strict=True)
    return np.concatenate([np.arange(i, j) for i, j in bounds])
