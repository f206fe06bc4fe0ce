"""Models that were read, which predict and no more."""

from __future__ import annotations

from typing import Any, Literal, NoReturn

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from linmtl.data._labels import codes_of
from linmtl.data._read import read_X
from linmtl.estimators._answers import PredictsKinds, PredictsOrder
from linmtl.estimators._predictions import PredictsClasses, PredictsTargets, TaskClasses
from linmtl.estimators._task_model import TaskModel
from linmtl.export._model import LinearModel
from linmtl.losses import Loss, MixedLoss


class _Loaded(TaskModel):
    """Base: the predictions of another estimator."""

    def __init__(
        self,
        source: str = "",
        *,
        task_column: str | int | None = None,
        handle_unknown: Literal["error", "mean"] = "error",
    ):
        self.source = source
        self.task_column = task_column
        self.handle_unknown = handle_unknown

    def fit(self, X: Any, y: Any = None, tasks: Any = None) -> NoReturn:
        """Raise: what was read is fitted, and keeps nothing to fit it again with.

        Parameters
        ----------
        X, y, tasks : object
            Ignored.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(
            f"{type(self).__name__} predicts what a fitted {self.source} does; make "
            "a new one to fit"
        )

    def fit_new_task(self, *args: Any, **options: Any) -> NoReturn:
        """Raise: call it before the model is written.

        Parameters
        ----------
        *args, **options : object
            Ignored.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(
            f"{type(self).__name__} cannot learn a task; call fit_new_task of the "
            f"{self.source} before it is written"
        )

    def _set(self, model: LinearModel) -> None:
        self._layout, self._link = model.layout, model.loss
        self._has_offset = model.has_offset
        self._n_fitted = len(model.tasks)
        self.tasks_, self.coef_ = model.tasks, model.coef
        self.intercept_: Any = model.intercept
        self._of_unknown: Any = model.consensus
        self._cuts, self._target = model.cuts, model.target
        labels, *self._more = model.without_rows
        if labels.size:
            self._table = labels, np.empty((labels.size, 0))
        self.n_features_in_ = model.n_features_in
        if model.names_in is not None:
            self.feature_names_in_ = model.names_in
        if model.names is not None:
            self.coef_feature_names_ = model.names
        if model.present is not None:
            self.feature_mask_ = model.present
        if model.classes is not None:
            self.classes_ = model.classes
            self._several = model.several
            if model.layout == "wide":
                self.classes_: Any = TaskClasses([model.classes] * len(model.tasks))
        if model.rank is not None:
            assert model.thresholds is not None
            assert model.classes is not None
            self.thresholds_, self._place = model.thresholds, np.argsort(model.rank)
            self.class_order_ = model.classes[model.rank]
        if isinstance(model.loss, MixedLoss):
            assert model.task_classes is not None
            pairs = zip(model.tasks.tolist(), model.task_classes, strict=True)
            self._mixed = model.loss
            self.task_classes_ = {t: known for t, known in pairs if known is not None}

    def _loss(self) -> Loss:
        return self._link

    def _consensus(self):
        return self._of_unknown

    def _consensus_of_class(self, k):
        coef, intercept = self._consensus()
        return coef[k], intercept[k]

    def _of_numbers(self, tasks):
        coef, intercept = self._more
        rows = codes_of(tasks, self._without_rows())
        return coef[rows], intercept[rows]


class LoadedRegressor(PredictsTargets, RegressorMixin, _Loaded):
    """A regressor made by :func:`from_json`, which predicts and no more.

    Where a `TransformedTargetRegressor` was written it predicts in the units of y, and
    ``coef_`` and ``intercept_`` are those of the standardised y.

    Parameters
    ----------
    source : str, default=""
        The class of the estimator that was written.
    task_column : str or int, default=None
        The column of X that holds the task labels.
    handle_unknown : {"error", "mean"}, default="error"
        What to do in predict with a task that the model does not know: raise an error,
        or use the consensus model.

    Attributes
    ----------
    coef_ : ndarray of shape (n_tasks, n_features), or (n_features,) for one task
        Coefficients.
    intercept_ : ndarray of shape (n_tasks,), or float
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.
    coef_feature_names_ : ndarray of shape (n_features,)
        Names of the columns of ``coef_``, where they have names.
    feature_mask_ : ndarray of bool of shape (n_tasks, n_features)
        Which features each task has, where that differs.

    Examples
    --------
    >>> from linmtl import MixedEffectsRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.export import from_json, to_json
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = MixedEffectsRegressor().fit(X, y, tasks)
    >>> again = from_json(to_json(model))
    >>> again
    LoadedRegressor(handle_unknown='mean', source='MixedEffectsRegressor')
    >>> bool((again.predict(X, tasks) == model.predict(X, tasks)).all())
    True
    """

    def _mean(self, eta):
        out = super()._mean(eta)
        if self._target is None:
            return out
        if out.ndim == 1 and any(p is not None and p.size > 1 for p in self._target):
            raise ValueError(
                "each task has targets of another scale; predict without tasks, and "
                "take its column"
            )
        scale, mean = self._target
        out = out if scale is None else out * scale
        return out if mean is None else out + mean


class LoadedClassifier(PredictsClasses, ClassifierMixin, _Loaded):
    """A classifier made by :func:`from_json`, which predicts and no more.

    Parameters
    ----------
    source : str, default=""
        The class of the estimator that was written.
    task_column : str or int, default=None
        The column of X that holds the task labels.
    handle_unknown : {"error", "mean"}, default="error"
        What to do in predict with a task that the model does not know: raise an error,
        or use the consensus model.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
        Class labels.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients; of more than two classes an axis for these before the last.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts; of more than two classes (n_tasks, n_classes).
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.
    coef_feature_names_ : ndarray of shape (n_features,)
        Names of the columns of ``coef_``, where they have names.
    feature_mask_ : ndarray of bool of shape (n_tasks, n_features)
        Which features each task has, where that differs.

    Examples
    --------
    >>> from linmtl import L21Classifier, TaskThresholdClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> from linmtl.export import from_json, to_json
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = TaskThresholdClassifier(L21Classifier(0.01)).fit(X, y, tasks)
    >>> again = from_json(to_json(model))
    >>> bool((again.predict(X, tasks) == model.predict(X, tasks)).all())
    True
    """

    _classify = True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self._several
        return tags

    def _linear_predictor(self, X, tasks, every_task):
        """Return the log-odds less those of the thresholds, where there are some."""
        eta = super()._linear_predictor(X, tasks, every_task)
        if self._cuts is None:
            return eta
        if every_task or eta.ndim == 2 + self._several:
            return eta - self._cuts[:-1]
        if self._layout == "single":
            return eta - self._cuts[0]
        labels = read_X(self, X, tasks, reset=False, allow_nan=True)[1]
        return eta - self._cuts[codes_of(labels, self.tasks_)]

    def _log_odds(self, X, tasks):
        return super()._linear_predictor(X, tasks, every_task=False)


class LoadedMixedTaskEstimator(PredictsKinds, RegressorMixin, _Loaded):
    """A model of tasks of different kinds made by :func:`from_json`.

    Parameters
    ----------
    source : str, default=""
        The class of the estimator that was written.
    task_column : str or int, default=None
        The column of X that holds the task labels.
    handle_unknown : {"error"}, default="error"
        Tasks that the model does not know have no model.

    Attributes
    ----------
    task_classes_ : dict
        The two classes of each task that has classes, by task label.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.
    coef_feature_names_ : ndarray of shape (n_features,)
        Names of the columns of ``coef_``, where they have names.
    feature_mask_ : ndarray of bool of shape (n_tasks, n_features)
        Which features each task has, where that differs.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import MixedTaskEstimator
    >>> from linmtl.export import from_json, to_json
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(50, 3))
    >>> Y = np.column_stack([X[:, 0], X[:, 0] > rng.normal(size=50)])
    >>> model = MixedTaskEstimator(loss={0: "squared", 1: "logistic"}).fit(X, Y)
    >>> again = from_json(to_json(model))
    >>> bool((again.predict(X) == model.predict(X)).all())
    True
    """


class LoadedOrdinalClassifier(PredictsOrder, _Loaded):
    """A classifier of more than two classes that have an order, by :func:`from_json`.

    Parameters
    ----------
    source : str, default=""
        The class of the estimator that was written.
    task_column : str or int, default=None
        The column of X that holds the task labels.
    handle_unknown : {"error"}, default="error"
        Tasks that the model does not know have no thresholds.

    Attributes
    ----------
    thresholds_ : ndarray of shape (n_tasks, n_classes - 1)
        The thresholds between each two classes of ``class_order_``.
    class_order_ : ndarray of shape (n_classes,)
        The class labels from the lowest to the highest.
    classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
        The same, sorted.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients.
    intercept_ : ndarray of shape (n_tasks,)
        Zeros.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.
    coef_feature_names_ : ndarray of shape (n_features,)
        Names of the columns of ``coef_``, where they have names.
    feature_mask_ : ndarray of bool of shape (n_tasks, n_features)
        Which features each task has, where that differs.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import OrdinalClassifier
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.export import from_json, to_json
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = OrdinalClassifier().fit(X, np.digitize(y, [-2.0, 0.0, 2.0]), tasks)
    >>> again = from_json(to_json(model))
    >>> bool((again.predict(X, tasks) == model.predict(X, tasks)).all())
    True
    """

    _classify = True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = True
        return tags
