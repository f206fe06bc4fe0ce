"""Bundled data are what their description says; generated data have the planted W."""

import hashlib
import sys
from importlib import resources

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils import Bunch

from helpers.loops import looped
from linmtl import datasets
from linmtl.datasets import (
    load_heart_disease,
    load_parkinsons,
    make_multitask_classification,
    make_multitask_regression,
)

MAKERS = [make_multitask_regression, make_multitask_classification]
STRUCTURES = ["row_sparse", "low_rank", "clustered", "mean_deviation", "independent"]
HOSPITALS = ["Cleveland", "Hungary", "Switzerland", "VA"]

# SHA-256 of the numbers in the files of the UCI repository, parsed independently of
# the loaders (row-major little-endian doubles, NaN as -999).
PARKINSONS_DIGEST = "b51ad29166e96dac870698450374f471e29e34915aa15b1e25e9fc97754a1a52"
HEART_DIGEST = "8c0a15bf81e540deb05cbf4d5cc5bdb6d6e4bd7b11ba5f83af04069e3910cfc3"

both_makers = pytest.mark.parametrize("make", MAKERS)
both_loaders = pytest.mark.parametrize("load", [load_parkinsons, load_heart_disease])


def counts(tasks):
    return np.unique(tasks, return_counts=True)[1].tolist()


def digest(*arrays):
    sha = hashlib.sha256()
    for array in arrays:
        # NaN has many bit patterns and byte orders differ between machines.
        canonical = np.where(np.isnan(array), -999.0, array).astype("<f8")
        sha.update(np.ascontiguousarray(canonical).tobytes())
    return sha.hexdigest()


def test_public_names():
    assert all(isinstance(name, str) for name in datasets.__all__)
    assert all(callable(getattr(datasets, name)) for name in datasets.__all__)


# Bundled files


@pytest.mark.parametrize(
    ("name", "largest"),
    [
        ("parkinsons.csv.xz", 250_000),
        ("heart_disease.csv.xz", 10_000),
        ("parkinsons.rst", 10_000),
        ("heart_disease.rst", 10_000),
        ("LICENSE-DATA.md", 10_000),
    ],
)
def test_bundled_file(name, largest):
    file = resources.files("linmtl.datasets").joinpath("data", name)
    assert file.is_file()
    assert 0 < len(file.read_bytes()) < largest


@both_loaders
def test_attribution(load):
    attribution = (
        resources.files("linmtl.datasets")
        .joinpath("data", "LICENSE-DATA.md")
        .read_text(encoding="utf-8")
    )
    names, doi = {
        load_parkinsons: (["Tsanas", "Little"], "10.24432/C5ZS3N"),
        load_heart_disease: (
            ["Janosi", "Steinbrunn", "Pfisterer", "Detrano"],
            "10.24432/C52P4X",
        ),
    }[load]
    for text in (attribution, load().DESCR):
        assert doi in text
        assert "CC BY 4.0" in text
        assert all(name in text for name in names)


@both_loaders
def test_without_lzma(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "lzma", None)
    with pytest.raises(ImportError, match="liblzma"):
        load()


# Parkinson's


def test_parkinsons_shapes():
    bunch = load_parkinsons()
    assert isinstance(bunch, Bunch)
    assert bunch.data.shape == (5875, 19)
    assert bunch.data.dtype == np.float64
    assert bunch.data.flags.c_contiguous
    assert bunch.target.shape == bunch.tasks.shape == (5875,)
    assert np.issubdtype(bunch.tasks.dtype, np.integer)
    assert bunch.frame is None
    assert bunch.target_names == ["total_UPDRS"]
    assert bunch.feature_names[:4] == ["age", "sex", "test_time", "Jitter(%)"]
    assert len(bunch.feature_names) == 19
    assert not {"total_UPDRS", "motor_UPDRS"} & set(bunch.feature_names)


def test_parkinsons_values_are_those_of_the_source():
    X, y, tasks = load_parkinsons(return_X_y=True)
    motor = load_parkinsons(target="motor_UPDRS").target
    assert_array_equal(
        X[0, :8], [72, 0, 5.6431, 0.00662, 3.38e-5, 0.00401, 0.00317, 0.01204]
    )
    assert (tasks[0], motor[0], y[0]) == (1, 28.199, 34.398)
    assert digest(tasks, X, motor, y) == PARKINSONS_DIGEST


def test_parkinsons_statistics():
    bunch = load_parkinsons()
    X, y, tasks = bunch.data, bunch.target, bunch.tasks
    column = dict(zip(bunch.feature_names, X.T, strict=True))
    sizes = counts(tasks)
    assert_array_equal(np.unique(tasks), np.arange(1, 43))
    assert (min(sizes), max(sizes)) == (101, 168)
    assert sizes[:3] == [149, 145, 144]
    assert (y.min(), y.max()) == (7.0, 54.992)
    assert_allclose([y.mean(), y.std()], [29.01894, 10.69937], rtol=1e-6)
    motor = load_parkinsons(target="motor_UPDRS").target
    assert_allclose([motor.mean(), motor.std()], [21.29623, 8.12859], rtol=1e-6)
    assert np.isfinite(X).all()
    assert (column["test_time"] < 0).sum() == 12
    assert_allclose(column["Jitter:DDP"], 3 * column["Jitter:RAP"], atol=1.001e-5)
    assert_allclose(column["Shimmer:DDA"], 3 * column["Shimmer:APQ3"], atol=1.001e-5)
    for patient in np.unique(tasks):
        assert np.ptp(X[tasks == patient, :2], axis=0).tolist() == [0, 0]


def test_parkinsons_descr_names_every_feature():
    bunch = load_parkinsons()
    documented = [line.split("  ")[0] for line in bunch.DESCR.splitlines()]
    assert [name for name in documented if name in bunch.feature_names] == (
        bunch.feature_names
    )


def test_parkinsons_unknown_target():
    with pytest.raises(
        ValueError, match=r"'UPDRS' is not.*'total_UPDRS'.*'motor_UPDRS'"
    ):
        load_parkinsons(target="UPDRS")


# Heart disease


def test_heart_disease_shapes():
    bunch = load_heart_disease()
    assert bunch.data.shape == (920, 13)
    assert bunch.data.flags.c_contiguous
    assert bunch.feature_names == [
        "age",
        "sex",
        "cp",
        "trestbps",
        "chol",
        "fbs",
        "restecg",
        "thalach",
        "exang",
        "oldpeak",
        "slope",
        "ca",
        "thal",
    ]
    assert np.unique(bunch.tasks).tolist() == HOSPITALS
    assert counts(bunch.tasks) == [303, 294, 123, 200]
    assert np.issubdtype(bunch.target.dtype, np.integer)
    assert np.unique(bunch.target).tolist() == [0, 1]
    assert len(bunch.target_names) == 2
    assert bunch.frame is None


def test_heart_disease_values_are_those_of_the_source():
    X, y, tasks = load_heart_disease(return_X_y=True)
    nan = np.nan
    assert_array_equal(X[0], [63, 1, 1, 145, 233, 1, 2, 150, 0, 2.3, 3, 0, 6])
    assert_array_equal(X[303], [28, 1, 2, 130, 132, 0, 2, 185, 0, 0, nan, nan, nan])
    positives = [int(y[tasks == hospital].sum()) for hospital in HOSPITALS]
    assert positives == [139, 106, 115, 149]
    assert digest(X, y) == HEART_DIGEST


def test_heart_disease_descr_counts_the_missing_values():
    bunch = load_heart_disease()
    missing = {
        name: [
            int(np.isnan(bunch.data[bunch.tasks == hospital, j]).sum())
            for hospital in HOSPITALS
        ]
        for j, name in enumerate(bunch.feature_names)
    }
    table = bunch.DESCR.split("Missing values\n---")[1].split("The complete")[0]
    rows = [line.split() for line in table.splitlines()]
    documented = {
        row[0]: [int(number) for number in row[1:]]
        for row in rows
        if row and row[0] in missing and len(row) == 5 and row[1].isdigit()
    }
    assert documented == {name: row for name, row in missing.items() if any(row)}


def test_heart_disease_complete():
    bunch = load_heart_disease(complete=True)
    assert bunch.data.shape == (740, 13)
    assert bunch.data.flags.c_contiguous
    assert len(bunch.feature_names) == 13
    assert bunch.feature_names[-5:] == [
        "cp_2",
        "cp_3",
        "cp_4",
        "restecg_1",
        "restecg_2",
    ]
    assert all(name in bunch.DESCR for name in bunch.feature_names)
    assert np.isfinite(bunch.data).all()
    assert np.unique(bunch.tasks).tolist() == HOSPITALS
    assert counts(bunch.tasks) == [303, 261, 46, 130]
    positives = [int(bunch.target[bunch.tasks == name].sum()) for name in HOSPITALS]
    assert positives == [139, 98, 45, 101]


def test_heart_disease_complete_is_a_recoding_of_the_whole():
    whole, encoded = load_heart_disease(), load_heart_disease(complete=True)
    names = whole.feature_names[:10]
    rows = ~np.isnan(whole.data[:, :10]).any(axis=1)
    column = dict(zip(encoded.feature_names, encoded.data.T, strict=True))
    assert_array_equal(encoded.target, whole.target[rows])
    assert_array_equal(encoded.tasks, whole.tasks[rows])
    for j, name in enumerate(names):
        original = whole.data[rows, j]
        if name == "cp":
            decoded = 1 + column["cp_2"] + 2 * column["cp_3"] + 3 * column["cp_4"]
        elif name == "restecg":
            decoded = column["restecg_1"] + 2 * column["restecg_2"]
        else:
            decoded = column[name]
        assert_array_equal(decoded, original)


# Both loaders


@both_loaders
def test_loaders_return_fresh_arrays(load):
    first = load()
    first.data[:] = 0.0
    first.feature_names.clear()
    again = load()
    assert np.nansum(again.data) != 0.0
    assert again.feature_names


@both_loaders
def test_return_X_y(load):
    bunch = load()
    X, y, tasks = load(return_X_y=True)
    assert_array_equal(X, bunch.data)
    assert_array_equal(y, bunch.target)
    assert_array_equal(tasks, bunch.tasks)


@pytest.mark.parametrize(
    ("load", "options", "target", "task"),
    [
        (load_parkinsons, {}, "total_UPDRS", "subject"),
        (load_parkinsons, {"target": "motor_UPDRS"}, "motor_UPDRS", "subject"),
        (load_heart_disease, {}, "disease", "hospital"),
        (load_heart_disease, {"complete": True}, "disease", "hospital"),
    ],
)
def test_as_frame(load, options, target, task):
    arrays, bunch = load(**options), load(as_frame=True, **options)
    assert isinstance(bunch.data, pd.DataFrame)
    assert isinstance(bunch.target, pd.Series)
    assert isinstance(bunch.tasks, pd.Series)
    assert list(bunch.data.columns) == arrays.feature_names == bunch.feature_names
    assert (bunch.tasks.name, bunch.target.name) == (task, target)
    assert list(bunch.frame.columns) == [task, *arrays.feature_names, target]
    assert_array_equal(bunch.data.to_numpy(), arrays.data)
    assert_array_equal(bunch.target.to_numpy(), arrays.target)
    assert bunch.tasks.tolist() == arrays.tasks.tolist()
    X, y, tasks = load(as_frame=True, return_X_y=True, **options)
    pd.testing.assert_frame_equal(X, bunch.data)
    pd.testing.assert_series_equal(y, bunch.target)
    pd.testing.assert_series_equal(tasks, bunch.tasks)


@both_loaders
def test_as_frame_without_pandas(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install pandas.*as_frame=False"):
        load(as_frame=True)


# Generators


@both_makers
@pytest.mark.parametrize("structure", STRUCTURES)
def test_long_layout(make, structure):
    X, y, tasks, truth = make(
        6, 8, 15, structure=structure, bias=1.0, return_coef=True, random_state=0
    )
    assert X.shape == (90, 8)
    assert y.shape == tasks.shape == (90,)
    assert_array_equal(tasks, np.repeat(np.arange(6), 15))
    assert truth.coef.shape == (6, 8)
    assert truth.intercept.shape == (6,)
    assert np.isfinite(truth.coef).all()
    assert len(make(6, 8, 15, structure=structure, random_state=0)) == 3


@both_makers
@pytest.mark.parametrize("structure", STRUCTURES)
def test_same_seed_same_data(make, structure):
    options = {"n_samples": (5, 9), "structure": structure, "return_coef": True}
    first = make(**options, random_state=3)
    same = make(**options, random_state=np.random.RandomState(3))
    other = make(**options, random_state=4)
    for ours, theirs in zip(first[:3], same[:3], strict=True):
        assert_array_equal(ours, theirs)
    assert_array_equal(first[3].coef, same[3].coef)
    assert not np.array_equal(first[3].coef, other[3].coef)


@both_makers
def test_return_coef_changes_nothing(make):
    for ours, theirs in zip(
        make(random_state=0), make(random_state=0, return_coef=True), strict=False
    ):
        assert_array_equal(ours, theirs)


def test_unseeded_draws_differ():
    assert not np.array_equal(
        make_multitask_regression()[0], make_multitask_regression()[0]
    )


def truth_of(**options):
    options = {"n_tasks": 12, "n_features": 9, "random_state": 1} | options
    return make_multitask_regression(**options, return_coef=True)[-1]


def test_row_sparse():
    truth = truth_of(structure="row_sparse", n_informative=4)
    assert truth.support.shape == (9,)
    assert truth.support.dtype == bool
    assert truth.support.sum() == 4
    assert_array_equal((truth.coef != 0.0).any(axis=0), truth.support)
    assert_array_equal((truth.coef != 0.0).all(axis=0), truth.support)
    assert not {"labels", "rank", "centers"} & set(truth)


@pytest.mark.parametrize("rank", [1, 2, 9])
def test_low_rank(rank):
    truth = truth_of(structure="low_rank", rank=rank)
    assert truth.rank == rank
    assert np.linalg.matrix_rank(truth.coef) == rank
    assert not {"labels", "support", "centers"} & set(truth)


def test_low_rank_entries_have_variance_one_whatever_the_rank():
    for rank in (1, 4, 16):
        coef = truth_of(
            n_tasks=300, n_features=300, n_samples=1, structure="low_rank", rank=rank
        ).coef
        assert_allclose(coef.var(), 1.0, atol=0.25)


def test_clustered():
    truth = truth_of(structure="clustered", n_clusters=5, deviation=0.0)
    assert truth.labels.shape == (12,)
    assert sorted(counts(truth.labels)) == [2, 2, 2, 3, 3]
    assert truth.centers.shape == (5, 9)
    assert_array_equal(truth.coef, truth.centers[truth.labels])
    assert len(np.unique(truth.coef, axis=0)) == 5


def test_clustered_deviation_stays_near_the_own_centre():
    truth = truth_of(structure="clustered", n_features=40, deviation=0.1)
    distance = np.linalg.norm(truth.coef[:, None] - truth.centers[None], axis=2)
    assert_array_equal(distance.argmin(axis=1), truth.labels)
    assert_allclose(distance.min(axis=1), 0.1 * np.sqrt(40), rtol=0.5)
    assert (distance > 0).all()


def test_mean_deviation():
    truth = truth_of(structure="mean_deviation", deviation=0.0)
    assert truth.centers.shape == (1, 9)
    assert_array_equal(truth.coef, np.repeat(truth.centers, 12, axis=0))
    truth = truth_of(n_tasks=400, structure="mean_deviation", deviation=0.5)
    assert_allclose((truth.coef - truth.centers).std(), 0.5, rtol=0.05)
    assert_allclose(truth.coef.mean(axis=0), truth.centers[0], atol=0.1)
    assert "labels" not in truth


def test_independent():
    truth = truth_of(structure="independent")
    assert set(truth) == {"coef", "intercept"}
    assert np.linalg.matrix_rank(truth.coef) == 9


@both_makers
def test_range_of_sizes(make):
    tasks = make(200, 5, (3, 6), random_state=0)[2]
    assert set(counts(tasks)) == {3, 4, 5, 6}
    assert counts(make(4, 5, (7, 7), random_state=0)[2]) == [7] * 4


@both_makers
@pytest.mark.parametrize("kind", [list, np.array])
def test_given_sizes(make, kind):
    X, y, tasks = make(3, 5, kind([4, 1, 9]), random_state=0)
    assert counts(tasks) == [4, 1, 9]
    assert X.shape == (14, 5)
    assert y.shape == (14,)


@both_makers
def test_shared_design(make):
    options = {"n_tasks": 3, "n_samples": 12, "shared_X": True, "random_state": 0}
    X, Y, truth = make(layout="wide", return_coef=True, **options)
    assert X.shape == (12, 20)
    assert Y.shape == (12, 3)
    assert X.flags.c_contiguous
    assert Y.flags.c_contiguous
    assert truth.coef.shape == (3, 20)
    X_long, y_long, tasks = make(layout="long", **options)
    for task in range(3):
        assert_array_equal(X_long[tasks == task], X)
        assert_array_equal(y_long[tasks == task], Y[:, task])
    assert len(make(layout="wide", **options)) == 2


@both_makers
def test_designs_differ_between_tasks_by_default(make):
    X, _, tasks = make(2, 5, 10, random_state=0)
    assert not np.any(X[tasks == 0] == X[tasks == 1])


@pytest.mark.parametrize("correlation", [0.0, 0.6, -0.4])
def test_design_correlation(correlation):
    X = make_multitask_regression(
        1, 5, 20_000, correlation=correlation, random_state=0
    )[0]
    j = np.arange(5)
    expected = np.power(float(correlation), np.abs(j[:, None] - j[None, :]))
    assert_allclose(np.cov(X.T), expected, atol=0.04)


def test_regression_without_noise_is_linear():
    X, y, tasks, truth = make_multitask_regression(
        bias=2.0, noise=0.0, return_coef=True, random_state=0
    )
    eta = np.sum(X * truth.coef[tasks], axis=1) + truth.intercept[tasks]
    assert_allclose(y, eta, rtol=0, atol=1e-12)
    assert np.ptp(truth.intercept) > 0


def test_regression_noise_and_bias():
    X, y, tasks, truth = make_multitask_regression(
        300, n_samples=40, bias=2.0, noise=0.5, return_coef=True, random_state=0
    )
    eta = np.sum(X * truth.coef[tasks], axis=1) + truth.intercept[tasks]
    assert_allclose((y - eta).std(), 0.5, rtol=0.05)
    assert_allclose(truth.intercept.std(), 2.0, rtol=0.15)
    assert_array_equal(truth_of(bias=0.0).intercept, np.zeros(12))


@pytest.mark.parametrize("noise", [0.5, 1.0, 4.0])
def test_classification_follows_the_logistic_model(noise):
    X, y, tasks, truth = make_multitask_classification(
        2, 5, 20_000, noise=noise, bias=1.0, return_coef=True, random_state=0
    )
    eta = np.sum(X * truth.coef[tasks], axis=1) + truth.intercept[tasks]
    probability = 1.0 / (1.0 + np.exp(-eta / noise))
    group = np.digitize(probability, [0.2, 0.4, 0.6, 0.8])
    for k in range(5):
        rows = group == k
        assert_allclose(y[rows].mean(), probability[rows].mean(), atol=0.03)


def test_classification_without_noise_is_separable():
    X, y, tasks, truth = make_multitask_classification(
        noise=0.0, return_coef=True, random_state=0
    )
    assert_array_equal(y, np.sum(X * truth.coef[tasks], axis=1) > 0)


def test_flip_y():
    options = {"n_samples": 500, "noise": 0.0, "random_state": 0}
    clean = make_multitask_classification(**options)[1]
    flipped = make_multitask_classification(flip_y=0.1, **options)[1]
    assert_allclose(np.mean(clean != flipped), 0.1, atol=0.02)


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_every_task_has_both_classes(layout):
    # Intercepts this large leave nearly every task with one class before the repair.
    options = {"bias": 1000.0, "random_state": 0, "n_tasks": 30, "n_samples": 2}
    result = make_multitask_classification(
        shared_X=layout == "wide", layout=layout, **options
    )
    labels = result[1] if layout == "wide" else result[1].reshape(30, 2).T
    assert np.issubdtype(labels.dtype, np.integer)
    assert_array_equal(np.sort(labels, axis=0), np.tile([[0], [1]], 30))


def test_repaired_label_is_the_likeliest_one():
    X, y, tasks, truth = make_multitask_classification(
        20, 5, 8, bias=1000.0, return_coef=True, random_state=0
    )
    eta = np.sum(X * truth.coef[tasks], axis=1) + truth.intercept[tasks]
    wrong = y != (eta > 0)
    repaired = [t for t in range(20) if wrong[tasks == t].any()]
    assert len(repaired) > 15
    for task in repaired:
        rows = tasks == task
        assert np.flatnonzero(wrong[rows]).tolist() == [np.abs(eta[rows]).argmin()]


def test_one_sample_per_task():
    y = make_multitask_classification(30, n_samples=1, random_state=0)[1]
    assert set(y.tolist()) == {0, 1}


@both_makers
@looped(
    "options, message",
    [
        ({"n_tasks": 0}, r"n_tasks=0 is not allowed.*integer >= 1"),
        ({"n_tasks": 2.0}, r"n_tasks=2\.0 is not allowed"),
        ({"n_tasks": True}, r"n_tasks=True is not allowed"),
        ({"n_features": -1}, r"n_features=-1 is not allowed"),
        ({"n_samples": 0}, r"n_samples=0 is not allowed"),
        ({"n_samples": None}, r"n_samples=None does not give the sizes of n_tasks=10"),
        ({"n_samples": 5.5}, r"n_samples=5\.5 does not give"),
        ({"n_samples": [3, 4]}, r"does not give the sizes of n_tasks=10 tasks"),
        ({"n_samples": [0] * 10}, r"list of 10 integers >= 1"),
        ({"n_samples": (9, 3)}, r"\(9, 3\) is a tuple but not a range.*low <= high"),
        ({"n_samples": (3, 4, 5)}, r"the sizes of the tasks as a list"),
        ({"n_samples": (1.5, 4)}, r"not a range"),
        ({"structure": "sparse"}, r"structure='sparse' is not known.*'row_sparse'"),
        ({"structure": ["low_rank"]}, r"is not known"),
        ({"n_informative": 21}, r"from 1 to n_features=20; lower n_informative"),
        (
            {"structure": "low_rank", "rank": 11},
            r"rank=11 is not allowed.*min\(n_tasks, n_features\)=10",
        ),
        (
            {"structure": "clustered", "n_clusters": 11},
            r"n_clusters=11 is not allowed.*from 1 to n_tasks=10",
        ),
        ({"structure": "clustered", "deviation": -1}, r"deviation=-1 is not allowed"),
        ({"structure": "mean_deviation", "deviation": "a"}, r"deviation='a'"),
        ({"noise": -0.1}, r"noise=-0\.1 is not allowed: .* 0 <= noise"),
        ({"noise": np.nan}, r"noise=nan is not allowed"),
        ({"correlation": 1.0}, r"correlation=1\.0 .* -1 < correlation < 1"),
        ({"bias": np.inf}, r"bias=inf is not allowed"),
        ({"layout": "tall"}, r"layout='tall' is not known; pass one of 'long', 'wide'"),
        ({"layout": "wide"}, r"shared_X=False; pass shared_X=True"),
        ({"shared_X": True, "n_samples": (3, 5)}, r"n_samples as one integer"),
        ({"random_state": "seed"}, r"seed"),
    ],
)
def test_errors(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


@pytest.mark.parametrize("flip_y", [-0.1, 1.1, None])
def test_flip_y_error(flip_y):
    with pytest.raises(ValueError, match="0 <= flip_y <= 1"):
        make_multitask_classification(flip_y=flip_y)


@both_makers
@pytest.mark.parametrize("structure", STRUCTURES)
def test_parameters_of_other_structures_are_ignored(make, structure):
    own = {
        "row_sparse": {"n_informative": 2},
        "low_rank": {"rank": 1},
        "clustered": {"n_clusters": 2, "deviation": 0.1},
        "mean_deviation": {"deviation": 0.1},
        "independent": {},
    }[structure]
    foreign = {"n_informative": 99, "rank": 99, "n_clusters": 99, "deviation": -1.0}
    make(2, 3, 4, structure=structure, random_state=0, **(foreign | own))
