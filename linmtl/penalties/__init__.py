"""Penalties on the coefficients W, of shape (n_features, n_tasks).

Each is an object that holds its parameters; sums are written with ``+``.
"""

from linmtl.penalties._base import Penalty
from linmtl.penalties._l1 import L1
from linmtl.penalties._l21 import L21
from linmtl.penalties._quadratic import GraphLaplacian, MeanRegularized, Ridge
from linmtl.penalties._sum import Sum, compose
from linmtl.penalties._trace_norm import TraceNorm

__all__ = [
    "L1",
    "L21",
    "GraphLaplacian",
    "MeanRegularized",
    "Penalty",
    "Ridge",
    "Sum",
    "TraceNorm",
    "compose",
]
