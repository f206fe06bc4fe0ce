"""Scorers for GridSearchCV, cross_validate and their like."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sklearn
from numpy.typing import ArrayLike
from sklearn.utils.metadata_routing import MetadataRequest, get_routing_for_object

from linmtl.data._labels import some, split_task_column
from linmtl.data._rows import TaskRows
from linmtl.metrics._labels import read_labels, read_predictions
from linmtl.metrics._scores import (
    AVERAGES,
    TASK_METRICS,
    Measure,
    TaskScores,
    check_undefined,
    policy,
    refuse_direction,
    score_tasks,
)

_METHODS = ("predict", "predict_proba", "decision_function")


class _Asked:
    """The answers of a fitted model, each asked for once."""

    def __init__(
        self, model: Any, X: Any, tasks: Any, labels: TaskRows, offset: Any = None
    ) -> None:
        self.model, self.X, self.tasks, self.labels = model, X, tasks, labels
        self._offset = {} if offset is None else {"offset": offset}
        self._known: dict[str, Any] = {}

    def has(self, method: str) -> bool:
        return hasattr(self.model, method)

    def whole(self, method: str) -> Any:
        """Return what the model says of all rows."""
        if method not in self._known:
            function = getattr(self.model, method)
            takes = self.tasks is not None and _takes_tasks(self.model, method)
            answer = self._answer(function, method, takes)
            shape = getattr(answer, "shape", ())
            if method == "predict_proba" and len(self.labels.shape) == 1:
                # as scikit-learn does: metrics of two classes take one column
                answer = answer[:, 1] if shape[1:] == (2,) else answer
            self._known[method] = answer
        return self._known[method]

    def _answer(self, function, method, takes):
        if takes:
            return function(self.X, tasks=self.tasks, **self._offset)
        try:
            return function(self.X, **self._offset)
        except ValueError as error:
            routing = sklearn.get_config()["enable_metadata_routing"]
            if self.tasks is None or not routing:
                raise
            raise ValueError(
                f"{error}. With metadata routing {method} gets no tasks: call "
                f"set_{method}_request(tasks=True) on the estimator"
            ) from error

    def of(self, method: str) -> list[np.ndarray]:
        return read_predictions(self.labels, self.whole(method))


def _takes_tasks(model: Any, method: str) -> bool:
    parameters = inspect.signature(getattr(model, method)).parameters
    if "tasks" in parameters:
        return True
    if not sklearn.get_config()["enable_metadata_routing"]:
        return False
    # a pipeline hands on what its steps request
    forwards = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    routing = get_routing_for_object(model)
    return forwards and "tasks" in routing.consumes(method, ["tasks"])


class TaskScorer:
    """A scorer that scores each task, and averages.

    Made by :func:`make_task_scorer`. ``scorer(estimator, X, y)`` is what scikit-learn
    calls; greater is better.

    Parameters
    ----------
    metric, average, response_method, greater_is_better, task_column, undefined
        Parameters of :func:`make_task_scorer`.
    metric_params : dict
        Further parameters of the metric.

    Attributes
    ----------
    name : str
        The name of the metric.

    See Also
    --------
    make_task_scorer : Makes it, with an example.
    """

    def __init__(
        self,
        metric: str | Callable[..., Any],
        average: str,
        response_method: str | Sequence[str] | None,
        greater_is_better: bool | None,
        task_column: str | int | None,
        undefined: str | float,
        metric_params: dict[str, Any],
    ) -> None:
        self.metric = metric
        self.name = (
            metric
            if isinstance(metric, str)
            else getattr(metric, "__name__", repr(metric))
        )
        self.average = average
        self.response_method = response_method
        self.greater_is_better = greater_is_better
        self.task_column = task_column
        self.undefined = undefined
        self.metric_params = metric_params
        self._requests: dict[str, Any] = {
            "tasks": True,
            "sample_weight": None,
            "offset": None,
        }
        check_undefined(undefined)
        if callable(metric) and metric in TASK_METRICS:
            refuse_direction(metric, greater_is_better)
            direction, averages, methods = TASK_METRICS[metric]
        else:
            measure = Measure(metric, greater_is_better, metric_params)
            direction, averages = measure.greater_is_better, AVERAGES
            methods = ("predict",)
        if direction is None:
            raise ValueError(
                f"it is not known whether a greater {self.name} is better; pass "
                "greater_is_better=True or False"
            )
        if average not in averages:
            raise ValueError(f"average is {average!r}; pass one of {some(averages)}")
        self._sign = 1.0 if direction else -1.0
        if response_method is not None:
            if isinstance(metric, str):
                raise ValueError(
                    f"response_method was passed with the scorer {metric!r}, which "
                    "has its own; drop it, or pass the function of sklearn.metrics"
                )
            given = response_method
            methods = (given,) if isinstance(given, str) else tuple(given)
            if not methods or any(method not in _METHODS for method in methods):
                raise ValueError(
                    f"response_method is {given!r}; pass one of {some(_METHODS)}, or "
                    "a list of these"
                )
        self._methods = methods

    def __repr__(self) -> str:
        return f"make_task_scorer({self.name}, average={self.average!r})"

    def __call__(
        self,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> float:
        """Return the average score of the tasks, negated where less is better.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples, with the task column if there is one.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; a missing one is left out.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row, where X does not carry it and y is one-dimensional.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, for an estimator fitted with one.

        Returns
        -------
        float
            The score.
        """
        given = X, y, tasks, sample_weight, offset
        return self._sign * self._score(estimator, *given, self.average)

    def per_task(
        self,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> TaskScores:
        """Return the score of each task, not negated.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples, with the task column if there is one.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            True labels; a missing one is left out.
        tasks : array-like of shape (n_samples,), default=None
            The task of each row, where X does not carry it and y is one-dimensional.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, for an estimator fitted with one.

        Returns
        -------
        TaskScores
            The score of each task.
        """
        return self._score(estimator, X, y, tasks, sample_weight, offset, None)

    def _score(self, estimator, X, y, tasks, sample_weight, offset, average) -> Any:
        labelled = self._tasks_of(estimator, X, y, tasks)
        labels = read_labels(y, labelled, sample_weight)
        answers = _Asked(estimator, X, tasks, labels, offset)
        classes = getattr(estimator, "classes_", None)
        if isinstance(classes, list):  # of each output
            classes = np.unique(np.concatenate(classes))
        method = self._method(answers)
        if callable(self.metric) and self.metric in TASK_METRICS:
            params = dict(self.metric_params)
            of_classes = TASK_METRICS[self.metric].methods != ("predict",)
            if of_classes and classes is not None and len(classes) == 2:
                params.setdefault("pos_label", classes[1])
            return self.metric(
                y,
                answers.whole(method),
                labelled,
                average=average,
                sample_weight=sample_weight,
                **policy(self.undefined),
                **params,
            )
        # made anew: what a named scorer holds is scikit-learn's affair
        measure = Measure(self.metric, self.greater_is_better, self.metric_params)
        scores = score_tasks(measure, labels, answers, self.undefined, method, classes)
        return scores if average is None else scores.average(average)

    def _method(self, answers: _Asked) -> str:
        for method in self._methods:
            if answers.has(method):
                return method
        raise ValueError(
            f"{type(answers.model).__name__} has none of the methods "
            f"{some(self._methods)}, which {self!r} needs"
        )

    def _tasks_of(self, estimator: Any, X: Any, y: Any, tasks: Any) -> Any:
        """Return the task labels of the rows; None for wide data and for one task."""
        column = self.task_column
        if column is None:
            column = getattr(estimator, "task_column", None)
        if tasks is not None:
            if column is not None:
                raise ValueError(
                    f"tasks was passed although task_column={column!r} names a column "
                    "of X; use one of the two"
                )
            return tasks
        if column is not None:
            return split_task_column(X, column)[1]
        wide = len(getattr(y, "shape", None) or np.shape(y)) == 2
        if not wide and len(getattr(estimator, "tasks_", ())) != 1:
            raise ValueError(
                f"{self!r} does not know the tasks of the rows: fit with task_column= "
                "so that X carries them, or pass task_column= to make_task_scorer (for "
                "a pipeline: the column of the X that the pipeline is given), or pass "
                "tasks= (in a search: by metadata routing), or a y with one column per "
                "task"
            )
        return None

    def set_score_request(
        self,
        *,
        tasks: bool | str | None = True,
        sample_weight: bool | str | None = None,
        offset: bool | str | None = None,
    ) -> TaskScorer:
        """Say what metadata routing is to hand over.

        Only of effect where routing is enabled,
        ``sklearn.set_config(enable_metadata_routing=True)``.

        Parameters
        ----------
        tasks : bool, str or None, default=True
            True to be given ``tasks``, which is how a new scorer is; False not to be;
            a string for the name under which they are passed; None for an error if
            they are.
        sample_weight, offset : bool, str or None, default=None
            The same for the weights, and for the offset of the predictions.

        Returns
        -------
        self : TaskScorer
            The scorer.
        """
        self._requests = {
            "tasks": tasks,
            "sample_weight": sample_weight,
            "offset": offset,
        }
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """Return what the scorer requests, for scikit-learn's metadata routing.

        Returns
        -------
        routing : MetadataRequest
            The requests of ``score``.
        """
        request = MetadataRequest(owner=self)
        for param, alias in self._requests.items():
            request.score.add_request(param=param, alias=alias)
        return request


def make_task_scorer(
    metric: str | Callable[..., Any],
    *,
    average: str = "macro",
    response_method: str | Sequence[str] | None = None,
    greater_is_better: bool | None = None,
    task_column: str | int | None = None,
    undefined: str | float = "nan",
    **metric_params: Any,
) -> TaskScorer:
    """Make a scorer that scores each task, and averages.

    Parameters
    ----------
    metric : str or callable
        The name of a scorer (``sklearn.metrics.get_scorer_names()``); or a function
        ``metric(y_true, y_pred)`` of ``sklearn.metrics``, of this module or of yours.
    average : str, default="macro"
        ``"macro"``: the mean over the tasks. ``"samples"``: the mean in which a task
        counts as much as its labels. ``"worst"``: the task that fares worst. And what
        else the metric knows, if it is one of this module (``"pooled"``).
    response_method : str or list of str, default=None
        What the metric is given, ``"predict"``, ``"predict_proba"`` or
        ``"decision_function"``; of a list the first that the model has. By default
        what a scorer by name or a metric of this module needs, and predictions for
        another function. Of the probabilities of two classes it is given those of the
        second.
    greater_is_better : bool, default=None
        Whether a greater score is a better one. If not, the scorer negates it. By
        default the names of scikit-learn's functions tell: those in ``_score`` are to
        be large, those in ``_error``, ``_loss`` and ``_deviance`` small.
    task_column : str or int, default=None
        The column of X that holds the tasks; by default that of the estimator. A
        pipeline, and an estimator that does not know of tasks, need it.
    undefined : {"nan", "raise"} or float, default="nan"
        What to do with a task whose labels do not define the metric, as in
        :func:`per_task`. A fold in which no task is defined scores NaN.
    **metric_params : dict
        Further parameters of a function.

    Returns
    -------
    TaskScorer
        ``scorer(estimator, X, y, tasks=None, sample_weight=None)``, for the
        ``scoring`` of scikit-learn; ``scorer.per_task(...)`` is the score of each task.

    Raises
    ------
    ValueError
        If a parameter is wrong or, from the scorer, if the tasks are not known.

    See Also
    --------
    per_task : The same for predictions.

    Notes
    -----
    The tasks are the columns of a two-dimensional y; or those in the task column; or
    ``tasks``. A search of scikit-learn hands over ``tasks`` only with metadata routing
    enabled, where the scorer requests them without being asked (weights are requested
    by ``set_score_request(sample_weight=True)``).

    scikit-learn's own scorers refuse missing labels, and score long data over all rows
    together, which rewards what a model knows of the differences between tasks.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from linmtl import L21Regressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.metrics import make_task_scorer, normalized_mse
    >>> from linmtl.model_selection import TaskKFold
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> scores = cross_val_score(
    ...     L21Regressor(0.01, task_column=0),
    ...     np.column_stack([tasks, X]),
    ...     y,
    ...     cv=TaskKFold(3, task_column=0),
    ...     scoring=make_task_scorer(normalized_mse, average="worst"),
    ... )
    >>> bool((scores < 0).all())  # less is better, hence negative
    True
    """
    return TaskScorer(
        metric,
        average,
        response_method,
        greater_is_better,
        task_column,
        undefined,
        metric_params,
    )
