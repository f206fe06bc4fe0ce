"""Linear multi-task learning: many related regression or classification problems.

Estimators share information between tasks through a penalty on the matrix of all
coefficients; every fit is certified by a duality gap. See README.md for a tour.
"""

from linmtl.data import stack_tasks, unstack_tasks
from linmtl.estimators import (
    GraphRegularizedClassifier,
    GraphRegularizedClassifierCV,
    GraphRegularizedRegressor,
    GraphRegularizedRegressorCV,
    IndependentClassifier,
    IndependentRegressor,
    L1Classifier,
    L1ClassifierCV,
    L1Regressor,
    L1RegressorCV,
    L21Classifier,
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressor,
    MeanRegularizedRegressorCV,
    MultiTaskClassifier,
    MultiTaskClassifierCV,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    PooledClassifier,
    PooledRegressor,
    TraceNormClassifier,
    TraceNormClassifierCV,
    TraceNormRegressor,
    TraceNormRegressorCV,
)
from linmtl.preprocessing import TaskScaler

__version__ = "0.1.0"

__all__ = [
    # data
    "stack_tasks",
    "unstack_tasks",
    # any penalty
    "MultiTaskClassifier",
    "MultiTaskClassifierCV",
    "MultiTaskRegressor",
    "MultiTaskRegressorCV",
    # one penalty each
    "GraphRegularizedClassifier",
    "GraphRegularizedClassifierCV",
    "GraphRegularizedRegressor",
    "GraphRegularizedRegressorCV",
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
    "TraceNormClassifier",
    "TraceNormClassifierCV",
    "TraceNormRegressor",
    "TraceNormRegressorCV",
    # baselines
    "IndependentClassifier",
    "IndependentRegressor",
    "PooledClassifier",
    "PooledRegressor",
    # preprocessing
    "TaskScaler",
]
