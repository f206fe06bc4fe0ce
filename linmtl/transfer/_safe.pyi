# written by .ci/stubs.py from linmtl.transfer._safe
import numpy as np
from linmtl.auto._combined import Combined
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._base import PlainClassifier
from linmtl.estimators._base import PlainRegressor
from numpy.typing import ArrayLike
from typing import Any
from typing import Literal
from typing import Self

class SafeTransferRegressor(Combined, PlainRegressor):
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
        they are; a task that is never held out stays with the baseline.
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
    weights_ : ndarray of shape (n_tasks,)
        ``a_t``, the weight of the shared model in each task.
    held_out_loss_ : dict of ndarray of shape (n_tasks,)
        Held-out mean squared error of "baseline", "estimator" and "blend" (the last with
        the ``weights_`` chosen on the same rows, so a little too good); NaN for a task
        never held out.
    estimator_, baseline_ : estimator
        Both, fitted to all data.
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
    weights_: np.ndarray
    held_out_loss_: dict[Any, np.ndarray]
    estimator_: MultiTaskModel
    baseline_: MultiTaskModel
    def __init__(
        self,
        estimator: MultiTaskModel | None = None,
        baseline: MultiTaskModel | None = None,
        *,
        cv: Any = 5,
        shrinkage: float | Literal['auto'] = "auto",
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

class SafeTransferClassifier(Combined, PlainClassifier):
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
        they are; a task that is never held out stays with the baseline.
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
    weights_ : ndarray of shape (n_tasks,)
        ``a_t``, the weight of the shared model in each task.
    held_out_loss_ : dict of ndarray of shape (n_tasks,)
        Held-out log loss of "baseline", "estimator" and "blend" (the last with
        the ``weights_`` chosen on the same rows, so a little too good); NaN for a task
        never held out.
    estimator_, baseline_ : estimator
        Both, fitted to all data.
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
    weights_: np.ndarray
    held_out_loss_: dict[Any, np.ndarray]
    estimator_: MultiTaskModel
    baseline_: MultiTaskModel
    def __init__(
        self,
        estimator: MultiTaskModel | None = None,
        baseline: MultiTaskModel | None = None,
        *,
        cv: Any = 5,
        shrinkage: float | Literal['auto'] = "auto",
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

def SafeTransfer(
    estimator: MultiTaskModel,
    baseline: MultiTaskModel | None = None,
    **options: Any,
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
    ...
