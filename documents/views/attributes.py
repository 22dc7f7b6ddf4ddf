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


class StringAttributesView(AttributeView):
    type = "string"

    @operation(
        "databases.createStringAttribute",
        "tablesDB.createStringColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        return self.create(call)


class StringAttributeView(TypedAttributeView):
    type = "string"

    @operation(
        "databases.updateStringAttribute",
        "tablesDB.updateStringColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        return self.update(call)


class EmailAttributesView(AttributeView):
    type = "email"

    @operation(
        "databases.createEmailAttribute",
        "tablesDB.createEmailColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        return self.create(call)


class EmailAttributeView(TypedAttributeView):
    type = "email"

    @operation(
        "databases.updateEmailAttribute",
        "tablesDB.updateEmailColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        return self.update(call)


class IntegerAttributesView(AttributeView):
    type = "integer"

    @operation(
        "databases.createIntegerAttribute",
        "tablesDB.createIntegerColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        return self.create(call)


class IntegerAttributeView(TypedAttributeView):
    type = "integer"

    @operation(
        "databases.updateIntegerAttribute",
        "tablesDB.updateIntegerColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        return self.update(call)


class FloatAttributesView(AttributeView):
    type = "float"

    @operation(
        "databases.createFloatAttribute",
        "tablesDB.createFloatColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        return self.create(call)


class FloatAttributeView(TypedAttributeView):
    type = "float"

    @operation(
        "databases.updateFloatAttribute",
        "tablesDB.updateFloatColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        return self.update(call)


class BooleanAttributesView(AttributeView):
    type = "boolean"

    @operation(
        "databases.createBooleanAttribute",
        "tablesDB.createBooleanColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        return self.create(call)


class BooleanAttributeView(TypedAttributeView):
    type = "boolean"

    @operation(
        "databases.updateBooleanAttribute",
        "tablesDB.updateBooleanColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        return self.update(call)


class DatetimeAttributesView(AttributeView):
    type = "datetime"

    @operation(
        "databases.createDatetimeAttribute",
        "tablesDB.createDatetimeColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def post(self, call: Call) -> Answer:
        return self.create(call)


class DatetimeAttributeView(TypedAttributeView):
    type = "datetime"

    @operation(
        "databases.updateDatetimeAttribute",
        "tablesDB.updateDatetimeColumn",
        scope=WRITE,
        twin_scope=COLUMN_WRITE,
        needs_project=True,
    )
    def patch(self, call: Call) -> Answer:
        return self.update(call)


#: By type: the paths `attributes/{type}` and `attributes/{type}/{key}`.
TYPED_VIEWS: dict[str, tuple[type[AttributeView], type[TypedAttributeView]]] = {
    "string": (StringAttributesView, StringAttributeView),
    "email": (EmailAttributesView, EmailAttributeView),
    "integer": (IntegerAttributesView, IntegerAttributeView),
    "float": (FloatAttributesView, FloatAttributeView),
    "boolean": (BooleanAttributesView, BooleanAttributeView),
    "datetime": (DatetimeAttributesView, DatetimeAttributeView),
}
