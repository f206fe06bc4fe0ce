"""SCAD estimators: joint feature selection with little shrinkage (SCAD)."""

from __future__ import annotations

from dataclasses import field

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import SCAD, Penalty, Ridge


class _SCAD(Refitted, Alias):
    """A feature is used by all tasks or by none, and large ones are not shrunk.
    Minimises over W (n_features, n_tasks) and b::

        {loss}
            + sum_j f(||W_j||_2) + alpha_ridge / 2 * ||W||_F^2

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength, >= 0: the slope of f at zero.
    gamma : float, default={gamma}
        Where the slope reaches zero, in units of alpha, > 2.
    alpha_ridge : float, default={alpha_ridge}
        Strength of the ridge penalty, >= 0, added to the objective as
        ``alpha_ridge / 2 * ||W||_F^2``.

    Attributes
    ----------
    stage_objectives_ : ndarray of shape (n_stages,)
        The objective after each stage.

    Notes
    -----
    The slope of f is alpha up to ``r = alpha`` (smoothly clipped absolute deviation),
    then falls linearly to zero at ``r = gamma alpha``.

    The problem is not convex. It is solved in convex stages, from those with the
    L21 penalty of this strength, of a half and of a fifth of it, and the lowest end
    is kept; ``dual_gap_`` is that of its last stage, which is zero at a stationary
    point, not a bound on the distance to the best of them.

    The penalty is bounded: of classes that can be separated there is no optimum
    without the ridge.

    References
    ----------
    Fan, Li (2001), Variable selection via nonconcave penalized likelihood and its
    oracle properties.
    """

    @staticmethod
    def _penalty(alpha, gamma, alpha_ridge) -> Penalty:
        penalty = SCAD(alpha, gamma)
        return penalty + Ridge(alpha_ridge) if alpha_ridge else penalty


@estimator
class SCADRegressor(_SCAD, Regressor):
    """Regression with joint feature selection, little shrinkage (SCAD)."""

    alpha: float = 1.0
    gamma: float = 3.7
    alpha_ridge: float = 0.0


@estimator
class SCADClassifier(_SCAD, Classifier):
    """Logistic regression with joint feature selection, little shrinkage (SCAD)."""

    alpha: float = 0.01
    gamma: float = 3.7
    alpha_ridge: float = 1e-3


@parameters
class _SCADCV(_SCAD, AliasCV):
    gamma: float | ArrayLike = 3.7
    alpha_ridge: float = 1e-3

    _grid = ("gamma",)


@estimator
class SCADRegressorCV(_SCADCV, Regressor):
    """`SCADRegressor` with ``alpha`` chosen by cross-validation."""

    alpha_ridge: float = field(default=0.0, kw_only=True)


@estimator
class SCADClassifierCV(_SCADCV, Classifier):
    """`SCADClassifier` with ``alpha`` chosen by cross-validation."""
