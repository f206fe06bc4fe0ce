"""Dirty estimators: shared features plus those of single tasks."""

from __future__ import annotations

from dataclasses import KW_ONLY

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import Dirty


class _Dirty(Refitted, Alias):
    """Coefficients W = P + Q: P holds the features that all tasks use, Q what single
    tasks add. Minimises over W (n_features, n_tasks) and b::

        {loss}
            + alpha_shared * sum_j max_t |P_jt| + alpha_own * sum_jt |Q_jt|

    {symbols}

    Parameters
    ----------
    alpha_shared : float, default={alpha_shared}
        Strength on the rows of the shared part, > 0.
    alpha_own : float, default={alpha_own}
        Strength on the entries of the tasks' own part, > 0. With the "linf" norm the
        shared part is zero unless ``alpha_shared < n_tasks * alpha_own``, and the own
        part unless ``alpha_own < alpha_shared``; with the "l2" norm ``sqrt(n_tasks)``
        takes the place of ``n_tasks``.
    norm : {"linf", "l2"}, default={norm}
        Norm of the rows of the shared part: largest absolute value, or Euclidean.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.

    Attributes
    ----------
    coef_components_ : dict of ndarray of shape (n_tasks, n_features)
        The parts "shared" (P) and "own" (Q); they add up to ``coef_``.

    Notes
    -----
    MALSAR has it under the same name.

    References
    ----------
    Jalali, Ravikumar, Sanghavi, Ruan (2010), A dirty model for multi-task learning.

    Examples
    --------
    sorted(model.coef_components_) -> ['own', 'shared']
    """

    _penalty = Dirty


@estimator
class DirtyRegressor(_Dirty, Regressor):
    """Regression with shared features plus those of single tasks."""

    alpha_shared: float = 0.1
    alpha_own: float = 0.05
    norm: str = "linf"
    _: KW_ONLY
    positive: bool = False


@estimator
class DirtyClassifier(_Dirty, Classifier):
    """Logistic regression with shared features plus those of single tasks."""

    alpha_shared: float = 0.01
    alpha_own: float = 0.005
    norm: str = "linf"
    _: KW_ONLY
    positive: bool = False


@parameters
class _DirtyCV(_Dirty, AliasCV):
    alpha_shared: float = 1.0
    alpha_own: float | ArrayLike | None = None
    norm: str | ArrayLike = "linf"
    positive: bool = False

    _grid = ("alpha_own", "norm")
    _parts = ("alpha_shared", "alpha_own")


@estimator
class DirtyRegressorCV(_DirtyCV, Regressor):
    """`DirtyRegressor` with the strengths chosen by cross-validation."""


@estimator
class DirtyClassifierCV(_DirtyCV, Classifier):
    """`DirtyClassifier` with the strengths chosen by cross-validation."""
