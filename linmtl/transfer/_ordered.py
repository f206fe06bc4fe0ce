"""Reports on ordered classes: proportional odds with thresholds in every task."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from scipy.special import log_expit
from sklearn.base import BaseEstimator

from linmtl.data._classes import on_classes
from linmtl.estimators._ordinal import OrdinalClassifier, OrdinalClassifierCV
from linmtl.estimators._pooled import PooledOrdinalClassifierCV
from linmtl.losses import MultinomialOfRows
from linmtl.model_selection._grid import best_strength, open_end
from linmtl.model_selection._held_out import mean_over_folds
from linmtl.penalties import Ridge
from linmtl.transfer._rows import Rows, levels_alone


class OrderedRows(Rows):
    """Rows of classes that have an order, as positions in it."""

    reads = OrdinalClassifier
    inside: ClassVar[dict[str, Any]] = {"class_order": None}

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.y = self.y.astype(int)
        self.classes = np.arange(self.y.max(initial=-1) + 1)
        self._several, self.loss = True, MultinomialOfRows()

    @staticmethod
    def without_optimum(given):
        data = given.data
        y, ptr = np.where(data.weight > 0, data.y, np.nan), data.task_ptr
        parts = [y[i:j] for i, j in pairwise(ptr)]
        return np.array([np.unique(part[~np.isnan(part)]).size < 2 for part in parts])

    def losses(self, model, rows):
        model = getattr(model, "model_", model)
        X, labels = self.X[rows], self.tasks[self.code[rows]]
        eta = model._linear_predictor(X, labels, every_task=False)
        eta = model._shifted(eta, None if self.offset is None else self.offset[rows])
        if eta.ndim == 1:  # log-odds
            eta = np.column_stack([log_expit(-eta), log_expit(eta)])
        return self._reported(rows, on_classes(eta, model._all_classes, self.classes))


class OrderedAlone(BaseEstimator):
    """Every task alone, with a ridge.

    Its strength is the best for all tasks or that of each, whichever does better by
    folds that have no say in it.

    Parameters
    ----------
    alphas : int
        Number of strengths.
    cv : int
        Number of folds.
    feature_mask : ndarray of shape (n_features, n_tasks), default=None
        Which features each task has.

    Attributes
    ----------
    model_ : OrdinalClassifier
        The models.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    at_bound_ : ndarray of bool of shape (n_tasks,)
        Tasks whose own strength is at an end of those tried, and a better one beyond.
    """

    def __init__(self, alphas: int, cv: int, feature_mask: Any = None):
        self.alphas, self.cv, self.feature_mask = alphas, cv, feature_mask

    def fit(self, X, y, tasks, sample_weight, **offset):
        """Choose strengths by folds, and fit."""
        search = OrdinalClassifierCV(
            Ridge(1.0), alphas=self.alphas, cv=self.cv, feature_mask=self.feature_mask
        ).fit(X, y, tasks, sample_weight, **offset)
        self.model_, self.tasks_ = search, search.tasks_
        losses, alphas = -search.task_scores_path_, search.alphas_
        own, common = (_honest_losses(losses, each) for each in (_own, _common))
        self.at_bound_ = np.zeros(self.tasks_.size, dtype=bool)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.log(own / common)
        if np.isfinite(gain).any() and np.mean(gain[np.isfinite(gain)]) < 0.0:
            mean = mean_over_folds(losses)
            best = _own(mean)
            self.at_bound_[:] = [
                k in (0, alphas.size - 1) and open_end(alphas, one) is not None
                for k, one in zip(best, mean.T, strict=True)
            ]
            self.model_ = OrdinalClassifier(
                Ridge(dict(zip(self.tasks_.tolist(), alphas[best], strict=True))),
                feature_mask=self.feature_mask,
            ).fit(X, y, tasks, sample_weight, **offset)
        return self


def _common(losses: np.ndarray) -> np.ndarray:
    """Return the best strength of all tasks for each, of (n_strengths, n_tasks)."""
    judged = ~np.isnan(losses).all(axis=0)
    return np.full(judged.size, best_strength(losses[:, judged].mean(axis=1)))


def _own(losses: np.ndarray) -> np.ndarray:
    """Return the best strength of each task, of all where it is not judged."""
    best = _common(losses)
    for t in np.flatnonzero(~np.isnan(losses).any(axis=0)):
        best[t] = best_strength(losses[:, t])
    return best


def _honest_losses(losses: np.ndarray, choose: Any) -> np.ndarray:
    """Return the loss of each task with strengths that the other folds choose.

    Of losses of shape (n_strengths, n_folds, n_tasks).
    """
    out = np.full(losses.shape[1:], np.nan)
    for k, row in enumerate(out):
        best = choose(mean_over_folds(np.delete(losses, k, axis=1)))
        row[:] = np.take_along_axis(losses[:, k], best[None], axis=0)[0]
    return mean_over_folds(out[None])[0]


def models_of_order(rows: OrderedRows, folds: int, n_alphas: int) -> dict[str, Any]:
    """Return every task alone, one model with their thresholds, and these, by name.

    Parameters
    ----------
    rows : OrderedRows
        The data.
    folds, n_alphas : int
        Folds in which strengths are chosen, and how many are tried.
    """
    same: dict[str, Any] = {
        "alphas": n_alphas,
        "cv": folds,
        "feature_mask": rows.present,
    }
    return {
        "alone": OrderedAlone(**same),
        "pooled": PooledOrdinalClassifierCV(Ridge(1.0), **same),
        "levels": OrdinalClassifier(levels_alone(), feature_mask=rows.present),
    }
