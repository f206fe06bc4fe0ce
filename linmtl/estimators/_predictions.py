"""What fitted models answer: the methods over a linear predictor, each at one home."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self, overload

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax, softmax
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if

from linmtl.data._labels import is_missing
from linmtl.data._task_table import TaskTable
from linmtl.data._times import refuse_times
from linmtl.data._weights import read_offset, read_sample_weight
from linmtl.losses import Logistic, Loss

# of X, tasks and every_task: that of each row for its own task, or for every task
LinearPredictor = Callable[..., np.ndarray]


def with_offset(model: Any, eta: np.ndarray, offset: Any) -> np.ndarray:
    """Return linear predictors plus an offset, which a model has that was fitted so."""
    name, fitted = type(model).__name__, getattr(model, "_has_offset", False)
    if offset is None and fitted:
        raise ValueError(
            f"{name} was fitted with an offset; pass offset= with one number per row, "
            "or offset=0"
        )
    if offset is not None and not fitted:
        raise ValueError(f"{name} was fitted without an offset; drop offset=")
    return eta if offset is None else eta + read_offset(offset, eta.shape)


class Routed:
    """Methods that scikit-learn makes, which say what metadata routing hands over."""

    set_fit_request: Callable[..., Self]
    set_predict_request: Callable[..., Self]
    set_score_request: Callable[..., Self]


class Fitted(Routed):
    """What a fit sets, as editors are to know it; docstrings say what it is."""

    coef_: np.ndarray
    intercept_: np.ndarray  # a float for a regressor with one task
    tasks_: np.ndarray
    task_weight_: np.ndarray
    new_tasks_: dict[Any, dict[str, Any]]
    objective_: float
    dual_gap_: float
    gap_history_: np.ndarray
    tol_: float
    converged_: bool
    n_iter_: int
    solver_: str
    n_features_in_: int
    feature_names_in_: np.ndarray
    coef_feature_names_: np.ndarray
    _layout: str
    # what the user called, where this is inside and has the `handle_unknown` of that
    _called_by: ClassVar[str | None] = None
    _n_fitted: int
    _table: TaskTable | None = None  # what is known of tasks beside their rows
    _has_offset = False  # whether fit was given one


class Predicts:
    """Base of both mixins: linear predictors, with what is known of them."""

    _linear_predictor: LinearPredictor
    _loss: Callable[[], Loss]

    def _eta(
        self, X: Any, tasks: Any, offset: Any, every_task: bool = False
    ) -> np.ndarray:
        """Return linear predictors with the offset that was passed."""
        eta = self._linear_predictor(X, tasks, every_task=every_task)
        return self._shifted(eta, offset)

    def _shifted(self, eta: np.ndarray, offset: Any) -> np.ndarray:
        """Return what answers are made of, from linear predictors and their offset."""
        return with_offset(self, eta, offset)


class PredictsTargets(Predicts):
    """Mixin of the regressors."""

    def _mean(self, eta: np.ndarray) -> np.ndarray:
        return self._loss().mean(eta)

    def predict(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Predict the target of each row.

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
        return self._mean(self._eta(X, tasks, offset))

    def predict_all(self, X: Any, *, offset: ArrayLike | None = None) -> np.ndarray:
        """Predict every row with the model of every task.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.
            Also one column per task.

        Returns
        -------
        ndarray of shape (n_samples, n_tasks)
            Columns in the order of ``tasks_``.
        """
        return self._mean(self._eta(X, None, offset, every_task=True))

    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> float:
        """Return R^2 of the predictions.

        Long data: pooled over all rows, as ``scoring="r2"``; it rewards what the
        intercepts know of the differences between tasks. Wide data: the mean over
        tasks of the R^2 on the observed labels, of tasks with two of them.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True targets; NaN is left out.
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
        prediction = self.predict(X, **routed(tasks, offset))
        at_least = 2 if prediction.ndim == 2 else 1
        return score_each(r2_score, y, prediction, sample_weight, at_least)


class TaskClasses(list):
    """The classes of each task of a wide Y: a list of arrays, as in scikit-learn.

    ``cross_val_predict`` asks it for a shape (scikit-learn 1.9, decision values), and
    ``check_estimator`` for the classes of an array of positions.
    """

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), len(self[0])

    def __getitem__(self, key: Any) -> Any:
        classes = super().__getitem__
        return classes(0)[key] if isinstance(key, np.ndarray) else classes(key)


class TaskProbabilities(list):
    """The probabilities of a wide Y: a list of arrays, one a task, as in scikit-learn.

    A pair of indices, ``[:, t]``, has the probabilities of ``classes_[t][1]``.
    """

    def __getitem__(self, key: Any) -> Any:
        of_task = super().__getitem__
        if isinstance(key, tuple):
            rows, task = key
            return of_task(task)[rows, 1]
        return of_task(key)


def _knows_probabilities(model: PredictsClasses) -> bool:
    """Raise AttributeError for a loss whose linear predictor is no log-odds."""
    loss = model._loss()
    if not loss.likelihood:
        raise AttributeError(
            f"{type(model).__name__} with loss={loss.name!r} knows no probabilities; "
            "use decision_function, or loss='logistic'"
        )
    return True


class PredictsClasses(Predicts, Routed):
    """Mixin of the classifiers; the linear predictor of "logistic" is the log-odds."""

    set_predict_proba_request: Callable[..., Self]
    set_predict_log_proba_request: Callable[..., Self]
    set_decision_function_request: Callable[..., Self]
    _several = False  # whether there are more than two classes
    classes_: np.ndarray  # a list of arrays for a wide Y

    @property
    def _all_classes(self) -> np.ndarray:
        """The classes, over all tasks."""
        known = self.classes_
        return known[0] if isinstance(known, list) else known

    def _class_of(self, eta: np.ndarray) -> np.ndarray:
        """Return the classes that linear predictors stand for."""
        code = np.argmax(eta, axis=-1) if self._several else (eta > 0).astype(int)
        return self._all_classes[code]

    def _log_odds(self, X: Any, tasks: Any) -> np.ndarray:
        """Return the log-odds that probabilities are made of."""
        return self._linear_predictor(X, tasks, every_task=False)

    def decision_function(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Return the linear predictor, positive for the second class.

        Of more than two classes that of each, whose differences are log-odds; minus
        infinity for a class that the task has never shown.

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
            One value per row; one column per task for a model fitted on a wide Y,
            unless `tasks` says which to take. Of more than two classes with a last axis
            for these, in the order of ``classes_``.
        """
        return self._eta(X, tasks, offset)

    def predict(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Predict the class of each row.

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
            Class labels.
        """
        return self._class_of(self._eta(X, tasks, offset))

    @overload
    def predict_proba(
        self, X: Any, tasks: ArrayLike, *, offset: ArrayLike | None = None
    ) -> np.ndarray: ...
    @overload
    def predict_proba(
        self, X: Any, tasks: None = None, *, offset: ArrayLike | None = None
    ) -> Any: ...
    @available_if(_knows_probabilities)
    def predict_proba(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> Any:
        """Return the probabilities of the classes.

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
        ndarray of shape (n_samples, n_classes), or a list of n_tasks such arrays
            One column per class, in the order of ``classes_``. A list, as scikit-learn
            has it, for a model fitted on a wide Y, unless `tasks` says which to take.
        """
        eta = self._shifted(self._log_odds(X, tasks), offset)
        if self._several:
            return _by_task(softmax(eta, axis=-1))
        p = Logistic().mean(eta)
        return _by_class(1.0 - p, p)

    @overload
    def predict_log_proba(
        self, X: Any, tasks: ArrayLike, *, offset: ArrayLike | None = None
    ) -> np.ndarray: ...
    @overload
    def predict_log_proba(
        self, X: Any, tasks: None = None, *, offset: ArrayLike | None = None
    ) -> Any: ...
    @available_if(_knows_probabilities)
    def predict_log_proba(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> Any:
        """Return the logarithms of the probabilities of the classes.

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
        ndarray of shape (n_samples, n_classes), or a list of n_tasks such arrays
            One column per class, in the order of ``classes_``. A list, as scikit-learn
            has it, for a model fitted on a wide Y, unless `tasks` says which to take.
        """
        eta = self._shifted(self._log_odds(X, tasks), offset)
        if self._several:
            return _by_task(log_softmax(eta, axis=-1))
        return _by_class(-np.logaddexp(0.0, eta), -np.logaddexp(0.0, -eta))

    def predict_all(self, X: Any, *, offset: ArrayLike | None = None) -> np.ndarray:
        """Predict the class of every row with the model of every task.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.
            Also one column per task.

        Returns
        -------
        ndarray of shape (n_samples, n_tasks)
            Class labels, columns in the order of ``tasks_``.
        """
        return self._class_of(self._eta(X, None, offset, every_task=True))

    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> float:
        """Return the accuracy of the predictions.

        Long data: over all rows. Wide data: the mean over tasks of the accuracy on the
        observed labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; a missing one is left out.
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
        prediction = self.predict(X, **routed(tasks, offset))
        return score_each(accuracy_score, y, prediction, sample_weight)


def _by_class(first, second):
    """Return what is said of the two classes, column by column, for each task."""
    if second.ndim == 1:
        return np.column_stack([first, second])
    pairs = zip(first.T, second.T, strict=True)
    return TaskProbabilities(np.column_stack(pair) for pair in pairs)


def _by_task(values):
    """Return what is said of several classes, for each task."""
    return values if values.ndim == 2 else TaskProbabilities(values.swapaxes(0, 1))


def routed(tasks, offset=None):
    # a subclass of the user may have a predict without them
    given = {"tasks": tasks, "offset": offset}
    return {name: value for name, value in given.items() if value is not None}


def score_each(
    metric: Callable[..., float],
    y: ArrayLike,
    prediction: ArrayLike,
    sample_weight: ArrayLike | None,
    at_least: int = 1,
) -> float:
    """Mean over the tasks of a wide Y of a metric on the observed labels.

    Tasks with fewer than ``at_least`` labels of positive weight are left out.
    """
    refuse_times(y, "y")
    y, prediction = np.atleast_1d(y), np.asarray(prediction)
    Y, P = (a.reshape(len(a), -1) for a in (y, prediction))
    if Y.shape != P.shape:
        raise ValueError(
            f"y has shape {y.shape} but the model predicts {prediction.shape}"
        )
    weight = read_sample_weight(sample_weight, Y.shape)
    scores = []
    for t in range(Y.shape[1]):
        observed = np.array([not is_missing(v) for v in Y[:, t].tolist()], bool)
        observed &= weight[:, t] > 0
        if observed.sum() < at_least:
            continue
        w = None if sample_weight is None else weight[observed, t]
        labels = Y[observed, t]
        if labels.dtype.kind == "O":
            labels = np.array(labels.tolist())
        scores.append(metric(labels, P[observed, t], sample_weight=w))
    if not scores:
        raise ValueError(
            f"y has too few observed labels to score; {metric.__name__} needs "
            f"{at_least} in at least one task"
        )
    return float(np.mean(scores))
