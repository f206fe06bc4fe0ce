"""The one place that imports Numba: every kernel of the package is made here.

``kernel`` compiles a function in nopython mode and keeps the machine code on disk.
``reduction`` is the same with leave to reorder sums (it vectorises dot products);
it keeps NaN and infinity semantics, so bad numbers stay visible. ``inlined`` is for a
kernel that only others call: it becomes a part of these, which compiles faster than one
after the other.

Rules that keep the disk cache both effective and fresh: a kernel is a module-level
function; it takes arrays and scalars only, never functions; it calls only kernels of
its own file and reads no constant of another file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit


def _compile(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return njit(cache=True, nogil=True, error_model="numpy", **options)(
                function
            )
        except RuntimeError:
            # Numba finds no folder to write its cache to (a read-only file system,
            # a zip archive): compile in every process rather than fail at import.
            return njit(nogil=True, error_model="numpy", **options)(function)

    return decorate


kernel = _compile()
inlined = _compile(inline="always")
reduction = _compile(fastmath={"reassoc", "contract"})


def readonly(array: np.ndarray) -> np.ndarray:
    """Return a read-only view, the one form in which kernels receive their inputs.

    A writable and a read-only array are two signatures to Numba; passing every input
    through here keeps one compiled version, for memory-mapped data too.
    """
    view = array.view()
    view.flags.writeable = False
    return view
