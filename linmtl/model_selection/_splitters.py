"""Cross-validation splitters that keep every task in every training part.

Ordinary splitters ignore tasks: on rows sorted by task the default ``KFold`` takes
whole tasks out of training, and a model cannot predict a task it has never seen.
The splitters here divide the rows *within* each task; but for ``LeaveOneTaskOut``,
which asks on purpose how well a task is predicted that was not seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state

from linmtl.data._checks import check_count, check_flag, is_number, is_whole
from linmtl.data._labels import (
    some,
)
from linmtl.model_selection._split_rows import SplitRows, read_rows

_DEFAULT_TEST_SIZE = 0.2


class _TaskSplitter(BaseCrossValidator):
    # With metadata routing on, groups are requested without being asked for.
    __metadata_request__split = {"groups": True}  # noqa: RUF012
    set_split_request: Callable[..., Self]  # made by scikit-learn

    _min_splits = 1
    n_splits: int
    stratify: bool | str
    task_column: str | int | None

    def _check_common(self) -> None:
        if self.stratify != "auto" and not isinstance(self.stratify, (bool, np.bool_)):
            raise ValueError(
                f"stratify is {self.stratify!r}; pass 'auto', True or False"
            )
        check_count("n_splits", self.n_splits, self._min_splits)

    def _rows(self, X: Any, y: Any, groups: Any) -> SplitRows:
        stratify = self.stratify if self.stratify == "auto" else bool(self.stratify)
        return read_rows(X, y, groups, self.task_column, stratify)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : object
            Ignored; here for compatibility with scikit-learn.

        Returns
        -------
        n_splits : int
            How often `split` yields.
        """
        return int(self.n_splits)


class TaskKFold(_TaskSplitter):
    """K folds made within each task: every task is in every training part.

    The rows of a task are dealt to the folds one by one, and the next task goes on
    where the last one stopped: over all rows, and within each task, the sizes of two
    folds differ by at most one. A task with fewer rows than folds is never tested,
    it is in every training part.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=False
        Whether to shuffle the rows of each task before they are dealt. Without it,
        row ``j`` of a task goes to the ``j``-th next fold, so the folds interleave
        instead of being blocks of consecutive rows.
    stratify : {"auto"} or bool, default="auto"
        Whether to deal the rows class by class within each task, so that also the
        number of rows of each class of each task differs by at most one between
        folds. ``"auto"`` takes y for class labels if it holds strings or booleans,
        if it has at most two distinct values, or if its dtype is an integer one and
        it has at most 30 distinct values: a continuous target, or an integer one
        with many values, is not stratified. If a task has two classes and one of
        them has a single row, this row is always in training.
    task_column : str or int, default=None
        The column of X that holds the tasks (a name needs a DataFrame), for use
        without ``groups``.
    random_state : int, RandomState instance or None, default=None
        Governs the shuffling, as everywhere in scikit-learn: an integer gives the
        same folds in every call, ``None`` different ones. Only with ``shuffle=True``.
    partition : bool, default=False
        Whether every row is tested, as ``cross_val_predict`` asks for. Tasks with fewer
        rows than folds are dealt like others then, and so is the only row of one of two
        classes: where it is tested its task has the other class alone. A task of one
        row is not in training where it is tested, and the estimator needs
        ``handle_unknown="mean"``; a column of a wide y with one label is an error.

    Raises
    ------
    ValueError
        If a parameter is wrong or, from ``split``, if some fold would be empty
        because no task has enough rows.

    See Also
    --------
    TaskShuffleSplit : Repeated random splits within each task.

    Notes
    -----
    The tasks are ``groups`` or the column ``task_column`` of X. With neither all
    rows are one task. If y is then two-dimensional, with one column per task and NaN
    for a missing label, the rows are dealt so that the labels of every column spread
    evenly (the sizes of the folds may then differ by more than one), and every
    training part has a label of every column: a row that carries the only label of a
    column is always in training.

    A row of long data whose y is NaN has no label: it does not count towards the rows
    of its task, but it is tested where the task is.

    ``cross_val_predict`` needs test parts that cover all rows. It raises an error if
    some rows are always in training: pass ``partition=True``.

    With metadata routing on, ``groups`` is requested by default.
    ``TaskKFold().set_split_request(groups="tasks")`` makes it read the ``tasks`` that
    are passed to the estimators.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.model_selection import TaskKFold
    >>> X = np.zeros((7, 1))
    >>> tasks = ["a", "a", "a", "a", "b", "b", "c"]
    >>> for train, test in TaskKFold(2).split(X, groups=tasks):
    ...     print(train, test)
    [1 3 5 6] [0 2 4]
    [0 2 4 6] [1 3 5]
    """

    _min_splits = 2

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        stratify: bool | Literal["auto"] = "auto",
        task_column: str | int | None = None,
        random_state: int | np.random.RandomState | None = None,
        partition: bool = False,
    ) -> None:
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.partition = partition
        self.stratify = stratify
        self.task_column = task_column
        self.random_state = random_state
        self._check_common()
        check_flag("shuffle", shuffle)
        check_flag("partition", partition)
        if not shuffle and random_state is not None:
            raise ValueError(
                f"random_state={random_state!r} has no effect with shuffle=False; "
                "pass shuffle=True or drop random_state"
            )

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the rows of the training and of the test part of each fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its rows are counted, and its task column is read.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            The target; NaN marks a missing label.
        groups : array-like of shape (n_samples,), default=None
            The task of each row.

        Yields
        ------
        train : ndarray
            Indices of the training rows, ascending.
        test : ndarray
            Indices of the test rows, ascending.
        """
        rows = self._rows(X, y, groups)
        fold = self._deal(rows) if rows.columns is None else self._deal_wide(rows)
        sizes = np.bincount(fold[fold >= 0], minlength=self.n_splits)
        if np.any(sizes == 0):
            if rows.all_single:
                raise ValueError(
                    f"each of {len(rows.tasks)} tasks has one labelled row, which "
                    "cannot be in training and held out; are these the tasks that "
                    "were meant? MixedEffectsRegressor holds no rows out"
                )
            raise ValueError(
                f"n_splits={self.n_splits} leaves a fold without rows: "
                f"{rows.describe_sizes()}, and what no training part may lose is not "
                "tested; lower n_splits or use TaskShuffleSplit"
            )
        for k in range(self.n_splits):
            yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)

    def _deal(self, rows: SplitRows) -> np.ndarray:
        """Return the fold of each row, -1 for those that are always in training."""
        rng = check_random_state(self.random_state) if self.shuffle else None
        fold = np.full(len(rows.codes), -1, dtype=np.int64)
        # Going on where the last task stopped keeps the small tasks from all
        # landing in the first folds.
        start = 0
        for block, labels in zip(rows.rows, rows.y, strict=True):
            few = np.count_nonzero(labels >= 0) < self.n_splits
            if few and not self.partition:
                continue
            order = block if rng is None else rng.permutation(block)
            codes = rows.codes[order]
            # Dealt one after the other, the rows of each class spread evenly, and so
            # do all labelled rows together (those without a label come first).
            by_class = np.argsort(codes, kind="stable")
            order, codes = order[by_class], codes[by_class]
            classes, counts = np.unique(codes[codes >= 0], return_counts=True)
            if len(classes) == 2 and not self.partition:
                order = order[~np.isin(codes, classes[counts == 1])]
            fold[order] = (start + np.arange(len(order))) % self.n_splits
            start += len(order)
        return fold

    def _deal_wide(self, rows: SplitRows) -> np.ndarray:
        """Deal the rows of wide data, the rarest labels first."""
        columns, vital = rows.columns, rows.vital
        assert columns is not None
        assert vital is not None
        order = np.arange(len(rows.codes))
        if self.shuffle:
            order = check_random_state(self.random_state).permutation(order)
        fold = np.full(len(rows.codes), -1, dtype=np.int64)
        counts = np.zeros((self.n_splits, columns.shape[1]), dtype=np.int64)
        sizes = np.zeros(self.n_splits, dtype=np.int64)
        for j in np.argsort(columns.sum(axis=0), kind="stable"):
            for i in order[columns[order, j] & (fold[order] < 0)]:
                k = int(np.argmin(counts[:, j] * (len(rows.codes) + 1) + sizes))
                fold[i] = k
                counts[k] += columns[i]
                sizes[k] += 1
        for i in order[fold[order] < 0]:
            k = int(np.argmin(sizes))
            fold[i] = k
            sizes[k] += 1
        if self.partition:  # a task may lose a class, but not all labels
            vital = vital & (np.arange(vital.size) < rows.n_targets)
        # A vital column whose rows lie all in one fold keeps one of them in training.
        for j in np.flatnonzero(vital & (np.count_nonzero(counts, axis=0) == 1)):
            mine = np.flatnonzero(columns[:, j])
            if np.all(fold[mine] >= 0):
                if self.partition:
                    raise ValueError(
                        f"partition=True: all labels of column {j} of y would be held "
                        f"out with row {mine[0]}; drop the column, or pass "
                        "partition=False"
                    )
                fold[mine[0]] = -1
        return fold


class LeaveOneTaskOut(BaseCrossValidator):
    """Folds that each test all rows of one task, and train on all other tasks.

    How well is a task predicted that the model has never seen? The estimators need
    ``handle_unknown="mean"`` for that: the consensus model then predicts it.

    Parameters
    ----------
    task_column : str or int, default=None
        The column of X that holds the tasks (a name needs a DataFrame), for use
        without ``groups``.

    Raises
    ------
    ValueError
        From ``split``, if the tasks are not given or are fewer than two.

    See Also
    --------
    TaskKFold : Folds within each task, for new rows of known tasks.

    Notes
    -----
    The tasks are tested in the order of their sorted labels. With metadata routing on,
    ``groups`` is requested by default. It is for the searches and scores of
    scikit-learn: the ``...CV`` estimators judge a task by its own model, and a task
    that is left out has none.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.model_selection import LeaveOneTaskOut
    >>> X, tasks = np.zeros((5, 1)), ["b", "a", "b", "c", "a"]
    >>> for train, test in LeaveOneTaskOut().split(X, groups=tasks):
    ...     print(train, test)
    [0 2 3] [1 4]
    [1 3 4] [0 2]
    [0 1 2 4] [3]
    """

    # With metadata routing on, groups are requested without being asked for.
    __metadata_request__split = {"groups": True}  # noqa: RUF012
    set_split_request: Callable[..., Self]  # made by scikit-learn

    def __init__(self, task_column: str | int | None = None) -> None:
        self.task_column = task_column

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the rows of the other tasks and of the task that is tested.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its rows are counted, and its task column is read.
        y : object, default=None
            Ignored; here for compatibility with scikit-learn.
        groups : array-like of shape (n_samples,), default=None
            The task of each row.

        Yields
        ------
        train : ndarray
            Indices of the training rows, ascending.
        test : ndarray
            Indices of the test rows, ascending.
        """
        if groups is None and self.task_column is None:
            raise ValueError(
                "LeaveOneTaskOut does not know the tasks; pass groups= with one task "
                "label per row, or set task_column"
            )
        rows = read_rows(X, None, groups, self.task_column, False)
        if len(rows.tasks) < 2:
            raise ValueError(
                f"all rows are of the task {some(rows.tasks)}; leaving it out leaves "
                "nothing to train on: pass at least two tasks"
            )
        for test in rows.rows:
            train = np.ones(len(rows.codes), dtype=bool)
            train[test] = False
            yield np.flatnonzero(train), test

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits, which is that of the tasks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), default=None
            Needed with ``task_column``.
        y : object, default=None
            Ignored; here for compatibility with scikit-learn.
        groups : array-like of shape (n_samples,), default=None
            The task of each row.

        Returns
        -------
        n_splits : int
            How often `split` yields.
        """
        if X is None and groups is not None:
            X = np.asarray(groups)
        if X is None:
            raise ValueError(
                "LeaveOneTaskOut has a split for each task; pass groups=, or X with "
                "the task column"
            )
        return sum(1 for _ in self.split(X, y, groups))


def _check_size(size: Any, name: str) -> None:
    if size is None:
        return
    if is_number(size) and (size >= 1 if is_whole(size) else 0 < size < 1):
        return
    raise ValueError(
        f"{name} is {size!r}; pass a fraction between 0 and 1 or a number of rows per "
        "task, at least 1"
    )


def _evenly_spaced(n: int, count: int, rng: np.random.RandomState) -> np.ndarray:
    """Return count of n positions at equal distances, from a random start."""
    places = ((np.arange(count) + rng.random_sample()) * (n / count)).astype(np.int64)
    return np.minimum(places, n - 1)


class TaskShuffleSplit(_TaskSplitter):
    """Random training and test parts drawn within each task.

    Parameters
    ----------
    n_splits : int, default=10
        Number of splits.
    test_size : float or int, default=None
        Fraction of the rows of each task, rounded up, or number of rows of each task,
        in the test part. ``None`` is the complement of ``train_size``, and 0.2 if
        this is ``None`` too.
    train_size : float or int, default=None
        Fraction, rounded down, or number of the rows of each task in the training
        part. ``None`` is the complement of ``test_size``.
    stratify : {"auto"} or bool, default="auto"
        Whether to draw the same share of each class within each task, and to keep
        every class of a task in training where the sizes allow it. ``"auto"`` takes y
        for class labels if it holds strings or booleans, if it has at most two
        distinct values, or if its dtype is an integer one and it has at most 30
        distinct values.
    task_column : str or int, default=None
        The column of X that holds the tasks (a name needs a DataFrame), for use
        without ``groups``.
    random_state : int, RandomState instance or None, default=None
        An integer gives the same splits in every call, ``None`` different ones.

    Raises
    ------
    ValueError
        If a parameter is wrong or, from ``split``, if no task has two rows.

    See Also
    --------
    TaskKFold : Folds that test each row once.

    Notes
    -----
    The tasks are found as by :class:`TaskKFold`. The sizes are adapted so that every
    task with two or more rows is in both parts; a task with one row is always in
    training, and so is a row without any label. For wide data with missing labels
    every column keeps a label in every training part; a swap of rows keeps the sizes
    where there is one.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.model_selection import TaskShuffleSplit
    >>> tasks = np.repeat(["a", "b", "c"], [10, 5, 1])
    >>> splitter = TaskShuffleSplit(1, test_size=0.4, random_state=0)
    >>> train, test = next(splitter.split(np.zeros((16, 1)), groups=tasks))
    >>> [str(label) for label in tasks[test]]
    ['a', 'a', 'a', 'a', 'b', 'b']
    """

    def __init__(
        self,
        n_splits: int = 10,
        *,
        test_size: float | int | None = None,
        train_size: float | int | None = None,
        stratify: bool | Literal["auto"] = "auto",
        task_column: str | int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.test_size = test_size
        self.train_size = train_size
        self.stratify = stratify
        self.task_column = task_column
        self.random_state = random_state
        self._check_common()
        _check_size(test_size, "test_size")
        _check_size(train_size, "train_size")
        fractions = [
            size
            for size in (test_size, train_size)
            if size is not None and not is_whole(size)
        ]
        if sum(fractions) > 1.0:
            raise ValueError(
                f"test_size={test_size} and train_size={train_size} sum to more than "
                "1; lower one of them or leave it None"
            )

    def split(
        self, X: Any, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the rows of the training and of the test part of each split.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Only its rows are counted, and its task column is read.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            The target; NaN marks a missing label.
        groups : array-like of shape (n_samples,), default=None
            The task of each row.

        Yields
        ------
        train : ndarray
            Indices of the training rows, ascending.
        test : ndarray
            Indices of the test rows, ascending.
        """
        rows = self._rows(X, y, groups)
        rng = check_random_state(self.random_state)
        for _ in range(self.n_splits):
            train = np.zeros(len(rows.codes), dtype=bool)
            test = np.zeros(len(rows.codes), dtype=bool)
            for block, labels in zip(rows.rows, rows.y, strict=True):
                labelled = block[labels >= 0]
                train[block[labels < 0]] = True
                if len(labelled) < 2:
                    train[labelled] = True
                    continue
                self._draw(rows, labelled, train, test, rng)
            if not test.any():
                raise ValueError(
                    f"no row can be tested: {rows.describe_sizes()}, and what no "
                    "training part may lose is not tested; pass tasks with at least "
                    "two rows"
                )
            yield np.flatnonzero(train), np.flatnonzero(test)

    def _sizes(self, n: int) -> tuple[int, int]:
        def rows_of(size: Any, rounding: Any) -> int:
            if is_whole(size):
                return int(size)
            return int(rounding(size * n))

        if self.test_size is None and self.train_size is not None:
            n_train = min(max(rows_of(self.train_size, math.floor), 1), n - 1)
            return n_train, n - n_train
        test_size = _DEFAULT_TEST_SIZE if self.test_size is None else self.test_size
        n_test = min(max(rows_of(test_size, math.ceil), 1), n - 1)
        if self.train_size is None:
            return n - n_test, n_test
        n_train = max(rows_of(self.train_size, math.floor), 1)
        return min(n_train, n - n_test), n_test

    def _draw(
        self,
        rows: SplitRows,
        block: np.ndarray,
        train: np.ndarray,
        test: np.ndarray,
        rng: np.random.RandomState,
    ) -> None:
        n_train, n_test = self._sizes(len(block))
        order = rng.permutation(block)
        # Equal steps through rows sorted by class take the same share of each class.
        order = order[np.argsort(rows.codes[order], kind="stable")]
        tested = _evenly_spaced(len(order), n_test, rng)
        test[order[tested]] = True
        rest = np.delete(order, tested)
        train[rest[_evenly_spaced(len(rest), n_train, rng)]] = True
        if rows.columns is None:
            codes = rows.codes[block]
            marks = codes[:, None] == np.unique(codes)
        else:
            assert rows.vital is not None
            marks = rows.columns[block][:, rows.vital]
        must = rows.columns is not None
        if must or marks.shape[1] > 1:
            _keep_in_training(block, marks, train, test, rng, must)


def _keep_in_training(
    block: np.ndarray,
    marks: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    rng: np.random.RandomState,
    must: bool,
) -> None:
    """Move rows so that the training rows carry every mark.

    A row of a lost mark changes places with a training row that can be spared.
    Where there is none it moves alone if ``must``, and stays otherwise.
    """
    counts = marks[train[block]].sum(axis=0)
    for j in range(marks.shape[1]):
        if counts[j]:
            continue
        mine = np.flatnonzero(marks[:, j])
        i = int(rng.choice(mine))
        needed = (marks & (counts < 2)).any(axis=1)
        spare = np.flatnonzero(train[block] & ~needed)
        if not len(spare) and not must:
            continue
        if len(spare):
            out = int(rng.choice(spare))
            train[block[out]] = False
            test[block[out]] = test[block[i]]
            counts -= marks[out]
        train[block[i]] = True
        test[block[i]] = False
        counts += marks[i]
