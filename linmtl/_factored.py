"""Minimises the loss of a product of two small factors, W = A B'.

The problem is not convex in (A, B) together; it is smooth, apart from an L1 norm on B,
which becomes smooth with signs: B is the difference of its positive and negative parts.
So quasi-Newton steps in both factors at once serve every loss and every layout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize

from linmtl._datafit import Datafit

_MEMORY = 20  # pairs of steps and gradients that the quasi-Newton model is made of
_RESTARTS = 3  # of that model, where it finds no lower point any more


@dataclass(frozen=True)
class Factors:
    """A point (A, B).

    Attributes
    ----------
    A : ndarray of shape (n_features, n_components)
        What the tasks share.
    B : ndarray of shape (n_tasks, n_components)
        What each task makes of it.
    """

    A: np.ndarray
    B: np.ndarray

    @property
    def W(self) -> np.ndarray:
        return self.A @ self.B.T

    @property
    def unused(self) -> np.ndarray:
        """Mask of the components that add nothing to W."""
        return ~(self.A.any(axis=0) & self.B.any(axis=0))

    def times(self, scale: float | np.ndarray) -> Factors:
        """Return the same product with A times and B divided by a scale."""
        return Factors(self.A * scale, self.B / scale)


@dataclass(frozen=True)
class FactoredPenalty:
    """``ridge_A/2 ||A||^2 + ridge_B/2 ||B||^2 + l1 ||B||_1``."""

    ridge_A: float
    ridge_B: float = 0.0
    l1: float = 0.0

    def value(self, point: Factors) -> float:
        A, B = point.A, point.B
        value = self.ridge_A / 2 * np.vdot(A, A) + self.ridge_B / 2 * np.vdot(B, B)
        return float(value + self.l1 * np.abs(B).sum())

    def times(self, scale: float) -> FactoredPenalty:
        """Return the penalty of which ``point.times(scale)`` has this one's value."""
        return FactoredPenalty(
            self.ridge_A / scale**2, self.ridge_B * scale**2, self.l1 * scale
        )


@dataclass(frozen=True)
class FactoredResult:
    """Where a descent ended.

    Attributes
    ----------
    point : Factors
        The solution.
    objective : float
        The objective there.
    residual : float
        How far from stationary it is, in units of the objective.
    history : list of float
        The objective at the start and after each iteration.
    """

    point: Factors
    objective: float
    residual: float
    history: list[float]

    @property
    def n_iter(self) -> int:
        return max(len(self.history) - 1, 1)


class FactoredObjective:
    """``loss(A B') + penalty(A, B)``, intercepts at their optimum."""

    def __init__(self, fit: Datafit, penalty: FactoredPenalty):
        self.fit = fit
        self.penalty = penalty
        self._G = np.empty((fit.n_features, fit.n_columns))

    def evaluate(self, point: Factors) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the objective and the gradients, without that of the L1 norm."""
        loss = self.fit.evaluate(point.W, self._G)
        gradient_A = self.penalty.ridge_A * point.A - self._G @ point.B
        gradient_B = self.penalty.ridge_B * point.B - self._G.T @ point.A
        return loss + self.penalty.value(point), gradient_A, gradient_B

    def residual(
        self, point: Factors, gradient_A: np.ndarray, gradient_B: np.ndarray
    ) -> float:
        """Return how far from stationary a point is.

        ``||grad_A|| ||A|| + ||grad_B|| ||B||`` with the shortest subgradients: what the
        objective changes by, to first order, when A and B change by as much as they
        are. It does not depend on how the product is split.
        """
        l1 = self.penalty.l1
        shrunk = np.sign(gradient_B) * np.maximum(np.abs(gradient_B) - l1, 0.0)
        signed = gradient_B + l1 * np.sign(point.B)
        gradient_B = np.where(point.B == 0, shrunk, signed) if l1 else gradient_B
        norm = np.linalg.norm
        return float(
            norm(gradient_A) * norm(point.A) + norm(gradient_B) * norm(point.B)
        )

    def descend(
        self, start: Factors, stop: float, max_iter: int, verbose: int = 0
    ) -> FactoredResult:
        """Go down from a point until the residual is at most ``stop``.

        Zhu, Byrd, Lu, Nocedal (1997), Algorithm 778: L-BFGS-B.
        """
        a, b = np.linalg.norm(start.A), np.linalg.norm(start.B)
        if a * b == 0:
            return self._at(start, [])
        # a change of units: descent from factors of the same size
        scale = float(np.sqrt(b / a))
        unit = FactoredObjective(self.fit, self.penalty.times(scale))
        result = unit._descend(start.times(scale), stop, max_iter, verbose)
        return self._at(result.point.times(1 / scale), result.history)

    def _at(self, point, history):
        value, gradient_A, gradient_B = self.evaluate(point)
        residual = self.residual(point, gradient_A, gradient_B)
        return FactoredResult(point, value, residual, history or [value])

    def _descend(self, start, stop, max_iter, verbose):
        split = self.penalty.l1 > 0
        shape_A, shape_B = start.A.shape, start.B.shape
        size_A, size_B = start.A.size, start.B.size
        history: list[float] = []

        def pack(A, plus, minus):
            parts = [A.ravel(), plus.ravel()]
            return np.concatenate([*parts, minus.ravel()] if split else parts)

        def unpack(x):
            B = x[size_A : size_A + size_B].reshape(shape_B)
            if split:
                B = B - x[size_A + size_B :].reshape(shape_B)
            return Factors(x[:size_A].reshape(shape_A), B)

        def smooth(x):
            value, gradient_A, gradient_B = self.evaluate(unpack(x))
            l1 = self.penalty.l1
            if split:  # both parts cost, also where they cancel
                excess = np.abs(x[size_A:]).sum() - np.abs(unpack(x).B).sum()
                value += l1 * excess
            return value, pack(gradient_A, gradient_B + l1, l1 - gradient_B)

        def watch(intermediate_result):
            x = intermediate_result.x
            history.append(float(intermediate_result.fun))
            point = unpack(x)
            _, gradient_A, gradient_B = self.evaluate(point)
            residual = self.residual(point, gradient_A, gradient_B)
            if verbose:
                print(
                    f"iteration {len(history) - 1:6d}  "
                    f"objective {history[-1]:.10g}  residual {residual:.3e}"
                )
            if residual <= stop:
                raise StopIteration

        B = start.B
        x = pack(start.A, np.maximum(B, 0.0), np.maximum(-B, 0.0)) if split else pack(
            start.A, B, B)
        first = self._at(start, [])
        history.append(first.objective)
        if first.residual <= stop:
            return first
        lower = np.zeros(x.size)
        lower[:size_A] = -np.inf
        for _ in range(_RESTARTS):
          found = optimize.minimize(
            smooth,
            x,
            jac=True,
            method="L-BFGS-B",
            bounds=optimize.Bounds(lower, np.inf) if split else None,
            callback=watch,
            options={
                "maxcor": _MEMORY,
                "maxiter": max_iter,
                "maxfun": 20 * max_iter,
                "ftol": 0.0,
                "gtol": 0.0,
            },
          )
          x = found.x
          r = self._at(unpack(found.x), history)
          #print(found.message, found.nit, r.residual, stop)
          if r.residual <= stop or found.nit >= max_iter: break
        return r
