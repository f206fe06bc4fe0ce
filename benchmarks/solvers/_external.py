"""Peers in R and Octave: data in binary files, the time taken in their process."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar

import numpy as np

from benchmarks.solvers._base import Solution, Solver


class External(Solver):
    """A script of another language on binary files in a temporary folder.

    It reads ``sizes`` (n_tasks, n_features, rows of each task), ``X`` (the tasks'
    matrices, column-major, one after the other), ``y``, ``scales`` (what the loss of a
    row of each task is multiplied by), ``alphas`` and ``tol``, all doubles, and writes
    ``W`` (n_features x n_tasks per strength, column-major) and ``b``, and ``seconds``.
    Only the call of the solver lies between its clocks.
    """

    command: ClassVar[tuple[str, ...]]
    check: ClassVar[str]  # a statement that fails where the package is missing
    script: ClassVar[str]

    @classmethod
    def missing(cls):
        if shutil.which(cls.command[0]) is None:
            return f"no {cls.command[0]}"
        done = subprocess.run([*cls.command, cls.check], capture_output=True)
        return None if done.returncode == 0 else f"no {cls.name} in {cls.command[0]}"

    @classmethod
    def version(cls):
        return None

    def __init__(self, instance, threads):
        super().__init__(instance, threads)
        self.folder = tempfile.TemporaryDirectory()
        data = self.data
        Xs = [data.X] if instance.shared else data.Xs
        self._write("sizes", [data.n_tasks, data.n_features, *data.n_rows])
        self._write("X", np.concatenate([np.ravel(X, order="F") for X in Xs]))
        self._write("y", np.concatenate(data.targets))
        self._write("scales", instance.objective.scales)
        self._write("alphas", self.alphas)

    def _write(self, name, values):
        np.asarray(values, dtype=float).tofile(Path(self.folder.name) / name)

    def _read(self, name):
        path = Path(self.folder.name) / name
        return np.fromfile(path) if path.exists() else None

    def solve(self, tol):
        self._write("tol", [tol])
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads)}
        subprocess.run(
            [*self.command, self.script],
            cwd=self.folder.name,
            env=environment,
            check=True,
            capture_output=True,
        )

    def read(self, result):
        d, T, K = self.data.n_features, self.data.n_tasks, len(self.alphas)
        W = self._read("W").reshape(K, T, d)
        b = self._read("b")
        bs = None if b is None else list(b.reshape(K, T))
        return Solution([w.T for w in W], bs, seconds=float(self._read("seconds")[0]))


READ_R = """
get <- function(name) readBin(name, "double", file.size(name) / 8)
put <- function(name, x) writeBin(as.double(x), name)
sizes <- get("sizes"); T <- sizes[1]; d <- sizes[2]; n <- sizes[-(1:2)]
x <- get("X"); y <- get("y"); alphas <- get("alphas"); tol <- get("tol")
"""
