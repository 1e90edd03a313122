"""Templates in scenarios: replies that quote the request, rendered by Jinja2.

Rules of this file: a template is compiled when the scenario is loaded, in a sandbox that lets it
read the request and nothing else. It cannot fill the memory: there is no `range`, no macro, no loop
within a loop and no list of lists, only filters and methods whose results are about as large as
their input, and texts and numbers that grow too large are errors. What it does in a loop over a
long text may take long; so it is rendered where functions of users run, for `reply_timeout`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from openai_mockserver.exceptions import MissingDependency, MockServerError, ScenarioError
from openai_mockserver.request import Request

if TYPE_CHECKING:
    import jinja2

__all__ = ["compile_strings", "compile_template"]

Render = Callable[[Request], Any]

_MOST_OUTPUT = 2**20  # characters of a text
_MOST_BITS = 4096  # of a number

_FILTERS = """
    abs capitalize count d default dictsort first float int items last length list lower map max min
    reject rejectattr reverse select selectattr sort string sum title trim truncate unique upper
    wordcount
"""
_METHODS = """
    capitalize count endswith find get isdigit items keys lower lstrip rstrip split splitlines
    startswith strip title upper values
"""


class _RequestView:
    """What a template sees of a request."""

    __slots__ = ("_request",)

    def __init__(self, request: Request) -> None:
        self._request = request

    def __getattr__(self, name: str) -> Any:
        if name not in _VIEWED:
            raise AttributeError(name)
        return _VIEWED[name](self._request)


_VIEWED: dict[str, Callable[[Request], Any]] = {
    "user": lambda request: request.user,
    "system": lambda request: request.system,
    "model": lambda request: request.model,
    "messages": lambda request: request.messages,
    "tools": lambda request: request.tools,
    "turn": lambda request: request.turn,
    "attempt": lambda request: request.attempt,
    "stream": lambda request: request.stream,
    "path": lambda request: request.path,
    "json": lambda request: request.json,
    "headers": lambda request: dict(request.headers),
    "query": lambda request: {name: values[0] for name, values in request.query_values.items()},
}


class _TooLarge(Exception):
    """A text or number in a template is too large."""


def _check_size(size: int) -> None:
    if size > _MOST_OUTPUT:
        raise _TooLarge(f"a text has more than {_MOST_OUTPUT} characters")


def _join(values: Iterable[Any], separator: str = "", attribute: str | None = None) -> str:
    texts = [str(value[attribute] if attribute else value) for value in values]
    _check_size(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _replace(text: str, old: str, new: str) -> str:
    _check_size(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _calculate(operator: str, left: Any, right: Any) -> Any:
    """Return the result of an operator that could make something large."""
    if isinstance(left, int) and isinstance(right, int):
        if left.bit_length() + right.bit_length() > _MOST_BITS:
            raise _TooLarge(f"a number has more than {_MOST_BITS} bits")
    elif not (isinstance(left, int | float) and isinstance(right, int | float)):
        if operator != "+":
            raise _TooLarge(f"{operator} is for numbers only")
        if hasattr(left, "__len__") and hasattr(right, "__len__"):
            _check_size(len(left) + len(right))
    if operator == "+":
        return left + right
    return left * right if operator == "*" else left % right


@lru_cache(1)
def _make_environment() -> jinja2.Environment:
    try:
        import jinja2
        from jinja2 import nodes
        from jinja2.sandbox import ImmutableSandboxedEnvironment
        from jinja2.visitor import NodeTransformer
    except ImportError:
        raise MissingDependency(
            "templates need Jinja2: pip install 'openai-mockserver[templates]'"
        ) from None

    class Restriction(NodeTransformer):
        """Refuses what could take long, and makes ``~`` a sum of texts, whose size is checked."""

        loop_depth = 0

        def visit_Assign(self, node: nodes.Assign) -> nodes.Node:
            kinds: Any = (nodes.List, nodes.Tuple, nodes.Dict)
            names = (name for one in node.find_all(kinds) for name in one.find_all(nodes.Name))
            if any(name.ctx == "load" for name in names):
                message = "a list of variables cannot be set, because it could grow without limit"
                raise jinja2.TemplateSyntaxError(message, node.lineno)
            return self.generic_visit(node)

        def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:
            is_request = isinstance(node.node, nodes.Name) and node.node.name == "request"
            if is_request and node.attr not in _VIEWED:
                message = f"request has no {node.attr!r}, but {', '.join(_VIEWED)}"
                raise jinja2.TemplateSyntaxError(message, node.lineno)
            return self.generic_visit(node)

        def refuse(self, node: nodes.Node, *args: Any) -> nodes.Node:
            name = type(node).__name__.lower()
            raise jinja2.TemplateSyntaxError(f"{name} is not allowed in a template", node.lineno)

        visit_Macro = visit_CallBlock = visit_Include = visit_Import = visit_FromImport = refuse
        visit_Extends = visit_Block = visit_Pow = visit_FilterBlock = refuse

        def visit_For(self, node: nodes.For) -> nodes.Node:
            if node.recursive or self.loop_depth:
                raise jinja2.TemplateSyntaxError("a loop within a loop is not allowed", node.lineno)
            self.loop_depth += 1
            try:
                return self.generic_visit(node)
            finally:
                self.loop_depth -= 1

        def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
            self.generic_visit(node)
            texts: list[nodes.Expr] = [
                nodes.Filter(part, "string", [], [], None, None, lineno=node.lineno)
                for part in node.nodes
            ]
            total = texts[0]
            for text in texts[1:]:
                total = nodes.Add(total, text, lineno=node.lineno)
            return total

    class Environment(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"+", "*", "%"})

        def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
            tree = super()._parse(source, name, filename)
            restricted: nodes.Template = Restriction().visit(tree)
            return restricted

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            return _calculate(operator, left, right)

        def getattr(self, obj: Any, attribute: str) -> Any:
            # `request.json.items` is a member of the body, if it has one.
            if isinstance(obj, dict) and attribute in obj:
                return obj[attribute]
            return super().getattr(obj, attribute)

        def is_safe_callable(self, obj: Any) -> bool:
            owner = getattr(obj, "__self__", None)
            return isinstance(owner, str | dict) and obj.__name__ in _METHODS.split()

    environment = Environment(
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: "" if value is None else value,
    )
    environment.globals.clear()
    filters = {name: environment.filters[name] for name in _FILTERS.split()}
    environment.filters = filters | {"join": _join, "replace": _replace, "tojson": _to_json}
    return environment


def compile_template(text: str, at: str) -> Callable[[Request], str]:
    """Return the function that renders a template.

    It raises MockServerError if the template cannot be rendered for a request.

    Args:
        text: the template.
        at: its place in the scenario.

    Raises:
        MissingDependency: Jinja2 is not installed.
        ScenarioError: the template has a mistake.
    """
    environment = _make_environment()
    import jinja2
    from jinja2 import meta

    try:
        names = meta.find_undeclared_variables(environment.parse(text)) - {"request"}
        template = environment.from_string(text)
    except jinja2.TemplateSyntaxError as error:
        raise ScenarioError(f"{at}: line {error.lineno} of the template: {error.message}") from None
    except RecursionError:
        raise ScenarioError(f"{at}: the template is nested too deeply") from None
    except (ValueError, OverflowError) as error:  # such as a number of 5,000 digits
        raise ScenarioError(f"{at}: {error}") from None
    if names:
        raise ScenarioError(
            f"{at}: unknown variable {min(names)!r} in the template: the only one is request"
        )

    def render(request: Request) -> str:
        pieces: list[str] = []
        size = 0
        try:
            for piece in template.generate(request=_RequestView(request)):
                size += len(piece)
                _check_size(size)
                pieces.append(piece)
        except Exception as error:
            reason = getattr(error, "message", None) or str(error) or repr(error)
            raise MockServerError(f"{at}: the template cannot be rendered: {reason}") from None
        return "".join(pieces)

    return render


def compile_strings(value: Any, at: str) -> Render:
    """Return the function that renders every string of a JSON value as a template.

    Raises as `compile_template` does.
    """
    if isinstance(value, str):
        is_template = any(mark in value for mark in ("{{", "{%", "{#"))
        return compile_template(value, at) if is_template else lambda request: value
    if isinstance(value, list):
        items = [compile_strings(item, f"{at}[{index}]") for index, item in enumerate(value)]
        return lambda request: [render(request) for render in items]
    if isinstance(value, Mapping):
        members = {name: compile_strings(item, f"{at}.{name}") for name, item in value.items()}
        return lambda request: {name: render(request) for name, render in members.items()}
    return lambda request: value
