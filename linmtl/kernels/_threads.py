"""One BLAS thread where more would not pay.

Threads of BLAS wait for each other by spinning: on a machine that is busy, or allowed
fewer cores than it counts, many small products take a hundred times as long with two
threads as with one. Products are given threads only where they are large.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_WORTH_THREADS = 2e8  # multiplications of one product, about 10 ms


@cache
def _libraries() -> list[Any]:
    return ThreadpoolController().select(user_api="blas").lib_controllers


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread of BLAS; ``ThreadpoolController.limit`` takes four times as long."""
    before = [library.num_threads for library in _libraries()]
    for library, count in zip(_libraries(), before, strict=True):
        if count != 1:
            library.set_num_threads(1)
    try:
        yield
    finally:
        for library, count in zip(_libraries(), before, strict=True):
            if count != 1:
                library.set_num_threads(count)


def blas_threads(work: float) -> AbstractContextManager:
    """Return a context with one BLAS thread, unless a product is worth more.

    Parameters
    ----------
    work : float
        Multiplications in the largest matrix product of the context.
    """
    if work > _WORTH_THREADS:
        return nullcontext()
    return _one_thread()
