"""The parts of a report, before they become a format."""

import re

import numpy as np
import pytest

from helpers.reports import made_up
from linmtl.cli._html import to_html
from linmtl.cli._markdown import to_markdown
from linmtl.cli._page import Heading, _picture, _tasks, _verdicts


def report_of(T):
    rng = np.random.default_rng(0)
    effect = 0.1 + 0.2 * rng.normal(size=T)
    verdict = np.where(effect > 0.3, "helped", "undecided")
    verdict[effect < -0.1] = "hurt"
    return made_up(effect, verdict)


@pytest.mark.slow
@pytest.mark.parametrize("T", [4, 40, 41, 160])
def test_every_task_or_the_ends(T):
    report = report_of(T)
    tables = _tasks(report)
    rows = [cells for table in tables for _, cells in table.rows]
    names = [cells[0] for cells in rows]
    best, *_, worst = report.tasks[np.argsort(-report.alone.effect)]
    assert (names[0], names[-1]) == (best, worst)
    assert len(set(names)) == len(names) == (T if T <= 40 else 20)
    picture = _picture(report)
    assert f"in {T} tasks" in picture.alt
    assert f"above zero in {np.sum(report.alone.effect > 0)}" in picture.alt
    assert picture.png.startswith(b"\x89PNG")


def test_verdicts_name_the_largest_effects():
    report = made_up(
        [0.1, 0.4, -0.2, *np.full(20, 0.01)],
        ["helped"] * 2 + ["hurt"] + ["undecided"] * 20,
    )
    rows = {cells[0]: cells[1:] for _, cells in _verdicts(report).rows}
    assert rows["helped"][::2] == ("2", "task 1, task 0")
    assert rows["hurt"][::2] == ("1", "task 2")
    assert rows["equivalent"][::2] == ("0", "-")
    assert rows["undecided"][::2] == ("20", "-")


def test_a_page_is_for_readers_of_screens_too():
    report = report_of(12)
    blocks = [Heading("title", 1), _verdicts(report), _picture(report), *_tasks(report)]
    page = to_html(blocks)
    assert '<html lang="en">' in page
    assert page.count("<h1>") == page.count("<main>") == 1
    assert page.count("<table>") == page.count("<caption>") == 2
    for row in re.findall(r"<tr.*</tr>", page):
        assert re.search(r'<th scope="(row|col)"', row)
    assert re.search(r'<img alt="[^"]{40,}" src="data:', page)
    assert "| verdict | tasks |" in to_markdown(blocks)


def contrast(colour):
    """Return the contrast of a colour on white, as the guidelines have it."""
    channel = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(
        channel <= 0.03928, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4
    )
    return 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)


def test_words_stand_out_from_the_page():
    style = to_html([Heading("title", 1)]).split("<style>")[1].split("</style>")[0]
    colours = re.findall(r"[{; ]color: (#[0-9a-f]{3,6})", style)
    assert len(colours) >= 5
    for colour in colours:
        digits = (
            colour if len(colour) == 7 else "#" + "".join(2 * c for c in colour[1:])
        )
        assert contrast(digits) >= 4.5
