"""The adapters, one package a file, imported only where they run."""

from __future__ import annotations

from importlib import import_module

from benchmarks.solvers._base import Solution, Solver

__all__ = ["ADAPTERS", "Solution", "Solver", "load"]

# name: (module, class); linmtl first, the naive line last
ADAPTERS = {
    "linmtl": ("linmtl", "Linmtl"),
    "sklearn": ("sklearn", "Sklearn"),
    "skglm": ("skglm", "Skglm"),
    "celer": ("celer", "Celer"),
    "adelie": ("adelie", "Adelie"),
    "glmnet": ("glmnet", "Glmnet"),
    "rmtl": ("rmtl", "Rmtl"),
    "malsar": ("malsar", "Malsar"),
    "numpy_fista": ("numpy_fista", "NumpyFista"),
}


def load(name: str) -> type[Solver]:
    """Return an adapter; its module imports the package itself only when it runs."""
    module, cls = ADAPTERS[name]
    return getattr(import_module(f"benchmarks.solvers.{module}"), cls)
