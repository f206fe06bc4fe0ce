"""The likelihood of a linear mixed model, with what Newton's method needs of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from linmtl.kernels._jit import readonly
from linmtl.kernels._mixed import marginal
from linmtl.mixed._covariance import Structure
from linmtl.mixed._sums import Sums

# Columns up to which fourth powers of their number are nothing.
_MAX_PAIRED_COLUMNS = 4
# Columns up to which a loop over tasks is faster than stacked LAPACK.
MAX_LOOP_COLUMNS = 12
_ROUNDING = 1e-14  # share of the squares of targets that is
# Standard deviation of a normal prior of the parameters, in noise per spread of a
# feature: with as many variances as rows the likelihood has no maximum.
_PRIOR_SPREAD = 1e4
_DEPENDENT = 1e-10  # share of its square beyond other columns that is rounding


@dataclass(frozen=True)
class Point:
    """A likelihood at some variances, relative to that of the noise.

    Attributes
    ----------
    theta : ndarray of shape (n_parameters,)
        The parameters of the structure.
    deviance : float
        -2 log-likelihood, restricted or not, less its constants.
    noise : float
        The variance of the noise.
    beta : ndarray of shape (n_fixed,)
        The fixed effects.
    C : ndarray of shape (n_fixed, n_fixed)
        Their covariance, relative to the noise.
    N : ndarray of shape (n_tasks, n_columns, n_columns)
        ``A_t' V_t^-1 A_t`` of the rows A_t and their relative covariance V_t.
    g : ndarray of shape (n_tasks, n_columns)
        ``A_t' V_t^-1`` times the residuals of the fixed effects.
    """

    theta: np.ndarray
    deviance: float
    noise: float
    beta: np.ndarray
    C: np.ndarray
    N: np.ndarray
    g: np.ndarray


class Likelihood:
    """The profile of the likelihood over fixed effects and noise.

    ``y_t = A_t (M z_t + u_t) + e_t`` with ``u_t ~ N(0, noise F F')`` and the variance
    ``noise / w_i`` of an error; fixed effects are those entries of M that the data tell
    apart.

    Parameters
    ----------
    sums : Sums
        Moments of the tasks.
    Z : ndarray of shape (n_tasks, n_descriptors)
        What is known of the tasks, ones in the first column.
    structure : Structure
        How F depends on the parameters.
    S : ndarray of shape (n_columns, n_columns)
        From coefficients as the structure has them to those of the columns.
    restricted : bool
        Whether it is the restricted likelihood (REML).
    ridge : ndarray of shape (n_descriptors n_columns,)
        The precision of a prior of M, relative to the noise.
    """

    largest: ClassVar[float] = _PRIOR_SPREAD
    knows_curvature: ClassVar[bool] = True  # but for terms that are zero on average

    def __init__(
        self,
        sums: Sums,
        Z: np.ndarray,
        structure: Structure,
        S: np.ndarray,
        restricted: bool,
        ridge: np.ndarray,
    ):
        self.sums, self.Z, self.structure, self.S = sums, Z, structure, S
        self.restricted = restricted
        self.log_prior = 0.0  # logarithm of the determinant of a prior's precision
        bound = np.zeros(structure.n_parameters)
        spread = np.abs(np.diag(S))[structure.row] / self.largest
        np.maximum.at(bound, structure.parameter, spread**2)
        self.bound = bound  # precisions of the parameters
        self._alike = Z.shape[1] == 1 and bool(np.all(Z == 1.0))  # no descriptors
        self.ZZ = np.einsum("ta,tb->tab", Z, Z).reshape(len(Z), -1)
        self.ridge = ridge
        whole = self.of_fixed(sums.K) + np.diag(ridge)
        self.kept = _independent(whole)
        self._least = _ROUNDING * np.diag(whole)[self.kept]
        self.n = float(sums.count.sum())
        free = int(np.sum(ridge[self.kept] == 0.0))
        self.degrees = self.n - (free if restricted else 0)
        self.size = float(sums.square.sum()) / max(sums.n_tasks, 1)
        # of targets that are fitted exactly nothing but rounding is left
        least = _ROUNDING * float(sums.square.sum()) / max(self.n, 1)
        self.least = max(least, np.finfo(float).tiny)

    def changed(
        self, sums: Sums, ridge: np.ndarray, log_prior: float = 0.0
    ) -> Likelihood:
        """Return the same with other sums and another prior of the fixed effects."""
        other = self._of(self.structure, sums, ridge, self.S)
        other.log_prior = log_prior
        return other

    def structured(self, structure: Structure, S: np.ndarray) -> Likelihood:
        """Return that of another structure of the covariance, and its columns."""
        other = self._of(structure, self.sums, self.ridge, S)
        other.log_prior = self.log_prior
        return other

    def _of(
        self, structure: Structure, sums: Sums, ridge: np.ndarray, S: np.ndarray
    ) -> Likelihood:
        return Likelihood(sums, self.Z, structure, S, self.restricted, ridge)

    def of_tasks(self, tasks: np.ndarray) -> Likelihood:
        """Return that of some of the tasks (positions, increasing)."""
        sums, Z = self.sums.of_tasks(tasks), self.Z[tasks]
        shape = self.structure, self.S, self.restricted, self.ridge
        return Likelihood(sums, Z, *shape)

    def constant(self, point: Point) -> float:
        """Return what the deviance leaves out, or has beside the likelihood."""
        prior = self.bound @ point.theta**2
        return self.degrees * np.log(2.0 * np.pi) - float(prior)

    @cached_property
    def units(self) -> np.ndarray:
        """The size of each parameter at which a task keeps half of an effect."""
        s, sums, S = self.structure, self.sums, self.S
        square = np.einsum("ik,ij,jk->k", S, sums.K.sum(axis=0), S) / sums.n_tasks
        size = 1.0 / np.sqrt(np.where(square > 0, square, 1.0))
        out = np.zeros(s.n_parameters)
        np.maximum.at(out, s.parameter, size[s.row])
        return out

    def of_fixed(self, N: np.ndarray) -> np.ndarray:
        """Return ``sum_t (z_t z_t') x N_t``, (n_fixed, n_fixed)."""
        q, D = self.Z.shape[1], self.sums.n_columns
        if self._alike:
            return _over_tasks(N)
        blocks = (self.ZZ.T @ N.reshape(len(N), -1)).reshape(q, q, D, D)
        return blocks.transpose(0, 2, 1, 3).reshape(q * D, q * D)

    def means(self, beta: np.ndarray) -> np.ndarray:
        """Return ``M z_t`` of each task, (n_tasks, n_columns)."""
        return self.Z @ self.whole(beta)

    def whole(self, beta: np.ndarray) -> np.ndarray:
        """Return M', (n_descriptors, n_columns), zero where no effect is estimated."""
        M = np.zeros(self.Z.shape[1] * self.sums.n_columns)
        M[self.kept] = beta
        return M.reshape(self.Z.shape[1], -1)

    def at(self, theta: np.ndarray) -> Point:
        """Return the likelihood at some parameters."""
        sums, kept = self.sums, self.kept
        F = self.S @ self.structure.factor(theta)
        N, a, log_det = condition(sums.K, sums.c, F @ F.T)
        squares = float(sums.square.sum() - np.einsum("ti,ti->", sums.c @ F, a @ F))
        C, log_root = self._of_fixed_effects(N)
        target = (self.Z.T @ a).ravel()[kept]
        beta = C @ target
        squares = max(squares - float(target @ beta), 0.0)
        degrees = max(self.degrees, 1.0)
        noise = max(squares / degrees, self.least)
        deviance = degrees * np.log(noise) + squares / noise + log_det
        deviance += self.bound @ theta**2 - self.log_prior
        if self.restricted:
            deviance += 2.0 * log_root
        g = a - np.einsum("tij,tj->ti", N, self.means(beta))
        return Point(theta, float(deviance), noise, beta, C, N, g)

    def _of_fixed_effects(self, N):
        """Return the covariance of the fixed effects, and half ``-log det`` of it."""
        kept = self.kept
        if not kept.size:
            return np.zeros((0, 0)), 0.0
        precision = self.of_fixed(N)[np.ix_(kept, kept)]
        precision += np.diag(self.ridge[kept] + self._least)
        try:
            root = np.linalg.cholesky(precision)
        except np.linalg.LinAlgError:  # variances so large that digits are lost
            values, vectors = np.linalg.eigh(precision)
            values = np.maximum(values, _ROUNDING * values[-1])
            log_root = float(np.log(values).sum()) / 2
            return (vectors / values) @ vectors.T, log_root
        inverse = np.linalg.inv(root)
        return inverse.T @ inverse, float(np.log(np.diag(root)).sum())

    def of_mean(self, C: np.ndarray, Z: np.ndarray) -> np.ndarray:
        """Return the covariance of ``M z`` for each row of Z, relative to the noise.

        ``C`` is that of the fixed effects.
        """
        return np.einsum("ta,aibj,tb->tij", Z, self._spread_out(C), Z, optimize=True)

    def _spread_out(self, C):
        """Return the covariance of all of M, (n_descriptors, n_columns) twice."""
        q, D = self.Z.shape[1], self.sums.n_columns
        whole = np.zeros((q * D, q * D))
        whole[np.ix_(self.kept, self.kept)] = C
        return whole.reshape(q, D, q, D)

    def spread(
        self,
        C: np.ndarray,
        N: np.ndarray,
        Z: np.ndarray,
        Sigma: np.ndarray,
        common: bool = True,
    ) -> np.ndarray:
        """Return the covariance of tasks' coefficients, relative to the noise.

        Parameters
        ----------
        C : ndarray of shape (n_fixed, n_fixed)
            Covariance of the fixed effects.
        N : ndarray of shape (n_tasks, n_columns, n_columns)
            What the rows of each task say, see `Point`.
        Z : ndarray of shape (n_tasks, n_descriptors)
            Descriptors of these tasks.
        Sigma : ndarray of shape (n_columns, n_columns)
            Covariance of the deviations.
        common : bool, default=True
            Whether fixed effects are not known either.
        """
        V = Sigma - Sigma @ N @ Sigma
        if not common:
            return V
        kept = np.eye(len(Sigma)) - Sigma @ N
        return V + kept @ self.of_mean(C, Z) @ kept.transpose(0, 2, 1)

    def slope(self, point: Point) -> np.ndarray:
        """Return the gradient of the deviance with respect to Sigma, symmetric."""
        slope = _over_tasks(point.N) - point.g.T @ point.g / point.noise
        if self.restricted and self.kept.size:
            slope -= self._fixed_part(point, point.N)
        return slope

    def _fixed_part(self, point, N):
        """Return ``sum_t N_t Z_t C Z_t' N_t``."""
        C, D = self._spread_out(point.C), self.sums.n_columns
        if self._alike and D <= _MAX_PAIRED_COLUMNS:
            flat = N.reshape(-1, D * D)
            pairs = (flat.T @ flat).reshape(D, D, D, D)
            return np.einsum("ijkl,jk->il", pairs, C[0, :, 0])
        if self._alike:
            of_tasks = C[0, :, 0]
        else:
            C = C.transpose(0, 2, 1, 3).reshape(-1, D * D)
            of_tasks = (self.ZZ @ C).reshape(-1, D, D)
        return np.einsum("tij,tjk->ik", N @ of_tasks, N, optimize=True)

    def certificate(self, point: Point) -> tuple[float, float, float]:
        """Return the penalised problem, its duality gap and the null model's.

        Given the deviations ``F v`` the fixed effects are at their best, so that what
        is left of the gap is ``||v - F' A' r||^2 / 2`` with the residuals r.
        """
        sums, kept = self.sums, self.kept
        F = self.S @ self.structure.factor(point.theta)
        v = point.g @ F
        W = self.means(point.beta) + v @ F.T
        prior = self.ridge[kept]
        pull = sums.c - np.einsum("tij,tj->ti", sums.K, W)
        pull = (self.Z.T @ pull).ravel()[kept] - prior * point.beta
        fixed = self.of_fixed(sums.K)[np.ix_(kept, kept)] + np.diag(prior)
        moved = np.linalg.solve(fixed, pull) if kept.size else pull
        W = W + self.means(moved)
        g = sums.c - np.einsum("tij,tj->ti", sums.K, W)
        squares = sums.square.sum() - np.sum((sums.c + g) * W)
        value = squares + np.sum(v**2) + prior @ (point.beta + moved) ** 2
        gap = np.sum((v - g @ F) ** 2)
        return value / 2, gap / 2, sums.square.sum() / 2

    def _slope_of_squares(self, point, F):
        """Return the slope of the squares that the noise follows, over the noise."""
        s = self.structure
        gg = point.g.T @ point.g
        return s.sums(2.0 * (self.S.T @ gg @ F)[s.row, s.column]) / point.noise

    def _information(self, point, F):
        """Return ``sum_t h' N h`` and ``sum_t Z_t' N h``, with ``h_k = Sigma_k g``.

        Sigma_k is the derivative of Sigma with respect to the parameter k.
        """
        s, S = self.structure, self.S
        along = (point.g @ F)[:, s.column], (point.g @ S)[:, s.row]
        h = s.sums(
            S[:, s.row] * along[0][:, None, :] + F[:, s.column] * along[1][:, None]
        )
        Nh, q = point.N @ h, h.shape[2]
        through = np.einsum("ta,tik->aik", self.Z, Nh).reshape(-1, q)[self.kept]
        return h.reshape(-1, q).T @ Nh.reshape(-1, q), through

    def _information_of_sums(self, point, F):
        """Return the same from sums over the tasks of products of N and g.

        The tasks are passed once, whatever the number of parameters.
        """
        s, S, D = self.structure, self.S, self.sums.n_columns
        slopes = s.of_sigma(F, S)
        flat, g = point.N.reshape(-1, D * D), point.g
        once = (flat.T @ g).reshape(D, D, D)
        pairs = (g[:, :, None] * g[:, None, :]).reshape(-1, D * D)
        twice = (flat.T @ pairs).reshape(D, D, D, D)
        through = np.einsum("ijk,jkp->ip", once, slopes)[self.kept]
        H = np.einsum("ijkl,ikp,jlq->pq", twice, slopes, slopes, optimize=True)
        return H, through

    def gradient(self, point: Point, slope: np.ndarray) -> np.ndarray:
        """Return the gradient with respect to the parameters."""
        s, S = self.structure, self.S
        F = S @ s.factor(point.theta)
        of_data = s.sums(2.0 * (S.T @ slope @ F)[s.row, s.column])
        return of_data + 2.0 * self.bound * point.theta

    def curvature(self, point: Point, slope: np.ndarray) -> np.ndarray:
        """Return the Hessian in the parameters, by average information."""
        s, S = self.structure, self.S
        F = S @ s.factor(point.theta)
        if self._alike and self.sums.n_columns <= _MAX_PAIRED_COLUMNS:
            H, through = self._information_of_sums(point, F)
        else:
            H, through = self._information(point, F)
        H -= through.T @ point.C @ through
        H /= point.noise
        own = self._slope_of_squares(point, F)
        H -= np.outer(own, own) / max(self.degrees, 1.0)
        H += s.through_sigma(S.T @ slope @ S)
        return H + 2.0 * np.diag(self.bound)


def _over_tasks(A: np.ndarray) -> np.ndarray:
    """Return the sum over the first axis, as a product, which is faster."""
    return (np.ones(len(A)) @ A.reshape(len(A), -1)).reshape(A.shape[1:])


def condition(
    K: np.ndarray, c: np.ndarray, Sigma: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return N and a of :func:`linmtl.kernels._mixed.marginal`, and what it returns."""
    T, D = c.shape
    if D <= MAX_LOOP_COLUMNS:
        N, a = np.empty((T, D, D)), np.empty((T, D))
        work = np.empty((D, 2 * D + 1))
        arrays = (readonly(np.ascontiguousarray(A)) for A in (K, c, Sigma))
        return N, a, marginal(*arrays, work, N, a)
    M = K @ Sigma
    M[:, np.arange(D), np.arange(D)] += 1.0
    solved = np.linalg.solve(M, np.concatenate([K, c[:, :, None]], axis=2))
    N = solved[:, :, :D]
    log_det = float(np.linalg.slogdet(M)[1].sum())
    return (N + N.transpose(0, 2, 1)) / 2, solved[:, :, D], log_det


def _independent(G):
    """Return the columns of a Gram matrix that those before do not explain."""
    G = G.copy()
    whole, kept = np.diag(G).copy(), []
    for j in range(len(G)):
        if G[j, j] > _DEPENDENT * whole[j] and whole[j] > 0:
            kept.append(j)
            G[j:, j:] -= np.outer(G[j:, j], G[j, j:]) / G[j, j]
    return np.array(kept, dtype=int)
