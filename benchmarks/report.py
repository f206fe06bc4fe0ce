"""The table, the JSON file and the plots."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

COLUMNS = ("problem", "solver", "seconds", "ratio", "reached", "note")


def rows(record: dict) -> list[tuple[str, ...]]:
    """Return the lines of the table for one problem, without the problem's name.

    The ratio of a peer is its time over linmtl's; that of linmtl is the time of the
    best other solver over its own: above 1, linmtl is faster.
    """
    times = {
        result["solver"]: result["seconds"]
        for result in record["results"]
        if result["seconds"] is not None
    }
    lines = []
    for result in record["results"]:
        if result["skipped"]:
            note = f"skipped: {result['skipped']}"
            lines.append((result["solver"], "", "", "", note))
            continue
        seconds = result["seconds"]
        reached = result.get(record["criterion"], result.get("best_accuracy"))
        lines.append(
            (
                result["solver"],
                "-" if seconds is None else f"{seconds:.4g}",
                _ratio(result["solver"], times),
                "-" if reached is None else f"{reached:.1e}",
                _note(record, result),
            )
        )
    return lines


def _ratio(solver: str, times: dict[str, float]) -> str:
    if "linmtl" not in times or solver not in times:
        return ""
    if solver != "linmtl":
        return f"{times[solver] / times['linmtl']:.3g}"
    others = {name: time for name, time in times.items() if name != "linmtl"}
    if not others:
        return ""
    best = min(others, key=others.get)
    return f"{others[best] / times['linmtl']:.3g} ({best})"


def _note(record: dict, result: dict) -> str:
    notes = [result["note"]]
    if record["criterion"] == "suboptimality" and result.get("gap") is not None:
        notes.append(f"its gap: {result['gap']:.1e}")
    return "; ".join(note for note in notes if note)


def heading(record: dict) -> str:
    """Return the problem and what the solvers had to reach."""
    measure = {
        "gap": "relative duality gap",
        "suboptimality": "suboptimality (not every peer can be certified)",
    }[record["criterion"]]
    if record["relative_to"] == "optimum":
        measure = "objective above the optimum, relative"
    draw = f", draw {record['draw']}" if record.get("draw") else ""
    return (
        f"{record['problem']}{draw}: {record['title']} ({sizes(record)})\n"
        f"  {measure} <= {record['target']:g}"
    )


def sizes(record: dict) -> str:
    if record["samples"] is None:
        return "not run"
    low, high = record["rows_per_task"]
    rows = f"n {high}" if low == high else f"n {low}-{high} per task"
    return f"{rows}, d {record['features']}, T {record['tasks']}"


def table(record: dict) -> str:
    """Return the table of one problem as text."""
    lines = [COLUMNS[1:], *rows(record)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(COLUMNS) - 1)]
    text = [heading(record)]
    for line in lines:
        cells = zip(line, widths, strict=True)
        text.append("  " + "  ".join(f"{c:<{w}}" for c, w in cells).rstrip())
    return "\n".join(text) + "\n"


def table_line(cells: Iterable[str]) -> str:
    """Return a line of a table in Markdown."""
    return "| " + " | ".join(cells) + " |"


class Printed:
    """A table in Markdown that is printed row by row, and keeps its numbers.

    Parameters
    ----------
    columns : dict of str -> str
        The heads, and the format of the values below each.
    """

    def __init__(self, columns: dict[str, str]) -> None:
        self.formats = columns
        self.rows: list[dict[str, Any]] = []
        print(f"\n{table_line(columns)}\n|{'---|' * len(columns)}")

    def add(self, *values: Any) -> None:
        """Print a row; nothing in the place of None."""
        self.rows.append(dict(zip(self.formats, values, strict=True)))
        pairs = zip(values, self.formats.values(), strict=True)
        cells = ["" if value is None else f"{value:{how}}" for value, how in pairs]
        print(table_line(cells), flush=True)


def write_json(path: Path, content: dict) -> None:
    """Write what was measured; NaN and infinity, which JSON has not, as null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_finite(content), indent=1, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plot(record: dict, folder: Path) -> Path:
    """Draw accuracy against time, one line per solver; needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for result in record["results"]:
        points = [
            (point["seconds"], max(point[record["criterion"]], 1e-16))
            for point in result.get("curve", ())
            if point["seconds"] and point[record["criterion"]] is not None
        ]
        if points:
            ax.loglog(*zip(*points, strict=True), "o-", ms=3, label=result["solver"])
    ax.axhline(record["target"], color="0.6", lw=1, ls="--")
    ax.set(xlabel="seconds", ylabel=record["criterion"], title=record["title"])
    ax.title.set_fontsize(9)
    ax.legend(fontsize=8)
    folder.mkdir(parents=True, exist_ok=True)
    draw = f"-{record['draw']}" if record.get("draw") else ""
    path = folder / f"{record['problem']}{draw}.png"
    fig.savefig(path, dpi=150)
    plt.close(fig)
    return path
