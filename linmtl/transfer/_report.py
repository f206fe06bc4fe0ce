"""Which tasks does sharing help, and which does it hurt?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import BaseEstimator, clone

from linmtl.data._labels import one_line, some
from linmtl.estimators._base import TaskModel, loss_of
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._independent import IndependentClassifier, IndependentRegressor
from linmtl.estimators._pooled import PooledClassifierCV, PooledRegressorCV
from linmtl.model_selection._held_out import mean_over_folds
from linmtl.model_selection._jobs import run_jobs
from linmtl.penalties import L21
from linmtl.transfer._rows import Rows

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("helped", "hurt", "undecided")
BASELINES = ("alone", "pooled")
_MIN_HELD_OUT = 5  # rows held out of a task that is judged
_POOLED_ALPHAS = 13  # as many as a task alone tries
_ZERO_STRENGTH = 1e15  # leaves no coefficient
_MAX_USELESS_SAVING = 0.01  # median saving against the tasks' levels that is none


@dataclass(eq=False, repr=False)
class PairedDifferences:
    """Paired differences of the held-out losses of each task between two models.

    Attributes
    ----------
    baseline : str
        What the model is compared with.
    difference : ndarray of shape (n_tasks,)
        Mean of the baseline's loss less the model's: positive where the model is
        better. NaN for a task that was never held out.
    effect : ndarray of shape (n_tasks,)
        The difference as a fraction of the baseline's loss, NaN where that is zero.
    low, high : ndarray of shape (n_tasks,)
        Confidence interval of the effect, cut off at 1: no loss falls by more.
    p_value, adjusted : ndarray of shape (n_tasks,)
        p-values of the corrected resampled t-test that the difference is zero, and
        these adjusted for the number of tasks.
    verdict : ndarray of str of shape (n_tasks,)
        "helped", "hurt" or "undecided".
    refused : ndarray of bool of shape (n_tasks,)
        Tasks of which no verdict is given since the baseline could not be tuned: its
        strength is at the end of its grid.
    """

    baseline: str
    difference: np.ndarray
    effect: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    adjusted: np.ndarray
    verdict: np.ndarray
    refused: np.ndarray

    def __repr__(self) -> str:
        return f"<PairedDifferences: against {self.baseline}, {self.counts()}>"

    def count(self, verdict: str) -> int:
        """Return the number of tasks with this verdict."""
        return int(np.sum(self.verdict == verdict))

    def counts(self) -> str:
        """Return how many tasks have each verdict, as text."""
        return ", ".join(f"{self.count(verdict)} {verdict}" for verdict in VERDICTS)

    def shown(self, task: int) -> tuple[str, str, str]:
        """Return effect, interval and adjusted p-value of a task (a position) as text.

        The effect and its ends are in per cent; what is missing is "-".
        """
        effect, interval, p = "-", "-", "-"
        if np.isfinite(self.adjusted[task]):
            p = f"{self.adjusted[task]:.3f}"
        if np.isfinite(self.effect[task]):
            effect = f"{100 * self.effect[task]:+.1f} %"
            if p != "-":
                low, high = 100 * self.low[task], 100 * self.high[task]
                interval = f"{low:+.1f} to {high:+.1f} %"
        return effect, interval, p


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
    alone, pooled : PairedDifferences
        Against learning every task alone, and against one model for all.
    level : float
        The false discovery rate of the verdicts; intervals have the level 1 - this.
    """

    tasks: np.ndarray
    n_samples: np.ndarray
    model: str
    loss: str
    losses: dict[str, np.ndarray]
    alone: PairedDifferences
    pooled: PairedDifferences
    level: float

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
    def summary(self) -> str:
        """One sentence."""
        parts = []
        for verdict in VERDICTS:
            chosen = self.tasks[self.verdict == verdict]
            names = ""
            if verdict != "undecided" and len(chosen):
                names = f" ({some(chosen)})"
            parts.append(f"{len(chosen)} {verdict}{names}")
        effect = self._effects()
        median, overall = "", ""
        if np.isfinite(np.median(effect)):
            median = f", median saving {100 * np.median(effect):+.1f} %"
        if not np.isnan(self.overall_p_value):
            overall = f", signed-rank test over tasks p = {self.overall_p_value:.2g}"
        return (
            f"{self.model} against learning alone, {len(self.tasks)} tasks: "
            f"{', '.join(parts)} (false discovery rate {self.level:g}). The "
            f"{self.loss} is lower in {np.sum(effect > 0)} of {effect.size} tasks"
            f"{median}{overall}.{self._refusal()}{self._caveat()}"
        )

    def _refusal(self) -> str:
        """Say of which tasks there is no verdict, and why."""
        refused = self.tasks[self.alone.refused]
        if not len(refused):
            return ""
        return (
            f" No verdict on {some(refused)}: the strength that these learn alone with "
            "is at the end of its grid."
        )

    def _caveat(self) -> str:
        """Say who does no better than without features: no saving is earned then."""
        levels = mean_over_folds(self.losses["levels"])
        null = []
        for name, who in (("model", self.model), ("alone", "learning alone")):
            loss = mean_over_folds(self.losses[name])
            judged = (levels > 0) & ~np.isnan(loss)
            saved = 1 - loss[judged] / levels[judged]
            if saved.size and np.median(saved) <= _MAX_USELESS_SAVING:
                null.append(who)
        if not null:
            return ""
        does = "does" if len(null) == 1 else "do"
        who = " and ".join(null)
        return (
            f" In the median task {who} {does} no better than its level, without "
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
        """Return a table with one row per task, by label (needs pandas)."""
        import pandas as pd

        columns: dict[str, Any] = {
            "n_samples": self.n_samples,
            **{
                f"loss_{name}": mean_over_folds(loss)
                for name, loss in self.losses.items()
            },
        }
        for name, comparison in (("alone", self.alone), ("pooled", self.pooled)):
            for what in ("difference", "effect", "low", "high", "p_value", "adjusted"):
                columns[f"{what}_{name}"] = getattr(comparison, what)
            columns[f"verdict_{name}"] = comparison.verdict
        return pd.DataFrame(columns, index=pd.Index(self.tasks, name="task"))

    def plot(self, ax: Any = None, *, against: str = "alone") -> Any:
        """Draw the effect on each task with its interval (needs matplotlib).

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        against : {"alone", "pooled"}, default="alone"
            The baseline.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from linmtl.plotting import TaskGainDisplay

        return TaskGainDisplay.from_report(self, against=against, ax=ax).ax_

    def __str__(self) -> str:
        order = np.argsort(-np.nan_to_num(self.alone.effect, nan=-np.inf))
        labels = [one_line(task) for task in self.tasks]
        width = max(4, *(len(label) for label in labels))
        alone, model = (
            mean_over_folds(self.losses[name]) for name in ("alone", "model")
        )
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
        return "\n".join([*lines, "", self.summary])


def negative_transfer_report(
    estimator: BaseEstimator,
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    baseline: BaseEstimator | None = None,
    pooled: BaseEstimator | None = None,
    cv: Any = 30,
    level: float = 0.05,
    random_state: int | None = 0,
    n_jobs: int | None = None,
) -> NegativeTransferReport:
    """Say for each task whether learning it with the others helps or hurts it.

    The estimator, every task alone and one model for all are fitted on the same
    training parts and judged on the same held-out rows. For each task the paired
    differences are tested by the corrected resampled t-test, whose variance allows for
    the overlap of the training parts, and the tests of all tasks by the procedure of
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
    cv : int, splitter or iterable of (train, test), default=30
        The splits, of rows (long data) or of samples (a wide Y); an integer stands for
        that many random splits that keep one fifth of each task aside.
    level : float, default=0.05
        False discovery rate of the verdicts; the intervals have the level 1 - this,
        each on its own.
    random_state : int or None, default=0
        Seed of the splits of an integer ``cv``.
    n_jobs : int, default=None
        Splits computed at the same time, through joblib.

    Returns
    -------
    NegativeTransferReport
        Its text is a table; ``summary`` is a sentence, ``to_frame()`` a DataFrame,
        ``plot()`` a picture.

    Notes
    -----
    Verdicts and intervals are on the safe side. The corrected variance of a mean
    difference is ``(1 / n_splits + test rows / training rows)`` times the variance over
    splits: with an integer ``cv`` the factor is never below 1/4, however many the
    splits, and beyond 30 more add little. In simulations (docs/transfer.md) the
    standard errors are 1.2 to 2.7 times the standard deviation over data sets, 95 %
    intervals cover 95 to 100 %, and a harm of a quarter of a task's loss is called in
    2 % of data sets with 40 rows a task, 10 % with 100 and 80 % with 250. "undecided"
    is no evidence that nothing changes.

    References
    ----------
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
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level!r}")
    if not isinstance(estimator, TaskModel):
        raise TypeError(
            f"estimator must be one of linmtl's estimators, got {estimator!r}"
        )
    classify = estimator._classify
    rows = Rows(estimator, X, y, tasks, sample_weight)
    if len(rows.tasks) < 2:
        raise ValueError(
            "the data have one task; pass tasks=, or one column of y per task"
        )
    splits = rows.splits(cv, random_state)
    if len(splits) < 2:
        raise ValueError("cv must make at least 2 splits")
    if not any(np.any(np.minimum(*map(rows.count, split))) for split in splits):
        raise ValueError(
            "cv judges no task, since each is either wholly in training or wholly held "
            "out; split the rows within the tasks, for example cv=30"
        )
    same: Any = {"fit_intercept": estimator.fit_intercept, **loss_of(estimator)}
    if baseline is None:
        kind = IndependentClassifier if classify else IndependentRegressor
        baseline = kind(
            "cv",
            cv=_folds(rows, splits),
            per_task="auto",
            **same,
        )
    if pooled is None:
        kind = PooledClassifierCV if classify else PooledRegressorCV
        pooled = kind(
            alphas=_POOLED_ALPHAS,
            cv=_folds(rows, splits),
            **same,
        )
    for name, other in (("baseline", baseline), ("pooled", pooled)):
        if isinstance(other, TaskModel) and other._loss().name != rows.loss.name:
            raise ValueError(
                f"{name} has loss={other._loss().name!r} and estimator "
                f"loss={rows.loss.name!r}; their errors cannot be compared"
            )
    generic = MultiTaskClassifier if classify else MultiTaskRegressor
    levels = generic(L21(_ZERO_STRENGTH), **same)
    models = {
        "model": estimator,
        "alone": baseline,
        "pooled": pooled,
        "levels": levels,
    }
    jobs = [delayed(_one_split)(rows, models, *parts) for parts in splits]
    found = run_jobs(jobs, n_jobs)
    losses = {name: np.array([each[name][0] for each in found]) for name in models}
    count = [rows.count(part) for split in splits for part in split]
    share = np.sum(count[1::2], axis=0) / np.maximum(np.sum(count[::2], axis=0), 1)
    tested = rows.count(np.any([test for _, test in splits], axis=0))
    compared = [
        compare_losses(
            losses[name],
            losses["model"],
            name=name,
            share=share,
            tested=tested,
            level=level,
            refused=_at_bound(name, models[name], losses[name], found),
        )
        for name in BASELINES
    ]
    return NegativeTransferReport(
        tasks=rows.tasks,
        n_samples=rows.n_observed,
        model=type(estimator).__name__,
        loss=rows.loss.score.name,
        losses=losses,
        alone=compared[0],
        pooled=compared[1],
        level=level,
    )


def _one_split(rows: Rows, models: dict, train: np.ndarray, test: np.ndarray) -> dict:
    out = {}
    for name, model in models.items():
        loss, fitted = rows.judge(clone(model), train, test)
        out[name] = loss, rows.at_bound(fitted)
    return out


def _at_bound(name: str, model: Any, losses: np.ndarray, found: list) -> np.ndarray:
    """Return the mask of the tasks whose baseline could not be tuned.

    Its strength is at the end of its grid in more than half of the splits: weaker or
    stronger it would do better, and a model compared with it look better than it is.
    """
    mask = np.mean([each[name][1] for each in found], axis=0) > 0.5
    judged = ~np.isnan(losses).all(axis=0)
    if judged.any() and mask[judged].all():
        raise ValueError(
            f"the strength of the baseline {type(model).__name__} is at the end of its "
            "grid in most splits, with a loss that still falls there: no model can be "
            "judged by it; pass a baseline with a wider grid, or features on one scale"
        )
    return mask


def compare_losses(
    baseline: np.ndarray,
    model: np.ndarray,
    *,
    name: str,
    share: ArrayLike,
    tested: ArrayLike = np.inf,
    level: float = 0.05,
    refused: np.ndarray | bool = False,
) -> PairedDifferences:
    """Compare held-out losses of the same splits, (n_splits, n_tasks).

    Parameters
    ----------
    baseline, model : ndarray of shape (n_splits, n_tasks)
        Losses; NaN where a task has nothing held out.
    name : str
        What the baseline is called.
    share : float or ndarray of shape (n_tasks,)
        Size of the held-out part relative to the training part, for the correction.
    tested : int or ndarray of shape (n_tasks,), default=infinite
        Different rows that are held out in some split. They bound the degrees of
        freedom; of a task with fewer than five no verdict is given.
    level : float, default=0.05
        False discovery rate.
    refused : ndarray of bool of shape (n_tasks,), default=False
        Tasks of which no verdict is given.
    """
    difference = baseline - model
    count = np.sum(~np.isnan(difference), axis=0)
    mean = mean_over_folds(difference)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = np.nansum((difference - mean) ** 2, axis=0)
        variance = np.where(count > 1, squares / np.maximum(count - 1, 1), np.nan)
        error = np.sqrt(variance * (1.0 / np.maximum(count, 1) + np.asarray(share)))
        t = mean / error
    # splits of few rows repeat themselves
    tested = np.broadcast_to(np.asarray(tested, dtype=float), mean.shape)
    freedom = np.maximum(np.minimum(count, tested) - 1, 1)
    p = 2 * stats.t.sf(np.abs(t), freedom)
    base = mean_over_folds(baseline)
    p[(tested < _MIN_HELD_OUT) | refused] = np.nan
    same = error <= 1e-9 * np.abs(mean)  # nothing but rounding
    p[same] = np.where(mean[same] == 0, 1.0, np.nan)
    adjusted = np.full(p.shape, np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        adjusted[tested] = stats.false_discovery_control(p[tested])
    reach = stats.t.ppf(1 - level / 2, freedom) * error
    scale = np.where(base > 0, base, np.nan)
    verdict = np.full(p.shape, "undecided", dtype="<U9")
    found = np.nan_to_num(adjusted, nan=1.0) <= level
    verdict[found & (mean > 0)] = "helped"
    verdict[found & (mean < 0)] = "hurt"
    return PairedDifferences(
        baseline=name,
        difference=mean,
        effect=mean / scale,
        low=(mean - reach) / scale,
        high=np.minimum((mean + reach) / scale, 1.0),
        p_value=p,
        adjusted=adjusted,
        verdict=verdict,
        refused=np.broadcast_to(np.asarray(refused), p.shape),
    )


def _folds(rows: Rows, splits: list) -> int:
    """Return the folds in which the largest task is tuned in each training part."""
    largest = min(int(rows.count(train).max(initial=2)) for train, _ in splits)
    return int(np.clip(largest, 2, 5))
