"""Run the benchmarks: ``python -m benchmarks --list``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks import machine, report, runner
from benchmarks.problems import PROBLEMS, SCHOOL_VARIABLE
from benchmarks.solvers import ADAPTERS


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time solvers of linear multi-task problems at equal accuracy.",
    )
    add = parser.add_argument
    add("--list", action="store_true", help="list problems and solvers")
    add("--problems", help="names, separated by commas (a prefix takes all of it)")
    add("--solvers", help="names, separated by commas")
    add("--size", choices=("small", "full"), default="full")
    add("--target", type=float, help="relative accuracy instead of the problem's own")
    add("--repeats", type=int, default=5, help="rounds; the median counts")
    add("--draws", type=int, default=1, help="of each problem: other seeds and sizes")
    add("--threads", type=int, default=1, help="of every solver, alike")
    add("--time-limit", type=float, default=120.0, help="seconds of one run")
    add("--school", help=f"path of school.mat; default: the variable {SCHOOL_VARIABLE}")
    add("--output", type=Path, help="JSON file to write")
    add("--plot", type=Path, help="folder for plots of accuracy against time")
    return parser.parse_args(arguments)


def choose(text: str | None, known: list[str]) -> list[str]:
    """Return the names that a comma-separated list means, in the known order."""
    if not text:
        return known
    asked = [part.strip() for part in text.split(",") if part.strip()]
    chosen = []
    for part in asked:
        exact = [part] if part in known else [n for n in known if n.startswith(part)]
        if not exact:
            raise SystemExit(f"unknown name {part!r}; known: {', '.join(known)}")
        chosen += exact
    return [name for name in known if name in chosen]


def problems(arguments: argparse.Namespace) -> list[str]:
    """Return the problems asked for; School's only where the file is given."""
    school = arguments.school or os.environ.get(SCHOOL_VARIABLE)
    chosen = choose(arguments.problems, list(PROBLEMS))
    without = [name for name in chosen if not PROBLEMS[name].needs_school]
    if not school and len(without) < len(chosen):
        print(f"school problems skipped: pass --school or set {SCHOOL_VARIABLE}\n")
        return without
    return chosen


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    if options.list:
        print("problems:")
        for problem in PROBLEMS.values():
            print(f"  {problem.name:20s} {problem.title}")
        print("solvers:\n  " + ", ".join(ADAPTERS))
        return
    machine.limit_threads(options.threads)
    content = machine.describe(options.threads)
    content |= {"repeats": options.repeats, "problems": []}
    settings = runner.Settings(
        solvers=choose(options.solvers, list(ADAPTERS)),
        size=options.size,
        target=options.target,
        repeats=options.repeats,
        threads=options.threads,
        time_limit=options.time_limit,
        curves=options.plot is not None,
        school=options.school,
        draws=options.draws,
    )

    def show(record: dict) -> None:
        """Print and save at once: a long run may be stopped."""
        print(report.table(record), flush=True)
        content["problems"].append(record)
        if options.output:
            report.write_json(options.output, content)
        if options.plot:
            report.plot(record, options.plot)

    runner.run(problems(options), settings, show)


if __name__ == "__main__":
    main()
