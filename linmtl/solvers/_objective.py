"""The objective: loss plus penalty, its certificate and its null model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from linmtl.datafits._base import Datafit, FreePart, Residuals
from linmtl.datafits._eliminate import Eliminated, eliminate
from linmtl.datafits._intercepts import carry_intercepts
from linmtl.datafits._scale import scale_coefficients
from linmtl.datafits._split import SplitFit
from linmtl.penalties._compose import Composite
from linmtl.penalties._decomposition import joined
from linmtl.penalties._deviation import AboutMean
from linmtl.penalties._entry_weighted import EntryWeighted
from linmtl.penalties._group_separable import GroupSeparable
from linmtl.penalties._latent_groups import LatentGroups
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.penalties._row_separable import RowSeparable

# Size of the rounding errors of a gradient, relative to the gradient at zero: at the
# optimum the gradient itself is nothing but rounding.
_ROUNDING = 1e-13
# What a projection may leave of a dual constraint, relative to the norms of a feature
# and of the residuals: a point that violates it by more certifies nothing.
_INFEASIBLE = 1e-10
_PROJECTIONS = 2  # the second mends the rounding of the first
# Residuals that are all rounding (an interpolating W) satisfy no constraint of the dual
# problem once they are scaled up; near the optimum the best scale is 1.
_LARGEST_SCALE = 10.0
# An objective of which residuals have no squares in double precision.
_MAX_OBJECTIVE = 1e100
# unknowns of one side beyond which a factorisation is dearer than many gradients
LARGE_SYSTEM = 5000


@dataclass(frozen=True)
class Certificate:
    """The objective at a point and a lower bound of the optimum."""

    primal: float
    dual: float

    @property
    def gap(self) -> float:
        return max(self.primal - self.dual, 0.0)


@dataclass(frozen=True)
class Substituted:
    """A problem in other variables, and the ways there and back."""

    part: Objective
    there: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]


class Objective:
    """``loss(W) + norm(W) + quadratic(W)``, intercepts always at their optimum.

    Parameters
    ----------
    fit : Datafit
        The loss.
    penalty : Composite
        The penalty.

    Attributes
    ----------
    base_fit : Datafit
        The loss as a function of the coefficients.
    whole_fit : Datafit
        The loss as a function of W: the coefficients, and intercepts that are penalised
        as its last row; also where W is a sum P + Q and everything here is a function
        of P above Q.
    D : ndarray of shape (n_features, n_columns)
        Negative gradient of the smooth part at the last point certified; without a
        norm, that of the loss.
    row_sizes : ndarray of shape (n_features,)
        Dual norm of each row of D, or of its group, where the norm is a sum over these.
    limit : float
        The largest scale at which the residuals are a point of the dual problem.
    """

    D: np.ndarray
    row_sizes: np.ndarray
    limit: float

    def __init__(self, fit: Datafit, penalty: Composite):
        self.base_fit = fit
        self._carried = carry_intercepts(fit) if penalty.intercepts else None
        whole = fit if self._carried is None else self._carried.fit
        self.whole_fit = whole
        self.fit = SplitFit(whole) if penalty.is_split else whole
        self.penalty = penalty
        self.shape = (self.fit.n_features, self.fit.n_columns)
        self._G = np.empty(self.shape)
        self._rounding = 0.0  # of the problem that this is a part of

    def smooth(
        self, W: np.ndarray, G: np.ndarray, residuals: Residuals | None = None
    ) -> float:
        """Return loss plus quadratic form, and write the negative gradient into G.

        ``residuals`` are as for :meth:`linmtl.datafits._base.Datafit.evaluate`.
        """
        return self.slope(W, G, residuals) + self.penalty.quadratic.value(W)

    def slope(
        self, W: np.ndarray, G: np.ndarray, residuals: Residuals | None = None
    ) -> float:
        """Write the negative gradient of the smooth part into G; return the loss."""
        loss = self.fit.evaluate(W, G, residuals)
        quadratic = self.penalty.quadratic
        if not quadratic.is_zero:
            quadratic.add_gradient(W, -1.0, G)
            if quadratic.shared_rows.size:
                G[...] = quadratic.shared(G)  # nothing else can move
        return loss

    def fitted_attributes(self, point: np.ndarray) -> dict[str, np.ndarray]:
        """Return what an estimator reports of the loss at the solution, by name."""
        W = joined(point) if self.penalty.is_split else point
        return self.whole_fit.fitted_attributes(W)

    @property
    def start(self) -> np.ndarray:
        """Zero coefficients; penalised intercepts at the best common one."""
        W = np.zeros(self.shape)
        if self._carried is not None:
            W[self.whole_fit.n_features - 1] = self._carried.start
        return W

    def point(self, W: np.ndarray) -> np.ndarray:
        """Return a point of solvers with these coefficients, (n_features, n_tasks)."""
        out, d = self.start, self.whole_fit.n_features
        parts: tuple[np.ndarray, ...] = (W,)
        if self.penalty.decomposition is not None:
            parts = self.penalty.decomposition.shared_out(W)
        for k, part in enumerate(parts):
            out[k * d : k * d + len(W)] = part
        return out

    def intercepts(self, W: np.ndarray) -> np.ndarray:
        """Return the intercepts at the W last evaluated, (n_tasks,)."""
        if self._carried is not None:
            W = joined(W) if self.penalty.is_split else W
            return W[-1] + self._carried.shift
        return np.array(self.fit.b)

    def value(self, W: np.ndarray) -> float:
        """Return the objective at W."""
        return self.fit.evaluate(W, self._G) + self.penalty.value(W)

    def loss_and_penalty(self, W: np.ndarray) -> float:
        """Return the objective at W without its gradient."""
        return self.fit.loss_at(W) + self.penalty.value(W)

    def certificate(
        self,
        W: np.ndarray,
        residuals: Residuals | None = None,
        norm_value: float | None = None,
    ) -> Certificate:
        """Return the objective at W and a true lower bound of the optimum.

        The residuals theta and the gradient u of the quadratic form make a dual pair,
        both scaled by the same s: the quadratic costs ``s^2`` times its conjugate, and
        only ``X' theta - u`` has to lie in the dual ball of the norm. Where neither
        penalises a direction, theta is first projected to satisfy the constraint; where
        the norm alone does not, u is the gradient at a W moved along it.
        ``residuals`` are as for :meth:`linmtl.datafits._base.Datafit.evaluate`;
        ``norm_value`` is that of the norm at W, where it is known.
        """
        fit, penalty, G = self.fit, self.penalty, self._G
        free, quadratic = penalty.free, penalty.quadratic
        signs = penalty.positive and bool(free.any())
        size = self._gradient_size if signs else 0.0  # evaluates the loss: ask first
        # a strength in single precision makes a value of its kind
        cost = quadratic.value(W)
        if penalty.norm is None:
            norm_value = 0.0
        elif norm_value is None:
            norm_value = penalty.norm.value(W)
        primal = float(fit.evaluate(W, G, residuals) + cost + norm_value)
        if not primal < _MAX_OBJECTIVE:
            self.D, self.row_sizes, self.limit = G, np.full(len(G), np.inf), 0.0
            self._costs = 0.0, 0.0
            return Certificate(primal, -np.inf)
        limit, support = _LARGEST_SCALE, 0.0
        if signs:
            limit, conjugate, D = self._certify_signs(W, G, _ROUNDING * size)
        else:
            rows, null = free, self._null_form
            form: Any = quadratic
            if null is not None:
                rows = np.ones(self.whole_fit.n_features, dtype=bool)
                form = penalty.base_quadratic + null
            if rows.any():
                null_space = form.null_space(len(rows))
                limit, support = self._project(null_space, rows, W, G, limit)
            D, conjugate = G, 0.0
            if not quadratic.is_zero:
                at = W if null is None else self._moved(null, W, G)
                if at is W and not free.any():
                    conjugate = cost
                else:
                    conjugate = quadratic.rows(free).conjugate(_rows(G, free))
                    conjugate += quadratic.rows(~free).value(_rows(at, ~free))
                if penalty.norm is not None:
                    D = G.copy()
                    quadratic.add_gradient(at, -1.0, D)
                    # the multiplier of what is shared takes all but the mean
                    D = quadratic.shared(D)
        self.D = D
        if penalty.norm is not None:
            if isinstance(penalty.norm, GroupSeparable):
                self.row_sizes = penalty.norm.row_dual_norms(D)
                size = float(self.row_sizes.max(initial=0.0))
            else:
                terms = penalty.norm.dual_terms(np.ascontiguousarray(D))
                size, conjugate = terms[0], conjugate + terms[2]
                support += terms[1]
            limit = min(limit, 1.0 / size if size > 0 else np.inf)
        self.limit = min(limit, fit.dual_limit())
        scale = fit.best_scale(conjugate, self.limit, support)
        self._costs = support, conjugate
        return Certificate(primal, self.dual_at(scale))

    @cached_property
    def without_free(self) -> tuple[Objective, Eliminated] | None:
        """This problem with the free features eliminated, and how to find them.

        None where there are none, or where they do not come apart.
        """
        left = self.penalty.without_free()
        if left is None:
            return None
        penalty, free = left
        ridge = 0.0
        if penalty.norm is not None:
            ridge = float(penalty.base_quadratic.diagonal[0])
        found = eliminate(self.fit, free, ridge)
        if found is None:
            if penalty.norm is None:
                raise ValueError(
                    "feature_weight is zero for some features, which needs a loss that "
                    "is the sum of the tasks' losses; pass small positive weights"
                )
            return None
        part = Objective(found.fit, penalty)
        part._rounding = self.rounding
        return part, found

    @cached_property
    def substituted(self) -> Substituted | None:
        """This problem in variables in which its norm is one that fast methods know.

        Coefficients times weights of their own, or copies of features that are in
        several groups. None where the norm is neither, or where a quadratic form goes
        by the coefficients.
        """
        norm, d = self.penalty.norm, self.shape[0]
        if not self.penalty.quadratic.is_zero:
            return None
        if isinstance(norm, EntryWeighted):
            scale = norm.scale
            fit = scale_coefficients(self.base_fit, scale)
            if fit is None:
                return None
            penalty = replace(self.penalty, norm=norm.norm)
            there, back = norm.times, lambda V: scale * V
        elif isinstance(norm, LatentGroups):
            fit, copies = self.base_fit.restrict(norm.feature), norm.copies
            free = copies.free_rows(norm.feature.size)
            penalty = replace(self.penalty, norm=copies, free=free)
            there, back = norm.allowed_copies, lambda V: norm.summed(V, d)
        else:
            return None
        part = Objective(fit, penalty)
        part._rounding = self.rounding
        return Substituted(part, there, back)

    @property
    def rounding(self) -> float:
        """The size of the rounding errors of the objective."""
        return max(self._rounding, self.base_fit.rounding)

    def error(self, W: np.ndarray) -> float:
        """Return the error at W by the use of moments, rounding apart."""
        return self.fit.error(W)

    def error_without_rows(self, W: np.ndarray) -> float:
        """Return that error, or zero where there are rows to use instead."""
        return self.error(W) if self.base_fit.rows is None else 0.0

    def of_rows(self) -> Objective | None:
        """Return the objective through residuals, None unless this one uses moments."""
        fit = self.base_fit.of_rows
        if fit is None:
            return None
        whole = Objective(fit, self.penalty)
        whole._rounding = self._rounding
        return whole

    @property
    def largest_product(self) -> float:
        """The multiplications of the largest matrix product of a solver."""
        d, columns = self.shape
        rows, shared = self.fit.largest_block
        work = float(rows) * d * (columns if shared else 1)
        if self.penalty.norm is None:  # linear systems
            unknowns = d if self.penalty.base_quadratic.is_diagonal else d * columns
            work = max(work, float(rows) * d * d, min(unknowns, LARGE_SYSTEM) ** 3 / 3)
        return work

    @property
    def gradient(self) -> np.ndarray:
        """The negative gradient of the loss at the last point evaluated."""
        return self._G

    def residuals(self) -> Residuals | None:
        """Return a copy of residuals and gradient at the last point certified.

        For the squared loss, where both are linear in W and tell of other points too;
        None where they are not held or were projected.
        """
        at, penalty = self.fit.residuals, self.penalty
        if at is None or not self.fit.residuals_are_linear:
            return None
        if not isinstance(penalty.norm, RowSeparable) or penalty.free.any():
            return None
        arrays = at.b, at.theta, at.task_loss, self._G
        return Residuals(*(array.copy() for array in arrays))

    def resume(self, whole: Objective, rows: np.ndarray) -> None:
        """Move to the point of another problem, of which this has some rows of W.

        The other rows are zero there, and the residuals known.
        """
        fit: Any = self.fit
        fit.resume(whole.fit.residuals)
        self._G[...] = whole._G[rows]
        self.D, self.row_sizes = whole.D[rows], whole.row_sizes[rows]

    def dual_at(self, scale: float) -> float:
        """Return the dual objective at a multiple of the residuals last certified."""
        support, conjugate = self._costs
        value = self.fit.dual_value(scale) - scale * support - scale**2 * conjugate
        return float(value)

    @cached_property
    def free_means(self) -> np.ndarray:
        """The rows of W for which the norm leaves a common model of all tasks free."""
        out, null = np.zeros(self.whole_fit.n_features, dtype=bool), self._null_form
        about = self.penalty.is_split or isinstance(self.penalty.norm, AboutMean)
        if about and null is not None:
            for rows, *_ in null.null_space(out.size):
                out |= rows
        return out

    @cached_property
    def _null_form(self) -> QuadraticForm | None:
        norm = self.penalty.norm
        return None if norm is None else norm.null_form(self.shape[1])

    def _moved(self, null, W, G):
        """Return the best W along the directions that cost the norm nothing.

        There, what the gradient of the quadratic form leaves of G is zero along the
        null space of the norm, as its dual ball asks.
        """
        quadratic, d = self.penalty.base_quadratic, self.whole_fit.n_features
        out, W = W.copy(), joined(W) if self.penalty.is_split else W
        basis = []
        for _, columns, vectors in null.null_space(d):
            basis.append(np.zeros((W.shape[1], vectors.shape[1])))
            basis[-1][columns] = vectors
        N = np.hstack(basis)
        rest = (G[:d] - quadratic.gradient(W)) @ N
        for rows, form in quadratic.kinds(d):
            curvature = form.gradient(N.T) @ N
            move = rest[rows] @ np.linalg.pinv(curvature, hermitian=True)
            out[rows] += move @ N.T
        return out

    @cached_property
    def _feature_scale(self) -> np.ndarray:
        return self.whole_fit.feature_scale()

    def _project(self, null_space, rows, W, G, limit):
        """Move the residuals to where the gradient is zero along the null space.

        Return the largest scale at which they are a point of the dual problem, zero
        where they are not, and what the gradient that is left costs the bound: about
        as much at the optimum as at W.
        """
        fit = self.fit
        null_space = [(rows & some, *basis) for some, *basis in null_space]
        null_space = [basis for basis in null_space if basis[0].any()]
        if not null_space:
            return limit, 0.0
        W = joined(W) if self.penalty.is_split else W
        allowed = _INFEASIBLE * self._feature_scale * fit.residual_norm()
        parts = [
            FreePart(some, columns, np.zeros(int(some.sum())), vectors)
            for some, columns, vectors in null_space
        ]
        groups = [parts] if fit.coupled else _overlapping(parts, self.shape[1])

        def left():
            cost = 0.0
            for some, columns, vectors in null_space:
                over = np.abs(G[: len(some)][some][:, columns] @ vectors)
                if np.any(over.max(axis=1, initial=0) > allowed[some]):
                    return np.inf
                cost += float(np.sum(over * np.abs(W[some][:, columns] @ vectors)))
            return cost

        for _ in range(_PROJECTIONS):
            for together in groups:
                fit.project(together, G)
            fit.refresh(G)
            cost = left()
            if cost < np.inf:
                return limit, cost
        return 0.0, 0.0

    @cached_property
    def _gradient_size(self) -> float:
        G = np.empty(self.shape)
        self.fit.evaluate(np.zeros(self.shape), G)
        return float(np.abs(G).max(initial=0.0))

    def _certify_signs(self, W, G, rounding):
        """Certify where features have a sign constraint but no norm.

        There ``X' theta - u`` must be zero where W is positive and may be negative
        elsewhere: project onto the former, and add what turns out positive.
        """
        fit, penalty = self.fit, self.penalty
        free = penalty.free
        U = penalty.quadratic.gradient(W)
        tight = W[free] > 0
        rounding += _ROUNDING * np.abs(U).max(initial=0.0)
        rows, every = np.flatnonzero(free), np.arange(W.shape[1])
        shared = np.isin(rows, penalty.quadratic.shared_rows)
        for _ in range(W.shape[1] * rows.size + 1):
            parts = []
            for c in every:
                chosen = rows[tight[:, c] & ~shared]
                parts.append(FreePart(chosen, every[c : c + 1], U[chosen, c]))
            chosen = rows[tight[:, 0] & shared]
            parts.append(FreePart(chosen, every, U[chosen].sum(axis=1)))
            parts = [part for part in parts if part.rows.size]
            for together in _overlapping(parts, every.size):
                fit.project(together, G)
            fit.refresh(G)
            D = penalty.quadratic.shared(G - U)
            violated = D[free] > rounding
            if not np.any(violated & ~tight):
                break
            tight |= violated
        feasible = not np.any(np.abs(D[free])[tight] > 100 * rounding)
        limit = _LARGEST_SCALE if feasible else 0.0
        return limit, penalty.quadratic.value(W), D


def _overlapping(parts: list[FreePart], n_columns: int) -> list[list[FreePart]]:
    """Return parts in groups that have no column in common."""
    group = np.full(n_columns, -1)  # of each column
    members: dict[int, list[FreePart]] = {}
    for name, part in enumerate(parts):
        met = [k for k in np.unique(group[part.columns]).tolist() if k >= 0]
        members[name] = [part]
        for k in met:
            members[name] = members.pop(k) + members[name]
            group[group == k] = name
        group[part.columns] = name
    return list(members.values())


def _rows(A: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return some rows; without a copy if they are all."""
    return A if mask.all() else A[mask]
