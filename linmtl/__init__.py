"""Linear multi-task learning: many related regression or classification problems.

Estimators share information between tasks through a penalty on the matrix of all
coefficients; every fit is certified by a duality gap. See README.md for a tour.
"""

from linmtl.data import stack_tasks, unstack_tasks
from linmtl.estimators import (
    GraphRegularizedClassifier,
    GraphRegularizedRegressor,
    IndependentClassifier,
    IndependentRegressor,
    L1Classifier,
    L1Regressor,
    L21Classifier,
    L21Regressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    PooledClassifier,
    PooledRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)
from linmtl.preprocessing import TaskScaler

__version__ = "0.1.0"

__all__ = [
    # data
    "stack_tasks",
    "unstack_tasks",
    # any penalty
    "MultiTaskClassifier",
    "MultiTaskRegressor",
    # one penalty each
    "GraphRegularizedClassifier",
    "GraphRegularizedRegressor",
    "L1Classifier",
    "L1Regressor",
    "L21Classifier",
    "L21Regressor",
    "MeanRegularizedClassifier",
    "MeanRegularizedRegressor",
    "TraceNormClassifier",
    "TraceNormRegressor",
    # baselines
    "IndependentClassifier",
    "IndependentRegressor",
    "PooledClassifier",
    "PooledRegressor",
    # preprocessing
    "TaskScaler",
]
