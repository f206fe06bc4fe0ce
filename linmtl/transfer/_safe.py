"""A way back from sharing: each task blends the shared model with its own."""

from __future__ import annotations

import inspect
import numbers
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any, TypeVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.utils import _safe_indexing, check_random_state, indexable

from linmtl._cross_validation import fold_of_observations
from linmtl._validation import (
    FitInput,
    check_settings,
    read_fit,
    read_sample_weight,
)
from linmtl.estimators._base import Classifier, MultiTaskModel, Regressor
from linmtl.estimators._docs import _fill
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._independent import IndependentClassifier, IndependentRegressor
from linmtl.model_selection import TaskKFold
from linmtl.similarity._read import check_number

TEXTS = {
    "layout_parameters": """\
task_column : str or int, default=None
    The column of X that holds the task labels (name or position), instead of
    ``tasks=``. Set here, not in the estimators inside.
task_order : array-like, default=None
    The order of the tasks; sorted by default. Not for wide Y, whose columns are the
    tasks.
handle_unknown : {"error", "mean"}, default="error"
    What to do when predicting for a task not seen in fit: raise an error that names
    it, or use the mean of the tasks' models.
random_state : int, RandomState instance or None, default=0
    For a number of folds, and what else is drawn.
n_jobs : int, default=None
    Models fitted at the same time, through joblib.""",
    "linear_attributes": """\
coef_ : ndarray of shape (n_tasks, n_features)
    Coefficients. For one task (1-D y without tasks): (n_features,) for regressors and
    (1, n_features) for classifiers.
intercept_ : ndarray of shape (n_tasks,)
    Intercepts; a float for a regressor with one task (1-D y without tasks).
tasks_ : ndarray of shape (n_tasks,)
    Task labels.
n_iter_ : int
    Iterations, the most of any model fitted to all data.
n_features_in_ : int
    Number of columns of X in fit, the task column included.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Names of the columns of X, where they have names.
coef_feature_names_ : ndarray of shape (n_features,)
    Names of the columns of ``coef_``, where they have names.""",
    "classes": """\
classes_ : ndarray of shape (2,)
    The class labels, over all tasks.""",
    "safe_parameters": """\
cv : int, splitter or iterable of (train, test), default=5
    Number of folds, drawn within the tasks (stratified by class for classifiers); or
    the folds. A task with fewer rows than folds is never held out, and stays with the
    baseline.
shrinkage : float, default=4.0
    How much evidence it takes to leave the baseline, >= 0: the strength of a ridge on
    ``a_t`` beside the log-likelihood of the held-out rows. 0 trusts these as they
    are.""",
    "safe_attributes": """\
weights_ : ndarray of shape (n_tasks,)
    ``a_t``, the weight of the shared model in each task.
held_out_loss_ : dict of ndarray of shape (n_tasks,)
    Held-out {loss} of "baseline", "estimator" and "blend" (the last with
    the ``weights_`` chosen on the same rows, so a little too good); NaN for a task
    never held out.
estimator_, baseline_ : estimator
    Both, fitted to all data.""",
}
T = TypeVar("T", bound=type)


def documented(texts: dict[str, str], loss: str, cls: T) -> T:
    """Fill in what several docstrings share; `loss` is what the texts call it."""
    document = _fill(inspect.cleandoc(cls.__doc__), TEXTS | texts)
    cls.__doc__ = _fill(document, {"loss": loss})
    return cls


class Passed:
    """The arguments of a `fit`, to fit other estimators on parts of them.

    Attributes
    ----------
    given : FitInput
        The same, checked, in the canonical order of observations.
    weight : ndarray of shape (n_observations,)
        Sample weights; zero for a missing label and for tasks with a single class.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        X: Any,
        y: Any,
        tasks: Any,
        sample_weight: Any,
    ):
        y, tasks = (list(v) if isinstance(v, Iterator) else v for v in (y, tasks))
        self.given: FitInput = read_fit(
            model, X, y, tasks, sample_weight, model._classify
        )
        self.X, y, self.tasks = indexable(X, y, tasks)
        self.y = y if hasattr(y, "shape") else np.asarray(y)
        self.settings = {"task_column": model.task_column}
        self.wide = self.given.layout == "wide"
        if not self.wide:
            self.settings["task_order"] = model.task_order
        n, T = self.given.n_rows, len(self.given.tasks)
        weight = read_sample_weight(sample_weight, (n, T) if self.wide else (n,))
        self.sample_weight = None if sample_weight is None else weight
        flat = weight.T.ravel() if self.wide else weight[self.given.rows]
        self.weight = np.where(self.given.data.weight > 0, flat, 0.0)

    @property
    def code(self) -> np.ndarray:
        """The task of each observation, a position in ``given.tasks``."""
        sizes = np.diff(self.given.data.task_ptr)
        return np.repeat(np.arange(sizes.size), sizes)

    def part(
        self, keep: np.ndarray | None = None, chosen: np.ndarray | None = None
    ) -> dict[str, Any]:
        """Return the arguments of `fit` for some observations of some tasks.

        Parameters
        ----------
        keep : ndarray of bool of shape (n_observations,), default=None
            The observations; all by default.
        chosen : ndarray of int, default=None
            The tasks, positions in ``given.tasks``; all by default.
        """
        X, y, tasks, weight = self.X, self.y, self.tasks, self.sample_weight
        if self.wide:
            n, T = self.given.n_rows, len(self.given.tasks)
            if keep is not None:
                weight = np.ones((n, T)) if weight is None else weight
                weight = weight * keep.reshape(T, n).T
            if chosen is not None:
                y = _safe_indexing(y, chosen, axis=1)
                weight = None if weight is None else weight[:, chosen]
        elif keep is not None or chosen is not None:
            used = np.ones(self.given.rows.size, dtype=bool) if keep is None else keep
            if chosen is not None:
                used = used & np.isin(self.code, chosen)
            rows = np.sort(self.given.rows[used])
            X, y = _safe_indexing(X, rows), _safe_indexing(y, rows)
            tasks = None if tasks is None else _safe_indexing(tasks, rows)
            weight = None if weight is None else weight[rows]
        return {"X": X, "y": y, "tasks": tasks, "sample_weight": weight}

    def prepared(self, model: MultiTaskModel) -> MultiTaskModel:
        """Return a copy that reads the data as the estimator around it does."""
        return clone(model).set_params(**self.settings)

    def fit(
        self,
        model: MultiTaskModel,
        keep: np.ndarray | None = None,
        chosen: np.ndarray | None = None,
    ) -> MultiTaskModel:
        """Fit a copy of a model on some observations of some tasks."""
        with warnings.catch_warnings():
            if keep is not None:  # of all data it is worth saying
                warnings.filterwarnings("ignore", "these tasks have a single class")
            return self.prepared(model).fit(**self.part(keep, chosen))

    def predict(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the linear predictor of each observation, of models by row."""
        data = self.given.data
        eta = np.empty(data.y.size)
        data.design.predict(np.ascontiguousarray(W.T, dtype=float), eta)
        return eta + np.repeat(b, np.diff(data.task_ptr))

    def folds(self, cv: Any, random_state: Any) -> list[np.ndarray]:
        """Return masks of the observations that are held out, one for each fold.

        A task that a fold would leave without a training row is not held out there.
        """
        given = self.given
        if isinstance(cv, numbers.Integral) and not isinstance(cv, (bool, np.bool_)):
            if cv < 2:
                raise ValueError(f"cv must be at least 2 folds, got {cv!r}")
            cv = self._splits(int(cv), check_random_state(random_state))
        elif isinstance(cv, (bool, np.bool_)):
            raise ValueError(f"cv must be a number of folds or a splitter, got {cv!r}")
        fold = fold_of_observations(given, given.data, cv)
        masks = []
        for k in range(int(fold.max()) + 1):
            tested = (fold == k) & (self.weight > 0)
            left = given.data.task_sum(self.weight * ~tested)
            masks.append(tested & (left > 0)[self.code])
        if not any(mask.any() for mask in masks):
            raise ValueError(
                "cv holds out no row of any task that has others to learn from; pass "
                "another cv, or more rows"
            )
        return masks

    def _splits(self, n_splits, rng):
        given = self.given
        splitter = TaskKFold(
            n_splits,
            shuffle=True,
            random_state=rng,
            stratify=given.classes is not None,
        )
        if given.n_rows < 2:
            raise ValueError(
                "cross-validation needs at least 2 samples, got "
                f"n_samples={given.n_rows}"
            )
        if self.wide:
            Y = np.where(self.weight > 0, given.data.y, np.nan)
            Y = Y.reshape(len(given.tasks), -1).T
            return list(splitter.split(np.zeros((given.n_rows, 1)), Y))
        order = np.argsort(given.rows, kind="stable")
        rows = given.rows[order]
        parts = splitter.split(
            np.zeros((rows.size, 1)), given.data.y[order], self.code[order]
        )
        return [(rows[train], rows[test]) for train, test in parts]


class Combined(MultiTaskModel):
    """Base: linear models that are put together from those of other estimators."""

    def _inner(self, name: str, default: MultiTaskModel) -> MultiTaskModel:
        """Return the estimator of a parameter, checked."""
        model = getattr(self, name)
        if model is None:
            return default
        if not isinstance(model, MultiTaskModel):
            raise TypeError(
                f"{type(self).__name__}: {name} must be one of linmtl's estimators, "
                f"got {model!r}"
            )
        if model._classify != self._classify:
            kind = "classifier" if self._classify else "regressor"
            raise ValueError(
                f"{type(self).__name__}: {name} must be a {kind}, got {model!r}"
            )
        column = model.task_column
        if column is not None and column != self.task_column:
            raise ValueError(
                f"{type(self).__name__}: {name} has task_column={column!r}; set "
                f"task_column={column!r} here, and it is passed on"
            )
        return model

    def _read(self, X, y, tasks, sample_weight) -> Passed:
        check_settings(self, self._losses)
        return Passed(self, X, y, tasks, sample_weight)

    def _adopt(self, given: FitInput, W: np.ndarray, b: np.ndarray) -> None:
        """Set the fitted attributes of linear models, one row of W for each task."""
        self._layout = given.layout
        self.tasks_ = given.tasks
        self.coef_ = np.ascontiguousarray(W, dtype=given.data.design.dtype)
        self.intercept_ = b
        if given.classes is not None:
            self.classes_ = given.classes
        elif given.layout == "single":
            self.coef_, self.intercept_ = self.coef_[0], float(b[0])
        if given.feature_names is not None:
            self.coef_feature_names_ = given.feature_names
        elif hasattr(self, "coef_feature_names_"):
            del self.coef_feature_names_  # of an earlier fit


def linear(model: MultiTaskModel) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients, (n_tasks, n_features), and intercepts."""
    return np.atleast_2d(model.coef_).astype(float), np.atleast_1d(model.intercept_)


def observation_losses(data: Any, eta: np.ndarray, classify: bool) -> np.ndarray:
    """Return the squared error or the log loss of each observation."""
    return np.logaddexp(0.0, -data.y * eta) if classify else (data.y - eta) ** 2


class _SafeTransfer(Combined):
    """Stack a shared model on each task's own, with weights from held-out rows."""

    def __init__(
        self,
        estimator: MultiTaskModel | None = None,
        baseline: MultiTaskModel | None = None,
        *,
        cv: Any = 5,
        shrinkage: float = 4.0,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: str = "error",
        random_state: Any = 0,
        n_jobs: int | None = None,
    ):
        self.estimator = estimator
        self.baseline = baseline
        self.cv = cv
        self.shrinkage = shrinkage
        self.task_column = task_column
        self.task_order = task_order
        self.handle_unknown = handle_unknown
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> _SafeTransfer:
        kinds = (MultiTaskRegressor, IndependentRegressor)
        if self._classify:
            kinds = (MultiTaskClassifier, IndependentClassifier)
        estimator = self._inner("estimator", kinds[0]())
        alone = kinds[1]("cv", fit_intercept=estimator.fit_intercept)
        baseline = self._inner("baseline", alone)
        shrinkage = check_number("shrinkage", self.shrinkage, 0.0)
        passed = self._read(X, y, tasks, sample_weight)
        data = passed.given.data
        masks = passed.folds(self.cv, self.random_state)
        jobs = [
            delayed(passed.fit)(model, keep)
            for keep in [None, *(~mask for mask in masks)]
            for model in (baseline, estimator)
        ]
        fitted = Parallel(n_jobs=self.n_jobs)(jobs)
        (self.baseline_, self.estimator_), *pairs = zip(
            fitted[::2], fitted[1::2], strict=True
        )
        own, shared = np.zeros(data.y.size), np.zeros(data.y.size)
        for mask, pair in zip(masks, pairs, strict=True):
            for eta, model in zip((own, shared), pair, strict=True):
                eta[mask] = passed.predict(*linear(model))[mask]
        weight = np.where(np.any(masks, axis=0), passed.weight, 0.0)
        blend = blend_logistic if self._classify else blend_squared
        a = blend(data.y, own, shared, weight, data.task_sum, shrinkage)
        self.weights_ = a
        mixed = own + a[passed.code] * (shared - own)
        total = data.task_sum(weight)
        self.held_out_loss_ = {}
        for name, eta in (("baseline", own), ("estimator", shared), ("blend", mixed)):
            loss = data.task_sum(weight * observation_losses(data, eta, self._classify))
            self.held_out_loss_[name] = np.divide(
                loss, total, out=np.full(total.size, np.nan), where=total > 0
            )
        (W, b), (V, c) = linear(self.baseline_), linear(self.estimator_)
        self._adopt(passed.given, W + a[:, None] * (V - W), b + a * (c - b))
        self.n_iter_ = max(self.baseline_.n_iter_, self.estimator_.n_iter_)
        return self

    fit.__doc__ = MultiTaskModel.fit.__doc__


def blend_squared(y, own, shared, weight, task_sum, shrinkage):
    """Return for each task the weight of the shared predictions, (n_tasks,).

    The minimiser over [0, 1] of ``S L(a) / (2 s^2) + shrinkage / 2 * a^2``, with L the
    mean squared error of a task, S the sum of its weights and s^2 the least L.
    """
    residual, step = y - own, shared - own
    along = task_sum(weight * residual * step)
    square, total = task_sum(weight * step**2), task_sum(weight)
    free = np.clip(_ratio(along, square), 0.0, 1.0)
    least = task_sum(weight * residual**2) - free * (2 * along - free * square)
    variance = np.maximum(_ratio(least, total), 0.0)
    return np.clip(_ratio(along, square + shrinkage * variance), 0.0, 1.0)


def blend_logistic(y, own, shared, weight, task_sum, shrinkage):
    """Return for each task the weight of the shared linear predictor, (n_tasks,).

    The minimiser over [0, 1] of ``S L(a) + shrinkage / 2 * a^2``, with L the log loss
    of a task and S the sum of its weights: y is -1 or +1.
    """
    step = shared - own
    counts = task_sum(np.ones(y.size)).astype(int)

    def slope(a):
        eta = own + np.repeat(a, counts) * step
        return task_sum(-weight * y * step * expit(-y * eta)) + shrinkage * a

    low, high = np.zeros(counts.size), np.ones(counts.size)
    at_zero, at_one = slope(low) >= 0, slope(high) <= 0
    for _ in range(60):
        middle = (low + high) / 2
        up = slope(middle) > 0
        low, high = np.where(up, low, middle), np.where(up, middle, high)
    return np.where(at_zero, 0.0, np.where(at_one, 1.0, (low + high) / 2))


def _ratio(a, b):
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


@partial(documented, {}, "mean squared error")
class SafeTransferRegressor(_SafeTransfer, Regressor):
    """Blend a multi-task model with each task's own, as held-out rows advise.

    The prediction for task t is ``a_t * estimator + (1 - a_t) * baseline`` with a_t
    from 0 to 1 by the squared error on held-out rows: a task that sharing hurts goes
    back to what it learns alone. Both parts are linear, and so is the result.

    Parameters
    ----------
    estimator : regressor, default=None
        Any of linmtl's, also with cross-validation inside; by default
        ``MultiTaskRegressor()``, an L21 penalty.
    baseline : regressor, default=None
        What to go back to; by default ``IndependentRegressor("cv")``, ridge regression
        for each task alone.
    {safe_parameters}
    {layout_parameters}

    Attributes
    ----------
    {safe_attributes}
    {linear_attributes}

    See Also
    --------
    SafeTransfer : The regressor or the classifier, as the estimator is.
    negative_transfer_report : Whether sharing helps or hurts each task.

    Notes
    -----
    With the mean squared error ``L_t(a)`` on the held-out rows, the sum of their
    weights ``S_t`` and ``s_t^2`` the least ``L_t(a)``, the weight minimises
    ``S_t L_t(a) / (2 s_t^2) + shrinkage / 2 * a^2`` over [0, 1], in closed form.

    The ridge pulls to the baseline, not to a weight common to all tasks: that would
    help related tasks a little, and drag along the one that has nothing in common with
    them. Sample weights count as repetitions.

    References
    ----------
    Wolpert (1992), Stacked generalization.
    Breiman (1996), Stacked regressions.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import MeanRegularizedRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.transfer import SafeTransferRegressor
    >>> X, y, tasks = make_multitask_regression(
    ...     n_tasks=6, structure="mean_deviation", n_samples=30, random_state=0
    ... )
    >>> y = np.where(tasks == 3, -y, y)  # an outlier
    >>> model = SafeTransferRegressor(MeanRegularizedRegressor(1.0)).fit(X, y, tasks)
    >>> int(np.argmin(model.weights_))
    3
    """


@partial(documented, {}, "log loss")
class SafeTransferClassifier(_SafeTransfer, Classifier):
    """Blend a multi-task classifier with each task's own, as held-out rows advise.

    The linear predictor (log odds) for task t is ``a_t * estimator + (1 - a_t) *
    baseline`` with a_t from 0 to 1 by the log loss on held-out rows: a task that
    sharing hurts goes back to what it learns alone.

    Parameters
    ----------
    estimator : classifier, default=None
        Any of linmtl's, also with cross-validation inside; by default
        ``MultiTaskClassifier()``, an L21 penalty.
    baseline : classifier, default=None
        What to go back to; by default ``IndependentClassifier("cv")``, logistic
        regression for each task alone.
    {safe_parameters}
    {layout_parameters}

    Attributes
    ----------
    {safe_attributes}
    {classes}
    {linear_attributes}

    See Also
    --------
    SafeTransfer : The regressor or the classifier, as the estimator is.
    negative_transfer_report : Whether sharing helps or hurts each task.

    Notes
    -----
    With the log loss ``L_t(a)`` on the held-out rows and the sum of their weights
    ``S_t``, the weight minimises ``S_t L_t(a) + shrinkage / 2 * a^2`` over [0, 1], a
    convex problem in one dimension. A task with a single class stays with the baseline.

    References
    ----------
    Wolpert (1992), Stacked generalization.
    Breiman (1996), Stacked regressions.

    Examples
    --------
    >>> from linmtl.datasets import make_multitask_classification
    >>> from linmtl.transfer import SafeTransferClassifier
    >>> X, y, tasks = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = SafeTransferClassifier().fit(X, y, tasks)
    >>> bool(((model.weights_ >= 0) & (model.weights_ <= 1)).all())
    True
    """


def SafeTransfer(
    estimator: MultiTaskModel, baseline: MultiTaskModel | None = None, **options: Any
) -> SafeTransferRegressor | SafeTransferClassifier:
    """Return a `SafeTransferRegressor` or a `SafeTransferClassifier`.

    Parameters
    ----------
    estimator : estimator
        The multi-task model; it says which of the two.
    baseline : estimator, default=None
        What to go back to; by default each task alone.
    **options
        The other parameters.

    Returns
    -------
    SafeTransferRegressor or SafeTransferClassifier
        Not fitted.

    Examples
    --------
    >>> from linmtl import L21Classifier
    >>> from linmtl.transfer import SafeTransfer
    >>> SafeTransfer(L21Classifier(0.02), cv=10)
    SafeTransferClassifier(cv=10, estimator=L21Classifier(alpha=0.02))
    """
    if not isinstance(estimator, BaseEstimator):
        raise TypeError(f"estimator must be one of linmtl's, got {estimator!r}")
    kind = SafeTransferClassifier if is_classifier(estimator) else SafeTransferRegressor
    return kind(estimator, baseline, **options)
