"""Conformal prediction around any estimator of tasks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any, Literal, Self

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    RegressorMixin,
)
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import check_is_fitted

from linmtl.auto._combined import FitArguments, require_folds_of_any_rows
from linmtl.conformal._calibration import (
    Calibration,
    Scales,
    share_at_least,
    upper_ends,
)
from linmtl.data._checks import check_choice, check_count, check_number, is_whole
from linmtl.data._read import read_predict
from linmtl.estimators._base import TaskModel
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._mixed_effects import (
    MixedEffectsClassifier,
    MixedEffectsRegressor,
)
from linmtl.model_selection import TaskShuffleSplit
from linmtl.model_selection._jobs import run_jobs
from linmtl.transfer._subset import for_tasks

METHODS = ("cv+", "split")
_ROWS_ALONE = 4  # over the error that is allowed: of a task that needs no other


class _TaskConformal(MetaEstimatorMixin, BaseEstimator):
    """Base: models of parts of the rows, and what they say of the others."""

    _classify: bool

    def __init__(
        self,
        estimator: TaskModel | None = None,
        *,
        method: Literal["cv+", "split"] = "cv+",
        coverage: float = 0.9,
        cv: Any = 10,
        calibration_size: float = 0.25,
        min_rows: int | Literal["auto"] = "auto",
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal["error", "mean"] = "error",
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = None,
    ):
        self.estimator = estimator
        self.method = method
        self.coverage = coverage
        self.cv = cv
        self.calibration_size = calibration_size
        self.min_rows = min_rows
        self.task_column = task_column
        self.task_order = task_order
        self.handle_unknown = handle_unknown
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the models, and keep how well they predict rows they have not seen.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, or labels of two classes, in any layout that the estimator takes.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0 of the fits. Held-out rows of a positive weight count alike.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter is not allowed; the message says why.
        """
        model = self._checked()
        passed = self._read(X, y, tasks, sample_weight)
        masks = self._folds(passed)
        parts: list[Any] = [~mask for mask in masks]
        split = self.method == "split"
        jobs = [delayed(passed.fit)(model, keep) for keep in parts]
        jobs += [] if split else [delayed(passed.fit)(model)]
        groups = self._folds_of_tasks(passed)
        T = len(passed.given.tasks)
        for group in groups:
            others = np.setdiff1d(np.arange(T), group)
            part = for_tasks(model, passed.given.tasks, others)
            jobs.append(delayed(passed.fit)(part, None, others))
        fitted = run_jobs(jobs, self.n_jobs)
        self.estimators_ = fitted[: len(parts)]
        self.estimator_ = fitted[0] if split else fitted[len(parts)]
        self._without_task = fitted[len(jobs) - len(groups) :]
        self.tasks_ = self.estimator_.tasks_
        for name in ("n_features_in_", "feature_names_in_", "classes_"):
            self.__dict__.pop(name, None)
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        self._calibrate(passed, masks, groups)
        self.n_calibration_ = self._held_out.count
        self._warn_of_few()
        return self

    def _checked(self) -> TaskModel:
        """Return the estimator, with every parameter checked."""
        name = type(self).__name__
        check_choice(f"{name}: method", self.method, METHODS)
        self._check_coverage(self.coverage)
        size = check_number(f"{name}: calibration_size", self.calibration_size, 0, 1)
        if not 0 < size < 1:
            raise ValueError(f"{name}: calibration_size must be between 0 and 1")
        if self.min_rows != "auto":
            check_count(f"{name}: min_rows", self.min_rows)
        model: Any = self.estimator
        if model is None:
            mixed = MixedEffectsClassifier if self._classify else MixedEffectsRegressor
            model = mixed()
        if not isinstance(model, TaskModel):
            raise TypeError(
                f"{name}: estimator must be one of linmtl's estimators, got {model!r}"
            )
        if model._classify != self._classify:
            kind = "classifier" if self._classify else "regressor"
            raise ValueError(f"{name}: estimator must be a {kind}, got {model!r}")
        for parameter in ("task_column", "task_order"):
            inside = getattr(model, parameter, None)
            if inside is not None and getattr(self, parameter) is None:
                raise ValueError(
                    f"{name}: estimator has {parameter}={inside!r}; set {parameter} "
                    "here, and it is passed on"
                )
        require_folds_of_any_rows(model)
        return model

    def _check_coverage(self, coverage: Any) -> float:
        name = f"{type(self).__name__}: coverage"
        number = check_number(name, coverage, 0.0, 1.0)
        if not 0 < number < 1:
            raise ValueError(f"{name} must be between 0 and 1, got {coverage!r}")
        return number

    def _read(self, X, y, tasks, sample_weight) -> FitArguments:
        kind = MultiTaskClassifier if self._classify else MultiTaskRegressor
        inside = {} if self.estimator is None else self.estimator.get_params(deep=False)
        same = ("task_column", "task_order", "handle_unknown")
        options: Any = {name: getattr(self, name) for name in same}
        reader = kind(fit_intercept=inside.get("fit_intercept", True), **options)
        if inside.get("loss", "sqrt") != "sqrt":
            reader.set_params(loss=inside["loss"])
        passed = FitArguments(reader, X, y, tasks, sample_weight)
        passed.settings["handle_unknown"] = self.handle_unknown
        passed.warn_of_single_classes(stacklevel=4)
        return passed

    def _folds(self, passed: FitArguments) -> list[np.ndarray]:
        """Return masks of the observations that each model has not seen."""
        cv = self.cv
        if self.method == "cv+":
            if is_whole(cv) and cv > 2:
                rows = passed.rows_to_tune_on(np.ones(passed.weight.size, dtype=bool))
                cv = min(int(cv), max(rows, 2))
            return passed.folds(cv, self.random_state)
        splitter = TaskShuffleSplit(
            1, test_size=self.calibration_size, random_state=self.random_state
        )
        return passed.folds(splitter, self.random_state)

    def _folds_of_tasks(self, passed: FitArguments) -> list[np.ndarray]:
        """Return the tasks that are left out together, where new ones may come."""
        if self.handle_unknown != "mean" or passed.given.layout != "long":
            return []
        there = np.flatnonzero(passed.given.data.task_sum(passed.weight) > 0)
        if there.size < 2:
            return []
        most = int(self.cv) if is_whole(self.cv) else 10
        rng = check_random_state(self.random_state)
        return np.array_split(rng.permutation(there), min(there.size, most))

    def _calibrate(self, passed, masks, groups) -> None:
        """Score each row by the model that has not seen it, and tasks left out."""
        code, T = passed.given.code, len(passed.given.tasks)
        self._held_out = self._scored(
            passed, self.estimators_, [np.flatnonzero(mask) for mask in masks], T
        )
        there = passed.weight > 0
        rows = [np.flatnonzero(np.isin(code, group) & there) for group in groups]
        self._left_out = None
        if groups:
            self._left_out = self._scored(passed, self._without_task, rows, T)

    def _scored(self, passed, models, parts, n_tasks) -> Calibration:
        scores = [
            self._scores(passed.given.data.y[part], self._said(model, passed, part))
            for model, part in zip(models, parts, strict=True)
        ]
        return Calibration(
            score=np.concatenate(scores),
            model=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
            code=passed.given.code[np.concatenate(parts)],
            n_tasks=n_tasks,
        )

    def _said(self, model, passed, observations) -> np.ndarray:
        """Return what a model says of some of the observations."""
        rows = passed.given.rows
        if passed.wide:
            every = self._statements(model, passed.X, None)[rows]
            return every.reshape(len(rows), -1).T.reshape(-1)[observations]
        rows, tasks = rows[observations], passed.tasks
        tasks = None if tasks is None else _safe_indexing(tasks, rows)
        return self._statements(model, _safe_indexing(passed.X, rows), tasks)

    def _scores(self, y: np.ndarray, said: np.ndarray) -> np.ndarray:
        """Return how badly rows were predicted; classes are -1 and +1."""
        raise NotImplementedError

    def _least(self, coverage: float) -> int:
        """Return how many rows a task needs to speak for itself."""
        if self.min_rows == "auto":
            return math.ceil(_ROWS_ALONE / (1.0 - coverage) - 1e-9)
        return int(self.min_rows)

    def _warn_of_few(self) -> None:
        """Say where the rows are too few for the coverage."""
        held = self._held_out
        own = [
            held.of_task(t, self._least(self.coverage), self.coverage)
            for t in range(held.n_tasks)
        ]
        short = sum(w.weight.sum() < self.coverage - 1e-12 for w in own)
        what = []
        if short:
            what.append(f"of {short} tasks")
        if self._left_out is not None:
            new = self._left_out.of_new_task().weight.sum()
            if new < self.coverage - 1e-12:
                what.append("of tasks not seen in fit")
        elif self.handle_unknown == "mean" and self.estimator_._layout == "long":
            what.append("of tasks not seen in fit")
        if what:
            needed = math.ceil(self.coverage / (1.0 - self.coverage) - 1e-9)
            warnings.warn(
                f"{type(self).__name__}: {' and '.join(what)} nothing can be said at "
                f"coverage={self.coverage:g}, which takes {needed} rows (for a new "
                f"task: {needed} other tasks): intervals are infinite there, sets have "
                "all classes; lower coverage",
                UserWarning,
                stacklevel=3,
            )

    def _of_each_task(self, X: Any, tasks: Any, answer: Any) -> np.ndarray:
        """Return answers row by row, from those on the rows of one task.

        `answer` takes predictions, (n_models, n_samples), the calibration that goes
        with them and the task, -1 for one not seen in fit.
        """
        check_is_fitted(self)
        if isinstance(tasks, Iterator):
            tasks = list(tasks)
        _, codes = read_predict(self.estimator_, X, tasks)
        every = [self._statements(model, X, tasks) for model in self.estimators_]
        known = np.stack(every)
        if known.ndim == 3:  # a column for each task
            T = known.shape[2]
            found = [answer(known[:, :, t], self._held_out, t) for t in range(T)]
            return np.stack(found, axis=1)
        codes = np.zeros(known.shape[1], dtype=int) if codes is None else codes
        out = np.empty((known.shape[1], 2))
        for t in np.unique(codes[codes >= 0]):
            mine = codes == t
            out[mine] = answer(known[:, mine], self._held_out, t)
        new = codes < 0
        if new.any():
            models = self._without_task or self.estimators_
            said = np.stack([self._statements(m, X, tasks)[new] for m in models])
            out[new] = answer(said, self._left_out, -1)
        return out

    def _statements(self, model: Any, X: Any, tasks: Any) -> np.ndarray:
        """Return what a model says of each row, a number."""
        raise NotImplementedError

    def _witnesses(self, calibration: Calibration, task: int, coverage: float) -> Any:
        if task < 0:
            return calibration.of_new_task()
        return calibration.of_task(task, self._least(coverage), coverage)


class _PredictsInside:
    """Mixin: what the estimator inside answers."""

    estimator_: Any

    def predict(self, X: Any, tasks: ArrayLike | None = None) -> np.ndarray:
        """Predict each row by ``estimator_``.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_tasks)
            As of the estimator inside.
        """
        check_is_fitted(self)
        return self.estimator_.predict(X, tasks)

    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
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

        Returns
        -------
        float
            The score, 1 at best.
        """
        check_is_fitted(self)
        return self.estimator_.score(X, y, tasks, sample_weight)


class TaskConformalRegressor(_PredictsInside, RegressorMixin, _TaskConformal):
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

    def _statements(self, model, X, tasks):
        return model.predict(X, tasks)

    def predict_interval(
        self, X: Any, tasks: ArrayLike | None = None, *, coverage: float | None = None
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

        return self._of_each_task(X, tasks, interval)


class TaskConformalClassifier(_PredictsInside, ClassifierMixin, _TaskConformal):
    """Sets that hold the class with a given probability, in every task.

    Whatever the distribution and the model: rows that were held out tell how often, and
    how surely, it is wrong. A task with enough rows is told so by its own; others by
    all that have few; a task never seen by models that have not seen the task whose
    rows they are asked for.

    Parameters
    ----------
    estimator : classifier, default=None
        Any of linmtl's; by default :class:`~linmtl.MixedEffectsClassifier`.
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
    classes_ : ndarray of shape (2,)
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
    with both classes says that the model cannot tell, an empty one that it would be
    surer of either class if this were a row like the others. Coverage holds on average
    over both classes of a task, not in each.

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
        tags.classifier_tags.multi_class = False
        return tags

    def _scores(self, y, said):
        return np.where(y > 0, 1.0 - said, said)

    def predict_proba(self, X: Any, tasks: ArrayLike | None = None) -> Any:
        """Return the probabilities of the classes by ``estimator_``.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.

        Returns
        -------
        ndarray of shape (n_samples, 2), or a list of n_tasks such arrays
            As of the estimator inside.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X, tasks)

    def _statements(self, model, X, tasks):
        p = model.predict_proba(X, tasks)
        if isinstance(p, list):
            return np.column_stack([of_task[:, 1] for of_task in p])
        return p[:, 1]

    def predict_set(
        self, X: Any, tasks: ArrayLike | None = None, *, coverage: float | None = None
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

        Returns
        -------
        ndarray of bool of shape (n_samples, 2) or (n_samples, n_tasks, 2)
            A column for each class, in the order of ``classes_``; for a model fitted on
            a wide Y the sets of every task, unless `tasks` says which to take.
        """
        level = self._check_coverage(self.coverage if coverage is None else coverage)

        def chosen(said, calibration, task):
            if calibration is None:
                return np.ones((said.shape[1], 2))
            rows, weight, _ = self._witnesses(calibration, task, level)
            rest = calibration.score[rows], calibration.model[rows], weight
            shares = [share_at_least(score, *rest) for score in (said, 1.0 - said)]
            return np.column_stack(shares) > 1.0 - level + 1e-12

        return self._of_each_task(X, tasks, chosen).astype(bool)
