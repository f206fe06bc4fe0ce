"""The sum of the largest entries of the rows: shared features of equal strength."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from linmtl.kernels._jit import kernel, readonly
from linmtl.penalties._base import Penalty
from linmtl.penalties._parameters import (
    EXCLUDED,
    check_feature_weight,
    check_positive,
    row_steps,
    row_strength,
    with_features,
)


@kernel
def clip_rows(V, step, strength, out):
    """Prox of ``strength_j max_t |W_jt|``, one step per row; its value at `out`.

    A row is clipped at the level theta with ``sum_t (|v_t| - theta)_+ = radius``. The
    sum is convex and decreasing in theta, so that Newton's method from zero climbs to
    the root and ends there after finitely many steps.
    """
    total = 0.0
    for j in range(V.shape[0]):
        radius = step[j] * strength[j]
        size = 0.0
        largest = 0.0
        for t in range(V.shape[1]):
            v = abs(V[j, t])
            size += v
            largest = max(largest, v)
        if size != size:  # NaN
            theta = size
        elif radius == 0.0:
            theta = largest
        elif size <= radius:
            theta = 0.0
        else:
            theta = (size - radius) / V.shape[1]
            while theta < largest:
                above = 0.0
                count = 0
                for t in range(V.shape[1]):
                    v = abs(V[j, t])
                    if v > theta:
                        above += v
                        count += 1
                following = (above - radius) / count
                if not following > theta:
                    break
                theta = following
            theta = min(theta, largest)
        for t in range(V.shape[1]):
            v = V[j, t]
            if v > theta:
                out[j, t] = theta
            elif v < -theta:
                out[j, t] = -theta
            else:
                out[j, t] = v if theta == theta else theta
        total += strength[j] * theta
    return total


class Linf1(Penalty):
    """``alpha * sum_j weight_j * max_t |W_jt|`` over the rows (features) of W.

    A feature is used by all tasks or by none, as with `L21`; the coefficients of a
    feature that is used tend to share their absolute value, for those below the
    largest cost nothing.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0.
    feature_weight : array-like of shape (n_features,), default=None
        A factor >= 0 on the strength of each feature; 0 leaves it unpenalised,
        infinity leaves it out.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.

    See Also
    --------
    L21 : The same with the Euclidean norm of a row.

    References
    ----------
    Turlach, Venables, Wright (2005), Simultaneous variable selection.
    Quattoni, Carreras, Collins, Darrell (2009), An efficient projection for l1,infinity
    regularization.
    The prox is what the projection onto an l1 ball leaves: Duchi, Shalev-Shwartz,
    Singer, Chandra (2008), Efficient projections onto the l1-ball for learning in high
    dimensions; Condat (2016), Fast projection onto the simplex and the l1 ball.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import Linf1
    >>> float(Linf1(alpha=0.5).value(np.array([[3.0, -4.0], [0.0, 1.0]])))
    2.5
    """

    row_separable: ClassVar[bool] = True
    takes_classes: ClassVar[bool] = True

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        feature_weight: ArrayLike | None = None,
        positive: bool = False,
    ):
        self.alpha = alpha
        self.feature_weight = feature_weight
        self.positive = positive

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        check_feature_weight(self, n_features)
        check_positive(self)

    def value(self, W):
        if self.positive and np.any(W < 0):
            return np.inf
        strength = row_strength(self, W.shape[0])
        if np.any(W[strength >= EXCLUDED]):
            return np.inf
        return float(strength @ np.abs(W).max(axis=1))

    def prox(self, V, step, out):
        strength = row_strength(self, V.shape[0])
        V = np.maximum(V, 0.0) if self.positive else np.ascontiguousarray(V)
        step = row_steps(step, strength)
        return clip_rows(readonly(V), readonly(step), readonly(strength), out)

    def prox_naive(self, V, step):
        V = np.maximum(V, 0.0) if self.positive else V
        radius = step * row_strength(self, V.shape[0])[:, None]
        top = -np.sort(-np.abs(V), axis=1)
        levels = (np.cumsum(top, axis=1) - radius) / np.arange(1, V.shape[1] + 1)
        # the root is the largest of the candidates, each right for a number of entries
        theta = np.maximum(levels.max(axis=1, keepdims=True), 0.0)
        return np.clip(V, -theta, theta)

    def dual_norm(self, G):
        strength = row_strength(self, G.shape[0])
        used = strength > 0
        size = np.maximum(G, 0.0) if self.positive else np.abs(G)
        return float((size[used].sum(axis=1) / strength[used]).max(initial=0.0))

    def on_features(self, features, n_features):
        return with_features(self, features)

    def free_rows(self, n_features):
        return row_strength(self, n_features) == 0
