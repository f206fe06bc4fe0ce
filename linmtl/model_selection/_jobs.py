"""Fits that run at the same time."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import BrokenExecutor
from typing import Any

from joblib import Parallel, effective_n_jobs

_EACH_JOB = 11  # as joblib counts: from more than 10 on it tells of every job


def in_turn(n_jobs: int | None) -> bool:
    """Whether jobs run one after the other, in this process."""
    jobs: Any = n_jobs  # None for the number that joblib is configured with
    return effective_n_jobs(jobs) == 1


def run_jobs(
    jobs: Iterable[Any],
    n_jobs: int | None,
    prefer: str | None = None,
    verbose: int = 0,
) -> list[Any]:
    """Return the results of jobs, in their order.

    Parameters
    ----------
    jobs : iterable
        Of ``joblib.delayed(function)(*arguments)``. The function is one of a module or
        a method, since a backend may pickle it.
    n_jobs : int or None
        How many run at the same time, as in joblib.
    prefer : {"threads", "processes"}, default=None
        What runs them, unless the user has chosen a backend.
    verbose : int, default=0
        Whether to say after each job how many are done, and when all may be.

    Raises
    ------
    RuntimeError
        If a worker process was killed. joblib's own backend, loky, sees that;
        ``multiprocessing`` never hears of it, and waits for its answer.
    """
    try:
        said = _EACH_JOB if verbose else 0
        return list(Parallel(n_jobs=n_jobs, prefer=prefer, verbose=said)(jobs))
    except BrokenExecutor as error:
        raise RuntimeError(
            "a worker process was killed, most often by the system for lack of memory; "
            'pass a smaller n_jobs, or use joblib.parallel_config("threading"), where '
            f"workers share the data. joblib says: {error}"
        ) from error
