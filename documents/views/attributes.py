"""Paths of attributes and columns: all of a collection's, one by its key, and one per type."""

from typing import Any, ClassVar

from documents import services
from documents.inputs.attributes import UPDATE_INPUTS, ListAttributesInput, read_attribute
from documents.inputs.paths import CollectionInput, KeyInput
from documents.views.endpoints import VocabularyEndpoint
from gateway.operations import operation
from gateway.views import Answer, Call, accepted, no_content
from kernel.fields import as_dict

READ = "collections.read"
WRITE = "collections.write"
COLUMN_READ = ("tables.read", "collections.read", "columns.read", "attributes.read")
COLUMN_WRITE = ("tables.write", "collections.write", "columns.write", "attributes.write")


class AttributesView(VocabularyEndpoint):
    @operation(
        "databases.listAttributes",
        "tablesDB.listColumns",
        scope=READ,
        twin_scope=COLUMN_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        return Answer(services.list_attributes(**self.arguments(ListAttributesInput, call)))


class AttributeView(VocabularyEndpoint):
    """The path of one attribute. Where the key is the name of a type, it is also that type's."""

    type: ClassVar[str] = ""

    @operation(
        "databases.getAttribute",
        "tablesDB.getColumn",
        scope=READ,
        twin_scope=COLUMN_READ,
        needs_project=True,
    )
    def get(self, call: Call) -> Answer:
        return Answer(services.get_attribute(**self._place(call)))

    @operation(
        "databases.deleteAttribute",
        "tablesDB.deleteColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def delete(self, call: Call) -> Answer:
        services.delete_attribute(**self._place(call))
        return no_content()

    def _place(self, call: Call) -> dict[str, Any]:
        if self.type:
            call.params["key"] = self.type
        return self.arguments(KeyInput, call)

    def create(self, call: Call) -> Answer:
        request = read_attribute(self.type, call.params)
        place = self.arguments(CollectionInput, call)
        return accepted(services.create_attribute(**place, request=request))


class TypedAttributeView(VocabularyEndpoint):
    """The path of one attribute below its type's name."""

    type: ClassVar[str] = ""

    def update(self, call: Call) -> Answer:
        changes = as_dict(self.read(UPDATE_INPUTS[self.type], call))
        return Answer(
            services.update_attribute(
                **self.arguments(KeyInput, call),
                type_=self.type,
                new_key=changes.pop("new_key"),
                changes=changes,
            )
        )


def _typed_views(
    type_: str, *, create: tuple[str, str], update: tuple[str, str]
) -> tuple[type[AttributeView], type[TypedAttributeView]]:
    """Return the views of the paths `attributes/{type}` and `attributes/{type}/{key}`."""

    class AttributesOfTypeView(AttributeView):
        type = type_

        @operation(*create, scope=WRITE, twin_scope=COLUMN_WRITE, needs_project=True)
        def post(self, call: Call) -> Answer:
            return self.create(call)

    class AttributeOfTypeView(TypedAttributeView):
        type = type_

        @operation(*update, scope=WRITE, twin_scope=COLUMN_WRITE, needs_project=True)
        def patch(self, call: Call) -> Answer:
            return self.update(call)

    return AttributesOfTypeView, AttributeOfTypeView


#: By type: the views of its paths.
TYPED_VIEWS: dict[str, tuple[type[AttributeView], type[TypedAttributeView]]] = {
    "string": _typed_views(
        "string",
        create=("databases.createStringAttribute", "tablesDB.createStringColumn"),
        update=("databases.updateStringAttribute", "tablesDB.updateStringColumn"),
    ),
    "varchar": _typed_views(
        "varchar",
        create=("databases.createVarcharAttribute", "tablesDB.createVarcharColumn"),
        update=("databases.updateVarcharAttribute", "tablesDB.updateVarcharColumn"),
    ),
    "text": _typed_views(
        "text",
        create=("databases.createTextAttribute", "tablesDB.createTextColumn"),
        update=("databases.updateTextAttribute", "tablesDB.updateTextColumn"),
    ),
    "mediumtext": _typed_views(
        "mediumtext",
        create=("databases.createMediumtextAttribute", "tablesDB.createMediumtextColumn"),
        update=("databases.updateMediumtextAttribute", "tablesDB.updateMediumtextColumn"),
    ),
    "longtext": _typed_views(
        "longtext",
        create=("databases.createLongtextAttribute", "tablesDB.createLongtextColumn"),
        update=("databases.updateLongtextAttribute", "tablesDB.updateLongtextColumn"),
    ),
    "email": _typed_views(
        "email",
        create=("databases.createEmailAttribute", "tablesDB.createEmailColumn"),
        update=("databases.updateEmailAttribute", "tablesDB.updateEmailColumn"),
    ),
    "url": _typed_views(
        "url",
        create=("databases.createUrlAttribute", "tablesDB.createUrlColumn"),
        update=("databases.updateUrlAttribute", "tablesDB.updateUrlColumn"),
    ),
    "ip": _typed_views(
        "ip",
        create=("databases.createIpAttribute", "tablesDB.createIpColumn"),
        update=("databases.updateIpAttribute", "tablesDB.updateIpColumn"),
    ),
    "enum": _typed_views(
        "enum",
        create=("databases.createEnumAttribute", "tablesDB.createEnumColumn"),
        update=("databases.updateEnumAttribute", "tablesDB.updateEnumColumn"),
    ),
    "integer": _typed_views(
        "integer",
        create=("databases.createIntegerAttribute", "tablesDB.createIntegerColumn"),
        update=("databases.updateIntegerAttribute", "tablesDB.updateIntegerColumn"),
    ),
    "bigint": _typed_views(
        "bigint",
        create=("databases.createBigIntAttribute", "tablesDB.createBigIntColumn"),
        update=("databases.updateBigIntAttribute", "tablesDB.updateBigIntColumn"),
    ),
    "float": _typed_views(
        "float",
        create=("databases.createFloatAttribute", "tablesDB.createFloatColumn"),
        update=("databases.updateFloatAttribute", "tablesDB.updateFloatColumn"),
    ),
    "boolean": _typed_views(
        "boolean",
        create=("databases.createBooleanAttribute", "tablesDB.createBooleanColumn"),
        update=("databases.updateBooleanAttribute", "tablesDB.updateBooleanColumn"),
    ),
    "datetime": _typed_views(
        "datetime",
        create=("databases.createDatetimeAttribute", "tablesDB.createDatetimeColumn"),
        update=("databases.updateDatetimeAttribute", "tablesDB.updateDatetimeColumn"),
    ),
    "point": _typed_views(
        "point",
        create=("databases.createPointAttribute", "tablesDB.createPointColumn"),
        update=("databases.updatePointAttribute", "tablesDB.updatePointColumn"),
    ),
    "line": _typed_views(
        "line",
        create=("databases.createLineAttribute", "tablesDB.createLineColumn"),
        update=("databases.updateLineAttribute", "tablesDB.updateLineColumn"),
    ),
    "polygon": _typed_views(
        "polygon",
        create=("databases.createPolygonAttribute", "tablesDB.createPolygonColumn"),
        update=("databases.updatePolygonAttribute", "tablesDB.updatePolygonColumn"),
    ),
}
