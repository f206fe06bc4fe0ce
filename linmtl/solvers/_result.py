"""What a solver returns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from linmtl.datafits._base import Residuals


@dataclass
class Result:
    """What a solver returns.

    Attributes
    ----------
    W : ndarray of shape (n_features, n_columns)
        Coefficients.
    point : ndarray
        The solver's variable, to start another from: W, or P above Q where W = P + Q.
    b : ndarray of shape (n_tasks,)
        Intercepts.
    objective : float
        The objective at the solution.
    gap : float
        Duality gap, absolute: the objective is at most this far from the optimum.
    tol : float
        The absolute tolerance on the gap.
    scale : float
        The objective of the null model.
    n_iter : int
        Iterations.
    converged : bool
        Whether the gap is at most the tolerance.
    history : list of (int, float)
        Iteration and gap at each certificate; the last gap is ``gap``.
    message : str
        Empty, or why the solver did not converge and what to do.
    stages : list of float or None
        The objective after each stage, for a penalty that is not convex.
    residuals : Residuals or None
        Those at the solution, where the solver has them.
    """

    W: np.ndarray
    point: np.ndarray
    b: np.ndarray
    objective: float
    gap: float
    tol: float
    scale: float
    n_iter: int
    converged: bool
    solver: str
    history: list[tuple[int, float]] = field(default_factory=list)
    message: str = ""
    stages: list[float] | None = None
    residuals: Residuals | None = None

    def judged(self, objective: float, gap: float, message: str) -> Result:
        """Return the same point with another objective and gap.

        ``message`` is for a gap above the tolerance.
        """
        converged = bool(gap <= self.tol)
        last = [(iteration, gap) for iteration, _ in self.history[-1:]]
        return replace(
            self,
            objective=objective,
            gap=gap,
            converged=converged,
            history=self.history[:-1] + last,
            message="" if converged else message,
        )
