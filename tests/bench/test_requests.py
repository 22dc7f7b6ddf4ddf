from bench.requests import FRESH, Request, fresh_value, json_body, queries


def test_request_without_a_body_names_no_length():
    request = Request("GET", "/ping", {"X-Appwrite-Project": "bench"})
    assert request.raw("127.0.0.1:80", "/v1") == (
        b"GET /v1/ping HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-Appwrite-Project: bench\r\n\r\n"
    )


def test_length_counts_bytes():
    raw = Request("POST", "/x", body='{"a":"é"}'.encode()).raw("h", "")
    assert b"Content-Length: 10\r\n\r\n" in raw
    assert raw.endswith('{"a":"é"}'.encode())


def test_body_is_json():
    assert json_body({"a": [1, True]}) == b'{"a": [1, true]}'


def test_queries_are_escaped():
    text = queries({"method": "limit", "values": [1]}, {"method": "orderDesc"})
    assert text == (
        "queries[]=%7B%22method%22%3A%20%22limit%22%2C%20%22values%22%3A%20%5B1%5D%7D"
        "&queries[]=%7B%22method%22%3A%20%22orderDesc%22%7D"
    )


def test_a_fresh_value_keeps_the_length():
    request = Request("PATCH", "/x", body=b"T " + FRESH)
    value = fresh_value()
    assert request.with_value(value).body == b"T " + value.encode()
    assert len(value) == len(FRESH)


def test_fresh_values_differ():
    assert fresh_value() != fresh_value()
