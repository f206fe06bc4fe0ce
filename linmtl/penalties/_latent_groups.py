"""Groups of features that overlap: a part of W for each group.

    penalty(W) = min over sum_g V_g = W, V_g zero outside of g, of a norm of the V_g

With a copy of each feature for each of its groups the V_g are disjoint groups of rows:
this is how solvers see the problem. Here are value and prox of the norm itself.

Jacob, Obozinski, Vert (2009), Group lasso with overlap and graph lasso.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from linmtl.penalties._accelerated import accelerated
from linmtl.penalties._base import Penalty
from linmtl.penalties._parameters import EXCLUDED

_MAX_ITER = 20_000
_TOL = 1e-11


class LatentGroups(Penalty):
    """A norm of the copies of features that sum to W.

    Parameters
    ----------
    copies : Penalty
        The norm of the copies, of shape (n_copies, n_tasks).
    feature : ndarray of int of shape (n_copies,)
        The feature that each is a copy of.
    """

    takes_classes: ClassVar[bool] = True

    def __init__(self, copies: Any, feature: np.ndarray):
        self.copies = copies
        self.feature = feature

    @property
    def positive(self) -> bool:
        """Whether the coefficients are restricted to be non-negative."""
        return self.copies.positive

    def summed(self, V: np.ndarray, n_features: int) -> np.ndarray:
        """Return W for copies V."""
        W = np.zeros((n_features, V.shape[1]))
        np.add.at(W, self.feature, V)
        return W

    def shared_out(self, W: np.ndarray) -> np.ndarray:
        """Return copies that sum to W, equal for each feature."""
        return (W / self._count(len(W)))[self.feature]

    def allowed_copies(self, W: np.ndarray) -> np.ndarray:
        """Return copies that sum to W as far as these may, equal for each feature."""
        kept = ~self._left_out()
        count = np.bincount(self.feature[kept], minlength=len(W))[:, None]
        V = (W / np.maximum(count, 1))[self.feature]
        V[~kept] = 0.0
        return V

    def _count(self, n_features):
        return np.bincount(self.feature, minlength=n_features)[:, None]

    def value(self, W):
        if self.positive and np.any(W < 0):
            return np.inf
        used = W.any(axis=1) & ~self.free_rows(len(W))
        if not used.any():
            return 0.0
        if not used.all():  # copies of what is zero are zero
            return self.on_features(used, len(W)).value(W[used])
        out = self._left_out()
        if out.any():
            if np.setdiff1d(self.feature, self.feature[~out]).size:
                return np.inf
            kept = self.copies.on_features(~out, out.size)
            return LatentGroups(kept, self.feature[~out]).value(W)
        # alternating directions: the prox of the norm, copies that sum to W
        V = self.shared_out(W)
        best, bound, U = self.copies.value(V), 0.0, np.zeros_like(V)
        step = float(np.sum(V**2)) / best  # by any strength it shrinks V as much
        for iteration in range(_MAX_ITER):
            P = np.empty_like(V)
            self.copies.prox(V - U, step, P)
            V = P + U + self.shared_out(W - self.summed(P + U, len(W)))
            U += P - V
            if iteration % 10 == 0:
                exact = P + self.shared_out(W - self.summed(P, len(W)))
                exact = np.maximum(exact, 0.0) if self.positive else exact
                if np.allclose(self.summed(exact, len(W)), W, rtol=1e-14, atol=0):
                    best = min(best, self.copies.value(exact))
                G = self.summed(-U, len(W)) / self._count(len(W)) / step
                bound = max(bound, np.vdot(G, W) / max(self.dual_norm(G), 1.0))
                if best - bound <= _TOL * best:
                    break
        return float(best)

    def _left_out(self) -> np.ndarray:
        """Return the mask of the copies that an infinite strength leaves out."""
        ones = np.ones((self.feature.size, 1))
        P = np.empty_like(ones)
        # a step as small makes those zero, and no others
        self.copies.prox(ones, 2.0 * self.feature.size / EXCLUDED, P)
        return P[:, 0] == 0.0

    def prox(self, V, step, out):
        d, count = len(V), float(self._count(len(V)).max())

        def advance(at):
            left, new = V - self.summed(at, d), np.empty_like(at)
            self.copies.prox(at + left[self.feature] / count, step / count, new)
            return new

        points = accelerated(advance, np.zeros((self.feature.size, V.shape[1])))
        scale = max(float(np.sum(V**2)) / 2, np.finfo(float).tiny)
        free = self.free_rows(d)
        for iteration, Z in zip(range(_MAX_ITER), points, strict=False):
            if iteration % 10 == 0:
                left = V - self.summed(Z, d)
                primal = np.sum(left**2) / 2 + step * self.copies.value(Z)
                left[free] = 0.0
                s = 1.0 / max(self.dual_norm(left) / step, 1.0) if step else 0.0
                dual = s * np.vdot(left, V) - s**2 * np.sum(left**2) / 2
                if primal - dual <= _TOL * scale:
                    break
        out[...] = self.summed(Z, d)
        return self.value(out)

    def prox_naive(self, V, step):
        Z = np.zeros((self.feature.size, V.shape[1]))
        last = np.full_like(Z, np.inf)
        while np.abs(Z - last).max() > 1e-12 * np.abs(V).max():
            last = Z
            for _ in range(100):
                left = (V - self.summed(Z, len(V)))[self.feature]
                count = self._count(len(V)).max()
                Z = self.copies.prox_naive(Z + left / count, step / count)
        return self.summed(Z, len(V))

    def dual_norm(self, G):
        return self.copies.dual_norm(G[self.feature])

    def free_rows(self, n_features):
        free = np.zeros(n_features, dtype=bool)
        free[self.feature[self.copies.free_rows(self.feature.size)]] = True
        return free

    def on_features(self, features, n_features):
        place = np.full(n_features, -1)
        chosen = np.arange(n_features)[features]
        place[chosen] = np.arange(chosen.size)
        kept = place[self.feature] >= 0
        copies = self.copies.on_features(kept, self.feature.size)
        return LatentGroups(copies, place[self.feature[kept]])
