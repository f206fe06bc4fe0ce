"""What a comparison finds, model by model and task by task."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from linmtl.cli._models import BASELINE
from linmtl.cli._prepare import Split
from linmtl.losses import Loss, Squared

MARGIN = 0.01  # relative difference of the loss below which tasks count as equal
_ROUNDING = 1e-18  # of a mean squared error, relative to another


@dataclass(frozen=True, eq=False, repr=False)
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
        R^2 (of other losses D^2, the part explained of the loss of a constant) or
        accuracy over all test rows.
    within : float
        The explained variance within tasks, ``1 - sum SSE / sum SST`` with the squares
        about each task's mean (regression; of other losses with these in place of
        squares), or the mean over tasks of the log-loss (classification).
    task_loss : ndarray of shape (n_tasks,)
        Mean squared error, log-loss or mean of another loss on each task's test rows,
        NaN if it has none.
    task_score : ndarray of shape (n_tasks,)
        Explained variance (NaN where the test targets do not vary) or accuracy.
    null_tasks : int
        Tasks for which the features do not matter: coefficients of zero, or as good as.
    gap, tol : float
        The duality gap and its tolerance, relative to the null model's objective.
    certified : bool
        Whether the gap is at most the tolerance.
    n_iter : int
        Iterations of the final fit.
    seconds : float
        Time of cross-validation and final fit.
    predicted : ndarray of shape (n_test,) or (n_test, n_classes)
        Linear predictors of the test rows: targets, log-odds, logarithms of means.
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
    null_tasks: int
    gap: float
    tol: float
    certified: bool
    n_iter: int
    seconds: float
    predicted: np.ndarray

    def __repr__(self) -> str:
        return f"<ModelResult: {self.label}, {self.within:.3f} within tasks>"

    @property
    def is_null(self) -> bool:
        """Whether the features matter in no task."""
        return self.null_tasks == len(self.task_loss)


class Words(NamedTuple):
    """What reports call the losses and scores of a comparison.

    Attributes
    ----------
    loss, short : str
        The loss of a row or a task.
    all_rows, within : str
        `ModelResult.score` and `ModelResult.within`, as heads of columns.
    measure : str
        The latter in a sentence.
    """

    loss: str
    short: str
    all_rows: str
    within: str
    measure: str


_WORDS = {
    "logistic": Words("log-loss", "log-loss", "acc.", "loss", "log-loss"),
    "squared": Words("squared error", "MSE", "R2", "R2", "explained variance"),
}


class Honest(NamedTuple):
    """The mean loss of a row, without the luck of a choice, and its 95 % interval.

    Of numbers the interval is one for the part of the squares about the tasks' means
    that the loss is, times the mean of these squares over all test rows.
    """

    loss: float
    interval: tuple[float, float]


class AutoChoice(NamedTuple):
    """What `AutoRegressor` or `AutoClassifier` would make of the models.

    Attributes
    ----------
    estimator : str
        Which of the two.
    best : ModelResult
        The model that ``selection="best"`` takes.
    best_loss : Honest
        What it is worth.
    stack : ModelResult
        The stack, each test row with weights that other rows ask for.
    stack_loss : Honest
        What it is worth.
    weights : ndarray of shape (n_models,)
        What each model has in the stack of all test rows, the mean over the tasks.
    """

    estimator: str
    best: ModelResult
    best_loss: Honest
    stack: ModelResult
    stack_loss: Honest
    weights: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
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
    variance : ndarray of shape (n_tasks,)
        Of each task's test targets (of another loss than squared errors the mean loss
        about their best constant); zeros for classification.
    feature_names : list of str
        Features used.
    models : tuple of ModelResult
        One per model; "independent" is always among them.
    levels : ModelResult
        Each task's mean, or its rates of the classes: what features have to beat.
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
    auto : AutoChoice or None
        What would be made of the models; None of a single one.
    loss : Loss
        What models are fitted by and judged.
    """

    classify: bool
    tasks: np.ndarray
    n_train: np.ndarray
    n_test: np.ndarray
    variance: np.ndarray
    feature_names: list[str]
    models: tuple[ModelResult, ...]
    levels: ModelResult
    train_size: float
    random_state: int
    cv: int
    notes: list[str]
    data: Split
    auto: AutoChoice | None = None
    loss: Loss = field(default_factory=Squared)

    def __repr__(self) -> str:
        return (
            f"<Comparison: {len(self.models)} models on {len(self.tasks)} tasks, best "
            f"is {self.best.label}>"
        )

    @property
    def words(self) -> Words:
        """What reports call losses and scores."""
        name = self.loss.score.name
        known = _WORDS.get("logistic" if self.classify else self.loss.name)
        return known or Words(name, name, "D2", "D2", f"explained {name}")

    @property
    def alone(self) -> ModelResult:
        """The tasks learned alone, the baseline."""
        return next(model for model in self.models if model.name == BASELINE)

    @property
    def sharing(self) -> ModelResult | None:
        """The best within tasks of the models that share, if there are any."""
        sharing = [model for model in self.models if model is not self.alone]
        return max(sharing, key=self.merit, default=None)

    @property
    def best(self) -> ModelResult:
        """The best within tasks of all that is shown."""
        best = max([*self.models, self.levels], key=self.merit)
        return self.levels if best.is_null else best

    @property
    def leaderboard(self) -> list[ModelResult]:
        """All that is shown: models, their stack, levels."""
        stack = [] if self.auto is None else [self.auto.stack]
        return [*self.models, *stack, self.levels]

    def merit(self, model: ModelResult) -> tuple[float, float]:
        """Return what is larger for better models, beyond the digits of one as well."""
        total = float(np.nansum(self.n_test * model.task_loss))
        return -model.within if self.classify else model.within, -total

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

    def saved(self, model: ModelResult) -> np.ndarray:
        """Return the part of each task's loss alone that a model saves, (n_tasks,).

        Minus infinity where the task has no loss alone but for rounding; NaN where
        nothing is tested.
        """
        loss, alone = model.task_loss, self.alone.task_loss
        if model is self.alone:
            return np.where(self.n_test > 0, 0.0, np.nan)
        ratio = np.full(loss.shape, np.inf)
        np.divide(loss, alone, out=ratio, where=~(alone <= _ROUNDING * loss))
        return np.where((loss == 0) & (alone == 0), 0.0, 1.0 - ratio)

    def median_saved(self, model: ModelResult) -> float:
        """Return the median over tasks of what a model saves."""
        return float(np.nanmedian(self.saved(model)))

    def difference(self, model: ModelResult) -> tuple[float, float]:
        """Return what a model is above learning alone within tasks, and how surely.

        Returns
        -------
        difference : float
            Of `ModelResult.within`.
        error : float
            Its standard error, the tasks being the units; NaN with a single one.
        """
        tested = self.n_test > 0
        n = np.ones(tested.sum()) if self.classify else self.n_test[tested]
        sign = 1.0 if self.classify else -1.0
        change = sign * n * (model.task_loss - self.alone.task_loss)[tested]
        size = n if self.classify else n * self.variance[tested]
        ratio = change.sum() / size.sum()
        if len(n) < 2:
            return ratio, math.nan
        rest = change - ratio * size
        return ratio, math.sqrt(len(n) / (len(n) - 1) * rest @ rest) / size.sum()
