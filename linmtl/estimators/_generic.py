"""The generic estimators: any penalty of `linmtl.penalties`."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from linmtl.estimators._base import Classifier, Regressor
from linmtl.estimators._cv import CrossValidated
from linmtl.estimators._docs import estimator, parameters
from linmtl.estimators._refit import Refitted
from linmtl.penalties import L21, Penalty
from linmtl.solvers._path import with_strength


@estimator
class MultiTaskRegressor(Refitted, Regressor):
    """Multi-task linear regression with any penalty.

    Minimises over W (n_features, n_tasks) and the intercepts b::

        {squared}
            + penalty(W)

    {squared_symbols}

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for
        ``L21(alpha=0.01)``.
    {parameters}

    Attributes
    ----------
    noise_ : ndarray of shape (n_tasks,)
        Root mean squared residual of each task; only with ``loss="sqrt"``.
    {found}
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

    penalty: Penalty | None = None

    _losses = (*Regressor._losses, "sqrt")

    def _make_penalty(self) -> Penalty:
        return L21(alpha=0.01) if self.penalty is None else self.penalty


@estimator
class MultiTaskClassifier(Refitted, Classifier):
    """Multi-task logistic regression with any penalty.

    Minimises over W (n_features, n_tasks) and the intercepts b::

        {logistic}
            + penalty(W)

    with y_i = +1 for the second class and -1 for the first, sample weights s_i,
    their sum S_t over task t, and task weights lambda_t.

    Parameters
    ----------
    penalty : Penalty, default=None
        A penalty of `linmtl.penalties` or a sum of them; None stands for
        ``L21(alpha=0.01)``.
    {parameters}

    Attributes
    ----------
    {classes}
    {found}
    {attributes}

    See Also
    --------
    L21Classifier, TraceNormClassifier, MeanRegularizedClassifier : One penalty each.

    Notes
    -----
    A task in which one class only occurs has no finite optimum for its intercept: it
    is left out of the loss with a warning. Its coefficients are what the penalty gives
    it or, where that is nothing, the mean of the others': ``objective_`` is without
    them. At the mean of its rows its log-odds are those of half a sample of the other
    class.

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

    penalty: Penalty | None = None

    def _make_penalty(self) -> Penalty:
        return L21(alpha=0.01) if self.penalty is None else self.penalty


@parameters
class ChoosesPenalty(CrossValidated):
    """Mixin: the strength of any penalty, and other parameters of it, are chosen."""

    penalty: Penalty | None = None
    param_grid: dict[str, Any] | list[dict[str, Any]] | None = None

    def _penalty_at(self, setting: dict[str, Any], alpha: float) -> Penalty:
        penalty: Any = L21() if self.penalty is None else clone(self.penalty)
        return with_strength(penalty.set_params(**setting), alpha)

    def _choose(self, curves, bound):
        setting = super()._choose(curves, bound)
        self.penalty_ = self._penalty_at(setting, self.alpha_)
        return setting


@estimator
class MultiTaskRegressorCV(Refitted, ChoosesPenalty, Regressor):
    """`MultiTaskRegressor` with its penalty's strength by cross-validation.

    {cv}

    Parameters
    ----------
    {chosen_penalty}
    {cv_parameters}
    {parameters}

    Attributes
    ----------
    {chosen}
    noise_ : ndarray of shape (n_tasks,)
        Root mean squared residual of each task; only with ``loss="sqrt"``, which has
        ``rmse_path_`` and ``task_rmse_path_`` in place of the next two.
    {cv_attributes}
    {squared_path}
    {found}
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

    penalty: Penalty | None = None

    _losses = (*Regressor._losses, "sqrt")


@estimator
class MultiTaskClassifierCV(Refitted, ChoosesPenalty, Classifier):
    """`MultiTaskClassifier` with its penalty's strength by cross-validation.

    {cv}

    Parameters
    ----------
    {chosen_penalty}
    {cv_parameters}
    {parameters}

    Attributes
    ----------
    {chosen}
    {cv_attributes}
    {logistic_path}
    {classes}
    {found}
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

    penalty: Penalty | None = None
