"""Jobs of documents."""

from documents import services
from documents.services.attributes import BUILD_ATTRIBUTE
from documents.services.collections import SWEEP_COLLECTION
from documents.services.databases import SWEEP_DATABASE
from documents.services.indexes import BUILD_INDEX, DROP_INDEX
from documents.services.promotion import PROMOTE_COLLECTION
from documents.services.twins import SWEEP_ATTRIBUTE
from documents.store import answers, totals
from documents.vocabulary import VOCABULARIES
from kernel import jobs

jobs.hourly(answers.sweep)
jobs.hourly(totals.sweep)


def give_up_building_attribute(collection_id: int, name: str, dialect: int) -> None:
    """Show that an attribute was not made."""
    names = VOCABULARIES[dialect]
    services.give_up_building_attribute(collection_id=collection_id, name=name, names=names)


@jobs.runner(BUILD_ATTRIBUTE, on_failure=give_up_building_attribute)
def build_attribute(collection_id: int, name: str, dialect: int) -> None:
    """Make a new attribute available."""
    services.build_attribute(collection_id=collection_id, name=name, names=VOCABULARIES[dialect])


def give_up_sweeping_attribute(collection_id: int, name: str, dialect: int) -> None:
    """Show that an attribute was not deleted."""
    names = VOCABULARIES[dialect]
    services.give_up_sweeping_attribute(collection_id=collection_id, name=name, names=names)


@jobs.runner(SWEEP_ATTRIBUTE, on_failure=give_up_sweeping_attribute)
def sweep_attribute(collection_id: int, name: str, dialect: int) -> None:
    """Strip the values of a deleted attribute."""
    services.sweep_attribute(collection_id=collection_id, name=name, names=VOCABULARIES[dialect])


def give_up_building_index(collection_id: int, name: str, dialect: int) -> None:
    """Show that an index was not built."""
    names = VOCABULARIES[dialect]
    services.give_up_building_index(collection_id=collection_id, name=name, names=names)


@jobs.runner(BUILD_INDEX, on_failure=give_up_building_index)
def build_index(collection_id: int, name: str, dialect: int) -> None:
    """Build an index beside the traffic."""
    services.build_index(collection_id=collection_id, name=name, names=VOCABULARIES[dialect])


def give_up_dropping_index(collection_id: int, name: str, dialect: int) -> None:
    """Show that an index was not dropped."""
    names = VOCABULARIES[dialect]
    services.give_up_dropping_index(collection_id=collection_id, name=name, names=names)


@jobs.runner(DROP_INDEX, on_failure=give_up_dropping_index)
def drop_index(collection_id: int, name: str, dialect: int) -> None:
    """Drop a deleted index."""
    services.drop_index(collection_id=collection_id, name=name, names=VOCABULARIES[dialect])


@jobs.runner(PROMOTE_COLLECTION)
def promote_collection(collection_id: int) -> None:
    """Give a collection that has grown a partition of its own."""
    services.promote_collection(collection_id=collection_id)


@jobs.runner(SWEEP_COLLECTION)
def sweep_collection(collection_id: int) -> None:
    """Remove what a deleted collection left."""
    services.sweep_collection(collection_id=collection_id)


@jobs.runner(SWEEP_DATABASE)
def sweep_database(database_id: int) -> None:
    """Remove what a deleted database left."""
    services.sweep_database(database_id=database_id)


jobs.hourly(services.sweep_transactions)
