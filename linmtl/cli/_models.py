"""The models of the comparison: what they are, and how each is tuned."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from linmtl.cli._errors import InputError, closest, name_list
from linmtl.estimators import (
    GraphRegularizedClassifierCV,
    GraphRegularizedRegressorCV,
    IndependentClassifier,
    IndependentRegressor,
    L1ClassifierCV,
    L1RegressorCV,
    L21Classifier,
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressorCV,
    TraceNormClassifierCV,
    TraceNormRegressorCV,
)
from linmtl.estimators._pooled import PooledClassifierCV, PooledRegressorCV


class Kind(NamedTuple):
    label: str
    shares: str  # what the tasks share
    regressor: type
    classifier: type
    bounded: bool = False  # a finite strength makes all coefficients zero
    second: str | None = None  # another strength to choose
    one_intercept: bool = False  # for all tasks, instead of one each


KINDS = {
    "pooled": Kind(
        "pooled",
        "all coefficients",
        PooledRegressorCV,
        PooledClassifierCV,
    ),
    "independent": Kind(
        "independent",
        "nothing",
        IndependentRegressor,
        IndependentClassifier,
    ),
    "mean": Kind(
        "mean-regularised",
        "a mean model, to which all are drawn",
        MeanRegularizedRegressorCV,
        MeanRegularizedClassifierCV,
        second="alpha_mean",
    ),
    "l21": Kind(
        "L21",
        "the choice of features",
        L21RegressorCV,
        L21ClassifierCV,
        bounded=True,
    ),
    "trace": Kind(
        "trace norm",
        "a low-dimensional subspace",
        TraceNormRegressorCV,
        TraceNormClassifierCV,
        bounded=True,
    ),
    "l1": Kind(
        "L1",
        "the strength of the penalty",
        L1RegressorCV,
        L1ClassifierCV,
        bounded=True,
    ),
    "graph": Kind(
        "graph",
        "all other models, pairwise in a complete graph",
        GraphRegularizedRegressorCV,
        GraphRegularizedClassifierCV,
        second="alpha_ridge",
    ),
    "global": Kind(
        "global",
        "all coefficients and the intercept",
        PooledRegressorCV,
        PooledClassifierCV,
        one_intercept=True,
    ),
}
MODELS = tuple(KINDS)
DEFAULT_MODELS = ("pooled", "independent", "mean", "l21", "trace")
BASELINE = "independent"

N_ALPHAS = 20
EPS = 1e-3  # the smallest alpha of the first grid, where alpha_max is finite
SECOND_STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # features are standardised
_STEPS_BEYOND = 7  # alphas added where the best one is the last
_EXTENSIONS = 3  # times that this is done
TOL = 1e-6
# of the report on transfer, where tuning is repeated in each split: coarser
_COARSE = {"alphas": 10, "eps": EPS, "tol": 1e-4}
_COARSE_FOLDS = 3
_FLAT = 1e-3  # relative gain of the last alpha over the one before that is none
_ALL_ZERO = 1e15  # a strength


def check_models(models: Sequence[str]) -> list[str]:
    """Return the models' names in the order given, the baseline among them."""
    names = list(dict.fromkeys(models))
    for name in names:
        if name not in KINDS:
            raise InputError(
                f"there is no model {name!r}{closest(name, MODELS) or ';'} the models "
                f"are {name_list(MODELS, 30)}"
            )
    return names if BASELINE in names else [BASELINE, *names]


def make_model(name: str, classify: bool, cv: int, coarse: bool = False) -> Any:
    """Return the estimator that chooses its strengths."""
    kind = KINDS[name]
    estimator = kind.classifier if classify else kind.regressor
    if name == BASELINE:
        return estimator("cv", cv=cv, tol=TOL)
    tried = SECOND_STRENGTHS[::2] if coarse else SECOND_STRENGTHS
    settings: dict[str, Any] = {} if kind.second is None else {kind.second: tried}
    if kind.one_intercept:
        settings["task_intercepts"] = False
    if coarse:
        return estimator(cv=min(cv, _COARSE_FOLDS), **_COARSE, **settings)
    return estimator(alphas=N_ALPHAS, eps=EPS, cv=cv, tol=TOL, **settings)


def make_null_model(classify: bool) -> Any:
    """Return the estimator of each task's level, with coefficients of zero."""
    return (L21Classifier if classify else L21Regressor)(_ALL_ZERO)


def fit(
    model: Any, rows: tuple[np.ndarray, ...], bounded: bool
) -> tuple[bool, list[warnings.WarningMessage]]:
    """Fit, and again on a further grid where the end of the grid is the best.

    Not upwards if ``bounded``: all coefficients are zero there.

    Returns
    -------
    at_end : bool
        Whether the loss is still falling where the last grid ends.
    caught : list of WarningMessage
        The warnings of the last fit.
    """
    for further in reversed(range(_EXTENSIONS + 1)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(*rows)
        end = _steep_end(_held_out(model)) if hasattr(model, "alphas_") else None
        if end is None or (end == "high" and bounded):
            return False, caught
        if further:
            model.set_params(alphas=_beyond(np.atleast_2d(model.alphas_)[0], end))
    return True, caught


def _held_out(model: Any) -> np.ndarray:
    """Return the held-out loss of each strength, the second one as chosen."""
    path = model.mse_path_ if hasattr(model, "mse_path_") else -model.scores_path_
    losses = np.atleast_2d(path.mean(axis=-1))
    return losses[np.argmin(losses.min(axis=1))]


def _steep_end(losses: np.ndarray) -> str | None:
    """Return the end of a decreasing grid where the losses still fall, if any."""
    best = int(np.argmin(losses))
    if best == 0 and losses[0] < (1 - _FLAT) * losses[1]:
        return "high"
    if best == len(losses) - 1 and losses[-1] < (1 - _FLAT) * losses[-2]:
        return "low"
    return None


def _beyond(alphas: np.ndarray, end: str) -> np.ndarray:
    """Return a grid that begins one step before an end of a decreasing one.

    The end itself is then inside: if it stays the best, the search is over.
    """
    if end == "high":
        alphas = alphas[::-1]
    ratio = alphas[1] / alphas[0]
    return alphas[-2] * ratio ** np.arange(_STEPS_BEYOND + 2)
