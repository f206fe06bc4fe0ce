"""Kernels of partial likelihoods: sums over those at risk, in order of time."""

from __future__ import annotations

import numpy as np

from linmtl.kernels._jit import kernel


@kernel
def risk_sets(order, ptr, time, event, weight, eta, at_risk, hazard, loss):
    """Partial likelihood of each stratum, ties as if one after the other (Breslow).

    Arrays over observations, except `order`, which has those with a weight sorted by
    stratum and time; ``ptr`` are the bounds of the strata in it. Written in that order:
    ``at_risk``, the logarithm of the sum of ``weight exp(eta)`` over those of the
    stratum whose time is no less; ``hazard``, that of the sum of ``D / at risk`` over
    the times of events so far, with D the weight of the events. And the loss of each
    stratum, ``D log(at risk / D)`` less the weighted predictors of the events.
    """
    for s in range(ptr.size - 1):
        start, stop = ptr[s], ptr[s + 1]
        top, total = -np.inf, 0.0  # the sum is total * exp(top)
        i = stop
        while i > start:
            first = i - 1
            while first > start and time[order[first - 1]] == time[order[i - 1]]:
                first -= 1
            for m in range(first, i):
                row = order[m]
                if eta[row] > top:
                    total = total * np.exp(top - eta[row]) + weight[row]
                    top = eta[row]
                else:
                    total += weight[row] * np.exp(eta[row] - top)
            at_risk[first:i] = top + np.log(total)
            i = first
        top, total, loss[s] = -np.inf, 0.0, 0.0
        i = start
        while i < stop:
            last, of_events = i, 0.0
            while last < stop and time[order[last]] == time[order[i]]:
                if event[order[last]]:
                    of_events += weight[order[last]]
                last += 1
            if of_events > 0.0:
                log_share = np.log(of_events) - at_risk[i]
                for m in range(i, last):
                    row = order[m]
                    if event[row]:
                        loss[s] -= weight[row] * (log_share + eta[row])
                if log_share > top:
                    total, top = total * np.exp(top - log_share) + 1.0, log_share
                else:
                    total += np.exp(log_share - top)
            hazard[i:last] = top + np.log(total) if total > 0.0 else -np.inf
            i = last


@kernel
def risk_means(
    order, ptr, time, event, weight, eta, at_risk, hazard, values, mean, past, highest
):
    """Means of values over those at risk, where `risk_sets` has been.

    Written in the same order: ``mean``, that over those at risk at the time of a row,
    with weights ``weight exp(eta)``; ``past``, the mean of these over the times of
    events so far, with weights as in ``hazard``; ``highest``, the largest of them.
    """
    for s in range(ptr.size - 1):
        start, stop = ptr[s], ptr[s + 1]
        average = 0.0
        i = stop
        while i > start:
            first = i - 1
            while first > start and time[order[first - 1]] == time[order[i - 1]]:
                first -= 1
            move = 0.0
            for m in range(first, i):
                row = order[m]
                share = weight[row] * np.exp(eta[row] - at_risk[m])
                move += share * (values[row] - average)
            average += move
            mean[first:i] = average
            i = first
        average, top = 0.0, -np.inf
        i = start
        while i < stop:
            last, of_events = i, 0.0
            while last < stop and time[order[last]] == time[order[i]]:
                if event[order[last]]:
                    of_events += weight[order[last]]
                last += 1
            if of_events > 0.0:
                share = np.exp(np.log(of_events) - at_risk[i] - hazard[i])
                average += share * (mean[i] - average)
                top = max(top, mean[i])
            past[i:last] = average
            highest[i:last] = top
            i = last
