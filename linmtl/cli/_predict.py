"""What a model that was written as JSON says of the rows of a table."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from linmtl.cli._table import (
    OffsetColumn,
    class_names,
    no_column,
    split_names,
    where,
)
from linmtl.data._columns import AMBIGUOUS, missing, read_numbers, reads_as_number
from linmtl.data._encoding import as_text, spelled_as, truth_as_numbers
from linmtl.data._errors import InputError, name_list
from linmtl.data._labels import codes_of, one_line
from linmtl.data._table import Table
from linmtl.export import from_json
from linmtl.preprocessing import TaskScaler

_NOTHING_IN_COMMON = (
    "tasks of different kinds, or with thresholds of their own, have no model in common"
)


@dataclass(frozen=True)
class Predictions:
    """Columns to write beside each other, and what was done to the table.

    Attributes
    ----------
    columns : dict of str -> sequence
        By name, in their order: the task, where there is one, and the predictions.
    notes : list of str
        A line each.
    """

    columns: dict[str, Sequence[Any]]
    notes: list[str]

    def to_csv(self) -> str:
        """Return a CSV table; numbers are written so that they are read to the bit."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(zip(*self.columns.values(), strict=True))
        return out.getvalue()


@dataclass(frozen=True)
class SavedModel:
    """A model in a file, and how to read tables for it.

    Attributes
    ----------
    model : LoadedRegressor, LoadedClassifier or Pipeline
        From :func:`linmtl.export.from_json`.
    task : str or None
        The column of the table with the task labels, where the file says so.
    decimal : {".", ","} or None
        The decimal mark of the table that it was fitted to.
    day_first : dict of str -> bool or None
        Whether the day stands before the month in its columns of dates.
    dates : list of str
        Features that were dates.
    base : dict of str -> str
        The level that has no indicator, by column of text with two.
    offset : OffsetColumn or None
        Where its offsets stood.
    """

    model: Any
    task: str | None = None
    decimal: str | None = None
    day_first: dict[str, bool] | None = None
    dates: Sequence[str] = ()
    base: Mapping[str, str] = field(default_factory=dict)
    offset: OffsetColumn | None = None


def read_model(path: str) -> SavedModel:
    """Return the model in a file that ``linmtl.export.to_json`` has filled.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    swapped = not text.lstrip().startswith(b"{")  # a table, by its looks
    try:
        model = from_json(text)
        known = json.loads(text).get("table", {})
        if known.get("offset") is not None:
            known["offset"] = OffsetColumn(**known["offset"])
        return SavedModel(model, **known)
    except (TypeError, ValueError) as error:
        advice = "; the model stands first, then the table" if swapped else ""
        raise InputError(f"{path}: {error}{advice}") from None


def predict_table(
    saved: SavedModel,
    table: Table,
    *,
    task: str | None = None,
    features: Sequence[str] | None = None,
    decimal: str | None = None,
    offset: OffsetColumn | None = None,
    unknown_tasks: str | None = None,
) -> Predictions:
    """Predict the rows of a table.

    Parameters
    ----------
    saved : SavedModel
        From :func:`read_model`; its model forgets the names of its columns.
    table : Table
        From :func:`linmtl.cli._files.read_table`. Features are found by the names that
        they had in fit: ``clinic=north`` is 1 where the column clinic says north, as
        `linmtl.prepare` makes it.
    task : str, default=None
        The column with the task labels; that of the model by default.
    features : list of str, default=None
        The columns that the model's features are, in their order, for a model that
        knows no names; by default all but that of the task.
    decimal : {".", ","}, default=None
        As for :func:`linmtl.prepare`.
    offset : OffsetColumn, default=None
        Where the offsets of the rows stand; as in fit by default.
    unknown_tasks : {"error", "mean"}, default=None
        What to do with tasks that the model does not know: raise an error, or predict
        by what its tasks have in common; as ``handle_unknown`` of the model by default.

    Returns
    -------
    Predictions
        The task and ``prediction``; of a classifier that knows probabilities also that
        of each class; one column for each task of a model fitted on a wide Y.

    Raises
    ------
    InputError
        If the table lacks a column or a value that the model needs, or has a task that
        it does not know.
    """
    model: Any = saved.model
    last = model[-1] if _is_pipeline(model) else model
    column = _task_column(last, table, task or saved.task)
    if unknown_tasks is not None:
        _set_unknown(model, last, unknown_tasks)
    fills = _is_pipeline(model) and isinstance(model[0], SimpleImputer)
    names = _by_position(model)
    known = _offset_column(last, table, offset, saved.offset)
    others = {column, None if known is None else known.column}
    names = _columns(last, names, table, others, features)
    numeric = [name for name in names if name in table.columns]
    table = table.without_marks(numeric, numeric)
    notes = list(table.notes)
    labels = None if column is None else _labels(last, table, column, notes)
    spare = _spare(last, labels, (len(table.lines), len(names)))
    options = {
        "decimal": decimal or saved.decimal,
        "commas_split": table.commas_split,
        "day_first": saved.day_first,
    }
    X = _features(saved, table, names, options, fills, spare, notes)
    given, columns = {}, {}
    if known is not None:
        given["offset"] = _offset(known, table, options)
        notes.append(known.told)
    if labels is not None:
        columns[column] = labels.tolist()
        if last.task_column is None:
            given["tasks"] = labels
        else:
            place = last.task_column % last.n_features_in_
            X = np.insert(X.astype(object), place, labels, axis=1)
    predicted = np.asarray(model.predict(X, **given))
    if predicted.ndim == 2:
        for name, values in zip(last.tasks_.tolist(), predicted.T, strict=True):
            columns[f"prediction {one_line(name)}"] = values.tolist()
        return Predictions(columns, notes)
    columns["prediction"] = predicted.tolist()
    if hasattr(last, "predict_proba"):
        p = model.predict_proba(X, **given)
        for name, values in zip(class_names(last.classes_), p.T, strict=True):
            columns[f"probability {one_line(name)}"] = values.tolist()
    return Predictions(columns, notes)


def _task_column(model: Any, table: Table, task: str | None) -> str | None:
    """Return the column with the labels, None for a model without."""
    if model._layout != "long":
        if task is not None:
            raise InputError(f"--task {task}: the model was fitted without tasks")
        return None
    if task is None and isinstance(model.task_column, str):
        task = model.task_column
    if task is None:
        raise InputError(
            "the model was fitted with tasks: --task COLUMN says which column has "
            "their labels"
        )
    if task not in table.columns:
        raise InputError(f"--task: {no_column(task, table.columns)}")
    return task


def _set_unknown(model: Any, last: Any, unknown_tasks: str) -> None:
    """Have a model, and what scales its features within tasks, treat unknown tasks so.

    ``last`` is the model without the steps before it.
    """
    asked = f"--unknown-tasks {unknown_tasks}"
    if last._layout != "long":
        raise InputError(f"{asked}: the model was fitted without tasks")
    if unknown_tasks == "mean" and last._of_unknown is None:
        raise InputError(f"{asked}: {_NOTHING_IN_COMMON}")
    for part in [step for _, step in model.steps] if _is_pipeline(model) else [model]:
        if part is last or isinstance(part, TaskScaler):
            part.handle_unknown = unknown_tasks


def _offset_column(
    model: Any, table: Table, asked: OffsetColumn | None, known: OffsetColumn | None
) -> OffsetColumn | None:
    """Return where the offsets stand, None for a model without."""
    if not model._has_offset:
        if asked is not None:
            raise InputError(
                f"{asked.option} {asked.column}: the model was fitted without an offset"
            )
        return None
    column = asked or known
    if column is None:
        raise InputError(
            "the model was fitted with an offset: --offset COLUMN says which column "
            "has it, or --exposure COLUMN which one it is the logarithm of"
        )
    if column.column not in table.columns:
        raise InputError(f"{column.option}: {no_column(column.column, table.columns)}")
    return column


def _offset(column: OffsetColumn, table: Table, options: dict[str, Any]) -> np.ndarray:
    """Return the offset of each row."""
    plain = {column.column: table.columns[column.column]}
    return column.read(table, read_numbers(plain, **options))


def _labels(model: Any, table: Table, column: str, notes: list[str]) -> np.ndarray:
    """Return the labels of the rows, of the kind that the model has."""
    fields = table.columns[column]
    gone = missing(fields)
    if gone.any():
        raise InputError(
            f"the task column {column!r} has no label on {where(table, gone)}"
        )
    known = np.concatenate([model.tasks_, model._without_rows()])
    if known.dtype.kind == "U":
        labels = _as_known(np.array(as_text(fields)), known)
    else:
        words = {"true": 1.0, "false": 0.0}
        try:
            labels = np.array(
                [words.get(str(f).lower(), f) for f in fields], dtype=float
            )
        except ValueError:
            raise InputError(
                f"the task column {column!r} holds text, but the tasks of the model "
                f"are numbers: {name_list(known)}"
            ) from None
        if np.all(labels == np.round(labels)):
            labels = labels.astype(np.int64)
    unknown = codes_of(labels, known) < 0
    if unknown.any():
        names = name_list(np.unique(labels[unknown]))
        if model.handle_unknown == "error":
            advice = f", and {_NOTHING_IN_COMMON}"
            if model._of_unknown is not None:
                advice = (
                    "; --unknown-tasks mean predicts them by what its tasks have in "
                    "common"
                )
            raise InputError(
                f"column {column!r} has tasks that the model does not know: {names}"
                f"{advice}"
            )
        notes.append(
            "rows of tasks that the model does not know, predicted by what its tasks "
            f"have in common ({int(unknown.sum())} of {len(labels)}): {names}"
        )
    return labels


def _as_known(labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Write labels that are numbers as the model does: 2.0 may be 2 elsewhere."""
    by_number: dict[float, list[str]] = {}
    for label in known.tolist():
        by_number.setdefault(_number(label), []).append(label)
    by_number.pop(math.inf, None)
    alike = {
        label: found[0]
        for label in np.setdiff1d(labels, known).tolist()
        if len(found := by_number.get(_number(label), [])) == 1
    }
    return np.array([alike.get(label, label) for label in labels.tolist()])


def _number(text: str) -> float:
    """Return what a label is as a number, infinity if it is none."""
    try:
        number = float(text)
    except ValueError:
        return math.inf
    return number if math.isfinite(number) else math.inf


def _columns(
    model: Any,
    names: list[str] | None,
    table: Table,
    others: set[str | None],
    chosen: Sequence[str] | None,
) -> list[str]:
    """Return the names of the features, or the columns that are these."""
    if names is not None:
        if chosen is not None:
            raise InputError(
                f"--features: the model knows its features by name: {name_list(names)}"
            )
        return names
    names = split_names(chosen, table.columns)
    if names is None:
        names = [name for name in table.columns if name not in others]
    d = np.shape(model.coef_)[-1]
    if len(names) != d:
        raise InputError(
            f"the model has {d} features without names, and the table {len(names)} "
            f"columns for them ({name_list(names)}); --features LIST says which to "
            "take, in their order"
        )
    return names


def _spare(model: Any, labels: Any, shape: tuple[int, int]) -> np.ndarray:
    """Return of which cells the tasks of their rows do not have the feature."""
    mask = getattr(model, "feature_mask_", None)
    if mask is None or labels is None:
        return np.zeros(shape, dtype=bool)
    code = codes_of(labels, model.tasks_)
    known = (code >= 0) & (code < len(mask))
    return known[:, None] & ~mask[np.where(known, code, 0)]


def _features(
    saved: SavedModel,
    table: Table,
    names: list[str],
    options: dict[str, Any],
    fills: bool,
    spare: np.ndarray,
    notes: list[str],
) -> np.ndarray:
    """Return the features by their names; NaN only for a model that fills it in.

    ``options`` say how numbers and dates are read. Cells that are to spare may say
    nothing: what stands there does not matter.
    """
    levels = {name: _level(name, table) for name in names}
    lost = [name for name in names if name not in table.columns and not levels[name]]
    if lost:
        raise InputError(
            "the model needs columns that are not there: "
            f"{name_list(_without_levels(lost))}"
        )
    plain = {
        name: table.columns[name]
        for name in names
        if not levels[name] and name not in table.categories
    }
    numbers = read_numbers(plain, **options)
    notes += numbers.notes
    X = np.empty((len(table.lines), len(names)))
    filled, no_dates = {}, []
    for j, name in enumerate(names):
        if pair := levels[name]:
            known = [each[1] for each in levels.values() if each and each[0] == pair[0]]
            if pair[0] in saved.base:
                known.append(saved.base[pair[0]])
            text = spelled_as(known, table.columns[pair[0]])
            X[:, j] = np.array(text) == pair[1]
            continue
        values = numbers.values.get(name)
        if name in numbers.ambiguous:
            why = AMBIGUOUS.format(numbers.ambiguous[name])
            raise InputError(f"column {name!r}: {why}")
        if values is None:
            values = truth_as_numbers(table.columns[name])
        if values is None:
            fields = as_text(table.columns[name])
            odd = np.array([not reads_as_number(field) for field in fields])
            first = fields[int(np.argmax(odd))] if odd.any() else fields[0]
            at = f", {first!r} on {where(table, odd)}" if odd.any() else ""
            raise InputError(f"column {name!r} holds text; the model needs numbers{at}")
        if name in saved.dates and name not in numbers.dates:
            no_dates.append(name)
        values = np.where(np.isnan(values) & spare[:, j], 0.0, values)
        gone = np.isnan(values)
        if gone.any() and not fills:
            raise InputError(
                f"column {name!r} has no number on {where(table, gone)}; fill it in "
                "as for the rows that the model was fitted to, or drop these rows"
            )
        if gone.any():
            filled[name] = int(gone.sum())
        X[:, j] = values
    if filled:
        notes.append(
            "missing values replaced by the median of the rows in fit "
            f"({sum(filled.values())}): {name_list(filled)}"
        )
    if no_dates:
        notes.append(
            "dates in fit, here numbers, which are taken for days since 1970-01-01: "
            f"{name_list(no_dates)}"
        )
    pairs = [pair for pair in levels.values() if pair]
    notes += _strange_levels(table, pairs, saved.base)
    return X


def _level(name: str, table: Table) -> tuple[str, str] | None:
    """Return the column and the level that an indicator is of, None for a column."""
    if name in table.columns:
        return None
    parts = name.split("=")
    for k in range(1, len(parts)):
        column, level = "=".join(parts[:k]), "=".join(parts[k:])
        if column in table.columns:
            return column, level
    return None


def _without_levels(names: list[str]) -> list[str]:
    """Name once the column of indicators that are all missing, such as clinic=north."""
    stems = [name.partition("=")[0] for name in names]
    return list(
        dict.fromkeys(
            stem if stems.count(stem) > 1 else name
            for name, stem in zip(names, stems, strict=True)
        )
    )


def _strange_levels(
    table: Table, pairs: list[tuple[str, str]], base: Mapping[str, str]
) -> list[str]:
    """Say which levels the model does not know, and what it takes them for."""
    notes, empty = [], {}
    for column in dict.fromkeys(column for column, _ in pairs):
        known = [level for name, level in pairs if name == column]
        others = [base[column]] if column in base else []
        found = np.array(spelled_as([*known, *others], table.columns[column]))
        gone = missing(table.columns[column])
        if gone.any():
            empty[column] = int(gone.sum())
        strange = np.setdiff1d(found[~gone], [*known, *others])
        # of two levels only the second has an indicator; which the other was may be
        # unknown
        if strange.size > (len(known) == 1 and not others):
            alike = f", read as {base[column]}" if others else ""
            notes.append(
                f"column {one_line(column)} has levels without a coefficient{alike}: "
                f"{name_list(strange)}"
            )
    if empty:
        notes.append(
            "missing values of text, read as no level that has a coefficient "
            f"({sum(empty.values())}): {name_list(empty)}"
        )
    return notes


def _by_position(model: Any) -> list[str] | None:
    """Have a model find the columns of X by position, in arrays without names.

    Returns the names of its features, where they have some.
    """
    features = None
    steps = [step for _, step in model.steps] if _is_pipeline(model) else [model]
    for place, step in enumerate(steps):
        names = step.__dict__.pop("feature_names_in_", None)
        if names is None:
            continue
        names, column = names.tolist(), getattr(step, "task_column", None)
        if isinstance(column, str):
            column = names.index(column)
            step.set_params(task_column=column)
        if place == 0:
            gone = None if column is None else column % len(names)
            features = [str(name) for j, name in enumerate(names) if j != gone]
    return features


def _is_pipeline(model: Any) -> bool:
    return isinstance(model, Pipeline)
