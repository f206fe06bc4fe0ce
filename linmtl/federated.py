"""Fits over sites that share no rows: hospitals, banks, countries.

Each site answers questions with sums over its rows; the server fits any model to them,
with the certificate of a fit of all rows in one place. Squared loss: one question.
Other losses: about seven, a gradient and a Hessian of each task at a time.

What leaves a site are sums of its tasks: weights, means and cross-products. They are
refused for tasks of few rows (``min_rows``), and tell much about those of few more;
adding them up under encryption, so that nobody sees those of one site, is the business
of the transport.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._checks import check_count
from linmtl.data._labels import as_task_labels, n_rows, some
from linmtl.data._tables import as_table
from linmtl.distributed import Parts, fit_parts
from linmtl.distributed._messages import pack, pack_question, unpack, unpack_question
from linmtl.distributed._parts import Merge, Question, merge_two, naming
from linmtl.distributed._rows import Part, Survey
from linmtl.estimators._task_model import TaskModel
from linmtl.statistics import TaskStatistics

__all__ = ["Site", "fit_sites", "folder_site", "serve_folder"]

Estimator = TypeVar("Estimator", bound=TaskModel)
Answering = Callable[[bytes], bytes]
_PAUSE = 0.02  # seconds between looks into a folder


class Site:
    """Rows that stay where they are, and answer questions.

    Parameters
    ----------
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Samples of this site.
    y : array-like of shape (n_samples,)
        Targets, or labels of two classes.
    tasks : str, number or array-like of shape (n_samples,)
        The task of each row; one label where the site is a task.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights >= 0.
    min_rows : int, default=10
        A task with fewer rows is not answered for.

    Raises
    ------
    ValueError
        If a task has fewer rows, or the arguments are not allowed.

    Examples
    --------
    >>> from linmtl import L21Classifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> from linmtl.federated import Site, fit_sites
    >>> X, y, tasks = make_multitask_classification(n_tasks=3, random_state=0)
    >>> sites = [Site(X[tasks == t], y[tasks == t], t) for t in range(3)]
    >>> model = fit_sites(L21Classifier(0.05), sites)
    >>> model.converged_
    True
    """

    def __init__(
        self,
        X: Any,
        y: ArrayLike,
        tasks: Any,
        sample_weight: ArrayLike | None = None,
        *,
        min_rows: int = 10,
    ):
        check_count("min_rows", min_rows)
        X = as_table(X)
        if np.ndim(tasks) == 0:
            tasks = np.full(n_rows(X), tasks)
        self._part = Part(X, y, tasks, sample_weight)
        self._min_rows = min_rows
        if n_rows(X):
            labels = as_task_labels(tasks, n_rows(X))
            labels, count = np.unique(labels, return_counts=True)
            self._refuse(labels[count < min_rows])

    def _refuse(self, tasks):
        if len(tasks):
            raise ValueError(
                f"the tasks {some(tasks)} have fewer than min_rows={self._min_rows} "
                "rows, whose sums would tell about single rows; leave them out"
            )

    def __call__(self, message: bytes) -> bytes:
        """Return the answer to a question, both as bytes without code.

        Raises
        ------
        ValueError
            If the message is none, or the answer would tell about few rows.
        """
        question = unpack_question(message)
        answer: Any = question(self._part)
        for each in answer if isinstance(answer, list) else [answer]:
            self._check(each)
        return pack(answer)

    def _check(self, answer):
        if isinstance(answer, Survey):
            self._refuse(answer.tasks[answer.count < self._min_rows])
        if isinstance(answer, TaskStatistics):
            few = (answer.n_rows > 0) & (answer.n_rows < self._min_rows)
            self._refuse(answer.tasks[few])


class _SiteParts(Parts):
    def __init__(self, sites: Sequence[Answering]):
        self._sites = sites

    def reduce(self, question: Question, merge: Merge) -> Any:
        message, found = pack_question(question), None
        begun = [getattr(site, "ask", None) for site in self._sites]
        for ask in begun:  # all work at the same time, where they can
            if ask is not None:
                ask(message)
        for k, site in enumerate(self._sites):
            with naming(f"site {k}"):
                found = merge_two(merge, found, unpack(site(message)))
        return found


def fit_sites(estimator: Estimator, sites: Iterable[Answering]) -> Estimator:
    """Fit an estimator to the rows of all sites, without seeing one.

    Parameters
    ----------
    estimator : estimator
        Any regressor with the squared loss; of other losses, those with a convex
        penalty of given strength.
    sites : iterable of callable
        From a question to its answer, both as bytes: :class:`Site` where all are in
        one process, :func:`folder_site` for a shared folder, or what sends them over
        a network.

    Returns
    -------
    estimator
        The same, fitted: what a fit of all rows in one place gives, to its tolerance.

    Raises
    ------
    ValueError
        If a site refuses, or sites do not fit together; the estimator is not fitted.
    """
    listed = list(sites)
    if not listed:
        raise ValueError("there are no sites")
    return fit_parts(estimator, _SiteParts(listed))


class _FolderSite:
    def __init__(self, folder: Path, name: str, timeout: float):
        self._folder, self._name, self._timeout = folder, name, timeout
        self._count, self._asked = 0, False

    def ask(self, message: bytes) -> None:
        self._count += 1
        _write(self._folder / f"{self._name}-{self._count:04}.question", message)
        self._asked = True

    def __call__(self, message: bytes) -> bytes:
        if not self._asked:
            self.ask(message)
        self._asked = False
        path = self._folder / f"{self._name}-{self._count:04}.answer"
        end = time.monotonic() + self._timeout
        while not path.exists():
            if time.monotonic() > end:
                raise TimeoutError(
                    f"site {self._name!r} has not answered within {self._timeout:g} "
                    f"seconds; does it run serve_folder({str(self._folder)!r}, ...)?"
                )
            time.sleep(_PAUSE)
        answer = path.read_bytes()
        if answer.startswith(b"error:"):
            raise ValueError(f"site {self._name!r}: {answer[6:].decode()}")
        return answer


def folder_site(
    folder: str | os.PathLike[str], name: str, *, timeout: float = 600.0
) -> Answering:
    """Return a site that is asked through files in a folder that both can reach.

    Parameters
    ----------
    folder : str or path
        The folder.
    name : str
        The name that the site serves under.
    timeout : float, default=600
        Seconds to wait for an answer.

    Returns
    -------
    callable
        From the bytes of a question to those of its answer.
    """
    return _FolderSite(Path(folder), name, timeout)


def serve_folder(
    site: Answering,
    folder: str | os.PathLike[str],
    name: str,
    *,
    until: float = 600.0,
) -> int:
    """Answer the questions that come into a folder.

    Parameters
    ----------
    site : Site
        What answers.
    folder : str or path
        The folder; a file ``stop`` in it ends the service.
    name : str
        The name of this site.
    until : float, default=600
        Seconds without a question after which it ends, too.

    Returns
    -------
    int
        The number of questions answered.
    """
    place, done = Path(folder), 0
    last = time.monotonic()
    while time.monotonic() - last < until and not (place / "stop").exists():
        question = place / f"{name}-{done + 1:04}.question"
        if not question.exists():
            time.sleep(_PAUSE)
            continue
        try:
            answer = site(question.read_bytes())
        except Exception as error:  # it goes on serving, and the server says what
            answer = b"error:" + str(error).encode()
        done += 1
        _write(place / f"{name}-{done:04}.answer", answer)
        last = time.monotonic()
    return done


def _write(path: Path, content: bytes) -> None:
    """Write a file that nobody sees before it is complete."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
