"""Targets and labels of classes, as users pass them."""

from __future__ import annotations

import numbers
from typing import Any, ClassVar, Protocol

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array

from linmtl.data._labels import array_of_rows, as_task_labels, is_missing, some
from linmtl.data._tables import as_table
from linmtl.data._times import refuse_times

NO_CHANCE = 10  # rows in which a pattern is none


class Targets(Protocol):
    """What reading y asks of a loss."""

    classify: ClassVar[bool]
    location: ClassVar[bool]
    one_sided: ClassVar[str]

    def encode(
        self, y: np.ndarray, missing: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return targets as numbers, and the labels of the classes if any."""
        ...

    def sides(
        self, y: np.ndarray, weight: np.ndarray, task_ptr: np.ndarray
    ) -> np.ndarray:
        """Return the side on which the best intercept of a task is infinite, or 0."""
        ...


class EncodedTargets:
    """What reading y asks of a loss, where y holds its targets already.

    Parameters
    ----------
    loss : Targets
        The loss.
    """

    classify = False

    def __init__(self, loss: Targets):
        self.location, self.one_sided = loss.location, loss.one_sided
        self.sides = loss.sides

    def encode(self, y: np.ndarray, missing: np.ndarray) -> tuple[np.ndarray, None]:
        """Return targets as they are."""
        return y, None


def require_y(estimator: Any, y: Any) -> None:
    """Demand a target, in the words that scikit-learn's own checks look for."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is "
            "None"
        )


def column_labels(y: Any, name: str = "y") -> np.ndarray | None:
    """Return the names of the columns of a DataFrame, each of which is a task."""
    if not (hasattr(y, "columns") and hasattr(y, "shape") and len(y.shape) == 2):
        return None
    labels = as_task_labels(list(y.columns), name=f"the columns of {name}")
    distinct, counts = np.unique(labels, return_counts=True)
    if np.any(counts > 1):
        raise ValueError(
            f"the columns of {name} repeat {some(distinct[counts > 1])}; each column "
            "is a task and needs a name of its own"
        )
    return labels


def as_sequence(y: Any, name: str = "y") -> Any:
    """Read an iterator, and refuse what cannot hold one label per row."""
    y = as_table(y)
    if sparse.issparse(y):
        raise TypeError(f"{name} is a sparse matrix; pass a dense array")
    if isinstance(y, (list, tuple)):
        return y
    if hasattr(y, "__iter__") and not (hasattr(y, "__array__") or isinstance(y, str)):
        return list(y)
    if np.asarray(y).ndim == 0:
        raise ValueError(
            f"{name} is the single value {y!r}; pass an array of shape (n_samples,) or "
            "(n_samples, n_tasks)"
        )
    return y


def as_array(y: Any, name: str = "y") -> np.ndarray:
    """Return an array of one or two dimensions whose elements are what was passed.

    Labels and numbers side by side, as in ``["a", nan]``, are objects, not strings.
    """
    y = as_sequence(y, name)
    if hasattr(y, "dtype") and not isinstance(y.dtype, np.dtype):
        array = np.asarray(y, dtype=object)  # a pandas extension type
    else:
        array = array_of_rows(y)
    if array.dtype.kind == "T":
        array = array.astype(object)
    elif isinstance(y, (list, tuple)) and {type(v) for v in array.flat} == {str}:
        array = array.astype(str)
    _check_dimensions(array, name)
    return array


def _check_dimensions(y: np.ndarray, name: str = "y") -> None:
    if y.ndim not in (1, 2) or (y.ndim == 2 and y.shape[1] == 0):
        raise ValueError(
            f"{name} has shape {y.shape}; pass (n_samples,) or (n_samples, n_tasks)"
        )


def _check_bounded(y: np.ndarray) -> None:
    if y.dtype.kind == "f" and np.isinf(y).any():
        raise ValueError("Input y contains infinity or a value too large for float64")


def read_targets(y: Any) -> np.ndarray:
    """Return the targets of a regression as numbers, NaN where missing."""
    y = as_sequence(y)
    refuse_times(y, "y")
    require_numbers(y, "use a classifier, or loss='logistic' where there is a choice")
    if np.asarray(y).dtype.kind == "O":  # where NaT may stand for NaN
        y = np.asarray(y, dtype=object)
        y = np.where(missing_mask(y), np.nan, y)
    if type(y) is not np.ndarray or y.dtype != np.float64 or 0 in y.shape[:1]:
        y = check_array(
            y,
            ensure_2d=False,
            allow_nd=False,
            dtype="float64",
            ensure_all_finite=False,
            input_name="y",
            ensure_min_features=0,
        )
    _check_dimensions(y)
    _check_bounded(y)
    return y


def one_for_each_row(y: np.ndarray, n_rows: int, of_tasks: bool) -> np.ndarray:
    """Return one target for each row of long data, or of the rows of one task.

    With tasks a single column will do, as in `fit`; without, it would be a wide Y.
    """
    if of_tasks and y.shape == (n_rows, 1):
        y = y[:, 0]
    if y.shape != (n_rows,):
        raise ValueError(
            f"y has shape {y.shape}, but X has {n_rows} rows; pass one target for each"
        )
    return y


def require_numbers(y: Any, mend: str) -> None:
    """Raise where y holds labels of classes that are no numbers."""
    if np.asarray(y).dtype.kind in "biufc":  # of complex ones others speak
        return
    for value in np.asarray(y, dtype=object).ravel().tolist():
        if is_missing(value):
            continue
        try:
            float(value)
        except (TypeError, ValueError):
            what = "labels of classes" if isinstance(value, str) else "objects"
            raise ValueError(
                f"y holds {what}, such as {value!r}, where numbers are expected; "
                f"{mend}, or encode them as numbers"
            ) from None


def read_labels(y: Any) -> np.ndarray:
    """Return labels of classes as numbers, strings or objects, some of them missing."""
    y = as_sequence(y)
    refuse_times(y, "y")
    y = as_array(y)
    if y.dtype.kind == "S":
        raise ValueError("y holds bytes; pass strings, as y.astype(str)")
    if y.dtype.kind == "O":
        flat = y.ravel().tolist()
        present = [value for value in flat if not is_missing(value)]
        whole = numbers.Integral, np.bool_
        if len(present) == len(flat) and all(isinstance(v, whole) for v in flat):
            y = np.array(flat).reshape(y.shape)
        elif all(isinstance(value, (bool, np.bool_)) for value in present):
            pass  # some of them missing: numbers would be other labels
        elif all(isinstance(value, (numbers.Real, np.bool_)) for value in present):
            flat = [np.nan if is_missing(value) else float(value) for value in flat]
            y = np.array(flat).reshape(y.shape)
    _check_bounded(y)
    return y


def native(values: np.ndarray, name: str) -> np.ndarray:
    """Return objects, none of them missing, as the numbers or strings that they are."""
    if values.dtype.kind != "O":
        return values
    items = values.tolist()
    flat = values.ravel().tolist()
    strings = [isinstance(value, str) for value in flat]
    if any(strings) and not all(strings):
        raise ValueError(
            f"{name} mixes strings and other values, for instance {some(flat, 3)}; "
            "make all labels strings or all numbers"
        )
    if any(isinstance(value, (list, tuple)) or value is None for value in flat):
        raise ValueError(
            f"{name} holds {some(flat, 3)}; pass an array of numbers or strings, with "
            "rows of equal length"
        )
    return np.array(items)


def missing_mask(y: np.ndarray) -> np.ndarray:
    """Return where labels are missing (NaN, None, NA, NaT), an array of y's shape."""
    if y.dtype.kind == "f":
        return np.isnan(y)
    if y.dtype.kind in "mM":
        return np.isnat(y)
    if y.dtype.kind == "O":
        flat = [is_missing(value) for value in y.ravel().tolist()]
        return np.array(flat, dtype=bool).reshape(y.shape)
    return np.zeros(y.shape, dtype=bool)


def two_valued(y: np.ndarray, used: np.ndarray, task_ptr: np.ndarray) -> np.ndarray:
    """Return which tasks have two values only where others have more, (n_tasks,).

    Their targets may be classes. Of fewer than ten rows nothing is said.

    Parameters
    ----------
    y, used : ndarray of shape (n_observations,)
        Targets sorted by task, and whether each counts.
    task_ptr : ndarray of shape (n_tasks + 1,)
        Where the tasks begin; none is empty.
    """
    first, size = task_ptr[:-1], np.diff(task_ptr)
    if size.min() > 2:  # most tasks show more in their first rows
        a, b, c = y[first], y[first + 1], y[first + 2]
        shown = used[first] & used[first + 1] & used[first + 2]
        if np.all(shown & (a != b) & (b != c) & (c != a)):
            return np.zeros(size.size, dtype=bool)
    low = np.minimum.reduceat(np.where(used, y, np.inf), first)
    high = np.maximum.reduceat(np.where(used, y, -np.inf), first)
    between = used & (y > np.repeat(low, size)) & (y < np.repeat(high, size))
    more = np.logical_or.reduceat(between, first)
    two = ~more & (low < high) & (np.add.reduceat(used, first, dtype=int) >= NO_CHANCE)
    return two & more.any()


def encode_classes(
    y: np.ndarray, missing: np.ndarray, several: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return -1 and +1 for labels of two classes, 0 where missing, and the classes.

    Of more than two, if ``several`` are allowed, the positions in the classes.
    """
    observed = y[~missing]
    if observed.size == 0:
        raise ValueError("y has no observed label")
    try:
        classes = np.unique(observed)
        if all(isinstance(label, bool) for label in classes.tolist()):
            classes = classes.astype(bool)
        if classes.dtype.kind == "f":
            fractions = classes[classes != np.round(classes)]
            if fractions.size:
                raise ValueError(
                    "Unknown label type: y holds fractions, such as "
                    f"{some(fractions[:1])}, where classes are expected; use a "
                    "regressor, or pass strings or whole numbers as labels"
                )
        if classes.size > 2 or not _are_labels(classes):
            with np.errstate(invalid="ignore"):  # it casts them to integers
                check_classification_targets(observed)
    except TypeError:
        raise ValueError(
            "y mixes labels that cannot be compared (strings and numbers); use one type"
        ) from None
    became_float = missing.any() and classes.dtype.kind == "f"
    if became_float and _are_integers(classes):
        classes = classes.astype(np.int64)
    if classes.size > 2 and several:
        codes = np.zeros(y.shape)
        codes[~missing] = np.searchsorted(classes, observed)
        return codes, classes
    if classes.size > 2:
        raise ValueError(
            "Only binary classification is supported. The type of the target is "
            f"multiclass: y has {classes.size} classes, {some(classes)}; "
            "MeanRegularizedClassifier and others with loss='logistic' take more, and "
            "scikit-learn's OneVsRestClassifier fits each class against the others, "
            "with the tasks in a column of X (task_column)"
        )
    if classes.size == 1:
        raise ValueError(
            f"y has only 1 class, {some(classes)}; a classifier needs both classes"
        )
    signs = np.zeros(y.shape)
    signs[~missing] = np.where(observed == classes[1], 1.0, -1.0)
    return signs, classes


def _are_labels(classes):
    """Return whether these are labels for sure, without scikit-learn's slow check."""
    if classes.dtype.kind == "f":
        return _are_integers(classes)
    return classes.dtype.kind in "biuU"


def _are_integers(numbers):
    """Return whether these floating-point numbers are exact integers."""
    return bool(np.all((numbers == np.round(numbers)) & (np.abs(numbers) < 2**53)))
