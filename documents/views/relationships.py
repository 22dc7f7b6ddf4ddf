"""Paths of relationships, which are attributes, or columns, of two collections."""

from documents import services
from documents.definitions import RelationshipRequest
from documents.inputs.relationships import CreateRelationshipInput, UpdateRelationshipInput
from documents.views.attributes import COLUMN_WRITE, WRITE, AttributeView
from documents.views.endpoints import VocabularyEndpoint
from gateway.operations import operation
from gateway.views import Answer, Call, accepted


class RelationshipsView(AttributeView):
    """The path of new relationships; it is also that of an attribute with this key."""

    type = "relationship"

    @operation(
        "databases.createRelationshipAttribute",
        "tablesDB.createRelationshipColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        sent = self.read(CreateRelationshipInput, call)
        request = RelationshipRequest(
            related_collection_id=sent.related_collection_id,
            type=sent.type,
            two_way=sent.two_way,
            key=sent.key or sent.related_collection_id,
            two_way_key=sent.two_way_key or sent.collection_id,
            on_delete=sent.on_delete,
            description=sent.description,
        )
        return accepted(
            services.create_relationship(
                caller=call.caller,
                names=self.names,
                database_id=sent.database_id,
                collection_id=sent.collection_id,
                request=request,
            )
        )


class RelationshipView(VocabularyEndpoint):
    @operation(
        "databases.updateRelationshipAttribute",
        "tablesDB.updateRelationshipColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        return Answer(services.update_relationship(**self.arguments(UpdateRelationshipInput, call)))
