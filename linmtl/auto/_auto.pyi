# written by .ci/stubs.py from linmtl.auto._auto
import numpy as np
from collections.abc import Sequence
from linmtl.auto._held_out import HeldOut
from linmtl.auto._leaderboard import Leaderboard
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._predictions import PredictsClasses
from linmtl.estimators._predictions import PredictsTargets
from linmtl.estimators._task_model import TaskModel
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.base import RegressorMixin
from typing import Any
from typing import Literal
from typing import Self

class AutoRegressor(PredictsTargets, RegressorMixin, TaskModel):
    """Try many ways to share between tasks, and stack them or take the best.

    Every model is tuned in each training part of a cross-validation, and all are judged
    on the same held-out rows, each of which counts the same. What is chosen is fitted
    to all rows; a model that fails or does not converge is left out with a warning.

    Parameters
    ----------
    models : list of estimators or (name, estimator), default=None
        What to try, from simple to complex: estimators of linmtl that tune themselves or
        have nothing to tune, all with the same loss. None stands for pooled (without and
        with an intercept for each task), independent, mixed effects, mean-regularised, L21
        and trace norm (about zero and about a common model), clustered, adaptive robust;
        each that has a strength with 12 of them, in three folds. Of more than two classes
        and with another `loss` those of them that take these.
    loss : {"squared", "huber", "quantile", "poisson", "gamma", "tweedie"}, default=None
        What models are fitted by and judged by. None stands for the loss of `models`,
        and "squared" where there are none.
    huber_delta : float, default=1.35
        Where the Huber loss becomes linear, > 0, in the units of y.
    quantile_level : float, default=0.5
        The share of targets below predictions of the quantile loss, in (0, 1).
    quantile_smoothing : float, default=0.1
        Width of the window in which the quantile loss is smoothed, > 0, in the units of
        y: small beside its noise, but the smaller the slower.
    tweedie_power : float, default=1.5
        Power of the mean that the variance is proportional to, in (1, 2).
    selection : {"stack", "best", "1se"}, default="stack"
        Give the models weights in each task, not negative, with a sum of one, by the
        held-out rows of the task and, the fewer it has, by those of all; or take for all
        tasks the model with the lowest held-out loss ("best"), or the first of `models`
        whose loss is within one standard error of it (of the difference between the two).
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the tasks (stratified by class for classifiers); or
        the folds. All models are judged on the same ones, and tuned within their training
        parts.
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
    verbose : int, default=0
        Whether to say after each model and fold how many are done, and when all may be.

    Attributes
    ----------
    leaderboard_ : Leaderboard
        Held-out loss (mean squared error) of each model; ``print(leaderboard_)`` shows a
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
        Held-out loss (mean squared error) of what was made, corrected for the luck of the
        model chosen (of the strength of the shrinkage, for a stack, which is judged with
        weights from the other folds).
    loss_interval_ : tuple of float
        Its 95 % interval by the bootstrap, for models trained on as many rows as in a fold;
        all rows make better ones where there are few.
    held_out_ : HeldOut
        Losses and predictions of each model for each held-out row.
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
    leaderboard_: Leaderboard
    best_: str
    best_estimator_: MultiTaskModel
    estimators_: dict[Any, Any]
    weights_: np.ndarray
    shrinkage_: float
    loss_: float
    loss_interval_: tuple
    held_out_: HeldOut
    huber_delta: float
    quantile_level: float
    quantile_smoothing: float
    tweedie_power: float
    def __init__(
        self,
        models: Sequence[Any] | None = None,
        *,
        loss: str | None = None,
        huber_delta: float = 1.35,
        quantile_level: float = 0.5,
        quantile_smoothing: float = 0.1,
        tweedie_power: float = 1.5,
        selection: Literal['stack', 'best', '1se'] = "stack",
        cv: Any = 5,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None: ...
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
        groups : array-like of shape (n_samples,), default=None
            Rows with the same label are held out together (the visits of a patient, the
            days of a sensor), here and where models are tuned; standard errors are
            those of groups.

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
        ...

class AutoClassifier(PredictsClasses, ClassifierMixin, TaskModel):
    """Try many ways to share between tasks, and stack them or take the best.

    Every model is tuned in each training part of a cross-validation, and all are judged
    on the same held-out rows, each of which counts the same. What is chosen is fitted
    to all rows; a model that fails or does not converge is left out with a warning.

    Parameters
    ----------
    models : list of estimators or (name, estimator), default=None
        What to try, from simple to complex: estimators of linmtl that tune themselves or
        have nothing to tune, all with the same loss. None stands for pooled (without and
        with an intercept for each task), independent, mixed effects, mean-regularised, L21
        and trace norm (about zero and about a common model), clustered, adaptive robust;
        each that has a strength with 12 of them, in three folds. Of more than two classes
        and with another `loss` those of them that take these.
    loss : {"logistic", "squared_hinge"}, default=None
        What models are fitted by and judged by. None stands for the loss of `models`,
        and "logistic" where there are none.
    selection : {"stack", "best", "1se"}, default="stack"
        Give the models weights in each task, not negative, with a sum of one, by the
        held-out rows of the task and, the fewer it has, by those of all; or take for all
        tasks the model with the lowest held-out loss ("best"), or the first of `models`
        whose loss is within one standard error of it (of the difference between the two).
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the tasks (stratified by class for classifiers); or
        the folds. All models are judged on the same ones, and tuned within their training
        parts.
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
    verbose : int, default=0
        Whether to say after each model and fold how many are done, and when all may be.

    Attributes
    ----------
    leaderboard_ : Leaderboard
        Held-out loss (log loss) of each model; ``print(leaderboard_)`` shows a
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
        Held-out loss (log loss) of what was made, corrected for the luck of the
        model chosen (of the strength of the shrinkage, for a stack, which is judged with
        weights from the other folds).
    loss_interval_ : tuple of float
        Its 95 % interval by the bootstrap, for models trained on as many rows as in a fold;
        all rows make better ones where there are few.
    held_out_ : HeldOut
        Losses and predictions of each model for each held-out row.
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
    leaderboard_: Leaderboard
    best_: str
    best_estimator_: MultiTaskModel
    estimators_: dict[Any, Any]
    weights_: np.ndarray
    shrinkage_: float
    loss_: float
    loss_interval_: tuple
    held_out_: HeldOut
    def __init__(
        self,
        models: Sequence[Any] | None = None,
        *,
        loss: str | None = None,
        selection: Literal['stack', 'best', '1se'] = "stack",
        cv: Any = 5,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None: ...
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
        groups : array-like of shape (n_samples,), default=None
            Rows with the same label are held out together (the visits of a patient, the
            days of a sensor), here and where models are tuned; standard errors are
            those of groups.

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
        ...
