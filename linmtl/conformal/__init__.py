"""Prediction intervals and sets that cover in every task, whatever the model."""

from linmtl.conformal._estimators import (
    TaskConformalClassifier,
    TaskConformalRegressor,
)

__all__ = ["TaskConformalClassifier", "TaskConformalRegressor"]
