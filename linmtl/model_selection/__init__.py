"""Splitters that know the tasks, and held-out losses of every task."""

from linmtl.model_selection._splitters import (
    LeaveOneTaskOut,
    TaskKFold,
    TaskShuffleSplit,
)

__all__ = ["LeaveOneTaskOut", "TaskKFold", "TaskShuffleSplit"]
