"""A decision threshold for each task, tuned on held-out predictions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from linmtl.data._checks import check_count, check_number, is_whole
from linmtl.data._classes import on_classes
from linmtl.data._labels import codes_of
from linmtl.data._read import read_X
from linmtl.data._tables import as_table
from linmtl.data._targets import missing_mask
from linmtl.data._weights import read_offset, read_sample_weight
from linmtl.estimators._base import PlainClassifier
from linmtl.estimators._cuts import METRICS, best_cuts, best_threshold
from linmtl.estimators._docs import estimator
from linmtl.estimators._generic import MultiTaskClassifier
from linmtl.estimators._predictions import PredictsClasses, routed
from linmtl.estimators._task_model import speaking_as
from linmtl.losses import Loss
from linmtl.model_selection import TaskKFold
from linmtl.model_selection._folds import positions


@estimator
class TaskThresholdClassifier(
    PredictsClasses, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """A classifier whose decision threshold is tuned for each task.

    The log-odds of all rows are predicted by cross-validation. Over all tasks together
    they give a common threshold, the one with the best score; and the rows of each
    task one of its own, which is drawn towards the common one: with n held-out labels
    it is, in log-odds, ``(n * own + shrinkage * common) / (n + shrinkage)``. A task
    with fewer than ``min_class_size`` labels of either class has the common one.

    Of more than two classes each has a threshold, and a row the class whose probability
    is largest relative to it. They are found one class after another, as long as the
    score grows; a class with fewer labels in a task than ``min_class_size`` has the
    common one there.

    Parameters
    ----------
    estimator : classifier of this package, default=None
        The classifier; None stands for ``MultiTaskClassifier()``.
    scoring : str or callable, default="balanced_accuracy"
        What a threshold is to make large: "accuracy", "balanced_accuracy", "f1",
        "matthews_corrcoef", or a function ``metric(y_true, y_pred, sample_weight=...)``
        of booleans, True for ``classes_[1]``. Of more than two classes F1 is the mean
        over these, and a function is given their positions in ``classes_``.
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the tasks as by ``TaskKFold(cv, shuffle=True,
        random_state=0)``; or the folds.
    shrinkage : float, default=20.0
        How many labels the common threshold counts as, >= 0.
    min_class_size : int, default=3
        Labels of each class that a task needs for a threshold of its own, >= 1.

    Attributes
    ----------
    estimator_ : classifier
        The classifier, fitted on all rows.
    thresholds_ : ndarray of shape (n_tasks,) or (n_tasks, n_classes)
        Probability of ``classes_[1]`` above which each task predicts that class; of
        more than two what the probability of each is divided by, with a sum of one.
    threshold_ : float or ndarray of shape (n_classes,)
        The common threshold; tasks not seen in fit have it too.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
        The class labels, over all tasks; a list for a wide Y.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.

    See Also
    --------
    sklearn.model_selection.TunedThresholdClassifierCV : One threshold, without tasks.

    Notes
    -----
    ``predict`` takes the class by ``decision_function``, which is the log-odds less
    those of the threshold; ``predict_proba`` is that of the classifier.

    ``class_weight="balanced"`` of the classifiers is another way to deal with rare
    classes. It changes the probabilities; thresholds leave them as they are.

    Examples
    --------
    >>> from linmtl import L21Classifier, TaskThresholdClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = TaskThresholdClassifier(L21Classifier(0.01)).fit(X, y, tasks)
    >>> model.thresholds_.shape
    (10,)
    """

    estimator: PlainClassifier | None = None
    _: KW_ONLY
    scoring: str | Callable[..., float] = "balanced_accuracy"
    cv: Any = 5
    shrinkage: float = 20.0
    min_class_size: int = 3

    _has_offset = False

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        tags.classifier_tags.multi_class = self._check()._takes_classes
        return tags

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Fit the classifier, and tune its thresholds by cross-validation.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with a ``task_column``, one column holds the task labels.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Labels of classes, in any layout.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row: all strings or all numbers.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,) or of y's shape, default=None
            A known part of the log-odds. It is for ``predict`` too then.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter is not allowed; the message says why.
        """
        model = self._check()
        X, y = as_table(X), as_table(y)
        labels, tasks = (list(v) if isinstance(v, Iterator) else v for v in (y, tasks))
        reader: Any = speaking_as(type(self).__name__, clone(model))
        reader.set_params(class_weight=None)
        given = reader._read_fit(
            X,
            labels,
            tasks,
            sample_weight,
            offset,
            several=True,
            incomplete=reader._takes_absent,
        )
        fitted: Any = clone(model)
        self._has_offset = offset is not None
        known = {"offset": offset} if self._has_offset else {}
        self.estimator_ = fitted.fit(X, labels, tasks, sample_weight, **known)
        self.tasks_, self.classes_ = self.estimator_.tasks_, self.estimator_.classes_
        self.n_features_in_ = self.estimator_.n_features_in_
        if hasattr(self.estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.estimator_.feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_  # of an earlier fit
        labels: Any = labels if hasattr(labels, "iloc") else np.asarray(labels)
        X = X if hasattr(X, "shape") else np.asarray(X)
        X = X.tocsr() if sparse.issparse(X) else X
        if labels.ndim == 2 and given.layout != "wide":
            labels = np.asarray(labels)[:, 0]
        shape = np.shape(labels)
        weight = read_sample_weight(sample_weight, shape)
        known = read_offset(offset, shape) if self._has_offset else None
        # the rows in use, and the task of each label
        code = np.full(shape, -1)
        if given.layout == "wide":
            code[:] = np.arange(shape[1])
        else:
            code[given.rows] = given.code
        flat = np.asarray(labels, dtype=object).ravel().tolist()
        missing = missing_mask(np.asarray(labels, dtype=object))
        used = ~missing & (weight > 0) & (code >= 0)
        self._several = given.several
        place = {label: k for k, label in enumerate(self._all_classes.tolist())}
        position = np.reshape([place.get(v, -1) for v in flat], shape)
        eta = self._held_out(model, X, labels, tasks, weight, known, used, code)
        judged = used & ~(
            np.isnan(eta).any(axis=-1) if self._several else np.isnan(eta)
        )
        parts = eta[judged], position[judged], weight[judged], code[judged]
        if self._several:
            self._tune_classes(*parts)
        else:
            self._tune(parts[0], parts[1] == 1, *parts[2:])
        return self

    def _check(self) -> PlainClassifier:
        model = MultiTaskClassifier() if self.estimator is None else self.estimator
        if not isinstance(model, PlainClassifier):
            raise ValueError(
                "TaskThresholdClassifier: estimator must be a classifier of this "
                f"package, such as L21Classifier(), got {model!r}"
            )
        named = isinstance(self.scoring, str) and self.scoring in METRICS
        if not named and not callable(self.scoring):
            raise ValueError(
                f"TaskThresholdClassifier: scoring must be one of {', '.join(METRICS)} "
                f"or a function, got {self.scoring!r}"
            )
        name = type(self).__name__
        check_number(f"{name}: shrinkage", self.shrinkage, 0.0)
        check_count(f"{name}: min_class_size", self.min_class_size)
        cv = self.cv
        whole = is_whole(cv)
        if not (whole or hasattr(cv, "split") or np.iterable(cv)) or isinstance(
            cv, str
        ):
            raise ValueError(
                "TaskThresholdClassifier: cv must be a number of folds, a splitter or "
                f"an iterable of (train, test), got {cv!r}"
            )
        if whole and cv < 2:
            raise ValueError(
                f"TaskThresholdClassifier: cv must be at least 2 folds, got {cv!r}"
            )
        return model

    def _held_out(self, model, X, y, tasks, weight, offset, used, code):
        """Return the log-odds of each label from a fold without it, NaN where none."""
        wide = code.ndim == 2
        # a row without a weight must not change the folds
        rows = np.flatnonzero(used.any(axis=1) if wide else used)
        classes = self._all_classes
        shape = (*code.shape, classes.size) if self._several else code.shape
        eta = np.full(shape, np.nan)
        values = _safe_indexing(y, rows)
        groups = None if wide else code[rows]
        if is_whole(self.cv):
            cv = TaskKFold(int(self.cv), shuffle=True, random_state=0, stratify=True)
            parts = cv.split(np.zeros((len(rows), 1)), values, groups)
        elif hasattr(self.cv, "split"):
            parts = self.cv.split(np.zeros((len(rows), 1)), values, groups)
        else:
            every, rows = rows, np.arange(len(code))
            parts = [tuple(positions(part) for part in pair) for pair in self.cv]
            parts = [tuple(np.intersect1d(p, every) for p in pair) for pair in parts]
        labels = None if tasks is None else np.asarray(tasks).reshape(-1)
        for train, test in parts:
            train, test = rows[train], rows[test]
            if len(test) == 0:
                continue

            def of(part):
                return routed(
                    None if labels is None else labels[part],
                    None if offset is None else offset[part],
                )

            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "these tasks have a single class")
                part: Any = clone(model)
                part.fit(
                    _safe_indexing(X, train),
                    _safe_indexing(y, train),
                    sample_weight=weight[train],
                    **of(train),
                )
            found = part.decision_function(_safe_indexing(X, test), **of(test))
            if self._several:
                if not part._several and found.ndim == 2:  # a wide Y of two classes
                    found = np.stack([np.zeros_like(found), found], axis=-1)
                found = on_classes(found, part._all_classes, classes)
            eta[test] = found
        return eta

    def _tune(self, eta, positive, weight, code):
        T = len(self.tasks_)
        if not (positive.any() and not positive.all()):
            raise ValueError(
                "the held-out labels have a single class; pass fewer folds or more rows"
            )
        common = best_threshold(eta, positive, weight, self.scoring, 0.0)
        log_odds = np.full(T, common)
        for t in range(T):
            mine = code == t
            n_positive = int(np.sum(positive[mine]))
            n = int(mine.sum())
            if min(n_positive, n - n_positive) < self.min_class_size:
                continue
            own = best_threshold(
                eta[mine], positive[mine], weight[mine], self.scoring, common
            )
            log_odds[t] = (n * own + self.shrinkage * common) / (n + self.shrinkage)
        self._cuts = np.append(log_odds, common)  # the last for unknown tasks
        self.thresholds_, self.threshold_ = expit(log_odds), float(expit(common))

    def _tune_classes(self, eta, label, weight, code):
        T, K = len(self.tasks_), eta.shape[-1]
        size = np.zeros((T, K), dtype=int)
        np.add.at(size, (code, label), 1)
        if np.sum(size.sum(axis=0) > 0) < 2:
            raise ValueError(
                "the held-out labels have a single class; pass fewer folds or more rows"
            )
        shown = size.sum(axis=0) > 0
        common = best_cuts(eta, label, weight, self.scoring, np.zeros(K), shown)
        cuts = np.tile(common, (T + 1, 1))  # the last for unknown tasks
        for t in range(T):
            mine, free = code == t, size[t] >= self.min_class_size
            if free.sum() < 2:
                continue
            parts = eta[mine], label[mine], weight[mine]
            own = best_cuts(*parts, self.scoring, common, free)
            n = int(mine.sum())
            cuts[t] = (n * own + self.shrinkage * common) / (n + self.shrinkage)
        self._cuts = cuts
        self.thresholds_ = softmax(cuts[:-1], axis=1)
        self.threshold_: Any = softmax(common)

    def _linear_predictor(self, X, tasks, every_task):
        """Return the log-odds less those of the threshold."""
        check_is_fitted(self)
        model = self.estimator_
        if every_task:
            return model._linear_predictor(X, None, every_task) - self._cuts[:-1]
        tasks = list(tasks) if isinstance(tasks, Iterator) else tasks
        eta = self._log_odds(X, tasks)
        if eta.ndim == 2 + self._several:
            return eta - self._cuts[:-1]
        labels = read_X(model, X, tasks, reset=False, allow_nan=True)[1]
        if labels is None or model._layout == "single":
            return eta - self._cuts[0]
        return eta - self._cuts[codes_of(labels, self.tasks_)]

    def _loss(self) -> Loss:
        return self._check()._loss()

    def _log_odds(self, X, tasks):
        check_is_fitted(self)  # thresholds leave the probabilities as they are
        without = 0.0 if self._has_offset else None  # which is added later
        return self.estimator_.decision_function(X, **routed(tasks, without))
