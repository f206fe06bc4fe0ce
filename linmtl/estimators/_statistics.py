"""Fits from statistics of the rows instead of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metaestimators import available_if

from linmtl.estimators._predictions import LinearPredictor
from linmtl.statistics import TaskStatistics


def _keeps_no_folds(model: Any) -> bool:
    """Whether rows may be added: what chooses a strength needs their folds."""
    if model._chooses_by_folds():
        raise AttributeError(
            f"{type(model).__name__} chooses its strength on held-out rows, and rows "
            "that are added are not kept; collect TaskStatistics of each fold for "
            "fit_statistics"
        )
    return True


class FitsStatistics:
    """Mixin of the regressors whose squared error needs no row once it has the sums."""

    statistics_: TaskStatistics
    _linear_predictor: LinearPredictor

    def fit_statistics(
        self, statistics: TaskStatistics | Sequence[TaskStatistics]
    ) -> Self:
        """Fit the model to sums over rows, which may be gone or far away.

        Parameters
        ----------
        statistics : TaskStatistics or sequence of TaskStatistics
            Of all rows. For an estimator that chooses its strength by cross-validation
            a list of those of each fold, of different rows.

        Returns
        -------
        self : object
            The fitted estimator: what ``fit`` makes of the rows, to rounding.

        Raises
        ------
        ValueError
            If the loss is not the squared error, if there are no rows, or if folds are
            needed and not given.
        """
        name = type(self).__name__
        model: Any = self
        if not self._takes_statistics():
            raise ValueError(
                f"{name}: statistics say all that the squared error needs, and loss="
                f"{model.loss!r} needs the rows; fit these"
            )
        whole = isinstance(statistics, TaskStatistics)
        parts: list[Any] = [statistics] if whole else list(statistics)
        for part in parts:
            if not isinstance(part, TaskStatistics):
                raise TypeError(
                    f"{name}: statistics must be TaskStatistics, got {part!r}"
                )
        if not parts:
            raise ValueError(f"{name}: statistics is an empty list")
        merged = reduce(TaskStatistics.merge, parts)
        if merged.task_column != model.task_column:
            raise ValueError(
                f"{name}: task_column={model.task_column!r}, and that of the "
                f"statistics is {merged.task_column!r}; give both the same"
            )
        folds, before = self._chooses_by_folds(), getattr(self, "statistics_", None)
        if folds and (whole or len(parts) < 2):
            raise ValueError(
                f"{name} chooses its strength on held-out rows: pass a list of "
                "TaskStatistics, one for each fold"
            )
        try:
            if folds:
                self._fit_folds(parts)
            else:
                model.fit(*merged.rows())
        except Exception:
            if before is not None:  # more rows may be added to these
                self.statistics_ = before
            raise
        self.statistics_ = merged
        return self

    def _takes_statistics(self) -> bool:
        """Whether the loss is quadratic, so that sums over the rows say all of it."""
        model: Any = self
        return model._loss().quadratic

    def _chooses_by_folds(self) -> bool:
        """Whether a strength is chosen on rows that are held out."""
        if getattr(self, "criterion", None) is not None:
            return True
        return hasattr(self, "cv") and getattr(self, "alpha", "cv") == "cv"

    def _n_folds(self) -> Any:
        """Return the folds in which a strength is chosen."""
        model: Any = self
        return model.cv

    def _fit_folds(self, parts):
        made = [part.rows() for part in parts]
        X, y, tasks, weight = zip(*made, strict=True)
        fold = np.repeat(np.arange(len(parts)), [len(each) for each in y])
        rows = np.arange(fold.size)
        model: Any = self
        passed = model.cv
        model.cv = [(rows[fold != k], rows[fold == k]) for k in range(len(parts))]
        try:
            labels = None if tasks[0] is None else np.concatenate(tasks)
            model.fit(_stacked(X), np.concatenate(y), labels, np.concatenate(weight))
        finally:
            model.cv = passed

    @available_if(_keeps_no_folds)
    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Add rows to those of earlier calls, and fit the model to all of them.

        The rows themselves are not kept, only ``statistics_``. Those of ``fit`` are
        not among them: after it, this begins anew. For models that choose no strength
        by cross-validation.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            More samples.
        y : array-like of shape (n_samples,)
            Their targets.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, of known tasks and of new ones.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter is not allowed; the message says why.
        """
        known = getattr(self, "statistics_", None)
        if known is None:
            model: Any = self
            known = TaskStatistics(task_column=model.task_column)
        more = known.merge(TaskStatistics(task_column=known.task_column))
        return self.fit_statistics(more.update(X, y, tasks, sample_weight))


def _stacked(parts):
    """Return arrays or DataFrames below each other."""
    if not hasattr(parts[0], "columns"):
        return np.concatenate(parts)
    import pandas as pd

    return pd.concat(parts)
