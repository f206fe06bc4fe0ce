"""Losses whose Hessian is no sum over the observations: projections without it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from linmtl.datafits._base import FreePart
from linmtl.datafits._residual import ResidualFit

_CG_TOL = 1e-13  # what conjugate gradients leave of a constraint
_MAX_STEPS = 200
_FEW = 100  # numbers to find for which the matrix is made
_ROUNDED = 1e-14  # eigenvalues of it, relative to the largest


class CoupledFit(ResidualFit):
    """A loss whose Hessian in the linear predictors is known by its products."""

    additive, coupled = False, True
    clears = False

    def _curved(self, eta: np.ndarray) -> np.ndarray:
        """Return the Hessian in linear predictors times some, intercepts eliminated."""
        raise NotImplementedError

    def _move(self, eta: np.ndarray) -> None:
        """Move the residuals as linear predictors that grow by ``eta`` would."""
        self.theta -= self._curved(eta)

    def hessian_product(self, V):
        eta, out = np.empty_like(self.y), np.empty_like(V)
        self.data.design.predict(V, eta)
        self.data.design.adjoint(self._curved(eta), out)
        return out

    def hessians(self, features, dtype=np.float64, least=0.0):
        """Return Hessians, of columns that the loss does not couple, by products."""
        H = np.empty((self.n_columns, features.size, features.size), dtype=dtype)
        V = np.zeros((self.n_features, self.n_columns))
        for k, feature in enumerate(features):
            V[feature] = 1.0
            H[:, k] = self.hessian_product(V)[features].T
            V[feature] = 0.0
        diagonal = np.arange(features.size)
        H[:, diagonal, diagonal] += least * np.maximum(H[:, diagonal, diagonal], 1.0)
        return H

    def _move_along(self, parts: Sequence[FreePart], G: np.ndarray) -> None:
        """Move the residuals as the base says, by conjugate gradients."""
        ways = [
            (
                np.ix_(np.arange(len(G))[part.rows], part.columns),
                np.ones((part.columns.size, 1))
                if part.vectors is None
                else part.vectors,
            )
            for part in parts
        ]

        def along(A):
            return [A[block] @ v for block, v in ways]

        def spread(z):
            V = np.zeros_like(G)
            for (block, v), part in zip(ways, z, strict=True):
                V[block] += part @ v.T
            return V

        rest = [
            value - np.asarray(part.target).reshape(len(value), -1)
            for part, value in zip(parts, along(G), strict=True)
        ]

        def product(z):
            return along(self.hessian_product(spread(z)))

        if sum(part.size for part in rest) <= _FEW:
            z = _direct(product, rest)
        else:
            z = _conjugate_gradients(product, rest)
        eta = np.empty_like(self.y)
        self.data.design.predict(spread(z), eta)
        self._move(eta)


def _direct(product, g: list[np.ndarray]) -> list[np.ndarray]:
    """Return z with ``product(z) = g``, by the matrix of a positive semi-definite one.

    Shortest, in columns of length one: some may be rounding.
    """
    flat = np.concatenate([part.ravel() for part in g])
    ends = np.cumsum([part.size for part in g])[:-1]

    def parts(v):
        pieces = np.split(v, ends)
        return [p.reshape(part.shape) for p, part in zip(pieces, g, strict=True)]

    M = np.empty((flat.size, flat.size))
    for k, unit in enumerate(np.eye(flat.size)):
        M[k] = np.concatenate([part.ravel() for part in product(parts(unit))])
    size = np.sqrt(np.maximum(M.diagonal(), 0.0))
    size[size == 0.0] = 1.0
    inverse = np.linalg.pinv(M / size[:, None] / size, _ROUNDED, hermitian=True)
    return parts(inverse @ (flat / size) / size)


def _conjugate_gradients(product, g: list[np.ndarray]) -> list[np.ndarray]:
    """Return z with ``product(z) = g``, for a positive semi-definite product.

    Where g is rounding, part of it may be out of reach: steps lead away from there on.
    """

    def dot(a, b):
        return sum(float(np.vdot(u, v)) for u, v in zip(a, b, strict=True))

    def add(a, factor, b):
        return [u + factor * v for u, v in zip(a, b, strict=True)]

    z, r, p = [0.0 * part for part in g], g, g
    square = first = least = dot(r, r)
    best = z
    for _ in range(_MAX_STEPS):
        if square <= _CG_TOL**2 * first:
            break
        q = product(p)
        curvature = dot(p, q)
        if not curvature > 0.0:
            break
        z, r = add(z, square / curvature, p), add(r, -square / curvature, q)
        square, last = dot(r, r), square
        if square < least:
            least, best = square, z
        p = add(r, square / last, p)
    return best
