"""The API's paths as a tree of segments: one is found as fast among many as among few."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings
from django.urls import ResolverMatch, URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

API_PREFIX = "/v1/"
_PARAMETER = "<str:"


@dataclass(slots=True)
class _Node:
    """What follows one segment: known words, or any text, or nothing more."""

    words: dict[str, _Node] = field(default_factory=dict)
    any: _Node | None = None
    end: _Route | None = None


@dataclass(frozen=True, slots=True)
class _Route:
    text: str
    names: tuple[str, ...]
    pattern: URLPattern


class Routes:
    """Paths without their leading slash, as Django's URL patterns say.

    At each place a known word goes before a parameter. Patterns of other kinds than words and
    `<str:name>` between slashes are left to Django.
    """

    def __init__(self, patterns: Iterable[URLPattern | URLResolver]) -> None:
        self._root = _Node()
        for text, pattern in _flat(patterns, ""):
            self._add(text, pattern)

    def find(self, path: str) -> ResolverMatch | None:
        """Return the view of a path and its arguments, or nothing where Django has to look."""
        values: list[str] = []
        route = _search(self._root, path.split("/"), 0, values)
        if route is None:
            return None
        pattern = route.pattern
        arguments = dict(zip(route.names, values, strict=True)) | pattern.default_args
        return ResolverMatch(pattern.callback, (), arguments, pattern.name, route=route.text)

    def _add(self, text: str, pattern: URLPattern) -> None:
        segments = text.split("/")
        names = [_parameter(segment) for segment in segments]
        if None in names:
            return
        node = self._root
        for segment, name in zip(segments, names, strict=True):
            if name:
                node.any = node = node.any or _Node()
            else:
                node = node.words.setdefault(segment, _Node())
        if node.end is None:  # of two patterns for one path Django takes the first
            node.end = _Route(text, tuple(name for name in names if name), pattern)


def resolve(path: str) -> ResolverMatch:
    """Return the view of a path of the API.

    Raises:
        Http404: There is none.
    """
    resolver = get_resolver(settings.ROOT_URLCONF)
    return _routes(resolver).find(path[1:]) or resolver.resolve(path)


@lru_cache(maxsize=1)
def _routes(resolver: URLResolver) -> Routes:
    return Routes(resolver.url_patterns)


def _flat(
    patterns: Iterable[URLPattern | URLResolver], prefix: str
) -> Iterator[tuple[str, URLPattern]]:
    for each in patterns:
        if not isinstance(each.pattern, RoutePattern):
            continue
        text = f"{prefix}{each.pattern}"
        if isinstance(each, URLPattern):
            yield text, each
        elif not each.default_kwargs and not each.namespace:
            yield from _flat(each.url_patterns, text)


def _parameter(segment: str) -> str | None:
    """Return a segment's parameter, empty for a word, nothing for what the tree cannot hold."""
    if "<" not in segment:
        return ""
    name = segment.removeprefix(_PARAMETER).removesuffix(">")
    return name if name.isidentifier() else None


def _search(node: _Node, segments: list[str], at: int, values: list[str]) -> _Route | None:
    if at == len(segments):
        return node.end
    segment = segments[at]
    word = node.words.get(segment)
    if word is not None:
        found = _search(word, segments, at + 1, values)
        if found is not None:
            return found
    if node.any is None or not segment:
        return None
    values.append(segment)
    found = _search(node.any, segments, at + 1, values)
    if found is None:
        values.pop()
    return found
