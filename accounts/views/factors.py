"""Paths of second factors: below `/account/mfa`, and below `/users/{userId}/mfa`."""

from accounts import services
from accounts.inputs.factors import (
    AuthenticatorInput,
    AuthenticatorProofInput,
    ChallengeInput,
    ChallengeProofInput,
    MfaInput,
    UserAuthenticatorInput,
    UserChallengeInput,
    UserMfaInput,
)
from accounts.inputs.users import UserInput
from accounts.views.users import READ, WRITE
from gateway.operations import RateLimit, operation
from gateway.views import Answer, Call, Endpoint, created, no_content
from kernel.fields import as_dict, read_input

# One budget for a path and its older twin.
CHALLENGE_LIMIT = RateLimit(10, ("mfa-userId:{userId}",))
PROOF_LIMIT = RateLimit(10, ("mfa-challengeId:{param-challengeId}",))


class MfaView(Endpoint):
    @operation("account.updateMFA", scope="account")
    def patch(self, call: Call) -> Answer:
        data = read_input(MfaInput, call.params)
        return Answer(services.update_mfa(caller=call.caller, **as_dict(data)))


class MfaFactorsView(Endpoint):
    @operation("account.listMFAFactors", scope="account", is_for_pending=True)
    def get(self, call: Call) -> Answer:
        return Answer(services.list_mfa_factors(caller=call.caller))


class MfaAuthenticatorView(Endpoint):
    @operation("account.createMFAAuthenticator", scope="account", is_for_enrolling=True)
    def post(self, call: Call) -> Answer:
        data = read_input(AuthenticatorInput, call.params)
        return Answer(services.create_mfa_authenticator(caller=call.caller, **as_dict(data)))

    @operation("account.updateMFAAuthenticator", scope="account", is_for_enrolling=True)
    def put(self, call: Call) -> Answer:
        data = read_input(AuthenticatorProofInput, call.params)
        return Answer(services.update_mfa_authenticator(caller=call.caller, **as_dict(data)))

    @operation("account.deleteMFAAuthenticator", scope="account")
    def delete(self, call: Call) -> Answer:
        data = read_input(AuthenticatorInput, call.params)
        services.delete_mfa_authenticator(caller=call.caller, **as_dict(data))
        return no_content()


class MfaRecoveryCodesView(Endpoint):
    @operation("account.getMFARecoveryCodes", scope="account")
    def get(self, call: Call) -> Answer:
        return Answer(services.get_mfa_recovery_codes(caller=call.caller))

    @operation("account.createMFARecoveryCodes", scope="account")
    def post(self, call: Call) -> Answer:
        return created(services.create_mfa_recovery_codes(caller=call.caller))

    @operation("account.updateMFARecoveryCodes", scope="account")
    def patch(self, call: Call) -> Answer:
        return Answer(services.update_mfa_recovery_codes(caller=call.caller))


class MfaChallengesView(Endpoint):
    @operation(
        "account.createMFAChallenge",
        scope="account",
        rate_limit=CHALLENGE_LIMIT,
        is_for_pending=True,
    )
    def post(self, call: Call) -> Answer:
        data = read_input(ChallengeInput, call.params)
        return created(services.create_mfa_challenge(caller=call.caller, **as_dict(data)))

    @operation(
        "account.updateMFAChallenge", scope="account", rate_limit=PROOF_LIMIT, is_for_pending=True
    )
    def put(self, call: Call) -> Answer:
        data = read_input(ChallengeProofInput, call.params)
        return Answer(services.update_mfa_challenge(caller=call.caller, **as_dict(data)))


class UserMfaView(Endpoint):
    @operation("users.updateMFA", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserMfaInput, call.params)
        return Answer(services.update_user_mfa(caller=call.caller, **as_dict(data)))


class UserMfaFactorsView(Endpoint):
    @operation("users.listMFAFactors", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(UserInput, call.params)
        return Answer(services.list_user_mfa_factors(caller=call.caller, **as_dict(data)))


class UserMfaChallengeView(Endpoint):
    @operation("users.getMFAChallenge", scope=READ, is_for_servers=True)
    def get(self, call: Call) -> Answer:
        data = read_input(UserChallengeInput, call.params)
        return Answer(services.get_mfa_challenge(caller=call.caller, **as_dict(data)))


class UserMfaAuthenticatorView(Endpoint):
    @operation("users.deleteMFAAuthenticator", scope=WRITE)
    def delete(self, call: Call) -> Answer:
        data = read_input(UserAuthenticatorInput, call.params)
        services.delete_user_mfa_authenticator(caller=call.caller, **as_dict(data))
        return no_content()


class UserMfaRecoveryCodesView(Endpoint):
    @operation("users.getMFARecoveryCodes", scope=READ)
    def get(self, call: Call) -> Answer:
        data = read_input(UserInput, call.params)
        return Answer(services.get_user_mfa_recovery_codes(caller=call.caller, **as_dict(data)))

    @operation("users.createMFARecoveryCodes", scope=WRITE)
    def patch(self, call: Call) -> Answer:
        data = read_input(UserInput, call.params)
        return Answer(services.create_user_mfa_recovery_codes(caller=call.caller, **as_dict(data)))

    @operation("users.updateMFARecoveryCodes", scope=WRITE)
    def put(self, call: Call) -> Answer:
        data = read_input(UserInput, call.params)
        return Answer(services.update_user_mfa_recovery_codes(caller=call.caller, **as_dict(data)))
