"""Which tasks does sharing help, and which does it hurt?"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state

from linmtl.data._checks import (
    check_choice,
    check_count,
    check_number,
    is_number,
    is_whole,
)
from linmtl.data._labels import one_line, some
from linmtl.estimators._by_loss import loss_of
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._independent import IndependentClassifier, IndependentRegressor
from linmtl.estimators._pooled import PooledClassifierCV, PooledRegressorCV
from linmtl.estimators._task_model import TaskModel
from linmtl.model_selection._held_out import mean_over_folds
from linmtl.model_selection._jobs import run_jobs
from linmtl.penalties import L21
from linmtl.transfer._paired import (
    VERDICTS,
    PairedDifferences,
    compare_losses,
    compare_rows,
)
from linmtl.transfer._rows import Rows

if TYPE_CHECKING:
    import pandas as pd

BASELINES = ("alone", "pooled")
METHODS = ("clt", "resampled_t")
_FOLDS, _REPEATS = 5, 4
_SPLITS = 30  # random ones
_LEAST_TRAINED = 0.6  # part of the rows, where the spread of the rows says enough
_POOLED_ALPHAS = 13  # as many as a task alone tries
_ZERO_STRENGTH = 1e15  # leaves no coefficient
_MAX_USELESS_SAVING = 0.01  # median saving against the tasks' levels that is none


@dataclass(eq=False, repr=False)
class NegativeTransferReport:
    """What :func:`negative_transfer_report` finds.

    Parameters
    ----------
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    n_samples : ndarray of shape (n_tasks,)
        Observed labels of each task.
    model : str
        The estimator.
    loss : str
        What is compared: "mean squared error", "log loss" or that of another loss.
    losses : dict of ndarray of shape (n_splits, n_tasks)
        Held-out losses by model: "model", "alone" and "pooled", and "levels": of each
        task's level, without any feature.
    mean_losses : dict of ndarray of shape (n_tasks,)
        Their means, over rows or (``method="resampled_t"``) over splits.
    alone, pooled : PairedDifferences
        Against learning every task alone, and against one model for all.
    level : float
        The false discovery rate of the verdicts; intervals have the level 1 - this.
    method : str
        "clt" or "resampled_t".
    margin : float
        The largest effect that does not matter.
    trained : float
        The part of a task's rows in training, on average over splits and tasks.
    """

    tasks: np.ndarray
    n_samples: np.ndarray
    model: str
    loss: str
    losses: dict[str, np.ndarray]
    mean_losses: dict[str, np.ndarray]
    alone: PairedDifferences
    pooled: PairedDifferences
    level: float
    method: str
    margin: float
    trained: float

    def __repr__(self) -> str:
        return (
            f"<NegativeTransferReport: {self.model} on {len(self.tasks)} tasks, "
            f"{self.alone.counts()}>"
        )

    @property
    def verdict(self) -> np.ndarray:
        """Verdict of each task against learning alone."""
        return self.alone.verdict

    @property
    def answer(self) -> str:
        """Whether sharing helps on the whole, in one sentence."""
        effect = self._effects()
        median, overall = "", ""
        if np.isfinite(np.median(effect)):
            median = f", median saving {100 * np.median(effect):+.1f} %"
        if not np.isnan(self.overall_p_value):
            overall = f", signed-rank test over tasks p = {self.overall_p_value:.2g}"
        return (
            f"{self._whole(effect)}: the {self.loss} is lower in {np.sum(effect > 0)} "
            f"of {effect.size} tasks{median}{overall}."
        )

    def _whole(self, effect: np.ndarray) -> str:
        helped, hurt, equivalent = (self.alone.count(word) for word in VERDICTS[:3])
        if self.overall_p_value <= self.level and np.median(effect) != 0:
            does, others, number = "helps", "hurts", hurt
            if np.median(effect) < 0:
                does, others, number = "hurts", "helps", helped
            but = f", and {others} {number} task{'s' * (number > 1)}" if number else ""
            return f"Sharing {does} on the whole{but}"
        if helped and hurt:
            return "Sharing helps some tasks and hurts others"
        if helped or hurt:
            return f"Sharing {'helps' if helped else 'hurts'} some tasks"
        if 2 * equivalent > effect.size:
            return "Sharing makes no difference that matters in most tasks"
        return "Whether sharing helps cannot be told"

    @property
    def summary(self) -> str:
        """The answer, the verdicts on the tasks, and what to be careful about."""
        parts = []
        for verdict in VERDICTS:
            chosen = self.tasks[self.verdict == verdict]
            names = ""
            if verdict in ("helped", "hurt") and len(chosen):
                names = f" ({some(chosen)})"
            elif verdict == "equivalent":
                names = f" (within {100 * self.margin:g} %)"
            parts.append(f"{len(chosen)} {verdict}{names}")
        return (
            f"{self.answer} {self.model} against learning alone, {len(self.tasks)} "
            f"tasks: {', '.join(parts)} (false discovery rate {self.level:g})."
            + "".join(f" {caution}" for caution in self.cautions)
        )

    @property
    def target(self) -> str:
        """What verdicts and intervals are about, in one sentence."""
        return (
            f"Verdicts are on the mean difference of the {self.loss} of models trained "
            f"on {100 * self.trained:.0f} % of each task's rows."
        )

    @property
    def cautions(self) -> list[str]:
        """What to be careful about, a sentence each."""
        return [text for text in (self._refusal(), self._no_merit()) if text]

    def _refusal(self) -> str:
        """Say of which tasks there is no verdict, and why."""
        refused = self.tasks[self.alone.refused]
        if not len(refused):
            return ""
        return (
            f"No verdict on {some(refused)}: the strength that these learn alone with "
            "is at the end of its grid."
        )

    def _no_merit(self) -> str:
        """Say who does no better than without features: no saving is earned then."""
        levels = self.mean_losses["levels"]
        null = []
        for name, who in (("model", self.model), ("alone", "learning alone")):
            loss = self.mean_losses[name]
            judged = (levels > 0) & ~np.isnan(loss)
            saved = 1 - loss[judged] / levels[judged]
            if saved.size and np.median(saved) <= _MAX_USELESS_SAVING:
                null.append(who)
        if not null:
            return ""
        does = "does" if len(null) == 1 else "do"
        who = " and ".join(null)
        return (
            f"In the median task {who} {does} no better than its level, without "
            "features: a saving need not come from what tasks share."
        )

    @property
    def overall_p_value(self) -> float:
        """p-value of Wilcoxon's signed-rank test that sharing changes nothing overall.

        The tasks are its units: it asks about tasks like these on the whole, where the
        verdicts are on each of them. NaN with fewer than six tasks.
        """
        effect = self._effects()
        if effect.size < 6 or not effect.any():
            return float("nan")
        found: Any = stats.wilcoxon(effect)
        return float(found.pvalue)

    def _effects(self) -> np.ndarray:
        """Return the effect on each task that was judged.

        One that is predicted perfectly alone and not with the others has lost more
        than any percentage says: minus infinity.
        """
        difference = self.alone.difference
        effect = np.where(
            np.isnan(self.alone.effect) & (difference < 0), -np.inf, self.alone.effect
        )
        counted = ~np.isnan(difference) & ~self.alone.refused
        return np.nan_to_num(effect[counted], nan=0.0, neginf=-np.inf)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row per task, by label (needs pandas).

        Returns
        -------
        DataFrame
            Losses, effects and verdicts.
        """
        import pandas as pd

        columns: dict[str, Any] = {
            "n_samples": self.n_samples,
            **{f"loss_{name}": loss for name, loss in self.mean_losses.items()},
        }
        for name, comparison in (("alone", self.alone), ("pooled", self.pooled)):
            for what in (
                *("difference", "effect", "low", "high"),
                *("p_value", "adjusted", "within"),
            ):
                columns[f"{what}_{name}"] = getattr(comparison, what)
            columns[f"verdict_{name}"] = comparison.verdict
        return pd.DataFrame(columns, index=pd.Index(self.tasks, name="task"))

    def plot(
        self, ax: Any = None, *, against: str = "alone", kind: str = "points"
    ) -> Any:
        """Draw the effect on each task with its interval (needs matplotlib).

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        against : {"alone", "pooled"}, default="alone"
            The baseline.
        kind : {"points", "histogram"}, default="points"
            Each task with its interval, or how many tasks have which effect.

        Returns
        -------
        matplotlib.axes.Axes
            Where it was drawn.
        """
        from linmtl.plotting import TaskGainDisplay

        display = TaskGainDisplay.from_report(self, against=against, ax=ax, kind=kind)
        return display.ax_

    def __str__(self) -> str:
        order = np.argsort(-np.nan_to_num(self.alone.effect, nan=-np.inf))
        labels = [one_line(task) for task in self.tasks]
        width = max(4, *(len(label) for label in labels))
        alone, model = (self.mean_losses[name] for name in ("alone", "model"))
        percent = 100 * (1 - self.level)
        head = (
            f"{'task':<{width}}  {'n':>6}  {'alone':>10}  {'shared':>10}  "
            f"{'saved':>8}  {f'{percent:g} % interval':>20}  {'p (adj.)':>8}  verdict"
        )
        lines = [head]
        for t in order:
            saved, interval, p = self.alone.shown(t)
            lines.append(
                f"{labels[t]:<{width}}  {self.n_samples[t]:>6.0f}  {alone[t]:>10.4g}  "
                f"{model[t]:>10.4g}  {saved:>8}  {interval:>20}  {p:>8}  "
                f"{self.alone.verdict[t]}"
            )
        return "\n".join([*lines, "", f"{self.summary} {self.target}"])


def negative_transfer_report(
    estimator: BaseEstimator,
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    baseline: BaseEstimator | None = None,
    pooled: BaseEstimator | None = None,
    cv: Any = None,
    n_repeats: int | None = None,
    groups: ArrayLike | None = None,
    method: Literal["clt", "resampled_t"] = "clt",
    level: float = 0.05,
    margin: float = 0.05,
    random_state: int | None = 0,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> NegativeTransferReport:
    """Say for each task whether learning it with the others helps or hurts it.

    The estimator, every task alone and one model for all are fitted on the same
    training parts and judged on the same held-out rows. For each task the differences
    of the losses are tested, row by row, and the tests of all tasks by the procedure of
    Benjamini and Hochberg.

    Parameters
    ----------
    estimator : estimator
        The model to judge: any of linmtl's, also with cross-validation inside.
    X, y, tasks, sample_weight
        Data in any layout with two tasks or more, as for the estimators.
    baseline : estimator, default=None
        The model of every task alone; by default ``IndependentRegressor(alpha="cv",
        per_task="auto")`` or its classifier: ridge, its strength tuned inside
        each training part, per task or for all, whichever does better there.
    pooled : estimator, default=None
        One model for all tasks; by default ``PooledRegressor(task_intercepts=True)`` or
        its classifier, its strength tuned inside each training part. Its
        ``fit_intercept``, like that of the default baseline, is the estimator's.
    cv : int, splitter or iterable of (train, test), default=None
        The splits, of rows (long data) or of samples (a wide Y). An integer is the
        number of folds over which the rows of every task are spread, or with
        ``method="resampled_t"`` of random splits that keep one fifth of each task
        aside. None: 5 folds, or 30 splits.
    n_repeats : int, default=None
        Partitions into folds, for an integer ``cv``; the losses of a row are averaged.
        None: 4 for the default ``cv``, otherwise and for `AutoRegressor` and
        `AutoClassifier` 1.
    groups : array-like of shape (n_samples,), default=None
        Rows that are not independent, such as the visits of a patient or the days of a
        sensor, have the same label. A group is held out as a whole, in all its tasks,
        and groups instead of rows are the units of the variance. For ``method="clt"``.
    method : {"clt", "resampled_t"}, default="clt"
        How differences are tested. "clt": row by row, by the central limit theorem of
        cross-validation. "resampled_t": split by split, by the corrected resampled
        t-test, which finds much less. It is also taken where ``cv`` trains on less than
        3/5 of the rows: models of so few vary by more than the rows' differences tell.
    level : float, default=0.05
        False discovery rate of "helped" and "hurt"; the intervals have the level 1 -
        this, each on its own.
    margin : float, default=0.05
        The largest effect that does not matter, as a part of the baseline's loss: a
        task whose interval lies within it is "equivalent", unless found "helped" or
        "hurt" (by little: ``alone.within`` has all).
    random_state : int or None, default=0
        Seed of the splits of an integer ``cv``.
    n_jobs : int, default=None
        Splits computed at the same time, through joblib.
    verbose : int, default=0
        Whether to say after each split how many are done, and when all may be: models
        that try many others, such as `AutoClassifier`, take minutes.

    Returns
    -------
    NegativeTransferReport
        Its text is a table; ``summary`` is a sentence, ``to_frame()`` a DataFrame,
        ``plot()`` a picture.

    Notes
    -----
    What is tested and covered is the mean difference of models that are trained on as
    many rows as in the splits (``target``), for 5 folds 4/5 of them. The standard
    error of a task is the standard deviation of its rows' differences over the root of
    their number; differences of rows that are held out more than once are averaged
    first. Rows are taken for independent: pass ``groups`` where they are not. A task
    with fewer than five rows (groups) held out is "undecided".

    `AutoRegressor` and `AutoClassifier` judge their models on the folds of the report,
    in one pass: what predicts a row is chosen, or weighed, by the other folds.

    "equivalent" is two one-sided tests of the level ``level / 2`` for each task: where
    sharing changes a loss by the margin or more, it is called equivalent that rarely.
    It is not adjusted for the number of tasks, and does not change what is called
    "helped" or "hurt". docs/transfer.md has the errors found in simulations.

    References
    ----------
    Bayle, Bayle, Janson, Mackey (2020), Cross-validation confidence intervals for test
    error.
    Nadeau, Bengio (2003), Inference for the generalization error.
    Wilcoxon (1945), Individual comparisons by ranking methods.
    Benjamini, Hochberg (1995), Controlling the false discovery rate.

    Examples
    --------
    >>> from linmtl import MeanRegularizedRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.transfer import negative_transfer_report
    >>> X, y, tasks = make_multitask_regression(n_tasks=4, random_state=0)
    >>> report = negative_transfer_report(MeanRegularizedRegressor(), X, y, tasks)
    >>> report.verdict.shape
    (4,)
    """
    check_choice("method", method, METHODS)
    check_number("margin", margin, 0.0, 1.0)
    if not (is_number(level) and 0 < level < 1):
        raise ValueError(f"level must be between 0 and 1, got {level!r}")
    if not isinstance(estimator, TaskModel):
        raise TypeError(
            f"estimator must be one of linmtl's estimators, got {estimator!r}"
        )
    rows = Rows(estimator, X, y, tasks, sample_weight)
    if len(rows.tasks) < 2:
        raise ValueError(
            "the data have one task; pass tasks=, or one column of y per task"
        )
    units = rows.units(groups)
    if n_repeats is None and hasattr(estimator, "held_out_losses"):
        n_repeats = 1  # many models, tuned in each fold
    splits = _splits(rows, cv, n_repeats, units, method, random_state)
    method, trained = _usable_method(rows, splits, units, method)
    models = _judged_models(rows, splits, estimator, baseline, pooled)
    known = _known_losses(rows, models, splits, units, n_jobs, verbose)
    others = {name: model for name, model in models.items() if name not in known}
    jobs = [delayed(_one_split)(rows, others, *parts) for parts in splits]
    found = [
        each | {name: losses[k] for name, losses in known.items()}
        for k, each in enumerate(run_jobs(jobs, n_jobs, verbose=verbose))
    ]
    losses = {
        name: np.array([rows.task_means(each[name].losses) for each in found])
        for name in models
    }
    refused = {
        name: _at_bound(models[name], losses[name], [each[name] for each in found])
        for name in BASELINES
    }
    settings: dict[str, Any] = {"level": level, "margin": margin}
    if method == "clt":
        by_row = {name: _over_splits([each[name] for each in found]) for name in models}
        mean_losses = {name: rows.task_means(loss) for name, loss in by_row.items()}
        settings |= {"code": rows.code, "n_tasks": len(rows.tasks)}
        settings |= {"weight": rows.weight, "unit": units}
        compare, values = compare_rows, by_row
    else:
        mean_losses = {name: mean_over_folds(loss) for name, loss in losses.items()}
        settings |= _sizes(rows, splits)
        compare, values = compare_losses, losses
    against_alone, against_pooled = (
        compare(
            values[name],
            values["model"],
            name=name,
            refused=refused[name],
            **settings,
        )
        for name in BASELINES
    )
    return NegativeTransferReport(
        tasks=rows.tasks,
        n_samples=rows.n_observed,
        model=type(estimator).__name__,
        loss=rows.loss.score.name,
        losses=losses,
        mean_losses=mean_losses,
        alone=against_alone,
        pooled=against_pooled,
        level=level,
        method=method,
        margin=margin,
        trained=trained,
    )


def _usable_method(
    rows: Rows,
    splits: list[tuple[np.ndarray, ...]],
    units: np.ndarray | None,
    method: Literal["clt", "resampled_t"],
) -> tuple[Literal["clt", "resampled_t"], float]:
    """Return the method that the splits allow, and the part of the rows in training."""
    trained = _part_trained(rows, splits)
    if method == "clt" and trained < _LEAST_TRAINED:
        if units is not None:
            raise ValueError(
                f"groups need training parts of {_LEAST_TRAINED:g} of the rows or "
                f"more, got {trained:.2g}; hold out fewer rows, cv=5 for example"
            )
        method = "resampled_t"
    if not any(np.any(np.minimum(*map(rows.count, split))) for split in splits):
        raise ValueError(
            "cv judges no task, since each is either wholly in training or wholly held "
            "out; split the rows within the tasks, for example cv=30"
        )
    return method, trained


def _judged_models(
    rows: Rows,
    splits: list[tuple[np.ndarray, ...]],
    estimator: TaskModel,
    baseline: BaseEstimator | None,
    pooled: BaseEstimator | None,
) -> dict[str, BaseEstimator]:
    """Return the model, those it is compared with, and intercepts alone, by name."""
    classify = estimator._classify
    same: Any = {"fit_intercept": estimator.fit_intercept, **loss_of(estimator)}
    if baseline is None:
        kind = IndependentClassifier if classify else IndependentRegressor
        baseline = kind("cv", cv=_folds(rows, splits), per_task="auto", **same)
    if pooled is None:
        kind = PooledClassifierCV if classify else PooledRegressorCV
        pooled = kind(alphas=_POOLED_ALPHAS, cv=_folds(rows, splits), **same)
    for name, other in (("baseline", baseline), ("pooled", pooled)):
        if isinstance(other, TaskModel) and other._loss().name != rows.loss.name:
            raise ValueError(
                f"{name} has loss={other._loss().name!r} and estimator "
                f"loss={rows.loss.name!r}; their errors cannot be compared"
            )
    generic = MultiTaskClassifier if classify else MultiTaskRegressor
    levels = generic(L21(_ZERO_STRENGTH), **same)
    return {
        "model": estimator,
        "alone": baseline,
        "pooled": pooled,
        "levels": levels,
    }


def _splits(
    rows: Rows,
    cv: Any,
    n_repeats: int | None,
    units: np.ndarray | None,
    method: str,
    random_state: int | None,
) -> list[tuple[np.ndarray, ...]]:
    """Return masks of training and test rows, groups whole."""
    in_folds = method == "clt" and (cv is None or is_whole(cv))
    if n_repeats is None:
        n_repeats = _REPEATS if in_folds and cv is None else 1
    check_count("n_repeats", n_repeats)
    if n_repeats > 1 and not in_folds:
        raise ValueError(
            "n_repeats is for folds, an integer cv with method='clt'; otherwise pass a "
            "splitter that repeats"
        )
    if units is not None and method != "clt":
        raise ValueError("groups need method='clt', whose variance has units")
    if in_folds:
        n_folds = check_count("cv", _FOLDS if cv is None else cv, 2)
        random = check_random_state(random_state)
        splits: list = [
            fold
            for _ in range(n_repeats)
            for fold in rows.folds(n_folds, random, units)
        ]
    else:
        splits = rows.splits(_SPLITS if cv is None else cv, random_state)
    if len(splits) < 2:
        raise ValueError("cv must make at least 2 splits")
    if units is not None:
        for train, test in splits:
            if np.isin(units[test], units[train]).any():
                raise ValueError(
                    "cv has rows of one group in a training and its test part; pass an "
                    "integer, whose folds keep groups whole"
                )
    return splits


class _Judged(NamedTuple):
    losses: np.ndarray  # of each row, NaN if it is not tested
    at_bound: np.ndarray  # tasks


def _one_split(
    rows: Rows, models: dict, train: np.ndarray, test: np.ndarray
) -> dict[str, _Judged]:
    out = {}
    for name, model in models.items():
        with warnings.catch_warnings():
            if name in BASELINES:  # the report says it
                warnings.filterwarnings("ignore", ".* best strength is at an end of")
            losses, fitted = rows.row_losses(clone(model), train, test)
        out[name] = _Judged(losses, rows.at_bound(fitted))
    return out


def _known_losses(
    rows: Rows,
    models: dict[str, Any],
    splits: list[tuple[np.ndarray, ...]],
    units: np.ndarray | None,
    n_jobs: int | None,
    verbose: int,
) -> dict[str, list[_Judged]]:
    """Return losses of models that judge others on all folds of a partition at once.

    They would do so again within every training part, at several times the cost.
    """
    partitions = _partitions(splits)
    out: dict[str, list[_Judged]] = {}
    for name, model in models.items():
        if partitions is None or not hasattr(model, "held_out_losses"):
            continue
        out[name], bound = [], rows.at_bound(None)
        for folds in partitions:
            inner: Any = clone(model)
            if inner.n_jobs is None:
                inner.set_params(n_jobs=n_jobs)
            inner.set_params(verbose=max(inner.verbose, verbose))
            losses = rows.losses_in_folds(inner, folds, units)
            out[name] += [
                _Judged(np.where(test, losses, np.nan), bound) for _, test in folds
            ]
    return out


def _partitions(
    splits: list[tuple[np.ndarray, ...]],
) -> list[list[tuple[np.ndarray, ...]]] | None:
    """Return the folds of each partition; None where splits are none, or not alike."""
    out: list[list[tuple[np.ndarray, ...]]] = []
    tested: list[np.ndarray] = []
    for train, test in splits:
        if np.any(train == test):
            return None
        if not out or np.any(tested[-1] & test):
            out.append([])
            tested.append(np.zeros_like(test))
        out[-1].append((train, test))
        tested[-1] = tested[-1] | test
    alike = all(np.array_equal(rows, tested[0]) for rows in tested)
    return out if alike and min(map(len, out)) > 1 else None


def _over_splits(found: list[_Judged]) -> np.ndarray:
    """Return the mean loss of each row over the splits that test it."""
    return mean_over_folds(np.array([each.losses for each in found]))


def _sizes(rows: Rows, splits: list) -> dict[str, np.ndarray]:
    """Return what the corrected resampled t-test needs to know of the splits."""
    trained, tested = (
        np.sum([rows.count(part) for part in parts], axis=0)
        for parts in zip(*splits, strict=True)
    )
    return {
        "share": tested / np.maximum(trained, 1),
        "tested": rows.count(np.any([test for _, test in splits], axis=0)),
    }


def _part_trained(rows: Rows, splits: list) -> float:
    """Return the part of their rows that tasks have in training where they are tested.

    The mean over splits and tasks.
    """
    parts = []
    for train, test in splits:
        judged = (rows.count(test) > 0) & (rows.count(train) > 0)
        parts += [*(rows.count(train)[judged] / rows.n_samples[judged])]
    return float(np.mean(parts)) if parts else 0.0


def _at_bound(model: Any, losses: np.ndarray, found: list[_Judged]) -> np.ndarray:
    """Return the mask of the tasks whose baseline could not be tuned.

    Its strength is at the end of its grid in more than half of the splits: weaker or
    stronger it would do better, and a model compared with it look better than it is.
    """
    mask = np.mean([each.at_bound for each in found], axis=0) > 0.5
    judged = ~np.isnan(losses).all(axis=0)
    if judged.any() and mask[judged].all():
        raise ValueError(
            f"the strength of the baseline {type(model).__name__} is at the end of its "
            "grid in most splits, with a loss that still falls there: no model can be "
            "judged by it; pass a baseline with a wider grid, or features on one scale"
        )
    return mask


def _folds(rows: Rows, splits: list) -> int:
    """Return the folds in which the largest task is tuned in each training part."""
    largest = min(int(rows.count(train).max(initial=2)) for train, _ in splits)
    return int(np.clip(largest, 2, 5))
