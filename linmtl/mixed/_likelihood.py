"""The likelihood of a linear mixed model, with what Newton's method needs of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linmtl.kernels._jit import readonly
from linmtl.kernels._mixed import marginal
from linmtl.mixed._covariance import Structure
from linmtl.mixed._sums import Sums

_SMALL = 12  # columns up to which a loop over tasks is faster than stacked LAPACK
_ROUNDING = 1e-14  # share of the squares of targets that is
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
        self.ZZ = np.einsum("ta,tb->tab", Z, Z).reshape(len(Z), -1)
        self.ridge = ridge
        self.kept = _independent(self.of_fixed(sums.K) + np.diag(ridge))
        self.n = float(sums.count.sum())
        free = int(np.sum(ridge[self.kept] == 0.0))
        self.degrees = self.n - (free if restricted else 0)
        self.size = float(sums.square.sum()) / max(sums.n_tasks, 1)
        # of targets that are fitted exactly nothing but rounding is left
        least = _ROUNDING * float(sums.square.sum()) / max(self.n, 1)
        self.least = max(least, np.finfo(float).tiny)

    def changed(self, sums: Sums, ridge: np.ndarray) -> Likelihood:
        """Return the same with other sums and another prior."""
        return Likelihood(sums, self.Z, self.structure, self.S, self.restricted, ridge)

    def of_fixed(self, N: np.ndarray) -> np.ndarray:
        """Return ``sum_t (z_t z_t') x N_t``, (n_fixed, n_fixed)."""
        q, D = self.Z.shape[1], self.sums.n_columns
        if q == 1 and np.all(self.Z == 1.0):
            return N.sum(axis=0)
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
        precision = self.of_fixed(N)[np.ix_(kept, kept)] + np.diag(self.ridge[kept])
        root = np.linalg.cholesky(precision) if kept.size else precision
        inverse = np.linalg.inv(root) if kept.size else precision
        C = inverse.T @ inverse
        target = (self.Z.T @ a).ravel()[kept]
        beta = C @ target
        squares = max(squares - float(target @ beta), 0.0)
        degrees = max(self.degrees, 1.0)
        noise = max(squares / degrees, self.least)
        deviance = degrees * np.log(noise) + squares / noise + log_det
        if self.restricted:
            deviance += 2.0 * float(np.log(np.diag(root)).sum())
        g = a - np.einsum("tij,tj->ti", N, self.means(beta))
        return Point(theta, float(deviance), noise, beta, C, N, g)

    def slope(self, point: Point) -> np.ndarray:
        """Return the gradient of the deviance with respect to Sigma, symmetric."""
        slope = point.N.sum(axis=0) - point.g.T @ point.g / point.noise
        if self.restricted and self.kept.size:
            slope -= self._fixed_part(point, point.N)
        return slope

    def _fixed_part(self, point, N):
        """Return ``sum_t N_t Z_t C Z_t' N_t``."""
        q, D = self.Z.shape[1], self.sums.n_columns
        C = np.zeros((q * D, q * D))
        C[np.ix_(self.kept, self.kept)] = point.C
        if q == 1 and np.all(self.Z == 1.0):
            return np.einsum("tij,tjk->ik", N @ C, N, optimize=True)
        C = C.reshape(q, D, q, D).transpose(0, 2, 1, 3).reshape(q * q, D * D)
        of_tasks = (self.ZZ @ C).reshape(-1, D, D)
        return np.einsum("tij,tjk->ik", N @ of_tasks, N, optimize=True)

    def gradient(self, point: Point, slope: np.ndarray) -> np.ndarray:
        """Return the gradient with respect to the parameters."""
        s, S = self.structure, self.S
        F = S @ s.factor(point.theta)
        return s.sums(2.0 * (S.T @ slope @ F)[s.row, s.column])

    def curvature(self, point: Point, slope: np.ndarray) -> np.ndarray:
        """Return the Hessian in the parameters, by average information."""
        s, S = self.structure, self.S
        F = S @ s.factor(point.theta)
        # derivatives of Sigma times g, at each place of a parameter
        along = (point.g @ F)[:, s.column], (point.g @ S)[:, s.row]
        h = s.sums(
            S[:, s.row] * along[0][:, None, :] + F[:, s.column] * along[1][:, None]
        )
        Nh = point.N @ h
        q = h.shape[2]
        H = h.reshape(-1, q).T @ Nh.reshape(-1, q)
        through = np.einsum("ta,tik->aik", self.Z, Nh).reshape(-1, q)[self.kept]
        H -= through.T @ point.C @ through
        H /= point.noise
        own = np.einsum("ti,tik->k", point.g, h) / point.noise
        H -= np.outer(own, own) / max(self.degrees, 1.0)  # the noise follows
        # of Sigma, which is quadratic in the parameters
        inner = 2.0 * (S.T @ slope @ S)[np.ix_(s.row, s.row)]
        inner *= s.column[:, None] == s.column
        return H + s.sums(s.sums(inner).T)


def condition(
    K: np.ndarray, c: np.ndarray, Sigma: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return N and a of :func:`linmtl.kernels._mixed.marginal`, and what it returns."""
    T, D = c.shape
    if D <= _SMALL:
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
