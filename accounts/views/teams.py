"""Paths below `/teams`."""

from accounts import cookies, services
from accounts.inputs.lists import ListInput
from accounts.inputs.teams import (
    AcceptInvitationInput,
    CreateMembershipInput,
    CreateTeamInput,
    ListMembershipsInput,
    MembershipInput,
    MembershipRolesInput,
    TeamInput,
    TeamNameInput,
    TeamPrefsInput,
)
from gateway.operations import RateLimit, operation
from gateway.views import Answer, Call, Endpoint, created, no_content
from kernel.fields import as_dict, read_input

READ, WRITE = "teams.read", "teams.write"


class TeamsView(Endpoint):
    @operation("teams.create", scope=WRITE)
    def post(self, call: Call) -> Answer:
        data = read_input(CreateTeamInput, call.params)
        return created(services.create_team(caller=call.caller, **as_dict(data)))

    @operation("teams.list", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(ListInput, call.params)
        return Answer(services.list_teams(caller=call.caller, **as_dict(data)))


class TeamView(Endpoint):
    @operation("teams.get", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(TeamInput, call.params)
        return Answer(services.get_team(caller=call.caller, **as_dict(data)))

    @operation("teams.updateName", scope=WRITE)
    def put(self, call: Call) -> Answer:
        data = read_input(TeamNameInput, call.params)
        return Answer(services.update_team_name(caller=call.caller, **as_dict(data)))

    @operation("teams.delete", scope=WRITE)
    def delete(self, call: Call) -> Answer:
        data = read_input(TeamInput, call.params)
        services.delete_team(caller=call.caller, **as_dict(data))
        return no_content()


class TeamPrefsView(Endpoint):
    @operation("teams.getPrefs", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(TeamInput, call.params)
        return Answer(services.get_team_prefs(caller=call.caller, **as_dict(data)))

    @operation("teams.updatePrefs", scope=WRITE)
    def put(self, call: Call) -> Answer:
        data = read_input(TeamPrefsInput, call.params)
        return Answer(services.update_team_prefs(caller=call.caller, **as_dict(data)))


class MembershipsView(Endpoint):
    @operation("teams.createMembership", scope=WRITE, rate_limit=RateLimit(10))
    def post(self, call: Call) -> Answer:
        data = read_input(CreateMembershipInput, call.params)
        return created(services.create_membership(caller=call.caller, **as_dict(data)))

    @operation("teams.listMemberships", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(ListMembershipsInput, call.params)
        return Answer(services.list_memberships(caller=call.caller, **as_dict(data)))


class MembershipView(Endpoint):
    @operation("teams.getMembership", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(MembershipInput, call.params)
        return Answer(services.get_membership(caller=call.caller, **as_dict(data)))

    @operation("teams.updateMembership", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(MembershipRolesInput, call.params)
        return Answer(services.update_membership(caller=call.caller, **as_dict(data)))

    @operation("teams.deleteMembership", scope=WRITE)
    def delete(self, call: Call) -> Answer:
        data = read_input(MembershipInput, call.params)
        services.delete_membership(caller=call.caller, **as_dict(data))
        return no_content()


class MembershipStatusView(Endpoint):
    @operation("teams.updateMembershipStatus", scope="public")
    def patch(self, call: Call) -> Answer:
        data = read_input(AcceptInvitationInput, call.params)
        accepted = services.update_membership_status(caller=call.caller, **as_dict(data))
        if accepted.session:
            cookies.sign_in(call, accepted.session.packed_secret, accepted.session.lifetime)
        return Answer(accepted.membership)
