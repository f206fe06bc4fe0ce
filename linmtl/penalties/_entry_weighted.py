"""L1 and L21 with a weight for each entry of W."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from linmtl.penalties._base import Penalty

_MAX_STEPS = 100  # of Newton's method for the norm of a row


class EntryWeighted(Penalty):
    """A norm of the rows of W with its entries times weights.

    An infinite weight excludes an entry. Weights are zero for whole rows only.

    Parameters
    ----------
    norm : L1 or L21
        The norm, without weights.
    weight : ndarray of shape (n_features, n_tasks)
        The weights.
    """

    row_separable: ClassVar[bool] = True
    symmetric: ClassVar[bool] = False

    def __init__(self, norm: Any, weight: np.ndarray):
        self.norm = norm
        self.weight = weight

    @property
    def positive(self) -> bool:
        """Whether the coefficients are restricted to be non-negative."""
        return self.norm.positive

    @property
    def scale(self) -> np.ndarray:
        """One over the weights; zero for what is excluded, one for free rows."""
        ones = np.ones_like(self.weight)
        return np.divide(1.0, self.weight, out=ones, where=self.weight > 0)

    def times(self, W: np.ndarray) -> np.ndarray:
        """Return W times the weights, zero for what is excluded."""
        return W * np.where(np.isinf(self.weight), 0.0, self.weight)

    def value(self, W):
        if np.any(W[np.isinf(self.weight)]) or (self.positive and np.any(W < 0)):
            return np.inf
        return self.norm.value(self.times(W))

    def prox(self, V, step, out):
        step = np.broadcast_to(np.asarray(step, dtype=float), len(V))
        strength = (step * self.norm.alpha)[:, None]
        V = np.maximum(V, 0.0) if self.positive else V
        excluded = np.isinf(self.weight)
        V = np.where(excluded, 0.0, V)
        weight = np.where(excluded, 1.0, self.weight)
        if self.norm.strengths(len(V))[0].any():
            out[...] = np.sign(V) * np.maximum(np.abs(V) - strength * weight, 0.0)
        else:
            out[...] = _shrink_rows(V, strength, weight)
        out[np.isnan(V)] = np.nan
        return self.value(out)

    def prox_naive(self, V, step):
        out = np.empty_like(V)
        self.prox(V, step, out)
        return out

    def dual_norm(self, G):
        scale = np.where(self.weight > 0, self.scale, 0.0)
        return self.norm.dual_norm(G * scale)

    def free_rows(self, n_features):
        return ~self.weight.any(axis=1) | (self.norm.alpha == 0)

    def on_features(self, features, n_features):
        return EntryWeighted(self.norm, self.weight[features])


def _shrink_rows(V, strength, weight):
    """Minimise ``||w - v||^2 / 2 + strength ||weight w||_2`` for each row.

    With rho the norm of ``weight w`` and a the strength, w is
    ``v rho / (rho + a weight^2)``; the root of the sum of squares of
    ``weight v / (rho + a weight^2)``, whose value is one, is almost the reciprocal of
    a linear function of rho, so that Newton's method on that takes a few steps.
    """
    bent = strength * weight**2
    size = np.abs(V) / np.where(weight > 0, weight, 1.0)
    shrunk = (strength * weight > 0).any(axis=1)
    zero = shrunk & (np.linalg.norm(size, axis=1) <= strength[:, 0])
    left = np.flatnonzero(shrunk & ~zero)
    out = np.where(zero[:, None], 0.0, V)
    v, c, u = V[left], bent[left], weight[left]
    rho = np.zeros((left.size, 1))
    for _ in range(_MAX_STEPS):
        q = u * v / (rho + c)
        phi = np.sum(q**2, axis=1, keepdims=True)
        slope = np.sum(q**2 / (rho + c), axis=1, keepdims=True)
        change = (np.sqrt(phi) - 1.0) * phi / slope
        rho += np.maximum(change, 0.0)
        if not np.any(change > 1e-15 * rho):
            break
    out[left] = v * (rho / (rho + c))
    return out
