"""Estimators for Spark DataFrames: sums travel, rows stay on the executors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from linmtl.distributed import Parts, fit_parts
from linmtl.distributed._messages import pack, unpack
from linmtl.distributed._parts import Merge, Question, merge_two
from linmtl.distributed._rows import Part
from linmtl.estimators._task_model import TaskModel
from linmtl.statistics import read_chunks
from linmtl.statistics._chunks import columns_of_X

__all__ = ["SparkParts", "fit_spark"]

Estimator = TypeVar("Estimator", bound=TaskModel)


class SparkParts(Parts):
    """Partitions of a Spark DataFrame.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        The rows. It is read once for the squared loss, some seven times for others:
        cache it where it is expensive to make.
    target, tasks : str
        The columns of the target and of the task labels.
    features : sequence of str, default=None
        The columns of X; by default all others.
    sample_weight : str, default=None
        The column of the weights.
    """

    def __init__(
        self,
        frame: Any,
        target: str,
        tasks: str,
        features: Sequence[str] | None = None,
        sample_weight: str | None = None,
    ):
        others = [target, tasks, *([] if sample_weight is None else [sample_weight])]
        names = columns_of_X(frame.columns, others, features, "the table")
        self._frame = frame.select(*names, *others)
        self._read = partial(
            read_chunks,
            target=target,
            tasks=tasks,
            features=names,
            sample_weight=sample_weight,
        )

    def reduce(self, question: Question, merge: Merge) -> Any:
        ask = partial(_answers, read=self._read, question=question, merge=merge)
        found = None
        # in the order of the partitions, whoever has computed them, and when
        for row in self._frame.mapInPandas(ask, "answer binary").collect():
            found = merge_two(merge, found, unpack(bytes(row.answer)))
        return found


def _answers(
    batches: Iterable[Any], *, read: Any, question: Question, merge: Merge
) -> Iterator[Any]:
    """Yield the answer of one partition, as a table of one row."""
    import pandas as pd

    found = None
    for part in read(batches):
        found = merge_two(merge, found, question(Part.of(part)))
    if found is not None:
        yield pd.DataFrame({"answer": [pack(found)]})


def fit_spark(
    estimator: Estimator,
    frame: Any,
    *,
    target: str,
    tasks: str,
    features: Sequence[str] | None = None,
    sample_weight: str | None = None,
) -> Estimator:
    """Fit an estimator to the rows of a Spark DataFrame.

    Parameters
    ----------
    estimator : estimator
        Any regressor with the squared loss; of other losses, those with a convex
        penalty of given strength.
    frame : pyspark.sql.DataFrame
        The rows; those of a task may be in several partitions. linmtl has to be
        installed where the executors run.
    target, tasks : str
        The columns of the target and of the task labels.
    features : sequence of str, default=None
        The columns of X; by default all others.
    sample_weight : str, default=None
        The column of the weights.

    Returns
    -------
    estimator
        The same, fitted; it knows of no cluster.

    Raises
    ------
    ValueError
        If a column is missing, or the estimator needs all rows in one place.

    See Also
    --------
    linmtl.dask : The same for Dask collections.

    Examples
    --------
    With a session `spark` and a table of visits::

        visits = spark.read.parquet("visits")
        model = fit_spark(L21Regressor(0.1), visits, target="y", tasks="clinic")
    """
    parts = SparkParts(frame, target, tasks, features, sample_weight)
    return fit_parts(estimator, parts)
