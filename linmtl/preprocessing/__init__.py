"""Transformers that know about tasks."""

from linmtl.preprocessing._encoder import TableEncoder
from linmtl.preprocessing._scaler import TaskScaler
from linmtl.preprocessing._select import SelectFeatures
from linmtl.preprocessing._target import TargetScaler

__all__ = ["SelectFeatures", "TableEncoder", "TargetScaler", "TaskScaler"]
