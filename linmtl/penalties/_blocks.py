"""Symmetric matrices over the columns of W that are blocks on the diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np


class Blocks:
    """A symmetric positive semi-definite matrix that is zero beside its blocks.

    Parameters
    ----------
    columns : sequence of ndarray of int
        The columns of each block; together they are all of them, each once.
    parts : sequence of ndarray
        The blocks.
    """

    __array_ufunc__ = None  # numbers of NumPy leave products to this class

    def __init__(self, columns: Sequence[np.ndarray], parts: Sequence[np.ndarray]):
        self.columns, self.parts = list(columns), list(parts)

    @classmethod
    def whole(cls, matrix: np.ndarray) -> Blocks:
        """Return a matrix that is one block."""
        return cls([np.arange(len(matrix))], [matrix])

    def any(self) -> bool:
        return any(part.any() for part in self.parts)

    def __add__(self, other: Blocks) -> Blocks:
        pairs = zip(self.columns, other.columns, strict=False)
        alike = len(self.columns) == len(other.columns)
        if not alike or not all(np.array_equal(*pair) for pair in pairs):
            return Blocks.whole(self.dense() + other.dense())
        sums = (a + b for a, b in zip(self.parts, other.parts, strict=True))
        return Blocks(self.columns, list(sums))

    def __rmul__(self, factor: float) -> Blocks:
        return Blocks(self.columns, [factor * part for part in self.parts])

    def plus_diagonal(self, diagonal: np.ndarray) -> Blocks:
        """Return the sum with a diagonal matrix."""
        parts = [
            part + np.diag(diagonal[own])
            for own, part in zip(self.columns, self.parts, strict=True)
        ]
        return Blocks(self.columns, parts)

    def dense(self) -> np.ndarray:
        """Return the matrix as one array."""
        n = sum(own.size for own in self.columns)
        out = np.zeros((n, n))
        for own, part in zip(self.columns, self.parts, strict=True):
            out[np.ix_(own, own)] = part
        return out

    def of_rows(self, W: np.ndarray) -> np.ndarray:
        """Return W times the matrix."""
        if len(self.parts) == 1:
            return W @ self.parts[0]
        out = np.empty(W.shape)
        for own, part in zip(self.columns, self.parts, strict=True):
            out[:, own] = W[:, own] @ part
        return out

    @cached_property
    def eigen(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Eigenvalues and vectors of each block, zero where they are rounding."""
        found = [np.linalg.eigh(part) for part in self.parts]
        n = sum(own.size for own in self.columns)
        top = max(float(e.max(initial=0.0)) for e, _ in found)
        cutoff = n * np.finfo(float).eps * top
        return [(np.where(e > cutoff, e, 0.0), Q) for e, Q in found]

    @cached_property
    def top(self) -> float:
        """The largest eigenvalue."""
        return max(float(np.linalg.eigvalsh(part)[-1]) for part in self.parts)
