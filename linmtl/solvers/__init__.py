"""Solvers, and the driver that chooses, starts, certifies and stops them. Private."""

from linmtl.solvers._base import SOLVERS, Result, minimise, null_model, rounded

__all__ = ["SOLVERS", "Result", "minimise", "null_model", "rounded"]
