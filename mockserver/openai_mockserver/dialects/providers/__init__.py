"""The providers, one file each: how each differs from OpenAI.

Rules of this package: data. A file lists only the differences from the defaults; layouts are those
of WIRE.md §5 and Annex C, in its notation. A comment marks whatever no recording shows.
"""
