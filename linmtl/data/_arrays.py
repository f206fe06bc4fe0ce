"""Numbers that users pass as parameters: what is none is refused, labels are heeded."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from linmtl.data._kinds import plain
from linmtl.data._labels import some
from linmtl.data._tables import missing_as_nan
from linmtl.data._times import refuse_times


def as_numbers(values: Any, name: str, wanted: str = "numbers") -> np.ndarray:
    """Return a copy of an array-like as floats, NaN where it is masked or NA.

    Dates, spans of time, complex numbers and text are refused: NumPy would count times
    in units of their type, and take real parts.

    Parameters
    ----------
    values : array-like
        What was passed.
    name : str
        What messages call it.
    wanted : str, default="numbers"
        What they say to pass.

    Raises
    ------
    ValueError
        If there is anything but real numbers.
    """
    if type(values) is np.ndarray and values.dtype.kind in "biuf":
        return values.astype(float)
    refuse_times(values, name.rpartition(": ")[2])  # which it also writes in formulas
    try:
        array = np.asarray(missing_as_nan(values))
        if array.dtype.kind == "c":
            raise TypeError("it holds complex numbers")
        text = array.dtype.kind not in "biuf" and any(
            isinstance(value, str) for value in array.astype(object).flat
        )
        if text:
            raise TypeError("it holds text")
        return array.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}; pass {wanted}") from None


def require_order(values: Any, name: str, *axes: np.ndarray | None) -> None:
    """Raise where labels of a Series or a DataFrame are in another order than taken.

    What is read by position would go to other features or tasks in silence.

    Parameters
    ----------
    values : array-like
        What was passed.
    name : str
        What messages call it.
    *axes : ndarray or None
        The labels of each axis; None where there are none, and of numbers only the
        order is known.
    """
    rows = getattr(values, "index", None)
    if callable(rows):  # lists have a method of that name
        rows = None
    for given, labels in zip(
        (rows, getattr(values, "columns", None)), axes, strict=False
    ):
        if given is None:
            continue
        found = [plain(label) for label in given]
        expected = found if labels is None else labels.tolist()
        if len(found) != len(expected):
            continue  # of shapes others speak
        if labels is not None and not set(found).isdisjoint(expected):
            ordered = found == expected
        elif all(isinstance(label, numbers.Real) for label in found):
            expected = sorted(found)
            ordered = found == expected
        else:
            ordered = labels is None
        if not ordered:
            raise ValueError(
                f"{name} has the labels {some(found)} where {some(expected)} are "
                "taken, in this order; sort it so, as with .loc or .reindex, or pass "
                "an array"
            )
