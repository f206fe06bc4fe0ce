"""A fitted mixed model: coefficients, covariances, and what a new task would have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linmtl.datafits._moments import Moments
from linmtl.mixed._likelihood import Likelihood, Point, condition
from linmtl.mixed._sums import Frame, Sums


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
        """Return that of the tasks of several."""
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
        F = self.likelihood.structure.factor(self.point.theta)
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
        """Return those of tasks of which nothing but the descriptors is known.

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

    def squares(self) -> np.ndarray:
        """Return the squared residuals of each task, (n_tasks,)."""
        sums, like = self.sums, self.likelihood
        W = like.means(self.point.beta) + self.point.g @ self.relative
        KW = np.einsum("tij,tj->ti", sums.K, W)
        return np.maximum(sums.square + np.einsum("ti,ti->t", KW - 2 * sums.c, W), 0.0)

    def certificate(self) -> tuple[float, float, float]:
        """Return the objective, its duality gap and the objective of the null model.

        The objective is half the squared residuals, and the squared deviations in the
        metric of their covariance, over the mean number of rows of a task. Given the
        deviations the fixed effects are at their best, so that what is left of the
        gap is ``||v - F' A'(residuals)||^2 / 2`` with the deviations ``F v``.
        """
        like, point = self.likelihood, self.point
        F = like.S @ like.structure.factor(point.theta)
        K, c, v = like.sums.K, like.sums.c, point.g @ F
        W = like.means(point.beta) + v @ F.T
        prior = np.diag(like.ridge[like.kept])
        pull = (like.Z.T @ (c - np.einsum("tij,tj->ti", K, W))).ravel()[like.kept]
        pull -= prior @ point.beta
        fixed = like.of_fixed(K)[np.ix_(like.kept, like.kept)] + prior
        moved = np.linalg.solve(fixed, pull) if pull.size else pull
        W = W + like.means(moved)
        g = c - np.einsum("tij,tj->ti", K, W)
        squares = like.sums.square - np.einsum("ti,ti->t", c + g, W)
        beta = point.beta + moved
        value = (squares.sum() + np.sum(v**2) + beta @ prior @ beta) / 2
        gap = np.sum((v - g @ F) ** 2) / 2
        null = like.sums.square.sum() / 2
        size = self.moments.total.mean()
        return max(float(value), 0.0) / size, float(gap) / size, float(null) / size

    def spread(self, tasks: np.ndarray) -> np.ndarray:
        """Return the covariance of coefficients in the frame, relative to the noise."""
        return self._spread(self.point.N[tasks], self.likelihood.Z[tasks])

    def _spread(self, N, Z):
        Sigma = self.relative
        own = Sigma - Sigma @ N @ Sigma
        common = np.eye(len(Sigma)) - Sigma @ N
        mean = self._of_mean(Z)
        return own + common @ mean @ common.transpose(0, 2, 1)

    def known(self, tasks: np.ndarray) -> Uncertainty:
        """Return what is not known of the coefficients of some tasks (positions)."""
        V = self._units(self.spread(tasks))
        if self.frame.intercept or not self.fit_intercept:
            T, d = len(tasks), self.frame.scale.size
            return Uncertainty(V, np.zeros((T, d)), np.zeros(T))
        level = self.noise[tasks] ** 2 / self.moments.total[tasks]
        return Uncertainty(V, self.moments.x[tasks], level)

    def unknown(self, Z: np.ndarray) -> Uncertainty:
        """Return the same of tasks of which nothing but the descriptors is known."""
        V = self._units(self.relative + self._of_mean(Z))
        T, d = len(Z), self.frame.scale.size
        if self.frame.intercept or not self.fit_intercept:
            return Uncertainty(V, np.zeros((T, d)), np.zeros(T))
        b = self.coefficients()[:, 0]
        level = b.var(ddof=1) * (1 + 1 / b.size) if b.size > 1 else 0.0
        return Uncertainty(V, np.zeros((T, d)), np.full(T, level))

    def _of_mean(self, Z):
        """Return the relative covariance of ``M z`` for each task."""
        like, D = self.likelihood, self.sums.n_columns
        q = Z.shape[1]
        C = np.zeros((q * D, q * D))
        C[np.ix_(like.kept, like.kept)] = self.point.C
        return np.einsum("ta,aibj,tb->tij", Z, C.reshape(q, D, q, D), Z, optimize=True)

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

    @property
    def log_likelihood(self) -> float:
        """The (restricted) log-likelihood, constants included."""
        like, frame = self.likelihood, self.frame
        scale = np.concatenate([[1.0], frame.scale]) if frame.intercept else frame.scale
        q = like.Z.shape[1]
        deviance = self.point.deviance + like.degrees * np.log(2.0 * np.pi)
        deviance += float(self.sums.count @ np.log(self.ratio))
        if like.restricted:
            deviance += 2.0 * float(np.log(np.tile(scale, q)[like.kept]).sum())
        if self.fit_intercept and not frame.intercept:  # intercepts are integrated out
            deviance += float(np.log(self.moments.total / self.ratio).sum())
        return -deviance / 2
