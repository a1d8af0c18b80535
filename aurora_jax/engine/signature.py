"""Signing artifacts with Ed25519, so that a service runs only what its operator released."""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .artifact_error import ArtifactError

ALLOW_UNSIGNED = "AURORA_ALLOW_UNSIGNED"
PRIVATE_KEY, PUBLIC_KEY = "signing_key.pem", "trusted_key.pem"


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """Return the signing key kept in `folder`, made there on first use and readable by its owner alone.

    The public key beside it, which everyone may read, is made from it wherever it is missing.

    Raises:
        ArtifactError: if what lies there is no such key.
    """
    private, public = folder / PRIVATE_KEY, folder / PUBLIC_KEY
    if not private.exists():
        folder.mkdir(parents=True, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        public.unlink(missing_ok=True)  # of a key that is gone: what is signed from here on would never match it
    try:
        key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ArtifactError(f"{private}: not an Ed25519 key without a password; remove it to have a new one made.")
    if not public.exists():
        public.write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        public.chmod(0o644)
    return key


def sign(manifest: Path, key: Ed25519PrivateKey) -> None:
    """Write the signature of `manifest` beside it."""
    manifest.with_suffix(".sig").write_bytes(key.sign(manifest.read_bytes()))


def verify_signature(manifest: Path, trusted: Path) -> None:
    """Check the signature of `manifest` against the public key in the file `trusted`.

    Raises:
        ArtifactError: if there is no signature, no trusted key, or the two do not match; AURORA_ALLOW_UNSIGNED=1 lets
            an artifact without a signature or a key pass, never one whose signature is wrong.
    """
    signature = manifest.with_suffix(".sig")
    if not signature.exists() or not trusted.exists():
        if os.environ.get(ALLOW_UNSIGNED) == "1":
            return
        missing = "is not signed" if not signature.exists() else f"cannot be checked: no trusted key at {trusted}"
        raise ArtifactError(f"{manifest.parent} {missing}; set {ALLOW_UNSIGNED}=1 to run it all the same.")
    try:
        key = serialization.load_pem_public_key(trusted.read_bytes())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ArtifactError(f"{trusted}: not an Ed25519 public key; restore {PUBLIC_KEY} from the artifact's signer.")
    try:
        key.verify(signature.read_bytes(), manifest.read_bytes())
    except InvalidSignature:
        raise ArtifactError(f"{manifest}: its signature is not by the trusted key {trusted}; do not run it.") from None
