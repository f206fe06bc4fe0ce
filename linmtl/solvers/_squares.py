"""Least squares with a ridge about a point: what alternating directions solve for.

In an eigenbasis where all tasks have one Hessian, else by factors of each, of the
smaller side of its rows; a form that couples the tasks is a part of one system.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from linmtl.datafits._base import Datafit
from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import factor_solve, factor_solve_by_rows
from linmtl.penalties._decomposition import Stacked, halves, joined
from linmtl.penalties._deviation import AboutMean
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers._objective import Objective
from linmtl.solvers._quadratic_system import (
    DENSE_SYSTEM,
    Block,
    small_systems,
    system_solver,
)

_EPS = np.finfo(float).eps
_MANY_FACTORS = 30  # for which eigenvectors are no dearer
_MOST_ENTRIES = 10_000_000  # of Hessians; beside larger ones there is no room for both
_POWER_STEPS = 5  # for the size of the Hessian, of which rho is a fraction


def couples_tasks(form: QuadraticForm) -> bool:
    """Whether a quadratic form is more than one ridge for all coefficients."""
    return not (form.is_diagonal and form.equal_ridge)


def has_factors(fit: Datafit) -> bool:
    """Whether Hessians are held and factored: of about as many rows as features.

    Of fewer they are much larger than X; of more, steps are few, and of moments that
    serve many problems eigenvectors are had once.
    """
    if fit.n_columns * fit.n_features**2 > _MOST_ENTRIES:
        return False
    data = fit.data if fit.holds_rows else fit.rows
    if data is None or have_one_hessian(fit):
        return False
    rows, coefficients = data.y.size, fit.n_features * fit.n_columns
    return coefficients <= 2 * rows if fit.holds_rows else rows <= 2 * coefficients


def have_one_hessian(fit: Datafit) -> bool:
    """Whether all columns share one Hessian."""
    if fit.holds_rows:
        return fit.data.design.columns_alike(fit.data.weight)
    return len(fit.H) == 1


def least_squares(objective: Objective) -> Squares:
    """Return the least-squares part; on a path all ask for the same."""
    fit, norm = objective.whole_fit, objective.penalty.norm
    split, about_mean = objective.penalty.is_split, isinstance(norm, AboutMean)
    form = objective.penalty.base_quadratic
    if couples_tasks(form):
        last = fit.least_squares
        if last is None or last[0] is not form:
            fit.least_squares = last = form, Coupled(fit, form)
        return last[1]
    ridge = float(form.diagonal[0])
    on_mean = None
    if ridge == 0 and not fit.holds_rows:
        if about_mean:
            on_mean = np.zeros(fit.n_features)
        elif isinstance(norm, Stacked):
            on_mean = norm.ridges_on_mean(fit.n_features)
    on_mean_key = None if on_mean is None else on_mean.tobytes()
    key = ridge, split, norm is not None and norm.spectral, on_mean_key
    last = fit.least_squares
    many = not fit.holds_rows and last is not None and last[1].count > _MANY_FACTORS
    if last is None or last[0] != key or many:
        squares = (
            _make_squares(fit, norm, ridge, split, many)
            if on_mean is None
            else (_AboutMean if about_mean else _AroundMean)(fit, on_mean)
        )
        fit.least_squares = last = key, squares
    return last[1]


def _make_squares(fit, norm, ridge, split, many=False):
    gram = not fit.holds_rows
    if have_one_hessian(fit):
        kind = _Eigenbasis if norm is not None and norm.spectral else _OneHessian
        squares = kind.of_gram(fit, ridge) if gram else kind.of_rows(fit, ridge)
    elif has_factors(fit) and not many:
        squares = _Factors(fit, ridge)
    else:
        squares = _Grams(fit, ridge) if gram else _Rows(fit, ridge)
    return _Split(squares) if split else squares


class Squares:
    """The least-squares part, with a ridge as part of it.

    Attributes
    ----------
    size : float
        About the largest eigenvalue of the Hessians.
    count : int
        How often factors of Hessians were made.
    moves_freely : bool
        Whether to prepare for another rho costs no more than a few steps.
    """

    size: float
    count: int = 0
    moves_freely: bool = False

    def norm(self, norm: Any) -> Any:
        """Return the norm of the variable of the steps."""
        return norm

    def enter(self, W: np.ndarray) -> np.ndarray:
        """Return W in the basis of the steps."""
        return W.copy()

    def leave(self, Z: np.ndarray) -> np.ndarray:
        """Return Z in the basis of the features."""
        return Z

    def aim(self, C: np.ndarray) -> None:
        """Take C for the negative gradient of the least squares at zero."""
        raise NotImplementedError

    def prepare(self, rho: float) -> None:
        """Make ready for steps with this rho."""

    def solve(self, V: np.ndarray, rho: float) -> np.ndarray:
        """Minimise the least squares plus ``rho ||Z - V||^2 / 2``."""
        raise NotImplementedError


class _Eigenbasis(Squares):
    """One Hessian for all tasks: its eigenbasis, or that of the span of the samples.

    Outside the span of the samples the solution is zero.
    """

    moves_freely = True

    def __init__(self, Q, eigenvalue, C, ridge):
        self.Q, self.C = Q, C
        self.curvature = (np.maximum(eigenvalue, 0.0) + ridge)[:, None]
        self.size = float(self.curvature.max(initial=0.0))

    @classmethod
    def of_gram(cls, fit: Datafit, ridge: float) -> _Eigenbasis:
        (eigenvalue,), (Q,) = fit.eigenbases
        return cls(Q, eigenvalue, Q.T @ fit.C.T, ridge)

    @classmethod
    def of_rows(cls, fit: Datafit, ridge: float) -> _Eigenbasis:
        data = fit.data
        first = np.arange(1)
        A = data.design.centred_block(first, data.weight, data.fit_intercept)
        factors: Any = linalg.qr(A.T, mode="economic", check_finite=False)
        span, R = factors
        eigenvalue, P = np.linalg.eigh(R @ R.T)
        weight = data.weight[: data.task_ptr[1]]
        Y = np.sqrt(weight) * fit.y.reshape(data.design.n_tasks, -1)
        return cls(span @ P, eigenvalue, P.T @ (R @ Y.T), ridge)

    def aim(self, C):
        self.C = self.Q.T @ C

    def enter(self, W):
        return self.Q.T @ W

    def leave(self, Z):
        return self.Q @ Z

    def solve(self, V, rho):
        return (self.C + rho * V) / (self.curvature + rho)


class _OneHessian(_Eigenbasis):
    """The same for norms that are not spectral: into the eigenbasis and back."""

    def __init__(self, Q, eigenvalue, C, ridge):
        super().__init__(Q, eigenvalue, C, ridge)
        self.ridge = ridge

    def enter(self, W):
        return W.copy()

    def leave(self, Z):
        return Z

    def solve(self, V, rho):
        outside = rho / (rho + self.ridge)  # of the span there is the ridge only
        QV = self.Q.T @ V
        inside = super().solve(QV, rho)
        return outside * V + self.Q @ (inside - outside * QV)


class _Split(Squares):
    """Least squares of P + Q: they share equally what the sum needs to move."""

    def __init__(self, squares: Squares):
        self.squares = squares
        self.size, self.moves_freely = squares.size, squares.moves_freely

    @property
    def count(self) -> int:  # type: ignore[override]
        return self.squares.count

    def aim(self, C):
        self.squares.aim(C)

    def prepare(self, rho):
        self.squares.prepare(rho / 2)

    def solve(self, V, rho):
        total = joined(V)
        half = self.squares.solve(total, rho / 2) - total
        half /= 2
        out = V.copy()
        for part in halves(out):
            part += half
        return out


class _AroundMean(Squares):
    """Least squares of deviations from a common model, always at its best.

    With ``S_t = rho (H_t + rho I)^-1`` it solves ``(sum_t S_t H_t + ridge) m = sum_t
    S_t (c_t - H_t v_t)``. Steps move the deviations alone.

    Parameters
    ----------
    fit : Datafit
        The loss, by moments.
    ridge : ndarray of shape (n_features,)
        Strengths on the common model.
    """

    moves_freely = True

    def __init__(self, fit: Datafit, ridge: np.ndarray):
        eigenvalue, self.Q = fit.eigenbases
        self.H = fit.H
        self.times = fit.n_columns // len(fit.H)
        self.h = np.maximum(eigenvalue, 0.0).T
        self.aim(fit.C.T)
        self.size = float(self.h.max(initial=0.0))
        self.ridge = fit.n_columns * np.diag(ridge)
        self.for_mean = self._inverse(self.h)
        self.for_step = self.for_mean

    def _to_basis(self, W):
        return np.matmul(self.Q.transpose(0, 2, 1), W.T[:, :, None])[:, :, 0].T

    def _inverse(self, h):
        """Return the inverse of the sum of Hessians with these eigenvalues."""
        Q = self.Q * np.sqrt(self.times * h.T)[:, None, :]
        factor = Q.transpose(0, 2, 1).reshape(-1, len(h))
        total = factor.T @ factor + self.ridge
        size = np.sqrt(np.diag(total))  # features of any scale count alike
        size[size == 0] = 1.0
        total /= np.outer(size, size)
        inverse = np.linalg.pinv(total, rcond=len(size) * _EPS, hermitian=True)
        return inverse / np.outer(size, size)

    def aim(self, C):
        self.gradient, self.C = C, self._to_basis(C)

    def norm(self, norm):
        return norm.second

    def enter(self, W):
        return W[len(W) // 2 :].copy()

    def leave(self, Z):
        fitted = np.matmul(self.H, Z.T[:, :, None])[:, :, 0].T
        mean = self.for_mean @ (self.gradient - fitted).sum(axis=1)
        return np.vstack([np.repeat(mean[:, None], Z.shape[1], axis=1), Z])

    def prepare(self, rho):
        self.for_step = self._inverse(rho * self.h / (self.h + rho))

    def solve(self, V, rho):
        V = self._to_basis(V)
        inverse = 1.0 / (self.h + rho)
        right = rho * (self.C - self.h * V) * inverse
        mean = np.matmul(self.Q, right.T[:, :, None])[:, :, 0].sum(axis=0)
        mean = self._to_basis((self.for_step @ mean)[:, None])
        Z = (self.C + rho * V - self.h * mean) * inverse
        return np.matmul(self.Q, Z.T[:, :, None])[:, :, 0].T


class _AboutMean(_AroundMean):
    """The same for a point W that is not split in two."""

    def norm(self, norm):
        return norm.inner

    def enter(self, W):
        return W - W.mean(axis=1, keepdims=True)

    def leave(self, Z):
        P, Q = halves(super().leave(Z))
        return P + Q


class Coupled(Squares):
    """Least squares of coupled tasks: one linear system of all.

    Parameters
    ----------
    fit : Datafit
        The loss.
    form : QuadraticForm
        What couples the tasks.
    scale : float, default=1.0
        The weight of the form, to be set before `prepare`.
    """

    def __init__(self, fit: Datafit, form: QuadraticForm, scale: float = 1.0):
        self.form, self.scale = form, scale
        if fit.holds_rows:
            data = fit.data
            self.C = np.empty((fit.n_features, fit.n_columns))
            data.design.adjoint(data.weight * fit.y, self.C)  # y is centred
            one = have_one_hessian(fit)
            H = data.design.hessians(data.weight, data.fit_intercept)
            self.H = H[:1] if one else H
        else:
            self.H, self.C = fit.H, fit.C.T
        self.size = _power_iteration(self.H)

    def aim(self, C):
        self.C = C

    def prepare(self, rho):
        form = self.scale * self.form + QuadraticForm(self.form.n_tasks, ridge=rho)
        inverse = small_systems(self.H, form) if len(self.H) > 1 else None
        if inverse is None:
            blocks = [Block(H=H) for H in self.H]
            inverse = system_solver(blocks, form, len(self.C), DENSE_SYSTEM)
        self.inverse = inverse
        self.count += 1

    def solve(self, V, rho):
        return self.inverse(self.C + rho * V)


class _Grams(Squares):
    """A Gram matrix for each column, by their eigenvectors."""

    moves_freely = True

    def __init__(self, fit: Datafit, ridge: float):
        eigenvalue, self.Q = fit.eigenbases
        self.curvature = np.maximum(eigenvalue, 0.0).T + ridge
        self.size = float(self.curvature.max(initial=0.0))
        self.aim(fit.C.T)

    def aim(self, C):
        self.C = self._to_basis(C)

    def _to_basis(self, W):
        return np.matmul(self.Q.transpose(0, 2, 1), W.T[:, :, None])[:, :, 0].T

    def solve(self, V, rho):
        Z = (self.C + rho * self._to_basis(V)) / (self.curvature + rho)
        return np.matmul(self.Q, Z.T[:, :, None])[:, :, 0].T


class _Factors(Squares):
    """A Hessian for each column, by its Cholesky factor at each rho."""

    def __init__(self, fit: Datafit, ridge: float):
        if fit.holds_rows:
            data = fit.data
            self.H = data.design.hessians(data.weight, data.fit_intercept)
            self.C = np.empty((fit.n_features, fit.n_columns))
            data.design.adjoint(data.weight * fit.y, self.C)  # y is centred
        else:
            self.H, self.C = fit.H.copy(), fit.C.T
        self.ridge, self.count = ridge, 0
        self.size = ridge + _power_iteration(self.H)
        self.diagonal = np.einsum("tii->ti", self.H)
        self.own = self.diagonal.copy()
        self.right = np.empty((fit.n_columns, fit.n_features))

    def aim(self, C):
        self.C = C

    def prepare(self, rho):
        shift = max(rho + self.ridge, self.size * self.H.shape[1] * _EPS)
        self.diagonal[:] = self.own + shift
        self.factors = np.linalg.cholesky(self.H)
        self.count += 1

    def solve(self, V, rho):
        right = np.multiply(V.T, rho, out=self.right)
        right += self.C.T
        factor_solve(readonly(self.factors), right)
        return right.T


class _Rows(Squares):
    """Samples of each column's own, by a factor of the smaller side.

    With A the centred samples, ``(A'A + s I)^-1 = (I - A' (A A' + s I)^-1 A) / s``.
    """

    def __init__(self, fit: Datafit, ridge: float):
        data, self.ridge = fit.data, ridge
        root = np.sqrt(data.weight) * fit.y
        d, ptr = fit.n_features, data.task_ptr
        columns = [tasks for _, tasks in data.design.columns()]
        rows = np.array([np.sum(ptr[tasks + 1] - ptr[tasks]) for tasks in columns])
        sides = np.minimum(rows, d)
        self.row_ptr = np.cumsum([0, *np.where(rows < d, rows, 0)])
        self.factor_ptr = np.cumsum([0, *sides**2])
        self.A = np.empty((self.row_ptr[-1], d))
        self.factors = np.empty(self.factor_ptr[-1])
        self.grams = []
        self.C = np.zeros((d, fit.n_columns))
        self.size = ridge
        for c, tasks in enumerate(columns):
            A = data.design.centred_block(tasks, data.weight, data.fit_intercept)
            own = [root[ptr[t] : ptr[t + 1]] for t in tasks]
            self.C[:, c] = A.T @ np.concatenate(own)
            K = A @ A.T if len(A) < d else A.T @ A
            if len(A) < d:
                self.A[self.row_ptr[c] : self.row_ptr[c + 1]] = A
            self.grams.append(K)
            self.size = max(self.size, ridge + _power_iteration(K[None]))

    def aim(self, C):
        self.C = C

    def prepare(self, rho):
        shift = rho + self.ridge
        for K, start in zip(self.grams, self.factor_ptr, strict=False):
            shifted = K.copy()
            shifted.flat[:: len(K) + 1] += shift
            self.factors[start : start + K.size] = np.linalg.cholesky(shifted).ravel()

    def solve(self, V, rho):
        right = np.ascontiguousarray((self.C + rho * V).T)
        given = self.A, self.row_ptr, self.factors, self.factor_ptr
        factor_solve_by_rows(*map(readonly, given), rho + self.ridge, right)
        return right.T


def _power_iteration(K: np.ndarray) -> float:
    """Return about the largest eigenvalue of some positive semi-definite matrices."""
    v = np.einsum("tii->ti", K).copy()
    unit = value = float(v.max(initial=0.0))  # squares of very large numbers overflow
    for _ in range(_POWER_STEPS):
        lengths = np.linalg.norm(v / unit, axis=1) if unit > 0.0 else np.zeros(1)
        if not lengths.any():
            return 0.0
        value = unit * float(lengths.max())
        lengths[lengths == 0.0] = 1.0
        v = np.matmul(K, (v / (unit * lengths[:, None]))[:, :, None])[:, :, 0]
    return value
