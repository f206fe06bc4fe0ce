"""NonconvexFusedGroup estimators: few features that change at few tasks."""

from __future__ import annotations

from dataclasses import KW_ONLY

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._curves import best_of
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import L1, NonconvexFusedGroup, compose
from linmtl.solvers._objective import Objective
from linmtl.solvers._path import largest_strength


class _NonconvexFusedGroup(Refitted, Alias):
    """Few features are used at all, each with few changes from a task to the next.
    Minimises over W (n_features, n_tasks) and b::

        {loss}
            + alpha * sum_j sqrt(||W_j||_1) + alpha_fused * sum_jt |W_j,t - W_j,t+1|

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength of the square roots, >= 0.
    alpha_fused : float, default={alpha_fused}
        Strength of the differences between consecutive tasks in form 1, >= 0.
    form : {1, 2}, default={form}
        The form; in the second, ``sqrt(l1_weight ||W_j||_1 + sum_t |W_jt - W_j,t+1|)``
        takes the place of the square root, and there is no other term.
    l1_weight : float, default={l1_weight}
        Weight of the absolute values beside the differences in form 2, > 0.

    Attributes
    ----------
    stage_objectives_ : ndarray of shape (n_stages,)
        The objective after each stage.

    Notes
    -----
    The tasks are ordered by their labels, which must be numbers, or by ``task_order``;
    for wide Y by its columns. Of more than two classes each has an order of
    its own, of the tasks that have it. MALSAR has the forms as nFSGL1 and nFSGL2.

    The problem is not convex. It is solved in convex stages, from those with a
    convex penalty of this strength, of a half and of a fifth of it, and the lowest end
    is kept; ``dual_gap_`` is that of its last stage, which is zero at a stationary
    point, not a bound on the distance to the best of them.

    References
    ----------
    Zhou, Liu, Narayan, Ye (2012), Modeling disease progression via fused sparse group
    lasso.
    """

    _penalty = NonconvexFusedGroup


@estimator
class NonconvexFusedGroupRegressor(_NonconvexFusedGroup, Regressor):
    """Regression with few features that change at few tasks (not convex)."""

    alpha: float = 1.0
    alpha_fused: float = 1.0
    form: int = 1
    l1_weight: float = 1.0


@estimator
class NonconvexFusedGroupClassifier(_NonconvexFusedGroup, Classifier):
    """Logistic regression with few features that change at few tasks (not convex)."""

    alpha: float = 0.01
    alpha_fused: float = 0.01
    form: int = 1
    l1_weight: float = 1.0


@parameters
class _NonconvexFusedGroupCV(_NonconvexFusedGroup, AliasCV):
    _: KW_ONLY
    alpha_fused: float | ArrayLike | None = None
    form: int | ArrayLike = 1
    l1_weight: float | ArrayLike = 1.0

    _grid = ("alpha_fused", "form", "l1_weight")
    _second = "alpha_fused"
    _factors = 1e-3, 1e-2, 0.1
    _unit = "slope of the loss at zero"

    def _unit_of_second(self, fit, columns):
        """Return the largest slope of the loss at zero."""
        part = Objective(fit, compose(L1(1.0), fit.n_features, columns))
        return largest_strength(part) or 1.0

    def _values_of_second(self, setting, values, n_columns):
        values = super()._values_of_second(setting, values, n_columns)
        has_term = setting["form"] == 1 and n_columns > 1
        return values if has_term else values[:1]

    def _beyond(self, curves):
        if best_of(curves).setting["form"] == 2 or len(curves) == 1:
            return None
        return super()._beyond([c for c in curves if c.setting["form"] == 1])


@estimator
class NonconvexFusedGroupRegressorCV(_NonconvexFusedGroupCV, Regressor):
    """`NonconvexFusedGroupRegressor` with ``alpha`` chosen by cross-validation."""


@estimator
class NonconvexFusedGroupClassifierCV(_NonconvexFusedGroupCV, Classifier):
    """`NonconvexFusedGroupClassifier` with ``alpha`` chosen by cross-validation."""
