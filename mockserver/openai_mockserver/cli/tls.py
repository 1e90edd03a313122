"""TLS for a server: a certificate from files, or one that the server signs itself.

Rules of this file: the key of a certificate made here is never stored. OpenSSL reads it from a
file that only this user can read, and that is deleted before the server starts.
"""

from __future__ import annotations

import hashlib
import ssl
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import click

from openai_mockserver.access import is_wildcard
from openai_mockserver.exceptions import MissingDependency, ServerError

__all__ = ["Tls", "make_tls", "tls_options"]

_Command = Callable[..., Any]

_DAYS = 30
_NAMES = ("localhost", "127.0.0.1", "::1")


class Tls(NamedTuple):
    """The TLS of a server: its context, and the SHA-256 fingerprint of its certificate."""

    context: ssl.SSLContext
    fingerprint: str

    def describe(self) -> str:
        """Return a sentence about the certificate."""
        return f"TLS: the SHA-256 fingerprint of the certificate is {self.fingerprint}"


def tls_options(command: _Command) -> _Command:
    """Decorate a command with the options for TLS."""
    path = click.Path(path_type=Path, readable=False)
    for option in (
        click.option(
            "--tls-self-signed",
            is_flag=True,
            help="Speak TLS with a certificate for this machine that is made now, and forgotten at "
            "the end.",
        ),
        click.option(
            "--tls-key",
            type=path,
            metavar="FILE",
            help="Private key of the certificate, in PEM, without a password; by default it is in "
            "the file of the certificate.",
        ),
        click.option(
            "--tls-cert",
            type=path,
            metavar="FILE",
            help="Speak TLS with this certificate, in PEM, and the chain that follows it.",
        ),
    ):
        command = option(command)
    return command


def make_tls(
    cert: Path | None, key: Path | None, self_signed: bool, names: Iterable[str]
) -> Tls | None:
    """Return the TLS that the options ask for; None if they ask for none.

    Args:
        cert, key, self_signed: the values of the options.
        names: hosts that a certificate made here is for, besides those of this machine.

    Raises:
        ServerError: the options contradict each other, or the certificate cannot be used.
        MissingDependency: there is no package that makes certificates.
    """
    if self_signed and (cert is not None or key is not None):
        raise ServerError("--tls-self-signed cannot be combined with --tls-cert or --tls-key")
    if self_signed:
        with tempfile.TemporaryDirectory() as folder:  # only this user can read it
            file = Path(folder) / "certificate.pem"
            file.write_bytes(_sign_certificate(names))
            return _load_pair(file, None)
    if cert is None and key is not None:
        raise ServerError("--tls-key needs --tls-cert")
    return None if cert is None else _load_pair(cert, key)


def _load_pair(cert: Path, key: Path | None) -> Tls:
    def refuse_password() -> str:
        raise ServerError(f"the private key in {key or cert} has a password: store it without one")

    for file in (cert, key or cert):
        try:
            file.open("rb").close()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ServerError(f"cannot read {file}: {reason}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, refuse_password)
        text = cert.read_text("utf-8", "replace")
        certificate = text[text.index(_BEGIN) : text.index(_END) + len(_END)]
        return Tls(context, _format_fingerprint(ssl.PEM_cert_to_DER_cert(certificate)))
    except (OSError, ValueError) as error:
        files = f"{cert}" if key is None else f"{cert} and {key}"
        raise ServerError(
            f"{files}: not a certificate and its private key in PEM: {_explain(error)}"
        ) from None


_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def _explain(error: Exception) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    return getattr(error, "reason", None) or str(error)


def _format_fingerprint(certificate: bytes) -> str:
    """Return the fingerprint of a certificate in DER, as openssl and browsers show it.

    >>> _format_fingerprint(b"")[:11]
    'E3:B0:C4:42'
    """
    return hashlib.sha256(certificate).digest().hex(":").upper()


def _is_host(name: str) -> bool:
    """Whether a name can be in a certificate: not one that stands for all hosts or addresses."""
    return name != "*" and name.isascii() and not is_wildcard(name)


def _sign_certificate(names: Iterable[str]) -> bytes:
    """Return a certificate for hosts, and its private key, in PEM."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise MissingDependency(
            "--tls-self-signed needs the cryptography package: pip install 'openai-mockserver[tls]'"
        ) from None
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "openai-mockserver")])
    hosts: list[x509.GeneralName] = []
    for host in dict.fromkeys((*_NAMES, *filter(_is_host, names))):
        try:
            hosts.append(x509.IPAddress(ip_address(host)))
        except ValueError:
            hosts.append(x509.DNSName(host))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
