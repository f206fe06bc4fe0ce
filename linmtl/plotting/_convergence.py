"""How a solver's duality gap fell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from linmtl.plotting._axes import figure_of, given_axes, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = (6.4, 4.2)


class ConvergenceDisplay:
    """The duality gap at each certificate of a fit.

    The objective is at most the gap above its optimum. Gaps that were not yet finite
    are left out; one of exactly zero is a hollow triangle at the bottom.

    Parameters
    ----------
    histories : array-like of shape (n_certificates, 2), or dict of them
        Iterations, or seconds, and duality gaps; of a dict each entry is a line, under
        its name.
    tol : float, default=None
        The tolerance on the gap, for a line of its own.
    unit : str, default="iteration"
        What the first columns are, for the axis.

    Attributes
    ----------
    lines_ : dict of str to matplotlib Line2D
        The lines by name.
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> from linmtl import TraceNormRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.plotting import ConvergenceDisplay
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = TraceNormRegressor(0.1, solver="apg").fit(X, y, tasks)
    >>> display = ConvergenceDisplay.from_estimator(model)
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('iteration', 'duality gap')
    """

    def __init__(
        self,
        histories: ArrayLike | Mapping[str, ArrayLike],
        *,
        tol: float | None = None,
        unit: str = "iteration",
    ):
        self.histories = histories
        self.tol = tol
        self.unit = unit

    @classmethod
    def from_history(
        cls,
        histories: ArrayLike | Mapping[str, ArrayLike],
        *,
        tol: float | None = None,
        unit: str = "iteration",
        ax: Axes | None = None,
    ) -> Self:
        """Draw gaps that were recorded.

        Parameters
        ----------
        histories, tol, unit
            Parameters of the class.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ConvergenceDisplay
            The display.
        """
        return cls(histories, tol=tol, unit=unit).plot(ax)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, name: str | None = None, ax: Axes | None = None
    ) -> Self:
        """Draw the gaps of a fitted model (``gap_history_``) and its tolerance.

        Parameters
        ----------
        estimator : estimator
            A fitted model.
        name : str, default=None
            Name of the line; by default that of the solver.
        ax : matplotlib Axes, default=None
            Where to draw, for instance the axes of another model; None makes a figure.

        Returns
        -------
        ConvergenceDisplay
            The display.
        """
        check_is_fitted(estimator)
        if not hasattr(estimator, "gap_history_"):
            raise TypeError(
                f"{type(estimator).__name__} has no gap_history_: it has no duality "
                "gap at each step; use ConvergenceDisplay.from_history for other "
                "records"
            )
        label = estimator.solver_ if name is None else name
        return cls({label: estimator.gap_history_}, tol=estimator.tol_).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw one line per history.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : ConvergenceDisplay
            With the attributes of what was drawn.
        """
        given = self.histories
        named = given if isinstance(given, Mapping) else {"": given}
        histories = {str(name): _read(history) for name, history in named.items()}
        ax = new_axes(_SIZE)[0] if ax is None else given_axes(ax, 1)[0]
        positive = np.concatenate([h[:, 1][h[:, 1] > 0] for h in histories.values()])
        floor = positive.min() / 3 if positive.size else np.finfo(float).eps
        if self.tol is not None and self.tol > 0:
            floor = min(floor, self.tol / 3)
        self.lines_ = {}
        for name, history in histories.items():
            at, gap = history.T
            (line,) = ax.plot(
                at, np.maximum(gap, floor), marker="o", markersize=3.0, linewidth=1.2
            )
            line.set_label(name)
            colour, exact = line.get_color(), gap <= 0
            ax.plot(
                at[exact],
                np.full(exact.sum(), floor),
                "v",
                color=colour,
                markerfacecolor="white",
                markersize=7.0,
            )
            if self.tol is not None and self.tol > 0:
                ax.axhline(self.tol, color=colour, linestyle=":", linewidth=1.0)
            self.lines_[name] = line
        ax.set(yscale="log", xlabel=self.unit, ylabel="duality gap")
        if named is given:
            handles, labels = ax.get_legend_handles_labels()
            for text in ax.legend(handles, labels).get_texts():
                text.set_parse_math(False)
        self.ax_, self.figure_ = ax, figure_of(ax)
        return self


def _read(history: ArrayLike) -> np.ndarray:
    """Return a history as an array, without the gaps that are not finite."""
    array = np.asarray(history, dtype=float)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(
            f"a history has shape {array.shape}; pass (n_certificates, 2): iteration "
            "and gap"
        )
    return array[np.isfinite(array).all(axis=1)]
