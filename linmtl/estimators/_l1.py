"""L1 estimators: lasso for each task (L1 penalty)."""

from __future__ import annotations

from dataclasses import KW_ONLY

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._around import Around, around
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import L1


class _L1(Around, Refitted, Alias):
    """Features are selected for each task on its own, with one strength for all.
    Minimises over W (n_features, n_tasks) and b::

        {loss}
            + alpha * sum_jt |W_jt|

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength, >= 0.
    feature_weight : array-like of shape (n_features,) or (n_features, n_tasks), \
default=None
        A factor >= 0 on the strength of each feature; 0 leaves it unpenalised,
        infinity leaves it out. With a column for each task, in the order of ``tasks_``,
        a factor > 0 for each coefficient, or 0 for all of a feature.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.

    References
    ----------
    Tibshirani (1996), Regression shrinkage and selection via the lasso.
    """

    _penalty = around(L1)


@estimator
class L1Regressor(_L1, Regressor):
    """Regression with lasso for each task (L1 penalty)."""

    alpha: float = 1.0
    _: KW_ONLY
    feature_weight: ArrayLike | None = None
    positive: bool = False


@estimator
class L1Classifier(_L1, Classifier):
    """Logistic regression with lasso for each task (L1 penalty)."""

    alpha: float = 0.01
    _: KW_ONLY
    feature_weight: ArrayLike | None = None
    positive: bool = False


@parameters
class _L1CV(_L1, AliasCV):
    feature_weight: ArrayLike | None = None
    positive: bool = False


@estimator
class L1RegressorCV(_L1CV, Regressor):
    """`L1Regressor` with ``alpha`` chosen by cross-validation."""


@estimator
class L1ClassifierCV(_L1CV, Classifier):
    """`L1Classifier` with ``alpha`` chosen by cross-validation."""
