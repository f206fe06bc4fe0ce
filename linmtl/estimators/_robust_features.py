"""RobustFeatures estimators: shared features, but for outlier tasks."""

from __future__ import annotations

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import RobustFeatures


class _RobustFeatures(Refitted, Alias):
    """Coefficients W = P + Q: P has the features that the tasks share, Q is zero but
    for the columns of outlier tasks. Minimises over W (n_features, n_tasks) and b::

        {loss}
            + alpha_shared * sum_j ||P_j||_2 + alpha_outlier * sum_t ||q_t||_2

    {symbols}

    Parameters
    ----------
    alpha_shared : float, default={alpha_shared}
        Strength on the rows of the shared part, > 0.
    alpha_outlier : float, default={alpha_outlier}
        Strength on the columns of the outlier part, > 0.

    Attributes
    ----------
    coef_components_ : dict of ndarray of shape (n_tasks, n_features)
        The parts "shared" (P) and "outlier" (Q); they add up to ``coef_``.
    outlier_tasks_ : ndarray
        The labels of the tasks whose outlier part is not zero.

    Notes
    -----
    MALSAR has it as rMTFL.

    References
    ----------
    Gong, Ye, Zhang (2012), Robust multi-task feature learning.

    Examples
    --------
    sorted(model.coef_components_) -> ['outlier', 'shared']
    """

    _penalty = RobustFeatures


@estimator
class RobustFeaturesRegressor(_RobustFeatures, Regressor):
    """Regression with shared features, but for outlier tasks."""

    alpha_shared: float = 0.1
    alpha_outlier: float = 0.1


@estimator
class RobustFeaturesClassifier(_RobustFeatures, Classifier):
    """Logistic regression with shared features, but for outlier tasks."""

    alpha_shared: float = 0.01
    alpha_outlier: float = 0.01


@parameters
class _RobustFeaturesCV(_RobustFeatures, AliasCV):
    alpha_shared: float = 1.0
    alpha_outlier: float | ArrayLike | None = None

    _grid = ("alpha_outlier",)
    _parts = ("alpha_shared", "alpha_outlier")


@estimator
class RobustFeaturesRegressorCV(_RobustFeaturesCV, Regressor):
    """`RobustFeaturesRegressor` with the strengths chosen by cross-validation."""


@estimator
class RobustFeaturesClassifierCV(_RobustFeaturesCV, Classifier):
    """`RobustFeaturesClassifier` with the strengths chosen by cross-validation."""
