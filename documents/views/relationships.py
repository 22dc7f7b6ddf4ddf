"""Paths of relationships, which are attributes, or columns, of two collections."""

from documents import services
from documents.inputs.paths import CollectionInput
from documents.inputs.relationships import UpdateRelationshipInput, read_relationship
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
        place = self.arguments(CollectionInput, call)
        request = read_relationship(place["collection_id"], call.params, self.names.inputs)
        return accepted(services.create_relationship(**place, request=request))


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
