# written by .ci/stubs.py from linmtl.estimators._independent
import numpy as np
from collections.abc import Mapping
from linmtl.estimators._base import Classifier
from linmtl.estimators._base import Regressor
from numpy.typing import ArrayLike
from typing import Any
from typing import Literal

class IndependentRegressor(Regressor):
    """Ridge regression for each task on its own.

    The baseline that sharing has to beat. Minimises over W (n_features, n_tasks) and
    b::

        sum_t lambda_t / S_t * sum_{i in t} s_i (y_i - x_i . w_t - b_t)^2 / 2
            + sum_t alpha_t / 2 * ||w_t||^2

    Parameters
    ----------
    alpha : float, array-like of shape (n_tasks,), dict or "cv", default=0.01
        Strength, >= 0: one for all tasks, one per task (in the order of ``tasks_`` or
        by label), or chosen by cross-validation.
    cv : "auto", "loo", int, splitter or iterable of (train, test), default="auto"
        What ``alpha="cv"`` holds out: each row by itself, exactly and from one fit, as
        scikit-learn's ``RidgeCV`` does ("loo", for the squared loss); or folds. "auto":
        the first where it can be had and `per_task` is not "auto", otherwise five
        folds.
    per_task : bool or "auto", default=True
        Whether ``alpha="cv"`` chooses a strength for each task, by the held-out loss of
        its own, or the same relative strength for all: with few rows a choice for each
        task is noisy. "auto": whichever has the lower loss.
    scale_features : bool or "auto", default="auto"
        Whether strengths are relative to the features' own scale: features are divided
        by their spread within the tasks, while coefficients are those of X as passed.
        "auto": with ``alpha="cv"``, where that has the lower loss (it is tried where
        spreads differ by more than a factor of 10).
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
    solver : {"auto", "apg", "working_set", "prox_newton", "admm", "second_order", "network", "direct", "newton", "cg"}, default="auto"
        Accelerated proximal gradient (any penalty); coordinate descent on working sets
        (L1 and L21 penalties, squared loss) and inside Newton steps (other losses);
        alternating directions (other norms and decompositions, squared loss) and inside
        Newton steps (other losses); an augmented Lagrangian method (`NetworkLasso`); linear
        systems (quadratic penalties, squared loss), Newton's method (other losses) and
        conjugate gradients (sparse X). The default is the fastest that applies.
    max_iter : int, default=10000
        Iterations at most.
    tol : float, default=1e-4
        Stop when the duality gap is at most ``tol`` times the objective of the null model
        (no coefficients, best intercepts).
    warm_start : bool, default=False
        Start from the last solution, matched by task label; ``fit(coef_init=)`` starts from
        coefficients of your own.
    verbose : int, default=0
        If positive, print a line at each certificate.

    Attributes
    ----------
    alpha_ : ndarray of shape (n_tasks,)
        The strength used for each task.
    at_bound_ : ndarray of bool of shape (n_tasks,)
        Whether the best strength is at an end of those tried, and a better one is
        likely to lie beyond; only with ``alpha="cv"``.
    feature_scale_ : ndarray of shape (n_features,)
        What the features were divided by; ones, where they were not scaled.
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
    feature_mask_ : ndarray of bool of shape (n_tasks, n_features)
        Which features each task has; only where some do not have all. Coefficients of the
        others are zero.
    new_tasks_ : dict
        What ``fit_new_task`` used for each task that it added, ``how`` and ``alpha`` by
        task label; where there are such tasks.
    objective_ : float
        The objective at the solution.
    dual_gap_ : float
        Duality gap: the objective is at most this far from the optimum.
    gap_history_ : ndarray of shape (n_certificates, 2)
        Iteration and duality gap at each certificate; of the last stage, for a penalty
        that is not convex.
    tol_ : float
        The absolute tolerance used for the gap.
    converged_ : bool
        Whether ``dual_gap_ <= tol_``.
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

    See Also
    --------
    PooledRegressor : The other extreme: one model for all tasks.

    Notes
    -----
    With ``alpha="cv"`` strengths are 1e2 to 1e-4 times the largest curvature of the
    task's loss, and further where the best is at an end. What "auto" leaves open is
    decided by the median task, on folds that have no say in the strengths.
    Models that are tuned are those of each task alone for ``task_weight="minimax"``
    too, where the largest relative loss is least.

    Examples
    --------
    >>> from linmtl import IndependentRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = IndependentRegressor(alpha="cv").fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """
    alpha_: np.ndarray
    at_bound_: np.ndarray
    feature_scale_: np.ndarray
    feature_mask_: np.ndarray
    huber_delta: float
    quantile_level: float
    quantile_smoothing: float
    tweedie_power: float
    def __init__(
        self,
        alpha: float | ArrayLike | Mapping[Any, float] | str = 0.01,
        *,
        cv: Any = "auto",
        per_task: bool | Literal['auto'] = True,
        scale_features: bool | Literal['auto'] = "auto",
        loss: str = "squared",
        huber_delta: float = 1.35,
        quantile_level: float = 0.5,
        quantile_smoothing: float = 0.1,
        tweedie_power: float = 1.5,
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

class IndependentClassifier(Classifier):
    """L2-penalised logistic regression for each task on its own.

    The baseline that sharing has to beat. y_i is +1 for the second class and -1 for
    the first. Minimises over W (n_features, n_tasks) and b::

        sum_t lambda_t / S_t * sum_{i in t} s_i log(1 + exp(-y_i (x_i . w_t + b_t)))
            + sum_t alpha_t / 2 * ||w_t||^2

    Parameters
    ----------
    alpha : float, array-like of shape (n_tasks,), dict or "cv", default=0.01
        Strength, >= 0: one for all tasks, one per task (in the order of ``tasks_`` or
        by label), or chosen by cross-validation.
    cv : int, default=5
        Number of folds for ``alpha="cv"``.
    per_task : bool or "auto", default=True
        Whether ``alpha="cv"`` chooses a strength for each task, by the held-out loss of
        its own, or the same relative strength for all: with few rows a choice for each
        task is noisy. "auto": whichever has the lower loss.
    scale_features : bool or "auto", default="auto"
        Whether strengths are relative to the features' own scale: features are divided
        by their spread within the tasks, while coefficients are those of X as passed.
        "auto": with ``alpha="cv"``, where that has the lower loss (it is tried where
        spreads differ by more than a factor of 10).
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
    solver : {"auto", "apg", "working_set", "prox_newton", "admm", "second_order", "network", "direct", "newton", "cg"}, default="auto"
        Accelerated proximal gradient (any penalty); coordinate descent on working sets
        (L1 and L21 penalties, squared loss) and inside Newton steps (other losses);
        alternating directions (other norms and decompositions, squared loss) and inside
        Newton steps (other losses); an augmented Lagrangian method (`NetworkLasso`); linear
        systems (quadratic penalties, squared loss), Newton's method (other losses) and
        conjugate gradients (sparse X). The default is the fastest that applies.
    max_iter : int, default=10000
        Iterations at most.
    tol : float, default=1e-4
        Stop when the duality gap is at most ``tol`` times the objective of the null model
        (no coefficients, best intercepts).
    warm_start : bool, default=False
        Start from the last solution, matched by task label; ``fit(coef_init=)`` starts from
        coefficients of your own.
    verbose : int, default=0
        If positive, print a line at each certificate.

    Attributes
    ----------
    alpha_ : ndarray of shape (n_tasks,)
        The strength used for each task.
    at_bound_ : ndarray of bool of shape (n_tasks,)
        Whether the best strength is at an end of those tried, and a better one is
        likely to lie beyond; only with ``alpha="cv"``.
    feature_scale_ : ndarray of shape (n_features,)
        What the features were divided by; ones, where they were not scaled.
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
    task_weight_ : ndarray of shape (n_tasks,)
        Weight of each task's mean loss in the objective, or in its gradient at the solution
        where weights are found at the same time; zero for a task left out, NaN for one
        whose noise level is zero.
    feature_mask_ : ndarray of bool of shape (n_tasks, n_features)
        Which features each task has; only where some do not have all. Coefficients of the
        others are zero.
    new_tasks_ : dict
        What ``fit_new_task`` used for each task that it added, ``how`` and ``alpha`` by
        task label; where there are such tasks.
    objective_ : float
        The objective at the solution.
    dual_gap_ : float
        Duality gap: the objective is at most this far from the optimum.
    gap_history_ : ndarray of shape (n_certificates, 2)
        Iteration and duality gap at each certificate; of the last stage, for a penalty
        that is not convex.
    tol_ : float
        The absolute tolerance used for the gap.
    converged_ : bool
        Whether ``dual_gap_ <= tol_``.
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

    See Also
    --------
    PooledClassifier : The other extreme: one model for all tasks.

    Notes
    -----
    With ``alpha="cv"`` strengths are 1e2 to 1e-4 times the largest curvature of the
    task's loss, and further where the best is at an end. What "auto" leaves open is
    decided by the median task, on folds that have no say in the strengths.
    Models that are tuned are those of each task alone for ``task_weight="minimax"``
    too, where the largest relative loss is least.

    Examples
    --------
    >>> from linmtl import IndependentClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = IndependentClassifier(alpha="cv").fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """
    alpha_: np.ndarray
    at_bound_: np.ndarray
    feature_scale_: np.ndarray
    feature_mask_: np.ndarray
    def __init__(
        self,
        alpha: float | ArrayLike | Mapping[Any, float] | str = 0.01,
        *,
        cv: int = 5,
        per_task: bool | Literal['auto'] = True,
        scale_features: bool | Literal['auto'] = "auto",
        class_weight: Mapping[Any, float] | Literal['balanced'] | None = None,
        loss: str = "logistic",
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
