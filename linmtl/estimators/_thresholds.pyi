# written by .ci/stubs.py from linmtl.estimators._thresholds
import numpy as np
from collections.abc import Callable
from linmtl.estimators._base import Classifier
from linmtl.estimators._base import PlainClassifier
from linmtl.estimators._predictions import PredictsClasses
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.base import ClassifierMixin
from sklearn.base import MetaEstimatorMixin
from typing import Any
from typing import Self

class TaskThresholdClassifier(PredictsClasses, ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
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
    estimator_: Classifier
    thresholds_: np.ndarray
    threshold_: float
    tasks_: np.ndarray
    n_features_in_: int
    feature_names_in_: np.ndarray
    def __init__(
        self,
        estimator: PlainClassifier | None = None,
        *,
        scoring: str | Callable[..., float] = "balanced_accuracy",
        cv: Any = 5,
        shrinkage: float = 20.0,
        min_class_size: int = 3,
    ) -> None: ...
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
        ...
