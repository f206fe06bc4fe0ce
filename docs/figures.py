"""The figures of the pages, from nothing but matplotlib.

``make -C docs figures`` draws the way to a model, which is kept beside the pages. What
shows benchmarks is drawn from their files whenever the site is built.
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results"
_INK, _BLUE, _OTHER, _GREY = "#333333", "#2a6f97", "#d1812e", "#9aa5b1"

# questions from the top, each with its answers and what to take
_WAY = [
    (
        "Are the tasks in an order\n(visits, doses, ages)?",
        [("yes", "TemporalGroup\nFusedSparseGroup")],
    ),
    (
        "Is it known which tasks\nare neighbours?",
        [("a graph", "GraphRegularized\nNetworkLasso"), ("a tree", "TreeGroupL21")],
    ),
    (
        "More features than rows\nin a task?",
        [
            ("the same\nfew matter", "L21"),
            ("each task\nits own few", "L1, Dirty"),
            ("a few\ndirections", "TraceNorm"),
        ],
    ),
    (
        "Are the tasks alike?",
        [
            ("yes", "MixedEffects\nMeanRegularized"),
            ("but for a few", "AdaptiveRobust\nSafeTransfer"),
            ("in kinds", "Clustered"),
        ],
    ),
    ("Not alike, and\nmany rows in each", [("", "Independent")]),
]


def way_to_a_model() -> plt.Figure:
    """Return the decision figure of the page "Which model when"."""
    figure, ax = plt.subplots(figsize=(9, 7.2), layout="constrained")
    ax.set(xlim=(0, 9), ylim=(-1.15, 2 * len(_WAY) - 0.8))
    ax.axis("off")
    for k, (question, answers) in enumerate(_WAY):
        y = 2 * (len(_WAY) - 1 - k)
        last = k == len(_WAY) - 1
        _box(ax, 1.35, y, question, "#f1f4f7", _INK, "normal")
        if not last:
            _arrow(ax, (1.35, y - 0.48), (1.35, y - 1.52))
            ax.text(1.45, y - 1.0, "no", color=_GREY, va="center")
        for j, (condition, model) in enumerate(answers):
            x = 4.1 + 2.05 * j
            _box(ax, x, y - 0.14, model, _BLUE, "white", "bold")
            ax.text(x, y + 0.42, condition, ha="center", va="bottom", color=_INK)
        _arrow(ax, (2.55, y - 0.14), (3.25, y - 0.14))
    ax.text(
        4.5,
        -1.05,
        "Not sure: AutoRegressor and AutoClassifier try them on the same held-out rows."
        "\nMissing labels: NaN in y, for all of them. Counts, costs, outliers: loss=.",
        ha="center",
        va="bottom",
        color=_INK,
    )
    return figure


def _box(ax: Axes, x: float, y: float, text: str, face: str, ink: str, weight: str):
    style = {"boxstyle": "round,pad=0.5", "facecolor": face, "edgecolor": "none"}
    ax.text(x, y, text, ha="center", va="center", color=ink, weight=weight, bbox=style)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "color": _GREY, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", xy=end, xytext=start, arrowprops=style)


def speed() -> plt.Figure:
    """Return how long linmtl and the best of the others take, problem by problem."""
    rows = []
    for record in _read("speed")["problems"]:
        seconds = {
            result["solver"]: result["seconds"]
            for result in record["results"]
            if not result["skipped"] and result["seconds"] is not None
        }
        own = seconds.pop("linmtl", None)
        if own is not None and seconds and not record.get("draw"):
            best = min(seconds, key=seconds.__getitem__)
            rows.append((record["title"], own, seconds[best], best))
    rows.sort(key=lambda row: row[2] / row[1])
    return _pairs(rows, "seconds to the same certified accuracy", "best of the others")


def models() -> plt.Figure:
    """Return how long linmtl and a NumPy loop take for every other model."""
    rows = []
    for row in _read("formulations")["rows"]:
        own, other = (
            (row.get(name) or {}).get("objective") for name in ("linmtl", "numpy")
        )
        if own and other and own.get("seconds") and other.get("seconds"):
            title = f"{row['title']}, {row['loss']}"
            rows.append((title, own["seconds"], other["seconds"], ""))
    rows.sort(key=lambda row: row[2] / row[1])
    return _pairs(rows, "seconds to the same objective", "proximal gradient in NumPy")


def mixed() -> plt.Figure:
    """Return how long mixed models take, by package."""
    sizes = _read("mixed")["results"]
    names = [
        f"{r['size']['tasks']:,} groups of {r['size']['rows']:,}, "
        f"{r['size']['covariance']}"
        for r in sizes
    ]
    figure, ax = plt.subplots(figsize=(8, 0.4 * len(names) + 1.2), layout="constrained")
    packages = list(dict.fromkeys(name for r in sizes for name in r["found"]))
    for package in packages:
        places = [k for k, r in enumerate(sizes) if r["found"].get(package)]
        seconds = [sizes[k]["found"][package]["seconds"] for k in places]
        own = package == "linmtl"
        ax.plot(seconds, places, "o" if own else "s", label=package, alpha=0.9)
    ax.set(xscale="log", xlabel="seconds", yticks=range(len(names)), yticklabels=names)
    ax.invert_yaxis()
    ax.grid(axis="x", alpha=0.3)
    ax.legend()
    return figure


def _pairs(rows: list, title: str, others: str) -> plt.Figure:
    figure, ax = plt.subplots(figsize=(8, 0.3 * len(rows) + 1.2), layout="constrained")
    for k, (_, own, other, name) in enumerate(rows):
        ax.plot([own, other], [k, k], color=_GREY, lw=1, zorder=1)
        text = f"{name} {other / own:.3g}x".strip()
        ax.annotate(
            text,
            (max(own, other), k),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=_INK,
        )
    places = range(len(rows))
    for column, color, label in ((1, _BLUE, "linmtl"), (2, _OTHER, others)):
        seconds = [row[column] for row in rows]
        ax.scatter(seconds, places, color=color, label=label, zorder=2)
    ax.set(xscale="log", xlabel=title, yticks=places, yticklabels=[r[0] for r in rows])
    ax.set_xlim(right=3 * max(max(row[1:3]) for row in rows))
    ax.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def _read(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def draw_benchmarks(folder: Path) -> None:
    """Write the pictures of the page of benchmarks."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (speed, models, mixed):
        _save(draw(), folder / f"{draw.__name__}.svg")


def _save(figure: plt.Figure, path: Path) -> None:
    # the same bytes from the same drawing
    with matplotlib.rc_context({"svg.hashsalt": "linmtl"}):
        figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    _save(way_to_a_model(), DOCS / "_static" / "which.svg")
