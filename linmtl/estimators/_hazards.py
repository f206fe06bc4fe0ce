"""What models of times to an event answer: risks, survival, concordance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._labels import as_task_labels, codes_of, some
from linmtl.data._read import read_predict, read_X
from linmtl.data._survival import Times
from linmtl.estimators._predictions import PredictsTargets
from linmtl.losses import RiskSets
from linmtl.metrics import concordance_index


class Baseline(NamedTuple):
    """The hazard of the rows of a task and stratum whose predictors are zero."""

    times: np.ndarray
    log_hazard: np.ndarray  # the logarithm of the cumulative one


def baselines(
    sets: RiskSets, y: np.ndarray, coded: Times | None
) -> dict[tuple[int, int], Baseline]:
    """Return baseline hazards by the positions of their task and stratum."""
    found = {}
    for task, start, stop in zip(sets.task, sets.ptr[:-1], sets.ptr[1:], strict=True):
        times, stratum = np.abs(y[sets.order[start:stop]]), 0
        if coded is not None:
            times, strata = coded.decoded(times)
            stratum = int(strata[0])
        hazard = sets.hazard[start:stop]
        last = np.append(np.diff(times) > 0, True)
        found[int(task), stratum] = Baseline(times[last], hazard[last])
    return found


class PredictsHazards(PredictsTargets):
    """Mixin of models of times to an event."""

    tasks_: np.ndarray
    _times: Times | None = None  # of a structured y
    _baselines: dict[tuple[int, int], Baseline]

    def predict(
        self,
        X: Any,
        tasks: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Predict the logarithm of each row's hazard relative to ``x = 0``.

        The higher, the sooner the event is to be expected; rows are comparable within
        their task (and stratum).

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.
            A wide Y: also one column per task.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_tasks)
            One number per row; one column per task for a model fitted on a wide Y.
        """
        return super().predict(X, tasks, offset=offset)

    def predict_survival(
        self,
        X: Any,
        times: ArrayLike,
        tasks: ArrayLike | None = None,
        *,
        strata: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> np.ndarray:
        """Predict the probability that the event has not come by some times.

        With Breslow's estimate of the baseline hazard of each task and stratum.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        times : float or array-like of shape (n_times,)
            Times, in the units of y. Beyond the last event the curve is flat.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row, where the model was fitted with ``tasks``.
        strata : array-like of shape (n_samples,), default=None
            The stratum of each row, where the model was fitted with strata.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.

        Returns
        -------
        ndarray of shape (n_samples, n_times) or (n_samples, n_tasks, n_times)
            Probabilities; for a model fitted on a wide Y, unless `tasks` says which to
            take, of every task.

        Raises
        ------
        ValueError
            If a task or a stratum of it was not seen in fit: its baseline is not known.
        """
        tasks = list(tasks) if isinstance(tasks, Iterator) else tasks
        eta = self._eta(X, tasks, offset)
        codes = read_predict(self, X, tasks)[1]
        if codes is None:
            codes = np.arange(eta.shape[1]) if eta.ndim == 2 else np.zeros(1, dtype=int)
        of_row = self._strata_of(strata, len(eta))
        at = np.atleast_1d(np.asarray(times, dtype=float))
        if at.ndim != 1 or np.isnan(at).any():
            raise ValueError(
                "times must be a number or a list of numbers, none missing"
            )
        pairs = np.stack(np.broadcast_arrays(codes, of_row), axis=-1)
        pairs = np.broadcast_to(
            pairs if eta.ndim == 1 else pairs.reshape(-1, *eta.shape[1:], 2),
            (*eta.shape, 2),
        )
        kinds, place = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
        curves = np.array([self._curve(t, k, at) for t, k in kinds.tolist()])
        log_hazard = eta[..., None] + curves[place].reshape(*eta.shape, at.size)
        with np.errstate(over="ignore"):
            return np.exp(-np.exp(log_hazard))

    def _strata_of(self, strata: Any, n_rows: int) -> np.ndarray:
        """Return the position of the stratum of each row."""
        name = type(self).__name__
        known = None if self._times is None else self._times.strata
        if (known is None) != (strata is None):
            raise ValueError(
                f"{name} was fitted without strata; drop strata="
                if known is None
                else f"{name} was fitted with strata; pass strata= with one label a row"
            )
        if known is None:
            return np.zeros(1, dtype=int)
        codes = codes_of(as_task_labels(strata, n_rows, name="strata"), known)
        if np.any(codes < 0):
            raise ValueError(f"strata must be among those seen in fit, {some(known)}")
        return codes

    def _curve(self, task: int, stratum: int, at: np.ndarray) -> np.ndarray:
        baseline = self._baselines.get((task, stratum))
        if baseline is None:
            what = "a task" if task < 0 else f"task {some(self.tasks_[[task]])}"
            raise ValueError(
                f"{type(self).__name__}: {what} has no rows in fit (of that stratum), "
                "and so no baseline hazard; predict ranks its rows"
            )
        place = np.searchsorted(baseline.times, at, side="right")
        return np.append(-np.inf, baseline.log_hazard)[place]

    def score(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
    ) -> float:
        """Return the concordance of predictions and times (Harrell's C).

        Of all pairs of rows of the same task (and stratum) that are comparable.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Times and events, as in `fit`.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights.
        offset : float or array-like of shape (n_samples,), default=None
            As for ``predict``.

        Returns
        -------
        float
            The score, 1 at best, one half by chance; NaN where no pair is comparable.
        """
        tasks = list(tasks) if isinstance(tasks, Iterator) else tasks
        risk = self.predict(X, tasks, offset=offset)
        labels = read_X(self, X, tasks, False, allow_nan=True)[1]
        return concordance_index(
            y,
            risk,
            labels if risk.ndim == 1 else None,
            average="pooled",
            sample_weight=sample_weight,
        )
