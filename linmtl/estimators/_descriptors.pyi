# written by .ci/stubs.py from linmtl.estimators._descriptors
import numpy as np
from collections.abc import Mapping
from linmtl.estimators._base import Classifier
from linmtl.estimators._base import Regressor
from numpy.typing import ArrayLike
from typing import Any
from typing import Literal

class DescriptorRegressor(Regressor):
    """Regression for tasks with descriptors, also those without a row of their own.

    The coefficients of task t are ``M z_t``, z_t being its descriptor, known
    beforehand (n_descriptors,). Minimises over M (n_features, n_descriptors) and the
    intercepts b::

        sum_t lambda_t / S_t * sum_{i in t} s_i (y_i - x_i . w_t - b_t)^2 / 2
            + alpha / 2 * ||M||_F^2,    w_t = M z_t

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    descriptors : dict, DataFrame or array-like, default=None
        The descriptor of each task: by label (the index of a DataFrame), and then also
        of tasks to predict that have no rows in fit; or of shape (n_tasks,
        n_descriptors), in the order of ``tasks_``. None stands for the number 1 for
        every task: the same coefficients for all.
    alpha : float, default=0.01
        Strength, >= 0.
    feature_mask : None
        Not for this model, in which all tasks have all features.
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
    descriptor_coef_ : ndarray of shape (n_features, n_descriptors)
        The map M; ``coef_`` has its products with the descriptors. Of more than two
        classes there is one for each, (n_classes, n_features, n_descriptors).
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
    DescriptorClassifier : The same for two classes.
    PooledRegressor : What is left without descriptors.
    MultiTaskRegressor.fit_new_task : For new tasks with a few rows.

    Notes
    -----
    A task that is not in fit but has a descriptor is predicted with ``M z_t`` and the
    mean of the tasks' intercepts; ``handle_unknown`` is for those that have none.
    A descriptor with a 1 in it, next to what differs between tasks, gives M a part that
    all tasks share.

    References
    ----------
    Romera-Paredes, Torr (2015), An embarrassingly simple approach to zero-shot
    learning.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import DescriptorRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, dose = rng.normal(size=(60, 2)), np.repeat([1.0, 2.0, 3.0], 20)
    >>> y = dose * X[:, 0] - X[:, 1]  # coefficients that are linear in the dose
    >>> descriptors = {task: [1.0, task] for task in (1.0, 2.0, 3.0, 4.0)}
    >>> model = DescriptorRegressor(descriptors, alpha=1e-8).fit(X, y, dose)
    >>> model.predict([[1.0, 1.0]], tasks=[4.0]).round(3)  # never seen: 4 - 1
    array([3.])
    """
    descriptor_coef_: np.ndarray
    feature_mask_: np.ndarray
    huber_delta: float
    quantile_level: float
    quantile_smoothing: float
    tweedie_power: float
    def __init__(
        self,
        descriptors: Mapping[Any, ArrayLike] | ArrayLike | None = None,
        alpha: float = 0.01,
        *,
        feature_mask: ArrayLike | None = None,
        loss: str = "squared",
        huber_delta: float = 1.35,
        quantile_level: float = 0.5,
        quantile_smoothing: float = 0.1,
        tweedie_power: float = 1.5,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None: ...

class DescriptorClassifier(Classifier):
    """Classes for tasks with descriptors, also tasks without a row of their own.

    The coefficients of task t are ``M z_t``, z_t being its descriptor, known
    beforehand (n_descriptors,). Minimises over M (n_features, n_descriptors) and the
    intercepts b::

        sum_t lambda_t / S_t * sum_{i in t} s_i log(1 + exp(-y_i (x_i . w_t + b_t)))
            + alpha / 2 * ||M||_F^2,    w_t = M z_t

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.
    y_i is +1 for the second class and -1 for the first. Of more than two classes W has a
    column for each class of each task, and the loss of a row is the multinomial one,
    ``log(sum_k exp(eta_ik)) - eta_iy``.

    Parameters
    ----------
    descriptors : dict, DataFrame or array-like, default=None
        The descriptor of each task: by label (the index of a DataFrame), and then also
        of tasks to predict that have no rows in fit; or of shape (n_tasks,
        n_descriptors), in the order of ``tasks_``. None stands for the number 1 for
        every task: the same coefficients for all.
    alpha : float, default=0.01
        Strength, >= 0.
    feature_mask : None
        Not for this model, in which all tasks have all features.
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
    classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
        The class labels, over all tasks. A list for a wide Y, as scikit-learn has it for
        several outputs; its arrays are those of all tasks. Of more than two classes
        ``coef_`` is (n_tasks, n_classes, n_features) and ``intercept_`` (n_tasks,
        n_classes), NaN where a task has never shown a class, and without the first axis
        for one task (1-D y without tasks).
    descriptor_coef_ : ndarray of shape (n_features, n_descriptors)
        The map M; ``coef_`` has its products with the descriptors. Of more than two
        classes there is one for each, (n_classes, n_features, n_descriptors).
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
    DescriptorRegressor : The same for regression.
    PooledClassifier : What is left without descriptors.
    MultiTaskClassifier.fit_new_task : For new tasks with a few rows.

    Notes
    -----
    A task that is not in fit but has a descriptor is predicted with ``M z_t`` and the
    mean of the tasks' intercepts; ``handle_unknown`` is for those that have none.
    A descriptor with a 1 in it, next to what differs between tasks, gives M a part that
    all tasks share.

    References
    ----------
    Romera-Paredes, Torr (2015), An embarrassingly simple approach to zero-shot
    learning.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import DescriptorClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, site = rng.normal(size=(90, 2)), np.repeat([-1.0, 0.0, 1.0], 30)
    >>> y = X[:, 0] + site * X[:, 1] > 0
    >>> descriptors = {task: [1.0, task] for task in (-1.0, 0.0, 1.0, 2.0)}
    >>> model = DescriptorClassifier(descriptors).fit(X, y, site)
    >>> model.predict([[-1.0, 3.0]], tasks=[2.0])  # of a task never seen
    array([ True])
    """
    descriptor_coef_: np.ndarray
    feature_mask_: np.ndarray
    def __init__(
        self,
        descriptors: Mapping[Any, ArrayLike] | ArrayLike | None = None,
        alpha: float = 0.01,
        *,
        feature_mask: ArrayLike | None = None,
        class_weight: Mapping[Any, float] | Literal['balanced'] | None = None,
        loss: str = "logistic",
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None: ...
