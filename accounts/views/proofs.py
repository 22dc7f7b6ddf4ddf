"""Paths by which users prove their address, and replace a forgotten password."""

from accounts import services
from accounts.inputs.proofs import (
    NewPasswordInput,
    ProofInput,
    RecoveryInput,
    RecoveryOtpInput,
    VerificationInput,
    VerificationOtpInput,
)
from gateway.operations import RateLimit, operation
from gateway.views import Answer, Call, Endpoint, created
from kernel.fields import as_dict, read_input

# One budget for a path and its older twin.
VERIFICATION_LIMIT = RateLimit(10, ("method:{method},userId:{userId}",))
PROOF_LIMIT = RateLimit(10, ("method:{method},userId:{param-userId}",))
PHONE_VERIFICATION_LIMIT = RateLimit(10, ("phone-userId:{userId}", "phone-ip:{ip}"))
PHONE_PROOF_LIMIT = RateLimit(10, ("phone-proof-userId:{param-userId}",))
RECOVERY_LIMIT = RateLimit(10, ("url:{url},email:{param-email}", "url:{url},ip:{ip}"))
NEW_PASSWORD_LIMIT = RateLimit(10, ("url:{url},userId:{param-userId}",))
RECOVERY_OTP_LIMIT = RateLimit(10, ("recovery-otp-email:{param-email}", "recovery-otp-ip:{ip}"))
NEW_PASSWORD_OTP_LIMIT = RateLimit(10, ("recovery-otp-userId:{param-userId}",))


class EmailVerificationsView(Endpoint):
    @operation(
        "account.createEmailVerification",
        "account.createVerification",
        scope="account",
        rate_limit=VERIFICATION_LIMIT,
        is_for_enrolling=True,
    )
    def post(self, call: Call) -> Answer:
        data = read_input(VerificationInput, call.params)
        return created(services.create_email_verification(caller=call.caller, **as_dict(data)))

    @operation(
        "account.updateEmailVerification",
        "account.updateVerification",
        scope="public",
        rate_limit=PROOF_LIMIT,
        is_for_enrolling=True,
    )
    def put(self, call: Call) -> Answer:
        data = read_input(ProofInput, call.params)
        return Answer(services.update_own_email_verification(caller=call.caller, **as_dict(data)))


class EmailVerificationOtpView(Endpoint):
    @operation(
        "account.createEmailVerificationOtp",
        scope="account",
        rate_limit=VERIFICATION_LIMIT,
        is_for_enrolling=True,
    )
    def post(self, call: Call) -> Answer:
        data = read_input(VerificationOtpInput, call.params)
        return created(services.create_email_verification_otp(caller=call.caller, **as_dict(data)))

    @operation(
        "account.updateEmailVerificationOtp",
        scope="public",
        rate_limit=PROOF_LIMIT,
        is_for_enrolling=True,
    )
    def put(self, call: Call) -> Answer:
        data = read_input(ProofInput, call.params)
        return Answer(services.update_email_verification_otp(caller=call.caller, **as_dict(data)))


class PhoneVerificationsView(Endpoint):
    @operation(
        "account.createPhoneVerification",
        scope="account",
        rate_limit=PHONE_VERIFICATION_LIMIT,
        is_for_enrolling=True,
    )
    def post(self, call: Call) -> Answer:
        return created(services.create_phone_verification(caller=call.caller))

    @operation(
        "account.updatePhoneVerification",
        scope="public",
        rate_limit=PHONE_PROOF_LIMIT,
        is_for_enrolling=True,
    )
    def put(self, call: Call) -> Answer:
        data = read_input(ProofInput, call.params)
        return Answer(services.update_own_phone_verification(caller=call.caller, **as_dict(data)))


class RecoveryView(Endpoint):
    @operation("account.createRecovery", scope="sessions.write", rate_limit=RECOVERY_LIMIT)
    def post(self, call: Call) -> Answer:
        data = read_input(RecoveryInput, call.params)
        return created(services.create_recovery(caller=call.caller, **as_dict(data)))

    @operation("account.updateRecovery", scope="sessions.write", rate_limit=NEW_PASSWORD_LIMIT)
    def put(self, call: Call) -> Answer:
        data = read_input(NewPasswordInput, call.params)
        return Answer(services.update_recovery(caller=call.caller, **as_dict(data)))


class RecoveryOtpView(Endpoint):
    @operation("account.createRecoveryOtp", scope="sessions.write", rate_limit=RECOVERY_OTP_LIMIT)
    def post(self, call: Call) -> Answer:
        data = read_input(RecoveryOtpInput, call.params)
        return created(services.create_recovery_otp(caller=call.caller, **as_dict(data)))

    @operation(
        "account.updateRecoveryOtp", scope="sessions.write", rate_limit=NEW_PASSWORD_OTP_LIMIT
    )
    def put(self, call: Call) -> Answer:
        data = read_input(NewPasswordInput, call.params)
        return Answer(services.update_recovery_otp(caller=call.caller, **as_dict(data)))
