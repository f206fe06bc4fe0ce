"""Times to an event, as users pass them: some of them end before it is seen."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._labels import as_task_labels, some


class Times(NamedTuple):
    """Times to an event as whole numbers, ranked within strata.

    Attributes
    ----------
    codes : ndarray of shape (n_samples,)
        One more than ``stratum * span`` plus the position of the time in ``times``,
        negative where no event was seen; NaN where the time is missing.
    times : ndarray of shape (n_times,)
        The times, increasing.
    strata : ndarray of shape (n_strata,) or None
        The labels of the strata, sorted.
    """

    codes: np.ndarray
    times: np.ndarray
    strata: np.ndarray | None

    @property
    def span(self) -> int:
        """How far codes of the same time in two strata are apart, 0 for no strata."""
        return 0 if self.strata is None else self.times.size + 1

    def decoded(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the times that codes stand for, and the positions of their strata."""
        place = np.abs(codes).astype(int)
        stratum = place // self.span if self.span else np.zeros_like(place)
        return self.times[place - self.span * stratum - 1], stratum


def survival_target(
    time: ArrayLike, event: ArrayLike, strata: ArrayLike | None = None
) -> np.ndarray:
    """Return times to an event and whether it was seen, as one target a row.

    Parameters
    ----------
    time : array-like of shape (n_samples,)
        Times from the start until the event or, where it was not seen, until the end of
        observation; >= 0. NaN where a target is missing.
    event : array-like of shape (n_samples,)
        Whether the event was seen: booleans, or 1 and 0.
    strata : array-like of shape (n_samples,), default=None
        Labels of strata: rows of the same task and stratum share a baseline hazard. By
        default those of a task do.

    Returns
    -------
    ndarray of shape (n_samples,)
        With the fields ``event``, ``time`` and, with strata, ``stratum``; scikit-learn
        splits it as any y.

    Raises
    ------
    ValueError
        If lengths differ, times are negative or infinite, or events are neither true
        nor false.

    See Also
    --------
    CoxRegressor : What it is a target of.

    Examples
    --------
    >>> from linmtl import survival_target
    >>> survival_target([5.0, 3.5, 8.0], [True, False, True])["time"]
    array([5. , 3.5, 8. ])
    """
    time, event = np.asarray(time, dtype=float), np.asarray(event)
    fields: list[Any] = [("event", bool), ("time", float)]
    if strata is not None:
        strata = as_task_labels(strata, name="strata")
        fields.append(("stratum", strata.dtype))
    shapes = [v.shape for v in (time, event, strata) if v is not None]
    if time.ndim != 1 or len(set(shapes)) > 1:
        raise ValueError(
            f"time, event and strata have the shapes {', '.join(map(str, shapes))}; "
            "pass one number, one flag and one label for each row"
        )
    strange = [v for v in event.tolist() if not (v == 0 or v == 1)]
    if strange:
        raise ValueError(
            f"event must be true or false for each row, got {some(strange[:1])}"
        )
    y = np.empty(time.size, dtype=fields)
    y["event"], y["time"] = event.astype(bool), time
    if strata is not None:
        y["stratum"] = strata
    _check_times(time)
    return y


def read_times(y: np.ndarray) -> Times:
    """Return the ranks of a structured array: a flag, a time and maybe a stratum.

    Raises
    ------
    ValueError
        If it has other fields or several columns, or a time is negative or infinite.
    """
    if y.ndim != 1:
        raise ValueError(
            f"y has fields and the shape {y.shape}; pass one target for each row, or a "
            "wide Y of times that are negative where no event was seen"
        )
    names = y.dtype.names or ()
    kinds = [y.dtype[name].kind for name in names]
    flags = [name for name, kind in zip(names, kinds, strict=True) if kind == "b"]
    stratum = "stratum" if "stratum" in names else None
    numbers = [
        name
        for name, kind in zip(names, kinds, strict=True)
        if kind in "iuf" and name != stratum
    ]
    if len(flags) != 1 or len(numbers) != 1 or len(names) > 2 + (stratum is not None):
        raise ValueError(
            f"y has the fields {some(list(names))}; pass one of booleans (was the "
            "event seen), one of times and maybe 'stratum', as survival_target does"
        )
    time, event = y[numbers[0]].astype(float), y[flags[0]]
    _check_times(time)
    known = ~np.isnan(time)
    times, rank = np.unique(time[known], return_inverse=True)
    codes, labels = np.full(y.size, np.nan), None
    codes[known] = rank + 1.0
    if stratum is not None:
        labels, of_row = np.unique(y[stratum], return_inverse=True)
        codes += (times.size + 1.0) * of_row
    return Times(np.where(event, codes, -codes), times, labels)


def _check_times(time: np.ndarray) -> None:
    wrong = time[(time < 0) | np.isinf(time)]
    if wrong.size:
        raise ValueError(
            f"times to an event must be finite and not negative, got {wrong[0]:g}"
        )
