"""Import of what curl 7.88 prints with ``-v`` and ``--trace``, with its noise in the body."""

from __future__ import annotations

from pathlib import Path

import pytest

from imported import PAYLOAD, STREAM, body_of, error_of, import_text
from openai_mockserver import Head, Raw

METER = "  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
TABLE = "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
CONNECT = "*   Trying 127.0.0.1:443...\n* Connected to api.example.org (127.0.0.1) port 443 (#0)\n"
REQUEST = """\
> POST /v1/chat/completions HTTP/1.1\r
> Host: api.example.org\r
> Content-Type: application/json\r
> \r
} [27 bytes data]
"""
KIND = ("Content-Type", "text/event-stream")
CHUNKED = ("Transfer-Encoding", "chunked")
RESPONSE = f"< HTTP/1.1 200 OK\r\n< {': '.join(KIND)}\r\n< {': '.join(CHUNKED)}\r\n< \r\n"
INTACT = "* Connection #0 to host api.example.org left intact\n"
READ = "{ [15 bytes data]\n"


@pytest.mark.parametrize(
    "output",
    [
        CONNECT + REQUEST + RESPONSE + READ + STREAM + INTACT,
        CONNECT + REQUEST + RESPONSE + READ + INTACT + STREAM,
        f"{TABLE}{' ' * 33}Dload  Upload\n\r{METER}{CONNECT}{REQUEST}{RESPONSE}{READ}{STREAM}"
        f"\r{METER}\r{METER}\n{INTACT}",
        CONNECT + REQUEST + RESPONSE + STREAM[:7] + READ + STREAM[7:-1] + "\n" + INTACT,
        "Note: Unnecessary use of -X\n" + CONNECT + REQUEST + "< HTTP/1.1 100 Continue\r\n< \r\n"
        + RESPONSE + STREAM + INTACT,
        CONNECT + "> CONNECT api.example.org:443 HTTP/1.1\r\n> \r\n< HTTP/1.1 200 OK\r\n< \r\n"
        + REQUEST + RESPONSE + STREAM + "* Closing connection 0\n",
        "\ufeff" + (CONNECT + REQUEST + RESPONSE).replace("\r\n", "\n") + STREAM + INTACT,
        CONNECT + REQUEST + RESPONSE + INTACT + RESPONSE.replace("< ", "") + STREAM,  # with -i
    ],
)  # fmt: skip
def test_the_response_is_found_in_the_noise(tmp_path: Path, output: str) -> None:
    (exchange,) = import_text(tmp_path, output, "x.txt")
    assert body_of(exchange) == STREAM.encode()
    assert exchange.script.head == Head(200, (KIND, CHUNKED))
    assert exchange.about["request"] == {
        "method": "POST",
        "url": "https://api.example.org/v1/chat/completions",
        "headers": [["Host", "api.example.org"], ["Content-Type", "application/json"]],
    }


def test_a_body_without_a_line_end(tmp_path: Path) -> None:
    head = "< HTTP/2 429 \n< retry-after: 1\n< \n"
    (exchange,) = import_text(tmp_path, f'> GET / HTTP/2\n>\n{head}{{"a": 1}}{INTACT}', "x")
    assert exchange.script.steps == (Raw(b'{"a": 1}'),)
    assert exchange.script.head.status == 429
    assert exchange.about["request"]["url"] == "/"


def dump(name: str, data: bytes) -> str:
    lines = [f"{name}, {len(data)} bytes (0x{len(data):x})"]
    for at in range(0, len(data), 16):
        line = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
        lines.append(f"{at:04x}: {line.hex(' '):<47} {text}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("time", ["", "10:22:45.998875 "])
def test_a_trace_has_every_byte(tmp_path: Path, time: str) -> None:
    body = STREAM.encode()
    output = f"{time}== Info:   Trying 127.0.0.1:8931...\n"
    output += time + dump("=> Send header", b"POST /v1/chat HTTP/1.1\r\nHost: h:8931\r\n\r\n")
    output += time + dump("=> Send data", b'{"model":"m","stream":true}')
    for line in ("HTTP/1.1 200 OK", ": ".join(KIND), ": ".join(CHUNKED), ""):
        output += time + dump("<= Recv header", line.encode() + b"\r\n")
    for piece in (body[:45], body[45:], b""):
        output += time + dump("<= Recv data", b"%x\r\n%b\r\n" % (len(piece), piece))
    output += f"{time}== Info: Connection #0 to host h left intact\n"
    (exchange,) = import_text(tmp_path, output, "trace.txt")
    assert body_of(exchange) == body
    assert exchange.script.head == Head(200, (KIND, CHUNKED))
    assert exchange.about["request"]["url"] == "http://h:8931/v1/chat"
    assert exchange.about["request"]["json"] == PAYLOAD


def test_what_curl_leaves_out_is_named(tmp_path: Path) -> None:
    ascii_trace = "== Info: x\n<= Recv data, 9 bytes (0x9)\n0000: data: a..\n"
    assert "line 2: it does not have all bytes; --trace writes them, --trace-ascii does" in (
        error_of(tmp_path, ascii_trace, "x")
    )
    assert "its format is unknown" in error_of(tmp_path, CONNECT + REQUEST, "x")
    assert "its head does not end with a blank line" in error_of(tmp_path, "== Info: x\n", "x")
