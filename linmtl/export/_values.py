"""Arrays and names as what JSON has, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np

_KINDS = "biufU"  # of arrays: truth values, numbers, strings


def written(values: np.ndarray) -> dict[str, Any]:
    """Return an array as its type and its values, which JSON keeps to the bit."""
    if values.dtype.kind == "O":  # of classes: all strings
        values = values.astype(np.str_)
    return {"dtype": values.dtype.str, "values": numbers(values)}


def numbers(values: Any) -> Any:
    """Return the entries of an array, None in place of NaN, of which JSON has none.

    Nor has it infinity, which is text.
    """
    values = np.asarray(values)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        finite, values = np.isfinite(values), values.astype(object)
        values[~finite] = [None if v != v else str(v) for v in values[~finite]]
    return values.tolist()


def read(entry: dict[str, Any]) -> np.ndarray:
    dtype = np.dtype(entry["dtype"])
    if dtype.kind not in _KINDS:
        raise ValueError(f"{dtype} is no type of labels or coefficients")
    return np.array(entry["values"], dtype=dtype)


def plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def names_of(names: np.ndarray | None) -> list[str] | None:
    return None if names is None else [str(name) for name in names]


def as_names(names: list[str] | None) -> np.ndarray | None:
    return None if names is None else np.array(names, dtype=object)
