"""Several classes a task: the loss of a task is that of several columns of W."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import FreePart
from linmtl.datafits._residual import ResidualFit
from linmtl.losses import Loss

_RANK = 1e-12  # eigenvalues, relative to the largest, that are rounding
_CG_TOL = 1e-13  # what conjugate gradients leave of a constraint
_MAX_STEPS = 200
_ROUNDING = 1e-12  # of the sum of the residuals of an observation


class MultinomialFit(ResidualFit):
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

    additive = False

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

    def _curved(self, eta: np.ndarray) -> np.ndarray:
        """Return the Hessian in linear predictors times some, intercepts eliminated."""
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

    def hessian_product(self, V):
        eta, out = np.empty_like(self.y), np.empty_like(V)
        self.data.design.predict(V, eta)
        self.data.design.adjoint(self._curved(eta), out)
        return out

    def project(self, parts: Sequence[FreePart], G: np.ndarray) -> None:
        """Move the residuals as the base says, by conjugate gradients."""
        ways = [
            (
                np.arange(len(G))[part.rows],
                part.columns,
                np.ones((part.columns.size, 1))
                if part.vectors is None
                else part.vectors,
            )
            for part in parts
        ]

        def along(A):
            return [A[np.ix_(rows, columns)] @ v for rows, columns, v in ways]

        def spread(z):
            V = np.zeros_like(G)
            for (rows, columns, v), part in zip(ways, z, strict=True):
                V[np.ix_(rows, columns)] += part @ v.T
            return V

        rest = [
            value - np.asarray(part.target).reshape(len(value), -1)
            for part, value in zip(parts, along(G), strict=True)
        ]
        z = _conjugate_gradients(lambda z: along(self.hessian_product(spread(z))), rest)
        eta = np.empty_like(self.y)
        self.data.design.predict(spread(z), eta)
        self.theta -= self._curved(eta)

    def _recentre(self, h):
        if self.data.fit_intercept:
            assert self.hessian_weight is not None
            self.theta = self._without_sums(self.theta)

    def dual_limit(self):
        for theta, w in self._tasks(self.theta, self.data.weight):
            if np.any(np.abs(theta.sum(axis=0)) > _ROUNDING * w[0]):
                return 0.0  # no differences of probabilities
        return super().dual_limit()


def _conjugate_gradients(product, g: list[np.ndarray]) -> list[np.ndarray]:
    """Return z with ``product(z) = g``, for a positive semi-definite product."""

    def dot(a, b):
        return sum(float(np.vdot(u, v)) for u, v in zip(a, b, strict=True))

    def add(a, factor, b):
        return [u + factor * v for u, v in zip(a, b, strict=True)]

    z, r, p = [0.0 * part for part in g], g, g
    square = first = dot(r, r)
    for _ in range(_MAX_STEPS):
        if square <= _CG_TOL**2 * first:
            break
        q = product(p)
        curvature = dot(p, q)
        if not curvature > 0.0:
            break
        z, r = add(z, square / curvature, p), add(r, -square / curvature, q)
        square, last = dot(r, r), square
        p = add(r, square / last, p)
    return z
