"""What the variances of many tasks say of that of one."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

_LEAST_DEGREES = 0.5  # of a task that says something of how variances differ
_LEAST_TASKS = 3
_LEAST_SPREAD = 1e-3  # of the logarithms of variances, below which they are alike


def variance_prior(squares: np.ndarray, degrees: np.ndarray) -> tuple[float, float]:
    """Return the scaled inverse chi-squared prior of the variances of tasks.

    Its parameters are found from how much the logarithms of the tasks' mean squares
    differ beyond what chance explains (Smyth, 2004).

    Parameters
    ----------
    squares, degrees : ndarray of shape (n_tasks,)
        Sums of squares of each task and their degrees of freedom.

    Returns
    -------
    degrees : float
        How many degrees of freedom the prior is worth; infinite where nothing says
        that the variances differ.
    level : float
        The common variance.
    """
    total = degrees.sum()
    pooled = float(squares.sum() / total) if total > 0 else 0.0
    known = (degrees > _LEAST_DEGREES) & (squares > 0)
    if known.sum() < _LEAST_TASKS:
        return np.inf, pooled
    half = degrees[known] / 2
    e = np.log(squares[known] / degrees[known]) - digamma(half) + np.log(half)
    spread = e.var(ddof=1) - polygamma(1, half).mean()
    if spread <= _LEAST_SPREAD:
        return np.inf, pooled
    log_half: Any = brentq(lambda x: polygamma(1, np.exp(x)) - spread, -12.0, 12.0)
    half = np.exp(log_half)
    return float(2.0 * half), float(np.exp(e.mean() + digamma(half) - np.log(half)))


def shrunk_variances(
    squares: np.ndarray, degrees: np.ndarray, prior: tuple[float, float]
) -> np.ndarray:
    """Return the variances of the tasks, drawn to the common one."""
    worth, level = prior
    if np.isinf(worth):
        return np.full(np.shape(squares), level)
    return (worth * level + squares) / (worth + degrees)
