"""The model that a comparison has chosen, to keep."""

from __future__ import annotations

import json
import warnings
from typing import Any

from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from linmtl.cli._models import KINDS, make_model, make_null_model
from linmtl.cli._results import Comparison
from linmtl.cli._table import Problem
from linmtl.export import to_json
from linmtl.preprocessing import TaskScaler


def model_json(comparison: Comparison, problem: Problem, task: str) -> str:
    """Fit the best model to all rows and write it for ``linmtl predict``.

    Its strength is chosen anew, as for the comparison. Missing values become the
    medians of all rows, and features are standardised with all.

    Parameters
    ----------
    comparison : Comparison
        Of the problem.
    problem : Problem
        Rows and the names of their features.
    task : str
        The column of the table that the tasks come from.

    Returns
    -------
    str
        What `linmtl.export.to_json` writes of the pipeline, with an entry "table": how
        to find tasks and read numbers in a table.
    """
    best, names = comparison.best, list(comparison.feature_names)
    if best is comparison.levels:
        model = make_null_model(comparison.loss)
    else:
        model = make_model(best.name, comparison.loss, comparison.data.cv)
        if KINDS[best.name].one_intercept:
            names += comparison.data.level_names
    steps = [
        ("imputer", SimpleImputer(strategy="median")),
        ("scaler", TaskScaler()),
        ("model", model),
    ]
    places = [problem.feature_names.index(name) for name in names]
    known = {} if problem.offset is None else {"model__offset": problem.offset}
    y: Any = problem.y if problem.labels is None else problem.labels[problem.y]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said already, of half of the rows
        pipeline = Pipeline(steps).fit(
            problem.X[:, places], y, model__tasks=problem.tasks, **known
        )
    content = json.loads(to_json(pipeline))
    first: dict[str, Any] = content["scalers"][0]
    first["feature_names_in"] = names
    content["table"] = {
        "task": task,
        "decimal": problem.decimal,
        "day_first": problem.day_first,
        "dates": problem.dates,
        "base": problem.base,
        "offset": None
        if problem.offset_from is None
        else problem.offset_from._asdict(),
    }
    return json.dumps(content, allow_nan=False) + "\n"
