"""The models of the comparison: what they are, and how each is tuned."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from linmtl.auto._candidates import CANDIDATES, Candidate
from linmtl.data._errors import InputError, name_list
from linmtl.data._suggestions import closest
from linmtl.estimators import L21Classifier, L21Regressor
from linmtl.estimators._by_loss import settings_of
from linmtl.losses import LOSSES, Loss


class Kind(NamedTuple):
    label: str
    shares: str  # what the tasks share
    candidate: Candidate
    second: str | None = None  # another strength, which the estimator chooses
    one_intercept: bool = False  # for all tasks, instead of one each
    by_folds: bool = True  # strengths by cross-validation, else by the likelihood


KINDS = {
    "pooled": Kind(
        "pooled",
        "all coefficients",
        CANDIDATES["pooled"],
    ),
    "independent": Kind(
        "independent",
        "nothing",
        CANDIDATES["independent"],
    ),
    "mixed": Kind(
        "mixed effects",
        "a mean model, each feature as far as the tasks agree about it",
        CANDIDATES["mixed"],
        by_folds=False,
    ),
    "mean": Kind(
        "mean-regularised",
        "a mean model, to which all are drawn",
        CANDIDATES["mean"],
        second="alpha_mean",
    ),
    "l21": Kind(
        "L21",
        "the choice of features",
        CANDIDATES["l21"],
    ),
    "trace": Kind(
        "trace norm",
        "a low-dimensional subspace",
        CANDIDATES["trace"],
    ),
    "l1": Kind(
        "L1",
        "the strength of the penalty",
        CANDIDATES["l1"],
    ),
    "graph": Kind(
        "graph",
        "all other models, pairwise in a complete graph",
        CANDIDATES["graph"],
        second="alpha_ridge",
    ),
    "global": Kind(
        "global",
        "all coefficients and the intercept",
        CANDIDATES["pooled"],
        one_intercept=True,
    ),
}
MODELS = tuple(KINDS)
DEFAULT_MODELS = ("pooled", "independent", "mixed", "mean", "l21", "trace")
BASELINE = "independent"

N_ALPHAS = 20
EPS = 1e-3  # the smallest alpha of the first grid, where alpha_max is finite
TOL, _SEARCH_TOL = 1e-6, 1e-4
# of the report on transfer, where tuning is repeated in each split: coarser
_COARSE = {"alphas": 10, "eps": EPS, "tol": 1e-4}
_COARSE_FOLDS = 3
_ALL_ZERO = 1e15  # a strength
_LOSSES = {name: loss for name, loss in LOSSES.items() if not loss.classify}
# features up to which a mixed model, cubic in them, takes seconds: numbers, classes
_MAX_MIXED = 50, 20


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


def without_what_fails(
    names: list[str], default: bool, loss: Loss, n_classes: int, n_features: int
) -> tuple[list[str], list[str]]:
    """Return the models that serve such data, and notes of others.

    Raises
    ------
    InputError
        If one that was asked for, and not by default, is not for so many classes.
    """
    left, notes = [], []
    for name in names:
        kind, most = KINDS[name], _MAX_MIXED[loss.classify]
        if not kind.candidate.takes(loss):
            notes.append(
                f"without {kind.label}, which does not take the loss {loss.name}"
            )
            continue
        several = not kind.by_folds and n_classes > 2
        if several and not default:
            raise InputError(
                f"the model {name!r} is for two classes, and there are {n_classes}"
            )
        if several:
            notes.append(f"without {kind.label}, which is for two classes")
        elif default and not kind.by_folds and n_features > most:
            notes.append(
                f"without {kind.label}, which takes long with over {most} features "
                f"(--models {name})"
            )
        else:
            left.append(name)
    return left, notes


def make_model(
    name: str, loss: Loss, cv: int, coarse: bool = False, n_jobs: int | None = None
) -> Any:
    """Return the estimator that chooses its strengths."""
    kind = KINDS[name]
    make = partial(kind.candidate.make, loss)
    if not kind.by_folds:
        return make(tol=TOL)
    if name == BASELINE:
        return make("cv", cv=cv, per_task="auto", tol=TOL)
    if kind.one_intercept:
        make = partial(make, task_intercepts=False)
    if coarse:
        return make(cv=min(cv, _COARSE_FOLDS), **_COARSE)
    model = make(alphas=N_ALPHAS, eps=EPS, cv=cv, tol=TOL, n_jobs=n_jobs)
    model._search_tol = (
        _SEARCH_TOL  # the best and those beside it are exact all the same
    )
    return model


def make_null_model(loss: Loss) -> Any:
    """Return the estimator of each task's level, with coefficients of zero."""
    kind = L21Classifier if loss.classify else L21Regressor
    return kind(_ALL_ZERO, **settings_of(loss))


def loss_named(text: str) -> Loss:
    """Return the loss of numbers that ``NAME`` or ``NAME:PARAMETER`` stands for.

    Raises
    ------
    InputError
        If there is none, or a parameter is not allowed.
    """
    name, *given = text.strip().split(":")
    if name not in _LOSSES:
        raise InputError(
            f"there is no loss {name!r}{closest(name, _LOSSES) or ';'} the losses of "
            f"numbers are {losses_told()}"
        )
    kind = _LOSSES[name]
    if len(given) > len(kind.parameters()):
        raise InputError(f"--loss {text}: it is {_told(kind)}")
    try:
        loss = kind(*map(float, given))
        loss.check()
    except ValueError as error:
        raise InputError(f"--loss {text}: {error}") from None
    return loss


def losses_told() -> str:
    """Return the names of the losses of numbers, with their parameters."""
    return ", ".join(map(_told, _LOSSES.values()))


def _told(kind: type[Loss]) -> str:
    return kind.name + "".join(f"[:{p.attribute}]" for p in kind.parameters().values())


def fit(
    model: Any, rows: tuple[np.ndarray, ...], offset: np.ndarray | None = None
) -> tuple[bool, list[warnings.WarningMessage]]:
    """Fit a model, and return what is to be said of it.

    Returns
    -------
    at_end : bool
        Whether the loss is still falling where the grid of strengths ends.
    caught : list of WarningMessage
        The warnings.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*rows, offset=offset)
    return bool(np.any(getattr(model, "at_bound_", False))), caught
