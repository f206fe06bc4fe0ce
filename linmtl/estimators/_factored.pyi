# written by .ci/stubs.py from linmtl.estimators._factored
import numpy as np
from collections.abc import Mapping
from linmtl.estimators._base import Classifier
from linmtl.estimators._base import Regressor
from numpy.typing import ArrayLike
from typing import Any
from typing import Literal
from typing import Self

class FactoredRegressor(Regressor):
    """Regression with coefficients that are a product of two small matrices.

    The linear form of a network with a hidden layer that the tasks share. Minimises
    over U (n_features, n_components), V (n_tasks, n_components) and b, with W = U V'::

        sum_t lambda_t / S_t * sum_{i in t} s_i (y_i - x_i . w_t - b_t)^2 / 2
            + alpha / 2 * (||U||^2 + ||V||^2)

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    n_components : int, default=2
        Number of components, the largest rank of W; no more than n_features and
        n_tasks are used.
    alpha : float, default=1.0
        Strength, >= 0.
    loss : {"squared", "huber", "quantile", "poisson", "gamma", "tweedie"}, default="squared"
        The loss of an observation. "squared": Half the squared residual. "huber": Half
        the squared residual as far as ``huber_delta``, linear beyond, so that outliers
        have a bounded say. "quantile": The pinball loss, whose optimum is the quantile
        ``quantile_level`` of y in place of its mean, smoothed over a window of
        ``quantile_smoothing``. "poisson": Half the deviance of counts or rates y >= 0
        whose mean is ``exp(x_i . w_t + b_t)``, which is what is predicted then.
        "gamma": Half the deviance of amounts y > 0 whose standard deviation is
        proportional to their mean, ``exp(x_i . w_t + b_t)``, which is what is predicted
        then. "tweedie": Half the deviance of amounts y >= 0, many of them zero perhaps,
        whose variance is proportional to the power ``tweedie_power`` of their mean,
        ``exp(x_i . w_t + b_t)``, which is what is predicted then.
    huber_delta : float, default=1.35
        Where the Huber loss becomes linear, > 0, in the units of y.
    quantile_level : float, default=0.5
        The share of targets below predictions of the quantile loss, in (0, 1).
    quantile_smoothing : float, default=0.1
        Width of the window in which the quantile loss is smoothed, > 0, in the units of
        y: small beside its noise, but the smaller the slower.
    tweedie_power : float, default=1.5
        Power of the mean that the variance is proportional to, in (1, 2).
    n_init : int, default=1
        Number of descents; those after the first start at random, and the lowest is kept.
    random_state : int, RandomState instance or None, default=None
        Seed of the random starts.
    fit_intercept : bool, default=True
        Whether each task has an intercept, which only an ``intercept_weight`` penalises.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default=None
        Weight lambda_t of each task's mean loss: 1 each, or given by task label or in the
        order of ``tasks_``. "n_samples": proportional to the sum of its sample weights
        (mean 1), so that every sample counts the same. "null_loss": one over its loss
        without coefficients, so that losses are relative. "minimax": the largest relative
        loss is minimised, smoothed; the sum of the losses is replaced by
        ``0.05 log(mean_t exp(loss_t / null_t / 0.05))``. "uncertainty" (regression): one
        over its noise level, which is estimated too; the same as ``loss="sqrt"``.
    feature_mask : array-like or DataFrame of bool of shape (n_features, n_tasks), default=None
        Which features each task has, tasks in the order of ``tasks_``; a DataFrame goes by
        the names of the features and the labels of the tasks. What X holds of the others
        does not matter. None: those that are not NaN in every row of the task.
    task_column : str or int, default=None
        The column of X that holds the task labels (name or position), instead of
        ``tasks=``; for whatever calls ``predict(X)`` alone.
    task_order : array-like, default=None
        The order of the tasks; sorted by default. Not for wide Y, whose columns are the
        tasks.
    handle_unknown : {"error", "mean"}, default="error"
        What to do when predicting for a task not seen in fit: raise an error that names
        it, or use the mean of the tasks' models.
    solver : str, default="auto"
        The solver of the convex model that the first descent starts from; the default is
        the fastest that applies.
    max_iter : int, default=10000
        Iterations at most, of each descent.
    tol : float, default=1e-4
        Stop when ``residual_`` is at most ``tol`` times the objective of the null model
        (no coefficients, best intercepts), or where the objective no longer decreases
        beyond rounding, which is often before ``tol=1e-8``. The objective is much closer to
        its minimum than the residual to zero.
    warm_start : bool, default=False
        Start from the last solution, matched by task label, unless a component of it is
        unused.
    verbose : int, default=0
        If positive, print a line at each iteration.

    Attributes
    ----------
    trace_norm_gap_ : float
        ``objective_`` less a lower bound of the optimum of `TraceNormRegressor` with
        the same ``alpha``: the solution is at most this far from the best of all.
    components_ : ndarray of shape (n_components_, n_features)
        What the tasks share, the largest component first.
    task_codes_ : ndarray of shape (n_tasks, n_components_)
        What each task makes of it: ``coef_ = task_codes_ @ components_``, but for zeros of
        features that a task does not have. The largest code of a component is positive.
        Of more than two classes those of each, (n_tasks, n_classes, n_components), NaN
        where a task has never shown a class.
    n_components_ : int
        Number of components: ``n_components``, at most n_features and the columns of W.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients. For one task (1-D y without tasks): (n_features,) for regressors and
        (1, n_features) for classifiers.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts; a float for a regressor with one task (1-D y without tasks).
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    task_weight_ : ndarray of shape (n_tasks,)
        Weight of each task's mean loss in the objective, or in its gradient at the solution
        where weights are found at the same time; zero for a task left out, NaN for one
        whose noise level is zero.
    new_tasks_ : dict
        What ``fit_new_task`` used for each task that it added, ``how`` and ``alpha`` by
        task label; where there are such tasks.
    objective_ : float
        The objective at the solution.
    n_iter_ : int
        Iterations.
    solver_ : str
        The solver used.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.
    coef_feature_names_ : ndarray of shape (n_features,)
        Names of the columns of ``coef_``, where they have names.
    residual_ : float
        How far from stationary the solution is: to first order, the most that the objective
        changes by when both factors change by their own size. Zero at a local minimum.
    tol_ : float
        The absolute tolerance used for the residual.
    converged_ : bool
        Whether ``residual_ <= tol_``, or the descent ended at rounding: begun afresh at the
        solution, it lowers the objective no further.
    objective_history_ : ndarray
        The objective at the start and after each iteration; never increasing.

    See Also
    --------
    FactoredClassifier : The same for two classes.
    TraceNormRegressor : The same without a bound on the rank; convex.
    GOMTLRegressor : A product in which each task uses few components.

    Notes
    -----
    The least penalty of all factors of W is ``alpha`` times its trace norm. So this is
    `TraceNormRegressor` with a rank of at most ``n_components``, and the same model
    where its solution has no larger rank; ``trace_norm_gap_`` is then about zero. Below
    that rank the problem has local minima, and the gap includes what the bound on the
    rank costs. The first descent starts from the solution with the trace norm, cut to
    the rank.

    ``U`` and ``V`` are known up to a rotation: ``components_`` and ``task_codes_`` are
    halves of the singular value decomposition of W.

    References
    ----------
    Caruana (1997), Multitask learning.
    Srebro, Rennie, Jaakkola (2004), Maximum-margin matrix factorization.

    Examples
    --------
    >>> from linmtl import FactoredRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = FactoredRegressor().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    >>> model.components_.shape, model.task_codes_.shape
    ((2, 20), (10, 2))
    """
    trace_norm_gap_: float
    components_: np.ndarray
    task_codes_: np.ndarray
    n_components_: int
    residual_: float
    objective_history_: np.ndarray
    huber_delta: float
    quantile_level: float
    quantile_smoothing: float
    tweedie_power: float
    def __init__(
        self,
        n_components: int = 2,
        alpha: float = 1.0,
        *,
        loss: str = "squared",
        huber_delta: float = 1.35,
        quantile_level: float = 0.5,
        quantile_smoothing: float = 0.1,
        tweedie_power: float = 1.5,
        n_init: int = 1,
        random_state: int | np.random.RandomState | None = None,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        feature_mask: ArrayLike | None = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
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
        coef_init: ArrayLike | None = None,
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
        coef_init : array-like of the shape of ``coef_``, default=None
            Coefficients to start from, tasks in the order of ``tasks_``; by default the
            last solution with ``warm_start``, else none. `coef_` itself is no start.

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

class FactoredClassifier(Classifier):
    """Logistic regression, coefficients being a product of two small matrices.

    The linear form of a network with a hidden layer that the tasks share. Minimises
    over U (n_features, n_components), V (n_tasks, n_components) and b, with W = U V'::

        sum_t lambda_t / S_t * sum_{i in t} s_i log(1 + exp(-y_i (x_i . w_t + b_t)))
            + alpha / 2 * (||U||^2 + ||V||^2)

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.
    y_i is +1 for the second class and -1 for the first. Of more than two classes W has a
    column for each class of each task, and the loss of a row is the multinomial one,
    ``log(sum_k exp(eta_ik)) - eta_iy``.

    Parameters
    ----------
    n_components : int, default=2
        Number of components, the largest rank of W; no more than n_features and
        n_tasks are used.
    alpha : float, default=0.01
        Strength, >= 0.
    class_weight : None, "balanced" or dict, default=None
        What sample weights are multiplied by: nothing; within each task
        ``n_t / (K_t n_tc)``, with n the sums of its sample weights and those of the class,
        and K_t the number of its classes; or a number by class label (1 where there is
        none).
    loss : {"logistic", "squared_hinge"}, default="logistic"
        The loss of an observation. "logistic": Minus the log-likelihood of two classes
        whose log-odds are linear. "squared_hinge": Half the square of what a row falls
        short of a margin of 1 on the side of its class, as in linear support vector
        machines; it knows no probabilities.
    n_init : int, default=1
        Number of descents; those after the first start at random, and the lowest is kept.
    random_state : int, RandomState instance or None, default=None
        Seed of the random starts.
    fit_intercept : bool, default=True
        Whether each task has an intercept, which only an ``intercept_weight`` penalises.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default=None
        Weight lambda_t of each task's mean loss: 1 each, or given by task label or in the
        order of ``tasks_``. "n_samples": proportional to the sum of its sample weights
        (mean 1), so that every sample counts the same. "null_loss": one over its loss
        without coefficients, so that losses are relative. "minimax": the largest relative
        loss is minimised, smoothed; the sum of the losses is replaced by
        ``0.05 log(mean_t exp(loss_t / null_t / 0.05))``. "uncertainty" (regression): one
        over its noise level, which is estimated too; the same as ``loss="sqrt"``.
    feature_mask : array-like or DataFrame of bool of shape (n_features, n_tasks), default=None
        Which features each task has, tasks in the order of ``tasks_``; a DataFrame goes by
        the names of the features and the labels of the tasks. What X holds of the others
        does not matter. None: those that are not NaN in every row of the task.
    task_column : str or int, default=None
        The column of X that holds the task labels (name or position), instead of
        ``tasks=``; for whatever calls ``predict(X)`` alone.
    task_order : array-like, default=None
        The order of the tasks; sorted by default. Not for wide Y, whose columns are the
        tasks.
    handle_unknown : {"error", "mean"}, default="error"
        What to do when predicting for a task not seen in fit: raise an error that names
        it, or use the mean of the tasks' models.
    solver : str, default="auto"
        The solver of the convex model that the first descent starts from; the default is
        the fastest that applies.
    max_iter : int, default=10000
        Iterations at most, of each descent.
    tol : float, default=1e-4
        Stop when ``residual_`` is at most ``tol`` times the objective of the null model
        (no coefficients, best intercepts), or where the objective no longer decreases
        beyond rounding, which is often before ``tol=1e-8``. The objective is much closer to
        its minimum than the residual to zero.
    warm_start : bool, default=False
        Start from the last solution, matched by task label, unless a component of it is
        unused.
    verbose : int, default=0
        If positive, print a line at each iteration.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
        The class labels, over all tasks. A list for a wide Y, as scikit-learn has it for
        several outputs; its arrays are those of all tasks. Of more than two classes
        ``coef_`` is (n_tasks, n_classes, n_features) and ``intercept_`` (n_tasks,
        n_classes), NaN where a task has never shown a class, and without the first axis
        for one task (1-D y without tasks).
    trace_norm_gap_ : float
        ``objective_`` less a lower bound of the optimum of `TraceNormClassifier` with
        the same ``alpha``: the solution is at most this far from the best of all.
    components_ : ndarray of shape (n_components_, n_features)
        What the tasks share, the largest component first.
    task_codes_ : ndarray of shape (n_tasks, n_components_)
        What each task makes of it: ``coef_ = task_codes_ @ components_``, but for zeros of
        features that a task does not have. The largest code of a component is positive.
        Of more than two classes those of each, (n_tasks, n_classes, n_components), NaN
        where a task has never shown a class.
    n_components_ : int
        Number of components: ``n_components``, at most n_features and the columns of W.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients. For one task (1-D y without tasks): (n_features,) for regressors and
        (1, n_features) for classifiers.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts; a float for a regressor with one task (1-D y without tasks).
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    task_weight_ : ndarray of shape (n_tasks,)
        Weight of each task's mean loss in the objective, or in its gradient at the solution
        where weights are found at the same time; zero for a task left out, NaN for one
        whose noise level is zero.
    new_tasks_ : dict
        What ``fit_new_task`` used for each task that it added, ``how`` and ``alpha`` by
        task label; where there are such tasks.
    objective_ : float
        The objective at the solution.
    n_iter_ : int
        Iterations.
    solver_ : str
        The solver used.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.
    coef_feature_names_ : ndarray of shape (n_features,)
        Names of the columns of ``coef_``, where they have names.
    residual_ : float
        How far from stationary the solution is: to first order, the most that the objective
        changes by when both factors change by their own size. Zero at a local minimum.
    tol_ : float
        The absolute tolerance used for the residual.
    converged_ : bool
        Whether ``residual_ <= tol_``, or the descent ended at rounding: begun afresh at the
        solution, it lowers the objective no further.
    objective_history_ : ndarray
        The objective at the start and after each iteration; never increasing.

    See Also
    --------
    FactoredRegressor : The same for regression.
    TraceNormClassifier : The same without a bound on the rank; convex.
    GOMTLClassifier : A product in which each task uses few components.

    Notes
    -----
    The least penalty of all factors of W is ``alpha`` times its trace norm. So this is
    `TraceNormClassifier` with a rank of at most ``n_components``, and the same model
    where its solution has no larger rank; ``trace_norm_gap_`` is then about zero. Below
    that rank the problem has local minima, and the gap includes what the bound on the
    rank costs. The first descent starts from the solution with the trace norm, cut to
    the rank.

    ``U`` and ``V`` are known up to a rotation: ``components_`` and ``task_codes_`` are
    halves of the singular value decomposition of W.

    References
    ----------
    Caruana (1997), Multitask learning.
    Srebro, Rennie, Jaakkola (2004), Maximum-margin matrix factorization.

    Examples
    --------
    >>> from linmtl import FactoredClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = FactoredClassifier().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    >>> model.components_.shape, model.task_codes_.shape
    ((2, 20), (10, 2))
    """
    trace_norm_gap_: float
    components_: np.ndarray
    task_codes_: np.ndarray
    n_components_: int
    residual_: float
    objective_history_: np.ndarray
    def __init__(
        self,
        n_components: int = 2,
        alpha: float = 0.01,
        *,
        class_weight: Mapping[Any, float] | Literal['balanced'] | None = None,
        loss: str = "logistic",
        n_init: int = 1,
        random_state: int | np.random.RandomState | None = None,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        feature_mask: ArrayLike | None = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
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
        coef_init: ArrayLike | None = None,
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
        coef_init : array-like of the shape of ``coef_``, default=None
            Coefficients to start from, tasks in the order of ``tasks_``; by default the
            last solution with ``warm_start``, else none. `coef_` itself is no start.

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

class GOMTLRegressor(Regressor):
    """Regression with tasks that are combinations of few basis tasks (GO-MTL).

    Tasks that use the same components form groups, which may overlap. Minimises over
    a basis L (n_features, n_components), codes S (n_components, n_tasks) and b, with
    W = L S::

        sum_t lambda_t / S_t * sum_{i in t} s_i (y_i - x_i . w_t - b_t)^2 / 2
            + alpha_basis / 2 * ||L||^2 + alpha_sparse * sum |S|

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    n_components : int, default=3
        Number of basis tasks; no more than n_features and n_tasks are used.
    alpha_basis : float, default=0.1
        Strength on the basis, > 0.
    alpha_sparse : float, default=0.1
        Strength on the codes, > 0.
    loss : {"squared", "huber", "quantile", "poisson", "gamma", "tweedie"}, default="squared"
        The loss of an observation. "squared": Half the squared residual. "huber": Half
        the squared residual as far as ``huber_delta``, linear beyond, so that outliers
        have a bounded say. "quantile": The pinball loss, whose optimum is the quantile
        ``quantile_level`` of y in place of its mean, smoothed over a window of
        ``quantile_smoothing``. "poisson": Half the deviance of counts or rates y >= 0
        whose mean is ``exp(x_i . w_t + b_t)``, which is what is predicted then.
        "gamma": Half the deviance of amounts y > 0 whose standard deviation is
        proportional to their mean, ``exp(x_i . w_t + b_t)``, which is what is predicted
        then. "tweedie": Half the deviance of amounts y >= 0, many of them zero perhaps,
        whose variance is proportional to the power ``tweedie_power`` of their mean,
        ``exp(x_i . w_t + b_t)``, which is what is predicted then.
    huber_delta : float, default=1.35
        Where the Huber loss becomes linear, > 0, in the units of y.
    quantile_level : float, default=0.5
        The share of targets below predictions of the quantile loss, in (0, 1).
    quantile_smoothing : float, default=0.1
        Width of the window in which the quantile loss is smoothed, > 0, in the units of
        y: small beside its noise, but the smaller the slower.
    tweedie_power : float, default=1.5
        Power of the mean that the variance is proportional to, in (1, 2).
    n_init : int, default=1
        Number of descents; those after the first start at random, and the lowest is kept.
    random_state : int, RandomState instance or None, default=None
        Seed of the random starts.
    fit_intercept : bool, default=True
        Whether each task has an intercept, which only an ``intercept_weight`` penalises.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default=None
        Weight lambda_t of each task's mean loss: 1 each, or given by task label or in the
        order of ``tasks_``. "n_samples": proportional to the sum of its sample weights
        (mean 1), so that every sample counts the same. "null_loss": one over its loss
        without coefficients, so that losses are relative. "minimax": the largest relative
        loss is minimised, smoothed; the sum of the losses is replaced by
        ``0.05 log(mean_t exp(loss_t / null_t / 0.05))``. "uncertainty" (regression): one
        over its noise level, which is estimated too; the same as ``loss="sqrt"``.
    feature_mask : array-like or DataFrame of bool of shape (n_features, n_tasks), default=None
        Which features each task has, tasks in the order of ``tasks_``; a DataFrame goes by
        the names of the features and the labels of the tasks. What X holds of the others
        does not matter. None: those that are not NaN in every row of the task.
    task_column : str or int, default=None
        The column of X that holds the task labels (name or position), instead of
        ``tasks=``; for whatever calls ``predict(X)`` alone.
    task_order : array-like, default=None
        The order of the tasks; sorted by default. Not for wide Y, whose columns are the
        tasks.
    handle_unknown : {"error", "mean"}, default="error"
        What to do when predicting for a task not seen in fit: raise an error that names
        it, or use the mean of the tasks' models.
    solver : str, default="auto"
        The solver of the convex model that the first descent starts from; the default is
        the fastest that applies.
    max_iter : int, default=10000
        Iterations at most, of each descent.
    tol : float, default=1e-4
        Stop when ``residual_`` is at most ``tol`` times the objective of the null model
        (no coefficients, best intercepts), or where the objective no longer decreases
        beyond rounding, which is often before ``tol=1e-8``. The objective is much closer to
        its minimum than the residual to zero.
    warm_start : bool, default=False
        Start from the last solution, matched by task label, unless a component of it is
        unused.
    verbose : int, default=0
        If positive, print a line at each iteration.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features)
        What the tasks share, the largest component first.
    task_codes_ : ndarray of shape (n_tasks, n_components_)
        What each task makes of it: ``coef_ = task_codes_ @ components_``, but for zeros of
        features that a task does not have. The largest code of a component is positive.
        Of more than two classes those of each, (n_tasks, n_classes, n_components), NaN
        where a task has never shown a class.
    n_components_ : int
        Number of components: ``n_components``, at most n_features and the columns of W.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients. For one task (1-D y without tasks): (n_features,) for regressors and
        (1, n_features) for classifiers.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts; a float for a regressor with one task (1-D y without tasks).
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    task_weight_ : ndarray of shape (n_tasks,)
        Weight of each task's mean loss in the objective, or in its gradient at the solution
        where weights are found at the same time; zero for a task left out, NaN for one
        whose noise level is zero.
    new_tasks_ : dict
        What ``fit_new_task`` used for each task that it added, ``how`` and ``alpha`` by
        task label; where there are such tasks.
    objective_ : float
        The objective at the solution.
    n_iter_ : int
        Iterations.
    solver_ : str
        The solver used.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.
    coef_feature_names_ : ndarray of shape (n_features,)
        Names of the columns of ``coef_``, where they have names.
    residual_ : float
        How far from stationary the solution is: to first order, the most that the objective
        changes by when both factors change by their own size. Zero at a local minimum.
    tol_ : float
        The absolute tolerance used for the residual.
    converged_ : bool
        Whether ``residual_ <= tol_``, or the descent ended at rounding: begun afresh at the
        solution, it lowers the objective no further.
    objective_history_ : ndarray
        The objective at the start and after each iteration; never increasing.

    See Also
    --------
    GOMTLClassifier : The same for two classes.
    FactoredRegressor : A ridge in place of the L1 norm.

    Notes
    -----
    The problem is not convex: the solution is stationary, and best among the descents
    and the null model. The first descent starts from tasks learned alone (a light
    ridge), cut to their largest singular directions, turned so that each task uses few;
    the random ones turn at random.

    W depends on the strengths through ``alpha_basis * alpha_sparse**2`` only: other
    splits of the product scale L and S. The paper has ``mu ||S||_1 + lambda ||L||^2``:
    for regression, with squared errors without the half, ``alpha_basis = lambda`` and
    ``alpha_sparse = mu / 2``; for two classes ``alpha_basis = 2 * lambda`` and
    ``alpha_sparse = mu``.

    References
    ----------
    Kumar, Daume (2012), Learning task grouping and overlap in multi-task learning.

    Examples
    --------
    >>> from linmtl import GOMTLRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(
    ...     structure="clustered", n_clusters=3, deviation=0, random_state=0
    ... )
    >>> model = GOMTLRegressor(3, alpha_basis=1.0, alpha_sparse=1.0)
    >>> model = model.fit(X, y, tasks)
    >>> (model.task_codes_ != 0).sum(axis=1)
    array([1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    """
    components_: np.ndarray
    task_codes_: np.ndarray
    n_components_: int
    residual_: float
    objective_history_: np.ndarray
    huber_delta: float
    quantile_level: float
    quantile_smoothing: float
    tweedie_power: float
    def __init__(
        self,
        n_components: int = 3,
        alpha_basis: float = 0.1,
        alpha_sparse: float = 0.1,
        *,
        loss: str = "squared",
        huber_delta: float = 1.35,
        quantile_level: float = 0.5,
        quantile_smoothing: float = 0.1,
        tweedie_power: float = 1.5,
        n_init: int = 1,
        random_state: int | np.random.RandomState | None = None,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        feature_mask: ArrayLike | None = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
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
        coef_init: ArrayLike | None = None,
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
        coef_init : array-like of the shape of ``coef_``, default=None
            Coefficients to start from, tasks in the order of ``tasks_``; by default the
            last solution with ``warm_start``, else none. `coef_` itself is no start.

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

class GOMTLClassifier(Classifier):
    """Logistic regression with tasks that are combinations of few (GO-MTL).

    Tasks that use the same components form groups, which may overlap. Minimises over
    a basis L (n_features, n_components), codes S (n_components, n_tasks) and b, with
    W = L S::

        sum_t lambda_t / S_t * sum_{i in t} s_i log(1 + exp(-y_i (x_i . w_t + b_t)))
            + alpha_basis / 2 * ||L||^2 + alpha_sparse * sum |S|

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.
    y_i is +1 for the second class and -1 for the first. Of more than two classes W has a
    column for each class of each task, and the loss of a row is the multinomial one,
    ``log(sum_k exp(eta_ik)) - eta_iy``.

    Parameters
    ----------
    n_components : int, default=3
        Number of basis tasks; no more than n_features and n_tasks are used.
    alpha_basis : float, default=0.01
        Strength on the basis, > 0.
    alpha_sparse : float, default=0.01
        Strength on the codes, > 0.
    class_weight : None, "balanced" or dict, default=None
        What sample weights are multiplied by: nothing; within each task
        ``n_t / (K_t n_tc)``, with n the sums of its sample weights and those of the class,
        and K_t the number of its classes; or a number by class label (1 where there is
        none).
    loss : {"logistic", "squared_hinge"}, default="logistic"
        The loss of an observation. "logistic": Minus the log-likelihood of two classes
        whose log-odds are linear. "squared_hinge": Half the square of what a row falls
        short of a margin of 1 on the side of its class, as in linear support vector
        machines; it knows no probabilities.
    n_init : int, default=1
        Number of descents; those after the first start at random, and the lowest is kept.
    random_state : int, RandomState instance or None, default=None
        Seed of the random starts.
    fit_intercept : bool, default=True
        Whether each task has an intercept, which only an ``intercept_weight`` penalises.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default=None
        Weight lambda_t of each task's mean loss: 1 each, or given by task label or in the
        order of ``tasks_``. "n_samples": proportional to the sum of its sample weights
        (mean 1), so that every sample counts the same. "null_loss": one over its loss
        without coefficients, so that losses are relative. "minimax": the largest relative
        loss is minimised, smoothed; the sum of the losses is replaced by
        ``0.05 log(mean_t exp(loss_t / null_t / 0.05))``. "uncertainty" (regression): one
        over its noise level, which is estimated too; the same as ``loss="sqrt"``.
    feature_mask : array-like or DataFrame of bool of shape (n_features, n_tasks), default=None
        Which features each task has, tasks in the order of ``tasks_``; a DataFrame goes by
        the names of the features and the labels of the tasks. What X holds of the others
        does not matter. None: those that are not NaN in every row of the task.
    task_column : str or int, default=None
        The column of X that holds the task labels (name or position), instead of
        ``tasks=``; for whatever calls ``predict(X)`` alone.
    task_order : array-like, default=None
        The order of the tasks; sorted by default. Not for wide Y, whose columns are the
        tasks.
    handle_unknown : {"error", "mean"}, default="error"
        What to do when predicting for a task not seen in fit: raise an error that names
        it, or use the mean of the tasks' models.
    solver : str, default="auto"
        The solver of the convex model that the first descent starts from; the default is
        the fastest that applies.
    max_iter : int, default=10000
        Iterations at most, of each descent.
    tol : float, default=1e-4
        Stop when ``residual_`` is at most ``tol`` times the objective of the null model
        (no coefficients, best intercepts), or where the objective no longer decreases
        beyond rounding, which is often before ``tol=1e-8``. The objective is much closer to
        its minimum than the residual to zero.
    warm_start : bool, default=False
        Start from the last solution, matched by task label, unless a component of it is
        unused.
    verbose : int, default=0
        If positive, print a line at each iteration.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
        The class labels, over all tasks. A list for a wide Y, as scikit-learn has it for
        several outputs; its arrays are those of all tasks. Of more than two classes
        ``coef_`` is (n_tasks, n_classes, n_features) and ``intercept_`` (n_tasks,
        n_classes), NaN where a task has never shown a class, and without the first axis
        for one task (1-D y without tasks).
    components_ : ndarray of shape (n_components_, n_features)
        What the tasks share, the largest component first.
    task_codes_ : ndarray of shape (n_tasks, n_components_)
        What each task makes of it: ``coef_ = task_codes_ @ components_``, but for zeros of
        features that a task does not have. The largest code of a component is positive.
        Of more than two classes those of each, (n_tasks, n_classes, n_components), NaN
        where a task has never shown a class.
    n_components_ : int
        Number of components: ``n_components``, at most n_features and the columns of W.
    coef_ : ndarray of shape (n_tasks, n_features)
        Coefficients. For one task (1-D y without tasks): (n_features,) for regressors and
        (1, n_features) for classifiers.
    intercept_ : ndarray of shape (n_tasks,)
        Intercepts; a float for a regressor with one task (1-D y without tasks).
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    task_weight_ : ndarray of shape (n_tasks,)
        Weight of each task's mean loss in the objective, or in its gradient at the solution
        where weights are found at the same time; zero for a task left out, NaN for one
        whose noise level is zero.
    new_tasks_ : dict
        What ``fit_new_task`` used for each task that it added, ``how`` and ``alpha`` by
        task label; where there are such tasks.
    objective_ : float
        The objective at the solution.
    n_iter_ : int
        Iterations.
    solver_ : str
        The solver used.
    n_features_in_ : int
        Number of columns of X in fit, the task column included.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.
    coef_feature_names_ : ndarray of shape (n_features,)
        Names of the columns of ``coef_``, where they have names.
    residual_ : float
        How far from stationary the solution is: to first order, the most that the objective
        changes by when both factors change by their own size. Zero at a local minimum.
    tol_ : float
        The absolute tolerance used for the residual.
    converged_ : bool
        Whether ``residual_ <= tol_``, or the descent ended at rounding: begun afresh at the
        solution, it lowers the objective no further.
    objective_history_ : ndarray
        The objective at the start and after each iteration; never increasing.

    See Also
    --------
    GOMTLRegressor : The same for regression.
    FactoredClassifier : A ridge in place of the L1 norm.

    Notes
    -----
    The problem is not convex: the solution is stationary, and best among the descents
    and the null model. The first descent starts from tasks learned alone (a light
    ridge), cut to their largest singular directions, turned so that each task uses few;
    the random ones turn at random.

    W depends on the strengths through ``alpha_basis * alpha_sparse**2`` only: other
    splits of the product scale L and S. The paper has ``mu ||S||_1 + lambda ||L||^2``:
    for regression, with squared errors without the half, ``alpha_basis = lambda`` and
    ``alpha_sparse = mu / 2``; for two classes ``alpha_basis = 2 * lambda`` and
    ``alpha_sparse = mu``.

    References
    ----------
    Kumar, Daume (2012), Learning task grouping and overlap in multi-task learning.

    Examples
    --------
    >>> from linmtl import GOMTLClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = GOMTLClassifier().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """
    components_: np.ndarray
    task_codes_: np.ndarray
    n_components_: int
    residual_: float
    objective_history_: np.ndarray
    def __init__(
        self,
        n_components: int = 3,
        alpha_basis: float = 0.01,
        alpha_sparse: float = 0.01,
        *,
        class_weight: Mapping[Any, float] | Literal['balanced'] | None = None,
        loss: str = "logistic",
        n_init: int = 1,
        random_state: int | np.random.RandomState | None = None,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        feature_mask: ArrayLike | None = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
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
        coef_init: ArrayLike | None = None,
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
        coef_init : array-like of the shape of ``coef_``, default=None
            Coefficients to start from, tasks in the order of ``tasks_``; by default the
            last solution with ``warm_start``, else none. `coef_` itself is no start.

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
