"""A matrix over pairs of tasks, with their labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._checks import check_choice
from linmtl.data._labels import as_task_labels, codes_of, is_dataframe, some

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

KINDS = ("similarity", "distance", "gain", "covariance", "p-value", "adjacency")


@dataclass(frozen=True, eq=False, repr=False)
class TaskMatrix:
    """A number for every pair of tasks: what a measure of relatedness returns.

    NumPy functions take it as the array of its values.

    Parameters
    ----------
    values : ndarray of shape (n_tasks, n_tasks)
        The numbers; entry (i, j) is from task i to task j where that matters. The
        labels of a DataFrame must be those of `tasks`, in their order.
    tasks : ndarray of shape (n_tasks,)
        Task labels, of rows and columns.
    kind : {"similarity", "distance", "gain", "covariance", "p-value", "adjacency"}
        What the numbers are: of a distance, small ones mean alike.
    name : str, default=""
        What was measured, for titles.
    directed : bool, default=False
        Whether entries (i, j) and (j, i) may differ.
    standard_errors : ndarray of shape (n_tasks, n_tasks), default=None
        Standard errors of the values, where the measure has them.
    p_values : ndarray of shape (n_tasks, n_tasks), default=None
        The p-values of no difference, where the measure has them; not adjusted for the
        number of pairs.

    Examples
    --------
    >>> from linmtl.similarity import TaskMatrix
    >>> near = TaskMatrix([[1.0, 0.5], [0.5, 1.0]], ["a", "b"], "similarity", "overlap")
    >>> near
    <TaskMatrix: overlap, similarity of 2 tasks>
    >>> near.reorder(["b", "a"]).tasks
    array(['b', 'a'], dtype='<U1')
    """

    values: np.ndarray
    tasks: np.ndarray
    kind: str
    name: str = ""
    directed: bool = False
    standard_errors: np.ndarray | None = None
    p_values: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        tasks = as_distinct_labels(self.tasks)
        object.__setattr__(self, "tasks", tasks)
        shape = (len(tasks), len(tasks))
        for field in ("values", "standard_errors", "p_values"):
            if getattr(self, field) is None:
                continue
            labels = labels_of(getattr(self, field), field)
            if labels is not None and labels.tolist() != tasks.tolist():
                raise ValueError(
                    f"{field} has the task labels {some(labels)}, but tasks is "
                    f"{some(tasks)}; pass tasks in its order, or to_numpy() of it"
                )
            array = np.array(getattr(self, field), dtype=np.float64)
            if array.shape != shape:
                raise ValueError(
                    f"{field} has shape {array.shape} but there are {len(tasks)} "
                    f"tasks; pass an array of shape {shape}"
                )
            array.flags.writeable = False
            object.__setattr__(self, field, array)
        if not self.directed and not np.array_equal(
            self.values, self.values.T, equal_nan=True
        ):
            raise ValueError(
                "values is not symmetric; pass directed=True, or (values + values.T) "
                "/ 2 if its directions do not matter"
            )

    def __repr__(self) -> str:
        name = f"{self.name}, " if self.name else ""
        directed = "directed " if self.directed else ""
        return f"<TaskMatrix: {name}{directed}{self.kind} of {len(self.tasks)} tasks>"

    def __len__(self) -> int:
        return len(self.tasks)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = np.asarray(self.values, dtype=dtype)
        return array.copy() if copy else array

    def reorder(self, tasks: ArrayLike) -> TaskMatrix:
        """Return the matrix of these tasks, in this order.

        Parameters
        ----------
        tasks : array-like of labels
            Tasks of this matrix, each at most once; the others are left out.

        Returns
        -------
        TaskMatrix
            A new matrix.
        """
        tasks = as_distinct_labels(tasks)
        place = codes_of(tasks, self.tasks)
        if np.any(place < 0):
            raise ValueError(
                f"tasks has the labels {some(tasks[place < 0])}, which the matrix "
                f"lacks; it has {some(self.tasks)}"
            )
        grid = np.ix_(place, place)
        parts = {"values": self.values[grid], "tasks": tasks}
        for field in ("standard_errors", "p_values"):
            if getattr(self, field) is not None:
                parts[field] = getattr(self, field)[grid]
        return replace(self, **parts)

    def to_frame(self) -> pd.DataFrame:
        """Return the values as a DataFrame with task labels on both sides.

        Returns
        -------
        DataFrame of shape (n_tasks, n_tasks)
            What the graph penalties match by label.
        """
        import pandas as pd

        labels = self.tasks.tolist()
        return pd.DataFrame(self.values.copy(), index=labels, columns=labels)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw a heat map in which tasks that are alike are neighbours.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        Axes
            The axes drawn on.
        """
        from linmtl.plotting._matrix import TaskMatrixDisplay

        return TaskMatrixDisplay.from_matrix(self, ax=ax).ax_


def as_distinct_labels(tasks: Any) -> np.ndarray:
    """Read task labels of which each stands once."""
    labels = as_task_labels(tasks)
    distinct, counts = np.unique(labels, return_counts=True)
    if len(distinct) < len(labels):
        raise ValueError(
            f"tasks repeats {some(distinct[counts > 1])}; pass each label once "
            "(tasks_ of a fitted model, or np.unique of the labels of the rows)"
        )
    return labels


def labels_of(matrix: Any, name: str = "similarity") -> np.ndarray | None:
    """Return the task labels of a TaskMatrix or a square DataFrame, None of an array.

    `name` is that of the argument, for messages.
    """
    if isinstance(matrix, TaskMatrix):
        return matrix.tasks
    if not (is_dataframe(matrix) and hasattr(matrix, "index")):
        return None
    tasks = as_distinct_labels(list(matrix.index))
    if list(matrix.columns) != list(matrix.index):
        raise ValueError(
            f"{name} has other columns than rows; pass a DataFrame with the same task "
            "labels, in the same order, on both sides"
        )
    return tasks


def symmetric(values: np.ndarray, diagonal: float) -> np.ndarray:
    """Return values without the asymmetry of rounding, with this diagonal."""
    values = (values + values.T) / 2
    np.fill_diagonal(values, diagonal)
    return values
