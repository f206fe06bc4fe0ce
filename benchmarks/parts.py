"""Rows in parts: rows a second, what travels, and four hospitals that share no row.

``python -m benchmarks.parts`` fits rows in chunks in one process, in two threads and in
two processes, counts the bytes of each question and answer, and fits the hospitals of
the federated benchmark FLamby, each in a process of its own, on the training rows of
that benchmark. From the first two it computes what many workers would take; that column
is no measurement.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from benchmarks import machine
from benchmarks.report import write_json
from linmtl import (
    IndependentClassifier,
    L21Classifier,
    L21Regressor,
    MeanRegularizedClassifier,
    PooledClassifier,
)
from linmtl.datasets import load_heart_disease
from linmtl.distributed import fit_chunks
from linmtl.federated import Site, fit_sites, folder_site, serve_folder

MODELS: dict[str, Any] = {
    "squared": L21Regressor(0.05),
    "logistic": L21Classifier(0.005),
}
WORKERS = (10, 100, 1000)
BANDWIDTH, LATENCY = 125e6, 1e-3  # bytes a second and seconds: a network of 1 Gbit/s
# What the authors of FLamby report on their split, with a logistic model: accuracy of
# hospitals alone, of the best federated strategy, and of all rows in one place; of each
# the mean over the hospitals (Ogier du Terrail et al., 2022)
FLAMBY = {"each alone": 0.7299, "best federated": 0.7314, "all rows": 0.7353}


def make_chunks(
    loss: str, n_chunks: int, n_tasks: int, n_features: int, size: int
) -> list[tuple[np.ndarray, ...]]:
    """Return X, y and tasks of each chunk; every task has rows in all of them."""
    rng = np.random.default_rng(0)
    W = rng.standard_normal((n_tasks, n_features)) / np.sqrt(n_features)
    chunks = []
    for _ in range(n_chunks):
        X = rng.standard_normal((size, n_features))
        tasks = rng.integers(n_tasks, size=size)
        eta = np.einsum("ij,ij->i", X, W[tasks]) + rng.standard_normal(size)
        chunks.append((X, eta > 0 if loss == "logistic" else eta, tasks))
    return chunks


def throughput(loss: str, shape: tuple[int, ...], repeats: int) -> dict[str, Any]:
    """Return seconds in one process, in two threads and in two, and what travels.

    Rows are in files that are mapped into memory, of which processes hear the names.
    """
    chunks = make_chunks(loss, *shape)
    n_chunks, n_tasks, n_features, size = shape
    row: dict[str, Any] = {
        "loss": loss,
        "rows": n_chunks * size,
        "tasks": n_tasks,
        "features": n_features,
    }
    ways = {"1": (None, "threading"), "2": (2, "threading"), "2_processes": (2, "loky")}
    with tempfile.TemporaryDirectory() as folder:
        mapped = [on_disk(chunk, folder, k) for k, chunk in enumerate(chunks)]
        for name, (n_jobs, backend) in ways.items():
            row[f"seconds_{name}"] = np.inf
            for _ in range(repeats + 1):  # one to compile, and to start processes
                with parallel_config(backend):
                    began = time.perf_counter()
                    fit_chunks(clone(MODELS[loss]), mapped, n_jobs=n_jobs)
                    seconds = time.perf_counter() - began
                row[f"seconds_{name}"] = min(row[f"seconds_{name}"], seconds)
    return row | traffic(loss, chunks)


def on_disk(
    chunk: tuple[np.ndarray, ...], folder: str, number: int
) -> tuple[np.ndarray, ...]:
    """Return the arrays of a chunk as memory maps of files."""
    mapped = []
    for k, array in enumerate(chunk):
        path = Path(folder) / f"{number}-{k}.npy"
        np.save(path, array)
        mapped.append(np.load(path, mmap_mode="r"))
    return tuple(mapped)


def traffic(loss: str, chunks: list[tuple[np.ndarray, ...]]) -> dict[str, int]:
    """Return the rounds, and the bytes of a round to and from one part."""
    asked, said = [], []

    def counted(site):
        def answer(question):
            asked.append(len(question))
            said.append(len(site(question)))
            return site(question)

        return answer

    # one part is counted, the others are only heard
    first, *others = (Site(*chunk, min_rows=1, min_cell=1) for chunk in chunks)
    fit_sites(clone(MODELS[loss]), [counted(first), *others])
    return {"rounds": len(asked), "asked": max(asked), "said": max(said)}


def extrapolated(row: dict[str, Any], workers: int) -> float:
    """Return computed seconds for a thousand times the rows on many workers.

    Each works at the measured speed of one process, and a round sends a question down
    and an answer up each level of a binary tree.
    """
    work = 1000 * row["seconds_1"] / workers
    levels = np.ceil(np.log2(workers))
    message = (row["asked"] + row["said"]) / BANDWIDTH + 2 * LATENCY
    return float(work + row["rounds"] * levels * message)


def hospitals(alphas: tuple[float, ...]) -> dict[str, float]:
    """Return mean accuracies over the hospitals, on FLamby's own split."""
    X, y, tasks = load_heart_disease(complete=True, return_X_y=True)
    names, train = np.unique(tasks), np.zeros(len(y), dtype=bool)
    for name in names:
        rows = np.flatnonzero(tasks == name)
        train[rows[_training(y[rows])]] = True
        mean = X[train & (tasks == name)].mean(axis=0)
        scale = X[train & (tasks == name)].std(axis=0, ddof=1)
        scale[scale == 0] = 1.0
        X[rows] = (X[rows] - mean) / scale  # by the hospital itself

    def accuracy(model):
        right = model.predict(X[~train], tasks[~train]) == y[~train]
        return float(np.mean([right[tasks[~train] == name].mean() for name in names]))

    rows = X[train], y[train], tasks[train]
    found = {
        "each alone": accuracy(IndependentClassifier("cv").fit(*rows)),
        "one model of all": accuracy(PooledClassifier().fit(*rows)),
    }
    for alpha in alphas:
        model = MeanRegularizedClassifier(alpha, tol=1e-8)
        apart = in_processes(model, {n: _of(rows, n) for n in names})
        found[f"four processes, alpha={alpha:g}"] = accuracy(apart)
        together = clone(model).fit(*rows)
        gap = abs(apart.objective_ / together.objective_ - 1)
        found[f"difference of the objective, alpha={alpha:g}"] = gap
    return found


def _training(y):
    """Return the training rows that FLamby draws in a hospital."""
    few = min(np.bincount(y.astype(int), minlength=2)) <= 2
    stratify = None if few else y
    return train_test_split(
        np.arange(len(y)),
        test_size=1.0 - 0.66,
        train_size=0.66,
        random_state=43,
        stratify=stratify,
    )[0]


def _of(rows, name):
    at = rows[2] == name
    return rows[0][at], rows[1][at], name


def in_processes(model: Any, sites: dict[str, tuple[Any, ...]]) -> Any:
    """Fit a model to sites that each run in a process and share one folder."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        running = [
            context.Process(target=serve, args=(rows, folder, name))
            for name, rows in sites.items()
        ]
        for process in running:
            process.start()
        try:
            return fit_sites(model, [folder_site(folder, name) for name in sites])
        finally:
            (Path(folder) / "stop").touch()
            for process in running:
                process.join()


def serve(rows: tuple[Any, ...], folder: str, name: str) -> None:
    """Answer for the rows of one site, which are public."""
    serve_folder(Site(*rows, min_cell=1), folder, name)


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args(given)
    warnings.simplefilter("ignore")
    shapes = [(16, 10, 20, 50_000), (16, 10, 100, 25_000), (16, 100, 100, 25_000)]
    if arguments.small:
        shapes = [(4, 3, 5, 200)]
    rows = []
    for loss in MODELS:
        for shape in shapes:
            row = throughput(loss, shape, arguments.repeats)
            row["computed"] = {str(k): extrapolated(row, k) for k in WORKERS}
            rows.append(row)
            print(json.dumps(row), flush=True)
    found = hospitals((0.1,) if arguments.small else (0.03, 0.1, 0.3))
    print(json.dumps(found, indent=1))
    if arguments.output:
        out = machine.describe(1) | {"rows": rows, "hospitals": found, "flamby": FLAMBY}
        write_json(arguments.output, out)


if __name__ == "__main__":
    main()
