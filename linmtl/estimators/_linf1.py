"""Linf1 estimators: joint feature selection (L-infinity,1 penalty)."""

from __future__ import annotations

from dataclasses import KW_ONLY

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import Linf1


class _Linf1(Refitted, Alias):
    """A feature is used by all tasks or by none, and below the largest coefficient of a
    feature those of other tasks cost nothing. Minimises over W (n_features, n_tasks)
    and b::

        {loss}
            + alpha * sum_j max_t |W_jt|

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength, >= 0.
    feature_weight : array-like of shape (n_features,), default=None
        Factor >= 0 on the strength for each column of ``coef_``; 0 leaves a feature
        unpenalised, infinity leaves it out.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.

    References
    ----------
    Turlach, Venables, Wright (2005), Simultaneous variable selection.
    Quattoni, Carreras, Collins, Darrell (2009), An efficient projection for l1,infinity
    regularization.
    """

    _penalty = Linf1


@estimator
class Linf1Regressor(_Linf1, Regressor):
    """Regression with joint feature selection (L-infinity,1 penalty)."""

    alpha: float = 1.0
    _: KW_ONLY
    feature_weight: ArrayLike | None = None
    positive: bool = False


@estimator
class Linf1Classifier(_Linf1, Classifier):
    """Logistic regression with joint feature selection (L-infinity,1 penalty)."""

    alpha: float = 0.01
    _: KW_ONLY
    feature_weight: ArrayLike | None = None
    positive: bool = False


@parameters
class _Linf1CV(_Linf1, AliasCV):
    feature_weight: ArrayLike | None = None
    positive: bool = False


@estimator
class Linf1RegressorCV(_Linf1CV, Regressor):
    """`Linf1Regressor` with ``alpha`` chosen by cross-validation."""


@estimator
class Linf1ClassifierCV(_Linf1CV, Classifier):
    """`Linf1Classifier` with ``alpha`` chosen by cross-validation."""
