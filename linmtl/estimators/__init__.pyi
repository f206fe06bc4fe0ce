from linmtl.estimators._generic import MultiTaskRegressor as MultiTaskRegressor
from linmtl.estimators._generic import MultiTaskClassifier as MultiTaskClassifier
from linmtl.estimators._generic import MultiTaskRegressorCV as MultiTaskRegressorCV
from linmtl.estimators._generic import MultiTaskClassifierCV as MultiTaskClassifierCV
from linmtl.estimators._mixed_tasks import MixedTaskEstimator as MixedTaskEstimator
from linmtl.estimators._mixed_tasks import MixedTaskEstimatorCV as MixedTaskEstimatorCV
from linmtl.estimators._ordinal import OrdinalClassifier as OrdinalClassifier
from linmtl.estimators._ordinal import OrdinalClassifierCV as OrdinalClassifierCV
from linmtl.estimators._cox import CoxRegressor as CoxRegressor
from linmtl.estimators._cox import CoxRegressorCV as CoxRegressorCV
from linmtl.estimators._adaptive_robust import AdaptiveRobustRegressor as AdaptiveRobustRegressor
from linmtl.estimators._adaptive_robust import AdaptiveRobustClassifier as AdaptiveRobustClassifier
from linmtl.estimators._adaptive_robust import AdaptiveRobustRegressorCV as AdaptiveRobustRegressorCV
from linmtl.estimators._adaptive_robust import AdaptiveRobustClassifierCV as AdaptiveRobustClassifierCV
from linmtl.estimators._calibrated import CalibratedRegressor as CalibratedRegressor
from linmtl.estimators._calibrated import CalibratedRegressorCV as CalibratedRegressorCV
from linmtl.estimators._capped_l1 import CappedL1Regressor as CappedL1Regressor
from linmtl.estimators._capped_l1 import CappedL1Classifier as CappedL1Classifier
from linmtl.estimators._capped_l1 import CappedL1RegressorCV as CappedL1RegressorCV
from linmtl.estimators._capped_l1 import CappedL1ClassifierCV as CappedL1ClassifierCV
from linmtl.estimators._clustered import ClusteredRegressor as ClusteredRegressor
from linmtl.estimators._clustered import ClusteredClassifier as ClusteredClassifier
from linmtl.estimators._clustered import ClusteredRegressorCV as ClusteredRegressorCV
from linmtl.estimators._clustered import ClusteredClassifierCV as ClusteredClassifierCV
from linmtl.estimators._dirty import DirtyRegressor as DirtyRegressor
from linmtl.estimators._dirty import DirtyClassifier as DirtyClassifier
from linmtl.estimators._dirty import DirtyRegressorCV as DirtyRegressorCV
from linmtl.estimators._dirty import DirtyClassifierCV as DirtyClassifierCV
from linmtl.estimators._fused_sparse_group import FusedSparseGroupRegressor as FusedSparseGroupRegressor
from linmtl.estimators._fused_sparse_group import FusedSparseGroupClassifier as FusedSparseGroupClassifier
from linmtl.estimators._fused_sparse_group import FusedSparseGroupRegressorCV as FusedSparseGroupRegressorCV
from linmtl.estimators._fused_sparse_group import FusedSparseGroupClassifierCV as FusedSparseGroupClassifierCV
from linmtl.estimators._graph_regularized import GraphRegularizedRegressor as GraphRegularizedRegressor
from linmtl.estimators._graph_regularized import GraphRegularizedClassifier as GraphRegularizedClassifier
from linmtl.estimators._graph_regularized import GraphRegularizedRegressorCV as GraphRegularizedRegressorCV
from linmtl.estimators._graph_regularized import GraphRegularizedClassifierCV as GraphRegularizedClassifierCV
from linmtl.estimators._group_l21 import GroupL21Regressor as GroupL21Regressor
from linmtl.estimators._group_l21 import GroupL21Classifier as GroupL21Classifier
from linmtl.estimators._group_l21 import GroupL21RegressorCV as GroupL21RegressorCV
from linmtl.estimators._group_l21 import GroupL21ClassifierCV as GroupL21ClassifierCV
from linmtl.estimators._l1 import L1Regressor as L1Regressor
from linmtl.estimators._l1 import L1Classifier as L1Classifier
from linmtl.estimators._l1 import L1RegressorCV as L1RegressorCV
from linmtl.estimators._l1 import L1ClassifierCV as L1ClassifierCV
from linmtl.estimators._l21 import L21Regressor as L21Regressor
from linmtl.estimators._l21 import L21Classifier as L21Classifier
from linmtl.estimators._l21 import L21RegressorCV as L21RegressorCV
from linmtl.estimators._l21 import L21ClassifierCV as L21ClassifierCV
from linmtl.estimators._linf1 import Linf1Regressor as Linf1Regressor
from linmtl.estimators._linf1 import Linf1Classifier as Linf1Classifier
from linmtl.estimators._linf1 import Linf1RegressorCV as Linf1RegressorCV
from linmtl.estimators._linf1 import Linf1ClassifierCV as Linf1ClassifierCV
from linmtl.estimators._mcp import MCPRegressor as MCPRegressor
from linmtl.estimators._mcp import MCPClassifier as MCPClassifier
from linmtl.estimators._mcp import MCPRegressorCV as MCPRegressorCV
from linmtl.estimators._mcp import MCPClassifierCV as MCPClassifierCV
from linmtl.estimators._mean_regularized import MeanRegularizedRegressor as MeanRegularizedRegressor
from linmtl.estimators._mean_regularized import MeanRegularizedClassifier as MeanRegularizedClassifier
from linmtl.estimators._mean_regularized import MeanRegularizedRegressorCV as MeanRegularizedRegressorCV
from linmtl.estimators._mean_regularized import MeanRegularizedClassifierCV as MeanRegularizedClassifierCV
from linmtl.estimators._network_lasso import NetworkLassoRegressor as NetworkLassoRegressor
from linmtl.estimators._network_lasso import NetworkLassoClassifier as NetworkLassoClassifier
from linmtl.estimators._network_lasso import NetworkLassoRegressorCV as NetworkLassoRegressorCV
from linmtl.estimators._network_lasso import NetworkLassoClassifierCV as NetworkLassoClassifierCV
from linmtl.estimators._nonconvex_fused_group import NonconvexFusedGroupRegressor as NonconvexFusedGroupRegressor
from linmtl.estimators._nonconvex_fused_group import NonconvexFusedGroupClassifier as NonconvexFusedGroupClassifier
from linmtl.estimators._nonconvex_fused_group import NonconvexFusedGroupRegressorCV as NonconvexFusedGroupRegressorCV
from linmtl.estimators._nonconvex_fused_group import NonconvexFusedGroupClassifierCV as NonconvexFusedGroupClassifierCV
from linmtl.estimators._robust_features import RobustFeaturesRegressor as RobustFeaturesRegressor
from linmtl.estimators._robust_features import RobustFeaturesClassifier as RobustFeaturesClassifier
from linmtl.estimators._robust_features import RobustFeaturesRegressorCV as RobustFeaturesRegressorCV
from linmtl.estimators._robust_features import RobustFeaturesClassifierCV as RobustFeaturesClassifierCV
from linmtl.estimators._robust_low_rank import RobustLowRankRegressor as RobustLowRankRegressor
from linmtl.estimators._robust_low_rank import RobustLowRankClassifier as RobustLowRankClassifier
from linmtl.estimators._robust_low_rank import RobustLowRankRegressorCV as RobustLowRankRegressorCV
from linmtl.estimators._robust_low_rank import RobustLowRankClassifierCV as RobustLowRankClassifierCV
from linmtl.estimators._scad import SCADRegressor as SCADRegressor
from linmtl.estimators._scad import SCADClassifier as SCADClassifier
from linmtl.estimators._scad import SCADRegressorCV as SCADRegressorCV
from linmtl.estimators._scad import SCADClassifierCV as SCADClassifierCV
from linmtl.estimators._shared_structure import SharedStructureRegressor as SharedStructureRegressor
from linmtl.estimators._shared_structure import SharedStructureClassifier as SharedStructureClassifier
from linmtl.estimators._shared_structure import SharedStructureRegressorCV as SharedStructureRegressorCV
from linmtl.estimators._shared_structure import SharedStructureClassifierCV as SharedStructureClassifierCV
from linmtl.estimators._sparse_low_rank import SparseLowRankRegressor as SparseLowRankRegressor
from linmtl.estimators._sparse_low_rank import SparseLowRankClassifier as SparseLowRankClassifier
from linmtl.estimators._sparse_low_rank import SparseLowRankRegressorCV as SparseLowRankRegressorCV
from linmtl.estimators._sparse_low_rank import SparseLowRankClassifierCV as SparseLowRankClassifierCV
from linmtl.estimators._task_quadratic import TaskQuadraticRegressor as TaskQuadraticRegressor
from linmtl.estimators._task_quadratic import TaskQuadraticClassifier as TaskQuadraticClassifier
from linmtl.estimators._task_quadratic import TaskQuadraticRegressorCV as TaskQuadraticRegressorCV
from linmtl.estimators._task_quadratic import TaskQuadraticClassifierCV as TaskQuadraticClassifierCV
from linmtl.estimators._task_relationship import TaskRelationshipRegressor as TaskRelationshipRegressor
from linmtl.estimators._task_relationship import TaskRelationshipClassifier as TaskRelationshipClassifier
from linmtl.estimators._task_relationship import TaskRelationshipRegressorCV as TaskRelationshipRegressorCV
from linmtl.estimators._task_relationship import TaskRelationshipClassifierCV as TaskRelationshipClassifierCV
from linmtl.estimators._temporal_group import TemporalGroupRegressor as TemporalGroupRegressor
from linmtl.estimators._temporal_group import TemporalGroupClassifier as TemporalGroupClassifier
from linmtl.estimators._temporal_group import TemporalGroupRegressorCV as TemporalGroupRegressorCV
from linmtl.estimators._temporal_group import TemporalGroupClassifierCV as TemporalGroupClassifierCV
from linmtl.estimators._trace_norm import TraceNormRegressor as TraceNormRegressor
from linmtl.estimators._trace_norm import TraceNormClassifier as TraceNormClassifier
from linmtl.estimators._trace_norm import TraceNormRegressorCV as TraceNormRegressorCV
from linmtl.estimators._trace_norm import TraceNormClassifierCV as TraceNormClassifierCV
from linmtl.estimators._tree_group_l21 import TreeGroupL21Regressor as TreeGroupL21Regressor
from linmtl.estimators._tree_group_l21 import TreeGroupL21Classifier as TreeGroupL21Classifier
from linmtl.estimators._tree_group_l21 import TreeGroupL21RegressorCV as TreeGroupL21RegressorCV
from linmtl.estimators._tree_group_l21 import TreeGroupL21ClassifierCV as TreeGroupL21ClassifierCV
from linmtl.estimators._factored import FactoredRegressor as FactoredRegressor
from linmtl.estimators._factored import FactoredClassifier as FactoredClassifier
from linmtl.estimators._factored import GOMTLRegressor as GOMTLRegressor
from linmtl.estimators._factored import GOMTLClassifier as GOMTLClassifier
from linmtl.estimators._descriptors import DescriptorRegressor as DescriptorRegressor
from linmtl.estimators._descriptors import DescriptorClassifier as DescriptorClassifier
from linmtl.estimators._incomplete_sources import IncompleteSourcesRegressor as IncompleteSourcesRegressor
from linmtl.estimators._incomplete_sources import IncompleteSourcesClassifier as IncompleteSourcesClassifier
from linmtl.estimators._incomplete_sources import IncompleteSourcesRegressorCV as IncompleteSourcesRegressorCV
from linmtl.estimators._incomplete_sources import IncompleteSourcesClassifierCV as IncompleteSourcesClassifierCV
from linmtl.estimators._thresholds import TaskThresholdClassifier as TaskThresholdClassifier
from linmtl.estimators._mixed_effects import MixedEffectsRegressor as MixedEffectsRegressor
from linmtl.estimators._mixed_effects import MixedEffectsClassifier as MixedEffectsClassifier
from linmtl.estimators._independent import IndependentRegressor as IndependentRegressor
from linmtl.estimators._independent import IndependentClassifier as IndependentClassifier
from linmtl.estimators._pooled import PooledRegressor as PooledRegressor
from linmtl.estimators._pooled import PooledClassifier as PooledClassifier

__all__ = [
    "MultiTaskRegressor",
    "MultiTaskClassifier",
    "MultiTaskRegressorCV",
    "MultiTaskClassifierCV",
    "MixedTaskEstimator",
    "MixedTaskEstimatorCV",
    "OrdinalClassifier",
    "OrdinalClassifierCV",
    "CoxRegressor",
    "CoxRegressorCV",
    "AdaptiveRobustRegressor",
    "AdaptiveRobustClassifier",
    "AdaptiveRobustRegressorCV",
    "AdaptiveRobustClassifierCV",
    "CalibratedRegressor",
    "CalibratedRegressorCV",
    "CappedL1Regressor",
    "CappedL1Classifier",
    "CappedL1RegressorCV",
    "CappedL1ClassifierCV",
    "ClusteredRegressor",
    "ClusteredClassifier",
    "ClusteredRegressorCV",
    "ClusteredClassifierCV",
    "DirtyRegressor",
    "DirtyClassifier",
    "DirtyRegressorCV",
    "DirtyClassifierCV",
    "FusedSparseGroupRegressor",
    "FusedSparseGroupClassifier",
    "FusedSparseGroupRegressorCV",
    "FusedSparseGroupClassifierCV",
    "GraphRegularizedRegressor",
    "GraphRegularizedClassifier",
    "GraphRegularizedRegressorCV",
    "GraphRegularizedClassifierCV",
    "GroupL21Regressor",
    "GroupL21Classifier",
    "GroupL21RegressorCV",
    "GroupL21ClassifierCV",
    "L1Regressor",
    "L1Classifier",
    "L1RegressorCV",
    "L1ClassifierCV",
    "L21Regressor",
    "L21Classifier",
    "L21RegressorCV",
    "L21ClassifierCV",
    "Linf1Regressor",
    "Linf1Classifier",
    "Linf1RegressorCV",
    "Linf1ClassifierCV",
    "MCPRegressor",
    "MCPClassifier",
    "MCPRegressorCV",
    "MCPClassifierCV",
    "MeanRegularizedRegressor",
    "MeanRegularizedClassifier",
    "MeanRegularizedRegressorCV",
    "MeanRegularizedClassifierCV",
    "NetworkLassoRegressor",
    "NetworkLassoClassifier",
    "NetworkLassoRegressorCV",
    "NetworkLassoClassifierCV",
    "NonconvexFusedGroupRegressor",
    "NonconvexFusedGroupClassifier",
    "NonconvexFusedGroupRegressorCV",
    "NonconvexFusedGroupClassifierCV",
    "RobustFeaturesRegressor",
    "RobustFeaturesClassifier",
    "RobustFeaturesRegressorCV",
    "RobustFeaturesClassifierCV",
    "RobustLowRankRegressor",
    "RobustLowRankClassifier",
    "RobustLowRankRegressorCV",
    "RobustLowRankClassifierCV",
    "SCADRegressor",
    "SCADClassifier",
    "SCADRegressorCV",
    "SCADClassifierCV",
    "SharedStructureRegressor",
    "SharedStructureClassifier",
    "SharedStructureRegressorCV",
    "SharedStructureClassifierCV",
    "SparseLowRankRegressor",
    "SparseLowRankClassifier",
    "SparseLowRankRegressorCV",
    "SparseLowRankClassifierCV",
    "TaskQuadraticRegressor",
    "TaskQuadraticClassifier",
    "TaskQuadraticRegressorCV",
    "TaskQuadraticClassifierCV",
    "TaskRelationshipRegressor",
    "TaskRelationshipClassifier",
    "TaskRelationshipRegressorCV",
    "TaskRelationshipClassifierCV",
    "TemporalGroupRegressor",
    "TemporalGroupClassifier",
    "TemporalGroupRegressorCV",
    "TemporalGroupClassifierCV",
    "TraceNormRegressor",
    "TraceNormClassifier",
    "TraceNormRegressorCV",
    "TraceNormClassifierCV",
    "TreeGroupL21Regressor",
    "TreeGroupL21Classifier",
    "TreeGroupL21RegressorCV",
    "TreeGroupL21ClassifierCV",
    "FactoredRegressor",
    "FactoredClassifier",
    "GOMTLRegressor",
    "GOMTLClassifier",
    "DescriptorRegressor",
    "DescriptorClassifier",
    "IncompleteSourcesRegressor",
    "IncompleteSourcesClassifier",
    "IncompleteSourcesRegressorCV",
    "IncompleteSourcesClassifierCV",
    "TaskThresholdClassifier",
    "MixedEffectsRegressor",
    "MixedEffectsClassifier",
    "IndependentRegressor",
    "IndependentClassifier",
    "PooledRegressor",
    "PooledClassifier",
]
