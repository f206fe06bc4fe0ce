"""Thresholds of singular values."""

from __future__ import annotations

from linmtl.kernels._jit import kernel


@kernel
def threshold(s, less, more):
    """The t with ``t (k + more) = sum of the k entries above t - less``, or 0.

    What soft thresholding with t leaves of non-negative entries sums to ``less + more
    t``. From a t that is too small, those above it lead to a larger one.
    """
    t = 0.0
    before = -1
    while True:
        total = 0.0
        count = 0
        for i in range(s.size):
            if s[i] > t:
                total += s[i]
                count += 1
        if count == before or count + more <= 0.0:
            return t
        before = count
        t = max((total - less) / (count + more), 0.0)
