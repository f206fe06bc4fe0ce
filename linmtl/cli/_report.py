"""A comparison as text for people and as JSON for programs."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from linmtl.cli._models import KINDS
from linmtl.cli._results import MARGIN, Comparison, Honest, ModelResult
from linmtl.data._labels import one_line
from linmtl.transfer import NegativeTransferReport

WIDTH = 80
_LISTED = 5  # tasks shown as helped and as hurt most
_LABEL_WIDTH = 24
_LONG = 1e4  # a share from which on its power of ten says enough


def number(value: float, digits: int = 2) -> str:
    """Write a number with few significant digits, short wherever it lies."""
    if value == 0 or not np.isfinite(value):
        return "0" if value == 0 else "-"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if -2 <= int(exponent) < digits:
        return f"{value:.{digits}g}"
    if digits <= int(exponent) < 4:
        return f"{value:.0f}"
    return f"{mantissa}e{int(exponent)}"


def columns_of_text(
    rows: Sequence[Sequence[str]], left: Iterable[int] = (0,), gap: str = "  "
) -> list[str]:
    """Align rows of text, to the left in the columns named, else to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = set(left)
    return [
        gap.join(
            field.ljust(width) if j in left else field.rjust(width)
            for j, (field, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def paragraph(text: str, indent: str = "", first: str | None = None) -> str:
    """Wrap text to the width of a terminal."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def render(comparison: Comparison, title: str, about: Sequence[str] = ()) -> str:
    """Return what is printed: data, notes, table, legend, tasks helped and hurt.

    Parameters
    ----------
    comparison : Comparison
        The results.
    title : str
        What is predicted.
    about : sequence of str, default=()
        Notes that come before the comparison's own.
    """
    notes = [*about, *comparison.notes]
    blocks = [
        "\n".join(
            [title, _sizes(comparison)]
            + [paragraph(note, "  ", "- ") for note in notes]
        ),
        _table(comparison),
        paragraph(verdict(comparison)),
        *(paragraph(text) for text in choice(comparison)),
        _legend(comparison),
    ]
    if comparison.sharing is not None:
        blocks.append(_tasks(comparison, comparison.sharing))
    return "\n\n".join(blocks)


def _sizes(c: Comparison) -> str:
    return paragraph(
        f"{len(c.tasks)} tasks, {len(c.feature_names)} "
        f"feature{'s' * (len(c.feature_names) > 1)}; {c.n_train.sum()} "
        f"rows to train ({100 * c.train_size:g} % of each task: {c.n_train.min()} to "
        f"{c.n_train.max()}), {c.n_test.sum()} to test; seed {c.random_state}"
    )


def _table(c: Comparison) -> str:
    score, within = c.words.all_rows, c.words.within
    rows = [
        ("", "", score, within, "median", "better/", "", ""),
        ("model", "alpha", "all", "within", "saved", "worse", "gap", "sec"),
    ]
    shown = c.leaderboard
    for model in shown:
        rows.append(
            (
                model.label,
                strength(model),
                f"{model.score:.3f}",
                f"{model.within:.3f}",
                *against_alone(c, model),
                certificate(model),
                f"{model.seconds:.1f}" if np.isfinite(model.seconds) else "-",
            )
        )
    lines = columns_of_text(rows, left=(0, 1))
    rule = "-" * max(map(len, lines))
    marked = [
        line + " <" * (model is c.best)
        for line, model in zip(lines[2:], shown, strict=True)
    ]
    return "\n".join([*lines[:2], rule, *marked])


def against_alone(c: Comparison, model: ModelResult) -> tuple[str, str]:
    """Return what a model saves in the median task, and the tasks better and worse."""
    if model is c.alone:
        return "-", "-"
    better, _, worse = c.against_alone(model)
    return percent(c.median_saved(model)), f"{better}/{worse}"


def certificate(model: ModelResult) -> str:
    """Write a gap, marked where it is above the tolerance."""
    return number(model.gap, 1) + "!" * (not model.certified)


def percent(share: float) -> str:
    """Write a share with its sign."""
    if not np.isfinite(share):
        return "-"
    if abs(share) >= _LONG:
        return f"{100 * share:+.0e} %".replace("e+", "e")
    return f"{100 * share:+.{0 if abs(share) >= 10 else 1}f} %"


def strength(model: ModelResult) -> str:
    """Write what was chosen for alpha."""
    if model.name in KINDS and not KINDS[model.name].by_folds:
        return "REML"
    if isinstance(model.alpha, np.ndarray):
        ends = [number(f(model.alpha), 1) for f in (np.min, np.max)]
        return " to ".join(dict.fromkeys(ends))
    null = " null" * (model.is_null and math.isfinite(model.alpha))
    return number(model.alpha) + "*" * model.at_end + null


def verdict(c: Comparison) -> str:
    """Say which model is best, how sure that is, and what is no merit of it."""
    shared = c.sharing
    if shared is None:
        return "Only the tasks alone were fitted: nothing to compare."
    return " ".join([_best(c), _against_alone(c, shared), *_caveats(c, shared)])


def choice(c: Comparison) -> list[str]:
    """Say what would be taken for new rows, and what that is worth; nothing of one."""
    if c.auto is None:
        return []
    auto, order = c.auto, np.argsort(-c.auto.weights, kind="stable")
    parts = [
        f"{c.models[k].label} {auto.weights[k]:.2f}"
        for k in order.tolist()
        if auto.weights[k] >= 0.005
    ]
    what = "log-loss of a row" if c.classify else f"{c.words.within} within"
    return [
        f"{auto.estimator} with these models takes {auto.best.label} "
        f'(selection="best"): {what} {_honest(c, auto.best_loss)} without the luck of '
        f"the choice; or stacks them ({', '.join(parts)}): "
        f"{_honest(c, auto.stack_loss)}."
    ]


def _honest(c: Comparison, honest: Honest) -> str:
    """Write a loss with its interval, of numbers as the variance explained within."""
    values = np.array([honest.loss, *honest.interval])
    if not c.classify:
        values = 1.0 - c.n_test.sum() * values[[0, 2, 1]] / (c.n_test @ c.variance)
    middle, low, high = values
    return f"{middle:.3f} (95 % interval {low:.3f} to {high:.3f})"


def _best(c: Comparison) -> str:
    within = f"{c.words.measure} within tasks {c.best.within:.3f}"
    if c.best is c.levels:
        return (
            f"No model is better than the {c.levels.label}, {within}: "
            "nothing is learned from the features."
        )
    if c.best is c.alone:
        return f"Best: learning alone, {within}. On these data sharing does not help."
    return f"Best: {c.best.label}, {within}."


def _against_alone(c: Comparison, model: ModelResult) -> str:
    difference, error = c.difference(model)
    spread = f" +- {error:.3f}" if np.isfinite(error) else ""
    better, equal, worse = c.against_alone(model)
    return (
        f"{model.label} against alone: {model.within:.3f} against "
        f"{c.alone.within:.3f} (difference {difference:+.3f}{spread}, standard error "
        f"over tasks), {c.words.loss} saved in the median task "
        f"{percent(c.median_saved(model))}; of {better + equal + worse} tasks {better} "
        f"are better, {worse} worse, {equal} equal."
    )


def _caveats(c: Comparison, shared: ModelResult) -> list[str]:
    """Say where a saving is no sign of anything shared."""
    alone, levels = c.alone, c.levels
    if shared.is_null and alone.is_null:
        return [
            f"Both are null, as good as the {levels.label}: what one saves against the "
            "other is chance."
        ]
    if shared.is_null:
        return [
            f"{shared.label} is null, its coefficients are zero: it is the "
            f"{levels.label}, and saves what learning alone overfits."
        ]
    if alone.is_null:
        return [
            f"Alone, the features count in no task: a saving is one against the "
            f"{levels.label}."
        ]
    said = []
    if c.merit(alone) < c.merit(levels):
        said.append(
            f"Learning alone is worse than the {levels.label}, {levels.within:.3f}: "
            "compare with these."
        )
    if 2 * alone.null_tasks >= len(c.tasks):
        said.append(
            f"Alone, the features count in {len(c.tasks) - alone.null_tasks} of "
            f"{len(c.tasks)} tasks only."
        )
    return said


def _legend(c: Comparison) -> str:
    terms = explained(c)
    width = max(len(term) for term, _ in terms) + 2
    return "\n".join(
        paragraph(text, " " * width, term.ljust(width)) for term, text in terms
    )


def explained(c: Comparison) -> list[tuple[str, str]]:
    """Return the terms of the table, columns and models, and what they mean."""
    loss = c.words.short
    alpha = f"by {c.cv}-fold cross-validation in training (a range: one per task)"
    if any(model.at_end for model in c.models):
        alpha += "; *: the last one tried, a better one may lie beyond"
    if any(strength(model) == "REML" for model in c.models):
        alpha += "; REML: variances by the restricted likelihood"
    if any(model.is_null for model in c.models):
        alpha += "; null: all coefficients are zero"
    terms = [
        *_score_terms(c),
        ("saved", f"of the task's test {loss} when learned alone, median over tasks"),
        (
            "better",
            f"tasks with a test {loss} over {100 * MARGIN:g} % lower than alone "
            "(worse: higher)",
        ),
        ("gap", _certificates(c)),
        ("alpha", alpha),
    ]
    terms += [(m.label, _shares(m)) for m in c.models if m is not c.alone]
    if c.auto is not None:
        terms.append(
            (
                c.auto.stack.label,
                "of the models, with weights that other test rows give",
            )
        )
    others = "all others" if any(m.name == "global" for m in c.models) else "all models"
    return [
        *terms,
        (c.levels.label, "of the training rows, without features: what is to beat"),
        (others, "have an intercept for each task"),
    ]


def _shares(model: ModelResult) -> str:
    """Say what the tasks share, and the second strength if there is one."""
    text = f"shares {model.shares}"
    for name, value in model.second.items():
        text += f" ({name} = {number(value)}, chosen with alpha)"
    return text


def _score_terms(c: Comparison) -> list[tuple[str, str]]:
    if c.classify:
        return [
            ("acc. all", "accuracy over all test rows"),
            ("loss within", f"mean over tasks of the log-loss ({_chance(c)})"),
        ]
    if c.loss.name != "squared":
        loss = c.words.loss
        return [
            (
                "D2 all",
                f"part explained of the {loss} of all rows about one level",
            ),
            (
                "D2 within",
                "part explained of that about each task's level, 1 - sum of the "
                f"{loss} / sum about the levels: judge by this",
            ),
        ]
    return [
        ("R2 all", "over all test rows; knowing the tasks' levels alone can do it"),
        (
            "R2 within",
            "1 - sum SSE / sum SST, squares about each task's mean: judge by this",
        ),
    ]


def _chance(c: Comparison) -> str:
    if c.data.n_classes == 2:
        return "tossing a coin: 0.693"
    n = c.data.n_classes
    return f"all {n} classes alike: {math.log(n):.3f}"


def _certificates(c: Comparison) -> str:
    tol = number(c.models[0].tol, 1)
    text = "relative distance to the optimum at most; "
    if all(model.certified for model in c.models):
        return f"{text}certified to {tol}"
    return f"{text}!: above the tolerance, {tol}"


def _tasks(c: Comparison, model: ModelResult) -> str:
    """List the tasks that a model helps and hurts most."""
    difference = model.task_loss - c.alone.task_loss
    order = [int(t) for t in np.argsort(difference) if np.isfinite(difference[t])]
    helped = [t for t in order[:_LISTED] if difference[t] < 0]
    hurt = [t for t in order[::-1][:_LISTED] if difference[t] > 0]
    loss = c.words.short
    error = "RMSE" if loss == "MSE" else loss
    head = ("", "task", "rows", f"{error} alone", model.label, f"{loss} saved")
    rows = [head]
    for word, listed in (("helped", helped), ("hurt", hurt)):
        rows += [
            (word if i == 0 else "", *_task_row(c, model, t))
            for i, t in enumerate(listed)
        ]
    title = f"Tasks that {model.label} helps and hurts most, by difference of {loss}"
    return "\n".join([paragraph(title), *columns_of_text(rows)])


def render_transfer(report: NegativeTransferReport, label: str) -> str:
    """Return which tasks a model helps and hurts, of each kind the clearest.

    Parameters
    ----------
    report : NegativeTransferReport
        The verdicts on all tasks.
    label : str
        What the model is called.
    """
    alone = report.alone
    rows = [("", "task", "rows", "saved", f"{100 * (1 - report.level):g} % interval")]
    for word in ("helped", "hurt"):
        chosen = np.flatnonzero(alone.verdict == word)
        size = np.nan_to_num(np.abs(alone.effect[chosen]), nan=np.inf)
        chosen = chosen[np.argsort(-size)][:_LISTED]
        for i, t in enumerate(chosen):
            rows.append(
                (
                    word if i == 0 else "",
                    shortened(report.tasks[t]),
                    str(report.n_samples[t]),
                    *alone.shown(t)[:2],
                )
            )
    n_splits = len(report.losses["model"])
    title = (
        f"{label} against learning alone on all rows, held out in turn ({n_splits} "
        f"parts, both tuned on others): the {report.loss} of a task falls "
        f"(helped) or rises (hurt) beyond chance, false discovery rate {report.level:g}"
    )
    blocks = [paragraph(title)]
    if len(rows) > 1:
        blocks += columns_of_text(rows)
    return "\n".join([*blocks, paragraph(report.summary)])


def shortened(label: Any) -> str:
    """Return a task label as text that fits into a table."""
    name = one_line(label)
    if len(name) > _LABEL_WIDTH:
        name = name[: _LABEL_WIDTH - 3] + "..."
    return name


def _task_row(c: Comparison, model: ModelResult, t: int) -> tuple[str, ...]:
    """Return name, training rows, error alone and with a model, saving."""
    errors = [
        # in the target's unit
        np.sqrt(m.task_loss) if c.words.short == "MSE" else m.task_loss
        for m in (c.alone, model)
    ]
    largest = float(np.nanmax(errors[0]))
    decimals = 3 - math.floor(math.log10(largest)) if largest > 0 else 3
    shown = (f"{error[t]:.{max(decimals, 0)}f}" for error in errors)
    saved = percent(c.saved(model)[t])
    return shortened(c.tasks[t]), str(c.n_train[t]), *shown, saved
