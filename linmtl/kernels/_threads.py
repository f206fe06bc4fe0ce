"""One BLAS thread where more would not pay.

Threads of BLAS wait for each other by spinning: on a machine that is busy, or allowed
fewer cores than it counts, many small products take a hundred times as long with two
threads as with one. Products are given threads only where they are large.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

from threadpoolctl import ThreadpoolController

_WORTH_THREADS = 2e8  # multiplications of one product, about 10 ms


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def blas_threads(work: float) -> AbstractContextManager:
    """Return a context with one BLAS thread, unless a product is worth more.

    Parameters
    ----------
    work : float
        Multiplications in the largest matrix product of the context.
    """
    if work > _WORTH_THREADS:
        return nullcontext()
    return _controller().limit(limits=1, user_api="blas")
