"""What holds for all tests: asserts of helpers, products of parameters."""

import builtins
import os
import re
from zlib import crc32

import pytest
import sklearn

# before they are imported: their asserts then say what differed
pytest.register_assert_rewrite("cases", "helpers")

from helpers.pairwise import pairwise, whole  # noqa: E402


def pytest_addoption(parser):
    parser.addoption(
        "--fuzz", type=int, default=100, help="number of random problems of tests/fuzz"
    )
    parser.addoption("--fuzz-from", type=int, default=0, help="the first of them")
    parser.addoption(
        "--share",
        type=int,
        default=1,
        help="with -m full, one of how many combinations",
    )


def pytest_configure(config):
    """One thread of BLAS and OpenMP for each of several workers.

    Two workers of two threads each wait for each other at every small product: whole
    files took three times the processor time. The workers, and the commands that they
    run, inherit this before they import NumPy.
    """
    if getattr(config.option, "numprocesses", None):
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(name, "1")


def pytest_pycollect_makeitem(collector, obj):
    """Make no tests that ``-m "not slow"`` leaves out again: two in five of all."""
    slow = any(mark.name == "slow" for mark in getattr(obj, "pytestmark", ()))
    return [] if slow and _is_quick(collector.config) else None


def _is_quick(config):
    return config.option.markexpr == "not slow"


def pytest_generate_tests(metafunc):
    """Parametrise a test marked `product`: in pairs, or by everything with `-m full`.

    The factors are the keywords of the mark, but for three functions of a combination:
    `where` says which exist, `slow` which are slow, `dear` which are for `-m full`.
    """
    mark = metafunc.definition.get_closest_marker("product")
    if mark is None:
        return
    factors = dict(mark.kwargs)
    where, slow, dear = (factors.pop(key, None) for key in ("where", "slow", "dear"))
    full = re.search(r"(?<!not )\bfull\b", metafunc.config.option.markexpr)
    cases = []
    share = metafunc.config.option.share if full else 1
    for values in whole(factors, where) if full else pairwise(factors, where, dear):
        name = "-".join(map(_name_of, values))
        if crc32(name.encode()) % share:  # by name, so that no factor loses a value
            continue
        marks = [pytest.mark.full] if full else []
        if slow is not None and slow(**dict(zip(factors, values, strict=True))):
            if _is_quick(metafunc.config):
                continue
            marks.append(pytest.mark.slow)
        cases.append(pytest.param(*values, id=name, marks=marks))
    metafunc.parametrize(list(factors), cases)


def _name_of(value):
    for attribute in ("name", "__name__"):
        if hasattr(value, attribute):
            return getattr(value, attribute)
    return str(value)


@pytest.fixture
def routing():
    """Pass metadata on through scikit-learn's meta-estimators."""
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def without_pandas(monkeypatch):
    """Let imports of pandas fail, as where it is not installed."""
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "pandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
