"""The models that are tried, from what is simple to what is not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from linmtl.estimators import (
    AdaptiveRobustClassifierCV,
    AdaptiveRobustRegressorCV,
    ClusteredClassifierCV,
    ClusteredRegressorCV,
    IndependentClassifier,
    IndependentRegressor,
    L21ClassifierCV,
    L21RegressorCV,
    MeanRegularizedClassifierCV,
    MeanRegularizedRegressorCV,
    MixedEffectsClassifier,
    MixedEffectsRegressor,
    TraceNormClassifierCV,
    TraceNormRegressorCV,
)
from linmtl.estimators._pooled import PooledClassifierCV, PooledRegressorCV
from linmtl.estimators._task_model import TaskModel

# every model is tuned in each fold anew, hence more coarsely than alone
_FOLDS = 3
_SEARCH: dict[str, Any] = {"alphas": 12, "cv": _FOLDS, "tol": 1e-3}
# where features are collinear a free common model takes many iterations, and is worse
_ABOUT_MEAN: dict[str, Any] = _SEARCH | {
    "around": "mean",
    "alpha_mean": 1e-2,
    "scale_features": True,
}


def default_models(
    classify: bool,
    layout: str,
    n_tasks: int,
    several: bool = False,
    offset: bool = False,
    absent: bool = False,
) -> dict[str, TaskModel]:
    """Return the models to try where the user names none, by name.

    With a single task, those that differ there; not for wide data one that predicts the
    same for all tasks. Of more than two classes (``several``), with an ``offset`` and
    with features that some tasks do not have (``absent``) those that take them.
    """
    pick = 1 if classify else 0

    def make(*kinds: Any, **settings: Any) -> Any:
        return kinds[pick](**settings)

    pooled = PooledRegressorCV, PooledClassifierCV
    l21 = L21RegressorCV, L21ClassifierCV
    trace = TraceNormRegressorCV, TraceNormClassifierCV
    alone = make(IndependentRegressor, IndependentClassifier, alpha="cv", cv=_FOLDS)
    sparse = make(*l21, **_SEARCH)
    if n_tasks == 1:
        return {"ridge": alone, "lasso": sparse}
    models = {
        "pooled": make(*pooled, task_intercepts=False, **_SEARCH),
        "pooled, task intercepts": make(*pooled, **_SEARCH),
        "independent": alone,
        "mixed effects": make(MixedEffectsRegressor, MixedEffectsClassifier),
        "mean-regularised": make(
            MeanRegularizedRegressorCV, MeanRegularizedClassifierCV, **_SEARCH
        ),
        "L21": sparse,
        "L21 around the mean": make(*l21, **_ABOUT_MEAN),
        "trace norm": make(*trace, **_SEARCH),
        "trace norm around the mean": make(*trace, **_ABOUT_MEAN),
        "clustered": make(ClusteredRegressorCV, ClusteredClassifierCV, **_SEARCH),
        "adaptive robust": make(
            AdaptiveRobustRegressorCV, AdaptiveRobustClassifierCV, **_SEARCH
        ),
    }
    if layout == "wide":
        del models["pooled"]
    return {
        name: model
        for name, model in models.items()
        if (model._takes_classes or not several)
        and (model._takes_offset or not offset)
        and (model._takes_absent or not absent)
    }


def named(models: Sequence[Any]) -> dict[str, Any]:
    """Return the models of a list by name, made up where there is none."""
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
