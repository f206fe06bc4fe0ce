"""The command ``linmtl``: compare models on the bundled data or on a CSV file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from threadpoolctl import threadpool_limits

from linmtl import __version__
from linmtl.cli._compare import (
    DEFAULT_MODELS,
    MODELS,
    Comparison,
    check_models,
    compare,
    transfer_report,
)
from linmtl.cli._html import to_html
from linmtl.cli._report import render, render_transfer, to_json, transfer_json
from linmtl.cli._table import InputError, Problem, make_problem, read_table
from linmtl.data._labels import one_line
from linmtl.datasets import load_parkinsons
from linmtl.transfer import NegativeTransferReport

_BUNDLED_TRAIN = 0.25
_EXAMPLE = """\
examples:
  python -m linmtl
      five models on bundled data, 42 patients with Parkinson's disease
  linmtl compare visits.csv --target score --task patient
      the same on a table of yours: one row per observation, a header line
  linmtl compare visits.csv --target sick --task hospital --classify \\
      --models pooled,independent,l21 --train 0.7 --output result.json
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


class Progress:
    """One line on a terminal's stderr, written over; nothing elsewhere."""

    def __init__(self) -> None:
        self.shown = sys.stderr is not None and sys.stderr.isatty()
        self.width = 0

    def __call__(self, text: str) -> None:
        if self.shown:
            print(f"\r{text:<{self.width}}", end="", file=sys.stderr, flush=True)
            self.width = len(text)

    def clear(self) -> None:
        if self.width:
            print(f"\r{'':<{self.width}}\r", end="", file=sys.stderr, flush=True)
            self.width = 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog="linmtl",
        description="Multi-task models against tasks learned alone: tuned, certified "
        "and judged\non held-out rows. Without a command: on bundled data.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"linmtl {__version__}")
    commands = parser.add_subparsers(metavar="compare")
    one = commands.add_parser(
        "compare",
        help="compare models on a CSV file (linmtl compare --help)",
        description="Compare models on a CSV file with a header line (gzipped or not; "
        "\ncomma, semicolon, tab or | between the fields).",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("file", metavar="FILE.csv", help="one row per observation")
    one.add_argument("--target", required=True, metavar="COLUMN", help="to predict")
    one.add_argument(
        "--task", required=True, metavar="COLUMN", help="which task a row belongs to"
    )
    one.add_argument(
        "--models",
        default=",".join(DEFAULT_MODELS),
        metavar="LIST",
        help=f"from {','.join(MODELS)} (default: %(default)s); independent is always "
        "fitted",
    )
    one.add_argument(
        "--classify", action="store_true", help="the target is one of two classes"
    )
    one.add_argument(
        "--train",
        type=float,
        default=0.5,
        metavar="FRACTION",
        help="share of each task's rows to train on (default: %(default)s)",
    )
    one.add_argument(
        "--seed", type=int, default=0, help="of the split (default: %(default)s)"
    )
    one.add_argument("--output", metavar="FILE.json", help="write every number here")
    one.add_argument(
        "--report",
        metavar="FILE.html",
        help="write a page with tables and pictures, in one file, here",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments; those of the process by default.

    Returns
    -------
    int
        0 on success, 2 if something given cannot be used, 130 on Ctrl-C.
    """
    progress = Progress()
    try:
        arguments = make_parser().parse_args(argv)
        # many small products: threads of BLAS would only wait for each other
        with threadpool_limits(1, user_api="blas"):
            if hasattr(arguments, "file"):
                _run_file(arguments, progress)
            else:
                _run_bundled(progress)
        sys.stdout.flush()
    except InputError as error:
        progress.clear()
        print(f"linmtl: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        progress.clear()
        return 130
    except BrokenPipeError:  # the reader of stdout, such as head, has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def _run_bundled(progress: Progress) -> None:
    bundle = load_parkinsons()
    comparison = compare(
        bundle.data,
        bundle.target,
        bundle.tasks,
        train_size=_BUNDLED_TRAIN,
        feature_names=bundle.feature_names,
        progress=progress,
    )
    progress.clear()
    title = "Parkinson's telemonitoring: total_UPDRS from voice; a task is a patient"
    about = [
        "93 % of the variance lies between patients: R2 over all rows is near 1 for "
        "every model",
        "test_time is a feature, so that this is filling gaps within six months",
    ]
    print(render(comparison, title, about))


def _run_file(arguments: argparse.Namespace, progress: Progress) -> None:
    models = [name.strip() for name in arguments.models.split(",") if name.strip()]
    _check_arguments(arguments, models)
    progress(f"reading {arguments.file}")
    table = read_table(arguments.file)
    problem = make_problem(
        table, arguments.target, arguments.task, classify=arguments.classify
    )
    comparison = compare(
        problem.X,
        problem.y,
        problem.tasks,
        models=models,
        classify=problem.classes is not None,
        train_size=arguments.train,
        random_state=arguments.seed,
        feature_names=problem.feature_names,
        progress=progress,
    )
    progress("which tasks are helped and hurt")
    report = transfer_report(comparison)
    progress.clear()
    title = _title(arguments, problem)
    print(render(comparison, title, problem.notes))
    if report is not None:
        print(f"\n{render_transfer(report, comparison.best.label)}")
    if arguments.output:
        text = _as_json(arguments, problem, comparison, report)
        _write("--output", arguments.output, text)
    if arguments.report:
        page = to_html(comparison, report, title, problem.notes)
        _write("--report", arguments.report, page)


def _title(arguments: argparse.Namespace, problem: Problem) -> str:
    file, what, task = map(one_line, (arguments.file, arguments.target, arguments.task))
    if problem.classes is not None:
        what = f"{what} ({' or '.join(map(one_line, problem.classes))})"
    return f"{file}: predict {what}; a task is a {task}"


def _check_arguments(arguments: argparse.Namespace, models: Sequence[str]) -> None:
    """Fail before the work rather than after it."""
    check_models(models)
    if not 0 < arguments.train < 1:
        raise InputError(f"--train must be between 0 and 1, got {arguments.train:g}")
    if not 0 <= arguments.seed < 2**32:
        raise InputError(f"--seed must be from 0 to 2**32 - 1, got {arguments.seed}")
    for option in ("output", "report"):
        if getattr(arguments, option) is not None:
            _check_place(f"--{option}", Path(getattr(arguments, option)), arguments)
    if arguments.output and arguments.output == arguments.report:
        raise InputError("--output and --report name the same file; give two")


def _check_place(option: str, path: Path, arguments: argparse.Namespace) -> None:
    if path.is_dir():
        raise InputError(f"{option} {path} is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise InputError(f"{option} {path}: there is no folder {path.parent}")
    place = path if path.exists() else path.parent
    if not os.access(place, os.W_OK):
        raise InputError(f"{option} {path}: no permission to write there")
    if path.exists() and os.path.samefile(path, arguments.file):
        raise InputError(f"{option} {path} is the table itself; give another file")


def _as_json(
    arguments: argparse.Namespace,
    problem: Problem,
    comparison: Comparison,
    report: NegativeTransferReport | None,
) -> str:
    data = {
        "file": arguments.file,
        "target": arguments.target,
        "task": arguments.task,
        "classes": problem.classes,
        "notes": problem.notes,
    }
    result = {**to_json(comparison, data), "transfer": transfer_json(report)}
    return json.dumps(result, indent=1, allow_nan=False) + "\n"


def _write(option: str, path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{option} {path} cannot be written: {error.strerror}"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
