"""Questions and answers as bytes: numbers and names only, no code."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any
from zipfile import BadZipFile

import numpy as np

from linmtl.distributed._fit import statistics_of, statistics_of_folds
from linmtl.distributed._rows import (
    Bound,
    Model,
    NewtonSums,
    Part,
    Reading,
    ResidualSums,
    SetSums,
    Survey,
    Wide,
    newton_sums,
    residual_sums,
    set_sums,
    sums_of_some,
    survey,
)
from linmtl.losses import LOSSES, Loss
from linmtl.statistics import TaskStatistics

_KINDS = {
    cls.__name__: cls
    for cls in (Bound, Model, NewtonSums, Reading, ResidualSums, SetSums, Survey, Wide)
}
_QUESTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        survey,
        newton_sums,
        residual_sums,
        set_sums,
        sums_of_some,
        statistics_of,
        statistics_of_folds,
    )
}
_VERSION = 1


def pack_question(question: Callable[[Part], Any]) -> bytes:
    """Return a question, a partial function, as bytes."""
    known: Any = question
    given: dict[str, Any] = {}
    while isinstance(known, partial):
        given = {**known.keywords, **given}
        known = known.func
    return pack({"question": known.__name__, **given})


def unpack_question(message: bytes) -> partial[Any]:
    """Return the question that bytes ask."""
    given = unpack(message)
    name = given.pop("question", None) if isinstance(given, dict) else None
    if name not in _QUESTIONS:
        raise ValueError(f"the message asks {name!r}, which is no question of linmtl")
    return partial(_QUESTIONS[name], **given)


def pack(value: Any) -> bytes:
    """Return a value as the bytes of an npz archive."""
    arrays: dict[str, np.ndarray] = {}

    def walk(v: Any) -> Any:
        if v is None or isinstance(v, (bool, int, float, str)):
            return v
        if isinstance(v, np.ndarray):
            key = f"a{len(arrays)}"
            arrays[key] = v.astype(str) if v.dtype == object else v
            return {"array": key, "objects": v.dtype == object}
        if isinstance(v, np.generic):
            return v.item()
        if isinstance(v, (list, tuple)):
            return {"list": [walk(each) for each in v]}
        if isinstance(v, dict):
            return {"dict": {name: walk(each) for name, each in v.items()}}
        if isinstance(v, TaskStatistics):
            return {"statistics": walk(v.to_arrays())}
        if isinstance(v, Loss):
            own = {f.name: getattr(v, f.name) for f in fields(v)}
            return {"loss": v.name, "fields": walk(own)}
        if is_dataclass(v) and type(v).__name__ in _KINDS:
            own = {f.name: getattr(v, f.name) for f in fields(v)}
            return {"kind": type(v).__name__, "fields": walk(own)}
        raise TypeError(f"{type(v).__name__} cannot be sent")

    header = json.dumps({"version": _VERSION, "value": walk(value)})
    file = io.BytesIO()
    np.savez(file, header=np.array(header), **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def unpack(message: bytes) -> Any:
    """Return the value that :func:`pack` made bytes of."""
    try:
        with np.load(io.BytesIO(message), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays["header"].item())
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise ValueError(f"this is no message of linmtl: {error}") from None
    if header["version"] != _VERSION:
        raise ValueError(
            f"the message has version {header['version']} and this linmtl reads "
            f"version {_VERSION}; use the same version everywhere"
        )

    def walk(v: Any) -> Any:
        if not isinstance(v, dict):
            return v
        if "array" in v:
            array = arrays[v["array"]]
            return array.astype(object) if v["objects"] else array
        if "list" in v:
            return [walk(each) for each in v["list"]]
        if "dict" in v:
            return {name: walk(each) for name, each in v["dict"].items()}
        if "statistics" in v:
            return TaskStatistics.of_arrays(walk(v["statistics"]))
        cls: Any = LOSSES[v["loss"]] if "loss" in v else _KINDS[v["kind"]]
        return cls(**walk(v["fields"]))

    return walk(header["value"])
