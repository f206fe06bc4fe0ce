"""Structures of the covariance between a task's deviations, and their parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COVARIANCES = ("diagonal", "scalar", "shrunk", "full", "low_rank")


@dataclass(frozen=True)
class Structure:
    """``Sigma = F F'``, F being linear in the parameters.

    Parameters are standard deviations relative to that of the noise, or what takes
    their place off the diagonal: a variance of zero is an inner point.

    Attributes
    ----------
    size : int
        The number of columns of ones and features, n_columns.
    rank : int
        The number of columns of F.
    row, column, parameter : ndarray of shape (n_entries,)
        The parameters in F, each at one or several places.
    """

    size: int
    rank: int
    row: np.ndarray
    column: np.ndarray
    parameter: np.ndarray

    @classmethod
    def of(
        cls, covariance: str, size: int, intercept: bool, random: np.ndarray, k: int
    ) -> Structure:
        """Return the structure of this name.

        Parameters
        ----------
        covariance : str
            One of `COVARIANCES`.
        size : int
            The number of columns; the first one is of ones, with an intercept.
        intercept : bool
            Whether there is a random intercept. "scalar" and "low_rank" give it a
            variance of its own.
        random : ndarray of int
            The columns with a random effect, increasing.
        k : int
            The rank, beside the diagonal, of "low_rank".
        """
        r = random.size
        place = np.arange(r)
        own = random[place]
        if covariance in ("full", "shrunk"):
            i, j = np.tril_indices(r)
            return cls(size, r, random[i], j, np.arange(i.size))
        if covariance == "scalar":
            same = np.ones(r, dtype=int) if intercept else np.zeros(r, dtype=int)
            same[:1] = 0
            return cls(size, r, own, place, same)
        if covariance == "diagonal":
            return cls(size, r, own, place, place)
        i, j = np.tril_indices(r, m=min(k, r))
        return cls(
            size,
            r + min(k, r),
            np.concatenate([own, random[i]]),
            np.concatenate([place, r + j]),
            np.concatenate([place, r + np.arange(i.size)]),
        )

    @property
    def n_parameters(self) -> int:
        return int(self.parameter.max(initial=-1)) + 1

    @property
    def diagonal(self) -> np.ndarray:
        """The parameters that are standard deviations, (n_deviations,)."""
        on = np.zeros(self.n_parameters, dtype=bool)
        random = np.unique(self.row)
        position = np.searchsorted(random, self.row)
        on[self.parameter[position == self.column]] = True
        return np.flatnonzero(on)

    def factor(self, theta: np.ndarray) -> np.ndarray:
        """Return F, (n_columns, rank)."""
        F = np.zeros((self.size, self.rank))
        F[self.row, self.column] = theta[self.parameter]
        return F

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sums over the places of each parameter, along the last axis."""
        if self.n_parameters == self.parameter.size:
            out = np.empty_like(values)
            out[..., self.parameter] = values
            return out
        out = np.zeros((*values.shape[:-1], self.n_parameters))
        for place, k in enumerate(self.parameter):
            out[..., k] += values[..., place]
        return out

    def of_sigma(self, F: np.ndarray, S: np.ndarray) -> np.ndarray:
        """Return the derivatives of ``S F0 F0' S'``, (n, n, n_parameters).

        F is ``S F0``, with F0 from `factor`.
        """
        one = S[:, self.row][:, None] * F[:, self.column]
        return self.sums(one + one.transpose(1, 0, 2))

    def through_sigma(self, slope: np.ndarray) -> np.ndarray:
        """Return a second derivative's part that is due to Sigma being quadratic.

        ``slope`` is the symmetric gradient in ``F0 F0'``.
        """
        inner = 2.0 * slope[np.ix_(self.row, self.row)]
        inner *= self.column[:, None] == self.column
        return self.sums(self.sums(inner).T)
