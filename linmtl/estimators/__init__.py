"""Estimators: one class per penalty and loss, the generic ones, the baselines."""

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
from linmtl.estimators._mean_regularized import (
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
)
from linmtl.estimators._pooled import PooledClassifier, PooledRegressor
from linmtl.estimators._trace_norm import (
    TraceNormClassifier,
    TraceNormClassifierCV,
    TraceNormRegressor,
    TraceNormRegressorCV,
)

__all__ = [
    "GraphRegularizedClassifier",
    "GraphRegularizedClassifierCV",
    "GraphRegularizedRegressor",
    "GraphRegularizedRegressorCV",
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
    "MeanRegularizedClassifier",
    "MeanRegularizedClassifierCV",
    "MeanRegularizedRegressor",
    "MeanRegularizedRegressorCV",
    "MultiTaskClassifier",
    "MultiTaskClassifierCV",
    "MultiTaskRegressor",
    "MultiTaskRegressorCV",
    "PooledClassifier",
    "PooledRegressor",
    "TraceNormClassifier",
    "TraceNormClassifierCV",
    "TraceNormRegressor",
    "TraceNormRegressorCV",
]
