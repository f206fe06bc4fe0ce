"""A heat map of a matrix over pairs of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from linmtl.data._checks import check_choice
from linmtl.plotting._axes import (
    beyond,
    entitle,
    figure_of,
    given_axes,
    heat_map,
    label,
    margin,
    new_axes,
    room,
    symmetric_limit,
    write_cells,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# in inches: a cell, the least and largest side of the square, what is above and below
_CELL, _MIN_SIDE, _MAX_SIDE, _TITLE = 0.3, 2.8, 12.0, 0.8
_MAX_WRITTEN_TASKS = 12  # tasks for which the values are written into the cells


class PairsOfTasks(Protocol):
    """What is drawn: a `linmtl.similarity.TaskMatrix`, or what has as much."""

    @property
    def values(self) -> np.ndarray: ...
    @property
    def tasks(self) -> np.ndarray: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def directed(self) -> bool: ...


class TaskMatrixDisplay:
    """A heat map of a matrix over pairs of tasks, those that are alike together.

    Gains are blue where the task of the row helps that of the column and red where it
    hurts; other numbers of both signs are red where positive, and white is zero. Of
    similarities and distances of one sign, dark is alike. Cells without a value are
    grey. Where few values are far larger than the others (1 in 50, 3 times), the
    colours end before them, and the colour bar ends in an arrow.

    Parameters
    ----------
    matrix : TaskMatrix
        The matrix, of any measure of `linmtl.similarity`, or of
        `linmtl.transfer.transfer_gain`.
    order : {"dendrogram", "given"}, default="dendrogram"
        The tasks in the order of the leaves of a dendrogram (average linkage, optimal
        leaf order; of a directed matrix the mean of both directions), or as they are
        in the matrix.

    Attributes
    ----------
    order_ : ndarray of shape (n_tasks,)
        Positions in the matrix of the rows drawn, from the top.
    image_ : matplotlib AxesImage
        The heat map.
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of the axes.

    References
    ----------
    Bar-Joseph, Gifford, Jaakkola (2001), Fast optimal leaf ordering for hierarchical
    clustering.

    Examples
    --------
    >>> from linmtl.plotting import TaskMatrixDisplay
    >>> from linmtl.similarity import TaskMatrix
    >>> values = [[1.0, 0.1, 0.8], [0.1, 1.0, 0.2], [0.8, 0.2, 1.0]]
    >>> near = TaskMatrix(values, ["a", "b", "c"], "similarity")
    >>> display = TaskMatrixDisplay.from_matrix(near)
    >>> [tick.get_text() for tick in display.ax_.get_xticklabels()]
    ['b', 'c', 'a']
    """

    def __init__(self, matrix: PairsOfTasks, order: str = "dendrogram"):
        self.matrix = matrix
        self.order = order

    @classmethod
    def from_matrix(
        cls,
        matrix: PairsOfTasks,
        *,
        order: str = "dendrogram",
        ax: Axes | None = None,
        cmap: str | None = None,
        limits: tuple[float, float] | None = None,
        write: bool | None = None,
    ) -> Self:
        """Draw a matrix.

        Parameters
        ----------
        matrix : TaskMatrix
            The matrix.
        order : {"dendrogram", "given"}, default="dendrogram"
            The order of the tasks.
        ax, cmap, limits, write
            Parameters of `plot`.

        Returns
        -------
        TaskMatrixDisplay
            The display.
        """
        if not (hasattr(matrix, "values") and hasattr(matrix, "tasks")):
            raise TypeError(
                f"matrix must be a TaskMatrix, got {type(matrix).__name__}; make one "
                "with linmtl.similarity.TaskMatrix(values, tasks, kind)"
            )
        return cls(matrix, order).plot(ax, cmap=cmap, limits=limits, write=write)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        cmap: str | None = None,
        limits: tuple[float, float] | None = None,
        write: bool | None = None,
    ) -> Self:
        """Draw the heat map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure whose size goes with the number of tasks.
        cmap : str, default=None
            Name of a colour map of matplotlib.
        limits : tuple of float, default=None
            Values at the ends of the colours.
        write : bool, default=None
            Whether to write the values into the cells; None: up to 12 tasks.

        Returns
        -------
        self : TaskMatrixDisplay
            With the attributes of what was drawn.
        """
        check_choice("order", self.order, ("dendrogram", "given"))
        matrix, T = self.matrix, len(self.matrix.tasks)
        if ax is None:
            side = float(np.clip(_CELL * T, _MIN_SIDE, _MAX_SIDE))
            side += _TITLE + margin(matrix.tasks.tolist())
            ax = new_axes((side * 1.12, side))[0]
        else:
            ax = given_axes(ax, 1)[0]
        order = np.arange(T)
        if self.order == "dendrogram":
            order = leaf_order(matrix.values, matrix.kind == "distance")
        values = matrix.values[np.ix_(order, order)]
        # the diagonal is known beforehand and would use up the colours
        off = values[~np.eye(T, dtype=bool)]
        usual_cmap, usual_limits = _colours(matrix.kind, off)
        low, high = usual_limits if limits is None else limits
        image = heat_map(
            ax, values, cmap=cmap or usual_cmap, limits=(low, high), aspect="equal"
        )
        ax.figure.colorbar(
            image,
            ax=ax,
            shrink=0.8,
            aspect=30,
            label=matrix.kind,
            extend=beyond(off, low, high),
        )
        points = min(room(ax, "x", T), room(ax, "y", T))
        labels = matrix.tasks[order].tolist()
        label(ax, "x", labels, points)
        label(ax, "y", labels, points)
        if T <= _MAX_WRITTEN_TASKS if write is None else write:
            write_cells(ax, image, values, points)
        if matrix.directed:
            ax.set(xlabel="to", ylabel="from")
        if matrix.name:
            entitle(ax, matrix.name, points * T)
        self.order_, self.image_ = order, image
        self.ax_, self.figure_ = ax, figure_of(ax)
        return self


def leaf_order(values: np.ndarray, distance: bool) -> np.ndarray:
    """Return an order of the tasks in which those that are alike are neighbours.

    Parameters
    ----------
    values : ndarray of shape (n_tasks, n_tasks)
        Similarities or distances; of asymmetric ones the mean of both directions.
    distance : bool
        Which of the two.

    Returns
    -------
    ndarray of shape (n_tasks,)
        The leaves of the dendrogram of average linkage, in optimal order.
    """
    if len(values) < 3:
        return np.arange(len(values))
    with np.errstate(invalid="ignore"):
        apart = (values + values.T) / 2 * (1.0 if distance else -1.0)
    apart = squareform(apart, checks=False)
    finite = np.isfinite(apart)
    if not finite.any():
        return np.arange(len(values))
    # distances start at 0; what is infinitely far or unknown is farther than all others
    near = apart == -np.inf
    apart = apart - apart[finite].min()
    apart[~finite] = 2.0 * apart[finite].max() + 1.0
    apart[near] = 0.0
    return leaves_list(linkage(apart, "average", optimal_ordering=True))


def _colours(kind: str, off: np.ndarray) -> tuple[str, tuple[float, float]]:
    """Return colour map and range for the values off the diagonal."""
    known: Any = off[np.isfinite(off)]
    if kind == "gain" or (kind != "distance" and known.size and known.min() < 0):
        limit = symmetric_limit(known, cut=True)
        return "RdBu" if kind == "gain" else "RdBu_r", (-limit, limit)
    cmap = "viridis" if kind == "distance" else "viridis_r"
    if kind == "p-value" or known.size == 0:
        return cmap, (0.0, 1.0)
    low, high = float(known.min()), float(known.max())
    if kind in ("covariance", "adjacency"):
        low = 0.0
    return cmap, (low, high if high > low else low + 1.0)
