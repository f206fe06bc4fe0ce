"""Models as JSON predict as the fitted ones do, to the bit."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import linmtl
from helpers.loops import looped
from linmtl import (
    AutoRegressor,
    DescriptorClassifier,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    MeanRegularizedRegressor,
    MixedEffectsClassifier,
    MixedEffectsRegressor,
    OrdinalClassifier,
    PooledRegressor,
    TaskScaler,
    TaskThresholdClassifier,
)
from linmtl.conformal import TaskConformalRegressor
from linmtl.datasets import make_multitask_regression
from linmtl.export import LoadedClassifier, from_json, to_json
from linmtl.preprocessing import SelectFeatures, TableEncoder, TargetScaler
from linmtl.transfer import SafeTransferRegressor

X, y, tasks = make_multitask_regression(
    n_tasks=4, n_samples=12, n_features=3, n_informative=3, random_state=0
)
Y = np.column_stack([y[tasks == t] for t in range(4)])
Z = X[tasks == 0]
SITES = np.array(["a", "b", "ü", "d / 1"])[tasks]
METHODS = ("predict", "predict_all", "decision_function", "predict_proba")


def assert_same(model, again, X, *labels):
    """Every answer, and what is known of the model."""
    for method in METHODS:
        if hasattr(model, method):
            given = () if method == "predict_all" else labels
            expected = np.asarray(getattr(model, method)(X, *given))
            answer = np.asarray(getattr(again, method)(X, *given))
            np.testing.assert_array_equal(answer, expected)
            assert answer.dtype == expected.dtype
        else:
            assert not hasattr(again, method)


PREDICTORS = [
    obj
    for obj in (getattr(linmtl, name) for name in linmtl.__all__)
    if isinstance(obj, type) and hasattr(obj, "predict_all")
]


def quick(cls):
    names = cls().get_params(deep=False)
    options = {"alphas": 2, "eps": 0.1, "cv": 2} if "alphas" in names else {}
    if "models" in names:
        kind = linmtl.PooledClassifier if cls._classify else PooledRegressor
        options = {"models": [kind()], "cv": 2}
    return cls(**{k: v for k, v in options.items() if k in names})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*")  # of searches on few rows
@looped("cls", PREDICTORS)
def test_every_estimator(cls):
    classify = hasattr(cls, "decision_function")
    model = quick(cls).fit(X, y > 0 if classify else y, tasks)
    assert_same(model, from_json(to_json(model)), X, tasks)


LABELS = {
    "int": tasks - 2,
    "float": tasks / 3,
    "bool": tasks > 1,
    "str": SITES,
    "tuple": [("north", int(t)) for t in tasks],
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_kind(kind):
    labels = LABELS[kind]
    model = L21Regressor(0.1).fit(X, y, labels)
    again = from_json(to_json(model))
    assert again.tasks_.dtype == model.tasks_.dtype
    assert_same(model, again, X, labels)


@pytest.mark.parametrize("classes", [[0, 1], ["no", "yes"], [False, True], [1.0, 2.0]])
@pytest.mark.parametrize("layout", ["wide", "single", "long"])
def test_classes_and_layouts(classes, layout):
    given = {"wide": (Z, Y), "single": (Z, Y[:, 0]), "long": (X, y)}[layout]
    labels = (tasks,) if layout == "long" else ()
    targets = np.array(classes)[(given[1] > 0).astype(int)]
    model = L21Classifier(0.01).fit(given[0], targets, *labels)
    again = from_json(to_json(model))
    assert isinstance(again, LoadedClassifier)
    np.testing.assert_array_equal(again.classes_, model.classes_)
    assert_same(model, again, given[0], *labels)


@pytest.mark.parametrize("layout", ["wide", "single"])
def test_regression_without_labels(layout):
    target = Y if layout == "wide" else Y[:, 1]
    model = L21Regressor(0.1).fit(Z, target)
    again = from_json(to_json(model))
    assert_same(model, again, Z)
    assert again.score(Z, target) == model.score(Z, target)


@pytest.mark.parametrize("loss", ["poisson", "tweedie", "huber"])
def test_links(loss):
    model = MeanRegularizedRegressor(0.1, loss=loss).fit(X, np.abs(y) + 1, tasks)
    text = to_json(model)
    link = "log" if loss in ("poisson", "tweedie") else "identity"
    assert json.loads(text)["link"] == link
    assert_same(model, from_json(text), X, tasks)


def test_a_hinge_knows_no_probabilities():
    model = L21Classifier(0.01, loss="squared_hinge").fit(X, y > 0, tasks)
    assert_same(model, from_json(to_json(model)), X, tasks)


STRANGE = np.where(tasks == 3, 9, tasks)


@pytest.mark.parametrize(
    "model",
    [
        L21Regressor(0.1, handle_unknown="mean"),
        MixedEffectsRegressor(),
        AutoRegressor([PooledRegressor(), IndependentRegressor()], cv=2),
        SafeTransferRegressor(L21Regressor(0.1), cv=2),
    ],
    ids=lambda model: type(model).__name__,
)
def test_tasks_not_seen(model):
    model = model.set_params(handle_unknown="mean").fit(X, y, tasks)
    again = from_json(to_json(model))
    assert_same(model, again, X, STRANGE)
    again.set_params(handle_unknown="error")
    with pytest.raises(ValueError, match="labels 9, which LoadedRegressor has not"):
        again.predict(X, STRANGE)


@pytest.mark.parametrize("cls", [MixedEffectsClassifier, DescriptorClassifier])
def test_tasks_known_by_numbers(cls):
    known = {t: [1.0, t] for t in range(12)}
    name = "descriptors" if cls is DescriptorClassifier else "task_features"
    model = cls(handle_unknown="error", **{name: known}).fit(X, y > 0, tasks)
    again = from_json(to_json(model))
    assert_same(model, again, X, STRANGE)
    if cls is DescriptorClassifier:
        around = TaskThresholdClassifier(model, cv=2).fit(X, y > 0, tasks)
        assert_same(around, from_json(to_json(around)), X, STRANGE)
    with pytest.raises(ValueError, match="labels 50"):
        again.predict(X, tasks + 50)


@pytest.mark.parametrize("layout", ["wide", "single", "long"])
def test_thresholds_of_several_classes(layout):
    given = {"wide": (Z, Y), "single": (Z, Y[:, 0]), "long": (X, y)}[layout]
    labels = (tasks,) if layout == "long" else ()
    model = TaskThresholdClassifier(L21Classifier(0.01), cv=2)
    model.fit(given[0], np.digitize(given[1], [-1.0, 1.0]), *labels)
    assert_same(model, from_json(to_json(model)), given[0], *labels)


def test_a_task_learned_later():
    model = L21Regressor(0.1).fit(X, y, tasks)
    model.fit_new_task(X[:5], y[:5], 9)
    model.set_params(handle_unknown="mean")
    again = from_json(to_json(model))
    assert_same(model, again, X, STRANGE)
    assert_same(model, again, X, STRANGE + 20)  # the consensus is of the first four


@pytest.mark.parametrize(
    "scaler", [StandardScaler(), TaskScaler(), TaskScaler(with_std=False)]
)
@pytest.mark.parametrize("dtype", [float, np.float32])
def test_pipelines_of_scalers(scaler, dtype):
    data = (5 * X + 3).astype(dtype)
    pipeline = make_pipeline(scaler, L21Classifier(0.01))
    pipeline.fit(data, y > 0, l21classifier__tasks=tasks)
    again = from_json(to_json(pipeline))
    assert list(again.named_steps) == list(pipeline.named_steps)
    labels = {"tasks": tasks}
    for method in ("predict", "predict_proba"):
        np.testing.assert_array_equal(
            getattr(again, method)(data, **labels),
            getattr(pipeline, method)(data, **labels),
        )


@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        TargetScaler(),
        TargetScaler(with_std=False),
        TargetScaler(per_task=True),
    ],
)
def test_targets_that_are_standardised(transformer):
    """In the units of y, to the bit, by the JSON of a pipeline inside or outside."""
    for alone, data, target, labels in (
        (L21Regressor(0.1), X, 3 + 7 * y, {"tasks": tasks}),
        (L21Regressor(0.1), Z, 3 + [1.0, 7.0, 2.0, 5.0] * Y, {}),
        (make_pipeline(TaskScaler(), L21Regressor(0.1)), Z, 3 + 7 * Y[:, 0], {}),
    ):
        model = TransformedTargetRegressor(alone, transformer=transformer)
        model.fit(data, target, **labels)
        again = from_json(to_json(model))
        predicted = model.predict(data, **labels)
        np.testing.assert_array_equal(again.predict(data, **labels), predicted)
    inside = TransformedTargetRegressor(L21Regressor(0.1), transformer=transformer)
    pipeline = make_pipeline(StandardScaler(), inside).fit(Z, 3 + 7 * Y)
    again = from_json(to_json(pipeline))
    np.testing.assert_array_equal(again.predict(Z), pipeline.predict(Z))
    assert again.score(Z, 3 + 7 * Y) == pytest.approx(pipeline.score(Z, 3 + 7 * Y))
    if transformer.get_params().get("per_task"):
        with pytest.raises(ValueError, match="each task has targets of another scale"):
            again.predict(Z, tasks=np.zeros(len(Z), dtype=int))


def test_targets_that_are_transformed_otherwise():
    model = TransformedTargetRegressor(
        L21Regressor(0.1), func=np.log, inverse_func=np.exp
    )
    with pytest.raises(NotFittedError):
        to_json(model)
    message = "is a FunctionTransformer; those that can be exported are StandardScaler"
    with pytest.raises(TypeError, match=message):
        to_json(model.fit(Z, np.exp(Y)))
    content = json.loads(to_json(L21Regressor(0.1).fit(Z, Y)))
    for wrong in (
        {"scale": [1.0] * 3, "mean": None},
        {"scale": [2.0], "mean": [1.0] * 4},
    ):
        with pytest.raises(ValueError, match="damaged: target does not fit 4 tasks"):
            from_json(json.dumps(content | {"target": wrong}))


@pytest.mark.parametrize("strategy", ["median", "mean", "most_frequent"])
def test_missing_values_are_filled_in(strategy):
    data = np.where(np.abs(X) > 1.5, np.nan, X)
    steps = SimpleImputer(strategy=strategy), TaskScaler(), L21Regressor(0.1)
    pipeline = make_pipeline(*steps).fit(data, y, l21regressor__tasks=tasks)
    again = from_json(to_json(pipeline))
    assert list(again.named_steps) == list(pipeline.named_steps)
    np.testing.assert_array_equal(
        again.predict(data, tasks=tasks), pipeline.predict(data, tasks=tasks)
    )


@pytest.mark.parametrize(
    ("imputer", "message"),
    [
        (SimpleImputer(add_indicator=True), "drops or adds columns"),
        (SimpleImputer(missing_values=0), "replaces other than NaN"),
    ],
)
def test_imputers_that_cannot_be_written(imputer, message):
    data = np.where(np.abs(X) > 1.5, imputer.missing_values, X)
    pipeline = make_pipeline(imputer, PooledRegressor()).fit(data, y)
    with pytest.raises(TypeError, match=message):
        to_json(pipeline)


def test_a_task_column_of_a_frame():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abc"))
    frame.insert(1, "site", SITES)
    pipeline = make_pipeline(
        TaskScaler(task_column="site"), L21Regressor(0.1, task_column="site")
    ).fit(frame, y)
    again = from_json(to_json(pipeline))
    np.testing.assert_array_equal(again.predict(frame), pipeline.predict(frame))
    assert again[-1].coef_feature_names_.tolist() == list("abc")
    with pytest.raises(ValueError, match="feature names"):
        again.predict(frame[["a", "b", "site", "c"]])


def test_what_is_read_is_no_code_and_cannot_be_fitted():
    model = from_json(to_json(L21Regressor(0.1).fit(X, y, tasks)))
    assert repr(model) == "LoadedRegressor(source='L21Regressor')"
    with pytest.raises(TypeError, match="predicts what a fitted L21Regressor does"):
        model.fit(X, y)
    with pytest.raises(TypeError, match="before it is written"):
        model.fit_new_task(X, y, 7)
    # as often as you like
    assert to_json(model).replace("LoadedRegressor", "L21Regressor") == to_json(
        L21Regressor(0.1).fit(X, y, tasks)
    )


def test_what_cannot_be_exported():
    with pytest.raises(NotFittedError):
        to_json(L21Regressor())
    search = GridSearchCV(L21Regressor(), {"alpha": [0.1]}, cv=2).fit(Z, Y)
    with pytest.raises(TypeError, match=r"best model of a search, \.best_estimator_"):
        to_json(search)
    around = TaskConformalRegressor(L21Regressor(0.1), method="split")
    around.fit(X, y, tasks)
    with pytest.raises(TypeError, match=r"the model inside, \.estimator_"):
        to_json(around)
    with pytest.raises(TypeError, match="PCA is no model of linmtl"):
        to_json(PCA())
    for step, advice in (
        (PCA(2), r"alone, or convert the Pipeline with skl2onnx"),
        (TaskScaler(within_task=True), "alone$"),  # nor does skl2onnx know it
    ):
        message = rf"is a .*; those that can be exported.* {advice}"
        with pytest.raises(TypeError, match=message):
            to_json(make_pipeline(step, L21Regressor(0.1)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "version 2 of the format, by linmtl .* update linmtl"),
        ({"format": "other"}, "no model written by"),
        ({"loss": "hinge"}, "damaged: the loss 'hinge' is not known"),
        ({"intercept": [1.0]}, "damaged: intercept does not fit 4 tasks"),
        ({"coef": {"dtype": "|O", "values": []}}, "no type of labels or coefficients"),
        ({"coef": {"dtype": "<f8"}}, "damaged: it has no 'values'"),
        ({"consensus": None}, "damaged: consensus does not fit"),
        ({"layout": "broad"}, "damaged: the layout 'broad' is not known"),
        ({"handle_unknown": None}, "damaged: handle_unknown is None"),
        ({"loss": "huber"}, "damaged: it has no 'huber_delta'"),
        ({"tasks": {"dtype": "<i8", "values": [10**30]}}, "damaged: .* too large"),
    ],
)
def test_what_cannot_be_read(change, message):
    content = json.loads(to_json(L21Regressor(0.1).fit(X, y, tasks)))
    with pytest.raises(ValueError, match=message):
        from_json(json.dumps(content | change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "PCA"}, "damaged: the step 'PCA' is not known"),
        ({"mean": [1.0]}, "damaged: the scaler does not fit 3 features"),
        ({"scale": [[1.0] * 3]}, "damaged: the scaler does not fit 3 features"),
    ],
)
def test_scalers_that_cannot_be_read(change, message):
    content = json.loads(
        to_json(make_pipeline(StandardScaler(), PooledRegressor()).fit(X, y))
    )
    content["scalers"][0] |= change
    with pytest.raises(ValueError, match=message):
        from_json(json.dumps(content))


def table(n=60, seed=0):
    """Rows of a shop's table as people keep them, and what is to be predicted."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    day, month = rng.integers(1, 28, n), rng.integers(1, 13, n)
    rows = pd.DataFrame(
        {
            "kind": rng.choice(["old", "new", "none"], n),
            "shop": rng.choice(list("abc"), n),
            "x": x,
            "gap": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "price": [f"{v:.2f}".replace(".", ",") for v in 100 * x],
            "since": [f"{d:02d}/{m:02d}/2021" for d, m in zip(day, month, strict=True)],
            "open": rng.random(n) < 0.5,
            "nr": np.arange(n),
        }
    )
    return rows, x + (rows["kind"] == "old") + 0.1 * rng.normal(size=n)


SHOP = {"task_column": "shop"}
TABLE_STEPS = {
    "encoder": [TableEncoder(**SHOP)],
    "scaler": [TableEncoder(drop_ids=False, **SHOP), TaskScaler(**SHOP)],
    "within tasks": [
        TableEncoder(**SHOP),
        TaskScaler(within_task=True, handle_unknown="mean", **SHOP),
    ],
    "within tasks, mean": [
        TableEncoder(**SHOP),
        TaskScaler(within_task=True, with_std=False, **SHOP),
    ],
    "within tasks, scale": [
        TableEncoder(**SHOP),
        TaskScaler(within_task=True, with_mean=False, **SHOP),
    ],
    "features": [
        TableEncoder(**SHOP),
        SelectFeatures(L21Regressor(0.1, **SHOP), max_features=3),
    ],
}


@pytest.mark.parametrize("steps", TABLE_STEPS)
def test_tables_as_they_are(steps):
    """Of every transformer: levels, gaps, decimal marks and dates not seen in fit."""
    rows, target = table()
    model = L21Regressor(0.01, handle_unknown="mean", **SHOP)
    pipeline = make_pipeline(*map(clone, TABLE_STEPS[steps]), model).fit(rows, target)
    again = from_json(to_json(pipeline))
    new, _ = table(20, seed=1)
    new.loc[0, "kind"], new.loc[1, "x"] = "other", np.nan
    new["price"] = "1,25"
    if steps in ("encoder", "within tasks"):
        new.loc[2, "shop"] = "unknown"
    new = new[list(reversed(new.columns))]
    np.testing.assert_array_equal(again.predict(new), pipeline.predict(new))
    first, second = (json.loads(to_json(m))["scalers"] for m in (pipeline, again))
    assert first == second
    encoder = again[0]
    assert encoder.notes_ == pipeline[0].notes_
    assert encoder.groups_.tolist() == pipeline[0].groups_.tolist()


def test_arrays_and_the_output_that_was_set():
    rows, target = table()
    numbers = rows[["x", "gap", "open"]].to_numpy(dtype=float)
    coded = np.column_stack([numbers, np.arange(60) % 3])
    last = {"task_column": -1}
    pipeline = make_pipeline(TableEncoder(**last), L21Regressor(0.01, **last))
    pipeline.fit(coded, target)
    again = from_json(to_json(pipeline))
    np.testing.assert_array_equal(again.predict(coded), pipeline.predict(coded))
    rest = rows.drop(columns="shop")
    pipeline = make_pipeline(TableEncoder(), StandardScaler(), PooledRegressor())
    pipeline.set_output(transform="pandas").fit(rest, target)
    again = from_json(to_json(pipeline))
    np.testing.assert_array_equal(again.predict(rest), pipeline.predict(rest))


@pytest.mark.parametrize(
    ("k", "change", "message"),
    [
        (0, {"n_features_in": 3}, "the encoder does not fit 3 columns"),
        (0, {"state": {}}, "it has no 'columns'"),
        (0, {"parameters": {"levels": 3}}, "unexpected keyword argument 'levels'"),
        (1, {"pooled_mean": [1.0]}, "the scaler does not fit"),
        (1, {"mean": [1.0]}, "the scaler does not fit"),
        (2, {"scores": [1.0]}, "the selection does not fit"),
    ],
)
def test_steps_of_tables_that_cannot_be_read(k, change, message):
    steps = [TABLE_STEPS["within tasks"][0], TABLE_STEPS["within tasks"][1]]
    steps += [TABLE_STEPS["features"][1], L21Regressor(0.01, **SHOP)]
    pipeline = make_pipeline(*map(clone, steps)).fit(*table())
    content = json.loads(to_json(pipeline))
    content["scalers"][k] |= change
    with pytest.raises(ValueError, match=f"damaged: .*{message}"):
        from_json(json.dumps(content))


def test_imputers_that_cannot_be_read():
    pipeline = make_pipeline(SimpleImputer(), PooledRegressor()).fit(X, y)
    content = json.loads(to_json(pipeline))
    content["scalers"][0]["fill"] = [1.0]
    with pytest.raises(ValueError, match="the imputer does not fit 3 features"):
        from_json(json.dumps(content))


def test_no_entry_of_the_model_is_missed_silently():
    content = json.loads(to_json(L21Regressor(0.1).fit(X, y, tasks)))
    later = {"feature_mask", "thresholds", "class_order", "task_classes"}
    for name in content.keys() - {"linmtl", "kind", "link"} - later:
        rest = {key: value for key, value in content.items() if key != name}
        with pytest.raises(ValueError, match=r"no model|version None|it has no"):
            from_json(json.dumps(rest))


@pytest.mark.parametrize("text", ["", "{", b"\xff\xfe\x00", "[1]", '"model"'])
def test_other_texts(text):
    with pytest.raises(ValueError, match=r"no JSON|no model"):
        from_json(text)


def test_a_model_with_an_offset_asks_for_it():
    counts, known = np.random.default_rng(0).poisson(2.0, y.shape), 0.1 * X[:, 0]
    model = L21Regressor(loss="poisson").fit(X, counts, tasks, offset=known)
    again = from_json(to_json(model))
    predicted = model.predict(X, tasks, offset=known)
    np.testing.assert_array_equal(again.predict(X, tasks, offset=known), predicted)
    with pytest.raises(ValueError, match="was fitted with an offset"):
        again.predict(X, tasks)
    classifier = TaskThresholdClassifier(L21Classifier(0.01))
    classifier.fit(X, y > 0, tasks, offset=known)
    loaded = from_json(to_json(classifier))
    for method in ("decision_function", "predict_proba", "predict"):
        both = [
            getattr(m, method)(X, tasks, offset=known) for m in (loaded, classifier)
        ]
        np.testing.assert_array_equal(*both)


def test_models_that_are_not_exported_say_why():
    order = OrdinalClassifier(class_order=["up", "down"])
    order.fit(X, np.where(y > 0, "up", "down"), tasks, offset=1.0)
    with pytest.raises(ValueError, match="where the order of its two classes is not"):
        to_json(order)


GRADES = np.array(["low", "mid", "high", "top"])  # sorted they are others


@pytest.mark.parametrize("layout", ["wide", "single", "long"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_classes_that_have_an_order(layout, n_classes):
    data, target = {"wide": (Z, Y), "single": (Z, Y[:, 0]), "long": (X, y)}[layout]
    labels = (tasks,) if layout == "long" else ()
    codes = np.digitize(target, [-1.0, 0.0, 2.0] if n_classes == 4 else [0.0])
    if layout != "single":  # a task of one class, and one that lacks one
        shown = codes[:, 0] if layout == "wide" else codes[tasks == 0]
        shown[:] = 1
        codes[(codes == 2) & (layout == "wide" or tasks == 1)] = 1
        if layout == "long":
            codes[tasks == 0] = 1
    model = linmtl.OrdinalClassifier(class_order=GRADES[:n_classes])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "these tasks have a single class")
        model.fit(data, GRADES[codes], *labels)
    text = to_json(model)
    again = from_json(text)
    assert_same(model, again, data, *labels)
    np.testing.assert_array_equal(again.classes_, model.classes_)
    assert to_json(again).replace(type(again).__name__, "OrdinalClassifier") == text
    if n_classes == 2:  # which no order tells from others
        assert isinstance(again, LoadedClassifier)
        return
    np.testing.assert_array_equal(again.class_order_, model.class_order_)
    np.testing.assert_array_equal(again.thresholds_, model.thresholds_)
    content = json.loads(text)
    for change in ({"class_order": [0, 0, 1, 2]}, {"thresholds": [[0.0]]}):
        with pytest.raises(ValueError, match="damaged"):
            from_json(json.dumps(content | change))


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_tasks_of_different_kinds(layout):
    kinds = {0: "squared", 1: "logistic", 2: "poisson", 3: "huber"}
    table = np.column_stack([Y[:, 0], Y[:, 1] > 0, np.round(np.abs(Y[:, 2])), Y[:, 3]])
    data, labels = (
        (Z, ()) if layout == "wide" else (np.tile(Z, (4, 1)), (np.sort(tasks),))
    )
    target = table if layout == "wide" else table.T.ravel()
    model = linmtl.MixedTaskEstimator(loss=kinds, huber_delta=2.0)
    model.fit(data, target, *labels)
    text = to_json(model)
    again = from_json(text)
    assert json.loads(text)["link"] == ["identity", "logit", "log", "identity"]
    assert_same(model, again, data, *labels)
    assert again.score(data, target, *labels) == model.score(data, target, *labels)
    assert to_json(again).replace(type(again).__name__, "MixedTaskEstimator") == text
    for change in ({"loss": ["squared"] * 3}, {"task_classes": None}):
        with pytest.raises(ValueError, match="damaged"):
            from_json(json.dumps(json.loads(text) | change))


def test_features_that_differ_by_task():
    absent = np.where((tasks == 1)[:, None] & [False, True, False], np.nan, X)
    model = L21Regressor(0.1, handle_unknown="mean").fit(absent, y, tasks)
    again = from_json(to_json(model))
    labels = np.where(tasks == 3, 9, tasks)  # and a task not seen
    np.testing.assert_array_equal(
        again.predict(absent, labels), model.predict(absent, labels)
    )
    model.fit_new_task(X[:6], y[:6], 7)
    later = from_json(to_json(model)).predict(absent, np.where(tasks == 2, 7, labels))
    expected = model.predict(absent, np.where(tasks == 2, 7, labels))
    np.testing.assert_array_equal(later, expected)
    with pytest.raises(ValueError, match="NaN in features that rows of the tasks 1"):
        again.predict(np.where((tasks == 1)[:, None], np.nan, X), tasks)
    content = json.loads(to_json(model)) | {"feature_mask": [[True]]}
    with pytest.raises(ValueError, match="damaged: feature_mask does not fit"):
        from_json(json.dumps(content))
