"""RobustLowRank estimators: a shared subspace, but for outlier tasks."""

from __future__ import annotations

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.penalties import RobustLowRank


class _RobustLowRank(Alias):
    """Coefficients W = L + S: L has low rank, S is zero but for the columns of outlier
    tasks. Minimises over W (n_features, n_tasks) and b::

        {loss}
            + alpha_rank * ||L||_* + alpha_outlier * sum_t ||s_t||_2

    {symbols}

    Parameters
    ----------
    alpha_rank : float, default={alpha_rank}
        Strength on the trace norm of the low-rank part, > 0.
    alpha_outlier : float, default={alpha_outlier}
        Strength on the columns of the outlier part, > 0. The low-rank part is zero
        where it is at most ``alpha_rank / sqrt(n_tasks)``, the outlier part where it
        is above ``alpha_rank``.

    Attributes
    ----------
    coef_components_ : dict of ndarray of shape (n_tasks, n_features)
        The parts "low_rank" (L) and "outlier" (S); they add up to ``coef_``.
    outlier_tasks_ : ndarray
        The labels of the tasks whose outlier part is not zero.

    Notes
    -----
    MALSAR has it as RMTL.

    References
    ----------
    Chen, Zhou, Ye (2011), Integrating low-rank and group-sparse structures for robust
    multi-task learning.

    Examples
    --------
    sorted(model.coef_components_) -> ['low_rank', 'outlier']
    """

    _penalty = RobustLowRank


@estimator
class RobustLowRankRegressor(_RobustLowRank, Regressor):
    """Regression with a shared subspace, but for outlier tasks."""

    alpha_rank: float = 0.1
    alpha_outlier: float = 0.1


@estimator
class RobustLowRankClassifier(_RobustLowRank, Classifier):
    """Logistic regression with a shared subspace, but for outlier tasks."""

    alpha_rank: float = 0.01
    alpha_outlier: float = 0.01


@parameters
class _RobustLowRankCV(_RobustLowRank, AliasCV):
    alpha_rank: float = 1.0
    alpha_outlier: float | ArrayLike | None = None

    _grid = ("alpha_outlier",)
    _parts = ("alpha_rank", "alpha_outlier")


@estimator
class RobustLowRankRegressorCV(_RobustLowRankCV, Regressor):
    """`RobustLowRankRegressor` with the strengths chosen by cross-validation."""


@estimator
class RobustLowRankClassifierCV(_RobustLowRankCV, Classifier):
    """`RobustLowRankClassifier` with the strengths chosen by cross-validation."""
