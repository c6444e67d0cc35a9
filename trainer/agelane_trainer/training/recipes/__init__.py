"""One experiment, one file: its docstring gives the command, the time and the result."""
