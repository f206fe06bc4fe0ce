"""Leave-one-out where tasks share their rows, and all is quadratic.

In the eigenvectors V of the penalty ``tr(W K W') / 2`` the targets Y V have nothing to
do with each other: each is a ridge regression with an eigenvalue of K as its strength.
A row leaves all of them, its residual divided by one less its leverage. The loss stays
a mean, so that all other rows count c times as much, or the strength 1 / c of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import centred_targets
from linmtl.datafits._moments import Moments
from linmtl.penalties._quadratic_form import QuadraticForm


def left_out_of_directions(
    data: MultiTaskData,
    forms: Sequence[QuadraticForm],
    c: np.ndarray,
    least_rest: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return predictors without each row, losses with it and degrees of freedom.

    Of the shapes (n_forms, n_observations) and twice (n_forms, n_tasks).

    Parameters
    ----------
    data : MultiTaskData
        Tasks of the same rows and weights.
    forms : sequence of QuadraticForm
        The penalties, each the same for all features.
    c : ndarray of shape (n_rows,)
        How many times as much the others count without a row; NaN if there are none.
    least_rest : float
        One less a leverage, below which a row is fitted whatever it is: it has no
        prediction.
    """
    T = data.design.n_tasks
    weight = data.weight[: data.task_ptr[1]]
    total = data.total[0]
    y = centred_targets(data)[1].reshape(T, -1).T
    moments = Moments.of(data)
    h, Q = np.linalg.eigh(moments.H[0])
    h[h <= h.size * np.finfo(float).eps * h.max(initial=0.0)] = 0.0
    X = (data.design.block(0) - moments.x[0]) @ Q
    basis = Eigenvectors.of(forms)
    # (n_forms, n, T), (n_forms, k, T)
    Y, C = basis.along(y), basis.along(Q.T @ moments.C.T)
    K = np.maximum(basis.eigenvalue, 0.0)

    def inverses(factor):
        curvature = h[:, None] + (K / factor)[:, None, :]
        out = np.zeros(curvature.shape)
        return np.divide(1.0, curvature, out=out, where=curvature > 0)

    def turned_back(residual):  # flat, task after task
        return basis.back(residual).transpose(0, 2, 1)

    move = np.full(Y.shape, np.nan)
    for factor in np.unique(c[~np.isnan(c)]):
        rows = np.flatnonzero(c == factor)
        inverse, x, w = inverses(factor), X[rows], weight[rows, None]
        leverage = w * (x**2 @ inverse)
        if data.fit_intercept:
            leverage += w / total
        rest = 1.0 - leverage
        rest[rest <= least_rest] = np.nan
        move[:, rows] = (Y[:, rows] - x @ (inverse * C)) / rest
    inverse = inverses(1.0)
    residual = turned_back(Y - X @ (inverse * C))
    losses = residual**2 @ weight / (2.0 * total)
    freedom = basis.of_tasks(h @ inverse) + data.fit_intercept
    return data.y - turned_back(move).reshape(len(forms), -1), losses, freedom


@dataclass(frozen=True)
class Eigenvectors:
    """The eigenvectors V of the matrices of some forms.

    They are the tasks themselves where these are penalised apart, and where all are
    drawn to their mean that and what is orthogonal to it: no task needs the others.

    Attributes
    ----------
    eigenvalue : ndarray of shape (n_forms, n_tasks)
        The eigenvalues.
    normal : ndarray of shape (n_tasks,) or None
        V is the reflection ``I - 2 normal normal'``; the identity if it is None.
    vectors : ndarray of shape (n_forms, n_tasks, n_tasks) or None
        V, where it is neither.
    """

    eigenvalue: np.ndarray
    normal: np.ndarray | None = None
    vectors: np.ndarray | None = None

    @classmethod
    def of(cls, forms: Sequence[QuadraticForm]) -> Eigenvectors:
        """Return those of forms that are the same for all features."""
        if all(form.is_diagonal for form in forms):
            return cls(np.array([form.diagonal for form in forms]))
        T = forms[0].n_tasks
        about_mean = all(form.equal_ridge and not form.is_coupled for form in forms)
        if T > 1 and about_mean:
            eigenvalue = np.array(
                [np.repeat([form.mean, form.centred], [1, T - 1]) for form in forms]
            )
            # it takes the first axis to the mean
            normal = np.full(T, -1.0 / np.sqrt(T))
            normal[0] += 1.0
            ridge = np.array([[form.ridge] for form in forms])
            return cls(eigenvalue + ridge, normal / np.linalg.norm(normal))
        K, V = np.linalg.eigh(np.array([form.dense() for form in forms]))
        return cls(K, vectors=V)

    def along(self, Y: np.ndarray) -> np.ndarray:
        """Return ``Y V`` for each form, (n_forms, n, n_tasks), of Y (n, n_tasks)."""
        if self.vectors is not None:
            return Y @ self.vectors
        return np.broadcast_to(self._reflected(Y), (len(self.eigenvalue), *Y.shape))

    def back(self, Y: np.ndarray) -> np.ndarray:
        """Return ``Y V'`` for Y of shape (n_forms, n, n_tasks)."""
        if self.vectors is not None:
            return Y @ self.vectors.transpose(0, 2, 1)
        return self._reflected(Y)

    def of_tasks(self, value: np.ndarray) -> np.ndarray:
        """Return the diagonals of ``V diag(value) V'``, (n_forms, n_tasks) as value."""
        if self.vectors is not None:
            return (self.vectors**2 @ value[:, :, None])[:, :, 0]
        if self.normal is None:
            return value
        own = 1.0 - 2.0 * self.normal**2
        shared = 4.0 * self.normal**2 * (value @ self.normal**2)[:, None]
        rest = 4.0 * self.normal**4 * value
        return own**2 * value + shared - rest

    def _reflected(self, Y: np.ndarray) -> np.ndarray:
        if self.normal is None:
            return Y
        return Y - (2.0 * (Y @ self.normal))[..., None] * self.normal
