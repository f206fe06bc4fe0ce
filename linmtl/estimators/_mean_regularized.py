"""MeanRegularized estimators: tasks drawn to their mean."""

from __future__ import annotations

from dataclasses import KW_ONLY

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._likely import Likely
from linmtl.penalties import MeanRegularized


class _MeanRegularized(Alias):
    """From one pooled model (alpha large) to independent ones (alpha small). Minimises
    over W (n_features, n_tasks) and b::

        {loss}
            + alpha / 2 * sum_t ||w_t - w_mean||^2 + alpha_mean / 2 * T ||w_mean||^2

    {symbols}

    Parameters
    ----------
    alpha : float or "reml", default={alpha}
        Strength of the pull to the mean, >= 0. "reml": the one of highest restricted
        likelihood, coefficients being drawn from a normal distribution, whose variance
        the strength stands for (classes: by Laplace's approximation).
    alpha_mean : float, default={alpha_mean}
        Strength on the mean itself, >= 0.
    feature_weight : array-like of shape (n_features,), default=None
        A factor >= 0 on both strengths of each feature; 0 leaves it unpenalised. With
        infinity all tasks share its coefficient, which alpha_mean alone penalises.
    intercept_weight : float, default=0.0
        Factor >= 0 on ``alpha`` for the intercepts, which are drawn to their mean; the
        mean is free. 0 leaves each of them free, with infinity all tasks share one.

    References
    ----------
    Evgeniou, Pontil (2004), Regularized multi-task learning.
    """

    _penalty = MeanRegularized


@estimator
class MeanRegularizedRegressor(Likely, _MeanRegularized, Regressor):
    """Regression with tasks drawn to their mean.

    Attributes
    ----------
    alpha_ : float
        The strength found; only with ``alpha="reml"``.
    """

    alpha: float | str = 1.0
    alpha_mean: float = 1e-3
    _: KW_ONLY
    feature_weight: ArrayLike | None = None
    intercept_weight: float = 0.0


@estimator
class MeanRegularizedClassifier(Likely, _MeanRegularized, Classifier):
    """Logistic regression with tasks drawn to their mean.

    Attributes
    ----------
    alpha_ : float
        The strength found; only with ``alpha="reml"``.
    """

    alpha: float | str = 0.1
    alpha_mean: float = 1e-3
    _: KW_ONLY
    feature_weight: ArrayLike | None = None
    intercept_weight: float = 0.0


@parameters
class _MeanRegularizedCV(_MeanRegularized, AliasCV):
    alpha_mean: float | ArrayLike | None = None
    feature_weight: ArrayLike | None = None
    intercept_weight: float | ArrayLike = 0.0

    _grid = ("alpha_mean",)
    _second = "alpha_mean"


@estimator
class MeanRegularizedRegressorCV(_MeanRegularizedCV, Regressor):
    """`MeanRegularizedRegressor` with ``alpha`` chosen by cross-validation."""


@estimator
class MeanRegularizedClassifierCV(_MeanRegularizedCV, Classifier):
    """`MeanRegularizedClassifier` with ``alpha`` chosen by cross-validation."""
