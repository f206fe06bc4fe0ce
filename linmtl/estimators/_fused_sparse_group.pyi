# written by .ci/stubs.py from linmtl.estimators._fused_sparse_group
import numpy as np
from collections.abc import Callable
from collections.abc import Mapping
from linmtl.estimators._alias import Alias
from linmtl.estimators._alias import AliasCV
from linmtl.estimators._base import Classifier
from linmtl.estimators._base import Regressor
from linmtl.estimators._refit import Refitted
from numpy.typing import ArrayLike
from typing import Any
from typing import Literal

class FusedSparseGroupRegressor(Refitted, Alias, Regressor):
    """Regression with few features that change at few of the ordered tasks.

    Few features are used at all, each with few changes from a task to the next, and
    possibly not by all tasks. Minimises over W (n_features, n_tasks) and b::

        sum_t lambda_t / S_t * sum_{i in t} s_i (y_i - x_i . w_t - b_t)^2 / 2
            + alpha_l1 * sum_jt |W_jt| + alpha_fused * sum_jt |W_j,t - W_j,t+1|
                + alpha_group * sum_j ||W_j||_2

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    alpha_l1 : float, default=0.1
        Strength of the entries, >= 0.
    alpha_fused : float, default=0.1
        Strength of the differences between consecutive tasks, >= 0; it may be positive
        only if one of the other two is.
    alpha_group : float, default=0.1
        Strength of the norms of the rows, >= 0.
    refit : bool or float, default=False
        Fit the coefficients that are not zero once more, without the penalty: True for no
        penalty at all (classifiers: a light ridge, since the classes may be separable), a
        number for a ridge of that strength. Of more than two classes a feature that a task
        uses for one is fitted for all of them. ``objective_``, ``dual_gap_``, parts of the
        coefficients and the like are those of the penalised problem.
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
    coef_before_refit_ : ndarray of the shape of coef_
        The solution of the penalised problem; only with ``refit``.

    See Also
    --------
    FusedSparseGroupClassifier : The same penalty for two classes.
    FusedSparseGroupRegressorCV : With the strengths chosen by cross-validation.
    MultiTaskRegressor : Any penalty.

    Notes
    -----
    The tasks are ordered by their labels, which must be numbers, or by ``task_order``;
    for wide Y by its columns. Of more than two classes each has an order of
    its own, of the tasks that have it. MALSAR has it as cFSGL (``Least_CFGLasso``).

    References
    ----------
    Zhou, Liu, Narayan, Ye (2012), Modeling disease progression via fused sparse group
    lasso.

    Examples
    --------
    >>> from linmtl import FusedSparseGroupRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = FusedSparseGroupRegressor().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """
    feature_mask_: np.ndarray
    coef_before_refit_: np.ndarray
    huber_delta: float
    quantile_level: float
    quantile_smoothing: float
    tweedie_power: float
    def __init__(
        self,
        alpha_l1: float = 0.1,
        alpha_fused: float = 0.1,
        alpha_group: float = 0.1,
        *,
        refit: bool | float = False,
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

class FusedSparseGroupClassifier(Refitted, Alias, Classifier):
    """Logistic regression with few features that change at few of the ordered tasks.

    Few features are used at all, each with few changes from a task to the next, and
    possibly not by all tasks. Minimises over W (n_features, n_tasks) and b::

        sum_t lambda_t / S_t * sum_{i in t} s_i log(1 + exp(-y_i (x_i . w_t + b_t)))
            + alpha_l1 * sum_jt |W_jt| + alpha_fused * sum_jt |W_j,t - W_j,t+1|
                + alpha_group * sum_j ||W_j||_2

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.
    y_i is +1 for the second class and -1 for the first. Of more than two classes W has a
    column for each class of each task, and the loss of a row is the multinomial one,
    ``log(sum_k exp(eta_ik)) - eta_iy``.

    Parameters
    ----------
    alpha_l1 : float, default=0.01
        Strength of the entries, >= 0.
    alpha_fused : float, default=0.01
        Strength of the differences between consecutive tasks, >= 0; it may be positive
        only if one of the other two is.
    alpha_group : float, default=0.01
        Strength of the norms of the rows, >= 0.
    refit : bool or float, default=False
        Fit the coefficients that are not zero once more, without the penalty: True for no
        penalty at all (classifiers: a light ridge, since the classes may be separable), a
        number for a ridge of that strength. Of more than two classes a feature that a task
        uses for one is fitted for all of them. ``objective_``, ``dual_gap_``, parts of the
        coefficients and the like are those of the penalised problem.
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
    coef_before_refit_ : ndarray of the shape of coef_
        The solution of the penalised problem; only with ``refit``.

    See Also
    --------
    FusedSparseGroupRegressor : The same penalty for regression.
    FusedSparseGroupClassifierCV : With the strengths chosen by cross-validation.
    MultiTaskClassifier : Any penalty.

    Notes
    -----
    The tasks are ordered by their labels, which must be numbers, or by ``task_order``;
    for wide Y by its columns. Of more than two classes each has an order of
    its own, of the tasks that have it. MALSAR has it as cFSGL (``Least_CFGLasso``).

    References
    ----------
    Zhou, Liu, Narayan, Ye (2012), Modeling disease progression via fused sparse group
    lasso.

    Examples
    --------
    >>> from linmtl import FusedSparseGroupClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = FusedSparseGroupClassifier().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """
    feature_mask_: np.ndarray
    coef_before_refit_: np.ndarray
    def __init__(
        self,
        alpha_l1: float = 0.01,
        alpha_fused: float = 0.01,
        alpha_group: float = 0.01,
        *,
        refit: bool | float = False,
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

class FusedSparseGroupRegressorCV(Refitted, AliasCV, Regressor):
    """`FusedSparseGroupRegressor` with the strengths chosen by cross-validation.

    Every task is in every training part, with two rows where it has them (an intercept
    takes one); a task with fewer rows than folds is always in training, unless no task has
    more. A setting is judged by the mean over the tasks, weighted by ``task_weight``, of
    the held-out loss.

    The strengths are relative: ``alphas`` are factors on all of them, and
    ``best_params_`` holds the products.

    With several values of ``alpha_fused`` or ``alpha_group``
    the paths and ``alphas_`` have a leading axis for them.

    Parameters
    ----------
    alpha_l1 : float, default=1.0
        Strength of the entries, >= 0.
    alpha_fused : float or array-like, default=1.0
        Strength of the differences between consecutive tasks, >= 0; it may be positive
        only if one of the other two is.
        Or the values to try.
    alpha_group : float or array-like, default=1.0
        Strength of the norms of the rows, >= 0.
        Or the values to try.
    alphas : int or array-like, default=100
        Number of strengths to try, or the strengths. A grid of a number of strengths is
        extended, by six decades at most, while the best of them lies at its end and the
        held-out loss still falls there; strengths that are passed are not. A warning says
        where the best one is at an end all the same.
    eps : float, default=1e-3
        The smallest strength as a fraction of the largest, with a number of alphas.
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the tasks as by ``TaskKFold(cv, shuffle=True,
        random_state=0)`` (stratified by class for classifiers); or the folds. "loo" leaves
        out one observation at a time (of a wide Y one row), told from the fit of all:
        exactly for the squared loss with quadratic penalties, to about a percent for L1,
        L21 and trace norms and other losses. Models are fitted without each observation
        where that does not hold: for other penalties, for the best strengths if more than a
        tenth as many features are in use as there are observations, and for all where these
        are few (up to 50). Mean-regularised regressors also take ``LeaveOneTaskOut()``: the
        strength at which the mean of the others predicts a task best.
    criterion : {"aic", "bic", "gcv"}, default=None
        What chooses the strength in place of held-out losses: Akaike's or the Bayesian
        information criterion or generalised cross-validation, with Stein's degrees of
        freedom. For penalties of which "loo" takes one fit.
    selection : {"min", "1se"}, default="min"
        The strength with the lowest held-out loss, or the strongest within one
        standard error of it.
    scoring : str, callable or scorer, default=None
        What the strength is chosen by, in place of the held-out loss: the name of a scorer
        of scikit-learn ("roc_auc"), a metric (a function of labels and predictions), or
        what :func:`linmtl.metrics.make_task_scorer` returns. Each task is scored on its
        held-out rows of all folds together; a task that does not define the metric is left
        out of the average.
    scale_features : bool or "auto", default="auto"
        Whether strengths are relative to the features' own scale: features are divided by
        their spread within the tasks (``feature_scale_``), while coefficients are those of
        X as passed. "auto": where X is dense and spreads differ by more than a factor of
        10.
    n_jobs : int, default=None
        Folds fitted at the same time, by joblib. A worker that is killed is an error with
        its default backend; ``multiprocessing`` waits for it.
    refit : bool or float, default=False
        Fit the coefficients that are not zero once more, without the penalty: True for no
        penalty at all (classifiers: a light ridge, since the classes may be separable), a
        number for a ridge of that strength. Of more than two classes a feature that a task
        uses for one is fitted for all of them. ``objective_``, ``dual_gap_``, parts of the
        coefficients and the like are those of the penalised problem.
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
    alpha_ : float
        The factor chosen.
    alphas_ : ndarray of shape (n_alphas,) or (n_settings, n_alphas)
        The factors tried, decreasing. Where several values of other parameters are tried,
        too, a row for each combination, in the order of scikit-learn's ``ParameterGrid``;
        the paths below have that axis in front as well.
    at_bound_ : bool
        Whether the best factor is at an end of those tried, and a better one is likely to
        lie beyond.
    degrees_of_freedom_ : float
        Those of the model chosen, by Stein's formula, intercepts included; only with a
        criterion or ``cv="loo"``, where they are known.
    criterion_path_ : ndarray of shape (n_alphas,)
        The criterion, less is better; in place of held-out losses.
    feature_scale_ : ndarray of shape (n_features,)
        What the features were divided by; ones, where they were not scaled. The plain
        estimator with ``best_params_`` finds the same model in ``X / feature_scale_``, with
        ``coef_ * feature_scale_``.
    best_params_ : dict
        The parameters of the penalty that were chosen, and those that are not the default
        of the plain estimator.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Held-out mean squared error, averaged over the tasks.
    task_mse_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
        The same for each task; NaN where it has nothing held out.
    huber_path_, task_huber_path_ : ndarray
        In their place with ``loss="huber"``: the mean Huber loss.
    quantile_path_, task_quantile_path_ : ndarray
        In their place with ``loss="quantile"``: the mean quantile loss.
    deviance_path_, task_deviance_path_ : ndarray
        In their place with ``loss="poisson"``: the mean Poisson deviance;
        ``loss="gamma"``: the mean gamma deviance; ``loss="tweedie"``: the mean Tweedie
        deviance.
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
    coef_before_refit_ : ndarray of the shape of coef_
        The solution of the penalised problem; only with ``refit``.

    See Also
    --------
    FusedSparseGroupRegressor : With given strengths; the objective and its symbols.

    Examples
    --------
    >>> from linmtl import FusedSparseGroupRegressorCV
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = FusedSparseGroupRegressorCV(alphas=3, eps=0.1, cv=3).fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """
    alpha_: float
    alphas_: np.ndarray
    at_bound_: bool
    degrees_of_freedom_: float
    criterion_path_: np.ndarray
    feature_scale_: np.ndarray
    best_params_: dict[Any, Any]
    mse_path_: np.ndarray
    task_mse_path_: np.ndarray
    huber_path_: np.ndarray
    task_huber_path_: np.ndarray
    quantile_path_: np.ndarray
    task_quantile_path_: np.ndarray
    deviance_path_: np.ndarray
    task_deviance_path_: np.ndarray
    feature_mask_: np.ndarray
    coef_before_refit_: np.ndarray
    huber_delta: float
    quantile_level: float
    quantile_smoothing: float
    tweedie_power: float
    def __init__(
        self,
        *,
        alpha_l1: float = 1.0,
        alpha_fused: float | ArrayLike = 1.0,
        alpha_group: float | ArrayLike = 1.0,
        alphas: int | ArrayLike = 100,
        eps: float = 0.001,
        cv: Any = 5,
        criterion: Literal['aic', 'bic', 'gcv'] | None = None,
        selection: Literal['min', '1se'] = "min",
        scoring: str | Callable[..., Any] | None = None,
        scale_features: bool | Literal['auto'] = "auto",
        n_jobs: int | None = None,
        refit: bool | float = False,
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

class FusedSparseGroupClassifierCV(Refitted, AliasCV, Classifier):
    """`FusedSparseGroupClassifier` with the strengths chosen by cross-validation.

    Every task is in every training part, with two rows where it has them (an intercept
    takes one); a task with fewer rows than folds is always in training, unless no task has
    more. A setting is judged by the mean over the tasks, weighted by ``task_weight``, of
    the held-out loss.

    The strengths are relative: ``alphas`` are factors on all of them, and
    ``best_params_`` holds the products.

    With several values of ``alpha_fused`` or ``alpha_group``
    the paths and ``alphas_`` have a leading axis for them.

    Parameters
    ----------
    alpha_l1 : float, default=1.0
        Strength of the entries, >= 0.
    alpha_fused : float or array-like, default=1.0
        Strength of the differences between consecutive tasks, >= 0; it may be positive
        only if one of the other two is.
        Or the values to try.
    alpha_group : float or array-like, default=1.0
        Strength of the norms of the rows, >= 0.
        Or the values to try.
    alphas : int or array-like, default=100
        Number of strengths to try, or the strengths. A grid of a number of strengths is
        extended, by six decades at most, while the best of them lies at its end and the
        held-out loss still falls there; strengths that are passed are not. A warning says
        where the best one is at an end all the same.
    eps : float, default=1e-3
        The smallest strength as a fraction of the largest, with a number of alphas.
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the tasks as by ``TaskKFold(cv, shuffle=True,
        random_state=0)`` (stratified by class for classifiers); or the folds. "loo" leaves
        out one observation at a time (of a wide Y one row), told from the fit of all:
        exactly for the squared loss with quadratic penalties, to about a percent for L1,
        L21 and trace norms and other losses. Models are fitted without each observation
        where that does not hold: for other penalties, for the best strengths if more than a
        tenth as many features are in use as there are observations, and for all where these
        are few (up to 50). Mean-regularised regressors also take ``LeaveOneTaskOut()``: the
        strength at which the mean of the others predicts a task best.
    criterion : {"aic", "bic", "gcv"}, default=None
        What chooses the strength in place of held-out losses: Akaike's or the Bayesian
        information criterion or generalised cross-validation, with Stein's degrees of
        freedom. For penalties of which "loo" takes one fit.
    selection : {"min", "1se"}, default="min"
        The strength with the lowest held-out loss, or the strongest within one
        standard error of it.
    scoring : str, callable or scorer, default=None
        What the strength is chosen by, in place of the held-out loss: the name of a scorer
        of scikit-learn ("roc_auc"), a metric (a function of labels and predictions), or
        what :func:`linmtl.metrics.make_task_scorer` returns. Each task is scored on its
        held-out rows of all folds together; a task that does not define the metric is left
        out of the average.
    scale_features : bool or "auto", default="auto"
        Whether strengths are relative to the features' own scale: features are divided by
        their spread within the tasks (``feature_scale_``), while coefficients are those of
        X as passed. "auto": where X is dense and spreads differ by more than a factor of
        10.
    n_jobs : int, default=None
        Folds fitted at the same time, by joblib. A worker that is killed is an error with
        its default backend; ``multiprocessing`` waits for it.
    refit : bool or float, default=False
        Fit the coefficients that are not zero once more, without the penalty: True for no
        penalty at all (classifiers: a light ridge, since the classes may be separable), a
        number for a ridge of that strength. Of more than two classes a feature that a task
        uses for one is fitted for all of them. ``objective_``, ``dual_gap_``, parts of the
        coefficients and the like are those of the penalised problem.
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
    alpha_ : float
        The factor chosen.
    alphas_ : ndarray of shape (n_alphas,) or (n_settings, n_alphas)
        The factors tried, decreasing. Where several values of other parameters are tried,
        too, a row for each combination, in the order of scikit-learn's ``ParameterGrid``;
        the paths below have that axis in front as well.
    at_bound_ : bool
        Whether the best factor is at an end of those tried, and a better one is likely to
        lie beyond.
    degrees_of_freedom_ : float
        Those of the model chosen, by Stein's formula, intercepts included; only with a
        criterion or ``cv="loo"``, where they are known.
    criterion_path_ : ndarray of shape (n_alphas,)
        The criterion, less is better; in place of held-out losses.
    feature_scale_ : ndarray of shape (n_features,)
        What the features were divided by; ones, where they were not scaled. The plain
        estimator with ``best_params_`` finds the same model in ``X / feature_scale_``, with
        ``coef_ * feature_scale_``.
    best_params_ : dict
        The parameters of the penalty that were chosen, and those that are not the default
        of the plain estimator.
    scores_path_ : ndarray of shape (n_alphas, n_folds)
        Held-out mean log-likelihood, averaged over the tasks; with ``scoring``, for every
        loss, the scores, in a single fold.
    task_scores_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
        The same for each task; NaN where it has nothing held out.
    hinge_path_, task_hinge_path_ : ndarray
        In their place with ``loss="squared_hinge"``: the mean squared hinge loss.
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
    coef_before_refit_ : ndarray of the shape of coef_
        The solution of the penalised problem; only with ``refit``.

    See Also
    --------
    FusedSparseGroupClassifier : With given strengths; the objective and its symbols.

    Examples
    --------
    >>> from linmtl import FusedSparseGroupClassifierCV
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(n_samples=200, random_state=0)
    >>> model = FusedSparseGroupClassifierCV(alphas=3, eps=0.1, cv=3).fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """
    alpha_: float
    alphas_: np.ndarray
    at_bound_: bool
    degrees_of_freedom_: float
    criterion_path_: np.ndarray
    feature_scale_: np.ndarray
    best_params_: dict[Any, Any]
    scores_path_: np.ndarray
    task_scores_path_: np.ndarray
    hinge_path_: np.ndarray
    task_hinge_path_: np.ndarray
    feature_mask_: np.ndarray
    coef_before_refit_: np.ndarray
    def __init__(
        self,
        *,
        alpha_l1: float = 1.0,
        alpha_fused: float | ArrayLike = 1.0,
        alpha_group: float | ArrayLike = 1.0,
        alphas: int | ArrayLike = 100,
        eps: float = 0.001,
        cv: Any = 5,
        criterion: Literal['aic', 'bic', 'gcv'] | None = None,
        selection: Literal['min', '1se'] = "min",
        scoring: str | Callable[..., Any] | None = None,
        scale_features: bool | Literal['auto'] = "auto",
        n_jobs: int | None = None,
        refit: bool | float = False,
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
