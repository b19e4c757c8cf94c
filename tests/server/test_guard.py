"""Who is let in, each incident that others had, once."""

from __future__ import annotations

import base64

import pytest

pytest.importorskip("fastapi")

from sdcli.errors import BadRequest
from sdcli.server.http import guard, start
from tests.helpers.asked import Asked
from tests.helpers.serving import Answer

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def local() -> Asked:
    """As it is started without a word: for this machine alone."""
    return Asked()


@pytest.fixture(scope="module")
def open_to_all() -> Asked:
    """As it is started for other machines."""
    return Asked(host="0.0.0.0", key=KEY)


def code(answer: Answer) -> str | None:
    return answer.data["error"]["code"]


# --- ollama's CVE-2024-28224: a page reaches a loopback API under a name of its own (DNS rebinding)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:7860", "10.0.0.1", "", None]
)
def test_a_name_that_is_not_its_own_is_refused(local, host):
    answer = local.ask("GET", "/v1/models", host=host)
    assert (answer.status, code(answer)) == (403, "host_refused")


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860", "LOCALHOST.:1"])
def test_its_own_names_are_taken(local, host):
    assert local.ask("GET", "/v1/models", host=host).status == 200


def test_names_that_are_allowed_are_taken_and_addresses_where_it_listens_on_all(open_to_all):
    key = f"Bearer {KEY}"
    assert (
        open_to_all.ask("GET", "/v1/models", host="192.168.1.7:80", authorization=key).status == 200
    )
    assert (
        open_to_all.ask("GET", "/v1/models", host="evil.example", authorization=key).status == 403
    )
    named = Asked(hosts=("host.docker.internal",))
    assert named.ask("GET", "/v1/models", host="host.docker.internal:7860").status == 200


# --- A1111's CORS, sd-server's: any web page could drive a local server


ASKED = (
    *(("GET", "/v1/models"), ("POST", "/v1/jobs"), ("OPTIONS", "/v1/jobs")),
    ("POST", "/sdapi/v1/txt2img"),
)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:3000"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:7860.evil.example"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"},
    ],
    ids=str,
)
def test_pages_of_others_neither_change_nor_read(local, headers):
    for method, path in ASKED:
        answer = local.ask(method, path, {"prompt": "a fox"}, **headers)
        assert answer.status == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert local.jobs.waiting == 0


def test_own_pages_and_those_that_are_named_may_ask(local):
    assert local.ask("GET", "/v1/models", origin="http://127.0.0.1:7860").status == 200
    assert local.ask("GET", "/v1/models", sec_fetch_site="same-origin").status == 200
    theirs = "http://localhost:3000"
    named = Asked(origins=(theirs,))
    answer = named.ask("GET", "/v1/models", origin=theirs, sec_fetch_site="same-site")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, theirs)
    assert "access-control-allow-credentials" not in answer.headers
    before = named.ask("OPTIONS", "/v1/jobs", origin=theirs, access_control_request_method="POST")
    assert (before.status, before.headers["access-control-allow-origin"]) == (204, theirs)
    assert named.ask("GET", "/v1/models", origin="http://localhost:3001").status == 403


def test_a_form_that_a_page_can_send_unasked_is_no_job(local):
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        answer = local.ask("POST", "/v1/jobs", b'{"prompt": "a fox"}', content_type=kind)
        assert answer.status == 415


def test_answers_are_shown_in_nobodys_frame_and_kept_by_nobody(local):
    headers = local.ask("GET", "/v1/models").headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


# --- 175,000 open ollamas, ComfyUI's botnet: nobody is let in from elsewhere without a key


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])
def test_other_machines_are_let_in_with_a_key_alone(host):
    with pytest.raises(BadRequest, match="there is no key"):
        start.make_settings(start.Wanted(host))
    assert start.make_settings(start.Wanted(host, key=KEY)).key == KEY


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        KEY,
        f"Bearer {KEY[:-1]}",
        f"Bearer {KEY}0",
        "Bearer",
        "Bearer ü",
        "Basic ü",
        "Basic " + base64.b64encode(f"{KEY}:".encode()).decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
    ],
)
def test_who_does_not_know_the_key_is_not_let_in(open_to_all, given):
    for path in (
        "/v1/models",
        "/v1/pictures",
        "/v1/form",
        "/sdapi/v1/options",
        "/v1/jobs/x",
        "/openapi.json",
    ):
        answer = open_to_all.ask("GET", path, authorization=given)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert KEY not in answer.body.decode()


def test_who_knows_the_key_is_let_in(open_to_all):
    basic = base64.b64encode(f"anybody:{KEY}".encode()).decode()
    for given in (f"Bearer {KEY}", f"bearer  {KEY}", f"Basic {basic}"):
        assert open_to_all.ask("GET", "/v1/models", authorization=given).status == 200


def test_the_key_is_compared_in_constant_time(open_to_all, monkeypatch):
    compared = []
    real = guard.hmac.compare_digest
    monkeypatch.setattr(
        guard.hmac, "compare_digest", lambda *two: compared.append(two) or real(*two)
    )
    open_to_all.ask("GET", "/v1/models", authorization="Bearer x")
    assert compared == [(b"x", KEY.encode())]


@pytest.mark.parametrize("key", ["", "short", "a" * 15, "with blanks in between it", "ü" * 20])
def test_a_key_that_is_none_is_refused(key, tmp_path):
    (tmp_path / "key").write_text(key)
    with pytest.raises(BadRequest, match="holds no key"):
        start.read_key(tmp_path / "key", None)


def test_the_key_stands_in_a_file_or_a_variable(tmp_path):
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert start.read_key(tmp_path / "key", "another-key-of-some-length") == KEY
    assert start.read_key(None, KEY) == KEY
    assert start.read_key(None, None) is None
    assert KEY not in repr(start.make_settings(start.Wanted("127.0.0.1", key=KEY)))


def test_the_key_is_not_handed_to_the_process_that_draws(monkeypatch):
    from sdcli.server.settings import public_environment, user_environment

    monkeypatch.setenv("SDCLI_API_KEY", KEY)
    assert KEY not in {*public_environment().values(), *user_environment().values()}
