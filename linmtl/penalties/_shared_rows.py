"""A norm on coefficients of which some rows are the same for all tasks."""

from __future__ import annotations

import numpy as np

from linmtl.penalties._accelerated import accelerated
from linmtl.penalties._base import Penalty

_MAX_STEPS = 500  # for the multiplier of one prox
_TOL = 1e-13  # differences between tasks that are left, relative to the point


class SharedRows(Penalty):
    """A norm where rows that all tasks share do not stay so under its prox.

    The multiplier of what the tasks share is in the prox and in the dual point: any
    that sums to zero over the tasks makes a bound, that of the last prox a tight one.

    Parameters
    ----------
    norm : Penalty
        The norm.
    rows : ndarray of shape (n_shared,)
        The rows that all tasks share, positions.
    """

    def __init__(self, norm: Penalty, rows: np.ndarray):
        self.norm = norm
        self.rows = rows
        self._multiplier: np.ndarray | None = None

    @property
    def positive(self) -> bool:
        """Whether the coefficients are restricted to be non-negative."""
        return bool(getattr(self.norm, "positive", False))

    @property
    def row_separable(self) -> bool:  # type: ignore[override]
        return self.norm.row_separable

    def value(self, W):
        return self.norm.value(W)

    def prox(self, V, step, out):
        rows = self.rows
        size = np.asarray(step, dtype=float)
        size = size[rows, None] if size.ndim else size
        point, given = V.copy(), V[rows]
        left = _TOL * np.abs(V).max(initial=0.0)

        def advance(U):
            point[rows] = given + U
            self.norm.prox(point, step, out)
            self._multiplier = U / size
            return U - _apart(out[rows])

        start = np.zeros_like(given)
        if self._multiplier is not None:
            start = self._multiplier * size
        for _ in zip(range(_MAX_STEPS), accelerated(advance, start), strict=False):
            if not np.abs(_apart(out[rows])).max(initial=0.0) > left:
                break
        out[rows] = out[rows].mean(axis=1, keepdims=True)
        return self.norm.value(out)

    def dual_norm(self, G):
        return self.norm.dual_norm(self._moved(G))

    def dual_terms(self, D):
        return self.norm.dual_terms(self._moved(D))

    def free_rows(self, n_features):
        return self.norm.free_rows(n_features)

    def null_form(self, n_tasks):
        return self.norm.null_form(n_tasks)

    def _moved(self, D):
        if self._multiplier is None:
            return D
        D = D.copy()
        D[self.rows] += self._multiplier
        return D


def _apart(rows: np.ndarray) -> np.ndarray:
    """Return the deviations from the mean of the tasks."""
    return rows - rows.mean(axis=1, keepdims=True)
