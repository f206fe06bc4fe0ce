"""How a solver is timed: the loosest tolerance that reaches the target, repeated."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.problems import PROBLEMS, Problem
from benchmarks.worker import Measurement, TimeLimitError, Worker

_LAST_RUNG = 31  # 10 ** -15.5, beyond double precision
_NAIVE = "numpy_fista"
# cross-validation: mean squared errors may be off by this part of the null model's
_MSE_TOLERANCE = 1e-3
_STUCK = 7  # tolerances without gain that end the search
_PATIENCE = 3.0  # searching may take this many time limits
_REFERENCE = 0.01  # accuracy of the reference, as a part of the target


@dataclass
class Settings:
    """What the command line says."""

    solvers: list[str]
    size: str = "full"
    target: float | None = None
    repeats: int = 5
    threads: int = 1
    time_limit: float = 120.0
    curves: bool = False
    school: str | None = None
    draws: int = 1


@dataclass
class Entry:
    """A solver on a problem.

    Attributes
    ----------
    rungs : dict
        Measurements by rung: the tolerance is ``10 ** (-rung / 2)``.
    chosen : int or None
        The rung whose time counts.
    skipped : str
        Why the solver did not run at all.
    note : str
        Why there is no time.
    ceiling : int
        The rung from which on it takes too long or fails.
    stuck : bool
        Whether its tightest tolerances gained nothing.
    """

    solver: str
    info: dict = field(default_factory=dict)
    rungs: dict[int, Measurement] = field(default_factory=dict)
    chosen: int | None = None
    skipped: str = ""
    note: str = ""
    ceiling: int = _LAST_RUNG + 1
    stuck: bool = False

    @property
    def start(self) -> int:
        return self.info["start"]

    @property
    def loosest(self) -> int:
        return self.info["loosest"]


class Contest:
    """All solvers on one problem.

    Parameters
    ----------
    problem : Problem
        What to solve.
    settings : Settings
        How to measure.
    workers : dict of str to Worker
        The processes, by solver.
    draw : int, default=0
        Which data, as for :class:`benchmarks.problems.Instance`.
    """

    def __init__(
        self, problem: Problem, settings: Settings, workers: dict, draw: int = 0
    ):
        self.problem = problem
        self.draw = draw
        self.settings = settings
        self.workers = workers
        self.target = settings.target or problem.target
        self.criterion = problem.criterion
        self.entries = [Entry(name) for name in settings.solvers]
        self.optimum: np.ndarray | None = None
        self.mse_path: np.ndarray | None = None

    def run(self) -> None:
        """Open the problem everywhere, find the tolerances, then take the times."""
        for entry in self.entries:
            self._open(entry)
        running = [entry for entry in self.entries if not entry.skipped]
        if not running:
            return
        self.info = running[0].info
        self.scale = self.info["null_value"]
        self._find_reference(running)
        if self.criterion == "gap" or self.optimum is None:
            for entry in running:
                self._choose(entry, self._by_gap)
            self._settle_optimum(running)
            if any(self._is_beyond_certifying(entry) for entry in running):
                self.criterion = "suboptimality"
        if self.criterion == "suboptimality":
            for entry in running:
                self._choose(entry, self._by_suboptimality)
            self._settle_optimum(running)
        self._take_times([entry for entry in running if entry.chosen is not None])

    # -- accuracy ---------------------------------------------------------------

    def gap(self, m: Measurement) -> float:
        """The largest relative gap over the strengths."""
        return float(np.max((m.primal - m.dual) / self.scale))

    def suboptimality(self, m: Measurement) -> float:
        """The largest relative distance to the best known optimum."""
        if self.optimum is None or len(self.optimum) != len(m.primal):
            return np.inf
        return float(np.max((m.primal - self.optimum) / self._unit()))

    def reached(self, m: Measurement) -> float:
        """What the criterion says, as far as it can be said."""
        by_gap = self.criterion == "gap" or self.optimum is None
        return self.gap(m) if by_gap else self.suboptimality(m)

    def _unit(self):
        return self.scale if self.problem.relative_to == "null" else self.optimum

    def _by_gap(self, m: Measurement) -> bool:
        if self.mse_path is not None:
            deviation = np.abs(m.mse_path - self.mse_path).max()
            if deviation > _MSE_TOLERANCE:
                return False
        return self.gap(m) <= self.target

    def _by_suboptimality(self, m: Measurement) -> bool:
        return self.suboptimality(m) <= self.target

    def _find_reference(self, running: list[Entry]) -> None:
        """Solve once far beyond the target, whichever solver manages first.

        The optimum of problems judged by suboptimality comes from here (unless it is
        known), and the benchmark's own lower bound says how good it is.
        """
        if self.info["optimum"] is not None:
            self.optimum = np.array([self.info["optimum"]])
            return
        if self.problem.kind != "cv" and self.criterion == "gap":
            return
        for entry in running:
            for rung in range(entry.start + 2, entry.start + 8):
                m = self._measure(entry, rung)
                if m is None:
                    break
                if self.gap(m) <= self.target * _REFERENCE:
                    self.mse_path = m.mse_path
                    self.optimum = None if m.mse_path is not None else m.primal
                    return

    def _settle_optimum(self, running: list[Entry]) -> None:
        """Take the lowest objective of all runs, or the one that is known."""
        runs = [m for entry in running for m in entry.rungs.values()]
        if self.problem.kind == "cv" or not runs:
            return
        self.optimum = np.min([m.primal for m in runs], axis=0)
        lower = np.max([m.dual for m in runs], axis=0)
        if self.info["optimum"] is not None:
            self.optimum = np.minimum(self.optimum, self.info["optimum"])
            lower = self.optimum
        self.uncertainty = float(np.max((self.optimum - lower) / self.scale))

    def _is_beyond_certifying(self, entry: Entry) -> bool:
        """Whether a peer gets to the target by its objective, but never by its gap."""
        return (
            entry.chosen is None
            and entry.stuck
            and entry.solver not in ("linmtl", _NAIVE)
            and any(self._by_suboptimality(m) for m in entry.rungs.values())
        )

    # -- measuring --------------------------------------------------------------

    def _call(self, entry: Entry, method: str, *arguments, limit: float | None = None):
        worker: Worker = self.workers[entry.solver]
        return worker.call(method, *arguments, limit=limit or self.settings.time_limit)

    def _open(self, entry: Entry) -> None:
        s = self.settings
        arguments = (self.problem.name, s.size, s.school, self.draw)
        try:
            # room for data and compilation, on top of a run
            limit = s.time_limit + 120.0
            answer = self._call(entry, "open", *arguments, limit=limit)
        except RuntimeError as error:
            entry.skipped = f"failed: {_first_line(error)}"
            return
        entry.skipped = answer.pop("skipped", "")
        entry.info = answer

    def _run(self, entry: Entry, tol: float, once: bool) -> Measurement:
        if not self.workers[entry.solver].is_running:  # it was stopped before
            self._open(entry)
        return self._call(entry, "run", tol, once)

    def _measure(self, entry: Entry, rung: int) -> Measurement | None:
        """Return the measurement of a rung, running it if it is new."""
        if rung in entry.rungs:
            return entry.rungs[rung]
        if rung >= entry.ceiling:
            return None
        try:
            # a plot shows these times, so they need the care of a round
            once = not self.settings.curves
            m = self._run(entry, 10.0 ** (-rung / 2), once)
        except RuntimeError as error:
            entry.ceiling = rung
            stopped = isinstance(error, TimeLimitError)
            entry.note = f"{'stopped' if stopped else 'failed'}: {_first_line(error)}"
            return None
        entry.rungs[rung] = m
        self._say(entry, f"tol {m.tol:.1e}: {m.seconds[0]:.3g} s, {self.gap(m):.1e}")
        return m

    def _choose(self, entry: Entry, good: Callable[[Measurement], bool]) -> None:
        """Set the loosest rung that is good, searching from those already run."""
        if self.settings.curves:
            self._measure_all(entry, good)
        entry.chosen, entry.stuck = None, False
        found = [rung for rung, m in entry.rungs.items() if good(m)]
        rung = min(found) if found else self._tighten(entry, good)
        while rung is not None:
            entry.chosen = rung
            looser = None
            if rung > entry.loosest and not self._is_out_of_patience(entry):
                looser = self._measure(entry, rung - 1)
            rung = rung - 1 if looser is not None and good(looser) else None
        if entry.chosen is not None:
            entry.note = ""  # a search that failed further off does not matter

    def _tighten(self, entry: Entry, good) -> int | None:
        """Return the first good rung above those run, unless there is no hope."""
        first = max(entry.rungs, default=entry.start - 1) + 1
        for rung in range(first, _LAST_RUNG + 1):
            m = self._measure(entry, rung)
            if m is None:
                return None
            if good(m):
                return rung
            if self._is_stuck(entry):
                entry.stuck = True
                entry.note = "its tightest tolerances gain nothing"
                return None
            if self._is_out_of_patience(entry):
                entry.note = "stopped searching for its tolerance"
                return None
        entry.stuck = True
        return None

    def _is_out_of_patience(self, entry: Entry) -> bool:
        spent = sum(m.seconds[0] for m in entry.rungs.values())
        return spent > _PATIENCE * self.settings.time_limit

    def _is_stuck(self, entry: Entry) -> bool:
        """Whether the last tolerances brought the result no nearer."""
        reached = [self.reached(m) for _, m in sorted(entry.rungs.items())]
        earlier, last = reached[:-_STUCK], reached[-_STUCK:]
        return bool(earlier) and min(last) >= min(earlier)

    def _measure_all(self, entry: Entry, good) -> None:
        """Climb the ladder from the bottom to just beyond the target, for the plot."""
        for rung in range(max(entry.loosest, 0), _LAST_RUNG + 1):
            m = self._measure(entry, rung)
            if m is None or good(m):
                return

    def _take_times(self, entries: list[Entry]) -> None:
        """Interleave the solvers, so that noise of the machine hits all alike."""
        for entry in entries:
            entry.rungs[entry.chosen].seconds.clear()
        for repeat in range(self.settings.repeats):
            for entry in entries:
                self._say(entry, f"round {repeat + 1} of {self.settings.repeats}")
                self._take_time(entry)

    def _take_time(self, entry: Entry) -> None:
        chosen = entry.rungs[entry.chosen]
        try:
            m = self._run(entry, chosen.tol, once=False)
        except RuntimeError as error:  # the other rounds still count
            entry.note = f"a round failed: {_first_line(error)}"
            return
        chosen.seconds.extend(m.seconds)

    def _say(self, entry: Entry, what: str) -> None:
        print(f"  {self.problem.name}: {entry.solver}, {what}", file=sys.stderr)

    # -- the record -------------------------------------------------------------

    def record(self) -> dict:
        """Return everything that was measured, ready for JSON."""
        info = getattr(self, "info", {})
        return {
            "problem": self.problem.name,
            "title": self.problem.title,
            "size": self.settings.size,
            "draw": self.draw,
            "target": self.target,
            "criterion": self.criterion,
            "relative_to": self.problem.relative_to,
            "optimum_uncertainty": getattr(self, "uncertainty", None),
            **{
                key: info.get(key)
                for key in ("samples", "rows_per_task", "features", "tasks", "alphas")
                + ("null_value",)
            },
            "results": [self._record(entry) for entry in self.entries],
        }

    def _record(self, entry: Entry) -> dict:
        row = {
            "solver": entry.solver,
            "version": entry.info.get("version"),
            "skipped": entry.skipped or None,
            "note": entry.note,
            "first_run_seconds": entry.info.get("first_run_seconds"),
            "seconds": None,
        }
        if entry.skipped:
            return row
        row["curve"] = [
            {
                "tol": m.tol,
                "seconds": float(np.median(m.seconds)) if m.seconds else None,
                "gap": _finite(self.gap(m)),
                "suboptimality": _finite(self.suboptimality(m)),
            }
            for _, m in sorted(entry.rungs.items())
        ]
        if entry.chosen is None:
            best = min(map(self.reached, entry.rungs.values()), default=np.nan)
            row["note"] = entry.note or "did not reach the target"
            return row | {"best_accuracy": _finite(best)}
        m = entry.rungs[entry.chosen]
        return row | {
            "tol": m.tol,
            "seconds": float(np.median(m.seconds)) if m.seconds else None,
            "all_seconds": m.seconds,
            "gap": _finite(self.gap(m)),
            "suboptimality": _finite(self.suboptimality(m)),
        }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:100]


def run(problems: list[str], settings: Settings, report: Callable[[dict], None]):
    """Run the problems one after the other.

    Parameters
    ----------
    problems : list of str
        Names in :data:`benchmarks.problems.PROBLEMS`.
    settings : Settings
        How to measure.
    report : callable
        Called with the record of each problem when it is done.

    Returns
    -------
    list of dict
        The records.
    """
    workers = {name: Worker(name, settings.threads) for name in settings.solvers}
    records = []
    try:
        for name in problems:
            # School's data are what they are
            draws = 1 if PROBLEMS[name].needs_school else settings.draws
            for draw in range(draws):
                contest = Contest(PROBLEMS[name], settings, workers, draw)
                contest.run()
                records.append(contest.record())
                report(records[-1])
    finally:
        for worker in workers.values():
            worker.close()
    return records
