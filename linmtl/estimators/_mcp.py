"""MCP estimators: joint feature selection with little shrinkage (MCP)."""

from __future__ import annotations

from dataclasses import field

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import MCP, Penalty, Ridge


class _MCP(Refitted, Alias):
    """A feature is used by all tasks or by none, and large ones are not shrunk.
    Minimises over W (n_features, n_tasks) and b::

        {loss}
            + sum_j f(||W_j||_2) + alpha_ridge / 2 * ||W||_F^2

    {symbols}

    Parameters
    ----------
    alpha : float, default={alpha}
        Strength, >= 0: the slope of f at zero.
    gamma : float, default={gamma}
        How slowly the slope falls, > 1.
    alpha_ridge : float, default={alpha_ridge}
        Strength of the ridge penalty, >= 0, added to the objective as
        ``alpha_ridge / 2 * ||W||_F^2``.

    Attributes
    ----------
    stage_objectives_ : ndarray of shape (n_stages,)
        The objective after each stage.

    Notes
    -----
    The minimax concave penalty has ``f(r) = alpha r - r^2 / (2 gamma)`` up to ``r =
    gamma alpha``, and is constant beyond.

    The problem is not convex. It is solved in convex stages, from those with the
    L21 penalty of this strength, of a half and of a fifth of it, and the lowest end
    is kept; ``dual_gap_`` is that of its last stage, which is zero at a stationary
    point, not a bound on the distance to the best of them.

    The penalty is bounded: of classes that can be separated there is no optimum
    without the ridge.

    References
    ----------
    Zhang (2010), Nearly unbiased variable selection under minimax concave penalty.
    Breheny, Huang (2015), Group descent algorithms for nonconvex penalized linear and
    logistic regression models with grouped predictors.
    """

    @staticmethod
    def _penalty(alpha, gamma, alpha_ridge) -> Penalty:
        penalty = MCP(alpha, gamma)
        return penalty + Ridge(alpha_ridge) if alpha_ridge else penalty


@estimator
class MCPRegressor(_MCP, Regressor):
    """Regression with joint feature selection, little shrinkage (MCP)."""

    alpha: float = 1.0
    gamma: float = 3.0
    alpha_ridge: float = 0.0


@estimator
class MCPClassifier(_MCP, Classifier):
    """Logistic regression with joint feature selection, little shrinkage (MCP)."""

    alpha: float = 0.01
    gamma: float = 3.0
    alpha_ridge: float = 1e-3


@parameters
class _MCPCV(_MCP, AliasCV):
    gamma: float | ArrayLike = 3.0
    alpha_ridge: float = 1e-3

    _grid = ("gamma",)


@estimator
class MCPRegressorCV(_MCPCV, Regressor):
    """`MCPRegressor` with ``alpha`` chosen by cross-validation."""

    alpha_ridge: float = field(default=0.0, kw_only=True)


@estimator
class MCPClassifierCV(_MCPCV, Classifier):
    """`MCPClassifier` with ``alpha`` chosen by cross-validation.

    Examples
    --------
    >>> from linmtl import MCPClassifierCV
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(n_samples=200, random_state=0)
    >>> model = MCPClassifierCV(alphas=4, eps=0.1, cv=3).fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """
