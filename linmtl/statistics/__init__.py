"""What the squared loss needs of rows that are in no one place at once."""

from linmtl.statistics._chunks import chunks_of, read_chunks
from linmtl.statistics._engine import map_reduce
from linmtl.statistics._task_statistics import TaskStatistics

__all__ = ["TaskStatistics", "chunks_of", "map_reduce", "read_chunks"]
