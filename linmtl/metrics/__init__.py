"""Scores of each task, their averages, and scorers for scikit-learn's searches.

Every function takes long data (one label per row, and ``tasks``) and wide data (a
two-dimensional y with one column per task, NaN where a label is not observed). The
formulas are scikit-learn's, applied within each task.
"""

from linmtl.metrics._concordance import concordance_index
from linmtl.metrics._named import (
    average_precision,
    brier_score,
    explained_variance,
    log_loss,
    normalized_mse,
    roc_auc,
)
from linmtl.metrics._scorer import TaskScorer, make_task_scorer
from linmtl.metrics._scores import TaskScores, per_task

__all__ = [
    "TaskScorer",
    "TaskScores",
    "average_precision",
    "brier_score",
    "concordance_index",
    "explained_variance",
    "log_loss",
    "make_task_scorer",
    "normalized_mse",
    "per_task",
    "roc_auc",
]
