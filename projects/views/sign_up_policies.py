"""Endpoints of the policies on bad or old passwords, and on kinds of mail addresses."""

from gateway.operations import operation
from gateway.views import Answer, Call
from kernel.fields import as_dict, read_input
from projects.inputs.policies import (
    PasswordPwnedPolicyInput,
    PasswordRotationPolicyInput,
    SwitchPolicyInput,
)
from projects.views.policies import WRITE, PolicyView


class PasswordPwnedPolicyView(PolicyView):
    policy_id = "password-pwned"

    @operation("project.updatePasswordPwnedPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(PasswordPwnedPolicyInput, call.params)
        return self.change(call, as_dict(data))


class PasswordRotationPolicyView(PolicyView):
    policy_id = "password-rotation"

    @operation("project.updatePasswordRotationPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(PasswordRotationPolicyInput, call.params)
        return self.change(call, as_dict(data))


class DenyAliasedEmailPolicyView(PolicyView):
    policy_id = "deny-aliased-email"

    @operation("project.updateDenyAliasedEmailPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(SwitchPolicyInput, call.params)
        return self.change(call, as_dict(data))


class DenyCorporateEmailPolicyView(PolicyView):
    policy_id = "deny-corporate-email"

    @operation("project.updateDenyCorporateEmailPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(SwitchPolicyInput, call.params)
        return self.change(call, as_dict(data))


class DenyDisposableEmailPolicyView(PolicyView):
    policy_id = "deny-disposable-email"

    @operation("project.updateDenyDisposableEmailPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(SwitchPolicyInput, call.params)
        return self.change(call, as_dict(data))


class DenyFreeEmailPolicyView(PolicyView):
    policy_id = "deny-free-email"

    @operation("project.updateDenyFreeEmailPolicy", scope=WRITE, needs_project=True)
    def patch(self, call: Call) -> Answer:
        data = read_input(SwitchPolicyInput, call.params)
        return self.change(call, as_dict(data))
