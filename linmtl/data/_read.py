"""From what a user passes to canonical data, and the errors on the way."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from linmtl.data._absent import fill_absent, read_feature_mask, without_absent
from linmtl.data._canonical import MultiTaskData
from linmtl.data._fit_input import FitInput
from linmtl.data._frames import column_named, given_names
from linmtl.data._kinds import order_of
from linmtl.data._labels import (
    as_task_labels,
    codes_of,
    encode_tasks,
    is_dataframe,
    require_like,
    some,
    split_task_column,
    task_column_index,
)
from linmtl.data._tables import as_table, require_names
from linmtl.data._targets import (
    EncodedTargets,
    Targets,
    column_labels,
    encode_classes,
    missing_mask,
    read_labels,
    read_targets,
    require_y,
)
from linmtl.data._warn import warn
from linmtl.data._weights import (
    read_class_weight,
    read_offset,
    read_sample_weight,
    read_task_weight,
)
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import StackedDesign

_VANISHING = 1e4  # a sum of squares this near to the smallest number is rounded
_X_OPTIONS: dict[str, Any] = {
    "accept_sparse": ("csr", "csc"),
    "dtype": [np.float64, np.float32],
}


def read_fit(
    estimator: Any,
    X: Any,
    y: Any,
    tasks: Any,
    sample_weight: Any,
    targets: Targets | EncodedTargets,
    null_losses: Callable[[MultiTaskData], np.ndarray],
    offset: Any = None,
    several: bool = False,
    incomplete: bool = False,
) -> FitInput:
    """Check the arguments of `fit` and return canonical data.

    ``targets`` is the loss, or what knows as much of y. ``null_losses`` returns the
    mean loss of each task without coefficients; it is called where weights of tasks
    depend on it. With ``several`` there may be more than two classes, and with
    ``incomplete`` features that some tasks do not have.
    """
    require_y(estimator, y)
    _warn_of_other_order(X, y=y, tasks=tasks, sample_weight=sample_weight)
    X, y = as_table(X), as_table(y)
    order = order_of_tasks(estimator, X, tasks)
    X, labels, feature_names = read_X(estimator, X, tasks, True, look=False)
    squares, name = _sum_of_squares(X), type(estimator).__name__
    if not np.isfinite(squares):  # else all numbers are, which takes one pass to know
        assert_all_finite(X, allow_nan=True, estimator_name=name, input_name="X")
    _warn_of_numbers(labels)
    masked = getattr(estimator, "feature_mask", None) is not None
    if masked and not incomplete:
        raise ValueError(
            f"{name}: feature_mask is not for this model or what is made of it here, "
            "in which all tasks have all features; drop it"
        )
    given, finite, refused = X, bool(np.isfinite(squares)), not incomplete
    X, present = fill_absent(
        given, labels, order, feature_names, estimator, masked, refused, finite
    )
    if X is not given:
        squares = _sum_of_squares(X)
    _check_scale("X", X.data if sparse.issparse(X) else X, squares)
    columns = column_labels(y)
    y, layout = _read_y(X, y, labels, targets)
    y, weight, classes = _encode(
        estimator, y, sample_weight, labels, layout, targets, several
    )
    if offset is not None:
        offset = _read_offset(offset, y, classes)
        y = y - offset if targets.location else y
    if layout == "long":
        data, names, rows = _long(X, y, weight, labels, order, estimator)
        offset = None if offset is None else offset[rows]
    else:
        data, names, rows = _wide(X, y, weight, columns, estimator)
        offset = None if offset is None else _by_task(offset)
        if masked:
            present = _mask_of_columns(estimator, data, names, feature_names, layout)
            data = _with_mask(data, X, present)
    if targets.location:
        _check_scale("y", data.y, _sum_of_squares(data.y))
    else:
        data = replace(data, offset=offset)
    _require_weight(data, names, layout)
    read = FitInput(
        layout,
        data,
        names,
        data.total,
        classes,
        np.zeros(len(names), dtype=int),
        feature_names,
        rows,
        X.shape[0],
        ordered=order is not None,
        offset=offset,
        present=present,
    )
    return _with_task_weights(_with_sides(read, targets), estimator, null_losses)


def _warn_of_other_order(X, **others):
    """Say that Series have the rows of a DataFrame in an order of their own."""
    if not hasattr(X, "iloc"):
        return
    for name, values in others.items():
        if not hasattr(values, "iloc") or len(values) != len(X):
            continue
        index: Any = values.index
        counts = getattr(index, "start", None) == 0  # as of an array: it says nothing
        if counts or index.equals(X.index):
            continue
        if index.is_unique and X.index.is_unique and index.isin(X.index).all():
            warn(
                f"{name} has the rows of X in another order, by its index; rows are "
                f"taken as they stand: pass {name}.loc[X.index], or an array if that "
                "is meant"
            )


def _warn_of_numbers(labels):
    """Say that the labels of tasks look like weights or targets."""
    if labels is None or labels.dtype.kind != "f" or not np.any(labels % 1):
        return
    n_tasks = len(np.unique(labels))
    if 2 * n_tasks > len(labels) > 2:
        warn(
            f"tasks has {n_tasks} labels in {len(labels)} rows, numbers such as "
            f"{some(labels[labels % 1 != 0][:1])}; are these weights or targets? fit "
            "takes X, y, tasks and sample_weight, in this order"
        )


def _sum_of_squares(X):
    """Return the sum of all squares, NaN exactly where one of the numbers is."""
    values = X.data if sparse.issparse(X) else X
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        flat = values.ravel(order="K")
        return float(np.dot(flat, flat))


def _check_scale(name, values, squares):
    """Say that the squares of all numbers vanish, or that one has no square."""
    tiny = float(np.finfo(values.dtype).tiny)
    if squares == np.inf and values.dtype == np.float64:
        raise ValueError(
            f"the numbers in {name} are too large, some cannot be squared; scale them"
        )
    if squares < _VANISHING * tiny and np.any(values):
        warn(
            f"the numbers in {name} are so small that their squares vanish, at most "
            f"{np.abs(values).max():.1g}, and so may coefficients; scale them"
        )


def _read_y(X, y, labels, targets):
    """Return targets or labels, NaN or None where missing, and the layout."""
    y = read_labels(y) if targets.classify else read_targets(y)
    check_consistent_length(X, y)
    if labels is not None and y.ndim == 2:
        if y.shape[1] != 1:
            raise ValueError(
                f"tasks has {len(labels)} labels but y has {y.shape[1]} columns; pass "
                "y of shape (n_samples,) with tasks, or drop tasks"
            )
        y = column_or_1d(y, warn=True)
    return y, "wide" if y.ndim == 2 else "single" if labels is None else "long"


def _encode(estimator, y, sample_weight, labels, layout, targets, several):
    """Return targets as numbers, weights that are zero where y is missing, classes."""
    missing = missing_mask(y)
    incomplete = bool(missing.any())
    if layout == "single" and incomplete:
        raise ValueError(
            f"Input y contains NaN: {int(missing.sum())} labels are missing; drop "
            "these rows (missing labels are allowed in a wide Y, and with tasks)"
        )
    weight = read_sample_weight(sample_weight, y.shape)
    if incomplete:
        weight[missing] = 0.0
    if several:
        y, classes = encode_classes(y, missing, several)
    else:
        y, classes = targets.encode(y, missing)
    class_weight = getattr(estimator, "class_weight", None)
    if classes is not None and class_weight is not None:
        weight *= read_class_weight(class_weight, y, weight, labels, classes)
    if incomplete:
        y = np.where(missing, 0.0, y)
    return y.astype(np.float64, copy=False), weight, classes


def _read_offset(offset, y, classes):
    if classes is not None and classes.size > 2:
        raise ValueError(
            "offset is for two classes: added to the linear predictors of all of "
            f"{classes.size} classes it changes nothing; drop it"
        )
    return read_offset(offset, y.shape)


def read_predict(
    estimator: Any, X: Any, tasks: Any, every_task: bool = False
) -> tuple[Any, np.ndarray | None]:
    """Check the arguments of `predict`; return X and the task code of each row.

    Codes are positions in ``tasks_``, and -1 for a task unknown where
    ``handle_unknown="mean"``; None without task labels, or where every task is to
    predict every row. X may hold NaN, in features that tasks do not have.
    """
    X, labels, _ = read_X(estimator, X, tasks, reset=False, allow_nan=True)
    return X, task_codes(estimator, labels, every_task)


def task_codes(
    estimator: Any, labels: np.ndarray | None, every_task: bool = False
) -> np.ndarray | None:
    """Return the codes of :func:`read_predict` for labels that were read."""
    if labels is None or every_task:
        return None
    if estimator._layout == "single":
        raise ValueError(
            f"{type(estimator).__name__} was fitted without tasks; drop tasks="
        )
    codes = codes_of(labels, estimator.tasks_)
    unknown = codes < 0
    if len(labels) and unknown.all():
        found = f"tasks has the labels {some(np.unique(labels))}, which are"
        require_like(labels, estimator.tasks_, found)
    if unknown.any() and estimator.handle_unknown == "error":
        name = getattr(estimator, "_called_by", None) or type(estimator).__name__
        advice = "in"
        if getattr(estimator, "_has_mean_model", True):
            mean = "set handle_unknown='mean' to predict them with the consensus model"
            advice = f"{mean}. In"
        raise ValueError(
            f"tasks has the labels {some(np.unique(labels[unknown]))}, which "
            f"{name} has not seen in fit; {advice} "
            "cross-validation, pass cv=TaskKFold(5): a splitter that does not know the "
            "tasks can leave whole tasks out of the training part"
        )
    return codes


def require_tasks(estimator: Any, codes: np.ndarray | None) -> None:
    """Raise where a model fitted on tasks is asked to predict without them."""
    if codes is None and estimator._layout == "long":
        raise ValueError(
            f"{type(estimator).__name__} was fitted with tasks; pass tasks= with one "
            "label per row, or fit with task_column= so that X carries them"
        )


def read_X(
    estimator: Any,
    X: Any,
    tasks: Any,
    reset: bool,
    allow_nan: bool = False,
    look: bool = True,
) -> tuple[Any, Any, Any]:
    """Return X without the task column, the task labels and the features' names.

    Without ``look`` the numbers may be anything, and the caller sees to that.
    """
    if isinstance(tasks, str):
        raise ValueError(
            f"tasks is the name {tasks!r}; pass one label per row, or the name as "
            "task_column= of the estimator, for a column of X"
        )
    X, column = as_table(X), estimator.task_column
    require_names(X)
    options: dict[str, Any] = {**_X_OPTIONS}
    if allow_nan or not look:
        options["ensure_all_finite"] = "allow-nan" if look else False
    if column is None:
        with column_named(X, may_be_tasks=reset and tasks is None):
            X = validate_data(estimator, X, reset=reset, **options)
        labels = None if tasks is None else as_task_labels(tasks, X.shape[0])
        names = getattr(estimator, "feature_names_in_", None)
    else:
        if tasks is not None:
            raise ValueError(
                f"tasks was passed although task_column={column!r} names a column of "
                "X; use one of the two"
            )
        if reset:
            _refuse_selectors(estimator)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        X, labels, rest = split_task_column(X, column)
        if X.shape[1] == 0:
            raise ValueError(
                "X has 0 feature(s) beside the task column while a minimum of 1 is "
                "required"
            )
        with column_named(X):
            X = check_array(X, estimator=estimator, input_name="X", **options)
        names = None
        if hasattr(estimator, "feature_names_in_") and rest is not None:
            names = np.asarray(rest, dtype=object)
    if names is None:
        names = given_names(X.shape[1])
    return X, labels, names


def _refuse_selectors(estimator):
    """Raise where a selector of scikit-learn fits a model with a task column.

    It takes coefficients for the columns of X, of which there is one more, and so
    drops others than it means, often in silence. It offers no hook to find that out.
    """
    frame = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("sklearn.feature_selection"):
            raise ValueError(
                "scikit-learn's SelectFromModel, RFE and the like know of no task "
                f"column, and {type(estimator).__name__} has task_column="
                f"{estimator.task_column!r}; use "
                "linmtl.preprocessing.SelectFeatures, which keeps it"
            )
        frame = frame.f_back


def order_of_tasks(estimator: Any, X: Any, tasks: Any) -> Any:
    """Return ``task_order``, or the categories of labels that have an order."""
    column = estimator.task_column
    if estimator.task_order is not None:
        return estimator.task_order
    if tasks is None and column is not None and is_dataframe(X):
        position = task_column_index(X, column)
        at = hasattr(X, "iloc")
        tasks = X.iloc[:, position] if at else X[X.columns[position]]
    return order_of(tasks)


def _with_sides(read: FitInput, targets: Targets | EncodedTargets) -> FitInput:
    """Return the input with the tasks that have no best intercept marked as such."""
    data = read.data
    if read.several:
        _require_classes(read)
        return read
    if not (data.fit_intercept or targets.classify):
        return read
    side = targets.sides(data.y, data.weight, data.task_ptr)
    single = read.layout == "single"
    if side.size and np.all(side != 0) and (data.fit_intercept or single):
        where = "the data" if single else "every task"
        if targets.classify:
            raise ValueError(
                f"y has only 1 class in {where} (labels of weight zero left out); a "
                "classifier needs both"
            )
        raise ValueError(
            f"y has {targets.one_sided} in {where} (rows of weight zero left out); "
            "there is nothing to fit"
        )
    if not (data.fit_intercept and side.any()):  # without one there is a best model
        return read
    alone = data.of_tasks(np.flatnonzero(side))
    means = alone.design.task_sums(alone.weight) / alone.total[:, None]
    offset = alone.mean_offset(alone.weight)
    return replace(read, side=side, side_means=means, side_offset=offset)


def _require_weight(data, names, layout):
    """Raise where a task has no label of positive weight."""
    empty = data.total <= 0
    if not empty.any():
        return
    lacking = "y has no observed label with a positive weight"
    if layout == "single":
        raise ValueError(f"{lacking}; sample_weight must not be all zero")
    raise ValueError(f"{lacking} for the tasks {some(names[empty])}; drop these tasks")


def _require_classes(read: FitInput) -> None:
    """Raise where each task has a single class."""
    if np.all(read.single_class):
        where = "the data" if read.layout == "single" else "every task"
        raise ValueError(
            f"y has only 1 class in {where} (labels of weight zero left out); a "
            "classifier needs two"
        )


def _long(X, y, weight, labels, order, estimator):
    """Sort rows by task and leave out those without a label or a weight."""
    names, codes = encode_tasks(labels, order)
    rows = np.flatnonzero(weight > 0)
    codes = codes[rows]
    task_ptr = np.zeros(len(names) + 1, dtype=np.int64)
    np.cumsum(np.bincount(codes, minlength=len(names)), out=task_ptr[1:])
    absent = task_ptr[1:] == task_ptr[:-1]
    if absent.any():
        raise ValueError(
            "y has no observed label with a positive weight for the tasks "
            f"{some(names[absent])}; drop these tasks"
        )
    rows = rows[np.argsort(codes, kind="stable")]
    if rows.size < len(y) or np.any(rows[1:] < rows[:-1]):
        X = X.tocsr() if sparse.issparse(X) else X
        X, y, weight = X[rows], y[rows], weight[rows]
    design, y = StackedDesign(X, task_ptr), np.ascontiguousarray(y)
    return MultiTaskData(design, y, weight, bool(estimator.fit_intercept)), names, rows


def _wide(X, y, weight, columns, estimator):
    """Hold one column of y per task, or the only one, on the rows that all share."""
    if estimator.task_order is not None:
        raise ValueError(
            "task_order is for data with tasks=; the tasks of a wide Y are in the "
            "order of its columns"
        )
    n = X.shape[0]
    names = columns if columns is not None else np.arange(y.size // n)
    design, fit_intercept = SharedDesign(X, len(names)), bool(estimator.fit_intercept)
    data = MultiTaskData(design, _by_task(y), _by_task(weight), fit_intercept)
    return data, names, np.arange(n)


def _mask_of_columns(estimator, data, names, feature_names, layout):
    """Return which features each column of y has."""
    if layout == "single":
        raise ValueError(
            f"{type(estimator).__name__}: feature_mask says which task has which "
            "features, and there is one task; drop it"
        )
    return read_feature_mask(estimator, data.design.n_features, feature_names, names)


def _with_mask(data, X, present):
    """Return data of a wide Y in which each task has rows of its own features."""
    n, T = X.shape[0], present.shape[1]
    X = X.tocsr() if sparse.issparse(X) else X
    codes = np.repeat(np.arange(T), n)
    own = without_absent(X[np.tile(np.arange(n), T)], codes, present)
    return replace(data, design=StackedDesign(own, data.task_ptr))


def _by_task(values):
    """Return values of the shape of y in one dimension, task after task."""
    return np.ascontiguousarray(values.T).ravel()


def _with_task_weights(
    read: FitInput,
    estimator: Any,
    null_losses: Callable[[MultiTaskData], np.ndarray],
) -> FitInput:
    """Return the input with the weights of the tasks in those of the observations."""
    data, names = read.data, read.tasks
    mode = estimator.task_weight
    null = None
    if isinstance(mode, str) and mode in ("null_loss", "minimax"):
        several = read.several
        null = null_losses(
            read.class_columns(data, names).expand(data) if several else data
        )
        null[read.side != 0] = 1.0  # whatever their weight, it is not used
        if np.any(null <= 0):
            raise ValueError(
                f"task_weight={mode!r} divides by the loss without coefficients, which "
                f"is zero for the tasks {some(names[null <= 0])}: their targets are "
                "constant, or one sample; drop these tasks, or pass one weight per task"
            )
    task_weight = read_task_weight(mode, names, data.total, null)
    factor = np.where(read.side == 0, task_weight / data.total, 0.0)
    weight = data.weight * np.repeat(factor, np.diff(data.task_ptr))
    return replace(read, data=replace(data, weight=weight))
