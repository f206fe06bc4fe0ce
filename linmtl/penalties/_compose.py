"""The form in which solvers see any penalty: one norm and one quadratic form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linmtl.penalties._base import Penalty, check_is_penalty, joined_norm
from linmtl.penalties._decomposition import Decomposition, SplitForm, halves, joined
from linmtl.penalties._deviation import AboutMean, Deviation
from linmtl.penalties._l1 import L1
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.penalties._shared_rows import SharedRows


@dataclass
class Composite:
    """A penalty as solvers see it: a norm with a prox, and a quadratic form.

    Attributes
    ----------
    norm : Penalty or None
        The non-smooth term.
    quadratic : QuadraticForm
        The sum of the quadratic terms, possibly zero.
    about_mean : AboutMean, default=None
        The norm, where it is one of deviations from the mean of the tasks.
    intercepts : bool, default=False
        Whether intercepts are penalised: as the last row of the point of solvers.
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
    intercepts: bool = False
    about_mean: AboutMean | None = None

    @property
    def is_split(self) -> bool:
        """Whether W is a sum P + Q, and the point of solvers P above Q."""
        return self.decomposition is not None

    @property
    def base_quadratic(self) -> QuadraticForm:
        """The quadratic form as a function of W, also where that is a sum P + Q."""
        quadratic = self.quadratic
        return quadratic.form if isinstance(quadratic, SplitForm) else quadratic

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
        quadratic = self.base_quadratic.rows(features)
        return Composite(norm, quadratic, np.ones(int(features.sum()), dtype=bool))

    def without_free(self) -> tuple[Composite, np.ndarray] | None:
        """Return the penalty of the other features, and the mask of the free ones.

        None where there are none, or where they do not come apart.
        """
        norm, quadratic, free = self.norm, self.base_quadratic, self.free
        if norm is None:
            free = np.zeros(free.size, dtype=bool)
            free[quadratic.free_rows] = True
            if not free.any():
                return None
            left = np.ones(int((~free).sum()), dtype=bool)
            return Composite(None, quadratic.rows(~free), left), free
        if self.is_split or self.positive or not free.any():
            return None
        if not (quadratic.is_diagonal and quadratic.equal_ridge):
            return None
        norm = norm.on_features(~free, free.size)
        if norm is None:
            return None
        left = np.zeros(int((~free).sum()), dtype=bool)
        return Composite(norm, quadratic, left), free

    def coefficients(self, point: np.ndarray) -> np.ndarray:
        """Return W at a point of the solver, (n_features, n_tasks)."""
        W = point if self.decomposition is None else joined(point)
        return W[:-1] if self.intercepts else W

    def parts(self, point: np.ndarray) -> dict[str, np.ndarray]:
        """Return the parts of which W is the sum, by name; none without a split."""
        if self.about_mean is not None:
            return self.about_mean.parts(point)
        if self.decomposition is None:
            return {}
        end = -1 if self.intercepts else None
        parts = [part[:end] for part in halves(point)]
        return dict(zip(self.decomposition.part_names, parts, strict=True))


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
    check_is_penalty(penalty)
    penalty.check(n_features, tasks)
    source = penalty.bind(tasks)
    terms = source.expand(tasks)
    quadratic = QuadraticForm(len(tasks))
    for term in terms:
        form = term.quadratic(tasks)
        if form is not None:
            quadratic = quadratic + form
    norm = joined_norm([term for term in terms if not term.smooth])
    deviation = norm if isinstance(norm, Deviation) else None
    below = [form for term in terms if (form := term.intercept_form(tasks)) is not None]
    intercepts = any(not form.is_zero for form in below)
    if deviation is not None and deviation.intercept_strength and len(tasks) > 1:
        intercepts = True
    if intercepts:
        if norm is not None and (deviation is None or not quadratic.is_zero):
            raise ValueError(
                f"intercept_weight goes with quadratic penalties, not with "
                f"{type(norm).__name__}; set it to 0"
            )
        if norm is None:
            row = sum(below[1:], below[0])
            quadratic = quadratic.above(row, n_features)
        n_features += 1
    free = np.ones(n_features, dtype=bool)
    if isinstance(norm, Decomposition):
        about = None if deviation is None else deviation.about_mean()
        if about is not None:
            alone = len(tasks) == 1  # it is its own mean
            free = np.full(n_features, alone)
            norm = None if alone else about
            return Composite(norm, quadratic, free, source, about_mean=about)
        stack = norm.stacked(tasks)
        if deviation is not None and intercepts:
            stack = deviation.stacked(tasks, n_features - 1)
        if quadratic.shared_rows.size and not stack.symmetric:
            raise ValueError(
                f"an infinite feature_weight does not go with {type(norm).__name__}, "
                "whose parts do not treat the tasks alike; pass a large finite one"
            )
        return Composite(
            stack,
            SplitForm(quadratic),
            np.zeros(2 * n_features, dtype=bool),
            source,
            norm,
            intercepts,
        )
    if norm is not None:
        if norm is not penalty:
            norm.check(n_features, tasks)  # a sum may demand more than its terms
        free = norm.free_rows(n_features)
        if free.all() and not getattr(norm, "positive", False):
            norm = None  # it vanishes: what is left is a quadratic problem
    if norm is not None and quadratic.shared_rows.size and not norm.symmetric:
        norm = SharedRows(norm, quadratic.shared_rows)
    return Composite(norm, quadratic, free, source, intercepts=intercepts)
