"""How rows are split for a report, and how the splits are tested."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from linmtl.data._checks import check_count, is_whole
from linmtl.transfer._rows import Rows

METHODS = "clt", "resampled_t"
_FOLDS, _REPEATS = 5, 4
_SPLITS = 30  # random ones
_LEAST_TRAINED = 0.6  # part of the rows, where the spread of the rows says enough
_MOST_TUNING_FOLDS = 5


class Plan(NamedTuple):
    """Splits of the rows, and how what they hold out is tested.

    Attributes
    ----------
    splits : list of (train, test)
        Masks of rows.
    units : ndarray of int of shape (n_rows,) or None
        The group of each row, of those that no split parts.
    method : {"clt", "resampled_t"}
        How differences are tested.
    trained : float
        The part of their rows that tasks have in training where they are tested, the
        mean over splits and tasks.
    """

    splits: list[tuple[np.ndarray, ...]]
    units: np.ndarray | None
    method: Literal["clt", "resampled_t"]
    trained: float

    def partitions(self) -> list[list[tuple[np.ndarray, ...]]] | None:
        """Return the folds of each partition; None if splits are none, or not alike."""
        out: list[list[tuple[np.ndarray, ...]]] = []
        tested: list[np.ndarray] = []
        for train, test in self.splits:
            if np.any(train == test):
                return None
            if not out or np.any(tested[-1] & test):
                out.append([])
                tested.append(np.zeros_like(test))
            out[-1].append((train, test))
            tested[-1] = tested[-1] | test
        alike = all(np.array_equal(rows, tested[0]) for rows in tested)
        return out if alike and min(map(len, out)) > 1 else None

    def sizes(self, rows: Rows) -> dict[str, np.ndarray]:
        """Return what the corrected resampled t-test needs to know of the splits."""
        trained, tested = (
            np.sum([rows.count(part) for part in parts], axis=0)
            for parts in zip(*self.splits, strict=True)
        )
        return {
            "share": tested / np.maximum(trained, 1),
            "tested": rows.count(np.any([test for _, test in self.splits], axis=0)),
        }

    def tuning_folds(self, rows: Rows) -> int:
        """Return the folds in which the largest task is tuned in each training part."""
        largest = min(int(rows.count(train).max(initial=2)) for train, _ in self.splits)
        return int(np.clip(largest, 2, _MOST_TUNING_FOLDS))


def plan_splits(
    rows: Rows,
    cv: Any,
    n_repeats: int | None,
    groups: ArrayLike | None,
    method: Literal["clt", "resampled_t"],
    random_state: int | None,
) -> Plan:
    """Return the splits that are asked for, and the method that they allow.

    Parameters
    ----------
    rows : Rows
        The data.
    cv, n_repeats, groups, method, random_state
        As for :func:`linmtl.transfer.negative_transfer_report`.
    """
    units = rows.units(groups)
    splits = _splits(rows, cv, n_repeats, units, method, random_state)
    trained = _part_trained(rows, splits)
    if method == "clt" and trained < _LEAST_TRAINED:
        if units is not None:
            raise ValueError(
                f"groups need training parts of {_LEAST_TRAINED:g} of the rows or "
                f"more, got {trained:.2g}; hold out fewer rows, cv=5 for example"
            )
        method = "resampled_t"
    if not any(np.any(np.minimum(*map(rows.count, split))) for split in splits):
        raise ValueError(
            "cv judges no task, since each is either wholly in training or wholly held "
            "out; split the rows within the tasks, for example cv=30"
        )
    return Plan(splits, units, method, trained)


def _splits(
    rows: Rows,
    cv: Any,
    n_repeats: int | None,
    units: np.ndarray | None,
    method: str,
    random_state: int | None,
) -> list[tuple[np.ndarray, ...]]:
    """Return masks of training and test rows, groups whole."""
    in_folds = method == "clt" and (cv is None or is_whole(cv))
    if n_repeats is None:
        n_repeats = _REPEATS if in_folds and cv is None else 1
    check_count("n_repeats", n_repeats)
    if n_repeats > 1 and not in_folds:
        raise ValueError(
            "n_repeats is for folds, an integer cv with method='clt'; otherwise pass a "
            "splitter that repeats"
        )
    if units is not None and method != "clt":
        raise ValueError("groups need method='clt', whose variance has units")
    if in_folds:
        n_folds = check_count("cv", _FOLDS if cv is None else cv, 2)
        random = check_random_state(random_state)
        splits: list = [
            fold
            for _ in range(n_repeats)
            for fold in rows.folds(n_folds, random, units)
        ]
    else:
        splits = rows.splits(_SPLITS if cv is None else cv, random_state)
    if len(splits) < 2 and units is not None and in_folds:
        raise ValueError(
            "groups are all there is of their tasks, and none can be held out: pass "
            "labels of parts of a task (the visits of a patient), or leave groups out"
        )
    if len(splits) < 2 and in_folds:
        raise ValueError(
            "no row can be held out: each is the only one of its task, or of its "
            "class there, and nothing would be left to learn it from"
        )
    if len(splits) < 2:
        raise ValueError("cv must make at least 2 splits")
    if units is not None:
        _require_whole(units, splits)
    return splits


def _require_whole(units: np.ndarray, splits: list[tuple[np.ndarray, ...]]) -> None:
    """Refuse splits that part a group."""
    for train, test in splits:
        if np.isin(units[test], units[train]).any():
            raise ValueError(
                "cv has rows of one group in a training and its test part; pass an "
                "integer, whose folds keep groups whole"
            )


def _part_trained(rows: Rows, splits: list) -> float:
    """Return the part of their rows that tasks have in training where they are tested.

    The mean over splits and tasks.
    """
    parts = []
    for train, test in splits:
        judged = (rows.count(test) > 0) & (rows.count(train) > 0)
        parts += [*(rows.count(train)[judged] / rows.n_samples[judged])]
    return float(np.mean(parts)) if parts else 0.0
