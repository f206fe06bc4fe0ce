"""Fitted models as JSON, which holds numbers and names and no code."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from linmtl.export._loaded import (
    LoadedClassifier,
    LoadedMixedTaskEstimator,
    LoadedOrdinalClassifier,
    LoadedRegressor,
)
from linmtl.export._model import LinearModel, read_model, unpacked, without_target
from linmtl.export._steps import STEPS, read_step, written_step
from linmtl.export._values import as_names, names_of, numbers, plain, read, written
from linmtl.losses import LOSSES, Cox, Loss, MixedLoss, Ordinal
from linmtl.version import __version__

_FORMAT = "linmtl model"
_VERSION = 1
_DAMAGES = AttributeError, LookupError, OverflowError, TypeError, ValueError


def to_json(estimator: Any) -> str:
    """Write what predictions need of a fitted model as JSON.

    Parameters
    ----------
    estimator : estimator or Pipeline
        A fitted model of linmtl whose predictions are a function of ``x . w_t + b_t``:
        any penalty, with cross-validation or without, mixed effects, the baselines,
        `AutoRegressor`, thresholds, `SafeTransfer` and the like; or a fitted Pipeline
        of `TableEncoder`, `SimpleImputer`, `StandardScaler`, `TaskScaler`,
        `SelectFeatures` and such a model; a scaler within the tasks needs a
        ``task_column``. A `TransformedTargetRegressor` may standardise the target, by
        `StandardScaler` or `TargetScaler`.

    Returns
    -------
    str
        A JSON object; ``docs/export.md`` describes its entries, and a predictor of 30
        lines that reads it with NumPy alone.

    Raises
    ------
    TypeError
        If the predictions are not those of a linear model for each task.
    ValueError
        If the model has an offset, and two classes in another order than their labels.
    sklearn.exceptions.NotFittedError
        If it was not fitted.

    See Also
    --------
    from_json : The model again.
    to_onnx : A graph of ONNX.

    Notes
    -----
    Parameters, certificates, standard errors and paths are not kept; pickle does that.

    Examples
    --------
    >>> from linmtl import L21Regressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.export import from_json, to_json
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> text = to_json(L21Regressor(0.1).fit(X, y, tasks))
    >>> from_json(text).predict(X[:2], tasks[:2]).shape
    (2,)
    """
    whole, target = without_target(estimator)
    scalers, step, inner = unpacked(whole, STEPS)
    if target is None:
        inner, target = without_target(inner)
    model = replace(read_model(inner), target=target)
    content: dict[str, Any] = {
        "format": _FORMAT,
        "format_version": _VERSION,
        "linmtl": __version__,
        "estimator": model.estimator,
        "kind": "regressor" if model.classes is None else "classifier",
        "layout": model.layout,
        **_of_losses(model),
        "task_column": plain(model.task_column),
        "n_features_in": int(model.n_features_in),
        "feature_names_in": names_of(model.names_in),
        "coef_feature_names": names_of(model.names),
        "tasks": written(model.tasks),
        "coef": written(model.coef),
        "intercept": numbers(model.intercept),
        "feature_mask": plain(model.present),
        "handle_unknown": model.handle_unknown,
        "offset": model.has_offset,
        "consensus": None,
        "tasks_without_rows": None,
        "classes": None if model.classes is None else written(model.classes),
        "cuts": None if model.cuts is None else model.cuts.tolist(),
        "thresholds": None,
        "class_order": None,
        "task_classes": None,
        "target": None,
        "step": step,
        "scalers": [written_step(name, scaler) for name, scaler in scalers],
    }
    if model.consensus is not None:
        coef, intercept = model.consensus
        parts = {"coef": coef, "intercept": intercept}
        content["consensus"] = {name: numbers(part) for name, part in parts.items()}
    if model.target is not None:
        scale, mean = map(plain, model.target)
        content["target"] = {"scale": scale, "mean": mean}
    if model.rank is not None:
        content["thresholds"] = numbers(model.thresholds)
        content["class_order"] = model.rank.tolist()
    if model.task_classes is not None:
        content["task_classes"] = [
            None if known is None else written(known) for known in model.task_classes
        ]
    if model.without_rows[0].size:
        names = "tasks", "coef", "intercept"
        parts = map(written, model.without_rows)
        content["tasks_without_rows"] = dict(zip(names, parts, strict=True))
    return json.dumps(content, allow_nan=False)


def from_json(text: str | bytes) -> Any:
    """Return the model that :func:`to_json` has written.

    Parameters
    ----------
    text : str or bytes
        The JSON object.

    Returns
    -------
    estimator or Pipeline
        A `LoadedRegressor`, `LoadedClassifier`, `LoadedOrdinalClassifier` or
        `LoadedMixedTaskEstimator` with the predictions of the one written, to the bit;
        behind its scalers where it was written with some.

    Raises
    ------
    ValueError
        If the text is no such object, is damaged, or has a format that this version of
        linmtl does not know.

    See Also
    --------
    to_json : Writes it.

    Examples
    --------
    >>> from linmtl.export import from_json
    >>> from_json('{"format": "linmtl model", "format_version": 9, "linmtl": "7.0"}')
    Traceback (most recent call last):
        ...
    ValueError: the model has version 9 of the format, by linmtl 7.0; this is linmtl \
..., which reads version 1: update linmtl, or write the model with an older one
    """
    try:
        content = json.loads(text)
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"this is no JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError("this is JSON, but no model written by linmtl.export.to_json")
    version = content.get("format_version")
    if version != _VERSION:
        raise ValueError(
            f"the model has version {version} of the format, by linmtl "
            f"{content.get('linmtl')}; this is linmtl {__version__}, which reads "
            f"version {_VERSION}: update linmtl, or write the model with an older one"
        )
    try:
        model = _model(content)
        steps = [(entry["step"], read_step(entry)) for entry in content["scalers"]]
        last = content["step"]
    except _DAMAGES as error:
        missing = "it has no " if isinstance(error, KeyError) else ""
        raise ValueError(f"the model is damaged: {missing}{error}") from None
    kind: Any = LoadedRegressor if model.classes is None else LoadedClassifier
    if model.losses is not None:
        kind = LoadedMixedTaskEstimator
    elif model.thresholds is not None:
        kind = LoadedOrdinalClassifier
    loaded = kind(
        model.estimator,
        task_column=model.task_column,
        handle_unknown=content["handle_unknown"],
    )
    loaded._set(model)
    if last is None:
        return loaded
    return Pipeline([*steps, (last, loaded)])


def _model(content: dict[str, Any]) -> LinearModel:
    tasks, coef = read(content["tasks"]), read(content["coef"])
    intercept: Any = content["intercept"]
    if isinstance(intercept, list):
        intercept = np.array(intercept, dtype=float)
    consensus = content["consensus"]
    if consensus is not None:
        w = np.array(consensus["coef"], dtype=float)
        b = np.array(consensus["intercept"], dtype=float)
        consensus = w, b if b.ndim else float(b)
    more = content["tasks_without_rows"]
    if more is None:
        without_rows = tasks[:0], coef[:0], np.empty(0)
    else:
        parts = [read(more[name]) for name in ("tasks", "coef", "intercept")]
        without_rows = parts[0], parts[1], parts[2]
    cuts, classes = content["cuts"], content["classes"]
    present = content.get("feature_mask")
    thresholds, of_tasks = content.get("thresholds"), content.get("task_classes")
    if of_tasks is not None:
        of_tasks = [None if known is None else read(known) for known in of_tasks]
    model = LinearModel(
        content["estimator"],
        content["layout"],
        _read_loss(content["loss"], content["loss_parameters"], classes),
        tasks,
        coef,
        intercept,
        consensus,
        without_rows,
        None if cuts is None else np.array(cuts, dtype=float),
        None if classes is None else read(classes),
        content["handle_unknown"],
        content["task_column"],
        content["n_features_in"],
        as_names(content["feature_names_in"]),
        as_names(content["coef_feature_names"]),
        None if present is None else np.array(present, dtype=bool),
        None if thresholds is None else np.array(thresholds, dtype=float),
        None if thresholds is None else np.array(content["class_order"], dtype=int),
        of_tasks,
        bool(content["offset"]),
        _read_target(content["target"]),
    )
    _check(model)
    return model


def _check(model: LinearModel) -> None:
    """Raise where numbers do not fit together, or words are not known."""
    if model.layout not in ("long", "wide", "single"):
        raise ValueError(f"the layout {model.layout!r} is not known")
    if model.handle_unknown not in ("error", "mean"):
        raise ValueError(f"handle_unknown is {model.handle_unknown!r}")
    classes, (T, *K, d) = model.classes, model.coef_by_task.shape
    n_classes = [model.n_classes] if model.by_class else []
    losses, order = model.losses, np.arange(model.n_classes)
    labels, coef, intercept = model.without_rows
    fits = {
        "coef": len(model.tasks) == T and n_classes == K,
        "intercept": np.size(model.intercept) == T * math.prod(K),
        "consensus": (
            not model.has_mean
            if model.consensus is None
            else [np.shape(part) for part in model.consensus] == [(*K, d), (*K,)]
        ),
        "tasks_without_rows": len(labels) == len(intercept)
        and (not len(labels) or coef.shape == (len(labels), d)),
        "feature_mask": model.present is None
        or (len(model.present) <= T and model.present.shape[1:] == (d,)),
        "cuts": model.cuts is None or model.cuts.shape == (T + 1, *K),
        "loss": losses is None or len(losses) == T,
        "thresholds": model.thresholds is None
        or model.thresholds.shape == (T, model.n_classes - 1),
        "class_order": model.rank is None or np.array_equal(np.sort(model.rank), order),
        "task_classes": (model.task_classes is None) == (losses is None)
        and len(model.task_classes or model.tasks) == T,
        "target": _fits_target(model),
        "classes": classes is None or (classes.ndim == 1 and classes.size >= 2),
        "n_features_in": model.n_features_in == d + (model.task_column is not None),
    }
    wrong = [name for name, fine in fits.items() if not fine]
    if wrong:
        raise ValueError(f"{wrong[0]} does not fit {T} tasks and {d} features")


def _read_target(entry: Any) -> Any:
    if entry is None:
        return None
    parts = entry["scale"], entry["mean"]
    return tuple(p if p is None else np.array(p, dtype=float) for p in parts)


def _fits_target(model: LinearModel) -> bool:
    """Whether there is one number, or one for each task of a wide Y."""
    if model.target is None:
        return True
    sizes = {part.shape for part in model.target if part is not None}
    allowed = {(1,)} | ({(len(model.tasks),)} if model.layout == "wide" else set())
    numbers_alone = model.classes is None and model.losses is None
    return numbers_alone and len(sizes) <= 1 and sizes <= allowed


def _of_losses(model: LinearModel) -> dict[str, Any]:
    """Return what is written of the loss; of tasks of different kinds in lists."""
    losses = model.losses or [model.loss]
    written = {
        "link": [loss.link for loss in losses],
        "loss": [loss.name for loss in losses],
        "loss_parameters": [loss.settings() if loss.of_rows else {} for loss in losses],
    }
    one = model.losses is None
    return {name: each[0] if one else each for name, each in written.items()}


def _read_loss(name: Any, settings: Any, classes: Any) -> Loss:
    if isinstance(name, list):
        pairs = zip(name, settings, strict=True)
        each = [_read_loss(*pair, classes) for pair in pairs]
        return MixedLoss(each, np.arange(len(each)))
    if name == Ordinal.name:
        return Ordinal(len(classes["values"]))
    if name == Cox.name:
        return Cox()
    if name not in LOSSES:
        raise ValueError(f"the loss {name!r} is not known")
    try:
        return LOSSES[name].of(SimpleNamespace(**settings))
    except AttributeError as error:
        raise KeyError(error.name) from None
