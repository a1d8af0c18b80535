import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aurora_jax.engine import PUBLIC_KEY, ArtifactError
from aurora_jax.engine.signature import PRIVATE_KEY, sign, signing_key, verify_signature

PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()


@pytest.fixture
def signed(tmp_path):
    """Return a signed manifest and the folder of the keys."""
    manifest, keys = tmp_path / "manifest.json", tmp_path / "keys"
    manifest.write_text("{}")
    sign(manifest, signing_key(keys))
    return manifest, keys


def test_a_key_is_made_once(signed):
    manifest, keys = signed
    before = (keys / PRIVATE_KEY).read_bytes(), (keys / PUBLIC_KEY).read_bytes()
    sign(manifest, signing_key(keys))
    assert ((keys / PRIVATE_KEY).read_bytes(), (keys / PUBLIC_KEY).read_bytes()) == before
    verify_signature(manifest, keys / PUBLIC_KEY)


def test_a_lost_trusted_key_is_made_again(signed):
    manifest, keys = signed
    before = (keys / PUBLIC_KEY).read_bytes()
    (keys / PUBLIC_KEY).unlink()
    signing_key(keys)
    assert (keys / PUBLIC_KEY).read_bytes() == before
    assert stat.S_IMODE((keys / PUBLIC_KEY).stat().st_mode) == 0o644
    verify_signature(manifest, keys / PUBLIC_KEY)


def test_a_new_signing_key_gets_a_trusted_key_of_its_own(signed):
    manifest, keys = signed
    old = keys / "old.pem"
    old.write_bytes((keys / PUBLIC_KEY).read_bytes())
    (keys / PRIVATE_KEY).unlink()
    sign(manifest, signing_key(keys))
    assert (keys / PUBLIC_KEY).read_bytes() != old.read_bytes()
    verify_signature(manifest, keys / PUBLIC_KEY)
    with pytest.raises(ArtifactError, match="signature"):
        verify_signature(manifest, old)


NOT_KEYS = {
    "garbled": b"-----BEGIN PRIVATE KEY-----\nnonsense\n",
    "empty": b"",
    "of another kind": generate_private_key(SECP256R1()).private_bytes(PEM, PKCS8, PLAIN),
    "with a password": Ed25519PrivateKey.generate().private_bytes(
        PEM, PKCS8, serialization.BestAvailableEncryption(b"secret")
    ),
}


@pytest.mark.parametrize("content", NOT_KEYS.values(), ids=NOT_KEYS.keys())
def test_what_is_no_signing_key_is_named(signed, content):
    _, keys = signed
    (keys / PRIVATE_KEY).write_bytes(content)
    with pytest.raises(ArtifactError, match=r"signing_key\.pem: not an Ed25519 key .*; remove it"):
        signing_key(keys)


NOT_TRUSTED = {
    "garbled": b"-----BEGIN PUBLIC KEY-----\nnonsense\n",
    "empty": b"",
    "of another kind": generate_private_key(SECP256R1())
    .public_key()
    .public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
}


@pytest.mark.parametrize("content", NOT_TRUSTED.values(), ids=NOT_TRUSTED.keys())
def test_what_is_no_trusted_key_is_named(signed, content, monkeypatch):
    monkeypatch.setenv("AURORA_ALLOW_UNSIGNED", "1")  # which lets no wrong key pass
    manifest, keys = signed
    (keys / PUBLIC_KEY).write_bytes(content)
    with pytest.raises(ArtifactError, match=r"trusted_key\.pem: not an Ed25519 public key; restore"):
        verify_signature(manifest, keys / PUBLIC_KEY)
