"""Penalties on a sum of two parts, each with a penalty of its own.

    penalty(W) = min over P + Q = W of first(P) + second(Q)

The infimal convolution of the two. Its conjugate is the sum of their conjugates, its
dual norm the larger of their dual norms. A model is solved for P and Q together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from linmtl.penalties._accelerated import accelerated
from linmtl.penalties._base import DualTerms, Penalty
from linmtl.penalties._quadratic_form import QuadraticForm

_MAX_ITER = 20_000
_STEP_MOVES = (10, 20, 40, 80, 160, 320, 640)  # iterations that move the step
_TOL = 1e-11  # of the value and the prox of the infimal convolution itself


class Decomposition(Penalty):
    """Base of the penalties on W = P + Q; a subclass gives the two penalties.

    `part_names` are the keys of ``coef_components_``.
    """

    part_names: ClassVar[tuple[str, str]] = ("first", "second")
    positive: bool = False  # then the parts are so as well

    def parts(self) -> tuple[Penalty, Penalty]:
        """Return the penalties of the two parts."""
        raise NotImplementedError

    def check(self, n_features, tasks):
        super().check(n_features, tasks)
        for part, name in self._parts_that_cost():
            part.check(n_features, tasks)
            if part.free_rows(n_features).any():
                raise ValueError(
                    f"{type(self).__name__}: the penalty on the {name} part is zero "
                    "for some features, which would take everything; its strength "
                    "must be positive"
                )
            if part.bind(tasks).null_form(len(tasks)) is not None:
                raise ValueError(
                    f"{type(self).__name__}: {type(part).__name__} on the {name} part "
                    "leaves shifts of all tasks free, which would take everything; use "
                    "a penalty that is zero at zero only"
                )

    def _parts_that_cost(self) -> list[tuple[Penalty, str]]:
        """Return the parts that have to be zero at zero only, and their names."""
        return list(zip(self.parts(), self.part_names, strict=True))

    def stacked(self, tasks: np.ndarray) -> Stacked:
        """Return the penalty on P above Q, of shape (2 n_features, n_tasks)."""
        first, second = (part.bind(tasks) for part in self.parts())
        return Stacked(first, second)

    def shared_out(self, W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return parts of which W is the sum: all of it in the first one."""
        return W, np.zeros_like(W)

    def value(self, W):
        if self.positive and np.any(W < 0):
            return np.inf
        if not W.any():
            return 0.0
        return _infimum(self.stacked(np.arange(W.shape[1])), W)

    def prox(self, V, step, out):
        stack = self.stacked(np.arange(V.shape[1]))
        P, Q = _split_prox(stack, V, float(step))
        np.add(P, Q, out=out)
        return self.value(out)

    def prox_naive(self, V, step):
        first, second = self.parts()
        P, Q = np.zeros_like(V), np.zeros_like(V)
        last = np.full_like(V, np.inf)
        while np.abs(P - last).max() > 1e-10 * np.abs(V).max():
            last = P
            for _ in range(10):
                P = first.prox_naive(V - Q, step)
                Q = second.prox_naive(V - P, step)
        return P + Q

    def dual_norm(self, G):
        return max(part.dual_norm(G) for part in self.parts())

    def dual_terms(self, D):
        return DualTerms.together(part.dual_terms(D) for part in self.parts())

    def fitted_attributes(self, W, parts, tasks):
        return {"coef_components_": {k: P.T.copy() for k, P in parts.items()}}


class InfimalConvolution(Decomposition):
    """``min over P + Q = W of first(P) + second(Q)``: a sum of two kinds of structure.

    Parameters
    ----------
    first, second : Penalty
        The penalties of the two parts: two different ones that are not quadratic.

    Notes
    -----
    ``coef_components_`` of a fitted estimator holds the parts, under "first" and
    "second".

    References
    ----------
    Jalali, Ravikumar, Sanghavi, Ruan (2010), A dirty model for multi-task learning.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import L1, L21, InfimalConvolution
    >>> penalty = InfimalConvolution(L21(1.0), L1(0.8))
    >>> float(round(penalty.value(np.array([[3.0, 4.0], [2.0, 0.0]])), 6))
    6.6
    """

    def __init__(self, first: Penalty, second: Penalty):
        self.first = first
        self.second = second

    def parts(self):
        return self.first, self.second

    def of_classes(self, classes):
        parts = (part.of_classes(classes) for part in self.parts())
        return InfimalConvolution(*parts)

    def check(self, n_features, tasks):
        for part in self.parts():
            if not isinstance(part, Penalty) or isinstance(part, Decomposition):
                raise TypeError(
                    "InfimalConvolution takes two penalties that are not "
                    f"decompositions themselves, got {part!r}"
                )
            if part.smooth or len(part.expand(tasks)) > 1 or not part.convex:
                raise ValueError(
                    "InfimalConvolution takes two convex penalties with a prox, got "
                    f"{part!r}; add quadratic penalties to the whole"
                )
            if getattr(part, "positive", False):
                raise ValueError(
                    "InfimalConvolution: positive=True is not available for a part"
                )
        super().check(n_features, tasks)


class Stacked(Penalty):
    """``first`` on the upper half of the rows plus ``second`` on the lower half."""

    def __init__(self, first: Penalty, second: Penalty):
        self.first = first
        self.second = second

    @property
    def positive(self) -> bool:
        return getattr(self.first, "positive", False)

    @property
    def row_separable(self) -> bool:  # type: ignore[override]
        return self.first.row_separable and self.second.row_separable

    @property
    def symmetric(self) -> bool:  # type: ignore[override]
        return self.first.symmetric and self.second.symmetric

    def value(self, W):
        P, Q = halves(W)
        return self.first.value(P) + self.second.value(Q)

    def prox(self, V, step, out):
        (V_first, V_second), (P, Q) = halves(V), halves(out)
        steps = halves(np.asarray(step)) if np.ndim(step) else (step, step)
        value = self.first.prox(V_first, steps[0], P)
        return value + self.second.prox(V_second, steps[1], Q)

    def prepared(self, shape):
        half = shape[0] // 2, shape[1]
        return Stacked(self.first.prepared(half), self.second.prepared(half))

    def prox_naive(self, V, step):
        P, Q = halves(V)
        return np.vstack(
            [self.first.prox_naive(P, step), self.second.prox_naive(Q, step)]
        )

    def ridges_on_mean(self, n_features: int) -> np.ndarray | None:
        """Return the ridge on each row of a common model, (n_features,).

        None where the first part is anything else than a model that all tasks share,
        free or with a ridge.
        """
        return None

    def null_form(self, n_tasks):
        return self.first.null_form(n_tasks)  # a free mean of the tasks

    def dual_norm(self, G):
        P, Q = halves(G)
        return max(self.first.dual_norm(P), self.second.dual_norm(Q))

    def along_no_free(self, G: np.ndarray) -> np.ndarray:
        """Return the nearest G (n_features, n_tasks) that is zero along free means."""
        form = self.null_form(G.shape[1])
        if form is None:
            return G
        G = G.copy()
        for rows, columns, vectors in form.null_space(len(G)):
            some = np.ix_(rows, columns)
            G[some] -= G[some] @ vectors @ np.linalg.pinv(vectors)
        return G

    def dual_terms(self, D):
        P, Q = halves(D)
        return DualTerms.together([self.first.dual_terms(P), self.second.dual_terms(Q)])


@dataclass
class SplitForm:
    """A quadratic form of P + Q, as a function of P above Q."""

    form: QuadraticForm

    def __post_init__(self):
        self.is_zero = self.form.is_zero
        self.top = 2.0 * self.form.top
        self.shared_rows = self.form.shared_rows

    def __rmul__(self, factor: float) -> SplitForm:
        return SplitForm(factor * self.form)

    def value(self, W: np.ndarray) -> float:
        return self.form.value(joined(W))

    def gradient(self, W: np.ndarray) -> np.ndarray:
        G = self.form.gradient(joined(W))
        return np.vstack([G, G])

    def add_gradient(self, W: np.ndarray, factor: float, G: np.ndarray) -> None:
        """Add a factor times :meth:`gradient` to G, in place."""
        for half in halves(G):
            self.form.add_gradient(joined(W), factor, half)

    def shared(self, W: np.ndarray) -> np.ndarray:
        """Return P above Q with the rows that all tasks share replaced by means."""
        if not self.shared_rows.size:
            return W
        return np.vstack([self.form.shared(half) for half in halves(W)])

    def rows(self, chosen: np.ndarray) -> SplitForm:
        """Return the form itself: no row is set apart."""
        return self

    def conjugate(self, G: np.ndarray) -> float:
        """Return zero: no row is left to the quadratic form alone."""
        return 0.0


def halves(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the upper and the lower half of the rows."""
    d = len(A) // 2
    return A[:d], A[d:]


def joined(W: np.ndarray) -> np.ndarray:
    """Return the sum of the parts, (n_features, n_tasks)."""
    P, Q = halves(W)
    return P + Q


def _split_prox(stack: Stacked, V: np.ndarray, step: float):
    """Return P and Q that minimise ``||P + Q - V||^2 / 2 + step * stack(P, Q)``.

    Accelerated proximal gradient, to a duality gap.
    """

    def advance(at):
        residual, new = V - joined(at), np.empty_like(at)
        stack.prox(at + np.vstack([residual, residual]) / 2, step / 2, new)
        return new

    points = accelerated(advance, np.zeros((2 * len(V), V.shape[1])))
    scale = max(float(np.sum(V**2)) / 2, np.finfo(float).tiny)
    for iteration, Z in zip(range(_MAX_ITER), points, strict=False):
        if iteration % 10 == 0:
            residual = V - joined(Z)
            value = np.sum(residual**2) / 2 + step * stack.value(Z)
            residual = stack.along_no_free(residual)
            norm, support, square = stack.dual_terms(np.vstack([residual] * 2) / step)
            s = min(1.0, 1.0 / norm if norm > 0 else 1.0)
            dual = s * np.vdot(residual, V) - s**2 * np.sum(residual**2) / 2
            dual -= step * (s * support + s**2 * square)
            if value - dual <= _TOL * scale:
                break
    return halves(Z)


def _infimum(stack: Stacked, W: np.ndarray) -> float:
    """Return the infimal convolution at W, by alternating directions."""
    size = np.abs(W).max()
    Q, U = np.zeros_like(W), np.zeros_like(W)
    P = W.copy()
    step = size
    best, bound = min(stack.first.value(W), stack.second.value(W)), -np.inf
    for iteration in range(_MAX_ITER):
        P = np.empty_like(W)
        stack.first.prox(W - Q + U, step, P)
        before = Q
        Q = np.empty_like(W)
        stack.second.prox(W - P + U, step, Q)
        U += W - P - Q
        if iteration % 10 == 0:
            if stack.positive:
                P, Q = np.minimum(P, W), np.minimum(Q, W)
            best = min(
                best,
                stack.first.value(W - Q) + stack.second.value(Q),
                stack.first.value(P) + stack.second.value(W - P),
            )
            G = stack.along_no_free(U / step)
            norm, support, square = stack.dual_terms(np.vstack([G, G]))
            s = min(1.0, 1.0 / norm if norm > 0 else 1.0)
            bound = max(bound, s * np.vdot(G, W) - s * support - s**2 * square)
            if best - bound <= _TOL * best:
                break
        if iteration in _STEP_MOVES:
            primal = np.linalg.norm(W - P - Q) / np.linalg.norm(W)
            dual = np.linalg.norm(Q - before) / max(np.linalg.norm(U), 1e-300)
            if primal > 0 and dual > 0:
                factor = float(np.clip(np.sqrt(dual / primal), 0.1, 10.0))
                step, U = step * factor, U * factor
    return float(best)
