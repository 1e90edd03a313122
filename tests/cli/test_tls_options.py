"""`serve` and `record` over TLS."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from openai_mockserver import MissingDependency, ServerError
from openai_mockserver.cli import tls
from running_server import COMMAND, TOO_LONG

pytestmark = pytest.mark.slow


@contextmanager
def start(*arguments: object) -> Iterator[dict[str, Any]]:
    """Run a command with a JSON log, and return its first entry."""
    command = [*COMMAND, *map(str, arguments), "--port", "0", "--log", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority in memory."""
    return trustme.CA()


@pytest.fixture
def pair(authority: trustme.CA, tmp_path: Path) -> tuple[Path, Path]:
    """The files of a certificate and its key."""
    issued = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return cert, key


def test_a_self_signed_server_is_trusted_by_its_certificate() -> None:
    with start(
        "serve", "--pace", "none", "--tls-self-signed", "--allow-host", "mock.test"
    ) as entry:
        url = httpx.URL(entry["url"])
        assert (url.scheme, url.host) == ("https", "127.0.0.1")
        certificate = ssl.get_server_certificate((url.host, url.port or 0))
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).digest()
        assert entry["tls"] == digest.hex(":").upper()
        trusting = ssl.create_default_context(cadata=certificate)
        for name in ("127.0.0.1", "localhost", "mock.test"):
            with socket.create_connection((url.host, url.port or 0), TOO_LONG) as plain:
                trusting.wrap_socket(plain, server_hostname=name).close()
        with httpx.Client(verify=trusting, trust_env=False, timeout=TOO_LONG) as client:
            messages = [{"role": "user", "content": "Hi"}]
            request = {"model": "gpt-4o", "messages": messages, "stream": True}
            answer = client.post(f"{entry['url']}/chat/completions", json=request)
            assert answer.text.endswith("data: [DONE]\n\n")


def test_record_uses_the_certificate_of_a_file(
    authority: trustme.CA, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = pair
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    arguments = ["record", "--upstream", "http://127.0.0.1:9", "-o", tmp_path / "cassettes"]
    with start(*arguments, "--tls-cert", cert, "--tls-key", key) as entry:
        with httpx.Client(verify=trusting, trust_env=False, timeout=TOO_LONG) as client:
            assert client.get(f"{entry['url']}/models").status_code == 502


def test_the_key_may_be_in_the_file_of_the_certificate(pair: tuple[Path, Path]) -> None:
    cert, key = pair
    cert.write_bytes(key.read_bytes() + cert.read_bytes())
    context = tls.make_tls(cert, None, False, ())
    assert context is not None
    assert len(context.fingerprint.split(":")) == 32


def test_without_options_there_is_no_tls() -> None:
    assert tls.make_tls(None, None, False, ()) is None


def test_what_is_no_pair_is_one_sentence(authority: trustme.CA, pair: tuple[Path, Path]) -> None:
    cert, key = pair
    other = key.with_name("other.pem")
    other.write_bytes(authority.issue_cert("127.0.0.1").private_key_pem.bytes())
    text = key.with_name("text.pem")
    text.write_text("no certificate", "utf-8")
    locked = key.with_name("locked.pem")
    locked.write_bytes(
        load_pem_private_key(key.read_bytes(), None).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    missing = key.with_name("missing.pem")
    for one_cert, one_key, self_signed, problem in (
        (cert, other, False, "the key is not that of the certificate"),
        (cert, None, False, "not a certificate and its private key in PEM"),
        (text, key, False, "not a certificate and its private key in PEM"),
        (cert, text, False, "not a certificate and its private key in PEM"),
        (cert, locked, False, "has a password: store it without one"),
        (missing, key, False, "cannot read .*missing.pem: No such file"),
        (cert, missing, False, "cannot read .*missing.pem: No such file"),
        (None, key, False, "--tls-key needs --tls-cert"),
        (cert, None, True, "cannot be combined with"),
    ):
        with pytest.raises(ServerError, match=problem) as failure:
            tls.make_tls(one_cert, one_key, self_signed, ())
        assert "\n" not in str(failure.value)


def test_names_that_no_certificate_can_have_are_left_out() -> None:
    context = tls.make_tls(None, None, True, ("0.0.0.0", "*", "*.internal", "::", "müller.example"))
    assert context is not None


def test_without_cryptography_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingDependency, match=r"pip install 'openai-mockserver\[tls\]'"):
        tls.make_tls(None, None, True, ())
