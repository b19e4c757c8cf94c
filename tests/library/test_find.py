"""Which file a name means, and what its content is called."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from sdcli import folders
from sdcli.errors import BadRequest, SdcliError
from sdcli.library import hub
from sdcli.library.find import find_adapter, find_checkpoint, list_models
from sdcli.library.hashes import hash_file


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models with a few files that are nothing but names."""
    for name in ("fox.safetensors", "xl/Deep Blue.ckpt", "loras/ink.pt", "notes.txt", "a/b/fox.pt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "folder/unet").mkdir(parents=True)
    (tmp_path / "folder/model_index.json").write_text("{}")
    (tmp_path / "folder/unet/x.safetensors").touch()
    monkeypatch.setenv("SDCLI_MODELS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("deep blue", "xl/Deep Blue.ckpt"),
        ("Deep Blue.ckpt", "xl/Deep Blue.ckpt"),
        ("xl/deep blue", "xl/Deep Blue.ckpt"),
        ("xl/deep blue.ckpt", "xl/Deep Blue.ckpt"),
        ("ink", "loras/ink.pt"),
        ("folder", "folder"),
        ("a/b/fox", "a/b/fox.pt"),
        ("fox.safetensors", "fox.safetensors"),
    ],
)
def test_a_name_is_found_in_the_folders_of_models(models, name, found):
    assert find_checkpoint(name) == models / found
    assert find_adapter(name) == models / found


def test_names_of_several_files_and_of_none(models):
    with pytest.raises(BadRequest, match="2 files are called `fox`") as caught:
        find_checkpoint("fox")
    assert str(models / "a/b/fox.pt") in caught.value.hint
    with pytest.raises(BadRequest, match="there is no model `deep bleu`") as caught:
        find_checkpoint("deep bleu")
    assert "did you mean `xl/Deep Blue`" in caught.value.hint or "models" in caught.value.hint
    with pytest.raises(BadRequest, match="there is no file `inc`"):
        find_adapter("inc")


def test_paths_win_over_names_and_the_one_in_the_box_is_the_default(models, monkeypatch):
    monkeypatch.chdir(models / "xl")
    Path("ink").touch()
    assert find_checkpoint("ink") == Path("ink")
    monkeypatch.setenv("SDCLI_MODEL", "deep blue")  # is for whoever makes the request to heed
    assert find_checkpoint() == folders.assets_folder() / "builtin.safetensors"


def test_several_folders_and_none(models, tmp_path_factory, monkeypatch):
    other = tmp_path_factory.mktemp("other")
    (other / "second.safetensors").touch()
    monkeypatch.setenv(
        "SDCLI_MODELS", os.pathsep.join([str(other / "absent"), str(other), str(models)])
    )
    assert find_checkpoint("second") == other / "second.safetensors"
    assert find_checkpoint("ink") == models / "loras/ink.pt"


def test_what_the_package_holds_is_named_builtin():
    for name in ("builtin:none", "builtin:../x", "builtin:"):
        with pytest.raises(BadRequest, match=f"the package holds no `{name}`"):
            find_adapter(name)


def test_models_are_listed_without_what_is_no_model(models):
    names = [name for name, _ in list_models() if not name.startswith("builtin")]
    assert names == [
        str(Path(n)) for n in ("a/b/fox", "folder", "fox", "loras/ink", "xl/Deep Blue")
    ]


def test_the_hash_follows_the_content(models):
    path = models / "fox.safetensors"
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert hash_file(path).sha256 == expected
    path.write_bytes(b"another")
    assert hash_file(path).sha256 == hashlib.sha256(b"another").hexdigest()


def test_a_folder_has_one_hash(models):
    before = hash_file(models / "folder").sha256
    (models / "folder/unet/x.safetensors").write_bytes(b"changed")
    assert hash_file(models / "folder").sha256 != before


def test_a_missing_file_has_no_hash(tmp_path):
    with pytest.raises(BadRequest, match="there is no file"):
        hash_file(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("owner/name", True), ("owner/name/model.safetensors", True), ("name", False),
     ("a/b/c", False), ("/a/b", False), ("./a/b", False), ("../b", False), ("a b/c", False),
     ("models/fox.safetensors", False), ("sdcli/names", False)],
)  # fmt: skip
def test_what_could_be_a_name_on_the_hub(name, is_one):
    assert hub.is_hub_name(name) == is_one


def test_without_a_network_the_hub_is_an_error_and_not_a_wait(models):
    with pytest.raises(SdcliError, match="the hub cannot be asked"):
        find_checkpoint("nobody/nothing")


def test_what_was_fetched_from_the_hub_is_not_fetched_again(models):
    (models / "owner--name").mkdir()
    (models / "owner--name/model_index.json").write_text("{}")
    (models / "owner--name/x.safetensors").touch()
    assert find_checkpoint("owner/name") == models / "owner--name"
    assert find_checkpoint("owner/name/x.safetensors") == models / "owner--name/x.safetensors"
