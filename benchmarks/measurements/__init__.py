"""The measurements of `benchmarks/speed.py`: a file for each table, and shared code.

`processes` starts servers and reads their CPU time and memory, `limit` compiles and runs the C
programs of `benchmarks/limit/`, `servers` and `peers` say how each server is started, `table`
prints.
"""
