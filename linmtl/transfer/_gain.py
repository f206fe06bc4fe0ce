"""How much one task gains from being learned with another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone

from linmtl.datafits._make import Join
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._task_model import require_task_model
from linmtl.model_selection._folds import fold_of_observations
from linmtl.model_selection._held_out import training_and_test
from linmtl.model_selection._jobs import in_turn, run_jobs
from linmtl.penalties import compose
from linmtl.similarity._result import TaskMatrix
from linmtl.solvers import minimise
from linmtl.solvers._objective import Objective
from linmtl.transfer._rows import (
    IN_PARTS,
    Rows,
    plain_reader,
    present_among,
    read_rows,
    rounding_of_loss,
)
from linmtl.transfer._subset import for_tasks, inner_fit

_REPORT_EVERY = 64  # pairs between two reports of progress


def transfer_gain(
    estimator: BaseEstimator,
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    cv: Any = 5,
    n_jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TaskMatrix:
    """Return how much each task gains from each other one, measured by learning both.

    The gain of task j from task i is ``1 - L_j({i, j}) / L_j({j})``: what learning the
    two together takes off the cross-validated loss of j learned alone by the same
    estimator. Positive: i helps j; negative: it hurts.

    Parameters
    ----------
    estimator : estimator
        Any of linmtl's. With a given strength all pairs share the work of reading the
        data and its Gram matrices; an estimator that chooses its strength by
        cross-validation does so for every pair and fold, which is fairer and dearer.
        Of settings by task, arrays in the order of ``tasks_`` (graphs, weights,
        strengths) included, each fit takes those of its tasks.
    X, y, tasks, sample_weight
        Data in any layout with two tasks or more, as for the estimators.
    offset : float or array-like of shape (n_samples,) or of y's shape, default=None
        A known part of the linear predictor, as for the estimators.
    cv : int, splitter or iterable of (train, test), default=5
        The folds, as for the estimators with cross-validation.
    n_jobs : int, default=None
        Folds computed at the same time, through joblib.
    progress : callable, default=None
        Called with the number of models fitted and that of all (with one job).

    Returns
    -------
    TaskMatrix
        ``values[i, j]`` is the gain of task j from task i; the diagonal is zero. NaN
        where task j has no fold of its own, or task i a single class.
        ``standard_errors`` are those of the ratio over the folds, corrected for their
        overlap (Nadeau and Bengio).

    Notes
    -----
    Strengths are those of the estimator, for tasks alone and for pairs. Where a pair
    is then shrunk less or more than a task alone, as by mean-regularised and graph
    penalties, part of a gain is of this and not of what task i says: a few percent from
    a source without any signal. A task of two classes beside others with more has one
    column of coefficients alone, and in a pair two, shrunk more. Compare with the gain
    from a source whose y has been permuted.

    References
    ----------
    Standley, Zamir, Chen, Guibas, Malik, Savarese (2020), Which tasks should be learned
    together in multi-task learning?
    Nadeau, Bengio (2003), Inference for the generalization error.

    Examples
    --------
    >>> from linmtl import MeanRegularizedRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.transfer import transfer_gain
    >>> X, y, tasks = make_multitask_regression(n_tasks=4, random_state=0)
    >>> gain = transfer_gain(MeanRegularizedRegressor(), X, y, tasks)
    >>> gain.values.shape
    (4, 4)
    """
    problem = _Problem(estimator, X, y, tasks, sample_weight, offset, cv)
    T = len(problem.tasks)
    sets = [(t,) for t in range(T)] + list(combinations(range(T), 2))
    n_folds = int(problem.fold.max()) + 1
    done = [0]

    def report(count):
        if progress is not None:
            done[0] += count
            progress(done[0], len(sets) * n_folds)

    losses = problem.losses(sets, n_jobs, report if in_turn(n_jobs) else None)
    if not problem.classify:  # a task may be predicted to rounding
        tiny = problem.join.task_loss(rounding_of_loss(problem.data) / 2)
        for k, chosen in enumerate(sets):
            part = losses[:, k, : len(chosen)]
            part[part <= tiny[list(chosen)]] = 0.0
    alone = losses[:, :T, 0]
    together = np.full((n_folds, T, T), np.nan)
    for k, pair in enumerate(sets[T:], start=T):
        i, j = pair[0], pair[-1]
        together[:, (j, i), (i, j)] = losses[:, k, :2]
    together[:, range(T), range(T)] = alone
    values, errors = _gain(alone, together)
    silent = np.zeros((T, T), dtype=bool)
    silent[problem.given.single_class] = True
    np.fill_diagonal(silent, False)
    values[silent] = errors[silent] = np.nan
    return TaskMatrix(
        values,
        problem.tasks,
        kind="gain",
        name="transfer gain",
        directed=True,
        standard_errors=errors,
    )


def _gain(alone, together):
    """Return the gains and their standard errors from losses over folds."""
    judged = ~np.isnan(alone)
    count = judged.sum(axis=0)
    mean = np.full(alone.shape[1], np.nan)
    mean[count > 0] = np.nansum(alone, axis=0)[count > 0] / count[count > 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.nansum(together, axis=0) / count / mean
        spread = (together - ratio * alone[:, None, :]) / mean
        variance = np.nansum(spread**2, axis=0) / np.maximum(count - 1, 1)
        # one part in count is held out: folds share most of their training rows
        errors = np.sqrt(variance * (1 / count + 1 / np.maximum(count - 1, 1)))
    # a task that is predicted perfectly alone has nothing to gain
    perfect = (mean == 0) & (count > 0)
    ratio[:, perfect] = np.where(
        np.nansum(together, axis=0)[:, perfect] > 0, np.inf, 1.0
    )
    values = 1.0 - ratio
    errors[:, count < 2] = np.nan
    values[:, count == 0] = np.nan
    np.fill_diagonal(values, 0.0)
    np.fill_diagonal(errors, 0.0)
    return values, errors


class _Problem:
    """The data, read once, and the losses of an estimator on subsets of the tasks."""

    def __init__(self, estimator, X, y, tasks, sample_weight, offset, cv):
        require_task_model("estimator", estimator)
        self.estimator: Any = estimator
        self.classify = estimator._classify
        passed = X, y, tasks, sample_weight, offset
        self.given = read_rows(plain_reader(estimator), estimator, *passed)
        self.data, self.tasks = self.given.data, self.given.tasks
        if len(self.tasks) < 2:
            raise ValueError(
                "the data have one task; pass tasks=, or one column of y per task"
            )
        self.loss = estimator._loss()
        roots = getattr(estimator, "loss", None) == "sqrt"
        self.join = Join.ROOTS if roots else Join.SUM
        self.fold = fold_of_observations(self.given, self.data, cv)
        self.simple = (
            not self.given.several
            and type(self.estimator).fit is MultiTaskModel.fit
            and type(self.estimator)._problem is MultiTaskModel._problem
            and not isinstance(
                self.estimator.task_weight, str
            )  # depends on the other task
            and self.estimator._join() is self.join
            and getattr(estimator, "refit", False) is False
            and getattr(estimator, "class_weight", None) is None
            and not self._lends_in_training()
        )
        if not self.simple:
            self.rows = Rows(estimator, *passed)
            self.fold_of_row = self.fold[self.rows.used]

    def _lends_in_training(self) -> bool:
        """Whether a task is left out of the loss of a training part, but not of all.

        A classifier predicts such a task with what the others share, as `fit` does.
        """
        data, whole = self.data, self.given.side == 0
        if not (self.classify and data.fit_intercept):
            return False
        for k in range(int(self.fold.max()) + 1):
            weight = np.where(self.fold == k, 0.0, data.weight)
            side = self.loss.sides(data.y, weight, data.task_ptr)
            if np.any(whole & (side != 0) & (data.task_sum(weight) > 0)):
                return True
        return False

    def losses(self, sets, n_jobs, report) -> np.ndarray:
        """Return the held-out losses, (n_folds, n_sets, largest set), NaN if none."""
        if not self.simple:
            jobs = (
                delayed(self._by_refitting)(k, sets, report)
                for k in range(int(self.fold.max()) + 1)
            )
            return np.array(run_jobs(jobs, n_jobs))
        parts = training_and_test(
            self.data,
            self.loss,
            self.join,
            self.fold,
            self.given.n_samples,
            lend=self.estimator._lends,
            present=self.given.present,
        )
        jobs = (delayed(self._by_parts)(*part, sets, report) for part in parts)
        return np.array(run_jobs(jobs, n_jobs))

    def _by_parts(self, fit, held_out, sets, report):
        """Fit each set of tasks on its part of the sums of all."""
        model, out = self.estimator, np.full((len(sets), 2), np.nan)
        whole = model._make_penalty()
        waiting = 0
        for s, chosen in enumerate(sets):
            tasks = np.array(chosen)
            part = fit.of_tasks(tasks)
            penalty = for_tasks(whole, self.tasks, tasks)
            if self.given.present is not None:
                had = present_among(self.given.present, tasks)
                penalty = penalty.on_present(had.mean(axis=1))
            with inner_fit(model, self.tasks, tasks, IN_PARTS):
                composite = compose(penalty, part.n_features, self.tasks[tasks])
            result = minimise(
                Objective(part, composite),
                tol=model.tol,
                max_iter=model.max_iter,
                solver=model.solver,
            )
            judge = held_out.of_tasks(tasks)
            out[s, : len(tasks)] = judge.losses(result.W, result.b)
            waiting += 1
            if report is not None and waiting == _REPORT_EVERY:
                report(waiting)
                waiting = 0
        if report is not None:
            report(waiting)
        return out

    def _by_refitting(self, k, sets, report):
        """Fit the estimator itself on the rows of each set of tasks."""
        out = np.full((len(sets), 2), np.nan)
        test = self.fold_of_row == k
        for s, chosen in enumerate(sets):
            losses = self.rows.held_out_loss(clone(self.estimator), ~test, test, chosen)
            means = losses / self.loss.score.factor
            out[s, : len(chosen)] = self.join.task_loss(means)
            if report is not None:
                report(1)
        return out
