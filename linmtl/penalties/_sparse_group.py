"""L1 + L21 together: features shared by the tasks, and zeros within them."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from linmtl._jit import kernel, readonly
from linmtl.penalties._base import Penalty, row_step, row_strength
from linmtl.penalties._l1 import L1
from linmtl.penalties._l21 import L21


@kernel
def shrink_entries_then_rows(V, step, entry, row, positive, out):
    value = 0.0
    for j in range(V.shape[0]):
        threshold = step[j] * entry[j]
        square = 0.0
        total = 0.0
        for t in range(V.shape[1]):
            v = V[j, t]
            if v > threshold:
                v -= threshold
            elif v < -threshold and not positive:
                v += threshold
            elif v == v:
                v = 0.0
            out[j, t] = v
            square += v * v
            total += abs(v)
        norm = math.sqrt(square)
        threshold = step[j] * row[j]
        factor = 0.0 if norm <= threshold else 1.0 - threshold / norm
        for t in range(V.shape[1]):
            out[j, t] *= factor
        value += factor * (entry[j] * total + row[j] * norm)
    return value


@kernel
def sparse_group_dual(G, entry, row, positive):
    """Largest over the rows of the root s of ||(|g| - s entry)_+|| = s row.

    The difference of the two sides is convex and decreasing in s, so that Newton's
    method from zero climbs to the root without passing it.
    """
    largest = 0.0
    for j in range(G.shape[0]):
        if entry[j] == 0.0 and row[j] == 0.0:
            continue
        s = 0.0
        for _ in range(200):
            square = 0.0
            slope = 0.0
            for t in range(G.shape[1]):
                g = G[j, t] if positive else abs(G[j, t])
                excess = g - s * entry[j]
                if excess > 0.0:
                    square += excess * excess
                    slope += excess
            norm = math.sqrt(square)
            height = norm - s * row[j]
            if norm == 0.0 or height <= 0.0:
                break
            new = s + height / (row[j] + entry[j] * slope / norm)
            if new <= s:
                break
            s = new
        largest = max(largest, s)
    return largest


class SparseGroup(Penalty):
    """The sum of an `L1` and an `L21`, whose prox is one after the other."""

    row_separable: ClassVar[bool] = True

    def __init__(self, l1: L1, l21: L21):
        self.l1 = l1
        self.l21 = l21

    @property
    def positive(self) -> bool:
        return self.l1.positive or self.l21.positive

    def check(self, n_features, tasks):
        self.l1.check(n_features, tasks)
        self.l21.check(n_features, tasks)

    def value(self, W):
        return self.l1.value(W) + self.l21.value(W)

    def prox(self, V, step, out):
        d = V.shape[0]
        return shrink_entries_then_rows(
            readonly(V),
            readonly(row_step(step, d)),
            readonly(row_strength(self.l1, d)),
            readonly(row_strength(self.l21, d)),
            bool(self.positive),
            out,
        )

    def prox_naive(self, V, step):
        V = np.maximum(V, 0.0) if self.positive else V
        return self.l21.prox_naive(self.l1.prox_naive(V, step), step)

    def dual_norm(self, G):
        d = G.shape[0]
        return sparse_group_dual(
            readonly(np.ascontiguousarray(G)),
            readonly(row_strength(self.l1, d)),
            readonly(row_strength(self.l21, d)),
            bool(self.positive),
        )

    def free_rows(self, n_features):
        return self.l1.free_rows(n_features) & self.l21.free_rows(n_features)

    def alpha_max(self, G0):
        """Return the factor on both strengths at which the solution is zero."""
        return self.dual_norm(G0)
