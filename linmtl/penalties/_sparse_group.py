"""L1 + L21 together: features shared by the tasks, and zeros within them."""

from __future__ import annotations

import numpy as np

from linmtl.penalties._row_separable import RowSeparable


class SparseGroup(RowSeparable):
    """The sum of an `L1` and an `L21`, whose prox is one after the other."""

    def __init__(self, l1: RowSeparable, l21: RowSeparable):
        self.l1 = l1
        self.l21 = l21

    @property
    def positive(self) -> bool:
        return self.l1.positive or self.l21.positive

    def check(self, n_features, tasks):
        self.l1.check(n_features, tasks)
        self.l21.check(n_features, tasks)

    def strengths(self, n_features):
        return self.l1.strengths(n_features)[0], self.l21.strengths(n_features)[1]

    def prox_naive(self, V, step):
        V = np.maximum(V, 0.0) if self.positive else V
        return self.l21.prox_naive(self.l1.prox_naive(V, step), step)
