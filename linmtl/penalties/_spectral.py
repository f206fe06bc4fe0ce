"""Functions of the singular values, from the Gram matrix of the smaller side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import linalg

# Eigenvalues of the Gram matrix lose the digits of singular values that are smaller
# than this fraction of the largest; where such matter, it takes the full SVD.
_GRAM_IS_ACCURATE = 1e-4
# Rounding can make an eigenvalue negative. This fraction of the largest, it stays
# positive, and a rule does not take it for zero.
_NOISE = 1e-32
_LEAST_VALUE = 1e-300  # where all are zero, so that there are inverses
_LARGE_SIDE = 150  # side of a Gram matrix whose full set of eigenvectors is dear


def smaller_gram(V: np.ndarray) -> np.ndarray:
    """Return ``V' V`` or ``V V'``, whose eigenvalues are squared singular values."""
    return V.T @ V if V.shape[0] >= V.shape[1] else V @ V.T


def scale_singular_values(
    V: np.ndarray,
    rule: Callable[[np.ndarray], tuple[np.ndarray, float]],
    out: np.ndarray,
    *,
    rest: float = 0.0,
    above: float = 0.0,
) -> float:
    """Multiply the singular values of V by factors that depend on all of them.

    Parameters
    ----------
    V : ndarray of shape (n_features, n_tasks)
        The matrix.
    rule : callable
        Takes positive singular values in any order; returns their factors, and
        whatever else it finds.
    out : ndarray of shape (n_features, n_tasks)
        Receives the result; may be V.
    rest : float, default=0.0
        The factor of small singular values: only of those with another one are the
        singular vectors found.
    above : float, default=0.0
        Singular values up to this have the factor `rest`, and may be left out.

    Returns
    -------
    float
        What the rule found.
    """
    gram = smaller_gram(V)
    if above > 0.0 and len(gram) >= _LARGE_SIDE:  # of many eigenvectors few are kept
        eigenvalue, Q = linalg.eigh(
            gram, subset_by_value=(above**2, np.inf), driver="evr"
        )
    else:
        eigenvalue, Q = np.linalg.eigh(gram)
    largest = float(eigenvalue[-1]) if eigenvalue.size else 0.0
    s = np.sqrt(np.maximum(eigenvalue, max(_NOISE * largest, _LEAST_VALUE)))
    factor, found = rule(s)
    matters = factor != rest
    smallest = s[matters][:1]  # they ascend
    if smallest.size and smallest[0] < _GRAM_IS_ACCURATE * s[-1]:
        U, s, Vt = linalg.svd(V, full_matrices=False)
        factor, found = rule(np.maximum(s, np.sqrt(_LEAST_VALUE)))
        np.matmul(U * (s * factor), Vt, out=out)
        return found
    Q, factor = Q[:, matters], factor[matters]
    scaled = Q * (factor - rest)
    if rest == 0.0 and len(V) >= V.shape[1] and 2 * factor.size > V.shape[1]:
        np.matmul(V, scaled @ Q.T, out=out)  # one product, where few values are zero
        return found
    # the inner product first, so that V is read before out is written
    left, right = (V @ scaled, Q.T) if len(V) >= V.shape[1] else (Q, scaled.T @ V)
    if rest == 0.0:
        np.matmul(left, right, out=out)
    else:
        np.multiply(V, rest, out=out)
        out += left @ right
    return found
