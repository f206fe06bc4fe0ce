"""What counts as a number among the settings: also NumPy's, but no truth value."""

from __future__ import annotations

import numbers
from typing import Any, TypeGuard

import numpy as np


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether a value is a real number."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def is_whole(value: Any) -> TypeGuard[int]:
    """Return whether a value is an integer."""
    return isinstance(value, numbers.Integral) and not isinstance(
        value, (bool, np.bool_)
    )
