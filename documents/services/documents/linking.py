"""Documents that are written along with related ones: all of it happens, or nothing.

Named documents are locked so that they stay, those that change so that nobody else changes them.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from typing import Any, LiteralString

from django.db import transaction

from accounts import roles
from documents import store, values
from documents.catalog import CollectionSchema, Neighbours, StaleSchemaError, check_enabled
from documents.relations import ONE_TO_ONE, Relation
from documents.services.documents import loading
from documents.services.documents.access import may, sees
from documents.services.documents.touching import Touched, each_of
from documents.services.documents.trees import Node, Tree, refusal
from documents.services.documents.writes import (
    Write,
    announce,
    announce_many,
    change_document,
    check_grantable,
    creator_permissions,
    grants_of,
    insert_document,
    sealed,
)
from documents.store import End, Link, Log, Row, StoredDocument
from kernel import clock
from kernel.errors import ApiError, ErrorKind
from kernel.limits import MAX_RELATED
from kernel.permissions import CREATE, READ, UPDATE, parse_permission

Wanted = tuple[Relation, Node, Node]
Ends = Mapping[End, Relation]


def sends_links(write: Write, schema: CollectionSchema) -> bool:
    """Tell whether a write names related documents."""
    return bool(schema.relations) and not schema.relations.keys().isdisjoint(write.data)


def create_linked(write: Write, schema: CollectionSchema) -> dict[str, Any]:
    """Create a document along with related ones, and link them.

    Raises: as `create_document`, and RELATIONSHIP_VALUE_INVALID
    """
    with _linking(write, schema) as work:
        work.lock(work.tree.nested)
        work.prepare()
        own = replace(write, data=work.tree.root.data)
        log, outcome = insert_document(own, schema)
        work.tree.root.number = outcome.document.id
        return work.finish(announce(own, schema, log, outcome))


def change_linked(write: Write, schema: CollectionSchema) -> dict[str, Any] | None:
    """Change a document along with related ones, and link or unlink them; None where it is not.

    Raises: as `update_document`, and RELATIONSHIP_VALUE_INVALID
    """
    with _linking(write, schema) as work:
        root = work.tree.root
        work.lock(work.tree.nodes)
        if root.stored is None:
            return None
        work.prepare()
        sent = values.changed_values(
            schema.attributes, root.data, keeps_times=write.caller.is_privileged
        )
        if root in work.changed and sent.updated_at is None:
            sent = replace(sent, updated_at=clock.now())
        output = change_document(write, schema, sent)
        return None if output is None else work.finish(output)


class _Linking:
    """A write under way, and what becomes of the links: those to add, those to take away.

    `changed` are documents of the tree whose links change, `touched` the numbers of others that
    change because a link is theirs, by collection. `_others` are documents by number, those at the
    other end of a link that goes among them.
    """

    def __init__(self, write: Write, schema: CollectionSchema, neighbours: Neighbours) -> None:
        self._write = write
        self._neighbours = neighbours
        self.tree = Tree(neighbours, schema, write.document_id)
        self.tree.grow(write.data)
        self.added: list[Wanted] = []
        self.removed: set[Link] = set()
        self.changed: set[Node] = set()
        self._known: dict[int, Node] = {}
        self._others: dict[int, StoredDocument] = {}
        self.touched = Touched()

    def lock(self, nodes: Iterable[Node]) -> None:
        """Lock the documents of a write that exist, in one order for everybody."""
        old = {node for node in nodes if not node.is_new}
        held = [each for each in self.tree.links() if each[0].others_are_holders]
        emptied = {
            relation.id for node in old for relation in node.links if relation.others_are_holders
        }
        store.lock_relations(emptied.union(each[0].id for each in held if each[2] in old))
        holders = {each[2] for each in held}
        strong = {node for node in old if node.is_changed or node in holders}
        _lock(old - strong, "KEY SHARE")
        _lock(strong, "NO KEY UPDATE")
        self._known = {node.number: node for node in old if node.stored}

    def prepare(self) -> None:
        """Check what is sent of related documents, and find out which links change."""
        for node in self.tree.nested:
            self._check(node)
        self._compare()

    def finish(self, output: dict[str, Any]) -> dict[str, Any]:
        """Write related documents and the links; return the root's answer with what was sent."""
        for schema, nodes in _by_collection(self.tree.nested):
            self._insert(schema, [each for each in nodes if each.stored is None])
            self._update(schema, [each for each in nodes if self._is_changed(each)])
        self.touched.write(self._write)
        store.unlink(self.removed)
        self._link()
        plan = loading.plan(self._neighbours, self.tree.root.schema, self.tree.select)
        # A copy, for the output is what subscribers of the event get.
        answer = {**output}
        plan.attach([(self.tree.root.number, answer)], self._write.names)
        return answer

    def _check(self, node: Node) -> None:
        """Refuse what the caller may not do to a related document."""
        caller = self._write.caller
        if node.stored is None:
            if not node.is_sent:
                raise _not_found(node)
            check_grantable(caller, node.permissions)
            is_allowed = may(caller, CREATE, node.schema).is_allowed
        elif node.is_changed:
            is_allowed = may(caller, UPDATE, node.schema, node.stored.permissions).is_allowed
        elif may(caller, READ, node.schema, node.stored.permissions).is_allowed:
            return
        else:
            raise _not_found(node)
        if not is_allowed:
            raise ApiError(ErrorKind.USER_UNAUTHORIZED)

    def _compare(self) -> None:
        """Compare the links that are wanted with those that are."""
        wanted = {_link(each): each for each in self.tree.links() if _exists(each)}
        owners = {
            (relation.id, relation.side, node.number): relation
            for node in self.tree.nodes
            if node.stored
            for relation in node.links
        }
        claimed = {
            (relation.id, relation.other_side, other.number): relation
            for relation, _, other in self.tree.links()
            if other.stored and not relation.others_have_lists
        }
        found = set(store.links_of({*claimed, *owners}, most=MAX_RELATED + 1))
        if len(found) > MAX_RELATED:
            raise refusal(f"No more than {MAX_RELATED:,} links can be replaced at once.")
        gone = found - wanted.keys()
        self._lock_others(gone, owners)
        for link in gone:
            if not self._is_hidden(link, owners, claimed):
                self._remove(link, owners, claimed)
        for each in self.tree.links():
            if not _exists(each) or _link(each) not in found:
                self._add(*each)

    def _lock_others(self, links: Iterable[Link], owners: Ends) -> None:
        """Lock those that owners are to lose, where it matters what the caller may do to them."""
        self._others = {number: each.stored for number, each in self._known.items() if each.stored}
        if self._write.caller.is_privileged:
            return
        groups: dict[tuple[int, bool], tuple[CollectionSchema, set[int]]] = {}
        for end, other in (each for link in links for each in link.ends()):
            relation = owners.get(end)
            if relation is None or other in self._known:
                continue
            if relation.is_list or relation.others_are_holders:
                key = relation.collection_id, relation.others_are_holders
                groups.setdefault(key, (self._neighbours.of(relation), set()))[1].add(other)
        for (_, is_changed), (schema, numbers) in sorted(groups.items()):
            strength: LiteralString = "NO KEY UPDATE" if is_changed else "KEY SHARE"
            locked = store.lock_documents(schema, ids=numbers, strength=strength)
            self._others |= {document.id: document for document in locked}

    def _is_hidden(self, link: Link, owners: Ends, claimed: Ends) -> bool:
        """Tell whether a link is missing from lists alone, of documents the caller does not see."""
        if self._write.caller.is_privileged or any(end in claimed for end, _ in link.ends()):
            return False
        owned = [(owners[end], other) for end, other in link.ends() if end in owners]
        return all(
            relation.is_list and not self._sees(relation, other) for relation, other in owned
        )

    def _sees(self, relation: Relation, number: int) -> bool:
        schema, document = self._neighbours.of(relation), self._others.get(number)
        caller, names = self._write.caller, self._write.names
        return document is not None and sees(caller, schema, names, document.permissions)

    def _remove(self, link: Link, owners: Ends, claimed: Ends) -> None:
        """Take a link away that is not wanted: an owner's, or one in the way of another."""
        ends = link.ends()
        owned = [(end, other) for end, other in ends if end in owners]
        if not owned and any(claimed[end].type == ONE_TO_ONE for end, _ in ends if end in claimed):
            raise _claimed(self._write)
        known = self._known
        for end, other in owned:
            relation = owners[end]
            self.changed.add(known[end[2]])
            if not relation.others_are_holders:
                continue
            schema = self._neighbours.of(relation)
            self._check_holder(schema, self._others.get(other))
            if other in known:
                self.changed.add(known[other])
            else:
                self.touched.add(schema, other)
        self.removed.add(link)

    def _add(self, relation: Relation, node: Node, other: Node) -> None:
        self.added.append((relation, node, other))
        self.changed.add(node)
        if other.stored is None or not relation.others_are_holders:
            return
        self._check_holder(other.schema, other.stored)
        self.changed.add(other)

    def _check_holder(self, schema: CollectionSchema, document: StoredDocument | None) -> None:
        """Refuse to change a document by its link where the caller may not update it."""
        caller = self._write.caller
        check_enabled(schema, caller, self._write.names)
        if document is None:
            return
        if not may(caller, UPDATE, schema, document.permissions).is_allowed:
            raise ApiError(ErrorKind.USER_UNAUTHORIZED)

    def _is_changed(self, node: Node) -> bool:
        return node.stored is not None and (node.is_changed or node in self.changed)

    def _insert(self, schema: CollectionSchema, nodes: list[Node]) -> None:
        if not nodes:
            return
        write, log = each_of(self._write, schema, "create")
        _prepare_roles(schema, (text for node in nodes for text in self._permissions(node)))
        rows = [self._new_row(node, log) for node in nodes]
        try:
            written = store.create_many(schema, rows, log, is_part=True)
        except store.DuplicateIdError as error:  # another caller was faster: begin anew
            raise StaleSchemaError from error
        announce_many(write, schema, log, written)
        numbers = {each.document.uid: each.document.id for each in written}
        for node in nodes:
            node.number = numbers[node.uid]

    def _update(self, schema: CollectionSchema, nodes: list[Node]) -> None:
        if not nodes:
            return
        write, log = each_of(self._write, schema, "update")
        rows = [self._changed_row(node, log) for node in nodes]
        written = store.change_many(schema, rows, log, unless_after=None)
        announce_many(write, schema, log, written)

    def _new_row(self, node: Node, log: Log) -> Row:
        privileged = self._write.caller.is_privileged
        new = values.new_values(node.schema.attributes, node.data, keeps_times=privileged)
        return Row(
            uid=node.uid,
            data=sealed(node.schema, new.set),
            grants=grants_of(node.schema, self._permissions(node)),
            created_at=new.created_at or log.at,
            updated_at=new.updated_at or log.at,
            has_own_time=new.updated_at is not None,
        )

    def _changed_row(self, node: Node, log: Log) -> Row:
        """Return the change of a document that keeps its permissions, whatever was sent of them."""
        new = values.changed_values(
            node.schema.attributes,
            node.data,
            keeps_times=self._write.caller.is_privileged,
            has_operators=False,
        )
        return Row(
            uid=node.uid,
            data=sealed(node.schema, new.set),
            dropped=new.dropped,
            grants=None,
            created_at=new.created_at,
            updated_at=new.updated_at or log.at,
            has_own_time=new.updated_at is not None or node in self.changed,
        )

    def _permissions(self, node: Node) -> list[str]:
        """Return the permissions of a new document: its own, or those of the one it came in."""
        sent = node.permissions if node.above else self._write.permissions
        if sent is not None:
            return sent
        if node.stored is not None:
            return list(node.stored.permissions)
        if node.above is not None:
            return self._permissions(node.above)
        return creator_permissions(self._write.caller)

    def _link(self) -> None:
        try:
            store.link({_link(each): each[0] for each in self.added})
        except store.ClaimedError:
            raise _claimed(self._write) from None


@contextmanager
def _linking(write: Write, schema: CollectionSchema) -> Iterator[_Linking]:
    neighbours = Neighbours(write.caller, schema, write.names)
    with neighbours.checked(), transaction.atomic():
        yield _Linking(write, schema, neighbours)


def _lock(nodes: Iterable[Node], strength: LiteralString) -> None:
    for schema, named in _by_collection(nodes):
        uids = {node.uid: node for node in named}
        for document in store.lock_documents(schema, uids=uids, strength=strength):
            uids[document.uid].stored = document
            uids[document.uid].number = document.id


def _by_collection(nodes: Iterable[Node]) -> Iterator[tuple[CollectionSchema, list[Node]]]:
    ordered = sorted(nodes, key=lambda node: node.schema.id)
    for _, group in groupby(ordered, key=lambda node: node.schema.id):
        members = list(group)
        yield members[0].schema, members


def _exists(wanted: Wanted) -> bool:
    _, node, other = wanted
    return node.stored is not None and other.stored is not None


def _link(wanted: Wanted) -> Link:
    relation, node, other = wanted
    return Link(relation.id, *relation.pair(node.number, other.number))


def _prepare_roles(schema: CollectionSchema, texts: Iterable[str]) -> None:
    """Find the groups of all roles at once, so that none is looked for by itself."""
    named = {parse_permission(text).role for text in texts}
    roles.role_group_ids(schema.project_id, sorted(named))


def _not_found(node: Node) -> ApiError:
    return refusal(f'"{node.uid}" was not found in "{node.schema.uid}".')


def _claimed(write: Write) -> ApiError:
    return ApiError(
        write.names.document_already_exists,
        f"The {write.names.document} already has a related {write.names.document}.",
    )
