"""Multi-task models against models learned alone, on held-out rows of every task."""

from __future__ import annotations

import math
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linmtl.cli._auto import auto_choice
from linmtl.cli._judge import judged, target_variance
from linmtl.cli._models import (
    DEFAULT_MODELS,
    KINDS,
    check_models,
    fit,
    make_model,
    make_null_model,
    without_what_fails,
)
from linmtl.cli._prepare import Split, split_rows
from linmtl.cli._results import Comparison, ModelResult
from linmtl.data._errors import name_list
from linmtl.estimators._task_model import OF_TASKS
from linmtl.losses import Loss
from linmtl.model_selection._grid import OF_SEARCHES
from linmtl.transfer import NegativeTransferReport, negative_transfer_report

_LEVELS = {"squared": "task means", "logistic": "task rates"}  # what has no features
N_REPEATS = 4  # of the report on transfer: partitions into 5 folds


def compare(
    X: ArrayLike,
    y: ArrayLike,
    tasks: ArrayLike,
    *,
    models: Sequence[str] = DEFAULT_MODELS,
    classify: bool = False,
    train_size: float = 0.5,
    random_state: int = 0,
    cv: int = 5,
    feature_names: Sequence[str] | None = None,
    progress: Callable[[str], None] | None = None,
    n_jobs: int | None = None,
    loss: Loss | None = None,
    offset: ArrayLike | None = None,
) -> Comparison:
    """Tune, fit and judge several models on one split of every task's rows.

    Missing features are replaced by the median of the training rows, and features are
    standardised with the training rows. Strengths are chosen by cross-validation within
    the tasks' training rows, as the estimators do it: for "independent" one per task,
    for the others those with the smallest mean of the tasks' held-out losses, on a grid
    that goes on where its end is the best. Every task has an intercept, in the pooled
    model too, but not in "global", which alone uses features with one value per task.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Features; NaN where a value is missing.
    y : array-like of shape (n_samples,)
        Targets; for classification the numbers of the classes, from 0.
    tasks : array-like of shape (n_samples,)
        Task labels.
    models : sequence of str, \
default=("pooled", "independent", "mixed", "mean", "l21", "trace")
        Names from ``linmtl.cli._models.MODELS``. "independent" is added if not there.
        Of the default ones "mixed" is left out where it would take long, or where there
        are more than two classes.
    classify : bool, default=False
        Whether to use the logistic loss, multinomial of more than two classes.
    train_size : float, default=0.5
        Fraction of each task's rows for training.
    random_state : int, default=0
        Seed of the split.
    cv : int, default=5
        Folds, fewer where most tasks have fewer training rows.
    feature_names : sequence of str, default=None
        Names of the columns of X.
    progress : callable, default=None
        Called with a line of text at each step.
    n_jobs : int, default=None
        Folds fitted at the same time, through joblib.
    loss : Loss, default=None
        What models are fitted by and judged; by default the squared loss, or the
        logistic one of classes. Models that do not take it are left out.
    offset : array-like of shape (n_samples,), default=None
        A known part of the linear predictor of each row.

    Returns
    -------
    Comparison
        The results, task by task.

    Raises
    ------
    InputError
        If an argument is not allowed; a ValueError with a message of one line.
    """
    names = check_models(models)
    data = split_rows(
        X,
        y,
        tasks,
        classify=classify,
        train_size=train_size,
        random_state=random_state,
        cv=cv,
        feature_names=feature_names,
        loss=loss,
        offset=offset,
    )
    loss = data.loss
    variance = target_variance(data, classify)
    notes = list(data.notes)
    if data.level_names:
        notes.append(_note_on_levels(data.level_names, "global" in names))
    if data.offset_test is not None or loss.name not in ("squared", "logistic"):
        notes.append(_note_on_loss(loss))
    default, n_features = tuple(models) == DEFAULT_MODELS, len(data.feature_names)
    names, left_out = without_what_fails(
        names, default, loss, data.n_classes, n_features
    )
    notes += left_out
    results = []
    for i, name in enumerate(names):
        step = f"model {i + 1} of {len(names)}: {KINDS[name].label}"
        say = None if progress is None else lambda text, s=step: progress(s + text)
        results.append(_run(name, data, variance, classify, say, notes, n_jobs))
    return Comparison(
        classify,
        data.tasks,
        data.n_train,
        data.n_test,
        variance,
        data.feature_names,
        tuple(results),
        _levels(data, variance, classify),
        float(train_size),
        random_state,
        data.cv,
        notes,
        data,
        auto_choice(results, data, variance, classify, random_state),
        loss,
    )


def _note_on_loss(loss: Loss) -> str:
    settings = "".join(f", {n} = {value:g}" for n, value in loss.settings().items())
    return f"fitted and judged by the {loss.score.name} (loss {loss.name}{settings})"


def _note_on_levels(names: Sequence[str], used: bool) -> str:
    who = "only the model 'global', which has none, uses them"
    if not used:
        who = "the model 'global', which has none, would use them (--models)"
    return (
        f"one value per task in training: {name_list(names)}; an intercept for each "
        f"task says as much, {who}"
    )


def transfer_report(
    comparison: Comparison, *, n_repeats: int = N_REPEATS, n_jobs: int | None = None
) -> NegativeTransferReport | None:
    """Say which tasks the best model that shares helps and hurts, with uncertainty.

    All rows are held out in turn, a fifth at a time, those of the comparison's training
    part too. Strengths are chosen anew for each fold, by the others, that of the model
    which shares and of the pooled one on a coarser grid than there.

    Parameters
    ----------
    comparison : Comparison
        What :func:`compare` found.
    n_repeats : int, default=4
        Partitions of the rows into five folds.
    n_jobs : int, default=None
        Partitions computed at the same time.

    Returns
    -------
    NegativeTransferReport or None
        None where no model shares, or where a single task is left.
    """
    best, data = comparison.sharing, comparison.data
    if best is None or len(comparison.tasks) < 2:
        return None
    models = {
        name: make_model(name, data.loss, data.cv, coarse=True)
        for name in (best.name, "pooled")
    }
    X = np.concatenate(data.features(KINDS[best.name].one_intercept))
    y = np.concatenate([data.y_train, data.y_test])
    tasks = np.concatenate([data.tasks_train, data.tasks_test])
    offset = None
    if data.offset_train is not None:
        offset = np.concatenate([data.offset_train, data.offset_of_test])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said already, of the same model
        report = negative_transfer_report(
            models[best.name],
            X,
            y,
            tasks,
            offset=offset,
            pooled=models["pooled"],
            cv=5,
            n_repeats=n_repeats,
            random_state=comparison.random_state,
            n_jobs=n_jobs,
        )
    return replace(report, model=best.estimator)


def _run(
    name: str,
    data: Split,
    variance: np.ndarray,
    classify: bool,
    progress: Callable[[str], None] | None,
    notes: list[str],
    n_jobs: int | None,
) -> ModelResult:
    """Tune, fit and judge one model."""
    kind = KINDS[name]
    model = make_model(name, data.loss, data.cv, n_jobs=n_jobs)
    start = time.perf_counter()
    if progress is not None:
        progress("")
        if kind.by_folds:
            model._progress = _fold_counter(progress, data.cv)
    X_train, _ = data.features(kind.one_intercept)
    rows = X_train, data.y_train, data.tasks_train
    at_end, caught = fit(model, rows, data.offset_train)
    seconds = time.perf_counter() - start
    for warning in caught:
        text = str(warning.message)
        if not re.match(f"{OF_TASKS}|{OF_SEARCHES}", text):  # said already
            notes.append(f"{kind.label}: {text}")
    return ModelResult(
        name=name,
        label=kind.label,
        shares=kind.shares,
        estimator=type(model).__name__.strip("_").removesuffix("CV"),
        alpha=getattr(model, "alpha_", math.nan),
        second={} if kind.second is None else _chosen(model, kind.second),
        at_end=at_end,
        seconds=seconds,
        **judged(model, data, variance, classify, kind.one_intercept),
    )


def _chosen(model: Any, name: str) -> dict[str, float]:
    return {name: model.best_params_[name]}


def _levels(data: Split, variance: np.ndarray, classify: bool) -> ModelResult:
    """Judge what each task predicts without any feature."""
    model = make_null_model(data.loss)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of single classes, which are said already
        rows = data.X_train, data.y_train, data.tasks_train
        model.fit(*rows, offset=data.offset_train)
    return ModelResult(
        name="levels",
        label=_LEVELS.get(data.loss.name, "task levels"),
        shares="",
        estimator="",
        alpha=math.nan,
        second={},
        at_end=False,
        seconds=math.nan,
        **judged(model, data, variance, classify),
    )


def _fold_counter(
    progress: Callable[[str], None], cv: int
) -> Callable[[dict[str, Any]], None]:
    """Return what says after each fold which one it was."""
    done: Counter[str] = Counter()

    def count(setting: dict[str, Any]) -> None:
        at = "".join(f", {name} = {value:g}" for name, value in setting.items())
        progress(f"{at}, fold {done[at] % cv + 1} of {cv}")
        done[at] += 1

    return count
