"""Which held-out rows speak for a task, and the quantiles that they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from linmtl.mixed._variances import shrunk_variances, variance_prior

_ROUNDING = 1e-12  # of sums of weights
_MOST_VALUES = 4_000_000  # sorted at a time
_ROWS_OF_A_POOL = 10  # at least so many times one over the error that is allowed


class Witnesses(NamedTuple):
    """Held-out rows that speak for a task.

    Attributes
    ----------
    rows : ndarray of int of shape (n_witnesses,)
        Their positions among the held-out rows.
    weight : ndarray of shape (n_witnesses,)
        What each counts. Together less than one: the rest is that of the row to
        predict, of which nothing is known.
    own : bool
        Whether they are rows of the task itself.
    """

    rows: np.ndarray
    weight: np.ndarray
    own: bool


@dataclass(frozen=True, eq=False)
class Calibration:
    """Scores of held-out rows: the higher, the worse was the row predicted.

    Attributes
    ----------
    score : ndarray of shape (n_rows,)
        Of each held-out row.
    model : ndarray of int of shape (n_rows,)
        The model that predicted it, which has not seen it.
    code : ndarray of int of shape (n_rows,)
        Its task.
    n_tasks : int
        The number of tasks.
    """

    score: np.ndarray
    model: np.ndarray
    code: np.ndarray
    n_tasks: int

    @property
    def count(self) -> np.ndarray:
        """The held-out rows of each task, (n_tasks,)."""
        return np.bincount(self.code, minlength=self.n_tasks)

    def of_task(self, task: int, least: int, coverage: float) -> Witnesses:
        """Return the rows that speak for a task.

        Those of the task where it has as many as `least`; otherwise those of all tasks
        that have fewer, or of all tasks if these are too few still. In a pool each task
        counts the same, so that what holds on average holds over tasks.
        """
        count = self.count
        if count[task] >= least:
            rows = np.flatnonzero(self.code == task)
            return Witnesses(rows, np.full(rows.size, 1.0 / (rows.size + 1)), True)
        few = (count < least) & (count > 0)
        if count[few].sum() < _ROWS_OF_A_POOL / (1.0 - coverage):
            few = count > 0
        rows = np.flatnonzero(few[self.code])
        share = 1.0 / (count[self.code[rows]] * max(few.sum(), 1))
        return Witnesses(rows, share * rows.size / (rows.size + 1), False)

    def of_new_task(self) -> Witnesses:
        """Return the rows that speak for a task never seen: the tasks are its units.

        The models must not have seen the tasks of the rows that they predicted.
        """
        share = 1.0 / (self.count[self.code] * (np.sum(self.count > 0) + 1))
        return Witnesses(np.arange(self.code.size), share, False)


class Scales:
    """The spread of the errors in each task, drawn to the common one.

    Parameters
    ----------
    error : ndarray of shape (n_rows,)
        Absolute errors of held-out rows.
    code : ndarray of int of shape (n_rows,)
        Their tasks.
    n_tasks : int
        The number of tasks.
    """

    def __init__(self, error: np.ndarray, code: np.ndarray, n_tasks: int):
        squares = np.bincount(code, weights=error**2, minlength=n_tasks)
        count = np.bincount(code, minlength=n_tasks).astype(float)
        prior = variance_prior(squares, count)
        self.value = np.sqrt(shrunk_variances(squares, count, prior))
        self._freedom = prior[0] + count
        self._error, self._tail = error, None
        if np.isfinite(prior[0]):
            # of the others of its task: a large error would hide in a scale of its own
            others = squares[code] - error**2, count[code] - 1.0
            scale = np.sqrt(
                shrunk_variances(np.maximum(others[0], 0), others[1], prior)
            )
            t = error / np.maximum(scale, np.finfo(float).tiny)
            self._tail = stats.t.sf(t, self._freedom[code] - 1.0)

    def errors_in(self, task: int, rows: np.ndarray) -> np.ndarray:
        """Return errors of rows of any tasks as they would be in this one.

        The studentised error of equal probability; where the tasks have their spread in
        common, the error itself.
        """
        if self._tail is None:
            return self._error[rows]
        t = stats.t.isf(self._tail[rows], self._freedom[task])
        return self.value[task] * t


def upper_ends(
    centres: np.ndarray,
    error: np.ndarray,
    model: np.ndarray,
    weight: np.ndarray,
    coverage: float,
) -> np.ndarray:
    """Return the smallest values that leave a share `coverage` below, or infinity.

    Below a value are the rows i, each with its weight, whose error added to the centre
    of the model that predicted row i is at most the value.

    Parameters
    ----------
    centres : ndarray of shape (n_models, n_samples)
        What each model predicts.
    error, model, weight : ndarray of shape (n_rows,)
        Of each held-out row, the model and the weight.
    coverage : float
        The share.

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    if len(centres) == 1 and centres.shape[1] > 1:
        alone = upper_ends(np.zeros((1, 1)), error, model, weight, coverage)
        return centres[0] + alone
    out = np.full(centres.shape[1], np.inf)
    if weight.sum() < coverage - _ROUNDING:
        return out
    step = max(1, _MOST_VALUES // error.size)
    for first in range(0, out.size, step):
        part = slice(first, first + step)
        values = centres[model, part].T + error
        order = np.argsort(values, axis=1)
        below = np.cumsum(weight[order], axis=1)
        end = np.argmax(below >= coverage - _ROUNDING, axis=1)[:, None]
        ends = np.take_along_axis(order, end, axis=1)
        out[part] = np.take_along_axis(values, ends, axis=1)[:, 0]
    return out


def share_at_least(
    scores: np.ndarray, score: np.ndarray, model: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Return what share of the rows were predicted as badly or worse.

    Parameters
    ----------
    scores : ndarray of shape (n_models, n_samples)
        The score that each model gives to what is asked about.
    score, model, weight : ndarray of shape (n_rows,)
        Of each held-out row, the model that predicted it and its weight.

    Returns
    -------
    ndarray of shape (n_samples,)
        The weight of the row itself included.
    """
    out = np.full(scores.shape[1], 1.0 - weight.sum())
    for k, given in enumerate(scores):
        mine = np.flatnonzero(model == k)
        order = mine[np.argsort(score[mine])]
        above = np.append(np.cumsum(weight[order][::-1])[::-1], 0.0)
        out += above[np.searchsorted(score[order], given - _ROUNDING)]
    return out
