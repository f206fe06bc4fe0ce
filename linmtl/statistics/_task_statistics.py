"""Sums over the rows of each task, that add up over chunks, files and machines."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from linmtl.data._canonical import MultiTaskData
from linmtl.data._checks import check_number
from linmtl.data._labels import encode_tasks, n_rows, require_like, some
from linmtl.data._read import read_X
from linmtl.data._tables import as_table
from linmtl.data._targets import missing_mask, one_for_each_row, read_targets
from linmtl.data._weights import read_sample_weight
from linmtl.datafits._moments import Moments
from linmtl.designs._stacked import StackedDesign
from linmtl.statistics._chunks import fit_arguments

_VERSION = 1  # of the files
_MOST_NUMBERS = 4e8  # in the second moments of all tasks
# what reading a file raises that is another, or was cut off
_UNREADABLE = KeyError, TypeError, ValueError, OSError, EOFError, BadZipFile
_ARRAYS = ("total", "x", "y", "H", "C", "square")
# of the largest eigenvalue, what is nothing but rounding
_ROUNDING = 4.0 * np.finfo(float).eps


class TooManyProducts(ValueError):
    """Cross-products would not fit into memory."""


def products_fit(n_tasks: int, n_features: int) -> bool:
    """Whether there is room for the cross-products of some tasks."""
    return n_tasks * float(n_features) ** 2 <= _MOST_NUMBERS


def require_room(n_tasks: int, n_features: int) -> None:
    """Demand room for the cross-products of some tasks."""
    if not products_fit(n_tasks, n_features):
        raise no_room(n_tasks, n_features)


def no_room(n_tasks: int, n_features: int, other: str = "") -> TooManyProducts:
    """Return the error of cross-products of many tasks and features."""
    size = 8 * n_tasks * float(n_features) ** 2 / 2**30
    ways = ["fit the rows in one place", "choose features first", other]
    return TooManyProducts(
        f"X has {n_features} features for {n_tasks} tasks, whose cross-products take "
        f"{size:.0f} GiB; {', or '.join(filter(None, ways))}"
    )


def require_tasks_alike(single: bool, other: bool) -> None:
    """Demand of rows that both have tasks, or neither."""
    if single != other:
        raise ValueError(
            "rows with a task cannot be added to rows without, nor the reverse; "
            "pass tasks= always or never"
        )


class FirstRows(BaseEstimator):
    """Remembers the columns that the first chunk had."""

    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(self, task_column: str | int | None = None):
        self.task_column = task_column


class TaskStatistics:
    """Weights, means and cross-products of the rows of each task.

    All that a squared-error model knows of its data. They are exact sums: those of a
    table are the sum of those of its parts, in whatever order and wherever the parts
    are. Their size is that of ``n_tasks n_features^2`` numbers, however many the rows.

    Parameters
    ----------
    task_column : str or int, default=None
        The column of X that holds the task labels, instead of ``tasks=``.

    Attributes
    ----------
    tasks : ndarray of shape (n_tasks,)
        Task labels, sorted.
    n_rows : ndarray of int of shape (n_tasks,)
        Rows of each task with a label and a positive weight.
    weight : ndarray of shape (n_tasks,)
        Sum of their weights.
    n_features : int
        Number of features; 0 before the first rows.
    single : bool
        Whether the rows are of one task without a label.
    feature_names : ndarray of str of shape (n_features,) or None
        Names of the columns, where X had some.

    See Also
    --------
    linmtl.MeanRegularizedRegressor.fit_statistics : Fit a model to them.
    linmtl.statistics.read_chunks : Chunks of a file that does not fit into memory.

    Notes
    -----
    Sums are about the mean of each task and are joined by the update of Chan, Golub and
    LeVeque, so that features far from zero cost no digits.

    References
    ----------
    Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import MeanRegularizedRegressor, TaskStatistics
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(n_samples=100, random_state=0)
    >>> statistics = TaskStatistics()
    >>> for rows in np.array_split(np.arange(len(y)), 7):
    ...     _ = statistics.update(X[rows], y[rows], tasks[rows])
    >>> model = MeanRegularizedRegressor(1.0).fit_statistics(statistics)
    >>> whole = MeanRegularizedRegressor(1.0).fit(X, y, tasks)
    >>> bool(np.allclose(model.coef_, whole.coef_))
    True
    """

    def __init__(self, *, task_column: str | int | None = None):
        self.task_column = task_column
        self._reader = FirstRows(task_column)
        self._moments: Moments | None = None
        self._alone = False  # whether nobody else has the arrays of the moments
        self.single = False
        self.tasks = np.empty(0, dtype=int)
        self.n_rows = np.empty(0, dtype=int)

    def __repr__(self) -> str:
        return (
            f"<TaskStatistics: {len(self.tasks)} tasks, {self.n_features} features, "
            f"{self.n_rows.sum()} rows>"
        )

    @property
    def n_features(self) -> int:
        return 0 if self._moments is None else self._moments.x.shape[1]

    @property
    def weight(self) -> np.ndarray:
        return np.empty(0) if self._moments is None else self._moments.total.copy()

    @property
    def moments(self) -> Moments:
        """The sums, as the squared loss takes them."""
        if self._moments is None or not len(self.tasks):
            raise ValueError(
                "the statistics have no rows with a label yet; update them first"
            )
        self._alone = False
        return self._moments

    @property
    def feature_names(self) -> np.ndarray | None:
        names = self._columns
        if names is None or self.task_column is None:
            return names
        return np.delete(names, self._place())

    @property
    def _columns(self) -> np.ndarray | None:
        """Names of all columns, that of the tasks included."""
        return getattr(self._reader, "feature_names_in_", None)

    def _place(self) -> int:
        """Return the position of the column of the tasks."""
        if isinstance(self.task_column, str) and self._columns is not None:
            return list(self._columns).index(self.task_column)
        return int(self.task_column or 0) % (self.n_features + 1)

    def update(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Add rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples, with the columns of those before; none at all is allowed.
        y : array-like of shape (n_samples,)
            Targets; missing ones are left out.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, also of tasks that were not there before; None
            always where there is one task.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

        Returns
        -------
        self : TaskStatistics
            With these rows.

        Raises
        ------
        ValueError
            If an argument is not allowed, or the columns are others; nothing is added.
        """
        X, y = as_table(X), as_table(y)
        if n_rows(X) == 0:
            return self
        first = self._moments is None
        reader = FirstRows(self.task_column) if first else self._reader
        X, labels, _ = read_X(reader, X, tasks, reset=first)
        one = labels is None
        if not first:
            require_tasks_alike(self.single, one)
        labels = np.zeros(X.shape[0], dtype=int) if labels is None else labels
        y = one_for_each_row(read_targets(y), X.shape[0], not one)
        weight = read_sample_weight(sample_weight, y.shape)
        weight[missing_mask(y)] = 0.0
        used = np.flatnonzero(weight > 0)
        if not first:
            require_like(labels, self.tasks, f"tasks has the labels {some(labels)},")
        names, codes = encode_tasks(labels[used])
        require_room(len(np.union1d(names, self.tasks)), X.shape[1])
        if used.size == 0 and not first:
            return self
        rows = used[np.argsort(codes, kind="stable")]
        count = np.bincount(codes, minlength=len(names))
        task_ptr = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        X = X.tocsr() if hasattr(X, "tocsr") else X
        design = StackedDesign(X[rows], task_ptr)
        data = MultiTaskData(design, y[rows].astype(float), weight[rows])
        moments = Moments.of(data).spread()
        if not all(np.all(np.isfinite(getattr(moments, name))) for name in _ARRAYS):
            raise ValueError(
                "cross-products are not finite: the numbers in X or y are too large; "
                "scale them"
            )
        self._reader, self.single = reader, one
        self._add(names, count, moments)
        return self

    def _add(self, names, count, moments):
        if self._moments is None:
            self.tasks, self.n_rows, self._moments = names, count, moments
            self._alone = True
            return
        tasks = np.union1d(self.tasks, names)
        known, more = np.searchsorted(tasks, self.tasks), np.searchsorted(tasks, names)
        if not self._alone or len(tasks) > len(self.tasks):
            self._moments = self._moments.among(known, len(tasks))
            self._alone = True
        # many tasks have many cross-products, and a chunk has rows of few
        both = self._moments.of_tasks(more) + moments
        for name in _ARRAYS:
            getattr(self._moments, name)[more] = getattr(both, name)
        rows = np.zeros(len(tasks), dtype=int)
        rows[known] += self.n_rows
        rows[more] += count
        self.tasks, self.n_rows = tasks, rows

    def merge(self, other: TaskStatistics) -> TaskStatistics:
        """Return the statistics of the rows of both.

        Parameters
        ----------
        other : TaskStatistics
            Of the same features, and any tasks.

        Returns
        -------
        TaskStatistics
            New ones; neither of the two changes.

        Raises
        ------
        ValueError
            If the features or the kind of labels differ.
        TypeError
            If they are no statistics.
        """
        if not isinstance(other, TaskStatistics):
            raise TypeError(f"other must be TaskStatistics, got {other!r}")
        if self._moments is None or other._moments is None:
            return (other if self._moments is None else self)._copy()
        if self.n_features != other.n_features:
            raise ValueError(
                f"statistics of {self.n_features} and of {other.n_features} features "
                "cannot be added"
            )
        require_tasks_alike(self.single, other.single)
        mine, theirs = self.feature_names, other.feature_names
        if mine is not None and theirs is not None and list(mine) != list(theirs):
            different = [a for a, b in zip(mine, theirs, strict=True) if a != b]
            raise ValueError(
                "the features of the statistics have other names or another order: "
                f"{some(different)}"
            )
        found = f"the statistics to add have the labels {some(other.tasks)},"
        require_like(other.tasks, self.tasks, found)
        require_room(len(np.union1d(self.tasks, other.tasks)), self.n_features)
        out = self._copy()
        out._add(other.tasks, other.n_rows, other._moments)
        return out

    def __copy__(self) -> TaskStatistics:
        return self._copy()

    def _copy(self):
        out = TaskStatistics(task_column=self.task_column)
        self._alone = False
        out._reader, out._moments, out.single = self._reader, self._moments, self.single
        out.tasks, out.n_rows = self.tasks, self.n_rows
        return out

    @classmethod
    def of(
        cls,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        task_column: str | int | None = None,
    ) -> Self:
        """Return the statistics of some rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.
        task_column : str or int, default=None
            The column of X with the task labels.

        Returns
        -------
        TaskStatistics
            As after one :meth:`update`.
        """
        return cls(task_column=task_column).update(X, y, tasks, sample_weight)

    @classmethod
    def of_chunks(
        cls, chunks: Iterable[tuple[Any, ...]], *, task_column: str | int | None = None
    ) -> Self:
        """Return the statistics of chunks, one of which is in memory at a time.

        Parameters
        ----------
        chunks : iterable of tuple
            The arguments of :meth:`update` for each, as ``chunks_of`` and
            ``read_chunks`` make them.
        task_column : str or int, default=None
            As for the constructor.
        """
        out = cls(task_column=task_column)
        for chunk in chunks:
            out.update(*fit_arguments(chunk))
        return out

    def forget(self, factor: float) -> Self:
        """Let the rows so far count less, for tasks that drift.

        Parameters
        ----------
        factor : float
            From 0 to 1: what their weights are multiplied by.

        Returns
        -------
        self : TaskStatistics
            With lighter rows.
        """
        factor = check_number("factor", factor, 0.0, 1.0, strict=True)
        if self._moments is not None:
            self._moments = self._moments.times(np.full(len(self.tasks), factor))
            self._alone = True
        return self

    def rows(self) -> tuple[Any, np.ndarray, np.ndarray | None, np.ndarray]:
        """Return a small table that has these statistics.

        At most ``2 (n_features + 1)`` rows a task: its mean, plus and minus each
        principal axis of features and target together. What a squared-error model
        learns from it is what it learns from the rows themselves.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_made, n_features)
            A DataFrame where the features have names and pandas is installed.
        y, tasks, sample_weight : ndarray of shape (n_made,)
            The other arguments of ``fit``; tasks is None for one task without a label,
            and where X has a column of them.
        """
        m = self.moments
        T, d = m.x.shape
        joint = np.empty((T, d + 1, d + 1))
        joint[:, :d, :d] = m.H
        joint[:, d, :d] = joint[:, :d, d] = m.C
        joint[:, d, d] = m.square
        size = np.sqrt(np.einsum("tjj->tj", joint))
        size[size == 0] = 1.0
        value, axis = np.linalg.eigh(joint / size[:, :, None] / size[:, None])
        made = []
        for t in range(T):
            kept = np.flatnonzero(value[t] > _ROUNDING * (d + 1) * value[t, -1])
            n = max(2 * kept.size, 1)
            weight = m.total[t] / n
            step = np.sqrt(value[t, kept] / (2 * weight)) * axis[t][:, kept]
            along = (size[t, :, None] * step).T
            points = np.concatenate([along, -along])[:n]
            if not kept.size:
                points = np.zeros((1, d + 1))
            made.append((points + np.append(m.x[t], m.y[t]), np.full(n, weight)))
        Z = np.concatenate([points for points, _ in made])
        weight = np.concatenate([weight for _, weight in made])
        tasks = np.repeat(self.tasks, [len(points) for points, _ in made])
        X = self._table(Z[:, :d], tasks)
        apart = not self.single and self.task_column is None
        return X, Z[:, d], tasks if apart else None, weight

    def _table(self, X, tasks):
        """Return X as it was passed: a DataFrame, or with the column of the tasks."""
        names = self._columns
        if self.task_column is not None:
            X = X if tasks.dtype.kind in "iuf" else X.astype(object)
            X = np.insert(X, self._place(), tasks, axis=1)
        if names is None:
            return X
        try:
            import pandas as pd
        except ImportError:
            return X
        return pd.DataFrame(X, columns=names).infer_objects()

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return all there is as arrays by name, to write or to send.

        Returns
        -------
        dict of str -> ndarray
            What `of_arrays` takes.
        """
        arrays = {"tasks": self.tasks, "n_rows": self.n_rows}
        arrays["single"] = np.array(self.single)
        if self._moments is not None:
            arrays |= {name: getattr(self._moments, name) for name in _ARRAYS}
            self._alone = False
        if self._columns is not None:
            arrays["columns"] = np.asarray(self._columns, dtype=str)
        if self.task_column is not None:
            arrays["task_column"] = np.array(self.task_column)
        return arrays

    @classmethod
    def of_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """Return the statistics that :meth:`to_arrays` took apart.

        Parameters
        ----------
        arrays : dict of str -> ndarray
            What it returned.

        Returns
        -------
        TaskStatistics
            The same statistics.
        """
        column = arrays["task_column"].item() if "task_column" in arrays else None
        out = cls(task_column=column)
        out.tasks, out.n_rows = arrays["tasks"], arrays["n_rows"]
        out.single = bool(arrays["single"])
        if "H" in arrays:
            places = np.arange(len(out.tasks))
            sums: Any = {name: arrays[name] for name in _ARRAYS}
            out._moments = Moments(**sums, column=places)
            out._reader.n_features_in_ = out.n_features + (column is not None)
        if "columns" in arrays:
            out._reader.feature_names_in_ = arrays["columns"].astype(object)
        return out

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file that :meth:`load` reads; it holds arrays only, no pickle.

        Parameters
        ----------
        path : str or path
            The file, replaced at once when all is written.
        """
        path = Path(path)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                arrays: Any = self.to_arrays()
                np.savez(file, version=np.array(_VERSION), **arrays)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Return statistics from a file that :meth:`save` wrote.

        Parameters
        ----------
        path : str or path
            The file.

        Raises
        ------
        ValueError
            If it is no such file, or of a later version.
        """
        try:
            # np.load would leave a file open that is cut off
            with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            version = int(arrays["version"])
            out = cls.of_arrays(arrays) if version <= _VERSION else None
        except FileNotFoundError:
            raise
        except _UNREADABLE as error:
            raise ValueError(
                f"{os.fspath(path)!r} is no file of TaskStatistics: {error}"
            ) from None
        if out is None:
            raise ValueError(
                f"{os.fspath(path)!r} has version {version} of the format, and this "
                f"linmtl reads up to {_VERSION}; update linmtl"
            )
        return out
