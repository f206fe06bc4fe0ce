"""What the penalties that are sums over the rows of W have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from linmtl.kernels._jit import readonly
from linmtl.kernels._rows import penalty_value, row_duals, shrink
from linmtl.penalties._entry_weighted import EntryWeighted
from linmtl.penalties._group_separable import GroupSeparable
from linmtl.penalties._parameters import EXCLUDED, row_steps


class RowSeparable(GroupSeparable):
    """``sum_j entry_j ||W_j||_1 + row_j ||W_j||_2``, with W >= 0 if ``positive``.

    A subclass gives the two strengths of each row; value, prox, dual norm and the fast
    solvers follow.
    """

    row_separable: ClassVar[bool] = True

    def strengths(self, n_features: int) -> tuple[np.ndarray, np.ndarray]:
        """Return entry_j and row_j, two arrays of shape (n_features,)."""
        raise NotImplementedError

    def codes(self, n_features):
        return None

    def by_entry(self) -> EntryWeighted | None:
        """Return the norm whose weights differ between tasks, None if none does."""
        weight = getattr(self, "feature_weight", None)
        if weight is None or np.ndim(weight) != 2:
            return None
        parameters: Any = {"alpha": self.alpha, "positive": self.positive}  # type: ignore[attr-defined]
        return EntryWeighted(type(self)(**parameters), np.asarray(weight, dtype=float))

    def of_classes(self, classes):
        weight = getattr(self, "feature_weight", None)
        if weight is None or np.ndim(weight) != 2:
            return self
        parameters = self.get_params(deep=False)
        parameters["feature_weight"] = np.asarray(weight, dtype=float)[:, classes.task]
        return type(self)(**parameters)

    def joined(self, others):
        norm = super().joined(others)
        return self.by_entry() or norm if norm is self else norm

    def value(self, W):
        by_entry = self.by_entry()
        if by_entry is not None:
            return by_entry.value(W)
        if self.positive and np.any(W < 0):
            return np.inf
        entry, row = self.strengths(W.shape[0])
        if np.any(W[np.maximum(entry, row) >= EXCLUDED]):
            return np.inf
        # writable, as in the kernels that call this one: compiled once
        W = np.ascontiguousarray(W, dtype=float)
        return penalty_value(W, readonly(entry), readonly(row))

    def prox(self, V, step, out):
        by_entry = self.by_entry()
        if by_entry is not None:
            return by_entry.prox(V, step, out)
        entry, row = self.strengths(V.shape[0])
        step = row_steps(step, np.maximum(entry, row))
        return shrink(
            readonly(np.ascontiguousarray(V)),
            readonly(step),
            readonly(entry),
            readonly(row),
            bool(self.positive),
            out,
        )

    def row_dual_norms(self, G):
        entry, row = self.strengths(G.shape[0])
        out = np.empty(G.shape[0])
        G = np.ascontiguousarray(G)  # writable, as in the kernels: compiled once
        row_duals(G, readonly(entry), readonly(row), bool(self.positive), out)
        return out

    def dual_norm(self, G):
        by_entry = self.by_entry()
        if by_entry is not None:
            return by_entry.dual_norm(G)
        return float(self.row_dual_norms(G).max(initial=0.0))

    def on_features(self, features, n_features):
        return RowStrengths(self, features, n_features)

    def prepared(self, shape):
        by_entry = self.by_entry()
        if by_entry is not None:
            return by_entry
        return RowStrengths(self, np.arange(shape[0]), shape[0])

    def free_rows(self, n_features):
        by_entry = self.by_entry()
        if by_entry is not None:
            return by_entry.free_rows(n_features)
        entry, row = self.strengths(n_features)
        return (entry == 0) & (row == 0)


class RowStrengths(RowSeparable):
    """A row-separable penalty on some of the rows only."""

    def __init__(self, norm: RowSeparable, rows: np.ndarray, n_features: int):
        entry, row = norm.strengths(n_features)
        self._strengths = readonly(entry[rows]), readonly(row[rows])
        self.positive = norm.positive

    def strengths(self, n_features):
        return self._strengths
