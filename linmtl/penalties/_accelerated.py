"""The momentum of accelerated gradient methods.

Beck, Teboulle (2009), A fast iterative shrinkage-thresholding algorithm.
O'Donoghue, Candes (2015), Adaptive restart for accelerated gradient schemes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np


def extrapolation(momentum: float, ratio: float = 1.0) -> tuple[float, float]:
    """Return how far to go on beyond a step, and the momentum after it.

    Parameters
    ----------
    momentum : float
        1 at the start and after a restart.
    ratio : float, default=1.0
        The last step size over this one, at most 1.
    """
    following = (1.0 + math.sqrt(1.0 + 4.0 * ratio * momentum**2)) / 2.0
    return (momentum - 1.0) / following, following


def accelerated(
    advance: Callable[[np.ndarray], np.ndarray], Z: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield the points of proximal gradient steps with momentum, restarted uphill.

    ``advance`` returns the point after such a step; Z is where to start.
    """
    at, momentum = Z, 1.0
    while True:
        trial = advance(at)
        if np.sum((at - trial) * (trial - Z)) > 0:
            momentum = 1.0
        beta, momentum = extrapolation(momentum)
        at, Z = trial + beta * (trial - Z), trial
        yield Z
