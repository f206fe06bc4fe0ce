"""What the arguments of `fit` pose: data, a loss and a penalty."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from linmtl.data import MultiTaskData
from linmtl.data._classes import ClassColumns
from linmtl.data._fit_input import FitInput
from linmtl.data._kinds import sort_in_time
from linmtl.data._labels import some
from linmtl.penalties import Penalty, compose
from linmtl.penalties._base import check_is_penalty
from linmtl.penalties._compose import Composite
from linmtl.solvers._objective import Objective


class Problem(NamedTuple):
    """What the arguments of `fit` pose.

    Attributes
    ----------
    given : FitInput
        The arguments, checked.
    data : MultiTaskData
        The data to solve.
    columns : ndarray of shape (n_columns,)
        Labels of the columns of W.
    objective : Objective
        Loss and penalty.
    classes : ClassColumns or None
        Which columns they are, of more than two classes.
    """

    given: FitInput
    data: MultiTaskData
    columns: np.ndarray
    objective: Objective
    classes: ClassColumns | None = None

    def on_columns(self, penalty: Penalty) -> Penalty:
        """Return a penalty on the tasks as one on the columns of W."""
        d, present = self.data.design.n_features, self.given.present
        return on_columns(penalty, d, self.classes, present)

    def compose(self, penalty: Penalty) -> Composite:
        """Return a penalty on the tasks in the form in which solvers see it."""
        d = self.data.design.n_features
        return compose(self.on_columns(penalty), d, self.columns)


def on_columns(
    penalty: Penalty,
    d: int,
    classes: ClassColumns | None,
    present: np.ndarray | None = None,
) -> Penalty:
    """Return a penalty on the tasks as one on the columns of W, of d features.

    ``present`` says which of them each task has.
    """
    if present is not None:
        check_is_penalty(penalty)
        penalty = penalty.on_present(present.mean(axis=1))
    if classes is None:
        return penalty
    check_is_penalty(penalty)
    penalty.check(d, classes.tasks)
    return penalty.of_classes(classes)


def read_coefficients(model: Any, coef_init: Any, given: FitInput) -> np.ndarray:
    """Return coefficients to start from, (n_tasks, n_features)."""
    name, T = type(model).__name__, len(given.tasks)
    try:
        coef = np.array(coef_init, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: coef_init: {error}; pass numbers") from None
    expected: tuple[int, ...] = T, given.data.design.n_features
    if given.several:
        classes: Any = given.classes
        expected = T, classes.size, expected[1]
        coef = np.nan_to_num(coef)  # where a task has no such class
    if given.layout == "single" and coef.shape == expected[1:]:
        coef = coef[None]
    if coef.shape != expected:
        raise ValueError(
            f"{name}: coef_init has shape {coef.shape}, but there are {T} tasks and "
            f"{expected[1]} features; pass an array of shape {expected}, as coef_ has"
        )
    if not np.all(np.isfinite(coef)):
        raise ValueError(f"{name}: coef_init contains NaN or infinity")
    return coef


def check_order(model: Any, penalty: Any, given: FitInput) -> None:
    """Demand that tasks have an order where the penalty depends on it."""
    if not getattr(penalty, "ordered", False) or given.layout != "long":
        return
    numeric = given.tasks.dtype.kind in "biuf"
    if not (numeric or given.ordered or sort_in_time(given.tasks)):
        raise ValueError(
            f"{type(penalty).__name__} depends on the order of the tasks, but the task "
            f"labels are strings: {some(given.tasks)}; pass task_order=[...], or "
            "numbers, dates or an ordered categorical as labels"
        )
