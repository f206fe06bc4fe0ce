"""What losses of means ``exp(eta)`` with Tweedie's deviances have in common."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from linmtl.losses._base import Loss, task_sums

MAX_EXPONENT = 700.0  # exp of more is no number


class LogLink(Loss):
    """Base of the halves of deviances at means ``m = exp(eta)``.

    The derivative in eta is ``m^(1 - power) (m - y)``: the variance of y is taken to be
    proportional to ``m^power``.

    Attributes
    ----------
    power : float
        The power, from 1 (Poisson) to 2 (gamma).
    positive : bool
        Whether targets are > 0, not only >= 0.
    title, targets : str
        What errors call the loss, and what its targets are.
    """

    power: ClassVar[float]
    positive: ClassVar[bool] = False
    title: ClassVar[str]
    targets: ClassVar[str]
    mean_suffices = True
    link = "log"

    def mean(self, eta):
        return np.exp(np.minimum(eta, MAX_EXPONENT))

    def encode(self, y, missing):
        wrong = ~missing & ((y <= 0) if self.positive else (y < 0))
        if wrong.any():
            kind = "values <= 0" if self.positive else "negative values"
            raise ValueError(
                f"y has {int(wrong.sum())} {kind}, the first {y[wrong][0].item()!r}; "
                f"the {self.title} loss is for {self.targets}"
            )
        return y, None

    def own_sides(self, y, weight, task_ptr):
        return -(task_sums(weight * y, task_ptr) <= 0).astype(int)

    def intercepts(self, y, eta, weight, task_ptr, start):
        # sum w m^(1 - p) (m - y) = 0 at m = exp(eta + b) is linear in exp(b)
        seen = _log_sums(weight * y, (1.0 - self.power) * eta, task_ptr)
        expected = _log_sums(weight, (2.0 - self.power) * eta, task_ptr)
        possible = np.isfinite(seen) & np.isfinite(expected)
        return np.subtract(seen, expected, out=np.array(start), where=possible)


def _log_sums(weight, exponent, task_ptr):
    """Return ``log sum_i weight_i exp(exponent_i)`` of each task, -inf for none."""
    out, filled = np.full(task_ptr.size - 1, -np.inf), np.diff(task_ptr) > 0
    if not filled.any():
        return out
    used = weight > 0
    counted = np.where(used, exponent, -np.inf)
    top = np.zeros(out.size)  # so that the largest term is its weight
    top[filled] = np.maximum.reduceat(counted, task_ptr[:-1][filled])
    top[~np.isfinite(top)] = 0.0
    shifted = np.where(used, exponent - np.repeat(top, np.diff(task_ptr)), 0.0)
    total = task_sums(weight * np.exp(shifted), task_ptr)
    return np.log(total, out=out, where=total > 0) + top
