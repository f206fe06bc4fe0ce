"""Estimators: one class per penalty and loss, the generic ones, the baselines.

A new family is one more file in the list below. The names that this package and
`linmtl` export, their tests and the stubs that editors read follow from its classes.
"""

from importlib import import_module

from linmtl.estimators._docs import ESTIMATORS

for _file in (
    # any penalty
    "_generic",
    # a loss for each task
    "_mixed_tasks",
    # classes that have an order
    "_ordinal",
    # times to an event
    "_cox",
    # one penalty each
    "_adaptive_robust",
    "_calibrated",
    "_capped_l1",
    "_clustered",
    "_dirty",
    "_fused_sparse_group",
    "_graph_regularized",
    "_group_l21",
    "_l1",
    "_l21",
    "_linf1",
    "_mcp",
    "_mean_regularized",
    "_network_lasso",
    "_nonconvex_fused_group",
    "_robust_features",
    "_robust_low_rank",
    "_scad",
    "_shared_structure",
    "_sparse_low_rank",
    "_task_quadratic",
    "_task_relationship",
    "_temporal_group",
    "_trace_norm",
    "_tree_group_l21",
    # two small factors
    "_factored",
    # tasks known by descriptors
    "_descriptors",
    # sources that rows may lack
    "_incomplete_sources",
    # a threshold for each task
    "_thresholds",
    # strengths by the likelihood
    "_mixed_effects",
    # baselines
    "_independent",
    "_pooled",
):
    import_module(f"linmtl.estimators.{_file}")

globals().update(ESTIMATORS)
__all__ = list(ESTIMATORS)  # pyright: ignore[reportUnsupportedDunderAll]
