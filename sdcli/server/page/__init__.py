"""The page at `/`: what a server offers to whoever has nothing but a browser."""

from sdcli.server.dialects.jobs.answers import answer_failure
from sdcli.server.http.dialect import Dialect
from sdcli.server.page.routes import make_router

DIALECT = Dialect(("/v1/pictures", "/v1/form"), make_router, answer_failure)
