"""Reads the JSON files that a check is given: templates of requests, and baselines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from openai_mockserver.bounded_input import InputProblem, read_file
from openai_mockserver.exceptions import CheckError

__all__ = ["read_json_file"]


def read_json_file(path: Path, most: int) -> Any:
    """Return the content of a JSON file.

    Args:
        path: the file.
        most: maximum number of bytes.

    Raises:
        CheckError: the file cannot be read, is too long, or is not JSON.
    """
    try:
        return json.loads(read_file(path, most))
    except OSError as error:
        raise CheckError(f"cannot read {path}: {error.strerror or error}") from None
    except InputProblem as error:
        raise CheckError(f"{path}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise CheckError(f"{path} is not JSON: {error}") from None
