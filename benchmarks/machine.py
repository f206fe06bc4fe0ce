"""The machine, the versions and the date of a run."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")  # 5 resets the peak of the resident set
_PACKAGES = (
    "linmtl",
    "numpy",
    "scipy",
    "scikit-learn",
    "numba",
    "skglm",
    "celer",
    "adelie",
)


def describe(threads: int) -> dict:
    """Return what a reader needs to judge the times."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory_gb": round(_memory() / 1e9, 1),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "versions": {name: _version(name) for name in _PACKAGES},
        "threads": threads,
    }


def limit_threads(threads: int) -> None:
    """Set the limits that libraries read when they are imported in a new process."""
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on every system
        return 0


def reset_peak() -> int | None:
    """Forget the peak so far and return what is resident now, in bytes."""
    try:
        _RESET.write_text("5")
    except OSError:
        return None
    return resident("VmRSS")


def resident(name: str) -> int:
    """Return the memory that the kernel has under a name for this process, in bytes."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"{_STATUS} has no {name}")
