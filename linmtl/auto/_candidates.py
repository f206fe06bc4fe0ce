"""The models that are tried, from what is simple to what is not."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from linmtl.estimators import (
    AdaptiveRobustClassifierCV,
    AdaptiveRobustRegressorCV,
    ClusteredClassifierCV,
    ClusteredRegressorCV,
    GraphRegularizedClassifierCV,
    GraphRegularizedRegressorCV,
    IndependentClassifier,
    IndependentRegressor,
    L1ClassifierCV,
    L1RegressorCV,
    L21ClassifierCV,
    L21RegressorCV,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressorCV,
    MixedEffectsClassifier,
    MixedEffectsRegressor,
    TraceNormClassifierCV,
    TraceNormRegressorCV,
)
from linmtl.estimators._by_loss import settings_of
from linmtl.estimators._pooled import PooledClassifierCV, PooledRegressorCV
from linmtl.estimators._task_model import TaskModel
from linmtl.losses import Loss


class Candidate(NamedTuple):
    """A kind of model, for numbers and for classes.

    Attributes
    ----------
    regressor, classifier : type
        The estimators.
    """

    regressor: type[TaskModel]
    classifier: type[TaskModel]

    def kind(self, loss: Loss) -> type[TaskModel]:
        """Return the estimator for the targets of a loss."""
        return self.classifier if loss.classify else self.regressor

    def takes(self, loss: Loss) -> bool:
        """Return whether there is one with this loss."""
        kind: Any = self.kind(loss)
        return loss.name in kind._losses

    def make(self, loss: Loss, *args: Any, **settings: Any) -> Any:
        """Return the estimator with this loss, which it takes, and other parameters."""
        kind: Any = self.kind(loss)
        known = inspect.signature(kind).parameters
        named = settings_of(loss) if "loss" in known else {}
        return kind(*args, **named, **settings)


# what there is to compare and to choose from, here and on the command line
CANDIDATES = {
    "pooled": Candidate(PooledRegressorCV, PooledClassifierCV),
    "independent": Candidate(IndependentRegressor, IndependentClassifier),
    "mixed": Candidate(MixedEffectsRegressor, MixedEffectsClassifier),
    "mean": Candidate(MeanRegularizedRegressorCV, MeanRegularizedClassifierCV),
    "l21": Candidate(L21RegressorCV, L21ClassifierCV),
    "trace": Candidate(TraceNormRegressorCV, TraceNormClassifierCV),
    "l1": Candidate(L1RegressorCV, L1ClassifierCV),
    "graph": Candidate(GraphRegularizedRegressorCV, GraphRegularizedClassifierCV),
    "clustered": Candidate(ClusteredRegressorCV, ClusteredClassifierCV),
    "adaptive": Candidate(AdaptiveRobustRegressorCV, AdaptiveRobustClassifierCV),
}

# every model is tuned in each fold anew, hence more coarsely than alone
_FOLDS = 3
_SEARCH: dict[str, Any] = {"alphas": 12, "cv": _FOLDS, "tol": 1e-3}
# where features are collinear a free common model takes many iterations, and is worse
_ABOUT_MEAN: dict[str, Any] = _SEARCH | {
    "around": "mean",
    "alpha_mean": 1e-2,
    "scale_features": True,
}
# names in the leaderboard, and what is tried, from what is simple to what is not
_TRIED: dict[str, tuple[str, dict[str, Any]]] = {
    "pooled": ("pooled", {"task_intercepts": False, **_SEARCH}),
    "pooled, task intercepts": ("pooled", _SEARCH),
    # on few rows the choice of a strength for each task is mostly noise
    "independent": ("independent", {"alpha": "cv", "cv": _FOLDS, "per_task": "auto"}),
    "mixed effects": ("mixed", {}),
    # of few tasks the variances of many features are noise, too
    "mixed effects, one variance": ("mixed", {"covariance": "scalar"}),
    "mean-regularised": ("mean", _SEARCH),
    "L21": ("l21", _SEARCH),
    "L21 around the mean": ("l21", _ABOUT_MEAN),
    "trace norm": ("trace", _SEARCH),
    "trace norm around the mean": ("trace", _ABOUT_MEAN),
    "clustered": ("clustered", _SEARCH),
    "adaptive robust": ("adaptive", _SEARCH),
}
# of one task, those that differ there
_OF_ONE = {"ridge": _TRIED["independent"], "lasso": _TRIED["L21"]}


def default_models(
    loss: Loss,
    layout: str,
    n_tasks: int,
    several: bool = False,
    offset: bool = False,
    absent: bool = False,
) -> dict[str, TaskModel]:
    """Return the models to try where the user names none, by name.

    Those that take the loss. With a single task, those that differ there; not for wide
    data one that predicts the same for all tasks. Of more than two classes
    (``several``), with an ``offset`` and with features that some tasks do not have
    (``absent``) those that take them.
    """
    tried = dict(_OF_ONE if n_tasks == 1 else _TRIED)
    if layout == "wide":
        tried.pop("pooled", None)
    models = {
        name: CANDIDATES[candidate].make(loss, **settings)
        for name, (candidate, settings) in tried.items()
        if CANDIDATES[candidate].takes(loss)
    }
    return {
        name: model
        for name, model in models.items()
        if (model._takes_classes or not several)
        and (model._takes_offset or not offset)
        and (model._takes_absent or not absent)
    }


def named(models: Any, owner: str) -> dict[str, Any]:
    """Return the models of a list by name, made up where there is none.

    ``owner`` is what was given the list, for errors.

    Raises
    ------
    TypeError, ValueError
        If it is no list, or names are not told apart.
    """
    if isinstance(models, (str, Mapping)) or not isinstance(models, Iterable):
        got = repr(models) if isinstance(models, str) else f"a {type(models).__name__}"
        raise TypeError(
            f"{owner}: models must be a list of estimators or (name, estimator) pairs, "
            f"got {got}"
        )
    out: dict[str, Any] = {}
    for entry in models:
        name, model = entry if isinstance(entry, tuple) else (None, entry)
        if name is None:
            name = re.sub("(Regressor|Classifier)", "", type(model).__name__)
            alike = sum(known.partition(" ")[0] == name for known in out)
            name = f"{name} {alike + 1}" if alike else name
        if not isinstance(name, str) or name in out:
            raise ValueError(
                f"models: names must be strings and differ, got {name!r} once more"
                if name in out
                else f"models: names must be strings, got {name!r}"
            )
        out[name] = model
    return out
