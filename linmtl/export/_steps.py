"""The steps of a pipeline before its model, written and read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from linmtl.export._model import shift_and_scale
from linmtl.export._values import as_names, names_of, numbers, plain, read, written
from linmtl.preprocessing import SelectFeatures, TableEncoder, TaskScaler

Entry = dict[str, Any]


class _Kind(NamedTuple):
    step: type
    write: Callable[[Any], Entry]  # what its `transform` needs
    read: Callable[[Entry], Any]


def written_step(name: str, step: Any) -> Entry:
    """Return a fitted step, called ``name``, as lists, dicts, numbers and text."""
    kind = type(step).__name__
    output = getattr(step, "_sklearn_output_config", {}).get("transform")
    entry: Entry = {
        "step": name,
        "kind": kind,
        "n_features_in": int(step.n_features_in_),
        "feature_names_in": names_of(getattr(step, "feature_names_in_", None)),
    }
    if output is not None:
        entry["output"] = output
    return entry | _KINDS[kind].write(step)


def read_step(entry: Entry) -> Any:
    """Return the step of an entry, which transforms as the one written did."""
    kind = entry["kind"]
    if kind not in _KINDS:
        raise ValueError(f"the step {kind!r} is not known")
    step = _KINDS[kind].read(entry)
    if entry["feature_names_in"] is not None:
        step.feature_names_in_ = as_names(entry["feature_names_in"])
    if "output" in entry:
        step.set_output(transform=entry["output"])
    return step


def _write_imputer(step: Any) -> Entry:
    return {"fill": step.statistics_.tolist()}


def _read_imputer(entry: Entry) -> Any:
    fill = np.array(entry["fill"], dtype=float)
    if fill.shape != (entry["n_features_in"],):
        raise ValueError(f"the imputer does not fit {entry['n_features_in']} features")
    return SimpleImputer(strategy="median").fit(fill[None])


def _write_scaler(step: Any) -> Entry:
    mean, scale = shift_and_scale(step)
    return {
        "mean": plain(mean),
        "scale": plain(scale),
        "task_column": plain(getattr(step, "task_column", None)),
    }


def _write_task_scaler(step: Any) -> Entry:
    entry = _write_scaler(step)
    if not step.within_task:
        return entry
    return entry | {
        "tasks": written(step.tasks_),
        "pooled_mean": plain(step.pooled_mean_),
        "pooled_scale": plain(step.pooled_scale_),
        "handle_unknown": step.handle_unknown,
    }


def _read_scaler(entry: Entry) -> Any:
    within = "tasks" in entry
    tasks = read(entry["tasks"]) if within else None
    column = entry["task_column"]
    n_features = entry["n_features_in"] - (column is not None)
    # one number would be taken for all features
    shape = (n_features,) if tasks is None else (tasks.size, n_features)
    mean, scale = _shaped(entry, "mean", shape), _shaped(entry, "scale", shape)
    options: dict[str, Any] = {} if column is None else {"task_column": column}
    if within:
        options |= {"within_task": True, "handle_unknown": entry["handle_unknown"]}
    kind: Any = _KINDS[entry["kind"]].step
    scaler = kind(with_mean=mean is not None, with_std=scale is not None, **options)
    scaler.mean_, scaler.scale_ = mean, scale
    if within:
        scaler.tasks_ = tasks
        scaler.mean_ = np.zeros(shape) if mean is None else mean
        scaler.pooled_mean_ = _shaped(entry, "pooled_mean", (n_features,))
        scaler.pooled_scale_ = _shaped(entry, "pooled_scale", (n_features,))
    scaler.n_features_in_ = entry["n_features_in"]
    return scaler


def _shaped(entry: Entry, part: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return an array of an entry, of which the shape is known; None for none."""
    if entry[part] is None:
        return None
    values = np.array(entry[part], dtype=float)
    if values.shape != shape:
        raise ValueError(f"the scaler does not fit {shape[-1]} features")
    return values


def _write_encoder(step: Any) -> Entry:
    parameters = {name: plain(value) for name, value in step.get_params().items()}
    return {"parameters": parameters, "state": step._state()}


def _read_encoder(entry: Entry) -> Any:
    encoder = TableEncoder(**entry["parameters"])
    names = as_names(entry["feature_names_in"])
    encoder._set_state(entry["state"], entry["n_features_in"], names)
    return encoder


def _write_selection(step: Any) -> Entry:
    return {
        "scores": numbers(step.scores_),
        "threshold": float(step.threshold_),
        "max_features": plain(step.max_features),
        "task_place": plain(step._task),
    }


def _read_selection(entry: Entry) -> Any:
    selector = SelectFeatures(
        None, threshold=entry["threshold"], max_features=entry["max_features"]
    )
    scores, task = np.array(entry["scores"], dtype=float), entry["task_place"]
    if scores.shape != (entry["n_features_in"] - (task is not None),):
        raise ValueError(f"the selection does not fit {entry['n_features_in']} columns")
    selector.scores_, selector.threshold_ = scores, float(entry["threshold"])
    selector._task, selector.n_features_in_ = task, entry["n_features_in"]
    return selector


_KINDS = {
    kind.step.__name__: kind
    for kind in (
        _Kind(TableEncoder, _write_encoder, _read_encoder),
        _Kind(SimpleImputer, _write_imputer, _read_imputer),
        _Kind(StandardScaler, _write_scaler, _read_scaler),
        _Kind(TaskScaler, _write_task_scaler, _read_scaler),
        _Kind(SelectFeatures, _write_selection, _read_selection),
    )
}
STEPS = tuple(kind.step for kind in _KINDS.values())  # what can be written
