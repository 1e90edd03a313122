"""Export of recordings into the formats of other tools: one module for each format.

Rules of this package: pure functions from exchanges to the content of files. Whatever a format
cannot express becomes a note, never a silent loss; nothing is redacted here.
"""
