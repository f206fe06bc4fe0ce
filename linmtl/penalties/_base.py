"""What a penalty is, and the checks that all penalties share."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from linmtl.penalties._sum import Sum
    from linmtl.penalties._task_quadratic import TaskQuadratic


class Penalty(BaseEstimator):
    """Base class of the penalties on W, of shape (n_features, n_tasks).

    A penalty holds parameters only; they are checked when a model is fitted. A
    non-smooth one implements `value`, `prox` and `dual_norm`; one that is quadratic
    over the tasks implements `quadratic` and gets the rest from it.

    Attributes
    ----------
    convex : bool
        Whether the penalty is convex.
    smooth : bool
        Whether it is a quadratic form over the tasks, given by `quadratic`.
    row_separable : bool
        Whether it is a sum over the rows (features) of W; its `prox` then takes one
        step per row.
    spectral : bool
        Whether it depends on the singular values of W only.
    """

    convex: ClassVar[bool] = True
    smooth: ClassVar[bool] = False
    row_separable: ClassVar[bool] = False
    spectral: ClassVar[bool] = False

    def __add__(self, other: Penalty) -> Sum:
        from linmtl.penalties._sum import Sum

        if not isinstance(other, Penalty):
            return NotImplemented
        return Sum(self, other)

    def check(self, n_features: int, tasks: np.ndarray) -> None:
        """Raise ValueError or TypeError where a parameter is not allowed.

        Parameters
        ----------
        n_features : int
            Number of rows of W.
        tasks : ndarray of shape (n_tasks,)
            Task labels, in the order of the columns of W.
        """
        check_strength(self, "alpha")

    def value(self, W: np.ndarray) -> float:
        """Return the penalty at W."""
        raise NotImplementedError(f"{type(self).__name__} has no value")

    def prox(self, V: np.ndarray, step: float | np.ndarray, out: np.ndarray) -> float:
        """Write ``argmin_W ||W - V||^2 / 2 + step * penalty(W)`` into `out`.

        Parameters
        ----------
        V : ndarray of shape (n_features, n_tasks)
            The point.
        step : float or ndarray of shape (n_features,)
            The step; one per row where the penalty is row-separable.
        out : ndarray of shape (n_features, n_tasks)
            Receives the result.

        Returns
        -------
        float
            The value of the penalty at `out`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no prox")

    def prox_naive(self, V: np.ndarray, step: float) -> np.ndarray:
        """Return the prox by its textbook formula; slow, for tests and reading."""
        raise NotImplementedError(f"{type(self).__name__} has no prox_naive")

    def dual_norm(self, G: np.ndarray) -> float:
        """Return the smallest s >= 0 with <G, W> <= s * penalty(W) for all W.

        Rows of G whose penalty is zero (unpenalised features) are left out.
        """
        raise NotImplementedError(f"{type(self).__name__} has no dual norm")

    def free_rows(self, n_features: int) -> np.ndarray:
        """Return the mask of the features that the penalty leaves free."""
        return np.zeros(n_features, dtype=bool)

    def alpha_max(self, G0: np.ndarray) -> float:
        """Return the smallest `alpha` whose solution is zero.

        Parameters
        ----------
        G0 : ndarray of shape (n_features, n_tasks)
            Negative gradient of the loss at the null model (intercepts and
            unpenalised features fitted, everything else zero).

        Returns
        -------
        float
            Infinite where the solution is zero for no finite `alpha`.
        """
        if self.smooth:
            return np.inf
        unit = type(self)(**{**self.get_params(deep=False), "alpha": 1.0})
        return unit.dual_norm(G0)

    def quadratic(self, tasks: np.ndarray) -> TaskQuadratic | None:
        """Return the quadratic form over these tasks, None for a non-smooth penalty."""
        return None


def check_strength(penalty: object, name: str) -> None:
    """Check that a parameter of a penalty is a finite number >= 0."""
    value = getattr(penalty, name)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"{type(penalty).__name__}: {name} must be a number >= 0, got {value!r}"
        )
    if not (value >= 0 and np.isfinite(value)):
        raise ValueError(
            f"{type(penalty).__name__}: {name} must be a finite number >= 0, "
            f"got {value!r}"
        )


def check_feature_weight(penalty: object, n_features: int) -> None:
    """Check that the feature weights, if any, are finite, >= 0 and as many as rows."""
    weight = penalty.feature_weight
    if weight is None:
        return
    weight = np.asarray(weight, dtype=float)
    name = type(penalty).__name__
    if weight.shape != (n_features,):
        raise ValueError(
            f"{name}: feature_weight has shape {weight.shape} but there are "
            f"{n_features} features; pass one weight per column of coef_"
        )
    if not (np.all(np.isfinite(weight)) and np.all(weight >= 0)):
        raise ValueError(
            f"{name}: feature_weight must be finite and >= 0 (0 leaves a feature "
            "unpenalised)"
        )


def row_strength(penalty: object, n_features: int) -> np.ndarray:
    """Return ``alpha * feature_weight`` as an array of shape (n_features,)."""
    strength = np.full(n_features, float(penalty.alpha))
    if penalty.feature_weight is not None:
        strength *= np.asarray(penalty.feature_weight, dtype=float)
    return strength
