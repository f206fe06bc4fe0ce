"""What a penalty is, and sums of penalties."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator

from linmtl.data._checks import check_keywords
from linmtl.penalties._parameters import check_strength, strength_names, with_alpha
from linmtl.penalties._quadratic_form import QuadraticForm


class DualTerms(NamedTuple):
    """The conjugate of a penalty at the multiples s >= 0 of a point.

    It is ``s * support + s**2 * square`` while ``s * norm <= 1``, infinite beyond: a
    norm has its dual norm only, a squared norm ``square``, a norm ball ``support``.
    """

    norm: float = 0.0
    support: float = 0.0
    square: float = 0.0

    @classmethod
    def together(cls, terms: Iterable[DualTerms]) -> DualTerms:
        """Return those of a sum of penalties, each on coefficients of its own."""
        norm, support, square = zip(*terms, strict=True)
        return cls(max(norm), sum(support), sum(square))

    @property
    def zero_from(self) -> float:
        """The factor on the penalty from which on zero is a solution."""
        return self.norm if self.support == self.square == 0.0 else np.inf


class Penalty(BaseEstimator):
    """Base class of the penalties on W, of shape (n_features, n_tasks).

    A penalty holds parameters only; they are checked when a model is fitted. A norm
    implements `value`, `prox` and `dual_norm`; another convex penalty `dual_terms` in
    place of the last; one that is quadratic over the tasks implements `quadratic` and
    gets the rest from it.

    Attributes
    ----------
    convex : bool
        Whether the penalty is convex.
    smooth : bool
        Whether it is a quadratic form over the tasks, given by `quadratic`.
    row_separable : bool
        Whether it is a sum over the rows (features) of W; its `prox` then takes one
        step per row.
    symmetric : bool
        Whether its prox leaves the entries of a row equal that are equal.
    spectral : bool
        Whether it depends on the singular values of W only.
    ordered : bool
        Whether it depends on the order of the tasks.
    takes_classes : bool
        Whether it has a meaning for several columns a task, one for each class.
    draws_intercepts : bool
        Whether it draws the intercepts of the tasks to each other.
    joins : str
        With which others `joined` knows a common prox, for messages.
    """

    convex: ClassVar[bool] = True
    smooth: ClassVar[bool] = False
    row_separable: ClassVar[bool] = False
    symmetric: ClassVar[bool] = True
    spectral: ClassVar[bool] = False
    ordered: ClassVar[bool] = False
    takes_classes: ClassVar[bool] = False
    joins: ClassVar[str] = ""

    def __new__(cls, *args: Any, **given: Any) -> Self:
        if given:
            check_keywords(cls, given)
        return super().__new__(cls)

    @property
    def draws_intercepts(self) -> bool:
        return False

    def __add__(self, other: Penalty) -> Sum:
        if not isinstance(other, Penalty):
            return NotImplemented
        return Sum(self, other)

    def __radd__(self, other: Literal[0]) -> Penalty:
        if other != 0:  # where sum() starts
            return NotImplemented
        return self

    def check(self, n_features: int, tasks: np.ndarray) -> None:
        """Raise ValueError or TypeError where a parameter is not allowed.

        Parameters
        ----------
        n_features : int
            Number of rows of W.
        tasks : ndarray of shape (n_tasks,)
            Task labels, in the order of the columns of W.
        """
        for name in strength_names(self):
            check_strength(self, name)

    def expand(self, tasks: np.ndarray) -> list[Penalty]:
        """Return the penalties of which this one is the sum; by default itself."""
        return [self]

    def joined(self, others: Sequence[Penalty]) -> Penalty | None:
        """Return the sum of this penalty and others as one that has a prox.

        None where its prox is not known from here: another of the penalties may know.
        """
        return None if others else self

    def bind(self, tasks: np.ndarray) -> Penalty:
        """Return this penalty with task labels replaced by positions; here, itself."""
        return self

    def on_present(self, share: np.ndarray) -> Penalty:
        """Return the penalty where features are those of a share of the tasks.

        ``share`` is of shape (n_features,).
        """
        return self

    def of_classes(self, classes: Any) -> Penalty:
        """Return the penalty for a column of W for each class of a task.

        ``classes`` is a :class:`linmtl.data._classes.ClassColumns`; this penalty has
        been checked for its tasks.
        """
        if self.takes_classes:
            return self
        raise ValueError(
            f"{type(self).__name__} is for two classes: it has no meaning for several "
            f"columns of W a task, and y has {classes.classes.size} classes"
        )

    def fitted_attributes(
        self, W: np.ndarray, parts: Mapping[str, np.ndarray], tasks: np.ndarray
    ) -> dict[str, Any]:
        """Return what an estimator reports of a solution beside its coefficients.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            The solution.
        parts : dict of ndarray of shape (n_features, n_tasks)
            The parts of which W is the sum, for a decomposition; otherwise empty.
        tasks : ndarray of shape (n_tasks,)
            Task labels.

        Returns
        -------
        dict
            Names of attributes, which end in an underscore, and their values.
        """
        return {}

    def value(self, W: np.ndarray) -> float:
        """Return the penalty at W."""
        raise NotImplementedError(f"{type(self).__name__} has no value")

    def prox(self, V: np.ndarray, step: float | np.ndarray, out: np.ndarray) -> float:
        """Write ``argmin_W ||W - V||^2 / 2 + step * penalty(W)`` into `out`.

        Parameters
        ----------
        V : ndarray of shape (n_features, n_tasks)
            The point.
        step : float or ndarray of shape (n_features,)
            The step; one per row where the penalty is row-separable.
        out : ndarray of shape (n_features, n_tasks)
            Receives the result.

        Returns
        -------
        float
            The value of the penalty at `out`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no prox")

    def prox_naive(self, V: np.ndarray, step: float) -> np.ndarray:
        """Return the prox by its textbook formula; slow, for tests and reading."""
        raise NotImplementedError(f"{type(self).__name__} has no prox_naive")

    def dual_norm(self, G: np.ndarray) -> float:
        """Return the smallest s >= 0 with <G, W> <= s * penalty(W) for all W.

        Rows of G whose penalty is zero (unpenalised features) are left out.
        """
        raise NotImplementedError(f"{type(self).__name__} has no dual norm")

    def dual_terms(self, D: np.ndarray) -> DualTerms:
        """Return the conjugate at the multiples of D, rows of free features apart."""
        return DualTerms(norm=self.dual_norm(D))

    def free_rows(self, n_features: int) -> np.ndarray:
        """Return the mask of the features that the penalty leaves free."""
        return np.zeros(n_features, dtype=bool)

    def on_features(self, features: np.ndarray, n_features: int) -> Penalty | None:
        """Return the penalty of some features (mask or positions), the others zero.

        None where it is not known.
        """
        return None

    def prepared(self, shape: tuple[int, int]) -> Penalty:
        """Return the same norm for many proxes at points of this shape.

        Its strengths are found once for all; here, itself.
        """
        return self

    def tangent(self, W: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Return where the penalty is smooth at W, and its second derivative there.

        An orthonormal basis, (n_tasks, n_features, n_directions), and a symmetric
        matrix in it; None where they are not known.
        """
        return None

    def null_form(self, n_tasks: int) -> QuadraticForm | None:
        """Return a quadratic form that is zero for the same W, for a semi-norm.

        None for a penalty that is zero for a free feature or a W of zeros only.
        """
        return None

    def with_largest_strength(self, n_columns: int) -> Penalty | None:
        """Return the penalty at whose `alpha_max` a grid of this one begins.

        Where this one is zero for no finite strength; None where there is none.
        """
        return None

    def alpha_max(self, G0: np.ndarray) -> float:
        """Return the smallest `alpha` whose solution is zero.

        Of a penalty with several strengths and none called ``alpha``, the factor on
        all of them.

        Parameters
        ----------
        G0 : ndarray of shape (n_features, n_tasks)
            Negative gradient of the loss at the null model (intercepts and
            unpenalised features fitted, everything else zero).

        Returns
        -------
        float
            Infinite where the solution is zero for no finite `alpha`.
        """
        if self.smooth:
            return np.inf
        unit = self
        if hasattr(self, "alpha"):
            unit = with_alpha(self, 1.0)
        return unit.dual_terms(G0).zero_from

    def quadratic(self, tasks: np.ndarray) -> QuadraticForm | None:
        """Return the quadratic form over these tasks, None for a non-smooth penalty."""
        return None

    def intercept_form(self, tasks: np.ndarray) -> QuadraticForm | None:
        """Return the quadratic form in the intercepts, None where they are free."""
        return None


class Sum(Penalty):
    """The sum of two penalties, written ``first + second``.

    At most one of the terms may be non-smooth, except L1 + L21 or L1 + GroupL21 (sparse
    group lasso), and L1, L21 or both with Fused; any number of terms may be quadratic.
    Longer sums are nested, and their parameters are reached by ``first__alpha``,
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
    def draws_intercepts(self) -> bool:
        return any(term.draws_intercepts for term in self.terms())

    @property
    def convex(self) -> bool:  # type: ignore[override]
        return all(term.convex for term in self.terms())

    def check(self, n_features, tasks):
        for term in self.terms():
            check_is_penalty(term)
            term.check(n_features, tasks)
        norm = joined_norm([term for term in self.expand(tasks) if not term.smooth])
        if norm is not None:
            norm.check(n_features, tasks)

    def value(self, W):
        return sum(term.value(W) for term in self.terms())

    def alpha_max(self, G0):
        """Return the factor on all strengths at which the solution is zero."""
        expanded = self.expand(np.arange(G0.shape[1]))
        norm = joined_norm([term for term in expanded if not term.smooth])
        if norm is None or norm.free_rows(G0.shape[0]).all():
            return np.inf
        if norm.null_form(G0.shape[1]) is not None:
            return np.inf
        return norm.dual_terms(G0).zero_from

    def bind(self, tasks):
        return Sum(self.first.bind(tasks), self.second.bind(tasks))

    def on_present(self, share):
        return Sum(self.first.on_present(share), self.second.on_present(share))

    def of_classes(self, classes):
        return Sum(self.first.of_classes(classes), self.second.of_classes(classes))

    def fitted_attributes(self, W, parts, tasks):
        out = {}
        for term in self.terms():
            out.update(term.fitted_attributes(W, parts, tasks))
        return out


def check_is_penalty(penalty: object) -> None:
    if not isinstance(penalty, Penalty):
        hint = ""
        if isinstance(penalty, (str, type)):
            hint = "; pass an instance, such as L21(alpha=0.1)"
        raise TypeError(
            f"penalty must be a penalty from linmtl.penalties, got {penalty!r}{hint}"
        )


def joined_norm(norms: Sequence[Penalty]) -> Penalty | None:
    """Return the sum of the non-smooth terms as one penalty, None if there is none."""
    for i, norm in enumerate(norms):
        whole = norm.joined([*norms[:i], *norms[i + 1 :]])
        if whole is not None:
            return whole
    if not norms:
        return None
    names = [type(norm).__name__ for norm in norms]
    known = [f"{type(n).__name__} with {n.joins}" for n in norms if n.joins]
    but = f" (known are {'; '.join(known)})" if known else ""
    raise ValueError(
        f"the sum {' + '.join(names)} has no known proximal operator{but}; pass one "
        "non-smooth term"
    )
