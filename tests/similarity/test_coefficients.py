"""Measures of relatedness by fitted models: loops by hand, limits, invariances."""

import os

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import linalg, stats
from scipy.optimize import minimize_scalar
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import MultiTaskLasso

from linmtl import (
    IndependentClassifier,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    TaskRelationshipRegressor,
)
from linmtl.similarity import (
    TaskMatrix,
    coefficient_similarity,
    data_subspaces,
    excess_risk,
    prediction_disagreement,
    subspace_similarity,
    task_correlation,
    task_covariance,
)

os.environ.setdefault("MPLBACKEND", "Agg")
RNG = np.random.default_rng(0)
COEF = RNG.normal(size=(5, 7)) * (RNG.random((5, 7)) < 0.7)
NAMES = ["c", "a", "e", "b", "d"]


def long_data(classify=False, n_tasks=4, d=3, seed=0, names="wxyz"):
    rng = np.random.default_rng(seed)
    size = rng.integers(8, 20, n_tasks)
    X = rng.normal(size=(size.sum(), d)) + 0.3
    tasks = np.repeat(np.array(list(names)), size)
    order = rng.permutation(len(X))
    y = X @ rng.normal(size=d) + np.repeat(np.arange(n_tasks), size)
    y = y + rng.normal(size=len(X))
    if classify:
        y = np.where(y > np.median(y), "yes", "no")
    return X[order], y[order], tasks[order]


# --- coefficients


@pytest.mark.parametrize("metric", ["cosine", "correlation", "jaccard"])
def test_coefficient_similarity_is_its_formula(metric):
    found = coefficient_similarity(COEF, metric, tasks=NAMES)
    for i, u in enumerate(COEF):
        for j, v in enumerate(COEF):
            if metric == "cosine":
                expected = u @ v / np.sqrt((u @ u) * (v @ v))
            elif metric == "correlation":
                expected = np.corrcoef(u, v)[0, 1]
            else:
                a, b = set(np.flatnonzero(u)), set(np.flatnonzero(v))
                expected = len(a & b) / len(a | b)
            assert_allclose(found.values[i, j], expected, atol=1e-14)
    assert found.kind == "similarity"
    assert not found.directed
    assert_array_equal(np.diag(found.values), 1.0)
    assert_array_equal(found.tasks, NAMES)


def test_the_threshold_of_jaccard_decides_what_is_used():
    coef = [[1.0, 0.1, 0.0], [1.0, 0.0, -0.1]]
    assert coefficient_similarity(coef, "jaccard").values[0, 1] == 1 / 3
    strict = coefficient_similarity(coef, "jaccard", threshold=0.1)
    assert strict.values[0, 1] == 1.0


def test_scale_of_a_task_does_not_matter_to_cosine():
    factor = np.array([1e-200, 1.0, 1e200, 3.0, 0.1])[:, None]
    for metric in ("cosine", "correlation", "jaccard"):
        assert_allclose(
            coefficient_similarity(COEF * factor, metric).values,
            coefficient_similarity(COEF, metric).values,
            atol=1e-14,
        )


def test_tasks_without_a_direction():
    coef = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.1, 0.1, 0.1], [1.0, 2.0, 4.0]]
    cosine = coefficient_similarity(coef).values
    assert_array_equal(cosine[0], [1, 0, 0, 0])
    correlation = coefficient_similarity(coef, "correlation").values
    assert_array_equal(correlation, np.eye(4))
    jaccard = coefficient_similarity(coef, "jaccard").values
    assert_array_equal(jaccard[0], [1, 1, 0, 0])


@pytest.mark.parametrize(
    "measure",
    [
        coefficient_similarity,
        lambda W, **kw: coefficient_similarity(W, "correlation", **kw),
        lambda W, **kw: coefficient_similarity(W, "jaccard", **kw),
        task_covariance,
        task_correlation,
    ],
)
def test_a_permutation_of_the_tasks_permutes_the_result(measure):
    order = np.array([3, 0, 4, 1, 2])
    direct = measure(COEF, tasks=NAMES)
    permuted = measure(COEF[order], tasks=np.array(NAMES)[order])
    assert_allclose(permuted.reorder(NAMES).values, direct.values, atol=1e-13)
    assert_array_equal(permuted.tasks, np.array(NAMES)[order])


def test_labels_come_with_models_and_tables():
    X, y, tasks = long_data()
    model = L21Regressor(0.01).fit(X, y, tasks)
    assert_array_equal(coefficient_similarity(model).tasks, list("wxyz"))
    table = pd.DataFrame(COEF, index=[10, 2, 3, 4, 5])
    assert_array_equal(coefficient_similarity(table).tasks, [10, 2, 3, 4, 5])
    other = MultiTaskLasso(0.01).fit(X, np.column_stack([y, -y]))
    opposite = coefficient_similarity(other)
    assert_allclose(opposite.values, [[1, -1], [-1, 1]])
    assert_array_equal(opposite.tasks, [0, 1])


def test_task_covariance_is_the_root_of_the_gram_matrix():
    omega = task_covariance(COEF, tasks=NAMES)
    expected = linalg.sqrtm(COEF @ COEF.T).real
    expected /= np.trace(expected)
    assert omega.kind == "covariance"
    assert_allclose(omega.values, expected, atol=1e-10)
    deviation = np.sqrt(np.diag(expected))
    correlation = task_correlation(COEF).values
    assert_allclose(correlation, expected / np.outer(deviation, deviation), atol=1e-10)
    # scale free, and safe where squares would overflow
    assert_allclose(task_covariance(1e200 * COEF).values, expected, atol=1e-10)


def test_task_covariance_agrees_with_the_estimator():
    X, y, tasks = long_data()
    model = TaskRelationshipRegressor(0.05).fit(X, y, tasks)
    assert_allclose(task_covariance(model).values, model.task_covariance_, atol=1e-8)
    found = task_correlation(model).values
    assert_allclose(found, model.task_correlation_, atol=1e-8)


def test_task_covariance_of_zero_coefficients():
    assert_allclose(task_covariance(np.zeros((4, 2))).values, np.eye(4) / 4)
    correlation = task_correlation([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]).values
    assert_allclose(correlation, [[1, 0, 0], [0, 1, 1], [0, 1, 1]])


# --- predictions


@pytest.mark.parametrize("covariance", ["pooled", "within", "per_task"])
def test_prediction_disagreement_is_its_formula(covariance):
    X, y, tasks = long_data()
    model = IndependentRegressor(0.1).fit(X, y, tasks)
    W, labels = model.coef_, model.tasks_

    def moment(A):
        return np.cov(A.T, bias=True)

    own = [moment(X[tasks == label]) for label in labels]
    share = [np.mean(tasks == label) for label in labels]
    within = sum(s * C for s, C in zip(share, own, strict=True))
    found = prediction_disagreement(model, X, tasks, covariance=covariance)
    for i in range(4):
        for j in range(4):
            S = {
                "pooled": moment(X),
                "within": within,
                "per_task": (own[i] + own[j]) / 2,
            }[covariance]
            gap = W[i] - W[j]
            assert_allclose(found.values[i, j], gap @ S @ gap, atol=1e-12)
    assert found.kind == "distance"
    assert_array_equal(np.diag(found.values), 0.0)


def test_prediction_disagreement_is_the_variance_of_the_difference():
    X, y, tasks = long_data()
    model = L21Regressor(0.01).fit(X, y, tasks)
    predictions = model.predict_all(X)
    found = prediction_disagreement(model, X).values
    assert_allclose(found[0, 2], np.var(predictions[:, 0] - predictions[:, 2]))


def test_prediction_disagreement_does_not_depend_on_units():
    X, y, tasks = long_data()
    W = IndependentRegressor(0.1).fit(X, y, tasks).coef_
    unit = np.array([1e3, 1.0, 1e-4])
    for covariance in ("pooled", "within", "per_task"):
        assert_allclose(
            prediction_disagreement(W / unit, X * unit, tasks, covariance=covariance),
            prediction_disagreement(W, X, tasks, covariance=covariance),
            rtol=1e-9,
        )


def test_prediction_disagreement_with_more_features_than_rows():
    rng = np.random.default_rng(1)
    X, W = rng.normal(size=(6, 40)), rng.normal(size=(3, 40))
    gap = W[0] - W[1]
    found = prediction_disagreement(W, X).values[0, 1]
    assert_allclose(found, gap @ np.cov(X.T, bias=True) @ gap)


def test_close_models_are_told_apart():
    """Differences are formed before squares: no cancellation."""
    X, _, _ = long_data()
    W = np.array([[1e6, 2e6, 3e6]] * 2)
    W[1, 0] += 1e-3
    found = prediction_disagreement(W, X).values[0, 1]
    # what is left is the rounding of 1e6 + 1e-3 and of the products
    assert_allclose(found, 1e-6 * X[:, 0].var(), rtol=1e-5)


def risk(W, b, X, y, loss, refit):
    """L(w) of one model on one task, with plain tools."""
    eta = X @ W

    def value(b):
        if loss == "squared":
            return np.mean((y - eta - b) ** 2) / 2
        return np.mean(np.logaddexp(0.0, -y * (eta + b)))

    if not refit:
        return value(b)
    return minimize_scalar(value, (-5, 5), tol=1e-12).fun


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("classify", [True, False])
def test_excess_risk_is_its_definition(classify, refit):
    X, y, tasks = long_data(classify)
    model = (IndependentClassifier if classify else IndependentRegressor)(0.05)
    model.fit(X, y, tasks)
    loss = "logistic" if classify else "squared"
    y = np.where(y == "yes", 1.0, -1.0) if classify else y
    given = long_data(classify)[1]
    found = excess_risk(model, X, given, tasks, refit_intercept=refit)
    W, b, labels = model.coef_, model.intercept_, model.tasks_
    for j, to in enumerate(labels):
        rows = tasks == to
        own = risk(W[j], b[j], X[rows], y[rows], loss, refit)
        for i in range(len(labels)):
            other = risk(W[i], b[i], X[rows], y[rows], loss, refit)
            assert_allclose(found.values[i, j], other - own, atol=1e-8)
    assert found.directed
    assert found.kind == "distance"
    assert_array_equal(np.diag(found.values), 0.0)
    assert_array_equal(np.diag(found.standard_errors), 0.0)


def test_the_error_of_excess_risk_is_that_of_paired_differences():
    X, y, tasks = long_data()
    model = IndependentRegressor(0.05).fit(X, y, tasks)
    found = excess_risk(model, X, y, tasks, refit_intercept=False)
    rows = tasks == "y"
    losses = (y[rows, None] - model.predict_all(X[rows])) ** 2 / 2
    difference = losses[:, 0] - losses[:, 2]
    assert_allclose(found.standard_errors[0, 2], stats.sem(difference))


def test_excess_risk_of_the_best_models_is_not_negative():
    X, y, tasks = long_data()
    model = IndependentRegressor(alpha=0.0).fit(X, y, tasks)
    assert excess_risk(model, X, y, tasks).values.min() > -1e-12
    assert excess_risk(model, X, y, tasks).values.max() > 0.01


@pytest.mark.slow
def test_excess_risk_has_the_error_of_a_mean():
    """Over repeated samples the estimates vary as the standard errors say."""
    rng = np.random.default_rng(0)
    W, T, n = np.array([[1.0, 0.0], [0.0, 1.0]]), 2, 60
    values, errors = [], []
    for _ in range(400):
        X = rng.normal(size=(T * n, 2))
        tasks = np.repeat([0, 1], n)
        y = np.sum(X * W[tasks], axis=1) + rng.normal(size=T * n)
        found = excess_risk(W, X, y, tasks)
        values.append(found.values[0, 1])
        errors.append(found.standard_errors[0, 1])
    assert_allclose(np.std(values), np.mean(errors), rtol=0.15)
    assert_allclose(np.mean(values), 1.0, atol=0.05)  # ||w_0 - w_1||^2 / 2


def test_layouts_agree():
    """Wide Y with missing labels, long data, and a task column."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(30, 3))
    Y = X @ rng.normal(size=(3, 4)) + rng.normal(size=(30, 4))
    Y[rng.random(Y.shape) < 0.2] = np.nan
    table = pd.DataFrame(Y, columns=["p", "q", "r", "s"])
    wide = L21Regressor(0.05).fit(X, table)
    row, column = np.nonzero(~np.isnan(Y))
    labels = np.array(["p", "q", "r", "s"])[column]
    found = excess_risk(wide, X, table)
    long = excess_risk(wide, X[row], Y[row, column], labels)
    assert_allclose(found.values, long.values, atol=1e-13)
    frame = pd.DataFrame(X[row], columns=["a", "b", "c"]).assign(site=labels)
    inside = L21Regressor(0.05, task_column="site").fit(frame, Y[row, column])
    again = excess_risk(inside, frame, Y[row, column])
    assert_array_equal(again.tasks, ["p", "q", "r", "s"])
    assert_allclose(again.values, found.values, atol=1e-3)
    kwargs = {"covariance": "per_task"}
    assert_allclose(
        prediction_disagreement(inside, frame, **kwargs),
        prediction_disagreement(inside, X[row], labels, **kwargs),
    )


def test_excess_risk_needs_rows_of_every_task():
    X, y, tasks = long_data()
    model = L21Regressor(0.01).fit(X, y, tasks)
    few = tasks != "z"
    with pytest.raises(ValueError, match="no rows of the tasks 'z'"):
        excess_risk(model, X[few], y[few], tasks[few])
    other = np.where(tasks == "w", "new", tasks)
    with pytest.raises(ValueError, match="'w'"):
        excess_risk(model, X, y, other)
    more = np.concatenate([tasks, ["new"] * 2])
    with pytest.raises(ValueError, match="'new', which the model does not know"):
        excess_risk(model, np.r_[X, X[:2]], np.r_[y, y[:2]], more)


def test_excess_risk_of_hostile_input():
    X, y, tasks = long_data(classify=True)
    model = L21Classifier(0.01).fit(X, y, tasks)
    single = np.where(tasks == "w", "no", y)
    with pytest.raises(ValueError, match="'w' have only 1 class"):
        excess_risk(model, X, single, tasks)
    found = excess_risk(model, X, single, tasks, refit_intercept=False)
    assert np.all(np.isfinite(found.values))
    with pytest.raises(ValueError, match="refit_intercept=False needs a model"):
        excess_risk(model.coef_, X, np.ones(len(y)), tasks, refit_intercept=False)
    with pytest.raises(ValueError, match="4 features but the model has 3"):
        excess_risk(model, np.c_[X, X[:, 0]], y, tasks)
    with pytest.raises(ValueError, match=r"loss must be .*, got 'hinge'"):
        excess_risk(model, X, y, tasks, loss="hinge")
    with pytest.raises(ValueError, match="tasks is None"):
        excess_risk(model, X, y)
    with pytest.raises(ValueError, match="y is None"):
        excess_risk(model, X, None, tasks)


# --- subspaces


def test_subspace_similarity_is_its_formula():
    rng = np.random.default_rng(0)
    bases = {
        k: rng.normal(size=(8, m)) for k, m in zip("abcd", [1, 2, 3, 3], strict=True)
    }
    found = {m: subspace_similarity(bases, measure=m) for m in MEASURES}
    for i, U in enumerate(bases.values()):
        for j, V in enumerate(bases.values()):
            if i == j:
                continue
            angles = linalg.subspace_angles(U, V)
            expected = {
                "projection": np.mean(np.cos(angles) ** 2),
                "largest_angle": angles.max(),
                "geodesic": np.sqrt(np.sum(angles**2)),
            }
            for measure, value in expected.items():
                assert_allclose(found[measure].values[i, j], value, atol=1e-12)
    assert found["projection"].kind == "similarity"
    assert found["geodesic"].kind == "distance"
    assert_array_equal(found["geodesic"].tasks, list("abcd"))


MEASURES = ["projection", "largest_angle", "geodesic"]


def test_subspaces_do_not_depend_on_their_bases():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(6, 2)), rng.normal(size=(6, 3))
    mixed = [A @ rng.normal(size=(2, 2)) * 1e5, B @ rng.normal(size=(3, 3))]
    for measure in MEASURES:
        assert_allclose(
            subspace_similarity(mixed, measure=measure),
            subspace_similarity([A, B], measure=measure),
            atol=1e-10,
        )


@pytest.mark.parametrize(("measure", "same", "apart"), [
    ("projection", 1.0, 0.0),
    ("largest_angle", 0.0, np.pi / 2),
    ("geodesic", 0.0, np.pi / np.sqrt(2)),
])  # fmt: skip
def test_limits_of_subspaces(measure, same, apart):
    E = np.eye(6)
    found = subspace_similarity([E[:, :2], E[:, [1, 0]], E[:, 2:4]], measure=measure)
    assert_allclose(found.values[0, 1], same, atol=1e-12)
    assert_allclose(found.values[0, 2], apart, atol=1e-12)
    inside = subspace_similarity([E[:, :2], E[:, :4]], measure=measure)
    assert_allclose(inside.values[0, 1], same, atol=1e-12)


def test_subspaces_of_models():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    U = np.linalg.qr(rng.normal(size=(6, 2)))[0]
    groups = {}
    for name, basis in {
        "a": U,
        "b": U,
        "c": np.linalg.qr(U, "complete")[0][:, 2:4],
    }.items():
        Y = X @ (basis @ rng.normal(size=(2, 5)))
        groups[name] = IndependentRegressor(alpha=1e-8).fit(X, Y)
    found = subspace_similarity(groups, n_components=2).to_frame()
    assert found.loc["a", "b"] > 1 - 1e-6
    assert found.loc["a", "c"] < 1e-6


def test_data_subspaces_hold_the_most_variance():
    X, _, tasks = long_data(d=4)
    bases = data_subspaces(X, tasks, 2)
    assert list(bases) == list("wxyz")
    rows = X[tasks == "x"]
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    assert_allclose(bases["x"].T @ bases["x"], np.eye(2), atol=1e-12)
    captured = np.trace(bases["x"].T @ np.cov(rows.T) @ bases["x"])
    assert_allclose(captured, values[-2:].sum())
    assert vectors.shape == (4, 4)
    assert_array_equal(subspace_similarity(bases).tasks, list("wxyz"))


def test_hostile_subspaces():
    X, _, tasks = long_data()
    with pytest.raises(ValueError, match="vary in 3 directions only"):
        data_subspaces(X, tasks, 4)
    with pytest.raises(ValueError, match="n_components must be an integer >= 1"):
        data_subspaces(X, tasks, 0)
    E = np.eye(4)
    with pytest.raises(ValueError, match="spaces of 3, 4 features"):
        subspace_similarity([E[:, :2], np.eye(3)[:, :2]])
    with pytest.raises(ValueError, match="span 1 dimensions but 2"):
        subspace_similarity([E[:, :2], np.ones((4, 3))], n_components=2)
    with pytest.raises(ValueError, match="span 0 dimensions"):
        subspace_similarity([E[:, :2], np.zeros((4, 3))])
    with pytest.raises(ValueError, match="1 subspaces"):
        subspace_similarity([E])
    with pytest.raises(ValueError, match="NaN or infinity"):
        subspace_similarity([E, E * np.nan])
    with pytest.raises(ValueError, match="keys of a dict"):
        subspace_similarity({"a": E, "b": E}, tasks=["a", "b"])
    with pytest.raises(ValueError, match=r"measure must be .*, got 'chordal'"):
        subspace_similarity([E, E], measure="chordal")


# --- what all share


def test_hostile_models():
    with pytest.raises(NotFittedError, match="no coef_"):
        coefficient_similarity(L21Regressor())
    X, y, tasks = long_data()
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        coefficient_similarity(L21Regressor(0.01).fit(X, y))
    with pytest.raises(ValueError, match="only 1 task"):
        coefficient_similarity([[1.0, 2.0]])
    with pytest.raises(ValueError, match="NaN or infinity"):
        coefficient_similarity([[1.0, np.nan], [1.0, 2.0]])
    with pytest.raises(ValueError, match="3 labels but there are 2 rows"):
        coefficient_similarity(np.eye(2), tasks=["a", "b", "c"])
    with pytest.raises(ValueError, match="repeats 'a'"):
        coefficient_similarity(np.eye(2), tasks=["a", "a"])
    model = L21Regressor(0.01).fit(X, y, tasks)
    with pytest.raises(ValueError, match="has task labels"):
        coefficient_similarity(model, tasks=list("abcd"))
    with pytest.raises(ValueError, match=r"metric must be .*, got 'euclidean'"):
        coefficient_similarity(COEF, "euclidean")
    with pytest.raises(ValueError, match="threshold must be a finite number >= 0"):
        coefficient_similarity(COEF, "jaccard", threshold=-1)
    with pytest.raises(ValueError, match="dtype <U"):
        coefficient_similarity([["a", "b"], ["c", "d"]])
    with pytest.raises(ValueError, match=r"covariance must be .*, got 'own'"):
        prediction_disagreement(COEF, np.ones((3, 7)), covariance="own")
    with pytest.raises(ValueError, match="needs one task label"):
        prediction_disagreement(COEF, np.ones((3, 7)), covariance="within")
    with pytest.raises(ValueError, match="2 features but the model has 7"):
        prediction_disagreement(COEF, np.ones((3, 2)))


def test_a_matrix_is_an_array_and_a_table():
    found = coefficient_similarity(COEF, tasks=NAMES)
    assert np.asarray(found).shape == (5, 5)
    assert np.asarray(found, dtype=np.float32).dtype == np.float32
    assert_allclose(np.sqrt(np.abs(found)), np.sqrt(np.abs(found.values)))
    table = found.to_frame()
    assert list(table.index) == list(table.columns) == NAMES
    assert table.loc["a", "b"] == found.values[1, 3]
    assert repr(found) == "<TaskMatrix: cosine, similarity of 5 tasks>"
    assert len(found) == 5
    with pytest.raises(ValueError, match="read-only"):
        found.values[0, 0] = 2.0
    copy = np.array(found)
    copy[0, 0] = 2.0
    assert found.values[0, 0] == 1.0


def test_a_matrix_is_reordered_with_all_that_belongs_to_it():
    values = np.arange(9.0).reshape(3, 3)
    full = TaskMatrix(values, [1, 2, 3], "distance", "d", True, -values, values / 10)
    part = full.reorder([3, 1])
    assert_array_equal(part.values, [[8, 6], [2, 0]])
    assert_array_equal(part.standard_errors, -part.values)
    assert_array_equal(part.p_values, part.values / 10)
    with pytest.raises(ValueError, match="labels 4, which the matrix lacks"):
        full.reorder([4, 1])


def test_a_matrix_of_a_table_has_its_labels():
    table = pd.DataFrame([[1.0, 0.5], [0.5, 2.0]], index=[20, 10], columns=[20, 10])
    found = TaskMatrix(table, [20, 10], "covariance", standard_errors=table)
    assert_array_equal(found.reorder([10, 20]).values, [[2.0, 0.5], [0.5, 1.0]])
    with pytest.raises(ValueError, match="values has the task labels 20, 10, but"):
        TaskMatrix(table, [10, 20], "covariance")
    with pytest.raises(ValueError, match="values has other columns than rows"):
        TaskMatrix(table[[10, 20]], [20, 10], "covariance")
    with pytest.raises(ValueError, match="p_values has the task labels 20, 10, but"):
        TaskMatrix(table.to_numpy(), [10, 20], "covariance", p_values=table)


def test_a_wrong_matrix_is_refused():
    with pytest.raises(ValueError, match=r"kind must be .*, got 'nearness'"):
        TaskMatrix(np.eye(2), ["a", "b"], "nearness")
    with pytest.raises(ValueError, match=r"values has shape \(2, 2\)"):
        TaskMatrix(np.eye(2), ["a", "b", "c"], "distance")
    with pytest.raises(ValueError, match="not symmetric"):
        TaskMatrix([[0, 1], [2, 0]], ["a", "b"], "distance")
    with pytest.raises(ValueError, match="repeats"):
        TaskMatrix(np.eye(2), ["a", "a"], "distance")


@pytest.mark.parametrize("n_tasks", [2, 4, 30])
def test_a_matrix_can_be_drawn(n_tasks):
    import matplotlib.pyplot as plt

    coef = np.random.default_rng(0).normal(size=(n_tasks, 6))
    labels = [f"task {t}" for t in range(n_tasks)]
    axes = coefficient_similarity(coef, tasks=labels).plot()
    shown = {tick.get_text() for tick in axes.get_yticklabels()}
    assert shown
    assert shown <= set(labels)
    _, own = plt.subplots()
    assert coefficient_similarity(coef).plot(own) is own
    plt.close("all")


def test_excess_risk_of_one_row_is_refused():
    X = np.random.default_rng(0).normal(size=(31, 3))
    tasks = np.repeat(["a", "b"], [1, 30])
    model = IndependentRegressor(0.1).fit(X, X[:, 0], tasks)
    with pytest.raises(ValueError, match="'a' have one row"):
        excess_risk(model, X, X[:, 0], tasks)
    assert np.isfinite(
        excess_risk(model, X, X[:, 0], tasks, refit_intercept=False).values
    ).all()


def test_disagreement_about_one_row_is_refused():
    X = np.random.default_rng(0).normal(size=(7, 3))
    coef = np.eye(3)
    with pytest.raises(ValueError, match=r"X has 1 row, .* two rows at least"):
        prediction_disagreement(coef, X[:1])
    tasks = [0, 1, 1, 1, 2, 2, 2]
    with pytest.raises(ValueError, match=r"the tasks 0 have 1; .*'pooled'"):
        prediction_disagreement(coef, X, tasks, covariance="per_task")
    with pytest.raises(ValueError, match="every task has 1 row"):
        prediction_disagreement(coef, X[:3], range(3), covariance="within")
    for covariance in ("pooled", "within"):
        found = prediction_disagreement(coef, X, tasks, covariance=covariance)
        assert found.values[0, 1] > 0.0


def test_excess_risk_of_labels_that_are_words():
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(60, 3)), np.repeat(["a", "b"], 30)
    words = np.where(X[:, 0] + rng.normal(size=60) > 0, "well", "sick")
    with pytest.raises(ValueError, match=r"labels of classes, such as .* loss=\"log"):
        excess_risk(COEF[:2, :3], X, words, tasks)
    found = excess_risk(COEF[:2, :3], X, words, tasks, loss="logistic")
    assert np.all(np.isfinite(found.values))
