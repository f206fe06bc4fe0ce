"""Mixed-effects estimators: strengths by the likelihood, without cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from linmtl.data._checks import (
    check_choice,
    check_count,
    check_flag,
    is_whole,
)
from linmtl.data._fit_input import FitInput
from linmtl.data._read import read_fit
from linmtl.data._task_table import described, read_task_table, rows_of_tasks
from linmtl.data._warn import warn
from linmtl.estimators._docs import chosen, estimator, parameters
from linmtl.estimators._mixed_summary import MixedEffectsSummary, origin_and_units
from linmtl.estimators._predictions import PredictsClasses, PredictsTargets, TaskClasses
from linmtl.estimators._settings import UNKNOWN, check_stopping
from linmtl.estimators._statistics import FitsStatistics
from linmtl.estimators._task_model import TaskModel
from linmtl.losses import Logistic, Loss, Squared
from linmtl.mixed._covariance import COVARIANCES
from linmtl.mixed._fit import Choices, fit_logistic, fit_mixed
from linmtl.mixed._model import MixedModel, Uncertainty

_TEXTS = {
    "parameters": f"""\
fit_intercept : bool, default=True
    Whether each task has an intercept.
{chosen("parameters", "task_column", "task_order", "feature_mask")}
handle_unknown : {{"mean", "error"}}, default="mean"
    What to do when predicting for a task not seen in fit: use the common model, or
    raise an error that names it.
max_iter : int, default=200
    Steps of Newton's method at most.
tol : float, default=1e-6
    Largest duality gap of the penalised problem at the strengths found, relative to its
    null model, at which a fit has converged.""",
    "attributes": chosen("attributes", "coef_", "intercept_", "tasks_")
    + """
coef_mean_ : ndarray of shape (n_features,)
    Coefficients that the tasks have in common, m; with ``task_features``, those of a
    task with mean numbers.
intercept_mean_ : float
    The intercept that they have in common; the mean of the tasks' own, where these are
    free.
task_coef_ : ndarray of shape (n_features, n_task_features)
    How coefficients change with the numbers of ``task_features``; only with these.
task_intercept_ : ndarray of shape (n_task_features,)
    How the random intercept does.
covariance_ : ndarray of shape (n_random, n_random)
    Sigma, of the random intercept if there is one and of all features. A variance of
    zero is an answer: all tasks have that coefficient in common. So it is for features
    that are constant within every task, which tell tasks apart as an intercept does.
log_likelihood_ : float
    The restricted log-likelihood (``method="reml"``) or the log-likelihood, constants
    included.
"""
    + chosen(
        "attributes",
        "new_tasks_",
        "dual_gap_",
        "tol_",
        "n_features_in_",
        "feature_names_in_",
        "coef_feature_names_",
        "feature_mask_",
    )
    + """
objective_ : float
    The penalised problem at the strengths found: half the squared residuals plus half
    ``noise^2 (w_t - m)' Sigma^-1 (w_t - m)``, over the mean number of rows of a task.
converged_ : bool
    Whether the likelihood is at its maximum and ``dual_gap_ <= tol_``.
n_iter_ : int
    Steps of Newton's method.""",
}


@parameters
class _MixedEffects(TaskModel):
    """Each task has coefficients around those that all have in common, and how far they
    may be from these is estimated, for each feature::

        eta_i = x_i . w_t + b_t,    w_t = m + u_t,    u_t ~ N(0, Sigma)

    for the rows i of task t, y_i being eta_i plus noise (regression), or having it for
    its log-odds (classification). The common m is free, or ``w_t = M z_t + u_t`` with
    numbers z_t of the tasks. The variances maximise the likelihood: nothing is tuned,
    no row is held out. Given them, the coefficients minimise a penalised problem in
    which a feature is drawn to the common one by the noise over its variance.

    Parameters
    ----------
    covariance : {"diagonal", "scalar", "shrunk", "full", "low_rank"}, \
default="diagonal"
        Sigma: "diagonal", a variance for each feature and the intercept; "scalar", one
        for all features and one for the intercept; "full", any covariance; "shrunk",
        the mean of "diagonal" and "full", in which the latter counts half, or more
        where the likelihood asks for it ("diagonal" with more correlations than tasks);
        "low_rank", a diagonal plus ``n_components`` factors.
        Only "full" is the same model wherever zero is, and "scalar" needs features in
        the same units: a warning names features to centre or to scale.
    n_components : int, default=2
        The number of factors of ``covariance="low_rank"``.
    random_intercept : bool, default=True
        Whether intercepts are drawn to a common one as coefficients are; otherwise they
        are free.
    random_features : array-like of str or int, default=None
        The features whose coefficients differ between tasks, by name or position; None
        for all, an empty list for a random intercept alone.
    task_features : dict, DataFrame or array-like, default=None
        Numbers that are known of each task: by label (the index of a DataFrame), and
        then also of tasks to predict that have no rows in fit; or of shape (n_tasks,
        n_task_features), in the order of ``tasks_``.
    noise : {"shared", "task"}, default="shared"
        One noise level, or one for each task, drawn to the common one.
    method : {"reml", "ml"}, default="reml"
        Restricted maximum likelihood, or maximum likelihood.
    shrink_mean : bool or "auto", default="auto"
        Whether the common coefficients have a normal prior, whose variance is
        estimated, too. "auto": where there are more than ten, the intercept included,
        or more than half as many as rows. lme4 has none.

    See Also
    --------
    MeanRegularized{kind}CV : One strength for all features, by cross-validation.
    {generic} : Any penalty.

    References
    ----------
    Laird, Ware (1982), Random-effects models for longitudinal data.
    Gilmour, Thompson, Cullis (1995), Average information REML.
    Smyth (2004), Linear models and empirical Bayes methods (noise of tasks).
    """

    fit_intercept: bool = True
    handle_unknown: Literal["error", "mean"] = "mean"
    feature_mask: ArrayLike | None = None
    max_iter: int = 200
    tol: float = 1e-6

    covariance: str
    n_components: int
    random_features: ArrayLike | None
    task_features: Any
    method: str
    shrink_mean: bool | Literal["auto"]

    task_weight: ClassVar[None] = None  # tasks count by their rows
    _takes_absent: ClassVar[bool] = True
    _texts = _TEXTS
    _losses: ClassVar[tuple[str, ...]]
    _targets: ClassVar[Loss]
    _estimate: ClassVar[Callable[..., MixedModel]]
    _learn: ClassVar[Callable[..., tuple[np.ndarray, Uncertainty]]]

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Estimate covariance, noise and the coefficients of all tasks.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels. A feature
            that is NaN in every row of a task is one that the task does not have: its
            rows say nothing of it, as if it were zero there.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets. Two dimensions: one column per task, all tasks sharing X (NaN:
            label not observed). One dimension: one target per row, of the task that
            ``tasks`` or ``task_column`` says (NaN: not observed), or of the only task.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0: a row of weight 2 counts as two rows. Weights of lme4 are
            precisions: there it is one row with half the variance.
        offset : float or array-like of shape (n_samples,) or of y's shape, default=None
            A known part of the linear predictor, for ``predict`` too then.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter is not allowed; the message says why.
        """
        self._check()
        given = read_fit(
            self,
            X,
            y,
            tasks,
            sample_weight,
            self._targets,
            _no_losses,
            offset,
            incomplete=True,
        )
        self.__dict__.pop("statistics_", None)  # sums of an earlier fit
        data = replace(given.data, weight=given.sample_weight)
        self._table = read_task_table(
            self.task_features, given.tasks, self, "task_features"
        )
        self._centre = np.zeros(0)
        if self._table is not None:
            self._centre = rows_of_tasks(self._table, given.tasks).mean(axis=0)
        choices = Choices(
            covariance=self.covariance,
            n_components=self.n_components,
            random_intercept=getattr(self, "random_intercept", True),
            random_features=self._random(given),
            noise=getattr(self, "noise", "shared"),
            restricted=self.method == "reml",
            shrink_mean=self.shrink_mean,
            max_iter=self.max_iter,
        )
        Z = self._descriptors(given.tasks)
        self._model = model = self._estimate(data, Z, choices)
        self._added: list[Uncertainty] = []
        self._store(given, model)
        self.log_likelihood_ = model.log_likelihood
        self._warn(given, model)
        return self

    def _check(self):
        name = type(self).__name__
        check_choice(f"{name}: covariance", self.covariance, COVARIANCES)
        check_choice(f"{name}: method", self.method, ("reml", "ml"))
        shrinks = (True, False, "auto")
        check_choice(f"{name}: shrink_mean", self.shrink_mean, shrinks)
        check_choice(f"{name}: handle_unknown", self.handle_unknown, UNKNOWN)
        check_flag(f"{name}: fit_intercept", self.fit_intercept)
        check_count(f"{name}: n_components", self.n_components)
        check_stopping(self)

    def _random(self, given):
        """Return the features whose coefficients differ, (n_features,)."""
        d, name = given.data.design.n_features, type(self).__name__
        if self.random_features is None:
            return np.ones(d, dtype=bool)
        known = [] if given.feature_names is None else list(given.feature_names)
        out = np.zeros(d, dtype=bool)
        for feature in np.atleast_1d(np.asarray(self.random_features, dtype=object)):
            if feature in known:
                out[known.index(feature)] = True
            elif is_whole(feature) and -d <= feature < d:
                out[feature] = True
            else:
                raise ValueError(
                    f"{name}: random_features has {feature!r}, which is neither the "
                    f"name nor the position of one of {d} features"
                )
        return out

    def _descriptors(self, tasks):
        """Return a one and the numbers of each task about their mean."""
        if not self._centre.size:
            return np.ones((len(tasks), 1))
        Z = rows_of_tasks(self._table, tasks) - self._centre
        return np.column_stack([np.ones(len(Z)), Z])

    def _store(self, given: FitInput, model: MixedModel) -> None:
        coef = model.coefficients()
        self._set_linear(given, coef[:, 1:], coef[:, 0])
        steps = np.eye(1 + self._centre.size)
        steps[1:, 0] = 1.0
        mean = model.mean(steps)
        self.coef_mean_, self.intercept_mean_ = mean[0, 1:], float(mean[0, 0])
        for attribute in ("task_coef_", "task_intercept_"):
            self.__dict__.pop(attribute, None)  # of an earlier fit
        if self._centre.size:
            self.task_coef_ = (mean[1:, 1:] - mean[0, 1:]).T
            self.task_intercept_ = mean[1:, 0] - mean[0, 0]
        self.covariance_ = model.covariance
        self.objective_, self.dual_gap_, null = model.certificate()
        self.tol_ = self.tol * null + 1e-13 * model.likelihood.size
        self.n_iter_ = model.n_iter
        self.converged_ = bool(model.converged and self.dual_gap_ <= self.tol_)

    def _warn(self, given, model):
        self._warn_of_classes(given)
        for text in origin_and_units(self, model):
            warn(f"{type(self).__name__}: {text}")
        if not self.converged_:
            warn(
                f"{type(self).__name__}: the likelihood was not at its maximum after "
                f"{model.n_iter} steps, or the duality gap of {self.dual_gap_:.3e} is "
                f"above the tolerance of {self.tol_:.3e}; increase max_iter or tol, or "
                "choose a simpler covariance",
                ConvergenceWarning,
            )

    def _consensus(self):
        return self.coef_mean_, self.intercept_mean_

    @property
    def coef_std_(self) -> np.ndarray:
        """Standard errors of ``coef_``, of its shape."""
        check_is_fitted(self)
        V = self._uncertainty().covariance[: len(self.tasks_)]
        d = np.shape(self.coef_)[-1]
        std = np.sqrt(np.maximum(np.einsum("tjj->tj", V)[:, -d:], 0.0))
        for mine, present in zip(std, self._present(), strict=False):
            mine[~present] = 0.0
        return std[0] if self._layout == "single" else std

    def coef_covariance(self, task: Any) -> np.ndarray:
        """Return the covariance of the errors of a task's intercept and coefficients.

        Parameters
        ----------
        task : str or number
            The label of the task.

        Returns
        -------
        ndarray of shape (n_random, n_random)
            Rows and columns as those of ``covariance_``, zero for features that the
            task does not have.

        Raises
        ------
        ValueError
            If there is no such task.
        """
        check_is_fitted(self)
        position = np.flatnonzero(self.tasks_ == task)
        if position.size == 0:
            raise ValueError(f"task={task!r} is not one of tasks_")
        V = self._uncertainty().covariance[position[0]].copy()
        for present in self._present()[position[0] :][:1]:
            absent = np.flatnonzero(~present) - present.size  # the last are features
            V[absent] = V[:, absent] = 0.0
        return V

    def _present(self) -> np.ndarray:
        """Return which features each task has; of none where all have all."""
        d = np.shape(self.coef_)[-1]
        return getattr(self, "feature_mask_", np.ones((0, d), dtype=bool))

    def _uncertainty(self) -> Uncertainty:
        """Return that of all tasks, and last that of one that is unknown."""
        model = self._model
        mean = model.unknown(self._mean_descriptor())
        known = model.known(np.arange(self._n_fitted))
        return Uncertainty.joined([known, *self._added, mean])

    def _mean_descriptor(self):
        return np.eye(1, 1 + self._centre.size)

    def _knowing(self, labels):
        model = super()._knowing(labels)
        new = model.tasks_[len(self.tasks_) :]
        if new.size:
            unknown = self._model.unknown(self._descriptors(new))
            model._added = [*self._added, unknown]
        return model

    def _of_numbers(self, tasks):
        # one by one: no digit depends on what else is asked for
        Z = self._descriptors(tasks)
        mean = np.vstack([self._model.mean(z[None]) for z in Z])
        return mean[:, 1:], mean[:, 0]

    def fit_new_task(
        self,
        X: Any,
        y: ArrayLike,
        name: Any,
        *,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Learn a task that was not there in fit, from a few rows of its own.

        Its coefficients are the best prediction given the common model, the covariance
        and the noise as they were estimated, which stay as they are.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples of the new task; with ``task_column``, that column has its name.
        y : array-like of shape (n_samples,)
            Targets, or labels of the classes in ``classes_``; missing ones are left
            out.
        name : str or number
            The label of the task, of the type of those in ``tasks_``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.

        Returns
        -------
        self : object
            The estimator, with the new task.

        Raises
        ------
        ValueError
            If an argument is not allowed; the message says why.
        """
        check_is_fitted(self)
        label = self._read_name(name, "auto")
        X, y, weight, shift = self._read_rows(X, y, sample_weight, label, offset)
        known = described(self._table, label).size
        Z = self._descriptors(label) if known else self._mean_descriptor()
        rows = (X, y, weight, Z, shift) if self._classify else (X, y - shift, weight, Z)
        row, uncertainty = self._learn(self._model, *rows)
        self.coef_ = np.vstack([self.coef_, row[1:].astype(self.coef_.dtype)])
        self.intercept_ = np.append(self.intercept_, row[0])
        self.tasks_ = np.concatenate([self.tasks_, label])
        if isinstance(self, PredictsClasses) and isinstance(self.classes_, list):
            more: Any = TaskClasses([*self.classes_, self._all_classes])
            self.classes_ = more
        self._added = [*self._added, uncertainty]
        found = getattr(self, "new_tasks_", {})
        self.new_tasks_ = {**found, label[0].item(): {"how": "mean", "alpha": None}}
        return self

    def summary(self) -> MixedEffectsSummary:
        """Return a table of what was estimated.

        Returns
        -------
        MixedEffectsSummary
            It prints as text; ``to_frame()`` has the common coefficients as a
            DataFrame.
        """
        check_is_fitted(self)
        return MixedEffectsSummary.of(self, self._model)


def _no_losses(data):
    return np.zeros(data.design.n_tasks)


@estimator
class MixedEffectsRegressor(
    FitsStatistics, PredictsTargets, RegressorMixin, _MixedEffects
):
    """Linear mixed-effects model: every task between its own and the common model.

    Attributes
    ----------
    noise_ : float, or ndarray of shape (n_tasks,)
        Standard deviation of the noise, that of each task with ``noise="task"``.

    Examples
    --------
    >>> from linmtl import MixedEffectsRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = MixedEffectsRegressor().fit(X, y, tasks)
    >>> y_pred, std = model.predict(X[:3], tasks[:3], return_std=True)
    >>> y_pred.shape, std.shape
    ((3,), (3,))
    """

    covariance: str = "diagonal"
    _: KW_ONLY
    n_components: int = 2
    random_intercept: bool = True
    random_features: ArrayLike | None = None
    task_features: Mapping[Any, ArrayLike] | ArrayLike | None = None
    noise: str = "shared"
    method: str = "reml"
    shrink_mean: bool | Literal["auto"] = "auto"

    _losses = ("squared",)
    _targets = Squared()

    def _loss(self) -> Loss:
        return Squared()

    def predict(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        return_std: bool = False,
        *,
        offset: ArrayLike | None = None,
    ) -> Any:
        """Predict the target of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.
        return_std : bool, default=False
            Whether to return the standard deviation of the target, too: of what is not
            known of the task, and of the noise.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.
            A wide Y: also one column per task.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_tasks)
            One prediction per row; one column per task for a model fitted on a wide Y,
            unless `tasks` says which to take.
        std : ndarray of the same shape
            Only with ``return_std``.
        """
        given: Any = list(tasks) if isinstance(tasks, Iterator) else tasks
        y = self._eta(X, given, offset)
        return (y, self._std(X, given)) if return_std else y

    _estimate = staticmethod(fit_mixed)
    _learn = staticmethod(MixedModel.of_new_task)

    def _check(self):
        super()._check()
        name = type(self).__name__
        check_choice(f"{name}: noise", self.noise, ("shared", "task"))
        check_flag(f"{name}: random_intercept", self.random_intercept)

    def _store(self, given, model):
        super()._store(given, model)
        shared = self.noise == "shared"
        self.noise_ = float(model.noise[0]) if shared else model.noise

    def _std(self, X, tasks):
        model, X, codes = self._read_predict(X, tasks)
        X = np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=float)
        every, n_tasks = model._uncertainty(), len(model.tasks_)
        levels = self._model.noise
        usual = np.sqrt(np.mean(levels**2))
        noise = np.append(levels, np.full(n_tasks + 1 - levels.size, usual))
        present = np.ones((n_tasks + 1, X.shape[1]), dtype=bool)
        present[: len(self._present())] = self._present()

        def std(codes):
            rows = np.where(present[codes], X, 0.0)
            return np.sqrt(every.variance(rows, codes) + noise[codes] ** 2)

        if codes is not None:
            return std(np.where(codes < 0, n_tasks, codes))
        of_tasks = [std(np.full(len(X), t)) for t in range(n_tasks)]
        return of_tasks[0] if self._layout == "single" else np.column_stack(of_tasks)


class _AllTasks(Logistic):
    """Labels of which a task may have one kind only: the common model serves it."""

    drawn = True


@estimator
class MixedEffectsClassifier(PredictsClasses, ClassifierMixin, _MixedEffects):
    """Logistic mixed-effects model: every task between its own and the common one.

    Notes
    -----
    The likelihood of labels has no closed form. It is Laplace's approximation, with
    deviations and common coefficients integrated out about their joint mode; ``"ml"``
    leaves the latter out, as lme4 does with ``nAGQ = 0``. Variances found so are too
    small where tasks have few rows of each class. Intercepts are always random.

    Examples
    --------
    >>> from linmtl import MixedEffectsClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = MixedEffectsClassifier().fit(X, y, tasks)
    >>> model.predict_proba(X[:3], tasks[:3]).shape
    (3, 2)
    """

    covariance: str = "diagonal"
    _: KW_ONLY
    n_components: int = 2
    random_features: ArrayLike | None = None
    task_features: Mapping[Any, ArrayLike] | ArrayLike | None = None
    method: str = "reml"
    shrink_mean: bool | Literal["auto"] = "auto"
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None

    _losses = ("logistic",)
    _classify = True
    _targets = _AllTasks()
    _estimate = staticmethod(fit_logistic)
    _learn = staticmethod(MixedModel.of_new_labels)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _loss(self) -> Loss:
        return Logistic()
