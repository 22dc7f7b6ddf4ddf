"""The kinds of targets: what a message goes to."""

EMAIL, SMS, PUSH = "email", "sms", "push"
TYPES = (EMAIL, SMS, PUSH)
