"""What models answer in which linear predictors of the tasks do not say it alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin

from linmtl.data._labels import codes_of, some
from linmtl.data._read import read_X
from linmtl.data._tables import as_table
from linmtl.data._targets import as_array, missing_mask, read_labels, read_targets
from linmtl.data._weights import read_offset, read_sample_weight
from linmtl.estimators._predictions import (
    PredictsClasses,
    PredictsTargets,
    with_offset,
)
from linmtl.estimators._task_model import TaskModel
from linmtl.losses import Loss, MixedLoss, Ordinal
from linmtl.metrics import TaskScores

_ROUNDING = 1e-28  # losses relative to the size of y that are all rounding


class PredictsOrder(PredictsClasses, ClassifierMixin, TaskModel):
    """Mixin of models with thresholds between classes that have an order."""

    coef_: np.ndarray
    thresholds_: np.ndarray
    class_order_: np.ndarray
    _place: np.ndarray  # of each class, as sorted, in the order

    @property
    def _coef_by_class(self):
        return False

    def _predictor(self, X, codes, W, b, every_task, consensus):
        """Return linear predictors, of more classes less each threshold on an axis."""
        eta = super()._predictor(X, codes, W, b, every_task, consensus)
        if not self._several:
            return eta
        cuts = self.thresholds_
        if codes is not None and not every_task:
            cuts = cuts[codes]
        elif eta.ndim == 1:
            cuts = cuts[0]
        return eta[..., None] - cuts

    def _shifted(self, eta, offset):
        """Return the log-probabilities of more than two classes, the last axis.

        Both these and the log-odds of two are of the classes as sorted.
        """
        if not self._several:
            eta = with_offset(self, eta, offset)
            return eta if self._place[0] == 0 else -eta
        known = with_offset(self, np.zeros(eta.shape[:-1]), offset)
        return Ordinal.log_probabilities(known, -eta)[..., self._place]


class PredictsKinds(PredictsTargets):
    """Mixin of models whose tasks are of different kinds."""

    tasks_: np.ndarray
    _mixed: MixedLoss
    task_classes_: dict[Any, np.ndarray]

    def _encoded(self, y, code, names) -> np.ndarray:
        """Return targets as the losses of their tasks take them, NaN where missing.

        ``code`` is the task of each row; None where tasks are columns. Classes are
        those of ``task_classes_``, or are found and kept there.
        """
        numbers = np.full(y.shape, np.nan)
        for t, label in enumerate(names.tolist()):
            rows: Any = slice(None) if code is None else code == t
            where = (rows, t) if code is None and y.ndim == 2 else rows
            loss = self._mixed.of_task(t)
            try:
                numbers[where] = self._encoded_task(loss, y[where], label)
            except ValueError as error:
                raise ValueError(f"{error} (task {label!r})") from None
        return numbers

    def _encoded_task(self, loss, y, label):
        values = read_labels(y) if loss.classify else read_targets(y)
        missing = missing_mask(values)
        known = self.task_classes_.get(label)
        if known is None:
            values, classes = loss.encode(values, missing)
            if classes is not None:
                self.task_classes_[label] = classes
            return np.where(missing, np.nan, values)
        strange = [v for v in values[~missing].tolist() if v not in known.tolist()]
        if strange:
            raise ValueError(
                f"y has the labels {some(strange)}, but the classes are {some(known)}"
            )
        return np.where(missing, np.nan, np.where(values == known[1], 1.0, -1.0))

    def _codes(self, X, tasks, eta) -> np.ndarray | None:
        """Return the task of each row, None where the columns are tasks."""
        if eta.ndim == 2:
            return None
        labels = read_X(self, X, tasks, False, allow_nan=True)[1]
        if labels is None:
            return np.zeros(len(eta), dtype=int)
        return codes_of(labels, self.tasks_)

    def _means(self, eta, code):
        out = np.empty_like(eta)
        for t in range(len(self.tasks_)):
            where = (slice(None), t) if code is None else code == t
            out[where] = self._mixed.of_task(t).mean(eta[where])
        return out

    def predict(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Predict each row's target, of classes the probability of the second.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.
            A wide Y: also one column per task.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_tasks)
            One prediction per row; one column per task for a model fitted on a wide
            Y, unless `tasks` says which to take.
        """
        tasks = list(tasks) if isinstance(tasks, Iterator) else tasks
        eta = self._eta(X, tasks, offset)
        return self._means(eta, self._codes(X, tasks, eta))

    def predict_all(self, X: Any, *, offset: ArrayLike | None = None) -> np.ndarray:
        return self._means(self._eta(X, None, offset, every_task=True), None)

    predict_all.__doc__ = PredictsTargets.predict_all.__doc__

    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> float:
        """Return the mean over the tasks of their scores, see `task_scores`.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True targets; a missing one is left out.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights.
        offset : float or array-like of shape (n_samples,), default=None
            As for ``predict``.

        Returns
        -------
        float
            The score, 1 at best.
        """
        scores = self.task_scores(X, y, tasks, sample_weight, offset=offset)
        return scores.average()

    def task_scores(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> TaskScores:
        """Return the share of each task's loss that is explained, D^2.

        One less the loss over that of the best constant prediction: R^2 of a task with
        the squared loss, the share of the deviance of counts, amounts and classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True targets; a missing one is left out.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights.
        offset : float or array-like of shape (n_samples,), default=None
            As for ``predict``; the constant is added to it.

        Returns
        -------
        TaskScores
            The scores, 1 at best; NaN for a task without two different targets.
        """
        tasks = list(tasks) if isinstance(tasks, Iterator) else tasks
        eta = self._eta(X, tasks, offset)
        code = self._codes(X, tasks, eta)
        y = as_array(as_table(y))
        if len(y) == len(eta) and y.size == eta.size:  # of one column, as in fit
            y = y.reshape(eta.shape)
        if y.shape != eta.shape:
            raise ValueError(
                f"y has shape {y.shape} but the model predicts {eta.shape}"
            )
        numbers = self._encoded(y, code, self.tasks_)
        weight = read_sample_weight(sample_weight, y.shape)
        known = read_offset(0.0 if offset is None else offset, y.shape)
        used, T = ~np.isnan(numbers) & (weight > 0), len(self.tasks_)
        values, counts, totals = np.full(T, np.nan), np.zeros(T, dtype=int), np.zeros(T)
        for t in range(T):
            mine = used & (np.arange(T) == t if code is None else code == t)
            counts[t], totals[t] = mine.sum(), weight[mine].sum()
            each = numbers[mine], eta[mine], known[mine], weight[mine]
            values[t] = _explained(self._mixed.of_task(t), *each)
        return TaskScores(values, self.tasks_, counts, totals, "D^2", True)


def _explained(loss: Loss, y, eta, offset, weight) -> float:
    """Return one less the loss over that of the best constant, NaN where that is 0."""
    rows = np.array([0, y.size])
    if y.size == 0 or loss.sides(y, weight, rows)[0]:
        return np.nan
    constant = offset + loss.intercepts(y, offset, weight, rows, np.zeros(1))
    least = float(weight @ loss.value(y, constant))
    if least <= _ROUNDING * float(weight @ loss.size(y)):
        return np.nan
    return 1.0 - float(weight @ loss.value(y, eta)) / least
