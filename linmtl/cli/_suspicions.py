"""What looks wrong with columns: ids, leaks, a target that is partly of classes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from linmtl.data._encoding import may_be_id
from linmtl.data._errors import name_list
from linmtl.data._labels import one_line
from linmtl.data._targets import NO_CHANCE, two_valued

_TOTALS = frozenset({"total", "totals", "grand total", "sum", "average", "mean"})
_LEAK = 0.995  # correlation with the target within tasks
_STAND_INS = [sign * (10.0**k - 1) for k in (2, 3, 4, 5) for sign in (-1, 1)]


def suspicions(
    X: np.ndarray,
    y: np.ndarray,
    tasks: np.ndarray,
    names: Sequence[str],
    dates: Collection[str],
    target: str,
    classify: bool,
) -> list[str]:
    """Return notes on columns that may not be what they are taken for.

    Parameters
    ----------
    X, y, tasks : ndarray
        Features (NaN where missing), targets and task labels.
    names : sequence of str
        Names of the features.
    dates : collection of str
        Those that are dates, which may well be other ones in each row.
    target : str
        Name of the target.
    classify : bool
        Whether the targets are positions of classes.
    """
    labels, codes = np.unique(tasks, return_inverse=True)
    notes = []
    ids = [
        name
        for name, x in zip(names, X.T, strict=True)
        if name not in dates and may_be_id(name, x)
    ]
    if ids:
        notes.append(
            "a number of its own in every row, an id? --drop leaves it out: "
            f"{name_list(ids)}"
        )
    compact = [name for name, x in zip(names, X.T, strict=True) if _are_dates(x)]
    if compact:
        value = f"{X[0, list(names).index(compact[0])]:.0f}"
        notes.append(
            f"numbers that look like dates, such as {value}; written as "
            f"{value[:4]}-{value[4:6]}-{value[6:]} they are read as days: "
            f"{name_list(compact)}"
        )
    targets = [y]
    if classify and y.max(initial=0) > 1:
        targets += [y == k for k in range(int(y.max()) + 1)]
    leaks = [
        name
        for name, x in zip(names, X.T, strict=True)
        if max(_correlation(x, column, codes) for column in targets) > _LEAK
    ]
    if leaks:
        notes.append(
            f"nearly the target itself (correlation above {_LEAK:g} within tasks), a "
            f"leak? --drop leaves it out: {name_list(leaks)}"
        )
    columns = [*zip(names, X.T, strict=True), *([] if classify else [(target, y)])]
    for name, x in columns:
        if (value := _stand_in(x)) is not None:
            notes.append(
                f"{value:g} ({np.sum(x == value)} times) is far from all other values, "
                f"does it stand for missing ones? Then leave these fields empty: "
                f"{one_line(name)}"
            )
    if not classify:
        notes += _classes_beside_numbers(y, labels, codes, target)
    return notes


def looks_like_counts(y: np.ndarray) -> bool:
    """Whether numbers are whole, from 0 on, many small ones and few that are large."""
    if not np.all((y >= 0) & (y == np.round(y))) or not {0, 1, 2} <= set(y.tolist()):
        return False
    mean = float(y.mean())
    skewness = float(np.mean((y - mean) ** 3)) / float(y.std()) ** 3
    # that of Poisson's distribution is one over the root of the mean
    return len(np.unique(y)) > 3 and skewness > 0.5 / max(mean, 1.0) ** 0.5


def suspicious_tasks(tasks: np.ndarray) -> list[str]:
    """Return notes on labels of tasks that may be of one task, or of none."""
    if tasks.dtype.kind != "U":
        return []
    notes, alike = [], {}
    labels, counts = np.unique(tasks, return_counts=True)
    for label in labels.tolist():
        alike.setdefault(" ".join(label.casefold().split()), []).append(label)
    several = [label for group in alike.values() if len(group) > 1 for label in group]
    if several:
        notes.append(
            "tasks that differ in case or spaces only, and are taken for different "
            f"ones: {name_list(several)}"
        )
    last = tasks[-1]
    if last.casefold() in _TOTALS and counts[labels == last] == 1:
        notes.append(
            f"the last row, task {one_line(last)}, looks like a total of the others; "
            "leave it out"
        )
    return notes


def _are_dates(x: np.ndarray) -> bool:
    """Whether all numbers are dates as 20240131, and not the same one."""
    whole = np.all((x >= 19000101) & (x <= 21001231) & (x == np.round(x)))
    if len(x) < NO_CHANCE or not whole:  # nor is any missing
        return False
    month, day = x // 100 % 100, x % 100
    return bool(np.all((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)))


def _stand_in(x: np.ndarray) -> float | None:
    """Return a number such as -999 that is further off than the others spread."""
    for value in _STAND_INS:
        others = x[(x != value) & ~np.isnan(x)]
        if np.sum(x == value) < 2 or others.size < 2:
            continue
        if np.abs(others - value).min() > np.ptp(others) > 0:
            return value
    return None


def _correlation(x: np.ndarray, y: np.ndarray, codes: np.ndarray) -> float:
    """Return the absolute correlation within tasks, 0 where there are few rows."""
    known = ~np.isnan(x)
    x, y, codes = x[known], y[known].astype(float), codes[known]
    if len(x) - len(np.unique(codes)) < NO_CHANCE:
        return 0.0
    x, y = _standardised(x, codes), _standardised(y, codes)
    return float(abs(x @ y))


def _standardised(x: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return what is left of x beside the means of the tasks, of length 1 or 0."""
    scale = np.abs(x).max(initial=0.0)
    if scale == 0:
        return x
    x = x / scale
    size = np.bincount(codes)
    rest = x - (np.bincount(codes, weights=x) / np.maximum(size, 1))[codes]
    length = np.linalg.norm(rest)
    return rest / length if length > 1e-10 * np.linalg.norm(x) else 0.0 * rest


def _classes_beside_numbers(
    y: np.ndarray, labels: np.ndarray, codes: np.ndarray, target: str
) -> list[str]:
    """Note tasks with two values where others have more: outcomes of two kinds."""
    bounds = np.cumsum([0, *np.bincount(codes)])
    by_task = y[np.argsort(codes, kind="stable")].astype(float)
    two = labels[two_valued(by_task, np.ones(len(y), dtype=bool), bounds)]
    if not two.size:
        return []
    return [
        f"target {one_line(target)} has only two values in these tasks, classes that "
        f"are taken for numbers ({two.size}): {name_list(two)}"
    ]
