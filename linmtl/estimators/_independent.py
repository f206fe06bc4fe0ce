"""Every task learned alone: one ridge or logistic regression per task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linmtl._cross_validation import (
    fold_of_observations,
    held_out_losses,
    mean_over_folds,
)
from linmtl._validation import FitInput
from linmtl.data import MultiTaskData
from linmtl.estimators._base import Classifier, MultiTaskModel, Regressor
from linmtl.estimators._docs import document
from linmtl.losses import LOSSES
from linmtl.penalties import Penalty, Ridge

_GRID = np.logspace(2, -4, 13)  # strengths tried, relative to each task's curvature


class _Independent(MultiTaskModel):
    """Ridge with a strength per task, given or chosen for each."""

    def _problem(self, given: FitInput) -> tuple[MultiTaskData, np.ndarray]:
        if isinstance(self.alpha, str):
            self.alpha_ = self._tune(given)
        else:
            penalty = Ridge(self.alpha)
            penalty.check(given.data.design.n_features, given.tasks)
            strength = penalty.quadratic(given.tasks).ridge
            self.alpha_ = np.broadcast_to(strength, given.tasks.shape).copy()
        return given.data, given.tasks

    def _make_penalty(self) -> Penalty:
        return Ridge(self.alpha_)

    def _tune(self, given):
        """Return for each task the strength with the best held-out loss of its own."""
        if self.alpha != "cv":
            raise ValueError(
                f"{type(self).__name__}: alpha must be a number >= 0, one per task, or "
                f"'cv', got {self.alpha!r}"
            )
        data = given.data
        curvature = data.design.column_eigenvalues(
            data.weight, data.fit_intercept, np.ones(data.design.n_features)
        )
        curvature[curvature <= 0] = 1.0
        grid = _GRID[:, None] * curvature
        losses = mean_over_folds(
            held_out_losses(
                data,
                LOSSES[self._loss_name()],
                [Ridge(alpha) for alpha in grid],
                given.tasks,
                fold_of_observations(given, data, self.cv),
                n_samples=given.n_samples,
                tol=self.tol,
                max_iter=self.max_iter,
                solver=self.solver,
            )
        )
        # a task too small to be judged takes the strength that is best on average
        judged = ~np.isnan(losses[0])
        relative = losses[:, judged] / np.maximum(losses[-1, judged], 1e-300)
        best = np.full(len(given.tasks), int(np.argmin(relative.mean(axis=1))))
        best[judged] = np.argmin(losses[:, judged], axis=0)
        return grid[best, np.arange(len(best))]


@document
class IndependentRegressor(_Independent, Regressor):
    """Ridge regression for each task on its own.

    The baseline that sharing has to beat. Minimises over W (n_features, n_tasks) and
    b::

        sum_t lambda_t / S_t * sum_{{i in t}} s_i (y_i - x_i . w_t - b_t)^2 / 2
            + sum_t alpha_t / 2 * ||w_t||^2

    Parameters
    ----------
    alpha : float, array-like of shape (n_tasks,), dict or "cv", default=0.01
        Strength, >= 0: one for all tasks, one per task (in the order of ``tasks_`` or
        by label), or chosen for each task by its own cross-validated loss, from 13
        values, 1e2 to 1e-4 times the largest curvature of the task's loss.
    cv : int, default=5
        Number of folds for ``alpha="cv"``.
    {parameters}

    Attributes
    ----------
    alpha_ : ndarray of shape (n_tasks,)
        The strength used for each task.
    {attributes}

    See Also
    --------
    PooledRegressor : The other extreme: one model for all tasks.

    Examples
    --------
    >>> from linmtl import IndependentRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = IndependentRegressor(alpha="cv").fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    def __init__(
        self,
        alpha: float | ArrayLike | Mapping[Any, float] | str = 0.01,
        *,
        cv: int = 5,
        fit_intercept: bool = True,
        task_weight: Any = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: str = "error",
        solver: str = "auto",
        max_iter: int = 10_000,
        tol: float = 1e-4,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        super().__init__(
            fit_intercept=fit_intercept,
            task_weight=task_weight,
            task_column=task_column,
            task_order=task_order,
            handle_unknown=handle_unknown,
            solver=solver,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.alpha = alpha
        self.cv = cv


@document
class IndependentClassifier(_Independent, Classifier):
    """L2-penalised logistic regression for each task on its own.

    The baseline that sharing has to beat. y_i is +1 for
    ``classes_[1]`` and -1 for ``classes_[0]``. Minimises over W (n_features, n_tasks)
    and b::

        sum_t lambda_t / S_t * sum_{{i in t}} s_i log(1 + exp(-y_i (x_i . w_t + b_t)))
            + sum_t alpha_t / 2 * ||w_t||^2

    Parameters
    ----------
    alpha : float, array-like of shape (n_tasks,), dict or "cv", default=0.01
        Strength, >= 0: one for all tasks, one per task (in the order of ``tasks_`` or
        by label), or chosen for each task by its own cross-validated loss, from 13
        values, 1e2 to 1e-4 times the largest curvature of the task's loss.
    cv : int, default=5
        Number of folds for ``alpha="cv"``.
    {parameters}

    Attributes
    ----------
    alpha_ : ndarray of shape (n_tasks,)
        The strength used for each task.
    classes_ : ndarray of shape (2,)
        The class labels, over all tasks.
    {attributes}

    See Also
    --------
    PooledClassifier : The other extreme: one model for all tasks.

    Examples
    --------
    >>> from linmtl import IndependentClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = IndependentClassifier(alpha="cv").fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    def __init__(
        self,
        alpha: float | ArrayLike | Mapping[Any, float] | str = 0.01,
        *,
        cv: int = 5,
        fit_intercept: bool = True,
        task_weight: Any = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: str = "error",
        solver: str = "auto",
        max_iter: int = 10_000,
        tol: float = 1e-4,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        super().__init__(
            fit_intercept=fit_intercept,
            task_weight=task_weight,
            task_column=task_column,
            task_order=task_order,
            handle_unknown=handle_unknown,
            solver=solver,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.alpha = alpha
        self.cv = cv
