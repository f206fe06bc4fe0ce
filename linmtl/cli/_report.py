"""A comparison as text for people and as JSON for programs."""

from __future__ import annotations

import math
import platform
import textwrap
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from linmtl.cli._compare import (
    EPS,
    MARGIN,
    N_ALPHAS,
    SECOND_STRENGTHS,
    Comparison,
    ModelResult,
)
from linmtl.data._labels import one_line
from linmtl.transfer import NegativeTransferReport

WIDTH = 80
_LISTED = 5  # tasks shown as helped and as hurt most
_LABEL_WIDTH = 24
_PACKAGES = ("numpy", "scipy", "scikit-learn", "numba")


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
        _verdict(comparison),
        _legend(comparison),
    ]
    if comparison.best is not comparison.alone:
        blocks.append(_tasks(comparison))
    return "\n\n".join(blocks)


def _sizes(c: Comparison) -> str:
    return paragraph(
        f"{len(c.tasks)} tasks, {len(c.feature_names)} "
        f"feature{'s' * (len(c.feature_names) > 1)}; {c.n_train.sum()} "
        f"rows to train ({100 * c.train_size:g} % of each task: {c.n_train.min()} to "
        f"{c.n_train.max()}), {c.n_test.sum()} to test; seed {c.random_state}"
    )


def _table(c: Comparison) -> str:
    score, within = ("acc.", "loss") if c.classify else ("R2", "R2")
    rows = [
        ("", "", score, within, "tasks", "tasks", "", ""),
        ("model", "alpha", "all", "within", "better", "worse", "gap", "sec"),
    ]
    for model in c.models:
        better, _, worse = c.against_alone(model)
        alone = model is c.alone
        rows.append(
            (
                model.label,
                _alpha(model),
                f"{model.score:.3f}",
                f"{model.within:.3f}",
                "-" if alone else str(better),
                "-" if alone else str(worse),
                number(model.gap, 1) + ("" if model.certified else "!"),
                f"{model.seconds:.1f}",
            )
        )
    lines = columns_of_text(rows, left=(0, 1))
    rule = "-" * max(map(len, lines))
    marked = [
        line + " <" * (model is c.best)
        for line, model in zip(lines[2:], c.models, strict=True)
    ]
    return "\n".join([*lines[:2], rule, *marked])


def _alpha(model: ModelResult) -> str:
    if isinstance(model.alpha, np.ndarray):
        low, high = model.alpha.min(), model.alpha.max()
        return f"{number(low, 1)} to {number(high, 1)} each"
    return number(model.alpha) + "*" * model.at_end


def _verdict(c: Comparison) -> str:
    """Say in a sentence which model is best, and how sure that is."""
    best, alone = c.best, c.alone
    if best is alone:
        return paragraph("Only the tasks alone were fitted: nothing to compare.")
    per_task = (lambda m: m.task_loss) if c.classify else (lambda m: m.task_score)
    gain = per_task(best) - per_task(alone)
    gain = gain[np.isfinite(gain)]
    error = gain.std(ddof=1) / math.sqrt(gain.size) if gain.size > 1 else math.nan
    better, equal, worse = c.against_alone(best)
    measure = "log-loss" if c.classify else "explained variance"
    spread = f" +- {error:.3f}" if np.isfinite(error) else ""
    text = (
        f"Best of the models that share: {best.label}, {measure} within tasks "
        f"{best.within:.3f} against {alone.within:.3f} alone (difference "
        f"{gain.mean():+.3f}{spread}, standard error over tasks); of "
        f"{better + equal + worse} tasks {better} are better, {worse} worse, "
        f"{equal} equal."
    )
    helps = gain.mean() < 0 if c.classify else gain.mean() > 0
    if not helps:
        text += " On these data sharing does not help."
    return paragraph(text)


def _legend(c: Comparison) -> str:
    """Explain the columns and the models, one term a line."""
    loss = "log-loss" if c.classify else "MSE"
    alpha = f"by {c.cv}-fold cross-validation in training (each: one per task)"
    if any(model.at_end for model in c.models):
        alpha += "; *: the last one tried, a better one may lie beyond"
    terms = [
        *_score_terms(c),
        (
            "better",
            f"test {loss} over {100 * MARGIN:g} % lower than alone (worse: higher)",
        ),
        ("gap", _certificates(c)),
        ("alpha", alpha),
    ]
    shares = [(m.label, _shares(m)) for m in c.models if m is not c.alone]
    terms += [*shares, ("all models", "have an intercept for each task")]
    width = max(len(term) for term, _ in terms) + 2
    return "\n".join(
        paragraph(text, " " * width, term.ljust(width)) for term, text in terms
    )


def _shares(model: ModelResult) -> str:
    """Say what the tasks share, and the second strength if there is one."""
    text = f"shares {model.shares}"
    low, high = (number(f(SECOND_STRENGTHS), 1) for f in (min, max))
    for name, value in model.second.items():
        text += f" ({name} = {number(value)}, chosen with alpha from {low} to {high})"
    return text


def _score_terms(c: Comparison) -> list[tuple[str, str]]:
    if c.classify:
        return [
            ("acc. all", "accuracy over all test rows"),
            ("loss within", "mean over tasks of the log-loss (tossing a coin: 0.693)"),
        ]
    unjudged = int(np.sum(np.isnan(c.alone.task_score)))
    left_out = f" (tasks left out, as their test targets do not vary: {unjudged})"
    return [
        ("R2 all", "over all test rows; knowing the tasks' levels alone can do it"),
        (
            "R2 within",
            "mean over tasks of 1 - SSE_t / SST_t: judge by this"
            + left_out * (unjudged > 0),
        ),
    ]


def _certificates(c: Comparison) -> str:
    tol = number(c.models[0].tol, 1)
    text = "relative distance to the optimum at most; "
    if all(model.certified for model in c.models):
        return f"{text}certified to {tol}"
    return f"{text}!: above the tolerance, {tol}"


def _tasks(c: Comparison) -> str:
    """List the tasks that the best model helps and hurts most."""
    difference = c.best.task_loss - c.alone.task_loss
    order = [int(t) for t in np.argsort(difference) if np.isfinite(difference[t])]
    helped = [t for t in order[:_LISTED] if difference[t] < 0]
    hurt = [t for t in order[::-1][:_LISTED] if difference[t] > 0]
    error = "log-loss" if c.classify else "RMSE"
    head = ("", "task", "rows", f"{error} alone", c.best.label, "saved")
    rows = [head]
    for word, listed in (("helped", helped), ("hurt", hurt)):
        rows += [
            (word if i == 0 else "", *_task_row(c, t)) for i, t in enumerate(listed)
        ]
    title = (
        f"Tasks that {c.best.label} helps and hurts most, by the difference of the "
        f"{'log-loss' if c.classify else 'MSE'}"
    )
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
        f"{label} against learning alone over {n_splits} random splits, both tuned "
        "anew in each: the "
        f"{report.loss} of a task falls (helped) or rises (hurt) beyond chance, false "
        f"discovery rate {report.level:g}"
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


def transfer_json(report: NegativeTransferReport | None) -> dict[str, Any] | None:
    """Return every number of a report on transfer in types that JSON knows."""
    if report is None:
        return None
    return plain(
        {
            "model": report.model,
            "loss": report.loss,
            "n_splits": len(report.losses["model"]),
            "false_discovery_rate": report.level,
            "summary": report.summary,
            "tasks": [
                {
                    "task": report.tasks[t],
                    "n_samples": report.n_samples[t],
                    **{
                        f"{what}_{name}": getattr(comparison, what)[t]
                        for name, comparison in (
                            ("alone", report.alone),
                            ("pooled", report.pooled),
                        )
                        for what in ("effect", "low", "high", "adjusted", "verdict")
                    },
                }
                for t in range(len(report.tasks))
            ],
        }
    )


def _task_row(c: Comparison, t: int) -> tuple[str, ...]:
    """Return name, training rows, error alone and with the best model, saving."""
    alone, best = _shown_error(c, c.alone), _shown_error(c, c.best)
    largest = float(np.nanmax(alone))
    decimals = 3 - math.floor(math.log10(largest)) if largest > 0 else 3
    name = shortened(c.tasks[t])
    saved = "-"
    if alone[t] > 1e-9 * best[t]:  # else alone it is nothing but rounding
        saved = f"{100 * (1 - best[t] / alone[t]):+.1f} %"
    shown = (f"{error[t]:.{max(decimals, 0)}f}" for error in (alone, best))
    return name, str(c.n_train[t]), *shown, saved


def _shown_error(c: Comparison, model: ModelResult) -> np.ndarray:
    """Return the task losses in the unit in which people think of them."""
    return model.task_loss if c.classify else np.sqrt(model.task_loss)


def to_json(comparison: Comparison, data: dict[str, Any]) -> dict[str, Any]:
    """Return every number of a comparison in types that JSON knows.

    Parameters
    ----------
    comparison : Comparison
        The results.
    data : dict
        What is known of the data: file, target, task and so on.
    """
    c = comparison
    return plain(
        {
            "linmtl": _version(),
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in _PACKAGES},
            },
            "data": {
                **data,
                "kind": "classification" if c.classify else "regression",
                "n_tasks": len(c.tasks),
                "n_train": c.n_train.sum(),
                "n_test": c.n_test.sum(),
                "features": c.feature_names,
            },
            "settings": {
                "train": c.train_size,
                "seed": c.random_state,
                "folds": c.cv,
                "n_alphas": N_ALPHAS,
                "smallest_alpha": EPS,
                "second_strengths": SECOND_STRENGTHS,
                "margin": MARGIN,
                "tol": c.models[0].tol,
            },
            "notes": c.notes,
            "best": c.best.name,
            "models": [_model_json(c, model) for model in c.models],
        }
    )


def _model_json(c: Comparison, m: ModelResult) -> dict[str, Any]:
    better, equal, worse = c.against_alone(m)
    loss, score, all_rows = (
        ("log_loss", "accuracy", "accuracy")
        if c.classify
        else ("mse", "explained_variance", "r2")
    )
    alphas = np.broadcast_to(m.alpha, c.tasks.shape)
    return {
        "model": m.name,
        "estimator": m.estimator,
        "alpha": None if isinstance(m.alpha, np.ndarray) else m.alpha,
        "alpha_at_end": m.at_end,
        **m.second,
        all_rows: m.score,
        f"mean_{loss if c.classify else score}": m.within,
        "tasks_better": better,
        "tasks_equal": equal,
        "tasks_worse": worse,
        "gap": m.gap,
        "certified": m.certified,
        "n_iter": m.n_iter,
        "seconds": m.seconds,
        "tasks": [
            {
                "task": c.tasks[t],
                "n_train": c.n_train[t],
                "n_test": c.n_test[t],
                "alpha": alphas[t],
                loss: m.task_loss[t],
                score: m.task_score[t],
            }
            for t in range(len(c.tasks))
        ],
    }


def plain(value: Any) -> Any:
    """Turn NumPy's types into Python's, and what is not finite into None."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _version() -> str:
    from linmtl import __version__

    return __version__
