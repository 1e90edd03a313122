"""A YAML loader that keeps scalars as text: ``no`` stays ``no``, and no tag creates an object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from openai_mockserver.bounded_input import check_yaml
from openai_mockserver.cassettes.importers.recording import ImportProblem

_TAG = "tag:yaml.org,2002:"
_RESOLVER: Any = yaml.resolver.Resolver()
_JSON_TAGS = {_TAG + kind for kind in ("null", "bool", "int", "float")}


def _construct_header_name(loader: Any, _suffix: str, node: Any) -> Any:
    """Return the name in an aiohttp header: a call of aiohttp's class with the text as argument."""
    if not isinstance(node, yaml.SequenceNode) or len(node.value) != 1:
        raise yaml.constructor.ConstructorError(
            None, None, "a header's name is not a single string", node.start_mark
        )
    return loader.construct_scalar(node.value[0])


_JSON_BODIES = ("parsed_body", "json_body")  # of pydantic-ai and of httpmock


def _construct_mapping(loader: Any, node: Any) -> Iterator[Any]:
    """Construct a mapping; a body that is JSON becomes JSON values in it, not text."""
    for key, value in node.value:
        if key.value in _JSON_BODIES:
            _resolve_types(value, set())
    yield from loader.construct_yaml_map(node)


def _resolve_types(node: Any, visited_ids: set[int]) -> None:
    """Give unquoted ``1``, ``true``… below a node the types that they have in YAML."""
    if id(node) in visited_ids:
        return
    visited_ids.add(id(node))
    if isinstance(node, yaml.ScalarNode) and not node.style:
        tag = _RESOLVER.resolve(yaml.ScalarNode, node.value, (True, False))
        node.tag = tag if tag in _JSON_TAGS and node.tag == _TAG + "str" else node.tag
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            _resolve_types(value, visited_ids)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _resolve_types(value, visited_ids)


def _build_loader() -> Any:
    """Return a safe loader, in C if installed, because recordings are megabytes of YAML."""
    loader: Any = type("_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
    loader.yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in resolvers if tag == _TAG + "null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    loader.add_constructor(_TAG + "map", _construct_mapping)
    loader.add_constructor("!binary", loader.construct_yaml_binary)
    for operation in ("apply", "new"):
        loader.add_multi_constructor(
            f"{_TAG}python/object/{operation}:multidict.", _construct_header_name
        )
    return loader


_LOADER = _build_loader()


# What PyYAML raises for a tag that does not fit its value, such as ``!!int x``.
_CONSTRUCTORS_RAISE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def join_documents(documents: list[Any]) -> Any:
    """Join the cassettes of one file; their lists follow one another. Raises ImportProblem."""
    if len(documents) == 1:
        return documents[0]
    cassette: dict[Any, Any] = {}
    for document in documents:
        if document is None:
            continue  # an empty document after a last ``---``
        if not isinstance(document, dict) or (cassette and document.keys().isdisjoint(cassette)):
            raise ImportProblem("its YAML documents are not cassettes of the same kind")
        for name, value in document.items():
            are_lists = isinstance(value, list) and isinstance(cassette.get(name), list)
            cassette[name] = cassette[name] + value if are_lists else value
    return cassette


def load_yaml(text: str) -> list[Any]:
    """Load the documents of YAML. Raises ImportProblem."""
    text = _BOM.sub("", text) if "\ufeff" in text else text
    try:
        check_yaml(text)  # the C loader has no limits: deep nesting would crash the process
        return list(yaml.load_all(text, _LOADER))  # safe: see `_build_loader`
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ImportProblem(f"it is not valid YAML{where}: {error.problem}") from None
    except (yaml.YAMLError, *_CONSTRUCTORS_RAISE) as error:
        raise ImportProblem(f"it is not valid YAML: {' '.join(str(error).split())}") from None


# PyYAML accepts a byte order mark only at the start, but a document of several may begin with one.
_BOM = re.compile("^\ufeff", re.M)
