"""Several processes that serve on one port: `serve --workers`.

`supervisor` starts them, replaces those that die, and passes on what one asks of all. `member` is a
worker's connection to it. `group` says which requests to the control API concern all workers, and
`merging` and `following` make one answer of theirs.
"""
