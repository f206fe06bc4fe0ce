"""Tables as they are, as numbers: categories, dates, missing values, ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from linmtl.data._checks import check_choice, check_count, check_flag
from linmtl.data._columns import AMBIGUOUS, Numbers, missing, read_numbers
from linmtl.data._encoding import (
    MAX_LEVELS,
    Coding,
    as_text,
    codings,
    ids_among,
    spelled_as,
    truth_as_numbers,
)
from linmtl.data._errors import name_list
from linmtl.data._labels import is_dataframe, some, task_column_index, with_columns
from linmtl.data._table import Table, check_header, table_of

_UNKNOWN = ("ignore", "error")


class TableEncoder(TransformerMixin, BaseEstimator):
    """Make numbers of a table, as :func:`linmtl.prepare` does, and fill in what lacks.

    Numbers are read however they are written, dates become days since 1970-01-01, time
    spans days, and text an indicator for each of its levels (one for two). Marks such
    as "-", "?" and "missing" among numbers stand for missing ones. A missing number
    becomes the median; where a column misses some in fit, an indicator says where. What
    says nothing is left out: text of many levels, ids, empty columns.

    Parameters
    ----------
    task_column : str or int, default=None
        The column of X that holds the tasks: a name (DataFrames only) or a position. It
        passes through untouched, and keeps its place among the other columns.
    max_levels : int, default=20
        Text of more levels than this is left out.
    handle_unknown : {"ignore", "error"}, default="ignore"
        What to do with a level not seen in fit: no indicator of its column is one, or
        an error names it.
    drop_ids : bool, default=True
        Whether to leave out columns that number the rows: called an id, with another
        whole number in each, or counting them in their order.
    decimal : {".", ","}, default=None
        The decimal mark of columns of text that can be read with either (``1,234``);
        None goes by the other columns.

    Attributes
    ----------
    groups_ : ndarray of shape (n_features,)
        The column that each feature comes from: the ``groups`` of `GroupL21`, with
        which a column is used by all tasks or by none. The task column is no feature.
    levels_ : dict of str -> list of str
        The levels with an indicator, of each column of text.
    notes_ : list of str
        What was done to the table, a line each.
    n_features_in_ : int
        Number of columns of X, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X. Only if X is a DataFrame with string names.

    See Also
    --------
    linmtl.prepare : The same for a whole table, with its target and tasks; missing
        values stay.
    TaskScaler : Features of one scale, for the step after this one.

    Notes
    -----
    Columns are found by their names, in any order and among others, and are what they
    were in fit, whatever their types: text in a column of numbers is an error, a number
    like ``1,234`` is read with the decimal mark of its column, and truth values may be
    1 and 0.

    With ``task_column`` a DataFrame gives a DataFrame of its kind, so that the next
    step of a pipeline finds the column; everything else gives what scikit-learn's
    transformers give: an array, unless ``set_output`` was called.

    Examples
    --------
    >>> import pandas as pd
    >>> from linmtl import MultiTaskRegressor
    >>> from linmtl.penalties import GroupL21
    >>> from linmtl.preprocessing import TableEncoder
    >>> from sklearn.pipeline import make_pipeline
    >>> visits = pd.DataFrame({
    ...     "patient": list("aaabbb"),
    ...     "drug": ["none", "old", "new"] * 2,
    ...     "dose": [1.0, None, 2.5, 1.5, 2.0, 0.5],
    ... })
    >>> encoder = TableEncoder(task_column="patient").fit(visits)
    >>> encoder.get_feature_names_out().tolist()
    ['patient', 'drug=new', 'drug=none', 'drug=old', 'dose', 'dose missing']
    >>> encoder.groups_.tolist()
    ['drug', 'drug', 'drug', 'dose', 'dose']
    >>> penalty = GroupL21(encoder.groups_, 0.1)
    >>> model = MultiTaskRegressor(penalty, task_column="patient")
    >>> pipeline = make_pipeline(encoder, model)
    >>> pipeline = pipeline.fit(visits, [3.0, 2.5, 4.0, 2.2, 2.9, 3.3])
    """

    groups_: np.ndarray
    levels_: dict[str, list[str]]
    notes_: list[str]
    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        *,
        task_column: str | int | None = None,
        max_levels: int = MAX_LEVELS,
        handle_unknown: Literal["ignore", "error"] = "ignore",
        drop_ids: bool = True,
        decimal: Literal[".", ","] | None = None,
    ) -> None:
        self.task_column = task_column
        self.max_levels = max_levels
        self.handle_unknown = handle_unknown
        self.drop_ids = drop_ids
        self.decimal = decimal

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def fit(self, X: Any, y: Any = None, tasks: Any = None) -> Self:
        """Find out what each column holds.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_columns)
            The table, of pandas or polars (lazy ones are collected), a pyarrow Table,
            or an array.
        y, tasks : None
            Ignored: columns are read alike in all tasks.

        Returns
        -------
        self : TableEncoder
            Fitted.
        """
        name = type(self).__name__
        check_count(f"{name}: max_levels", self.max_levels)
        check_choice(f"{name}: handle_unknown", self.handle_unknown, _UNKNOWN)
        check_flag(f"{name}: drop_ids", self.drop_ids)
        check_choice(f"{name}: decimal", self.decimal, (None, ".", ","))
        X, table, place = self._read(X, reset=True)
        numbers = _numbers(table, self.decimal)
        self.notes_ = [*table.notes, *numbers.notes]
        self._codings = self._chosen(table, numbers)
        self._decimals = numbers.decimals
        marks = set(numbers.decimals.values()) - {""}
        self._decimal = self.decimal or (marks.pop() if len(marks) == 1 else None)
        self._dates, self._day_first = numbers.dates, numbers.day_first
        self._learn_missing(table, numbers)
        self._seen = {
            coding.name: np.unique(np.array(as_text(table.columns[coding.name])))
            for coding in self._codings
            if coding.levels is not None
        }
        self._lay_out(place)
        return self

    def _lay_out(self, place: int | None) -> None:
        """Set what follows from the codings; ``place`` is that of the task column."""
        self.levels_ = {c.name: c.levels for c in self._codings if c.levels is not None}
        sizes = [len(self._names(coding)) for coding in self._codings]
        self.groups_ = np.repeat([coding.name for coding in self._codings], sizes)
        before = self._columns[:place]
        kept = [coding.name in before for coding in self._codings]
        self._place = int(np.dot(sizes, kept))  # of the task column

    def _state(self) -> dict[str, Any]:
        """Return what `transform` needs as lists, dicts, numbers and text."""
        codings = [[c.name, c.levels, c.base] for c in self._codings]
        used = {coding.name for coding in self._codings}
        return {
            "columns": self._columns,
            "codings": codings,
            "seen": {name: texts.tolist() for name, texts in self._seen.items()},
            "missing": sorted(self._missing & used),
            "medians": {n: v for n, v in self._medians.items() if n in used},
            "decimals": self._decimals,
            "decimal": self._decimal,
            "dates": sorted(self._dates),
            "day_first": self._day_first,
            "notes": self.notes_,
        }

    def _set_state(self, state: dict[str, Any], n_features: int, names: Any) -> None:
        """Set what `_state` has returned, and what X had in fit."""
        self.n_features_in_ = n_features
        if names is not None:
            self.feature_names_in_ = names
        self._columns = list(state["columns"])
        if len(self._columns) != n_features:
            raise ValueError(f"the encoder does not fit {n_features} columns")
        place: Any = self.task_column
        if isinstance(place, str):
            place = self._columns.index(place)
        self._task = "" if place is None else self._columns[place]
        self._codings = [Coding(*entry) for entry in state["codings"]]
        self._seen = {n: np.array(texts, str) for n, texts in state["seen"].items()}
        self._missing, self._dates = set(state["missing"]), set(state["dates"])
        self._medians = {name: float(v) for name, v in state["medians"].items()}
        self._decimals, self._decimal = dict(state["decimals"]), state["decimal"]
        self._day_first = {n: bool(first) for n, first in state["day_first"].items()}
        self.notes_ = list(state["notes"])
        for coding in self._codings:
            known = self._medians if coding.levels is None else self._seen
            if coding.name not in known or coding.name not in self._columns:
                raise ValueError(f"the encoder does not know {coding.name!r}")
        self._lay_out(place)

    def transform(self, X: Any) -> Any:
        """Return the numbers of a table.

        Parameters
        ----------
        X : {DataFrame, array-like} of shape (n_samples, n_columns)
            The table, with the columns of that in fit.

        Returns
        -------
        X_out : {ndarray, DataFrame} of shape (n_samples, n_features_out)
            The features, and the task column if there is one.
        """
        check_is_fitted(self)
        X, table, place = self._read(X, reset=False)
        parts = [self._encoded(coding, table) for coding in self._codings]
        out = np.hstack(parts)
        return out if place is None else self._with_tasks(X, place, out)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns that `transform` makes.

        Parameters
        ----------
        input_features : array-like of str, default=None
            The names of the columns of X, if given.

        Returns
        -------
        ndarray of str
            A column of numbers keeps its name, the indicators of text are called
            ``column=level``, that of missing values ``column missing``.
        """
        check_is_fitted(self)
        names = dict(zip(self._columns, self._columns, strict=True))
        if input_features is not None:
            given = [str(name) for name in input_features]
            if len(given) != self.n_features_in_:
                raise ValueError(
                    "input_features should have length equal to number of features "
                    f"({self.n_features_in_}), got {len(given)}"
                )
            known = getattr(self, "feature_names_in_", given)
            if given != list(known):
                raise ValueError("input_features is not equal to feature_names_in_")
            names = dict(zip(self._columns, given, strict=True))
        features = [
            name
            for coding in self._codings
            for name in self._names(replace(coding, name=names[coding.name]), coding)
        ]
        if self.task_column is not None:
            features.insert(self._place, names[self._task])
        return np.array(features, dtype=object)

    def _chosen(self, table: Table, numbers: Numbers) -> list[Any]:
        """Return how the columns that say something become features."""
        used = list(table.columns)
        found = codings(table, used, numbers, self.notes_, self.max_levels)
        ids = ids_among(numbers) if self.drop_ids else []
        chosen = [coding for coding in found if coding.name not in ids]
        if ids:
            self.notes_.append(
                f"ids, dropped (drop_ids=False keeps them): {name_list(ids)}"
            )
        if not chosen:
            raise ValueError(
                f"{type(self).__name__}: no column is left; a feature is a column of "
                f"numbers, or of text with at most {self.max_levels} levels"
            )
        return chosen

    def _learn_missing(self, table: Table, numbers: Numbers) -> None:
        """Find the columns with missing values, and the medians of numbers."""
        gone = {
            name: missing(fields) if values is None else np.isnan(values)
            for name, fields in table.columns.items()
            for values in [numbers.values.get(name)]
        }
        self._missing = {name for name, where in gone.items() if where.any()}
        self._medians = {
            name: float(np.nanmedian(values))
            for name, values in numbers.values.items()
            if values is not None and not gone[name].all()
        }
        holes = [c.name for c in self._codings if c.name in self._missing]
        if holes:
            self.notes_.append(
                "missing values with an indicator, numbers replaced by the median: "
                f"{name_list(holes)}"
            )

    def _read(self, X: Any, reset: bool) -> tuple[Any, Table, Any]:
        """Return X, the table of its columns without the tasks, and where these are."""
        X = with_columns(X)
        if not reset:
            X = self._by_name(X)
        if not is_dataframe(X):
            if sparse.issparse(X):
                raise TypeError(
                    "TableEncoder: X is sparse, and a sparse matrix holds numbers "
                    "already; pass a DataFrame, or drop this step"
                )
            as_it_is: Any = {"dtype": None, "ensure_all_finite": False}
            X = check_array(X, estimator=self, **as_it_is)
        place = None
        if self.task_column is not None:
            place = task_column_index(X, self.task_column)
        if is_dataframe(X):
            check_header("X", X.columns)
        validate_data(self, X, reset=reset, skip_check_array=True)
        source: Any = X
        if not is_dataframe(X):
            source = {f"x{j}": column for j, column in enumerate(X.T)}
        table = table_of(source, "X")
        if reset:
            self._columns = list(table.columns)
            self._task = "" if place is None else self._columns[place]
        if place is not None:
            columns = dict(table.columns)
            del columns[self._columns[place]]
            table = replace(table, columns=columns)
        numeric = () if reset else self._medians
        return X, table.without_marks(table.columns, numeric), place

    def _by_name(self, X: Any) -> Any:
        """Return the columns that were there in fit, in their order, if all are."""
        known = getattr(self, "feature_names_in_", None)
        if known is None or not is_dataframe(X):
            return X
        names, known = list(X.columns), known.tolist()
        repeated = len(set(names)) < len(names)  # refused later, as a name that lacks
        if names == known or repeated or not set(known) <= set(names):
            return X
        return X[known]

    def _names(self, coding, of=None):
        """Return the names of the features of a column, which may be called anew."""
        has_missing = (of or coding).name in self._missing
        return coding.feature_names + [f"{coding.name} missing"] * has_missing

    def _encoded(self, coding, table):
        """Return the features of one column."""
        fields = table.columns[coding.name]
        if coding.levels is None:
            values = self._values(coding.name, fields)
            gone = np.isnan(values)
            out = np.where(gone, self._medians[coding.name], values)[:, None]
        else:
            gone = missing(fields)
            out = coding.features(fields, None)
            if self.handle_unknown == "error":
                texts = np.array(spelled_as(self._seen[coding.name], fields))
                self._require_known(coding, texts[~gone])
        if coding.name in self._missing:
            out = np.column_stack([out, gone.astype(float)])
        return out

    def _values(self, name, fields):
        """Return a column of numbers or dates, read as it was in fit."""
        truth = None if name in self._dates else truth_as_numbers(fields)
        if truth is not None:
            return truth
        read = read_numbers(
            {name: fields},
            decimal=self._decimals.get(name) or self._decimal,
            commas_split=False,
            day_first=self._day_first,
        )
        values, dates = read.values[name], name in self._dates
        if name in read.ambiguous and dates:
            why = AMBIGUOUS.format(read.ambiguous[name])
            raise ValueError(f"TableEncoder: column {name!r}: {why}")
        if values is None or (not np.isnan(values).all() and dates != bool(read.dates)):
            kind = "dates" if dates else "numbers"
            raise ValueError(
                f"TableEncoder: column {name!r} holds {some(np.unique(fields))}, and "
                f"was read as {kind} in fit"
            )
        return values

    def _require_known(self, coding, texts):
        unknown = np.setdiff1d(texts, self._seen[coding.name])
        if unknown.size:
            raise ValueError(
                f"TableEncoder: column {coding.name!r} has levels that were not in "
                f"fit: {some(unknown)}; drop these rows, or set "
                "handle_unknown='ignore'"
            )

    def _with_tasks(self, X, place, out):
        """Return the features with the task column in its place."""
        if not is_dataframe(X):
            out = out if X.dtype.kind in "biuf" else out.astype(object)
            return np.insert(out, self._place, X[:, place], axis=1)
        names = self.get_feature_names_out().tolist()
        names[self._place] = X.columns[place]  # as it is spelled
        rest = [name for j, name in enumerate(names) if j != self._place]
        if hasattr(X, "iloc"):
            frame = type(X)(out, index=X.index, columns=rest)
            frame.insert(self._place, names[self._place], X.iloc[:, place])
            return frame
        data = dict(zip(rest, out.T, strict=True))
        data[names[self._place]] = X[names[self._place]]
        return type(X)({name: data[name] for name in names})


def _numbers(table: Table, decimal: str | None) -> Numbers:
    """Return what can be read as numbers; categories cannot."""
    readable = {
        name: fields
        for name, fields in table.columns.items()
        if name not in table.categories
    }
    return read_numbers(readable, decimal=decimal, commas_split=False)
