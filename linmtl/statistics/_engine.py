"""One way to compute on parts wherever they are: here, in processes, on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, TypeVar

from joblib import delayed

from linmtl.model_selection._jobs import run_jobs
from linmtl.statistics._task_statistics import TaskStatistics

Part = TypeVar("Part")
Found = TypeVar("Found")


def map_reduce(
    parts: Iterable[Part],
    function: Callable[[Part], Found],
    merge: Callable[[Found, Found], Found] = TaskStatistics.merge,
    *,
    n_jobs: int | None = None,
    client: Any = None,
) -> Found:
    """Return what a function finds in each part, merged in the order of the parts.

    A part that was lost and computed again, or twice, changes nothing, not in the last
    bit: functions depend on their part alone, and the order of merging on nothing.

    Parameters
    ----------
    parts : iterable
        What the function takes: a file name, a partition, arrays.
    function : callable
        From a part to what is found in it. Without side effects; one of a module, since
        it travels to where the part is.
    merge : callable, default=TaskStatistics.merge
        From what is found in two (groups of) parts to that of both.
    n_jobs : int, default=None
        Parts at the same time, through joblib.
    client : dask.distributed.Client, default=None
        A cluster to compute on instead. Any object with its ``map`` and ``gather``
        will do.

    Returns
    -------
    object
        What `merge` makes of all parts.

    Raises
    ------
    ValueError
        If there are no parts.

    Examples
    --------
    >>> from linmtl.statistics import map_reduce
    >>> map_reduce([[1, 2], [3], [4, 5]], sum, lambda a, b: a + b)
    15
    """
    listed = list(parts)
    if not listed:
        raise ValueError("there are no parts; pass one at least")
    if client is not None:
        found = client.gather(client.map(function, listed, pure=True))
    else:
        found = run_jobs([delayed(function)(part) for part in listed], n_jobs)
    return reduce(merge, found)
