"""Models of parts of the rows, and what they say of the others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, Self

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import check_is_fitted

from linmtl.auto._combined import (
    FitArguments,
    check_inside,
    require_linear,
    require_one_loss,
)
from linmtl.conformal._calibration import Calibration
from linmtl.data._checks import check_choice, check_count, check_number, is_whole
from linmtl.data._labels import with_columns
from linmtl.data._read import read_predict, require_tasks
from linmtl.data._warn import warn
from linmtl.estimators._by_loss import loss_of
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._mean_regularized import MeanRegularizedClassifierCV
from linmtl.estimators._mixed_effects import (
    MixedEffectsClassifier,
    MixedEffectsRegressor,
)
from linmtl.estimators._task_model import TaskModel, speaking_as
from linmtl.model_selection import TaskShuffleSplit
from linmtl.model_selection._jobs import run_jobs
from linmtl.transfer._subset import for_tasks

METHODS = ("cv+", "split")
_ROWS_ALONE = 4  # over the error that is allowed: of a task that needs no other


class TaskConformal(MetaEstimatorMixin, BaseEstimator):
    """Base: conformal prediction around any estimator of tasks."""

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
        *,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Fit the models, and keep how well they predict rows they have not seen.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, or labels of classes, in any layout that the estimator takes.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0 of the fits. Held-out rows of a positive weight count alike.
        offset : float or array-like of shape (n_samples,) or of y's shape, default=None
            A known part of the linear predictor, for the estimator inside. It is for
            what predicts too then.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter is not allowed; the message says why.
        """
        self._check()
        passed = self._read(X, y, tasks, sample_weight, offset)
        model = self._model(passed.given.several)
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
        for each in fitted:
            each._called_by = type(self).__name__
        self.estimators_ = fitted[: len(parts)]
        self.estimator_ = fitted[0] if split else fitted[len(parts)]
        self._without_task = fitted[len(jobs) - len(groups) :]
        self.tasks_, self._layout = self.estimator_.tasks_, self.estimator_._layout
        for name in ("n_features_in_", "feature_names_in_", "classes_"):
            self.__dict__.pop(name, None)
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        self._classes = passed.given.classes
        self._calibrate(passed, masks, groups)
        self.n_calibration_ = self._held_out.count
        self._warn_of_few()
        return self

    def _check(self) -> None:
        """Check every parameter."""
        name = type(self).__name__
        check_choice(f"{name}: method", self.method, METHODS)
        self._check_coverage(self.coverage)
        size = check_number(f"{name}: calibration_size", self.calibration_size, 0, 1)
        if not 0 < size < 1:
            raise ValueError(f"{name}: calibration_size must be between 0 and 1")
        if self.min_rows != "auto":
            check_count(f"{name}: min_rows", self.min_rows)
        if self.estimator is not None:
            check_inside(self, "estimator", self.estimator)

    def _model(self, several: bool) -> Any:
        """Return the estimator, by default one for two classes or for several."""
        if self.estimator is not None:
            return self.estimator
        if several:
            return MeanRegularizedClassifierCV()
        return MixedEffectsClassifier() if self._classify else MixedEffectsRegressor()

    def _check_coverage(self, coverage: Any) -> float:
        name = f"{type(self).__name__}: coverage"
        number = check_number(name, coverage, 0.0, 1.0)
        if not 0 < number < 1:
            raise ValueError(f"{name} must be between 0 and 1, got {coverage!r}")
        return number

    def _read(self, X, y, tasks, sample_weight, offset) -> FitArguments:
        kind = MultiTaskClassifier if self._classify else MultiTaskRegressor
        require_one_loss(self.estimator)
        inside = {} if self.estimator is None else self.estimator.get_params(deep=False)
        same = ("task_column", "task_order", "handle_unknown")
        options: Any = {name: getattr(self, name) for name in same}
        reader = kind(fit_intercept=inside.get("fit_intercept", True), **options)
        model: Any = self.estimator
        if model is not None and not self._classify:
            require_linear(model)
        if model is not None and not model._not_linear:  # of "sqrt" the squared error
            reader.set_params(**loss_of(model))
        reader.set_params(feature_mask=getattr(self.estimator, "feature_mask", None))
        reader = speaking_as(type(self).__name__, reader)
        # whether the estimator is for features that differ, it says itself
        passed = FitArguments(
            reader, X, y, tasks, sample_weight, offset, incomplete=True
        )
        passed.settings["handle_unknown"] = self.handle_unknown
        passed.warn_of_single_classes()
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
            self._scores(passed.given.y[part], self._said(model, passed, part))
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
        rows, offset = passed.given.rows, passed.offset
        if passed.wide:
            every = self._statements(model, passed.X, None, offset)[rows]
            every = every.swapaxes(0, 1).reshape(-1, *every.shape[2:])
            return every[observations]
        rows, tasks = rows[observations], passed.tasks
        tasks = None if tasks is None else _safe_indexing(tasks, rows)
        offset = None if offset is None else offset[rows]
        return self._statements(model, _safe_indexing(passed.X, rows), tasks, offset)

    def _scores(self, y: np.ndarray, said: np.ndarray) -> np.ndarray:
        """Return how badly rows were predicted; classes are as a loss takes them."""
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
            warn(
                f"{type(self).__name__}: {' and '.join(what)} nothing can be said at "
                f"coverage={self.coverage:g}, which takes {needed} rows (for a new "
                f"task: {needed} other tasks): intervals are infinite there, sets have "
                "all classes; lower coverage"
            )

    def _checked(self, X: Any, tasks: Any) -> tuple[Any, np.ndarray | None]:
        """Return the labels of the tasks, which may be an iterator, and their codes.

        Errors name this estimator and not the one inside.
        """
        check_is_fitted(self)
        if isinstance(tasks, Iterator):
            tasks = list(tasks)
        _, codes = read_predict(self, X, tasks)
        require_tasks(self, codes)
        return tasks, codes

    def _of_each_task(self, X: Any, tasks: Any, offset: Any, answer: Any) -> np.ndarray:
        """Return answers row by row, from those on the rows of one task.

        `answer` takes predictions, (n_models, n_samples) or with one more axis for
        classes, the calibration that goes with them and the task, -1 for one not seen
        in fit.
        """
        X = with_columns(X)
        tasks, codes = self._checked(X, tasks)
        if codes is None or np.all(codes >= 0):
            known = self._said_by(self.estimators_, X, tasks, offset)
            if self._every_task(known):
                T = known.shape[2]
                found = [answer(known[:, :, t], self._held_out, t) for t in range(T)]
                return np.stack(found, axis=1)
            return self._answers(known, codes, answer)
        out = np.empty((codes.size, self._n_answers))
        for mine, models in (
            (codes >= 0, self.estimators_),
            (codes < 0, self._without_task or self.estimators_),
        ):
            rows = np.flatnonzero(mine)
            if rows.size:
                labels = None if tasks is None else _safe_indexing(tasks, rows)
                known = np.asarray(offset)[rows] if np.ndim(offset) else offset
                said = self._said_by(models, _safe_indexing(X, rows), labels, known)
                out[mine] = self._answers(said, codes[mine], answer)
        return out

    @property
    def _n_answers(self) -> int:
        """Of each row: two ends, or whether each class is in its set."""
        return 2 if self._classes is None else len(self._classes)

    def _every_task(self, said: np.ndarray) -> bool:
        """Whether predictions have an axis for tasks, the third."""
        return said.ndim == (3 if self._classes is None else 4)

    def _said_by(self, models, X, tasks, offset) -> np.ndarray:
        return np.stack([self._statements(model, X, tasks, offset) for model in models])

    def _answers(self, said, codes, answer) -> np.ndarray:
        """Return the answers on rows of some tasks."""
        codes = np.zeros(said.shape[1], dtype=int) if codes is None else codes
        out = np.empty((said.shape[1], self._n_answers))
        for t in np.unique(codes):
            mine = codes == t
            calibration = self._left_out if t < 0 else self._held_out
            out[mine] = answer(said[:, mine], calibration, t)
        return out

    def _statements(self, model: Any, X: Any, tasks: Any, offset: Any) -> np.ndarray:
        """Return what a model says of each row, a number or one for each class."""
        raise NotImplementedError

    def _witnesses(self, calibration: Calibration, task: int, coverage: float) -> Any:
        if task < 0:
            return calibration.of_new_task()
        return calibration.of_task(task, self._least(coverage), coverage)
