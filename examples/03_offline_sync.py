"""Keep a copy of the posts in a file; each run brings it up to date with what changed meanwhile."""

import json
from pathlib import Path
from typing import Any

from appwrite.client import Client
from appwrite.exception import AppwriteException
from appwrite.query import Query
from backend import new_client, run

POSTS = "/databases/default/collections/posts/documents"
FILE = Path("posts.json")


def main() -> None:
    client = new_client()
    copy = json.loads(FILE.read_text()) if FILE.exists() else read_anew(client)
    try:
        catch_up(client, copy)
    except AppwriteException as error:
        if error.type != "general_cursor_expired":  # away for too long
            raise
        copy = read_anew(client)
    FILE.write_text(json.dumps(copy))
    print("Posts in the copy:", len(copy["posts"]))


def catch_up(client: Client, copy: dict[str, Any]) -> None:
    has_more = True
    while has_more:
        page = get(client, f"{POSTS}/changes", since=copy["cursor"])
        for change in page["changes"]:
            print(change["type"], change["documentId"])
            copy["posts"].pop(change["documentId"], None)
            if change["type"] != "delete":
                copy["posts"][change["documentId"]] = change["document"]
        copy["cursor"], has_more = page["cursor"], page["hasMore"]


def read_anew(client: Client) -> dict[str, Any]:
    cursor = get(client, f"{POSTS}/changes")["cursor"]  # first the cursor, then the list
    posts: dict[str, Any] = {}
    queries = [Query.limit(100)]
    while page := get(client, POSTS, queries=queries)["documents"]:
        posts |= {post["$id"]: post for post in page}
        queries = [Query.limit(100), Query.cursor_after(page[-1]["$id"])]
    return {"cursor": cursor, "posts": posts}


def get(client: Client, path: str, **params: Any) -> Any:
    return client.call("get", path, {"X-Appwrite-Project": client.get_config("project")}, params)


if __name__ == "__main__":
    run(main)
