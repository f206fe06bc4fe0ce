"""Tests that go through many values in one case."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any


def looped(names: str, values: Iterable[Any]) -> Callable[[Callable], Callable]:
    """Return a decorator as `pytest.mark.parametrize`, of a test that is one case.

    For what takes less time than collecting and reporting a case. A failure names the
    values that it is of.
    """
    arguments = [name.strip() for name in names.split(",")]
    every = list(values)

    def decorate(test):
        @wraps(test)
        def over_all(**given):
            for value in every:
                several = value if len(arguments) > 1 else [value]
                case = dict(zip(arguments, several, strict=True))
                try:
                    test(**case, **given)
                except BaseException as error:
                    error.add_note(f"where {case}")
                    raise

        signature = inspect.signature(test)
        left = [p for p in signature.parameters.values() if p.name not in arguments]
        over_all.__signature__ = signature.replace(parameters=left)
        return over_all

    return decorate
