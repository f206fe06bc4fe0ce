"""The thresholds between classes with the best score on held-out predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_MOST_THRESHOLDS = 200  # thresholds that a callable, or several classes, are tried at
_MOST_SWEEPS = 5  # over several classes
_GAIN = 1e-12  # of a score that is rounding


def _accuracy(tp, fp, p, n):
    return (tp + n - fp) / (p + n)


def _balanced_accuracy(tp, fp, p, n):
    return (tp / p + (n - fp) / n) / 2.0


def _f1(tp, fp, p, n):
    return 2.0 * tp / (tp + fp + p)


def _matthews(tp, fp, p, n):
    fn, tn = p - tp, n - fp
    root = np.sqrt((tp + fp) * (tn + fn)) * np.sqrt(p * n)
    value = tp * tn - fp * fn
    return np.divide(value, root, out=np.zeros_like(value), where=root > 0)


# of the weights of true and false positives, of all positives and all negatives
METRICS: dict[str, Callable[..., np.ndarray]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "matthews_corrcoef": _matthews,
}


def score_of_classes(confusion: np.ndarray, name: str) -> float:
    """Return a score of several classes, of those that there are labels of.

    Parameters
    ----------
    confusion : ndarray of shape (n_classes, n_classes)
        Weights of the rows by label and by prediction.
    name : str
        A name of `METRICS`; F1 is the mean of the classes ("macro").
    """
    right, true, said = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    shown, total = true > 0, confusion.sum()
    if name == "accuracy":
        return float(right.sum() / total)
    if name == "balanced_accuracy":
        return float(np.mean(right[shown] / true[shown]))
    if name == "f1":
        some = true + said > 0
        return float(np.mean(2.0 * right[some] / (true + said)[some]))
    root = np.sqrt(total**2 - true @ true) * np.sqrt(total**2 - said @ said)
    return float((right.sum() * total - true @ said) / root) if root > 0 else 0.0


def best_threshold(
    eta: np.ndarray,
    positive: np.ndarray,
    weight: np.ndarray,
    scoring: str | Callable[..., float],
    near: float,
) -> float:
    """Return the threshold on eta with the best score, of equal ones the nearest.

    Parameters
    ----------
    eta : ndarray of shape (n_samples,)
        Decision values; those above the threshold are predicted positive.
    positive : ndarray of bool of shape (n_samples,)
        The labels, of both classes.
    weight : ndarray of shape (n_samples,)
        Sample weights > 0.
    scoring : str or callable
        A name of `METRICS` or a function of labels, predictions and sample_weight.
    near : float
        Where to be near.
    """
    values, place = np.unique(eta, return_inverse=True)
    low, high = _gaps(values, most=_MOST_THRESHOLDS if callable(scoring) else None)
    if callable(scoring):
        scores = np.array(
            [scoring(positive, eta > cut, sample_weight=weight) for cut in low]
        )
        _require_finite(scores)
    else:
        up = np.bincount(place, weight * positive, minlength=values.size)
        down = np.bincount(place, weight * ~positive, minlength=values.size)
        p, n = up.sum(), down.sum()
        tp = np.append(p, np.maximum(p - np.cumsum(up), 0.0))
        fp = np.append(n, np.maximum(n - np.cumsum(down), 0.0))
        scores = METRICS[scoring](tp, fp, p, n)
    return _nearest_best(low, high, scores, values, near)


def best_cuts(
    eta: np.ndarray,
    labels: np.ndarray,
    weight: np.ndarray,
    scoring: str | Callable[..., float],
    near: np.ndarray,
    free: np.ndarray,
) -> np.ndarray:
    """Return what to take off the linear predictors of classes for the best score.

    One class after another has the best threshold beside what is taken off the
    others, from ``near`` on, as long as the score grows.

    Parameters
    ----------
    eta : ndarray of shape (n_samples, n_classes)
        Linear predictors, minus infinity for classes that a task does not have; that
        of the predicted class is the largest once the cuts are taken off.
    labels : ndarray of int of shape (n_samples,)
        The classes of the rows.
    weight : ndarray of shape (n_samples,)
        Sample weights > 0.
    scoring : str or callable
        A name of `METRICS` or a function of labels, predictions and sample_weight.
    near : ndarray of shape (n_classes,)
        Cuts to start from, and to stay with where others are no better.
    free : ndarray of bool of shape (n_classes,)
        Which of them may move.

    Returns
    -------
    ndarray of shape (n_classes,)
        Cuts; those that are free have the mean that they had.
    """
    cuts, K = near.astype(float), near.size

    def score(said: np.ndarray) -> float:
        if callable(scoring):
            return float(scoring(labels, said, sample_weight=weight))
        table = np.bincount(K * labels + said, weight, K * K).reshape(K, K)
        return score_of_classes(table, scoring)

    best = score(np.argmax(eta - cuts, axis=1))
    for _ in range(_MOST_SWEEPS):
        last = best
        for k in np.flatnonzero(free):
            others = eta - cuts
            others[:, k] = -np.inf
            rest, next_best = others.argmax(axis=1), others.max(axis=1)
            sure = np.isfinite(eta[:, k]) & np.isfinite(next_best)
            margin = np.where(sure, eta[:, k] - np.where(sure, next_best, 0.0), 0.0)
            values = np.unique(margin[sure])
            if values.size == 0:
                continue
            low, high = _gaps(values, most=_MOST_THRESHOLDS)
            own = ~sure & np.isfinite(eta[:, k])  # no other class is possible
            scores = np.array(
                [score(np.where(own | (sure & (margin > cut)), k, rest)) for cut in low]
            )
            _require_finite(scores)
            if scores.max() > best + _GAIN:
                best = float(scores.max())
                cuts[k] = _nearest_best(low, high, scores, values, float(cuts[k]))
        if best <= last + _GAIN:
            break
    cuts[free] -= np.mean(cuts[free]) - np.mean(near[free]) if free.any() else 0.0
    return cuts


def _gaps(values: np.ndarray, most: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds between which any threshold does, of sorted values.

    Those below all of them and above, too; some of them where there are more than
    ``most``.
    """
    low, high = np.append(-np.inf, values), np.append(values, np.inf)
    if most is not None and low.size > most:
        kept = np.unique(np.linspace(0, low.size - 1, most).astype(int))
        low, high = low[kept], high[kept]
    return low, high


def _nearest_best(low, high, scores, values, near: float) -> float:
    """Return the threshold of the best scores that is nearest."""
    best = scores >= scores.max() - _GAIN * max(abs(float(scores.max())), 1.0)
    # the middle of a gap, unless that is wide and holds the value to be near to
    inside = best & (low <= near) & (near < high)
    if inside.any():
        return near
    width = float(values[-1] - values[0]) or 1.0
    low, high = np.maximum(low, values[0] - width), np.minimum(high, values[-1] + width)
    middle = (low + high)[best] / 2.0
    return float(middle[np.argmin(np.abs(middle - near))])


def _require_finite(scores: Any) -> None:
    if not np.all(np.isfinite(scores)):
        raise ValueError("scoring returned NaN or infinity; pass another metric")
