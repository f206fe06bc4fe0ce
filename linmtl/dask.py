"""Estimators for data on a Dask cluster: ``DaskL21Regressor`` and so on.

Each estimator of linmtl has its name here after ``Dask``, with the same parameters and
a ``client``. Rows stay where they are; sums over them travel, and are merged in an
order that never changes, so that a worker that is lost changes no bit of the result.
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from functools import partial
from inspect import ismethod
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from linmtl import estimators
from linmtl.distributed import Parts, fit_parts
from linmtl.distributed._parts import Merge, Question, ask, merge_two
from linmtl.distributed._rows import Part
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._task_model import TaskModel


def _classifies(estimator: Any) -> bool:
    return hasattr(estimator.kind, "predict_proba")


class DaskEstimator(BaseEstimator):
    """An estimator of linmtl that is fitted to Dask collections.

    Subclasses say which. Squared loss: one pass over the rows and one merge; other
    losses, with a convex penalty of given strength, some seven passes.

    Parameters
    ----------
    *args
        Parameters of the estimator, by position.
    client : dask.distributed.Client, default=None
        The cluster; by default that of this thread, if any, or else Dask's default
        scheduler on this machine.
    **parameters
        Parameters of the estimator, by name.

    Attributes
    ----------
    client_ : dask.distributed.Client or None
        The cluster that was used.
    model_ : estimator
        The fitted estimator; its attributes are also those of this one.

    Examples
    --------
    >>> import dask.array as da
    >>> from linmtl.dask import DaskL21Regressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> X, y, tasks = (da.from_array(a, chunks=100) for a in (X, y, tasks))
    >>> model = DaskL21Regressor(alpha=0.1).fit(X, y, tasks)
    >>> model.predict(X, tasks).compute().shape == y.shape
    True
    """

    kind: ClassVar[type[TaskModel]]

    def __init__(self, *args: Any, client: Any = None, **parameters: Any):
        self.client = client
        self._model: Any = self.kind(*args, **parameters)

    def __repr__(self) -> str:
        return f"Dask{self._model!r}"

    def __getattr__(self, name: str) -> Any:
        model = self.__dict__.get("_model")
        if model is None or name.startswith("__"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        if name not in model.get_params(deep=False):  # may be set after the fit
            model = self.__dict__.get("model_", model)
        value = getattr(model, name)
        if ismethod(value) and not name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} has no {name}, which is for rows in memory; "
                f"to_local().{name} takes these"
            )
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        model = self.__dict__.get("_model")
        own = model is None or name not in model.get_params(deep=False)
        object.__setattr__(self if own else model, name, value)

    def __sklearn_clone__(self) -> Self:
        # a client is a connection, and no copy of it is one
        copied: Any = clone(self._model)
        parameters = copied.get_params(deep=False)
        return type(self)(client=self.client, **parameters)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, the client among them.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return those of a penalty, too.

        Returns
        -------
        dict of str -> object
            Parameters by name.
        """
        return {**self._model.get_params(deep=deep), "client": self.client}

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters by name.

        Parameters
        ----------
        **parameters : object
            New values.

        Returns
        -------
        self : object
            The estimator.
        """
        if "client" in parameters:
            self.client = parameters.pop("client")
        self._model.set_params(**parameters)
        return self

    def fit(self, X: Any, y: Any, tasks: Any = None, sample_weight: Any = None) -> Self:
        """Fit the model to collections of the same partitions.

        Parameters
        ----------
        X : dask.array.Array or dask.dataframe.DataFrame, (n_samples, n_features)
            Samples; the rows of a task may be in several partitions.
        y : dask.array.Array or dask.dataframe.Series of shape (n_samples,)
            Targets, or labels of classes.
        tasks : dask.array.Array or dask.dataframe.Series, default=None
            The task label of each row, unless ``task_column`` says where they are.
        sample_weight : dask.array.Array or dask.dataframe.Series, default=None
            Weights >= 0.

        Returns
        -------
        self : DaskEstimator
            Fitted.

        Raises
        ------
        ValueError
            If partitions do not fit together; nothing is fitted then.
        ConnectionError
            If the client is closed, or the cluster stops during the fit; nor then.
        """
        client = self._client()
        copied: Any = clone(self._model)
        model = fit_parts(copied, DaskParts(client, X, y, tasks, sample_weight))
        self.client_, self.model_ = client, model
        return self

    def _client(self) -> Any:
        if self.client is not None:
            return self.client
        try:
            from distributed import get_client
        except ImportError:
            return None
        try:
            return get_client()
        except ValueError:  # there is none
            return None

    def to_local(self) -> Any:
        """Return the fitted estimator, which knows of no cluster.

        Returns
        -------
        estimator
            An estimator of `linmtl`.
        """
        check_is_fitted(self, "model_")
        return self.model_

    def predict(self, X: Any, tasks: Any = None) -> Any:
        """Return predictions as a collection, which nothing has computed yet.

        Parameters
        ----------
        X : dask.array.Array or dask.dataframe.DataFrame
            Samples.
        tasks : dask.array.Array or dask.dataframe.Series, default=None
            The task label of each row.

        Returns
        -------
        dask.array.Array of shape (n_samples,)
        """
        return self._lazy("predict", X, tasks, ())

    @available_if(_classifies)
    def predict_proba(self, X: Any, tasks: Any = None) -> Any:
        """Return probabilities as a collection, of classifiers.

        Parameters
        ----------
        X : dask.array.Array or dask.dataframe.DataFrame
            Samples.
        tasks : dask.array.Array or dask.dataframe.Series, default=None
            The task label of each row.

        Returns
        -------
        dask.array.Array of shape (n_samples, n_classes)
        """
        check_is_fitted(self, "model_")
        return self._lazy("predict_proba", X, tasks, self.model_.classes_.shape)

    def _lazy(self, method, X, tasks, columns):
        import dask.array as da
        from dask.delayed import delayed

        check_is_fitted(self, "model_")
        model = delayed(self.model_)
        blocks, parts = [], _aligned(X, None, tasks, None)
        kind = getattr(self.model_, "classes_", np.zeros(0)).dtype
        none = np.empty((0, *columns), dtype=kind if method == "predict" else float)
        for size, part in zip(_sizes(X), parts, strict=True):
            found = delayed(_answer)(model, method, part, none)
            blocks.append(da.from_delayed(found, (size, *columns), dtype=none.dtype))
        return da.concatenate(blocks, axis=0, allow_unknown_chunksizes=True)


class DaskParts(Parts):
    """Partitions of Dask collections.

    Parameters
    ----------
    client : dask.distributed.Client or None
        The cluster.
    X, y, tasks, sample_weight : dask collections
        The arguments of ``fit``.
    """

    def __init__(self, client: Any, X: Any, y: Any, tasks: Any, sample_weight: Any):
        self._client = client
        self._parts = _aligned(X, y, tasks, sample_weight)

    def reduce(self, question: Question, merge: Merge) -> Any:
        from dask.base import compute
        from dask.delayed import delayed

        asked, two = delayed(ask, pure=True), delayed(partial(merge_two, merge))
        level = [
            asked(question, f"partition {k}", part)
            for k, part in enumerate(self._parts)
        ]
        while len(level) > 1:  # in pairs of neighbours, on the workers
            pairs = zip(level[::2], level[1::2], strict=False)
            rest = level[-1:] if len(level) % 2 else []
            level = [two(a, b) for a, b in pairs] + rest
        if self._client is None:
            return compute(level[0])[0]
        if getattr(self._client, "status", None) in ("closing", "closed"):
            raise ConnectionError("the Dask client is closed; nothing is fitted")
        try:
            return self._client.compute(level[0]).result()
        except CancelledError as error:
            raise ConnectionError(
                "the Dask cluster gave up before all partitions had answered: its "
                "scheduler has stopped, or the work was cancelled; nothing is fitted"
            ) from error


def _aligned(X: Any, y: Any, tasks: Any, sample_weight: Any) -> list[Any]:
    """Return the partitions of all collections together, as delayed parts."""
    from dask.delayed import delayed

    listed: dict[str, list[Any]] = {}
    for name, given in zip(Part._fields, (X, y, tasks, sample_weight), strict=True):
        if given is None:
            continue
        if not hasattr(given, "to_delayed"):
            raise TypeError(
                f"{name} must be a Dask array, DataFrame or Series, got "
                f"{type(given).__name__}; dask.array.from_array makes one"
            )
        if getattr(given, "ndim", 1) == 2 and hasattr(given, "rechunk"):
            given = given.rechunk({1: -1})  # all features of a row in one block
        if name != "X" and hasattr(given, "rechunk") and hasattr(X, "chunks"):
            known = not np.isnan([*X.chunks[0], *given.chunks[0]]).any()
            if known and sum(X.chunks[0]) == sum(given.chunks[0]):
                given = given.rechunk({0: X.chunks[0]})
        # With graphs as they are, all have one shuffle in common; each optimised for
        # itself would have its own, and rows in an order of its own.
        parts = given.to_delayed(optimize_graph=False)
        listed[name] = np.ravel(parts).tolist()
    sizes = [len(each) for each in listed.values()]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"the collections have {', '.join(map(str, sizes))} partitions; X, y, "
            "tasks and sample_weight need the same, row by row (repartition them)"
        )
    columns = [listed.get(name, [None] * sizes[0]) for name in Part._fields]
    rows = zip(*columns, strict=True)
    return [delayed(_part)(k, *parts) for k, parts in enumerate(rows)]


def _part(k: int, *parts: Any) -> Part:
    """Return a partition; raise where its rows are in two orders."""
    part = Part(*parts)
    index: Any = getattr(part.X, "index", None)
    for name, given in part._asdict().items():
        other: Any = getattr(given, "index", None)
        if not (hasattr(index, "equals") and hasattr(other, "equals")):
            continue
        differ = len(index) == len(other) and not index.equals(other)
        if differ and index.isin(other).any():  # none: of two numberings
            raise ValueError(
                f"partition {k}: {name} has the index of X in another order, or that "
                "of other rows; make X, y, tasks and sample_weight of one DataFrame, "
                "or reset the index where rows do belong together"
            )
    return part


def _sizes(X: Any) -> list[float]:
    """Return the rows of each partition, NaN where nobody knows."""
    if hasattr(X, "chunks"):
        return list(X.chunks[0])
    return [float("nan")] * X.npartitions


def _answer(model: TaskModel, method: str, part: Part, none: np.ndarray) -> np.ndarray:
    given = {} if part.tasks is None else {"tasks": part.tasks}
    if part.X.shape[0] == 0:
        return none
    return getattr(model, method)(part.X, **given)


_DOC = """:class:`linmtl.{name}` for Dask collections.

Parameters
----------
*args
    Parameters of `linmtl.{name}`, by position.
client : dask.distributed.Client, default=None
    The cluster; see :class:`DaskEstimator`.
**parameters
    Parameters of `linmtl.{name}`, by name.
"""
_names = ["DaskEstimator", "DaskParts"]
for _name in estimators.__all__:
    _kind = getattr(estimators, _name)
    if issubclass(_kind, MultiTaskModel) or hasattr(_kind, "fit_statistics"):
        _attributes = {
            "kind": _kind,
            "__module__": __name__,
            "__doc__": _DOC.format(name=_name),
        }
        globals()[f"Dask{_name}"] = type(f"Dask{_name}", (DaskEstimator,), _attributes)
        _names.append(f"Dask{_name}")
__all__ = _names  # pyright: ignore[reportUnsupportedDunderAll]
