"""GraphRegularized estimators: tasks drawn to their neighbours in a graph."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._cv import CrossValidated
from linmtl.estimators._docs import document
from linmtl.penalties import GraphLaplacian, Penalty, Ridge


@document
class GraphRegularizedRegressor(Regressor):
    """Regression with tasks drawn to their neighbours in a graph.

    Tasks joined by an edge of the graph share their coefficients. Minimises over W
    (n_features, n_tasks) and b::

        sum_t lambda_t / S_t * sum_{{i in t}} s_i (y_i - x_i . w_t - b_t)^2 / 2
            + alpha / 2 * 1/2 sum_ij a_ij ||w_i - w_j||^2 + alpha_ridge / 2 * ||W||_F^2

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    graph : array-like or sparse matrix of shape (n_tasks, n_tasks), DataFrame, \
networkx graph or None, default=None
        Symmetric adjacency a_ij >= 0, in the order of ``tasks_`` or by task label; None
        is the complete graph with weights 1 / n_tasks.
    alpha : float, default=1.0
        Strength of the graph, >= 0.
    alpha_ridge : float, default=1e-3
        Strength of the ridge penalty, >= 0.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    GraphRegularizedClassifier : The same penalty for two classes.
    MultiTaskRegressor : Any penalty.

    References
    ----------
    Evgeniou, Micchelli, Pontil (2005), Learning multiple tasks with kernel methods.

    Examples
    --------
    >>> from linmtl import GraphRegularizedRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = GraphRegularizedRegressor().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    def __init__(
        self,
        graph: Any = None,
        alpha: float = 1.0,
        alpha_ridge: float = 1e-3,
        *,
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
        self.graph = graph
        self.alpha = alpha
        self.alpha_ridge = alpha_ridge

    def _make_penalty(self) -> Penalty:
        return GraphLaplacian(self.graph, self.alpha) + Ridge(self.alpha_ridge)


@document
class GraphRegularizedClassifier(Classifier):
    """Logistic regression with tasks drawn to their neighbours in a graph.

    Tasks joined by an edge of the graph share their coefficients. Minimises over W
    (n_features, n_tasks) and b::

        sum_t lambda_t / S_t * sum_{{i in t}} s_i log(1 + exp(-y_i (x_i . w_t + b_t)))
            + alpha / 2 * 1/2 sum_ij a_ij ||w_i - w_j||^2 + alpha_ridge / 2 * ||W||_F^2

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.
    y_i is +1 for ``classes_[1]`` and -1 for ``classes_[0]``.

    Parameters
    ----------
    graph : array-like or sparse matrix of shape (n_tasks, n_tasks), DataFrame, \
networkx graph or None, default=None
        Symmetric adjacency a_ij >= 0, in the order of ``tasks_`` or by task label; None
        is the complete graph with weights 1 / n_tasks.
    alpha : float, default=0.1
        Strength of the graph, >= 0.
    alpha_ridge : float, default=1e-3
        Strength of the ridge penalty, >= 0.
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The class labels, over all tasks.
    {attributes}

    See Also
    --------
    GraphRegularizedRegressor : The same penalty for regression.
    MultiTaskClassifier : Any penalty.

    References
    ----------
    Evgeniou, Micchelli, Pontil (2005), Learning multiple tasks with kernel methods.

    Examples
    --------
    >>> from linmtl import GraphRegularizedClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = GraphRegularizedClassifier().fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    def __init__(
        self,
        graph: Any = None,
        alpha: float = 0.1,
        alpha_ridge: float = 1e-3,
        *,
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
        self.graph = graph
        self.alpha = alpha
        self.alpha_ridge = alpha_ridge

    def _make_penalty(self) -> Penalty:
        return GraphLaplacian(self.graph, self.alpha) + Ridge(self.alpha_ridge)


@document
class GraphRegularizedRegressorCV(CrossValidated, Regressor):
    """`GraphRegularizedRegressor` with ``alpha`` chosen by cross-validation.

    Every task is in every training part; a task with fewer rows than folds is always
    in training. A strength is judged by the mean over the tasks, weighted by
    ``task_weight``, of the held-out loss.

    With several values of ``alpha_ridge`` the arrays below have a leading axis for
    them.

    Parameters
    ----------
    graph : array-like or sparse matrix of shape (n_tasks, n_tasks), DataFrame, \
networkx graph or None, default=None
        Symmetric adjacency, as for `GraphRegularizedRegressor`.
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
    alpha_ridge : float or array-like, default=1e-3
        Strength of the ridge penalty, or the values to try.
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
    GraphRegularizedRegressor : With a given ``alpha``.

    Examples
    --------
    >>> from linmtl import GraphRegularizedRegressorCV
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = GraphRegularizedRegressorCV(alphas=10).fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    _second = "alpha_ridge"

    def __init__(
        self,
        graph: Any = None,
        *,
        alphas: int | ArrayLike = 100,
        eps: float = 1e-3,
        cv: Any = 5,
        selection: str = "min",
        n_jobs: int | None = None,
        alpha_ridge: float | ArrayLike = 1e-3,
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
        self.graph = graph
        self.alpha_ridge = alpha_ridge

    def _penalty_at(self, setting: dict[str, Any], alpha: float) -> Penalty:
        return GraphLaplacian(self.graph, alpha) + Ridge(setting["alpha_ridge"])


@document
class GraphRegularizedClassifierCV(CrossValidated, Classifier):
    """`GraphRegularizedClassifier` with ``alpha`` chosen by cross-validation.

    Every task is in every training part; a task with fewer rows than folds is always
    in training. A strength is judged by the mean over the tasks, weighted by
    ``task_weight``, of the held-out loss.

    With several values of ``alpha_ridge`` the arrays below have a leading axis for
    them.

    Parameters
    ----------
    graph : array-like or sparse matrix of shape (n_tasks, n_tasks), DataFrame, \
networkx graph or None, default=None
        Symmetric adjacency, as for `GraphRegularizedClassifier`.
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
    alpha_ridge : float or array-like, default=1e-3
        Strength of the ridge penalty, or the values to try.
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
    GraphRegularizedClassifier : With a given ``alpha``.

    Examples
    --------
    >>> from linmtl import GraphRegularizedClassifierCV
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = GraphRegularizedClassifierCV(alphas=10).fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    _second = "alpha_ridge"

    def __init__(
        self,
        graph: Any = None,
        *,
        alphas: int | ArrayLike = 100,
        eps: float = 1e-3,
        cv: Any = 5,
        selection: str = "min",
        n_jobs: int | None = None,
        alpha_ridge: float | ArrayLike = 1e-3,
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
        self.graph = graph
        self.alpha_ridge = alpha_ridge

    def _penalty_at(self, setting: dict[str, Any], alpha: float) -> Penalty:
        return GraphLaplacian(self.graph, alpha) + Ridge(setting["alpha_ridge"])
