"""One order of arguments everywhere: X, y, tasks, sample_weight."""

import inspect
import sys

import pytest

import linmtl
from helpers.loops import looped
from helpers.public import public_objects

ORDER = ("X", "y", "tasks", "sample_weight")
# what a penalty or a loss is asked, by solvers
# modules that linmtl itself imports, or that need what may not be installed
INNER = {"dask", "designs", "estimators", "losses", "solvers", "spark", "version"}
INTERNAL = ("linmtl.losses", "linmtl.penalties", "linmtl.solvers", "linmtl.data.")


def functions_of_data():
    """Functions and methods that take X or y_true, inherited ones included."""
    for name, obj in public_objects():
        if name.startswith(INTERNAL):
            continue
        methods = inspect.getmembers(obj, inspect.isfunction)
        named = [(f"{name}.{key}", value) for key, value in methods]
        if inspect.isfunction(obj):
            named = [(name, obj)]
        for key, function in named:
            parameters = inspect.signature(function).parameters
            public = not key.split(".")[-1].startswith("_") or "__call__" in key
            if public and {"X", "y_true"} & parameters.keys():
                yield key, list(parameters.values())


CALLS = dict(functions_of_data())


def positional(parameters):
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


@looped("name", CALLS)
def test_arguments_are_in_one_order(name):
    given = [p for p in positional(CALLS[name]) if p in ORDER]
    assert given == [p for p in ORDER if p in given]
    assert "offset" not in positional(CALLS[name])  # nor offsets for weights
    # numeric labels would pass for weights in silence
    assert "sample_weight" not in given or "tasks" in given


def test_every_fit_and_score_begins_alike():
    methods = {name.split(".")[-1] for name in CALLS}
    assert methods >= {"fit", "predict", "predict_proba", "score", "mtl_path"}
    for name, parameters in CALLS.items():
        method = name.split(".")[-1]
        if method in ("fit", "score"):
            first = positional(parameters)[1:5]
            assert first == list(ORDER)[: len(first)], name
            assert len(first) >= 3, name


def test_modules_are_found_without_an_import_of_theirs():
    """Where the user writes linmtl.transfer and has imported linmtl alone."""
    names = {name.split(".")[1] for name, _ in public_objects() if name.count(".") > 1}
    for name in names - INNER:
        assert linmtl.__getattr__(name) is sys.modules[f"linmtl.{name}"]
    with pytest.raises(AttributeError, match="has no attribute 'transfers'"):
        _ = linmtl.transfers
