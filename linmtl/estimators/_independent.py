"""Every task learned alone: one ridge or logistic regression per task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data import MultiTaskData
from linmtl.data._read import FitInput
from linmtl.datafits._make import Join
from linmtl.estimators._base import Classifier, MultiTaskModel, Regressor
from linmtl.estimators._docs import estimator
from linmtl.model_selection._held_out import (
    fold_of_observations,
    held_out_losses,
    mean_over_folds,
)
from linmtl.penalties import Penalty, Ridge

_GRID = np.logspace(2, -4, 13)  # strengths tried, relative to each task's curvature


class _Independent(MultiTaskModel):
    """Ridge with a strength per task, given or chosen for each."""

    alpha: float | ArrayLike | Mapping[Any, float] | str
    cv: int

    def _problem(self, given: FitInput) -> tuple[MultiTaskData, np.ndarray]:
        if self._tuned():
            self.alpha_ = self._tune(given)
        else:
            penalty = Ridge(self.alpha)
            penalty.check(given.data.design.n_features, given.tasks)
            strength = penalty.quadratic(given.tasks).ridge
            self.alpha_ = np.broadcast_to(strength, given.tasks.shape).copy()
        return given.data, given.tasks

    def _make_penalty(self) -> Penalty:
        return Ridge(self.alpha_)

    def _join(self) -> Join:
        # The largest loss of models that share nothing is least where each is. Joined
        # by their maximum, tasks would weigh less than where their strength was tuned.
        join = super()._join()
        return Join.SUM if self._tuned() and join is Join.MAXIMUM else join

    def _tuned(self) -> bool:
        return isinstance(self.alpha, str)

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
                self._loss(),
                [Ridge(alpha) for alpha in grid],
                given.tasks,
                fold_of_observations(given, data, self.cv),
                join=self._join(),
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


@estimator
class IndependentRegressor(_Independent, Regressor):
    """Ridge regression for each task on its own.

    The baseline that sharing has to beat. Minimises over W (n_features, n_tasks) and
    b::

        {squared}
            + sum_t alpha_t / 2 * ||w_t||^2

    Parameters
    ----------
    alpha : float, array-like of shape (n_tasks,), dict or "cv", default=0.01
        Strength, >= 0: one for all tasks, one per task (in the order of ``tasks_`` or
        by label), or chosen for each task by its own cross-validated loss, from 13
        values, 1e2 to 1e-4 times the largest curvature of the task's loss. Models that
        are tuned are those of each task alone for ``task_weight="minimax"`` too, where
        the largest relative loss is least.
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

    alpha: float | ArrayLike | Mapping[Any, float] | str = 0.01
    _: KW_ONLY
    cv: int = 5


@estimator
class IndependentClassifier(_Independent, Classifier):
    """L2-penalised logistic regression for each task on its own.

    The baseline that sharing has to beat. y_i is +1 for the second class and -1 for
    the first. Minimises over W (n_features, n_tasks) and b::

        {logistic}
            + sum_t alpha_t / 2 * ||w_t||^2

    Parameters
    ----------
    alpha : float, array-like of shape (n_tasks,), dict or "cv", default=0.01
        Strength, >= 0: one for all tasks, one per task (in the order of ``tasks_`` or
        by label), or chosen for each task by its own cross-validated loss, from 13
        values, 1e2 to 1e-4 times the largest curvature of the task's loss. Models that
        are tuned are those of each task alone for ``task_weight="minimax"`` too, where
        the largest relative loss is least.
    cv : int, default=5
        Number of folds for ``alpha="cv"``.
    {parameters}

    Attributes
    ----------
    alpha_ : ndarray of shape (n_tasks,)
        The strength used for each task.
    {classes}
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

    alpha: float | ArrayLike | Mapping[Any, float] | str = 0.01
    _: KW_ONLY
    cv: int = 5
