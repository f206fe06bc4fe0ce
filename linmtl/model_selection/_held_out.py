"""Held-out losses of every task, on canonical data.

A fold is a set of observations whose weight is zero while fitting: all layouts are
treated alike and X is never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from joblib import delayed
from scipy.special import softmax

from linmtl.data._canonical import MultiTaskData, far_intercept, lent
from linmtl.datafits._base import Datafit
from linmtl.datafits._gram import GramFit
from linmtl.datafits._make import Join, make_datafit
from linmtl.datafits._moments import Moments
from linmtl.datafits._ordinal import OrdinalFit
from linmtl.datafits._residual import about_zero
from linmtl.datafits._root import RootFit
from linmtl.kernels._threads import blas_threads
from linmtl.losses import Loss, RiskSets
from linmtl.model_selection._jobs import in_turn, run_jobs
from linmtl.penalties import Penalty
from linmtl.solvers._models import models
from linmtl.solvers._quadratic_path import quadratic_forms

_MAX_NUMBERS = 10_000_000  # of the parts of all folds that are kept
_MAX_TOGETHER = 200_000  # predictors that are judged together
_EXACT = 1e-6  # tolerance of models that are compared with those beside them


@dataclass
class HeldOutPath:
    """Held-out losses of the models along a path.

    Attributes
    ----------
    losses : ndarray of shape (n_penalties, n_folds, n_tasks)
        Mean held-out losses; NaN for a task with nothing held out in a fold.
    ends : list of ndarray of shape (n_features, n_columns)
        The last solution in each fold, to go on from.
    unconverged : int
        The number of models that did not converge.
    eta : ndarray of shape (n_penalties, n_observations) or None
        Linear predictors of each observation from the fold without it, NaN where there
        is none; only where rows were asked for. Of classes that have an order
        log-probabilities, with a last axis for these.
    freedom : ndarray of shape (n_penalties,) or None
        Degrees of freedom of the models, where they are known.
    exact : bool
        Whether all models are within the tolerance; else they tell about where the
        best is.
    """

    losses: np.ndarray
    ends: list[np.ndarray]
    unconverged: int
    eta: np.ndarray | None = None
    freedom: np.ndarray | None = None
    exact: bool = True


class ChosenWithout(NamedTuple):
    """What models whose strengths the other folds chose predict for each fold.

    They are fitted to all rows but those of the fold. In the losses that choose their
    strengths these rows count in training, and are never what is predicted.

    Attributes
    ----------
    row : ndarray of int of shape (n_observations,)
        Rows as passed.
    y : ndarray of shape (n_observations,)
        Targets as the loss takes them.
    eta : ndarray of shape (n_observations,)
        Linear predictors, NaN for what is never held out.
    at_bound : ndarray of bool of shape (n_folds, n_tasks)
        Tasks whose strength is at an end of those tried.
    near : object
        What to try on other folds of the same rows, for the model that made it; None
        for all.
    """

    row: np.ndarray
    y: np.ndarray
    eta: np.ndarray
    at_bound: np.ndarray
    near: Any = None


@dataclass
class Parts:
    """The training and the test parts of the folds, for one path after another.

    Attributes
    ----------
    data : MultiTaskData
        All data.
    loss : Loss
        The loss, for fitting and for judging.
    fold : ndarray of shape (n_observations,)
        From :func:`linmtl.model_selection._folds.fold_of_observations`.
    join : Join, default=Join.SUM
        How the losses of the tasks become one, for fitting.
    n_samples : ndarray of shape (n_tasks,)
        Sum of the sample weights of each task. It sets the intercept of a task with a
        single class in a training part.
    rows : bool, default=False
        Whether to predict each row as well.
    lend : bool, default=True
        Whether tasks of a single class in a training part learn from the others.
    present : ndarray of bool of shape (n_features, n_tasks), default=None
        Which features each task has; all by default.
    """

    data: MultiTaskData
    loss: Loss
    fold: np.ndarray
    _: KW_ONLY
    join: Join = Join.SUM
    n_samples: np.ndarray
    rows: bool = False
    lend: bool = True
    present: np.ndarray | None = None
    _known: list[Part] | None = field(default=None, init=False)

    def __iter__(self) -> Iterator[Part]:
        if self._known is None and self._are_small:
            self._known = list(self._made())
        return self._made() if self._known is None else iter(self._known)

    def _made(self):
        return training_and_test(
            self.data,
            self.loss,
            self.join,
            self.fold,
            self.n_samples,
            self.rows,
            self.lend,
            self.present,
        )

    @property
    def _are_small(self) -> bool:
        design = self.data.design
        moments = design.n_columns * design.n_features**2
        of_fold = min(moments, design.n_features * self.fold.size) + self.fold.size
        return of_fold * (int(self.fold.max()) + 1) <= _MAX_NUMBERS

    def of_folds(self, some: Sequence[int]) -> Parts:
        """Return the parts of some folds (positions), their rows to be predicted."""
        fold = np.full(self.fold.size, -1)
        for k, chosen in enumerate(some):
            fold[self.fold == chosen] = k
        return replace(self, fold=fold, rows=True)

    def of_tasks(self, tasks: np.ndarray) -> Parts:
        """Return the parts of these tasks (positions) only."""
        of_parts = replace(
            self,
            data=self.data.of_tasks(tasks),
            fold=self.fold[self.data.design.observations(tasks)],
            n_samples=self.n_samples[tasks],
            present=None if self.present is None else self.present[:, tasks],
        )
        known = self._known or []
        if known and not any(fit.holds_rows for fit, _ in known):
            of_parts._known = [_of_tasks(*part, tasks) for part in known]
        return of_parts


def _of_tasks(fit, judge, tasks):
    """Return a training part by moments and its test part, of these tasks only."""
    rows, fit = fit.rows, fit.of_tasks(tasks)
    if rows is not None:
        fit.rows = rows.of_tasks(tasks)
    return fit, judge.of_tasks(tasks)


class Along(NamedTuple):
    """What to follow a path along.

    Attributes
    ----------
    penalties : sequence of Penalty
        What to compare, best ordered from strong to weak, since the solution for one
        starts the next.
    strengths : sequence of float, default=None
        The strength of each penalty, to extrapolate along.
    starts : sequence of ndarray, default=None
        Where to start in each fold: the ends of a path before this one.
    progress : callable, default=None
        Called after each fold (with one job).
    """

    penalties: Sequence[Penalty]
    strengths: Sequence[float] | np.ndarray | None = None
    starts: Sequence[np.ndarray] | None = None
    progress: Callable[[], None] | None = None


def held_out_path(
    parts: Parts,
    penalties: Sequence[Penalty],
    columns: np.ndarray,
    *,
    strengths: Sequence[float] | np.ndarray | None = None,
    **options: Any,
) -> HeldOutPath:
    """Return the held-out losses of models along one path.

    Parameters
    ----------
    parts, columns, **options
        As for :func:`held_out_paths`.
    penalties, strengths
        As in :class:`Along`.
    """
    along = Along(penalties, strengths)
    return held_out_paths(parts, [along], columns, **options)[0]


def held_out_paths(
    parts: Parts,
    paths: Sequence[Along],
    columns: np.ndarray,
    *,
    exact: bool = False,
    tol: float,
    max_iter: int,
    solver: str = "auto",
    n_jobs: int | None = None,
) -> list[HeldOutPath]:
    """Return the held-out losses of models along several paths.

    Each fold has all of them in turn, so that one may begin with what it has in common
    with those before it.

    Parameters
    ----------
    parts : Parts
        The data in folds.
    paths : sequence of Along
        The paths.
    columns : ndarray of shape (n_columns,)
        Task labels of the columns of W.
    exact : bool, default=False
        Whether every model is to be found, to a tolerance of 1e-6 at most.
    tol, max_iter, solver
        As for the estimators.
    n_jobs : int, default=None
        Folds fitted at the same time, through joblib.
    """
    settings = {
        "tasks": columns,
        "tol": min(tol, _EXACT) if exact else tol,
        "max_iter": max_iter,
        "solver": solver,
    }
    n_features = parts.data.design.n_features
    runs = [
        {
            "penalties": path.penalties,
            "strengths": path.strengths,
            "forms": quadratic_forms(path.penalties, n_features, columns),
            **settings,
        }
        for path in paths
    ]
    fold, rows = parts.fold, parts.rows
    told = [path.progress if in_turn(n_jobs) else None for path in paths]
    jobs = (
        delayed(_one_fold)(
            *part,
            rows,
            exact,
            [
                (run, path.starts[k] if path.starts else None, progress)
                for run, path, progress in zip(runs, paths, told, strict=True)
            ],
        )
        for k, part in enumerate(parts)
    )
    found = run_jobs(jobs, n_jobs)
    return [_of_folds(each, fold, rows) for each in zip(*found, strict=True)]


def _of_folds(found, fold, rows):
    """Return one path of what its folds have found."""
    losses, etas, unconverged, ends, within = zip(*found, strict=True)
    eta = None
    if rows:
        axes = np.shape(etas[0])[2:]
        eta = np.full((len(losses[0]), fold.size, *axes), np.nan)
        for k, values in enumerate(etas):
            eta[:, fold == k] = values
    return HeldOutPath(
        np.swapaxes(np.array(losses), 0, 1),
        list(ends),
        sum(unconverged),
        eta,
        exact=all(within),
    )


def _one_fold(fit, held_out, rows, exact, runs):
    """Return what `_along` does for each of several paths."""
    kept: dict[Any, Any] = {}
    (n, shared), d = fit.largest_block, fit.n_features
    # many strengths at once make products long, which is no reason to wait for threads
    with blas_threads(float(n) * d * max(d, fit.n_columns if shared else 1)):
        return [
            _along(fit, held_out, start, rows, exact, run | {"kept": kept}, progress)
            for run, start, progress in runs
        ]


def _along(fit, held_out, start, rows, exact, settings, progress):
    """Return losses, predictors if asked for, failures, the end, and whether exact."""
    losses, etas, unconverged, end, within = [], [], 0, None, True
    fit.restart()  # another process would know of no intercepts either

    def score(model):
        # what ranks rows otherwise may be best elsewhere
        return 0.0 if rows else held_out.score(model.W, model.b)

    for part in models(fit, W0=start, score=None if exact else score, **settings):
        losses.append(held_out.losses(part.W, part.b))
        if rows:
            etas += [
                held_out.predict(*model) for model in zip(part.W, part.b, strict=True)
            ]
        unconverged += part.unconverged
        end, within = part.end, part.exact
    if progress is not None:
        progress()
    return np.concatenate(losses), etas, unconverged, end, within


class HeldOutRows:
    """The mean loss of each task on held-out rows.

    Parameters
    ----------
    data : MultiTaskData
        The rows.
    loss : Loss
        The loss to judge by.
    join : Join
        What a task counts with.
    learned : ndarray of bool of shape (n_tasks,)
        The tasks that have a model.
    far : ndarray of shape (n_tasks,)
        Intercepts of the tasks without a best one in training, NaN elsewhere.
    means : ndarray of shape (n_tasks, n_features), default=None
        Means of the features of these tasks in training, where they learn from the
        others.
    present : ndarray of bool of shape (n_features, n_tasks), default=None
        Which features each task has; all by default.
    """

    def __init__(
        self,
        data: MultiTaskData,
        loss: Loss,
        join: Join,
        learned: np.ndarray,
        far: np.ndarray,
        means: np.ndarray | None = None,
        present: np.ndarray | None = None,
    ):
        self.data, self.loss, self.join, self.far = data, loss.on(data), join, far
        self.learned, self.means, self.present = learned, means, present
        self._first: Any = slice(None)  # of several classes of a task one stands for it
        if data.design.group_ptr is not None:
            self._first = data.design.group_ptr[:-1]
        self.total = data.total[self._first]
        self.judged = (self.total > 0) & learned[self._first]

    def of_tasks(self, tasks: np.ndarray) -> HeldOutRows:
        """Return the rows of these tasks (positions) only."""
        data, learned = self.data.of_tasks(tasks), self.learned[tasks]
        means = None if self.means is None else self.means[tasks]
        present = None if self.present is None else self.present[:, tasks]
        far, join = self.far[tasks], self.join
        return HeldOutRows(data, self.loss, join, learned, far, means, present)

    def predict(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the linear predictor of each row, for one model."""
        return self._predict_several(W[None], b[None])[0]

    def _predict_several(self, W, b):
        data, one_sided = self.data, ~np.isnan(self.far)
        b = np.where(one_sided, self.far, b)
        if self.means is not None:
            rest = self.learned & ~one_sided
            alone, means = np.flatnonzero(one_sided), self.means[one_sided]
            models = [
                lent(*model, alone, rest, means, self.present)
                for model in zip(W, b, strict=True)
            ]
            W, b = map(np.array, zip(*models, strict=True))
        eta = np.empty((len(W), data.y.size))
        data.design.predict_several(W, eta)
        data.add_offset(eta)
        eta += np.repeat(b, np.diff(data.task_ptr), axis=1)
        return eta

    def losses(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the loss that each task counts with, NaN where no row is held out.

        For models W (..., n_features, n_tasks), b (..., n_tasks).
        """
        if W.ndim == 2:
            return self.losses(W[None], b[None])[0]
        n, step = len(W), 1
        if self.loss.kernel is not None and self.data.design.group_ptr is None:
            step = max(_MAX_TOGETHER // max(self.data.y.size, 1), 1)
        parts = (slice(first, first + step) for first in range(0, n, step))
        return np.concatenate([self._losses(W[part], b[part]) for part in parts])

    def _losses(self, W, b):
        """Return the losses of a few models, as those of so many times the tasks."""
        data, n, eta = self.data, len(W), self._predict_several(W, b)
        starts = data.task_ptr[:-1] + data.y.size * np.arange(n)[:, None]
        n_columns = n * data.design.n_tasks
        task_loss = np.empty(n_columns)
        self.loss.residual(
            np.tile(data.y, n),
            eta.ravel(),
            np.tile(data.weight, n),
            np.append(starts, eta.size),
            np.tile(data.total, n),
            False,
            np.zeros(n_columns),
            np.empty(eta.size),
            task_loss,
        )
        task_loss = task_loss.reshape(n, -1)
        if data.design.group_ptr is not None:
            task_loss = np.add.reduceat(task_loss, self._first, axis=1)
        return self.join.task_loss(_ratio(task_loss, self.total, self.judged))

    def score(self, W: np.ndarray, b: np.ndarray) -> float:
        """Return the mean over the tasks for one model."""
        return _mean_over_tasks(self.losses(W, b), self.total)


class HeldOutOrder(HeldOutRows):
    """The mean loss of each task on held-out rows, of classes that have an order.

    Parameters
    ----------
    data : MultiTaskData
        The rows, of classes that their task shows in training.
    loss : Ordinal
        The loss.
    train : MultiTaskData
        The training part, of which the cuts are; `learned` are its tasks with rows.
    """

    def __init__(
        self, data: MultiTaskData, loss: Any, train: MultiTaskData, learned: np.ndarray
    ):
        far = np.full(learned.size, np.nan)
        super().__init__(data, loss, Join.SUM, learned, far)
        self.loss: Any = loss
        # another one than solvers go by, which is where they left it
        self._train: Any = about_zero(train, loss, OrdinalFit)

    def predict(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the log-probability of each class of each row, for one model."""
        cuts = np.repeat(self._train.cuts(W), np.diff(self.data.task_ptr), axis=0)
        return self.loss.log_probabilities(super().predict(W, 0.0 * b), cuts)

    def losses(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        if W.ndim > 2:
            models = zip(W, b, strict=True)
            return np.array([self.losses(*model) for model in models])
        data, each = self.data, -self.predict(W, b)
        each = each[np.arange(data.y.size), data.y.astype(int)]
        used = data.weight > 0
        weighted = np.multiply(data.weight, each, out=0.0 * data.weight, where=used)
        return _ratio(data.task_sum(weighted), self.total, self.judged)

    losses.__doc__ = HeldOutRows.losses.__doc__


class HeldOutRisk(HeldOutRows):
    """The partial likelihood of all rows less that of training, by task.

    The rows held out are too few to be at risk among themselves alone.

    Parameters
    ----------
    data : MultiTaskData
        The rows held out.
    loss : Cox
        The loss.
    whole : MultiTaskData
        All rows.
    weight : ndarray of shape (n_all_observations,)
        Their weights in training; `learned` are the tasks with some.
    """

    def __init__(
        self,
        data: MultiTaskData,
        loss: Any,
        whole: MultiTaskData,
        weight: np.ndarray,
        learned: np.ndarray,
    ):
        super().__init__(data, loss, Join.SUM, learned, np.full(learned.size, np.nan))
        self._whole = whole
        self._sets = [
            RiskSets(loss, whole.y, each, whole.task_ptr)
            for each in (whole.weight, weight)
        ]

    def losses(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        if W.ndim > 2:
            models = zip(W, b, strict=True)
            return np.array([self.losses(*model) for model in models])
        eta = np.empty(self._whole.y.size)
        self._whole.design.predict(W, eta)
        self._whole.add_offset(eta)
        together, trained = (sets.residuals(eta)[1] for sets in self._sets)
        return _ratio(together - trained, self.total, self.judged)

    losses.__doc__ = HeldOutRows.losses.__doc__


class HeldOutMoments:
    """The mean squared loss of each task on held-out rows, from their moments."""

    def __init__(self, moments: Moments, join: Join, learned: np.ndarray):
        self.moments, self.join = moments, join
        self.judged = (moments.total > 0) & learned

    def of_tasks(self, tasks: np.ndarray) -> HeldOutMoments:
        """Return the moments of these tasks (positions) only."""
        return HeldOutMoments(
            self.moments.of_tasks(tasks), self.join, self.judged[tasks]
        )

    def losses(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the loss that each task counts with, NaN where no row is held out.

        For models W (..., n_features, n_tasks), b (..., n_tasks).
        """
        sums = self.moments.losses(W, b)
        return self.join.task_loss(_ratio(sums, self.moments.total, self.judged))

    def score(self, W: np.ndarray, b: np.ndarray) -> float:
        """Return the mean over the tasks for one model."""
        return _mean_over_tasks(self.losses(W, b), self.moments.total)


def training_and_test(
    data: MultiTaskData,
    loss: Loss,
    join: Join,
    fold: np.ndarray,
    n_samples: np.ndarray | None = None,
    rows: bool = False,
    lend: bool = True,
    present: np.ndarray | None = None,
) -> Iterator[Part]:
    """Yield for each fold the datafit of the training part and the held-out part.

    A task's weights are scaled up to their total over all data, so that its loss stays
    a mean. Where moments pay, those of a fold are subtracted from those of all; with
    ``rows`` the held-out part has rows all the same. With ``lend`` tasks of a single
    class in training learn from the others, as in `fit`, of each feature from those
    that have it (``present``).
    """
    loss = loss.on(data)
    if n_samples is None:
        n_samples = data.task_sum((data.weight > 0).astype(float))
    whole = make_datafit(data, loss) if loss.quadratic else None
    moments = None if whole is None or whole.holds_rows else whole.moments
    size = np.diff(data.task_ptr)
    for k in range(int(fold.max()) + 1):
        tested = fold == k
        weight = np.where(tested, 0.0, data.weight)
        kept = data.task_sum(weight)
        learned = kept > 0  # other tasks have no model to judge
        factor = np.divide(data.total, kept, out=np.zeros_like(kept), where=learned)
        far, means = np.full(kept.size, np.nan), None
        if data.fit_intercept:  # as in `fit`, where there is no best intercept
            side = loss.sides(data.y, weight, data.task_ptr) * learned
            seen = n_samples * np.divide(kept, data.total, where=learned, out=0 * kept)
            far = far_intercept(side, seen) - data.mean_offset(weight)
            far[side == 0] = np.nan
            factor[side != 0] = 0.0
            if lend and loss.classify and side.any() and data.design.n_columns > 1:
                means = data.design.task_sums(weight)
                means /= np.where(learned, kept, 1.0)[:, None]
        test = data.take(np.flatnonzero(tested))
        train = replace(data, weight=weight * np.repeat(factor, size))
        if moments is not None and not moments.tied:
            held_out = Moments.of(test)
            fit: Datafit = GramFit((moments - held_out).times(factor), loss, train)
            if join is Join.ROOTS:
                fit = RootFit(train, loss, fit)
            if join is not Join.MAXIMUM:
                judge = HeldOutMoments(held_out, join, learned)
                if rows:
                    judge = HeldOutRows(test, loss, join, learned, far, means, present)
                yield fit, judge
                continue
        fit = make_datafit(train, loss, join)
        if loss.ordered:
            yield fit, HeldOutOrder(test, loss, train, learned)
            continue
        if loss.ranked:
            yield fit, HeldOutRisk(test, loss, data, weight, learned)
            continue
        yield fit, HeldOutRows(test, loss, join, learned, far, means, present)


Part: TypeAlias = tuple[Datafit, HeldOutRows | HeldOutMoments]


class HeldOutPredictions:
    """A regressor for scorers, whose predictions are known already."""

    def __init__(self, eta: np.ndarray, loss: Loss):
        self.eta, self.loss = eta, loss

    def predict(self, X: Any, tasks: Any = None) -> np.ndarray:
        return self.loss.mean(self.eta)


class HeldOutClasses(HeldOutPredictions):
    """A classifier for scorers, whose predictions are known already."""

    def __init__(self, eta: np.ndarray, loss: Loss, classes: np.ndarray):
        super().__init__(eta, loss)
        self.classes_ = classes

    def decision_function(self, X: Any, tasks: Any = None) -> np.ndarray:
        return self.eta

    def predict_proba(self, X: Any, tasks: Any = None) -> np.ndarray:
        if not self.loss.likelihood:
            raise ValueError(
                f"loss={self.loss.name!r} knows no probabilities, which this scoring "
                "needs; pass one of labels or decision values, such as 'roc_auc'"
            )
        if self.classes_.size > 2:
            return softmax(self.eta, axis=-1)
        second = self.loss.mean(self.eta)
        return np.column_stack([1.0 - second, second])

    def predict(self, X: Any, tasks: Any = None) -> np.ndarray:
        several = self.classes_.size > 2
        code = self.eta.argmax(axis=-1) if several else (self.eta > 0).astype(int)
        return self.classes_[code]


def _ratio(loss, total, judged):
    return np.divide(loss, total, out=np.full(loss.shape, np.nan), where=judged)


def _mean_over_tasks(losses, total):
    judged = ~np.isnan(losses)
    return (
        float(np.average(losses[judged], weights=total[judged]))
        if judged.any()
        else np.nan
    )


def mean_over_folds(losses: np.ndarray) -> np.ndarray:
    """Return the mean over the folds in which a task was judged, NaN if in none.

    ``losses`` are of shape (..., n_folds, n_tasks).
    """
    counted = ~np.isnan(losses)
    total = np.where(counted, losses, 0.0).sum(axis=-2)
    count = counted.sum(axis=-2)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
