# written by .ci/stubs.py from linmtl.estimators._ordinal
import numpy as np
from collections.abc import Callable
from collections.abc import Mapping
from linmtl.estimators._answers import PredictsOrder
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._generic import ChoosesPenalty
from linmtl.penalties import Penalty
from numpy.typing import ArrayLike
from typing import Any
from typing import Literal

class OrdinalClassifier(PredictsOrder, MultiTaskModel):
    """Classes that have an order: grades, stages, ratings (proportional odds).

    A row of task t has a class up to k with probability
    ``1 / (1 + exp(x_i . w_t - c_tk))``: the larger ``x_i . w_t``, the higher the class.
    Minimises over W (n_features, n_tasks) and the thresholds c, which increase within
    each task::

        sum_t lambda_t / S_t * sum_{i in t} s_i (-log P(y_i | x_i . w_t, c_t))
            + penalty(W)

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for
        ``L21(alpha=0.01)``.
    class_order : array-like of shape (n_classes,), default=None
        The classes from the lowest to the highest. By default the order of an ordered
        categorical y (or of columns of a wide one), else sorted; a warning names words,
        whose order is hardly that of the alphabet.
    fit_intercept : bool, default=True
        Thresholds take the place of intercepts: True.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default=None
        Weight lambda_t of each task's mean loss: 1 each, "n_samples" or "null_loss", or
        given, as for `MultiTaskClassifier`.
    handle_unknown : {"error"}, default="error"
        Tasks that were not seen in fit have no thresholds.
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
    thresholds_ : ndarray of shape (n_tasks, n_classes - 1)
        The thresholds c between each two classes of ``class_order_``, and ``coef_`` is
        positive where a feature speaks for the higher ones. Two are equal where a task has
        never shown the class between them; those beyond the classes that it has shown go by
        the other tasks.
    class_order_ : ndarray of shape (n_classes,)
        The class labels from the lowest to the highest, over all tasks.
    classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
        The same, sorted, as scikit-learn's scorers take the columns of ``predict_proba``. A
        list for a wide Y.
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
    OrdinalClassifierCV : With the strength chosen by cross-validation.
    MultiTaskClassifier : Classes without an order.

    Notes
    -----
    The loss is convex in W and the thresholds together, and the duality gap is that of
    both. ``intercept_`` is zero, of two classes minus their threshold.

    An ``offset=`` is added to ``x_i . w_t``: a larger one means a higher class.
    ``fit_new_task`` and penalised intercepts are not for this model.

    Of a task that has never shown the lowest or the highest classes the thresholds to
    these have no finite optimum. They are as far from the next one as in the other
    tasks on average, and at least so far that half a row of those of the task would be
    expected beyond. A task that shows one class only is left out of the loss; it has
    the mean coefficients of the others, unless the penalty gives it some, and such
    thresholds around its class.

    References
    ----------
    McCullagh (1980), Regression models for ordinal data.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import OrdinalClassifier
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.penalties import L21
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> stage = np.digitize(y, [-2.0, 0.0, 2.0])
    >>> model = OrdinalClassifier(L21(0.01)).fit(X, stage, tasks)
    >>> model.thresholds_.shape
    (10, 3)
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
        class_order: ArrayLike | None = None,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
        feature_mask: ArrayLike | None = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None: ...

class OrdinalClassifierCV(ChoosesPenalty, OrdinalClassifier):
    """`OrdinalClassifier` with its penalty's strength by cross-validation.

    Every task is in every training part, with two rows where it has them (an intercept
    takes one); a task with fewer rows than folds is always in training, unless no task has
    more. A setting is judged by the mean over the tasks, weighted by ``task_weight``, of
    the held-out loss. A class that a task shows in a single fold is always in training.

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for ``L21()``. Its
        ``alpha`` is chosen; in a sum, a factor on all strengths.
    param_grid : dict or list of dict, default=None
        Values to try for other parameters of the penalty, such as
        ``{"alpha_mean": [0, 0.01]}`` or ``{"first__alpha": [0.1, 1, 10]}`` (the ratio, in a
        sum). The arrays below then have a leading axis for them.
    class_order : array-like of shape (n_classes,), default=None
        The classes from the lowest to the highest. By default the order of an ordered
        categorical y (or of columns of a wide one), else sorted; a warning names words,
        whose order is hardly that of the alphabet.
    fit_intercept : bool, default=True
        Thresholds take the place of intercepts: True.
    task_weight : None, str, dict or array-like of shape (n_tasks,), default=None
        Weight lambda_t of each task's mean loss: 1 each, "n_samples" or "null_loss", or
        given, as for `MultiTaskClassifier`.
    handle_unknown : {"error"}, default="error"
        Tasks that were not seen in fit have no thresholds.
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the classes of each task as by ``TaskKFold(cv,
        shuffle=True, random_state=0)``; or the folds. Not "loo", which is for models
        with one intercept a task.
    criterion : None
        Classes that have an order have none.
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
        Held-out mean log-likelihood, averaged over the tasks; with ``scoring``, for every
        loss, the scores, in a single fold.
    task_scores_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
        The same for each task; NaN where it has nothing held out.
    thresholds_ : ndarray of shape (n_tasks, n_classes - 1)
        The thresholds c between each two classes of ``class_order_``, and ``coef_`` is
        positive where a feature speaks for the higher ones. Two are equal where a task has
        never shown the class between them; those beyond the classes that it has shown go by
        the other tasks.
    class_order_ : ndarray of shape (n_classes,)
        The class labels from the lowest to the highest, over all tasks.
    classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
        The same, sorted, as scikit-learn's scorers take the columns of ``predict_proba``. A
        list for a wide Y.
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
    OrdinalClassifier : With a given penalty.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import OrdinalClassifierCV
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> stage = np.digitize(y, [-2.0, 0.0, 2.0])
    >>> model = OrdinalClassifierCV(alphas=5, eps=0.01, cv=3).fit(X, stage, tasks)
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
        class_order: ArrayLike | None = None,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = None,
        handle_unknown: Literal['error', 'mean'] = "error",
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
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None: ...
