"""Checks of parameters, with errors that say what is allowed."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, TypeGuard

import numpy as np

from linmtl.data._errors import name_list
from linmtl.data._labels import some
from linmtl.data._suggestions import closest


def is_number(value: Any) -> TypeGuard[float]:
    """Whether this is a real number, NumPy's included, and no truth value."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def is_whole(value: Any) -> TypeGuard[int]:
    """Whether this is an integer, NumPy's included, and no truth value."""
    return is_number(value) and isinstance(value, numbers.Integral)


def check_choice(name: str, value: Any, allowed: Sequence[Any]) -> None:
    """Check that a parameter is one of the values allowed."""
    if not any(isinstance(value, type(a)) and value == a for a in allowed):
        hint = ""
        if isinstance(value, str):
            hint = closest(value, [a for a in allowed if isinstance(a, str)])
        raise ValueError(
            f"{name} must be one of {some(allowed, 10)}, got {value!r}{hint}"
        )


def check_keywords(cls: type, given: Collection[str]) -> None:
    """Check that a constructor knows the keywords that it is about to be given."""
    known = _keywords(cls)
    if known is None or known.issuperset(given):
        return
    name = next(name for name in given if name not in known)
    names = sorted(known - {"self"})
    hint = closest(name, names) or f"; it has {name_list(names, len(names))}"
    raise TypeError(
        f"{cls.__name__}() got an unexpected keyword argument {name!r}{hint}"
    )


@cache
def _keywords(cls: type) -> frozenset[str] | None:
    """Return the names of a constructor's parameters, None if it takes any."""
    parameters = inspect.signature(cls.__init__).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return None
    return frozenset(parameters)


def check_number(
    name: str, value: Any, low: float, high: float = np.inf, *, strict: bool = False
) -> float:
    """Check that a parameter is a finite number from low to high.

    Parameters
    ----------
    name : str
        What messages call it.
    value : object
        What was passed.
    low, high : float, default of high: infinite
        The bounds.
    strict : bool, default=False
        Whether it must be larger than low.
    """
    number = float("nan")
    if is_number(value):
        try:
            number = float(value)
        except OverflowError:  # a long integer
            number = float("inf")
    inside = low < number if strict else low <= number
    if not (inside and number <= high and np.isfinite(number)):
        allowed = f"finite number {'>' if strict else '>='} {low:g}"
        if high < np.inf:
            allowed = f"number from {low:g} to {high:g}"
        raise ValueError(f"{name} must be a {allowed}, got {value!r}")
    return number


def check_count(name: str, value: Any, low: int = 1) -> int:
    """Check that a parameter is an integer of at least low."""
    if not (is_whole(value) and value >= low):
        raise ValueError(f"{name} must be an integer >= {low}, got {value!r}")
    return int(value)


def check_flag(name: str, value: Any) -> None:
    """Check that a parameter is a truth value: "False", for one, is not."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be a bool, got {value!r}")
