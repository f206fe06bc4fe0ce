"""From a table to features, target and tasks.

Whatever is changed on the way is said in a note, one line each.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from linmtl.cli._suspicions import looks_like_counts, suspicions, suspicious_tasks
from linmtl.data._columns import Fields, Numbers, missing, read_numbers, reads_as_number
from linmtl.data._encoding import MAX_LEVELS, Coding, codings, ids_among
from linmtl.data._errors import InputError, name_list
from linmtl.data._labels import one_line
from linmtl.data._suggestions import closest
from linmtl.data._table import Table
from linmtl.losses import Loss

_MOST_CLASSES = 50  # of text that nobody has called a class
_ZEROS = re.compile(r"\.0+$")  # of whole numbers that some rows lacked: 1.0


class OffsetColumn(NamedTuple):
    """Where the offsets of the rows stand.

    Attributes
    ----------
    column : str
        The column of the table.
    exposure : bool
        Whether its logarithm is taken.
    """

    column: str
    exposure: bool

    @property
    def option(self) -> str:
        return "--exposure" if self.exposure else "--offset"

    @property
    def told(self) -> str:
        """What is done with it, in a note."""
        name = one_line(self.column)
        if self.exposure:
            return f"offset: the logarithm of the exposure, {name}"
        return f"offset: {name}, added to the linear predictor as it is"

    def read(self, table: Table, numbers: Numbers) -> np.ndarray:
        """Return the offset of each row.

        Raises
        ------
        InputError
            If a row has none.
        """
        values = numbers.values.get(self.column)
        if values is None or self.column in numbers.dates:
            raise InputError(f"{self.option}: column {self.column!r} holds no numbers")
        wrong = ~np.isfinite(values)
        if wrong.any():
            raise InputError(
                f"{self.option}: column {self.column!r} has no finite number on "
                f"{where(table, wrong)}; mend or drop these rows"
            )
        if not self.exposure:
            return values
        wrong = values <= 0
        if wrong.any():
            raise InputError(
                f"--exposure: column {self.column!r} must be > 0, and is not on "
                f"{where(table, wrong)}; mend or drop these rows"
            )
        return np.log(values)


def offset_column(offset: str | None, exposure: str | None) -> OffsetColumn | None:
    """Return what two options, of which one may be given, say of the offset."""
    name = offset if exposure is None else exposure
    return None if name is None else OffsetColumn(name.strip(), exposure is not None)


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """A multi-task problem in the long layout.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        Features, NaN where a value is missing.
    y : ndarray of shape (n_samples,)
        Targets; for classification the position of the class in `labels`.
    tasks : ndarray of shape (n_samples,)
        Task labels.
    feature_names : list of str
        Names of the columns of X.
    labels : ndarray of shape (n_classes,) or None
        The classes, None for regression.
    notes : list of str
        What was done to the table.
    rows : ndarray of shape (n_samples,)
        The rows of the table, positions.
    decimal : str or None
        The decimal mark of its columns, None where there are none or several.
    day_first : dict of str -> bool
        Whether the day stands before the month, by column of dates that say so.
    dates : list of str
        The features that were dates.
    base : dict of str -> str
        The level that has no indicator, by column of text with two.
    offset : ndarray of shape (n_samples,) or None
        A known part of the linear predictor.
    offset_from : OffsetColumn or None
        Where that stands.
    """

    X: np.ndarray
    y: np.ndarray
    tasks: np.ndarray
    feature_names: list[str]
    labels: np.ndarray | None
    notes: list[str]
    rows: np.ndarray
    decimal: str | None
    day_first: dict[str, bool] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)
    base: dict[str, str] = field(default_factory=dict)
    offset: np.ndarray | None = None
    offset_from: OffsetColumn | None = None

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the classes, None for regression."""
        return None if self.labels is None else class_names(self.labels)

    def __repr__(self) -> str:
        return f"<Problem: {sizes(self)}>"


def sizes(problem: Any) -> str:
    """Say how large a problem is."""
    n_samples, n_features = problem.X.shape
    return (
        f"{n_samples} rows, {n_features} features, {len(np.unique(problem.tasks))} "
        "tasks"
    )


def make_problem(
    table: Table,
    target: str,
    task: str,
    *,
    classify: bool = False,
    features: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    decimal: str | None = None,
    loss: Loss | None = None,
    offset: OffsetColumn | None = None,
) -> Problem:
    """Take target and tasks from a table and make features of the other columns.

    Parameters
    ----------
    table : Table
        From :func:`read_table`.
    target, task, classify, features, drop, decimal
        As for :func:`prepare`.
    loss : Loss, default=None
        The loss that was asked for, if one was.
    offset : OffsetColumn, default=None
        Where offsets of the linear predictor stand; no feature.

    Returns
    -------
    Problem
        The problem, with notes on what was done.

    Raises
    ------
    InputError
        If a column is not there or cannot serve.
    """
    if decimal not in (None, *".,"):
        raise InputError(f"--decimal must be '.' or ',', got {decimal!r}")
    target, task = (str(name).strip() for name in (target, task))
    roles = {"--target": target, "--task": task}
    if offset is not None:
        roles[offset.option] = offset.column
    _check_columns(table, roles)
    table = table.without_marks(name for name in table.columns if name != task)
    notes = list(table.notes)
    used = _choose_columns(table, tuple(roles.values()), features, drop, notes)
    rows = _labelled(table, target, task, notes)
    table = table.rows(rows)
    readable = {
        name: table.columns[name]
        for name in dict.fromkeys([*roles.values(), *used])
        if name not in table.categories and name != task
    }
    numbers = read_numbers(readable, decimal=decimal, commas_split=table.commas_split)
    notes += numbers.notes
    y, labels = _read_target(table, target, numbers, classify, notes)
    if labels is not None and loss is not None:
        raise InputError(
            f"--loss {loss.name} is for numbers, and target {target!r} has classes"
        )
    known = None
    if offset is not None:
        known = offset.read(table, numbers)
        notes.append(offset.told)
    tasks = _read_tasks(table.columns[task])
    names = np.unique(tasks)
    if len(names) < 2:
        raise InputError(
            f"column {task!r} names a single task ({one_line(names[0])}); a "
            "comparison needs two or more tasks"
        )
    notes += suspicious_tasks(tasks)
    before = len(notes)
    found = codings(table, used, numbers, notes)
    if features is None:  # those asked for stay
        found = _without_ids(found, numbers, tasks, rows, notes)
    X = _features(table, found, numbers)
    feature_names = [name for coding in found for name in coding.feature_names]
    if not feature_names:
        raise InputError(
            f"no column is left to predict {target!r} from, besides {target!r} and "
            f"{task!r}; a feature is a column of numbers, or of text with at most "
            f"{MAX_LEVELS} levels" + "".join(f"; {note}" for note in notes[before:])
        )
    notes += suspicions(
        X, y, tasks, feature_names, numbers.dates, target, labels is not None
    )
    if labels is None and loss is None and looks_like_counts(y):
        notes.append(
            f"target {one_line(target)} looks like counts, whole numbers from 0 on and "
            "few that are large: --loss=poisson fits and judges them as such"
        )
    marks = set(numbers.decimals.values()) - {""}
    decimal = marks.pop() if len(marks) == 1 else None
    read_so = decimal, numbers.day_first
    dates = [name for name in feature_names if name in numbers.dates]
    base = {coding.name: coding.base for coding in found if coding.base is not None}
    return Problem(
        X,
        y,
        tasks,
        feature_names,
        labels,
        notes,
        rows,
        *read_so,
        dates,
        base,
        known,
        offset,
    )


def _check_columns(table: Table, roles: dict[str, str]) -> None:
    first: dict[str, str] = {}
    for option, name in roles.items():
        if name not in table.columns:
            raise InputError(f"{option}: {no_column(name, table.columns)}")
        if name in first:
            raise InputError(
                f"{first[name]} and {option} are both {name!r}; they must be different "
                "columns"
            )
        first[name] = option


def where(table: Table, rows: np.ndarray) -> str:
    """Say on which line the first of some rows (truth values) stands."""
    count = int(rows.sum())
    more = f" and {count - 1} more" if count > 1 else ""
    return f"{table.line} {table.lines[int(np.argmax(rows))]}{more}"


def no_column(name: str, names: Iterable[str]) -> str:
    names = list(names)
    return (
        f"there is no column {name!r}{closest(name, names) or ';'} the columns are "
        f"{name_list(names, 30)}"
    )


def _choose_columns(
    table: Table,
    roles: tuple[str, ...],
    features: str | Sequence[str] | None,
    drop: str | Sequence[str] | None,
    notes: list[str],
) -> list[str]:
    """Return the columns to predict from, in the order of the table."""
    others = [name for name in table.columns if name not in roles]
    kept = set(others)
    if features is not None:
        kept = _matching("--features", features, table, roles)
    if drop is not None:
        kept -= _matching("--drop", drop, table, roles)
    left_out = [name for name in others if name not in kept]
    if left_out:
        notes.append(f"columns left out as asked: {name_list(left_out)}")
    return [name for name in others if name in kept]


def split_names(
    given: Sequence[str] | None, names: Collection[str]
) -> list[str] | None:
    """Split lists at their commas, but not those in quotes or in the name of a column.

    Parameters
    ----------
    given : sequence of str or None
        Lists, as on a command line.
    names : collection of str
        The names of the columns.
    """
    if given is None:
        return None
    parts = [
        [text] if text in names else next(csv.reader([text], skipinitialspace=True))
        for text in given
    ]
    return [name.strip() for part in parts for name in part if name.strip()]


def _matching(
    option: str, asked: str | Sequence[str], table: Table, roles: tuple[str, ...]
) -> set[str]:
    """Return the columns beside those with a role that names or patterns stand for."""
    found: set[str] = set()
    for name in [asked] if isinstance(asked, str) else map(str, asked):
        if name in roles:
            others = ", the task or the offset" if len(roles) > 2 else " or the task"
            raise InputError(f"{option}: {name!r} is the target{others} column")
        if name in table.columns:
            found.add(name)
            continue
        matches = {column for column in table.columns if fnmatchcase(column, name)}
        if not matches:
            raise InputError(f"{option}: {no_column(name, table.columns)}")
        found |= matches - set(roles)
    return found


def _labelled(table: Table, target: str, task: str, notes: list[str]) -> np.ndarray:
    """Return the rows that have a target and a task."""
    keep = np.ones(len(table.lines), dtype=bool)
    for role, name in (("target", target), ("task", task)):
        gone = missing(table.columns[name])
        if gone.any():
            notes.append(
                f"rows dropped, no {role} (column {one_line(name)}): {int(gone.sum())}"
            )
        keep &= ~gone
    if not keep.any():
        raise InputError(
            f"no row has both a target ({one_line(target)}) and a task "
            f"({one_line(task)})"
        )
    return np.flatnonzero(keep)


def _read_target(
    table: Table, target: str, numbers: Numbers, classify: bool, notes: list[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the target, and the labels of the classes that it then is the index of."""
    fields = table.columns[target]
    if target in numbers.infinite:
        row = int(np.argmax(numbers.infinite[target]))
        raise InputError(
            f"target {target!r} is infinite on {table.line} {table.lines[row]}; mend "
            "or drop that row"
        )
    values = None if target in numbers.dates else numbers.values.get(target)
    levels, codes = np.unique(
        np.array(fields) if values is None else values, return_inverse=True
    )
    names = class_names(levels)
    if len(levels) == 1:
        raise InputError(f"target {target!r} is {one_line(names[0])} in every row")
    if values is None and not classify and not _are_classes(fields, levels):
        raise InputError(_not_numeric(table, target, len(levels)))
    if values is not None and not classify:
        if len(levels) == 2:
            notes.append(
                f"target {one_line(target)} has only the values {names[0]} and "
                f"{names[1]} and is taken for a number; add --classify if they are "
                "classes"
            )
        return values, None
    if 2 * len(levels) > len(fields):
        raise InputError(
            f"target {target!r} has {len(levels)} classes ({name_list(names)}) in "
            f"{len(fields)} rows, which tell nothing of each: merge classes, or drop "
            "--classify if they are numbers"
        )
    if not classify:
        count = "two" if len(levels) == 2 else len(levels)
        notes.append(
            f"target {one_line(target)} has {count} values that are not numbers: "
            "classification"
        )
    if values is not None and np.all(levels == np.round(levels)):
        levels = levels.astype(np.int64)
    return codes.astype(np.int64), levels


def _are_classes(fields: Fields, levels: np.ndarray) -> bool:
    """Whether text is one of classes, and no number with a few misprints."""
    if len(levels) <= 2:
        return True
    repeated = len(levels) <= min(_MOST_CLASSES, len(fields) / 2)
    return repeated and not any(map(reads_as_number, fields))


def class_names(labels: np.ndarray) -> tuple[str, ...]:
    """Return labels of classes as text."""
    if labels.dtype.kind in "Ub":
        return tuple(map(str, labels.tolist()))
    return tuple(f"{label:.15g}" for label in labels)


def _not_numeric(table: Table, target: str, n_levels: int) -> str:
    fields = table.columns[target]
    text = [i for i, field in enumerate(fields) if not reads_as_number(field)] or [0]
    return (
        f"target {target!r} is not numeric: {len(text)} of {len(fields)} rows hold "
        f"text, the first {fields[text[0]]!r} on {table.line} "
        f"{table.lines[text[0]]}; mend them, or choose a numeric column or one with "
        f"fewer classes (this has {n_levels})"
    )


def _read_tasks(fields: Fields) -> np.ndarray:
    """Return task labels as integers where they are such, else as they are."""
    if isinstance(fields, np.ndarray):
        whole = np.all(fields == np.round(fields)) and np.abs(fields).max() < 2**62
        return fields.astype(np.int64) if whole else fields
    try:
        numbers = [int(_ZEROS.sub("", text)) for text in fields]
    except ValueError:
        return np.array(fields)
    # "1" and "01" stay two tasks
    if len(set(numbers)) < len(set(fields)) or max(map(abs, numbers)) >= 2**62:
        return np.array(fields)
    return np.array(numbers, dtype=np.int64)


def _features(table: Table, found: Sequence[Coding], numbers: Numbers) -> np.ndarray:
    """Return the features as numbers, text columns as indicators of their levels."""
    parts = [
        c.features(table.columns[c.name], numbers.values.get(c.name)) for c in found
    ]
    return np.hstack(parts) if parts else np.empty((0, 0))


def _without_ids(
    found: list[Coding],
    numbers: Numbers,
    tasks: np.ndarray,
    rows: np.ndarray,
    notes: list[str],
) -> list[Coding]:
    """Leave out ids of the rows or the tasks, and say so."""
    codes = np.unique(tasks, return_inverse=True)[1]
    known = ids_among(numbers, codes, rows)
    ids = [coding.name for coding in found if coding.name in known]
    if ids:
        notes.append(f"ids, dropped (--features keeps them): {name_list(ids)}")
    return [coding for coding in found if coding.name not in ids]
