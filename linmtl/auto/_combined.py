"""Linear models put together from those of other estimators, and fitting these."""

from __future__ import annotations

import inspect
import numbers
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import _safe_indexing, indexable

from linmtl.data._checks import is_whole
from linmtl.data._fit_input import FitInput
from linmtl.data._labels import some
from linmtl.data._tables import as_table
from linmtl.data._warn import warn
from linmtl.data._weights import read_offset, read_sample_weight
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._docs import chosen, order_parameters
from linmtl.estimators._fill import fill
from linmtl.estimators._settings import check_settings
from linmtl.estimators._task_model import OF_TASKS, TaskModel, require_task_model
from linmtl.losses import Loss, MultinomialOfRows
from linmtl.model_selection._folds import fold_of_observations

_FOLDS = 5  # in which models of each task alone are tuned
_COMMON = {
    "layout_parameters": f"""\
task_column : str or int, default=None
    The column of X that holds the task labels (name or position), instead of
    ``tasks=``. Set here, not in the estimators inside.
{chosen("parameters", "task_order", "handle_unknown")}
random_state : int, RandomState instance or None, default=0
    Seed of folds, and of what else is drawn.
n_jobs : int, default=None
    Models fitted at the same time, through joblib.""",
    "linear_attributes": f"""\
{chosen("attributes", "coef_", "intercept_", "tasks_")}
n_iter_ : int
    Iterations, the most of any model fitted to all data.
{chosen("attributes", "n_features_in_", "feature_names_in_", "coef_feature_names_")}""",
    "classes": chosen("classes", "classes_"),
}
T = TypeVar("T", bound=type)


def documented(texts: dict[str, str], loss: str, cls: T) -> T:
    """Fill in what several docstrings share; `loss` is what the texts call it."""
    document = fill(inspect.cleandoc(cls.__doc__ or ""), _COMMON | texts)
    cls.__doc__ = fill(document, {"loss": loss})
    if "__init__" in vars(cls):
        order_parameters(cls)
    return cls


# the models inside start by themselves
FIT_DOC = re.sub(
    r"\n *coef_init : .*?(?=\n\n)",
    "",
    MultiTaskModel.fit.__doc__ or "",
    flags=re.DOTALL,
)


def require_folds_of_any_rows(model: BaseEstimator) -> None:
    """Raise where a model's folds are row numbers, which count other rows inside."""
    cv = model.get_params(deep=False).get("cv")
    if cv is None or isinstance(cv, numbers.Integral) or hasattr(cv, "split"):
        return
    raise ValueError(
        f"cv of {type(model).__name__} lists row numbers, and it is fitted here to "
        "parts of the rows; pass it a number of folds or a splitter"
    )


class FitArguments:
    """The arguments of a `fit`, to fit other estimators on parts of them.

    With ``incomplete`` there may be features that some tasks do not have.

    Attributes
    ----------
    given : FitInput
        What was read from them, in the canonical order of observations.
    weight : ndarray of shape (n_observations,)
        Sample weights; zero for a missing label and for tasks with a single class.
    """

    def __init__(
        self,
        model: Any,
        X: Any,
        y: Any,
        tasks: Any,
        sample_weight: Any,
        offset: Any = None,
        incomplete: bool = False,
    ):
        X, y = as_table(X), as_table(y)
        y, tasks = (list(v) if isinstance(v, Iterator) else v for v in (y, tasks))
        self.given: FitInput = model._read_fit(
            X,
            y,
            tasks,
            sample_weight,
            offset,
            several=model._takes_classes,
            incomplete=incomplete,
        )
        self.X, y, self.tasks = indexable(X, y, tasks)
        self.y = y if hasattr(y, "shape") else np.asarray(y)
        self.settings: dict[str, Any] = {"task_column": model.task_column}
        self.wide = self.given.layout == "wide"
        if not self.wide:
            self.settings["task_order"] = model.task_order
        n, T = self.given.n_rows, len(self.given.tasks)
        shape = (n, T) if self.wide else (n,)
        weight = read_sample_weight(sample_weight, shape)
        self.sample_weight = None if sample_weight is None else weight
        self.offset = None if offset is None else read_offset(offset, shape)
        self.weight = self.given.sample_weight

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
        offset = self.offset
        if self.wide:
            n, T = self.given.n_rows, len(self.given.tasks)
            if keep is not None:
                weight = np.ones((n, T)) if weight is None else weight
                weight = weight * keep.reshape(T, n).T
            if chosen is not None:
                y = _safe_indexing(y, chosen, axis=1)
                weight = None if weight is None else weight[:, chosen]
                offset = None if offset is None else offset[:, chosen]
        elif keep is not None or chosen is not None:
            used = np.ones(self.given.rows.size, dtype=bool) if keep is None else keep
            if chosen is not None:
                used = used & np.isin(self.given.code, chosen)
            rows = np.sort(self.given.rows[used])
            X, y = _safe_indexing(X, rows), _safe_indexing(y, rows)
            tasks = None if tasks is None else _safe_indexing(tasks, rows)
            weight = None if weight is None else weight[rows]
            offset = None if offset is None else offset[rows]
        arguments = {"X": X, "y": y, "tasks": tasks, "sample_weight": weight}
        return arguments if offset is None else {**arguments, "offset": offset}

    def prepared(self, model: TaskModel) -> Any:
        """Return a copy that reads the data as the estimator around it does."""
        copy: Any = clone(model)
        return copy.set_params(**self.settings)

    def fit(
        self,
        model: MultiTaskModel,
        keep: np.ndarray | None = None,
        chosen: np.ndarray | None = None,
    ) -> MultiTaskModel:
        """Fit a copy of a model on some observations of some tasks."""
        with warnings.catch_warnings():
            # said once, by the model around
            warnings.filterwarnings("ignore", OF_TASKS)
            return self.prepared(model).fit(**self.part(keep, chosen))

    def warn_of_single_classes(self) -> None:
        """Say which tasks are left out of the loss; the fits inside do not."""
        alone = self.given.tasks[self.given.single_class]
        if alone.size:
            warn(
                f"these tasks have a single class: {some(alone)}; they are left out of "
                "the loss, and about the mean of their rows predict what they have "
                "seen only"
            )

    def predict(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the linear predictor of each observation; W has one row per task.

        Of several classes W and b have an axis for them after the first, and so has
        what is returned; those that a task does not have are as good as impossible.
        """
        data = self.given.data
        if W.ndim == 3:
            pairs = zip(W.swapaxes(0, 1), b.T, strict=True)
            eta = np.stack([self.predict(*pair) for pair in pairs], axis=1)
            return MultinomialOfRows.floored(np.where(np.isnan(eta), -np.inf, eta))
        eta = np.empty(data.y.size)
        data.design.predict(np.ascontiguousarray(W.T, dtype=float), eta)
        data.add_offset(eta)
        return eta + np.repeat(b, np.diff(data.task_ptr))

    def linear(self, model: TaskModel) -> tuple[np.ndarray, np.ndarray]:
        """Return what :func:`linear` does, with the classes of all data."""
        return linear(model, self.given.classes if self.given.several else None)

    def loss(self, loss: Loss) -> Loss:
        """Return a loss as one of the predictors of :meth:`predict`."""
        return MultinomialOfRows() if self.given.several else loss

    def rows_to_tune_on(self, keep: np.ndarray) -> int:
        """Return the rows of the largest task that can be held out of `keep`.

        Those that no training part may lose, the only one of a class, are not counted.
        """
        data, code = self.given.data, self.given.code
        kept = keep & (self.weight > 0)
        total = np.zeros(len(self.given.tasks), dtype=int)
        kinds = np.ones(data.y.size) if self.given.classes is None else data.y
        for kind in np.unique(kinds[kept]):
            count = np.bincount(code[kept & (kinds == kind)], minlength=total.size)
            total += np.where(count > 1, count, 0)
        return int(total.max())

    def tuning(self, keep: list[np.ndarray]) -> dict[str, Any]:
        """Return settings of ``Independent...("cv")`` for the fewest rows of `keep`."""
        rows = min(self.rows_to_tune_on(part) for part in keep)
        # of two rows one is left in training, and its intercept explains it
        return {"alpha": 1.0} if rows <= 2 else {"cv": min(rows, _FOLDS)}

    def folds(self, cv: Any, random_state: Any) -> list[np.ndarray]:
        """Return masks of the observations that are held out, one for each fold.

        A task that a fold would leave without a training row is not held out there.
        """
        given = self.given
        if is_whole(cv) and cv < 2:
            raise ValueError(f"cv must be at least 2 folds, got {cv!r}")
        fold = fold_of_observations(given, given.data, cv, random_state)
        masks = []
        for k in range(int(fold.max()) + 1):
            tested = (fold == k) & (self.weight > 0)
            left = given.data.task_sum(self.weight * ~tested)
            masks.append(tested & (left > 0)[self.given.code])
        if not any(mask.any() for mask in masks):
            raise ValueError(
                "cv holds out no row of any task that has others to learn from; pass "
                "another cv, or more rows"
            )
        return masks


class Combined(MultiTaskModel):
    """Base: linear models that are put together from those of other estimators."""

    estimator: MultiTaskModel | None

    @property
    def feature_mask(self) -> Any:
        """The mask of the models inside, by which the data are read, too."""
        mask: Any = getattr(self.estimator, "feature_mask", None)
        baseline = getattr(self, "baseline", None)
        own: Any = getattr(baseline, "feature_mask", None)
        if baseline is None or np.array_equal(own, mask):
            return mask
        return None  # each has its own say of what it leaves out

    def _loss(self) -> Loss:
        return super()._loss() if self.estimator is None else self.estimator._loss()

    def _inner(self, name: str, default: MultiTaskModel) -> MultiTaskModel:
        """Return the estimator of a parameter, checked."""
        model = getattr(self, name)
        if model is None:
            return default
        return require_linear(check_inside(self, name, model))

    def _read(
        self, X, y, tasks, sample_weight, inner, offset=None, incomplete=False
    ) -> FitArguments:
        """Read the arguments of a fit, and warn for the estimators inside."""
        check_settings(self, self._losses)
        passed = FitArguments(self, X, y, tasks, sample_weight, offset, incomplete)
        # without an intercept tasks of a single class are learned like others
        if any(model.fit_intercept for model in inner):
            passed.warn_of_single_classes()
        self._warn_of_classes(passed.given)
        return passed


def require_one_loss(model: Any) -> None:
    """Raise for an estimator whose tasks are of different kinds."""
    if isinstance(getattr(model, "loss", None), Mapping):
        raise ValueError(
            f"{type(model).__name__} has a loss for each task, and this is for models "
            "with one for all"
        )


def require_linear(model: Any) -> Any:
    """Return an estimator whose answers follow from linear predictors alone."""
    require_one_loss(model)
    if model._not_linear:
        raise ValueError(f"{type(model).__name__}: {model._not_linear}")
    return model


def check_inside(outer: Any, name: str, model: Any) -> Any:
    """Return an estimator inside another, checked; `name` is what errors call it."""
    kind = type(outer).__name__
    require_task_model(f"{kind}: {name}", model)
    if model._classify != outer._classify:
        wanted = "classifier" if outer._classify else "regressor"
        raise ValueError(f"{kind}: {name} must be a {wanted}, got {model!r}")
    column = model.task_column
    if column is not None and column != outer.task_column:
        raise ValueError(
            f"{kind}: {name} has task_column={column!r}; set task_column={column!r} "
            "here, and it is passed on"
        )
    if model.task_order is not None and outer.task_order is None:
        raise ValueError(
            f"{kind}: {name} has task_order={model.task_order!r}; set task_order "
            "here, and it is passed on"
        )
    require_folds_of_any_rows(model)
    return model


def linear(
    model: Any, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients, (n_tasks, n_features), and intercepts.

    With more than two ``classes`` those of each, (n_tasks, n_classes, n_features), NaN
    for one that the model does not know.
    """
    coef, b = np.asarray(model.coef_, dtype=float), np.asarray(model.intercept_)
    if classes is None:
        return np.atleast_2d(coef), np.atleast_1d(b)
    if not model._several:  # its rows had two of the classes
        half, level = np.atleast_2d(coef) / 2, np.atleast_1d(b) / 2
        coef, b = np.stack([-half, half], axis=1), np.stack([-level, level], axis=1)
    elif model._layout == "single":
        coef, b = coef[None], b[None]
    known = np.searchsorted(classes, model._all_classes)
    W = np.full((len(coef), classes.size, coef.shape[-1]), np.nan)
    level = np.full(W.shape[:2], np.nan)
    W[:, known], level[:, known] = coef, b
    return W, level


def blended(
    parts: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of linear models, each with a weight for each task.

    A class has no model where one that counts has none.
    """
    coef: Any = 0.0
    intercept: Any = 0.0
    for weight, W, b in parts:
        a = weight.reshape(-1, *(1,) * (W.ndim - 1))
        coef = coef + np.where(a != 0, a * W, 0.0)
        intercept = intercept + np.where(a[..., 0] != 0, a[..., 0] * b, 0.0)
    return coef, intercept


def observation_losses(data: Any, eta: np.ndarray, loss: Loss) -> np.ndarray:
    """Return the loss of each observation, on the scale of reports."""
    return loss.score.factor * loss.value(data.y, eta)
