"""Sums of penalties."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from linmtl.penalties._base import Penalty
from linmtl.penalties._fused import Fused, FusedSparseRows
from linmtl.penalties._l1 import L1
from linmtl.penalties._l21 import L21
from linmtl.penalties._sparse_group import SparseGroup


class Sum(Penalty):
    """The sum of two penalties, written ``first + second``.

    At most one of the terms may be non-smooth, except L1 + L21 (sparse group lasso)
    and both or either with Fused; any number of terms may be quadratic. Longer sums
    are nested, and their parameters are reached by ``first__alpha``,
    ``second__alpha``.

    Parameters
    ----------
    first, second : Penalty
        The terms.

    Examples
    --------
    >>> from linmtl.penalties import L21, Ridge
    >>> L21(alpha=0.1) + Ridge(alpha=0.01)
    Sum(first=L21(alpha=0.1), second=Ridge(alpha=0.01))
    """

    def __init__(self, first: Penalty, second: Penalty):
        self.first = first
        self.second = second

    def terms(self) -> Iterator[Penalty]:
        """Yield the terms of the sum, nested sums flattened."""
        for term in (self.first, self.second):
            if isinstance(term, Sum):
                yield from term.terms()
            else:
                yield term

    def expand(self, tasks):
        return [part for term in self.terms() for part in term.expand(tasks)]

    @property
    def ordered(self) -> bool:  # type: ignore[override]
        return any(term.ordered for term in self.terms())

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return all(term.convex for term in self.terms())

    def check(self, n_features, tasks):
        for term in self.terms():
            _check_is_penalty(term)
            term.check(n_features, tasks)
        norm = _one_norm([term for term in self.expand(tasks) if not term.smooth])
        if norm is not None:
            norm.check(n_features, tasks)

    def value(self, W):
        return sum(term.value(W) for term in self.terms())

    def alpha_max(self, G0):
        """Return the factor on all strengths at which the solution is zero."""
        expanded = self.expand(np.arange(G0.shape[1]))
        norm = _one_norm([term for term in expanded if not term.smooth])
        if norm is None or norm.free_rows(G0.shape[0]).all():
            return np.inf
        if norm.null_form(G0.shape[1]) is not None:
            return np.inf
        return norm.dual_terms(G0).zero_from

    def bind(self, tasks):
        return Sum(self.first.bind(tasks), self.second.bind(tasks))

    def fitted_attributes(self, W, parts, tasks):
        out = {}
        for term in self.terms():
            out.update(term.fitted_attributes(W, parts, tasks))
        return out


def _check_is_penalty(penalty: object) -> None:
    if not isinstance(penalty, Penalty):
        hint = ""
        if isinstance(penalty, (str, type)):
            hint = "; pass an instance, such as L21(alpha=0.1)"
        raise TypeError(
            f"penalty must be a penalty from linmtl.penalties, got {penalty!r}{hint}"
        )


def _one_norm(norms: list[Penalty]) -> Penalty | None:
    if not norms:
        return None
    kinds = {type(norm): norm for norm in norms}
    if len(kinds) == len(norms):
        if Fused in kinds and kinds.keys() <= {L1, Fused, L21}:
            return FusedSparseRows(kinds.get(L1), kinds[Fused], kinds.get(L21))
        if len(norms) == 1:
            return norms[0]
        if kinds.keys() == {L1, L21}:
            return SparseGroup(kinds[L1], kinds[L21])
    names = " + ".join(type(norm).__name__ for norm in norms)
    raise ValueError(
        f"the sum {names} has no known proximal operator; at most one term may be "
        "non-smooth, except among L1, Fused and L21"
    )
