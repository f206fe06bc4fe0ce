"""The engine behind every estimator: fit, predict, score."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.validation import check_is_fitted

from linmtl._datafit import Datafit, make_datafit
from linmtl._design import SharedDesign, StackedDesign
from linmtl._objective import Objective
from linmtl._task_weight import Minimax
from linmtl._tasks import is_missing, some
from linmtl._validation import (
    FitInput,
    check_settings,
    read_fit,
    read_predict,
    read_sample_weight,
    require_tasks,
)
from linmtl.data import MultiTaskData
from linmtl.estimators._docs import parameters
from linmtl.estimators._new_task import NewTask
from linmtl.losses import LOSSES, Loss
from linmtl.penalties import Penalty, compose
from linmtl.solvers import Result, minimise, rounded


@dataclass(kw_only=True, eq=False, repr=False)
class MultiTaskModel(NewTask, BaseEstimator):
    """Base of regressors and classifiers; subclasses give penalty and loss."""

    fit_intercept: bool = True
    task_weight: Any = None
    task_column: str | int | None = None
    task_order: ArrayLike | None = None
    handle_unknown: str = "error"
    solver: str = "auto"
    max_iter: int = 10_000
    tol: float = 1e-4
    warm_start: bool = False
    verbose: int = 0

    _losses: ClassVar[tuple[str, ...]] = ()
    _classify: ClassVar[bool] = False

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    def _make_penalty(self) -> Penalty:
        raise NotImplementedError

    def _loss_name(self) -> str:
        return getattr(self, "loss", self._losses[0])

    def _loss(self) -> Loss:
        loss = LOSSES[self._loss_name()]
        return Minimax(loss) if _is(self.task_weight, "minimax") else loss

    def _make_fit(self, data: MultiTaskData) -> Datafit:
        return make_datafit(data, self._loss())

    def _problem(self, given: FitInput) -> tuple[MultiTaskData, np.ndarray]:
        """Return the data to solve and the labels of the columns of W."""
        return given.data, given.tasks

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> MultiTaskModel:
        """Fit the models of all tasks together.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, or labels of two classes. Two dimensions: one column per task, all
            tasks sharing X (NaN: label not observed). One dimension: one target per
            row, of the task that ``tasks`` or ``task_column`` says (NaN: not
            observed), or of the only task.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row: all strings or all numbers.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
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
        given, columns, objective = self._read_problem(X, y, tasks, sample_weight)
        result = minimise(
            objective,
            tol=self.tol,
            max_iter=self.max_iter,
            solver=self.solver,
            W0=self._warm_W(objective.shape, columns),
            verbose=self.verbose,
        )
        self._store(given, columns, objective, result)
        return self

    def _read_problem(self, X, y, tasks, sample_weight):
        """Return the checked input, the labels of the columns of W, the objective."""
        check_settings(self, self._losses)
        given = read_fit(self, X, y, tasks, sample_weight, self._classify)
        data, columns = self._problem(given)
        penalty = self._make_penalty()
        _check_order(self, penalty, given)
        penalty = compose(penalty, data.design.n_features, columns)
        return given, columns, Objective(self._make_fit(data), penalty)

    def _warm_W(self, shape, columns):
        """Start from the last solution, by task label; new tasks start at zero."""
        if not self.warm_start or not hasattr(self, "_solution"):
            return None
        known, W_known = self._solution
        if W_known.shape[0] != shape[0]:
            return None
        position = {label: i for i, label in enumerate(known.tolist())}
        W = np.zeros(shape)
        for t, label in enumerate(columns.tolist()):
            if label in position:
                W[:, t] = W_known[:, position[label]]
        return W

    def _store(
        self,
        given: FitInput,
        columns: np.ndarray,
        objective: Objective,
        result: Result,
    ) -> None:
        n_tasks = len(given.tasks)
        dtype = given.data.design.dtype
        result = rounded(objective, result, dtype)
        W, b = result.W, result.b
        if W.shape[1] != n_tasks:  # one model for all tasks
            W = np.repeat(W, n_tasks, axis=1)
        self._report(objective, result, columns)
        if "task_weight_" not in self._reported:
            self.task_weight_ = self._task_weights(given)
        b = given.intercepts(b)
        self._layout = given.layout
        self._solution = (columns, result.point)
        single = given.layout == "single"
        self.tasks_ = given.tasks
        self.__dict__.pop("new_tasks_", None)  # of an earlier fit
        self.coef_ = np.ascontiguousarray(W.T, dtype=dtype)
        self.intercept_ = b
        if given.classes is not None:
            self.classes_ = given.classes
        elif single:
            self.coef_, self.intercept_ = self.coef_[0], float(b[0])
        if given.feature_names is not None:
            self.coef_feature_names_ = given.feature_names
        elif hasattr(self, "coef_feature_names_"):
            del self.coef_feature_names_  # of an earlier fit
        self.n_iter_ = result.n_iter
        self.objective_ = result.objective
        self.dual_gap_ = result.gap
        self.gap_history_ = np.array(result.history, dtype=float).reshape(-1, 2)
        self.tol_ = result.tol
        self.converged_ = result.converged
        self.solver_ = result.solver
        if np.any(given.single_class):
            warnings.warn(
                "these tasks have a single class and no finite optimum for their "
                f"intercept: {some(given.tasks[given.single_class != 0])}; they are "
                "left out of the loss and predict their only class",
                UserWarning,
                stacklevel=3,
            )
        exact = np.isnan(self.task_weight_)
        if np.any(exact):
            warnings.warn(
                f"the tasks {some(columns[exact])} are fitted exactly (by constant "
                "targets, a single row, or a penalty too weak for their rows), so that "
                "nothing is left to estimate their noise from: their noise_ is 0 and "
                "their task_weight_ NaN; drop them or raise alpha",
                UserWarning,
                stacklevel=3,
            )
        self._warn_unless_converged(result)

    def _task_weights(self, given: FitInput) -> np.ndarray:
        """Return the weight of each task's mean loss, where the loss has no say."""
        return given.data.total.copy()

    def _warn_unless_converged(self, result: Result) -> None:
        if not result.converged:
            warnings.warn(
                f"{type(self).__name__}: {result.message}",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _report(self, objective, result, columns):
        """Set what penalty and loss know of; drop the attributes of an earlier fit."""
        for name in getattr(self, "_reported", ()):
            delattr(self, name)
        penalty = objective.penalty
        found = penalty.source.fitted_attributes(
            result.W, penalty.parts(result.point), columns
        )
        found.update(objective.base_fit.fitted_attributes(result.W))
        if result.stages is not None:
            found["stage_objectives_"] = np.array(result.stages)
        for name, value in found.items():
            setattr(self, name, value)
        self._reported = tuple(found)

    def _linear_predictor(self, X: Any, tasks: Any, every_task: bool) -> np.ndarray:
        check_is_fitted(self)
        X, codes = read_predict(self, X, tasks, every_task)
        if not every_task:
            require_tasks(self, codes)
        W = np.atleast_2d(self.coef_).T.astype(float)
        b = np.atleast_1d(self.intercept_)
        if every_task or codes is None:
            flat = np.empty(X.shape[0] * len(b))
            SharedDesign(X, len(b)).predict(W, flat)
            eta = flat.reshape(len(b), -1).T + b
            wide = every_task or self._layout == "wide"
            return eta if wide else eta[:, 0]
        # the consensus model is the last column, for tasks not seen in fit
        W = np.column_stack([W, W.mean(axis=1)])
        b = np.append(b, b.mean())
        codes = np.where(codes < 0, len(b) - 1, codes)
        order = np.argsort(codes, kind="stable")
        counts = np.bincount(codes, minlength=len(b))
        task_ptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        sorted_eta = np.empty(len(codes))
        X = X.tocsr() if hasattr(X, "tocsr") else X
        design = StackedDesign(X[order], task_ptr)
        design.predict(np.ascontiguousarray(W), sorted_eta)
        eta = np.empty(len(codes))
        eta[order] = sorted_eta
        return eta + b[codes]

    def _score_each(self, metric, y, prediction, sample_weight, at_least=1):
        """Mean over the tasks of a wide Y of a metric on the observed labels.

        Tasks with fewer than ``at_least`` labels of positive weight are left out.
        """
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


class Regressor(RegressorMixin, MultiTaskModel):
    """Base of the regressors."""

    _losses = ("squared",)

    def _loss_name(self) -> str:
        return "sqrt" if _is(self.task_weight, "uncertainty") else super()._loss_name()

    def predict(self, X: Any, tasks: ArrayLike | None = None) -> np.ndarray:
        """Predict the target of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_tasks)
            One prediction per row; one column per task for a model fitted on a wide
            Y, unless `tasks` says which to take.
        """
        return self._linear_predictor(X, tasks, every_task=False)

    def predict_all(self, X: Any) -> np.ndarray:
        """Predict every row with the model of every task.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_tasks)
            Columns in the order of ``tasks_``.
        """
        return self._linear_predictor(X, None, every_task=True)

    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
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

        Returns
        -------
        float
            The score, 1 at best.
        """
        prediction = self.predict(X, **_routed(tasks))
        at_least = 2 if prediction.ndim == 2 else 1
        return self._score_each(r2_score, y, prediction, sample_weight, at_least)


@parameters
class Classifier(ClassifierMixin, MultiTaskModel):
    """Base of the classifiers."""

    class_weight: Any = None

    _losses = ("logistic",)
    _classify = True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def decision_function(self, X: Any, tasks: ArrayLike | None = None) -> np.ndarray:
        """Return the linear predictor, positive for ``classes_[1]``.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_tasks)
            One value per row; one column per task for a model fitted on a wide Y,
            unless `tasks` says which to take.
        """
        return self._linear_predictor(X, tasks, every_task=False)

    def predict(self, X: Any, tasks: ArrayLike | None = None) -> np.ndarray:
        """Predict the class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_tasks)
            Class labels.
        """
        eta = self._linear_predictor(X, tasks, every_task=False)
        return self.classes_[(eta > 0).astype(int)]

    def predict_proba(self, X: Any, tasks: ArrayLike | None = None) -> np.ndarray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_tasks)
            One column per class, in the order of ``classes_``. For a model fitted on
            a wide Y the probability of ``classes_[1]``, one column per task.
        """
        loss = LOSSES[self._loss_name()]
        p = loss.mean(self._linear_predictor(X, tasks, every_task=False))
        return p if p.ndim == 2 else np.column_stack([1.0 - p, p])

    def predict_all(self, X: Any) -> np.ndarray:
        """Predict the class of every row with the model of every task.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples, n_tasks)
            Class labels, columns in the order of ``tasks_``.
        """
        eta = self._linear_predictor(X, None, every_task=True)
        return self.classes_[(eta > 0).astype(int)]

    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
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

        Returns
        -------
        float
            The score, 1 at best.
        """
        prediction = self.predict(X, **_routed(tasks))
        return self._score_each(accuracy_score, y, prediction, sample_weight)


def _check_order(model: MultiTaskModel, penalty: Any, given: FitInput) -> None:
    """Demand that tasks have an order where the penalty depends on it."""
    if not getattr(penalty, "ordered", False) or given.layout != "long":
        return
    if given.tasks.dtype.kind not in "iuf" and model.task_order is None:
        raise ValueError(
            f"{type(penalty).__name__} depends on the order of the tasks, but the task "
            f"labels are strings: {some(given.tasks)}; pass task_order=[...], or "
            "numbers as labels"
        )


def _is(value: Any, mode: str) -> bool:
    return isinstance(value, str) and value == mode


def _routed(tasks):
    # a subclass of the user may have a predict without tasks
    return {} if tasks is None else {"tasks": tasks}
