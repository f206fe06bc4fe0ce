# written by .ci/stubs.py from linmtl.estimators._pooled
import numpy as np
from collections.abc import Callable
from collections.abc import Mapping
from linmtl.estimators._base import Classifier
from linmtl.estimators._base import Regressor
from linmtl.estimators._cv import CrossValidated
from linmtl.estimators._ordinal import OrdinalClassifierCV
from linmtl.penalties import Penalty
from numpy.typing import ArrayLike
from typing import Any
from typing import Literal
from typing import Self

class PooledRegressor(Regressor):
    """Ridge regression on all rows, one model for all tasks.

    Every sample counts the same, unless ``task_weight`` is given. Minimises over w
    (n_features,) and the intercepts::

        1 / S * sum_i s_i (y_i - x_i . w - b_t)^2 / 2
            + alpha / 2 * ||w||^2

    Parameters
    ----------
    alpha : float or "cv", default=0.01
        Strength, >= 0, or chosen by cross-validation.
    cv : int, "loo", splitter or iterable of (train, test), default=5
        What ``alpha="cv"`` holds out: folds, drawn within the tasks, or one observation
        at a time, as the ``...CV`` estimators have it ("loo"; not of a wide y with
        ``task_intercepts=True``).
    scale_features : bool or "auto", default="auto"
        Whether the strength is relative to the features' own scale: features are
        divided by their spread within the tasks, while coefficients are those of X as
        passed. "auto": with ``alpha="cv"``, where X is dense and spreads differ by more
        than a factor of 10.
    task_intercepts : bool, default=False
        Whether each task has an intercept of its own.
    feature_mask : array-like or DataFrame of bool, default=None
        Which features each task has, (n_features, n_tasks); only with
        ``task_intercepts=True``, where a task without a feature is not one at its zero.
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
    alpha_ : float
        The strength used.
    alphas_ : ndarray of shape (n_alphas,)
        The strengths tried, decreasing; only with ``alpha="cv"``, as are the paths that
        the ``...CV`` estimators have.
    at_bound_ : bool
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
    IndependentRegressor : The other extreme: every task alone.

    Notes
    -----
    ``coef_`` has the same row for every task, but for zeros of features that it lacks.
    With ``alpha="cv"`` 13 strengths are 1e2 to 1e-4 times the curvature of the loss,
    and further where the best is at an end.
    For a wide Y without ``task_intercepts`` the labels of a row are averaged first:
    ``objective_`` then lacks their variance within rows, a constant.

    Examples
    --------
    >>> from linmtl import PooledRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = PooledRegressor().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """
    alpha_: float
    alphas_: np.ndarray
    at_bound_: bool
    feature_scale_: np.ndarray
    feature_mask_: np.ndarray
    huber_delta: float
    quantile_level: float
    quantile_smoothing: float
    tweedie_power: float
    def __init__(
        self,
        alpha: float | str = 0.01,
        *,
        cv: Any = 5,
        scale_features: bool | Literal['auto'] = "auto",
        task_intercepts: bool = False,
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

class PooledClassifier(Classifier):
    """L2-penalised logistic regression on all rows, one model for all tasks.

    Every sample counts the same, unless ``task_weight`` is given. y_i is +1 for the
    second class and -1 for the first. Minimises over w (n_features,) and the
    intercepts::

        1 / S * sum_i s_i log(1 + exp(-y_i (x_i . w + b_t)))
            + alpha / 2 * ||w||^2

    Parameters
    ----------
    alpha : float or "cv", default=0.01
        Strength, >= 0, or chosen by cross-validation.
    cv : int, "loo", splitter or iterable of (train, test), default=5
        What ``alpha="cv"`` holds out: folds, drawn within the tasks, or one observation
        at a time, as the ``...CV`` estimators have it ("loo"; not of a wide y with
        ``task_intercepts=True``).
    scale_features : bool or "auto", default="auto"
        Whether the strength is relative to the features' own scale: features are
        divided by their spread within the tasks, while coefficients are those of X as
        passed. "auto": with ``alpha="cv"``, where X is dense and spreads differ by more
        than a factor of 10.
    task_intercepts : bool, default=False
        Whether each task has an intercept of its own.
    feature_mask : array-like or DataFrame of bool, default=None
        Which features each task has, (n_features, n_tasks); only with
        ``task_intercepts=True``, where a task without a feature is not one at its zero.
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
    alpha_ : float
        The strength used.
    alphas_ : ndarray of shape (n_alphas,)
        The strengths tried, decreasing; only with ``alpha="cv"``, as are the paths that
        the ``...CV`` estimators have.
    at_bound_ : bool
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
    IndependentClassifier : The other extreme: every task alone.

    Notes
    -----
    ``coef_`` has the same row for every task, but for zeros of features that it lacks.
    With ``alpha="cv"`` 13 strengths are 1e2 to 1e-4 times the curvature of the loss,
    and further where the best is at an end.

    Examples
    --------
    >>> from linmtl import PooledClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = PooledClassifier().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """
    alpha_: float
    alphas_: np.ndarray
    at_bound_: bool
    feature_scale_: np.ndarray
    feature_mask_: np.ndarray
    def __init__(
        self,
        alpha: float | str = 0.01,
        *,
        cv: Any = 5,
        scale_features: bool | Literal['auto'] = "auto",
        task_intercepts: bool = False,
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

class PooledRegressorCV(CrossValidated, PooledRegressor):
    """What models that share are compared with; not public.
    """
    huber_delta: float
    quantile_level: float
    quantile_smoothing: float
    tweedie_power: float
    def __init__(
        self,
        *,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        feature_mask: ArrayLike | None = None,
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
        verbose: int = 0,
        loss: str = "squared",
        huber_delta: float = 1.35,
        quantile_level: float = 0.5,
        quantile_smoothing: float = 0.1,
        tweedie_power: float = 1.5,
        alpha: float | str = "cv",
        cv: Any = 5,
        scale_features: bool | Literal['auto'] = "auto",
        task_intercepts: bool = True,
        alphas: int | ArrayLike = 100,
        eps: float = 0.001,
        criterion: Literal['aic', 'bic', 'gcv'] | None = None,
        selection: Literal['min', '1se'] = "min",
        scoring: str | Callable[..., Any] | None = None,
        n_jobs: int | None = None,
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
        """Choose the strength by cross-validation, and fit all data with it.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels. A feature
            that is NaN in every row of a task is one that the task does not have.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, or labels of classes, in any layout.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row: all strings or all numbers.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,) or of y's shape, default=None
            A known part of the linear predictor, which folds split as they do y. It is
            for ``predict`` too then.
        coef_init : array-like of the shape of ``coef_``, default=None
            Coefficients that the fit of all data starts from; by default the last
            solution with ``warm_start``, else none.

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

class PooledClassifierCV(CrossValidated, PooledClassifier):
    """What models that share are compared with; not public.
    """
    def __init__(
        self,
        *,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        feature_mask: ArrayLike | None = None,
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
        verbose: int = 0,
        class_weight: Mapping[Any, float] | Literal['balanced'] | None = None,
        loss: str = "logistic",
        alpha: float | str = "cv",
        cv: Any = 5,
        scale_features: bool | Literal['auto'] = "auto",
        task_intercepts: bool = True,
        alphas: int | ArrayLike = 100,
        eps: float = 0.001,
        criterion: Literal['aic', 'bic', 'gcv'] | None = None,
        selection: Literal['min', '1se'] = "min",
        scoring: str | Callable[..., Any] | None = None,
        n_jobs: int | None = None,
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
        """Choose the strength by cross-validation, and fit all data with it.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels. A feature
            that is NaN in every row of a task is one that the task does not have.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, or labels of classes, in any layout.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row: all strings or all numbers.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,) or of y's shape, default=None
            A known part of the linear predictor, which folds split as they do y. It is
            for ``predict`` too then.
        coef_init : array-like of the shape of ``coef_``, default=None
            Coefficients that the fit of all data starts from; by default the last
            solution with ``warm_start``, else none.

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

class PooledOrdinalClassifierCV(OrdinalClassifierCV):
    """One model with thresholds of each task; not public.
    """
    def __init__(
        self,
        penalty: Penalty | None = None,
        *,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        feature_mask: ArrayLike | None = None,
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
        verbose: int = 0,
        class_order: ArrayLike | None = None,
        alphas: int | ArrayLike = 100,
        eps: float = 0.001,
        cv: Any = 5,
        criterion: Literal['aic', 'bic', 'gcv'] | None = None,
        selection: Literal['min', '1se'] = "min",
        scoring: str | Callable[..., Any] | None = None,
        scale_features: bool | Literal['auto'] = "auto",
        n_jobs: int | None = None,
        param_grid: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None: ...
