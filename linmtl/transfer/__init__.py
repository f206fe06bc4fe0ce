"""Transfer between tasks: measured, and kept from doing harm."""

from linmtl.transfer._gain import transfer_gain
from linmtl.transfer._grouped import (
    GroupedMultiTaskClassifier,
    GroupedMultiTaskRegressor,
)
from linmtl.transfer._lookahead import lookahead_affinity
from linmtl.transfer._negative_transfer import negative_transfer_report
from linmtl.transfer._report import NegativeTransferReport
from linmtl.transfer._safe import (
    SafeTransfer,
    SafeTransferClassifier,
    SafeTransferRegressor,
)
from linmtl.transfer._sources import SourceDetection, detect_sources
from linmtl.transfer._task_grouper import TaskGrouper

__all__ = [
    "GroupedMultiTaskClassifier",
    "GroupedMultiTaskRegressor",
    "NegativeTransferReport",
    "SafeTransfer",
    "SafeTransferClassifier",
    "SafeTransferRegressor",
    "SourceDetection",
    "TaskGrouper",
    "detect_sources",
    "lookahead_affinity",
    "negative_transfer_report",
    "transfer_gain",
]
