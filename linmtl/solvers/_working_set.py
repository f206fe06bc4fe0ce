"""Working sets and block coordinate descent: squared loss, row-separable norms.

Outer step: the gradient of all rows, a certificate, and the rows that matter: those in
use and those that violate their bound most. Inner step: coordinate descent on these
rows alone, jitted whole, in Gram form or with residuals, whichever is cheaper.

Massias, Gramfort, Salmon (2018), Celer: a fast solver for the lasso with dual
extrapolation; Bertrand, Massias (2021), Anderson acceleration of coordinate descent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit, Residuals
from linmtl.designs._base import Design, used_rows
from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import gram_adjoint
from linmtl.kernels._rows import (
    gram_descent,
    group_descent,
    residual_descent,
    task_descent,
    workspace,
)
from linmtl.penalties._base import Penalty
from linmtl.penalties._compose import Composite
from linmtl.penalties._row_separable import RowSeparable
from linmtl.solvers._admm import AlternatingDirections
from linmtl.solvers._apg import AcceleratedProximalGradient
from linmtl.solvers._direct import hessian_blocks
from linmtl.solvers._feature_sign import lasso_of_tasks
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._objective import Objective

_BLOCK_ROWS = 32  # rows of a block of the residual form
_LEAST_GROWTH = 64  # rows that a working set may always grow by
_LEAST_FALL = 0.8  # a gap that falls by less is not falling
_MAX_STALLED = 3  # working sets in a row without a fall
_PATIENCE = 300  # sweeps over one working set until they are given up,
_FEW_ROWS, _LITTLE_PATIENCE = 100, 100  # or with so few rows a task: others are cheap
_MAX_EPOCHS = 1000  # iterations over one working set of what follows
_SINGLE_SET_GAP = 300  # tolerances: a gap from which one working set may do
_CACHED = 500_000  # numbers that stay in the cache
_SPARE_WORK = 0.1  # of the products of a pass, that sweeps may cost past their target


def lacks_rows(
    objective, coupled: bool = False, kind: type[Penalty] = RowSeparable
) -> str | None:
    """Return what keeps a problem from coordinate descent on rows, None if nothing.

    ``coupled`` says that the tasks may be coupled in each row, ``kind`` which norms
    are known.
    """
    penalty = objective.penalty
    if not isinstance(penalty.norm, kind):
        return "an L1, L21 or L1 + L21 penalty"
    if penalty.free.any():
        return "a penalty on every feature"
    if coupled:
        return None
    if not (penalty.quadratic.is_diagonal and penalty.quadratic.equal_ridge):
        return "a ridge as the only quadratic penalty"
    return None


class WorkingSet:
    """Exact on the rows that matter, certified on all."""

    name = "working_set"
    most = 1.0  # of the features; below it what needs larger sets is given up

    @staticmethod
    def missing(objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        if not objective.fit.quadratic:
            return "the squared loss"
        return lacks_rows(objective)

    def solve(self, objective, W, stop, max_iter, monitor):
        norm = objective.penalty.norm
        entry, row = norm.strengths(W.shape[0])
        ridge = float(objective.penalty.quadratic.diagonal[0])
        inner = _inner_solver(objective, ridge, bool(norm.positive))
        size, shared = objective.fit.largest_block
        few = objective.fit.holds_rows and not shared and size <= _FEW_ROWS
        patience = _LITTLE_PATIENCE if few else _PATIENCE
        epochs, most, coordinates = 0, patience, True
        rows = RowChoice(W)
        while not rows.exhausted:
            D = objective.D
            gap = monitor.gap
            chosen, settled = rows.choose(W, objective.row_sizes, monitor.best_gap)
            if chosen.size > self.most * len(W):
                return
            if not is_affordable(objective.fit, chosen.size):
                inner = _PartOfRows(objective, AcceleratedProximalGradient)
                most, coordinates = _MAX_EPOCHS, False
            final = 0.8 * stop
            target = max((0.02 if settled else 0.2) * gap, final)
            if rows.near and gap <= _SINGLE_SET_GAP * final:
                target = final
            goal = Goal(
                target=target,
                final=final,
                limit=max(min(max_iter - epochs, most), 1),
            )
            done, residuals = inner(W, D, chosen, entry[chosen], row[chosen], goal)
            epochs += done
            if monitor.done(W, epochs, stop, residuals) or epochs >= max_iter:
                return
            if done >= most and coordinates:
                # Along a direction in which the loss is flat coordinates creep.
                inner, most = _FlatRows(objective, ridge), _MAX_EPOCHS
                coordinates = False
                rows = RowChoice(W)
        W[:] = monitor.best_W
        if self.most < 1.0:
            return
        finish = AcceleratedProximalGradient()
        finish.solve(objective, W, stop, max_iter - epochs, monitor, start=epochs)


class FewFeatures(WorkingSet):
    """Where few features are in use, rows say in some passes what moments would."""

    most = 0.25


@dataclass(frozen=True)
class Goal:
    """When to leave a working set.

    Attributes
    ----------
    target : float
        At this gap,
    final : float
        or, while sweeps are still cheap beside a pass over all rows, at this one;
    limit : int
        after this many sweeps in any case.
    """

    target: float
    final: float
    limit: int

    def free(self, everything: float, sweep: float) -> int:
        """Return the sweeps that cost little beside a pass, both in multiplications."""
        return min(int(_SPARE_WORK * everything / max(sweep, 1.0)), self.limit)


class RowChoice:
    """The working sets of a run.

    A set may grow by ``few`` rows, or by ``growth`` times those in use.

    A row that is zero and well within its bound leaves the set. Where the gap stops
    falling rows may be going in and out, so then none leaves; when it does not fall all
    the same, working sets are of no use.

    Attributes
    ----------
    exhausted : bool
        Whether further working sets are of no use.
    near : bool
        Whether the last set was the first of a run that did not start at zero, and had
        room for all rows that may be in use: on a path mostly the only one needed.
    """

    def __init__(self, W: np.ndarray, few: int = _LEAST_GROWTH, growth: int = 2):
        self._few, self._growth = few, growth
        self._before = np.flatnonzero(used_rows(W))
        self._gap = np.inf
        self._stalled = 0
        self.near = False

    @property
    def exhausted(self) -> bool:
        return self._stalled >= _MAX_STALLED

    def choose(
        self, W: np.ndarray, size: np.ndarray, gap: float
    ) -> tuple[np.ndarray, bool]:
        """Return the next working set, and whether no row outside the last violates.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            Current coefficients.
        size : ndarray of shape (n_features,)
            Dual norm of each row of the gradient; a violation is above 1.
        gap : float
            Duality gap.
        """
        active = used_rows(W)
        before = np.zeros(size.size, dtype=bool)
        before[self._before] = True
        worst_inside = max(size[before].max(initial=0.0), 1.0)
        settled = bool(before.any()) and size[~before].max(initial=0.0) <= worst_inside
        if not (np.isfinite(gap) and gap <= _LEAST_FALL * self._gap):
            active |= before
            self._stalled += 1
        else:
            self._stalled = 0
        slack = max(0.02, min(0.1, 0.5 * (size.max(initial=0.0) - 1.0)))
        candidates = np.flatnonzero((size > 1.0 - slack) & ~active)
        room = max(self._few, self._growth * int(active.sum()))
        first = not np.isfinite(self._gap)
        self.near = first and candidates.size <= room and bool(active.any())
        active[worst(candidates, size, room)] = True
        self._before, self._gap = np.flatnonzero(active), gap
        return self._before, settled


def worst(rows: np.ndarray, size: np.ndarray, room: int) -> np.ndarray:
    """Return those of the rows with the largest size, as many as there is room for."""
    if rows.size <= room:
        return rows
    return rows[np.argpartition(-size[rows], room)[:room]]


def is_affordable(fit: Datafit, n_chosen: int) -> bool:
    """Whether what is held for a working set is not much larger than a sparse X."""
    if not fit.holds_rows:
        return True
    design = fit.data.design
    rows = design.task_ptr[1 if design.is_shared() else -1]
    grams = 1 if design.columns_alike(fit.data.weight) else design.n_columns
    held = min(rows, grams * n_chosen)
    made = 3 * n_chosen  # a product of sparse matrices on the way to one that is dense
    return 8.0 * n_chosen * (held + made) <= design.spare_bytes


def _inner_solver(objective, ridge, positive):
    fit = objective.fit
    if not fit.holds_rows:
        return _GramRows(fit, ridge, positive)
    design, weight = fit.data.design, fit.data.weight
    if design.columns_alike(weight):
        return _SharedRows(fit, ridge, positive)
    return _RaggedRows(fit, ridge, positive)


class _Descent:
    """Descends on chosen rows; W is updated in place.

    Returns the number of sweeps, and the residuals where they are at hand.
    """

    def __init__(self, fit, ridge: float, positive: bool):
        self.fit, self.ridge, self.positive = fit, ridge, positive
        self.square = fit.square

    def gram(self, H, W, D, rows, entry, row, goal, everything):
        """Coordinate descent in Gram form."""
        sweep = float(rows.size**2 * W.shape[1])
        W[rows], epochs = descend_on_grams(
            H,
            np.ascontiguousarray(W[rows]),
            np.ascontiguousarray(D[rows]),
            self.square,
            self.ridge,
            (entry, row, self.positive),
            (goal.target, goal.final, goal.free(everything, sweep), 0.0, goal.limit),
        )
        return epochs, None


class _GramRows(_Descent):
    """From the Gram matrices of all features."""

    def __call__(self, W, D, rows, entry, row, goal):
        d, T = W.shape
        uncopied = rows.size == d and not self.ridge
        H = self.fit.H if uncopied else self.fit.hessians(rows)
        return self.gram(H, W, D, rows, entry, row, goal, float(d * d * T))


class _SharedRows(_Descent):
    """From the samples that all tasks share."""

    def __call__(self, W, D, rows, entry, row, goal):
        data = self.fit.data
        weight = data.weight[: data.task_ptr[1]]
        d, T = W.shape
        everything = float(weight.size * d * T)
        if data.design.is_sparse and rows.size <= weight.size:
            H = data.design.first().hessians(weight, data.fit_intercept, rows)
            return self.gram(H, W, D, rows, entry, row, goal, everything)
        A, mean = data.design.centred_features(rows, weight, data.fit_intercept)
        k, n = A.shape
        if k <= n:
            H = (A @ A.T)[None]
            return self.gram(H, W, D, rows, entry, row, goal, everything)
        blocks = -(-k // _BLOCK_ROWS)
        L = np.zeros((blocks, _BLOCK_ROWS, _BLOCK_ROWS))
        for i in range(blocks):
            block = A[i * _BLOCK_ROWS : (i + 1) * _BLOCK_ROWS]
            L[i, : len(block), : len(block)] = block @ block.T
        part = np.ascontiguousarray(W[rows])
        root = np.sqrt(weight)[:, None]
        theta = self.fit.theta.reshape(T, -1).T  # at W
        R = np.zeros(theta.shape)
        np.divide(theta, root, out=R, where=root > 0)
        epochs = residual_descent(
            readonly(A),
            readonly(L),
            self.ridge,
            part,
            R,
            readonly(entry),
            readonly(row),
            self.positive,
            goal.target,
            goal.final,
            goal.free(everything, float(2 * n * k * T)),
            goal.limit,
            workspace(part, R),
        )
        W[rows] = part
        # without the rounding errors of many updates
        R = root * self.fit.y.reshape(T, -1).T - A.T @ part
        theta, task_loss = (root * R).T.ravel(), 0.5 * np.einsum("it,it->t", R, R)
        return epochs, Residuals(-(mean @ part), theta, task_loss)


class _RaggedRows(_Descent):
    """From samples of each task's own."""

    part = None  # the features of the last working set

    def __call__(self, W, D, rows, entry, row, goal):
        data = self.fit.data
        self.part = data.design.gather(rows, self.part)
        everything = float(data.y.size * W.shape[0])
        if gram_pays(self.part, W.shape[0]):
            H = self.part.hessians(data.weight, data.fit_intercept)
            return self.gram(H, W, D, rows, entry, row, goal, everything)
        sweep = float(2 * data.y.size * rows.size)
        W[rows], epochs = descend_on_rows(
            self.part,
            data,
            data.weight,
            self.fit.theta,
            np.ascontiguousarray(W[rows]),
            self.ridge,
            (entry, row, self.positive),
            (goal.target, goal.final, goal.free(everything, sweep), 0.0, goal.limit),
        )
        return epochs, None


class _PartOfRows:
    """Another method on the problem of these rows."""

    def __init__(self, objective: Objective, method: Any):
        self.objective, self.method = objective, method

    def __call__(self, W, D, rows, entry, row, goal):
        fit, penalty = self.objective.fit, self.objective.penalty
        norm: Any = penalty.norm
        norm, free = norm.on_features(rows, len(W)), np.zeros(rows.size, dtype=bool)
        part = Objective(fit.gather(rows), Composite(norm, penalty.quadratic, free))
        monitor, chosen = Monitor(part, alone=True), np.ascontiguousarray(W[rows])
        if not monitor.done(chosen, 0, goal.final):
            self.method().solve(part, chosen, goal.target, goal.limit, monitor)
        W[rows] = monitor.best_W
        return max(monitor.n_iter, 1), None


class _FlatRows:
    """Where coordinates creep: systems on the support for L1, else splitting."""

    def __init__(self, objective: Objective, ridge: float):
        self.objective, self.ridge = objective, ridge
        self._splitting = _PartOfRows(objective, AlternatingDirections)

    def __call__(self, W, D, rows, entry, row, goal):
        if row.any():
            goal = replace(goal, target=goal.final)
            return self._splitting(W, D, rows, entry, row, goal)
        norm: Any = self.objective.penalty.norm
        part_fit, chosen = self.objective.fit.gather(rows), W[rows]
        H = np.array([block.matrix() for block in hessian_blocks(part_fit)])
        H += self.ridge * np.eye(rows.size)
        steps = lasso_of_tasks(H, D[rows], chosen, entry, norm.positive)
        W[rows] = chosen
        return steps, None


def gram_pays(part: Design, n_features: int) -> bool:
    """Whether to use Gram matrices of the columns, on some of the features.

    They are no larger than X, and a sweep costs no more than one with residuals; or
    they stay in the cache, where it costs a fifth.
    """
    if part.n_columns < part.n_tasks:  # tied tasks: few columns
        return True
    entries, n = part.n_columns * part.n_features**2, part.task_ptr[-1]
    if 8.0 * entries > part.spare_bytes:  # of two that are dense the smaller
        n = part.task_ptr[1] if part.is_shared() else n
        return entries <= n * part.n_features
    return entries <= max(n * min(2 * part.n_features, n_features), _CACHED)


def descend_on_grams(H, W, G, square, ridge, penalty, goal, coupling=None, exact=None):
    """Coordinate descent in Gram form; return new coefficients and the sweeps.

    Parameters
    ----------
    H : ndarray of shape (1 or n_tasks, n_chosen, n_chosen)
        Hessians of the loss; a ridge is added to them in place.
    W : ndarray of shape (n_chosen, n_tasks)
        Where to start; updated in place.
    G : ndarray of shape (n_chosen, n_tasks)
        The negative gradient there.
    square : float
        Weighted sum of the squares of the targets.
    ridge, penalty, goal
        As for :func:`descend_on_rows`.
    coupling : Coupling, default=None
        A quadratic form that couples the tasks in each row; not with a gap to reach.
    exact : ExactCoupling, default=None
        The same in its place.
    """
    entry, row, positive = penalty
    if ridge:
        diagonal = np.arange(len(W))
        H[:, diagonal, diagonal] += ridge
    Gt = G.T.copy()
    if goal[0] == -np.inf:
        Ct = Gt  # of no use without a gap
    elif len(H) == 1:
        Ct = Gt + W.T @ H[0]
    else:
        Ct = np.empty_like(Gt)
        Wt = np.ascontiguousarray(-W.T)
        gram_adjoint(readonly(H), readonly(Gt), readonly(Wt), Ct)
    Et = np.zeros(Gt.shape, dtype=H.dtype)
    epochs = gram_descent(
        readonly(H),
        coupling,
        exact,
        W,
        readonly(Gt),
        Et,
        readonly(Ct),
        float(square),
        readonly(entry),
        readonly(row),
        bool(positive),
        *goal,
        workspace(W, Et),
    )
    return W, epochs


def descend_on_groups(H, W, G, code, penalty, accuracy, limit):
    """Descend on groups of rows in Gram form; return new coefficients and the sweeps.

    Parameters
    ----------
    H, W, G
        As for :func:`descend_on_grams`.
    code : ndarray of shape (n_chosen,)
        The group of each row.
    penalty : tuple
        Strengths of the entries of each row and of its group, and whether W is
        non-negative.
    accuracy : float
        The size of the last sweep relative to the first.
    limit : int
        Sweeps at most.
    """
    entry, group, positive = penalty
    order = np.argsort(code, kind="stable")
    first = np.flatnonzero(np.diff(code[order], prepend=-1))
    ptr = np.append(first, code.size)
    Gt = G.T.copy()
    Et = np.zeros(Gt.shape, dtype=H.dtype)
    largest = int(np.diff(ptr).max(initial=0))
    epochs = group_descent(
        readonly(H),
        readonly(order),
        readonly(ptr),
        W,
        readonly(Gt),
        Et,
        readonly(entry),
        readonly(group[order[first]]),
        bool(positive),
        float(accuracy),
        int(limit),
        np.empty((3, largest, W.shape[1])),
        workspace(W, Et),
    )
    return W, epochs


def descend_on_rows(part, data, weight, theta, W, ridge, penalty, goal):
    """Coordinate descent with residuals; return new coefficients and the sweeps.

    Parameters
    ----------
    part : Design
        The features in use.
    data : MultiTaskData
        The data; ``weight`` (n_observations,) takes the place of its weights.
    theta : ndarray of shape (n_observations,)
        The weighted residuals at W.
    W : ndarray of shape (n_chosen, n_tasks)
        Where to start; updated in place.
    ridge : float
        Strength of a ridge penalty.
    penalty : tuple
        Strengths of the entries and of the rows, and whether W is non-negative.
    goal : tuple
        When to stop, as :func:`linmtl.kernels._rows.gram_descent` takes it.
    """
    entry, row, positive = penalty
    A, start = part.feature_rows()
    R = np.array(theta)[None]
    epochs = task_descent(
        readonly(A),
        readonly(start),
        readonly(data.task_ptr),
        readonly(weight),
        bool(data.fit_intercept),
        float(ridge),
        W,
        R,
        readonly(entry),
        readonly(row),
        bool(positive),
        *goal,
        workspace(W, R),
    )
    return W, epochs
