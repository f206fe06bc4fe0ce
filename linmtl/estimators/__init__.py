"""Estimators: one class per penalty and loss, the generic ones, the baselines."""

from linmtl.estimators._calibrated import CalibratedRegressor, CalibratedRegressorCV
from linmtl.estimators._capped_l1 import (
    CappedL1Classifier,
    CappedL1ClassifierCV,
    CappedL1Regressor,
    CappedL1RegressorCV,
)
from linmtl.estimators._clustered import (
    ClusteredClassifier,
    ClusteredClassifierCV,
    ClusteredRegressor,
    ClusteredRegressorCV,
)
from linmtl.estimators._descriptors import DescriptorClassifier, DescriptorRegressor
from linmtl.estimators._dirty import (
    DirtyClassifier,
    DirtyClassifierCV,
    DirtyRegressor,
    DirtyRegressorCV,
)
from linmtl.estimators._factored import (
    FactoredClassifier,
    FactoredRegressor,
    GOMTLClassifier,
    GOMTLRegressor,
)
from linmtl.estimators._fused_sparse_group import (
    FusedSparseGroupClassifier,
    FusedSparseGroupClassifierCV,
    FusedSparseGroupRegressor,
    FusedSparseGroupRegressorCV,
)
from linmtl.estimators._generic import (
    MultiTaskClassifier,
    MultiTaskClassifierCV,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
)
from linmtl.estimators._graph_regularized import (
    GraphRegularizedClassifier,
    GraphRegularizedClassifierCV,
    GraphRegularizedRegressor,
    GraphRegularizedRegressorCV,
)
from linmtl.estimators._group_l21 import (
    GroupL21Classifier,
    GroupL21ClassifierCV,
    GroupL21Regressor,
    GroupL21RegressorCV,
)
from linmtl.estimators._incomplete_sources import (
    IncompleteSourcesClassifier,
    IncompleteSourcesClassifierCV,
    IncompleteSourcesRegressor,
    IncompleteSourcesRegressorCV,
)
from linmtl.estimators._independent import (
    IndependentClassifier,
    IndependentRegressor,
)
from linmtl.estimators._l1 import (
    L1Classifier,
    L1ClassifierCV,
    L1Regressor,
    L1RegressorCV,
)
from linmtl.estimators._l21 import (
    L21Classifier,
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
)
from linmtl.estimators._linf1 import (
    Linf1Classifier,
    Linf1ClassifierCV,
    Linf1Regressor,
    Linf1RegressorCV,
)
from linmtl.estimators._mcp import (
    MCPClassifier,
    MCPClassifierCV,
    MCPRegressor,
    MCPRegressorCV,
)
from linmtl.estimators._mean_regularized import (
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
)
from linmtl.estimators._network_lasso import (
    NetworkLassoClassifier,
    NetworkLassoClassifierCV,
    NetworkLassoRegressor,
    NetworkLassoRegressorCV,
)
from linmtl.estimators._nonconvex_fused_group import (
    NonconvexFusedGroupClassifier,
    NonconvexFusedGroupClassifierCV,
    NonconvexFusedGroupRegressor,
    NonconvexFusedGroupRegressorCV,
)
from linmtl.estimators._pooled import (
    PooledClassifier,
    PooledRegressor,
)
from linmtl.estimators._robust_features import (
    RobustFeaturesClassifier,
    RobustFeaturesClassifierCV,
    RobustFeaturesRegressor,
    RobustFeaturesRegressorCV,
)
from linmtl.estimators._robust_low_rank import (
    RobustLowRankClassifier,
    RobustLowRankClassifierCV,
    RobustLowRankRegressor,
    RobustLowRankRegressorCV,
)
from linmtl.estimators._scad import (
    SCADClassifier,
    SCADClassifierCV,
    SCADRegressor,
    SCADRegressorCV,
)
from linmtl.estimators._shared_structure import (
    SharedStructureClassifier,
    SharedStructureClassifierCV,
    SharedStructureRegressor,
    SharedStructureRegressorCV,
)
from linmtl.estimators._sparse_low_rank import (
    SparseLowRankClassifier,
    SparseLowRankClassifierCV,
    SparseLowRankRegressor,
    SparseLowRankRegressorCV,
)
from linmtl.estimators._task_quadratic import (
    TaskQuadraticClassifier,
    TaskQuadraticClassifierCV,
    TaskQuadraticRegressor,
    TaskQuadraticRegressorCV,
)
from linmtl.estimators._task_relationship import (
    TaskRelationshipClassifier,
    TaskRelationshipClassifierCV,
    TaskRelationshipRegressor,
    TaskRelationshipRegressorCV,
)
from linmtl.estimators._temporal_group import (
    TemporalGroupClassifier,
    TemporalGroupClassifierCV,
    TemporalGroupRegressor,
    TemporalGroupRegressorCV,
)
from linmtl.estimators._thresholds import TaskThresholdClassifier
from linmtl.estimators._trace_norm import (
    TraceNormClassifier,
    TraceNormClassifierCV,
    TraceNormRegressor,
    TraceNormRegressorCV,
)
from linmtl.estimators._tree_group_l21 import (
    TreeGroupL21Classifier,
    TreeGroupL21ClassifierCV,
    TreeGroupL21Regressor,
    TreeGroupL21RegressorCV,
)

__all__ = [
    "CalibratedRegressor",
    "CalibratedRegressorCV",
    "CappedL1Classifier",
    "CappedL1ClassifierCV",
    "CappedL1Regressor",
    "CappedL1RegressorCV",
    "ClusteredClassifier",
    "ClusteredClassifierCV",
    "ClusteredRegressor",
    "ClusteredRegressorCV",
    "DescriptorClassifier",
    "DescriptorRegressor",
    "DirtyClassifier",
    "DirtyClassifierCV",
    "DirtyRegressor",
    "DirtyRegressorCV",
    "FactoredClassifier",
    "FactoredRegressor",
    "FusedSparseGroupClassifier",
    "FusedSparseGroupClassifierCV",
    "FusedSparseGroupRegressor",
    "FusedSparseGroupRegressorCV",
    "GOMTLClassifier",
    "GOMTLRegressor",
    "GraphRegularizedClassifier",
    "GraphRegularizedClassifierCV",
    "GraphRegularizedRegressor",
    "GraphRegularizedRegressorCV",
    "GroupL21Classifier",
    "GroupL21ClassifierCV",
    "GroupL21Regressor",
    "GroupL21RegressorCV",
    "IncompleteSourcesClassifier",
    "IncompleteSourcesClassifierCV",
    "IncompleteSourcesRegressor",
    "IncompleteSourcesRegressorCV",
    "IndependentClassifier",
    "IndependentRegressor",
    "L1Classifier",
    "L1ClassifierCV",
    "L1Regressor",
    "L1RegressorCV",
    "L21Classifier",
    "L21ClassifierCV",
    "L21Regressor",
    "L21RegressorCV",
    "Linf1Classifier",
    "Linf1ClassifierCV",
    "Linf1Regressor",
    "Linf1RegressorCV",
    "MCPClassifier",
    "MCPClassifierCV",
    "MCPRegressor",
    "MCPRegressorCV",
    "MeanRegularizedClassifier",
    "MeanRegularizedClassifierCV",
    "MeanRegularizedRegressor",
    "MeanRegularizedRegressorCV",
    "MultiTaskClassifier",
    "MultiTaskClassifierCV",
    "MultiTaskRegressor",
    "MultiTaskRegressorCV",
    "NetworkLassoClassifier",
    "NetworkLassoClassifierCV",
    "NetworkLassoRegressor",
    "NetworkLassoRegressorCV",
    "NonconvexFusedGroupClassifier",
    "NonconvexFusedGroupClassifierCV",
    "NonconvexFusedGroupRegressor",
    "NonconvexFusedGroupRegressorCV",
    "PooledClassifier",
    "PooledRegressor",
    "RobustFeaturesClassifier",
    "RobustFeaturesClassifierCV",
    "RobustFeaturesRegressor",
    "RobustFeaturesRegressorCV",
    "RobustLowRankClassifier",
    "RobustLowRankClassifierCV",
    "RobustLowRankRegressor",
    "RobustLowRankRegressorCV",
    "SCADClassifier",
    "SCADClassifierCV",
    "SCADRegressor",
    "SCADRegressorCV",
    "SharedStructureClassifier",
    "SharedStructureClassifierCV",
    "SharedStructureRegressor",
    "SharedStructureRegressorCV",
    "SparseLowRankClassifier",
    "SparseLowRankClassifierCV",
    "SparseLowRankRegressor",
    "SparseLowRankRegressorCV",
    "TaskQuadraticClassifier",
    "TaskQuadraticClassifierCV",
    "TaskQuadraticRegressor",
    "TaskQuadraticRegressorCV",
    "TaskRelationshipClassifier",
    "TaskRelationshipClassifierCV",
    "TaskRelationshipRegressor",
    "TaskRelationshipRegressorCV",
    "TaskThresholdClassifier",
    "TemporalGroupClassifier",
    "TemporalGroupClassifierCV",
    "TemporalGroupRegressor",
    "TemporalGroupRegressorCV",
    "TraceNormClassifier",
    "TraceNormClassifierCV",
    "TraceNormRegressor",
    "TraceNormRegressorCV",
    "TreeGroupL21Classifier",
    "TreeGroupL21ClassifierCV",
    "TreeGroupL21Regressor",
    "TreeGroupL21RegressorCV",
]
