"""An estimator for some of the tasks that its settings are meant for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from linmtl.data._labels import some
from linmtl.penalties._tree_group_l21 import (
    groups_of_labels,
    groups_of_linkage,
    is_linkage,
)

# parameters of estimators and penalties that may have a row per task, or a row and a
# column; a class adds those that others use in another sense as `_per_task_too`
_PER_TASK = frozenset({"alpha", "task_weight", "descriptors", "task_features"})
_PER_COLUMN = frozenset({"feature_weight", "feature_mask"})
_PER_PAIR = frozenset({"graph", "K"})

Model = TypeVar("Model", bound=BaseEstimator)


def for_tasks(model: Model, tasks: np.ndarray, chosen: np.ndarray) -> Model:
    """Return an estimator or a penalty with the settings of some of the tasks.

    Arrays in the order of the tasks are reduced to the rows (and columns) of those
    chosen, trees to their branches; what goes by task label stays as it is. The model
    itself is returned where nothing changes.

    Parameters
    ----------
    model : estimator or penalty
        Meant for all tasks.
    tasks : ndarray of shape (n_tasks,)
        The labels of all tasks.
    chosen : ndarray of int of shape (n_chosen,)
        Positions in `tasks`.
    """
    if len(chosen) == len(tasks):
        return model
    given = model.get_params(deep=False)
    parts = {
        name: _part(model, name, value, tasks, np.asarray(chosen))
        for name, value in given.items()
    }
    if all(parts[name] is given[name] for name in given):
        return model
    return type(model)(**parts)


def _holds_models(name, value):
    return isinstance(value, BaseEstimator) or name == "models"


def with_mask(model: Model, present: np.ndarray) -> Model:
    """Return an estimator whose masks of features, and of those inside, are this one.

    ``present`` is (n_features, n_tasks), of features and tasks without their labels.
    """
    given = model.get_params(deep=False)
    changed = {
        name: _masked(value, present)
        for name, value in given.items()
        if _holds_models(name, value)
    }
    if given.get("feature_mask") is not None:
        changed["feature_mask"] = present
    return type(model)(**given | changed) if changed else model


def _masked(value, present):
    """Return what is, or holds, estimators with masks like ``present``."""
    if isinstance(value, BaseEstimator):
        return with_mask(value, present)
    if isinstance(value, (list, tuple)):
        return type(value)(_masked(each, present) for each in value)
    return value


@contextmanager
def inner_fit(
    model: BaseEstimator, tasks: np.ndarray, chosen: np.ndarray, why: str
) -> Iterator[None]:
    """Say of an error which tasks were being fitted, and why not all of them."""
    try:
        yield
    except ValueError as error:
        if len(chosen) == len(tasks):
            raise
        raise ValueError(
            f"{why}, and {type(model).__name__} cannot be fitted to {len(chosen)} of "
            f"the {len(tasks)} tasks ({some(tasks[chosen])}): {error}"
        ) from error


def _part(model, name, value, tasks, chosen):
    """Return the value of a parameter for the tasks chosen."""
    if isinstance(value, BaseEstimator):
        return for_tasks(value, tasks, chosen)
    if name == "param_grid" and value is not None:
        return _part_of_grid(model, value, tasks, chosen)
    if name == "tree" and value is not None:
        return _branches(value, tasks, chosen)
    if name == "feature_mask" and hasattr(value, "columns"):
        return value
    if name in _PER_COLUMN and value is not None and np.ndim(value) == 2:
        array = np.asarray(value)
        return array[:, chosen] if array.shape[1] == len(tasks) else value
    if name in _PER_PAIR or name in getattr(model, "_per_pair_too", ()):
        return _block(model, name, value, tasks, chosen)
    if name in _PER_TASK or name in getattr(model, "_per_task_too", ()):
        return _rows(model, name, value, tasks, chosen)
    return value


def _part_of_grid(model, grid, tasks, chosen):
    """Return a grid of values to try, each for the tasks chosen."""
    if not isinstance(grid, Mapping):
        return [_part_of_grid(model, part, tasks, chosen) for part in grid]
    return {
        name: [
            _part(model, name.split("__")[-1], value, tasks, chosen) for value in values
        ]
        for name, values in grid.items()
    }


def _rows(model, name, value, tasks, chosen):
    # a strength takes labels from a dict only
    if isinstance(value, Mapping) or (name != "alpha" and hasattr(value, "to_dict")):
        return value
    array = _as_array(value)
    if array is None:
        return value
    _check(model, name, array.shape, (len(tasks), *array.shape[1:]))
    return array[chosen]


def _block(model, name, value, tasks, chosen):
    if any(hasattr(value, labelled) for labelled in ("tasks", "nodes", "loc")):
        return value
    array = sparse.csr_array(value) if sparse.issparse(value) else _as_array(value)
    if array is None:
        return value
    _check(model, name, array.shape, (len(tasks), len(tasks)))
    return array[chosen][:, chosen]


def _as_array(value):
    """Return an array of at least one dimension, None for what is none."""
    if value is None or isinstance(value, str) or callable(value):
        return None
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths: the fit says so
        return None
    return array if array.ndim else None


def _check(model, name, shape, expected):
    if shape != expected:
        raise ValueError(
            f"{type(model).__name__}: {name} has shape {shape} but there are "
            f"{expected[0]} tasks, which asks for {expected}; follow the order of "
            "tasks_, or go by task label"
        )


def _branches(tree, tasks, chosen):
    """Return the groups of a tree of tasks, each with its tasks among those chosen.

    The penalty is then that of all tasks where the coefficients of the others are zero.
    """
    labels, kept = tasks.tolist(), set(chosen.tolist())
    if is_linkage(tree):
        groups = groups_of_linkage(tree, len(labels))
    else:
        groups = groups_of_labels(tree, labels)
    return [
        ([labels[t] for t in sorted(members & kept)], weight)
        for members, weight in groups
        if members & kept
    ]
