import schemathesis
from hypothesis import strategies

KEYS = strategies.from_regex(r'"[A-Za-z0-9._-]{1,64}:[0-9]{1,15}"', fullmatch=True, alphabet=strategies.characters(codec="ascii"))
schemathesis.openapi.format("idempotency-key", KEYS)


@schemathesis.hook
def before_load_schema(_context, document):
    """Has keys generated: the quotes in them are not among the characters that header fields get by default."""
    document["components"]["parameters"]["Idempotency-Key"]["schema"] = {"type": "string", "format": "idempotency-key"}
