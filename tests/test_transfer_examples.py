"""The examples on bundled data come to the conclusions that README states."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from helpers.files import ROOT


def run(name):
    path = ROOT / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main()


@pytest.mark.slow
def test_four_hospitals(capsys):
    found = run("heart_disease_transfer")
    report, gain, cosine = found["report"], found["gain"], found["cosine"]
    assert report.tasks.tolist() == ["Cleveland", "Hungary", "Switzerland", "VA"]
    # all rows: no hospital is decidedly helped or hurt
    assert report.verdict.tolist() == ["equivalent", *["undecided"] * 3]
    assert np.all(np.abs(report.alone.effect[[0, 1, 3]]) < 0.1)
    # the small one, where nearly all are ill, gains most from each other one
    others = [0, 1, 3]
    assert gain.values[others, 2].min() > 0.3
    assert np.abs(np.delete(gain.values, 2, axis=1)).max() < 0.15
    # and is the least alike
    mean = (cosine.values.sum(axis=0) - 1) / 3
    assert int(np.argmin(mean)) == 2
    assert "1 equivalent (within 5 %), 3 undecided" in capsys.readouterr().out


@pytest.mark.slow
def test_patients_with_few_rows(capsys):
    report = run("parkinsons_transfer")
    effect = report.alone.effect
    assert set(report.verdict) == {"undecided"}  # of no single patient
    assert 29 <= np.sum(effect > 0) <= 33
    assert 0.17 < np.median(effect) < 0.25
    assert report.overall_p_value < 0.06
    assert report.summary in capsys.readouterr().out
