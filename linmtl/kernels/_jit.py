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
from typing import Any, NamedTuple

import numpy as np
from numba import njit

_MADE: list[Any] = []  # every kernel that was imported


class Compiled(NamedTuple):
    """What this process has to do with compilation.

    Attributes
    ----------
    folder : str or None
        Where the machine code of a kernel is kept; None where there is no folder to
        write to, or compilation is turned off.
    loaded, compiled : int
        Versions of kernels that were read from there, and that had to be compiled.
    """

    folder: str | None
    loaded: int
    compiled: int


def compiled() -> Compiled:
    """Return where compiled code is kept, and what this process has made of it."""
    stats = [kernel.stats for kernel in _MADE if hasattr(kernel, "stats")]
    folders = [s.cache_path for s in stats if s.cache_path is not None]
    return Compiled(
        folders[0] if folders else None,
        sum(sum(s.cache_hits.values()) for s in stats),
        sum(len(kernel.signatures) for kernel in _MADE if hasattr(kernel, "stats"))
        - sum(sum(s.cache_hits.values()) for s in stats),
    )


def _rebuilding(compiled: Any) -> Any:
    """Have a kernel compiled anew where its file on disk cannot be read.

    A full disk or a process that was killed may leave a part of one. Numba would pass
    on the error of pickle, to every process to come.
    """
    cache = getattr(compiled, "_cache", None)
    if cache is None:  # without compilation
        return compiled
    load = cache.load_overload

    def load_or_forget(*args: Any) -> Any:
        try:
            return load(*args)
        except Exception as error:
            try:
                cache.flush()  # an empty index, to which the new version is added
            except OSError:
                raise RuntimeError(
                    f"the compiled code in {cache.cache_path} cannot be read "
                    f"({type(error).__name__}: {error}); delete that folder"
                ) from error
            return None

    cache.load_overload = load_or_forget
    return compiled


def _compile(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            make = njit(cache=True, nogil=True, error_model="numpy", **options)
            made = _rebuilding(make(function))
        except RuntimeError:
            # Numba finds no folder to write its cache to (a read-only file system,
            # a zip archive): compile in every process rather than fail at import.
            made = njit(nogil=True, error_model="numpy", **options)(function)
        _MADE.append(made)
        return made

    return decorate


kernel = _compile()
inlined = _compile(inline="always")
reduction = _compile(fastmath={"reassoc", "contract"})


def readonly(array: np.ndarray) -> np.ndarray:
    """Return a read-only view, the one form in which kernels receive their inputs.

    A writable and a read-only array are two signatures to Numba; passing every input
    through here keeps one compiled version, for memory-mapped data too.
    """
    if not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view
