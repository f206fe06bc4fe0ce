"""The generic estimators: any penalty of `linmtl.penalties`."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import clone

from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._cv import CrossValidated
from linmtl.estimators._docs import document
from linmtl.penalties import L21, Penalty
from linmtl.solvers._path import with_strength


@document
class MultiTaskRegressor(Regressor):
    """Multi-task linear regression with any penalty.

    Minimises over W (n_features, n_tasks) and the intercepts b::

        sum_t lambda_t / S_t * sum_{{i in t}} s_i (y_i - x_i . w_t - b_t)^2 / 2
            + penalty(W)

    with sample weights s_i, their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for
        ``L21(alpha=0.01)``.
    loss : {{"squared"}}, default="squared"
        The loss.
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    L21Regressor, TraceNormRegressor, MeanRegularizedRegressor : One penalty each.

    Examples
    --------
    >>> from linmtl import MultiTaskRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.penalties import L21, Ridge
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = MultiTaskRegressor(L21(0.1) + Ridge(0.01)).fit(X, y, tasks)
    >>> bool(model.dual_gap_ <= model.tol_)
    True
    """

    def __init__(
        self,
        penalty: Penalty | None = None,
        *,
        loss: str = "squared",
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
        self.penalty = penalty
        self.loss = loss

    def _make_penalty(self) -> Penalty:
        return L21(alpha=0.01) if self.penalty is None else self.penalty


@document
class MultiTaskClassifier(Classifier):
    """Multi-task logistic regression (two classes) with any penalty.

    Minimises over W (n_features, n_tasks) and the intercepts b::

        sum_t lambda_t / S_t * sum_{{i in t}} s_i log(1 + exp(-y_i (x_i . w_t + b_t)))
            + penalty(W)

    with y_i = +1 for ``classes_[1]`` and -1 for ``classes_[0]``, sample weights s_i,
    their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for
        ``L21(alpha=0.01)``.
    loss : {{"logistic"}}, default="logistic"
        The loss.
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The class labels, over all tasks.
    {attributes}

    See Also
    --------
    L21Classifier, TraceNormClassifier, MeanRegularizedClassifier : One penalty each.

    Notes
    -----
    A task in which one class only occurs has no finite optimum for its intercept: it
    is left out of the loss with a warning, its coefficients are what the penalty gives
    it, and it predicts its class.

    Examples
    --------
    >>> from linmtl import MultiTaskClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> from linmtl.penalties import TraceNorm
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = MultiTaskClassifier(TraceNorm(0.02)).fit(X, y, tasks)
    >>> model.predict_proba(X, tasks).shape
    (500, 2)
    """

    def __init__(
        self,
        penalty: Penalty | None = None,
        *,
        loss: str = "logistic",
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
        self.penalty = penalty
        self.loss = loss

    def _make_penalty(self) -> Penalty:
        return L21(alpha=0.01) if self.penalty is None else self.penalty


@document
class MultiTaskRegressorCV(CrossValidated, Regressor):
    """`MultiTaskRegressor` with its penalty's strength by cross-validation.

    Every task is in every training part; a task with fewer rows than folds is always
    in training. A setting is judged by the mean over the tasks, weighted by
    ``task_weight``, of the held-out loss.

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for ``L21()``. Its
        ``alpha`` is chosen; in a sum, a factor on all strengths.
    param_grid : dict or list of dict, default=None
        Values to try for other parameters of the penalty, such as
        ``{{"alpha_mean": [0, 0.01]}}`` or ``{{"first__alpha": [0.1, 1, 10]}}`` (the
        ratio, in a sum). The arrays below then have a leading axis for them.
    alphas : int or array-like, default=100
        Number of strengths to try, or the strengths (of a sum: factors).
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
    loss : {{"squared"}}, default="squared"
        The loss.
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
    MultiTaskRegressor : With a given penalty.

    Examples
    --------
    >>> from linmtl import MultiTaskRegressorCV
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.penalties import L21, Ridge
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = MultiTaskRegressorCV(L21() + Ridge(0.1), alphas=5).fit(X, y, tasks)
    >>> model.mse_path_.shape
    (5, 5)
    """

    def __init__(
        self,
        penalty: Penalty | None = None,
        *,
        param_grid: dict[str, Any] | list[dict[str, Any]] | None = None,
        alphas: int | ArrayLike = 100,
        eps: float = 1e-3,
        cv: Any = 5,
        selection: str = "min",
        n_jobs: int | None = None,
        loss: str = "squared",
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
        self.penalty = penalty
        self.param_grid = param_grid
        self.alphas = alphas
        self.eps = eps
        self.cv = cv
        self.selection = selection
        self.n_jobs = n_jobs
        self.loss = loss

    def _penalty_at(self, setting: dict[str, Any], alpha: float) -> Penalty:
        penalty = L21() if self.penalty is None else clone(self.penalty)
        return with_strength(penalty.set_params(**setting), alpha)


@document
class MultiTaskClassifierCV(CrossValidated, Classifier):
    """`MultiTaskClassifier` with its penalty's strength by cross-validation.

    Every task is in every training part; a task with fewer rows than folds is always
    in training. A setting is judged by the mean over the tasks, weighted by
    ``task_weight``, of the held-out loss.

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for ``L21()``. Its
        ``alpha`` is chosen; in a sum, a factor on all strengths.
    param_grid : dict or list of dict, default=None
        Values to try for other parameters of the penalty, such as
        ``{{"alpha_mean": [0, 0.01]}}`` or ``{{"first__alpha": [0.1, 1, 10]}}`` (the
        ratio, in a sum). The arrays below then have a leading axis for them.
    alphas : int or array-like, default=100
        Number of strengths to try, or the strengths (of a sum: factors).
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
    loss : {{"logistic"}}, default="logistic"
        The loss.
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
    MultiTaskClassifier : With a given penalty.

    Examples
    --------
    >>> from linmtl import MultiTaskClassifierCV
    >>> from linmtl.datasets import make_multitask_classification
    >>> from linmtl.penalties import L21, Ridge
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = MultiTaskClassifierCV(L21() + Ridge(0.1), alphas=5).fit(X, y, tasks)
    >>> model.scores_path_.shape
    (5, 5)
    """

    def __init__(
        self,
        penalty: Penalty | None = None,
        *,
        param_grid: dict[str, Any] | list[dict[str, Any]] | None = None,
        alphas: int | ArrayLike = 100,
        eps: float = 1e-3,
        cv: Any = 5,
        selection: str = "min",
        n_jobs: int | None = None,
        loss: str = "logistic",
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
        self.penalty = penalty
        self.param_grid = param_grid
        self.alphas = alphas
        self.eps = eps
        self.cv = cv
        self.selection = selection
        self.n_jobs = n_jobs
        self.loss = loss

    def _penalty_at(self, setting: dict[str, Any], alpha: float) -> Penalty:
        penalty = L21() if self.penalty is None else clone(self.penalty)
        return with_strength(penalty.set_params(**setting), alpha)
