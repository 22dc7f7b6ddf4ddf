"""Sign up, log in, a token, preferences, log out."""

import scenario
from appwrite.id import ID
from appwrite.services.account import Account

email = f"{ID.unique()}@example.com"
with_key = Account(scenario.key_client())
user = with_key.create(ID.unique(), email, scenario.PASSWORD, "Alice")
session = with_key.create_email_password_session(email, scenario.PASSWORD)

as_user = Account(scenario.client().set_session(session["secret"]))
jwt = as_user.create_jwt()
by_token = Account(scenario.client().set_jwt(jwt["jwt"]))

scenario.tell(
    user=user,
    session=session,
    jwt=jwt,
    me=as_user.get(),
    by_token=by_token.get(),
    changed=as_user.update_prefs({"theme": "dark"}),
    prefs=as_user.get_prefs(),
    sessions=as_user.list_sessions(),
    ended=as_user.delete_session("current"),
    afterwards=scenario.refusal(as_user.get),
    token_afterwards=scenario.refusal(by_token.get),
)
