"""Estimators that try several models, and take the best or stack them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, RegressorMixin

from linmtl.auto._candidates import default_models, named
from linmtl.auto._combined import (
    FIT_DOC,
    FitArguments,
    blended,
    check_inside,
    documented,
    require_linear,
)
from linmtl.auto._held_out import HeldOut, Judge
from linmtl.auto._leaderboard import (
    Choice,
    corrected_loss,
    leaderboard,
    lowest,
    simplest,
)
from linmtl.auto._weights import stacked
from linmtl.data._checks import check_choice
from linmtl.data._fit_input import FitInput
from linmtl.data._read import read_fit
from linmtl.data._warn import warn
from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._by_loss import loss_told
from linmtl.estimators._docs import losses_told, parameters
from linmtl.estimators._fill import fill
from linmtl.estimators._predictions import PredictsClasses, PredictsTargets
from linmtl.estimators._settings import UNKNOWN, check_losses
from linmtl.estimators._task_model import TaskModel
from linmtl.losses import LOSSES, Loss
from linmtl.model_selection._jobs import run_jobs

_OWN = {
    "auto_parameters": """\
models : list of estimators or (name, estimator), default=None
    What to try, from simple to complex: estimators of linmtl that tune themselves or
    have nothing to tune, all with the same loss. None stands for pooled (without and
    with an intercept for each task), independent, mixed effects, mean-regularised, L21
    and trace norm (about zero and about a common model), clustered, adaptive robust;
    each that has a strength with 12 of them, in three folds. Of more than two classes
    and with another `loss` those of them that take these.
{loss_parameters}
selection : {"stack", "best", "1se"}, default="stack"
    Give the models weights in each task, not negative, with a sum of one, by the
    held-out rows of the task and, the fewer it has, by those of all; or take for all
    tasks the model with the lowest held-out loss ("best"), or the first of `models`
    whose loss is within one standard error of it (of the difference between the two).
cv : int, splitter or iterable of (train, test), default=5
    Number of folds, drawn within the tasks (stratified by class for classifiers); or
    the folds. All models are judged on the same ones, and tuned within their training
    parts.""",
    "progress": """\
verbose : int, default=0
    Whether to say after each model and fold how many are done, and when all may be.""",
    "auto_attributes": """\
leaderboard_ : Leaderboard
    Held-out {loss} of each model; ``print(leaderboard_)`` shows a
    table, ``to_frame()`` makes a DataFrame.
best_ : str
    The name of the model taken, or of the one that would be.
best_estimator_ : estimator
    That model, fitted to all data.
estimators_ : dict
    The models that predictions are made of, fitted to all data, by name.
weights_ : ndarray of shape (n_tasks, n_models)
    What each has in each task; columns as ``held_out_.models``. A task that is never
    held out has the weights that are best for all others.
shrinkage_ : float
    How many rows of all tasks together count beside a task's own; only with
    ``selection="stack"``.
loss_ : float
    Held-out {loss} of what was made, corrected for the luck of the
    model chosen (of the strength of the shrinkage, for a stack, which is judged with
    weights from the other folds).
loss_interval_ : tuple of float
    Its 95 % interval by the bootstrap, for models trained on as many rows as in a fold;
    all rows make better ones where there are few.
held_out_ : HeldOut
    Losses and predictions of each model for each held-out row.""",
}


@dataclass(eq=False, repr=False)
class _Auto(TaskModel):
    """Judge models on the same held-out rows, and put together what is best."""

    models: Sequence[Any] | None = None
    _: KW_ONLY
    loss: str | None = None
    selection: Literal["stack", "best", "1se"] = "stack"
    cv: Any = 5
    random_state: int | np.random.RandomState | None = 0
    n_jobs: int | None = None
    verbose: int = 0

    fit_intercept: ClassVar[bool] = True
    task_weight: ClassVar[None] = None  # each row counts the same
    _takes_absent: ClassVar[bool] = True
    _losses: ClassVar[tuple[str, ...]]  # the first is the default

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        judge, models = self._judge(X, y, tasks, sample_weight, offset, groups)
        found, failed = judge.held_out(models, self._loss(), self.n_jobs, self.verbose)
        found, best, weights, fitted = self._fit_chosen(judge, models, found, failed)
        self._tell(failed)
        self.held_out_, self.weights_ = found, weights
        self.best_ = found.models[best]
        self.best_estimator_ = fitted[self.best_]
        self.estimators_ = {
            m: fitted[m]
            for m, w in zip(found.models, weights.T, strict=True)
            if w.any()
        }
        self.leaderboard_ = leaderboard(
            found.models,
            found.units(),
            found.seconds,
            weights.mean(axis=0),
            self._loss().score.name,
        )
        self._set_models(judge.passed)
        self.n_iter_ = max(getattr(m, "n_iter_", 1) for m in self.estimators_.values())
        return self

    fit.__doc__ = re.sub(
        r"(?=\n\n +Returns)",
        """
        groups : array-like of shape (n_samples,), default=None
            Rows with the same label are held out together (the visits of a patient, the
            days of a sensor), here and where models are tuned; standard errors are
            those of groups.""",
        FIT_DOC,
        count=1,
    )

    def held_out_losses(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what `fit` would be worth, without a model of all rows.

        The models that predict a row are not fitted to it, and their weights, or the
        choice between them, come from the other folds.

        Parameters
        ----------
        X, y, tasks, sample_weight, offset, groups
            As for `fit`.

        Returns
        -------
        row : ndarray of int of shape (n_held_out,)
            Rows of X; of a wide y those of each task in turn.
        loss : ndarray of shape (n_held_out,)
            The loss on each.
        """
        judge, models = self._judge(X, y, tasks, sample_weight, offset, groups)
        found, failed = judge.held_out(models, self._loss(), self.n_jobs, self.verbose)
        self._tell(failed)
        if not found.models:
            raise self._nothing_left(failed)
        if self.selection == "stack":
            rows = judge.rows(found, self._loss())
            stack = stacked(rows)
            eta = stack.eta[list(stack.strengths).index(stack.strength)]
            return found.row, rows.loss.score.factor * rows.loss.value(rows.y, eta)
        choose, loss = self._choice(), np.empty(found.row.size)
        for k in np.unique(found.fold):
            held = found.fold == k
            # of a single fold there are no others
            others = found.units() if held.all() else found.units(rows=~held)
            loss[held] = found.losses[choose(others, None), held]
        return found.row, loss

    def _judge(self, X, y, tasks, sample_weight, offset, groups) -> tuple[Judge, dict]:
        """Read the arguments of a fit, and return what judges the models, and these."""
        name = type(self).__name__
        check_choice(f"{name}: selection", self.selection, ("best", "1se", "stack"))
        check_choice(f"{name}: handle_unknown", self.handle_unknown, UNKNOWN)
        models = self._checked_models()
        # a model that is not for features that differ is left out
        passed = FitArguments(self, X, y, tasks, sample_weight, offset, incomplete=True)
        if models is None:
            given = passed.given
            models = default_models(
                self._loss(),
                given.layout,
                len(given.tasks),
                given.several,
                offset is not None,
                given.present is not None,
            )
        # without an intercept tasks of a single class are learned like others
        if any(model.fit_intercept for model in models.values()):
            passed.warn_of_single_classes()
        self._warn_of_classes(passed.given)
        return Judge(passed, groups, self.cv, self.random_state), models

    def _tell(self, failed: dict[str, str]) -> None:
        """Warn of models that are left out."""
        for m, why in failed.items():
            warn(f"{type(self).__name__}: the model {m!r} is left out: {why}")

    def _nothing_left(self, failed: dict[str, str]) -> ValueError:
        return ValueError(
            f"{type(self).__name__}: no model could be fitted: "
            + "; ".join(f"{n}: {why}" for n, why in failed.items())
        )

    def _choice(self) -> Choice:
        return simplest if self.selection == "1se" else lowest

    def _fit_chosen(
        self,
        judge: Judge,
        models: dict[str, Any],
        found: HeldOut,
        failed: dict[str, str],
    ) -> tuple[HeldOut, int, np.ndarray, dict[str, Any]]:
        """Choose, and fit what is chosen to all data; anew without what fails there.

        Returns the models that are left, the best, the weights, and fitted models;
        those that fail are added to ``failed``.
        """
        fitted: dict[str, Any] = {}
        while True:
            if not found.models:
                raise self._nothing_left(failed)
            best, weights = self._judged(judge, found)
            used = weights.max(axis=0) > 0
            used[best] = True
            needed = [m for m, u in zip(found.models, used, strict=True) if u]
            missing = [m for m in needed if m not in fitted]
            jobs = [delayed(judge.fit)(models[m]) for m in missing]
            late = {}
            for m, (model, _, wrong) in zip(
                missing, run_jobs(jobs, self.n_jobs), strict=True
            ):
                fitted[m] = model
                if wrong is not None:
                    late[m] = wrong
            if not late:
                return found, best, weights, fitted
            failed |= late
            found = found.only([k for k, m in enumerate(found.models) if m not in late])

    def _checked_models(self) -> dict[str, Any] | None:
        """Return the models of the user by name, None where the default is to try."""
        self.__dict__.pop("_target_loss", None)  # of an earlier fit
        named_loss = self._loss_of_name()
        named_loss.check()
        if self.models is None:
            self._target_loss = named_loss
            return None
        models = self._named_models()
        if not models:
            raise ValueError(
                f"{type(self).__name__}: models is empty; pass one or more"
            )
        for m, model in models.items():
            require_linear(check_inside(self, f"the model {m!r}", model))
        losses = {loss_told(model._loss()): m for m, model in models.items()}
        if len(losses) > 1:
            told = ", ".join(f"{m!r} has {loss}" for loss, m in losses.items())
            raise ValueError(
                f"{type(self).__name__}: models must have the same loss, to be judged "
                f"by it: {told}"
            )
        target = next(iter(models.values()))._loss()
        wanted = loss_told(target if self.loss is None else named_loss)
        if wanted not in losses:
            raise ValueError(
                f"{type(self).__name__} has {wanted} and its models have "
                f"{loss_told(target)}; give both the same, or leave out loss= here"
            )
        self._target_loss = target
        return models

    def _named_models(self) -> dict[str, Any]:
        """Return the models that were given by name."""
        given = () if self.models is None else self.models
        return named(given, type(self).__name__)

    def _losses_given(self):
        return [] if self.loss is None else [self.loss]

    def _loss_of_name(self) -> Loss:
        """Return the loss that the parameters name, or the default."""
        check_losses(self, self._losses)
        return LOSSES[self._losses[0] if self.loss is None else self.loss].of(self)

    @property
    def feature_mask(self) -> Any:
        """The mask that all models have, by which the data are read, too."""
        masks: list[Any] = [
            getattr(model, "feature_mask", None)
            for model in self._named_models().values()
        ]
        shared = masks and all(
            mask is not None and np.array_equal(mask, masks[0]) for mask in masks
        )
        return masks[0] if shared else None

    def _loss(self) -> Loss:
        if "_target_loss" in vars(self):
            return self._target_loss
        for model in self._named_models().values():  # not fitted: of the first
            if isinstance(model, TaskModel):
                return model._loss()
        return self._loss_of_name()

    def _read_fit(
        self,
        X,
        y,
        tasks,
        sample_weight,
        offset=None,
        several=False,
        incomplete=False,
    ) -> FitInput:
        return read_fit(
            self,
            X,
            y,
            tasks,
            sample_weight,
            self._loss(),
            lambda data: np.ones(0),
            offset,
            several,
            incomplete,
        )

    def _judged(self, judge: Judge, found: HeldOut) -> tuple[int, np.ndarray]:
        """Return the best model and the weights of all, and set what they are worth."""
        units = found.units()
        choose = self._choice()
        best = choose(units, None)
        shape = len(found.tasks), len(found.models)
        if self.selection != "stack":
            self.__dict__.pop("shrinkage_", None)  # of an earlier fit
            weights = np.zeros(shape)
            weights[:, best] = 1.0
            self._common = weights[0]
            self.loss_, self.loss_interval_ = corrected_loss(units, choose)
        else:
            rows = judge.rows(found, self._loss())
            stack = stacked(rows)
            weights, self._common = stack.weights, stack.common
            self.shrinkage_ = stack.strength
            factor = rows.loss.score.factor
            losses = [factor * rows.loss.value(rows.y, eta) for eta in stack.eta]
            units = found.units(np.array(losses))
            self.loss_, self.loss_interval_ = corrected_loss(units, lowest)
        return best, weights

    def _set_models(self, passed: FitArguments) -> None:
        """Set coefficients: those of the models, weighted."""
        parts = [
            (weight, *passed.linear(self.estimators_[m]))
            for m, weight in zip(self.held_out_.models, self.weights_.T, strict=True)
            if m in self.estimators_
        ]
        self._set_linear(passed.given, *blended(parts))

    def _consensus(self) -> tuple[np.ndarray, float]:
        """Return what the models say of tasks not seen, with the common weights."""
        parts = [
            (weight, *self.estimators_[m]._consensus())
            for m, weight in zip(self.held_out_.models, self._common, strict=True)
            if weight > 0 and m in self.estimators_
        ]
        total = sum(weight for weight, _, _ in parts)
        coef: Any = sum(weight * w for weight, w, _ in parts) / total
        return coef, sum(weight * b for weight, _, b in parts) / total


def _texts(losses: Sequence[str]) -> dict[str, str]:
    """Return what the docstrings share, for some losses."""
    about = (
        "What models are fitted by and judged by. None stands for the loss of "
        f'`models`, and "{losses[0]}" where there are none.'
    )
    told = fill(
        _OWN["auto_parameters"], {"loss_parameters": losses_told(losses, about)}
    )
    return _OWN | {"auto_parameters": told}


@partial(documented, _texts(Regressor._losses), "loss (mean squared error)")
@parameters
class AutoRegressor(PredictsTargets, RegressorMixin, _Auto):
    """Try many ways to share between tasks, and stack them or take the best.

    Every model is tuned in each training part of a cross-validation, and all are judged
    on the same held-out rows, each of which counts the same. What is chosen is fitted
    to all rows; a model that fails or does not converge is left out with a warning.

    Parameters
    ----------
    {auto_parameters}
    {layout_parameters}
    {progress}

    Attributes
    ----------
    {auto_attributes}
    {linear_attributes}

    See Also
    --------
    linmtl.transfer.negative_transfer_report : Whom sharing helps and hurts.
    linmtl.transfer.SafeTransferRegressor : A model and learning alone, stacked.

    Notes
    -----
    A stack is linear: ``coef_`` is the sum of the models' own with ``weights_``. In
    each task these minimise the held-out loss of the task plus that of all tasks, as if
    the task had ``shrinkage_`` rows more; the number is the one whose weights predict a
    fold best when they are found on the other folds.

    References
    ----------
    Breiman (1996), Stacked regressions.
    Tsamardinos, Greasidou, Borboudakis (2018), Bootstrapping the out-of-sample
    predictions for efficient and accurate cross-validation.

    Examples
    --------
    >>> from linmtl import AutoRegressor, IndependentRegressor, MixedEffectsRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(
    ...     n_tasks=6, structure="mean_deviation", n_samples=30, random_state=0
    ... )
    >>> models = [("alone", IndependentRegressor("cv")), MixedEffectsRegressor()]
    >>> model = AutoRegressor(models, selection="best").fit(X, y, tasks)
    >>> model.best_
    'MixedEffects'
    >>> model.weights_.shape
    (6, 2)
    """

    loss: str | None = None

    _losses = Regressor._losses


@partial(documented, _texts(Classifier._losses), "loss (log loss)")
@parameters
class AutoClassifier(PredictsClasses, ClassifierMixin, _Auto):
    """Try many ways to share between tasks, and stack them or take the best.

    Every model is tuned in each training part of a cross-validation, and all are judged
    on the same held-out rows, each of which counts the same. What is chosen is fitted
    to all rows; a model that fails or does not converge is left out with a warning.

    Parameters
    ----------
    {auto_parameters}
    {layout_parameters}
    {progress}

    Attributes
    ----------
    {auto_attributes}
    {classes}
    {linear_attributes}

    See Also
    --------
    linmtl.transfer.negative_transfer_report : Whom sharing helps and hurts.
    linmtl.transfer.SafeTransferClassifier : A model and learning alone, stacked.

    Notes
    -----
    A stack is linear: log-odds are the sum of the models' own with ``weights_``, and so
    is ``coef_``. In each task these minimise the held-out log loss of the task plus, to
    second order, that of all tasks, as if the task had ``shrinkage_`` rows more; the
    number is the one whose weights predict a fold best when they are found on the other
    folds.

    References
    ----------
    Breiman (1996), Stacked regressions.
    Tsamardinos, Greasidou, Borboudakis (2018), Bootstrapping the out-of-sample
    predictions for efficient and accurate cross-validation.

    Examples
    --------
    >>> from linmtl import AutoClassifier, IndependentClassifier, PooledClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(n_tasks=4, random_state=0)
    >>> models = [PooledClassifier(), IndependentClassifier("cv")]
    >>> model = AutoClassifier(models).fit(X, y, tasks)
    >>> bool((model.weights_ >= 0).all())
    True
    """

    loss: str | None = None

    _losses = Classifier._losses
    _classify = True

    @property
    def _takes_classes(self):
        return self._loss().several

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self._takes_classes
        return tags
