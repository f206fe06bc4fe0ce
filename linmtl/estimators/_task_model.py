"""The models with coefficients of each task: what they are and how they predict."""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, Self, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from linmtl.data._absent import fill_as_in_fit, mean_model
from linmtl.data._checks import check_keywords
from linmtl.data._fit_input import FitInput
from linmtl.data._labels import codes_of, some
from linmtl.data._read import read_X, require_tasks, task_codes
from linmtl.data._suggestions import nearest
from linmtl.data._targets import two_valued
from linmtl.data._task_table import described
from linmtl.data._warn import warn
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import predict_each
from linmtl.estimators._docs import ESTIMATORS
from linmtl.estimators._new_task import NewTask
from linmtl.estimators._predictions import TaskClasses
from linmtl.version import __version__

# warnings about the data, which are said once where models are fitted inside others
OF_TASKS = (
    "these tasks have .*; they (are left out|have no loss)|"
    "the targets of these tasks have two values"
)


Model = TypeVar("Model")


def speaking_as(name: str, model: Model) -> Model:
    """Return an estimator that reads data for another, whose name its errors have.

    Parameters
    ----------
    name : str
        What the user called.
    model : estimator
        Not fitted, and not to be kept: its class is made here.
    """
    kind: Any = type(model)
    named: Any = type(name, (kind,), {})
    return named(**cast(Any, model).get_params(deep=False))


@dataclass(kw_only=True, eq=False, repr=False)
class TaskModel(NewTask, BaseEstimator):
    """Base of the models that predict with coefficients of each task."""

    task_column: str | int | None = None
    task_order: ArrayLike | None = None
    handle_unknown: Literal["error", "mean"] = "error"

    _classify: ClassVar[bool] = False
    # why answers do not follow from the linear predictor of each row alone
    _not_linear: ClassVar[str] = ""
    # what it is scored by, in place of the accuracy or the squared error
    _metric: ClassVar[Any] = None
    _takes_offset: ClassVar[bool] = True
    # features that some tasks do not have
    _takes_absent: ClassVar[bool] = False

    def __new__(cls, *args: Any, **given: Any) -> Self:
        if given:
            check_keywords(cls, given)
        return super().__new__(cls)

    @property
    def _takes_classes(self) -> bool:
        """Whether there may be more than two classes."""
        return False

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    def __getstate__(self):
        state: Any = super().__getstate__()
        return {**state, "_linmtl_version": __version__}

    def __setstate__(self, state):
        saved = state.pop("_linmtl_version", "unknown")
        if saved != __version__:
            warn(
                f"{type(self).__name__} was saved by linmtl {saved}; this is linmtl "
                f"{__version__}: it may predict otherwise, or fail; fit it again"
            )
        super().__setstate__(state)

    def _check_offset(self, offset: Any) -> None:
        """Raise ValueError where a model is given an offset and takes none."""
        if offset is not None and not self._takes_offset:
            raise ValueError(f"{type(self).__name__} takes no offset; drop offset=")

    def _losses_given(self) -> list[Any]:
        """Return the names of the losses that the user chose, to be checked."""
        return [vars(self)["loss"]] if "loss" in vars(self) else []

    def _set_linear(self, given: FitInput, W: np.ndarray, b: np.ndarray) -> None:
        """Set what predictions need: linear models, one row of W for each task.

        Of several classes W is (n_tasks, n_classes, n_features), b without the last.
        """
        self._several = W.ndim == 3
        self._layout = given.layout
        self._n_fitted = len(given.tasks)  # those that fit_new_task adds come after
        self._has_offset = given.offset is not None
        self.tasks_ = given.tasks
        W = given.masked(given.unscaled(W))
        self.coef_ = np.ascontiguousarray(W, dtype=given.data.design.dtype)
        self.intercept_ = b
        if given.classes is not None:
            self.classes_ = given.classes
            if given.layout == "wide":
                self.classes_ = TaskClasses([given.classes] * len(given.tasks))
        if given.layout == "single" and (given.classes is None or self._several):
            self.coef_, self.intercept_ = self.coef_[0], b[0][()]
        # what an earlier fit may have left
        for name in ("new_tasks_", "coef_feature_names_", "feature_mask_"):
            self.__dict__.pop(name, None)
        if given.present is not None:
            self.feature_mask_ = np.ascontiguousarray(given.present.T)
        if given.feature_names is not None:
            self.coef_feature_names_ = given.feature_names

    def _warn_of_classes(self, given):
        """Say which targets look like classes though the loss takes numbers."""
        data, loss = given.data, self._loss()
        if not loss.location:
            return
        two = two_valued(data.y, data.weight > 0, data.task_ptr)
        if two.any():
            warn(
                "the targets of these tasks have two values only, as classes have, "
                f"where others have more: {some(given.tasks[two])}; the {loss.name} "
                "loss fits them as numbers: if they are classes, fit them apart with "
                "a classifier"
            )

    def _read_predict(
        self, X: Any, tasks: Any, every_task: bool = False
    ) -> tuple[Self, Any, np.ndarray | None]:
        """Return the model that knows the tasks of rows, X, and the tasks' positions.

        Features that a task does not have are zero in X.
        """
        check_is_fitted(self)
        labelled = tasks is not None or self.task_column is not None
        own = labelled and not every_task
        mask = getattr(self, "feature_mask_", None) if own else None
        X, labels, _ = read_X(self, X, tasks, False, allow_nan=mask is not None)
        model = self if every_task else self._knowing(labels)
        codes = task_codes(model, labels, every_task)
        if not every_task:
            require_tasks(model, codes)
        if mask is not None and codes is not None and not sparse.issparse(X):
            X = fill_as_in_fit(X, codes, mask, model.tasks_)
        return model, X, codes

    def _linear_predictor(self, X: Any, tasks: Any, every_task: bool) -> np.ndarray:
        model, X, codes = self._read_predict(X, tasks, every_task)
        coef = np.asarray(model.coef_).astype(float, copy=False)
        b = np.asarray(model.intercept_)
        if not self._coef_by_class:
            W, b = np.atleast_2d(coef), np.atleast_1d(b)
            return self._predictor(X, codes, W, b, every_task, self._consensus)
        if self._layout == "single":
            coef, b = coef[None], b[None]
        etas = []
        for k, (W, level) in enumerate(zip(coef.swapaxes(0, 1), b.T, strict=True)):
            models = W, level, every_task, partial(self._consensus_of_class, k)
            etas.append(self._predictor(X, codes, *models))
        eta = np.stack(etas, axis=-1)
        eta[np.isnan(eta)] = -np.inf  # classes that a task has never shown
        return eta

    @property
    def _coef_by_class(self) -> bool:
        """Whether each class of a task has coefficients of its own."""
        return self._several

    def _predictor(self, X, codes, W, b, every_task, consensus):
        """Return linear predictors of models W, (n_tasks, n_features), and b.

        ``consensus`` returns the model of tasks that were not seen in fit.
        """
        if every_task or codes is None:
            flat = np.empty(X.shape[0] * len(b))
            SharedDesign(X, len(b)).predict(W.T, flat)
            eta = flat.reshape(len(b), -1).T + b
            wide = every_task or self._layout == "wide"
            return eta if wide else eta[:, 0]
        if codes.min(initial=0) < 0:  # for them one row more
            w, level = consensus()
            W, b = np.vstack([W, w]), np.append(b, level)
            codes = np.where(codes < 0, len(b) - 1, codes)
        return predict_each(X, codes, W) + b[codes]

    def _knowing(self, labels: np.ndarray | None) -> Self:
        """Return the model with those tasks that their numbers make known."""
        if self._table is None or labels is None or self._layout == "single":
            return self
        new = described(
            self._table, np.unique(labels[codes_of(labels, self.tasks_) < 0])
        )
        if not new.size:
            return self
        model = copy(self)
        coef, intercept = self._of_numbers(new)
        model.tasks_ = np.concatenate([self.tasks_, new])
        model.coef_ = np.concatenate([self.coef_, coef])
        model.intercept_ = np.concatenate([self.intercept_, intercept])
        return model

    def _consensus(self) -> tuple[np.ndarray, Any]:
        """Return coefficients and intercept for tasks that were not seen in fit.

        Of several classes an array of those of each.
        """
        if self._several:
            each = [self._consensus_of_class(k) for k in range(self.coef_.shape[-2])]
            coef, b = zip(*each, strict=True)
            return np.array(coef), np.array(b)
        n, mask = self._n_fitted, getattr(self, "feature_mask_", None)
        return mean_model(self.coef_[:n], mask), float(self.intercept_[:n].mean())

    def _consensus_of_class(self, k: int) -> tuple[np.ndarray, float]:
        """Return what one of several classes has, over the tasks that know it."""
        n = self._n_fitted
        W, level = self.coef_[:n, k].astype(float), self.intercept_[:n, k]
        mask = getattr(self, "feature_mask_", None)
        known = ~np.isnan(level)
        known |= not known.any()  # its rows have no weight: NaN of all
        mask = None if mask is None else mask[known]
        return mean_model(W[known], mask), float(level[known].mean())

    def _without_rows(self) -> np.ndarray:
        """Return the labels of tasks that their numbers alone make known."""
        labels = self.tasks_[:0] if self._table is None else self._table[0]
        return labels[codes_of(labels, self.tasks_) < 0]

    def _of_numbers(self, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return coefficients and intercepts of such tasks."""
        raise NotImplementedError


def require_task_model(name: str, model: Any) -> TaskModel:
    """Return an estimator; raise TypeError, in one line, if it is none of linmtl's.

    Parameters
    ----------
    name : str
        What errors call it.
    model : object
        What the user passed.
    """
    if isinstance(model, TaskModel):
        return model
    what = f"a {type(model).__name__}"
    if isinstance(model, type):
        what = f"the class {model.__name__}; call it, {model.__name__}()"
    if isinstance(model, str):
        what = f"{model!r}; pass an object, such as {_estimators_like(model)}"
    problem = (
        f"{name} must be one of linmtl's estimators with coefficients of each task"
    )
    steps = getattr(model, "steps", None)
    last = steps[-1][1] if steps else None
    if isinstance(last, TaskModel):
        raise TypeError(
            f"{problem}, got a {type(model).__name__} that ends in one; pass its last "
            f"step alone, {type(last).__name__}, and X as the steps before return it, "
            "pipeline[:-1].fit_transform(X, y)"
        )
    raise TypeError(f"{problem}, got {what}")


def _estimators_like(name: str) -> str:
    """Say how the estimators that a text resembles are made."""
    family = re.compile("(Regressor|Classifier)(CV)?$")
    families = sorted({family.sub("", known) for known in ESTIMATORS})
    meant = nearest(family.sub("", name), families) or "MixedEffects"
    kinds = "Regressor", "Classifier"
    tuned = [f"{meant}{kind}CV" for kind in kinds]
    found = [known for known in tuned if known in ESTIMATORS]
    found = found or [known for known in ESTIMATORS if family.sub("", known) == meant]
    return " or ".join(f"{known}()" for known in found)
