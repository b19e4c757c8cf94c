"""AUTOMATIC1111's `/sdapi/v1`, as its clients speak it.

`fields.py` and `settings.py` are the tables of what may be said and what becomes of it, `request.py`
makes a request of that, `answer.py` an answer of the pictures; `routes.py` binds them to HTTP.
"""

from sdcli.server.dialects.a1111.answer import answer_failure
from sdcli.server.dialects.a1111.routes import PREFIX, make_router
from sdcli.server.http.dialect import Dialect

DIALECT = Dialect((PREFIX, "/internal/"), make_router, answer_failure)
