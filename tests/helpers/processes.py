"""Code that runs in a process of its own."""

import os
import subprocess
import sys
import textwrap


def python(*arguments, folder=None, **environment):
    """Return a finished process of this interpreter, with its output as text."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )


def output_of(code, **environment):
    """Return what the code prints; a warning is an error there as well."""
    done = python("-W", "error", "-c", textwrap.dedent(code), **environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
