import schemathesis
from hypothesis import strategies

ASCII = strategies.characters(codec="ascii")
KEY = r'"[A-Za-z0-9._-]{1,64}:[0-9]{1,15}"'
schemathesis.openapi.format("idempotency-key", strategies.from_regex(KEY, fullmatch=True, alphabet=ASCII))


@schemathesis.hook
def before_load_schema(_context, document):
    """Generates keys by their pattern: the quotes in them are not among the default characters of fields."""
    key = document["components"]["parameters"]["Idempotency-Key"]
    key["schema"] = {"type": "string", "format": "idempotency-key"}
