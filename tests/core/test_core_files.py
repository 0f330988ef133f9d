"""A large file's SHA-256 is worked out later, of the very content that was opened."""

import hashlib

import pytest

from busi_viewer.core import files
from busi_viewer.core.errors import UnreadableImage


@pytest.fixture
def late(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "HASHED_AT_ONCE", 10)
    path = tmp_path / "cine.dcm"
    path.write_bytes(b"a large file")
    with files.open_regular(path) as stream:
        return path, files.digest_of(stream, path)


def test_a_small_file_is_hashed_at_once(tmp_path):
    path = tmp_path / "small.dcm"
    path.write_bytes(b"small")
    with files.open_regular(path) as stream:
        assert files.digest_of(stream, path) == hashlib.sha256(b"small").hexdigest()
        assert stream.tell() == 0


def test_a_large_one_when_it_is_asked_for_and_once_for_all(late):
    path, digest = late
    assert not digest.known
    with files.open_regular(path) as stream:
        assert files.digest_of(stream, path) is digest
    assert str(digest) == hashlib.sha256(b"a large file").hexdigest()
    assert digest.known


def test_another_content_is_never_taken_for_it(late):
    path, digest = late
    path.write_bytes(b"another large file")
    with files.open_regular(path) as stream:
        assert files.digest_of(stream, path) is not digest
    for _ in range(2):
        with pytest.raises(UnreadableImage, match="changed since"):
            str(digest)
    assert not digest.known
