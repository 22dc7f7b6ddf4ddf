"""Request parameters: as the SDKs send them, and as nobody should."""

import io
import json
from typing import Any
from wsgiref.util import setup_testing_defaults

import orjson
import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gateway import parsing
from gateway.parsing import read_params
from gateway.wsgi import Handler
from kernel.errors import ApiError, ErrorKind
from kernel.limits import MAX_JSON_DEPTH, MAX_JSON_VALUES
from tests.client import browser

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

requests = RequestFactory()


def params(body=b"", content_type=JSON, query="", method="POST"):
    path = "/v1/x" + (f"?{query}" if query else "")
    return read_params(requests.generic(method, path, body, content_type))


def refused(*arguments, **options):
    with pytest.raises(ApiError) as caught:
        params(*arguments, **options)
    return caught.value.kind


# As the SDKs send them


def test_what_one_request_does_to_its_parameters_concerns_no_other():
    first = params(query="r[0]=a&o[k][]=b", method="GET")
    first["r"].append("more")
    first["o"]["k"].append("more")
    assert params(query="r[0]=a&o[k][]=b", method="GET") == {"r": ["a"], "o": {"k": ["b"]}}


def test_a_long_query_is_read_and_not_kept():
    query = "r=" + "x" * parsing.LONGEST_KNOWN_QUERY
    known = parsing._known_query.cache_info().currsize
    assert params(query=query, method="GET") == {"r": query[2:]}
    assert parsing._known_query.cache_info().currsize == known


def test_queries_are_unflattened():
    query = "queries[0]=a&queries[1]=b&headers[x]=1&headers[y]=2&total=true&empty="
    assert params(query=query, method="GET") == {
        "queries": ["a", "b"],
        "headers": {"x": "1", "y": "2"},
        "total": "true",
        "empty": "",
    }


@pytest.mark.parametrize("query", ["r[0]=a&r[1]=b", "r[]=a&r[]=b", "r=a&r=b", "r[1]=b&r[0]=a"])
def test_lists_come_in_several_forms(query):
    assert params(query=query, method="GET") == {"r": ["a", "b"]}


def test_objects_in_lists_and_lists_in_objects():
    query = "a[0][name]=x&a[0][tags][]=t&a[1][name]=y"
    assert params(query=query, method="GET") == {"a": [{"name": "x", "tags": ["t"]}, {"name": "y"}]}


def test_a_json_body_wins_over_the_query():
    assert params(b'{"a": 1, "b": null}', query="a=0&c=2") == {"a": 1, "b": None, "c": "2"}


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b" {} "])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_to_say_is_said_in_several_ways(body, method):
    assert params(body, method=method) == {}


def test_the_body_of_a_get_is_ignored():
    assert params(b"{", method="GET") == {}


@pytest.mark.parametrize("content_type", [FORM, "", f"{FORM}; charset=UTF-8"])
def test_forms_are_read(content_type):
    assert params(b"name=Al&scopes[0]=a&scopes[1]=b", content_type) == {
        "name": "Al",
        "scopes": ["a", "b"],
    }


@pytest.mark.parametrize("content_type", [FORM, "", "text/plain", "application/octet-stream"])
def test_json_under_another_name_is_json(content_type):
    assert params(b'{"a": 1}', content_type) == {"a": 1}


def multipart(*parts, boundary="cut", is_ended=True):
    lines = []
    for head, value in parts:
        lines += [f"--{boundary}", f"Content-Disposition: form-data; {head}", "", value]
    end = f"--{boundary}--\r\n" if is_ended else ""
    return "\r\n".join([*lines, end]).encode()


def test_multipart_is_read_with_its_files():
    body = multipart(
        ('name="fileId"', "f1"),
        ('name="permissions[]"', "a"),
        ('name="permissions[]"', "b"),
        ('name="meta[x]"', "1"),
        ('name="file"; filename="a.txt"', "content"),
    )
    found = params(body, "multipart/form-data; boundary=cut")
    upload = found.pop("file")
    assert found == {"fileId": "f1", "permissions": ["a", "b"], "meta": {"x": "1"}}
    assert (upload.name, upload.read()) == ("a.txt", b"content")


def test_parameters_are_parsed_once():
    request = requests.generic("POST", "/v1/x", b'{"a": 1}', JSON)
    assert read_params(request) is read_params(request)


# As nobody should


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"a"', b"1", b'"x"', b"[1]", b"true", b"nul", b"\xff", b'{"a": "\xff"}', b"{'a': 1}",
     b'{"a": NaN}', b'{"a": 1,}', b'{"a": "\xed\xa0\x80"}', b'{"a": "\\ud800"}', b"\x00"],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(body):
    assert refused(body) is ErrorKind.BAD_REQUEST


@pytest.mark.parametrize(
    "body",
    [b'{"a": "x\\u0000y"}', b'{"a": ["\\u0000"]}', b'{"\\u0000": 1}', b'{"a": {"b\\u0000": 1}}'],
)  # fmt: skip
def test_a_nul_in_json_is_refused(body):
    assert refused(body) is ErrorKind.BAD_REQUEST


def test_an_escaped_backslash_is_no_nul():
    assert params(b'{"a": "\\\\u0000"}') == {"a": "\\u0000"}


@pytest.mark.parametrize("query", ["a=%00", "a[%00]=1", "%00=1", "a[0]=%00"])
def test_a_nul_in_a_query_is_refused(query):
    assert refused(query=query) is ErrorKind.BAD_REQUEST
    assert refused(query.encode(), FORM) is ErrorKind.BAD_REQUEST


def test_json_is_nested_to_a_limit():
    def nested(levels):
        return b'{"a":' * levels + b"1" + b"}" * levels

    assert params(nested(MAX_JSON_DEPTH - 1))
    assert refused(nested(MAX_JSON_DEPTH + 1)) is ErrorKind.BAD_REQUEST
    assert refused(b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}") is ErrorKind.BAD_REQUEST
    assert refused(b'{"a":' * 100_000) is ErrorKind.BAD_REQUEST


def test_broad_json_is_fine():
    body = orjson.dumps({"a": [{"b": []}] * 1000})
    assert len(params(body)["a"]) == 1000


def test_keys_of_a_query_are_nested_to_a_limit():
    query = "a" + "[b]" * 50 + "=1"
    assert json.dumps(params(query=query, method="GET")).count("{") < 20


def test_truncated_multipart_is_refused_or_read_as_far_as_it_goes():
    body = multipart(('name="fileId"', "f1"), is_ended=False)[:-8]
    for cut in range(0, len(body), 7):
        try:
            found = params(body[:cut], "multipart/form-data; boundary=cut")
        except ApiError as error:
            found = {}
            assert error.kind is ErrorKind.BAD_REQUEST  # noqa: PT017  # both ends are right
        assert set(found) <= {"fileId"}


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=",
     "multipart/form-data; boundary=\u00e9", "multipart/form-data; boundary=" + "x" * 500],
)  # fmt: skip
def test_multipart_without_a_usable_boundary_is_refused(content_type):
    assert refused(b"--cut\r\n", content_type) is ErrorKind.BAD_REQUEST


def test_a_body_of_very_many_values_is_refused():
    assert refused(b'{"a": [' + b"[]," * MAX_JSON_VALUES + b"[]]}") is ErrorKind.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize("end", [b"", b"\\"])
def test_an_endless_text_takes_no_longer_than_any(end):
    assert refused(b'{"a": "' + b'\\",' * MAX_JSON_VALUES + end) is ErrorKind.BAD_REQUEST


def test_commas_in_a_text_are_no_values():
    text = ',[{"\\' * MAX_JSON_VALUES
    assert params(json.dumps({"a": text}).encode()) == {"a": text}


def test_too_large_a_body_is_refused(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    large = b"x" * 2000
    assert refused(b'{"a": "' + large + b'"}') is ErrorKind.PAYLOAD_TOO_LARGE
    assert refused(b"a=" + large, FORM) is ErrorKind.PAYLOAD_TOO_LARGE
    body = multipart(('name="a"', large.decode()))
    assert refused(body, "multipart/form-data; boundary=cut") is ErrorKind.PAYLOAD_TOO_LARGE


def test_too_many_fields_are_refused(settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 10
    fields = "&".join(f"f{number}=1" for number in range(20))
    assert refused(fields.encode(), FORM) in (ErrorKind.BAD_REQUEST, ErrorKind.PAYLOAD_TOO_LARGE)


# Through the whole stack


@pytest.mark.db
@pytest.mark.django_db
def test_too_many_fields_in_a_query_are_refused(project, client_for, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 10
    query = {f"f{number}": "1" for number in range(20)}
    reply = client_for(project).get("/project/keys", query)
    assert (reply.status, reply.error) in (
        (400, "general_bad_request"),
        (401, "general_unauthorized_scope"),
    )
    unnamed = client_for(project, headers={"X-Appwrite-Project": ""}).get("/ping", query)
    assert (unnamed.status, unnamed.error) == (400, "general_bad_request")


@pytest.mark.db
@pytest.mark.django_db
@pytest.mark.parametrize(
    "extra",
    ["; charset=zlib", "; charset=utf-16", "; charset=base64", "; charset=idna", "; charset=nope",
     "; charset=utf-8", "; x*=nope''%41", "; x*=''''", "; boundary*=zlib''%41", ";;;=;=\"",
     "; \xff"],
)  # fmt: skip
@pytest.mark.parametrize("kind", [JSON, FORM, "multipart/form-data; boundary=cut"])
def test_no_content_type_makes_the_server_fail(project, kind, extra):
    body = multipart(('name="name"', "Al")) if kind.startswith("multi") else b"{}"
    status, answer = served(project, body, kind + extra)
    assert 400 <= status < 500, answer


@pytest.mark.db
@pytest.mark.django_db
@pytest.mark.parametrize(
    "head", ["name*=nope''%41", "name*=zlib''%41", "name*=''", "name", "=", ""]
)
def test_no_head_of_a_part_makes_the_server_fail(project, head):
    status, answer = served(project, multipart((head, "x")), "multipart/form-data; boundary=cut")
    assert 400 <= status < 500, answer


def served(project, body, content_type):
    """Send a request through the very application that servers run."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ |= {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/account",
        "QUERY_STRING": "x=%ff",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_X_APPWRITE_PROJECT": project.uid,
        "wsgi.input": io.BytesIO(body),
    }
    heads: list[str] = []

    def start_response(status, _headers, _failure=None):
        heads.append(status)
        return heads.append

    response = Handler()(environ, start_response)
    return int(heads[0].split()[0]), b"".join(response)


@pytest.mark.db
@pytest.mark.django_db
def test_a_body_over_the_limit_is_told_so(project, client_for, make_key, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    client = client_for(project, key=make_key(project, ["keys.write"]))
    reply = client.post("/project/keys", {"name": "x" * 2000})
    assert (reply.status, reply.error) == (413, "general_payload_too_large")
    assert reply.json["code"] == 413


bodies = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda children: (
            st.lists(children, max_size=4)
            | st.dictionaries(
                st.sampled_from(["projectId", "name", "teamId", "scopes", "keyId", "expire", "x"])
                | st.text(max_size=5),
                children,
                max_size=5,
            )
        ),
        max_leaves=15,
    ).map(lambda value: json.dumps(value).encode()),
)
content_types = st.sampled_from(
    [JSON, FORM, "", "multipart/form-data", "multipart/form-data; boundary=cut", "text/plain"]
)
paths = st.sampled_from(
    [
        ("POST", "/v1/project/keys"),
        ("PUT", "/v1/project/keys/k1"),
        ("POST", "/v1/project/platforms/web"),
        ("POST", "/v1/project/platforms/android"),
        ("POST", "/v1/projects/blog/platforms"),
        ("PATCH", "/v1/project/services/teams"),
        ("DELETE", "/v1/project/keys/k1"),
    ]
)


@pytest.mark.db
@pytest.mark.django_db
@hypothesis_settings(max_examples=150)
@given(route=paths, body=bodies, content_type=content_types)
def test_no_body_makes_the_server_fail(project, make_key, route, body, content_type):
    scopes = ["keys.write", "platforms.write", "project.write", "keys.read"]
    headers = {"X-Appwrite-Project": project.uid, "X-Appwrite-Key": make_key(project, scopes)}
    method, path = route
    reply = browser().generic(method, path, body, content_type, headers=headers)
    assert reply.status_code < 500, (reply.content, body)
    if reply.status_code >= 400:
        assert set(reply.json()) == {"message", "code", "type", "version"}


query_texts = st.lists(
    st.tuples(
        st.sampled_from(["queries[0]", "queries[]", "queries", "total", "search", "project"])
        | st.text(max_size=8),
        st.text(max_size=40)
        | st.sampled_from(
            [
                '{"method":"limit","values":[5]}',
                '{"method":"equal","attribute":"name","values":["\\u0000"]}',
                '{"method":"equal","attribute":"scopes","values":[1]}',
                '{"method":"between","attribute":"expire","values":["x","y"]}',
                '{"method":"lessThan","attribute":"$sequence","values":[99999999999999999999]}',
                '{"method":"equal","attribute":"$sequence","values":[9223372036854775808]}',
                '{"method":"equal","attribute":"$sequence","values":["\u0663"]}',
                '{"method":"offset","values":[9223372036854775807]}',
                '{"method":"cursorAfter","values":["\\u0000"]}',
                '{"method":"contains","attribute":"$createdAt","values":["x"]}',
                '{"method":"orderRandom"}',
            ]
        ),
    ),
    max_size=4,
)


@pytest.mark.db
@pytest.mark.django_db
@hypothesis_settings(max_examples=150)
@given(pairs=query_texts)
def test_no_query_makes_the_server_fail(project, make_key, pairs):
    headers = {
        "X-Appwrite-Project": project.uid,
        "X-Appwrite-Key": make_key(project, ["keys.read"]),
    }
    reply = browser().get("/v1/project/keys", dict(pairs), headers=headers)
    assert reply.status_code < 500, (reply.content, pairs)
