"""ringsend: HTTP requests in bulk, each with exactly one result.

    async with ringsend.Session(pool=40, tries=4) as session:
        results = await session.request(data_list)

    results = ringsend.send(records, pool=40)

One engine in C behind it: connections, tries, pauses, TLS. See help(ringsend.Session), and
ringsend(3) for what is promised."""

from ._library import PATH as library_path
from ._library import VERSION as library_version
from ._options import ERRORS, NEVER, RETRY_ON_DEFAULT
from ._result import Attempt, RequestError, Result, SessionClosed, Times
from ._send import results, send
from ._session import Session
from ._shared import Certificates, Limits

__version__ = "0.1.0"
__all__ = [
    "Attempt", "Certificates", "ERRORS", "Limits", "NEVER", "RETRY_ON_DEFAULT", "RequestError",
    "Result", "Session", "SessionClosed", "Times", "library_path", "library_version", "results",
    "send"
]
