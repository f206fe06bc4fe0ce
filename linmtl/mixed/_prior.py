"""What is known of a covariance before the data: minus twice the log-density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linmtl.mixed._covariance import Structure


@dataclass(frozen=True)
class Prior:
    """``sum_k bound_k theta_k^2 + sum_{i < j} weight_ij Sigma_ij^2``.

    Attributes
    ----------
    structure : Structure
        How Sigma depends on the parameters theta.
    bound : ndarray of shape (n_parameters,)
        Precisions of the parameters.
    weight : ndarray of shape (n_columns, n_columns), default=None
        Precisions of the covariances, symmetric with a diagonal of zeros; by default
        they are free.
    """

    structure: Structure
    bound: np.ndarray
    weight: np.ndarray | None = None

    def value(self, theta: np.ndarray) -> float:
        """Return the prior at some parameters, less its constants."""
        value = float(self.bound @ theta**2)
        if self.weight is not None:
            F = self.structure.factor(theta)
            value += float(np.sum(self.weight * (F @ F.T) ** 2)) / 2
        return value

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Return the gradient with respect to the parameters."""
        out = 2.0 * self.bound * theta
        if self.weight is not None:
            s, F = self.structure, self.structure.factor(theta)
            slope = self.weight * (F @ F.T)
            out += s.sums(2.0 * (slope @ F)[s.row, s.column])
        return out

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Return the Hessian in the parameters."""
        out = 2.0 * np.diag(self.bound)
        if self.weight is not None:
            s, F = self.structure, self.structure.factor(theta)
            slopes = s.of_sigma(F, np.eye(len(F))).reshape(F.shape[0] ** 2, -1)
            out += slopes.T @ (self.weight.reshape(-1, 1) * slopes)
            out += s.through_sigma(self.weight * (F @ F.T))
        return out
