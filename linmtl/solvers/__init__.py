"""Solvers: accelerated proximal gradient, direct, Newton. Private."""

from linmtl.solvers._base import Result, minimise, null_model

__all__ = ["Result", "minimise", "null_model"]
