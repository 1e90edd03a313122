"""The providers, one file each: all that is known of how each differs from OpenAI.

Rules of this package: data. A file says only where its provider differs from the defaults; layouts
are those of WIRE.md §5 and Annex C, in its own notation. A comment says what no recording shows.
"""
