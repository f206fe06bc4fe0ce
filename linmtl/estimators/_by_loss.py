"""Estimators by the loss they are to have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linmtl.data._checks import check_choice
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._task_model import TaskModel
from linmtl.losses import LOSSES, Loss


def loss_of(model: TaskModel) -> dict[str, Any]:
    """Return the parameters that give another estimator of its kind a model's loss."""
    return settings_of(model._loss())


def settings_of(loss: Loss) -> dict[str, Any]:
    """Return the parameters that give an estimator a loss."""
    return {"loss": loss.name, **loss.settings()}


def loss_told(loss: Loss) -> str:
    """Return a loss as the parameters that an estimator has for it."""
    return ", ".join(f"{name}={value!r}" for name, value in settings_of(loss).items())


def model_of_loss(
    kinds: Sequence[type[MultiTaskModel]],
    loss: str,
    of_loss: dict[str, Any],
    *args: Any,
    **options: Any,
) -> MultiTaskModel:
    """Return an estimator with the loss of a name, of the first kind that takes it.

    Parameters
    ----------
    kinds : sequence of estimator classes
        What may be returned.
    loss : str
        Name of the loss.
    of_loss : dict
        Parameters of losses; those of others than this one do not matter.
    *args, **options
        Other parameters of the estimator.
    """
    by_name = {name: kind for kind in reversed(kinds) for name in kind._losses}
    check_choice("loss", loss, tuple(by_name))
    known = {p for name in by_name.keys() & LOSSES for p in LOSSES[name].parameters()}
    for name in of_loss.keys() - known:
        raise TypeError(f"unexpected keyword argument {name!r}")
    model = by_name[loss](*args, **options)
    mine = {**of_loss, "loss": loss}
    return model.set_params(**{k: v for k, v in mine.items() if hasattr(model, k)})
