"""Alternating directions (ADMM): squared loss in Gram form, spectral norms.

Each step solves the least-squares part exactly, in the eigenbasis of the Gram
matrices, where a change of the parameter rho costs nothing; then it takes the prox of
the norm, whose point is certified. Badly conditioned features slow it much less than a
gradient method.

Boyd, Parikh, Chu, Peleato, Eckstein (2011), Distributed optimization and statistical
learning via the alternating direction method of multipliers.
"""

from __future__ import annotations

import numpy as np

from linmtl._datafit import GramFit

_RELAXATION = 1.7
_CHECK = 10  # iterations between two certificates
_BALANCE = 10.0  # a residual this many times the other moves rho


class AlternatingDirections:
    """Splitting of loss and norm, with residual balancing."""

    name = "admm"

    @staticmethod
    def missing(objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        if not isinstance(objective.fit, GramFit):
            return "the squared loss and at least as many samples as features"
        if objective.penalty.norm is None or not objective.penalty.norm.spectral:
            return "a spectral penalty"
        quadratic = objective.penalty.quadratic
        if not (quadratic.is_diagonal and quadratic.equal_ridge):
            return "a ridge as the only quadratic penalty"
        return None

    def solve(self, objective, W, stop, max_iter, monitor):
        fit, norm = objective.fit, objective.penalty.norm
        ridge = float(objective.penalty.quadratic.diagonal[0])
        eigenvalue, Q = np.linalg.eigh(fit.H)
        eigenvalue = np.maximum(eigenvalue, 0.0) + ridge
        C = _to_basis(Q, fit.C.T)
        rho = 0.1 * float(eigenvalue.max())
        if rho == 0.0:  # constant features: any W is as good
            rho = 1.0
        Z, V = W.copy(), np.empty_like(W)
        # at the optimum rho U is the negative gradient: a warm start brings it along
        U = objective.D / rho if W.any() else np.zeros_like(W)
        for iteration in range(1, max_iter + 1):
            right = C + rho * _to_basis(Q, Z - U)
            W_new = _from_basis(Q, right / (eigenvalue.T + rho))
            relaxed = _RELAXATION * W_new + (1.0 - _RELAXATION) * Z
            np.add(relaxed, U, out=V)
            before = Z.copy()
            norm.prox(V, 1.0 / rho, Z)
            U += relaxed - Z
            if (iteration % _CHECK == 0 or iteration == max_iter) and monitor.done(
                Z, iteration, stop
            ):
                break
            if _is_time_to_balance(iteration):
                factor = _balance(W_new - Z, rho * (Z - before), W_new, Z, rho * U)
                rho *= factor
                U /= factor
        W[:] = monitor.best_W


def _to_basis(Q, W):
    """Q_t' w_t for each column, (d, T)."""
    if Q.shape[0] == 1:
        return Q[0].T @ W
    return np.matmul(Q.transpose(0, 2, 1), W.T[:, :, None])[:, :, 0].T


def _from_basis(Q, W):
    """Q_t w_t for each column, (d, T)."""
    if Q.shape[0] == 1:
        return Q[0] @ W
    return np.matmul(Q, W.T[:, :, None])[:, :, 0].T


def _is_time_to_balance(iteration: int) -> bool:
    # ever rarer, so that the sequence converges as one with a fixed rho
    return iteration in (5, 10, 20, 40, 80, 160, 320, 640)


def _balance(primal, dual, W, Z, Y):
    """Return the factor on rho that makes the relative residuals alike."""
    r = np.linalg.norm(primal) / max(np.linalg.norm(W), np.linalg.norm(Z), 1e-300)
    s = np.linalg.norm(dual) / max(np.linalg.norm(Y), 1e-300)
    if r == 0.0 or s == 0.0:
        return 1.0
    return float(np.clip(np.sqrt(r / s), 1 / _BALANCE, _BALANCE))
