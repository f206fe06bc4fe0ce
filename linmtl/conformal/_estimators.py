"""Conformal prediction around any estimator of tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, RegressorMixin

from linmtl.conformal._base import TaskConformal
from linmtl.conformal._calibration import Scales, share_at_least, upper_ends
from linmtl.data._classes import on_classes
from linmtl.estimators._predictions import routed


class _PredictsInside:
    """Mixin: what the estimator inside answers."""

    estimator_: Any
    _checked: Callable[[Any, Any], tuple[Any, np.ndarray | None]]

    def predict(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Predict each row by ``estimator_``.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_tasks)
            As of the estimator inside.
        """
        tasks = self._checked(X, tasks)[0]
        return self.estimator_.predict(X, tasks, **routed(None, offset))

    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> float:
        """Return the score of ``estimator_``: R^2, or accuracy.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True targets.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.

        Returns
        -------
        float
            The score, 1 at best.
        """
        tasks = self._checked(X, tasks)[0]
        known = routed(None, offset)
        return self.estimator_.score(X, y, tasks, sample_weight, **known)


class TaskConformalRegressor(_PredictsInside, RegressorMixin, TaskConformal):
    """Intervals that hold the target with a given probability, in every task.

    Whatever the distribution and the model: rows that were held out tell how far it is
    off. A task with enough rows is told so by its own; others by all that have few,
    their errors relative to the spread in their task; a task never seen by models that
    have not seen the task whose rows they are asked for.

    Parameters
    ----------
    estimator : regressor, default=None
        Any of linmtl's; by default :class:`~linmtl.MixedEffectsRegressor`.
    method : {"cv+", "split"}, default="cv+"
        Models of all folds, each row judged by the model that has not seen it; or one
        model, and one part of each task held out of it, which costs one fit.
    coverage : float, default=0.9
        The share of targets to be inside.
    cv : int, splitter or iterable of (train, test), default=10
        Folds of "cv+", drawn within the tasks; fewer where no task has as many rows.
        Rows that belong together (visits of a patient) go into one fold: pass a
        splitter.
    calibration_size : float, default=0.25
        Share of the rows of each task that "split" holds out.
    min_rows : int or "auto", default="auto"
        Held-out rows with which a task speaks for itself alone; "auto" is
        ``4 / (1 - coverage)``, 40 at a coverage of 0.9.
    task_column : str or int, default=None
        The column of X that holds the task labels (name or position), instead of
        ``tasks=``. Set here, not in the estimator inside.
    task_order : array-like, default=None
        The order of the tasks.
    handle_unknown : {"error", "mean"}, default="error"
        Whether intervals are wanted for tasks not seen in fit. They cost as many fits
        again as "cv+" has folds, each without some of the tasks.
    random_state : int, RandomState instance or None, default=0
        Seed of the folds.
    n_jobs : int, default=None
        Models fitted at the same time, through joblib.

    Attributes
    ----------
    estimator_ : estimator
        The model of all rows ("split": of those not held out), which predicts.
    estimators_ : list of estimator
        The model of each fold.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    n_calibration_ : ndarray of int of shape (n_tasks,)
        Held-out rows of each task.
    scale_ : ndarray of shape (n_tasks,)
        Root mean square of the errors in each task, drawn to that of all.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has some.

    See Also
    --------
    TaskConformalClassifier : Sets of classes.
    linmtl.MixedEffectsRegressor : Standard errors of predictions, from a normal model.

    Notes
    -----
    With the errors ``R_i = |y_i - f_k(i)(x_i)|`` of the model that has not seen row i,
    an interval for x of task t ends where a share ``coverage`` of the values
    ``f_k(i)(x) + R_i`` is below, and of ``f_k(i)(x) - R_i`` above, the rows i being
    those of task t and the row itself counted as infinitely far off. For "split" the
    coverage holds on average over calibration rows whatever the distribution, if rows
    are exchangeable within their task; for "cv+" at least ``2 coverage - 1`` is certain
    and ``coverage`` what is met.

    Errors of tasks with few rows are pooled as studentised ones: each over the spread
    of the *other* errors of its task, these spreads drawn to a common one as far as
    they are alike. Coverage then holds on average over such tasks, not in each.

    For a task never seen, tasks are what is exchangeable: each counts the same, and it
    takes ``coverage / (1 - coverage)`` of them to say anything.

    References
    ----------
    Barber, Candes, Ramdas, Tibshirani (2021), Predictive inference with the jackknife+.
    Lee, Barber, Willett (2023), Distribution-free inference with hierarchical data.
    Smyth (2004), Linear models and empirical Bayes methods.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.conformal import TaskConformalRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(n_samples=60, random_state=0)
    >>> model = TaskConformalRegressor().fit(X[::2], y[::2], tasks[::2])
    >>> low, high = model.predict_interval(X[1::2], tasks[1::2]).T
    >>> bool(0.8 < np.mean((low <= y[1::2]) & (y[1::2] <= high)) < 1)
    True
    """

    _classify = False

    def _scores(self, y, said):
        return np.abs(y - said)

    def _calibrate(self, passed, masks, groups):
        super()._calibrate(passed, masks, groups)
        held = self._held_out
        self._scales = Scales(held.score, held.code, held.n_tasks)
        self.scale_ = self._scales.value

    def _statements(self, model, X, tasks, offset):
        return model.predict(X, tasks, **routed(None, offset))

    def predict_interval(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        coverage: float | None = None,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Return an interval for the target of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.
        coverage : float, default=None
            Another coverage than that of the constructor.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_tasks, 2)
            Lower and upper ends; for a model fitted on a wide Y those of every task,
            unless `tasks` says which to take. Infinite where rows are too few for the
            coverage.
        """
        level = self._check_coverage(self.coverage if coverage is None else coverage)

        def interval(said, calibration, task):
            if calibration is None:
                return np.tile([-np.inf, np.inf], (said.shape[1], 1))
            rows, weight, own = self._witnesses(calibration, task, level)
            error = calibration.score[rows]
            if task >= 0 and not own:
                error = self._scales.errors_in(task, rows)
            rest = error, calibration.model[rows], weight, level
            return np.column_stack([-upper_ends(-said, *rest), upper_ends(said, *rest)])

        return self._of_each_task(X, tasks, offset, interval)


class TaskConformalClassifier(_PredictsInside, ClassifierMixin, TaskConformal):
    """Sets that hold the class with a given probability, in every task.

    Whatever the distribution and the model: rows that were held out tell how often, and
    how surely, it is wrong. A task with enough rows is told so by its own; others by
    all that have few; a task never seen by models that have not seen the task whose
    rows they are asked for.

    Parameters
    ----------
    estimator : classifier, default=None
        Any of linmtl's; by default :class:`~linmtl.MixedEffectsClassifier`, and of more
        than two classes ``MeanRegularizedClassifierCV()``.
    method : {"cv+", "split"}, default="cv+"
        Models of all folds, each row judged by the model that has not seen it; or one
        model, and one part of each task held out of it, which costs one fit.
    coverage : float, default=0.9
        The share of classes to be inside.
    cv : int, splitter or iterable of (train, test), default=10
        Folds of "cv+", drawn within the tasks; fewer where no task has as many rows.
        Rows that belong together (visits of a patient) go into one fold: pass a
        splitter.
    calibration_size : float, default=0.25
        Share of the rows of each task that "split" holds out.
    min_rows : int or "auto", default="auto"
        Held-out rows with which a task speaks for itself alone; "auto" is
        ``4 / (1 - coverage)``, 40 at a coverage of 0.9.
    task_column : str or int, default=None
        The column of X that holds the task labels (name or position), instead of
        ``tasks=``. Set here, not in the estimator inside.
    task_order : array-like, default=None
        The order of the tasks.
    handle_unknown : {"error", "mean"}, default="error"
        Whether sets are wanted for tasks not seen in fit. They cost as many fits again
        as "cv+" has folds, each without some of the tasks.
    random_state : int, RandomState instance or None, default=0
        Seed of the folds.
    n_jobs : int, default=None
        Models fitted at the same time, through joblib.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes (of a wide Y a list of them, one for each task).
    estimator_ : estimator
        The model of all rows ("split": of those not held out), which predicts.
    estimators_ : list of estimator
        The model of each fold.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    n_calibration_ : ndarray of int of shape (n_tasks,)
        Held-out rows of each task.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where X has some.

    See Also
    --------
    TaskConformalRegressor : Intervals.

    Notes
    -----
    The score of a row and a class is one less the probability of the class. A class is
    in the set of a row unless fewer than a share ``1 - coverage`` of the held-out rows,
    the row itself among them, scored as high with the classes that they have. A set
    with several classes says that the model cannot tell, an empty one that it would be
    surer of one of them if this were a row like the others. Coverage holds on average
    over the classes of a task, not in each.

    References
    ----------
    Romano, Sesia, Candes (2020), Classification with valid and adaptive coverage.
    Sadinle, Lei, Wasserman (2019), Least ambiguous set-valued classifiers.
    Lee, Barber, Willett (2023), Distribution-free inference with hierarchical data.

    Examples
    --------
    >>> from linmtl.conformal import TaskConformalClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(n_samples=60, random_state=0)
    >>> model = TaskConformalClassifier().fit(X, y, tasks)
    >>> model.predict_set(X, tasks).shape
    (600, 2)
    """

    _classify = True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inside = self.estimator
        takes = inside is None or getattr(inside, "_takes_classes", False)
        tags.classifier_tags.multi_class = takes
        return tags

    def _scores(self, y, said):
        code = y.astype(int) if said.shape[1] > 2 else (y > 0).astype(int)
        return 1.0 - np.take_along_axis(said, code[:, None], axis=1)[:, 0]

    def predict_proba(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> Any:
        """Return the probabilities of the classes by ``estimator_``.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or a list of n_tasks such arrays
            As of the estimator inside.
        """
        tasks = self._checked(X, tasks)[0]
        return self.estimator_.predict_proba(X, tasks, **routed(None, offset))

    def predict_log_proba(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> Any:
        """Return the logarithms of the probabilities by ``estimator_``.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or a list of n_tasks such arrays
            As of the estimator inside.
        """
        tasks = self._checked(X, tasks)[0]
        return self.estimator_.predict_log_proba(X, tasks, **routed(None, offset))

    def _statements(self, model, X, tasks, offset):
        p = model.predict_proba(X, tasks, **routed(None, offset))
        p = np.stack(p, axis=1) if isinstance(p, list) else p
        classes: Any = self._classes
        return on_classes(p, model._all_classes, classes, 0.0)

    def predict_set(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        coverage: float | None = None,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Return which classes are in the set of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.
        coverage : float, default=None
            Another coverage than that of the constructor.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.

        Returns
        -------
        ndarray of bool of shape (n_samples, n_classes), or of three axes
            A column for each class, in the order of ``classes_``; for a model fitted on
            a wide Y (n_samples, n_tasks, n_classes), the sets of every task, unless
            `tasks` says which to take.
        """
        level = self._check_coverage(self.coverage if coverage is None else coverage)

        def chosen(said, calibration, task):
            if calibration is None:
                return np.ones(said.shape[1:])
            rows, weight, _ = self._witnesses(calibration, task, level)
            rest = calibration.score[rows], calibration.model[rows], weight
            scores = np.moveaxis(1.0 - said, -1, 0)
            shares = [share_at_least(score, *rest) for score in scores]
            return np.column_stack(shares) > 1.0 - level + 1e-12

        return self._of_each_task(X, tasks, offset, chosen).astype(bool)
