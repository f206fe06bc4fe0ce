"""Multi-task data: from and to lists of tasks, and the canonical form of solvers."""

from linmtl.data._canonical import MultiTaskData
from linmtl.data._stack import stack_tasks, unstack_tasks
from linmtl.data._survival import survival_target

__all__ = ["MultiTaskData", "stack_tasks", "survival_target", "unstack_tasks"]
