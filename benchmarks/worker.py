"""One process per solver: it can be stopped at a time limit, and cannot disturb."""

from __future__ import annotations

import gc
import multiprocessing
import time
import traceback
import warnings
from dataclasses import dataclass

import numpy as np

from benchmarks.problems import PROBLEMS, Instance
from benchmarks.solvers import load

_ROUND_SECONDS = 0.2  # a round repeats a quick solver up to this long
_ROUND_RUNS = 10


class TimeLimitError(RuntimeError):
    """A call took longer than its limit; the process is gone."""


@dataclass
class Measurement:
    """What the benchmark found about one run.

    Attributes
    ----------
    tol : float
        Tolerance given to the solver, in its own unit.
    seconds : list of float
        Times of the runs.
    primal, dual : ndarray of shape (n_alphas,)
        Objective and lower bound, one per strength.
    mse_path : ndarray of shape (n_alphas,), default=None
        Of cross-validation: mean squared errors relative to the first.
    """

    tol: float
    seconds: list[float]
    primal: np.ndarray
    dual: np.ndarray
    mse_path: np.ndarray | None = None


class Session:
    """The work of the process: a solver on the problem that is open."""

    def __init__(self, solver: str, threads: int):
        self.adapter = load(solver)
        self.threads = threads
        self.solver = None

    def open(self, problem: str, size: str, school: str | None, draw: int) -> dict:
        """Make the data, and solve the small form of the problem to compile.

        Returns
        -------
        dict
            ``skipped`` with the reason, or a description and the time of that run.
        """
        self.solver = None
        reason = self.adapter.missing()
        if reason:
            return {"skipped": reason}
        self.instance = Instance(PROBLEMS[problem], size, school, draw)
        if not self.adapter.supports(self.instance):
            return {"skipped": "does not have this model"}
        small = Instance(PROBLEMS[problem], "small", school)
        began = time.perf_counter()
        self.adapter(small, self.threads).solve(10.0 ** (-self.adapter.start / 2))
        seconds = time.perf_counter() - began
        self.solver = self.adapter(self.instance, self.threads)
        return {
            "first_run_seconds": seconds,
            "version": self.adapter.version(),
            "start": self.adapter.start,
            "loosest": self.adapter.loosest,
            **self.instance.describe(),
        }

    def run(self, tol: float, once: bool) -> Measurement:
        """Solve, once or for a round, and judge the result."""
        seconds: list[float] = []
        while not seconds or not (once or _enough(seconds)):
            gc.collect()
            began = time.perf_counter()
            result = self.solver.solve(tol)
            seconds.append(time.perf_counter() - began)
        solution = self.solver.read(result)
        if solution.seconds is not None:
            seconds = [solution.seconds]
        alphas = self.instance.alphas
        if solution.alpha is not None:
            alphas = [solution.alpha]
        bs = solution.bs or [None] * len(solution.Ws)
        objective = self.instance.objective
        bounds = [
            # slices of a path are strided, which NumPy multiplies very slowly
            objective.bounds(np.ascontiguousarray(W, dtype=float), b, alpha)
            for W, b, alpha in zip(solution.Ws, bs, alphas, strict=True)
        ]
        primal, dual = np.array(bounds).T
        mse = solution.mse_path
        if mse is not None:
            mse = mse / mse[0]
        return Measurement(tol, seconds, primal, dual, mse)


def _enough(seconds: list[float]) -> bool:
    return sum(seconds) >= _ROUND_SECONDS or len(seconds) >= _ROUND_RUNS


def serve(connection, solver: str, threads: int) -> None:
    """Answer (method, arguments) until the other side closes."""
    warnings.simplefilter("ignore")  # of convergence: the benchmark judges that
    from threadpoolctl import threadpool_limits

    session = None
    with threadpool_limits(threads):
        while True:
            try:
                method, arguments = connection.recv()
            except EOFError:
                return
            try:
                if session is None:
                    session = Session(solver, threads)
                connection.send((True, getattr(session, method)(*arguments)))
            except Exception as error:
                trace = traceback.format_exc(limit=-2)
                connection.send((False, f"{type(error).__name__}: {error}\n{trace}"))


class Worker:
    """The other end of a session; it starts a process when one is needed.

    Parameters
    ----------
    solver : str
        Name of the adapter.
    threads : int
        Threads that the solver may use.
    """

    def __init__(self, solver: str, threads: int):
        self.solver = solver
        self.threads = threads
        self.process = None

    def call(self, method: str, *arguments, limit: float):
        """Return what the session's method returns.

        Raises
        ------
        TimeLimitError
            If it took longer than ``limit`` seconds.
        RuntimeError
            If it raised, or the process died.
        """
        if not self.is_running:
            self._start()
        self.connection.send((method, arguments))
        if not self.connection.poll(limit):
            self.close()
            raise TimeLimitError(f"more than {limit:g} s")
        try:
            success, answer = self.connection.recv()
        except EOFError:
            self.close()
            raise RuntimeError("the process died") from None
        if not success:
            raise RuntimeError(answer)
        return answer

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(
            target=serve, args=(other, self.solver, self.threads)
        )
        self.process.start()
        other.close()

    def close(self):
        if self.process is None:
            return
        self.connection.close()
        self.process.terminate()
        self.process.join()
        self.process = None
