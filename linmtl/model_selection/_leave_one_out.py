"""Leave-one-out losses and information criteria of the models along a path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import Datafit
from linmtl.datafits._make import Join, make_datafit
from linmtl.datafits._moments import Moments
from linmtl.losses import Loss
from linmtl.model_selection._curved_refits import CurvedRefits
from linmtl.model_selection._held_out import HeldOutPath, Parts, held_out_path
from linmtl.model_selection._left_out_classes import losses_of_classes
from linmtl.model_selection._one_fit import (
    LeftOutRows,
    OneFit,
    lacks_curvature,
    one_fit,
)
from linmtl.model_selection._refits import RowRefits
from linmtl.model_selection._row_race import RowRace, on_lines
from linmtl.penalties import Penalty, compose
from linmtl.penalties._quadratic import QuadraticPenalty
from linmtl.solvers._models import far_apart
from linmtl.solvers._quadratic_path import quadratic_forms

# Features in use, and degrees of freedom, for each row: of more one step leads astray,
# most often to a loss too high; then the best and its neighbours are fitted.
_MAX_IN_USE = 0.1
# So few rows that all such strengths are fitted: one step may be wrong by half there,
# at some strengths and not at others. Half as many where such fits are dear; of up to
# twice as many the best strength is fitted in any case where curvatures change.
_FEW_UNITS = 50
# What one beside the best may be too high by: errors of the best, or a share of it.
_MOST_ERRORS, _MARGIN = 2.0, 0.07
_BESIDE = np.arange(-1, 2)  # positions about one
_LEAST_APART = 1e-6  # of the least loss, that others are above it
_LARGEST_RATIO = 3.2  # of strengths between which one may be left to later


def units(data: MultiTaskData, loss: Loss, classes: bool = False) -> np.ndarray:
    """Return what is left out together: the number of each observation, -1 for never.

    An observation, or where tasks share their rows a row of all of them. Where y is a
    position among several ``classes``, never the only one of its class in its task,
    which would have no model without it.
    """
    design = data.design
    judged = LeftOutRows(data, loss).judged
    if classes:
        size, used = np.diff(data.task_ptr), data.weight > 0
        pair = np.repeat(np.arange(size.size), size), data.y.astype(int)
        count = np.zeros((size.size, int(data.y.max()) + 1), dtype=int)
        np.add.at(count, (pair[0][used], pair[1][used]), 1)
        judged &= count[pair] > 1
    unit = np.arange(data.y.size)
    if design.is_shared() and design.n_tasks > 1:
        unit %= data.y.size // design.n_tasks
        judged = np.tile(judged.reshape(design.n_tasks, -1).any(axis=0), design.n_tasks)
    _, number = np.unique(unit[judged], return_inverse=True)
    out = np.full(data.y.size, -1)
    out[judged] = number
    return out


def left_out_path(
    data: MultiTaskData,
    loss: Loss,
    fit: Datafit,
    penalties: Sequence[Penalty],
    columns: np.ndarray,
    unit: np.ndarray,
    *,
    join: Join,
    strengths: np.ndarray,
    n_samples: np.ndarray,
    starts: Sequence[np.ndarray] | None = None,
    n_jobs: int | None = None,
    exact: bool = False,
    present: np.ndarray | None = None,
    **options: Any,
) -> HeldOutPath:
    """Return the leave-one-out losses of models along a path.

    From one fit for each penalty where that suffices, exactly for the squared loss with
    a quadratic penalty, and by fits without rows for norms of rows (`RowRace`).
    Otherwise at one strength in eight, and between on the line, but for the best
    strength and those beside it; where features in use are many for the rows, fits
    without each row replace it there, of few rows at all of these strengths. For losses
    and penalties without second derivatives there are such fits alone.

    Parameters
    ----------
    data, loss, fit, penalties, columns
        As for :func:`one_fit`.
    unit : ndarray of shape (n_observations,)
        From :func:`units`.
    join, strengths, n_samples, starts, n_jobs, exact, present, **options
        As for :func:`linmtl.model_selection._held_out.held_out_path`.
    """
    data, fit, penalties = _without_weights(data, loss, fit, penalties)
    losses = partial(_left_out_losses, data, loss)

    def refitted(chosen, exact, unit=unit):
        return held_out_path(
            Parts(
                data,
                loss,
                unit,
                join=join,
                n_samples=n_samples,
                rows=True,
                present=present,
            ),
            [penalties[i] for i in chosen],
            columns,
            strengths=strengths[chosen],
            n_jobs=n_jobs,
            exact=exact,
            **options,
        )

    group: Any = data.design.group_ptr
    # a row that several tasks have, each with several classes, is left to refits
    wide = group is not None and data.design.is_shared() and len(group) > 2
    if wide or lacks_curvature(data, fit, penalties[0], columns) is not None:
        # what is solved for at each strength alone is taken from lines, too, at first
        known = np.ones(len(strengths), dtype=bool)
        whole = compose(penalties[0], fit.n_features, columns)
        if fit.quadratic and whole.norm is None and not exact:
            known = far_apart(strengths)
        path = refitted(np.flatnonzero(known), exact)
        assert path.eta is not None
        eta = np.full((known.size, *path.eta.shape[1:]), np.nan)
        eta[known] = path.eta
        eta = on_lines(eta, known, strengths)
        return replace(
            path,
            losses=join.task_loss(losses(eta)),
            ends=path.ends[:1],
            eta=eta,
            exact=path.exact and bool(known.all()),
        )
    forms = quadratic_forms(penalties[:1], fit.n_features, columns)
    exactly = loss.quadratic and forms is not None
    known = np.ones(len(strengths), dtype=bool) if exactly else far_apart(strengths)
    one = one_fit(
        data,
        loss,
        fit,
        [penalties[i] for i in np.flatnonzero(known).tolist()],
        columns,
        strengths=strengths[known],
        W0=starts[0] if starts else None,
        **options,
    ).spread(known)
    limits = options["tol"], options["max_iter"]
    refits = RowRefits.of(data, fit, penalties[0], columns, *limits)
    curved = CurvedRefits.of(data, loss, fit, penalties, columns, unit, *limits)

    def step(chosen, start):
        some = [penalties[i] for i in chosen]
        return one_fit(data, loss, fit, some, columns, W0=start, **options)

    def refit(chosen):
        some = [penalties[i] for i in chosen]
        if curved is None:
            path = refitted(chosen, exact=True)
            assert path.eta is not None
            return path.eta, path.unconverged
        eta, wrong = curved.path(some)
        lost = np.isnan(eta) & (unit >= 0)
        lost = np.array([(unit >= 0) & np.isin(unit, unit[rows]) for rows in lost])
        for rows in np.unique(lost[lost.any(axis=1)], axis=0):
            number = np.full(unit.size, -1)
            number[rows] = np.unique(unit[rows], return_inverse=True)[1]
            same = np.flatnonzero((lost == rows).all(axis=1))
            path = refitted(chosen[same], True, number)
            assert path.eta is not None
            eta[same] = np.where(rows, path.eta, eta[same])
            wrong += path.unconverged
        return eta, wrong

    n_units, bends = int(unit.max()) + 1, not (loss.quadratic or loss.mostly_flat)
    few = many = n_units <= _FEW_UNITS and not loss.mostly_flat
    if curved is not None:
        many = n_units <= 2 * _FEW_UNITS
    elif bends:  # solvers for each row take longer
        few = many = n_units <= _FEW_UNITS / 2
    labels = np.where(data.weight > 0, unit, -1)
    given = one, known, strengths, labels, _total(data), losses, step
    if refits is not None and not exactly:
        values = _raced(*given, refits, penalties)
    else:
        values = _searched(*given, refit, few=few, curved=bends and many)
    eta, freedom = (
        on_lines(part, known, strengths) for part in (one.eta, one.freedom.sum(axis=1))
    )
    return HeldOutPath(values, [one.end], one.unconverged, eta, freedom)


def _searched(
    one: OneFit,
    known: np.ndarray,
    strengths: np.ndarray,
    unit: np.ndarray,
    total: np.ndarray,
    losses: Callable[[np.ndarray], np.ndarray],
    step: Callable[[np.ndarray, np.ndarray], OneFit],
    refit: Callable[[np.ndarray], tuple[np.ndarray, int]],
    few: bool,
    curved: bool,
) -> np.ndarray:
    """Return losses along a path, with the best strength looked at closely.

    Parameters
    ----------
    one : OneFit
        What is known; more is written to it.
    known : ndarray of bool of shape (n_strengths,)
        Which strengths it has; more are marked.
    strengths, unit
        As for :func:`left_out_path`.
    total : ndarray of shape (n_tasks,)
        Weights of the tasks.
    losses : callable
        Of predictors of rows without them.
    step : callable
        One fit for each of some strengths (positions), from a start.
    refit : callable
        Fits without each row there: predictors, and how many did not converge.
    few : bool
        Whether to fit so all strengths that are known where one step is unsure.
    curved : bool
        Whether curvatures change with what is left out, too, so that one step is never
        exact.
    """
    end, fitted = one.end, np.zeros(known.size, dtype=bool)
    rough = losses(one.eta)
    # where rows are fitted whatever they are one step says nothing
    rough[known & np.isnan(one.eta[:, unit >= 0]).any(axis=1)] = np.inf
    rough = on_lines(rough, known, strengths)
    true = np.zeros(rough.shape)
    while True:
        unsure = np.ones(known.size, dtype=bool) if curved else _unsure(one, unit)
        values = _moved(rough, fitted, true, known & ~unsure)
        mean = np.nansum(values[:, 0] * total, axis=1)
        best = int(np.argmin(mean))
        near, at = np.array([best]), np.flatnonzero(known)
        if fitted[best]:  # is it better than those about it, and by how much?
            near = at[np.abs(at.searchsorted(best) - np.arange(at.size)) <= 1]
            error = abs(np.nansum((true[best, 0] - rough[best, 0]) * total))
            over = max(_MOST_ERRORS * error, _MARGIN * mean[best])
            near = near[mean[near] <= mean[best] + over]
            if few or curved:  # what is on lines is never better than its ends
                near = np.union1d(near, np.clip(best + _BESIDE, 0, len(mean) - 1))
        elif known[best] and not (unsure[best] or fitted.any()):
            near = np.unique(np.clip(best + _BESIDE, 0, len(mean) - 1))
        if few:
            near = np.union1d(near, np.flatnonzero(known & unsure))
        new, chosen = near[~known[near]], near[(unsure & ~fitted)[near]]
        if new.size:
            own = step(new, end)
            one.take(new, own)
            rough[new] = losses(own.eta)
            end, known[new] = own.end, True
        elif chosen.size:
            one.eta[chosen], wrong = refit(chosen)
            one.unconverged += wrong
            true[chosen] = losses(one.eta[chosen])
            fitted[chosen] = True
        else:
            if fitted.any():  # of ever more features one step may seem to be good
                last = int(np.flatnonzero(fitted)[-1])
                values[last:] = np.maximum.accumulate(values[last:])
            return values


def _raced(
    one: OneFit,
    known: np.ndarray,
    strengths: np.ndarray,
    unit: np.ndarray,
    total: np.ndarray,
    losses: Callable[[np.ndarray], np.ndarray],
    step: Callable[[np.ndarray, np.ndarray], OneFit],
    refits: RowRefits,
    penalties: Sequence[Penalty],
) -> np.ndarray:
    """Return losses along a path, by fits without rows where one step is unsure.

    Parameters
    ----------
    one, known, strengths, unit, total, losses, step
        As for :func:`_searched`.
    refits : RowRefits
        Fits without rows.
    penalties : sequence of Penalty
        From strong to weak.
    """
    data, judged = refits.data, unit >= 0
    weight = np.where(judged, data.weight, 0.0)
    left = np.repeat(data.task_sum(weight), np.diff(data.task_ptr))
    share = np.repeat(total, np.diff(data.task_ptr)) * weight
    np.divide(share, left, out=share, where=left > 0)
    race = RowRace(refits, penalties, one, share)
    rough = on_lines(losses(one.eta), known, strengths)
    of_task = np.count_nonzero(judged) / data.design.n_tasks
    few = unit.max() < 2 * _FEW_UNITS

    def sparse():
        good = np.isfinite(one.eta[:, judged]).all(axis=1) & ~_unsure(one, unit)
        return known & good & (one.active <= _MAX_IN_USE * of_task)

    def sure(chosen):  # fits of few rows with few features cost little
        return chosen[(sparse() & ~(few & (one.active > 0)))[chosen]]

    def best_of(places):
        whole = places[race.is_whole[places]]
        return min(whole, key=lambda i: race.losses[i].sum())

    at = np.flatnonzero(known)
    race.trust(sure(at))
    tried = np.isin(at, sure(at)) | _outlined(strengths[at])
    while True:
        race.run(np.setdiff1d(at[tried], sure(at)))
        place = int(at.searchsorted(best_of(at)))
        beside = np.arange(max(place - 1, 0), min(place + 2, at.size))
        if tried[beside].all():
            break
        tried[beside] = True
    while True:  # halves what is beside the best
        best, at = best_of(np.flatnonzero(known)), np.flatnonzero(race.is_tried)
        place = int(at.searchsorted(best))
        beside = at[np.clip(place + _BESIDE, 0, at.size - 1)]
        new = np.setdiff1d((best + beside) // 2, at)
        if not new.size:
            break
        unknown = new[~known[new]]
        if unknown.size:
            own = step(unknown, one.end)
            one.take(unknown, own)
            known[unknown] = True
            rough[unknown] = losses(own.eta)
        race.trust(sure(new))
        race.run(np.setdiff1d(new, sure(new)))
    least, expected = race.losses[best].sum(), race.expected(strengths, best)
    one.unconverged += refits.unconverged
    whole = race.is_whole
    judges, near = np.isfinite(losses(one.eta[[best]])[0]), sparse()
    values = np.empty(rough.shape)
    values[whole] = losses(one.eta[whole])
    for i in np.flatnonzero(~whole):  # in all as expected, and worse than the best
        value = max(expected[i], (1.0 + _LEAST_APART) * least)
        share = rough[i] if np.isfinite(rough[i, judges]).all() else values[best]
        own = np.nansum(rough[i, 0] * total)
        value = own if near[i] and own > least else value
        values[i] = value * share / np.nansum(share[0] * total)
    return values


def _outlined(strengths: np.ndarray) -> np.ndarray:
    """Return which strengths show the course: no two others follow each other."""
    out = np.ones(strengths.size, dtype=bool)
    for i in range(1, strengths.size - 1):
        close = strengths[i - 1] <= _LARGEST_RATIO * strengths[i + 1]
        out[i] = not (out[i - 1] and close)
    return out


def _unsure(one: OneFit, unit: np.ndarray) -> np.ndarray:
    """Return the strengths at which one step is not to be trusted.

    They have many features in use, or degrees of freedom, for the rows.
    """
    in_use = one.active > _MAX_IN_USE * (unit.max() + 1)
    free = one.freedom.sum(axis=1) > _MAX_IN_USE * np.sum(unit >= 0)
    return (one.active > 0) & (in_use | free)


def _without_weights(data, loss, fit, penalties):
    """Return the problem without weights of features: they are squares of scales.

    As it is where the penalty is none of a quadratic one, or leaves a feature free.
    """
    weight = getattr(penalties[0], "feature_weight", None)
    quadratic = isinstance(penalties[0], QuadraticPenalty)
    if weight is None or not (quadratic and fit.additive):
        return data, fit, penalties
    weight = np.asarray(weight, dtype=float)
    if not np.all((weight > 0) & np.isfinite(weight)):
        return data, fit, penalties
    data = replace(data, design=data.design.scaled(1.0 / np.sqrt(weight)))
    return data, make_datafit(data, loss), [p.without_weights() for p in penalties]


def _moved(rough, fitted, true, sure):
    """Return losses along a path, the true ones where models were fitted.

    Between these, rough losses are moved by the line between the two errors, and beyond
    by the error of the last; those that are sure stay.
    """
    at = np.flatnonzero(fitted)
    if not at.size:
        return rough
    error = true[at] - rough[at]
    error[np.isinf(error)] = 0.0  # nothing was known there
    share = [np.interp(np.arange(len(rough)), at, row) for row in np.eye(at.size)]
    moved = rough + np.tensordot(np.transpose(share), error, axes=1)
    out = np.where(sure[:, None, None], rough, np.maximum(moved, 0.0))
    out[at] = true[at]
    return out


def left_out_tasks_path(
    data: MultiTaskData,
    loss: Loss,
    fit: Datafit,
    penalties: Sequence[Penalty],
    columns: np.ndarray,
    rows: bool,
) -> HeldOutPath | None:
    """Return the loss of each task under the mean of the models of the others.

    Exactly, from the eigenbases of the tasks: without one of them the system for the
    mean (see `linmtl.solvers._quadratic_system`) lacks its term. None for losses and
    penalties that have no such system.

    Parameters
    ----------
    data, loss, fit, penalties, columns
        As for :func:`one_fit`.
    rows : bool
        Whether to return the predictor of each row as well.
    """
    data, fit, penalties = _without_weights(data, loss, fit, penalties)
    forms = quadratic_forms(penalties, fit.n_features, columns)
    T = data.design.n_tasks
    if forms is None or not fit.quadratic or fit.n_columns < T or T < 2:
        return None
    if not (forms.alike and forms.through_mean):
        return None
    moments = (Moments.of(data) if fit.holds_rows else fit.moments).spread()
    h, Q = np.linalg.eigh(moments.H)
    h = np.maximum(h, 0.0)

    def times(scale, V):  # the matrices with these eigenvalues
        return (Q @ (scale * (V[:, None] @ Q)[:, 0])[:, :, None])[:, :, 0]

    n = len(penalties)
    W, b = np.empty((n, fit.n_features, T)), np.zeros((n, T))
    for form, mean, level in zip(forms.each, W, b, strict=True):
        a, m = form.ridge + form.centred, form.ridge + form.mean
        inverse = 1.0 / (h + a)
        alone = times(inverse, moments.C)
        terms = (Q * ((h + m) * inverse)[:, None]) @ Q.transpose(0, 2, 1)
        system, right = terms.sum(axis=0) - terms, alone.sum(axis=0) - alone
        others = (np.linalg.pinv(system, hermitian=True) @ right[:, :, None])[:, :, 0]
        mean[:] = others.T
        if data.fit_intercept:
            own = moments.y - np.sum(moments.x * alone, axis=1)
            pull = (a - m) * times(inverse, moments.x)
            moved = np.sum((pull.sum(axis=0) - pull) * others, axis=1)
            level[:] = (own.sum() - own - moved) / (T - 1)
    losses = moments.losses(W, b)[:, None] / data.total
    eta = None
    if rows:
        eta = np.empty((n, data.y.size))
        for row, mean in zip(eta, W, strict=True):
            data.design.predict(mean, row)
        eta += np.repeat(b, np.diff(data.task_ptr), axis=1)
    return HeldOutPath(losses, [W[-1]], 0, eta)


def criterion_path(
    data: MultiTaskData,
    loss: Loss,
    fit: Datafit,
    penalties: Sequence[Penalty],
    columns: np.ndarray,
    criterion: str,
    *,
    starts: Sequence[np.ndarray] | None = None,
    **options: Any,
) -> HeldOutPath:
    """Return an information criterion of models along a path, as one loss of one fold.

    With N labels, L the mean loss of all tasks and f the degrees of freedom: "gcv" is
    ``L / (1 - f / N)^2``; "aic" and "bic" are ``2 N L`` plus 2 f or f log N, with
    ``N log 2 L`` in place of the former for the squared loss, of unknown variance.

    Parameters
    ----------
    data, loss, fit, penalties, columns
        As for :func:`one_fit`.
    criterion : {"aic", "bic", "gcv"}
        The criterion.
    starts, **options
        As for :func:`linmtl.model_selection._held_out.held_out_path`.

    Raises
    ------
    ValueError
        If the degrees of freedom or the likelihood are not known.
    """
    data, fit, penalties = _without_weights(data, loss, fit, penalties)
    missing = lacks_curvature(data, fit, penalties[0], columns)
    if missing is None and not loss.likelihood:
        missing = "the loss of a likelihood"
    if missing is not None:
        raise ValueError(
            f"criterion={criterion!r} needs {missing}; pass criterion=None"
        )
    start = starts[0] if starts else None
    one = one_fit(data, loss, fit, penalties, columns, W0=start, **options)
    total, freedom = _total(data), one.freedom.sum(axis=1)
    labelled = data.weight > 0
    if data.design.group_ptr is not None:  # of a row's classes one is its label
        labelled &= data.y > 0
    n = int(np.count_nonzero(labelled))
    mean = one.loss @ total / total.sum()
    left = np.maximum(1.0 - freedom / n, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if criterion == "gcv":
            value = mean / left**2
        else:
            least = np.finfo(float).tiny  # of targets that are fitted exactly
            log = np.log(2.0 * np.maximum(mean, least))
            deviance = log if loss.quadratic else 2.0 * mean
            value = n * deviance + freedom * (2.0 if criterion == "aic" else np.log(n))
    value[left == 0] = np.inf  # nothing is left to judge by
    losses = np.broadcast_to(value[:, None, None], (len(value), 1, total.size))
    return HeldOutPath(losses, [one.end], one.unconverged, freedom=freedom)


def _total(data: MultiTaskData) -> np.ndarray:
    """Return the weight of each task, (n_tasks,), whatever classes it has."""
    group: Any = data.design.group_ptr
    return data.total if group is None else data.total[group[:-1]]


def _left_out_losses(data: MultiTaskData, loss: Loss, eta: np.ndarray) -> np.ndarray:
    """Return the mean loss of each task at predictors, (n, 1, n_tasks).

    NaN for a task without any, as if one fold held out all.
    """
    known = ~np.isnan(eta)
    group: Any = data.design.group_ptr
    if group is None:
        y = np.broadcast_to(data.y, eta.shape)
        values = np.zeros(eta.shape)
        values[known] = loss.value(y[known], eta[known])
    else:
        values = np.array([losses_of_classes(data, each) for each in eta])
        known &= ~np.isnan(values)
        values = np.where(known, values, 0.0)
    out = np.full((len(eta), 1, data.design.n_tasks), np.nan)
    for row, value, there in zip(out[:, 0], values, known, strict=True):
        weight = np.where(there, data.weight, 0.0)
        total = data.task_sum(weight)
        np.divide(data.task_sum(weight * value), total, out=row, where=total > 0)
    return out if group is None else out[:, :, group[:-1]]
