"""What a pointwise loss is: a few formulas, from which everything else follows."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from linmtl.kernels._jit import readonly

_MAX_STEPS = 200  # of the search for an intercept
_LONGEST_STEP = 1e300  # a step without a curvature
_ROUNDING = 1e-15  # a slope this small beside its terms is zero
_LAST_STEP = 1e-9  # of Newton's method for a prox, relative to where it is


class Score(NamedTuple):
    """How losses are reported.

    Attributes
    ----------
    name : str
        What reports call it.
    factor : float
        It is this factor times the loss.
    path : str
        The attribute of the estimators with cross-validation.
    path_factor : float
        What stands there is this factor times the loss: of scores, more is better.
    """

    name: str
    factor: float
    path: str
    path_factor: float


class Parameter(NamedTuple):
    """A parameter of a loss, as estimators have it.

    Attributes
    ----------
    attribute : str
        What the loss calls it.
    kind : str
        Its type.
    default : Any
        Its default.
    about : str
        What it is, in a sentence for docstrings.
    """

    attribute: str
    kind: str
    default: Any
    about: str


def parameter(default: Any, about: str) -> Any:
    """Return a field of a loss that is a parameter of the estimators too.

    They say ``about`` in their docstrings.
    """
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True)
class Loss:
    """A convex loss of each observation, ``loss(y, eta) >= 0``.

    A subclass gives the formulas `value`, `derivative`, `second_derivative`,
    `conjugate` and `domain` for NumPy arrays, and the attributes below. What solvers
    call is derived from them; a loss that is worth a kernel overrides it. One that has
    parameters is a dataclass of fields made by :func:`parameter`.

    In `residual` and after it arrays are flat, of shape (n_observations,), sorted by
    task; ``task_ptr`` (n_tasks + 1,) delimits the tasks. The weight of an observation
    carries its sample weight, the weight of its task and the division by the task's
    total: the loss of a task is ``sum_i weight_i loss(y_i, eta_i)``. A weight of zero
    is a label not observed.

    Attributes
    ----------
    name : str
        What users call it.
    score : Score
        How it is reported.
    about : str
        What the loss is, in a sentence or two for docstrings.
    formula : str
        The loss of one observation, for docstrings.
    curvature : float or None
        The largest value of the second derivative; None where there is no bound.
    quadratic : bool
        Whether the second derivative is constant.
    location : bool
        Whether the loss depends on ``y - eta`` alone.
    convex_root : bool
        Whether the root of a mean of losses is convex too.
    mean_suffices : bool
        Whether of several targets with one predictor only the mean matters.
    link : str
        What the linear predictor is of the mean: "identity", "log" or "logit".
    likelihood : bool
        Whether it is minus a log-likelihood, up to a scale that may be unknown: only
        then are information criteria and restricted likelihoods defined.
    classify : bool
        Whether y holds labels of classes.
    several : bool
        Whether a task may have more than two of them, see `of_classes`.
    ordered : bool
        Whether classes have an order: a task has cuts between them in place of an
        intercept.
    ranked : bool
        Whether targets are times, which are ranked within their task.
    of_rows : bool
        Whether it is the loss of one row after the other, so that the formulas apply.
    one_sided : str
        What is wrong with the targets of a task without a best intercept.
    mostly_flat : bool
        Whether the second derivative is zero for most targets: Newton's method alone
        does not get on then.
    kernel : callable or None
        `residual` as a kernel: it is cheap enough to be called for a few tasks at a
        time.
    kernel_parameters : tuple
        Its last arguments: what the parameters of the loss are to it.
    drawn : bool
        Whether a penalty draws the intercepts of the tasks to each other, so that each
        has a best one if that of all rows together has.
    """

    name: ClassVar[str]
    score: ClassVar[Score]
    about: ClassVar[str]
    formula: ClassVar[str]
    curvature: ClassVar[float | None] = None
    quadratic: ClassVar[bool] = False
    location: ClassVar[bool] = False
    convex_root: ClassVar[bool] = False
    mean_suffices: ClassVar[bool] = False
    mostly_flat: ClassVar[bool] = False
    link: ClassVar[str] = "identity"
    likelihood: ClassVar[bool] = False
    classify: ClassVar[bool] = False
    several: ClassVar[bool] = False
    ordered: ClassVar[bool] = False
    ranked: ClassVar[bool] = False
    of_rows: ClassVar[bool] = True
    one_sided: ClassVar[str] = ""
    kernel: ClassVar[Callable[..., None] | None] = None
    kernel_parameters: ClassVar[tuple[float, ...]] = ()
    drawn: ClassVar[bool] = False

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """Return the parameters by their names in estimators, as in ``huber_delta``."""
        return {
            f"{cls.name}_{f.name}": Parameter(
                f.name,
                str(getattr(f.type, "__name__", f.type)),
                f.default,
                f.metadata["about"],
            )
            for f in fields(cls)
        }

    @classmethod
    def of(cls, estimator: Any) -> Self:
        """Return the loss with the parameters of an estimator."""
        named = cls.parameters().items()
        return cls(**{p.attribute: getattr(estimator, name) for name, p in named})

    def settings(self) -> dict[str, Any]:
        """Return the parameters of an estimator that give this loss."""
        named = self.parameters().items()
        return {name: getattr(self, p.attribute) for name, p in named}

    def with_drawn_intercepts(self) -> Self:
        """Return this loss for intercepts that a penalty draws to each other."""
        loss = copy.copy(self)
        object.__setattr__(loss, "drawn", True)
        return loss

    def on(self, data: Any) -> Loss:
        """Return the loss of these observations, which may depend on their tasks."""
        return self.of_classes(data.design.group_ptr)

    def check(self) -> None:
        """Raise ValueError where a parameter is not allowed."""

    def of_classes(self, group_ptr: np.ndarray | None) -> Loss:
        """Return this loss for several classes a task, None for two: itself.

        ``group_ptr`` (n_tasks + 1,) has the bounds of the tasks among all their
        classes.
        """
        if group_ptr is not None:
            raise ValueError(f"loss={self.name!r} is for two classes")
        return self

    def value(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Return the loss of each observation."""
        raise NotImplementedError

    def derivative(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Return its derivative in eta."""
        raise NotImplementedError

    def second_derivative(self, y: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return the second derivative where minus the first is u."""
        raise NotImplementedError

    def model_curvature(
        self, y: np.ndarray, eta: np.ndarray, sharpness: float = np.inf
    ) -> np.ndarray:
        """Return what a model of second order takes for the curvature at eta.

        The second derivative in the end; where that jumps, less and less of the
        curvature nearby for a ``sharpness`` >= 1 that grows.
        """
        return self.second_derivative(y, -self.derivative(y, eta))

    def conjugate(self, y: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return the convex conjugate at -u, for u in the domain."""
        raise NotImplementedError

    def domain(self, y: np.ndarray) -> tuple[np.ndarray | float, np.ndarray | float]:
        """Return the bounds of u between which the conjugate at -u is finite."""
        raise NotImplementedError

    def prox(
        self, y: np.ndarray, v: np.ndarray, strength: float, start: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return where the loss plus ``strength (eta - v)^2 / 2`` is least.

        And minus the derivative of the loss there, for each observation. By Newton's
        method from ``start``, inside a bracket: the slope increases in eta.
        """
        eta = np.array(start, dtype=float)
        low, high = np.full(eta.size, -np.inf), np.full(eta.size, np.inf)
        # the longest step at first: exponentials overflow
        reach = 1.0 if self.curvature is None else np.inf
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(_MAX_STEPS):
                u = -self.derivative(y, eta)
                slope = strength * (eta - v) - u
                low = np.where(slope < 0, eta, low)
                high = np.where(slope > 0, eta, high)
                move = slope / (self.second_derivative(y, u) + strength)
                new = eta - np.clip(move, -reach, reach)
                reach *= 2.0
                new = np.where(np.isfinite(new), new, eta)
                left = np.abs(new - eta) > _LAST_STEP * (np.abs(eta) + np.abs(v))
                middle = 0.5 * (low + high)
                halve = left & ~((new > low) & (new < high)) & np.isfinite(middle)
                eta = np.where(halve, middle, new)
                if not left.any():
                    break
            return eta, -self.derivative(y, eta)

    def mean(self, eta: np.ndarray) -> np.ndarray:
        """Return the expected target at a linear predictor (the inverse link)."""
        return eta

    def encode(
        self, y: np.ndarray, missing: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return targets as the formulas take them, and the labels of the classes.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_tasks)
            As the user passed them.
        missing : ndarray of bool of y's shape
            Where y is not observed.

        Raises
        ------
        ValueError
            If a target is not in the domain of the loss.
        """
        return y, None

    def sides(
        self, y: np.ndarray, weight: np.ndarray, task_ptr: np.ndarray
    ) -> np.ndarray:
        """Return -1 or +1 for a task whose best intercept is there at infinity.

        Zero for the others; integers of shape (n_tasks,).
        """
        if self.drawn and not self.own_sides(y, weight, task_ptr[[0, -1]]).any():
            return np.zeros(task_ptr.size - 1, dtype=int)
        return self.own_sides(y, weight, task_ptr)

    def own_sides(
        self, y: np.ndarray, weight: np.ndarray, task_ptr: np.ndarray
    ) -> np.ndarray:
        """Return the same for tasks with intercepts of their own."""
        return np.zeros(task_ptr.size - 1, dtype=int)

    def size(self, y: np.ndarray) -> np.ndarray:
        """Return what the rounding errors of each loss are relative to."""
        return y**2

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
        if self.kernel is not None:
            given = (readonly(a) for a in (y, eta, weight, task_ptr, total))
            written = b, theta, task_loss
            self.kernel(*given, bool(fit_intercept), *written, *self.kernel_parameters)
            return
        rows, bounds = slice(task_ptr[0], task_ptr[-1]), task_ptr - task_ptr[0]
        y, eta, weight = y[rows], eta[rows], weight[rows]
        size = np.diff(bounds)
        if fit_intercept:
            b[:] = np.where(total > 0, self.intercepts(y, eta, weight, bounds, b), 0.0)
        else:
            b[:] = 0.0
        at = eta + np.repeat(b, size)
        theta[rows] = -weight * self.derivative(y, at)
        task_loss[:] = task_sums(weight * self.value(y, at), bounds)

    def intercepts(
        self,
        y: np.ndarray,
        eta: np.ndarray,
        weight: np.ndarray,
        task_ptr: np.ndarray,
        start: np.ndarray,
    ) -> np.ndarray:
        """Return the best intercept of each task, (n_tasks,).

        By Newton's method for all tasks at once, each inside a bracket: the derivative
        increases in the intercept.
        """
        size = np.diff(task_ptr)
        b = np.array(start, dtype=float)
        if self.location and y.size:  # a start from far away takes too many steps
            b = np.clip(b, np.min(y - eta), np.max(y - eta))
        low, high = np.full(b.size, -np.inf), np.full(b.size, np.inf)
        reach = 1.0  # of a step where the root is not bracketed
        for step in range(_MAX_STEPS):
            at = eta + np.repeat(b, size)
            u = -self.derivative(y, at)
            h = weight * self.second_derivative(y, u)
            slope = task_sums(weight * u, task_ptr)
            noise = weight * np.abs(u) + h * np.abs(at)  # of predictors, too
            open_ = np.abs(slope) > _ROUNDING * task_sums(noise, task_ptr)
            low = np.where(open_ & (slope > 0), b, low)
            high = np.where(open_ & (slope < 0), b, high)
            curvature = task_sums(h, task_ptr)
            move = np.sign(slope) * _LONGEST_STEP
            np.divide(slope, curvature, out=move, where=curvature > 0)
            bracketed = np.isfinite(low) & np.isfinite(high)
            far = ~bracketed & (np.abs(move) > reach)
            new = b + np.where(far, np.sign(slope) * reach, move)
            halve = bracketed & ~((new > low) & (new < high) & (step % 3 < 2))
            new[halve] = 0.5 * (low[halve] + high[halve])
            open_ &= (new > low) & (new < high)
            if not open_.any():
                break
            b = np.where(open_, new, b)
            reach *= 2.0
        return b

    def dual_value(
        self, y: np.ndarray, theta: np.ndarray, weight: np.ndarray, scale: float
    ) -> float:
        """Return ``-sum_i weight_i conjugate(-scale theta_i / weight_i)``."""
        used = weight > 0
        w = weight[used]
        return -float(w @ self.conjugate(y[used], scale * theta[used] / w))

    def dual_terms(
        self, y: np.ndarray, theta: np.ndarray, weight: np.ndarray
    ) -> tuple[float, float]:
        """Return a and b of the dual value ``s a - s^2 b / 2``, if it is quadratic."""
        raise NotImplementedError

    def dual_limit(self, y: np.ndarray, theta: np.ndarray, weight: np.ndarray) -> float:
        """Return the largest scale at which ``scale * theta`` is in the domain."""
        used = weight > 0
        u = theta[used] / weight[used]
        low, high = (np.broadcast_to(v, u.shape) for v in self.domain(y[used]))
        with np.errstate(invalid="ignore"):  # infinite bounds
            limit = np.where(u > 0, high, low) / np.where(u == 0, 1.0, u)
        limit[u == 0] = np.inf
        return float(limit.min(initial=np.inf))

    def hessian(
        self, y: np.ndarray, theta: np.ndarray, weight: np.ndarray
    ) -> np.ndarray:
        """Return ``weight_i *`` the second derivative, from the residuals."""
        u = np.divide(theta, weight, out=np.zeros_like(theta), where=weight > 0)
        return weight * self.second_derivative(y, u)


def task_sums(values: np.ndarray, task_ptr: np.ndarray) -> np.ndarray:
    """Return the sum over each task of a flat array, (n_tasks,)."""
    out = np.zeros(task_ptr.size - 1)
    filled = np.diff(task_ptr) > 0
    if filled.any():
        out[filled] = np.add.reduceat(values, task_ptr[:-1][filled])
    return out
