"""Which tasks belong together: measures of relatedness, tests, task graphs.

By the models fitted to the tasks, by their data, by statistical tests, or by what else
is known of them. Every measure returns a :class:`TaskMatrix`, of which
:func:`task_graph` makes a graph for the penalties.
"""

from linmtl.similarity._chow import ChowResult, chow_test
from linmtl.similarity._coefficients import (
    coefficient_similarity,
    task_correlation,
    task_covariance,
)
from linmtl.similarity._data import (
    bures_distance,
    coral_distance,
    mmd,
    proxy_a_distance,
)
from linmtl.similarity._graph import task_graph
from linmtl.similarity._heterogeneity import HeterogeneityResult, heterogeneity
from linmtl.similarity._mantel import MantelResult, mantel
from linmtl.similarity._predictions import excess_risk, prediction_disagreement
from linmtl.similarity._result import TaskMatrix
from linmtl.similarity._semantic import descriptor_similarity, graph_similarity
from linmtl.similarity._shift import ShiftSummary, shift_summary
from linmtl.similarity._subspaces import data_subspaces, subspace_similarity

__all__ = [
    # results
    "TaskMatrix",
    # by fitted models
    "coefficient_similarity",
    "excess_risk",
    "prediction_disagreement",
    "subspace_similarity",
    "task_correlation",
    "task_covariance",
    # by data
    "ShiftSummary",
    "bures_distance",
    "coral_distance",
    "data_subspaces",
    "mmd",
    "proxy_a_distance",
    "shift_summary",
    # by tests
    "ChowResult",
    "HeterogeneityResult",
    "MantelResult",
    "chow_test",
    "heterogeneity",
    "mantel",
    # by other knowledge
    "descriptor_similarity",
    "graph_similarity",
    # graphs
    "task_graph",
]
