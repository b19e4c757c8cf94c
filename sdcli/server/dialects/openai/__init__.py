"""What clients of OpenAI's image API speak."""

from sdcli.server.dialects.openai.answers import answer_failure
from sdcli.server.dialects.openai.routes import make_router
from sdcli.server.http.dialect import Dialect

DIALECT = Dialect(("/v1/images", "/v1/models"), make_router, answer_failure)
