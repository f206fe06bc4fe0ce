"""Products of factors, and the few of their cases in which all pairs of values meet."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Hashable, Mapping
from itertools import combinations, product

Factors = Mapping[str, Collection[Hashable]]
Where = Callable[..., bool]


def whole(factors: Factors, where: Where | None = None) -> list[tuple]:
    """Return the cases of the product, those for which `where(**case)` is true."""
    cases = list(product(*factors.values()))
    if where is None:
        return cases
    return [case for case in cases if where(**dict(zip(factors, case, strict=True)))]


def pairwise(
    factors: Factors, where: Where | None = None, dear: Where | None = None
) -> list[tuple]:
    """Return cases that hold every pair of values of two factors that `whole` holds.

    Their number is about that of the pairs of the two largest factors: those that
    bring many new pairs are taken first. Cases for which `dear(**case)` is true are
    not taken; their pairs are met in others, where there are such.
    """
    cases = whole(factors, where)
    code: dict[tuple, int] = {}  # of a factor and a value: quick to compare
    pairs = [
        set(
            combinations(
                [code.setdefault(one, len(code)) for one in enumerate(case)], 2
            )
        )
        for case in cases
    ]
    # in order, the first values of the small factors would fill up all the rest
    order = random.Random(0).sample(range(len(cases)), len(cases))
    if dear is not None:
        named = [dict(zip(factors, case, strict=True)) for case in cases]
        order = [k for k in order if not dear(**named[k])]
    seen: set[tuple] = set()
    chosen = []
    most = len(list(combinations(factors, 2)))
    new = dict.fromkeys(order, most)  # pairs that a case had at its last look, or fewer
    for least in range(most, 0, -1):
        for k in order:
            if new[k] < least:
                continue
            new[k] = len(pairs[k] - seen)
            if new[k] >= least:
                seen |= pairs[k]
                chosen.append(k)
    return [cases[k] for k in sorted(chosen)]
