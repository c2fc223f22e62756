from os import environ

from playcount_client import AuthenticatedClient
from playcount_client.api.playcount import acknowledge_fold, add_batch, play, seal_fold
from playcount_client.models import CountOverflow, Plays

client = AuthenticatedClient(
    base_url=environ.get("PLAYCOUNT_URL", "http://localhost:8000"),
    token=environ.get("PLAYCOUNT_TOKEN", "none"),
)

print(play.sync("42", client=client).count)
print(play.sync("42", client=client, body=2**40).count)
counts = add_batch.sync(client=client, body=Plays.from_dict({"42": 1, "a/b": 2}))
print(counts["a/b"])

plays = seal_fold.sync(1, client=client, body="plays-to-db")
print(plays["a/b"])  # store the fold in the database before the next request
print(acknowledge_fold.sync(1, client=client).status)

refused = play.sync("42", client=client, body=2**53 - 1)
assert isinstance(refused, CountOverflow)
print(refused.type_)
