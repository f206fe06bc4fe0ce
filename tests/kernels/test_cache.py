"""Machine code on disk: made anew where its files are damaged."""

import pytest

from helpers.processes import python

SOURCE = """
from linmtl.kernels._jit import kernel

@kernel
def double(x):
    return 2.0 * x
"""
CALL = """
import sys
from made import double
if sys.argv[1:]:
    def refuse(): raise PermissionError("read-only")
    double._cache.flush = refuse
print(double(21.0), sum(double.stats.cache_hits.values()))
"""
DAMAGES = """
import importlib
from pathlib import Path
import made

def call():
    double = importlib.reload(made).double  # which knows what is on disk alone
    return double(21.0), sum(double.stats.cache_hits.values())

for kind in ("nbi", "nbc"):
    (path,) = Path("__pycache__").glob(f"*.{kind}")
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"\\x80" + whole):
        path.write_bytes(damaged)
        assert call() == (42.0, 0)
        assert call() == (42.0, 1)
"""


@pytest.fixture
def call(tmp_path):
    (tmp_path / "made.py").write_text(SOURCE)
    (tmp_path / "call.py").write_text(CALL)
    (tmp_path / "damages.py").write_text(DAMAGES)
    run = lambda *args: python("-W", "error", *args, folder=tmp_path)
    assert run("call.py").stdout.split() == ["42.0", "0"]
    return run


@pytest.mark.slow
def test_damaged_files_are_made_anew(call):
    assert call("call.py").stdout.split() == ["42.0", "1"]
    done = call("damages.py")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_named(tmp_path, call):
    (path,) = (tmp_path / "__pycache__").glob("*.nbi")
    path.write_bytes(b"")
    error = call("call.py", "read-only").stderr.splitlines()[-1]
    assert f"{tmp_path / '__pycache__'} cannot be read (EOFError" in error
    assert error.endswith("delete that folder")
