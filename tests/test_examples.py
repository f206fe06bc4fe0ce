"""The worked examples: they find what was planted, and their plots show something."""

from __future__ import annotations

import contextlib
import io
import re
import runpy

import numpy as np
import pytest
from matplotlib import image

from helpers.files import ROOT

SCRIPT = ROOT / "examples" / "malsar_examples.py"
TITLES = [
    "joint features",
    "low rank",
    "clusters",
    "outlier tasks",
    "dirty",
    "change points",
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of the plots, and the lines printed."""
    folder = tmp_path_factory.mktemp("examples") / "new" / "plots"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(str(SCRIPT))["main"](["--output", str(folder)])
    return folder, printed.getvalue().splitlines()


LINE = re.compile(
    r"(.+): planted (.+); found (.+); error of W ([\d.]+), task by task ([\d.]+)"
)


@pytest.mark.parametrize("title", TITLES)
def test_what_was_planted_is_found(run, title):
    said = [LINE.fullmatch(line).groups() for line in run[1]]
    ((_, planted, found, error, alone),) = [
        groups for groups in said if groups[0] == title
    ]
    assert planted == found
    assert re.search(r"\d", planted)
    # sharing helps by a wide margin, or the example would teach the wrong thing
    assert float(error) < 0.7 * float(alone)


def test_every_example_is_tested(run):
    assert [line.split(":")[0] for line in run[1]] == TITLES


def test_plots(run):
    plots = sorted(run[0].iterdir())
    assert len(plots) == len(TITLES)
    for plot in plots:
        pixels = image.imread(plot)
        assert pixels.shape[0] >= 400
        assert pixels.shape[1] >= 1000
        # heat maps, not empty frames
        assert len(np.unique(pixels[..., 0])) > 50
        assert np.mean(pixels[..., :3].min(axis=2) < 0.9) > 0.05


def test_plots_stay_out_of_the_repository():
    assert "examples/output/" in (ROOT / ".gitignore").read_text().splitlines()
