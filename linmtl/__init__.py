"""Linear multi-task learning: many related regression or classification problems.

Estimators share information between tasks through a penalty on the matrix of all
coefficients; every fit is certified by a duality gap. See README.md for a tour.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from linmtl import estimators
from linmtl.auto import AutoClassifier, AutoRegressor
from linmtl.cli._public import prepare
from linmtl.data import stack_tasks, survival_target, unstack_tasks
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
    "survival_target",
    "unstack_tasks",
]
__all__ += estimators.__all__

# found as attributes, and loaded when they are first asked for
_MODULES = frozenset(
    {"auto", "conformal", "data", "datasets", "distributed", "export", "federated"}
    | {"inference", "metrics", "model_selection", "path", "penalties", "plotting"}
    | {"preprocessing", "similarity", "statistics", "transfer", "unsupervised"}
)

if not TYPE_CHECKING:

    def __getattr__(name):
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
