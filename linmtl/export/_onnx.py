"""Fitted models as graphs of ONNX."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from linmtl.auto import AutoClassifier, AutoRegressor
from linmtl.estimators._docs import ESTIMATORS
from linmtl.estimators._task_model import TaskModel
from linmtl.estimators._thresholds import TaskThresholdClassifier
from linmtl.export._loaded import (
    LoadedClassifier,
    LoadedMixedTaskEstimator,
    LoadedOrdinalClassifier,
    LoadedRegressor,
)
from linmtl.export._model import (
    GRAPH_STEPS,
    LinearModel,
    filling,
    read_model,
    shift_and_scale,
    unpacked,
)
from linmtl.losses import Ordinal
from linmtl.losses._log_link import MAX_EXPONENT
from linmtl.transfer import (
    GroupedMultiTaskClassifier,
    GroupedMultiTaskRegressor,
    SafeTransferClassifier,
    SafeTransferRegressor,
)
from linmtl.version import __version__

_OPSET = 13  # the first where the axes of a sum are an input
_ML_OPSET = 2  # of ai.onnx.ml: label encoders of any two types
_IR_VERSION = 8
_INSTALL = "pip install 'linmtl[onnx]'"

# of an operator, its inputs and its attributes: the name of its output
Node = Callable[..., str]


class _Graph(NamedTuple):
    """Where nodes and constants are added; both return names."""

    node: Node
    constant: Callable[[np.ndarray], str]
    dtype: np.dtype

    def number(self, values: Any) -> str:
        """Add numbers of the type of X."""
        return self.constant(np.asarray(values, dtype=self.dtype))


class _Rows(NamedTuple):
    """Coefficients and the like of every task that a graph knows, and of unknown ones.

    The last row is for the latter: the consensus model or, where these are an error
    for the estimator, NaN.
    """

    labels: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray
    cuts: np.ndarray | None
    present: np.ndarray | None


class _Predictors(NamedTuple):
    """Names of what predictions are made of, and where a row of a graph has its task.

    Attributes
    ----------
    eta : str
        Linear predictors.
    cut : str or None
        Log-odds above which the second class is predicted.
    index : str or None
        The position of each row's task, one beyond for others; None without labels.
    """

    eta: str
    cut: str | None = None
    index: str | None = None


def to_onnx(estimator: Any, *, dtype: str = "float32") -> Any:
    """Make a graph of ONNX with the predictions of a fitted model.

    Parameters
    ----------
    estimator : estimator or Pipeline
        As for :func:`to_json`.
    dtype : {"float32", "float64"}, default="float32"
        The type of X and of all numbers in the graph.

    Returns
    -------
    onnx.ModelProto
        The graph. Its inputs are ``X`` of shape (n_samples, n_features), without a task
        column, and for a model fitted with tasks ``tasks`` of shape (n_samples,):
        strings, int64 (whole numbers and truth values) or float64. Its output is
        ``prediction``, of the shape of `predict`; of a classifier ``label``,
        ``decision`` and, with a logistic loss, ``probabilities``, of the shape of the
        label plus one axis for the classes; of more than two so has ``decision``. Of
        classes that have an order that holds log-probabilities.

    Raises
    ------
    ImportError
        If onnx is not installed.
    TypeError
        If the predictions are not those of a linear model for each task.
    ValueError
        If dtype is another type, or the model has an offset.

    See Also
    --------
    register_onnx : For pipelines of any steps.

    Notes
    -----
    A graph cannot raise an error: a task that is not known gets NaN (a classifier's
    label is then the first class) unless ``handle_unknown="mean"``.

    Examples
    --------
    >>> from linmtl import L21Regressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.export import to_onnx
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> graph = to_onnx(L21Regressor(0.1).fit(X, y, tasks))
    >>> [entry.name for entry in graph.graph.input]
    ['X', 'tasks']
    """
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    scalers, _, inner = unpacked(estimator, GRAPH_STEPS)
    model = _model_of_graph(inner)
    onnx = _import("onnx")
    helper, number = onnx.helper, np.dtype(dtype)
    nodes, constants = [], []

    def node(op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        name = f"value{len(nodes)}"
        nodes.append(helper.make_node(op, inputs, [name], domain=domain, **attributes))
        return name

    def constant(values: np.ndarray) -> str:
        name = f"constant{len(constants)}"
        constants.append(onnx.numpy_helper.from_array(values, name))
        return name

    def declared(name: str, kind: np.dtype, shape: list[Any]) -> Any:
        if kind.kind in "OU":
            tensor = onnx.TensorProto.STRING
        else:
            tensor = helper.np_dtype_to_tensor_dtype(kind)
        return helper.make_tensor_value_info(name, tensor, shape)

    graph = _Graph(node, constant, number)
    X = _scaled(graph, "X", scalers, model.n_features)
    long = model.layout == "long"
    outputs = _outputs(graph, model, X, "tasks" if long else None)
    inputs = [declared("X", number, ["n_samples", model.n_features])]
    if long:
        kind = _encoded(model.tasks).dtype
        inputs.append(declared("tasks", kind, ["n_samples"]))
    shape: list[Any] = ["n_samples"]
    if model.layout == "wide":
        shape.append(len(model.tasks))
    results = []
    for name, value in outputs.items():
        nodes.append(helper.make_node("Identity", [value], [name]))
        classes = _encoded(model.classes) if name == "label" else None
        kind = number if classes is None else classes.dtype
        axes = _axes(model, name)
        results.append(declared(name, kind, [*shape, *axes]))
    made = helper.make_graph(nodes, model.estimator, inputs, results, constants)
    return _checked(onnx, made)


def _axes(model: LinearModel, output: str) -> list[int]:
    """Return the lengths of the axes of an output beside those of the label."""
    with_classes = ("decision", "probabilities") if model.several else "probabilities"
    return [model.n_classes] if output in with_classes else []


def _checked(onnx: Any, graph: Any) -> Any:
    """Return a graph as a model of ONNX, after its own checks."""
    helper = onnx.helper
    model = helper.make_model(
        graph,
        opset_imports=[
            helper.make_opsetid("", _OPSET),
            helper.make_opsetid("ai.onnx.ml", _ML_OPSET),
        ],
        ir_version=_IR_VERSION,
        producer_name="linmtl",
        producer_version=__version__,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def register_onnx() -> None:
    """Tell skl2onnx how linmtl's estimators are converted, in pipelines too.

    ``skl2onnx.to_onnx(pipeline, X)`` then converts pipelines of any steps that it knows
    and one of linmtl's estimators. A model fitted with tasks needs their labels in the
    graph: as a ``task_column`` of numbers in X or, where the model is converted by
    itself, as a second input.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    See Also
    --------
    to_onnx : Without skl2onnx.
    """
    skl2onnx = _import("skl2onnx")
    kinds = [
        kind
        for kind in ESTIMATORS.values()
        if issubclass(kind, (TaskModel, TaskThresholdClassifier))
    ]
    kinds += [AutoRegressor, AutoClassifier, LoadedRegressor, LoadedClassifier]
    kinds += [LoadedMixedTaskEstimator, LoadedOrdinalClassifier]
    kinds += [SafeTransferRegressor, SafeTransferClassifier]
    kinds += [GroupedMultiTaskRegressor, GroupedMultiTaskClassifier]
    for kind in kinds:
        skl2onnx.update_registered_converter(
            kind, f"Linmtl{kind.__name__}", _set_shapes, _convert
        )


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise ImportError(f"{name} is not installed: {_INSTALL}") from None


def _scaled(graph, X, scalers, n_features):
    """Add what the scalers of a pipeline do."""
    for step, scaler in scalers:
        for op, values in _operations(scaler):
            if len(values) != n_features:
                raise TypeError(
                    f"the step {step!r} of the Pipeline takes the task column of its "
                    "model too; use TaskScaler(task_column=...)"
                )
            numbers = graph.number(values)
            if op == "Where":
                X = graph.node("Where", graph.node("IsNaN", X), numbers, X)
            else:
                X = graph.node(op, X, numbers)
    return X


def _operations(step):
    """Return what a step does to all features, and with which numbers."""
    fill = filling(step)
    if fill is not None:
        return [("Where", fill)]
    both = zip(("Sub", "Div"), shift_and_scale(step), strict=True)
    return [(op, values) for op, values in both if values is not None]


def _outputs(graph, model, X, tasks):
    """Add the predictions, and return their names: the linear predictor, then more."""
    eta, cut, index = _predictors(graph, model, X, tasks)
    if model.classes is None:
        return {"prediction": _means(graph, model, eta, index)}
    classes = graph.constant(_encoded(model.classes))
    if model.several:
        if model.thresholds is not None:
            eta = _log_probabilities(graph, model, eta, index)
        decision = eta if cut is None else graph.node("Sub", eta, cut)
        code = graph.node("ArgMax", decision, axis=-1, keepdims=0)
        outputs = {"label": graph.node("Gather", classes, code), "decision": decision}
        outputs["probabilities"] = graph.node("Softmax", eta, axis=-1)
        return outputs
    decision = eta if cut is None else graph.node("Sub", eta, cut)
    second = graph.node("Greater", decision, graph.number(0.0))
    second = graph.node("Cast", second, to=_type_code(np.int64))
    outputs = {"label": graph.node("Gather", classes, second), "decision": decision}
    if model.loss.link == "logit":
        last = graph.constant(np.array([2 if model.layout == "wide" else 1]))
        eta = graph.node("Unsqueeze", eta, last)
        parts = (
            graph.node("Sigmoid", graph.node("Neg", eta)),
            graph.node("Sigmoid", eta),
        )
        outputs["probabilities"] = graph.node("Concat", *parts, axis=-1)
    return outputs


def _means(graph, model, eta, index):
    """Add the expected targets, by the link of each task."""
    losses = model.losses or [model.loss]
    links = np.array([loss.link for loss in losses])
    for link in np.unique(links[links != "identity"]).tolist():
        mean = eta
        if link == "log":
            mean = graph.node("Min", mean, graph.number(MAX_EXPONENT))
        mean = graph.node("Exp" if link == "log" else "Sigmoid", mean)
        if np.all(links == link):
            return mean
        own = _of_rows(graph, graph.constant, model, links == link, False, index)
        eta = graph.node("Where", own, mean, eta)
    return eta


def _log_probabilities(graph, model, eta, index):
    """Add the log-probabilities of classes that have an order, in that of labels."""
    order = np.argsort(model.rank)
    none = np.full((len(model.thresholds), 1), np.inf)
    high = np.hstack([model.thresholds, none])[:, order]
    low = np.hstack([-none, model.thresholds])[:, order]
    gap = Ordinal.log_gaps(low, high)
    parts = (
        _of_rows(graph, graph.number, model, values, np.nan, index)
        for values in (high, low, gap)
    )
    high, low, gap = parts
    last = graph.constant(np.array([2 if model.layout == "wide" else 1]))
    eta = graph.node("Unsqueeze", eta, last)
    above = graph.node("Softplus", graph.node("Sub", eta, high))
    below = graph.node("Softplus", graph.node("Sub", low, eta))
    return graph.node("Sub", graph.node("Sub", gap, above), below)


def _of_rows(graph, add, model, values, unknown, index):
    """Add values of the tasks, of each row where rows have tasks."""
    if index is None:
        return add(values[0] if model.layout == "single" else values)
    more = np.full_like(values[:1], unknown)
    return graph.node("Gather", add(np.concatenate([values, more])), index)


def _predictors(graph, model, X, tasks):
    """Add linear predictors, and the cuts of their tasks where there are some."""
    if tasks is None:
        coef, b = _finite(model.coef_by_task, model.intercept)
        eta = graph.node("MatMul", X, graph.number(coef.reshape(-1, coef.shape[-1]).T))
        eta = graph.node("Add", eta, graph.number(b.ravel()))
        if model.by_class and model.layout == "wide":
            shape = np.array([-1, *coef.shape[:2]])
            eta = graph.node("Reshape", eta, graph.constant(shape))
        elif model.layout == "single" and not model.by_class:
            eta = graph.node("Squeeze", eta, graph.constant(np.array([1])))
        if model.cuts is None:
            return _Predictors(eta)
        cuts = model.cuts[0] if model.layout == "single" else model.cuts[:-1]
        return _Predictors(eta, graph.number(cuts))
    rows = _rows(model)
    index = _index(graph, rows.labels, tasks)
    coef = graph.node("Gather", graph.number(rows.coef), index)
    if rows.present is not None:  # NaN in X, as in fit
        present = graph.node("Gather", graph.constant(rows.present), index)
        X = graph.node("Where", present, X, graph.number(0.0))
    if model.by_class:
        X = graph.node("Unsqueeze", X, graph.constant(np.array([1])))
    axis = graph.constant(np.array([2 if model.by_class else 1]))
    eta = graph.node("ReduceSum", graph.node("Mul", X, coef), axis, keepdims=0)
    intercept = graph.node("Gather", graph.number(rows.intercept), index)
    eta = graph.node("Add", eta, intercept)
    if rows.cuts is None:
        return _Predictors(eta, index=index)
    return _Predictors(eta, graph.node("Gather", graph.number(rows.cuts), index), index)


def _rows(model: LinearModel) -> _Rows:
    labels, coef, intercept = model.without_rows
    known, of_known = _finite(model.coef, model.intercept)
    w, b = np.full(known.shape[1:], np.nan), np.full(of_known.shape[1:], np.nan)
    if model.handle_unknown == "mean":
        assert model.consensus is not None  # of all that were fitted with tasks
        w, b = model.consensus
    more = [coef.reshape(-1, *known.shape[1:]), w[None]]
    more_b = [intercept.reshape(-1, *of_known.shape[1:]), np.asarray(b)[None]]
    cuts = model.cuts
    if cuts is not None:
        cuts = np.concatenate([cuts, np.repeat(cuts[-1:], len(labels), axis=0)])
    present = model.present
    if present is not None:
        n = len(model.tasks) + len(labels) + 1 - len(present)  # without a row in it
        present = np.vstack([present, np.ones((n, model.n_features), dtype=bool)])
    return _Rows(
        np.concatenate([model.tasks, labels]),
        np.concatenate([known, *more]),
        np.concatenate([of_known, *more_b]),
        cuts,
        present,
    )


def _finite(coef: Any, intercept: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return models in which classes that a task does not have are impossible."""
    b = np.atleast_1d(intercept)
    return np.where(np.isnan(coef), 0.0, coef), np.where(np.isnan(b), -np.inf, b)


def _index(graph, labels, tasks):
    """Add the position of each row's task among the labels, one beyond for others."""
    labels = _encoded(labels)
    if labels.dtype.kind == "f":
        column = graph.node("Unsqueeze", tasks, graph.constant(np.array([1])))
        row = graph.constant(labels[None])
        same = graph.node("Equal", column, row)
        same = graph.node("Cast", same, to=_type_code(np.int64))
        place = graph.constant(np.arange(len(labels)) - len(labels))
        place = graph.node("MatMul", same, place)
        return graph.node("Add", place, graph.constant(np.array(len(labels))))
    keys = "keys_strings" if labels.dtype.kind == "O" else "keys_int64s"
    return graph.node(
        "LabelEncoder",
        tasks,
        domain="ai.onnx.ml",
        **{keys: labels.tolist()},
        values_int64s=list(range(len(labels))),
        default_int64=len(labels),
    )


def _encoded(labels: Any) -> np.ndarray:
    """Return labels in one of the types that graphs have for them."""
    labels = np.asarray(labels)
    if labels.dtype.kind in "OU":
        return labels.astype(object)
    return labels.astype(np.float64 if labels.dtype.kind == "f" else np.int64)


def _model_of_graph(estimator: Any) -> LinearModel:
    """Return the linear model of an estimator, of which X and tasks are all inputs."""
    model = read_model(estimator)
    if model.has_offset:
        raise ValueError(
            f"{model.estimator}: a model with an offset is not exported as a graph; "
            "to_json writes it"
        )
    return model


def _type_code(kind: Any) -> int:
    return int(_import("onnx").helper.np_dtype_to_tensor_dtype(np.dtype(kind)))


def _set_shapes(operator: Any) -> None:
    """Say to skl2onnx what a model returns."""
    types = _import("skl2onnx.common.data_types")
    model = _model_of_graph(operator.raw_operator)
    n = operator.inputs[0].get_first_dimension()
    shape = [n, len(model.tasks)] if model.layout == "wide" else [n]
    number = types.guess_tensor_type(operator.inputs[0].type)
    number.shape = shape
    if model.classes is None:
        operator.outputs[0].type = number
        return
    kind = _encoded(model.classes).dtype.kind
    of_label = {"O": "StringTensorType", "i": "Int64TensorType"}
    label = getattr(types, of_label.get(kind, "DoubleTensorType"))
    operator.outputs[0].type = label(shape)
    if model.loss.link == "logit":
        number.shape = [*shape, model.n_classes]
    operator.outputs[1].type = number


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add a model to a graph of skl2onnx."""
    model = _model_of_graph(operator.raw_operator)
    types = _import("skl2onnx.common.data_types")
    double = isinstance(operator.inputs[0].type, types.DoubleTensorType)

    def node(op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        name = scope.get_unique_variable_name(op.lower())
        container.add_node(
            op,
            list(inputs),
            [name],
            op_domain=domain,
            op_version=_ML_OPSET if domain else None,
            name=scope.get_unique_operator_name(op),
            **attributes,
        )
        return name

    def constant(values: np.ndarray) -> str:
        name = scope.get_unique_variable_name("constant")
        flat = values.ravel().tolist()
        code = _type_code(values.dtype)
        container.add_initializer(name, code, list(values.shape), flat)
        return name

    graph = _Graph(node, constant, np.dtype("float64" if double else "float32"))
    X, tasks = operator.inputs[0].full_name, None
    if model.layout == "long":
        X, tasks = _split(graph, model, operator.inputs, X)
    outputs = list(_outputs(graph, model, X, tasks).values())
    if len(outputs) == 3:  # with probabilities: the label, and these
        del outputs[1]
    for value, output in zip(outputs, operator.outputs, strict=True):
        container.add_node(
            "Identity",
            [value],
            [output.full_name],
            name=scope.get_unique_operator_name("Identity"),
        )


def _split(graph, model, inputs, X):
    """Return the features and the labels of the tasks."""
    if model.task_column is None:
        if len(inputs) < 2:
            raise TypeError(
                f"{model.estimator} was fitted with tasks, of which a graph needs the "
                "labels: give them a second input, fit with a task_column of numbers, "
                "or use linmtl.export.to_onnx"
            )
        return X, inputs[1].full_name
    kind = _encoded(model.tasks).dtype
    if kind.kind == "O":
        raise TypeError(
            f"{model.estimator} has tasks named by strings in a column of X, which is "
            "a table of numbers in a graph; use linmtl.export.to_onnx"
        )
    d = model.n_features_in
    if isinstance(model.task_column, str):
        column = model.names_in.tolist().index(model.task_column)
    else:
        column = model.task_column % d
    others = graph.constant(np.delete(np.arange(d), column))
    tasks = graph.node("Gather", X, graph.constant(np.array(column)), axis=1)
    tasks = graph.node("Cast", tasks, to=_type_code(kind))
    return graph.node("Gather", X, others, axis=1), tasks
