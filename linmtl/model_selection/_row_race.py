"""The best strength of a path by fits without each row, at few of the strengths.

One step from the fit of all rows is far too high where features in use are nearly as
many as rows, at strengths that are good as at others, and says nothing of them. So one
strength in a few is fitted without some of the rows, the same for all of them: most are
worse than the best by so much that these rows tell. Those that are not are fitted
without more, and the best without all. Predictions between two strengths are nearly on
the line, and show where to look once more.

Maron, Moore (1997), The racing algorithm: model selection for lazy learners.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from linmtl.model_selection._one_fit import OneFit
from linmtl.model_selection._refits import Problem, RowRefits, Solved
from linmtl.penalties import Penalty

_FIRST, _GROWTH = 8, 1.5  # rows that all strengths are fitted without; times this later
_FEW = 24  # rows, that all are fitted without at once
_FEW_ROWS, _MOST_ROWS = 100, 64  # of more than so many, so many tell
_MOSTLY = 0.75  # share of rows, that is most of them
_FAR = 30.0  # standard errors, from which nothing is expected
_CREDIBLE = 2.0  # of them, by which a loss falls away from the best
_LARGEST = 5.0  # loss of a row by one step that says anything, in means of the best
# The fall of the loss, as a share of it, that is expected of one more strength and not
# worth its fits; and rows, by which standard errors of so many are too small.
_LEAST_FALL, _DOUBT = 0.003, 6.0
_FIRST_SLACK, _SLACK = 10.0, 3.0  # times the tolerance, where strengths are compared


class RowRace:
    """Losses of strengths by fits without rows.

    Parameters
    ----------
    refits : RowRefits
        The fits.
    penalties : sequence of Penalty
        From strong to weak.
    one : OneFit
        What one step says; what is fitted is written to it.
    share : ndarray of shape (n_observations,)
        What the loss of each counts in the loss of a strength.
    """

    def __init__(
        self,
        refits: RowRefits,
        penalties: Sequence[Penalty],
        one: OneFit,
        share: np.ndarray,
    ):
        self.refits, self.penalties, self.one = refits, penalties, one
        self.n_rows, data = len(refits.rows), refits.data
        self._row = np.full(data.y.size, -1)
        for k in range(self.n_rows):
            self._row[refits.observations(k)] = k
        self._judged = np.flatnonzero(self._row >= 0)
        self._share = share[self._judged]
        self._order = np.random.default_rng(0).permutation(self.n_rows)
        self._solved: dict[int, Solved] = {}
        self.losses, self._rough = np.full((2, len(penalties), self.n_rows), np.nan)

    def of_rows(self, eta: np.ndarray) -> np.ndarray:
        """Return the losses of rows, that add to that of a strength."""
        at, data = self._judged, self.refits.data
        value = self._share * self.refits.fit.loss.value(data.y[at], eta[at])
        return np.bincount(self._row[at], value, self.n_rows)

    @property
    def is_whole(self) -> np.ndarray:
        """Whether all rows are known of each strength."""
        return np.asarray(np.isfinite(self.losses).all(axis=1))

    @property
    def is_tried(self) -> np.ndarray:
        """Whether any row is known of each strength."""
        return np.asarray(np.isfinite(self.losses).any(axis=1))

    @property
    def _mostly_sure(self) -> np.ndarray:
        """The strengths at which one step is sure of most rows.

        Of fewer it is no use: fits follow each other from strength to strength.
        """
        return np.mean(self.one.sure[:, self._judged], axis=1) > _MOSTLY

    def trust(self, chosen: Sequence[int] | np.ndarray) -> None:
        """Take what one step says of these strengths."""
        for i in chosen:
            self.losses[i] = self._rough[i] = self.of_rows(self.one.eta[i])

    def run(self, alive: np.ndarray) -> None:
        """Fit these strengths without rows, more of them where these do not tell."""
        sure, mostly = self.one.sure[:, self._judged], self._mostly_sure
        for i in alive[~self.is_tried[alive]]:
            self._rough[i] = self.of_rows(self.one.eta[i])
            if mostly[i]:
                doubts = np.bincount(self._row[self._judged], ~sure[i], self.n_rows)
                self.losses[i] = np.where(doubts == 0, self._rough[i], np.nan)
        most = self.n_rows if self.n_rows <= _FEW_ROWS else _MOST_ROWS
        done, size = 0, self.n_rows if self.n_rows <= _FEW else _FIRST
        while alive.size and done < most:
            size = min(size, most)
            new = self._order[done:size]
            self._fit(alive[np.isnan(self.losses[np.ix_(alive, new)]).any(axis=1)], new)
            alive = self._best(alive, self._order[:size], last=size == most)
            if alive.size == 1:
                break
            done, size = size, int(np.ceil(_GROWTH * size))
        for i in alive:
            self.complete(i)

    def complete(self, i: int) -> None:
        """Fit a strength without the other rows."""
        done = ~np.isnan(self.losses[i])
        if not done.all():
            eta = self.one.eta
            eta[i] = self.refits.complete(self._problem(i), eta[i], done)
            self.losses[i] = self.of_rows(eta[i])

    def _problem(self, i: int, slack: float = 1.0) -> Problem:
        if i not in self._solved:
            self._solved[i] = self.refits.solved(self.penalties[i])
        sums, n = np.nansum(self.losses, axis=1), np.sum(~np.isnan(self.losses), axis=1)
        level = self.n_rows * np.min(sums[n > 0] / n[n > 0], initial=np.inf)
        return Problem(self.refits, self._solved[i], level, slack)

    def expected(self, strengths: np.ndarray, best: int) -> np.ndarray:
        """Return the losses of strengths (n_strengths,), of others from lines.

        From the rows that are known, and what the best one has there and elsewhere;
        where one step is sure of most rows, from all, since the others are of a kind.
        Away from the best they rise, unless the rows are sure that they fall.
        """
        eta = self.one.eta.copy()
        known = np.isfinite(self.losses)
        for i in np.flatnonzero(self.is_tried & ~self._mostly_sure):
            eta[i, self._judged] = np.where(
                known[i, self._row[self._judged]], eta[i, self._judged], np.nan
            )
        eta = on_lines(eta, self.is_tried, strengths)
        apart = np.array([self.of_rows(row) for row in eta]) - self.losses[best]
        there = np.sum(~np.isnan(apart), axis=1)
        mean = np.nansum(apart, axis=1) / np.maximum(there, 1)
        mean[there == 0] = np.inf
        for side in (range(best + 1, len(mean)), range(best - 1, -1, -1)):
            most = best
            for i in side:
                if mean[i] >= mean[most] or self._falls(apart[most], apart[i]):
                    most = i
                else:
                    mean[i] = mean[most]
        return self.losses[best].sum() + self.n_rows * mean

    def _falls(self, before: np.ndarray, after: np.ndarray) -> bool:
        """Whether losses fall by more than rows that happen to be known tell."""
        fall = (before - after)[~np.isnan(before - after)]
        n = fall.size
        if n < 2:
            return False
        error = fall.std(ddof=1) / np.sqrt(n) * (1.0 + _DOUBT / n)
        error *= np.sqrt(max(1.0 - n / self.n_rows, 0.0))
        return bool(fall.mean() > _CREDIBLE * error)

    def _best(self, alive, rows, last):
        """Return which strengths may be better than the best by what is worth it.

        Of the ``last`` rows, the best. Where losses of one step, none of them too
        large, go along with those of the fits, they say what these rows do not.
        """
        losses, n = self.losses[:, rows], rows.size
        known = np.flatnonzero(~np.isnan(losses).any(axis=1))
        best = known[np.argmin(losses[known].sum(axis=1))]
        apart = losses[alive] - losses[best]
        if n == 1:
            return alive
        level = losses[best].mean()
        hint = np.fmin(self._rough[np.append(alive, best)], _LARGEST * level)
        hint = hint[:-1] - hint[-1]
        own = hint[:, rows] - hint[:, rows].mean(axis=1, keepdims=True)
        slope = np.sum(own * apart, axis=1) / np.maximum(np.sum(own**2, axis=1), 1e-300)
        mean = apart.mean(axis=1)
        rest = apart - mean[:, None] - slope[:, None] * own
        mean += slope * (hint.mean(axis=1) - hint[:, rows].mean(axis=1))
        error = np.sqrt(np.sum(rest**2, axis=1) / max(n - 2, 1) / n)
        error *= (1.0 + _DOUBT / n) * np.sqrt(1.0 - n / self.n_rows)
        least = np.maximum(np.abs(mean) / _FAR, np.finfo(float).tiny)
        u = mean / np.maximum(error, least)
        fall = error * (norm.pdf(u) - u * norm.sf(u))
        if last:
            least = alive[np.argmin(mean)]
            return alive[(alive == (least if mean.min() < 0.0 else best))]
        return alive[(fall > _LEAST_FALL * level) | (alive == best)]

    def _fit(self, alive, rows):
        """Fit strengths without these rows, each from the one before."""
        refits, eta = self.refits, self.one.eta
        before: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        slack = _FIRST_SLACK if rows.size <= _FIRST else _SLACK
        slack = slack if rows.size < self.n_rows else 1.0
        for i in alive:
            unknown = rows[np.isnan(self.losses[i, rows])]
            if not unknown.size:
                continue
            problem, last, before = self._problem(i, slack), before, {}
            for k in unknown:
                start = None
                if k in last:
                    tasks = refits.rows[k][0][0]
                    start = problem.moved(*last[k], tasks)
                at = refits.observations(k)
                eta[i, at], V = refits.predictions(problem, k, start)
                before[k] = V, problem.W
            self.losses[i, unknown] = self.of_rows(eta[i])[unknown]


def on_lines(
    values: np.ndarray, known: np.ndarray, strengths: np.ndarray
) -> np.ndarray:
    """Return values along a path, unknown ones from the line between their neighbours.

    Parameters
    ----------
    values : ndarray of shape (n_strengths, ...)
        Values; what those not known are does not matter.
    known : ndarray of bool of shape (n_strengths,)
        Beyond those known values are the same as there.
    strengths : ndarray of shape (n_strengths,)
        Decreasing.
    """
    out, rest = values.copy(), np.flatnonzero(~known)
    if rest.size:
        at = np.flatnonzero(known)
        after = np.searchsorted(at, rest)
        i, j = at[np.maximum(after - 1, 0)], at[np.minimum(after, at.size - 1)]
        apart = strengths[i] - strengths[j]
        share = (strengths[i] - strengths[rest]) / np.where(apart > 0, apart, 1.0)
        share = share.reshape(-1, *[1] * (values.ndim - 1))
        out[rest] = (1.0 - share) * values[i] + share * values[j]
    return out
