"""MALSAR in Octave: sums of squared errors without intercept, logistic means with."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.solvers._external import External

FOLDER_VARIABLE = "LINMTL_MALSAR"


class Malsar(External):
    """Its folder, with ``functions`` and ``utils``, comes from the environment."""

    name = "malsar"
    command = ("octave-cli", "--eval")
    check = "1;"

    @classmethod
    def missing(cls):
        folder = os.environ.get(FOLDER_VARIABLE)
        if super().missing():
            return super().missing()
        if not folder or not Path(folder).is_dir():
            return f"no MALSAR; set {FOLDER_VARIABLE}"
        return None

    @classmethod
    def supports(cls, instance):
        problem = instance.problem
        own = problem.mean_loss == problem.fit_intercept == (problem.loss == "logistic")
        known = problem.penalty in ("l21", "trace", "l1")
        return not instance.shared and problem.kind == "fit" and own and known

    @property
    def script(self):
        problem = self.problem
        names = {"l21": "L21", "trace": "Trace", "l1": "Lasso"}
        loss = "Logistic" if problem.loss == "logistic" else "Least"
        function = f"{loss}_{names[problem.penalty]}"
        outputs = "[W, b]" if problem.loss == "logistic" else "W"
        save = "put('b', b);" if problem.loss == "logistic" else ""
        return f"""
addpath(genpath('{os.environ[FOLDER_VARIABLE]}'));
function v = get(name) f = fopen(name); v = fread(f, Inf, 'double'); fclose(f); end
function put(name, v) f = fopen(name, 'w'); fwrite(f, v, 'double'); fclose(f); end
s = get('sizes'); T = s(1); d = s(2); n = s(3:end); x = get('X'); y = get('y');
X = cell(1, T); Y = cell(1, T); i = 0; j = 0;
for t = 1:T
  X{{t}} = reshape(x(i + 1:i + n(t) * d), n(t), d); i = i + n(t) * d;
  Y{{t}} = y(j + 1:j + n(t)); j = j + n(t);
end
opts.init = 2; opts.tFlag = 1; opts.tol = get('tol'); opts.maxIter = 1000000;
clock_start = tic; {outputs} = {function}(X, Y, get('alphas'), opts);
put('seconds', toc(clock_start)); put('W', W); {save}
"""
