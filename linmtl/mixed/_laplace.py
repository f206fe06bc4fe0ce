"""Laplace's approximation of the likelihood of a logistic mixed model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import logit

from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import stacked_adjoint, stacked_predict
from linmtl.kernels._mixed import small_moments
from linmtl.losses import Logistic
from linmtl.mixed._covariance import Structure
from linmtl.mixed._likelihood import MAX_LOOP_COLUMNS, Likelihood, Point, condition
from linmtl.mixed._sums import Sums

_MAX_STEPS = 100  # to the mode of the effects
_MAX_HALVINGS = 40
# Of the mode: what a step would gain, relative to the number of rows.
_LEAST_GAIN = 1e-18

# Standard deviation of a normal prior of the parameters, in log-odds per spread of a
# feature: of separated tasks the likelihood has no maximum.
_PRIOR_SPREAD = 5.0

_LOSS = Logistic()


@dataclass(frozen=True)
class LogisticRows:
    """Rows sorted by task.

    Attributes
    ----------
    A : ndarray of shape (n_observations, n_columns)
        Features in the frame, a one in front with an intercept.
    y : ndarray of shape (n_observations,)
        Labels -1 and +1.
    weight : ndarray of shape (n_observations,)
        Sample weights.
    task_ptr : ndarray of shape (n_tasks + 1,)
        Bounds of the tasks.
    offset : ndarray of shape (n_observations,)
        A known part of the log-odds.
    """

    A: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    task_ptr: np.ndarray
    offset: np.ndarray

    def of_tasks(self, tasks: np.ndarray) -> LogisticRows:
        """Return the rows of some of the tasks (positions, increasing)."""
        size = np.diff(self.task_ptr)
        some = np.repeat(np.isin(np.arange(size.size), tasks), size)
        ptr = np.concatenate([[0], np.cumsum(size[tasks])])
        A, y, weight = self.A[some], self.y[some], self.weight[some]
        return LogisticRows(A, y, weight, ptr, self.offset[some])

    def predictors(self, W: np.ndarray) -> np.ndarray:
        """Return ``a_i . w_t`` and the offset, W being (n_tasks, n_columns)."""
        eta = np.empty(self.y.size)
        arrays = (self.A, self.task_ptr, np.ascontiguousarray(W))
        stacked_predict(*map(readonly, arrays), eta)
        return eta + self.offset

    def task_sums(self, values: np.ndarray) -> np.ndarray:
        """Return ``sum_i values_i a_i`` over each task, (n_tasks, n_columns)."""
        out = np.empty((self.task_ptr.size - 1, self.A.shape[1]))
        stacked_adjoint(*map(readonly, (self.A, self.task_ptr, values)), out)
        return out

    def hessians(self, weight: np.ndarray) -> np.ndarray:
        """Return ``sum_i weight_i a_i a_i'``, (n_tasks, n_columns, n_columns)."""
        T, D = self.task_ptr.size - 1, self.A.shape[1]
        H = np.empty((T, D, D))
        if D <= MAX_LOOP_COLUMNS:
            arrays = map(readonly, (self.A, self.task_ptr, weight, self.y))
            small_moments(*arrays, False, np.empty((T, D)), H, np.empty((T, D)))
            return H
        for t, (first, stop) in enumerate(pairwise(self.task_ptr.tolist())):
            A = self.A[first:stop]
            np.dot(A.T, weight[first:stop, None] * A, out=H[t])
        return H


@dataclass(frozen=True)
class LaplacePoint(Point):
    """The likelihood at some variances, and the mode of the effects there.

    Attributes
    ----------
    K : ndarray of shape (n_tasks, n_columns, n_columns)
        Hessians of the loss at the mode.
    eta : ndarray of shape (n_observations,)
        Log-odds.
    """

    K: np.ndarray
    eta: np.ndarray


class Laplace(Likelihood):
    """-2 log-likelihood of labels, the effects integrated out about their mode.

    Twice the penalised loss at the mode plus ``sum_t log |I + K_t Sigma|``, and for the
    restricted likelihood the log-determinant of the fixed effects' precision: the mode
    is that of deviations and fixed effects together, as with ``nAGQ = 0`` in lme4.
    """

    largest = _PRIOR_SPREAD
    knows_curvature = False  # of how the Hessians move with the mode

    def __init__(
        self,
        rows: LogisticRows,
        Z: np.ndarray,
        structure: Structure,
        S: np.ndarray,
        restricted: bool,
        ridge: np.ndarray,
    ):
        self.rows = rows
        K = rows.hessians(_LOSS.curvature * rows.weight)
        count = np.add.reduceat(rows.weight, rows.task_ptr[:-1])
        sums = Sums(K, np.zeros(K.shape[:2]), np.zeros(len(K)), count)
        super().__init__(sums, Z, structure, S, restricted, ridge)
        self.degrees = self.n
        # of the last parameters: scores, deviations and fixed effects
        none = np.zeros((len(K), K.shape[1]))
        self._mode = none, none, np.zeros(self.kept.size)

    def _of(
        self, structure: Structure, sums: Sums, ridge: np.ndarray, S: np.ndarray
    ) -> Laplace:
        other = Laplace(self.rows, self.Z, structure, S, self.restricted, ridge)
        if np.array_equal(other.kept, self.kept):
            other._mode = self._mode
        return other

    def of_tasks(self, tasks: np.ndarray) -> Laplace:
        rows, Z = self.rows.of_tasks(tasks), self.Z[tasks]
        shape = self.structure, self.S, self.restricted, self.ridge
        return Laplace(rows, Z, *shape)

    def constant(self, point: Point) -> float:
        """Return what the deviance leaves out, or has beside the likelihood."""
        flat = self.kept.size if self.restricted else 0
        return -flat * np.log(2.0 * np.pi) - float(self.bound @ point.theta**2)

    def at(self, theta: np.ndarray) -> LaplacePoint:
        """Return the likelihood at some parameters.

        The mode takes a Newton's method of its own: tasks are coupled by the fixed
        effects, each step is one solution of the mixed model's equations, and what is
        made on the way is what the likelihood and its gradient need. The steps are in
        spherical effects v, since the covariance may be singular.
        """
        rows, kept, ridge = self.rows, self.kept, self.ridge[self.kept]
        F = self.S @ self.structure.factor(theta)
        s, U, beta = self._mode
        # a little more or less of a covariance keeps scores, much of it deviations
        starts = s @ F, np.linalg.lstsq(F, U.T, rcond=None)[0].T
        (value, eta), v = min(
            ((self._penalised(beta, v, F), v) for v in starts), key=lambda at: at[0][0]
        )
        for _ in range(_MAX_STEPS):
            u = -_LOSS.derivative(rows.y, eta)
            K = rows.hessians(rows.weight * _LOSS.second_derivative(rows.y, u))
            s = self._scores(eta)
            W = self.means(beta) + v @ F.T
            c = np.einsum("tij,tj->ti", K, W) + s
            N, a, log_det = condition(K, c, F @ F.T)
            C, log_root = self._of_fixed_effects(N)
            best = C @ (self.Z.T @ a).ravel()[kept]
            g = a - np.einsum("tij,tj->ti", N, self.means(best))
            step_v, step_beta = g @ F - v, best - beta
            pull = (self.Z.T @ s).ravel()[kept] - ridge * beta
            gain = pull @ step_beta + np.sum((s @ F - v) * step_v)
            if gain <= _LEAST_GAIN * max(self.n, 1.0):
                break
            size = 1.0
            for _ in range(_MAX_HALVINGS):
                tried = self._penalised(beta + size * step_beta, v + size * step_v, F)
                rounding = 16 * np.finfo(float).eps * abs(value)
                if tried[0] <= value - 1e-4 * size * gain + rounding:
                    break
                size /= 2
            else:
                break
            beta, v = beta + size * step_beta, v + size * step_v
            value, eta = tried
        s = self._scores(eta)
        self._mode = s, v @ F.T, beta
        deviance = 2.0 * value + log_det - self.log_prior + self.bound @ theta**2
        if self.restricted:
            deviance += 2.0 * log_root
        return LaplacePoint(theta, float(deviance), 1.0, beta, C, N, s, K, eta)

    def _penalised(self, beta, v, F):
        """Return the penalised loss, and the log-odds."""
        rows = self.rows
        eta = rows.predictors(self.means(beta) + v @ F.T)
        loss = rows.weight @ _LOSS.value(rows.y, eta)
        prior = self.ridge[self.kept] @ beta**2
        return float(loss + np.sum(v**2) / 2 + prior / 2), eta

    def _scores(self, eta):
        """Return minus the gradient of the loss in the coefficients of each task."""
        rows = self.rows
        return rows.task_sums(-rows.weight * _LOSS.derivative(rows.y, eta))

    def gradient(self, point: LaplacePoint, slope: np.ndarray) -> np.ndarray:
        """Return the gradient with respect to the parameters.

        The mode moves with the parameters, and the Hessians with the mode.
        """
        s, S, rows = self.structure, self.S, self.rows
        F = S @ s.factor(point.theta)
        Sigma, v = F @ F.T, point.g @ F
        V = self.spread(point.C, point.N, self.Z, Sigma, common=self.restricted)
        leverage = np.empty(rows.y.size)
        for t, (first, stop) in enumerate(pairwise(rows.task_ptr.tolist())):
            A = rows.A[first:stop]
            leverage[first:stop] = np.einsum("ij,ij->i", A @ V[t], A)
        third = _LOSS.third_derivative(rows.y, -_LOSS.derivative(rows.y, point.eta))
        q = rows.task_sums(rows.weight * leverage * third)
        # the mode moves by the inverse of the Hessian of the penalised loss
        _, a, _ = condition(point.K, q, Sigma)
        along = point.C @ (self.Z.T @ a).ravel()[self.kept]
        g = a - np.einsum("tij,tj->ti", point.N, self.means(along))
        W = self.means(along) + g @ Sigma
        through = q - np.einsum("tij,tj->ti", point.K, W)
        dF = 2.0 * slope @ F + through.T @ v + point.g.T @ (g @ F)
        of_data = s.sums((S.T @ dF)[s.row, s.column])
        return of_data + 2.0 * self.bound * point.theta

    def _slope_of_squares(self, point, F):
        return np.zeros(self.structure.n_parameters)  # there is no noise

    def certificate(self, point: LaplacePoint) -> tuple[float, float, float]:
        """Return the penalised problem, its duality gap and the null model's.

        Fenchel's inequality for the losses is an equality at their derivatives, and
        what is left are those of the squares.
        """
        rows, kept, ridge = self.rows, self.kept, self.ridge[self.kept]
        F = self.S @ self.structure.factor(point.theta)
        value, _ = self._penalised(point.beta, point.g @ F, F)
        pull = (self.Z.T @ point.g).ravel()[kept]
        missed = (pull - ridge * point.beta) ** 2 / ridge
        eta = rows.predictors(self.means(point.beta) + point.g @ F @ F.T)
        gap = np.sum(((self._scores(eta) - point.g) @ F) ** 2) + missed.sum()
        rate = np.clip(rows.weight @ (rows.y > 0) / rows.weight.sum(), 1e-12, 1 - 1e-12)
        null = rows.weight @ _LOSS.value(rows.y, np.full(rows.y.size, logit(rate)))
        return value, float(gap) / 2, float(null)
