"""Scores of held-out rows by what `scoring` names."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from linmtl.metrics import TaskScorer, make_task_scorer


def scorer_of(name: str, scoring: Any) -> TaskScorer:
    """Return what the parameter `scoring` of an estimator stands for.

    It is told the tasks, and takes them from no column.
    """
    if not isinstance(scoring, TaskScorer):
        if not (isinstance(scoring, str) or callable(scoring)):
            raise ValueError(
                f"{name}: scoring must be the name of a scorer, a metric (a function "
                "of labels and predictions), or what make_task_scorer returns; got "
                f"{scoring!r}"
            )
        return make_task_scorer(scoring)
    scorer = copy.copy(scoring)
    scorer.task_column = None
    return scorer


def negated_scores(
    name: str,
    scorer: TaskScorer,
    answers: Callable[[np.ndarray], Any],
    eta: np.ndarray,
    y: np.ndarray,
    code: np.ndarray,
    tasks: np.ndarray,
    weight: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of held-out rows, as losses in a single fold.

    Of all tasks together, (n_strengths, 1), and of each, (n_strengths, 1, n_tasks).
    ``answers`` makes of linear predictors what scorers take for a model, ``eta`` is of
    shape (n_strengths, n_rows, ...).
    """
    labels, position = tasks[code], {label: t for t, label in enumerate(tasks.tolist())}
    together, apart = [], np.full((len(eta), 1, len(tasks)), np.nan)
    for values, row in zip(eta, apart, strict=True):
        arguments = answers(values), None, y, labels, weight
        together.append(-scorer(*arguments))
        scores = scorer.per_task(*arguments)
        sign = -1.0 if scores.greater_is_better else 1.0
        for label, value in zip(scores.tasks.tolist(), scores.values, strict=True):
            row[0, position[label]] = sign * value
    losses = np.array(together)
    undefined = np.isnan(losses)
    if undefined.all():
        raise ValueError(
            f"{name}: scoring is not defined for what is held out of any task; pass "
            "fewer folds or another metric"
        )
    if undefined.any():  # as precision, where a strong penalty predicts one class
        worst = losses[~undefined].max()
        losses[undefined] = worst + abs(worst)
    return losses[:, None], apart
