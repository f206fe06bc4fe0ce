"""Ordered classes: the loss of a task with its cuts at their optimum."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import solveh_banded
from scipy.special import entr, expit, logit

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._coupled import CoupledFit
from linmtl.losses import Ordinal

_MAX_STEPS = 100  # of Newton's method for the cuts
_MIN_STEP = 1e-10
_CUT_TOL = 1e-13  # a slope relative to the weight of its task
_DUAL_TOL = 1e-10  # the same, of a dual point that certifies nothing
_LOSS_TOL = 1e-14  # of a loss, relative to the same
_RIDGE = 1e-14  # on the Hessian in the cuts, relative to its diagonal
_SIGN_TOL = 1e-15  # a residual of the wrong sign that is rounding
_MARGIN = 50.0  # of cuts beside linear predictors, in log-odds
_MAX_SHARE = 0.9  # share of the way to where two cuts meet that a step may go


class _Slopes(NamedTuple):
    """Slopes of the loss: of each observation and of the gaps between cuts."""

    above: np.ndarray  # in ``eta`` less the cut above
    below: np.ndarray  # in the cut below less ``eta``
    gap: np.ndarray  # minus that in the gap below a cut


class OrdinalFit(CoupledFit):
    """Proportional odds, ``P(y <= k) = 1 / (1 + exp(eta - c_k))``, with the best cuts.

    With delta the gap between the cuts beside a class, its probability is
    ``expit(c_above - eta) expit(eta - c_below) (1 - exp(-delta))``: the loss is that of
    two classes once or twice for each observation, and a barrier for each gap. Their
    conjugates are in closed form. A point of the dual problem has a slope for each of
    them, and those at a cut add up to zero, as they do where the cuts are best.

    Parameters
    ----------
    data : MultiTaskData
        The observations, with intercepts; targets are positions among the classes. A
        task has a cut between each two of the classes that it shows.
    loss : Ordinal
        The loss.
    centres : ndarray of shape (n_features,), default=None
        As for `ResidualFit`.
    """

    def __init__(
        self, data: MultiTaskData, loss: Ordinal, centres: np.ndarray | None = None
    ):
        super().__init__(data, loss, centres)
        T, K = data.design.n_tasks, loss.n_classes
        self._task = np.repeat(np.arange(T), np.diff(data.task_ptr))
        self._level = np.zeros(T)  # of linear predictors, which cuts are relative to
        code = data.y.astype(int)
        size = np.bincount(self._task * K + code, data.weight, T * K).reshape(T, K)
        self._size, shown = size, size > 0
        count = np.maximum(shown.sum(axis=1) - 1, 0)  # of cuts
        first = np.cumsum(count) - count
        M = int(count.sum())
        rank = (np.cumsum(shown, axis=1) - 1)[self._task, code]
        used = data.weight > 0
        at = first[self._task] + rank
        # one place more for what has no cut above, or below
        self._above = np.where(used & (rank < count[self._task]), at, M)
        self._below = np.where(used & (rank > 0), at - 1, M)
        self._cut_task = np.repeat(np.arange(T), count)
        self._inner = np.arange(M) > first[self._cut_task]  # cuts with one below
        last = np.cumsum(shown, axis=1) - shown  # classes shown below each
        own = shown & (last > 0) & (last < count[:, None])
        self._gap_size = np.zeros(M)
        self._gap_size[self._inner] = size[own]
        # the cut between the classes up to each and those beyond
        place = np.cumsum(shown, axis=1)[:, :-1]
        self._place = np.where(place > 0, first[:, None] + place - 1, -1)
        self._place[place > count[:, None]] = M
        share = np.cumsum(size, axis=1) / np.maximum(size.sum(axis=1), 1e-300)[:, None]
        ends = shown & (np.cumsum(shown, axis=1) <= count[:, None])
        self._shares = share[ends]
        self._cuts = self._of_shares = logit(self._shares)
        self._null = entr(size / np.maximum(size.sum(axis=1), 1e-300)[:, None])
        self._null = self._null.sum(axis=1) * size.sum(axis=1)
        self._slopes = _Slopes(code * 0.0, code * 0.0, np.zeros(M))

    def _residual(self, first, stop):
        """Find the cuts; write residuals and losses of all tasks."""
        self.data.add_offset(self._eta, first, stop)
        weight = self.data.weight
        weights = self.data.total
        # far from zero cuts would have too few digits for slopes of zero
        rows = np.maximum(np.diff(self.data.task_ptr), 1)
        self._level = self.data.task_sum(self._eta) / rows
        self._eta -= self._level[self._task]
        total = weights[self._cut_task]
        cuts, value = self._started()
        # beyond it nothing is gained: where all slopes are flat a step has no length
        reach = np.ptp(self._eta) + _MARGIN
        for _ in range(_MAX_STEPS):
            slopes = self._slopes_at(cuts)
            slope = self._at_cuts(slopes)
            if np.all(np.abs(slope) <= _CUT_TOL * total):
                break
            move = -self._solve(slopes, slope)
            step, long = np.ones(self.data.design.n_tasks), np.abs(move) > reach
            np.minimum.at(step, self._cut_task[long], reach / np.abs(move[long]))
            gap, closer = np.diff(cuts, prepend=0.0), -np.diff(move, prepend=0.0)
            met = self._inner & (closer > _MAX_SHARE * gap)
            np.minimum.at(
                step, self._cut_task[met], _MAX_SHARE * gap[met] / closer[met]
            )
            fall = np.bincount(self._cut_task, slope * move, step.size)
            while True:
                trial = cuts + step[self._cut_task] * move
                found = self._losses(trial)
                short = found > value + 0.1 * step * fall + _LOSS_TOL * weights
                if not short.any() or step.min() < _MIN_STEP:
                    break
                step[short] /= 2
            cuts, value = trial, found
        self._cuts, self._slopes = cuts, self._slopes_at(cuts)
        self.theta[:] = weight * (self._slopes.below - self._slopes.above)
        self.task_loss[:] = value

    def _started(self) -> tuple[np.ndarray, np.ndarray]:
        """Return cuts to start from, and the loss of each task there.

        Those of the last predictors. Where they are no better than the shares of the
        classes alone, these are far away, and Newton's steps from there may not end:
        the cuts are then about the predictors that as many rows are below.
        """
        cuts, value = self._cuts, self._losses(self._cuts)
        far = np.flatnonzero(value > self._null * (1.0 + 1e-9))
        if far.size == 0:
            return cuts, value
        near, ptr = cuts.copy(), self.data.task_ptr
        for t in far:
            mine = self._cut_task == t
            eta, weight = (
                v[ptr[t] : ptr[t + 1]] for v in (self._eta, self.data.weight)
            )
            order = np.argsort(eta)
            below = np.cumsum(weight[order])
            at = np.searchsorted(below, self._shares[mine] * below[-1])
            eta = eta[order[np.minimum(at, order.size - 1)]]
            near[mine] = eta + self._of_shares[mine]
        found = self._losses(near)
        better = found < value
        return np.where(better[self._cut_task], near, cuts), np.where(
            better, found, value
        )

    def _beside(self, values: np.ndarray, none: float) -> tuple[np.ndarray, np.ndarray]:
        """Return values of the cuts above and below each observation."""
        above, below = np.append(values, none), np.append(values, -none)
        return above[self._above], below[self._below]

    def _losses(self, cuts):
        high, low = self._beside(cuts, np.inf)
        each = np.logaddexp(0.0, self._eta - high) + np.logaddexp(0.0, low - self._eta)
        T, inner = self.data.design.n_tasks, self._inner
        value = np.bincount(self._task, self.data.weight * each, T)
        gap = np.diff(cuts, prepend=0.0)[inner]
        barrier = -self._gap_size[inner] * np.log(-np.expm1(-gap))
        return value + np.bincount(self._cut_task[inner], barrier, T)

    def _slopes_at(self, cuts):
        high, low = self._beside(cuts, np.inf)
        gap = np.where(self._inner, np.diff(cuts, prepend=0.0), 1.0)
        with np.errstate(over="ignore"):
            barrier = self._gap_size / np.expm1(gap)
        return _Slopes(expit(self._eta - high), expit(low - self._eta), barrier)

    def _sums(self, above: np.ndarray, below: np.ndarray) -> np.ndarray:
        """Return sums over the observations beside each cut."""
        n = self._cuts.size + 1
        sums = np.bincount(self._above, above, n) + np.bincount(self._below, below, n)
        return sums[:-1]

    def _at_cuts(self, slopes: _Slopes) -> np.ndarray:
        """Return the slope of the loss in each cut."""
        weight, gap = self.data.weight, slopes.gap
        sums = self._sums(-weight * slopes.above, weight * slopes.below)
        return sums - gap + _next(gap)

    def _curvatures(self, slopes: _Slopes) -> _Slopes:
        weight, size = self.data.weight, self._gap_size
        ratio = np.divide(slopes.gap, size, out=0 * size, where=size > 0)
        return _Slopes(
            weight * slopes.above * (1.0 - slopes.above),
            weight * slopes.below * (1.0 - slopes.below),
            slopes.gap * (1.0 + ratio),
        )

    def _solve(self, slopes: _Slopes, right: np.ndarray) -> np.ndarray:
        """Return the inverse of the Hessian in the cuts times a vector."""
        above, below, gap = self._curvatures(slopes)
        diagonal = self._sums(above, below) + gap + _next(gap) + np.finfo(float).tiny
        # where nothing but gaps has curvature, the matrix is singular to rounding
        diagonal *= 1.0 + _RIDGE
        if not self._inner.any():
            return right / diagonal
        return solveh_banded(np.vstack([-gap, diagonal]), right)

    @property
    def hessian_weight(self):
        above, below, _ = self._curvatures(self._slopes)
        return above + below

    def _moved_cuts(self, eta):
        """Return how the cuts follow linear predictors that grow by ``eta``."""
        above, below, _ = self._curvatures(self._slopes)
        return self._solve(self._slopes, self._sums(above * eta, below * eta))

    def _curved(self, eta):
        above, below, _ = self._curvatures(self._slopes)
        high, low = self._beside(self._moved_cuts(eta), 0.0)
        return above * (eta - high) + below * (eta - low)

    def _move(self, eta):
        weight, cuts = self.data.weight, self._moved_cuts(eta)
        used = weight > 0
        above, below, gap = self._curvatures(self._slopes)
        high, low = self._beside(cuts, 0.0)
        ratio = np.divide(1.0, weight, out=0 * weight, where=used)
        self._slopes = _Slopes(
            self._slopes.above + ratio * above * (eta - high),
            self._slopes.below - ratio * below * (eta - low),
            self._slopes.gap - gap * np.where(self._inner, np.diff(cuts, prepend=0), 0),
        )
        self.theta[:] = weight * (self._slopes.below - self._slopes.above)

    def _recentre(self, h):
        """Nothing: cuts are at their optimum."""

    def dual_limit(self):
        slopes, total = self._slopes, self.data.total[self._cut_task]
        if np.any(np.abs(self._at_cuts(slopes)) > _DUAL_TOL * total):
            return 0.0
        if min(slope.min(initial=0.0) for slope in slopes) < -_SIGN_TOL:
            return 0.0
        both = max(slopes.above.max(initial=0.0), slopes.below.max(initial=0.0))
        return 1.0 / max(both, 1e-300)

    def dual_value(self, scale):
        value = -self.offset_value(scale)
        for slope in self._slopes[:2]:
            p = np.clip(scale * slope, 0.0, 1.0)
            value += float(self.data.weight @ (entr(p) + entr(1.0 - p)))
        size, gap = self._gap_size, np.maximum(scale * self._slopes.gap, 0.0)
        size, gap = size[gap > 0], gap[gap > 0]
        return value + float(
            np.sum(size * np.log1p(gap / size) + gap * np.log1p(size / gap))
        )

    def cuts(self, W: np.ndarray) -> np.ndarray:
        """Return the best cuts for coefficients, (n_tasks, n_classes - 1).

        Two are equal around a class that a task has never shown, and infinite beyond
        those that it has.
        """
        self.loss_at(W)
        level = self._level + self._at_centres[self.data.design.column]
        cuts = np.append(self._cuts + level[self._cut_task], [np.inf, -np.inf])
        return cuts[self._place]

    def fitted_attributes(self, W):
        return {"thresholds_": self.cuts(W)}


def _next(values: np.ndarray) -> np.ndarray:
    """Return for each cut the value of the one above; zero for the last."""
    return np.append(values[1:], 0.0)
