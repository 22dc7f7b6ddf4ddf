"""Endpoints of a project's policies, and of the ways its users sign in."""

from typing import Any, ClassVar

from gateway.operations import operation
from gateway.views import Answer, Call
from kernel.fields import as_dict, read_input
from projects import services
from projects.inputs.lists import ListInput
from projects.inputs.policies import (
    DenyingPolicyInput,
    MembershipPrivacyPolicyInput,
    MfaFactorsPolicyInput,
    PasskeyPolicyInput,
    PasswordHistoryPolicyInput,
    PasswordStrengthPolicyInput,
    PolicyPathInput,
    SessionDurationPolicyInput,
    SessionLimitPolicyInput,
    SwitchPolicyInput,
    UserLimitPolicyInput,
)
from projects.inputs.projects import UpdateAuthMethodInput
from projects.views.addressing import ProjectEndpoint

READ = ("policies.read", "project.policies.read")
WRITE = ("policies.write", "project.policies.write")
NO_LIMIT = 0


class PoliciesView(ProjectEndpoint):
    """All policies of a project."""

    @operation("project.listPolicies", scope=READ, needs_project=True)
    def get(self, call: Call) -> Answer:
        data = read_input(ListInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.list_policies(caller=call.caller, project_id=project_id, **as_dict(data))
        )


class PolicyView(ProjectEndpoint):
    """One policy of a project, by its path. Each has a path of its own, which changes it."""

    policy_id: ClassVar[str] = ""

    @operation("project.getPolicy", scope=READ, needs_project=True)
    def get(self, call: Call) -> Answer:
        named = {"policyId": self.policy_id} if self.policy_id else call.params
        data = read_input(PolicyPathInput, named)
        project_id = self.project_id(call)
        return Answer(
            services.get_policy(caller=call.caller, project_id=project_id, **as_dict(data))
        )

    def change(self, call: Call, fields: dict[str, Any]) -> Answer:
        """Change the policy; what a call leaves out stays as it is."""
        project = services.update_policy(
            caller=call.caller,
            project_id=self.project_id(call),
            policy_id=self.policy_id,
            fields={name: value for name, value in fields.items() if value is not None},
        )
        return Answer(project)


class PasswordStrengthPolicyView(PolicyView):
    policy_id = "password-strength"

    @operation("project.updatePasswordStrengthPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(PasswordStrengthPolicyInput, call.params)
        self.change(call, as_dict(data))
        return self.get(call)


class AuthMethodView(ProjectEndpoint):
    """The switch of one way to sign up and in."""

    @operation("project.updateAuthMethod", scope="project.write", needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(UpdateAuthMethodInput, call.params)
        project_id = self.project_id(call)
        return Answer(
            services.update_auth_method(caller=call.caller, project_id=project_id, **as_dict(data))
        )


class PasswordDictionaryPolicyView(PolicyView):
    policy_id = "password-dictionary"

    @operation("project.updatePasswordDictionaryPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(DenyingPolicyInput, call.params)
        return self.change(call, as_dict(data))


class PasswordHistoryPolicyView(PolicyView):
    policy_id = "password-history"

    @operation("project.updatePasswordHistoryPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(PasswordHistoryPolicyInput, call.params)
        return self.change(call, {"total": data.total or NO_LIMIT})


class PasswordPersonalDataPolicyView(PolicyView):
    policy_id = "password-personal-data"

    @operation("project.updatePasswordPersonalDataPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(DenyingPolicyInput, call.params)
        return self.change(call, as_dict(data))


class SessionAlertPolicyView(PolicyView):
    policy_id = "session-alert"

    @operation("project.updateSessionAlertPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(SwitchPolicyInput, call.params)
        return self.change(call, as_dict(data))


class SessionDurationPolicyView(PolicyView):
    policy_id = "session-duration"

    @operation("project.updateSessionDurationPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(SessionDurationPolicyInput, call.params)
        return self.change(call, as_dict(data))


class SessionInvalidationPolicyView(PolicyView):
    policy_id = "session-invalidation"

    @operation("project.updateSessionInvalidationPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(SwitchPolicyInput, call.params)
        return self.change(call, as_dict(data))


class SessionLimitPolicyView(PolicyView):
    policy_id = "session-limit"

    @operation("project.updateSessionLimitPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(SessionLimitPolicyInput, call.params)
        return self.change(call, {"total": data.total or NO_LIMIT})


class UserLimitPolicyView(PolicyView):
    policy_id = "user-limit"

    @operation("project.updateUserLimitPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserLimitPolicyInput, call.params)
        return self.change(call, {"total": data.total or NO_LIMIT})


class MembershipPrivacyPolicyView(PolicyView):
    policy_id = "membership-privacy"

    @operation("project.updateMembershipPrivacyPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(MembershipPrivacyPolicyInput, call.params)
        return self.change(call, as_dict(data))


class MfaFactorsPolicyView(PolicyView):
    policy_id = "mfa-factors"

    @operation("project.updateMFAFactorsPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(MfaFactorsPolicyInput, call.params)
        return self.change(call, as_dict(data))


class PasskeyPolicyView(PolicyView):
    policy_id = "passkey"

    @operation("project.updatePasskeyPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(PasskeyPolicyInput, call.params)
        return self.change(call, as_dict(data))
