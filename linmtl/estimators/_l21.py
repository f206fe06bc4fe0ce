"""L21 estimators: joint feature selection (L21 penalty)."""

from __future__ import annotations

from dataclasses import KW_ONLY

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._around import Around, around
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import L21


class _L21(Around, Refitted, Alias):
    """A feature is used by all tasks or by none. Minimises over W (n_features, n_tasks)
    and b::

        {loss}
            + alpha * sum_j ||W_j||_2

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength, >= 0.
    feature_weight : array-like of shape (n_features,) or (n_features, n_tasks), \
default=None
        A factor >= 0 on the strength of each feature; 0 leaves it unpenalised,
        infinity leaves it out. With a column for each task, in the order of ``tasks_``,
        a factor > 0 for each coefficient, or 0 for all of a feature. The
        norm of a row is then that of its entries times their weights.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.

    Notes
    -----
    For the squared loss and one X shared by all tasks this is scikit-learn's
    ``MultiTaskLasso`` with the same alpha.

    References
    ----------
    Obozinski, Taskar, Jordan (2010), Joint covariate selection and joint subspace
    selection for multiple classification problems.
    """

    _penalty = around(L21)


@estimator
class L21Regressor(_L21, Regressor):
    """Regression with joint feature selection (L21 penalty)."""

    alpha: float = 1.0
    _: KW_ONLY
    feature_weight: ArrayLike | None = None
    positive: bool = False


@estimator
class L21Classifier(_L21, Classifier):
    """Logistic regression with joint feature selection (L21 penalty)."""

    alpha: float = 0.01
    _: KW_ONLY
    feature_weight: ArrayLike | None = None
    positive: bool = False


@parameters
class _L21CV(_L21, AliasCV):
    feature_weight: ArrayLike | None = None
    positive: bool = False


@estimator
class L21RegressorCV(_L21CV, Regressor):
    """`L21Regressor` with ``alpha`` chosen by cross-validation."""


@estimator
class L21ClassifierCV(_L21CV, Classifier):
    """`L21Classifier` with ``alpha`` chosen by cross-validation."""
