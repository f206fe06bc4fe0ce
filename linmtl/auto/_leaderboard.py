"""Models in the order of their held-out losses, and what the best of them is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_N_BOOTSTRAPS = 500
_LEVEL = 0.95  # of the interval
_TIE = 1e-9  # relative: losses this close are those of equal models


@dataclass(frozen=True, eq=False)
class Units:
    """Losses summed over what was drawn together: rows, or groups of rows.

    Attributes
    ----------
    sums : ndarray of shape (n_models, n_units)
        Sum of the weighted losses of each unit.
    size : ndarray of shape (n_units,)
        Sum of its weights.
    """

    sums: np.ndarray
    size: np.ndarray

    def mean(self, count: np.ndarray | None = None) -> np.ndarray:
        """Return the mean loss of each model, with each unit so many times."""
        count = np.ones(self.size.size) if count is None else count
        return self.sums @ count / (self.size @ count)

    def error(self, sums: np.ndarray, count: np.ndarray | None = None) -> np.ndarray:
        """Return the standard error of the means of (n, n_units) sums."""
        count = np.ones(self.size.size) if count is None else count
        n, total = count.sum(), self.size @ count
        rest = sums - (sums @ count / total)[:, None] * self.size
        if n < 2:
            return np.full(len(sums), np.nan)
        return np.sqrt(rest**2 @ count * n / (n - 1)) / total


Choice = Callable[[Units, "np.ndarray | None"], int]


def simplest(units: Units, count: np.ndarray | None = None) -> int:
    """Return the first model that is within one standard error of the best.

    That of its difference to the best. Models are in the order of simplicity.
    """
    mean = units.mean(count)
    best = int(np.argmin(mean))
    error = np.nan_to_num(units.error(units.sums - units.sums[best], count))
    return int(np.argmax(mean - mean[best] <= error + _TIE * abs(mean[best])))


def lowest(units: Units, count: np.ndarray | None = None) -> int:
    """Return the model with the lowest loss, the first of equal ones."""
    mean = units.mean(count)
    best = mean.min()
    return int(np.argmax(mean - best <= _TIE * abs(best)))


def corrected_loss(
    units: Units, choose: Choice, seed: int = 0
) -> tuple[float, tuple[float, float]]:
    """Return the loss of the model chosen, without the luck of it, and its interval.

    Units are drawn with replacement, a model is chosen on them and judged on those not
    drawn. What these losses exceed that of the model that all choose by, there, is what
    its loss is too low by; the interval is between their quantiles.

    Parameters
    ----------
    units : Units
        Held-out losses.
    choose : callable
        Returns the position of a model, from units and how often each counts.
    seed : int, default=0
        Of the draws.
    """
    chosen, n = choose(units, None), units.size.size
    mean = float(units.mean()[chosen])
    random, luck, losses = np.random.default_rng(seed), [0.0], [mean]
    for _ in range(_N_BOOTSTRAPS):
        count = np.bincount(random.integers(n, size=n), minlength=n).astype(float)
        left = count == 0
        if units.size[left].sum() > 0:
            out = units.mean(left.astype(float))
            picked = choose(units, count) if len(units.sums) > 1 else chosen
            luck.append(float(out[picked] - out[chosen]))
            losses.append(float(out[picked]))
    low, high = np.quantile(losses, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]).tolist()
    return mean + float(np.mean(luck)), (low, high)


@dataclass(frozen=True, eq=False, repr=False)
class Leaderboard:
    """Held-out losses of several models on the same rows.

    Parameters
    ----------
    models : list of str
        Names, the lowest loss first.
    loss : ndarray of shape (n_models,)
        Mean loss over all held-out rows, each with its sample weight.
    std_error : ndarray of shape (n_models,)
        Its standard error over rows, or groups of rows.
    difference : ndarray of shape (n_models,)
        The loss less that of the best model.
    difference_error : ndarray of shape (n_models,)
        The standard error of that, from the differences in each row.
    seconds : ndarray of shape (n_models,)
        Time of all fits in cross-validation.
    weight : ndarray of shape (n_models,)
        What each has in the model that was made, the mean over the tasks.
    loss_name : str
        "mean squared error", "log loss" or that of another loss.
    """

    models: list[str]
    loss: np.ndarray
    std_error: np.ndarray
    difference: np.ndarray
    difference_error: np.ndarray
    seconds: np.ndarray
    weight: np.ndarray
    loss_name: str

    def __repr__(self) -> str:
        return f"<Leaderboard: {len(self.models)} models, first {self.models[0]!r}>"

    def __str__(self) -> str:
        width = max(len("model"), *map(len, self.models))
        head = f"{'model':{width}} {'loss':>9} {'+-':>8} {'to best':>9} {'+-':>8}"
        lines = [f"held-out {self.loss_name}", f"{head} {'weight':>7} {'seconds':>8}"]
        for k, name in enumerate(self.models):
            lines.append(
                f"{name:{width}} {self.loss[k]:9.4g} {self.std_error[k]:8.2g} "
                f"{self.difference[k]:9.2g} {self.difference_error[k]:8.2g} "
                f"{self.weight[k]:7.2f} {self.seconds[k]:8.2f}"
            )
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a DataFrame, one row per model (needs pandas).

        Returns
        -------
        DataFrame of shape (n_models, 6)
            The attributes of these names.
        """
        import pandas as pd

        columns = {
            name: values
            for name, values in vars(self).items()
            if isinstance(values, np.ndarray)
        }
        return pd.DataFrame(columns, index=pd.Index(self.models, name="model"))


def leaderboard(
    names: list[str],
    units: Units,
    seconds: np.ndarray,
    weight: np.ndarray,
    loss_name: str,
) -> Leaderboard:
    """Return the models in the order of their losses."""
    mean = units.mean()
    order = np.argsort(mean, kind="stable")
    best = order[0]
    return Leaderboard(
        [names[k] for k in order],
        mean[order],
        units.error(units.sums)[order],
        mean[order] - mean[best],
        units.error(units.sums - units.sums[best])[order],
        seconds[order],
        weight[order],
        loss_name,
    )
