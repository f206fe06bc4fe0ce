"""A plain NumPy FISTA: what one would write in an afternoon, the naive line."""

from __future__ import annotations

import numpy as np

from benchmarks.objective import falls
from benchmarks.solvers._base import Solution, Solver

_MANY = 1_000_000


def prox(kind: str, V: np.ndarray, threshold: float) -> np.ndarray:
    """Return the proximal operator of ``threshold * penalty`` at V."""
    if kind == "l21":
        norms = np.linalg.norm(V, axis=1, keepdims=True)
        return V * np.maximum(1.0 - threshold / np.maximum(norms, 1e-300), 0.0)
    if kind == "l1":
        return np.sign(V) * np.maximum(np.abs(V) - threshold, 0.0)
    if kind == "trace":
        U, s, Vt = np.linalg.svd(V, full_matrices=False)
        return (U * np.maximum(s - threshold, 0.0)) @ Vt
    mean = V.mean(axis=1, keepdims=True)
    return mean + (V - mean) / (1.0 + threshold)


def _squared_norm(X: np.ndarray) -> float:
    """Return the largest squared singular value, from the smaller Gram matrix."""
    return float(np.linalg.eigvalsh(X @ X.T if len(X) < X.shape[1] else X.T @ X)[-1])


class NumpyFista(Solver):
    """FISTA with a fixed step and a restart, on residuals, from zero.

    It stops when the coefficients move by less than ``tol`` of their size. Intercepts
    of a squared loss are removed by centring; those of other losses are a row of
    the coefficients that the prox leaves alone. A path is warm-started.
    """

    name = "numpy_fista"

    @classmethod
    def supports(cls, instance):
        problem = instance.problem  # others have no bound for the step
        unbounded = problem.loss in ("poisson", "cox")
        return problem.kind in ("fit", "path") and not unbounded

    def __init__(self, instance, threads):
        super().__init__(instance, threads)
        problem, data = self.problem, self.data
        self.bias = problem.fit_intercept and problem.loss != "squared"
        if instance.shared:
            self.Xs, self.ys = [data.X], [data.Y]
        else:
            self.Xs, self.ys = list(data.Xs), list(data.targets)
        if self.bias:
            self.Xs = [np.column_stack([X, np.ones(len(X))]) for X in self.Xs]

    def solve(self, tol):
        Xs, ys = self.Xs, self.ys
        if self.problem.fit_intercept and not self.bias:
            Xs = [X - X.mean(axis=0) for X in Xs]
            ys = [y - y.mean(axis=0) for y in ys]
        scales = self.instance.objective.scales
        curvature = 0.25 if self.problem.loss == "logistic" else 1.0
        L = max(
            scale * curvature * _squared_norm(X)
            for scale, X in zip(scales, Xs, strict=False)
        )
        W = np.zeros((Xs[0].shape[1], self.data.n_tasks))
        Ws = []
        for alpha in self.alphas:
            W = self._fista(Xs, ys, scales, L, alpha, W, tol)
            Ws.append(W)
        return Ws

    def _fista(self, Xs, ys, scales, L, alpha, W, tol):
        V, momentum = W, 1.0
        for _ in range(_MANY):
            new = V - self._gradient(Xs, ys, scales, V) / L
            rows = slice(None, -1) if self.bias else slice(None)
            new[rows] = prox(self.problem.penalty, new[rows], alpha / L)
            step = new - W
            if np.sum((V - new) * step) > 0:  # the momentum points uphill: restart
                momentum = 1.0
            following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
            V = new + (momentum - 1.0) / following * step
            W, momentum = new, following
            if np.linalg.norm(step) <= tol * max(np.linalg.norm(W), 1e-300):
                break
        return W

    def _gradient(self, Xs, ys, scales, W):
        if self.instance.shared:
            return scales[0] * (Xs[0].T @ (Xs[0] @ W - ys[0]))
        G = np.empty_like(W)
        for t, (X, y) in enumerate(zip(Xs, ys, strict=True)):
            slope = -falls(self.problem.loss, y, X @ W[:, t])
            G[:, t] = scales[t] * (X.T @ slope)
        return G

    def read(self, result):
        if self.bias:
            return Solution([W[:-1] for W in result], [W[-1] for W in result])
        return Solution(result)
