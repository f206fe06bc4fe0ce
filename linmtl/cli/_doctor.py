"""Whether linmtl is set up well on this machine."""

from __future__ import annotations

import os
import platform
import time
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_info

from linmtl.datasets import make_multitask_regression
from linmtl.estimators import L21Regressor, TaskThresholdClassifier
from linmtl.estimators._docs import ESTIMATORS
from linmtl.estimators._task_model import TaskModel
from linmtl.kernels._jit import compiled
from linmtl.version import __version__

_NEEDED = ("numpy", "scipy", "scikit-learn", "numba")
_OPTIONAL = ("pandas", "matplotlib", "pyarrow", "dask", "onnx", "skl2onnx")
_MEND = "set NUMBA_CACHE_DIR to a folder that can be written to"


def diagnose(warm: bool, progress: Callable[[str], None]) -> tuple[list[str], bool]:
    """Examine this installation: versions, threads, and where compiled code is kept.

    Parameters
    ----------
    warm : bool
        Whether to compile whatever the estimators need, so that no fit waits for it.
    progress : callable
        Called with a line of text at each step.

    Returns
    -------
    lines : list of str
        What there is to say.
    well : bool
        Whether compiled code is found by the processes to come.
    """
    lines = [
        f"linmtl {__version__}, Python {platform.python_version()}",
        f"{platform.platform()}, {_cores()} cores",
        ", ".join(f"{name} {_version(name)}" for name in _NEEDED),
        "optional: " + ", ".join(f"{name} {_version(name)}" for name in _OPTIONAL),
        *_threads(),
    ]
    first, second = _fits()
    lines.append(f"first fit {first:.2f} s, the same again {1e3 * second:.1f} ms")
    if warm:
        progress("compiling what the estimators need")
        seconds = _warm(progress)
        now = compiled()
        lines.append(
            f"every estimator fitted in {seconds:.1f} s: {now.compiled} kernels "
            f"compiled, {now.loaded} found compiled"
        )
    told, well = _cache(warm)
    return lines + told, well


def _cache(warm: bool) -> tuple[list[str], bool]:
    """Say where compiled code is kept, and whether processes to come find it."""
    folder, _, fresh = compiled()
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return ["compilation is turned off by NUMBA_DISABLE_JIT: fits are slow"], False
    if folder is None:
        text = "compiled code is kept nowhere, no folder can be written to: every"
        return [f"{text} process compiles anew; {_MEND}"], False
    lines = [f"compiled code is kept in {folder} and the like"]
    if not os.access(folder, os.W_OK):
        lines.append(
            "that folder cannot be written to: what is not in it is compiled in every "
            f"process; {_MEND}"
        )
        return lines, fresh == 0
    if fresh and not warm:
        lines.append(
            f"{fresh} kernels were compiled now, once for all; linmtl doctor --warm "
            "does so for every estimator"
        )
    return lines, True


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


def _threads() -> list[str]:
    """Say what BLAS does, and what the environment says of threads."""
    pools = [
        f"{pool['internal_api']} {pool['version']}, {pool['num_threads']} threads"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    ]
    given = [
        f"{name}={os.environ[name]}"
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        if name in os.environ
    ]
    lines = [f"BLAS: {'; '.join(dict.fromkeys(pools)) or 'not known'}"]
    return lines + [f"environment: {', '.join(given)}"] * bool(given)


def _fits() -> tuple[float, float]:
    """Return the seconds of a first fit and of another."""
    X, y, tasks = make_multitask_regression(n_tasks=3, n_samples=20, random_state=0)
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        L21Regressor(0.1).fit(X, y, tasks)
        seconds.append(time.perf_counter() - began)
    return seconds[0], seconds[1]


def _warm(progress: Callable[[str], None]) -> float:
    """Fit every estimator in each layout of X, so that what they need is compiled."""
    X, y, tasks = make_multitask_regression(n_tasks=3, n_samples=12, random_state=0)
    Y = y.reshape(3, -1).T
    Z = X[tasks == 0]
    began = time.perf_counter()
    for name, kind in ESTIMATORS.items():
        if not issubclass(kind, (TaskModel, TaskThresholdClassifier)):
            continue
        progress(f"compiling what the estimators need, {name}")
        classify = hasattr(kind, "decision_function")
        forms: list[tuple[Any, ...]] = [(X, y, tasks), (Z, Y)]
        forms.append((X.astype(np.float32), y, tasks))
        forms.append((sparse.csr_array(X), y, tasks))
        for form in forms:
            _fit(kind, classify, *form)
    return time.perf_counter() - began


def _fit(kind: type, classify: bool, X: Any, y: np.ndarray, *tasks: np.ndarray) -> None:
    """Fit an estimator quickly; what it says of made-up data is of no interest."""
    names = kind().get_params(deep=False)
    quick = {"alphas": 3, "eps": 0.1, "cv": 2} if "alphas" in names else {}
    model: Any = kind(**{k: v for k, v in quick.items() if k in names})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, y > 0 if classify else y, *tasks).predict(X, *tasks)
        except (TypeError, ValueError):  # a form that it does not take
            return
