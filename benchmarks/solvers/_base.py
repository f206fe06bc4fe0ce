"""What the runner needs of a solver."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from benchmarks.problems import Instance


@dataclass
class Solution:
    """What a solver found, for the benchmark to judge.

    Attributes
    ----------
    Ws : sequence of arrays of shape (n_features, n_tasks)
        Coefficients, one array per strength.
    bs : sequence of arrays of shape (n_tasks,), default=None
        Intercepts; None lets the benchmark take the best ones for W.
    alpha : float, default=None
        The strength that cross-validation chose.
    mse_path : ndarray of shape (n_alphas,), default=None
        Its mean squared error of each strength, up to a common factor.
    seconds : float, default=None
        The time that the solver measured itself, where it runs in a process of
        another language and reading the data is not its work.
    """

    Ws: Sequence[np.ndarray]
    bs: Sequence[np.ndarray] | None = None
    alpha: float | None = None
    mse_path: np.ndarray | None = None
    seconds: float | None = None


class Solver(ABC):
    """One package, on one problem.

    The constructor brings the data into the package's preferred form and is not timed;
    ``solve`` is; ``read``, which brings the result into ours, is not.

    Parameters
    ----------
    instance : Instance
        The problem with its data.
    threads : int
        Threads that the solver may use.
    """

    name: ClassVar[str]
    package: ClassVar[str | None] = None  # the distribution that must be installed
    # first rung of the ladder of tolerances, 10 ** (-rung / 2): rather loose, since a
    # search that starts too tight may take long
    start: ClassVar[int] = 6
    # last rung downwards: 1e4, for those that measure in absolute units
    loosest: ClassVar[int] = -8

    def __init__(self, instance: Instance, threads: int):
        self.instance = instance
        self.problem = instance.problem
        self.data = instance.data
        self.alphas = instance.alphas
        self.threads = threads

    @classmethod
    def missing(cls) -> str | None:
        """Return what this machine lacks to run the solver, or None."""
        if cls.package is None or _installed(cls.package):
            return None
        return f"no {cls.package}"

    @classmethod
    def version(cls) -> str | None:
        return cls.package and importlib.metadata.version(cls.package)

    @classmethod
    @abstractmethod
    def supports(cls, instance: Instance) -> bool:
        """Return whether the package has this model for this layout of data."""

    @abstractmethod
    def solve(self, tol: float) -> Any:
        """Solve to a tolerance in the package's own unit."""

    @abstractmethod
    def read(self, result: Any) -> Solution:
        """Bring what ``solve`` returned into our form."""


def is_shared_l21(instance: Instance, kinds: Sequence[str] = ("fit", "path")) -> bool:
    """Return whether this is what every package for multi-task lasso solves."""
    problem = instance.problem
    return (
        instance.shared
        and problem.loss == "squared"
        and problem.penalty == "l21"
        and problem.kind in kinds
    )


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
