"""Graphs of ONNX predict as the fitted models do, up to single precision."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from linmtl import (
    DescriptorRegressor,
    L21Classifier,
    L21Regressor,
    MeanRegularizedRegressor,
    MixedEffectsRegressor,
    MixedTaskEstimator,
    OrdinalClassifier,
    TaskScaler,
    TaskThresholdClassifier,
    TraceNormRegressor,
)
from linmtl.datasets import make_multitask_regression
from linmtl.export import register_onnx, to_onnx

pytest.importorskip("onnx")
from onnx.reference import ReferenceEvaluator

X, y, tasks = make_multitask_regression(
    n_tasks=4, n_samples=12, n_features=3, n_informative=3, random_state=0
)
Y = np.column_stack([y[tasks == t] for t in range(4)])
Z = X[tasks == 0]
LABELS = {
    "int": tasks - 2,
    "float": tasks / 3,
    "bool": tasks > 1,
    "str": np.array(["a", "b", "ü", "d / 1"])[tasks],
}


def run(graph, X, labels=None, dtype=np.float32):
    """The outputs of a graph by name."""
    given = {graph.graph.input[0].name: np.asarray(X, dtype=dtype)}
    if labels is not None:
        kind = np.asarray(labels).dtype.kind
        as_given = {"U": object, "f": np.float64}.get(kind, np.int64)
        given["tasks"] = np.asarray(labels).astype(as_given)
    values = ReferenceEvaluator(graph).run(None, given)
    names = [output.name for output in graph.graph.output]
    return dict(zip(names, values, strict=True))


def assert_close(answer, expected):
    assert answer.shape == expected.shape
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(answer, expected, atol=1e-6 * scale)


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_kind(kind):
    labels = LABELS[kind]
    model = L21Regressor(0.1).fit(X, y, labels)
    assert_close(run(to_onnx(model), X, labels)["prediction"], model.predict(X, labels))


@pytest.mark.parametrize("layout", ["wide", "single", "long"])
@pytest.mark.parametrize("around", [False, True], ids=["plain", "thresholds"])
@pytest.mark.parametrize("cuts", [[0.5], [-1.0, 1.0]], ids=["two", "three"])
@pytest.mark.slow
def test_classifiers(layout, around, cuts):
    data, target = {"wide": (Z, Y), "single": (Z, Y[:, 0]), "long": (X, y)}[layout]
    labels = [tasks] * (layout == "long")
    target = np.array(["no", "yes", "so"])[np.digitize(target, cuts)]
    model = L21Classifier(0.01)
    model = TaskThresholdClassifier(model, cv=2) if around else model
    model.fit(data, target, *labels)
    found = run(to_onnx(model), data, *labels)
    assert found["label"].tolist() == model.predict(data, *labels).tolist()
    assert_close(found["decision"], model.decision_function(data, *labels))
    p = np.asarray(model.predict_proba(data, *labels))
    assert_close(found["probabilities"], p.swapaxes(0, 1) if layout == "wide" else p)


def test_a_hinge_knows_no_probabilities():
    model = L21Classifier(0.01, loss="squared_hinge").fit(Z, Y[:, 0] > 0)
    graph = to_onnx(model, dtype="float64")
    found = run(graph, Z, dtype=float)
    assert list(found) == ["label", "decision"]
    np.testing.assert_allclose(
        found["decision"], model.decision_function(Z), rtol=1e-13
    )


def test_links_and_double_precision():
    model = MeanRegularizedRegressor(0.1, loss="poisson").fit(X, np.abs(y), tasks)
    found = run(to_onnx(model, dtype="float64"), X, tasks, dtype=float)["prediction"]
    np.testing.assert_allclose(found, model.predict(X, tasks), rtol=1e-13)


def test_tasks_not_seen():
    strange = np.where(tasks == 3, 9, tasks)
    for model in (
        L21Regressor(0.1, handle_unknown="mean"),
        MixedEffectsRegressor(),
        DescriptorRegressor({t: [1.0, t] for t in range(12)}),
    ):
        model.fit(X, y, tasks)
        found = run(to_onnx(model), X, strange)["prediction"]
        assert_close(found, model.predict(X, strange))
    found = run(to_onnx(L21Regressor(0.1).fit(X, y, tasks)), X, strange)["prediction"]
    np.testing.assert_array_equal(np.isnan(found), strange == 9)


def test_features_that_differ_by_task():
    absent = np.where((tasks == 1)[:, None] & (np.arange(X.shape[1]) == 1), np.nan, X)
    model = L21Regressor(0.1, handle_unknown="mean").fit(absent, y, tasks)
    strange = np.where(tasks == 3, 9, tasks)
    model.fit_new_task(X[:6], y[:6], 17)
    strange[tasks == 2] = 17
    found = run(to_onnx(model), absent, strange)["prediction"]
    assert_close(found, model.predict(absent, strange))


def test_scalers_before_a_model():
    data = 5 * X + 3
    pipeline = make_pipeline(StandardScaler(), TaskScaler(), L21Regressor(0.1))
    pipeline.fit(data, y, l21regressor__tasks=tasks)
    found = run(to_onnx(pipeline), data, tasks)["prediction"]
    assert_close(found, pipeline.predict(data, tasks=tasks))
    pipeline = make_pipeline(StandardScaler(), L21Regressor(0.1, task_column=0))
    pipeline.fit(np.column_stack([tasks, X]), y)
    with pytest.raises(TypeError, match="takes the task column of its model too"):
        to_onnx(pipeline)


def test_missing_values_are_filled_in():
    data = np.where(np.abs(X) > 1.5, np.nan, X)
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), L21Regressor(0.1))
    pipeline.fit(data, y, l21regressor__tasks=tasks)
    found = run(to_onnx(pipeline), data, tasks)["prediction"]
    assert_close(found, pipeline.predict(data, tasks=tasks))


def test_other_types_are_refused():
    with pytest.raises(ValueError, match="dtype must be 'float32' or 'float64'"):
        to_onnx(L21Regressor(0.1).fit(Z, Y), dtype="float16")


@pytest.mark.slow
def test_skl2onnx_converts_pipelines():
    skl2onnx = pytest.importorskip("skl2onnx")
    register_onnx()
    pipeline = make_pipeline(StandardScaler(), PCA(2), TraceNormRegressor(0.1))
    pipeline.fit(Z, Y)
    graph = skl2onnx.to_onnx(pipeline, Z[:1].astype(np.float32))
    (found,) = run(graph, Z).values()
    assert_close(found, pipeline.predict(Z))


def test_skl2onnx_takes_tasks():
    skl2onnx = pytest.importorskip("skl2onnx")
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    register_onnx()
    table = np.column_stack([X, tasks]).astype(np.float32)
    model = L21Classifier(0.01, task_column=-1).fit(table, y > 0)
    found = run(skl2onnx.to_onnx(model, table[:1]), table)
    np.testing.assert_array_equal(found["label"], model.predict(table))
    assert_close(found["probabilities"], model.predict_proba(table))
    named = L21Regressor(0.1).fit(X, y, LABELS["str"])
    types = [("X", FloatTensorType([None, 3])), ("tasks", StringTensorType([None]))]
    graph = skl2onnx.to_onnx(named, initial_types=types)
    (found,) = run(graph, X, LABELS["str"]).values()
    assert_close(found, named.predict(X, LABELS["str"]))
    with pytest.raises(TypeError, match="give them a second input"):
        skl2onnx.to_onnx(named, X[:1].astype(np.float32))


@pytest.mark.parametrize("layout", ["wide", "single", "long"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_classes_that_have_an_order(layout, n_classes):
    data, target = {"wide": (Z, Y), "single": (Z, Y[:, 0]), "long": (X, y)}[layout]
    labels = [tasks] * (layout == "long")
    grades = np.array(["low", "mid", "high", "top"])
    codes = np.digitize(target, [-1.0, 0.0, 2.0] if n_classes == 4 else [0.0])
    if layout == "long":
        codes[(codes == 2) & (tasks == 1)] = 1
    model = OrdinalClassifier(class_order=grades[:n_classes])
    model.fit(data, grades[codes], *labels)
    found = run(to_onnx(model), data, *labels)
    assert found["label"].tolist() == model.predict(data, *labels).tolist()
    p = np.asarray(model.predict_proba(data, *labels))
    assert_close(found["probabilities"], p.swapaxes(0, 1) if layout == "wide" else p)
    expected = model.decision_function(data, *labels)
    possible = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(found["decision"]), possible)
    assert_close(found["decision"][possible], expected[possible])
    if layout == "long":
        with np.errstate(invalid="ignore"):
            strange = run(to_onnx(model), data, tasks + 50)
        assert np.isnan(strange["probabilities"]).all()


@pytest.mark.parametrize("layout", ["wide", "long"])
@pytest.mark.parametrize("one", [False, True])
def test_tasks_of_different_kinds(layout, one):
    kinds = {0: "squared", 1: "logistic", 2: "poisson", 3: "logistic"}
    table = np.column_stack(
        [Y[:, 0], Y[:, 1] > 0, np.round(np.abs(Y[:, 2])), Y[:, 3] > 0]
    )
    data, labels = (
        (Z, []) if layout == "wide" else (np.tile(Z, (4, 1)), [np.sort(tasks)])
    )
    if one:
        kinds, table = "logistic", Y > 0
    model = MixedTaskEstimator(loss=kinds)
    model.fit(data, table if layout == "wide" else table.T.ravel(), *labels)
    found = run(to_onnx(model), data, *labels)
    assert_close(found["prediction"], model.predict(data, *labels))
