"""Finding the view of a path: as Django does it, only faster."""

import pytest
from django.http import HttpResponse
from django.urls import Resolver404, URLPattern, get_resolver, include, path, re_path
from hypothesis import given
from hypothesis import strategies as st

from gateway.routes import API_PREFIX, Routes, resolve


def flat(patterns, prefix=""):
    for each in patterns:
        text = f"{prefix}{each.pattern}"
        if isinstance(each, URLPattern):
            yield text
        else:
            yield from flat(each.url_patterns, text)


ROUTES = [text for text in flat(get_resolver().url_patterns) if text.startswith(API_PREFIX[1:])]
WORDS = sorted({segment for text in ROUTES for segment in text.split("/") if "<" not in segment})
SEGMENTS = st.sampled_from([*WORDS, "x", "", "a.b", "<str:key>", "*", "é", "a b", "%2F", "\n"])


def answer(request, **values):
    return HttpResponse()


def outcome(find, text):
    try:
        match = find(text)
    except Resolver404:
        return None
    return match and (match.func, match.args, match.kwargs, match.route, match.url_name)


def filled(text):
    return "/".join("x" if "<" in segment else segment for segment in text.split("/"))


def view(text):
    return path(text, answer, name=text)


def test_every_route_of_the_api_is_in_the_tree():
    routes = Routes(get_resolver().url_patterns)
    assert len(ROUTES) > 100
    assert [text for text in ROUTES if routes.find(filled(text)) is None] == []


@pytest.mark.parametrize("text", ROUTES)
def test_a_route_leads_where_django_leads(text):
    target = f"/{filled(text)}"
    assert outcome(resolve, target) == outcome(get_resolver().resolve, target)


@given(st.lists(SEGMENTS, max_size=8))
def test_any_path_leads_where_django_leads(segments):
    target = API_PREFIX + "/".join(segments)
    assert outcome(resolve, target) == outcome(get_resolver().resolve, target)


@pytest.mark.parametrize(
    ("target", "route", "values"),
    [
        ("a/b", "a/b", {}),
        ("a/c", "a/<str:x>", {"x": "c"}),
        ("a/b/d", "a/<str:x>/d", {"x": "b"}),
        ("a/b/c/d", "a/b/<str:y>/d", {"y": "c"}),
        ("p/q/r", "<str:x>/q/<str:y>", {"x": "p", "y": "r"}),
        ("a/q/r", "<str:x>/q/<str:y>", {"x": "a", "y": "r"}),
        ("e/", "e/", {}),
    ],
)
def test_a_word_goes_before_a_parameter_and_falls_back_to_it(target, route, values):
    texts = ["a/b", "a/<str:x>", "a/<str:x>/d", "a/b/<str:y>/d", "<str:x>/q/<str:y>", "e/"]
    match = Routes(map(view, texts)).find(target)
    assert match is not None
    assert (match.route, match.kwargs) == (route, values)


@pytest.mark.parametrize("target", ["", "a", "a/", "a//d", "a/b/", "a/b/d/", "e", "p//r", "A/b"])
def test_other_paths_lead_nowhere(target):
    texts = ["a/b", "a/<str:x>", "a/<str:x>/d", "<str:x>/q/<str:y>", "e/"]
    assert Routes(map(view, texts)).find(target) is None


def test_of_two_patterns_for_a_path_the_first_counts():
    routes = Routes([path("a/<str:x>", answer, name="1"), path("a/<str:y>", answer, name="2")])
    match = routes.find("a/b")
    assert match is not None
    assert match.url_name == "1"


def test_the_arguments_of_a_pattern_reach_the_view():
    match = Routes([path("a/<str:x>", answer, {"x": "fixed", "y": 1})]).find("a/b")
    assert match is not None
    assert match.kwargs == {"x": "fixed", "y": 1}


def test_kinds_of_patterns_that_the_tree_does_not_know_are_left_to_django():
    inside = [view("d/<str:x>")]
    patterns = [
        view("a/<int:x>"),
        view("b/<path:x>"),
        view("c/x<str:x>"),
        re_path(r"^r/(?P<x>\w+)$", answer),
        path("k/", include(inside), {"y": 1}),
        path("n/", include((inside, "app"), namespace="n")),
        view("last/<str:x>"),
    ]
    routes = Routes(patterns)
    targets = ["a/1", "b/1", "c/x1", "r/1", "k/d/1", "n/d/1", "last/1"]
    assert [target for target in targets if routes.find(target)] == ["last/1"]
