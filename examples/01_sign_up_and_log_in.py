"""Sign up, log in, and act as the user with a JSON Web Token."""

import sys

from appwrite.client import Client
from appwrite.services.account import Account
from backend import EMAIL, PASSWORD, new_client, run, server_client, sign_up


def main() -> None:
    server = server_client()
    sign_up(server)

    # The secret is in the answer because a key asked for it. A browser gets a cookie instead.
    session = Account(server).create_email_password_session(email=EMAIL, password=PASSWORD)
    if not session.secret:
        sys.exit("APPWRITE_KEY is not a key of this project")
    print("Session created:", session.id)

    user = new_client().set_session(session.secret)
    jwt = create_jwt(user)
    print("JWT:", jwt[:16] + "...")

    me = Account(new_client().set_jwt(jwt)).get()
    print("The JWT acts as:", me.name, me.id)

    Account(user).delete_session("current")
    print("Logged out; the JWT has ended with its session")


def create_jwt(user: Client) -> str:
    """Call `account.createJWT`, for which the newest Python SDK has no method."""
    headers = {
        "content-type": "application/json",
        "X-Appwrite-Project": user.get_config("project"),
    }
    answer = user.call("post", "/account/jwts", headers)
    return str(answer["jwt"])


if __name__ == "__main__":
    run(main)
