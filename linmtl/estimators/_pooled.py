"""One model for all tasks, as if they were one."""

from __future__ import annotations

from dataclasses import KW_ONLY, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from linmtl.data import MultiTaskData
from linmtl.data._checks import check_choice
from linmtl.data._fit_input import FitInput
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import StackedDesign
from linmtl.designs._tied import TiedDesign
from linmtl.estimators._base import Classifier, MultiTaskModel, Regressor
from linmtl.estimators._cv import CrossValidated
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._ordinal import OrdinalClassifierCV
from linmtl.estimators._task_model import speaking_as
from linmtl.model_selection._held_out import ChosenWithout
from linmtl.penalties import Penalty, Ridge

_ALPHAS = 13  # as many as a task alone tries


class _Pooled(MultiTaskModel):
    """Ridge on one column of coefficients that all tasks use."""

    alpha: float | str
    cv: Any
    scale_features: bool | Literal["auto"]
    task_intercepts: bool

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
        coef_init: ArrayLike | None = None,
    ) -> Self:
        for name in self.__dict__.pop("_found", ()):  # by an earlier search
            self.__dict__.pop(name, None)
        given: Any = {"offset": offset, "coef_init": coef_init}
        if not self._tuned():
            return super().fit(X, y, tasks, sample_weight, **given)
        search = self._search()
        if hasattr(self, "_solution"):  # for warm_start
            search._solution = self._solution
        search.fit(X, y, tasks, sample_weight, **given)
        known = search.get_params(deep=False).keys() | vars(self).keys()
        self._found = [name for name in vars(search) if name not in known]
        parameters = search.get_params(deep=False)
        for name, value in vars(search).items():
            if name not in parameters:
                setattr(self, name, value)
        return self

    fit.__doc__ = MultiTaskModel.fit.__doc__

    def _tuned(self) -> bool:
        if isinstance(self.alpha, str) and self.alpha != "cv":
            raise ValueError(
                f"{type(self).__name__}: alpha must be a number >= 0 or 'cv', got "
                f"{self.alpha!r}"
            )
        return isinstance(self.alpha, str)

    def _search(self) -> Any:
        """Return the estimator with cross-validation that has these parameters."""
        kind = PooledClassifierCV if self._classify else PooledRegressorCV
        search = speaking_as(type(self).__name__, kind(alphas=_ALPHAS))
        mine = self.get_params(deep=False)
        del mine["alpha"]
        return search.set_params(**mine)

    def _tunes_on_folds(self) -> bool:
        return self._tuned() and self._search()._tunes_on_folds()

    def _chosen_without(self, *args: Any, **options: Any) -> ChosenWithout:
        return self._search()._chosen_without(*args, **options)

    def _rescaled(self, given: FitInput) -> FitInput:
        scale = self.scale_features
        check_choice(
            f"{type(self).__name__}: scale_features", scale, (True, False, "auto")
        )
        given = given.scaled(given.spreads()) if scale is True else given
        self.feature_scale_ = given.scales
        return given

    @property
    def _takes_absent(self):
        # without a level of its own a task that lacks a feature would be at its zero
        return bool(self.task_intercepts) or not self.fit_intercept

    def _make_penalty(self) -> Penalty:
        return Ridge(self.alpha)

    def _problem(self, given: FitInput) -> tuple[MultiTaskData, np.ndarray]:
        if not isinstance(self.task_intercepts, (bool, np.bool_)):
            raise ValueError(
                f"{type(self).__name__}: task_intercepts must be a bool, got "
                f"{self.task_intercepts!r}"
            )
        mode = self.task_weight if isinstance(self.task_weight, str) else None
        one_task = not self.task_intercepts and len(given.tasks) > 1
        if one_task and mode in ("minimax", "uncertainty"):
            raise ValueError(
                f"{type(self).__name__}: task_weight={mode!r} needs "
                "task_intercepts=True"
            )
        if not isinstance(self.alpha, str):
            self.alpha_ = self.alpha
        data = given.data
        # every sample counts the same, unless tasks are weighted
        weight = given.sample_weight if self.task_weight is None else data.weight
        if mode != "minimax":  # which divides by the null losses
            weight = weight / weight.sum()
        column = np.array(["all tasks"])
        if self.task_intercepts or len(given.tasks) == 1:
            return _tied(data, weight), column
        return _one_task(replace(data, weight=weight), self._loss()), column

    def _task_weights(self, given: FitInput) -> np.ndarray:
        total = given.data.total
        if self.task_weight is None:
            total = np.where(total > 0, given.n_samples, 0.0)
        return total / total.sum()


def _tied(data: MultiTaskData, weight: np.ndarray) -> MultiTaskData:
    """Return data whose tasks share their coefficients."""
    return replace(data, design=TiedDesign(data.design), weight=weight)


def _one_task(data, loss):
    """Return the data as those of a single task with a single intercept."""
    design, y, weight, offset = data.design, data.y, data.weight, data.offset
    if not design.is_shared():
        everything = np.array([0, design.task_ptr[-1]], dtype=np.int64)
        return replace(data, design=StackedDesign(design.X, everything))
    # One row of X with targets of several tasks stands for as many rows.
    shape = (design.n_tasks, -1)
    Y, weights = y.reshape(shape), weight.reshape(shape)
    if loss.mean_suffices and offset is None:
        total = weights.sum(axis=0)
        mean = np.divide(
            (weights * Y).sum(0), total, out=np.zeros(total.size), where=total > 0
        )
        return replace(data, design=SharedDesign(design.X, 1), y=mean, weight=total)
    # equal targets are merged, where this repeats X less than once per task
    values = np.unique(y[weight > 0])
    if values.size < design.n_tasks and offset is None:
        weights = np.array([np.where(v == Y, weights, 0.0).sum(0) for v in values])
        Y = np.repeat(values[:, None], Y.shape[1], axis=1)
    rows = np.flatnonzero(weights.ravel() > 0)
    X = sparse.csr_array(design.X) if sparse.issparse(design.X) else design.X
    part = SharedDesign(X[rows % Y.shape[1]], 1)
    return replace(
        data,
        design=part,
        y=Y.ravel()[rows],
        weight=weights.ravel()[rows],
        offset=None if offset is None else offset[rows],
    )


@estimator
class PooledRegressor(_Pooled, Regressor):
    """Ridge regression on all rows, one model for all tasks.

    Every sample counts the same, unless ``task_weight`` is given. Minimises over w
    (n_features,) and the intercepts::

        1 / S * sum_i s_i (y_i - x_i . w - b_t)^2 / 2
            + alpha / 2 * ||w||^2

    Parameters
    ----------
    alpha : float or "cv", default=0.01
        Strength, >= 0, or chosen by cross-validation.
    cv : int, "loo", splitter or iterable of (train, test), default=5
        What ``alpha="cv"`` holds out: folds, drawn within the tasks, or one observation
        at a time, as the ``...CV`` estimators have it ("loo"; not of a wide y with
        ``task_intercepts=True``).
    scale_features : bool or "auto", default="auto"
        Whether the strength is relative to the features' own scale: features are
        divided by their spread within the tasks, while coefficients are those of X as
        passed. "auto": with ``alpha="cv"``, where X is dense and spreads differ by more
        than a factor of 10.
    task_intercepts : bool, default=False
        Whether each task has an intercept of its own.
    feature_mask : array-like or DataFrame of bool, default=None
        Which features each task has, (n_features, n_tasks); only with
        ``task_intercepts=True``, where a task without a feature is not one at its zero.
    {parameters}

    Attributes
    ----------
    alpha_ : float
        The strength used.
    alphas_ : ndarray of shape (n_alphas,)
        The strengths tried, decreasing; only with ``alpha="cv"``, as are the paths that
        the ``...CV`` estimators have.
    at_bound_ : bool
        Whether the best strength is at an end of those tried, and a better one is
        likely to lie beyond; only with ``alpha="cv"``.
    feature_scale_ : ndarray of shape (n_features,)
        What the features were divided by; ones, where they were not scaled.
    {attributes}

    See Also
    --------
    IndependentRegressor : The other extreme: every task alone.

    Notes
    -----
    ``coef_`` has the same row for every task, but for zeros of features that it lacks.
    With ``alpha="cv"`` 13 strengths are 1e2 to 1e-4 times the curvature of the loss,
    and further where the best is at an end.
    For a wide Y without ``task_intercepts`` the labels of a row are averaged first:
    ``objective_`` then lacks their variance within rows, a constant.

    Examples
    --------
    >>> from linmtl import PooledRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = PooledRegressor().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    alpha: float | str = 0.01
    _: KW_ONLY
    cv: Any = 5
    scale_features: bool | Literal["auto"] = "auto"
    task_intercepts: bool = False


@estimator
class PooledClassifier(_Pooled, Classifier):
    """L2-penalised logistic regression on all rows, one model for all tasks.

    Every sample counts the same, unless ``task_weight`` is given. y_i is +1 for the
    second class and -1 for the first. Minimises over w (n_features,) and the
    intercepts::

        1 / S * sum_i s_i log(1 + exp(-y_i (x_i . w + b_t)))
            + alpha / 2 * ||w||^2

    Parameters
    ----------
    alpha : float or "cv", default=0.01
        Strength, >= 0, or chosen by cross-validation.
    cv : int, "loo", splitter or iterable of (train, test), default=5
        What ``alpha="cv"`` holds out: folds, drawn within the tasks, or one observation
        at a time, as the ``...CV`` estimators have it ("loo"; not of a wide y with
        ``task_intercepts=True``).
    scale_features : bool or "auto", default="auto"
        Whether the strength is relative to the features' own scale: features are
        divided by their spread within the tasks, while coefficients are those of X as
        passed. "auto": with ``alpha="cv"``, where X is dense and spreads differ by more
        than a factor of 10.
    task_intercepts : bool, default=False
        Whether each task has an intercept of its own.
    feature_mask : array-like or DataFrame of bool, default=None
        Which features each task has, (n_features, n_tasks); only with
        ``task_intercepts=True``, where a task without a feature is not one at its zero.
    {parameters}

    Attributes
    ----------
    alpha_ : float
        The strength used.
    alphas_ : ndarray of shape (n_alphas,)
        The strengths tried, decreasing; only with ``alpha="cv"``, as are the paths that
        the ``...CV`` estimators have.
    at_bound_ : bool
        Whether the best strength is at an end of those tried, and a better one is
        likely to lie beyond; only with ``alpha="cv"``.
    feature_scale_ : ndarray of shape (n_features,)
        What the features were divided by; ones, where they were not scaled.
    {classes}
    {attributes}

    See Also
    --------
    IndependentClassifier : The other extreme: every task alone.

    Notes
    -----
    ``coef_`` has the same row for every task, but for zeros of features that it lacks.
    With ``alpha="cv"`` 13 strengths are 1e2 to 1e-4 times the curvature of the loss,
    and further where the best is at an end.

    Examples
    --------
    >>> from linmtl import PooledClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = PooledClassifier().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    alpha: float | str = 0.01
    _: KW_ONLY
    cv: Any = 5
    scale_features: bool | Literal["auto"] = "auto"
    task_intercepts: bool = False


@parameters
class _PooledCV(CrossValidated):
    """Mixin: pooled with an intercept for each task, the strength chosen."""

    alpha: float | str = "cv"
    task_intercepts: bool = True

    def _penalty_at(self, setting: dict[str, Any], alpha: float) -> Penalty:
        return Ridge(alpha)

    def _problem(self, given: FitInput) -> tuple[MultiTaskData, np.ndarray]:
        if self._leaves_one_out and self.task_intercepts and given.layout == "wide":
            raise ValueError(
                f"{type(self).__name__}: cv='loo' is not for a wide y with "
                "task_intercepts=True; pass a number of folds, or long data"
            )
        return super()._problem(given)


@parameters
class PooledRegressorCV(_PooledCV, PooledRegressor):
    """What models that share are compared with; not public."""


@parameters
class PooledClassifierCV(_PooledCV, PooledClassifier):
    """What models that share are compared with; not public."""


@parameters
class PooledOrdinalClassifierCV(OrdinalClassifierCV):
    """One model with thresholds of each task; not public."""

    def _problem(self, given: FitInput) -> tuple[MultiTaskData, np.ndarray]:
        weight = given.sample_weight
        return _tied(given.data, weight / weight.sum()), np.array(["all tasks"])

    def _task_weights(self, given: FitInput) -> np.ndarray:
        total = np.where(given.data.total > 0, given.n_samples, 0.0)
        return total / total.sum()
