"""Reports on tasks of different kinds: each judged by its own loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from linmtl.estimators._by_loss import settings_of
from linmtl.estimators._independent import IndependentClassifier, IndependentRegressor
from linmtl.estimators._mixed_tasks import MixedTaskEstimator
from linmtl.estimators._pooled import PooledClassifierCV, PooledRegressorCV
from linmtl.estimators._task_model import TaskModel
from linmtl.losses import Loss, MixedLoss
from linmtl.transfer._rows import Rows, levels_alone


class KindRows(Rows):
    """Rows of tasks that may have a loss each."""

    reads = MixedTaskEstimator

    @property
    def plain(self) -> MixedTaskEstimator:
        """An estimator that reads these rows, its penalty to be set."""
        return MixedTaskEstimator(**self.settings)

    def loss_of_task(self, task: int) -> Loss:
        """Return the loss of a task, given as a position."""
        loss = self.loss
        return loss.of_task(task) if isinstance(loss, MixedLoss) else loss

    def are_tuned_on(self, folds, model, units):
        return False  # folds of a partition have no loss in common

    def _strata(self):
        classes = [self.loss_of_task(t).classify for t in range(len(self.tasks))]
        return 2 * self.code + ((self.y > 0) & np.array(classes)[self.code])

    def _reported(self, rows, eta):
        y, code = self._targets(rows), self.code[rows]
        out = np.empty(code.size)
        for task in np.unique(code):
            mine, loss = code == task, self.loss_of_task(task)
            out[mine] = loss.score.factor * loss.value(y[mine], eta[mine])
        return out


class EachKind(BaseEstimator):
    """Tasks of each kind by a model of their own.

    Parameters
    ----------
    models : list of (estimator, ndarray)
        Models of the long layout, and the labels of the tasks that each is for.
    fit_intercept : bool, default=True
        That of the models.
    """

    def __init__(self, models: list[tuple[Any, np.ndarray]], fit_intercept=True):
        self.models = models
        self.fit_intercept = fit_intercept

    def fit(self, X, y, tasks, sample_weight, offset=None):
        """Fit each model to the rows of its tasks."""
        self.fitted_, places, bounds = [], [], []
        for model, labels in self.models:
            mine = np.isin(tasks, labels)
            if not mine.any():
                continue
            part = {"sample_weight": sample_weight[mine]}
            if offset is not None:
                part["offset"] = offset[mine]
            rows = self._without_absent(X[mine])
            fitted = model.fit(rows, y[mine], tasks[mine], **part)
            self.fitted_.append((fitted, labels))
            at_bound = getattr(fitted, "at_bound_", None)
            if at_bound is not None and np.ndim(at_bound):
                places.append(fitted.tasks_)
                bounds.append(at_bound)
        self.tasks_ = np.concatenate(places) if places else tasks[:0]
        self.at_bound_ = np.concatenate(bounds) if bounds else None
        return self

    @staticmethod
    def _without_absent(X):
        """Return X with zeros for features that none of its tasks has."""
        if not isinstance(X, np.ndarray) or not len(X):
            return X
        return np.where(np.isnan(X).all(axis=0), X.dtype.type(0), X)

    def _linear_predictor(self, X, tasks, every_task):
        eta = np.empty(len(tasks))
        for model, labels in self.fitted_:
            mine = np.isin(tasks, labels)
            if mine.any():
                eta[mine] = model._linear_predictor(X[mine], tasks[mine], every_task)
        return eta


def models_of_kinds(
    rows: KindRows, estimator: TaskModel, folds: int, n_alphas: int
) -> dict[str, Any]:
    """Return every task alone, one model for each kind, and levels alone, by name.

    Parameters
    ----------
    rows : KindRows
        The data.
    estimator : MixedTaskEstimator or MixedTaskEstimatorCV
        The model to compare with.
    folds, n_alphas : int
        Folds in which strengths are chosen, and how many a pooled model tries.
    """
    losses = [rows.loss_of_task(t) for t in range(len(rows.tasks))]
    same: dict[str, Any] = {"fit_intercept": estimator.fit_intercept}
    alone, pooled = [], []
    for kind in dict.fromkeys(losses):
        labels = rows.tasks[[loss == kind for loss in losses]]
        settings = same | settings_of(kind)
        each, one = IndependentRegressor, PooledRegressorCV
        if kind.classify:
            each, one = IndependentClassifier, PooledClassifierCV
        alone.append((each("cv", cv=folds, per_task="auto", **settings), labels))
        pooled.append((one(alphas=n_alphas, cv=folds, **settings), labels))
    return {
        "alone": EachKind(alone, **same),
        "pooled": EachKind(pooled, **same),
        "levels": rows.plain.set_params(penalty=levels_alone()),
    }
