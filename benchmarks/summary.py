"""The tables of RESULTS.md, from the JSON files in ``benchmarks/results``.

``python -m benchmarks.summary`` prints them; a test compares them with that page.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.intervals import table as cover
from benchmarks.models import ALONE, WAYS
from benchmarks.multinomial import table as several_classes
from benchmarks.report import sizes, table_line

RESULTS = Path(__file__).parent / "results"
_NAMES = {
    "sklearn": "scikit-learn",
    "numpy_fista": "NumPy FISTA",
    "rmtl": "RMTL",
    "malsar": "MALSAR",
}


def speed(content: dict) -> str:
    """Return the table of all problems: linmtl, and the best of the others."""
    lines = [
        "| problem | linmtl, s | best other, s | ratio | the others, s |",
        "|---|---|---|---|---|",
    ]
    for record in content["problems"]:
        if record.get("draw"):
            continue
        own, times, failed = _times(record)
        order = sorted(times, key=times.get)
        best = f"{_name(order[0])} {_time(times[order[0]])}" if order else ""
        ratio = _of_draws(content, record)
        rest = [f"{_name(name)} {_time(times[name])}" for name in order[1:]]
        rest += [f"{_name(name)} not reached" for name in failed]
        problem = f"{record['title']} ({sizes(record)})"
        shown = "not reached" if own is None else _time(own)
        cells = problem, shown, best, ratio, ", ".join(rest)
        lines.append(table_line(cells))
    return "\n".join(lines)


def _times(record: dict) -> tuple[float | None, dict, list[str]]:
    """Return the seconds of linmtl and of the others, and who did not get there."""
    seconds = {
        result["solver"]: result["seconds"]
        for result in record["results"]
        if not result["skipped"]
    }
    own = seconds.pop("linmtl", None)
    times = {name: time for name, time in seconds.items() if time is not None}
    return own, times, [name for name, time in seconds.items() if time is None]


def _of_draws(content: dict, record: dict) -> str:
    """Return how much faster linmtl is: the median of the draws, and the worst."""
    found = []
    for other in content["problems"]:
        own, times, _ = _times(other)
        if other["title"] == record["title"] and times and own is not None:
            found.append(min(times.values()) / own)
    if len(found) < 2:
        return _ratio(found[0]) if found else ""
    worst = _ratio(min(found))
    return f"{_ratio(float(np.median(found)))} (worst of {len(found)}: {worst})"


def start_up(content: dict) -> str:
    """Return the table of imports and first fits."""
    columns = {
        "import": "import",
        "first_fit": "first fit of a process",
        "first_fit_ever": "first fit ever",
    }
    lines = [
        "| package | " + " | ".join(f"{title}, s" for title in columns.values()) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for name, row in content["packages"].items():
        if "skipped" in row:
            continue
        cells = [_time(row.get(column)) for column in columns]
        lines.append(f"| {_name(name)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def growth(content: dict) -> str:
    """Return the table of time and memory by size."""
    lines = [
        "| rows | tasks | features | data, MB | seconds | extra memory / data |",
        "|---|---|---|---|---|---|",
    ]
    for row in content["rows"]:
        if "failed" in row:
            tail = f"failed: {row['failed']}", ""
        else:
            extra = row["extra_over_data"]
            tail = _time(row["seconds"]), "" if extra is None else f"{extra:.2f}"
        counts = (f"{row[key]:,}" for key in ("rows", "tasks", "features"))
        cells = *counts, f"{row['data_bytes'] / 1e6:.3g}", *tail
        lines.append(table_line(cells))
    return "\n".join(lines)


def formulations(content: dict) -> str:
    """Return the tables of the other models, and of single proximal operators."""
    lines = [
        "| model | loss | gap: linmtl, s | NumPy, s | ratio | "
        "objective: linmtl, s | NumPy, s | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in content["rows"]:
        cells = [row["title"], row["loss"]]
        for goal in ("gap", "objective"):
            shown, times = [], []
            for side in ("linmtl", "numpy"):
                result = row[side].get(goal)
                times.append(result and result["seconds"])
                missing = "" if result is None else "not reached"
                cell = missing if times[-1] is None else _time(times[-1])
                # another optimum, of a model that is not convex
                if result and result["excess"] > 10 * content["target"] and times[-1]:
                    cell += "" if row["convex"] else f" (+{result['excess']:.0e})"
                shown.append(cell)
            ratio = "" if None in times else _ratio(times[1] / times[0])
            cells += [*shown, ratio]
        lines.append(table_line(cells))
    lines += [
        "",
        "| proximal operator | rows | tasks | seconds | ns per entry | full SVD, s |",
        "|---|---|---|---|---|---|",
    ]
    for row in content["operators"]:
        counts = (f"{row[key]:,}" for key in ("rows", "tasks"))
        tail = f"{row['ns_per_entry']:.1f}", _time(row["svd_seconds"])
        cells = row["operator"], *counts, _time(row["seconds"]), *tail
        lines.append(table_line(cells))
    return "\n".join(lines)


_MODELS = (
    "MixedEffectsRegressor()",
    "MixedEffectsRegressor(shrunk)",
    "AutoRegressor(stack)",
    "AutoRegressor(best)",
    "AutoRegressor(1se)",
    "lmer, intercept",
    "lmer, diagonal",
    "lmer, full",
    "ridge per task, CV",
    "pooled, task intercepts",
    "MeanRegularizedRegressorCV",
    "TraceNormRegressorCV",
    "L21RegressorCV",
)


def models(content: dict) -> str:
    """Return the table of held-out errors, one column a problem of real numbers."""
    problems = {
        name: found
        for name, found in content["results"].items()
        if "MixedEffectsRegressor()" in found and not name.startswith("drawn")
    }
    lines = [
        "| model | " + " | ".join(problems) + " |",
        "|---" * (len(problems) + 1) + "|",
    ]
    for model in _MODELS:
        cells = [f"`{model}`" if model[0].isupper() else model]
        for found in problems.values():
            errors = np.array(found[model]["error"]) if model in found else None
            if errors is None:
                cells.append("")
                continue
            noise = errors.std(ddof=1) / errors.size**0.5
            about = f"{noise:.0f}" if noise >= 1 else f"{noise:.1g}"
            cells.append(f"{errors.mean():.4g} ± {about}")
        lines.append(table_line(cells))
    return "\n".join(lines)


def automatic(content: dict) -> str:
    """Return the table of automatic models beside the best of all others."""
    ways = " | ".join(WAYS)
    lines = [
        f"| data | best of the others | | alone | {ways} | outliers: alone | {ways} |",
        "|---" * 11 + "|",
    ]
    turned = next((content[key] for key in content if key.startswith("outliers")), {})
    for problem, found in content["results"].items():
        single, auto = _errors(found)
        best = min(single, key=lambda name: single[name])
        least = single[best]
        cells = [problem, best, f"{least:.4g}", _above(single[ALONE], least)]
        cells += [_above(auto.get(way), least) for way in WAYS]
        single, auto = _errors(turned.get(problem, {}))
        alone = single.get(ALONE)
        cells.append("" if alone is None else f"{alone:.4g}")
        cells += [_above(auto.get(way), alone) for way in WAYS]
        lines.append(table_line(cells))
    return "\n".join(lines)


def _errors(found: dict) -> tuple[dict[str, float], dict[str, float]]:
    """Return the mean errors of single models by name, of automatic ones by way."""
    error = {name: float(np.mean(entry["error"])) for name, entry in found.items()}
    auto = {name.split("(")[1][:-1]: e for name, e in error.items() if "Auto" in name}
    return {name: e for name, e in error.items() if "Auto" not in name}, auto


def _above(error: float | None, least: float | None) -> str:
    return (
        "" if error is None or least is None else f"{100 * (error / least - 1):+.1f} %"
    )


def mixed(content: dict) -> str:
    """Return the table of mixed models: seconds, the likelihoods being the same."""
    packages = ("linmtl", "mixedlm-rs", "lme4")
    lines = [
        "| groups | rows of each | slopes | covariance | "
        + " | ".join(f"{package}, s" for package in packages)
        + " |",
        "|---" * (len(packages) + 4) + "|",
    ]
    for entry in content["results"]:
        size, found = entry["size"], entry["found"]
        cells = [f"{size[name]:,}" for name in ("tasks", "rows", "slopes")]
        cells.append(size["covariance"])
        for package in packages:
            one = found.get(package)
            cells.append("" if one is None else _time(one["seconds"]))
        lines.append(table_line(cells))
    return "\n".join(lines)


def machine(content: dict) -> str:
    """Return a sentence on where and with what the numbers were made."""
    where = content["machine"]
    versions = ", ".join(
        f"{name} {version}" for name, version in content["versions"].items() if version
    )
    threads = content["threads"]
    return (
        f"{where['processor']}, {where['cores']} cores, {where['memory_gb']:.0f} GB, "
        f"{threads} thread{'s' * (threads > 1)}, Python {where['python']}; {versions}; "
        f"{content['date'][:10]}"
    )


def _name(solver: str) -> str:
    return _NAMES.get(solver, solver)


def _ratio(ratio: float) -> str:
    return f"{ratio:.3g}" if ratio < 1000 else f"{ratio:.0f}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.2g}" if seconds < 100 else f"{seconds:.0f}"


def large(content: dict) -> str:
    """Return processor time and memory of fits of large data."""
    lines = [
        "| data, penalty, loss | processor, s | data, MB | beyond the data "
        "| features used | method |",
        "|---|---|---|---|---|---|",
    ]
    for row in content["rows"]:
        seconds, extra = row["processor_seconds"], row["extra_over_data"]
        cells = [
            row["case"],
            _time(seconds),
            f"{row['data_bytes'] / 1e6:,.0f}",
            f"{extra:.2f}x",
            f"{row['active_features']:,}",
            f"`{row['solver']}`",
        ]
        lines.append(table_line(cells))
    return "\n".join(lines)


def parts(content: dict) -> str:
    """Return rows a second, and what a round sends to and from one part."""
    lines = [
        "| loss | tasks | features | rows a second: 1 process | 2 threads "
        "| 2 processes | rounds | asked, KiB | answered, KiB | computed: 10 workers "
        "| 100 | 1,000 |",
        "|" + "---|" * 12,
    ]
    for row in content["rows"]:
        ways = ("1", "2", "2_processes")
        speed = [f"{row['rows'] / row[f'seconds_{way}']:,.0f}" for way in ways]
        sent = [f"{row[name] / 1024:,.0f}" for name in ("asked", "said")]
        computed = [f"{_time(value)} s" for value in row["computed"].values()]
        shape = str(row["tasks"]), str(row["features"])
        cells = row["loss"], *shape, *speed, str(row["rounds"]), *sent, *computed
        lines.append(table_line(cells))
    return "\n".join(lines)


def hospitals(content: dict) -> str:
    """Return the accuracies of the hospitals of FLamby."""
    lines = ["| fit | accuracy, mean of four hospitals |", "|---|---|"]
    named = {f"FLamby: {name}": value for name, value in content["flamby"].items()}
    for name, value in (content["hospitals"] | named).items():
        if "difference" not in name:
            lines.append(f"| {name} | {value:.4f} |")
    return "\n".join(lines)


def choosing(content: dict) -> str:
    """Return times of searches beside their paths and peers, and leave-one-out's."""
    tables = []
    for name in ("times", "lmer", "loo"):
        rows = content[name]
        if not rows:
            continue
        lines = [table_line(rows[0]), "|" + "---|" * len(rows[0])]
        lines += [table_line(_cell(value) for value in row.values()) for row in rows]
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.2g}"


TABLES = {
    "speed": speed,
    "start_up": start_up,
    "growth": growth,
    "large": large,
    "formulations": formulations,
    "losses": speed,
    "models": lambda content: f"{models(content)}\n\n{automatic(content)}",
    "mixed": mixed,
    "choosing": choosing,
    "multinomial": several_classes,
    "intervals": lambda content: cover(content["results"]["normal"]),
    "parts": lambda content: f"{parts(content)}\n\n{hospitals(content)}",
}


def read(name: str) -> dict:
    """Return the content of a file of results."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def main() -> None:
    for name, table in TABLES.items():
        content = read(name)
        print(f"{machine(content)}\n\n{table(content)}\n")


if __name__ == "__main__":
    main()
