"""Rows to train and to test on: checked, split, filled in, standardised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.impute import SimpleImputer

from linmtl.data._errors import InputError, name_list
from linmtl.data._labels import as_task_labels, encode_tasks
from linmtl.data._weights import read_offset
from linmtl.losses import Logistic, Loss, Squared
from linmtl.model_selection import TaskKFold, TaskShuffleSplit
from linmtl.preprocessing import TaskScaler

_LARGEST = 1e100


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Training and test rows with features ready to use.

    Attributes
    ----------
    X_train, y_train, tasks_train, X_test, y_test, tasks_test : ndarray
        Features that vary within tasks, targets and task labels.
    feature_names : list of str
        Names of these features.
    level_train, level_test : ndarray
        Features with one value per task.
    level_names : list of str
        Names of these.
    tasks : ndarray of shape (n_tasks,)
        The task labels, sorted.
    n_train, n_test : ndarray of shape (n_tasks,)
        Rows of each task.
    n_classes : int
        Of targets that are classes, 0 for others.
    cv : int
        Folds that the training rows allow.
    notes : list of str
        What was done to the data.
    loss : Loss
        What models are fitted by, and judged.
    offset_train, offset_test : ndarray or None
        A known part of the linear predictors of these rows.
    """

    X_train: np.ndarray
    y_train: np.ndarray
    tasks_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    tasks_test: np.ndarray
    feature_names: list[str]
    level_train: np.ndarray
    level_test: np.ndarray
    level_names: list[str]
    tasks: np.ndarray
    n_train: np.ndarray
    n_test: np.ndarray
    n_classes: int
    cv: int
    notes: list[str]
    loss: Loss
    offset_train: np.ndarray | None = None
    offset_test: np.ndarray | None = None

    @property
    def offset_of_test(self) -> np.ndarray:
        """The offsets of the test rows, zeros where there are none."""
        if self.offset_test is None:
            return np.zeros(len(self.y_test))
        return self.offset_test

    def __repr__(self) -> str:
        return (
            f"<Split: {len(self.tasks)} tasks, {len(self.y_train)} rows to train, "
            f"{len(self.y_test)} to test>"
        )

    def features(self, one_intercept: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the training and test rows of what a model can use."""
        if not one_intercept:
            return self.X_train, self.X_test
        return (
            np.hstack([self.X_train, self.level_train]),
            np.hstack([self.X_test, self.level_test]),
        )


def split_rows(
    X: ArrayLike,
    y: ArrayLike,
    tasks: ArrayLike,
    *,
    classify: bool,
    train_size: float,
    random_state: int,
    cv: int,
    feature_names: Sequence[str] | None = None,
    loss: Loss | None = None,
    offset: ArrayLike | None = None,
) -> Split:
    """Check the data, split every task's rows, make features ready to use.

    Parameters
    ----------
    X, y, tasks, classify, train_size, random_state, cv, feature_names, loss, offset
        As for :func:`linmtl.cli._compare.compare`.

    Returns
    -------
    Split
        The two parts.

    Raises
    ------
    InputError
        If an argument is not allowed, or nothing can be learned from the data.
    """
    X, y = np.asarray(X, dtype=float), np.asarray(y)
    labels = as_task_labels(tasks, len(X))
    if loss is None:
        loss = Logistic() if classify else Squared()
    _check(X, y, labels, train_size, loss)
    known = None if offset is None else read_offset(offset, y.shape)
    if known is not None and classify and y.max() > 1:
        raise InputError(
            "an offset is for numbers and two classes, and there are "
            f"{int(y.max()) + 1} classes"
        )
    if feature_names is None:
        feature_names = [f"feature {j}" for j in range(X.shape[1])]
    notes: list[str] = []
    train, test = _draw(y, labels, train_size, random_state, classify)
    names, codes = encode_tasks(labels)
    n_train = np.bincount(codes[train], minlength=len(names))
    n_test = np.bincount(codes[test], minlength=len(names))
    _note_tasks(names, codes, y, train, n_test, classify, notes)
    cv = _number_of_folds(y[train], codes[train], cv, classify, notes)
    X, feature_names, varies = _features(X, labels, train, list(feature_names), notes)
    all_names = np.array(feature_names, dtype=object)
    return Split(
        X[train][:, varies],
        y[train],
        labels[train],
        X[test][:, varies],
        y[test],
        labels[test],
        all_names[varies].tolist(),
        X[train][:, ~varies],
        X[test][:, ~varies],
        all_names[~varies].tolist(),
        names,
        n_train,
        n_test,
        int(y.max()) + 1 if classify else 0,
        cv,
        notes,
        loss,
        None if known is None else known[train],
        None if known is None else known[test],
    )


def _check(
    X: np.ndarray,
    y: np.ndarray,
    tasks: np.ndarray,
    train_size: float,
    loss: Loss,
) -> None:
    classify = loss.classify
    if not 0 < train_size < 1:
        raise InputError(
            f"the training fraction must be between 0 and 1, got {train_size:g}"
        )
    if y.shape != (len(X),):
        raise InputError(f"y has shape {y.shape}; pass one target per row, ({len(X)},)")
    if not classify and not np.isfinite(y).all():
        raise InputError("y has missing or infinite values; drop these rows")
    for what, values in (("the features", X), ("the targets", y)):
        if np.abs(values[~np.isnan(values)]).max(initial=0.0) > _LARGEST:
            raise InputError(
                f"{what} have values beyond {_LARGEST:g}, which cannot be squared; "
                "use a larger unit"
            )
    if classify and not np.isin(y, np.arange(len(y))).all():
        raise InputError("the classes must be numbered, 0, 1 and so on")
    if not classify:
        try:
            loss.encode(y, np.zeros(y.shape, dtype=bool))
        except ValueError as error:
            raise InputError(str(error)) from None
    labels, codes, sizes = np.unique(tasks, return_inverse=True, return_counts=True)
    if len(labels) < 2:
        raise InputError(
            f"there is a single task ({labels[0]}); a comparison needs two or more"
        )
    if sizes.max() < 2:
        raise InputError(
            f"each of the {len(labels)} tasks has a single row; a comparison needs "
            "tasks with several rows, some for training and some for the test"
        )
    if not (classify or _varies_within(y[:, None], codes).any()):
        raise InputError(
            "the target has one value in each task: there is nothing to learn besides "
            "the tasks' levels"
        )


def _draw(
    y: np.ndarray,
    tasks: np.ndarray,
    train_size: float,
    random_state: int,
    classify: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the training and test rows, positions."""
    splitter = TaskShuffleSplit(
        1, train_size=train_size, stratify=classify, random_state=random_state
    )
    return next(splitter.split(np.zeros((len(y), 1)), y, groups=tasks))


def _note_tasks(
    names: np.ndarray,
    codes: np.ndarray,
    y: np.ndarray,
    train: np.ndarray,
    n_test: np.ndarray,
    classify: bool,
    notes: list[str],
) -> None:
    """Say which tasks are not tested, and which have a single class."""
    untested = names[n_test == 0]
    if untested.size:
        notes.append(
            f"tasks with a single row, in training only ({untested.size}): "
            f"{name_list(untested)}"
        )
    if not classify:
        return
    single = _classes_of(y[train], codes[train], len(names)) < 2
    if single.all():
        raise InputError(
            "no task has two classes among its training rows; use a larger training "
            "fraction, or another task column"
        )
    if single.any():
        notes.append(
            f"tasks with one class in training, which they predict "
            f"({int(single.sum())}): {name_list(names[single])}"
        )


def _classes_of(y: np.ndarray, codes: np.ndarray, n_tasks: int) -> np.ndarray:
    """Return how many classes each task has, (n_tasks,)."""
    pairs = np.unique(np.column_stack([codes, y]), axis=0)
    return np.bincount(pairs[:, 0].astype(int), minlength=n_tasks)


def _number_of_folds(
    y: np.ndarray, codes: np.ndarray, cv: int, classify: bool, notes: list[str]
) -> int:
    """Return fewer folds where most tasks have few rows or rare classes."""
    n_train = np.bincount(codes)
    if classify:  # a task with one class is not judged
        judged = (_classes_of(y, codes, len(n_train)) > 1)[codes]
        y, codes = y[judged], codes[judged]
    X = np.zeros((len(y), 1))
    most = max(2, min(cv, int(np.median(n_train))))
    for folds in range(most, 1, -1):
        try:
            next(TaskKFold(folds, stratify=classify).split(X, y, groups=codes))
        except ValueError:
            continue
        if folds < cv:
            notes.append(f"tasks are small: cross-validation with {folds} folds")
        return folds
    raise InputError(
        "no task has enough training rows for cross-validation"
        + (" (two of each class)" if classify else " (two)")
        + "; use a larger training fraction, or another task column"
    )


def _features(
    X: np.ndarray,
    tasks: np.ndarray,
    train: np.ndarray,
    names: list[str],
    notes: list[str],
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Drop features that say nothing, fill in missing values, standardise.

    Also returns which features vary within tasks.
    """
    X, names = _choose(X, names, ~np.all(np.isnan(X[train]), axis=0), notes, "no value")
    missing = np.isnan(X).sum(axis=0)
    if missing.any():
        holes = [name for name, count in zip(names, missing, strict=True) if count]
        notes.append(
            "missing values replaced by the median of the training rows "
            f"({missing.sum()}): {name_list(holes)}"
        )
        imputer = SimpleImputer(strategy="median").fit(X[train])
        X = np.asarray(imputer.transform(X))
    several = np.any(X[train] != X[train][0], axis=0)
    X, names = _choose(X, names, several, notes, "one value")
    varies = _varies_within(X[train], tasks[train])
    if not varies.any():
        raise InputError("no feature varies within any task: there is nothing to learn")
    return TaskScaler().fit(X[train]).transform(X), names, varies


def _choose(
    X: np.ndarray, names: list[str], keep: np.ndarray, notes: list[str], why: str
) -> tuple[np.ndarray, list[str]]:
    if not keep.all():
        dropped = [name for name, kept in zip(names, keep, strict=True) if not kept]
        notes.append(f"features dropped, {why} in training: {name_list(dropped)}")
    return X[:, keep], [name for name, kept in zip(names, keep, strict=True) if kept]


def _varies_within(X: np.ndarray, tasks: np.ndarray) -> np.ndarray:
    """Whether a feature takes two values in some task: else intercepts replace it."""
    varies = np.zeros(X.shape[1], dtype=bool)
    for label in np.unique(tasks):
        rows = X[tasks == label]
        varies |= (rows != rows[0]).any(axis=0)
    return varies
