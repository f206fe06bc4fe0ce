"""Which cases of a test the quick loop, ``-m "not slow"``, leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first(values: Iterable[Any], n: int) -> list[Any]:
    """Return cases of which those after the first n are marked as slow."""
    return [
        pytest.param(value, marks=pytest.mark.slow) if i >= n else value
        for i, value in enumerate(values)
    ]
