"""The configuration of a Realtime session: its defaults, its updates, and the object that shows it.

Rules of this file: pure functions. A configuration is OpenAI's session object as the client has set
it; what the client has left out is completed when it is shown or used. A format that is not nested
also accepts the flat members of OpenAI's beta.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from openai_mockserver.api.realtime.sound import PCM
from openai_mockserver.api.validation.parameters import parameters_of
from openai_mockserver.dialects.realtime import RealtimeFormat, arrange
from openai_mockserver.reply import ApiError

__all__ = [
    "LIFETIME",
    "TEMPERATURE",
    "Config",
    "complete_vad",
    "find_turn_detection",
    "is_newer",
    "make_config",
    "read_options",
    "show_session",
    "update_config",
]

Config = dict[str, Any]

LIFETIME = 3600.0
"""Seconds after which a session ends."""

TEMPERATURE = 0.8
"""The default of the beta; today there is none."""

_INSTRUCTIONS = "You are a helpful, friendly assistant that speaks."


def is_newer(model: str) -> bool:
    """Whether a model is of the second generation, which reasons."""
    return model.startswith("gpt-realtime-2") and not model.startswith("gpt-realtime-20")


def make_config(model: str, form: RealtimeFormat, type: str = "realtime") -> Config:
    """Return the configuration of a new session.

    Args:
        model: the model.
        form: the provider's format.
        type: ``realtime`` or ``transcription``.
    """
    is_mixed = form.session == "mixed"
    vad = {"type": None if is_mixed else "server_vad"}
    hearing = {
        "format": PCM,
        "transcription": None,
        "noise_reduction": None,
        "turn_detection": vad,
    }
    if type == "transcription":
        return {"type": type, "model": model, "audio": {"input": hearing}, "include": None}
    voice = "ara" if is_mixed else "marin" if is_newer(model) else "alloy"
    return {
        "type": type,
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "" if is_mixed else _INSTRUCTIONS,
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "audio": {"input": hearing, "output": {"format": PCM, "voice": voice, "speed": 1.0}},
        "include": None,
    }


# Updates

_KNOWN: Mapping[str, frozenset[str]] = {
    "": frozenset(
        {
            "type",
            "model",
            "output_modalities",
            "instructions",
            "tools",
            "tool_choice",
            "max_output_tokens",
            "tracing",
            "truncation",
            "prompt",
            "audio",
            "include",
            "reasoning",
            "parallel_tool_calls",
        }
    ),
    "audio": frozenset({"input", "output"}),
    "audio.input": frozenset({"format", "transcription", "noise_reduction", "turn_detection"}),
    "audio.output": frozenset({"format", "voice", "speed"}),
}
"""The members of a session that are updated one by one; any other is replaced as a whole."""

_FORMATS: Mapping[str, Mapping[str, Any]] = {
    "pcm16": PCM,
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}
_FORMAT_NAMES = {str(value["type"]): name for name, value in _FORMATS.items()}

_FLAT_PLACES = {
    "voice": "audio.output.voice",
    "speed": "audio.output.speed",
    "input_audio_format": "audio.input.format",
    "output_audio_format": "audio.output.format",
    "input_audio_transcription": "audio.input.transcription",
    "input_audio_noise_reduction": "audio.input.noise_reduction",
    "turn_detection": "audio.input.turn_detection",
    "modalities": "output_modalities",
    "max_response_output_tokens": "max_output_tokens",
}
"""Where the beta's members are today."""


def _read_flat(changes: Mapping[str, Any]) -> Config:
    """Return changes with the beta's members where they are today.

    >>> _read_flat({"modalities": ["text", "audio"], "voice": "ash"})
    {'audio': {'output': {'voice': 'ash'}}, 'output_modalities': ['audio']}
    """
    result: Config = {k: v for k, v in changes.items() if k not in _FLAT_PLACES}
    for name, place in _FLAT_PLACES.items():
        if name not in changes:
            continue
        value = changes[name]
        if name == "modalities" and isinstance(value, list):
            value = ["audio"] if "audio" in value else ["text"]
        elif name.endswith("_format"):
            value = _FORMATS.get(value, value) if isinstance(value, str) else value
        elif name == "voice" and isinstance(value, Mapping):
            value = value.get("name")
        *outer, last = place.split(".")
        at = result
        for part in outer:
            inner = at.get(part) or {}
            if not isinstance(inner, Mapping):
                _refuse(
                    f"Invalid type for 'session.{part}': expected an object.", "invalid_type", part
                )
            at[part] = dict(inner)
            at = at[part]
        at[last] = value
    return result


def update_config(config: Config, changes: Mapping[str, Any], form: RealtimeFormat) -> Config:
    """Return a configuration with changes. Raises ValueError with an ApiError if it is invalid."""
    if form.checks_type and "type" not in changes:
        _refuse("Missing required parameter: 'session.type'.", "missing_required_parameter", "type")
    if changes.get("type", config["type"]) != config["type"]:
        text = (
            f"Passing a {changes['type']} session update event to a {config['type']} session is "
            "not allowed."
        )
        _refuse(text, "invalid_parameter", "type")
    if changes.get("model", config["model"]) != config["model"]:
        _refuse("The model of a session cannot be changed.", "cannot_update_model", "model")
    is_nested = form.session == "nested"
    changes = changes if is_nested else _read_flat(changes)
    _check_types({"type": config["type"], **changes}, "session", is_nested)
    return _merge(config, changes, "", is_nested)


def _check_types(changes: Mapping[str, Any], owner: str, is_strict: bool) -> None:
    """Raise ValueError with an ApiError if a member has a type or a value that the SDK's lacks.

    Args:
        changes: members of a session.
        owner: what the client calls them: ``session`` or ``response``.
        is_strict: whether to refuse values that OpenAI does not know.
    """
    parameters = parameters_of("POST", "/v1/realtime/client_secrets")
    error = parameters.check({"session": changes}, True)
    if error is not None and (is_strict or error.code == "invalid_type"):
        message = str(error.message).replace("'session", f"'{owner}")
        param = str(error.param).replace("session", owner, 1)
        raise ValueError(replace(error, message=message, param=param))


def _merge(old: Mapping[str, Any], new: Mapping[str, Any], place: str, is_strict: bool) -> Config:
    result = dict(old)
    for name, value in new.items():
        inner = f"{place}.{name}".lstrip(".")
        if name not in _KNOWN[place] and is_strict:
            _refuse(f"Unknown parameter: 'session.{inner}'.", "unknown_parameter", inner)
        if inner in _KNOWN:
            if not isinstance(value, Mapping):
                text = f"Invalid type for 'session.{inner}': expected an object."
                _refuse(text, "invalid_type", inner)
            value = _merge(result.get(name) or {}, value, inner, is_strict)
        _check_value(inner, value)
        result[name] = value
    return result


_VALUES = {
    "output_modalities": (["text"], ["audio"]),
}


def _check_value(place: str, value: Any) -> None:
    if place in _VALUES and value not in _VALUES[place]:
        choices = " or ".join(map(repr, _VALUES[place]))
        text = f"Invalid modalities: {value!r}. Supported combinations are: {choices}."
        _refuse(text, "invalid_value", place)
    kind = (value or {}).get("type") if isinstance(value, Mapping) else None
    if place.endswith(".format") and kind not in _FORMAT_NAMES:
        names = ", ".join(map(repr, _FORMAT_NAMES))
        text = f"Invalid value: {kind!r}. Supported values are: {names}."
        _refuse(text, "invalid_value", f"{place}.type")


def _refuse(message: str, code: str, place: str) -> None:
    raise ValueError(ApiError(400, message, code=code, param=f"session.{place}"))


# Completion

_SEMANTIC = {"eagerness": "auto", "create_response": True, "interrupt_response": True}


def complete_vad(
    value: Mapping[str, Any] | None, model: str, form: RealtimeFormat, is_new: bool = False
) -> dict[str, Any] | None:
    """Return how turns are detected, with all members; None if they are not.

    Args:
        value: what the client has set.
        model: the model, on which the default for silence depends.
        form: the provider's format, which may have defaults of its own.
        is_new: whether the session has not been updated.
    """
    if value is None or value.get("type") is None:
        return None
    if value["type"] == "semantic_vad":
        return {"type": "semantic_vad", **_SEMANTIC, **value}
    silence = {"silence_duration_ms": 500} if is_newer(model) else {}
    updated = {} if is_new else form.updated_vad
    return {"type": "server_vad", **form.vad, **silence, **updated, **value}


def find_turn_detection(config: Config, form: RealtimeFormat) -> dict[str, Any] | None:
    """Return how turns are detected in a session."""
    return complete_vad(config["audio"]["input"]["turn_detection"], config["model"], form)


_TOOL = ("type", "name", "description", "parameters")


def _sort_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tool[name] for name in (*_TOOL, *tool) if name in tool}


def _complete_transcription(
    value: Mapping[str, Any] | None, form: RealtimeFormat
) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"model": None, "language": None, "prompt": None, **form.transcription, **value}


def show_session(
    config: Config, id: str, expires_at: int, form: RealtimeFormat, is_new: bool = False
) -> dict[str, Any]:
    """Return the session object of a configuration.

    Args:
        config: the configuration.
        id: the session's id.
        expires_at: when the session ends, in seconds since the epoch.
        form: the provider's format.
        is_new: whether the session has not been updated.
    """
    hearing, speaking = config["audio"]["input"], config["audio"].get("output", {})
    vad = complete_vad(hearing["turn_detection"], config["model"], form, is_new)
    transcription = _complete_transcription(hearing["transcription"], form)
    hearing = {**hearing, "turn_detection": vad, "transcription": transcription}
    tools = [_sort_tool(tool) for tool in config.get("tools", ())]
    session = {"type": config["type"], "object": "realtime.session", "id": id, **config}
    if config["type"] == "transcription":
        session["object"] = "realtime.transcription_session"
        del session["model"]
        return {**session, "expires_at": expires_at, "audio": {"input": hearing}}
    audio = {"input": hearing, "output": speaking}
    last = {"expires_at": expires_at, "audio": audio, "include": config["include"]}
    session |= {"tools": tools}
    session = {k: v for k, v in session.items() if k not in last} | last
    if form.session == "nested":
        return session
    session |= _list_flat(config, hearing, form)
    if form.session == "mixed":
        session |= _list_mixed(config, tools, is_new)
        if not tools and not is_new:
            del session["tools"]
    layout = form.session_members
    if is_new and form.new_session_members is not None:
        layout = form.new_session_members
    return arrange(layout, session)


def _list_flat(config: Config, hearing: Mapping[str, Any], form: RealtimeFormat) -> Config:
    """Return the beta's members of a session object."""
    modalities = config["output_modalities"]
    if form.session == "flat" and not form.has_voice_objects and modalities == ["audio"]:
        modalities = ["text", "audio"]
    return show_voice(config["audio"]["output"], form) | {
        "modalities": modalities,
        "input_audio_format": _FORMAT_NAMES[hearing["format"]["type"]],
        "input_audio_transcription": hearing["transcription"],
        "input_audio_noise_reduction": hearing["noise_reduction"],
        "turn_detection": hearing["turn_detection"],
        "max_response_output_tokens": config["max_output_tokens"],
        "temperature": config.get("temperature", TEMPERATURE),
    }


def show_voice(speaking: Mapping[str, Any], form: RealtimeFormat) -> Config:
    """Return the beta's members for the voice and the format of the output."""
    voice = speaking["voice"]
    return {
        "voice": {"name": voice, "type": "openai"} if form.has_voice_objects else voice,
        "output_audio_format": _FORMAT_NAMES[speaking["format"]["type"]],
    }


def _list_mixed(config: Config, tools: list[dict[str, Any]], is_new: bool) -> Config:
    """Return the members of a mixed session object: what the client has set, as it was set."""
    hearing, speaking = config["audio"]["input"], config["audio"]["output"]
    nested = [
        {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}
        for tool in tools
    ]
    return {
        "turn_detection": hearing["turn_detection"],
        "input_audio_transcription": hearing["transcription"],
        "tools": tools if is_new else nested,
        "audio": {
            "input": {
                "format": hearing["format"],
                "transport": "json",
                "transcription": hearing["transcription"],
            },
            "output": {"format": speaking["format"], "transport": "json"},
        },
    }


# Responses


def read_options(config: Config, options: Mapping[str, Any], form: RealtimeFormat) -> Config:
    """Return the configuration of one response: the session's, changed by its options.

    Raises ValueError with an ApiError if they are invalid.
    """
    known = _KNOWN[""] - {"type", "model", "tracing", "truncation", "include"} | {"temperature"}
    changes = dict(options) if form.session == "nested" else _read_flat(options)
    if isinstance(changes.get("audio"), Mapping):
        changes["audio"] = {k: v for k, v in changes["audio"].items() if k == "output"}
    changes = {k: v for k, v in changes.items() if k in known}
    _check_types({"type": "realtime", **changes}, "response", form.session == "nested")
    return _merge(config, changes, "", False)
