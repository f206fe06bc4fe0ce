"""A heat map of a matrix over pairs of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from linmtl.similarity import TaskMatrix

# in points: the font of labels, and the room that one needs
_LARGEST_FONT, _SMALLEST_FONT, _ROOM = 10.0, 6.0, 1.15
_CELL, _LEAST_SIDE, _LARGEST_SIDE = 0.28, 4.0, 13.0  # of a new figure, in inches
_VALUES_UP_TO = 12  # tasks for which the values are written into the cells


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
    apart = (values + values.T) / 2 * (1.0 if distance else -1.0)
    apart = squareform(apart, checks=False)
    finite = np.isfinite(apart)
    if not finite.any():
        return np.arange(len(values))
    # distances start at 0; what is infinitely far is farther than all others
    apart = apart - apart[finite].min()
    apart[~finite] = 2.0 * apart[finite].max() + 1.0
    return leaves_list(linkage(apart, "average", optimal_ordering=True))


def plot_matrix(matrix: TaskMatrix, ax: Axes | None = None) -> Axes:
    """Draw a heat map of a matrix over pairs of tasks.

    Parameters
    ----------
    matrix : TaskMatrix
        The matrix.
    ax : matplotlib Axes, default=None
        Where to draw; None makes a figure whose size goes with the number of tasks.

    Returns
    -------
    Axes
        The axes drawn on.
    """
    import matplotlib.pyplot as plt

    T = len(matrix)
    if ax is None:
        side = float(np.clip(_CELL * T + 1.5, _LEAST_SIDE, _LARGEST_SIDE))
        _, ax = plt.subplots(figsize=(side * 1.12, side), layout="constrained")
    order = leaf_order(matrix.values, matrix.kind == "distance")
    values = matrix.values[np.ix_(order, order)]
    shown = np.ma.masked_invalid(values)
    image = ax.imshow(shown, interpolation="nearest", **_colours(matrix, shown))
    ax.figure.colorbar(image, ax=ax, shrink=0.8, label=matrix.kind)
    _label(ax, [str(label) for label in matrix.tasks[order].tolist()])
    if T <= _VALUES_UP_TO:
        _write(ax, image, values)
    if matrix.directed:
        ax.set(xlabel="to", ylabel="from")
    if matrix.name:
        ax.set_title(matrix.name[:1].upper() + matrix.name[1:])
    return ax


def _colours(matrix, shown):
    """Return colour map and range: dark is alike, zero is white where signs differ."""
    off = shown[~np.eye(len(shown), dtype=bool)].compressed()
    if off.size and off.min() < 0 and matrix.kind != "distance":
        top = float(np.abs(off).max())
        return {"cmap": "RdBu_r", "vmin": -top, "vmax": top}
    cmap = "viridis" if matrix.kind == "distance" else "viridis_r"
    if matrix.kind in ("covariance", "adjacency") or off.size == 0:
        return {"cmap": cmap, "vmin": 0.0}
    # the diagonal is known beforehand and would use up the colours
    return {"cmap": cmap, "vmin": float(off.min()), "vmax": float(off.max())}


def _label(ax, names):
    """Name rows and columns, as many as can be read."""
    T = len(names)
    box = ax.get_window_extent()
    points = min(box.width, box.height) / ax.figure.dpi * 72.0 / T
    size = float(np.clip(points / _ROOM, _SMALLEST_FONT, _LARGEST_FONT))
    step = max(1, int(np.ceil(size * _ROOM / points)))
    ticks = np.arange(0, T, step)
    text = [names[k] for k in ticks]
    flat = T <= _VALUES_UP_TO and max(map(len, text)) * size * 0.6 < points
    ax.set_xticks(ticks, text, fontsize=size, rotation=0 if flat else 90)
    ax.set_yticks(ticks, text, fontsize=size)
    ax.tick_params(length=2.0)


def _write(ax, image, values):
    for (i, j), value in np.ndenumerate(values):
        red, green, blue, _ = image.cmap(image.norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        ax.text(
            j,
            i,
            f"{value:.2g}" if np.isfinite(value) else "–",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else "black",
        )
