"""How certain are coefficients and scores? Intervals by the bootstrap."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.metrics import mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_random_state

from linmtl.data._checks import check_choice, check_count, is_number
from linmtl.data._labels import codes_of, split_task_column
from linmtl.data._rows import TaskRows
from linmtl.data._weights import read_sample_weight
from linmtl.metrics import TaskScorer, make_task_scorer
from linmtl.metrics._labels import read_labels
from linmtl.model_selection._jobs import run_jobs

METHODS = ("percentile", "basic")
# Draws of one resample before giving up on every task keeping its labels.
_MAX_DRAWS = 100


@dataclass(frozen=True, eq=False, repr=False)
class ScoreIntervals:
    """Scores of each task on the rows that were not drawn.

    Parameters
    ----------
    mean, low, high : ndarray of shape (n_tasks,)
        Mean and percentiles over the resamples; NaN for a task that was scored in
        none.
    values : ndarray of shape (n_resamples, n_tasks)
        The scores; NaN where all labels of a task were drawn or the metric is not
        defined by the others.
    tasks : ndarray of shape (n_tasks,)
        Task labels, in the order of ``tasks_``.
    metric : str
        The name of the metric.

    See Also
    --------
    bootstrap_intervals : Makes them, with an example.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    values: np.ndarray
    tasks: np.ndarray
    metric: str

    def __repr__(self) -> str:
        n_resamples, n_tasks = self.values.shape
        return (
            f"ScoreIntervals({self.metric} of {n_tasks} tasks, {n_resamples} resamples)"
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each task.

        Returns
        -------
        DataFrame
            Scores and their intervals.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "task": self.tasks,
                "mean": self.mean,
                "low": self.low,
                "high": self.high,
                "n_resamples": np.count_nonzero(~np.isnan(self.values), axis=0),
            }
        )


@dataclass(frozen=True, eq=False, repr=False)
class BootstrapIntervals:
    """Intervals for the coefficients of a model, and its scores.

    Parameters
    ----------
    coef : ndarray of shape (n_tasks, n_features)
        The coefficients fitted to all rows. Of more than two classes these and all that
        follows have an axis for the classes before the last, NaN for one that a task
        does not have.
    coef_low, coef_high : ndarray of the shape of coef
        The ends of the intervals.
    standard_error : ndarray of the shape of coef
        Standard deviation over the resamples.
    selected : ndarray of the shape of coef
        Share of the resamples in which the coefficient is not zero.
    resamples : ndarray of shape (n_resamples, n_tasks, n_features)
        The coefficients fitted to each resample.
    scores : ScoreIntervals
        Scores of each task on the rows that were not drawn.
    tasks : ndarray of shape (n_tasks,)
        Task labels, in the order of ``tasks_``.
    feature_names : ndarray of shape (n_features,)
        Names of the columns, ``x0``, ``x1``, ... where X has none.
    method : {"percentile", "basic"}
        How the intervals are made.
    confidence_level : float
        The share of resamples inside.
    classes : ndarray of shape (n_classes,), default=None
        The classes, where there are more than two.

    See Also
    --------
    bootstrap_intervals : Makes them, with an example.
    """

    coef: np.ndarray
    coef_low: np.ndarray
    coef_high: np.ndarray
    standard_error: np.ndarray
    selected: np.ndarray
    resamples: np.ndarray
    scores: ScoreIntervals
    tasks: np.ndarray
    feature_names: np.ndarray
    method: str
    confidence_level: float
    classes: np.ndarray | None = None

    def __repr__(self) -> str:
        n_resamples, n_tasks, *_, n_features = self.resamples.shape
        return (
            f"BootstrapIntervals({n_tasks} tasks, {n_features} features, "
            f"{self.method} at {self.confidence_level:g}, {n_resamples} resamples)"
        )

    def interval(
        self, method: str = "percentile", confidence_level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return other intervals from the same resamples.

        Parameters
        ----------
        method : {"percentile", "basic"}, default="percentile"
            Percentiles, or these reflected: see :func:`bootstrap_intervals`.
        confidence_level : float, default=0.95
            The share of resamples inside.

        Returns
        -------
        low, high : ndarray of the shape of coef
            The ends of the intervals.
        """
        _check_interval(method, confidence_level)
        return _interval(self.coef, self.resamples, method, confidence_level)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each task, class and feature.

        Returns
        -------
        DataFrame
            Coefficients and their intervals.
        """
        import pandas as pd

        n_tasks, n_features = len(self.coef), self.coef.shape[-1]
        of_classes = {}
        if self.classes is not None:
            each = np.repeat(self.classes, n_features)
            of_classes["class"] = np.tile(each, n_tasks)
        return pd.DataFrame(
            {
                "task": np.repeat(self.tasks, self.coef[0].size),
                **of_classes,
                "feature": np.tile(self.feature_names, self.coef.size // n_features),
                "coef": self.coef.ravel(),
                "low": self.coef_low.ravel(),
                "high": self.coef_high.ravel(),
                "standard_error": self.standard_error.ravel(),
                "selected": self.selected.ravel(),
            }
        )


def _check_interval(method: Any, confidence_level: Any) -> None:
    check_choice("method", method, METHODS)
    if not (is_number(confidence_level) and 0 < confidence_level < 1):
        raise ValueError(
            f"confidence_level is {confidence_level!r}; pass a number between 0 and 1, "
            "such as 0.95"
        )


def _interval(
    estimate: np.ndarray, resamples: np.ndarray, method: str, level: float
) -> tuple[np.ndarray, np.ndarray]:
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(resamples, [tail, 1.0 - tail], axis=0)
    if method == "basic":
        low, high = 2.0 * estimate - high, 2.0 * estimate - low
    return low, high


class _Resampler:
    """Draws rows within each task, as the number of times that each is drawn.

    Attributes
    ----------
    n : int
        Number of rows.
    blocks : list of ndarray
        Rows that are drawn among themselves: those of a task, or all rows of wide
        data, whose tasks share them.
    musts : list of lists of ndarray
        For each block, sets of rows one of which is to be drawn: the labels of each
        task and, for a classifier, of each class of a task.
    """

    def __init__(self, labels: TaskRows, classify: bool) -> None:
        self.n = labels.shape[0]
        sets: list[list[np.ndarray]] = []
        for rows, y in zip(labels.rows, labels.y, strict=True):
            classes = np.unique(y) if classify else []
            sets.append([rows[y == c] for c in classes] if classify else [rows])
        if len(labels.shape) == 1:
            self.blocks, self.musts = labels.rows, sets
        else:
            self.blocks = [np.unique(np.concatenate(labels.rows))]
            self.musts = [[rows for group in sets for rows in group]]
        self.tasks = labels.tasks

    def draw(self, rng: np.random.RandomState) -> np.ndarray:
        counts = np.zeros(self.n, dtype=np.int64)
        for block, musts in zip(self.blocks, self.musts, strict=True):
            for _ in range(_MAX_DRAWS):
                drawn = rng.randint(len(block), size=len(block))
                counts[block] = np.bincount(drawn, minlength=len(block))
                if all(counts[rows].any() for rows in musts):
                    break
            else:
                fewest = min(len(rows) for rows in musts)
                raise ValueError(
                    f"of {_MAX_DRAWS} draws of {len(block)} rows none kept a label of "
                    "every task, and of each of its classes; the "
                    f"scarcest has {fewest}: drop the tasks with the fewest labels"
                )
        return counts


def bootstrap_intervals(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    n_resamples: int = 200,
    confidence_level: float = 0.95,
    method: str = "percentile",
    metric: Any = None,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
) -> BootstrapIntervals:
    """Fit a model to resampled rows, for intervals of its coefficients and scores.

    Parameters
    ----------
    estimator : estimator
        A multi-task estimator of linmtl, or a pipeline that ends in one, fitted or not;
        it is cloned. One that chooses its strengths by cross-validation does so in each
        resample, and the steps of a pipeline are fitted to the rows drawn; coefficients
        are those of the columns that the steps make.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Targets or classes, in any layout that the estimator takes.
    tasks : array-like of shape (n_samples,), default=None
        The task label of each row.
    sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
        Weights >= 0. A row is drawn with the same probability whatever its weight.
    offset : float or array-like of shape (n_samples,) or of y's shape, default=None
        A known part of the linear predictor, drawn with its row.
    n_resamples : int, default=200
        Number of resamples, at least 2. The ends of an interval at 0.95 rest on 2.5 %
        of them.
    confidence_level : float, default=0.95
        The share of the resamples inside an interval.
    method : {"percentile", "basic"}, default="percentile"
        Percentiles of the resampled coefficients; or these reflected about the
        estimate, ``2 coef - percentile``, which takes what the resamples deviate from
        the estimate as what the estimate deviates from the truth.
    metric : str, callable or TaskScorer, default=None
        The score of the rows that were not drawn, as :func:`linmtl.metrics.per_task`
        takes it (values are not negated); by default the mean squared error, or the
        accuracy.
    random_state : int, RandomState instance or None, default=None
        An integer gives the same resamples in every call, whatever ``n_jobs`` is.
    n_jobs : int, default=None
        Resamples fitted at the same time, through joblib.

    Returns
    -------
    BootstrapIntervals
        Intervals, standard errors, how often each coefficient is chosen, and scores.

    Raises
    ------
    ValueError
        If an argument is not allowed, or if a task has so few labels that resamples
        lose them.

    Notes
    -----
    The labelled rows of each task are drawn with replacement, as many as there are;
    the tasks of wide data share their rows, which are drawn together. A draw is
    repeated if it leaves a task without a label or without one of its classes,
    which matters for tasks with very few labels only. A row drawn k times counts as a
    weight of k, so that folds of a cross-validation within the resample never share a
    row.

    The intervals tell how far the *penalised* coefficients move with the data. They do
    not correct that a penalty draws coefficients towards zero or towards each other,
    and they are not confidence intervals for coefficients that a penalty sets to zero
    [2]_; see ``selected`` for those. Rows have to be independent within their task.

    The score of the rows that were not drawn (about 37 %) is of a model fitted to 63 %
    of the different rows, and so a little pessimistic.

    References
    ----------
    .. [1] Efron, Tibshirani, "An Introduction to the Bootstrap", 1993.
    .. [2] Chatterjee, Lahiri, "Bootstrapping lasso estimators", Journal of the American
       Statistical Association 106, 2011.

    Examples
    --------
    >>> from linmtl import L21Regressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.inference import bootstrap_intervals
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> result = bootstrap_intervals(
    ...     L21Regressor(0.1), X, y, tasks, n_resamples=20, random_state=0
    ... )
    >>> bool((result.coef_low <= result.coef_high).all())
    True
    >>> result.scores
    ScoreIntervals(mean_squared_error of 10 tasks, 20 resamples)
    """
    _check_interval(method, confidence_level)
    n_resamples = check_count("n_resamples", n_resamples, 2)
    classify = is_classifier(estimator)
    if isinstance(metric, TaskScorer):
        scorer = metric
    else:
        if metric is None:
            last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
            usual: Any = "accuracy" if classify else mean_squared_error
            metric = getattr(last, "_metric", None) or usual
        scorer = make_task_scorer(metric)
    steps: Any = None
    last: Any = estimator
    if isinstance(estimator, Pipeline):
        last = estimator[-1]
        steps = estimator[:-1] if len(estimator) > 1 else None
    if "sample_weight" not in inspect.signature(last.fit).parameters:
        raise _not_ours(last)
    given: dict[str, Any] = {} if tasks is None else {"tasks": tasks}
    if sample_weight is not None:
        given["sample_weight"] = sample_weight
    known = {} if offset is None else {"offset": offset}
    whole: Any = clone(last)
    Z, made = X, []
    if steps is not None:
        fitted: Any = clone(steps)
        fitted.fit(X, y)
        Z, made = fitted.transform(X), [fitted]
    whole.fit(Z, y, **given, **known)
    if not (hasattr(whole, "coef_") and hasattr(whole, "tasks_")):
        raise _not_ours(last)
    column = getattr(last, "task_column", None)
    labelled = tasks if column is None else split_task_column(Z, column)[1]
    labels = read_labels(y, labelled, sample_weight)
    weight = read_sample_weight(sample_weight, labels.shape)
    resampler = _Resampler(labels, classify)
    seeds = check_random_state(random_state).randint(2**31 - 1, size=int(n_resamples))
    done = run_jobs(
        (
            delayed(_on_resample)(
                seed, resampler, steps, last, X, y, tasks, weight, labels, scorer, known
            )
            for seed in seeds
        ),
        n_jobs,
    )
    coef = _of_tasks(whole)
    if any(coefs.shape != coef.shape for coefs, _ in done):
        raise ValueError(
            "the steps of the pipeline make more or fewer columns of some resamples "
            f"than the {coef.shape[-1]} of all rows: their coefficients cannot be "
            "compared; choose features before"
        )
    resamples = np.array([coefs for coefs, _ in done])
    low, high = _interval(coef, resamples, method, float(confidence_level))
    values = np.array([scores for _, scores in done])
    return BootstrapIntervals(
        coef=coef,
        coef_low=low,
        coef_high=high,
        standard_error=resamples.std(axis=0, ddof=1),
        selected=np.where(np.isnan(coef), np.nan, np.mean(resamples != 0, axis=0)),
        resamples=resamples,
        scores=_score_intervals(
            values, whole.tasks_, scorer.name, float(confidence_level)
        ),
        tasks=whole.tasks_,
        feature_names=feature_names([whole, *made], coef.shape[-1]),
        method=method,
        confidence_level=float(confidence_level),
        classes=whole._all_classes if coef.ndim > 2 else None,
    )


def _of_tasks(model: Any) -> np.ndarray:
    """Return coefficients with an axis for the tasks, of several classes a second."""
    coef = np.asarray(model.coef_)
    by_class = getattr(model, "_coef_by_class", False)
    return coef[None] if coef.ndim < 2 + by_class else coef


def _on_resample(
    seed: int,
    resampler: _Resampler,
    steps: Pipeline | None,
    last: Any,
    X: Any,
    y: Any,
    tasks: Any,
    weight: np.ndarray,
    labels: TaskRows,
    scorer: TaskScorer,
    known: dict[str, Any],
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients on drawn rows, and the score of each task on the others."""
    counts = resampler.draw(np.random.RandomState(seed))
    times = counts if weight.ndim == 1 else counts[:, None]
    if steps is not None:
        drawn = np.repeat(np.arange(len(counts)), counts)
        rows = X.tocsr() if sparse.issparse(X) else X
        fitted: Any = clone(steps)
        fitted.fit(_safe_indexing(rows, drawn), _safe_indexing(y, drawn))
        X = fitted.transform(X)
    model: Any = clone(last)
    fit_tasks = {} if tasks is None else {"tasks": tasks}
    model.fit(X, y, sample_weight=weight * times, **fit_tasks, **known)
    unused = weight * (times == 0)
    scores = np.full(len(model.tasks_), np.nan)
    if any(np.any(counts[rows] == 0) for rows in labels.rows):
        found = scorer.per_task(model, X, y, tasks, unused, **known)
        scores[codes_of(found.tasks, model.tasks_)] = found.values
    return _of_tasks(model), scores


def _not_ours(estimator: Any) -> ValueError:
    return ValueError(
        f"{type(estimator).__name__} does not fit weighted rows to coef_ and tasks_; "
        "pass a multi-task estimator of linmtl, or a pipeline that ends in one"
    )


def feature_names(makers: list[Any], n_features: int) -> np.ndarray:
    """Return the names that the model knows, or what the steps before it made."""
    for maker in makers:
        names = getattr(maker, "coef_feature_names_", None)
        if names is None:
            names = getattr(maker, "feature_names_in_", None)
        if isinstance(maker, Pipeline) and names is not None:
            names = maker.get_feature_names_out()
        if names is not None and len(names) == n_features:
            return np.asarray(names)
    return np.array([f"x{j}" for j in range(n_features)])


def _score_intervals(
    values: np.ndarray, tasks: np.ndarray, metric: str, level: float
) -> ScoreIntervals:
    tail = (1.0 - level) / 2.0
    mean, low, high = np.full((3, len(tasks)), np.nan)
    for t, column in enumerate(values.T):
        scored = column[~np.isnan(column)]
        if len(scored):
            mean[t] = scored.mean()
            low[t], high[t] = np.quantile(scored, [tail, 1.0 - tail])
    return ScoreIntervals(mean, low, high, values, tasks, metric)
