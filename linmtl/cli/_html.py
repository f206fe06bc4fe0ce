"""A comparison as one HTML page: tables, and pictures inside the file."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence

import numpy as np

from linmtl.cli._report import (
    against_alone,
    certificate,
    explained,
    strength,
    verdict,
)
from linmtl.cli._results import Comparison
from linmtl.data._labels import one_line
from linmtl.transfer import NegativeTransferReport

_STYLE = """\
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 62em;
       margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.4em; } h2 { font-size: 1.1em; margin-top: 2em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
tr.best { font-weight: bold; } .helped { color: #1b6e3c; } .hurt { color: #a3261b; }
img { max-width: 100%; } .summary { background: #f4f4f2; padding: .7em 1em; }
p.note { color: #555; margin: .2em 0; }
dl { display: grid; grid-template-columns: max-content auto; gap: .15em 1em;
     color: #555; font-size: .9em; } dd { margin: 0; }
"""


def to_html(
    comparison: Comparison,
    report: NegativeTransferReport | None,
    title: str,
    about: Sequence[str] = (),
) -> str:
    """Return a page that needs no network.

    Parameters
    ----------
    comparison : Comparison
        The models.
    report : NegativeTransferReport or None
        The verdicts on the tasks.
    title : str
        What is predicted.
    about : sequence of str, default=()
        Notes that come before the comparison's own.

    Returns
    -------
    str
        HTML; pictures are in it where matplotlib is installed.
    """
    body = [f"<h1>{html.escape(title)}</h1>", f"<p>{_sizes(comparison)}</p>"]
    body += [
        f'<p class="note">{html.escape(note)}</p>'
        for note in [*about, *comparison.notes]
    ]
    body += [
        "<h2>Models</h2>",
        _models(comparison),
        f'<p class="summary">{html.escape(verdict(comparison))}</p>',
        _legend(comparison),
    ]
    if report is not None and comparison.sharing is not None:
        label = html.escape(comparison.sharing.label)
        body += [
            f"<h2>{label}: tasks helped and hurt</h2>",
            f'<p class="summary">{html.escape(report.summary)}</p>',
            _picture(report),
            _tasks(report),
            "<p>Saved: what sharing takes off the held-out loss of the task learned "
            f"alone (minus: adds to it), over {len(report.losses['model'])} random "
            "splits, all models tuned anew in each; p: corrected resampled t-test, "
            "adjusted for the number of tasks.</p>",
        ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n"
        "<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _sizes(c: Comparison) -> str:
    return (
        f"{len(c.tasks)} tasks, {len(c.feature_names)} features; {c.n_train.sum()} "
        f"rows to train, {c.n_test.sum()} to test; seed {c.random_state}"
    )


def _models(c: Comparison) -> str:
    score, within = (
        ("acc. all", "loss within") if c.classify else ("R2 all", "R2 within")
    )
    head = ("model", "alpha", score, within, "saved", "better/worse", "gap", "seconds")
    rows = []
    for model in [*c.models, c.levels]:
        cells = [
            model.label,
            strength(model),
            f"{model.score:.3f}",
            f"{model.within:.3f}",
            *against_alone(c, model),
            certificate(model),
            f"{model.seconds:.1f}" if np.isfinite(model.seconds) else "-",
        ]
        rows.append(("best" if model is c.best else "", cells))
    return _table(head, rows)


def _legend(c: Comparison) -> str:
    lines = [
        f"<dt>{html.escape(term)}</dt><dd>{html.escape(text)}</dd>"
        for term, text in explained(c)
    ]
    return "\n".join(["<dl>", *lines, "</dl>"])


def _tasks(report: NegativeTransferReport) -> str:
    alone = report.alone
    percent = f"{100 * (1 - report.level):g} % interval"
    head = ("task", "rows", "saved", percent, "p", "verdict", "against pooled")
    rows = []
    for t in np.argsort(-np.nan_to_num(alone.effect, nan=-np.inf)):
        cells = [
            one_line(report.tasks[t]),
            str(report.n_samples[t]),
            *alone.shown(t),
            str(alone.verdict[t]),
            str(report.pooled.verdict[t]),
        ]
        rows.append((str(alone.verdict[t]), cells))
    return _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    lines = ["<table>", _row("th", head, "")]
    lines += [_row("td", cells, name) for name, cells in rows]
    return "\n".join([*lines, "</table>"])


def _row(kind: str, cells: Sequence[str], name: str) -> str:
    inside = "".join(f"<{kind}>{html.escape(cell)}</{kind}>" for cell in cells)
    return f'<tr class="{name}">{inside}</tr>' if name else f"<tr>{inside}</tr>"


def _picture(report: NegativeTransferReport) -> str:
    """Return the plot of the report as an image in the page."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return '<p class="note">Install matplotlib for pictures.</p>'
    height = 1.5 + 0.2 * min(len(report.tasks), 150)
    figure = Figure(figsize=(8, height), layout="constrained")
    FigureCanvasAgg(figure)
    report.plot(figure.subplots())
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=110)
    text = base64.b64encode(image.getvalue()).decode("ascii")
    return (
        '<img alt="Held-out loss saved of each task, with its interval" '
        f'src="data:image/png;base64,{text}">'
    )
