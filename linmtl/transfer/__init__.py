"""Transfer between tasks, measured: gains of pairs, tasks that sharing hurts."""

from linmtl.transfer._gain import transfer_gain
from linmtl.transfer._lookahead import lookahead_affinity
from linmtl.transfer._report import NegativeTransferReport, negative_transfer_report

__all__ = [
    "NegativeTransferReport",
    "lookahead_affinity",
    "negative_transfer_report",
    "transfer_gain",
]
