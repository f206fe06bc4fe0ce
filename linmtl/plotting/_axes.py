"""What the displays share: axes, labels that can be read, ranges of colours."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._labels import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# in points: the font of labels, and its share of the room that a line of them needs
LARGEST_FONT, SMALLEST_FONT, SPACING = 10.0, 6.0, 1.15
LONGEST_LABEL = 24  # letters
CHARACTER = 0.6  # width of a letter, as a share of its height
MISSING = "0.8"  # the grey of cells without a value
# far more than what is usual: the largest value does not set the scale
_USUAL_SHARE, _MAX_OF_USUAL = 0.98, 3.0


def new_axes(size: tuple[float, float], n_panels: int = 1) -> list[Axes]:
    """Return the axes of a new figure of this size in inches, one per panel."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "displays need matplotlib; install it with "
            "`python -m pip install 'linmtl[plot]'`"
        ) from error
    _, axes = plt.subplots(
        1, n_panels, figsize=size, layout="constrained", squeeze=False, sharey=True
    )
    return list(axes[0])


def given_axes(ax: Any, n_panels: int) -> list[Axes]:
    """Check the axes that were passed for some panels."""
    axes = np.ravel(np.asarray(ax, dtype=object)).tolist()
    if len(axes) != n_panels:
        raise ValueError(
            f"ax holds {len(axes)} axes but there are {n_panels} panels; pass one "
            "each, or ax=None"
        )
    return axes


def figure_of(ax: Axes) -> Figure:
    """Return the figure of some axes, or the part of a figure that they are in."""
    figure: Any = ax.figure
    return figure


def texts(labels: Iterable[Any]) -> list[str]:
    """Return labels as text of one line; the middle of long ones is left out."""
    out = []
    for label in labels:
        text = one_line(" ".join(str(label).split()))
        if len(text) > LONGEST_LABEL:
            half = (LONGEST_LABEL - 1) // 2
            text = f"{text[: LONGEST_LABEL - 1 - half]}…{text[-half:]}"
        out.append(text)
    return out


def margin(labels: Iterable[Any]) -> float:
    """Return the inches that labels need beside the axes."""
    return LARGEST_FONT * CHARACTER / 72.0 * max(map(len, texts(labels)), default=0)


def read_names(names: ArrayLike | None, count: int, what: str) -> np.ndarray:
    """Check one name for each of ``count`` things; their positions by default."""
    if names is None:
        return np.arange(count)
    if isinstance(names, str):
        raise ValueError(f"{what} is the single text {names!r}; pass a list of names")
    names = np.asarray(names)
    if names.shape != (count,):
        raise ValueError(
            f"{what} has shape {names.shape}; pass {count} names, in the order of the "
            "numbers that are drawn"
        )
    return names


def room(ax: Axes, side: Literal["x", "y"], count: int) -> float:
    """Return the points along one side of the axes for each of ``count`` cells."""
    box = ax.get_window_extent()
    length = box.width if side == "x" else box.height
    return length / ax.figure.dpi * 72.0 / max(count, 1)


def label(
    ax: Axes, side: Literal["x", "y"], labels: Iterable[Any], points: float
) -> None:
    """Write labels beside rows or columns, as many as can be read.

    ``points`` is the room of each.
    """
    names = texts(labels)
    size = float(np.clip(points / SPACING, SMALLEST_FONT, LARGEST_FONT))
    step = max(1, int(np.ceil(size * SPACING / points - 1e-9)))
    ticks = np.arange(0, len(names), step)
    shown = [names[k] for k in ticks]
    # a dollar sign in a label is no formula
    style: dict[str, Any] = {"fontsize": size, "parse_math": False}
    if side == "y":
        ax.set_yticks(ticks, shown, **style)
    else:
        longest = max(map(len, shown), default=0) * size * CHARACTER
        upright = longest > 0.95 * points * step
        ax.set_xticks(ticks, shown, rotation=90 if upright else 0, **style)
    ax.tick_params(axis=side, length=2.0)


def entitle(ax: Axes, text: str, points: float) -> None:
    """Write a title, in lines of at most this many points."""
    width = max(16, int(points / (LARGEST_FONT * 1.2 * CHARACTER)))
    text = text[:1].upper() + text[1:]
    ax.set_title(textwrap.fill(text, width), parse_math=False)


def symmetric_limit(values: np.ndarray, cut: bool = False) -> float:
    """Return the value at the ends of a scale of colours around zero.

    With ``cut`` a few values that are far larger than the others do not count.
    """
    size = np.abs(values[np.isfinite(values)])
    top = float(size.max(initial=0.0))
    if cut and top > 0:
        usual = _MAX_OF_USUAL * float(np.quantile(size, _USUAL_SHARE, method="higher"))
        if usual > 0:
            top = float(size[size <= usual].max())
    return top if top > 0 else 1.0


def finite(values: np.ndarray, low: float, high: float) -> np.ma.MaskedArray:
    """Mask NaN, and put infinite values at the ends of a scale."""
    return np.ma.masked_invalid(
        np.nan_to_num(values, nan=np.nan, posinf=high, neginf=low)
    )


def beyond(values: np.ndarray, low: float, high: float) -> str:
    """Return which ends of a scale have values beyond them, as colour bars call it."""
    with np.errstate(invalid="ignore"):
        below, above = bool(np.any(values < low)), bool(np.any(values > high))
    return {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[
        below, above
    ]


def heat_map(
    ax: Axes,
    values: np.ndarray,
    *,
    cmap: str,
    limits: tuple[float, float],
    aspect: Literal["equal", "auto"],
    interpolation: str = "nearest",
) -> Any:
    """Draw values as colours, those that are missing in grey; return the image."""
    import matplotlib

    low, high = limits
    return ax.imshow(
        finite(values, low, high),
        cmap=matplotlib.colormaps[cmap].with_extremes(bad=MISSING),
        vmin=low,
        vmax=high,
        aspect=aspect,
        interpolation=interpolation,
    )


def write_cells(ax: Axes, image: Any, values: np.ndarray, points: float) -> None:
    """Write numbers into the cells of a heat map; ``points`` is the room of each."""
    scale = max(abs(image.norm.vmin), abs(image.norm.vmax))
    numbers = [number(value, scale) for value in values.ravel()]
    longest = max(map(len, numbers))
    size = float(np.clip(0.9 * points / (longest * CHARACTER), 4.0, 9.0))
    colours = image.cmap(image.norm(image.get_array())).reshape(-1, 4)
    dark = colours[:, :3] @ [0.299, 0.587, 0.114] < 0.5
    for k, text in enumerate(numbers):
        row, column = divmod(k, values.shape[1])
        ax.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=size,
            color="white" if dark[k] else "black",
        )


def number(value: float, scale: float) -> str:
    """Write a number with two or three digits of its scale; a dash for NaN."""
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    power = np.ceil(np.log10(max(abs(scale), 1e-300)))
    if not -3 <= power <= 5:
        return f"{value:.0e}"
    digits = int(2 - power if power <= 0 else max(0, 3 - power))
    return f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0: no minus before a zero
