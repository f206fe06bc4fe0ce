"""SparseLowRank estimators: a shared subspace plus single coefficients."""

from __future__ import annotations

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import SparseLowRank


class _SparseLowRank(Refitted, Alias):
    """Coefficients W = P + Q: P has few entries, Q low rank. Minimises over W
    (n_features, n_tasks) and b::

        {loss}
            + alpha_sparse * sum_jt |P_jt| + alpha_rank * ||Q||_*

    {symbols}

    Parameters
    ----------
    alpha_sparse : float, default={alpha_sparse}
        Strength on the entries of the sparse part, > 0.
    alpha_rank : float, default={alpha_rank}
        Strength on the trace norm of the low-rank part, > 0. Not used with
        ``max_trace``.
    max_trace : float, default={max_trace}
        Bound on the trace norm of the low-rank part, > 0, in place of a penalty on it.

    Attributes
    ----------
    coef_components_ : dict of ndarray of shape (n_tasks, n_features)
        The parts "sparse" (P) and "low_rank" (Q); they add up to ``coef_``.

    Notes
    -----
    MALSAR has the form with ``max_trace`` as SparseTrace.

    References
    ----------
    Chen, Liu, Ye (2010), Learning incoherent sparse and low-rank patterns from multiple
    tasks.

    Examples
    --------
    sorted(model.coef_components_) -> ['low_rank', 'sparse']
    """

    _penalty = SparseLowRank


@estimator
class SparseLowRankRegressor(_SparseLowRank, Regressor):
    """Regression with a shared subspace plus single coefficients."""

    alpha_sparse: float = 0.1
    alpha_rank: float = 0.1
    max_trace: float | None = None


@estimator
class SparseLowRankClassifier(_SparseLowRank, Classifier):
    """Logistic regression with a shared subspace plus single coefficients."""

    alpha_sparse: float = 0.01
    alpha_rank: float = 0.01
    max_trace: float | None = None


@parameters
class _SparseLowRankCV(_SparseLowRank, AliasCV):
    alpha_sparse: float = 1.0
    alpha_rank: float | ArrayLike | None = None
    max_trace: float | ArrayLike | None = None

    _grid = ("alpha_rank", "max_trace")
    _parts = ("alpha_sparse", "alpha_rank")


@estimator
class SparseLowRankRegressorCV(_SparseLowRankCV, Regressor):
    """`SparseLowRankRegressor` with the strengths chosen by cross-validation."""


@estimator
class SparseLowRankClassifierCV(_SparseLowRankCV, Classifier):
    """`SparseLowRankClassifier` with the strengths chosen by cross-validation."""
