"""Classes that have an order: proportional odds in every task."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import KW_ONLY
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import entr, expit

from linmtl.data import MultiTaskData
from linmtl.data._canonical import far_intercept, lent
from linmtl.data._fit_input import FitInput
from linmtl.data._kinds import order_of
from linmtl.data._labels import some
from linmtl.data._tables import as_table
from linmtl.data._targets import (
    EncodedTargets,
    column_labels,
    encode_classes,
    missing_mask,
    read_labels,
    require_y,
)
from linmtl.data._warn import warn
from linmtl.datafits._make import Join
from linmtl.datafits._ordinal import OrdinalFit
from linmtl.estimators._answers import PredictsOrder
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._docs import estimator
from linmtl.estimators._generic import ChoosesPenalty
from linmtl.estimators._predictions import TaskClasses
from linmtl.losses import Logistic, Ordinal
from linmtl.losses._ordinal import NOT_LINEAR
from linmtl.model_selection._folds import fold_of_observations
from linmtl.model_selection._held_out import HeldOutClasses
from linmtl.penalties import L21, Penalty


def _with_cuts_beyond(
    cuts: np.ndarray, eta: np.ndarray, weight: np.ndarray, task_ptr: np.ndarray
) -> np.ndarray:
    """Return thresholds that are finite beyond the classes that a task has shown.

    By its own rows the best are infinite. They are as far from the next as in the other
    tasks on average, and at least so far that half a row more would be expected there
    (of a task with a single class, whose coefficients say nothing of its rows, if all
    were at their mean, as where two classes have no order).

    Parameters
    ----------
    cuts : ndarray of shape (n_tasks, n_classes - 1)
        Thresholds, infinite beyond the classes of the task.
    eta, weight : ndarray of shape (n_observations,)
        Linear predictors and sample weights, sorted by task.
    task_ptr : ndarray of int of shape (n_tasks + 1,)
        Where the tasks begin.
    """
    known = np.isfinite(cuts)
    both = known[:, 1:] & known[:, :-1]
    gaps = np.diff(np.where(known, cuts, 0.0), axis=1)
    total = np.where(both, gaps, 0.0).sum(axis=0)
    count = both.sum(axis=0)
    gap = np.divide(total, count, out=np.zeros(count.size), where=count > 0)
    out = cuts.copy()
    for t in np.flatnonzero(~known.all(axis=1)):
        rows = slice(task_ptr[t], task_ptr[t + 1])
        mine, own, shares = out[t], eta[rows], weight[rows]
        below, above = (np.flatnonzero(f(mine)) for f in (np.isneginf, np.isposinf))
        if below.size + above.size == mine.size:
            own = np.full(own.size, np.average(own, weights=shares))
        for k in below[::-1]:
            near = mine[k + 1] - gap[k] if k + 1 < mine.size else np.inf
            far = _rare(own, shares) if k == below[-1] else np.inf
            mine[k] = min(near, far)
        for k in above:
            near = mine[k - 1] + gap[k - 1] if k > 0 else -np.inf
            far = -_rare(-own, shares) if k == above[0] else -np.inf
            mine[k] = max(near, far)
    return out


def _rare(eta: np.ndarray, weight: np.ndarray) -> float:
    """Return the threshold below which half a row more would be expected."""
    eta, weight = eta[weight > 0], weight[weight > 0]
    n = weight.sum()
    away = float(far_intercept(np.array(-1.0), n))
    low, high = float(eta.min()) + away, float(eta.max()) + away

    def excess(cut: float) -> float:
        return float(weight @ expit(cut - eta)) / n - 0.5 / (n + 1.0)

    # of one predictor for all rows these are the threshold, to rounding
    if excess(low) >= 0 or excess(high) <= 0:
        return low
    root: Any = brentq(excess, low, high)
    return float(root)


@estimator
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
    {ordinal_parameters}
    {parameters}

    Attributes
    ----------
    {ordinal}
    {found}
    {attributes}

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

    penalty: Penalty | None = None
    _: KW_ONLY
    class_order: ArrayLike | None = None

    _losses = ("ordinal",)
    _classify = True
    _not_linear = NOT_LINEAR
    _lends = False
    _has_mean_model = False

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = True
        tags.classifier_tags.poor_score = True  # of classes without an order
        return tags

    def _make_penalty(self) -> Penalty:
        return L21(alpha=0.01) if self.penalty is None else self.penalty

    def _loss(self) -> Any:
        known = hasattr(self, "classes_")
        return Ordinal(self._all_classes.size if known else 2)

    def _join(self) -> Join:
        join = super()._join()
        if join is not Join.SUM:
            raise ValueError(
                f"{type(self).__name__}: task_weight='minimax' is not for ordered "
                "classes; pass 'null_loss'"
            )
        return join

    def _read_problem(self, *args, **options):
        name = type(self).__name__
        if self.handle_unknown != "error":
            raise ValueError(
                f"{name}: handle_unknown must be 'error': a task that was not seen has "
                "no thresholds"
            )
        if not self.fit_intercept:
            raise ValueError(
                f"{name}: fit_intercept must be True: classes that have an order have "
                "thresholds"
            )
        self._join()  # one that is not for this loss raises
        problem = super()._read_problem(*args, **options)
        if problem.objective.penalty.intercepts:
            raise ValueError(
                f"{name}: intercept_weight is for models with one intercept a task; "
                "drop it"
            )
        return problem

    def _read_fit(self, *args, **options) -> FitInput:
        given = super()._read_fit(*args, **options)
        shown = _class_weights(given.data, self._all_classes.size) > 0
        if not (shown.sum(axis=1) > 1).any():
            where = "the data" if given.layout == "single" else "every task"
            raise ValueError(
                f"y has only 1 class in {where} (labels of weight zero left out); a "
                "classifier needs two"
            )
        self._single = shown.sum(axis=1) == 1
        return given

    def _targets(self, X, y, tasks):
        require_y(self, y)
        y = list(y) if isinstance(y, Iterator) else as_table(y)
        columns, labels = column_labels(y), read_labels(y)
        codes, self.classes_, rank = self._encoded(labels, _order_of(y, columns))
        self.class_order_, self._place = self.classes_[rank], np.argsort(rank)
        if columns is not None:
            kind: Any = type(y)
            codes = kind(codes, columns=list(columns))
        loss = self._loss()
        return codes, EncodedTargets(loss), lambda data: _null_losses(data, loss)

    def _encoded(self, y, order) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return positions of labels in their order, NaN where missing.

        And the classes as sorted, and the positions among these of the ordered ones.
        """
        missing = missing_mask(y)
        codes = np.full(y.shape, np.nan)
        signs, classes = encode_classes(y, missing, several=True)
        codes[~missing] = (signs if classes.size > 2 else signs > 0)[~missing]
        given: Any = order if self.class_order is None else self.class_order
        labels, kept = _before_scikit_learn_encoded()
        given = kept if given is None else given
        if labels is not None and given is not None:
            named = np.asarray(given).ravel().tolist()
            if set(labels) <= set(named):  # the order of their numbers
                given = [labels.index(label) for label in named if label in labels]
        if given is None:
            self._warn_of_alphabet(classes.tolist())
            return codes, classes, np.arange(classes.size)
        given = np.atleast_1d(np.asarray(given))
        flat, given = given.ndim == 1, given.ravel().tolist()
        place = {label: k for k, label in enumerate(given)}
        lacking = [
            label for label in classes.tolist() if label not in place
        ] or not flat
        if lacking or len(place) < len(given):
            hint = ""
            if classes.tolist() == list(range(classes.size)):  # not passed by users
                hint = (
                    " (cross_val_predict of probabilities, with n_jobs or of a wide Y, "
                    "puts numbers in place of labels, their positions in sorted order: "
                    "order these)"
                )
            raise ValueError(
                f"{type(self).__name__}: class_order must name each class once, got "
                f"{some(given)} for the classes {some(classes)}{hint}"
            )
        rank = np.argsort([place[label] for label in classes.tolist()])
        codes[~missing] = np.argsort(rank)[codes[~missing].astype(int)]
        return codes, classes, rank

    def _warn_of_alphabet(self, classes: list[Any]) -> None:
        """Warn of words, whose order is hardly that of the alphabet; letters may be."""
        if len(classes) > 2 and any(isinstance(c, str) and len(c) > 1 for c in classes):
            warn(
                f"{type(self).__name__}: the classes are text, and taken in the order "
                f"of the alphabet, {some(classes)}; pass class_order= from the lowest "
                "to the highest, or an ordered categorical"
            )

    def _lent(self, given, W, b):
        """Return models of the tasks, and set the thresholds beyond their classes.

        A task with a single class takes the mean coefficients of the others, where the
        penalty gives it nothing.
        """
        alone, d = np.flatnonzero(self._single), len(W)
        if alone.size:
            still = np.zeros((alone.size, d))
            W, b = lent(W, b, alone, ~self._single, still, given.present)
        if not np.isfinite(self.thresholds_).all():
            data, eta = given.data, np.empty(given.data.y.size)
            data.design.predict(np.ascontiguousarray(W, dtype=float), eta)
            data.add_offset(eta)
            self.thresholds_ = _with_cuts_beyond(
                self.thresholds_, eta, given.sample_weight, data.task_ptr
            )
        return W, b

    def _store(self, problem, result):
        classes: Any = self.classes_
        super()._store(problem, result)
        if self._layout == "wide":
            classes = TaskClasses([classes] * len(self.tasks_))
        self.classes_ = classes
        self.coef_ = np.atleast_2d(self.coef_)
        self._several = self._all_classes.size > 2
        self.intercept_ = np.zeros(len(self.tasks_))  # thresholds take them up
        if not self._several:
            self.intercept_ -= self.thresholds_[:, 0]
        if self._single.any():
            warn(
                "these tasks have a single class: "
                f"{some(problem.given.tasks[self._single])}; they have no loss, and "
                "their models are those that the others have in common"
            )
        del self._single

    @property
    def fit_new_task(self) -> NoReturn:
        """A method of other estimators, which have one intercept a task."""
        raise AttributeError(
            f"{type(self).__name__} has no fit_new_task: a new task would need "
            "thresholds of its own"
        )


@estimator
class OrdinalClassifierCV(ChoosesPenalty, OrdinalClassifier):
    """`OrdinalClassifier` with its penalty's strength by cross-validation.

    {cv} A class that a task shows in a single fold is always in training.

    Parameters
    ----------
    {chosen_penalty}
    {ordinal_parameters}
    cv : int, splitter or iterable of (train, test), default=5
        Number of folds, drawn within the classes of each task as by ``TaskKFold(cv,
        shuffle=True, random_state=0)``; or the folds. Not "loo", which is for models
        with one intercept a task.
    criterion : None
        Classes that have an order have none.
    {cv_parameters}
    {parameters}

    Attributes
    ----------
    {chosen}
    {cv_attributes}
    {logistic_path}
    {ordinal}
    {found}
    {attributes}

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

    penalty: Penalty | None = None

    def _check_cv(self):
        super()._check_cv()
        if self._leaves_one_out or self.criterion is not None:
            raise ValueError(
                f"{type(self).__name__}: cv='loo' and criterion are for models with "
                "one intercept a task, not for thresholds; pass a number of folds"
            )

    def _folds(self, given, data):
        fold = fold_of_observations(given, data, self.cv, stratify=True)
        size = self._all_classes.size * len(given.tasks)
        group = given.code * self._all_classes.size + data.y.astype(int)
        for k in range(int(fold.max()) + 1):
            tested = fold == k
            kept = np.bincount(group, data.weight * ~tested, size)
            fold[tested & (kept[group] <= 0)] = -1  # it would have no threshold
        if fold.max() < 0:
            raise ValueError(
                f"{type(self).__name__}: cv holds out no row of a class that its task "
                "has in training, too; split the rows within the tasks, for example "
                "cv=5"
            )
        return fold

    def _labels(self, given, rows):
        return self.class_order_[given.labels(rows).astype(int)]

    def _answers(self, given, eta):
        eta = eta[..., self._place]
        if self._all_classes.size == 2:
            eta = eta[..., 1] - eta[..., 0]
        return HeldOutClasses(eta, Logistic(), self._all_classes)


def _order_of(y: Any, columns: np.ndarray | None) -> list[Any] | None:
    """Return the order of a categorical y, or of the columns of a wide one."""
    if columns is None:
        return order_of(y)
    orders = [order_of(y[name]) for name in y.columns]
    known = [order for order in orders if order is not None]
    if any(order != known[0] for order in known):
        raise ValueError(
            "the categories of y have several orders in its columns; pass class_order="
        )
    return known[0] if known else None


def _before_scikit_learn_encoded() -> tuple[list[Any] | None, list[Any] | None]:
    """Return labels that a caller put numbers in place of, and the order that they had.

    `cross_val_predict` of probabilities does so before it fits, and offers no hook.
    """
    frame: Any = sys._getframe()
    while frame is not None:
        name = frame.f_code.co_name, frame.f_globals.get("__name__")
        if name == ("cross_val_predict", "sklearn.model_selection._validation"):
            encoder = frame.f_locals.get("le")
            if encoder is None:
                return None, None
            passed = frame.f_back.f_locals  # of what checks the arguments
            given = inspect.signature(passed["func"]).bind(
                *passed["args"], **passed["kwargs"]
            )
            y = given.arguments.get("y")
            return encoder.classes_.tolist(), order_of(as_table(y))
        frame = frame.f_back
    return None, None


def _class_weights(data: MultiTaskData, n_classes: int) -> np.ndarray:
    """Return the weight of each class of each task, (n_tasks, n_classes)."""
    T = data.design.n_tasks
    task = np.repeat(np.arange(T), np.diff(data.task_ptr))
    code = task * n_classes + data.y.astype(int)
    return np.bincount(code, data.weight, T * n_classes).reshape(T, n_classes)


def _null_losses(data: MultiTaskData, loss: Ordinal) -> np.ndarray:
    """Return the mean loss of each task without coefficients."""
    if data.offset is not None:
        fit = OrdinalFit(data, loss)
        fit.loss_at(np.zeros((data.design.n_features, data.design.n_columns)))
        return fit.task_loss / data.total
    size = _class_weights(data, loss.n_classes)
    return entr(size / size.sum(axis=1, keepdims=True)).sum(axis=1)
