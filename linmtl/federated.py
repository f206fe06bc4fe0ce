"""Fits over sites that share no rows: hospitals, banks, countries.

Each site answers questions with sums over its rows; the server fits any model to them,
with the certificate of a fit of all rows in one place. Squared loss: one question.
Other losses: about seven, a gradient and a Hessian of each task at a time.

What leaves a site are sums of its tasks: weights, means and cross-products. They are
refused for tasks of few rows (``min_rows``) and where few rows have a value
(``min_cell``), and tell much about those of few more; adding them up under encryption,
so that nobody sees those of one site, is the business of the transport.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._checks import check_count
from linmtl.data._labels import n_rows
from linmtl.data._tables import as_table
from linmtl.data._targets import read_labels
from linmtl.distributed import Parts, fit_parts
from linmtl.distributed._disclosure import SiteError, Threshold
from linmtl.distributed._fit import folds_of
from linmtl.distributed._messages import pack, pack_question, unpack, unpack_question
from linmtl.distributed._parts import Merge, Question, merge_two, naming
from linmtl.distributed._rows import Part, Rows, newton_weights, rows_of
from linmtl.estimators._task_model import TaskModel
from linmtl.statistics._task_statistics import TooManyProducts

__all__ = ["Site", "SiteError", "fit_sites", "folder_site", "serve_folder"]

Estimator = TypeVar("Estimator", bound=TaskModel)
Answering = Callable[[bytes], bytes]
_log = logging.getLogger(__name__)
_QUESTION, _ANSWER, _ERROR = ".question", ".answer", b"error:"
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
    min_cell : int, default=3
        The least number of rows of a task that have a class, or differ from all others
        in a feature or in y: from sums, the values of a single one could be computed.
        1 allows all, and also weights most of which are those of one row.

    Raises
    ------
    ValueError
        If a task has fewer rows, or the arguments are not allowed.

    Notes
    -----
    Errors of the constructor are for the site itself and may show what is in a row. To
    the server go the names of columns, the labels of tasks and classes, sums, and
    errors in words of their own; what these do not say is written to the log
    "linmtl.federated" of the site.

    The limits are for servers that ask what a fit needs, and guess little. They are no
    proof: of a task with few more rows than features, or asked about very often, sums
    tell more, and so do those of two sites that differ in one row.

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
        min_cell: int = 3,
    ):
        check_count("min_rows", min_rows)
        check_count("min_cell", min_cell)
        X = as_table(X)
        if np.ndim(tasks) == 0:
            tasks = np.full(n_rows(X), tasks)
        self._part = Part(X, y, tasks, sample_weight)
        self._threshold = Threshold(min_rows, min_cell)
        self._n_folds: int | None = None
        self._threshold.check_rows(self._rows(self._part))

    @staticmethod
    def _rows(part: Part) -> Rows | None:
        return rows_of(part, None, read_labels)

    def __call__(self, message: bytes) -> bytes:
        """Return the answer to a question, both as bytes without code.

        Raises
        ------
        SiteError
            If the message is none, cannot be answered for these rows, or the answer
            would tell about few of them.
        """
        try:
            question = unpack_question(message)
        except Exception as error:  # of what the server itself has sent
            raise SiteError(str(error)) from None
        try:
            self._check(question)
            return pack(question(self._part))
        except (SiteError, TooManyProducts):
            raise
        except Exception as error:  # it may show what is in a row
            _log.warning("a question was not answered", exc_info=True)
            kind = type(error).__name__
        raise SiteError(f"{_told(question)}: {kind}; the log of the site says more")

    def _check(self, question: partial[Any]) -> None:
        """Refuse questions whose answers would tell about few rows."""
        asked, name = question.keywords, question.func.__name__
        reading = asked.get("reading")
        column = asked.get("task_column", getattr(reading, "task_column", None))
        if column is not None:
            raise SiteError(
                f"the estimator has task_column={column!r}, and the tasks of a site "
                "are those it was made with; leave it out"
            )
        if reading is not None and reading.loss.classify:
            self._threshold.check_classes(self._rows(self._part))
        if name in ("newton_sums", "set_sums"):
            bound = asked.get("bound")  # which has sums at a model of its own
            for model in [asked["model"], *([] if bound is None else [bound.model])]:
                weights = newton_weights(self._part, asked["reading"], model)
                if weights is not None:
                    self._threshold.check_weights(*weights)
        if name == "statistics_of_folds":
            self._check_folds(asked["n_folds"])

    def _check_folds(self, n_folds: int) -> None:
        if self._n_folds not in (None, n_folds):
            raise SiteError(
                f"the rows have been told of in {self._n_folds} folds; sums over "
                f"{n_folds} folds of the same rows, added and subtracted, would tell "
                "about single ones"
            )
        for fold in folds_of(self._part, n_folds):
            self._threshold.check_rows(self._rows(fold))
        self._n_folds = n_folds


def _told(question: partial[Any]) -> str:
    """Return what was asked, in words that every site has."""
    reading = question.keywords.get("reading")
    loss = "squared" if reading is None else reading.loss.name
    return (
        f"the rows of this site cannot be used with loss={loss!r} (asked for "
        f"{question.func.__name__})"
    )


class _SiteParts(Parts):
    def __init__(self, sites: Sequence[Answering]):
        self._sites = sites

    def reduce(self, question: Question, merge: Merge) -> Any:
        message, found = pack_question(question), None
        begun = [getattr(site, "ask", None) for site in self._sites]
        for ask in begun:  # all work at the same time, where they can
            if ask is not None:
                ask(message)
        try:
            for k, site in enumerate(self._sites):
                with naming(f"site {k}"):
                    found = merge_two(merge, found, unpack(site(message)))
        except BaseException:
            for site in self._sites:  # nobody listens to the others any more
                withdraw = getattr(site, "withdraw", None)
                if withdraw is not None:
                    withdraw()
            raise
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
        self._answer: Path | None = None

    def ask(self, message: bytes) -> None:
        # no other question, of another fit or before, has this name
        path = self._folder / f"{self._name}.{secrets.token_hex(8)}{_QUESTION}"
        _write(path, message)
        self._answer = path.with_suffix(_ANSWER)

    def withdraw(self) -> None:
        path, self._answer = self._answer, None
        if path is not None:  # a site answers no question that is gone
            path.with_suffix(_QUESTION).unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    def __call__(self, message: bytes) -> bytes:
        if self._answer is None:
            self.ask(message)
        path, self._answer = self._answer, None
        assert path is not None
        end = time.monotonic() + self._timeout
        while not path.exists():
            if time.monotonic() > end:
                path.with_suffix(_QUESTION).unlink(missing_ok=True)
                raise TimeoutError(
                    f"site {self._name!r} has not answered within {self._timeout:g} "
                    f"seconds; does it run serve_folder({str(self._folder)!r}, ...)?"
                )
            time.sleep(_PAUSE)
        answer = path.read_bytes()
        path.unlink()
        if answer.startswith(_ERROR):
            kind, _, text = answer.removeprefix(_ERROR).decode().partition(":")
            if kind == TooManyProducts.__name__:
                raise TooManyProducts(text)
            raise SiteError(f"site {self._name!r}: {text or kind}")
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
        asked = [p for p in place.glob(f"*{_QUESTION}") if _is_for(p, name)]
        for question in asked:
            try:
                answer = site(question.read_bytes())
            except FileNotFoundError:  # nobody waits for the answer any more
                continue
            except Exception as error:  # it goes on serving, and the server says what
                known = isinstance(error, (SiteError, TooManyProducts))
                text = str(error) if known else ""  # others may speak of the rows
                answer = _ERROR + f"{type(error).__name__}:{text}".encode()
            if question.exists():
                written = question.with_suffix(_ANSWER)
                _write(written, answer)
                try:
                    question.unlink()
                except FileNotFoundError:  # taken back, or answered, in between
                    written.unlink(missing_ok=True)
            done += 1
            last = time.monotonic()
        if not asked:
            time.sleep(_PAUSE)
    return done


def _is_for(question: Path, name: str) -> bool:
    return question.name.removesuffix(_QUESTION).rpartition(".")[0] == name


def _write(path: Path, content: bytes) -> None:
    """Write a file that nobody sees before it is complete."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
