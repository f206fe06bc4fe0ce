"""Data of any layout as labelled rows, to fit and judge estimators on parts of them."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator

from linmtl.data import MultiTaskData
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.model_selection import TaskShuffleSplit
from linmtl.penalties import Ridge

_ROUNDING = 1e-12  # of a prediction, relative to the targets


def plain_reader(estimator: MultiTaskModel) -> MultiTaskModel:
    """Return a plain estimator that reads the same data."""
    kind = MultiTaskClassifier if estimator._classify else MultiTaskRegressor
    names = kind().get_params(deep=False).keys() & estimator.get_params(deep=False)
    names -= {"penalty", "refit", "loss", "solver", "class_weight"}
    given = {name: getattr(estimator, name) for name in names}
    return kind(Ridge(1.0), **given)


class Rows:
    """Observed rows of all tasks, in the long layout.

    Attributes
    ----------
    X : ndarray or sparse array of shape (n_rows, n_features)
        Samples, task after task.
    y, weight : ndarray of shape (n_rows,)
        Targets as passed, and sample weights.
    code : ndarray of int of shape (n_rows,)
        The task of each row, a position in `tasks`.
    source : ndarray of int of shape (n_rows,)
        The row of X as passed.
    tasks : ndarray of shape (n_tasks,)
        Task labels. A task with a single class has no rows.
    n_samples : ndarray of shape (n_tasks,)
        Rows of each task.
    """

    def __init__(
        self,
        estimator: MultiTaskModel,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None,
        sample_weight: ArrayLike | None,
    ):
        reader = plain_reader(estimator)
        given, self.tasks, objective = reader._read_problem(X, y, tasks, sample_weight)
        data = objective.base_fit.data
        self.classes = given.classes
        self.n_passed = given.n_rows
        T = len(self.tasks)
        used = [
            np.arange(data.task_ptr[t], data.task_ptr[t + 1])[
                data.weight[data.task_ptr[t] : data.task_ptr[t + 1]] > 0
            ]
            for t in range(T)
        ]
        flat = np.concatenate(used)
        self.n_samples = np.array([rows.size for rows in used])
        self.code = np.repeat(np.arange(T), self.n_samples)
        blocks = [
            data.design.block(t)[rows - data.task_ptr[t]] for t, rows in enumerate(used)
        ]
        self._sparse = sparse.issparse(blocks[0])
        self.X = (
            sparse.vstack(blocks).tocsr() if self._sparse else np.concatenate(blocks)
        )
        self.y = data.y[flat]
        if self.classes is not None:
            self.y = self.classes[(self.y > 0).astype(int)]
        # in units of samples again, so that task_weight="n_samples" means what it says
        size = np.divide(
            given.n_samples, data.total, out=np.zeros(T), where=data.total > 0
        )
        self.weight = data.weight[flat] * size[self.code]
        self.source = given.rows[flat % len(given.rows)]
        self.rounding = rounding_of_loss(data)

    def splits(
        self, cv: Any, random_state: int | None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return masks of training and test rows.

        An integer stands for that many random splits within the tasks, a fifth of each
        held out; anything else splits the rows as passed.
        """
        if isinstance(cv, numbers.Integral) and not isinstance(cv, bool):
            splitter = TaskShuffleSplit(
                int(cv), test_size=0.2, random_state=random_state
            )
            parts: Any = splitter.split(self.X, self.y, self.code)
            return [self._masks(train, test) for train, test in parts]
        if isinstance(cv, (str, float, bool)) or cv is None:
            raise ValueError(
                "cv must be a number of splits, a splitter or an iterable of (train, "
                f"test), got {cv!r}"
            )
        if hasattr(cv, "split"):
            y = np.zeros(self.n_passed)
            groups = np.zeros(self.n_passed, dtype=int)
            y, groups = y.astype(self.y.dtype), groups
            y[self.source], groups[self.source] = self.y, self.code
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "The groups parameter is ignored")
                cv = list(cv.split(np.zeros((self.n_passed, 1)), y, groups))
        return [
            tuple(np.isin(self.source, _positions(part)) for part in pair)
            for pair in cv
        ]

    def _masks(self, *parts):
        masks = np.zeros((len(parts), self.code.size), dtype=bool)
        for mask, part in zip(masks, parts, strict=True):
            mask[part] = True
        return tuple(masks)

    def held_out_loss(
        self,
        model: BaseEstimator,
        train: np.ndarray,
        test: np.ndarray,
        chosen: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Fit a model, and return its mean squared error or log loss on each task.

        Parameters
        ----------
        model : estimator
            It is fitted as passed.
        train, test : ndarray of bool of shape (n_rows,)
            The rows to fit and to judge on.
        chosen : sequence of int, default=None
            The tasks to use; all by default.

        Returns
        -------
        ndarray of shape (n_tasks,) or (n_chosen,)
            NaN for a task with no row in one of the parts.
        """
        tasks = np.arange(len(self.tasks)) if chosen is None else np.asarray(chosen)
        mine = np.isin(self.code, tasks)
        fitted = self.fit(model, train & mine)
        rows = np.flatnonzero(test & mine)
        rows = rows[np.isin(self.code[rows], np.unique(self.code[train & mine]))]
        out = np.full(len(tasks), np.nan)
        if rows.size == 0:
            return out
        loss = self.losses(fitted, rows)
        for k, t in enumerate(tasks):
            own = self.code[rows] == t
            if own.any():
                out[k] = np.average(loss[own], weights=self.weight[rows][own])
                if out[k] <= self.rounding[t]:
                    out[k] = 0.0
        return out

    def count(self, rows: np.ndarray) -> np.ndarray:
        """Return the number of rows of each task in a mask, (n_tasks,)."""
        return np.bincount(self.code[rows], minlength=len(self.tasks))

    def fit(self, model: BaseEstimator, rows: np.ndarray) -> BaseEstimator:
        """Fit a model on some rows (a mask or positions) in the long layout."""
        code = self.code[rows]
        parameters = model.get_params(deep=False)
        order = self.tasks[np.unique(code)]
        settings = {"task_column": None, "task_order": order}
        model.set_params(**{k: v for k, v in settings.items() if k in parameters})
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "these tasks have a single class")
            return model.fit(
                self.X[rows], self.y[rows], self.tasks[code], self.weight[rows]
            )

    def losses(self, model: BaseEstimator, rows: np.ndarray) -> np.ndarray:
        """Return the squared error or log loss of a fitted model on each row."""
        X, labels = self.X[rows], self.tasks[self.code[rows]]
        if self.classes is None:
            return (self.y[rows] - model.predict(X, labels)) ** 2
        sign = np.where(self.y[rows] == self.classes[1], 1.0, -1.0)
        return np.logaddexp(0.0, -sign * model.decision_function(X, labels))


def rounding_of_loss(data: MultiTaskData) -> np.ndarray:
    """Return for each task a squared error that is nothing but rounding."""
    total = np.where(data.total > 0, data.total, 1.0)
    return _ROUNDING**2 * data.task_sum(data.weight * data.y**2) / total


def _positions(part: ArrayLike) -> np.ndarray:
    part = np.asarray(part)
    return np.flatnonzero(part) if part.dtype == bool else part
