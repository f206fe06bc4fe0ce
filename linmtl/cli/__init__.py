"""The command line: read a table, compare models, report. Private."""
