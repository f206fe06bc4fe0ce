"""Loaders of the bundled data sets.

A data file is an xz-compressed CSV table written one column per line, name first:
neighbours in a column resemble each other more than neighbours in a row, which makes
the files smaller, and a line converts to an array in one call.
"""

from __future__ import annotations

from importlib import resources
from typing import Any, Literal, overload

import numpy as np
from sklearn.utils import Bunch

_UPDRS = ("motor_UPDRS", "total_UPDRS")


def _read_bytes(name: str) -> bytes:
    return resources.files("linmtl.datasets").joinpath("data", name).read_bytes()


def _read_columns(name: str) -> dict[str, list[str]]:
    try:
        # Some builds of Python come without lzma; importing linmtl must not fail there.
        import lzma
    except ImportError as error:
        raise ImportError(
            f"reading the bundled file {name} needs the module lzma of the standard "
            "library, which this build of Python lacks; install a Python built with "
            "liblzma (for instance from python.org, conda or your system's packages)"
        ) from error

    text = lzma.decompress(_read_bytes(name)).decode("utf-8")
    columns = (line.split(",") for line in text.splitlines())
    return {column[0]: column[1:] for column in columns}


def _numbers(columns: dict[str, list[str]], names: list[str]) -> np.ndarray:
    return np.array([columns[name] for name in names], dtype=np.float64).T.copy()


def _pack(
    X: np.ndarray,
    y: np.ndarray,
    tasks: np.ndarray,
    *,
    feature_names: list[str],
    target: str,
    target_names: list[str],
    task: str,
    description: str,
    return_X_y: bool,
    as_frame: bool,
) -> Bunch | tuple[Any, Any, Any]:
    data: Any = X
    labels: Any = y
    task_labels: Any = tasks
    frame = None
    if as_frame:
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "as_frame=True needs pandas, which is not installed; install it with "
                "`pip install pandas`, or pass as_frame=False for NumPy arrays"
            ) from error
        data = pd.DataFrame(X, columns=feature_names)
        labels = pd.Series(y, name=target)
        task_labels = pd.Series(tasks, name=task)
        frame = pd.concat([task_labels, data, labels], axis=1)
    if return_X_y:
        return data, labels, task_labels
    return Bunch(
        data=data,
        target=labels,
        tasks=task_labels,
        frame=frame,
        feature_names=feature_names,
        target_names=target_names,
        DESCR=_read_bytes(description).decode("utf-8"),
    )


@overload
def load_parkinsons(
    *, target: str = ..., return_X_y: Literal[False] = ..., as_frame: bool = ...
) -> Bunch: ...
@overload
def load_parkinsons(
    *, target: str = ..., return_X_y: Literal[True], as_frame: bool = ...
) -> tuple[Any, Any, Any]: ...
def load_parkinsons(
    *, target: str = "total_UPDRS", return_X_y: bool = False, as_frame: bool = False
) -> Bunch | tuple[Any, Any, Any]:
    """Load the Parkinson's telemonitoring data (ragged multi-task regression).

    42 patients (the tasks) recorded their voice at home for about six months; the
    target is the severity of their symptoms on the UPDRS scale. The data are
    bundled, so nothing is downloaded.

    Parameters
    ----------
    target : {"total_UPDRS", "motor_UPDRS"}, default="total_UPDRS"
        Score to predict. The other score is not among the features.
    return_X_y : bool, default=False
        If True, return ``(X, y, tasks)`` instead of a bunch.
    as_frame : bool, default=False
        If True, return pandas objects.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the entries

        data : ndarray or DataFrame of shape (5875, 19)
            Age, sex, time of the recording and 16 voice features.
        target : ndarray or Series of shape (5875,)
            The score.
        tasks : ndarray or Series of shape (5875,)
            Number of the patient, an integer from 1 to 42.
        feature_names : list of str
            Names of the columns of `data`.
        target_names : list of str
            Name of the score.
        frame : DataFrame of shape (5875, 21) or None
            Task (column "subject"), data and target together, with
            ``as_frame=True``.
        DESCR : str
            Features, units, pitfalls, licence and citation.
    X, y, tasks : tuple
        The first three entries, with ``return_X_y=True``.

    Raises
    ------
    ValueError
        If `target` is not one of the two scores.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    Notes
    -----
    More than 90 % of the variance of the score lies between patients, so errors pooled
    over patients look small; judge a model within each patient.

    The data are by Athanasios Tsanas and Max Little, https://doi.org/10.24432/C5ZS3N,
    under CC BY 4.0.

    Examples
    --------
    >>> from linmtl.datasets import load_parkinsons
    >>> X, y, tasks = load_parkinsons(return_X_y=True)
    >>> X.shape, y.shape
    ((5875, 19), (5875,))
    >>> [int(sum(tasks == patient)) for patient in (1, 2, 3)]
    [149, 145, 144]
    """
    if target not in _UPDRS:
        raise ValueError(
            f"target={target!r} is not a score of this data set; pass 'total_UPDRS' "
            "(the whole scale) or 'motor_UPDRS' (its motor section)"
        )
    columns = _read_columns("parkinsons.csv.xz")
    feature_names = [name for name in columns if name not in ("subject", *_UPDRS)]
    return _pack(
        _numbers(columns, feature_names),
        np.array(columns[target], dtype=np.float64),
        np.array(columns["subject"], dtype=np.int64),
        feature_names=feature_names,
        target=target,
        target_names=[target],
        task="subject",
        description="parkinsons.rst",
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


@overload
def load_heart_disease(
    *, complete: bool = ..., return_X_y: Literal[False] = ..., as_frame: bool = ...
) -> Bunch: ...
@overload
def load_heart_disease(
    *, complete: bool = ..., return_X_y: Literal[True], as_frame: bool = ...
) -> tuple[Any, Any, Any]: ...
def load_heart_disease(
    *, complete: bool = False, return_X_y: bool = False, as_frame: bool = False
) -> Bunch | tuple[Any, Any, Any]:
    """Load the heart disease data of four hospitals (multi-task classification).

    The tasks are the hospitals "Cleveland", "Hungary", "Switzerland" and "VA"; the
    target says whether a patient has coronary heart disease. The data are bundled, so
    nothing is downloaded.

    Parameters
    ----------
    complete : bool, default=False
        If False, all 920 patients with the 13 usual features, missing values as NaN.
        If True, the table of the federated benchmark FLamby: without the features
        slope, ca and thal, without the patients for whom another feature is missing,
        and with cp and restecg as indicators of their levels except the first. That
        leaves 740 patients, 13 features and no NaN.
    return_X_y : bool, default=False
        If True, return ``(X, y, tasks)`` instead of a bunch.
    as_frame : bool, default=False
        If True, return pandas objects.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the entries

        data : ndarray or DataFrame of shape (920, 13) or (740, 13)
            The features.
        target : ndarray or Series of shape (n_samples,)
            1 if the patient has the disease, else 0.
        tasks : ndarray or Series of shape (n_samples,)
            Name of the hospital.
        feature_names : list of str
            Names of the columns of `data`.
        target_names : list of str
            Names of the classes 0 and 1.
        frame : DataFrame of shape (n_samples, 15) or None
            Task (column "hospital"), data and target (column "disease") together,
            with ``as_frame=True``.
        DESCR : str
            Features, units, missing values, licence and citation.
    X, y, tasks : tuple
        The first three entries, with ``return_X_y=True``.

    Raises
    ------
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    Notes
    -----
    The data are by Andras Janosi, William Steinbrunn, Matthias Pfisterer and Robert
    Detrano, https://doi.org/10.24432/C52P4X, under CC BY 4.0.

    Examples
    --------
    >>> from linmtl.datasets import load_heart_disease
    >>> X, y, tasks = load_heart_disease(complete=True, return_X_y=True)
    >>> X.shape
    (740, 13)
    >>> {str(name): int(sum(tasks == name)) for name in sorted(set(tasks))}
    {'Cleveland': 303, 'Hungary': 261, 'Switzerland': 46, 'VA': 130}
    """
    columns = _read_columns("heart_disease.csv.xz")
    feature_names = [name for name in columns if name not in ("hospital", "num")]
    X = _numbers(columns, feature_names)
    y = (np.array(columns["num"], dtype=np.float64) > 0).astype(np.int64)
    tasks = np.array(columns["hospital"])
    if complete:
        X, feature_names, known = _complete_cases(X, feature_names)
        y, tasks = y[known], tasks[known]
    return _pack(
        X,
        y,
        tasks,
        feature_names=feature_names,
        target="disease",
        target_names=["no disease", "disease"],
        task="hospital",
        description="heart_disease.rst",
        return_X_y=return_X_y,
        as_frame=as_frame,
    )


def _complete_cases(
    X: np.ndarray, names: list[str]
) -> tuple[np.ndarray, list[str], np.ndarray]:
    kept = [name for name in names if name not in ("slope", "ca", "thal")]
    column = dict(zip(names, X.T, strict=True))
    missing = np.isnan(np.column_stack([column[name] for name in kept]))
    known = ~np.asarray(missing.any(axis=1))
    encoded = {n: column[n][known] for n in kept if n not in ("cp", "restecg")}
    # The indicators come last, where the benchmark has them, so that coefficients
    # can be compared position by position.
    for name, levels in (("cp", (2, 3, 4)), ("restecg", (1, 2))):
        for level in levels:
            encoded[f"{name}_{level}"] = (column[name][known] == level).astype(float)
    return np.column_stack(list(encoded.values())), list(encoded), known
