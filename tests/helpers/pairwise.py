"""Products of factors, and the few of their cases in which all pairs of values meet."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Hashable, Mapping
from itertools import product

import numpy as np

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
    not taken; their pairs are met in others, where there are such. Of one factor all
    others are.
    """
    cases = whole(factors, where)
    code: dict[tuple, int] = {}  # of a factor and a value
    codes = np.array(
        [[code.setdefault(one, len(code)) for one in enumerate(case)] for case in cases]
    )
    first, second = np.triu_indices(len(factors), 1)
    pairs = codes[:, first] * len(code) + codes[:, second]  # one number for each
    # in order, the first values of the small factors would fill up all the rest
    order = np.array(random.Random(0).sample(range(len(cases)), len(cases)))
    if dear is not None:
        named = [dict(zip(factors, case, strict=True)) for case in cases]
        order = order[[not dear(**named[k]) for k in order]]
    if len(factors) == 1:
        return [cases[k] for k in sorted(order)]
    new = np.ones(len(code) ** 2, dtype=bool)  # pairs that no case chosen has
    chosen = []
    for least in range(pairs.shape[1], 0, -1):
        for k in order[new[pairs[order]].sum(axis=1) >= least]:
            if np.count_nonzero(new[pairs[k]]) >= least:
                new[pairs[k]] = False
                chosen.append(k)
    return [cases[k] for k in sorted(chosen)]
