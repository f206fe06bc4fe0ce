"""Which tasks sharing helps, and which it hurts: what is found, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from linmtl.data._labels import one_line, some
from linmtl.transfer._paired import VERDICTS, PairedDifferences

if TYPE_CHECKING:
    import pandas as pd

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
