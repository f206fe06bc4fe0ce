"""What `AutoRegressor` would make of the models of a comparison, with no fit more.

It learns a choice, or weights, from rows that no model was fitted to, as the test rows
are: these are spread over folds, and what is made is judged by rows it is not made by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linmtl.auto._leaderboard import Units, corrected_loss, lowest
from linmtl.auto._weights import Rows, stacked
from linmtl.cli._judge import constant_losses, scored
from linmtl.cli._prepare import Split
from linmtl.cli._results import AutoChoice, Honest, ModelResult
from linmtl.losses import Logistic, MultinomialOfRows
from linmtl.transfer._folds import deal_rows

_FOLDS = 5


def auto_choice(
    models: Sequence[ModelResult],
    data: Split,
    variance: np.ndarray,
    classify: bool,
    random_state: int,
) -> AutoChoice | None:
    """Choose among models, and stack them, by their predictions of the test rows.

    Parameters
    ----------
    models : sequence of ModelResult
        What was fitted to the training rows.
    data : Split
        The rows.
    variance : ndarray of shape (n_tasks,)
        Of each task's test targets.
    classify : bool
        Whether the targets are classes.
    random_state : int
        Seed of the folds.

    Returns
    -------
    AutoChoice or None
        None where there is nothing to choose from, or to choose by.
    """
    predicted = np.stack([model.predicted for model in models], axis=-1)
    known = np.isfinite(predicted).all()  # of a class that no model has seen it is not
    if len(models) < 2 or len(predicted) < 2 or not known:
        return None
    code = np.searchsorted(data.tasks, data.tasks_test)
    random = np.random.RandomState(random_state)
    fold = deal_rows(code, np.zeros_like(code), _FOLDS, random)
    order = np.argsort(code, kind="stable")
    one = np.ones(order.size)
    y, loss = _targets(data, classify)
    rows = Rows(
        predicted[order], y[order], one, code[order], fold[order], len(data.tasks), loss
    )
    stack = stacked(rows)
    eta = np.empty(predicted.shape[:-1])
    eta[order] = stack.eta[stack.strengths == stack.strength][0]
    losses = [
        np.array([loss.score.factor * loss.value(rows.y, each) for each in eta_of])
        for eta_of in (np.moveaxis(rows.eta, -1, 0), stack.eta)
    ]
    of_models, of_stack = (Units(each, one) for each in losses)
    offset = data.offset_of_test[order]
    honest = [_honest(units, rows, classify, offset) for units in (of_models, of_stack)]
    return AutoChoice(
        "AutoClassifier" if classify else "AutoRegressor",
        models[lowest(of_models)],
        honest[0],
        _result(eta, data, variance, classify),
        honest[1],
        stack.weights.mean(axis=0),
    )


def _honest(
    units: Units, rows: Rows, classify: bool, offset: np.ndarray | None = None
) -> Honest:
    loss, interval = corrected_loss(units, lowest)
    if not classify:
        known = np.zeros(rows.y.size) if offset is None else offset
        relative = _RelativeUnits(units.sums, units.size, rows, known)
        interval = corrected_loss(relative, lowest)[1]
    return Honest(loss, interval)


@dataclass(frozen=True, eq=False)
class _RelativeUnits(Units):
    """Losses of rows, such as squared errors, relative to those about the tasks' means.

    What is told of them is their part of these, and a target far from the others makes
    most of both: an interval for the errors alone would be one for how often it is
    drawn. Means are on the scale of the errors in all rows.

    Attributes
    ----------
    rows : Rows
        Targets, their tasks and the loss.
    offset : ndarray of shape (n_rows,)
        A known part of their linear predictors.
    """

    rows: Rows
    offset: np.ndarray

    def mean(self, count: np.ndarray | None = None) -> np.ndarray:
        """Return the mean error of each model, with each row so many times."""
        if count is None:
            return super().mean()
        squares, whole = self._squares(count), self._squares(np.ones(count.size))
        error = super().mean(count)
        return error * (whole / squares) if squares > 0 else error

    def _squares(self, count: np.ndarray) -> float:
        """Return the mean square about the means of the tasks, some rows repeated.

        As large whatever their number: few rows are nearer to their own mean.
        """
        code, T = self.rows.task, self.rows.n_tasks
        size, all_rows = (np.bincount(code, n, T) for n in (count, np.ones(count.size)))
        given = self.rows.loss, self.rows.y, self.offset, count
        rest = size * constant_losses(*given, code, T)
        several = size > 1
        factor = (1 - 1 / np.maximum(all_rows, 1)) * size / np.maximum(size - 1, 1)
        return float((factor * rest)[several].sum() / max(size[several].sum(), 1))


def _targets(data: Split, classify: bool) -> tuple[np.ndarray, Any]:
    """Return the test targets as their loss takes them, and the loss."""
    if not classify:
        return data.y_test.astype(float), data.loss
    if data.n_classes > 2:
        return data.y_test, MultinomialOfRows()
    return np.where(data.y_test > 0, 1.0, -1.0), Logistic()


def _result(
    eta: np.ndarray, data: Split, variance: np.ndarray, classify: bool
) -> ModelResult:
    """Judge the stack as models are judged; it has no strength and no fit."""
    return ModelResult(
        name="stack",
        label="stack",
        shares="",
        estimator="",
        alpha=math.nan,
        second={},
        at_end=False,
        null_tasks=0,
        gap=math.nan,
        tol=math.nan,
        certified=True,
        n_iter=0,
        seconds=math.nan,
        predicted=eta,
        **scored(data, eta, variance, classify),
    )
