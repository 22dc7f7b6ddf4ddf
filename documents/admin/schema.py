"""Dialogs of a collection's page: attributes and indexes are added and deleted there."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import orjson
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from documents import services
from documents.attributes import DELETING
from documents.definitions import RelationshipRequest
from documents.indexes import OFFERED_TYPES, SYSTEM_COLUMNS
from documents.inputs.attributes import CREATE_INPUTS
from documents.inputs.inline import inline_attribute, inline_index
from documents.inputs.relationships import read_relationship
from documents.models import Collection
from documents.relations import ON_DELETE, RESTRICT, TYPES
from documents.vocabulary import COLLECTIONS
from kernel.errors import ApiError

Method = TypeVar("Method", bound=Callable[..., HttpResponse])

#: Types whose values are written as JSON; those of all others are taken as text.
_JSON_TYPES = frozenset({"integer", "bigint", "float", "boolean", "point", "line", "polygon"})
_ORDERS = [("asc", "Ascending"), ("desc", "Descending")]


class SchemaForm(BaseDialogForm):
    """A dialog of one collection, which has to be the console user's."""

    form_before_template = "unfold/helpers/form_errors.html"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        pages = admin.site.get_model_admin(Collection)
        rows = pages.get_queryset(self.request).select_related("database__project")
        self.collection: Collection = get_object_or_404(rows, pk=self.object_id)

    def get_before_template_context(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> dict[str, Any]:
        """Return what is wrong with the form as a whole, which its page shows nowhere else."""
        return {"errors": self.non_field_errors()}


class AddAttributeForm(SchemaForm):
    key = forms.CharField(max_length=36, widget=UnfoldAdminTextInputWidget)
    type = forms.ChoiceField(
        choices=[(name, name) for name in CREATE_INPUTS], widget=UnfoldAdminSelectWidget
    )
    required = forms.BooleanField(required=False, widget=UnfoldBooleanWidget)
    array = forms.BooleanField(required=False, label="List", widget=UnfoldBooleanWidget)
    size = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget, help_text="Of text: most characters"
    )
    min = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget)
    max = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget)
    elements = forms.CharField(
        required=False, widget=UnfoldAdminTextareaWidget, help_text="Of an enum: one per line"
    )
    default = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget)

    def clean(self) -> dict[str, Any]:
        """Read what was entered as the API reads it."""
        entered = self.cleaned_data
        given = {name: entered.get(name) for name in ("key", "type", "required", "array")}
        given |= {
            name: _from_json(entered[name]) for name in ("size", "min", "max") if entered.get(name)
        }
        if entered.get("elements"):
            given["elements"] = entered["elements"].split()
        if entered.get("default"):
            is_json = entered.get("type") in _JSON_TYPES
            given["default"] = _from_json(entered["default"]) if is_json else entered["default"]
        return {"request": _read(inline_attribute, given)}


class AddRelationshipForm(SchemaForm):
    related = forms.ChoiceField(label="Related collection", widget=UnfoldAdminSelectWidget)
    type = forms.ChoiceField(
        choices=[(name, name) for name in TYPES], widget=UnfoldAdminSelectWidget
    )
    key = forms.CharField(
        max_length=36,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="The related collection's id when left out",
    )
    two_way = forms.BooleanField(required=False, widget=UnfoldBooleanWidget)
    two_way_key = forms.CharField(
        max_length=36,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Of the attribute that the related collection gets",
    )
    on_delete = forms.ChoiceField(
        choices=[(name, name) for name in ON_DELETE],
        initial=RESTRICT,
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        others = Collection.objects.in_database(self.collection.database_id).order_by("name")
        self.fields["related"].choices = [(each.uid, str(each)) for each in others]

    def clean(self) -> dict[str, Any]:
        """Read what was entered as the API reads it."""
        entered = self.cleaned_data
        given = {
            "relatedCollectionId": entered.get("related"),
            "type": entered.get("type"),
            "key": entered.get("key") or None,
            "twoWay": entered.get("two_way"),
            "twoWayKey": entered.get("two_way_key") or None,
            "onDelete": entered.get("on_delete"),
        }

        def read(source: dict[str, Any]) -> RelationshipRequest:
            return read_relationship(self.collection.uid, source, COLLECTIONS.inputs)

        return {"request": _read(read, given)}


class AddIndexForm(SchemaForm):
    key = forms.CharField(max_length=36, widget=UnfoldAdminTextInputWidget)
    type = forms.ChoiceField(
        choices=[(name, name) for name in OFFERED_TYPES], widget=UnfoldAdminSelectWidget
    )
    attributes = forms.MultipleChoiceField(widget=UnfoldAdminCheckboxSelectMultipleWidget)
    order = forms.ChoiceField(choices=_ORDERS, widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        keys = (*_keys(self.collection.attributes), *SYSTEM_COLUMNS)
        self.fields["attributes"].choices = [(key, key) for key in keys]

    def clean(self) -> dict[str, Any]:
        """Read what was entered as the API reads it."""
        entered = self.cleaned_data
        attributes = entered.get("attributes", [])
        given = {
            "key": entered.get("key"),
            "type": entered.get("type"),
            "attributes": attributes,
            "orders": [entered.get("order")] * len(attributes),
        }
        return {"request": _read(inline_index, given)}


class DeleteForm(SchemaForm):
    """Asks for one of the collection's attributes or indexes."""

    part = ""
    key = forms.ChoiceField(widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        keys = _keys(getattr(self.collection, self.part))
        self.fields["key"].choices = [(key, key) for key in keys]

    def clean(self) -> dict[str, Any]:
        """Leave the key alone."""
        return {"key": self.cleaned_data.get("key")}


class DeleteAttributeForm(DeleteForm):
    part = "attributes"


class DeleteIndexForm(DeleteForm):
    part = "indexes"


def _dialog(
    title: str, text: str, form: type[SchemaForm], submit: str
) -> Callable[[Method], Method]:
    opened = {
        "title": title,
        "description": text,
        "form_class": form,
        "form_submit_text": submit,
    }
    decorator = action(description=title, permissions=["change"], dialog=opened)
    return cast("Callable[[Method], Method]", decorator)


class SchemaActions:
    """The actions of a collection's page."""

    actions_detail = (
        {"title": "Attributes", "items": ["add_attribute", "add_relationship", "delete_attribute"]},
        {"title": "Indexes", "items": ["add_index", "delete_index"]},
    )
    caller: Callable[..., Any]

    @_dialog("Add attribute", "A job makes it available.", AddAttributeForm, "Add")
    def add_attribute(
        self, request: HttpRequest, form: AddAttributeForm, object_id: str
    ) -> HttpResponse:
        return self._write(request, form, services.create_attribute)

    @_dialog(
        "Add relationship",
        "Jobs make its attributes available.",
        AddRelationshipForm,
        "Add",
    )
    def add_relationship(
        self, request: HttpRequest, form: AddRelationshipForm, object_id: str
    ) -> HttpResponse:
        return self._write(request, form, services.create_relationship)

    @_dialog(
        "Delete attribute",
        "Its values go with it.",
        DeleteAttributeForm,
        "Delete",
    )
    def delete_attribute(
        self, request: HttpRequest, form: DeleteAttributeForm, object_id: str
    ) -> HttpResponse:
        return self._write(request, form, services.delete_attribute)

    @_dialog("Add index", "A job builds it.", AddIndexForm, "Add")
    def add_index(self, request: HttpRequest, form: AddIndexForm, object_id: str) -> HttpResponse:
        return self._write(request, form, services.create_index)

    @_dialog("Delete index", "No document changes.", DeleteIndexForm, "Delete")
    def delete_index(
        self, request: HttpRequest, form: DeleteIndexForm, object_id: str
    ) -> HttpResponse:
        return self._write(request, form, services.delete_index)

    def _write(
        self, request: HttpRequest, form: SchemaForm, service: Callable[..., object]
    ) -> HttpResponse:
        collection = form.collection
        try:
            service(
                caller=self.caller(request, collection.project.uid),
                names=COLLECTIONS,
                database_id=collection.database.uid,
                collection_id=collection.uid,
                **form.cleaned_data,
            )
        except ApiError as error:
            messages.error(request, error.message)
        page = reverse("admin:documents_collection_change", args=[collection.pk])
        return HttpResponse(headers={"HX-Redirect": page})


def _keys(parts: list[dict[str, Any]]) -> list[str]:
    return [each["key"] for each in parts if each["status"] != DELETING]


def _from_json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # whoever reads it says better what is expected


def _read(reader: Callable[[Any], Any], given: dict[str, Any]) -> Any:
    try:
        return reader(given)
    except (ApiError, ValueError) as error:
        raise ValidationError(str(error)) from None
