"""Targets of one scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from linmtl.data._checks import check_flag
from linmtl.data._labels import as_task_labels, codes_of, some
from linmtl.data._tables import missing_as_nan, require_names
from linmtl.data._times import refuse_times
from linmtl.preprocessing._scaler import TaskScaler


class TargetScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Standardise targets, of all tasks alike or of each task; missing ones stay NaN.

    The ``transformer`` of scikit-learn's `TransformedTargetRegressor`, and for use by
    hand: what is called X here are targets.

    Parameters
    ----------
    per_task : bool, default=False
        Whether each task has a mean and a standard deviation of its own: each column of
        a wide Y, or the rows of each of ``tasks``. Otherwise all have the same.
    with_mean : bool, default=True
        Whether to subtract the mean.
    with_std : bool, default=True
        Whether to divide by the standard deviation.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (1,) or (n_tasks,)
        What is subtracted, and what is divided by: ones for a constant target.
    tasks_ : ndarray of shape (n_tasks,)
        The sorted task labels. Only if tasks were given.
    n_features_in_ : int
        Number of columns; 1 for one-dimensional targets.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns. Only of a DataFrame with string names.

    See Also
    --------
    TaskScaler : The same for features.

    Notes
    -----
    `TransformedTargetRegressor` passes no tasks on, so that long data have one scale in
    it, and refuses targets that are missing; for these scale by hand. With
    ``per_task=True`` a penalty shrinks the coefficients of each task relative to the
    spread of its target.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.preprocessing import TargetScaler
    >>> Y = np.array([[1.0, 100.0], [3.0, np.nan], [5.0, 300.0]])
    >>> scaler = TargetScaler(per_task=True).fit(Y)
    >>> scaler.transform(Y).round(2)
    array([[-1.22, -1.  ],
           [ 0.  ,   nan],
           [ 1.22,  1.  ]])
    >>> scaler.inverse_transform([[0.0, 1.0]])
    array([[  3., 300.]])
    """

    mean_: np.ndarray
    scale_: np.ndarray
    tasks_: np.ndarray
    n_features_in_: int

    # which scikit-learn makes, for metadata routing
    set_fit_request: Callable[..., Self]
    set_transform_request: Callable[..., Self]

    def __init__(
        self, *, per_task: bool = False, with_mean: bool = True, with_std: bool = True
    ) -> None:
        self.per_task = per_task
        self.with_mean = with_mean
        self.with_std = with_std

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any = None, tasks: ArrayLike | None = None) -> Self:
        """Compute the means and the standard deviations.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, NaN where missing.
        y : None
            Ignored.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row, for one column of targets.

        Returns
        -------
        self : TargetScaler
            Fitted.
        """
        check_flag("per_task", self.per_task)
        Y = self._read(X, tasks, reset=True)
        within = self.per_task and tasks is not None
        if not self.per_task:
            Y = Y.reshape(-1, 1)
        self._scaler = TaskScaler(
            within_task=within, with_mean=self.with_mean, with_std=self.with_std
        ).fit(Y, tasks=tasks if within else None)
        self.mean_ = self._scaler.mean_.ravel()
        scale = self._scaler.scale_
        self.scale_ = np.ones_like(self.mean_) if scale is None else scale.ravel()
        self.__dict__.pop("tasks_", None)  # of an earlier fit
        if within:
            self.tasks_ = self._scaler.tasks_
        return self

    def transform(self, X: Any, tasks: ArrayLike | None = None) -> np.ndarray:
        """Standardise targets.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, NaN where missing.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row, if they were given to fit.

        Returns
        -------
        ndarray of the shape of X
            Standardised targets, NaN where they were missing.
        """
        return self._apply(self._scaler_of().transform, X, tasks)

    def inverse_transform(self, X: Any, tasks: ArrayLike | None = None) -> np.ndarray:
        """Undo :meth:`transform`, for predictions.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Scaled targets.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row, if they were given to fit.

        Returns
        -------
        ndarray of the shape of X
            Targets in their own units.
        """
        inverse = self._scaler_of().inverse_transform
        return self._apply(inverse, X, tasks, named=False)

    def fit_transform(
        self, X: Any, y: Any = None, tasks: ArrayLike | None = None
    ) -> np.ndarray:
        """Fit to targets and standardise them.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, NaN where missing.
        y : None
            Ignored.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row, for one column of targets.

        Returns
        -------
        ndarray of the shape of X
            Standardised targets, NaN where they were missing.
        """
        return self.fit(X, tasks=tasks).transform(X, tasks)

    def _scaler_of(self) -> TaskScaler:
        check_is_fitted(self)
        return self._scaler

    def _read(self, X: Any, tasks: Any, reset: bool, named: bool = True) -> np.ndarray:
        """Return targets as columns; of predictions these have no names."""
        refuse_times(X, "X")
        require_names(X)
        X = _as_array(missing_as_nan(X))
        if X.ndim == 1:
            X = np.asarray(X).reshape(-1, 1)
        options: dict[str, Any] = {
            "dtype": np.float64,
            "ensure_all_finite": "allow-nan",
        }
        Y: Any
        if named:
            Y = validate_data(self, X, reset=reset, **options)
        else:
            Y = check_array(X, estimator=self, input_name="X", **options)
            if Y.shape[1] != self.n_features_in_:
                raise ValueError(
                    f"X has {Y.shape[1]} features, but TargetScaler is expecting "
                    f"{self.n_features_in_} features as input"
                )
        if tasks is not None and Y.shape[1] > 1:
            raise ValueError(
                f"tasks were passed with {Y.shape[1]} columns of targets; each column "
                "is a task, or tasks name those of a single column"
            )
        return Y

    def _apply(
        self, change: Callable[..., Any], X: Any, tasks: Any, named: bool = True
    ) -> np.ndarray:
        Y = self._read(X, tasks, reset=False, named=named)
        within = hasattr(self, "tasks_")
        if within:
            self._check_tasks(tasks, len(Y))
        columns = Y if self.per_task else Y.reshape(-1, 1)
        out = change(columns, tasks=tasks if within else None).reshape(Y.shape)
        return out[:, 0] if _as_array(X).ndim == 1 else out

    def _check_tasks(self, tasks: Any, n: int) -> None:
        """Raise where the tasks are not those of fit."""
        if tasks is None:
            raise ValueError(
                "TargetScaler needs the task of each row, as in fit; pass tasks="
            )
        labels = as_task_labels(tasks, n)
        unknown = codes_of(labels, self.tasks_) < 0
        if unknown.any():
            raise ValueError(
                f"tasks has the labels {some(np.unique(labels[unknown]))}, which "
                f"TargetScaler has not seen in fit; it knows {some(self.tasks_)}"
            )


def _as_array(X: Any) -> Any:
    return X if hasattr(X, "ndim") else np.asarray(X)
