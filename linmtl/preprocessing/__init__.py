"""Transformers that know about tasks."""

from linmtl.preprocessing._scaler import TaskScaler
from linmtl.preprocessing._select import SelectFeatures

__all__ = ["SelectFeatures", "TaskScaler"]
