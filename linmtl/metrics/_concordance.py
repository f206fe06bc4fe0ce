"""How well predicted risks rank times to an event."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._survival import read_times
from linmtl.metrics._labels import read_labels
from linmtl.metrics._named import check_average, scored, task_metric
from linmtl.metrics._scores import AVERAGES, Given, TaskScores, check_undefined

_MAX_PAIRS = 2_000_000  # that are compared at once


@task_metric(True, averages=(*AVERAGES, "pooled"))
def concordance_index(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    average: str | None = "macro",
    sample_weight: ArrayLike | None = None,
    undefined: str | float = "nan",
) -> float | TaskScores:
    """Return the share of pairs of rows in which the higher risk meets the event first.

    Harrell's C: of two rows of a task that are comparable, since the one had the event
    while the other was still at risk, the first is to have the higher risk. Equal risks
    count one half.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_tasks)
        What `survival_target` returns, whose strata are not compared; or times,
        negative where no event was seen. NaN is left out.
    y_pred : array-like of y_true's shape
        Predicted risks, as `CoxRegressor.predict` returns.
    tasks : array-like of shape (n_samples,), default=None
        The task of each row of long data. Without it, all rows of a one-dimensional
        y_true are of one task.
    average : {"macro", "samples", "worst", "pooled"} or None, default="macro"
        How to average; "pooled": all pairs of rows of the same task together. ``None``
        gives the value of each task.
    sample_weight : array-like of shape (n_samples,) or of y_true's shape, default=None
        Weights >= 0; a pair has the product of its two.
    undefined : {"nan", "raise"} or float, default="nan"
        What to do where no pair of a task is comparable: leave the task out of the
        average, raise an error, or give it this number.

    Returns
    -------
    float or TaskScores
        1 at best, one half by chance.

    References
    ----------
    Harrell, Lee and Mark (1996), Multivariable prognostic models.

    Examples
    --------
    >>> from linmtl import survival_target
    >>> from linmtl.metrics import concordance_index
    >>> y = survival_target([5.0, 3.5, 8.0], [True, False, True])
    >>> concordance_index(y, [1.2, 0.1, 0.4])
    1.0
    """
    check_average(concordance_index, average)
    check_undefined(undefined)
    span = 0
    names = getattr(getattr(y_true, "dtype", None), "names", None)
    if names:
        coded = read_times(np.asarray(y_true))
        y_true, span = coded.codes, coded.span
    labels = read_labels(y_true, tasks, sample_weight)
    parts = Given(labels, y_pred).of("predict")
    if average == "pooled":
        weights = labels.weight or [None] * len(parts)
        pairs = [
            _pairs(y, risk, weight, span)
            for y, risk, weight in zip(labels.y, parts, weights, strict=True)
        ]
        right, comparable = np.sum(pairs, axis=0)
        return float(right / comparable) if comparable > 0 else float("nan")

    def score(y, risk, sample_weight):
        right, comparable = _pairs(y, risk, sample_weight, span)
        return right / comparable if comparable > 0 else np.nan

    return scored(
        concordance_index, labels, parts, score, average, undefined, relative=False
    )


def _pairs(
    y: np.ndarray, risk: np.ndarray, weight: np.ndarray | None, span: int
) -> tuple[float, float]:
    """Return the weight of concordant pairs of a task, and that of comparable ones."""
    weight = np.ones(y.size) if weight is None else weight
    time, event = np.abs(y), ~(y < 0)
    stratum = time // span if span else np.zeros(y.size)
    right = comparable = 0.0
    events = np.flatnonzero(event)
    step = max(_MAX_PAIRS // y.size, 1)
    for first in range(0, events.size, step):
        i = events[first : first + step, None]
        later = (time > time[i]) | ((time == time[i]) & ~event)
        pairs = (later & (stratum == stratum[i])) * weight[i] * weight
        above = (risk[i] > risk) + 0.5 * (risk[i] == risk)
        right += float((pairs * above).sum())
        comparable += float(pairs.sum())
    return right, comparable
