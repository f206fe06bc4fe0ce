"""What predictions need of a fitted model, and of the scalers before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from linmtl.data._labels import is_missing
from linmtl.estimators import TaskThresholdClassifier
from linmtl.estimators._answers import PredictsKinds, PredictsOrder
from linmtl.estimators._task_model import TaskModel
from linmtl.losses import Logistic, Loss, MixedLoss
from linmtl.preprocessing import TargetScaler, TaskScaler

TARGET_STEPS = (StandardScaler, TargetScaler)  # of a TransformedTargetRegressor
GRAPH_STEPS = (SimpleImputer, StandardScaler, TaskScaler)  # of numbers to as many


@dataclass(frozen=True, eq=False, repr=False)
class LinearModel:
    """A linear predictor for each task.

    Attributes
    ----------
    estimator : str
        The class of the estimator.
    layout : {"long", "wide", "single"}
        How the tasks were passed to `fit`.
    loss : Loss
        Of which the link is used, and of classifiers whether they know probabilities.
    tasks : ndarray of shape (n_tasks,)
        Labels.
    coef, intercept : ndarray
        As the estimator has them; NaN for classes that a task does not have.
    consensus : tuple of ndarray and float (of several classes ndarray), or None
        Coefficients and intercept of tasks that are not known; None without tasks.
    without_rows : tuple of ndarray
        Labels, coefficients and intercepts of tasks that are known by their numbers.
    cuts : ndarray of shape (n_tasks + 1,) or (n_tasks + 1, n_classes), or None
        Log-odds above which the second class is predicted, the last for other tasks.
    classes : ndarray of shape (n_classes,) or None
        Of a classifier.
    handle_unknown : {"error", "mean"}
        What is done with tasks that are not known.
    task_column : str, int or None
        The column of X with the labels.
    n_features_in : int
        Columns of X.
    names_in, names : ndarray or None
        Names of the columns of X, and of the coefficients.
    present : ndarray of bool of shape (n_tasks_in_fit, n_features) or None
        Which features each task has; None where all have all, as tasks learned later.
    thresholds : ndarray of shape (n_tasks, n_classes - 1) or None
        Between classes that have an order.
    rank : ndarray of int of shape (n_classes,) or None
        Positions of the classes from the lowest to the highest, where there are
        thresholds.
    task_classes : list of ndarray or None, or None
        The two classes of each task that has some, where tasks are of different kinds.
    has_offset : bool
        Whether rows have a known part of the linear predictor.
    target : tuple of ndarray or None, or None
        What predictions are multiplied by, and what is added then, one number or one
        for each task of a wide Y; None for what is not done, and for neither.
    """

    estimator: str
    layout: str
    loss: Loss
    tasks: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray | float
    consensus: tuple[np.ndarray, Any] | None
    without_rows: tuple[np.ndarray, np.ndarray, np.ndarray]
    cuts: np.ndarray | None
    classes: np.ndarray | None
    handle_unknown: str
    task_column: str | int | None
    n_features_in: int
    names_in: np.ndarray | None
    names: np.ndarray | None
    present: np.ndarray | None
    thresholds: np.ndarray | None = None
    rank: np.ndarray | None = None
    task_classes: list[np.ndarray | None] | None = None
    has_offset: bool = False
    target: tuple[np.ndarray | None, np.ndarray | None] | None = None

    @property
    def losses(self) -> list[Loss] | None:
        """The loss of each task, where these are of different kinds."""
        if not isinstance(self.loss, MixedLoss):
            return None
        return [self.loss.of_task(t) for t in range(len(self.tasks))]

    @property
    def has_mean(self) -> bool:
        """Whether there is a model of tasks that are not known."""
        alone = self.losses is not None or self.thresholds is not None
        return self.layout == "long" and not alone

    @property
    def n_classes(self) -> int:
        """How many classes there are, 0 of a regressor."""
        return 0 if self.classes is None else self.classes.size

    @property
    def several(self) -> bool:
        """Whether there are more than two classes."""
        return self.n_classes > 2

    @property
    def by_class(self) -> bool:
        """Whether each class of a task has coefficients, which have an axis for it."""
        return self.several and self.thresholds is None

    @property
    def coef_by_task(self) -> np.ndarray:
        """Coefficients whose first axis is the tasks, also of one."""
        flat = self.coef.ndim == (2 if self.by_class else 1)
        return self.coef[None] if flat else self.coef

    @property
    def n_features(self) -> int:
        return self.coef.shape[-1]


def read_model(estimator: Any) -> LinearModel:
    """Return the linear model that an estimator has found."""
    kind, cuts = type(estimator).__name__, None
    model: Any = estimator
    if isinstance(estimator, TaskThresholdClassifier):
        check_is_fitted(model)
        cuts, model = model._cuts, model.estimator_
    if not isinstance(model, TaskModel):
        raise TypeError(_not_linear(estimator))
    check_is_fitted(model)
    long = model._layout == "long"
    new = model._without_rows() if long else model.tasks_[:0]
    coef, intercept = np.empty((0, np.shape(model.coef_)[-1])), np.empty(0)
    if new.size:
        coef, intercept = model._of_numbers(new)
    loss, W, b = model._loss(), np.asarray(model.coef_), model.intercept_
    sign = 1.0
    of_model: dict[str, Any] = {}
    if isinstance(model, PredictsOrder) and model._several:
        of_model = {"thresholds": model.thresholds_, "rank": np.argsort(model._place)}
    elif isinstance(model, PredictsOrder):
        loss, sign = Logistic(), 1.0 if model._place[0] == 0 else -1.0
        if sign < 0 and model._has_offset:
            raise ValueError(
                f"{kind}: a model with an offset is not exported where the order of "
                "its two classes is not that of their labels"
            )
    elif isinstance(model, PredictsKinds):
        loss, classes = model._mixed, model.task_classes_
        of_model = {"task_classes": [classes.get(t) for t in model.tasks_.tolist()]}
    consensus = None
    if long and not of_model:
        w, level = model._consensus()
        consensus = sign * np.asarray(w, dtype=float), sign * level
    return LinearModel(
        kind,
        model._layout,
        loss,
        model.tasks_,
        W if sign > 0 else -W,
        b if sign > 0 else -b,
        consensus,
        (new, coef, intercept),
        cuts,
        getattr(model, "_all_classes", None),
        model.handle_unknown,
        model.task_column,
        model.n_features_in_,
        getattr(model, "feature_names_in_", None),
        getattr(model, "coef_feature_names_", None),
        getattr(model, "feature_mask_", None),
        **of_model,
        has_offset=model._has_offset,
    )


def _not_linear(estimator: Any) -> str:
    text = (
        f"{type(estimator).__name__} is no model of linmtl with linear predictions; "
        "pass a fitted estimator, or a Pipeline of scalers and one"
    )
    for inner, what in (
        ("best_estimator_", "the best model of a search"),
        ("estimator_", "the model inside"),
        ("regressor_", "the model inside"),
        ("to_local", "the local model"),
    ):
        if hasattr(estimator, inner):
            call = "()" if inner == "to_local" else ""
            return f"{text}, such as {what}, .{inner}{call}"
    return text


def shift_and_scale(scaler: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return what a scaler subtracts and what it divides by, None for nothing."""
    return (
        scaler.mean_ if scaler.with_mean else None,
        scaler.scale_ if scaler.with_std else None,
    )


def filling(step: Any) -> np.ndarray | None:
    """Return what a step fills in for missing values, None for a scaler."""
    return step.statistics_ if isinstance(step, SimpleImputer) else None


def without_target(
    estimator: Any,
) -> tuple[Any, tuple[np.ndarray | None, np.ndarray | None] | None]:
    """Return the model inside a `TransformedTargetRegressor`, and its `target`.

    Of any other estimator itself, and None.
    """
    if not isinstance(estimator, TransformedTargetRegressor):
        return estimator, None
    check_is_fitted(estimator)
    transformer = estimator.transformer_
    if type(transformer) not in TARGET_STEPS:
        raise TypeError(
            "the transformer of the TransformedTargetRegressor is a "
            f"{type(transformer).__name__}; those that can be exported are "
            f"{', '.join(kind.__name__ for kind in TARGET_STEPS)}: export its "
            "regressor_, and undo the transformation where it predicts"
        )
    mean, scale = shift_and_scale(transformer)
    return estimator.regressor_, (scale, mean)


def unpacked(
    estimator: Any, allowed: tuple[type, ...]
) -> tuple[list[tuple[str, Any]], str | None, Any]:
    """Return the steps of a pipeline, by name, the name of its model, and the model.

    Of an estimator by itself no steps and no name.

    Parameters
    ----------
    estimator : estimator or Pipeline
        What is exported.
    allowed : tuple of type
        The steps that there may be.
    """
    if not isinstance(estimator, Pipeline):
        return [], None, estimator
    *before, (name, model) = estimator.steps
    scalers = []
    for step, scaler in before:
        if scaler is None or isinstance(scaler, str):  # "passthrough"
            continue
        # within tasks, those have to be known to the step
        within = isinstance(scaler, TaskScaler) and scaler.within_task
        within = within and (allowed == GRAPH_STEPS or scaler.task_column is None)
        if within or type(scaler) not in allowed:
            kind = type(scaler).__name__ + "(within_task=True)" * within
            if within and allowed != GRAPH_STEPS:
                kind += " without a task_column"
            advice = "export the model alone"
            if not type(scaler).__module__.startswith("linmtl."):
                advice += (
                    ", or convert the Pipeline with skl2onnx after "
                    "linmtl.export.register_onnx()"
                )
            raise TypeError(
                f"the step {step!r} of the Pipeline is a {kind}; those that can be "
                f"exported are {', '.join(kind.__name__ for kind in allowed)}"
                f"{', over all rows' * (allowed == GRAPH_STEPS)}: {advice}"
            )
        check_is_fitted(scaler)
        if type(scaler) is SimpleImputer:
            _check_imputer(step, scaler)
        scalers.append((step, scaler))
    return scalers, name, model


def _check_imputer(name: str, step: Any) -> None:
    numbers = step.statistics_.dtype.kind in "iuf"
    if step.add_indicator or not (numbers and np.isfinite(step.statistics_).all()):
        raise TypeError(
            f"the step {name!r} of the Pipeline is a SimpleImputer that drops or adds "
            "columns, or holds text: export one that fills numbers in"
        )
    if not is_missing(step.missing_values):
        raise TypeError(f"the step {name!r} of the Pipeline replaces other than NaN")
