"""The preparation of the command, for Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from linmtl.cli._files import read_table
from linmtl.cli._table import Problem, make_problem, sizes
from linmtl.data._errors import InputError, name_list
from linmtl.data._table import table_of
from linmtl.data._tables import as_table


class PreparedTable(NamedTuple):
    """What :func:`prepare` returns.

    Attributes
    ----------
    X : DataFrame or ndarray of shape (n_samples, n_features)
        Features, NaN where a value is missing (a note says which).
    y : ndarray of shape (n_samples,)
        Targets: numbers, or labels of classes.
    tasks : ndarray of shape (n_samples,)
        Task labels.
    notes : list of str
        What was done to the table.
    """

    X: Any
    y: np.ndarray
    tasks: np.ndarray
    notes: list[str]

    def __repr__(self) -> str:
        return f"<PreparedTable: {sizes(self)}>"


def prepare(
    table: Any,
    target: str,
    task: str,
    *,
    classify: bool = False,
    features: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    decimal: str | None = None,
) -> PreparedTable:
    """Make features, target and task labels of a table, as ``linmtl compare`` does.

    Rows without a target or a task are left out. Numbers are read however they are
    written, dates become days since 1970-01-01, text of at most 20 levels an indicator
    for each level; other text and ids are left out.

    The command goes on from here with the rows that it draws for training, and what
    these say is left to you, so that no row to predict has a part in it: missing
    values, which are NaN here, become the median of a feature; features without two
    values go; and all are standardised. ``SimpleImputer(strategy="median")`` and
    `TaskScaler` do so, and `TableEncoder` does the whole in a pipeline.

    Parameters
    ----------
    table : DataFrame, pyarrow Table, dict of str -> sequence, str or Path
        One row per observation (a polars LazyFrame is collected); or the path of such
        a file: CSV in any of its variants, Parquet or Excel.
    target : str
        The column to predict, or a level of the index.
    task : str
        The column that says which task a row belongs to, or a level of the index.
    classify : bool, default=False
        Whether the target is one of classes. Texts that repeat are so anyway.
    features : str or list of str, default=None
        The columns to predict from, by name or by pattern (``"x*"``); None takes all
        others but ids: whole numbers of columns that are called so (``patient_id``),
        one for each row or task, and counts of the rows.
    drop : str or list of str, default=None
        Columns to leave out, by name or by pattern.
    decimal : {".", ","}, default=None
        The decimal mark of columns that can be read with either (``1,234``); None
        goes by the other columns, and says so.

    Returns
    -------
    PreparedTable
        The tuple ``X, y, tasks, notes``. X is a DataFrame where pandas is installed,
        with the index of a DataFrame that was passed. Each line of ``notes`` says
        something that was done, or that should be looked at, such as a column that
        gives the target away.

    Raises
    ------
    ValueError
        If a column is not there or cannot serve.

    Examples
    --------
    >>> import linmtl
    >>> table = {
    ...     "patient": ["a", "a", "a", "b", "b", "b"],
    ...     "visit": ["2024-01-01", "2024-01-08", "2024-02-01"] * 2,
    ...     "dose": ["1,000", "1,250.5", "900", "1,100", "", "950"],
    ...     "score": [3.1, 2.5, 4.0, 2.2, 2.9, 3.3],
    ... }
    >>> X, y, tasks, notes = linmtl.prepare(table, "score", "patient")
    >>> X.shape
    (6, 2)
    >>> for note in notes:
    ...     print(note)
    dates read as days since 1970-01-01: visit
    thousands separators, 1,000 read as 1000: dose
    missing values left as NaN (1), SimpleImputer fills them in: dose
    """
    table = _with_levels(as_table(table), {target, task})
    given = read_table(table) if isinstance(table, (str, Path)) else table_of(table)
    try:
        problem = make_problem(
            given,
            target,
            task,
            classify=classify,
            features=features,
            drop=drop,
            decimal=decimal,
        )
    except InputError as error:
        raise InputError(_without_dashes(str(error))) from None
    X, notes = _framed(problem, getattr(table, "index", None))
    y = problem.y if problem.labels is None else problem.labels[problem.y]
    notes = [_without_dashes(note) for note in notes] + _note_on_missing(problem)
    return PreparedTable(X, y, problem.tasks, notes)


def _note_on_missing(problem: Problem) -> list[str]:
    """Say where values are missing, which the command fills in and this does not."""
    gone = np.isnan(problem.X).sum(axis=0)
    if not gone.any():
        return []
    holes = [problem.feature_names[j] for j in np.flatnonzero(gone)]
    return [
        f"missing values left as NaN ({gone.sum()}), SimpleImputer fills them in: "
        f"{name_list(holes)}"
    ]


def _with_levels(table: Any, names: set[str]) -> Any:
    """Return a table with the levels of its index that were asked for as columns."""
    levels = getattr(getattr(table, "index", None), "names", ())
    for name in names.difference(getattr(table, "columns", ())).intersection(levels):
        table = table.assign(**{name: table.index.get_level_values(name)})
    return table


def _framed(problem: Problem, index: Any) -> tuple[Any, list[str]]:
    """Return the features as a DataFrame where pandas is installed, and the notes."""
    try:
        import pandas as pd
    except ImportError:
        names = name_list(problem.feature_names, len(problem.feature_names))
        return problem.X, [*problem.notes, f"columns of X: {names}"]
    index = index[problem.rows] if isinstance(index, pd.Index) else None
    frame = pd.DataFrame(problem.X, columns=problem.feature_names, index=index)
    return frame, problem.notes


def _without_dashes(text: str) -> str:
    """Name options of the command as the arguments that they are in Python."""
    return re.sub(r"--(?=[a-z])", "", text)
