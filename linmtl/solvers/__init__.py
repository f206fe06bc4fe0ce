"""Solvers, and the driver that chooses, starts, certifies and stops them. Private."""

from linmtl.solvers._minimise import SOLVERS, minimise, null_model, rounded
from linmtl.solvers._result import Result

__all__ = ["SOLVERS", "Result", "minimise", "null_model", "rounded"]
