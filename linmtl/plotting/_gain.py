"""What sharing does to each task, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._checks import check_choice
from linmtl.plotting._axes import (
    SMALLEST_FONT,
    figure_of,
    given_axes,
    label,
    margin,
    new_axes,
    room,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# colour, marker and hatch, so that colour is not all that tells them apart
_STYLES = {
    "helped": ("#0072b2", "o", ""),
    "hurt": ("#d55e00", "s", "///"),
    "equivalent": ("#009e73", "^", "..."),
    "undecided": ("0.55", "D", ""),
}
_KINDS = ("points", "histogram")
_MOST_BARS = 40
_HISTOGRAM_SIZE = (8.0, 3.6)
_NAMES = {"alone": "learning alone", "pooled": "one model for all tasks"}
# in inches: the width without labels; heights of a row, of what is above and below, the
# least and the largest
_BARE_WIDTH = 5.4
_ROW_HEIGHT, _REST_HEIGHT, _MIN_HEIGHT, _MAX_HEIGHT = 0.24, 1.1, 2.4, 16.0
_FENCE = 3.0  # quartile distances beyond the quartiles where a histogram ends
# beyond this multiple of this quantile, effects do not set the axis
_MAX_OF_USUAL, _USUAL_SHARE = 3.0, 0.9


class TaskGainDisplay:
    """The effect of sharing on each task, the task that gains most on top.

    Tasks without an effect (NaN) are at the bottom: not judged, or with a verdict where
    the loss of the baseline is zero. Where a few effects or intervals are far longer
    than the others, the axis ends before them and an arrow stands at its end.

    Parameters
    ----------
    tasks : array-like of shape (n_tasks,)
        Task labels.
    effect : array-like of shape (n_tasks,)
        What sharing takes off the loss of each task, as a fraction of the baseline's:
        positive where it helps.
    low, high : array-like of shape (n_tasks,), default=None
        Confidence intervals.
    verdict : array-like of str of shape (n_tasks,), default=None
        "helped", "hurt", "equivalent" or "undecided", for the colours.
    baseline : str, default="alone"
        What the model is compared with, for the axis: "alone", "pooled" or a name.

    Attributes
    ----------
    order_ : ndarray of shape (n_tasks,)
        Positions of the tasks drawn, from the top.
    points_ : dict of str to matplotlib Line2D or BarContainer
        The points, or the bars, by verdict.
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> from linmtl.plotting import TaskGainDisplay
    >>> display = TaskGainDisplay(
    ...     ["a", "b", "c"], [-0.1, 0.3, 0.0], [-0.2, 0.1, -0.1], [-0.05, 0.4, 0.1],
    ...     ["hurt", "helped", "undecided"],
    ... ).plot()
    >>> display.order_
    array([1, 2, 0])
    """

    def __init__(
        self,
        tasks: ArrayLike,
        effect: ArrayLike,
        low: ArrayLike | None = None,
        high: ArrayLike | None = None,
        verdict: ArrayLike | None = None,
        *,
        baseline: str = "alone",
    ):
        self.tasks = tasks
        self.effect = effect
        self.low = low
        self.high = high
        self.verdict = verdict
        self.baseline = baseline

    @classmethod
    def from_report(
        cls,
        report: Any,
        *,
        against: str = "alone",
        ax: Axes | None = None,
        kind: str = "points",
    ) -> Self:
        """Draw what `linmtl.transfer.negative_transfer_report` has found.

        Parameters
        ----------
        report : NegativeTransferReport
            The report.
        against : {"alone", "pooled"}, default="alone"
            The baseline.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        kind : {"points", "histogram"}, default="points"
            As for `plot`.

        Returns
        -------
        TaskGainDisplay
            The display.
        """
        check_choice("against", against, ("alone", "pooled"))
        found = getattr(report, against)
        return cls(
            report.tasks,
            found.effect,
            found.low,
            found.high,
            found.verdict,
            baseline=found.baseline,
        ).plot(ax, kind=kind)

    def plot(self, ax: Axes | None = None, *, kind: str = "points") -> Self:
        """Draw a point and an interval for each task, or how many have which effect.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure whose height goes with the number of
            tasks.
        kind : {"points", "histogram"}, default="points"
            "histogram" is for many tasks: it has no labels and no intervals.

        Returns
        -------
        self : TaskGainDisplay
            With the attributes of what was drawn.
        """
        check_choice("kind", kind, _KINDS)
        tasks, effect, low, high, verdict = self._read()
        T = len(tasks)
        order = np.argsort(-effect, kind="stable")  # NaN last
        if kind == "histogram":
            self.order_ = order
            return self._draw_histogram(ax, 100 * effect, verdict)
        if ax is None:
            height = float(
                np.clip(_ROW_HEIGHT * T + _REST_HEIGHT, _MIN_HEIGHT, _MAX_HEIGHT)
            )
            ax = new_axes((_BARE_WIDTH + margin(tasks.tolist()), height))[0]
        else:
            ax = given_axes(ax, 1)[0]
        at = np.empty(T)
        at[order] = np.arange(T)
        effect, low, high = 100 * effect, 100 * low, 100 * high
        left, right = _limits(effect, low, high)
        points = room(ax, "y", T)
        size = float(np.clip(0.6 * points, 2.0, 6.0))
        ax.axvline(0.0, color="black", linewidth=0.8, zorder=1)
        self.points_ = {}
        for name, (colour, marker, _) in _STYLES.items():
            of_all = verdict == name
            chosen = of_all & ~np.isnan(effect)
            if not chosen.any():
                continue
            ax.hlines(
                at[chosen],
                np.clip(_or(low, effect)[chosen], left, right),
                np.clip(_or(high, effect)[chosen], left, right),
                color=colour,
                linewidth=max(0.8, 0.25 * size),
            )
            (self.points_[name],) = ax.plot(
                np.clip(effect, left, right)[chosen],
                at[chosen],
                marker,
                color=colour,
                markersize=size,
                label=f"{name} ({of_all.sum()})",
            )
            for values, end, arrow in ((low, left, "<"), (high, right, ">")):
                outside = chosen & (values < left if arrow == "<" else values > right)
                if outside.any():
                    ax.plot(
                        np.full(outside.sum(), end),
                        at[outside],
                        arrow,
                        color=colour,
                        markersize=size,
                        clip_on=False,
                    )
        for t in np.flatnonzero((effect < left) | (effect > right)):
            inwards = 1 if effect[t] < left else -1
            _note(ax, (left, right)[inwards < 0], at[t], f"{effect[t]:+.0f} %", inwards)
        for t in np.flatnonzero(np.isnan(effect)):
            decided = f"{verdict[t]}: the baseline has no loss"
            note = "not judged" if verdict[t] == "undecided" else decided
            _note(ax, 0.0, at[t], note, 1 if right >= -left else -1)
        label(ax, "y", tasks[order].tolist(), points)
        ax.set(xlim=(left, right), ylim=(T - 0.5, -0.5))
        self.order_ = order
        return self._finished(ax, "x", len(self.points_))

    def _draw_histogram(
        self, ax: Axes | None, effect: np.ndarray, verdict: np.ndarray
    ) -> Self:
        """Draw how many tasks have which effect, bars of the verdicts stacked."""
        from matplotlib.ticker import MaxNLocator

        ax = new_axes(_HISTOGRAM_SIZE)[0] if ax is None else given_axes(ax, 1)[0]
        left, right = _fences(effect)
        n_bars = int(np.clip(2 * np.sqrt(effect.size), 10, _MOST_BARS))
        width = (right - left) / n_bars
        # zero is an end of a bar, and what is beyond the ends is in the last ones
        first, last = np.floor(left / width), np.ceil(right / width)
        edges = width * np.arange(first, last + 1)
        inside = np.clip(effect, edges[0], edges[-1])
        bottom = np.zeros(edges.size - 1)
        self.points_ = {}
        for name, (colour, _, hatch) in _STYLES.items():
            of_all = verdict == name
            chosen = inside[of_all & ~np.isnan(effect)]
            if not chosen.size:
                continue
            count, _ = np.histogram(chosen, edges)
            self.points_[name] = ax.bar(
                edges[:-1],
                count,
                width,
                bottom,
                align="edge",
                color=colour,
                hatch=hatch,
                edgecolor="white",
                linewidth=0.5,
                label=f"{name} ({of_all.sum()})",
            )
            bottom += count
        ax.axvline(0.0, color="black", linewidth=0.8)
        ax.set(xlim=(edges[0], edges[-1]), ylabel="tasks")
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        ends = (edges[0], effect < edges[0], 1), (edges[-1], effect > edges[-1], -1)
        for end, beyond, side in ends:
            if beyond.any():
                text = f"{beyond.sum()} beyond {end:+.0f} %"
                _note(ax, end, 0.95 * ax.get_ylim()[1], text, side, "small")
        return self._finished(ax, "y", len(self.points_))

    def _finished(self, ax: Axes, grid: Literal["x", "y"], n_kinds: int) -> Self:
        """Say what the axis and the colours are."""
        ax.set_xlabel(
            f"held-out loss saved, against {_NAMES.get(self.baseline, self.baseline)} "
            "(%)"
        )
        ax.grid(axis=grid, color="0.9", linewidth=0.6, zorder=0)
        ax.set_axisbelow(True)
        if n_kinds and self.verdict is not None:
            ax.legend(
                loc="lower center",
                bbox_to_anchor=(0.5, 1.0),
                ncols=n_kinds,
                frameon=False,
            )
        self.ax_, self.figure_ = ax, figure_of(ax)
        return self

    def _read(self) -> tuple[np.ndarray, ...]:
        """Check the numbers, and return them as arrays."""
        tasks = np.asarray(self.tasks)
        T = len(np.atleast_1d(tasks))
        out: dict[str, Any] = {}
        for name in ("effect", "low", "high"):
            given = getattr(self, name)
            values = np.full(T, np.nan) if given is None else np.asarray(given, float)
            out[name] = values
        verdict = np.full(T, "undecided")
        if self.verdict is not None:
            verdict = np.asarray(self.verdict, dtype=str)
        for name, values in (("tasks", tasks), *out.items(), ("verdict", verdict)):
            if values.shape != (T,):
                raise ValueError(
                    f"{name} has shape {values.shape}; pass one entry for each of "
                    f"the {T} tasks, shape {(T,)}"
                )
        if T == 0:
            raise ValueError("tasks is empty; pass one label or more")
        for name in np.unique(verdict):
            check_choice("verdict", str(name), tuple(_STYLES))
        return tasks, *out.values(), verdict


def _or(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return values, and others where those are missing."""
    return np.where(np.isnan(values), others, values)


def _note(
    ax: Axes,
    x: float,
    y: float,
    text: str,
    side: int,
    size: str | float = SMALLEST_FONT,
) -> None:
    """Write a few words to the right of a point, or to its left (side -1)."""
    ax.annotate(
        text,
        (x, y),
        xytext=(6 * side, 0),
        textcoords="offset points",
        ha="left" if side > 0 else "right",
        va="center",
        color="0.35",
        fontsize=size,
    )


def _fences(effect: np.ndarray) -> tuple[float, float]:
    """Return the ends of a histogram: of all but what is far beyond the quartiles."""
    effect = effect[np.isfinite(effect)]
    if not effect.size or not effect.any():
        return -1.0, 1.0
    low, high = np.quantile(effect, (0.25, 0.75))
    reach = _FENCE * (high - low) or np.inf
    left, right = max(effect.min(), low - reach), min(effect.max(), high + reach)
    return float(min(left, 0.0)), float(max(right, 0.0))


def _limits(
    effect: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[float, float]:
    """Return the ends of the axis, from all but what is far beyond the others."""
    ends = np.concatenate([effect, low, high])
    ends = ends[np.isfinite(ends)]
    if not ends.size or not ends.any():
        return -1.0, 1.0
    usual = np.quantile(np.abs(ends), _USUAL_SHARE, method="higher")
    if usual > 0:
        ends = ends[np.abs(ends) <= _MAX_OF_USUAL * usual]
    left, right = float(min(0.0, ends.min())), float(max(0.0, ends.max()))
    room_beside = 0.05 * (right - left)
    return left - room_beside, right + room_beside
