"""Which tasks does sharing help, and which does it hurt?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import BaseEstimator, clone

from linmtl._cross_validation import mean_over_folds
from linmtl._tasks import some
from linmtl._text import one_line
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._independent import IndependentClassifier, IndependentRegressor
from linmtl.estimators._pooled import PooledClassifier, PooledRegressor
from linmtl.transfer._rows import Rows

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("helped", "hurt", "undecided")
_FEWEST = 5  # rows held out of a task that is judged


@dataclass
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
        The difference as a fraction of the baseline's loss.
    low, high : ndarray of shape (n_tasks,)
        Confidence interval of the effect.
    p_value, adjusted : ndarray of shape (n_tasks,)
        Of the corrected resampled t-test that the difference is zero, and adjusted for
        the number of tasks.
    verdict : ndarray of str of shape (n_tasks,)
        "helped", "hurt" or "undecided".
    """

    baseline: str
    difference: np.ndarray
    effect: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    adjusted: np.ndarray
    verdict: np.ndarray

    def count(self, verdict: str) -> int:
        """Return the number of tasks with this verdict."""
        return int(np.sum(self.verdict == verdict))


@dataclass
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
        What is compared: "mean squared error" or "log loss".
    losses : dict of ndarray of shape (n_splits, n_tasks)
        Held-out losses by model: "model", "alone" and "pooled".
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
        effect = self.alone.effect[~np.isnan(self.alone.effect)]
        gain = float(np.median(effect)) if effect.size else float("nan")
        overall = ""
        if not np.isnan(self.overall_p_value):
            overall = f", signed-rank test over tasks p = {self.overall_p_value:.2g}"
        return (
            f"{self.model} against learning alone, {len(self.tasks)} tasks: "
            f"{', '.join(parts)} (false discovery rate {self.level:g}). The "
            f"{self.loss} is lower in {np.sum(effect > 0)} of {effect.size} tasks, "
            f"median change {-100 * gain:+.1f} %{overall}."
        )

    @property
    def overall_p_value(self) -> float:
        """Of Wilcoxon's signed-rank test that sharing changes nothing on the whole.

        The tasks are its units: it asks about tasks like these on the whole, where the
        verdicts are on each of them. NaN with fewer than six tasks.
        """
        effect = self.alone.effect[~np.isnan(self.alone.effect)]
        if effect.size < 6 or not effect.any():
            return float("nan")
        return float(stats.wilcoxon(effect).pvalue)

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

        Returns
        -------
        matplotlib.axes.Axes
        """
        from linmtl.plotting import TaskGainDisplay

        comparison = {"alone": self.alone, "pooled": self.pooled}[against]
        tasks = self.tasks
        if tasks.dtype.kind == "U":
            tasks = np.array([one_line(task) for task in tasks])
        display = TaskGainDisplay(
            tasks,
            comparison.effect,
            comparison.low,
            comparison.high,
            comparison.verdict,
            baseline=comparison.baseline,
        )
        return display.plot(ax=ax).ax_

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
            f"{'change':>8}  {f'{percent:g} % interval':>20}  {'p (adj.)':>8}  verdict"
        )
        lines = [head]
        for t in order:
            change, interval, p = "-", "-", "-"
            if np.isfinite(self.alone.effect[t]):
                change = f"{-100 * self.alone.effect[t]:+.1f} %"
            if np.isfinite(self.alone.adjusted[t]):
                interval = f"{-100 * self.alone.high[t]:+.1f} to "
                interval += f"{-100 * self.alone.low[t]:+.1f} %"
                p = f"{self.alone.adjusted[t]:.3f}"
            lines.append(
                f"{labels[t]:<{width}}  {self.n_samples[t]:>6.0f}  {alone[t]:>10.4g}  "
                f"{model[t]:>10.4g}  {change:>8}  {interval:>20}  {p:>8}  "
                f"{self.alone.verdict[t]}"
            )
        return "\n".join([*lines, "", self.summary])


def negative_transfer_report(
    estimator: BaseEstimator,
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    baseline: BaseEstimator | None = None,
    pooled: BaseEstimator | None = None,
    cv: Any = 30,
    level: float = 0.05,
    sample_weight: ArrayLike | None = None,
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
        The model of every task alone; by default ``IndependentRegressor(alpha="cv")``
        or its classifier: ridge, its strength tuned per task inside each training part.
    pooled : estimator, default=None
        One model for all tasks; by default ``PooledRegressor()`` or its classifier.
    cv : int, splitter or iterable of (train, test), default=30
        The splits, of rows (long data) or of samples (a wide Y); an integer stands for
        that many random splits that keep one fifth of each task aside; the more, the
        sharper the test.
    level : float, default=0.05
        False discovery rate of the verdicts; the intervals have the level 1 - this,
        each on its own.
    random_state : int or None, default=0
        For an integer ``cv``.
    n_jobs : int, default=None
        Splits computed at the same time, through joblib.

    Returns
    -------
    NegativeTransferReport
        Its text is a table; ``summary`` is a sentence, ``to_frame()`` a DataFrame,
        ``plot()`` a picture.

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
    if not isinstance(estimator, MultiTaskModel):
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
    if baseline is None:
        kind = IndependentClassifier if classify else IndependentRegressor
        baseline = kind(
            "cv", cv=_folds(rows, splits), fit_intercept=estimator.fit_intercept
        )
    if pooled is None:
        kind = PooledClassifier if classify else PooledRegressor
        pooled = kind(fit_intercept=estimator.fit_intercept)
    models = {"model": estimator, "alone": baseline, "pooled": pooled}
    found = Parallel(n_jobs=n_jobs)(
        delayed(_one_split)(rows, models, train, test) for train, test in splits
    )
    losses = {name: np.array([each[name] for each in found]) for name in models}
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
        )
        for name in ("alone", "pooled")
    ]
    return NegativeTransferReport(
        tasks=rows.tasks,
        n_samples=rows.n_samples,
        model=type(estimator).__name__,
        loss="log loss" if classify else "mean squared error",
        losses=losses,
        alone=compared[0],
        pooled=compared[1],
        level=level,
    )


def _one_split(rows: Rows, models: dict, train: np.ndarray, test: np.ndarray) -> dict:
    return {
        name: rows.held_out_loss(clone(model), train, test)
        for name, model in models.items()
    }


def compare_losses(
    baseline: np.ndarray,
    model: np.ndarray,
    *,
    name: str,
    share: ArrayLike,
    tested: ArrayLike = np.inf,
    level: float = 0.05,
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
    """
    difference = baseline - model
    count = np.sum(~np.isnan(difference), axis=0)
    mean = mean_over_folds(difference)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = np.nansum((difference - mean) ** 2, axis=0)
        variance = np.where(count > 1, squares / np.maximum(count - 1, 1), np.nan)
        error = np.sqrt(variance * (1.0 / np.maximum(count, 1) + share))
        t = mean / error
    # splits of few rows repeat themselves
    tested = np.broadcast_to(np.asarray(tested, dtype=float), mean.shape)
    freedom = np.maximum(np.minimum(count, tested) - 1, 1)
    p = 2 * stats.t.sf(np.abs(t), freedom)
    base = mean_over_folds(baseline)
    p[(tested < _FEWEST) | (base == 0)] = np.nan
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
        high=(mean + reach) / scale,
        p_value=p,
        adjusted=adjusted,
        verdict=verdict,
    )


def _folds(rows: Rows, splits: list) -> int:
    """Return the folds in which the largest task is tuned in each training part."""
    largest = min(int(rows.count(train).max(initial=2)) for train, _ in splits)
    return int(np.clip(largest, 2, 5))
