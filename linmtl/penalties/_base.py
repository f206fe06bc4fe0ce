"""What a penalty is, and the checks that all penalties share."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from linmtl.penalties._quadratic_form import QuadraticForm
    from linmtl.penalties._sum import Sum


class DualTerms(NamedTuple):
    """The conjugate of a penalty at the multiples s >= 0 of a point.

    It is ``s * support + s**2 * square`` while ``s * norm <= 1``, infinite beyond: a
    norm has its dual norm only, a squared norm ``square``, a norm ball ``support``.
    """

    norm: float = 0.0
    support: float = 0.0
    square: float = 0.0

    @property
    def zero_from(self) -> float:
        """The factor on the penalty from which on zero is a solution."""
        return self.norm if self.support == self.square == 0.0 else np.inf


class Penalty(BaseEstimator):
    """Base class of the penalties on W, of shape (n_features, n_tasks).

    A penalty holds parameters only; they are checked when a model is fitted. A norm
    implements `value`, `prox` and `dual_norm`; another convex penalty `dual_terms` in
    place of the last; one that is quadratic over the tasks implements `quadratic` and
    gets the rest from it.

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
    ordered : bool
        Whether it depends on the order of the tasks.
    """

    convex: ClassVar[bool] = True
    smooth: ClassVar[bool] = False
    row_separable: ClassVar[bool] = False
    spectral: ClassVar[bool] = False
    ordered: ClassVar[bool] = False

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
        for name in strength_names(self):
            check_strength(self, name)

    def expand(self, tasks: np.ndarray) -> list[Penalty]:
        """Return the penalties of which this one is the sum; by default itself."""
        return [self]

    def bind(self, tasks: np.ndarray) -> Penalty:
        """Return this penalty with task labels replaced by positions; here, itself."""
        return self

    def fitted_attributes(
        self, W: np.ndarray, parts: Mapping[str, np.ndarray], tasks: np.ndarray
    ) -> dict[str, Any]:
        """Return what an estimator reports of a solution beside its coefficients.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            The solution.
        parts : dict of ndarray of shape (n_features, n_tasks)
            The parts of which W is the sum, for a decomposition; otherwise empty.
        tasks : ndarray of shape (n_tasks,)
            Task labels.

        Returns
        -------
        dict
            Names of attributes, which end in an underscore, and their values.
        """
        return {}

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

    def dual_terms(self, D: np.ndarray) -> DualTerms:
        """Return the conjugate at the multiples of D, rows of free features apart."""
        return DualTerms(norm=self.dual_norm(D))

    def free_rows(self, n_features: int) -> np.ndarray:
        """Return the mask of the features that the penalty leaves free."""
        return np.zeros(n_features, dtype=bool)

    def null_form(self, n_tasks: int) -> QuadraticForm | None:
        """Return a quadratic form that is zero for the same W, for a semi-norm.

        None for a penalty that is zero for a free feature or a W of zeros only.
        """
        return None

    def alpha_max(self, G0: np.ndarray) -> float:
        """Return the smallest `alpha` whose solution is zero.

        Of a penalty with several strengths and none called ``alpha``, the factor on
        all of them.

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
        unit = self
        if hasattr(self, "alpha"):
            unit = with_alpha(self, 1.0)
        return unit.dual_terms(G0).zero_from

    def quadratic(self, tasks: np.ndarray) -> QuadraticForm | None:
        """Return the quadratic form over these tasks, None for a non-smooth penalty."""
        return None


def strength_names(penalty: Penalty) -> list[str]:
    """Return the names of the strengths among the parameters of a penalty."""
    names = _parameter_names(type(penalty))
    return [name for name in names if name == "alpha" or name.startswith("alpha_")]


def with_alpha(penalty: Penalty, alpha: float) -> Penalty:
    """Return a penalty with another ``alpha``."""
    names = _parameter_names(type(penalty))
    parameters = {name: getattr(penalty, name) for name in names}
    return type(penalty)(**{**parameters, "alpha": alpha})


@cache  # a path asks for every strength, and to read a signature takes long
def _parameter_names(kind: type) -> tuple[str, ...]:
    parameters = inspect.signature(kind).parameters.values()
    named = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    return tuple(sorted(named))


def check_strength(penalty: object, name: str) -> None:
    """Check that a parameter of a penalty is a finite number >= 0."""
    value = getattr(penalty, name)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"{type(penalty).__name__}: {name} must be a number >= 0, got {value!r}"
        )
    try:
        number = float(value)
    except OverflowError:  # a long integer
        number = np.inf
    if not 0 <= number < np.inf:
        raise ValueError(
            f"{type(penalty).__name__}: {name} must be a finite number >= 0, "
            f"got {value!r}"
        )


def check_positive(penalty: object) -> None:
    """Check that ``positive`` is a truth value: "False", for one, is not."""
    if not isinstance(penalty.positive, (bool, np.bool_)):
        raise TypeError(
            f"{type(penalty).__name__}: positive must be True or False, "
            f"got {penalty.positive!r}"
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
