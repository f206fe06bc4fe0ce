"""Where a grid of strengths ends too early, and how it goes on."""

from __future__ import annotations

from typing import Literal

import numpy as np

_TIE = 1e-7  # relative: losses this close are those of equal models
_NO_GAIN = 1e-3  # gain over a decade of strengths, relative to the loss, that is none
_ZERO_LOSS = 1e-6  # the same relative to the largest loss: what is left is no loss
_STILL_FALLS = 1e-2  # the same of an end that is not the best so far
WORTH_SAYING = 1e-3  # and to that from which on a user is told
_COARSEST = 10**0.2  # ratio of two strengths beyond a grid, unless its own is larger
_DECADES = 6  # a grid is extended by so much at most

# what searches warn of that a model around them says in its own way
OF_SEARCHES = (
    r".*: the best \w+ is the |.*: cross-validation chose the null model"
    "|.*: what is held out tells no strength"
)
End = Literal["low", "high"]


def best_strength(losses: np.ndarray) -> int:
    """Return the position of the lowest loss, of equal ones the first.

    Strengths decrease: rounding would choose one of equal models at random.
    """
    least = losses.min()
    return int(np.argmax(losses <= least + _TIE * abs(least)))


def is_flat(losses: np.ndarray) -> bool:
    """Whether several losses are the same within rounding, and not nothing."""
    most = np.abs(losses).max(initial=0.0)
    return losses.size > 1 and bool(most > 0 and np.ptp(losses) <= _TIE * most)


def open_end(
    strengths: np.ndarray, losses: np.ndarray, nothing: float = _ZERO_LOSS
) -> End | None:
    """Return the end of a grid at which the loss is lowest and still falls, if any.

    Parameters
    ----------
    strengths : ndarray of shape (n_strengths,)
        Decreasing.
    losses : ndarray of shape (n_strengths,)
        The loss at each; infinite where it is not known.
    nothing : float, default=1e-6
        The gain over a decade, relative to the largest loss, that is none.
    """
    known = np.isfinite(losses)
    strengths, losses = strengths[known], losses[known]
    best, last = best_strength(losses), len(losses) - 1
    if best not in (0, last) or last == 0:
        return None
    if best == last and strengths[last] == 0:
        return None  # nothing is weaker than no penalty
    gain = gain_of_a_decade(strengths, losses, best)
    much = _NO_GAIN * abs(losses[best]) + nothing * np.abs(losses).max()
    return None if gain <= much else "low" if best else "high"


def falling_end(strengths: np.ndarray, losses: np.ndarray) -> End | None:
    """Return the end of a grid beyond which the loss may be lower, if any.

    That of :func:`open_end`, or the weak one where the loss falls fast there, though
    stronger ones are better so far: features of small variance, their own or that of
    what collinear ones differ by, come into play at weak strengths alone.
    """
    known = np.isfinite(losses)
    weak, values = strengths[known], losses[known]
    last = len(values) - 1
    if last > 0 and weak[last] > 0:
        gain = gain_of_a_decade(weak, values, last)
        if gain > _STILL_FALLS * abs(values[last]) > 0:
            return "low"
    return open_end(strengths, losses)


def gain_of_a_decade(strengths: np.ndarray, losses: np.ndarray, end: int) -> float:
    """Return by how much the loss falls over the last decade before an end."""
    apart = np.abs(np.log10(np.maximum(strengths, 1e-300) / strengths[end]))
    decade = np.flatnonzero(apart >= 1 - 1e-9)
    other = decade[np.argmin(apart[decade])] if decade.size else np.argmax(apart)
    return float(losses[other] - losses[end]) / max(float(apart[other]), 1e-12)


def further_strengths(
    strengths: np.ndarray, end: End, given: np.ndarray
) -> np.ndarray | None:
    """Return about a decade of strengths beyond an end of a grid, decreasing.

    None where the grid reaches far beyond the one given already.
    """
    if end == "low" and strengths[-1] <= given[-1] * 10.0 ** (0.5 - _DECADES):
        return None
    if end == "high" and strengths[0] >= given[0] * 10.0 ** (_DECADES - 0.5):
        return None
    ratio = max(given[0] / given[1], _COARSEST)
    powers = ratio ** np.arange(1.0, 1.0 + max(int(1 / np.log10(ratio) + 1e-9), 1))
    return strengths[-1] / powers if end == "low" else strengths[0] * powers[::-1]
