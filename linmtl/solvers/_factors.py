"""Minimises the loss of a product of two small factors, W = A B'.

The problem is not convex in (A, B) together. It is smooth apart from an L1 norm on B,
and that becomes smooth with signs: B is the difference of its positive and negative
parts. So quasi-Newton steps in both factors at once serve every loss and every layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import optimize

from linmtl.datafits._base import Datafit
from linmtl.penalties._spectral import smaller_gram

_MEMORY = 20  # pairs of steps and gradients that the quasi-Newton model is made of
_MOST_EIGENVECTORS = 500  # features beyond which eigenvectors are dear
_FLAT = 1e-8  # curvatures below this fraction of the largest count as it
_ROTATIONS, _TURNED = 200, 1e-6


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
    def used(self) -> np.ndarray:
        """Mask of the components that add something to W."""
        return np.logical_and(self.A.any(axis=0), self.B.any(axis=0))

    def times(self, scale: float | np.ndarray) -> Factors:
        """Return the same product with A times and B divided by a scale."""
        return Factors(self.A * scale, self.B / scale)

    def pruned(self) -> Factors:
        """Return the same product with both parts of an unused component zero."""
        used = self.used
        return Factors(np.where(used, self.A, 0.0), np.where(used, self.B, 0.0))

    def arranged(self) -> Factors:
        """Return the same product, the largest component first and its sign fixed.

        The largest entry of each column of B is positive.
        """
        A, B = self.A, self.B
        size = np.linalg.norm(A, axis=0) * np.linalg.norm(B, axis=0)
        order = np.argsort(-size, kind="stable")
        A, B = A[:, order], B[:, order]
        largest = np.take_along_axis(B, np.abs(B).argmax(axis=0)[None], axis=0)
        sign = np.where(largest < 0, -1.0, 1.0)
        return Factors(A * sign, B * sign)

    def in_halves(self) -> Factors:
        """Return the same product as `halves_of_svd` has it."""
        basis, R = np.linalg.qr(self.A)
        codes, S = np.linalg.qr(self.B)
        halves = halves_of_svd(R @ S.T, self.A.shape[1])
        return Factors(basis @ halves.A, codes @ halves.B)


def halves_of_svd(W: np.ndarray, n_components: int) -> Factors:
    """Return the closest product of this rank, each half with the roots of its sizes.

    Columns of A are orthogonal, and so are those of B; the largest come first.
    """
    P, size, Qt = np.linalg.svd(W, full_matrices=False)
    root = np.sqrt(size[:n_components])
    return Factors(P[:, :n_components] * root, Qt[:n_components].T * root)


def rotated_to_few(point: Factors) -> Factors:
    """Return the same product with rows of B that have few large entries.

    Turns a basis A with orthogonal columns. Neuhaus, Wrigley (1954), The quartimax
    method: the sum of the fourth powers of B, which is convex in the rotation, grows
    with every step to the best rotation for its tangent.
    """
    length = np.linalg.norm(point.A, axis=0)
    length[length == 0] = 1.0
    unit = point.times(1.0 / length)
    scale = np.abs(unit.B).max(initial=0.0) or 1.0
    B = unit.B / scale
    R = np.eye(B.shape[1])
    for _ in range(_ROTATIONS):
        P, _, Qt = np.linalg.svd(B.T @ (B @ R) ** 3)
        last, R = R, P @ Qt
        if np.abs(R - last).max(initial=0.0) < _TURNED:
            break
    return Factors(unit.A @ R, unit.B @ R)


@dataclass(frozen=True)
class FactoredPenalty:
    """``ridge_A / 2 * ||A||^2 + ridge_B / 2 * ||B||^2 + l1 * ||B||_1``."""

    ridge_A: float
    ridge_B: float = 0.0
    l1: float = 0.0

    def value(self, point: Factors) -> float:
        A, B = point.A, point.B
        value = self.ridge_A / 2 * np.vdot(A, A) + self.ridge_B / 2 * np.vdot(B, B)
        return float(value + self.l1 * np.abs(B).sum())

    def balanced(self, point: Factors) -> Factors:
        """Return the same product where a ridge and the L1 norm are least."""
        ridge = self.ridge_A * np.sum(point.A**2, axis=0)
        norm = self.l1 * np.abs(point.B).sum(axis=0)
        scale = np.ones(len(norm))
        np.divide(norm, ridge, out=scale, where=point.used)
        return point.times(np.cbrt(scale))


@dataclass(frozen=True)
class Descent:
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
    exhausted : bool
        Whether it ended where the objective no longer decreases beyond rounding.
    """

    point: Factors
    objective: float
    residual: float
    history: list[float]
    exhausted: bool

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
        """Return the objective and its gradients, without that of the L1 norm."""
        loss = self.fit.evaluate(point.W, self._G)
        gradient_A = self.penalty.ridge_A * point.A - self._G @ point.B
        gradient_B = self.penalty.ridge_B * point.B - self._G.T @ point.A
        return loss + self.penalty.value(point), gradient_A, gradient_B

    def residual(
        self, point: Factors, gradient_A: np.ndarray, gradient_B: np.ndarray
    ) -> float:
        """Return how far from stationary a point is, from its gradients.

        ``||grad_A|| ||A|| + ||grad_B|| ||B||`` with the shortest subgradients: to first
        order, the most that the objective changes by when A and B change by their own
        size. The units of A against those of B do not matter.
        """
        l1 = self.penalty.l1
        if l1:
            shrunk = np.sign(gradient_B) * np.maximum(np.abs(gradient_B) - l1, 0.0)
            signed = gradient_B + l1 * np.sign(point.B)
            gradient_B = np.where(point.B == 0, shrunk, signed)
        norm = np.linalg.norm
        return float(
            norm(gradient_A) * norm(point.A) + norm(gradient_B) * norm(point.B)
        )

    def minimise(
        self,
        start: Factors,
        stop: float,
        max_iter: int,
        rounding: float = 0.0,
        verbose: int = 0,
    ) -> Descent:
        """Go down from a point until the residual is at most ``stop``.

        Or until a descent begun afresh gains no more than ``rounding``. With ridges
        alone, components that have faded go on elsewhere if that is lower: without a
        better place for them the solution is the best of all.
        """
        history: list[float] = []
        before = np.inf  # the objective at the start, where a descent has ended there
        while True:
            point = self._descend(start, stop, max_iter, history, verbose).pruned()
            if not self.penalty.l1:
                point = point.in_halves()
            value, *gradients = self.evaluate(point)
            history[-1] = value
            residual = self.residual(point, *gradients)
            short = residual > stop
            exhausted = short and not before - value > rounding
            found = Descent(point, value, residual, history, exhausted)
            if len(history) > max_iter:
                return found
            if short and not exhausted:
                history.pop()  # the next descent begins with it
                start, before = point, value
                continue
            moved = None if self.penalty.l1 else self._moved(point)
            least = value - max(stop, rounding)
            if moved is None or self.evaluate(moved)[0] >= least:
                return found
            start, before = moved, np.inf

    def _moved(self, point: Factors) -> Factors | None:
        """Put the faintest components where the trace norm would have new ones.

        A proximal gradient step for the trace norm, restricted to the singular
        directions of the gradient, goes down by ``(s - alpha)^2 / 2L`` in each whose
        singular value s is above alpha.
        """
        alpha = np.sqrt(self.penalty.ridge_A * self.penalty.ridge_B)
        faint = np.sum(point.A[:, ::-1] ** 2, axis=0)  # the smallest first
        # mostly none is faint enough for any curvature, and that of each task is dear
        top = float(np.linalg.eigvalsh(smaller_gram(self._G))[-1])
        least = self._curvature[0].max(initial=0.0)
        if np.sqrt(max(top, 0.0)) <= alpha + least * faint[0]:
            return None
        P, s, Qt = np.linalg.svd(self._G, full_matrices=False)
        k = point.A.shape[1]
        _, lipschitz = self.fit.curvature(scaled=False)
        size = np.maximum(s[:k] - alpha, 0.0) / max(lipschitz, 1e-300)
        n = int(np.argmin(np.append(size > faint, False)))
        if n == 0:
            return None
        A, B = point.A.copy(), point.B.copy()
        A[:, k - n :] = P[:, :n] * np.sqrt(size[:n])
        B[:, k - n :] = Qt[:n].T * np.sqrt(size[:n])
        return Factors(A, B)

    @cached_property
    def _curvature(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Eigenvalues of the mean Hessian of the tasks and basis, or its diagonal."""
        fit: Any = self.fit
        d = fit.n_features
        if not fit.holds_rows:
            H = fit.H.mean(axis=0)
            if d > _MOST_EIGENVECTORS:
                return np.diag(H).copy(), None
        else:
            design, weight = fit.data.design, fit.largest_weight
            centre = fit.data.fit_intercept
            if d > _MOST_EIGENVECTORS:
                return design.column_scale(weight, centre), None
            H = np.zeros((d, d))
            for t in range(design.n_tasks):  # one at a time keeps the copies small
                block = design.centred_block(np.array([t]), weight, centre)
                H += block.T @ block / design.n_tasks
        eigenvalue, Q = np.linalg.eigh(H)
        # the loss does not depend on the rest, which the ridge makes zero
        cutoff = eigenvalue.size * np.finfo(float).eps * max(eigenvalue[-1], 0.0)
        kept = eigenvalue > cutoff
        return eigenvalue[kept], Q[:, kept]

    def _descend(self, start, stop, max_iter, history, verbose):
        """Run L-BFGS; Zhu, Byrd, Lu, Nocedal (1997), Algorithm 778."""
        variables = _Variables(self, start, *self._curvature)
        value, _ = variables.evaluate(variables.start)
        history.append(value)
        residual = variables.residual()
        _report(history, residual, verbose)
        if residual <= stop or len(history) > max_iter:
            return variables.at

        def watch(intermediate_result):
            x = intermediate_result.x
            if not np.array_equal(x, variables.x):
                variables.evaluate(x)
            history.append(float(intermediate_result.fun))
            residual = variables.residual()
            _report(history, residual, verbose)
            if residual <= stop:
                raise StopIteration

        steps = max_iter + 1 - len(history)
        found = optimize.minimize(
            variables.evaluate,
            variables.start,
            jac=True,
            method="L-BFGS-B",
            bounds=variables.bounds,
            callback=watch,
            options={
                "maxcor": _MEMORY,
                "maxiter": steps,
                "maxfun": 20 * steps,
                "ftol": 0.0,
                "gtol": 0.0,
            },
        )
        return variables.point(found.x)


class _Variables:
    """A flat vector for (A, B), in which curvatures at the start are about one.

    First A, in the eigenbases of the mean Hessian and of ``B'B``, whose products are
    what its curvature would be if the tasks had the same Hessian; then B, each column
    in a unit of its own, or its positive and its negative part.
    """

    def __init__(
        self,
        objective: FactoredObjective,
        start: Factors,
        curvature: np.ndarray,
        basis: np.ndarray | None,
    ):
        self.objective = objective
        self.basis = basis
        self.split = objective.penalty.l1 > 0
        codes, self.turn = np.linalg.eigh(start.B.T @ start.B)
        A = start.A if basis is None else basis.T @ start.A
        penalty = objective.penalty
        self.unit_A = _unit(np.outer(curvature, codes) + penalty.ridge_A)
        self.unit_B = _unit(curvature @ A**2 + penalty.ridge_B)
        A, B = (A @ self.turn) / self.unit_A, start.B / self.unit_B
        self.shapes = A.shape, B.shape
        self.size_A = A.size
        parts = [np.maximum(B, 0.0), np.maximum(-B, 0.0)] if self.split else [B]
        self.start = np.concatenate([part.ravel() for part in (A, *parts)])
        self.bounds = None
        if self.split:
            lower = np.concatenate([np.full(A.size, -np.inf), np.zeros(2 * B.size)])
            self.bounds = optimize.Bounds(lower, np.inf)  # pyright: ignore[reportArgumentType]

    def point(self, x: np.ndarray) -> Factors:
        """Return the factors that x stands for."""
        A, B = x[: self.size_A], x[self.size_A :]
        if self.split:
            plus, minus = np.split(B, 2)
            B = plus - minus
        A = (A.reshape(self.shapes[0]) * self.unit_A) @ self.turn.T
        if self.basis is not None:
            A = self.basis @ A
        return Factors(A, B.reshape(self.shapes[1]) * self.unit_B)

    def evaluate(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the objective and its gradient at x."""
        self.x = x.copy()
        self.at = self.point(self.x)
        value, *self.gradients = self.objective.evaluate(self.at)
        slope_A, slope_B = self.gradients
        if self.basis is not None:
            slope_A = self.basis.T @ slope_A
        slope_A = ((slope_A @ self.turn) * self.unit_A).ravel()
        slope_B = slope_B * self.unit_B
        if not self.split:
            return value, np.concatenate([slope_A, slope_B.ravel()])
        l1 = self.objective.penalty.l1
        plus, minus = self.x[self.size_A :].reshape(2, *self.shapes[1])
        # both parts cost, also where they cancel
        value += 2 * l1 * float(np.sum(np.minimum(plus, minus) * self.unit_B))
        cost = l1 * self.unit_B
        slopes = [slope_A, (cost + slope_B).ravel(), (cost - slope_B).ravel()]
        return value, np.concatenate(slopes)

    def residual(self) -> float:
        """Return how far from stationary the last point evaluated is."""
        return self.objective.residual(self.at, *self.gradients)


def _unit(curvature: np.ndarray) -> np.ndarray:
    """Return the unit in which a variable of this curvature has curvature one."""
    top = curvature.max(initial=0.0)
    return (
        1.0 / np.sqrt(np.maximum(curvature, _FLAT * top))
        if top > 0
        else 1.0 + curvature
    )


def _report(history: list[float], residual: float, verbose: int) -> None:
    if verbose:
        print(
            f"iteration {len(history) - 1:6d}  objective {history[-1]:.10g}  "
            f"residual {residual:.3e}"
        )
