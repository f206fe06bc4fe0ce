"""AdaptiveRobust estimators: tasks with a common model, but for those that differ."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._fit_input import FitInput
from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.penalties import Deviation, Penalty, TaskL21


class _AdaptiveRobust(Alias):
    """Tasks that are alike share one model; one that is not keeps its own, and does not
    harm the others. Minimises over m (n_features,), U (n_features, n_tasks) and b, with
    W = m 1' + U::

        {loss}
            + alpha * sum_t lambda_t sqrt(n_features / S_t) ||u_t||_2
            + alpha_mean / 2 * T ||m||^2

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        The constant of the strengths, > 0; in proportion to the noise.
    alpha_mean : float, default={alpha_mean}
        Strength of a ridge on the common model m, >= 0.
    intercept_weight : float, default={intercept_weight}
        Factor >= 0 on ``alpha`` of a ridge on what the intercepts differ from their
        mean; 0 leaves them free.

    Attributes
    ----------
    coef_mean_ : ndarray of shape (n_features,)
        The common model m.
    coef_components_ : dict of ndarray of shape (n_tasks, n_features)
        The parts "mean" (m for each task) and "deviation" (U); they add up to
        ``coef_``.

    Notes
    -----
    The strength of a task falls with the root of its number of samples: the error that
    its own model has. When tasks are alike the estimate is as good as one from all
    samples together, and when some are not it is worse than learning alone by a
    constant at most. The penalty is ``Deviation(TaskL21(task_weight=...))``.

    References
    ----------
    Duan, Wang (2023), Adaptive and robust multi-task learning.

    Examples
    --------
    model.coef_mean_.shape -> (20,)
    """

    _weight: ClassVar[np.ndarray | None] = None

    def _problem(self, given: FitInput):
        total, n_features = given.data.total, given.data.design.n_features
        weight = total * np.sqrt(n_features / given.n_samples)
        left_out = total == 0  # of the loss: their deviations are zero at any strength
        weight[left_out] = weight[~left_out].mean() if np.any(~left_out) else 1.0
        self._weight = weight  # type: ignore[misc]
        return super()._problem(given)

    def _penalty(  # type: ignore[override]
        self, alpha: float, alpha_mean: float, intercept_weight: float
    ) -> Penalty:
        norm = TaskL21(alpha, task_weight=self._weight)
        return Deviation(norm, alpha_mean, intercept_weight=intercept_weight)


@estimator
class AdaptiveRobustRegressor(_AdaptiveRobust, Regressor):
    """Regression with a common model, but for tasks that differ (ARMUL)."""

    alpha: float = 1.0
    alpha_mean: float = 1e-3
    _: KW_ONLY
    intercept_weight: float = 0.0


@estimator
class AdaptiveRobustClassifier(_AdaptiveRobust, Classifier):
    """Logistic regression with a common model, but for tasks that differ (ARMUL)."""

    alpha: float = 0.3
    alpha_mean: float = 1e-3
    _: KW_ONLY
    intercept_weight: float = 0.0


@parameters
class _AdaptiveRobustCV(_AdaptiveRobust, AliasCV):
    alpha_mean: float | ArrayLike = 1e-3
    intercept_weight: float | ArrayLike = 0.0


@estimator
class AdaptiveRobustRegressorCV(_AdaptiveRobustCV, Regressor):
    """`AdaptiveRobustRegressor` with ``alpha`` chosen by cross-validation."""


@estimator
class AdaptiveRobustClassifierCV(_AdaptiveRobustCV, Classifier):
    """`AdaptiveRobustClassifier` with ``alpha`` chosen by cross-validation."""
