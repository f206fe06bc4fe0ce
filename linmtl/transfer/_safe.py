"""A way back from sharing: each task blends the shared model with its own."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, Self

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_classifier

from linmtl.auto._combined import (
    FIT_DOC,
    Combined,
    blended,
    documented,
    observation_losses,
)
from linmtl.auto._held_out import held_out_rows
from linmtl.auto._weights import Rows, best_weights, stacked
from linmtl.data._canonical import MultiTaskData
from linmtl.data._checks import check_number
from linmtl.estimators._base import MultiTaskModel, PlainClassifier, PlainRegressor
from linmtl.estimators._by_loss import loss_of, loss_told
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._independent import IndependentClassifier, IndependentRegressor
from linmtl.losses import Loss
from linmtl.model_selection._jobs import run_jobs

_OWN = {
    "safe_parameters": """\
cv : int, splitter or iterable of (train, test), default=5
    Number of folds, drawn within the tasks (stratified by class for classifiers); or
    the folds. A task with fewer rows than folds is never held out, and has the weight
    that all tasks have in common.
shrinkage : float or "auto", default="auto"
    "auto": the fewer rows a task has, the closer is its weight to one that all tasks
    have in common, as far as held-out rows say; least loss over all tasks. A number
    >= 0 keeps each task from harm, where some have little in common with the others
    and few rows: how much evidence it takes to leave the baseline, the strength of a
    ridge on ``a_t`` beside the log-likelihood of the held-out rows. 0 trusts these as
    they are; a task that is never held out stays with the baseline.""",
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


class _SafeTransfer(Combined):
    """Stack a shared model on each task's own, with weights from held-out rows."""

    def __init__(
        self,
        estimator: MultiTaskModel | None = None,
        baseline: MultiTaskModel | None = None,
        *,
        cv: Any = 5,
        shrinkage: float | Literal["auto"] = "auto",
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal["error", "mean"] = "error",
        random_state: int | np.random.RandomState | None = 0,
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
        *,
        offset: ArrayLike | None = None,
    ) -> Self:
        baseline, estimator = self._blended()
        shrinkage = None
        if self.shrinkage != "auto":
            shrinkage = check_number("shrinkage", self.shrinkage, 0.0)
        inner = baseline, estimator
        incomplete = all(model._takes_absent for model in inner)
        passed = self._read(X, y, tasks, sample_weight, inner, offset, incomplete)
        data = passed.given.data
        masks = passed.folds(self.cv, self.random_state)
        if self.baseline is None:
            baseline.set_params(**passed.tuning([~mask for mask in masks]))
        eta = self._fit_both(passed, masks, (baseline, estimator))
        used = np.any(masks, axis=0)
        rows = held_out_rows(passed, masks, eta[used], estimator._loss())
        if shrinkage is None:
            weights = stacked(rows).weights
        else:
            weights = _drawn_to_baseline(rows, shrinkage)
        a = np.where(passed.given.single_class, 0.0, weights[:, 1])
        self.weights_ = a
        weight = np.where(used, passed.weight, 0.0)
        own, shared = np.moveaxis(eta, -1, 0)
        share = a[passed.given.code].reshape(-1, *(1,) * (own.ndim - 1))
        both, loss = own + (shared - own) * share, rows.loss
        self.held_out_loss_ = {
            "baseline": _task_losses(data, weight, own, loss),
            "estimator": _task_losses(data, weight, shared, loss),
            "blend": _task_losses(data, weight, both, loss),
        }
        parts = zip((1.0 - a, a), (self.baseline_, self.estimator_), strict=True)
        models = [(weight, *passed.linear(model)) for weight, model in parts]
        self._set_linear(passed.given, *blended(models))
        self.n_iter_ = max(self.baseline_.n_iter_, self.estimator_.n_iter_)
        return self

    fit.__doc__ = FIT_DOC

    def _fit_both(self, passed, masks, models) -> np.ndarray:
        """Fit both models to all rows, and return what they predict held out.

        Of the shape (n_observations, 2), with an axis for several classes between.
        """
        jobs = [
            delayed(passed.fit)(model, keep)
            for keep in [None, *(~mask for mask in masks)]
            for model in models
        ]
        fitted = run_jobs(jobs, self.n_jobs)
        (self.baseline_, self.estimator_), *pairs = zip(
            fitted[::2], fitted[1::2], strict=True
        )
        shape = passed.given.data.y.size, *passed.given.class_axis, 2
        eta = np.zeros(shape)
        for mask, pair in zip(masks, pairs, strict=True):
            for k, model in enumerate(pair):
                eta[mask, ..., k] = passed.predict(*passed.linear(model))[mask]
        return eta

    def _blended(self) -> tuple[Any, Any]:
        """Return the models to blend, checked: the baseline and the estimator."""
        kinds = (MultiTaskRegressor, IndependentRegressor)
        if self._classify:
            kinds = (MultiTaskClassifier, IndependentClassifier)
        estimator: Any = self._inner("estimator", kinds[0]())
        same: Any = {"fit_intercept": estimator.fit_intercept, **loss_of(estimator)}
        same["feature_mask"] = getattr(estimator, "feature_mask", None)
        alone = kinds[1]("cv", **same)
        baseline = self._inner("baseline", alone)
        shared, own = (loss_told(model._loss()) for model in (estimator, baseline))
        if shared != own:
            raise ValueError(
                f"{type(self).__name__}: estimator has {shared} and baseline {own}; "
                "only predictors of one loss can be blended"
            )
        return baseline, estimator


def _task_losses(
    data: MultiTaskData, weight: np.ndarray, eta: np.ndarray, loss: Loss
) -> np.ndarray:
    """Return the mean loss of each task at predictors, NaN without weight."""
    total = data.task_sum(weight)
    sums = data.task_sum(weight * observation_losses(data, eta, loss))
    return np.divide(sums, total, out=np.full(total.size, np.nan), where=total > 0)


def _drawn_to_baseline(rows: Rows, shrinkage: float) -> np.ndarray:
    """Return weights of two models in each task, with a ridge on that of the second."""
    alone, ridge = np.array([1.0, 0.0]), np.diag([0.0, shrinkage])
    weights = []
    for own in rows.of_tasks():
        unit = 1.0
        if rows.loss.quadratic and own.y.size:
            a = best_weights(own, np.zeros((2, 2)), alone)
            unit = 2.0 * own.value(a) / own.weight.sum()
        weights.append(best_weights(own, unit * ridge, alone) if own.y.size else alone)
    return np.array(weights)


@partial(documented, _OWN, "mean squared error")
class SafeTransferRegressor(_SafeTransfer, PlainRegressor):
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
        for each task alone, in fewer than five folds where rows are few.
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
    By default the weights are those of :class:`linmtl.AutoRegressor` with the two
    models and ``selection="stack"``. With a number, the mean squared error ``L_t(a)``
    on the held-out rows, the sum of their weights ``S_t`` and ``s_t^2`` the least
    ``L_t(a)``, they minimise ``S_t L_t(a) / (2 s_t^2) + shrinkage / 2 * a^2`` over
    [0, 1]. Sample weights count as repetitions.

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


@partial(documented, _OWN, "log loss")
class SafeTransferClassifier(_SafeTransfer, PlainClassifier):
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
        regression for each task alone, in fewer than five folds where rows are few.
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
    By default the weights are those of :class:`linmtl.AutoClassifier` with the two
    models and ``selection="stack"``. With a number, the log loss ``L_t(a)`` on the
    held-out rows and the sum of their weights ``S_t``, they minimise
    ``S_t L_t(a) + shrinkage / 2 * a^2`` over [0, 1]. A task with a single class stays
    with the baseline.

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

    @property
    def _takes_classes(self):
        return self._loss().several


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
