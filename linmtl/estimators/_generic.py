"""The generic estimators: any penalty of `linmtl.penalties`."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._docs import document
from linmtl.penalties import L21, Penalty


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
