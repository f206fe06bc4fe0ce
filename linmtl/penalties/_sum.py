"""Sums of penalties, and the form in which solvers see any penalty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from linmtl.penalties._base import Penalty
from linmtl.penalties._decomposition import Decomposition, SplitForm, halves, joined
from linmtl.penalties._fused import Fused, FusedSparseRows
from linmtl.penalties._l1 import L1
from linmtl.penalties._l21 import L21
from linmtl.penalties._quadratic_form import QuadraticForm
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


@dataclass
class Composite:
    """A penalty as solvers see it: a norm with a prox, and a quadratic form.

    Attributes
    ----------
    norm : Penalty or None
        The non-smooth term.
    quadratic : QuadraticForm
        The sum of the quadratic terms, possibly zero.
    free : ndarray of shape (n_features,)
        Mask of the features that the norm leaves free.
    source : Penalty, default=None
        The penalty that this is the form of, with positions for task labels.
    decomposition : Decomposition, default=None
        Where W is a sum P + Q; norm and quadratic then are functions of P above Q.
    """

    norm: Penalty | None
    quadratic: QuadraticForm | SplitForm
    free: np.ndarray
    source: Penalty | None = None
    decomposition: Decomposition | None = None

    @property
    def positive(self) -> bool:
        """Whether the coefficients are restricted to be non-negative."""
        return bool(getattr(self.norm, "positive", False))

    def value(self, W: np.ndarray) -> float:
        value = self.quadratic.value(W)
        return value if self.norm is None else value + self.norm.value(W)

    def restrict(self, features: np.ndarray) -> Composite:
        """Return the penalty on free features only: the quadratic form, the signs."""
        norm = L1(alpha=0.0, positive=True) if self.positive else None
        return Composite(norm, self.quadratic, np.ones(int(features.sum()), dtype=bool))

    def coefficients(self, point: np.ndarray) -> np.ndarray:
        """Return W at a point of the solver, (n_features, n_tasks)."""
        return point if self.decomposition is None else joined(point)

    def parts(self, point: np.ndarray) -> dict[str, np.ndarray]:
        """Return the parts of which W is the sum, by name; none without a split."""
        if self.decomposition is None:
            return {}
        return dict(zip(self.decomposition.part_names, halves(point), strict=True))


def compose(penalty: Penalty, n_features: int, tasks: np.ndarray) -> Composite:
    """Check a penalty and return it as a norm plus a quadratic form.

    Parameters
    ----------
    penalty : Penalty
        Any penalty.
    n_features : int
        Number of rows of W.
    tasks : ndarray of shape (n_tasks,)
        Labels of the columns of W.

    Raises
    ------
    TypeError
        If it is not a penalty, or a parameter has the wrong type.
    ValueError
        If a parameter is not allowed, or a sum has two non-smooth terms.
    """
    _check_is_penalty(penalty)
    penalty.check(n_features, tasks)
    source = penalty.bind(tasks)
    terms = source.expand(tasks)
    quadratic = QuadraticForm(len(tasks))
    for term in terms:
        if term.smooth:
            quadratic = quadratic + term.quadratic(tasks)
    norm = _one_norm([term for term in terms if not term.smooth])
    free = np.ones(n_features, dtype=bool)
    if isinstance(norm, Decomposition):
        return Composite(
            norm.stacked(tasks),
            SplitForm(quadratic),
            np.zeros(2 * n_features, dtype=bool),
            source,
            norm,
        )
    if norm is not None:
        if norm is not penalty:
            norm.check(n_features, tasks)  # a sum may demand more than its terms
        free = norm.free_rows(n_features)
        if free.all() and not getattr(norm, "positive", False):
            norm = None  # it vanishes: what is left is a quadratic problem
    return Composite(norm, quadratic, free, source)


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
