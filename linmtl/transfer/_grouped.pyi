# written by .ci/stubs.py from linmtl.transfer._grouped
import numpy as np
from collections.abc import Callable
from collections.abc import Mapping
from linmtl.auto._combined import Combined
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._base import PlainClassifier
from linmtl.estimators._base import PlainRegressor
from linmtl.similarity import TaskMatrix
from linmtl.transfer._task_grouper import TaskGrouper
from numpy.typing import ArrayLike
from typing import Any
from typing import Literal
from typing import Self

class GroupedMultiTaskRegressor(Combined, PlainRegressor):
    """Learn tasks together in groups, each group apart from the others.

    Sharing across groups of tasks that have nothing in common hurts; within a group it
    can help. The groups are found in the data or given.

    Parameters
    ----------
    estimator : regressor, default=None
        What is fitted to each group: any of linmtl's; by default
        ``MultiTaskRegressor()``, an L21 penalty. Of settings by task, by label or
        arrays in the order of ``tasks_``, each group takes those of its tasks.
    grouper : TaskGrouper, default=None
        Finds the groups; by default ``TaskGrouper()``. With ``n_groups="cv"`` the number
        of groups has the lowest held-out loss, from 1 to ``max_groups``; similarities and
        groups are found anew in every training part.
    similarity : str, callable, TaskMatrix or array-like, default="coefficients"
        How alike the tasks are. ``"coefficients"``: the cosine of the angle between their
        coefficients (of all classes) when each is learned alone, ridge with a strength by
        cross-validation; it depends on the scale of the features. ``"gain"``: the
        cross-validated gain of each task from each other one (`transfer_gain` of the
        estimator). Or a function of (X, y, tasks), in the long layout, that returns a
        `TaskMatrix` or an array; or the matrix itself, a DataFrame by task label or an
        array in the order of ``tasks_``. Arrays and DataFrames hold what the ``kind`` of
        the grouper says, similarities by default.
    groups : dict or array-like of shape (n_tasks,), default=None
        The groups, by task label or in the order of ``tasks_``; they are then not looked
        for.
    cv : int, splitter or iterable of (train, test), default=5
        Folds within the tasks, for ``n_groups="cv"`` and ``similarity="gain"``.
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
        Seed of folds, and of what else is drawn.
    n_jobs : int, default=None
        Models fitted at the same time, through joblib.

    Attributes
    ----------
    labels_ : ndarray of shape (n_tasks,)
        The group of each task.
    groups_ : dict of group -> list
        The tasks of each group.
    n_groups_ : int
        The number of groups.
    estimators_ : dict of group -> estimator
        The models of the groups.
    grouper_ : TaskGrouper
        The fitted grouper; not with ``groups``.
    similarity_ : TaskMatrix
        What the groups were found in; not with ``groups``.
    cv_loss_ : ndarray of shape (n_candidates,)
        Mean over the tasks of the held-out mean squared error, with 1, 2, ... groups; only
        with ``n_groups="cv"``.
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
        Names of the columns of ``coef_``, where they have names.

    See Also
    --------
    TaskGrouper : The groups of any matrix of similarities.
    ClusteredRegressor : Clusters and coefficients in one convex problem.

    References
    ----------
    Standley, Zamir, Chen, Guibas, Malik, Savarese (2020), Which tasks should be learned
    together in multi-task learning?

    Examples
    --------
    >>> from linmtl import MeanRegularizedRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.transfer import GroupedMultiTaskRegressor
    >>> X, y, tasks, truth = make_multitask_regression(
    ...     n_tasks=6, structure="clustered", n_clusters=2, return_coef=True,
    ...     random_state=0,
    ... )
    >>> model = GroupedMultiTaskRegressor(MeanRegularizedRegressor()).fit(X, y, tasks)
    >>> model.n_groups_
    2
    >>> bool((model.labels_ == model.labels_[0]).sum() == 3)
    True
    """
    labels_: np.ndarray
    groups_: dict[Any, Any]
    n_groups_: int
    estimators_: dict[Any, Any]
    grouper_: TaskGrouper
    similarity_: TaskMatrix
    cv_loss_: np.ndarray
    def __init__(
        self,
        estimator: MultiTaskModel | None = None,
        grouper: TaskGrouper | None = None,
        *,
        similarity: str | Callable[..., Any] | TaskMatrix | ArrayLike = "coefficients",
        groups: Mapping[Any, Any] | ArrayLike | None = None,
        cv: Any = 5,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = None,
    ): ...
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Fit the models of all tasks together.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels. A feature
            that is NaN in every row of a task is one that the task does not have.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, or labels of classes. Two dimensions: one column per task, all
            tasks sharing X (NaN: label not observed). One dimension: one target per
            row, of the task that ``tasks`` or ``task_column`` says (NaN: not
            observed), or of the only task.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row: all strings or all numbers. Dates (read as
            strings in the ISO format), spans of time (as days), an ordered categorical
            (in its order) and tuples (``("a", 1)`` as "a / 1") will do.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,) or of y's shape, default=None
            A known part of the linear predictor, added to ``x_i . w_t + b_t``: of
            counts the logarithm of their exposures. It is for ``predict`` too then.

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

class GroupedMultiTaskClassifier(Combined, PlainClassifier):
    """Learn classifiers together in groups, each group apart from the others.

    Sharing across groups of tasks that have nothing in common hurts; within a group it
    can help. The groups are found in the data or given. A group in which only one class
    occurs is learned with the largest one.

    Parameters
    ----------
    estimator : classifier, default=None
        What is fitted to each group: any of linmtl's; by default
        ``MultiTaskClassifier()``, an L21 penalty. Of settings by task, by label or
        arrays in the order of ``tasks_``, each group takes those of its tasks.
    grouper : TaskGrouper, default=None
        Finds the groups; by default ``TaskGrouper()``. With ``n_groups="cv"`` the number
        of groups has the lowest held-out loss, from 1 to ``max_groups``; similarities and
        groups are found anew in every training part.
    similarity : str, callable, TaskMatrix or array-like, default="coefficients"
        How alike the tasks are. ``"coefficients"``: the cosine of the angle between their
        coefficients (of all classes) when each is learned alone, ridge with a strength by
        cross-validation; it depends on the scale of the features. ``"gain"``: the
        cross-validated gain of each task from each other one (`transfer_gain` of the
        estimator). Or a function of (X, y, tasks), in the long layout, that returns a
        `TaskMatrix` or an array; or the matrix itself, a DataFrame by task label or an
        array in the order of ``tasks_``. Arrays and DataFrames hold what the ``kind`` of
        the grouper says, similarities by default.
    groups : dict or array-like of shape (n_tasks,), default=None
        The groups, by task label or in the order of ``tasks_``; they are then not looked
        for.
    cv : int, splitter or iterable of (train, test), default=5
        Folds within the tasks, for ``n_groups="cv"`` and ``similarity="gain"``.
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
        Seed of folds, and of what else is drawn.
    n_jobs : int, default=None
        Models fitted at the same time, through joblib.

    Attributes
    ----------
    labels_ : ndarray of shape (n_tasks,)
        The group of each task.
    groups_ : dict of group -> list
        The tasks of each group.
    n_groups_ : int
        The number of groups.
    estimators_ : dict of group -> estimator
        The models of the groups.
    grouper_ : TaskGrouper
        The fitted grouper; not with ``groups``.
    similarity_ : TaskMatrix
        What the groups were found in; not with ``groups``.
    cv_loss_ : ndarray of shape (n_candidates,)
        Mean over the tasks of the held-out log loss, with 1, 2, ... groups; only
        with ``n_groups="cv"``.
    classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
        The class labels, over all tasks. A list for a wide Y, as scikit-learn has it for
        several outputs; its arrays are those of all tasks. Of more than two classes
        ``coef_`` is (n_tasks, n_classes, n_features) and ``intercept_`` (n_tasks,
        n_classes), NaN where a task has never shown a class, and without the first axis
        for one task (1-D y without tasks).
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
        Names of the columns of ``coef_``, where they have names.

    See Also
    --------
    TaskGrouper : The groups of any matrix of similarities.
    ClusteredClassifier : Clusters and coefficients in one convex problem.

    References
    ----------
    Standley, Zamir, Chen, Guibas, Malik, Savarese (2020), Which tasks should be learned
    together in multi-task learning?

    Examples
    --------
    >>> from linmtl import MeanRegularizedClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> from linmtl.transfer import GroupedMultiTaskClassifier
    >>> X, y, tasks = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = GroupedMultiTaskClassifier(
    ...     MeanRegularizedClassifier(), groups={0: "a", 1: "a", 2: "b", 3: "b"}
    ... ).fit(X, y, tasks)
    >>> model.groups_
    {'a': [0, 1], 'b': [2, 3]}
    """
    labels_: np.ndarray
    groups_: dict[Any, Any]
    n_groups_: int
    estimators_: dict[Any, Any]
    grouper_: TaskGrouper
    similarity_: TaskMatrix
    cv_loss_: np.ndarray
    def __init__(
        self,
        estimator: MultiTaskModel | None = None,
        grouper: TaskGrouper | None = None,
        *,
        similarity: str | Callable[..., Any] | TaskMatrix | ArrayLike = "coefficients",
        groups: Mapping[Any, Any] | ArrayLike | None = None,
        cv: Any = 5,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = None,
    ): ...
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Fit the models of all tasks together.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels. A feature
            that is NaN in every row of a task is one that the task does not have.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, or labels of classes. Two dimensions: one column per task, all
            tasks sharing X (NaN: label not observed). One dimension: one target per
            row, of the task that ``tasks`` or ``task_column`` says (NaN: not
            observed), or of the only task.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row: all strings or all numbers. Dates (read as
            strings in the ISO format), spans of time (as days), an ordered categorical
            (in its order) and tuples (``("a", 1)`` as "a / 1") will do.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,) or of y's shape, default=None
            A known part of the linear predictor, added to ``x_i . w_t + b_t``: of
            counts the logarithm of their exposures. It is for ``predict`` too then.

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
