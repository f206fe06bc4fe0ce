"""Standardised features, over all rows or within each task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from linmtl.data._checks import check_choice, check_flag
from linmtl.data._frames import column_named
from linmtl.data._labels import (
    as_task_labels,
    codes_of,
    encode_tasks,
    is_dataframe,
    some,
    split_task_column,
    task_column_index,
    with_columns,
)
from linmtl.data._rows import rows_by_code
from linmtl.data._tables import as_table, require_names


def _dense_moments(X: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted mean and standard deviation per column, NaN ignored.

    Both are NaN for a column without any observed value of positive weight.
    """
    if not np.all(weight > 0):
        X, weight = X[weight > 0], weight[weight > 0]
    X = X.astype(np.float64, copy=False)
    observed = ~np.isnan(X)
    if observed.all():
        total = np.full(X.shape[1], weight.sum())
    else:
        total = weight @ observed
        X = np.where(observed, X, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weight @ X) / total
        # Centred first: the difference of squares loses all digits of a feature whose
        # mean is large beside its spread.
        centred = X - mean
        centred[~observed] = 0.0
        variance = (weight @ centred**2) / total
    return mean, np.sqrt(variance)


def _sparse_moments(X: Any, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Do the same for a CSR matrix whose absent entries are zeros."""
    n_features = X.shape[1]
    column = X.indices
    entry_weight = np.repeat(weight, np.diff(X.indptr))
    missing = np.isnan(X.data)
    entry_weight_here = np.where(missing, 0.0, entry_weight)
    values = np.where(missing, 0.0, X.data).astype(np.float64, copy=False)

    def column_sums(terms: np.ndarray) -> np.ndarray:
        return np.bincount(column, weights=terms, minlength=n_features)

    stored = column_sums(entry_weight_here)
    total = weight.sum() - column_sums(np.where(missing, entry_weight, 0.0))
    # Rounding may leave a tiny weight where every entry is missing.
    total[total <= 1e-12 * weight.sum()] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = column_sums(entry_weight_here * values) / total
        squares = column_sums(entry_weight_here * (values - mean[column]) ** 2)
        absent = np.maximum(total - stored, 0.0)
        variance = (squares + absent * mean**2) / total
    return mean, np.sqrt(variance)


def _as_scale(mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Replace the standard deviation of a constant feature by 1."""
    # The mean of equal numbers is not always that number, hence not just sd == 0.
    constant = sd <= 10 * np.finfo(np.float64).eps * np.abs(mean)
    return np.where(constant, 1.0, sd)


class TaskScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Standardise the features, over all rows or within each task.

    The task column, if X has one, passes through untouched and keeps its place.

    Parameters
    ----------
    within_task : bool, default=False
        Whether each task is standardised with the mean and the standard deviation of
        its own training rows. ``False`` uses those of all rows.
    with_mean : bool, default=True
        Whether to subtract the mean. Must be ``False`` for sparse X.
    with_std : bool, default=True
        Whether to divide by the standard deviation.
    task_column : str or int, default=None
        The column of X that holds the tasks: a name (DataFrames only) or a position.
    handle_unknown : {"error", "mean"}, default="error"
        What to do at transform with a task not seen in fit, when ``within_task=True``:
        raise an error that names it, or use the mean and the standard deviation of
        all training rows.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,) or (n_tasks, n_features)
        Mean of each feature; one row per task when ``within_task=True``. The task
        column is no feature.
    scale_ : ndarray of the shape of ``mean_``, or None
        What the features are divided by: the (biased) standard deviation, 1 for a
        constant feature. ``None`` when ``with_std=False``.
    pooled_mean_, pooled_scale_ : ndarray of shape (n_features,)
        The same over all training rows. ``pooled_scale_`` may be ``None`` as
        ``scale_`` may.
    tasks_ : ndarray of shape (n_tasks,)
        The sorted task labels. Only if tasks were given.
    n_features_in_ : int
        Number of columns of X, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X. Only if X is a DataFrame with string names.

    Raises
    ------
    ValueError
        If the tasks are needed and not given, if they are given twice, or at transform
        for an unknown task.
    TypeError
        If X is sparse and ``with_mean=True``.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : The same without tasks.

    Notes
    -----
    NaN is ignored in fit and stays NaN in transform. A feature of which a task has no
    value is scaled as over all rows, and left as it is where no row has a value.

    With ``task_column`` a DataFrame gives a DataFrame, so that the next step of a
    pipeline finds the column; everything else gives what scikit-learn's transformers
    give: an array unless ``set_output`` was called. An array of objects, for
    instance with strings in its task column, gives an array of objects.

    Scaling within each task moves the differences between the means of the tasks into
    their intercepts, and coefficients are per standard deviation of the task itself.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.preprocessing import TaskScaler
    >>> X = np.array([[1.0], [3.0], [100.0], [300.0]])
    >>> tasks = ["a", "a", "b", "b"]
    >>> scaler = TaskScaler(within_task=True).fit(X, tasks=tasks)
    >>> scaler.mean_
    array([[  2.],
           [200.]])
    >>> scaler.transform(X, tasks=tasks).ravel()
    array([-1.,  1., -1.,  1.])
    """

    mean_: np.ndarray
    scale_: np.ndarray | None
    pooled_mean_: np.ndarray
    pooled_scale_: np.ndarray | None
    tasks_: np.ndarray

    # which scikit-learn makes, for metadata routing
    set_fit_request: Callable[..., Self]
    set_transform_request: Callable[..., Self]

    def __init__(
        self,
        *,
        within_task: bool = False,
        with_mean: bool = True,
        with_std: bool = True,
        task_column: str | int | None = None,
        handle_unknown: Literal["error", "mean"] = "error",
    ) -> None:
        self.within_task = within_task
        self.with_mean = with_mean
        self.with_std = with_std
        self.task_column = task_column
        self.handle_unknown = handle_unknown

    def fit(
        self,
        X: Any,
        y: Any = None,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Compute the means and the standard deviations.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            The data, with or without a task column.
        y : None
            Ignored.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row. Not together with ``task_column``.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weight of each row in the means.

        Returns
        -------
        self : TaskScaler
            The fitted scaler.
        """
        for name in ("within_task", "with_mean", "with_std"):
            check_flag(name, getattr(self, name))
        check_choice("handle_unknown", self.handle_unknown, ("error", "mean"))
        _, features, labels = self._read(X, tasks, reset=True)
        if self.within_task and labels is None:
            raise ValueError(
                "within_task=True needs the task of each row; pass fit(X, tasks=...) "
                "or set task_column"
            )
        weight = _read_weight(sample_weight, features.shape[0])

        moments = _sparse_moments if sparse.issparse(features) else _dense_moments
        mean, sd = moments(features, weight)
        never = np.isnan(sd)
        mean, sd = np.where(never, 0.0, mean), np.where(never, 1.0, sd)
        self.pooled_mean_ = mean
        self.pooled_scale_ = _as_scale(mean, sd) if self.with_std else None

        if hasattr(self, "tasks_"):
            del self.tasks_
        if labels is not None:
            self.tasks_, codes = encode_tasks(labels)
        if labels is None or not self.within_task:
            self.mean_, self.scale_ = self.pooled_mean_, self.pooled_scale_
            return self

        means = np.empty((len(self.tasks_), features.shape[1]))
        sds = np.empty_like(means)
        for t, rows in enumerate(rows_by_code(codes, len(self.tasks_))):
            means[t], sds[t] = moments(features[rows], weight[rows])
        never = np.isnan(sds)
        self.mean_ = np.where(never, mean, means)
        self.scale_ = (
            _as_scale(self.mean_, np.where(never, sd, sds)) if self.with_std else None
        )
        return self

    def transform(self, X: Any, tasks: ArrayLike | None = None) -> Any:
        """Standardise X.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            The data, with the columns of the data in fit.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row. Not together with ``task_column``.

        Returns
        -------
        X_out : {ndarray, sparse matrix, DataFrame} of the shape of X
            The scaled data, its task column untouched. Sparse output is CSR.
        """
        return self._apply(X, tasks, forward=True)

    def inverse_transform(self, X: Any, tasks: ArrayLike | None = None) -> Any:
        """Undo :meth:`transform`.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Scaled data.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row. Not together with ``task_column``.

        Returns
        -------
        X_out : {ndarray, sparse matrix, DataFrame} of the shape of X
            The data on the scale of the data in fit.
        """
        return self._apply(X, tasks, forward=False)

    def fit_transform(
        self,
        X: Any,
        y: Any = None,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Any:
        """Fit to X and standardise it.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            The data, with or without a task column.
        y : None
            Ignored.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row. Not together with ``task_column``.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weight of each row in the means.

        Returns
        -------
        X_out : {ndarray, sparse matrix, DataFrame} of the shape of X
            What :meth:`transform` returns.
        """
        # The inherited method would not hand the tasks on to transform.
        fitted = self.fit(X, y, tasks=tasks, sample_weight=sample_weight)
        return fitted.transform(X, tasks=tasks)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = not self.with_mean
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _read(
        self, X: Any, tasks: Any, reset: bool
    ) -> tuple[Any, Any, np.ndarray | None]:
        """Return X (validated, or raw with its task column), its features and labels.

        The features are a float ndarray or CSR matrix that may share memory with X.
        """
        options: dict[str, Any] = {
            "accept_sparse": "csr",
            "dtype": [np.float64, np.float32],
            "ensure_all_finite": "allow-nan",
        }
        features: Any
        X = as_table(X)
        require_names(X)
        if self.task_column is None:
            with column_named(X, may_be_tasks=reset and tasks is None):
                X = features = validate_data(self, X, reset=reset, **options)
            labels = None
            if tasks is not None:
                labels = as_task_labels(tasks, features.shape[0])
        else:
            if tasks is not None:
                raise ValueError(
                    f"tasks were passed though task_column={self.task_column!r} names "
                    "the tasks too; pass tasks or set task_column, not both"
                )
            X = with_columns(X)
            if reset:
                # Before n_features_in_ is set: a failed fit leaves nothing behind.
                task_column_index(X, self.task_column)
            validate_data(self, X, reset=reset, skip_check_array=True)
            rest, labels, _ = split_task_column(X, self.task_column)
            with column_named(rest):
                features = check_array(rest, estimator=self, input_name="X", **options)
        if sparse.issparse(features):
            if self.with_mean:
                # A TypeError, as scikit-learn raises where sparse X is not accepted.
                raise TypeError(
                    "X is sparse and centring would make it dense; set "
                    "with_mean=False, or pass X.toarray()"
                )
            if not features.has_canonical_format:
                # Duplicates would be squared one by one in the variance.
                features = features.copy()
                features.sum_duplicates()
        return X, features, labels

    def _codes(self, labels: np.ndarray | None) -> np.ndarray:
        if labels is None:
            raise ValueError(
                "the scaler was fitted with within_task=True and needs the task of "
                "each row; pass transform(X, tasks=...) or set task_column"
            )
        codes = codes_of(labels, self.tasks_)
        unknown = codes < 0
        if self.handle_unknown == "error" and unknown.any():
            names = some(np.unique(labels[unknown]))
            raise ValueError(
                f"X has tasks that were not in fit: {names}; fit knew "
                f"{some(self.tasks_)}. Drop these rows, set "
                "handle_unknown='mean' or, in cross-validation, pass cv=TaskKFold(5)"
            )
        return codes

    def _apply(self, X: Any, tasks: Any, forward: bool) -> Any:
        check_is_fitted(self)
        X, features, labels = self._read(X, tasks, reset=False)
        mean, scale = self.mean_, self.scale_
        if self.within_task:
            codes = self._codes(labels)
            # Code -1, an unknown task, picks the last row.
            mean = np.vstack([mean, self.pooled_mean_])[codes]
            if scale is not None and self.pooled_scale_ is not None:
                scale = np.vstack([scale, self.pooled_scale_])[codes]
        out = features.copy()
        if sparse.issparse(out):
            if scale is not None:
                rows = np.repeat(np.arange(out.shape[0]), np.diff(out.indptr))
                factor = (
                    scale[rows, out.indices] if self.within_task else scale[out.indices]
                )
                out.data = (out.data / factor if forward else out.data * factor).astype(
                    out.dtype, copy=False
                )
        elif forward:
            if self.with_mean:
                out -= mean
            if scale is not None:
                out /= scale
        else:
            if scale is not None:
                out *= scale
            if self.with_mean:
                out += mean
        if self.task_column is None:
            return out
        return _put_back(X, out, task_column_index(X, self.task_column))


def _read_weight(sample_weight: Any, n_samples: int) -> np.ndarray:
    if sample_weight is None:
        return np.ones(n_samples)
    weight = check_array(
        sample_weight, ensure_2d=False, dtype="float64", input_name="sample_weight"
    )
    if weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {weight.shape} but X has {n_samples} rows; pass "
            f"shape ({n_samples},)"
        )
    if np.any(weight < 0):
        raise ValueError(
            f"sample_weight has the negative value {weight.min()}; pass weights of at "
            "least 0"
        )
    if not np.any(weight > 0):
        raise ValueError("sample_weight is zero everywhere; give some row a weight")
    return weight


def _put_back(X: Any, out: Any, index: int) -> Any:
    """Return the scaled features with the task column of X at its old position."""
    if is_dataframe(X):
        names = list(X.columns)
        if hasattr(X, "iloc"):
            rest = [i for i in range(len(names)) if i != index]
            frame = type(X)(out, index=X.index, columns=X.columns[rest])
            frame.insert(index, names[index], X.iloc[:, index], allow_duplicates=True)
            return frame
        columns = np.insert(out, index, 0.0, axis=1).T
        data = dict(zip(names, columns, strict=True))
        data[names[index]] = X[names[index]]
        return type(X)(data)
    if sparse.issparse(X):
        column = X.tocsc()[:, [index]]
        return sparse.hstack([out[:, :index], column, out[:, index:]], format="csr")
    column = X[:, index]
    if X.dtype.kind in "OUT":
        out = out.astype(object)
    return np.insert(out, index, column, axis=1)
