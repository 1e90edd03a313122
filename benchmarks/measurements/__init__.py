"""The measurements of `benchmarks/speed.py`: a file for each table, and what they share.

`processes` starts servers and reads what they cost, `limit` compiles and runs the C programs of
`benchmarks/limit/`, `servers` and `peers` say how each server is started, `table` prints.
"""
