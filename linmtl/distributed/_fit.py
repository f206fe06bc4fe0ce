"""One call for every estimator whose rows are in parts."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import numpy as np

from linmtl.data._checks import is_whole
from linmtl.data._labels import n_rows
from linmtl.data._tables import as_table
from linmtl.data._weights import read_sample_weight
from linmtl.datafits._make import Join
from linmtl.distributed._parts import ListedParts, Merge, Parts
from linmtl.distributed._passes import fit_in_passes
from linmtl.distributed._rounds import InRounds, begin_rounds, store
from linmtl.distributed._rows import Part, Reading, Survey, Wide, survey
from linmtl.distributed._sets import InSets, takes_sets
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._statistics import FitsStatistics
from linmtl.estimators._task_model import TaskModel
from linmtl.losses import Squared
from linmtl.statistics import TaskStatistics
from linmtl.statistics._task_statistics import TooManyProducts, no_room, products_fit

# from which parts are asked what they hold before they make products
_MANY_FEATURES = 600
Estimator = TypeVar("Estimator", bound=TaskModel)


def fit_chunks(
    estimator: Estimator,
    chunks: Iterable[tuple[Any, ...]] | Callable[[], Iterable[tuple[Any, ...]]],
    *,
    n_jobs: int | None = None,
) -> Estimator:
    """Fit an estimator to rows that are not in memory at once.

    Squared loss: one pass, whatever the penalty, and cross-validation with it; a short
    one before it where features are many, and where their cross-products have no room,
    some ten with an L1 or L21 penalty. Other losses: a pass for each Newton step, six
    to nine most often, and the duality gap of the whole with the last; of many
    features, with L1 and L21 penalties, the Hessian of those in use only. The numbers
    are those of ``fit`` on all rows.

    Parameters
    ----------
    estimator : estimator
        Any regressor with the squared loss; of other losses but the quantile loss,
        those with a convex penalty of given strength.
    chunks : iterable or callable
        The arguments of ``fit`` for one chunk after the other, as ``chunks_of`` and
        ``read_chunks`` of `linmtl.statistics` make them: a list, or a function without
        arguments that starts from the beginning, since other losses pass several times.
        For the squared loss an iterator will do.
    n_jobs : int, default=None
        Chunks at the same time, in threads of joblib; all are in memory then.

    Returns
    -------
    estimator
        The same, fitted.

    Raises
    ------
    ValueError
        If the estimator needs all rows in one place, or a chunk does not fit to those
        before; the estimator is not fitted then.

    See Also
    --------
    linmtl.dask : The same on a cluster.
    linmtl.federated : The same with rows that must stay where they are.

    Examples
    --------
    >>> from functools import partial
    >>> from linmtl import L21Classifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> from linmtl.distributed import fit_chunks
    >>> from linmtl.statistics import chunks_of
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> chunks = partial(chunks_of, X, y, tasks, size=100)
    >>> model = fit_chunks(L21Classifier(0.05), chunks)
    >>> bool(model.dual_gap_ <= model.tol_)
    True
    """
    parts = ListedParts(chunks, n_jobs)
    if isinstance(estimator, TaskModel) and _as_squared(estimator) is None:
        parts.require_several()
    return fit_parts(estimator, parts)


def fit_parts(estimator: Estimator, parts: Parts) -> Estimator:
    """Fit an estimator to rows in parts, wherever they are.

    Parameters
    ----------
    estimator : estimator
        As for :func:`fit_chunks`.
    parts : Parts
        What asks all parts a question and merges the answers.

    Returns
    -------
    estimator
        The same, fitted.
    """
    if not isinstance(estimator, TaskModel):
        raise TypeError(
            "estimator must be one of linmtl's that rows in parts can be fitted with, "
            f"got {estimator!r}"
        )
    squared = _as_squared(estimator)
    if squared is None:
        if not isinstance(estimator, MultiTaskModel):
            raise ValueError(f"{estimator!r} needs its rows in one place")
        rounds, given, composite = begin_rounds(estimator, parts)
        d, T = given.data.design.n_features, len(rounds.tasks)
        method = InSets if takes_sets(composite, T, d) else InRounds
        result, objective = method(estimator, composite, rounds).minimise()
        store(estimator, rounds, given, objective, result)
        return estimator
    column = estimator.task_column
    if not squared._chooses_by_folds():
        whole = partial(statistics_of, task_column=column)
        found = _sums(parts, whole, TaskStatistics.merge)
        if isinstance(found, Survey):
            if isinstance(estimator, MultiTaskModel) and estimator._join() is Join.SUM:
                fit_in_passes(estimator, parts, found)
                return estimator
            raise no_room(len(found.tasks), found.centre.shape[1])
        squared.fit_statistics(found)
        return estimator
    cv = squared._n_folds()
    if getattr(estimator, "criterion", None) is not None or not is_whole(cv):
        raise ValueError(
            f"{type(estimator).__name__}: of rows in parts the strength is chosen in a "
            f"number of folds; got cv={cv!r} and criterion="
            f"{getattr(estimator, 'criterion', None)!r}"
        )
    folds = partial(statistics_of_folds, n_folds=int(cv), task_column=column)
    found = _sums(parts, folds, _merged_each)
    if isinstance(found, Survey):
        raise no_room(len(found.tasks), found.centre.shape[1])
    squared.fit_statistics(found)
    return estimator


def _sums(parts: Parts, question: Any, merge: Merge) -> Any:
    """Return the sums of all parts, or a survey where they have no room.

    Where there are many features, parts say so before they make any product; but for
    those that can be asked only once.
    """
    at_first = question
    if not getattr(parts, "once", False):
        at_first = partial(question, most_features=_MANY_FEATURES)
    try:
        found = _some(parts.reduce(at_first, partial(_unless_wide, merge)))
    except TooManyProducts:
        found = None
    if found is not None and not isinstance(found, Wide):
        return found
    reading = Reading(Squared(), question.keywords["task_column"])
    there: Survey = parts.reduce(partial(survey, reading=reading), Survey.merge)
    if found is not None and products_fit(len(there.tasks), there.centre.shape[1]):
        return parts.reduce(question, merge)
    return there


def _unless_wide(merge, one, other):
    if isinstance(one, Wide) or isinstance(other, Wide):
        return one if isinstance(one, Wide) else other
    return merge(one, other)


def _as_squared(estimator: TaskModel) -> FitsStatistics | None:
    """Return the estimator if sums over rows are all that its fit needs."""
    if isinstance(estimator, FitsStatistics) and estimator._takes_statistics():
        return estimator
    return None


def _some(found):
    if found is None:
        raise ValueError("the parts have no row with a label and a positive weight")
    return found


def statistics_of(
    part: Part,
    task_column: str | int | None = None,
    most_features: int | None = None,
) -> TaskStatistics | Wide | None:
    """Return the statistics of a part, None for no rows.

    With more features than ``most_features``, return only how many there are.
    """
    part = Part.of(part)
    if n_rows(as_table(part.X)) == 0:
        return None
    if most_features is not None and _width(part) > most_features:
        return Wide(_width(part))
    return TaskStatistics.of(*part, task_column=task_column)


def _width(part: Part) -> int:
    """Return the number of columns of X, which errors of reading it are left to."""
    shape = np.shape(as_table(part.X))
    return shape[1] if len(shape) == 2 else 0


def statistics_of_folds(
    part: Part,
    n_folds: int,
    task_column: str | int | None = None,
    most_features: int | None = None,
) -> list[TaskStatistics] | Wide | None:
    """Return the statistics of each fold; rows are dealt by what is in the part.

    With more features than ``most_features``, return only how many there are.
    """
    part = Part.of(part)
    if most_features is not None and _width(part) > most_features:
        return Wide(_width(part))
    return [
        TaskStatistics.of(*fold, task_column=task_column)
        for fold in folds_of(part, n_folds)
    ] or None


def folds_of(part: Part, n_folds: int) -> list[Part]:
    """Return the part once for each fold, with weights that are zero elsewhere.

    Nothing for no rows.
    """
    X, y, tasks, weight = Part.of(part)
    X, y = as_table(X), as_table(y)
    n = n_rows(X)
    if n == 0:
        return []
    rng = np.random.default_rng(zlib.crc32(np.asarray(y, dtype=float).tobytes()))
    fold = (np.arange(n) + rng.integers(n_folds)) % n_folds
    fold = fold[rng.permutation(n)]
    weight = read_sample_weight(weight, (n,))
    return [Part(X, y, tasks, weight * (fold == k)) for k in range(n_folds)]


def _merged_each(one, other):
    return [a.merge(b) for a, b in zip(one, other, strict=True)]
