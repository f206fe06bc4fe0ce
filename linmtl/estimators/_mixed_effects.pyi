# written by .ci/stubs.py from linmtl.estimators._mixed_effects
import numpy as np
from collections.abc import Mapping
from linmtl.estimators._mixed_summary import MixedEffectsSummary
from linmtl.estimators._predictions import PredictsClasses
from linmtl.estimators._predictions import PredictsTargets
from linmtl.estimators._statistics import FitsStatistics
from linmtl.estimators._task_model import TaskModel
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.base import RegressorMixin
from typing import Any
from typing import Literal
from typing import Self

class MixedEffectsRegressor(FitsStatistics, PredictsTargets, RegressorMixin, TaskModel):
    """Linear mixed-effects model: every task between its own and the common model.

    Each task has coefficients around those that all have in common, and how far they
    may be from these is estimated, for each feature::

        eta_i = x_i . w_t + b_t,    w_t = m + u_t,    u_t ~ N(0, Sigma)

    for the rows i of task t, y_i being eta_i plus noise (regression), or having it for
    its log-odds (classification). The common m is free, or ``w_t = M z_t + u_t`` with
    numbers z_t of the tasks. The variances maximise the likelihood: nothing is tuned,
    no row is held out. Given them, the coefficients minimise a penalised problem in
    which a feature is drawn to the common one by the noise over its variance.

    Parameters
    ----------
    covariance : {"diagonal", "scalar", "shrunk", "full", "low_rank"}, default="diagonal"
        Sigma: "diagonal", a variance for each feature and the intercept; "scalar", one
        for all features and one for the intercept; "full", any covariance; "shrunk",
        the mean of "diagonal" and "full", in which the latter counts half, or more
        where the likelihood asks for it ("diagonal" with more correlations than tasks);
        "low_rank", a diagonal plus ``n_components`` factors.
        Only "full" is the same model wherever zero is, and "scalar" needs features in
        the same units: a warning names features to centre or to scale.
    n_components : int, default=2
        The number of factors of ``covariance="low_rank"``.
    random_intercept : bool, default=True
        Whether intercepts are drawn to a common one as coefficients are; otherwise they
        are free.
    random_features : array-like of str or int, default=None
        The features whose coefficients differ between tasks, by name or position; None
        for all, an empty list for a random intercept alone.
    task_features : dict, DataFrame or array-like, default=None
        Numbers that are known of each task: by label (the index of a DataFrame), and
        then also of tasks to predict that have no rows in fit; or of shape (n_tasks,
        n_task_features), in the order of ``tasks_``.
    noise : {"shared", "task"}, default="shared"
        One noise level, or one for each task, drawn to the common one.
    method : {"reml", "ml"}, default="reml"
        Restricted maximum likelihood, or maximum likelihood.
    shrink_mean : bool or "auto", default="auto"
        Whether the common coefficients have a normal prior, whose variance is
        estimated, too. "auto": where there are more than ten, the intercept included,
        or more than half as many as rows. lme4 has none.
    fit_intercept : bool, default=True
        Whether each task has an intercept.
    task_column : str or int, default=None
        The column of X that holds the task labels (name or position), instead of
        ``tasks=``; for whatever calls ``predict(X)`` alone.
    task_order : array-like, default=None
        The order of the tasks; sorted by default. Not for wide Y, whose columns are the
        tasks.
    feature_mask : array-like or DataFrame of bool of shape (n_features, n_tasks), default=None
        Which features each task has, tasks in the order of ``tasks_``; a DataFrame goes by
        the names of the features and the labels of the tasks. What X holds of the others
        does not matter. None: those that are not NaN in every row of the task.
    handle_unknown : {"mean", "error"}, default="mean"
        What to do when predicting for a task not seen in fit: use the common model, or
        raise an error that names it.
    max_iter : int, default=200
        Steps of Newton's method at most.
    tol : float, default=1e-6
        Largest duality gap of the penalised problem at the strengths found, relative to its
        null model, at which a fit has converged.

    Attributes
    ----------
    noise_ : float, or ndarray of shape (n_tasks,)
        Standard deviation of the noise, that of each task with ``noise="task"``.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients. For one task (1-D y without tasks): (n_features,) for regressors and
        (1, n_features) for classifiers.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts; a float for a regressor with one task (1-D y without tasks).
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    coef_mean_ : ndarray of shape (n_features,)
        Coefficients that the tasks have in common, m; with ``task_features``, those of a
        task with mean numbers.
    intercept_mean_ : float
        The intercept that they have in common; the mean of the tasks' own, where these are
        free.
    task_coef_ : ndarray of shape (n_features, n_task_features)
        How coefficients change with the numbers of ``task_features``; only with these.
    task_intercept_ : ndarray of shape (n_task_features,)
        How the random intercept does.
    covariance_ : ndarray of shape (n_random, n_random)
        Sigma, of the random intercept if there is one and of all features. A variance of
        zero is an answer: all tasks have that coefficient in common. So it is for features
        that are constant within every task, which tell tasks apart as an intercept does.
    log_likelihood_ : float
        The restricted log-likelihood (``method="reml"``) or the log-likelihood, constants
        included.
    new_tasks_ : dict
        What ``fit_new_task`` used for each task that it added, ``how`` and ``alpha`` by
        task label; where there are such tasks.
    dual_gap_ : float
        Duality gap: the objective is at most this far from the optimum.
    tol_ : float
        The absolute tolerance used for the gap.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.
    coef_feature_names_ : ndarray of shape (n_features,)
        Names of the columns of ``coef_``, where they have names.
    feature_mask_ : ndarray of bool of shape (n_tasks, n_features)
        Which features each task has; only where some do not have all. Coefficients of the
        others are zero.
    objective_ : float
        The penalised problem at the strengths found: half the squared residuals plus half
        ``noise^2 (w_t - m)' Sigma^-1 (w_t - m)``, over the mean number of rows of a task.
    converged_ : bool
        Whether the likelihood is at its maximum and ``dual_gap_ <= tol_``.
    n_iter_ : int
        Steps of Newton's method.

    See Also
    --------
    MeanRegularizedRegressorCV : One strength for all features, by cross-validation.
    MultiTaskRegressor : Any penalty.

    References
    ----------
    Laird, Ware (1982), Random-effects models for longitudinal data.
    Gilmour, Thompson, Cullis (1995), Average information REML.
    Smyth (2004), Linear models and empirical Bayes methods (noise of tasks).

    Examples
    --------
    >>> from linmtl import MixedEffectsRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = MixedEffectsRegressor().fit(X, y, tasks)
    >>> y_pred, std = model.predict(X[:3], tasks[:3], return_std=True)
    >>> y_pred.shape, std.shape
    ((3,), (3,))
    """
    noise_: float
    coef_mean_: np.ndarray
    intercept_mean_: float
    task_coef_: np.ndarray
    task_intercept_: np.ndarray
    covariance_: np.ndarray
    log_likelihood_: float
    feature_mask_: np.ndarray
    def __init__(
        self,
        covariance: str = "diagonal",
        *,
        n_components: int = 2,
        random_intercept: bool = True,
        random_features: ArrayLike | None = None,
        task_features: Mapping[Any, ArrayLike] | ArrayLike | None = None,
        noise: str = "shared",
        method: str = "reml",
        shrink_mean: bool | Literal['auto'] = "auto",
        fit_intercept: bool = True,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        feature_mask: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "mean",
        max_iter: int = 200,
        tol: float = 1e-06,
    ) -> None: ...
    def predict(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        return_std: bool = False,
        *,
        offset: ArrayLike | None = None,
    ) -> Any:
        """Predict the target of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.
        return_std : bool, default=False
            Whether to return the standard deviation of the target, too: of what is not
            known of the task, and of the noise.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.
            A wide Y: also one column per task.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_tasks)
            One prediction per row; one column per task for a model fitted on a wide Y,
            unless `tasks` says which to take.
        std : ndarray of the same shape
            Only with ``return_std``.
        """
        ...
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Estimate covariance, noise and the coefficients of all tasks.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels. A feature
            that is NaN in every row of a task is one that the task does not have: its
            rows say nothing of it, as if it were zero there.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets. Two dimensions: one column per task, all tasks sharing X (NaN:
            label not observed). One dimension: one target per row, of the task that
            ``tasks`` or ``task_column`` says (NaN: not observed), or of the only task.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0: a row of weight 2 counts as two rows. Weights of lme4 are
            precisions: there it is one row with half the variance.
        offset : float or array-like of shape (n_samples,) or of y's shape, default=None
            A known part of the linear predictor, for ``predict`` too then.

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
    def coef_covariance(
        self,
        task: Any,
    ) -> np.ndarray:
        """Return the covariance of the errors of a task's intercept and coefficients.

        Parameters
        ----------
        task : str or number
            The label of the task.

        Returns
        -------
        ndarray of shape (n_random, n_random)
            Rows and columns as those of ``covariance_``, zero for features that the
            task does not have.

        Raises
        ------
        ValueError
            If there is no such task.
        """
        ...
    def fit_new_task(
        self,
        X: Any,
        y: ArrayLike,
        name: Any,
        *,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Learn a task that was not there in fit, from a few rows of its own.

        Its coefficients are the best prediction given the common model, the covariance
        and the noise as they were estimated, which stay as they are.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples of the new task; with ``task_column``, that column has its name.
        y : array-like of shape (n_samples,)
            Targets, or labels of the classes in ``classes_``; missing ones are left
            out.
        name : str or number
            The label of the task, of the type of those in ``tasks_``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.

        Returns
        -------
        self : object
            The estimator, with the new task.

        Raises
        ------
        ValueError
            If an argument is not allowed; the message says why.
        """
        ...
    def summary(
        self,
    ) -> MixedEffectsSummary:
        """Return a table of what was estimated.

        Returns
        -------
        MixedEffectsSummary
            It prints as text; ``to_frame()`` has the common coefficients as a
            DataFrame.
        """
        ...

class MixedEffectsClassifier(PredictsClasses, ClassifierMixin, TaskModel):
    """Logistic mixed-effects model: every task between its own and the common one.

    Each task has coefficients around those that all have in common, and how far they
    may be from these is estimated, for each feature::

        eta_i = x_i . w_t + b_t,    w_t = m + u_t,    u_t ~ N(0, Sigma)

    for the rows i of task t, y_i being eta_i plus noise (regression), or having it for
    its log-odds (classification). The common m is free, or ``w_t = M z_t + u_t`` with
    numbers z_t of the tasks. The variances maximise the likelihood: nothing is tuned,
    no row is held out. Given them, the coefficients minimise a penalised problem in
    which a feature is drawn to the common one by the noise over its variance.

    Parameters
    ----------
    covariance : {"diagonal", "scalar", "shrunk", "full", "low_rank"}, default="diagonal"
        Sigma: "diagonal", a variance for each feature and the intercept; "scalar", one
        for all features and one for the intercept; "full", any covariance; "shrunk",
        the mean of "diagonal" and "full", in which the latter counts half, or more
        where the likelihood asks for it ("diagonal" with more correlations than tasks);
        "low_rank", a diagonal plus ``n_components`` factors.
        Only "full" is the same model wherever zero is, and "scalar" needs features in
        the same units: a warning names features to centre or to scale.
    n_components : int, default=2
        The number of factors of ``covariance="low_rank"``.
    random_features : array-like of str or int, default=None
        The features whose coefficients differ between tasks, by name or position; None
        for all, an empty list for a random intercept alone.
    task_features : dict, DataFrame or array-like, default=None
        Numbers that are known of each task: by label (the index of a DataFrame), and
        then also of tasks to predict that have no rows in fit; or of shape (n_tasks,
        n_task_features), in the order of ``tasks_``.
    method : {"reml", "ml"}, default="reml"
        Restricted maximum likelihood, or maximum likelihood.
    shrink_mean : bool or "auto", default="auto"
        Whether the common coefficients have a normal prior, whose variance is
        estimated, too. "auto": where there are more than ten, the intercept included,
        or more than half as many as rows. lme4 has none.
    class_weight : None, "balanced" or dict, default=None
        What sample weights are multiplied by: nothing; within each task
        ``n_t / (K_t n_tc)``, with n the sums of its sample weights and those of the class,
        and K_t the number of its classes; or a number by class label (1 where there is
        none).
    fit_intercept : bool, default=True
        Whether each task has an intercept.
    task_column : str or int, default=None
        The column of X that holds the task labels (name or position), instead of
        ``tasks=``; for whatever calls ``predict(X)`` alone.
    task_order : array-like, default=None
        The order of the tasks; sorted by default. Not for wide Y, whose columns are the
        tasks.
    feature_mask : array-like or DataFrame of bool of shape (n_features, n_tasks), default=None
        Which features each task has, tasks in the order of ``tasks_``; a DataFrame goes by
        the names of the features and the labels of the tasks. What X holds of the others
        does not matter. None: those that are not NaN in every row of the task.
    handle_unknown : {"mean", "error"}, default="mean"
        What to do when predicting for a task not seen in fit: use the common model, or
        raise an error that names it.
    max_iter : int, default=200
        Steps of Newton's method at most.
    tol : float, default=1e-6
        Largest duality gap of the penalised problem at the strengths found, relative to its
        null model, at which a fit has converged.

    Attributes
    ----------
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
    coef_mean_ : ndarray of shape (n_features,)
        Coefficients that the tasks have in common, m; with ``task_features``, those of a
        task with mean numbers.
    intercept_mean_ : float
        The intercept that they have in common; the mean of the tasks' own, where these are
        free.
    task_coef_ : ndarray of shape (n_features, n_task_features)
        How coefficients change with the numbers of ``task_features``; only with these.
    task_intercept_ : ndarray of shape (n_task_features,)
        How the random intercept does.
    covariance_ : ndarray of shape (n_random, n_random)
        Sigma, of the random intercept if there is one and of all features. A variance of
        zero is an answer: all tasks have that coefficient in common. So it is for features
        that are constant within every task, which tell tasks apart as an intercept does.
    log_likelihood_ : float
        The restricted log-likelihood (``method="reml"``) or the log-likelihood, constants
        included.
    new_tasks_ : dict
        What ``fit_new_task`` used for each task that it added, ``how`` and ``alpha`` by
        task label; where there are such tasks.
    dual_gap_ : float
        Duality gap: the objective is at most this far from the optimum.
    tol_ : float
        The absolute tolerance used for the gap.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.
    coef_feature_names_ : ndarray of shape (n_features,)
        Names of the columns of ``coef_``, where they have names.
    feature_mask_ : ndarray of bool of shape (n_tasks, n_features)
        Which features each task has; only where some do not have all. Coefficients of the
        others are zero.
    objective_ : float
        The penalised problem at the strengths found: half the squared residuals plus half
        ``noise^2 (w_t - m)' Sigma^-1 (w_t - m)``, over the mean number of rows of a task.
    converged_ : bool
        Whether the likelihood is at its maximum and ``dual_gap_ <= tol_``.
    n_iter_ : int
        Steps of Newton's method.

    See Also
    --------
    MeanRegularizedClassifierCV : One strength for all features, by cross-validation.
    MultiTaskClassifier : Any penalty.

    Notes
    -----
    The likelihood of labels has no closed form. It is Laplace's approximation, with
    deviations and common coefficients integrated out about their joint mode; ``"ml"``
    leaves the latter out, as lme4 does with ``nAGQ = 0``. Variances found so are too
    small where tasks have few rows of each class. Intercepts are always random.

    References
    ----------
    Laird, Ware (1982), Random-effects models for longitudinal data.
    Gilmour, Thompson, Cullis (1995), Average information REML.
    Smyth (2004), Linear models and empirical Bayes methods (noise of tasks).

    Examples
    --------
    >>> from linmtl import MixedEffectsClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = MixedEffectsClassifier().fit(X, y, tasks)
    >>> model.predict_proba(X[:3], tasks[:3]).shape
    (3, 2)
    """
    coef_mean_: np.ndarray
    intercept_mean_: float
    task_coef_: np.ndarray
    task_intercept_: np.ndarray
    covariance_: np.ndarray
    log_likelihood_: float
    feature_mask_: np.ndarray
    def __init__(
        self,
        covariance: str = "diagonal",
        *,
        n_components: int = 2,
        random_features: ArrayLike | None = None,
        task_features: Mapping[Any, ArrayLike] | ArrayLike | None = None,
        method: str = "reml",
        shrink_mean: bool | Literal['auto'] = "auto",
        class_weight: Mapping[Any, float] | Literal['balanced'] | None = None,
        fit_intercept: bool = True,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        feature_mask: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "mean",
        max_iter: int = 200,
        tol: float = 1e-06,
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
        """Estimate covariance, noise and the coefficients of all tasks.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels. A feature
            that is NaN in every row of a task is one that the task does not have: its
            rows say nothing of it, as if it were zero there.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets. Two dimensions: one column per task, all tasks sharing X (NaN:
            label not observed). One dimension: one target per row, of the task that
            ``tasks`` or ``task_column`` says (NaN: not observed), or of the only task.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0: a row of weight 2 counts as two rows. Weights of lme4 are
            precisions: there it is one row with half the variance.
        offset : float or array-like of shape (n_samples,) or of y's shape, default=None
            A known part of the linear predictor, for ``predict`` too then.

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
    def coef_covariance(
        self,
        task: Any,
    ) -> np.ndarray:
        """Return the covariance of the errors of a task's intercept and coefficients.

        Parameters
        ----------
        task : str or number
            The label of the task.

        Returns
        -------
        ndarray of shape (n_random, n_random)
            Rows and columns as those of ``covariance_``, zero for features that the
            task does not have.

        Raises
        ------
        ValueError
            If there is no such task.
        """
        ...
    def fit_new_task(
        self,
        X: Any,
        y: ArrayLike,
        name: Any,
        *,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Learn a task that was not there in fit, from a few rows of its own.

        Its coefficients are the best prediction given the common model, the covariance
        and the noise as they were estimated, which stay as they are.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples of the new task; with ``task_column``, that column has its name.
        y : array-like of shape (n_samples,)
            Targets, or labels of the classes in ``classes_``; missing ones are left
            out.
        name : str or number
            The label of the task, of the type of those in ``tasks_``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.

        Returns
        -------
        self : object
            The estimator, with the new task.

        Raises
        ------
        ValueError
            If an argument is not allowed; the message says why.
        """
        ...
    def summary(
        self,
    ) -> MixedEffectsSummary:
        """Return a table of what was estimated.

        Returns
        -------
        MixedEffectsSummary
            It prints as text; ``to_frame()`` has the common coefficients as a
            DataFrame.
        """
        ...
