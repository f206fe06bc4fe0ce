"""Where the rows are: what asks all parts a question, and merges the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial, reduce
from typing import Any, Protocol

from joblib import delayed

from linmtl.distributed._rows import Part
from linmtl.model_selection._jobs import run_jobs
from linmtl.statistics._task_statistics import TooManyProducts

Question = Callable[[Part], Any]
Merge = Callable[[Any, Any], Any]


class Parts(Protocol):
    """Rows in parts."""

    def reduce(self, question: Question, merge: Merge) -> Any:
        """Return the answers of all parts, merged in an order that never changes.

        None stands for a part that has nothing to say, and for all if none has.

        Parameters
        ----------
        question : callable
            Of a part; it changes nothing, and may be asked again.
        merge : callable
            Of two answers; associative.

        Returns
        -------
        object
            The answer of all parts.
        """
        ...


class ListedParts:
    """Parts that are read one after the other, or in threads.

    Parameters
    ----------
    parts : iterable or callable
        Of the arguments of ``fit``, as tuples, every time it is gone through; or what
        returns such an iterable. An iterator, which ends, is enough for one question.
    n_jobs : int, default=None
        Parts at the same time, through joblib; all are in memory then. By default one.

    Attributes
    ----------
    once : bool
        Whether they can be gone through once only.
    """

    def __init__(
        self,
        parts: Iterable[Any] | Callable[[], Iterable[Any]],
        n_jobs: int | None = None,
    ):
        self.once = not callable(parts) and iter(parts) is iter(parts)
        self._parts, self._n_jobs, self._asked = parts, n_jobs, False

    def require_several(self) -> None:
        """Demand parts that can be asked more than once."""
        if self.once:
            raise ValueError(
                "parts can be gone through once only, and this fit asks them several "
                "times; pass a list, or a function that returns an iterator"
            )

    def reduce(self, question: Question, merge: Merge) -> Any:
        if self._asked:
            self.require_several()
        self._asked = True
        parts = self._parts() if callable(self._parts) else self._parts
        if self._n_jobs is None:
            found = None
            for k, part in enumerate(parts):
                with naming(f"part {k}"):
                    found = merge_two(merge, found, question(Part.of(part)))
            return found
        # sums of products leave Python's lock alone, and threads share the rows
        jobs = [
            delayed(ask)(question, f"part {k}", part) for k, part in enumerate(parts)
        ]
        answers = run_jobs(jobs, self._n_jobs, prefer="threads")
        return reduce(partial(merge_two, merge), answers, None)


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Have errors of rows begin with the name of their part, counted from 0."""
    try:
        yield
    except TooManyProducts:  # of all parts alike
        raise
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from error


def ask(question: Question, name: str, part: Iterable[Any]) -> Any:
    """Return the answer of a part to a question."""
    with naming(name):
        return question(Part.of(part))


def merge_two(merge: Merge, one: Any, other: Any) -> Any:
    """Return both answers merged, where there are two."""
    if one is None or other is None:
        return other if one is None else one
    return merge(one, other)
