"""Features that a model uses, with the task column beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from linmtl.data._checks import check_count, check_number
from linmtl.data._labels import is_dataframe, task_column_index, with_columns
from linmtl.data._warn import warn


class SelectFeatures(SelectorMixin, MetaEstimatorMixin, BaseEstimator):
    """Keep the features that a multi-task model uses, and the task column.

    A feature counts by the Euclidean norm of its coefficients over the tasks.

    Parameters
    ----------
    estimator : estimator
        What is fitted: an estimator of this package, or another one with ``coef_`` and
        a ``task_column`` or none.
    threshold : float, "mean" or "median", default=0.0
        Features with a larger norm are kept: by default those with a coefficient that
        is not zero. "mean" and "median" are those of all norms.
    max_features : int, default=None
        At most so many features are kept, those with the largest norms.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator.
    scores_ : ndarray of shape (n_features,)
        Norm of the coefficients of each feature; the task column is no feature.
    threshold_ : float
        The threshold used.
    n_features_in_ : int
        Number of columns of X, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.

    See Also
    --------
    sklearn.feature_selection.SelectFromModel : The same without a task column.

    Notes
    -----
    The task column of the estimator keeps its place: ``get_support`` and
    ``get_feature_names_out`` count it. A DataFrame stays one, so that the next step of
    a pipeline finds the column by its name. scikit-learn's selectors take ``coef_`` for
    the columns of X, of which there is one more; with a task column the estimators of
    this package refuse to be fitted inside them.

    Examples
    --------
    >>> import pandas as pd
    >>> from linmtl import L21Regressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.preprocessing import SelectFeatures
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> X = pd.DataFrame(X).add_prefix("x").assign(site=tasks)
    >>> select = SelectFeatures(L21Regressor(1.0, task_column="site")).fit(X, y)
    >>> select.get_feature_names_out().tolist()
    ['x1', 'x8', 'x10', 'x18', 'x19', 'site']
    """

    estimator_: Any
    scores_: np.ndarray
    threshold_: float
    n_features_in_: int
    feature_names_in_: np.ndarray

    # which scikit-learn makes, for metadata routing
    set_fit_request: Callable[..., Self]

    def __init__(
        self,
        estimator: Any,
        *,
        threshold: float | Literal["mean", "median"] = 0.0,
        max_features: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.threshold = threshold
        self.max_features = max_features

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        return tags

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the estimator and find the features that it uses.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with a ``task_column``, one column holds the task labels.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, or labels of classes.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.

        Returns
        -------
        self : SelectFeatures
            The fitted selector.
        """
        name = type(self).__name__
        given, by_name = self.threshold, {"mean": np.mean, "median": np.median}
        if not isinstance(given, str):
            check_number(f"{name}: threshold", given, 0.0)
        elif given not in by_name:
            raise ValueError(
                f"{name}: threshold must be a number, 'mean' or 'median', got {given!r}"
            )
        if self.max_features is not None:
            check_count(f"{name}: max_features", self.max_features)
        X = with_columns(X)
        asked = {"tasks": tasks, "sample_weight": sample_weight}
        asked = {key: value for key, value in asked.items() if value is not None}
        model: Any = clone(self.estimator)
        model = model.fit(X, y, **asked)
        if not hasattr(model, "coef_"):
            raise TypeError(
                f"{name}: {type(model).__name__} has no coef_; pass a linear model"
            )
        validate_data(self, X, skip_check_array=True)
        self.estimator_ = model
        column = getattr(model, "task_column", None)
        self._task = None if column is None else task_column_index(X, column)
        coef = np.nan_to_num(model.coef_)  # where a task has never shown a class
        self.scores_ = np.linalg.norm(coef.reshape(-1, coef.shape[-1]), axis=0)
        self.threshold_ = float(
            by_name[given](self.scores_) if isinstance(given, str) else given
        )
        return self

    def _get_support_mask(self):
        check_is_fitted(self)
        kept = self.scores_ > self.threshold_
        if self.max_features is not None:
            kept &= np.isin(
                np.arange(kept.size),
                np.argsort(-self.scores_, kind="stable")[: self.max_features],
            )
        return kept if self._task is None else np.insert(kept, self._task, True)

    def transform(self, X: Any) -> Any:
        """Return the columns of X that are kept.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples, with the columns of X in fit.

        Returns
        -------
        {ndarray, sparse matrix, DataFrame} of shape (n_samples, n_kept)
            Of the type of X.
        """
        check_is_fitted(self)
        X = with_columns(X)
        validate_data(self, X, skip_check_array=True, reset=False)
        kept = np.flatnonzero(self._get_support_mask())
        if len(kept) == (self._task is not None):
            warn(
                "no feature was selected: lower threshold, or the strength of the "
                "penalty"
            )
        if hasattr(X, "iloc"):
            return X.iloc[:, kept]
        if is_dataframe(X):
            return X.select([X.columns[j] for j in kept])
        if sparse.issparse(X):
            return X.tocsc()[:, kept].asformat(X.format)
        return X[:, kept]
