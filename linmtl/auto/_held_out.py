"""Losses of several models on the same held-out rows, from one pass."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from linmtl.auto._combined import FitArguments, observation_losses
from linmtl.auto._leaderboard import Units
from linmtl.auto._weights import Rows
from linmtl.data._checks import is_whole
from linmtl.data._labels import one_line
from linmtl.estimators._task_model import TaskModel
from linmtl.losses import Loss
from linmtl.model_selection._jobs import run_jobs


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What models that were not fitted to a row predict for it.

    Parameters
    ----------
    models : list of str
        Names.
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    losses : ndarray of shape (n_models, n_rows)
        Squared errors, or log losses, or those of another loss.
    eta : ndarray of shape (n_models, n_rows) or (n_models, n_rows, n_classes)
        Predictions; log-odds of the second class for classifiers, of more than two a
        number for each whose differences are log-odds, and the logarithm of the mean
        for the Poisson loss.
    task : ndarray of int of shape (n_rows,)
        The task of each row, a position in `tasks`.
    row : ndarray of int of shape (n_rows,)
        The row of X as passed.
    weight : ndarray of shape (n_rows,)
        Sample weights.
    fold : ndarray of int of shape (n_rows,)
        The fold in which the row was held out.
    unit : ndarray of int of shape (n_rows,)
        What was drawn together: its group, or its row of X.
    seconds : ndarray of shape (n_models,)
        Time of all fits.
    """

    models: list[str]
    tasks: np.ndarray
    losses: np.ndarray
    eta: np.ndarray
    task: np.ndarray
    row: np.ndarray
    weight: np.ndarray
    fold: np.ndarray
    unit: np.ndarray
    seconds: np.ndarray

    def task_losses(self) -> np.ndarray:
        """Return the mean loss in each task, NaN for one without a held-out row.

        Returns
        -------
        ndarray of shape (n_models, n_tasks)
            Losses, columns in the order of ``tasks``.
        """
        n = len(self.tasks)
        total = np.bincount(self.task, self.weight, n)
        sums = [np.bincount(self.task, self.weight * each, n) for each in self.losses]
        out = np.full((len(sums), n), np.nan)
        return np.divide(sums, total, out=out, where=total > 0)

    def units(
        self,
        losses: np.ndarray | None = None,
        rows: np.ndarray | slice = slice(None),
    ) -> Units:
        """Return the losses of each unit.

        Parameters
        ----------
        losses : ndarray of shape (n_models, n_rows), default=None
            Losses of held-out rows; those of the models by default.
        rows : ndarray of bool of shape (n_rows,), default=all
            The rows that count.

        Returns
        -------
        Units
            Sums of losses and weights over rows that are held out together.
        """
        losses = self.losses if losses is None else losses
        weight = self.weight[rows]
        _, unit = np.unique(self.unit[rows], return_inverse=True)
        sums = [np.bincount(unit, weight * each) for each in losses[:, rows]]
        return Units(np.array(sums), np.bincount(unit, weight))

    def only(self, models: list[int]) -> HeldOut:
        """Return the same of some of the models (positions).

        Parameters
        ----------
        models : list of int
            Positions of the models.

        Returns
        -------
        HeldOut
            What is known of these.
        """
        names = [self.models[k] for k in models]
        losses, eta = self.losses[models], self.eta[models]
        return HeldOut(
            names,
            self.tasks,
            losses,
            eta,
            self.task,
            self.row,
            self.weight,
            self.fold,
            self.unit,
            self.seconds[models],
        )


class Judge:
    """Fits models to parts of the rows, and judges them on the others.

    Parameters
    ----------
    passed : FitArguments
        The data.
    groups : array-like of shape (n_rows,), default=None
        Rows that no fold may part; of the rows of X.
    cv, random_state
        The folds, as for the estimators.
    """

    def __init__(
        self,
        passed: FitArguments,
        groups: ArrayLike | None,
        cv: Any,
        random_state: Any,
    ):
        self.passed = passed
        given = passed.given
        n, T = given.n_rows, len(given.tasks)
        self.row = np.tile(given.rows, T) if passed.wide else given.rows
        self.groups = None
        if groups is not None:
            _, self.groups = np.unique(np.asarray(groups), return_inverse=True)
            if self.groups.shape != (n,):
                raise ValueError(
                    f"groups has shape {np.shape(groups)} but X has {n} rows; pass one "
                    "label per row"
                )
            if is_whole(cv):
                task = np.zeros(n, dtype=int)
                if not passed.wide:
                    task[given.rows] = given.code
                cv = _folds_of_groups(task, self.groups, int(cv), random_state)
            elif hasattr(cv, "split"):
                cv = list(cv.split(np.zeros((n, 1)), np.zeros(n), self.groups))
        self.masks = passed.folds(cv, random_state)

    def prepared(self, model: TaskModel, keep: np.ndarray | None) -> Any:
        """Return a copy of a model, whose folds within do not part groups either."""
        copy: Any = self.passed.prepared(model)
        cv = copy.get_params(deep=False).get("cv")
        if self.groups is None or not is_whole(cv):
            return copy
        given, groups = self.passed.given, self.groups
        task = np.zeros(given.n_rows, dtype=int)
        if not self.passed.wide:
            task[given.rows] = given.code
            if keep is not None:
                rows = np.sort(given.rows[keep])
                task, groups = task[rows], groups[rows]
        return copy.set_params(cv=_folds_of_groups(task, groups, int(cv), 0))

    def fit(self, model: TaskModel, keep: np.ndarray | None = None) -> Any:
        """Return a fitted copy, the seconds it took, and what went wrong, if anything.

        Parameters
        ----------
        model : estimator
            What to fit.
        keep : ndarray of bool of shape (n_observations,), default=None
            The observations; all by default.
        """
        start, fitted = time.perf_counter(), None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # many models: what fails is told below
            try:
                fitted = self.prepared(model, keep).fit(**self.passed.part(keep))
                wrong = None
                if not getattr(fitted, "converged_", True):
                    wrong = "it did not converge"
            except Exception as error:  # of whatever a model of the user raises
                wrong = one_line(str(error))
        return fitted, time.perf_counter() - start, wrong

    def held_out(
        self,
        models: Mapping[str, TaskModel],
        loss: Loss,
        n_jobs: int | None,
        verbose: int,
    ) -> tuple[HeldOut, dict[str, str]]:
        """Return what the models are worth, and why some are left out."""
        given, data = self.passed.given, self.passed.given.data
        parts = [(name, k) for name in models for k in range(len(self.masks))]
        jobs = [delayed(self._one)(models[name], ~self.masks[k]) for name, k in parts]
        shape = data.y.size, *given.class_axis
        eta = {name: np.zeros(shape) for name in models}
        seconds, failed = dict.fromkeys(models, 0.0), {}
        for (name, k), found in zip(
            parts, run_jobs(jobs, n_jobs, verbose=verbose), strict=True
        ):
            coefficients, took, wrong = found
            seconds[name] += took
            if wrong is not None:
                failed.setdefault(name, wrong)
                continue
            mask = self.masks[k]
            eta[name][mask] = self.passed.predict(*coefficients)[mask]
        left = [name for name in models if name not in failed]
        used = np.flatnonzero(np.any(self.masks, axis=0))
        fold = np.argmax(self.masks, axis=0)[used]
        predicted = np.array([eta[name] for name in left]).reshape(len(left), *shape)
        losses, of_rows = np.zeros((len(left), used.size)), self.passed.loss(loss)
        for k, each in enumerate(predicted):
            losses[k] = observation_losses(data, each, of_rows)[used]
        row = self.row[used]
        found = HeldOut(
            left,
            given.tasks,
            losses,
            predicted[:, used],
            given.code[used],
            row,
            self.passed.weight[used],
            fold,
            row if self.groups is None else self.groups[row],
            np.array([seconds[name] for name in left]),
        )
        return found, failed

    def rows(self, found: HeldOut, loss: Loss) -> Rows:
        """Return what weights are found from."""
        eta = np.moveaxis(found.eta, 0, -1)
        return held_out_rows(self.passed, self.masks, eta, loss)

    def _one(self, model, keep):
        fitted, took, wrong = self.fit(model, keep)
        return None if wrong else self.passed.linear(fitted), took, wrong


def held_out_rows(
    passed: FitArguments, masks: Sequence[np.ndarray], eta: np.ndarray, loss: Loss
) -> Rows:
    """Return what weights of models are found from.

    Parameters
    ----------
    passed : FitArguments
        The data.
    masks : sequence of ndarray of bool of shape (n_observations,)
        What is held out in each fold.
    eta : ndarray of shape (n_rows, n_models) or (n_rows, n_classes, n_models)
        Predictions of all that is held out.
    loss : Loss
        That of the models.
    """
    given, used = passed.given, np.flatnonzero(np.any(masks, axis=0))
    return Rows(
        np.ascontiguousarray(eta),
        given.data.y[used],
        passed.weight[used],
        given.code[used],
        np.argmax(masks, axis=0)[used],
        len(given.tasks),
        passed.loss(loss),
    )


def _folds_of_groups(
    task: np.ndarray, groups: np.ndarray, n_splits: int, random_state: Any
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return folds that part no group, with about as many groups of each task.

    Parameters
    ----------
    task, groups : ndarray of int of shape (n_rows,)
        Task and group of each row. A group of rows of several tasks is dealt with those
        of the first.
    n_splits : int
        Number of folds.
    random_state : int, RandomState instance or None
        Of the order in which groups are dealt.
    """
    _, first, code = np.unique(groups, return_index=True, return_inverse=True)
    if first.size < n_splits:
        raise ValueError(
            f"groups has {first.size} groups, and there cannot be {n_splits} folds of "
            "them; pass fewer"
        )
    shuffled = check_random_state(random_state).permutation(first.size)
    order = shuffled[np.argsort(task[first][shuffled], kind="stable")]
    fold = np.empty(first.size, dtype=int)
    fold[order] = np.arange(first.size) % n_splits
    row = fold[code]
    return [
        (np.flatnonzero(row != k), np.flatnonzero(row == k)) for k in range(n_splits)
    ]
