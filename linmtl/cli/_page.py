"""What a report of a comparison says, part by part, before it becomes a format."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from linmtl.cli._report import (
    against_alone,
    certificate,
    choice,
    explained,
    number,
    strength,
    verdict,
)
from linmtl.cli._results import Comparison
from linmtl.data._labels import one_line
from linmtl.transfer import NegativeTransferReport

MOST_LISTED = 40  # tasks of which each has its line and its point
_ENDS = 10  # of more tasks: those at the top and at the bottom
_NAMED = 10  # tasks named beside a verdict


class Heading(NamedTuple):
    text: str
    level: int = 2


class Text(NamedTuple):
    text: str
    kind: str = ""  # "lead" or "note"


class Items(NamedTuple):
    lines: list[str]


class Table(NamedTuple):
    caption: str
    head: Sequence[str]
    rows: list[tuple[str, Sequence[str]]]  # a kind for the looks, and the cells
    words: tuple[int, ...] = (0,)  # columns of words: the others are numbers


class Picture(NamedTuple):
    png: bytes | None  # None without matplotlib
    alt: str


class Terms(NamedTuple):
    pairs: list[tuple[str, str]]


class Code(NamedTuple):
    text: str


Block = Heading | Text | Items | Table | Picture | Terms | Code


@dataclass(frozen=True)
class Origin:
    """What a comparison was made from.

    Attributes
    ----------
    title : str
        What is predicted.
    file : str
        The table.
    command : str
        The command line.
    version : str
        Of linmtl.
    notes : tuple of str
        What was done to the table.
    """

    title: str
    file: str = ""
    command: str = ""
    version: str = ""
    notes: tuple[str, ...] = ()


def blocks_of(
    comparison: Comparison, report: NegativeTransferReport | None, origin: Origin
) -> list[Block]:
    """Return the parts of a report, the answer first.

    Parameters
    ----------
    comparison : Comparison
        The models.
    report : NegativeTransferReport or None
        The verdicts on the tasks.
    origin : Origin
        What the comparison was made from.
    """
    blocks: list[Block] = [Heading(origin.title, 1)]
    label = "" if comparison.sharing is None else comparison.sharing.label
    if report is None:
        blocks.append(Text(verdict(comparison), "lead"))
    else:
        lead, _, rest = report.answer.partition(": ")
        blocks += [
            Text(f"{lead}.", "lead"),
            Text(f"{rest[:1].upper()}{rest[1:]} Sharing is the {label} model here."),
            *(Text(caution, "note") for caution in report.cautions),
            Heading("Who is helped, who is hurt"),
            _verdicts(report),
            _picture(report),
            *_tasks(report),
        ]
    blocks += [Heading("Leaderboard"), _models(comparison)]
    if report is not None:
        blocks.append(Text(verdict(comparison)))
    blocks += [Text(text) for text in choice(comparison)]
    return [
        *blocks,
        Heading("Strengths chosen"),
        _strengths(comparison),
        Heading("How this was made"),
        *_made(comparison, origin),
        Heading("Glossary"),
        Terms(glossary(comparison, report)),
    ]


def _verdicts(report: NegativeTransferReport) -> Table:
    margin = f"{100 * report.margin:g} %"
    meaning = {
        "helped": "the loss falls beyond chance",
        "hurt": "the loss rises beyond chance",
        "equivalent": f"any difference is within {margin} of the loss",
        "undecided": "too few or too noisy rows to tell",
    }
    rows = []
    for word, text in meaning.items():
        mine = np.flatnonzero(report.verdict == word)
        mine = mine[np.argsort(-np.abs(np.nan_to_num(report.alone.effect[mine])))]
        names = ", ".join(one_line(task) for task in report.tasks[mine[:_NAMED]])
        if len(mine) > _NAMED:
            names += f" and {len(mine) - _NAMED} more"
            names = names if word != "undecided" else ""
        rows.append((word, (word, str(len(mine)), text, names or "-")))
    head = ("verdict", "tasks", "meaning", "largest effects first")
    return Table(
        f"Verdicts on {len(report.tasks)} tasks, against learning alone",
        head,
        rows,
        words=(0, 2, 3),
    )


def _tasks(report: NegativeTransferReport) -> list[Table]:
    alone = report.alone
    order = np.argsort(-np.nan_to_num(alone.effect, nan=-np.inf), kind="stable")
    if len(order) <= MOST_LISTED:
        return [_table_of_tasks(report, order, "Every task, largest saving first")]
    return [
        _table_of_tasks(report, order[:_ENDS], f"The {_ENDS} largest savings"),
        _table_of_tasks(report, order[-_ENDS:], f"The {_ENDS} smallest savings"),
    ]


def _table_of_tasks(
    report: NegativeTransferReport, chosen: np.ndarray, caption: str
) -> Table:
    alone = report.alone
    percent = f"{100 * (1 - report.level):g} % interval"
    head = ("task", "rows", "saved", percent, "p", "verdict", "against pooled")
    rows = []
    for t in chosen:
        cells = (
            one_line(report.tasks[t]),
            str(report.n_samples[t]),
            *alone.shown(int(t)),
            str(alone.verdict[t]),
            str(report.pooled.verdict[t]),
        )
        rows.append((str(alone.verdict[t]), cells))
    return Table(caption, head, rows, words=(0, 5, 6))


def _models(c: Comparison) -> Table:
    score, within = f"{c.words.all_rows} all", f"{c.words.within} within"
    head = ("model", within, score, "saved", "better/worse", "gap", "seconds")
    rows = []
    for model in sorted(c.leaderboard, key=c.merit, reverse=True):
        cells = (
            model.label,
            f"{model.within:.3f}",
            f"{model.score:.3f}",
            *against_alone(c, model),
            certificate(model),
            f"{model.seconds:.1f}" if np.isfinite(model.seconds) else "-",
        )
        rows.append(("best" if model is c.best else "", cells))
    return Table(f"Models on {c.n_test.sum()} test rows, best first", head, rows)


def _strengths(c: Comparison) -> Table:
    rows = []
    for model in c.models:
        second = [f"{name} = {number(value)}" for name, value in model.second.items()]
        cells = (model.label, model.shares, strength(model), ", ".join(second) or "-")
        rows.append(("", cells))
    head = ("model", "shares", "alpha", "other")
    return Table(
        f"By {c.cv}-fold cross-validation in training", head, rows, words=(0, 1, 3)
    )


def _made(c: Comparison, origin: Origin) -> list[Block]:
    lines = [
        f"data: {origin.file}, " * bool(origin.file)
        + f"{len(c.tasks)} tasks, {c.n_train.sum() + c.n_test.sum()} rows",
        f"features ({len(c.feature_names)}): "
        + ", ".join(one_line(name) for name in c.feature_names),
        f"leaderboard: {c.n_train.sum()} rows to train ({100 * c.train_size:g} % of "
        f"each task), {c.n_test.sum()} to test, seed {c.random_state}",
    ]
    lines += [*origin.notes, *c.notes]
    if origin.version:
        lines.append(f"linmtl {origin.version}")
    blocks: list[Block] = [Items(lines)]
    return [Code(origin.command), *blocks] if origin.command else blocks


def glossary(
    c: Comparison, report: NegativeTransferReport | None
) -> list[tuple[str, str]]:
    """Return the terms of a report and what they mean."""
    terms = []
    if report is not None:
        terms = [
            ("learning alone", "a ridge of its own for each task, tuned: the baseline"),
            (
                "against pooled",
                "the verdict against one model for all tasks, with an intercept for "
                "each",
            ),
            (
                "saved, of a task",
                f"what sharing takes off the held-out {report.loss} of a task learned "
                "alone (minus: adds to it)",
            ),
            (
                "interval",
                "where the saving on average lies, of each task on its own. "
                + report.target,
            ),
            (
                "p",
                "how often a difference as large is chance where there is none; "
                "adjusted for the number of tasks, so that of the tasks called helped "
                f"or hurt at most {100 * report.level:g} % are so by chance",
            ),
        ]
    of_models = [
        (f"{term}, of a model" if term == "saved" else term, text)
        for term, text in explained(c)
    ]
    return [*terms, *of_models]


def _picture(report: NegativeTransferReport) -> Picture:
    """Return the effects on the tasks drawn: each, or beyond 40 how many are where."""
    effect = 100 * report.alone.effect[np.isfinite(report.alone.effect)]
    alt = "No task has an effect that can be drawn."
    if effect.size:
        least, low, middle, high, most = np.quantile(effect, (0, 0.25, 0.5, 0.75, 1))
        alt = (
            f"Held-out loss saved by sharing in {effect.size} tasks: from {least:+.0f} "
            f"to {most:+.0f} %, half of them from {low:+.1f} to {high:+.1f} %, median "
            f"{middle:+.1f} %; above zero in {np.sum(effect > 0)}."
        )
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return Picture(None, alt)
    many = len(report.tasks) > MOST_LISTED
    height = 3.6 if many else 1.3 + 0.24 * len(report.tasks)
    figure = Figure(figsize=(8, height), layout="constrained")
    FigureCanvasAgg(figure)
    report.plot(figure.subplots(), kind="histogram" if many else "points")
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=140)
    return Picture(image.getvalue(), alt)
