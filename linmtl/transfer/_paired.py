"""Paired differences of held-out losses: tests, intervals and verdicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from linmtl.model_selection._held_out import mean_over_folds

VERDICTS = ("helped", "hurt", "equivalent", "undecided")
_MIN_HELD_OUT = 5  # rows, or groups of rows, held out of a task that is judged


@dataclass(eq=False, repr=False)
class PairedDifferences:
    """Paired differences of the held-out losses of each task between two models.

    Attributes
    ----------
    baseline : str
        What the model is compared with.
    difference : ndarray of shape (n_tasks,)
        Mean of the baseline's loss less the model's: positive where the model is
        better. NaN for a task that was never held out.
    effect : ndarray of shape (n_tasks,)
        The difference as a fraction of the baseline's loss, NaN where that is zero.
    low, high : ndarray of shape (n_tasks,)
        Confidence interval of the effect, cut off at 1: no loss falls by more.
    p_value, adjusted : ndarray of shape (n_tasks,)
        p-values of the t-test that the difference is zero, and these adjusted for the
        number of tasks; NaN where a task has too little for a test.
    within : ndarray of bool of shape (n_tasks,)
        Tasks whose whole interval lies within the margin: no effect that matters,
        whatever its sign.
    verdict : ndarray of str of shape (n_tasks,)
        "helped", "hurt", "equivalent" (`within`, and neither of these) or "undecided".
    refused : ndarray of bool of shape (n_tasks,)
        Tasks of which no verdict is given since the baseline could not be tuned: its
        strength is at the end of its grid.
    """

    baseline: str
    difference: np.ndarray
    effect: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    adjusted: np.ndarray
    within: np.ndarray
    verdict: np.ndarray
    refused: np.ndarray

    def __repr__(self) -> str:
        return f"<PairedDifferences: against {self.baseline}, {self.counts()}>"

    def count(self, verdict: str) -> int:
        """Return the number of tasks with this verdict."""
        return int(np.sum(self.verdict == verdict))

    def counts(self) -> str:
        """Return how many tasks have each verdict, as text."""
        return ", ".join(f"{self.count(verdict)} {verdict}" for verdict in VERDICTS)

    def shown(self, task: int) -> tuple[str, str, str]:
        """Return effect, interval and adjusted p-value of a task (a position) as text.

        The effect and its ends are in per cent; what is missing is "-".
        """
        effect, interval, p = "-", "-", "-"
        if np.isfinite(self.adjusted[task]):
            p = f"{self.adjusted[task]:.3f}".replace("0.000", "<0.001")
        if np.isfinite(self.effect[task]):
            effect = f"{_percent(self.effect[task])} %"
            if p != "-":
                low, high = _percent(self.low[task]), _percent(self.high[task])
                interval = f"{low} to {high} %"
        return effect, interval, p


def _percent(share: float) -> str:
    return f"{100 * share:+.{0 if abs(share) >= 1 else 1}f}"


def compare_losses(
    baseline: np.ndarray,
    model: np.ndarray,
    *,
    name: str,
    share: ArrayLike,
    tested: ArrayLike = np.inf,
    level: float = 0.05,
    margin: float = 0.0,
    refused: np.ndarray | bool = False,
) -> PairedDifferences:
    """Compare losses over splits by the corrected resampled t-test.

    Parameters
    ----------
    baseline, model : ndarray of shape (n_splits, n_tasks)
        Losses; NaN where a task has nothing held out.
    name : str
        What the baseline is called.
    share : float or ndarray of shape (n_tasks,)
        Size of the held-out part relative to the training part, for the correction.
    tested : int or ndarray of shape (n_tasks,), default=infinite
        Different rows that are held out in some split. They bound the degrees of
        freedom; of a task with fewer than five no verdict is given.
    level : float, default=0.05
        False discovery rate.
    margin : float, default=0.0
        The largest effect that does not matter.
    refused : ndarray of bool of shape (n_tasks,), default=False
        Tasks of which no verdict is given.
    """
    difference = baseline - model
    count = np.sum(~np.isnan(difference), axis=0)
    mean = mean_over_folds(difference)
    squares = np.nansum((difference - mean) ** 2, axis=0)
    variance = np.where(count > 1, squares / np.maximum(count - 1, 1), np.nan)
    error = np.sqrt(variance * (1.0 / np.maximum(count, 1) + np.asarray(share)))
    # splits of few rows repeat themselves
    tested = np.broadcast_to(np.asarray(tested, dtype=float), mean.shape)
    return _decided(
        name,
        mean,
        error,
        np.minimum(count, tested) - 1,
        mean_over_folds(baseline),
        (tested < _MIN_HELD_OUT) | refused,
        level,
        margin,
        refused,
    )


def compare_rows(
    baseline: np.ndarray,
    model: np.ndarray,
    code: np.ndarray,
    n_tasks: int,
    *,
    name: str,
    weight: np.ndarray,
    unit: np.ndarray | None = None,
    level: float = 0.05,
    margin: float = 0.05,
    refused: np.ndarray | bool = False,
) -> PairedDifferences:
    """Compare losses row by row.

    The units of the variance are the rows, or groups of them, which count with the sum
    of their weighted differences. Where units are of uneven weight the degrees of
    freedom are those of as many even units as have the same variance.

    Parameters
    ----------
    baseline, model : ndarray of shape (n_rows,)
        Held-out losses; NaN for rows that were never held out.
    code : ndarray of int of shape (n_rows,)
        The task of each row.
    n_tasks : int
        Number of tasks.
    name : str
        What the baseline is called.
    weight : ndarray of shape (n_rows,)
        Sample weights.
    unit : ndarray of int of shape (n_rows,), default=None
        The group of each row; by default each row is its own.
    level, margin, refused
        As for :func:`compare_losses`.
    """
    kept = ~np.isnan(baseline - model)
    baseline, model, code, weight = (
        values[kept] for values in (baseline, model, code, weight)
    )
    difference = baseline - model
    total = np.bincount(code, weight, minlength=n_tasks)
    total[total == 0] = np.nan
    mean = np.bincount(code, weight * difference, minlength=n_tasks) / total
    base = np.bincount(code, weight * baseline, minlength=n_tasks) / total
    rest = weight * (difference - mean[code])
    if unit is not None:
        pairs = np.column_stack([code, unit[kept]])
        pairs, place = np.unique(pairs, axis=0, return_inverse=True)
        place = place.reshape(-1)
        code = pairs[:, 0]
        rest, weight = (np.bincount(place, values) for values in (rest, weight))
    units = np.bincount(code, minlength=n_tasks)
    few = units < 2
    variance = np.bincount(code, rest**2, minlength=n_tasks) / total**2
    variance *= np.where(few, np.nan, units / np.where(few, 1, units - 1))
    even = total**2 / np.bincount(code, weight**2, minlength=n_tasks)
    return _decided(
        name,
        mean,
        np.sqrt(variance),
        even - 1,
        base,
        (units < _MIN_HELD_OUT) | refused,
        level,
        margin,
        refused,
    )


def _decided(
    name: str,
    mean: np.ndarray,
    error: np.ndarray,
    freedom: np.ndarray,
    base: np.ndarray,
    untested: np.ndarray,
    level: float,
    margin: float,
    refused: np.ndarray | bool,
) -> PairedDifferences:
    """Return tests, intervals and verdicts from means and standard errors."""
    freedom = np.maximum(freedom, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * stats.t.sf(np.abs(mean / error), freedom)
    same = error <= 1e-9 * np.abs(mean)  # nothing but rounding
    p[same] = np.where(mean[same] == 0, 1.0, np.nan)
    p[untested] = np.nan
    tested = ~np.isnan(p)
    adjusted = np.full(p.shape, np.nan)
    if tested.any():
        adjusted[tested] = stats.false_discovery_control(p[tested])
    reach = stats.t.ppf(1 - level / 2, freedom) * error
    scale = np.where(base > 0, base, np.nan)
    within = tested & (np.abs(mean) + reach <= margin * base)
    found = np.nan_to_num(adjusted, nan=1.0) <= level
    verdict = np.full(p.shape, "undecided", dtype="<U10")
    verdict[within] = "equivalent"
    verdict[found & (mean > 0)] = "helped"
    verdict[found & (mean < 0)] = "hurt"
    return PairedDifferences(
        baseline=name,
        difference=mean,
        effect=mean / scale,
        low=(mean - reach) / scale,
        high=np.minimum((mean + reach) / scale, 1.0),
        p_value=p,
        adjusted=adjusted,
        within=within,
        verdict=verdict,
        refused=np.broadcast_to(np.asarray(refused), p.shape),
    )
