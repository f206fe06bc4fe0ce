"""Task labels: read them, number them, take them out of a column of X."""

from __future__ import annotations

import contextlib
import numbers
import operator
from collections.abc import Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from linmtl.data._kinds import (
    MISSING_TYPES,
    is_missing,
    is_other_kind,
    plain,
    plain_times,
)
from linmtl.data._suggestions import closest
from linmtl.data._tables import as_table

_FEW_VALUES = "category", "string", "str"  # types of pandas: each value is read once
_FIX = "make all labels strings or all labels numbers"


def n_rows(X: Any) -> int:
    """Return the number of rows of an array, sparse matrix, DataFrame or list."""
    shape = getattr(X, "shape", None)
    if shape is not None:
        if len(shape) == 0:
            raise ValueError(
                f"X is the scalar {X!r}; pass an array of shape (n_samples, n_features)"
            )
        return int(shape[0])
    return len(X)


def some(values: Any, limit: int = 5) -> str:
    """Write a few values as Python literals, without NumPy's type names."""
    values = [v.item() if isinstance(v, np.generic) else v for v in values]
    text = ", ".join(repr(v) for v in values[:limit])
    extra = len(values) - limit
    return f"{text} and {extra} more" if extra > 0 else text


def one_line(name: Any) -> str:
    """Return a name as text that stays on its line.

    A name with a line break, a tab or another character that does not print is shown
    as a Python literal.

    Parameters
    ----------
    name : object
        A task label, the name of a column or the like.

    Examples
    --------
    >>> from linmtl.data._labels import one_line
    >>> print(one_line("north wing"), one_line(12))
    north wing 12
    >>> print(one_line("north\\nwing"))
    'north\\nwing'
    """
    text = str(name)
    return text if text.isprintable() else repr(text)


def _refuse_missing(missing: np.ndarray, name: str) -> None:
    count = int(np.count_nonzero(missing))
    if count:
        labels = "label" if count == 1 else "labels"
        raise ValueError(
            f"{name} has {count} missing {labels} (None, NaN, NA or NaT), first at "
            f"row {int(np.argmax(missing))}; every row must belong to a task: drop "
            "these rows or give them a label of their own"
        )


def _materialise(tasks: Any, name: str) -> np.ndarray:
    """Return tasks as a 1-D array whose elements are what the caller passed."""
    if isinstance(tasks, (str, bytes)) or np.isscalar(tasks) or tasks is None:
        raise ValueError(
            f"{name} is the single value {tasks!r}; pass an array with one task "
            "label per row"
        )
    if isinstance(tasks, (Mapping, Set)):
        raise ValueError(
            f"{name} is a {type(tasks).__name__}, whose elements do not follow the "
            "rows of X; pass an array with one task label per row"
        )
    if not hasattr(tasks, "__array__"):
        # Straight through np.asarray, ["a", 1, None] would become three strings.
        items = tasks if hasattr(tasks, "__len__") else list(tasks)
        array = _objects(items)
    else:
        array = np.asarray(tasks)
    if array.shape[1:] == (1,):
        array = array.reshape(-1)
    if array.ndim != 1:
        raise ValueError(
            f"{name} has shape {array.shape}; pass a 1-D array with one task label "
            "per row"
        )
    return array


def _objects(items: Any) -> np.ndarray:
    """Return an array of objects, one for each of the items where these are tuples."""
    if any(isinstance(item, tuple) for item in items):
        return np.fromiter(items, dtype=object, count=len(items))
    return np.asarray(items, dtype=object)


def _from_objects(array: np.ndarray, name: str) -> np.ndarray:
    """Turn an object array into a string or numeric one, checking every type."""
    values = array.tolist()
    # The set of types is small: only the first of each is looked at more closely.
    types = {type(value) for value in values}
    if any(
        t.__name__ in MISSING_TYPES
        or issubclass(t, (float, np.floating))
        or is_other_kind(t)
        for t in types
    ):
        _refuse_missing(
            np.fromiter(map(is_missing, values), dtype=bool, count=len(values)), name
        )
    if any(map(is_other_kind, types)):
        values = _in_plain(values, name)
        types = {type(value) for value in values}
    strings = {t for t in types if issubclass(t, str)}
    real = {t for t in types if issubclass(t, (numbers.Real, np.bool_))}
    other = types - strings - real
    if other:
        example = next(v for v in values if type(v) in other)
        raise ValueError(
            f"{name} holds a label of type {type(example).__name__}: {example!r}; "
            f"{_FIX} (tuples are joined to strings)"
        )
    if strings and real:
        text = next(v for v in values if type(v) in strings)
        number = next(v for v in values if type(v) in real)
        raise ValueError(
            f"{name} mixes strings and numbers, for instance {text!r} and "
            f"{some([number])}; {_FIX}, for instance "
            f"{name} = [str(label) for label in {name}]"
        )
    if strings:
        return np.array(values, dtype=np.str_)
    numeric = np.array(values)
    if numeric.dtype == object or (len(types) > 1 and numeric.dtype.kind == "f"):
        try:
            numeric = numeric.astype(np.float64)
            exact = numeric.tolist() == values
        except OverflowError:
            exact = False
        if not exact:
            raise ValueError(
                f"{name} holds numbers that float64 cannot tell apart; pass them as "
                "strings"
            )
    return numeric


def _in_plain(values: list[Any], name: str) -> list[Any]:
    """Return labels of which some are dates, spans or tuples as strings or numbers."""
    known = {value: plain(value) for value in values}
    if len(set(known.values())) < len(known):
        raise ValueError(
            f"{name} holds labels that are one when written as text, such as "
            f"{some(list(known), 3)}; pass strings of your own"
        )
    return [known[value] for value in values]


def as_task_labels(
    tasks: Any, n_samples: int | None = None, name: str = "tasks", of: str = "X"
) -> np.ndarray:
    """Read task labels into a one-dimensional string or numeric array.

    Parameters
    ----------
    tasks : array-like of shape (n_samples,) or (n_samples, 1), or iterable
        One label per row: all strings or all numbers; or dates and tuples, which are
        read as strings, or spans of time, which are read as days.
    n_samples : int, default=None
        The number of rows of X; ``None`` leaves the length unchecked.
    name, of : str, default="tasks" and "X"
        How error messages call the argument, and what has these rows.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
        Strings, truth values, int64 or float64.

    Raises
    ------
    ValueError
        If a label is missing, infinite or neither a string nor a number, if
        strings and numbers are mixed, or if the length is wrong.

    Examples
    --------
    >>> from linmtl.data._labels import as_task_labels
    >>> as_task_labels(["north", "south", "north"])
    array(['north', 'south', 'north'], dtype='<U5')
    >>> as_task_labels(["north", 2])
    Traceback (most recent call last):
        ...
    ValueError: tasks mixes strings and numbers, for instance 'north' and 2; make \
all labels strings or all labels numbers, for instance tasks = [str(label) for label \
in tasks]
    """
    tasks = as_table(tasks)
    if getattr(getattr(tasks, "dtype", None), "name", None) in _FEW_VALUES:
        codes, distinct = tasks.factorize()
        if len(distinct) > 0 and n_samples in (None, len(codes)):
            _refuse_missing(codes < 0, name)
            return as_task_labels(np.asarray(distinct), name=name)[codes]
    array = _materialise(tasks, name)
    if n_samples is not None and len(array) != n_samples:
        raise ValueError(
            f"{name} has {len(array)} labels but {of} has {n_samples} rows; pass one "
            "label per row"
        )
    if len(array) == 0:
        raise ValueError(f"{name} is empty; pass one task label per row")
    if array.dtype.kind in "mM":
        _refuse_missing(np.isnat(array), name)
        array = plain_times(array)
    if array.dtype.kind in "OT":
        array = _from_objects(array.astype(object, copy=False), name)
    kind = array.dtype.kind
    if kind in "Ub":
        return array
    if kind == "f":
        _refuse_missing(np.isnan(array), name)
        infinite = np.isinf(array)
        if infinite.any():
            raise ValueError(
                f"{name} has an infinite label at row {int(np.argmax(infinite))}; "
                "pass finite numbers or strings"
            )
        return array.astype(np.float64, copy=False)
    if kind == "u" and array.max() > np.iinfo(np.int64).max:
        raise ValueError(
            f"{name} holds integers beyond int64, for instance {array.max()}; pass "
            "them as strings"
        )
    if kind in "iu":
        return array.astype(np.int64, copy=False)
    raise ValueError(
        f"{name} has dtype {array.dtype}; {_FIX}"
        + (f" ({name} = np.char.decode({name}) reads bytes)" if kind == "S" else "")
    )


def codes_of(labels: ArrayLike, tasks_: ArrayLike) -> np.ndarray:
    """Return the position of each label in ``tasks_``, -1 where it is not there.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        Labels as :func:`as_task_labels` returns them.
    tasks_ : ndarray of shape (n_tasks,)
        Distinct labels in any order.

    Returns
    -------
    codes : ndarray of shape (n_samples,), dtype int64
        Numbers match by value (1 and 1.0 are the same task); a string never
        matches a number.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.data._labels import codes_of
    >>> codes_of(np.array([2.0, 5.0, 1.0]), np.array([2, 1]))
    array([ 0, -1,  1])
    """
    labels, tasks_ = np.asarray(labels), np.asarray(tasks_)
    if len(tasks_) == 0 or (labels.dtype.kind == "U") != (tasks_.dtype.kind == "U"):
        return np.full(len(labels), -1, dtype=np.int64)
    if labels.dtype == tasks_.dtype == np.int64:
        low = tasks_.min()
        span = int(tasks_.max()) - int(low)
        if span < len(labels):  # a table pays
            return _codes_by_table(labels, tasks_, low, span)
    order = np.argsort(tasks_, kind="stable").astype(np.int64)
    place = np.searchsorted(tasks_, labels, sorter=order)
    codes = order[np.minimum(place, len(tasks_) - 1)]
    codes[tasks_[codes] != labels] = -1
    return codes


def _codes_by_table(
    labels: np.ndarray, tasks_: np.ndarray, low: np.int64, span: int
) -> np.ndarray:
    """Return codes of integers by a table of the numbers from low to low + span."""
    table = np.full(span + 2, -1, dtype=np.int64)  # the last is for all others
    table[tasks_ - low] = np.arange(len(tasks_))
    # without a sign those below are beyond, whatever overflows
    place = (labels - low).view(np.uint64)
    return table[np.minimum(place, np.uint64(span + 1), out=place).view(np.int64)]


def require_like(labels: np.ndarray, tasks_: np.ndarray, what: str) -> None:
    """Raise where labels are strings and the tasks numbers, or the reverse."""
    if (labels.dtype.kind == "U") != (tasks_.dtype.kind == "U"):
        kind = "strings" if tasks_.dtype.kind == "U" else "numbers"
        raise ValueError(
            f"{what} of another type than the labels of the tasks, which are {kind}: "
            f"{some(tasks_)}"
        )


def encode_tasks(
    labels: ArrayLike, task_order: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Number the tasks.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        Labels as :func:`as_task_labels` returns them.
    task_order : array-like, default=None
        The wanted order of the tasks. It must contain every label present, once;
        labels that are not present are dropped. ``None`` sorts the labels.

    Returns
    -------
    tasks_ : ndarray of shape (n_tasks,)
        The distinct labels, of the dtype of ``labels``.
    codes : ndarray of shape (n_samples,), dtype int64
        ``tasks_[codes]`` equals ``labels``.

    Raises
    ------
    ValueError
        If ``task_order`` repeats a label or lacks one that is present.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.data._labels import encode_tasks
    >>> encode_tasks(np.array([5, 3, 5]))
    (array([3, 5]), array([1, 0, 1]))
    >>> encode_tasks(np.array([5, 3, 5]), task_order=[5, 4, 3])
    (array([5, 3]), array([0, 1, 0]))
    """
    tasks_, codes = np.unique(np.asarray(labels), return_inverse=True)
    codes = codes.astype(np.int64, copy=False)
    if task_order is None:
        return tasks_, codes
    order = as_task_labels(task_order, name="task_order")
    distinct, counts = np.unique(order, return_counts=True)
    if len(distinct) < len(order):
        raise ValueError(
            f"task_order repeats {some(distinct[counts > 1])}; list every label once"
        )
    rank = codes_of(tasks_, order)
    if np.any(rank < 0):
        raise ValueError(
            f"task_order lacks the labels {some(tasks_[rank < 0])}; it has "
            f"{some(order)}; list every task label of the data"
        )
    by_rank = np.argsort(rank)
    position = np.empty(len(tasks_), dtype=np.int64)
    position[by_rank] = np.arange(len(tasks_))
    return tasks_[by_rank], position[codes]


def is_dataframe(X: Any) -> bool:
    """Tell whether X is a pandas- or polars-like DataFrame."""
    # pyarrow tables, which `as_table` reads, have columns too: their data
    return hasattr(X, "columns") and not hasattr(X, "column_names")


def _position(task_column: Any, n_columns: int) -> int:
    try:
        if isinstance(task_column, (bool, np.bool_)):
            raise TypeError
        index = operator.index(task_column)
    except TypeError:
        raise ValueError(
            f"task_column is {task_column!r}; pass the name of a DataFrame column or "
            "an integer index"
        ) from None
    if not -n_columns <= index < n_columns:
        raise ValueError(
            f"task_column is {index} but X has {n_columns} columns; pass an index "
            f"from 0 to {n_columns - 1} (or from -{n_columns} to -1)"
        )
    return index % n_columns


def task_column_index(X: Any, task_column: Any) -> int:
    """Return the position of the task column in X.

    Parameters
    ----------
    X : DataFrame, ndarray, sparse matrix or list of lists
        Two-dimensional.
    task_column : str or int
        A column name (DataFrames only) or a position, negative ones counted from
        the end. As everywhere in scikit-learn an integer is a position, also when
        the columns of a DataFrame are named by integers.

    Returns
    -------
    index : int

    Raises
    ------
    ValueError
        If there is no such column or more than one.
    """
    X = as_table(X)
    if is_dataframe(X):
        names = list(X.columns)
        if isinstance(task_column, (numbers.Integral, np.bool_)):
            return _position(task_column, len(names))
        hits = [i for i, name in enumerate(names) if name == task_column]
        if len(hits) == 1:
            return hits[0]
        problem = f"names {len(hits)} columns" if hits else "is not a column"
        hint = "" if hits else closest(str(task_column), names)
        raise ValueError(
            f"task_column {task_column!r} {problem} of X, which has the columns "
            f"{some(names, 10)}{hint or ';'} pass one of these names or an integer "
            "position"
        )
    if isinstance(task_column, str):
        raise ValueError(
            f"task_column is the name {task_column!r} but X is a "
            f"{type(X).__name__} without column names; pass a DataFrame or an integer "
            "index (a transformer of scikit-learn keeps the names after "
            '.set_output(transform="pandas"), of dense columns)'
        )
    shape = getattr(X, "shape", None) or np.shape(X)
    if len(shape) != 2:
        raise ValueError(
            f"X has {len(shape)} dimensions; task_column needs X of shape "
            "(n_samples, n_features)"
        )
    return _position(task_column, int(shape[1]))


def array_of_rows(X: Any) -> np.ndarray:
    """Read rows of mixed type without turning their numbers into strings."""
    try:
        array = np.asarray(X)
    except ValueError:
        array = np.asarray(X, dtype=object)
    if array.dtype.kind in "US" and not hasattr(X, "__array__"):
        array = np.asarray(X, dtype=object)
    return array


def with_columns(X: Any) -> Any:
    """Return X as something whose columns can be taken.

    A DataFrame, a sparse matrix or an array; lists of rows become an array.
    """
    X = as_table(X)
    indexed = is_dataframe(X) or sparse.issparse(X) or isinstance(X, np.ndarray)
    return X if indexed else array_of_rows(X)


def split_task_column(
    X: Any, task_column: str | int
) -> tuple[Any, np.ndarray, list[Any] | None]:
    """Take the task labels out of a column of X.

    Parameters
    ----------
    X : DataFrame, ndarray, sparse matrix or list of lists
        Two-dimensional, with the task labels in one column.
    task_column : str or int
        A column name (DataFrames only) or a position, negative ones counted from
        the end.

    Returns
    -------
    X_rest : DataFrame, ndarray or sparse matrix
        X without that column, of the kind of X (a sparse matrix keeps its format).
        Object and string arrays become float arrays where every other column is
        numeric.
    labels : ndarray of shape (n_samples,)
        Task labels, read by :func:`as_task_labels`.
    rest_columns : list or None
        The names of the other columns of a DataFrame.

    Raises
    ------
    ValueError
        If there is no such column, or if it does not hold task labels.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.data._labels import split_task_column
    >>> X = np.array([["a", 1.0], ["b", 2.0]], dtype=object)
    >>> split_task_column(X, 0)
    (array([[1.],
           [2.]]), array(['a', 'b'], dtype='<U1'), None)
    """
    X = with_columns(X)
    index = task_column_index(X, task_column)
    name = f"task_column {task_column!r}"
    if is_dataframe(X):
        names = list(X.columns)
        rest = [i for i in range(len(names)) if i != index]
        rest_names = [names[i] for i in rest]
        if hasattr(X, "iloc"):
            column, X_rest = X.iloc[:, index], X.iloc[:, rest]
        else:
            column, X_rest = X[names[index]], X.select(rest_names)
        return X_rest, as_task_labels(column, name=name), rest_names
    if sparse.issparse(X):
        rest = [j for j in range(X.shape[1]) if j != index]
        # Not every sparse format can be indexed by column.
        indexable = X if X.format in ("csr", "csc") else X.tocsc()
        labels = as_task_labels(indexable[:, [index]].toarray(), name=name)
        return indexable[:, rest].asformat(X.format), labels, None
    labels = as_task_labels(X[:, index], name=name)
    X_rest = np.delete(X, index, axis=1)
    if X_rest.dtype.kind in "OUT":
        # What does not convert is left as it is: validation of X names the value.
        with contextlib.suppress(TypeError, ValueError):
            X_rest = X_rest.astype(np.float64)
    return X_rest, labels, None
