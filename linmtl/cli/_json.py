"""A comparison as JSON for programs."""

from __future__ import annotations

import math
import platform
from importlib.metadata import version
from typing import Any

import numpy as np

from linmtl.cli._models import EPS, N_ALPHAS
from linmtl.cli._report import verdict
from linmtl.cli._results import MARGIN, Comparison, ModelResult
from linmtl.transfer import NegativeTransferReport
from linmtl.version import __version__

# of the loss of a task, its score, and those of all test rows and within tasks
_KEYS = {
    "logistic": ("log_loss", "accuracy", "accuracy", "mean_log_loss"),
    "squared": ("mse", "explained_variance", "r2", "r2_within"),
}
_OF_OTHER_LOSSES = "loss", "explained", "d2", "d2_within"
_PACKAGES = ("numpy", "scipy", "scikit-learn", "numba")


def to_json(comparison: Comparison, data: dict[str, Any]) -> dict[str, Any]:
    """Return every number of a comparison in types that JSON knows.

    Parameters
    ----------
    comparison : Comparison
        The results.
    data : dict
        What is known of the data: file, target, task and so on.
    """
    c = comparison
    return plain(
        {
            "linmtl": __version__,
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in _PACKAGES},
            },
            "data": {
                **data,
                "kind": "classification" if c.classify else "regression",
                "n_tasks": len(c.tasks),
                "n_train": c.n_train.sum(),
                "n_test": c.n_test.sum(),
                "features": c.feature_names,
            },
            "settings": {
                "train": c.train_size,
                "seed": c.random_state,
                "folds": c.cv,
                "n_alphas": N_ALPHAS,
                "smallest_alpha": EPS,
                "margin": MARGIN,
                "tol": c.models[0].tol,
                "loss": c.loss.name,
                "loss_parameters": c.loss.settings(),
            },
            "notes": c.notes,
            "best": c.best.name,
            "verdict": verdict(c),
            "models": [_model_json(c, model) for model in c.models],
            "levels": _model_json(c, c.levels),
            "auto": _auto_json(c),
        }
    )


def _auto_json(c: Comparison) -> dict[str, Any] | None:
    """Return what would be made of the models; losses are those of a row."""
    if c.auto is None:
        return None
    names, auto = [model.name for model in c.models], c.auto
    return {
        "estimator": auto.estimator,
        "best": {"model": auto.best.name, **auto.best_loss._asdict()},
        "stack": {
            "weights": dict(zip(names, auto.weights, strict=True)),
            **auto.stack_loss._asdict(),
            **_model_json(c, auto.stack),
        },
    }


def _model_json(c: Comparison, m: ModelResult) -> dict[str, Any]:
    better, equal, worse = c.against_alone(m)
    loss, score, all_rows, within = _KEYS.get(c.loss.name, _OF_OTHER_LOSSES)
    alphas = np.broadcast_to(m.alpha, c.tasks.shape)
    return {
        "model": m.name,
        "estimator": m.estimator,
        "alpha": None if isinstance(m.alpha, np.ndarray) else m.alpha,
        "alpha_at_end": m.at_end,
        **m.second,
        all_rows: m.score,
        within: m.within,
        "median_saved": c.median_saved(m),
        "tasks_better": better,
        "tasks_equal": equal,
        "tasks_worse": worse,
        "null_tasks": m.null_tasks,
        "gap": m.gap,
        "certified": m.certified,
        "n_iter": m.n_iter,
        "seconds": m.seconds,
        "tasks": [
            {
                "task": c.tasks[t],
                "n_train": c.n_train[t],
                "n_test": c.n_test[t],
                "alpha": alphas[t],
                loss: m.task_loss[t],
                score: m.task_score[t],
            }
            for t in range(len(c.tasks))
        ],
    }


def transfer_json(report: NegativeTransferReport | None) -> dict[str, Any] | None:
    """Return every number of a report on transfer in types that JSON knows."""
    if report is None:
        return None
    return plain(
        {
            "model": report.model,
            "loss": report.loss,
            "n_splits": len(report.losses["model"]),
            "false_discovery_rate": report.level,
            "summary": report.summary,
            "tasks": [
                {
                    "task": report.tasks[t],
                    "n_samples": report.n_samples[t],
                    **{
                        f"{what}_{name}": getattr(comparison, what)[t]
                        for name, comparison in (
                            ("alone", report.alone),
                            ("pooled", report.pooled),
                        )
                        for what in ("effect", "low", "high", "adjusted", "verdict")
                    },
                }
                for t in range(len(report.tasks))
            ],
        }
    )


def plain(value: Any) -> Any:
    """Turn NumPy's types into Python's, and what is not finite into None."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
