"""Our own language: jobs, by the names of the options table."""

from sdcli.server.dialects.jobs.answers import answer_failure
from sdcli.server.dialects.jobs.routes import make_router
from sdcli.server.http.dialect import Dialect

DIALECT = Dialect(("/v1/jobs", "/v1/files"), make_router, answer_failure)
