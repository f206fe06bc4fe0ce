"""Which tasks does sharing help, and which does it hurt?"""

from __future__ import annotations

import warnings
from typing import Any, Literal, NamedTuple

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone

from linmtl.data._checks import check_choice, check_number, is_number
from linmtl.estimators._by_loss import loss_of, loss_told
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._independent import IndependentClassifier, IndependentRegressor
from linmtl.estimators._mixed_tasks import MixedTaskEstimator
from linmtl.estimators._ordinal import OrdinalClassifier
from linmtl.estimators._pooled import PooledClassifierCV, PooledRegressorCV
from linmtl.estimators._task_model import TaskModel, require_task_model
from linmtl.model_selection._held_out import mean_over_folds
from linmtl.model_selection._jobs import run_jobs
from linmtl.transfer._kinds import KindRows, models_of_kinds
from linmtl.transfer._ordered import OrderedRows, models_of_order
from linmtl.transfer._paired import PairedDifferences, compare_losses, compare_rows
from linmtl.transfer._plan import METHODS, Plan, plan_splits
from linmtl.transfer._report import NegativeTransferReport
from linmtl.transfer._rows import Rows, levels_alone

_BASELINES = "alone", "pooled"
_POOLED_ALPHAS = 13  # as many as a task alone tries


def negative_transfer_report(
    estimator: BaseEstimator,
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    baseline: BaseEstimator | None = None,
    pooled: BaseEstimator | None = None,
    cv: Any = None,
    n_repeats: int | None = None,
    groups: ArrayLike | None = None,
    method: Literal["clt", "resampled_t"] = "clt",
    level: float = 0.05,
    margin: float = 0.05,
    random_state: int | None = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> NegativeTransferReport:
    """Say for each task whether learning it with the others helps or hurts it.

    The estimator, every task alone and one model for all are fitted on the same
    training parts and judged on the same held-out rows. For each task the differences
    of the losses are tested, row by row, and the tests of all tasks by the procedure of
    Benjamini and Hochberg.

    Parameters
    ----------
    estimator : estimator
        The model to judge: any of linmtl's, also with cross-validation inside.
    X, y, tasks, sample_weight
        Data in any layout with two tasks or more, as for the estimators.
    offset : float or array-like of shape (n_samples,) or of y's shape, default=None
        A known part of the linear predictor, for all models, as for the estimators.
    baseline : estimator, default=None
        The model of every task alone; by default ``IndependentRegressor(alpha="cv",
        per_task="auto")`` or its classifier: ridge, its strength tuned without the rows
        that it predicts, per task or for all, whichever does better.
        Where the estimator is a `MixedTaskEstimator`, tasks of each kind have this one;
        an `OrdinalClassifier` is compared with the same of ordered classes.
    pooled : estimator, default=None
        One model for all tasks, or for all of a kind; by default
        ``PooledRegressor(task_intercepts=True)`` or its classifier, its strength tuned
        in the same way. Its ``fit_intercept``, like that of the default baseline, is
        the estimator's.
    cv : int, splitter or iterable of (train, test), default=None
        The splits, of rows (long data) or of samples (a wide Y). An integer is the
        number of folds over which the rows of every task are spread, or with
        ``method="resampled_t"`` of random splits that keep one fifth of each task
        aside. None: 5 folds, or 30 splits.
    n_repeats : int, default=None
        Partitions into folds, for an integer ``cv``; the losses of a row are averaged.
        None: 4 for the default ``cv``, otherwise and for `AutoRegressor` and
        `AutoClassifier` 1.
    groups : array-like of shape (n_samples,), default=None
        Rows that are not independent, such as the visits of a patient or the days of a
        sensor, have the same label. A group is held out as a whole, in all its tasks,
        and groups instead of rows are the units of the variance. For ``method="clt"``.
    method : {"clt", "resampled_t"}, default="clt"
        How differences are tested. "clt": row by row, by the central limit theorem of
        cross-validation. "resampled_t": split by split, by the corrected resampled
        t-test, which finds much less. It is also taken where ``cv`` trains on less than
        3/5 of the rows: models of so few vary by more than the rows' differences tell.
    level : float, default=0.05
        False discovery rate of "helped" and "hurt"; the intervals have the level 1 -
        this, each on its own.
    margin : float, default=0.05
        The largest effect that does not matter, as a part of the baseline's loss: a
        task whose interval lies within it is "equivalent", unless found "helped" or
        "hurt" (by little: ``alone.within`` has all).
    random_state : int or None, default=0
        Seed of the splits of an integer ``cv``.
    n_jobs : int, default=None
        Splits computed at the same time, through joblib.
    verbose : int, default=0
        Whether to say after each split how many are done, and when all may be: models
        that try many others, such as `AutoClassifier`, take minutes.

    Returns
    -------
    NegativeTransferReport
        Its text is a table; ``summary`` is a sentence, ``to_frame()`` a DataFrame,
        ``plot()`` a picture.

    Notes
    -----
    What is tested and covered is the mean difference of models that are trained on as
    many rows as in the splits (``target``), for 5 folds 4/5 of them. The standard
    error of a task is the standard deviation of its rows' differences over the root of
    their number; differences of rows that are held out more than once are averaged
    first. Rows are taken for independent: pass ``groups`` where they are not. A task
    with fewer than five rows (groups) held out is "undecided".

    From 5,000 rows (groups) on strengths that a number of folds chooses
    (``alpha="cv"``, estimators ...CV with an integer ``cv``) are chosen on the folds of
    the report: what predicts a fold is fitted to all others, with the strength that is
    best in predicting these. Further partitions try strengths near those of the first.
    Of fewer rows, and where splits are no partition into three folds or more, each
    training part has folds of its own, since the others chose somewhat too badly (0.5 %
    of the loss with 600 rows). `AutoRegressor` and `AutoClassifier` judge their models
    on the folds of the report too, in one pass: what predicts a row is chosen, or
    weighed, by the other folds.

    "equivalent" is two one-sided tests of the level ``level / 2`` for each task: where
    sharing changes a loss by the margin or more, it is called equivalent that rarely.
    It is not adjusted for the number of tasks, and does not change what is called
    "helped" or "hurt". docs/transfer.md has the errors found in simulations.

    References
    ----------
    Bayle, Bayle, Janson, Mackey (2020), Cross-validation confidence intervals for test
    error.
    Nadeau, Bengio (2003), Inference for the generalization error.
    Wilcoxon (1945), Individual comparisons by ranking methods.
    Benjamini, Hochberg (1995), Controlling the false discovery rate.

    Examples
    --------
    >>> from linmtl import MeanRegularizedRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.transfer import negative_transfer_report
    >>> X, y, tasks = make_multitask_regression(n_tasks=4, random_state=0)
    >>> report = negative_transfer_report(MeanRegularizedRegressor(), X, y, tasks)
    >>> report.verdict.shape
    (4,)
    """
    check_choice("method", method, METHODS)
    check_number("margin", margin, 0.0, 1.0)
    if not (is_number(level) and 0 < level < 1):
        raise ValueError(f"level must be between 0 and 1, got {level!r}")
    estimator = require_task_model("estimator", estimator)
    rows = _read(estimator)(estimator, X, y, tasks, sample_weight, offset)
    if len(rows.tasks) < 2:
        raise ValueError(
            "the data have one task; pass tasks=, or one column of y per task"
        )
    if n_repeats is None and hasattr(estimator, "held_out_losses"):
        n_repeats = 1  # many models, tuned in each fold
    plan = plan_splits(rows, cv, n_repeats, groups, method, random_state)
    models = _judged_models(rows, plan, estimator, baseline, pooled)
    found = _held_out(rows, models, plan, n_jobs, verbose)
    losses = {
        name: np.array([rows.task_means(each.losses) for each in judged])
        for name, judged in found.items()
    }
    mean_losses, comparisons = _compared(
        rows, models, plan, found, losses, level=level, margin=margin
    )
    return NegativeTransferReport(
        tasks=rows.tasks,
        n_samples=rows.n_observed,
        model=type(estimator).__name__,
        loss=rows.loss.score.name,
        losses=losses,
        mean_losses=mean_losses,
        **comparisons,
        level=level,
        method=plan.method,
        margin=margin,
        trained=plan.trained,
    )


def _read(estimator: TaskModel) -> type[Rows]:
    """Return what reads the data of an estimator."""
    if isinstance(estimator, MixedTaskEstimator):
        return KindRows
    return OrderedRows if isinstance(estimator, OrdinalClassifier) else Rows


def _judged_models(
    rows: Rows,
    plan: Plan,
    estimator: TaskModel,
    baseline: BaseEstimator | None,
    pooled: BaseEstimator | None,
) -> dict[str, BaseEstimator]:
    """Return the model, those it is compared with, and intercepts alone, by name."""
    folds, own = plan.tuning_folds(rows), rows.reads
    if isinstance(rows, KindRows):
        models = models_of_kinds(rows, estimator, folds, _POOLED_ALPHAS)
    elif isinstance(rows, OrderedRows):
        models = models_of_order(rows, folds, _POOLED_ALPHAS)
    else:
        models = _models_of_loss(rows, estimator, folds)
    given = ("baseline", "alone", baseline), ("pooled", "pooled", pooled)
    for name, key, other in given:
        if isinstance(other, TaskModel) and own is not None:
            if not isinstance(other, own):
                raise ValueError(
                    f"{name} must be a model of the same losses, {own.__name__}, got "
                    f"{type(other).__name__}"
                )
        elif isinstance(other, TaskModel):
            theirs, mine = (loss_told(model._loss()) for model in (other, estimator))
            if theirs != mine:
                raise ValueError(
                    f"{name} has {theirs} and estimator {mine}; their errors cannot be "
                    "compared"
                )
        if other is not None:
            models[key] = other
    return {"model": estimator, **models}


def _models_of_loss(
    rows: Rows, estimator: TaskModel, folds: int
) -> dict[str, BaseEstimator]:
    """Return the models to compare with, where all tasks have one loss of a row."""
    classify = estimator._classify
    same: Any = {"fit_intercept": estimator.fit_intercept, **loss_of(estimator)}
    same["feature_mask"] = rows.present
    alone = IndependentClassifier if classify else IndependentRegressor
    pooled = PooledClassifierCV if classify else PooledRegressorCV
    generic = MultiTaskClassifier if classify else MultiTaskRegressor
    return {
        "alone": alone("cv", cv=folds, per_task="auto", **same),
        "pooled": pooled(alphas=_POOLED_ALPHAS, cv=folds, **same),
        "levels": generic(levels_alone(), **same),
    }


class _Judged(NamedTuple):
    losses: np.ndarray  # of each row, NaN if it is not tested
    at_bound: np.ndarray  # tasks


def _held_out(
    rows: Rows, models: dict[str, Any], plan: Plan, n_jobs: int | None, verbose: int
) -> dict[str, list[_Judged]]:
    """Return what each model is worth in each split."""
    first: dict[int, str] = {}  # one that has two parts is fitted once
    same = {name: first.setdefault(id(model), name) for name, model in models.items()}
    models = {name: model for name, model in models.items() if same[name] == name}
    known = _known_losses(rows, models, plan, n_jobs, verbose)
    others = {name: model for name, model in models.items() if name not in known}
    jobs = [delayed(_one_split)(rows, others, *parts) for parts in plan.splits]
    found = run_jobs(jobs, n_jobs, verbose=verbose)
    found = known | {name: [each[name] for each in found] for name in others}
    return {name: found[one] for name, one in same.items()}


def _one_split(
    rows: Rows, models: dict, train: np.ndarray, test: np.ndarray
) -> dict[str, _Judged]:
    out = {}
    for name, model in models.items():
        with warnings.catch_warnings():
            if name in _BASELINES:  # the report says it
                warnings.filterwarnings("ignore", ".* best strength is at an end of")
            losses, fitted = rows.row_losses(clone(model), train, test)
        out[name] = _Judged(losses, rows.at_bound(fitted))
    return out


def _known_losses(
    rows: Rows,
    models: dict[str, Any],
    plan: Plan,
    n_jobs: int | None,
    verbose: int,
) -> dict[str, list[_Judged]]:
    """Return losses of models that choose on all folds of a partition at once.

    They would do so again within every training part, at several times the cost.
    """
    partitions = plan.partitions()
    if partitions is None:
        return {}
    found: dict[str, list[_Judged]] = {}
    tuned: dict[str, Any] = {}
    for name, model in models.items():
        if all(rows.are_tuned_on(each, model, plan.units) for each in partitions):
            tuned[name] = model
        if not hasattr(model, "held_out_losses"):
            continue
        inner: Any = clone(model)  # which fits several models at the same time
        if inner.n_jobs is None:
            inner.set_params(n_jobs=n_jobs)
        inner.set_params(verbose=max(inner.verbose, verbose))
        found[name] = []
        for folds in partitions:
            found[name] += _one_partition(rows, inner, name, folds, plan.units)[0]
    # the first partition tells those after it where to search
    near: dict[str, Any] = dict.fromkeys(tuned)
    for some in partitions[:1], partitions[1:]:
        jobs = [(name, folds) for name in tuned for folds in some]
        results = run_jobs(
            [
                delayed(_one_partition)(
                    rows, tuned[name], name, folds, plan.units, near[name]
                )
                for name, folds in jobs
            ],
            n_jobs,
            verbose=verbose,
        )
        for (name, _), (judged, where) in zip(jobs, results, strict=True):
            found.setdefault(name, []).extend(judged)
            near[name] = where
    return found


def _one_partition(
    rows: Rows,
    model: Any,
    name: str,
    folds: list,
    units: np.ndarray | None,
    near: Any = None,
) -> tuple[list[_Judged], Any]:
    """Return what a model is worth in each fold, and what to try in other ones."""
    with warnings.catch_warnings():
        if name in _BASELINES:  # the report says it
            warnings.filterwarnings("ignore", ".* best strength is at an end of")
        inner = clone(model)
        losses, at_bound, near = rows.losses_in_folds(inner, folds, units, near)
    judged = [
        _Judged(np.where(test, losses, np.nan), bound)
        for (_, test), bound in zip(folds, at_bound, strict=True)
    ]
    return judged, near


def _compared(
    rows: Rows,
    models: dict[str, Any],
    plan: Plan,
    found: dict[str, list[_Judged]],
    losses: dict[str, np.ndarray],
    **settings: Any,
) -> tuple[dict[str, np.ndarray], dict[str, PairedDifferences]]:
    """Return the mean losses, and what the model is worth against each baseline.

    ``losses`` are those of the tasks in each split.
    """
    if plan.method == "clt":
        values = {
            name: mean_over_folds(np.array([each.losses for each in judged]))
            for name, judged in found.items()
        }
        mean_losses = {name: rows.task_means(loss) for name, loss in values.items()}
        settings |= {"code": rows.code, "n_tasks": len(rows.tasks)}
        settings |= {"weight": rows.weight, "unit": plan.units}
        compare: Any = compare_rows
    else:
        values, compare = losses, compare_losses
        mean_losses = {name: mean_over_folds(loss) for name, loss in values.items()}
        settings |= plan.sizes(rows)
    comparisons = {}
    for name in _BASELINES:
        refused = _at_bound(models[name], losses[name], found[name])
        comparisons[name] = compare(
            values[name], values["model"], name=name, refused=refused, **settings
        )
    return mean_losses, comparisons


def _at_bound(model: Any, losses: np.ndarray, found: list[_Judged]) -> np.ndarray:
    """Return the mask of the tasks whose baseline could not be tuned.

    Its strength is at the end of its grid in more than half of the splits: weaker or
    stronger it would do better, and a model compared with it look better than it is.
    """
    mask = np.mean([each.at_bound for each in found], axis=0) > 0.5
    judged = ~np.isnan(losses).all(axis=0)
    if judged.any() and mask[judged].all():
        raise ValueError(
            f"the strength of the baseline {type(model).__name__} is at the end of its "
            "grid in most splits, with a loss that still falls there: no model can be "
            "judged by it; pass a baseline with a wider grid, or features on one scale"
        )
    return mask
