"""The configuration of a Live session: its checks, its updates, and the object that shows it.

Rules of this file: pure functions. A configuration is the session object as the client has sent it;
the defaults are added when it is shown. The SDK's types say what is valid, and unknown members are
refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from openai_mockserver import tokens
from openai_mockserver.api import ids
from openai_mockserver.api.realtime.sound import PCM
from openai_mockserver.api.validation.parameters import parameters_of
from openai_mockserver.reply import ApiError

__all__ = [
    "Config",
    "check_session",
    "find_format",
    "find_target",
    "find_voice",
    "fork_config",
    "make_session_id",
    "show_session",
    "start_config",
    "update_config",
]

Config = dict[str, Any]

DEFAULT_MODEL = "gpt-live-1"
"""The model of a session that nobody has created: one with an id that a test has made up."""

_RATES: Mapping[str, tuple[int, ...]] = {
    "audio/pcm": (16_000, 24_000),
    "audio/pcmu": (8000,),
    "audio/pcma": (8000,),
}
"""The rates of the formats that a WebSocket may choose, in hertz (types/live/audio_format.py)."""

_MOST_MESSAGES, _MOST_TOKENS, _MOST_INPUT_TOKENS = 128, 16_384, 8192
"""The limits of `input` and `instructions` (types/live/session_config.py)."""

_MEDIA_ONLY = ("idle_timeout_s", "wake_policy")
_UPDATED = ("delegation", "triggers")
_FORK = ("audio", "client", "delegation", "store")
_SHOWN = ("safety_identifier", "store", "triggers", "client")
"""Members that a session shows only if they have been set."""


def make_session_id(rng: Random) -> str:
    """Return an id of a session, as OpenAI makes it: ``live_u7_`` and 32 letters and digits."""
    return f"live_u{rng.randrange(10)}_{ids.letters(32, rng)}"


def find_target(config: Mapping[str, Any]) -> str:
    """Return who works on what the model delegates: ``client``, ``responses`` or ``decisions``."""
    return str((config.get("delegation") or {}).get("type") or "client")


def find_format(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the format of the audio on the session's WebSocket."""
    format: Mapping[str, Any] = (config.get("audio") or {}).get("format") or PCM
    return format


def find_voice(config: Mapping[str, Any]) -> str:
    """Return the name or the id of the session's voice."""
    voice = _find_voice(config)
    return str(voice.get("id")) if isinstance(voice, Mapping) else str(voice)


def _find_voice(config: Mapping[str, Any]) -> Any:
    return ((config.get("audio") or {}).get("output") or {}).get("voice") or "marin"


def show_session(config: Mapping[str, Any], id: str, expires_at: int) -> dict[str, Any]:
    """Return the session object, with its members in the order that was recorded.

    Args:
        config: the configuration.
        id: the session's id.
        expires_at: when the session ends, in Unix seconds.
    """
    instructions = config.get("instructions")
    return {
        "id": id,
        "expires_at": expires_at,
        "model": config["model"],
        **({} if instructions is None else {"instructions": instructions}),
        "audio": {"output": {"voice": _find_voice(config)}, "format": dict(find_format(config))},
        "delegation": config.get("delegation") or {"type": "client"},
        "status": "active",
        "input": list(config.get("input") or ()),
        **{name: config[name] for name in _SHOWN if config.get(name) is not None},
    }


# Checks


def check_session(session: object) -> Config:
    """Return the configuration of a session over WebRTC or SIP.

    Raises ValueError with an ApiError if the SDK's types or OpenAI's limits do not allow it.
    """
    parameters = parameters_of("POST", "/v1/live/sessions")
    transport = {"type": "webrtc", "sdp": ""}
    error = parameters.check({"session": session, "transport": transport}, False)
    if error is not None:
        raise ValueError(error)
    assert isinstance(session, Mapping)
    _check_input(session.get("input") or ())
    _check_length(session.get("instructions") or "", "session.instructions", _MOST_TOKENS)
    event_types = [trigger["event_type"] for trigger in session.get("triggers") or ()]
    if len(set(event_types)) < len(event_types):
        text = "Invalid 'session.triggers': at most one trigger for each type of event."
        raise _refuse(text, "invalid_value", "session.triggers")
    return dict(session)


def start_config(session: object) -> Config:
    """Return the configuration with which a WebSocket starts a session. Raises ValueError."""
    if not isinstance(session, Mapping):
        return check_session(session)
    for name in _MEDIA_ONLY:
        if name in session:
            raise _refuse_member(f"session.{name}")
    audio = session.get("audio")
    if not isinstance(audio, Mapping) or "format" not in audio:
        return check_session(session)
    rest = {name: value for name, value in audio.items() if name != "format"}
    config = check_session({**session, "audio": rest})
    config["audio"] = {**rest, "format": _check_format(audio["format"])}
    return config


def _check_format(format: object) -> Mapping[str, Any]:
    place = "session.audio.format"
    if not isinstance(format, Mapping):
        raise _refuse(f"Invalid type for '{place}': expected an object.", "invalid_type", place)
    _check_members(format, ("type", "rate"), place)
    for name, choices in (("type", tuple(_RATES)), ("rate", _RATES.get(str(format.get("type"))))):
        if name not in format:
            text = f"Missing required parameter: '{place}.{name}'."
            raise _refuse(text, "missing_required_parameter", f"{place}.{name}")
        if choices is not None and format[name] not in choices:
            text = (
                f"Invalid value: {format[name]!r:.200}. Supported values are: "
                f"{', '.join(map(repr, choices))}."
            )
            raise _refuse(text, "invalid_value", f"{place}.{name}")
    return dict(format)


def _check_input(messages: Any) -> None:
    if len(messages) > _MOST_MESSAGES:
        text = (
            "Invalid 'session.input': array too long. Expected an array with maximum length "
            f"{_MOST_MESSAGES}, but got an array with length {len(messages)} instead."
        )
        raise _refuse(text, "array_above_max_length", "session.input")
    for index, message in enumerate(messages):
        if len(message["content"]) != 1:
            place = f"session.input[{index}].content"
            raise _refuse(f"Invalid '{place}': expected one text part.", "invalid_value", place)
    texts = "\n".join(message["content"][0]["text"] for message in messages)
    _check_length(texts, "session.input", _MOST_INPUT_TOKENS)


def _check_length(text: str, place: str, limit: int) -> None:
    # A character is four bytes at most, and a token is one at least.
    if 4 * len(text) > limit and (count := tokens.count(text)) > limit:
        message = f"Invalid '{place}': {count} tokens. Expected at most {limit}."
        raise _refuse(message, "string_above_max_length", place)


def _check_members(value: Mapping[str, Any], names: tuple[str, ...], place: str) -> None:
    for name in value:
        if name not in names:
            raise _refuse_member(f"{place}.{name}")


def _refuse(message: str, code: str, param: str) -> ValueError:
    return ValueError(ApiError(400, message, code=code, param=param))


def _refuse_member(place: str) -> ValueError:
    return _refuse(f"Unknown parameter: '{place}'.", "unknown_parameter", place)


# Changes


def update_config(config: Config, changes: object) -> Config:
    """Return the configuration after a ``session.update``.

    Raises ValueError with an ApiError for what is invalid, or cannot be changed any more.
    """
    if not isinstance(changes, Mapping):
        text = "Invalid type for 'session': expected an object."
        raise _refuse(text, "invalid_type", "session")
    known = (*config, "model", "instructions", "audio", "input")
    for name in changes:
        if name not in _UPDATED:
            place = f"session.{name}"
            if name not in known:
                raise _refuse_member(place)
            text = f"'{place}' cannot be changed after the session has started."
            raise _refuse(text, "immutable_field_update", place)
    changed = dict(config)
    if changes.get("triggers") is not None:
        changed["triggers"] = changes["triggers"]
    if changes.get("delegation") is not None:
        changed["delegation"] = _merge_delegation(config, changes["delegation"])
    audio = config.get("audio")
    plain = {k: v for k, v in (audio or {}).items() if k != "format"}
    checked = check_session({**changed, **({} if audio is None else {"audio": plain})})
    return checked | ({} if audio is None else {"audio": audio})


def _merge_delegation(config: Mapping[str, Any], changes: object) -> Any:
    """Return the settings of the delegation, with those that an update names."""
    if not isinstance(changes, Mapping):
        return changes  # which the check refuses
    type, target = changes.get("type"), find_target(config)
    if type in ("client", "responses", "decisions") and type != target:
        text = f"The delegation type cannot be changed from {target!r} to {type!r}."
        raise _refuse(text, "immutable_field_update", "session.delegation.type")
    merged = {**(config.get("delegation") or {}), **changes}
    old, new = (config.get("delegation") or {}).get(target), changes.get(target)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        merged[target] = {**old, **new}
    elif new is None and isinstance(old, Mapping):
        merged[target] = old
    return merged


def fork_config(config: Config, changes: object, over_websocket: bool) -> Config:
    """Return the configuration of a fork.

    Args:
        config: that of the stored session.
        changes: what is to differ.
        over_websocket: whether the fork is a WebSocket, which chooses a format and has no client.

    Raises ValueError with an ApiError for what is invalid, or inherited.
    """
    if not isinstance(changes, Mapping):
        text = "Invalid type for 'session': expected an object."
        raise _refuse(text, "invalid_type", "session")
    _check_members(changes, _FORK, "session")
    forbidden = "client" if over_websocket else "audio"
    if changes.get(forbidden) is not None:
        raise _refuse_member(f"session.{forbidden}")
    # An older session's format belonged to its connection.
    audio = {k: v for k, v in (config.get("audio") or {}).items() if k != "format"}
    forked: Config = {**config, "audio": audio}
    if changes.get("audio") is not None:
        if not isinstance(changes["audio"], Mapping):
            text = "Invalid type for 'session.audio': expected an object."
            raise _refuse(text, "invalid_type", "session.audio")
        _check_members(changes["audio"], ("format",), "session.audio")
        audio |= changes["audio"]
    if changes.get("delegation") is not None:
        forked["delegation"] = _merge_delegation(config, changes["delegation"])
    for name in ("store", "client"):
        if changes.get(name) is not None:
            forked[name] = changes[name]
    media = {name: forked.pop(name) for name in _MEDIA_ONLY if name in forked}
    return start_config(forked) | media
