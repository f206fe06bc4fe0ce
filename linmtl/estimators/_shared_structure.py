"""SharedStructure estimators: a shared subspace of given dimension (convex ASO)."""

from __future__ import annotations

from numpy.typing import ArrayLike

from linmtl.estimators._alias import Alias, AliasCV
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import estimator, parameters
from linmtl.penalties import SharedStructure


class _SharedStructure(Alias):
    """The tasks' coefficients are drawn to a common subspace of ``n_components``
    dimensions. Minimises over W (n_features, n_tasks) and b::

        {loss}
            + alpha / 2 * min over M of trace(W' (eta I + M)^-1 W)

    {symbols}

    Parameters
    ----------
    n_components : int, default={n_components}
        Dimension of the subspace, >= 1.
    alpha : float, default={alpha}
        Strength, >= 0.
    eta : float, default={eta}
        Freedom outside the subspace, > 0: coefficients outside cost ``(1 + eta) / eta``
        times what those inside do.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        An orthonormal basis of the subspace, in rows.

    Notes
    -----
    The minimum is over matrices M, (n_features, n_features), with eigenvalues between 0
    and 1 and trace ``n_components``, which relax the projection on a subspace. MALSAR
    has it as CASO.

    References
    ----------
    Ando, Zhang (2005), A framework for learning predictive structures from multiple
    tasks and unlabeled data.
    Chen, Tang, Liu, Ye (2009), A convex formulation for learning shared structures from
    multiple tasks.

    Examples
    --------
    model.components_.shape -> (2, 20)
    """

    _penalty = SharedStructure


@estimator
class SharedStructureRegressor(_SharedStructure, Regressor):
    """Regression with a shared subspace of given dimension (convex ASO)."""

    n_components: int = 2
    alpha: float = 1.0
    eta: float = 1.0


@estimator
class SharedStructureClassifier(_SharedStructure, Classifier):
    """Logistic regression with a shared subspace of given dimension (convex ASO)."""

    n_components: int = 2
    alpha: float = 0.01
    eta: float = 1.0


@parameters
class _SharedStructureCV(_SharedStructure, AliasCV):
    eta: float | ArrayLike = 1.0

    _grid = ("n_components", "eta")


@estimator
class SharedStructureRegressorCV(_SharedStructureCV, Regressor):
    """`SharedStructureRegressor` with ``alpha`` chosen by cross-validation."""

    n_components: int | ArrayLike = 2


@estimator
class SharedStructureClassifierCV(_SharedStructureCV, Classifier):
    """`SharedStructureClassifier` with ``alpha`` chosen by cross-validation."""

    n_components: int | ArrayLike = 2
