"""Penalties on the coefficients W, of shape (n_features, n_tasks).

Each is an object that holds its parameters; sums are written with ``+``.
"""

from linmtl.penalties._base import Penalty, Sum
from linmtl.penalties._capped_l1 import CappedL1
from linmtl.penalties._cluster_norm import Clustered, SharedStructure
from linmtl.penalties._compose import compose
from linmtl.penalties._decomposition import Decomposition, InfimalConvolution
from linmtl.penalties._deviation import Deviation
from linmtl.penalties._dirty import Dirty
from linmtl.penalties._folded_concave import MCP, SCAD
from linmtl.penalties._fused import Fused, FusedSparseGroup
from linmtl.penalties._group_l21 import GroupL21
from linmtl.penalties._l1 import L1
from linmtl.penalties._l21 import L21
from linmtl.penalties._linf1 import Linf1
from linmtl.penalties._network_lasso import NetworkLasso
from linmtl.penalties._nonconvex import Nonconvex
from linmtl.penalties._nonconvex_fused_group import NonconvexFusedGroup
from linmtl.penalties._quadratic import (
    GraphLaplacian,
    MeanRegularized,
    Ridge,
    TaskQuadratic,
)
from linmtl.penalties._robust import RobustFeatures, RobustLowRank
from linmtl.penalties._sparse_low_rank import SparseLowRank
from linmtl.penalties._task_l21 import TaskL21
from linmtl.penalties._task_relationship import TaskRelationship
from linmtl.penalties._temporal_group import TemporalGroup
from linmtl.penalties._trace_norm import TraceNorm
from linmtl.penalties._tree_group_l21 import TreeGroupL21

__all__ = [
    "TemporalGroup",
    "TreeGroupL21",
    "GroupL21",
    "FusedSparseGroup",
    "Fused",
    "Linf1",
    "TaskL21",
    "SparseLowRank",
    "RobustLowRank",
    "RobustFeatures",
    "NonconvexFusedGroup",
    "Nonconvex",
    "SCAD",
    "MCP",
    "Deviation",
    "Dirty",
    "CappedL1",
    "L1",
    "L21",
    "Decomposition",
    "InfimalConvolution",
    "Clustered",
    "GraphLaplacian",
    "MeanRegularized",
    "NetworkLasso",
    "Penalty",
    "Ridge",
    "SharedStructure",
    "Sum",
    "TaskQuadratic",
    "TaskRelationship",
    "TraceNorm",
    "compose",
]
