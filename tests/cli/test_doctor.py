"""The command ``doctor``: what it says, and when there is something to mend."""

import os

import pytest

from linmtl import L21Classifier, MultiTaskRegressor
from linmtl import __main__ as command
from linmtl.cli import _doctor
from linmtl.kernels._jit import Compiled
from linmtl.version import __version__


def run(capsys, *options):
    code = command.main(["doctor", *options])
    return code, capsys.readouterr().out


def test_what_it_says(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(_doctor, "compiled", lambda: Compiled(str(tmp_path), 3, 0))
    code, text = run(capsys)
    assert code == 0
    for part in (
        f"linmtl {__version__}",
        "numba ",
        "BLAS: ",
        "first fit",
        str(tmp_path),
    ):
        assert part in text


@pytest.mark.parametrize(
    ("found", "writable", "code", "message"),
    [
        (Compiled(None, 0, 5), True, 1, "kept nowhere"),
        (Compiled("x", 0, 5), False, 1, "set NUMBA_CACHE_DIR"),
        (Compiled("x", 5, 0), False, 0, "cannot be written to"),
        (Compiled("x", 0, 5), True, 0, "5 kernels were compiled now"),
    ],
)
def test_folders_of_compiled_code(capsys, monkeypatch, found, writable, code, message):
    monkeypatch.setattr(_doctor, "compiled", lambda: found)
    monkeypatch.setattr(os, "access", lambda *_: writable)
    answer, text = run(capsys)
    assert answer == code
    assert message in text


def test_without_compilation(capsys, monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    code, text = run(capsys)
    assert code == 1
    assert "turned off by NUMBA_DISABLE_JIT" in text


@pytest.mark.slow
def test_every_estimator_is_compiled(capsys, monkeypatch):
    kinds = {"A": L21Classifier, "B": MultiTaskRegressor}
    monkeypatch.setattr(_doctor, "ESTIMATORS", kinds)
    _, text = run(capsys, "--warm")
    assert "every estimator fitted in" in text
