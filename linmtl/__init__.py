"""Linear multi-task learning: many related regression or classification problems.

Estimators share information between tasks through a penalty on the matrix of all
coefficients; every fit is certified by a duality gap. See README.md for a tour.
"""

from linmtl import estimators
from linmtl.auto import AutoClassifier, AutoRegressor
from linmtl.cli._public import prepare
from linmtl.data import stack_tasks, unstack_tasks
from linmtl.estimators import *  # noqa: F403
from linmtl.preprocessing import TaskScaler
from linmtl.statistics import TaskStatistics
from linmtl.version import __version__ as __version__

__all__ = [
    "AutoClassifier",
    "AutoRegressor",
    "TaskScaler",
    "TaskStatistics",
    "prepare",
    "stack_tasks",
    "unstack_tasks",
]
__all__ += estimators.__all__
