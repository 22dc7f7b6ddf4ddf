"""Which sockets an event reaches: project, channel and role to sockets."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from realtime.sockets import Socket

ANY = "any"

Sockets = dict[Socket, None]  # in the order they came


class SocketIndex:
    """Finds the sockets for an event without looking at the others.

    Every socket is also listed under `any`: an event whose roles contain it reaches everyone.
    """

    def __init__(self) -> None:
        self._by_project: dict[str, dict[str, dict[str, Sockets]]] = {}
        self._all: dict[str, Sockets] = defaultdict(dict)
        self._by_user: dict[str, Sockets] = defaultdict(dict)
        self._listed: dict[Socket, tuple[set[str], tuple[str, ...], frozenset[str]]] = {}

    def __iter__(self) -> Iterator[Socket]:
        return iter(tuple(self._listed))

    def __contains__(self, socket: Socket) -> bool:
        return socket in self._listed

    def has_project(self, project_uid: str) -> bool:
        return project_uid in self._all

    def projects(self) -> tuple[str, ...]:
        return tuple(self._all)

    def of_project(self, project_uid: str) -> tuple[Socket, ...]:
        return tuple(self._all.get(project_uid, ()))

    def of_user(self, user_uid: str) -> tuple[Socket, ...]:
        """Return the sockets of this user, and those on which they act as another one."""
        return tuple(self._by_user.get(user_uid, ()))

    def put(self, socket: Socket) -> None:
        """List a socket, or list it anew after its roles or channels changed."""
        self.drop(socket)
        users = {socket.caller.user_uid, socket.caller.impersonator_uid} - {""}
        roles = socket.roles | {ANY} if socket.roles else frozenset()
        channels = tuple(socket.channels)
        self._listed[socket] = (users, channels, roles)
        self._all[socket.project_uid][socket] = None
        for user_uid in users:
            self._by_user[user_uid][socket] = None
        by_channel = self._by_project.setdefault(socket.project_uid, {})
        for channel in channels:
            by_role = by_channel.setdefault(channel, {})
            for role in roles:
                by_role.setdefault(role, {})[socket] = None

    def drop(self, socket: Socket) -> None:
        if socket not in self._listed:
            return
        users, channels, roles = self._listed.pop(socket)
        _remove(self._all, socket.project_uid, socket)
        for user_uid in users:
            _remove(self._by_user, user_uid, socket)
        by_channel = self._by_project.get(socket.project_uid, {})
        for channel in channels:
            by_role = by_channel.get(channel, {})
            for role in roles:
                _remove(by_role, role, socket)
            if not by_role:
                by_channel.pop(channel, None)
        if not by_channel:
            self._by_project.pop(socket.project_uid, None)

    def is_heard(self, project_uid: str, channels: Iterable[str]) -> bool:
        """Tell whether anyone listens to one of the channels, whatever their roles."""
        by_channel = self._by_project.get(project_uid, {})
        return any(channel in by_channel for channel in channels)

    def find(
        self, project_uid: str, channels: Sequence[str], roles: Iterable[str]
    ) -> dict[Socket, list[str]]:
        """Return the sockets that hold a role and listen, each with its channels of these."""
        by_channel = self._by_project.get(project_uid)
        if not by_channel:
            return {}
        wanted = tuple(roles)
        if ANY in wanted:
            wanted = (ANY,)
        found: dict[Socket, list[str]] = {}
        for channel in channels:
            by_role = by_channel.get(channel)
            if by_role is None:
                continue
            listening: Sockets = {}
            for role in wanted:
                listening |= by_role.get(role, {})
            for socket in listening:
                found.setdefault(socket, []).append(channel)
        return found


def _remove(sockets_by_key: dict[str, Sockets], key: str, socket: Socket) -> None:
    sockets = sockets_by_key.get(key)
    if sockets is None:
        return
    sockets.pop(socket, None)
    if not sockets:
        del sockets_by_key[key]
