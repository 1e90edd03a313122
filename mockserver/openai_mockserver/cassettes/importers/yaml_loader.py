"""YAML loaded as text: no tag makes an object, and ``no`` in a header stays ``no``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from openai_mockserver.bounded_input import check_yaml
from openai_mockserver.cassettes.importers.recording import ImportProblem

# YAML


_TAG = "tag:yaml.org,2002:"
_RESOLVER: Any = yaml.resolver.Resolver()
_JSON_TAGS = {_TAG + kind for kind in ("null", "bool", "int", "float")}


def _first_element(loader: Any, _suffix: str, node: Any) -> Any:
    """aiohttp's header names are of a class of its own: a call with the text as its argument."""
    if not isinstance(node, yaml.SequenceNode) or len(node.value) != 1:
        raise yaml.constructor.ConstructorError(
            None, None, "a header's name is not one text", node.start_mark
        )
    return loader.construct_scalar(node.value[0])


def _mapping(loader: Any, node: Any) -> Iterator[Any]:
    """A mapping, in which pydantic-ai's ``parsed_body`` is JSON and not text."""
    for key, value in node.value:
        if key.value == "parsed_body":
            _resolve(value, set())
    yield from loader.construct_yaml_map(node)


def _resolve(node: Any, seen: set[int]) -> None:
    """Make unquoted ``1``, ``true``… below this node what they are in YAML."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode) and not node.style:
        tag = _RESOLVER.resolve(yaml.ScalarNode, node.value, (True, False))
        node.tag = tag if tag in _JSON_TAGS and node.tag == _TAG + "str" else node.tag
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            _resolve(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _resolve(value, seen)


def _loader() -> Any:
    """A safe loader, written in C where there is one: recordings are megabytes of YAML."""
    loader: Any = type("_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
    loader.yaml_implicit_resolvers = {
        first: [(tag, known) for tag, known in resolvers if tag == _TAG + "null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    loader.add_constructor(_TAG + "map", _mapping)
    loader.add_constructor("!binary", loader.construct_yaml_binary)
    for made_by in ("apply", "new"):
        loader.add_multi_constructor(f"{_TAG}python/object/{made_by}:multidict.", _first_element)
    return loader


_LOADER = _loader()


# What PyYAML runs into with a tag on what is not of its kind, such as ``!!int x``.
_CONSTRUCTORS_RAISE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def _join(documents: list[Any]) -> Any:
    """Several cassettes in one file, as one: their lists follow one another."""
    joined: dict[Any, Any] = {}
    for document in documents:
        if document is None:
            continue  # what follows a last ``---``
        if not isinstance(document, dict) or (joined and document.keys().isdisjoint(joined)):
            raise ImportProblem("its YAML documents are not cassettes of one kind")
        for name, value in document.items():
            both = isinstance(value, list) and isinstance(joined.get(name), list)
            joined[name] = joined[name] + value if both else value
    return joined


def load_yaml(text: str) -> Any:
    try:
        check_yaml(text)  # the C loader guards nothing: deep nesting would end the process
        documents = list(yaml.load_all(text, _LOADER))  # safe: see `_loader`
        return documents[0] if len(documents) == 1 else _join(documents)
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ImportProblem(f"it is not YAML that can be read{where}: {error.problem}") from None
    except (yaml.YAMLError, *_CONSTRUCTORS_RAISE) as error:
        raise ImportProblem(
            f"it is not YAML that can be read: {' '.join(str(error).split())}"
        ) from None
