"""A table in memory: DataFrames and dicts of columns of any type."""

from __future__ import annotations

import numbers
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from linmtl.data._columns import Fields, marks_among
from linmtl.data._errors import InputError, name_list
from linmtl.data._labels import is_dataframe, is_missing

_DAY = timedelta(days=1)


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """A table, column by column.

    Attributes
    ----------
    columns : dict of str -> list of str or ndarray
        The fields of each column: text; or numbers, NaN where there is none.
    lines : sequence of int
        The line of the file on which each row ends, for messages.
    line : str
        What `lines` counts.
    commas_split : bool
        Whether commas separate the fields of a row, and so are hardly decimal marks.
    categories : frozenset of str
        The columns of text that hold categories even where these look like numbers.
    notes : list of str
        What was done to read it.
    """

    columns: dict[str, Fields]
    lines: Sequence[int]
    line: str = "line"
    commas_split: bool = True
    categories: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Table: {len(self.lines)} rows, {len(self.columns)} columns>"

    def rows(self, rows: np.ndarray) -> Table:
        """Return some rows (positions)."""
        if len(rows) == len(self.lines):
            return self
        columns: dict[str, Fields] = {
            name: f[rows] if isinstance(f, np.ndarray) else [f[i] for i in rows]
            for name, f in self.columns.items()
        }
        return replace(self, columns=columns, lines=[self.lines[i] for i in rows])

    def without_marks(
        self, names: Iterable[str], numeric: Collection[str] = ()
    ) -> Table:
        """Empty the fields that mark a missing value among numbers or dates.

        Parameters
        ----------
        names : iterable of str
            The columns to look at.
        numeric : collection of str
            Those known to hold numbers or dates; others are left as they are if they
            are categories or hold other text.

        Returns
        -------
        Table
            With a note of what was read as missing.
        """
        found = {}
        for name in names:
            known = name in numeric
            if known or name not in self.categories:
                found[name] = marks_among(self.columns[name], known)
        found = {name: marks for name, marks in found.items() if marks}
        if not found:
            return self
        emptied = {
            name: ["" if text in marks else text for text in self.columns[name]]
            for name, marks in found.items()
        }
        marks = sorted({mark for marks in found.values() for mark in marks})
        note = f"read as missing, {' '.join(map(repr, marks))}: {name_list(found)}"
        columns, notes = {**self.columns, **emptied}, [*self.notes, note]
        return replace(self, columns=columns, notes=notes)


def check_header(name: str, labels: Iterable[Any]) -> list[str]:
    """Return the names of the columns, made up where there is none."""
    names = [str(label).strip() for label in labels]
    names = [label or f"column {i + 1}" for i, label in enumerate(names)]
    repeated = sorted(label for label, k in Counter(names).items() if k > 1)
    if repeated:
        raise InputError(
            f"{name} has several columns named {name_list(repeated)}; rename them"
        )
    return names


def table_of(
    source: Any,
    name: str = "the table",
    *,
    lines: Sequence[int] | None = None,
) -> Table:
    """Return the table that a DataFrame or a dict of columns holds.

    Parameters
    ----------
    source : DataFrame or dict of str -> sequence
        Columns of numbers, truth values, text, dates, time spans or categories.
    name : str
        What errors call it.
    lines : sequence of int, default=None
        The number of each row for messages, from 1 on by default.
    """
    if is_dataframe(source):
        labels, parts = list(source.columns), _parts(source)
    elif isinstance(source, Mapping):
        labels, parts = list(source), list(source.values())
    else:
        raise TypeError(
            "table must be a DataFrame, a dict of columns or the path of a file, got "
            f"{type(source).__name__}"
        )
    names = check_header(name, labels)
    sizes = {len(part) for part in parts}
    if len(sizes) > 1:
        raise InputError(f"the columns of {name} differ in length: {sorted(sizes)}")
    if not sum(sizes):
        raise InputError(f"{name} has no rows")
    for label, part in zip(names, parts, strict=True):
        _require_cells(name, label, part)
    read = {label: _fields(part) for label, part in zip(names, parts, strict=True)}
    of_kind = {
        kind: [label for label, (_, found) in read.items() if found == kind]
        for kind in ("category", "span")
    }
    notes = []
    if of_kind["span"]:
        notes.append(f"time spans read as days: {name_list(of_kind['span'])}")
    return Table(
        {label: fields for label, (fields, _) in read.items()},
        range(1, sizes.pop() + 1) if lines is None else lines,
        "row",
        categories=frozenset(of_kind["category"]),
        notes=notes,
    )


def _parts(frame: Any) -> list[Any]:
    if hasattr(frame, "iloc"):
        return [frame.iloc[:, j] for j in range(frame.shape[1])]
    return [frame[label] for label in frame.columns]


def _require_cells(name: str, label: str, values: Any) -> None:
    """Refuse a column whose values are no cells: lists, dicts, arrays, any object."""
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind not in "Oc":
        return
    for value in values:
        several = hasattr(value, "__len__") and not isinstance(value, (str, bytes))
        nameless = type(value).__str__ is object.__str__ and (
            type(value).__repr__ is object.__repr__
        )
        if several or nameless or isinstance(value, complex):
            raise InputError(
                f"column {label!r} of {name} holds values of type "
                f"{type(value).__name__}; make columns of numbers, text or dates of "
                "them, or drop it"
            )


def _fields(values: Any) -> tuple[Fields, str]:
    """Return numbers where all values are such, else text; and which kind it is."""
    dtype = getattr(values, "dtype", None)
    if type(dtype).__name__ == "PeriodDtype":  # of pandas: months, weeks
        values = values.dt.start_time if hasattr(values, "dt") else values.start_time
        dtype = values.dtype
    kind = dtype.kind if isinstance(dtype, np.dtype) else "O"
    if kind in "iuf":
        return np.asarray(values), "number"
    if kind == "m":
        return np.asarray(values) / np.timedelta64(1, "D"), "span"
    if type(dtype).__name__ in ("CategoricalDtype", "Categorical", "Enum"):
        return _text(values), "category"
    present = [value for value in values if not is_missing(value)]
    if present and all(isinstance(value, timedelta) for value in present):
        return np.array([np.nan if is_missing(v) else v / _DAY for v in values]), "span"
    if present and all(map(_is_number, present)):
        whole = all(isinstance(value, numbers.Integral) for value in present)
        if not whole or max(map(abs, present)) < 2**53:  # others are labels
            return np.array(
                [np.nan if is_missing(v) else float(v) for v in values]
            ), "number"
    return _text(values), "text"


def _is_number(value: Any) -> bool:
    return isinstance(value, (numbers.Real, Decimal)) and not isinstance(value, bool)


def _text(values: Any) -> list[str]:
    return ["" if is_missing(value) else brief(value) for value in values]


def brief(value: Any) -> str:
    """Return a value as text, a number as briefly as its precision allows."""
    if isinstance(value, (float, np.floating)):
        return (
            f"{float(str(value)):.15g}"  # of single precision no digits that it lacks
        )
    return str(value).strip()
