"""Which cases of a test are for the whole suite, or for ``-m full``, alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zlib import crc32

import pytest


def first(values: Iterable[Any], n: int) -> list[Any]:
    """Return cases of which those after the first n are marked as slow."""
    return [
        pytest.param(value, marks=pytest.mark.slow) if i >= n else value
        for i, value in enumerate(values)
    ]


def is_second(name: str) -> bool:
    """Whether an estimator is one of every second search, which are for ``-m full``."""
    return name.endswith("CV") and bool(crc32(name.encode()) % 2)
