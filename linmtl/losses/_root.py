"""Squared loss whose tasks are joined by the roots of their means, not by the means."""

from __future__ import annotations

import numpy as np

from linmtl.losses._squared import Squared


class Root(Squared):
    """``(y - eta)^2 / 2`` for each observation; the loss of a task is the root.

    :class:`linmtl.datafits._root.RootFit` takes the roots, so the loss as a whole
    is not quadratic.
    """

    name = "sqrt"
    quadratic = False

    def of_mean(self, mean):
        return np.sqrt(2.0 * mean)
