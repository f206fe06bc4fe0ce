"""Several classes a task: the loss of a task is that of several columns of W."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._coupled import CoupledFit
from linmtl.losses import Loss

_RANK = 1e-12  # eigenvalues, relative to the largest, that are rounding
_ROUNDING = 1e-12  # of the sum of the residuals of an observation


class MultinomialFit(CoupledFit):
    """The multinomial loss, on a design with a column for each class of a task.

    Parameters
    ----------
    data : MultiTaskData
        The observations; a class of a task is a task of its `ClassesDesign`.
    loss : Loss
        The loss of two classes, or of several.
    centres : ndarray of shape (n_features,), default=None
        As for `ResidualFit`.
    """

    clears = True

    def __init__(
        self, data: MultiTaskData, loss: Loss, centres: np.ndarray | None = None
    ):
        design: Any = data.design
        super().__init__(data, loss, centres)
        self._groups = design.group_ptr

    def _tasks(self, *values: np.ndarray) -> Iterator[list[np.ndarray]]:
        """Yield views of flat arrays, (n_classes, n_rows) of each task."""
        ptr = self.data.task_ptr[self._groups].tolist()
        count = np.diff(self._groups).tolist()
        for t, k in enumerate(count):
            yield [a[ptr[t] : ptr[t + 1]].reshape(k, -1) for a in values]

    @property
    def _curvature(self):
        return self._hessian, self._p, self._of_intercepts

    @_curvature.setter
    def _curvature(self, known):
        self._hessian, self._p, self._of_intercepts = known

    @property
    def hessian_weight(self):
        """The diagonal, ``weight p (1 - p)``."""
        if self._hessian is None:  # ask before theta is projected
            weight = self.data.weight
            u = np.divide(self.theta, weight, out=0 * weight, where=weight > 0)
            self._p = np.clip(self.y - u, 0.0, 1.0) * (weight > 0)
            self._hessian = weight * self._p * (1.0 - self._p)
            self._of_intercepts = [
                np.linalg.pinv(
                    np.diag((w * p).sum(axis=1)) - (w * p) @ p.T, _RANK, hermitian=True
                )
                for w, p in self._tasks(weight, self._p)
            ]
        return self._hessian

    @property
    def column_groups(self):
        design: Any = self.data.design
        alone = design.n_columns == design.n_tasks and not design.is_sparse
        return self._groups if alone else None

    def hessians_of_classes(self, features):
        assert self.hessian_weight is not None
        design, centre = self.data.design, self.data.fit_intercept
        d, most = features.size, int(np.diff(self._groups).max())
        H = np.zeros((self.n_columns, d, d))
        siblings = np.full((self.n_columns, most), -1)
        between = np.zeros((self.n_columns, most, d, d))
        parts = zip(
            self._groups[:-1].tolist(),
            self._tasks(self.data.weight, self._p),
            self._of_intercepts,
            strict=True,
        )
        for first, (w, p), inverse in parts:
            X = np.asarray(design.block(first)[:, features], dtype=float)
            total = w[0].sum()
            if centre and total > 0:  # intercepts take up any origin
                X = X - (w[0] @ X) / total
            of_rows = _curvatures(w, p)
            own = of_rows @ X  # of intercepts and features
            for k, m in np.ndindex(of_rows.shape[:2]):
                block = (X.T * of_rows[k, m]) @ X
                if centre:
                    block -= own[k].T @ inverse @ own[m]
                if k == m:
                    H[first + k] = block
                else:
                    siblings[first + k, m] = first + m
                    between[first + k, m] = block
        return H, siblings, between

    def _curved(self, eta):
        out = self._product(eta)
        return self._without_sums(out) if self.data.fit_intercept else out

    def _product(self, eta):
        assert self.hessian_weight is not None
        out = np.empty_like(eta)
        for H, v, w, p in self._tasks(out, eta, self.data.weight, self._p):
            np.multiply(w * p, v - (p * v).sum(axis=0), out=H)
        return out

    def _without_sums(self, theta):
        """Return what is left when intercepts move so that the sums are zero."""
        move = np.empty_like(theta)
        parts = zip(
            self._of_intercepts, self._tasks(move, theta, self.data.weight), strict=True
        )
        for inverse, (part, r, w) in parts:
            part[...] = (inverse @ r.sum(axis=1))[:, None] * (w > 0)
        return theta - self._product(move)

    def _recentre(self, h):
        if self.data.fit_intercept:
            assert self.hessian_weight is not None
            self.theta = self._without_sums(self.theta)

    def _cleared(self, theta, small):
        weight = self.data.weight
        u = np.divide(theta, weight, out=0 * weight, where=weight > 0)
        p = np.where(small & (self.y == 0), 0.0, self.y - u)
        for (part,) in self._tasks(p):
            part /= np.maximum(part.sum(axis=0), 0.5)  # most is left
        return weight * (self.y - p)

    def dual_limit(self):
        for theta, w in self._tasks(self.theta, self.data.weight):
            if np.any(np.abs(theta.sum(axis=0)) > _ROUNDING * w[0]):
                return 0.0  # no differences of probabilities
        return super().dual_limit()


def _curvatures(weight: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return the Hessian of each observation, (n_classes, n_classes, n_rows)."""
    of_rows = -(weight * p)[:, None] * p
    classes = np.arange(len(p))
    of_rows[classes, classes] += weight * p
    return of_rows
