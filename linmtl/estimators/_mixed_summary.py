"""A table of what a mixed model found."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

import numpy as np
from scipy.stats import norm

from linmtl.data._errors import name_list
from linmtl.data._labels import one_line
from linmtl.mixed._model import MixedModel

_DRAWN = (
    "Common coefficients are drawn to zero by a normal prior, which is not tested;\n"
    "shrink_mean=False has z and p."
)
_WIDTH = 79
_NO_DIFFERENCE = 1e-10  # of a standard deviation, relative to the largest; rounding


def origin_and_units(estimator: Any, model: MixedModel) -> list[str]:
    """Say which features should be centred or scaled for this covariance."""
    covariance, names = estimator.covariance, _features(estimator, model)
    found = []
    far = model.far_from_zero()
    if covariance != "full" and far.size:
        found.append(
            "features lie far from zero for how they vary within tasks, "
            f"{name_list(names[far])}: a random intercept is a task's level at zero, "
            f"and with covariance={covariance!r} differences between slopes are hidden "
            'there; centre features (StandardScaler), or take covariance="full"'
        )
    unlike = model.in_different_units()
    if covariance == "scalar" and unlike.size:
        found.append(
            f"features are in different units, {name_list(names[unlike])}: covariance="
            "'scalar' is one variance for all; scale them (StandardScaler), or take "
            'covariance="diagonal"'
        )
    return found


def _features(estimator: Any, model: MixedModel) -> np.ndarray:
    """Return the names of the features, made up where they have none."""
    names = getattr(estimator, "coef_feature_names_", None)
    if names is None:
        names = [f"x{j}" for j in range(model.frame.scale.size)]
    return np.array([one_line(name) for name in names], dtype=object)


@dataclass(frozen=True, repr=False)
class MixedEffectsSummary:
    """Estimates of a mixed-effects model.

    Attributes
    ----------
    names : list of str
        The common effects: the intercept, the features, and their products with task
        features.
    estimate : ndarray of shape (n_effects,)
        Their estimates; NaN for one that others determine.
    std_error : ndarray of shape (n_effects,)
        Their standard errors, NaN without an estimate.
    random : list of str
        The effects that differ between tasks.
    std : ndarray of shape (n_random,)
        The standard deviation of each over the tasks.
    noise : float or None
        The standard deviation of the noise, its root mean square over tasks; None for
        labels.
    log_likelihood : float
        The log-likelihood, restricted or not.
    method : {"reml", "ml"}
        Which of the two.
    n_samples : float
        The sum of the sample weights.
    n_tasks : int
        The number of tasks.
    drawn : bool
        Whether common coefficients have a normal prior: they are predictions then, and
        tests of them, z and p, are NaN.
    cautions : list of str
        What the origin or the units of features make of the model.
    correlation : ndarray of shape (n_random, n_random) or None
        The correlations of the effects over the tasks, NaN for one that does not differ
        between them; None for a covariance without any, such as "diagonal".
    """

    names: list[str]
    estimate: np.ndarray
    std_error: np.ndarray
    random: list[str]
    std: np.ndarray
    noise: float | None
    log_likelihood: float
    method: str
    n_samples: float
    n_tasks: int
    drawn: bool = False
    cautions: list[str] = field(default_factory=list)
    correlation: np.ndarray | None = None

    @classmethod
    def of(cls, estimator: Any, model: MixedModel) -> MixedEffectsSummary:
        """Return the summary of a fitted estimator.

        Parameters
        ----------
        estimator : object
            The estimator.
        model : MixedModel
            What it found.
        """
        columns = _features(estimator, model).tolist()
        if model.frame.intercept:
            columns = ["(intercept)", *columns]
        q = model.likelihood.Z.shape[1]
        names = columns + [
            f"{name} : task feature {k}" for k in range(q - 1) for name in columns
        ]
        M, V = model.fixed_effects()
        std_error = np.sqrt(np.maximum(np.diag(V), 0.0))
        known = np.isin(np.arange(M.size), model.likelihood.kept)
        noisy = hasattr(estimator, "noise_")
        return cls(
            names,
            np.where(known, M, np.nan),
            np.where(known, std_error, np.nan),
            columns,
            np.sqrt(np.diag(model.covariance)),
            float(np.sqrt(np.mean(model.noise**2))) if noisy else None,
            estimator.log_likelihood_,
            estimator.method,
            model.n_samples,
            model.sums.n_tasks,
            bool(model.likelihood.log_prior),
            origin_and_units(estimator, model),
            _correlation(model.covariance),
        )

    @property
    def z(self) -> np.ndarray:
        """Estimates over their standard errors, (n_effects,)."""
        if self.drawn:
            return np.full(self.estimate.shape, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.estimate / self.std_error

    @property
    def p_value(self) -> np.ndarray:
        """Two-sided p-values of these by the normal distribution, (n_effects,)."""
        return 2.0 * norm.sf(np.abs(self.z))

    def to_frame(self) -> Any:
        """Return the common effects as a DataFrame; needs pandas.

        Returns
        -------
        DataFrame
            One row per effect: "estimate", "std_error", "z", "p_value", and "std", its
            standard deviation over the tasks; with `correlation` also a column "corr"
            and a name for each of the effects that differ between these.
        """
        import pandas as pd

        q = len(self.random)
        std = np.full(len(self.names), np.nan)
        std[:q] = self.std
        columns = {
            "estimate": self.estimate,
            "std_error": self.std_error,
            "z": self.z,
            "p_value": self.p_value,
            "std": std,
        }
        for j in self._correlated():
            assert self.correlation is not None
            columns[f"corr {self.random[j]}"] = np.full(len(self.names), np.nan)
            columns[f"corr {self.random[j]}"][:q] = self.correlation[:, j]
        return pd.DataFrame(columns, index=self.names)

    def _correlated(self) -> np.ndarray:
        """Return the effects that have correlations with others, positions."""
        if self.correlation is None:
            return np.arange(0)
        return np.flatnonzero(~np.isnan(np.diag(self.correlation)))

    def __str__(self) -> str:
        kind = {"reml": "restricted log-likelihood", "ml": "log-likelihood"}
        width = max(map(len, [*self.names, "noise"]))
        lines = [
            f"{_rows(self.n_samples)}, {self.n_tasks} tasks; "
            f"{kind[self.method]} {self.log_likelihood:.4f}",
            "",
            f"{'common':{width}}  {'estimate':>10} {'std error':>10} {'z':>8} {'p':>8}",
        ]
        rows = zip(
            self.names, self.estimate, self.std_error, self.z, self.p_value, strict=True
        )
        for name, estimate, error, z, p in rows:
            lines.append(
                f"{name:{width}}  {estimate:10.4g} {error:10.4g} {_short(z)} {p:8.3f}"
            )
        among = self._correlated()
        fits = len(among) <= (_WIDTH - width - 13) // 6 + 1
        head = f"  {'corr':>5}" if among.size and fits else ""
        lines += ["", f"{'between tasks':{width}}  {'std':>10}{head}"]
        for j, (name, std) in enumerate(zip(self.random, self.std, strict=True)):
            row = ""
            if head and j in among:
                assert self.correlation is not None
                before = self.correlation[j, among[among < j]]
                row = "".join(f" {r:5.2f}" for r in before)
            lines.append(f"{name:{width}}  {std:10.4g}{' ' * bool(row)}{row}")
        if among.size and not fits:
            lines.append(f"correlations of {len(among)} effects: see to_frame()")
        if self.noise is not None:
            lines.append(f"{'noise':{width}}  {self.noise:10.4g}")
        if self.drawn:
            lines += ["", _DRAWN]
        for text in self.cautions:
            lines += ["", *wrap(text, _WIDTH)]
        return "\n".join(lines)

    __repr__ = __str__


def _correlation(covariance: np.ndarray) -> np.ndarray | None:
    """Return the correlations of the random effects, None where there are none."""
    std = np.sqrt(np.diag(covariance))
    differs = std > _NO_DIFFERENCE * std.max(initial=0.0)
    among, out = np.ix_(differs, differs), np.full(covariance.shape, np.nan)
    out[among] = covariance[among] / np.outer(std[differs], std[differs])
    apart = out[among] - np.eye(int(differs.sum()))
    return out if np.any(np.abs(apart) > _NO_DIFFERENCE) else None


def _rows(weight: float) -> str:
    """Return how many rows there are; weights may be fractions of one."""
    whole = weight == round(weight)
    return f"{weight:.0f} rows" if whole else f"rows of a total weight of {weight:g}"


def _short(z: float) -> str:
    """Return a statistic in eight characters, of a model without noise too."""
    return f"{z:8.2f}" if not abs(z) >= 1e5 else f"{z:8.1e}"
