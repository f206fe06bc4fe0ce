"""A fitted mixed model: coefficients, covariances, and what a new task would have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linmtl.datafits._moments import Moments
from linmtl.losses import Logistic, newton
from linmtl.mixed._likelihood import Likelihood, Point, condition
from linmtl.mixed._sums import Frame, Sums

# standard deviations within tasks; further out slopes are drawn together
_FAR_FROM_ZERO = 3.0
_OTHER_UNITS = 10.0  # times one standard deviation is another


@dataclass(frozen=True)
class Uncertainty:
    """What is not known of the models of some tasks.

    Attributes
    ----------
    covariance : ndarray of shape (n_tasks, n_columns, n_columns)
        Covariance of intercept and coefficients, in the units of X; of coefficients
        alone for tasks with intercepts of their own.
    origin : ndarray of shape (n_tasks, n_features)
        Where the intercepts are known best; zero, where they are in ``covariance``.
    level : ndarray of shape (n_tasks,)
        The variance of the linear predictor there, beyond ``covariance``.
    """

    covariance: np.ndarray
    origin: np.ndarray
    level: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Uncertainty]) -> Uncertainty:
        """Return the uncertainties of several groups of tasks as one."""
        return cls(
            np.concatenate([part.covariance for part in parts]),
            np.concatenate([part.origin for part in parts]),
            np.concatenate([part.level for part in parts]),
        )

    def variance(self, X: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the variance of the linear predictor of each row, (n_samples,).

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Samples.
        codes : ndarray of int of shape (n_samples,)
            The task of each, a position.
        """
        out = np.empty(len(X))
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(self.level) + 1))
        for t in np.unique(codes):
            rows, V = order[bounds[t] : bounds[t + 1]], self.covariance[t]
            A = X[rows] - self.origin[t]
            if len(V) > A.shape[1]:
                A = np.column_stack([np.ones(len(A)), A])
            out[rows] = np.einsum("ij,ij->i", A @ V, A) + self.level[t]
        return np.maximum(out, 0.0)


@dataclass(frozen=True)
class MixedModel:
    """What was estimated.

    Attributes
    ----------
    frame : Frame
        Where the numbers of the likelihood are.
    moments : Moments
        Those of the rows, each with its sample weight.
    sums : Sums
        The same in the frame.
    likelihood : Likelihood
        The likelihood, of rows weighted by their task's noise as well.
    point : Point
        The best parameters.
    ratio : ndarray of shape (n_tasks,)
        The variance of the noise of each task over ``point.noise``.
    fit_intercept : bool
        Whether there are intercepts.
    n_iter : int
        Newton steps.
    converged : bool
        Whether the parameters are best.
    """

    frame: Frame
    moments: Moments
    sums: Sums
    likelihood: Likelihood
    point: Point
    ratio: np.ndarray
    fit_intercept: bool
    n_iter: int
    converged: bool

    @property
    def relative(self) -> np.ndarray:
        """Covariance of the deviations in the frame, relative to the noise."""
        F = self.likelihood.S @ self.likelihood.structure.factor(self.point.theta)
        return F @ F.T

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the deviations, in the units of X."""
        like, frame = self.likelihood, self.frame
        F = like.structure.factor(self.point.theta)
        if not np.array_equal(like.S, frame.there):
            F = frame.back @ (like.S @ F)
        return self.point.noise * F @ F.T

    @property
    def noise(self) -> np.ndarray:
        """Standard deviation of the noise of each task, (n_tasks,)."""
        return np.sqrt(self.point.noise * self.ratio)

    def coefficients(self) -> np.ndarray:
        """Return intercept and coefficients of each task, (n_tasks, 1 + n_features)."""
        means = self.likelihood.means(self.point.beta)
        return self._raw(means + self.point.g @ self.relative)

    def mean(self, Z: np.ndarray) -> np.ndarray:
        """Return the expected coefficients of tasks known by descriptors only.

        Parameters
        ----------
        Z : ndarray of shape (n_tasks, n_descriptors)
            The descriptors.
        """
        return self._raw(Z @ self.likelihood.whole(self.point.beta), own=False)

    def _raw(self, W, own=True):
        raw = W @ self.frame.back.T
        if self.frame.intercept:
            raw[:, 0] += self.frame.level
            return raw
        b = np.zeros(len(raw))
        if self.fit_intercept:
            x, y = self.moments.x, self.moments.y
            b[:] = y - np.einsum("td,td->t", x, raw) if own else self._level()
        return np.column_stack([b, raw])

    def _level(self):
        """Return the mean of the tasks' own intercepts."""
        return self.coefficients()[:, 0].mean()

    @property
    def random_features(self) -> np.ndarray:
        """The features that have random effects, positions."""
        columns = np.unique(self.likelihood.structure.row)
        first = int(self.frame.intercept)
        return columns[columns >= first] - first

    def far_from_zero(self) -> np.ndarray:
        """Return the features with random effects that lie far from zero, positions.

        A random intercept is the level of a task where they are zero.
        """
        j, frame = self.random_features, self.frame
        return j[np.abs(frame.mean[j]) > _FAR_FROM_ZERO * frame.scale[j]]

    def in_different_units(self) -> np.ndarray:
        """Return the features with random effects if their spreads differ much."""
        j, scale = self.random_features, self.frame.scale
        apart = j.size and scale[j].max() > _OTHER_UNITS * scale[j].min()
        return j if apart else j[:0]

    def squares(self) -> np.ndarray:
        """Return the squared residuals of each task, (n_tasks,)."""
        sums, like = self.sums, self.likelihood
        W = like.means(self.point.beta) + self.point.g @ self.relative
        KW = np.einsum("tij,tj->ti", sums.K, W)
        return np.maximum(sums.square + np.einsum("ti,ti->t", KW - 2 * sums.c, W), 0.0)

    def certificate(self) -> tuple[float, float, float]:
        """Return the objective, its duality gap and the objective of the null model.

        Of the penalised problem given the covariance: the losses, and half the squared
        deviations in the metric of their covariance relative to the noise, over the
        mean number of rows of a task.
        """
        found = self.likelihood.certificate(self.point)
        value, gap, null = (float(v) / self.moments.total.mean() for v in found)
        return max(value, 0.0), gap, null

    def spread(self, tasks: np.ndarray) -> np.ndarray:
        """Return the covariance of coefficients in the frame, relative to the noise."""
        return self._spread(self.point.N[tasks], self.likelihood.Z[tasks])

    def _spread(self, N, Z):
        return self.likelihood.spread(self.point.C, N, Z, self.relative)

    def known(self, tasks: np.ndarray) -> Uncertainty:
        """Return the uncertainty of some tasks of the fit (positions)."""
        V = self._units(self.spread(tasks))
        if self.frame.intercept or not self.fit_intercept:
            T, d = len(tasks), self.frame.scale.size
            return Uncertainty(V, np.zeros((T, d)), np.zeros(T))
        level = self.noise[tasks] ** 2 / self.moments.total[tasks]
        return Uncertainty(V, self.moments.x[tasks], level)

    def unknown(self, Z: np.ndarray) -> Uncertainty:
        """Return the uncertainty of tasks known by descriptors only."""
        V = self._units(self.relative + self.likelihood.of_mean(self.point.C, Z))
        T, d = len(Z), self.frame.scale.size
        if self.frame.intercept or not self.fit_intercept:
            return Uncertainty(V, np.zeros((T, d)), np.zeros(T))
        b = self.coefficients()[:, 0]
        level = b.var(ddof=1) * (1 + 1 / b.size) if b.size > 1 else 0.0
        return Uncertainty(V, np.zeros((T, d)), np.full(T, level))

    def _units(self, V):
        back = self.frame.back
        return self.point.noise * back @ V @ back.T

    def fixed_effects(self) -> tuple[np.ndarray, np.ndarray]:
        """Return M', flat, and the covariance of its entries, in the units of X."""
        like, back = self.likelihood, self.frame.back
        M = like.whole(self.point.beta) @ back.T
        if self.frame.intercept:
            M[0, 0] += self.frame.level
        of_all = np.kron(np.eye(len(M)), back)[:, like.kept]
        return M.ravel(), self.point.noise * of_all @ self.point.C @ of_all.T

    @property
    def n_samples(self) -> float:
        """The sum of the sample weights."""
        own = self.fit_intercept and not self.frame.intercept
        return float(self.sums.count.sum()) + own * self.sums.n_tasks

    def of_new_task(
        self, X: np.ndarray, y: np.ndarray, weight: np.ndarray, Z: np.ndarray
    ) -> tuple[np.ndarray, Uncertainty]:
        """Return intercept and coefficients of one more task from rows of its own.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Samples.
        y : ndarray of shape (n_samples,)
            Targets.
        weight : ndarray of shape (n_samples,)
            Sample weights.
        Z : ndarray of shape (1, n_descriptors)
            The task's descriptors.
        """
        frame, Sigma, total = self.frame, self.relative, weight.sum()
        x_mean, y_mean = frame.mean, frame.level
        own = self.fit_intercept and not frame.intercept
        if own:
            x_mean, y_mean = weight @ X / total, float(weight @ y) / total
        A, r = (X - x_mean) / frame.scale, y - y_mean
        if frame.intercept:
            A = np.column_stack([np.ones(len(A)), A])
        mean = (Z @ self.likelihood.whole(self.point.beta))[0]
        K, c = A.T @ (weight[:, None] * A), A.T @ (weight * (r - A @ mean))
        N, a, _ = condition(K[None], c[None], Sigma)
        raw = frame.back @ (mean + Sigma @ a[0])
        V = self._units(self._spread(N, Z))
        if frame.intercept:
            raw[0] += frame.level
        else:
            raw = np.append(y_mean - x_mean @ raw if own else 0.0, raw)
        level = self.point.noise / total if own else 0.0
        origin = x_mean[None] if own else np.zeros((1, X.shape[1]))
        return raw, Uncertainty(V, origin, np.array([level]))

    def of_new_labels(
        self,
        X: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray,
        Z: np.ndarray,
        offset: np.ndarray,
    ) -> tuple[np.ndarray, Uncertainty]:
        """Return the coefficients of one more task from its labels, at the mode."""
        frame, like = self.frame, self.likelihood
        A = frame.rows(X)
        F = like.S @ like.structure.factor(self.point.theta)
        mean = (Z @ like.whole(self.point.beta))[0]
        loss, ones = Logistic(), np.ones(F.shape[1])
        known = A @ mean + offset
        v, _ = newton(loss, A @ F, y, weight[None], ones, known, close=1e-10)
        w = mean + F @ v[0]
        slope = loss.derivative(y, A @ w + offset)
        curvature = weight * loss.second_derivative(y, -slope)
        N, _, _ = condition(
            (A.T @ (curvature[:, None] * A))[None], np.zeros((1, len(w))), self.relative
        )
        raw, d = frame.back @ w, X.shape[1]
        raw = raw if frame.intercept else np.append(0.0, raw)
        V = self._units(self._spread(N, Z))
        return raw, Uncertainty(V, np.zeros((1, d)), np.zeros(1))

    @property
    def log_likelihood(self) -> float:
        """The (restricted) log-likelihood, constants included."""
        like, frame = self.likelihood, self.frame
        scale = np.concatenate([[1.0], frame.scale]) if frame.intercept else frame.scale
        q = like.Z.shape[1]
        deviance = self.point.deviance + like.constant(self.point)
        deviance += float(self.sums.count @ np.log(self.ratio))
        if like.restricted:
            deviance += 2.0 * float(np.log(np.tile(scale, q)[like.kept]).sum())
        if self.fit_intercept and not frame.intercept:  # intercepts are integrated out
            deviance += float(np.log(self.moments.total / self.ratio).sum())
        return -deviance / 2
