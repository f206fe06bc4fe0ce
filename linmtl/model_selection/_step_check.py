"""Whether one step from the fit of all leads to the solution without a row.

It does where the same coefficients are in use there and norms of rows bend little on
the way. Both are told from the point that the step leads to, at the cost of products
with the rows of one task; what moves in other tasks is left out.
"""

from __future__ import annotations

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.model_selection._curvature import PenalisedCurvature

_MOST_CHANGE = 0.3  # of a norm, from which nothing is known of a feature but its size
_STIFF = 10.0  # times the curvature of the loss, that a norm bends by
_WRONG = 0.02  # of the mean loss, that a row may be wrong by


class StepCheck:
    """Checks of the steps of one task after the other, for the squared loss.

    Parameters
    ----------
    data : MultiTaskData
        The data, whose tasks have rows of their own.
    curved : PenalisedCurvature
        The solutions, their norms of rows, and what these bend.
    W : ndarray of shape (n, n_features, n_tasks)
        The solutions.
    slope : ndarray of shape (n, n_observations)
        Derivatives of the loss of each observation there.
    """

    def __init__(
        self,
        data: MultiTaskData,
        curved: PenalisedCurvature,
        W: np.ndarray,
        slope: np.ndarray,
    ):
        self.data, self.curved = data, curved
        d = W.shape[1]
        strengths = [norm.strengths(d) for norm in curved.norms]
        self.entry, self.row = (np.array(part) for part in zip(*strengths, strict=True))
        self.positive = bool(curved.norms[0].positive)
        self.gradient = np.empty(W.shape)
        for G, theta in zip(self.gradient, data.weight * slope, strict=True):
            data.design.adjoint(theta, G)
        self.in_use = W != 0
        self.is_zero = ~W.any(axis=2) | curved.held
        self.squares = self._over(self.gradient, self.entry[:, :, None]) ** 2
        self.sums = self.squares.sum(axis=2)
        total = np.where(data.total > 0, data.total, 1.0)
        self.means = np.zeros((data.design.n_tasks, d))
        if data.fit_intercept:
            self.means = data.design.task_sums(data.weight) / total[:, None]

    def _over(self, gradient, entry):
        """Return how far slopes are over the bound of an entry."""
        size = -gradient if self.positive else np.abs(gradient)
        return np.maximum(size - entry, 0.0)

    def of_task(
        self,
        t: int,
        rows: np.ndarray,
        N: np.ndarray,
        alone: np.ndarray,
        c: float,
        slope: np.ndarray,
        move: np.ndarray,
        rest: np.ndarray,
    ) -> np.ndarray:
        """Return which rows of a task are sure, (n, n_rows).

        Parameters
        ----------
        t : int
            The task.
        rows : ndarray of int of shape (n_rows,)
            Observations, whose task counts c times as much without one of them.
        N : ndarray of shape (n, n_used, n_used)
            Its block of the inverse without a row, but for the row itself.
        alone : ndarray of shape (n, n_used, n_used)
            The same without what couples the tasks.
        c : float
            See above.
        slope, move, rest : ndarray of shape (n, n_rows)
            The derivative of the loss of each row, what its predictor is less without
            it, and what is left of it.
        """
        data, curved = self.data, self.curved
        used, start = curved.used, data.task_ptr[t]
        weight = data.weight[start : data.task_ptr[t + 1]]
        X = np.asarray(data.design.block(t), dtype=float) - self.means[t]
        between = (X[:, used] * weight[:, None]).T @ X
        own_size = weight @ X**2
        X, weight = X[rows - start], weight[rows - start]
        gradient, after = self.gradient[:, :, t], slope - move
        along = X[:, used] @ N
        steps = (c * weight * after)[:, :, None] * along
        steps -= (c - 1.0) * (N @ gradient[:, used, None])[:, None, :, 0]

        # what is in use, and may be lost or bend otherwise
        u, length = curved.W[:, t, None], curved.length
        mask, entry = curved.mask[:, t, None], self.entry[:, None]
        bends = mask & (self.row[:, None, used] > 0)
        turned = mask & ((entry[..., used] > 0) | self.positive)
        turned = turned & ((u + steps) * u <= 0)
        length = np.where(length > 0, length, 1.0)
        change = np.sqrt(
            np.maximum(1.0 + (2.0 * u * steps + steps**2) / length**2, 0.0)
        )
        change = np.abs(change - 1.0)
        bend = self.row[:, None, used] / length
        stiff = bend > _STIFF * own_size[used]
        lost = turned | (bends & stiff & (change > _MOST_CHANGE))
        effect = np.abs(X[:, used] * steps)
        wrong = np.sum(effect, axis=2, where=lost)
        bent = bend * change / (1.0 + change) * steps
        alone = X[:, used] @ alone
        bent = np.abs(np.sum(alone * bent, axis=2, where=bends & ~lost))
        wrong += np.divide(bent, rest, out=np.full(rest.shape, np.inf), where=rest > 0)

        # what is not, and may come into use
        slopes = gradient[:, None] + steps @ between
        slopes -= (weight * after)[:, :, None] * X
        over = self._over(c * slopes, entry)
        others = (self.sums - self.squares[:, :, t])[:, None]
        size = np.sqrt(others + over**2)
        rises = np.maximum(size - self.row[:, None], 0.0)
        share = np.divide(rises, size, out=np.zeros(size.shape), where=size > 0)
        free = ~self.is_zero & ~self.in_use[:, :, t] & (self.entry > 0)
        share = np.where(self.is_zero[:, None], share, free[:, None])
        own = over * share / np.where(own_size > 0, own_size, 1.0)
        wrong += np.sum(np.abs(X) * own, axis=2)
        level = np.mean(after**2, axis=1, keepdims=True)
        return wrong * (2.0 * np.abs(after) + wrong) <= _WRONG * level
