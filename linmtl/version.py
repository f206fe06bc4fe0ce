"""The version of the package, in the files that it saves."""

__version__ = "0.1.0"
