"""From what a user passes to canonical data, and the errors on the way."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from linmtl.data._absent import fill_absent, read_feature_mask, without_absent
from linmtl.data._canonical import MultiTaskData, far_intercept, lent
from linmtl.data._classes import ClassColumns
from linmtl.data._frames import column_named
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
from linmtl.data._tables import as_table
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
from linmtl.data._weights import (
    read_class_weight,
    read_offset,
    read_sample_weight,
    read_task_weight,
)
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import StackedDesign

_ROUNDING_OF_SQUARES = 1e-13
_X_OPTIONS: dict[str, Any] = {
    "accept_sparse": ("csr", "csc"),
    "dtype": [np.float64, np.float32],
}


@dataclass(frozen=True)
class FitInput:
    """What was read from the arguments of `fit`.

    Attributes
    ----------
    layout : {"single", "long", "wide"}
        One task; one label per row; one column of Y per task.
    data : MultiTaskData
        Canonical data, weights included.
    tasks : ndarray of shape (n_tasks,)
        Task labels, in the order of the data.
    n_samples : ndarray of shape (n_tasks,)
        Sum of the sample weights of each task, S_t.
    classes : ndarray of shape (n_classes,) or None
        Class labels of a classifier; of two, y is -1 for the first and +1 for the
        second, of more y is the position.
    side : ndarray of shape (n_tasks,)
        -1 or +1 for a task whose best intercept is infinite on that side (only one
        class occurs, counts are all zero) and which is therefore left out of the loss,
        0 elsewhere.
    feature_names : ndarray of shape (n_features,) or None
        Names of the columns of coef_.
    rows : ndarray of int
        The row of X, as passed, of each observation (wide: of each sample).
    n_rows : int
        Number of rows of X as passed.
    ordered : bool
        Whether the order of the tasks was given, by ``task_order`` or categories.
    scale : ndarray of shape (n_features,) or None
        What the features of the design were divided by, if anything.
    side_means : ndarray of shape (n_tasks_left_out, n_features)
        Means of the features in the tasks that are left out of the loss.
    side_offset : ndarray of shape (n_tasks_left_out,)
        Means of the offsets in these tasks.
    present : ndarray of bool of shape (n_features, n_tasks) or None
        Which features each task has; those absent are zero in `data`. None where all
        have all.
    offset : ndarray of shape (n_observations,) or None
        What was passed to be added to the linear predictors. Where `data` have none,
        their targets are less it.
    """

    layout: str
    data: MultiTaskData
    tasks: np.ndarray
    n_samples: np.ndarray
    classes: np.ndarray | None
    side: np.ndarray
    feature_names: np.ndarray | None
    rows: np.ndarray
    n_rows: int
    ordered: bool = False
    scale: np.ndarray | None = None
    side_means: np.ndarray | None = None
    side_offset: np.ndarray | None = None
    offset: np.ndarray | None = None
    present: np.ndarray | None = None

    @property
    def code(self) -> np.ndarray:
        """The task of each observation, a position in `tasks`."""
        return np.repeat(np.arange(len(self.tasks)), np.diff(self.data.task_ptr))

    @property
    def sample_weight(self) -> np.ndarray:
        """Weight of each observation in units of samples; zero if it does not count."""
        data, size = self.data, np.zeros(len(self.tasks))
        np.divide(self.n_samples, data.total, out=size, where=data.total > 0)
        return data.weight * size[self.code]

    @property
    def y(self) -> np.ndarray:
        """Targets of all observations, offsets included."""
        y, shift = self.data.y, self.offset
        return y if shift is None or self.data.offset is not None else y + shift

    def long(self, used: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray]:
        """Return X, y as passed and tasks (positions) of some of the observations."""
        return self.data.design.samples(used), self.labels(used), self.code[used]

    def labels(self, used: np.ndarray) -> np.ndarray:
        """Return the targets of some of the observations as they were passed."""
        y = self.y[used]
        if self.classes is None:
            return y
        return self.classes[(y if self.several else y > 0).astype(int)]

    @property
    def several(self) -> bool:
        """Whether there are more than two classes."""
        return self.classes is not None and self.classes.size > 2

    @property
    def class_axis(self) -> tuple[int, ...]:
        """The length of the axis that several classes add to linear predictors."""
        return (len(self.classes),) if self.classes is not None and self.several else ()

    @property
    def single_class(self) -> np.ndarray:
        """Which tasks have a single class, or no best intercept, (n_tasks,)."""
        if not self.several:
            return self.side != 0
        pairs = self.class_columns(self.data, self.tasks)
        return np.bincount(pairs.task, minlength=len(self.tasks)) < 2

    def class_columns(self, data: MultiTaskData, tasks: np.ndarray) -> ClassColumns:
        """Return the columns of W of more than two classes, for data of these tasks."""
        assert self.classes is not None
        return ClassColumns.of(data, tasks, self.classes)

    def spreads(self) -> np.ndarray:
        """Return the spread of each feature within the tasks, (n_features,).

        The root of the mean over the tasks, as they are weighted, of its variance (of
        its square, without intercepts); zero for a feature that is constant within
        all tasks.
        """
        data = self.data
        total = data.total.sum()
        if self.present is not None:  # of the tasks that have a feature
            total = self.present @ data.total
            total[total <= 0] = 1.0
        square = data.design.column_squares(data.weight, data.fit_intercept) / total
        if data.fit_intercept:  # of a constant nothing but rounding is left
            whole = data.design.column_squares(data.weight, False) / total
            square[square <= _ROUNDING_OF_SQUARES * whole] = 0.0
        return np.sqrt(square)

    def scaled(self, spread: np.ndarray) -> FitInput:
        """Return the same with each feature divided by its spread, unless that is 0."""
        scale = np.where(spread > 0, spread, 1.0)
        design = self.data.design.scaled(1.0 / scale)
        means = None if self.side_means is None else self.side_means / scale
        data = replace(self.data, design=design)
        return replace(self, data=data, scale=scale, side_means=means)

    @property
    def scales(self) -> np.ndarray:
        """What the features were divided by, ones if by nothing, (n_features,)."""
        none = np.ones(self.data.design.n_features)
        return none if self.scale is None else self.scale

    def unscaled(self, W: np.ndarray) -> np.ndarray:
        """Return coefficients (..., n_features) in the units of X."""
        return W if self.scale is None else W / self.scale

    def masked(self, W: np.ndarray) -> np.ndarray:
        """Return coefficients (n_tasks, ..., n_features), zero for absent features.

        Those of classes that a task does not have stay NaN.
        """
        if self.present is None:
            return W
        present = self.present.T
        present = present if W.ndim == 2 else present[:, None]
        return np.where(present | np.isnan(W), W, 0.0)

    def intercepts(self, b: np.ndarray) -> np.ndarray:
        """Return the intercept of every task, (n_tasks,).

        A task without a best one has one that is far on its side; a model with one
        intercept gives it to all tasks.
        """
        b, left_out = np.broadcast_to(b, self.tasks.shape), self.side != 0
        b = np.where(left_out, far_intercept(self.side, self.n_samples), b)
        if self.side_offset is not None:
            b[left_out] -= self.side_offset
        return b

    def lent(self, W: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return models in which tasks left out have what the others share.

        Where the penalty gives such a task nothing, it takes the mean coefficients of
        the others, and its intercept is the one given at the mean of its rows.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            Coefficients.
        b : ndarray of shape (n_tasks,)
            From :meth:`intercepts`.
        """
        if self.side_means is None:
            return W, b
        alone = np.flatnonzero(self.side)
        return lent(W, b, alone, self.side == 0, self.side_means, self.present)


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
    X, y = as_table(X), as_table(y)
    order = order_of_tasks(estimator, X, tasks)
    X, labels, feature_names = read_X(estimator, X, tasks, True, incomplete)
    present, masked = None, getattr(estimator, "feature_mask", None) is not None
    if masked and not incomplete:
        raise ValueError(
            f"{type(estimator).__name__}: feature_mask is not for this model or what "
            "is made of it here, in which all tasks have all features; drop it"
        )
    if incomplete:
        X, present = fill_absent(X, labels, order, feature_names, estimator, masked)
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
        if masked:
            if layout == "single":
                raise ValueError(
                    f"{type(estimator).__name__}: feature_mask says which task has "
                    "which features, and there is one task; drop it"
                )
            mask = read_feature_mask(estimator, X.shape[1], feature_names, names)
            data, present = _with_mask(data, X, mask), mask
        offset = None if offset is None else _by_task(offset)
    if not targets.location:
        data = replace(data, offset=offset)
    _require_weight(data, names, layout)
    pairs = None
    side = np.zeros(len(names), dtype=int)
    if classes is not None and classes.size > 2:
        pairs = ClassColumns.of(data, names, classes)
        _require_classes(pairs, layout)
    elif data.fit_intercept or targets.classify:
        side = _sides(data, targets, layout)
    if not data.fit_intercept:  # then the loss has a finite optimum
        side[:] = 0
    side_means = side_offset = None
    if side.any():
        alone = data.of_tasks(np.flatnonzero(side))
        side_offset = alone.mean_offset(alone.weight)
        side_means = alone.design.task_sums(alone.weight) / alone.total[:, None]
    total = data.total
    task_weight = _task_weights(
        estimator,
        names,
        total,
        side,
        lambda: null_losses(data if pairs is None else pairs.expand(data)),
    )
    factor = np.where(side == 0, task_weight / total, 0.0)
    weight = data.weight * np.repeat(factor, np.diff(data.task_ptr))
    return FitInput(
        layout,
        replace(data, weight=weight),
        names,
        total,
        classes,
        side,
        feature_names,
        rows,
        X.shape[0],
        ordered=order is not None,
        side_means=side_means,
        side_offset=side_offset,
        offset=offset,
        present=present,
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
    predict every row.
    """
    X, labels, _ = read_X(estimator, X, tasks, reset=False)
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
        mean = "set handle_unknown='mean' to predict them with the consensus model. "
        raise ValueError(
            f"tasks has the labels {some(np.unique(labels[unknown]))}, which "
            f"{type(estimator).__name__} has not seen in fit; "
            f"{mean if getattr(estimator, '_has_mean_model', True) else ''}In "
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
    estimator: Any, X: Any, tasks: Any, reset: bool, allow_nan: bool = False
) -> tuple[Any, Any, Any]:
    """Return X without the task column, the task labels and the features' names."""
    if isinstance(tasks, str):
        raise ValueError(
            f"tasks is the name {tasks!r}; pass one label per row, or the name as "
            "task_column= of the estimator, for a column of X"
        )
    X, column = as_table(X), estimator.task_column
    options: dict[str, Any] = {**_X_OPTIONS}
    if allow_nan:
        options["ensure_all_finite"] = "allow-nan"
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


def _sides(data, targets, layout):
    side = targets.sides(data.y, data.weight, data.task_ptr)
    # without an intercept each task has a finite optimum
    if side.size and np.all(side != 0) and (data.fit_intercept or layout == "single"):
        where = "the data" if layout == "single" else "every task"
        if targets.classify:
            raise ValueError(
                f"y has only 1 class in {where} (labels of weight zero left out); a "
                "classifier needs both"
            )
        raise ValueError(
            f"y has {targets.one_sided} in {where} (rows of weight zero left out); "
            "there is nothing to fit"
        )
    return side


def _require_weight(data, names, layout):
    """Raise where a task has no label of positive weight."""
    empty = data.total <= 0
    if not empty.any():
        return
    lacking = "y has no observed label with a positive weight"
    if layout == "single":
        raise ValueError(f"{lacking}; sample_weight must not be all zero")
    raise ValueError(f"{lacking} for the tasks {some(names[empty])}; drop these tasks")


def _require_classes(pairs, layout):
    """Raise where each task has a single class."""
    if pairs.task.size == len(pairs.tasks):
        where = "the data" if layout == "single" else "every task"
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


def _task_weights(estimator, names, total, side, null_losses):
    """Return lambda_t, with what the modes that follow from the losses start from."""
    mode = estimator.task_weight
    null = None
    if isinstance(mode, str) and mode in ("null_loss", "minimax"):
        null = null_losses()
        null[side != 0] = 1.0  # whatever their weight, it is not used
        if np.any(null <= 0):
            raise ValueError(
                f"task_weight={mode!r} divides by the loss without coefficients, which "
                f"is zero for the tasks {some(names[null <= 0])}: their targets are "
                "constant, or one sample; drop these tasks, or pass one weight per task"
            )
    return read_task_weight(mode, names, total, null)
