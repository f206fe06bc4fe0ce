"""A user's CSV table: read it, and turn it into features, target and tasks.

Whatever is changed on the way is said in a note, one line each.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import math
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from linmtl.data._labels import one_line

_DELIMITERS = (",", ";", "\t", "|")
_SNIFFED_ROWS = 50
_MISSING = frozenset(
    {"", "?", ".", "NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "NULL", "null"}
)
# No "none": it is a level of many text columns. No digits grouped by commas either:
# without a comma as the delimiter a comma is a decimal one.
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
MAX_LEVELS = 20


class InputError(ValueError):
    """What the user gave cannot be used; the message says why in one line."""


@dataclass(frozen=True)
class Table:
    """The text of a CSV file, column by column.

    Attributes
    ----------
    columns : dict of str -> list of str
        The fields of each column.
    lines : list of int
        The line of the file on which each row ends, for messages.
    decimal_comma : bool
        Whether a comma may be a decimal one.
    """

    columns: dict[str, list[str]]
    lines: list[int]
    decimal_comma: bool


@dataclass(frozen=True)
class Problem:
    """A multi-task problem in the long layout.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        Features, NaN where a value is missing.
    y : ndarray of shape (n_samples,)
        Targets; for classification the index of the class, 0 or 1.
    tasks : ndarray of shape (n_samples,)
        Task labels.
    feature_names : list of str
        Names of the columns of X.
    classes : tuple of str or None
        Names of the two classes, None for regression.
    notes : list of str
        What was done to the table.
    """

    X: np.ndarray
    y: np.ndarray
    tasks: np.ndarray
    feature_names: list[str]
    classes: tuple[str, str] | None
    notes: list[str]


def name_list(names: Iterable[Any], limit: int = 6) -> str:
    """Join names by commas, the last ones as a number where there are many."""
    names = [one_line(name) for name in names]
    extra = len(names) - limit
    text = ", ".join(names[:limit])
    return f"{text} and {extra} more" if extra > 0 else text


def closest(name: str, names: Iterable[str]) -> str:
    """Return '; did you mean ...?' where a name resembles the given one."""
    by_fold = {str(other).casefold(): str(other) for other in names}
    match = difflib.get_close_matches(name.casefold(), list(by_fold), n=1, cutoff=0.5)
    return f"; did you mean {by_fold[match[0]]!r}?" if match else ""


def read_table(path: str | Path) -> Table:
    """Read a CSV file with a header line.

    Parameters
    ----------
    path : str or Path
        A text file, gzipped or not, in UTF-8 (or UTF-16 with its mark, or Latin-1),
        delimited by comma, semicolon, tab or vertical bar.

    Returns
    -------
    Table
        Its columns, as text.

    Raises
    ------
    InputError
        If there is no such file, or it is not such a table.
    """
    text = _read_text(Path(path))
    delimiter = _sniff(text)
    rows, lines = [], []
    reader = _reader(text, delimiter)
    try:
        for row in reader:
            if any(field.strip() for field in row):
                rows.append([field.strip() for field in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{path} is not a CSV table: {error}") from None
    if not rows:
        raise InputError(f"{path} is empty; it needs a header line and rows")
    if text.count('"') % 2 and any("\n" in field for field in rows[-1]):
        raise InputError(f"{path}: a quote is not closed; it runs to the end")
    header = _check_header(path, rows[0])
    if len(rows) == 1:
        raise InputError(f"{path} has a header line but no rows")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(header):
            raise InputError(
                f"{path}: line {line} has {len(row)} fields but the header has "
                f"{len(header)}"
            )
    columns = dict(zip(header, map(list, zip(*rows[1:], strict=True)), strict=True))
    return Table(columns, lines[1:], delimiter != ",")


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise InputError(f"{path} is a folder; pass a CSV file")
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read: {reason}") from None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    if data[:4] == b"PK\x03\x04" or b"\0" in data[:4096]:
        raise InputError(
            f"{path} is not a text file; save the table as CSV (a spreadsheet: "
            "File, Save as, CSV)"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _reader(text: str, delimiter: str):
    return csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True
    )


def _sniff(text: str) -> str:
    """Return the delimiter that cuts the first rows into equally many fields."""

    def quality(delimiter: str) -> tuple[bool, int]:
        reader = _reader(text, delimiter)
        try:
            widths = [len(row) for row in islice(reader, _SNIFFED_ROWS) if row]
        except csv.Error:
            widths = []
        if not widths:
            return False, 0
        return widths[0] > 1 and len(set(widths)) == 1, widths[0]

    return max(_DELIMITERS, key=quality)


def _check_header(path: Any, names: list[str]) -> list[str]:
    names = [name or f"column {i + 1}" for i, name in enumerate(names)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(
            f"{path} has several columns named {name_list(repeated)}; rename them"
        )
    return names


def make_problem(
    table: Table, target: str, task: str, *, classify: bool = False
) -> Problem:
    """Take target and tasks from a table and make features of the other columns.

    Parameters
    ----------
    table : Table
        From :func:`read_table`.
    target, task : str
        Names of two columns.
    classify : bool, default=False
        Whether the target is a class. A target of two values that are not numbers is
        one anyway.

    Returns
    -------
    Problem
        The problem, with notes on what was done.

    Raises
    ------
    InputError
        If a column is not there or cannot serve.
    """
    _check_columns(table, target, task)
    notes: list[str] = []
    table = _drop_unlabelled(table, target, task, notes)
    y, classes = _read_target(table, target, classify, notes)
    tasks = _read_tasks(table.columns[task])
    labels = np.unique(tasks)
    if len(labels) < 2:
        raise InputError(
            f"column {task!r} names a single task ({one_line(labels[0])}); a "
            "comparison needs two or more tasks"
        )
    X, names = _features(table, (target, task), notes)
    if not names:
        raise InputError(
            f"no column is left to predict {target!r} from, besides {target!r} and "
            f"{task!r}; a feature is a column of numbers, or of text with at most "
            f"{MAX_LEVELS} levels"
        )
    return Problem(X, y, tasks, names, classes, notes)


def _check_columns(table: Table, target: str, task: str) -> None:
    for option, name in (("--target", target), ("--task", task)):
        if name not in table.columns:
            raise InputError(
                f"{option}: there is no column {name!r}"
                f"{closest(name, table.columns) or ';'} the columns are "
                f"{name_list(table.columns, 30)}"
            )
    if target == task:
        raise InputError(
            f"--target and --task are both {target!r}; they must be different columns"
        )


def _is_missing(text: str) -> bool:
    return text in _MISSING


def _drop_unlabelled(table: Table, target: str, task: str, notes: list[str]) -> Table:
    """Drop the rows without a target or without a task."""
    keep = np.ones(len(table.lines), dtype=bool)
    for role, name in (("target", target), ("task", task)):
        missing = np.array([_is_missing(text) for text in table.columns[name]])
        if missing.any():
            notes.append(
                f"rows dropped, no {role} (column {one_line(name)}): "
                f"{int(missing.sum())}"
            )
        keep &= ~missing
    if not keep.any():
        raise InputError(
            f"no row has both a target ({one_line(target)}) and a task "
            f"({one_line(task)})"
        )
    rows = np.flatnonzero(keep).tolist()
    columns = {name: [f[i] for i in rows] for name, f in table.columns.items()}
    return Table(columns, [table.lines[i] for i in rows], table.decimal_comma)


def _number(text: str, decimal_comma: bool) -> float | None:
    """Return the number that a field holds, NaN if missing, None if it is text."""
    if _is_missing(text):
        return math.nan
    if decimal_comma and _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if "_" in text:  # float() would take 1_000
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else math.nan


def _numbers(fields: Sequence[str], decimal_comma: bool) -> np.ndarray | None:
    """Return a column as numbers, None if any field is text."""
    values = []
    for text in fields:
        value = _number(text, decimal_comma)
        if value is None:
            return None
        values.append(value)
    return np.array(values)


def _read_target(
    table: Table, target: str, classify: bool, notes: list[str]
) -> tuple[np.ndarray, tuple[str, str] | None]:
    fields = table.columns[target]
    numbers = _numbers(fields, table.decimal_comma)
    if numbers is not None and np.isnan(numbers).any():
        row = int(np.argmax(np.isnan(numbers)))
        raise InputError(
            f"target {target!r} is infinite on line {table.lines[row]}; mend or drop "
            "that row"
        )
    values = np.array(fields) if numbers is None else numbers
    levels, codes = np.unique(values, return_inverse=True)
    names = [level if numbers is None else f"{level:.15g}" for level in levels]
    if len(levels) == 1:
        raise InputError(f"target {target!r} is {one_line(names[0])} in every row")
    if numbers is None and not classify and len(levels) > 2:
        raise InputError(_not_numeric(table, target, len(levels)))
    if numbers is not None and not classify:
        if len(levels) == 2:
            notes.append(
                f"target {one_line(target)} has only the values {names[0]} and "
                f"{names[1]} and is taken for a number; add --classify if they are "
                "classes"
            )
        return numbers, None
    if len(levels) > 2:
        raise InputError(
            f"target {target!r} has {len(levels)} classes ({name_list(names)}); "
            "classification is for two: merge classes or drop rows"
        )
    if not classify:
        notes.append(
            f"target {one_line(target)} has two values that are not numbers: "
            "classification"
        )
    return codes.astype(np.int64), (str(names[0]), str(names[1]))


def _not_numeric(table: Table, target: str, n_levels: int) -> str:
    fields = table.columns[target]
    text = [i for i, f in enumerate(fields) if _number(f, table.decimal_comma) is None]
    return (
        f"target {target!r} is not numeric: {len(text)} of {len(fields)} rows hold "
        f"text, the first {fields[text[0]]!r} on line {table.lines[text[0]]}; mend "
        f"them, or choose a numeric column or one with two classes (this has "
        f"{n_levels})"
    )


def _read_tasks(fields: Sequence[str]) -> np.ndarray:
    """Return task labels as integers where they are such, else as strings."""
    try:
        numbers = [int(text) for text in fields]
    except ValueError:
        return np.array(fields)
    # "1" and "01" stay two tasks
    if len(set(numbers)) < len(set(fields)) or max(map(abs, numbers)) >= 2**62:
        return np.array(fields)
    return np.array(numbers, dtype=np.int64)


def _features(
    table: Table, roles: tuple[str, str], notes: list[str]
) -> tuple[np.ndarray, list[str]]:
    """Return the features as numbers, text columns as indicators of their levels."""
    parts: list[tuple[str, np.ndarray]] = []
    encoded, dropped, empty = [], [], []
    for name, fields in table.columns.items():
        if name in roles:
            continue
        numbers = _numbers(fields, table.decimal_comma)
        if numbers is not None and np.isnan(numbers).all():
            empty.append(name)
        elif numbers is not None and _is_index(name, numbers):
            notes.append("column 1 dropped: it has no name and counts the rows")
        elif numbers is not None:
            parts.append((name, numbers))
        else:
            indicators = _indicators(name, fields)
            parts += indicators
            (encoded if indicators else dropped).append(name)
    if encoded:
        notes.append(f"text encoded by an indicator per level: {name_list(encoded)}")
    if dropped:
        notes.append(
            f"text with more than {MAX_LEVELS} levels, dropped: {name_list(dropped)}"
        )
    if empty:
        notes.append(f"columns without any number, dropped: {name_list(empty)}")
    X = np.column_stack([part for _, part in parts]) if parts else np.empty((0, 0))
    return X, [name for name, _ in parts]


def _is_index(name: str, numbers: np.ndarray) -> bool:
    """Whether a column is the row number that some programs write first."""
    return name == "column 1" and bool(np.all(np.diff(numbers) > 0))


def _indicators(name: str, fields: Sequence[str]) -> list[tuple[str, np.ndarray]]:
    """Return an indicator per level (one for two levels), none for many levels.

    A missing field has no level: all its indicators are zero.
    """
    values = np.array(fields)
    distinct = sorted(set(fields))
    levels = [level for level in distinct if not _is_missing(level)]
    if len(levels) > MAX_LEVELS:
        return []
    if len(distinct) == len(levels) == 2:
        levels = levels[1:]
    return [(f"{name}={level}", (values == level).astype(float)) for level in levels]
