"""CappedL1 estimators: large features left unshrunk (capped L1)."""

from __future__ import annotations

from dataclasses import field

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import CappedL1, Penalty, Ridge


class _CappedL1(Refitted, Alias):
    """Features whose coefficients are large enough are not shrunk. Minimises over W
    (n_features, n_tasks) and b::

        {loss}
            + alpha * sum_j min(||W_j||_1, threshold)

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength, >= 0.
    threshold : float, default={threshold}
        The sum of absolute coefficients of a feature beyond which it costs no more,
        > 0.
    alpha_ridge : float, default={alpha_ridge}
        Strength of the ridge penalty, >= 0, added to the objective as
        ``alpha_ridge / 2 * ||W||_F^2``.

    Attributes
    ----------
    stage_objectives_ : ndarray of shape (n_stages,)
        The objective after each stage.

    Notes
    -----
    The problem is not convex. It is solved in convex stages, from those with the
    L1 penalty of this strength, of a half and of a fifth of it, and the lowest end
    is kept; ``dual_gap_`` is that of its last stage, which is zero at a stationary
    point, not a bound on the distance to the best of them.

    MALSAR has it as MSMTFL.

    The penalty is bounded: of classes that can be separated there is no optimum
    without the ridge.

    References
    ----------
    Gong, Ye, Zhang (2013), Multi-stage multi-task feature learning.
    """

    @staticmethod
    def _penalty(alpha, threshold, alpha_ridge) -> Penalty:
        penalty = CappedL1(alpha, threshold)
        return penalty + Ridge(alpha_ridge) if alpha_ridge else penalty


@estimator
class CappedL1Regressor(_CappedL1, Regressor):
    """Regression with large features left unshrunk (capped L1)."""

    alpha: float = 1.0
    threshold: float = 1.0
    alpha_ridge: float = 0.0


@estimator
class CappedL1Classifier(_CappedL1, Classifier):
    """Logistic regression with large features left unshrunk (capped L1)."""

    alpha: float = 0.01
    threshold: float = 1.0
    alpha_ridge: float = 1e-3


@parameters
class _CappedL1CV(_CappedL1, AliasCV):
    threshold: float | ArrayLike = 1.0
    alpha_ridge: float = 1e-3

    _grid = ("threshold",)


@estimator
class CappedL1RegressorCV(_CappedL1CV, Regressor):
    """`CappedL1Regressor` with ``alpha`` chosen by cross-validation."""

    alpha_ridge: float = field(default=0.0, kw_only=True)


@estimator
class CappedL1ClassifierCV(_CappedL1CV, Classifier):
    """`CappedL1Classifier` with ``alpha`` chosen by cross-validation."""
