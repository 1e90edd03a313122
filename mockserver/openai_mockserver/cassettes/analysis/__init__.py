"""What recordings say, taken together or compared: statistics, differences, drift, paces.

Rules of this package: pure functions from exchanges to values that JSON can hold; only `reading`
opens files, and only `tables` knows how something looks on a terminal.
"""
