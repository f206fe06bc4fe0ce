# written by .ci/stubs.py from linmtl.estimators._mixed_tasks
import numpy as np
from collections.abc import Callable
from collections.abc import Mapping
from linmtl.estimators._answers import PredictsKinds
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._generic import ChoosesPenalty
from linmtl.metrics import TaskScores
from linmtl.penalties import Penalty
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from typing import Any
from typing import Literal

class MixedTaskEstimator(PredictsKinds, RegressorMixin, MultiTaskModel):
    """Tasks of different kinds in one model: measurements, two classes, counts.

    Each task has a loss of its own, and all share a penalty. Minimises over W
    (n_features, n_tasks) and the intercepts b::

        sum_t lambda_t / S_t * sum_{i in t} s_i loss_t(y_i, x_i . w_t + b_t)
            + penalty(W)

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for
        ``L21(alpha=0.01)``.
    loss : dict or str, default="squared"
        The loss of each task by its label, or one for all: a loss of the regressors,
        or "logistic" for a task of two classes.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default="null_loss"
        Weight lambda_t of each task's mean loss. "null_loss": one over its loss without
        coefficients, so that losses of different kinds and units count alike. None: 1
        each. "n_samples", "minimax", a dict or an array: as for `MultiTaskRegressor`.
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
    task_classes_ : dict
        The two classes of each task that has classes, by task label.
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
    MixedTaskEstimatorCV : With the strength chosen by cross-validation.
    MultiTaskRegressor, MultiTaskClassifier : One loss for all tasks.

    Notes
    -----
    Predictions are means, of a task with classes the probability of the second of
    them; of one with the quantile loss they are quantiles.
    Strengths are relative to the losses: with ``task_weight="null_loss"`` all
    coefficients are zero at an ``alpha`` of order 1.

    ``handle_unknown="mean"`` and ``fit_new_task`` are not for tasks of different kinds.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import MixedTaskEstimator
    >>> from linmtl.penalties import L21
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 6))
    >>> eta = X[:, :2] @ rng.normal(size=(2, 3))
    >>> Y = np.column_stack([
    ...     120 + 10 * eta[:, 0] + rng.normal(size=200),  # blood pressure
    ...     eta[:, 1] + rng.logistic(size=200) > 0,  # stroke
    ...     rng.poisson(np.exp(eta[:, 2])),  # visits
    ... ])
    >>> losses = {0: "squared", 1: "logistic", 2: "poisson"}
    >>> model = MixedTaskEstimator(L21(0.05), loss=losses).fit(X, Y)
    >>> model.task_scores(X, Y)
    TaskScores(D^2 of 3 tasks: 0.133 to 0.878)
    """
    feature_mask_: np.ndarray
    huber_delta: float
    quantile_level: float
    quantile_smoothing: float
    tweedie_power: float
    def __init__(
        self,
        penalty: Penalty | None = None,
        *,
        loss: Mapping[Any, str] | str = "squared",
        task_weight: Mapping[Any, float] | ArrayLike | None = "null_loss",
        huber_delta: float = 1.35,
        quantile_level: float = 0.5,
        quantile_smoothing: float = 0.1,
        tweedie_power: float = 1.5,
        fit_intercept: bool = True,
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

class MixedTaskEstimatorCV(ChoosesPenalty, MixedTaskEstimator):
    """`MixedTaskEstimator` with its penalty's strength by cross-validation.

    Every task is in every training part, with two rows where it has them (an intercept
    takes one); a task with fewer rows than folds is always in training, unless no task has
    more. A setting is judged by the mean over the tasks, weighted by ``task_weight``, of
    the held-out loss.

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for ``L21()``. Its
        ``alpha`` is chosen; in a sum, a factor on all strengths.
    param_grid : dict or list of dict, default=None
        Values to try for other parameters of the penalty, such as
        ``{"alpha_mean": [0, 0.01]}`` or ``{"first__alpha": [0.1, 1, 10]}`` (the ratio, in a
        sum). The arrays below then have a leading axis for them.
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the tasks as by ``TaskKFold(cv, shuffle=True,
        random_state=0)``; or the folds. Not "loo".
    criterion : None
        Losses of different kinds have no criterion in common.
    scoring : None
        Nor have they a score; strengths are judged by held-out losses.
    alphas : int or array-like, default=100
        Number of strengths to try, or the strengths. A grid of a number of strengths is
        extended, by six decades at most, while the best of them lies at its end and the
        held-out loss still falls there; strengths that are passed are not. A warning says
        where the best one is at an end all the same.
    eps : float, default=1e-3
        The smallest strength as a fraction of the largest, with a number of alphas.
    selection : {"min", "1se"}, default="min"
        The strength with the lowest held-out loss, or the strongest within one
        standard error of it.
    scale_features : bool or "auto", default="auto"
        Whether strengths are relative to the features' own scale: features are divided by
        their spread within the tasks (``feature_scale_``), while coefficients are those of
        X as passed. "auto": where X is dense and spreads differ by more than a factor of
        10.
    n_jobs : int, default=None
        Folds fitted at the same time, by joblib. A worker that is killed is an error with
        its default backend; ``multiprocessing`` waits for it.
    loss : dict or str, default="squared"
        The loss of each task by its label, or one for all: a loss of the regressors,
        or "logistic" for a task of two classes.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default="null_loss"
        Weight lambda_t of each task's mean loss, where models are fitted and where they
        are judged. "null_loss": one over its loss without coefficients, so that losses
        of different kinds and units count alike.
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
    penalty_ : Penalty
        The penalty with the parameters and strengths that were chosen.
    losses_path_ : ndarray of shape (n_alphas, n_folds)
        Held-out loss, averaged over the tasks with their weights.
    task_losses_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
        The same for each task in its own units; NaN where it has nothing held out.
    task_classes_ : dict
        The two classes of each task that has classes, by task label.
    alpha_ : float
        The strength chosen.
    alphas_ : ndarray of shape (n_alphas,) or (n_settings, n_alphas)
        The strengths tried, decreasing. Where several values of other parameters are tried,
        too, a row for each combination, in the order of scikit-learn's ``ParameterGrid``;
        the paths below have that axis in front as well.
    at_bound_ : bool
        Whether the best strength is at an end of those tried, and a better one is likely to
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
    MixedTaskEstimator : With a given penalty.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import MixedTaskEstimatorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 6))
    >>> eta = X[:, :2] @ rng.normal(size=(2, 2))
    >>> Y = np.column_stack([eta[:, 0], rng.poisson(np.exp(eta[:, 1]))])
    >>> losses = {0: "squared", 1: "poisson"}
    >>> model = MixedTaskEstimatorCV(loss=losses, alphas=5, eps=0.01).fit(X, Y)
    >>> model.losses_path_.shape
    (5, 5)
    """
    penalty_: Penalty
    losses_path_: np.ndarray
    task_losses_path_: np.ndarray
    alpha_: float
    alphas_: np.ndarray
    at_bound_: bool
    degrees_of_freedom_: float
    criterion_path_: np.ndarray
    feature_scale_: np.ndarray
    best_params_: dict[Any, Any]
    feature_mask_: np.ndarray
    huber_delta: float
    quantile_level: float
    quantile_smoothing: float
    tweedie_power: float
    def __init__(
        self,
        penalty: Penalty | None = None,
        *,
        param_grid: dict[str, Any] | list[dict[str, Any]] | None = None,
        cv: Any = 5,
        criterion: Literal['aic', 'bic', 'gcv'] | None = None,
        scoring: str | Callable[..., Any] | None = None,
        alphas: int | ArrayLike = 100,
        eps: float = 0.001,
        selection: Literal['min', '1se'] = "min",
        scale_features: bool | Literal['auto'] = "auto",
        n_jobs: int | None = None,
        loss: Mapping[Any, str] | str = "squared",
        task_weight: Mapping[Any, float] | ArrayLike | None = "null_loss",
        huber_delta: float = 1.35,
        quantile_level: float = 0.5,
        quantile_smoothing: float = 0.1,
        tweedie_power: float = 1.5,
        fit_intercept: bool = True,
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
