"""Parameters of penalties: their names, their checks, strengths by feature."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._checks import is_number
from linmtl.data._kinds import by_label

# The strength on what is left out: as good as infinite, but zero times it is zero.
EXCLUDED = 1e150

_P = TypeVar("_P")


def strength_names(penalty: Any) -> list[str]:
    """Return the names of the strengths among the parameters of a penalty."""
    names = _parameter_names(type(penalty))
    return [name for name in names if name == "alpha" or name.startswith("alpha_")]


def with_alpha(penalty: _P, alpha: float) -> _P:
    """Return a penalty with another ``alpha``."""
    names = _parameter_names(type(penalty))
    parameters = {name: getattr(penalty, name) for name in names}
    return type(penalty)(**{**parameters, "alpha": alpha})


def with_features(penalty: _P, features: np.ndarray) -> _P:
    """Return a penalty with the weights of some features (mask or positions) only."""
    names = _parameter_names(type(penalty))
    parameters = {name: getattr(penalty, name) for name in names}
    weight = parameters["feature_weight"]
    if weight is not None:
        parameters["feature_weight"] = np.asarray(weight, dtype=float)[features]
    return type(penalty)(**parameters)


@cache  # a path asks for every strength, and to read a signature takes long
def _parameter_names(kind: type) -> tuple[str, ...]:
    parameters = inspect.signature(kind).parameters.values()
    named = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    return tuple(sorted(named))


def check_strength(penalty: Any, name: str) -> None:
    """Check that a parameter of a penalty is a finite number >= 0."""
    value = getattr(penalty, name)
    if not is_number(value):
        search = "; Auto... and models ...CV choose it" if value == "cv" else ""
        raise TypeError(
            f"{type(penalty).__name__}: {name} must be a number >= 0, got {value!r}"
            f"{search}"
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


def check_positive(penalty: Any) -> None:
    """Check that ``positive`` is a truth value: "False", for one, is not."""
    if not isinstance(penalty.positive, (bool, np.bool_)):
        raise TypeError(
            f"{type(penalty).__name__}: positive must be True or False, "
            f"got {penalty.positive!r}"
        )


def check_feature_weight(
    penalty: Any, n_features: int, excludes: bool = True, n_tasks: int | None = None
) -> None:
    """Check that the feature weights, if any, are >= 0 and as many as rows.

    Infinity is allowed where it ``excludes`` a feature. Where ``n_tasks`` is given, so
    is a weight for each task, zero for all tasks of a feature or for none.
    """
    if penalty.feature_weight is None:
        return
    name = type(penalty).__name__
    try:
        weight = np.asarray(penalty.feature_weight, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name}: feature_weight must be numbers, one per column of coef_, got "
            f"{penalty.feature_weight!r}"
        ) from None
    if n_tasks is not None and weight.ndim == 2:
        if weight.shape != (n_features, n_tasks):
            raise ValueError(
                f"{name}: feature_weight has shape {weight.shape} but there are "
                f"{n_features} features and {n_tasks} tasks; pass one row per feature "
                "and one column per task, in the order of tasks_"
            )
        check_weights(weight, f"{name}: feature_weight", "feature")
        zero = weight == 0
        if np.any(zero.any(axis=1) & ~zero.all(axis=1)):
            raise ValueError(
                f"{name}: feature_weight is zero for some tasks of a feature only; "
                "leave a feature unpenalised for all tasks, or give small weights"
            )
        return
    if weight.shape != (n_features,):
        raise ValueError(
            f"{name}: feature_weight has shape {weight.shape} but there are "
            f"{n_features} features; pass one weight per column of coef_"
        )
    if not (excludes or np.all(np.isfinite(weight))):
        raise ValueError(f"{name}: feature_weight must be finite and >= 0")
    check_weights(weight, f"{name}: feature_weight", "feature")


def check_weights(weight: np.ndarray, name: str, what: str) -> None:
    """Check that factors on strengths are >= 0."""
    if not np.all(weight >= 0):  # nor NaN
        raise ValueError(
            f"{name} must be >= 0 (0 leaves a {what} unpenalised, infinity leaves it "
            "out)"
        )


def is_positive(value: Any) -> bool:
    """Whether a parameter, not yet checked, is a number > 0."""
    return is_number(value) and value > 0


def check_intercept_weight(penalty: Any) -> None:
    """Check that the factor on the strength of the intercepts is a number >= 0."""
    weight, name = penalty.intercept_weight, type(penalty).__name__
    if not is_number(weight):
        raise TypeError(
            f"{name}: intercept_weight must be a number >= 0, got {weight!r}"
        )
    if not weight >= 0:
        raise ValueError(
            f"{name}: intercept_weight must be >= 0 (0 leaves intercepts free), got "
            f"{weight!r}"
        )


def check_free_intercepts(penalty: Any) -> None:
    """Check that intercepts are free, as those of more than two classes must be."""
    if penalty.intercept_weight:
        raise ValueError(
            f"{type(penalty).__name__}: intercept_weight is for two classes; set it "
            "to 0"
        )


def factors(feature_weight: ArrayLike | None) -> np.ndarray:
    """Return weights as numbers, a single one where there are none."""
    return np.asarray(1.0 if feature_weight is None else feature_weight, dtype=float)


def per_task(
    values: ArrayLike | Mapping[Any, float], tasks: np.ndarray, name: str
) -> np.ndarray:
    """Return values as numbers, those by label in the order of the tasks."""
    if not isinstance(values, Mapping):
        return np.asarray(values, dtype=float)
    labels, known = np.asarray(tasks).tolist(), by_label(values)
    missing = [label for label in labels if label not in known]
    if missing:
        raise ValueError(f"{name} has no value for the tasks {missing[:5]}")
    return np.array([known[label] for label in labels], dtype=float)


def task_weights(penalty: Any, tasks: np.ndarray) -> np.ndarray:
    """Return the factor on the strength of each task, ones where there are none."""
    if penalty.task_weight is None:
        return np.ones(len(tasks))
    name = f"{type(penalty).__name__}: task_weight"
    return per_task(penalty.task_weight, tasks, name)


def check_task_weight(penalty: Any, tasks: np.ndarray) -> None:
    """Check that the factors on the strengths of tasks are finite and > 0."""
    weight, name = task_weights(penalty, tasks), type(penalty).__name__
    if weight.shape != (len(tasks),):
        raise ValueError(
            f"{name}: task_weight has shape {weight.shape} but there are {len(tasks)} "
            "tasks; pass one value per task, or a dict by task label"
        )
    if not (np.all(np.isfinite(weight)) and np.all(weight > 0)):
        raise ValueError(f"{name}: every task_weight must be a finite number > 0")


def times(alpha: float, weight: ArrayLike) -> np.ndarray:
    """Return ``alpha * weight``, where zero times infinity is zero."""
    weight = np.asarray(weight, dtype=float)
    return alpha * weight if alpha else np.zeros_like(weight)


def weighted(alpha: float, weight: np.ndarray) -> np.ndarray:
    """Return ``alpha * weight``, and `EXCLUDED` where a weight is infinite."""
    infinite = np.isinf(weight)
    if not infinite.any():
        return alpha * weight
    return np.where(infinite, EXCLUDED, alpha * np.where(infinite, 0.0, weight))


def row_strength(penalty: Any, n_features: int) -> np.ndarray:
    """Return ``alpha * feature_weight`` as an array of shape (n_features,)."""
    if penalty.feature_weight is None:
        return np.full(n_features, float(penalty.alpha))
    weight = np.asarray(penalty.feature_weight, dtype=float)
    if weight.ndim == 2:
        raise ValueError(
            f"{type(penalty).__name__}: feature_weight for each task goes with "
            "quadratic penalties only, not with another norm"
        )
    return weighted(penalty.alpha, weight)


def row_steps(step: float | np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Return the step of each row, positive where a feature is left out."""
    step = np.asarray(step, dtype=float)
    if step.shape != strength.shape:
        step = np.full(strength.shape, step)
    if strength.max(initial=0.0) >= EXCLUDED:
        step = np.where(strength >= EXCLUDED, np.maximum(step, 1.0), step)
    return np.ascontiguousarray(step)
