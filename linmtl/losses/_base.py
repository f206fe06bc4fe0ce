"""What a solver may ask of a loss."""

from __future__ import annotations

import numpy as np


class Loss:
    """A pointwise loss, evaluated on observations sorted by task.

    Arrays are flat, of shape (n_observations,); ``task_ptr`` (n_tasks + 1,) delimits
    the tasks. The weight of an observation carries its sample weight, the weight of
    its task and the division by the task's total: the loss of a task is
    ``sum_i weight_i loss(y_i, eta_i)``. A weight of zero is a label not observed.
    """

    name: str
    quadratic: bool = False  # the second derivative is constant
    curvature: float  # the largest value of the second derivative in eta

    def residual(
        self,
        y: np.ndarray,
        eta: np.ndarray,
        weight: np.ndarray,
        task_ptr: np.ndarray,
        total: np.ndarray,
        fit_intercept: bool,
        b: np.ndarray,
        theta: np.ndarray,
        task_loss: np.ndarray,
    ) -> None:
        """Fit the intercepts and write the residuals and the loss of each task.

        With ``fit_intercept``, ``b`` (n_tasks,) is set to the intercepts that are
        best for ``eta`` (its content is the starting point), otherwise to zero.
        ``theta_i = -weight_i * derivative of the loss at eta_i + b_t``, whose sum
        over each task is zero where an intercept is fitted: with intercepts always
        at their optimum, the residuals satisfy that constraint of the dual problem.
        """
        raise NotImplementedError

    def dual_value(
        self, y: np.ndarray, theta: np.ndarray, weight: np.ndarray, scale: float
    ) -> float:
        """Return ``-sum_i weight_i conjugate(-scale theta_i / weight_i)``."""
        raise NotImplementedError

    def dual_limit(self, y: np.ndarray, theta: np.ndarray, weight: np.ndarray) -> float:
        """Return the largest scale at which ``scale * theta`` is in the domain."""
        raise NotImplementedError

    def hessian(
        self, y: np.ndarray, theta: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        """Return ``weight_i *`` the second derivative, from the residuals."""
        raise NotImplementedError

    def of_mean(self, mean: np.ndarray) -> np.ndarray:
        """Return the loss of a task from the mean over its observations."""
        return mean

    def mean(self, eta: np.ndarray) -> np.ndarray:
        """Return the expected response at the linear predictor."""
        raise NotImplementedError
