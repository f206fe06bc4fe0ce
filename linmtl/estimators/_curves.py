"""Held-out losses along the strengths of a penalty, and what they say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linmtl.model_selection._grid import (
    WORTH_SAYING,
    End,
    best_strength,
    falling_end,
    gain_of_a_decade,
    open_end,
)
from linmtl.solvers._objective import Objective
from linmtl.solvers._path import top_strength

_ALMOST = 1 - 1e-9
_REACH = 8.0  # strengths over which the error of rough losses stays about the same
_SURELY = 3.0  # standard errors by which a strength is worse than the best
_FEWEST = 3  # of two strengths one always is at an end


@dataclass
class Curve:
    """The held-out losses along the strengths of one setting.

    Attributes
    ----------
    setting : dict
        The parameters of the penalty beside its strength.
    start : Objective
        The problem whose solution is zero where the grid begins.
    strengths : ndarray of shape (n_strengths,)
        Decreasing.
    grid : ndarray
        Those of them that were tried first.
    per_fold : ndarray of shape (n_strengths, n_folds)
        The losses; NaN for a fold that judges no task.
    per_task : ndarray of shape (n_strengths, n_folds, n_tasks)
        The losses of each task.
    ends : list of ndarray
        The last solution in each fold.
    unconverged : int
        The number of fits that did not converge.
    exact : ndarray of bool of shape (n_strengths,)
        Where the models are exact; others only show roughly where the best one is.
    freedom : ndarray of shape (n_strengths,) or None
        Degrees of freedom, where they are known.
    point : ndarray or None
        A solution on all data near the best strength, to start from.
    """

    setting: dict[str, Any]
    start: Objective
    strengths: np.ndarray
    grid: np.ndarray
    per_fold: np.ndarray
    per_task: np.ndarray
    ends: list[np.ndarray]
    unconverged: int
    exact: np.ndarray
    freedom: np.ndarray | None = None
    point: np.ndarray | None = None

    @property
    def mean(self) -> np.ndarray:
        return np.nanmean(self.per_fold, axis=-1)

    @property
    def rough(self) -> np.ndarray:
        """Of the best strength and those beside it, the positions of rough models."""
        best = best_strength(self.mean)
        near = np.arange(max(best - 1, 0), min(best + 2, self.strengths.size))
        return near[~self.exact[near]]

    def correct(self, some: np.ndarray, exact: Curve) -> None:
        """Take over exact models at some positions.

        Losses of rough models near them are moved by as much, less with the distance:
        otherwise the best would be where models are rough in the right direction.
        """
        position = np.arange(self.strengths.size)
        nearest = np.abs(position[:, None] - some).argmin(axis=1)
        share = 1.0 - np.abs(position - some[nearest]) / _REACH
        share = np.where(self.exact, 0.0, np.maximum(share, 0.0))
        for name in ("per_fold", "per_task"):
            losses, known = getattr(self, name), getattr(exact, name)
            error = (known - losses[some])[nearest]
            moved = losses + share.reshape(-1, *[1] * (losses.ndim - 1)) * error
            # a loss that was not negative stays so
            moved = np.maximum(moved, np.minimum(losses, 0.0))
            moved[some] = known
            setattr(self, name, moved)
        self.exact[some] = True


def joined(strong: Curve, weak: Curve) -> Curve:
    """Return one curve of two, from strong to weak."""
    both = {
        name: np.concatenate([getattr(strong, name), getattr(weak, name)])
        for name in ("strengths", "per_fold", "per_task", "exact")
    }
    if strong.freedom is not None and weak.freedom is not None:
        both["freedom"] = np.concatenate([strong.freedom, weak.freedom])
    unconverged = strong.unconverged + weak.unconverged
    return replace(weak, **both, unconverged=unconverged)


def best_of(curves: list[Curve]) -> Curve:
    """Return the curve with the lowest loss."""
    return curves[int(np.argmin([curve.mean.min() for curve in curves]))]


def end_worth_extending(curves: list[Curve]) -> End | None:
    """Return an end at which a loss falls, if once more as much would be the best.

    Or the weak end of the best curve, if it falls fast there.
    """
    best = best_of(curves)
    for curve in curves:
        end = open_end(curve.strengths, curve.mean)
        if end is None:
            continue
        last = 0 if end == "high" else -1
        gain = gain_of_a_decade(curve.strengths, curve.mean, last)
        if curve.mean[last] - gain <= best.mean.min():
            return end
    return falling_end(best.strengths, best.mean)


def bound_of(curves: list[Curve]) -> End | None:
    """Return the end of its grid at which the best strength lies and matters."""
    best = best_of(curves)
    if best.strengths.size < _FEWEST:
        return None
    end = open_end(best.strengths, best.mean, WORTH_SAYING)
    if end == "high" and best.strengths[0] >= _ALMOST * top_strength(best.start):
        return None  # nothing changes beyond
    return end


def open_axes(curves: list[Curve]) -> dict[str, End]:
    """Return other parameters whose best value is at an end of those tried.

    Of numbers, three at least, where what is held out is predicted better and better
    towards the end.
    """
    least = np.array([curve.mean.min() for curve in curves])
    found = {}
    for name in curves[0].setting:
        values = [curve.setting.get(name) for curve in curves]
        if name.startswith("n_") or not all(map(_is_amount, values)):
            continue
        tried = np.unique(np.array(values, dtype=float))[::-1]
        losses = [least[np.array(values) == value].min() for value in tried]
        if tried.size >= _FEWEST:
            end = open_end(tried, np.array(losses), WORTH_SAYING)
            if end is not None:
                found[name] = end
    return found


def _is_amount(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= value < np.inf


def best_place(per_fold: np.ndarray, one_error: bool) -> tuple[int, int]:
    """Return the setting and the strength that some folds choose, as positions.

    ``per_fold`` is of shape (n_settings, n_strengths, n_folds). With ``one_error`` it
    is the strongest whose loss is within a standard error of the best.
    """
    mean = np.nanmean(per_fold, axis=-1)
    i, j = divmod(best_strength(mean.ravel()), mean.shape[1])
    if one_error:
        known = per_fold[i, j][~np.isnan(per_fold[i, j])]
        error = known.std(ddof=1) / np.sqrt(known.size) if known.size > 1 else 0.0
        j = int(np.argmax(mean[i] <= mean[i, j] + error))  # strengths decrease
    return i, j


def not_surely_worse(
    curves: list[Curve], best: tuple[int, int]
) -> list[tuple[dict[str, Any], np.ndarray]]:
    """Return settings and strengths that may be the best of other folds.

    Those beside the best, and those that are not surely worse, by the differences
    of the losses in each task and fold.
    """
    i, j = best
    loss = np.array([curve.per_task for curve in curves])
    worse = (loss - loss[i, j]).reshape(*loss.shape[:2], -1)
    worse = worse[..., ~np.isnan(worse[i, j])]
    error = worse.std(axis=-1) / np.sqrt(worse.shape[-1])
    open_ = worse.mean(axis=-1) <= _SURELY * error
    open_[i, max(j - 1, 0) : j + 2] = True
    along = np.flatnonzero(open_.any(axis=0))
    return [
        (curve.setting, curve.strengths[along[0] : along[-1] + 1])
        for curve, some in zip(curves, open_, strict=True)
        if some.any()
    ]
