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


@pytest.fixture
def call(tmp_path):
    (tmp_path / "made.py").write_text(SOURCE)
    (tmp_path / "call.py").write_text(CALL)
    run = lambda *args: python("-W", "error", "call.py", *args, folder=tmp_path)
    assert run().stdout.split() == ["42.0", "0"]
    assert run().stdout.split() == ["42.0", "1"]
    return run


DAMAGES = (
    lambda content: content[: len(content) // 2],
    lambda content: b"",
    lambda content: b"\x80" + content,
)


@pytest.mark.slow
def test_damaged_files_are_made_anew(tmp_path, call):
    for kind in ("nbi", "nbc"):
        (path,) = (tmp_path / "__pycache__").glob(f"*.{kind}")
        whole = path.read_bytes()
        for damage in DAMAGES:
            path.write_bytes(damage(whole))
            assert call().stdout.split() == ["42.0", "0"]
            assert path.read_bytes() == whole
    assert call().stdout.split() == ["42.0", "1"]


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_named(tmp_path, call):
    (path,) = (tmp_path / "__pycache__").glob("*.nbi")
    path.write_bytes(b"")
    error = call("read-only").stderr.splitlines()[-1]
    assert f"{tmp_path / '__pycache__'} cannot be read (EOFError" in error
    assert error.endswith("delete that folder")
