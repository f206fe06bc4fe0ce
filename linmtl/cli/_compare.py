"""Multi-task models against models learned alone, on held-out rows of every task."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from linmtl.cli._prepare import Split, prepare
from linmtl.cli._table import InputError, closest, name_list
from linmtl.estimators import (
    GraphRegularizedClassifierCV,
    GraphRegularizedRegressorCV,
    IndependentClassifier,
    IndependentRegressor,
    L1ClassifierCV,
    L1RegressorCV,
    L21ClassifierCV,
    L21RegressorCV,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressorCV,
    TraceNormClassifierCV,
    TraceNormRegressorCV,
)
from linmtl.estimators._pooled import PooledClassifierCV, PooledRegressorCV
from linmtl.model_selection import TaskShuffleSplit
from linmtl.transfer import NegativeTransferReport, negative_transfer_report


class _Kind(NamedTuple):
    label: str
    shares: str  # what the tasks share
    regressor: type
    classifier: type
    bounded: bool = False  # a finite strength makes all coefficients zero
    second: str | None = None  # another strength to choose


_KINDS = {
    "pooled": _Kind(
        "pooled",
        "all coefficients",
        PooledRegressorCV,
        PooledClassifierCV,
    ),
    "independent": _Kind(
        "independent",
        "nothing",
        IndependentRegressor,
        IndependentClassifier,
    ),
    "mean": _Kind(
        "mean-regularised",
        "a mean model, to which all are drawn",
        MeanRegularizedRegressorCV,
        MeanRegularizedClassifierCV,
        second="alpha_mean",
    ),
    "l21": _Kind(
        "L21",
        "the choice of features",
        L21RegressorCV,
        L21ClassifierCV,
        bounded=True,
    ),
    "trace": _Kind(
        "trace norm",
        "a low-dimensional subspace",
        TraceNormRegressorCV,
        TraceNormClassifierCV,
        bounded=True,
    ),
    "l1": _Kind(
        "L1",
        "the strength of the penalty",
        L1RegressorCV,
        L1ClassifierCV,
        bounded=True,
    ),
    "graph": _Kind(
        "graph",
        "all other models, pairwise in a complete graph",
        GraphRegularizedRegressorCV,
        GraphRegularizedClassifierCV,
        second="alpha_ridge",
    ),
}
MODELS = tuple(_KINDS)
DEFAULT_MODELS = ("pooled", "independent", "mean", "l21", "trace")
BASELINE = "independent"

N_ALPHAS = 20
EPS = 1e-3  # the smallest alpha of the first grid, where alpha_max is finite
SECOND_STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # features are standardised
_STEPS_BEYOND = 7  # alphas added where the best one is the last
_EXTENSIONS = 3  # times that this is done
TOL = 1e-6
# of the report on transfer, where tuning is repeated in each split: coarser
N_SPLITS = 20
_COARSE = {"alphas": 10, "eps": EPS, "tol": 1e-4}
_COARSE_FOLDS = 3
_TESTED = 0.25  # rows held out in each, relative to those trained on, at most
_FLAT = 1e-3  # relative gain of the last alpha over the one before that is none
MARGIN = 0.01  # relative difference of the loss below which tasks count as equal


@dataclass(frozen=True)
class ModelResult:
    """One model, tuned and fitted on the training rows and judged on the others.

    Attributes
    ----------
    name, label, shares : str
        As in ``--models``; as printed; what the tasks share.
    estimator : str
        The class that the strengths are for.
    alpha : float or ndarray of shape (n_tasks,)
        The strength chosen, or one per task.
    second : dict
        The other strength chosen, by the name of the parameter; empty if there is none.
    at_end : bool
        Whether ``alpha`` is the last one tried, the held-out loss is still falling
        there, and the model would still change beyond.
    score : float
        R^2 (regression) or accuracy over all test rows.
    within : float
        Mean over the tasks of the explained variance ``1 - SSE_t / SST_t`` within the
        task (regression), or of the log-loss (classification).
    task_loss : ndarray of shape (n_tasks,)
        Mean squared error or log-loss on each task's test rows, NaN if it has none.
    task_score : ndarray of shape (n_tasks,)
        Explained variance (NaN where the test targets do not vary) or accuracy.
    gap, tol : float
        The duality gap and its tolerance, relative to the null model's objective.
    certified : bool
        Whether the gap is at most the tolerance.
    n_iter : int
        Iterations of the final fit.
    seconds : float
        Time of cross-validation and final fit.
    """

    name: str
    label: str
    shares: str
    estimator: str
    alpha: float | np.ndarray
    second: dict[str, float]
    at_end: bool
    score: float
    within: float
    task_loss: np.ndarray
    task_score: np.ndarray
    gap: float
    tol: float
    certified: bool
    n_iter: int
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """Several models on the same training and test rows.

    Attributes
    ----------
    classify : bool
        Whether the target is a class.
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    n_train, n_test : ndarray of shape (n_tasks,)
        Rows of each task.
    feature_names : list of str
        Features used.
    models : tuple of ModelResult
        One per model; "independent" is always among them.
    train_size : float
        Fraction of each task's rows used for training.
    random_state : int
        Seed of the split.
    cv : int
        Folds of the cross-validation within the training rows.
    notes : list of str
        What was done to the data, and warnings.
    data : Split
        The rows as the models saw them.
    """

    classify: bool
    tasks: np.ndarray
    n_train: np.ndarray
    n_test: np.ndarray
    feature_names: list[str]
    models: tuple[ModelResult, ...]
    train_size: float
    random_state: int
    cv: int
    notes: list[str]
    data: Split = field(repr=False)

    @property
    def alone(self) -> ModelResult:
        """The tasks learned alone, the baseline."""
        return next(model for model in self.models if model.name == BASELINE)

    @property
    def best(self) -> ModelResult:
        """The best within tasks of the models that share, pooled only if alone."""
        sharing = [m for m in self.models if m.name not in (BASELINE, "pooled")]
        sharing = sharing or [m for m in self.models if m.name == "pooled"]
        sign = -1.0 if self.classify else 1.0
        return max(sharing or [self.alone], key=lambda model: sign * model.within)

    def against_alone(self, model: ModelResult) -> tuple[int, int, int]:
        """Count the tasks that a model makes better, leaves equal and makes worse.

        Better (worse): the loss on the task's test rows is lower (higher) by more
        than 1 % than that of the task learned alone.
        """
        tested = self.n_test > 0
        loss, alone = model.task_loss[tested], self.alone.task_loss[tested]
        better = int(np.sum(loss < (1 - MARGIN) * alone))
        worse = int(np.sum(loss > (1 + MARGIN) * alone))
        return better, int(tested.sum()) - better - worse, worse


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
) -> Comparison:
    """Tune, fit and judge several models on one split of every task's rows.

    Missing features are replaced by the median of the training rows, and features are
    standardised with the training rows. Strengths are chosen by cross-validation within
    the tasks' training rows, as the estimators do it: for "independent" one per task,
    for the others those with the smallest mean of the tasks' held-out losses, on a grid
    that goes on where its end is the best. Every task has an intercept, in the pooled
    model too.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Features; NaN where a value is missing.
    y : array-like of shape (n_samples,)
        Targets; 0 or 1 for classification.
    tasks : array-like of shape (n_samples,)
        Task labels.
    models : sequence of str, default=("pooled", "independent", "mean", "l21", "trace")
        Names from ``linmtl.cli._compare.MODELS``. "independent" is added if not there.
    classify : bool, default=False
        Whether to use the logistic loss.
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
    data = prepare(
        X,
        y,
        tasks,
        classify=classify,
        train_size=train_size,
        random_state=random_state,
        cv=cv,
        feature_names=feature_names,
    )
    notes = list(data.notes)
    results = []
    for i, name in enumerate(names):
        step = f"model {i + 1} of {len(names)}: {_KINDS[name].label}"
        say = None if progress is None else lambda text, s=step: progress(s + text)
        results.append(_run(name, data, classify, say, notes))
    return Comparison(
        classify,
        data.tasks,
        data.n_train,
        data.n_test,
        data.feature_names,
        tuple(results),
        float(train_size),
        random_state,
        data.cv,
        notes,
        data,
    )


def transfer_report(
    comparison: Comparison, *, n_splits: int = N_SPLITS, n_jobs: int | None = None
) -> NegativeTransferReport | None:
    """Say which tasks the best model that shares helps and hurts, with uncertainty.

    The training parts of the splits are as large as in the comparison. All models are
    tuned anew in each, that which shares and the pooled one on a coarser grid and in
    fewer folds than there.

    Parameters
    ----------
    comparison : Comparison
        What :func:`compare` found.
    n_splits : int, default=20
        Random splits.
    n_jobs : int, default=None
        Splits computed at the same time.

    Returns
    -------
    NegativeTransferReport or None
        None where no model shares, or where a single task is left.
    """
    best, data = comparison.best, comparison.data
    if best is comparison.alone or len(comparison.tasks) < 2:
        return None
    model, pooled = (
        _make_model(name, comparison.classify, data.cv, coarse=True)
        for name in (best.name, "pooled")
    )
    X = np.concatenate([data.X_train, data.X_test])
    y = np.concatenate([data.y_train, data.y_test])
    tasks = np.concatenate([data.tasks_train, data.tasks_test])
    train = comparison.train_size
    splits = TaskShuffleSplit(
        n_splits,
        train_size=train,
        test_size=min(_TESTED * train, 1.0 - train),
        random_state=comparison.random_state,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said already, of the same model
        report = negative_transfer_report(
            model,
            X,
            y,
            tasks,
            pooled=pooled,
            cv=splits,
            n_jobs=n_jobs,
        )
    return replace(report, model=best.estimator)


def check_models(models: Sequence[str]) -> list[str]:
    """Return the models' names in the order given, the baseline among them."""
    names = list(dict.fromkeys(models))
    for name in names:
        if name not in _KINDS:
            raise InputError(
                f"there is no model {name!r}{closest(name, MODELS) or ';'} the models "
                f"are {name_list(MODELS, 30)}"
            )
    return names if BASELINE in names else [BASELINE, *names]


def _run(name, data, classify, progress, notes) -> ModelResult:
    """Tune, fit and judge one model."""
    kind = _KINDS[name]
    model = _make_model(name, classify, data.cv)
    start = time.perf_counter()
    if progress is not None:
        progress("")
        model._progress = _fold_counter(progress, data.cv)
    rows = data.X_train, data.y_train, data.tasks_train
    at_end, caught = _fit(model, rows, kind.bounded)
    seconds = time.perf_counter() - start
    for warning in caught:
        text = str(warning.message)
        if "single class" not in text:  # said already
            notes.append(f"{kind.label}: {text}")
    score, within, task_loss, task_score = _judge(model, data, classify)
    scale = model.tol_ / model.tol
    return ModelResult(
        name,
        kind.label,
        kind.shares,
        type(model).__name__.strip("_").removesuffix("CV"),
        model.alpha_,
        {} if kind.second is None else {kind.second: model.best_params_[kind.second]},
        at_end,
        score,
        within,
        task_loss,
        task_score,
        float(model.dual_gap_ / scale),
        model.tol,
        bool(model.converged_),
        int(model.n_iter_),
        seconds,
    )


def _make_model(name, classify, cv, coarse=False):
    """Return the estimator that chooses its strengths."""
    kind = _KINDS[name]
    estimator = kind.classifier if classify else kind.regressor
    if name == BASELINE:
        return estimator("cv", cv=cv, tol=TOL)
    tried = SECOND_STRENGTHS[::2] if coarse else SECOND_STRENGTHS
    second = {} if kind.second is None else {kind.second: tried}
    if coarse:
        return estimator(cv=min(cv, _COARSE_FOLDS), **_COARSE, **second)
    return estimator(alphas=N_ALPHAS, eps=EPS, cv=cv, tol=TOL, **second)


def _fold_counter(progress, cv):
    """Return what says after each fold which one it was."""
    done = 0

    def count(setting: dict[str, Any]) -> None:
        nonlocal done
        at = "".join(f", {name} = {value:g}" for name, value in setting.items())
        progress(f"{at}, fold {done % cv + 1} of {cv}")
        done += 1

    return count


def _fit(
    model: Any, rows: tuple[np.ndarray, ...], bounded: bool
) -> tuple[bool, list[warnings.WarningMessage]]:
    """Fit, and again on a further grid where the end of the grid is the best.

    Not upwards if ``bounded``: all coefficients are zero there.

    Returns
    -------
    at_end : bool
        Whether the loss is still falling where the last grid ends.
    caught : list of WarningMessage
        The warnings of the last fit.
    """
    for further in reversed(range(_EXTENSIONS + 1)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(*rows)
        end = _steep_end(_held_out(model)) if hasattr(model, "alphas_") else None
        if end is None or (end == "high" and bounded):
            return False, caught
        if further:
            model.set_params(alphas=_beyond(np.atleast_2d(model.alphas_)[0], end))
    return True, caught


def _held_out(model: Any) -> np.ndarray:
    """Return the held-out loss of each strength, the second one as chosen."""
    path = model.mse_path_ if hasattr(model, "mse_path_") else -model.scores_path_
    losses = np.atleast_2d(path.mean(axis=-1))
    return losses[np.argmin(losses.min(axis=1))]


def _steep_end(losses: np.ndarray) -> str | None:
    """Return the end of a decreasing grid where the losses still fall, if any."""
    best = int(np.argmin(losses))
    if best == 0 and losses[0] < (1 - _FLAT) * losses[1]:
        return "high"
    if best == len(losses) - 1 and losses[-1] < (1 - _FLAT) * losses[-2]:
        return "low"
    return None


def _beyond(alphas: np.ndarray, end: str) -> np.ndarray:
    """Return a grid that begins one step before an end of a decreasing one.

    The end itself is then inside: if it stays the best, the search is over.
    """
    if end == "high":
        alphas = alphas[::-1]
    ratio = alphas[1] / alphas[0]
    return alphas[-2] * ratio ** np.arange(_STEPS_BEYOND + 2)


def _judge(model, data, classify) -> tuple[float, float, Any, Any]:
    """Return score, mean within tasks, and loss and score of each task."""
    y, n_tasks = data.y_test, len(data.tasks)
    codes = np.searchsorted(data.tasks, data.tasks_test)
    size = np.bincount(codes, minlength=n_tasks)

    def task_mean(values: np.ndarray) -> np.ndarray:
        total = np.bincount(codes, weights=values, minlength=n_tasks)
        return np.divide(total, size, out=np.full(n_tasks, np.nan), where=size > 0)

    if classify:
        eta = model.decision_function(data.X_test, data.tasks_test)
        task_loss = task_mean(np.logaddexp(0.0, np.where(y > 0, -eta, eta)))
        correct = ((eta > 0) == (y > 0)).astype(float)
        within = float(np.nanmean(task_loss))
        return float(correct.mean()), within, task_loss, task_mean(correct)
    prediction = model.predict(data.X_test, data.tasks_test)
    task_loss = task_mean((y - prediction) ** 2)
    variance = task_mean((y - task_mean(y)[codes]) ** 2)
    varies = variance > 1e-20 * max(float(np.mean(y**2)), 1e-300)
    if not varies.any():
        raise InputError(
            "no task has two different targets in its test part, so that nothing can "
            "be judged; leave more rows to test (lower --train)"
        )
    explained = np.full(n_tasks, np.nan)
    explained[varies] = 1.0 - task_loss[varies] / variance[varies]
    score = 1.0 - float(np.mean((y - prediction) ** 2) / np.var(y))
    return score, float(np.nanmean(explained)), task_loss, explained
