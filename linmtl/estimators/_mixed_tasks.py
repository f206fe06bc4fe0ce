"""Tasks of different kinds in one model: measurements, classes, counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_consistent_length

from linmtl.data import MultiTaskData
from linmtl.data._fit_input import FitInput
from linmtl.data._kinds import by_label
from linmtl.data._labels import (
    as_task_labels,
    encode_tasks,
    n_rows,
    some,
    split_task_column,
)
from linmtl.data._read import order_of_tasks
from linmtl.data._tables import as_table
from linmtl.data._targets import (
    EncodedTargets,
    as_array,
    column_labels,
    require_y,
)
from linmtl.datafits._null import null_losses
from linmtl.estimators._answers import PredictsKinds
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._generic import ChoosesPenalty
from linmtl.losses import LOSSES, MixedLoss
from linmtl.penalties import L21, Penalty

# of labels only those that know probabilities
_LOSSES = tuple(n for n, kind in LOSSES.items() if not kind.classify or kind.likelihood)


@parameters
class _MixedTasks(PredictsKinds, RegressorMixin, MultiTaskModel):
    loss: Mapping[Any, str] | str = "squared"
    task_weight: Mapping[Any, float] | ArrayLike | None = "null_loss"

    _losses = _LOSSES
    _has_mean_model = False


@estimator
class MixedTaskEstimator(_MixedTasks):
    """Tasks of different kinds in one model: measurements, two classes, counts.

    Each task has a loss of its own, and all share a penalty. Minimises over W
    (n_features, n_tasks) and the intercepts b::

        sum_t lambda_t / S_t * sum_{i in t} s_i loss_t(y_i, x_i . w_t + b_t)
            + penalty(W)

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for
        ``L21(alpha=0.01)``.
    loss : dict or str, default="squared"
        The loss of each task by its label, or one for all: a loss of the regressors,
        or "logistic" for a task of two classes.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default="null_loss"
        Weight lambda_t of each task's mean loss. "null_loss": one over its loss without
        coefficients, so that losses of different kinds and units count alike. None: 1
        each. "n_samples", "minimax", a dict or an array: as for `MultiTaskRegressor`.
    {parameters}

    Attributes
    ----------
    task_classes_ : dict
        The two classes of each task that has classes, by task label.
    {attributes}

    See Also
    --------
    MixedTaskEstimatorCV : With the strength chosen by cross-validation.
    MultiTaskRegressor, MultiTaskClassifier : One loss for all tasks.

    Notes
    -----
    Predictions are means, of a task with classes the probability of the second of
    them; of one with the quantile loss they are quantiles.
    Strengths are relative to the losses: with ``task_weight="null_loss"`` all
    coefficients are zero at an ``alpha`` of order 1.

    ``handle_unknown="mean"`` and ``fit_new_task`` are not for tasks of different kinds.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import MixedTaskEstimator
    >>> from linmtl.penalties import L21
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 6))
    >>> eta = X[:, :2] @ rng.normal(size=(2, 3))
    >>> Y = np.column_stack([
    ...     120 + 10 * eta[:, 0] + rng.normal(size=200),  # blood pressure
    ...     eta[:, 1] + rng.logistic(size=200) > 0,  # stroke
    ...     rng.poisson(np.exp(eta[:, 2])),  # visits
    ... ])
    >>> losses = {0: "squared", 1: "logistic", 2: "poisson"}
    >>> model = MixedTaskEstimator(L21(0.05), loss=losses).fit(X, Y)
    >>> model.task_scores(X, Y)
    TaskScores(D^2 of 3 tasks: 0.133 to 0.878)
    """

    penalty: Penalty | None = None
    _: KW_ONLY

    def _make_penalty(self) -> Penalty:
        return L21(alpha=0.01) if self.penalty is None else self.penalty

    def _loss_name(self) -> str:
        return "mixed"

    def _loss(self) -> Any:
        if not hasattr(self, "_mixed"):
            raise ValueError(
                f"{type(self).__name__} has a loss for each task, and this is for "
                "models with one for all"
            )
        one = len(self._mixed.losses) == 1  # which has faster ways
        return self._mixed.losses[0] if one else self._mixed

    def _read_problem(self, *args, **options):
        if self.handle_unknown != "error":
            raise ValueError(
                f"{type(self).__name__}: handle_unknown must be 'error': tasks of "
                "different kinds have no mean model"
            )
        return super()._read_problem(*args, **options)

    def _losses_given(self):
        given = self.loss
        return list(given.values()) if isinstance(given, Mapping) else [given]

    def _read_fit(self, X, y, tasks, *args, **options) -> FitInput:
        tasks = list(tasks) if isinstance(tasks, Iterator) else tasks
        given = super()._read_fit(X, y, tasks, *args, **options)
        return replace(given, data=self._of_kinds(given.data))

    def _of_kinds(self, data: MultiTaskData) -> MultiTaskData:
        """Return data that know the kind of each task."""
        return replace(data, kind=getattr(self._loss(), "kind", None))

    def _targets(self, X, y, tasks):
        require_y(self, y)
        X, y = as_table(X), as_table(y)
        order = order_of_tasks(self, X, tasks)
        columns = column_labels(y)
        values = as_array(y)
        labels = self._row_labels(X, tasks)
        if labels is not None:
            names, code = encode_tasks(labels, order)
            check_consistent_length(code, values)
        else:
            width = values.shape[1] if values.ndim == 2 else 1
            names = np.arange(width) if columns is None else columns
            code = None
        self._mixed = self._losses_of(names)
        loss, join = self._loss(), self._join()
        loss.check()
        self.task_classes_ = {}
        numbers = self._encoded(values, code, names)
        if columns is not None:
            numbers = type(y)(numbers, columns=y.columns)

        def null(data):
            return join.task_loss(null_losses(self._of_kinds(data), loss))

        return numbers, EncodedTargets(loss), null

    def _row_labels(self, X, tasks):
        """Return the task label of each row, None where rows have none."""
        if self.task_column is not None and tasks is None:
            return split_task_column(X, self.task_column)[1]
        return None if tasks is None else as_task_labels(tasks, n_rows(X))

    def _losses_of(self, names) -> MixedLoss:
        """Return the losses of the tasks with these labels."""
        given = self.loss
        each: list[Any] = [given] * len(names)
        if isinstance(given, Mapping):
            by_name = by_label(given)
            lacking = [n for n in names.tolist() if n not in by_name]
            if lacking:
                raise ValueError(
                    f"{type(self).__name__}: loss has no entry for the tasks "
                    f"{some(lacking)}; it has {some(list(by_name))}"
                )
            each = [by_name[n] for n in names.tolist()]
        kinds, kind = np.unique(np.array(each, dtype=str), return_inverse=True)
        return MixedLoss([LOSSES[k].of(self) for k in kinds.tolist()], kind)

    @property
    def fit_new_task(self) -> NoReturn:
        """A method of other estimators, which tasks of different kinds do not have."""
        raise AttributeError(
            f"{type(self).__name__} has no fit_new_task: tasks of different kinds have "
            "no mean model that another one could start from"
        )


@estimator
class MixedTaskEstimatorCV(ChoosesPenalty, MixedTaskEstimator):
    """`MixedTaskEstimator` with its penalty's strength by cross-validation.

    {cv}

    Parameters
    ----------
    {chosen_penalty}
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the tasks as by ``TaskKFold(cv, shuffle=True,
        random_state=0)``; or the folds. Not "loo".
    criterion : None
        Losses of different kinds have no criterion in common.
    scoring : None
        Nor have they a score; strengths are judged by held-out losses.
    {cv_parameters}
    loss : dict or str, default="squared"
        The loss of each task by its label, or one for all: a loss of the regressors,
        or "logistic" for a task of two classes.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default="null_loss"
        Weight lambda_t of each task's mean loss, where models are fitted and where they
        are judged. "null_loss": one over its loss without coefficients, so that losses
        of different kinds and units count alike.
    {parameters}

    Attributes
    ----------
    {chosen}
    losses_path_ : ndarray of shape (n_alphas, n_folds)
        Held-out loss, averaged over the tasks with their weights.
    task_losses_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
        The same for each task in its own units; NaN where it has nothing held out.
    task_classes_ : dict
        The two classes of each task that has classes, by task label.
    {cv_attributes}
    {attributes}

    See Also
    --------
    MixedTaskEstimator : With a given penalty.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import MixedTaskEstimatorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 6))
    >>> eta = X[:, :2] @ rng.normal(size=(2, 2))
    >>> Y = np.column_stack([eta[:, 0], rng.poisson(np.exp(eta[:, 1]))])
    >>> losses = {0: "squared", 1: "poisson"}
    >>> model = MixedTaskEstimatorCV(loss=losses, alphas=5, eps=0.01).fit(X, Y)
    >>> model.losses_path_.shape
    (5, 5)
    """

    penalty: Penalty | None = None
    _: KW_ONLY
    task_weight: Mapping[Any, float] | ArrayLike | None = "null_loss"

    def _score(self):
        return MixedLoss.score

    def _check_cv(self):
        super()._check_cv()
        name = type(self).__name__
        for parameter in ("criterion", "scoring"):
            if getattr(self, parameter) is not None:
                raise ValueError(
                    f"{name}: {parameter} is for models with one loss; strengths are "
                    "judged by held-out losses here, relative to those without "
                    "coefficients"
                )
        if self._leaves_one_out:
            raise ValueError(
                f"{name}: cv='loo' is for models with one loss; pass a number of folds"
            )
