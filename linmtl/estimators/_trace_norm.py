"""TraceNorm estimators: a shared low-dimensional subspace (trace norm)."""

from __future__ import annotations

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._around import Around, around
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator
from linmtl.penalties import TraceNorm


class _TraceNorm(Around, Alias):
    """The tasks' coefficients are drawn towards a common subspace of low dimension.
    Minimises over W (n_features, n_tasks) and b::

        {loss}
            + alpha * sum of the singular values of W

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength, >= 0.

    References
    ----------
    Argyriou, Evgeniou, Pontil (2008), Convex multi-task feature learning.
    """

    _penalty = around(TraceNorm)


@estimator
class TraceNormRegressor(_TraceNorm, Regressor):
    """Regression with a shared low-dimensional subspace (trace norm)."""

    alpha: float = 1.0


@estimator
class TraceNormClassifier(_TraceNorm, Classifier):
    """Logistic regression with a shared low-dimensional subspace (trace norm)."""

    alpha: float = 0.01


@estimator
class TraceNormRegressorCV(_TraceNorm, AliasCV, Regressor):
    """`TraceNormRegressor` with ``alpha`` chosen by cross-validation."""


@estimator
class TraceNormClassifierCV(_TraceNorm, AliasCV, Classifier):
    """`TraceNormClassifier` with ``alpha`` chosen by cross-validation."""
