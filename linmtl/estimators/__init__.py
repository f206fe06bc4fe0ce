"""Estimators: one class per penalty and loss, the generic ones, the baselines."""

from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._graph_regularized import (
    GraphRegularizedClassifier,
    GraphRegularizedRegressor,
)
from linmtl.estimators._independent import (
    IndependentClassifier,
    IndependentRegressor,
)
from linmtl.estimators._l1 import L1Classifier, L1Regressor
from linmtl.estimators._l21 import L21Classifier, L21Regressor
from linmtl.estimators._mean_regularized import (
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
)
from linmtl.estimators._pooled import PooledClassifier, PooledRegressor
from linmtl.estimators._trace_norm import TraceNormClassifier, TraceNormRegressor

__all__ = [
    "GraphRegularizedClassifier",
    "GraphRegularizedRegressor",
    "IndependentClassifier",
    "IndependentRegressor",
    "L1Classifier",
    "L1Regressor",
    "L21Classifier",
    "L21Regressor",
    "MeanRegularizedClassifier",
    "MeanRegularizedRegressor",
    "MultiTaskClassifier",
    "MultiTaskRegressor",
    "PooledClassifier",
    "PooledRegressor",
    "TraceNormClassifier",
    "TraceNormRegressor",
]
