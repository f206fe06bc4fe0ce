"""Times to an event: Cox's proportional hazards in every task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from sklearn.base import RegressorMixin

from linmtl.data._labels import some
from linmtl.data._survival import read_times
from linmtl.data._tables import as_table
from linmtl.data._targets import require_y
from linmtl.data._warn import warn
from linmtl.datafits._make import Join
from linmtl.datafits._null import null_losses
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._docs import estimator
from linmtl.estimators._generic import ChoosesPenalty
from linmtl.estimators._hazards import PredictsHazards, baselines
from linmtl.losses import Cox, RiskSets
from linmtl.losses._cox import NOT_OF_ROWS
from linmtl.metrics import concordance_index
from linmtl.model_selection._folds import fold_of_observations
from linmtl.penalties import L21, Penalty


@estimator
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
    {parameters}

    Attributes
    ----------
    {found}
    {attributes}

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

    penalty: Penalty | None = None

    _losses = ("cox",)
    _not_linear = NOT_OF_ROWS
    _metric = staticmethod(concordance_index)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # of targets that are no times
        return tags

    def _make_penalty(self) -> Penalty:
        return L21(alpha=0.01) if self.penalty is None else self.penalty

    def _loss(self) -> Any:
        return Cox(0 if self._times is None else self._times.span)

    def _join(self) -> Join:
        join = super()._join()
        if join is not Join.SUM:
            raise ValueError(
                f"{type(self).__name__}: task_weight='minimax' is not for times to an "
                "event; pass 'null_loss'"
            )
        return join

    def _read_problem(self, *args, **options):
        name = type(self).__name__
        if not self.fit_intercept:
            raise ValueError(
                f"{name}: fit_intercept must be True: a model of times to an event has "
                "the baseline hazard of each task in place of an intercept"
            )
        problem = super()._read_problem(*args, **options)
        if problem.objective.penalty.intercepts:
            raise ValueError(
                f"{name}: intercept_weight is for models with intercepts; drop it"
            )
        return problem

    def _targets(self, X, y, tasks):
        require_y(self, y)
        y = list(y) if isinstance(y, Iterator) else as_table(y)
        self._times = None
        if getattr(getattr(y, "dtype", None), "names", None):
            self._times = read_times(np.asarray(y))
            y = self._times.codes
        elif hasattr(y, "__array__") and _has_events(np.asarray(y)):
            raise ValueError(
                f"{type(self).__name__}: y says whether events were seen, and not as a "
                "part of times; pass survival_target(time, event)"
            )
        loss = self._loss()
        self._join()
        return y, loss, lambda data: null_losses(data, loss)

    def _read_fit(self, *args, **options):
        given = super()._read_fit(*args, **options)
        data = given.data
        events = data.task_sum(((data.weight > 0) & ~(data.y < 0)).astype(float))
        if not events.any():
            raise ValueError(
                "y has no event: all times are negative (or their events false), which "
                "stands for the end of observation before it"
            )
        if not events.all():
            warn(
                f"these tasks have no event: {some(given.tasks[events == 0])}; their "
                "coefficients are what the penalty gives them"
            )
        return given

    def _lent(self, given, W, b):
        """Return the models, and keep the baseline hazards."""
        data = given.data
        eta = np.empty(data.y.size)
        data.design.predict(np.ascontiguousarray(W, dtype=float), eta)
        data.add_offset(eta)
        sets = RiskSets(self._loss(), data.y, data.weight, data.task_ptr)
        sets.residuals(eta)
        self._baselines = baselines(sets, data.y, self._times)
        return W, b

    def _store(self, problem, result):
        super()._store(problem, result)
        self.intercept_ = np.zeros_like(self.intercept_)[()]

    @property
    def fit_new_task(self) -> NoReturn:
        """A method of other estimators, which have one intercept a task."""
        raise AttributeError(
            f"{type(self).__name__} has no fit_new_task: a new task would need a "
            "baseline hazard of its own"
        )


@estimator
class CoxRegressorCV(ChoosesPenalty, CoxRegressor):
    """`CoxRegressor` with its penalty's strength by cross-validation.

    {cv} What is held out is judged by the partial likelihood of all rows less that of
    the training part (Verweij and van Houwelingen), so that few events a fold will do.

    Parameters
    ----------
    {chosen_penalty}
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
    {cv_parameters}
    {parameters}

    Attributes
    ----------
    {chosen}
    {cv_attributes}
    scores_path_ : ndarray of shape (n_alphas, n_folds)
        Held-out partial log-likelihood a row, averaged over the tasks; with
        ``scoring``, the scores, in a single fold.
    task_scores_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
        The same for each task; NaN where it has nothing held out.
    {found}
    {attributes}

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

    penalty: Penalty | None = None

    def _check_cv(self):
        super()._check_cv()
        if self._leaves_one_out or self.criterion is not None:
            raise ValueError(
                f"{type(self).__name__}: cv='loo' and criterion are for losses of one "
                "row, not for times to an event; pass a number of folds"
            )

    def _folds(self, given, data):
        of_events = replace(data, y=np.where(data.y < 0, -1.0, 1.0))
        return fold_of_observations(given, of_events, self.cv, stratify=True)


def _has_events(y: np.ndarray) -> bool:
    """Whether y, or the second of two columns, is true or false, as times are not."""
    pair = y.shape[1:] == (2,) and np.isin(y[:, 1], [0, 1]).all()
    return bool(y.dtype.kind == "b" or pair)
