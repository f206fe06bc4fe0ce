# written by .ci/stubs.py from linmtl.estimators._cox
import numpy as np
from collections.abc import Callable
from collections.abc import Mapping
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._generic import ChoosesPenalty
from linmtl.estimators._hazards import PredictsHazards
from linmtl.penalties import Penalty
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from typing import Any
from typing import Literal

class CoxRegressor(PredictsHazards, RegressorMixin, MultiTaskModel):
    """Times to an event, some of them censored (Cox's proportional hazards).

    The hazard of a row of task t is ``h_t(time) exp(x_i . w_t)``, with any baseline
    hazard h_t of the task (or of each of its strata). Minimises over W (n_features,
    n_tasks), with R_i the rows of the task (and stratum) that are still at risk at the
    time of row i::

        sum_t lambda_t / S_t * sum_{i in t, event} s_i
            (log(sum_{j in R_i} s_j exp(x_j . w_t) / D_i) - x_i . w_t) + penalty(W)

    with sample weights s_i, their sum S_t over task t, task weights lambda_t, and the
    sum D_i of the weights of the events at the time of row i (ties as Breslow has
    them).

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for
        ``L21(alpha=0.01)``.
    fit_intercept : bool, default=True
        Baseline hazards take the place of intercepts: True.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default=None
        Weight lambda_t of each task's mean loss: 1 each, "n_samples" or "null_loss", or
        given, as for `MultiTaskRegressor`.
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
    coef_components_ : dict of ndarray of shape (n_tasks, n_features)
        The parts of which the coefficients are the sum; only with a decomposition.
    stage_objectives_ : ndarray of shape (n_stages,)
        The objective after each stage; only with a penalty that is not convex.
    components_, labels_, outlier_tasks_, task_relation_ : ndarray
        What some penalties find besides; see the estimators of each.
    task_covariance_, task_correlation_ : ndarray of shape (n_tasks, n_tasks)
        The same.
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
    CoxRegressorCV : With the strength chosen by cross-validation.
    survival_target : Makes y of times and events.
    linmtl.metrics.concordance_index : How well predictions rank the times.

    Notes
    -----
    ``y`` is what `survival_target` returns, any structured array with a field of
    booleans and one of times, or plain times that are negative where no event was seen
    (a wide Y has these). ``predict`` returns the logarithm of the hazard relative to
    ``x = 0``, the higher the sooner the event; ``intercept_`` is zero, since the
    baseline takes up any constant.

    The loss is convex, and its conjugate an entropy: the duality gap is exact but for
    features that the penalty leaves free, where it has a bound of second order.

    References
    ----------
    Cox (1972), Regression models and life-tables; Breslow (1974), Covariance analysis
    of censored survival data.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import CoxRegressor, survival_target
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.penalties import L21
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> time = np.random.default_rng(0).exponential(np.exp(-y / y.std()))
    >>> target = survival_target(np.minimum(time, 2.0), time < 2.0)
    >>> model = CoxRegressor(L21(0.05)).fit(X, target, tasks)
    >>> model.score(X, target, tasks) > 0.7
    True
    >>> model.predict_survival(X[:2], [0.5, 1.0], tasks[:2]).shape
    (2, 2)
    """
    coef_components_: dict[Any, np.ndarray]
    stage_objectives_: np.ndarray
    components_: np.ndarray
    labels_: np.ndarray
    outlier_tasks_: np.ndarray
    task_relation_: np.ndarray
    task_covariance_: np.ndarray
    task_correlation_: np.ndarray
    feature_mask_: np.ndarray
    def __init__(
        self,
        penalty: Penalty | None = None,
        *,
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

class CoxRegressorCV(ChoosesPenalty, CoxRegressor):
    """`CoxRegressor` with its penalty's strength by cross-validation.

    Every task is in every training part, with two rows where it has them (an intercept
    takes one); a task with fewer rows than folds is always in training, unless no task has
    more. A setting is judged by the mean over the tasks, weighted by ``task_weight``, of
    the held-out loss. What is held out is judged by the partial likelihood of all rows less that of
    the training part (Verweij and van Houwelingen), so that few events a fold will do.

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for ``L21()``. Its
        ``alpha`` is chosen; in a sum, a factor on all strengths.
    param_grid : dict or list of dict, default=None
        Values to try for other parameters of the penalty, such as
        ``{"alpha_mean": [0, 0.01]}`` or ``{"first__alpha": [0.1, 1, 10]}`` (the ratio, in a
        sum). The arrays below then have a leading axis for them.
    fit_intercept : bool, default=True
        Baseline hazards take the place of intercepts: True.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default=None
        Weight lambda_t of each task's mean loss: 1 each, "n_samples" or "null_loss", or
        given, as for `MultiTaskRegressor`.
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the events of each task as by ``TaskKFold(cv,
        shuffle=True, random_state=0)``; or the folds. Not "loo", which is for losses of
        one row.
    criterion : None
        Times to an event have none.
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
    scores_path_ : ndarray of shape (n_alphas, n_folds)
        Held-out partial log-likelihood a row, averaged over the tasks; with
        ``scoring``, the scores, in a single fold.
    task_scores_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
        The same for each task; NaN where it has nothing held out.
    coef_components_ : dict of ndarray of shape (n_tasks, n_features)
        The parts of which the coefficients are the sum; only with a decomposition.
    stage_objectives_ : ndarray of shape (n_stages,)
        The objective after each stage; only with a penalty that is not convex.
    components_, labels_, outlier_tasks_, task_relation_ : ndarray
        What some penalties find besides; see the estimators of each.
    task_covariance_, task_correlation_ : ndarray of shape (n_tasks, n_tasks)
        The same.
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
    CoxRegressor : With a given penalty.

    References
    ----------
    Verweij and van Houwelingen (1993), Cross-validation in survival analysis.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import CoxRegressorCV
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> time = np.random.default_rng(0).exponential(np.exp(-y / y.std()))
    >>> signed = np.where(time < 2.0, time, -2.0)
    >>> model = CoxRegressorCV(alphas=5, eps=0.01, cv=3).fit(X, signed, tasks)
    >>> model.scores_path_.shape
    (5, 3)
    """
    penalty_: Penalty
    alpha_: float
    alphas_: np.ndarray
    at_bound_: bool
    degrees_of_freedom_: float
    criterion_path_: np.ndarray
    feature_scale_: np.ndarray
    best_params_: dict[Any, Any]
    scores_path_: np.ndarray
    task_scores_path_: np.ndarray
    coef_components_: dict[Any, np.ndarray]
    stage_objectives_: np.ndarray
    components_: np.ndarray
    labels_: np.ndarray
    outlier_tasks_: np.ndarray
    task_relation_: np.ndarray
    task_covariance_: np.ndarray
    task_correlation_: np.ndarray
    feature_mask_: np.ndarray
    def __init__(
        self,
        penalty: Penalty | None = None,
        *,
        param_grid: dict[str, Any] | list[dict[str, Any]] | None = None,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        cv: Any = 5,
        criterion: Literal['aic', 'bic', 'gcv'] | None = None,
        alphas: int | ArrayLike = 100,
        eps: float = 0.001,
        selection: Literal['min', '1se'] = "min",
        scoring: str | Callable[..., Any] | None = None,
        scale_features: bool | Literal['auto'] = "auto",
        n_jobs: int | None = None,
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
