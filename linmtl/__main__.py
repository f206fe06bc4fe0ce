"""The command ``linmtl``: compare models, predict with one, look at the set-up."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from threadpoolctl import threadpool_limits

from linmtl import __version__
from linmtl.cli._compare import compare, transfer_report
from linmtl.cli._doctor import diagnose
from linmtl.cli._files import STDIN, read_table
from linmtl.cli._html import to_html
from linmtl.cli._json import to_json, transfer_json
from linmtl.cli._markdown import to_markdown
from linmtl.cli._models import (
    DEFAULT_MODELS,
    MODELS,
    check_models,
    loss_named,
    losses_told,
)
from linmtl.cli._page import Origin, blocks_of
from linmtl.cli._predict import predict_table, read_model
from linmtl.cli._report import render, render_transfer
from linmtl.cli._results import Comparison
from linmtl.cli._save import model_json
from linmtl.cli._table import Problem, make_problem, offset_column, split_names
from linmtl.cli._write import check_places, write
from linmtl.data._errors import InputError, name_list
from linmtl.data._labels import one_line
from linmtl.datasets import load_parkinsons
from linmtl.losses import Loss
from linmtl.transfer import NegativeTransferReport

_BUNDLED_TRAIN = 0.25
_FEW_CLASSES = 3  # that are named by themselves
_EXAMPLE = """\
examples:
  python -m linmtl
      six models on bundled data, 42 patients with Parkinson's disease
  linmtl compare visits.csv --target score --task patient
      the same on a table of yours: one row per observation, a header line
  linmtl compare visits.csv --target sick --task hospital --classify \\
      --models pooled,independent,l21 --train 0.7 --output result.json
  zcat visits.csv.gz | linmtl compare - --target score --task patient \\
      --drop "comment*" --no-transfer --save model.json

"""
_EXIT_CODES = """\
exit codes: 0 done; 1 doctor found something to mend; 2 what was given cannot be used,
the last line of standard error says why; 130 interrupted (Ctrl-C)
"""
_PREDICT = """\
MODEL.json is what linmtl compare --save, or linmtl.export.to_json, has written of a
fitted model. Columns are found by the names that they had in fit; linmtl.prepare makes
indicators of text, such as clinic=north, and days of dates: so does this. What is
missing is filled in by models that were saved by linmtl compare, an error elsewhere.

examples:
  linmtl predict model.json visits.csv --task patient > predicted.csv
  zcat visits.csv.gz | linmtl predict model.json - --task patient --output predicted.csv
  linmtl predict model.json visits.csv --unknown-tasks mean > predicted.csv

The table written has the task of each row, its prediction and, of a classifier, the
probability of each class; its rows are those of the table read.

"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


class Progress:
    """What is going on, on stderr: one line written over, elsewhere one a step."""

    def __init__(self) -> None:
        self.terminal = sys.stderr is not None and sys.stderr.isatty()
        self.width = 0
        self.step: str | None = None

    def __call__(self, text: str) -> None:
        """Say what is done; text after that of a step and a comma is a part of it."""
        if self.terminal:
            self.flash(text)
        elif self.step is None or not text.startswith(f"{self.step},"):
            self.say(text)
            self.step = text

    def flash(self, text: str) -> None:
        """Say on a terminal what is soon done."""
        if self.terminal:
            print(f"\r{text:<{self.width}}", end="", file=sys.stderr, flush=True)
            self.width = len(text)

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self.clear()
        if sys.stderr is not None:
            print(text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.width:
            print(f"\r{'':<{self.width}}\r", end="", file=sys.stderr, flush=True)
            self.width = 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog="linmtl",
        description="Do your patients, sites or sensors predict better together than "
        "alone?\nMulti-task models against tasks learned alone: tuned, certified and "
        "judged on\nheld-out rows. Without a command: on bundled data.",
        epilog=_EXAMPLE + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"linmtl {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="")
    _add_compare(commands)
    _add_predict(commands)
    _add_doctor(commands)
    return parser


def _add_compare(commands: Any) -> None:
    one = commands.add_parser(
        "compare",
        help="which model is best for a table of yours, and whom does sharing help?",
        description="Which model is best for your table, and whom does sharing help or "
        "hurt?\nReads a table with a header line: CSV (comma, semicolon, tab or | "
        "between the\nfields; gzipped, zipped or neither) or, with pandas, Parquet and "
        "Excel. Whatever\nis done to it is said in a note.",
        epilog=_EXAMPLE + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.set_defaults(run=_run_file)
    one.add_argument(
        "file", metavar="FILE.csv", help="one row per observation; - is standard input"
    )
    one.add_argument("--target", required=True, metavar="COLUMN", help="to predict")
    one.add_argument(
        "--task", required=True, metavar="COLUMN", help="which task a row belongs to"
    )
    one.add_argument(
        "--features",
        action="append",
        metavar="LIST",
        help="columns to predict from, by name or pattern (default: all others)",
    )
    one.add_argument(
        "--drop",
        action="append",
        metavar="LIST",
        help="columns to leave out, by name or pattern, such as ids",
    )
    one.add_argument(
        "--models",
        default=",".join(DEFAULT_MODELS),
        metavar="LIST",
        help=f"from {','.join(MODELS)} (default: %(default)s); independent is always "
        "fitted",
    )
    one.add_argument(
        "--classify", action="store_true", help="the target is one of classes"
    )
    one.add_argument(
        "--loss",
        metavar="NAME",
        help=f"fit and judge by this loss: {losses_told()}, such as huber:2 (default: "
        "squared); models that do not take it are left out",
    )
    _add_offset(one, "no feature")
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
    _add_decimal(one)
    one.add_argument(
        "--no-transfer",
        action="store_true",
        help="do not test which tasks are helped and hurt; it takes the most time",
    )
    one.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="processes that compute at the same time, -1 for as many as there are "
        "processors (default: %(default)s); results do not depend on it",
    )
    one.add_argument(
        "--save",
        metavar="MODEL.json",
        help="fit the best model to all rows and write it here, for linmtl predict",
    )
    one.add_argument("--output", metavar="FILE.json", help="write every number here")
    one.add_argument(
        "--report",
        metavar="FILE",
        help="write a report with tables and pictures here: FILE.md is Markdown, any "
        "other name a page (HTML) in one file",
    )


def _add_predict(commands: Any) -> None:
    one = commands.add_parser(
        "predict",
        help="what does a model say of the rows of a table?",
        description="What does a model say of the rows of a table?\nReads the model "
        "from a file and the table as linmtl compare does; writes CSV.",
        epilog=_PREDICT + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.set_defaults(run=_run_predict)
    one.add_argument(
        "model", metavar="MODEL.json", help="by linmtl compare --save, or to_json"
    )
    one.add_argument(
        "file", metavar="TABLE", help="one row per prediction; - is standard input"
    )
    one.add_argument(
        "--task",
        metavar="COLUMN",
        help="which task a row belongs to (default: as in fit, if the model knows it)",
    )
    one.add_argument(
        "--features",
        action="append",
        metavar="LIST",
        help="the columns of a model that knows no names, in the order of fit "
        "(default: all others)",
    )
    one.add_argument(
        "--unknown-tasks",
        choices=("error", "mean"),
        metavar="HOW",
        help="rows of tasks that the model has not seen: error, or mean, by what its "
        "tasks have in common (default: as handle_unknown of the model)",
    )
    _add_offset(one, "default: the column as in fit")
    _add_decimal(one)
    one.add_argument(
        "--output", metavar="FILE.csv", help="write here, not to standard output"
    )


def _add_offset(one: argparse.ArgumentParser, more: str) -> None:
    either = one.add_mutually_exclusive_group()
    either.add_argument(
        "--offset",
        metavar="COLUMN",
        help="a known part of each row's linear predictor, on its scale: of counts the "
        f"logarithm of the exposure; {more}",
    )
    either.add_argument(
        "--exposure",
        metavar="COLUMN",
        help="the same of counts, before its logarithm is taken: days, persons, km",
    )


def _add_doctor(commands: Any) -> None:
    one = commands.add_parser(
        "doctor",
        help="is linmtl set up well on this machine?",
        description="Is linmtl set up well on this machine?\nVersions, threads, the "
        "folder of compiled code and whether it can be written to,\nand the time of a "
        "first fit.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.set_defaults(run=_run_doctor)
    one.add_argument(
        "--warm",
        action="store_true",
        help="compile now what any estimator needs, a minute or two once for all",
    )


def _add_decimal(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--decimal",
        choices=(".", ","),
        metavar="MARK",
        help="the decimal mark, . or , where a column can be read with either "
        "(default: as the other columns)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments; those of the process by default.

    Returns
    -------
    int
        0 on success, 1 if the doctor finds something to mend, 2 if something given
        cannot be used, 130 on Ctrl-C.
    """
    progress = Progress()
    try:
        given = sys.argv[1:] if argv is None else list(argv)
        arguments = make_parser().parse_args(given)
        arguments.command = one_line(shlex.join(["linmtl", *given]))
        run = getattr(arguments, "run", _run_bundled)
        # many small products: threads of BLAS would only wait for each other
        threads = None if run is _run_doctor else 1  # it says how many there are
        with threadpool_limits(threads, user_api="blas"):
            code = run(arguments, progress)
        sys.stdout.flush()
    except InputError as error:
        progress.clear()
        print(f"linmtl: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        progress.clear()
        return 130
    except BrokenPipeError:
        _forget_stdout()
        return 0
    return code


def _run_bundled(arguments: argparse.Namespace, progress: Progress) -> int:
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
    return 0


def _run_predict(arguments: argparse.Namespace, progress: Progress) -> int:
    places = {"--output": arguments.output}
    check_places(places, arguments.file)
    check_places(places, arguments.model)
    saved = read_model(arguments.model)
    progress.flash(f"reading {_name(arguments.file)}")
    predictions = predict_table(
        saved,
        read_table(arguments.file),
        task=arguments.task,
        features=arguments.features,
        decimal=arguments.decimal,
        offset=offset_column(arguments.offset, arguments.exposure),
        unknown_tasks=arguments.unknown_tasks,
    )
    for note in predictions.notes:
        progress.say(f"note: {note}")
    progress.clear()
    if arguments.output is None:
        print(predictions.to_csv(), end="")
    else:
        progress.say(write("--output", arguments.output, predictions.to_csv()))
    return 0


def _run_doctor(arguments: argparse.Namespace, progress: Progress) -> int:
    lines, well = diagnose(arguments.warm, progress)
    progress.clear()
    print("\n".join(lines))
    return 0 if well else 1


def _run_file(arguments: argparse.Namespace, progress: Progress) -> int:
    models = [name.strip() for name in arguments.models.split(",") if name.strip()]
    loss = _check_arguments(arguments, models)
    progress.flash(f"reading {_name(arguments.file)}")
    table = read_table(arguments.file)
    problem = make_problem(
        table,
        arguments.target,
        arguments.task,
        classify=arguments.classify,
        features=split_names(arguments.features, table.columns),
        drop=split_names(arguments.drop, table.columns),
        decimal=arguments.decimal,
        loss=loss,
        offset=offset_column(arguments.offset, arguments.exposure),
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
        n_jobs=arguments.jobs,
        loss=loss,
        offset=problem.offset,
    )
    progress.clear()
    title = _title(arguments, problem)
    files = arguments.save, arguments.output, arguments.report
    to_write = any(file is not None for file in files)
    _show(render(comparison, title, problem.notes), to_write)
    if arguments.save is not None:
        progress(f"fitting {comparison.best.label} to all rows")
        text = model_json(comparison, problem, arguments.task.strip())
        progress.say(write("--save", arguments.save, text))
    report = None
    if not arguments.no_transfer:
        progress("which tasks are helped and hurt")
        report = transfer_report(comparison, n_jobs=arguments.jobs)
        progress.clear()
    if report is not None and comparison.sharing is not None:
        _show(f"\n{render_transfer(report, comparison.sharing.label)}", to_write)
    if arguments.output is not None:
        text = _as_json(arguments, problem, comparison, report)
        progress.say(write("--output", arguments.output, text))
    if arguments.report is not None:
        origin = Origin(
            title,
            one_line(_name(arguments.file)),
            arguments.command,
            __version__,
            tuple(problem.notes),
        )
        blocks = blocks_of(comparison, report, origin)
        as_markdown = arguments.report.lower().endswith((".md", ".markdown"))
        page = (to_markdown if as_markdown else to_html)(blocks)
        progress.say(write("--report", arguments.report, page))
    return 0


def _show(text: str, to_write: bool) -> None:
    """Print at once; whether anyone reads it or not where there are files to write."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        if not to_write:
            raise
        _forget_stdout()


def _forget_stdout() -> None:
    """Write no more to a reader that has left, such as head."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _name(file: str) -> str:
    return "standard input" if file == STDIN else file


def _title(arguments: argparse.Namespace, problem: Problem) -> str:
    given = _name(arguments.file), arguments.target, arguments.task
    file, what, task = map(one_line, given)
    if problem.classes is not None:
        names, few = problem.classes, len(problem.classes) <= _FEW_CLASSES
        listed = " or ".join(map(one_line, names)) if few else name_list(names)
        what = f"{what} ({listed})"
    return f"{file}: predict {what}; a task is a {task}"


def _check_arguments(
    arguments: argparse.Namespace, models: Sequence[str]
) -> Loss | None:
    """Fail before the work rather than after it; return the loss that was asked for."""
    check_models(models)
    loss = None if arguments.loss is None else loss_named(arguments.loss)
    if loss is not None and arguments.classify:
        raise InputError("--loss is for numbers; --classify has the log-loss")
    if arguments.exposure is not None and (loss is None or loss.link != "log"):
        raise InputError(
            "--exposure is for losses of means exp(eta), such as --loss poisson; "
            "--offset names a column on the scale of the linear predictor"
        )
    if not 0 < arguments.train < 1:
        raise InputError(f"--train must be between 0 and 1, got {arguments.train:g}")
    if not 0 <= arguments.seed < 2**32:
        raise InputError(f"--seed must be from 0 to 2**32 - 1, got {arguments.seed}")
    if arguments.jobs == 0:
        raise InputError("--jobs must not be 0; pass -1 for as many as there can be")
    places = {
        "--save": arguments.save,
        "--output": arguments.output,
        "--report": arguments.report,
    }
    check_places(places, arguments.file)
    return loss


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
        "offset": arguments.offset,
        "exposure": arguments.exposure,
        "command": arguments.command,
        "classes": problem.classes,
        "notes": problem.notes,
    }
    result = {**to_json(comparison, data), "transfer": transfer_json(report)}
    return json.dumps(result, indent=1, allow_nan=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
