"""Penalties that are not convex: what they have in common.

Each is a concave, increasing function of a size of every row, such as its norm. The
tangent of that function at a given W majorises the penalty, and is a weighted convex
norm: a model is solved in stages, each with the tangent at the solution of the last.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from linmtl.penalties._base import Penalty


class Nonconvex(Penalty):
    """Base: a subclass gives the value, the convex start and the majoriser.

    Notes for users stand in the estimators: the solution is a stationary point, which
    depends on the first stage; the duality gap is that of W in the convex problem of
    its own tangent, which is zero at a stationary point. The strength ``alpha``
    multiplies what is not convex.
    """

    alpha: float

    convex: ClassVar[bool] = False

    def start(self) -> Penalty:
        """Return the convex penalty of the first stage."""
        raise NotImplementedError

    def majoriser(self, W: np.ndarray) -> Penalty:
        """Return the tangent at W: a convex penalty, up to a constant above this one.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            Where it touches.
        """
        raise NotImplementedError

    def dual_norm(self, G):
        return self.start().dual_norm(G)

    def free_rows(self, n_features):
        return self.start().free_rows(n_features)
