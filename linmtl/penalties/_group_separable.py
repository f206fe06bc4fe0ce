"""What the penalties that are sums over groups of rows of W have in common."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from linmtl.penalties._base import Penalty


class GroupSeparable(Penalty):
    """A norm of the entries, and one of each group of rows of W.

    It is ``sum_j entry_j ||W_j||_1 + sum_g group_g ||W_g||_F``, with W >= 0 if
    ``positive``. A subclass gives the strengths and the dual norm of each group, and
    fast solvers follow.
    """

    takes_classes: ClassVar[bool] = True
    positive: bool

    def strengths(self, n_features: int) -> tuple[np.ndarray, np.ndarray]:
        """Return entry_j, and group_g of the group of row j, both (n_features,)."""
        raise NotImplementedError

    def codes(self, n_features: int) -> np.ndarray | None:
        """Return the group of each row, (n_features,); None if each is its own."""
        raise NotImplementedError

    def row_dual_norms(self, G: np.ndarray) -> np.ndarray:
        """Return the dual norm of the group of each row, (n_features,); 0 if free."""
        raise NotImplementedError
