"""Users and teams with an API key, and what monitoring asks."""

import scenario
from appwrite.id import ID
from appwrite.query import Query
from appwrite.services.health import Health
from appwrite.services.teams import Teams
from appwrite.services.users import Users

users, teams = Users(scenario.key_client()), Teams(scenario.key_client())
health = Health(scenario.key_client())
name = ID.unique()
made = users.create(ID.unique(), f"{name}@example.com", None, scenario.PASSWORD, name)
found = users.get(made["$id"])
listed = users.list([Query.equal("name", [name])])
deleted = users.delete(made["$id"])
missing = scenario.refusal(lambda: users.get(made["$id"]))
team = teams.create(ID.unique(), "Readers")

scenario.tell(
    made=made,
    found=found,
    listed=listed,
    deleted=deleted,
    missing=missing,
    team=team,
    teams=teams.list([Query.equal("name", ["Readers"])]),
    health=health.get(),
    time=health.get_time(),
)
