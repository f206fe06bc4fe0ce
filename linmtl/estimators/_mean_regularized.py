"""MeanRegularized estimators: tasks drawn to their mean."""

from __future__ import annotations

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.penalties import MeanRegularized


class _MeanRegularized(Alias):
    """From one pooled model (alpha large) to independent ones (alpha small). Minimises
    over W (n_features, n_tasks) and b::

        {loss}
            + alpha / 2 * sum_t ||w_t - w_mean||^2 + alpha_mean / 2 * T ||w_mean||^2

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength of the pull to the mean, >= 0.
    alpha_mean : float, default={alpha_mean}
        Strength on the mean itself, >= 0.

    References
    ----------
    Evgeniou, Pontil (2004), Regularized multi-task learning.
    """

    _penalty = MeanRegularized


@estimator
class MeanRegularizedRegressor(_MeanRegularized, Regressor):
    """Regression with tasks drawn to their mean."""

    alpha: float = 1.0
    alpha_mean: float = 1e-3


@estimator
class MeanRegularizedClassifier(_MeanRegularized, Classifier):
    """Logistic regression with tasks drawn to their mean."""

    alpha: float = 0.1
    alpha_mean: float = 1e-3


@parameters
class _MeanRegularizedCV(_MeanRegularized, AliasCV):
    alpha_mean: float | ArrayLike = 1e-3

    _grid = ("alpha_mean",)


@estimator
class MeanRegularizedRegressorCV(_MeanRegularizedCV, Regressor):
    """`MeanRegularizedRegressor` with ``alpha`` chosen by cross-validation."""


@estimator
class MeanRegularizedClassifierCV(_MeanRegularizedCV, Classifier):
    """`MeanRegularizedClassifier` with ``alpha`` chosen by cross-validation."""
