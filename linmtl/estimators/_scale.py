"""When features need a scale of their own."""

from __future__ import annotations

import numpy as np

_UNEQUAL = 10.0  # spreads this far apart


def uneven(spread: np.ndarray) -> bool:
    """Whether the spreads of features differ so that strengths mean little."""
    spread = spread[spread > 0]
    return spread.size > 0 and float(spread.max()) > _UNEQUAL * float(spread.min())
