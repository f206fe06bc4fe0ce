# written by .ci/stubs.py from linmtl.estimators._incomplete_sources
import numpy as np
from collections.abc import Callable
from collections.abc import Mapping
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.base import ClassifierMixin
from sklearn.base import RegressorMixin
from typing import Any
from typing import Literal
from typing import Self

class IncompleteSourcesRegressor(RegressorMixin, BaseEstimator):
    """Regression on several sources of features, of which rows may lack some.

    Minimises::

        sum_p lambda_p / S_p * sum_{i in p} s_i (y_i - x_i . w_p - b_p)^2 / 2
            + alpha * sum_j ||W_j||_2

    over w_p for the patterns p of sources that occur, W_j holding feature j of the
    patterns that have it, sample weights s_i with the sum S_p over a pattern, and
    pattern weights lambda_p. Each row is predicted from the sources that it has,
    nothing is imputed, and the patterns choose features together.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0.
    sources : array-like of shape (n_features,) or list of lists, default=None
        The source of each feature: one label (string or number) per column of X, or the
        columns of each source, by position or name, every column in exactly one. None
        takes columns that are missing in the same rows of X for a source.
    fit_intercept : bool, default=True
        Whether each pattern has an intercept, which is never penalised.
    task_weight : None, "n_samples", dict or array-like of shape (n_patterns,), default="n_samples"
        Weight lambda_p of each pattern's mean loss: proportional to the sum of its sample
        weights (mean 1), so that every row counts the same; None for 1 each; or given by
        the names in ``tasks_``, or in their order.
    handle_unknown : {"error", "subset"}, default="error"
        What to do when predicting for a row whose sources were not seen together in fit:
        raise an error that names them, or use the model of fewer sources, all of which the
        row has: of those with the most sources the one fitted on the most rows.
    solver : {"auto", "apg", "working_set", "prox_newton"}, default="auto"
        As for `L21Regressor`.
    max_iter : int, default=10000
        Iterations at most.
    tol : float, default=1e-4
        Stop when the duality gap is at most ``tol`` times the objective of the null model
        (no coefficients, best intercepts).
    warm_start : bool, default=False
        Start from the last solution, matched by pattern.
    verbose : int, default=0
        If positive, print a line at each certificate.

    Attributes
    ----------
    patterns_ : ndarray of bool of shape (n_patterns, n_sources)
        The sources that each pattern has, the most complete first.
    sources_ : ndarray of shape (n_sources,)
        Labels of the sources, the columns of ``patterns_``; numbers for lists of
        columns, and where they were found in X.
    feature_source_ : ndarray of shape (n_features,)
        The source of each column of X, a position in ``sources_``.
    coef_ : ndarray of shape (n_patterns, n_features)
        Coefficients; zero for the sources that a pattern lacks.
    intercept_ : ndarray of shape (n_patterns,)
        Intercepts.
    tasks_ : ndarray of shape (n_patterns,)
        Names of the patterns, such as "mri+pet".
    task_weight_ : ndarray of shape (n_patterns,)
        Weight of each pattern's mean loss in the objective.
    objective_ : float
        The objective at the solution.
    dual_gap_ : float
        Duality gap: the objective is at most this far from the optimum.
    gap_history_ : ndarray of shape (n_certificates, 2)
        Iteration and duality gap at each certificate.
    tol_ : float
        The absolute tolerance used for the gap.
    converged_ : bool
        Whether ``dual_gap_ <= tol_``.
    n_iter_ : int
        Iterations.
    solver_ : str
        The solver used.
    n_features_in_ : int
        Number of columns of X in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.

    See Also
    --------
    IncompleteSourcesClassifier : The same for two classes.
    IncompleteSourcesRegressorCV : With ``alpha`` chosen by cross-validation.
    L21Regressor : Tasks that are given.

    Notes
    -----
    Where no value is missing this is the lasso. Standardise the columns first
    (scikit-learn's ``StandardScaler`` leaves NaN as it is): they are penalised alike.
    In cross-validation a training part may lack a pattern: use
    ``handle_unknown="subset"``, or the estimators that choose ``alpha`` themselves,
    whose folds are drawn within patterns.

    MALSAR has it as iMSF.

    References
    ----------
    Yuan, Wang, Thompson, Narayan, Ye (2012), Multi-source feature learning for joint
    analysis of incomplete multiple heterogeneous neuroimaging data.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from linmtl import IncompleteSourcesRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 5))
    >>> y = X[:, 0] - X[:, 3]
    >>> X[:30, :2] = np.nan  # these rows lack the first source
    >>> X[30:60, 2:] = np.nan  # and these the second
    >>> scale = StandardScaler()  # leaves NaN as it is
    >>> model = make_pipeline(scale, IncompleteSourcesRegressor(alpha=0.01)).fit(X, y)
    >>> model[-1].patterns_
    array([[ True,  True],
           [ True, False],
           [False,  True]])
    >>> model.predict(X).shape
    (90,)
    """
    patterns_: np.ndarray
    sources_: np.ndarray
    feature_source_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray
    tasks_: np.ndarray
    task_weight_: np.ndarray
    objective_: float
    dual_gap_: float
    gap_history_: np.ndarray
    tol_: float
    converged_: bool
    n_iter_: int
    solver_: str
    n_features_in_: int
    feature_names_in_: np.ndarray
    def __init__(
        self,
        alpha: float = 1.0,
        sources: Any = None,
        *,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = "n_samples",
        handle_unknown: Literal['error', 'subset'] = "error",
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None: ...
    def predict(
        self,
        X: Any,
    ) -> np.ndarray:
        """Predict the target of each row from the sources that it has.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples,)
            One prediction per row.
        """
        ...
    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return R^2 of the predictions.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.
        y : array-like of shape (n_samples,)
            True targets.
        tasks : None
            Not allowed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        float
            The score, 1 at best.
        """
        ...
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the models of all patterns of sources together.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples. A row has NaN in all columns of a source, or in none.
        y : array-like of shape (n_samples,)
            Targets, or labels of classes.
        tasks : None
            Not allowed: the tasks are the patterns of sources.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

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

class IncompleteSourcesClassifier(ClassifierMixin, BaseEstimator):
    """Logistic regression on several sources of features, of which rows may lack some.

    Minimises::

        sum_p lambda_p / S_p * sum_{i in p} s_i log(1 + exp(-y_i (x_i . w_p + b_p)))
            + alpha * sum_j ||W_j||_2

    over w_p for the patterns p of sources that occur, W_j holding feature j of the
    patterns that have it, sample weights s_i with the sum S_p over a pattern, and
    pattern weights lambda_p. Each row is predicted from the sources that it has,
    nothing is imputed, and the patterns choose features together.
    y_i is +1 for ``classes_[1]`` and -1 for ``classes_[0]``.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength, >= 0.
    sources : array-like of shape (n_features,) or list of lists, default=None
        The source of each feature: one label (string or number) per column of X, or the
        columns of each source, by position or name, every column in exactly one. None
        takes columns that are missing in the same rows of X for a source.
    fit_intercept : bool, default=True
        Whether each pattern has an intercept, which is never penalised.
    task_weight : None, "n_samples", dict or array-like of shape (n_patterns,), default="n_samples"
        Weight lambda_p of each pattern's mean loss: proportional to the sum of its sample
        weights (mean 1), so that every row counts the same; None for 1 each; or given by
        the names in ``tasks_``, or in their order.
    handle_unknown : {"error", "subset"}, default="error"
        What to do when predicting for a row whose sources were not seen together in fit:
        raise an error that names them, or use the model of fewer sources, all of which the
        row has: of those with the most sources the one fitted on the most rows.
    solver : {"auto", "apg", "working_set", "prox_newton"}, default="auto"
        As for `L21Regressor`.
    max_iter : int, default=10000
        Iterations at most.
    tol : float, default=1e-4
        Stop when the duality gap is at most ``tol`` times the objective of the null model
        (no coefficients, best intercepts).
    warm_start : bool, default=False
        Start from the last solution, matched by pattern.
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
    patterns_ : ndarray of bool of shape (n_patterns, n_sources)
        The sources that each pattern has, the most complete first.
    sources_ : ndarray of shape (n_sources,)
        Labels of the sources, the columns of ``patterns_``; numbers for lists of
        columns, and where they were found in X.
    feature_source_ : ndarray of shape (n_features,)
        The source of each column of X, a position in ``sources_``.
    coef_ : ndarray of shape (n_patterns, n_features)
        Coefficients; zero for the sources that a pattern lacks.
    intercept_ : ndarray of shape (n_patterns,)
        Intercepts.
    tasks_ : ndarray of shape (n_patterns,)
        Names of the patterns, such as "mri+pet".
    task_weight_ : ndarray of shape (n_patterns,)
        Weight of each pattern's mean loss in the objective.
    objective_ : float
        The objective at the solution.
    dual_gap_ : float
        Duality gap: the objective is at most this far from the optimum.
    gap_history_ : ndarray of shape (n_certificates, 2)
        Iteration and duality gap at each certificate.
    tol_ : float
        The absolute tolerance used for the gap.
    converged_ : bool
        Whether ``dual_gap_ <= tol_``.
    n_iter_ : int
        Iterations.
    solver_ : str
        The solver used.
    n_features_in_ : int
        Number of columns of X in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.

    See Also
    --------
    IncompleteSourcesRegressor : The same for regression.
    IncompleteSourcesClassifierCV : With ``alpha`` chosen by cross-validation.
    L21Classifier : Tasks that are given.

    Notes
    -----
    Where no value is missing this is the lasso. Standardise the columns first
    (scikit-learn's ``StandardScaler`` leaves NaN as it is): they are penalised alike.
    In cross-validation a training part may lack a pattern: use
    ``handle_unknown="subset"``, or the estimators that choose ``alpha`` themselves,
    whose folds are drawn within patterns.

    MALSAR has it as iMSF.

    References
    ----------
    Yuan, Wang, Thompson, Narayan, Ye (2012), Multi-source feature learning for joint
    analysis of incomplete multiple heterogeneous neuroimaging data.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import IncompleteSourcesClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 5))
    >>> y = X[:, 0] > X[:, 3]
    >>> X[:30, :2] = np.nan
    >>> X[30:60, 2:] = np.nan
    >>> sources = ["mri", "mri", "pet", "pet", "pet"]
    >>> model = IncompleteSourcesClassifier(sources=sources).fit(X, y)
    >>> model.tasks_.tolist()
    ['mri+pet', 'mri', 'pet']
    >>> model.predict_proba(X).shape
    (90, 2)
    """
    classes_: np.ndarray
    patterns_: np.ndarray
    sources_: np.ndarray
    feature_source_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray
    tasks_: np.ndarray
    task_weight_: np.ndarray
    objective_: float
    dual_gap_: float
    gap_history_: np.ndarray
    tol_: float
    converged_: bool
    n_iter_: int
    solver_: str
    n_features_in_: int
    feature_names_in_: np.ndarray
    def __init__(
        self,
        alpha: float = 0.01,
        sources: Any = None,
        *,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = "n_samples",
        handle_unknown: Literal['error', 'subset'] = "error",
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None: ...
    def decision_function(
        self,
        X: Any,
    ) -> np.ndarray:
        """Return the linear predictor, positive for ``classes_[1]``.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples,)
            One value per row.
        """
        ...
    def predict(
        self,
        X: Any,
    ) -> np.ndarray:
        """Predict the class of each row from the sources that it has.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        ...
    def predict_proba(
        self,
        X: Any,
    ) -> np.ndarray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            One column per class, in the order of ``classes_``.
        """
        ...
    def predict_log_proba(
        self,
        X: Any,
    ) -> np.ndarray:
        """Return the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            One column per class, in the order of ``classes_``.
        """
        ...
    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.
        y : array-like of shape (n_samples,)
            True labels.
        tasks : None
            Not allowed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        float
            The score, 1 at best.
        """
        ...
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the models of all patterns of sources together.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples. A row has NaN in all columns of a source, or in none.
        y : array-like of shape (n_samples,)
            Targets, or labels of classes.
        tasks : None
            Not allowed: the tasks are the patterns of sources.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

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

class IncompleteSourcesRegressorCV(RegressorMixin, BaseEstimator):
    """`IncompleteSourcesRegressor` with ``alpha`` chosen by cross-validation.

    Every pattern is in every training part; one with fewer rows than folds is always
    in training. A strength is judged by the mean over the patterns, weighted by
    ``task_weight``, of the held-out loss. In what follows a task is a pattern.

    Parameters
    ----------
    sources : array-like of shape (n_features,) or list of lists, default=None
        The source of each feature: one label (string or number) per column of X, or the
        columns of each source, by position or name, every column in exactly one. None
        takes columns that are missing in the same rows of X for a source.
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
    fit_intercept : bool, default=True
        Whether each pattern has an intercept, which is never penalised.
    task_weight : None, "n_samples", dict or array-like of shape (n_patterns,), default="n_samples"
        Weight lambda_p of each pattern's mean loss: proportional to the sum of its sample
        weights (mean 1), so that every row counts the same; None for 1 each; or given by
        the names in ``tasks_``, or in their order.
    handle_unknown : {"error", "subset"}, default="error"
        What to do when predicting for a row whose sources were not seen together in fit:
        raise an error that names them, or use the model of fewer sources, all of which the
        row has: of those with the most sources the one fitted on the most rows.
    solver : {"auto", "apg", "working_set", "prox_newton"}, default="auto"
        As for `L21Regressor`.
    max_iter : int, default=10000
        Iterations at most.
    tol : float, default=1e-4
        Stop when the duality gap is at most ``tol`` times the objective of the null model
        (no coefficients, best intercepts).
    warm_start : bool, default=False
        Start from the last solution, matched by pattern.
    verbose : int, default=0
        If positive, print a line at each certificate.

    Attributes
    ----------
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
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Held-out mean squared error, averaged over the tasks.
    task_mse_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
        The same for each task; NaN where it has nothing held out.
    patterns_ : ndarray of bool of shape (n_patterns, n_sources)
        The sources that each pattern has, the most complete first.
    sources_ : ndarray of shape (n_sources,)
        Labels of the sources, the columns of ``patterns_``; numbers for lists of
        columns, and where they were found in X.
    feature_source_ : ndarray of shape (n_features,)
        The source of each column of X, a position in ``sources_``.
    coef_ : ndarray of shape (n_patterns, n_features)
        Coefficients; zero for the sources that a pattern lacks.
    intercept_ : ndarray of shape (n_patterns,)
        Intercepts.
    tasks_ : ndarray of shape (n_patterns,)
        Names of the patterns, such as "mri+pet".
    task_weight_ : ndarray of shape (n_patterns,)
        Weight of each pattern's mean loss in the objective.
    objective_ : float
        The objective at the solution.
    dual_gap_ : float
        Duality gap: the objective is at most this far from the optimum.
    gap_history_ : ndarray of shape (n_certificates, 2)
        Iteration and duality gap at each certificate.
    tol_ : float
        The absolute tolerance used for the gap.
    converged_ : bool
        Whether ``dual_gap_ <= tol_``.
    n_iter_ : int
        Iterations.
    solver_ : str
        The solver used.
    n_features_in_ : int
        Number of columns of X in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.

    See Also
    --------
    IncompleteSourcesRegressor : With a given ``alpha``; the objective and its symbols.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import IncompleteSourcesRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 5))
    >>> y = X[:, 0] - X[:, 3] + 0.1 * rng.normal(size=90)
    >>> X[:30, :2] = np.nan
    >>> model = IncompleteSourcesRegressorCV(alphas=5).fit(X, y)
    >>> model.mse_path_.shape
    (5, 5)
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
    patterns_: np.ndarray
    sources_: np.ndarray
    feature_source_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray
    tasks_: np.ndarray
    task_weight_: np.ndarray
    objective_: float
    dual_gap_: float
    gap_history_: np.ndarray
    tol_: float
    converged_: bool
    n_iter_: int
    solver_: str
    n_features_in_: int
    feature_names_in_: np.ndarray
    def __init__(
        self,
        sources: Any = None,
        *,
        alphas: int | ArrayLike = 100,
        eps: float = 0.001,
        cv: Any = 5,
        criterion: Literal['aic', 'bic', 'gcv'] | None = None,
        selection: Literal['min', '1se'] = "min",
        scoring: str | Callable[..., Any] | None = None,
        scale_features: bool | Literal['auto'] = "auto",
        n_jobs: int | None = None,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = "n_samples",
        handle_unknown: Literal['error', 'subset'] = "error",
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None: ...
    def predict(
        self,
        X: Any,
    ) -> np.ndarray:
        """Predict the target of each row from the sources that it has.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples,)
            One prediction per row.
        """
        ...
    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return R^2 of the predictions.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.
        y : array-like of shape (n_samples,)
            True targets.
        tasks : None
            Not allowed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        float
            The score, 1 at best.
        """
        ...
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the models of all patterns of sources together.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples. A row has NaN in all columns of a source, or in none.
        y : array-like of shape (n_samples,)
            Targets, or labels of classes.
        tasks : None
            Not allowed: the tasks are the patterns of sources.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

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

class IncompleteSourcesClassifierCV(ClassifierMixin, BaseEstimator):
    """`IncompleteSourcesClassifier` with ``alpha`` chosen by cross-validation.

    Every pattern is in every training part; one with fewer rows than folds is always
    in training. A strength is judged by the mean over the patterns, weighted by
    ``task_weight``, of the held-out loss. In what follows a task is a pattern.

    Parameters
    ----------
    sources : array-like of shape (n_features,) or list of lists, default=None
        The source of each feature: one label (string or number) per column of X, or the
        columns of each source, by position or name, every column in exactly one. None
        takes columns that are missing in the same rows of X for a source.
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
    fit_intercept : bool, default=True
        Whether each pattern has an intercept, which is never penalised.
    task_weight : None, "n_samples", dict or array-like of shape (n_patterns,), default="n_samples"
        Weight lambda_p of each pattern's mean loss: proportional to the sum of its sample
        weights (mean 1), so that every row counts the same; None for 1 each; or given by
        the names in ``tasks_``, or in their order.
    handle_unknown : {"error", "subset"}, default="error"
        What to do when predicting for a row whose sources were not seen together in fit:
        raise an error that names them, or use the model of fewer sources, all of which the
        row has: of those with the most sources the one fitted on the most rows.
    solver : {"auto", "apg", "working_set", "prox_newton"}, default="auto"
        As for `L21Regressor`.
    max_iter : int, default=10000
        Iterations at most.
    tol : float, default=1e-4
        Stop when the duality gap is at most ``tol`` times the objective of the null model
        (no coefficients, best intercepts).
    warm_start : bool, default=False
        Start from the last solution, matched by pattern.
    verbose : int, default=0
        If positive, print a line at each certificate.

    Attributes
    ----------
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
    classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
        The class labels, over all tasks. A list for a wide Y, as scikit-learn has it for
        several outputs; its arrays are those of all tasks. Of more than two classes
        ``coef_`` is (n_tasks, n_classes, n_features) and ``intercept_`` (n_tasks,
        n_classes), NaN where a task has never shown a class, and without the first axis
        for one task (1-D y without tasks).
    patterns_ : ndarray of bool of shape (n_patterns, n_sources)
        The sources that each pattern has, the most complete first.
    sources_ : ndarray of shape (n_sources,)
        Labels of the sources, the columns of ``patterns_``; numbers for lists of
        columns, and where they were found in X.
    feature_source_ : ndarray of shape (n_features,)
        The source of each column of X, a position in ``sources_``.
    coef_ : ndarray of shape (n_patterns, n_features)
        Coefficients; zero for the sources that a pattern lacks.
    intercept_ : ndarray of shape (n_patterns,)
        Intercepts.
    tasks_ : ndarray of shape (n_patterns,)
        Names of the patterns, such as "mri+pet".
    task_weight_ : ndarray of shape (n_patterns,)
        Weight of each pattern's mean loss in the objective.
    objective_ : float
        The objective at the solution.
    dual_gap_ : float
        Duality gap: the objective is at most this far from the optimum.
    gap_history_ : ndarray of shape (n_certificates, 2)
        Iteration and duality gap at each certificate.
    tol_ : float
        The absolute tolerance used for the gap.
    converged_ : bool
        Whether ``dual_gap_ <= tol_``.
    n_iter_ : int
        Iterations.
    solver_ : str
        The solver used.
    n_features_in_ : int
        Number of columns of X in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of X, where they have names.

    See Also
    --------
    IncompleteSourcesClassifier : With a given ``alpha``; the objective and its symbols.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import IncompleteSourcesClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 5))
    >>> y = X[:, 0] > X[:, 3]
    >>> X[:30, :2] = np.nan
    >>> model = IncompleteSourcesClassifierCV(alphas=5).fit(X, y)
    >>> model.scores_path_.shape
    (5, 5)
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
    classes_: np.ndarray
    patterns_: np.ndarray
    sources_: np.ndarray
    feature_source_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray
    tasks_: np.ndarray
    task_weight_: np.ndarray
    objective_: float
    dual_gap_: float
    gap_history_: np.ndarray
    tol_: float
    converged_: bool
    n_iter_: int
    solver_: str
    n_features_in_: int
    feature_names_in_: np.ndarray
    def __init__(
        self,
        sources: Any = None,
        *,
        alphas: int | ArrayLike = 100,
        eps: float = 0.001,
        cv: Any = 5,
        criterion: Literal['aic', 'bic', 'gcv'] | None = None,
        selection: Literal['min', '1se'] = "min",
        scoring: str | Callable[..., Any] | None = None,
        scale_features: bool | Literal['auto'] = "auto",
        n_jobs: int | None = None,
        fit_intercept: bool = True,
        task_weight: Mapping[Any, float] | ArrayLike | None = "n_samples",
        handle_unknown: Literal['error', 'subset'] = "error",
        solver: str = "auto",
        max_iter: int = 10000,
        tol: float = 0.0001,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None: ...
    def decision_function(
        self,
        X: Any,
    ) -> np.ndarray:
        """Return the linear predictor, positive for ``classes_[1]``.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples,)
            One value per row.
        """
        ...
    def predict(
        self,
        X: Any,
    ) -> np.ndarray:
        """Predict the class of each row from the sources that it has.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        ...
    def predict_proba(
        self,
        X: Any,
    ) -> np.ndarray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            One column per class, in the order of ``classes_``.
        """
        ...
    def predict_log_proba(
        self,
        X: Any,
    ) -> np.ndarray:
        """Return the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            One column per class, in the order of ``classes_``.
        """
        ...
    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples; NaN for the sources that a row lacks.
        y : array-like of shape (n_samples,)
            True labels.
        tasks : None
            Not allowed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        float
            The score, 1 at best.
        """
        ...
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Fit the models of all patterns of sources together.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, n_features)
            Samples. A row has NaN in all columns of a source, or in none.
        y : array-like of shape (n_samples,)
            Targets, or labels of classes.
        tasks : None
            Not allowed: the tasks are the patterns of sources.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

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
