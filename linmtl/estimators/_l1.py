"""L1 estimators: lasso for each task (L1 penalty)."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._cv import CrossValidated
from linmtl.estimators._docs import document
from linmtl.penalties import L1, Penalty


@document
class L1Regressor(Regressor):
    """Regression with lasso for each task (L1 penalty).

    Features are selected for each task on its own, with one strength for all. Minimises
    over W (n_features, n_tasks) and b::

        sum_t lambda_t / S_t * sum_{{i in t}} s_i (y_i - x_i . w_t - b_t)^2 / 2
            + alpha * sum_jt |W_jt|

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength, >= 0.
    feature_weight : array-like of shape (n_features,), default=None
        Factor >= 0 on the strength for each column of ``coef_``; 0 leaves a feature
        unpenalised.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    L1Classifier : The same penalty for two classes.
    MultiTaskRegressor : Any penalty.

    References
    ----------
    Tibshirani (1996), Regression shrinkage and selection via the lasso.

    Examples
    --------
    >>> from linmtl import L1Regressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = L1Regressor().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        feature_weight: ArrayLike | None = None,
        positive: bool = False,
        fit_intercept: bool = True,
        task_weight: Any = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: str = "error",
        solver: str = "auto",
        max_iter: int = 10_000,
        tol: float = 1e-4,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        super().__init__(
            fit_intercept=fit_intercept,
            task_weight=task_weight,
            task_column=task_column,
            task_order=task_order,
            handle_unknown=handle_unknown,
            solver=solver,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.alpha = alpha
        self.feature_weight = feature_weight
        self.positive = positive

    def _make_penalty(self) -> Penalty:
        return L1(
            self.alpha, feature_weight=self.feature_weight, positive=self.positive
        )


@document
class L1Classifier(Classifier):
    """Logistic regression with lasso for each task (L1 penalty).

    Features are selected for each task on its own, with one strength for all. Minimises
    over W (n_features, n_tasks) and b::

        sum_t lambda_t / S_t * sum_{{i in t}} s_i log(1 + exp(-y_i (x_i . w_t + b_t)))
            + alpha * sum_jt |W_jt|

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.
    y_i is +1 for ``classes_[1]`` and -1 for ``classes_[0]``.

    Parameters
    ----------
    alpha : float, default=0.01
        Strength, >= 0.
    feature_weight : array-like of shape (n_features,), default=None
        Factor >= 0 on the strength for each column of ``coef_``; 0 leaves a feature
        unpenalised.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The class labels, over all tasks.
    {attributes}

    See Also
    --------
    L1Regressor : The same penalty for regression.
    MultiTaskClassifier : Any penalty.

    References
    ----------
    Tibshirani (1996), Regression shrinkage and selection via the lasso.

    Examples
    --------
    >>> from linmtl import L1Classifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = L1Classifier().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    def __init__(
        self,
        alpha: float = 0.01,
        *,
        feature_weight: ArrayLike | None = None,
        positive: bool = False,
        fit_intercept: bool = True,
        task_weight: Any = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: str = "error",
        solver: str = "auto",
        max_iter: int = 10_000,
        tol: float = 1e-4,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        super().__init__(
            fit_intercept=fit_intercept,
            task_weight=task_weight,
            task_column=task_column,
            task_order=task_order,
            handle_unknown=handle_unknown,
            solver=solver,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.alpha = alpha
        self.feature_weight = feature_weight
        self.positive = positive

    def _make_penalty(self) -> Penalty:
        return L1(
            self.alpha, feature_weight=self.feature_weight, positive=self.positive
        )


@document
class L1RegressorCV(CrossValidated, Regressor):
    """`L1Regressor` with ``alpha`` chosen by cross-validation.

    Every task is in every training part; a task with fewer rows than folds is always
    in training. A strength is judged by the mean over the tasks, weighted by
    ``task_weight``, of the held-out loss.

    Parameters
    ----------
    alphas : int or array-like, default=100
        Number of strengths to try, or the strengths.
    eps : float, default=1e-3
        The smallest strength as a fraction of the largest, with a number of alphas.
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the tasks as by ``TaskKFold(cv, shuffle=True,
        random_state=0)`` (stratified by class for classifiers); or the folds.
    selection : {{"min", "1se"}}, default="min"
        The strength with the lowest held-out loss, or the strongest within one
        standard error of it.
    n_jobs : int, default=None
        Folds fitted at the same time.
    feature_weight : array-like of shape (n_features,), default=None
        Factor >= 0 on the strength for each column of ``coef_``; 0 leaves a feature
        unpenalised.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.
    {parameters}

    Attributes
    ----------
    alpha_ : float
        The strength chosen.
    alphas_ : ndarray of shape (n_alphas,)
        The strengths tried, decreasing.
    best_params_ : dict
        All parameters of the penalty that were chosen.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Held-out mean squared error, averaged over the tasks.
    task_mse_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
        The same for each task; NaN where it has nothing held out.
    {attributes}

    See Also
    --------
    L1Regressor : With a given ``alpha``.

    Examples
    --------
    >>> from linmtl import L1RegressorCV
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = L1RegressorCV(alphas=10).fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    def __init__(
        self,
        *,
        alphas: int | ArrayLike = 100,
        eps: float = 1e-3,
        cv: Any = 5,
        selection: str = "min",
        n_jobs: int | None = None,
        feature_weight: ArrayLike | None = None,
        positive: bool = False,
        fit_intercept: bool = True,
        task_weight: Any = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: str = "error",
        solver: str = "auto",
        max_iter: int = 10_000,
        tol: float = 1e-4,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        super().__init__(
            fit_intercept=fit_intercept,
            task_weight=task_weight,
            task_column=task_column,
            task_order=task_order,
            handle_unknown=handle_unknown,
            solver=solver,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.alphas = alphas
        self.eps = eps
        self.cv = cv
        self.selection = selection
        self.n_jobs = n_jobs
        self.feature_weight = feature_weight
        self.positive = positive

    def _penalty_at(self, setting: dict[str, Any], alpha: float) -> Penalty:
        return L1(alpha, feature_weight=self.feature_weight, positive=self.positive)


@document
class L1ClassifierCV(CrossValidated, Classifier):
    """`L1Classifier` with ``alpha`` chosen by cross-validation.

    Every task is in every training part; a task with fewer rows than folds is always
    in training. A strength is judged by the mean over the tasks, weighted by
    ``task_weight``, of the held-out loss.

    Parameters
    ----------
    alphas : int or array-like, default=100
        Number of strengths to try, or the strengths.
    eps : float, default=1e-3
        The smallest strength as a fraction of the largest, with a number of alphas.
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the tasks as by ``TaskKFold(cv, shuffle=True,
        random_state=0)`` (stratified by class for classifiers); or the folds.
    selection : {{"min", "1se"}}, default="min"
        The strength with the lowest held-out loss, or the strongest within one
        standard error of it.
    n_jobs : int, default=None
        Folds fitted at the same time.
    feature_weight : array-like of shape (n_features,), default=None
        Factor >= 0 on the strength for each column of ``coef_``; 0 leaves a feature
        unpenalised.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.
    {parameters}

    Attributes
    ----------
    alpha_ : float
        The strength chosen.
    alphas_ : ndarray of shape (n_alphas,)
        The strengths tried, decreasing.
    best_params_ : dict
        All parameters of the penalty that were chosen.
    scores_path_ : ndarray of shape (n_alphas, n_folds)
        Held-out mean log-likelihood, averaged over the tasks.
    task_scores_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
        The same for each task; NaN where it has nothing held out.
    classes_ : ndarray of shape (2,)
        The class labels, over all tasks.
    {attributes}

    See Also
    --------
    L1Classifier : With a given ``alpha``.

    Examples
    --------
    >>> from linmtl import L1ClassifierCV
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = L1ClassifierCV(alphas=10).fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    def __init__(
        self,
        *,
        alphas: int | ArrayLike = 100,
        eps: float = 1e-3,
        cv: Any = 5,
        selection: str = "min",
        n_jobs: int | None = None,
        feature_weight: ArrayLike | None = None,
        positive: bool = False,
        fit_intercept: bool = True,
        task_weight: Any = None,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: str = "error",
        solver: str = "auto",
        max_iter: int = 10_000,
        tol: float = 1e-4,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        super().__init__(
            fit_intercept=fit_intercept,
            task_weight=task_weight,
            task_column=task_column,
            task_order=task_order,
            handle_unknown=handle_unknown,
            solver=solver,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.alphas = alphas
        self.eps = eps
        self.cv = cv
        self.selection = selection
        self.n_jobs = n_jobs
        self.feature_weight = feature_weight
        self.positive = positive

    def _penalty_at(self, setting: dict[str, Any], alpha: float) -> Penalty:
        return L1(alpha, feature_weight=self.feature_weight, positive=self.positive)
