"""Multi-task models against models learned alone, on held-out rows of every task."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.impute import SimpleImputer

from linmtl._cross_validation import (
    fold_of_observations,
    held_out_losses,
    mean_over_folds,
)
from linmtl._table import InputError, closest, name_list
from linmtl._tasks import as_task_labels, encode_tasks
from linmtl.estimators import (
    GraphRegularizedClassifier,
    GraphRegularizedRegressor,
    IndependentClassifier,
    IndependentRegressor,
    L1Classifier,
    L1Regressor,
    L21Classifier,
    L21Regressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    PooledClassifier,
    PooledRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)
from linmtl.estimators._base import MultiTaskModel
from linmtl.losses import LOSSES
from linmtl.model_selection import TaskKFold, TaskShuffleSplit
from linmtl.path import grid
from linmtl.preprocessing import TaskScaler

# name: (label, what the tasks share, regressor, classifier)
_KINDS: dict[str, tuple[str, str, type, type]] = {
    "pooled": (
        "pooled",
        "all coefficients",
        PooledRegressor,
        PooledClassifier,
    ),
    "independent": (
        "independent",
        "nothing",
        IndependentRegressor,
        IndependentClassifier,
    ),
    "mean": (
        "mean-regularised",
        "a mean model, to which all are drawn (alpha_mean = 0.001)",
        MeanRegularizedRegressor,
        MeanRegularizedClassifier,
    ),
    "l21": (
        "L21",
        "the choice of features",
        L21Regressor,
        L21Classifier,
    ),
    "trace": (
        "trace norm",
        "a low-dimensional subspace",
        TraceNormRegressor,
        TraceNormClassifier,
    ),
    "l1": (
        "L1",
        "the strength of the penalty",
        L1Regressor,
        L1Classifier,
    ),
    "graph": (
        "graph",
        "all other models, pairwise (complete graph, alpha_ridge = 0.001)",
        GraphRegularizedRegressor,
        GraphRegularizedClassifier,
    ),
}
MODELS = tuple(_KINDS)
DEFAULT_MODELS = ("pooled", "independent", "mean", "l21", "trace")
BASELINE = "independent"

N_ALPHAS = 20
EPS = 1e-3  # the smallest alpha of the first grid, where alpha_max is finite
_STEPS_BEYOND = 7  # alphas added where the best one is the last
_EXTENSIONS = 3  # times that this is done
_CV_TOL = 1e-4
TOL = 1e-6
_LARGEST = 1e100
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
        The class.
    alpha : float or ndarray of shape (n_tasks,)
        The strength chosen, or one per task.
    at_end : bool
        Whether the strength is the last of the longest grid tried and the held-out
        loss is still falling there.
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


@dataclass(frozen=True)
class _Split:
    """Training and test rows, features ready to use."""

    X_train: np.ndarray
    y_train: np.ndarray
    tasks_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    tasks_test: np.ndarray
    feature_names: list[str]


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
    standardised with the training rows. Each ``alpha`` is chosen by cross-validation
    within the training rows, stratified by task: for "independent" one per task, for
    the others the one with the smallest mean of the tasks' held-out losses. Every
    task has an intercept, in the pooled model too.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Features; NaN where a value is missing.
    y : array-like of shape (n_samples,)
        Targets; 0 or 1 for classification.
    tasks : array-like of shape (n_samples,)
        Task labels.
    models : sequence of str, default=("pooled", "independent", "mean", "l21", "trace")
        Names from ``linmtl._compare.MODELS``. "independent" is added if not there.
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
    X, y = np.asarray(X, dtype=float), np.asarray(y)
    labels = as_task_labels(tasks, len(X))
    _check(X, y, labels, train_size, classify)
    if feature_names is None:
        feature_names = [f"feature {j}" for j in range(X.shape[1])]
    notes: list[str] = []
    train, test = _split_rows(y, labels, train_size, random_state, classify)
    task_names, codes = encode_tasks(labels)
    n_train = np.bincount(codes[train], minlength=len(task_names))
    n_test = np.bincount(codes[test], minlength=len(task_names))
    _note_tasks(task_names, codes, y, train, n_test, classify, notes)
    cv = _number_of_folds(y[train], codes[train], cv, classify, notes)
    data = _prepare(X, y, labels, train, test, list(feature_names), notes)
    results = []
    for i, name in enumerate(names):
        step = f"model {i + 1} of {len(names)}: {_KINDS[name][0]}"
        say = None if progress is None else lambda text, s=step: progress(s + text)
        results.append(_run(name, data, task_names, classify, cv, say, notes))
    return Comparison(
        classify,
        task_names,
        n_train,
        n_test,
        data.feature_names,
        tuple(results),
        float(train_size),
        random_state,
        cv,
        notes,
    )


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


def _check(X, y, tasks, train_size, classify):
    if not 0 < train_size < 1:
        raise InputError(
            f"the training fraction must be between 0 and 1, got {train_size:g}"
        )
    if y.shape != (len(X),):
        raise InputError(f"y has shape {y.shape}; pass one target per row, ({len(X)},)")
    if not classify and not np.isfinite(y).all():
        raise InputError("y has missing or infinite values; drop these rows")
    for what, values in (("the features", X), ("the targets", y)):
        if np.abs(values[~np.isnan(values)]).max(initial=0.0) > _LARGEST:
            raise InputError(
                f"{what} have values beyond {_LARGEST:g}, which cannot be squared; "
                "use a larger unit"
            )
    if classify and not np.isin(y, (0, 1)).all():
        raise InputError("the classes must be 0 and 1")
    labels, codes, sizes = np.unique(tasks, return_inverse=True, return_counts=True)
    if len(labels) < 2:
        raise InputError(
            f"there is a single task ({labels[0]}); a comparison needs two or more"
        )
    if sizes.max() < 2:
        raise InputError(
            f"each of the {len(labels)} tasks has a single row; a comparison needs "
            "tasks with several rows, some for training and some for the test"
        )
    if not (classify or _varies_within(y[:, None], codes).any()):
        raise InputError(
            "the target has one value in each task: there is nothing to learn besides "
            "the tasks' levels"
        )


def _split_rows(y, tasks, train_size, random_state, classify):
    splitter = TaskShuffleSplit(
        1, train_size=train_size, stratify=classify, random_state=random_state
    )
    return next(splitter.split(np.zeros((len(y), 1)), y, groups=tasks))


def _note_tasks(names, codes, y, train, n_test, classify, notes):
    """Say which tasks are not tested, and which have a single class."""
    untested = names[n_test == 0]
    if untested.size:
        notes.append(
            f"tasks with a single row, in training only ({untested.size}): "
            f"{name_list(untested)}"
        )
    if not classify:
        return
    mean = np.bincount(codes[train], weights=y[train], minlength=len(names))
    size = np.bincount(codes[train], minlength=len(names))
    single = (mean == 0) | (mean == size)
    if single.all():
        raise InputError(
            "no task has both classes among its training rows; use a larger training "
            "fraction, or another task column"
        )
    if single.any():
        notes.append(
            f"tasks with one class in training, which they predict "
            f"({int(single.sum())}): {name_list(names[single])}"
        )


def _prepare(X, y, tasks, train, test, names, notes) -> _Split:
    """Drop features that say nothing, fill in missing values, standardise."""
    X, names = _choose(X, names, ~np.isnan(X[train]).all(axis=0), notes, "no value")
    missing = int(np.isnan(X).sum())
    if missing:
        holes = [n for n, c in zip(names, np.isnan(X).any(axis=0), strict=True) if c]
        notes.append(
            "missing values replaced by the median of the training rows "
            f"({missing}): {name_list(holes)}"
        )
        imputer = SimpleImputer(strategy="median").fit(X[train])
        X = imputer.transform(X)
    varies = _varies_within(X[train], tasks[train])
    X, names = _choose(X, names, varies, notes, "one value per task")
    if not names:
        raise InputError("no feature varies within any task: there is nothing to learn")
    scaler = TaskScaler().fit(X[train])
    return _Split(
        scaler.transform(X[train]),
        y[train],
        tasks[train],
        scaler.transform(X[test]),
        y[test],
        tasks[test],
        names,
    )


def _choose(X, names, keep, notes, why):
    if not keep.all():
        dropped = [name for name, kept in zip(names, keep, strict=True) if not kept]
        notes.append(f"features dropped, {why} in training: {name_list(dropped)}")
    return X[:, keep], [name for name, kept in zip(names, keep, strict=True) if kept]


def _varies_within(X: np.ndarray, tasks: np.ndarray) -> np.ndarray:
    """Whether a feature takes two values in some task: else intercepts replace it."""
    varies = np.zeros(X.shape[1], dtype=bool)
    for label in np.unique(tasks):
        rows = X[tasks == label]
        varies |= (rows != rows[0]).any(axis=0)
    return varies


def _number_of_folds(y, codes, cv, classify, notes):
    """Return fewer folds where most tasks have few rows or rare classes."""
    n_train = np.bincount(codes)
    if classify:  # a task with one class is not judged
        positive = np.bincount(codes, weights=y)
        judged = ((positive > 0) & (positive < n_train))[codes]
        y, codes = y[judged], codes[judged]
    X = np.zeros((len(y), 1))
    most = max(2, min(cv, int(np.median(n_train))))
    for folds in range(most, 1, -1):
        try:
            next(TaskKFold(folds, stratify=classify).split(X, y, groups=codes))
        except ValueError:
            continue
        if folds < cv:
            notes.append(f"tasks are small: cross-validation with {folds} folds")
        return folds
    raise InputError(
        "no task has enough training rows for cross-validation"
        + (" (two of each class)" if classify else " (two)")
        + "; use a larger training fraction, or another task column"
    )


def _run(name, data, tasks, classify, cv, progress, notes) -> ModelResult:
    """Tune, fit and judge one model."""
    label, shares, regressor, classifier = _KINDS[name]
    model = (classifier if classify else regressor)(tol=TOL)
    if name == "pooled":
        model.set_params(task_intercepts=True)
    start = time.perf_counter()
    at_end = False
    if progress is not None:
        progress("")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if name == BASELINE:
            model.set_params(alpha="cv", cv=cv)
        else:
            alpha, at_end = _choose_alpha(model, data, cv, progress)
            model.set_params(alpha=alpha)
        model.fit(data.X_train, data.y_train, data.tasks_train)
    seconds = time.perf_counter() - start
    for warning in caught:
        text = str(warning.message)
        if "single class" not in text:  # said already
            notes.append(f"{label}: {text}")
    score, within, task_loss, task_score = _judge(model, data, tasks, classify)
    scale = model.tol_ / model.tol
    return ModelResult(
        name,
        label,
        shares,
        type(model).__name__,
        model.alpha_ if name == BASELINE else float(model.alpha),
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


def _choose_alpha(
    model: MultiTaskModel,
    data: _Split,
    cv: int,
    progress: Callable[[str], None] | None,
) -> tuple[float, bool]:
    """Return the strength of least held-out loss, and whether a better may exist."""
    given, columns, objective = model._read_problem(
        data.X_train, data.y_train, data.tasks_train, None
    )
    problem = objective.fit.data
    fold = fold_of_observations(given, problem, cv)
    done = 0

    def count() -> None:
        nonlocal done
        if progress is not None:
            progress(f", fold {done % cv + 1} of {cv}")
        done += 1

    def losses_at(alphas: np.ndarray) -> np.ndarray:
        losses = mean_over_folds(
            held_out_losses(
                problem,
                LOSSES[model._loss_name()],
                [clone(model).set_params(alpha=a)._make_penalty() for a in alphas],
                columns,
                fold,
                tol=_CV_TOL,
                max_iter=model.max_iter,
                progress=count,
            )
        )
        judged = ~np.isnan(losses[0])
        return np.average(losses[:, judged], axis=1, weights=problem.total[judged])

    alphas = grid(objective, model._make_penalty(), N_ALPHAS, EPS)
    return _search(alphas, losses_at, bounded=objective.penalty.norm is not None)


def _search(
    alphas: np.ndarray,
    losses_at: Callable[[np.ndarray], np.ndarray],
    bounded: bool,
) -> tuple[float, bool]:
    """Minimise over a decreasing grid, which grows where its end is the best.

    It does not grow where the losses are flat, nor upwards if ``bounded``, as all
    solutions are zero there.
    """
    ratio = alphas[1] / alphas[0]
    losses = losses_at(alphas)
    beyond = ratio ** np.arange(1.0, _STEPS_BEYOND + 1)
    for _ in range(_EXTENSIONS):
        end = _steep_end(losses)
        if end == "low":
            more = alphas[-1] * beyond
            alphas, losses = np.r_[alphas, more], np.r_[losses, losses_at(more)]
        elif end == "high" and not bounded:
            more = (alphas[0] / beyond)[::-1]
            alphas, losses = np.r_[more, alphas], np.r_[losses_at(more), losses]
        else:
            break
    return float(alphas[np.argmin(losses)]), _steep_end(losses) is not None


def _steep_end(losses: np.ndarray) -> str | None:
    """Return the end of a decreasing grid where the losses still fall, if any."""
    best = int(np.argmin(losses))
    if best == 0 and losses[0] < (1 - _FLAT) * losses[1]:
        return "high"
    if best == len(losses) - 1 and losses[-1] < (1 - _FLAT) * losses[-2]:
        return "low"
    return None


def _judge(model, data, tasks, classify) -> tuple[float, float, Any, Any]:
    """Return score, mean within tasks, and loss and score of each task."""
    y, n_tasks = data.y_test, len(tasks)
    codes = np.searchsorted(tasks, data.tasks_test)
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
