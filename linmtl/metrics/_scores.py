"""Any metric of scikit-learn, task by task."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.utils.metaestimators import available_if

from linmtl.data._checks import is_number
from linmtl.data._labels import some
from linmtl.data._rows import TaskRows
from linmtl.data._suggestions import closest
from linmtl.metrics._labels import read_labels, read_predictions

AVERAGES = ("macro", "samples", "worst")

# Relative to the spread of the labels: nothing to say where all of them are equal,
# though scikit-learn gives several of these a value there.
_RELATIVE = frozenset(
    {
        "average_precision",
        "average_precision_score",
        "balanced_accuracy",
        "balanced_accuracy_score",
        "cohen_kappa_score",
        "d2_absolute_error_score",
        "d2_brier_score",
        "d2_log_loss_score",
        "d2_pinball_score",
        "d2_tweedie_score",
        "explained_variance",
        "explained_variance_score",
        "matthews_corrcoef",
        "r2",
        "r2_score",
        "roc_auc",
        "roc_auc_ovo",
        "roc_auc_ovo_weighted",
        "roc_auc_ovr",
        "roc_auc_ovr_weighted",
        "roc_auc_score",
    }
)
# How scikit-learn names its functions.
_DIRECTIONS = {"_score": True, "_error": False, "_loss": False, "_deviance": False}


class TaskMetric(NamedTuple):
    """What is known of a metric of this package."""

    greater_is_better: bool
    averages: tuple[str, ...] = AVERAGES
    methods: tuple[str, ...] = ("predict",)  # what it is given, the best first


# The metrics that average over tasks themselves.
TASK_METRICS: dict[Callable[..., Any], TaskMetric] = {}


class Answers(Protocol):
    """What a model says of the observed labels of each task."""

    def has(self, method: str) -> bool: ...

    def of(self, method: str) -> list[np.ndarray]: ...


class Given:
    """One array of predictions, whatever a metric asks for."""

    def __init__(self, labels: TaskRows, y_pred: Any) -> None:
        self._parts = read_predictions(labels, y_pred)

    def has(self, method: str) -> bool:
        return True

    def of(self, method: str) -> list[np.ndarray]:
        return self._parts


@dataclass(frozen=True, eq=False, repr=False)
class TaskScores:
    """A score for each task.

    Parameters
    ----------
    values : ndarray of shape (n_tasks,)
        The scores; NaN where the metric is not defined or no label is observed.
    tasks : ndarray of shape (n_tasks,)
        Task labels: sorted for long data, in the order of the columns for wide data.
    n_samples : ndarray of shape (n_tasks,)
        Number of labels of each task that were scored.
    weight : ndarray of shape (n_tasks,)
        Sum of their sample weights; without weights, their number.
    metric : str
        The name of the metric.
    greater_is_better : bool or None
        Whether a greater score is a better one; None where that is not known.

    See Also
    --------
    per_task : Makes them.

    Examples
    --------
    >>> from linmtl.metrics import per_task
    >>> scores = per_task("accuracy", [0, 1, 1, 0], [0, 1, 0, 0], list("aabb"))
    >>> scores
    TaskScores(accuracy of 2 tasks: 0.5 to 1)
    >>> scores.values
    array([1. , 0.5])
    >>> scores.average("worst")
    0.5
    """

    values: np.ndarray
    tasks: np.ndarray
    n_samples: np.ndarray
    weight: np.ndarray
    metric: str
    greater_is_better: bool | None

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        defined = self.values[~np.isnan(self.values)]
        n_tasks = len(self.values)
        text = f"{self.metric} of {n_tasks} task{'s' if n_tasks > 1 else ''}"
        if len(defined):
            low, high = f"{defined.min():.3g}", f"{defined.max():.3g}"
            text += f": {low}" if low == high else f": {low} to {high}"
        if len(defined) < n_tasks:
            text += f", {n_tasks - len(defined)} undefined"
        return f"TaskScores({text})"

    def average(self, average: str = "macro") -> float:
        """Return one number for all tasks.

        Parameters
        ----------
        average : {"macro", "samples", "worst"}, default="macro"
            The mean over the tasks; the mean in which a task counts as much as its
            labels (their weights); or the score of the task that fares worst.

        Returns
        -------
        float
            The average over tasks whose score is not NaN; NaN if there are none.
        """
        if average not in AVERAGES:
            raise ValueError(f"average is {average!r}; pass one of {some(AVERAGES)}")
        if average == "worst" and self.greater_is_better is None:
            raise ValueError(
                f"average='worst' needs to know whether a greater {self.metric} is "
                "better; pass greater_is_better=True or False"
            )
        defined = ~np.isnan(self.values)
        if not defined.any():
            return float("nan")
        values = self.values[defined]
        if average == "worst":
            return float(values.min() if self.greater_is_better else values.max())
        weights = self.weight[defined] if average == "samples" else None
        return float(np.average(values, weights=weights))

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with the columns task, score and n_samples.

        Returns
        -------
        DataFrame
            A row for each task.
        """
        import pandas as pd

        return pd.DataFrame(
            {"task": self.tasks, "score": self.values, "n_samples": self.n_samples}
        )


def per_task(
    metric: str | Callable[..., Any],
    y_true: ArrayLike,
    y_pred: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    undefined: str | float = "nan",
    greater_is_better: bool | None = None,
    **metric_params: Any,
) -> TaskScores:
    """Score each task with a metric of scikit-learn.

    Parameters
    ----------
    metric : str or callable
        The name of a scorer (``sklearn.metrics.get_scorer_names()``), of which greater
        values are always better (``"neg_mean_squared_error"``); or a function
        ``metric(y_true, y_pred)`` of ``sklearn.metrics``, of this module or of yours.
    y_true : array-like of shape (n_samples,) or (n_samples, n_tasks)
        True labels; a missing one (NaN, None) is left out.
    y_pred : array-like of shape (n_samples,) or of y_true's shape
        What the metric takes: predictions, decision values, or probabilities of the
        second class. For long data it may have further columns, one per class; for a
        wide y_true it may be a list of n_tasks arrays of shape (n_samples, 2), as
        classifiers return their probabilities.
    tasks : array-like of shape (n_samples,), default=None
        The task of each row of long data. Without it, one-dimensional labels are of
        one task.
    sample_weight : array-like of shape (n_samples,) or of y_true's shape, default=None
        Weights >= 0; a label of weight zero is left out.
    undefined : {"nan", "raise"} or float, default="nan"
        What to do with a task whose labels do not define the metric: its score is NaN,
        which averages leave out, or this number, or a ValueError names the task. A
        task without any label is NaN in any case.
    greater_is_better : bool, default=None
        Whether a greater score is a better one, for ``average("worst")``. By default
        the names of scikit-learn's functions tell: those in ``_score`` are to be
        large, those in ``_error``, ``_loss`` and ``_deviance`` small.
    **metric_params : dict
        Further parameters of a function.

    Returns
    -------
    TaskScores
        The score of each task.

    Notes
    -----
    A metric is not defined in a task where it warns that it is not
    (``UndefinedMetricWarning``) or returns NaN, and no such warning is shown. Besides,
    what is relative to the spread of the labels is not defined where all labels of the
    task are equal: R², explained variance and D², ROC AUC and average precision,
    balanced accuracy, Matthews' correlation and Cohen's kappa. scikit-learn itself
    gives some of them a value there, such as an R² of 0 or 1.

    The log-loss of a task with one class is defined: the classes are those of all
    tasks.

    Examples
    --------
    >>> from sklearn.metrics import mean_absolute_error
    >>> from linmtl.metrics import per_task
    >>> per_task(mean_absolute_error, [1, 2, 3, 4], [1, 3, 3, 6], list("aabb")).values
    array([0.5, 1. ])
    >>> nan = float("nan")
    >>> wide = per_task("roc_auc", [[0, 1], [1, nan], [0, 1]], [[1, 3], [4, 1], [2, 2]])
    >>> wide.values  # all labels of the second task are equal
    array([ 1., nan])
    """
    if callable(metric) and metric in TASK_METRICS:
        refuse_direction(metric, greater_is_better)
        return metric(
            y_true,
            y_pred,
            tasks,
            average=None,
            sample_weight=sample_weight,
            **policy(undefined),
            **metric_params,
        )
    labels = read_labels(y_true, tasks, sample_weight)
    measure = Measure(metric, greater_is_better, metric_params)
    return score_tasks(measure, labels, Given(labels, y_pred), undefined)


def refuse_direction(metric: Any, greater_is_better: bool | None) -> None:
    """Raise where a direction is given of a metric whose direction is known."""
    if greater_is_better is None:
        return
    known = True if isinstance(metric, str) else TASK_METRICS[metric].greater_is_better
    if greater_is_better is not known:
        name = metric if isinstance(metric, str) else metric.__name__
        raise ValueError(
            f"greater_is_better={greater_is_better!r}, but of {name} "
            f"{'greater' if known else 'smaller'} values are better; drop "
            "greater_is_better"
        )


class Measure:
    """A metric by name or function, with what is known of it.

    Attributes
    ----------
    name : str
    greater_is_better : bool or None
    relative : bool
        Whether it is not defined where all labels are equal.
    """

    def __init__(
        self, metric: Any, greater_is_better: bool | None, params: dict[str, Any]
    ) -> None:
        if isinstance(metric, str):
            refuse_direction(metric, greater_is_better)
            if params:
                raise ValueError(
                    f"{some(params)} was passed with the scorer {metric!r}, which has "
                    "its own parameters; pass the function of sklearn.metrics instead"
                )
            self.name, self.greater_is_better = metric, True
            self._scorer: Any = _named_scorer(metric)
        elif callable(metric):
            self.name = getattr(metric, "__name__", None) or repr(metric)
            self._scorer = None
            if greater_is_better is None:
                greater_is_better = next(
                    (
                        direction
                        for ending, direction in _DIRECTIONS.items()
                        if self.name.endswith(ending)
                    ),
                    None,
                )
            elif not isinstance(greater_is_better, (bool, np.bool_)):
                raise ValueError(
                    f"greater_is_better is {greater_is_better!r}; pass True, False or "
                    "None"
                )
            self.greater_is_better = greater_is_better
        else:
            raise ValueError(
                f"metric is {metric!r}; pass the name of a scorer, such as 'roc_auc', "
                "or a function metric(y_true, y_pred)"
            )
        self.relative = self.name in _RELATIVE
        self._of_each_class = self.name.startswith("roc_auc_ov")
        self._metric, self._params = metric, params

    def scores(
        self,
        labels: TaskRows,
        answers: Answers,
        method: str = "predict",
        classes: np.ndarray | None = None,
    ) -> Callable[[int], float]:
        """Return a function that scores the task at a position.

        Parameters
        ----------
        labels : TaskRows
            The labels of the tasks.
        answers : Answers
            What the model says of them.
        method : str, default="predict"
            What a function is given; a scorer by name knows what it needs.
        classes : ndarray, default=None
            The classes of the model; by default the distinct labels.
        """
        given = classes is not None
        classes = labels.classes if classes is None else classes
        function: Any = self._metric
        params, sign = dict(self._params), 1
        if self._metric == "neg_log_loss":
            function, method, sign = sklearn_log_loss, "predict_proba", -1
        if function is sklearn_log_loss and len(classes) > 1:
            params.setdefault("labels", classes)
        if isinstance(function, str):
            return self._by_name(labels, answers, classes, given)
        if labels.weight is not None and not _takes_weights(function):
            raise ValueError(
                f"{self.name} takes no sample_weight; drop sample_weight, or pass "
                "another metric"
            )
        try:
            parts = answers.of(method)
        except AttributeError as error:
            raise _no_probabilities(answers, error) from error

        def score(t: int) -> float:
            if labels.weight is not None:
                params["sample_weight"] = labels.weight[t]
            return sign * function(labels.y[t], parts[t], **params)

        return score

    def _by_name(self, labels, answers, classes, given):
        def score(t: int) -> float:
            kind = _Classifier if given or len(classes) <= 2 else _Regressor
            weight = {}
            # equal ones are none, which some metrics know only
            if labels.weight is not None and np.ptp(labels.weight[t]) > 0:
                weight["sample_weight"] = labels.weight[t]
            model = kind(answers, t, classes, labels.y[t])
            y = model.encoded(labels.y[t])
            if self._of_each_class and len(np.unique(y)) < len(model.classes_):
                return np.nan  # a class that is not there has no curve
            try:
                return self._scorer(model, labels.rows[t], y, **weight)
            except AttributeError as error:
                raise _no_probabilities(answers, error) from error

        return score


def _no_probabilities(answers: Answers, error: AttributeError) -> Exception:
    """Return what to raise where a scorer asks for a method that is not there."""
    if answers.has("predict_proba") or answers.has("decision_function"):
        return error
    return ValueError(
        "it needs probabilities or decision values, of which a regression has none; "
        "pass a metric of predictions, such as 'r2'"
    )


def _named_scorer(name: str) -> Any:
    try:
        return get_scorer(name)
    except ValueError as error:
        hint = closest(name, get_scorer_names())
        raise ValueError(f"{str(error).rstrip('.')}{hint}") from None


def _takes_weights(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # built in
        return False
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


class _Model(BaseEstimator):
    """A model that has already said what a scorer asks it for one task.

    Which method a named scorer calls, and what it makes of the answer, is known to
    scikit-learn alone.
    """

    def __init__(
        self, answers: Answers, t: int, classes: np.ndarray, y: np.ndarray
    ) -> None:
        self.answers = answers
        self.t = t
        self.classes_ = classes
        self.y = y

    def encoded(self, y: np.ndarray) -> np.ndarray:
        """Return labels as they are told from each other here."""
        return y

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> np.ndarray:
        return self.answers.of("predict")[self.t]


class _Regressor(RegressorMixin, _Model):
    pass


class _Classifier(ClassifierMixin, _Model):
    def __init__(self, answers, t, classes, y):
        super().__init__(answers, t, classes, y)
        self.several = len(classes) > 2
        self.used: Any = slice(None)
        if self.several and answers.has("predict_proba"):
            # metrics want the classes of a task, not all of the model
            p = answers.of("predict_proba")[t]
            used = p.any(axis=0) | np.isin(classes, y)
            if used.sum() > 1:
                self.used, self.known = used, classes[used]
                self.classes_ = np.arange(used.sum())

    def encoded(self, y):
        # numbers: of two texts metrics would not know which is positive
        return y if isinstance(self.used, slice) else np.searchsorted(self.known, y)

    def predict(self, X: Any) -> np.ndarray:
        return self.encoded(super().predict(X))

    # of several classes it is infinite for those that a task has never shown
    @available_if(
        lambda self: not self.several and self.answers.has("decision_function")
    )
    def decision_function(self, X: Any) -> np.ndarray:
        return self.answers.of("decision_function")[self.t]

    @available_if(lambda self: self.answers.has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        if len(self.classes_) < 2:
            raise ValueError(
                f"y_true has the single class {some(self.classes_)}, so that it is not "
                "known whose probability y_pred is; pass data with both classes, or a "
                "function with pos_label="
            )
        p = self.answers.of("predict_proba")[self.t]
        return np.column_stack([1.0 - p, p]) if p.ndim == 1 else p[:, self.used]


def policy(undefined: Any) -> dict[str, Any]:
    """Return the policy as a parameter; some metrics are defined everywhere."""
    is_default = isinstance(undefined, str) and undefined == "nan"
    return {} if is_default else {"undefined": undefined}


def check_undefined(undefined: Any) -> None:
    if isinstance(undefined, str):
        allowed = undefined in ("nan", "raise")
    else:
        allowed = is_number(undefined)
    if not allowed:
        raise ValueError(f"undefined is {undefined!r}; pass 'nan', 'raise' or a number")


def score_tasks(
    measure: Measure,
    labels: TaskRows,
    answers: Answers,
    undefined: Any = "nan",
    method: str = "predict",
    classes: np.ndarray | None = None,
) -> TaskScores:
    """Score every task that has a label."""
    check_undefined(undefined)
    score = measure.scores(labels, answers, method, classes)
    values = np.full(len(labels.tasks), np.nan)
    for t, y in enumerate(labels.y):
        if not len(y) or (measure.relative and np.all(y == y[0])):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error", UndefinedMetricWarning)
            try:
                values[t] = score(t)
            except UndefinedMetricWarning:
                continue
            except (ValueError, TypeError) as error:
                raise ValueError(
                    f"{measure.name} of task {some(labels.tasks[[t]])}: {error}"
                ) from error
    return settled(values, labels, measure.name, measure.greater_is_better, undefined)


def settled(
    values: np.ndarray,
    labels: TaskRows,
    name: str,
    greater_is_better: bool | None,
    undefined: Any,
) -> TaskScores:
    """Apply the policy for undefined scores."""
    check_undefined(undefined)
    unknown = np.isnan(values) & (labels.n_samples > 0)
    if unknown.any() and undefined == "raise":
        raise ValueError(
            f"{name} is not defined for the tasks {some(labels.tasks[unknown])}, by "
            "their labels (all equal, or too few); pass undefined='nan' to leave these "
            "tasks out, or the number that they are to have"
        )
    if not isinstance(undefined, str):
        values = np.where(unknown, float(undefined), values)
    return TaskScores(
        values, labels.tasks, labels.n_samples, labels.total, name, greater_is_better
    )
