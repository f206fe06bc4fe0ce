"""Accelerated proximal gradient with adaptive restart: any loss, any norm.

Beck, Teboulle (2009), A fast iterative shrinkage-thresholding algorithm;
O'Donoghue, Candes (2015), Adaptive restart for accelerated gradient schemes.
"""

from __future__ import annotations

import numpy as np

from linmtl.kernels._jit import readonly
from linmtl.kernels._layouts import extrapolate, gradient_step, restart_test
from linmtl.solvers._objective import Objective

_CHECK = 10  # iterations between two certificates


class AcceleratedProximalGradient:
    """Steps of the Lipschitz bound; one per feature for row-separable penalties.

    Quadratic penalties join the loss beside a norm; alone, their prox is exact and
    takes their strength out of the conditioning.
    """

    name = "apg"

    @staticmethod
    def missing(objective: Objective) -> str | None:
        """Return what the problem lacks for this solver, None where it applies."""
        norm = objective.penalty.norm
        if norm is not None and not norm.convex:
            return "a convex penalty"
        if not objective.fit.bounded:
            return "a loss whose curvature has a bound"
        return None

    def solve(self, objective, W, stop, max_iter, monitor, start=0):
        fit, penalty = objective.fit, objective.penalty
        norm, quadratic = penalty.norm, penalty.quadratic
        scaled = norm is not None and norm.row_separable
        metric, lipschitz = fit.curvature(scaled)
        bound = lipschitz * metric
        if norm is not None:
            bound = bound + quadratic.top
            smooth = objective.smooth
        else:
            norm, smooth = quadratic, fit.evaluate
        step = 1.0 / np.maximum(bound, np.finfo(float).tiny)
        if lipschitz == 0.0 and quadratic.top == 0.0:
            step = np.ones_like(bound)  # the loss does not depend on W
        prox_step = step if scaled else float(step[0])

        V, G, trial = W.copy(), np.empty_like(W), np.empty_like(W)
        momentum = 1.0
        for iteration in range(1, max_iter + 1):
            smooth(V, G)
            gradient_step(readonly(V), readonly(step), readonly(G), G)
            if norm is quadratic:
                trial[...] = quadratic.prox(G, prox_step)
            else:
                norm.prox(G, prox_step, trial)
            if restart_test(readonly(V), readonly(trial), readonly(W), step) > 0:
                momentum = 1.0
            following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
            extrapolate(readonly(trial), W, (momentum - 1.0) / following, V)
            momentum = following
            last = iteration == max_iter
            if (iteration % _CHECK == 0 or last) and monitor.done(
                W, start + iteration, stop
            ):
                return
